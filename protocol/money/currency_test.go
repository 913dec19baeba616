package money

import (
	"strings"
	"testing"

	"github.com/actprotocol/act-go/protocol"
)

func TestCurrencies(t *testing.T) {
	for code, exponent := range map[string]int{"CNY": 2, "EUR": 2, "USD": 2, "JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0,
		"BHD": 3, "KWD": 3, "TND": 3, "UYW": 4, "MGA": 2, "MRU": 2, "HUF": 2, "XOF": 0, "XCG": 2, "ZWG": 2, "SLE": 2, "VED": 2} {
		c, err := ParseCurrency(code)
		if err != nil || c.Exponent() != exponent || c.Code() != code || c.String() != code || c.IsZero() {
			t.Errorf("%s: %+v, %v", code, c, err)
		}
	}
	for what, codes := range map[string]string{
		"fund codes":           "BOV CHE CHW CLF COU MXV USN UYI",
		"without a minor unit": "XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX",
		"withdrawn":            "ANG BGN BYR CUC DEM FRF HRK LTL MRO SLL STD VEF ZWL",
		"not of ISO":           "RMB CNH BTC GBX USDT",
	} {
		for code := range strings.FieldsSeq(codes) {
			if c, err := ParseCurrency(code); protocol.CodeOf(err) != protocol.CodeFieldInvalid || !c.IsZero() {
				t.Errorf("%s, %s: %+v, %v", code, what, c, err)
			}
		}
	}
	for _, code := range []string{"", "cny", "Cny", "CN", "CNY ", " CNY", "CNYX", "156", "ＣＮＹ"} {
		if _, err := ParseCurrency(code); err == nil {
			t.Errorf("%q is accepted", code)
		}
	}
}

// The list of 1 January 2026 has 178 codes; eight are funds and thirteen have
// no minor unit.
func TestTableIsComplete(t *testing.T) {
	n := 0
	for _, list := range []string{decimals0, decimals2, decimals3, decimals4} {
		codes := strings.Fields(list)
		for i, code := range codes {
			if len(code) != 3 || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
				t.Errorf("code %q", code)
			}
			if i > 0 && codes[i-1] >= code {
				t.Errorf("%s after %s", code, codes[i-1])
			}
		}
		n += len(codes)
	}
	if n != 178-8-13 || len(currencies) != n {
		t.Errorf("%d codes, %d of them different", n, len(currencies))
	}
}

func TestZeroCurrency(t *testing.T) {
	var c Currency
	if !c.IsZero() || c.Code() != "" || c.String() != "" || c.Exponent() != 0 {
		t.Errorf("the zero value is %+v", c)
	}
}
