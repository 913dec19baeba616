package credit_test

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/credit"
)

// A case is one verification at both levels, as far as the pure steps go.
type verification struct {
	q             credit.VerificationRequest
	facts         credit.CredentialFacts
	authorization *credit.QueryAuthorization
	served        []time.Time
	credit        credit.CreditFacts
	now           time.Time
}

func (v verification) verdict() credit.Verdict {
	out := credit.JudgeCredential(v.q, v.facts, v.now)
	if out.Reason != credit.ReasonVerified || v.q.Level != credit.LevelCredit {
		return out
	}
	c := v.facts.Credential.Credential()
	out.And(credit.JudgeAuthorization(v.q, c, v.authorization, v.served, v.now))
	if out.Reason == credit.ReasonVerified {
		out.And(credit.JudgeCredit(c, v.credit, v.now))
	}
	return out
}

func statusOf(t testing.TB, l credit.Lifecycle) *credit.Unverified[credit.CredentialStatus] {
	t.Helper()
	text := must[[]byte](t)(l.Statement("credential-1").Sign(signer(t, issuer)))
	return must[*credit.Unverified[credit.CredentialStatus]](t)(credit.ParseStatus(text, issuer))
}

func good(t testing.TB, level credit.Level, method credit.Method) verification {
	t.Helper()
	h := newHouse(t, method)
	active := must[credit.Lifecycle](t)(credit.Begin(moment).Move(credit.Active, credit.ByIssuer, credit.ChangeIssued, moment))
	leave := authorization(credit.PerRequest)
	return verification{
		q: request(t, level), now: moment.Add(time.Minute), authorization: &leave,
		facts: credit.CredentialFacts{
			Credential: must[*credit.UnverifiedCredential](t)(credit.ParseCredential(h.credential)),
			Issuer:     credit.KeyFact{Key: signer(t, issuer).Public()}, Subject: credit.KeyFact{Key: signer(t, owner).Public()}, Status: statusOf(t, active),
		},
		credit: credit.CreditFacts{
			Subject: must[*credit.Unverified[credit.SubjectAssertion]](t)(credit.ParseSubjectAssertion(h.subject)), Standing: credit.Current,
			Agent:           must[*credit.Unverified[credit.AgentAssertion]](t)(credit.ParseAgentAssertion(h.agent)),
			PolicySupported: true, Services: []string{bureau}, Key: credit.KeyFact{Key: signer(t, bureau).Public()},
		},
	}
}

var (
	down   = protocol.New(protocol.CodeKeyUnavailable, "", "", "")
	denied = protocol.New(protocol.CodeKeyUnknown, "", "", "")
)

func TestJudge(t *testing.T) {
	suspended := func(t *testing.T, by credit.Actor, why string) *credit.Unverified[credit.CredentialStatus] {
		active := must[credit.Lifecycle](t)(credit.Begin(moment).Move(credit.Active, credit.ByIssuer, credit.ChangeIssued, moment))
		return statusOf(t, must[credit.Lifecycle](t)(active.Move(credit.Suspended, by, why, moment)))
	}
	tests := map[string]struct {
		spoil func(t *testing.T, v *verification)
		want  credit.Reason
	}{
		"all holds":                                   {func(*testing.T, *verification) {}, credit.ReasonVerified},
		"TSD-CRD-VER-01 agent unknown":                {func(_ *testing.T, v *verification) { v.facts.Agent = denied }, credit.ReasonAgentUnknown},
		"TSD-CRD-VER-08 agent not to be resolved now": {func(_ *testing.T, v *verification) { v.facts.Agent = down }, credit.ReasonInconclusive},
		"a foreign error is undetermined":             {func(_ *testing.T, v *verification) { v.facts.Agent = errors.New("disk") }, credit.ReasonInconclusive},
		"no credential":                               {func(_ *testing.T, v *verification) { v.facts.Credential = nil }, credit.ReasonCredentialNotFound},
		"still pending":                               {func(_ *testing.T, v *verification) { v.facts.Credential, v.facts.Pending = nil, true }, credit.ReasonCredentialNotActive},
		"issuer not trusted":                          {func(_ *testing.T, v *verification) { v.facts.Issuer = credit.KeyFact{Err: denied} }, credit.ReasonAssociationProof},
		"issuer's key unavailable":                    {func(_ *testing.T, v *verification) { v.facts.Issuer = credit.KeyFact{Err: down} }, credit.ReasonInconclusive},
		"another issuer's key":                        {func(t *testing.T, v *verification) { v.facts.Issuer.Key = signer(t, shop).Public() }, credit.ReasonAssociationProof},
		"no issuer's key":                             {func(_ *testing.T, v *verification) { v.facts.Issuer = credit.KeyFact{} }, credit.ReasonAssociationProof},
		"the subject's key was never resolved":        {func(_ *testing.T, v *verification) { v.facts.Subject = credit.KeyFact{} }, credit.ReasonAssociationProof},
		"the embedded key is not the resolved one":    {func(t *testing.T, v *verification) { v.facts.Subject.Key = signer(t, shop).Public() }, credit.ReasonAssociationProof},
		"the subject's key unavailable":               {func(_ *testing.T, v *verification) { v.facts.Subject.Err = down }, credit.ReasonInconclusive},
		"TSD-CRD-ASC-06 another agent":                {func(_ *testing.T, v *verification) { v.q.AgentID = shop }, credit.ReasonAssociationProof},
		"TSD-CRD-ASC-06 another purpose":              {func(_ *testing.T, v *verification) { v.q.Purpose = "LENDING" }, credit.ReasonAssociationProof},
		"TSD-CRD-ASC-06 another relying party":        {func(_ *testing.T, v *verification) { v.q.RelyingPartyID = platform }, credit.ReasonAssociationProof},
		"another kind of transaction":                 {func(_ *testing.T, v *verification) { v.q.Context["transactionType"] = jsontext.Value(`"LOAN"`) }, credit.ReasonAssociationProof},
		"TSD-CRD-MAP-02 another assertion":            {func(_ *testing.T, v *verification) { v.q.SubjectAssertionRef = "urn:other" }, credit.ReasonAssociationProof},
		"state not to be learned":                     {func(_ *testing.T, v *verification) { v.facts.Status = nil }, credit.ReasonInconclusive},
		"status service down":                         {func(_ *testing.T, v *verification) { v.facts.StatusErr = errors.New("down") }, credit.ReasonInconclusive},
		"TSD-CRD-LCM-02 suspended by the subject":     {func(t *testing.T, v *verification) { v.facts.Status = suspended(t, credit.BySubject, "PAUSE") }, credit.ReasonCredentialNotActive},
		"TSD-CRD-VER-08 during reassessment": {func(t *testing.T, v *verification) {
			v.facts.Status = suspended(t, credit.ByCreditService, credit.ChangeReassessment)
		}, credit.ReasonReview},
		"the window is over although the state is old":  {func(_ *testing.T, v *verification) { v.now = moment.Add(240 * time.Hour) }, credit.ReasonCredentialNotActive},
		"TSD-CRD-VER-08 the business wants a signature": {func(_ *testing.T, v *verification) { v.facts.Demands = credit.AttestedConfirmation }, credit.ReasonReview},
		"TSD-CRD-VER-02 no authorization":               {func(_ *testing.T, v *verification) { v.authorization = nil }, credit.ReasonAuthRequired},
		"no authorization named":                        {func(_ *testing.T, v *verification) { v.q.AuthorizationID = "" }, credit.ReasonAuthRequired},
		"TSD-CRD-AUTH-03 revoked":                       {func(_ *testing.T, v *verification) { v.authorization.Status = credit.Revoked }, credit.ReasonAuthRevoked},
		"TSD-CRD-AUTH-03 expired":                       {func(_ *testing.T, v *verification) { v.authorization.ExpiresAt = credit.At(v.now) }, credit.ReasonAuthExpired},
		"not yet valid":                                 {func(_ *testing.T, v *verification) { v.authorization.ValidFrom = credit.At(v.now.Add(time.Minute)) }, credit.ReasonAuthRequired},
		"TSD-CRD-AUTH-04 served before":                 {func(_ *testing.T, v *verification) { v.served = []time.Time{moment} }, credit.ReasonAuthScope},
		"TSD-CRD-VER-07 bureau down":                    {func(_ *testing.T, v *verification) { v.credit.Unavailable = errors.New("down") }, credit.ReasonCreditUnavailable},
		"TSD-CRD-VER-07 bureau's key unavailable":       {func(_ *testing.T, v *verification) { v.credit.Key.Err = down }, credit.ReasonCreditUnavailable},
		"TSD-CRD-VER-07 a bureau that nobody trusts":    {func(_ *testing.T, v *verification) { v.credit.Services = nil }, credit.ReasonCreditInvalid},
		"TSD-CRD-VER-07 not the bureau's signature":     {func(t *testing.T, v *verification) { v.credit.Key.Key = signer(t, shop).Public() }, credit.ReasonCreditInvalid},
		"TSD-CRD-VER-07 revoked credit":                 {func(_ *testing.T, v *verification) { v.credit.Standing = credit.Withdrawn }, credit.ReasonCreditInvalid},
		"TSD-CRD-VER-07 corrected credit":               {func(_ *testing.T, v *verification) { v.credit.Standing = credit.Corrected }, credit.ReasonCreditInvalid},
		"TSD-CRD-VER-07 replaced credit":                {func(_ *testing.T, v *verification) { v.credit.Standing = credit.Replaced }, credit.ReasonCreditInvalid},
		"TSD-CRD-VER-07 invalidated credit":             {func(_ *testing.T, v *verification) { v.credit.Standing = credit.Invalidated }, credit.ReasonCreditInvalid},
		"TSD-CRD-VER-07 an unknown standing":            {func(_ *testing.T, v *verification) { v.credit.Standing = "" }, credit.ReasonCreditInvalid},
		"TSD-CRD-VER-08 to be confirmed again":          {func(_ *testing.T, v *verification) { v.credit.Standing = credit.ToConfirm }, credit.ReasonReview},
		"TSD-CRD-MAP-04 a rule that is no longer known": {func(_ *testing.T, v *verification) { v.credit.PolicySupported = false }, credit.ReasonPolicyUnsupported},
		"TSD-CRD-VER-07 no agent's assertion":           {func(_ *testing.T, v *verification) { v.credit.Agent = nil }, credit.ReasonCreditUnavailable},
		"TSD-CRD-MAP-02 the agent's value has changed":  {func(t *testing.T, v *verification) { v.credit.Agent = otherAgent(t) }, credit.ReasonCreditInvalid},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			v := good(t, credit.LevelCredit, credit.DirectSignature)
			v.q.Context = maps.Clone(v.q.Context)
			test.spoil(t, &v)
			verdict := v.verdict()
			if verdict.Reason != test.want || verdict.Passed() != (test.want == credit.ReasonVerified) {
				t.Fatalf("got %s: %s", verdict.Reason, verdict.Decision)
			}
			if want := test.want.Result(); (verdict.Decision.Outcome() == protocol.Undetermined) != (want == credit.ResultInconclusive || want == credit.ResultReview) {
				t.Errorf("%s with the outcome %s", want, verdict.Decision.Outcome())
			}
		})
	}
	t.Run("TSD-CRD-VER-02 the first level asks for no authorization", func(t *testing.T) {
		v := good(t, credit.LevelCredential, credit.AttestedConfirmation)
		v.authorization, v.credit = nil, credit.CreditFacts{}
		if verdict := v.verdict(); !verdict.Passed() {
			t.Error(verdict.Decision)
		}
	})
}

// otherAgent is what the bureau says after its rule has given something else.
func otherAgent(t *testing.T) *credit.Unverified[credit.AgentAssertion] {
	a := newHouse(t, credit.DirectSignature).assertion
	a.Value = jsontext.Value(`{"ceiling":"900.00 CNY","level":"A-ASSOCIATED"}`)
	return must[*credit.Unverified[credit.AgentAssertion]](t)(credit.ParseAgentAssertion(must[[]byte](t)(a.Sign(signer(t, bureau)))))
}

func TestJudgeRequest(t *testing.T) {
	text := must[[]byte](t)(request(t, credit.LevelCredential).Sign(signer(t, shop)))
	u := must[*credit.Request](t)(credit.ParseRequest(text))
	key := credit.KeyFact{Key: signer(t, shop).Public()}
	for name, test := range map[string]struct {
		key  credit.KeyFact
		at   time.Time
		want credit.Reason
	}{
		"in time":                          {key, moment, credit.ReasonVerified},
		"TSD-CRD-VER-05 five minutes":      {key, moment.Add(credit.MaxAge), credit.ReasonVerified},
		"TSD-CRD-VER-05 older":             {key, moment.Add(credit.MaxAge + 1), credit.ReasonRequestExpired},
		"TSD-CRD-VER-05 a minute ahead":    {key, moment.Add(-credit.MaxSkew), credit.ReasonVerified},
		"TSD-CRD-VER-05 further ahead":     {key, moment.Add(-credit.MaxSkew - 1), credit.ReasonRequestExpired},
		"TSD-CRD-VER-05 another key":       {credit.KeyFact{Key: signer(t, owner).Public()}, moment, credit.ReasonRequestProof},
		"no key":                           {credit.KeyFact{}, moment, credit.ReasonRequestProof},
		"unknown key":                      {credit.KeyFact{Err: denied}, moment, credit.ReasonRequestProof},
		"TSD-CRD-VER-08 key not to be had": {credit.KeyFact{Err: down}, moment, credit.ReasonInconclusive},
	} {
		t.Run(name, func(t *testing.T) {
			if v := credit.JudgeRequest(u, test.key, test.at); v.Reason != test.want {
				t.Errorf("got %s: %s", v.Reason, v.Decision)
			}
		})
	}
}

func TestCovers(t *testing.T) {
	other := []string{"did:act:other.example/party"}
	for name, spoil := range map[string]func(q *credit.VerificationRequest, a *credit.QueryAuthorization){
		"subject":       func(_ *credit.VerificationRequest, a *credit.QueryAuthorization) { a.SubjectID = shop },
		"relying party": func(_ *credit.VerificationRequest, a *credit.QueryAuthorization) { a.RelyingPartyIDs = other },
		"agent":         func(_ *credit.VerificationRequest, a *credit.QueryAuthorization) { a.AgentIDs = other },
		"purpose":       func(q *credit.VerificationRequest, _ *credit.QueryAuthorization) { q.Purpose = "LENDING" },
		"level":         func(q *credit.VerificationRequest, _ *credit.QueryAuthorization) { q.Level = credit.LevelCredential },
		"item": func(q *credit.VerificationRequest, _ *credit.QueryAuthorization) {
			q.RequestedItems = append(q.RequestedItems, "history")
		},
		"request id": func(q *credit.VerificationRequest, _ *credit.QueryAuthorization) { q.RequestID = "request-2" },
		"platform":   func(q *credit.VerificationRequest, _ *credit.QueryAuthorization) { q.PlatformDelegateID = platform },
		"mode":       func(_ *credit.VerificationRequest, a *credit.QueryAuthorization) { a.Mode = "" },
		"platform absent": func(_ *credit.VerificationRequest, a *credit.QueryAuthorization) {
			*a = authorization(credit.PlatformDelegated)
		},
	} {
		t.Run("TSD-CRD-AUTH-01 "+name, func(t *testing.T) {
			q, a := request(t, credit.LevelCredit), authorization(credit.PerRequest)
			if reason, field := a.Covers(q, owner, nil, moment); reason != credit.ReasonVerified {
				t.Fatal(reason, field)
			}
			spoil(&q, &a)
			a.Status = credit.Revoked // and of that a stranger learns nothing
			if name == "mode" {
				a.Status = credit.Active
			}
			if reason, _ := a.Covers(q, owner, nil, moment); reason != credit.ReasonAuthScope {
				t.Error(reason)
			}
		})
	}
	q, a := request(t, credit.LevelCredit), authorization(credit.PlatformDelegated)
	q.PlatformDelegateID = platform
	times := slices.Repeat([]time.Time{moment}, 3)
	if r, _ := a.Covers(q, owner, times[:2], moment); r != credit.ReasonVerified {
		t.Error("TSD-CRD-AUTH-02", r)
	}
	if r, field := a.Covers(q, owner, times, moment.Add(59*time.Second)); r != credit.ReasonAuthScope || field != "frequencyLimit" {
		t.Error("TSD-CRD-AUTH-02", r, field)
	}
	if r, _ := a.Covers(q, owner, times, moment.Add(60*time.Second)); r != credit.ReasonVerified {
		t.Error("TSD-CRD-AUTH-02 a window's length later", r)
	}
}
