package agent_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

func TestInstantPays(t *testing.T) {
	t.Run("PSD-PAY-INS-08 a bill, without a mandate", func(t *testing.T) {
		s := newTill(t, nil)
		var shown payment.Pending
		i := s.instant(func(ctx context.Context, p payment.Pending) error { shown = p; return s.agree(ctx, p) })
		got, err := s.buy(i)
		must(t, err)
		if got != "report " || shown.Amount != acttest.CNY(t, "2.50") || shown.MerchantID != acttest.ShopDID {
			t.Fatalf("%q after showing %+v", got, shown)
		}
		s.wantCost(250)
		s.wantReserved(i.Intent(), "2.50")
		payments, err := s.Spent.Payments(ctx, i.Intent().Key())
		must(t, err)
		if len(payments) != 1 || payments[0].Scenario != "INS" || payments[0].DelegationID != "" || payments[0].State != agent.Closed {
			t.Fatalf("%+v", payments)
		}
	})
	t.Run("PSD-PAY-INS-05 an order: amount, currency and number are the merchant's", func(t *testing.T) {
		s := newTill(t, nil)
		s.Stock(t, commerce.Item{ID: "latte", Name: "Latte", Category: "food", Price: acttest.CNY(t, "4.20")}, 5)
		i := s.instant(s.agree)
		shop, err := i.Shop(acttest.ShopDID, s.URL, s.Client)
		must(t, err)
		order, err := shop.ConfirmCart(ctx, []agent.Line{{ItemID: "latte", Quantity: 1}}, commerce.Fulfilment{})
		must(t, err)
		if order.Confirmation.DelegationID != "" || order.Confirmation.IntentID != "intent-now" {
			t.Fatalf("links %+v", order.Confirmation)
		}
		paid, err := s.Agent.PayOrder(ctx, order)
		must(t, err)
		if paid.OrderNo != order.Confirmation.MerchantOrderID || paid.Amount != acttest.CNY(t, "4.20") || paid.What != "Latte" {
			t.Fatalf("%+v", paid)
		}
		goods, err := read(s.Agent.PickUp(ctx, order, paid))
		must(t, err)
		if goods != "Latte\n" {
			t.Fatal(goods)
		}
		again, err := s.Agent.PayOrder(ctx, order)
		if protocol.CodeOf(err) == "" { // closed: the order is paid, and the provider says so
			t.Fatalf("paid again: %+v", again)
		}
		s.wantCost(420)
	})
	t.Run("PSD-PAY-INS-06 the principal takes time; the cashier's function has returned", func(t *testing.T) {
		s := newTill(t, nil)
		i := s.instant(func(_ context.Context, p payment.Pending) error {
			time.AfterFunc(30*time.Millisecond, func() { _ = s.agree(context.Background(), p) })
			return nil
		})
		_, err := s.buy(i)
		must(t, err)
		s.wantCost(250)
	})
}

func TestInstantCheck(t *testing.T) {
	s := newTill(t, nil)
	i := s.instant(s.agree)
	p := delegation.Purchase{Amount: acttest.CNY(t, "5.00"), Merchant: acttest.ShopDID, Categories: []string{"data"}, DeliverBy: acttest.Start}
	if d := i.Check(ctx, p); !d.Allowed() {
		t.Error(d.Err())
	}
	_, err := s.buy(i)
	must(t, err)
	if d := i.Check(ctx, p); protocol.CodeOf(d.Err()) != protocol.CodeTotalLimitExceeded {
		t.Errorf("CID-CART-CFM-01 after 2.50 of 5.00: %v", d.Err())
	}
}

// The boundaries of the intent hold before anything is sent (CID-CART-CFM-01).
func TestInstantBoundaries(t *testing.T) {
	s := newTill(t, nil)
	never := func(context.Context, payment.Pending) error { t.Error("taken to the cashier"); return nil }
	for _, c := range []struct {
		name   string
		intent func(*delegation.ISR)
		code   protocol.Code
	}{
		{"total", func(i *delegation.ISR) { i.MaxTotalAmount = "2.49" }, protocol.CodeTotalLimitExceeded},
		{"single", func(i *delegation.ISR) {
			i.Ext = &delegation.Ext{Commerce: &delegation.Commerce{MaxSingleAmount: "2.49"}}
		}, protocol.CodeSingleLimitExceeded},
		{"merchant", func(i *delegation.ISR) {
			i.Ext = &delegation.Ext{Commerce: &delegation.Commerce{AllowedMerchants: []string{"did:act:shop.test/other"}}}
		}, protocol.CodeMerchantNotAllowed},
		{"category", func(i *delegation.ISR) {
			i.Ext = &delegation.Ext{Commerce: &delegation.Commerce{ForbiddenCategories: []string{"data"}}}
		}, protocol.CodeCategoryNotAllowed},
		{"method", func(i *delegation.ISR) { i.AllowedPaymentMethods = []string{"urn:act:payment:other"} }, protocol.CodeMethodNotAllowed},
		{"window", func(i *delegation.ISR) { i.ValidityStart = i.ValidityStart.Add(time.Second) }, protocol.CodeMandateNotYetValid},
	} {
		t.Run("CID-CART-CFM-01 "+c.name, func(t *testing.T) {
			i, err := s.Agent.Instant(agent.InstantConfig{Intent: s.intent(c.intent), Cashier: never})
			must(t, err)
			_, err = s.buy(i)
			wantCode(t, err, c.code)
		})
	}
	if n := s.called("/payments"); n != 0 {
		t.Errorf("%d payment requests were sent", n)
	}
	t.Run("CID-CART-CFM-01 cumulative", func(t *testing.T) {
		i := s.instant(s.agree)
		for n := range 3 {
			if _, err := s.buy(i); (err == nil) != (n < 2) {
				t.Fatalf("purchase %d of 2.50 with 5.00 in all: %v", n, err)
			}
		}
		s.wantCost(500)
	})
	for name, c := range map[string]agent.InstantConfig{
		"no cashier":       {Intent: s.intent(nil)},
		"no intent":        {Cashier: never},
		"another's intent": {Intent: s.intent(func(i *delegation.ISR) { i.AgentID = "did:act:agents.test/other" }), Cashier: never},
	} {
		if _, err := s.Agent.Instant(c); protocol.CodeOf(err) == "" {
			t.Errorf("%s: accepted (%v)", name, err)
		}
	}
}

func TestInstantNotConfirmed(t *testing.T) {
	t.Run("PSD-PAY-INS-04 cancelled: certain, and can be bought anew", func(t *testing.T) {
		s := newTill(t, nil)
		i := s.instant(s.cancel)
		_, err := s.buy(i)
		wantCode(t, err, protocol.CodeConfirmationFailed)
		wantRefused(t, err, protocol.CodeConfirmationFailed)
		s.wantReserved(i.Intent(), "0.00")
		s.wantCost(0)
		_, err = s.buy(s.instant(s.agree))
		must(t, err)
		s.wantCost(250)
	})
	t.Run("PSD-PAY-INS-04 too late: certain", func(t *testing.T) {
		s := newTill(t, nil)
		i := s.instant(func(context.Context, payment.Pending) error { s.Clock.Advance(5 * time.Minute); return nil })
		_, err := s.buy(i)
		wantCode(t, err, protocol.CodeConfirmationFailed)
		s.wantReserved(i.Intent(), "0.00")
		s.wantCost(0)
	})
	t.Run("PSD-PAY-INS-04 execution failed", func(t *testing.T) {
		s := newTill(t, nil)
		_, err := s.buy(s.instant(func(ctx context.Context, p payment.Pending) error {
			return s.provider.Decline(ctx, tradeNo(p), protocol.CodeExecutionFailed)
		}))
		wantCode(t, err, protocol.CodeExecutionFailed)
		s.wantCost(0)
	})
}

// TestInstantGivenUp: who stops waiting asks again later, and nothing is paid
// twice.
func TestInstantGivenUp(t *testing.T) {
	t.Run("the caller gives up, the principal confirms, the next call finds it paid", func(t *testing.T) {
		s := newTill(t, nil)
		giveUp, cancel := context.WithCancel(ctx)
		i := s.instant(func(ctx context.Context, p payment.Pending) error { cancel(); return nil })
		s.Stock(t, commerce.Item{ID: "latte", Name: "Latte", Category: "food", Price: acttest.CNY(t, "4.20")}, 5)
		shop, err := i.Shop(acttest.ShopDID, s.URL, s.Client)
		must(t, err)
		order, err := shop.ConfirmCart(ctx, []agent.Line{{ItemID: "latte", Quantity: 1}}, commerce.Fulfilment{})
		must(t, err)
		_, err = s.Agent.PayOrder(giveUp, order)
		wantCode(t, err, protocol.CodeOutcomeUnknown)
		var waiting *payment.AwaitsConfirmation
		var open *agent.Unresolved
		if !errors.As(err, &waiting) || !errors.As(err, &open) || open.FinalAfter.Before(waiting.Pending.ExpiresAt) {
			t.Fatalf("PSD-PAY-INS-06 who waits for whom, and until when? %v", err)
		}
		s.wantReserved(i.Intent(), "4.20")
		must(t, s.agree(ctx, waiting.Pending))
		paid, err := s.Agent.PayOrder(ctx, order)
		must(t, err)
		if paid.State != agent.Paid {
			t.Fatalf("%+v", paid)
		}
		s.wantCost(420)
		if n := s.called("/payments"); n != 1 {
			t.Fatalf("%d payment requests", n)
		}
	})
	t.Run("the next call takes the principal to the cashier again", func(t *testing.T) {
		s := newTill(t, nil)
		visits := 0
		i := s.instant(func(ctx context.Context, p payment.Pending) error {
			if visits++; visits == 1 {
				return errors.New("no screen")
			}
			return s.agree(ctx, p)
		})
		_, err := s.buy(i)
		wantCode(t, err, protocol.CodeOutcomeUnknown)
		_, err = s.buy(i)
		must(t, err)
		if visits != 2 || s.called("/payments") != 1 {
			t.Fatalf("%d visits, %d requests", visits, s.called("/payments"))
		}
		s.wantCost(250)
	})
	t.Run("a mandate does not take over what waits for the principal", func(t *testing.T) {
		s := newTill(t, nil)
		i := s.instant(func(context.Context, payment.Pending) error { return errors.New("no screen") })
		_, err := s.buy(i)
		wantCode(t, err, protocol.CodeOutcomeUnknown)
		s.Grant(t, nil)
		_, err = s.get("/report")
		wantCode(t, err, protocol.CodeOutcomeUnknown)
		s.wantCost(0)
	})
}

// TestHostileCashiers: what the cashier's function says decides nothing.
func TestHostileCashiers(t *testing.T) {
	t.Run("it says that all went well", func(t *testing.T) {
		s := newTill(t, nil)
		var visits atomic.Int64
		short, cancel := context.WithCancel(ctx)
		defer cancel()
		i := s.instant(func(context.Context, payment.Pending) error {
			visits.Add(1)
			time.AfterFunc(50*time.Millisecond, cancel)
			return nil
		})
		request, err := http.NewRequestWithContext(short, "GET", s.URL+"/report", nil)
		must(t, err)
		_, err = read((&http.Client{Transport: i.Transport(s.Client.Transport)}).Do(request))
		if err == nil || visits.Load() != 1 {
			t.Fatalf("%v after %d visits", err, visits.Load())
		}
		s.wantCost(0)
		s.wantReserved(i.Intent(), "2.50")
	})
	t.Run("it says no, and the principal has confirmed", func(t *testing.T) {
		s := newTill(t, nil)
		_, err := s.buy(s.instant(func(ctx context.Context, p payment.Pending) error {
			return errors.Join(s.agree(ctx, p), errors.New("cancelled"))
		}))
		must(t, err)
		s.wantCost(250)
	})
	t.Run("it returns a refusal of its own", func(t *testing.T) {
		s := newTill(t, nil)
		i := s.instant(func(_ context.Context, p payment.Pending) error {
			return &payment.Refusal{RequestID: p.RequestID, Reason: protocol.New(protocol.CodeConfirmationFailed, "", "", "")}
		})
		_, err := s.buy(i)
		wantCode(t, err, protocol.CodeOutcomeUnknown)
		var refusal *payment.Refusal
		if errors.As(err, &refusal) {
			t.Error("the function's word passes for the provider's")
		}
		s.wantReserved(i.Intent(), "2.50")
	})
	t.Run("it panics", func(t *testing.T) {
		s := newTill(t, nil)
		_, err := s.buy(s.instant(func(context.Context, payment.Pending) error { panic("secret") }))
		wantCode(t, err, protocol.CodeOutcomeUnknown)
		noSecret(t, err)
	})
	t.Run("it never returns, and is told when it is over", func(t *testing.T) {
		s := newTill(t, nil)
		told := make(chan struct{})
		_, err := s.buy(s.instant(func(ctx context.Context, p payment.Pending) error {
			if err := s.agree(ctx, p); err != nil {
				t.Error(err)
			}
			<-ctx.Done()
			close(told)
			return nil
		}))
		must(t, err)
		<-told
		s.wantCost(250)
	})
}

// TestPendingWithoutAPrincipal: a provider says of a payment under a mandate
// that it waits for the principal.
func TestPendingWithoutAPrincipal(t *testing.T) {
	t.Run("pending for a payment under a mandate", func(t *testing.T) {
		s := newTill(t, nil)
		m := s.Grant(t, specified)
		s.setMeddle(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, r)
			if r.URL.Path == "/payments" || r.URL.Path == "/queries" {
				w.WriteHeader(http.StatusAccepted)
			}
			_, _ = w.Write(answer.Body.Bytes())
		})
		for range 2 {
			_, err := s.get("/report")
			wantCode(t, err, protocol.CodeOutcomeUnknown)
			s.wantReserved(m, "2.50")
		}
		s.setMeddle(nil)
		_, err := s.get("/report")
		must(t, err)
		s.wantCost(250)
	})
	t.Run("the bare code, without an address", func(t *testing.T) {
		m := newMarket(t, acttest.Options{})
		mandate := m.Grant(t, nil)
		m.PSP.Fail("/payments", acttest.Deny(protocol.CodeConfirmationPending))
		_, err := m.get("/report")
		wantCode(t, err, protocol.CodeOutcomeUnknown)
		m.wantSpent(mandate, "2.50")
	})
	t.Run("a client that says so itself", func(t *testing.T) {
		var liar *waitingPSP
		s := newTill(t, func(c *agent.Config) {
			liar = &waitingPSP{PSP: c.Instruments[0].PSP}
			c.Instruments[0].PSP = liar
		})
		m := s.Grant(t, nil)
		for range 2 {
			_, err := s.get("/report")
			wantCode(t, err, protocol.CodeOutcomeUnknown)
			s.wantReserved(m, "2.50")
		}
		liar.honest.Store(true)
		_, err := s.get("/report")
		must(t, err)
		s.wantCost(250)
	})
}

// TestHostileTills are providers that do not keep to what was agreed.
func TestHostileTills(t *testing.T) {
	t.Run("pending for ever", func(t *testing.T) {
		var liar *waitingPSP
		s := newTill(t, func(c *agent.Config) {
			liar = &waitingPSP{PSP: c.Instruments[0].PSP}
			c.Instruments[0].PSP = liar
		})
		liar.until = s.Clock.Now().AddDate(100, 0, 0) // the bill ends before
		i := s.instant(func(context.Context, payment.Pending) error { s.Clock.Advance(time.Hour); return nil })
		_, err := s.buy(i)
		wantCode(t, err, protocol.CodeOutcomeUnknown)
		s.wantReserved(i.Intent(), "2.50")
		_, err = s.buy(i)
		wantCode(t, err, protocol.CodeOutcomeUnknown)
		s.wantReserved(i.Intent(), "2.50")
	})
	t.Run("a result after the decline", func(t *testing.T) {
		s := newTill(t, nil)
		var once sync.Once
		s.setMeddle(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			declined := false
			if r.URL.Path == "/queries" {
				once.Do(func() {
					payments, err := s.Spent.Payments(ctx, "instant intent-now")
					if err != nil || len(payments) != 1 {
						t.Errorf("%v %v", payments, err)
						return
					}
					refuse(w, payments[0].RequestID, protocol.CodeConfirmationFailed)
					declined = true
				})
			}
			if !declined {
				next.ServeHTTP(w, r)
			}
		})
		var waiting payment.Pending
		i := s.instant(func(_ context.Context, p payment.Pending) error { waiting = p; return nil })
		_, err := s.buy(i)
		wantRefused(t, err, protocol.CodeConfirmationFailed)
		s.wantReserved(i.Intent(), "0.00")
		must(t, s.agree(ctx, waiting)) // the provider has lied: it takes the money after all
		err = s.Spent.Commit(ctx, waiting.RequestID, waiting.Amount, "proof")
		wantCode(t, err, protocol.CodeStateConflict)
		s.wantReserved(i.Intent(), "0.00")
		// What is bought now is another payment, with an answer of its own.
		_, err = s.buy(s.instant(s.agree))
		must(t, err)
		s.wantCost(500)
		s.wantReserved(i.Intent(), "2.50")
	})
	t.Run("the cashier of another payment", func(t *testing.T) {
		s := newTill(t, nil)
		other := payment.Pending{
			RequestID: "other", TradeNo: "1", PSPID: acttest.PSPDID, BuyerAgentID: acttest.AgentDID, MerchantID: acttest.ShopDID, MerchantOrderID: "1",
			Amount: acttest.CNY(t, "2.50"), TradeState: payment.StateWaitBuyerPay, CashierURL: "https://cashier.test/1", ExpiresAt: s.Clock.Now().Add(time.Minute),
		}
		message, err := payment.SignPending(s.PSP.Party.Signer(keys.Proof), other)
		must(t, err)
		s.setMeddle(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.URL.Path == "/instruments" {
				next.ServeHTTP(w, r)
				return
			}
			w.WriteHeader(http.StatusAccepted)
			_, _ = w.Write(message)
		})
		i := s.instant(func(context.Context, payment.Pending) error { t.Error("taken to the cashier"); return nil })
		_, err = s.buy(i)
		wantCode(t, err, protocol.CodeOutcomeUnknown)
		s.wantReserved(i.Intent(), "2.50")
	})
}

// waitingPSP is a client that always says that the principal has to confirm.
type waitingPSP struct {
	agent.PSP
	honest atomic.Bool
	until  time.Time
}

func (w *waitingPSP) PayFrom(ctx context.Context, q payment.Request, sub *keys.Signer) (payment.Result, error) {
	result, err := w.PSP.PayFrom(ctx, q, sub)
	return w.say(q, result, err)
}

func (w *waitingPSP) Query(ctx context.Context, q payment.Request) (payment.Result, error) {
	result, err := w.PSP.Query(ctx, q)
	return w.say(q, result, err)
}

func (w *waitingPSP) say(q payment.Request, result payment.Result, err error) (payment.Result, error) {
	if w.honest.Load() {
		return result, err
	}
	return payment.Result{}, &payment.AwaitsConfirmation{Pending: payment.Pending{RequestID: q.RequestID, Amount: q.Amount, ExpiresAt: w.until}}
}

// Two purchases of one intent at once both have to fit (CID-CART-CFM-01).
func TestInstantConcurrently(t *testing.T) {
	s := newTill(t, nil)
	i := s.instant(s.agree)
	var paid atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := s.buy(i); err == nil {
				paid.Add(1)
			}
		})
	}
	wg.Wait()
	if paid.Load() != 2 {
		t.Errorf("%d times 2.50 fitted into 5.00", paid.Load())
	}
	s.wantCost(500)
}
