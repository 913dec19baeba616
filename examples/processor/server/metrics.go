package server

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/actprotocol/act-go/examples/internal/metrics"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/provider"
)

// bounds are the upper ends of the buckets for the time of an answer.
var bounds = []time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second,
}

// counts is what the server tells of itself in numbers. No label holds what a
// stranger chose: paths are those that are served, codes are the closed list.
type counts struct {
	registry metrics.Registry
	answers  *metrics.Counters
	took     *metrics.Times
	payments *metrics.Counters
	refusals *metrics.Counters
	lookups  *metrics.Counters
}

func newCounts() *counts {
	c := new(counts)
	c.answers = c.registry.Counters("act_answers_total", "Answers by path and code; the code of success is ok.", "path", "code")
	c.took = c.registry.Times("act_answer_seconds", "Time from the request's header to the answer, by path.", bounds, "path")
	c.payments = c.registry.Counters("act_payments_total", "Payments that were decided, by scenario and what became of them: paid, waiting, refused, undetermined.", "scenario", "became")
	c.refusals = c.registry.Counters("act_payment_refusals_total", "Payments that were refused, by code.", "code")
	c.lookups = c.registry.Counters("act_lookups_failed_total", "Keys and states that could not be looked up, by code.", "of", "code")
	return c
}

// answered counts an answer.
func (c *counts) answered(path string, err error, took time.Duration) {
	c.answers.With(path, label(err)).Add(1)
	c.took.With(path, "").Observe(took)
}

// label is the code of an answer.
func label(err error) string {
	if err == nil {
		return "ok"
	}
	return string(protocol.AsError(err).Code)
}

// decided counts a payment.
func (c *counts) decided(v provider.Verdict) {
	became := "refused"
	switch code := protocol.CodeOf(v.Decision.Err()); {
	case v.Decision.Allowed() && v.Trade.Waiting():
		became = "waiting"
	case v.Decision.Allowed():
		became = "paid"
	case code.Outcome() == protocol.Undetermined:
		became = "undetermined"
	default:
		c.refusals.With(string(code), "").Add(1)
	}
	c.payments.With(string(v.Scenario), became).Add(1)
}

// WriteMetrics writes what the server counted, in the text format that
// Prometheus reads.
func (s *Server) WriteMetrics(w io.Writer) error {
	_, err := s.counts.registry.WriteTo(w)
	return err
}

// Ready returns nil when the book answers, and a payment could be written into
// it. Whether the sources of other parties' documents answer is not asked: they
// are many, and strangers'.
func (s *Server) Ready(ctx context.Context) error {
	_, err := s.ledger.Device(ctx, "dev-none")
	if denied(err) {
		err = nil
	}
	if book, ok := s.ledger.(interface{ Writable(context.Context) error }); ok && err == nil {
		err = book.Writable(ctx)
	}
	if err != nil {
		return errors.Join(protocol.New(protocol.CodeServiceUnavailable, "", "", "the book does not answer"), err)
	}
	return nil
}
