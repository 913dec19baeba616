package delegation

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

func TestOfficialISR(t *testing.T) {
	data := official(t, "isr-example.json")
	isr, err := DecodeISR(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := isr.Validate(); err != nil {
		t.Fatal(err)
	}
	again, err := isr.Encode()
	if err != nil {
		t.Fatal(err)
	}
	canonical, err := canon.Canonicalize(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(canonical), string(again)); diff != "" {
		t.Errorf("encoding lost something (-want +got):\n%s", diff)
	}
	digest, err := isr.Digest()
	if err != nil || digest != canon.Sum(canonical) {
		t.Errorf("digest %s, %v", digest, err)
	}
}

func TestOfficialConversationHistory(t *testing.T) {
	h, err := DecodeConversationHistory(official(t, "conversation-history-example.json"))
	if err != nil {
		t.Fatal(err)
	}
	digest, err := h.Raw.Digest()
	if err != nil || digest != canon.Sum([]byte(h.Raw.Text)) {
		t.Errorf("digest %s, %v", digest, err)
	}
}

func TestISRRoundTrip(t *testing.T) {
	isr := fullISR()
	data, err := isr.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeISR(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(isr, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	clone := isr.Clone()
	clone.Ext.Commerce.AllowedMerchants[0] = "urn:x:other"
	*clone.Ext.AgentBehavior.MaxRetryCount = 9
	clone.Ext.VendorPrivate[2] = 'X'
	clone.ConversationHistory.Raw.Turns[0].Content = "other"
	if diff := cmp.Diff(got, isr); diff != "" {
		t.Errorf("a clone shares memory:\n%s", diff)
	}
}

// Every rule of ADD-INT-ICS on a member, broken one at a time.
func TestISRRules(t *testing.T) {
	base, err := fullISR().Encode()
	if err != nil {
		t.Fatal(err)
	}
	const invalid, missing, unknown, malformed = protocol.CodeFieldInvalid, protocol.CodeFieldMissing, protocol.CodeFieldUnknown, protocol.CodeMalformed
	for _, c := range []struct {
		name, path, value string
		code              protocol.Code
		field             string
	}{
		{"ADD-INT-ICS-01 neither words nor digest", "conversation_history", `{}`, missing, "conversation_history.user_intent_raw"},
		{"ADD-INT-ICS-01 empty text", "conversation_history.user_intent_raw", `""`, invalid, "conversation_history.user_intent_raw"},
		{"ADD-INT-ICS-01 no turns", "conversation_history.user_intent_raw", `[]`, invalid, "conversation_history.user_intent_raw"},
		{"ADD-INT-ICS-01 a number", "conversation_history.user_intent_raw", `1`, invalid, "conversation_history.user_intent_raw"},
		{"ADD-INT-ICS-01 turn without role", "conversation_history.user_intent_raw", `[{"content":"x","create_time":"2026-01-01T00:00:00Z"}]`, missing, "conversation_history.user_intent_raw"},
		{"ADD-INT-ICS-01 turn without content", "conversation_history.user_intent_raw", `[{"role":"USER","create_time":"2026-01-01T00:00:00Z"}]`, missing, "conversation_history.user_intent_raw[0].content"},
		{"ADD-INT-ICS-01 turn without time", "conversation_history.user_intent_raw", `[{"role":"USER","content":"x"}]`, missing, ""},
		{"ADD-INT-ICS-01 turn with a wrong time", "conversation_history.user_intent_raw", `[{"role":"USER","content":"x","create_time":"noon"}]`, invalid, ""},
		{"ADD-INT-ICS-01 turn with more members", "conversation_history.user_intent_raw", `[{"role":"USER","content":"x","create_time":"2026-01-01T00:00:00Z","mood":"good"}]`, unknown, "conversation_history.user_intent_raw[0].mood"},
		{"ADD-INT-ICS-02 digest without reference", "conversation_history", `{"user_intent_raw_digest":"sha-256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"}`, missing, "conversation_history.context_ref"},
		{"ADD-INT-ICS-02 not a digest", "conversation_history", `{"user_intent_raw_digest":"md5:x","context_ref":"r"}`, invalid, "conversation_history.user_intent_raw_digest"},
		{"ADD-INT-ICS-03 not an array", "conversation_history.input_mode", `"TEXT"`, invalid, "conversation_history.input_mode"},
		{"ADD-INT-ICS-06 intent id with a space", "intent_id", `"an id"`, invalid, "intent_id"},
		{"ADD-INT-ICS-07 another mode", "delegation_mode", `"OPEN"`, invalid, "delegation_mode"},
		{"ADD-INT-ICS-07 lower case", "delegation_mode", `"bounded"`, invalid, "delegation_mode"},
		{"ADD-INT-ICS-08 end before start", "validity_end_time", `"2026-03-18T00:00:00Z"`, invalid, "validity_end_time"},
		{"ADD-INT-ICS-08 end equal to start", "validity_end_time", `"2026-03-19T00:00:00Z"`, invalid, "validity_end_time"},
		{"ADD-INT-ICS-08 offset instead of Z", "validity_start_time", `"2026-03-19T08:00:00+08:00"`, invalid, "validity_start_time"},
		{"ADD-INT-ICS-08 fraction", "validity_start_time", `"2026-03-19T00:00:00.5Z"`, invalid, "validity_start_time"},
		{"ADD-INT-ICS-08 number", "validity_start_time", `1773878400`, invalid, "validity_start_time"},
		{"ADD-INT-ICS-08 boolean", "validity_end_time", `true`, invalid, "validity_end_time"},
		{"ADD-INT-ICS-08 before 1970", "validity_start_time", `"1969-12-31T23:59:59Z"`, invalid, "validity_start_time"},
		{"ADD-INT-ICS-09 string", "max_total_amount", `"20"`, invalid, "max_total_amount"},
		{"ADD-INT-ICS-09 boolean", "max_total_amount", `true`, invalid, "max_total_amount"},
		{"ADD-INT-ICS-09 negative", "max_total_amount", `-1`, invalid, "max_total_amount"},
		{"ADD-INT-ICS-09 three decimals", "max_total_amount", `20.001`, invalid, "max_total_amount"},
		{"ADD-INT-ICS-09 beyond int64", "max_total_amount", `1e18`, invalid, "max_total_amount"},
		{"ADD-INT-ICS-09 beyond a double", "max_total_amount", `1e400`, malformed, ""},
		{"ADD-INT-ICS-09 changed by its canonical form", "max_total_amount", `9007199254740993`, malformed, ""},
		{"ADD-INT-ICS-09 not JSON", "max_total_amount", `NaN`, malformed, ""},
		{"ADD-INT-ICS-10 no currency", "currency", `"ABC"`, invalid, "currency"},
		{"ADD-INT-ICS-10 lower case", "currency", `"cny"`, invalid, "currency"},
		{"ADD-INT-ICS-11 empty list", "allowed_payment_methods", `[]`, invalid, "allowed_payment_methods"},
		{"ADD-INT-ICS-11 empty entry", "allowed_payment_methods", `[""]`, invalid, "allowed_payment_methods"},
		{"ADD-INT-ICS-11 string", "allowed_payment_methods", `"urn:act:payment:wallet"`, invalid, "allowed_payment_methods"},
		{"ADD-INT-ICS-11 null", "allowed_payment_methods", `null`, invalid, "allowed_payment_methods"},
		{"ADD-INT-ICS-12 method without time", "user_confirmation_timestamp", ``, missing, "user_confirmation_timestamp"},
		{"ADD-INT-ICS-13 single above total", "ext.commerce.max_single_amount", `20.01`, invalid, "ext.commerce.max_single_amount"},
		{"ADD-INT-ICS-13 negative single", "ext.commerce.max_single_amount", `-0.01`, invalid, "ext.commerce.max_single_amount"},
		{"ADD-INT-ICS-13 minimum above single", "ext.commerce.min_single_amount", `20.5`, invalid, "ext.commerce.min_single_amount"},
		{"ADD-INT-ICS-14 empty list", "ext.commerce.allowed_merchants", `[]`, invalid, "ext.commerce.allowed_merchants"},
		{"ADD-INT-ICS-14 null list", "ext.commerce.forbidden_categories", `null`, invalid, "ext.commerce.forbidden_categories"},
		{"ADD-INT-ICS-14 not a merchant", "ext.commerce.allowed_merchants", `["the shop around the corner"]`, invalid, "ext.commerce.allowed_merchants"},
		{"ADD-INT-ICS-14 number in a list", "ext.commerce.forbidden_merchants", `[1]`, invalid, "ext.commerce.forbidden_merchants[0]"},
		{"ADD-INT-ICS-14 empty segment", "ext.commerce.allowed_categories", `["food//coffee"]`, invalid, "ext.commerce.allowed_categories"},
		{"ADD-INT-ICS-15 negative tolerance", "ext.agent_behavior.price_deviation_tolerance", `-1`, invalid, "ext.agent_behavior.price_deviation_tolerance"},
		{"ADD-INT-ICS-15 action", "ext.agent_behavior.price_deviation_action", `"IGNORE"`, invalid, "ext.agent_behavior.price_deviation_action"},
		{"ADD-INT-ICS-15 failure", "ext.agent_behavior.on_payment_failure", `""`, invalid, "ext.agent_behavior.on_payment_failure"},
		{"ADD-INT-ICS-15 half a retry", "ext.agent_behavior.max_retry_count", `1.5`, invalid, "ext.agent_behavior.max_retry_count"},
		{"ADD-INT-ICS-15 negative retries", "ext.agent_behavior.max_retry_count", `-1`, invalid, "ext.agent_behavior.max_retry_count"},
		{"ADD-INT-ICS-16 requirement empty", "ext.fulfillment.delivery_time_requirement", `""`, invalid, "ext.fulfillment.delivery_time_requirement"},
		{"ADD-INT-ICS-16 requirement not a string", "ext.fulfillment.delivery_time_requirement", `30`, invalid, "ext.fulfillment.delivery_time_requirement"},
		{"ADD-INT-ICS-16 address with control characters", "ext.fulfillment.delivery_address", `"a\u0000b"`, invalid, "ext.fulfillment.delivery_address"},
		{"ADD-INT-ICS-17 private data not an object", "ext.vendor_private", `[1]`, invalid, "ext.vendor_private"},
		{"ADD-INT-ICS-17 private data with null", "ext.vendor_private", `{"a":[{"b":null}]}`, invalid, "ext.vendor_private"},
		{"unknown member", "colour", `1`, unknown, "colour"},
		{"unknown namespace", "ext.loyalty", `{}`, unknown, "ext.loyalty"},
		{"unknown constraint", "ext.commerce.allowed_brands", `["x"]`, unknown, "ext.commerce.allowed_brands"},
		{"unknown name that is no name", "a b", `1`, unknown, "?"},
		{"null", "agent_id", `null`, invalid, "agent_id"},
		{"IDN-02 agent", "agent_id", `"agent-1"`, invalid, "agent_id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := DecodeISR(edit(t, base, c.path, c.value))
			id := ""
			if strings.HasPrefix(c.name, "ADD-") && c.code != malformed && c.code != unknown {
				id, _, _ = strings.Cut(c.name, " ")
			}
			want(t, err, c.code, c.field, id)
		})
	}
}

func TestISRAccepts(t *testing.T) {
	base, err := fullISR().Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, path, value string }{
		{"ADD-INT-ICS-01 text", "conversation_history.user_intent_raw", `"a latte"`},
		{"ADD-INT-ICS-01 turn time with offset", "conversation_history.user_intent_raw", `[{"role":"USER","content":"","create_time":"2026-01-01T08:00:00+08:00"}]`},
		{"ADD-INT-ICS-03 a mode of one's own", "conversation_history.input_mode", `["GESTURE","TEXT"]`},
		{"ADD-INT-ICS-09 zero decimals do not count", "max_total_amount", `20.0000`},
		{"ADD-INT-ICS-09 exponent", "max_total_amount", `2.0e1`},
		{"ADD-INT-ICS-11 absent", "allowed_payment_methods", ``},
		{"ADD-INT-ICS-13 equal limits", "ext.commerce.min_single_amount", `20`},
		{"ADD-INT-ICS-14 categories of any language", "ext.commerce.allowed_categories", `["餐饮/咖啡"]`},
		{"ADD-INT-ICS-16 a format of one's own", "ext.fulfillment.delivery_time_requirement", `"within 30 minutes"`},
		{"ADD-INT-ICS-16 address in lines", "ext.fulfillment.delivery_address", `"Room 1\nStreet 2"`},
		{"an empty block restricts nothing", "ext.commerce", `{}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := edit(t, base, c.path, c.value)
			isr, err := DecodeISR(doc)
			if err != nil {
				t.Fatal(err)
			}
			again, err := isr.Encode()
			if err != nil {
				t.Fatal(err)
			}
			canonical, _ := canon.Canonicalize(doc)
			if diff := cmp.Diff(string(canonical), string(again)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestCurrencyDecimals(t *testing.T) {
	for _, c := range []struct {
		currency string
		total    Number
		ok       bool
	}{
		{"CNY", "20.01", true}, {"CNY", "20.010", true}, {"CNY", "20.011", false},
		{"JPY", "450", true}, {"JPY", "450.00", true}, {"JPY", "450.5", false}, {"JPY", "0.01", false},
		{"BHD", "1.23", true}, {"BHD", "1.234", false},
	} {
		t.Run("ADD-INT-ICS-09 "+c.currency+" "+string(c.total), func(t *testing.T) {
			isr := ISR{Currency: c.currency, MaxTotalAmount: c.total}
			if err := isr.Check(); c.ok != (err == nil) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("ADD-INT-ICS-09 literals of a program", func(t *testing.T) {
		for _, n := range []Number{"twenty", "0x14", " 20", "20 ", "+20", "020", "1e", `"20"`, "true", "[1]", "-0.01"} {
			if err := (&ISR{MaxTotalAmount: n}).Check(); protocol.CodeOf(err) != protocol.CodeFieldInvalid {
				t.Errorf("%s: %v", n, err)
			}
		}
	})
}

func TestFinalISR(t *testing.T) {
	t.Run("ADD-IAC-ISS-01 each member is needed", func(t *testing.T) {
		for field, remove := range map[string]func(*ISR){
			"conversation_history":           func(i *ISR) { i.ConversationHistory = nil },
			"intent_id":                      func(i *ISR) { i.IntentID = "" },
			"delegation_mode":                func(i *ISR) { i.DelegationMode = "" },
			"validity_start_time":            func(i *ISR) { i.ValidityStart = time.Time{} },
			"validity_end_time":              func(i *ISR) { i.ValidityEnd = time.Time{} },
			"max_total_amount":               func(i *ISR) { i.MaxTotalAmount = "" },
			"currency":                       func(i *ISR) { i.Currency = "" },
			"agent_id":                       func(i *ISR) { i.AgentID = "" },
			"user_confirmation_method":       func(i *ISR) { i.UserConfirmationMethod = "" },
			"user_confirmation_timestamp":    func(i *ISR) { i.UserConfirmationTimestamp = time.Time{} },
			"ext.commerce.allowed_merchants": func(i *ISR) { i.Ext.Commerce.AllowedMerchants = nil },
		} {
			isr := fullISR()
			remove(isr)
			want(t, isr.Validate(), protocol.CodeFieldMissing, field, "")
			if _, err := ConfirmedISR(isr); err == nil {
				t.Errorf("confirmed without %s", field)
			}
		}
	})
	t.Run("ADD-IAC-ISS-01 BOUNDED needs one main boundary", func(t *testing.T) {
		isr := fullISR()
		isr.DelegationMode, isr.Ext, isr.AllowedPaymentMethods = Bounded, nil, nil
		want(t, isr.Validate(), protocol.CodeFieldMissing, "ext.commerce", "ADD-IAC-ISS-01")
		isr.AllowedPaymentMethods = []string{walletURN}
		if err := isr.Validate(); err != nil {
			t.Error(err)
		}
	})
	t.Run("a draft is checked and need not be complete", func(t *testing.T) {
		if _, err := DecodeISR([]byte(`{"currency":"CNY"}`)); err != nil {
			t.Error(err)
		}
		if _, err := DecodeISR([]byte(`[]`)); protocol.CodeOf(err) != protocol.CodeFieldInvalid {
			t.Error(err)
		}
	})
	t.Run("longer than a reader accepts", func(t *testing.T) {
		isr := fullISR()
		isr.ConversationHistory.Raw = RawIntent{Text: strings.Repeat("x", 70000)}
		_, err := isr.Encode()
		want(t, err, protocol.CodeTooLarge, "", "")
	})
}

func TestConversationDigest(t *testing.T) {
	t.Run("ADD-INT-ICS-02 content", func(t *testing.T) {
		h := ConversationHistory{Digest: canon.Sum([]byte("recording")), ContextRef: "session:1"}
		if err := h.Validate(); err != nil {
			t.Fatal(err)
		}
		if err := h.Matches([]byte("recording")); err != nil {
			t.Error(err)
		}
		want(t, h.Matches([]byte("another")), protocol.CodeClaimsConflict, "user_intent_raw_digest", "ADD-INT-ICS-02")
		h.Digest = "sm3:" + h.Digest[8:]
		want(t, h.Matches([]byte("recording")), protocol.CodeFactMissing, "user_intent_raw_digest", "ADD-INT-ICS-02")
		h.Digest = ""
		want(t, h.Matches([]byte("recording")), protocol.CodeFieldMissing, "", "ADD-INT-ICS-02")
	})
	t.Run("ADD-INT-ICS-02 turns by their canonical form", func(t *testing.T) {
		turns := RawIntent{Turns: []Turn{Say("hello", start), Reply("yes", start)}}
		got, err := turns.Digest()
		if err != nil {
			t.Fatal(err)
		}
		plain := `[{"content":"hello","create_time":"2026-03-19T00:00:00Z","role":"USER"},{"content":"yes","create_time":"2026-03-19T00:00:00Z","role":"ASSISTANT"}]`
		if got != canon.Sum([]byte(plain)) {
			t.Error("another digest than that of the RFC 8785 form")
		}
	})
	t.Run("ADD-INT-ICS-01 text and turns", func(t *testing.T) {
		h := ConversationHistory{Raw: RawIntent{Text: "x", Turns: []Turn{Say("x", start)}}}
		want(t, h.Validate(), protocol.CodeFieldInvalid, "user_intent_raw", "ADD-INT-ICS-01")
		if _, err := (RawIntent{}).Digest(); err == nil {
			t.Error("a digest of nothing")
		}
	})
}

// An empty member would be lost when the draft is written, and the digest would
// be that of another text.
func TestDecodeISRRefusesEmptyMembers(t *testing.T) {
	for _, name := range []string{"intent_id", "delegation_mode", "currency", "agent_id", "user_confirmation_method"} {
		t.Run("ADD-IAC-ISS-13 "+name, func(t *testing.T) {
			_, err := DecodeISR([]byte(`{"` + name + `":""}`))
			want(t, err, protocol.CodeFieldMissing, name, "")
		})
	}
}
