package commerce

import (
	"strconv"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// ProfileSchemaURL is the method_schema_url of this profile: it names the
// payment request of SPEC.md 6.1 as the form in which a provider is paid.
const ProfileSchemaURL = "https://github.com/actprotocol/act-go/blob/main/SPEC.md"

// A Mode says how a seller tells what it can be paid by (CID-PCA-NEG-01).
type Mode string

// The two modes.
const (
	OneWay Mode = "one-way" // a public statement; the buyer chooses
	TwoWay Mode = "two-way" // the buyer says what it has, the seller answers what fits
)

func (m Mode) known() bool { return m == OneWay || m == TwoWay }

// An Offer is one way to pay a seller: a method through a provider. All four
// members together are the outcome of a negotiation (CID-PCA-NEG-04).
type Offer struct {
	MethodID        string // urn:act:payment:<name>
	PSPID           string // of the provider; in this profile a DID, elsewhere any absolute URI
	Endpoint        string // where the provider is reached, a plain URL
	MethodSchemaURL string // method_schema_url: the form of payload that it takes, a plain URL
}

// A Capability is a seller's public statement of what it can be paid by
// (CID-PCA-NEG-01), the content of act-payment-capability.json.
//
// It is not signed. It is worth something only when it was fetched from exactly
// the capability_url of a card that the seller signed (CID-PCA-NEG-07), see
// [AgentCard].
type Capability struct {
	AgentID string  // DID of the seller
	Mode    Mode    // may be empty in a statement that was read
	Offers  []Offer // in the seller's order of preference; empty when there is none
}

const (
	capabilityVersion = "1.0"
	capabilityRole    = "payee"
)

type capabilityWire struct {
	Version string        `json:"version"`
	Role    string        `json:"role"`
	AgentID string        `json:"agent_id"`
	Mode    *Mode         `json:"mode,omitzero"`
	Methods *[]methodWire `json:"supported_methods"`
}

type methodWire struct {
	ID   string         `json:"method_id"`
	PSPs []providerWire `json:"psps"`
}

type providerWire struct {
	ID              string `json:"psp_id"`
	Endpoint        string `json:"endpoint"`
	MethodSchemaURL string `json:"method_schema_url"`
}

// DecodeCapability reads a statement of the form that the protocol's published
// example has. One fault in it makes the whole of it unusable
// (CID-PCA-NEG-07): a member that is missing, or has another spelling than the
// one of SPEC.md 5.6, a method or a provider of it that stands twice.
//
// It does not check where the statement comes from, nor that its agent_id is
// the expected one.
func DecodeCapability(data []byte) (*Capability, error) {
	var w capabilityWire
	if err := canon.Decode(data, &w); err != nil {
		return nil, err
	}
	r := wire.Reader{Requirement: "CID-PCA-NEG-07"}
	if r.Require("version", w.Version) && w.Version != capabilityVersion {
		r.Invalid("version", "must be 1.0")
	}
	if r.Require("role", w.Role) && w.Role != capabilityRole {
		r.Invalid("role", "must be payee")
	}
	r.DID("agent_id", w.AgentID)
	c := &Capability{AgentID: w.AgentID}
	if w.Mode != nil {
		if c.Mode = *w.Mode; !c.Mode.known() {
			r.Invalid("mode", "must be one-way or two-way")
		}
	}
	if w.Methods == nil {
		r.Require("supported_methods", "")
	} else {
		c.Offers = readMethods(&r, *w.Methods)
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

func readMethods(r *wire.Reader, methods []methodWire) (offers []Offer) {
	seen := make(offerSet)
	listed := make(map[string]bool, len(methods))
	for n, m := range methods {
		at := "supported_methods[" + strconv.Itoa(n) + "]."
		r.PaymentMethod(at+"method_id", m.ID)
		if listed[m.ID] {
			r.Invalid(at+"method_id", "a method stands once")
		}
		listed[m.ID] = true
		if len(m.PSPs) == 0 {
			r.Require(at+"psps", "")
		}
		for i, p := range m.PSPs {
			o := Offer{MethodID: m.ID, PSPID: p.ID, Endpoint: p.Endpoint, MethodSchemaURL: p.MethodSchemaURL}
			seen.read(r, at+"psps["+strconv.Itoa(i)+"].", o)
			offers = append(offers, o)
		}
	}
	return offers
}

// An offerSet knows the pairs of method and provider that were read.
type offerSet map[[2]string]bool

// read judges what an offer says of the provider.
func (s offerSet) read(r *wire.Reader, at string, o Offer) {
	r.URI(at+"psp_id", o.PSPID)
	r.PlainURL(at+"endpoint", o.Endpoint)
	r.PlainURL(at+"method_schema_url", o.MethodSchemaURL)
	pair := [2]string{o.MethodID, o.PSPID}
	if s[pair] {
		r.Invalid(at+"psp_id", "a provider of a method stands once")
	}
	s[pair] = true
}

// Encode checks the statement and returns its canonical JSON. Offers of one
// method are put together at the place of the first; the mode is required, and
// in this profile a provider's id is a DID.
func (c *Capability) Encode() ([]byte, error) {
	w := capabilityWire{Version: capabilityVersion, Role: capabilityRole, AgentID: c.AgentID, Mode: &c.Mode}
	methods := []methodWire{}
	index := make(map[string]int)
	r := wire.Reader{Requirement: "CID-PCA-NEG-01"}
	for _, o := range c.Offers {
		i, known := index[o.MethodID]
		if !known {
			i = len(methods)
			index[o.MethodID] = i
			methods = append(methods, methodWire{ID: o.MethodID})
		}
		r.DID("psp_id", o.PSPID)
		methods[i].PSPs = append(methods[i].PSPs, providerWire{ID: o.PSPID, Endpoint: o.Endpoint, MethodSchemaURL: o.MethodSchemaURL})
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	w.Methods = &methods
	data, err := canon.Marshal(w)
	if err != nil {
		return nil, err
	}
	if _, err := DecodeCapability(data); err != nil {
		return nil, err
	}
	return data, nil
}

func conflict(field, requirement, detail string) error {
	return protocol.New(protocol.CodeClaimsConflict, field, requirement, detail)
}
