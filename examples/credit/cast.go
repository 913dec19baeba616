package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/examples/credit/service"
	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/credit"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

const (
	purpose  = "MERCHANT_RISK_REFERENCE"
	evidence = "urn:example:evidence:owner-operates-helper"
)

// A lending is the story while it is told.
type lending struct {
	*stage.World
	wire   *stage.Wiretap
	client *http.Client

	credit *stage.Site
	house  *service.Service
	bureau *service.MemoryBureau

	owner, helper, shop, stranger *stage.Party
	session                       string // the owner's, at the credit service

	mu    sync.Mutex
	asked []credit.VerificationRequest // what the owner's phone has shown

	first, second credit.Credential
}

// open gives everybody a site, an identifier and a key.
func (l *lending) open() error {
	l.wire = &stage.Wiretap{Story: l.Narrator}
	l.client, l.session = l.NewClient(l.wire), canon.Nonce()
	var operators *stage.Party
	for _, p := range []struct {
		party   **stage.Party
		name    string
		purpose keys.Purpose
	}{
		{&operators, "bureau", keys.Credit}, {&l.owner, "owner", keys.Credit}, {&l.helper, "helper", keys.AgentRequest},
		{&l.shop, "rentals", keys.Credit}, {&l.stranger, "collector", keys.Credit},
	} {
		site, err := l.NewSite()
		if err != nil {
			return err
		}
		if *p.party, err = site.Party(p.name, p.purpose); err != nil {
			return err
		}
	}
	rule := service.GradeRule("owner-to-agent", "1.0", map[string]service.Grant{
		"A": {Level: "A-ASSOCIATED", Ceiling: stage.Yuan("2000.00")}, "B": {Level: "B-ASSOCIATED", Ceiling: stage.Yuan("300.00")},
	})
	l.bureau = service.NewMemoryBureau(operators.Signer(keys.Credit), rule, 30*24*time.Hour, l.Now)
	var err error
	if l.credit, err = l.NewSite(); err != nil {
		return err
	}
	party, err := l.credit.Party("service", keys.Credit)
	if err != nil {
		return err
	}
	resolver := l.Resolver()
	l.house, err = service.New(service.Config{
		Signer: party.Signer(keys.Credit), Origin: l.credit.URL(), Bureau: l.bureau, Keys: resolver, Store: service.NewMemoryStore(), Now: l.Now,
		Login: l.login, Evidence: l.fits, Ask: l.notify,
		Agent: func(ctx context.Context, agent string) error {
			did, err := identity.ParseDID(agent)
			if err != nil {
				return err
			}
			_, err = resolver.Document(ctx, did)
			return err
		},
	})
	if err != nil {
		return err
	}
	l.credit.Mux.Handle("/v1/", l.house.Handler())
	return nil
}

// login knows one customer, by the session that the service has opened for her.
func (l *lending) login(r *http.Request) (string, error) {
	if r.Header.Get("Authorization") == "Bearer "+l.session {
		return l.owner.ID(), nil
	}
	return "", protocol.New(protocol.CodeAccessDenied, "", "TSD-CRD-ASC-01", "not logged in")
}

// fits is the service's register of who operates what.
func (l *lending) fits(_ context.Context, app credit.Application) (string, error) {
	if app.Role != "OPERATOR" || app.SubjectID != l.owner.ID() || app.AgentID != l.helper.ID() || app.EvidenceRefs[0] != evidence {
		return "", protocol.New(protocol.CodePolicyRefused, "relationshipEvidenceRefs", "TSD-CRD-ASC-01", "the evidence does not fit the role")
	}
	return evidence, nil
}

// notify shows the owner's phone who wants to know something.
func (l *lending) notify(_ string, q credit.VerificationRequest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, q)
}

// notice is the last thing that the phone has shown.
func (l *lending) notice() (credit.VerificationRequest, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.asked) == 0 {
		return credit.VerificationRequest{}, fmt.Errorf("the owner was not asked")
	}
	return l.asked[len(l.asked)-1], nil
}

// post sends a message to the credit service.
func (l *lending) post(ctx context.Context, path string, body []byte, loggedIn bool) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, l.credit.URL()+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	if loggedIn {
		r.Header.Set("Authorization", "Bearer "+l.session)
	}
	response, err := l.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, canon.DefaultMaxBytes))
	if err == nil && response.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("%s answered %s: %s", path, response.Status, answer)
	}
	return answer, err
}

// ask has somebody verify the helper, and believes nothing that the service has
// not signed.
func (l *lending) ask(ctx context.Context, who *stage.Party, q credit.VerificationRequest) (credit.RiskReference, error) {
	q.RequestedAt, q.AntiReplay = credit.At(l.Now()), credit.NewAntiReplay()
	text, err := q.Sign(who.Signer(keys.Credit))
	if err != nil {
		return credit.RiskReference{}, err
	}
	answer, err := l.post(ctx, "/v1/verifications", text, false)
	if err != nil {
		return credit.RiskReference{}, err
	}
	r, err := credit.ParseResponse(answer, l.house.ID())
	if err != nil {
		return credit.RiskReference{}, err
	}
	key, err := l.Resolver().Key(ctx, r.KeyID(), keys.Credit, l.Now())
	if err != nil {
		return credit.RiskReference{}, err
	}
	return r.Reference(key, q, l.Now())
}

// question is what somebody wants to know about the helper.
func (l *lending) question(who *stage.Party, c credit.Credential, level credit.Level) (credit.VerificationRequest, error) {
	ref, err := credit.ReferenceTo(c.CredentialID)
	q := credit.VerificationRequest{
		RequestID: canon.UUID(), MessageVersion: credit.Version, RelyingPartyID: who.ID(), AgentID: l.helper.ID(), Level: level, Purpose: purpose,
		Context: map[string]jsontext.Value{"orderId": jsontext.Value(`"camera-17"`), "transactionType": jsontext.Value(`"RENTAL"`)}, RequestedItems: []string{"credentialStatus"}, Credential: ref,
	}
	if level == credit.LevelCredit {
		q.SubjectAssertionRef, q.RequestedItems = c.SubjectAssertionRef, []string{credit.ItemValue, credit.ItemPolicy, credit.ItemAssertionValid}
	}
	return q, err
}

// expect tells what somebody was answered, and fails when it is not this.
func (l *lending) expect(to string, ref credit.RiskReference, err error, want credit.Reason) error {
	if err != nil {
		return err
	}
	a := ref.Answer()
	if a.Reason != want {
		return fmt.Errorf("answered %s, want %s", a.Reason, want)
	}
	what := string(a.Result) + ", " + string(a.Reason)
	if string(a.Result) == string(a.Reason) {
		what = string(a.Reason)
	}
	mark := protocol.Allowed
	if want != credit.ReasonVerified {
		mark = want.Code().Outcome()
	}
	l.Says("credit", to, "%s %s, at the level %s; signed, for %s only", stage.Mark(mark), what, a.CompletedLevel, strings.ToLower(ref.Purpose()))
	return nil
}
