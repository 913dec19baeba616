package vectors

import (
	"maps"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"

	"github.com/actprotocol/act-go/protocol/keys"
)

// The addresses of the negotiation's cases.
const (
	shopBase      = "https://shop.example/coffee"
	statementURL  = shopBase + "/act-payment-capability.json"
	negotiateURL  = shopBase + "/negotiations"
	pspEndpoint   = "https://psp.example/act"
	psp2Endpoint  = "https://other.psp.example/act"
	schemaURL     = "https://github.com/actprotocol/act-go/blob/main/SPEC.md"
	cardURN       = "urn:act:payment:card"
	sellerKey     = shopDID + "#s1"
	agentKey      = buyerDID + "#k1"
	proofKey      = pspDID + "#p1"
	subaccountKey = buyerDID + "#sub1"
)

// The signers of the parties.
func (b *builder) buyer() *keys.Signer  { return b.signer(agentKey, keys.AgentRequest, keys.EdDSA) }
func (b *builder) seller() *keys.Signer { return b.signer(sellerKey, keys.Seller, keys.EdDSA) }
func (b *builder) payer() *keys.Signer  { return b.signer(proofKey, keys.Proof, keys.EdDSA) }

// parties are the documents of agent, merchant and provider.
func (b *builder) parties() obj { return documents(b.buyer(), b.seller(), b.payer()) }

// way is an offer, flat as an answer has it.
func way(method, provider, endpoint string) obj {
	return obj{"method_id": method, "psp_id": provider, "endpoint": endpoint, "method_schema_url": schemaURL}
}

// statement is a shop's capability statement.
func statement(changes ...any) obj {
	p := func(o obj) obj { delete(o, "method_id"); return o }
	return changed(obj{"version": "1.0", "role": "payee", "agent_id": shopDID, "mode": "one-way", "supported_methods": list{
		obj{"method_id": cardURN, "psps": list{p(way("", psp2DID, psp2Endpoint))}},
		obj{"method_id": walletURN, "psps": list{p(way("", pspDID, pspEndpoint)), p(way("", psp2DID, psp2Endpoint))}},
	}}, changes)
}

// agentCard is the shop's card, not signed.
func agentCard(changes ...any) obj {
	return changed(obj{
		"protocolVersion": "0.3.0", "name": "Coffee", "description": "Sells coffee to agents.", "url": shopBase, "version": "1", "preferredTransport": "ACT",
		"defaultInputModes": list{"application/json"}, "defaultOutputModes": list{"application/json"}, "agent_id": shopDID,
		"skills":       list{obj{"id": "sell", "name": "Sell", "description": "Takes orders.", "tags": list{"shop"}}},
		"capabilities": obj{"streaming": false, "act:payment:negotiation": obj{"mode": "one-way", "capability_url": statementURL}},
	}, changes)
}

// cardSignature is an entry of signatures by a signer, for a card.
func (b *builder) cardSignature(s *keys.Signer, card obj, typ string) obj {
	parts := strings.Split(b.token(s, b.textOf("header", headerOf(s, typ)), string(b.value("card", card))), ".")
	return obj{"protected": parts[0], "signature": parts[2]}
}

// signedCard is a card with signatures.
func (b *builder) signedCard(card obj, signatures ...any) string {
	if signatures == nil {
		signatures = list{b.cardSignature(b.seller(), card, keys.TypeAgentCard)}
	}
	all := maps.Clone(card)
	all["signatures"] = signatures
	return b.textOf("card", all)
}

// groupCard: agent cards (SPEC.md 5.6).
func groupCard(b *builder) {
	rule, source := ids("CID-PCA-NEG-02"), ids("CID-PCA-NEG-07")
	card := agentCard()
	input := func(text string) obj { return obj{"card": text, "agent": shopDID, "documents": b.parties()} }
	ok := b.valid(spec{id: "card/one-way/001", title: "A card that its agent signed says where the statement is.", requirements: ids("CID-PCA-NEG-02", "CID-PCA-NEG-07"), operation: "agent_card.verify",
		input: input(b.signedCard(card)), output: obj{"key_id": sellerKey, "mode": "one-way", "url": statementURL}})
	also := func(id, title string, output obj, changes ...any) {
		b.also(ok, spec{id: "card/" + id, title: title, requirements: rule, output: output}, put("card", b.signedCard(agentCard(changes...))))
	}
	two := obj{"mode": "two-way", "negotiation_endpoint": negotiateURL}
	also("two-way/001", "A card may name an endpoint to negotiate at.", obj{"key_id": sellerKey, "mode": "two-way", "url": negotiateURL}, "capabilities.act:payment:negotiation", two)
	also("one-way/002", "The address of the other mode may be there too and is not used.", ok.output, "capabilities.act:payment:negotiation.negotiation_endpoint", negotiateURL)
	also("one-way/003", "A card without negotiation is a card.", obj{"key_id": sellerKey}, "capabilities.act:payment:negotiation", nil)
	also("one-way/004", "What A2A has beside is not judged: the card is open on every level.", ok.output, "securitySchemes", obj{"x": list{1, "two"}}, "capabilities.extensions", list{obj{"uri": "urn:x"}}, "url", nil, "skills", nil)
	also("one-way/005", "An address has a port where it is not the usual one.", obj{"key_id": sellerKey, "mode": "one-way", "url": "https://shop.example:8443/a"}, "capabilities.act:payment:negotiation.capability_url", "https://shop.example:8443/a")
	no := func(id, title string, code protocol.Code, requirements []string, changes ...any) {
		b.invalid(ok, spec{id: "card/" + id, title: title, code: code, requirements: requirements}, put("card", b.signedCard(agentCard(changes...))))
	}
	const at = "capabilities.act:payment:negotiation."
	no("one-way/010", "One-way mode needs the address of the statement.", protocol.CodeFieldMissing, rule, at+"capability_url", nil)
	no("two-way/010", "Two-way mode needs an endpoint.", protocol.CodeFieldMissing, rule, at+"mode", "two-way")
	no("one-way/011", "There are two modes.", protocol.CodeFieldInvalid, rule, at+"mode", "three-way")
	no("one-way/012", "The mode is named.", protocol.CodeFieldMissing, rule, at+"mode", nil)
	no("one-way/013", "A card names its agent.", protocol.CodeFieldMissing, rule, "agent_id", nil)
	for i, url := range []string{"http://shop.example/a", "https://shop.example/a/", "https://shop.example/a?b=c", "https://shop.example/a#b", "https://ann@shop.example/a",
		"https://SHOP.example/a", "https://shop.example:443/a", "https://shop.example/a/../b", "https://shop.example/%61", "https://shop.example//a", "https://shop..example/a", "https://shop.example:08443/a",
		"https://shop.example/", "https://shop.example?b=c", "https://shop.example#b", "https://shop.example?", "https://ann@shop.example"} {
		no("url/"+three(i+1), "An address has one spelling, and this is not it: "+url+".", protocol.CodeFieldInvalid, ids("CID-PCA-NEG-02", "CID-PCA-NEG-07"), at+"capability_url", url)
	}
	signed := func(id, title string, code protocol.Code, text string) {
		b.invalid(ok, spec{id: "card/signature/" + id, title: title, code: code, requirements: source}, put("card", text))
	}
	own := func(s *keys.Signer, typ string) any { return b.cardSignature(s, card, typ) }
	signed("001", "A card without signatures comes from nobody.", protocol.CodeFieldMissing, b.textOf("card", card))
	signed("002", "A card that was changed after signing is found, in members that nobody uses as well.", protocol.CodeSignatureInvalid, strings.Replace(b.signedCard(card), "Sells coffee", "Gives coffee", 1))
	signed("003", "An A2A signature of another type is not ours.", protocol.CodeTypeMismatch, b.signedCard(card, own(b.seller(), "JOSE")))
	header := b.cardSignature(b.seller(), card, keys.TypeAgentCard)
	header["header"] = obj{"kid": "x"}
	signed("004", "A header that the signature does not cover is refused.", protocol.CodeHeaderRefused, b.signedCard(card, header))
	b.invalid(ok, spec{id: "card/signature/005", title: "A key for agent requests signs no card.", code: protocol.CodeKeyPurpose, requirements: source}, put("documents", documents(b.signer(sellerKey, keys.AgentRequest, keys.EdDSA))))
	b.also(ok, spec{id: "card/signature/006", title: "Signatures of others beside ours say nothing.", requirements: source},
		put("card", b.signedCard(card, own(b.seller(), "JOSE"), obj{"protected": "!", "signature": ""}, own(b.seller(), keys.TypeAgentCard))))
	b.also(ok, spec{id: "card/signature/007", title: "White space in transit means nothing: the canonical form is signed.", requirements: source}, func(in obj) {
		in["card"] = strings.ReplaceAll(in["card"].(string), `,"`, " ,\n\"")
	})
	b.invalid(ok, spec{id: "card/signature/008", title: "The card of another agent is not the merchant's.", code: protocol.CodeClaimsConflict, requirements: source}, put("agent", shop2DID))
	b.invalid(ok, spec{id: "card/signature/009", title: "A merchant whose document cannot be had is not known.", code: protocol.CodeKeyUnavailable, requirements: source}, func(in obj) {
		delete(in["documents"].(obj), shopDID)
	})
	nine := list{}
	for range 8 {
		nine = append(nine, own(b.seller(), "JOSE"))
	}
	signed("010", "More than eight signatures are not looked through.", protocol.CodeTooLarge, b.signedCard(card, append(nine, own(b.seller(), keys.TypeAgentCard))...))
	signed("011", "A page in place of a card is none.", protocol.CodeMalformed, "<html>"+b.signedCard(card))
	signed("012", "A signature is an object: of the only one that there is, this is wrong.", protocol.CodeFieldInvalid, b.signedCard(card, own(b.seller(), keys.TypeAgentCard).(obj)["protected"]))
}

// groupCapability: capability statements (SPEC.md 5.6).
func groupCapability(b *builder) {
	rule, checked := ids("CID-PCA-NEG-01"), ids("CID-PCA-NEG-01", "CID-PCA-NEG-07")
	offers := list{way(cardURN, psp2DID, psp2Endpoint), way(walletURN, pspDID, pspEndpoint), way(walletURN, psp2DID, psp2Endpoint)}
	text := func(changes ...any) string { return b.textOf("statement", statement(changes...)) }
	ok := b.valid(spec{id: "capability/form/001", title: "A statement says by which methods, at which providers, with which payloads somebody is paid.", requirements: rule, operation: "capability.read",
		input: obj{"statement": text()}, output: obj{"agent_id": shopDID, "offers": offers}})
	b.also(ok, spec{id: "capability/form/002", title: "The list of methods may be empty.", output: obj{"agent_id": shopDID, "offers": list{}}}, put("statement", text("supported_methods", list{})))
	b.also(ok, spec{id: "capability/form/003", title: "The mode may be left out."}, put("statement", text("mode", nil)))
	foreign := way(cardURN, "urn:act:psp:other", psp2Endpoint)
	b.also(ok, spec{id: "capability/form/004", title: "A provider may be known by another URI than a DID.", output: obj{"agent_id": shopDID, "offers": list{foreign}}},
		put("statement", text("supported_methods", list{obj{"method_id": cardURN, "psps": list{obj{"psp_id": "urn:act:psp:other", "endpoint": psp2Endpoint, "method_schema_url": schemaURL}}}})))
	first := func(changes ...any) any {
		m := statement()["supported_methods"].(list)
		changed(m[0].(obj)["psps"].(list)[0].(obj), changes)
		return m
	}
	for _, c := range []struct {
		id, title string
		code      protocol.Code
		path      string
		value     any
	}{
		{"010", "A statement has a version.", protocol.CodeFieldMissing, "version", nil},
		{"011", "Another version is another statement.", protocol.CodeFieldInvalid, "version", "2.0"},
		{"012", "Who is paid is a payee.", protocol.CodeFieldInvalid, "role", "payer"},
		{"013", "A statement names its agent.", protocol.CodeFieldMissing, "agent_id", nil},
		{"014", "A statement without a list of methods says nothing.", protocol.CodeFieldMissing, "supported_methods", nil},
		{"015", "A statement is closed.", protocol.CodeFieldUnknown, "fee", "1.00"},
		{"016", "There are two modes.", protocol.CodeFieldInvalid, "mode", "no-way"},
		{"017", "A provider has an endpoint, or nothing of the statement is used.", protocol.CodeFieldMissing, "supported_methods", first("endpoint", nil)},
		{"018", "A provider has a form of payload.", protocol.CodeFieldMissing, "supported_methods", first("method_schema_url", nil)},
		{"019", "A provider has a name.", protocol.CodeFieldMissing, "supported_methods", first("psp_id", nil)},
		{"020", "A provider's name is an absolute URI.", protocol.CodeFieldInvalid, "supported_methods", first("psp_id", "pay")},
		{"021", "An endpoint is not reached without TLS.", protocol.CodeFieldInvalid, "supported_methods", first("endpoint", "http://psp.example/act")},
		{"022", "An endpoint has one spelling.", protocol.CodeFieldInvalid, "supported_methods", first("endpoint", "https://psp.example/act/")},
		{"023", "A provider is closed as well.", protocol.CodeFieldUnknown, "supported_methods", first("fee", "1.00")},
		{"024", "A method without a provider is none.", protocol.CodeFieldMissing, "supported_methods", list{obj{"method_id": walletURN, "psps": list{}}}},
		{"025", "A method stands once.", protocol.CodeFieldInvalid, "supported_methods", list{statement()["supported_methods"].(list)[0], statement()["supported_methods"].(list)[0]}},
		{"026", "A method has the name that mandates use.", protocol.CodeFieldInvalid, "supported_methods", list{obj{"method_id": "act:payment/wallet", "psps": statement()["supported_methods"].(list)[0].(obj)["psps"]}}},
	} {
		b.invalid(ok, spec{id: "capability/form/" + c.id, title: c.title, code: c.code, requirements: checked}, put("statement", text(c.path, c.value)))
	}
	statementEdges(b, ok, text())
	double := statement()["supported_methods"].(list)[1].(obj)
	double["psps"] = append(double["psps"].(list), double["psps"].(list)[0])
	apart := func(psp, endpoint string) any {
		return obj{"method_id": walletURN, "psps": list{obj{"psp_id": psp, "endpoint": endpoint, "method_schema_url": schemaURL}}}
	}
	b.invalid(ok, spec{id: "capability/form/028", title: "A method stands once, with all of its providers.", code: protocol.CodeFieldInvalid, requirements: checked},
		put("statement", text("supported_methods", list{apart(pspDID, pspEndpoint), apart(psp2DID, psp2Endpoint)})))
	b.invalid(ok, spec{id: "capability/form/027", title: "A provider of a method stands once.", code: protocol.CodeFieldInvalid, requirements: checked}, put("statement", text("supported_methods", list{double})))
}

// A market is a shop that an agent negotiates with, and the agent's side.
type market struct {
	card, statement obj
	in              obj
}

// groupNegotiate: what an agent does with card and statement (SPEC.md 5.6).
func groupNegotiate(b *builder) {
	mandate := b.grant(keys.EdDSA).sign()
	input := func(change func(s *market)) obj {
		s := &market{card: agentCard(), statement: statement(), in: obj{
			"mandate": mandate, "key_id": agentKey, "key": b.privateJWK(agentKey, keys.EdDSA), "documents": b.parties(),
			"instruments": list{way(walletURN, pspDID, pspEndpoint)}, "merchant": shopDID, "base": shopBase, "amount": "18.00", "currency": "CNY",
		}}
		if change != nil {
			change(s)
		}
		if s.in["served"] == nil {
			s.in["served"] = obj{shopBase + "/.well-known/agent-card.json": b.signedCard(s.card), statementURL: b.textOf("statement", s.statement)}
		}
		return s.in
	}
	ok := b.valid(spec{id: "negotiate/match/001", title: "What the agent has, the mandate allows and the shop takes is the agreement.", requirements: ids("CID-PCA-NEG-03", "CID-PCA-NEG-04", "CID-PCA-NEG-07"),
		operation: "capability.negotiate", input: input(nil), output: way(walletURN, pspDID, pspEndpoint)})
	also := func(id, title, requirement string, output obj, change func(s *market)) {
		b.valid(spec{id: "negotiate/" + id, title: title, requirements: ids(requirement), operation: "capability.negotiate", input: input(change), output: output})
	}
	no := func(id, title string, code protocol.Code, requirement string, change func(s *market)) {
		b.invalid(ok, spec{id: "negotiate/" + id, title: title, code: code, requirements: ids(requirement)}, func(in obj) {
			clear(in)
			maps.Copy(in, input(change))
		})
	}
	both := list{way(cardURN, pspDID, pspEndpoint), way(walletURN, pspDID, pspEndpoint)}
	also("match/002", "The agent's order decides, and of its instruments the first that the shop takes.", "CID-PCA-NEG-03", way(walletURN, pspDID, pspEndpoint), func(s *market) { s.in["instruments"] = both })
	also("match/003", "Of two that fit the agent's first is taken, though the shop names the other first.", "CID-PCA-NEG-03", way(walletURN, pspDID, pspEndpoint), func(s *market) {
		s.in["instruments"] = list{way(walletURN, pspDID, pspEndpoint), way(cardURN, pspDID, pspEndpoint)}
		provider := s.statement["supported_methods"].(list)[1].(obj)["psps"].(list)[:1]
		s.statement["supported_methods"] = list{obj{"method_id": cardURN, "psps": provider}, obj{"method_id": walletURN, "psps": provider}}
	})
	also("match/004", "Providers that the agent does not know may be anything.", "CID-PCA-NEG-07", way(walletURN, pspDID, pspEndpoint), func(s *market) {
		s.statement["supported_methods"].(list)[0].(obj)["psps"] = list{obj{"psp_id": "urn:act:psp:x", "endpoint": "https://x.example/y", "method_schema_url": "https://x.example/z"}}
	})
	no("none/001", "An empty list of methods ends it.", protocol.CodeNoMatch, "CID-PCA-NEG-05", func(s *market) { s.statement["supported_methods"] = list{} })
	no("none/002", "A method that only the shop has is none in common.", protocol.CodeNoMatch, "CID-PCA-NEG-05", func(s *market) { s.statement["supported_methods"] = s.statement["supported_methods"].(list)[:1] })
	no("none/003", "The same method at another provider is none in common.", protocol.CodeNoMatch, "CID-PCA-NEG-05", func(s *market) {
		m := s.statement["supported_methods"].(list)[1].(obj)
		m["psps"] = m["psps"].(list)[1:]
	})
	no("none/004", "A method that the mandate does not allow is not chosen, though both have it.", protocol.CodeNoMatch, "CID-PCA-NEG-03", func(s *market) {
		s.in["mandate"] = b.grant(keys.EdDSA, subject("allowed_payment_methods", list{cardURN})).sign()
	})
	no("none/005", "A provider that the mandate is not made for is not chosen.", protocol.CodeNoMatch, "CID-PCA-NEG-03", func(s *market) {
		s.in["mandate"] = b.grant(keys.EdDSA, claim("aud", psp2DID)).sign()
	})
	no("none/006", "A merchant that the mandate excludes is not asked.", protocol.CodeNoMatch, "CID-PCA-NEG-03", func(s *market) {
		s.in["mandate"] = b.grant(keys.EdDSA, subject("ext.commerce.forbidden_merchants", list{shopDID})).sign()
	})
	b.invalid(ok, spec{id: "negotiate/none/007", title: "Under a mandate that is over nobody is asked.", code: protocol.CodeNoMatch, clock: grantEnd.Add(time.Second), requirements: ids("CID-PCA-NEG-03")}, nil)
	no("none/008", "A card without negotiation ends it.", protocol.CodeNoMatch, "CID-PCA-NEG-05", func(s *market) { set(s.card, "capabilities.act:payment:negotiation", nil) })
	negotiateSources(b, also, no)
}

// negotiateSources: where card and statement come from, and what they say of the
// agent's own providers (CID-PCA-NEG-07).
func negotiateSources(b *builder, also func(id, title, requirement string, output obj, change func(s *market)), no func(id, title string, code protocol.Code, requirement string, change func(s *market))) {
	no("source/001", "A statement of another agent is not used.", protocol.CodeClaimsConflict, "CID-PCA-NEG-07", func(s *market) { s.statement["agent_id"] = shop2DID })
	no("source/002", "A statement of the other mode is not used.", protocol.CodeClaimsConflict, "CID-PCA-NEG-07", func(s *market) { s.statement["mode"] = "two-way" })
	elsewhere := func(url string) func(s *market) {
		return func(s *market) {
			set(s.card, "capabilities.act:payment:negotiation.capability_url", url)
			s.in["served"] = obj{shopBase + "/.well-known/agent-card.json": b.signedCard(s.card), url: b.textOf("statement", s.statement)}
		}
	}
	no("source/003", "A card does not send the agent to another host.", protocol.CodeClaimsConflict, "CID-PCA-NEG-07", elsewhere("https://terms.example/capability"))
	no("source/004", "A card does not send the agent to another port.", protocol.CodeClaimsConflict, "CID-PCA-NEG-07", elsewhere("https://shop.example:8443/capability"))
	also("source/005", "Another path of the same host is the merchant's to choose.", "CID-PCA-NEG-07", way(walletURN, pspDID, pspEndpoint), elsewhere("https://shop.example/elsewhere"))
	no("source/006", "A card that another party signed is not the merchant's.", protocol.CodeClaimsConflict, "CID-PCA-NEG-07", func(s *market) { s.in["merchant"] = shop2DID })
	no("source/007", "A card that was changed on the way is not used.", protocol.CodeSignatureInvalid, "CID-PCA-NEG-07", func(s *market) {
		s.in["served"] = obj{shopBase + "/.well-known/agent-card.json": strings.Replace(b.signedCard(s.card), "Sells", "Gives", 1), statementURL: b.textOf("statement", s.statement)}
	})
	no("source/008", "A statement with one fault is not used, though the agent's provider is right.", protocol.CodeFieldInvalid, "CID-PCA-NEG-07", func(s *market) {
		set(s.statement["supported_methods"].(list)[0].(obj)["psps"].(list)[0].(obj), "endpoint", "ftp://x.example")
	})
	ours := func(name string, value any) func(s *market) {
		return func(s *market) {
			set(s.statement["supported_methods"].(list)[1].(obj)["psps"].(list)[0].(obj), name, value)
		}
	}
	no("known/001", "The agent's provider at another endpoint is a contradiction.", protocol.CodeClaimsConflict, "CID-PCA-NEG-07", ours("endpoint", "https://psp.example.evil.example/act"))
	no("known/002", "The endpoint of the agent's provider under another name is a contradiction.", protocol.CodeClaimsConflict, "CID-PCA-NEG-07", ours("psp_id", "did:act:evil.example/pay"))
	no("known/003", "Another form of payload at the agent's provider is a contradiction.", protocol.CodeClaimsConflict, "CID-PCA-NEG-07", ours("method_schema_url", "https://evil.example/schema"))
}
