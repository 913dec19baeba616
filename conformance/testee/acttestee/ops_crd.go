package main

import (
	"context"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/conformance/testee"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/credit"
	"github.com/actprotocol/act-go/protocol/keys"
)

// crdOperations are about credit association.
func crdOperations() map[string]testee.Operation {
	return map[string]testee.Operation{
		"credit.verify":          testee.Of(verifyCredit),
		"credit.response.verify": testee.Of(verifyCreditResponse),
		"credit.lifecycle":       testee.Of(moveCredit),
		"credit.confirm":         testee.Of(confirmCredit),
		"credit.issue":           testee.Of(issueCredit),
		"credit.map":             testee.Of(mapCredit),
		"credit.read":            testee.Of(readCredit),
	}
}

// A creditQuestion is a verification with all that the service knows. What it
// does not know is empty.
type creditQuestion struct {
	Request    string                    `json:"request"`
	Documents  documents                 `json:"documents"`
	IssuerKeys map[string]jsontext.Value `json:"issuer_keys"`
	Agents     []string                  `json:"agents"`
	Silent     []string                  `json:"unreachable"`
	Services   []string                  `json:"services"`
	Policies   []credit.MappingPolicy    `json:"policies"`
	Earlier    []struct {
		Request string `json:"request"`
		Passed  bool   `json:"passed"`
	} `json:"earlier"`

	Credential string        `json:"credential"`
	Pending    bool          `json:"pending"`
	Status     string        `json:"status"`
	Demands    credit.Method `json:"demands"`

	Authorization string          `json:"authorization"`
	Served        []time.Time     `json:"served"`
	Subject       string          `json:"subject_assertion"`
	Agent         string          `json:"agent_assertion"`
	Standing      credit.Standing `json:"standing"`

	now time.Time
}

// key is the key of a party for credit, at a time.
func (c *creditQuestion) key(keyID string, at time.Time) credit.KeyFact {
	key, err := c.Documents.keys().Key(context.Background(), keyID, keys.Credit, at)
	return credit.KeyFact{Key: key, Err: err}
}

// verifyCredit is credit.verify: the steps in the order of SPEC.md 11.3.
func verifyCredit(clock time.Time, in creditQuestion) (any, error) {
	in.now = clock
	u, err := credit.ReadRequest([]byte(in.Request))
	if err != nil {
		return creditOutput(credit.Verdict{Reason: credit.FormReason(err)}, nil), nil
	}
	v := credit.JudgeRequest(u, in.key(u.KeyID(), clock), clock)
	if v.Passed() && in.seen(u) {
		v.Reason = credit.ReasonReplay
	}
	if !v.Passed() {
		return creditOutput(v, nil), nil
	}
	return in.judge(u.Message())
}

// judge takes the steps of both levels.
func (c *creditQuestion) judge(q credit.VerificationRequest) (any, error) {
	facts, err := c.facts(q)
	if err != nil {
		return nil, errEarlier{err}
	}
	v := credit.JudgeCredential(q, facts, c.now)
	if !v.Passed() || q.Level != credit.LevelCredit {
		return creditOutput(v, nil), nil
	}
	credential := facts.Credential.Credential()
	var leave *credit.QueryAuthorization
	if c.Authorization != "" {
		u, err := credit.ParseQueryAuthorization([]byte(c.Authorization))
		if err != nil {
			return nil, errEarlier{err}
		}
		if key := c.key(u.KeyID(), c.now); key.Err != nil || u.Verify(key.Key) != nil {
			return nil, testee.Skip("an authorization that the subject has not signed is not taken in")
		}
		m := u.Message()
		leave = &m
	}
	v.And(credit.JudgeAuthorization(q, credential, leave, c.Served, c.now))
	if !v.Passed() {
		return creditOutput(v, nil), nil
	}
	v.And(credit.JudgeCredit(credential, c.credit(credential), c.now))
	if !v.Passed() {
		return creditOutput(v, nil), nil
	}
	told := credit.Disclose(q, *leave, credential.Mapped())
	return creditOutput(v, &told), nil
}

// seen reports whether an earlier request of the same sender, whose proof held,
// makes this one a replay.
func (c *creditQuestion) seen(u *credit.Request) bool {
	q := u.Message()
	digest, err := credit.ContentDigest(u)
	if err != nil {
		return true
	}
	for _, e := range c.Earlier {
		before, err := credit.ReadRequest([]byte(e.Request))
		if err != nil || before.Message().Sender() != q.Sender() {
			continue
		}
		if v := credit.JudgeRequest(before, c.key(before.KeyID(), c.now), c.now); !v.Passed() {
			continue
		}
		used := before.Message().AntiReplay.Elements()
		if slices.ContainsFunc(q.AntiReplay.Elements(), func(s string) bool { return slices.Contains(used, s) }) {
			return true
		}
		other, err := credit.ContentDigest(before)
		if before.Message().RequestID == q.RequestID && (e.Passed || err != nil || other != digest) {
			return true
		}
	}
	return false
}

// facts are those of the first level.
func (c *creditQuestion) facts(q credit.VerificationRequest) (credit.CredentialFacts, error) {
	f := credit.CredentialFacts{Pending: c.Pending, Demands: c.Demands}
	switch {
	case slices.Contains(c.Silent, q.AgentID):
		f.Agent = protocol.New(protocol.CodeKeyUnavailable, "agentId", "TSD-CRD-VER-01", "")
	case !slices.Contains(c.Agents, q.AgentID):
		f.Agent = protocol.New(protocol.CodeAgentMismatch, "agentId", "TSD-CRD-VER-01", "")
	}
	_, embedded, err := q.CredentialID()
	if err != nil || c.Credential == "" {
		return f, err
	}
	if f.Credential = embedded; f.Credential == nil {
		if f.Credential, err = credit.ParseCredential([]byte(c.Credential)); err != nil {
			return f, err
		}
	}
	credential := f.Credential.Credential()
	f.Issuer = c.issuer(credential.IssuerID)
	if key := credential.SubjectPublicKey; key != nil {
		f.Subject = c.key(key.KeyID, credential.IssuedAt.Time())
	}
	if c.Status != "" {
		f.Status, f.StatusErr = credit.ParseStatus([]byte(c.Status), credential.IssuerID)
	}
	return f, nil
}

// issuer is the key of an issuer that is trusted.
func (c *creditQuestion) issuer(id string) credit.KeyFact {
	jwk, trusted := c.IssuerKeys[id]
	switch {
	case !trusted:
		return credit.KeyFact{Err: protocol.New(protocol.CodeIssuerUntrusted, "issuerId", "TSD-CRD-VER-01", "")}
	case slices.Contains(c.Silent, id):
		return credit.KeyFact{Err: protocol.New(protocol.CodeKeyUnavailable, "issuerId", "TSD-CRD-VER-01", "")}
	}
	key, err := keys.ParseJWK(jwk)
	return credit.KeyFact{Key: key, Err: err}
}

// credit are the facts of the second level.
func (c *creditQuestion) credit(credential credit.Credential) credit.CreditFacts {
	f := credit.CreditFacts{Standing: c.Standing, PolicySupported: slices.Contains(c.Policies, credential.Policy), Services: c.Services}
	if c.Subject == "" {
		return f
	}
	var err error
	if f.Subject, err = credit.ParseSubjectAssertion([]byte(c.Subject)); err != nil {
		return credit.CreditFacts{Unavailable: err}
	}
	if c.Agent != "" {
		if f.Agent, err = credit.ParseAgentAssertion([]byte(c.Agent)); err != nil {
			f.Agent = nil
		}
	}
	if f.Subject.KeyID() == "" {
		f.Key.Err = protocol.New(protocol.CodeKeyUnknown, "assertionProof", "TSD-CRD-VER-07", "")
	} else {
		f.Key = c.key(f.Subject.KeyID(), c.now)
	}
	return f
}

// creditOutput says what a verification came to.
func creditOutput(v credit.Verdict, told *credit.Disclosed) any {
	out := map[string]any{
		"result": string(v.Reason.Result()), "reason": string(v.Reason), "completed_level": string(credit.LevelCredential), "disclosed": struct{}{},
	}
	if told != nil {
		out["completed_level"], out["disclosed"] = string(credit.LevelCredit), told
	}
	return out
}
