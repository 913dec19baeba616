package ledger

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// wantStored fails unless err is the stored refusal of the request.
func wantStored(t testing.TB, err error, id string, code protocol.Code) {
	t.Helper()
	var r *payment.Refusal
	if !errors.As(err, &r) || r.RequestID != id || r.Reason.Code != code {
		t.Fatalf("got %v, want %q as the stored refusal", err, code)
	}
}

func TestWaitingHoldsNothing(t *testing.T) {
	l, c := furnished(t)
	ctx := context.Background()
	var waits []*provider.Trade
	for range 20 { // many times what the account has
		waits = append(waits, mustBegin(t, l, newInstant(60_00)))
	}
	untouched := func() {
		t.Helper()
		if a, b := balance(t, l, principal), balance(t, l, shop); a != 100_00 || b != 0 {
			t.Fatalf("PSD-PAY-INS-04: the principal has %d, the shop %d", a, b)
		}
	}
	untouched()
	if r := sound(t, l); r.Waiting != 20 || r.Trades != 0 || r.Transfers != 1 || r.Unreported[book.Attestation] != 0 {
		t.Fatalf("%+v", r)
	}
	if err := l.Decline(ctx, waits[0].No, protocol.CodeConfirmationFailed); err != nil {
		t.Fatal(err)
	}
	untouched()
	paid, err := l.Settle(ctx, waits[1].No, yes)
	if err != nil || paid.No != waits[1].No || paid.State != provider.StatePaid || paid.SpentTotal != 0 || paid.Confirmation != yes || !paid.PaidAt.Equal(start) {
		t.Fatalf("PSD-PAY-INS-03: %+v, %v", paid, err)
	}
	_, err = l.Settle(ctx, waits[2].No, yes)
	wantStored(t, err, waits[2].RequestID, protocol.CodeBalanceInsufficient)
	c.add(5 * time.Minute)
	_, err = l.Settle(ctx, waits[3].No, yes)
	wantStored(t, err, waits[3].RequestID, protocol.CodeConfirmationFailed)
	if a, b := balance(t, l, principal), balance(t, l, shop); a != 40_00 || b != 60_00 {
		t.Errorf("the principal has %d, the shop %d", a, b)
	}
	again, err := l.Query(ctx, agent, waits[1].RequestID)
	if err != nil || again.Confirmation != yes || again.No != paid.No || !again.Expires.Equal(waits[1].Expires) || again.Principal != principal {
		t.Errorf("PSD-PAY-INS-03: read back %+v, %v", again, err)
	}
	events := unreported(t, l, 10)
	if len(events) != 1 || events[0].TradeNo != paid.No || events[0].DelegationID != "" {
		t.Errorf("PSD-PAY-A402-24: %+v", events)
	}
	list, err := l.Instants(ctx, 19)
	if err != nil || len(list) != 19 || list[18].No != paid.No || list[18].State != provider.StatePaid || list[17].Reason != protocol.CodeBalanceInsufficient {
		t.Errorf("%d instants, %+v, %v", len(list), list[18], err)
	}
	sound(t, l)
}

// TestTooLateIsTooLate: whoever meets a late one closes it for ever, also when
// the clock goes back afterwards and when the file is opened again.
func TestTooLateIsTooLate(t *testing.T) {
	ctx := context.Background()
	meets := map[string]func(*Ledger, provider.Payment, *provider.Trade) error{
		"query": func(l *Ledger, _ provider.Payment, w *provider.Trade) error {
			_, err := l.Query(ctx, agent, w.RequestID)
			return err
		},
		"lookup": func(l *Ledger, p provider.Payment, _ *provider.Trade) error {
			_, err := l.Lookup(ctx, again(p).Request)
			return err
		},
		"begin": func(l *Ledger, p provider.Payment, _ *provider.Trade) error {
			_, err := l.Begin(ctx, again(p))
			return err
		},
		"refuse": func(l *Ledger, p provider.Payment, _ *provider.Trade) error {
			_, err := l.Refuse(ctx, again(p).Request, protocol.New(protocol.CodeRiskRefused, "", "", ""))
			return err
		},
		"settle": func(l *Ledger, _ provider.Payment, w *provider.Trade) error {
			_, err := l.Settle(ctx, w.No, yes)
			return err
		},
		"trade": func(l *Ledger, _ provider.Payment, w *provider.Trade) error { _, err := l.Trade(ctx, w.No); return err },
		"decline": func(l *Ledger, _ provider.Payment, w *provider.Trade) error {
			return l.Decline(ctx, w.No, protocol.CodeRiskRefused)
		},
		"consume": func(l *Ledger, _ provider.Payment, w *provider.Trade) error {
			_, err := l.Consume(ctx, shop, w.No, "d")
			return err
		},
	}
	for name, meet := range meets {
		t.Run("PSD-PAY-INS-04 "+name, func(t *testing.T) {
			c := newClock()
			path := filepath.Join(t.TempDir(), "ledger.db")
			l := openAt(t, path, c.now)
			furnish(t, l, 100_00)
			p := newInstant(18_00)
			w := mustBegin(t, l, p)
			c.add(5*time.Minute - time.Millisecond)
			if still, err := l.Query(ctx, agent, w.RequestID); err != nil || !still.Waiting() {
				t.Fatalf("%+v, %v", still, err)
			}
			c.add(time.Millisecond)
			switch err := meet(l, p, w); name {
			case "trade", "decline":
				wantCode(t, err, "")
			case "consume":
				wantCode(t, err, protocol.CodeStateConflict)
			default:
				wantStored(t, err, w.RequestID, protocol.CodeConfirmationFailed)
			}
			c.add(-4 * time.Minute)
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			l = openAt(t, path, c.now)
			_, err := l.Settle(ctx, w.No, yes)
			wantStored(t, err, w.RequestID, protocol.CodeConfirmationFailed)
			if closed, err := l.Trade(ctx, w.No); err != nil || closed.State != payment.StateTradeClosed || !closed.PaidAt.IsZero() {
				t.Errorf("%+v, %v", closed, err)
			}
			if got := balance(t, l, principal); got != 100_00 {
				t.Errorf("the principal has %d", got)
			}
			sound(t, l)
		})
	}
}

// TestRaceForTheEnd lets confirmations, cancellations, the clock and a second
// order of the same goods run against each other: each waiting payment has one
// end, all who ask hear the same, and money moved exactly for those that were
// paid.
func TestRaceForTheEnd(t *testing.T) {
	l, c := furnished(t)
	ctx := context.Background()
	const n = 24
	var waits []*provider.Trade
	for i := range n {
		p := newInstant(1_00)
		p.Order = fmt.Sprintf("order-%d", i/2) // two trades an order: at most one is paid
		waits = append(waits, mustBegin(t, l, p))
	}
	var wg sync.WaitGroup
	begin := make(chan struct{})
	run := func(f func(w *provider.Trade)) {
		for _, w := range waits {
			wg.Go(func() { <-begin; f(w) })
		}
	}
	for range 2 {
		run(func(w *provider.Trade) { _, _ = l.Settle(ctx, w.No, yes) })
	}
	run(func(w *provider.Trade) { _ = l.Decline(ctx, w.No, protocol.CodeConfirmationFailed) })
	run(func(w *provider.Trade) { _, _ = l.Query(ctx, agent, w.RequestID) })
	wg.Go(func() { <-begin; time.Sleep(time.Millisecond); c.add(5 * time.Minute) })
	close(begin)
	wg.Wait()
	paid, orders := int64(0), map[string]bool{}
	for _, w := range waits {
		asked, err := l.Query(ctx, agent, w.RequestID)
		seen, _ := l.Trade(ctx, w.No)
		switch {
		case err == nil && asked.State == provider.StatePaid && seen.State == provider.StatePaid:
			if paid++; orders[w.Order] {
				t.Errorf("order %s was paid twice", w.Order)
			}
			orders[w.Order] = true
			wantCode(t, l.Decline(ctx, w.No, protocol.CodeConfirmationFailed), protocol.CodeStateConflict)
		case err != nil && seen.State == payment.StateTradeClosed:
			if code := protocol.CodeOf(err); code != protocol.CodeConfirmationFailed && code != protocol.CodeOrderPaid {
				t.Errorf("closed by %v", err)
			}
		default:
			t.Errorf("two ends: %+v, %v, %+v", asked, err, seen)
		}
	}
	if a, b := balance(t, l, principal), balance(t, l, shop); a != 100_00-paid*1_00 || b != paid*1_00 {
		t.Errorf("%d were paid, the principal has %d, the shop %d", paid, a, b)
	}
	if r := sound(t, l); r.Waiting != 0 || r.Trades != paid {
		t.Errorf("%+v", r)
	}
	t.Logf("%d of %d were paid", paid, n)
}

// TestConfirmedOnce: many devices of one principal, one debit, and the first
// confirmation stays.
func TestConfirmedOnce(t *testing.T) {
	l, _ := furnished(t)
	ctx := context.Background()
	w := mustBegin(t, l, newInstant(18_00))
	_, err := l.Settle(ctx, w.No, provider.Confirmation{Method: "device:a"})
	wantCode(t, err, protocol.CodeFieldMissing)
	var mu sync.Mutex
	var wg sync.WaitGroup
	methods, decided := map[string]bool{}, 0
	for i := range 16 {
		wg.Go(func() {
			paid, err := l.Settle(ctx, w.No, provider.Confirmation{Method: fmt.Sprint("device:", i), At: start})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			methods[paid.Confirmation.Method] = true
			if paid.Decision.Allowed() {
				decided++
			}
		})
	}
	wg.Wait()
	if len(methods) != 1 || decided != 1 || balance(t, l, shop) != 18_00 {
		t.Errorf("PSD-PAY-INS-03: %v, decided %d times, the shop has %d", methods, decided, balance(t, l, shop))
	}
	sound(t, l)
}

func TestInstantOnceJudged(t *testing.T) {
	ctx := context.Background()
	t.Run("PSD-PAY-INS-01 a bad instrument never reaches the cashier", func(t *testing.T) {
		l, _ := furnished(t)
		p := newInstant(1)
		p.Token = "pt-none"
		_, err := l.Begin(ctx, p)
		wantStored(t, err, p.Request.ID, protocol.CodeInstrumentInvalid)
		if list, err := l.Instants(ctx, 1); err != nil || len(list) != 0 {
			t.Errorf("%+v, %v", list, err)
		}
	})
	t.Run("PSD-PMT-BND-04 a token that is frozen while it waits", func(t *testing.T) {
		l, _ := furnished(t)
		w := mustBegin(t, l, newInstant(1))
		if err := l.SetTokenState(ctx, token, provider.TokenFrozen); err != nil {
			t.Fatal(err)
		}
		_, err := l.Settle(ctx, w.No, yes)
		wantStored(t, err, w.RequestID, protocol.CodeInstrumentInvalid)
		sound(t, l)
	})
	t.Run("PSD-PMT-BND-03 the ceiling counts what is paid, not what waits", func(t *testing.T) {
		l, _ := furnished(t)
		bind(t, l, provider.Token{ID: "pt-c", Ceiling: 30_00, Merchants: []string{shop}})
		var waits []*provider.Trade
		for range 2 {
			p := newInstant(20_00)
			p.Token = "pt-c"
			waits = append(waits, mustBegin(t, l, p))
		}
		if _, err := l.Settle(ctx, waits[1].No, yes); err != nil {
			t.Fatal(err)
		}
		_, err := l.Settle(ctx, waits[0].No, yes)
		wantStored(t, err, waits[0].RequestID, protocol.CodeInstrumentInvalid)
		sound(t, l)
	})
	t.Run("PSD-PAY-INS-08 by token, and under no mandate", func(t *testing.T) {
		l, _ := furnished(t)
		a := openSub(t, l, 10_00, nil)
		p := newInstant(1_00)
		p.Token, p.SubAccount, p.SubAccountKey = "", a.ID, a.Key.Thumbprint()
		_, err := l.Begin(ctx, p)
		wantCode(t, err, protocol.CodeFieldMissing)
		_, err = l.Begin(ctx, newPayment(1_00))
		wantCode(t, err, protocol.CodeFieldInvalid)
		_, err = l.Pay(ctx, newInstant(1_00))
		wantCode(t, err, protocol.CodeFieldMissing)
	})
	t.Run("unknown trades and codes", func(t *testing.T) {
		l, _ := furnished(t)
		_, err := l.Settle(ctx, "none", yes)
		wantCode(t, err, protocol.CodeTradeUnknown)
		wantCode(t, l.Decline(ctx, "none", protocol.CodeConfirmationFailed), protocol.CodeTradeUnknown)
		wantCode(t, l.Decline(ctx, mustBegin(t, l, newInstant(1)).No, protocol.CodeReplayed), protocol.CodeFieldInvalid)
		wantCode(t, l.Decline(ctx, mustPay(t, l, newPayment(1)).No, protocol.CodeConfirmationFailed), protocol.CodeStateConflict)
	})
}
