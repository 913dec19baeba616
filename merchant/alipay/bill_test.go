package alipay_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/merchant/alipay"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/money"
)

// members reads a bill without the package under test.
func members(t testing.TB, header string) (out struct{ Protocol, Method map[string]string }) {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(header)
	must(t, err)
	must(t, json.Unmarshal(data, &out))
	return out
}

func TestSignBill(t *testing.T) {
	header, err := alipay.SignBill(appKey(), plainBill(t))
	must(t, err)
	m := members(t, header)
	for name, want := range map[string]string{
		"out_trade_no": "ORDER_1", "amount": "0.01", "currency": "CNY", "resource_id": "resource-1",
		"pay_before": "2026-07-22T12:00:00+08:00", "seller_sign_type": "RSA2", "seller_unique_id": "2088000000000009",
	} {
		if m.Protocol[name] != want {
			t.Errorf("protocol.%s is %q", name, m.Protocol[name])
		}
	}
	for name, want := range map[string]string{
		"seller_name": "a seller", "seller_id": "2088000000000009", "seller_app_id": appID, "goods_name": "ACT resource",
		"seller_unique_id_key": "seller_id", "service_id": "service-1",
	} {
		if m.Method[name] != want {
			t.Errorf("method.%s is %q", name, m.Method[name])
		}
	}
	if len(m.Protocol) != 8 || len(m.Method) != 6 {
		t.Errorf("%d and %d members", len(m.Protocol), len(m.Method))
	}
	t.Run("PSD-PAY-A402-01 the signature is over the published text", func(t *testing.T) {
		const text = "amount=0.01&currency=CNY&goods_name=ACT resource&out_trade_no=ORDER_1&pay_before=2026-07-22T12:00:00+08:00" +
			"&resource_id=resource-1&seller_id=2088000000000009&service_id=service-1"
		signature, err := base64.StdEncoding.DecodeString(m.Protocol["seller_signature"])
		must(t, err)
		digest := sha256.Sum256([]byte(text))
		must(t, rsa.VerifyPKCS1v15(&appKey().PublicKey, crypto.SHA256, digest[:], signature))
	})
	t.Run("PSD-PAY-A402-01 another key", func(t *testing.T) {
		u, err := alipay.ParseBill(header)
		must(t, err)
		_, err = u.Verify(&otherKey().PublicKey)
		wantCode(t, err, protocol.CodeSignatureInvalid)
		_, err = u.Verify(nil)
		wantCode(t, err, protocol.CodeFieldMissing)
	})
}

func TestBillRules(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*alipay.Bill)
		code   protocol.Code
	}{
		"no order":              {func(b *alipay.Bill) { b.OutTradeNo = "" }, protocol.CodeFieldMissing},
		"an order of 65":        {func(b *alipay.Bill) { b.OutTradeNo = strings.Repeat("a", 65) }, protocol.CodeFieldInvalid},
		"an order with a dot":   {func(b *alipay.Bill) { b.OutTradeNo = "a.b" }, protocol.CodeFieldInvalid},
		"for nothing":           {func(b *alipay.Bill) { b.Amount = price(t, "0.00") }, protocol.CodeFieldInvalid},
		"no amount":             {func(b *alipay.Bill) { b.Amount = money.Amount{} }, protocol.CodeFieldMissing},
		"dollars":               {func(b *alipay.Bill) { b.Amount = money.MustParse("1.00", "USD") }, protocol.CodeCurrencyMismatch},
		"no resource":           {func(b *alipay.Bill) { b.ResourceID = "" }, protocol.CodeFieldMissing},
		"a resource and a half": {func(b *alipay.Bill) { b.ResourceID = "r&seller_id=2" }, protocol.CodeFieldInvalid},
		"no seller":             {func(b *alipay.Bill) { b.SellerID = "" }, protocol.CodeFieldMissing},
		"goods and a half":      {func(b *alipay.Bill) { b.GoodsName = "g&out_trade_no=2" }, protocol.CodeFieldInvalid},
		"goods over two lines":  {func(b *alipay.Bill) { b.GoodsName = "g\nh" }, protocol.CodeFieldInvalid},
		"no service":            {func(b *alipay.Bill) { b.ServiceID = "" }, protocol.CodeFieldMissing},
	} {
		t.Run("PSD-PAY-A402-01 "+name, func(t *testing.T) {
			b := plainBill(t)
			c.change(&b)
			_, err := alipay.SignBill(appKey(), b)
			wantCode(t, err, c.code)
		})
	}
	t.Run("PSD-PAY-A402-03 a name that fills a header", func(t *testing.T) {
		b := plainBill(t)
		b.SellerName, b.GoodsName, b.ResourceID, b.ServiceID = strings.Repeat("名", 256), strings.Repeat("货", 256), strings.Repeat("r", 256), strings.Repeat("s", 256)
		_, err := alipay.SignBill(appKey(), b)
		wantCode(t, err, protocol.CodeTooLarge)
	})
}

// TestTamperedBill changes one member of a signed bill after another.
func TestTamperedBill(t *testing.T) {
	header, err := alipay.SignBill(appKey(), plainBill(t))
	must(t, err)
	data := string(decode(t, header))
	for name, c := range map[string]struct {
		old, new string
		code     protocol.Code // "" when the change is not under the signature
	}{
		"amount":             {`"0.01"`, `"0.02"`, protocol.CodeSignatureInvalid},
		"amount, respelt":    {`"0.01"`, `"0.010"`, protocol.CodeFieldInvalid},
		"currency":           {`"CNY"`, `"USD"`, protocol.CodeCurrencyMismatch},
		"order":              {`ORDER_1`, `ORDER_2`, protocol.CodeSignatureInvalid},
		"goods":              {`ACT resource`, `act resource`, protocol.CodeSignatureInvalid},
		"time":               {`12:00:00+08:00`, `12:00:01+08:00`, protocol.CodeSignatureInvalid},
		"time, respelt":      {`12:00:00+08:00`, `04:00:00Z`, protocol.CodeSignatureInvalid},
		"service":            {`service-1`, `service-2`, protocol.CodeSignatureInvalid},
		"one seller":         {`"seller_unique_id":"2088000000000009"`, `"seller_unique_id":"2088000000000008"`, protocol.CodeClaimsConflict},
		"both sellers":       {`2088000000000009`, `2088000000000008`, protocol.CodeSignatureInvalid},
		"algorithm":          {`"RSA2"`, `"RSA"`, protocol.CodeAlgorithmRefused},
		"a member twice":     {`"amount":"0.01"`, `"amount":"0.01","amount":"0.01"`, protocol.CodeMalformed},
		"a null":             {`"a seller"`, `null`, protocol.CodeFieldInvalid},
		"no method":          {`"method":`, `"m":`, protocol.CodeFieldMissing},
		"a further member":   {`"method":{`, `"method":{"new":1,`, ""},
		"the seller's name":  {`a seller`, `b seller`, ""},
		"another kind of id": {`"seller_unique_id_key":"seller_id"`, `"seller_unique_id_key":"app_id"`, protocol.CodeFieldInvalid},
	} {
		t.Run("PSD-PAY-A402-01 "+name, func(t *testing.T) {
			changed := strings.ReplaceAll(data, c.old, c.new)
			if changed == data {
				t.Fatal("nothing changed")
			}
			u, err := alipay.ParseBill(canon.EncodeBase64([]byte(changed)))
			if err == nil {
				_, err = u.Verify(&appKey().PublicKey)
			}
			wantCode(t, err, c.code)
		})
	}
}

// TestBillRoundTrip holds that what is signed is read as it was meant.
func TestBillRoundTrip(t *testing.T) {
	cny := money.MustParse("0.00", "CNY").Currency()
	rapid.Check(t, func(r *rapid.T) {
		amount, err := money.FromMinor(rapid.Int64Range(1, 1<<62).Draw(r, "amount"), cny)
		if err != nil {
			r.Fatal(err)
		}
		b := alipay.Bill{
			OutTradeNo: rapid.StringMatching(`[A-Za-z0-9_-]{1,64}`).Draw(r, "order"), Amount: amount,
			ResourceID: rapid.StringMatching(`[!-%'-~]{1,64}`).Draw(r, "resource"),
			PayBefore:  time.Unix(rapid.Int64Range(0, 4e9).Draw(r, "time"), 0).UTC(),
			SellerID:   rapid.StringMatching(`2088[0-9]{12}`).Draw(r, "seller"), SellerName: rapid.StringMatching(`[a-z=&名 ]{0,20}x`).Draw(r, "name"),
			AppID: rapid.StringMatching(`[0-9]{1,32}`).Draw(r, "app"), GoodsName: rapid.StringMatching(`[a-z=名 ]{0,20}x`).Draw(r, "goods"),
			ServiceID: rapid.StringMatching(`[A-Z_0-9]{1,32}`).Draw(r, "service"),
		}
		header, err := alipay.SignBill(appKey(), b)
		if err != nil {
			r.Fatal(err)
		}
		u, err := alipay.ParseBill(header)
		if err != nil {
			r.Fatal(err)
		}
		got, err := u.Verify(&appKey().PublicKey)
		if err != nil || got != b {
			r.Fatalf("%v\n%+v\n%+v", err, got, b)
		}
	})
}
