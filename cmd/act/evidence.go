package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/actprotocol/act-go/evidence"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/trustlog"
)

// trustFlags say whose keys count.
type trustFlags struct {
	documents []*identity.Document
	witnesses []trustlog.Witness
}

func newTrustFlags(set *flag.FlagSet) *trustFlags {
	t := new(trustFlags)
	set.Func("document", "", func(name string) error {
		d, err := readDocument(name)
		t.documents = append(t.documents, d)
		return err
	})
	set.Func("witness", "", func(key string) error {
		w, err := trustlog.ParseWitness(key)
		t.witnesses = append(t.witnesses, w)
		return err
	})
	return t
}

func (t *trustFlags) trust() evidence.Trust {
	if len(t.documents) == 0 {
		return evidence.Trust{InsecureCarriedKeys: true}
	}
	return evidence.TrustDocuments(t.documents, t.witnesses...)
}

func evidenceVerify(args []string, stdout, stderr io.Writer) error {
	set := flag.NewFlagSet("act evidence verify", flag.ContinueOnError)
	trust := newTrustFlags(set)
	if err := parse(set, args, stderr, 1); err != nil {
		return err
	}
	_, report, err := readEvidence(set.Arg(0), trust, stderr)
	if err != nil {
		return err
	}
	good := 0
	for _, x := range report.Results {
		fmt.Fprintln(stdout, recordLine(x))
		if x.Conclusion == attestation.Verified {
			good++
		}
	}
	for _, f := range report.Faults {
		fmt.Fprintln(stdout, strings.TrimSpace(fmt.Sprintf("FAULT at %s: %s  %s", f.Where, f.Detail, f.ID)))
	}
	fmt.Fprintf(stdout, "%d of %d records VERIFIED\n", good, len(report.Results))
	if !report.Verified() {
		return errWrong
	}
	return nil
}

// recordLine is the line of a record. Ids are visible ASCII, and what else is
// printed is ours.
func recordLine(x evidence.Result) string {
	conclusion := string(x.Conclusion)
	if conclusion == "" {
		conclusion = "NO_RECORD"
	}
	parts := []string{fmt.Sprintf("%-22s", conclusion)}
	if x.Record != nil {
		event := string(x.Record.Type)
		parts = append(parts, x.Record.EventTime.Format("2006-01-02T15:04:05Z"), fmt.Sprintf("%-21s", event[strings.LastIndex(event, ":")+1:]))
	}
	parts = append(parts, x.ID)
	for _, p := range x.Places {
		parts = append(parts, p.String())
	}
	if x.Where != "" {
		parts = append(parts, "at "+x.Where+": "+x.Failed.String())
	}
	if x.Signer != "" {
		parts = append(parts, "signer "+x.Signer)
	}
	return strings.Join(parts, "  ")
}

// readEvidence reads and verifies a file, and says so when nobody vouches for
// its keys.
func readEvidence(name string, trust *trustFlags, stderr io.Writer) (*evidence.File, *evidence.Report, error) {
	if len(trust.witnesses) > 0 && len(trust.documents) == 0 {
		fmt.Fprintln(stderr, "act: -witness needs the -document of a trust chain")
		return nil, nil, errUsage
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, evidence.MaxFile+1))
	if err != nil {
		return nil, nil, err
	}
	file, err := evidence.Open(data)
	if err != nil {
		return nil, nil, err
	}
	report, err := file.Verify(context.Background(), trust.trust())
	if err != nil {
		return nil, nil, err
	}
	if len(report.Carried()) > 0 {
		fmt.Fprintln(stderr, "act: the keys are those that the file carries, and nobody vouches for them (-document)")
	}
	return file, report, nil
}

func evidenceView(args []string, stdout, stderr io.Writer) error {
	set := flag.NewFlagSet("act evidence view", flag.ContinueOnError)
	trust := newTrustFlags(set)
	out := set.String("o", "", "")
	if err := parse(set, args, stderr, 1); err != nil {
		return err
	}
	if *out == "" {
		*out = strings.TrimSuffix(set.Arg(0), ".json") + ".html"
	}
	file, report, err := readEvidence(set.Arg(0), trust, stderr)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := evidence.View(&page, file, report); err != nil {
		return err
	}
	if err := os.WriteFile(*out, page.Bytes(), 0o600); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "wrote %s\n", *out)
	if !report.Verified() {
		return errWrong
	}
	return nil
}
