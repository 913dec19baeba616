package provider_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
	"github.com/actprotocol/act-go/verifier"
)

// confirmation is by the principal, now.
func (l *till) confirmation() provider.Confirmation {
	return provider.Confirmation{Method: "PIN", At: l.w.Clock.Now()}
}

// begun sends a request for an instant payment that then waits.
func (l *till) begun(q payment.Request) payment.Pending {
	l.Helper()
	a, err := l.send(q)
	l.must(err)
	return l.pending(q, a)
}

func TestInstantPayment(t *testing.T) {
	l := newTill(t, nil)
	q := l.request(payment.ScenarioINS, "18.00")
	waits := l.begun(q)
	if waits.TradeState != payment.StateWaitBuyerPay || !waits.ExpiresAt.Equal(acttest.Start.Add(10*time.Minute)) ||
		waits.CashierURL != "https://cashier.example/"+waits.TradeNo {
		t.Fatalf("%+v", waits)
	}
	shown := l.shown[0]
	if shown.Amount != 18_00 || shown.Currency != "CNY" || shown.Payee != acttest.ShopDID || shown.Method != acttest.Method ||
		shown.Principal != acttest.PrincipalDID || shown.Order != q.MerchantOrderID {
		t.Fatalf("PSD-PAY-INS-02: the cashier is given %+v", shown)
	}
	if v := l.last(); !v.Decision.Allowed() || !v.Trade.Waiting() || v.Scenario != payment.ScenarioINS {
		t.Fatalf("verdict %+v", v)
	}
	l.spent(0)
	l.w.Clock.Advance(time.Minute)
	if again := l.begun(q); again != waits {
		t.Fatalf("PSD-PAY-DEL-04: another answer %+v", again)
	}
	asked, err := l.query(q)
	l.must(err)
	if got := l.pending(q, asked); got != waits {
		t.Fatalf("PSD-PAY-A402-23: %+v", got)
	}

	c := l.confirmation()
	trade, err := l.provider.Confirm(ctx, waits.TradeNo, c)
	l.must(err)
	if trade.Confirmation != c || trade.State != payment.StateWaitSellerFulfillment || trade.Principal != acttest.PrincipalDID {
		t.Fatalf("PSD-PAY-INS-03: %+v", trade)
	}
	if v := l.last(); !v.Decision.Allowed() || v.Trade.Waiting() || v.RequestID != q.RequestID {
		t.Fatalf("verdict %+v", v)
	}
	_, err = l.provider.Confirm(ctx, waits.TradeNo, l.confirmation())
	l.must(err)
	l.spent(18_00)
	told := len(l.verdicts)
	asked, err = l.query(q)
	l.must(err)
	got := l.result(q, asked)
	if got.TradeNo != waits.TradeNo || got.DelegationID != "" || got.SpentTotal.Valid() || !got.PaidAt.Equal(acttest.Start.Add(time.Minute)) {
		t.Fatalf("PSD-PAY-INS-06: %+v", got)
	}
	if sent := l.paid(q); sent != got {
		t.Fatalf("PSD-PAY-DEL-04: %+v", sent)
	}
	if told != 2 || len(l.verdicts) != told {
		t.Errorf("%d and then %d verdicts of two decisions", told, len(l.verdicts))
	}
	l.want(l.provider.Decline(ctx, waits.TradeNo, protocol.CodeConfirmationFailed), protocol.CodeStateConflict)
	used, err := l.consume(got.PaymentProof, "delivery-1")
	l.must(err)
	if used.Amount != got.Amount {
		t.Fatalf("%+v", used)
	}
}

func TestInstantPaymentNotConfirmed(t *testing.T) {
	for name, end := range map[string]func(l *till, no string) error{
		"cancelled": func(l *till, no string) error {
			return l.provider.Decline(ctx, no, protocol.CodeConfirmationFailed)
		},
		"cancelled twice": func(l *till, no string) error {
			l.must(l.provider.Decline(ctx, no, protocol.CodeConfirmationFailed))
			return l.provider.Decline(ctx, no, protocol.CodeExecutionFailed)
		},
		"late": func(l *till, no string) error { l.w.Clock.Advance(10 * time.Minute); return nil },
		"confirmed too late": func(l *till, no string) error {
			l.w.Clock.Advance(10 * time.Minute)
			_, err := l.provider.Confirm(ctx, no, l.confirmation())
			l.want(err, protocol.CodeConfirmationFailed)
			if v := l.last(); v.Decision.Allowed() || v.RequestID == "" {
				l.Errorf("verdict %+v", v)
			}
			return nil
		},
	} {
		t.Run("PSD-PAY-INS-04 "+name, func(t *testing.T) {
			l := newTill(t, nil)
			q := l.request(payment.ScenarioINS, "18.00")
			no := l.begun(q).TradeNo
			l.must(end(l, no))
			_, err := l.query(q)
			l.stored(err, q, protocol.CodeConfirmationFailed)
			_, err = l.send(q)
			l.stored(err, q, protocol.CodeConfirmationFailed)
			_, err = l.provider.Confirm(ctx, no, l.confirmation())
			l.stored(err, q, protocol.CodeConfirmationFailed)
			l.spent(0)
		})
	}
	t.Run("PSD-PAY-INS-07 the money cannot be moved", func(t *testing.T) {
		l := newTill(t, nil)
		q := l.request(payment.ScenarioINS, "18.00")
		l.must(l.provider.Decline(ctx, l.begun(q).TradeNo, protocol.CodeExecutionFailed))
		_, err := l.query(q)
		l.stored(err, q, protocol.CodeExecutionFailed)
		if v := l.last(); protocol.CodeOf(v.Decision.Err()) != protocol.CodeExecutionFailed || v.Trade.State != payment.StateTradeClosed {
			t.Errorf("verdict %+v", v)
		}
	})
	t.Run("PSD-PAY-INS-07 not enough money when it is confirmed", func(t *testing.T) {
		l := newTill(t, nil)
		q := l.request(payment.ScenarioINS, "60.01")
		_, err := l.provider.Confirm(ctx, l.begun(q).TradeNo, l.confirmation())
		l.stored(err, q, protocol.CodeBalanceInsufficient)
		if v := l.last(); protocol.CodeOf(v.Decision.Err()) != protocol.CodeBalanceInsufficient {
			t.Errorf("verdict %+v", v)
		}
		l.spent(0)
	})
}

// TestCashierIsNotCalled: what fails a check never reaches the cashier.
func TestCashierIsNotCalled(t *testing.T) {
	for _, c := range []struct {
		name   string
		code   protocol.Code
		stored bool
		send   func(*till, *payment.Request) (provider.Answer, error)
	}{
		{"duplicate", protocol.CodeReplayed, false, func(l *till, q *payment.Request) (provider.Answer, error) {
			body := l.sign(*q)
			_, err := l.provider.Pay(ctx, body)
			l.must(err)
			l.shown = nil
			return l.provider.Pay(ctx, body)
		}},
		{"expired", protocol.CodeRequestExpired, false, func(l *till, q *payment.Request) (provider.Answer, error) {
			body := l.sign(*q)
			l.w.Clock.Advance(6 * time.Minute)
			return l.provider.Pay(ctx, body)
		}},
		{"bad agent signature", protocol.CodeSignatureInvalid, false, func(l *till, q *payment.Request) (provider.Answer, error) {
			body := strings.Replace(string(l.sign(*q)), `"18.00"`, `"18.01"`, 1)
			return l.provider.Pay(ctx, []byte(body))
		}},
		{"invalid instrument", protocol.CodeInstrumentInvalid, false, func(l *till, q *payment.Request) (provider.Answer, error) {
			q.PaymentToken = "pt-unknown"
			return l.send(*q)
		}},
		{"instrument of another agent", protocol.CodeInstrumentMismatch, false, func(l *till, q *payment.Request) (provider.Answer, error) {
			l.must(l.ledger.BindToken(provider.Token{ID: "pt-of-another", Principal: acttest.PrincipalDID, Agent: "did:act:agents.example/another",
				Currency: "CNY", ValidFrom: acttest.Start, ValidUntil: acttest.Start.Add(time.Hour)}))
			q.PaymentToken = "pt-of-another"
			return l.send(*q)
		}},
		{"an order that is over", protocol.CodeOrderExpired, true, func(l *till, q *payment.Request) (provider.Answer, error) {
			l.order(q, func(o *commerce.Order) { o.Expires = o.IssuedAt.Add(time.Second) })
			l.w.Clock.Advance(time.Second)
			return l.send(*q)
		}},
		{"an order that is paid", protocol.CodeOrderPaid, true, func(l *till, q *payment.Request) (provider.Answer, error) {
			first := *q
			first.RequestID = canon.UUID()
			_, err := l.provider.Confirm(ctx, l.begun(first).TradeNo, l.confirmation())
			l.must(err)
			l.shown = nil
			return l.send(*q)
		}},
	} {
		t.Run("PSD-PAY-INS-01 "+c.name, func(t *testing.T) {
			l := newTill(t, nil)
			q := l.request(payment.ScenarioINS, "18.00")
			_, err := c.send(l, &q)
			if c.stored {
				l.stored(err, q, c.code)
			} else {
				l.passing(err, c.code)
			}
			if len(l.shown) != 0 {
				t.Errorf("the cashier was called")
			}
		})
	}
	t.Run("PSD-PAY-AUP-03 risk control", func(t *testing.T) {
		l := newTill(t, func(_ *till, c *provider.Config) {
			c.Risk = func(context.Context, *verifier.AuthorizedPayment) error {
				return protocol.New(protocol.CodeRiskRefused, "", "", "")
			}
		})
		q := l.request(payment.ScenarioINS, "18.00")
		_, err := l.send(q)
		l.stored(err, q, protocol.CodeRiskRefused)
		if len(l.shown) != 0 {
			t.Errorf("the cashier was called")
		}
	})
}

func TestCashierFails(t *testing.T) {
	t.Run("PSD-PAY-INS-03 a provider without one", func(t *testing.T) {
		l := newTill(t, func(_ *till, c *provider.Config) { c.Cashier = nil })
		q := l.request(payment.ScenarioINS, "18.00")
		_, err := l.send(q)
		l.stored(err, q, protocol.CodeMethodNotAllowed)
		if e := protocol.AsError(err); e.Field != "scenario" {
			t.Errorf("field %q", e.Field)
		}
	})
	for name, cashier := range map[string]func() (string, error){
		"that fails":              func() (string, error) { return "", errors.New("secret") },
		"that refuses":            func() (string, error) { return "", protocol.New(protocol.CodePolicyRefused, "", "", "") },
		"at no address":           func() (string, error) { return "", nil },
		"at an address of no TLS": func() (string, error) { return "http://cashier.example/1", nil },
	} {
		t.Run("PSD-PAY-INS-03 one "+name, func(t *testing.T) {
			broken := true
			l := newTill(t, nil)
			l.provider = l.with(func(c *provider.Config) {
				c.Cashier = func(_ context.Context, t *provider.Trade) (string, error) {
					if broken {
						return cashier()
					}
					return "https://cashier.example/" + t.No, nil
				}
			})
			q := l.request(payment.ScenarioINS, "18.00")
			_, err := l.send(q)
			if l.passing(err, protocol.CodeServiceUnavailable); strings.Contains(err.Error(), "secret") {
				t.Error(err)
			}
			broken = false
			waits := l.begun(q) // the trade waits, and the agent asks again
			_, err = l.provider.Confirm(ctx, waits.TradeNo, l.confirmation())
			l.must(err)
			l.spent(18_00)
		})
	}
}

func TestTimeToConfirm(t *testing.T) {
	l := newTill(t, nil)
	l.provider = l.with(func(c *provider.Config) { c.TimeToConfirm = 90*time.Second + time.Millisecond })
	q := l.request(payment.ScenarioINS, "18.00")
	waits := l.begun(q)
	if !waits.ExpiresAt.Equal(acttest.Start.Add(90 * time.Second)) {
		t.Fatalf("expires %v", waits.ExpiresAt)
	}
	l.w.Clock.Advance(90 * time.Second)
	_, err := l.provider.Confirm(ctx, waits.TradeNo, l.confirmation())
	l.stored(err, q, protocol.CodeConfirmationFailed)
}

// TestConcurrentInstants: many principals' confirmations of many payments, each
// twice at once, and the money for some of them.
func TestConcurrentInstants(t *testing.T) {
	l := newTill(t, nil)
	l.provider = l.with(func(c *provider.Config) { c.Decided = nil })
	var waiting []string
	for range 8 {
		waiting = append(waiting, l.begun(l.request(payment.ScenarioINS, "18.00")).TradeNo)
	}
	var all sync.WaitGroup
	for _, no := range append(waiting, waiting...) {
		all.Go(func() {
			_, err := l.provider.Confirm(ctx, no, l.confirmation())
			if code := protocol.CodeOf(err); err != nil && code != protocol.CodeBalanceInsufficient {
				t.Errorf("%v", err)
			}
		})
	}
	all.Wait()
	l.spent(3 * 18_00) // 60.00 are in the account
}
