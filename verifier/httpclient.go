package verifier

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"syscall"
	"time"
)

// HTTPClientConfig is how [NewHTTPClient] may differ from the strict default.
type HTTPClientConfig struct {
	Roots   *x509.CertPool // whose certificates are believed; the system's when nil
	Timeout time.Duration  // of one exchange, the body included; 5 seconds

	// InsecureAllowLoopback allows 127.0.0.0/8 and ::1, for demonstrations and
	// tests on one machine.
	InsecureAllowLoopback bool
}

// NewHTTPClient returns a client for addresses that other parties have named, as
// the resolver fetches documents (SPEC.md 3.4): for a provider that tells
// merchants what happened, for example. It refuses every URL but https
// (ErrURLRefused), every address that is not plainly a public unicast one, for
// each single connection after the name was resolved (ErrAddressRefused), and
// follows no redirect, uses no proxy and keeps no cookie. Headers of an answer
// have at most 16 KiB; the size of its body is the caller's to limit.
func NewHTTPClient(c HTTPClientConfig) *http.Client {
	if c.Timeout <= 0 {
		c.Timeout = defaultFetchTimeout
	}
	client := newGuarded(c.Roots, c.Timeout, c.InsecureAllowLoopback)
	client.Transport, client.Timeout = httpsOnly{client.Transport}, c.Timeout
	return client
}

// httpsOnly lets nothing through that is not https.
type httpsOnly struct{ next http.RoundTripper }

func (h httpsOnly) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" || r.URL.Hostname() == "" || r.URL.User != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, ErrURLRefused
	}
	return h.next.RoundTrip(r)
}

// newGuarded is the client behind a fetcher.
func newGuarded(roots *x509.CertPool, timeout time.Duration, allowLoopback bool) *http.Client {
	dialer := &net.Dialer{
		Timeout: timeout,
		// Control sees the address that is about to be connected to, so a name
		// that resolves differently the second time gains nothing.
		Control: func(_, address string, _ syscall.RawConn) error {
			return checkAddress(address, allowLoopback)
		},
	}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  nil, // a proxy would make the address check meaningless
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    timeout,
			ResponseHeaderTimeout:  timeout,
			MaxResponseHeaderBytes: maxHeaderBytes,
			DisableCompression:     true,
			MaxIdleConns:           32,
			MaxIdleConnsPerHost:    2,
			IdleConnTimeout:        30 * time.Second,
		},
	}
}
