package verifier_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

func publicKey(t testing.TB) keys.PublicKey {
	t.Helper()
	private, err := keys.Generate(keys.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	public, err := keys.NewPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return public
}

// didHost is a real server of one DID document whose behaviour a test changes.
type didHost struct {
	did     identity.DID
	pool    *x509.CertPool
	fetches atomic.Int32

	mu     sync.Mutex
	answer http.HandlerFunc
}

func newDIDHost(t testing.TB) *didHost {
	t.Helper()
	h := &didHost{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/act/agent/did.json", func(w http.ResponseWriter, r *http.Request) {
		h.fetches.Add(1)
		h.mu.Lock()
		answer := h.answer
		h.mu.Unlock()
		answer(w, r)
	})
	mux.HandleFunc("GET /elsewhere", func(w http.ResponseWriter, r *http.Request) {
		t.Error("a redirect was followed")
	})
	pool, host := newTLSServer(t, mux)
	did, err := identity.NewActDID(host, "agent")
	if err != nil {
		t.Fatal(err)
	}
	h.pool, h.did = pool, did
	h.serve(h.document(t, publicKey(t)))
	return h
}

func (h *didHost) document(t testing.TB, public keys.PublicKey) []byte {
	t.Helper()
	doc := &identity.Document{ID: h.did, Keys: []identity.Key{{ID: h.did.String() + "#k1", Public: public, Purpose: keys.AgentRequest}}}
	b, err := doc.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (h *didHost) serve(body []byte) {
	h.with(func(w http.ResponseWriter, _ *http.Request) { w.Write(body) })
}

func (h *didHost) with(f http.HandlerFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = f
}

func (h *didHost) key(r *verifier.Resolver, fragment string) (keys.PublicKey, error) {
	return r.Key(context.Background(), h.did.String()+"#"+fragment, keys.AgentRequest, time.Now())
}

func TestResolver(t *testing.T) {
	t.Run("IDN-02 a document is fetched once and used", func(t *testing.T) {
		h := newDIDHost(t)
		want := publicKey(t)
		h.serve(h.document(t, want))
		r := verifier.NewResolver(verifier.ResolverConfig{RootCAs: h.pool, InsecureAllowLoopback: true})
		for range 3 {
			got, err := h.key(r, "k1")
			if err != nil || !got.Equal(want) {
				t.Fatalf("key: %v", err)
			}
		}
		if n := h.fetches.Load(); n != 1 {
			t.Errorf("%d fetches, want 1", n)
		}
	})
	t.Run("IDN-02 did:key needs no network", func(t *testing.T) {
		public := publicKey(t)
		did, err := identity.DIDFromKey(public)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := identity.ResolveKeyDID(did)
		if err != nil {
			t.Fatal(err)
		}
		r := verifier.NewResolver(verifier.ResolverConfig{})
		got, err := r.Key(context.Background(), doc.Keys[0].ID, keys.AgentRequest, time.Now())
		if err != nil || !got.Equal(public) {
			t.Fatalf("key: %v", err)
		}
		_, err = r.Key(context.Background(), doc.Keys[0].ID, keys.IssueAuthorization, time.Now())
		wantCode(t, err, protocol.CodeKeyPurpose)
	})
	t.Run("IDN-02 what a hostile server may answer", testHostileAnswers)
	t.Run("IDN-02 a burst is one fetch", testBurst)
	t.Run("IDN-02 caching", testResolverCache)
}

func testHostileAnswers(t *testing.T) {
	big := bytes.Repeat([]byte(" "), 64<<10)
	var bomb bytes.Buffer
	zw := gzip.NewWriter(&bomb)
	for range 1024 {
		zw.Write(make([]byte, 64<<10))
	}
	zw.Close()
	for _, c := range []struct {
		name   string
		answer func(h *didHost) http.HandlerFunc
	}{
		{"oversize", func(h *didHost) http.HandlerFunc {
			body := append(h.document(t, publicKey(t)), big...)
			return func(w http.ResponseWriter, _ *http.Request) { w.Write(body) }
		}},
		{"compression bomb", func(*didHost) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				w.Write(bomb.Bytes())
			}
		}},
		{"huge header", func(h *didHost) http.HandlerFunc {
			body := h.document(t, publicKey(t))
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Big", strings.Repeat("x", 32<<10))
				w.Write(body)
			}
		}},
		{"redirect", func(*didHost) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }
		}},
		{"redirect with a body", func(h *didHost) http.HandlerFunc {
			body := h.document(t, publicKey(t))
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "http://169.254.169.254/latest/meta-data/")
				w.WriteHeader(http.StatusTemporaryRedirect)
				w.Write(body)
			}
		}},
		{"wrong id", func(h *didHost) http.HandlerFunc {
			body := bytes.ReplaceAll(h.document(t, publicKey(t)), []byte("/agent"), []byte("/other"))
			return func(w http.ResponseWriter, _ *http.Request) { w.Write(body) }
		}},
		{"not found", func(*didHost) http.HandlerFunc { return http.NotFound }},
		{"not a document", func(*didHost) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>hello</html>")) }
		}},
		{"slow headers", func(*didHost) http.HandlerFunc {
			return func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		}},
		{"slow body", func(h *didHost) http.HandlerFunc {
			body := h.document(t, publicKey(t))
			return func(w http.ResponseWriter, r *http.Request) {
				for _, b := range body {
					w.Write([]byte{b})
					w.(http.Flusher).Flush()
					select {
					case <-r.Context().Done():
						return
					case <-time.After(50 * time.Millisecond):
					}
				}
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newDIDHost(t)
			h.with(c.answer(h))
			r := verifier.NewResolver(verifier.ResolverConfig{RootCAs: h.pool, InsecureAllowLoopback: true, Timeout: 300 * time.Millisecond})
			start := time.Now()
			key, err := h.key(r, "k1")
			wantCode(t, err, protocol.CodeKeyUnavailable)
			if !errors.Is(err, protocol.ErrUndetermined) || !key.IsZero() {
				t.Errorf("a failed fetch must be undetermined and give no key: %v", err)
			}
			if d := time.Since(start); d > 3*time.Second {
				t.Errorf("took %v", d)
			}
			if strings.Contains(err.Error(), "localhost") || strings.Contains(err.Error(), "agent") {
				t.Errorf("the error repeats input: %v", err)
			}
		})
	}
}

func TestResolverRefusesPrivateAddresses(t *testing.T) {
	t.Run("IDN-02 loopback is refused without InsecureAllowLoopback", func(t *testing.T) {
		h := newDIDHost(t)
		r := verifier.NewResolver(verifier.ResolverConfig{RootCAs: h.pool})
		_, err := h.key(r, "k1")
		wantCode(t, err, protocol.CodeKeyUnavailable)
		wantCause(t, err, verifier.ErrAddressRefused)
		_, err = h.key(r, "k1") // the failure that is remembered has its cause too
		wantCause(t, err, verifier.ErrAddressRefused)
		if n := h.fetches.Load(); n != 0 {
			t.Errorf("%d requests reached the server", n)
		}
	})
	t.Run("IDN-02 a certificate that nobody trusts", func(t *testing.T) {
		h := newDIDHost(t)
		r := verifier.NewResolver(verifier.ResolverConfig{RootCAs: x509.NewCertPool(), InsecureAllowLoopback: true})
		_, err := h.key(r, "k1")
		wantCode(t, err, protocol.CodeKeyUnavailable)
		wantCause(t, err, verifier.ErrCertificate)
		wantCause(t, err, verifier.ErrUnreachable) // for the grace of ADD-IAC-LCM-08
		if n := h.fetches.Load(); n != 0 {
			t.Errorf("%d requests reached the server", n)
		}
	})
}

// wantCause: an operator can tell why, and the error's text does not.
func wantCause(t *testing.T, err, cause error) {
	t.Helper()
	if !errors.Is(err, cause) {
		t.Errorf("the cause is not %q", cause)
	}
	if strings.Contains(err.Error(), cause.Error()) {
		t.Errorf("the cause is printed: %v", err)
	}
}

func testBurst(t *testing.T) {
	h := newDIDHost(t)
	body := h.document(t, publicKey(t))
	h.with(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(100 * time.Millisecond)
		w.Write(body)
	})
	r := verifier.NewResolver(verifier.ResolverConfig{RootCAs: h.pool, InsecureAllowLoopback: true})
	var wg sync.WaitGroup
	var failed atomic.Int32
	for range 50 {
		wg.Go(func() {
			if _, err := h.key(r, "k1"); err != nil {
				failed.Add(1)
			}
		})
	}
	wg.Wait()
	if n := h.fetches.Load(); n != 1 || failed.Load() != 0 {
		t.Errorf("%d fetches and %d failures, want 1 and 0", n, failed.Load())
	}
	// A caller who leaves early does not spoil the fetch for the others.
	r = verifier.NewResolver(verifier.ResolverConfig{RootCAs: h.pool, InsecureAllowLoopback: true})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	wg.Go(func() {
		_, err := r.Key(ctx, h.did.String()+"#k1", keys.AgentRequest, time.Now())
		wantCode(t, err, protocol.CodeKeyUnavailable)
	})
	time.Sleep(20 * time.Millisecond)
	if _, err := h.key(r, "k1"); err != nil {
		t.Errorf("the second caller: %v", err)
	}
	wg.Wait()
}

func testResolverCache(t *testing.T) {
	h := newDIDHost(t)
	var offset atomic.Int64
	base := time.Now()
	r := verifier.NewResolver(verifier.ResolverConfig{RootCAs: h.pool, InsecureAllowLoopback: true,
		Now: func() time.Time { return base.Add(time.Duration(offset.Load())) }})
	step := func(d time.Duration, fragment string, code protocol.Code, fetches int32, what string) {
		t.Helper()
		offset.Add(int64(d))
		_, err := h.key(r, fragment)
		if got := protocol.CodeOf(err); got != code || h.fetches.Load() != fetches {
			t.Fatalf("%s: code %q after %d fetches, want %q after %d", what, got, h.fetches.Load(), code, fetches)
		}
	}
	step(0, "k1", "", 1, "first use")
	step(time.Second, "k2", protocol.CodeKeyUnknown, 1, "an unknown key and a copy one second old")
	step(5*time.Second, "k2", protocol.CodeKeyUnknown, 2, "an unknown key and a copy six seconds old")
	for range 5 {
		step(0, "k2", protocol.CodeKeyUnknown, 2, "no more than one fetch in five seconds")
	}
	step(5*time.Minute, "k1", "", 3, "a copy over its age")

	good := h.document(t, publicKey(t))
	h.with(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	step(10*time.Second, "k2", protocol.CodeKeyUnavailable, 4, "an unknown key while the server is down")
	step(time.Second, "k2", protocol.CodeKeyUnavailable, 4, "a failure is remembered")
	step(0, "k1", "", 4, "a young copy survives a failure")
	step(5*time.Minute, "k1", protocol.CodeKeyUnavailable, 5, "an old copy is not used when the server is down")
	h.serve(good)
	step(4*time.Second, "k1", protocol.CodeKeyUnavailable, 5, "a failure is remembered")
	step(time.Second, "k1", "", 6, "but not for long")
	step(-time.Hour, "k1", "", 7, "after the clock went back nothing is known of the age")
}
