package identity

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// An AgentType says whom an agent works for.
type AgentType string

// The two types (IDN-03). The list is closed.
const (
	Platform  AgentType = "PLATFORM"  // serves many principals; see Binding
	Dedicated AgentType = "DEDICATED" // serves one, whom the credential names by a pseudonym
)

// Limits of SPEC.md 9.1.
const (
	MaxCapabilities = 64
	// maxUnlisted is how long a credential without a status reference may live.
	// As a mandate's, its life begins when it is issued: one for a window to
	// come could not be revoked until then.
	maxUnlisted = 15 * time.Minute
	// maxStatusIndex is the last index of the largest status list (SPEC.md 4.3).
	maxStatusIndex = 1<<22 - 1
	lastSecond     = 253402300799 // of the year 9999
)

// A Credential is what an agent identity credential says (SPEC.md 9.1): this
// key is the key of this agent, run by this provider, for these uses. Whoever
// believes the issuer believes that, and nothing about what the agent may buy:
// that is a mandate's to say.
type Credential struct {
	ID           string         // jti
	Issuer       string         // iss, a DID; never did:key
	Agent        string         // sub and agent_id, a DID
	Provider     string         // DID of who runs the agent; may be the issuer
	Type         AgentType      // PLATFORM or DEDICATED
	Principal    string         // pseudonym of the one principal of a dedicated agent; empty for a platform agent
	Capabilities []string       // opaque names, at most MaxCapabilities, none twice; nil when none are stated
	IssuedAt     time.Time      // iat
	NotBefore    time.Time      // nbf
	Expires      time.Time      // exp
	Holder       keys.PublicKey // cnf.jwk, the agent's key
	Status       *StatusReference
}

// A StatusReference says where the state of a credential is published: an
// entry of the same kind of status list that mandates use (SPEC.md 4.3), by
// the credential's issuer. It has the form of delegation.StatusReference.
type StatusReference struct {
	Index int    // idx
	URI   string // an absolute https URI without user and fragment
}

// credentialTypes is the one accepted value of vc.type.
var credentialTypes = []string{"VerifiableCredential", "ACTAgentIdentity"}

// IssueCredential signs a credential with a key of purpose issue-identity, and
// no other (IDN-01, ADD-IAC-ISS-12). Times are cut to whole seconds. It
// refuses what [ParseCredential] would refuse. It does not know whether the
// agent holds the key of cnf: have it sign something before.
func IssueCredential(s *keys.Signer, c Credential) ([]byte, error) {
	if s == nil {
		return nil, missingIn("signer", "IDN-01")
	}
	c.IssuedAt, c.NotBefore, c.Expires = seconds(c.IssuedAt), seconds(c.NotBefore), seconds(c.Expires)
	if err := c.check(); err != nil {
		return nil, err
	}
	switch {
	case s.DID() != c.Issuer:
		return nil, protocol.New(protocol.CodeClaimsConflict, "iss", "IDN-01", "the signer is not the issuer")
	case s.Public().Equal(c.Holder):
		return nil, errOwnKey
	}
	w := wireCredential{
		Iss: c.Issuer, Sub: c.Agent, Jti: c.ID, Iat: c.IssuedAt.Unix(), Nbf: c.NotBefore.Unix(), Exp: c.Expires.Unix(),
		Cnf: wireHolder{JWK: c.Holder},
		VC: wireIdentity{Type: credentialTypes, Subject: wireSubject{
			AgentID: c.Agent, Provider: c.Provider, AgentType: c.Type, Principal: c.Principal, Capabilities: c.Capabilities,
		}},
	}
	if c.Status != nil {
		w.Status = &wireStatus{List: wireEntry{Index: &c.Status.Index, URI: c.Status.URI}}
	}
	payload, err := canon.Marshal(w)
	if err != nil {
		return nil, err
	}
	return keys.SignCompact(s, keys.IssueIdentity, keys.TypeIdentity, payload)
}

var errOwnKey = protocol.New(protocol.CodeKeyPurpose, "cnf.jwk", "IDN-01", "the issuing key cannot be the agent's")

// An UnverifiedCredential is a credential of the right form. Anybody may have
// made it until its signature has been verified by a key that the issuer has
// for this purpose, and until the issuer has been found to be one to believe.
type UnverifiedCredential struct {
	token      *keys.UnverifiedToken
	credential Credential
}

// ParseCredential reads an agent identity credential in its one form: the
// token kind, the closed set of claims, the rules of SPEC.md 9.1, and that
// twins are equal.
//
// It checks no signature, no clock, no status, not who the issuer is, and not
// that who shows the credential holds its key.
func ParseCredential(raw []byte) (*UnverifiedCredential, error) {
	token, err := keys.ParseCompact(raw, keys.TypeIdentity)
	if err != nil {
		return nil, err
	}
	var w wireCredential
	if err := canon.Decode(token.Payload, &w); err != nil {
		return nil, requirementFor(err, "IDN-01")
	}
	c, err := w.credential()
	if err != nil {
		return nil, err
	}
	if did, _, _ := strings.Cut(token.Header.KeyID, "#"); did != c.Issuer {
		return nil, protocol.New(protocol.CodeClaimsConflict, "iss", "IDN-01", "the signing key is not the issuer's")
	}
	return &UnverifiedCredential{token: token, credential: c}, nil
}

// Credential returns a copy of the unverified claims.
func (u *UnverifiedCredential) Credential() Credential {
	c := u.credential
	c.Capabilities = slices.Clone(c.Capabilities)
	if c.Status != nil {
		status := *c.Status
		c.Status = &status
	}
	return c
}

// KeyID returns the DID URL of the key that the credential says signed it. Its
// DID is the issuer's.
func (u *UnverifiedCredential) KeyID() string { return u.token.Header.KeyID }

// Verify checks the signature by a key that the caller has found, under
// KeyID, to be for issuing identities at the time.
func (u *UnverifiedCredential) Verify(key keys.PublicKey) error {
	if key.Equal(u.credential.Holder) {
		return errOwnKey
	}
	return u.token.Verify(key)
}

// PayloadDigest returns the digest of the signed payload, byte by byte: what a
// [Possession] names.
func (u *UnverifiedCredential) PayloadDigest() canon.Digest { return canon.Sum(u.token.Payload) }

// Payload returns a copy of the signed payload.
func (u *UnverifiedCredential) Payload() []byte { return bytes.Clone(u.token.Payload) }

// The wire form.
type (
	wireCredential struct {
		Iss    string       `json:"iss"`
		Sub    string       `json:"sub"`
		Jti    string       `json:"jti"`
		Iat    int64        `json:"iat"`
		Nbf    int64        `json:"nbf"`
		Exp    int64        `json:"exp"`
		Cnf    wireHolder   `json:"cnf"`
		Status *wireStatus  `json:"status,omitzero"`
		VC     wireIdentity `json:"vc"`
	}
	wireHolder struct {
		JWK keys.PublicKey `json:"jwk"`
	}
	wireStatus struct {
		List wireEntry `json:"status_list"`
	}
	wireEntry struct {
		Index *int   `json:"idx"`
		URI   string `json:"uri"`
	}
	wireIdentity struct {
		Type    []string    `json:"type"`
		Subject wireSubject `json:"credentialSubject"`
	}
	wireSubject struct {
		AgentID      string    `json:"agent_id"`
		Provider     string    `json:"provider"`
		AgentType    AgentType `json:"agent_type"`
		Principal    string    `json:"principal,omitzero"`
		Capabilities []string  `json:"capabilities,omitzero"`
	}
)

// credential turns decoded claims into checked ones.
func (w wireCredential) credential() (Credential, error) {
	c := Credential{
		ID: w.Jti, Issuer: w.Iss, Agent: w.Sub, Provider: w.VC.Subject.Provider, Type: w.VC.Subject.AgentType,
		Principal: w.VC.Subject.Principal, Capabilities: w.VC.Subject.Capabilities,
		IssuedAt: numericDate(w.Iat), NotBefore: numericDate(w.Nbf), Expires: numericDate(w.Exp), Holder: w.Cnf.JWK,
	}
	if w.VC.Type == nil {
		return c, missingIn("vc.type", "IDN-01")
	}
	if w.VC.Subject.AgentID == "" {
		return c, missingIn("vc.credentialSubject.agent_id", "IDN-01")
	}
	if w.Status != nil {
		if w.Status.List.Index == nil {
			return c, missingIn("status.status_list.idx", "IDN-01")
		}
		c.Status = &StatusReference{Index: *w.Status.List.Index, URI: w.Status.List.URI}
	}
	if err := c.checkMembers(); err != nil {
		return c, err
	}
	switch {
	case !slices.Equal(w.VC.Type, credentialTypes):
		return c, protocol.New(protocol.CodeTypeMismatch, "vc.type", "IDN-01", "must be VerifiableCredential and ACTAgentIdentity")
	case w.VC.Subject.AgentID != c.Agent:
		return c, protocol.New(protocol.CodeClaimsConflict, "sub", "IDN-01", "not equal to agent_id")
	}
	return c, c.checkState()
}

// check applies all rules, in the codes' order of precedence.
func (c Credential) check() error {
	if err := c.checkMembers(); err != nil {
		return err
	}
	return c.checkState()
}

func (c Credential) checkMembers() error {
	const subject = "vc.credentialSubject."
	if err := present("IDN-01",
		named{"iss", c.Issuer != ""}, named{"sub", c.Agent != ""}, named{"jti", c.ID != ""},
		named{"iat", !c.IssuedAt.IsZero()}, named{"nbf", !c.NotBefore.IsZero()}, named{"exp", !c.Expires.IsZero()},
		named{"cnf.jwk", !c.Holder.IsZero()},
		named{subject + "provider", c.Provider != ""}, named{subject + "agent_type", c.Type != ""},
		named{subject + "principal", c.Type != Dedicated || c.Principal != ""},
		named{"status.status_list.uri", c.Status == nil || c.Status.URI != ""},
	); err != nil {
		return err
	}
	if err := allDIDs("IDN-01", [2]string{"iss", c.Issuer}, [2]string{"sub", c.Agent}, [2]string{subject + "provider", c.Provider}); err != nil {
		return err
	}
	if err := canon.CheckID(c.ID); err != nil {
		return requirementFor(protocol.In(err, "jti"), "IDN-01")
	}
	if err := wholeSeconds("IDN-01", map[string]time.Time{"iat": c.IssuedAt, "nbf": c.NotBefore, "exp": c.Expires}); err != nil {
		return err
	}
	if !c.IssuedAt.Before(c.Expires) || !c.NotBefore.Before(c.Expires) {
		return invalidIn("exp", "IDN-01", "must be after iat and nbf")
	}
	if err := c.checkPrincipal(); err != nil {
		return err
	}
	if err := checkCapabilities(c.Capabilities); err != nil {
		return err
	}
	if c.Status != nil && !c.Status.valid() {
		return invalidIn("status.status_list", "IDN-01", "an index of a status list, and an absolute https URI")
	}
	if did, _ := ParseDID(c.Issuer); did.Method() == MethodKey {
		return protocol.New(protocol.CodeKeyPurpose, "iss", "IDN-01", "did:key issues no identities")
	}
	return nil
}

// checkState is undetermined, so every other rule is asked first.
func (c Credential) checkState() error {
	born := c.NotBefore
	if c.IssuedAt.Before(born) {
		born = c.IssuedAt
	}
	if c.Status == nil && c.Expires.Sub(born) > maxUnlisted {
		return protocol.New(protocol.CodeStatusUnavailable, "status", "IDN-01", "needed by a credential of more than 15 minutes")
	}
	return nil
}

// checkPrincipal: a dedicated agent has its principal's pseudonym, a platform
// agent has none, and a pseudonym is not a name under which a document about
// the principal is published.
func (c Credential) checkPrincipal() error {
	const field = "vc.credentialSubject.principal"
	switch c.Type {
	case Platform:
		if c.Principal != "" {
			return invalidIn(field, "IDN-03", "a platform agent is bound to principals one by one")
		}
	case Dedicated:
		if canon.CheckID(c.Principal) != nil || strings.HasPrefix(c.Principal, "did:act:") || strings.HasPrefix(c.Principal, "did:web:") {
			return invalidIn(field, "IDN-03", "a pseudonym: 1 to 256 visible ASCII characters, and no did:act or did:web")
		}
	default:
		return invalidIn("vc.credentialSubject.agent_type", "IDN-01", "PLATFORM or DEDICATED")
	}
	return nil
}

func checkCapabilities(list []string) error {
	const field = "vc.credentialSubject.capabilities"
	if list != nil && len(list) == 0 {
		return invalidIn(field, "IDN-01", "left out when there are none")
	}
	if len(list) > MaxCapabilities {
		return protocol.New(protocol.CodeTooLarge, field, "IDN-01", "at most 64 capabilities")
	}
	for i, name := range list {
		if canon.CheckID(name) != nil || slices.Contains(list[:i], name) {
			return invalidIn(field, "IDN-01", "names of 1 to 256 visible ASCII characters, none twice")
		}
	}
	return nil
}

func (s *StatusReference) valid() bool {
	u, err := url.Parse(s.URI)
	return err == nil && 0 <= s.Index && s.Index <= maxStatusIndex && len(s.URI) <= 1024 &&
		u.Scheme == "https" && u.Host != "" && u.User == nil && u.Fragment == "" && u.Opaque == ""
}
