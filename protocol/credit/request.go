package credit

import (
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// The data items that an answer has a place for beyond what stands in every
// one. The first two travel together (TSD-CRD-MAP-02).
const (
	ItemValue          = "associatedCreditValue"
	ItemPolicy         = "mappingPolicy"
	ItemAssertionValid = "subjectCreditAssertionValid"
)

// The time window of requests (SPEC.md 1.6).
const (
	MaxAge  = 5 * time.Minute
	MaxSkew = time.Minute
)

// A VerificationRequest asks a verification service about an agent
// (TSD-CRD-VER-09). It is signed by the relying party, or, when it names a
// platform delegate, by that: the platform proves that it is the one that the
// subject has authorized, and vouches for the relying party (TSD-CRD-AUTH-05).
type VerificationRequest struct {
	RequestID           string                    `json:"requestId"`
	MessageVersion      string                    `json:"messageVersion"`
	RelyingPartyID      string                    `json:"relyingPartyId"`
	AgentID             string                    `json:"agentId"`
	Level               Level                     `json:"verificationLevel"`
	SubjectAssertionRef string                    `json:"subjectCreditAssertionRef,omitzero"` // needed at the second level
	AuthorizationID     string                    `json:"authorizationId,omitzero"`           // needed at the second level
	PlatformDelegateID  string                    `json:"platformDelegateId,omitzero"`
	Purpose             string                    `json:"purpose"`
	Context             map[string]jsontext.Value `json:"businessContext"` // 1 to 32 strings, numbers and booleans
	RequestedItems      []string                  `json:"requestedDataItems"`
	Credential          jsontext.Value            `json:"credential"` // a Reference or a whole credential
	RequestedAt         Time                      `json:"requestedAt"`
	AntiReplay          AntiReplay                `json:"antiReplay"`
	Proof               Proof                     `json:"requestProof"`
}

// A Reference names a credential. Its URI is the relying party's word and is
// never fetched.
type Reference struct {
	CredentialID string `json:"credentialId"`
	URI          string `json:"uri,omitzero"`
}

func (c *Reference) check(r *wire.Reader) {
	identifier(r, "credentialId", c.CredentialID)
	if c.URI != "" {
		r.WebURL("uri", c.URI)
	}
}

// ReferenceTo writes a reference for a request.
func ReferenceTo(credentialID string) (jsontext.Value, error) {
	return encode(&Reference{CredentialID: credentialID}, "TSD-CRD-VER-09")
}

// Sender is who must have signed.
func (q VerificationRequest) Sender() string {
	if q.PlatformDelegateID != "" {
		return q.PlatformDelegateID
	}
	return q.RelyingPartyID
}

// CredentialID is the id of the credential in question; embedded is the
// credential when the request carries it whole, of which nothing is verified.
func (q VerificationRequest) CredentialID() (id string, embedded *UnverifiedCredential, err error) {
	members, err := canon.Members(q.Credential)
	if err != nil {
		return "", nil, protocol.In(err, "credential")
	}
	if !slices.Contains(members, "credentialVersion") {
		var ref Reference
		err := decode(q.Credential, "TSD-CRD-VER-09", &ref)
		return ref.CredentialID, nil, protocol.In(err, "credential")
	}
	embedded, err = ParseCredential(q.Credential)
	if err != nil {
		return "", nil, protocol.In(err, "credential")
	}
	return embedded.c.CredentialID, embedded, nil
}

func (q *VerificationRequest) check(r *wire.Reader) {
	identifier(r, "requestId", q.RequestID)
	constant(r, "messageVersion", q.MessageVersion, Version)
	identifier(r, "relyingPartyId", q.RelyingPartyID)
	identifier(r, "agentId", q.AgentID)
	oneOf(r, "verificationLevel", q.Level, LevelCredential, LevelCredit)
	if q.SubjectAssertionRef != "" {
		reference(r, "subjectCreditAssertionRef", q.SubjectAssertionRef)
	}
	optionalIdentifier(r, "authorizationId", q.AuthorizationID)
	optionalIdentifier(r, "platformDelegateId", q.PlatformDelegateID)
	text(r, "purpose", q.Purpose, maxIdentifier)
	q.checkContext(r)
	set(r, "requestedDataItems", q.RequestedItems)
	if _, _, err := q.CredentialID(); err != nil {
		r.Fail("", err)
	}
	q.AntiReplay.check(r, "antiReplay")
	q.Proof.check(r, "requestProof")
	if q.Level == LevelCredit {
		r.Require("subjectCreditAssertionRef", q.SubjectAssertionRef)
		if slices.Contains(q.RequestedItems, ItemValue) && !slices.Contains(q.RequestedItems, ItemPolicy) {
			r.Fail("", protocol.New(protocol.CodeFieldInvalid, "requestedDataItems", "TSD-CRD-MAP-02", "a mapped value is asked for with its rule"))
		}
	}
}

func (q *VerificationRequest) checkContext(r *wire.Reader) {
	if n := len(q.Context); n < 1 || n > 32 {
		r.Invalid("businessContext", "1 to 32 members")
	}
	for _, v := range q.Context {
		if k := v.Kind(); k != '"' && k != '0' && k != 't' && k != 'f' {
			r.Invalid("businessContext", "strings, numbers and booleans only")
		}
	}
}

// A Request that has come in: its form is right, nothing else is known.
type Request = Unverified[VerificationRequest]

// ParseRequest reads a request in the official form.
func ParseRequest(data []byte) (*Request, error) {
	u, err := ReadRequest(data)
	if err == nil && u.message.Level == LevelCredit && u.message.AuthorizationID == "" {
		return nil, protocol.New(protocol.CodeFieldMissing, "authorizationId", "TSD-CRD-VER-09", "")
	}
	return u, err
}

// ReadRequest is ParseRequest for verification services: a second-level request
// without authorizationId is read too, so that it can be answered with
// AUTHORIZATION_REQUIRED once it is known who asks, and the subject be told.
func ReadRequest(data []byte) (*Request, error) {
	return open(data, "requestProof", "TSD-CRD-VER-09", func(q VerificationRequest) (string, *Proof) { return q.Sender(), &q.Proof })
}

// Sign checks a request and signs it by a key of its sender. It lets a
// second-level request without authorizationId pass, which is how a relying
// party has the subject asked (TSD-CRD-AUTH-04).
func (q VerificationRequest) Sign(s *keys.Signer) ([]byte, error) {
	return seal(s, q.Sender(), "requestProof", "TSD-CRD-VER-09", &q, &q.Proof)
}

// ContentDigest is the same for two requests that ask for the same: it leaves
// out when and by which nonce and proof it was sent, and the authorization,
// which may be given in answer to the first.
func ContentDigest(u *Request) (canon.Digest, error) {
	content, err := canon.Without(u.raw, "requestedAt", "antiReplay", "requestProof", "authorizationId")
	return canon.Sum(content), err
}

// Named is what can be learned of a text that is no request: the two names that
// an answer repeats. Where there is none, or none of the right form, it is
// Unreadable.
func Named(data []byte) (requestID, agentID string) {
	var names struct {
		RequestID jsontext.Value `json:"requestId,omitzero"`
		AgentID   jsontext.Value `json:"agentId,omitzero"`
	}
	if canon.DecodeOpen(data, &names) != nil {
		return Unreadable, Unreadable
	}
	return named(names.RequestID), named(names.AgentID)
}

// Unreadable stands in an answer for a name that could not be read.
const Unreadable = "urn:act:unreadable"

func named(v jsontext.Value) string {
	var s string
	r := wire.Reader{}
	if v.Kind() != '"' || canon.Decode(v, &s) != nil {
		return Unreadable
	}
	if identifier(&r, "", s); r.Err() != nil {
		return Unreadable
	}
	return s
}
