package vectors

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

const arbiterDID = "did:act:arbiter.example/desk"

// disputeText signs a message of a dispute; its name is that of the kind without
// "dispute-".
func (b *builder) disputeText(s *keys.Signer, name string, m obj) string {
	m = b.copy(name, m)
	if m["signer_id"] == nil {
		m["signer_id"] = s.KeyID()
	}
	m["signature_type"] = s.Public().Algorithm().SignatureType()
	covered := list{}
	for _, field := range slices.Sorted(maps.Keys(m)) {
		covered = append(covered, field)
	}
	covered = append(covered, "signature_covered_fields")
	slices.SortFunc(covered, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
	m["signature_covered_fields"] = covered
	return b.signedText(s, "dispute-"+name, m)
}

// digestOfMessage is that of a signed message without its signature.
func (b *builder) digestOfMessage(text string) string {
	m := object([]byte(text))
	delete(m, "signature")
	return sha256Digest(string(b.value("digest", m)))
}

// A quarrel is a dispute in the making (SPEC.md 10.5): the buyer says that the
// shop has not delivered.
type quarrel struct {
	b                                       *builder
	application, call, production, decision obj
	productions                             []obj  // one a production, by who signs it
	arrived                                 string // of each of them
	record                                  string
	conclusion                              string
	closed                                  time.Time
	struck                                  list
	undecided, unexamined                   bool
}

func (b *builder) quarrelKey(did string) *keys.Signer {
	return b.signer(did+"#att", keys.Attestation, keys.EdDSA)
}

func (b *builder) quarrel(changes ...func(*quarrel)) *quarrel {
	record := b.account(keys.EdDSA).textOfRecord()
	q := &quarrel{
		b: b, record: record, conclusion: "VERIFIED", closed: now, arrived: utc(now.Add(-time.Hour)),
		application: obj{
			"dispute_id": "dispute-1", "dispute_type": "not-delivered", "applicant_id": buyerDID, "respondent_ids": list{shopDID}, "arbiter_id": arbiterDID,
			"intent_id": intentID, "trade_no": "trade-1", "description": "Nothing came.", "applied_at": utc(now.Add(-72 * time.Hour)),
		},
		call:       obj{"dispute_id": "dispute-1", "arbiter_id": arbiterDID, "party_ids": list{buyerDID, shopDID}, "called_at": utc(now.Add(-48 * time.Hour)), "deadline": utc(now)},
		production: obj{"dispute_id": "dispute-1", "party_id": shopDID, "records": list{obj{"record_id": deliveryID, "record_digest": sha256Digest(record)}}, "produced_at": utc(now.Add(-time.Hour))},
		decision: obj{
			"dispute_id": "dispute-1", "arbiter_id": arbiterDID, "findings": list{obj{"record_id": deliveryID, "record_digest": sha256Digest(record), "conclusion": "VERIFIED"}},
			"presumed_against": list{buyerDID}, "ground_record_ids": list{deliveryID}, "outcome": "REJECTED", "reasons": "The delivery was recorded at its time.", "disposed_at": utc(now.Add(time.Hour)),
		},
	}
	q.productions = []obj{q.production}
	for _, change := range changes {
		change(q)
	}
	return q
}

// input is that of attestation.dispute.decide.
func (q *quarrel) input() obj {
	b := q.b
	application := b.disputeText(b.quarrelKey(asText(q.application["applicant_id"])), "application", q.application)
	call := maps.Clone(q.call)
	if call["application_digest"] == nil {
		call["application_digest"] = b.digestOfMessage(application)
	}
	callText := b.disputeText(b.quarrelKey(asText(call["arbiter_id"])), "call", call)
	productions := list{}
	for _, p := range q.productions {
		p = maps.Clone(p)
		if p["call_digest"] == nil {
			p["call_digest"] = b.digestOfMessage(callText)
		}
		productions = append(productions, obj{"message": b.disputeText(b.quarrelKey(asText(p["party_id"])), "production", p), "arrived": q.arrived})
	}
	in := obj{"application": application, "call": callText, "productions": productions, "closed_at": utc(q.closed), "examined": list{}}
	if !q.unexamined {
		in["examined"] = list{obj{"record": q.record, "conclusion": q.conclusion}}
	}
	if q.struck != nil {
		in["struck"] = q.struck
	}
	if !q.undecided {
		d := maps.Clone(q.decision)
		for name, value := range map[string]string{"application_digest": b.digestOfMessage(application), "call_digest": b.digestOfMessage(callText)} {
			if d[name] == nil {
				d[name] = value
			}
		}
		in["disposition"] = b.disputeText(b.quarrelKey(asText(d["arbiter_id"])), "disposition", d)
	}
	return in
}

func decided(name string, value any) func(*quarrel) {
	return func(q *quarrel) { set(q.decision, name, value) }
}

// groupDispute: messages of a dispute, and its course (SPEC.md 10.5).
func groupDispute(b *builder) {
	disputeMessages(b)
	rule := ids("TSD-ATT-DSP-01", "TSD-ATT-DSP-02", "TSD-ATT-DSP-03")
	output := func(state string, silent, presumable list) obj {
		return obj{"state": state, "silent": silent, "presumable": presumable}
	}
	good := func(id, title string, out obj, changes ...func(*quarrel)) spec {
		return b.valid(spec{id: "dispute/course/" + id, title: title, requirements: rule, operation: "attestation.dispute.decide", input: b.quarrel(changes...).input(), output: out})
	}
	buyer, none := list{buyerDID}, list{}
	ok := good("001", "A dispute is rejected on a record that was produced and verified.", output("DISPOSED", buyer, buyer))
	good("002", "Before its disposition it is examined: no conclusion ends it.", output("EXAMINING", buyer, buyer), func(q *quarrel) { q.undecided = true })
	silent := func(q *quarrel) { q.productions, q.unexamined = nil, true }
	good("003", "A party that produces nothing has that presumed against it.", output("DISPOSED", list{buyerDID, shopDID}, list{buyerDID, shopDID}), silent,
		decided("findings", nil), decided("ground_record_ids", nil), decided("presumed_against", list{buyerDID, shopDID}), decided("outcome", "UPHELD"))
	found := func(conclusion string) func(*quarrel) {
		return func(q *quarrel) {
			q.conclusion = conclusion
			q.decision["findings"].(list)[0].(obj)["conclusion"] = conclusion
			delete(q.decision, "ground_record_ids")
		}
	}
	good("004", "A party whose record does not verify may have that presumed against it.", output("DISPOSED", buyer, list{buyerDID, shopDID}), found("SIGNATURE_INVALID"),
		decided("presumed_against", list{buyerDID, shopDID}), decided("outcome", "PARTLY_UPHELD"))
	good("005", "A chain that did not answer is held against nobody.", output("DISPOSED", buyer, buyer), found("ANCHOR_QUERY_TIMEOUT"), decided("outcome", "UNPROVEN"))
	only := func(q *quarrel) { q.call["party_ids"] = list{shopDID}; delete(q.decision, "presumed_against") }
	good("006", "Who was not called is not silent.", output("DISPOSED", none, none), only)
	good("007", "A verified record settles nothing by itself: an arbiter may decide either way, with reasons.", output("DISPOSED", buyer, buyer), decided("outcome", "UPHELD"))
	bad := func(id, title string, code protocol.Code, requirement string, changes ...func(*quarrel)) {
		b.invalid(ok, spec{id: "dispute/course/" + id, title: title, code: code, requirements: ids(requirement)}, func(in obj) {
			clear(in)
			maps.Copy(in, b.quarrel(changes...).input())
		})
	}
	conflict := protocol.CodeClaimsConflict
	bad("020", "What is produced at the deadline is too late.", protocol.CodeRequestExpired, "TSD-ATT-DSP-01", func(q *quarrel) { q.arrived = utc(now) })
	bad("021", "Production is not closed before the deadline.", protocol.CodeStateConflict, "TSD-ATT-DSP-01", func(q *quarrel) { q.closed = now.Add(-time.Second) })
	bad("022", "A call to somebody who is no party.", conflict, "TSD-ATT-DSP-01", func(q *quarrel) { q.call["party_ids"] = list{buyerDID, shopDID, bobDID} })
	bad("023", "A call in another dispute.", conflict, "TSD-ATT-DSP-01", func(q *quarrel) { q.call["dispute_id"] = "dispute-2" })
	bad("024", "A call by another arbiter than was applied to.", conflict, "TSD-ATT-DSP-01", func(q *quarrel) { q.call["arbiter_id"] = bobDID })
	bad("025", "Who was not called does not produce.", protocol.CodeActorRefused, "TSD-ATT-DSP-01", func(q *quarrel) { q.call["party_ids"] = list{buyerDID} })
	bad("026", "An answer to another call.", conflict, "TSD-ATT-DSP-01", func(q *quarrel) { q.production["call_digest"] = sha256Digest("another call") })
	bad("027", "A record that nobody produced is not examined.", conflict, "TSD-ATT-DSP-03", func(q *quarrel) {
		q.production["records"].(list)[0].(obj)["record_digest"] = sha256Digest("another text")
	})
	bad("028", "Every record that was produced is examined.", protocol.CodeStateConflict, "TSD-ATT-DSP-03", func(q *quarrel) { q.unexamined = true })
	bad("029", "A disposition repeats what was found.", conflict, "TSD-ATT-DSP-03", func(q *quarrel) { q.conclusion = "SIGNATURE_INVALID" })
	bad("030", "A silent party is named.", protocol.CodeFieldMissing, "TSD-ATT-DSP-02", decided("presumed_against", nil))
	bad("031", "Nothing is presumed against who gave no cause.", conflict, "TSD-ATT-DSP-02", decided("presumed_against", list{buyerDID, shopDID}))
	bad("032", "Nothing is presumed because a chain did not answer.", conflict, "TSD-ATT-DSP-02", found("ANCHOR_QUERY_TIMEOUT"), decided("presumed_against", list{buyerDID, shopDID}))
	bad("033", "A ground is a record that was found verified.", conflict, "TSD-ATT-DSP-03", found("ANCHOR_NOT_FOUND"), decided("ground_record_ids", list{deliveryID}))
	bad("034", "A dispute is not upheld on the silence of who applied, nor on its word.", conflict, "TSD-ATT-DSP-03", decided("ground_record_ids", nil), decided("outcome", "UPHELD"))
	bad("035", "A disposition that rests on nothing is none.", protocol.CodeFieldMissing, "TSD-ATT-DSP-03", only, decided("ground_record_ids", nil))
	bad("036", "A disposition gives reasons.", protocol.CodeFieldMissing, "TSD-ATT-DSP-03", decided("reasons", ""))
	bad("037", "A disposition by another arbiter.", conflict, "TSD-ATT-DSP-03", decided("arbiter_id", bobDID))
	bad("038", "A disposition of another application.", conflict, "TSD-ATT-DSP-03", decided("application_digest", sha256Digest("another application")))
	bad("039", "An outcome is one of four.", protocol.CodeFieldInvalid, "TSD-ATT-DSP-03", decided("outcome", "SETTLED"))
}

// disputeMessages: form and signature of the four.
func disputeMessages(b *builder) {
	q := b.quarrel()
	in := q.input()
	signers := documents(b.quarrelKey(buyerDID), b.quarrelKey(shopDID), b.quarrelKey(arbiterDID))
	call := maps.Clone(q.call)
	call["application_digest"] = b.digestOfMessage(asText(in["application"]))
	production := maps.Clone(q.production)
	production["call_digest"] = b.digestOfMessage(asText(in["call"]))
	decision := maps.Clone(q.decision)
	decision["application_digest"], decision["call_digest"], decision["disposed_at"] = call["application_digest"], production["call_digest"], utc(now)
	for i, k := range []struct {
		name, sender, party string
		message             obj
		needed              []string
		stated              string
	}{
		{"application", buyerDID, arbiterDID, q.application, []string{"dispute_id", "dispute_type", "respondent_ids", "description", "applied_at"}, "applied_at"},
		{"call", arbiterDID, arbiterDID, call, []string{"dispute_id", "application_digest", "party_ids", "deadline"}, "called_at"},
		{"production", shopDID, shopDID, production, []string{"dispute_id", "call_digest", "records"}, "produced_at"},
		{"disposition", arbiterDID, arbiterDID, decision, []string{"dispute_id", "call_digest", "outcome", "reasons"}, "disposed_at"},
	} {
		n := string(rune('1' + i))
		s := b.quarrelKey(k.sender)
		text := b.disputeText(s, k.name, k.message)
		requirement := map[bool]string{true: "TSD-ATT-DSP-03", false: "TSD-ATT-DSP-01"}[k.name == "disposition"]
		ok := b.valid(spec{
			id: "dispute/message/" + n + "01", title: "A message of the kind dispute-" + k.name + ", by its sender.", requirements: ids(requirement), operation: "attestation.dispute.verify",
			input:  obj{"kind": "dispute-" + k.name, "message": text, "party": k.party, "documents": signers},
			output: obj{"key_id": s.KeyID(), "digest": b.digestOfMessage(text)},
		})
		bad := func(id, title string, code protocol.Code, change func(in obj)) {
			b.invalid(ok, spec{id: "dispute/message/" + n + id, title: title, code: code}, change)
		}
		other := func(s *keys.Signer, name string, value any) func(in obj) {
			m := b.copy(k.name, k.message)
			set(m, name, value)
			return put("message", b.disputeText(s, k.name, m))
		}
		for j, name := range k.needed {
			bad("1"+string(rune('0'+j)), "A "+k.name+" without "+name+" lacks a part.", protocol.CodeFieldMissing, other(s, name, nil))
		}
		bad("02", "A "+k.name+" is closed.", protocol.CodeFieldUnknown, other(s, "note", "x"))
		bad("03", "A "+k.name+" by another than its sender.", protocol.CodeClaimsConflict, other(b.quarrelKey(map[bool]string{true: shopDID, false: buyerDID}[k.sender == buyerDID]), "note", nil))
		bad("04", "A "+k.name+" that was changed behind its signature.", protocol.CodeSignatureInvalid, put("message", strings.Replace(text, "dispute-1", "dispute-2", 1)))
		bad("05", "A "+k.name+" of or for another party.", protocol.CodeAudienceMismatch, put("party", bobDID))
		future := other(s, k.stated, utc(now.Add(61*time.Second)))
		if k.name == "call" { // whose deadline is later
			later := b.copy(k.name, k.message)
			later["called_at"], later["deadline"] = utc(now.Add(61*time.Second)), utc(now.Add(time.Hour))
			future = put("message", b.disputeText(s, k.name, later))
		}
		bad("07", "A "+k.name+" of the future.", protocol.CodeRequestExpired, future)
		bad("06", "A "+k.name+" by a key for another purpose.", protocol.CodeKeyPurpose, func(in obj) {
			entry := in["documents"].(obj)[k.sender].(obj)["verificationMethod"].(list)[0].(obj)
			entry["actPurpose"] = "seller"
		})
	}
}
