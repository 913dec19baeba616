package vectors

import (
	"slices"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// allowPartly are the paths that are withheld of a PSP's view.
var allowPartly = list{"allowed_payment_methods", "ext.commerce.allowed_categories", "ext.commerce.allowed_merchants"}

var behaviors = list{
	"ext.agent_behavior.max_retry_count", "ext.agent_behavior.on_payment_failure",
	"ext.agent_behavior.price_deviation_action", "ext.agent_behavior.price_deviation_tolerance",
}

// pspWithheld are the constraints that a PSP does not see, or not wholly.
func pspWithheld() list {
	return slices.Concat(list{"allowed_payment_methods"}, behaviors, list{"ext.commerce.allowed_categories", "ext.commerce.allowed_merchants"})
}

// groupSelective: mandates as SD-JWT VC, and what is shown of them (SPEC.md
// 8.1, 8.2).
func groupSelective(b *builder) {
	all := obj{"withheld": allowPartly}
	f := b.family("selective/view/001", "A mandate of which everything is shown still has digests of nothing in its lists: a reader does not know that it has all.", keys.EdDSA,
		ids("ADD-IAC-ISS-14", "PRV-01"), all, selective)
	f.with("selective/view/002", "A PSP is shown what it judges, and of lists the entries that the purchase needs.", ids("PRV-01"), obj{"withheld": pspWithheld()}, showing(pspView...))
	merchant := obj{"withheld": list{
		"allowed_payment_methods", "currency", "delegation_mode", "delegator_identity",
		"ext.agent_behavior.max_retry_count", "ext.agent_behavior.on_payment_failure",
		"ext.agent_behavior.price_deviation_action", "ext.agent_behavior.price_deviation_tolerance",
		"ext.commerce.allowed_categories", "ext.commerce.allowed_merchants", "ext.commerce.forbidden_categories",
		"ext.commerce.forbidden_merchants", "ext.commerce.max_single_amount", "ext.commerce.min_single_amount",
		"ext.fulfillment.delivery_time_requirement", "max_total_amount",
	}, "delegator_identity": nil, "currency": nil, "delegation_mode": nil, "max_total_amount": nil}
	anybody := func(g *grant) { g.issuers = list{obj{"issuer": bankDID, "delegator": ""}} }
	f.with("selective/view/003", "A merchant is shown an address, and trusts the issuer whoever its principals are.", ids("PRV-01"), merchant,
		showing("ext/fulfillment/delivery_address"), anybody, toShop)
	f.with("selective/view/004", "Nothing has to be shown that is not always visible.", ids("PRV-01"), merchant, showing(), anybody)
	f.not("selective/view/005", "A delegator that is withheld is nobody whom the issuer is trusted for.", protocol.CodeIssuerUntrusted, ids("ADD-IAC-ISS-10", "PRV-01"), without("delegator_identity"))
	f.with("selective/view/006", "A list of which no entry is shown counts as withheld.", ids("PRV-01"), all, without("allowed_payment_methods/0", "allowed_payment_methods/1"))
	f.with("selective/view/007", "Disclosures stand in any order.", ids("PRV-01"), all, shows(func(p *presentation) {
		p.order = func(d []string) []string { slices.Reverse(d); return d }
	}))
	f.with("selective/view/008", "What may be hidden may stand in clear as well.", ids("PRV-01"), all, shows(func(p *presentation) {
		p.hide = slices.DeleteFunc(p.hide, func(s string) bool {
			return strings.HasSuffix(s, "max_total_amount") || strings.HasSuffix(s, "forbidden_merchants")
		})
	}))
	f.with("selective/view/009", "A list without digests left is shown whole.", ids("PRV-01"), obj{"withheld": list{"ext.commerce.allowed_categories", "ext.commerce.allowed_merchants"}},
		shows(func(p *presentation) { delete(p.decoys, "/authorization/allowed_payment_methods") }))
	f.with("selective/view/010", "Without _sd_alg the digests are by SHA-256.", ids("PRV-01"), all, payloadWith(func(p obj) { delete(p, "_sd_alg") }))
	es := b.family("selective/view/011", "ES256 serves for both signatures.", keys.ES256, ids("ADD-IAC-ISS-14", "PRV-01"), all, selective)
	es.not("selective/view/012", "A key binding by the issuer's key is not by the holder's.", protocol.CodeSignatureInvalid, ids("PRV-01"),
		func(g *grant) { g.show.bindingSigner = g.signer })
	f.with("selective/view/013", "Evidence of control may be hidden.", ids("PRV-01", "ADD-IAC-ISS-13"), all, claim("control_proof_ref", "https://evidence.example/1"),
		shows(func(p *presentation) { p.hide = append(p.hide, "/control_proof_ref") }))
	f.not("selective/view/014", "An unknown payload member is unknown in this form too.", protocol.CodeConstraintUnknown, ids("ADD-IAC-ISS-07"), granted("max_daily_amount", 5))
	f.not("selective/view/015", "A member that is not known stays so when it was hidden and is shown.", protocol.CodeConstraintUnknown, ids("ADD-IAC-ISS-07"),
		granted("max_daily_amount", 5), shows(func(p *presentation) { p.hide = append(p.hide, "/authorization/max_daily_amount") }))
	selectiveForm(b)
	selectivePlaces(f)
	selectiveManifest(f)
	selectiveBinding(b, f)
}

// toShop presents it to the shop.
func toShop(g *grant) {
	g.show.binding["aud"] = shopDID
	g.presented = obj{"audience": shopDID, "nonce": occasion}
}

// selectiveForm: the strict form (RFC 9901, 7.1), without key binding.
func selectiveForm(b *builder) {
	f := b.family("selective/form/001", "What the issuer gives the agent ends in a tilde and has all disclosures.", keys.EdDSA, ids("PRV-01", "ADD-IAC-ISS-14"), obj{"withheld": allowPartly}, selective, alone)
	malformed := func(id, title string, changes ...change) {
		f.not("selective/form/"+id, title, protocol.CodeMalformed, ids("PRV-01"), changes...)
	}
	salt := nonce("another salt")
	malformed("002", "A disclosure that stands twice is refused.", shows(func(p *presentation) { p.order = func(d []string) []string { return append(d, d[0]) } }))
	malformed("003", "A disclosure that no digest is of was not signed by the issuer.", shows(func(p *presentation) {
		p.extra = append(p.extra, canon.EncodeBase64([]byte(`["`+salt+`","max_total_amount",1000000]`)))
	}))
	malformed("004", "A digest that occurs twice is refused.", payloadWith(func(p obj) {
		a := p["authorization"].(obj)
		a["_sd"] = append(a["_sd"].(list), a["_sd"].(list)[0])
	}))
	malformed("005", "A digest that occurs in two places is refused.", payloadWith(func(p obj) {
		a := p["authorization"].(obj)
		e := a["ext"].(obj)
		e["_sd"] = append(e["_sd"].(list), a["_sd"].(list)[0])
	}))
	malformed("006", "A disclosed member that stands in clear already is refused, or it would replace it.", granted("agent_id", buyerDID), swap(`["`+salt+`","agent_id","`+otherDID+`"]`))
	malformed("007", "An element of an array is no member of an object.", swap(`["`+salt+`",200]`))
	malformed("008", "A disclosure of four elements is none.", swap(`["`+salt+`","max_total_amount",200,1]`))
	malformed("009", "A salt of less than 128 bits lets others guess the value.", swap(`["AAAAAAAAAAAAAAAAAAAAA","max_total_amount",200]`))
	malformed("010", "A disclosure is strict JSON: a member that stands twice refuses it.", swap(`["`+salt+`","max_total_amount",{"a":1,"a":2}]`))
	malformed("011", "A reserved name is nobody's member.", swap(`["`+salt+`","_sd",[]]`))
	malformed("012", "The name of a placeholder is reserved.", swap(`["`+salt+`","...","x"]`))
	malformed("013", "The algorithm of digests is named at the top and nowhere else.", payloadWith(func(p obj) { p["authorization"].(obj)["_sd_alg"] = "sha-256" }))
	malformed("014", "A digest is of 43 characters.", payloadWith(func(p obj) { p["_sd"] = list{"AAAA"} }))
	malformed("015", "A disclosure is base64url without padding.", shows(func(p *presentation) { p.order = func(d []string) []string { d[0] += "="; return d } }))
	malformed("016", "An empty disclosure is none.", finish(func(t string) string { return t + "~" }))
	malformed("017", "Digests in an object are an array.", payloadWith(func(p obj) { p["_sd"] = digestOf("x") }))
	malformed("026", "A name of a member is a string.", swap(`["`+salt+`",7,200]`))
	malformed("027", "A disclosure of a salt alone is none.", swap(`["`+salt+`"]`))
	malformed("028", "A disclosure is an array.", swap(`{"salt":"`+salt+`"}`))
	malformed("029", "A salt is of the alphabet of base64url.", swap(`["AAAAAAAAAAAAAAAAAAAAA ","max_total_amount",200]`))
	malformed("041", "A line break inside of a disclosure is refused.", shows(func(p *presentation) {
		p.order = func(d []string) []string { d[0] = d[0][:10] + "\n" + d[0][10:]; return d }
	}))
	selectiveDigests(f, malformed)
	selectiveClaims(f)
}

// swap replaces the disclosure of the total by another, whose digest the issuer
// signs in its place.
func swap(text string) change {
	return func(g *grant) {
		_, before := g.show.conceal(g)
		i := slices.IndexFunc(before, func(d disclosure) bool { return strings.HasSuffix(d.path, "max_total_amount") })
		old, other := before[i].encoded, canon.EncodeBase64([]byte(text))
		g.show.signed = func(payload obj) {
			sd := payload["authorization"].(obj)["_sd"].(list)
			sd[slices.Index(sd, any(digestOf(old)))] = digestOf(other)
		}
		g.show.order = func(d []string) []string { d[slices.Index(d, old)] = other; return d }
	}
}

// selectiveDigests: placeholders, and digests of nothing.
func selectiveDigests(f *family, malformed func(id, title string, changes ...change)) {
	salt := nonce("another salt")
	malformed("023", "The name of a placeholder is nobody's member in clear either.", payloadWith(func(p obj) { p["authorization"].(obj)["..."] = digestOf("x") }))
	malformed("024", "A placeholder has nothing beside its digest.", payloadWith(func(p obj) {
		p["authorization"].(obj)["allowed_payment_methods"] = list{obj{"...": digestOf("x"), "a": 1}}
	}), shows(func(p *presentation) {
		p.hide = slices.DeleteFunc(p.hide, func(s string) bool { return strings.Contains(s, "allowed_payment_methods") })
	}))
	malformed("025", "A member of an object is no element of an array.", func(g *grant) {
		g.show.hide = slices.DeleteFunc(g.show.hide, func(s string) bool { return strings.Contains(s, "allowed_payment_methods") })
		other := canon.EncodeBase64([]byte(`["` + salt + `","a",1]`))
		g.show.extra = append(g.show.extra, other)
		g.show.signed = func(p obj) {
			p["authorization"].(obj)["allowed_payment_methods"] = list{walletURN, obj{"...": digestOf(other)}}
		}
	})
	malformed("042", "A digest of nothing that occurs twice is refused as well.", payloadWith(func(p obj) {
		a := p["authorization"].(obj)
		a["_sd"] = append(a["_sd"].(list), digestOf("nothing"), digestOf("nothing"))
	}))
}

// selectiveClaims: the claims of the second form, and limits.
func selectiveClaims(f *family) {
	f.not("selective/form/043", "Whatever follows the last tilde is a key binding, and nobody expects one here.", protocol.CodeFieldInvalid, ids("PRV-01"), finish(func(t string) string { return t + "x" }))
	f.not("selective/form/044", "A presentation has at most 64 KiB.", protocol.CodeTooLarge, ids("PRV-01"), granted("ext.vendor_private.note", strings.Repeat("a", 64<<10)))
	f.not("selective/form/045", "What is disclosed is nested no deeper than anything else.", protocol.CodeTooLarge, ids("PRV-01"),
		granted("ext.vendor_private.note", raw(strings.Repeat("[", 31)+strings.Repeat("]", 31))))
	f.not("selective/form/046", "The type of a credential is a string.", protocol.CodeFieldInvalid, ids("ADD-IAC-ISS-14"), claim("vct", list{"urn:act:vct:intent-authorization"}))
	f.not("selective/form/047", "A manifest is a list of names.", protocol.CodeFieldInvalid, ids("PRV-01"), claim("constraints", "max_total_amount"))
	f.with("selective/form/048", "A mandate without extensions is read in this form too.", ids("ADD-IAC-ISS-04", "PRV-01"), obj{"withheld": nil, "delegation_mode": "SPECIFIED", "currency": "CNY"},
		func(g *grant) {
			payload := g.claims["authorization"].(obj)
			for _, name := range []string{"ext", "allowed_payment_methods", "currency", "delegation_mode"} {
				delete(payload, name)
			}
			g.claims["constraints"] = list{"delegator_identity", "max_total_amount"}
		})
	f.with("selective/form/049", "A name with a solidus or a tilde inside of private members is a name.", ids("PRV-01", "ADD-INT-ICS-17"), obj{"withheld": allowPartly},
		granted("ext.vendor_private", obj{"a/b~c": obj{"_": list{obj{"d": "\\"}}}}))
	f.not("selective/form/018", "Digests by another hash function are refused.", protocol.CodeAlgorithmRefused, ids("PRV-01"), payloadWith(func(p obj) { p["_sd_alg"] = "sha-512" }))
	f.not("selective/form/019", "At most 256 disclosures are read.", protocol.CodeTooLarge, ids("PRV-01"), shows(func(p *presentation) {
		p.order = func(d []string) []string { return slices.Repeat(d[:1], 257) }
	}))
	f.not("selective/form/020", "The kind of token is that of the second form.", protocol.CodeTypeMismatch, ids("ADD-IAC-ISS-14"), head("typ", "vc+jwt"))
	f.not("selective/form/021", "The older name of this kind of token is another.", protocol.CodeTypeMismatch, ids("ADD-IAC-ISS-14"), head("typ", "vc+sd-jwt"))
	f.not("selective/form/022", "The type of the credential is not another.", protocol.CodeTypeMismatch, ids("ADD-IAC-ISS-14"), claim("vct", "urn:act:vct:agent-identity"))
	for i, name := range []string{"vct", "constraints", "authorization", "cnf", "aud", "authorization.intent_id", "authorization.delegation_id", "authorization.validity_end_time"} {
		f.not("selective/form/03"+string(rune('0'+i)), "A mandate of the second form without "+name+" says too little.", protocol.CodeFieldMissing, ids("ADD-IAC-ISS-14", "ADD-IAC-ISS-04"),
			claim(name, nil), dropDigests(name))
	}
	f.not("selective/form/040", "A payload with digests that was changed after signing is found.", protocol.CodeSignatureInvalid, ids("ADD-IAC-ISS-09"), finish(func(t string) string {
		jwt, rest, _ := strings.Cut(t, "~")
		return part(1, func(p string) string { return strings.Replace(p, `"iat":179`, `"iat":178`, 1) })(jwt) + "~" + rest
	}))
}

// dropDigests shows nothing when the payload itself was taken away.
func dropDigests(name string) change {
	return func(g *grant) {
		if name == "authorization" {
			g.show.hide, g.show.decoys = nil, nil
		}
	}
}

// selectivePlaces: where something may be hidden.
func selectivePlaces(f *family) {
	for i, path := range []string{"/aud", "/exp", "/cnf", "/status", "/constraints", "/authorization/agent_id", "/authorization/intent_id", "/authorization/validity_end_time", "/authorization/ext"} {
		f.not("selective/place/00"+string(rune('1'+i)), "What is always visible is not behind a digest: "+path[1:]+".", protocol.CodeFieldInvalid, ids("PRV-01"),
			shows(func(p *presentation) { p.hide = append(p.hide, path) }))
	}
	inside := func(id, title, path string) {
		f.not("selective/place/"+id, title, protocol.CodeFieldInvalid, ids("PRV-01"), shows(func(p *presentation) { p.hide = append(p.hide, path) }))
	}
	inside("010", "A forbidden list is shown whole or not at all: no entry of it is behind a digest.", "/authorization/ext/commerce/forbidden_categories/0")
	inside("011", "Nothing is hidden in a holder's key.", "/cnf/jwk/x")
	inside("012", "Nothing is hidden in a status reference.", "/status/status_list/idx")
	inside("013", "Nothing is hidden inside of private members.", "/authorization/ext/vendor_private/note")
	f.not("selective/place/014", "A forbidden list has no digests of nothing either: nobody could tell them from entries.", protocol.CodeFieldInvalid, ids("PRV-01"),
		shows(func(p *presentation) { p.decoys["/authorization/ext/commerce/forbidden_merchants"] = 1 }))
	f.not("selective/place/015", "The manifest has no digests.", protocol.CodeFieldInvalid, ids("PRV-01"), shows(func(p *presentation) { p.decoys["/constraints"] = 1 }))
}

// selectiveManifest: what is named, and what is shown.
func selectiveManifest(f *family) {
	f.not("selective/manifest/001", "A constraint that is shown and not named was hidden from others.", protocol.CodeClaimsConflict, ids("PRV-01"),
		func(g *grant) { g.claims["constraints"] = g.claims["constraints"].(list)[1:] })
	f.not("selective/manifest/002", "A name that is not known is a constraint that is not known, whatever else is shown.", protocol.CodeConstraintUnknown, ids("PRV-01", "ADD-IAC-ISS-07"),
		func(g *grant) { g.claims["constraints"] = append(g.claims["constraints"].(list), "zones") })
	f.not("selective/manifest/003", "The manifest is sorted.", protocol.CodeFieldInvalid, ids("PRV-01"), func(g *grant) { slices.Reverse(g.claims["constraints"].(list)) })
	f.not("selective/manifest/004", "The manifest has no name twice.", protocol.CodeFieldInvalid, ids("PRV-01"),
		func(g *grant) { g.claims["constraints"] = append(g.claims["constraints"].(list), "max_total_amount") })
	f.not("selective/manifest/005", "Every mandate has a total, and names it.", protocol.CodeFieldMissing, ids("PRV-01", "ADD-IAC-ISS-04"), without("max_total_amount"),
		func(g *grant) { g.claims["constraints"] = g.claims["constraints"].(list)[:15] })
	f.with("selective/manifest/006", "A constraint that is named and shown by nobody is withheld: it is no mode SPECIFIED.", ids("PRV-01", "ADD-IAC-ISS-05"),
		obj{"delegation_mode": nil, "withheld": list{"allowed_payment_methods", "delegation_mode", "ext.commerce.allowed_categories", "ext.commerce.allowed_merchants"}}, without("delegation_mode"))
	f.with("selective/manifest/007", "A currency that is withheld is not CNY.", ids("PRV-01", "ADD-IAC-ISS-05"),
		obj{"currency": nil, "withheld": list{"allowed_payment_methods", "currency", "ext.commerce.allowed_categories", "ext.commerce.allowed_merchants"}}, without("currency"))
	f.not("selective/manifest/009", "A manifest names the total, also when it is shown.", protocol.CodeFieldMissing, ids("PRV-01", "ADD-IAC-ISS-04"),
		func(g *grant) { g.claims["constraints"] = g.claims["constraints"].(list)[:15] })
	f.not("selective/manifest/010", "In this form the intent has its id, also beside the conversation.", protocol.CodeFieldMissing, ids("ADD-IAC-ISS-06", "PRV-01"), granted("intent_id", nil),
		granted("conversation_history", obj{"user_intent_raw": list{obj{"role": "user", "content": "coffee", "create_time": utc(grantIssued)}}, "input_mode": list{"TEXT"}}))
	f.not("selective/manifest/008", "An empty list in clear stays refused.", protocol.CodeFieldInvalid, ids("PRV-01"), granted("ext.commerce.forbidden_merchants", list{}))
}

// selectiveBinding: that it was shown to us, now, for this, by the holder.
func selectiveBinding(b *builder, f *family) {
	not := func(id, title string, code protocol.Code, changes ...change) {
		f.not("selective/binding/"+id, title, code, ids("PRV-01"), changes...)
	}
	not("001", "A presentation without key binding may be anybody's.", protocol.CodeFieldMissing, shows(func(p *presentation) { p.cut = true }))
	not("002", "A key binding by another key is not the holder's.", protocol.CodeSignatureInvalid, func(g *grant) { g.show.bindingSigner = b.signer(otherDID+"#k1", keys.AgentRequest, keys.EdDSA) })
	not("003", "A key binding for another audience was made to be shown there.", protocol.CodeAudienceMismatch, bindingClaim("aud", shopDID))
	not("004", "A nonce of the presenter's choice is no occasion of the reader's.", protocol.CodeClaimsConflict, bindingClaim("nonce", nonce("of the presenter")))
	not("005", "A key binding is at most five minutes old.", protocol.CodeRequestExpired, bindingClaim("iat", ago(301*time.Second)))
	f.with("selective/binding/006", "A key binding of exactly five minutes is in time.", ids("PRV-01"), obj{"withheld": allowPartly}, bindingClaim("iat", ago(300*time.Second)))
	not("007", "A key binding is at most a minute ahead.", protocol.CodeRequestExpired, bindingClaim("iat", ago(-61*time.Second)))
	f.with("selective/binding/008", "A key binding of a minute ahead is in time.", ids("PRV-01"), obj{"withheld": allowPartly}, bindingClaim("iat", ago(-60*time.Second)))
	not("009", "A disclosure that was taken out after binding is found.", protocol.CodeSignatureInvalid, func(g *grant) {
		_, all := g.show.conceal(g)
		g.show.bound = func(token string) string { return token + all[0].encoded + "~" }
		g.show.shown = func(path string) bool { return path != all[0].path }
	})
	not("010", "A disclosure that was added after binding is found.", protocol.CodeSignatureInvalid, shows(func(p *presentation) {
		p.bound = func(token string) string { return token[:strings.LastIndexByte(token[:len(token)-1], '~')+1] }
	}))
	not("011", "Disclosures that were reordered after binding are found.", protocol.CodeSignatureInvalid, shows(func(p *presentation) {
		p.bound = func(token string) string {
			parts := strings.Split(token, "~")
			parts[1], parts[2] = parts[2], parts[1]
			return strings.Join(parts, "~")
		}
	}))
	not("012", "A key id in the header of a key binding has no say.", protocol.CodeHeaderRefused, shows(func(p *presentation) { p.bindingHeader["kid"] = buyerDID + "#k1" }))
	not("013", "A key binding of another kind of token is none.", protocol.CodeTypeMismatch, shows(func(p *presentation) { p.bindingHeader["typ"] = "JWT" }))
	not("014", "A key binding by none is not signed.", protocol.CodeAlgorithmRefused, shows(func(p *presentation) { p.bindingHeader["alg"] = "none" }))
	for i, name := range []string{"aud", "iat", "nonce", "sd_hash"} {
		value := any(nil)
		if name == "sd_hash" {
			value = ""
		}
		not("02"+string(rune('0'+i)), "A key binding without "+name+" binds too little.", protocol.CodeFieldMissing, bindingClaim(name, value))
	}
	not("032", "A key binding without an algorithm is not signed.", protocol.CodeFieldMissing, shows(func(p *presentation) { delete(p.bindingHeader, "alg") }))
	not("033", "A key binding without a type is none.", protocol.CodeFieldMissing, shows(func(p *presentation) { delete(p.bindingHeader, "typ") }))
	not("034", "A key binding by HMAC is never accepted.", protocol.CodeAlgorithmRefused, shows(func(p *presentation) { p.bindingHeader["alg"] = "HS256" }))
	not("035", "A key binding of another algorithm than the holder's key is refused.", protocol.CodeAlgorithmRefused, shows(func(p *presentation) { p.bindingHeader["alg"] = "ES256" }))
	not("050", "A member of the header that nobody needs is not carried along.", protocol.CodeHeaderRefused, shows(func(p *presentation) { p.bindingHeader["cty"] = "json" }))
	not("036", "The time of a key binding is whole seconds.", protocol.CodeFieldInvalid, bindingClaim("iat", raw("1793527200.5")))
	not("037", "A text after the last tilde that is no token is none.", protocol.CodeMalformed, finish(func(t string) string { return t[:strings.LastIndexByte(t, '~')+1] + "x" }))
	not("024", "A key binding has exactly four claims.", protocol.CodeFieldUnknown, bindingClaim("exp", numericDate(now.Add(time.Hour))))
	not("025", "A key binding is for one audience.", protocol.CodeFieldInvalid, bindingClaim("aud", list{pspDID}))
	not("026", "A mandate of the first form is bound to no occasion.", protocol.CodeTypeMismatch, func(g *grant) {
		other := b.grant(keys.EdDSA)
		g.show, g.header, g.claims = nil, other.header, other.claims
	})
	edgesBinding(not)
	own := b.family("selective/binding/030", "A mandate that nobody presents is read without key binding.", keys.EdDSA, ids("PRV-01"), obj{"withheld": allowPartly}, selective, alone)
	own.not("selective/binding/031", "A key binding where none is expected was made for another occasion.", protocol.CodeFieldInvalid, ids("PRV-01"), shows(func(p *presentation) { p.cut = false }))
}
