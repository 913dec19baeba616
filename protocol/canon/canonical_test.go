package canon_test

import (
	"bytes"
	"errors"
	"math/big"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/internal/decimal"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

func TestCanonicalize(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"scalars", " [ null , true , false , \"\" ] ", `[null,true,false,""]`},
		{"empty containers", "{ \"b\" : { } , \"a\" : [ ] }", `{"a":[],"b":{}}`},
		{"nested objects are sorted too", `{"b":[{"d":1,"c":{"f":2,"e":3}}],"a":0}`, `{"a":0,"b":[{"c":{"e":3,"f":2},"d":1}]}`},
		{"a prefix comes first", `{"aa":1,"a":2,"":3}`, `{"":3,"a":2,"aa":1}`},
		{"sorted by UTF-16 code units", `{"` + "\ufb33" + `":1,"` + "\U0001f600" + `":2,"\u20ac":3,"\r":4,"1":5,"` + "\u0080" + `":6,"ö":7}`,
			`{"\r":4,"1":5,"` + "\u0080" + `":6,"ö":7,"€":3,"` + "\U0001f600" + `":2,"` + "\ufb33" + `":1}`},
		{"sorted below the same prefix", `{"x` + "\uffff" + `":1,"x` + "\U0010ffff" + `":2,"x` + "\ud7ff" + `":3}`,
			`{"x` + "\ud7ff" + `":3,"x` + "\U0010ffff" + `":2,"x` + "\uffff" + `":1}`},
		{"an escaped name is sorted by what it says", `{"b":1,"\u0061":2}`, `{"a":2,"b":1}`},
		{"escapes", `"\u20ac\/\"\\\b\f\n\r\t\u000F\u001f\u007f\ud83d\ude00"`, `"€/\"\\\b\f\n\r\t\u000f\u001f` + "\u007f\U0001f600" + `"`},
		{"no normal form of Unicode", `"A\u030a"`, `"` + "A\u030a" + `"`},
		{"HTML is not escaped", `"<a href='x'>&\u2028"`, `"<a href='x'>&` + "\u2028" + `"`},
		{"whitespace inside strings stays", "{\"a\":\" \\n \"}\t\r\n", `{"a":" \n "}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := []byte(test.in)
			got, err := canon.Canonicalize(in)
			if err != nil || string(got) != test.want {
				t.Errorf("got %s, %v\nwant %s", got, err, test.want)
			}
			if string(in) != test.in {
				t.Error("the input was modified")
			}
		})
	}
}

func TestCanonicalNumbers(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", "-0": "0", "-0.0e9": "0", "0e999999999999999999": "0", "0.000": "0",
		"1": "1", "-1": "-1", "1.0": "1", "10e-1": "1", "1E+2": "100", "18.50": "18.5",
		"100000000000000000000": "100000000000000000000", "1e20": "100000000000000000000", "1e21": "1e+21",
		"1000000000000000000000": "1e+21", "0.000001": "0.000001", "0.0000001": "1e-7", "-1e-7": "-1e-7",
		"9007199254740991": "9007199254740991", "9007199254740992": "9007199254740992", "9007199254740994": "9007199254740994",
		// From RFC 8785, appendix B.
		"5e-324": "5e-324", "1.7976931348623157e308": "1.7976931348623157e+308", "-1.7976931348623157E+308": "-1.7976931348623157e+308",
		"295147905179352830000": "295147905179352830000", "9.999999999999997e22": "9.999999999999997e+22", "1e23": "1e+23",
		"1.0000000000000001e23": "1.0000000000000001e+23", "999999999999999700000": "999999999999999700000",
		"999999999999999900000": "999999999999999900000", "9.999999999999997e-7": "9.999999999999997e-7",
		"333333333.3333332": "333333333.3333332", "333333333.33333325": "333333333.33333325", "1424953923781206.2": "1424953923781206.2",
		"-0.0000033333333333333333": "-0.0000033333333333333333",
		"333333333.33333329":        "",
		"9007199254740993":          "", "-9007199254740993": "", "1e400": "", "-1e309": "", "1e-400": "", "4.9e-324": "", "2e-324": "",
		"1e999999999": "", "1e-999999999": "", "1e99999999999999999999": "", "1e-18446744073709551616": "",
		"0.1": "0.1", "0.10000000000000000001": "", "1.00000000000000000000": "1", "0.30000000000000004": "0.30000000000000004",
		"1797693134862315708145274237317043567981e270": "", "1.7976931348623158e308": "", "1.7976931348623159e308": "",
	} {
		got, err := canon.Canonicalize([]byte(in))
		switch {
		case want == "" && protocol.CodeOf(err) != protocol.CodeMalformed:
			t.Errorf("%s became %s, %v; want malformed", in, got, err)
		case want != "" && (err != nil || string(got) != want):
			t.Errorf("%s became %s, %v; want %s", in, got, err, want)
		}
	}
}

func TestLongLiterals(t *testing.T) {
	zeros := func(n int) string { return strings.Repeat("0", n) }
	for in, want := range map[string]string{
		"1" + zeros(95) + "e-95":          "1",
		"1" + zeros(96) + "e-96":          "", // 101 characters
		"0." + zeros(93) + "1e94":         "1",
		"0." + zeros(94) + "1e95":         "1",
		"0." + zeros(95) + "1e96":         "",
		"-1." + zeros(97):                 "-1",
		"-1." + zeros(98):                 "",
		"1e" + zeros(97) + "2":            "100",
		"0e" + strings.Repeat("9", 98):    "0",
		"1e-" + strings.Repeat("9", 97):   "",
		"1" + zeros(1000) + "e-1000":      "", // strconv.ParseFloat gives 1e-201
		"1" + zeros(60000):                "",
		strings.Repeat("1", 60000):        "",
		"1e" + strings.Repeat("9", 60000): "",
	} {
		got, err := canon.Canonicalize([]byte(in))
		if (err == nil) != (want != "") || string(got) != want {
			t.Errorf("%.8s… (%d bytes) became %s, %v; want %q", in, len(in), got, err, want)
		}
	}
}

// exact must agree with arithmetic on fractions.
func TestNumbersAgainstBigRat(t *testing.T) {
	literal := rapid.Custom(func(t *rapid.T) string {
		s := rapid.StringMatching(`-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,24})?`).Draw(t, "mantissa")
		if rapid.Bool().Draw(t, "exponent") {
			s += rapid.StringMatching(`[eE][+-]?(0{0,3}[0-9]{1,2}|3[0-3][0-9])`).Draw(t, "e")
		}
		return s
	})
	rapid.Check(t, func(t *rapid.T) {
		in := literal.Draw(t, "literal")
		v := jsontext.Value(in)
		if err := v.Canonicalize(); err != nil {
			t.Fatal(err)
		}
		a, _ := new(big.Rat).SetString(in)
		b, _ := new(big.Rat).SetString(string(v))
		got, err := canon.Canonicalize([]byte(in))
		if (err == nil) != (a.Cmp(b) == 0) {
			t.Fatalf("%s: canonical form %s, error %v", in, v, err)
		}
		if err == nil && !bytes.Equal(got, v) {
			t.Fatalf("%s became %s, want %s", in, got, v)
		}
	})
}

// hostile are texts that must be refused, with the code and the field.
var hostile = []struct {
	name, in string
	code     protocol.Code
	field    string
}{
	{"empty", "", protocol.CodeMalformed, ""},
	{"only space", " \n", protocol.CodeMalformed, ""},
	{"byte order mark", "\ufeff{}", protocol.CodeMalformed, ""},
	{"trailing data", `{} {}`, protocol.CodeMalformed, ""},
	{"trailing garbage", `{}x`, protocol.CodeMalformed, ""},
	{"trailing NUL", "{}\x00", protocol.CodeMalformed, ""},
	{"truncated", `{"a":[1,`, protocol.CodeMalformed, "a"},
	{"truncated string", `{"a":"\`, protocol.CodeMalformed, "a"},
	{"unopened", `]`, protocol.CodeMalformed, ""},
	{"crossed", `[{]}`, protocol.CodeMalformed, "[0]"},
	{"trailing comma", `[1,]`, protocol.CodeMalformed, ""},
	{"comment", `{}//`, protocol.CodeMalformed, ""},
	{"single quotes", `{'a':1}`, protocol.CodeMalformed, ""},
	{"duplicate member", `{"ext":{"a":1,"b":2,"a":1}}`, protocol.CodeMalformed, "ext.a"},
	{"duplicate by escape", `{"amount":1,"\u0061mount":2}`, protocol.CodeMalformed, "amount"},
	{"duplicate deep in an array", `[0,[{"a":{"b":1,"b":1}}]]`, protocol.CodeMalformed, "[1][0].a.b"},
	{"invalid UTF-8", "{\"a\":\"\xff\"}", protocol.CodeMalformed, "a"},
	{"overlong UTF-8", "\"\xc0\x80\"", protocol.CodeMalformed, ""},
	{"surrogate as UTF-8", "\"\xed\xa0\x80\"", protocol.CodeMalformed, ""},
	{"lone high surrogate", `"\ud800"`, protocol.CodeMalformed, ""},
	{"lone low surrogate", `"\udc00x"`, protocol.CodeMalformed, ""},
	{"reversed surrogates", `"\ude00\ud83d"`, protocol.CodeMalformed, ""},
	{"surrogate in a name", `{"\ud800":1}`, protocol.CodeMalformed, ""},
	{"raw control character", "\"\n\"", protocol.CodeMalformed, ""},
	{"unknown escape", `"\x41"`, protocol.CodeMalformed, ""},
	{"NaN", `{"a":NaN}`, protocol.CodeMalformed, "a"},
	{"Infinity", `[-Infinity]`, protocol.CodeMalformed, "[0]"},
	{"leading zero", `01`, protocol.CodeMalformed, ""},
	{"plus sign", `+1`, protocol.CodeMalformed, ""},
	{"hexadecimal", `0x10`, protocol.CodeMalformed, ""},
	{"bare point", `{"a":1.}`, protocol.CodeMalformed, "a"},
	{"minus alone", `-`, protocol.CodeMalformed, ""},
	{"capital literal", `True`, protocol.CodeMalformed, ""},
	{"number that would change", `{"ext":{"commerce":{"max_single_amount":9007199254740993}}}`, protocol.CodeMalformed, "ext.commerce.max_single_amount"},
	{"overflow", `{"items":[{"price":1},{"price":1e400}]}`, protocol.CodeMalformed, "items[1].price"},
	{"underflow", `[1e-400]`, protocol.CodeMalformed, "[0]"},
	{"grammar before numbers", `[1e400,`, protocol.CodeMalformed, ""},
	{"too deep", strings.Repeat("[", 33) + strings.Repeat("]", 33), protocol.CodeTooLarge, ""},
	{"too deep by objects", strings.Repeat(`{"a":`, 33) + "1" + strings.Repeat("}", 33), protocol.CodeTooLarge, ""},
	{"too deep and unclosed", strings.Repeat("[", 10000), protocol.CodeTooLarge, ""},
	{"too long", `"` + strings.Repeat("a", 65535) + `"`, protocol.CodeTooLarge, ""},
	{"too long and malformed", strings.Repeat("]", 65537), protocol.CodeTooLarge, ""},
	{"text in a name is not repeated", `{"Bearer eyJhbGciOiJub25lIn0.e30.":1,"a":.1}`, protocol.CodeMalformed, "a"},
	{"strange duplicate is not repeated", `{"pass word=hunter2":1,"pass word=hunter2":1}`, protocol.CodeMalformed, "?"},
}

func TestHostile(t *testing.T) {
	for _, test := range hostile {
		t.Run(test.name, func(t *testing.T) {
			in := []byte(test.in)
			_, canonErr := canon.Canonicalize(in)
			var v any
			for what, err := range map[string]error{
				"Check": canon.Check(in), "Canonicalize": canonErr,
				"Decode": canon.Decode(in, &v), "DecodeOpen": canon.DecodeOpen(in, new(struct{})),
			} {
				var e *protocol.Error
				if !errors.As(err, &e) || e.Code != test.code || e.Field != test.field {
					t.Errorf("%s: got %v, want %s in %q", what, err, test.code, test.field)
				}
			}
			if _, err := canon.Members(in); protocol.CodeOf(err) != test.code {
				t.Errorf("Members: got %v, want %s", err, test.code)
			}
			if _, err := canon.Without(in, "a"); protocol.CodeOf(err) != test.code {
				t.Errorf("Without: got %v, want %s", err, test.code)
			}
			if string(in) != test.in {
				t.Error("the input was modified")
			}
		})
	}
}

func TestLimits(t *testing.T) {
	deep := func(n int) []byte { return []byte(strings.Repeat("[", n) + strings.Repeat("]", n)) }
	long := func(n int) []byte { return []byte(`"` + strings.Repeat("a", n-2) + `"`) }
	for _, test := range []struct {
		name string
		l    canon.Limits
		in   []byte
		ok   bool
	}{
		{"default depth", canon.Limits{}, deep(32), true},
		{"default depth exceeded", canon.Limits{}, deep(33), false},
		{"default length", canon.Limits{}, long(65536), true},
		{"default length exceeded", canon.Limits{}, long(65537), false},
		{"negative means default", canon.Limits{MaxBytes: -1, MaxDepth: -1}, deep(32), true},
		{"own depth", canon.Limits{MaxDepth: 2}, deep(2), true},
		{"own depth exceeded", canon.Limits{MaxDepth: 2}, deep(3), false},
		{"own depth counts what is open", canon.Limits{MaxDepth: 2}, []byte(`[[],[],{},[]]`), true},
		{"brackets in strings do not count", canon.Limits{MaxDepth: 1}, []byte(`["[[[\"[[[\\"]`), true},
		{"own length", canon.Limits{MaxBytes: 10}, long(10), true},
		{"own length exceeded", canon.Limits{MaxBytes: 10}, long(11), false},
		{"more than the default", canon.Limits{MaxBytes: 1 << 20, MaxDepth: 100}, deep(100), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := test.l.Canonicalize(test.in)
			var v any
			for _, err := range []error{err, test.l.Check(test.in), test.l.Decode(test.in, &v), test.l.DecodeOpen(test.in, &v)} {
				if (err == nil) != test.ok || err != nil && protocol.CodeOf(err) != protocol.CodeTooLarge {
					t.Errorf("got %v, want ok = %v", err, test.ok)
				}
			}
		})
	}
}

// Calls share decoders; one text must not show in the form of another, neither
// after a refusal nor at the same time.
func TestCallsAreIndependent(t *testing.T) {
	want, err := canon.Canonicalize([]byte(mandate))
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for j := range 200 {
				h := hostile[(i*200+j)%len(hostile)]
				if _, err := canon.Canonicalize([]byte(h.in)); protocol.CodeOf(err) != h.code {
					t.Errorf("%s: %v", h.name, err)
				}
				if got, err := canon.Canonicalize([]byte(mandate)); err != nil || !bytes.Equal(got, want) {
					t.Errorf("after %s: %s, %v", h.name, got, err)
				}
			}
		})
	}
	group.Wait()
}

func TestMembersAndWithout(t *testing.T) {
	const in = `{"z":{"signature":1}, "signature":"x","\u0061":[1,2],"m":1.50}`
	names, err := canon.Members([]byte(in))
	if err != nil || !reflect.DeepEqual(names, []string{"z", "signature", "a", "m"}) {
		t.Errorf("Members: %q, %v", names, err)
	}
	for _, test := range []struct {
		names []string
		want  string
	}{
		{nil, `{"a":[1,2],"m":1.5,"signature":"x","z":{"signature":1}}`},
		{[]string{"signature"}, `{"a":[1,2],"m":1.5,"z":{"signature":1}}`},
		{[]string{"z", "a"}, `{"m":1.5,"signature":"x"}`},
		{[]string{"z", "a", "m", "signature"}, `{}`},
		{[]string{"Signature", "signature.x", ""}, `{"a":[1,2],"m":1.5,"signature":"x","z":{"signature":1}}`},
	} {
		got, err := canon.Without([]byte(in), test.names...)
		if err != nil || string(got) != test.want {
			t.Errorf("without %q: %s, %v", test.names, got, err)
		}
	}
	for _, in := range []string{`[]`, `null`, `"{}"`, `1`} {
		if _, err := canon.Members([]byte(in)); protocol.CodeOf(err) != protocol.CodeFieldInvalid {
			t.Errorf("Members(%s): %v", in, err)
		}
		if _, err := canon.Without([]byte(in)); protocol.CodeOf(err) != protocol.CodeFieldInvalid {
			t.Errorf("Without(%s): %v", in, err)
		}
	}
	if names, err := canon.Members([]byte(` {} `)); err != nil || len(names) != 0 {
		t.Errorf("Members({}): %q, %v", names, err)
	}
}

// meaning reads a JSON text into a value that is equal, by reflect.DeepEqual,
// for equal meanings. It uses the library's plain decoder, and numbers are
// exact.
func meaning(t testing.TB, data []byte) any {
	var read func(d *jsontext.Decoder) any
	read = func(d *jsontext.Decoder) any {
		tok, err := d.ReadToken()
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		switch tok.Kind() {
		case '{':
			m := map[string]any{}
			for d.PeekKind() != '}' {
				name := read(d).(string)
				m[name] = read(d)
			}
			d.ReadToken()
			return m
		case '[':
			s := []any{}
			for d.PeekKind() != ']' {
				s = append(s, read(d))
			}
			d.ReadToken()
			return s
		case '0':
			n, ok := decimal.Parse(tok.String())
			if !ok {
				t.Fatalf("number %s", tok)
			}
			return n
		case '"':
			return tok.String()
		default:
			return tok.Kind()
		}
	}
	return read(jsontext.NewDecoder(bytes.NewReader(data)))
}

// FuzzCanonicalize compares with the JSON library's own canonicaliser, and
// checks that the form is stable and keeps the meaning: therefore two texts
// with one form have one meaning.
func FuzzCanonicalize(f *testing.F) {
	for _, h := range hostile {
		if len(h.in) < 200 {
			f.Add([]byte(h.in))
		}
	}
	f.Add([]byte(mandate))
	f.Fuzz(func(t *testing.T, in []byte) {
		before := bytes.Clone(in)
		got, err := canon.Canonicalize(in)
		if !bytes.Equal(in, before) {
			t.Fatal("the input was modified")
		}
		if checkErr := canon.Check(in); (checkErr == nil) != (err == nil) || err != nil && checkErr.Error() != err.Error() {
			t.Fatalf("Check says %v, Canonicalize %v", checkErr, err)
		}
		if err != nil {
			if got != nil {
				t.Fatal("a form together with an error")
			}
			if code := protocol.CodeOf(err); code != protocol.CodeMalformed && code != protocol.CodeTooLarge {
				t.Fatalf("code %q", code)
			}
			return
		}
		want := jsontext.Value(bytes.Clone(in))
		if err := want.Canonicalize(); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("got  %s\nwant %s, %v", got, want, err)
		}
		// The form may be longer than the text: 1e20 has 21 digits.
		again, err := canon.Limits{MaxBytes: len(got) + 1}.Canonicalize(got)
		if err != nil || !bytes.Equal(again, got) {
			t.Fatalf("not stable: %s, then %s, %v", got, again, err)
		}
		if a, b := meaning(t, before), meaning(t, got); !reflect.DeepEqual(a, b) {
			t.Fatalf("the meaning changed from %v to %v", a, b)
		}
	})
}
