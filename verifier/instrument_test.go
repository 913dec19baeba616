package verifier_test

import (
	"context"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

func TestInstrumentState(t *testing.T) {
	w := newWorld(t, keys.ES256)
	query := payment.InstrumentQuery{RequestID: "i-2", PSPID: pspDID, BuyerAgentID: agentDID, SubAccountID: "sub-1"}
	good := payment.InstrumentState{
		RequestID: "i-2", PSPID: pspDID, BuyerAgentID: agentDID, SubAccountID: "sub-1", State: payment.InstrumentActive,
		Available: mustAmount("18.00"), AsOf: epoch,
	}
	proof := w.signers[pspDID+"#proof"]
	verify := func(raw []byte, q payment.InstrumentQuery) error {
		m, err := w.v.InstrumentState(context.Background(), raw, verifier.InstrumentExpectation{Query: q})
		if err != nil {
			noLeak(t, err)
		}
		return both(w, m != nil && m.Value().Available == good.Available && m.Decision().Allowed(), err)
	}
	wantCode(t, verify(w.must(payment.SignInstrumentState(proof, good)), query), "")
	for _, c := range []struct {
		name   string
		want   protocol.Code
		change func(s *payment.InstrumentState, q *payment.InstrumentQuery)
	}{
		{"an older answer, replayed", protocol.CodeRequestConflict, func(s *payment.InstrumentState, _ *payment.InstrumentQuery) { s.RequestID = "i-1" }},
		{"about another sub-account", protocol.CodeInstrumentMismatch, func(s *payment.InstrumentState, _ *payment.InstrumentQuery) { s.SubAccountID = "sub-2" }},
		{"about a token of the same name", protocol.CodeInstrumentMismatch, func(s *payment.InstrumentState, _ *payment.InstrumentQuery) {
			s.SubAccountID, s.PaymentToken = "", "sub-1"
		}},
		{"about another agent's", protocol.CodeAgentMismatch, func(s *payment.InstrumentState, _ *payment.InstrumentQuery) { s.BuyerAgentID = agent2DID }},
		{"by another provider", protocol.CodeIssuerUntrusted, func(_ *payment.InstrumentState, q *payment.InstrumentQuery) { q.PSPID = "did:act:other.example/pay" }},
		{"of five minutes ago", protocol.CodeRequestExpired, func(s *payment.InstrumentState, _ *payment.InstrumentQuery) {
			s.AsOf = epoch.Add(-5*time.Minute - time.Second)
		}},
		{"of the future", protocol.CodeRequestExpired, func(s *payment.InstrumentState, _ *payment.InstrumentQuery) { s.AsOf = epoch.Add(61 * time.Second) }},
		{"nothing asked", protocol.CodeFieldMissing, func(_ *payment.InstrumentState, q *payment.InstrumentQuery) { *q = payment.InstrumentQuery{} }},
		{"asked about nothing", protocol.CodeFieldMissing, func(_ *payment.InstrumentState, q *payment.InstrumentQuery) { q.SubAccountID = "" }},
	} {
		t.Run("PSD-PAY-AUP-02 "+c.name, func(t *testing.T) {
			s, q := good, query
			c.change(&s, &q)
			wantCode(t, verify(w.must(payment.SignInstrumentState(proof, s)), q), c.want)
		})
	}
	t.Run("PSD-PAY-AUP-02 a forged answer", func(t *testing.T) {
		forger := w.signer(pspDID+"#proof", keys.Proof)
		wantCode(t, verify(w.must(payment.SignInstrumentState(forger, good)), query), protocol.CodeSignatureInvalid)
		raw := replaceOnce(t, string(w.must(payment.SignInstrumentState(proof, good))), `"18.00"`, `"99.00"`)
		wantCode(t, verify([]byte(raw), query), protocol.CodeSignatureInvalid)
		content := map[string]any{}
		if err := canon.Decode(w.must(payment.SignInstrumentState(proof, good)), &content); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"signer_id", "signature", "signature_type", "signature_covered_fields"} {
			delete(content, name)
		}
		other := w.must(keys.SignMessage(proof, keys.Proof, keys.KindPaymentResult, content))
		wantCode(t, verify(other, query), protocol.CodeSignatureInvalid)
	})
}
