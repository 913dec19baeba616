package verifier

import (
	"context"
	"slices"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
)

// CartExpectation is what a merchant expects of a cart request.
type CartExpectation struct {
	Merchant string // the merchant's own DID; required

	// Admit may refuse a sender that has proved who it is, with
	// too_many_requests for example, before the nonce is used up: who sends more
	// than is served does not fill the replay store. Nil admits everybody.
	Admit func(ctx context.Context, c commerce.CartRequest) error
}

// CartRequest verifies an agent's request to confirm a cart, for the merchant
// (CID-CART-CFM-03, -04): form and sums, the buyer's key and signature, the
// recipient, the time of sending and the nonce, which it uses up.
//
// It does not check prices, stock, or that the merchant is served by psp_id,
// and it does not look for an earlier request with the same request_id:
// compare ContentDigest.
func (v *Verifier) CartRequest(ctx context.Context, raw []byte, expect CartExpectation) (*Verified[commerce.CartRequest], error) {
	if err := required([2]string{"merchant", expect.Merchant}); err != nil {
		return nil, err
	}
	u, err := commerce.ParseCartRequest(raw)
	if err != nil {
		return nil, err
	}
	r := u.Request
	key, d, err := v.receive(ctx, u, envelope{
		admit: admission(ctx, expect.Admit, r),
		kind:  keys.KindCartRequest, signer: r.BuyerAgentID, purpose: keys.AgentRequest,
		recipient: r.MerchantID, recipientField: "merchant_id", expectedRecipient: expect.Merchant,
		nonce: r.Nonce, timestamp: r.Timestamp, requirement: "CID-CART-CFM-03",
	})
	if err != nil {
		return nil, err
	}
	return &Verified[commerce.CartRequest]{value: r, keyID: u.KeyID(), key: key, digest: u.ContentDigest(), decision: d}, nil
}

// OrderExpectation is what an agent expects of an order confirmation: that it
// answers the request which it sent, unchanged.
type OrderExpectation struct {
	Request commerce.CartRequest // required
}

// Order verifies a merchant's order confirmation, for the agent
// (CID-CART-CFM-04, -05, -06): the merchant's key for selling and its
// signature, every member that the request named, line by line, and that the
// lock has not ended.
//
// It does not judge the order by a mandate: deliver_by and the categories are
// the merchant's additions.
func (v *Verifier) Order(ctx context.Context, raw []byte, expect OrderExpectation) (*Verified[commerce.Order], error) {
	want := expect.Request
	if err := required([2]string{"request.request_id", want.RequestID}, [2]string{"request.merchant_id", want.MerchantID},
		[2]string{"request.buyer_agent_id", want.BuyerAgentID}, [2]string{"request.psp_id", want.PSPID},
		[2]string{"request.payment_method", want.PaymentMethod}); err != nil {
		return nil, err
	}
	if !want.Amount.Valid() || len(want.Items) == 0 {
		return nil, protocol.New(protocol.CodeFieldMissing, "expectation.request.amount", "CID-CART-CFM-05", "an expectation that protects money is required")
	}
	u, err := commerce.ParseOrder(raw)
	if err != nil {
		return nil, err
	}
	var d protocol.Decision
	d.Pass("CID-CART-CFM-06", "form and sums")
	key, ok := v.authenticate(ctx, u, u.Order.MerchantID, keys.Seller, "CID-CART-CFM-04", &d)
	if !ok {
		return nil, d.Err()
	}
	o := u.Order
	d.Require(o.RequestID == want.RequestID, protocol.CodeOrderMismatch, "CID-CART-CFM-06", "answers this request", "request_id", "another request")
	d.Require(o.MerchantID == want.MerchantID, protocol.CodeOrderMismatch, "CID-CART-CFM-06", "merchant", "merchant_id", "another merchant")
	d.Require(o.BuyerAgentID == want.BuyerAgentID, protocol.CodeAgentMismatch, "CID-CART-CFM-06", "buyer", "buyer_agent_id", "another buyer")
	d.Require(o.IntentID == want.IntentID && o.DelegationID == want.DelegationID, protocol.CodeOrderMismatch,
		"CID-CART-CFM-06", "link identifiers", "intent_id", "another intent or mandate")
	d.Require(o.PSPID == want.PSPID, protocol.CodeAudienceMismatch, "CID-CART-CFM-05", "provider", "psp_id", "another provider")
	d.Require(o.PaymentMethod == want.PaymentMethod, protocol.CodeOrderMismatch, "CID-CART-CFM-05", "payment method", "payment_method", "another method")
	d.Require(o.Amount == want.Amount, protocol.CodeOrderMismatch, "CID-CART-CFM-05", "amount and currency", "amount", "another amount")
	d.Require(slices.EqualFunc(o.Items, want.Items, sameLine), protocol.CodeOrderMismatch, "CID-CART-CFM-06", "items", "items", "other items, quantities or prices")
	checkLock(o, v.now(), &d)
	if err := d.Err(); err != nil {
		return nil, err
	}
	return &Verified[commerce.Order]{value: o, keyID: u.KeyID(), key: key, decision: d}, nil
}

func sameLine(l commerce.OrderLine, want commerce.CartLine) bool {
	return l.ItemID == want.ItemID && l.Quantity == want.Quantity && l.UnitPrice == want.UnitPrice
}

// checkLock judges the times of an order. The end of the lock has no skew.
func checkLock(o commerce.Order, now time.Time, d *protocol.Decision) {
	d.Require(!o.IssuedAt.After(now.Add(clockSkew)), protocol.CodeOrderMismatch, "CID-CART-CFM-04", "order made in the past", "iat", "issued in the future")
	d.Require(now.Before(o.Expires), protocol.CodeOrderExpired, "CID-CART-CFM-04", "order still locked", "exp", "the lock has ended")
}
