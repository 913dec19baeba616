package main

import (
	"bytes"
	"cmp"
	"os"
	"slices"
	"strings"

	"github.com/google/pprof/profile"
)

// A stage is a part of the work of a payment, and which share of all processor
// time it took.
type stage struct {
	name  string
	share float64
}

// stageOf says where a sample belongs, by the functions on its stack, the
// innermost first: the first rule that fits any of them. Rules for what is
// everywhere (memory, signatures) come before those for the parts of the
// program that cause it.
var stageOf = []struct{ prefix, stage string }{
	{"runtime.gcBgMarkWorker", "garbage collection"},
	{"runtime.bgsweep", "garbage collection"},
	{"runtime.bgscavenge", "garbage collection"},
	{"runtime.gcAssistAlloc", "garbage collection"},
	{"runtime/pprof.", "the CPU profile itself"},
	{"crypto/ed25519.Verify", "signatures checked: request and order"},
	{"crypto/ed25519.PrivateKey.Sign", "signatures made: proof and result"},
	{"zombiezen.com/go/sqlite", "store: statements, with the disk below them"},
	{"modernc.org/sqlite", "store: statements, with the disk below them"},
	{"github.com/jackc/pgx", "store: the database's client, with the network below it"},
	{"github.com/actprotocol/act-go/examples/processor/ledger", "store: the rest"},
	{"github.com/actprotocol/act-go/examples/processor/postgres", "store: the rest"},
	{"github.com/actprotocol/act-go/verifier.(*Verifier).PaymentRequest", "request: form, canonical form, digests, key"},
	{"github.com/actprotocol/act-go/verifier.(*AuthenticRequest)", "mandate, order, boundaries"},
	{"github.com/actprotocol/act-go/provider.(*Provider).result", "proof and result: forms and texts"},
	{"github.com/actprotocol/act-go/provider.(*Provider).answer", "proof and result: forms and texts"},
	{"github.com/actprotocol/act-go/provider.", "provider: the rest"},
	{"github.com/actprotocol/act-go/examples/processor/server.", "server: the rest"},
	{"crypto/tls.(*Conn)", "TLS, with the network below it"},
	{"net/http.", "HTTP"},
	{"net.", "network"},
	{"runtime.", "scheduler and the rest of the runtime"},
}

// addStages reads the profile, if there is one, and keeps it in a file, if one
// is named.
func (r *report) addStages(data []byte, file string) (err error) {
	if data == nil {
		return nil
	}
	if file != "" {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			return err
		}
	}
	r.stages, err = stagesOf(data)
	return err
}

// stagesOf reads a CPU profile.
func stagesOf(data []byte) ([]stage, error) {
	p, err := profile.Parse(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	sums, all := map[string]int64{}, int64(0)
	for _, s := range p.Sample {
		value := s.Value[len(s.Value)-1] // of (count, time)
		sums[stageName(s)] += value
		all += value
	}
	var out []stage
	for name, sum := range sums {
		out = append(out, stage{name, float64(sum) / float64(all)})
	}
	slices.SortFunc(out, func(a, b stage) int { return cmp.Or(cmp.Compare(b.share, a.share), cmp.Compare(a.name, b.name)) })
	return out, nil
}

func stageName(s *profile.Sample) string {
	for _, rule := range stageOf {
		for _, location := range s.Location {
			for _, line := range location.Line {
				if line.Function != nil && strings.HasPrefix(line.Function.Name, rule.prefix) {
					return rule.stage
				}
			}
		}
	}
	return "other"
}
