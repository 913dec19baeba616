package vectors

import (
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// groupRecord: records and what is concluded of them (SPEC.md 10.1 to 10.3).
func groupRecord(b *builder) {
	x := &archive{b: b}
	rule := ids("TSD-ATT-OFF-01", "TSD-ATT-OFF-02", "TSD-ATT-OFF-05", "TSD-ATT-OFF-08", "TSD-ATT-OFF-11", "TSD-ATT-OCA-03", "TSD-ATT-SVF-01", "TSD-ATT-SVF-02")
	x.ok = x.says("verify/001", "A record that its initiator signed and the chain has anchored is verified.", "VERIFIED", "", rule)
	x.says("verify/002", "A participant has signed too.", "VERIFIED", "", ids("TSD-ATT-OFF-08", "TSD-ATT-SVF-07"), cosigned)
	es := b.account(keys.ES256, cosigned)
	b.valid(spec{id: "record/verify/003", title: "ES256 serves for records and anchors.", requirements: ids("TSD-ATT-OFF-11"), features: []string{"es256"}, operation: "attestation.record.verify",
		input: es.input(), output: obj{"conclusion": "VERIFIED", "whole": true}})
	x.says("verify/004", "The order of members and white space mean nothing.", "VERIFIED", "", ids("TSD-ATT-OFF-11"), func(a *account) {
		a.text = func(s string) string { return " " + strings.ReplaceAll(s, `,"`, " ,\n\"") }
	})
	x.says("verify/005", "A record may have an extension, and its signature then covers it.", "VERIFIED", "", ids("TSD-ATT-OFF-11"), recorded("ext", obj{"note": "x"}))
	x.says("verify/006", "An event body may say more than its type asks, and less.", "VERIFIED", "", ids("TSD-ATT-OFF-01"), recorded("event_body", obj{"floor": 3}))
	x.says("verify/007", "A record that was made later than its event is read.", "VERIFIED", "", ids("TSD-ATT-OFF-02", "TSD-ATT-OCA-05"), recorded("created_time", utc(eventTime.Add(time.Minute))))
	x.says("verify/008", "The record is the one that was asked for.", "VERIFIED", "", ids("TSD-ATT-SVF-01"), func(a *account) { a.asked = deliveryID })
	recordTypes(x)
	recordHash(x)
	recordSignature(x)
	recordKeys(x)
	recordAnchor(x)
	recordUpstream(x)
	recordForm(x)
	recordParties(x)
}

// recordTypes: the ten events and the links they need.
func recordTypes(x *archive) {
	order, trade := "merchant_order_id", "trade_no"
	for i, c := range []struct {
		event string
		needs []string
	}{
		{"delegation:intent-created", nil},
		{"delegation:delegation-issued", []string{"delegation_id"}},
		{"delegation:delegation-suspended", []string{"delegation_id"}},
		{"delegation:delegation-resumed", []string{"delegation_id"}},
		{"delegation:delegation-revoked", []string{"delegation_id"}},
		{"delegation:delegation-expired", []string{"delegation_id"}},
		{"commerce:decision-logged", nil},
		{"commerce:cart-confirmed", []string{order}},
		{"payment:transaction-completed", []string{order, trade}},
		{"commerce:fulfillment-completed", []string{order, trade}},
	} {
		event := recorded("event_type", "act:"+c.event)
		least := func(without string) func(*account) {
			links := obj{"intent_id": intentID}
			for _, name := range c.needs {
				if name != without {
					links[name] = "x-1"
				}
			}
			return recorded("links", links)
		}
		id := digits2(i + 1)
		x.says("type/0"+id, "A record of "+c.event+" has the links that it needs and no others.", "VERIFIED", "", ids("TSD-ATT-EVT-01", "TSD-ATT-EVT-03", "TSD-ATT-OFF-03"), event, least(""))
		for j, name := range c.needs {
			x.no("type/"+string(rune('1'+j))+id, "A record of "+c.event+" without "+name+" lacks a part.", protocol.CodeFieldMissing, "TSD-ATT-OFF-03", event, least(name))
		}
	}
	for i, event := range []string{"act:commerce:cart-created", "act:payment:refund-completed", "commerce:cart-confirmed", "ACT:commerce:cart-confirmed", "act:cart-confirmed"} {
		x.no("type/30"+string(rune('1'+i)), "An event type that is not one of the ten, "+event+", is refused.", protocol.CodeFieldInvalid, "TSD-ATT-EVT-01", recorded("event_type", event))
	}
}

// recordHash: the payload hash (TSD-ATT-OFF-05).
func recordHash(x *archive) {
	rule := ids("TSD-ATT-OFF-05", "TSD-ATT-SVF-01")
	wrong := func(id, title string, changes ...func(*account)) {
		x.says("hash/"+id, title, "PAYLOAD_HASH_MISMATCH", "", rule, changes...)
	}
	by := func(f func(payload string, salt []byte) []byte) func(*account) {
		return func(a *account) { a.hashed = f }
	}
	sum := func(parts ...[]byte) []byte { s := sha256.Sum256(slices.Concat(parts...)); return s[:] }
	wrong("001", "The event body was changed, and the initiator has signed what it is now.", resealed("event_body.delivered_at", utc(eventTime.Add(time.Second))))
	wrong("002", "A participant was changed.", resealed("participants", list{obj{"id": shopDID, "role": "MERCHANT"}}))
	wrong("003", "The salt was changed.", resealed("privacy.salt", canon.EncodeBase64(bytesOf("another salt", 32))))
	wrong("004", "The hash was changed.", resealed("privacy.payload_hash", canon.EncodeBase64(bytesOf("another hash", 32))))
	wrong("005", "The salt is hashed as bytes, not as its text.", by(func(p string, salt []byte) []byte { return sum([]byte(p), []byte(canon.EncodeBase64(salt))) }))
	wrong("006", "The salt stands behind the content.", by(func(p string, salt []byte) []byte { return sum(salt, []byte(p)) }))
	wrong("007", "A hash without the salt can be guessed.", by(func(p string, _ []byte) []byte { return sum([]byte(p)) }))
	wrong("008", "The hash is of exactly two members, and not of the event body alone.", func(a *account) {
		body := string(a.b.value("body", a.record["event_body"]))
		a.hashed = func(_ string, salt []byte) []byte { return sum([]byte(body), salt) }
	})
	wrong("009", "Hash and signatures are wrong: the hash is looked at first.", func(a *account) {
		a.finish = func(r obj) { set(r, "event_body.delivered_at", utc(now)) }
	})
}

// recordSignature: every signature of a record (TSD-ATT-OFF-08, TSD-ATT-SVF-07).
func recordSignature(x *archive) {
	rule := ids("TSD-ATT-SVF-07", "TSD-ATT-OFF-08")
	wrong := func(id, title, signer string, changes ...func(*account)) {
		x.says("signature/"+id, title, "SIGNATURE_INVALID", signer, rule, changes...)
	}
	wrong("001", "A link was changed behind the signature.", shopDID, tampered("links.trade_no", "trade-2"))
	wrong("002", "The time of the event was changed behind the signature.", shopDID, tampered("event_time", utc(eventTime.Add(-time.Second))))
	wrong("003", "The type of the event was changed behind the signature.", shopDID, tampered("event_type", "act:payment:transaction-completed"))
	wrong("004", "The id of the record was changed behind the signature.", shopDID, tampered("record_id", shopDID+"#rec-ffffffffffffffffffffffffffffffff"))
	wrong("005", "The time of creation was changed behind the signature.", shopDID, tampered("created_time", utc(eventTime.Add(time.Second))))
	wrong("006", "An extension was changed behind the signature.", shopDID, recorded("ext", obj{"note": "x"}), tampered("ext.note", "y"))
	other := func(i int) func(*account) {
		return func(a *account) {
			a.signing = func(j int, _ obj, message string) string {
				if i == j {
					message += " "
				}
				return message
			}
		}
	}
	wrong("007", "The signature is over something else.", shopDID, other(0))
	wrong("008", "The initiator's signature is good and that of another party is not.", buyerDID, cosigned, other(1))
	wrong("009", "The record alone was signed, without its kind before it.", shopDID, func(a *account) {
		a.signing = func(_ int, _ obj, message string) string {
			return strings.TrimPrefix(message, "act-go/1 attestation-record\n")
		}
	})
	wrong("010", "A signature of another kind of message is none of a record.", shopDID, func(a *account) {
		a.signing = func(_ int, _ obj, message string) string {
			return strings.Replace(message, "attestation-record", "payment-request", 1)
		}
	})
	wrong("011", "The algorithm that a signature names is the one of its key.", shopDID, func(a *account) {
		a.signing = func(_ int, sig obj, message string) string { sig["signature_type"] = "ES256"; return message }
	})
	wrong("012", "The signature is by another key than it names.", shopDID, func(a *account) {
		entry := a.documents[shopDID].(obj)["verificationMethod"].(list)
		set(entry[0].(obj), "publicKeyJwk", jwk(a.b.signer(shopDID+"#other", keys.Attestation, keys.EdDSA)))
	})
	wrong("013", "A signature and the anchor are wrong: the signature is looked at first.", shopDID, other(0), func(a *account) { a.noAnchor = true })
}

// recordKeys: keys of the time of the event (TSD-ATT-SVF-05).
func recordKeys(x *archive) {
	rule := ids("TSD-ATT-SVF-05", "TSD-ATT-SVF-03")
	no := func(id, title, signer string, changes ...func(*account)) {
		x.says("key/"+id, title, "PUBLIC_KEY_UNAVAILABLE", signer, rule, changes...)
	}
	until := func(keyID string, t time.Time) func(*account) { return keyEntry(keyID, "actValidUntil", utc(t)) }
	x.says("key/001", "A key that was rotated since the event verifies what it signed in its time.", "VERIFIED", "", rule, until(shopAttest, eventTime.Add(time.Second)))
	x.says("key/002", "A key whose time began with the event is good.", "VERIFIED", "", rule, keyEntry(shopAttest, "actValidFrom", utc(eventTime)))
	no("003", "The signer's document cannot be had: nothing is said of the record.", shopDID, func(a *account) { delete(a.documents, shopDID) })
	no("004", "A co-signer's document cannot be had.", buyerDID, cosigned, func(a *account) { delete(a.documents, buyerDID) })
	no("005", "The document does not have the key.", shopDID, keyEntry(shopAttest, "id", shopDID+"#elsewhere"))
	no("006", "The key is declared for another purpose.", shopDID, keyEntry(shopAttest, "actPurpose", "seller"))
	no("007", "The key's time ended with the event.", shopDID, until(shopAttest, eventTime))
	no("008", "The key's time began after the event.", shopDID, keyEntry(shopAttest, "actValidFrom", utc(eventTime.Add(time.Second))))
	no("009", "A key that is compromised is good at no time.", shopDID, keyEntry(shopAttest, "actCompromised", true))
	no("010", "The key of the anchor is declared for another purpose.", shopDID, keyEntry(shopAnchor, "actPurpose", "seller"))
	no("011", "The key of the anchor was retired before it signed.", shopDID, until(shopAnchor, anchorTime))
	no("012", "The key of the anchor is compromised.", shopDID, keyEntry(shopAnchor, "actCompromised", true))
	x.says("key/013", "The key of the anchor was retired after it had signed.", "VERIFIED", "", rule, until(shopAnchor, anchorTime.Add(time.Second)))
	old := func(a *account) {
		event := now.Add(-48 * time.Hour)
		a.record["event_time"], a.record["created_time"] = utc(event), utc(event)
	}
	x.says("key/014", "A record that was anchored two days late verifies by keys that are good still.", "VERIFIED", "", rule, old)
	no("015", "Who finds a key that was retired makes no record of its time: it was not good in the day before the chain had it.", shopDID, old,
		until(shopAttest, chainTime.Add(-24*time.Hour)))
	x.says("key/016", "A key that was retired less than a day before the chain had the anchor is good.", "VERIFIED", "", rule, old,
		until(shopAttest, chainTime.Add(-24*time.Hour+time.Second)))
	no("017", "A key is missing and the hash is wrong: the key is looked for first, and nobody is called a forger.", shopDID, func(a *account) { delete(a.documents, shopDID) },
		resealed("privacy.payload_hash", canon.EncodeBase64(bytesOf("another hash", 32))))
}

// recordAnchor: what the chain has (TSD-ATT-OCA-03, TSD-ATT-SVF-02 to -04).
func recordAnchor(x *archive) {
	rule := ids("TSD-ATT-OCA-03", "TSD-ATT-SVF-01")
	wrong := func(id, title string, changes ...func(*account)) {
		x.says("anchor/"+id, title, "CHAIN_HASH_MISMATCH", "", rule, changes...)
	}
	x.says("anchor/001", "The chain says that it has no anchor.", "ANCHOR_NOT_FOUND", "", ids("TSD-ATT-SVF-02"), func(a *account) { a.noAnchor = true })
	x.says("anchor/002", "An anchor in another channel is none in this.", "ANCHOR_NOT_FOUND", "", ids("TSD-ATT-SVF-02"), func(a *account) { a.channel = "wholesale"; a.anchor["channel"] = "wholesale" })
	x.says("anchor/003", "A chain that does not answer says nothing of the record.", "ANCHOR_QUERY_TIMEOUT", "", ids("TSD-ATT-SVF-03", "TSD-ATT-SVF-04"), func(a *account) { a.silent = true })
	x.says("anchor/004", "An answer of the future is none.", "ANCHOR_QUERY_TIMEOUT", "", ids("TSD-ATT-SVF-03"), func(a *account) { a.at = now.Add(61 * time.Second) })
	wrong("010", "The anchor has another hash.", anchoredAs("payload_hash", canon.EncodeBase64(bytesOf("another hash", 32))))
	wrong("011", "The anchor has another hash algorithm.", anchoredAs("hash_algorithm", "SM3"))
	wrong("012", "The anchor is of another type of event.", anchoredAs("event_type", "act:payment:transaction-completed"))
	wrong("013", "The anchor has another time of the event.", anchoredAs("event_time", utc(eventTime.Add(-time.Second))))
	wrong("014", "The anchor has another intent.", anchoredAs("intent_id", "urn:uuid:0f0e8bd0-6b1f-4f7e-8d7d-0c1f5f0f8a02"))
	wrong("015", "The anchor has another mandate.", anchoredAs("delegation_id", "urn:uuid:7b0c2f1e-0d1c-4b7a-9a55-1f1f6f1c1d12"))
	wrong("016", "The anchor lacks a link that the record has.", anchoredAs("delegation_id", nil))
	wrong("017", "The anchor has another order.", anchoredAs("merchant_order_id", "order-2"))
	wrong("018", "The anchor has another trade.", anchoredAs("trade_no", "trade-2"))
	wrong("019", "The anchor is of another record.", anchoredAs("record_id", shopDID+"#rec-ffffffffffffffffffffffffffffffff"))
	wrong("020", "The anchor is of another version.", anchoredAs("record_version", "1.1"))
	wrong("021", "The anchor names another channel than the one that was asked.", anchoredAs("channel", "wholesale"))
	wrong("022", "The anchor was signed more than a minute before the record was made.", anchoredAs("iat", numericDate(eventTime)-61))
	x.says("anchor/023", "A minute between two clocks is borne.", "VERIFIED", "", rule, anchoredAs("iat", numericDate(eventTime)-60))
	wrong("024", "The anchor was signed more than a minute after the chain had it.", anchoredAs("iat", numericDate(chainTime)+61))
	wrong("025", "The anchor's signature does not verify.", func(a *account) {
		a.token = part(1, func(s string) string { return strings.Replace(s, `"iat":`, `"iat": `, 1) })
	})
	wrong("026", "The anchor names another algorithm than its key's.", func(a *account) { set(a.header, "alg", "ES256") })
	wrong("027", "The anchor is by somebody else than the initiator.", func(a *account) {
		a.anchorer = a.b.signer(buyerDID+"#anchor", keys.Anchor, keys.EdDSA)
		a.header, a.documents[buyerDID] = headerOf(a.anchorer, keys.TypeAnchor), documents(a.anchorer)[buyerDID]
	})
	wrong("028", "What the chain has is no anchor.", func(a *account) { a.token = func(string) string { return "x" } })
	wrong("029", "An anchor that says more than it may is none.", anchoredAs("amount", "18.00"))
}

// recordUpstream: what led to an event, when it is wanted. What is wrong there
// leaves the record its conclusion.
func recordUpstream(x *archive) {
	const cartID = shopDID + "#rec-cart"
	cart := func(changes ...func(*account)) *account {
		return x.b.account(keys.EdDSA, append([]func(*account){func(a *account) {
			a.record["record_id"], a.record["event_type"] = cartID, "act:commerce:cart-confirmed"
			set(a.record, "privacy.salt", canon.EncodeBase64(bytesOf("salt of the cart", 32)))
		}}, changes...)...)
	}
	after := func(changes ...func(*account)) func(*account) {
		return func(a *account) {
			set(a.record, "links.upstream", list{cartID})
			a.upstream = list{cart(changes...)}
		}
	}
	says := func(id, title string, whole bool, requirement string, changes ...func(*account)) {
		x.b.valid(spec{id: "record/upstream/" + id, title: title, requirements: ids(requirement, "TSD-ATT-SVF-01"), operation: "attestation.record.verify",
			input: x.b.account(keys.EdDSA, changes...).input(), output: obj{"conclusion": "VERIFIED", "whole": whole}})
	}
	says("001", "What led to the event is verified too.", true, "TSD-ATT-OFF-03", after())
	says("002", "What is upstream is looked at only when it is wanted.", true, "TSD-ATT-OFF-03", func(a *account) { set(a.record, "links.upstream", list{cartID}) })
	says("003", "A record upstream that cannot be had leaves a purchase in pieces.", false, "TSD-ATT-OFF-03", after(), func(a *account) {
		set(a.record, "links.upstream", list{cartID, shopDID + "#rec-other"})
	})
	says("004", "A record upstream of another intent is of another process.", false, "TSD-ATT-OFF-03", after(recorded("links.intent_id", "urn:uuid:0f0e8bd0-6b1f-4f7e-8d7d-0c1f5f0f8a02")))
	later := func(seconds int) func(*account) {
		return func(a *account) {
			t := utc(eventTime.Add(time.Duration(seconds) * time.Second))
			a.record["event_time"], a.record["created_time"] = t, t
		}
	}
	says("005", "A record upstream does not happen more than a minute later.", false, "TSD-ATT-OFF-03", after(later(61)))
	says("006", "A minute between two clocks is borne.", true, "TSD-ATT-OFF-03", after(later(60)))
	says("007", "A salt that two records have tells which contents are alike.", false, "TSD-ATT-OFF-04",
		after(recorded("privacy.salt", canon.EncodeBase64(bytesOf("salt of the delivery", 32)))))
	says("008", "A record upstream that was changed is found.", false, "TSD-ATT-SVF-07", after(tampered("links.merchant_order_id", "order-2")))
}

// recordForm: what is no record has no conclusion (TSD-ATT-SVF-02).
func recordForm(x *archive) {
	gone := func(path string) func(*account) { return tampered(path, nil) }
	for i, name := range []string{
		"record_version", "record_id", "event_type", "event_time", "created_time", "links", "privacy", "participants", "event_body", "signatures",
		"links.intent_id", "privacy.salt", "privacy.payload_hash", "privacy.hash_algorithm",
	} {
		requirement := "TSD-ATT-OFF-01"
		switch {
		case name == "links.intent_id":
			requirement = "TSD-ATT-OFF-03"
		case name == "privacy.salt":
			requirement = "TSD-ATT-OFF-04"
		case i < 5:
			requirement = "TSD-ATT-OFF-02"
		}
		x.no("form/0"+digits2(i+1), "A record without "+name+" lacks a part.", protocol.CodeFieldMissing, requirement, gone(name))
	}
	x.no("form/020", "An unknown member is refused: a record is closed.", protocol.CodeFieldUnknown, "TSD-ATT-OFF-01", recorded("note", "x"))
	x.no("form/021", "A version that is not known is refused, whatever else there is.", protocol.CodeFieldInvalid, "TSD-ATT-OFF-10", recorded("record_version", "1.1"), recorded("note", "x"))
	x.no("form/022", "A record is made when its event has happened, or later.", protocol.CodeFieldInvalid, "TSD-ATT-OFF-02", recorded("created_time", utc(eventTime.Add(-time.Second))))
	x.no("form/023", "A time ends in Z.", protocol.CodeFieldInvalid, "TSD-ATT-OFF-02", recorded("event_time", "2026-11-01T17:45:00+08:00"))
	x.no("form/024", "A time has whole seconds.", protocol.CodeFieldInvalid, "TSD-ATT-OFF-02", recorded("event_time", "2026-11-01T09:45:00.5Z"))
	x.no("form/025", "A salt of 128 bits is none of ours.", protocol.CodeFieldInvalid, "TSD-ATT-OFF-04", recorded("privacy.salt", canon.EncodeBase64(bytesOf("short", 16))))
	x.no("form/026", "A salt has no padding.", protocol.CodeFieldInvalid, "TSD-ATT-OFF-04", tampered("privacy.salt", canon.EncodeBase64(bytesOf("salt of the delivery", 32))+"="))
	x.no("form/027", "A hash algorithm that nobody has is refused.", protocol.CodeFieldInvalid, "TSD-ATT-OFF-05", recorded("privacy.hash_algorithm", "MD5"))
	x.no("form/028", "SM3 is read only by who was given it.", protocol.CodeAlgorithmRefused, "TSD-ATT-OFF-05", recorded("privacy.hash_algorithm", "SM3"))
	x.no("form/029", "A hash has 32 bytes.", protocol.CodeFieldInvalid, "TSD-ATT-OFF-05", tampered("privacy.payload_hash", "AAAA"))
	x.no("form/030", "An event body is an object.", protocol.CodeFieldInvalid, "TSD-ATT-OFF-01", recorded("event_body", list{"x"}))
	x.no("form/031", "An event body has 16 KiB at most.", protocol.CodeTooLarge, "TSD-ATT-OFF-01", recorded("event_body", obj{"x": strings.Repeat("x", 16<<10)}))
	x.no("form/032", "The id of a record is one of its initiator's.", protocol.CodeFieldInvalid, "TSD-ATT-OFF-02", recorded("record_id", "rec-1"))
	x.no("form/033", "A record is not upstream of itself.", protocol.CodeFieldInvalid, "TSD-ATT-OFF-03", recorded("links.upstream", list{deliveryID}))
	x.no("form/034", "A record upstream is named once.", protocol.CodeFieldInvalid, "TSD-ATT-OFF-03", recorded("links.upstream", list{shopDID + "#a", shopDID + "#a"}))
	x.no("form/035", "Nothing upstream is no list.", protocol.CodeFieldInvalid, "TSD-ATT-OFF-03", recorded("links.upstream", list{}))
	x.no("form/036", "A link that is not known is refused.", protocol.CodeFieldUnknown, "TSD-ATT-OFF-03", recorded("links.refund_no", "r-1"))
	x.no("form/037", "Another record than the one that was asked for is none.", protocol.CodeClaimsConflict, "TSD-ATT-SVF-01", func(a *account) { a.asked = shopDID + "#rec-other" })
	x.no("form/090", "What comes for the id of a record is read like any other.", protocol.CodeMalformed, "TSD-ATT-SVF-01", func(a *account) {
		a.asked, a.text = deliveryID, func(s string) string { return s + "}" }
	})
	x.no("form/038", "What is no JSON is no record.", protocol.CodeMalformed, "TSD-ATT-OFF-01", func(a *account) { a.text = func(s string) string { return s + "}" } })
	x.no("form/039", "A member that stands twice has no one meaning.", protocol.CodeMalformed, "TSD-ATT-OFF-01", func(a *account) {
		a.text = func(s string) string { return strings.Replace(s, "{", `{"record_version":"1.0",`, 1) }
	})
}

// recordParties: participants and signatures (TSD-ATT-OFF-06, -08, -11).
func recordParties(x *archive) {
	shop, buyer := obj{"id": shopDID, "role": "MERCHANT"}, obj{"id": buyerDID, "role": "PAYER_AGENT"}
	with := func(p ...any) func(*account) { return recorded("participants", append(list{shop}, p...)) }
	many := list{}
	for i := range 16 {
		many = append(many, obj{"id": shopDID + string(rune('a'+i)), "role": "PSP"})
	}
	x.no("party/001", "There is at least one participant.", protocol.CodeFieldMissing, "TSD-ATT-OFF-06", recorded("participants", list{}))
	x.no("party/002", "A role that nobody has is refused.", protocol.CodeFieldInvalid, "TSD-ATT-OFF-06", with(obj{"id": buyerDID, "role": "BUYER"}))
	x.no("party/003", "A participant has a role.", protocol.CodeFieldMissing, "TSD-ATT-OFF-06", with(obj{"id": buyerDID}))
	x.no("party/004", "A participant has an identifier that can be resolved.", protocol.CodeFieldInvalid, "TSD-ATT-OFF-06", with(obj{"id": "buyer", "role": "PAYER_AGENT"}))
	x.no("party/005", "A party has one role.", protocol.CodeFieldInvalid, "TSD-ATT-OFF-06", with(obj{"id": shopDID, "role": "PSP"}))
	x.no("party/006", "A role has one party.", protocol.CodeFieldInvalid, "TSD-ATT-OFF-06", with(obj{"id": buyerDID, "role": "MERCHANT"}))
	x.no("party/007", "Seventeen participants are too many.", protocol.CodeTooLarge, "TSD-ATT-OFF-06", with(many...))
	x.no("party/008", "The initiator is a participant.", protocol.CodeClaimsConflict, "TSD-ATT-OFF-06", recorded("participants", list{buyer}))
	x.no("party/009", "A member of a participant that is not known is refused.", protocol.CodeFieldUnknown, "TSD-ATT-OFF-06", with(obj{"id": buyerDID, "role": "PAYER_AGENT", "name": "Ann"}))
	x.no("party/010", "Without a signature there is no word of anybody.", protocol.CodeFieldMissing, "TSD-ATT-OFF-08", func(a *account) { a.signers = nil })
	x.no("party/011", "The first signature is the initiator's.", protocol.CodeClaimsConflict, "TSD-ATT-OFF-08", cosigned, func(a *account) { slices.Reverse(a.signers) })
	x.no("party/012", "A party signs once.", protocol.CodeFieldInvalid, "TSD-ATT-OFF-08", func(a *account) { a.signers = append(a.signers, a.signers[0]) })
	x.no("party/013", "Who is no participant has nothing to sign.", protocol.CodeClaimsConflict, "TSD-ATT-OFF-08", cosigned, with())
	signature := func(name string, value any) func(*account) {
		return func(a *account) {
			a.finish = func(r obj) { set(r["signatures"].(list)[0].(obj), name, value) }
		}
	}
	all := list{"created_time", "event_body", "event_time", "event_type", "links", "participants", "privacy", "record_id", "record_version"}
	x.no("party/014", "A signature covers the event body.", protocol.CodeFieldInvalid, "TSD-ATT-OFF-08", signature("covered_fields", slices.Delete(slices.Clone(all), 1, 2)))
	x.no("party/015", "A signature says what it covers in one order.", protocol.CodeFieldInvalid, "TSD-ATT-OFF-11", signature("covered_fields", append(slices.Clone(all[1:]), "created_time")))
	x.no("party/016", "A signature does not cover what is not there.", protocol.CodeFieldInvalid, "TSD-ATT-OFF-11", signature("covered_fields", append(slices.Clone(all), "signatures")))
	x.no("party/017", "A signature says by whom it is.", protocol.CodeFieldMissing, "TSD-ATT-OFF-11", signature("signer_id", nil))
	x.no("party/018", "A signature says by which algorithm it is.", protocol.CodeFieldMissing, "TSD-ATT-OFF-11", signature("signature_type", nil))
	x.no("party/019", "An algorithm that nobody has is refused.", protocol.CodeAlgorithmRefused, "TSD-ATT-OFF-11", signature("signature_type", "RS256"))
	x.no("party/020", "SM2 is read only by who was given it.", protocol.CodeAlgorithmRefused, "TSD-ATT-OFF-11", signature("signature_type", "SM2"))
	x.no("party/021", "A signature has 64 bytes.", protocol.CodeFieldInvalid, "TSD-ATT-OFF-11", signature("signature", "AAAA"))
	x.no("party/022", "A signature is base64url without padding.", protocol.CodeFieldInvalid, "TSD-ATT-OFF-11", signature("signature", strings.Repeat("A", 86)+"=="))
}
