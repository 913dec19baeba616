package vectors

import (
	"maps"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// An issuing is a question to an issuer in the making.
type issuing struct {
	isr obj
	in  obj
}

// groupIssue: what an issuer signs, and what it refuses to (SPEC.md 4.2).
func groupIssue(b *builder) {
	signer := b.signer(bankIssue, keys.IssueAuthorization, keys.EdDSA)
	holder := b.signer(buyerDID+"#k1", keys.AgentRequest, keys.EdDSA)
	ask := func(changes ...func(*issuing)) *issuing {
		i := &issuing{isr: confirmedISR(), in: obj{
			"delegation_id": grantID, "delegator": annDID, "audience": pspDID,
			"status": obj{"status_list": obj{"idx": 3, "uri": bankList}},
			"holder": jwk(holder), "key_id": bankIssue, "purpose": "issue-authorization", "key": b.privateJWK(bankIssue, keys.EdDSA),
		}}
		for _, c := range changes {
			c(i)
		}
		i.in["isr"] = b.textOf("isr", i.isr)
		return i
	}
	good := func(id, title string, requirements []string, changes ...func(*issuing)) spec {
		i := ask(changes...)
		payload := b.value(id, issued(i, holder))
		header := string(b.value(id, headerOf(signer, keys.TypeMandate)))
		return b.valid(spec{id: "issue/" + id, title: title, requirements: requirements, operation: "mandate.issue", clock: grantIssued,
			input: i.in, output: obj{"mandate": b.token(signer, header, string(payload))}})
	}
	ok := good("mandate/001", "A mandate holds the limits of the confirmed result under their own names, its digest, and neither its words nor its address.",
		ids("ADD-IAC-ISS-01", "ADD-IAC-ISS-03", "ADD-IAC-ISS-07", "ADD-IAC-ISS-08", "ADD-IAC-ISS-09", "ADD-IAC-ISS-10", "ADD-IAC-ISS-14", "ADD-IAC-ISS-15", "ADD-INT-ICS-06"))
	member := func(changes ...any) func(*issuing) { return func(i *issuing) { changed(i.isr, changes) } }
	given := func(changes ...any) func(*issuing) { return func(i *issuing) { changed(i.in, changes) } }
	good("mandate/002", "A result without extensions makes a mandate without extensions.", ids("ADD-IAC-ISS-07"), member("delegation_mode", "BOUNDED", "ext", nil))
	good("mandate/003", "An address that was all there was of fulfilment leaves no empty namespace behind.", ids("ADD-IAC-ISS-07"), member("ext.fulfillment.delivery_time_requirement", nil))
	good("mandate/004", "A delivery time is carried unchanged.", ids("ADD-INT-ICS-16"), member("ext.fulfillment.delivery_time_requirement", "before the meeting begins / 会议开始前"))
	good("mandate/005", "Evidence of control is carried.", ids("ADD-IAC-ISS-13"), given("control_proof_ref", "https://evidence.example/1"))
	good("mandate/006", "Private members are carried as they are.", ids("ADD-INT-ICS-17", "ADD-IAC-ISS-07"), member("ext.vendor_private", obj{"b": 1, "a": list{raw("1.50"), "é"}}))
	good("mandate/007", "A mode of input that the issuer does not know changes nothing.", ids("ADD-INT-ICS-03"), member("conversation_history.input_mode", list{"BRAIN_WAVES"}))

	bad := func(id, title string, code protocol.Code, requirement string, changes ...func(*issuing)) {
		b.invalid(ok, spec{id: "issue/" + id, title: title, code: code, requirements: ids(requirement)}, func(in obj) {
			clear(in)
			maps.Copy(in, ask(changes...).in)
		})
	}
	for i, name := range []string{"delegation_mode", "agent_id", "validity_start_time", "validity_end_time", "max_total_amount", "currency", "conversation_history", "intent_id"} {
		bad("refused/00"+string(rune('1'+i)), "No mandate is made of a result without "+name+", though somebody asks.", protocol.CodeFieldMissing, "ADD-IAC-ISS-01", member(name, nil))
	}
	bad("refused/010", "No mandate is made of a draft that nobody confirmed.", protocol.CodeFieldMissing, "ADD-IAC-ISS-01", member("user_confirmation_method", nil, "user_confirmation_timestamp", nil))
	bad("refused/011", "No mandate is made of a result without a main boundary.", protocol.CodeFieldMissing, "ADD-IAC-ISS-01", member("delegation_mode", "BOUNDED", "ext", nil, "allowed_payment_methods", nil))
	bad("refused/012", "SPECIFIED names the merchants, or no mandate is made.", protocol.CodeFieldMissing, "ADD-IAC-ISS-01", member("ext.commerce.allowed_merchants", nil))
	bad("refused/013", "A rule that is broken in the result is not signed.", protocol.CodeFieldInvalid, "ADD-INT-ICS-13", member("ext.commerce.max_single_amount", 201))
	bad("refused/014", "An unknown member of the result is not signed.", protocol.CodeFieldUnknown, "ADD-IAC-ISS-07", member("max_daily_amount", 5))
	for i, purpose := range []string{"status", "issue-identity", "agent-request", "seller", "proof"} {
		bad("refused/02"+string(rune('0'+i)), "A key for "+purpose+" issues no authorizations.", protocol.CodeKeyPurpose, "ADD-IAC-ISS-12", given("purpose", purpose))
	}
	bad("refused/025", "The issuing key is not made the agent's.", protocol.CodeKeyPurpose, "ADD-IAC-ISS-12", given("holder", jwk(signer)))
	bad("refused/026", "A mandate that nobody could revoke is not made.", protocol.CodeStatusUnavailable, "ADD-IAC-LCM-10", given("status", nil))
	bad("refused/027", "A delegator is named by a DID.", protocol.CodeFieldInvalid, "ADD-IAC-ISS-04", given("delegator", "Ann"))
	bad("refused/028", "A mandate is for one provider, named by a DID.", protocol.CodeFieldInvalid, "PSD-PAY-DEL-07", given("audience", "everybody"))
	bad("refused/029", "A mandate without a delegator is not made.", protocol.CodeFieldMissing, "ADD-IAC-ISS-04", given("delegator", ""))
}

// issued are the claims that an issuer signs (SPEC.md 4.2).
func issued(i *issuing, holder *keys.Signer) obj {
	isr := i.isr
	subject := obj{"delegation_id": grantID, "delegator_identity": annDID}
	for _, name := range []string{
		"intent_id", "agent_id", "delegation_mode", "validity_start_time", "validity_end_time", "max_total_amount", "currency",
		"allowed_payment_methods", "user_confirmation_method", "user_confirmation_timestamp",
	} {
		if value, ok := isr[name]; ok {
			subject[name] = value
		}
	}
	canonical := (&builder{}).value("isr", isr)
	subject["source_isr_digest"] = string(canon.Sum(canonical))
	if ext, ok := isr["ext"].(obj); ok {
		kept := maps.Clone(ext)
		if f, ok := ext["fulfillment"].(obj); ok {
			f = maps.Clone(f)
			delete(f, "delivery_address")
			kept["fulfillment"] = f
			if len(f) == 0 {
				delete(kept, "fulfillment")
			}
		}
		subject["ext"] = kept
	}
	vc := obj{"type": list{"VerifiableCredential", "ACTIntentAuthorization"}, "credentialSubject": subject}
	if ref, ok := i.in["control_proof_ref"]; ok {
		vc["control_proof_ref"] = ref
	}
	return obj{
		"iss": bankDID, "sub": buyerDID, "aud": pspDID, "jti": grantID,
		"iat": numericDate(grantIssued), "nbf": numericDate(grantStart), "exp": numericDate(grantEnd),
		"cnf": obj{"jwk": jwk(holder)}, "status": i.in["status"], "vc": vc,
	}
}
