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

// An Answer is what stands in every response (TSD-CRD-VER-10). None of it says
// anything about credit.
type Answer struct {
	RequestID      string       `json:"requestId"`
	RecordID       string       `json:"verificationRecordId"`
	AgentID        string       `json:"agentId"`
	CompletedLevel Level        `json:"completedLevel"`
	Result         Result       `json:"result"`
	Reason         Reason       `json:"reasonCode"`
	Status         Status       `json:"credentialStatus"` // PENDING where nothing is known to be in effect
	Scope          []string     `json:"scope"`
	GeneratedAt    Time         `json:"generatedAt"`
	ExpiresAt      Time         `json:"expiresAt"` // to be asked again from then on
	StatusQuery    *StatusQuery `json:"statusQuery,omitzero"`
	PurposeLimited bool         `json:"purposeLimited"` // always true
}

// NoScope is the scope of an answer that may be used for nothing.
const NoScope = "none"

func (a *Answer) check(r *wire.Reader) {
	identifier(r, "requestId", a.RequestID)
	identifier(r, "verificationRecordId", a.RecordID)
	identifier(r, "agentId", a.AgentID)
	oneOf(r, "completedLevel", a.CompletedLevel, LevelCredential, LevelCredit)
	oneOf(r, "result", a.Result, ResultPass, ResultFail, ResultInconclusive, ResultReview)
	oneOf(r, "reasonCode", a.Reason, Reasons()...)
	oneOf(r, "credentialStatus", a.Status, Pending, Active, Suspended, Revoked, Expired)
	set(r, "scope", a.Scope)
	if a.StatusQuery != nil {
		a.StatusQuery.check(r)
	}
	if !a.PurposeLimited {
		r.Invalid("purposeLimited", "must be true")
	}
	if a.Reason.Known() && a.Result != a.Reason.Result() {
		r.Fail("", protocol.New(protocol.CodeClaimsConflict, "result", "TSD-CRD-VER-03", "not the result of this reason code"))
	}
	if a.Result == ResultPass && a.Status != Active {
		r.Fail("", protocol.New(protocol.CodeClaimsConflict, "credentialStatus", "TSD-CRD-VER-01", "only an active credential passes"))
	}
}

// A CredentialResponse is the answer of the first level, and of everything that
// did not pass the second. It has no member for any credit value
// (TSD-CRD-VER-04).
type CredentialResponse struct {
	Answer
	Proof Proof `json:"responseProof"`
}

func (c *CredentialResponse) check(r *wire.Reader) {
	c.Answer.check(r)
	if c.CompletedLevel == LevelCredit {
		r.Invalid("completedLevel", "only a pass with its credit completes the second level")
	}
	c.Proof.check(r, "responseProof")
}

// Disclosed is what a passed second level tells beyond the answer: of the
// authorized items those that were asked for.
type Disclosed struct {
	Source         string         `json:"creditSource,omitzero"` // with the value
	Value          jsontext.Value `json:"associatedCreditValue,omitzero"`
	AssertionValid *bool          `json:"subjectCreditAssertionValid,omitzero"`
	Policy         *MappingPolicy `json:"mappingPolicy,omitzero"`
}

func (d *Disclosed) check(r *wire.Reader) {
	if d.Source != "" {
		constant(r, "creditSource", d.Source, Source)
	}
	if d.Policy != nil {
		d.Policy.check(r, "mappingPolicy")
	}
	if len(d.Value) > 0 {
		mappedValue(r, "associatedCreditValue", &d.Value)
		r.Require("creditSource", d.Source)
		if d.Policy == nil {
			r.Require("mappingPolicy", "")
		}
	}
	if d.AssertionValid != nil && !*d.AssertionValid {
		r.Invalid("subjectCreditAssertionValid", "a pass rests on a valid assertion")
	}
}

// A CreditResponse is the answer of a passed second level.
type CreditResponse struct {
	Answer
	Disclosed
	Proof Proof `json:"responseProof"`
}

func (c *CreditResponse) check(r *wire.Reader) {
	c.Answer.check(r)
	c.Disclosed.check(r)
	if c.CompletedLevel != LevelCredit || c.Result != ResultPass {
		r.Fail("", protocol.New(protocol.CodeClaimsConflict, "completedLevel", "TSD-CRD-VER-04", "only a passed second level tells of credit"))
	}
	c.Proof.check(r, "responseProof")
}

// Disclose picks what may be told (TSD-CRD-VER-02): an item that was asked for
// and is authorized. The mapped value goes with its source and rule, or not at
// all; the third element, the reference, was named by who asks.
func Disclose(q VerificationRequest, a QueryAuthorization, m Mapped) Disclosed {
	tell := func(item string) bool {
		return slices.Contains(q.RequestedItems, item) && slices.Contains(a.AllowedItems, item)
	}
	var d Disclosed
	if tell(ItemPolicy) {
		policy := m.Policy
		d.Policy = &policy
	}
	if tell(ItemValue) && d.Policy != nil {
		d.Source, d.Value = Source, slices.Clone(m.Value)
	}
	if tell(ItemAssertionValid) {
		valid := true
		d.AssertionValid = &valid
	}
	return d
}

// Sign checks the answer and signs it by a key of the verification service.
func (c CredentialResponse) Sign(s *keys.Signer) ([]byte, error) {
	return sealResponse(s, &c, &c.Proof)
}

// Sign checks the answer and signs it by a key of the verification service.
func (c CreditResponse) Sign(s *keys.Signer) ([]byte, error) { return sealResponse(s, &c, &c.Proof) }

func sealResponse[T any, P bodyOf[T]](s *keys.Signer, v P, proof *Proof) ([]byte, error) {
	if s == nil {
		return nil, protocol.New(protocol.CodeFieldMissing, "signer", "TSD-CRD-VER-10", "")
	}
	return seal(s, s.DID(), "responseProof", "TSD-CRD-VER-10", v, proof)
}

// A Response that has come in: its form is right, nothing else is known.
type Response struct {
	answer    Answer
	disclosed *Disclosed
	verify    func(keys.PublicKey) error
	keyID     string
}

// ParseResponse reads an answer of either level, which verifier must have
// signed.
func ParseResponse(data []byte, verifier string) (*Response, error) {
	var level struct {
		Completed Level `json:"completedLevel,omitzero"`
	}
	// A text that has no level, or is no object, is refused as an answer of the
	// first.
	if canon.DecodeOpen(data, &level) == nil && level.Completed == LevelCredit {
		u, err := open(data, "responseProof", "TSD-CRD-VER-10", func(c CreditResponse) (string, *Proof) { return verifier, &c.Proof })
		if err != nil {
			return nil, err
		}
		return &Response{answer: u.message.Answer, disclosed: &u.message.Disclosed, verify: u.Verify, keyID: u.KeyID()}, nil
	}
	u, err := open(data, "responseProof", "TSD-CRD-VER-10", func(c CredentialResponse) (string, *Proof) { return verifier, &c.Proof })
	if err != nil {
		return nil, err
	}
	return &Response{answer: u.message.Answer, verify: u.Verify, keyID: u.KeyID()}, nil
}

// KeyID names the key that is said to have signed.
func (r *Response) KeyID() string { return r.keyID }

// A RiskReference is a verified answer: something to think about, and nothing
// more. It is no mandate and no decision, widens no boundary of an IAC, and
// replaces no payment authorization, account check, fraud or money-laundering
// control (TSD-CRD-VER-06); nothing in this library takes one. It is for the
// purpose of the request only, and until Answer.ExpiresAt. The zero value has
// not passed.
type RiskReference struct {
	answer    Answer
	disclosed Disclosed
	purpose   string
}

// Reference verifies an answer to q: the signature by key, which must be the
// verification service's key of the name [Response.KeyID]; that it answers this
// request, about this agent, at a level that was asked for and with no item
// that was not; that it was made at most a minute ahead of now, and holds at
// now.
func (r *Response) Reference(key keys.PublicKey, q VerificationRequest, now time.Time) (RiskReference, error) {
	if err := r.verify(key); err != nil {
		return RiskReference{}, err
	}
	a := r.answer
	switch {
	case a.RequestID != q.RequestID:
		return RiskReference{}, protocol.New(protocol.CodeClaimsConflict, "requestId", "TSD-CRD-VER-10", "")
	case a.AgentID != q.AgentID:
		return RiskReference{}, protocol.New(protocol.CodeAgentMismatch, "agentId", "TSD-CRD-VER-10", "")
	case a.Result == ResultPass && a.CompletedLevel != q.Level: // what tells of credit is a pass
		return RiskReference{}, protocol.New(protocol.CodeClaimsConflict, "completedLevel", "TSD-CRD-VER-04", "not the level that was asked for")
	case a.GeneratedAt.t.After(now.Add(MaxSkew)), !now.Before(a.ExpiresAt.t):
		return RiskReference{}, protocol.New(protocol.CodeRequestExpired, "expiresAt", "TSD-CRD-VER-10", "the answer is to be asked for again")
	}
	ref := RiskReference{answer: a, purpose: q.Purpose}
	if r.disclosed != nil {
		ref.disclosed = *r.disclosed
		for item, told := range map[string]bool{
			ItemValue: len(ref.disclosed.Value) > 0, ItemPolicy: ref.disclosed.Policy != nil, ItemAssertionValid: ref.disclosed.AssertionValid != nil,
		} {
			if told && !slices.Contains(q.RequestedItems, item) {
				return RiskReference{}, protocol.New(protocol.CodeClaimsConflict, item, "TSD-CRD-VER-04", "not asked for")
			}
		}
	}
	return ref, nil
}

// Answer is what every answer says.
func (r RiskReference) Answer() Answer { return r.answer }

// Purpose is the one purpose that the answer may be used for
// (TSD-CRD-AUTH-06).
func (r RiskReference) Purpose() string { return r.purpose }

// Passed reports whether the answer is PASS at this level.
func (r RiskReference) Passed(level Level) bool {
	return r.answer.Result == ResultPass && (r.answer.CompletedLevel == level || r.answer.CompletedLevel == LevelCredit && level == LevelCredential)
}

// Disclosed is what a passed second level has told, else nothing.
func (r RiskReference) Disclosed() Disclosed { return r.disclosed }
