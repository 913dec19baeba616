package vectors

import (
	"maps"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// The parties of the identities' cases.
const (
	houseDID     = "did:act:agents.example/provider" // runs the agents, and vouches for them
	gateDID      = "did:act:shop.example/gate"       // asks who somebody is
	houseList    = "https://agents.example/status/1"
	pseudonymous = "ps_2Jk5Xc1qT0yRr8m3"
)

// A card is an identity credential in the making, with the proof that its key is
// held and, for cases of binding.verify, a binding.
type card struct {
	b                           *builder
	signer, list, holder        *keys.Signer
	header, claims              obj
	payload                     func(string) string
	finish                      func(string) string
	answer, answerHeader        obj
	answerer                    *keys.Signer
	digested                    func(payload string) string
	documents, status           obj
	identities                  list
	agent, verifier, challenge  string
	capabilities                list
	before                      int
	binding, bindingHeader      obj
	binder                      *keys.Signer
	principal, audience         string
	finishAnswer, finishBinding func(string) string
}

// card is a good credential of a dedicated agent, shown to a gate.
func (b *builder) card(alg keys.Algorithm, changes ...func(*card)) *card {
	c := &card{
		b:      b,
		signer: b.signer(houseDID+"#id", keys.IssueIdentity, alg), list: b.signer(houseDID+"#status", keys.Status, alg),
		holder:     b.signer(buyerDID+"#k1", keys.AgentRequest, alg),
		identities: list{obj{"issuer": houseDID, "provider": houseDID}},
		agent:      buyerDID, verifier: gateDID, challenge: nonce("challenge"),
	}
	c.answerer, c.binder = c.holder, c.signer
	c.header = headerOf(c.signer, keys.TypeIdentity)
	c.claims = obj{
		"iss": houseDID, "sub": buyerDID, "jti": "cred-1", "iat": numericDate(grantIssued), "nbf": numericDate(grantStart), "exp": numericDate(grantEnd),
		"cnf": obj{"jwk": jwk(c.holder)}, "status": obj{"status_list": obj{"idx": 3, "uri": houseList}},
		"vc": obj{"type": list{"VerifiableCredential", "ACTAgentIdentity"}, "credentialSubject": obj{
			"agent_id": buyerDID, "provider": houseDID, "agent_type": "DEDICATED", "principal": pseudonymous, "capabilities": list{"act:pay", "act:negotiate"},
		}},
	}
	c.documents = documents(c.signer, c.list)
	c.answerHeader = headerOf(c.holder, keys.TypePossession)
	c.answer = obj{"iss": buyerDID, "aud": gateDID, "nonce": c.challenge, "iat": numericDate(now)}
	c.bindingHeader = headerOf(c.signer, keys.TypePrincipalBinding)
	c.binding = obj{
		"iss": houseDID, "sub": buyerDID, "aud": gateDID, "jti": "bind-1", "iat": ago(time.Minute), "exp": numericDate(now.Add(14 * time.Minute)),
		"principal": annDID, "cnf": obj{"jkt": c.holder.Public().Thumbprint()},
	}
	c.principal, c.audience = annDID, gateDID
	for _, change := range changes {
		change(c)
	}
	return c
}

func (c *card) text() string {
	payload := c.b.textOf("credential", c.claims)
	if c.payload != nil {
		payload = c.payload(payload)
	}
	return payload
}

// statuses are the lists that can be fetched.
func (c *card) statuses() obj {
	if c.status != nil {
		return c.status
	}
	return obj{houseList: c.b.statusList(c.list, nil, func(claims obj) { set(claims, "sub", houseList) })}
}

// input is that of identity.verify.
func (c *card) input() obj {
	token := c.b.token(c.signer, c.b.textOf("header", c.header), c.text())
	if c.finish != nil {
		token = c.finish(token)
	}
	digested := c.text()
	if c.digested != nil {
		digested = c.digested(digested)
	}
	answer := maps.Clone(c.answer)
	if _, ok := answer["credential_digest"]; !ok {
		answer["credential_digest"] = string(canon.Sum([]byte(digested)))
	}
	if answer["credential_digest"] == "" {
		delete(answer, "credential_digest")
	}
	possession := c.b.token(c.answerer, c.b.textOf("header", c.answerHeader), c.b.textOf("answer", answer))
	if c.finishAnswer != nil {
		possession = c.finishAnswer(possession)
	}
	in := obj{
		"credential": token, "agent": c.agent, "possession": possession, "verifier": c.verifier, "challenge": c.challenge,
		"documents": c.documents, "status": c.statuses(), "identities": c.identities,
	}
	if c.capabilities != nil {
		in["capabilities"] = c.capabilities
	}
	if c.before > 0 {
		in["shown_before"] = c.before
	}
	return in
}

func (c *card) output(others obj) obj {
	out := obj{"agent_id": buyerDID, "provider": houseDID, "agent_type": "DEDICATED", "principal": pseudonymous, "thumbprint": c.holder.Public().Thumbprint()}
	for name, value := range others {
		set(out, name, value)
	}
	return out
}

// An album makes cases of identity.verify.
type album struct {
	b   *builder
	alg keys.Algorithm
	ok  spec
}

func (a *album) with(id, title string, requirements []string, output obj, changes ...func(*card)) spec {
	c := a.b.card(a.alg, changes...)
	return a.b.valid(spec{id: "identity/" + id, title: title, requirements: requirements, features: featuresOf(a.alg),
		operation: "identity.verify", input: c.input(), output: c.output(output)})
}

func (a *album) not(id, title string, code protocol.Code, requirement string, changes ...func(*card)) {
	a.b.invalid(a.ok, spec{id: "identity/" + id, title: title, code: code, requirements: ids(requirement)}, func(in obj) {
		clear(in)
		maps.Copy(in, a.b.card(a.alg, changes...).input())
	})
}

// Changes of a card.

func states(path string, value any) func(*card) {
	return func(c *card) { set(c.claims, path, value) }
}

func is(name string, value any) func(*card) { return states("vc.credentialSubject."+name, value) }

func carries(name string, value any) func(*card) {
	return func(c *card) { set(c.header, name, value) }
}

func answers(name string, value any) func(*card) {
	return func(c *card) { set(c.answer, name, value) }
}

// platform makes it the credential of a platform agent.
func platform(c *card) {
	set(c.claims, "vc.credentialSubject.agent_type", "PLATFORM")
	set(c.claims, "vc.credentialSubject.principal", nil)
}

// groupIdentity: agent identity credentials (SPEC.md 9.1).
func groupIdentity(b *builder) {
	a := &album{b: b, alg: keys.EdDSA}
	a.ok = a.with("basic/001", "A credential by a trusted issuer, shown by who holds its key, says who the agent is.", ids("IDN-01", "IDN-03"), nil)
	(&album{b: b, alg: keys.ES256}).with("basic/002", "ES256 serves as well as Ed25519.", ids("IDN-01"), nil)
	a.with("basic/003", "A platform agent names no principal.", ids("IDN-03"), obj{"agent_type": "PLATFORM", "principal": nil}, platform)
	a.with("basic/004", "Capabilities may be left out.", ids("IDN-01"), nil, is("capabilities", nil))
	a.with("basic/005", "Capabilities that are asked for are there.", ids("IDN-01"), nil, func(c *card) { c.capabilities = list{"act:pay"} })
	a.with("basic/006", "Another than the provider may certify its agents, when the policy says so.", ids("IDN-01"), obj{"provider": "did:act:start.example/up"},
		is("provider", "did:act:start.example/up"), func(c *card) { c.identities = list{obj{"issuer": houseDID, "provider": "did:act:start.example/up"}} })
	a.with("basic/007", "A credential of fifteen minutes needs no status.", ids("IDN-01"), nil, states("status", nil), brief(900))
	a.with("basic/008", "A pseudonym may be a did:key.", ids("IDN-03"), obj{"principal": didKeyOf(b, "pseudonym")}, is("principal", didKeyOf(b, "pseudonym")))
	a.not("basic/010", "A credential of a second more needs a status.", protocol.CodeStatusUnavailable, "IDN-01", states("status", nil), brief(901))
	a.not("basic/011", "A capability that is asked for and not named is missing.", protocol.CodePolicyRefused, "IDN-01", func(c *card) { c.capabilities = list{"act:fly"} })
	a.not("basic/012", "Capabilities are compared byte by byte.", protocol.CodePolicyRefused, "IDN-01", func(c *card) { c.capabilities = list{"ACT:pay"} })
	identityIssuer(b, a)
	identityForm(a)
	identityTime(a)
	identityPossession(b, a)
}

// brief makes a credential live for some seconds around now.
func brief(seconds int) func(*card) {
	return func(c *card) {
		start := numericDate(now.Add(-time.Minute))
		set(c.claims, "iat", start)
		set(c.claims, "nbf", start)
		set(c.claims, "exp", start+int64(seconds))
	}
}

// identityIssuer: who vouches, and by which key.
func identityIssuer(b *builder, a *album) {
	a.not("issuer/001", "An issuer that nobody trusts vouches for nobody.", protocol.CodeIssuerUntrusted, "IDN-01", func(c *card) { c.identities = list{} })
	a.not("issuer/002", "An issuer that is trusted for one provider does not speak for another's agents.", protocol.CodeIssuerUntrusted, "IDN-01", is("provider", "did:act:start.example/up"))
	a.not("issuer/003", "A key that issues authorizations issues no identities.", protocol.CodeKeyPurpose, "ADD-IAC-ISS-12", func(c *card) {
		c.documents = documents(b.signer(houseDID+"#id", keys.IssueAuthorization, keys.EdDSA), c.list)
	})
	a.not("issuer/004", "A key of an agent vouches for nobody.", protocol.CodeKeyPurpose, "ADD-IAC-ISS-12", func(c *card) {
		c.documents = documents(b.signer(houseDID+"#id", keys.AgentRequest, keys.EdDSA), c.list)
	})
	a.not("issuer/005", "A did:key issues no identities.", protocol.CodeKeyPurpose, "IDN-02", func(c *card) {
		did := didKeyOf(b, "issuer")
		c.signer = keyNamed(b, "issuer", did+"#"+strings.TrimPrefix(did, "did:key:"), keys.IssueIdentity)
		c.header = headerOf(c.signer, keys.TypeIdentity)
		set(c.claims, "iss", did)
		set(c.claims, "status", nil)
		brief(900)(c)
		c.identities = list{obj{"issuer": did, "provider": houseDID}}
	})
	a.not("issuer/006", "An agent does not vouch for itself: the issuing key is not that of cnf.", protocol.CodeKeyPurpose, "IDN-01", func(c *card) {
		set(c.claims, "cnf.jwk", jwk(c.signer))
		c.answerer = c.signer
	})
	a.not("issuer/007", "The key that signed lies under the issuer.", protocol.CodeClaimsConflict, "IDN-01", func(c *card) {
		c.signer = b.signer("did:act:start.example/up#id", keys.IssueIdentity, keys.EdDSA)
		c.header = headerOf(c.signer, keys.TypeIdentity)
		c.documents["did:act:start.example/up"] = document("did:act:start.example/up", entry(c.signer))
	})
	a.not("issuer/008", "A key that the issuer does not have signs nothing.", protocol.CodeKeyUnknown, "IDN-02", carries("kid", houseDID+"#other"))
	a.not("issuer/009", "A document that cannot be had leaves the key unknown.", protocol.CodeKeyUnavailable, "IDN-02", func(c *card) { delete(c.documents, houseDID) })
	a.not("issuer/010", "A compromised key vouches for nobody.", protocol.CodeKeyNotValid, "IDN-02", func(c *card) {
		set(c.documents[houseDID].(obj)["verificationMethod"].(list)[0].(obj), "actCompromised", true)
	})
	a.not("issuer/011", "A key that was retired before it signed vouches for nobody.", protocol.CodeKeyNotValid, "IDN-02", func(c *card) {
		set(c.documents[houseDID].(obj)["verificationMethod"].(list)[0].(obj), "actValidUntil", utc(grantIssued))
	})
	a.with("issuer/012", "A key that was retired since vouches for what it signed in its time.", ids("IDN-02"), nil, func(c *card) {
		set(c.documents[houseDID].(obj)["verificationMethod"].(list)[0].(obj), "actValidUntil", utc(grantIssued.Add(time.Second)))
	})
	a.not("issuer/013", "A credential that was changed after signing is found.", protocol.CodeSignatureInvalid, "IDN-01", func(c *card) {
		change := func(p string) string { return strings.Replace(p, `"jti":"cred-1"`, `"jti":"cred-2"`, 1) }
		c.finish, c.digested = part(1, change), change
	})
	a.not("issuer/014", "A mandate by a key for authorizations is no identity.", protocol.CodeTypeMismatch, "IDN-01", carries("typ", keys.TypeMandate))
	a.not("issuer/015", "The algorithm none is never accepted.", protocol.CodeAlgorithmRefused, "IDN-01", carries("alg", "none"))
	a.not("issuer/016", "A key in the header is never honoured.", protocol.CodeHeaderRefused, "IDN-01", func(c *card) { set(c.header, "jwk", jwk(c.signer)) })
}

// identityForm: the closed claims.
func identityForm(a *album) {
	for i, name := range []string{"iss", "sub", "jti", "iat", "nbf", "exp", "cnf", "vc.type", "vc.credentialSubject"} {
		a.not("form/00"+string(rune('1'+i)), "A credential without "+name+" says too little.", protocol.CodeFieldMissing, "IDN-01", states(name, nil))
	}
	for i, name := range []string{"agent_id", "provider", "agent_type", "principal"} {
		a.not("form/01"+string(rune('0'+i)), "A credential without "+name+" says too little.", protocol.CodeFieldMissing, "IDN-01", is(name, nil))
	}
	a.not("form/014", "A credential is closed: an audience is not among its claims.", protocol.CodeFieldUnknown, "IDN-01", states("aud", gateDID))
	a.not("form/015", "Its subject is closed as well.", protocol.CodeFieldUnknown, "IDN-01", is("owner", "Ann"))
	a.not("form/016", "The type of the credential is not another.", protocol.CodeTypeMismatch, "IDN-01", states("vc.type", list{"VerifiableCredential", "ACTIntentAuthorization"}))
	a.not("form/017", "Twins are equal.", protocol.CodeClaimsConflict, "IDN-01", is("agent_id", otherDID))
	a.not("form/018", "An agent is PLATFORM or DEDICATED.", protocol.CodeFieldInvalid, "IDN-03", is("agent_type", "SHARED"))
	a.not("form/019", "A platform agent names no principal.", protocol.CodeFieldInvalid, "IDN-03", is("agent_type", "PLATFORM"))
	a.not("form/020", "A principal is named by a pseudonym, and not by a name under which documents are published.", protocol.CodeFieldInvalid, "IDN-03", is("principal", annDID))
	a.not("form/021", "A did:web is no pseudonym either.", protocol.CodeFieldInvalid, "IDN-03", is("principal", "did:web:ann.example"))
	a.not("form/022", "An empty list of capabilities is left out.", protocol.CodeFieldInvalid, "IDN-01", is("capabilities", list{}))
	a.not("form/023", "A capability does not stand twice.", protocol.CodeFieldInvalid, "IDN-01", is("capabilities", list{"act:pay", "act:pay"}))
	many := list{}
	for i := range 65 {
		many = append(many, "act:"+strings.Repeat("x", i+1))
	}
	a.with("form/024", "Sixty-four capabilities are read.", ids("IDN-01"), nil, is("capabilities", many[:64]))
	a.not("form/025", "More than 64 capabilities are refused.", protocol.CodeTooLarge, "IDN-01", is("capabilities", many))
	a.not("form/026", "A credential begins before it ends.", protocol.CodeFieldInvalid, "IDN-01", states("nbf", numericDate(grantEnd)))
	a.not("form/027", "A credential is issued before it ends.", protocol.CodeFieldInvalid, "IDN-01", states("iat", numericDate(grantEnd)))
	a.not("form/028", "A time is a number.", protocol.CodeFieldInvalid, "IDN-01", states("exp", "1793656800"))
	a.not("form/029", "A private key in a credential is noticed.", protocol.CodeFieldInvalid, "IDN-01", states("cnf.jwk.d", canon.EncodeBase64(bytesOf("d", 32))))
	a.not("form/030", "A claim that stands twice has no one meaning.", protocol.CodeMalformed, "IDN-01", func(c *card) {
		c.payload = func(p string) string { return strings.Replace(p, `"jti":`, `"jti":"x","jti":`, 1) }
	})
	a.not("form/031", "A reference to a list without index is none.", protocol.CodeFieldMissing, "IDN-01", states("status.status_list.idx", nil))
	a.not("form/033", "An id of a credential has no spaces.", protocol.CodeFieldInvalid, "IDN-01", states("jti", "cred 1"))
	a.not("form/034", "A time is in the years up to 9999.", protocol.CodeFieldInvalid, "IDN-01", states("exp", raw("253402300800")))
	a.not("form/035", "The address of a list is https.", protocol.CodeFieldInvalid, "IDN-01", states("status.status_list.uri", "http://agents.example/status/1"))
	a.not("form/036", "An index is one that a list can have.", protocol.CodeFieldInvalid, "IDN-01", states("status.status_list.idx", 1<<22))
	a.not("form/037", "A principal has no spaces in its name.", protocol.CodeFieldInvalid, "IDN-03", is("principal", "Ann Lee"))
	a.not("form/032", "A provider is named by a DID.", protocol.CodeFieldInvalid, "IDN-01", is("provider", "Agents Ltd"))
}

// identityTime: a credential outside of its time is not now the agent's key.
func identityTime(a *album) {
	window := func(nbf, exp time.Time) func(*card) {
		return func(c *card) {
			set(c.claims, "nbf", numericDate(nbf))
			set(c.claims, "exp", numericDate(exp))
		}
	}
	state := func(value byte) func(*card) {
		return func(c *card) {
			c.status = obj{houseList: c.b.statusList(c.list, map[int]byte{3: value}, func(claims obj) { set(claims, "sub", houseList) })}
		}
	}
	a.with("time/001", "The first second of a credential is in it, and the last before its end.", ids("IDN-01"), nil, window(now, now.Add(time.Second)))
	a.not("time/002", "Before its time the key is not the agent's.", protocol.CodeKeyNotValid, "IDN-01", window(now.Add(time.Second), grantEnd))
	a.not("time/003", "At its end the key is not the agent's any more.", protocol.CodeKeyNotValid, "IDN-01", window(grantStart, now))
	a.with("time/004", "An issuer's clock may be a minute ahead.", ids("IDN-01"), nil, states("iat", numericDate(now)+60))
	a.not("time/005", "A credential of more than a minute ahead is not yet one.", protocol.CodeKeyNotValid, "IDN-01", states("iat", numericDate(now)+61))
	a.not("time/006", "A revoked credential is refused.", protocol.CodeKeyNotValid, "IDN-01", state(1))
	a.not("time/007", "A suspended credential is refused.", protocol.CodeKeyNotValid, "IDN-01", state(2))
	a.not("time/008", "An entry without a meaning decides nothing.", protocol.CodeStatusUnavailable, "IDN-01", state(3))
	a.not("time/009", "A list that cannot be fetched decides nothing.", protocol.CodeStatusUnavailable, "IDN-01", func(c *card) { c.status = obj{} })
}

// identityPossession: that who shows it holds the key.
func identityPossession(b *builder, a *album) {
	no := func(id, title string, code protocol.Code, changes ...func(*card)) {
		a.not("possession/"+id, title, code, "IDN-01", changes...)
	}
	no("001", "The credential of another agent proves nothing of this one.", protocol.CodeAgentMismatch, func(c *card) { c.agent = otherDID })
	no("002", "A copied credential is worth nothing without its key.", protocol.CodeSignatureInvalid, func(c *card) {
		c.answerer = b.signer(otherDID+"#k1", keys.AgentRequest, keys.EdDSA)
	})
	no("003", "An answer to another challenge may be an old one.", protocol.CodeReplayed, answers("nonce", nonce("another challenge")))
	no("004", "An answer to another verifier was passed on.", protocol.CodeAudienceMismatch, answers("aud", shopDID))
	no("005", "An answer for another credential proves nothing of this one.", protocol.CodeAgentMismatch, answers("credential_digest", string(canon.Sum([]byte("another")))))
	no("006", "An answer is at most five minutes old.", protocol.CodeRequestExpired, answers("iat", ago(301*time.Second)))
	a.with("possession/007", "An answer of exactly five minutes is in time.", ids("IDN-01"), nil, answers("iat", ago(300*time.Second)))
	no("008", "An answer is at most a minute ahead.", protocol.CodeRequestExpired, answers("iat", ago(-61*time.Second)))
	a.with("possession/009", "An answer of a minute ahead is in time.", ids("IDN-01"), nil, answers("iat", ago(-60*time.Second)))
	no("010", "A challenge is answered once.", protocol.CodeReplayed, func(c *card) { c.before = 1 })
	no("029", "An answer in the name of another agent proves nothing of this one, whatever key it is by.", protocol.CodeAgentMismatch, func(c *card) {
		c.answerer = keyNamed(b, c.holder.KeyID(), otherDID+"#k1", keys.AgentRequest)
		c.answer["iss"], c.answerHeader["kid"] = otherDID, otherDID+"#k1"
	})
	no("011", "A token of another kind is no answer.", protocol.CodeTypeMismatch, func(c *card) { set(c.answerHeader, "typ", keys.TypeKeyBinding) })
	no("012", "The key of an answer lies under the agent.", protocol.CodeClaimsConflict, func(c *card) { set(c.answerHeader, "kid", otherDID+"#k1") })
	no("013", "An answer is closed.", protocol.CodeFieldUnknown, answers("exp", numericDate(now.Add(time.Hour))))
	for i, name := range []string{"iss", "aud", "nonce", "iat", "credential_digest"} {
		value := any(nil)
		if name == "credential_digest" {
			value = ""
		}
		no("02"+string(rune('0'+i)), "An answer without "+name+" says too little.", protocol.CodeFieldMissing, answers(name, value))
	}
	no("025", "An answer that was changed after signing is found.", protocol.CodeSignatureInvalid, func(c *card) {
		c.finishAnswer = part(1, func(p string) string { return p + " " })
	})
	no("027", "A digest of a credential has the form of one.", protocol.CodeFieldInvalid, answers("credential_digest", "abc"))
	no("028", "Who asks is named by a DID.", protocol.CodeFieldInvalid, answers("aud", "the gate"))
	no("026", "A challenge has 16 bytes.", protocol.CodeFieldInvalid, func(c *card) {
		set(c.answer, "nonce", "AAAA")
	})
}
