package verifier

import (
	"context"
	"crypto/x509"
	"errors"
	"sync"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

const (
	// maxStatusBytes bounds a status list token as it travels. What it unpacks
	// to is bounded by package delegation.
	maxStatusBytes = keys.MaxToken
	// maxStatusAge is how long an answer is used (SPEC.md 4.3).
	maxStatusAge = time.Minute
	// maxStatusMemory bounds the unpacked lists that are kept, in bytes.
	maxStatusMemory = 64 << 20
	// maxStatusFloors bounds how many lists' issue times are remembered; far
	// more than lists are kept, since each takes a few bytes.
	maxStatusFloors = 1 << 16
)

// StatusConfig configures a StatusClient.
type StatusConfig struct {
	Keys KeySource // required: finds the keys of purpose status

	// Providers names, by the DID of an issuer of mandates, the DID of the one
	// provider that signs the status lists of this issuer in its place.
	Providers map[string]string

	// Grace allows a temporary decision by the last good answer while the
	// status service cannot be reached (ADD-IAC-LCM-08), counted from when
	// that answer was fetched. Zero, the default, refuses. A revocation may
	// then go unnoticed for as long. Answers that are wrong, and not just
	// missing, get no grace, and neither does a list past its own exp.
	Grace time.Duration

	RootCAs *x509.CertPool // nil means the system's
	Timeout time.Duration  // for one fetch, all told; 0 means 5 seconds
	Now     func() time.Time

	// Fetch, when set, gets the lists in place of the network.
	Fetch Fetch

	// InsecureAllowLoopback: see ResolverConfig.
	InsecureAllowLoopback bool
}

// A StatusClient is a StatusSource that fetches Token Status Lists over HTTPS,
// under the same limits as a Resolver (ADD-IAC-LCM-06, -08, -10).
//
// A list is signed by the issuer of the mandate, or by the provider configured
// for it, with a key of purpose status that is valid now. It is used for the
// shorter of its ttl and 60 seconds, never past its exp, and a list older than
// one seen before, by iat, is refused. Everything that fails, an index outside
// the list included, is status_unavailable, which is undetermined.
type StatusClient struct {
	fetcher   *fetcher
	keys      KeySource
	providers map[string]string
	grace     time.Duration
	now       func() time.Time
	flights   *flights[*statusAnswer]

	mu     sync.Mutex
	lists  *lru[listID, *statusAnswer]
	floors *lru[listID, time.Time]   // the latest iat seen
	failed *lru[listID, failedFetch] // the last failure
}

// listID names a list: that of one URI which two signers signed is two lists.
type listID struct{ signer, uri string }

// statusAnswer is a list whose signature was verified.
type statusAnswer struct {
	list    *delegation.UnverifiedStatusList
	fetched time.Time
	until   time.Time // no longer used without a new fetch
}

// NewStatusClient returns a StatusClient. It is safe for concurrent use.
func NewStatusClient(c StatusConfig) (*StatusClient, error) {
	if c.Keys == nil {
		return nil, protocol.New(protocol.CodeFieldMissing, "keys", "ADD-IAC-LCM-10", "a status list cannot be checked without a key source")
	}
	if c.Grace < 0 {
		return nil, protocol.New(protocol.CodeFieldInvalid, "grace", "ADD-IAC-LCM-08", "must not be negative")
	}
	providers := make(map[string]string, len(c.Providers))
	for issuer, provider := range c.Providers {
		for _, did := range []string{issuer, provider} {
			if _, err := identity.ParseDID(did); err != nil {
				return nil, protocol.In(err, "providers")
			}
		}
		providers[issuer] = provider
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &StatusClient{
		fetcher:   newFetcher(c.RootCAs, c.Timeout, maxStatusBytes, c.InsecureAllowLoopback, c.Fetch),
		keys:      c.Keys,
		providers: providers,
		grace:     c.Grace,
		now:       c.Now,
		flights:   newFlights[*statusAnswer](maxFetches),
		lists:     newLRU[listID, *statusAnswer](maxStatusMemory),
		floors:    newLRU[listID, time.Time](maxStatusFloors),
		failed:    newLRU[listID, failedFetch](maxStatusFloors),
	}, nil
}

// Status implements StatusSource.
func (c *StatusClient) Status(ctx context.Context, ref delegation.StatusReference, issuer string, now time.Time) (delegation.Status, error) {
	signer := issuer
	if p, ok := c.providers[issuer]; ok {
		signer = p
	}
	answer, err := c.answer(ctx, ref.URI, signer, now)
	if err != nil {
		return 0, err
	}
	status, err := answer.list.Status(ref.Index)
	if err != nil {
		return 0, statusUnavailable("status.status_list.idx", "no such entry in the list", err)
	}
	return status, nil
}

// answer returns a list that may be used now.
func (c *StatusClient) answer(ctx context.Context, uri, signer string, now time.Time) (*statusAnswer, error) {
	id := listID{signer, uri}
	c.mu.Lock()
	kept, _ := c.lists.get(id)
	c.mu.Unlock()
	if kept != nil && !now.Before(kept.fetched) && now.Before(kept.until) {
		return kept, nil
	}
	c.mu.Lock()
	failed, _ := c.failed.get(id)
	c.mu.Unlock()
	err := failed.err
	if !younger(failed.at, now, time.Second) {
		var fresh *statusAnswer
		busy := statusUnavailable("status", "too many fetches", ErrBusy)
		fresh, err = c.flights.do(ctx, signer+" "+uri, busy, func(ctx context.Context) (*statusAnswer, error) {
			return c.refresh(ctx, id)
		})
		if err == nil {
			return fresh, nil
		}
	}
	if kept != nil && errors.Is(err, ErrUnreachable) && younger(kept.fetched, now, c.grace) && now.Before(kept.list.Expires) {
		return kept, nil
	}
	return nil, err
}

// refresh fetches a list, checks it and keeps it.
func (c *StatusClient) refresh(ctx context.Context, id listID) (*statusAnswer, error) {
	now := c.now()
	list, err := c.fetch(ctx, id.uri, id.signer, now)
	c.mu.Lock()
	defer c.mu.Unlock()
	if floor, ok := c.floors.get(id); ok && err == nil && list.IssuedAt.Before(floor) {
		err = statusUnavailable("status.iat", "older than a list seen before", nil)
	}
	if err != nil {
		c.failed.put(id, failedFetch{at: now, err: err}, 1)
		return nil, err
	}
	until := now.Add(min(maxStatusAge, list.TTL))
	if list.Expires.Before(until) {
		until = list.Expires
	}
	answer := &statusAnswer{list: list, fetched: now, until: until}
	c.failed.remove(id)
	c.floors.put(id, list.IssuedAt, 1)
	c.lists.put(id, answer, list.Len()/4+2*maxStatusBytes) // the list, and the token it keeps
	return answer, nil
}

// fetch gets a list and checks signature, signer and times.
func (c *StatusClient) fetch(ctx context.Context, uri, signer string, now time.Time) (*delegation.UnverifiedStatusList, error) {
	body, err := c.fetcher.get(ctx, uri, "application/statuslist+jwt")
	if err != nil {
		return nil, statusUnavailable("status", "the list could not be fetched", err)
	}
	list, err := delegation.ParseStatusList(body, uri)
	if err != nil {
		return nil, statusUnavailable("status", "not a status list of this address", err)
	}
	did, _, err := identity.ParseKeyID(list.KeyID())
	if err != nil || list.Issuer != signer || did.String() != signer {
		return nil, statusUnavailable("status.iss", "not signed by the issuer or its status provider", err)
	}
	key, err := c.keys.Key(ctx, list.KeyID(), keys.Status, now)
	if err != nil {
		return nil, statusUnavailable("status.kid", "no key for this list", err)
	}
	if err := list.VerifySignature(key); err != nil {
		return nil, statusUnavailable("status.signature", "the signature does not verify", err)
	}
	if err := list.CheckTime(now); err != nil {
		return nil, statusUnavailable("status.exp", "the list is not current", err)
	}
	return list, nil
}

// statusUnavailable hides the code of a cause, which would say that something
// about the mandate is wrong: only that its state is not known is certain.
func statusUnavailable(field, detail string, cause error) *protocol.Error {
	return protocol.Wrap(protocol.CodeStatusUnavailable, field, "ADD-IAC-LCM-10", detail, cause)
}
