package overview

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"time"

	"github.com/actprotocol/act-go/provider"
)

const (
	cookieName = "__Host-act-desk" // the prefix makes browsers hold us to Secure and Path
	sessionFor = 12 * time.Hour

	idSize     = 16
	cookieSize = 8 + idSize + sha256.Size
)

// A session is what a cookie says: its end, and a name of its own, by which it
// can be ended before.
type session struct {
	id  string
	end time.Time
}

// A door makes and checks cookies. A cookie holds a session and a MAC of it by a
// key that is derived from the operator's token, so that sessions survive a
// restart, and hold at every process that shares the token. One that was ended
// stays so, there too: its name is kept in the book, as a nonce that is used,
// until its time would have been over.
type door struct {
	token [sha256.Size]byte
	key   []byte
	book  Book
	now   func() time.Time
}

func newDoor(c Config) door {
	mac := hmac.New(sha256.New, []byte(c.Token))
	mac.Write([]byte("act-go/1 desk-session"))
	return door{sha256.Sum256([]byte(c.Token)), mac.Sum(nil), c.Book, c.Now}
}

// knows reports whether somebody showed the operator's token. It takes the same
// time for every wrong one.
func (d door) knows(token string) bool {
	shown := sha256.Sum256([]byte(strings.TrimSpace(token)))
	return subtle.ConstantTimeCompare(shown[:], d.token[:]) == 1
}

func (d door) mac(said []byte) []byte {
	m := hmac.New(sha256.New, d.key)
	m.Write(said)
	return m.Sum(nil)
}

// cookie begins a session.
func (d door) cookie() *http.Cookie {
	var id [idSize]byte
	rand.Read(id[:])
	return d.named(id)
}

// named begins the session of that name.
func (d door) named(id [idSize]byte) *http.Cookie {
	said := binary.BigEndian.AppendUint64(make([]byte, 0, cookieSize), uint64(d.now().Add(sessionFor).Unix()))
	said = append(said, id[:]...)
	return written(base64.RawURLEncoding.EncodeToString(append(said, d.mac(said)...)), int(sessionFor/time.Second))
}

// gone makes a browser forget the cookie.
func gone() *http.Cookie { return written("", -1) }

func written(value string, age int) *http.Cookie {
	return &http.Cookie{Name: cookieName, Value: value, Path: "/", MaxAge: age, Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode}
}

// read is the session of a request that has a cookie of ours whose time is not
// over.
func (d door) read(r *http.Request) (session, bool) {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return session{}, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(c.Value)
	if err != nil || len(b) != cookieSize || !hmac.Equal(b[8+idSize:], d.mac(b[:8+idSize])) {
		return session{}, false
	}
	end, now := time.Unix(int64(binary.BigEndian.Uint64(b[:8])), 0), d.now()
	return session{base64.RawURLEncoding.EncodeToString(b[8 : 8+idSize]), end}, end.After(now) && !end.After(now.Add(sessionFor))
}

// holds reports whether a request belongs to a session that nobody has ended.
// While the book does not answer, none does.
func (d door) holds(r *http.Request) bool {
	s, ok := d.read(r)
	if !ok {
		return false
	}
	_, err := d.book.Lookup(r.Context(), provider.Request{Agent: scope, ID: s.id, Digest: scope, Nonce: s.nonce()})
	return err == nil
}

// end ends the session of a request, if it has one.
func (d door) end(r *http.Request) {
	if s, ok := d.read(r); ok {
		_ = d.book.Use(context.WithoutCancel(r.Context()), scope, s.id, s.end) // ended before is as good
	}
}

// scope is that of the nonces by which sessions are ended. It is no DID, so
// that no message is in its way.
const scope = "desk-session"

func (s session) nonce() provider.Nonce {
	return provider.Nonce{Scope: scope, Value: s.id, Until: s.end}
}
