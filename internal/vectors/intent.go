package vectors

import (
	"crypto/sha256"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// words is what the principal said.
const words = "Two lattes for the meeting at noon, from one of our two shops."

// confirmedISR is a final ISR that has every member (SPEC.md 4.1).
func confirmedISR() obj {
	return obj{
		"conversation_history": obj{"user_intent_raw": words, "input_mode": list{"TEXT"}},
		"intent_id":            intentID, "delegation_mode": "SPECIFIED",
		"validity_start_time": utc(grantStart), "validity_end_time": utc(grantEnd),
		"max_total_amount": 200, "currency": "CNY", "allowed_payment_methods": list{walletURN},
		"agent_id": buyerDID, "user_confirmation_method": "FINGERPRINT", "user_confirmation_timestamp": utc(grantIssued),
		"ext": obj{
			"commerce": obj{
				"max_single_amount": 50, "min_single_amount": 1.5,
				"allowed_categories": list{"food"}, "forbidden_categories": list{"food/alcohol"},
				"allowed_merchants": list{shopDID, shop2DID}, "forbidden_merchants": list{"did:act:shop.example/bar"},
			},
			"agent_behavior": obj{
				"price_deviation_tolerance": 2.5, "price_deviation_action": "PAUSE_AND_NOTIFY",
				"on_payment_failure": "AUTO_RETRY", "max_retry_count": 2,
			},
			"fulfillment":    obj{"delivery_time_requirement": utc(now.Add(2 * time.Hour)), "delivery_address": "1 Lake Road\nLakeside"},
			"vendor_private": obj{"example.com": obj{"table": 7}},
		},
	}
}

// An intents makes cases of intent.check out of one ISR.
type intents struct {
	b     *builder
	isr   func() obj
	final bool
	ok    spec
}

// isr adds the valid case that others differ from.
func (b *builder) isr(id, title string, final bool, requirements []string, isr func() obj) *intents {
	i := &intents{b: b, isr: isr, final: final}
	i.ok = b.valid(i.spec(id, title, requirements, isr()))
	return i
}

func (i *intents) spec(id, title string, requirements []string, isr obj) spec {
	text := i.b.textOf(id, isr)
	return spec{
		id: id, title: title, requirements: requirements, operation: "intent.check",
		input:  obj{"isr": text, "final": i.final},
		output: obj{"digest": string(canon.Sum(i.b.value(id, isr)))},
	}
}

// with adds another valid case: path and value by turns.
func (i *intents) with(id, title, requirement string, changes ...any) {
	i.b.valid(i.spec(id, title, ids(requirement), changed(i.isr(), changes)))
}

// not adds a case with one defect: path and value by turns.
func (i *intents) not(id, title string, code protocol.Code, requirement string, changes ...any) {
	i.b.invalid(i.ok, spec{id: id, title: title, code: code, requirements: ids(requirement)}, func(in obj) {
		in["isr"] = i.b.textOf(id, changed(i.isr(), changes))
	})
}

// changed sets members by path and value.
func changed(o obj, changes []any) obj {
	for k := 0; k+1 < len(changes); k += 2 {
		set(o, changes[k].(string), changes[k+1])
	}
	return o
}

// groupIntent: results of intents (SPEC.md 4.1).
func groupIntent(b *builder) {
	f := b.isr("intent/final/001", "A confirmed result with every member is final.", true, ids("ADD-IAC-ISS-01", "ADD-INT-ICS-01"), confirmedISR)
	f.with("intent/final/002", "A BOUNDED result needs one main boundary: categories will do.", "ADD-IAC-ISS-01", "delegation_mode", "BOUNDED", "ext", obj{"commerce": obj{"allowed_categories": list{"food"}}}, "allowed_payment_methods", nil)
	f.with("intent/final/003", "Payment methods are a main boundary as well.", "ADD-IAC-ISS-01", "delegation_mode", "BOUNDED", "ext", nil)
	f.with("intent/final/004", "Merchants are a main boundary as well.", "ADD-IAC-ISS-01", "delegation_mode", "BOUNDED", "allowed_payment_methods", nil, "ext", obj{"commerce": obj{"allowed_merchants": list{shopDID}}})
	for i, name := range []string{
		"conversation_history", "intent_id", "delegation_mode", "validity_start_time", "validity_end_time", "max_total_amount", "currency", "agent_id",
	} {
		f.not("intent/final/01"+string(rune('0'+i)), "Without "+name+" no issuance starts.", protocol.CodeFieldMissing, "ADD-IAC-ISS-01", name, nil)
	}
	f.not("intent/final/020", "A result that nobody confirmed is not final.", protocol.CodeFieldMissing, "ADD-INT-ICS-04", "user_confirmation_method", nil, "user_confirmation_timestamp", nil)
	f.not("intent/final/021", "A confirmation without method is none.", protocol.CodeFieldMissing, "ADD-IAC-ISS-01", "user_confirmation_method", nil)
	f.not("intent/final/022", "A confirmation without time is none.", protocol.CodeFieldMissing, "ADD-INT-ICS-12", "user_confirmation_timestamp", nil)
	f.not("intent/final/023", "SPECIFIED names the merchants.", protocol.CodeFieldMissing, "ADD-IAC-ISS-01", "ext.commerce.allowed_merchants", nil)
	f.not("intent/final/024", "A total alone is no main boundary.", protocol.CodeFieldMissing, "ADD-IAC-ISS-01", "delegation_mode", "BOUNDED", "allowed_payment_methods", nil,
		"ext.commerce.allowed_merchants", nil, "ext.commerce.allowed_categories", nil)
	d := b.isr("intent/draft/001", "A draft may lack any member.", false, ids("ADD-INT-ICS-04"), func() obj { return obj{"max_total_amount": 20} })
	d.with("intent/draft/002", "A draft may be empty.", "ADD-INT-ICS-04", "max_total_amount", nil)
	d.not("intent/draft/003", "What a draft has keeps its rule.", protocol.CodeFieldInvalid, "ADD-INT-ICS-09", "max_total_amount", "20")
	d.not("intent/draft/004", "A method of confirmation needs its time, in a draft too.", protocol.CodeFieldMissing, "ADD-INT-ICS-12", "user_confirmation_method", "PIN")
	d.b.invalid(d.ok, spec{id: "intent/draft/020", title: "An intent is strict JSON: a member that stands twice refuses it.", code: protocol.CodeMalformed, requirements: ids("ADD-IAC-ISS-08")}, func(in obj) {
		in["isr"] = `{"max_total_amount":20,"max_total_amount":2000}`
	})
	d.b.invalid(d.ok, spec{id: "intent/draft/021", title: "A text without an object is no intent.", code: protocol.CodeFieldInvalid, requirements: ids("ADD-INT-ICS-04")}, func(in obj) { in["isr"] = `[]` })
	d.b.invalid(d.ok, spec{id: "intent/draft/022", title: "An intent has at most 64 KiB.", code: protocol.CodeTooLarge, requirements: ids("ADD-INT-ICS-01")}, func(in obj) {
		in["isr"] = `{"conversation_history":{"user_intent_raw":"` + strings.Repeat("a", 64<<10) + `"}}`
	})
	d.not("intent/draft/005", "An unknown member is refused.", protocol.CodeFieldUnknown, "ADD-INT-ICS-17", "max_daily_amount", 5)
	d.not("intent/draft/006", "An unknown namespace of ext is refused.", protocol.CodeFieldUnknown, "ADD-INT-ICS-17", "ext.insurance", obj{})
	d.not("intent/draft/007", "An unknown member of a standard extension is refused.", protocol.CodeFieldUnknown, "ADD-INT-ICS-17", "ext.commerce.allowed_regions", list{"CN"})
	d.with("intent/draft/008", "An empty namespace stands in the digest as it was written.", "ADD-IAC-ISS-13", "ext", obj{"commerce": obj{}, "vendor_private": obj{}})
	for i, name := range []string{"intent_id", "delegation_mode", "currency", "agent_id", "user_confirmation_method"} {
		d.not("intent/draft/01"+string(rune('0'+i)), "An empty "+name+" is none, in a draft too: who left it out would compute another digest.", protocol.CodeFieldMissing, "ADD-IAC-ISS-01", name, "",
			"user_confirmation_timestamp", utc(grantIssued))
	}
	draftEdges(d)
	conversations(b)
	intentTerms(f)
	intentExtensions(f)
}

// conversations: what the principal said (ADD-INT-ICS-01 to -03).
func conversations(b *builder) {
	turns := list{
		obj{"role": "USER", "content": "Two lattes", "create_time": "2026-11-01T16:58:00+08:00"},
		obj{"role": "ASSISTANT", "content": "", "create_time": "2026-11-01T08:58:10.250Z"},
	}
	const h = "conversation_history"
	f := b.isr("intent/words/001", "The words may be a text.", false, ids("ADD-INT-ICS-01"), func() obj { return obj{h: obj{"user_intent_raw": words}} })
	f.with("intent/words/002", "The words may be turns of a conversation, of which one may say nothing.", "ADD-INT-ICS-01", h, obj{"user_intent_raw": turns})
	f.with("intent/words/003", "A digest and a reference may stand for the words.", "ADD-INT-ICS-02", h, obj{"user_intent_raw_digest": string(canon.Sum([]byte(words))), "context_ref": "https://agents.example/c/1"})
	f.with("intent/words/004", "A mode of input that the receiver does not know changes nothing.", "ADD-INT-ICS-03", h+".input_mode", list{"TEXT", "VOICE", "IMAGE", "INTERACTIVE_CARD", "OTHER", "BRAIN_WAVES"})
	f.with("intent/words/005", "A reference may stand beside the words.", "ADD-INT-ICS-02", h+".context_ref", "https://agents.example/c/1")
	no := func(id, title string, code protocol.Code, requirement string, changes ...any) {
		f.not("intent/words/"+id, title, code, requirement, changes...)
	}
	no("010", "A conversation without words and without digest says nothing.", protocol.CodeFieldMissing, "ADD-INT-ICS-01", h, obj{"input_mode": list{"TEXT"}})
	no("011", "A digest needs a reference to what it is of.", protocol.CodeFieldMissing, "ADD-INT-ICS-02", h, obj{"user_intent_raw_digest": string(canon.Sum([]byte(words)))})
	no("012", "Empty words are none.", protocol.CodeFieldInvalid, "ADD-INT-ICS-01", h+".user_intent_raw", "")
	no("013", "A conversation of no turns is none.", protocol.CodeFieldInvalid, "ADD-INT-ICS-01", h+".user_intent_raw", list{})
	no("014", "Words are a text or turns.", protocol.CodeFieldInvalid, "ADD-INT-ICS-01", h+".user_intent_raw", obj{"role": "USER"})
	for i, name := range []string{"role", "content", "create_time"} {
		turn := obj{"role": "USER", "content": "coffee", "create_time": "2026-11-01T08:58:00Z"}
		delete(turn, name)
		no("02"+string(rune('0'+i)), "A turn has its "+name+".", protocol.CodeFieldMissing, "ADD-INT-ICS-01", h+".user_intent_raw", list{turn})
	}
	no("023", "The time of a turn is one.", protocol.CodeFieldInvalid, "ADD-INT-ICS-01", h+".user_intent_raw", list{obj{"role": "USER", "content": "coffee", "create_time": "yesterday"}})
	no("024", "A turn has no other members.", protocol.CodeFieldUnknown, "ADD-INT-ICS-01", h+".user_intent_raw", list{obj{"role": "USER", "content": "coffee", "create_time": "2026-11-01T08:58:00Z", "mood": "good"}})
	no("025", "A digest has the form of one.", protocol.CodeFieldInvalid, "ADD-INT-ICS-02", h+".user_intent_raw_digest", "sha-256:abc", h+".context_ref", "x")
	no("026", "Modes of input are an array.", protocol.CodeFieldInvalid, "ADD-INT-ICS-03", h+".input_mode", "TEXT")
	no("027", "A mode of input is a name.", protocol.CodeFieldInvalid, "ADD-INT-ICS-03", h+".input_mode", list{""})
	contexts(b, turns)
}

// contexts: that the content behind a reference is what the digest names.
func contexts(b *builder, turns list) {
	canonical := string(b.value("turns", turns))
	add := func(id, title, content, digested string, code protocol.Code, sibling spec) spec {
		i := intents{b: b}
		s := i.spec(id, title, ids("ADD-INT-ICS-02"), obj{"conversation_history": obj{"user_intent_raw_digest": string(canon.Sum([]byte(digested))), "context_ref": "https://agents.example/c/1"}})
		s.input["context"] = canon.EncodeBase64([]byte(content))
		if code == "" {
			return b.valid(s)
		}
		b.invalid(sibling, spec{id: id, title: title, code: code}, func(in obj) { in["context"] = s.input["context"] })
		return s
	}
	ok := add("intent/context/001", "The digest of a text is that of its UTF-8 bytes.", words+" ☕", words+" ☕", "", spec{})
	add("intent/context/002", "The digest of turns is that of their canonical form.", canonical, canonical, "", spec{})
	add("intent/context/003", "The digest of a file is that of its bytes.", "\x00\xff\xfe", "\x00\xff\xfe", "", spec{})
	add("intent/context/004", "Other content than the digest names is refused.", words, words+" ☕", protocol.CodeClaimsConflict, ok)
	sum := sha256.Sum256([]byte(words))
	b.invalid(ok, spec{id: "intent/context/005", title: "A digest by a hash function that the reader does not have compares nothing.", code: protocol.CodeFactMissing}, func(in obj) {
		in["isr"] = b.textOf("isr", obj{"conversation_history": obj{"user_intent_raw_digest": "sm3:" + canon.EncodeBase64(sum[:]), "context_ref": "https://agents.example/c/1"}})
	})
}

// intentTerms: the members that ISR and mandate share (ADD-INT-ICS-06 to -12).
func intentTerms(f *intents) {
	no := func(id, title, requirement string, changes ...any) {
		f.not("intent/term/"+id, title, protocol.CodeFieldInvalid, requirement, changes...)
	}
	f.with("intent/term/001", "An amount in yen is whole.", "ADD-INT-ICS-09", "currency", "JPY", "ext.commerce.min_single_amount", 1)
	f.with("intent/term/002", "An amount in a currency of three decimals has two at most.", "ADD-INT-ICS-09", "currency", "BHD", "max_total_amount", raw("199.25"))
	f.with("intent/term/003", "The largest amount is read.", "ADD-INT-ICS-09", "currency", "JPY", "max_total_amount", raw("9007199254740992"), "ext.commerce.min_single_amount", 1)
	no("010", "A mode is SPECIFIED or BOUNDED.", "ADD-INT-ICS-07", "delegation_mode", "UNLIMITED")
	no("011", "A mode is written in capitals.", "ADD-INT-ICS-07", "delegation_mode", "specified")
	no("012", "A window ends after it begins.", "ADD-INT-ICS-08", "validity_end_time", utc(grantStart))
	no("013", "A window that ends before it begins is none.", "ADD-INT-ICS-08", "validity_end_time", utc(grantStart.Add(-time.Second)))
	no("014", "A window is written in UTC: an offset of zero is not Z.", "ADD-INT-ICS-08", "validity_start_time", strings.Replace(utc(grantStart), "Z", "+00:00", 1))
	no("015", "A window is written in UTC.", "ADD-INT-ICS-08", "validity_start_time", "2026-11-01T17:00:00+08:00")
	no("016", "A window has whole seconds.", "ADD-INT-ICS-08", "validity_start_time", "2026-11-01T09:00:00.5Z")
	no("017", "A date is no time.", "ADD-INT-ICS-08", "validity_start_time", "2026-11-01")
	no("018", "A day that does not exist is none.", "ADD-INT-ICS-08", "validity_end_time", "2026-11-31T09:00:00Z")
	no("019", "A leap second is refused.", "ADD-INT-ICS-08", "validity_end_time", "2026-12-31T23:59:60Z")
	no("020", "An amount is a number.", "ADD-INT-ICS-09", "max_total_amount", "200")
	no("021", "An amount is not negative.", "ADD-INT-ICS-09", "max_total_amount", -1)
	no("022", "An amount has at most two decimals.", "ADD-INT-ICS-09", "max_total_amount", raw("200.001"))
	no("023", "Yen have no decimals.", "ADD-INT-ICS-09", "currency", "JPY", "max_total_amount", raw("200.5"), "ext.commerce.min_single_amount", 1)
	no("024", "An amount in a currency of three decimals has two at most.", "ADD-INT-ICS-09", "currency", "BHD", "max_total_amount", raw("199.255"))
	no("025", "More than 2^63-1 minor units are no amount.", "ADD-INT-ICS-09", "max_total_amount", raw("92233720368547760"))
	no("026", "A truth value is no amount.", "ADD-INT-ICS-09", "max_total_amount", true)
	no("027", "A currency is written in capitals.", "ADD-INT-ICS-10", "currency", "cny")
	no("028", "A currency that nobody has is none.", "ADD-INT-ICS-10", "currency", "RMB")
	no("029", "An empty list of payment methods allows nothing and is refused.", "ADD-INT-ICS-11", "allowed_payment_methods", list{})
	no("030", "A null is no list.", "ADD-INT-ICS-11", "allowed_payment_methods", raw("null"))
	no("031", "Payment methods are strings.", "ADD-INT-ICS-11", "allowed_payment_methods", list{1})
	no("032", "A payment method is a name without spaces.", "ADD-INT-ICS-11", "allowed_payment_methods", list{"a card"})
	no("033", "A time of confirmation is in UTC.", "ADD-INT-ICS-12", "user_confirmation_timestamp", "2026-11-01T16:59:00+08:00")
	no("034", "An id of an intent has no spaces.", "ADD-INT-ICS-06", "intent_id", "intent 1")
	no("035", "An id of an intent has at most 256 characters.", "ADD-INT-ICS-06", "intent_id", strings.Repeat("a", 257))
	no("036", "An agent is named by a DID.", "ADD-IAC-ISS-04", "agent_id", "the buyer")
	no("037", "Payment methods are a list.", "ADD-INT-ICS-11", "allowed_payment_methods", walletURN)
}

// intentExtensions: the namespaces of ext (ADD-INT-ICS-13 to -17).
func intentExtensions(f *intents) {
	no := func(id, title, requirement, path string, value any) {
		f.not("intent/ext/"+id, title, protocol.CodeFieldInvalid, requirement, "ext."+path, value)
	}
	f.with("intent/ext/001", "A single limit may be the total, and the minimum the single limit.", "ADD-INT-ICS-13", "ext.commerce.max_single_amount", 200, "ext.commerce.min_single_amount", 200)
	f.with("intent/ext/002", "No retry, no tolerance and no minimum are limits as well.", "ADD-INT-ICS-15", "ext.agent_behavior.max_retry_count", 0, "ext.agent_behavior.price_deviation_tolerance", 0, "ext.commerce.min_single_amount", 0)
	f.with("intent/ext/003", "A delivery time is the implementer's own text.", "ADD-INT-ICS-16", "ext.fulfillment.delivery_time_requirement", "before the meeting begins / 会议开始前")
	f.with("intent/ext/004", "A merchant may be named by any absolute URI.", "ADD-INT-ICS-14", "ext.commerce.allowed_merchants", list{"urn:uscc:91330000MA27XXXXXX", "https://shop.example/"})
	f.with("intent/ext/005", "Private members have any names and values.", "ADD-INT-ICS-17", "ext.vendor_private", obj{"delegation_mode": 7, "a b": list{obj{}, false}})
	f.with("intent/ext/006", "Other actions of the two lists are read.", "ADD-INT-ICS-15", "ext.agent_behavior.price_deviation_action", "AUTO_CANCEL", "ext.agent_behavior.on_payment_failure", "CANCEL")
	no("010", "A single limit is not above the total.", "ADD-INT-ICS-13", "commerce.max_single_amount", raw("200.01"))
	no("011", "A minimum is not above the single limit.", "ADD-INT-ICS-13", "commerce.min_single_amount", raw("50.01"))
	no("012", "A single limit is not negative.", "ADD-INT-ICS-13", "commerce.max_single_amount", -1)
	no("013", "A minimum is not negative.", "ADD-INT-ICS-13", "commerce.min_single_amount", -1)
	no("014", "A single limit is a number.", "ADD-INT-ICS-13", "commerce.max_single_amount", "50")
	no("015", "A minimum has at most two decimals.", "ADD-INT-ICS-13", "commerce.min_single_amount", raw("1.555"))
	for i, name := range []string{"allowed_categories", "forbidden_categories", "allowed_merchants", "forbidden_merchants"} {
		no("02"+string(rune('0'+i)), "An empty list is no wildcard: "+name+".", "ADD-INT-ICS-14", "commerce."+name, list{})
		no("03"+string(rune('0'+i)), "A list holds strings: "+name+".", "ADD-INT-ICS-14", "commerce."+name, list{7})
	}
	no("040", "A category has no empty segment.", "ADD-INT-ICS-14", "commerce.allowed_categories", list{"food//coffee"})
	no("041", "A category begins with a segment.", "ADD-INT-ICS-14", "commerce.allowed_categories", list{"/food"})
	no("042", "A category ends with a segment.", "ADD-INT-ICS-14", "commerce.forbidden_categories", list{"food/"})
	no("043", "A category is printable.", "ADD-INT-ICS-14", "commerce.allowed_categories", list{"food\ncoffee"})
	no("044", "A category has at most 256 bytes.", "ADD-INT-ICS-14", "commerce.allowed_categories", list{strings.Repeat("食", 86)})
	no("045", "A name for people identifies no merchant.", "ADD-INT-ICS-14", "commerce.allowed_merchants", list{"The coffee shop"})
	no("046", "A merchant is an absolute URI.", "ADD-INT-ICS-14", "commerce.forbidden_merchants", list{"shop.example"})
	no("047", "A scheme is written in small letters: names are compared byte by byte.", "ADD-INT-ICS-14", "commerce.allowed_merchants", list{"DID:act:shop.example/coffee"})
	no("048", "A merchant has no spaces in its name.", "ADD-INT-ICS-14", "commerce.allowed_merchants", list{"urn:shop:a b"})
	no("050", "A tolerance is not negative.", "ADD-INT-ICS-15", "agent_behavior.price_deviation_tolerance", -1)
	no("051", "A tolerance is a number, without a sign of percent.", "ADD-INT-ICS-15", "agent_behavior.price_deviation_tolerance", "5%")
	no("052", "What to do about prices is one of two.", "ADD-INT-ICS-15", "agent_behavior.price_deviation_action", "IGNORE")
	no("053", "What to do about failures is one of two.", "ADD-INT-ICS-15", "agent_behavior.on_payment_failure", "RETRY")
	no("054", "A number of retries is not negative.", "ADD-INT-ICS-15", "agent_behavior.max_retry_count", -1)
	no("055", "A number of retries is whole.", "ADD-INT-ICS-15", "agent_behavior.max_retry_count", raw("1.5"))
	no("056", "A number of retries that nobody means is refused.", "ADD-INT-ICS-15", "agent_behavior.max_retry_count", 1048577)
	no("060", "A delivery time that is empty is none.", "ADD-INT-ICS-16", "fulfillment.delivery_time_requirement", "")
	no("061", "A delivery time has at most 256 bytes.", "ADD-INT-ICS-16", "fulfillment.delivery_time_requirement", strings.Repeat("a", 257))
	no("062", "An address that is empty is none.", "ADD-INT-ICS-16", "fulfillment.delivery_address", "")
	no("063", "An address is printable in all of its lines.", "ADD-INT-ICS-16", "fulfillment.delivery_address", "1 Lake Road\x1b[2J")
	no("064", "An address is a text.", "ADD-INT-ICS-16", "fulfillment.delivery_address", obj{"street": "1 Lake Road"})
	no("065", "An address has at most 2048 bytes.", "ADD-INT-ICS-16", "fulfillment.delivery_address", strings.Repeat("a", 2049))
	no("070", "Private members are an object.", "ADD-INT-ICS-17", "vendor_private", list{1})
	no("071", "Private members hold no null, at any depth.", "ADD-INT-ICS-17", "vendor_private", obj{"a": list{raw("null")}})
	no("072", "A namespace is an object.", "ADD-INT-ICS-13", "commerce", list{})
}
