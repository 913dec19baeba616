package delegation

import (
	"net/url"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

// Claims are what a mandate says (SPEC.md 4.2). The twins, jti, sub, nbf and
// exp, are set beside the authorization and equal to it.
type Claims struct {
	Issuer          string           // iss, a DID; never did:key
	Subject         string           // sub, the agent's DID, equal to agent_id
	Audience        string           // aud, the DID of the one PSP
	ID              string           // jti, equal to delegation_id
	IssuedAt        time.Time        // iat
	NotBefore       time.Time        // nbf, equal to validity_start_time
	Expires         time.Time        // exp, equal to validity_end_time
	Holder          keys.PublicKey   // cnf.jwk, the key that signs the agent's payment requests
	Status          *StatusReference // absent only when exp is at most 15 minutes after iat and nbf
	ControlProofRef string           // vc.control_proof_ref, optional (ADD-IAC-ISS-13)
	Authorization   *Authorization   // vc.credentialSubject
	Unknown         []string         // paths of claims and members that were read and not understood
}

// NewClaims fills in the twins from an authorization: the usual way to the
// argument of [Issue].
func NewClaims(a *Authorization, issuer, audience string, holder keys.PublicKey, status *StatusReference, issuedAt time.Time) Claims {
	return Claims{
		Issuer: issuer, Subject: a.AgentID, Audience: audience, ID: a.DelegationID,
		IssuedAt: issuedAt.UTC().Truncate(time.Second), NotBefore: a.ValidityStart, Expires: a.ValidityEnd,
		Holder: holder, Status: status, Authorization: a,
	}
}

// StateAt returns the state at a time, given what the status list says.
func (c Claims) StateAt(status Status, now time.Time) State {
	return StateAt(c.NotBefore, c.Expires, status, now)
}

// Bounds returns the boundaries, with everything that was not understood.
func (c Claims) Bounds() (Bounds, error) {
	if c.Authorization == nil {
		return Bounds{}, missing("vc.credentialSubject", "ADD-IAC-ISS-14")
	}
	b, err := c.Authorization.Bounds()
	b.unknown = b.unknown || len(c.Unknown) > 0
	return b, err
}

// A StatusReference says where the state of a mandate is published
// (ADD-IAC-LCM-10): an entry of a Token Status List.
type StatusReference struct {
	Index int    // idx
	URI   string // an absolute https URI without user and fragment
}

// maxUnlisted is how long a mandate without a status reference may live. Its
// life begins when it is issued: one for a window to come could not be revoked
// until then.
const maxUnlisted = 15 * time.Minute

// check applies the rules of SPEC.md 4.2, in the codes' order of precedence.
// payload is the path of the authorization.
func (c Claims) check(payload string) error {
	if err := c.present(); err != nil {
		return err
	}
	for _, m := range []struct{ name, did string }{{"iss", c.Issuer}, {"sub", c.Subject}, {"aud", c.Audience}} {
		if _, err := identity.ParseDID(m.did); err != nil {
			return withRequirement(protocol.In(err, m.name), "IDN-02")
		}
	}
	for _, m := range []struct {
		name string
		time time.Time
	}{{"iat", c.IssuedAt}, {"nbf", c.NotBefore}, {"exp", c.Expires}} {
		if !wholeSecond(m.time) {
			return invalid(m.name, "ADD-IAC-ISS-14", "whole seconds of the years 1970 to 9999")
		}
	}
	if !c.IssuedAt.Before(c.Expires) {
		return invalid("iat", "ADD-IAC-ISS-14", "must be before exp")
	}
	if c.Status != nil {
		if err := c.Status.check(); err != nil {
			return protocol.In(err, "status.status_list")
		}
	}
	if len(c.ControlProofRef) > 1024 || !printable(c.ControlProofRef) {
		return invalid("vc.control_proof_ref", "ADD-IAC-ISS-13", "at most 1024 bytes of plain text")
	}
	if err := c.Authorization.Validate(); err != nil {
		return protocol.In(err, payload)
	}
	if did, _ := identity.ParseDID(c.Issuer); did.Method() == identity.MethodKey {
		return protocol.New(protocol.CodeKeyPurpose, "iss", "ADD-IAC-ISS-12", "did:key never issues authorizations")
	}
	return c.twins()
}

// listed reports whether the state of the mandate can be learned, or need not.
// It is undetermined otherwise, so every other rule is asked first.
func (c Claims) listed() error {
	born := c.NotBefore
	if c.IssuedAt.Before(born) {
		born = c.IssuedAt
	}
	if c.Status == nil && c.Expires.Sub(born) > maxUnlisted {
		return protocol.New(protocol.CodeStatusUnavailable, "status", "ADD-IAC-LCM-10", "needed by a mandate of more than 15 minutes")
	}
	return nil
}

func (c Claims) present() error {
	for _, m := range []struct {
		ok   bool
		name string
	}{
		{c.Issuer != "", "iss"},
		{c.Subject != "", "sub"},
		{c.Audience != "", "aud"},
		{c.ID != "", "jti"},
		{!c.IssuedAt.IsZero(), "iat"},
		{!c.NotBefore.IsZero(), "nbf"},
		{!c.Expires.IsZero(), "exp"},
		{!c.Holder.IsZero(), "cnf.jwk"},
		{c.Authorization != nil, "vc.credentialSubject"},
	} {
		if !m.ok {
			return missing(m.name, "ADD-IAC-ISS-14")
		}
	}
	return nil
}

// twins compares the claims with the members of the payload that say the same.
func (c Claims) twins() error {
	a := c.Authorization
	for _, m := range []struct {
		ok   bool
		name string
	}{
		{c.Subject == a.AgentID, "sub"},
		{c.ID == a.DelegationID, "jti"},
		{c.NotBefore.Equal(a.ValidityStart), "nbf"},
		{c.Expires.Equal(a.ValidityEnd), "exp"},
	} {
		if !m.ok {
			return protocol.New(protocol.CodeClaimsConflict, m.name, "ADD-IAC-ISS-14", "not equal to its twin in the payload")
		}
	}
	return nil
}

func (s *StatusReference) check() error {
	if s.Index < 0 || s.Index >= MaxStatusEntries {
		return invalid("idx", "ADD-IAC-LCM-10", "not an index of a status list")
	}
	u, err := url.Parse(s.URI)
	if err != nil || len(s.URI) > 1024 || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Opaque != "" {
		return invalid("uri", "ADD-IAC-LCM-10", "an absolute https URI without user and fragment")
	}
	return nil
}

// vcSubject is the path of the authorization in a VC-JWT.
const vcSubject = "vc.credentialSubject"

// credentialTypes is the one accepted value of vc.type.
var credentialTypes = [...]string{"VerifiableCredential", "ACTIntentAuthorization"}

// The wire form of the claims, for writing.
type (
	wireClaims struct {
		Iss    string      `json:"iss"`
		Sub    string      `json:"sub"`
		Aud    string      `json:"aud"`
		Jti    string      `json:"jti"`
		Iat    int64       `json:"iat"`
		Nbf    int64       `json:"nbf"`
		Exp    int64       `json:"exp"`
		Cnf    wireHolder  `json:"cnf"`
		Status *wireStatus `json:"status,omitzero"`
		VC     wireVC      `json:"vc"`
	}
	wireHolder struct {
		JWK jsontext.Value `json:"jwk"`
	}
	wireStatus struct {
		List wireEntry `json:"status_list"`
	}
	wireEntry struct {
		Index int    `json:"idx"`
		URI   string `json:"uri"`
	}
	wireVC struct {
		Type    []string       `json:"type"`
		Control string         `json:"control_proof_ref,omitzero"`
		Subject jsontext.Value `json:"credentialSubject"`
	}
)

// encode writes claims that have been checked.
func (c Claims) encode() ([]byte, error) {
	subject, err := c.Authorization.Encode()
	if err != nil {
		return nil, protocol.In(err, "vc.credentialSubject")
	}
	w := wireClaims{
		Iss: c.Issuer, Sub: c.Subject, Aud: c.Audience, Jti: c.ID,
		Iat: c.IssuedAt.Unix(), Nbf: c.NotBefore.Unix(), Exp: c.Expires.Unix(),
		Cnf: wireHolder{JWK: c.Holder.JWK()},
		VC:  wireVC{Type: credentialTypes[:], Control: c.ControlProofRef, Subject: subject},
	}
	if c.Status != nil {
		w.Status = &wireStatus{List: wireEntry{Index: c.Status.Index, URI: c.Status.URI}}
	}
	return canon.Marshal(w)
}

// read reads the claims. Unknown ones are collected.
func (c *Claims) read(r *reader) error {
	return r.object(func(name []byte) error {
		if string(name) == "vc" {
			return c.readVC(r)
		}
		return c.readCommon(r, name)
	})
}

// readCommon reads the claims that both forms of a mandate have.
func (c *Claims) readCommon(r *reader, name []byte) error {
	switch string(name) {
	case "iss":
		return r.text(&c.Issuer)
	case "sub":
		return r.text(&c.Subject)
	case "aud":
		return r.text(&c.Audience)
	case "jti":
		return r.text(&c.ID)
	case "iat":
		return r.numericDate(&c.IssuedAt)
	case "nbf":
		return r.numericDate(&c.NotBefore)
	case "exp":
		return r.numericDate(&c.Expires)
	case "cnf":
		return r.closed(c.readHolder)
	case "status":
		return c.readStatus(r)
	default:
		return r.other("", name)
	}
}

// readAuthorization reads the payload, which stands under path.
func (c *Claims) readAuthorization(r *reader, path string) error {
	c.Authorization = new(Authorization)
	before := len(r.unknown)
	err := c.Authorization.read(r)
	for i, unknown := range r.unknown[before:] {
		r.unknown[before+i] = path + unknown
	}
	return err
}

// numericDate reads whole seconds since 1970, written as digits only.
func (r *reader) numericDate(dst *time.Time) error {
	var seconds int64
	if err := r.integer(&seconds, lastSecond); err != nil {
		return err
	}
	*dst = time.Unix(seconds, 0).UTC()
	return nil
}

func (c *Claims) readHolder(r *reader) error {
	return r.object(func(name []byte) error {
		if string(name) != "jwk" {
			return r.other("cnf.", name)
		}
		if r.dec.PeekKind() != '{' {
			return r.wrong("must be an object")
		}
		jwk, err := r.value()
		if err != nil {
			return err
		}
		c.Holder, err = keys.ParseJWK(jwk)
		return err
	})
}

func (c *Claims) readStatus(r *reader) error {
	err := r.object(func(name []byte) error {
		if string(name) != "status_list" {
			return r.other("status.", name)
		}
		c.Status = new(StatusReference)
		return r.closed(c.Status.read)
	})
	if err == nil && c.Status == nil {
		return missing("status_list", "ADD-IAC-LCM-10")
	}
	return err
}

func (s *StatusReference) read(r *reader) error {
	indexed := false
	err := r.object(func(name []byte) error {
		switch string(name) {
		case "idx":
			indexed = true
			var n int64
			err := r.integer(&n, MaxStatusEntries-1)
			s.Index = int(n)
			return withRequirement(err, "ADD-IAC-LCM-10")
		case "uri":
			return withRequirement(r.text(&s.URI), "ADD-IAC-LCM-10")
		default:
			return r.other("status.status_list.", name)
		}
	})
	switch {
	case err != nil:
		return err
	case !indexed:
		return missing("idx", "ADD-IAC-LCM-10")
	case s.URI == "":
		return missing("uri", "ADD-IAC-LCM-10")
	}
	return nil
}

func (c *Claims) readVC(r *reader) error {
	var types []string
	err := r.object(func(name []byte) error {
		switch string(name) {
		case "type":
			return r.texts(&types)
		case "control_proof_ref":
			return withRequirement(r.filled(&c.ControlProofRef), "ADD-IAC-ISS-13")
		case "credentialSubject":
			return c.readAuthorization(r, "vc.credentialSubject.")
		default:
			return r.other("vc.", name)
		}
	})
	if err != nil {
		return err
	}
	if types == nil {
		return missing("type", "ADD-IAC-ISS-14")
	}
	if len(types) != 2 || types[0] != credentialTypes[0] || types[1] != credentialTypes[1] {
		return protocol.New(protocol.CodeTypeMismatch, "type", "ADD-IAC-ISS-14", "must be VerifiableCredential and ACTIntentAuthorization")
	}
	return nil
}
