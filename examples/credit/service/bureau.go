package service

import (
	"context"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/credit"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

// A Grant is what an agent gets for one grade of its owner: another grade, and
// a ceiling of its own, which has nothing to do with the owner's limits
// (TSD-CRD-MAP-03).
type Grant struct {
	Level   string
	Ceiling money.Amount
}

// GradeRule maps the member "grade" of a subject's credit by a table. A grade
// that it does not have lends nothing, and neither does one without a ceiling.
func GradeRule(id, version string, grants map[string]Grant) credit.Rule {
	return credit.Rule{
		Policy: credit.MappingPolicy{ID: id, Version: version},
		Map: func(payload jsontext.Value) (jsontext.Value, error) {
			var of struct {
				Grade string `json:"grade"`
			}
			if err := canon.DecodeOpen(payload, &of); err != nil {
				return nil, err
			}
			g, ok := grants[of.Grade]
			if !ok || !g.Ceiling.Valid() {
				return nil, protocol.New(protocol.CodePolicyRefused, "grade", "TSD-CRD-MAP-03", "this credit lends nothing")
			}
			return canon.Marshal(map[string]any{
				"level": g.Level, "ceiling": map[string]string{"amount": g.Ceiling.String(), "currency": g.Ceiling.Currency().Code()},
			})
		},
	}
}

// A MemoryBureau is a credit service for demonstrations and tests: what it says
// of whom is set by hand, what it signs is real. It may be used by several
// goroutines.
type MemoryBureau struct {
	signer *keys.Signer
	life   time.Duration
	now    func() time.Time

	mu       sync.Mutex
	rule     credit.Rule
	retired  map[credit.MappingPolicy]bool
	subjects map[string]*rated // by subject
	agents   map[string][]byte // agent's assertion by credential
	applied  map[credit.MappingPolicy]bool
	down     error
	queries  int
}

// rated is what is said of one subject: all of it, the last being current.
type rated struct {
	refs     []string
	texts    [][]byte
	standing map[string]credit.Standing
}

// NewMemoryBureau makes a bureau whose assertions live for life.
func NewMemoryBureau(signer *keys.Signer, rule credit.Rule, life time.Duration, now func() time.Time) *MemoryBureau {
	return &MemoryBureau{
		signer: signer, life: life, now: now, rule: rule, retired: map[credit.MappingPolicy]bool{}, subjects: map[string]*rated{},
		agents: map[string][]byte{}, applied: map[credit.MappingPolicy]bool{rule.Policy: true},
	}
}

// ID implements Bureau.
func (b *MemoryBureau) ID() string { return b.signer.DID() }

// Rate says something of a subject; what was said before is replaced.
func (b *MemoryBureau) Rate(subject string, payload jsontext.Value) error {
	now := b.now()
	id := newID("subject-credit")
	text, err := credit.SubjectAssertion{
		AssertionID: id, AssertionVersion: "1.0", CreditServiceID: b.ID(), SubjectID: subject,
		IssuedAt: credit.At(now), ValidFrom: credit.At(now), ExpiresAt: credit.At(now.Add(b.life)), Payload: payload,
	}.Sign(b.signer)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.subjects[subject]
	if s == nil {
		s = &rated{standing: map[string]credit.Standing{}}
		b.subjects[subject] = s
	}
	if n := len(s.refs); n > 0 {
		s.standing[s.refs[n-1]] = credit.Replaced
	}
	ref := "urn:act:credit-assertion:" + id
	s.refs, s.texts = append(s.refs, ref), append(s.texts, text)
	s.standing[ref] = credit.Current
	return nil
}

// Stand says how what was last said of a subject stands.
func (b *MemoryBureau) Stand(subject string, standing credit.Standing) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.subjects[subject]; s != nil {
		s.standing[s.refs[len(s.refs)-1]] = standing
	}
}

// Use maps by another rule from now on; values of the old one stay good until
// it is retired.
func (b *MemoryBureau) Use(rule credit.Rule) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.applied[rule.Policy] {
		return protocol.New(protocol.CodeRequestConflict, "mappingPolicy", "TSD-CRD-MAP-04", "a changed rule gets a new version")
	}
	b.rule, b.applied[rule.Policy] = rule, true
	return nil
}

// Retire ends a rule in one version.
func (b *MemoryBureau) Retire(policy credit.MappingPolicy) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.retired[policy] = true
}

// Down makes the bureau fail with err until it is nil.
func (b *MemoryBureau) Down(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = err
}

// Queries is how often it was asked about credit.
func (b *MemoryBureau) Queries() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.queries
}

// Map implements Bureau.
func (b *MemoryBureau) Map(_ context.Context, app credit.Application, credentialID string) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down != nil {
		return nil, b.down
	}
	s := b.subjects[app.SubjectID]
	if s == nil {
		return nil, protocol.New(protocol.CodePolicyRefused, "subjectId", "TSD-CRD-MAP-02", "nothing is known of this subject")
	}
	last := len(s.refs) - 1
	u, err := credit.ParseSubjectAssertion(s.texts[last])
	if err != nil {
		return nil, err
	}
	if s.standing[s.refs[last]] != credit.Current {
		return nil, protocol.New(protocol.CodeStateConflict, "subjectCreditAssertionRef", "TSD-CRD-MAP-02", "not current")
	}
	a, err := b.rule.Apply(app, u.Message(), s.refs[last], credentialID, newID("agent-credit"), b.now())
	if err != nil {
		return nil, err
	}
	text, err := a.Sign(b.signer)
	if err != nil {
		return nil, err
	}
	b.agents[credentialID] = text
	return text, nil
}

// Look implements Bureau.
func (b *MemoryBureau) Look(_ context.Context, c credit.Credential) (Look, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queries++
	if b.down != nil {
		return Look{}, b.down
	}
	s := b.subjects[c.SubjectID]
	if s == nil {
		return Look{}, protocol.New(protocol.CodeServiceUnavailable, "", "TSD-CRD-VER-07", "not known")
	}
	for i, ref := range s.refs {
		if ref == c.SubjectAssertionRef {
			return Look{Subject: s.texts[i], Standing: s.standing[ref], Agent: b.agents[c.CredentialID], PolicySupported: !b.retired[c.Policy] && b.applied[c.Policy]}, nil
		}
	}
	return Look{}, protocol.New(protocol.CodeServiceUnavailable, "", "TSD-CRD-VER-07", "not known")
}
