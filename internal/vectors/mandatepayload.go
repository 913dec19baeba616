package vectors

import (
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// groupMandatePayload: the rules of the members hold for who verifies, whatever
// an issuer signs (SPEC.md 4.1, 4.2).
func groupMandatePayload(b *builder) {
	f := b.family("mandate/payload/001", "A payload whose members keep their rules is read.", keys.EdDSA, ids("ADD-IAC-ISS-04"), nil)
	for i, name := range []string{"delegation_id", "delegator_identity", "agent_id", "validity_start_time", "validity_end_time", "max_total_amount"} {
		n := string(rune('1' + i))
		f.not("mandate/payload/01"+n, "An authorization without "+name+" is rejected, though the claims beside it may say the same.", protocol.CodeFieldMissing, ids("ADD-IAC-ISS-04"), subject(name, nil))
	}
	for i, name := range []string{"delegation_id", "delegator_identity", "agent_id"} {
		f.not("mandate/payload/02"+string(rune('0'+i)), "An empty "+name+" is none.", protocol.CodeFieldMissing, ids("ADD-IAC-ISS-04"), subject(name, ""))
	}
	f.not("mandate/payload/023", "An authorization names its intent or carries it.", protocol.CodeFieldMissing, ids("ADD-IAC-ISS-06"), subject("intent_id", nil))
	f.not("mandate/payload/024", "A conversation that is carried has its form.", protocol.CodeFieldMissing, ids("ADD-IAC-ISS-06", "ADD-INT-ICS-01"), subject("conversation_history", obj{"input_mode": list{"TEXT"}}))
	f.not("mandate/payload/025", "A digest of a conversation needs its reference in a mandate too.", protocol.CodeFieldMissing, ids("ADD-IAC-ISS-06", "ADD-INT-ICS-02"),
		subject("conversation_history", obj{"user_intent_raw_digest": "sha-256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"}))
	f.not("mandate/payload/026", "A method of confirmation needs its time in a mandate too.", protocol.CodeFieldMissing, ids("ADD-INT-ICS-12"), subject("user_confirmation_timestamp", nil))
	payloadMembers(f)
	payloadEnvelope(f)
}

// payloadMembers: members of a wrong value.
func payloadMembers(f *family) {
	for i, m := range []struct {
		path  string
		value any
		rule  string
		why   string
	}{
		{"delegation_mode", "UNLIMITED", "ADD-INT-ICS-07", "A mode is SPECIFIED or BOUNDED."},
		{"delegation_mode", "", "ADD-INT-ICS-07", "An empty mode is no absent one."},
		{"max_total_amount", "200", "ADD-INT-ICS-09", "An amount is a number, and not a string of digits."},
		{"max_total_amount", raw("-200"), "ADD-INT-ICS-09", "An amount is not negative."},
		{"max_total_amount", raw("200.005"), "ADD-INT-ICS-09", "Half a cent is no amount."},
		{"max_total_amount", raw("2e20"), "ADD-INT-ICS-09", "An amount beyond 2^63-1 minor units is none."},
		{"currency", "", "ADD-INT-ICS-10", "An empty currency is no absent one."},
		{"currency", "XYZ", "ADD-INT-ICS-10", "A code that ISO 4217 does not have is no currency."},
		{"allowed_payment_methods", list{}, "ADD-INT-ICS-11", "An empty list of methods is no wildcard."},
		{"allowed_payment_methods", raw("null"), "ADD-INT-ICS-11", "A null is no absent list."},
	} {
		f.not("mandate/payload/03"+string(rune('0'+i)), m.why, protocol.CodeFieldInvalid, ids(m.rule), subject(m.path, m.value))
	}
	for i, m := range []struct {
		path  string
		value any
		rule  string
		why   string
	}{
		{"ext.commerce.max_single_amount", 201, "ADD-INT-ICS-13", "A single limit above the total is a contradiction."},
		{"ext.commerce.min_single_amount", 51, "ADD-INT-ICS-13", "A minimum above the single limit is a contradiction."},
		{"ext.commerce.allowed_merchants", list{}, "ADD-INT-ICS-14", "An empty list of merchants is no wildcard."},
		{"ext.commerce.forbidden_categories", list{}, "ADD-INT-ICS-14", "An empty list of what is forbidden forbids nothing, and is refused."},
		{"ext.commerce.allowed_merchants", list{"*"}, "ADD-INT-ICS-14", "An asterisk names no merchant."},
		{"ext.commerce.allowed_categories", list{""}, "ADD-INT-ICS-14", "An empty category is none."},
		{"ext.agent_behavior.price_deviation_tolerance", "5", "ADD-INT-ICS-15", "A tolerance is a number."},
		{"ext.agent_behavior.max_retry_count", -1, "ADD-INT-ICS-15", "A number of retries is not negative."},
		{"ext.fulfillment.delivery_time_requirement", "", "ADD-INT-ICS-16", "An empty requirement is no absent one."},
		{"ext.vendor_private", list{}, "ADD-INT-ICS-17", "Private members are an object."},
	} {
		f.not("mandate/payload/04"+string(rune('0'+i)), m.why, protocol.CodeFieldInvalid, ids(m.rule), subject(m.path, m.value))
	}
}

// payloadEnvelope: ids, times and integers.
func payloadEnvelope(f *family) {
	for i, name := range []string{"delegation_id", "intent_id"} {
		changes := []change{subject(name, "an id with spaces")}
		if name == "delegation_id" {
			changes = append(changes, claim("jti", "an id with spaces"))
		}
		f.not("mandate/payload/06"+string(rune('0'+i)), "An id has no spaces: "+name+".", protocol.CodeFieldInvalid, ids("ADD-IAC-ISS-04", "ADD-INT-ICS-06"), changes...)
	}
	f.not("mandate/payload/062", "A principal is named by a DID.", protocol.CodeFieldInvalid, ids("ADD-IAC-ISS-04"), subject("delegator_identity", "Ann"))
	f.not("mandate/payload/063", "A time before 1970 is none.", protocol.CodeFieldInvalid, ids("ADD-INT-ICS-08"), subject("user_confirmation_timestamp", "1969-12-31T23:59:59Z"))
	f.not("mandate/payload/050", "A payload is an object.", protocol.CodeFieldInvalid, ids("ADD-IAC-ISS-14"), claim("vc.credentialSubject", list{}))
	f.not("mandate/payload/051", "A window ends after it begins, though the twins agree.", protocol.CodeFieldInvalid, ids("ADD-INT-ICS-08"),
		subject("validity_start_time", utc(grantEnd)), claim("nbf", numericDate(grantEnd)))
	f.not("mandate/payload/052", "A time in a mandate is written in UTC.", protocol.CodeFieldInvalid, ids("ADD-INT-ICS-08"), subject("validity_start_time", "2026-11-01T17:00:00+08:00"))
	f.not("mandate/payload/053", "A number of retries is written in digits: 2.0 is refused.", protocol.CodeFieldInvalid, ids("ADD-INT-ICS-15"), subject("ext.agent_behavior.max_retry_count", raw("2.0")))
	f.not("mandate/payload/054", "An index is written in digits: 3e0 is refused.", protocol.CodeFieldInvalid, ids("ADD-IAC-LCM-10"), claim("status.status_list.idx", raw("3e0")))
	f.not("mandate/payload/055", "A NumericDate is written in digits.", protocol.CodeFieldInvalid, ids("ADD-IAC-ISS-14"), claim("iat", raw("1.79352354e9")))
}
