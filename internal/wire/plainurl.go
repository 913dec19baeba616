package wire

import (
	"net/url"
	"slices"
	"strings"
)

// PlainURL reports whether s is written in the one spelling of SPEC.md 5.6, so
// that two of them name the same place exactly when their bytes are equal:
// https, a host in lower case, a port only when it is not 443, a path of
// segments without percent-encoding and dots-only names, no slash at the end,
// and nothing else. It says nothing about where the host is.
func PlainURL(s string) bool {
	rest, https := strings.CutPrefix(s, "https://")
	if !https || len(s) > 2048 || strings.HasSuffix(s, "/") {
		return false
	}
	authority, path, _ := strings.Cut(rest, "/")
	u, err := url.Parse(s)
	if err != nil || u.Host != authority || !plainAuthority(u) { // a user, a query or a fragment would be part of authority
		return false
	}
	if path == "" {
		return true
	}
	return !slices.ContainsFunc(strings.Split(path, "/"), func(segment string) bool {
		return strings.Trim(segment, ".") == "" || strings.ContainsFunc(segment, notInPath)
	})
}

// plainAuthority judges host and port.
func plainAuthority(u *url.URL) bool {
	host, port := u.Hostname(), u.Port()
	if host == "" || strings.HasPrefix(host, ".") || strings.HasSuffix(host, ".") || strings.Contains(host, "..") {
		return false
	}
	brackets := strings.HasPrefix(u.Host, "[")
	for _, c := range host {
		plain := 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.'
		if !plain && !(brackets && c == ':') {
			return false
		}
	}
	if brackets {
		host = "[" + host + "]"
	}
	if port == "" {
		return u.Host == host // an empty port is none
	}
	return port != "443" && port[0] != '0' && len(port) <= 5 && u.Host == host+":"+port
}

// notInPath reports characters that a plain path does not have: RFC 3986
// unreserved, sub-delims, ":" and "@" are allowed.
func notInPath(c rune) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return false
	}
	return !strings.ContainsRune("-._~!$&'()*+,;=:@", c)
}

// PlainURL reads a required URL in the one spelling of SPEC.md 5.6.
func (r *Reader) PlainURL(field, s string) {
	if r.Require(field, s) && !PlainURL(s) {
		r.Invalid(field, "must be https, lower case, without query, dots, percent signs or a final slash")
	}
}

// URI reads a required absolute URI: a scheme, a colon and more, 1 to 256
// visible ASCII characters in all. DIDs and URNs are such.
func (r *Reader) URI(field, s string) {
	if !r.Require(field, s) {
		return
	}
	scheme, rest, ok := strings.Cut(s, ":")
	ok = ok && rest != "" && len(s) <= 256 && scheme != "" && scheme == strings.ToLower(scheme) && 'a' <= scheme[0] && scheme[0] <= 'z'
	ok = ok && !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' })
	ok = ok && !strings.ContainsFunc(scheme, func(c rune) bool {
		return !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '-' || c == '.')
	})
	if !ok {
		r.Invalid(field, "must be an absolute URI")
	}
}
