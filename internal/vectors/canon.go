package vectors

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/actprotocol/act-go/protocol"
)

// groupCanon: strict JSON and its canonical form (SPEC.md 1.1, 1.2).
func groupCanon(b *builder) {
	ok := b.valid(spec{
		id: "canon/order/001", title: "Members are sorted and white space vanishes.",
		requirements: []string{"ADD-IAC-ISS-08"}, operation: "canon.canonicalize",
		input: obj{"text": `{ "b": 1, "a": 2 }`}, output: obj{"canonical": `{"a":2,"b":1}`},
	})
	canonForms(b, ok)
	canonNumbers(b, ok)
	canonRefused(b, ok)
	canonLimits(b, ok)
	canonCompact(b, ok)
}

// canonForms are texts whose canonical form is another text.
func canonForms(b *builder, ok spec) {
	for _, c := range []struct{ id, title, text, canonical string }{
		{"canon/order/002", "Members are sorted by UTF-16 code unit, so that an emoji stands before a letter of the private use area.",
			"{\"\ue000\":1,\"\U0001f600\":2,\"z\":3,\"\u00e9\":4}", "{\"z\":3,\"\u00e9\":4,\"\U0001f600\":2,\"\ue000\":1}"},
		{"canon/order/003", "Names that differ in case alone are two members.", `{"b":1,"B":2,"a":3}`, `{"B":2,"a":3,"b":1}`},
		{"canon/order/004", "Objects are sorted at every depth, arrays keep their order.",
			`[{"b":[3,1,2],"a":{"d":1,"c":2}}]`, `[{"a":{"c":2,"d":1},"b":[3,1,2]}]`},
		{"canon/order/005", "An empty name is a name and stands first.", `{"a":1,"":2}`, `{"":2,"a":1}`},
		{"canon/string/001", "Escapes that are not needed are undone.", `"\u0041\/\u00e9"`, "\"A/\u00e9\""},
		{"canon/string/002", "Control characters have their short escapes, or lower-case hexadecimal.",
			`"\u0008\u0009\u000A\u000C\u000D\u001F\u0000"`, `"\b\t\n\f\r\u001f\u0000"`},
		{"canon/string/003", "Quote and backslash are escaped and nothing else is.", `"\"\\<>&\u007f"`, "\"\\\"\\\\<>&\u007f\""},
		{"canon/string/004", "A pair of surrogates is one character.", `"\ud83d\ude00"`, "\"\U0001f600\""},
		{"canon/string/005", "Text is not normalised: a letter with a combining accent keeps its two characters.",
			"\"e\u0301\"", "\"e\u0301\""},
		{"canon/string/006", "Line separators of Unicode are written as they are.", `"\u2028\u2029"`, "\"\u2028\u2029\""},
		{"canon/value/001", "A text that is a scalar alone is JSON.", ` true `, `true`},
		{"canon/value/002", "Null is a value of strict JSON; what may not be null is said elsewhere.", `[null,false]`, `[null,false]`},
		{"canon/value/003", "Empty objects and arrays stay.", "{ \"a\" : [ ] , \"b\" : { } }", `{"a":[],"b":{}}`},
	} {
		b.also(ok, spec{id: c.id, title: c.title, output: obj{"canonical": c.canonical}}, put("text", c.text))
	}
}

func canonNumbers(b *builder, ok spec) {
	for _, c := range []struct{ id, title, text, canonical string }{
		{"canon/number/001", "Zeros behind the point vanish.", `[1.0,1.50,-2.00]`, `[1,1.5,-2]`},
		{"canon/number/002", "An exponent that is not needed is written out.", `[1e2,1E-2,12.5e1]`, `[100,0.01,125]`},
		{"canon/number/003", "Minus zero is zero.", `-0`, `0`},
		{"canon/number/004", "Large numbers have an exponent from 1e21 on.", `[100000000000000000000,1000000000000000000000]`, `[100000000000000000000,1e+21]`},
		{"canon/number/005", "Small numbers have an exponent below 1e-6.", `[0.000001,0.0000001]`, `[0.000001,1e-7]`},
		{"canon/number/006", "The largest integer up to which doubles have no gaps.", `9007199254740992`, `9007199254740992`},
		{"canon/number/007", "A decimal fraction whose shortest form has its own value.", `0.1`, `0.1`},
	} {
		b.also(ok, spec{id: c.id, title: c.title, output: obj{"canonical": c.canonical}}, put("text", c.text))
	}
	for _, c := range []struct{ id, title, text string }{
		{"canon/number/008", "An integer that no double has would share its canonical form with its neighbour.", `9007199254740993`},
		{"canon/number/009", "A number beyond the doubles has no canonical form.", `1e400`},
		{"canon/number/010", "More digits than a double keeps are another value.", `0.1000000000000000055511151231257827`},
		{"canon/number/011", "A number that a double rounds to zero is not zero.", `1e-400`},
		{"canon/number/012", "A leading zero is no JSON.", `01`},
		{"canon/number/013", "A plus sign is no JSON.", `+1`},
		{"canon/number/014", "A point needs a digit behind it.", `1.`},
		{"canon/number/015", "Hexadecimal is no JSON.", `0x10`},
		{"canon/number/016", "NaN is no JSON.", `NaN`},
		{"canon/number/017", "Infinity is no JSON.", `-Infinity`},
		{"canon/number/018", "A literal of more than 100 characters is refused, whatever its value.", "1" + "." + strings.Repeat("0", 99)},
	} {
		b.invalid(ok, spec{id: c.id, title: c.title, code: protocol.CodeMalformed}, put("text", c.text))
	}
}

func canonRefused(b *builder, ok spec) {
	for _, c := range []struct{ id, title, text string }{
		{"canon/strict/001", "A member that stands twice has no one meaning.", `{ "b": 1, "b": 2 }`},
		{"canon/strict/002", "A member that stands twice is found though one is written with an escape.", `{ "a": 1, "\u0061": 2 }`},
		{"canon/strict/003", "A lone high surrogate is no character.", `"\ud83d"`},
		{"canon/strict/004", "A lone low surrogate is no character.", `"\ude00\ud83d"`},
		{"canon/strict/005", "Data behind the value may mean something to somebody else.", `{ "b": 1 } { "a": 2 }`},
		{"canon/strict/006", "A comma behind the last member is no JSON.", `{ "b": 1, "a": 2, }`},
		{"canon/strict/007", "A comment is no JSON.", `{ "b": 1, /* "a": 2 */ "c": 3 }`},
		{"canon/strict/008", "Single quotes are no JSON.", `{ 'b': 1 }`},
		{"canon/strict/009", "A control character has to be escaped.", "\"a\tb\""},
		{"canon/strict/010", "An unknown escape is no JSON.", `"\x41"`},
		{"canon/strict/011", "An empty text is no value.", " "},
		{"canon/strict/012", "A text that ends early is no value.", `{ "b": 1, "a": `},
		{"canon/strict/013", "Literals are in lower case.", `True`},
		{"canon/strict/014", "A no-break space is no white space of JSON.", "{\u00a0\"b\": 1}"},
	} {
		b.invalid(ok, spec{id: c.id, title: c.title, code: protocol.CodeMalformed}, put("text", c.text))
	}
	for _, c := range []struct{ id, title, bytes string }{
		{"canon/utf8/001", "Bytes that are not UTF-8 are refused rather than replaced.", "{\"b\":\"\xff\"}"},
		{"canon/utf8/002", "A character in more bytes than it needs is not UTF-8.", "{\"b\":\"\xc0\xaf\"}"},
		{"canon/utf8/003", "A surrogate in three bytes is not UTF-8.", "{\"b\":\"\xed\xa0\x80\"}"},
		{"canon/utf8/004", "A byte order mark is refused.", "\xef\xbb\xbf{\"b\":1}"},
		{"canon/utf8/005", "UTF-16 is refused.", "\xff\xfe{\x00}\x00"},
	} {
		b.invalid(ok, spec{id: c.id, title: c.title, code: protocol.CodeMalformed}, func(in obj) {
			delete(in, "text")
			in["bytes"] = base64.RawURLEncoding.EncodeToString([]byte(c.bytes))
		})
	}
}

func canonLimits(b *builder, ok spec) {
	depth := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	size := func(n int) string { return `"` + strings.Repeat("x", n-2) + `"` }
	deep := b.also(ok, spec{id: "canon/limit/001", title: "A text may nest 32 deep.", output: obj{"canonical": depth(32)}}, put("text", depth(32)))
	b.invalid(deep, spec{id: "canon/limit/002", title: "A text that nests 33 deep is too large.", code: protocol.CodeTooLarge}, put("text", depth(33)))
	long := b.also(ok, spec{id: "canon/limit/003", title: "A text may have 65,536 bytes.", output: obj{"canonical": size(65536)}}, put("text", size(65536)))
	b.invalid(long, spec{id: "canon/limit/004", title: "A text of 65,537 bytes is too large.", code: protocol.CodeTooLarge}, put("text", size(65537)))
	b.invalid(deep, spec{id: "canon/limit/005", title: "Depth counts before the text is read to its end.", code: protocol.CodeTooLarge},
		put("text", strings.Repeat("[", 40)))
}

// sha256Digest is the digest of a text, by the standard library alone.
func sha256Digest(data string) string {
	sum := sha256.Sum256([]byte(data))
	return "sha-256:" + base64.RawURLEncoding.EncodeToString(sum[:])
}

// groupDigest: digests, base64url and identifiers (SPEC.md 1.3, 1.4, 1.7).
func groupDigest(b *builder) {
	ok := b.valid(spec{
		id: "digest/json/001", title: "The digest is taken of the canonical form.", requirements: []string{"ADD-IAC-ISS-08"},
		operation: "canon.digest", input: obj{"text": `{ "b": 1, "a": 2 }`}, output: obj{"digest": sha256Digest(`{"a":2,"b":1}`)},
	})
	b.also(ok, spec{id: "digest/json/002", title: "Another order and other spaces have the same digest."}, put("text", `{"a":2.0,"b":1}`))
	b.also(ok, spec{id: "digest/json/003", title: "Another value has another digest.", output: obj{"digest": sha256Digest(`{"a":2,"b":"1"}`)}},
		put("text", `{"a":2,"b":"1"}`))
	b.invalid(ok, spec{id: "digest/json/004", title: "What has no canonical form has no digest.", code: protocol.CodeMalformed},
		put("text", `{"a":2,"b":1,"a":2}`))

	form := b.valid(spec{
		id: "digest/form/001", title: "A digest is the name of the hash, a colon, and 43 characters of base64url.",
		operation: "digest.parse", input: obj{"digest": sha256Digest("")}, output: obj{"digest": sha256Digest("")},
	})
	tail := sha256Digest("")[:50] + "V"
	b.also(form, spec{id: "digest/form/002", title: "A digest is compared as a string: tail bits that are not zero are part of it.", output: obj{"digest": tail}},
		put("digest", tail))
	for _, c := range []struct{ id, title, digest string }{
		{"digest/form/003", "A digest without the name of its hash.", sha256Digest("")[8:]},
		{"digest/form/004", "A digest that is one character short.", sha256Digest("")[:50]},
		{"digest/form/005", "A digest with padding.", sha256Digest("") + "="},
		{"digest/form/006", "The name of the hash is in lower case.", "SHA-256:" + sha256Digest("")[8:]},
		{"digest/form/007", "A hash that is not one of the profile's.", "sha-1:" + sha256Digest("")[8:]},
		{"digest/form/008", "Hexadecimal is another form.", "sha-256:" + strings.Repeat("0", 64)},
		{"digest/form/009", "The alphabet of base64 is another one.", "sha-256:" + strings.Repeat("+", 43)},
	} {
		b.invalid(form, spec{id: c.id, title: c.title, code: protocol.CodeFieldInvalid}, put("digest", c.digest))
	}
}

func groupBytes(b *builder) {
	ok := b.valid(spec{
		id: "base64url/strict/001", title: "Unpadded base64url with the alphabet of URLs.", operation: "base64url.decode",
		input: obj{"text": "-_8A"}, output: obj{"hex": "fbff00"},
	})
	b.also(ok, spec{id: "base64url/strict/002", title: "Two bytes have three characters, the unused bits zero.", output: obj{"hex": "ffff"}}, put("text", "__8"))
	b.also(ok, spec{id: "base64url/strict/003", title: "One byte has two characters, the unused bits zero.", output: obj{"hex": "ff"}}, put("text", "_w"))
	for _, c := range []struct{ id, title, text string }{
		{"base64url/strict/004", "Unused bits that are not zero would give one value two spellings.", "__9"},
		{"base64url/strict/005", "Padding is refused.", "_w=="},
		{"base64url/strict/006", "The alphabet of base64 is refused.", "+/8A"},
		{"base64url/strict/007", "A line break is refused.", "-_8A\n"},
		{"base64url/strict/008", "A space is refused.", "-_ 8A"},
		{"base64url/strict/009", "One character alone is no byte.", "-_8AA"},
		{"base64url/strict/010", "Four unused bits that are not zero, in two characters.", "_x"},
	} {
		b.invalid(ok, spec{id: c.id, title: c.title, code: protocol.CodeMalformed}, put("text", c.text))
	}

	id := b.valid(spec{
		id: "id/form/001", title: "An id is visible ASCII.", operation: "id.check",
		input: obj{"id": "order-2026/11:01#7"}, output: obj{},
	})
	b.also(id, spec{id: "id/form/002", title: "An id may have 256 characters."}, put("id", strings.Repeat("i", 256)))
	b.invalid(id, spec{id: "id/form/003", title: "An id may not have 257 characters.", code: protocol.CodeFieldInvalid}, put("id", strings.Repeat("i", 257)))
	b.invalid(id, spec{id: "id/form/004", title: "An id is not empty.", code: protocol.CodeFieldInvalid}, put("id", ""))
	b.invalid(id, spec{id: "id/form/005", title: "An id has no spaces.", code: protocol.CodeFieldInvalid}, put("id", "order 7"))
	b.invalid(id, spec{id: "id/form/006", title: "An id has no control characters.", code: protocol.CodeFieldInvalid}, put("id", "order\n7"))
	b.invalid(id, spec{id: "id/form/007", title: "An id is ASCII, so that no two look alike.", code: protocol.CodeFieldInvalid}, put("id", "\u043erder-7"))
}
