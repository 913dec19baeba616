package stage

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"regexp"
)

// A sending is one request as it left.
type sending struct {
	host string
	text []byte // target, headers and body
}

// keep adds a request to what the wiretap has seen; its lock is held.
func (t *Wiretap) keep(r *http.Request, body []byte) {
	var text bytes.Buffer
	text.WriteString(r.Method + " " + r.URL.String() + "\n")
	_ = r.Header.Write(&text) // never fails
	text.Write(body)
	t.all = append(t.all, sending{r.URL.Host, text.Bytes()})
}

// Volume is how many requests were sent, and how long they were together.
func (t *Wiretap) Volume() (requests, size int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.all {
		size += len(s.text)
	}
	return len(t.all), size
}

// Told reports whether anything that was sent to a host, or to anybody when it
// is empty, holds these bytes: as they are, or in base64, also when that is
// nested as tokens within messages are. It cannot look into what is encrypted,
// and neither can who receives it.
func (t *Wiretap) Told(host string, secret []byte) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.all {
		if (host == "" || host == s.host) && holds(s.text, secret, 4) {
			return true
		}
	}
	return false
}

var alphabets = []struct {
	run      *regexp.Regexp
	encoding *base64.Encoding
}{
	{regexp.MustCompile(`[A-Za-z0-9_-]{8,}`), base64.RawURLEncoding},
	{regexp.MustCompile(`[A-Za-z0-9+/]{8,}`), base64.RawStdEncoding},
}

func holds(text, secret []byte, depth int) bool {
	if bytes.Contains(text, secret) {
		return true
	}
	if depth == 0 {
		return false
	}
	for _, a := range alphabets {
		for _, run := range a.run.FindAll(text, -1) {
			decoded := make([]byte, a.encoding.DecodedLen(len(run)))
			if n, err := a.encoding.Decode(decoded, run); err == nil && holds(decoded[:n], secret, depth-1) {
				return true
			}
		}
	}
	return false
}
