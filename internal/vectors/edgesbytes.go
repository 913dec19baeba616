package vectors

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// Like those of edges.go, the cases of this file were asked for by mutation: of
// what a reader does with texts in the one form that most programs write, and of
// sums that leave the range of a number.

// canonCompact: a text without white space, in canonical form but for one thing.
func canonCompact(b *builder, ok spec) {
	names := "{\"\U0001f600\":1,\"\ue000\":2}"
	compact := b.also(ok, spec{id: "canon/compact/001", title: "A compact text is its own canonical form.", output: obj{"canonical": `{"a":2,"b":[true,false]}`}}, put("text", `{"a":2,"b":[true,false]}`))
	b.also(ok, spec{id: "canon/compact/002", title: "Names in the order of their bytes are not in that of RFC 8785 when there are emoji.", output: obj{"canonical": names}},
		put("text", "{\"\ue000\":2,\"\U0001f600\":1}"))
	for i, c := range []struct{ title, text string }{
		{"Between a name and its value stands a colon.", `{"a"2,"b":[true,false]}`},
		{"A name begins with a quote.", `{a":2,"b":[true,false]}`},
		{"A name ends with a quote.", `{"a:2,"b":[true,false]}`},
		{"A literal that resembles true.", `{"a":2,"b":[trux,false]}`},
		{"A literal that resembles false.", `{"a":2,"b":[true,falze]}`},
		{"A literal that ends early.", `tru`},
		{"A name that is a number.", `{"a":2,3:[true,false]}`},
		{"A comma that is missing in an object.", `{"a":2"b":[true,false]}`},
		{"A comma that is missing in an array.", `{"a":2,"b":[true false]}`},
		{"A comma at the end of an array.", `{"a":2,"b":[true,]}`},
		{"An array that is closed as an object.", `{"a":2,"b":[true,false}}`},
		{"An object that is not closed.", `{"a":2,"b":[true,false]`},
		{"A bracket too many.", `{"a":2,"b":[true,false]}}`},
	} {
		b.invalid(compact, spec{id: "canon/compact/0" + digits2(i+10), title: c.title, code: protocol.CodeMalformed}, put("text", c.text))
	}
}

// statementEdges: a message of strings alone, with a fault in its form.
func statementEdges(b *builder, ok spec, text string) {
	replaced := func(old, new string) string {
		if !strings.Contains(text, old) {
			b.fail("capability/text", "%q is not in the text", old)
		}
		return strings.Replace(text, old, new, 1)
	}
	for i, c := range []struct{ title, text string }{
		{"A statement that is not closed.", text[:len(text)-1]},
		{"A statement that is not opened.", text[1:]},
		{"A brace behind a statement.", text + "}"},
		{"A colon that is missing.", replaced(`"mode":`, `"mode"`)},
		{"A list that is not opened.", replaced(`"supported_methods":[`, `"supported_methods":`)},
		{"A list that is not closed.", replaced(`}],"version"`, `},"version"`)},
		{"An object in a list that is not opened.", replaced(`"supported_methods":[{`, `"supported_methods":[`)},
		{"A quote that is missing.", replaced(`"mode":"`, `"mode":`)},
		{"A name without its first quote.", replaced(`,"mode":`, `,mode":`)},
		{"A comma that is missing.", replaced(`,"mode":`, `"mode":`)},
	} {
		b.invalid(ok, spec{id: "capability/text/0" + digits2(i+1), title: c.title, code: protocol.CodeMalformed}, put("statement", c.text))
	}
	b.invalid(ok, spec{id: "capability/text/020", title: "A statement of more than 64 KiB is not read.", code: protocol.CodeTooLarge}, put("statement", replaced(shopDID, strings.Repeat("a", 64<<10))))
}

// timeEdges: offsets that are cut short or go on.
func timeEdges(b *builder, ok spec) {
	for i, c := range []struct{ title, time string }{
		{"An offset of hours alone.", "2026-11-01T18:00:00+08"},
		{"An offset that is cut short.", "2026-11-01T18:00:00+08:0"},
		{"An offset with seconds.", "2026-11-01T18:00:00+08:00:00"},
		{"Decimals, and no offset.", "2026-11-01T10:00:00.5"},
		{"A point without decimals.", "2026-11-01T10:00:00.Z"},
		{"An hour of one digit.", "2026-11-01T9:00:00Z"},
		{"Letters in an offset.", "2026-11-01T18:00:00+0x:00"},
		{"A point in an offset.", "2026-11-01T18:00:00+08.00"},
	} {
		b.invalid(ok, spec{id: "time/offset/0" + digits2(i+21), title: c.title, code: protocol.CodeFieldInvalid}, put("time", c.time))
	}
}

// moneyEdges: an exponent without a point, which no check of decimals sees.
func moneyEdges(b *builder, ok spec) {
	b.invalid(ok, spec{id: "money/decimal/023", title: "An exponent without a point.", code: protocol.CodeFieldInvalid}, put("amount", "18e0"))
	b.invalid(ok, spec{id: "money/decimal/024", title: "An exponent makes a large amount of a short text.", code: protocol.CodeFieldInvalid}, put("amount", "2E9"))
}

// jwkEdges: coordinates whose bytes stand in the wrong one, or nowhere.
func jwkEdges(b *builder, ok spec, ec obj, with func(obj, string, any) string) {
	x, _ := canon.DecodeBase64(ec["x"].(string))
	y, _ := canon.DecodeBase64(ec["y"].(string))
	point := slices.Concat(x, y)
	moved := b.copy("jwk", ec)
	moved["y"] = canon.EncodeBase64(point[31:])
	for _, c := range []struct {
		id, title string
		code      protocol.Code
		jwk       string
	}{
		{"011", "No first coordinate.", protocol.CodeFieldMissing, with(ec, "x", nil)},
		{"012", "Coordinates of 31 and 33 bytes are the same bytes and another spelling.", protocol.CodeFieldInvalid, with(moved, "x", canon.EncodeBase64(point[:31]))},
		{"013", "A first coordinate with padding.", protocol.CodeMalformed, with(ec, "x", ec["x"].(string)+"=")},
	} {
		b.invalid(ok, spec{id: "jwk/ec/" + c.id, title: c.title, code: c.code}, put("jwk", c.jwk))
	}
}

// signatureEdges: an integer of 33 bytes whose first is zero.
func signatureEdges(b *builder, ok spec, sig []byte) {
	encode := base64.RawURLEncoding.EncodeToString
	b.invalid(ok, spec{id: "signature/es256/012", title: "A zero before s makes a second spelling.", code: protocol.CodeSignatureInvalid},
		put("signature", encode(slices.Concat(sig[:32], []byte{0}, sig[32:]))))
	b.invalid(ok, spec{id: "signature/es256/013", title: "A byte behind s.", code: protocol.CodeSignatureInvalid}, put("signature", encode(append(slices.Clone(sig), 0))))
}

// sealedPoints: ephemeral keys without a coordinate, or with one that is none.
func sealedPoints(p *sealedCases) {
	point := func(id, title string, code protocol.Code, change func(epk obj)) {
		p.not("key/"+id, title, code, parcelPart(0, func(x *sealPart) { x.epk = change }))
	}
	point("020", "An ephemeral key without its first coordinate is none.", protocol.CodeFieldMissing, func(epk obj) { delete(epk, "x") })
	point("021", "A first coordinate with padding.", protocol.CodeMalformed, func(epk obj) { epk["x"] = epk["x"].(string) + "=" })
	point("022", "A second coordinate with padding.", protocol.CodeMalformed, func(epk obj) { epk["y"] = epk["y"].(string) + "=" })
}

// cartSums: carts whose sum leaves the range of 2^63-1 minor units and, counted
// in 64 bits, comes back as little money.
func cartSums(p *post, rule []string) {
	sum := func(id, title, amount string, items ...any) {
		p.no(id, title, protocol.CodeFieldInvalid, rule, lines(items...), member("amount", amount))
	}
	const most = "92233720368547758.07"
	sum("060", "Four times a quarter of 2^64 and a bit is not the bit.", "1.00", line("latte", 4, "46116860184273879.29"))
	sum("061", "Twice half of 2^63 and a bit is not less than nothing, with which another line would make little.", "0.99", line("latte", 2, "46116860184273879.54"), line("tea", 1, most))
	sum("062", "Two lines of the most there is are not two minor units less than nothing.", "1.00", line("latte", 1, most), line("tea", 1, most), line("cake", 1, "1.02"))
}
