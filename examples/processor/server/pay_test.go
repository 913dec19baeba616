package server_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
	"github.com/actprotocol/act-go/psp"
	"github.com/actprotocol/act-go/verifier"
)

// clients are the library's own clients of a processor, which check what it
// answers with keys that they resolve over HTTPS.
func (w *world) clients() (agent, shop *psp.Client) {
	w.t.Helper()
	v, err := verifier.New(verifier.Config{Issuers: verifier.SelfIssued{}, Keys: w.resolver(), Status: w.status, Now: w.Now})
	w.must(err)
	c := psp.Config{ID: w.PSP, Endpoint: w.server.Endpoint(), Signer: w.Agent, Verifier: v, HTTP: w.client, Now: w.Now}
	agent, err = psp.New(c)
	w.must(err)
	c.Signer = w.Shop
	shop, err = psp.New(c)
	w.must(err)
	return agent, shop
}

func TestCartWholeWay(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	agent, shop := w.clients()
	q := w.latte("18.00")
	paid, err := agent.Pay(ctx, q)
	w.must(err)
	if paid.TradeState != payment.StateWaitSellerFulfillment || paid.SpentTotal != w.CNY("18.00") {
		t.Errorf("%+v", paid)
	}
	w.add(time.Minute)
	again, err := agent.Pay(ctx, q)
	w.must(err)
	if again != paid {
		t.Errorf("PSD-PAY-DEL-04: a repeat got %+v, first was %+v", again, paid)
	}
	asked, err := agent.Query(ctx, q)
	w.must(err)
	if asked != paid {
		t.Errorf("PSD-PAY-A402-23: query got %+v", asked)
	}

	claim, err := shop.Consume(ctx, paid.PaymentProof, "delivery-1")
	w.must(err)
	w.add(time.Minute)
	same, err := shop.Consume(ctx, paid.PaymentProof, "delivery-1")
	w.must(err)
	if same.ConsumedAt != claim.ConsumedAt || same.TradeState != claim.TradeState {
		t.Errorf("PSD-PAY-A402-15: the same consumer got %+v, first %+v", same, claim)
	}
	_, err = shop.Consume(ctx, paid.PaymentProof, "delivery-2")
	if protocol.CodeOf(err) != protocol.CodeProofUsed {
		t.Errorf("PSD-PAY-A402-08: another consumer got %v", err)
	}
	done, err := shop.ConfirmFulfilment(ctx, paid.TradeNo, "delivery-1", w.Now())
	w.must(err)
	if done.TradeState != payment.StateTradeFinished {
		t.Errorf("PSD-PAY-A402-11: %+v", done)
	}
	asked, err = agent.Query(ctx, q)
	w.must(err)
	if asked.TradeState != payment.StateTradeFinished {
		t.Errorf("%+v", asked)
	}
	if first, err := agent.Pay(ctx, q); err != nil || first != paid {
		t.Errorf("the first answer became %+v, %v", first, err)
	}
	if w.balance(w.Owner) != 82_00 || w.balance(w.Shop.DID()) != 18_00 {
		t.Error("the balances are wrong")
	}
	w.sound()
}

func TestRepeatIsTheSameBytes(t *testing.T) {
	w := newWorld(t)
	q := w.latte("18.00")
	_, first := w.post("/payments", w.Sign(q))
	w.add(2 * time.Minute)
	_, second := w.post("/payments", w.Sign(q))
	if !bytes.Equal(first, second) {
		t.Errorf("first %s\nthen %s", first, second)
	}
}

func TestBill(t *testing.T) {
	w := newWorld(t)
	id, iac := w.Mandate(delegation.Bounded, nil)
	q := w.Request(id, iac, w.token, "2.50")
	q.Scenario, q.Order, q.Bill = payment.ScenarioAUP, "", w.Bill(q.MerchantOrderID, "2.50")
	result := w.pay(w.Sign(q))
	u, err := payment.ParseProofClaims(result.PaymentProof)
	w.must(err)
	bill, err := payment.ParseBill(q.Bill)
	w.must(err)
	c := u.Claims
	if c.ResourceID != "recipe-7" || c.RequestMethod != "GET" || c.RequestFingerprint != bill.Bill.RequestFingerprint || c.Thumbprint != w.Agent.Public().Thumbprint() {
		t.Errorf("PSD-PAY-A402-16: %+v", c)
	}
	if life := c.Expires.Sub(c.IssuedAt); life != bill.Bill.ReplayWindow {
		t.Errorf("the proof lives %v, the bill's replay window is %v", life, bill.Bill.ReplayWindow)
	}
	w.sound()
}

// TestRefusals sends what must fail, and then looks that nothing moved and
// whether the refusal is the answer for ever.
func TestRefusals(t *testing.T) {
	cases := []struct {
		name   string
		change func(w *world, q *payment.Request)
		want   protocol.Code
		final  bool
	}{
		{"PSD-PAY-DEL-05 mandate expired", func(w *world, q *payment.Request) {
			w.add(14 * time.Minute)
			q.Order = w.Order(q.MerchantOrderID, "18.00", nil)
		}, protocol.CodeMandateExpired, true},
		{"ADD-IAC-LCM-07 mandate revoked", listed(delegation.StatusRevoked), protocol.CodeMandateRevoked, true},
		{"ADD-IAC-LCM-07 mandate suspended", listed(delegation.StatusSuspended), protocol.CodeMandateSuspended, true},
		{"PSD-PAY-DEL-12 BOUNDED mandate", func(w *world, q *payment.Request) {
			q.DelegationID, q.IAC = w.Mandate(delegation.Bounded, nil)
		}, protocol.CodeModeMismatch, true},
		{"PSD-PAY-DEL-06 single limit", func(w *world, q *payment.Request) {
			q.Amount, q.Order = w.CNY("30.01"), w.Order(q.MerchantOrderID, "30.01", nil)
		}, protocol.CodeSingleLimitExceeded, true},
		{"PSD-PAY-DEL-11 merchant out of scope", func(w *world, q *payment.Request) {
			q.DelegationID, q.IAC = w.Mandate(delegation.Specified, func(c *delegation.Claims) {
				c.Authorization.Ext.Commerce.AllowedMerchants = []string{w.Tea.DID()}
			})
		}, protocol.CodeMerchantNotAllowed, true},
		{"PSD-PAY-DEL-04 category from the signed order", func(w *world, q *payment.Request) {
			q.Order = w.Order(q.MerchantOrderID, "18.00", func(o *commerce.Order) { o.Items[0].Category = "tobacco" })
		}, protocol.CodeCategoryNotAllowed, true},
		{"CID-CART-CFM-05 amount of the order", func(w *world, q *payment.Request) { q.Amount = w.CNY("17.99") }, protocol.CodeOrderMismatch, true},
		{"CID-CART-CFM-05 number of the order", func(w *world, q *payment.Request) { q.MerchantOrderID = w.Number() }, protocol.CodeOrderMismatch, true},
		{"CID-CART-CFM-04 lock over", func(w *world, q *payment.Request) {
			w.add(11 * time.Minute)
		}, protocol.CodeOrderExpired, true},
		{"PSD-PAY-DEL-05 another agent's mandate", func(w *world, q *payment.Request) {
			q.DelegationID, q.IAC = w.Mandate(delegation.Specified, func(c *delegation.Claims) {
				c.Subject, c.Authorization.AgentID = w.Stranger.DID(), w.Stranger.DID()
			})
		}, protocol.CodeAgentMismatch, false},
		{"a mandate for another provider", func(w *world, q *payment.Request) {
			q.DelegationID, q.IAC = w.Mandate(delegation.Specified, func(c *delegation.Claims) { c.Audience = "did:act:other.example/psp" })
		}, protocol.CodeAudienceMismatch, false},
		{"ADD-IAC-ISS-10 issuer not trusted for this delegator", func(w *world, q *payment.Request) {
			q.DelegationID, q.IAC = w.Mandate(delegation.Specified, func(c *delegation.Claims) {
				c.Authorization.DelegatorIdentity = "did:act:home.example/guest"
			})
		}, protocol.CodeIssuerUntrusted, false},
		{"PSD-PAY-DEL-05 a flipped bit in the mandate's signature", func(w *world, q *payment.Request) {
			b := []byte(q.IAC)
			at := strings.LastIndexByte(q.IAC, '.') + 10
			if b[at] == 'A' {
				b[at] = 'B'
			} else {
				b[at] = 'A'
			}
			q.IAC = string(b)
		}, protocol.CodeSignatureInvalid, false},
		{"PSD-PMT-BND-04 unknown token", func(w *world, q *payment.Request) { q.PaymentToken = "pt-none" }, protocol.CodeInstrumentInvalid, true},
		{"PSD-PMT-BND-04 frozen token", func(w *world, q *payment.Request) {
			w.must(w.server.SetTokenState(context.Background(), w.token, provider.TokenFrozen))
		}, protocol.CodeInstrumentInvalid, true},
		{"PSD-PAY-AUP-03 balance", func(w *world, q *payment.Request) {
			for range 4 {
				w.pay(w.Sign(w.latte("25.00")))
			}
		}, protocol.CodeBalanceInsufficient, true},
		{"PSD-PAY-DEL-07 cumulative limit", func(w *world, q *payment.Request) {
			for range 2 {
				w.pay(w.Sign(w.Request(q.DelegationID, q.IAC, w.token, "20.00")))
			}
		}, protocol.CodeTotalLimitExceeded, true},
		{"PSD-PAY-A402-01 order paid before", func(w *world, q *payment.Request) {
			first := *q
			first.RequestID = canon.UUID()
			w.pay(w.Sign(first))
		}, protocol.CodeOrderPaid, true},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			q := w.latte("18.00")
			tc.change(w, &q)
			before := w.balance(w.Owner)
			r := w.wantRefusal("/payments", w.Sign(q), tc.want)
			if r.Error.Requirement == "" || len(r.Error.Checks) < 3 || r.Error.Outcome != "denied" {
				t.Errorf("a refusal shows its checks: %+v", r)
			}
			if w.balance(w.Owner) != before {
				t.Error("refused, and money moved")
			}
			trade, err := w.server.Ledger().Query(context.Background(), q.BuyerAgentID, q.RequestID)
			if stored := protocol.CodeOf(err) == tc.want && trade == nil; stored != tc.final {
				t.Errorf("stored: %v (%v)", stored, err)
			}
			repeated := w.wantRefusal("/payments", w.Sign(q), tc.want)
			if tc.final && len(repeated.Error.Checks) != len(r.Error.Checks) {
				t.Errorf("PSD-PAY-DEL-04: %d checks at first, then %d", len(r.Error.Checks), len(repeated.Error.Checks))
			}
			asked := protocol.CodeTradeUnknown
			want := ""
			if tc.final {
				asked, want = tc.want, q.RequestID
			}
			told := w.wantRefusal("/queries", w.query(q), asked)
			for where, got := range map[string]string{"first": r.Error.Payment, "repeated": repeated.Error.Payment, "asked": told.Error.Payment} {
				if got != want {
					t.Errorf("PSD-PAY-A402-23: %s, the answer is to payment request %q, want %q", where, got, want)
				}
			}
			w.sound()
		})
	}
}

// query asks what became of a payment request.
func (w *world) query(q payment.Request) []byte {
	w.t.Helper()
	raw, err := payment.SignQuery(w.Agent, payment.Query{
		RequestID: canon.UUID(), Nonce: canon.Nonce(), Timestamp: w.Now(), PSPID: w.PSP, BuyerAgentID: q.BuyerAgentID, PaymentRequestID: q.RequestID,
	})
	w.must(err)
	return raw
}

// TestRefusedQuery: a question that is refused says nothing about the payment,
// whatever became of it.
func TestRefusedQuery(t *testing.T) {
	w := newWorld(t)
	paid, refused := w.latte("18.00"), w.latte("18.00")
	w.pay(w.Sign(paid))
	refused.PaymentToken = "pt-none"
	w.wantRefusal("/payments", w.Sign(refused), protocol.CodeInstrumentInvalid)
	for _, q := range []payment.Request{paid, refused} {
		message := w.query(q)
		if r := w.wantRefusal("/queries", bytes.Replace(message, []byte(q.RequestID), []byte(canon.UUID()), 1), protocol.CodeSignatureInvalid); r.Error.Payment != "" {
			t.Errorf("PSD-PAY-A402-23: %+v", r)
		}
		w.add(6 * time.Minute)
		if r := w.wantRefusal("/queries", message, protocol.CodeRequestExpired); r.Error.Payment != "" {
			t.Errorf("PSD-PAY-A402-23: %+v", r)
		}
	}
	// The same request id with other content is a conflict, and no answer.
	other := refused
	other.PaymentToken = w.token
	if r := w.wantRefusal("/payments", w.Sign(other), protocol.CodeRequestConflict); r.Error.Payment != "" {
		t.Errorf("PSD-PAY-DEL-04: %+v", r)
	}
	w.sound()
}

// listed makes the mandate one with a status reference, and sets its state.
func listed(s delegation.Status) func(w *world, q *payment.Request) {
	return func(w *world, q *payment.Request) {
		w.status.set(s, nil)
		q.DelegationID, q.IAC = w.Mandate(delegation.Specified, func(c *delegation.Claims) {
			c.Status = &delegation.StatusReference{Index: 7, URI: "https://home.example/status"}
		})
	}
}

func TestUndeterminedIsNeverStored(t *testing.T) {
	w := newWorld(t)
	q := w.latte("18.00")
	listed(delegation.StatusActive)(w, &q)
	w.status.set(0, errors.New("the list is not to be had"))
	r := w.wantRefusal("/payments", w.Sign(q), protocol.CodeStatusUnavailable)
	if r.Error.Outcome != "undetermined" {
		t.Errorf("%+v", r)
	}
	if _, err := w.server.Ledger().Query(context.Background(), q.BuyerAgentID, q.RequestID); protocol.CodeOf(err) != protocol.CodeTradeUnknown {
		t.Errorf("%v", err)
	}
	w.status.set(delegation.StatusActive, nil)
	w.pay(w.Sign(q))
	w.sound()
}

func TestOrderOfChecks(t *testing.T) {
	w := newWorld(t)
	q := w.latte("18.00")
	message := w.Sign(q)

	t.Run("a bad signature uses no nonce", func(t *testing.T) {
		bad := bytes.Replace(message, []byte(`"amount":"18.00"`), []byte(`"amount":"17.00"`), 1)
		w.wantRefusal("/payments", bad, protocol.CodeSignatureInvalid)
		w.pay(message)
	})
	t.Run("PSD-PAY-DEL-04 a replay is told before all else", func(t *testing.T) {
		w.add(20 * time.Minute) // the mandate has ended, and the message is too old
		w.wantRefusal("/payments", message, protocol.CodeReplayed)
	})
	t.Run("the first answer is told before the mandate is looked at", func(t *testing.T) {
		w.pay(w.Sign(q))
	})
	t.Run("a conflict is told before the mandate is looked at", func(t *testing.T) {
		other := q
		other.PaymentToken = "pt-other"
		w.wantRefusal("/payments", w.Sign(other), protocol.CodeRequestConflict)
	})
	t.Run("PSD-PAY-DEL-04 an old message", func(t *testing.T) {
		old := w.latte("18.00")
		old.Nonce, old.Timestamp = canon.Nonce(), w.Now().Add(-5*time.Minute-time.Second)
		raw, err := payment.SignRequest(w.Agent, old)
		w.must(err)
		w.wantRefusal("/payments", raw, protocol.CodeRequestExpired)
		w.wantRefusal("/payments", raw, protocol.CodeReplayed)
		w.pay(w.Sign(old)) // the same content, in time: too late was no answer
	})
	t.Run("a message for another processor", func(t *testing.T) {
		other := w.latte("18.00")
		other.PSPID = "did:act:other.example/psp"
		w.wantRefusal("/payments", w.Sign(other), protocol.CodeAudienceMismatch)
	})
	w.sound()
}

func TestIssuerNoLongerTrusted(t *testing.T) {
	w := newWorld(t)
	w.pay(w.Sign(w.latte("18.00")))
	w.must(w.server.TrustIssuer(context.Background(), w.Issue.DID(), w.Owner, false))
	w.wantRefusal("/payments", w.Sign(w.latte("18.00")), protocol.CodeIssuerUntrusted)
}

// TestLastYuan is the house's own demand: two hundred at the door, each with a
// request of its own for the mandate's last yuan, and one of them gets it.
func TestLastYuan(t *testing.T) {
	w := newWorld(t)
	id, iac := w.Mandate(delegation.Specified, func(c *delegation.Claims) {
		c.Authorization.MaxTotalAmount, c.Authorization.Ext.Commerce.MaxSingleAmount = "21", "20"
	})
	w.pay(w.Sign(w.Request(id, iac, w.token, "20.00")))
	messages := make([][]byte, 200)
	for i := range messages {
		messages[i] = w.Sign(w.Request(id, iac, w.token, "1.00"))
	}
	var paid, refused atomic.Int64
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for _, m := range messages {
		wg.Go(func() {
			<-begin
			status, body, err := w.try("/payments", m)
			switch {
			case err != nil:
				t.Error(err)
			case status == http.StatusOK:
				paid.Add(1)
			case status == http.StatusForbidden && bytes.Contains(body, []byte(`"code":"total_limit_exceeded"`)):
				refused.Add(1)
			default:
				t.Errorf("%d %s", status, body)
			}
		})
	}
	close(begin)
	wg.Wait()
	if paid.Load() != 1 || refused.Load() != 199 {
		t.Errorf("PSD-PAY-DEL-07: %d paid, %d refused", paid.Load(), refused.Load())
	}
	if w.balance(w.Owner) != 79_00 {
		t.Errorf("the owner has %d", w.balance(w.Owner))
	}
	w.sound()
}

func TestSameRequestManyTimes(t *testing.T) {
	w := newWorld(t)
	q := w.latte("18.00")
	messages := make([][]byte, 100)
	for i := range messages {
		messages[i] = w.Sign(q)
	}
	answers := make([][]byte, len(messages))
	var wg sync.WaitGroup
	for i, m := range messages {
		wg.Go(func() {
			status, body, err := w.try("/payments", m)
			if err != nil || status != http.StatusOK {
				t.Errorf("%d, %v", status, err)
			}
			answers[i] = body
		})
	}
	wg.Wait()
	for _, a := range answers {
		if !bytes.Equal(a, answers[0]) {
			t.Fatal("two answers to one request")
		}
	}
	if w.balance(w.Owner) != 82_00 {
		t.Errorf("the owner has %d", w.balance(w.Owner))
	}
	w.sound()
}

func TestConsumptionRefusals(t *testing.T) {
	w := newWorld(t)
	result := w.pay(w.Sign(w.latte("18.00")))
	consume := func(s *keys.Signer, proof, consumer string) []byte {
		raw, err := payment.SignConsumption(s, payment.Consumption{
			RequestID: canon.UUID(), Nonce: canon.Nonce(), Timestamp: w.Now(), PSPID: w.PSP, MerchantID: s.DID(), PaymentProof: proof, Consumer: consumer,
		})
		w.must(err)
		return raw
	}
	fulfil := func(consumer string, at time.Time) []byte {
		raw, err := payment.SignFulfilment(w.Shop, payment.Fulfilment{
			RequestID: canon.UUID(), Nonce: canon.Nonce(), Timestamp: w.Now(), PSPID: w.PSP, MerchantID: w.Shop.DID(),
			TradeNo: result.TradeNo, Consumer: consumer, DeliveredAt: at,
		})
		w.must(err)
		return raw
	}
	t.Run("another merchant", func(t *testing.T) {
		w.wantRefusal("/consumptions", consume(w.Tea, result.PaymentProof, "d"), protocol.CodeProofMismatch)
	})
	t.Run("a proof that somebody else signed", func(t *testing.T) {
		private, err := keys.Generate(keys.EdDSA)
		w.must(err)
		forger, err := keys.NewSigner(w.PSP+"#proof-1", keys.Proof, private)
		w.must(err)
		u, err := payment.ParseProofClaims(result.PaymentProof)
		w.must(err)
		forged, err := payment.SignProofClaims(forger, u.Claims)
		w.must(err)
		w.wantRefusal("/consumptions", consume(w.Shop, forged, "d"), protocol.CodeProofInvalid)
	})
	t.Run("fulfilment before consumption", func(t *testing.T) {
		w.wantRefusal("/fulfilments", fulfil("d", w.Now()), protocol.CodeStateConflict)
	})
	t.Run("PSD-PAY-DEL-04 replay", func(t *testing.T) {
		m := consume(w.Shop, result.PaymentProof, "d")
		if status, body := w.post("/consumptions", m); status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
		w.wantRefusal("/consumptions", m, protocol.CodeReplayed)
	})
	t.Run("fulfilment by another consumer, or in the future", func(t *testing.T) {
		w.wantRefusal("/fulfilments", fulfil("e", w.Now()), protocol.CodeProofUsed)
		w.wantRefusal("/fulfilments", fulfil("d", w.Now().Add(time.Hour)), protocol.CodeFieldInvalid)
	})
	t.Run("PSD-PAY-A402-07 expired proof", func(t *testing.T) {
		fresh := w.pay(w.Sign(w.latte("18.00")))
		w.add(25 * time.Hour)
		w.wantRefusal("/consumptions", consume(w.Shop, fresh.PaymentProof, "f"), protocol.CodeProofExpired)
		if status, body := w.post("/consumptions", consume(w.Shop, result.PaymentProof, "d")); status != http.StatusOK {
			t.Errorf("who has the delivery may ask again: %d %s", status, body)
		}
	})
	w.sound()
}

func TestQueryIsForTheAgentOnly(t *testing.T) {
	w := newWorld(t)
	q := w.latte("18.00")
	w.pay(w.Sign(q))
	raw, err := payment.SignQuery(w.Stranger, payment.Query{
		RequestID: canon.UUID(), Nonce: canon.Nonce(), Timestamp: w.Now(), PSPID: w.PSP, BuyerAgentID: w.Stranger.DID(), PaymentRequestID: q.RequestID,
	})
	w.must(err)
	w.wantRefusal("/queries", raw, protocol.CodeTradeUnknown)
}

func TestForm(t *testing.T) {
	w := newWorld(t)
	for name, tc := range map[string]struct {
		body string
		want protocol.Code
	}{
		"too large":         {`{"a":"` + strings.Repeat("x", 64<<10) + `"}`, protocol.CodeTooLarge},
		"too deep":          {strings.Repeat("[", 40) + strings.Repeat("]", 40), protocol.CodeTooLarge},
		"duplicate members": {`{"a":1,"a":1}`, protocol.CodeMalformed},
		"not UTF-8":         {"{\"a\":\"\xff\"}", protocol.CodeMalformed},
		"empty":             {"", protocol.CodeMalformed},
		"not signed":        {`{"a":1}`, protocol.CodeFieldMissing},
	} {
		for _, path := range []string{"/payments", "/queries", "/consumptions", "/fulfilments", "/instruments"} {
			t.Run(name+path, func(t *testing.T) { w.wantRefusal(path, []byte(tc.body), tc.want) })
		}
	}
}
