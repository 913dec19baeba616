package sdjwt

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

const salt1, salt2 = `"AAAAAAAAAAAAAAAAAAAAAA"`, `"BBBBBBBBBBBBBBBBBBBBBB"`

// Each case is a rule of RFC 9901, or of this profile, broken by an issuer or a
// holder who signs well.
func TestHostile(t *testing.T) {
	name := `[` + salt1 + `,"name","Ann"]`
	element := `[` + salt1 + `,"CN"]`
	deep := strings.Repeat(`[`, 16) + `{"...":"%s"}` + strings.Repeat(`]`, 16)
	inner := `[` + salt1 + `,` + strings.Repeat(`[`, 16) + strings.Repeat(`]`, 16) + `]`
	for _, c := range []struct {
		name    string
		payload string
		texts   []string
		code    protocol.Code
	}{
		{"7.1.3 a digest twice in one array", `{"_sd":["` + digestOf(name) + `","` + digestOf(name) + `"]}`, nil, protocol.CodeMalformed},
		{"7.1.3 a digest twice at two levels", `{"_sd":["` + digestOf(name) + `"],"a":{"_sd":["` + digestOf(name) + `"]}}`, []string{name}, protocol.CodeMalformed},
		{"7.1.3 a digest of a member among elements too", `{"_sd":["` + digestOf(name) + `"],"a":[{"...":"` + digestOf(name) + `"}]}`, nil, protocol.CodeMalformed},
		{"7.1.3 a digest again inside of a disclosure", `{"_sd":["` + digestOf(`[`+salt2+`,"a",{"_sd":["`+digestOf(name)+`"]}]`) + `","` + digestOf(name) + `"]}`,
			[]string{`[` + salt2 + `,"a",{"_sd":["` + digestOf(name) + `"]}]`, name}, protocol.CodeMalformed},
		{"7.1.3 a digest twice, and a disclosure too many", `{"_sd":["` + digestOf(name) + `"],"a":{"_sd":["` + digestOf(name) + `"]}}`, []string{name, element}, protocol.CodeMalformed},
		{"7.1.4 a disclosure that nothing refers to", `{"a":1}`, []string{name}, protocol.CodeMalformed},
		{"7.1.4 a disclosure whose parent is withheld", `{"_sd":["` + digestOf(`[`+salt2+`,"a",{"_sd":["`+digestOf(name)+`"]}]`) + `"]}`, []string{name}, protocol.CodeMalformed},
		{"7.1.4 one disclosure twice", `{"_sd":["` + digestOf(name) + `"]}`, []string{name, name}, protocol.CodeMalformed},
		{"7.1.3 an element among members", `{"_sd":["` + digestOf(element) + `"]}`, []string{element}, protocol.CodeMalformed},
		{"7.1.3 a member among elements", `{"a":[{"...":"` + digestOf(name) + `"}]}`, []string{name}, protocol.CodeMalformed},
		{"7.1.3 a name that is there already", `{"_sd":["` + digestOf(name) + `"],"name":"Bob"}`, []string{name}, protocol.CodeMalformed},
		{"7.1.3 a name that another disclosure brought", `{"_sd":["` + digestOf(name) + `","` + digestOf(`[`+salt2+`,"name","Bob"]`) + `"]}`, []string{name, `[` + salt2 + `,"name","Bob"]`}, protocol.CodeMalformed},
		{"7.1.3 a name that is there in another spelling", `{"_sd":["` + digestOf(`[`+salt1+`,"\u006eame","Ann"]`) + `"],"name":"Bob"}`, []string{`[` + salt1 + `,"\u006eame","Ann"]`}, protocol.CodeMalformed},
		{"7.1.3 the name _sd", `{"_sd":["` + digestOf(`[`+salt1+`,"_sd",[]]`) + `"]}`, []string{`[` + salt1 + `,"_sd",[]]`}, protocol.CodeMalformed},
		{"7.1.3 the name ...", `{"_sd":["` + digestOf(`[`+salt1+`,"...","x"]`) + `"]}`, []string{`[` + salt1 + `,"...","x"]`}, protocol.CodeMalformed},
		{"7.1.3 the name _sd in escapes", `{"_sd":["` + digestOf(`[`+salt1+`,"\u005fsd",[]]`) + `"]}`, []string{`[` + salt1 + `,"\u005fsd",[]]`}, protocol.CodeMalformed},
		{"profile: the name _sd_alg", `{"_sd":["` + digestOf(`[`+salt1+`,"_sd_alg","sha-512"]`) + `"]}`, []string{`[` + salt1 + `,"_sd_alg","sha-512"]`}, protocol.CodeMalformed},
		{"4.2.4.1 _sd is no array", `{"a":{"_sd":"` + digestOf(name) + `"}}`, nil, protocol.CodeMalformed},
		{"4.2.4.1 _sd holds no strings", `{"_sd":[1]}`, nil, protocol.CodeMalformed},
		{"profile: a digest that is cut short", `{"_sd":["` + digestOf(name)[:42] + `"]}`, nil, protocol.CodeMalformed},
		{"profile: a digest with a loose tail", `{"_sd":["` + strings.Repeat("A", 42) + `B"]}`, nil, protocol.CodeMalformed},
		{"profile: a digest with padding", `{"_sd":["` + digestOf(name) + `="]}`, nil, protocol.CodeMalformed},
		{"7.1.3 ... beside other members", `{"a":[{"...":"` + digestOf(element) + `","b":1}]}`, nil, protocol.CodeMalformed},
		{"7.1.3 ... behind other members", `{"a":[{"_":1,"...":"` + digestOf(element) + `"}]}`, nil, protocol.CodeMalformed},
		{"7.1.3 ... in an object that is no element", `{"a":{"...":"` + digestOf(element) + `"}}`, nil, protocol.CodeMalformed},
		{"7.1.3 ... is no string", `{"a":[{"...":["` + digestOf(element) + `"]}]}`, nil, protocol.CodeMalformed},
		{"7.1.3 ... left inside of a disclosure", `{"_sd":["` + digestOf(`[`+salt1+`,"a",{"...":"x"}]`) + `"]}`, []string{`[` + salt1 + `,"a",{"...":"x"}]`}, protocol.CodeMalformed},
		{"7.1.3 _sd in escapes inside of a disclosure", `{"_sd":["` + digestOf(`[`+salt1+`,"a",{"\u005fsd":"x"}]`) + `"]}`, []string{`[` + salt1 + `,"a",{"\u005fsd":"x"}]`}, protocol.CodeMalformed},
		{"7.1.3 ... in escapes inside of a disclosure", `{"_sd":["` + digestOf(`[`+salt1+`,"a",[{"\u002e..":"x"}]]`) + `"]}`, []string{`[` + salt1 + `,"a",[{"\u002e..":"x"}]]`}, protocol.CodeMalformed},
		{"4.1.1 another hash function", `{"_sd_alg":"sha-512","a":1}`, nil, protocol.CodeAlgorithmRefused},
		{"4.1.1 no hash function", `{"_sd_alg":["sha-256"]}`, nil, protocol.CodeAlgorithmRefused},
		{"4.1.1 _sd_alg below the top", `{"a":{"_sd_alg":"sha-256"}}`, nil, protocol.CodeMalformed},
		{"4.1.1 _sd_alg inside of a disclosure", `{"_sd":["` + digestOf(`[`+salt1+`,"a",{"_sd_alg":"sha-256"}]`) + `"]}`, []string{`[` + salt1 + `,"a",{"_sd_alg":"sha-256"}]`}, protocol.CodeMalformed},
		{"profile: deeper than allowed once put together", `{"a":` + fmt.Sprintf(deep, digestOf(inner)) + `}`, []string{inner}, protocol.CodeTooLarge},
		{"the payload is no object", `["_sd"]`, nil, protocol.CodeFieldInvalid},
	} {
		t.Run("PRV-01 "+c.name, func(t *testing.T) {
			p, err := read(forge(t, c.payload, c.texts...))
			wantCode(t, err, c.code)
			if p != nil {
				t.Error("a result together with an error")
			}
			if err != nil && strings.Contains(err.Error(), "Ann") {
				t.Errorf("the error repeats input: %v", err)
			}
		})
	}
}

// Disclosures that are none, for whatever the payload says.
func TestHostileDisclosures(t *testing.T) {
	for name, text := range map[string]string{
		"no array":                    `{"a":1}`,
		"a string":                    `"abc"`,
		"empty":                       `[]`,
		"one element":                 `[` + salt1 + `]`,
		"four elements":               `[` + salt1 + `,"a",1,2]`,
		"a number for a salt":         `[1,"a",1]`,
		"a salt of 126 bits":          `["AAAAAAAAAAAAAAAAAAAAA","a",1]`,
		"a salt that can be guessed":  `["                      ","a",1]`,
		"a number for a name":         `[` + salt1 + `,1,1]`,
		"two members with one name":   `[` + salt1 + `,"a",{"b":1,"b":2}]`,
		"data behind the array":       `[` + salt1 + `,"a",1]1`,
		"a number that changes":       `[` + salt1 + `,"a",9007199254740993]`,
		"bytes that are no UTF-8":     "[" + salt1 + ",\"a\",\"\xff\"]",
		"a lone surrogate":            `[` + salt1 + `,"a","\ud800"]`,
		"a name that is no UTF-8":     "[" + salt1 + ",\"\xff\",1]",
		"a comma at the end":          `[` + salt1 + `,"a",1,]`,
		"nothing":                     "",
		"a text that ends in between": `[` + salt1 + `,"a",`,
	} {
		t.Run("PRV-01 "+name, func(t *testing.T) {
			_, err := Parse([]byte("x~" + canon.EncodeBase64([]byte(text)) + "~"))
			wantCode(t, err, protocol.CodeMalformed)
		})
	}
	good := canon.EncodeBase64([]byte(`[` + salt1 + `,"name","Ann"]`))
	for name, raw := range map[string]string{
		"no tilde":                   "x",
		"a key binding JWT":          "x~" + good + "~a.b.c",
		"padding":                    "x~" + good + "=~",
		"a line break":               "x~" + good[:4] + "\n" + good[4:] + "~",
		"the other alphabet":         "x~" + strings.Replace(canon.EncodeBase64([]byte(`[`+salt1+`,"a","???>>>"]`)), "_", "/", 1) + "~",
		"an empty disclosure":        "x~" + good + "~~",
		"unused bits that are set":   "x~" + canon.EncodeBase64([]byte(`[` + salt1 + `,"a",12]`))[:43] + "x~",
		"nothing":                    "",
		"a disclosure of one letter": "x~A~",
	} {
		t.Run("PRV-01 "+name, func(t *testing.T) {
			_, err := Parse([]byte(raw))
			wantCode(t, err, protocol.CodeMalformed)
		})
	}
	t.Run("PRV-01 too many disclosures", func(t *testing.T) {
		_, err := Parse([]byte("x~" + strings.Repeat("A~", MaxDisclosures+1)))
		wantCode(t, err, protocol.CodeTooLarge)
	})
	t.Run("PRV-01 too long", func(t *testing.T) {
		_, err := Parse([]byte("x~" + strings.Repeat("A", MaxToken) + "~"))
		wantCode(t, err, protocol.CodeTooLarge)
	})
}

// Many digests and names cost no more than their length.
func TestWorkIsBounded(t *testing.T) {
	var payload strings.Builder
	payload.WriteString(`{"_sd":[`)
	texts := make([]string, MaxDisclosures)
	for i := range texts {
		texts[i] = fmt.Sprintf(`[%s,"m%d",%d]`, salt1, i, i)
		if i > 0 {
			payload.WriteByte(',')
		}
		payload.WriteString(`"` + digestOf(texts[i]) + `"`)
	}
	payload.WriteString(`]}`)
	p, err := read(forge(t, payload.String(), texts...))
	if err != nil || len(p.Disclosed) != MaxDisclosures {
		t.Fatal(err)
	}
}

func TestBinding(t *testing.T) {
	raw, err := Issue(issuerKey(t), keys.IssueAuthorization, testType, []byte(`{"a":1,"b":2}`), Concealment{Hide: []string{"/a", "/b"}})
	if err != nil {
		t.Fatal(err)
	}
	holder, at := holderKey(t), time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	bound, err := Bind(holder, raw, "did:act:psp.example/pay", "n-1", at)
	if err != nil {
		t.Fatal(err)
	}
	token, jwt := Cut(bound)
	b, err := ParseBinding(jwt)
	if err != nil {
		t.Fatal(err)
	}
	if b.Audience != "did:act:psp.example/pay" || b.Nonce != "n-1" || !b.IssuedAt.Equal(at) {
		t.Errorf("%+v", b)
	}
	if err := b.Verify(token, holder.Public()); err != nil {
		t.Fatal(err)
	}
	p, err := read(raw)
	if err != nil {
		t.Fatal(err)
	}
	part := p.Present(func(d Disclosed) bool { return d.Path == "/a" })
	swapped, err := read(part)
	if err != nil || len(swapped.Disclosed) != 1 {
		t.Fatal(err)
	}
	t.Run("PRV-01 4.3.1 a disclosure was taken out", func(t *testing.T) {
		wantCode(t, b.Verify(part, holder.Public()), protocol.CodeSignatureInvalid)
	})
	t.Run("PRV-01 7.3 another holder", func(t *testing.T) {
		wantCode(t, b.Verify(token, holderKey(t).Public()), protocol.CodeSignatureInvalid)
	})
	t.Run("PRV-01 7.3 nobody's key", func(t *testing.T) {
		wantCode(t, b.Verify(token, keys.PublicKey{}), protocol.CodeAlgorithmRefused)
	})
	t.Run("PRV-01 a bound one is not bound again", func(t *testing.T) {
		_, err := Bind(holder, bound, "a", "n", at)
		wantCode(t, err, protocol.CodeMalformed)
	})
	t.Run("ADD-IAC-ISS-12 a key of another purpose", func(t *testing.T) {
		_, err := Bind(issuerKey(t), raw, "a", "n", at)
		wantCode(t, err, protocol.CodeKeyPurpose)
	})
	for name, c := range map[string]struct{ audience, nonce string }{"no audience": {"", "n"}, "no nonce": {"a", ""}} {
		t.Run("PRV-01 "+name, func(t *testing.T) {
			_, err := Bind(holder, raw, c.audience, c.nonce, at)
			wantCode(t, err, protocol.CodeFieldMissing)
		})
	}
	hash := `"sd_hash":"` + sum(token) + `"`
	for _, c := range []struct {
		name, typ, claims string
		code              protocol.Code
	}{
		{"another typ", "JWT", `{"aud":"a","iat":1,"nonce":"n",` + hash + `}`, protocol.CodeTypeMismatch},
		{"no sd_hash", keys.TypeKeyBinding, `{"aud":"a","iat":1,"nonce":"n"}`, protocol.CodeFieldMissing},
		{"no iat", keys.TypeKeyBinding, `{"aud":"a","nonce":"n",` + hash + `}`, protocol.CodeFieldMissing},
		{"two audiences", keys.TypeKeyBinding, `{"aud":["a","b"],"iat":1,"nonce":"n",` + hash + `}`, protocol.CodeFieldInvalid},
		{"iat in words", keys.TypeKeyBinding, `{"aud":"a","iat":"1","nonce":"n",` + hash + `}`, protocol.CodeFieldInvalid},
		{"iat in fractions", keys.TypeKeyBinding, `{"aud":"a","iat":1.5,"nonce":"n",` + hash + `}`, protocol.CodeFieldInvalid},
		{"negative iat", keys.TypeKeyBinding, `{"aud":"a","iat":-1,"nonce":"n",` + hash + `}`, protocol.CodeFieldInvalid},
		{"iat after the year 9999", keys.TypeKeyBinding, `{"aud":"a","iat":253402300800,"nonce":"n",` + hash + `}`, protocol.CodeFieldInvalid},
		{"another claim", keys.TypeKeyBinding, `{"aud":"a","exp":2,"iat":1,"nonce":"n",` + hash + `}`, protocol.CodeFieldUnknown},
	} {
		t.Run("PRV-01 "+c.name, func(t *testing.T) {
			jwt, err := keys.SignBound(holder, keys.AgentRequest, c.typ, []byte(c.claims))
			if err != nil {
				t.Fatal(err)
			}
			_, err = ParseBinding(jwt)
			wantCode(t, err, c.code)
		})
	}
	t.Run("PRV-01 a key id", func(t *testing.T) {
		jwt, err := keys.SignCompact(holder, keys.AgentRequest, keys.TypeKeyBinding, []byte(`{"aud":"a","iat":1,"nonce":"n",`+hash+`}`))
		if err != nil {
			t.Fatal(err)
		}
		_, err = ParseBinding(jwt)
		wantCode(t, err, protocol.CodeHeaderRefused)
	})
}

func TestIssueRefuses(t *testing.T) {
	for _, c := range []struct {
		name, claims string
		conceal      Concealment
		code         protocol.Code
	}{
		{"a path that is not there", `{"a":1}`, Concealment{Hide: []string{"/b"}}, protocol.CodeFieldMissing},
		{"an element that is not there", `{"a":[1]}`, Concealment{Hide: []string{"/a/1"}}, protocol.CodeFieldMissing},
		{"decoys where nothing is", `{"a":1}`, Concealment{Decoys: map[string]int{"/b": 1}}, protocol.CodeFieldMissing},
		{"decoys in a number", `{"a":1}`, Concealment{Decoys: map[string]int{"/a": 1}}, protocol.CodeFieldMissing},
		{"fewer decoys than none", `{"a":{}}`, Concealment{Decoys: map[string]int{"/a": -1}}, protocol.CodeFieldInvalid},
		{"all of it", `{"a":1}`, Concealment{Hide: []string{""}}, protocol.CodeFieldMissing},
		{"a reserved name", `{"a":{"_sd":[]}}`, Concealment{}, protocol.CodeFieldInvalid},
		{"a reserved name in an array", `{"a":[{"...":"x"}]}`, Concealment{}, protocol.CodeFieldInvalid},
		{"no object", `[1]`, Concealment{}, protocol.CodeFieldInvalid},
		{"no JSON", `{"a":1,"a":2}`, Concealment{}, protocol.CodeMalformed},
	} {
		t.Run("PRV-01 "+c.name, func(t *testing.T) {
			_, err := Issue(issuerKey(t), keys.IssueAuthorization, testType, []byte(c.claims), c.conceal)
			wantCode(t, err, c.code)
		})
	}
}
