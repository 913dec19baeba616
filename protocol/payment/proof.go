package payment

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// A Proof is the content of Payment-Proof (PSD-PAY-A402-21). What it says
// stands on the signed claims inside PaymentProof; the outer members repeat
// them and must be equal.
type Proof struct {
	MethodID           string // act:payment/<name>
	MethodVersion      string
	OutTradeNo         string
	ResourceID         string
	BuyerID            string // buyer_unique_id, a DID
	PaymentProof       string // see ProofClaims
	TradeNo            string
	ExpiresAt          time.Time
	RequestMethod      string
	RequestFingerprint canon.Digest
	IdempotencyKey     string // needed unless SafeMethod(RequestMethod)

	PSPID string // method.psp_id, a DID
}

type proofWire struct {
	Protocol proofProtocol  `json:"protocol"`
	Method   jsontext.Value `json:"method"`
}

type proofProtocol struct {
	MethodID           string  `json:"method_id"`
	MethodVersion      string  `json:"method_version"`
	OutTradeNo         string  `json:"out_trade_no"`
	ResourceID         string  `json:"resource_id"`
	BuyerID            string  `json:"buyer_unique_id"`
	PaymentProof       string  `json:"payment_proof"`
	TradeNo            string  `json:"trade_no"`
	ExpiresAt          string  `json:"expires_at"`
	RequestMethod      string  `json:"request_method"`
	RequestFingerprint string  `json:"request_fingerprint"`
	IdempotencyKey     *string `json:"idempotency_key,omitzero"`
}

func (p Proof) wire() proofProtocol {
	return proofProtocol{
		MethodID: p.MethodID, MethodVersion: p.MethodVersion, OutTradeNo: p.OutTradeNo, ResourceID: p.ResourceID,
		BuyerID: p.BuyerID, PaymentProof: p.PaymentProof, TradeNo: p.TradeNo, ExpiresAt: wire.FormatTime(p.ExpiresAt),
		RequestMethod: p.RequestMethod, RequestFingerprint: string(p.RequestFingerprint),
		IdempotencyKey: wire.Optional(p.IdempotencyKey),
	}
}

// proof applies the official schema.
func (w proofProtocol) proof() (Proof, error) {
	r := wire.Reader{Requirement: "PSD-PAY-A402-21"}
	methodID(&r, "protocol.method_id", w.MethodID)
	methodVersion(&r, "protocol.method_version", w.MethodVersion)
	identifier(&r, "protocol.out_trade_no", w.OutTradeNo)
	identifier(&r, "protocol.resource_id", w.ResourceID)
	identifier(&r, "protocol.buyer_unique_id", w.BuyerID)
	base64url(&r, "protocol.payment_proof", w.PaymentProof)
	identifier(&r, "protocol.trade_no", w.TradeNo)
	boundRequest(&r, w.RequestMethod, w.IdempotencyKey)
	fingerprint(&r, "protocol.request_fingerprint", w.RequestFingerprint)
	p := Proof{
		MethodID: w.MethodID, MethodVersion: w.MethodVersion, OutTradeNo: w.OutTradeNo, ResourceID: w.ResourceID,
		BuyerID: w.BuyerID, PaymentProof: w.PaymentProof, TradeNo: w.TradeNo, ExpiresAt: r.Time("protocol.expires_at", w.ExpiresAt),
		RequestMethod: w.RequestMethod, RequestFingerprint: canon.Digest(w.RequestFingerprint),
		IdempotencyKey: optionalIdentifier(&r, "protocol.idempotency_key", w.IdempotencyKey),
	}
	if err := r.Err(); err != nil {
		return Proof{}, err
	}
	return p, nil
}

// check applies SPEC.md 6.4, beyond the official schema.
func (p Proof) check() error {
	r := wire.Reader{Requirement: "PSD-PAY-A402-21"}
	profileMethod(&r, p.MethodID, p.MethodVersion)
	r.ID("protocol.out_trade_no", p.OutTradeNo)
	r.ID("protocol.resource_id", p.ResourceID)
	r.ID("protocol.trade_no", p.TradeNo)
	r.DID("protocol.buyer_unique_id", p.BuyerID)
	if p.IdempotencyKey != "" {
		r.ID("protocol.idempotency_key", p.IdempotencyKey)
	}
	method{PSPID: p.PSPID}.check(&r)
	return r.Err()
}

// EncodeHeader checks a proof by the official schema and by SPEC.md 6.4 and
// returns the value of Payment-Proof. It does not look into PaymentProof.
func (p Proof) EncodeHeader() (string, error) {
	w := p.wire()
	if _, err := w.proof(); err != nil {
		return "", err
	}
	if err := p.check(); err != nil {
		return "", err
	}
	m, err := canon.Marshal(method{PSPID: p.PSPID})
	if err != nil {
		return "", err
	}
	return encodeHeader(proofWire{Protocol: w, Method: m}, MaxHeaderRead)
}

// An UnverifiedProof agrees with the official schema; nothing is known of its
// origin.
type UnverifiedProof struct {
	Proof Proof

	profile error
}

// ParseProof reads the value of Payment-Proof by the official schema
// 2.1-artifact.1. It does not look into PaymentProof: see
// [UnverifiedProof.Claims].
func ParseProof(header string) (*UnverifiedProof, error) {
	var w proofWire
	m, profile, err := decodeHeader(header, &w, &w.Method)
	if err != nil {
		return nil, err
	}
	p, err := w.Protocol.proof()
	if err != nil {
		return nil, err
	}
	p.PSPID = m.PSPID
	return &UnverifiedProof{Proof: p, profile: profile}, nil
}

// CheckProfile applies what SPEC.md 6.4 asks beyond the official schema:
// method_id and version, DIDs, ids of visible ASCII, and psp_id in method.
func (u *UnverifiedProof) CheckProfile() error {
	if u.profile != nil {
		return u.profile
	}
	return u.Proof.check()
}

// Claims checks the profile, reads the claims inside and checks that every
// outer member is equal to its claim (claims_conflict otherwise). The claims
// are as unverified as the header: their signature, time, request, order and
// buyer's key are still to be checked.
func (u *UnverifiedProof) Claims() (*UnverifiedProofClaims, error) {
	if err := u.CheckProfile(); err != nil {
		return nil, err
	}
	inner, err := ParseProofClaims(u.Proof.PaymentProof)
	if err != nil {
		return nil, protocol.In(err, "protocol.payment_proof")
	}
	p, c := u.Proof, inner.Claims
	r := wire.Reader{Requirement: "PSD-PAY-A402-08"}
	r.Equal("protocol.method_id", p.MethodID, c.MethodID)
	r.Equal("protocol.out_trade_no", p.OutTradeNo, c.OutTradeNo)
	r.Equal("protocol.resource_id", p.ResourceID, c.ResourceID)
	r.Equal("protocol.buyer_unique_id", p.BuyerID, c.Payer)
	r.Equal("protocol.trade_no", p.TradeNo, c.TradeNo)
	r.Equal("protocol.request_method", p.RequestMethod, c.RequestMethod)
	r.Equal("protocol.request_fingerprint", string(p.RequestFingerprint), string(c.RequestFingerprint))
	r.Equal("protocol.idempotency_key", p.IdempotencyKey, c.IdempotencyKey)
	r.Equal("method.psp_id", p.PSPID, c.PSPID)
	if !p.ExpiresAt.Equal(c.Expires) {
		r.Equal("protocol.expires_at", "outer", "inner")
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	return inner, nil
}
