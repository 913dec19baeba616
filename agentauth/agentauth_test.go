package agentauth_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agentauth"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

const (
	shopDID = "did:act:shop.example/coffee"
	annDID  = "did:act:bank.example/ann"
)

// A scene is a server behind a Guard, and an agent of a provider.
type scene struct {
	t               testing.TB
	provider, agent *acttest.Party
	dir             *acttest.Directory
	statuses        *acttest.Statuses
	server          *httptest.Server
	authority       string
	seen            []string // what the handler saw
	mu              sync.Mutex
}

func newScene(t testing.TB, change func(*agentauth.Config)) *scene {
	t.Helper()
	s := &scene{
		t:        t,
		provider: acttest.NewParty(t, "did:act:agents.example/provider", keys.IssueIdentity, keys.IssueAuthorization),
		agent:    acttest.NewParty(t, "did:act:agents.example/buyer", keys.AgentRequest),
		dir:      new(acttest.Directory), statuses: new(acttest.Statuses),
	}
	s.dir.Add(s.provider)
	s.dir.Add(s.agent)
	v, err := verifier.New(verifier.Config{
		Issuers: verifier.IssuerMap{}, Keys: s.dir, Status: s.statuses, Replay: verifier.NewMemoryReplay(0, nil),
		Identities: verifier.IssuerMap{s.provider.DID.String(): {s.provider.DID.String()}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var guarded http.Handler
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { guarded.ServeHTTP(w, r) }))
	t.Cleanup(s.server.Close)
	s.authority = strings.TrimPrefix(s.server.URL, "http://")
	config := agentauth.Config{Verifier: v, Authority: s.authority, Audience: shopDID}
	if change != nil {
		change(&config)
	}
	guard, err := agentauth.NewGuard(config)
	if err != nil {
		t.Fatal(err)
	}
	guarded = guard.Handler(http.HandlerFunc(s.handle))
	return s
}

func (s *scene) handle(w http.ResponseWriter, r *http.Request) {
	who, ok := agentauth.FromContext(r.Context())
	if !ok {
		s.t.Error("no agent")
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	line := r.Method + " " + r.URL.String() + " " + string(body) + " " + who.DID()
	if id := who.Identity(); id != nil {
		line += " " + string(id.Type())
	}
	if r.URL.Path == "/for-ann" {
		if _, err := who.ActsFor(r.Context(), annDID); err != nil {
			line += " " + string(protocol.CodeOf(err))
		} else {
			line += " for Ann"
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, line)
}

func (s *scene) credential(change func(*identity.Credential)) []byte {
	s.t.Helper()
	now := time.Now()
	c := identity.Credential{
		ID: "c1", Issuer: s.provider.DID.String(), Agent: s.agent.DID.String(), Provider: s.provider.DID.String(), Type: identity.Platform,
		Capabilities: []string{"act:pay"}, IssuedAt: now, NotBefore: now, Expires: now.Add(time.Hour),
		Holder: s.agent.Signer(keys.AgentRequest).Public(), Status: &identity.StatusReference{URI: "https://agents.example/status/1"},
	}
	if change != nil {
		change(&c)
	}
	raw, err := identity.IssueCredential(s.provider.Signer(keys.IssueIdentity), c)
	if err != nil {
		s.t.Fatal(err)
	}
	return raw
}

func (s *scene) client(change func(*agentauth.TransportConfig)) *http.Client {
	s.t.Helper()
	c := agentauth.TransportConfig{Signer: s.agent.Signer(keys.AgentRequest)}
	if change != nil {
		change(&c)
	}
	transport, err := agentauth.NewTransport(c)
	if err != nil {
		s.t.Fatal(err)
	}
	return &http.Client{Transport: transport}
}

// do sends and returns status and code of the answer.
func do(t testing.TB, client *http.Client, req *http.Request) (int, string) {
	t.Helper()
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range protocol.Codes() { // the one that wins comes first in the list
		if strings.Contains(string(body), `"code":"`+string(c)+`"`) {
			return resp.StatusCode, string(c)
		}
	}
	return resp.StatusCode, ""
}

func request(t testing.TB, method, url, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestSignedRequests(t *testing.T) {
	t.Run("IDN-04 over a real connection", func(t *testing.T) {
		s := newScene(t, nil)
		client := s.client(nil)
		for _, r := range [][3]string{{"GET", "/a?x=1&y=%20", ""}, {"POST", "/b", "hello"}, {"DELETE", "/c/", ""}} {
			if status, code := do(t, client, request(t, r[0], s.server.URL+r[1], r[2])); status != 200 {
				t.Errorf("%v: %d %s", r, status, code)
			}
		}
		want := []string{
			"GET /a?x=1&y=%20  did:act:agents.example/buyer",
			"POST /b hello did:act:agents.example/buyer",
			"DELETE /c/  did:act:agents.example/buyer",
		}
		if strings.Join(s.seen, "\n") != strings.Join(want, "\n") {
			t.Error(s.seen)
		}
	})
	t.Run("IDN-01 with a credential", func(t *testing.T) {
		s := newScene(t, func(c *agentauth.Config) { c.Credential, c.Capabilities = true, []string{"act:pay"} })
		client := s.client(func(c *agentauth.TransportConfig) { c.Credential = s.credential(nil) })
		if status, code := do(t, client, request(t, "GET", s.server.URL+"/", "")); status != 200 {
			t.Errorf("%d %s", status, code)
		}
		if len(s.seen) != 1 || !strings.HasSuffix(s.seen[0], "PLATFORM") {
			t.Error(s.seen)
		}
		status, code := do(t, s.client(nil), request(t, "GET", s.server.URL+"/", ""))
		if status != 400 || code != "field_missing" {
			t.Errorf("without: %d %s", status, code)
		}
		// A credential that is down to its last bit another's.
		status, code = do(t, s.client(func(c *agentauth.TransportConfig) {
			c.Credential = s.credential(func(c *identity.Credential) { c.Capabilities = nil })
		}), request(t, "GET", s.server.URL+"/", ""))
		if status != 403 || code != "policy_refused" {
			t.Errorf("without capability: %d %s", status, code)
		}
	})
	t.Run("IDN-01 a credential that was copied from another agent", func(t *testing.T) {
		s := newScene(t, nil)
		thief := acttest.NewParty(t, "did:act:rogue.example/thief", keys.AgentRequest)
		s.dir.Add(thief)
		stolen := s.credential(nil)
		client := s.client(func(c *agentauth.TransportConfig) {
			c.Signer, c.Covers = thief.Signer(keys.AgentRequest), []string{"act-agent-identity"}
		})
		req := request(t, "GET", s.server.URL+"/", "")
		req.Header.Set(agentauth.HeaderCredential, string(stolen))
		if status, code := do(t, client, req); status != 403 || code != "agent_mismatch" {
			t.Errorf("%d %s", status, code)
		}
		if len(s.seen) != 0 {
			t.Error("the handler ran")
		}
		_, err := agentauth.NewTransport(agentauth.TransportConfig{Signer: thief.Signer(keys.AgentRequest), Credential: stolen})
		if protocol.CodeOf(err) != protocol.CodeAgentMismatch {
			t.Error(err)
		}
	})
	t.Run("IDN-03 a platform agent's binding", func(t *testing.T) {
		s := newScene(t, nil)
		client := s.client(func(c *agentauth.TransportConfig) { c.Credential = s.credential(nil) })
		bind := func(principal string) string {
			raw, err := identity.IssueBinding(s.provider.Signer(keys.IssueIdentity), identity.Binding{
				ID: "b1", Issuer: s.provider.DID.String(), Agent: s.agent.DID.String(), Principal: principal, Audience: shopDID,
				IssuedAt: time.Now(), Expires: time.Now().Add(5 * time.Minute), Thumbprint: s.agent.Signer(keys.AgentRequest).Public().Thumbprint(),
			})
			if err != nil {
				t.Fatal(err)
			}
			return string(raw)
		}
		for _, header := range []string{bind(annDID), bind("did:act:bank.example/bob"), ""} {
			req := request(t, "GET", s.server.URL+"/for-ann", "")
			if header != "" {
				req.Header.Set(agentauth.HeaderBinding, header)
			}
			if status, code := do(t, client, req); status != 200 {
				t.Errorf("%d %s", status, code)
			}
		}
		for i, want := range []string{" for Ann", " principal_mismatch", " field_missing"} {
			if !strings.HasSuffix(s.seen[i], want) {
				t.Errorf("%s, want%s", s.seen[i], want)
			}
		}
	})
}

// signed is a request as the transport would send it, for a thief to change.
func (s *scene) signed(method, path, body string) *http.Request {
	s.t.Helper()
	var caught *http.Request
	transport, err := agentauth.NewTransport(agentauth.TransportConfig{
		Signer: s.agent.Signer(keys.AgentRequest), Credential: s.credential(nil),
		Base: roundTripper(func(r *http.Request) (*http.Response, error) {
			caught = r
			return nil, io.EOF
		}),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := transport.RoundTrip(request(s.t, method, s.server.URL+path, body)); err != io.EOF {
		s.t.Fatal(err)
	}
	return caught
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestChangedRequestsRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*scene, *http.Request)
		status int
		code   string
	}{
		{"IDN-04 method", func(_ *scene, r *http.Request) { r.Method = "PUT" }, 401, "signature_invalid"},
		{"IDN-04 path", func(_ *scene, r *http.Request) { r.URL.Path = "/other" }, 401, "signature_invalid"},
		{"IDN-04 query", func(_ *scene, r *http.Request) { r.URL.RawQuery = "x=2" }, 401, "signature_invalid"},
		{"IDN-04 body", func(_ *scene, r *http.Request) { r.Body = io.NopCloser(strings.NewReader("hullo")) }, 400, "field_invalid"},
		{"IDN-04 credential taken away", func(_ *scene, r *http.Request) { r.Header.Del(agentauth.HeaderCredential) }, 400, "field_missing"},
		{"IDN-04 credential exchanged", func(s *scene, r *http.Request) {
			r.Header.Set(agentauth.HeaderCredential, string(s.credential(func(c *identity.Credential) { c.ID = "c2" })))
		}, 401, "signature_invalid"},
		{"IDN-04 a binding that was not signed", func(s *scene, r *http.Request) {
			r.Header.Set(agentauth.HeaderBinding, string(s.credential(nil)))
		}, 400, "field_missing"},
		{"two credentials", func(s *scene, r *http.Request) {
			r.Header.Add(agentauth.HeaderCredential, string(s.credential(nil)))
		}, 400, "malformed"},
		{"a very long credential", func(_ *scene, r *http.Request) {
			r.Header.Set(agentauth.HeaderCredential, strings.Repeat("a", 5000))
		}, 400, "too_large"},
		{"signature taken away", func(_ *scene, r *http.Request) { r.Header.Del("Signature") }, 401, "signature_invalid"},
		{"not signed", func(_ *scene, r *http.Request) { r.Header.Del("Signature-Input") }, 401, "signature_invalid"},
		{"IDN-02 the key is gone from the document", func(s *scene, _ *http.Request) { s.agent.Document.Keys = nil }, 401, "key_unknown"},
		{"IDN-02 the directory is down", func(s *scene, _ *http.Request) { s.dir.SetDown(true) }, 503, "key_unavailable"},
		{"IDN-01 the state is not known", func(s *scene, _ *http.Request) { s.statuses.SetDown(true) }, 503, "status_unavailable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, nil)
			req := s.signed("POST", "/pay?x=1", "hello")
			c.change(s, req)
			if status, code := do(t, http.DefaultClient, req); status != c.status || code != c.code {
				t.Errorf("%d %s, want %d %s", status, code, c.status, c.code)
			}
			if len(s.seen) != 0 {
				t.Error("the handler ran")
			}
		})
	}
}

func TestReplay(t *testing.T) {
	s := newScene(t, nil)
	t.Run("IDN-04 a replay is refused", func(t *testing.T) {
		req := s.signed("GET", "/once", "")
		if status, code := do(t, http.DefaultClient, req); status != 200 {
			t.Fatal(status, code)
		}
		if status, code := do(t, http.DefaultClient, req); status != 409 || code != "replayed" {
			t.Error(status, code)
		}
	})
	t.Run("IDN-04 of many at once, one", func(t *testing.T) {
		req := s.signed("GET", "/race", "")
		var wg sync.WaitGroup
		statuses := make(chan int, 32)
		for range cap(statuses) {
			wg.Go(func() {
				status, _ := do(t, http.DefaultClient, req.Clone(context.Background()))
				statuses <- status
			})
		}
		wg.Wait()
		close(statuses)
		ok := 0
		for status := range statuses {
			if status == 200 {
				ok++
			}
		}
		if ok != 1 {
			t.Errorf("%d passed", ok)
		}
	})
	t.Run("IDN-04 a wrong signature burns no nonce", func(t *testing.T) {
		req := s.signed("GET", "/nonce", "")
		spoiled := req.Clone(context.Background())
		spoiled.URL.Path = "/other"
		if status, code := do(t, http.DefaultClient, spoiled); code != "signature_invalid" {
			t.Error(status, code)
		}
		if status, code := do(t, http.DefaultClient, req); status != 200 {
			t.Error(status, code)
		}
	})
	t.Run("IDN-04 for another server", func(t *testing.T) {
		other := newScene(t, nil)
		other.dir.Add(s.agent)
		req := s.signed("GET", "/", "")
		req.URL.Host = other.authority // Host as the agent signed it
		if status, code := do(t, http.DefaultClient, req); status != 401 || code != "signature_invalid" {
			t.Error(status, code)
		}
	})
}

func TestBodies(t *testing.T) {
	s := newScene(t, func(c *agentauth.Config) { c.MaxBody = 8 })
	client := s.client(nil)
	if status, code := do(t, client, request(t, "POST", s.server.URL+"/", "12345678")); status != 200 {
		t.Error(status, code)
	}
	for name, body := range map[string]io.Reader{"known length": strings.NewReader("123456789"), "unknown length": io.MultiReader(strings.NewReader("123456789"))} {
		req, err := http.NewRequest("POST", s.server.URL+"/", body)
		if err != nil {
			t.Fatal(err)
		}
		if status, code := do(t, client, req); status != 400 || code != "too_large" {
			t.Errorf("%s: %d %s", name, status, code)
		}
	}
	small := s.client(func(c *agentauth.TransportConfig) { c.MaxBody = 4 })
	if _, err := small.Post(s.server.URL, "text/plain", strings.NewReader("12345")); protocol.CodeOf(err) != protocol.CodeTooLarge {
		t.Errorf("the agent's own limit: %v", err)
	}
}

func TestTransportLeavesTheRequestAlone(t *testing.T) {
	s := newScene(t, nil)
	req := request(t, "POST", s.server.URL+"/", "hello")
	if status, code := do(t, s.client(nil), req); status != 200 {
		t.Error(status, code)
	}
	if len(req.Header) != 0 {
		t.Errorf("the caller's request was changed: %v", req.Header)
	}
	signed := s.signed("GET", "/", "")
	before := signed.Header.Get("Signature")
	transport, err := agentauth.NewTransport(agentauth.TransportConfig{
		Signer: s.agent.Signer(keys.AgentRequest),
		Base: roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.Header.Get("Signature") != before {
				t.Error("signed twice")
			}
			return nil, io.EOF
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := transport.RoundTrip(signed); err != io.EOF {
		t.Error(err)
	}
}

func TestConfigRefused(t *testing.T) {
	s := newScene(t, nil)
	for name, c := range map[string]agentauth.TransportConfig{
		"no signer":     {},
		"wrong purpose": {Signer: s.provider.Signer(keys.IssueAuthorization)},
		"lifetime":      {Signer: s.agent.Signer(keys.AgentRequest), Lifetime: time.Hour},
		"credential":    {Signer: s.agent.Signer(keys.AgentRequest), Credential: []byte("x")},
	} {
		if rt, err := agentauth.NewTransport(c); err == nil || rt != nil {
			t.Errorf("%s: accepted", name)
		}
	}
	v, err := verifier.New(verifier.Config{Issuers: verifier.SelfIssued{}, Keys: s.dir, Status: s.statuses})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]agentauth.Config{
		"nothing": {}, "no authority": {Verifier: v}, "no verifier": {Authority: "x"},
		"capabilities of nobody": {Verifier: v, Authority: "x", Capabilities: []string{"act:pay"}},
		"a negative limit":       {Verifier: v, Authority: "x", MaxBody: -1},
	} {
		if g, err := agentauth.NewGuard(c); err == nil || g != nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
