package postgres

import (
	"context"
	"testing"

	"github.com/actprotocol/act-go/examples/internal/pgcluster"
	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
)

// TestOutboxOrder: an event that a transaction has yet to commit is never
// behind one that was told. The numbers of events are those of transactions, and
// nothing is told above the oldest that runs.
func TestOutboxOrder(t *testing.T) {
	s := openAt(t, pgcluster.ForTest(t), nil)
	furnish(t, s, 1000)
	ctx := context.Background()
	mustPay(t, s, newPayment(1))
	before, err := s.Unreported(ctx, book.Attestation, 10)
	must(t, err)
	if len(before) != 1 {
		t.Fatalf("%d events, want the first at once", len(before))
	}

	// A payment whose transaction began to write and has not ended.
	slow, err := s.pool.Begin(ctx)
	must(t, err)
	j := newJob(ptr(newPayment(1)))
	must(t, slow.QueryRow(ctx, payCall, j.args(nil, 0)...).Scan(j.into()...))
	quick := newPayment(1) // another mandate and token would be free; this one waits for nothing of the slow one's but its locks
	quick.Mandate.DelegationID, quick.Token = "m-2", "pt-2"
	bindToOther(t, s, &quick)
	trade := mustPay(t, s, quick)
	events, err := s.Unreported(ctx, book.Attestation, 10)
	must(t, err)
	if len(events) != 1 || events[0].ID != before[0].ID {
		t.Fatalf("PSD-PAY-A402-24 %d events are told while an earlier transaction runs", len(events))
	}
	must(t, slow.Commit(ctx))
	events, err = s.Unreported(ctx, book.Attestation, 10)
	must(t, err)
	if len(events) != 3 || events[1].TradeNo != j.tradeNo || events[2].TradeNo != trade.No || events[1].ID >= events[2].ID {
		t.Fatalf("events %+v, want the slow one's before the quick one's", events)
	}
	must(t, s.Acknowledge(ctx, book.Attestation, events[1].ID), s.Acknowledge(ctx, book.Attestation, events[0].ID))
	left, err := s.Unreported(ctx, book.Attestation, 10)
	must(t, err)
	if len(left) != 1 || left[0].TradeNo != trade.No {
		t.Fatalf("left %+v", left)
	}
	wantCode(t, s.Acknowledge(ctx, book.Attestation, 1<<50), protocol.CodeFieldInvalid)
	_, err = s.Unreported(ctx, "somebody", 1)
	wantCode(t, err, protocol.CodeFieldInvalid)
}

func ptr[T any](v T) *T { return &v }

// TestRestored: a book that comes into a cluster which has counted less far goes
// on above what it has, so that no consumer misses an event.
func TestRestored(t *testing.T) {
	c := pgcluster.ForTest(t)
	s := openIn(t, c, "act", nil)
	furnish(t, s, 1000)
	ctx := context.Background()
	mustPay(t, s, newPayment(1))
	events, err := s.Unreported(ctx, book.Attestation, 10)
	must(t, err)
	must(t, s.Acknowledge(ctx, book.Attestation, events[0].ID))
	// As if it had come from a cluster with a longer history.
	const far = 1 << 52
	must(t, execute(s, `SET session_replication_role = replica;
		UPDATE events SET id = 4503599627370496, trade = 4503599627370496; UPDATE event_reports SET event = 4503599627370496; UPDATE trades SET id = 4503599627370496;
		UPDATE requests SET trade = 4503599627370496; UPDATE transfers SET id = 4503599627370496 WHERE cause = 'payment'; UPDATE meta SET cluster = 1;
		RESET session_replication_role`))
	must(t, s.Close())
	s = openIn(t, c, "act", nil)
	trade := mustPay(t, s, newPayment(1))
	events, err = s.Unreported(ctx, book.Attestation, 10)
	must(t, err)
	if len(events) != 1 || events[0].TradeNo != trade.No || events[0].ID <= far {
		t.Fatalf("%+v", events)
	}
	checked(t, s)
}
