package service

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/credit"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

// A Bureau is the credit service behind: it knows what subjects are worth, and
// maps it. Its answers are signed, and believed no further.
type Bureau interface {
	// ID is the identifier under which it signs and asks for moves.
	ID() string
	// Map says what holds for the agent of an application that the subject is
	// known to have made: a signed credit.AgentAssertion that names credentialID
	// and is usable until the next call for it (TSD-CRD-ASC-07).
	Map(ctx context.Context, app credit.Application, credentialID string) ([]byte, error)
	// Look tells how things stand now. It is asked only with leave of the
	// subject.
	Look(ctx context.Context, c credit.Credential) (Look, error)
}

// A Look is a bureau's answer about one credential.
type Look struct {
	Subject         []byte // signed credit.SubjectAssertion
	Standing        credit.Standing
	Agent           []byte // signed credit.AgentAssertion
	PolicySupported bool   // the credential's rule in its version
}

// Config is what a Service needs. Ask and Demands may be nil.
type Config struct {
	Signer *keys.Signer       // purpose credit; its DID is the issuer and verification service
	Origin string             // https origin under which the service is reached
	Bureau Bureau             //
	Keys   verifier.KeySource // credit keys of everybody
	Store  Store
	Now    func() time.Time

	// Login says who sends a request, by the session it belongs to.
	Login func(*http.Request) (party string, err error)
	// Evidence checks that the applicant's evidence fits the role, and returns
	// the reference that does (TSD-CRD-ASC-01).
	Evidence func(ctx context.Context, app credit.Application) (ref string, err error)
	// Agent returns nil when the agent's identity can be resolved.
	Agent func(ctx context.Context, agentID string) error
	// Ask tells the subject that somebody wants leave for this request
	// (TSD-CRD-AUTH-04). It must not block.
	Ask func(subject string, q credit.VerificationRequest)
	// Demands is the confirmation that the business of a request asks for.
	Demands func(q credit.VerificationRequest) credit.Method
	// Scope judges scopes; nil is credit.NamedScope.
	Scope credit.ScopeRule
}

// A Service may be used by several goroutines.
type Service struct{ Config }

// New checks a configuration.
func New(c Config) (*Service, error) {
	origin, err := url.Parse(c.Origin)
	missing := ""
	switch {
	case c.Signer == nil || c.Signer.Purpose() != keys.Credit || c.Signer.Public().Algorithm() != keys.EdDSA:
		missing = "signer"
	case c.Bureau == nil:
		missing = "bureau"
	case err != nil || origin.Scheme != "https" || origin.Host == "":
		missing = "origin"
	case c.Keys == nil || c.Store == nil || c.Now == nil || c.Login == nil || c.Evidence == nil || c.Agent == nil:
		missing = "keys, store, now, login, evidence or agent"
	}
	if missing != "" {
		return nil, protocol.New(protocol.CodeFieldMissing, missing, "TSD-CRD-ASC-01", "")
	}
	return &Service{c}, nil
}

// ID is the identifier of the issuer and verification service.
func (s *Service) ID() string { return s.Signer.DID() }

// An association is one credential, from its application on.
type association struct {
	Application  credit.Application `json:"application"`
	CredentialID string             `json:"credentialId"`
	EvidenceRef  string             `json:"evidenceRef"`
	PreviousRef  string             `json:"previousRef,omitzero"` // what this one is to replace
	States       []credit.Lifecycle `json:"states"`               // all of them, the present one last (TSD-CRD-LCM-06)
	Assertion    jsontext.Value     `json:"assertion,omitzero"`   // the bureau's, on which the draft rests
	DraftedAt    time.Time          `json:"draftedAt,omitzero"`
	Credential   jsontext.Value     `json:"credential,omitzero"` // once issued
}

// state is where the association stands at now.
func (a *association) state(now time.Time) credit.Lifecycle {
	return a.States[len(a.States)-1].Settle(a.Application.ExpiresAt.Time(), now)
}

// settle writes down what the clock has done meanwhile.
func (a *association) settle(now time.Time) {
	if l := a.state(now); l.Version != a.States[len(a.States)-1].Version {
		a.States = append(a.States, l)
	}
}

func (a *association) move(to credit.Status, by credit.Actor, reason string, now time.Time) error {
	a.settle(now)
	l, err := a.state(now).Move(to, by, reason, now)
	if err == nil {
		a.States = append(a.States, l)
	}
	return err
}

var large = canon.Limits{MaxBytes: 4 << 20}

func load[T any](tx Tx, kind Kind, id string) (*T, error) {
	doc, err := tx.Get(kind, id)
	if err != nil || doc == nil {
		return nil, err
	}
	v := new(T)
	return v, large.Decode(doc, v)
}

func save(tx Tx, kind Kind, id string, v any) error {
	doc, err := canon.Marshal(v)
	if err != nil {
		return err
	}
	return tx.Put(kind, id, doc)
}

// unknown is the answer about what is not there, or not to be seen.
func unknown(field string) error {
	return protocol.New(protocol.CodeNoMatch, field, "TSD-CRD-ASC-05", "")
}

func newID(kind string) string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return kind + "-" + hex.EncodeToString(b[:])
}

func (s *Service) statusURI(credentialID string) string {
	return strings.TrimSuffix(s.Origin, "/") + "/v1/association-credentials/" + url.PathEscape(credentialID) + "/status"
}

// key resolves a credit key. A name that is none of the party's is nobody's.
func (s *Service) key(ctx context.Context, party, keyID string, at time.Time) credit.KeyFact {
	if did, _, found := strings.Cut(keyID, "#"); !found || did != party {
		return credit.KeyFact{Err: protocol.New(protocol.CodeKeyUnknown, "keyId", "TSD-CRD-VER-01", "not a key of the sender")}
	}
	key, err := s.Keys.Key(ctx, keyID, keys.Credit, at)
	return credit.KeyFact{Key: key, Err: err}
}

// nonceLife is how long used-up replay elements are kept: age and skew on
// either side (SPEC.md 1.6).
const nonceLife = 7 * time.Minute

// useUp records replay elements of one sender and one kind of message; one that
// was used before is replayed, and then nothing is recorded.
func useUp(tx Tx, sender, what string, a credit.AntiReplay, now time.Time) error {
	if err := tx.Forget(kindReplay, now.Unix()); err != nil {
		return err
	}
	for _, element := range a.Elements() {
		id := string(canon.Sum([]byte(sender + "\n" + what + "\n" + element)))
		if used, err := tx.Get(kindReplay, id); err != nil {
			return err
		} else if used != nil {
			return protocol.New(protocol.CodeReplayed, "antiReplay", "TSD-CRD-VER-05", "")
		}
		if err := tx.PutUntil(kindReplay, id, []byte("1"), now.Add(nonceLife).Unix()); err != nil {
			return err
		}
	}
	return nil
}

// accept judges a signed command of a party: time, key, signature; and uses its
// replay elements up, whether or not it is carried out then.
func accept[T any](ctx context.Context, s *Service, u *credit.Unverified[T], what string, at credit.Time, replay credit.AntiReplay) error {
	now := s.Now()
	if !credit.Fresh(at, now) {
		return protocol.New(protocol.CodeRequestExpired, "requestedAt", "TSD-CRD-VER-05", "")
	}
	key := s.key(ctx, u.Party(), u.KeyID(), now)
	if key.Err != nil {
		return key.Err
	}
	if err := u.Verify(key.Key); err != nil {
		return err
	}
	return s.Store.Do(ctx, func(tx Tx) error { return useUp(tx, u.Party(), what, replay, now) })
}
