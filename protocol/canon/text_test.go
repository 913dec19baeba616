package canon_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

func TestDigest(t *testing.T) {
	// SHA-256 of no bytes.
	const empty = "sha-256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
	if got := canon.Sum(nil); got != empty {
		t.Errorf("Sum(nil) is %s", got)
	}
	for s, ok := range map[string]bool{
		empty:                               true,
		"sm3:" + empty[8:]:                  true,
		empty[:len(empty)-1] + "V":          true, // digests are compared as strings, whatever their tail
		"":                                  false,
		"sha-256:":                          false,
		empty[:len(empty)-1]:                false,
		empty + "A":                         false,
		empty + "=":                         false,
		empty[:len(empty)-1] + "=":          false,
		empty[:len(empty)-1] + "\n":         false,
		"SHA-256:" + empty[8:]:              false,
		"sha256:" + empty[8:]:               false,
		"sha-512:" + empty[8:]:              false,
		" " + empty:                         false,
		strings.ReplaceAll(empty, "_", "/"): false,
	} {
		d, err := canon.ParseDigest(s)
		if (err == nil) != ok || ok && string(d) != s || !ok && (d != "" || protocol.CodeOf(err) != protocol.CodeFieldInvalid) {
			t.Errorf("ParseDigest(%q): %q, %v", s, d, err)
		}
	}
}

func TestBase64(t *testing.T) {
	for s, want := range map[string]string{"": "", "AA": "\x00", "_-8": "\xff\xef", "AAAA": "\x00\x00\x00"} {
		got, err := canon.DecodeBase64(s)
		if err != nil || string(got) != want || canon.EncodeBase64(got) != s {
			t.Errorf("%q: %x, %v", s, got, err)
		}
	}
	for _, s := range []string{"A", "AB", "AA==", "AA=", "AAAAA", "AA\n", "\rAA", "A A", "+/8", "_-9", "AA.", "ÄA", "AA\x00"} {
		if got, err := canon.DecodeBase64(s); protocol.CodeOf(err) != protocol.CodeMalformed || got != nil {
			t.Errorf("%q: %x, %v, want malformed", s, got, err)
		}
	}
}

func TestRandom(t *testing.T) {
	uuid := regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for range 1000 {
		nonce, id := canon.Nonce(), canon.UUID()
		if b, err := canon.DecodeBase64(nonce); err != nil || len(b) != 16 {
			t.Fatalf("nonce %q: %v", nonce, err)
		}
		if !uuid.MatchString(id) || canon.CheckID(id) != nil {
			t.Fatalf("UUID %q", id)
		}
		if seen[nonce] || seen[id] {
			t.Fatal("a random value twice")
		}
		seen[nonce], seen[id] = true, true
	}
}

func TestParseTime(t *testing.T) {
	for _, test := range []struct {
		in, utc string // utc is what FormatTime writes, "" when refused
		strict  bool   // ParseUTC accepts too
	}{
		{"2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z", true},
		{"0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z", true},
		{"9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z", true},
		{"2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z", true},
		{"2026-01-02T03:04:05.9Z", "2026-01-02T03:04:05Z", false},
		{"2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05Z", false},
		{"2026-01-02T03:04:05+08:00", "2026-01-01T19:04:05Z", false},
		{"2026-01-02T03:04:05.5-23:59", "2026-01-03T03:03:05Z", false},
		{"2026-01-02T03:04:05+00:00", "2026-01-02T03:04:05Z", false},
		{"2026-01-02T03:04:05-00:00", "2026-01-02T03:04:05Z", false},
		{"", "", false},
		{"Z", "", false},
		{"2026-01-02", "", false},
		{"2026-01-02T03:04:05", "", false},
		{"2026-01-02T03:04Z", "", false},
		{"2026-01-02T03:04:05z", "", false},
		{"2026-01-02t03:04:05Z", "", false},
		{"2026-01-02 03:04:05Z", "", false},
		{" 2026-01-02T03:04:05Z", "", false},
		{"2026-01-02T03:04:05Z\n", "", false},
		{"2026-01-02T3:04:05Z", "", false},
		{"2026-1-02T03:04:05Z", "", false},
		{"2026-01-02T03:04:05,5Z", "", false},
		{"2026-01-02T03:04:05.Z", "", false},
		{"2026-01-02T03:04:05.1234567891Z", "", false},
		{"2026-01-02T03:04:05.5", "", false},
		{"2026-01-02T03:04:60Z", "", false},
		{"2026-12-31T23:59:60Z", "", false},
		{"2026-01-02T24:00:00Z", "", false},
		{"2026-02-29T00:00:00Z", "", false},
		{"2026-00-01T00:00:00Z", "", false},
		{"2026-01-00T00:00:00Z", "", false},
		{"2026-01-02T03:04:05+24:00", "", false},
		{"2026-01-02T03:04:05+08:60", "", false},
		{"2026-01-02T03:04:05+0800", "", false},
		{"2026-01-02T03:04:05+08", "", false},
		{"2026-01-02T03:04:05UTC", "", false},
		{"02026-01-02T03:04:05Z", "", false},
		{"-026-01-02T03:04:05Z", "", false},
		{"0000-01-01T00:00:00+00:01", "", false},
		{"9999-12-31T23:59:59-00:01", "", false},
		{"２０２６-01-02T03:04:05Z", "", false},
	} {
		got, err := canon.ParseTime(test.in)
		if (err == nil) != (test.utc != "") || err == nil && canon.FormatTime(got) != test.utc {
			t.Errorf("ParseTime(%q): %v, %v", test.in, got, err)
		}
		if err == nil && got.Location() != time.UTC {
			t.Errorf("ParseTime(%q) is not in UTC", test.in)
		}
		if err != nil && (protocol.CodeOf(err) != protocol.CodeFieldInvalid || !got.IsZero()) {
			t.Errorf("ParseTime(%q): %v, %v", test.in, got, err)
		}
		if got, err := canon.ParseUTC(test.in); (err == nil) != test.strict || err != nil && protocol.CodeOf(err) != protocol.CodeFieldInvalid {
			t.Errorf("ParseUTC(%q): %v, %v", test.in, got, err)
		}
	}
}

func TestTimeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seconds := rapid.Int64Range(-62167219200, 253402300799).Draw(t, "seconds") // years 0 to 9999
		at := time.Unix(seconds, rapid.Int64Range(0, 999999999).Draw(t, "nanoseconds"))
		got, err := canon.ParseUTC(canon.FormatTime(at))
		if err != nil || got.Unix() != seconds || got.Nanosecond() != 0 {
			t.Fatalf("%v became %v, %v", at, got, err)
		}
		zone := time.FixedZone("", 60*rapid.IntRange(-1439, 1439).Draw(t, "offset"))
		text := at.In(zone).Format(time.RFC3339Nano)
		if got, err := canon.ParseTime(text); len(text) <= len(time.RFC3339Nano) && at.In(zone).Year() >= 0 && at.In(zone).Year() <= 9999 &&
			(err != nil || !got.Equal(at)) {
			t.Fatalf("%s became %v, %v", text, got, err)
		}
	})
}

func TestCheckID(t *testing.T) {
	for s, ok := range map[string]bool{
		"a": true, "!~": true, "urn:uuid:x": true, strings.Repeat("a", 256): true,
		"": false, strings.Repeat("a", 257): false, "a b": false, "a\n": false, "\x7f": false, "é": false, "\x00": false, "a\xff": false,
	} {
		if err := canon.CheckID(s); (err == nil) != ok || !ok && protocol.CodeOf(err) != protocol.CodeFieldInvalid {
			t.Errorf("CheckID(%q): %v", s, err)
		}
	}
}

// FuzzDecodeBase64 checks that no two strings decode to the same bytes.
func FuzzDecodeBase64(f *testing.F) {
	for _, s := range []string{"", "AA", "AB", "AA==", "AA\n", "_-8", "+/8"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, err := canon.DecodeBase64(s)
		if err == nil && canon.EncodeBase64(b) != s {
			t.Fatalf("%q decodes to %x, which is written %q", s, b, canon.EncodeBase64(b))
		}
		if back, err := canon.DecodeBase64(canon.EncodeBase64([]byte(s))); err != nil || !bytes.Equal(back, []byte(s)) {
			t.Fatalf("%q does not survive: %q, %v", s, back, err)
		}
	})
}

// FuzzParseTime checks that whatever is accepted is RFC 3339, names a time that
// can be written, and that ParseUTC accepts one spelling only.
func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2026-01-02T03:04:05Z", "2026-01-02T03:04:05.5+08:00", "2026-12-31T23:59:60Z", "0000-01-01T00:00:00+00:01"} {
		f.Add(s)
	}
	shape := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$`)
	f.Fuzz(func(t *testing.T, s string) {
		at, err := canon.ParseTime(s)
		strict, strictErr := canon.ParseUTC(s)
		if strictErr == nil && (err != nil || !strict.Equal(at) || canon.FormatTime(strict) != s) {
			t.Fatalf("ParseUTC(%q) is %v, ParseTime %v, %v", s, strict, at, err)
		}
		if err != nil {
			return
		}
		if !shape.MatchString(s) {
			t.Fatalf("%q was accepted", s)
		}
		if back, err := canon.ParseUTC(canon.FormatTime(at)); err != nil || !back.Equal(at.Truncate(time.Second)) {
			t.Fatalf("%q became %v, written and read %v, %v", s, at, back, err)
		}
	})
}

// FuzzParseDigest checks the shape of what is accepted.
func FuzzParseDigest(f *testing.F) {
	f.Add("sha-256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU")
	f.Add("sm3:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU")
	f.Add("sha-256:")
	shape := regexp.MustCompile(`^(sha-256|sm3):[A-Za-z0-9_-]{43}$`)
	f.Fuzz(func(t *testing.T, s string) {
		d, err := canon.ParseDigest(s)
		if (err == nil) != shape.MatchString(s) || err == nil && string(d) != s {
			t.Fatalf("%q: %q, %v", s, d, err)
		}
		if _, err := canon.ParseDigest(string(canon.Sum([]byte(s)))); err != nil {
			t.Fatalf("our own digest is refused: %v", err)
		}
	})
}
