package verifier_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

const (
	statusKey   = bankDID + "#status"
	providerDID = "did:act:status.example/lists"
)

// statusHost is a real server of one status list.
type statusHost struct {
	*world
	pool    *x509.CertPool
	uri     string
	fetches atomic.Int32

	mu     sync.Mutex
	answer http.HandlerFunc
}

func newStatusHost(t testing.TB) *statusHost {
	t.Helper()
	h := &statusHost{world: newWorld(t, keys.EdDSA)}
	h.key(providerDID, "status", keys.Status)
	pool, host := newTLSServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/status/1" {
			t.Error("a redirect was followed")
			return
		}
		h.fetches.Add(1)
		h.mu.Lock()
		answer := h.answer
		h.mu.Unlock()
		answer(w, r)
	}))
	h.pool, h.uri = pool, "https://"+host+"/status/1"
	h.serve(h.list(statusKey, delegation.StatusActive, 0, time.Minute, 10*time.Minute))
	return h
}

// list signs a list whose entry 3 has a status, issued after a while.
func (h *statusHost) list(keyID string, s delegation.Status, after, ttl, life time.Duration) []byte {
	h.t.Helper()
	l := delegation.NewStatusList(64)
	if err := l.Set(3, s); err != nil {
		h.t.Fatal(err)
	}
	raw, err := delegation.SignStatusList(h.signers[keyID], h.uri, l, epoch.Add(after), epoch.Add(after+life), ttl)
	if err != nil {
		h.t.Fatal(err)
	}
	return raw
}

func (h *statusHost) with(f http.HandlerFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = f
}

func (h *statusHost) serve(body []byte) {
	h.with(func(w http.ResponseWriter, _ *http.Request) { w.Write(body) })
}

func (h *statusHost) down() {
	h.with(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
}

func (h *statusHost) client(change func(*verifier.StatusConfig)) *verifier.StatusClient {
	h.t.Helper()
	c := verifier.StatusConfig{Keys: h.docs, RootCAs: h.pool, InsecureAllowLoopback: true, Now: h.clock, Timeout: 300 * time.Millisecond}
	change(&c)
	s, err := verifier.NewStatusClient(c)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

func (h *statusHost) ask(c *verifier.StatusClient, index int) (delegation.Status, error) {
	return c.Status(context.Background(), delegation.StatusReference{Index: index, URI: h.uri}, bankDID, h.clock())
}

func plain(*verifier.StatusConfig) {}

func TestStatusClient(t *testing.T) {
	for _, s := range []delegation.Status{delegation.StatusActive, delegation.StatusRevoked, delegation.StatusSuspended} {
		t.Run(fmt.Sprint("ADD-IAC-LCM-06 status ", s), func(t *testing.T) {
			h := newStatusHost(t)
			h.serve(h.list(statusKey, s, 0, time.Minute, time.Hour))
			if got, err := h.ask(h.client(plain), 3); err != nil || got != s {
				t.Errorf("%d, %v", got, err)
			}
		})
	}
	t.Run("ADD-IAC-LCM-10 used for ttl, 60 seconds at most, and never past exp", func(t *testing.T) {
		for _, c := range []struct{ ttl, life, used time.Duration }{
			{10 * time.Second, time.Hour, 10 * time.Second},
			{time.Hour, 2 * time.Hour, time.Minute},
			{time.Minute, 20 * time.Second, 20 * time.Second},
		} {
			h := newStatusHost(t)
			h.serve(h.list(statusKey, delegation.StatusActive, 0, c.ttl, c.life))
			client := h.client(plain)
			for range 3 {
				if _, err := h.ask(client, 3); err != nil {
					t.Fatal(err)
				}
			}
			h.pass(c.used - time.Nanosecond)
			h.ask(client, 3)
			if n := h.fetches.Load(); n != 1 {
				t.Errorf("ttl %v, life %v: %d fetches, want 1", c.ttl, c.life, n)
			}
			h.pass(time.Nanosecond)
			h.ask(client, 3)
			if n := h.fetches.Load(); n != 2 {
				t.Errorf("ttl %v, life %v: %d fetches after %v, want 2", c.ttl, c.life, n, c.used)
			}
		}
	})
	t.Run("ADD-IAC-LCM-10 iat never goes back", func(t *testing.T) {
		h := newStatusHost(t)
		client := h.client(plain)
		h.pass(2 * time.Minute)
		h.serve(h.list(statusKey, delegation.StatusRevoked, 2*time.Minute, time.Second, time.Hour))
		if s, err := h.ask(client, 3); err != nil || s != delegation.StatusRevoked {
			t.Fatal(s, err)
		}
		h.pass(time.Minute)
		h.serve(h.list(statusKey, delegation.StatusActive, 0, time.Second, time.Hour)) // an old one, still in its life
		_, err := h.ask(client, 3)
		wantCode(t, err, protocol.CodeStatusUnavailable)
	})
	t.Run("a burst is one fetch", func(t *testing.T) {
		h := newStatusHost(t)
		body := h.list(statusKey, delegation.StatusActive, 0, time.Minute, time.Hour)
		h.with(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(50 * time.Millisecond)
			w.Write(body)
		})
		client := h.client(plain)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if _, err := h.ask(client, 3); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := h.fetches.Load(); n != 1 {
			t.Errorf("%d fetches, want 1", n)
		}
	})
	t.Run("a configured provider signs in the issuer's place", func(t *testing.T) {
		h := newStatusHost(t)
		h.serve(h.list(providerDID+"#status", delegation.StatusSuspended, 0, time.Minute, time.Hour))
		client := h.client(func(c *verifier.StatusConfig) { c.Providers = map[string]string{bankDID: providerDID} })
		if s, err := h.ask(client, 3); err != nil || s != delegation.StatusSuspended {
			t.Error(s, err)
		}
		_, err := h.ask(h.client(plain), 3) // nobody named it
		wantCode(t, err, protocol.CodeStatusUnavailable)
		h.serve(h.list(statusKey, delegation.StatusActive, 0, time.Minute, time.Hour))
		_, err = h.ask(h.client(func(c *verifier.StatusConfig) { c.Providers = map[string]string{bankDID: providerDID} }), 3)
		wantCode(t, err, protocol.CodeStatusUnavailable)
	})
}

// lstToken signs a list with any lst, as a hostile issuer may.
func (h *statusHost) lstToken(lst string) []byte {
	h.t.Helper()
	payload := fmt.Sprintf(`{"exp":%d,"iat":%d,"iss":"%s","status_list":{"bits":2,"lst":"%s"},"sub":"%s","ttl":60}`,
		epoch.Add(time.Hour).Unix(), epoch.Unix(), bankDID, lst, h.uri)
	raw, err := keys.SignCompact(h.signers[statusKey], keys.Status, keys.TypeStatusList, []byte(payload))
	if err != nil {
		h.t.Fatal(err)
	}
	return raw
}

func TestStatusClientRefuses(t *testing.T) {
	body := func(f func(h *statusHost) []byte) func(h *statusHost) {
		return func(h *statusHost) { h.serve(f(h)) }
	}
	for name, change := range map[string]func(h *statusHost){
		"down":      func(h *statusHost) { h.down() },
		"not found": func(h *statusHost) { h.with(http.NotFound) },
		"redirect": func(h *statusHost) {
			h.with(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/else", http.StatusFound) })
		},
		"slow":                    func(h *statusHost) { h.with(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }) },
		"nonsense":                body(func(*statusHost) []byte { return []byte("hello") }),
		"oversize":                body(func(*statusHost) []byte { return bytes.Repeat([]byte("a"), 1<<17) }),
		"signed by a mandate key": body(func(h *statusHost) []byte { return h.mandate() }),
		"of another address": func(h *statusHost) {
			uri := h.uri
			h.uri += "0"
			list := h.list(statusKey, delegation.StatusActive, 0, time.Minute, time.Hour)
			h.uri = uri
			h.serve(list)
		},
		"expired": body(func(h *statusHost) []byte {
			return h.list(statusKey, delegation.StatusActive, -time.Hour, time.Minute, time.Hour)
		}),
		"from the future": body(func(h *statusHost) []byte {
			return h.list(statusKey, delegation.StatusActive, 2*time.Minute, time.Minute, time.Hour)
		}),
		"signed by another key under the id": body(func(h *statusHost) []byte {
			h.signers[statusKey] = h.signer(statusKey, keys.Status)
			return h.list(statusKey, delegation.StatusActive, 0, time.Minute, time.Hour)
		}),
		"ADD-IAC-ISS-12 key declared for another purpose": func(h *statusHost) { h.edit(statusKey, func(k *identity.Key) { k.Purpose = keys.Seller }) },
		"key retired":       func(h *statusHost) { h.edit(statusKey, func(k *identity.Key) { k.NotAfter = epoch }) },
		"key compromised":   func(h *statusHost) { h.edit(statusKey, func(k *identity.Key) { k.Compromised = true }) },
		"keys out of reach": func(h *statusHost) { delete(h.docs, parseDID(h.t, bankDID)) },
		"decompression bomb": body(func(h *statusHost) []byte {
			var b bytes.Buffer
			z := zlib.NewWriter(&b)
			for range 20 { // 20 MiB in 20 KiB
				z.Write(make([]byte, 1<<20))
			}
			z.Close()
			return h.lstToken(base64.RawURLEncoding.EncodeToString(b.Bytes()))
		}),
		"entry 3 is the reserved value": body(func(h *statusHost) []byte {
			var b bytes.Buffer
			z := zlib.NewWriter(&b)
			z.Write([]byte{0b11000000})
			z.Close()
			return h.lstToken(base64.RawURLEncoding.EncodeToString(b.Bytes()))
		}),
		"list too short": body(func(h *statusHost) []byte {
			var b bytes.Buffer
			z := zlib.NewWriter(&b)
			z.Close()
			return h.lstToken(base64.RawURLEncoding.EncodeToString(b.Bytes()))
		}),
	} {
		t.Run("ADD-IAC-LCM-10 "+name, func(t *testing.T) {
			h := newStatusHost(t)
			change(h)
			s, err := h.ask(h.client(plain), 3)
			wantCode(t, err, protocol.CodeStatusUnavailable)
			if !errors.Is(err, protocol.ErrUndetermined) {
				t.Error("must be undetermined")
			}
			if s != 0 {
				t.Error("a value together with an error")
			}
			if strings.Contains(err.Error(), "localhost") {
				t.Errorf("the error repeats the address: %v", err)
			}
		})
	}
	t.Run("ADD-IAC-LCM-10 an index outside the list", func(t *testing.T) {
		h := newStatusHost(t)
		for _, index := range []int{64, 1 << 20, -1} {
			_, err := h.ask(h.client(plain), index)
			wantCode(t, err, protocol.CodeStatusUnavailable)
		}
	})
	t.Run("loopback is refused without InsecureAllowLoopback", func(t *testing.T) {
		h := newStatusHost(t)
		_, err := h.ask(h.client(func(c *verifier.StatusConfig) { c.InsecureAllowLoopback = false }), 3)
		wantCode(t, err, protocol.CodeStatusUnavailable)
		if h.fetches.Load() != 0 {
			t.Error("the server was reached")
		}
	})
	t.Run("plain http", func(t *testing.T) {
		h := newStatusHost(t)
		h.uri = strings.Replace(h.uri, "https:", "http:", 1)
		_, err := h.ask(h.client(plain), 3)
		wantCode(t, err, protocol.CodeStatusUnavailable)
	})
}

func TestStatusGrace(t *testing.T) {
	setup := func(t *testing.T, grace time.Duration) (*statusHost, *verifier.StatusClient) {
		h := newStatusHost(t)
		client := h.client(func(c *verifier.StatusConfig) { c.Grace = grace })
		h.serve(h.list(statusKey, delegation.StatusActive, 0, time.Minute, 5*time.Minute))
		if _, err := h.ask(client, 3); err != nil {
			t.Fatal(err)
		}
		return h, client
	}
	t.Run("ADD-IAC-LCM-08 no grace by default", func(t *testing.T) {
		h, client := setup(t, 0)
		h.down()
		h.pass(time.Minute)
		_, err := h.ask(client, 3)
		wantCode(t, err, protocol.CodeStatusUnavailable)
	})
	t.Run("ADD-IAC-LCM-08 the last answer, within the grace that was configured", func(t *testing.T) {
		h, client := setup(t, 3*time.Minute)
		h.down()
		h.pass(3*time.Minute - time.Nanosecond)
		if s, err := h.ask(client, 3); err != nil || s != delegation.StatusActive {
			t.Error(s, err)
		}
		h.pass(time.Nanosecond)
		_, err := h.ask(client, 3)
		wantCode(t, err, protocol.CodeStatusUnavailable)
	})
	t.Run("ADD-IAC-LCM-08 not past the end of the list", func(t *testing.T) {
		h, client := setup(t, time.Hour)
		h.down()
		h.pass(5 * time.Minute)
		_, err := h.ask(client, 3)
		wantCode(t, err, protocol.CodeStatusUnavailable)
	})
	t.Run("ADD-IAC-LCM-08 a wrong answer is no silence", func(t *testing.T) {
		h, client := setup(t, 3*time.Minute)
		h.serve([]byte("nonsense"))
		h.pass(2 * time.Minute)
		_, err := h.ask(client, 3)
		wantCode(t, err, protocol.CodeStatusUnavailable)
	})
	t.Run("ADD-IAC-LCM-08 nothing to fall back to", func(t *testing.T) {
		h := newStatusHost(t)
		h.down()
		_, err := h.ask(h.client(func(c *verifier.StatusConfig) { c.Grace = time.Hour }), 3)
		wantCode(t, err, protocol.CodeStatusUnavailable)
	})
	t.Run("what is revoked stays so", func(t *testing.T) {
		h, client := setup(t, 3*time.Minute)
		h.pass(time.Minute)
		h.serve(h.list(statusKey, delegation.StatusRevoked, time.Minute, time.Minute, time.Hour))
		h.ask(client, 3)
		h.down()
		h.pass(2 * time.Minute)
		if s, err := h.ask(client, 3); err != nil || s != delegation.StatusRevoked {
			t.Error(s, err)
		}
	})
	t.Run("a failure is not hammered", func(t *testing.T) {
		h := newStatusHost(t)
		h.down()
		client := h.client(plain)
		for range 10 {
			h.ask(client, 3)
		}
		if n := h.fetches.Load(); n != 1 {
			t.Errorf("%d fetches within a second, want 1", n)
		}
	})
}

func TestNewStatusClientRefuses(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	for name, c := range map[string]struct {
		config verifier.StatusConfig
		want   protocol.Code
	}{
		"no keys":        {verifier.StatusConfig{}, protocol.CodeFieldMissing},
		"negative grace": {verifier.StatusConfig{Keys: w.docs, Grace: -1}, protocol.CodeFieldInvalid},
		"not a DID":      {verifier.StatusConfig{Keys: w.docs, Providers: map[string]string{bankDID: "bank"}}, protocol.CodeFieldInvalid},
		"no provider":    {verifier.StatusConfig{Keys: w.docs, Providers: map[string]string{bankDID: ""}}, protocol.CodeFieldMissing},
	} {
		if _, err := verifier.NewStatusClient(c.config); protocol.CodeOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
