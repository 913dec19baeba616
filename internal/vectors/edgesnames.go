package vectors

import (
	"strings"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// Like those of edges.go, the cases of this file were asked for by mutation: of
// identifiers, documents, drafts and status lists.

// didEdges: what is left of an identifier without its beginning, and of none.
func didEdges(b *builder, ok spec) {
	b.invalid(ok, spec{id: "did/method/004", title: "An identifier begins with its scheme.", code: protocol.CodeFieldInvalid}, put("did", "act:shop.example/coffee"))
	b.invalid(ok, spec{id: "did/method/005", title: "A scheme and a method alone are no identifier.", code: protocol.CodeFieldInvalid}, put("did", "did:act"))
}

// documentEdges: members of the wrong kind at the end of an entry, behind all
// that a reader needs, and a document of an identifier that has none to fetch.
func documentEdges(b *builder, ok spec, text string) {
	behind := func(id, title, member string) {
		const end = `,"type":"JsonWebKey"}`
		if !strings.Contains(text, end) {
			b.fail("document/seal", "no entry ends so")
		}
		b.invalid(ok, spec{id: "document/seal/" + id, title: title, code: protocol.CodeFieldInvalid}, put("text", strings.Replace(text, end, end[:len(end)-1]+","+member+"}", 1)))
	}
	behind("040", "The end of a period is a text: a number is none, and not no end.", `"actValidUntil":1793527200`)
	behind("041", "Whether a key is compromised is true or false.", `"actCompromised":"yes"`)
	did := didKeyOf(b, "document")
	b.invalid(ok, spec{id: "document/seal/042", title: "A did:key has no document that somebody could serve.", code: protocol.CodeFieldInvalid}, func(in obj) {
		in["did"], in["text"] = did, b.textOf("document", document(did))
	})
}

// draftEdges: one member alone, which no other is compared with.
func draftEdges(d *intents) {
	for _, c := range []struct {
		id, title, requirement, path string
		value                        any
	}{
		{"intent/draft/023", "A currency alone keeps its rule.", "ADD-INT-ICS-10", "currency", "XYZ"},
		{"intent/draft/024", "A total alone keeps its rule.", "ADD-INT-ICS-09", "max_total_amount", -1},
		{"intent/draft/025", "A limit for one payment without a total keeps its rule.", "ADD-INT-ICS-13", "ext.commerce.max_single_amount", raw("18.005")},
		{"intent/draft/026", "A least amount without a limit keeps its rule.", "ADD-INT-ICS-13", "ext.commerce.min_single_amount", -1},
	} {
		d.b.invalid(d.ok, spec{id: c.id, title: c.title, code: protocol.CodeFieldInvalid, requirements: ids(c.requirement)}, func(in obj) {
			alone := obj{}
			set(alone, c.path, c.value)
			in["isr"] = d.b.textOf(c.id, alone)
		})
	}
}

// statusEdges: claims behind all others, and times that contradict each other.
func statusEdges(bad func(id, title string, changes ...func(*listing))) {
	bad("claim/040", "A claim that is not known is refused, behind all others too.", listed("zone", 1))
	bad("claim/041", "A list that ends before it was made is none, though its end is to come.", listed("iat", numericDate(now)+30), listed("exp", numericDate(now)+10))
}

// sealedKeyID: a fragment that no key has.
func sealedKeyID(p *sealedCases) {
	p.not("manifest/025", "A fragment of a key id is of letters, digits and few others.", protocol.CodeFieldInvalid, func(p *parcel) { set(p.header, "kid", buyerDID+"#k!1") })
}

// pseudonymMethod: an identifier of a method that is none of the three.
func pseudonymMethod(b *builder, ok spec) {
	b.invalid(ok, spec{id: "pseudonym/make/016", title: "A principal has an identifier of one of the three methods.", code: protocol.CodeFieldInvalid}, put("principal", "did:example:ann"))
}

// cartKeyID: a message under a key whose id is none.
func cartKeyID(p *post) {
	p.no("063", "A fragment of a key id is of letters, digits and few others.", protocol.CodeFieldInvalid, nil, func(l *letter) {
		l.signer = p.b.signer(buyerDID+"#k!1", keys.AgentRequest, keys.EdDSA)
	})
}
