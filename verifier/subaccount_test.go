package verifier_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

// subAccount is the key of the agent's sub-account. It is in no document: the
// provider has registered it.
func (w *world) subAccount() *keys.Signer { return w.signer(agentDID+"#wallet", keys.SubAccount) }

// fromSubAccount is a good request but for its authorization.
func (w *world) fromSubAccount() payment.Request {
	q := w.request()
	q.PaymentToken, q.SubAccountID = "", "sub-1"
	return q
}

// claimsFor are those of a good authorization of q, as agent will sign it.
func (w *world) claimsFor(agent *keys.Signer, q payment.Request) payment.SubAccountAuthorization {
	w.t.Helper()
	digest, err := payment.RequestDigest(agent, q)
	if err != nil {
		w.t.Fatal(err)
	}
	return payment.SubAccountAuthorization{
		AgentID: q.BuyerAgentID, SubAccountID: q.SubAccountID, PSPID: q.PSPID, ID: "j-1",
		IssuedAt: w.clock(), Expires: w.clock().Add(5 * time.Minute), RequestDigest: digest,
	}
}

func (w *world) authorizeBy(sub *keys.Signer, c payment.SubAccountAuthorization) string {
	w.t.Helper()
	token, err := payment.SignSubAccountAuthorization(sub, c)
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

func TestSubAccountPayment(t *testing.T) {
	algorithms(t, func(t *testing.T, alg keys.Algorithm) {
		w := newWorld(t, alg)
		agent, sub := w.signers[agentDID+"#k1"], w.subAccount()
		raw, err := payment.SignRequestFrom(agent, sub, w.fromSubAccount())
		if err != nil {
			t.Fatal(err)
		}
		p, err := w.pay(raw)
		if err != nil {
			t.Fatal(err)
		}
		if id, ok := p.SubAccount(); !ok || id != "sub-1" || p.PaymentToken() != "" {
			t.Errorf("PSD-PAY-DEL-08: %q %t", id, ok)
		}
		if p.Delegator() != annDID || p.Total() != amount(t, "20.00") || !p.Expires().Equal(epoch.Add(10*time.Minute)) {
			t.Errorf("PSD-PAY-DEL-08 a sub-account changed the mandate: %+v", p)
		}
		var said int
		for _, c := range p.Decision().Checks() {
			if c.Requirement == "PSD-AGT-SUB-04" {
				said++
			}
		}
		if said != 8 {
			t.Errorf("PSD-AGT-SUB-04 %d checks of the authorization", said)
		}
		if err := p.VerifySubAccount(sub.Public()); err != nil {
			t.Errorf("PSD-AGT-SUB-04: %v", err)
		}
		other := keys.ES256
		if alg == keys.ES256 {
			other = keys.EdDSA
		}
		foreign, err := keys.Generate(other)
		if err != nil {
			t.Fatal(err)
		}
		otherAlg, err := keys.NewSigner(agentDID+"#wallet", keys.SubAccount, foreign)
		if err != nil {
			t.Fatal(err)
		}
		for name, key := range map[string]keys.PublicKey{
			"another sub-account's key":       w.subAccount().Public(),
			"a key of another algorithm":      otherAlg.Public(),
			"the key that signed the request": agent.Public(),
			"no key":                          {},
		} {
			err := p.VerifySubAccount(key)
			if e := protocol.AsError(err); e == nil || e.Code != protocol.CodeSubAccountKey || e.Requirement != "PSD-AGT-SUB-04" {
				t.Errorf("PSD-AGT-SUB-05 %s: %v", name, err)
			}
		}
	})
	t.Run("PSD-PAY-AUP-04 autonomous", func(t *testing.T) {
		w := newWorld(t, keys.EdDSA)
		q, sub := w.autonomous(), w.subAccount()
		q.PaymentToken, q.SubAccountID = "", "sub-1"
		raw, err := payment.SignRequestFrom(w.signers[agentDID+"#k1"], sub, q)
		if err != nil {
			t.Fatal(err)
		}
		p, err := w.pay(raw)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.VerifySubAccount(sub.Public()); err != nil {
			t.Error(err)
		}
	})
	t.Run("PSD-AGT-SUB-04 a payment from no sub-account has no authorization", func(t *testing.T) {
		w := newWorld(t, keys.EdDSA)
		p, err := w.pay(w.signRequest(w.request()))
		if err != nil {
			t.Fatal(err)
		}
		if id, ok := p.SubAccount(); ok || id != "" {
			t.Errorf("%q %t", id, ok)
		}
		wantCode(t, p.VerifySubAccount(w.subAccount().Public()), protocol.CodeSubAccountKey)
		var zero verifier.AuthorizedPayment
		if _, ok := zero.SubAccount(); ok {
			t.Error("the zero value is from a sub-account")
		}
		wantCode(t, zero.VerifySubAccount(w.subAccount().Public()), protocol.CodeSubAccountKey)
	})
}

// Attacks with authorizations that somebody's key did sign.
func TestSubAccountRefused(t *testing.T) {
	// signed is a request with the claims that f leaves.
	signed := func(f func(w *world, q *payment.Request, c *payment.SubAccountAuthorization)) func(w *world) []byte {
		return func(w *world) []byte {
			q := w.fromSubAccount()
			c := w.claimsFor(w.signers[agentDID+"#k1"], q)
			f(w, &q, &c)
			sub := w.subAccount()
			if c.AgentID != agentDID {
				sub = w.signer(c.AgentID+"#wallet", keys.SubAccount)
			}
			q.SubAccountAuthorization = w.authorizeBy(sub, c)
			return w.signRequest(q)
		}
	}
	runAttacks(t, []attack{
		{"good", "", signed(func(*world, *payment.Request, *payment.SubAccountAuthorization) {})},
		{"PSD-AGT-SUB-04 an authorization of another amount", protocol.CodeClaimsConflict, signed(func(w *world, _ *payment.Request, c *payment.SubAccountAuthorization) {
			less := w.fromSubAccount()
			less.Amount = amount(w.t, "1.00")
			c.RequestDigest = w.claimsFor(w.signers[agentDID+"#k1"], less).RequestDigest
		})},
		{"PSD-AGT-SUB-04 an authorization of another request", protocol.CodeClaimsConflict, signed(func(_ *world, q *payment.Request, _ *payment.SubAccountAuthorization) { q.RequestID = "pay-2" })},
		{"PSD-AGT-SUB-04 replayed under a new nonce", protocol.CodeClaimsConflict, signed(func(_ *world, q *payment.Request, _ *payment.SubAccountAuthorization) { q.Nonce = canon.Nonce() })},
		{"PSD-AGT-SUB-04 replayed at another time", protocol.CodeClaimsConflict, signed(func(_ *world, q *payment.Request, _ *payment.SubAccountAuthorization) {
			q.Timestamp = q.Timestamp.Add(time.Second)
		})},
		{"PSD-AGT-SUB-04 another sub-account in the request", protocol.CodeClaimsConflict, signed(func(_ *world, q *payment.Request, _ *payment.SubAccountAuthorization) { q.SubAccountID = "sub-2" })},
		{"PSD-AGT-SUB-04 another sub-account in the authorization", protocol.CodeClaimsConflict, signed(func(_ *world, _ *payment.Request, c *payment.SubAccountAuthorization) { c.SubAccountID = "sub-2" })},
		{"PSD-AGT-SUB-05 another agent's authorization", protocol.CodeAgentMismatch, signed(func(_ *world, _ *payment.Request, c *payment.SubAccountAuthorization) { c.AgentID = agent2DID })},
		{"PSD-AGT-SUB-04 an authorization for another provider", protocol.CodeAudienceMismatch, signed(func(_ *world, _ *payment.Request, c *payment.SubAccountAuthorization) {
			c.PSPID = "did:act:other.example/pay"
		})},
		{"PSD-AGT-SUB-04 expired, to the second", protocol.CodeRequestExpired, signed(func(_ *world, _ *payment.Request, c *payment.SubAccountAuthorization) {
			c.IssuedAt, c.Expires = epoch.Add(-5*time.Minute), epoch
		})},
		{"PSD-AGT-SUB-04 its last second", "", signed(func(_ *world, _ *payment.Request, c *payment.SubAccountAuthorization) {
			c.IssuedAt, c.Expires = epoch.Add(-4*time.Minute), epoch.Add(time.Second)
		})},
		{"PSD-AGT-SUB-04 from the future", protocol.CodeRequestExpired, signed(func(_ *world, _ *payment.Request, c *payment.SubAccountAuthorization) {
			c.IssuedAt, c.Expires = epoch.Add(61*time.Second), epoch.Add(2*time.Minute)
		})},
		{"PSD-AGT-SUB-04 a clock that is a minute ahead", "", signed(func(_ *world, _ *payment.Request, c *payment.SubAccountAuthorization) {
			c.IssuedAt, c.Expires = epoch.Add(60*time.Second), epoch.Add(2*time.Minute)
		})},
		{"PSD-AGT-SUB-04 the agent's own key under its own id", protocol.CodeKeyPurpose, func(w *world) []byte {
			q := w.fromSubAccount()
			c := w.claimsFor(w.signers[agentDID+"#k1"], q)
			q.SubAccountAuthorization = w.authorizeBy(w.signer(agentDID+"#k1", keys.SubAccount), c)
			return w.signRequest(q)
		}},
		{"PSD-AGT-SUB-04 made for the agent's other key", protocol.CodeClaimsConflict, func(w *world) []byte {
			// The mandate's holder is k1, and so is the signer; the wallet meant k2.
			q := w.fromSubAccount()
			c := w.claimsFor(w.signers[agentDID+"#k2"], q)
			q.SubAccountAuthorization = w.authorizeBy(w.subAccount(), c)
			return w.signRequest(q)
		}},
		{"the mandate in place of the authorization", protocol.CodeTypeMismatch, change(func(w *world, q *payment.Request) {
			q.PaymentToken, q.SubAccountID = "", "sub-1"
			q.SubAccountAuthorization = q.IAC
		})},
		{"nothing of ours in place of the authorization", protocol.CodeMalformed, change(func(_ *world, q *payment.Request) {
			q.PaymentToken, q.SubAccountID, q.SubAccountAuthorization = "", "sub-1", "x"
		})},
		{"PSD-PAY-DEL-08 the mandate's limit holds for sub-accounts too", protocol.CodeSingleLimitExceeded, func(w *world) []byte {
			a := authorization()
			a.Ext.Commerce.MaxSingleAmount = "17.99"
			q := w.fromSubAccount()
			q.IAC = string(w.issue(w.claims(a)))
			raw, err := payment.SignRequestFrom(w.signers[agentDID+"#k1"], w.subAccount(), q)
			if err != nil {
				w.t.Fatal(err)
			}
			return raw
		}},
	})
}

// No refusal of an authorization is stored: equal content with a good one must
// not get it as its answer.
func TestSubAccountRefusalsAreNotFinal(t *testing.T) {
	for _, code := range []protocol.Code{
		protocol.CodeMalformed, protocol.CodeTypeMismatch, protocol.CodeKeyPurpose, protocol.CodeClaimsConflict, protocol.CodeAgentMismatch,
		protocol.CodeAudienceMismatch, protocol.CodeRequestExpired, protocol.CodeSubAccountKey,
	} {
		if payment.Final(code) {
			t.Errorf("PSD-AGT-SUB-05 %s is stored, and the authorization is no part of what is equal content", code)
		}
	}
}

// TestSubAccountNoCircle: with a mandate of which a part is shown, the key
// binding covers the authorization and the authorization leaves the mandate
// out; each of the two holds the other's place, and none can be exchanged.
func TestSubAccountNoCircle(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	agent, sub := w.signers[agentDID+"#k1"], w.subAccount()
	m, err := delegation.ParseMandate(w.issueSelective(w.claims(authorization())))
	if err != nil {
		t.Fatal(err)
	}
	part, err := m.Present(delegation.RolePSP, latte(t))
	if err != nil {
		t.Fatal(err)
	}
	ask := func() payment.Request {
		q := w.fromSubAccount()
		q.IAC = string(part)
		return q
	}
	raw, err := payment.SignRequestFrom(agent, sub, ask())
	if err != nil {
		t.Fatal(err)
	}
	p, err := w.pay(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.VerifySubAccount(sub.Public()); err != nil {
		t.Error(err)
	}
	t.Run("PSD-AGT-SUB-04 the authorization exchanged under the key binding", func(t *testing.T) {
		q := p.Request() // its mandate is bound already
		q.Nonce = canon.Nonce()
		c := w.claimsFor(agent, q)
		q.SubAccountAuthorization = w.authorizeBy(sub, c)
		_, err := w.pay(w.signRequest(q))
		wantCode(t, err, protocol.CodeClaimsConflict)
	})
	t.Run("PSD-PAY-DEL-05 the key binding exchanged under the authorization", func(t *testing.T) {
		one, two := ask(), ask()
		first, err := payment.ParseRequest(w.must(payment.SignRequestFrom(agent, sub, one)))
		if err != nil {
			t.Fatal(err)
		}
		second, err := payment.ParseRequest(w.must(payment.SignRequestFrom(agent, sub, two)))
		if err != nil {
			t.Fatal(err)
		}
		q := first.Request
		q.IAC = second.Request.IAC
		_, err = w.pay(w.signRequest(q))
		wantCode(t, err, protocol.CodeClaimsConflict)
		if e := protocol.AsError(err); !strings.Contains(e.Field, "nonce") {
			t.Errorf("refused for another reason: %v", err)
		}
	})
	t.Run("PSD-PAY-DEL-04 two transmissions are one request", func(t *testing.T) {
		expect := verifier.PaymentExpectation{PSP: pspDID}
		one, err := w.v.PaymentRequest(context.Background(), w.must(payment.SignRequestFrom(agent, sub, ask())), expect)
		if err != nil {
			t.Fatal(err)
		}
		two, err := w.v.PaymentRequest(context.Background(), w.must(payment.SignRequestFrom(agent, sub, ask())), expect)
		if err != nil {
			t.Fatal(err)
		}
		if one.ContentDigest() != two.ContentDigest() {
			t.Error("a repetition is a conflict")
		}
	})
}

func (w *world) must(raw []byte, err error) []byte {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}
