package overview

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// FuzzCookie: no text but our own cookie's opens the door.
func FuzzCookie(f *testing.F) {
	now := time.Date(2026, 11, 23, 17, 0, 0, 0, time.UTC)
	s := newSession("operator-token-of-these-tests-0123456789", func() time.Time { return now })
	good := s.cookie().Value
	f.Add(good)
	f.Fuzz(func(t *testing.T, value string) {
		r := httptest.NewRequest("GET", Path, nil)
		r.Header.Set("Cookie", cookieName+"="+value)
		sent, err := r.Cookie(cookieName)
		if got, want := s.holds(r), err == nil && sent.Value == good; got != want {
			t.Errorf("%q: %v", value, got)
		}
		r.Header = http.Header{}
		if s.holds(r) {
			t.Error("no cookie opens the door")
		}
	})
}
