package stage

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
)

// A Wiretap stands between a client and the network: it shows the messages to
// the narrator, and keeps the last ones for the attackers of a story, who are
// assumed to see everything. A nil one stands nowhere.
type Wiretap struct {
	Story *Narrator

	mu    sync.Mutex
	sent  map[string][]byte // body of the last request, by the end of its path
	proof string            // the last Payment-Proof
	cuts  map[string]Cut    // what happens to the next request, by the end of its path
	all   []sending
}

// A Cut is a failure of the network.
type Cut int

// The failures: the request never arrives, or it is carried out and the answer
// never comes back. Who sent it cannot tell the two apart.
const (
	LoseRequest Cut = iota + 1
	LoseAnswer
)

// errCut is all that the sender sees of a failure.
var errCut = errors.New("the connection was cut")

// Cut makes the next request to a path that ends so fail.
func (t *Wiretap) Cut(path string, c Cut) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cuts == nil {
		t.cuts = map[string]Cut{}
	}
	t.cuts[path] = c
}

// takeCut returns the failure that a request is to meet, if any, once.
func (t *Wiretap) takeCut(r *http.Request) Cut {
	t.mu.Lock()
	defer t.mu.Unlock()
	path := lastSegment(r)
	c := t.cuts[path]
	delete(t.cuts, path)
	return c
}

// lastSegment is the end of a request's path.
func lastSegment(r *http.Request) string {
	return r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
}

// Over is a transport that the wiretap stands before.
func (t *Wiretap) Over(base http.RoundTripper) http.RoundTripper {
	if t == nil {
		return base
	}
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		cut := t.takeCut(r)
		if cut == LoseRequest {
			return nil, errCut
		}
		if err := t.request(r); err != nil {
			return nil, err
		}
		response, err := base.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		if cut == LoseAnswer {
			response.Body.Close()
			return nil, errCut
		}
		return response, t.response(r, response)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (t *Wiretap) request(r *http.Request) error {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return err
		}
		r.Body.Close()
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	proof := r.Header.Get("Payment-Proof")
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sent == nil {
		t.sent = map[string][]byte{}
	}
	t.sent[lastSegment(r)] = body
	t.keep(r, body)
	if proof != "" {
		t.proof = proof
	}
	t.Story.Message("→ "+r.Method+" "+r.URL.String(), body)
	if proof != "" {
		t.Story.Message("→ Payment-Proof", []byte(proof))
	}
	return nil
}

func (t *Wiretap) response(r *http.Request, response *http.Response) error {
	var body []byte
	var err error
	label := "← " + response.Status + " from " + r.URL.Host
	if response.ContentLength < 0 && response.StatusCode < http.StatusBadRequest {
		response.Body = &watched{ReadCloser: response.Body, story: t.Story, label: label}
	} else {
		body, err = io.ReadAll(response.Body)
		response.Body.Close()
		response.Body = io.NopCloser(bytes.NewReader(body))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if body != nil {
		t.Story.Message(label, body)
	}
	for _, name := range []string{"Payment-Needed", "Payment-Validation"} {
		if value := response.Header.Get(name); value != "" {
			t.Story.Message("← "+name, []byte(value))
		}
	}
	return err
}

// Last returns the body of the last request to a path that ends so.
func (t *Wiretap) Last(path string) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sent[path]
}

// LastProof returns the last Payment-Proof.
func (t *Wiretap) LastProof() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.proof
}
