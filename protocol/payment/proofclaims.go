package payment

import (
	"time"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

// ProofClaims are what a payment proof says: this trade paid this amount for
// this resource, on behalf of the holder of this key (SPEC.md 6.2). The proof
// is a token of type act-payment-proof+jwt, in base64url once more because the
// official schema allows no dots.
type ProofClaims struct {
	PSPID              string    // iss, DID; the signer
	MerchantID         string    // aud, DID; the payee
	ID                 string    // jti
	IssuedAt           time.Time // whole seconds
	Expires            time.Time // whole seconds
	TradeNo            string
	OutTradeNo         string
	ResourceID         string // the order number for a cart
	Amount             money.Amount
	Payer              string       // DID of the agent
	MethodID           string       // act:payment/<name>
	RequestMethod      string       // both absent for a cart order
	RequestFingerprint canon.Digest //
	IdempotencyKey     string       // when the bill had one
	Thumbprint         string       // cnf.jkt, RFC 7638, of the key that signed the payment request
}

// In the order of the canonical form: what is written needs no sorting.
type claimsWire struct {
	Amount       string `json:"amount"`
	Audience     string `json:"aud"`
	Confirmation struct {
		Thumbprint string `json:"jkt"`
	} `json:"cnf"`
	Currency           string  `json:"currency"`
	Expires            int64   `json:"exp"`
	IssuedAt           int64   `json:"iat"`
	IdempotencyKey     *string `json:"idempotency_key,omitzero"`
	Issuer             string  `json:"iss"`
	ID                 string  `json:"jti"`
	MethodID           string  `json:"method_id"`
	OutTradeNo         string  `json:"out_trade_no"`
	Payer              string  `json:"payer"`
	RequestFingerprint *string `json:"request_fingerprint,omitzero"`
	RequestMethod      *string `json:"request_method,omitzero"`
	ResourceID         string  `json:"resource_id"`
	TradeNo            string  `json:"trade_no"`
}

func (c ProofClaims) wire() claimsWire {
	w := claimsWire{
		Issuer: c.PSPID, Audience: c.MerchantID, ID: c.ID, IssuedAt: wire.Seconds(c.IssuedAt), Expires: wire.Seconds(c.Expires),
		TradeNo: c.TradeNo, OutTradeNo: c.OutTradeNo, ResourceID: c.ResourceID, Payer: c.Payer, MethodID: c.MethodID,
		RequestMethod: wire.Optional(c.RequestMethod), RequestFingerprint: wire.Optional(string(c.RequestFingerprint)),
		IdempotencyKey: wire.Optional(c.IdempotencyKey),
	}
	w.Amount, w.Currency = wire.FormatAmount(c.Amount)
	w.Confirmation.Thumbprint = c.Thumbprint
	return w
}

func (w claimsWire) value() (ProofClaims, error) {
	r := wire.Reader{Requirement: "PSD-PAY-A402-08"}
	r.DID("iss", w.Issuer)
	r.DID("aud", w.Audience)
	r.ID("jti", w.ID)
	r.ID("trade_no", w.TradeNo)
	r.ID("out_trade_no", w.OutTradeNo)
	r.ID("resource_id", w.ResourceID)
	r.DID("payer", w.Payer)
	if r.Require("method_id", w.MethodID) {
		_, err := MethodURN(w.MethodID)
		r.Fail("", err)
	}
	if r.Require("cnf.jkt", w.Confirmation.Thumbprint) {
		if b, err := canon.DecodeBase64(w.Confirmation.Thumbprint); err != nil || len(b) != 32 {
			r.Invalid("cnf.jkt", "must be 32 bytes in base64url")
		}
	}
	c := ProofClaims{
		PSPID: w.Issuer, MerchantID: w.Audience, ID: w.ID,
		IssuedAt: r.NumericDate("iat", w.IssuedAt), Expires: r.NumericDate("exp", w.Expires),
		TradeNo: w.TradeNo, OutTradeNo: w.OutTradeNo, ResourceID: w.ResourceID, Payer: w.Payer, MethodID: w.MethodID,
		Amount:         r.Positive("amount", w.Amount, r.Currency("currency", w.Currency)),
		IdempotencyKey: r.OptionalID("idempotency_key", w.IdempotencyKey),
		Thumbprint:     w.Confirmation.Thumbprint,
	}
	if w.IssuedAt > 0 && w.Expires > 0 && w.Expires <= w.IssuedAt {
		r.Invalid("exp", "must be after iat")
	}
	w.request(&r, &c)
	if err := r.Err(); err != nil {
		return ProofClaims{}, err
	}
	return c, nil
}

// request reads the binding to an HTTP request, which a cart order does not
// have.
func (w claimsWire) request(r *wire.Reader, c *ProofClaims) {
	r.Requirement = "PSD-PAY-A402-16"
	switch method, print := w.RequestMethod, w.RequestFingerprint; {
	case method == nil && print == nil:
		r.Equal("resource_id", w.ResourceID, w.OutTradeNo)
		if w.IdempotencyKey != nil {
			r.Invalid("idempotency_key", "only with a request")
		}
	case method == nil:
		r.Require("request_method", "")
	case print == nil:
		r.Require("request_fingerprint", "")
	default:
		c.RequestMethod, c.RequestFingerprint = *method, canon.Digest(*print)
		fingerprint(r, "request_fingerprint", *print)
		if !httpMethod(*method) {
			r.Invalid("request_method", "must be capitals, at most 32")
		} else if w.IdempotencyKey == nil && !SafeMethod(*method) {
			r.Require("idempotency_key", "")
		}
	}
}

// SignProofClaims checks the claims and returns the value of payment_proof, by
// the provider's key for proofs.
func SignProofClaims(s *keys.Signer, c ProofClaims) (string, error) {
	w := c.wire()
	if _, err := w.value(); err != nil {
		return "", err
	}
	if s.DID() != c.PSPID {
		return "", protocol.New(protocol.CodeClaimsConflict, "iss", "PSD-PAY-A402-08", "not the signer")
	}
	payload, err := canon.Marshal(w)
	if err != nil {
		return "", err
	}
	token, err := keys.SignCompact(s, keys.Proof, keys.TypePaymentProof, payload)
	if err != nil {
		return "", err
	}
	return canon.EncodeBase64(token), nil
}

// UnverifiedProofClaims have the right form; nothing is known of their origin.
type UnverifiedProofClaims struct {
	Claims ProofClaims

	token *keys.UnverifiedToken
	proof string
	read  ProofClaims // as Claims was when it was read
}

// ParseProofClaims reads the value of a payment_proof: form, and that the key
// id is the provider's. It does not check the signature, the time, or what the
// proof is for.
func ParseProofClaims(proof string) (*UnverifiedProofClaims, error) {
	if len(proof) > MaxHeaderRead {
		return nil, protocol.New(protocol.CodeTooLarge, "payment_proof", "PSD-PAY-A402-07", "at most 8 KiB")
	}
	raw, err := canon.DecodeBase64(proof)
	if err != nil {
		return nil, protocol.In(err, "payment_proof")
	}
	t, err := keys.ParseCompact(raw, keys.TypePaymentProof)
	if err != nil {
		return nil, err
	}
	var w claimsWire
	if err := canon.Decode(t.Payload, &w); err != nil {
		return nil, err
	}
	c, err := w.value()
	if err != nil {
		return nil, err
	}
	if wire.SignerDID(t.Header.KeyID) != c.PSPID {
		return nil, protocol.New(protocol.CodeClaimsConflict, "header.kid", "PSD-PAY-A402-08", "not a key of the issuer")
	}
	return &UnverifiedProofClaims{Claims: c, token: t, proof: proof, read: c}, nil
}

// KeyID is the DID URL of the key that is said to have signed.
func (u *UnverifiedProofClaims) KeyID() string { return u.token.Header.KeyID }

// SignerDID is the DID of KeyID.
func (u *UnverifiedProofClaims) SignerDID() string { return wire.SignerDID(u.KeyID()) }

// Verify checks that Claims are still what was read, and the signature by key,
// and nothing else.
func (u *UnverifiedProofClaims) Verify(key keys.PublicKey) error {
	if u.Claims != u.read {
		return protocol.New(protocol.CodeSignatureInvalid, "payment_proof", "PSD-PAY-A402-08", "changed since it was read")
	}
	return u.token.Verify(key)
}

// Proof returns the Payment-Proof that carries these claims: its outer members
// are those of the claims (PSD-PAY-A402-21). A proof of a cart order has no
// such header; its EncodeHeader fails.
func (u *UnverifiedProofClaims) Proof() Proof {
	c := u.Claims
	return Proof{
		MethodID: c.MethodID, MethodVersion: MethodVersion, OutTradeNo: c.OutTradeNo, ResourceID: c.ResourceID,
		BuyerID: c.Payer, PaymentProof: u.proof, TradeNo: c.TradeNo, ExpiresAt: c.Expires, RequestMethod: c.RequestMethod,
		RequestFingerprint: c.RequestFingerprint, IdempotencyKey: c.IdempotencyKey, PSPID: c.PSPID,
	}
}
