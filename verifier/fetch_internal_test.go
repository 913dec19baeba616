package verifier

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"testing"
)

func TestCheckAddress(t *testing.T) {
	for _, c := range []struct {
		address  string
		ok       bool
		loopback bool
	}{
		{"93.184.216.34:443", true, false},
		{"[2606:2800:220:1:248:1893:25c8:1946]:443", true, false},
		{"[2001:4860:4860::8888]:443", true, false},

		{"127.0.0.1:443", false, false},
		{"127.8.8.8:443", false, false},
		{"[::1]:443", false, false},
		{"0.0.0.0:443", false, false},
		{"0.1.2.3:443", false, false},
		{"[::]:443", false, false},
		{"10.0.0.1:443", false, false},
		{"172.16.0.1:443", false, false},
		{"172.31.255.255:443", false, false},
		{"192.168.1.1:443", false, false},
		{"169.254.169.254:80", false, false},
		{"100.64.0.1:443", false, false},
		{"100.127.255.255:443", false, false},
		{"192.0.0.170:443", false, false},
		{"192.0.2.1:443", false, false},
		{"198.18.0.1:443", false, false},
		{"198.51.100.1:443", false, false},
		{"203.0.113.1:443", false, false},
		{"224.0.0.1:443", false, false},
		{"239.255.255.250:1900", false, false},
		{"240.0.0.1:443", false, false},
		{"255.255.255.255:443", false, false},
		{"[fe80::1]:443", false, false},
		{"[fe80::1%eth0]:443", false, false},
		{"[fc00::1]:443", false, false},
		{"[fd12:3456::1]:443", false, false},
		{"[fec0::1]:443", false, false},
		{"[ff02::1]:443", false, false},
		{"[::ffff:8.8.8.8]:443", false, false},
		{"[::ffff:127.0.0.1]:443", false, false},
		{"[::127.0.0.1]:443", false, false},
		{"[64:ff9b::7f00:1]:443", false, false},
		{"[64:ff9b:1::1]:443", false, false},
		{"[100::1]:443", false, false},
		{"[2001::1]:443", false, false},
		{"[2001:db8::1]:443", false, false},
		{"[2002:7f00:1::]:443", false, false},
		{"[3fff::1]:443", false, false},
		{"[5f00::1]:443", false, false},
		{"localhost:443", false, false},
		{"", false, false},

		{"127.0.0.1:443", true, true},
		{"[::1]:443", true, true},
		{"10.0.0.1:443", false, true},
		{"169.254.169.254:80", false, true},
		{"[::ffff:127.0.0.1]:443", false, true},
		{"0.0.0.0:443", false, true},
	} {
		if err := checkAddress(c.address, c.loopback); (err == nil) != c.ok {
			t.Errorf("IDN-02 %s, loopback allowed %t: %v, want ok %t", c.address, c.loopback, err, c.ok)
		}
	}
}

// The check happens where the connection is made, so an address in the URL or
// one that a name resolves to is judged alike.
func TestFetchRefuses(t *testing.T) {
	f := newFetcher(nil, 0, 1024, false, nil)
	for _, c := range []struct {
		url  string
		want error
	}{
		{"https://127.0.0.1/did.json", ErrAddressRefused},
		{"https://[::1]/did.json", ErrAddressRefused},
		{"https://localhost/did.json", ErrAddressRefused},
		{"https://169.254.169.254/latest", ErrAddressRefused},
		{"http://example.com/did.json", ErrURLRefused},
		{"file:///etc/passwd", ErrURLRefused},
		{"https:/etc/passwd", ErrURLRefused},
		{"https://user:pass@example.com/", ErrURLRefused},
		{"https://example.com/#fragment", ErrURLRefused},
		{"https:example.com", ErrURLRefused},
		{"//example.com/", ErrURLRefused},
		{"", ErrURLRefused},
		{"https://:443/did.json", ErrURLRefused}, // the dialer takes no host for this machine
		{"https://exa mple.com/", ErrURLRefused},
	} {
		if _, err := f.get(context.Background(), c.url, "*/*"); !errors.Is(err, c.want) {
			t.Errorf("IDN-02 %q: %v, want %v", c.url, err, c.want)
		}
	}
}

func TestLRU(t *testing.T) {
	l := newLRU[string, int](10)
	l.put("a", 1, 4)
	l.put("b", 2, 4)
	if _, ok := l.get("a"); !ok {
		t.Fatal("a is gone")
	}
	l.put("c", 3, 4) // b was used longest ago
	if _, ok := l.get("b"); ok {
		t.Error("b should have gone")
	}
	if v, ok := l.get("a"); !ok || v != 1 {
		t.Error("a should have stayed")
	}
	l.put("a", 7, 2)
	if v, _ := l.get("a"); v != 7 || l.weight != 6 {
		t.Errorf("a is %d and the weight %d, want 7 and 6", v, l.weight)
	}
	l.put("d", 4, 11)
	if _, ok := l.get("d"); ok || l.weight != 6 || l.order.Len() != len(l.entries) {
		t.Error("what is too heavy is not kept")
	}
	l.put("c", 5, 11)
	if _, ok := l.get("c"); ok {
		t.Error("a value that was replaced by one too heavy must not be served")
	}
}

// What a client says quotes the address; only the kind of it remains.
func TestFetchCause(t *testing.T) {
	for _, c := range []struct{ err, want error }{
		{&url.Error{Op: "Get", URL: "https://psp.example/", Err: &net.OpError{Op: "dial", Err: ErrAddressRefused}}, ErrAddressRefused},
		{&url.Error{Err: &tls.CertificateVerificationError{Err: errors.New("x509")}}, ErrCertificate},
		{&url.Error{Err: &net.OpError{Err: &net.DNSError{Name: "none.example", IsNotFound: true}}}, ErrNameUnknown},
		{&url.Error{Err: &net.OpError{Err: &net.DNSError{Name: "slow.example", IsTimeout: true}}}, ErrUnreachable},
		{context.DeadlineExceeded, ErrUnreachable},
	} {
		if got := fetchCause(c.err); got != c.want {
			t.Errorf("%T gives %q, want %q", c.err, got, c.want)
		}
	}
}
