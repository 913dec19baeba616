package payment_test

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
)

// byHand is the definition of SPEC.md 6.4 over already normal parts.
func byHand(method, target, media, body string) string {
	b := sha256.Sum256([]byte(body))
	h := sha256.Sum256([]byte(method + "\n" + target + "\n" + media + "\n" + base64.RawURLEncoding.EncodeToString(b[:])))
	return "sha-256:" + base64.RawURLEncoding.EncodeToString(h[:])
}

func TestFingerprint(t *testing.T) {
	for _, c := range []struct{ name, target, media, normal, normalMedia string }{
		{"plain", "https://shop.example/report", "", "https://shop.example/report", ""},
		{"scheme and host in capitals", "HTTPS://Shop.EXAMPLE/Report", "", "https://shop.example/Report", ""},
		{"default port", "https://shop.example:443/r", "", "https://shop.example/r", ""},
		{"default port of http", "http://shop.example:80/r", "", "http://shop.example/r", ""},
		{"another port", "https://shop.example:80/r", "", "https://shop.example:80/r", ""},
		{"an empty port", "https://shop.example:/r", "", "https://shop.example/r", ""},
		{"no path", "https://shop.example", "", "https://shop.example/", ""},
		{"no path but a query", "https://shop.example?a=1", "", "https://shop.example/?a=1", ""},
		{"an empty query is a query", "https://shop.example/r?", "", "https://shop.example/r?", ""},
		{"a fragment is not sent", "https://shop.example/r?q#part?x", "", "https://shop.example/r?q", ""},
		{"escapes stay", "https://shop.example/%7e/%7E/a%2fb/../c//d?x=%20+", "", "https://shop.example/%7e/%7E/a%2fb/../c//d?x=%20+", ""},
		{"an IPv6 address", "http://[2001:DB8::1]:80/", "", "http://[2001:db8::1]/", ""},
		{"an IPv6 address and port", "http://[::1]:8080/a", "", "http://[::1]:8080/a", ""},
		{"media type", "https://shop.example/r", " Application/JSON ; charset=UTF-8", "https://shop.example/r", "application/json"},
		{"a slash in the query", "https://shop.example?u=https://x/", "", "https://shop.example/?u=https://x/", ""},
	} {
		t.Run("PSD-PAY-A402-16 "+c.name, func(t *testing.T) {
			got, err := payment.Fingerprint("POST", c.target, c.media, []byte("body"))
			if err != nil {
				t.Fatal(err)
			}
			if want := byHand("POST", c.normal, c.normalMedia, "body"); string(got) != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

func TestFingerprintRefuses(t *testing.T) {
	const good = "https://shop.example/"
	for _, c := range []struct{ name, method, target, media, field string }{
		{"no method", "", good, "", "request_method"},
		{"lower case", "get", good, "", "request_method"},
		{"line feed", "GET\n", good, "", "request_method"},
		{"long method", strings.Repeat("A", 33), good, "", "request_method"},
		{"relative", "GET", "/report", "", "target_uri"},
		{"asterisk", "OPTIONS", "*", "", "target_uri"},
		{"other scheme", "GET", "ftp://shop.example/", "", "target_uri"},
		{"no host", "GET", "https:///r", "", "target_uri"},
		{"only a port", "GET", "https://:443/r", "", "target_uri"},
		{"user information", "GET", "https://shop.example@evil.example/r", "", "target_uri"},
		{"space", "GET", "https://shop.example/a b", "", "target_uri"},
		{"line feed", "GET", "https://shop.example/a\nb", "", "target_uri"},
		{"not ASCII", "GET", "https://shöp.example/", "", "target_uri"},
		{"escaped host", "GET", "https://shop%2eexample/", "", "target_uri"},
		{"port with zero", "GET", "https://shop.example:0443/", "", "target_uri"},
		{"port of letters", "GET", "https://shop.example:https/", "", "target_uri"},
		{"open bracket", "GET", "https://[::1/", "", "target_uri"},
		{"text behind bracket", "GET", "https://[::1]x/", "", "target_uri"},
		{"backslash host", "GET", `https://shop.example\@evil.example/`, "", "target_uri"},
		{"no slash in the media type", "GET", good, "json", "content_type"},
		{"only parameters", "GET", good, ";charset=utf-8", "content_type"},
		{"line feed in the media type", "GET", good, "text/plain\nx", "content_type"},
		{"two media types", "GET", good, "text/plain, text/html", "content_type"},
	} {
		t.Run("PSD-PAY-A402-16 "+c.name, func(t *testing.T) {
			_, err := payment.Fingerprint(c.method, c.target, c.media, nil)
			wantError(t, err, protocol.CodeFieldInvalid, c.field)
		})
	}
	_, err := payment.Fingerprint("GET", good+strings.Repeat("a", 8192), "", nil)
	wantError(t, err, protocol.CodeTooLarge, "target_uri")
}

type request struct{ method, host, path, query, media, body string }

func (r request) fingerprint(t interface{ Fatal(...any) }) string {
	d, err := payment.Fingerprint(r.method, "https://"+r.host+r.path+r.query, r.media, []byte(r.body))
	if err != nil {
		t.Fatal(err)
	}
	return string(d)
}

// TestFingerprintProperties: it differs as soon as method, path, query, media
// type or body differ, and does not depend on the case of the host or on the
// default port.
func TestFingerprintProperties(t *testing.T) {
	draw := func(t *rapid.T, label string) request {
		return request{
			method: rapid.StringMatching(`[A-Z]{1,8}`).Draw(t, label+" method"),
			host:   rapid.StringMatching(`[a-z][a-z0-9-]{0,8}\.example`).Draw(t, label+" host"),
			path:   rapid.StringMatching(`(/[a-zA-Z0-9%._~-]{0,4}){1,3}`).Draw(t, label+" path"),
			query:  rapid.StringMatching(`(\?[a-zA-Z0-9=&/?%]{0,6})?`).Draw(t, label+" query"),
			media:  rapid.SampledFrom([]string{"", "text/plain", "application/json", "a/b"}).Draw(t, label+" media"),
			body:   rapid.String().Draw(t, label+" body"),
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a := draw(t, "a")
		b := a
		other := draw(t, "b")
		switch rapid.IntRange(0, 5).Draw(t, "what") {
		case 0:
			b.method = other.method
		case 1:
			b.path = other.path
		case 2:
			b.query = other.query
		case 3:
			b.media = other.media
		case 4:
			b.body = other.body
		case 5:
			b = other
		}
		if same := a.fingerprint(t) == b.fingerprint(t); same != (a == b) {
			t.Fatalf("%+v and %+v: %v", a, b, same)
		}
		c := a
		c.host = strings.ToUpper(c.host) + rapid.SampledFrom([]string{"", ":", ":443"}).Draw(t, "port")
		if c.media != "" {
			c.media = strings.ToUpper(c.media) + rapid.SampledFrom([]string{"", ";", "; q=\"x/y\""}).Draw(t, "parameters")
		}
		if a.fingerprint(t) != c.fingerprint(t) {
			t.Fatalf("%+v and %+v differ", a, c)
		}
	})
}
