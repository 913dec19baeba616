package service

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/credit"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

const (
	owner    = "did:act:bank.example/owner"
	helper   = "did:act:bank.example/helper"
	house    = "did:act:credit.example/service"
	bureau   = "did:act:bureau.example/bureau"
	shop     = "did:act:shop.example/shop"
	platform = "did:act:platform.example/platform"
	purpose  = "MERCHANT_RISK_REFERENCE"
)

// A world is a service with everybody around it, and a clock to turn.
type world struct {
	*Service
	t      testing.TB
	bureau *MemoryBureau

	mu       sync.Mutex
	now      time.Time
	keysDown error
	agent    error
	evidence error
	demands  credit.Method
	asked    []credit.VerificationRequest
}

func signer(t testing.TB, did string) *keys.Signer {
	t.Helper()
	seed := sha256.Sum256([]byte(did))
	s, err := keys.NewSigner(did+"#credit", keys.Credit, ed25519.NewKeyFromSeed(seed[:]))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Key implements verifier.KeySource: everybody has one credit key.
func (w *world) Key(_ context.Context, keyID string, p keys.Purpose, _ time.Time) (keys.PublicKey, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	did, fragment, _ := strings.Cut(keyID, "#")
	switch {
	case w.keysDown != nil:
		return keys.PublicKey{}, w.keysDown
	case p != keys.Credit || fragment != "credit":
		return keys.PublicKey{}, protocol.New(protocol.CodeKeyUnknown, "", "", "")
	}
	return signer(w.t, did).Public(), nil
}

var grants = map[string]Grant{"A": {"A-ASSOCIATED", yuan(20000)}, "B": {"B-ASSOCIATED", yuan(5000)}}

func yuan(fen int64) money.Amount {
	c, err := money.ParseCurrency("CNY")
	if err != nil {
		return money.Amount{}
	}
	a, err := money.FromMinor(fen, c)
	if err != nil {
		return money.Amount{}
	}
	return a
}

// stores are the implementations of Store.
var stores = map[string]func(t testing.TB) Store{
	"memory": func(testing.TB) Store { return NewMemoryStore() },
	"sqlite": func(t testing.TB) Store {
		s, err := OpenSQLite(filepath.Join(t.TempDir(), "credit.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s
	},
}

func newWorld(t testing.TB, store Store) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 8, 12, 8, 0, 0, 123456000, time.UTC)}
	w.bureau = NewMemoryBureau(signer(t, bureau), GradeRule("grades", "1.0", grants), 48*time.Hour, w.clock)
	if err := w.bureau.Rate(owner, jsontext.Value(`{"grade":"A","limit":"50000.00"}`)); err != nil {
		t.Fatal(err)
	}
	var err error
	w.Service, err = New(Config{
		Signer: signer(t, house), Origin: "https://credit.example", Bureau: w.bureau, Keys: w, Store: store, Now: w.clock,
		Login: func(r *http.Request) (string, error) {
			if party := r.Header.Get("X-Test-Party"); party != "" {
				return party, nil
			}
			return "", protocol.New(protocol.CodeAccessDenied, "", "TSD-CRD-ASC-01", "")
		},
		Evidence: func(_ context.Context, app credit.Application) (string, error) {
			return app.EvidenceRefs[0], w.evidence
		},
		Agent: func(context.Context, string) error { return w.agent },
		Ask: func(_ string, q credit.VerificationRequest) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.asked = append(w.asked, q)
		},
		Demands: func(credit.VerificationRequest) credit.Method { return w.demands },
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) application(id string, method credit.Method) credit.Application {
	now := w.clock()
	return credit.Application{
		ApplicationID: id, MessageVersion: credit.Version, SubjectID: owner, AgentID: helper, Role: "OPERATOR", EvidenceRefs: []string{"urn:example:evidence"},
		Method: method, IssuerID: house, Purpose: purpose, Scope: []string{shop}, Mode: credit.PerRequest, RequestedAt: credit.At(now),
		ValidFrom: credit.At(now), ExpiresAt: credit.At(now.Add(24 * time.Hour)), AntiReplay: credit.NewAntiReplay(),
	}
}

// associate goes the whole way to a credential.
func (w *world) associate(id string, method credit.Method) credit.Credential {
	w.t.Helper()
	if _, err := w.Apply(w.t.Context(), owner, w.application(id, method)); err != nil {
		w.t.Fatal(err)
	}
	return w.confirm(id, method)
}

func (w *world) confirm(id string, method credit.Method) credit.Credential {
	w.t.Helper()
	confirmed := credit.Confirmation{Method: method}
	if method == credit.DirectSignature {
		payload, err := w.Prepare(w.t.Context(), owner, id)
		if err != nil {
			w.t.Fatal(err)
		}
		if confirmed, err = credit.SignPayload(signer(w.t, owner), payload); err != nil {
			w.t.Fatal(err)
		}
	}
	text, err := w.Confirm(w.t.Context(), owner, id, confirmed)
	if err != nil {
		w.t.Fatal(err)
	}
	u, err := credit.ParseCredential(text)
	if err != nil {
		w.t.Fatal(err)
	}
	return u.Credential()
}

func (w *world) request(c credit.Credential, level credit.Level) credit.VerificationRequest {
	w.t.Helper()
	ref, err := credit.ReferenceTo(c.CredentialID)
	if err != nil {
		w.t.Fatal(err)
	}
	q := credit.VerificationRequest{
		RequestID: newID("request"), MessageVersion: credit.Version, RelyingPartyID: shop, AgentID: helper, Level: level, Purpose: purpose,
		Context: map[string]jsontext.Value{"orderId": jsontext.Value(`"o-1"`)}, RequestedItems: []string{"credentialStatus"}, Credential: ref,
		RequestedAt: credit.At(w.clock()), AntiReplay: credit.NewAntiReplay(),
	}
	if level == credit.LevelCredit {
		q.SubjectAssertionRef, q.RequestedItems = c.SubjectAssertionRef, []string{credit.ItemValue, credit.ItemPolicy, credit.ItemAssertionValid}
	}
	return q
}

// leave authorizes a request; limit makes it a platform's.
func (w *world) leave(q *credit.VerificationRequest, limit *credit.FrequencyLimit) credit.QueryAuthorization {
	w.t.Helper()
	a := credit.QueryAuthorization{
		AuthorizationID: newID("authorization"), AuthorizationVersion: credit.Version, Mode: credit.PerRequest, SubjectID: owner, RelyingPartyIDs: []string{shop},
		AgentIDs: []string{helper}, Level: credit.LevelCredit, Purpose: purpose, AllowedItems: []string{credit.ItemValue, credit.ItemPolicy, credit.ItemAssertionValid},
		ValidFrom: credit.At(w.clock()), ExpiresAt: credit.At(w.clock().Add(time.Hour)), Status: credit.Active, BoundRequestID: q.RequestID,
	}
	if limit != nil {
		a.Mode, a.BoundRequestID, a.PlatformDelegateID, a.FrequencyLimit = credit.PlatformDelegated, "", platform, limit
		q.PlatformDelegateID = platform
	}
	text, err := a.Sign(signer(w.t, owner))
	if err != nil {
		w.t.Fatal(err)
	}
	u, err := credit.ParseQueryAuthorization(text)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.Authorize(w.t.Context(), u); err != nil {
		w.t.Fatal(err)
	}
	q.AuthorizationID = a.AuthorizationID
	return a
}

// verify sends a request and reads the signed answer.
func (w *world) verify(q credit.VerificationRequest) credit.RiskReference {
	w.t.Helper()
	text, err := q.Sign(signer(w.t, q.Sender()))
	if err != nil {
		w.t.Fatal(err)
	}
	ref, err := w.send(text, q)
	if err != nil {
		w.t.Fatal(err)
	}
	return ref
}

func (w *world) send(text []byte, q credit.VerificationRequest) (credit.RiskReference, error) {
	answer, err := w.Verify(context.WithoutCancel(w.t.Context()), text)
	if err != nil {
		return credit.RiskReference{}, err
	}
	r, err := credit.ParseResponse(answer, house)
	if err != nil {
		return credit.RiskReference{}, err
	}
	return r.Reference(signer(w.t, house).Public(), q, w.clock())
}

// again is the same question in a new transmission.
func again(w *world, q credit.VerificationRequest) credit.VerificationRequest {
	q.RequestedAt, q.AntiReplay = credit.At(w.clock()), credit.NewAntiReplay()
	return q
}

func (w *world) change(c credit.Credential, to credit.Status, by, why string) error {
	w.t.Helper()
	text, err := credit.StatusChange{
		RequestID: newID("change"), CredentialID: c.CredentialID, Target: to, Reason: why, RequestedBy: by, RequestedAt: credit.At(w.clock()), AntiReplay: credit.NewAntiReplay(),
	}.Sign(signer(w.t, by))
	if err != nil {
		w.t.Fatal(err)
	}
	u, err := credit.ParseStatusChange(text)
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = w.Change(w.t.Context(), u)
	return err
}

func (w *world) status(id string) credit.CredentialStatus {
	w.t.Helper()
	text, err := w.Status(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	u, err := credit.ParseStatus(text, house)
	if err == nil {
		err = u.Verify(signer(w.t, house).Public())
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return u.Message()
}

var errDown = errors.New("down")
