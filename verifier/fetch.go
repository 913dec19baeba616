package verifier

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

const (
	defaultFetchTimeout = 5 * time.Second
	maxHeaderBytes      = 16 << 10
	maxFetches          = 64 // at one time, for one Resolver or StatusClient
)

// A Fetch gets the bytes at an https URL in place of the network: from a store
// of what was fetched before, for evidence and tests, or through a gateway that
// a service has to use. It answers with nil and an error when it has none; an
// error that is not one of [ErrUnreachable] and its neighbours counts as
// ErrUnreachable. The limits on addresses, redirects and time are then its own
// to keep; the limit on size is kept here as well.
type Fetch func(ctx context.Context, url string) ([]byte, error)

// A fetcher makes GET requests to addresses that other parties name, and is
// therefore built to be abused: https only, no proxy, no redirect, no cookie,
// no compression, an address check after name resolution for every single
// connection, and limits on header, body and total time.
type fetcher struct {
	own      Fetch // instead of the client, when set
	client   *http.Client
	timeout  time.Duration
	maxBytes int64
}

func newFetcher(roots *x509.CertPool, timeout time.Duration, maxBytes int64, allowLoopback bool, own Fetch) *fetcher {
	if timeout <= 0 {
		timeout = defaultFetchTimeout
	}
	return &fetcher{
		own:      own,
		timeout:  timeout,
		maxBytes: maxBytes,
		client:   newGuarded(roots, timeout, allowLoopback),
	}
}

// get returns the body of a 200 answer. The content type is not looked at: it
// is the server's claim, and what the bytes are is decided by parsing them.
func (f *fetcher) get(ctx context.Context, target, accept string) ([]byte, error) {
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Opaque != "" {
		return nil, ErrURLRefused
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	if f.own != nil {
		return f.ask(ctx, target)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, ErrURLRefused
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("User-Agent", "act-go")
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, fetchCause(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusInternalServerError {
		return nil, ErrUnreachable
	}
	if resp.StatusCode != http.StatusOK {
		return nil, ErrAnswerRefused
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, f.maxBytes+1))
	if err != nil {
		return nil, ErrUnreachable
	}
	if int64(len(body)) > f.maxBytes {
		return nil, ErrAnswerTooLarge
	}
	return body, nil
}

// ask is get by the caller's own Fetch.
func (f *fetcher) ask(ctx context.Context, target string) ([]byte, error) {
	body, err := f.own(ctx, target)
	switch {
	case err == nil && int64(len(body)) > f.maxBytes:
		return nil, ErrAnswerTooLarge
	case err == nil:
		return body, nil
	}
	for _, known := range []error{ErrAddressRefused, ErrURLRefused, ErrAnswerRefused, ErrAnswerTooLarge, ErrUnreachable} {
		if errors.Is(err, known) {
			return nil, err
		}
	}
	return nil, ErrUnreachable
}

// checkAddress refuses every address that is not plainly a public unicast
// one. IPv6 is an allow-list, because most of its special ranges embed an IPv4
// address that would have to be judged again.
func checkAddress(address string, allowLoopback bool) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return ErrAddressRefused
	}
	a := ap.Addr()
	if a.Is4In6() || a.Zone() != "" {
		return ErrAddressRefused
	}
	if a.IsLoopback() && allowLoopback {
		return nil
	}
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return ErrAddressRefused
	}
	if a.Is6() && !publicIPv6.Contains(a) {
		return ErrAddressRefused
	}
	for _, p := range specialPrefixes {
		if p.Contains(a) {
			return ErrAddressRefused
		}
	}
	return nil
}

var publicIPv6 = netip.MustParsePrefix("2000::/3")

// specialPrefixes are the ranges of the IANA special-purpose registries that
// netip's predicates do not know.
var specialPrefixes = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this network
	netip.MustParsePrefix("100.64.0.0/10"),   // carrier-grade NAT
	netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation
	netip.MustParsePrefix("192.88.99.0/24"),  // 6to4 relays
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved, broadcast
	netip.MustParsePrefix("2001::/23"),       // protocol assignments, Teredo
	netip.MustParsePrefix("2001:db8::/32"),   // documentation
	netip.MustParsePrefix("2002::/16"),       // 6to4
	netip.MustParsePrefix("3fff::/20"),       // documentation
}
