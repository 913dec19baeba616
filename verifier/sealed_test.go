package verifier_test

import (
	"context"
	"crypto/ecdh"
	"errors"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/privacy/sealed"
	"github.com/actprotocol/act-go/verifier"
)

// One call does the whole job: key, signature, readers, time, replay.
func TestSealed(t *testing.T) {
	w := acttest.NewWorld(t)
	ctx := context.Background()
	shop, err := keys.GenerateDecryption(acttest.ShopDID+"#e1", ecdh.X25519())
	if err != nil {
		t.Fatal(err)
	}
	other, err := keys.GenerateDecryption(acttest.PSPDID+"#e1", ecdh.X25519())
	if err != nil {
		t.Fatal(err)
	}
	seal := func(s *keys.Signer, id string, at time.Time) []byte {
		raw, err := sealed.Seal(s, sealed.Payload{ID: id, IssuedAt: at, Parts: []sealed.Part{
			{Name: "address", Content: []byte(`"1 Harbour Road"`), Readers: []identity.EncryptionKey{{ID: shop.KeyID(), Public: shop.Public()}}}}})
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	now, buyer := w.Clock.Now(), w.Buyer.Signer(keys.AgentRequest)
	expect := verifier.SealedExpectation{Sender: acttest.AgentDID, Purpose: keys.AgentRequest, Keys: []*keys.DecryptionKey{shop}}
	first := seal(buyer, "m-1", now)
	m, err := w.Verifier.Sealed(ctx, first, expect)
	if err != nil {
		t.Fatal(err)
	}
	opened := m.Value()
	if address, err := opened.Part("address"); err != nil || string(address) != `"1 Harbour Road"` || m.KeyID() != buyer.KeyID() {
		t.Errorf("PRV-02 %s, %v", address, err)
	}
	stranger := acttest.NewParty(t, acttest.AgentDID, keys.AgentRequest).Signer(keys.AgentRequest)
	change := func(f func(*verifier.SealedExpectation)) verifier.SealedExpectation { e := expect; f(&e); return e }
	for _, tc := range []struct {
		name   string
		raw    []byte
		expect verifier.SealedExpectation
		want   protocol.Code
	}{
		{"once more", first, expect, protocol.CodeReplayed},
		{"the id again", seal(buyer, "m-1", now), expect, protocol.CodeReplayed},
		{"by a key that is not the agent's", seal(stranger, "m-2", now), expect, protocol.CodeSignatureInvalid},
		{"from another sender", seal(w.Seller.Signer(keys.Seller), "m-2", now), expect, protocol.CodeClaimsConflict},
		{"for another purpose", seal(buyer, "m-2", now), change(func(e *verifier.SealedExpectation) { e.Purpose = keys.Seller }), protocol.CodeKeyPurpose},
		{"for a purpose that seals nothing", seal(buyer, "m-2", now), change(func(e *verifier.SealedExpectation) { e.Purpose = keys.Status }), protocol.CodeKeyPurpose},
		{"too old", seal(buyer, "m-2", now.Add(-6*time.Minute)), expect, protocol.CodeRequestExpired},
		{"too far ahead", seal(buyer, "m-2", now.Add(2*time.Minute)), expect, protocol.CodeRequestExpired},
		{"for another reader", seal(buyer, "m-2", now), change(func(e *verifier.SealedExpectation) { e.Keys = []*keys.DecryptionKey{other} }), protocol.CodeAudienceMismatch},
		{"without keys", seal(buyer, "m-2", now), change(func(e *verifier.SealedExpectation) { e.Keys = nil }), protocol.CodeFieldInvalid},
		{"nobody expected", seal(buyer, "m-2", now), change(func(e *verifier.SealedExpectation) { e.Sender = "" }), protocol.CodeFieldMissing},
		{"no purpose expected", seal(buyer, "m-2", now), change(func(e *verifier.SealedExpectation) { e.Purpose = "" }), protocol.CodeFieldMissing},
		{"not a message", []byte("{}"), expect, protocol.CodeFieldMissing},
		{"the control: none of these used the id", seal(buyer, "m-2", now), expect, ""},
	} {
		m, err := w.Verifier.Sealed(ctx, tc.raw, tc.expect)
		if protocol.CodeOf(err) != tc.want || (m == nil) != (tc.want != "") {
			t.Errorf("PRV-02 %s: %v", tc.name, err)
		}
	}
	w.Directory.SetDown(true)
	if _, err := w.Verifier.Sealed(ctx, seal(buyer, "m-3", now), expect); !errors.Is(err, protocol.ErrUndetermined) {
		t.Errorf("PRV-02 without a key source: %v", err)
	}
}
