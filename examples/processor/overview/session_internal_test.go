package overview

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/actprotocol/act-go/provider"
)

// ended is a book in which no session was ended.
type ended struct{ Book }

func (ended) Lookup(context.Context, provider.Request) (*provider.Trade, error) { return nil, nil }

// FuzzCookie: no text but our own cookie's opens the door.
func FuzzCookie(f *testing.F) {
	now := time.Date(2026, 11, 23, 17, 0, 0, 0, time.UTC)
	s := newDoor(Config{Token: "operator-token-of-these-tests-0123456789", Book: ended{}, Now: func() time.Time { return now }})
	// The same in each process of the fuzzer: one of another name would be ours
	// too, and open the door rightly.
	good := s.named([idSize]byte{1}).Value
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
