package commerce

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

const (
	// A2AVersion is the protocolVersion of the cards that we write.
	A2AVersion = "0.3.0"
	// TransportACT is the preferredTransport of a card whose url is the base of
	// the addresses of SPEC.md 5.4, and none of A2A's own transports.
	TransportACT = "ACT"

	maxCardSignatures = 8
	mediaJSON         = "application/json"
)

// An AgentCard is an A2A agent card (protocol version 0.3) that says who the
// agent is in ACT and how it negotiates payment (CID-PCA-NEG-02). Cards are
// open: they may have any member beside these.
//
// Of a card that was read, ACT uses AgentID and Negotiation. The others are
// A2A's; they are what the card says and are not judged. [AgentCard.Encode]
// requires AgentID, Name, Description, Version, URL and one Skill with all its
// members, as A2A does; merchant.Shop.AgentCardHandler fills in AgentID, Version
// and URL, and requires Negotiation.
type AgentCard struct {
	AgentID     string      // agent_id: DID of the agent, whose key for selling signs the card
	Negotiation Negotiation // capabilities["act:payment:negotiation"]; zero when the card has none

	Name        string   // for people; required
	Description string   // for people; required
	Version     string   // of the agent, in a form of its own; required
	URL         string   // of the agent's service; required
	Transport   string   // preferredTransport: what is spoken at URL; TransportACT
	InputModes  []string // media types; application/json
	OutputModes []string // media types; application/json
	Skills      []Skill  // one at least
}

// A Skill is something that an agent can do, in A2A's terms. All members are
// required, of Tags one at least.
type Skill struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Tags        []string `json:"tags"`
}

// A Negotiation is where and how a seller negotiates payment. The URL of its
// mode is required; the other may be there.
type Negotiation struct {
	Mode          Mode   `json:"mode"`
	CapabilityURL string `json:"capability_url,omitzero"`       // of the statement, for OneWay
	Endpoint      string `json:"negotiation_endpoint,omitzero"` // that takes requests, for TwoWay
}

// URL is the address of the mode.
func (n Negotiation) URL() string {
	switch n.Mode {
	case OneWay:
		return n.CapabilityURL
	case TwoWay:
		return n.Endpoint
	}
	return ""
}

func (n Negotiation) check(r *wire.Reader) {
	const at = "capabilities.act:payment:negotiation."
	if r.Require(at+"mode", string(n.Mode)) && !n.Mode.known() {
		r.Invalid(at+"mode", "must be one-way or two-way")
	}
	if n.Mode == OneWay || n.CapabilityURL != "" {
		r.PlainURL(at+"capability_url", n.CapabilityURL)
	}
	if n.Mode == TwoWay || n.Endpoint != "" {
		r.PlainURL(at+"negotiation_endpoint", n.Endpoint)
	}
}

type cardWire struct {
	AgentID         string           `json:"agent_id"`
	Name            string           `json:"name,omitzero"`
	Description     string           `json:"description,omitzero"`
	Version         string           `json:"version,omitzero"`
	ProtocolVersion string           `json:"protocolVersion,omitzero"`
	URL             string           `json:"url,omitzero"`
	Transport       string           `json:"preferredTransport,omitzero"`
	InputModes      []string         `json:"defaultInputModes,omitzero"`
	OutputModes     []string         `json:"defaultOutputModes,omitzero"`
	Skills          []Skill          `json:"skills,omitzero"`
	Capabilities    capabilitiesWire `json:"capabilities"`
	Signatures      []jsontext.Value `json:"signatures,omitzero"`
}

type capabilitiesWire struct {
	Negotiation *Negotiation `json:"act:payment:negotiation,omitzero"`
}

// read judges what ACT uses of a card.
func (w cardWire) read() (AgentCard, error) {
	r := wire.Reader{Requirement: "CID-PCA-NEG-02"}
	r.DID("agent_id", w.AgentID)
	c := AgentCard{
		AgentID: w.AgentID, Name: w.Name, Description: w.Description, Version: w.Version, URL: w.URL, Transport: w.Transport,
		InputModes: w.InputModes, OutputModes: w.OutputModes, Skills: w.Skills,
	}
	if n := w.Capabilities.Negotiation; n != nil {
		c.Negotiation = *n
		c.Negotiation.check(&r)
	}
	if err := r.Err(); err != nil {
		return AgentCard{}, err
	}
	return c, nil
}

// complete judges what A2A asks of a card (0.3, AgentCard). No member has an
// empty value, so that readers who leave such members out before they take
// the canonical form get the same bytes.
func (w cardWire) complete() error {
	r := wire.Reader{Requirement: "CID-PCA-NEG-02"}
	r.Require("protocolVersion", w.ProtocolVersion)
	r.Text("name", w.Name)
	r.Require("description", w.Description)
	r.Require("version", w.Version)
	r.WebURL("url", w.URL)
	for _, list := range []struct {
		name   string
		values []string
	}{{"defaultInputModes", w.InputModes}, {"defaultOutputModes", w.OutputModes}} {
		if len(list.values) == 0 {
			r.Require(list.name, "")
		}
		for _, v := range list.values {
			r.Require(list.name, v)
		}
	}
	if len(w.Skills) == 0 {
		r.Require("skills", "")
	}
	for _, s := range w.Skills {
		r.Require("skills.id", s.ID)
		r.Require("skills.name", s.Name)
		r.Require("skills.description", s.Description)
		if len(s.Tags) == 0 {
			r.Require("skills.tags", "")
		}
		for _, tag := range s.Tags {
			r.Require("skills.tags", tag)
		}
	}
	return r.Err()
}

// Encode checks the card and returns it, not signed yet, as canonical JSON that
// A2A 0.3 takes: with a skill at least. Empty modes become application/json, an
// empty transport TransportACT.
func (c AgentCard) Encode() ([]byte, error) {
	w := cardWire{
		AgentID: c.AgentID, Name: c.Name, Description: c.Description, Version: c.Version, ProtocolVersion: A2AVersion,
		URL: c.URL, Transport: c.Transport, InputModes: c.InputModes, OutputModes: c.OutputModes, Skills: c.Skills,
	}
	if w.Transport == "" {
		w.Transport = TransportACT
	}
	if len(w.InputModes) == 0 {
		w.InputModes = []string{mediaJSON}
	}
	if len(w.OutputModes) == 0 {
		w.OutputModes = []string{mediaJSON}
	}
	if c.Negotiation != (Negotiation{}) {
		w.Capabilities.Negotiation = &c.Negotiation
	}
	if _, err := w.read(); err != nil {
		return nil, err
	}
	if err := w.complete(); err != nil {
		return nil, err
	}
	return canon.Marshal(w)
}

// A cardSignature is A2A's AgentCardSignature: a JWS in parts, whose payload is
// the card without its signatures (RFC 7515, appendix F).
type cardSignature struct {
	Protected string         `json:"protected"`
	Signature string         `json:"signature"`
	Header    jsontext.Value `json:"header,omitzero"` // never ours
}

// SignAgentCard adds the agent's signature to a card, which may come from
// [AgentCard.Encode] or from an A2A library and may have further members and
// signatures of others; an earlier one of the agent's own is replaced. It refuses a card that is not complete for A2A 0.3, or
// is of another agent than the signer. The signature covers everything but
// signatures; it has no end, so a card is good for as long as its key is.
func SignAgentCard(s *keys.Signer, card []byte) ([]byte, error) {
	w, payload, err := splitCard(card)
	if err != nil {
		return nil, err
	}
	if err := w.complete(); err != nil {
		return nil, err
	}
	if s.DID() != w.AgentID {
		return nil, conflict("agent_id", "CID-PCA-NEG-07", "not the signer")
	}
	token, err := keys.SignCompact(s, keys.Seller, keys.TypeAgentCard, payload)
	if err != nil {
		return nil, err
	}
	parts := strings.Split(string(token), ".")
	own, err := canon.Marshal(cardSignature{Protected: parts[0], Signature: parts[2]})
	if err != nil {
		return nil, err
	}
	// The payload is an object that is not empty.
	var out bytes.Buffer
	out.Write(payload[:len(payload)-1])
	out.WriteString(`,"signatures":[`)
	for _, other := range w.Signatures {
		if _, err := cardToken(other, "."+parts[1]+".", w.AgentID); err == nil {
			continue // an earlier one of our own
		}
		out.Write(other)
		out.WriteByte(',')
	}
	out.Write(own)
	out.WriteString("]}")
	return canon.Canonicalize(out.Bytes())
}

// splitCard reads a card and returns it with what its signatures cover.
func splitCard(data []byte) (cardWire, []byte, error) {
	var w cardWire
	if err := canon.DecodeOpen(data, &w); err != nil {
		return w, nil, err
	}
	if _, err := w.read(); err != nil {
		return w, nil, err
	}
	payload, err := canon.Without(data, "signatures")
	return w, payload, err
}

// An UnverifiedAgentCard has the right form; nothing is known of its origin.
type UnverifiedAgentCard struct {
	Card AgentCard

	token *keys.UnverifiedToken
}

// ParseAgentCard reads a signed card: what ACT uses of it, and the signature by
// its agent. Among several signatures it takes the first of our kind whose key
// is said to be the agent's; those of others, whatever their form, say nothing
// and are passed over. A card without any signature is field_missing; one that
// has only others is refused for what is wrong with the first.
//
// It does not check the signature.
func ParseAgentCard(data []byte) (*UnverifiedAgentCard, error) {
	w, payload, err := splitCard(data)
	if err != nil {
		return nil, err
	}
	card, err := w.read()
	if err != nil {
		return nil, err
	}
	if len(w.Signatures) > maxCardSignatures {
		return nil, protocol.New(protocol.CodeTooLarge, "signatures", "CID-PCA-NEG-07", "at most 8 signatures")
	}
	body := "." + canon.EncodeBase64(payload) + "."
	var failure error
	for _, raw := range w.Signatures {
		token, err := cardToken(raw, body, card.AgentID)
		if err == nil {
			return &UnverifiedAgentCard{Card: card, token: token}, nil
		}
		if failure == nil {
			failure = protocol.In(err, "signatures")
		}
	}
	if failure == nil {
		failure = protocol.New(protocol.CodeFieldMissing, "signatures", "CID-PCA-NEG-07", "the card is not signed")
	}
	return nil, failure
}

// cardToken puts a signature and what it covers together, and reads it as one
// of the agent's.
func cardToken(raw []byte, body, agent string) (*keys.UnverifiedToken, error) {
	var s cardSignature
	if err := canon.DecodeOpen(raw, &s); err != nil {
		return nil, err
	}
	token, err := keys.ParseCompact([]byte(s.Protected+body+s.Signature), keys.TypeAgentCard)
	switch {
	case err != nil:
		return nil, err
	case wire.SignerDID(token.Header.KeyID) != agent:
		return nil, conflict("kid", "CID-PCA-NEG-07", "not a key of the card's agent")
	case len(s.Header) > 0:
		return nil, protocol.New(protocol.CodeHeaderRefused, "header", "CID-PCA-NEG-07", "a header that is not signed is never honoured")
	}
	return token, nil
}

// KeyID is the DID URL of the key that is said to have signed.
func (u *UnverifiedAgentCard) KeyID() string { return u.token.Header.KeyID }

// SignerDID is the DID of KeyID.
func (u *UnverifiedAgentCard) SignerDID() string { return wire.SignerDID(u.KeyID()) }

// Verify checks the signature by key, and nothing else.
func (u *UnverifiedAgentCard) Verify(key keys.PublicKey) error { return u.token.Verify(key) }
