package vectors

import (
	"crypto/ecdh"
	"strconv"
	"strings"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// Like those of edges.go, the cases of this file were asked for by mutation. Each
// follows the cases of its group, whose good case is its sibling.

// nested is a value inside of n arrays.
func nested(n int, value string) string {
	return strings.Repeat("[", n) + value + strings.Repeat("]", n)
}

// chained is an object of n objects, each but the outermost behind a digest in
// the one around it, and the disclosures of all.
func chained(n int) (outermost string, disclosures []string) {
	text := `{"end":"\n"}` // an escape, behind which something might be hidden
	for i := n; i > 1; i-- {
		d := conceals(`["` + nonce("salt of link "+strconv.Itoa(i)) + `","link",` + text + `]`)
		disclosures = append(disclosures, d)
		text = `{"_sd":["` + digestOf(d) + `"]}`
	}
	return text, disclosures
}

// links is what a chain of n objects is when all is shown.
func links(n int) any {
	var v any = obj{"end": "\n"}
	for range n - 1 {
		v = obj{"link": v}
	}
	return v
}

// claims replaces all claims of a veil, and its disclosures.
func claims(text string, disclosures ...string) func(*veil) {
	return func(v *veil) { v.claims, v.disclosures = text, disclosures }
}

// edgesDisclosed: how deep what was disclosed may be, and names in escapes.
func edgesDisclosed(good func(id, title string, payload obj, changes ...func(*veil)), bad func(id, title string, code protocol.Code, changes ...func(*veil))) {
	deep := func(n int) func(*veil) {
		d := hiddenMember("deep", nested(n, "1"))
		return claims(`{"a":{"_sd":["`+digestOf(d)+`"]}}`, d)
	}
	var lists any = 1
	for range 30 {
		lists = list{lists}
	}
	good("008", "What was disclosed may be nested 32 deep where it stands.", obj{"a": obj{"deep": lists}}, deep(30))
	bad("018", "What was disclosed is too deep where it stands, though not in its disclosure.", protocol.CodeTooLarge, deep(31))
	outer, d := chained(32)
	good("009", "32 objects, each disclosed inside of another.", links(32).(obj), claims(outer, d...))
	outer, d = chained(33)
	bad("019", "33 objects, each disclosed inside of another.", protocol.CodeTooLarge, claims(outer, d...))
	var objects any = "\n"
	for range 32 {
		objects = obj{"a": objects}
	}
	good("010", "A payload of 32 objects is as deep as one may be, whatever is written with an escape in the innermost.", objects.(obj),
		claims(strings.Repeat(`{"a":`, 32)+`"\n"`+strings.Repeat("}", 32)))
	name := conceals(`["` + nonce("salt of an escape") + `","\u0061\"b",1]`)
	good("011", "A name may be written with escapes.", obj{`a"b`: 1, "c": 2}, claims(`{"_sd":["`+digestOf(name)+`"],"\u0063":2}`, name))
	bad("020", "A disclosed name that is there in another spelling is there.", protocol.CodeMalformed, claims(`{"_sd":["`+digestOf(name)+`"],"a\u0022b":2}`, name))
	for i, reserved := range []string{`\u005fsd`, `.\u002e.`, `_sd\u005falg`} {
		d := conceals(`["` + nonce("salt of an escape") + `","` + reserved + `","x"]`)
		bad("0"+digits2(21+i), "A reserved name stays so when it is written with an escape: "+reserved+".", protocol.CodeMalformed, claims(`{"_sd":["`+digestOf(d)+`"]}`, d))
	}
}

// edgesDigests: digests that occur twice, and forms of disclosures for which an
// issuer signs a digest.
func edgesDigests(bad func(id, title string, code protocol.Code, changes ...func(*veil))) {
	item := func(d string) string { return `{"...":"` + digestOf(d) + `"}` }
	malformed := func(id, title string, changes ...func(*veil)) { bad(id, title, protocol.CodeMalformed, changes...) }
	malformed("024", "An element of an array is no member of an object.", claims(`{"_sd":["`+digestOf(germanHidden)+`"]}`, germanHidden))
	malformed("025", "A digest that occurs twice among elements is refused.", claims(`{"n":[`+item(germanHidden)+`,`+item(germanHidden)+`]}`, germanHidden))
	malformed("026", "A digest that occurs twice is refused, though another disclosure goes without.", claims(`{"n":[`+item(germanHidden)+`,`+item(germanHidden)+`]}`, germanHidden, frenchHidden))
	malformed("027", "What is wrong inside of an element refuses all.", claims(`{"n":[{"_sd":"x"},`+item(germanHidden)+`]}`, germanHidden))
	malformed("028", "Digests are a list, and an object is none.", claims(`{"_sd":{}}`))
	malformed("029", "A disclosure that stands twice is refused.", discloses(rfcDisclosure, rfcDisclosure))
	bad("030", "Claims are an object.", protocol.CodeFieldInvalid, claims(`["_sd"]`))
	long := []string{hiddenItem(`"` + strings.Repeat("a", 24<<10) + `"`), hiddenItem(`"` + strings.Repeat("b", 24<<10) + `"`)}
	bad("031", "A presentation has at most 64 KiB, however short each disclosure is.", protocol.CodeTooLarge, claims(`{"n":[`+item(long[0])+`,`+item(long[1])+`]}`, long...))
	for i, c := range []struct{ title, disclosure string }{
		{"A line feed in a disclosure is refused, though the issuer signed the digest of it.", germanHidden[:8] + "\n" + germanHidden[8:]},
		{"A carriage return in a disclosure is refused, though the issuer signed the digest of it.", germanHidden[:8] + "\r" + germanHidden[8:]},
		{"A disclosure with padding is refused, though the issuer signed the digest of it.", wholeBytes(`["`+nonce("salt of DE")+`","DE"`) + "="},
		{"A disclosure of a salt alone is no element either.", conceals(`["` + nonce("salt alone") + `"]`)},
		{"A salt is a string, however long the number.", conceals(`[1` + strings.Repeat("0", 24) + `,"DE"]`)},
	} {
		malformed("0"+digits2(32+i), c.title, claims(`{"n":[`+item(c.disclosure)+`]}`, c.disclosure))
	}
}

// wholeBytes closes an array with as many blanks before as make its base64url
// end with a whole group of characters.
func wholeBytes(text string) string {
	for len(text)%3 != 2 {
		text += " "
	}
	return conceals(text + "]")
}

// edgesBinding: the time of a key binding.
func edgesBinding(not func(id, title string, code protocol.Code, changes ...change)) {
	not("038", "A key binding of before 1970 has no time.", protocol.CodeFieldInvalid, bindingClaim("iat", -1))
	not("039", "A key binding of after the year 9999 has no time.", protocol.CodeFieldInvalid, bindingClaim("iat", 253402300800))
}

// sealedEdges: what is empty, what is no text of its form, and what stands twice.
func sealedEdges(p *sealedCases) {
	p.not("manifest/018", "A message has parts.", protocol.CodeFieldInvalid, arranged(func(list) list { return list{} }))
	p.not("manifest/019", "A manifest has digests.", protocol.CodeTooLarge, digested(func(list) list { return list{} }))
	p.not("manifest/020", "What is no digest is none, though it names the algorithm.", protocol.CodeFieldInvalid, digested(func(l list) list { return append(l, "sha-256:AAAA") }))
	p.not("manifest/021", "A message has an id.", protocol.CodeFieldMissing, parcelClaim("jti", nil))
	p.not("manifest/022", "A message id is visible characters.", protocol.CodeFieldInvalid, parcelClaim("jti", "message 7"),
		plainOf(0, "message_id", "message 7"), plainOf(1, "message_id", "message 7"))
	p.not("manifest/023", "A manifest names its sender.", protocol.CodeFieldMissing, parcelClaim("iss", nil))
	p.not("manifest/024", "A sender is a DID.", protocol.CodeFieldInvalid, parcelClaim("iss", "buyer"))
	ephemeral, err := ecdh.P256().NewPrivateKey(bytesOf("ephemeral key of all", 32))
	if err != nil {
		p.b.fail("sealed/header/024", "%w", err)
		return
	}
	p.not("header/024", "An ephemeral key that stands in two places is refused.", protocol.CodeHeaderRefused,
		protectedOf(`{"alg":"ECDH-ES+A256KW","enc":"A256GCM","epk":`+p.b.textOf("epk", publicECDH(ephemeral.PublicKey()))+`}`))
	p.not("header/025", "Without an algorithm nothing is wrapped.", protocol.CodeAlgorithmRefused, protectedOf(`{"enc":"A256GCM"}`))
	p.not("header/026", "A protected header is base64url.", protocol.CodeMalformed, parcelPart(0, func(x *sealPart) {
		x.jwe = func(e obj) { e["protected"] = e["protected"].(string) + "=" }
	}))
	p.not("header/027", "The additional data is base64url of the message id and nothing else.", protocol.CodeClaimsConflict, jweOf("aad", canon.EncodeBase64([]byte("message-7"))+"="))
	p.not("key/017", "A part has readers.", protocol.CodeTooLarge, parcelPart(0, func(x *sealPart) {
		x.jwe = func(e obj) { e["recipients"] = list{} }
	}))
	p.not("key/018", "A ciphertext is base64url.", protocol.CodeMalformed, parcelPart(0, func(x *sealPart) {
		x.jwe = func(e obj) { e["ciphertext"] = e["ciphertext"].(string) + "=" }
	}))
	p.not("key/019", "An ephemeral key is an object.", protocol.CodeFieldInvalid, parcelPart(0, func(x *sealPart) {
		x.jwe = func(e obj) { e["recipients"].(list)[0].(obj)["header"].(obj)["epk"] = "x" }
	}))
	p.not("content/013", "A part names its readers.", protocol.CodeFieldMissing, plainOf(0, "readers", list{}))
	readers := list{}
	for i := range 8 {
		readers = append(readers, "did:act:reader.example/r"+strconv.Itoa(i))
	}
	p.not("content/014", "A part names eight readers at most.", protocol.CodeFieldInvalid, plainOf(0, "readers", append(readers, shopDID)))
}

// guardEdges: resident identity numbers with a right check character.
func guardEdges(clean, found func(number int, title, text string), masked func(number int, title, text, masked string)) {
	clean(25, "No resident identity number begins with a zero.", "010105194912310034")
	clean(26, "Nobody of before 1850 has a resident identity number.", "110105184912310020")
	clean(27, "Nobody of after 2150 has a resident identity number yet.", "110105215101010023")
	for i, c := range []struct{ title, text string }{
		{"A resident identity number of somebody of 1850.", "110105185001010021"},
		{"A resident identity number of somebody of 2150.", "110105215012310024"},
	} {
		found(31+i, c.title, c.text)
		masked(40+i, c.title, c.text, "[resident-id]")
	}
}

// pseudonymEdges: forms of a name, and what a name is resolved at.
func pseudonymEdges(b *builder, ok spec, name string) {
	rest := strings.TrimPrefix(name, "urn:act:pseudonym:")
	for _, c := range []struct {
		id, title string
		change    func(in obj)
	}{
		{"020", "A key id and what was made with it are no name without the prefix.", put("pseudonym", rest)},
		{"021", "A name has a text behind its key id.", put("pseudonym", "urn:act:pseudonym:k2")},
		{"022", "A name has no padding.", put("pseudonym", name+"=")},
		{"023", "A merchant is a DID.", put("merchant", "coffee")},
	} {
		b.invalid(ok, spec{id: "pseudonym/resolve/" + c.id, title: c.title, code: protocol.CodeFieldInvalid}, c.change)
	}
}
