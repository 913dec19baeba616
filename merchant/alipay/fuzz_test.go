package alipay_test

import (
	"crypto/x509"
	"testing"

	"github.com/actprotocol/act-go/merchant/alipay"
)

// FuzzParseBill holds that what is read as a bill can be signed anew and is
// then the same bill.
func FuzzParseBill(f *testing.F) {
	if header, err := alipay.SignBill(appKey(), plainBill(f)); err == nil {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		u, err := alipay.ParseBill(header)
		if err != nil {
			return
		}
		if _, err := u.Verify(&otherKey().PublicKey); err == nil {
			t.Fatal("a bill by a key that signs nothing")
		}
		b := u.Bill
		b.PayBefore = b.PayBefore.Truncate(1e9)
		if again, err := alipay.SignBill(appKey(), b); err == nil {
			v, err := alipay.ParseBill(again)
			if err != nil || v.Bill != b {
				t.Fatalf("%v", err)
			}
		}
	})
}

// FuzzParseProof holds that what is read as a proof is written as the same.
func FuzzParseProof(f *testing.F) {
	f.Add(encoded(`{"protocol":{"payment_proof":"p","trade_no":"1"},"method":{"client_session":"s"}}`))
	f.Fuzz(func(t *testing.T, header string) {
		p, err := alipay.ParseProof(header)
		if err != nil {
			return
		}
		again, err := p.EncodeHeader()
		if err != nil { // longer than it was, because JSON escapes were short
			return
		}
		if q, err := alipay.ParseProof(again); err != nil || q != p {
			t.Fatalf("%v", err)
		}
	})
}

// FuzzParsePrivateKey holds that only keys that can sign come out.
func FuzzParsePrivateKey(f *testing.F) {
	f.Add([]byte(block("PRIVATE KEY", pkcs8(f, appKey()))))
	f.Add(x509.MarshalPKCS1PrivateKey(appKey()))
	f.Fuzz(func(t *testing.T, text []byte) {
		if key, err := alipay.ParsePrivateKey(text); err == nil {
			if err := key.Validate(); err != nil || key.N.BitLen() < 2048 {
				t.Fatalf("%v", err)
			}
		}
	})
}

// FuzzParsePublicKey holds that only keys long enough come out.
func FuzzParsePublicKey(f *testing.F) {
	f.Add([]byte(block("PUBLIC KEY", pkix(f, &appKey().PublicKey))))
	f.Fuzz(func(t *testing.T, text []byte) {
		if key, err := alipay.ParsePublicKey(text); err == nil && (key.N.BitLen() < 2048 || key.E < 2) {
			t.Fatal("a weak key")
		}
	})
}
