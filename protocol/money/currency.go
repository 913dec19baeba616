package money

import (
	"strings"

	"github.com/actprotocol/act-go/protocol"
)

// A Currency is a currency of ISO 4217 that has a minor unit. Currencies are
// compared with ==. The zero value is no currency.
type Currency struct {
	code     string
	exponent int
}

// The currencies of ISO 4217's list of current codes as published on 1 January
// 2026, by number of decimals. The list's fund codes (BOV, CHE, CHW, CLF, COU,
// MXV, USN, UYI) and its codes without a minor unit (metals, XDR, XSU, XUA, the
// bond market units, XTS, XXX) are left out: nobody pays with them.
const (
	decimals0 = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
	decimals2 = "AED AFN ALL AMD AOA ARS AUD AWG AZN " +
		"BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD " +
		"CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD " +
		"EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD " +
		"HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT " +
		"LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN " +
		"NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB " +
		"SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL " +
		"THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES " +
		"WST XAD XCD XCG YER ZAR ZMW ZWG"
	decimals3 = "BHD IQD JOD KWD LYD OMR TND"
	decimals4 = "UYW"
)

// currencies maps each code to its currency.
var currencies = func() map[string]Currency {
	m := map[string]Currency{}
	for exponent, list := range map[int]string{0: decimals0, 2: decimals2, 3: decimals3, 4: decimals4} {
		for code := range strings.FieldsSeq(list) {
			m[code] = Currency{code, exponent}
		}
	}
	return m
}()

// ParseCurrency returns the currency with a three-letter code in capitals. A
// code that ISO 4217 does not list, has withdrawn, or gives no minor unit is
// field_invalid.
func ParseCurrency(code string) (Currency, error) {
	c, ok := currencies[code]
	if !ok {
		return Currency{}, protocol.New(protocol.CodeFieldInvalid, "", "", "must be a current currency code of ISO 4217")
	}
	return c, nil
}

// Code returns the three letters, "" for the zero value.
func (c Currency) Code() string { return c.code }

// String is Code.
func (c Currency) String() string { return c.code }

// Exponent returns the number of decimals of the minor unit: 2 for CNY, 0 for
// JPY, 3 for BHD.
func (c Currency) Exponent() int { return c.exponent }

// IsZero reports whether c is no currency.
func (c Currency) IsZero() bool { return c.code == "" }
