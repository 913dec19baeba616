package provider_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
	"github.com/actprotocol/act-go/verifier"
)

func TestDelegatedPayment(t *testing.T) {
	for _, s := range []payment.Scenario{payment.ScenarioDEL, payment.ScenarioAUP} {
		t.Run("PSD-PAY-DEL-13 "+string(s), func(t *testing.T) {
			l := newTill(t, nil)
			q := l.request(s, "18.00")
			first := l.paid(q)
			if first.Amount.Minor() != 18_00 || first.SpentTotal.Minor() != 18_00 || first.TradeState != payment.StateWaitSellerFulfillment {
				t.Fatalf("%+v", first)
			}
			v := l.last()
			if !v.Decision.Allowed() || v.Trade.No != first.TradeNo || v.RequestID != q.RequestID || v.Agent != acttest.AgentDID || v.Scenario != s {
				t.Fatalf("verdict %+v", v)
			}
			l.w.Clock.Advance(time.Hour) // the order is over, and the answer stays
			if again := l.paid(q); again != first {
				t.Fatalf("PSD-PAY-DEL-04: another answer: %+v", again)
			}
			asked, err := l.query(q)
			l.must(err)
			if got := l.result(q, asked); got != first {
				t.Fatalf("PSD-PAY-A402-23: %+v", got)
			}
			l.spent(18_00)
			if len(l.verdicts) != 1 {
				t.Errorf("%d verdicts of one decision", len(l.verdicts))
			}
		})
	}
}

// TestOrderOfChecks reads the checks of a decision that allowed a payment.
func TestOrderOfChecks(t *testing.T) {
	l := newTill(t, func(_ *till, c *provider.Config) {
		c.Risk = func(context.Context, *verifier.AuthorizedPayment) error { return nil }
	})
	q := l.request(payment.ScenarioDEL, "18.00")
	q.PaymentToken, q.SubAccountID = "", subID
	l.paid(q)
	var names []string
	for _, c := range l.last().Decision.Checks() {
		names = append(names, c.Name)
	}
	at := -1
	for _, name := range []string{
		"form", "signature", "provider", "time of sending", "holder's key signed the request", "mode fits the scenario", "order number",
		"form of the sub-account's authorization", "authorized by the sub-account's key", "risk control", "nonce is fresh", "mandate and order open at the debit", "order unpaid", "cumulative limit",
		"sub-account of this agent", "sub-account available", "sub-account's key at the debit", "balance",
	} {
		next := slices.Index(names, name)
		if next <= at {
			t.Fatalf("PSD-PAY-DEL-04: %q is number %d, after %d, of %q", name, next, at, names)
		}
		at = next
	}
}

// A spoiled request is one that is refused.
type spoiled struct {
	name   string
	code   protocol.Code
	stored bool
	spoil  func(*till, *payment.Request)
}

func spoiledRequests() []spoiled {
	return []spoiled{
		{"PSD-PAY-DEL-11 expired mandate", protocol.CodeMandateExpired, true, func(l *till, q *payment.Request) {
			l.mandate(q, func(i *delegation.ISR) { i.ValidityEnd = i.ValidityStart.Add(time.Minute) })
			l.w.Clock.Advance(2 * time.Minute)
		}},
		{"PSD-PAY-DEL-11 revoked mandate", protocol.CodeMandateRevoked, true, func(l *till, q *payment.Request) {
			l.status(q, delegation.StatusRevoked)
		}},
		{"PSD-PAY-DEL-11 suspended mandate", protocol.CodeMandateSuspended, true, func(l *till, q *payment.Request) {
			l.status(q, delegation.StatusSuspended)
		}},
		{"PSD-PAY-AUP-01 a SPECIFIED mandate", protocol.CodeModeMismatch, true, func(l *till, q *payment.Request) {
			q.Scenario = payment.ScenarioDEL
			l.mandate(q, nil)
			q.Scenario = payment.ScenarioAUP
		}},
		{"PSD-PAY-DEL-11 single limit", protocol.CodeSingleLimitExceeded, true, func(l *till, q *payment.Request) {
			l.mandate(q, func(i *delegation.ISR) {
				i.Ext = &delegation.Ext{Commerce: &delegation.Commerce{MaxSingleAmount: "17.99"}}
			})
		}},
		{"PSD-PAY-DEL-11 cumulative limit", protocol.CodeTotalLimitExceeded, true, func(l *till, q *payment.Request) {
			l.mandate(q, func(i *delegation.ISR) { i.MaxTotalAmount = "17.99" })
		}},
		{"PSD-PAY-DEL-11 merchant out of scope", protocol.CodeMerchantNotAllowed, true, func(l *till, q *payment.Request) {
			l.mandate(q, func(i *delegation.ISR) {
				i.Ext = &delegation.Ext{Commerce: &delegation.Commerce{AllowedMerchants: []string{"did:act:other.example/shop"}}}
			})
		}},
		{"PSD-PAY-DEL-11 balance", protocol.CodeBalanceInsufficient, true, func(l *till, q *payment.Request) {
			l.mandate(q, func(i *delegation.ISR) { i.MaxTotalAmount = "1000" })
			q.Amount = acttest.CNY(l, "60.01")
			l.order(q, nil)
		}},
		{"PSD-PMT-BND-04 unknown token", protocol.CodeInstrumentInvalid, true, func(l *till, q *payment.Request) { q.PaymentToken = "pt-2" }},
		{"PSD-PMT-BND-04 frozen token", protocol.CodeInstrumentInvalid, true, func(l *till, q *payment.Request) {
			l.must(l.ledger.SetTokenState(token, provider.TokenFrozen))
		}},
		{"CID-CART-CFM-05 another amount than the order's", protocol.CodeOrderMismatch, true, func(l *till, q *payment.Request) {
			q.Amount = acttest.CNY(l, "17.00")
		}},
		{"an order that is over", protocol.CodeOrderExpired, true, func(l *till, q *payment.Request) {
			l.order(q, func(o *commerce.Order) { o.Expires = o.IssuedAt.Add(time.Second) })
			l.w.Clock.Advance(time.Second)
		}},
		{"PSD-PAY-DEL-04 status not to be had", protocol.CodeStatusUnavailable, false, func(l *till, q *payment.Request) { l.w.Statuses.SetDown(true) }},
		{"PSD-PAY-DEL-04 keys not to be had", protocol.CodeKeyUnavailable, false, func(l *till, q *payment.Request) { l.w.Directory.SetDown(true) }},
		{"PSD-PAY-DEL-04 another provider", protocol.CodeAudienceMismatch, false, func(l *till, q *payment.Request) { q.PSPID = "did:act:psp.example/other" }},
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range spoiledRequests() {
		t.Run(c.name, func(t *testing.T) {
			l := newTill(t, nil)
			q := l.request(payment.ScenarioAUP, "18.00")
			c.spoil(l, &q)
			_, err := l.send(q)
			if !c.stored {
				l.passing(err, c.code)
			} else {
				l.stored(err, q, c.code)
				if v := l.last(); v.Trade != nil || protocol.CodeOf(v.Decision.Err()) != c.code {
					t.Errorf("verdict %+v", v)
				}
			}
			l.spent(0)
			if c.stored {
				l.w.Clock.Advance(time.Second)
				asked, err := l.query(q)
				if l.stored(err, q, c.code); asked.Body != nil {
					t.Error("an answer with an error")
				}
			}
			for _, part := range []string{token, q.RequestID, q.DelegationID, q.MerchantOrderID} {
				if part != "" && strings.Contains(err.Error(), part) {
					t.Errorf("PRV-04: the error repeats %q", part)
				}
			}
		})
	}
}

// status sets the state of the mandate of a request.
func (l *till) status(q *payment.Request, s delegation.Status) {
	l.Helper()
	m, err := delegation.ParseMandate([]byte(q.IAC))
	l.must(err)
	l.w.Statuses.Set(*m.Claims().Status, s)
}

func TestReplays(t *testing.T) {
	l := newTill(t, nil)
	q := l.request(payment.ScenarioAUP, "18.00")
	body := l.sign(q)
	_, err := l.provider.Pay(ctx, body)
	l.must(err)
	_, err = l.provider.Pay(ctx, body)
	l.passing(err, protocol.CodeReplayed)
	l.spent(18_00)

	t.Run("PSD-PAY-DEL-04 a replay is told before everything else", func(t *testing.T) {
		l.w.Clock.Advance(6 * time.Minute) // and too old, and its mandate revoked
		l.status(&q, delegation.StatusRevoked)
		_, err := l.provider.Pay(ctx, body)
		l.passing(err, protocol.CodeReplayed)
	})
	t.Run("PSD-PAY-DEL-04 a known request is answered before its mandate is looked at", func(t *testing.T) {
		l.paid(q)
	})
	t.Run("PSD-PAY-DEL-04 other content under the id", func(t *testing.T) {
		changed := q
		changed.PaymentToken = "pt-other"
		_, err := l.send(changed)
		l.passing(err, protocol.CodeRequestConflict)
	})
	t.Run("PSD-PAY-DEL-04 a bad signature uses no nonce", func(t *testing.T) {
		l := newTill(t, nil)
		q := l.request(payment.ScenarioAUP, "18.00")
		body := l.sign(q)
		i := strings.Index(string(body), `"amount":"18.00"`)
		forged := []byte(strings.Replace(string(body), `"amount":"18.00"`, `"amount":"18.01"`, 1))
		if i < 0 {
			t.Fatal("no amount in the message")
		}
		_, err := l.provider.Pay(ctx, forged)
		l.passing(err, protocol.CodeSignatureInvalid)
		_, err = l.provider.Pay(ctx, body)
		l.must(err)
	})
	t.Run("PSD-PAY-DEL-04 what is not stored has used its nonce", func(t *testing.T) {
		l := newTill(t, nil)
		q := l.request(payment.ScenarioAUP, "18.00")
		l.w.Statuses.SetDown(true)
		body := l.sign(q)
		_, err := l.provider.Pay(ctx, body)
		l.passing(err, protocol.CodeStatusUnavailable)
		l.w.Statuses.SetDown(false)
		_, err = l.provider.Pay(ctx, body)
		l.passing(err, protocol.CodeReplayed)
		l.paid(q)
	})
}

func TestRisk(t *testing.T) {
	for _, c := range []struct {
		name string
		says error
		code protocol.Code
	}{
		{"refuses", protocol.New(protocol.CodeRiskRefused, "", "", ""), protocol.CodeRiskRefused},
		{"refuses in other words", protocol.New(protocol.CodeBalanceInsufficient, "secret", "", "why"), protocol.CodeRiskRefused},
		{"does not know", protocol.New(protocol.CodeServiceUnavailable, "", "", ""), protocol.CodeServiceUnavailable},
		{"fails", errors.New("the model is down: secret"), protocol.CodeServiceUnavailable},
	} {
		t.Run("PSD-PAY-AUP-03 "+c.name, func(t *testing.T) {
			says := c.says
			l := newTill(t, func(_ *till, cfg *provider.Config) {
				cfg.Risk = func(_ context.Context, a *verifier.AuthorizedPayment) error {
					if a.Amount().Minor() != 18_00 || !a.Decision().Allowed() {
						t.Errorf("risk control is asked for what did not pass: %v", a.Decision())
					}
					return says
				}
			})
			q := l.request(payment.ScenarioAUP, "18.00")
			_, err := l.send(q)
			if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "why") {
				t.Errorf("the reason is told: %v", err)
			}
			says = nil
			if c.code == protocol.CodeRiskRefused {
				l.stored(err, q, c.code)
				_, err = l.send(q) // for good
				l.stored(err, q, c.code)
				l.spent(0)
				return
			}
			l.passing(err, c.code)
			l.paid(q)
			l.spent(18_00)
		})
	}
}

// fromSub is a request to pay 18.00 from the sub-account.
func (l *till) fromSub() payment.Request {
	l.Helper()
	q := l.request(payment.ScenarioAUP, "18.00")
	q.PaymentToken, q.SubAccountID = "", subID
	return q
}

func TestSubAccounts(t *testing.T) {
	t.Run("PSD-PAY-DEL-08 the funds come from it", func(t *testing.T) {
		l := newTill(t, nil)
		q := l.fromSub()
		first := l.paid(q)
		if again := l.paid(q); again != first { // with another authorization
			t.Fatalf("PSD-PAY-DEL-04: another answer %+v", again)
		}
		if left := l.ledger.SubAccountBalance(subID); left != 22_00 || l.last().Trade.SubAccount != subID {
			t.Fatalf("%d left", left)
		}
		l.spent(18_00)
	})
	t.Run("PSD-AGT-SUB-05 each failure has its own code", func(t *testing.T) {
		for code, spoil := range map[protocol.Code]func(*till, *payment.Request){
			protocol.CodeSubAccountUnknown: func(_ *till, q *payment.Request) { q.SubAccountID = "sub-2" },
			protocol.CodeBalanceInsufficient: func(l *till, q *payment.Request) {
				q.Amount = acttest.CNY(l, "40.01")
				l.order(q, nil)
			},
			protocol.CodeSubAccountFrozen: func(l *till, _ *payment.Request) {
				l.must(l.ledger.SetSubAccountState(subID, provider.SubAccountFrozen))
			},
			protocol.CodeSubAccountCancelled: func(l *till, _ *payment.Request) {
				l.must(l.ledger.SetSubAccountState(subID, provider.SubAccountCancelled))
			},
			protocol.CodeInstrumentMismatch: func(l *till, q *payment.Request) {
				l.must(l.ledger.OpenSubAccount(provider.SubAccount{ID: "sub-of-another", Principal: acttest.PrincipalDID,
					Agent: "did:act:agents.example/another", Currency: "CNY", Key: l.sub.Public()}))
				q.SubAccountID = "sub-of-another"
			},
		} {
			t.Run(string(code), func(t *testing.T) {
				l := newTill(t, nil)
				q := l.fromSub()
				spoil(l, &q)
				_, err := l.send(q)
				l.stored(err, q, code)
				l.spent(0)
			})
		}
	})
}

func TestSubAccountKeys(t *testing.T) {
	t.Run("PSD-AGT-SUB-04 a rotated key", func(t *testing.T) {
		l := newTill(t, nil)
		q, old := l.fromSub(), l.sub
		next := l.newKey()
		l.must(l.ledger.SetSubAccountKey(subID, next.Public()))
		_, err := l.send(q)
		l.passing(err, protocol.CodeSubAccountKey)
		if v := l.last(); protocol.CodeOf(v.Decision.Err()) != protocol.CodeSubAccountKey {
			t.Errorf("verdict %+v", v)
		}
		l.spent(0)
		l.sub = next
		l.paid(q) // the same request, authorised by the key of now
		l.must(l.ledger.SetSubAccountState(subID, provider.SubAccountFrozen))
		l.sub = old
		frozen := l.fromSub()
		_, err = l.send(frozen)
		l.stored(err, frozen, protocol.CodeSubAccountFrozen)
	})
	t.Run("PSD-AGT-SUB-04 a key rotated between its check and the debit", func(t *testing.T) {
		l := newTill(t, func(l *till, c *provider.Config) {
			c.Risk = func(context.Context, *verifier.AuthorizedPayment) error {
				return l.ledger.SetSubAccountKey(subID, l.newKey().Public())
			}
		})
		_, err := l.send(l.fromSub())
		l.passing(err, protocol.CodeSubAccountKey)
		l.spent(0)
	})
	t.Run("PSD-PAY-DEL-09 another principal's", func(t *testing.T) {
		l := newTill(t, nil)
		const other = "did:act:home.example/other"
		l.must(l.ledger.OpenPrincipal(other, "CNY"))
		l.must(l.ledger.OpenSubAccount(provider.SubAccount{ID: "sub-other", Principal: other, Agent: acttest.AgentDID, Currency: "CNY", Key: l.sub.Public()}))
		q := l.fromSub()
		q.SubAccountID = "sub-other"
		_, err := l.send(q)
		l.stored(err, q, protocol.CodePrincipalMismatch)
		l.sub = l.newKey() // and not authorised either
		q = l.fromSub()
		q.SubAccountID = "sub-other"
		_, err = l.send(q)
		l.passing(err, protocol.CodePrincipalMismatch)
	})
}

// TestDeliveries: from the proof to the end of the trade.
func TestDeliveries(t *testing.T) {
	l := newTill(t, nil)
	first := l.paid(l.request(payment.ScenarioAUP, "18.00"))
	used, err := l.consume(first.PaymentProof, "delivery-1")
	l.must(err)
	if used.TradeNo != first.TradeNo || used.Amount != first.Amount || used.TradeState != payment.StateWaitSellerFulfillment {
		t.Fatalf("%+v", used)
	}
	_, err = l.consume(first.PaymentProof, "delivery-2")
	l.want(err, protocol.CodeProofUsed)
	done, err := l.fulfil(first.TradeNo, "delivery-1")
	l.must(err)
	if done.TradeState != payment.StateTradeFinished {
		t.Fatalf("%+v", done)
	}
	_, err = l.fulfil("no-such-trade", "delivery-1")
	l.want(err, protocol.CodeTradeUnknown)

	late := l.paid(l.request(payment.ScenarioAUP, "18.00"))
	l.w.Clock.Advance(provider.DefaultProofLife)
	_, err = l.consume(late.PaymentProof, "delivery-3")
	l.want(err, protocol.CodeProofExpired)
	_, err = l.consume(first.PaymentProof, "delivery-1") // who has it may ask again
	l.must(err)

	t.Run("PSD-PAY-A402-08 a proof of somebody else", func(t *testing.T) {
		foreign := newTill(t, nil)
		proof := foreign.paid(foreign.request(payment.ScenarioAUP, "1.00")).PaymentProof
		_, err := l.consume(proof, "delivery-4")
		l.want(err, protocol.CodeProofInvalid)
		other := acttest.NewParty(t, "did:act:psp.example/other", keys.Proof)
		claims, err := payment.ParseProofClaims(proof)
		l.must(err)
		claims.Claims.PSPID = other.DID.String()
		proof, err = payment.SignProofClaims(other.Signer(keys.Proof), claims.Claims)
		l.must(err)
		_, err = l.consume(proof, "delivery-5")
		l.want(err, protocol.CodeProofInvalid)
	})
}
