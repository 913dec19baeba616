package live_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// rewritten is an issuer whose status list is answered in another way.
func rewritten(answer func(w http.ResponseWriter, list []byte)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasPrefix(r.URL.Path, "/status/") {
				next.ServeHTTP(w, r)
				return
			}
			kept := httptest.NewRecorder()
			next.ServeHTTP(kept, r)
			answer(w, kept.Body.Bytes())
		})
	}
}

// Each defect of an issuer is noticed by the checks that should notice it.
func TestBrokenIssuer(t *testing.T) {
	var mu sync.Mutex
	var first []byte
	stale := rewritten(func(w http.ResponseWriter, list []byte) {
		mu.Lock()
		defer mu.Unlock()
		if first == nil {
			first = bytes.Clone(list)
		}
		w.Header().Set("Content-Type", "application/statuslist+jwt")
		_, _ = w.Write(first)
	})
	for _, test := range []struct {
		name         string
		front        func(http.Handler) http.Handler
		notice, pass []string
	}{
		{"never tells of a change", stale, []string{"state/001", "state/002", "state/005", "state/007"}, []string{"list/001", "mandate/001"}},
		{"a line feed behind the token", rewritten(func(w http.ResponseWriter, list []byte) { _, _ = w.Write(append(list, '\n')) }),
			[]string{"list/001", "list/006"}, []string{"mandate/001", "document/001"}},
		{"a forged list", rewritten(func(w http.ResponseWriter, list []byte) {
			list[len(list)-4] ^= 1 // still a letter, and another signature
			_, _ = w.Write(list)
		}), []string{"list/001", "state/001"}, []string{"mandate/001"}},
		{"another content type", rewritten(func(w http.ResponseWriter, list []byte) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write(list)
		}), []string{"list/009"}, []string{"list/001", "state/001"}},
		{"no document", func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "did.json") {
					http.NotFound(w, r)
					return
				}
				next.ServeHTTP(w, r)
			})
		}, []string{"document/001", "mandate/001", "list/001"}, []string{"mandate/002"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := testIssuer(t, test.front)
			s.Issuer.Within = 1
			caught(t, s, prefixed("live/issuer/", test.notice), prefixed("live/issuer/", test.pass))
		})
	}
}
