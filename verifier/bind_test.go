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

func (w *world) wish() payment.BindingRequest {
	return payment.BindingRequest{
		RequestID: "bind-1", Nonce: canon.Nonce(), Timestamp: w.clock(), PSPID: pspDID, BuyerAgentID: agentDID, PrincipalID: annDID,
		Terms: payment.BindingTerms{Instrument: payment.BindPaymentToken, Currency: amount(w.t, "1").Currency(), ValidUntil: epoch.Add(time.Hour)},
	}
}

// wishSub asks for a sub-account.
func (w *world) wishSub() payment.BindingRequest {
	q := w.wish()
	q.Terms = payment.BindingTerms{Instrument: payment.BindSubAccount, Currency: q.Terms.Currency, Total: amount(w.t, "50.00")}
	return q
}

// keyWord replaces the word of the sub-account's key in a good request.
func (w *world) keyWord(q payment.BindingRequest, sub *keys.Signer, by *keys.Signer, change func(*payment.SubAccountKeyProof)) []byte {
	w.t.Helper()
	agent := w.signers[agentDID+"#k1"]
	u, err := payment.ParseBindingRequest(w.must(payment.SignBindingRequest(agent, sub, q)))
	if err != nil {
		w.t.Fatal(err)
	}
	p := payment.SubAccountKeyProof{AgentID: by.DID(), PSPID: pspDID, ID: "j", IssuedAt: w.clock(), Expires: w.clock().Add(time.Minute), RequestDigest: u.KeyProofDigest()}
	change(&p)
	word, err := payment.SignSubAccountKeyProof(by, p)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.must(keys.SignMessage(agent, keys.AgentRequest, keys.KindBindingRequest, map[string]any{
		"request_id": q.RequestID, "nonce": q.Nonce, "timestamp": canon.FormatTime(q.Timestamp), "psp_id": q.PSPID, "buyer_agent_id": q.BuyerAgentID,
		"principal_id": q.PrincipalID, "terms": q.Terms, "subaccount_key": u.Request.SubAccountKey, "subaccount_key_proof": word,
	}))
}

func TestBindingRequest(t *testing.T) {
	algorithms(t, func(t *testing.T, alg keys.Algorithm) {
		w := newWorld(t, alg)
		agent, sub := w.signers[agentDID+"#k1"], w.subAccount()
		expect := verifier.PaymentExpectation{PSP: pspDID}
		for name, raw := range map[string][]byte{
			"PSD-PMT-BND-02 a token":       w.must(payment.SignBindingRequest(agent, nil, w.wish())),
			"PSD-AGT-SUB-01 a sub-account": w.must(payment.SignBindingRequest(agent, sub, w.wishSub())),
			"PSD-AGT-SUB-01 made by hand":  w.keyWord(w.wishSub(), sub, sub, func(*payment.SubAccountKeyProof) {}),
		} {
			m, err := w.v.BindingRequest(context.Background(), raw, expect)
			if err != nil || !m.Decision().Allowed() || m.Value().PrincipalID != annDID || m.ContentDigest() == "" || m.KeyID() != agentDID+"#k1" {
				t.Errorf("%s: %v", name, err)
			}
			_, err = w.v.BindingRequest(context.Background(), raw, expect)
			wantCode(t, err, protocol.CodeReplayed)
		}
	})
}

// TestWordOfTheKey: whoever asks for a sub-account has its key, and has used it
// for this very transmission.
func TestWordOfTheKey(t *testing.T) {
	w := newWorld(t, keys.ES256)
	sub, other := w.subAccount(), w.signer(agentDID+"#wallet2", keys.SubAccount)
	asAgent := w.signer(agentDID+"#k1", keys.SubAccount) // the id of the key that signs the request
	foreign := w.signer(agent2DID+"#wallet", keys.SubAccount)
	same := func(*payment.SubAccountKeyProof) {}
	for _, c := range []struct {
		name   string
		by     *keys.Signer
		change func(*payment.SubAccountKeyProof)
		code   protocol.Code
	}{
		{"another key than the one to register", other, same, protocol.CodeSubAccountKey},
		{"the name of the request's key", asAgent, same, protocol.CodeKeyPurpose},
		{"another agent's key", foreign, same, protocol.CodeAgentMismatch},
		{"for another provider", sub, func(p *payment.SubAccountKeyProof) { p.PSPID = shopDID }, protocol.CodeAudienceMismatch},
		{"for another transmission", sub, func(p *payment.SubAccountKeyProof) { p.RequestDigest = canon.Sum([]byte("other")) }, protocol.CodeClaimsConflict},
		{"over", sub, func(p *payment.SubAccountKeyProof) {
			p.IssuedAt, p.Expires = p.IssuedAt.Add(-2*time.Minute), p.IssuedAt
		}, protocol.CodeRequestExpired},
		{"not begun", sub, func(p *payment.SubAccountKeyProof) {
			p.IssuedAt, p.Expires = p.IssuedAt.Add(61*time.Second), p.IssuedAt.Add(2*time.Minute)
		}, protocol.CodeRequestExpired},
	} {
		t.Run("PSD-AGT-SUB-01 "+c.name, func(t *testing.T) {
			q := w.wishSub()
			raw := w.keyWord(q, sub, c.by, c.change)
			m, err := w.v.BindingRequest(context.Background(), raw, verifier.PaymentExpectation{PSP: pspDID})
			wantCode(t, err, c.code)
			if m != nil {
				t.Error("a value with an error")
			}
			_, err = w.v.BindingRequest(context.Background(), raw, verifier.PaymentExpectation{PSP: pspDID})
			wantCode(t, err, c.code) // the nonce was not used up
		})
	}
	t.Run("PSD-AGT-SUB-01 the agent's own key", func(t *testing.T) {
		agent := w.signers[agentDID+"#k1"]
		u, err := payment.ParseBindingRequest(w.must(payment.SignBindingRequest(agent, sub, w.wishSub())))
		if err != nil {
			t.Fatal(err)
		}
		q := u.Request
		raw := w.must(keys.SignMessage(agent, keys.AgentRequest, keys.KindBindingRequest, map[string]any{
			"request_id": q.RequestID, "nonce": q.Nonce, "timestamp": canon.FormatTime(q.Timestamp), "psp_id": q.PSPID, "buyer_agent_id": q.BuyerAgentID,
			"principal_id": q.PrincipalID, "terms": q.Terms, "subaccount_key": agent.Public(), "subaccount_key_proof": q.SubAccountKeyProof,
		}))
		_, err = w.v.BindingRequest(context.Background(), raw, verifier.PaymentExpectation{PSP: pspDID})
		wantCode(t, err, protocol.CodeKeyPurpose)
	})
}

func TestBindingAnswers(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	ctx, q, proof := context.Background(), w.wish(), w.signers[pspDID+"#proof"]
	granted := q.Terms
	granted.ValidFrom = epoch
	result := w.must(payment.SignBindingResult(proof, payment.BindingResult{
		RequestID: "bind-1", PSPID: pspDID, BuyerAgentID: agentDID, PrincipalID: annDID, Terms: granted, PaymentToken: "tok-1", BoundAt: epoch,
	}))
	pending := w.must(payment.SignBindingPending(proof, payment.BindingPending{RequestID: "bind-1", PSPID: pspDID, BuyerAgentID: agentDID, BindingURL: "https://psp.example/b", ExpiresAt: epoch.Add(time.Minute)}))
	for _, c := range []struct {
		name   string
		change func(*payment.BindingRequest)
		code   protocol.Code
	}{
		{"what was asked", func(*payment.BindingRequest) {}, ""},
		{"another provider was asked", func(q *payment.BindingRequest) { q.PSPID = shopDID }, protocol.CodeIssuerUntrusted},
		{"another request", func(q *payment.BindingRequest) { q.RequestID = "bind-2" }, protocol.CodeRequestConflict},
		{"another agent", func(q *payment.BindingRequest) { q.BuyerAgentID = agent2DID }, protocol.CodeAgentMismatch},
		{"nothing was asked", func(q *payment.BindingRequest) { *q = payment.BindingRequest{} }, protocol.CodeFieldMissing},
	} {
		t.Run("PSD-PMT-BND-03 "+c.name, func(t *testing.T) {
			q := q
			c.change(&q)
			m, err := w.v.BindingResult(ctx, result, verifier.BindExpectation{Request: q})
			wantCode(t, err, c.code)
			p, err2 := w.v.BindingPending(ctx, pending, verifier.BindExpectation{Request: q})
			wantCode(t, err2, c.code)
			if (m == nil) != (err != nil) || (p == nil) != (err2 != nil) {
				t.Error("a value with an error, or neither")
			}
		})
	}
	q.PrincipalID = bobDID
	_, err := w.v.BindingResult(ctx, result, verifier.BindExpectation{Request: q})
	wantCode(t, err, protocol.CodePrincipalMismatch)
	q = w.wish()
	q.Terms.ValidUntil = q.Terms.ValidUntil.Add(-time.Second)
	_, err = w.v.BindingResult(ctx, result, verifier.BindExpectation{Request: q})
	wantCode(t, err, protocol.CodeConstraintConflict)
	w.pass(time.Minute)
	_, err = w.v.BindingPending(ctx, pending, verifier.BindExpectation{Request: w.wish()})
	wantCode(t, err, protocol.CodeRequestExpired)
	_, err = w.v.BindingPending(ctx, result, verifier.BindExpectation{Request: w.wish()})
	if err == nil {
		t.Error("a result passes for the word that it waits")
	}
}
