package vectors

import (
	"maps"
	"slices"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A drawing is a payment from a sub-account in the making (SPEC.md 6.7).
type drawing struct {
	*letter
	sub    *keys.Signer
	header obj
	claims obj
	key    obj                 // registered at the provider
	spoil  func(string) string // changes the finished authorization
	after  []edit              // what is done to the request after it was authorized
}

func (b *builder) drawing(changes ...func(*drawing)) obj {
	d := &drawing{letter: b.payRequest("AUP"), sub: b.signer(subaccountKey, keys.SubAccount, keys.EdDSA)}
	delete(d.members, "payment_token")
	d.members["subaccount_id"] = "sub-1"
	d.header, d.key = headerOf(d.sub, keys.TypeSubAccountAuth), jwk(d.sub)
	d.claims = obj{"iss": buyerDID, "sub": "sub-1", "aud": pspDID, "jti": "auth-1", "iat": numericDate(now), "exp": numericDate(now.Add(5 * time.Minute))}
	for _, c := range changes {
		c(d)
	}
	if _, given := d.claims["request_digest"]; !given {
		d.claims["request_digest"] = d.digest()
	}
	token := b.token(d.sub, b.textOf("header", d.header), b.textOf("authorization", d.claims))
	if d.spoil != nil {
		token = d.spoil(token)
	}
	d.members["subaccount_authorization"] = token
	for _, e := range d.after {
		e(d.letter)
	}
	in := obj{"message": d.text(), "documents": d.documents, "subaccount_key": d.key}
	maps.Copy(in, d.more)
	return in
}

// digest is of the request without iac, authorization and signature, the list of
// what is covered as it will be.
func (d *drawing) digest() string {
	m := maps.Clone(d.members)
	m["signer_id"], m["signature_type"] = d.signer.KeyID(), "ED25519"
	m["subaccount_authorization"], m["signature_covered_fields"] = "", ""
	covered := list{}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		covered = append(covered, name)
	}
	m["signature_covered_fields"] = covered
	delete(m, "iac")
	delete(m, "subaccount_authorization")
	return sha256Digest(string(d.b.value("authorized", m)))
}

// authorizes changes a claim of the authorization.
func authorizes(name string, value any) func(*drawing) {
	return func(d *drawing) { set(d.claims, name, value) }
}

// groupSubAccount: payments from sub-accounts (SPEC.md 6.7).
func groupSubAccount(b *builder) {
	rule := ids("PSD-AGT-SUB-04", "PSD-PAY-DEL-08")
	output := obj{"subaccount_id": "sub-1", "payee": shopDID, "amount": "48.50"}
	ok := b.valid(spec{id: "subaccount/pay/001", title: "The key of a sub-account authorizes one transmission of one payment.", requirements: ids("PSD-AGT-SUB-04", "PSD-PAY-DEL-08", "PSD-PAY-AUP-04"),
		operation: "subaccount.authorize", input: b.drawing(), output: output})
	no := func(id, title string, code protocol.Code, requirements []string, changes ...func(*drawing)) {
		b.invalid(ok, spec{id: "subaccount/pay/" + id, title: title, code: code, requirements: requirements}, func(in obj) {
			clear(in)
			maps.Copy(in, b.drawing(changes...))
		})
	}
	invalidKey := ids("PSD-AGT-SUB-04", "PSD-AGT-SUB-05")
	no("010", "Another key than the registered one authorizes nothing, whatever the agent's document says.", protocol.CodeSubAccountKey, invalidKey, func(d *drawing) { d.key = jwk(b.signer(buyerDID+"#sub2", keys.SubAccount, keys.EdDSA)) })
	no("011", "Another algorithm than that of the registered key authorizes nothing.", protocol.CodeSubAccountKey, invalidKey, func(d *drawing) { d.key = jwk(b.signer(subaccountKey, keys.SubAccount, keys.ES256)) })
	no("012", "An authorization that was changed after signing is found.", protocol.CodeSubAccountKey, invalidKey, func(d *drawing) {
		d.spoil = part(1, func(s string) string { return s[:len(s)-1] + " }" })
	})
	no("013", "The agent's own key does not authorize for the sub-account.", protocol.CodeKeyPurpose, rule, func(d *drawing) {
		d.sub, d.key = d.signer, jwk(d.signer)
		d.header = headerOf(d.sub, keys.TypeSubAccountAuth)
	})
	no("014", "Nor under another name.", protocol.CodeSubAccountKey, invalidKey, func(d *drawing) {
		d.sub = keyNamed(b, agentKey, subaccountKey, keys.SubAccount)
		d.key = jwk(d.sub)
	})
	no("020", "An authorization of another agent is not this one's.", protocol.CodeAgentMismatch, rule, authorizes("iss", otherDID), func(d *drawing) {
		d.sub = b.signer(otherDID+"#sub1", keys.SubAccount, keys.EdDSA)
		d.header, d.key = headerOf(d.sub, keys.TypeSubAccountAuth), jwk(d.sub)
	})
	no("021", "An authorization of another sub-account is not for this one.", protocol.CodeClaimsConflict, rule, authorizes("sub", "sub-2"))
	no("022", "An authorization for another provider is of no use here.", protocol.CodeAudienceMismatch, rule, authorizes("aud", psp2DID))
	no("023", "The key that signs lies under the agent that it names.", protocol.CodeClaimsConflict, rule, authorizes("iss", otherDID))
	for i, c := range []struct {
		title string
		after edit
	}{
		{"An authorization is for one amount.", member("amount", "48.5")},
		{"An authorization is for one transmission: another nonce is another one.", member("nonce", nonce("again"))},
		{"An authorization is for one transmission: another time is another one.", member("timestamp", utc(now.Add(-time.Second)))},
		{"An authorization is for one request.", member("request_id", "pay-2")},
		{"An authorization is for one request key.", func(l *letter) {
			l.signer = keyNamed(b, agentKey, buyerDID+"#k9", keys.AgentRequest)
			l.documents[buyerDID] = document(buyerDID, entry(l.signer))
		}},
	} {
		no(three(i+30), c.title, protocol.CodeClaimsConflict, rule, func(d *drawing) { d.after = []edit{c.after} })
	}
	no("036", "An authorization names the digest of its request.", protocol.CodeFieldMissing, rule, func(d *drawing) { d.claims["request_digest"] = "" })
	no("040", "From its end on an authorization is over.", protocol.CodeRequestExpired, rule, authorizes("iat", ago(5*time.Minute)), authorizes("exp", numericDate(now)))
	no("041", "An authorization of the future is not made yet.", protocol.CodeRequestExpired, rule, authorizes("iat", numericDate(now.Add(61*time.Second))), authorizes("exp", numericDate(now.Add(2*time.Minute))))
	no("042", "An authorization lives five minutes at most.", protocol.CodeFieldInvalid, rule, authorizes("exp", numericDate(now.Add(301*time.Second))))
	no("043", "An authorization begins before it ends.", protocol.CodeFieldInvalid, rule, authorizes("exp", numericDate(now)))
	for i, name := range []string{"iss", "sub", "aud", "jti", "iat", "exp"} {
		no(three(i+50), "An authorization without "+name+" says too little.", protocol.CodeFieldMissing, rule, authorizes(name, nil))
	}
	no("056", "An authorization is closed.", protocol.CodeFieldUnknown, rule, authorizes("amount", "48.50"))
	no("057", "A token of another kind authorizes nothing.", protocol.CodeTypeMismatch, rule, func(d *drawing) { d.header["typ"] = keys.TypeSubAccountKey })
	no("058", "A sub-account widens nothing: the mandate is judged as ever.", protocol.CodeSingleLimitExceeded, ids("PSD-PAY-DEL-08"), func(d *drawing) {
		under(subject("ext.commerce.max_single_amount", 48))(d.letter)
	})
	b.invalid(ok, spec{id: "subaccount/pay/059", title: "A revoked mandate draws from no sub-account.", code: protocol.CodeMandateRevoked, requirements: ids("PSD-PAY-DEL-08")}, func(in obj) {
		clear(in)
		maps.Copy(in, b.drawing(func(d *drawing) { under(statusOf(map[int]byte{3: 1}))(d.letter) }))
	})
}

// groupPrincipal: a binding shown with a payment (SPEC.md 9.1, PSD-PAY-DEL-09).
func groupPrincipal(b *builder) {
	rule := ids("PSD-PAY-DEL-09")
	at := func(c *card) { c.binding["aud"] = pspDID }
	input := func(pay []change, changes ...func(*card)) obj {
		l := b.payRequest("DEL", pay...)
		payment := obj{"message": l.text(), "documents": l.documents}
		maps.Copy(payment, l.more)
		c := b.card(keys.EdDSA, append([]func(*card){platform, at}, changes...)...)
		return obj{"payment": payment, "shown": c.input(), "binding": b.token(c.binder, b.textOf("header", c.bindingHeader), b.textOf("binding", c.binding))}
	}
	ok := b.valid(spec{id: "principal/pay/001", title: "A platform agent pays for the principal that it is bound to.", requirements: rule, operation: "payment.principal.verify", input: input(nil), output: obj{"agent_id": buyerDID, "principal": annDID}})
	no := func(id, title string, code protocol.Code, pay []change, changes ...func(*card)) {
		b.invalid(ok, spec{id: "principal/pay/" + id, title: title, code: code}, func(in obj) {
			clear(in)
			maps.Copy(in, input(pay, changes...))
		})
	}
	bound := func(name string, value any) func(*card) { return func(c *card) { set(c.binding, name, value) } }
	no("002", "One principal's binding does not serve a payment of another's.", protocol.CodePrincipalMismatch, nil, bound("principal", bobDID))
	bobs := []change{subject("delegator_identity", bobDID), func(g *grant) { g.issuers = list{obj{"issuer": bankDID, "delegator": bobDID}} }}
	no("003", "A payment under another principal's mandate is not served by this binding.", protocol.CodePrincipalMismatch, bobs)
	no("004", "A binding for another recipient is of no use here.", protocol.CodeAudienceMismatch, nil, bound("aud", psp2DID))
	no("005", "A binding of another agent is not this one's.", protocol.CodeAgentMismatch, nil, bound("sub", otherDID))
	no("006", "A binding of another key is not the one that signed.", protocol.CodeAgentMismatch, nil, bound("cnf.jkt", b.seller().Public().Thumbprint()))
	no("007", "A binding that is over binds nobody.", protocol.CodeRequestExpired, nil, bound("iat", ago(10*time.Minute)), bound("exp", numericDate(now)))
	other := b.signer(otherDID+"#k1", keys.AgentRequest, keys.EdDSA)
	no("008", "The credential and binding of one agent do not serve the payment of another.", protocol.CodeAgentMismatch, nil, func(c *card) {
		for path, value := range map[string]any{"sub": otherDID, "cnf.jwk": jwk(other), "vc.credentialSubject.agent_id": otherDID} {
			set(c.claims, path, value)
		}
		c.agent, c.answerer, c.holder = otherDID, other, other
		c.answer["iss"], c.answerHeader["kid"] = otherDID, other.KeyID()
		c.binding["sub"], c.binding["cnf"] = otherDID, obj{"jkt": other.Public().Thumbprint()}
	})
	second := b.signer(buyerDID+"#k2", keys.AgentRequest, keys.EdDSA)
	no("010", "The credential and binding of another key of the agent do not serve this payment.", protocol.CodeAgentMismatch, nil, func(c *card) {
		set(c.claims, "cnf.jwk", jwk(second))
		c.answerer, c.holder = second, second
		c.answerHeader["kid"], c.binding["cnf"] = second.KeyID(), obj{"jkt": second.Public().Thumbprint()}
	})
	twin := keyNamed(b, agentKey, otherDID+"#k1", keys.AgentRequest)
	no("011", "Nor do those of another agent that has the same key.", protocol.CodeAgentMismatch, nil, func(c *card) {
		for path, value := range map[string]any{"sub": otherDID, "vc.credentialSubject.agent_id": otherDID} {
			set(c.claims, path, value)
		}
		c.agent, c.answerer, c.binding["sub"] = otherDID, twin, otherDID
		c.answer["iss"], c.answerHeader["kid"] = otherDID, twin.KeyID()
	})
	earlier := b.also(ok, spec{id: "principal/pay/012", title: "A binding may have been accepted before the payment came."}, func(in obj) { in["principal"], in["audience"] = annDID, pspDID })
	accepted := func(id, title string, code protocol.Code, name, claim, value string) {
		b.invalid(earlier, spec{id: "principal/pay/" + id, title: title, code: code}, func(in obj) {
			in["binding"] = input(nil, bound(claim, value))["binding"]
			in[name] = value
		})
	}
	accepted("013", "For another principal it does not serve the payment.", protocol.CodePrincipalMismatch, "principal", "principal", bobDID)
	accepted("014", "By another recipient neither.", protocol.CodeAudienceMismatch, "audience", "aud", psp2DID)
	no("009", "A dedicated agent is bound by its credential, and not by a binding.", protocol.CodePrincipalMismatch, nil, is("agent_type", "DEDICATED"), is("principal", pseudonymous))
}
