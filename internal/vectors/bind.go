package vectors

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// tokenTerms are what is asked for: a payment token with every limit there is.
func tokenTerms(changes ...any) obj {
	return changed(obj{"instrument": "PAYMENT_TOKEN", "currency": "CNY", "valid_from": utc(now), "valid_until": utc(now.Add(24 * time.Hour)), "ceiling": "500.00", "merchants": list{shopDID, shop2DID}}, changes)
}

// subTerms are those of a sub-account.
func subTerms(changes ...any) obj {
	return changed(obj{"instrument": "SUB_ACCOUNT", "currency": "CNY", "balance_limit": "1000.00", "single_limit": "50.00", "total_limit": "800.00", "task_limit": "200.00", "period_limit": "300.00", "period_seconds": 86400}, changes)
}

// bindRequest asks for a payment token.
func (b *builder) bindRequest() *letter {
	return b.question(keys.KindBindingRequest, b.buyer(), obj{"buyer_agent_id": buyerDID, "principal_id": annDID, "terms": tokenTerms()})
}

// word is what the key of a sub-account says to a binding request.
type word struct {
	sub    *keys.Signer
	claims obj
	header obj
}

// opens makes a binding request one for a sub-account, with the word of its key.
func opens(changes ...func(*letter, *word)) edit {
	return func(l *letter) {
		b := l.b
		w := &word{sub: b.signer(subaccountKey, keys.SubAccount, keys.EdDSA), claims: obj{
			"iss": buyerDID, "aud": pspDID, "jti": "word-1", "iat": numericDate(now), "exp": numericDate(now.Add(5 * time.Minute)),
		}}
		l.members["terms"], l.members["subaccount_key"] = subTerms(), jwk(w.sub)
		w.header = headerOf(w.sub, keys.TypeSubAccountKey)
		for _, c := range changes {
			c(l, w)
		}
		if _, given := w.claims["request_digest"]; !given {
			w.claims["request_digest"] = digestWithout(l, "subaccount_key_proof")
		}
		l.members["subaccount_key_proof"] = b.token(w.sub, b.textOf("header", w.header), b.textOf("word", w.claims))
	}
}

// digestWithout is the digest of a letter as it will be signed, without members
// that are yet to be made, and without the signature.
func digestWithout(l *letter, names ...string) string {
	m := maps.Clone(l.members)
	m["signer_id"], m["signature_type"], m["signature_covered_fields"] = l.signer.KeyID(), "ED25519", ""
	for _, name := range names {
		m[name] = ""
	}
	covered := list{}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		covered = append(covered, name)
	}
	m["signature_covered_fields"] = covered
	for _, name := range names {
		delete(m, name)
	}
	return sha256Digest(string(l.b.value("digested", m)))
}

// groupBind: binding requests and their answers (SPEC.md 6.11).
func groupBind(b *builder) {
	p := &post{b: b, group: "bind/request", operation: "binding_request.verify", output: obj{"key_id": agentKey}, rule: ids("PSD-PMT-BND-02", "PSD-PMT-BND-03"), letter: b.bindRequest}
	p.first("An agent asks for a payment token, with the limits that the principal will be shown.")
	p.lacking(10, "request_id", "nonce", "timestamp", "psp_id", "buyer_agent_id", "principal_id", "terms")
	p.yes("020", "A limit that is absent is none.", nil, nil, member("terms", obj{"instrument": "PAYMENT_TOKEN", "currency": "CNY", "valid_until": utc(now.Add(24 * time.Hour))}))
	for i, c := range []struct {
		title string
		code  protocol.Code
		terms obj
	}{
		{"There are two instruments.", protocol.CodeFieldInvalid, tokenTerms("instrument", "CASH")},
		{"A token has an end.", protocol.CodeFieldMissing, tokenTerms("valid_until", nil)},
		{"A period begins before it ends.", protocol.CodeFieldInvalid, tokenTerms("valid_until", utc(now))},
		{"Times of a period have whole seconds.", protocol.CodeFieldInvalid, tokenTerms("valid_until", "2026-11-02T10:00:00.5Z")},
		{"A ceiling is above zero.", protocol.CodeFieldInvalid, tokenTerms("ceiling", "0.00")},
		{"A list of merchants is not empty.", protocol.CodeFieldInvalid, tokenTerms("merchants", list{})},
		{"A merchant stands once.", protocol.CodeFieldInvalid, tokenTerms("merchants", list{shopDID, shopDID})},
		{"A limit of sub-accounts is none of a token.", protocol.CodeFieldInvalid, tokenTerms("single_limit", "50.00")},
		{"Terms are closed.", protocol.CodeFieldUnknown, tokenTerms("fee", "1.00")},
		{"Terms name their currency.", protocol.CodeFieldMissing, tokenTerms("currency", nil)},
	} {
		p.no(three(i+21), c.title, c.code, nil, member("terms", c.terms))
	}
	p.no("031", "A token has no key of its own.", protocol.CodeFieldInvalid, nil, member("subaccount_key", jwk(b.signer(subaccountKey, keys.SubAccount, keys.EdDSA))))
	for i, c := range []struct {
		title string
		terms obj
	}{
		{"A token has no limit of a time that returns.", tokenTerms("period_seconds", 86400)},
		{"A beginning has whole seconds.", tokenTerms("valid_from", "2026-11-01T10:00:00.5Z")},
		{"More than 64 merchants are not asked for.", tokenTerms("merchants", manyShops(65))},
		{"A merchant is named by a DID.", tokenTerms("merchants", list{"shop.example"})},
	} {
		p.no(three(i+32), c.title, protocol.CodeFieldInvalid, nil, member("terms", c.terms))
	}
	p.yes("036", "64 merchants are.", nil, nil, member("terms", tokenTerms("merchants", manyShops(64))))
	p.envelope("buyer_agent_id", keys.Seller)
	compareCases(p, keys.KindBindingRequest, member("terms.ceiling", "500.0"))
	openCases(b)
	bindAnswers(b)
}

// manyShops are so many merchants, no two equal.
func manyShops(n int) list {
	out := list{}
	for i := range n {
		out = append(out, "did:act:shop.example/n"+strconv.Itoa(i))
	}
	return out
}

// openCases: requests for a sub-account (PSD-AGT-SUB-01).
func openCases(b *builder) {
	p := &post{b: b, group: "bind/open", operation: "binding_request.verify", output: obj{"key_id": agentKey}, rule: ids("PSD-AGT-SUB-01"), letter: func() *letter {
		l := b.bindRequest()
		opens()(l)
		return l
	}}
	p.first("An agent asks for a sub-account with a key of its own, which agrees.")
	change := func(f func(l *letter, w *word)) edit { return opens(f) }
	claim := func(name string, value any) edit {
		return change(func(_ *letter, w *word) { set(w.claims, name, value) })
	}
	terms := func(changes ...any) edit {
		return change(func(l *letter, _ *word) { l.members["terms"] = subTerms(changes...) })
	}
	p.no("002", "A sub-account has a key.", protocol.CodeFieldMissing, nil, member("subaccount_key", nil))
	p.no("003", "The key of a sub-account agrees.", protocol.CodeFieldMissing, nil, member("subaccount_key_proof", nil))
	p.no("004", "A key that did not sign did not agree: it may be somebody else's.", protocol.CodeSubAccountKey, nil, change(func(l *letter, _ *word) {
		l.members["subaccount_key"] = jwk(b.signer(otherDID+"#sub1", keys.SubAccount, keys.EdDSA))
	}))
	p.no("005", "The key of requests is not the key of the sub-account.", protocol.CodeKeyPurpose, nil, change(func(l *letter, w *word) {
		w.sub = keyNamed(b, agentKey, subaccountKey, keys.SubAccount)
		l.members["subaccount_key"] = jwk(w.sub)
	}))
	p.no("006", "The word of another agent's key is not this one's.", protocol.CodeAgentMismatch, nil, change(func(l *letter, w *word) {
		w.sub = b.signer(otherDID+"#sub1", keys.SubAccount, keys.EdDSA)
		w.header, w.claims["iss"], l.members["subaccount_key"] = headerOf(w.sub, keys.TypeSubAccountKey), otherDID, jwk(w.sub)
	}))
	p.no("007", "A word for another provider is none here.", protocol.CodeAudienceMismatch, nil, claim("aud", psp2DID))
	p.no("008", "A word to another request is none to this.", protocol.CodeClaimsConflict, nil, claim("request_digest", sha256Digest("other")))
	p.no("009", "A word that is over is none.", protocol.CodeRequestExpired, nil, change(func(_ *letter, w *word) { w.claims["iat"], w.claims["exp"] = ago(time.Minute), numericDate(now) }))
	p.no("010", "A word of another kind is none.", protocol.CodeTypeMismatch, nil, change(func(_ *letter, w *word) { w.header["typ"] = keys.TypeSubAccountAuth }))
	p.no("011", "A word lives five minutes at most.", protocol.CodeFieldInvalid, nil, claim("exp", numericDate(now.Add(301*time.Second))))
	p.no("060", "The name of the key of requests is not that of the key of the sub-account.", protocol.CodeKeyPurpose, nil, change(func(_ *letter, w *word) { w.header["kid"] = agentKey }))
	ahead := func(seconds int) edit {
		return change(func(_ *letter, w *word) {
			w.claims["iat"], w.claims["exp"] = numericDate(now.Add(time.Duration(seconds)*time.Second)), numericDate(now.Add(2*time.Minute))
		})
	}
	p.no("061", "A word of the future is refused.", protocol.CodeRequestExpired, nil, ahead(61))
	p.yes("062", "A minute between two clocks is borne.", nil, nil, ahead(60))
	limits := ids("PSD-AGT-SUB-06", "PSD-AGT-SUB-01")
	p.yes("012", "A sub-account may have no limit.", nil, limits, change(func(l *letter, _ *word) { l.members["terms"] = obj{"instrument": "SUB_ACCOUNT", "currency": "CNY"} }))
	p.no("013", "A limit of a period has its period.", protocol.CodeFieldInvalid, limits, terms("period_seconds", nil))
	p.no("014", "A period has its limit.", protocol.CodeFieldInvalid, limits, terms("period_limit", nil))
	p.no("015", "A period is at most a leap year.", protocol.CodeFieldInvalid, limits, terms("period_seconds", 31622401))
	p.no("016", "A limit of tokens is none of a sub-account.", protocol.CodeFieldInvalid, limits, terms("ceiling", "500.00"))
	p.no("017", "A limit is above zero.", protocol.CodeFieldInvalid, limits, terms("single_limit", "0.00"))
	p.no("018", "Merchants are a limit of tokens.", protocol.CodeFieldInvalid, limits, terms("merchants", list{shopDID}))
	p.no("019", "Who speaks by the key is named by a DID.", protocol.CodeFieldInvalid, nil, claim("iss", "buyer"))
	p.no("020", "Whom the word is for is named by a DID.", protocol.CodeFieldInvalid, nil, claim("aud", "psp"))
	p.no("021", "An id of a word has no spaces.", protocol.CodeFieldInvalid, nil, claim("jti", "word 1"))
	p.no("022", "A word is closed.", protocol.CodeFieldUnknown, nil, claim("note", "x"))
	for i, name := range []string{"iss", "aud", "jti", "iat", "exp"} {
		p.no(three(i+23), "A word without "+name+" says too little.", protocol.CodeFieldMissing, nil, claim(name, nil))
	}
}

// bindAnswers: what the provider answers.
func bindAnswers(b *builder) {
	p := &post{b: b, group: "bind/pending", operation: "binding_pending.verify", output: obj{"key_id": proofKey}, rule: ids("PSD-PMT-BND-02"), letter: func() *letter {
		return b.reply(keys.KindBindingPending, b.bindRequest(), obj{"buyer_agent_id": buyerDID, "binding_url": "https://psp.example/bind/51c0", "expires_at": utc(now.Add(10 * time.Minute))})
	}}
	p.first("A provider says where the principal decides, and until when.")
	p.lacking(10, "request_id", "buyer_agent_id", "binding_url", "expires_at")
	p.no("020", "A word about another request is none about this.", protocol.CodeRequestConflict, nil, member("request_id", "ask-2"))
	p.no("021", "A word to another agent is none to this.", protocol.CodeAgentMismatch, nil, member("buyer_agent_id", otherDID))
	p.no("022", "When the time is over nobody is sent there.", protocol.CodeRequestExpired, nil, member("expires_at", utc(now)))
	p.no("023", "The principal is not sent where anybody listens.", protocol.CodeFieldInvalid, nil, member("binding_url", "http://psp.example/bind"))
	p.answering()
	result := func(sent *letter, terms obj) *letter {
		return b.reply(keys.KindBindingResult, sent, obj{"buyer_agent_id": buyerDID, "principal_id": annDID, "terms": terms, "payment_token": walletID, "bound_at": utc(now)})
	}
	r := &post{b: b, group: "bind/result", operation: "binding_result.verify", output: obj{"key_id": proofKey}, rule: ids("PSD-PMT-BND-03"), letter: func() *letter { return result(b.bindRequest(), tokenTerms()) }}
	r.first("A provider says what was bound, and under which name.")
	r.lacking(10, "request_id", "buyer_agent_id", "principal_id", "terms", "payment_token", "bound_at")
	r.yes("020", "A principal may grant less.", nil, nil, member("terms", tokenTerms("ceiling", "100.00", "merchants", list{shopDID}, "valid_until", utc(now.Add(time.Hour)))))
	for i, c := range []struct {
		title string
		terms obj
	}{
		{"A higher ceiling was not asked for.", tokenTerms("ceiling", "500.01")},
		{"No ceiling was not asked for.", tokenTerms("ceiling", nil)},
		{"A longer period was not asked for.", tokenTerms("valid_until", utc(now.Add(25*time.Hour)))},
		{"An earlier period was not asked for.", tokenTerms("valid_from", utc(now.Add(-time.Hour)))},
		{"Another merchant was not asked for.", tokenTerms("merchants", list{shopDID, "did:act:shop.example/books"})},
		{"Any merchant was not asked for.", tokenTerms("merchants", nil)},
		{"Another currency was not asked for.", tokenTerms("currency", "USD")},
	} {
		r.no(three(i+21), c.title, protocol.CodeConstraintConflict, ids("PSD-PMT-BND-02", "PSD-PMT-BND-03"), member("terms", c.terms))
	}
	r.no("030", "An answer to another request is none to this.", protocol.CodeRequestConflict, nil, member("request_id", "ask-2"))
	r.no("031", "A token of another agent is none of this.", protocol.CodeAgentMismatch, nil, member("buyer_agent_id", otherDID))
	r.no("032", "A token of another principal's account was not asked for.", protocol.CodePrincipalMismatch, nil, member("principal_id", bobDID))
	r.no("033", "What is bound tomorrow is not bound.", protocol.CodeRequestExpired, nil, member("bound_at", utc(now.Add(time.Hour))))
	r.no("034", "An answer never tells the account behind.", protocol.CodeFieldUnknown, ids("PSD-PMT-BND-01"), member("account", "62-0001"))
	r.no("035", "What was asked for as a token is no sub-account.", protocol.CodeFieldInvalid, nil, member("subaccount_id", "sub-1"))
	r.no("036", "What was granted as a token is told as one.", protocol.CodeFieldInvalid, nil, member("payment_token", nil), member("subaccount_id", "sub-1"))
	r.no("037", "What was granted says when it begins.", protocol.CodeFieldMissing, nil, member("terms", tokenTerms("valid_from", nil)))
	r.answering()
	plainAnswers(b, result)
	sub := func() *letter {
		l := b.bindRequest()
		opens()(l)
		return l
	}
	s := &post{b: b, group: "bind/opened", operation: "binding_result.verify", output: obj{"key_id": proofKey}, rule: ids("PSD-AGT-SUB-01"), letter: func() *letter {
		l := result(sub(), subTerms())
		delete(l.members, "payment_token")
		l.members["subaccount_id"] = "sub-1"
		return l
	}}
	s.first("A sub-account was opened.")
	s.no("002", "The same limit over a shorter time is a wider one.", protocol.CodeConstraintConflict, ids("PSD-AGT-SUB-06"), member("terms", subTerms("period_seconds", 3600)))
	s.yes("003", "The same limit over a longer time is a narrower one.", nil, ids("PSD-AGT-SUB-06"), member("terms", subTerms("period_seconds", 172800)))
	s.no("004", "A higher single limit was not asked for.", protocol.CodeConstraintConflict, ids("PSD-AGT-SUB-06"), member("terms", subTerms("single_limit", "50.01")))
	s.no("005", "What was granted as a sub-account is told as one.", protocol.CodeFieldInvalid, nil, member("subaccount_id", nil), member("payment_token", walletID))
}

// plainAnswers: answers to a request that asked for a token without limits, so
// that nothing but instrument and currency can be wider.
func plainAnswers(b *builder, result func(sent *letter, terms obj) *letter) {
	end := utc(now.Add(24 * time.Hour))
	granted := obj{"instrument": "PAYMENT_TOKEN", "currency": "CNY", "valid_from": utc(now), "valid_until": end}
	p := &post{b: b, group: "bind/plain", operation: "binding_result.verify", output: obj{"key_id": proofKey}, rule: ids("PSD-PMT-BND-02", "PSD-PMT-BND-03"), letter: func() *letter {
		q := b.bindRequest()
		q.members["terms"] = obj{"instrument": "PAYMENT_TOKEN", "currency": "CNY", "valid_until": end}
		return result(q, granted)
	}}
	p.first("What was asked for without limits may be granted without.")
	p.no("002", "Another instrument was not asked for.", protocol.CodeConstraintConflict, nil, member("terms", obj{"instrument": "SUB_ACCOUNT", "currency": "CNY"}), member("payment_token", nil), member("subaccount_id", "sub-1"))
	p.no("003", "Another currency was not asked for, without any amount neither.", protocol.CodeConstraintConflict, nil, member("terms", changed(maps.Clone(granted), []any{"currency", "USD"})))
}
