package payment_test

import (
	"encoding/json"
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

// compareAmounts lets cmp compare what it cannot look into.
var compareAmounts = cmp.Comparer(func(a, b money.Amount) bool { return a == b })

func TestBillRoundTrip(t *testing.T) {
	for _, alg := range []keys.Algorithm{keys.EdDSA, keys.ES256} {
		t.Run("PSD-PAY-A402-20 "+string(alg), func(t *testing.T) {
			s := signer(t, sellerDID, keys.Seller, alg)
			for _, change := range []func(*payment.Bill){
				func(*payment.Bill) {},
				func(b *payment.Bill) { b.BuyerID = "" },
				func(b *payment.Bill) { b.RequestMethod, b.IdempotencyKey = "POST", "key-1" },
				func(b *payment.Bill) { b.Amount = amount(t, "120", "JPY") },
				func(b *payment.Bill) {
					b.Confirmation = &payment.CommerceConfirmation{ID: "确认-1", Digest: canon.Sum(nil), URI: "https://shop.example/c/1"}
				},
				func(b *payment.Bill) { b.ReplayWindow = payment.MaxReplayWindow },
			} {
				b := goodBill(t)
				change(&b)
				h, err := payment.SignBill(s, b)
				if err != nil {
					t.Fatal(err)
				}
				if len(h) > payment.MaxHeaderWritten || strings.ContainsAny(h, "=+/.\n") {
					t.Errorf("PSD-PAY-A402-03: %q", h)
				}
				u, err := payment.ParseBill(h)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(b, u.Bill, compareAmounts); diff != "" {
					t.Error(diff)
				}
				if err := u.Verify(s.Public()); err != nil {
					t.Error(err)
				}
				if u.Header() != h || u.KeyID() != sellerDID+"#k1" || u.SignerDID() != sellerDID {
					t.Error(u.KeyID(), u.SignerDID())
				}
			}
		})
	}
}

// TestBillSignatureCoversEverything changes each member of a signed bill to
// another valid value.
func TestBillSignatureCoversEverything(t *testing.T) {
	s := sellerKey(t)
	b := goodBill(t)
	b.RequestMethod, b.IdempotencyKey = "POST", "key-1"
	b.Confirmation = &payment.CommerceConfirmation{ID: "c", Digest: canon.Sum(nil), URI: "https://shop.example/c"}
	h, err := payment.SignBill(s, b)
	if err != nil {
		t.Fatal(err)
	}
	data, err := canon.DecodeBase64(h)
	if err != nil {
		t.Fatal(err)
	}
	changes := []mutation{
		{path: "protocol.method_id", value: "act:payment/card"},
		{path: "protocol.out_trade_no", value: "other"},
		{path: "protocol.amount", value: "0.08"},
		{path: "protocol.amount", value: "0.8"}, // equal in value, other bytes
		{path: "protocol.currency", value: "USD"},
		{path: "protocol.resource_id", value: "report-8"},
		{path: "protocol.pay_before", value: "2027-03-02T09:40:00Z"},
		{path: "protocol.pay_before", value: "2026-03-02T17:40:00+08:00"}, // the same moment
		{path: "protocol.buyer_unique_id", value: "did:act:platform.example/another-agent"},
		{path: "protocol.buyer_unique_id"},
		{path: "protocol.request_method", value: "PUT"},
		{path: "protocol.request_fingerprint", value: string(canon.Sum([]byte("x")))},
		{path: "protocol.idempotency_key", value: "key-2"},
		{path: "protocol.replay_window_seconds", value: 7},
		{path: "protocol.commerce_confirmation.confirmation_id", value: "d"},
		{path: "protocol.commerce_confirmation"},
		{path: "protocol.signer_id", value: sellerDID + "#k2"},
		{path: "method.psp_id", value: "did:act:evil.example/psp"},
		{path: "method.endpoint", value: "https://evil.example/act"},
		{path: "method.category", value: "food"},
		{path: "method.more", value: "x"},
	}
	for _, m := range changes {
		t.Run("PSD-PAY-A402-20 "+m.path, func(t *testing.T) {
			u, err := payment.ParseBill(encode(m.apply(t, data)))
			if err != nil {
				t.Fatal(err)
			}
			wantError(t, u.Verify(s.Public()), protocol.CodeSignatureInvalid, "protocol.signature_content")
		})
	}
	t.Run("another spelling of the same JSON verifies", func(t *testing.T) {
		spaced, err := json.MarshalIndent(object(t, data), " ", "\t")
		if err != nil {
			t.Fatal(err)
		}
		u, err := payment.ParseBill(encode(spaced))
		if err != nil {
			t.Fatal(err)
		}
		if err := u.Verify(s.Public()); err != nil {
			t.Error(err)
		}
	})
}

func TestBillSignatureRefused(t *testing.T) {
	s := sellerKey(t)
	h, err := payment.SignBill(s, goodBill(t))
	if err != nil {
		t.Fatal(err)
	}
	data, _ := canon.DecodeBase64(h)
	verify := func(t *testing.T, m mutation, key keys.PublicKey) error {
		u, err := payment.ParseBill(encode(m.apply(t, data)))
		if err != nil {
			t.Fatal(err)
		}
		return u.Verify(key)
	}
	t.Run("another key", func(t *testing.T) {
		wantError(t, verify(t, mutation{path: "protocol.x"}, sellerKey(t).Public()), protocol.CodeSignatureInvalid, "protocol.signature_content")
	})
	t.Run("no key", func(t *testing.T) {
		wantError(t, verify(t, mutation{path: "protocol.x"}, keys.PublicKey{}), protocol.CodeAlgorithmRefused, "protocol.signature_type")
	})
	t.Run("a key of another algorithm", func(t *testing.T) {
		key := signer(t, sellerDID, keys.Seller, keys.ES256).Public()
		wantError(t, verify(t, mutation{path: "protocol.x"}, key), protocol.CodeAlgorithmRefused, "protocol.signature_type")
	})
	t.Run("a header that names another algorithm", func(t *testing.T) {
		wantError(t, verify(t, mutation{path: "protocol.signature_type", value: "ES256"}, s.Public()), protocol.CodeAlgorithmRefused, "protocol.signature_type")
		for _, alg := range []string{"NONE", "HS256", "RSA2"} {
			wantError(t, verify(t, mutation{path: "protocol.signature_type", value: alg}, s.Public()), protocol.CodeAlgorithmRefused, "protocol.signature_type")
		}
	})
	t.Run("a key of another party", func(t *testing.T) {
		wantError(t, verify(t, mutation{path: "protocol.signer_id", value: agentDID + "#k1"}, s.Public()), protocol.CodeClaimsConflict, "protocol.signer_id")
	})
	t.Run("a second spelling of the signature", func(t *testing.T) {
		signature := object(t, data)["protocol"].(map[string]any)["signature_content"].(string)
		// 64 bytes leave four unused bits in the last character: A and Q have
		// them zero, every other is refused.
		bad := signature[:85] + "B"
		wantError(t, verify(t, mutation{path: "protocol.signature_content", value: bad}, s.Public()), protocol.CodeMalformed, "protocol.signature_content")
	})
	t.Run("a signature of another kind of message", func(t *testing.T) {
		root := object(t, data)
		delete(root["protocol"].(map[string]any), "signature_content")
		canonical, err := canon.Canonicalize(marshal(t, root))
		if err != nil {
			t.Fatal(err)
		}
		for _, bytes := range [][]byte{canonical, keys.Message(keys.KindCartRequest, canonical)} {
			signature, err := s.Sign(keys.Seller, bytes)
			if err != nil {
				t.Fatal(err)
			}
			m := mutation{path: "protocol.signature_content", value: canon.EncodeBase64(signature)}
			wantError(t, verify(t, m, s.Public()), protocol.CodeSignatureInvalid, "protocol.signature_content")
		}
	})
}

// TestBillProfile: what the official schema lets pass and SPEC.md 6.4 does not.
func TestBillProfile(t *testing.T) {
	s := sellerKey(t)
	h, err := payment.SignBill(s, goodBill(t))
	if err != nil {
		t.Fatal(err)
	}
	data, _ := canon.DecodeBase64(h)
	inv, missing := protocol.CodeFieldInvalid, protocol.CodeFieldMissing
	for _, m := range []mutation{
		{"PSD-PAY-A402-17 another method", "protocol.method_id", "example:a402/test-pay", inv, ""},
		{"PSD-PAY-A402-17 another version", "protocol.method_version", "2.0.0", inv, ""},
		{"PSD-PAY-A402-20 id with a space", "protocol.out_trade_no", "a b", inv, ""},
		{"PSD-PAY-A402-20 id that is not ASCII", "protocol.resource_id", "报告", inv, ""},
		{"PSD-PAY-A402-20 seller without DID", "protocol.seller_unique_id", "2088", inv, ""},
		{"PSD-PAY-A402-20 buyer without DID", "protocol.buyer_unique_id", "2088", inv, ""},
		{"PSD-PAY-A402-20 key id without DID URL", "protocol.signer_id", "key-1", inv, ""},
		{"PSD-PAY-A402-20 nothing to pay", "protocol.amount", "0.00", inv, ""},
		{"PSD-PAY-A402-13 no psp", "method.psp_id", nil, missing, ""},
		{"PSD-PAY-A402-13 a psp that is a number", "method.psp_id", 7, inv, ""},
		{"PSD-PAY-A402-13 a psp without DID", "method.psp_id", "psp", inv, ""},
		{"PSD-PAY-A402-17 no endpoint", "method.endpoint", nil, missing, ""},
		{"PSD-PAY-A402-17 a file as endpoint", "method.endpoint", "file:///etc/passwd", inv, ""},
		{"PSD-PAY-A402-17 an endpoint with a password", "method.endpoint", "https://a:b@pay.example/", inv, ""},
		{"PSD-PAY-A402-20 no category", "method.category", nil, missing, ""},
		{"PSD-PAY-A402-20 an empty segment", "method.category", "food//coffee", inv, ""},
	} {
		t.Run(m.name, func(t *testing.T) {
			u, err := payment.ParseBill(encode(m.apply(t, data)))
			if err != nil {
				t.Fatalf("by the official schema: %v", err)
			}
			wantError(t, u.CheckProfile(), m.code, m.path)
			wantError(t, u.Verify(s.Public()), m.code, m.path)
		})
	}
	t.Run("PSD-PAY-A402-03 too long to be paid", func(t *testing.T) {
		m := mutation{path: "method.padding", value: strings.Repeat("x", payment.MaxHeaderWritten)}
		u, err := payment.ParseBill(encode(m.apply(t, data)))
		if err != nil {
			t.Fatal(err)
		}
		wantError(t, u.CheckProfile(), protocol.CodeTooLarge, "")
	})
}

func TestSignBillRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*payment.Bill)
		code   protocol.Code
		field  string
	}{
		{"no amount", func(b *payment.Bill) { b.Amount = money.Amount{} }, protocol.CodeFieldMissing, "protocol.currency"},
		{"no end", func(b *payment.Bill) { b.PayBefore = time.Time{} }, protocol.CodeFieldMissing, "protocol.pay_before"},
		{"no fingerprint", func(b *payment.Bill) { b.RequestFingerprint = "" }, protocol.CodeFieldMissing, "protocol.request_fingerprint"},
		{"SM3 fingerprint", func(b *payment.Bill) { b.RequestFingerprint = "sm3:" + b.RequestFingerprint[8:] }, protocol.CodeFieldInvalid, "protocol.request_fingerprint"},
		{"POST without a key", func(b *payment.Bill) { b.RequestMethod = "POST" }, protocol.CodeFieldMissing, "protocol.idempotency_key"},
		{"another seller", func(b *payment.Bill) { b.SellerID = pspDID }, protocol.CodeClaimsConflict, "protocol.seller_unique_id"},
		{"no category", func(b *payment.Bill) { b.Category = "" }, protocol.CodeFieldMissing, "method.category"},
		{"window of less than a second", func(b *payment.Bill) { b.ReplayWindow = time.Millisecond }, protocol.CodeFieldMissing, "protocol.replay_window_seconds"},
		{"too long", func(b *payment.Bill) {
			b.Confirmation = &payment.CommerceConfirmation{ID: strings.Repeat("界", 256), Digest: canon.Sum(nil), URI: "https://a/" + strings.Repeat("b", 2000)}
		}, protocol.CodeTooLarge, ""},
	} {
		t.Run("PSD-PAY-A402-20 "+c.name, func(t *testing.T) {
			b := goodBill(t)
			c.change(&b)
			h, err := payment.SignBill(sellerKey(t), b)
			if h != "" {
				t.Error("a header with an error")
			}
			wantError(t, err, c.code, c.field)
		})
	}
	t.Run("a key for something else", func(t *testing.T) {
		_, err := payment.SignBill(signer(t, sellerDID, keys.Proof, keys.EdDSA), goodBill(t))
		if protocol.CodeOf(err) != protocol.CodeKeyPurpose {
			t.Error(err)
		}
	})
}
