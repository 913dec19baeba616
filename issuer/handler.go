package issuer

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/actprotocol/act-go/protocol/delegation"
)

// StatusList returns the signed status list as it is now. The signature is
// made anew when a state has changed and when half of the ttl has passed, and
// is otherwise the last one.
func (i *Issuer) StatusList(ctx context.Context) ([]byte, error) {
	version, err := i.config.Store.Version(ctx)
	if err != nil {
		return nil, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.config.Now().Truncate(time.Second)
	age := now.Sub(i.issued)
	if i.list != nil && version <= i.version && age >= 0 && age < max(i.config.TTL/2, time.Second) {
		return i.list, nil
	}
	notActive, version, err := i.config.Store.NotActive(ctx)
	if err != nil {
		return nil, err
	}
	list := delegation.NewStatusList(i.config.ListSize)
	for index, status := range notActive {
		if err := list.Set(index, status); err != nil {
			return nil, err
		}
	}
	// A verifier refuses a list older than one that it has seen.
	if now.Before(i.issued) {
		now = i.issued
	}
	token, err := delegation.SignStatusList(i.config.StatusSigner, i.config.ListURI, list, now, now.Add(i.config.ListLife), i.config.TTL)
	if err != nil {
		return nil, err
	}
	i.list, i.version, i.issued = token, version, now
	return token, nil
}

// Document returns the issuer's DID document.
func (i *Issuer) Document() []byte { return append([]byte(nil), i.document...) }

// Handler serves the status list at the path of ListURI and the DID document
// at the path that the DID leads to (see identity.Handler), both to anybody: they
// tell no names, and the list's indices are random. Put it behind TLS.
func (i *Issuer) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.EscapedPath() != i.listPath {
			i.documents.ServeHTTP(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		token, err := i.StatusList(r.Context())
		if err != nil { // why is not a stranger's business
			http.Error(w, "the status list is not available", http.StatusServiceUnavailable)
			return
		}
		// No cache between may keep it: a revocation must be seen.
		h := w.Header()
		h.Set("Content-Type", "application/statuslist+jwt")
		h.Set("Content-Length", strconv.Itoa(len(token)))
		h.Set("Cache-Control", "no-cache")
		h.Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(token)
	})
}
