package money

import (
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"strings"

	"github.com/actprotocol/act-go/internal/decimal"
	"github.com/actprotocol/act-go/protocol"
)

// numberDecimals is how many decimals a JSON number may have, whatever its
// currency allows (ADD-INT-ICS-09).
const numberDecimals = 2

// An Amount is 0 to 2^63-1 minor units of a currency. Amounts of one currency
// are equal exactly when they are equal by ==. The zero value is no amount:
// arithmetic and comparison with it fail.
type Amount struct {
	minor    int64
	currency Currency
}

// Zero returns no money in a currency. Of no currency it is the zero Amount.
func Zero(c Currency) Amount { return Amount{currency: c} }

// FromMinor returns a number of minor units, for example 1800 for 18.00 CNY.
func FromMinor(minor int64, c Currency) (Amount, error) {
	switch {
	case c.IsZero():
		return Amount{}, invalid("an amount needs a currency")
	case minor < 0:
		return Amount{}, invalid("must not be negative")
	}
	return Amount{minor, c}, nil
}

// Parse reads the decimal string of a message: digits without sign, exponent
// or leading zeros, a point and at most as many decimals as the currency has.
// Trailing zeros count: "100.0" is no amount of JPY.
func Parse(s string, c Currency) (Amount, error) {
	for i := range len(s) {
		if s[i] != '.' && (s[i] < '0' || s[i] > '9') {
			return Amount{}, invalid("must be a decimal string")
		}
	}
	if point := strings.IndexByte(s, '.'); point >= 0 && len(s)-point-1 > c.Exponent() {
		return Amount{}, invalid("has more decimals than its currency")
	}
	n, ok := decimal.Parse(s)
	if !ok {
		return Amount{}, invalid("must be a decimal string within 2^63-1 minor units")
	}
	return fromNumber(n, c, c.Exponent())
}

// MustParse is [Parse] for a constant of a program, a price list or a test:
//
//	price := money.MustParse("1.50", "CNY")
//
// It panics when there is no such amount or currency. Never give it input.
func MustParse(decimal, currency string) Amount {
	c, err := ParseCurrency(currency)
	if err != nil {
		panic(err)
	}
	a, err := Parse(decimal, c)
	if err != nil {
		panic(err)
	}
	return a
}

// ParseNumber reads a JSON number exactly from its literal. The value counts,
// not the spelling, since both have one canonical form: 18, 18.000 and 1.8e1
// are the same amount. It must not be negative and has at most two decimals and
// at most those of its currency (ADD-INT-ICS-09).
func ParseNumber(literal string, c Currency) (Amount, error) {
	n, ok := decimal.Parse(literal)
	if !ok {
		return Amount{}, invalid("must be a JSON number within 2^63-1 minor units")
	}
	return fromNumber(n, c, min(numberDecimals, c.Exponent()))
}

func fromNumber(n decimal.Number, c Currency, decimals int) (Amount, error) {
	switch {
	case c.IsZero():
		return Amount{}, invalid("an amount needs a currency")
	case n.Negative:
		return Amount{}, invalid("must not be negative")
	case n.Exponent < -decimals:
		return Amount{}, invalid("has more decimals than allowed")
	case n.Exponent > 18:
		return Amount{}, invalid("must be within 2^63-1 minor units")
	}
	minor := n.Coefficient
	for range n.Exponent + c.Exponent() {
		hi, lo := bits.Mul64(minor, 10)
		if hi != 0 {
			return Amount{}, invalid("must be within 2^63-1 minor units")
		}
		minor = lo
	}
	if minor > math.MaxInt64 {
		return Amount{}, invalid("must be within 2^63-1 minor units")
	}
	return Amount{int64(minor), c}, nil
}

// Minor returns the number of minor units.
func (a Amount) Minor() int64 { return a.minor }

// Currency returns the currency.
func (a Amount) Currency() Currency { return a.currency }

// IsZero reports whether a is no money: zero minor units of any currency, or
// the zero value. See Valid.
func (a Amount) IsZero() bool { return a.minor == 0 }

// Valid reports whether a is an amount, that is, has a currency.
func (a Amount) Valid() bool { return !a.currency.IsZero() }

// String returns the form of messages, with exactly as many decimals as the
// currency has and without the currency: "18.00". The zero value gives "".
func (a Amount) String() string {
	if !a.Valid() {
		return ""
	}
	s := strconv.FormatInt(a.minor, 10)
	e := a.currency.Exponent()
	if e == 0 {
		return s
	}
	if len(s) <= e {
		s = strings.Repeat("0", e+1-len(s)) + s
	}
	return s[:len(s)-e] + "." + s[len(s)-e:]
}

// Number returns a JSON number literal in the shortest plain form: "18",
// "18.5". It is in the canonical form of RFC 8785, except that an amount with
// more than 15 significant digits may have none, in which case canon refuses
// it. Amounts with more than two decimals are no numbers for [ParseNumber].
func (a Amount) Number() string {
	s := a.String()
	if strings.IndexByte(s, '.') >= 0 {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// Add returns a+b. The currencies must be equal (currency_mismatch) and the sum
// must fit (field_invalid).
func (a Amount) Add(b Amount) (Amount, error) {
	if err := a.comparable(b); err != nil {
		return Amount{}, err
	}
	if a.minor > math.MaxInt64-b.minor {
		return Amount{}, invalid("must be within 2^63-1 minor units")
	}
	return Amount{a.minor + b.minor, a.currency}, nil
}

// Sub returns a-b. The currencies must be equal (currency_mismatch) and b must
// not be more than a (field_invalid).
func (a Amount) Sub(b Amount) (Amount, error) {
	if err := a.comparable(b); err != nil {
		return Amount{}, err
	}
	if a.minor < b.minor {
		return Amount{}, invalid("must not be negative")
	}
	return Amount{a.minor - b.minor, a.currency}, nil
}

// Mul returns n times a, for a quantity n that is not negative.
func (a Amount) Mul(n int64) (Amount, error) {
	if !a.Valid() {
		return Amount{}, invalid("an amount needs a currency")
	}
	if n < 0 {
		return Amount{}, invalid("must not be negative")
	}
	hi, lo := bits.Mul64(uint64(a.minor), uint64(n))
	if hi != 0 || lo > math.MaxInt64 {
		return Amount{}, invalid("must be within 2^63-1 minor units")
	}
	return Amount{int64(lo), a.currency}, nil
}

// Cmp returns -1, 0 or 1 as a is less than, equal to or more than b. Different
// currencies cannot be compared (currency_mismatch).
func (a Amount) Cmp(b Amount) (int, error) {
	if err := a.comparable(b); err != nil {
		return 0, err
	}
	switch {
	case a.minor < b.minor:
		return -1, nil
	case a.minor > b.minor:
		return 1, nil
	}
	return 0, nil
}

// Within reports whether a differs from base by at most percent hundredths of
// base, up or down, by exact arithmetic: |a-base|*100 <= percent*base. Percent
// is a JSON number literal that is not negative. Of a base of zero only zero is
// within.
func (a Amount) Within(base Amount, percent string) (bool, error) {
	if err := a.comparable(base); err != nil {
		return false, err
	}
	p, ok := decimal.Parse(percent)
	if !ok || p.Negative {
		return false, invalid("must be a percentage that is not negative")
	}
	difference := a.minor - base.minor // both are in [0, 2^63), no overflow
	if difference < 0 {
		difference = -difference
	}
	// Exponents so far out decide by themselves; with the others the numbers
	// stay below 2^256.
	const far = 40
	switch {
	case difference == 0:
		return true, nil
	case base.minor == 0 || p.Coefficient == 0 || p.Exponent < -far:
		return false, nil
	case p.Exponent > far:
		return true, nil
	}
	left := new(big.Int).Mul(big.NewInt(difference), big.NewInt(100))
	right := new(big.Int).Mul(new(big.Int).SetUint64(p.Coefficient), big.NewInt(base.minor))
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(p.Exponent, -p.Exponent))), nil)
	if p.Exponent < 0 {
		left.Mul(left, scale)
	} else {
		right.Mul(right, scale)
	}
	return left.Cmp(right) <= 0, nil
}

func (a Amount) comparable(b Amount) error {
	switch {
	case !a.Valid() || !b.Valid():
		return invalid("an amount needs a currency")
	case a.currency != b.currency:
		return protocol.New(protocol.CodeCurrencyMismatch, "", "", "amounts of two currencies")
	}
	return nil
}

func invalid(detail string) error {
	return protocol.New(protocol.CodeFieldInvalid, "", "", detail)
}
