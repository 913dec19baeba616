package overview

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"time"
)

const (
	cookieName = "__Host-act-desk" // the prefix makes browsers hold us to Secure and Path
	sessionFor = 12 * time.Hour
)

// session makes and checks the cookie: an end, and a MAC of it by a key that is
// derived from the operator's token.
type session struct {
	token [sha256.Size]byte
	key   []byte
	now   func() time.Time
}

func newSession(token string, now func() time.Time) session {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte("act-go/1 desk-session"))
	return session{sha256.Sum256([]byte(token)), mac.Sum(nil), now}
}

// knows reports whether somebody showed the operator's token. It takes the same
// time for every wrong one.
func (s session) knows(token string) bool {
	shown := sha256.Sum256([]byte(strings.TrimSpace(token)))
	return subtle.ConstantTimeCompare(shown[:], s.token[:]) == 1
}

func (s session) mac(end []byte) []byte {
	m := hmac.New(sha256.New, s.key)
	m.Write(end)
	return m.Sum(nil)
}

// cookie is one that holds from now on.
func (s session) cookie() *http.Cookie {
	end := binary.BigEndian.AppendUint64(nil, uint64(s.now().Add(sessionFor).Unix()))
	return s.written(base64.RawURLEncoding.EncodeToString(append(end, s.mac(end)...)), int(sessionFor/time.Second))
}

// gone makes a browser forget the cookie.
func (s session) gone() *http.Cookie { return s.written("", -1) }

func (s session) written(value string, age int) *http.Cookie {
	return &http.Cookie{Name: cookieName, Value: value, Path: "/", MaxAge: age, Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode}
}

// holds reports whether a request has a cookie of ours whose time is not over.
func (s session) holds(r *http.Request) bool {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(c.Value)
	if err != nil || len(b) != 8+sha256.Size || !hmac.Equal(b[8:], s.mac(b[:8])) {
		return false
	}
	end := binary.BigEndian.Uint64(b[:8])
	return end > uint64(s.now().Unix()) && end <= uint64(s.now().Add(sessionFor).Unix())
}
