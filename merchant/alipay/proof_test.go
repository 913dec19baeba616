package alipay_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/merchant/alipay"
	"github.com/actprotocol/act-go/protocol"
)

func TestParseProof(t *testing.T) {
	const data = `{"protocol":{"payment_proof":"p~?~?>>","trade_no":"2026072200000001"},"method":{"client_session":"s"}}`
	want := alipay.Proof{PaymentProof: "p~?~?>>", TradeNo: "2026072200000001", ClientSession: "s"}
	for name, header := range map[string]string{
		"as the product writes it": base64.StdEncoding.EncodeToString([]byte(data)),
		"without padding":          base64.RawStdEncoding.EncodeToString([]byte(data)),
		"base64url":                base64.RawURLEncoding.EncodeToString([]byte(data)),
		"base64url with padding":   base64.URLEncoding.EncodeToString([]byte(data)),
		"with members of its own":  encoded(strings.Replace(data, `"method":{`, `"x":1,"method":{"y":[],`, 1)),
	} {
		t.Run("PSD-PAY-A402-07 "+name, func(t *testing.T) {
			if got := parse(t, header); got != want {
				t.Fatal("another proof")
			}
		})
	}
	t.Run("PSD-PAY-A402-07 without a session", func(t *testing.T) {
		for _, text := range []string{
			`{"protocol":{"payment_proof":"p","trade_no":"1"},"method":{}}`, `{"protocol":{"payment_proof":"p","trade_no":"1"}}`,
		} {
			if got := parse(t, encoded(text)); got != (alipay.Proof{PaymentProof: "p", TradeNo: "1"}) {
				t.Fatal("another proof")
			}
		}
	})
	std := base64.StdEncoding.EncodeToString([]byte(data))
	for name, c := range map[string]struct {
		header string
		code   protocol.Code
	}{
		"both alphabets":        {strings.Replace(std, "/", "_", 1), protocol.CodeMalformed},
		"a line feed":           {std[:8] + "\n" + std[8:], protocol.CodeMalformed},
		"unused bits":           {"e30B=", protocol.CodeMalformed},
		"a non-canonical tail":  {"e31=", protocol.CodeMalformed},
		"no base64":             {"{}", protocol.CodeMalformed},
		"too long":              {strings.Repeat("A", 9000), protocol.CodeTooLarge},
		"no JSON":               {encoded("proof"), protocol.CodeMalformed},
		"an array":              {encoded("[]"), protocol.CodeFieldInvalid},
		"nothing":               {encoded("{}"), protocol.CodeFieldMissing},
		"no proof":              {encoded(`{"protocol":{"trade_no":"1"}}`), protocol.CodeFieldMissing},
		"an empty proof":        {encoded(`{"protocol":{"payment_proof":"","trade_no":"1"}}`), protocol.CodeFieldMissing},
		"no trade":              {encoded(`{"protocol":{"payment_proof":"p"}}`), protocol.CodeFieldMissing},
		"a trade in numbers":    {encoded(`{"protocol":{"payment_proof":"p","trade_no":1}}`), protocol.CodeFieldInvalid},
		"a trade with a space":  {encoded(`{"protocol":{"payment_proof":"p","trade_no":"1 2"}}`), protocol.CodeFieldInvalid},
		"a trade over 64":       {encoded(`{"protocol":{"payment_proof":"p","trade_no":"` + strings.Repeat("1", 65) + `"}}`), protocol.CodeFieldInvalid},
		"a proof over 4096":     {encoded(`{"protocol":{"payment_proof":"` + strings.Repeat("1", 4097) + `","trade_no":"1"}}`), protocol.CodeFieldInvalid},
		"a proof twice":         {encoded(`{"protocol":{"payment_proof":"p","payment_proof":"q","trade_no":"1"}}`), protocol.CodeMalformed},
		"an empty session":      {encoded(`{"protocol":{"payment_proof":"p","trade_no":"1"},"method":{"client_session":""}}`), protocol.CodeFieldMissing},
		"a session that breaks": {encoded(`{"protocol":{"payment_proof":"p","trade_no":"1"},"method":{"client_session":"a\u0000"}}`), protocol.CodeFieldInvalid},
		"a lone surrogate":      {encoded(`{"protocol":{"payment_proof":"\ud800","trade_no":"1"}}`), protocol.CodeMalformed},
		"a null":                {encoded(`{"protocol":null}`), protocol.CodeFieldInvalid},
	} {
		t.Run("PSD-PAY-A402-07 "+name, func(t *testing.T) {
			_, err := alipay.ParseProof(c.header)
			wantCode(t, err, c.code)
		})
	}
}

func TestEncodeProof(t *testing.T) {
	want := alipay.Proof{PaymentProof: "abc", TradeNo: "1", ClientSession: "s"}
	header, err := want.EncodeHeader()
	must(t, err)
	if _, err := base64.StdEncoding.Strict().DecodeString(header); err != nil || parse(t, header) != want {
		t.Fatalf("%v", err)
	}
	_, err = alipay.Proof{TradeNo: "1"}.EncodeHeader()
	wantCode(t, err, protocol.CodeFieldMissing)
}
