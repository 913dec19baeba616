package verifier_test

import (
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

const judgeDID = "did:act:judge.example/disputes"

// TestDispute takes a purchase that was paid for and not delivered from the
// application to the disposition, with real messages, records and anchors.
func TestDispute(t *testing.T) {
	e := newEvidence(t, keys.EdDSA)
	judge := e.key(judgeDID, "att", keys.Attestation)
	agent := e.signers[agentDID+"#att"]
	raw := e.seal("", e.happened())
	id := e.keep(raw)

	application := attestation.Application{
		DisputeID: "dispute-1", Type: "not-delivered", Applicant: agentDID, Respondents: []string{shopDID}, Arbiter: judgeDID,
		Links: attestation.Links{IntentID: "intent-1"}, Records: []string{id}, Description: "Paid, and nothing came.", AppliedAt: e.clock(),
	}
	message, err := attestation.SignApplication(agent, application)
	must(t, err)
	applied, err := e.records.Application(t.Context(), message, judgeDID)
	must(t, err)
	c, err := attestation.OpenCase(applied.Value(), applied.ContentDigest())
	must(t, err)

	message, err = attestation.SignCall(judge, attestation.Call{
		DisputeID: "dispute-1", Arbiter: judgeDID, Application: applied.ContentDigest(), Parties: []string{agentDID, shopDID},
		CalledAt: e.clock(), Deadline: e.clock().Add(time.Hour),
	})
	must(t, err)
	called, err := e.records.Call(t.Context(), message, judgeDID)
	must(t, err)
	must(t, c.Call(called.Value(), called.ContentDigest()))

	digest, err := attestation.RecordDigest(raw)
	must(t, err)
	message, err = attestation.SignProduction(agent, attestation.Production{
		DisputeID: "dispute-1", Party: agentDID, Call: called.ContentDigest(), ProducedAt: e.clock(),
		Records: []attestation.Produced{{RecordID: id, Digest: digest}},
	})
	must(t, err)
	produced, err := e.records.Production(t.Context(), message, agentDID)
	must(t, err)
	must(t, c.Produce(produced.Value(), e.clock()))

	e.pass(time.Hour)
	must(t, c.Close(e.clock()))
	must(t, c.Examine(id, raw, e.verify(raw).Conclusion))
	message, err = attestation.SignDisposition(judge, attestation.Disposition{
		DisputeID: "dispute-1", Arbiter: judgeDID, Application: applied.ContentDigest(), Call: called.ContentDigest(),
		Findings: c.Findings(), PresumedAgainst: c.Silent(), Grounds: []string{id}, Outcome: attestation.Upheld,
		Reasons: "The purchase is on record, and the shop, which was asked, shows no delivery.", DisposedAt: e.clock(),
	})
	must(t, err)
	disposed, err := e.records.Disposition(t.Context(), message, judgeDID)
	must(t, err)
	must(t, c.Dispose(disposed.Value()))
	if c.State() != attestation.CaseDisposed || len(disposed.Value().PresumedAgainst) != 1 || disposed.Value().PresumedAgainst[0] != shopDID {
		t.Errorf("TSD-ATT-DSP-02 %+v", disposed.Value())
	}

	t.Run("for or by somebody else", func(t *testing.T) {
		sign := func() []byte {
			b, err := attestation.SignApplication(agent, application)
			must(t, err)
			return b
		}
		_, err := e.records.Application(t.Context(), sign(), shopDID)
		wantCode(t, err, protocol.CodeAudienceMismatch)
		_, err = e.records.Application(t.Context(), sign(), "")
		wantCode(t, err, protocol.CodeFieldMissing)
		_, err = e.records.Application(t.Context(), message, judgeDID)
		if err == nil {
			t.Error("a disposition as an application")
		}
		_, err = e.records.Disposition(t.Context(), message, shopDID)
		wantCode(t, err, protocol.CodeAudienceMismatch)
		forged, err := attestation.SignApplication(e.signer(agentDID+"#att", keys.Attestation), application)
		must(t, err)
		_, err = e.records.Application(t.Context(), forged, judgeDID)
		wantCode(t, err, protocol.CodeSignatureInvalid)
	})
	t.Run("keys of the time", func(t *testing.T) {
		e.edit(judgeDID+"#att", func(k *identity.Key) { k.NotAfter = e.clock().Add(time.Hour) })
		e.edit(agentDID+"#att", func(k *identity.Key) { k.NotAfter = e.clock().Add(time.Hour) })
		e.pass(24 * time.Hour)
		_, err := e.records.Disposition(t.Context(), message, judgeDID)
		must(t, err) // it stands after the arbiter's key was rotated
		late := application
		old, err := attestation.SignApplication(agent, late)
		must(t, err)
		_, err = e.records.Application(t.Context(), old, judgeDID)
		wantCode(t, err, protocol.CodeKeyNotValid)
	})
	t.Run("of the future", func(t *testing.T) {
		future := attestation.Call{
			DisputeID: "dispute-1", Arbiter: judgeDID, Application: canon.Sum(nil), Parties: []string{shopDID},
			CalledAt: e.clock().Add(2 * time.Minute), Deadline: e.clock().Add(time.Hour),
		}
		e.edit(judgeDID+"#att", func(k *identity.Key) { k.NotAfter = time.Time{} })
		b, err := attestation.SignCall(judge, future)
		must(t, err)
		_, err = e.records.Call(t.Context(), b, judgeDID)
		wantCode(t, err, protocol.CodeRequestExpired)
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
