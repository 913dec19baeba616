package canon

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
)

// A Digest is the name of a hash function, a colon, and the hash in unpadded
// base64url: "sha-256:" and 43 characters (SPEC.md 1.3). Digests are compared
// as strings.
type Digest string

// Sum returns the SHA-256 digest of data.
func Sum(data []byte) Digest {
	h := sha256.Sum256(data)
	return Digest("sha-256:" + base64.RawURLEncoding.EncodeToString(h[:]))
}

// ParseDigest checks the shape of a digest by SHA-256 or SM3. It does not ask
// for zero bits at the tail, since digests are compared as strings and the
// protocol's own examples have others.
func ParseDigest(s string) (Digest, error) {
	hash, ok := strings.CutPrefix(s, "sha-256:")
	if !ok {
		hash, ok = strings.CutPrefix(s, "sm3:")
	}
	if !ok || len(hash) != 43 || !inAlphabet(hash) {
		return "", protocol.New(protocol.CodeFieldInvalid, "", "", "must be sha-256: or sm3: and 43 characters of base64url")
	}
	return Digest(s), nil
}

// EncodeBase64 returns unpadded base64url (RFC 4648 section 5).
func EncodeBase64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// DecodeBase64 reads unpadded base64url strictly: no padding, no line breaks,
// and the unused bits of the last character are zero, so that no two strings
// decode to the same bytes.
func DecodeBase64(s string) ([]byte, error) {
	// The decoder skips line breaks even when strict; the rest of what is not in
	// the alphabet it refuses.
	if strings.IndexByte(s, '\n') < 0 && strings.IndexByte(s, '\r') < 0 {
		if b, err := base64.RawURLEncoding.Strict().DecodeString(s); err == nil {
			return b, nil
		}
	}
	return nil, protocol.New(protocol.CodeMalformed, "", "", "must be unpadded base64url with zero bits at the tail")
}

func inAlphabet(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !isDigit(c) && c != '_' && c != '-' && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}

// Nonce returns the base64url of 16 random bytes: 22 characters.
func Nonce() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return EncodeBase64(b[:])
}

// UUID returns a random UUID (version 4) as a URN: "urn:uuid:" and 36
// characters (RFC 9562).
func UUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return "urn:uuid:" + h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// FormatTime writes a time of the years 0 to 9999 as RFC 3339 in UTC with
// whole seconds; a fraction is cut off.
func FormatTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// ParseTime reads an RFC 3339 time, with an offset or Z, and with at most nine
// decimals of a second; T and Z must be capitals. A leap second is refused.
// The result is in UTC.
func ParseTime(s string) (time.Time, error) {
	if timeShape(s) {
		t, err := time.Parse(time.RFC3339Nano, s)
		if t = t.UTC(); err == nil && 0 <= t.Year() && t.Year() <= 9999 {
			return t, nil
		}
	}
	return time.Time{}, protocol.New(protocol.CodeFieldInvalid, "", "", "must be an RFC 3339 time")
}

// ParseUTC reads an RFC 3339 time in UTC with whole seconds, ending in Z.
func ParseUTC(s string) (time.Time, error) {
	if len(s) == len("2006-01-02T15:04:05Z") {
		if t, err := ParseTime(s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, protocol.New(protocol.CodeFieldInvalid, "", "", "must be an RFC 3339 time in UTC with whole seconds and Z")
}

// timeShape checks what time.Parse is lenient about: one-digit hours, a comma
// before the fraction, offsets of a day and more.
func timeShape(s string) bool {
	const form = "0000-00-00T00:00:00"
	if len(s) <= len(form) || !matches(s[:len(form)], form) {
		return false
	}
	s = s[len(form):]
	if s[0] == '.' {
		n := 1
		for n < len(s) && isDigit(s[n]) {
			n++
		}
		if n < 2 || n > 10 {
			return false
		}
		s = s[n:]
	}
	if s == "Z" {
		return true
	}
	return (matches(s, "+00:00") || matches(s, "-00:00")) && s[1:3] <= "23" && s[4:6] <= "59"
}

// matches reports whether s is form with any digit in place of each 0.
func matches(s, form string) bool {
	if len(s) != len(form) {
		return false
	}
	for i := range len(s) {
		if form[i] == '0' && !isDigit(s[i]) || form[i] != '0' && s[i] != form[i] {
			return false
		}
	}
	return true
}

// CheckID reports whether s may be the id of a request, order, trade, intent
// or delegation: 1 to 256 visible ASCII characters without spaces (SPEC.md 1.7).
func CheckID(s string) error {
	ok := 1 <= len(s) && len(s) <= 256
	for i := 0; ok && i < len(s); i++ {
		ok = '!' <= s[i] && s[i] <= '~'
	}
	if !ok {
		return protocol.New(protocol.CodeFieldInvalid, "", "", "must be 1 to 256 visible ASCII characters")
	}
	return nil
}
