package delegation

import (
	"bytes"
	"compress/zlib"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

func statusKey(t testing.TB) *keys.Signer { return signer(t, issuerDID+"#s1", keys.Status) }

func signedList(t testing.TB, s *keys.Signer, l *StatusList) []byte {
	t.Helper()
	raw, err := SignStatusList(s, listURI, l, noon, noon.Add(time.Hour), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestStatusListDraftExample(t *testing.T) {
	// The two-bit example of draft-ietf-oauth-status-list.
	l, err := decodeStatusList("eNo76fITAAPfAgc")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(l.bits, []byte{0xc9, 0x44, 0xf9}) {
		t.Errorf("%x", l.bits)
	}
	for i, want := range []Status{1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3} {
		got, err := l.Get(i)
		if want == 3 {
			if protocol.CodeOf(err) != protocol.CodeStatusUnavailable {
				t.Errorf("entry %d: %v", i, err)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("entry %d: %d, %v", i, got, err)
		}
	}
}

func TestStatusList(t *testing.T) {
	s := statusKey(t)
	list := NewStatusList(1000)
	if err := list.Set(7, StatusSuspended); err != nil {
		t.Fatal(err)
	}
	if err := list.Set(999, StatusRevoked); err != nil {
		t.Fatal(err)
	}
	l, err := ParseStatusList(signedList(t, s, list), listURI)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("ADD-IAC-LCM-10 claims", func(t *testing.T) {
		if l.Issuer != issuerDID || l.URI != listURI || !l.IssuedAt.Equal(noon) || !l.Expires.Equal(noon.Add(time.Hour)) || l.TTL != time.Minute || l.KeyID() != issuerDID+"#s1" {
			t.Errorf("%+v", l)
		}
		if err := l.VerifySignature(s.Public()); err != nil {
			t.Error(err)
		}
		want(t, l.VerifySignature(statusKey(t).Public()), protocol.CodeSignatureInvalid, "", "")
	})
	t.Run("ADD-IAC-LCM-10 entries", func(t *testing.T) {
		for i, want := range map[int]Status{0: StatusActive, 6: StatusActive, 7: StatusSuspended, 8: StatusActive, 999: StatusRevoked} {
			if got, err := l.Status(i); err != nil || got != want {
				t.Errorf("%d: %d, %v", i, got, err)
			}
		}
		for _, i := range []int{-1, 1000, 1 << 40} {
			_, err := l.Status(i)
			want(t, err, protocol.CodeStatusUnavailable, "", "ADD-IAC-LCM-10")
		}
	})
	t.Run("ADD-IAC-LCM-08 time", func(t *testing.T) {
		for at, code := range map[time.Time]protocol.Code{
			noon.Add(-61 * time.Second): protocol.CodeStatusUnavailable, noon.Add(-time.Minute): "", noon: "",
			noon.Add(time.Hour - 1): "", noon.Add(time.Hour): protocol.CodeStatusUnavailable,
		} {
			if got := protocol.CodeOf(l.CheckTime(at)); got != code {
				t.Errorf("%v: %q", at, got)
			}
		}
	})
	t.Run("ADD-IAC-LCM-10 another list than asked for", func(t *testing.T) {
		_, err := ParseStatusList(signedList(t, s, list), listURI+"1")
		want(t, err, protocol.CodeClaimsConflict, "sub", "ADD-IAC-LCM-10")
	})
	t.Run("ADD-IAC-ISS-12 a key with another purpose", func(t *testing.T) {
		_, err := SignStatusList(issuerKey(t), listURI, list, noon, end, time.Minute)
		want(t, err, protocol.CodeKeyPurpose, "", "ADD-IAC-ISS-12")
	})
	t.Run("writing", func(t *testing.T) {
		want(t, list.Set(-1, StatusRevoked), protocol.CodeFieldInvalid, "idx", "")
		want(t, list.Set(1000, StatusRevoked), protocol.CodeFieldInvalid, "idx", "")
		want(t, list.Set(1, 3), protocol.CodeFieldInvalid, "status", "")
		for _, c := range []struct{ ask, get int }{{-5, 4}, {0, 4}, {5, 8}, {1 << 30, MaxStatusEntries}} {
			if got := NewStatusList(c.ask).Len(); got != c.get {
				t.Errorf("size %d gives %d", c.ask, got)
			}
		}
		for name, err := range map[string]error{
			"no list":   second(SignStatusList(s, listURI, nil, noon, end, time.Minute)),
			"no signer": second(SignStatusList(nil, listURI, list, noon, end, time.Minute)),
			"address":   second(SignStatusList(s, "http://issuer.example", list, noon, end, time.Minute)),
			"end":       second(SignStatusList(s, listURI, list, noon, noon, time.Minute)),
			"ttl":       second(SignStatusList(s, listURI, list, noon, end, time.Minute+1)),
			"no ttl":    second(SignStatusList(s, listURI, list, noon, end, 0)),
		} {
			if err == nil {
				t.Errorf("%s: signed", name)
			}
		}
	})
}

func second(_ []byte, err error) error { return err }

func TestStatusListRefuses(t *testing.T) {
	s := statusKey(t)
	good, err := NewStatusList(8).Encode()
	if err != nil {
		t.Fatal(err)
	}
	base := []byte(`{"iss":"` + issuerDID + `","sub":"` + listURI + `","iat":1773921600,"exp":1773925200,"ttl":60,"status_list":{"bits":2,"lst":"` + good + `"}}`)
	packed := func(b []byte) string {
		var out bytes.Buffer
		z := zlib.NewWriter(&out)
		if _, err := z.Write(b); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return `"` + canon.EncodeBase64(out.Bytes()) + `"`
	}
	bits, _ := canon.DecodeBase64(good)
	for _, c := range []struct {
		name, path, value string
		code              protocol.Code
		field             string
	}{
		{"no issuer", "iss", ``, protocol.CodeFieldMissing, "iss"},
		{"another issuer", "iss", `"did:act:other.example/x"`, protocol.CodeClaimsConflict, "iss"},
		{"no subject", "sub", ``, protocol.CodeFieldMissing, "sub"},
		{"another subject", "sub", `"https://issuer.example/status/2"`, protocol.CodeClaimsConflict, "sub"},
		{"no iat", "iat", ``, protocol.CodeFieldMissing, "iat"},
		{"no exp", "exp", ``, protocol.CodeFieldMissing, "exp"},
		{"exp before iat", "exp", `1773921600`, protocol.CodeFieldInvalid, "exp"},
		{"exp not whole", "exp", `1773925200.5`, protocol.CodeFieldInvalid, "exp"},
		{"no ttl", "ttl", ``, protocol.CodeFieldMissing, "ttl"},
		{"ttl zero", "ttl", `0`, protocol.CodeFieldMissing, "ttl"},
		{"ttl huge", "ttl", `1e15`, protocol.CodeFieldInvalid, "ttl"},
		{"ttl negative", "ttl", `-60`, protocol.CodeFieldInvalid, "ttl"},
		{"unknown claim", "aggregation", `1`, protocol.CodeFieldUnknown, "aggregation"},
		{"one bit", "status_list.bits", `1`, protocol.CodeFieldInvalid, "status_list.bits"},
		{"no bits", "status_list.bits", ``, protocol.CodeFieldInvalid, "status_list.bits"},
		{"no list", "status_list", ``, protocol.CodeFieldMissing, "status_list"},
		{"empty list", "status_list.lst", packed(nil), protocol.CodeMalformed, "status_list.lst"},
		{"not base64url", "status_list.lst", `"eNo76fITAAPfAgc="`, protocol.CodeMalformed, "status_list.lst"},
		{"not zlib", "status_list.lst", `"AAAA"`, protocol.CodeMalformed, "status_list.lst"},
		{"cut off", "status_list.lst", `"` + canon.EncodeBase64(bits[:len(bits)-1]) + `"`, protocol.CodeMalformed, "status_list.lst"},
		{"checksum", "status_list.lst", `"` + canon.EncodeBase64(append(bytes.Clone(bits[:len(bits)-1]), bits[len(bits)-1]^1)) + `"`, protocol.CodeMalformed, "status_list.lst"},
		{"data after the stream", "status_list.lst", `"` + canon.EncodeBase64(append(bytes.Clone(bits), 0)) + `"`, protocol.CodeMalformed, "status_list.lst"},
		{"a bomb", "status_list.lst", packed(make([]byte, 16<<20)), protocol.CodeTooLarge, "status_list.lst"},
		{"one byte too long", "status_list.lst", packed(make([]byte, MaxStatusEntries/4+1)), protocol.CodeTooLarge, "status_list.lst"},
	} {
		t.Run("ADD-IAC-LCM-10 "+c.name, func(t *testing.T) {
			raw, err := keys.SignCompact(s, keys.Status, keys.TypeStatusList, edit(t, base, c.path, c.value))
			if err != nil {
				t.Fatal(err)
			}
			_, err = ParseStatusList(raw, listURI)
			want(t, err, c.code, c.field, "ADD-IAC-LCM-10")
		})
	}
	t.Run("the longest list", func(t *testing.T) {
		l, err := ParseStatusList(signedList(t, s, NewStatusList(MaxStatusEntries)), listURI)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := l.Status(MaxStatusEntries - 1); err != nil || got != StatusActive {
			t.Error(got, err)
		}
	})
	t.Run("2^17 entries of any pattern fit", func(t *testing.T) {
		l := NewStatusList(1 << 17)
		r := rand.New(rand.NewPCG(1, 2))
		for i := range l.bits {
			l.bits[i] = byte(r.Uint32())
		}
		signedList(t, s, l)
	})
	t.Run("a mandate is no status list", func(t *testing.T) {
		raw, err := Issue(issuerKey(t), fullClaims(t))
		if err != nil {
			t.Fatal(err)
		}
		_, err = ParseStatusList(raw, listURI)
		want(t, err, protocol.CodeTypeMismatch, "", "")
		_, err = ParseMandate(signedList(t, s, NewStatusList(4)))
		want(t, err, protocol.CodeTypeMismatch, "", "")
	})
	t.Run("errors repeat nothing", func(t *testing.T) {
		raw, err := keys.SignCompact(s, keys.Status, keys.TypeStatusList, edit(t, base, "status_list.lst", `"SECRET"`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err = ParseStatusList(raw, listURI); err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Error(err)
		}
	})
}

// What is set is what is read, through the whole encoding.
func TestStatusListProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 300).Draw(t, "size")
		l, model := NewStatusList(size), make(map[int]Status)
		for range rapid.IntRange(0, 40).Draw(t, "sets") {
			i, s := rapid.IntRange(0, size-1).Draw(t, "index"), Status(rapid.IntRange(0, 2).Draw(t, "status"))
			if err := l.Set(i, s); err != nil {
				t.Fatal(err)
			}
			model[i] = s
		}
		lst, err := l.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeStatusList(lst)
		if err != nil {
			t.Fatal(err)
		}
		for i := range size {
			if s, err := got.Get(i); err != nil || s != model[i] {
				t.Fatalf("entry %d is %d, want %d", i, s, model[i])
			}
		}
	})
}
