package payment

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
)

// This file has the definitions of the official common schema
// 2.1-artifact.1, by hand: they guard every request that a paywall sees.

func digit(c byte) bool { return '0' <= c && c <= '9' }
func upper(c byte) bool { return 'A' <= c && c <= 'Z' }

func base64urlChar(c byte) bool {
	return digit(c) || upper(c) || 'a' <= c && c <= 'z' || c == '-' || c == '_'
}

// each reports whether s is not empty and every byte of it is ok.
func each(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return s != ""
}

// enum reads a required member with a closed list of values.
func enum[T ~string](r *wire.Reader, field string, v T, list []T) {
	if r.Require(field, string(v)) && !slices.Contains(list, v) {
		r.Invalid(field, "not one of the values of this member")
	}
}

// identifier: 1 to 256 characters of any kind.
func identifier(r *wire.Reader, field, s string) {
	if r.Require(field, s) && utf8.RuneCountInString(s) > 256 {
		r.Invalid(field, "at most 256 characters")
	}
}

func optionalIdentifier(r *wire.Reader, field string, s *string) string {
	if s == nil {
		return ""
	}
	identifier(r, field, *s)
	return *s
}

// methodID: ^[a-z][a-z0-9+.-]*:[a-z0-9][a-z0-9._/-]*$, 3 to 160.
func methodID(r *wire.Reader, field, s string) {
	if !r.Require(field, s) {
		return
	}
	lower := func(c byte) bool { return 'a' <= c && c <= 'z' }
	scheme, name, _ := strings.Cut(s, ":")
	ok := each(scheme, func(c byte) bool { return lower(c) || digit(c) || strings.IndexByte("+.-", c) >= 0 }) && lower(scheme[0]) &&
		each(name, func(c byte) bool { return lower(c) || digit(c) || strings.IndexByte("._/-", c) >= 0 }) && (lower(name[0]) || digit(name[0]))
	if !ok || len(s) > 160 {
		r.Invalid(field, "must be a method identifier")
	}
}

// methodVersion: three numbers, and a suffix behind a hyphen; at most 64.
func methodVersion(r *wire.Reader, field, s string) {
	if !r.Require(field, s) {
		return
	}
	core, suffix, suffixed := strings.Cut(s, "-")
	parts := strings.Split(core, ".")
	ok := len(parts) == 3 && len(s) <= 64
	for _, p := range parts {
		ok = ok && each(p, digit) && (p == "0" || p[0] != '0')
	}
	if suffixed {
		ok = ok && each(suffix, func(c byte) bool { return base64urlChar(c) && c != '_' || c == '.' })
	}
	if !ok {
		r.Invalid(field, "must be a version of three numbers")
	}
}

// httpMethod: ^[A-Z]+$, at most 32.
func httpMethod(s string) bool { return each(s, upper) && len(s) <= 32 }

// boundRequest reads request_method and idempotency_key, which a method that
// may change something needs (PSD-PAY-A402-16).
func boundRequest(r *wire.Reader, method string, key *string) {
	if !r.Require("protocol.request_method", method) {
		return
	}
	if !httpMethod(method) {
		r.Invalid("protocol.request_method", "must be capitals, at most 32")
	} else if key == nil && !SafeMethod(method) {
		r.Fail("", protocol.New(protocol.CodeFieldMissing, "protocol.idempotency_key", "PSD-PAY-A402-16", "needed for this method"))
	}
}

// SafeMethod reports whether an HTTP method is one of the four that need no
// idempotency key (PSD-PAY-A402-16): GET, HEAD, OPTIONS and TRACE.
func SafeMethod(method string) bool {
	return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE"
}

// fingerprint: sha-256 only, the one hash that A402 admits.
func fingerprint(r *wire.Reader, field, s string) {
	if !r.Require(field, s) {
		return
	}
	hash, ok := strings.CutPrefix(s, "sha-256:")
	if !ok || len(hash) != 43 || !each(hash, base64urlChar) {
		r.Invalid(field, "must be sha-256: and 43 characters of base64url")
	}
}

// base64url: at least one character of the alphabet. Whether it decodes
// strictly is asked where it is used.
func base64url(r *wire.Reader, field, s string) {
	if r.Require(field, s) && !each(s, base64urlChar) {
		r.Invalid(field, "must be unpadded base64url")
	}
}

// signatureType: ^[A-Z0-9_-]{2,32}$.
func signatureType(r *wire.Reader, field, s string) {
	if !r.Require(field, s) {
		return
	}
	if !each(s, func(c byte) bool { return upper(c) || digit(c) || c == '_' || c == '-' }) || len(s) < 2 || len(s) > 32 {
		r.Invalid(field, "must be 2 to 32 capitals or digits")
	}
}

// optionalURI: absolute, visible ASCII, at most 2048. It is not fetched.
func optionalURI(r *wire.Reader, field string, s *string) string {
	if s == nil {
		return ""
	}
	u, err := url.Parse(*s)
	visible := each(*s, func(c byte) bool { return '!' <= c && c <= '~' && strings.IndexByte("\"<>\\^`{|}", c) < 0 })
	if !visible || len(*s) > 2048 || err != nil || !u.IsAbs() {
		r.Invalid(field, "must be an absolute URI of at most 2048 characters")
	}
	return *s
}
