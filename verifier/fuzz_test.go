package verifier_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

// FuzzMandate: whatever arrives, there is a value or an error with a known
// code, never both; and nothing verifies but what the issuer signed.
func FuzzMandate(f *testing.F) {
	w := newWorld(f, keys.EdDSA)
	good := w.mandate()
	f.Add(good)
	f.Add(w.token(w.signers[bankDID+"#status"], w.header(bankDID+"#status"), w.payload()))
	f.Add([]byte(w.signOrder(w.order())))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := w.v.Mandate(context.Background(), raw, expectation)
		if (m == nil) == (err == nil) {
			t.Fatalf("value %t, error %v", m != nil, err)
		}
		if err != nil && !protocol.CodeOf(err).Known() {
			t.Fatalf("a code outside the list: %v", err)
		}
		if m != nil && !bytes.Equal(raw, good) {
			t.Fatal("a forged mandate verified")
		}
	})
}

// FuzzPaymentRequest: the same for payment requests of each scenario and
// instrument, through Authorize.
func FuzzPaymentRequest(f *testing.F) {
	w := newWorld(f, keys.EdDSA)
	const nonce = "AAECAwQFBgcICQoLDA0ODw" // the same in every process
	agent, sub := w.signers[agentDID+"#k1"], w.subAccount()
	from := w.fromSubAccount()
	from.Nonce = nonce
	claims := w.claimsFor(agent, from)
	from.SubAccountAuthorization = w.authorizeBy(sub, claims)
	expect := verifier.PaymentExpectation{PSP: pspDID, Instant: true}
	made := map[canon.Digest]payment.Request{}
	for _, q := range []payment.Request{w.request(), w.instant(), from} {
		q.Nonce = nonce
		good := w.signRequest(q)
		f.Add(good)
		f.Add(bytes.Replace(good, []byte(`"amount":"18.00"`), []byte(`"amount":"18.01"`), 1))
		first, err := w.v.PaymentRequest(context.Background(), good, expect)
		if err != nil {
			f.Fatal(err)
		}
		made[first.ContentDigest()] = first.Request()
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := w.v.PaymentRequest(context.Background(), raw, expect)
		if (r == nil) == (err == nil) {
			t.Fatalf("value %t, error %v", r != nil, err)
		}
		if err != nil {
			if !protocol.CodeOf(err).Known() {
				t.Fatalf("a code outside the list: %v", err)
			}
			return
		}
		if r.Request() != made[r.ContentDigest()] {
			t.Fatal("a forged request verified")
		}
		r.TakeNonce()
		p, err := r.Authorize(context.Background())
		if (p == nil) == (err == nil) {
			t.Fatalf("value %t, error %v", p != nil, err)
		}
		if err != nil {
			return
		}
		if _, ok := p.SubAccount(); ok != (p.VerifySubAccount(sub.Public()) == nil) || p.VerifySubAccount(agent.Public()) == nil {
			t.Fatal("the sub-account's authorization is judged by another key")
		}
	})
}

// FuzzPending: nothing sends a principal anywhere but what the provider signed.
func FuzzPending(f *testing.F) {
	w := newWorld(f, keys.EdDSA)
	q := w.instant()
	p := w.pending(q)
	good := w.must(payment.SignPending(w.signers[pspDID+"#proof"], p))
	f.Add(good)
	f.Add(bytes.Replace(good, []byte("https://psp.example"), []byte("https://psp.example@evil.example"), 1))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := w.v.Pending(context.Background(), raw, verifier.PendingExpectation{Request: q})
		if (m == nil) == (err == nil) {
			t.Fatalf("value %t, error %v", m != nil, err)
		}
		if err != nil && !protocol.CodeOf(err).Known() {
			t.Fatalf("a code outside the list: %v", err)
		}
		if m != nil && m.Value() != p {
			t.Fatal("a forged answer verified")
		}
	})
}

// FuzzPresentation: the same for a mandate with selective disclosure and its key
// binding. Nothing verifies but what the holder bound. The keys are of each
// process's own, since its salts are.
func FuzzPresentation(f *testing.F) {
	w := newWorld(f, keys.ES256)
	occasion := verifier.Presentation{Audience: pspDID, Nonce: "occasion-1"}
	good := w.showPart(w.issueSelective(w.claims(authorization())), delegation.RolePSP, latte(f), occasion)
	f.Add(good)
	f.Add(append(good[:len(good):len(good)], '~'))
	expect := expectation
	expect.Presented = &occasion
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := w.v.Mandate(context.Background(), raw, expect)
		if (m == nil) == (err == nil) {
			t.Fatalf("value %t, error %v", m != nil, err)
		}
		if err != nil && !protocol.CodeOf(err).Known() {
			t.Fatalf("a code outside the list: %v", err)
		}
		if m != nil && !bytes.Equal(raw, good) {
			t.Fatal("a forged presentation verified")
		}
	})
}
