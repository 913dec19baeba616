package vectors

import (
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// groupMandate: mandates as VC-JWT that are good (SPEC.md 4.2), and who they
// are for and from.
func groupMandate(b *builder) {
	f := b.family("mandate/basic/001", "A mandate with every constraint there is, Active and inside its window, is good.", keys.EdDSA,
		ids("ADD-IAC-ISS-04", "ADD-IAC-ISS-10", "ADD-IAC-ISS-14", "ADD-IAC-LCM-01", "ADD-IAC-LCM-06", "PSD-PAY-DEL-05"), nil)
	b.family("mandate/basic/002", "ES256 serves as well as Ed25519, for issuer, agent and status list.", keys.ES256,
		ids("ADD-IAC-ISS-10", "ADD-IAC-ISS-14"), nil)
	f.with("mandate/basic/003", "Without mode and currency the mandate is SPECIFIED and in CNY.", ids("ADD-IAC-ISS-05"), nil,
		subject("delegation_mode", nil), subject("currency", nil))
	f.with("mandate/basic/004", "The six required members and an intent_id are enough: no verifier asks for more boundaries.", ids("ADD-IAC-ISS-04"),
		obj{"max_total_amount": "0.01"}, claim("vc.credentialSubject", obj{
			"delegation_id": grantID, "intent_id": intentID, "delegator_identity": annDID, "agent_id": buyerDID,
			"validity_start_time": utc(grantStart), "validity_end_time": utc(grantEnd), "max_total_amount": raw("0.01"),
		}))
	f.with("mandate/basic/005", "The original words may be carried in place of an intent_id.", ids("ADD-IAC-ISS-06"), nil,
		subject("intent_id", nil), subject("conversation_history", obj{"user_intent_raw": "coffee for the team", "input_mode": list{"TEXT"}}))
	f.with("mandate/basic/006", "The original words may stand beside an intent_id.", ids("ADD-IAC-ISS-06"), nil,
		subject("conversation_history", obj{"user_intent_raw": list{obj{"role": "USER", "content": "coffee", "create_time": "2026-11-01T16:58:00+08:00"}}}))
	f.with("mandate/basic/007", "A BOUNDED mandate is read as such.", ids("ADD-INT-ICS-07"), obj{"delegation_mode": "BOUNDED"}, subject("delegation_mode", "BOUNDED"))
	f.with("mandate/basic/008", "Evidence of control is carried and changes nothing.", ids("ADD-IAC-ISS-13"), nil,
		claim("vc.control_proof_ref", "https://evidence.example/1"))
	f.with("mandate/basic/009", "Private members change the meaning of no other, whatever their names.", ids("ADD-INT-ICS-17"), nil,
		subject("ext.vendor_private", obj{"max_total_amount": 1000000, "delegation_mode": "BOUNDED", "example.com": list{true, obj{"a": 1}}}))
	f.with("mandate/basic/010", "A digest by SM3 has its form, though nobody here can compare it.", ids("ADD-IAC-ISS-13"), nil,
		subject("source_isr_digest", "sm3:"+strings.Repeat("A", 43)))
	mandateReaders(f)
	mandateParties(b, f)
	mandateAudience(f)
}

// mandateReaders: what a reader must not mind.
func mandateReaders(f *family) {
	f.with("mandate/reader/001", "A payload that is not in canonical form is read: the signature covers the bytes as they are.", ids("ADD-IAC-ISS-08", "ADD-IAC-ISS-15"), nil,
		func(g *grant) {
			g.payload = strings.ReplaceAll(strings.Replace(g.textOfPayload(), "{", "{\n  ", 1), `,"`, `, "`)
		})
	f.with("mandate/reader/002", "A member name is what its escapes say.", ids("ADD-IAC-ISS-08"), nil, text(`"max_total_amount"`, `"max\u005ftotal_amount"`))
	f.with("mandate/reader/003", "The members of the header stand in any order and with white space.", ids("ADD-IAC-ISS-14"), nil,
		func(g *grant) { g.headerText = `{ "typ":"vc+jwt", "kid":"` + bankIssue + `", "alg":"EdDSA" }` })
	f.with("mandate/reader/004", "Ed25519 is the name of RFC 9864 for the same algorithm.", ids("ADD-IAC-ISS-10"), nil, head("alg", "Ed25519"))
	f.with("mandate/reader/005", "An amount is read by its value: 2e2 is 200.", ids("ADD-INT-ICS-09"), nil, text(`"max_total_amount":200`, `"max_total_amount":2e2`))
	f.with("mandate/reader/006", "Decimals that are zero do not count.", ids("ADD-INT-ICS-09"), nil, text(`"max_total_amount":200`, `"max_total_amount":200.000`))
	f.with("mandate/reader/007", "An amount of 0.29 is 29 cents, and not what a binary float makes of it.", ids("ADD-INT-ICS-09"), obj{"max_total_amount": "50.29"},
		subject("max_total_amount", raw("50.29")))
	f.with("mandate/reader/008", "Yen have no decimals.", ids("ADD-INT-ICS-09", "ADD-INT-ICS-10"), obj{"currency": "JPY", "max_total_amount": "20000"},
		subject("currency", "JPY"), subject("max_total_amount", 20000), subject("ext.commerce.min_single_amount", 1))
	f.with("mandate/reader/009", "A large amount is exact to the cent.", ids("ADD-INT-ICS-09"), obj{"max_total_amount": "9007199254740.99"},
		subject("max_total_amount", raw("9007199254740.99")))
	f.with("mandate/reader/010", "A total of zero is a limit like any other.", ids("ADD-INT-ICS-09"), obj{"max_total_amount": "0.00"},
		subject("max_total_amount", 0), subject("ext.commerce", obj{"allowed_merchants": list{shopDID}}))
}

// mandateParties: who may issue, and for whom.
func mandateParties(b *builder, f *family) {
	own := b.signer(annDID+"#issue", keys.IssueAuthorization, keys.EdDSA)
	ownList := b.signer(annDID+"#status", keys.Status, keys.EdDSA)
	self := []change{
		claim("iss", annDID), func(g *grant) {
			g.signer, g.listSigner = own, ownList
			g.header = headerOf(own, keys.TypeMandate)
			g.documents = documents(own, ownList)
			g.issuers = list{obj{"issuer": annDID, "delegator": annDID}}
			g.status = obj{bankList: b.statusList(ownList, nil)}
		}}
	f.with("mandate/party/001", "A principal may issue for itself, when the policy says so.", ids("ADD-IAC-ISS-10"), obj{"issuer": annDID}, self...)
	f.not("mandate/party/002", "That issuer and delegator are one is no reason to trust them.", protocol.CodeIssuerUntrusted, ids("ADD-IAC-ISS-10"),
		append(self, func(g *grant) { g.issuers = list{obj{"issuer": bankDID, "delegator": annDID}} })...)
	f.not("mandate/party/003", "An issuer that nobody trusts is refused, whatever it signs.", protocol.CodeIssuerUntrusted, ids("ADD-IAC-ISS-10"),
		func(g *grant) { g.issuers = list{} })
	f.not("mandate/party/004", "An issuer that is trusted for Bob issues nothing for Ann.", protocol.CodeIssuerUntrusted, ids("ADD-IAC-ISS-10"),
		func(g *grant) { g.issuers = list{obj{"issuer": bankDID, "delegator": bobDID}} })
	f.not("mandate/party/005", "Trust in an issuer whoever its principals are is for mandates that withhold them: one that shows its delegator is judged by it.", protocol.CodeIssuerUntrusted, ids("ADD-IAC-ISS-10"),
		func(g *grant) { g.issuers = list{obj{"issuer": bankDID, "delegator": ""}} })
	f.with("mandate/party/006", "The issuer may be known by did:web.", ids("IDN-02"), obj{"issuer": "did:web:bank.example:mandates"}, web(b)...)
	f.with("mandate/party/007", "The agent may be known by did:key, which needs no document.", ids("IDN-02"), obj{"agent_id": didKeyOf(b, "agent")}, func(g *grant) {
		g.agent = didKeyOf(b, "agent")
		set(g.claims, "sub", g.agent)
		set(g.claims, "vc.credentialSubject.agent_id", g.agent)
	})
	f.not("mandate/party/008", "A did:key never issues authorizations, however well it signs and whoever trusts it.", protocol.CodeKeyPurpose, ids("ADD-IAC-ISS-12", "IDN-02"), func(g *grant) {
		did := didKeyOf(b, "issuer")
		g.signer = b.signer(did+"#"+strings.TrimPrefix(did, "did:key:"), keys.IssueAuthorization, keys.EdDSA)
		g.signer = keyNamed(b, "issuer", g.signer.KeyID(), keys.IssueAuthorization)
		g.header = headerOf(g.signer, keys.TypeMandate)
		set(g.claims, "iss", did)
		g.issuers = list{obj{"issuer": did, "delegator": annDID}}
		set(g.claims, "status", nil)
		shorten(g, 900)
	})
	f.not("mandate/party/009", "The issuing key cannot be the agent's: whoever holds both grants to itself.", protocol.CodeKeyPurpose, ids("ADD-IAC-ISS-12"),
		func(g *grant) { set(g.claims, "cnf.jwk", jwk(g.signer)) })
	f.not("mandate/party/010", "The key that signed must lie under the issuer, however much its own DID is trusted.", protocol.CodeClaimsConflict, ids("ADD-IAC-ISS-10"), func(g *grant) {
		g.signer = b.signer("did:act:otherbank.example/mandates#issue", keys.IssueAuthorization, keys.EdDSA)
		g.header = headerOf(g.signer, keys.TypeMandate)
		addEntry("did:act:otherbank.example/mandates", entry(g.signer))(g)
		g.issuers = append(g.issuers, obj{"issuer": "did:act:otherbank.example/mandates", "delegator": annDID})
	})
}

// web makes the bank a did:web.
func web(b *builder) []change {
	const did = "did:web:bank.example:mandates"
	issue := b.signer(did+"#issue", keys.IssueAuthorization, keys.EdDSA)
	status := b.signer(did+"#status", keys.Status, keys.EdDSA)
	return []change{claim("iss", did), func(g *grant) {
		g.signer, g.listSigner = issue, status
		g.header = headerOf(issue, keys.TypeMandate)
		g.documents = documents(issue, status)
		g.issuers = list{obj{"issuer": did, "delegator": annDID}}
		g.status = obj{bankList: b.statusList(status, nil)}
	}}
}

// shorten lets a mandate live for some seconds around now.
func shorten(g *grant, seconds int) {
	start := now.Add(-time.Minute)
	end := start.Add(time.Duration(seconds) * time.Second)
	set(g.claims, "iat", numericDate(start))
	set(g.claims, "nbf", numericDate(start))
	set(g.claims, "exp", numericDate(end))
	for _, path := range []string{"vc.credentialSubject", "authorization"} {
		if path == "authorization" && g.show == nil || path != "authorization" && g.show != nil {
			continue
		}
		set(g.claims, path+".validity_start_time", utc(start))
		set(g.claims, path+".validity_end_time", utc(end))
	}
}

// mandateAudience: whose mandate it is, and where it may be used.
func mandateAudience(f *family) {
	f.not("mandate/audience/001", "A mandate of another agent gives nothing to this one.", protocol.CodeAgentMismatch, ids("PSD-PAY-DEL-05"), func(g *grant) { g.agent = otherDID })
	f.not("mandate/audience/002", "A mandate for another provider is worth nothing here, or it would be worth a budget at each.", protocol.CodeAudienceMismatch, ids("PSD-PAY-DEL-07"), func(g *grant) { g.audience = psp2DID })
	f.not("mandate/audience/003", "A list of audiences is none: a mandate is for one provider.", protocol.CodeFieldInvalid, ids("PSD-PAY-DEL-07"), claim("aud", list{pspDID}))
	f.not("mandate/audience/004", "An audience is compared byte by byte.", protocol.CodeAudienceMismatch, ids("PSD-PAY-DEL-07"), claim("aud", pspDID+"2"))
}

// twins: what two members say, they say alike.
func groupMandateTwins(b *builder) {
	f := b.family("mandate/twins/001", "Claims and members of the payload that say the same are equal.", keys.EdDSA, ids("ADD-IAC-ISS-14"), nil)
	for _, c := range []struct {
		id, path string
		value    any
	}{
		{"002", "sub", otherDID},
		{"003", "jti", grantID[:len(grantID)-1] + "2"},
		{"004", "nbf", numericDate(grantStart) - 1},
		{"005", "exp", numericDate(grantEnd) + 1},
	} {
		changes := []change{claim(c.path, c.value)}
		if c.path == "sub" {
			changes = append(changes, func(g *grant) { g.agent = otherDID })
		}
		f.not("mandate/twins/"+c.id, "The claim "+c.path+" and its twin in the payload differ: whoever reads one of them reads another mandate.",
			protocol.CodeClaimsConflict, ids("ADD-IAC-ISS-14"), changes...)
	}
	f.not("mandate/twins/006", "The type of the credential is not another.", protocol.CodeTypeMismatch, ids("ADD-IAC-ISS-14"),
		claim("vc.type", list{"VerifiableCredential", "ACTAgentIdentity"}))
	f.not("mandate/twins/007", "The type of the credential has no further entries.", protocol.CodeTypeMismatch, ids("ADD-IAC-ISS-14"),
		claim("vc.type", list{"VerifiableCredential", "ACTIntentAuthorization", "Another"}))
	f.not("mandate/twins/008", "The entries of the type stand in their order.", protocol.CodeTypeMismatch, ids("ADD-IAC-ISS-14"),
		claim("vc.type", list{"ACTIntentAuthorization", "VerifiableCredential"}))
	f.not("mandate/twins/009", "The payload that is signed is that of an authorization, and not the whole result of an intent.", protocol.CodeFieldMissing, ids("ADD-IAC-ISS-03", "ADD-IAC-ISS-09"),
		claim("vc.credentialSubject", confirmedISR()))
	f.not("mandate/twins/010", "The digest of the source has the form of a digest.", protocol.CodeFieldInvalid, ids("ADD-IAC-ISS-13"),
		subject("source_isr_digest", "sha256:"+strings.TrimPrefix(string(canon.Sum(nil)), "sha-256:")))
}
