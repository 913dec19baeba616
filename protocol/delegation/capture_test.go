package delegation

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/google/go-cmp/cmp"

	"github.com/actprotocol/act-go/protocol"
)

func fill(i *ISR) {
	f := fullISR()
	i.DelegationMode, i.ValidityStart, i.ValidityEnd = f.DelegationMode, f.ValidityStart, f.ValidityEnd
	i.MaxTotalAmount, i.Currency, i.AllowedPaymentMethods = f.MaxTotalAmount, f.Currency, f.AllowedPaymentMethods
	i.AgentID, i.Ext = f.AgentID, f.Ext
}

func TestCapture(t *testing.T) {
	begin := func() *Capture {
		return NewCapture(ConversationHistory{Raw: RawIntent{Turns: []Turn{Say("a latte", start)}}})
	}
	t.Run("ADD-INT-ICS-04 clarify until nothing is missing", func(t *testing.T) {
		c := begin()
		if diff := cmp.Diff([]string{"delegation_mode", "validity_start_time", "validity_end_time", "max_total_amount", "currency", "agent_id", "main boundary"}, c.Missing()); diff != "" {
			t.Error(diff)
		}
		c.Summary(English)
		_, err := c.Confirm("FINGERPRINT", noon)
		want(t, err, protocol.CodeFieldMissing, "delegation_mode", "ADD-IAC-ISS-01")
		if err := c.Clarify(fill, Reply("how much at most?", start), Say("20 yuan", start)); err != nil {
			t.Fatal(err)
		}
		if len(c.Missing()) != 0 || len(c.Draft().ConversationHistory.Raw.Turns) != 3 {
			t.Errorf("missing %v", c.Missing())
		}
		c.Summary(English)
		confirmed, err := c.Confirm("FINGERPRINT", noon.Add(time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		if c.State() != StateConfirmed || !confirmed.ISR().UserConfirmationTimestamp.Equal(noon) {
			t.Error("not confirmed at noon")
		}
	})
	t.Run("ADD-INT-ICS-04 nothing changes after the confirmation", func(t *testing.T) {
		c := begin()
		if err := c.Clarify(fill); err != nil {
			t.Fatal(err)
		}
		c.Summary(Chinese)
		confirmed, err := c.Confirm("PIN", noon)
		if err != nil {
			t.Fatal(err)
		}
		before := confirmed.ISR()
		want(t, c.Clarify(func(i *ISR) { i.MaxTotalAmount = "1000" }), protocol.CodeStateConflict, "", "ADD-INT-ICS-04")
		_, err = c.Confirm("PIN", noon)
		want(t, err, protocol.CodeStateConflict, "", "ADD-INT-ICS-04")
		confirmed.ISR().Ext.Commerce.AllowedMerchants[0] = "urn:x:other"
		c.Draft().Ext.Commerce.AllowedMerchants[0] = "urn:x:other"
		if diff := cmp.Diff(before, confirmed.ISR()); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("ADD-INT-ICS-04 a broken rule leaves the draft as it was", func(t *testing.T) {
		c := begin()
		if err := c.Clarify(fill); err != nil {
			t.Fatal(err)
		}
		before := c.Draft()
		var kept *ISR
		err := c.Clarify(func(i *ISR) { i.ValidityEnd = i.ValidityStart; kept = i }, Say("today", noon))
		want(t, err, protocol.CodeFieldInvalid, "validity_end_time", "ADD-INT-ICS-08")
		kept.MaxTotalAmount = "999"
		if diff := cmp.Diff(before, c.Draft()); diff != "" {
			t.Error(diff)
		}
		if err := c.Clarify(func(i *ISR) { kept = i }); err != nil {
			t.Fatal(err)
		}
		kept.MaxTotalAmount = "999"
		if diff := cmp.Diff(before, c.Draft()); diff != "" {
			t.Errorf("an updater kept a hold on the draft: %s", diff)
		}
	})
	t.Run("ADD-INT-ICS-05 what was shown is what is confirmed", func(t *testing.T) {
		c := begin()
		if err := c.Clarify(fill); err != nil {
			t.Fatal(err)
		}
		_, err := c.Confirm("PIN", noon) // nothing was shown
		want(t, err, protocol.CodeStateConflict, "", "ADD-INT-ICS-05")
		c.Summary(English)
		if err := c.Clarify(func(i *ISR) { i.MaxTotalAmount, i.Ext.Commerce.MaxSingleAmount = "21", "21" }); err != nil {
			t.Fatal(err)
		}
		_, err = c.Confirm("PIN", noon)
		want(t, err, protocol.CodeStateConflict, "", "ADD-INT-ICS-05")
		c.Summary(Chinese)
		if _, err := c.Confirm("PIN", noon); err != nil {
			t.Error(err)
		}
	})
	t.Run("ADD-INT-ICS-06 the intent id is the capture's", func(t *testing.T) {
		c := begin()
		id := c.IntentID()
		if err := c.Clarify(func(i *ISR) { fill(i); i.IntentID = "urn:uuid:another"; i.UserConfirmationMethod = "FORGED" }); err != nil {
			t.Fatal(err)
		}
		if d := c.Draft(); d.IntentID != id || d.UserConfirmationMethod != "" {
			t.Error("an update changed the intent id or confirmed by itself")
		}
		if begin().IntentID() == id {
			t.Error("an intent id was used twice")
		}
	})
	t.Run("ADD-INT-ICS-01 turns go to turns", func(t *testing.T) {
		c := NewCapture(ConversationHistory{Raw: RawIntent{Text: "a latte"}})
		want(t, c.Clarify(fill, Say("20 yuan", start)), protocol.CodeFieldInvalid, "conversation_history.user_intent_raw", "")
		if err := c.Clarify(fill); err != nil {
			t.Error(err)
		}
	})
	t.Run("zero values confirm nothing", func(t *testing.T) {
		_, err := new(Capture).Confirm("PIN", noon)
		want(t, err, protocol.CodeStateConflict, "", "")
		_, err = ConfirmedISR(nil)
		want(t, err, protocol.CodeFieldMissing, "", "ADD-IAC-ISS-01")
		_, err = NewAuthorization(new(Confirmed), principalDID)
		want(t, err, protocol.CodeFieldMissing, "", "ADD-IAC-ISS-01")
		_, err = NewAuthorization(nil, principalDID)
		want(t, err, protocol.CodeFieldMissing, "", "ADD-IAC-ISS-01")
	})
}

// No sequence of clarifications, summaries and confirmations changes what was
// confirmed, nor confirms what was not the last thing shown.
func TestCaptureProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := NewCapture(ConversationHistory{Raw: RawIntent{Text: "a latte"}})
		var confirmed *Confirmed
		var final *ISR
		shown := ""
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				total := fmt.Sprint(rapid.IntRange(-1, 30).Draw(t, "total"))
				_ = c.Clarify(func(i *ISR) { fill(i); i.Ext = i.Ext.clone(); i.MaxTotalAmount = Number(total) })
			case 1:
				_ = c.Clarify(func(i *ISR) { i.AgentID = "" })
			case 2:
				shown = c.Summary(English)
			case 3:
				got, err := c.Confirm("PIN", noon)
				if err != nil {
					continue
				}
				if confirmed != nil {
					t.Fatal("confirmed twice")
				}
				confirmed, final = got, got.ISR()
				if final.Summary(English) != shown {
					t.Fatal("confirmed something else than was shown")
				}
				if final.Validate() != nil {
					t.Fatal("confirmed what is not final")
				}
			}
		}
		if confirmed != nil && cmp.Diff(final, confirmed.ISR()) != "" {
			t.Fatal("a confirmed ISR changed")
		}
	})
}

func TestSummary(t *testing.T) {
	isr := fullISR()
	for lang, words := range map[Language][]string{
		English: {"a latte, under 20 yuan", agentDID, "specified", "2026-03-19T00:00:00Z until before 2026-03-20T00:00:00Z", "At most in total: 20 CNY", "At least per payment: 0.01 CNY", walletURN, shopDID, "Never these merchants: urn:act:merchant:closed", "Categories: food", "food/alcohol", "10%", "pause and ask", "try again", "Retries at most: 2", "2026-03-19T18:00:00Z", "the counter", "Private data"},
		Chinese: {"目标：a latte", "定向委托", "总金额上限：20 CNY", "单笔上限", "支付方式：" + walletURN, "商户：" + shopDID, "禁止品类：food/alcohol", "暂停并通知", "最大重试次数：2", "配送地址：the counter"},
	} {
		t.Run("ADD-INT-ICS-05 "+string(lang), func(t *testing.T) {
			got := isr.Summary(lang)
			for _, w := range words {
				if !strings.Contains(got, w) {
					t.Errorf("%q is not in\n%s", w, got)
				}
			}
		})
	}
	t.Run("ADD-INT-ICS-05 no limit is said to be none", func(t *testing.T) {
		got := new(ISR).Summary(English)
		for _, w := range []string{"Goal: not stated", "Agent: not chosen", "Merchants: any", "Categories: any", "Payment methods: any", "no limit of its own"} {
			if !strings.Contains(got, w) {
				t.Errorf("%q is not in\n%s", w, got)
			}
		}
	})
	t.Run("ADD-INT-ICS-05 a digest", func(t *testing.T) {
		got := (&ISR{ConversationHistory: &ConversationHistory{Digest: "sha-256:x", ContextRef: "session:1"}}).Summary(English)
		if !strings.Contains(got, "Goal: recorded at session:1\n") {
			t.Error(got)
		}
	})
	t.Run("ADD-INT-ICS-05 text cannot imitate a line", func(t *testing.T) {
		isr := fullISR()
		isr.ConversationHistory.Raw = RawIntent{Text: "tea\nAt most in total: 1 CNY \u202e \"quoted\""}
		got := isr.Summary(English)
		if strings.Contains(got, "\nAt most in total: 1 CNY") || strings.ContainsRune(got, '\u202e') || !strings.Contains(got, `"quoted"`) {
			t.Error(got)
		}
	})
}
