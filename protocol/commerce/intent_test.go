package commerce_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

var compareCurrencies = cmp.Comparer(func(a, b money.Currency) bool { return a == b })

func ask(t testing.TB) commerce.IntentRequest {
	return commerce.IntentRequest{
		RequestID: "ask-1", Nonce: strings.Repeat("A", 22), Timestamp: now, BuyerAgentID: agentDID, MerchantID: shopDID,
		IntentID: "urn:uuid:550e8400-e29b-41d4-a716-446655440000", DelegationID: "urn:uuid:7f3e9a12-b4c8-4d56-a321-8b7c6d5e4f30",
		Intent: commerce.Intent{
			Context: commerce.IntentContext{
				Explicit: "续费手机套餐", Implicit: []string{"monthly", "about 129"}, Preferences: []string{"the same as now"}, Background: []string{"5G"},
			},
			Constraints: commerce.Constraints{
				MaxAmount: cny(t, "150.00"), Currency: cny(t, "0").Currency(), AllowedCategories: []string{"mobile"},
				ForbiddenCategories: []string{"mobile/roaming"}, DeliverBy: now.Add(time.Hour),
			},
			Response: commerce.ResponseRequirements{MaxCandidates: 3, Sort: commerce.SortRelevance},
		},
		Consent: &commerce.Consent{Scope: []commerce.ConsentScope{commerce.ConsentImplicit, commerce.ConsentPreferences}, GrantedAt: now.Add(-time.Hour)},
	}
}

func update(t testing.TB) commerce.IntentRequest {
	q := ask(t)
	q.RequestID, q.PreviousRequestID, q.Consent = "ask-2", "ask-1", nil
	q.Intent = commerce.Intent{Constraints: commerce.Constraints{MaxAmount: cny(t, "160.00"), Currency: cny(t, "0").Currency()}}
	q.Removed = []commerce.IntentMember{commerce.MemberPreferences}
	return q
}

func TestIntentRequestRoundTrip(t *testing.T) {
	s := signer(t, agentDID, keys.AgentRequest, 0)
	for name, q := range map[string]commerce.IntentRequest{"CID-INT-XFR-01 first": ask(t), "CID-INT-XFR-04 update": update(t)} {
		t.Run(name, func(t *testing.T) {
			raw, err := commerce.SignIntentRequest(s, q)
			if err != nil {
				t.Fatal(err)
			}
			u, err := commerce.ParseIntentRequest(raw)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(q, u.Request, compareAmounts, compareCurrencies); diff != "" {
				t.Error(diff)
			}
			if err := u.Verify(s.Public()); err != nil || u.KeyID() != s.KeyID() || u.SignerDID() != agentDID {
				t.Errorf("%v", err)
			}
			if u.Verify(signer(t, agentDID, keys.AgentRequest, 1).Public()) == nil {
				t.Error("verified by another key")
			}
			q.Nonce, q.Timestamp = strings.Repeat("B", 21)+"A", now.Add(time.Minute)
			again, err := commerce.SignIntentRequest(s, q)
			if err != nil {
				t.Fatal(err)
			}
			if v, err := commerce.ParseIntentRequest(again); err != nil || v.ContentDigest() != u.ContentDigest() {
				t.Errorf("another transmission has another content: %v", err)
			}
		})
	}
	if _, err := commerce.SignIntentRequest(signer(t, shopDID, keys.AgentRequest, 0), ask(t)); protocol.CodeOf(err) != protocol.CodeClaimsConflict {
		t.Errorf("signed for another: %v", err)
	}
	if _, err := commerce.SignIntentRequest(signer(t, agentDID, keys.Seller, 0), ask(t)); protocol.CodeOf(err) != protocol.CodeKeyPurpose {
		t.Errorf("signed with another key: %v", err)
	}
}

// TestOfficialMembers holds our member names against the protocol's published
// example: each of its members is ours too, but for the list of merchants.
func TestOfficialMembers(t *testing.T) {
	path := filepath.Join("..", "..", "..", "shared", "act-2.1", "official", "payload-examples", "intent-request-example.json")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Skip("the official examples are not here: ", err)
	}
	var official map[string]any
	if err := json.Unmarshal(data, &official); err != nil {
		t.Fatal(err)
	}
	raw, err := commerce.SignIntentRequest(signer(t, agentDID, keys.AgentRequest, 0), ask(t))
	if err != nil {
		t.Fatal(err)
	}
	var lacking []string
	var compare func(path string, theirs, ours map[string]any)
	compare = func(path string, theirs, ours map[string]any) {
		for name, value := range theirs {
			mine, ok := ours[name]
			if !ok {
				lacking = append(lacking, path+name)
			}
			if inner, isObject := value.(map[string]any); isObject && ok {
				compare(path+name+".", inner, mine.(map[string]any))
			}
		}
	}
	compare("", official, object(t, raw))
	if !slices.Equal(lacking, []string{"constraints.allowed_merchants"}) {
		t.Errorf("not ours: %q", lacking)
	}
}

func TestIntentRequestForm(t *testing.T) {
	type edit = func(m map[string]any)
	in := func(path string, v any) edit {
		return func(m map[string]any) {
			names := strings.Split(path, ".")
			for _, n := range names[:len(names)-1] {
				m = m[n].(map[string]any)
			}
			if v == nil {
				delete(m, names[len(names)-1])
			} else {
				m[names[len(names)-1]] = v
			}
		}
	}
	many := make([]string, commerce.MaxIntentEntries+1)
	for n := range many {
		many[n] = fmt.Sprint("entry ", n)
	}
	for _, c := range []struct {
		name   string
		update bool
		edit   edit
		code   protocol.Code
		field  string
	}{
		{"CID-INT-XFR-01 no id", false, in("request_id", ""), protocol.CodeFieldMissing, "request_id"},
		{"CID-INT-XFR-01 no intent", false, in("intent_id", ""), protocol.CodeFieldMissing, "intent_id"},
		{"CID-INT-XFR-01 no explicit need", false, in("intent_context.explicit_intent", nil), protocol.CodeFieldMissing, "intent_context.explicit_intent"},
		{"CID-INT-XFR-01 an empty explicit need", false, in("intent_context.explicit_intent", ""), protocol.CodeFieldMissing, "intent_context.explicit_intent"},
		{"CID-INT-XFR-01 a need that is too long", false, in("intent_context.explicit_intent", strings.Repeat("x", 257)), protocol.CodeFieldInvalid, "intent_context.explicit_intent"},
		{"CID-INT-XFR-01 a need that reorders the screen", false, in("intent_context.background", []string{"a\u202eb"}), protocol.CodeFieldInvalid, "intent_context.background"},
		{"CID-INT-XFR-01 too many entries", false, in("intent_context.background", many), protocol.CodeFieldInvalid, "intent_context.background"},
		{"CID-INT-XFR-01 an empty list", false, in("constraints.allowed_categories", []string{}), protocol.CodeFieldInvalid, "constraints.allowed_categories"},
		{"CID-INT-XFR-01 an entry twice", false, in("constraints.allowed_categories", []string{"a", "a"}), protocol.CodeFieldInvalid, "constraints.allowed_categories"},
		{"CID-INT-XFR-01 no category", false, in("constraints.forbidden_categories", []string{"a//b"}), protocol.CodeFieldInvalid, "constraints.forbidden_categories"},
		{"CID-INT-XFR-01 a list of merchants", false, in("constraints.allowed_merchants", []string{shopDID}), protocol.CodeFieldUnknown, "constraints.allowed_merchants"},
		{"CID-INT-XFR-01 an amount as a number", false, in("constraints.max_amount", 150), protocol.CodeFieldInvalid, "constraints.max_amount"},
		{"CID-INT-XFR-01 hidden precision", false, in("constraints.max_amount", "150.001"), protocol.CodeFieldInvalid, "constraints.max_amount"},
		{"CID-INT-XFR-01 an amount of nothing", false, in("constraints.max_amount", "0.00"), protocol.CodeFieldInvalid, "constraints.max_amount"},
		{"CID-INT-XFR-01 an amount without currency", false, in("constraints.currency", nil), protocol.CodeFieldMissing, "constraints.currency"},
		{"CID-INT-XFR-01 a delivery that nobody can judge", false, in("constraints.delivery_time_requirement", "soon"), protocol.CodeFieldInvalid, "constraints.delivery_time_requirement"},
		{"CID-INT-XFR-01 no candidates", false, in("response_requirements.max_candidates", 0), protocol.CodeFieldInvalid, "response_requirements.max_candidates"},
		{"CID-INT-XFR-01 too many candidates", false, in("response_requirements.max_candidates", 101), protocol.CodeFieldInvalid, "response_requirements.max_candidates"},
		{"CID-INT-XFR-01 another order", false, in("response_requirements.sort_preference", "random"), protocol.CodeFieldInvalid, "response_requirements.sort_preference"},
		{"CID-INT-XFR-01 empty constraints", false, in("constraints", map[string]any{}), protocol.CodeFieldInvalid, "constraints"},
		{"CID-INT-XFR-02 no consent", false, in("consent", nil), protocol.CodeFieldMissing, "consent"},
		{"CID-INT-XFR-02 consent for one of two", false, in("consent.scope", []string{"implicit_intent"}), protocol.CodeFieldInvalid, "consent.scope"},
		{"CID-INT-XFR-02 consent for something else", false, in("consent.scope", []string{"implicit_intent", "background"}), protocol.CodeFieldInvalid, "consent.scope"},
		{"CID-INT-XFR-02 consent for nothing", false, in("consent.scope", []string{}), protocol.CodeFieldInvalid, "consent.scope"},
		{"CID-INT-XFR-02 consent to come", false, in("consent.granted_at", "2026-03-02T09:30:01Z"), protocol.CodeFieldInvalid, "consent.granted_at"},
		{"CID-INT-XFR-02 consent that nothing needs", true, in("consent", map[string]any{"scope": []string{"preferences"}, "granted_at": "2026-03-01T00:00:00Z"}), protocol.CodeFieldInvalid, "consent"},
		{"CID-INT-XFR-04 a first request removes nothing", false, in("removed", []string{"constraints.currency"}), protocol.CodeFieldInvalid, "removed"},
		{"CID-INT-XFR-04 an update of itself", true, in("request_id", "ask-1"), protocol.CodeFieldInvalid, "previous_request_id"},
		{"CID-INT-XFR-04 an update of nothing", true, func(m map[string]any) { delete(m, "constraints"); delete(m, "removed") }, protocol.CodeFieldMissing, "intent_context"},
		{"CID-INT-XFR-04 an empty list removed", true, in("removed", []string{}), protocol.CodeFieldInvalid, "removed"},
		{"CID-INT-XFR-04 removed twice", true, in("removed", []string{"constraints.currency", "constraints.currency"}), protocol.CodeFieldInvalid, "removed"},
		{"CID-INT-XFR-04 removed and changed", true, in("removed", []string{"constraints.max_amount"}), protocol.CodeFieldInvalid, "removed"},
		{"CID-INT-XFR-04 the explicit need removed", true, in("removed", []string{"intent_context.explicit_intent"}), protocol.CodeFieldInvalid, "removed"},
		{"CID-INT-XFR-04 nothing removed by name", true, in("removed", []string{""}), protocol.CodeFieldInvalid, "removed"},
		{"CID-INT-XFR-04 preferences that come back without consent", true, func(m map[string]any) {
			delete(m, "removed")
			m["intent_context"] = map[string]any{"preferences": []string{"x"}}
		}, protocol.CodeFieldMissing, "consent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, q := signer(t, agentDID, keys.AgentRequest, 0), ask(t)
			if c.update {
				q = update(t)
			}
			raw, err := commerce.SignIntentRequest(s, q)
			if err != nil {
				t.Fatal(err)
			}
			var m map[string]any
			if err := json.Unmarshal(raw, &m); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"signer_id", "signature_type", "signature_covered_fields", "signature"} {
				delete(m, name)
			}
			c.edit(m)
			raw, err = keys.SignMessage(s, keys.AgentRequest, keys.KindIntentRequest, m)
			if err != nil {
				t.Fatal(err)
			}
			_, err = commerce.ParseIntentRequest(raw)
			wantError(t, err, c.code, c.field, "")
		})
	}
}

// drawIntent draws a valid Intent.
func drawIntent(t *rapid.T) commerce.Intent {
	list := func(name string, of ...string) []string {
		return rapid.OneOf(rapid.Just([]string(nil)), rapid.SliceOfNDistinct(rapid.SampledFrom(of), 1, 3, rapid.ID)).Draw(t, name)
	}
	i := commerce.Intent{Context: commerce.IntentContext{
		Explicit: rapid.SampledFrom([]string{"latte", "茶", "a cup of tea"}).Draw(t, "explicit"),
		Implicit: list("implicit", "a", "b", "c"), Preferences: list("preferences", "d", "e", "f"), Background: list("background", "g", "h", "i"),
	}}
	c := &i.Constraints
	c.AllowedCategories, c.ForbiddenCategories = list("allowed", "food", "books", "mobile"), list("forbidden", "food/alcohol", "mobile/x", "y")
	if rapid.Bool().Draw(t, "has currency") {
		c.Currency, _ = money.ParseCurrency(rapid.SampledFrom([]string{"CNY", "EUR"}).Draw(t, "currency"))
		if rapid.Bool().Draw(t, "has amount") {
			c.MaxAmount, _ = money.FromMinor(rapid.Int64Range(1, 9).Draw(t, "amount"), c.Currency)
		}
	}
	if rapid.Bool().Draw(t, "has delivery") {
		c.DeliverBy = now.Add(time.Duration(rapid.IntRange(1, 5).Draw(t, "delivery")) * time.Hour)
	}
	i.Response = commerce.ResponseRequirements{
		MaxCandidates: rapid.IntRange(0, 3).Draw(t, "max"), Sort: rapid.SampledFrom([]commerce.Sort{"", "relevance", "price"}).Draw(t, "sort"),
	}
	return i
}

// TestUpdatesAddUp: for any two intents the update between them, sent over the
// wire, makes the second of the first, carries nothing that is the same in
// both, and changes neither of them.
func TestUpdatesAddUp(t *testing.T) {
	s := signer(t, agentDID, keys.AgentRequest, 0)
	base := ask(t)
	rapid.Check(t, func(t *rapid.T) {
		before, after := drawIntent(t), drawIntent(t)
		kept, wanted := before.Clone(), after.Clone()
		changed, removed := before.Changes(after)
		if before.Equal(after) != (len(removed) == 0 && changed.Equal(commerce.Intent{})) {
			t.Fatalf("CID-INT-XFR-04: %+v, %v", changed, removed)
		}
		if before.Equal(after) {
			return
		}
		q := base
		q.PreviousRequestID, q.Intent, q.Removed, q.Consent = "ask-0", changed, removed, nil
		if scope := changed.Context.NeedsConsent(); scope != nil {
			q.Consent = &commerce.Consent{Scope: scope, GrantedAt: now}
		}
		raw, err := commerce.SignIntentRequest(s, q)
		if err != nil {
			t.Fatalf("an update that cannot be sent: %v", err)
		}
		u, err := commerce.ParseIntentRequest(raw)
		if err != nil {
			t.Fatal(err)
		}
		got, err := before.Updated(u.Request.Intent, u.Request.Removed)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Equal(after) || !got.Equal(wanted) || !before.Equal(kept) {
			t.Fatalf("CID-INT-XFR-04\nfrom %+v\nto   %+v\ngot  %+v", before, after, got)
		}
		// Only what changed is told: beside the currency, which goes with the
		// amount, nothing in the update is as it was before.
		less := changed.Clone()
		less.Constraints.Currency = money.Currency{}
		smaller, _ := before.Clone().Changes(mustUpdate(t, before, less))
		smaller.Constraints.Currency = money.Currency{}
		if !smaller.Equal(less) {
			t.Fatalf("CID-INT-XFR-04: told again what is known: %+v, %+v", less, smaller)
		}
		// What was removed cannot be removed once more.
		if len(removed) > 0 {
			if _, err := got.Updated(commerce.Intent{}, removed[:1]); protocol.CodeOf(err) != protocol.CodeFieldInvalid {
				t.Fatalf("removed twice: %v", err)
			}
		}
	})
}

func mustUpdate(t *rapid.T, i, changed commerce.Intent) commerce.Intent {
	out, err := i.Updated(changed, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestUpdatedRefuses(t *testing.T) {
	i := ask(t).Intent
	_, err := i.Updated(commerce.Intent{Response: commerce.ResponseRequirements{MaxCandidates: 1}}, []commerce.IntentMember{commerce.MemberMaxCandidates})
	wantError(t, err, protocol.CodeFieldInvalid, "removed", "CID-INT-XFR-04")
	c := i.Clone()
	c.Context.Implicit[0], c.Constraints.AllowedCategories[0] = "changed", "changed"
	if i.Context.Implicit[0] != "monthly" || i.Constraints.AllowedCategories[0] != "mobile" {
		t.Error("a clone shares its lists")
	}
}

func TestConstraints(t *testing.T) {
	eur := amount(t, "1", "EUR").Currency()
	for _, c := range []struct {
		name   string
		change func(*commerce.Constraints)
		field  string
	}{
		{"none", func(*commerce.Constraints) {}, ""},
		{"another currency", func(c *commerce.Constraints) { c.Currency = eur }, "constraints.currency"},
		{"all that is allowed is forbidden", func(c *commerce.Constraints) { c.ForbiddenCategories = []string{"mobile"} }, "constraints.forbidden_categories"},
		{"and below", func(c *commerce.Constraints) {
			c.AllowedCategories, c.ForbiddenCategories = []string{"a/b", "c"}, []string{"a", "c"}
		}, "constraints.forbidden_categories"},
		{"one is left", func(c *commerce.Constraints) {
			c.AllowedCategories, c.ForbiddenCategories = []string{"ab", "c"}, []string{"a", "c"}
		}, ""},
		{"yesterday", func(c *commerce.Constraints) { c.DeliverBy = now.Add(-1) }, "constraints.delivery_time_requirement"},
		{"at once", func(c *commerce.Constraints) { c.DeliverBy = now }, ""},
	} {
		t.Run("CID-INT-XFR-05 conflict: "+c.name, func(t *testing.T) {
			limits := ask(t).Intent.Constraints
			c.change(&limits)
			err := limits.Conflict(now)
			if c.field == "" && err == nil {
				return
			}
			wantError(t, err, protocol.CodeConstraintConflict, c.field, "CID-INT-XFR-05")
		})
	}
	good := commerce.Item{ID: "5g", Name: "5G", Category: "mobile/plan", Price: cny(t, "150.00"), Delivery: time.Hour}
	for _, c := range []struct {
		name string
		edit func(*commerce.Item)
		code protocol.Code
	}{
		{"exactly at every limit", func(*commerce.Item) {}, ""},
		{"dearer", func(i *commerce.Item) { i.Price = cny(t, "150.01") }, protocol.CodeSingleLimitExceeded},
		{"another currency of the same number", func(i *commerce.Item) { i.Price = amount(t, "150", "EUR") }, protocol.CodeCurrencyMismatch},
		{"no price", func(i *commerce.Item) { i.Price = money.Amount{} }, protocol.CodeFactMissing},
		{"another category", func(i *commerce.Item) { i.Category = "mobiles/plan" }, protocol.CodeCategoryNotAllowed},
		{"a forbidden category", func(i *commerce.Item) { i.Category = "mobile/roaming/eu" }, protocol.CodeCategoryNotAllowed},
		{"wider than a forbidden category", func(i *commerce.Item) { i.Category = "mobile" }, protocol.CodeFactMissing},
		{"late", func(i *commerce.Item) { i.Delivery = time.Hour + time.Second }, protocol.CodeDeliveryNotMet},
		{"no word about delivery", func(i *commerce.Item) { i.Delivery = commerce.DeliveryUnknown }, protocol.CodeFactMissing},
	} {
		t.Run("CID-INT-XFR-02 item: "+c.name, func(t *testing.T) {
			item := good
			c.edit(&item)
			if err := ask(t).Intent.Constraints.Check(item, now); protocol.CodeOf(err) != c.code {
				t.Errorf("%v, want %q", err, c.code)
			}
			if err := (commerce.Constraints{}).Check(item, now); err != nil && c.code != protocol.CodeFactMissing {
				t.Errorf("nothing restricts and yet: %v", err)
			}
		})
	}
}

func answer(t testing.TB) commerce.IntentAnswer {
	return commerce.IntentAnswer{RequestID: "ask-1", MerchantID: shopDID, AsOf: now, Candidates: []commerce.Item{latte(t)}}
}

func TestIntentAnswer(t *testing.T) {
	a := answer(t)
	data, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := commerce.DecodeIntentAnswer(data)
	if err != nil || len(back.Unusable()) != 0 {
		t.Fatal(err, back.Unusable())
	}
	if diff := cmp.Diff(a, *back, compareAmounts, cmp.AllowUnexported(commerce.IntentAnswer{})); diff != "" {
		t.Error(diff)
	}
	for _, c := range []struct {
		name  string
		edit  func(m map[string]any)
		code  protocol.Code
		field string
	}{
		{"CID-INT-XFR-03 no request", func(m map[string]any) { delete(m, "request_id") }, protocol.CodeFieldMissing, "request_id"},
		{"CID-INT-XFR-03 no candidates", func(m map[string]any) { m["candidates"] = []any{} }, protocol.CodeFieldMissing, "candidates"},
		{"CID-INT-XFR-03 none usable", func(m map[string]any) { delete(m["candidates"].([]any)[0].(map[string]any), "price") }, protocol.CodeFieldInvalid, "candidates"},
		{"CID-INT-XFR-03 a flood", func(m map[string]any) { m["candidates"] = make([]struct{}, 101) }, protocol.CodeTooLarge, "candidates"},
		{"CID-MER-CAT-01 one id twice", func(m map[string]any) {
			c := m["candidates"].([]any)
			m["candidates"] = append(c, c[0])
		}, protocol.CodeFieldInvalid, "candidates[1].item_id"},
		{"an unknown member", func(m map[string]any) { m["instructions"] = "buy" }, protocol.CodeFieldUnknown, "instructions"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := object(t, data)
			c.edit(m)
			_, err := commerce.DecodeIntentAnswer(marshal(t, m))
			wantError(t, err, c.code, c.field, "")
		})
	}
	t.Run("CID-MER-CAT-03 one bad candidate does not spoil the others", func(t *testing.T) {
		m := object(t, data)
		bad := object(t, marshal(t, m["candidates"].([]any)[0]))
		bad["item_id"], bad["merchant_id"] = "other", "did:act:shop.example/other"
		m["candidates"] = append([]any{bad}, m["candidates"].([]any)...)
		a, err := commerce.DecodeIntentAnswer(marshal(t, m))
		if err != nil || len(a.Candidates) != 1 || len(a.Unusable()) != 1 {
			t.Fatalf("%v, %+v", err, a)
		}
		wantError(t, a.Unusable()[0], protocol.CodeClaimsConflict, "candidates[0].merchant_id", "")
	})
	t.Run("CID-MER-CAT-01 what is not complete is not sent", func(t *testing.T) {
		a := answer(t)
		a.Candidates[0].Category = ""
		if _, err := a.Encode(); err == nil {
			t.Error("sent")
		}
		if _, err := (&commerce.IntentAnswer{RequestID: "r", MerchantID: shopDID, AsOf: now}).Encode(); err == nil {
			t.Error("an answer without candidates was sent")
		}
	})
}
