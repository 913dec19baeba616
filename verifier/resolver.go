package verifier

import (
	"context"
	"crypto/x509"
	"sync"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

const (
	maxDocumentBytes = 64 << 10
	// retryAfter is the least time between two fetches of one document,
	// whatever came of the first: an unknown key id, or a failure that is
	// remembered for as long, causes no more than that.
	retryAfter = 5 * time.Second
)

// ResolverConfig configures a Resolver. The zero value works: system roots,
// documents kept for five minutes, public addresses only.
type ResolverConfig struct {
	RootCAs *x509.CertPool // nil means the system's
	MaxAge  time.Duration  // how long a document is used; 0 means 5 minutes
	Timeout time.Duration  // for one fetch, all told; 0 means 5 seconds
	Size    int            // how many documents are kept; 0 means 1024
	Now     func() time.Time

	// Fetch, when set, gets the documents in place of the network.
	Fetch Fetch

	// InsecureAllowLoopback lets documents come from this machine, for tests
	// and demonstrations. In a service it would let any sender of a token
	// make the service talk to its own neighbours.
	InsecureAllowLoopback bool
}

// A Resolver is a KeySource that fetches DID documents (IDN-02): did:act and
// did:web over HTTPS, did:key without a network.
//
// Documents are limited to 64 KiB and to public addresses, redirects are
// refused, and the whole fetch has a time limit. A document is used for
// MaxAge; a compromised key that its owner marks is therefore accepted at most
// that much longer. A burst of requests for one document is one fetch, and a
// key id that a cached document does not have causes a new one, but no more
// than one in five seconds. Everything that fails is key_unavailable; the
// cause is one of [ErrUnreachable] and its neighbours, or what is wrong with
// the document.
//
// What it does not do: heed caching headers, follow services, verify proofs in
// documents. Its trust is that of TLS in the domain's name.
type Resolver struct {
	fetcher *fetcher
	maxAge  time.Duration
	now     func() time.Time
	flights *flights[*identity.Document]

	// Failures are kept apart from documents. A server that stumbles once does
	// not take away a document that is still young, and names that lead
	// nowhere, which anybody can make up, push out no document.
	mu       sync.Mutex
	cache    *lru[identity.DID, cachedDocument]
	failures *lru[identity.DID, failedFetch]
}

// cachedDocument is the last document that was fetched.
type cachedDocument struct {
	doc     *identity.Document
	fetched time.Time
}

// failedFetch is the last failure since that.
type failedFetch struct {
	at  time.Time
	err error
}

// NewResolver returns a Resolver. It is safe for concurrent use.
func NewResolver(c ResolverConfig) *Resolver {
	if c.MaxAge <= 0 {
		c.MaxAge = 5 * time.Minute
	}
	if c.Size <= 0 {
		c.Size = 1024
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Resolver{
		fetcher:  newFetcher(c.RootCAs, c.Timeout, maxDocumentBytes, c.InsecureAllowLoopback, c.Fetch),
		maxAge:   c.MaxAge,
		now:      c.Now,
		flights:  newFlights[*identity.Document](maxFetches),
		cache:    newLRU[identity.DID, cachedDocument](c.Size),
		failures: newLRU[identity.DID, failedFetch](c.Size),
	}
}

// Key implements KeySource.
func (r *Resolver) Key(ctx context.Context, keyID string, purpose keys.Purpose, at time.Time) (keys.PublicKey, error) {
	did, _, err := identity.ParseKeyID(keyID)
	if err != nil {
		return keys.PublicKey{}, err
	}
	doc, err := r.Document(ctx, did)
	if err != nil {
		return keys.PublicKey{}, err
	}
	key, err := doc.Key(keyID, purpose, at)
	if protocol.CodeOf(err) != protocol.CodeKeyUnknown || did.Method() == "key" {
		return key, err
	}
	// The owner may have added the key since.
	if doc, err = r.document(ctx, did, retryAfter); err != nil {
		return keys.PublicKey{}, err
	}
	return doc.Key(keyID, purpose, at)
}

// Document returns the document of an identifier, from the cache when it is
// young enough. It is the cached one itself and must not be changed.
func (r *Resolver) Document(ctx context.Context, did identity.DID) (*identity.Document, error) {
	if did.Method() == "key" {
		return identity.ResolveKeyDID(did)
	}
	return r.document(ctx, did, r.maxAge)
}

// document returns a document fetched less than maxAge ago. A fetch that
// failed less than retryAfter ago is not repeated.
func (r *Resolver) document(ctx context.Context, did identity.DID, maxAge time.Duration) (*identity.Document, error) {
	r.mu.Lock()
	cached, _ := r.cache.get(did)
	failed, _ := r.failures.get(did)
	r.mu.Unlock()
	now := r.now()
	if younger(cached.fetched, now, maxAge) {
		return cached.doc, nil
	}
	if younger(failed.at, now, retryAfter) {
		return nil, keyUnavailable("a fetch has just failed", failed.err)
	}
	return r.flights.do(ctx, did.String(), keyUnavailable("too many fetches", ErrBusy), func(ctx context.Context) (*identity.Document, error) {
		doc, err := r.fetch(ctx, did)
		r.mu.Lock()
		defer r.mu.Unlock()
		if err != nil {
			r.failures.put(did, failedFetch{at: r.now(), err: err}, 1)
			return nil, err
		}
		r.failures.remove(did)
		r.cache.put(did, cachedDocument{doc: doc, fetched: r.now()}, 1)
		return doc, nil
	})
}

// younger reports whether less than age has passed since a moment. When the
// clock went back nothing is known of the age, and the answer is no.
func younger(since, now time.Time, age time.Duration) bool {
	d := now.Sub(since)
	return !since.IsZero() && d >= 0 && d < age
}

func (r *Resolver) fetch(ctx context.Context, did identity.DID) (*identity.Document, error) {
	target, err := did.DocumentURL()
	if err != nil {
		return nil, keyUnavailable("the identifier leads to no document", err)
	}
	body, err := r.fetcher.get(ctx, target, "application/did+json, application/json")
	if err != nil {
		return nil, keyUnavailable("the document could not be fetched", err)
	}
	doc, err := identity.DecodeDocument(body, did)
	if err != nil {
		return nil, keyUnavailable("the document is not one of this identifier", err)
	}
	return doc, nil
}

func keyUnavailable(detail string, cause error) *protocol.Error {
	return protocol.Wrap(protocol.CodeKeyUnavailable, "kid", "IDN-02", detail, cause)
}
