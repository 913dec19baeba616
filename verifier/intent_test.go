package verifier_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

func (w *world) intent(change func(*commerce.IntentRequest)) []byte {
	w.t.Helper()
	q := commerce.IntentRequest{
		RequestID: "ask-1", Nonce: canon.Nonce(), Timestamp: w.clock(), BuyerAgentID: agentDID, MerchantID: shopDID, IntentID: "intent-1",
		Intent: commerce.Intent{Context: commerce.IntentContext{Explicit: "a latte"}},
	}
	if change != nil {
		change(&q)
	}
	raw, err := commerce.SignIntentRequest(w.signers[q.BuyerAgentID+"#k1"], q)
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

func TestIntentRequest(t *testing.T) {
	ctx, expect := context.Background(), verifier.IntentExpectation{Merchant: shopDID}
	t.Run("CID-INT-XFR-01 good", func(t *testing.T) {
		w := newWorld(t, keys.EdDSA)
		raw := w.intent(nil)
		got, err := w.v.IntentRequest(ctx, raw, expect)
		if err != nil {
			t.Fatal(err)
		}
		if q := got.Value(); q.Intent.Context.Explicit != "a latte" || got.KeyID() != agentDID+"#k1" || !got.Decision().Allowed() || got.ContentDigest() == "" {
			t.Errorf("%+v", got)
		}
		if _, err := w.v.IntentRequest(ctx, raw, expect); protocol.CodeOf(err) != protocol.CodeReplayed {
			t.Errorf("a second time: %v", err)
		}
	})
	for _, c := range []struct {
		name   string
		raw    func(w *world) []byte
		change func(*verifier.IntentExpectation)
		code   protocol.Code
	}{
		{"to another merchant", func(w *world) []byte {
			return w.intent(func(q *commerce.IntentRequest) { q.MerchantID = shop2DID })
		}, nil, protocol.CodeAudienceMismatch},
		{"too old", func(w *world) []byte { raw := w.intent(nil); w.pass(5*time.Minute + time.Second); return raw }, nil, protocol.CodeRequestExpired},
		{"from the future", func(w *world) []byte {
			return w.intent(func(q *commerce.IntentRequest) { q.Timestamp = q.Timestamp.Add(2 * time.Minute) })
		}, nil, protocol.CodeRequestExpired},
		{"changed on the way", func(w *world) []byte {
			return []byte(strings.Replace(string(w.intent(nil)), "a latte", "a cigar", 1))
		}, nil, protocol.CodeSignatureInvalid},
		{"a cart request's signature", func(w *world) []byte {
			var m map[string]any
			q := `{"request_id":"ask-1","nonce":"` + canon.Nonce() + `","timestamp":"2026-03-01T10:00:00Z","buyer_agent_id":"` + agentDID + `","merchant_id":"` + shopDID +
				`","intent_id":"i","intent_context":{"explicit_intent":"x"}}`
			if err := canon.DecodeOpen([]byte(q), &m); err != nil {
				w.t.Fatal(err)
			}
			raw, err := keys.SignMessage(w.signers[agentDID+"#k1"], keys.AgentRequest, keys.KindCartRequest, m)
			if err != nil {
				w.t.Fatal(err)
			}
			return raw
		}, nil, protocol.CodeSignatureInvalid},
		{"a stranger", func(w *world) []byte {
			delete(w.docs, parseDID(w.t, agentDID))
			return w.intent(nil)
		}, nil, protocol.CodeKeyUnavailable},
		{"no expectation", func(w *world) []byte { return w.intent(nil) }, func(e *verifier.IntentExpectation) { e.Merchant = "" }, protocol.CodeFieldMissing},
		{"not admitted", func(w *world) []byte { return w.intent(nil) }, func(e *verifier.IntentExpectation) {
			e.Admit = func(context.Context, commerce.IntentRequest) error {
				return protocol.New(protocol.CodeAccessDenied, "", "CID-INT-XFR-05", "")
			}
		}, protocol.CodeAccessDenied},
		{"nobody knows whether to admit", func(w *world) []byte { return w.intent(nil) }, func(e *verifier.IntentExpectation) {
			e.Admit = func(context.Context, commerce.IntentRequest) error { return context.DeadlineExceeded }
		}, protocol.CodeServiceUnavailable},
	} {
		t.Run("CID-INT-XFR-01 "+c.name, func(t *testing.T) {
			w := newWorld(t, keys.EdDSA)
			e := expect
			if c.change != nil {
				c.change(&e)
			}
			got, err := w.v.IntentRequest(ctx, c.raw(w), e)
			if protocol.CodeOf(err) != c.code || got != nil {
				t.Errorf("%v, want %s", err, c.code)
			}
		})
	}
	t.Run("CID-INT-XFR-05 who is not admitted uses up no nonce", func(t *testing.T) {
		w := newWorld(t, keys.ES256)
		raw, admit := w.intent(nil), false
		e := expect
		e.Admit = func(_ context.Context, q commerce.IntentRequest) error {
			if q.BuyerAgentID != agentDID {
				t.Errorf("asked about %s", q.BuyerAgentID)
			}
			if admit {
				return nil
			}
			return protocol.New(protocol.CodeTooManyRequests, "", "", "")
		}
		if _, err := w.v.IntentRequest(ctx, raw, e); protocol.CodeOf(err) != protocol.CodeTooManyRequests {
			t.Fatal(err)
		}
		admit = true
		if _, err := w.v.IntentRequest(ctx, raw, e); err != nil {
			t.Fatal(err)
		}
	})
}
