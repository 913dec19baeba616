package verifier_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/verifier"
)

func shopCard() commerce.AgentCard {
	return commerce.AgentCard{
		AgentID: shopDID, Name: "Coffee house", Description: "Coffee.", Version: "1", URL: "https://shop.example",
		Skills:      []commerce.Skill{{ID: "sell", Name: "Sell", Description: "Sells.", Tags: []string{"coffee"}}},
		Negotiation: commerce.Negotiation{Mode: commerce.TwoWay, Endpoint: "https://shop.example/n"},
	}
}

// sellerKey is the id of the shop's key for selling.
func (w *world) sellerKey() string {
	for id, s := range w.signers {
		if s.DID() == shopDID && s.Purpose() == keys.Seller {
			return id
		}
	}
	w.t.Fatal("the shop has no key")
	return ""
}

func (w *world) card(edit func(*commerce.AgentCard)) []byte {
	w.t.Helper()
	c := shopCard()
	if edit != nil {
		edit(&c)
	}
	text, err := c.Encode()
	if err == nil {
		text, err = commerce.SignAgentCard(w.signers[w.sellerKey()], text)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

func TestAgentCard(t *testing.T) {
	for _, alg := range []keys.Algorithm{keys.EdDSA, keys.ES256} {
		t.Run("CID-PCA-NEG-07 "+string(alg), func(t *testing.T) {
			w := newWorld(t, alg)
			got, err := w.v.AgentCard(context.Background(), w.card(nil), verifier.CardExpectation{Agent: shopDID})
			if err != nil {
				t.Fatal(err)
			}
			if got.Value().Negotiation != shopCard().Negotiation || got.KeyID() != w.sellerKey() || len(got.Decision().Checks()) < 4 {
				t.Errorf("%+v %s", got.Value(), got.Decision())
			}
		})
	}
	for _, c := range []struct {
		name  string
		make  func(w *world) []byte
		agent string
		code  protocol.Code
	}{
		{"no expectation", func(w *world) []byte { return w.card(nil) }, "", protocol.CodeFieldMissing},
		{"of another agent", func(w *world) []byte { return w.card(nil) }, shop2DID, protocol.CodeClaimsConflict},
		{"a flipped bit", func(w *world) []byte { return []byte(strings.Replace(string(w.card(nil)), "Coffee.", "Toffee.", 1)) }, shopDID, protocol.CodeSignatureInvalid},
		{"a retired key", func(w *world) []byte {
			raw := w.card(nil)
			w.edit(w.sellerKey(), func(k *identity.Key) { k.NotAfter = epoch.Add(-time.Second) })
			return raw
		}, shopDID, protocol.CodeKeyNotValid},
		{"a compromised key", func(w *world) []byte {
			raw := w.card(nil)
			w.edit(w.sellerKey(), func(k *identity.Key) { k.Compromised = true })
			return raw
		}, shopDID, protocol.CodeKeyNotValid},
		{"a key for something else", func(w *world) []byte {
			raw := w.card(nil)
			w.edit(w.sellerKey(), func(k *identity.Key) { k.Purpose = keys.AgentRequest })
			return raw
		}, shopDID, protocol.CodeKeyPurpose},
		{"nobody's", func(*world) []byte { return []byte(`{}`) }, shopDID, protocol.CodeFieldMissing},
	} {
		t.Run("CID-PCA-NEG-07 "+c.name, func(t *testing.T) {
			w := newWorld(t, keys.EdDSA)
			got, err := w.v.AgentCard(context.Background(), c.make(w), verifier.CardExpectation{Agent: c.agent})
			if protocol.CodeOf(err) != c.code || got != nil {
				t.Errorf("got %v, want %s", err, c.code)
			}
		})
	}
	t.Run("CID-PCA-NEG-07 a directory that is down is no refusal", func(t *testing.T) {
		w := newWorld(t, keys.EdDSA)
		raw := w.card(nil)
		v := w.verifier(func(c *verifier.Config) { c.Keys = noKeys{} })
		_, err := v.AgentCard(context.Background(), raw, verifier.CardExpectation{Agent: shopDID})
		if protocol.CodeOf(err) != protocol.CodeKeyUnavailable {
			t.Error(err)
		}
	})
}

type noKeys struct{}

func (noKeys) Key(context.Context, string, keys.Purpose, time.Time) (keys.PublicKey, error) {
	return keys.PublicKey{}, context.DeadlineExceeded
}

func TestNegotiationRequest(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	make := func(edit func(*commerce.NegotiationRequest)) []byte {
		q := commerce.NegotiationRequest{
			RequestID: canon.UUID(), Nonce: canon.Nonce(), Timestamp: w.clock(), AgentID: agentDID, MerchantID: shopDID,
			Methods: []string{methodURN}, Estimated: money.MustParse("5.00", "CNY"),
		}
		if edit != nil {
			edit(&q)
		}
		raw, err := commerce.SignNegotiationRequest(w.signers[agentDID+"#k1"], q)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	ask := func(raw []byte, merchant string) error {
		got, err := w.v.NegotiationRequest(context.Background(), raw, verifier.NegotiationExpectation{Merchant: merchant})
		if (got == nil) == (err == nil) {
			t.Fatal("a value and an error, or neither")
		}
		return err
	}
	good := make(nil)
	for _, c := range []struct {
		name, merchant string
		raw            []byte
		code           protocol.Code
	}{
		{"no expectation", "", good, protocol.CodeFieldMissing},
		{"for another merchant", shop2DID, good, protocol.CodeAudienceMismatch},
		{"good, since what was refused used no nonce", shopDID, good, ""},
		{"replayed", shopDID, good, protocol.CodeReplayed},
		{"five minutes old", shopDID, make(func(q *commerce.NegotiationRequest) { q.Timestamp = q.Timestamp.Add(-5 * time.Minute) }), ""},
		{"older", shopDID, make(func(q *commerce.NegotiationRequest) { q.Timestamp = q.Timestamp.Add(-5*time.Minute - time.Second) }), protocol.CodeRequestExpired},
		{"changed", shopDID, []byte(strings.Replace(string(make(nil)), "5.00", "6.00", 1)), protocol.CodeSignatureInvalid},
	} {
		t.Run("CID-PCA-NEG-06 "+c.name, func(t *testing.T) {
			if err := ask(c.raw, c.merchant); protocol.CodeOf(err) != c.code {
				t.Errorf("got %v, want %q", err, c.code)
			}
		})
	}
}
