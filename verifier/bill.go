package verifier

import (
	"context"
	"slices"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// BillExpectation is what an agent knows of the request that it was answered
// with a bill for. Every member is required but IdempotencyKey.
type BillExpectation struct {
	Agent         string       // the agent's own DID
	PSP           string       // DID of the provider it pays through
	Methods       []string     // payment methods that it supports, urn:act:payment:<name>
	RequestMethod string       // of the request that it sent
	Fingerprint   canon.Digest // that it computed itself
	// IdempotencyKey is the one that the request carried. When it carried none
	// the seller may choose one.
	IdempotencyKey string
}

// Bill verifies a value of Payment-Needed, for the agent (PSD-PAY-A402-17,
// -18, -20): profile, the seller's key and signature, that it is for this
// agent's request, payable through its provider by a method it supports, and
// that there is still time.
//
// The seller may be anybody who has a DID with a key for selling; whether the
// agent may pay this seller so much is its mandate's to say.
func (v *Verifier) Bill(ctx context.Context, header string, expect BillExpectation) (*Verified[payment.Bill], error) {
	if err := required([2]string{"agent", expect.Agent}, [2]string{"psp", expect.PSP},
		[2]string{"request_method", expect.RequestMethod}, [2]string{"fingerprint", string(expect.Fingerprint)}); err != nil {
		return nil, err
	}
	if len(expect.Methods) == 0 {
		return nil, protocol.New(protocol.CodeFieldMissing, "expectation.methods", "PSD-PAY-A402-17", "the methods that the agent supports")
	}
	u, err := payment.ParseBill(header)
	if err != nil {
		return nil, err
	}
	if err := u.CheckProfile(); err != nil {
		return nil, err
	}
	const form = "PSD-PAY-A402-20"
	b := u.Bill
	var d protocol.Decision
	d.Pass(form, "form of the bill")
	key, ok := v.authenticate(ctx, u, b.SellerID, keys.Seller, form, &d)
	if !ok {
		return nil, d.Err()
	}
	urn, err := payment.MethodURN(b.MethodID)
	if d.Record("PSD-PAY-A402-17", "payment method has an identifier", err) {
		d.Require(slices.Contains(expect.Methods, urn), protocol.CodeMethodNotAllowed, "PSD-PAY-A402-17", "method supported", "protocol.method_id", "not a method of this agent")
	}
	d.Require(b.PSPID == expect.PSP, protocol.CodeAudienceMismatch, "PSD-PAY-A402-17", "provider", "method.psp_id", "payable through another provider")
	d.Require(b.BuyerID == "" || b.BuyerID == expect.Agent, protocol.CodeAgentMismatch, form, "buyer", "protocol.buyer_unique_id", "made for another agent")
	d.Require(b.RequestMethod == expect.RequestMethod && b.RequestFingerprint == expect.Fingerprint, protocol.CodeOrderMismatch,
		"PSD-PAY-A402-16", "bill is for this request", "protocol.request_fingerprint", "made for another request")
	d.Require(expect.IdempotencyKey == "" || b.IdempotencyKey == expect.IdempotencyKey, protocol.CodeOrderMismatch,
		"PSD-PAY-A402-16", "idempotency key", "protocol.idempotency_key", "not the key of the request")
	d.Require(v.now().Before(b.PayBefore), protocol.CodeOrderExpired, "PSD-PAY-A402-18", "bill still open", "protocol.pay_before", "the time to pay has passed")
	if err := d.Err(); err != nil {
		return nil, err
	}
	return &Verified[payment.Bill]{value: b, keyID: u.KeyID(), key: key, decision: d}, nil
}
