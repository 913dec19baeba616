package ledger

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/provider"
)

func unreported(t *testing.T, l *Ledger, limit int) []book.Event {
	t.Helper()
	events, err := l.Unreported(context.Background(), book.Attestation, limit)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func TestOutbox(t *testing.T) {
	ctx := context.Background()
	c := newClock()
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := openAt(t, path, c.now)
	furnish(t, l, 100_00)
	var trades []*provider.Trade
	for range 3 {
		p := newPayment(5_00)
		trades = append(trades, mustPay(t, l, p))
		mustPay(t, l, again(p)) // the first answer, and no second event
		c.add(time.Second)
	}
	_, err := l.Pay(ctx, newPayment(500_00))
	wantCode(t, err, protocol.CodeTotalLimitExceeded)

	t.Run("PSD-PAY-A402-24 one event a payment, in order", func(t *testing.T) {
		events := unreported(t, l, 10)
		if len(events) != len(trades) {
			t.Fatalf("%d events", len(events))
		}
		for i, e := range events {
			want := book.Event{ID: e.ID, Type: "act:payment:transaction-completed", TradeNo: trades[i].No, DelegationID: "m-1", Order: trades[i].Order, At: trades[i].PaidAt}
			if e != want || i > 0 && e.ID <= events[i-1].ID {
				t.Errorf("event %d: %+v, want %+v", i, e, want)
			}
		}
		if limited := unreported(t, l, 2); len(limited) != 2 || limited[0] != events[0] {
			t.Errorf("%+v", limited)
		}
	})
	t.Run("PSD-PAY-A402-24 what is acknowledged stays so", func(t *testing.T) {
		events := unreported(t, l, 10)
		wantCode(t, l.Acknowledge(ctx, book.Attestation, 99), protocol.CodeFieldInvalid)
		for _, e := range []book.Event{events[1], events[1], events[0]} { // again, and an earlier one
			if err := l.Acknowledge(ctx, book.Attestation, e.ID); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = openAt(t, path, c.now)
		if left := unreported(t, l, 10); len(left) != 1 || left[0] != events[2] {
			t.Fatalf("left %+v", left)
		}
		if r := sound(t, l); r.Unreported[book.Attestation] != 1 || r.Trades != 3 {
			t.Errorf("%+v", r)
		}
	})
}
