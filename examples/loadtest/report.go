package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

// A report is what a run has shown.
type report struct {
	PerSecond  float64 `json:"payments_per_second"`
	P50        float64 `json:"p50_ms"`
	P99        float64 `json:"p99_ms"`
	Errors     int     `json:"errors"`
	CPU        float64 `json:"cpu_us_per_payment"`
	Floor      float64 `json:"floor_us_per_payment"`
	RSS        float64 `json:"rss_mib"`
	Store      string  `json:"store"`
	Processes  int     `json:"processes"`
	Rate       float64 `json:"rate"`
	Seconds    float64 `json:"seconds"`
	Agents     int     `json:"agents"`
	Prefilled  int     `json:"prefilled"`
	Ratio      float64 `json:"ratio"` // of CPU to floor
	Note       string  `json:"note,omitzero"`
	fault      error
	payments   int // made in all, the warm-up included
	stages     []stage
	maxLatency time.Duration
}

func (l *load) report(o options, floor time.Duration) (*report, error) {
	used, err := l.street.usage()
	if err != nil {
		return nil, err
	}
	if len(l.latencies) == 0 {
		return nil, fmt.Errorf("no payment was answered: %w", errors.Join(l.fault))
	}
	slices.Sort(l.latencies)
	n := len(l.latencies)
	return &report{
		PerSecond: round1(float64(n) / l.spent.Seconds()), P50: ms(quantile(l.latencies, 50)), P99: ms(quantile(l.latencies, 99)),
		Errors: l.errors, CPU: us(l.cpu / time.Duration(n)), Floor: us(floor), RSS: round1(float64(used.rss) / (1 << 20)),
		Store: o.store, Processes: o.processes, Rate: round1(l.rate), Seconds: round1(l.spent.Seconds()), Agents: o.agents, Prefilled: o.prefill,
		Ratio: math.Round(float64(l.cpu)/float64(n)/float64(floor)*100) / 100, Note: l.note,
		fault: l.fault, payments: o.prefill + l.sent - l.errors, maxLatency: l.latencies[n-1],
	}, nil
}

// quantile is the least value that percent of all do not exceed; values are
// sorted.
func quantile(values []time.Duration, percent int) time.Duration {
	return values[(len(values)*percent+99)/100-1]
}

func ms(d time.Duration) float64 {
	return float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
}
func us(d time.Duration) float64 {
	return float64(d.Round(100*time.Nanosecond)) / float64(time.Microsecond)
}
func round1(v float64) float64 { return float64(int64(v*10+0.5)) / 10 }

// print writes the report, as one JSON object or for people. A run with errors
// is one that failed.
func (r *report) print(w io.Writer, asJSON bool) error {
	if asJSON {
		text, err := json.Marshal(r, jsontext.WithIndent("  "))
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\n", text)
	} else {
		r.table(w)
	}
	if r.Errors > 0 {
		return fmt.Errorf("%d errors, the first: %w", r.Errors, r.fault)
	}
	return nil
}

func (r *report) table(w io.Writer) {
	fmt.Fprintf(w, "%.1f payments a second for %.1f s, %d errors (%s)\n", r.PerSecond, r.Seconds, r.Errors, r.Store)
	fmt.Fprintf(w, "latency: p50 %.2f ms, p99 %.2f ms, most %.2f ms\n", r.P50, r.P99, ms(r.maxLatency))
	fmt.Fprintf(w, "processor: %.1f us of CPU a payment, %.2f times the %.1f us of its signatures; %.1f MiB at most\n", r.CPU, r.Ratio, r.Floor, r.RSS)
	if r.Note != "" {
		fmt.Fprintf(w, "%s\n", r.Note)
	}
	fmt.Fprintln(w)
	for _, s := range r.stages {
		fmt.Fprintf(w, "%6.1f us %5.1f %%  %s\n", s.share*r.CPU, 100*s.share, s.name)
	}
}

// verify looks at what is behind the answers: the sample, as an agent would, and
// the book.
func (s *street) verify(ctx context.Context, sample []answer, payments int) error {
	var audit struct {
		Sound    bool     `json:"sound"`
		Trades   int      `json:"trades"`
		Problems []string `json:"problems"`
	}
	if err := s.processor.desk(ctx, "audit", nil, &audit); err != nil {
		return err
	}
	if !audit.Sound || audit.Trades < payments {
		return fmt.Errorf("the book is not sound, or lacks payments: %d of %d, %q", audit.Trades, payments, audit.Problems)
	}
	found := verifier.NewResolver(verifier.ResolverConfig{RootCAs: s.roots, InsecureAllowLoopback: true})
	status, err := verifier.NewStatusClient(verifier.StatusConfig{Keys: found, RootCAs: s.roots, InsecureAllowLoopback: true})
	if err != nil {
		return err
	}
	v, err := verifier.New(verifier.Config{Issuers: verifier.IssuerMap{}, Keys: found, Status: status})
	if err != nil {
		return err
	}
	for _, a := range sample {
		if _, err := v.Result(ctx, a.body, s.expectation(a.number)); err != nil {
			return protocol.In(err, "the answer to "+requestID(a.number))
		}
	}
	return nil
}

// expectation is what the agent of the n-th payment expects of the answer.
func (s *street) expectation(n int) verifier.ResultExpectation {
	b := s.buyers[n%len(s.buyers)]
	return verifier.ResultExpectation{Thumbprint: b.signer.Public().Thumbprint(), Request: payment.Request{
		Scenario: payment.ScenarioDEL, RequestID: requestID(n), PSPID: s.processor.id.String(), BuyerAgentID: b.signer.DID(),
		MerchantID: b.shop.signer.DID(), DelegationID: b.mandateID, MerchantOrderID: orderNumber(n), Amount: price, PaymentMethod: method,
	}}
}
