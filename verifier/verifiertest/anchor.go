package verifiertest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

// AnchorSource runs the contract of verifier.AnchorSource. open returns an empty
// source and a function that brings an anchor onto its chain and returns when
// the source can find it. The contract needs no verifier and no documents.
func AnchorSource(t *testing.T, open func(t *testing.T) (source verifier.AnchorSource, submit func(token []byte) error)) {
	t.Helper()
	t.Run("not found", func(t *testing.T) {
		source, submit := open(t)
		token, a := anAnchor(t, "retail")
		if found, err := source.Anchor(t.Context(), "retail", a.RecordID); !errors.Is(err, verifier.ErrAnchorNotFound) || found != nil {
			t.Errorf("TSD-ATT-SVF-02 an empty chain: %v, %v", found, err)
		}
		if err := submit(token); err != nil {
			t.Fatal(err)
		}
		for _, q := range [][2]string{{"retail", a.RecordID + "0"}, {"wholesale", a.RecordID}} {
			if found, err := source.Anchor(t.Context(), q[0], q[1]); err == nil || found != nil {
				t.Errorf("TSD-ATT-OCA-02 %v was found: %v", q, found)
			}
		}
	})
	t.Run("found", func(t *testing.T) {
		source, submit := open(t)
		token, a := anAnchor(t, "retail")
		if err := submit(token); err != nil {
			t.Fatal(err)
		}
		found, err := source.Anchor(t.Context(), "retail", a.RecordID)
		if err != nil {
			t.Fatal(err)
		}
		if string(found.Token) != string(token) {
			t.Error("TSD-ATT-OCA-03 not the anchor that was submitted")
		}
		if found.Place == "" || found.At.IsZero() || found.At.After(time.Now().Add(time.Minute)) {
			t.Errorf("TSD-ATT-OCA-04 place %q, at %v", found.Place, found.At)
		}
		again, err := source.Anchor(t.Context(), "retail", a.RecordID)
		if err != nil || again.Place != found.Place || string(again.Token) != string(token) {
			t.Errorf("TSD-ATT-OCA-04 asked again: %+v, %v", again, err)
		}
	})
	t.Run("a context that has ended", func(t *testing.T) {
		source, submit := open(t)
		token, a := anAnchor(t, "retail")
		if err := submit(token); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := source.Anchor(ctx, "retail", a.RecordID); errors.Is(err, verifier.ErrAnchorNotFound) {
			t.Error("TSD-ATT-SVF-03 no answer was taken for one")
		}
	})
	t.Run("concurrent", func(t *testing.T) {
		source, submit := open(t)
		token, a := anAnchor(t, "retail")
		if err := submit(token); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, err := source.Anchor(t.Context(), "retail", a.RecordID); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

// anAnchor makes an anchor of a small record by a new key.
func anAnchor(t *testing.T, channel string) ([]byte, attestation.Anchor) {
	t.Helper()
	const did = "did:act:shop.example/coffee"
	signer := func(purpose keys.Purpose) *keys.Signer {
		private, err := keys.Generate(keys.EdDSA)
		if err != nil {
			t.Fatal(err)
		}
		s, err := keys.NewSigner(did+"#"+string(purpose), purpose, private)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	now := time.Now().Truncate(time.Second)
	raw, err := attestation.Sealer{}.Seal(attestation.By(signer(keys.Attestation)), "", attestation.Draft{
		Type: attestation.DecisionLogged, EventTime: now, Links: attestation.Links{IntentID: "intent-1"},
		Participants: []attestation.Participant{{ID: did, Role: attestation.PayerAgent}}, Body: []byte(`{}`),
	}, now)
	if err != nil {
		t.Fatal(err)
	}
	record, err := attestation.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	token, err := attestation.SignAnchor(signer(keys.Anchor), &record.Record, channel, now)
	if err != nil {
		t.Fatal(err)
	}
	a, err := attestation.ParseAnchor(token)
	if err != nil {
		t.Fatal(err)
	}
	return token, a.Anchor
}
