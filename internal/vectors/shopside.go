package vectors

import (
	"maps"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// groupJudge: whether candidates meet the constraints that a merchant was told
// (SPEC.md 5.5).
func groupJudge(b *builder) {
	rule := ids("CID-INT-XFR-03", "CID-INT-XFR-05")
	add := func(id, title, latte, tea string, clock time.Time, constraints obj, changes ...any) spec {
		l := b.needRequest()
		set(l.members, "constraints", any(constraints))
		if constraints == nil {
			delete(l.members, "constraints")
		}
		items := goods()["items"].(list)
		changed(items[0].(obj), changes)
		judged := list{}
		for i, code := range []string{latte, tea} {
			o := obj{"item_id": items[i].(obj)["item_id"], "decision": "allowed"}
			if code != "" {
				o["decision"], o["code"] = protocol.Code(code).Outcome().String(), code
			}
			judged = append(judged, o)
		}
		answer := b.textOf("answer", obj{"request_id": "need-1", "merchant_id": shopDID, "as_of": utc(now), "candidates": items})
		return b.valid(spec{id: "need/judge/" + id, title: title, requirements: rule, operation: "intent_context.answer.judge", clock: clock,
			input: obj{"answer": answer, "sent": l.text()}, output: obj{"judged": judged}})
	}
	told := b.needRequest().members["constraints"].(obj)
	but := func(changes ...any) obj { return changed(maps.Clone(told), changes) }
	const dear, elsewhere, late, unknown = "single_limit_exceeded", "category_not_allowed", "delivery_not_met", "fact_missing"
	ok := add("001", "What meets every constraint is allowed; of what does not tell its delivery that cannot be told.", "", unknown, now, told)
	add("002", "A price may be as high as the limit.", "", unknown, now, told, "price", "30.00")
	add("003", "A cent more is too much.", dear, unknown, now, told, "price", "30.01")
	add("004", "The same number in another currency is no price in this one.", "currency_mismatch", unknown, now, told, "currency", "USD")
	add("005", "A currency without an amount is a constraint as well.", "currency_mismatch", "", now, obj{"currency": "CNY"}, "currency", "USD")
	food := but("allowed_categories", list{"food"}, "delivery_time_requirement", nil)
	add("006", "What is below a forbidden category is not allowed, though it is below an allowed one.", elsewhere, "", now, food, "category", "food/alcohol/wine")
	add("007", "The forbidden category itself is not allowed.", elsewhere, "", now, food, "category", "food/alcohol")
	add("008", "A name that only begins like a forbidden one is another.", "", "", now, food, "category", "food/alcoholfree")
	add("009", "Of a category that is wider than a forbidden one it cannot be told.", unknown, "", now, food, "category", "food")
	add("010", "What is below no allowed category is not allowed.", elsewhere, "", now, but("forbidden_categories", nil, "delivery_time_requirement", nil), "category", "books")
	add("011", "A category that is wider than the allowed one is not inside of it.", elsewhere, "", now, but("forbidden_categories", nil, "delivery_time_requirement", nil), "category", "food")
	add("012", "A delivery at the moment of the requirement meets it.", "", unknown, now, told, "delivery_seconds", 3600)
	add("013", "A second later does not.", late, unknown, now, told, "delivery_seconds", 3601)
	add("014", "A delivery is counted from now, and not from when the answer was made.", late, unknown, now.Add(30*time.Minute+time.Second), told)
	add("015", "Without constraints everything is allowed.", "", "", now, nil)
	add("016", "Of several codes the one that wins is reported.", "currency_mismatch", unknown, now, told, "currency", "USD", "category", "books", "delivery_seconds", 7200)
	add("017", "What is denied is denied, though something else cannot be told.", elsewhere, unknown, now, told, "category", "books", "delivery_seconds", nil)
	b.invalid(ok, spec{id: "need/judge/020", title: "An answer to another request is judged by nothing.", code: protocol.CodeClaimsConflict}, func(in obj) {
		in["answer"] = strings.Replace(in["answer"].(string), "need-1", "need-2", 1)
	})
}

// groupCardMade: cards as merchants sign them (SPEC.md 5.6).
func groupCardMade(b *builder) {
	rule := ids("CID-PCA-NEG-02", "CID-PCA-NEG-07")
	input := func(card obj) obj {
		return obj{"card": b.textOf("card", card), "key_id": sellerKey, "key": b.privateJWK(sellerKey, keys.EdDSA)}
	}
	signed := func(card obj, signatures ...any) obj {
		return obj{"card": object([]byte(b.signedCard(card, signatures...)))}
	}
	card := agentCard()
	ok := b.valid(spec{id: "card/make/001", title: "A merchant signs its card; Ed25519 gives one signature only.", requirements: rule, features: []string{"ed25519"}, operation: "agent_card.make",
		input: input(card), output: signed(card)})
	also := func(id, title string, card, output obj) {
		b.also(ok, spec{id: "card/make/" + id, title: title, output: output}, func(in obj) { maps.Copy(in, input(card)) })
	}
	more := agentCard("iconUrl", "https://shop.example/icon.png", "provider", obj{"organization": "Coffee", "url": "https://shop.example"})
	also("002", "Members that ACT does not know are signed as they are.", more, signed(more))
	other := obj{"protected": "e30", "signature": "AA"}
	with := func(signatures ...any) obj {
		return changed(agentCard(), []any{"signatures", append(list{}, signatures...)})
	}
	own := b.cardSignature(b.seller(), card, keys.TypeAgentCard)
	also("003", "Signatures of others stay, and its own stands behind them.", with(other), signed(card, other, own))
	stale := b.cardSignature(b.seller(), agentCard("version", "0"), keys.TypeAgentCard)
	also("004", "An earlier one of its own is replaced.", with(stale, other), signed(card, other, own))
	n := 10
	lacks := func(what string, code protocol.Code, changes ...any) {
		b.invalid(ok, spec{id: "card/make/" + three(n), title: "A card that A2A would not take is not signed: " + what + ".", code: code}, put("card", b.textOf("card", agentCard(changes...))))
		n++
	}
	for _, name := range []string{"protocolVersion", "name", "description", "version", "url", "defaultInputModes", "defaultOutputModes", "skills"} {
		lacks("without "+name, protocol.CodeFieldMissing, name, nil)
	}
	for _, name := range []string{"defaultInputModes", "defaultOutputModes", "skills"} {
		lacks("an empty "+name, protocol.CodeFieldMissing, name, list{})
	}
	lacks("an empty mode of input", protocol.CodeFieldMissing, "defaultInputModes", list{""})
	lacks("an empty mode of output", protocol.CodeFieldMissing, "defaultOutputModes", list{""})
	skill := func(name string, value any) any {
		return list{changed(agentCard()["skills"].(list)[0].(obj), []any{name, value})}
	}
	for _, name := range []string{"id", "name", "description", "tags"} {
		lacks("a skill without "+name, protocol.CodeFieldMissing, "skills", skill(name, nil))
	}
	lacks("a skill with an empty tag", protocol.CodeFieldMissing, "skills", skill("tags", list{"shop", ""}))
	b.invalid(ok, spec{id: "card/make/040", title: "The card of another agent is not signed.", code: protocol.CodeClaimsConflict}, put("card", b.textOf("card", agentCard("agent_id", shop2DID))))
	b.invalid(ok, spec{id: "card/make/041", title: "A page in place of a card is not signed.", code: protocol.CodeMalformed}, put("card", "<html>"))
	b.invalid(ok, spec{id: "card/make/042", title: "A negotiation that nobody could use is not signed.", code: protocol.CodeFieldMissing}, put("card", b.textOf("card", agentCard("capabilities.act:payment:negotiation.capability_url", nil))))
}
