package payment_test

import (
	"encoding/json"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
)

func TestMoves(t *testing.T) {
	// By the text of the protocol, not by the code's own table.
	want := map[payment.State][]payment.State{
		payment.StateCreate:                {payment.StateWaitBuyerPay},
		payment.StateWaitBuyerPay:          {payment.StateWaitSellerFulfillment, payment.StateTradeClosed},
		payment.StateWaitSellerFulfillment: {payment.StateWaitBuyerReceipt, payment.StateTradeClosed},
		payment.StateWaitBuyerReceipt:      {payment.StateTradeFinished, payment.StateTradeClosed},
	}
	t.Run("PSD-PAY-A402-11 only these moves", func(t *testing.T) {
		for _, from := range payment.States() {
			for _, to := range payment.States() {
				if got := payment.Can(from, to); got != slices.Contains(want[from], to) {
					t.Errorf("%s to %s: %v", from, to, got)
				}
			}
			if from.Terminal() != (len(want[from]) == 0) {
				t.Errorf("%s terminal: %v", from, from.Terminal())
			}
		}
	})
	t.Run("unknown states and events go nowhere", func(t *testing.T) {
		for _, s := range []payment.State{"", "create", "PAID"} {
			if s.Known() || s.Terminal() || payment.Can(s, payment.StateWaitBuyerPay) || payment.Can(payment.StateCreate, s) {
				t.Errorf("%q", s)
			}
			for _, e := range payment.Events() {
				if _, err := payment.Next(s, e); protocol.CodeOf(err) != protocol.CodeStateConflict {
					t.Errorf("%q %s: %v", s, e, err)
				}
			}
		}
		if _, err := payment.Next(payment.StateCreate, "PAYMENT_VALIDATED "); protocol.CodeOf(err) != protocol.CodeStateConflict {
			t.Error(err)
		}
	})
}

func TestOfficialTransitions(t *testing.T) {
	type row struct {
		From  payment.State
		Event payment.Event
		To    payment.State
	}
	var data struct{ Allowed, Forbidden []row }
	if err := json.Unmarshal(official(t, "fixtures-earlier/state-transitions.json"), &data); err != nil {
		t.Fatal(err)
	}
	if len(data.Allowed) != len(payment.Events()) || len(data.Forbidden) == 0 {
		t.Fatalf("%d allowed, %d forbidden", len(data.Allowed), len(data.Forbidden))
	}
	for _, r := range data.Allowed {
		if to, err := payment.Next(r.From, r.Event); err != nil || to != r.To {
			t.Errorf("PSD-PAY-A402-11 %s %s: %s, %v; want %s", r.From, r.Event, to, err, r.To)
		}
	}
	for _, r := range data.Forbidden {
		if to, err := payment.Next(r.From, r.Event); err == nil {
			t.Errorf("PSD-PAY-A402-11 %s %s: %s", r.From, r.Event, to)
		}
	}
}

// TestRandomLives lets random events happen to a trade: it never leaves a
// terminal state, never comes back to a state it has left, never is delivered
// before it is paid, and has at most four moves.
func TestRandomLives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		state, seen := payment.StateCreate, []payment.State{payment.StateCreate}
		for range rapid.IntRange(1, 40).Draw(t, "length") {
			event := rapid.SampledFrom(payment.Events()).Draw(t, "event")
			next, err := payment.Next(state, event)
			if err != nil {
				if next != "" || protocol.CodeOf(err) != protocol.CodeStateConflict {
					t.Fatalf("%q, %v", next, err)
				}
				continue
			}
			if state.Terminal() || slices.Contains(seen, next) || !next.Known() || !payment.Can(state, next) {
				t.Fatalf("%v then %s", seen, next)
			}
			if next == payment.StateWaitBuyerReceipt && !slices.Contains(seen, payment.StateWaitSellerFulfillment) {
				t.Fatalf("delivered unpaid: %v", seen)
			}
			state, seen = next, append(seen, next)
		}
		if len(seen) > 5 {
			t.Fatalf("%v", seen)
		}
	})
}
