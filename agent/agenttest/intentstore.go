package agenttest

import (
	"context"
	"testing"
	"time"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
)

// confirmedAt is when the intents of the contract were confirmed.
var confirmedAt = time.Date(2026, 9, 1, 9, 0, 0, 0, time.UTC)

// IntentStore runs the contract of agent.IntentStore. open is called once a
// subtest and returns an empty store.
func IntentStore(t *testing.T, open func(t *testing.T) agent.IntentStore) {
	t.Helper()
	ctx := context.Background()
	later := func(hours int) time.Time { return confirmedAt.Add(time.Duration(hours) * time.Hour) }
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	refused := func(t *testing.T, err error, code protocol.Code) {
		t.Helper()
		if protocol.CodeOf(err) != code {
			t.Errorf("%v, want %s", err, code)
		}
	}
	purged := func(t *testing.T, s agent.IntentStore, now time.Time, want int) {
		t.Helper()
		if n, err := s.Purge(ctx, now); n != want || err != nil {
			t.Errorf("purged %d (%v), want %d", n, err, want)
		}
	}
	t.Run("ADD-INT-ICS-18 an intent is found as it was confirmed", func(t *testing.T) {
		s, c := open(t), confirm(t, "intent-1", "a latte")
		must(t, s.Keep(ctx, c, later(2)))
		got, err := s.Intent(ctx, "intent-1")
		must(t, err)
		want, err := c.ISR().Digest()
		must(t, err)
		if again, err := got.ISR.Digest(); err != nil || again != want || got.Digest != want || got.ID != "intent-1" || !got.KeepUntil.Equal(later(2)) {
			t.Errorf("another intent: %v", err)
		}
		got.ISR.AgentID = "did:act:agents.test/other"
		unchanged, err := s.Intent(ctx, "intent-1")
		must(t, err)
		if unchanged.ISR.AgentID == got.ISR.AgentID {
			t.Error("who reads an intent can change it")
		}
	})
	t.Run("ADD-INT-ICS-18 it is kept for its time and not purged before", func(t *testing.T) {
		s, c := open(t), confirm(t, "intent-1", "a latte")
		must(t, s.Keep(ctx, c, later(2)))
		must(t, s.Keep(ctx, c, later(1))) // never earlier
		purged(t, s, later(2).Add(-time.Nanosecond), 0)
		must(t, s.Keep(ctx, c, later(3)))
		purged(t, s, later(2), 0)
		purged(t, s, later(3), 1)
		purged(t, s, later(3), 0)
		_, err := s.Intent(ctx, "intent-1")
		refused(t, err, protocol.CodeFieldInvalid)
	})
	t.Run("ADD-INT-ICS-06 an id is used for one intent, also after a purge", func(t *testing.T) {
		s := open(t)
		must(t, s.Keep(ctx, confirm(t, "intent-1", "a latte"), later(1)))
		refused(t, s.Keep(ctx, confirm(t, "intent-1", "two lattes"), later(1)), protocol.CodeRequestConflict)
		purged(t, s, later(1), 1)
		refused(t, s.Keep(ctx, confirm(t, "intent-1", "two lattes"), later(2)), protocol.CodeRequestConflict)
		must(t, s.Keep(ctx, confirm(t, "intent-1", "a latte"), later(2)))
	})
	t.Run("what is not confirmed or not there", func(t *testing.T) {
		s := open(t)
		refused(t, s.Keep(ctx, new(delegation.Confirmed), later(1)), protocol.CodeFieldMissing)
		_, err := s.Intent(ctx, "intent-1")
		refused(t, err, protocol.CodeFieldInvalid)
	})
}

func confirm(t *testing.T, id, words string) *delegation.Confirmed {
	t.Helper()
	c, err := delegation.ConfirmedISR(&delegation.ISR{
		ConversationHistory: &delegation.ConversationHistory{Raw: delegation.RawIntent{Text: words}}, IntentID: id,
		DelegationMode: delegation.Bounded, ValidityStart: confirmedAt, ValidityEnd: confirmedAt.Add(time.Hour),
		MaxTotalAmount: "20", Currency: "CNY", AgentID: "did:act:agents.test/buyer",
		AllowedPaymentMethods:  []string{"urn:act:payment:test-wallet"},
		UserConfirmationMethod: "FINGERPRINT", UserConfirmationTimestamp: confirmedAt,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
