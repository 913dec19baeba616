package vectors

import (
	"strconv"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// needRequest is a first intent request.
func (b *builder) needRequest() *letter {
	return &letter{b: b, kind: keys.KindIntentRequest, signer: b.buyer(), documents: b.parties(), more: obj{"recipient": shopDID}, members: obj{
		"request_id": "need-1", "nonce": nonce("need"), "timestamp": utc(now), "buyer_agent_id": buyerDID, "merchant_id": shopDID,
		"intent_id": intentID, "delegation_id": grantID,
		"intent_context": obj{
			"explicit_intent": "A coffee before the meeting", "implicit_intent": list{"It should be quick"},
			"preferences": list{"Oat milk"}, "background": list{"The meeting is at eleven"},
		},
		"consent":               obj{"scope": list{"implicit_intent", "preferences"}, "granted_at": utc(now.Add(-time.Hour))},
		"constraints":           obj{"max_amount": "30.00", "currency": "CNY", "allowed_categories": list{"food/drink"}, "forbidden_categories": list{"food/alcohol"}, "delivery_time_requirement": utc(now.Add(time.Hour))},
		"response_requirements": obj{"max_candidates": 3, "sort_preference": "price"},
	}}
}

// groupNeed: intent requests (SPEC.md 5.5).
func groupNeed(b *builder) {
	p := &post{b: b, group: "need/request", operation: "intent_context.verify", rule: ids("CID-INT-XFR-01"), output: obj{"key_id": agentKey}, letter: b.needRequest}
	p.first("An agent says what it needs, inside of which limits, and how it wants to be answered.")
	p.yes("002", "What is needed in one sentence is enough.", nil, nil, member("intent_context", obj{"explicit_intent": "A coffee"}), member("consent", nil), member("constraints", nil), member("response_requirements", nil), member("delegation_id", nil))
	p.lacking(10, "request_id", "nonce", "timestamp", "buyer_agent_id", "merchant_id", "intent_id", "intent_context")
	p.no("020", "A first request says what is needed.", protocol.CodeFieldMissing, nil, member("intent_context.explicit_intent", nil))
	for i, c := range []struct {
		title, path string
		value       any
	}{
		{"A text is not empty space that reorders what follows.", "intent_context.explicit_intent", "coffee \u202e"},
		{"A list that could be left out is not empty.", "intent_context.background", list{}},
		{"An entry does not stand twice.", "intent_context.background", list{"a", "a"}},
		{"A list has at most 16 entries.", "intent_context.background", seventeen()},
		{"A group without members is left out.", "constraints", obj{}},
		{"A limit is more than zero.", "constraints.max_amount", "0.00"},
		{"A limit has the decimals of its currency.", "constraints.max_amount", "30.001"},
		{"A category has no empty segment.", "constraints.allowed_categories", list{"food//drink"}},
		{"A delivery is a time, not words.", "constraints.delivery_time_requirement", "before eleven"},
		{"At least one candidate is asked for.", "response_requirements.max_candidates", 0},
		{"At most a hundred candidates are asked for.", "response_requirements.max_candidates", 101},
		{"There are three orders of candidates.", "response_requirements.sort_preference", "cheapest"},
		{"A first request removes nothing.", "removed", list{"constraints.max_amount"}},
	} {
		p.no(three(i+21), c.title, protocol.CodeFieldInvalid, nil, member(c.path, c.value))
	}
	p.no("040", "A limit without a currency is none.", protocol.CodeFieldMissing, nil, member("constraints.currency", nil))
	p.no("041", "One merchant has no business with the names of others.", protocol.CodeFieldUnknown, nil, member("constraints.allowed_merchants", list{shopDID}))
	p.no("042", "A total is not told to a merchant.", protocol.CodeFieldUnknown, nil, member("constraints.max_total_amount", "200.00"))
	consent := ids("CID-INT-XFR-02")
	p.no("050", "What the agent concludes is not sent without consent.", protocol.CodeFieldMissing, consent, member("consent", nil))
	p.no("051", "Consent to one is none to the other.", protocol.CodeFieldInvalid, consent, member("consent.scope", list{"implicit_intent"}))
	p.no("052", "Consent names what is there, in this order.", protocol.CodeFieldInvalid, consent, member("consent.scope", list{"preferences", "implicit_intent"}))
	p.no("053", "Consent is not given after sending.", protocol.CodeFieldInvalid, consent, member("consent.granted_at", utc(now.Add(time.Second))))
	p.no("054", "Where nothing needs consent none is claimed.", protocol.CodeFieldInvalid, consent, member("intent_context.implicit_intent", nil), member("intent_context.preferences", nil))
	p.no("055", "Consent has a time.", protocol.CodeFieldMissing, consent, member("consent.granted_at", nil))
	p.yes("056", "Preferences alone need consent to them alone.", nil, consent, member("intent_context.implicit_intent", nil), member("consent.scope", list{"preferences"}))
	p.yes("057", "Consent may be given with the sending.", nil, consent, member("consent.granted_at", utc(now)))
	p.no("058", "Consent to what is not there is claimed for nothing.", protocol.CodeFieldInvalid, consent, member("intent_context.preferences", nil))
	p.no("034", "Requirements without members are left out.", protocol.CodeFieldInvalid, nil, member("response_requirements", obj{}))
	p.no("059", "Where nothing needs consent none is claimed, to nothing neither.", protocol.CodeFieldInvalid, consent, member("intent_context.implicit_intent", nil), member("intent_context.preferences", nil), member("consent.scope", list{}))
	p.no("071", "Consent to nothing is none to what is there.", protocol.CodeFieldInvalid, consent, member("consent.scope", list{}))
	p.envelope("buyer_agent_id", keys.Seller)
	p.rule = ids("CID-INT-XFR-04")
	p.yes("060", "An update carries what changed and names the request before it.", nil, nil, needUpdate("need-2", "need-1", obj{"constraints": obj{"max_amount": "25.00", "currency": "CNY"}})...)
	for i, c := range []struct {
		title   string
		code    protocol.Code
		members obj
	}{
		{"An update of nothing is none.", protocol.CodeFieldMissing, obj{}},
		{"What is removed is named by a path that there is.", protocol.CodeFieldInvalid, obj{"removed": list{"constraints.max"}}},
		{"What is removed is named once.", protocol.CodeFieldInvalid, obj{"removed": list{"constraints.max_amount", "constraints.max_amount"}}},
		{"What is changed is not removed.", protocol.CodeFieldInvalid, obj{"removed": list{"constraints.currency"}, "constraints": obj{"currency": "CNY"}}},
		{"The need itself is not removed.", protocol.CodeFieldInvalid, obj{"removed": list{"intent_context.explicit_intent"}}},
		{"A limit comes with its currency in an update too.", protocol.CodeFieldMissing, obj{"constraints": obj{"max_amount": "25.00"}}},
		{"An update of preferences needs consent of its own.", protocol.CodeFieldMissing, obj{"intent_context": obj{"preferences": list{"Soy milk"}}}},
	} {
		p.no(three(i+61), c.title, c.code, nil, needUpdate("need-2", "need-1", c.members)...)
	}
	p.no("068", "An update is not one of itself.", protocol.CodeFieldInvalid, nil, needUpdate("need-1", "need-1", obj{"removed": list{"constraints.max_amount"}})...)
	p.no("069", "An update of a context without members changes nothing.", protocol.CodeFieldInvalid, nil, needUpdate("need-2", "need-1", obj{"intent_context": obj{}})...)
	p.no("070", "A list of what is removed is not empty.", protocol.CodeFieldInvalid, nil, needUpdate("need-2", "need-1", obj{"removed": list{}, "response_requirements": obj{"max_candidates": 1}})...)
	p.rule = ids("CID-INT-XFR-04")
	compareCases(p, keys.KindIntentRequest, member("constraints.max_amount", "30.0"))
}

func seventeen() list {
	out := list{}
	for i := range 17 {
		out = append(out, "entry "+strconv.Itoa(i))
	}
	return out
}

// needUpdate makes an update of a request, with these members in place of all
// that the first one says.
func needUpdate(id, previous string, members obj) []edit {
	return []edit{func(l *letter) {
		for _, name := range []string{"intent_context", "consent", "constraints", "response_requirements"} {
			delete(l.members, name)
		}
		l.members["request_id"], l.members["previous_request_id"] = id, previous
		l.members["nonce"] = nonce("need " + id)
		for name, value := range members {
			l.members[name] = value
		}
	}}
}

// groupNeedUpdate: what a merchant knows after updates (SPEC.md 5.5).
func groupNeedUpdate(b *builder) {
	rule := ids("CID-INT-XFR-04")
	message := func(edits ...edit) string {
		l := b.needRequest()
		for _, e := range edits {
			e(l)
		}
		return l.text()
	}
	update := func(id, previous string, members obj) string { return message(needUpdate(id, previous, members)...) }
	known := func(changes ...any) obj {
		first := b.needRequest().members
		return changed(obj{"intent_context": first["intent_context"], "constraints": first["constraints"], "response_requirements": first["response_requirements"]}, changes)
	}
	chain := func(updates ...any) obj { return obj{"messages": append(list{message()}, updates...)} }
	ok := b.valid(spec{id: "need/update/001", title: "A member that an update has replaces the earlier one, and all else is as it was.", requirements: rule, operation: "intent_context.update",
		input: chain(update("need-2", "need-1", obj{"constraints": obj{"max_amount": "25.00", "currency": "CNY"}})), output: known("constraints.max_amount", "25.00")})
	also := func(id, title string, output obj, updates ...any) {
		b.valid(spec{id: "need/update/" + id, title: title, requirements: rule, operation: "intent_context.update", input: chain(updates...), output: output})
	}
	also("002", "A list replaces the earlier list whole.", known("constraints.allowed_categories", list{"food/drink/tea"}), update("need-2", "need-1", obj{"constraints": obj{"allowed_categories": list{"food/drink/tea"}}}))
	also("003", "What is removed is dropped, and what is beside it stays.", known("constraints.delivery_time_requirement", nil), update("need-2", "need-1", obj{"removed": list{"constraints.delivery_time_requirement"}}))
	also("004", "An update of an update builds on both.", known("constraints.max_amount", "20.00", "response_requirements.sort_preference", "delivery"),
		update("need-2", "need-1", obj{"constraints": obj{"max_amount": "20.00", "currency": "CNY"}}), update("need-3", "need-2", obj{"response_requirements": obj{"sort_preference": "delivery"}}))
	also("005", "A member with the value that it had is no fault.", known(), update("need-2", "need-1", obj{"response_requirements": obj{"max_candidates": 3}}))
	also("006", "Removed and told anew by a later update, a member is back.", known("constraints.delivery_time_requirement", utc(now.Add(30*time.Minute))),
		update("need-2", "need-1", obj{"removed": list{"constraints.delivery_time_requirement"}}), update("need-3", "need-2", obj{"constraints": obj{"delivery_time_requirement": utc(now.Add(30 * time.Minute))}}))
	also("007", "A request alone is what it says.", known())
	no := func(id, title string, code protocol.Code, requirements []string, updates ...any) {
		b.invalid(ok, spec{id: "need/update/" + id, title: title, code: code, requirements: requirements}, put("messages", chain(updates...)["messages"]))
	}
	small := obj{"response_requirements": obj{"max_candidates": 1}}
	no("010", "What the earlier request did not have is not removed.", protocol.CodeFieldInvalid, rule,
		update("need-2", "need-1", obj{"removed": list{"constraints.max_amount"}}), update("need-3", "need-2", obj{"removed": list{"constraints.max_amount"}}))
	no("011", "An update of what the merchant does not know is not understood.", protocol.CodeContextUnknown, ids("CID-INT-XFR-04", "CID-INT-XFR-05"), update("need-2", "need-0", small))
	no("012", "An update belongs to the same intent.", protocol.CodeClaimsConflict, rule, message(append(needUpdate("need-2", "need-1", small), member("intent_id", "urn:uuid:00000000-0000-4000-8000-000000000000"))...))
	no("013", "An update belongs to the same mandate.", protocol.CodeClaimsConflict, rule, message(append(needUpdate("need-2", "need-1", small), member("delegation_id", nil))...))
	conflict := ids("CID-INT-XFR-04", "CID-INT-XFR-05")
	no("014", "An amount does not stay in another currency than it was sent with.", protocol.CodeConstraintConflict, conflict, update("need-2", "need-1", obj{"constraints": obj{"currency": "USD"}}))
	no("015", "An amount does not stay without its currency.", protocol.CodeConstraintConflict, conflict, update("need-2", "need-1", obj{"removed": list{"constraints.currency"}}))
	no("016", "Categories that are all forbidden as well leave nothing.", protocol.CodeConstraintConflict, conflict, update("need-2", "need-1", obj{"constraints": obj{"forbidden_categories": list{"food"}}}))
	no("017", "A delivery in the past is not met by anything.", protocol.CodeConstraintConflict, conflict, update("need-2", "need-1", obj{"constraints": obj{"delivery_time_requirement": utc(now.Add(-time.Second))}}))
}

// groupCandidates: answers to intent requests (SPEC.md 5.5).
func groupCandidates(b *builder) {
	rule := ids("CID-INT-XFR-03")
	text := func(change func(a, latte obj)) string {
		items := goods()["items"].(list)
		a := obj{"request_id": "need-1", "merchant_id": shopDID, "as_of": utc(now), "candidates": items}
		if change != nil {
			change(a, items[0].(obj))
		}
		return b.textOf("answer", a)
	}
	out := func(leftOut int, items ...any) obj {
		return obj{"candidates": append(list{}, items...), "left_out": leftOut}
	}
	ok := b.valid(spec{id: "need/answer/001", title: "An answer can be matched to its request and has candidates that can be used.", requirements: rule, operation: "intent_context.answer.verify",
		input: obj{"answer": text(nil), "sent": b.needRequest().text()}, output: out(0, "latte", "tea")})
	b.also(ok, spec{id: "need/answer/002", title: "A candidate without a price is left out.", requirements: ids("CID-INT-XFR-03", "CID-MER-CAT-03"), output: out(1, "tea")}, put("answer", text(func(_, l obj) { delete(l, "price") })))
	b.also(ok, spec{id: "need/answer/003", title: "A candidate with an unknown member is left out.", requirements: ids("CID-MER-CAT-03"), output: out(1, "tea")}, put("answer", text(func(_, l obj) { l["sponsored"] = true })))
	no := func(id, title string, code protocol.Code, change func(a, latte obj)) {
		b.invalid(ok, spec{id: "need/answer/" + id, title: title, code: code}, put("answer", text(change)))
	}
	no("010", "An answer to another request is none to this.", protocol.CodeClaimsConflict, func(a, _ obj) { a["request_id"] = "need-2" })
	no("011", "An answer of another merchant is none.", protocol.CodeClaimsConflict, func(a, l obj) { a["merchant_id"] = shop2DID; delete(l, "merchant_id") })
	no("012", "An answer without candidates is an error instead.", protocol.CodeFieldMissing, func(a, _ obj) { a["candidates"] = list{} })
	no("013", "An answer whose candidates all lack the minimum has none.", protocol.CodeFieldInvalid, func(a, l obj) {
		delete(l, "price")
		a["candidates"] = list{l}
	})
	no("014", "An id that two candidates share names neither.", protocol.CodeFieldInvalid, func(_, l obj) { l["item_id"] = "tea" })
	no("015", "An answer names its request.", protocol.CodeFieldMissing, func(a, _ obj) { delete(a, "request_id") })
	no("016", "An answer tells when it was so.", protocol.CodeFieldMissing, func(a, _ obj) { delete(a, "as_of") })
	no("017", "An answer is closed.", protocol.CodeFieldUnknown, func(a, _ obj) { a["more"] = true })
	no("020", "A merchant is named by a DID.", protocol.CodeFieldInvalid, func(a, l obj) { a["merchant_id"] = "shop.example"; delete(l, "merchant_id") })
	no("021", "An answer names its merchant.", protocol.CodeFieldMissing, func(a, l obj) { delete(a, "merchant_id"); delete(l, "merchant_id") })
	no("018", "An answer has at most a hundred candidates.", protocol.CodeTooLarge, func(a, _ obj) {
		many := list{}
		for i := range 101 {
			many = append(many, obj{"item_id": "i" + strconv.Itoa(i), "name": "x", "category": "food", "price": "1.00", "currency": "CNY"})
		}
		a["candidates"] = many
	})
	b.invalid(ok, spec{id: "need/answer/019", title: "More than 64 KiB are not read.", code: protocol.CodeTooLarge}, func(in obj) {
		in["answer"] = strings.Repeat(" ", 65537-len(in["answer"].(string))) + in["answer"].(string)
	})
}
