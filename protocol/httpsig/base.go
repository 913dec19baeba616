package httpsig

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"github.com/actprotocol/act-go/protocol"
)

// required are the components that every signature covers.
var required = []string{"@method", "@authority", "@path", "@query"}

const contentDigest = "content-digest"

// request is what a signature can cover, taken from an *http.Request.
type request struct {
	method, authority, path, query string
	header                         http.Header
}

// newRequest reads method and target. On the server the target is taken as it
// was sent (RequestURI), since middleware may have changed the URL; on the
// client it is what net/http will send. Only the origin form is accepted: a
// path, and optionally a query.
func newRequest(r *http.Request, authority string) (*request, error) {
	target := r.RequestURI
	if target == "" && r.URL != nil {
		target = r.URL.RequestURI()
	}
	if !strings.HasPrefix(target, "/") || !plain(target) || strings.ContainsAny(target, "# ") {
		return nil, fault(protocol.CodeFieldInvalid, "@path", "a request target in origin form")
	}
	method := r.Method
	if method == "" {
		method = http.MethodGet
	}
	if !methodToken(method) {
		return nil, fault(protocol.CodeFieldInvalid, "@method", "a method of letters")
	}
	path, query, _ := strings.Cut(target, "?")
	return &request{method: method, authority: authority, path: path, query: "?" + query, header: r.Header}, nil
}

// value returns the value of a component (RFC 9421, 2.1 and 2.2). Of header
// fields there must be exactly one line: two lines and one line with a comma
// have the same value, and some fields mean different things by them (RFC
// 9421, 7.5.7).
func (r *request) value(component string) (string, error) {
	switch component {
	case "@method":
		return r.method, nil
	case "@authority":
		return r.authority, nil
	case "@path":
		return r.path, nil
	case "@query":
		return r.query, nil
	}
	if !fieldName(component) {
		return "", fault(protocol.CodeFieldInvalid, "signature-input", "a component that is not supported")
	}
	lines := r.header.Values(component)
	if len(lines) == 0 {
		return "", fault(protocol.CodeFieldMissing, component, "a covered header field is not there")
	}
	value := strings.Trim(lines[0], " \t")
	if len(lines) > 1 || !plain(value) {
		return "", fault(protocol.CodeFieldInvalid, component, "one line of visible characters")
	}
	return value, nil
}

// baseSize is what a signature base with a payment proof needs, to begin with.
const baseSize = 3 << 10

// base builds the signature base (RFC 9421, 2.5). params is the serialized
// inner list with its parameters.
func (r *request) base(components []string, params string) ([]byte, error) {
	b := make([]byte, 0, baseSize)
	for _, c := range components {
		value, err := r.value(c)
		if err != nil {
			return nil, err
		}
		b = append(append(append(append(append(b, '"'), c...), `": `...), value...), '\n')
	}
	return append(append(b, `"@signature-params": `...), params...), nil
}

// checkComponents checks the covered components as a set: the required ones,
// content-digest when there is a body, nothing twice.
func checkComponents(components []string, hasBody bool) error {
	for i, c := range components {
		if slices.Contains(components[:i], c) {
			return fault(protocol.CodeFieldInvalid, "signature-input", "no component twice")
		}
	}
	for _, c := range required {
		if !slices.Contains(components, c) {
			return fault(protocol.CodeFieldMissing, "signature-input", "@method, @authority, @path and @query are covered")
		}
	}
	if hasBody && !slices.Contains(components, contentDigest) {
		return fault(protocol.CodeFieldMissing, "signature-input", "content-digest is covered when there is a body")
	}
	return nil
}

// digest returns the value of Content-Digest (RFC 9530, 2) for a body, in the
// form we write and read: sha-256 alone.
func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

// fieldName reports whether s is a header field name in lower case.
func fieldName(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != ""
}

// methodToken reports whether s is a method of letters and hyphens, as all
// registered ones are.
func methodToken(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' {
			return false
		}
	}
	return s != ""
}

// plain reports whether s is printable ASCII, tabs included. Nothing else gets
// into a signature base, so that no value can add a line to it.
func plain(s string) bool {
	for _, c := range []byte(s) {
		if (c < 0x20 && c != '\t') || c > 0x7e {
			return false
		}
	}
	return true
}

// validAuthority reports whether s is a host in lower case, optionally with a
// port: what @authority looks like when the port is not the scheme's default.
func validAuthority(s string) bool {
	return s != "" && plain(s) && s == strings.ToLower(s) && !strings.ContainsAny(s, " \t/@?#,\"\\")
}
