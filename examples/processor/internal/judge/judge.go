// Package judge compares what a processor does over HTTP with its OpenAPI
// document. It is for tests.
//
// A [Judge] sits in the client as an http.RoundTripper and looks at every
// exchange. An answer must be one that the document names for its path, method
// and status, in media type and form; a request that was served must have the
// parameters and the form that the document asks for. An address that the
// document does not have must not be served. Objects in the document are closed,
// so that a member that it does not name is a fault, of the program or of the
// document. The schemas of OpenAPI 3.1 are JSON Schema 2020-12, and a validator
// of that judges them.
//
// It judges no header but the content type, and not what makes a message good
// beyond its form: a request that was refused may have any.
package judge

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// A Judge judges exchanges. It is safe for concurrent use.
type Judge struct {
	next http.RoundTripper
	doc  *Document

	mu     sync.Mutex
	seen   map[string]bool
	faults []string
}

// New returns a judge by a document, in front of a transport. It reports faults
// when the test ends.
func New(t testing.TB, document []byte, next http.RoundTripper) *Judge {
	t.Helper()
	d, err := Read(document)
	if err != nil {
		t.Fatal(err)
	}
	j := &Judge{next: next, doc: d, seen: make(map[string]bool)}
	t.Cleanup(func() {
		for _, f := range j.Faults() {
			t.Errorf("OpenAPI: %s", f)
		}
	})
	return j
}

// Faults are the differences that were found.
func (j *Judge) Faults() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.faults)
}

// Seen lists what was answered, as "POST /path 200".
func (j *Judge) Seen() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Sorted(maps.Keys(j.seen))
}

// RoundTrip implements http.RoundTripper.
func (j *Judge) RoundTrip(r *http.Request) (*http.Response, error) {
	var sent record
	if r.Body != nil && r.Body != http.NoBody {
		body := r.Body
		r = r.Clone(r.Context())
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(body, &sent), body}
	}
	resp, err := j.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	got, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(got))
	if err == nil {
		j.look(r, sent.Bytes(), resp, got)
	}
	return resp, err
}

// record keeps what was sent. A server may answer before it has read all, and the
// transport then still sends.
type record struct {
	mu  sync.Mutex
	all []byte
}

// Write implements io.Writer.
func (w *record) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, b...)
	return len(b), nil
}

// Bytes returns what was sent so far.
func (w *record) Bytes() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.all)
}

// CloseIdleConnections closes those of the transport behind.
func (j *Judge) CloseIdleConnections() { (&http.Client{Transport: j.next}).CloseIdleConnections() }

// look judges one exchange.
func (j *Judge) look(r *http.Request, sent []byte, resp *http.Response, got []byte) {
	path, op := j.doc.operation(r.Method, r.URL.Path)
	var faults []error
	switch s := resp.StatusCode; {
	case op == nil && (s < 400 || s >= 500):
		faults = append(faults, errors.New("the document does not have it"))
	case op != nil:
		if s < 400 {
			faults = append(faults, op.request(r, sent))
		}
		faults = append(faults, op.answer(resp, got))
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if op != nil {
		j.seen[fmt.Sprintf("%s %s %d", r.Method, path, resp.StatusCode)] = true
	}
	if err := errors.Join(faults...); err != nil && len(j.faults) < most {
		j.faults = append(j.faults, fmt.Sprintf("%s %s answered %d: %v", r.Method, r.URL.Path, resp.StatusCode, err))
	}
}

// most is how many faults are kept.
const most = 20

// request judges a request that was served.
func (o *operation) request(r *http.Request, sent []byte) error {
	for name := range r.URL.Query() {
		if !o.query[name] {
			return fmt.Errorf("the query parameter %s is not documented", name)
		}
	}
	if len(sent) == 0 {
		if o.bodyRequired {
			return errors.New("a body is documented, and none was needed")
		}
		return nil
	}
	if len(o.body) != 1 {
		return errors.New("no body is documented")
	}
	for kind, schema := range o.body { // of which there is one: any Content-Type is taken for it
		return judged("request", kind, schema, sent)
	}
	return nil
}

// answer judges an answer.
func (o *operation) answer(resp *http.Response, got []byte) error {
	content, ok := o.answers[fmt.Sprint(resp.StatusCode)]
	if !ok {
		return errors.New("the status is not documented")
	}
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if len(content) == 0 {
		if kind == "application/json" {
			return errors.New("no content is documented")
		}
		return nil // of a redirect, of which browsers show nothing
	}
	schema, ok := content[kind]
	if err != nil || !ok {
		return fmt.Errorf("the content type %q is not documented", kind)
	}
	return judged("answer", kind, schema, got)
}

func judged(what, kind string, schema *jsonschema.Schema, text []byte) error {
	var v any
	var err error
	switch {
	case strings.HasSuffix(kind, "json"):
		v, err = jsonschema.UnmarshalJSON(bytes.NewReader(text))
	case kind == "application/x-www-form-urlencoded":
		v, err = fields(text, schema)
	default:
		v = string(text)
	}
	if err == nil {
		err = schema.Validate(v)
	}
	if err != nil {
		return fmt.Errorf("the %s is not as documented: %w", what, err)
	}
	return nil
}

// fields reads a form as the object that its schema describes: a field that may
// be there several times is an array.
func fields(text []byte, schema *jsonschema.Schema) (any, error) {
	form, err := url.ParseQuery(string(text))
	out := make(map[string]any)
	for name, values := range form {
		if p := schema.Properties[name]; p != nil && p.Types != nil && slices.Contains(p.Types.ToStrings(), "array") {
			list := make([]any, len(values))
			for i, v := range values {
				list[i] = v
			}
			out[name] = list
			continue
		}
		out[name] = values[0]
	}
	return out, err
}
