package vectors

import (
	"maps"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// startDID is a provider whose agents another may certify.
const startDID = "did:act:start.example/up"

// A bindings makes cases of binding.verify.
type bindings struct {
	b  *builder
	ok spec
}

// input is that of a good binding of a platform agent, changed.
func (s *bindings) input(changes ...func(*card)) obj {
	c := s.b.card(keys.EdDSA, append([]func(*card){platform}, changes...)...)
	in := c.input()
	token := s.b.token(c.binder, s.b.textOf("header", c.bindingHeader), s.b.textOf("binding", c.binding))
	if c.finishBinding != nil {
		token = c.finishBinding(token)
	}
	maps.Copy(in, obj{"binding": token, "principal": c.principal, "audience": c.audience})
	return in
}

func (s *bindings) with(id, title string, output obj, changes ...func(*card)) spec {
	out := obj{"agent_id": buyerDID, "principal": annDID}
	maps.Copy(out, output)
	return s.b.valid(spec{id: "binding/" + id, title: title, requirements: ids("IDN-03", "PSD-PAY-DEL-09"),
		operation: "binding.verify", input: s.input(changes...), output: out})
}

func (s *bindings) not(id, title string, code protocol.Code, changes ...func(*card)) {
	s.b.invalid(s.ok, spec{id: "binding/" + id, title: title, code: code}, func(in obj) {
		clear(in)
		maps.Copy(in, s.input(changes...))
	})
}

// binds changes a claim of the binding.
func binds(path string, value any) func(*card) {
	return func(c *card) { set(c.binding, path, value) }
}

// certified is the agent of a provider whose agents another certifies.
func certified(c *card) {
	set(c.claims, "vc.credentialSubject.provider", startDID)
	c.identities = list{obj{"issuer": houseDID, "provider": startDID}}
}

// another lets that provider make the binding.
func another(c *card) {
	c.binder = c.b.signer(startDID+"#id", keys.IssueIdentity, keys.EdDSA)
	c.bindingHeader = headerOf(c.binder, keys.TypePrincipalBinding)
	set(c.binding, "iss", startDID)
	c.documents[startDID] = document(startDID, entry(c.binder))
}

// groupBinding: for whom a platform agent acts (SPEC.md 9.1, IDN-03).
func groupBinding(b *builder) {
	s := &bindings{b: b}
	s.ok = s.with("basic/001", "The provider of a platform agent says for whom it acts.", nil)
	s.with("basic/002", "A binding may name a pseudonym.", obj{"principal": "ps_1"}, binds("principal", "ps_1"), func(c *card) { c.principal = "ps_1" })
	s.with("basic/003", "A binding lives fifteen minutes at most, and to its last second.", nil, binds("iat", ago(899*time.Second)), binds("exp", numericDate(now)+1))
	s.with("basic/004", "An issuer's clock may be a minute ahead.", nil, binds("iat", numericDate(now)+60))
	s.with("basic/005", "Who certifies a provider's agents may bind them as well.", nil, certified)
	bindingParties(s)
	bindingForm(s)
	bindingKeys(b, s)
}

// bindingParties: by whom, of whom, for whom and to whom.
func bindingParties(s *bindings) {
	s.not("party/001", "A binding for one principal is none for another on the same platform.", protocol.CodePrincipalMismatch, func(c *card) { c.principal = bobDID })
	s.not("party/002", "A binding of another agent binds not this one.", protocol.CodeAgentMismatch, binds("sub", otherDID))
	s.not("party/003", "A binding of another key binds not this one.", protocol.CodeAgentMismatch, binds("cnf.jkt", digestOf("another key")))
	s.not("party/004", "A binding towards another recipient is none here.", protocol.CodeAudienceMismatch, binds("aud", pspDID))
	s.not("party/005", "Another than the agent's provider and issuer binds nobody.", protocol.CodeIssuerUntrusted, another)
	s.not("party/006", "Another that is trusted for this provider, and has not issued the credential, binds nobody.", protocol.CodeIssuerUntrusted, another,
		func(c *card) {
			c.identities = append(c.identities, obj{"issuer": startDID, "provider": houseDID})
		})
	s.not("party/007", "A provider that the policy does not let speak for its agents binds nobody.", protocol.CodeIssuerUntrusted, certified, another)
	s.with("party/008", "A provider whose agents another certified may bind them when it is trusted.", nil, certified, another,
		func(c *card) {
			c.identities = append(c.identities, obj{"issuer": startDID, "provider": startDID})
		})
	s.not("party/009", "A dedicated agent has the one principal of its credential.", protocol.CodePrincipalMismatch, is("agent_type", "DEDICATED"), is("principal", pseudonymous))
}

// bindingForm: claims and times.
func bindingForm(s *bindings) {
	s.not("time/001", "At its end a binding is over.", protocol.CodeRequestExpired, binds("exp", numericDate(now)))
	s.not("time/002", "A binding of more than a minute ahead is not yet one.", protocol.CodeRequestExpired, binds("iat", numericDate(now)+61))
	s.not("form/001", "A binding of more than fifteen minutes is refused.", protocol.CodeFieldInvalid, binds("exp", ago(time.Minute)+901))
	s.not("form/002", "A binding ends after it was issued.", protocol.CodeFieldInvalid, binds("exp", ago(time.Minute)))
	for i, name := range []string{"iss", "sub", "aud", "jti", "iat", "exp", "principal", "cnf"} {
		s.not("form/01"+string(rune('0'+i)), "A binding without "+name+" says too little.", protocol.CodeFieldMissing, binds(name, nil))
	}
	s.not("form/018", "A binding is closed.", protocol.CodeFieldUnknown, binds("nbf", ago(time.Minute)))
	s.not("form/019", "A thumbprint has 32 bytes.", protocol.CodeFieldInvalid, binds("cnf.jkt", "AAAA"))
	s.not("form/021", "A recipient is named by a DID.", protocol.CodeFieldInvalid, binds("aud", "the gate"))
	s.not("form/022", "A principal has no spaces in its name.", protocol.CodeFieldInvalid, binds("principal", "Ann Lee"), func(c *card) { c.principal = "Ann Lee" })
	s.not("form/023", "A time is in the years up to 9999.", protocol.CodeFieldInvalid, binds("iat", raw("253402300800")), binds("exp", raw("253402300900")))
	s.not("form/020", "A credential is no binding.", protocol.CodeTypeMismatch, func(c *card) { set(c.bindingHeader, "typ", keys.TypeIdentity) })
}

// bindingKeys: by which key.
func bindingKeys(b *builder, s *bindings) {
	s.not("key/001", "A binding that was changed after signing is found.", protocol.CodeSignatureInvalid, func(c *card) { c.finishBinding = part(1, func(p string) string { return p + " " }) })
	s.not("key/002", "A key that issues no identities binds nobody.", protocol.CodeKeyPurpose, func(c *card) {
		c.binder = b.signer(houseDID+"#auth", keys.IssueAuthorization, keys.EdDSA)
		c.bindingHeader = headerOf(c.binder, keys.TypePrincipalBinding)
		doc := c.documents[houseDID].(obj)
		doc["verificationMethod"] = append(doc["verificationMethod"].(list), entry(c.binder))
	})
	s.not("key/003", "An agent does not bind itself: the issuing key is not the agent's.", protocol.CodeKeyPurpose, binds("cnf.jkt", b.signer(houseDID+"#id", keys.IssueIdentity, keys.EdDSA).Public().Thumbprint()))
	s.not("key/005", "A did:key binds nobody.", protocol.CodeKeyPurpose, func(c *card) {
		did := didKeyOf(b, "issuer")
		c.binder = keyNamed(b, "issuer", did+"#"+strings.TrimPrefix(did, "did:key:"), keys.IssueIdentity)
		c.bindingHeader = headerOf(c.binder, keys.TypePrincipalBinding)
		set(c.binding, "iss", did)
		c.identities = append(c.identities, obj{"issuer": did, "provider": houseDID})
	})
	s.not("key/004", "The key that signed lies under the issuer.", protocol.CodeClaimsConflict, func(c *card) {
		another(c)
		set(c.binding, "iss", houseDID)
	})
}
