package payment_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

func TestProofClaimsRoundTrip(t *testing.T) {
	for _, alg := range []keys.Algorithm{keys.EdDSA, keys.ES256} {
		s := signer(t, pspDID, keys.Proof, alg)
		cart := goodClaims(t)
		cart.ResourceID, cart.RequestMethod, cart.RequestFingerprint = cart.OutTradeNo, "", ""
		post := goodClaims(t)
		post.RequestMethod, post.IdempotencyKey = "POST", "key-1"
		for name, c := range map[string]payment.ProofClaims{"request": goodClaims(t), "cart": cart, "unsafe request": post} {
			t.Run("PSD-PAY-A402-08 "+name+" "+string(alg), func(t *testing.T) {
				token, err := payment.SignProofClaims(s, c)
				if err != nil {
					t.Fatal(err)
				}
				if strings.ContainsAny(token, ".=") {
					t.Errorf("PSD-PAY-A402-21: %q", token)
				}
				u, err := payment.ParseProofClaims(token)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c, u.Claims, compareAmounts); diff != "" {
					t.Error(diff)
				}
				if err := u.Verify(s.Public()); err != nil {
					t.Error(err)
				}
				if err := u.Verify(pspKey(t).Public()); err == nil {
					t.Error("verified by another key")
				}
				if u.KeyID() != pspDID+"#k1" || u.SignerDID() != pspDID {
					t.Error(u.KeyID())
				}
			})
		}
	}
}

func TestProofClaimsRefused(t *testing.T) {
	inv, missing, conflict := protocol.CodeFieldInvalid, protocol.CodeFieldMissing, protocol.CodeClaimsConflict
	for _, c := range []struct {
		name   string
		change func(*payment.ProofClaims)
		code   protocol.Code
		field  string
	}{
		{"no resource", func(c *payment.ProofClaims) { c.ResourceID = "" }, missing, "resource_id"},
		{"no trade", func(c *payment.ProofClaims) { c.TradeNo = "" }, missing, "trade_no"},
		{"no key of the buyer", func(c *payment.ProofClaims) { c.Thumbprint = "" }, missing, "cnf.jkt"},
		{"short thumbprint", func(c *payment.ProofClaims) { c.Thumbprint = "AAAA" }, inv, "cnf.jkt"},
		{"another spelling of a thumbprint", func(c *payment.ProofClaims) { c.Thumbprint = strings.Repeat("A", 42) + "B" }, inv, "cnf.jkt"},
		{"the mandate's URN", func(c *payment.ProofClaims) { c.MethodID = "urn:act:payment:balance" }, inv, "method_id"},
		{"payer without DID", func(c *payment.ProofClaims) { c.Payer = "alice" }, inv, "payer"},
		{"nothing paid", func(c *payment.ProofClaims) { c.Amount = cny(t, "0") }, inv, "amount"},
		{"no amount", func(c *payment.ProofClaims) { c.Amount = money.Amount{} }, missing, "currency"},
		{"no life", func(c *payment.ProofClaims) { c.Expires = c.IssuedAt }, inv, "exp"},
		{"no end", func(c *payment.ProofClaims) { c.Expires = time.Time{} }, missing, "exp"},
		{"before 1970", func(c *payment.ProofClaims) { c.IssuedAt = time.Unix(-1, 0) }, inv, "iat"},
		{"method without fingerprint", func(c *payment.ProofClaims) { c.RequestFingerprint = "" }, missing, "request_fingerprint"},
		{"fingerprint without method", func(c *payment.ProofClaims) { c.RequestMethod = "" }, missing, "request_method"},
		{"POST without key", func(c *payment.ProofClaims) { c.RequestMethod = "POST" }, missing, "idempotency_key"},
		{"a cart with another resource", func(c *payment.ProofClaims) { c.RequestMethod, c.RequestFingerprint = "", "" }, conflict, "resource_id"},
		{"a cart with a key", func(c *payment.ProofClaims) {
			c.RequestMethod, c.RequestFingerprint, c.ResourceID, c.IdempotencyKey = "", "", c.OutTradeNo, "k"
		}, inv, "idempotency_key"},
		{"another signer", func(c *payment.ProofClaims) { c.PSPID = sellerDID }, conflict, "iss"},
	} {
		t.Run("PSD-PAY-A402-08 "+c.name, func(t *testing.T) {
			claims := goodClaims(t)
			c.change(&claims)
			token, err := payment.SignProofClaims(pspKey(t), claims)
			if token != "" {
				t.Error("a token with an error")
			}
			wantError(t, err, c.code, c.field)
		})
	}
}

// TestProofTokenKinds: a proof is a token of its own kind, by a key for proofs,
// of its issuer, within the limit.
func TestProofTokenKinds(t *testing.T) {
	if _, err := payment.SignProofClaims(sellerKey(t), goodClaims(t)); protocol.CodeOf(err) != protocol.CodeClaimsConflict {
		t.Error(err)
	}
	if _, err := payment.SignProofClaims(signer(t, pspDID, keys.Seller, keys.EdDSA), goodClaims(t)); protocol.CodeOf(err) != protocol.CodeKeyPurpose {
		t.Error(err)
	}
	if _, err := payment.ParseProofClaims(strings.Repeat("A", payment.MaxHeaderRead+1)); protocol.CodeOf(err) != protocol.CodeTooLarge {
		t.Error(err)
	}
	if _, err := payment.ParseProofClaims("ab=="); protocol.CodeOf(err) != protocol.CodeMalformed {
		t.Error(err)
	}
	good, err := payment.SignProofClaims(pspKey(t), goodClaims(t))
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := canon.DecodeBase64(good)
	u, err := keys.ParseCompact(raw, keys.TypePaymentProof)
	if err != nil {
		t.Fatal(err)
	}
	reissue := func(s *keys.Signer, typ string, payload []byte) error {
		token, err := keys.SignCompact(s, s.Purpose(), typ, payload)
		if err != nil {
			t.Fatal(err)
		}
		_, err = payment.ParseProofClaims(canon.EncodeBase64(token))
		return err
	}
	t.Run("PSD-PAY-A402-07 another kind of token", func(t *testing.T) {
		if err := reissue(pspKey(t), keys.TypeOrder, u.Payload); protocol.CodeOf(err) != protocol.CodeTypeMismatch {
			t.Error(err)
		}
	})
	t.Run("PSD-PAY-A402-08 a key of somebody else", func(t *testing.T) {
		wantError(t, reissue(sellerKey(t), keys.TypePaymentProof, u.Payload), protocol.CodeClaimsConflict, "header.kid")
	})
	t.Run("PSD-PAY-A402-07 an unknown claim", func(t *testing.T) {
		more := []byte(strings.Replace(string(u.Payload), "{", `{"admin":true,`, 1))
		wantError(t, reissue(pspKey(t), keys.TypePaymentProof, more), protocol.CodeFieldUnknown, "admin")
	})
}

func TestProofHeader(t *testing.T) {
	p := goodProof(t)
	h, err := p.EncodeHeader()
	if err != nil {
		t.Fatal(err)
	}
	u, err := payment.ParseProof(h)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, u.Proof); diff != "" {
		t.Error(diff)
	}
	c, err := u.Claims()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(goodClaims(t), c.Claims, compareAmounts); diff != "" {
		t.Error(diff)
	}

}

// TestOuterMembersAreTheClaims: every outer member must be the inner one
// (SPEC.md 6.2).
func TestOuterMembersAreTheClaims(t *testing.T) {
	p := goodProof(t)
	h, err := p.EncodeHeader()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []struct {
		field  string
		change func(*payment.Proof)
	}{
		{"protocol.method_id", func(p *payment.Proof) { p.MethodID = "act:payment/card" }},
		{"protocol.out_trade_no", func(p *payment.Proof) { p.OutTradeNo = "o-2" }},
		{"protocol.resource_id", func(p *payment.Proof) { p.ResourceID = "report-8" }},
		{"protocol.buyer_unique_id", func(p *payment.Proof) { p.BuyerID = sellerDID }},
		{"protocol.trade_no", func(p *payment.Proof) { p.TradeNo = "T2" }},
		{"protocol.request_method", func(p *payment.Proof) { p.RequestMethod = "HEAD" }},
		{"protocol.request_fingerprint", func(p *payment.Proof) { p.RequestFingerprint = canon.Sum(nil) }},
		{"protocol.idempotency_key", func(p *payment.Proof) { p.IdempotencyKey = "k" }},
		{"protocol.expires_at", func(p *payment.Proof) { p.ExpiresAt = p.ExpiresAt.Add(time.Second) }},
		{"method.psp_id", func(p *payment.Proof) { p.PSPID = sellerDID }},
	} {
		t.Run("PSD-PAY-A402-08 another "+d.field, func(t *testing.T) {
			q := p
			d.change(&q)
			h, err := q.EncodeHeader()
			if err != nil {
				t.Fatal(err)
			}
			u, err := payment.ParseProof(h)
			if err != nil {
				t.Fatal(err)
			}
			c, err := u.Claims()
			if c != nil {
				t.Error("claims with an error")
			}
			wantError(t, err, protocol.CodeClaimsConflict, d.field)
		})
	}
	t.Run("PSD-PAY-A402-08 the same moment with an offset", func(t *testing.T) {
		data, _ := canon.DecodeBase64(h)
		m := mutation{path: "protocol.expires_at", value: p.ExpiresAt.In(time.FixedZone("", 8*3600)).Format(time.RFC3339)}
		u, err := payment.ParseProof(encode(m.apply(t, data)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := u.Claims(); err != nil {
			t.Error(err)
		}
	})
	t.Run("PSD-PAY-A402-21 a proof of a cart has no header", func(t *testing.T) {
		c := goodClaims(t)
		c.ResourceID, c.RequestMethod, c.RequestFingerprint = c.OutTradeNo, "", ""
		token, err := payment.SignProofClaims(pspKey(t), c)
		if err != nil {
			t.Fatal(err)
		}
		u, err := payment.ParseProofClaims(token)
		if err != nil {
			t.Fatal(err)
		}
		_, err = u.Proof().EncodeHeader()
		wantError(t, err, protocol.CodeFieldMissing, "protocol.request_method")
	})
}

// TestProofProfile: what the official schema lets pass and SPEC.md 6.4 does
// not, in Payment-Proof and Payment-Validation.
func TestProofProfile(t *testing.T) {
	inv, missing := protocol.CodeFieldInvalid, protocol.CodeFieldMissing
	proof, err := goodProof(t).EncodeHeader()
	if err != nil {
		t.Fatal(err)
	}
	validation, err := goodValidation(t).EncodeHeader()
	if err != nil {
		t.Fatal(err)
	}
	both := []mutation{
		{"PSD-PAY-A402-17 another method", "protocol.method_id", "example:a402/test-pay", inv, ""},
		{"PSD-PAY-A402-17 another version", "protocol.method_version", "1.0.1", inv, ""},
		{"PSD-PAY-A402-21 order number with a space", "protocol.out_trade_no", "a b", inv, ""},
		{"PSD-PAY-A402-21 resource that is not ASCII", "protocol.resource_id", "报告", inv, ""},
		{"PSD-PAY-A402-21 trade with a line feed", "protocol.trade_no", "a\nb", inv, ""},
		{"PSD-PAY-A402-13 no psp", "method", map[string]any{"a": 1}, missing, "method.psp_id"},
		{"PSD-PAY-A402-13 a psp of another type", "method.psp_id", []any{pspDID}, inv, ""},
	}
	check := func(m mutation, parse func(string) (interface{ CheckProfile() error }, error), header string) {
		t.Run(m.name, func(t *testing.T) {
			u, err := parse(encode(m.apply(t, decode(t, header))))
			if err != nil {
				t.Fatalf("by the official schema: %v", err)
			}
			field := m.path
			if m.field != "" {
				field = m.field
			}
			wantError(t, u.CheckProfile(), m.code, field)
		})
	}
	for _, m := range append(both,
		mutation{"PSD-PAY-A402-21 a buyer without DID", "protocol.buyer_unique_id", "2088", inv, ""},
		mutation{"PSD-PAY-A402-21 a key with a space", "protocol.idempotency_key", "a b", inv, ""}) {
		check(m, func(h string) (interface{ CheckProfile() error }, error) { return payment.ParseProof(h) }, proof)
	}
	for _, m := range append(both,
		mutation{"PSD-PAY-A402-23 confirmed and not delivered", "protocol.delivery_status", "FAILED", inv, "protocol.fulfillment_status"}) {
		check(m, func(h string) (interface{ CheckProfile() error }, error) { return payment.ParseValidation(h) }, validation)
	}
	t.Run("PSD-PAY-A402-21 what is written is checked", func(t *testing.T) {
		p := goodProof(t)
		p.PSPID = ""
		_, err := p.EncodeHeader()
		wantError(t, err, missing, "method.psp_id")
		p = goodProof(t)
		p.PaymentProof = strings.Repeat("A", payment.MaxHeaderRead)
		_, err = p.EncodeHeader()
		wantError(t, err, protocol.CodeTooLarge, "")
		v := goodValidation(t)
		v.ValidatedAt = time.Time{}
		_, err = v.EncodeHeader()
		wantError(t, err, missing, "protocol.validated_at")
	})
}

// TestLongestProofCanBeSent: whatever bill may be paid, the proof of it fits
// into what is read. Otherwise money would move for nothing.
func TestLongestProofCanBeSent(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	b := goodBill(t)
	b.RequestMethod, b.BuyerID = "POST", ""
	b.OutTradeNo, b.ResourceID, b.IdempotencyKey = long(256), long(256), long(256)
	b.MethodID = "act:payment/" + long(128)
	if _, err := payment.SignBill(sellerKey(t), b); err != nil {
		t.Fatalf("not a bill that is allowed: %v", err)
	}
	c := goodClaims(t)
	c.RequestMethod, c.OutTradeNo, c.ResourceID, c.IdempotencyKey, c.MethodID = "POST", b.OutTradeNo, b.ResourceID, b.IdempotencyKey, b.MethodID
	c.TradeNo, c.ID = long(64), long(64)
	token, err := payment.SignProofClaims(pspKey(t), c)
	if err != nil {
		t.Fatal(err)
	}
	u, err := payment.ParseProofClaims(token)
	if err != nil {
		t.Fatal(err)
	}
	h, err := u.Proof().EncodeHeader()
	if err != nil {
		t.Fatalf("PSD-PAY-A402-06: paid, and the proof cannot be sent: %v", err)
	}
	if _, err := payment.ParseProof(h); err != nil {
		t.Error(err)
	}
	t.Logf("%d bytes", len(h))
}

func TestValidationHeader(t *testing.T) {
	v := goodValidation(t)
	h, err := v.EncodeHeader()
	if err != nil {
		t.Fatal(err)
	}
	u, err := payment.ParseValidation(h)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(v, u.Validation); diff != "" {
		t.Error(diff)
	}
	if err := u.CheckProfile(); err != nil {
		t.Error(err)
	}
	e := payment.A402ErrorFor(protocol.CodeProofUsed)
	for _, c := range []struct {
		name   string
		change func(*payment.Validation)
		field  string
	}{
		{"delivery without a valid proof", func(v *payment.Validation) {
			v.Status, v.Error, v.Fulfillment = payment.ValidationInvalid, &e, payment.FulfillmentNotConfirmed
		}, "protocol.delivery_status"},
		{"begun delivery without a known proof", func(v *payment.Validation) {
			v.Status, v.Error, v.Delivery, v.Fulfillment = payment.ValidationUnknown, &e, payment.DeliveryStarted, payment.FulfillmentUnknown
		}, "protocol.delivery_status"},
		{"confirmation without delivery", func(v *payment.Validation) {
			v.Delivery, v.Fulfillment = payment.DeliveryUnknown, payment.FulfillmentConfirmed
		}, "protocol.fulfillment_status"},
	} {
		t.Run("PSD-PAY-A402-23 "+c.name, func(t *testing.T) {
			w := v
			c.change(&w)
			_, err := w.EncodeHeader()
			wantError(t, err, protocol.CodeFieldInvalid, c.field)
		})
	}
	t.Run("PSD-PAY-A402-22 unknown delivery of a valid proof", func(t *testing.T) {
		w := v
		w.Delivery, w.Fulfillment, w.State = payment.DeliveryUnknown, payment.FulfillmentNotConfirmed, payment.StateWaitSellerFulfillment
		if _, err := w.EncodeHeader(); err != nil {
			t.Error(err)
		}
	})
}
