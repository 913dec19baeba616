package payment

import (
	"crypto/sha256"
	"strings"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// maxTarget is the longest target URI, in bytes.
const maxTarget = 8192

// Fingerprint binds bill and proof to one HTTP request (PSD-PAY-A402-16): the
// SHA-256 of
//
//	METHOD LF target URI LF media type LF base64url(SHA-256(body))
//
// Of the target, scheme and host become lower case, a default or empty port
// and a fragment are dropped, and an empty path becomes "/", which is how it is
// sent; path and query stay byte for byte, a "?" with nothing behind it too. Of
// the content type, parameters are dropped and the rest becomes lower case.
//
// A seller must give the target as its clients see it, from its own
// configuration: neither Host nor a forwarding header is to be trusted.
//
// Header fields other than Content-Type are not bound. An answer that depends
// on them is the seller's to refuse.
func Fingerprint(method, targetURI, contentType string, body []byte) (canon.Digest, error) {
	if !httpMethod(method) {
		return "", fingerprintError("request_method", "must be capitals, at most 32")
	}
	target, err := normalTarget(targetURI)
	if err != nil {
		return "", err
	}
	media, err := mediaType(contentType)
	if err != nil {
		return "", err
	}
	hash := sha256.Sum256(body)
	return canon.Sum([]byte(method + "\n" + target + "\n" + media + "\n" + canon.EncodeBase64(hash[:]))), nil
}

func fingerprintError(field, detail string) error {
	return protocol.New(protocol.CodeFieldInvalid, field, "PSD-PAY-A402-16", detail)
}

// normalTarget is written by hand because net/url decodes and encodes again,
// and path and query must stay as they were sent.
func normalTarget(target string) (string, error) {
	invalid := func(detail string) (string, error) { return "", fingerprintError("target_uri", detail) }
	if len(target) > maxTarget {
		return "", protocol.New(protocol.CodeTooLarge, "target_uri", "PSD-PAY-A402-16", "at most 8192 bytes")
	}
	if !each(target, func(c byte) bool { return '!' <= c && c <= '~' }) {
		return invalid("must be visible ASCII")
	}
	target, _, _ = strings.Cut(target, "#")
	scheme, rest, _ := strings.Cut(target, "://")
	scheme = strings.ToLower(scheme)
	if scheme != "https" && scheme != "http" {
		return invalid("must be an absolute http or https URI")
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	host, port, ok := splitAuthority(strings.ToLower(rest[:end]))
	if !ok {
		return invalid("must have a host and no user information")
	}
	if port != "" && !(scheme == "https" && port == "443") && !(scheme == "http" && port == "80") {
		host += ":" + port
	}
	path := rest[end:]
	if path == "" || path[0] == '?' {
		path = "/" + path
	}
	return scheme + "://" + host + path, nil
}

// splitAuthority takes a lower-case authority apart into host and port. A port
// has no leading zero, so that each address has one spelling.
func splitAuthority(s string) (host, port string, ok bool) {
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 3 || !each(s[1:end], func(c byte) bool { return digit(c) || 'a' <= c && c <= 'f' || c == ':' || c == '.' }) {
			return "", "", false
		}
		host, port = s[:end+1], s[end+1:]
		if port != "" && port[0] != ':' {
			return "", "", false
		}
		port = strings.TrimPrefix(port, ":")
	} else {
		host, port, _ = strings.Cut(s, ":")
		if !each(host, func(c byte) bool { return digit(c) || 'a' <= c && c <= 'z' || c == '-' || c == '.' || c == '_' }) {
			return "", "", false
		}
	}
	if port != "" && (!each(port, digit) || port[0] == '0' || len(port) > 5) {
		return "", "", false
	}
	return host, port, true
}

// mediaType returns type/subtype in lower case, or "" for none.
func mediaType(contentType string) (string, error) {
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.Trim(media, " \t"))
	if media == "" && contentType == "" {
		return "", nil
	}
	kind, sub, _ := strings.Cut(media, "/")
	if !each(kind, tokenChar) || !each(sub, tokenChar) {
		return "", fingerprintError("content_type", "must be a media type")
	}
	return media, nil
}

// tokenChar is tchar of RFC 9110, 5.6.2.
func tokenChar(c byte) bool {
	return digit(c) || upper(c) || 'a' <= c && c <= 'z' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}
