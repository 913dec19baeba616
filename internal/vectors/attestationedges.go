package vectors

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// groupAttestationEdges: the edges of records, anchors, disputes and evidence,
// and what the bodies of records say. Most of its cases were asked for by
// mutation.
func groupAttestationEdges(b *builder) {
	recordEdges(b)
	recordContents(b)
	disputeEdges(b)
	disputeCourses(b)
}

func recordEdges(b *builder) {
	x := &archive{b: b}
	x.ok = x.says("edge/001", "A record of which both parties have signed.", "VERIFIED", "", ids("TSD-ATT-OFF-08"), cosigned)
	x.says("edge/002", "A signature that is made by another algorithm than it names, and says so itself, is none.", "SIGNATURE_INVALID", shopDID, ids("TSD-ATT-OFF-11"), func(a *account) {
		a.signing = func(_ int, sig obj, message string) string {
			sig["signature_type"] = "ES256"
			return strings.Replace(message, `"signature_type":"ED25519"`, `"signature_type":"ES256"`, 1)
		}
	})
	x.no("edge/003", "Another version is not read, though it looks like this one.", protocol.CodeFieldInvalid, "TSD-ATT-OFF-10", recorded("record_version", "1.1"))
	x.no("edge/004", "Seventeen signatures are too many.", protocol.CodeTooLarge, "TSD-ATT-OFF-08", func(a *account) {
		a.finish = func(r obj) { r["signatures"] = slices.Repeat(r["signatures"].(list), 17) }
	})
	x.no("edge/005", "A salt is base64url.", protocol.CodeFieldInvalid, "TSD-ATT-OFF-04", tampered("privacy.salt", strings.Repeat("!", 43)))
	input := func(changes ...func(*account)) obj {
		a := b.account(keys.EdDSA, changes...)
		return obj{"anchor": a.anchorToken(), "documents": a.documents}
	}
	ok := b.valid(spec{id: "anchor/edge/001", title: "An anchor of a record that SM3 was used for is read by everybody.", requirements: ids("TSD-ATT-OCA-02"), operation: "attestation.anchor.verify",
		input: input(anchoredAs("hash_algorithm", "SM3")), output: obj{"submitter": shopDID, "record_id": deliveryID, "channel": retail, "issued_at": utc(anchorTime)}})
	for _, c := range []struct{ id, title, name, value string }{
		{"002", "An anchor of a record of another version.", "record_version", "1.1"},
		{"003", "An anchor with a hash by an algorithm that nobody has.", "hash_algorithm", "MD5"},
		{"004", "An anchor with a hash that is no base64url.", "payload_hash", strings.Repeat("!", 43)},
	} {
		b.invalid(ok, spec{id: "anchor/edge/" + c.id, title: c.title, code: protocol.CodeFieldInvalid}, func(in obj) { clear(in); maps.Copy(in, input(anchoredAs(c.name, c.value))) })
	}
	file := b.valid(spec{id: "evidence/edge/001", title: "An evidence file of a purchase.", requirements: ids("TSD-ATT-OFF-10"), operation: "evidence.verify", input: b.dossier().input(),
		output: obj{"verified": true, "faulty": false, "records": list{obj{"record_id": shopDID + "#rec-cart", "conclusion": "VERIFIED"}, obj{"record_id": deliveryID, "conclusion": "VERIFIED"}}}})
	for i, value := range []any{"", nil} {
		b.invalid(file, spec{id: "evidence/edge/00" + string(rune('2'+i)), title: "A proof is of a channel.", code: protocol.CodeFieldMissing}, func(in obj) {
			clear(in)
			maps.Copy(in, b.dossier(func(d *dossier) {
				d.finish = func(f obj) { set(f["anchors"].(list)[0].(obj), "channel", value) }
			}).input())
		})
	}
}

// recordContents: what the bodies of the ten types say (SPEC.md 10.1).
func recordContents(b *builder) {
	digest := sha256Digest("a document")
	price := obj{"amount": "18.00", "currency": "CNY"}
	with := func(m, more obj) obj { m = maps.Clone(m); maps.Copy(m, more); return m }
	short, later := utc(eventTime), utc(eventTime.Add(1))
	state := obj{"credential_digest": digest, "reason": "user-request"}
	for i, c := range []struct {
		event string
		body  obj
		least []string // that are needed
		bad   []obj    // one member each that has not its form
	}{
		{"delegation:intent-created", obj{"intent_digest": digest}, []string{"intent_digest"}, []obj{{"intent_digest": "x"}, {"intent_digest": 7}}},
		{"delegation:delegation-issued", obj{"credential_digest": digest, "valid_from": utc(eventTime), "valid_until": utc(now)}, []string{"credential_digest", "valid_from", "valid_until"},
			[]obj{{"credential_digest": "x"}, {"valid_from": "today"}, {"valid_until": short}, {"valid_until": later + "x"}}},
		{"delegation:delegation-suspended", state, nil, []obj{{"credential_digest": "x"}, {"reason": "User request"}, {"reason": strings.Repeat("r", 65)}, {"reason": 7}}},
		{"delegation:delegation-resumed", obj{"reason": "user-request"}, nil, []obj{{"reason": "a b"}}},
		{"delegation:delegation-revoked", obj{"credential_digest": digest}, nil, []obj{{"credential_digest": "sha-256:x"}}},
		{"delegation:delegation-expired", obj{}, nil, []obj{{"reason": "A"}}},
		{"commerce:decision-logged", obj{"decision_digest": digest, "candidates": 3, "chosen_digest": digest}, []string{"decision_digest", "candidates"},
			[]obj{{"decision_digest": "x"}, {"candidates": 0}, {"candidates": 1<<20 + 1}, {"candidates": "3"}, {"chosen_digest": "x"}}},
		{"commerce:cart-confirmed", with(price, obj{"order_digest": digest, "valid_until": utc(now)}), []string{"order_digest", "amount", "currency", "valid_until"},
			[]obj{{"order_digest": "x"}, {"amount": "18.001"}, {"currency": "cny"}, {"valid_until": "2026-11-01"}}},
		{"payment:transaction-completed", with(price, obj{"payment_method": walletURN, "proof_digest": digest}), []string{"amount", "currency", "payment_method", "proof_digest"},
			[]obj{{"payment_method": "wallet"}, {"proof_digest": "x"}, {"amount": 18}}},
		{"commerce:fulfillment-completed", obj{"delivered_at": utc(now), "result_digest": digest}, []string{"delivered_at"}, []obj{{"delivered_at": "now"}, {"result_digest": "x"}}},
	} {
		text := func(body obj) string {
			return b.account(keys.EdDSA, recorded("event_type", "act:"+c.event), recorded("event_body", body)).textOfRecord()
		}
		n := digits2(i + 1)
		ok := b.valid(spec{id: "record/content/" + n + "0", title: "What a record of " + c.event + " says, beside members that only its maker knows.", requirements: ids("TSD-ATT-OFF-01", "TSD-ATT-EVT-01"),
			operation: "attestation.record.content", input: obj{"record": text(with(c.body, obj{"note": "x"}))}, output: obj{"content": c.body}})
		for j, name := range c.least {
			body := maps.Clone(c.body)
			delete(body, name)
			b.invalid(ok, spec{id: "record/content/" + n + string(rune('1'+j)), title: "A record of " + c.event + " without " + name + " says less.", code: protocol.CodeFieldMissing}, put("record", text(body)))
		}
		for j, bad := range c.bad {
			name := slices.Sorted(maps.Keys(bad))[0]
			b.invalid(ok, spec{id: "record/content/" + n + string(rune('5'+j)), title: "A record of " + c.event + " says " + name + " in another form or value.", code: protocol.CodeFieldInvalid}, put("record", text(with(c.body, bad))))
		}
		if i == 0 {
			b.invalid(ok, spec{id: "record/content/990", title: "What is no record says nothing.", code: protocol.CodeMalformed}, put("record", "record"))
		}
	}
}

// disputeEdges: the four messages by themselves (SPEC.md 10.5).
func disputeEdges(b *builder) {
	q := b.quarrel()
	in := q.input()
	signers := documents(b.quarrelKey(buyerDID), b.quarrelKey(shopDID), b.quarrelKey(arbiterDID))
	application := maps.Clone(q.application)
	application["record_ids"] = list{deliveryID}
	call := maps.Clone(q.call)
	call["application_digest"] = b.digestOfMessage(asText(in["application"]))
	production := maps.Clone(q.production)
	production["call_digest"] = b.digestOfMessage(asText(in["call"]))
	decision := maps.Clone(q.decision)
	decision["application_digest"], decision["call_digest"], decision["disposed_at"] = call["application_digest"], production["call_digest"], utc(now)
	finding := func(name string) obj {
		return obj{"record_id": shopDID + "#" + name, "record_digest": sha256Digest(name), "conclusion": "VERIFIED"}
	}
	decision["findings"], decision["ground_record_ids"] = list{finding("rec-1"), finding("rec-2")}, list{shopDID + "#rec-1"}
	decision["presumed_against"] = list{buyerDID, shopDID}
	records := list{}
	for i := range 65 {
		records = append(records, fmt.Sprintf("%s#rec-%03d", shopDID, i))
	}
	type fault struct {
		title, name string
		value       any
		code        protocol.Code
	}
	invalid, conflict := protocol.CodeFieldInvalid, protocol.CodeClaimsConflict
	for i, k := range []struct {
		name, sender, party string
		message             obj
		faults              []fault
	}{
		{"application", buyerDID, arbiterDID, application, []fault{
			{"An applicant is named by an identifier.", "applicant_id", "buyer", invalid},
			{"Nobody disputes with themselves.", "respondent_ids", list{buyerDID}, conflict},
			{"Who applies does not decide.", "arbiter_id", buyerDID, conflict},
			{"Who is applied against does not decide.", "arbiter_id", shopDID, conflict},
			{"Not more records are named than can be examined.", "record_ids", records, protocol.CodeTooLarge},
		}},
		{"call", arbiterDID, arbiterDID, call, []fault{{"An arbiter is named by an identifier.", "arbiter_id", "desk", invalid}}},
		{"production", shopDID, shopDID, production, []fault{{"A party is named by an identifier.", "party_id", "shop", invalid}}},
		{"disposition", arbiterDID, arbiterDID, decision, []fault{
			{"An arbiter is named by an identifier.", "arbiter_id", "desk", invalid},
			{"Findings are sorted.", "findings", list{finding("rec-2"), finding("rec-1")}, invalid},
			{"A finding is told once.", "findings", list{finding("rec-1"), finding("rec-1"), finding("rec-2")}, invalid},
			{"Presumptions are sorted.", "presumed_against", list{shopDID, buyerDID}, invalid},
		}},
	} {
		n := string(rune('1' + i))
		s := b.quarrelKey(k.sender)
		text := b.disputeText(s, k.name, k.message)
		ok := b.valid(spec{
			id: "dispute/fault/" + n + "00", title: "A message of the kind dispute-" + k.name + " with all its parts.", requirements: ids("TSD-ATT-DSP-01"), operation: "attestation.dispute.verify",
			input:  obj{"kind": "dispute-" + k.name, "message": text, "party": k.party, "documents": signers},
			output: obj{"key_id": s.KeyID(), "digest": b.digestOfMessage(text)},
		})
		b.invalid(ok, spec{id: "dispute/fault/" + n + "01", title: "A text that is no JSON is no message.", code: protocol.CodeMalformed}, put("message", text[1:]))
		for j, f := range k.faults {
			b.invalid(ok, spec{id: "dispute/fault/" + n + digits2(j+10), title: f.title, code: f.code}, func(in obj) {
				m := b.copy(k.name, k.message)
				set(m, f.name, f.value)
				in["message"] = b.disputeText(s, k.name, m)
				if f.name == "arbiter_id" {
					in["party"] = f.value // who reads it as its own
				}
			})
		}
	}
}

// disputeCourses: what happens on the way to a disposition (SPEC.md 10.5).
func disputeCourses(b *builder) {
	rule := ids("TSD-ATT-DSP-01", "TSD-ATT-DSP-02")
	good := func(id, title, state string, silent list, changes ...func(*quarrel)) spec {
		return b.valid(spec{id: "dispute/way/" + id, title: title, requirements: rule, operation: "attestation.dispute.decide", input: b.quarrel(changes...).input(),
			output: obj{"state": state, "silent": silent, "presumable": silent}})
	}
	both := list{buyerDID, shopDID}
	entry := func(i int) obj {
		return obj{"record_id": fmt.Sprintf("%s#rec-%03d", shopDID, i), "record_digest": sha256Digest(fmt.Sprint(i))}
	}
	open := func(q *quarrel) { q.undecided, q.unexamined = true, true }
	nothing := func(q *quarrel) { open(q); q.productions = nil }
	produced := func(count int) func(*quarrel) {
		return func(q *quarrel) {
			open(q)
			records := list{}
			for i := range count {
				records = append(records, entry(i))
			}
			q.production["records"] = records
		}
	}
	struck := func(records ...any) func(*quarrel) { return func(q *quarrel) { q.struck = records } }
	quiet := good("001", "Where nobody has produced anything in time, both are silent.", "EXAMINING", both, nothing)
	share := good("002", "A party produces its whole share of the records.", "EXAMINING", list{buyerDID}, produced(32))
	gone := good("003", "A record whose text never came is struck, and its party has produced nothing.", "EXAMINING", both, produced(1), struck(entry(0)))
	good("004", "A dispute is decided on the silence of who named what never came.", "DISPOSED", both, produced(1), struck(entry(0)), func(q *quarrel) { q.undecided = false },
		decided("findings", nil), decided("ground_record_ids", nil), decided("presumed_against", both), decided("outcome", "UPHELD"))
	bad := func(sibling spec, id, title string, code protocol.Code, changes ...func(*quarrel)) {
		b.invalid(sibling, spec{id: "dispute/way/" + id, title: title, code: code}, func(in obj) { clear(in); maps.Copy(in, b.quarrel(changes...).input()) })
	}
	conflict := protocol.CodeClaimsConflict
	calls := func(name string, value any) func(*quarrel) { return func(q *quarrel) { q.call[name] = value } }
	bad(quiet, "010", "A call in another dispute.", conflict, nothing, calls("dispute_id", "dispute-2"))
	bad(quiet, "011", "A call by another arbiter than was applied to.", conflict, nothing, calls("arbiter_id", bobDID))
	bad(share, "012", "A party produces no more than its share.", protocol.CodeTooLarge, produced(33))
	bad(gone, "013", "A record that nobody produced is not struck.", conflict, produced(1), struck(entry(1)))
	bad(gone, "014", "A record is struck once.", conflict, produced(1), struck(entry(0), entry(0)))
	seen := good("020", "A record was examined.", "EXAMINING", list{buyerDID}, func(q *quarrel) { q.undecided = true })
	bad(seen, "021", "A record that was examined is not struck.", conflict, func(q *quarrel) {
		q.undecided, q.struck = true, q.production["records"].(list)
	})
	bad(seen, "022", "A conclusion is one of the seven.", protocol.CodeFieldInvalid, func(q *quarrel) { q.undecided, q.conclusion = true, "FINE" })
	bad(seen, "023", "What is no JSON is not examined.", protocol.CodeMalformed, func(q *quarrel) { q.undecided, q.record = true, q.record[1:] })
}
