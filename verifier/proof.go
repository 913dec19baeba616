package verifier

import (
	"context"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

// ProofExpectation is what a merchant knows of the purchase apart from the
// proof. Every member is required but those whose comment says otherwise.
type ProofExpectation struct {
	PSP         string // DID of the provider this purchase is paid through
	Payee       string // the merchant's own DID
	OrderNumber string // out_trade_no, or the merchant_order_id of a cart
	ResourceID  string // the order number for a cart
	Amount      money.Amount
	MethodID    string // act:payment/<name>

	// The request that was paid for, as the merchant received it. Cart is true
	// in their place when the proof is for an order and not for a request.
	RequestMethod  string
	Fingerprint    canon.Digest
	IdempotencyKey string // of the bill; empty when it had none
	Cart           bool

	// Who presents the proof, from a verified HTTPSignature that covers it.
	Payer      string // HTTPIdentity.Agent
	Thumbprint string // HTTPIdentity.Thumbprint

	// InsecureBearer takes the proof from anybody who has a copy of it, and
	// leaves Payer and Thumbprint aside.
	InsecureBearer bool
}

func (e ProofExpectation) check() error {
	fields := [][2]string{{"psp", e.PSP}, {"payee", e.Payee}, {"order_number", e.OrderNumber}, {"resource_id", e.ResourceID}, {"method_id", e.MethodID}}
	if !e.Cart {
		fields = append(fields, [2]string{"request_method", e.RequestMethod}, [2]string{"fingerprint", string(e.Fingerprint)})
	}
	if !e.InsecureBearer {
		fields = append(fields, [2]string{"payer", e.Payer}, [2]string{"thumbprint", e.Thumbprint})
	}
	if err := required(fields...); err != nil {
		return err
	}
	if !e.Amount.Valid() {
		return protocol.New(protocol.CodeFieldMissing, "expectation.amount", "PSD-PAY-A402-08", "an expectation that protects money is required")
	}
	if e.Cart && (e.RequestMethod != "" || e.Fingerprint != "" || e.IdempotencyKey != "") {
		return protocol.New(protocol.CodeFieldInvalid, "expectation.cart", "PSD-PAY-A402-16", "a proof is for a cart or for a request")
	}
	return nil
}

// Proof verifies a payment proof, for the merchant (PSD-PAY-A402-07, -08): the
// provider's key for proofs and its signature, payee, order, resource, amount,
// method, request, validity period, and that who presents it holds the key
// that paid. What does not fit is proof_mismatch, another payee
// audience_mismatch, too late proof_expired.
//
// It does not check earlier use and revocation: the provider's consume does,
// and a proof delivers once (PSD-PAY-A402-15).
func (v *Verifier) Proof(ctx context.Context, proof string, expect ProofExpectation) (*Verified[payment.ProofClaims], error) {
	if err := expect.check(); err != nil {
		return nil, err
	}
	u, err := payment.ParseProofClaims(proof)
	if err != nil {
		return nil, err
	}
	return v.proof(ctx, u, expect)
}

// ProofClaims is Proof for a proof that has been read already.
func (v *Verifier) ProofClaims(ctx context.Context, u *payment.UnverifiedProofClaims, expect ProofExpectation) (*Verified[payment.ProofClaims], error) {
	if err := expect.check(); err != nil {
		return nil, err
	}
	return v.proof(ctx, u, expect)
}

// ProofHeader is Proof for the value of the header Payment-Proof. It also
// compares the header's outer members with the signed claims inside
// (PSD-PAY-A402-21).
func (v *Verifier) ProofHeader(ctx context.Context, header string, expect ProofExpectation) (*Verified[payment.ProofClaims], error) {
	if err := expect.check(); err != nil {
		return nil, err
	}
	outer, err := payment.ParseProof(header)
	if err != nil {
		return nil, err
	}
	u, err := outer.Claims()
	if err != nil {
		return nil, err
	}
	return v.proof(ctx, u, expect)
}

func (v *Verifier) proof(ctx context.Context, u *payment.UnverifiedProofClaims, e ProofExpectation) (*Verified[payment.ProofClaims], error) {
	const bound = "PSD-PAY-A402-08"
	c := u.Claims
	var d protocol.Decision
	d.Pass("PSD-PAY-A402-07", "form of the proof")
	// A provider whom nobody named is not asked for its keys.
	if !d.Require(c.PSPID == e.PSP, protocol.CodeIssuerUntrusted, bound, "provider", "iss", "not the provider of this purchase") {
		return nil, d.Err()
	}
	key, ok := v.authenticate(ctx, u, e.PSP, keys.Proof, bound, &d)
	if !ok {
		return nil, d.Err()
	}
	now := v.now()
	mismatch := func(ok bool, name, field string) {
		d.Require(ok, protocol.CodeProofMismatch, bound, name, field, "the proof is for something else")
	}
	d.Require(c.MerchantID == e.Payee, protocol.CodeAudienceMismatch, bound, "payee", "aud", "paid to another merchant")
	mismatch(c.OutTradeNo == e.OrderNumber, "order", "out_trade_no")
	mismatch(c.ResourceID == e.ResourceID, "resource", "resource_id")
	mismatch(c.Amount == e.Amount, "amount and currency", "amount")
	mismatch(c.MethodID == e.MethodID, "payment method", "method_id")
	mismatch(c.RequestMethod == e.RequestMethod && c.RequestFingerprint == e.Fingerprint, "request", "request_fingerprint")
	mismatch(c.IdempotencyKey == e.IdempotencyKey, "idempotency key", "idempotency_key")
	if !e.InsecureBearer {
		mismatch(c.Payer == e.Payer, "payer", "payer")
		mismatch(c.Thumbprint == e.Thumbprint, "key of the payer", "cnf.jkt")
	}
	d.Require(!c.IssuedAt.After(now.Add(clockSkew)), protocol.CodeProofInvalid, "PSD-PAY-A402-07", "made in the past", "iat", "issued in the future")
	d.Require(now.Before(c.Expires), protocol.CodeProofExpired, "PSD-PAY-A402-07", "not expired", "exp", "")
	if err := d.Err(); err != nil {
		return nil, err
	}
	return &Verified[payment.ProofClaims]{value: c, keyID: u.KeyID(), key: key, decision: d}, nil
}
