package verifier_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/protocol/privacy/sdjwt"
	"github.com/actprotocol/act-go/verifier"
)

// issueSelective issues a mandate of which parts can be shown.
func (w *world) issueSelective(c delegation.Claims) []byte {
	w.t.Helper()
	raw, err := delegation.IssueSelective(w.signers[bankDID+"#issue"], c)
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

// latte is the purchase of the usual order.
func latte(t testing.TB) delegation.Purchase {
	return delegation.Purchase{
		At: epoch, Amount: amount(t, "18.00"), Merchant: shopDID, Categories: []string{"food/drink/coffee"},
		Method: methodURN, DeliverBy: epoch.Add(30 * time.Minute),
	}
}

// showPart makes a presentation of a role's part, bound to an occasion.
func (w *world) showPart(whole []byte, role delegation.Role, p delegation.Purchase, occasion verifier.Presentation) []byte {
	w.t.Helper()
	m, err := delegation.ParseMandate(whole)
	if err != nil {
		w.t.Fatal(err)
	}
	part, err := m.Present(role, p)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.bind(part, w.signers[agentDID+"#k1"], occasion)
}

func (w *world) bind(part []byte, s *keys.Signer, occasion verifier.Presentation) []byte {
	w.t.Helper()
	shown, err := sdjwt.Bind(s, part, occasion.Audience, occasion.Nonce, w.clock())
	if err != nil {
		w.t.Fatal(err)
	}
	return shown
}

func TestPresentedMandate(t *testing.T) {
	algorithms(t, func(t *testing.T, alg keys.Algorithm) {
		w := newWorld(t, alg)
		w.policy[bankDID] = []string{annDID, ""}
		whole := w.issueSelective(w.claims(authorization()))
		occasion := verifier.Presentation{Audience: shopDID, Nonce: "cart-1"}
		shown := w.showPart(whole, delegation.RoleMerchant, latte(t), occasion)
		e := expectation
		e.Presented = &occasion
		for _, run := range []string{"cold", "warm"} {
			m, err := w.v.Mandate(context.Background(), shown, e)
			if err != nil {
				t.Fatalf("%s: %v", run, err)
			}
			a := m.Claims().Authorization
			if a.DelegatorIdentity != "" || a.MaxTotalAmount != "" || a.AllowedPaymentMethods != nil || a.Ext.Commerce.AllowedMerchants != nil || a.Currency != "" {
				t.Errorf("PRV-01 the merchant sees %+v", a)
			}
			if d := m.Bounds().Decide(delegation.RoleMerchant, latte(t), nil); !d.Allowed() {
				t.Errorf("PRV-01 what is withheld from the merchant is not its business: %v", d.Err())
			}
			if d := m.Bounds().Decide(delegation.RolePSP, latte(t), nil); protocol.CodeOf(d.Err()) != protocol.CodeConstraintWithheld {
				t.Errorf("PRV-01 a PSP must not decide by it: %v", d.Err())
			}
			u, _ := delegation.ParseMandate(whole)
			if m.PayloadDigest() != u.PayloadDigest() {
				t.Error("ADD-IAC-ISS-15 another selection is another mandate")
			}
		}
		// The agent's own check, without anybody to show it to.
		if _, err := w.v.Mandate(context.Background(), whole, expectation); err != nil {
			t.Error(err)
		}
	})
}

func TestPresentationRefused(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	whole := w.issueSelective(w.claims(authorization()))
	occasion := verifier.Presentation{Audience: pspDID, Nonce: "occasion-1"}
	shown := w.showPart(whole, delegation.RolePSP, latte(t), occasion)
	part, _ := sdjwt.Cut(shown)
	holder := w.signers[agentDID+"#k1"]
	other := w.issueSelective(w.claims(authorization()))
	expect := func(p *verifier.Presentation) verifier.MandateExpectation {
		e := expectation
		e.Presented = p
		return e
	}
	elsewhere := latte(t)
	elsewhere.Merchant = shop2DID
	lessPart, _ := sdjwt.Cut(w.showPart(whole, delegation.RolePSP, elsewhere, occasion))
	merchantPart, _ := sdjwt.Cut(w.showPart(whole, delegation.RoleMerchant, latte(t), occasion))
	_, goodBinding := sdjwt.Cut(shown)
	for _, c := range []struct {
		name   string
		raw    []byte
		expect *verifier.Presentation
		code   protocol.Code
	}{
		{"good", shown, &occasion, ""},
		{"no key binding where one is expected", part, &occasion, protocol.CodeFieldMissing},
		{"a key binding where none is expected", shown, nil, protocol.CodeFieldInvalid},
		{"the other form where a presentation is expected", w.mandate(), &occasion, protocol.CodeTypeMismatch},
		{"presented to another party", w.bind(part, holder, verifier.Presentation{Audience: shopDID, Nonce: "occasion-1"}), &occasion, protocol.CodeAudienceMismatch},
		{"presented for another occasion", w.bind(part, holder, verifier.Presentation{Audience: pspDID, Nonce: "occasion-2"}), &occasion, protocol.CodeClaimsConflict},
		{"another key of the same agent", w.bind(part, w.signers[agentDID+"#k2"], occasion), &occasion, protocol.CodeSignatureInvalid},
		{"another agent", w.bind(part, w.signers[agent2DID+"#k1"], occasion), &occasion, protocol.CodeSignatureInvalid},
		{"disclosures taken out behind the holder's back", append(append([]byte{}, lessPart...), goodBinding...), &occasion, protocol.CodeSignatureInvalid},
		{"the binding of another mandate", append(append([]byte{}, part...), mustBinding(w.showPart(other, delegation.RolePSP, latte(t), occasion))...), &occasion, protocol.CodeSignatureInvalid},
		{"a disclosure of another mandate", w.bind(append(append([]byte{}, merchantPart...), lastDisclosure(other)...), holder, occasion), &occasion, protocol.CodeMalformed},
		{"a disclosure made up", w.bind(append(append([]byte{}, merchantPart...), (canon.EncodeBase64([]byte(`["AAAAAAAAAAAAAAAAAAAAAA","max_total_amount",1000000]`))+"~")...), holder, occasion), &occasion, protocol.CodeMalformed},
		{"garbage for a key binding", append(append([]byte{}, part...), "abc"...), &occasion, protocol.CodeMalformed},
		{"an issuer-signed JWT for a key binding", append(append([]byte{}, part...), strings.SplitN(string(whole), "~", 2)[0]...), &occasion, protocol.CodeTypeMismatch},
		{"the issuer-signed JWT alone", []byte(strings.SplitN(string(whole), "~", 2)[0]), nil, protocol.CodeTypeMismatch},
		{"a flipped bit in the issuer's signature", flip(part), nil, protocol.CodeSignatureInvalid},
	} {
		t.Run("PRV-01 "+c.name, func(t *testing.T) {
			m, err := w.v.Mandate(context.Background(), c.raw, expect(c.expect))
			if got := protocol.CodeOf(err); got != c.code {
				t.Fatalf("got %q (%v), want %q", got, err, c.code)
			}
			if (m == nil) != (err != nil) {
				t.Error("a mandate together with an error")
			}
			if err != nil {
				noLeak(t, err)
			}
		})
	}
	for name, p := range map[string]*verifier.Presentation{"audience": {Nonce: "n"}, "nonce": {Audience: pspDID}} {
		t.Run("PRV-01 an expectation without "+name, func(t *testing.T) {
			if _, err := w.v.Mandate(context.Background(), shown, expect(p)); protocol.CodeOf(err) != protocol.CodeFieldMissing {
				t.Error(err)
			}
		})
	}
	t.Run("PRV-01 presented too long ago", func(t *testing.T) {
		w.pass(6 * time.Minute)
		if _, err := w.v.Mandate(context.Background(), shown, expect(&occasion)); protocol.CodeOf(err) != protocol.CodeRequestExpired {
			t.Error(err)
		}
	})
	t.Run("ADD-IAC-ISS-10 a withheld delegator is nobody", func(t *testing.T) {
		shown := w.showPart(whole, delegation.RoleMerchant, latte(t), occasion)
		if _, err := w.v.Mandate(context.Background(), shown, expect(&occasion)); protocol.CodeOf(err) != protocol.CodeIssuerUntrusted {
			t.Error(err)
		}
	})
}

// strike takes the disclosure out that has a text.
func strike(t testing.TB, presentation, text string) string {
	t.Helper()
	parts := strings.SplitAfter(presentation, "~")
	for i, part := range parts {
		decoded, err := canon.DecodeBase64(strings.TrimSuffix(part, "~"))
		if i > 0 && err == nil && strings.Contains(string(decoded), text) {
			return strings.Join(append(parts[:i:i], parts[i+1:]...), "")
		}
	}
	t.Fatalf("no disclosure has %s", text)
	return ""
}

func mustBinding(raw []byte) []byte {
	_, binding := sdjwt.Cut(raw)
	return binding
}

func lastDisclosure(raw []byte) string {
	parts := strings.Split(strings.TrimSuffix(string(raw), "~"), "~")
	return parts[len(parts)-1] + "~"
}

// flip changes one bit of the signature of an issuer-signed JWT.
func flip(raw []byte) []byte {
	out := append([]byte{}, raw...)
	i := strings.IndexByte(string(out), '~') - 10
	if out[i] == 'A' {
		out[i] = 'B'
	} else {
		out[i] = 'A'
	}
	return out
}

func TestSelectivePayment(t *testing.T) {
	algorithms(t, func(t *testing.T, alg keys.Algorithm) {
		w := newWorld(t, alg)
		whole := w.issueSelective(w.claims(authorization()))
		m, err := delegation.ParseMandate(whole)
		if err != nil {
			t.Fatal(err)
		}
		order := w.signOrder(w.order())
		ask := func(role delegation.Role, p delegation.Purchase) payment.Request {
			part, err := m.Present(role, p)
			if err != nil {
				t.Fatal(err)
			}
			q := w.request()
			q.IAC, q.Order = string(part), order
			return q
		}
		t.Run("PRV-01 PSD-PAY-DEL-05 the provider's part is enough", func(t *testing.T) {
			p, err := w.pay(w.signRequest(ask(delegation.RolePSP, latte(t))))
			if err != nil {
				t.Fatal(err)
			}
			if p.PayloadDigest() != m.PayloadDigest() || p.Delegator() != annDID || p.Total() != amount(t, "20.00") {
				t.Errorf("%v %v %v", p.PayloadDigest(), p.Delegator(), p.Total())
			}
		})
		t.Run("PRV-01 the merchant's part is not", func(t *testing.T) {
			w.policy[bankDID] = []string{annDID, ""}
			defer func() { w.policy[bankDID] = []string{annDID} }()
			_, err := w.pay(w.signRequest(ask(delegation.RoleMerchant, latte(t))))
			if protocol.CodeOf(err) != protocol.CodeConstraintWithheld || !errors.Is(err, protocol.ErrUndetermined) {
				t.Error(err)
			}
		})
		for _, needed := range []string{"delegation_mode", "delegator_identity", "max_total_amount", "currency", "max_single_amount"} {
			t.Run("PRV-01 PSD-PAY-DEL-05 withheld: "+needed, func(t *testing.T) {
				w.policy[bankDID] = []string{annDID, ""}
				defer func() { w.policy[bankDID] = []string{annDID} }()
				q := ask(delegation.RolePSP, latte(t))
				q.IAC = strike(t, q.IAC, `"`+needed+`"`)
				if _, err := w.pay(w.signRequest(q)); protocol.CodeOf(err) != protocol.CodeConstraintWithheld {
					t.Error(err)
				}
			})
		}
		t.Run("PRV-01 the entry that the purchase needs is withheld", func(t *testing.T) {
			p := latte(t)
			p.Merchant = shop2DID
			if _, err := w.pay(w.signRequest(ask(delegation.RolePSP, p))); protocol.CodeOf(err) != protocol.CodeConstraintWithheld {
				t.Error(err)
			}
		})
		t.Run("PSD-PAY-DEL-04 equal content in another selection", func(t *testing.T) {
			one, err := payment.ParseRequest(w.signRequest(ask(delegation.RolePSP, latte(t))))
			if err != nil {
				t.Fatal(err)
			}
			two, err := payment.ParseRequest(w.signRequest(ask(delegation.RoleAgent, latte(t))))
			if err != nil {
				t.Fatal(err)
			}
			if one.ContentDigest() != two.ContentDigest() {
				t.Error("a repetition must not be a conflict")
			}
			if one.BindingNonce() == two.BindingNonce() {
				t.Error("two transmissions have one nonce")
			}
			q := ask(delegation.RolePSP, latte(t))
			q.IAC = string(w.issueSelective(w.claims(authorization())))
			other, err := payment.ParseRequest(w.signRequest(q))
			if err != nil {
				t.Fatal(err)
			}
			if other.ContentDigest() == one.ContentDigest() {
				t.Error("another mandate is other content")
			}
		})
		t.Run("PRV-01 a presentation lifted from another request", func(t *testing.T) {
			u, err := payment.ParseRequest(w.signRequest(ask(delegation.RolePSP, latte(t))))
			if err != nil {
				t.Fatal(err)
			}
			q := w.request()
			q.IAC = u.Request.IAC // bound to the first request
			if _, err := w.pay(w.signRequest(q)); protocol.CodeOf(err) != protocol.CodeClaimsConflict {
				t.Error(err)
			}
		})
		t.Run("PSD-PAY-DEL-05 the holder's other key signs the request", func(t *testing.T) {
			q := ask(delegation.RolePSP, latte(t))
			raw, err := payment.SignRequest(w.signers[agentDID+"#k2"], q)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.pay(raw); protocol.CodeOf(err) != protocol.CodeSignatureInvalid {
				t.Error(err)
			}
		})
	})
}
