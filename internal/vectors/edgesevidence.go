package vectors

import (
	"fmt"
	"maps"
	"strings"

	"github.com/actprotocol/act-go/protocol"
)

// groupEvidenceEdges: the edges of signed requests, disputes and credit. Like
// those of edges.go, these cases were asked for by mutation.
func groupEvidenceEdges(b *builder) {
	edgesHTTP(b)
	edgesDispute(b)
	edgesCredit(b)
}

func edgesHTTP(b *builder) {
	rule := ids("IDN-04")
	ok := b.valid(spec{id: "http/edge/001", title: "A field that is covered may have a tab.", requirements: rule, operation: "httpsig.verify",
		input: b.call(covering("x-note", "a\tb")), output: obj{"agent_id": buyerDID, "thumbprint": b.buyer().Public().Thumbprint()}})
	no := func(id, title string, code protocol.Code, changes ...func(*call)) {
		b.invalid(ok, spec{id: "http/edge/" + id, title: title, code: code, requirements: rule}, func(in obj) { clear(in); maps.Copy(in, b.call(changes...)) })
	}
	input := func(f func(string) string) func(*call) { return func(c *call) { c.input = f } }
	whole := func(text string) func(*call) { return input(func(string) string { return text }) }
	no("010", "A field that is covered is of visible characters.", protocol.CodeFieldInvalid, covering("x-note", "a\x01b"))
	no("011", "A field that is covered is of ASCII.", protocol.CodeFieldInvalid, covering("x-note", "caf\u00e9"))
	no("012", "A name of a field is in lower case.", protocol.CodeFieldInvalid, covering("X-Note", "hello"))
	no("013", "A name of a field is of letters, digits and hyphens.", protocol.CodeFieldInvalid, covering("x_note", "hello"))
	no("014", "A component that starts with an at sign is one of four.", protocol.CodeFieldInvalid, func(c *call) { c.components = append(c.components, "@scheme") })
	no("015", "A component has no parameters.", protocol.CodeFieldInvalid, input(func(s string) string { return strings.Replace(s, `"@path"`, `"@path";req`, 1) }))
	no("016", "A component is a text.", protocol.CodeFieldInvalid, input(func(s string) string { return strings.Replace(s, `"@path"`, `path`, 1) }))
	no("017", "Components are a list.", protocol.CodeFieldInvalid, whole(`act="@path"`))
	no("018", "A value that is no dictionary is none.", protocol.CodeMalformed, whole(`act=(`))
	no("019", "An empty value has no signature.", protocol.CodeFieldInvalid, whole(""))
	no("020", "A nonce is base64url.", protocol.CodeFieldInvalid, param("nonce", quoted("!!!")))
	no("021", "A key id is absolute.", protocol.CodeFieldInvalid, param("keyid", quoted("#k1")))
	no("022", "A time is not negative.", protocol.CodeFieldInvalid, param("created", "-1"), param("expires", "60"))
	no("023", "A time is a number.", protocol.CodeFieldInvalid, param("created", quoted("now")))
	no("024", "A tag is a text.", protocol.CodeFieldInvalid, param("tag", "7"))
	no("025", "A field of more than 8 KiB is not read.", protocol.CodeTooLarge, input(func(s string) string { return s + `;x="` + strings.Repeat("x", 9000) + `"` }))
	no("026", "A signature is bytes.", protocol.CodeFieldInvalid, func(c *call) { c.signature = func(string) string { return `act="AAAA"` } })
	no("028", "A target is a path, and not a star.", protocol.CodeFieldInvalid, func(c *call) { c.target = "*" })
	no("029", "A target is of ASCII, as it is sent.", protocol.CodeFieldInvalid, func(c *call) { c.target = "/caf\u00e9" })
	no("030", "A target has no fragment.", protocol.CodeFieldInvalid, func(c *call) { c.target = "/reports/7#top" })
	no("031", "A target has no space.", protocol.CodeFieldInvalid, func(c *call) { c.target = "/reports/7 8" })
	no("032", "A method is of letters and hyphens.", protocol.CodeFieldInvalid, func(c *call) { c.method = "GET2" })
	no("033", "A field that stands twice is refused, also when it says the same twice.", protocol.CodeMalformed, func(c *call) {
		c.signature = func(s string) string { c.extra = list{list{"Signature", s}}; return s }
	})
	no("034", "A digest that is covered is there.", protocol.CodeFieldMissing, withBody, func(c *call) { c.digest = "-" })
	no("027", "A signature stands under its label.", protocol.CodeFieldInvalid, func(c *call) { c.signature = func(s string) string { return "x" + s } })
}

func edgesDispute(b *builder) {
	rule := ids("TSD-ATT-DSP-01", "TSD-ATT-DSP-03")
	ok := b.valid(spec{id: "dispute/edge/001", title: "A dispute may be about a purchase by any of its names.", requirements: rule, operation: "attestation.dispute.decide",
		input:  b.quarrel(func(q *quarrel) { delete(q.application, "intent_id") }).input(),
		output: obj{"state": "DISPOSED", "silent": list{buyerDID}, "presumable": list{buyerDID}}})
	no := func(id, title string, code protocol.Code, changes ...func(*quarrel)) {
		b.invalid(ok, spec{id: "dispute/edge/" + id, title: title, code: code, requirements: rule}, func(in obj) { clear(in); maps.Copy(in, b.quarrel(changes...).input()) })
	}
	applies := func(name string, value any) func(*quarrel) {
		return func(q *quarrel) { set(q.application, name, value) }
	}
	calls := func(name string, value any) func(*quarrel) { return func(q *quarrel) { set(q.call, name, value) } }
	produces := func(name string, value any) func(*quarrel) {
		return func(q *quarrel) { set(q.production, name, value) }
	}
	record := func(i int) obj {
		return obj{"record_id": fmt.Sprintf("%s#rec-%03d", shopDID, i), "record_digest": sha256Digest(fmt.Sprint(i))}
	}
	records, parties := list{}, list{}
	for i := range 300 {
		records = append(records, record(i))
		parties = append(parties, fmt.Sprintf("did:act:party.example/p%d", i))
	}
	invalid := protocol.CodeFieldInvalid
	no("010", "A dispute is about a purchase.", protocol.CodeFieldMissing, applies("intent_id", nil), applies("trade_no", nil))
	no("011", "Nobody disputes with themselves.", protocol.CodeClaimsConflict, applies("respondent_ids", list{buyerDID}))
	no("012", "Who applies does not decide.", protocol.CodeClaimsConflict, applies("arbiter_id", buyerDID))
	no("013", "Who is applied against does not decide.", protocol.CodeClaimsConflict, applies("arbiter_id", shopDID))
	no("014", "An arbiter is named by an identifier.", invalid, applies("arbiter_id", "desk"))
	no("015", "A respondent is named by an identifier.", invalid, applies("respondent_ids", list{"shop"}))
	no("016", "A respondent is named once.", invalid, applies("respondent_ids", list{shopDID, shopDID}))
	no("017", "A type of a dispute is a word.", invalid, applies("dispute_type", "Not delivered"))
	no("018", "A type of a dispute has a limit.", invalid, applies("dispute_type", strings.Repeat("a", 65)))
	no("019", "What is said is text.", invalid, applies("description", "a\x00b"))
	no("020", "What is said is more than spaces.", invalid, applies("description", "  "))
	no("021", "What is said has a limit.", invalid, applies("description", strings.Repeat("a", 20000)))
	no("022", "A time is RFC 3339.", invalid, applies("applied_at", "today"))
	no("023", "A deadline comes after the call.", invalid, calls("called_at", utc(now)))
	no("024", "A party is called once.", invalid, calls("party_ids", list{buyerDID, buyerDID}))
	no("025", "A production in another dispute.", protocol.CodeClaimsConflict, produces("dispute_id", "dispute-2"))
	no("026", "A call for another application.", protocol.CodeClaimsConflict, calls("application_digest", sha256Digest("another application")))
	no("027", "A record is produced once.", invalid, func(q *quarrel) { set(q.production, "records", list{record(1), record(1)}) })
	no("028", "A digest of a record is one.", invalid, func(q *quarrel) {
		set(q.production, "records", list{obj{"record_id": deliveryID, "record_digest": "x"}})
	})
	no("029", "Not more records are produced than can be examined.", protocol.CodeTooLarge, func(q *quarrel) { set(q.production, "records", records) })
	no("030", "Not more parties are called than can be heard.", protocol.CodeTooLarge, applies("respondent_ids", parties))
	no("031", "A disposition of another dispute.", protocol.CodeClaimsConflict, decided("dispute_id", "dispute-2"))
	no("032", "A disposition after another call.", protocol.CodeClaimsConflict, decided("call_digest", sha256Digest("another call")))
	no("033", "Findings are of the seven conclusions.", invalid, decided("findings", list{obj{"record_id": deliveryID, "record_digest": sha256Digest("x"), "conclusion": "FINE"}}))
	no("034", "What is presumed is presumed against each party once, in order.", invalid, decided("presumed_against", list{buyerDID, buyerDID}))
	no("035", "A ground is named once.", invalid, decided("ground_record_ids", list{deliveryID, deliveryID}))
}

func edgesCredit(b *builder) {
	x := &bureau{b: b}
	form := func(id, title string, changes ...func(*house)) {
		x.says("edge/"+id, title, "INVALID_REQUEST", ids("TSD-CRD-VER-01", "TSD-CRD-VER-09"), nil, changes...)
	}
	context := obj{}
	for i := range 33 {
		context[fmt.Sprintf("member%d", i)] = "x"
	}
	form("001", "A context has a limit of members.", requests("businessContext", context))
	form("002", "A context is flat.", requests("businessContext", obj{"orderId": obj{"a": "b"}}))
	form("003", "A context has no lists.", requests("businessContext", obj{"orderId": list{"a"}}))
	form("004", "An item is asked for once.", requests("requestedDataItems", list{"credentialStatus", "credentialStatus"}))
	form("005", "A list of items is not empty.", requests("requestedDataItems", list{}))
	form("006", "A purpose has a limit.", requests("purpose", strings.Repeat("p", 2000)))
	form("007", "A purpose is text.", requests("purpose", "a\x00b"))
	form("008", "A purpose is more than spaces.", requests("purpose", "  "))
	form("009", "A reference has a limit.", atCredit, requests("subjectCreditAssertionRef", "urn:"+strings.Repeat("a", 2048)))
	form("010", "A reference is visible.", atCredit, requests("subjectCreditAssertionRef", "urn:example:a b"))
	form("011", "A reference is one.", atCredit, requests("subjectCreditAssertionRef", "https://x.example/%zz"))
	form("012", "An agent is named by an identifier.", requests("agentId", ""))
	form("013", "A credential that is sent whole is one.", func(h *house) { h.request["credential"] = obj{"credentialId": "credential-1", "note": "x"} })
	form("014", "A nonce is asked for.", requests("antiReplay", obj{}))
	form("015", "At the second level an authorization is named.", atCredit, requests("authorizationId", ""))
}
