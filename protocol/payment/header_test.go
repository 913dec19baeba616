package payment_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
)

// A parser reads one of the three headers and says nothing but yes or no.
var parsers = map[string]func(string) error{
	"needed":     func(h string) error { _, err := payment.ParseBill(h); return err },
	"proof":      func(h string) error { _, err := payment.ParseProof(h); return err },
	"validation": func(h string) error { _, err := payment.ParseValidation(h); return err },
}

// TestOfficialFixtures: what the protocol's authors call valid is read, what
// they call invalid is refused, and none of it is mistaken for our profile.
func TestOfficialFixtures(t *testing.T) {
	t.Run("PSD-PAY-A402-20 valid Payment-Needed", func(t *testing.T) {
		u, err := payment.ParseBill(encode(official(t, "fixtures/valid/payment-needed.json")))
		if err != nil {
			t.Fatal(err)
		}
		if u.Bill.Amount.String() != "0.01" || u.Bill.RequestMethod != "POST" || u.Bill.ReplayWindow.Seconds() != 3600 ||
			u.Bill.Confirmation == nil || u.Bill.PSPID != "example-psp" || u.KeyID() != "seller-key-2026-01" {
			t.Errorf("%+v", u.Bill)
		}
		wantError(t, u.CheckProfile(), protocol.CodeFieldMissing, "method.category")
		if err := u.Verify(sellerKey(t).Public()); err == nil {
			t.Error("verified")
		}
	})
	t.Run("PSD-PAY-A402-21 valid Payment-Proof", func(t *testing.T) {
		u, err := payment.ParseProof(encode(official(t, "fixtures-earlier/payment-proof.json")))
		if err != nil {
			t.Fatal(err)
		}
		wantError(t, u.CheckProfile(), protocol.CodeFieldMissing, "method.psp_id")
		if c, err := u.Claims(); err == nil || c != nil {
			t.Error("claims of an opaque proof")
		}
	})
	t.Run("PSD-PAY-A402-22 valid Payment-Validation", func(t *testing.T) {
		u, err := payment.ParseValidation(encode(official(t, "fixtures-earlier/payment-validation.json")))
		if err != nil {
			t.Fatal(err)
		}
		if len(u.Validation.Evidence) != 2 || u.Validation.State != payment.StateWaitBuyerReceipt {
			t.Errorf("%+v", u.Validation)
		}
		wantError(t, u.CheckProfile(), protocol.CodeFieldMissing, "method.psp_id")
	})
	t.Run("PSD-PAY-A402-12 valid error", func(t *testing.T) {
		m := object(t, official(t, "fixtures-earlier/payment-validation.json"))
		p := m["protocol"].(map[string]any)
		p["validation_status"], p["error"] = "INVALID", object(t, official(t, "fixtures-earlier/error.json"))
		u, err := payment.ParseValidation(encode(marshal(t, m)))
		if err != nil || u.Validation.Error.Category != payment.CategoryProof {
			t.Error(u, err)
		}
	})
	for file, kind := range map[string]string{
		"payment-needed-missing-method-id.json":         "needed",
		"payment-proof-padding-and-no-idempotency.json": "proof",
		"payment-validation-collapsed-success.json":     "validation",
	} {
		t.Run("PSD-PAY-A402-20 invalid "+file, func(t *testing.T) {
			if err := parsers[kind](encode(official(t, "fixtures-earlier/"+file))); err == nil {
				t.Error("accepted")
			}
		})
	}
}

// TestHeaderForm: what is wrong with a value before anybody looks at a member.
func TestHeaderForm(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)
	for _, c := range []struct {
		name, value string
		code        protocol.Code
		field       string
	}{
		{"empty", "", protocol.CodeMalformed, ""},
		{"padding", encode([]byte(`{"a":1}`)) + "==", protocol.CodeMalformed, ""},
		{"standard base64", "+/+/", protocol.CodeMalformed, ""},
		{"a line break", encode([]byte(`{}`)) + "\n", protocol.CodeMalformed, ""},
		{"a second spelling", "e31", protocol.CodeMalformed, ""},
		{"over 8 KiB", strings.Repeat("A", payment.MaxHeaderRead+1), protocol.CodeTooLarge, ""},
		{"too deep", encode([]byte(`{"protocol":{},"method":` + deep + `}`)), protocol.CodeTooLarge, ""},
		{"not UTF-8", encode([]byte("{\"protocol\":{},\"method\":{\"a\":\"\xff\"}}")), protocol.CodeMalformed, ""},
		{"two members of one name", encode([]byte(`{"protocol":{"amount":"1","amount":"2"},"method":{"a":1}}`)), protocol.CodeMalformed, ""},
		{"data behind", encode([]byte(`{"protocol":{},"method":{"a":1}}{}`)), protocol.CodeMalformed, ""},
		{"a number that changes", encode([]byte(`{"protocol":{},"method":{"a":9007199254740993}}`)), protocol.CodeMalformed, ""},
		{"an array", encode([]byte(`[]`)), protocol.CodeFieldInvalid, ""},
		{"a third member", encode([]byte(`{"protocol":{},"method":{"a":1},"more":1}`)), protocol.CodeFieldUnknown, "more"},
		{"an unknown protocol member", encode([]byte(`{"protocol":{"x":1},"method":{"a":1}}`)), protocol.CodeFieldUnknown, "protocol.x"},
		{"a member in capitals", encode([]byte(`{"Protocol":{},"method":{"a":1}}`)), protocol.CodeFieldUnknown, "Protocol"},
		{"null", encode([]byte(`{"protocol":null,"method":{"a":1}}`)), protocol.CodeFieldInvalid, "protocol"},
		{"no method", encode([]byte(`{"protocol":{}}`)), protocol.CodeFieldMissing, "method"},
		{"an empty method", encode([]byte(`{"protocol":{},"method":{}}`)), protocol.CodeFieldMissing, "method"},
		{"a method that is no object", encode([]byte(`{"protocol":{},"method":"x"}`)), protocol.CodeFieldInvalid, "method"},
	} {
		for kind, parse := range parsers {
			t.Run("PSD-PAY-A402-03 "+c.name+" "+kind, func(t *testing.T) {
				err := parse(c.value)
				wantError(t, err, c.code, errorField(err, c.code, c.field))
				if e := protocol.AsError(err); e.Requirement != "PSD-PAY-A402-03" {
					t.Errorf("requirement %q", e.Requirement)
				}
			})
		}
	}
}

// errorField: where a text is malformed is the JSON library's to say.
func errorField(err error, code protocol.Code, want string) string {
	if code == protocol.CodeMalformed || code == protocol.CodeTooLarge {
		return protocol.AsError(err).Field
	}
	return want
}

func TestHeaderValue(t *testing.T) {
	h := http.Header{}
	if v, err := payment.Header(h, payment.HeaderProof); v != "" || err != nil {
		t.Error(v, err)
	}
	h.Set("payment-proof", "x")
	if v, err := payment.Header(h, payment.HeaderProof); v != "x" || err != nil {
		t.Error(v, err)
	}
	h.Add("Payment-Proof", "x")
	if _, err := payment.Header(h, payment.HeaderProof); protocol.CodeOf(err) != protocol.CodeMalformed {
		t.Errorf("PSD-PAY-A402-03 two values: %v", err)
	}
	h.Set("Payment-Proof", "")
	if _, err := payment.Header(h, payment.HeaderProof); protocol.CodeOf(err) != protocol.CodeMalformed {
		t.Errorf("PSD-PAY-A402-03 empty: %v", err)
	}
}

// A mutation changes one member of a valid header.
type mutation struct {
	name  string
	path  string // dots between members; the last is set to value, or removed
	value any    // nil removes
	code  protocol.Code
	field string // where the fault is reported, when not at path
}

func (m mutation) apply(t *testing.T, valid []byte) []byte {
	root := object(t, valid)
	at, names := root, strings.Split(m.path, ".")
	for _, n := range names[:len(names)-1] {
		at = at[n].(map[string]any)
	}
	if last := names[len(names)-1]; m.value == nil {
		delete(at, last)
	} else {
		at[last] = m.value
	}
	return marshal(t, root)
}

// common are the negatives of the members that all three headers have.
func common(requirement string) []mutation {
	long := strings.Repeat("界", 257)
	p, inv := "protocol.", protocol.CodeFieldInvalid
	out := []mutation{
		{"not a URN-like id", p + "method_id", "balance", inv, ""},
		{"capitals", p + "method_id", "Act:payment/x", inv, ""},
		{"nothing behind the colon", p + "method_id", "act:", inv, ""},
		{"a slash first", p + "method_id", "act:/x", inv, ""},
		{"a second colon (the mandate's own URN)", p + "method_id", "urn:act:payment:balance", inv, ""},
		{"161 characters", p + "method_id", "a:" + strings.Repeat("b", 159), inv, ""},
		{"two numbers", p + "method_version", "1.0", inv, ""},
		{"a leading zero", p + "method_version", "01.0.0", inv, ""},
		{"an empty suffix", p + "method_version", "1.0.0-", inv, ""},
		{"an underscore", p + "method_version", "1.0.0-a_b", inv, ""},
		{"65 characters", p + "method_version", "1.0.0-" + strings.Repeat("a", 59), inv, ""},
		{"257 characters", p + "out_trade_no", long, inv, ""},
		{"a number", p + "out_trade_no", 7, inv, ""},
		{"257 characters", p + "resource_id", long, inv, ""},
		{"no prefix", p + "request_fingerprint", strings.Repeat("A", 43), inv, ""},
		{"another hash", p + "request_fingerprint", "sm3:" + strings.Repeat("A", 43), inv, ""},
		{"42 characters", p + "request_fingerprint", "sha-256:" + strings.Repeat("A", 42), inv, ""},
		{"padding", p + "request_fingerprint", "sha-256:" + strings.Repeat("A", 42) + "=", inv, ""},
		{"an unknown member", p + "note", "x", protocol.CodeFieldUnknown, ""},
	}
	for i := range out {
		out[i].name = requirement + " " + out[i].path + ": " + out[i].name
	}
	return out
}

// required are the removals of each required member.
func required(requirement string, names ...string) []mutation {
	var out []mutation
	for _, n := range names {
		out = append(out,
			mutation{requirement + " without " + n, "protocol." + n, nil, protocol.CodeFieldMissing, ""},
			mutation{requirement + " empty " + n, "protocol." + n, "", protocol.CodeFieldMissing, ""})
	}
	return out
}

func runMutations(t *testing.T, kind string, valid []byte, list []mutation) {
	if err := parsers[kind](encode(valid)); err != nil {
		t.Fatalf("the valid one: %v", err)
	}
	for _, m := range list {
		t.Run(m.name, func(t *testing.T) {
			err := parsers[kind](encode(m.apply(t, valid)))
			e := protocol.AsError(err)
			field := m.path
			if m.field != "" {
				field = m.field
			}
			if err == nil || e.Code != m.code || e.Requirement == "" || !strings.HasPrefix(e.Field, field) {
				t.Errorf("%s: %v, want %s", m.path, err, m.code)
			}
		})
	}
}

func TestBillSchema(t *testing.T) {
	inv := protocol.CodeFieldInvalid
	list := append(common("PSD-PAY-A402-20"), required("PSD-PAY-A402-20", "method_id", "method_version", "out_trade_no",
		"amount", "currency", "resource_id", "pay_before", "seller_unique_id", "request_method", "request_fingerprint",
		"signer_id", "signature_content", "signature_type")...)
	list = append(list, []mutation{
		{"PSD-PAY-A402-13 an amount is a string", "protocol.amount", 0.01, inv, ""},
		{"PSD-PAY-A402-13 leading zero", "protocol.amount", "00.01", inv, ""},
		{"PSD-PAY-A402-13 negative", "protocol.amount", "-1", inv, ""},
		{"PSD-PAY-A402-13 exponent", "protocol.amount", "1e2", inv, ""},
		{"PSD-PAY-A402-13 hidden precision", "protocol.amount", "0.010", inv, ""},
		{"PSD-PAY-A402-13 no digit behind the point", "protocol.amount", "1.", inv, ""},
		{"PSD-PAY-A402-13 over 2^63-1", "protocol.amount", "92233720368547758.08", inv, ""},
		{"PSD-PAY-A402-13 81 characters", "protocol.amount", strings.Repeat("1", 81), inv, ""},
		{"PSD-PAY-A402-13 lower case", "protocol.currency", "cny", inv, ""},
		{"PSD-PAY-A402-13 no currency of ISO 4217", "protocol.currency", "XXX", inv, ""},
		{"PSD-PAY-A402-20 no time", "protocol.pay_before", "tomorrow", inv, ""},
		{"PSD-PAY-A402-20 no offset", "protocol.pay_before", "2026-08-03T12:30:00", inv, ""},
		{"PSD-PAY-A402-20 no such day", "protocol.pay_before", "2026-02-30T12:30:00Z", inv, ""},
		{"PSD-PAY-A402-20 lower case method", "protocol.request_method", "post", inv, ""},
		{"PSD-PAY-A402-20 long method", "protocol.request_method", strings.Repeat("A", 33), inv, ""},
		{"PSD-PAY-A402-16 no key", "protocol.idempotency_key", nil, protocol.CodeFieldMissing, ""},
		{"PSD-PAY-A402-16 empty key", "protocol.idempotency_key", "", protocol.CodeFieldMissing, ""},
		{"PSD-PAY-A402-20 empty buyer", "protocol.buyer_unique_id", "", protocol.CodeFieldMissing, ""},
		{"PSD-PAY-A402-20 no window", "protocol.replay_window_seconds", nil, protocol.CodeFieldMissing, ""},
		{"PSD-PAY-A402-20 negative window", "protocol.replay_window_seconds", -1, inv, ""},
		{"PSD-PAY-A402-20 31 days", "protocol.replay_window_seconds", 2592001, inv, ""},
		{"PSD-PAY-A402-20 a window of text", "protocol.replay_window_seconds", "3600", inv, ""},
		{"PSD-PAY-A402-20 half a second", "protocol.replay_window_seconds", 0.5, inv, ""},
		{"PSD-PAY-A402-20 confirmation without id", "protocol.commerce_confirmation.confirmation_id", nil, protocol.CodeFieldMissing, ""},
		{"PSD-PAY-A402-20 confirmation without digest", "protocol.commerce_confirmation.confirmation_digest", nil, protocol.CodeFieldMissing, ""},
		{"PSD-PAY-A402-20 confirmation with a relative URI", "protocol.commerce_confirmation.confirmation_uri", "/c/1", inv, ""},
		{"PSD-PAY-A402-20 confirmation with an empty URI", "protocol.commerce_confirmation.confirmation_uri", "", inv, ""},
		{"PSD-PAY-A402-20 confirmation with a long URI", "protocol.commerce_confirmation.confirmation_uri", "https://a/" + strings.Repeat("b", 2039), inv, ""},
		{"PSD-PAY-A402-20 confirmation with more", "protocol.commerce_confirmation.more", "x", protocol.CodeFieldUnknown, ""},
		{"PSD-PAY-A402-20 padded signature", "protocol.signature_content", "AAAA=", inv, ""},
		{"PSD-PAY-A402-20 signature type in lower case", "protocol.signature_type", "ed25519", inv, ""},
		{"PSD-PAY-A402-20 signature type of one character", "protocol.signature_type", "A", inv, ""},
		{"PSD-PAY-A402-20 signature type of 33", "protocol.signature_type", strings.Repeat("A", 33), inv, ""},
	}...)
	runMutations(t, "needed", official(t, "fixtures/valid/payment-needed.json"), list)
}

func TestProofSchema(t *testing.T) {
	inv := protocol.CodeFieldInvalid
	list := append(common("PSD-PAY-A402-21"), required("PSD-PAY-A402-21", "method_id", "method_version", "out_trade_no",
		"resource_id", "buyer_unique_id", "payment_proof", "trade_no", "expires_at", "request_method", "request_fingerprint")...)
	list = append(list, []mutation{
		{"PSD-PAY-A402-21 dots", "protocol.payment_proof", "a.b.c", inv, ""},
		{"PSD-PAY-A402-21 no time", "protocol.expires_at", "2026-08-03 13:00:00Z", inv, ""},
		{"PSD-PAY-A402-21 amount is not a member", "protocol.amount", "1", protocol.CodeFieldUnknown, ""},
		{"PSD-PAY-A402-16 no key", "protocol.idempotency_key", nil, protocol.CodeFieldMissing, ""},
	}...)
	runMutations(t, "proof", official(t, "fixtures-earlier/payment-proof.json"), list)
}

func TestValidationSchema(t *testing.T) {
	inv, missing := protocol.CodeFieldInvalid, protocol.CodeFieldMissing
	ref := map[string]any{"type": "PAYMENT", "digest": "sha-256:" + strings.Repeat("C", 43)}
	many := make([]any, 21)
	for i := range many {
		many[i] = map[string]any{"type": "PAYMENT", "digest": "sha-256:" + strings.Repeat("C", 42) + string(rune('A'+i))}
	}
	list := append(common("PSD-PAY-A402-22"), required("PSD-PAY-A402-22", "method_id", "method_version", "out_trade_no",
		"resource_id", "trade_no", "request_fingerprint", "validation_status", "delivery_status", "fulfillment_status",
		"transaction_state", "validated_at")...)
	list = append(list, []mutation{
		{"PSD-PAY-A402-22 another status", "protocol.validation_status", "SUCCESS", inv, ""},
		{"PSD-PAY-A402-22 another delivery", "protocol.delivery_status", "DONE", inv, ""},
		{"PSD-PAY-A402-22 another fulfilment", "protocol.fulfillment_status", "DONE", inv, ""},
		{"PSD-PAY-A402-11 another state", "protocol.transaction_state", "PAID", inv, ""},
		{"PSD-PAY-A402-22 INVALID without error", "protocol.validation_status", "INVALID", missing, "protocol.error"},
		{"PSD-PAY-A402-22 UNKNOWN without error", "protocol.validation_status", "UNKNOWN", missing, "protocol.error"},
		{"PSD-PAY-A402-22 VALID with error", "protocol.error", object(t, official(t, "fixtures-earlier/error.json")), inv, ""},
		{"PSD-PAY-A402-22 evidence twice", "protocol.evidence_refs", []any{ref, ref}, inv, ""},
		{"PSD-PAY-A402-22 evidence of another type", "protocol.evidence_refs", []any{map[string]any{"type": "X", "digest": ref["digest"]}}, inv, ""},
		{"PSD-PAY-A402-22 evidence with a relative URI", "protocol.evidence_refs", []any{map[string]any{"type": "PAYMENT", "digest": ref["digest"], "uri": "x"}}, inv, ""},
		{"PSD-PAY-A402-22 evidence without digest", "protocol.evidence_refs", []any{map[string]any{"type": "PAYMENT"}}, missing, ""},
		{"PSD-PAY-A402-22 evidence with more", "protocol.evidence_refs", []any{map[string]any{"type": "PAYMENT", "digest": ref["digest"], "x": 1}}, protocol.CodeFieldUnknown, ""},
		{"PSD-PAY-A402-22 21 pieces of evidence", "protocol.evidence_refs", many, protocol.CodeTooLarge, ""},
	}...)
	runMutations(t, "validation", official(t, "fixtures-earlier/payment-validation.json"), list)
}

func TestErrorSchema(t *testing.T) {
	inv, missing := protocol.CodeFieldInvalid, protocol.CodeFieldMissing
	at := "protocol.error."
	valid := object(t, official(t, "fixtures-earlier/payment-validation.json"))
	p := valid["protocol"].(map[string]any)
	p["validation_status"], p["error"] = "INVALID", object(t, official(t, "fixtures-earlier/error.json"))
	list := []mutation{
		{"PSD-PAY-A402-12 another id", at + "error_id", "A402-X", inv, ""},
		{"PSD-PAY-A402-12 id in lower case", at + "error_id", "ACT-A402-proof", inv, ""},
		{"PSD-PAY-A402-12 id without a name", at + "error_id", "ACT-A402-", inv, ""},
		{"PSD-PAY-A402-12 id of 97", at + "error_id", "ACT-A402-" + strings.Repeat("A", 88), inv, ""},
		{"PSD-PAY-A402-12 another category", at + "category", "PROOF", inv, ""},
		{"PSD-PAY-A402-12 another phase", at + "phase", "REFUND", inv, ""},
		{"PSD-PAY-A402-12 another retryability", at + "retryability", "ALWAYS", inv, ""},
		{"PSD-PAY-A402-12 no actions", at + "valid_next_actions", []any{}, missing, ""},
		{"PSD-PAY-A402-12 another action", at + "valid_next_actions", []any{"PAY_AGAIN"}, inv, ""},
		{"PSD-PAY-A402-12 one action twice", at + "valid_next_actions", []any{"ABORT", "ESCALATE", "ABORT"}, inv, ""},
		{"PSD-PAY-A402-12 empty message", at + "message", "", missing, ""},
		{"PSD-PAY-A402-12 message of 1025", at + "message", strings.Repeat("界", 1025), inv, ""},
		{"PSD-PAY-A402-12 retry in the past", at + "retry_after_seconds", -1, inv, ""},
		{"PSD-PAY-A402-12 retry after more than a day", at + "retry_after_seconds", 86401, inv, ""},
		{"PSD-PAY-A402-12 details of text", at + "details", "x", inv, ""},
		{"PSD-PAY-A402-12 another member", at + "stack", "x", protocol.CodeFieldUnknown, ""},
	}
	for _, n := range []string{"error_id", "category", "phase", "retryability", "valid_next_actions", "message"} {
		list = append(list, mutation{"PSD-PAY-A402-12 without " + n, at + n, nil, missing, ""})
	}
	runMutations(t, "validation", marshal(t, valid), list)
}
