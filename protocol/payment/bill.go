package payment

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

// MaxReplayWindow is the longest replay window of a bill.
const MaxReplayWindow = 2592000 * time.Second // 30 days

// A Bill is what a seller asks for one request, the content of Payment-Needed
// (PSD-PAY-A402-20). An issued bill is never changed (PSD-PAY-A402-14).
type Bill struct {
	MethodID           string // act:payment/<name>
	MethodVersion      string
	OutTradeNo         string // unique at the seller (PSD-PAY-A402-01)
	ResourceID         string
	Amount             money.Amount
	PayBefore          time.Time
	SellerID           string // seller_unique_id, a DID
	BuyerID            string // buyer_unique_id, a DID; empty when the bill is for anybody
	RequestMethod      string
	RequestFingerprint canon.Digest
	IdempotencyKey     string // needed unless SafeMethod(RequestMethod)
	ReplayWindow       time.Duration
	Confirmation       *CommerceConfirmation // optional

	PSPID    string // method.psp_id, a DID
	Endpoint string // method.endpoint, where the provider takes payment requests
	Category string // method.category, what the mandate's categories are compared with
}

// A CommerceConfirmation refers to an earlier agreement on the purchase.
type CommerceConfirmation struct {
	ID     string
	Digest canon.Digest // SHA-256
	URI    string       // optional, absolute; never fetched by this library
}

type billWire struct {
	Protocol billProtocol   `json:"protocol"`
	Method   jsontext.Value `json:"method"`
}

type billProtocol struct {
	MethodID           string            `json:"method_id"`
	MethodVersion      string            `json:"method_version"`
	OutTradeNo         string            `json:"out_trade_no"`
	Amount             string            `json:"amount"`
	Currency           string            `json:"currency"`
	ResourceID         string            `json:"resource_id"`
	PayBefore          string            `json:"pay_before"`
	SellerID           string            `json:"seller_unique_id"`
	BuyerID            *string           `json:"buyer_unique_id,omitzero"`
	RequestMethod      string            `json:"request_method"`
	RequestFingerprint string            `json:"request_fingerprint"`
	IdempotencyKey     *string           `json:"idempotency_key,omitzero"`
	ReplayWindow       int64             `json:"replay_window_seconds"`
	Confirmation       *confirmationWire `json:"commerce_confirmation,omitzero"`
	SignerID           string            `json:"signer_id"`
	SignatureContent   string            `json:"signature_content,omitzero"`
	SignatureType      string            `json:"signature_type"`
}

type confirmationWire struct {
	ID     string  `json:"confirmation_id"`
	Digest string  `json:"confirmation_digest"`
	URI    *string `json:"confirmation_uri,omitzero"`
}

// wire returns the bill without its signature.
func (b Bill) wire(signerID, signatureType string) (billWire, error) {
	p := billProtocol{
		MethodID: b.MethodID, MethodVersion: b.MethodVersion, OutTradeNo: b.OutTradeNo, ResourceID: b.ResourceID,
		PayBefore: wire.FormatTime(b.PayBefore), SellerID: b.SellerID, BuyerID: wire.Optional(b.BuyerID),
		RequestMethod: b.RequestMethod, RequestFingerprint: string(b.RequestFingerprint),
		IdempotencyKey: wire.Optional(b.IdempotencyKey), ReplayWindow: int64(b.ReplayWindow / time.Second),
		SignerID: signerID, SignatureType: signatureType,
	}
	p.Amount, p.Currency = wire.FormatAmount(b.Amount)
	if c := b.Confirmation; c != nil {
		p.Confirmation = &confirmationWire{ID: c.ID, Digest: string(c.Digest), URI: wire.Optional(c.URI)}
	}
	m, err := canon.Marshal(method{PSPID: b.PSPID, Endpoint: b.Endpoint, Category: b.Category})
	return billWire{Protocol: p, Method: m}, err
}

// bill applies the official schema.
func (p billProtocol) bill() (Bill, error) {
	r := wire.Reader{Requirement: "PSD-PAY-A402-20"}
	methodID(&r, "protocol.method_id", p.MethodID)
	methodVersion(&r, "protocol.method_version", p.MethodVersion)
	identifier(&r, "protocol.out_trade_no", p.OutTradeNo)
	identifier(&r, "protocol.resource_id", p.ResourceID)
	identifier(&r, "protocol.seller_unique_id", p.SellerID)
	boundRequest(&r, p.RequestMethod, p.IdempotencyKey)
	fingerprint(&r, "protocol.request_fingerprint", p.RequestFingerprint)
	identifier(&r, "protocol.signer_id", p.SignerID)
	base64url(&r, "protocol.signature_content", p.SignatureContent)
	signatureType(&r, "protocol.signature_type", p.SignatureType)
	b := Bill{
		MethodID: p.MethodID, MethodVersion: p.MethodVersion, OutTradeNo: p.OutTradeNo, ResourceID: p.ResourceID,
		PayBefore: r.Time("protocol.pay_before", p.PayBefore), SellerID: p.SellerID,
		BuyerID:       optionalIdentifier(&r, "protocol.buyer_unique_id", p.BuyerID),
		RequestMethod: p.RequestMethod, RequestFingerprint: canon.Digest(p.RequestFingerprint),
		IdempotencyKey: optionalIdentifier(&r, "protocol.idempotency_key", p.IdempotencyKey),
	}
	switch limit := int64(MaxReplayWindow / time.Second); {
	case p.ReplayWindow == 0:
		r.Require("protocol.replay_window_seconds", "")
	case p.ReplayWindow < 0 || p.ReplayWindow > limit:
		r.Invalid("protocol.replay_window_seconds", "must be from 1 to 2592000")
	default:
		b.ReplayWindow = time.Duration(p.ReplayWindow) * time.Second
	}
	if c := p.Confirmation; c != nil {
		identifier(&r, "protocol.commerce_confirmation.confirmation_id", c.ID)
		fingerprint(&r, "protocol.commerce_confirmation.confirmation_digest", c.Digest)
		uri := optionalURI(&r, "protocol.commerce_confirmation.confirmation_uri", c.URI)
		b.Confirmation = &CommerceConfirmation{ID: c.ID, Digest: canon.Digest(c.Digest), URI: uri}
	}
	r.Requirement = "PSD-PAY-A402-13" // and within the schema's 80 characters and 18 decimals, as every amount is
	b.Amount = r.Amount("protocol.amount", p.Amount, r.Currency("protocol.currency", p.Currency))
	if err := r.Err(); err != nil {
		return Bill{}, err
	}
	return b, nil
}

// check applies SPEC.md 6.4, beyond the official schema.
func (b Bill) check() error {
	r := wire.Reader{Requirement: "PSD-PAY-A402-20"}
	profileMethod(&r, b.MethodID, b.MethodVersion)
	r.ID("protocol.out_trade_no", b.OutTradeNo)
	r.ID("protocol.resource_id", b.ResourceID)
	r.DID("protocol.seller_unique_id", b.SellerID)
	if b.BuyerID != "" {
		r.DID("protocol.buyer_unique_id", b.BuyerID)
	}
	if b.IdempotencyKey != "" {
		r.ID("protocol.idempotency_key", b.IdempotencyKey)
	}
	if b.Amount.IsZero() {
		r.Invalid("protocol.amount", "must be more than zero")
	}
	method{PSPID: b.PSPID}.check(&r)
	r.WebURL("method.endpoint", b.Endpoint)
	r.Category("method.category", b.Category)
	return r.Err()
}

// SignBill checks a bill by the official schema and by SPEC.md 6.4, signs it by
// the seller's key for sellers and returns the value of Payment-Needed.
func SignBill(s *keys.Signer, b Bill) (string, error) {
	w, err := b.wire(s.KeyID(), s.Public().Algorithm().SignatureType())
	if err != nil {
		return "", err
	}
	if s.DID() != b.SellerID {
		return "", protocol.New(protocol.CodeClaimsConflict, "protocol.seller_unique_id", "PSD-PAY-A402-20", "not the signer")
	}
	message, err := w.signed()
	if err != nil {
		return "", err
	}
	signature, err := s.Sign(keys.Seller, message)
	if err != nil {
		return "", err
	}
	w.Protocol.SignatureContent = canon.EncodeBase64(signature)
	if _, err := w.Protocol.bill(); err != nil {
		return "", err
	}
	if err := b.check(); err != nil {
		return "", err
	}
	return encodeHeader(w, MaxHeaderWritten)
}

// signed returns the bytes that a bill's signature covers: all of protocol and
// method but signature_content.
func (w billWire) signed() ([]byte, error) {
	w.Protocol.SignatureContent = ""
	data, err := canon.Marshal(w)
	if err != nil {
		return nil, err
	}
	return keys.Message(keys.KindBill, data), nil
}

// An UnverifiedBill agrees with the official schema; nothing is known of its
// origin.
type UnverifiedBill struct {
	Bill Bill

	header  string
	wire    billWire
	profile error
}

// ParseBill reads the value of Payment-Needed by the official schema
// 2.1-artifact.1, with amounts by SPEC.md 1.5. It does not check SPEC.md 6.4,
// the signature, or pay_before: see [UnverifiedBill.Verify].
func ParseBill(header string) (*UnverifiedBill, error) {
	u := &UnverifiedBill{header: header}
	m, profile, err := decodeHeader(header, &u.wire, &u.wire.Method)
	if err != nil {
		return nil, err
	}
	if u.Bill, err = u.wire.Protocol.bill(); err != nil {
		return nil, err
	}
	u.profile = profile
	u.Bill.PSPID, u.Bill.Endpoint, u.Bill.Category = m.PSPID, m.Endpoint, m.Category
	return u, nil
}

// Header returns the header value that was parsed.
func (u *UnverifiedBill) Header() string { return u.header }

// KeyID is signer_id: the DID URL of the key that is said to have signed. It
// has that form once CheckProfile holds.
func (u *UnverifiedBill) KeyID() string { return u.wire.Protocol.SignerID }

// SignerDID is the DID of KeyID.
func (u *UnverifiedBill) SignerDID() string { return wire.SignerDID(u.KeyID()) }

// CheckProfile applies what SPEC.md 6.4 asks beyond the official schema: at
// most MaxHeaderWritten bytes, method_id and version, DIDs, ids of visible
// ASCII, an amount above zero, psp_id, endpoint and category in method, a key of the seller, and a signature
// type of ours.
func (u *UnverifiedBill) CheckProfile() error {
	if len(u.header) > MaxHeaderWritten {
		return protocol.New(protocol.CodeTooLarge, "", "PSD-PAY-A402-03", "a bill has at most 3 KiB")
	}
	if u.profile != nil {
		return u.profile
	}
	if err := u.Bill.check(); err != nil {
		return err
	}
	if _, _, err := identity.ParseKeyID(u.KeyID()); err != nil {
		return protocol.In(err, "protocol.signer_id")
	}
	if u.SignerDID() != u.Bill.SellerID {
		return protocol.New(protocol.CodeClaimsConflict, "protocol.signer_id", "PSD-PAY-A402-20", "not a key of the seller")
	}
	if _, ok := keys.ParseSignatureType(u.wire.Protocol.SignatureType); !ok {
		return protocol.New(protocol.CodeAlgorithmRefused, "protocol.signature_type", "", "ED25519 or ES256")
	}
	return nil
}

// Verify checks the profile, that signature_type is the algorithm of key, and
// the signature, which covers everything but itself. Whether the key is the
// seller's and for sellers, and whether the bill is still open, is the caller's
// to know.
func (u *UnverifiedBill) Verify(key keys.PublicKey) error {
	if err := u.CheckProfile(); err != nil {
		return err
	}
	alg, _ := keys.ParseSignatureType(u.wire.Protocol.SignatureType)
	if key.IsZero() || key.Algorithm() != alg {
		return protocol.New(protocol.CodeAlgorithmRefused, "protocol.signature_type", "", "not the algorithm of the key")
	}
	signature, err := canon.DecodeBase64(u.wire.Protocol.SignatureContent)
	if err != nil {
		return protocol.In(err, "protocol.signature_content")
	}
	message, err := u.wire.signed()
	if err != nil {
		return err
	}
	if !key.Verify(message, signature) {
		return protocol.New(protocol.CodeSignatureInvalid, "protocol.signature_content", "PSD-PAY-A402-20", "")
	}
	return nil
}
