package trustlog_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
)

// Any single changed byte of a proof refuses it.
func TestChangedByte(t *testing.T) {
	w := newWorld(t)
	proof := w.fill(w.client, 0, 70).Proof()
	trust := w.chain.Trust()
	if _, err := trust.Verify(channel, proof); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		changed := bytes.Clone(proof)
		at := rapid.IntRange(0, len(proof)-1).Draw(rt, "at")
		changed[at] ^= byte(rapid.IntRange(1, 255).Draw(rt, "by"))
		if _, err := trust.Verify(channel, changed); err == nil {
			rt.Fatalf("verified with another byte at %d", at)
		}
	})
	t.Run("in another channel", func(t *testing.T) {
		if _, err := trust.Verify("travel", proof); protocol.CodeOf(err).Outcome() != protocol.Denied {
			t.Errorf("error %v", err)
		}
	})
}

// BenchmarkVerify is one proof with the log's two signatures, offline;
// BenchmarkVerify/raw is the two signatures alone.
func BenchmarkVerify(b *testing.B) {
	w := newWorld(b)
	proof := w.fill(w.client, 0, 70).Proof()
	trust := w.chain.Trust()
	b.Run("proof", func(b *testing.B) {
		for b.Loop() {
			if _, err := trust.Verify(channel, proof); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("raw", func(b *testing.B) {
		message, key := make([]byte, 150), w.signer.Public()
		sig, err := w.signer.Sign("anchor", message)
		must(b, err)
		for b.Loop() {
			for range 2 {
				if !key.Verify(message, sig) {
					b.Fatal("does not verify")
				}
			}
		}
	})
}
