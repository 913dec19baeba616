package commerce_test

import (
	"bytes"
	"testing"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
)

// FuzzParseIntentRequest: what is read obeys the rules of SPEC.md 5.5, can be
// written again as the same, and is verified by nobody's key.
func FuzzParseIntentRequest(f *testing.F) {
	for _, q := range []commerce.IntentRequest{ask(f), update(f)} {
		data, err := commerce.SignIntentRequest(signer(f, agentDID, keys.AgentRequest, 0), q)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		u, err := commerce.ParseIntentRequest(data)
		if err != nil {
			refused(t, data, err)
			return
		}
		if u.Verify(signer(t, agentDID, keys.AgentRequest, 1).Public()) == nil {
			t.Error("verified by a key that signed nothing")
		}
		q := u.Request
		if (q.Consent == nil) != (q.Intent.Context.NeedsConsent() == nil) || q.PreviousRequestID == q.RequestID {
			t.Errorf("%+v", q)
		}
		if q.PreviousRequestID == "" && (q.Intent.Context.Explicit == "" || q.Removed != nil) {
			t.Errorf("%+v", q)
		}
		again, err := commerce.SignIntentRequest(signer(t, q.BuyerAgentID, keys.AgentRequest, 0), q)
		if err != nil {
			if protocol.CodeOf(err) != protocol.CodeTooLarge {
				t.Errorf("cannot be written again: %v", err)
			}
			return
		}
		back, err := commerce.ParseIntentRequest(again)
		if err != nil || !back.Request.Intent.Equal(q.Intent) {
			t.Errorf("%v", err)
		}
		// An update is applied or refused, and never makes a need without words.
		next, err := ask(t).Intent.Updated(q.Intent, q.Removed)
		if err != nil {
			refused(t, data, err)
		} else if next.Context.Explicit == "" {
			t.Error("the need is gone")
		}
	})
}

func FuzzParseIntentAnswer(f *testing.F) {
	a := answer(f)
	data, err := a.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := commerce.DecodeIntentAnswer(data)
		if err != nil {
			refused(t, data, err)
			return
		}
		seen := map[string]bool{}
		for _, i := range a.Candidates {
			if seen[i.ID] || i.Check() != nil || i.MerchantID != "" && i.MerchantID != a.MerchantID {
				t.Errorf("%+v", i)
			}
			seen[i.ID] = true
		}
		if n := len(a.Candidates); n < 1 || n > commerce.MaxCandidates {
			t.Errorf("%d candidates", n)
		}
		for _, err := range a.Unusable() {
			refused(t, data, err)
		}
		again, err := a.Encode()
		if protocol.CodeOf(err) == protocol.CodeTooLarge {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		back, err := commerce.DecodeIntentAnswer(again)
		if err != nil {
			t.Fatal(err)
		}
		if third, err := back.Encode(); err != nil || !bytes.Equal(again, third) {
			t.Errorf("%s\n%s\n%v", again, third, err)
		}
	})
}
