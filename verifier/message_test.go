package verifier_test

import (
	"context"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

func (w *world) cart() commerce.CartRequest {
	return commerce.CartRequest{
		RequestID: "cart-1", Nonce: canon.Nonce(), Timestamp: w.clock(), BuyerAgentID: agentDID, MerchantID: shopDID,
		IntentID: "intent-1", DelegationID: authorization().DelegationID, PSPID: pspDID, PaymentMethod: methodURN,
		Items:  []commerce.CartLine{{ItemID: "latte", Quantity: 1, UnitPrice: amount(w.t, "18.00")}},
		Amount: amount(w.t, "18.00"),
	}
}

// A message that carries a nonce: how it is signed and verified.
type carried struct {
	name    string
	signer  string // key id
	purpose keys.Purpose
	sign    func(w *world, s *keys.Signer, nonce string, at time.Time) ([]byte, error)
	verify  func(w *world, raw []byte, recipient string) error
}

func carriers() []carried {
	ctx := context.Background()
	return []carried{
		{"CID-CART-CFM-03 cart request", agentDID + "#k1", keys.AgentRequest,
			func(w *world, s *keys.Signer, nonce string, at time.Time) ([]byte, error) {
				c := w.cart()
				c.Nonce, c.Timestamp = nonce, at
				return commerce.SignCartRequest(s, c)
			},
			func(w *world, raw []byte, recipient string) error {
				m, err := w.v.CartRequest(ctx, raw, verifier.CartExpectation{Merchant: map[string]string{"me": shopDID, "other": shop2DID}[recipient]})
				return both(w, m != nil && m.Value().RequestID == "cart-1" && m.ContentDigest() != "" && m.Decision().Allowed(), err)
			}},
		{"PSD-PAY-A402-23 query", agentDID + "#k1", keys.AgentRequest,
			func(_ *world, s *keys.Signer, nonce string, at time.Time) ([]byte, error) {
				return payment.SignQuery(s, payment.Query{RequestID: "q-1", Nonce: nonce, Timestamp: at, PSPID: pspDID, BuyerAgentID: agentDID, PaymentRequestID: "pay-1"})
			},
			func(w *world, raw []byte, recipient string) error {
				m, err := w.v.Query(ctx, raw, verifier.PaymentExpectation{PSP: map[string]string{"me": pspDID, "other": shopDID}[recipient]})
				return both(w, m != nil && m.Value().PaymentRequestID == "pay-1", err)
			}},
		{"PSD-PAY-AUP-02 question about an instrument", agentDID + "#k1", keys.AgentRequest,
			func(_ *world, s *keys.Signer, nonce string, at time.Time) ([]byte, error) {
				return payment.SignInstrumentQuery(s, payment.InstrumentQuery{RequestID: "i-1", Nonce: nonce, Timestamp: at, PSPID: pspDID, BuyerAgentID: agentDID, PaymentToken: "pt-1"})
			},
			func(w *world, raw []byte, recipient string) error {
				m, err := w.v.InstrumentQuery(ctx, raw, verifier.PaymentExpectation{PSP: map[string]string{"me": pspDID, "other": shopDID}[recipient]})
				return both(w, m != nil && m.Value().PaymentToken == "pt-1" && m.Decision().Allowed(), err)
			}},
		{"PSD-PMT-BND-02 binding request", agentDID + "#k1", keys.AgentRequest,
			func(w *world, s *keys.Signer, nonce string, at time.Time) ([]byte, error) {
				q := w.wish()
				q.Nonce, q.Timestamp = nonce, at
				return payment.SignBindingRequest(s, nil, q)
			},
			func(w *world, raw []byte, recipient string) error {
				m, err := w.v.BindingRequest(ctx, raw, verifier.PaymentExpectation{PSP: map[string]string{"me": pspDID, "other": shopDID}[recipient]})
				return both(w, m != nil && m.Value().PrincipalID == annDID && m.Decision().Allowed(), err)
			}},
		{"PSD-PAY-A402-08 consumption", shopDID + "#sell", keys.Seller,
			func(_ *world, s *keys.Signer, nonce string, at time.Time) ([]byte, error) {
				return payment.SignConsumption(s, payment.Consumption{RequestID: "c-1", Nonce: nonce, Timestamp: at, PSPID: pspDID, MerchantID: shopDID, PaymentProof: "cHJvb2Y", Consumer: "delivery-1"})
			},
			func(w *world, raw []byte, recipient string) error {
				m, err := w.v.Consumption(ctx, raw, verifier.PaymentExpectation{PSP: map[string]string{"me": pspDID, "other": shopDID}[recipient]})
				return both(w, m != nil && m.Value().Consumer == "delivery-1" && m.KeyID() == shopDID+"#sell", err)
			}},
		{"PSD-PAY-A402-10 fulfilment", shopDID + "#sell", keys.Seller,
			func(w *world, s *keys.Signer, nonce string, at time.Time) ([]byte, error) {
				return payment.SignFulfilment(s, payment.Fulfilment{RequestID: "f-1", Nonce: nonce, Timestamp: at, PSPID: pspDID, MerchantID: shopDID, TradeNo: "t-1", Consumer: "delivery-1", DeliveredAt: w.clock()})
			},
			func(w *world, raw []byte, recipient string) error {
				m, err := w.v.Fulfilment(ctx, raw, verifier.PaymentExpectation{PSP: map[string]string{"me": pspDID, "other": shopDID}[recipient]})
				return both(w, m != nil && m.Value().TradeNo == "t-1" && m.Key().Equal(w.signers[shopDID+"#sell"].Public()), err)
			}},
	}
}

// both checks that there is a good value or an error, and not both.
func both(w *world, good bool, err error) error {
	w.t.Helper()
	if good == (err != nil) {
		w.t.Errorf("value %t, error %v", good, err)
	}
	return err
}

func TestMessages(t *testing.T) {
	for _, m := range carriers() {
		t.Run(m.name, func(t *testing.T) {
			sign := func(w *world, nonce string, at time.Time) []byte {
				raw, err := m.sign(w, w.signers[m.signer], nonce, at)
				if err != nil {
					t.Fatal(err)
				}
				return raw
			}
			w := newWorld(t, keys.ES256)
			raw := sign(w, canon.Nonce(), epoch)
			wantCode(t, m.verify(w, raw, "other"), protocol.CodeAudienceMismatch) // and no nonce is used up
			wantCode(t, m.verify(w, raw, "nobody"), protocol.CodeFieldMissing)
			wantCode(t, m.verify(w, raw, "me"), "")
			wantCode(t, m.verify(w, raw, "me"), protocol.CodeReplayed)
			wantCode(t, m.verify(w, sign(w, canon.Nonce(), epoch.Add(-5*time.Minute-time.Second)), "me"), protocol.CodeRequestExpired)
			wantCode(t, m.verify(w, sign(w, canon.Nonce(), epoch.Add(61*time.Second)), "me"), protocol.CodeRequestExpired)
			wantCode(t, m.verify(w, sign(w, canon.Nonce(), epoch.Add(-5*time.Minute)), "me"), "")
			wantCode(t, m.verify(w, []byte("{}"), "me"), protocol.CodeFieldMissing)

			forger := w.signer(m.signer, m.purpose)
			raw, err := m.sign(w, forger, canon.Nonce(), epoch)
			if err != nil {
				t.Fatal(err)
			}
			wantCode(t, m.verify(w, raw, "me"), protocol.CodeSignatureInvalid)

			raw = sign(w, canon.Nonce(), epoch)
			w.edit(m.signer, func(k *identity.Key) { k.Purpose = keys.Attestation })
			wantCode(t, m.verify(w, raw, "me"), protocol.CodeKeyPurpose)
			w.edit(m.signer, func(k *identity.Key) { k.Purpose, k.Compromised = m.purpose, true })
			wantCode(t, m.verify(w, raw, "me"), protocol.CodeKeyNotValid)
			w.edit(m.signer, func(k *identity.Key) { k.Compromised = false })
			w.v = w.verifier(func(c *verifier.Config) { c.Replay = nil })
			wantCode(t, m.verify(w, raw, "me"), protocol.CodeServiceUnavailable)
		})
	}
}

func TestOrder(t *testing.T) {
	verify := func(w *world, raw string, c commerce.CartRequest) error {
		m, err := w.v.Order(context.Background(), []byte(raw), verifier.OrderExpectation{Request: c})
		return both(w, m != nil && m.Value().MerchantOrderID == "order-1" && m.Decision().Allowed(), err)
	}
	w := newWorld(t, keys.EdDSA)
	wantCode(t, verify(w, w.signOrder(w.order()), w.cart()), "")
	for _, c := range []struct {
		name   string
		want   protocol.Code
		change func(o *commerce.Order)
	}{
		{"CID-CART-CFM-06 another request", protocol.CodeOrderMismatch, func(o *commerce.Order) { o.RequestID = "cart-2" }},
		{"CID-CART-CFM-06 another merchant", protocol.CodeOrderMismatch, func(o *commerce.Order) { o.MerchantID = shop2DID }},
		{"CID-CART-CFM-06 another buyer", protocol.CodeAgentMismatch, func(o *commerce.Order) { o.BuyerAgentID = agent2DID }},
		{"CID-CART-CFM-06 another intent", protocol.CodeOrderMismatch, func(o *commerce.Order) { o.IntentID = "intent-2" }},
		{"CID-CART-CFM-06 no mandate", protocol.CodeOrderMismatch, func(o *commerce.Order) { o.DelegationID = "" }},
		{"CID-CART-CFM-05 another provider", protocol.CodeAudienceMismatch, func(o *commerce.Order) { o.PSPID = shop2DID }},
		{"CID-CART-CFM-05 another method", protocol.CodeOrderMismatch, func(o *commerce.Order) { o.PaymentMethod = "urn:act:payment:card" }},
		{"CID-CART-CFM-05 a higher price", protocol.CodeOrderMismatch, func(o *commerce.Order) {
			o.Items[0].UnitPrice, o.Amount = mustAmount("18.01"), mustAmount("18.01")
		}},
		{"CID-CART-CFM-06 another item", protocol.CodeOrderMismatch, func(o *commerce.Order) { o.Items[0].ItemID = "water" }},
		{"CID-CART-CFM-06 two for the price of one", protocol.CodeOrderMismatch, func(o *commerce.Order) {
			o.Items[0].Quantity, o.Items[0].UnitPrice = 2, mustAmount("9.00")
		}},
		{"CID-CART-CFM-04 the lock has ended", protocol.CodeOrderExpired, func(o *commerce.Order) { o.IssuedAt, o.Expires = epoch.Add(-time.Hour), epoch }},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := w.order()
			c.change(&o)
			wantCode(t, verify(w, w.signOrder(o), w.cart()), c.want)
		})
	}
	t.Run("an expectation left empty", func(t *testing.T) {
		for _, spoil := range []func(c *commerce.CartRequest){
			func(c *commerce.CartRequest) { *c = commerce.CartRequest{} },
			func(c *commerce.CartRequest) { c.Amount = amountZero },
			func(c *commerce.CartRequest) { c.Items = nil },
			func(c *commerce.CartRequest) { c.MerchantID = "" },
		} {
			c := w.cart()
			spoil(&c)
			wantCode(t, verify(w, w.signOrder(w.order()), c), protocol.CodeFieldMissing)
		}
	})
}

func TestBill(t *testing.T) {
	w := newWorld(t, keys.ES256)
	good := verifier.BillExpectation{Agent: agentDID, PSP: pspDID, Methods: []string{"urn:act:payment:card", methodURN}, RequestMethod: "GET", Fingerprint: w.bill().RequestFingerprint}
	verify := func(t *testing.T, header string, e verifier.BillExpectation, want protocol.Code) {
		t.Helper()
		m, err := w.v.Bill(context.Background(), header, e)
		wantCode(t, both(w, m != nil && m.Value().OutTradeNo == "trade-1" && m.Value().Amount == amount(t, "0.50"), err), want)
	}
	verify(t, w.signBill(w.bill()), good, "")
	for _, c := range []struct {
		name   string
		want   protocol.Code
		change func(b *payment.Bill, e *verifier.BillExpectation)
	}{
		{"PSD-PAY-A402-16 another request", protocol.CodeOrderMismatch, func(b *payment.Bill, _ *verifier.BillExpectation) { b.RequestFingerprint = canon.Sum(nil) }},
		{"PSD-PAY-A402-16 another method", protocol.CodeOrderMismatch, func(b *payment.Bill, _ *verifier.BillExpectation) { b.RequestMethod = "HEAD" }},
		{"PSD-PAY-A402-16 another idempotency key", protocol.CodeOrderMismatch, func(b *payment.Bill, e *verifier.BillExpectation) {
			b.IdempotencyKey, e.IdempotencyKey = "key-1", "key-2"
		}},
		{"PSD-PAY-A402-17 an unsupported method", protocol.CodeMethodNotAllowed, func(_ *payment.Bill, e *verifier.BillExpectation) { e.Methods = []string{"urn:act:payment:card"} }},
		{"PSD-PAY-A402-17 another provider", protocol.CodeAudienceMismatch, func(b *payment.Bill, _ *verifier.BillExpectation) { b.PSPID = shopDID }},
		{"PSD-PAY-A402-18 too late", protocol.CodeOrderExpired, func(b *payment.Bill, _ *verifier.BillExpectation) { b.PayBefore = epoch }},
		{"another buyer's", protocol.CodeAgentMismatch, func(b *payment.Bill, _ *verifier.BillExpectation) { b.BuyerID = agent2DID }},
		{"an expectation left empty: agent", protocol.CodeFieldMissing, func(_ *payment.Bill, e *verifier.BillExpectation) { e.Agent = "" }},
		{"an expectation left empty: provider", protocol.CodeFieldMissing, func(_ *payment.Bill, e *verifier.BillExpectation) { e.PSP = "" }},
		{"an expectation left empty: fingerprint", protocol.CodeFieldMissing, func(_ *payment.Bill, e *verifier.BillExpectation) { e.Fingerprint = "" }},
		{"an expectation left empty: methods", protocol.CodeFieldMissing, func(_ *payment.Bill, e *verifier.BillExpectation) { e.Methods = nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, e := w.bill(), good
			c.change(&b, &e)
			verify(t, w.signBill(b), e, c.want)
		})
	}
	t.Run("PSD-PAY-A402-20 signed by another key", func(t *testing.T) {
		header, err := payment.SignBill(w.signer(shopDID+"#sell", keys.Seller), w.bill())
		if err != nil {
			t.Fatal(err)
		}
		verify(t, header, good, protocol.CodeSignatureInvalid)
	})
}
