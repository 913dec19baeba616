package delegation

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

func TestNewAuthorization(t *testing.T) {
	confirmed, err := ConfirmedISR(fullISR())
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewAuthorization(confirmed, principalDID)
	if err != nil {
		t.Fatal(err)
	}
	isr := confirmed.ISR()
	t.Run("ADD-IAC-ISS-03 selected, not copied", func(t *testing.T) {
		if a.ConversationHistory != nil || a.Ext.Fulfillment.DeliveryAddress != "" {
			t.Error("personal data was selected without being asked for")
		}
	})
	t.Run("ADD-IAC-ISS-07 every limit under its own name", func(t *testing.T) {
		isr.Ext.Fulfillment.DeliveryAddress = ""
		if diff := cmp.Diff(isr.Ext, a.Ext); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("ADD-INT-ICS-06 one intent id", func(t *testing.T) {
		if a.IntentID != isr.IntentID {
			t.Error("another intent id")
		}
		again, err := NewAuthorization(confirmed, principalDID)
		if err != nil || again.DelegationID == a.DelegationID {
			t.Error("a delegation id was used twice")
		}
	})
	t.Run("ADD-IAC-ISS-13 digest of the ISR", func(t *testing.T) {
		if want, _ := confirmed.ISR().Digest(); a.SourceISRDigest != want {
			t.Error("another digest")
		}
	})
	t.Run("ADD-IAC-ISS-02 the confirmation is taken over", func(t *testing.T) {
		if a.UserConfirmationMethod != "FINGERPRINT" || !a.UserConfirmationTimestamp.Equal(start) {
			t.Error("the confirmation is lost")
		}
	})
	t.Run("ADD-IAC-ISS-06 conversation and address when asked for", func(t *testing.T) {
		full := fullAuthorization(t)
		if full.ConversationHistory == nil || full.Ext.Fulfillment.DeliveryAddress != "the counter" {
			t.Error("not carried")
		}
	})
	t.Run("IDN-02 delegator", func(t *testing.T) {
		_, err := NewAuthorization(confirmed, "a person")
		want(t, err, protocol.CodeFieldInvalid, "delegator_identity", "")
		_, err = NewAuthorization(confirmed, "")
		want(t, err, protocol.CodeFieldMissing, "delegator_identity", "ADD-IAC-ISS-04")
	})
	t.Run("an ISR without extensions", func(t *testing.T) {
		bare := fullISR()
		bare.DelegationMode, bare.Ext = Bounded, &Ext{Fulfillment: &Fulfillment{DeliveryAddress: "x"}}
		c, err := ConfirmedISR(bare)
		if err != nil {
			t.Fatal(err)
		}
		a, err := NewAuthorization(c, principalDID)
		if err != nil || a.Ext != nil {
			t.Errorf("%+v, %v", a.Ext, err)
		}
		if a, err = NewAuthorization(c, principalDID, WithDeliveryAddress()); err != nil || a.Ext.fulfillment().DeliveryAddress != "x" {
			t.Errorf("%+v, %v", a.Ext, err)
		}
	})
}

func TestAuthorizationRoundTrip(t *testing.T) {
	a := fullAuthorization(t)
	data, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, unknown, err := DecodeAuthorization(data)
	if err != nil || unknown != nil {
		t.Fatal(unknown, err)
	}
	if diff := cmp.Diff(a, got, cmpopts.IgnoreUnexported(Authorization{})); diff != "" {
		t.Error(diff)
	}
	canonical, err := canon.Canonicalize(data)
	if err != nil || string(canonical) != string(data) {
		t.Error("ADD-IAC-ISS-08: the payload is not in RFC 8785 form")
	}
	for _, name := range []string{`"delegation_id"`, `"validity_start_time"`, `"max_total_amount":20,`, `"allowed_payment_methods"`, `"source_isr_digest"`} {
		if !strings.Contains(string(data), name) {
			t.Errorf("ADD-IAC-ISS-08: %s was restyled or lost", name)
		}
	}
}

func TestAuthorizationRules(t *testing.T) {
	base, err := fullAuthorization(t).Encode()
	if err != nil {
		t.Fatal(err)
	}
	t.Run("ADD-IAC-ISS-04 six members", func(t *testing.T) {
		for _, name := range []string{"delegation_id", "delegator_identity", "agent_id", "validity_start_time", "validity_end_time", "max_total_amount"} {
			_, _, err := DecodeAuthorization(edit(t, base, name, ""))
			want(t, err, protocol.CodeFieldMissing, name, "ADD-IAC-ISS-04")
		}
		_, _, err := DecodeAuthorization(edit(t, base, "agent_id", `""`))
		want(t, err, protocol.CodeFieldMissing, "agent_id", "ADD-IAC-ISS-04")
	})
	t.Run("ADD-IAC-ISS-05 defaults", func(t *testing.T) {
		a, _, err := DecodeAuthorization(edit(t, edit(t, base, "delegation_mode", ""), "currency", ""))
		if err != nil || a.Mode() != Specified || a.CurrencyCode() != "CNY" {
			t.Fatal(err)
		}
		b, err := a.Bounds()
		if err != nil || b.Mode() != Specified || b.Currency().Code() != "CNY" {
			t.Error(err)
		}
	})
	t.Run("ADD-IAC-ISS-05 a default replaces nothing but absence", func(t *testing.T) {
		for _, name := range []string{"delegation_mode", "currency"} {
			for _, v := range []string{`""`, `null`, `"X"`} {
				_, _, err := DecodeAuthorization(edit(t, base, name, v))
				want(t, err, protocol.CodeFieldInvalid, name, "")
			}
		}
	})
	t.Run("ADD-IAC-ISS-06 intent id or conversation", func(t *testing.T) {
		doc := edit(t, base, "intent_id", "")
		if _, _, err := DecodeAuthorization(doc); err != nil {
			t.Error(err)
		}
		_, _, err := DecodeAuthorization(edit(t, doc, "conversation_history", ""))
		want(t, err, protocol.CodeFieldMissing, "intent_id", "ADD-IAC-ISS-06")
		_, _, err = DecodeAuthorization(edit(t, base, "conversation_history", `{}`))
		want(t, err, protocol.CodeFieldMissing, "conversation_history.user_intent_raw", "ADD-INT-ICS-01")
		_, _, err = DecodeAuthorization(edit(t, base, "conversation_history", `{"user_intent_raw":"x","mood":"good"}`))
		want(t, err, protocol.CodeFieldUnknown, "conversation_history.mood", "")
	})
	t.Run("ADD-INT-ICS-12 method without time", func(t *testing.T) {
		_, _, err := DecodeAuthorization(edit(t, base, "user_confirmation_timestamp", ""))
		want(t, err, protocol.CodeFieldMissing, "user_confirmation_timestamp", "ADD-INT-ICS-12")
	})
	t.Run("ADD-INT-ICS-13 single above total", func(t *testing.T) {
		_, _, err := DecodeAuthorization(edit(t, base, "max_total_amount", "19"))
		want(t, err, protocol.CodeFieldInvalid, "ext.commerce.max_single_amount", "ADD-INT-ICS-13")
	})
	t.Run("ADD-IAC-ISS-13 digest", func(t *testing.T) {
		for _, v := range []string{`"x"`, `""`, `"sha-256:short"`} {
			_, _, err := DecodeAuthorization(edit(t, base, "source_isr_digest", v))
			want(t, err, protocol.CodeFieldInvalid, "source_isr_digest", "ADD-IAC-ISS-13")
		}
	})
	t.Run("duplicate member", func(t *testing.T) {
		doc := slices.Concat(base[:len(base)-1], []byte(`,"max_total_amount":1000}`))
		_, _, err := DecodeAuthorization(doc)
		want(t, err, protocol.CodeMalformed, "", "")
	})
}

// An unknown member anywhere it could be a constraint makes every decision
// undetermined; private data does not.
func TestUnknownMembers(t *testing.T) {
	base, err := fullAuthorization(t).Encode()
	if err != nil {
		t.Fatal(err)
	}
	inside := Purchase{
		At: noon, Amount: cny(t, "18.00"), Merchant: shopDID, Categories: []string{"food/coffee"},
		Method: walletURN, DeliverBy: noon, CataloguePrice: cny(t, "18.00"),
	}
	spent := cny(t, "0.00")
	for _, path := range []string{
		"weekdays_only", "ext.loyalty", "ext.commerce.allowed_brands", "ext.agent_behavior.max_speed",
		"ext.fulfillment.max_distance", "MAX_TOTAL_AMOUNT", "ext.vendor_Private",
	} {
		for _, value := range []string{`{"a":[1]}`, `null`, `[]`, `""`} {
			t.Run("ADD-IAC-ISS-07 "+path+" "+value, func(t *testing.T) {
				a, unknown, err := DecodeAuthorization(edit(t, base, path, value))
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(unknown, []string{path}) || !slices.Equal(a.Unknown(), unknown) {
					t.Fatalf("got %v", unknown)
				}
				for _, a := range []*Authorization{a, a.Clone()} {
					b, err := a.Bounds()
					if err != nil || b.Understood() {
						t.Fatal("the unknown member is forgotten")
					}
					for _, role := range []Role{RoleAgent, RoleMerchant, RolePSP} {
						d := b.Decide(role, inside, &spent)
						if d.Outcome() != protocol.Undetermined || protocol.CodeOf(d.Err()) != protocol.CodeConstraintUnknown {
							t.Errorf("role %d: %v", role, d.Err())
						}
					}
				}
				_, err = a.Encode()
				want(t, err, protocol.CodeConstraintUnknown, "", "")
			})
		}
	}
	t.Run("ADD-INT-ICS-17 private data changes nothing", func(t *testing.T) {
		doc := edit(t, base, "ext.vendor_private", `{"max_total_amount":999999,"allowed_merchants":[],"delegation_mode":"BOUNDED"}`)
		a, unknown, err := DecodeAuthorization(doc)
		if err != nil || len(unknown) > 0 {
			t.Fatal(unknown, err)
		}
		b, err := a.Bounds()
		if err != nil || b.Total() != cny(t, "20.00") || !b.Understood() {
			t.Error("private data changed the boundaries")
		}
		if d := b.Decide(RoleAgent, inside, &spent); !d.Allowed() {
			t.Error(d.Err())
		}
	})
}

// The published IAC example is older than the binding text.
func TestOfficialIAC(t *testing.T) {
	example := official(t, "iac-example.json")
	var outer struct {
		VC struct {
			CredentialSubject jsontext.Value `json:"credentialSubject"`
		} `json:"vc"`
	}
	if err := json.Unmarshal(example, &outer); err != nil {
		t.Fatal(err)
	}
	payload := []byte(outer.VC.CredentialSubject)
	s := signer(t, "did:act:example.com/user-alice#k1", keys.IssueAuthorization)
	sign := func(claims []byte) error {
		raw, err := keys.SignCompact(s, keys.IssueAuthorization, keys.TypeMandate, claims)
		if err != nil {
			t.Fatal(err)
		}
		_, err = ParseMandate(raw)
		return err
	}
	t.Run("ADD-IAC-ISS-04 signer_identity is not delegator_identity", func(t *testing.T) {
		_, _, err := DecodeAuthorization(payload)
		want(t, err, protocol.CodeFieldMissing, "delegator_identity", "ADD-IAC-ISS-04")
	})
	named := edit(t, payload, "delegator_identity", `"did:act:example.com/user-alice"`)
	t.Run("ADD-IAC-ISS-07 the older names are unknown constraints", func(t *testing.T) {
		_, unknown, err := DecodeAuthorization(named)
		slices.Sort(unknown)
		older := []string{"amount_currency", "ext.agent_behavior.price_change_action", "ext.agent_behavior.price_change_tolerance", "signer_identity", "user_intent_raw"}
		if err != nil || !slices.Equal(unknown, older) {
			t.Errorf("got %v, %v", unknown, err)
		}
	})
	t.Run("ADD-IAC-ISS-14 neither audience nor window nor holder", func(t *testing.T) {
		want(t, sign(example), protocol.CodeFieldMissing, "aud", "ADD-IAC-ISS-14")
	})
	t.Run("ADD-IAC-ISS-14 exp is not the end of the window", func(t *testing.T) {
		claims := edit(t, example, "vc.credentialSubject", string(named))
		claims = edit(t, claims, "aud", `"`+pspDID+`"`)
		claims = edit(t, claims, "nbf", "1773878400") // 2026-03-19T00:00:00Z, the payload's start
		claims = edit(t, claims, "cnf", `{"jwk":`+string(signer(t, agentDID+"#k1", keys.AgentRequest).Public().JWK())+`}`)
		want(t, sign(claims), protocol.CodeClaimsConflict, "exp", "ADD-IAC-ISS-14")
	})
}
