package vectors

import (
	"maps"
	"slices"
	"strings"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A veil is an SD-JWT of any claims in the making (RFC 9901, SPEC.md 8.1).
type veil struct {
	b           *builder
	signer      *keys.Signer
	header      obj
	claims      string
	disclosures []string
	end         string
	typ         string
	purpose     keys.Purpose
	documents   obj
}

// conceals is a disclosure as it stands between the tildes.
func conceals(text string) string { return canon.EncodeBase64([]byte(text)) }

// hiddenMember and hiddenItem are disclosures of a member of an object and of an element.
func hiddenMember(name, value string) string {
	return conceals(`["` + nonce("salt of "+name) + `","` + name + `",` + value + `]`)
}

func hiddenItem(value string) string {
	return conceals(`["` + nonce("salt of "+value) + `",` + value + `]`)
}

// The disclosures of the cases, and the claims that have their digests. The first
// is an example of RFC 9901 (5.1), blanks included.
const rfcDisclosure, rfcDigest = "WyIyR0xDNDJzS1F2ZUNmR2ZyeU5STjl3IiwgImdpdmVuX25hbWUiLCAiSm9obiJd", "jsu9yVulwQQlhFlM_3JlzMaSFzglhQG0DpfayQwLUK4"

var (
	streetHidden  = hiddenMember("street", `"1 Lake Road"`)
	addressHidden = hiddenMember("address", `{"country":"CN","_sd":["`+digestOf(streetHidden)+`"]}`)
	germanHidden  = hiddenItem(`"DE"`)
	frenchHidden  = hiddenItem(`"FR"`)
)

func (b *builder) veil(changes ...func(*veil)) *veil {
	s := b.signer(bankIssue, keys.IssueAuthorization, keys.EdDSA)
	v := &veil{
		b: b, signer: s, header: headerOf(s, keys.TypeMandateSD), documents: documents(s), end: "~", typ: keys.TypeMandateSD, purpose: keys.IssueAuthorization,
		claims: `{"_sd":["` + digestOf(addressHidden) + `","` + rfcDigest + `"],"_sd_alg":"sha-256","iss":"` + bankDID +
			`","nationalities":[{"...":"` + digestOf(germanHidden) + `"},{"...":"` + digestOf(frenchHidden) + `"},"CN"]}`,
		disclosures: []string{rfcDisclosure, addressHidden, streetHidden, germanHidden, frenchHidden},
	}
	for _, change := range changes {
		change(v)
	}
	return v
}

func (v *veil) input() obj {
	token := v.b.token(v.signer, v.b.textOf("header", v.header), v.claims)
	for _, d := range v.disclosures {
		token += "~" + d
	}
	return obj{"sd_jwt": token + v.end, "typ": v.typ, "purpose": string(v.purpose), "documents": v.documents}
}

func discloses(d ...string) func(*veil) { return func(v *veil) { v.disclosures = d } }

// claiming replaces a text of the claims.
func claiming(old, new string) func(*veil) {
	return func(v *veil) {
		if !strings.Contains(v.claims, old) {
			v.b.fail("sdjwt", "%q is not in the claims", old)
		}
		v.claims = strings.Replace(v.claims, old, new, 1)
	}
}

// groupDisclose: SD-JWT whatever the claims, and what is shown of a mandate.
func groupDisclose(b *builder) {
	rule := ids("PRV-01")
	hidden := func(pairs ...any) list {
		out := list{}
		for i := 0; i < len(pairs); i += 2 {
			out = append(out, obj{"path": pairs[i], "count": pairs[i+1]})
		}
		return out
	}
	good := func(id, title string, payload obj, left list, changes ...func(*veil)) spec {
		output := obj{"key_id": bankIssue, "payload": payload}
		if len(left) > 0 {
			output["hidden"] = left
		}
		return b.valid(spec{id: "sdjwt/read/" + id, title: title, requirements: rule, operation: "sdjwt.verify", input: b.veil(changes...).input(), output: output})
	}
	address := func(members obj) obj { return obj{"address": members} }
	with := func(o obj, more obj) obj {
		out := obj{"iss": bankDID, "nationalities": list{"CN"}}
		maps.Copy(out, o)
		maps.Copy(out, more)
		return out
	}
	all := list{"DE", "FR", "CN"}
	ok := good("001", "What was disclosed stands in its place again, an object within an object too, and the first disclosure is the RFC's own example.",
		with(address(obj{"country": "CN", "street": "1 Lake Road"}), obj{"given_name": "John", "nationalities": all}), nil)
	good("002", "What is withheld is not there, and its digest is counted.", with(nil, nil), hidden("", 2, "/nationalities", 2), discloses())
	good("003", "What stands inside of a disclosure may be withheld.", with(address(obj{"country": "CN"}), obj{"given_name": "John", "nationalities": all}), hidden("/address", 1),
		discloses(rfcDisclosure, addressHidden, germanHidden, frenchHidden))
	good("004", "Elements keep their order, and one that is withheld leaves no gap.", with(nil, obj{"nationalities": list{"FR", "CN"}}), hidden("", 2, "/nationalities", 1), discloses(frenchHidden))
	good("005", "Disclosures stand in any order, an inner one before its outer one.", with(address(obj{"country": "CN", "street": "1 Lake Road"}), nil), hidden("", 1, "/nationalities", 2),
		discloses(streetHidden, addressHidden))
	good("006", "A digest of nothing cannot be told from one of something.", with(nil, nil), hidden("", 3, "/nationalities", 2), discloses(), claiming(`"_sd":[`, `"_sd":["`+digestOf("decoy")+`",`))
	good("007", "An object that hides everything is empty, and not gone.", with(nil, obj{"empty": obj{}}), hidden("", 2, "/empty", 1, "/nationalities", 2), discloses(),
		claiming(`"iss"`, `"empty":{"_sd":["`+digestOf("decoy")+`"]},"iss"`))
	bad := func(id, title string, code protocol.Code, changes ...func(*veil)) {
		b.invalid(ok, spec{id: "sdjwt/refused/" + id, title: title, code: code}, func(in obj) {
			clear(in)
			maps.Copy(in, b.veil(changes...).input())
		})
	}
	malformed := func(id, title string, changes ...func(*veil)) { bad(id, title, protocol.CodeMalformed, changes...) }
	malformed("001", "An inner disclosure without its outer one is of nothing.", discloses(streetHidden))
	malformed("002", "A disclosure of nothing that was signed is refused.", discloses(rfcDisclosure, hiddenMember("vip", "true")))
	malformed("003", "A disclosed name that stands in an object already is refused.", claiming(`"iss"`, `"given_name":"Eve","iss"`))
	malformed("004", "Two disclosures of one name are refused, or the order would decide.", claiming(`"_sd":[`, `"_sd":["`+digestOf(hiddenMember("given_name", `"Eve"`))+`",`), func(v *veil) {
		v.disclosures = append(v.disclosures, hiddenMember("given_name", `"Eve"`))
	})
	malformed("005", "A member does not stand in an array.", claiming(digestOf(germanHidden), digestOf(hiddenMember("DE", `"DE"`))), discloses(hiddenMember("DE", `"DE"`)))
	malformed("006", "A placeholder with a second member is none.", claiming(`{"...":"`+digestOf(germanHidden)+`"}`, `{"...":"`+digestOf(germanHidden)+`","x":1}`), discloses())
	malformed("007", "A placeholder stands in arrays only.", claiming(`"iss"`, `"place":{"...":"`+digestOf("x")+`"},"iss"`), discloses())
	malformed("008", "Digests are a list.", claiming(`["`+digestOf(addressHidden)+`","`+rfcDigest+`"]`, `"`+rfcDigest+`"`), discloses())
	malformed("009", "The algorithm stands at the top alone, in what is disclosed too.", claiming(rfcDigest, digestOf(hiddenMember("extra", `{"_sd_alg":"sha-256"}`))), discloses(hiddenMember("extra", `{"_sd_alg":"sha-256"}`)))
	malformed("010", "A digest that was disclosed for cannot occur again inside of a disclosure.", claiming(rfcDigest, digestOf(hiddenMember("again", `{"_sd":["`+digestOf(streetHidden)+`"]}`))),
		discloses(addressHidden, hiddenMember("again", `{"_sd":["`+digestOf(streetHidden)+`"]}`)))
	malformed("011", "What is shown ends in a tilde, unless a key binding follows.", func(v *veil) { v.end = "" })
	malformed("012", "An empty disclosure is none.", func(v *veil) { v.end = "~~" })
	bad("013", "Digests by another algorithm are not read.", protocol.CodeAlgorithmRefused, claiming(`"sha-256"`, `"sha-512"`), discloses())
	bad("014", "More than 256 disclosures are refused.", protocol.CodeTooLarge, discloses(slices.Repeat([]string{"WyIiXQ"}, 257)...))
	bad("015", "What the issuer did not sign is refused.", protocol.CodeSignatureInvalid, func(v *veil) { v.signer = b.signer(otherDID+"#issue", keys.IssueAuthorization, keys.EdDSA) })
	bad("016", "A key for another purpose signs nothing of this.", protocol.CodeKeyPurpose, func(v *veil) {
		v.signer = b.signer(bankDID+"#status", keys.Status, keys.EdDSA)
		v.header, v.documents = headerOf(v.signer, keys.TypeMandateSD), documents(v.signer)
	})
	bad("017", "A token of another kind is refused.", protocol.CodeTypeMismatch, func(v *veil) { set(v.header, "typ", "example+sd-jwt") })
	edgesDisclosed(func(id, title string, payload obj, changes ...func(*veil)) { good(id, title, payload, nil, changes...) }, bad)
	edgesDigests(bad)
	b.invalid(ok, spec{id: "sdjwt/refused/037", title: "No text is nothing that is shown.", code: protocol.CodeMalformed}, put("sd_jwt", ""))
	presentCases(b)
}

// presentCases: what an agent shows to whom (SPEC.md 8.2).
func presentCases(b *builder) {
	g := b.grant(keys.EdDSA, selective, alone, claim("control_proof_ref", "https://evidence.example/1"), shows(func(p *presentation) { p.hide = append(p.hide, "/control_proof_ref") }))
	_, all := g.show.conceal(g)
	disclosed := func(paths ...string) obj {
		out := []string{}
		for _, d := range all {
			if slices.Contains(paths, strings.TrimPrefix(d.path, "/authorization/")) {
				out = append(out, d.encoded)
			}
		}
		if len(out) != len(paths) {
			b.fail("present", "%d disclosures for %d paths", len(out), len(paths))
		}
		slices.Sort(out)
		return obj{"disclosures": out}
	}
	plain := func(methods, merchants, categories []string) []string {
		paths := []string{
			"allowed_payment_methods", "currency", "delegation_mode", "delegator_identity", "max_total_amount",
			"ext/commerce/allowed_categories", "ext/commerce/allowed_merchants", "ext/commerce/forbidden_categories", "ext/commerce/forbidden_merchants",
			"ext/commerce/max_single_amount", "ext/commerce/min_single_amount", "ext/fulfillment/delivery_time_requirement",
		}
		for list, entries := range map[string][]string{"allowed_payment_methods": methods, "ext/commerce/allowed_merchants": merchants, "ext/commerce/allowed_categories": categories} {
			for _, i := range entries {
				paths = append(paths, list+"/"+i)
			}
		}
		return paths
	}
	buys := func(method, merchant string, categories ...any) obj {
		return obj{"payment_method": method, "merchant_id": merchant, "categories": categories}
	}
	ok := b.valid(spec{
		id: "present/view/001", title: "A PSP is shown what it judges, and of allow-lists the method, the payee and the category of this purchase.", requirements: ids("PRV-01"),
		operation: "mandate.present", input: obj{"mandate": g.sign(), "role": "psp", "purchase": buys(walletURN, shopDID, "food/coffee")},
		output: disclosed(plain([]string{"0"}, []string{"0"}, []string{"0"})...),
	})
	role := func(id, title, name string, paths ...string) {
		b.also(ok, spec{id: "present/view/" + id, title: title, output: disclosed(paths...)}, put("role", name))
	}
	role("002", "A merchant is shown the address and nothing else.", "merchant", "ext/fulfillment/delivery_address")
	role("003", "A trust service is shown who confirmed what, how and when, and the evidence of control.", "trust-service",
		"delegation_mode", "delegator_identity", "user_confirmation_method", "user_confirmation_timestamp", "source_isr_digest", "/control_proof_ref")
	purchase := func(id, title string, p obj, paths ...string) {
		b.also(ok, spec{id: "present/view/" + id, title: title, output: disclosed(paths...)}, put("purchase", p))
	}
	purchase("004", "Another purchase needs other entries.", buys("urn:act:payment:card", shop2DID, "books/travel/asia"), plain([]string{"1"}, []string{"1"}, []string{"1"})...)
	purchase("005", "Goods of two categories need both.", buys(walletURN, shopDID, "food", "books/travel"), plain([]string{"0"}, []string{"0"}, []string{"0", "1"})...)
	purchase("006", "A purchase that no entry fits is shown none: what is shown decides nothing by itself.", buys("urn:act:payment:cash", "did:act:shop.example/toys", "toys"), plain(nil, nil, nil)...)
	b.invalid(ok, spec{id: "present/refused/001", title: "A mandate as VC-JWT can only be shown whole.", code: protocol.CodeTypeMismatch}, put("mandate", b.grant(keys.EdDSA).sign()))
	b.invalid(ok, spec{id: "present/refused/002", title: "What is no mandate is not shown.", code: protocol.CodeMalformed}, func(in obj) { in["mandate"] = in["mandate"].(string) + "WyJ4Il0~" })
}
