package interop

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowebpki/jcs"
	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// agree checks that the oracle writes what canon writes. What canon refuses
// the oracle may accept: it has other limits and squeezes numbers into
// doubles, and refusing that is canon's purpose. No fault of the oracle is
// known for what canon accepts.
func agree(t interface {
	Helper()
	Fatalf(string, ...any)
}, in []byte) (accepted bool) {
	t.Helper()
	ours, err := canon.Canonicalize(in)
	theirs, oracleErr := jcs.Transform(bytes.Clone(in))
	if err != nil {
		return false
	}
	if oracleErr != nil {
		t.Fatalf("canon writes %s, the oracle refuses %q: %v", ours, in, oracleErr)
	}
	if !bytes.Equal(ours, theirs) {
		t.Fatalf("input  %q\ncanon  %s\noracle %s", in, ours, theirs)
	}
	return true
}

func TestCanonicalAgreement(t *testing.T) {
	for _, in := range []string{
		`{}`, `[]`, `""`, `0`, ` true `, `[null,false]`, "\t{ \"b\" : 1 , \"a\" : [ { } , [ ] ] }\r\n",
		`{"` + "\ufb33" + `":1,"` + "\U0001f600" + `":2,"\u20ac":3,"\r":4,"1":5,"` + "\u0080" + `":6,"ö":7,"":8,"aa":9,"a":10}`,
		`"\u20ac\/\"\\\b\f\n\r\t\u000F\u001f\u007f\ud83d\ude00<>&\u2028\u2029"`,
		`[1.0,-0,0.000001,1e-7,1E+2,123456789012345680000,1e21,5e-324,2.2250738585072014e-308,1.7976931348623157e308,0.1,18.50,4.35,9007199254740991]`,
		`[1e23,9.999999999999997e22,1.0000000000000001e23,333333333.3333332,333333333.33333325,1424953923781206.2,295147905179352830000]`,
		mandate,
	} {
		if !agree(t, []byte(in)) {
			t.Errorf("canon refuses %s", in)
		}
	}
}

// What both must refuse: an oracle that accepted it would hide a fault of
// ours.
func TestCanonicalRefusals(t *testing.T) {
	for name, in := range map[string]string{
		"empty": "", "trailing data": "{} {}", "duplicate": `{"a":1,"a":1}`, "duplicate by escape": `{"a":1,"\u0061":2}`,
		"lone surrogate": `"\ud800"`, "reversed surrogates": `"\ude00\ud83d"`, "invalid UTF-8": "\"\xff\"", "surrogate as UTF-8": "\"\xed\xa0\x80\"",
		"overflow": "1e400", "NaN": "NaN", "control": "\"\n\"", "byte order mark": "\ufeff{}", "single quotes": "{'a':1}", "unfinished": `{"a":`,
	} {
		t.Run(name, func(t *testing.T) {
			ours, err := canon.Canonicalize([]byte(in))
			if code := protocol.CodeOf(err); code != protocol.CodeMalformed {
				t.Errorf("canon writes %s, %v", ours, err)
			}
			if theirs, err := jcs.Transform([]byte(in)); err == nil {
				t.Errorf("the oracle writes %s", theirs)
			}
		})
	}
}

// Where canon is stricter than RFC 8785 on purpose: the oracle maps each pair
// to one form, although the texts say different things.
func TestCanonicalStricterThanOracle(t *testing.T) {
	for _, pair := range [][2]string{
		{"9007199254740993", "9007199254740992"},
		{"0.10000000000000000001", "0.1"},
		{"1e-400", "0"},
		{"1" + strings.Repeat("0", 1000) + "e-1000", "1e-201"}, // the first is 1; strconv misreads it
	} {
		a, errA := jcs.Transform([]byte(pair[0]))
		b, errB := jcs.Transform([]byte(pair[1]))
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%.30s and %s: the oracle writes %s, %v and %s, %v; is this case still needed?", pair[0], pair[1], a, errA, b, errB)
		}
		if form, err := canon.Canonicalize([]byte(pair[0])); protocol.CodeOf(err) != protocol.CodeMalformed {
			t.Errorf("canon accepts %.30s as %s", pair[0], form)
		}
	}
}

// TestCanonicalAgreementOfficial runs over every official JSON file.
func TestCanonicalAgreementOfficial(t *testing.T) {
	root := filepath.Join("..", "..", "..", "shared", "act-2.1", "official")
	if _, err := os.Stat(root); err != nil {
		t.Skip("the official data of ACT 2.1 is not beside this project")
	}
	n := 0
	err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".json" {
			return err
		}
		in, err := os.ReadFile(path)
		if err != nil || len(in) > canon.DefaultMaxBytes {
			return err
		}
		if !agree(t, in) {
			t.Errorf("canon refuses %s", filepath.Base(path))
		}
		n++
		return nil
	})
	if err != nil || n == 0 {
		t.Errorf("%d files read, %v", n, err)
	}
}

// TestCanonicalAgreementRandom writes random values in random spellings.
func TestCanonicalAgreementRandom(t *testing.T) {
	drawn, accepted := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		drawn++
		if agree(t, []byte(spelling(t, 4))) {
			accepted++
		}
	})
	if accepted*2 < drawn || drawn == 0 {
		t.Errorf("only %d of %d random texts were accepted", accepted, drawn)
	}
}

// spelling draws a JSON text; nearly all are strict.
func spelling(t *rapid.T, depth int) string {
	space := func() string { return rapid.SampledFrom([]string{"", "", " ", "\n\t"}).Draw(t, "space") }
	character := rapid.OneOf(rapid.Rune().Filter(func(r rune) bool { return r >= ' ' && r != '"' && r != '\\' }).AsAny(),
		rapid.SampledFrom([]string{`\n`, `\"`, `\\`, `\/`, `\u0000`, `\u001F`, `\u00e9`, `\ud83d\ude00`, `\uffff`, "\U0001f600", "\ufb33"}).AsAny())
	text := func() string {
		var b strings.Builder
		for _, c := range rapid.SliceOfN(character, 0, 6).Draw(t, "text") {
			switch c := c.(type) {
			case rune:
				b.WriteRune(c)
			case string:
				b.WriteString(c)
			}
		}
		return `"` + b.String() + `"`
	}
	kinds := 4
	if depth == 0 {
		kinds = 2
	}
	body := ""
	switch kind := rapid.IntRange(0, kinds).Draw(t, "kind"); kind {
	case 0:
		body = rapid.SampledFrom([]string{"null", "true", "false"}).Draw(t, "literal")
	case 1:
		body = rapid.StringMatching(`-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,6})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "number")
	case 2:
		body = text()
	default:
		parts := make([]string, rapid.IntRange(0, 5).Draw(t, "length"))
		for i := range parts {
			if kind == 4 {
				parts[i] = space() + text() + space() + ":"
			}
			parts[i] += spelling(t, depth-1)
		}
		brackets := "[]{}"[2*(kind-3):][:2]
		body = brackets[:1] + strings.Join(parts, ",") + brackets[1:]
	}
	return space() + body + space()
}

func FuzzCanonicalAgreement(f *testing.F) {
	f.Add([]byte(mandate))
	f.Fuzz(func(t *testing.T, in []byte) { agree(t, in) })
}

// BenchmarkCanonicalizeOracle is the figure to compare BenchmarkCanonicalize
// in protocol/canon with: the same text.
func BenchmarkCanonicalizeOracle(b *testing.B) {
	run := func(name string, canonicalize func([]byte) ([]byte, error)) {
		b.Run(name, func(b *testing.B) {
			in := []byte(mandate)
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := canonicalize(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("oracle", jcs.Transform)
	run("canon", canon.Canonicalize)
}

// mandate is a mandate payload as an issuer might write it, not yet canonical: the
// text that protocol/canon is measured with.
const mandate = `{
  "iss": "did:act:issuer.example/alice", "sub": "did:act:agents.example/shopper", "aud": "did:act:psp.example/pay",
  "jti": "urn:uuid:6c1b2a8e-5c0d-4f5e-9d3a-0f2b7c9d1e44", "iat": 1767225600, "nbf": 1767225600, "exp": 1767312000,
  "cnf": {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}},
  "status": {"status_list": {"idx": 4711, "uri": "https://issuer.example/status/1"}},
  "vc": {"type": ["VerifiableCredential", "ACTIntentAuthorization"], "credentialSubject": {
    "delegation_id": "urn:uuid:6c1b2a8e-5c0d-4f5e-9d3a-0f2b7c9d1e44",
    "intent_id": "urn:uuid:2f7f4c62-77b1-4f59-8a52-d5f8a0a3c9b7",
    "delegator_identity": "did:act:issuer.example/alice", "agent_id": "did:act:agents.example/shopper",
    "delegation_mode": "SPECIFIED",
    "validity_start_time": "2026-01-01T00:00:00Z", "validity_end_time": "2026-01-02T00:00:00Z",
    "max_total_amount": 20.5, "currency": "CNY", "allowed_payment_methods": ["urn:act:payment:wallet"],
    "user_confirmation_method": "CLICK_CONFIRM", "user_confirmation_timestamp": "2026-01-01T00:00:00Z",
    "ext": {"commerce": {"allowed_merchants": ["did:act:shop.example/coffee"], "allowed_categories": ["food/coffee"],
      "max_single_amount": 20.00}, "fulfillment": {"delivery_address": "上海市黄浦区 1 号"}}}}
}`
