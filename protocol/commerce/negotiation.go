package commerce

import (
	"slices"
	"strconv"
	"time"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

// A NegotiationRequest asks a seller by which of the buyer's methods it can be
// paid (CID-PCA-NEG-06). It is a signed message and binds nobody.
type NegotiationRequest struct {
	RequestID  string    // joins the answer to the request
	Nonce      string    // fresh in each transmission
	Timestamp  time.Time // time of sending
	AgentID    string    // DID of the buyer; the signer
	MerchantID string    // DID of the seller; the recipient

	Methods   []string     // buyer_supported_methods: urn:act:payment:<name>, at least one, none twice
	Estimated money.Amount // estimated_amount and currency; more than zero
}

type negotiationWire struct {
	RequestID  string   `json:"request_id"`
	Nonce      string   `json:"nonce"`
	Timestamp  string   `json:"timestamp"`
	AgentID    string   `json:"agent_id"`
	MerchantID string   `json:"merchant_id"`
	Methods    []string `json:"buyer_supported_methods"`
	Currency   string   `json:"currency"`
	Estimated  string   `json:"estimated_amount"`
}

func (q NegotiationRequest) wire() negotiationWire {
	w := negotiationWire{
		RequestID: q.RequestID, Nonce: q.Nonce, Timestamp: wire.FormatTime(q.Timestamp), AgentID: q.AgentID, MerchantID: q.MerchantID,
		Methods: append([]string{}, q.Methods...),
	}
	w.Estimated, w.Currency = wire.FormatAmount(q.Estimated)
	return w
}

func (w negotiationWire) request() (NegotiationRequest, error) {
	r := wire.Reader{Requirement: "CID-PCA-NEG-06"}
	r.ID("request_id", w.RequestID)
	r.Nonce("nonce", w.Nonce)
	r.DID("agent_id", w.AgentID)
	r.DID("merchant_id", w.MerchantID)
	q := NegotiationRequest{
		RequestID: w.RequestID, Nonce: w.Nonce, Timestamp: r.Time("timestamp", w.Timestamp),
		AgentID: w.AgentID, MerchantID: w.MerchantID, Methods: w.Methods,
	}
	if len(w.Methods) == 0 {
		r.Require("buyer_supported_methods", "")
	}
	seen := make(map[string]bool, len(w.Methods))
	for n, m := range w.Methods {
		at := "buyer_supported_methods[" + strconv.Itoa(n) + "]"
		r.PaymentMethod(at, m)
		if seen[m] {
			r.Invalid(at, "a method stands once")
		}
		seen[m] = true
	}
	q.Estimated = r.Positive("estimated_amount", w.Estimated, r.Currency("currency", w.Currency))
	if err := r.Err(); err != nil {
		return NegotiationRequest{}, err
	}
	return q, nil
}

// SignNegotiationRequest checks the request and returns it as a signed message,
// by the buyer's key for agent requests.
func SignNegotiationRequest(s *keys.Signer, q NegotiationRequest) ([]byte, error) {
	w := q.wire()
	if _, err := w.request(); err != nil {
		return nil, err
	}
	if s.DID() != q.AgentID {
		return nil, conflict("agent_id", "CID-PCA-NEG-06", "not the signer")
	}
	return keys.SignMessage(s, keys.AgentRequest, keys.KindNegotiationRequest, w)
}

// An UnverifiedNegotiationRequest has the right form; nothing is known of its
// origin.
type UnverifiedNegotiationRequest struct {
	Request NegotiationRequest

	message *keys.UnverifiedMessage
}

// ParseNegotiationRequest reads a request: form, and that the signer's DID is
// the buyer. It does not check the signature, the time, the nonce or the
// recipient.
func ParseNegotiationRequest(data []byte) (*UnverifiedNegotiationRequest, error) {
	m, err := keys.ParseMessage(data)
	if err != nil {
		return nil, err
	}
	var w negotiationWire
	if err := m.Decode(&w); err != nil {
		return nil, err
	}
	q, err := w.request()
	if err != nil {
		return nil, err
	}
	if wire.SignerDID(m.KeyID) != q.AgentID {
		return nil, conflict("signer_id", "CID-PCA-NEG-06", "not a key of the buyer")
	}
	return &UnverifiedNegotiationRequest{Request: q, message: m}, nil
}

// KeyID is the DID URL of the key that is said to have signed.
func (u *UnverifiedNegotiationRequest) KeyID() string { return u.message.KeyID }

// SignerDID is the DID of KeyID.
func (u *UnverifiedNegotiationRequest) SignerDID() string { return wire.SignerDID(u.message.KeyID) }

// Verify checks the signature by key, and nothing else.
func (u *UnverifiedNegotiationRequest) Verify(key keys.PublicKey) error {
	return u.message.Verify(key, keys.KindNegotiationRequest)
}

// ContentDigest is the same for two transmissions of one request: it leaves
// out nonce, timestamp and signature.
func (u *UnverifiedNegotiationRequest) ContentDigest() canon.Digest {
	return u.message.ContentDigest("nonce", "timestamp")
}

// A NegotiationAnswer is what of the buyer's methods a seller can be paid by
// (CID-PCA-NEG-08). Without offers nothing matches, and no payment follows
// (CID-PCA-NEG-05).
//
// It is not signed: it is worth what the connection is worth that brought it
// from the negotiation_endpoint of a signed card.
type NegotiationAnswer struct {
	RequestID string  // of the request
	AgentID   string  // DID of the seller
	Offers    []Offer // in the seller's order of preference; may be empty
}

type answerWire struct {
	RequestID string       `json:"request_id"`
	AgentID   string       `json:"agent_id"`
	Methods   *[]offerWire `json:"supported_methods"`
}

type offerWire struct {
	MethodID        string `json:"method_id"`
	PSPID           string `json:"psp_id"`
	Endpoint        string `json:"endpoint"`
	MethodSchemaURL string `json:"method_schema_url"`
}

// DecodeNegotiationAnswer reads an answer and checks that it answers this
// request: its id, its seller, and no method that was not asked for. One fault
// makes the whole of it unusable (CID-PCA-NEG-07).
func DecodeNegotiationAnswer(data []byte, q NegotiationRequest) (*NegotiationAnswer, error) {
	var w answerWire
	if err := canon.Decode(data, &w); err != nil {
		return nil, err
	}
	r := wire.Reader{Requirement: "CID-PCA-NEG-07"}
	if r.Require("request_id", w.RequestID) {
		r.Equal("request_id", w.RequestID, q.RequestID)
	}
	if r.Require("agent_id", w.AgentID) {
		r.Equal("agent_id", w.AgentID, q.MerchantID)
	}
	a := &NegotiationAnswer{RequestID: w.RequestID, AgentID: w.AgentID}
	if w.Methods == nil {
		r.Require("supported_methods", "")
		return nil, r.Err()
	}
	seen := make(offerSet)
	for n, m := range *w.Methods {
		at := "supported_methods[" + strconv.Itoa(n) + "]."
		r.PaymentMethod(at+"method_id", m.MethodID)
		if !slices.Contains(q.Methods, m.MethodID) {
			r.Fail("", protocol.New(protocol.CodeClaimsConflict, at+"method_id", "CID-PCA-NEG-08", "not a method that was asked for"))
		}
		o := Offer(m)
		seen.read(&r, at, o)
		a.Offers = append(a.Offers, o)
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	return a, nil
}

// Encode checks the answer against the request and returns its canonical JSON.
// In this profile a provider's id is a DID.
func (a *NegotiationAnswer) Encode(q NegotiationRequest) ([]byte, error) {
	methods := []offerWire{}
	r := wire.Reader{Requirement: "CID-PCA-NEG-08"}
	for _, o := range a.Offers {
		r.DID("psp_id", o.PSPID)
		methods = append(methods, offerWire(o))
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	data, err := canon.Marshal(answerWire{RequestID: a.RequestID, AgentID: a.AgentID, Methods: &methods})
	if err != nil {
		return nil, err
	}
	if _, err := DecodeNegotiationAnswer(data, q); err != nil {
		return nil, err
	}
	return data, nil
}
