package issuer_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/issuer"
	"github.com/actprotocol/act-go/issuer/issuertest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

const (
	bankDID  = "did:act:bank.example/mandates"
	annDID   = "did:act:bank.example/ann"
	agentDID = "did:act:agents.example/buyer"
	pspDID   = "did:act:psp.example/pay"
	shopDID  = "did:act:shop.example/coffee"
	listURI  = "https://bank.example/status/1"
)

type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func newClock() *clock { return &clock{t: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)} }

func signer(t testing.TB, keyID string, purpose keys.Purpose) *keys.Signer {
	t.Helper()
	private, err := keys.Generate(keys.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	s, err := keys.NewSigner(keyID, purpose, private)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func did(t testing.TB, s string) identity.DID {
	t.Helper()
	d, err := identity.ParseDID(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func config(t testing.TB, c *clock) issuer.Config {
	return issuer.Config{
		DID:          did(t, bankDID),
		Signer:       signer(t, bankDID+"#issue", keys.IssueAuthorization),
		StatusSigner: signer(t, bankDID+"#status", keys.Status),
		ListURI:      listURI, Store: issuer.NewMemoryStore(), ListSize: 64, Now: c.now,
	}
}

func newIssuer(t testing.TB, c *clock) *issuer.Issuer {
	t.Helper()
	i, err := issuer.New(config(t, c))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func confirmed(t testing.TB, now time.Time) *delegation.Confirmed {
	t.Helper()
	capture := delegation.NewCapture(delegation.ConversationHistory{
		Raw: delegation.RawIntent{Text: "a latte, under 20 yuan, today"}, InputMode: []string{delegation.InputText}})
	err := capture.Clarify(func(i *delegation.ISR) {
		i.DelegationMode, i.AgentID = delegation.Specified, agentDID
		i.ValidityStart, i.ValidityEnd = now, now.Add(time.Hour)
		i.MaxTotalAmount, i.Currency = "20", "CNY"
		i.Ext = &delegation.Ext{Commerce: &delegation.Commerce{AllowedMerchants: []string{shopDID}}}
	})
	if err != nil {
		t.Fatal(err)
	}
	capture.Summary(delegation.English)
	c, err := capture.Confirm("FINGERPRINT", now)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func grant(t testing.TB, now time.Time) issuer.Grant {
	return issuer.Grant{Confirmed: confirmed(t, now), Delegator: annDID, Audience: pspDID,
		Holder: signer(t, agentDID+"#k1", keys.AgentRequest).Public()}
}

func wantCode(t testing.TB, err error, want protocol.Code) {
	t.Helper()
	if got := protocol.CodeOf(err); got != want {
		t.Errorf("got %q (%v), want %q", got, err, want)
	}
}

func TestMemoryStoreContract(t *testing.T) {
	issuertest.Store(t, func(*testing.T) issuer.Store { return issuer.NewMemoryStore() })
}

func issued(t testing.TB, i *issuer.Issuer, c *clock) (delegationID string, m *delegation.UnverifiedMandate) {
	t.Helper()
	raw, err := i.Issue(context.Background(), grant(t, c.now()))
	if err != nil {
		t.Fatal(err)
	}
	m, err = delegation.ParseMandate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return m.Claims().ID, m
}

func TestIssue(t *testing.T) {
	ctx := context.Background()
	t.Run("ADD-IAC-ISS-10 the mandate verifies with the document's key and nothing else", func(t *testing.T) {
		c := newClock()
		i := newIssuer(t, c)
		_, m := issued(t, i, c)
		doc, err := identity.DecodeDocument(i.Document(), did(t, bankDID))
		if err != nil {
			t.Fatal(err)
		}
		key, err := doc.Key(m.KeyID(), keys.IssueAuthorization, c.now())
		if err != nil {
			t.Fatal(err)
		}
		if err := m.VerifySignature(key); err != nil {
			t.Error(err)
		}
		if got := m.Claims(); got.Issuer != bankDID || got.Audience != pspDID || got.Authorization.DelegatorIdentity != annDID || got.Status.URI != listURI {
			t.Errorf("claims %+v", got)
		}
	})
	t.Run("ADD-IAC-ISS-01 nothing unconfirmed or over is issued", func(t *testing.T) {
		c := newClock()
		i := newIssuer(t, c)
		g := grant(t, c.now())
		g.Confirmed = nil
		_, err := i.Issue(ctx, g)
		wantCode(t, err, protocol.CodeFieldMissing)
		g.Confirmed = new(delegation.Confirmed)
		_, err = i.Issue(ctx, g)
		wantCode(t, err, protocol.CodeFieldMissing)
		g = grant(t, c.now())
		c.add(time.Hour)
		_, err = i.Issue(ctx, g)
		wantCode(t, err, protocol.CodeMandateExpired)
	})
	t.Run("ADD-IAC-ISS-02 one confirmation makes one mandate", func(t *testing.T) {
		c := newClock()
		i := newIssuer(t, c)
		g := grant(t, c.now())
		first, err := i.Issue(ctx, g)
		if err != nil {
			t.Fatal(err)
		}
		again, err := i.Issue(ctx, g)
		if err != nil || string(again) != string(first) {
			t.Errorf("the same grant gave another token, %v", err)
		}
		other := g
		other.Audience = "did:act:other.example/pay"
		_, err = i.Issue(ctx, other)
		wantCode(t, err, protocol.CodeRequestConflict)
		other = g
		other.Holder = signer(t, agentDID+"#k2", keys.AgentRequest).Public()
		_, err = i.Issue(ctx, other)
		wantCode(t, err, protocol.CodeRequestConflict)
		other.Holder = keys.PublicKey{}
		_, err = i.Issue(ctx, other)
		wantCode(t, err, protocol.CodeRequestConflict)
	})
	t.Run("ADD-IAC-ISS-12 the issuing key cannot be the agent's", func(t *testing.T) {
		c := newClock()
		cfg := config(t, c)
		i, err := issuer.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		g := grant(t, c.now())
		g.Holder = cfg.Signer.Public()
		_, err = i.Issue(ctx, g)
		wantCode(t, err, protocol.CodeKeyPurpose)
	})
	t.Run("a grant without its parts", func(t *testing.T) {
		c := newClock()
		i := newIssuer(t, c)
		for name, spoil := range map[string]func(*issuer.Grant){
			"delegator": func(g *issuer.Grant) { g.Delegator = "" },
			"audience":  func(g *issuer.Grant) { g.Audience = "" },
			"holder":    func(g *issuer.Grant) { g.Holder = keys.PublicKey{} },
		} {
			g := grant(t, c.now())
			spoil(&g)
			if _, err := i.Issue(ctx, g); protocol.CodeOf(err) != protocol.CodeFieldMissing {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestNewRefuses(t *testing.T) {
	c := newClock()
	for name, test := range map[string]struct {
		change func(*issuer.Config)
		want   protocol.Code
	}{
		"no DID":           {func(c *issuer.Config) { c.DID = identity.DID{} }, protocol.CodeFieldMissing},
		"no signer":        {func(c *issuer.Config) { c.Signer = nil }, protocol.CodeFieldMissing},
		"no status signer": {func(c *issuer.Config) { c.StatusSigner = nil }, protocol.CodeFieldMissing},
		"no store":         {func(c *issuer.Config) { c.Store = nil }, protocol.CodeFieldMissing},
		"ADD-IAC-ISS-12 signer of another purpose": {func(c *issuer.Config) { c.Signer = c.StatusSigner }, protocol.CodeKeyPurpose},
		"ADD-IAC-ISS-12 one key for both": {func(c *issuer.Config) {
			private, _ := keys.Generate(keys.EdDSA)
			c.Signer, _ = keys.NewSigner(bankDID+"#a", keys.IssueAuthorization, private)
			c.StatusSigner, _ = keys.NewSigner(bankDID+"#b", keys.Status, private)
		}, protocol.CodeFieldInvalid},
		"signer of another DID": {func(c *issuer.Config) { c.Signer = signer(t, annDID+"#x", keys.IssueAuthorization) }, protocol.CodeClaimsConflict},
		"list over http":        {func(c *issuer.Config) { c.ListURI = "http://bank.example/s" }, protocol.CodeFieldInvalid},
		"list with a query":     {func(c *issuer.Config) { c.ListURI = "https://bank.example/s?x=1" }, protocol.CodeFieldInvalid},
		"list too large":        {func(c *issuer.Config) { c.ListSize = issuer.MaxListSize + 1 }, protocol.CodeFieldInvalid},
		"ttl too long":          {func(c *issuer.Config) { c.TTL = time.Hour }, protocol.CodeFieldInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(t, c)
			test.change(&cfg)
			_, err := issuer.New(cfg)
			wantCode(t, err, test.want)
		})
	}
}

func TestStates(t *testing.T) {
	ctx := context.Background()
	c := newClock()
	i := newIssuer(t, c)
	id, m := issued(t, i, c)
	state := func(want delegation.State, list delegation.Status) {
		t.Helper()
		if got, err := i.State(ctx, id); err != nil || got != want {
			t.Errorf("state %q, %v, want %q", got, err, want)
		}
		token, err := i.StatusList(ctx)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := delegation.ParseStatusList(token, listURI)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parsed.Status(m.Claims().Status.Index); err != nil || got != list {
			t.Errorf("list says %d, %v, want %d", got, err, list)
		}
	}
	state(delegation.StateActive, delegation.StatusActive)
	t.Log("ADD-IAC-LCM-04: the agent may not suspend, risk control may not revoke")
	wantCode(t, i.Suspend(ctx, id, delegation.ActorAgent), protocol.CodeActorRefused)
	wantCode(t, i.Revoke(ctx, id, delegation.ActorRiskControl), protocol.CodeActorRefused)
	wantCode(t, i.Resume(ctx, id, delegation.ActorPrincipal), protocol.CodeStateConflict)
	state(delegation.StateActive, delegation.StatusActive)
	wantCode(t, i.Suspend(ctx, id, delegation.ActorRiskControl), "")
	state(delegation.StateSuspended, delegation.StatusSuspended)
	wantCode(t, i.Resume(ctx, id, delegation.ActorPrincipal), protocol.CodeActorRefused)
	wantCode(t, i.Resume(ctx, id, delegation.ActorRiskControl), "")
	state(delegation.StateActive, delegation.StatusActive)
	wantCode(t, i.Revoke(ctx, id, delegation.ActorAgent), "")
	state(delegation.StateRevoked, delegation.StatusRevoked)
	t.Log("ADD-IAC-LCM-03: Revoked is terminal")
	wantCode(t, i.Resume(ctx, id, delegation.ActorRiskControl), protocol.CodeStateConflict)
	wantCode(t, i.Suspend(ctx, id, delegation.ActorPrincipal), protocol.CodeStateConflict)
	wantCode(t, i.Revoke(ctx, "urn:delegation:nobody", delegation.ActorPrincipal), protocol.CodeFieldInvalid)

	other, _ := issued(t, i, c)
	c.add(time.Hour)
	t.Log("ADD-IAC-LCM-05: at the end of the window a mandate is Expired by itself")
	if got, err := i.State(ctx, other); err != nil || got != delegation.StateExpired {
		t.Errorf("state %q, %v", got, err)
	}
	wantCode(t, i.Suspend(ctx, other, delegation.ActorPrincipal), protocol.CodeStateConflict)
}

// Whatever the order of commands, the issuer's answers are those of one
// Lifecycle that sees them all.
func TestStatesModel(t *testing.T) {
	commands := []delegation.Command{delegation.Suspend, delegation.Resume, delegation.Revoke}
	actors := []delegation.Actor{delegation.ActorPrincipal, delegation.ActorAgent, delegation.ActorRiskControl, "somebody"}
	rapid.Check(t, func(rt *rapid.T) {
		ctx, c := context.Background(), newClock()
		i := newIssuer(t, c)
		start := c.now()
		id, _ := issued(t, i, c)
		life := delegation.NewLifecycle(start, start.Add(time.Hour))
		for range rapid.IntRange(1, 20).Draw(rt, "steps") {
			c.add(time.Duration(rapid.IntRange(0, 10).Draw(rt, "minutes")) * time.Minute)
			actor := rapid.SampledFrom(actors).Draw(rt, "actor")
			command := rapid.SampledFrom(commands).Draw(rt, "command")
			var err error
			switch command {
			case delegation.Suspend:
				err = i.Suspend(ctx, id, actor)
			case delegation.Resume:
				err = i.Resume(ctx, id, actor)
			default:
				err = i.Revoke(ctx, id, actor)
			}
			if got, want := protocol.CodeOf(err), protocol.CodeOf(life.Apply(command, actor, c.now())); got != want {
				rt.Fatalf("%s by %s: %q, want %q", command, actor, got, want)
			}
			if got, err := i.State(ctx, id); err != nil || got != life.State(c.now()) {
				rt.Fatalf("state %q, %v, want %q", got, err, life.State(c.now()))
			}
		}
	})
}

func TestHandler(t *testing.T) {
	ctx, c := context.Background(), newClock()
	i := newIssuer(t, c)
	id, m := issued(t, i, c)
	h := i.Handler()
	get := func(method, target string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, target, nil))
		return w
	}
	doc := get("GET", "/.well-known/act/mandates/did.json")
	if doc.Code != http.StatusOK || doc.Body.String() != string(i.Document()) {
		t.Errorf("document: %d", doc.Code)
	}
	first := get("GET", "/status/1")
	if first.Code != http.StatusOK || first.Header().Get("Content-Type") != "application/statuslist+jwt" || first.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("list: %d %v", first.Code, first.Header())
	}
	if again := get("GET", "/status/1"); again.Body.String() != first.Body.String() {
		t.Error("an unchanged list was signed again")
	}
	c.add(15 * time.Second)
	fresh := get("GET", "/status/1")
	if fresh.Body.String() == first.Body.String() {
		t.Error("after half of its ttl a list is signed anew")
	}
	if err := i.Revoke(ctx, id, delegation.ActorPrincipal); err != nil {
		t.Fatal(err)
	}
	list, err := delegation.ParseStatusList(get("GET", "/status/1").Body.Bytes(), listURI)
	if err != nil {
		t.Fatal(err)
	}
	if s, _ := list.Status(m.Claims().Status.Index); s != delegation.StatusRevoked {
		t.Error("ADD-IAC-LCM-06 the change is not in the list that is served")
	}
	before := list.IssuedAt
	c.add(-time.Minute)
	if list, err = delegation.ParseStatusList(get("GET", "/status/1").Body.Bytes(), listURI); err != nil || list.IssuedAt.Before(before) {
		t.Errorf("iat went back when the clock did, %v", err)
	}
	for _, r := range []struct {
		method, target string
		code           int
	}{
		{"HEAD", "/status/1", http.StatusOK},
		{"POST", "/status/1", http.StatusMethodNotAllowed},
		{"DELETE", "/.well-known/act/mandates/did.json", http.StatusMethodNotAllowed},
		{"GET", "/", http.StatusNotFound},
		{"GET", "/status/2", http.StatusNotFound},
		{"GET", "/.well-known/act/ann/did.json", http.StatusNotFound},
	} {
		if got := get(r.method, r.target).Code; got != r.code {
			t.Errorf("%s %s: %d, want %d", r.method, r.target, got, r.code)
		}
	}
}

// brokenStore fails where a real one may.
type brokenStore struct{ issuer.Store }

var errBroken = errors.New("postgres://user:secret@db failed")

func (brokenStore) Version(context.Context) (uint64, error) { return 0, errBroken }

func TestBrokenStore(t *testing.T) {
	c := newClock()
	cfg := config(t, c)
	cfg.Store = brokenStore{cfg.Store}
	i, err := issuer.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	i.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/status/1", nil))
	if w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// PRV-01: an issuer makes a mandate of which parts can be shown, where asked
// for, and one confirmation still makes one mandate.
func TestIssueSelective(t *testing.T) {
	c := newClock()
	i := newIssuer(t, c)
	g := grant(t, c.now())
	g.Selective = true
	raw, err := i.Issue(context.Background(), g)
	if err != nil {
		t.Fatal(err)
	}
	m, err := delegation.ParseMandate(raw)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Present(delegation.RoleMerchant, delegation.Purchase{}); err != nil {
		t.Error(err)
	}
	if again, err := i.Issue(context.Background(), g); err != nil || string(again) != string(raw) {
		t.Errorf("ADD-IAC-ISS-02 asked again: %v", err)
	}
	g.Selective = false
	_, err = i.Issue(context.Background(), g)
	wantCode(t, err, protocol.CodeRequestConflict)
}
