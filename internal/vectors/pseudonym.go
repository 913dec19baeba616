package vectors

import (
	"crypto/hmac"
	"crypto/sha256"
	"strings"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// pseudonymKey is an entry of the keys of who makes pseudonyms.
func pseudonymKey(id string) obj {
	return obj{"id": id, "secret": canon.EncodeBase64(bytesOf("pseudonym key "+id, 32))}
}

// pseudonymOf is the name of a principal at a merchant (SPEC.md 8.4).
func pseudonymOf(id, merchant, principal string) string {
	mac := hmac.New(sha256.New, bytesOf("pseudonym key "+id, 32))
	mac.Write([]byte("act-go/1 pseudonym\n" + merchant + "\n" + principal))
	return "urn:act:pseudonym:" + id + ":" + canon.EncodeBase64(mac.Sum(nil))
}

// groupPseudonym: another name at each merchant (SPEC.md 8.4).
func groupPseudonym(b *builder) {
	rule := ids("PRV-03")
	in := obj{"keys": list{pseudonymKey("k2")}, "merchant": shopDID, "principal": annDID}
	made := func(id, merchant, principal string) obj {
		return obj{"pseudonym": pseudonymOf(id, merchant, principal)}
	}
	ok := b.valid(spec{id: "pseudonym/make/001", title: "A principal has a name at a merchant.", requirements: rule, operation: "pseudonym.derive", input: in, output: made("k2", shopDID, annDID)})
	b.also(ok, spec{id: "pseudonym/make/002", title: "At another merchant the name is another, and nothing in it is alike.", output: made("k2", shop2DID, annDID)}, put("merchant", shop2DID))
	b.also(ok, spec{id: "pseudonym/make/003", title: "Another principal has another name.", output: made("k2", shopDID, bobDID)}, put("principal", bobDID))
	b.also(ok, spec{id: "pseudonym/make/004", title: "After a rotation the first key makes the names.", output: made("2026", shopDID, annDID)}, put("keys", list{pseudonymKey("2026"), pseudonymKey("k2")}))
	b.also(ok, spec{id: "pseudonym/make/005", title: "A principal may have any identifier that is read here, a did:key for example.",
		output: made("k2", shopDID, didKeyOf(b, "pseudonym"))}, put("principal", didKeyOf(b, "pseudonym")))
	b.also(ok, spec{id: "pseudonym/make/006", title: "Identifiers are taken as they are written, an escaped port included.",
		output: made("k2", "did:act:shop.example%3A8443/coffee", annDID)}, put("merchant", "did:act:shop.example%3A8443/coffee"))
	for _, c := range []struct {
		id, title string
		change    func(in obj)
	}{
		{"010", "A merchant is named by its identifier: a line feed in it would make two pairs one.", put("merchant", shopDID+"\n"+bobDID)},
		{"011", "A principal is named by its identifier.", put("principal", "ann@bank.example")},
		{"012", "A secret of 31 bytes is none.", put("keys", list{obj{"id": "k2", "secret": canon.EncodeBase64(bytesOf("short", 31))}})},
		{"013", "An id of a key is of small letters and digits.", put("keys", list{obj{"id": "K2", "secret": pseudonymKey("k2")["secret"]}})},
		{"014", "An id of a key has at most sixteen characters.", put("keys", list{obj{"id": strings.Repeat("k", 17), "secret": pseudonymKey("k2")["secret"]}})},
		{"015", "Two keys with one id have no one meaning.", put("keys", list{pseudonymKey("k2"), obj{"id": "k2", "secret": pseudonymKey("k3")["secret"]}})},
	} {
		b.invalid(ok, spec{id: "pseudonym/make/" + c.id, title: c.title, code: protocol.CodeFieldInvalid}, c.change)
	}
	pseudonymMethod(b, ok)
	pseudonymResolve(b, rule)
}

// pseudonymResolve: only who made a name finds its principal.
func pseudonymResolve(b *builder, rule []string) {
	ok := b.valid(spec{
		id: "pseudonym/resolve/001", title: "Who made a name finds its principal.", requirements: rule, operation: "pseudonym.resolve",
		input: obj{
			"keys": list{pseudonymKey("k2"), pseudonymKey("k1")}, "merchant": shopDID, "pseudonym": pseudonymOf("k2", shopDID, annDID),
			"principals": list{bobDID, annDID},
		},
		output: obj{"principal": annDID},
	})
	b.also(ok, spec{id: "pseudonym/resolve/002", title: "A name of an older key resolves as long as that is kept."}, put("pseudonym", pseudonymOf("k1", shopDID, annDID)))
	name := pseudonymOf("k2", shopDID, annDID)
	for _, c := range []struct {
		id, title string
		code      protocol.Code
		change    func(in obj)
	}{
		{"010", "A name that another merchant shows than the one it was made for resolves to nobody.", protocol.CodePrincipalMismatch, put("merchant", shop2DID)},
		{"011", "A name of a principal that its maker does not have resolves to nobody.", protocol.CodePrincipalMismatch, put("principals", list{bobDID})},
		{"012", "A name that was made up resolves to nobody.", protocol.CodePrincipalMismatch, put("pseudonym", "urn:act:pseudonym:k2:"+strings.Repeat("A", 43))},
		{"013", "A name by the id of another key than made it resolves to nobody.", protocol.CodePrincipalMismatch, put("pseudonym", strings.Replace(name, ":k2:", ":k1:", 1))},
		{"014", "A name of a key that was thrown away resolves no more.", protocol.CodeKeyUnknown, put("keys", list{pseudonymKey("k3")})},
		{"015", "A name is compared byte by byte: unused bits are zero.", protocol.CodeFieldInvalid, put("pseudonym", name[:len(name)-1]+nextUnused(name[len(name)-1]))},
		{"016", "A name has its prefix.", protocol.CodeFieldInvalid, put("pseudonym", strings.TrimPrefix(name, "urn:act:"))},
		{"017", "A name has a key id.", protocol.CodeFieldInvalid, put("pseudonym", strings.Replace(name, ":k2:", "::", 1))},
		{"018", "A name is not cut.", protocol.CodeFieldInvalid, put("pseudonym", name[:len(name)-4])},
		{"019", "The identifier of a principal is no pseudonym.", protocol.CodeFieldInvalid, put("pseudonym", annDID)},
	} {
		b.invalid(ok, spec{id: "pseudonym/resolve/" + c.id, title: c.title, code: c.code}, c.change)
	}
	pseudonymEdges(b, ok, name)
}

// nextUnused is a character of base64url that differs in its lowest bits alone.
func nextUnused(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, c)^1])
}
