package identity

import (
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// document and method are the members of a DID document that we read; both
// are open (SPEC.md 3.3).
type document struct {
	Context            []string         `json:"@context,omitzero"`
	ID                 string           `json:"id"`
	VerificationMethod []jsontext.Value `json:"verificationMethod,omitzero"`
	AssertionMethod    []string         `json:"assertionMethod,omitzero"`
	KeyAgreement       []string         `json:"keyAgreement,omitzero"`
	Service            []jsontext.Value `json:"service,omitzero"`
}

// readDocument leaves out what is only written.
type readDocument struct {
	ID                 string           `json:"id"`
	VerificationMethod []jsontext.Value `json:"verificationMethod"`
	Service            []jsontext.Value `json:"service"`
}

type method struct {
	ID          string         `json:"id"`
	Type        string         `json:"type"`
	Controller  string         `json:"controller"`
	JWK         jsontext.Value `json:"publicKeyJwk"`
	Purpose     keys.Purpose   `json:"actPurpose"`
	ValidFrom   *string        `json:"actValidFrom,omitzero"`
	ValidUntil  *string        `json:"actValidUntil,omitzero"`
	Compromised bool           `json:"actCompromised,omitzero"`
}

type service struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Endpoint string `json:"serviceEndpoint"`
}

// DecodeDocument reads the document that was found for want: a W3C DID
// document, open, strict JSON of at most 64 KiB and 32 verification methods
// (SPEC.md 3.3, IDN-02). A document of another id is claims_conflict.
//
// Entries of verificationMethod without actPurpose are not used and not
// checked; verification relationships (authentication and so on) give no
// purpose and are ignored. Every other entry must be right, or the whole
// document is refused: a public JWK of ours without private members, an
// absolute id under the document's, the document as controller, a known
// purpose, a period that ends after it begins. An entry for encryption is
// checked likewise and appears among Encryption, never among Keys; one with a
// kind of key that we do not encrypt for is left out. Services whose endpoint
// is not a string are ignored.
//
// Where the bytes came from is not checked here.
func DecodeDocument(data []byte, want DID) (*Document, error) {
	var doc readDocument
	if err := canon.DecodeOpen(data, &doc); err != nil {
		return nil, err
	}
	id, err := ParseDID(doc.ID)
	if err != nil {
		return nil, protocol.In(err, "id")
	}
	if id != want {
		return nil, protocol.New(protocol.CodeClaimsConflict, "id", "IDN-02", "the document is of another DID")
	}
	if len(doc.VerificationMethod) > MaxKeys {
		return nil, protocol.New(protocol.CodeTooLarge, "verificationMethod", "IDN-02", "at most 32 keys")
	}
	d := &Document{ID: id}
	for _, raw := range doc.VerificationMethod {
		if err := d.addMethod(raw); err != nil {
			return nil, protocol.In(err, "verificationMethod")
		}
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	for _, raw := range doc.Service {
		var s service
		if canon.DecodeOpen(raw, &s) == nil && s.Endpoint != "" {
			d.Services = append(d.Services, Service(s))
		}
	}
	return d, nil
}

// addMethod reads one entry; one without a purpose is left out.
func (d *Document) addMethod(raw []byte) error {
	members, err := canon.Members(raw)
	if err != nil || !slices.Contains(members, "actPurpose") {
		return err
	}
	for _, name := range []string{"id", "type", "controller", "publicKeyJwk"} {
		if !slices.Contains(members, name) {
			return protocol.New(protocol.CodeFieldMissing, name, "IDN-02", "")
		}
	}
	var m method
	if err := canon.DecodeOpen(raw, &m); err != nil {
		return err
	}
	if m.Type != "JsonWebKey" && m.Type != "JsonWebKey2020" {
		return protocol.New(protocol.CodeFieldInvalid, "type", "IDN-02", "JsonWebKey or JsonWebKey2020")
	}
	if m.Controller != d.ID.String() {
		return protocol.New(protocol.CodeFieldInvalid, "controller", "IDN-02", "the document's own id")
	}
	key := Key{ID: m.ID, Purpose: m.Purpose, Compromised: m.Compromised}
	if key.NotBefore, err = parseTime(m.ValidFrom, "actValidFrom"); err != nil {
		return err
	}
	if key.NotAfter, err = parseTime(m.ValidUntil, "actValidUntil"); err != nil {
		return err
	}
	if m.Purpose == keys.Encryption {
		return d.addEncryption(key, m.JWK)
	}
	if key.Public, err = keys.ParseJWK(m.JWK); err != nil {
		return protocol.In(err, "publicKeyJwk")
	}
	d.Keys = append(d.Keys, key)
	return nil
}

func parseTime(s *string, field string) (time.Time, error) {
	if s == nil {
		return time.Time{}, nil
	}
	t, err := canon.ParseTime(*s)
	return t, protocol.In(err, field)
}

// Encode returns the document in canonical JSON, as it is served at
// [DID.DocumentURL]. It refuses what DecodeDocument would refuse. Times are
// cut to whole seconds.
func (d *Document) Encode() ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	doc := document{
		Context: []string{"https://www.w3.org/ns/did/v1", "https://w3id.org/security/jwk/v1"},
		ID:      d.ID.String(),
	}
	for i := range d.Keys {
		k := &d.Keys[i]
		if err := doc.add(k, k.Public.JWK()); err != nil {
			return nil, err
		}
		doc.AssertionMethod = append(doc.AssertionMethod, k.ID)
	}
	for i := range d.Encryption {
		k := &d.Encryption[i]
		entry := &Key{ID: k.ID, Purpose: keys.Encryption, NotBefore: k.NotBefore, NotAfter: k.NotAfter, Compromised: k.Compromised}
		if err := doc.add(entry, k.Public.JWK()); err != nil {
			return nil, err
		}
		doc.KeyAgreement = append(doc.KeyAgreement, k.ID)
	}
	for _, s := range d.Services {
		raw, err := canon.Marshal(service(s))
		if err != nil {
			return nil, err
		}
		doc.Service = append(doc.Service, raw)
	}
	return canon.Marshal(doc)
}

func (doc *document) add(k *Key, jwk []byte) error {
	raw, err := canon.Marshal(method{
		ID: k.ID, Type: "JsonWebKey", Controller: doc.ID, JWK: jwk, Purpose: k.Purpose,
		ValidFrom: formatTime(k.NotBefore), ValidUntil: formatTime(k.NotAfter), Compromised: k.Compromised,
	})
	doc.VerificationMethod = append(doc.VerificationMethod, raw)
	return err
}

func formatTime(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := canon.FormatTime(t)
	return &s
}
