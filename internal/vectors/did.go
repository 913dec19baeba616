package vectors

import (
	"crypto/ecdh"
	"strings"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// The party whose document the cases of this file are about.
const (
	coreDID   = "did:act:core.example/party"
	coreAgent = coreDID + "#agent"
	coreSell  = coreDID + "#seller"
)

// groupDID: identifiers and where their documents are (SPEC.md 3.1, 3.2).
func groupDID(b *builder) {
	ok := b.valid(spec{
		id: "did/act/001", title: "An identifier of the protocol, whose slash is part of it.", requirements: []string{"IDN-02"},
		operation: "did.parse", input: obj{"did": "did:act:shop.example/coffee"},
		output: obj{"method": "act", "url": "https://shop.example/.well-known/act/coffee/did.json"},
	})
	for _, c := range []struct{ id, title, did, method, url string }{
		{"did/act/002", "A port is written with %3A.", "did:act:shop.example%3A8443/coffee", "act", "https://shop.example:8443/.well-known/act/coffee/did.json"},
		{"did/act/003", "A name may have dots, underscores and hyphens.", "did:act:shop.example/coffee.no-1_a", "act", "https://shop.example/.well-known/act/coffee.no-1_a/did.json"},
		{"did/act/004", "A name may have 64 characters.", "did:act:shop.example/" + strings.Repeat("n", 64), "act", "https://shop.example/.well-known/act/" + strings.Repeat("n", 64) + "/did.json"},
		{"did/web/001", "A domain of did:web.", "did:web:shop.example", "web", "https://shop.example/.well-known/did.json"},
		{"did/web/002", "Further segments of did:web are a path.", "did:web:shop.example:users:Ann_1", "web", "https://shop.example/users/Ann_1/did.json"},
		{"did/web/003", "A port of did:web.", "did:web:shop.example%3A8443:users", "web", "https://shop.example:8443/users/did.json"},
	} {
		b.also(ok, spec{id: c.id, title: c.title, output: obj{"method": c.method, "url": c.url}}, put("did", c.did))
	}
	// The Ed25519 key of the first test of RFC 8032, section 7.1.
	const keyDID = "did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw"
	b.also(ok, spec{id: "did/key/001", title: "A did:key of Ed25519 has no document to fetch.", output: obj{"method": "key"}}, put("did", keyDID))
	for _, c := range []struct{ id, title, did string }{
		{"did/act/005", "Host names are in lower case, so that an identifier has one spelling.", "did:act:Shop.example/coffee"},
		{"did/act/006", "Names are in lower case.", "did:act:shop.example/Coffee"},
		{"did/act/007", "A name of one dot would lead elsewhere.", "did:act:shop.example/."},
		{"did/act/008", "A name of two dots would lead elsewhere.", "did:act:shop.example/.."},
		{"did/act/009", "A second slash.", "did:act:shop.example/coffee/1"},
		{"did/act/010", "No name.", "did:act:shop.example"},
		{"did/act/011", "An empty name.", "did:act:shop.example/"},
		{"did/act/012", "A name of 65 characters.", "did:act:shop.example/" + strings.Repeat("n", 65)},
		{"did/act/013", "An address of IPv4 is no host name.", "did:act:127.0.0.1/coffee"},
		{"did/act/014", "An address as one number is no host name.", "did:act:2130706433/coffee"},
		{"did/act/015", "An address in hexadecimal is no host name.", "did:act:0x7f000001/coffee"},
		{"did/act/016", "An address of IPv6 is no host name.", "did:act:%5B::1%5D/coffee"},
		{"did/act/017", "A port with a colon.", "did:act:shop.example:8443/coffee"},
		{"did/act/018", "Percent-encoding in a name.", "did:act:shop.example/%2e%2e"},
		{"did/act/019", "A user before the host.", "did:act:ann@shop.example/coffee"},
		{"did/act/020", "A query.", "did:act:shop.example/coffee?x=1"},
		{"did/act/021", "A fragment makes it the id of a key.", "did:act:shop.example/coffee#k1"},
		{"did/act/022", "A host name in another script.", "did:act:\u0455hop.example/coffee"},
		{"did/act/023", "A port that does not exist.", "did:act:shop.example%3A65536/coffee"},
		{"did/act/024", "A space behind.", "did:act:shop.example/coffee "},
		{"did/web/004", "A segment of two dots.", "did:web:shop.example:..:users"},
		{"did/web/005", "An empty segment.", "did:web:shop.example::users"},
		{"did/web/006", "Percent-encoding in a segment.", "did:web:shop.example:users%2Fann"},
		{"did/web/007", "A slash in did:web.", "did:web:shop.example/users"},
		{"did/key/002", "A did:key whose last character was changed names another text than its key.", keyDID[:len(keyDID)-1] + "0"},
		{"did/key/003", "A did:key in another base.", "did:key:f" + "ed01" + strings.Repeat("d7", 32)},
		{"did/key/004", "A did:key that is cut short.", keyDID[:30]},
		{"did/method/001", "A method that is not one of the three.", "did:example:123"},
		{"did/method/002", "The scheme is in lower case.", "DID:act:shop.example/coffee"},
		{"did/method/003", "An https address is no identifier.", "https://shop.example/coffee"},
	} {
		b.invalid(ok, spec{id: c.id, title: c.title, code: protocol.CodeFieldInvalid}, put("did", c.did))
	}
	didEdges(b, ok)
	groupKeyID(b)
}

func groupKeyID(b *builder) {
	ok := b.valid(spec{
		id: "did/keyid/001", title: "The id of a key is an absolute identifier and a fragment.", requirements: []string{"IDN-02"},
		operation: "key_id.parse", input: obj{"key_id": coreAgent}, output: obj{"did": coreDID, "fragment": "agent"},
	})
	long := strings.Repeat("f", 96)
	b.also(ok, spec{id: "did/keyid/002", title: "A fragment may have 96 characters.", output: obj{"did": coreDID, "fragment": long}}, put("key_id", coreDID+"#"+long))
	for _, c := range []struct{ id, title, keyID string }{
		{"did/keyid/003", "A fragment of 97 characters.", coreDID + "#" + long + "f"},
		{"did/keyid/004", "No fragment.", coreDID},
		{"did/keyid/005", "An empty fragment.", coreDID + "#"},
		{"did/keyid/006", "A relative id names no signer.", "#agent"},
		{"did/keyid/007", "Two fragments.", coreDID + "#agent#agent"},
		{"did/keyid/008", "A query before the fragment.", coreDID + "?versionId=1#agent"},
		{"did/keyid/009", "A space in the fragment.", coreDID + "#the agent"},
	} {
		b.invalid(ok, spec{id: c.id, title: c.title, code: protocol.CodeFieldInvalid}, put("key_id", c.keyID))
	}
}

// coreKeys are the signers of the party of this file.
func coreKeys(b *builder) (agent, seller *keys.Signer) {
	return b.signer(coreAgent, keys.AgentRequest, keys.EdDSA), b.signer(coreSell, keys.Seller, keys.ES256)
}

// outputKey is how did.document tells of a key.
func outputKey(s *keys.Signer) obj {
	return obj{"id": s.KeyID(), "purpose": string(s.Purpose()), "algorithm": string(s.Public().Algorithm()), "thumbprint": thumbprint(jwk(s))}
}

// thumbprint is that of RFC 7638, by the standard library alone: the required
// members of these keys are all they have, and jwk writes them sorted.
func thumbprint(jwk obj) string {
	text := `{"crv":"` + jwk["crv"].(string) + `","kty":"` + jwk["kty"].(string) + `","x":"` + jwk["x"].(string) + `"`
	if y, ok := jwk["y"].(string); ok {
		text += `,"y":"` + y + `"`
	}
	return strings.TrimPrefix(sha256Digest(text+"}"), "sha-256:")
}

// groupDocument: documents and the keys in them (SPEC.md 3.3).
func groupDocument(b *builder) {
	agent, seller := coreKeys(b)
	make := func(change func(doc obj, agent obj)) string {
		first := entry(agent)
		doc := document(coreDID, first, entry(seller))
		if change != nil {
			change(doc, first)
		}
		return b.textOf("document", doc)
	}
	both := obj{"keys": list{outputKey(agent), outputKey(seller)}}
	ok := b.valid(spec{
		id: "document/read/001", title: "A document gives its keys, each with a purpose.", requirements: []string{"IDN-02"}, features: []string{"ed25519", "es256"},
		operation: "did.document", input: obj{"did": coreDID, "text": make(nil)}, output: both,
	})
	sellerAlone := obj{"keys": list{outputKey(seller)}}
	for _, c := range []struct {
		id, title string
		output    obj
		change    func(doc, agent obj)
	}{
		{"document/read/002", "A document is open: what is not known is ignored.", both, func(doc, _ obj) { doc["alsoKnownAs"] = list{"https://core.example"} }},
		{"document/read/003", "Relationships give no purpose.", both, func(doc, _ obj) { doc["assertionMethod"] = list{coreAgent} }},
		{"document/read/004", "An entry without a purpose is not used, and may be anything.", sellerAlone, func(_, agent obj) {
			delete(agent, "actPurpose")
			agent["publicKeyJwk"] = obj{"kty": "RSA"}
		}},
		{"document/read/005", "JsonWebKey2020 is read too.", both, func(_, agent obj) { agent["type"] = "JsonWebKey2020" }},
		{"document/read/006", "An entry for encryption gives no key that verifies.", both, func(doc, _ obj) {
			doc["verificationMethod"] = append(doc["verificationMethod"].(list), encryptionEntry(b.decryption(coreDID+"#seal", ecdh.X25519())))
		}},
	} {
		b.also(ok, spec{id: c.id, title: c.title, output: c.output}, put("text", make(c.change)))
	}
	documentRefused(b, ok, make)
	groupKeyFind(b)
}

func documentRefused(b *builder, ok spec, make func(func(doc, agent obj)) string) {
	_, seller := coreKeys(b)
	for _, c := range []struct {
		id, title string
		code      protocol.Code
		change    func(doc, agent obj)
	}{
		{"document/read/007", "A document of somebody else.", protocol.CodeClaimsConflict, func(doc, _ obj) { doc["id"] = "did:act:core.example/other" }},
		{"document/read/008", "A purpose that is not one of the closed list.", protocol.CodeFieldInvalid, func(_, agent obj) { agent["actPurpose"] = "agent" }},
		{"document/read/009", "A relative id of a key.", protocol.CodeFieldInvalid, func(_, agent obj) { agent["id"] = "#agent" }},
		{"document/read/010", "A key under somebody else's id.", protocol.CodeFieldInvalid, func(_, agent obj) { agent["id"] = "did:act:core.example/other#agent" }},
		{"document/read/011", "A key that somebody else controls.", protocol.CodeFieldInvalid, func(_, agent obj) { agent["controller"] = "did:act:core.example/other" }},
		{"document/read/012", "Two keys with one id.", protocol.CodeFieldInvalid, func(_, agent obj) { agent["id"] = coreSell }},
		{"document/read/013", "One key with two purposes.", protocol.CodeFieldInvalid, func(_, agent obj) { agent["publicKeyJwk"] = jwk(seller) }},
		{"document/read/014", "A private key that was published by mistake.", protocol.CodeFieldInvalid, func(_, agent obj) { agent["publicKeyJwk"] = b.privateJWK(coreAgent, keys.EdDSA) }},
		{"document/read/015", "A period that ends before it begins.", protocol.CodeFieldInvalid, func(_, agent obj) {
			agent["actValidFrom"], agent["actValidUntil"] = "2026-11-02T00:00:00Z", "2026-11-01T00:00:00Z"
		}},
		{"document/read/016", "Another kind of entry.", protocol.CodeFieldInvalid, func(_, agent obj) { agent["type"] = "Multikey" }},
		{"document/read/017", "A key for a purpose is missing.", protocol.CodeFieldMissing, func(_, agent obj) { delete(agent, "publicKeyJwk") }},
		{"document/read/090", "A key for a purpose without an id.", protocol.CodeFieldMissing, func(_, agent obj) { delete(agent, "id") }},
		{"document/read/091", "A key for a purpose that nobody controls.", protocol.CodeFieldMissing, func(_, agent obj) { delete(agent, "controller") }},
		{"document/read/092", "An entry with a purpose and no type.", protocol.CodeFieldMissing, func(_, agent obj) { delete(agent, "type") }},
		{"document/read/018", "More than 32 keys.", protocol.CodeTooLarge, func(doc, _ obj) {
			methods := doc["verificationMethod"].(list)
			for range 31 {
				methods = append(methods, obj{"id": coreDID + "#x", "type": "Multikey"})
			}
			doc["verificationMethod"] = methods
		}},
		{"document/read/019", "Whether a key is compromised is true or false.", protocol.CodeFieldInvalid, func(_, agent obj) { agent["actCompromised"] = "no" }},
	} {
		requirements := []string{"IDN-02"}
		if c.id == "document/read/013" {
			requirements = append(requirements, "ADD-IAC-ISS-12")
		}
		b.invalid(ok, spec{id: c.id, title: c.title, code: c.code, requirements: requirements}, put("text", make(c.change)))
	}
}

// groupKeyFind: a key for a purpose at a time.
func groupKeyFind(b *builder) {
	agent, seller := coreKeys(b)
	ok := b.valid(spec{
		id: "document/key/001", title: "The key of that id, for its purpose, in its period.", requirements: []string{"IDN-02", "ADD-IAC-ISS-12"},
		features: []string{"ed25519", "es256"}, operation: "key.find",
		input:  obj{"documents": documents(agent, seller), "key_id": coreAgent, "purpose": string(keys.AgentRequest)},
		output: obj{"thumbprint": thumbprint(jwk(agent))},
	})
	first := func(name string, value any) func(in obj) {
		return func(in obj) {
			methods := in["documents"].(obj)[coreDID].(obj)["verificationMethod"].(list)
			methods[0].(obj)[name] = value
		}
	}
	b.also(ok, spec{id: "document/key/002", title: "A period begins with its first second."}, first("actValidFrom", "2026-11-01T10:00:00Z"))
	b.also(ok, spec{id: "document/key/003", title: "A did:key needs no document.", output: obj{"thumbprint": thumbprint(obj{
		"crv": "Ed25519", "kty": "OKP", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
	})}}, func(in obj) {
		const id = "z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw"
		in["key_id"] = "did:key:" + id + "#" + id
	})
	for _, c := range []struct {
		id, title string
		code      protocol.Code
		change    func(in obj)
	}{
		{"document/key/004", "A key for another purpose.", protocol.CodeKeyPurpose, put("purpose", string(keys.IssueAuthorization))},
		{"document/key/005", "An id that the document does not have.", protocol.CodeKeyUnknown, put("key_id", coreDID+"#other")},
		{"document/key/006", "Without a document nothing is known, which is not the same as wrong.", protocol.CodeKeyUnavailable, put("documents", obj{})},
		{"document/key/007", "Before its period a key verifies nothing.", protocol.CodeKeyNotValid, first("actValidFrom", "2026-11-01T10:00:01Z")},
		{"document/key/008", "At the end of its period a key verifies nothing any more.", protocol.CodeKeyNotValid, first("actValidUntil", "2026-11-01T10:00:00Z")},
		{"document/key/009", "A compromised key verifies nothing.", protocol.CodeKeyNotValid, first("actCompromised", true)},
		{"document/key/010", "A document that is wrong anywhere gives no key at all.", protocol.CodeKeyUnavailable, first("controller", "did:act:core.example/other")},
	} {
		b.invalid(ok, spec{id: c.id, title: c.title, code: c.code}, c.change)
	}
	b.invalid(ok, spec{id: "document/key/011", title: "The same key under another id is compromised as well.", code: protocol.CodeKeyNotValid}, func(in obj) {
		doc := in["documents"].(obj)[coreDID].(obj)
		twin := entry(agent)
		twin["id"], twin["actCompromised"] = coreDID+"#twin", true
		doc["verificationMethod"] = append(doc["verificationMethod"].(list), twin)
	})
}
