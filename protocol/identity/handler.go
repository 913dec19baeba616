package identity

import (
	"bytes"
	"net/http"
	"net/url"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// cacheFor is how long others may keep a served document without asking. A key
// that is marked as compromised is believed for that much longer.
const cacheFor = "max-age=60"

// A published document is its text and an ETag for it.
type published struct {
	body []byte
	etag string
}

// Handler serves documents to anybody, each at the path of its
// [DID.DocumentURL], as application/did+json that may be kept for a minute.
// Every other path is 404. Put it behind TLS at the host that the DIDs name,
// beside what else is served there:
//
//	mux.Handle("/.well-known/", documents)
//
// The documents are encoded here, and checked as [Document.Encode] does; to
// publish a change, make a new Handler. It does not look at the request's host:
// two documents with one path, of two hosts, need two Handlers and are refused
// here, as is one that is nil.
func Handler(docs ...*Document) (http.Handler, error) {
	pages := make(map[string]published, len(docs))
	for _, d := range docs {
		if d == nil {
			return nil, protocol.New(protocol.CodeFieldMissing, "document", "IDN-02", "a document that is nil")
		}
		body, err := d.Encode()
		if err != nil {
			return nil, err
		}
		path, err := d.ID.documentPath()
		if err != nil {
			return nil, err
		}
		if _, taken := pages[path]; taken {
			return nil, protocol.New(protocol.CodeClaimsConflict, "id", "IDN-02", "two documents with one path")
		}
		pages[path] = published{body: body, etag: `"` + string(canon.Sum(body)) + `"`}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, ok := pages[r.URL.EscapedPath()]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		h.Set("Content-Type", "application/did+json")
		h.Set("Cache-Control", cacheFor)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("ETag", page.etag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(page.body))
	}), nil
}

// documentPath is the path of DocumentURL.
func (d DID) documentPath() (string, error) {
	address, err := d.DocumentURL()
	if err != nil {
		return "", err
	}
	u, err := url.Parse(address)
	if err != nil {
		return "", invalid("a DID with a document")
	}
	return u.EscapedPath(), nil
}
