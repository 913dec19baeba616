package vectors

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"strings"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// groupCreditEdges: the edges of credit association. Most of its cases were
// asked for by mutation.
func groupCreditEdges(b *builder) {
	creditEdgeFacts(&bureau{b: b})
	creditEdgeForms(b)
	creditEdgeKeys(b)
	creditConfirmations(b)
	creditConfirm(b)
	creditEdgeAnswers(b)
}

// creditEdgeFacts: what cannot be learned, and what no other check sees.
func creditEdgeFacts(x *bureau) {
	says := func(id, title, reason, requirement string, changes ...func(*house)) {
		x.says("edge/"+id, title, reason, ids(requirement), nil, changes...)
	}
	says("030", "An agent of whom nothing can be learned leaves it undecided.", "INCONCLUSIVE", "TSD-CRD-VER-08", knows("unreachable", list{buyerDID}))
	says("031", "An issuer whose key cannot be learned leaves it undecided.", "INCONCLUSIVE", "TSD-CRD-VER-08", knows("unreachable", list{creditDID}))
	says("032", "A credit service whose key cannot be had leaves it undecided.", "CREDIT_ASSERTION_UNAVAILABLE", "TSD-CRD-VER-08", atCredit, func(h *house) { delete(h.documents, bureauDID) })
	says("033", "A state whose proof names the issuer and no key of it is no answer.", "INCONCLUSIVE", "TSD-CRD-VER-08", behind("status", "statusProof.keyId", creditDID))
	says("034", "A state whose proof names a key of another is no answer.", "INCONCLUSIVE", "TSD-CRD-VER-08", behind("status", "statusProof.keyId", bureauDID+"#credit"))
	says("035", "An agent's assertion whose proof names its service and no key of it is not used.", "CREDIT_ASSERTION_INVALID", "TSD-CRD-VER-07", atCredit, behind("agent", "assertionProof.keyId", bureauDID))
	says("036", "An agent's assertion without a proof is never believed.", "CREDIT_ASSERTION_INVALID", "TSD-CRD-VER-07", atCredit, behind("agent", "assertionProof", nil))
	says("037", "An authorization that the service does not have is none.", "AUTHORIZATION_REQUIRED", "TSD-CRD-AUTH-01", atCredit, knows("authorization", nil))
	says("038", "An authorization of the status EXPIRED has expired, whatever its end says.", "AUTHORIZATION_EXPIRED", "TSD-CRD-AUTH-03", atCredit, grants("status", "EXPIRED"))
	says("039", "A subject's key that has the subject's name and none of its own is no key of it.", "ASSOCIATION_PROOF_INVALID", "TSD-CRD-VER-01", associates("subjectPublicKey.keyId", annDID))
	form := func(id, title string, changes ...func(*house)) {
		says(id, title, "INVALID_REQUEST", "TSD-CRD-VER-09", changes...)
	}
	uri := func(text string) func(*house) { return requests("credential.uri", text) }
	says("040", "A request may say where the credential is to be had.", "VERIFIED", "TSD-CRD-VER-09", uri("https://credit.example/v1/association-credentials/credential-1"))
	form("041", "A place of a credential is on the web.", uri("ftp://credit.example/credential-1"))
	form("042", "A place of a credential is absolute.", uri("/v1/association-credentials/credential-1"))
	form("043", "A place of a credential has no user.", uri("https://user@credit.example/credential-1"))
	form("044", "A place of a credential has a limit.", uri("https://credit.example/"+strings.Repeat("a", 2048)))
	form("045", "A place of a credential has no fragment.", uri("https://credit.example/credential-1#all"))
	whole := func(name string, value any) func(*house) {
		return func(h *house) {
			c := h.signedCredential()
			set(c, name, value)
			h.request["credential"] = c
		}
	}
	form("050", "A credential that is sent whole has all its parts.", whole("issuerSignature", nil))
	form("051", "A credential that is sent whole is closed.", whole("note", "x"))
	form("052", "A credential that is sent whole is of a version that is known.", whole("credentialVersion", "reference-v2"))
}

// creditEdgeForms: members that are there and say nothing, or too much.
func creditEdgeForms(b *builder) {
	h := b.house(atCredit)
	kinds := map[string]struct {
		signer      *keys.Signer
		member      string
		message     obj
		requirement string
	}{
		"status":              {h.issuer, "statusProof", h.status, "TSD-CRD-LCM-06"},
		"subject-assertion":   {h.bureau, "assertionProof", h.subject, "TSD-CRD-VER-07"},
		"query-authorization": {h.owner, "authorizationProof", h.authorization, "TSD-CRD-AUTH-01"},
	}
	for _, c := range []struct {
		id, title, kind, path string
		good, bad             any
		code                  protocol.Code
	}{
		{"060", "A state has a version, of which the first is 1.", "status", "statusVersion", 1, 0, protocol.CodeFieldInvalid},
		{"062", "A subject's credit is an object.", "subject-assertion", "creditPayload", obj{"grade": "B"}, "B", protocol.CodeFieldInvalid},
		{"064", "A subject's credit is something.", "subject-assertion", "creditPayload", obj{"score": 700}, obj{}, protocol.CodeFieldInvalid},
		{"066", "What may be kept may be kept for some time.", "query-authorization", "resultUseRestrictions", obj{"mayStore": true, "mayTransfer": false, "retentionSeconds": 1}, obj{"mayStore": true, "mayTransfer": false, "retentionSeconds": 0}, protocol.CodeFieldInvalid},
	} {
		k := kinds[c.kind]
		text := func(value any) string {
			m := maps.Clone(k.message)
			m[c.path] = value
			return b.textOf(c.kind, h.proved(k.signer, m, k.member))
		}
		in := obj{"kind": c.kind, "text": text(c.good), "documents": h.documents}
		if c.kind == "status" {
			in["party"] = creditDID
		}
		ok := b.valid(spec{id: "credit/edge/" + c.id, title: c.title, requirements: ids(k.requirement), operation: "credit.read", input: in, output: obj{"key_id": k.signer.KeyID()}})
		b.creditCase(ok, "edge/"+next(c.id), "The same without: "+strings.ToLower(c.title[:1])+c.title[1:], c.code, ids(k.requirement), put("text", text(c.bad)))
	}
	rule := ids("TSD-CRD-ASC-02", "TSD-CRD-ASC-05")
	word := b.house(attested)
	card := func(h *house, path string, value any) string {
		c := b.copy("credential", h.signedCredential())
		set(c, path, value)
		return b.textOf("credential", c)
	}
	ok := b.valid(spec{id: "credit/edge/070", title: "A credential on the issuer's word may say by which application it came.", requirements: rule, operation: "credit.read",
		input: obj{"kind": "credential", "text": card(word, "previousCredentialRef", "credential-0"), "documents": word.documents}, output: obj{}})
	b.creditCase(ok, "edge/071", "A credential on the issuer's word has no key of a subject.", protocol.CodeFieldUnknown, rule, put("text", card(word, "subjectPublicKey", b.pemKey(word.owner))))
	b.creditCase(ok, "edge/072", "A credential on the issuer's word has no algorithm of a subject.", protocol.CodeFieldUnknown, rule, put("text", card(word, "subjectSignatureAlgorithm", "Ed25519")))
}

// next is the id that follows.
func next(id string) string { return id[:len(id)-1] + string(id[len(id)-1]+1) }

// creditEdgeKeys: the subject's key as credentials carry it, and keys of other
// algorithms.
func creditEdgeKeys(b *builder) {
	h := b.house()
	der := func(key any) []byte {
		out, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			b.fail("credit/key", "%w", err)
		}
		return out
	}
	block := func(kind string, headers map[string]string, bytes []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Headers: headers, Bytes: bytes}))
	}
	const public = "PUBLIC KEY"
	ed := der(h.owner.Public().Crypto())
	good := block(public, nil, ed)
	text := func(name string, value any) string {
		c := b.copy("credential", h.signedCredential())
		set(c, "subjectPublicKey."+name, value)
		return b.textOf("credential", c)
	}
	rule := ids("TSD-CRD-ASC-05")
	ok := b.valid(spec{id: "credit/key/001", title: "A subject's key is one block of PEM.", requirements: rule, operation: "credit.read",
		input: obj{"kind": "credential", "text": text("value", good), "documents": h.documents}, output: obj{}})
	invalid := protocol.CodeFieldInvalid
	for _, c := range []struct {
		id, title, name, value string
		code                   protocol.Code
	}{
		{"002", "An empty key is none.", "value", "", protocol.CodeFieldMissing},
		{"003", "A key without a name.", "keyId", "", protocol.CodeFieldMissing},
		{"004", "A key of another form.", "format", "jwk", invalid},
		{"005", "A key that is no PEM.", "value", "key", invalid},
		{"006", "A block of bytes that are no key.", "value", block(public, nil, []byte("key")), invalid},
		{"007", "A key on P-256.", "value", block(public, nil, der(b.signer(annDID+"#p256", keys.Credit, keys.ES256).Public().Crypto())), invalid},
		{"008", "A block of another kind.", "value", block("ED25519 PUBLIC KEY", nil, ed), invalid},
		{"009", "A block with headers.", "value", block(public, map[string]string{"Owner": "ann"}, ed), invalid},
		{"010", "Two keys.", "value", good + good, invalid},
		{"011", "Text before the key.", "value", "key:\n" + good, invalid},
		{"012", "Text after the key.", "value", good + "key\n", invalid},
		{"013", "A key of small order, for which anybody makes signatures.", "value", block(public, nil, der(ed25519.PublicKey(make([]byte, 32)))), invalid},
	} {
		b.creditCase(ok, "key/"+c.id, c.title, c.code, rule, put("text", text(c.name, c.value)))
	}
	revocation := obj{"requestId": "revocation-1", "authorizationId": "authorization-1", "subjectId": annDID, "reasonCode": "ENOUGH", "requestedAt": utc(now), "antiReplay": obj{"nonce": "a nonce of a revocation"}}
	both := documents(h.owner, b.signer(annDID+"#p256", keys.Credit, keys.ES256))
	read := func(s *keys.Signer) string { return b.textOf("revocation", h.proved(s, revocation, "requestProof")) }
	signed := b.valid(spec{id: "credit/key/020", title: "A subject may have keys of several algorithms, of which one signs here.", requirements: ids("TSD-CRD-AUTH-03"), operation: "credit.read",
		input: obj{"kind": "revocation", "text": read(h.owner), "documents": both}, output: obj{"key_id": h.owner.KeyID()}})
	b.creditCase(signed, "key/021", "A signature by ES256, which the profile does not have.", protocol.CodeAlgorithmRefused, ids("TSD-CRD-AUTH-03"),
		put("text", read(b.signer(annDID+"#p256", keys.Credit, keys.ES256))))
	b.creditCase(signed, "key/022", "A signature that is no base64url.", protocol.CodeSignatureInvalid, ids("TSD-CRD-AUTH-03"), func(in obj) {
		m := h.proved(h.owner, revocation, "requestProof")
		set(m, "requestProof.signatureValue", "!!!")
		in["text"] = b.textOf("revocation", m)
	})
}

// creditConfirmations: what a confirmation is made of, by its method
// (TSD-CRD-ASC-02).
func creditConfirmations(b *builder) {
	h := b.house()
	c := h.signedCredential()
	signed := obj{"confirmationMethod": "DIRECT_SIGNATURE", "subjectPublicKey": c["subjectPublicKey"], "subjectSignature": c["subjectSignature"], "subjectSignatureAlgorithm": "Ed25519"}
	word := obj{"confirmationMethod": "ATTESTED_CONFIRMATION", "attestationRef": "urn:example:session:1"}
	rule := ids("TSD-CRD-ASC-02")
	text := func(m obj, name string, value any) string {
		m = b.copy("confirmation", m)
		if name != "" {
			set(m, name, value)
		}
		return b.textOf("confirmation", m)
	}
	valid := func(id, title string, m obj) spec {
		return b.valid(spec{id: "credit/confirmation/" + id, title: title, requirements: rule, operation: "credit.read",
			input: obj{"kind": "confirmation", "text": text(m, "", nil), "documents": h.documents}, output: obj{}})
	}
	ok := valid("001", "A confirmation by the subject's signature.", signed)
	said := valid("002", "A confirmation on the word of who has seen it.", word)
	valid("003", "Who has seen it need not say where.", obj{"confirmationMethod": "ATTESTED_CONFIRMATION"})
	bad := func(sibling spec, id, title string, code protocol.Code, text string) {
		b.creditCase(sibling, "confirmation/"+id, title, code, rule, put("text", text))
	}
	missing, unknown, invalid := protocol.CodeFieldMissing, protocol.CodeFieldUnknown, protocol.CodeFieldInvalid
	for i, name := range []string{"confirmationMethod", "subjectPublicKey", "subjectSignature", "subjectSignatureAlgorithm"} {
		bad(ok, "01"+string(rune('0'+i)), "A confirmation by signature without "+name+".", missing, text(signed, name, nil))
	}
	bad(ok, "014", "A signature is not on somebody's word beside.", unknown, text(signed, "attestationRef", "urn:example:session:1"))
	bad(ok, "015", "A confirmation is closed.", unknown, text(signed, "note", "x"))
	bad(ok, "016", "A signature by another algorithm.", invalid, text(signed, "subjectSignatureAlgorithm", "ES256"))
	bad(ok, "017", "A method is one of two.", invalid, text(signed, "confirmationMethod", "IMPLIED"))
	bad(ok, "018", "A key that is none.", invalid, text(signed, "subjectPublicKey.value", "key"))
	bad(said, "020", "A word with a key.", unknown, text(word, "subjectPublicKey", signed["subjectPublicKey"]))
	bad(said, "021", "A word with a signature.", unknown, text(word, "subjectSignature", "AA"))
	bad(said, "022", "A word with an algorithm.", unknown, text(word, "subjectSignatureAlgorithm", "Ed25519"))
	bad(said, "023", "A reference of a word is one.", invalid, text(word, "attestationRef", "urn:example:session 1"))
}

// creditConfirm: a subject reads what it signs (TSD-CRD-ASC-02, -03).
func creditConfirm(b *builder) {
	payload := func(changes ...func(*house)) string {
		h := b.house(changes...)
		m := maps.Clone(h.credential)
		delete(m, "subjectPublicKey")
		return b.textOf("payload", m)
	}
	h := b.house()
	confirmation := func(changes ...func(*house)) obj {
		c := b.house(changes...).signedCredential()
		return obj{"confirmation": b.textOf("confirmation", obj{
			"confirmationMethod": "DIRECT_SIGNATURE", "subjectPublicKey": b.pemKey(h.owner), "subjectSignature": c["subjectSignature"], "subjectSignatureAlgorithm": "Ed25519",
		})}
	}
	rule := ids("TSD-CRD-ASC-02", "TSD-CRD-ASC-03")
	ok := b.valid(spec{id: "credit/confirm/001", title: "A subject signs what it has read, in canonical form.", requirements: rule, operation: "credit.confirm",
		input: obj{"payload": payload(), "key_id": h.owner.KeyID(), "key": b.privateJWK(h.owner.KeyID(), keys.EdDSA)}, output: confirmation()})
	endless := associates("expiresAt", nil)
	b.also(ok, spec{id: "credit/confirm/002", title: "An association may have no end.", output: confirmation(endless)}, put("payload", payload(endless)))
	b.also(ok, spec{id: "credit/confirm/003", title: "White space and the order of members mean nothing."}, put("payload", " "+strings.ReplaceAll(payload(), `,"`, ` , "`)))
	bad := func(id, title string, code protocol.Code, change func(in obj)) {
		b.creditCase(ok, "confirm/"+id, title, code, rule, change)
	}
	bad("010", "A subject signs for nobody else.", protocol.CodeClaimsConflict, put("payload", payload(associates("subjectId", bobDID))))
	for i, name := range []string{
		"credentialId", "associationApplicationId", "agentId", "subjectId", "associationRole", "issuerId", "relationshipEvidenceRef", "associatedCreditValue",
		"confirmationStatement", "purpose", "scope", "associationApplicationRequestedAt", "associationApplicationAntiReplay", "validFrom", "statusQuery",
	} {
		bad("1"+digits2(i), "A subject signs no text without "+name+".", protocol.CodeFieldMissing, put("payload", payload(associates(name, nil))))
	}
	bad("020", "A subject signs nothing that it was not shown by name.", protocol.CodeFieldUnknown, put("payload", payload(associates("loan", "all"))))
	bad("021", "A text that is to be confirmed by another's word is not signed.", protocol.CodeFieldInvalid, put("payload", payload(associates("confirmationMethod", "ATTESTED_CONFIRMATION"))))
	bad("022", "Credit of another source is not confirmed.", protocol.CodeFieldInvalid, put("payload", payload(associates("creditSource", "AGENT_CREDIT"))))
	bad("023", "A statement that nobody can see is not confirmed.", protocol.CodeFieldInvalid, put("payload", payload(associates("confirmationStatement", " "))))
	bad("024", "A predecessor is the issuer's to name.", protocol.CodeFieldUnknown, put("payload", payload(associates("previousCredentialRef", "credential-0"))))
	bad("025", "A text that is no JSON is not signed.", protocol.CodeMalformed, put("payload", "I confirm."))
	bad("026", "A subject's key is of Ed25519.", protocol.CodeAlgorithmRefused, put("key", b.privateJWK(h.owner.KeyID(), keys.ES256)))
}

// creditEdgeAnswers: answers that say what no verification came to.
func creditEdgeAnswers(b *builder) {
	input := func(level func(*house), m func(*house) obj) obj {
		h := b.house(level)
		return obj{"request": h.requestText(), "response": b.textOf("response", m(h)), "verifier": creditDID, "documents": h.documents}
	}
	told := b.valid(spec{id: "credit/response/080", title: "An answer may tell that the subject's assertion is valid, and no more.", requirements: ids("TSD-CRD-VER-10"), operation: "credit.response.verify",
		input:  input(atCredit, creditAnswer(obj{"subjectCreditAssertionValid": true})),
		output: obj{"result": "PASS", "reason": "VERIFIED", "completed_level": "ASSOCIATED_CREDIT", "disclosed": obj{"subjectCreditAssertionValid": true}}})
	bad := func(id, title string, code protocol.Code, response string) {
		b.creditCase(told, "response/"+id, title, code, ids("TSD-CRD-VER-10"), put("response", response))
	}
	text := func(told obj, changes ...func(m obj)) string {
		return asText(input(atCredit, creditAnswer(told, changes...))["response"])
	}
	bad("081", "A pass does not rest on an assertion that is not valid.", protocol.CodeFieldInvalid, text(obj{"subjectCreditAssertionValid": false}))
	bad("082", "An answer that is no JSON.", protocol.CodeMalformed, "yes")
	bad("083", "An answer is an object.", protocol.CodeFieldInvalid, `["PASS"]`)
	bad("084", "A level is a text.", protocol.CodeFieldInvalid, text(obj{}, put("completedLevel", 2)))
}
