package service

import (
	"context"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/credit"
)

// How long answers hold at most: a pass, and everything else.
const (
	passLife  = 5 * time.Minute
	otherLife = time.Minute
)

// A Record is what is kept of a verification whose request proved its sender
// (TSD-CRD-VER-07): the answer as it was given, the request's digest and the
// steps. It never changes, whatever becomes of the credential
// (TSD-CRD-LCM-06).
type Record struct {
	Response      jsontext.Value   `json:"response"`
	RequestDigest canon.Digest     `json:"requestDigest"`
	Sender        string           `json:"sender"`
	CredentialID  string           `json:"credentialId"`
	Checks        []protocol.Check `json:"checks"`
}

// Record returns a verification record to the party that sent the request, and
// the state of the credential now: a later revocation shows.
func (s *Service) Record(ctx context.Context, party, id string) (r *Record, now credit.Status, err error) {
	err = s.Store.Do(ctx, func(tx Tx) error {
		if r, err = load[Record](tx, kindRecord, id); err != nil {
			return err
		}
		if r == nil || r.Sender != party {
			return unknown("verificationRecordId")
		}
		a, err := load[association](tx, kindAssociation, r.CredentialID)
		if err == nil && a != nil {
			now = a.state(s.Now()).Status
		}
		return err
	})
	return r, now, err
}

// asked is one verification on its way.
type asked struct {
	s       *Service
	request *credit.Request
	q       credit.VerificationRequest
	digest  canon.Digest
	now     time.Time

	embedded *credit.UnverifiedCredential
	id       string // of the credential
	agent    error
	subject  credit.KeyFact
	look     *credit.CreditFacts // once it was allowed
}

// Verify answers a verification request (TSD-CRD-VER-01 to -10). There is a
// signed answer to everything; the error is for a signing key that cannot be
// used.
func (s *Service) Verify(ctx context.Context, body []byte) ([]byte, error) {
	now := s.Now()
	u, err := credit.ReadRequest(body)
	if err != nil {
		requestID, agentID := credit.Named(body)
		return s.answer(credit.VerificationRequest{RequestID: requestID, AgentID: agentID}, newID("record"), credit.FormReason(err), now)
	}
	q := u.Message()
	a := &asked{s: s, request: u, q: q, now: now}
	if v := credit.JudgeRequest(u, s.key(ctx, q.Sender(), u.KeyID(), now), now); v.Reason != credit.ReasonVerified {
		return s.answer(q, newID("record"), v.Reason, now)
	}
	if a.digest, err = credit.ContentDigest(u); err == nil {
		err = a.first(ctx)
	}
	if err == nil {
		err = a.gather(ctx)
	}
	var response []byte
	if err == nil {
		response, err = a.finish(ctx)
	}
	if err == nil {
		return response, nil
	}
	reason := credit.ReasonInconclusive
	if protocol.CodeOf(err) == protocol.CodeReplayed {
		reason = credit.ReasonReplay
	}
	return s.answer(q, newID("record"), reason, s.Now())
}

// An earlier request of this id.
type earlier struct {
	Digest canon.Digest `json:"digest"`
	Passed bool         `json:"passed"`
}

func (a *asked) requestKey() string {
	return string(canon.Sum([]byte(a.q.Sender() + "\n" + a.q.RequestID)))
}

// first records that the request was made, now that its proof holds
// (TSD-CRD-VER-05): the nonce serves no other request, and the id no other
// content, and none at all once it has passed.
func (a *asked) first(ctx context.Context) error {
	return a.s.Store.Do(ctx, func(tx Tx) error {
		if err := useUp(tx, a.q.Sender(), "verification", a.q.AntiReplay, a.now); err != nil {
			return err
		}
		e, err := load[earlier](tx, kindRequest, a.requestKey())
		if err != nil {
			return err
		}
		if e != nil && (e.Passed || e.Digest != a.digest) {
			return passedBefore()
		}
		return save(tx, kindRequest, a.requestKey(), earlier{Digest: a.digest})
	})
}

func passedBefore() error {
	return protocol.New(protocol.CodeReplayed, "requestId", "TSD-CRD-VER-05", "")
}

// gather learns what the decision needs from others, before the transaction that
// makes it: who the agent is, the subject's key, and, when credential and
// authorization allow as things stand, what the bureau says.
func (a *asked) gather(ctx context.Context) (err error) {
	if a.id, a.embedded, err = a.q.CredentialID(); err != nil {
		return err
	}
	a.agent = a.s.Agent(ctx, a.q.AgentID)
	var c *credit.UnverifiedCredential
	err = a.s.Store.Do(ctx, func(tx Tx) error {
		facts, _, err := a.facts(tx)
		c = facts.Credential
		return err
	})
	if err != nil || c == nil {
		return err
	}
	credential := c.Credential()
	if key := credential.SubjectPublicKey; key != nil {
		// The key as it was when the subject signed: a rotated key still
		// verifies, a compromised one never does.
		a.subject = a.s.key(ctx, credential.SubjectID, key.KeyID, credential.IssuedAt.Time())
	}
	var v credit.Verdict
	err = a.s.Store.Do(ctx, func(tx Tx) error {
		v, _, _, err = a.judge(tx)
		return err
	})
	if err != nil || v.Reason != credit.ReasonVerified || a.q.Level != credit.LevelCredit {
		return err
	}
	look := a.s.look(ctx, credential)
	a.look = &look
	return nil
}

// look asks the bureau.
func (s *Service) look(ctx context.Context, c credit.Credential) (f credit.CreditFacts) {
	l, err := s.Bureau.Look(ctx, c)
	if err != nil {
		return credit.CreditFacts{Unavailable: err}
	}
	f = credit.CreditFacts{Standing: l.Standing, PolicySupported: l.PolicySupported, Services: []string{s.Bureau.ID()}}
	if f.Subject, err = credit.ParseSubjectAssertion(l.Subject); err != nil {
		return credit.CreditFacts{Unavailable: err}
	}
	if f.Agent, err = credit.ParseAgentAssertion(l.Agent); err != nil {
		f.Agent = nil
	}
	f.Key = s.key(ctx, f.Subject.Party(), f.Subject.KeyID(), s.Now())
	return f
}

// facts collects what the store knows about the credential.
func (a *asked) facts(tx Tx) (f credit.CredentialFacts, scope *association, err error) {
	f = credit.CredentialFacts{Agent: a.agent, Subject: a.subject, Scope: a.s.Scope}
	if a.s.Demands != nil {
		f.Demands = a.s.Demands(a.q)
	}
	known, err := load[association](tx, kindAssociation, a.id)
	if err != nil || known == nil {
		return f, nil, err
	}
	if known.Credential == nil {
		f.Pending = true
		return f, known, nil
	}
	if f.Credential = a.embedded; f.Credential == nil {
		if f.Credential, err = credit.ParseCredential(known.Credential); err != nil {
			return f, nil, err
		}
	}
	issuer := f.Credential.Credential().IssuerID
	f.Issuer = credit.KeyFact{Key: a.s.Signer.Public()}
	if issuer != a.s.ID() {
		f.Issuer = credit.KeyFact{Err: protocol.New(protocol.CodeIssuerUntrusted, "issuerId", "TSD-CRD-VER-01", "")}
	}
	statement, err := known.state(a.now).Statement(known.CredentialID).Sign(a.s.Signer)
	if err == nil {
		f.Status, err = credit.ParseStatus(statement, a.s.ID())
	}
	return f, known, err
}

// judge takes the steps of both levels up to the authorization, on what the
// store knows at this moment.
func (a *asked) judge(tx Tx) (credit.Verdict, credit.CredentialFacts, *authorization, error) {
	f, _, err := a.facts(tx)
	if err != nil {
		return credit.Verdict{}, f, nil, err
	}
	v := credit.JudgeCredential(a.q, f, a.now)
	if v.Reason != credit.ReasonVerified || a.q.Level != credit.LevelCredit {
		return v, f, nil, nil
	}
	leave, q, err := loadAuthorization(tx, a.q.AuthorizationID)
	if err != nil {
		return credit.Verdict{}, f, nil, err
	}
	v.And(credit.JudgeAuthorization(a.q, f.Credential.Credential(), q, leave.served(), a.now))
	return v, f, leave, nil
}

// finish decides, and in the same transaction records the use of the
// authorization, the end of the request id, and the verification itself. It goes
// by the time of the transaction: what it learned before may have taken long,
// and meanwhile an authorization may have ended, and the request id passed.
func (a *asked) finish(ctx context.Context) (response []byte, err error) {
	wanted := ""
	err = a.s.Store.Do(ctx, func(tx Tx) error {
		a.now = a.s.Now()
		if e, err := load[earlier](tx, kindRequest, a.requestKey()); err != nil {
			return err
		} else if e == nil || e.Passed {
			return passedBefore()
		}
		v, f, leave, err := a.judge(tx)
		if err != nil {
			return err
		}
		if v.Reason == credit.ReasonVerified && a.q.Level == credit.LevelCredit {
			if a.look == nil { // what was not allowed a moment ago is so now
				return protocol.New(protocol.CodeServiceUnavailable, "", "TSD-CRD-VER-08", "changed while it was looked at")
			}
			v.And(credit.JudgeCredit(f.Credential.Credential(), *a.look, a.now))
		}
		if v.Reason == credit.ReasonAuthRequired {
			wanted = f.Credential.Credential().SubjectID
		}
		recordID := newID("record")
		if response, err = a.respond(recordID, v, f, leave); err != nil {
			return err
		}
		if v.Passed() {
			if err := a.passed(tx, leave); err != nil {
				return err
			}
		}
		return save(tx, kindRecord, recordID, Record{
			Response: response, RequestDigest: canon.Sum(a.request.Raw()), Sender: a.q.Sender(), CredentialID: a.id, Checks: v.Decision.Checks(),
		})
	})
	if err == nil && wanted != "" && a.s.Ask != nil {
		a.s.Ask(wanted, a.q)
	}
	return response, err
}

// passed ends the request id and uses the authorization.
func (a *asked) passed(tx Tx, leave *authorization) error {
	if err := save(tx, kindRequest, a.requestKey(), earlier{Digest: a.digest, Passed: true}); err != nil {
		return err
	}
	if leave == nil {
		return nil
	}
	u, err := credit.ParseQueryAuthorization(leave.Text)
	if err != nil {
		return err
	}
	leave.serve(u.Message().FrequencyLimit, a.now)
	return save(tx, kindAuthorization, u.Message().AuthorizationID, leave)
}

// respond writes the answer: of the second level only when it has passed.
func (a *asked) respond(recordID string, v credit.Verdict, f credit.CredentialFacts, leave *authorization) ([]byte, error) {
	answer := blank(a.q, recordID, v.Reason, a.now)
	until := a.now.Add(otherLife)
	if v.StateKnown {
		c := f.Credential.Credential()
		// No signature covers what stands in the credential, neither where nor how.
		query := credit.StatusQuery{URI: a.s.statusURI(c.CredentialID)}
		answer.Status, answer.Scope, answer.StatusQuery = f.Status.Message().Status, c.Scope, &query
		if v.Passed() {
			until = earliest(a.now.Add(passLife), c.ExpiresAt)
		}
	}
	answer.ExpiresAt = credit.At(until)
	if !v.Passed() || a.q.Level != credit.LevelCredit {
		return credit.CredentialResponse{Answer: answer}.Sign(a.s.Signer)
	}
	u, err := credit.ParseQueryAuthorization(leave.Text)
	if err != nil {
		return nil, err
	}
	answer.CompletedLevel = credit.LevelCredit
	answer.ExpiresAt = credit.At(earliest(earliest(earliest(until, u.Message().ExpiresAt), a.look.Subject.Message().ExpiresAt), a.look.Agent.Message().ExpiresAt))
	return credit.CreditResponse{
		Answer: answer, Disclosed: credit.Disclose(a.q, u.Message(), f.Credential.Credential().Mapped()),
	}.Sign(a.s.Signer)
}

func earliest(t time.Time, end credit.Time) time.Time {
	if !end.IsZero() && end.Time().Before(t) {
		return end.Time()
	}
	return t
}

// answer signs an answer that tells nothing but a reason.
func (s *Service) answer(q credit.VerificationRequest, recordID string, reason credit.Reason, now time.Time) ([]byte, error) {
	return credit.CredentialResponse{Answer: blank(q, recordID, reason, now)}.Sign(s.Signer)
}

func blank(q credit.VerificationRequest, recordID string, reason credit.Reason, now time.Time) credit.Answer {
	return credit.Answer{
		RequestID: q.RequestID, RecordID: recordID, AgentID: q.AgentID, CompletedLevel: credit.LevelCredential,
		Result: reason.Result(), Reason: reason, Status: credit.Pending, Scope: []string{credit.NoScope},
		GeneratedAt: credit.At(now), ExpiresAt: credit.At(now.Add(otherLife)), PurposeLimited: true,
	}
}
