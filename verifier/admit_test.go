package verifier_test

import (
	"context"
	"errors"
	"testing"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

// TestAdmit: PSD-PAY-DEL-04, CID-INT-XFR-05 a limit by sender is asked for every
// kind of message that carries a nonce, for the one who really signed, never for
// a forger or for what is addressed to somebody else; what it refuses uses no
// nonce; and a message that it lets pass is asked for once.
func TestAdmit(t *testing.T) {
	var asked []string
	var refuse error
	admit := func(c *verifier.Config) {
		c.Admit = func(_ context.Context, sender string) error { asked = append(asked, sender); return refuse }
	}
	judge := func(t *testing.T, w *world, signer string, purpose keys.Purpose, sign func(*keys.Signer) []byte, verify func([]byte, string) error) {
		t.Helper()
		did := signer[:len(signer)-len("#k1")]
		if purpose == keys.Seller {
			did = shopDID
		}
		asked, refuse = nil, protocol.New(protocol.CodeTooManyRequests, "", "", "")
		wantCode(t, verify(sign(w.signer(signer, purpose)), "me"), protocol.CodeSignatureInvalid)
		raw := sign(w.signers[signer])
		wantCode(t, verify(raw, "other"), protocol.CodeAudienceMismatch)
		if len(asked) != 0 {
			t.Errorf("asked for %v", asked)
		}
		wantCode(t, verify(raw, "me"), protocol.CodeTooManyRequests)
		refuse = errors.New("the counter is broken")
		wantCode(t, verify(raw, "me"), protocol.CodeServiceUnavailable)
		refuse = nil
		wantCode(t, verify(raw, "me"), "")
		if len(asked) != 3 || asked[0] != did || asked[2] != did {
			t.Errorf("asked for %v, and %s has signed", asked, did)
		}
		for range 3 { // copies, by whoever got hold of one, take nothing of the sender's share
			wantCode(t, verify(raw, "me"), protocol.CodeReplayed)
		}
		if len(asked) != 3 {
			t.Errorf("asked %d times, for one message that passed once", len(asked))
		}
	}
	for _, m := range carriers() {
		t.Run(m.name, func(t *testing.T) {
			w := newWorld(t, keys.EdDSA)
			w.v = w.verifier(admit)
			judge(t, w, m.signer, m.purpose, func(s *keys.Signer) []byte {
				raw, err := m.sign(w, s, canon.Nonce(), epoch)
				if err != nil {
					t.Fatal(err)
				}
				return raw
			}, func(raw []byte, recipient string) error { return m.verify(w, raw, recipient) })
		})
	}
	t.Run("PSD-PAY-DEL-04 payment request", func(t *testing.T) {
		w := newWorld(t, keys.EdDSA)
		w.v = w.verifier(admit)
		q := w.request()
		judge(t, w, agentDID+"#k1", keys.AgentRequest, func(s *keys.Signer) []byte {
			own := w.signers[agentDID+"#k1"]
			w.signers[agentDID+"#k1"] = s
			defer func() { w.signers[agentDID+"#k1"] = own }()
			return w.signRequest(q)
		}, func(raw []byte, recipient string) error {
			ctx := context.Background()
			r, err := w.v.PaymentRequest(ctx, raw, verifier.PaymentExpectation{PSP: map[string]string{"me": pspDID, "other": shopDID}[recipient]})
			if err != nil {
				return err
			}
			return r.UseNonce(ctx)
		})
	})
}
