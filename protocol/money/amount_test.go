package money_test

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/money"
)

func currency(t testing.TB, code string) money.Currency {
	t.Helper()
	c, err := money.ParseCurrency(code)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func minor(t testing.TB, n int64, c money.Currency) money.Amount {
	t.Helper()
	a, err := money.FromMinor(n, c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestMustParse(t *testing.T) {
	if a := money.MustParse("18.50", "CNY"); a.Minor() != 1850 || a.Currency() != currency(t, "CNY") {
		t.Errorf("got %v %v", a, a.Currency())
	}
	for _, bad := range [][2]string{{"", "CNY"}, {"1.501", "CNY"}, {"-1", "CNY"}, {"1", ""}, {"1", "cny"}, {"1.5", "JPY"}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("MustParse(%q, %q) did not panic", bad[0], bad[1])
				}
			}()
			money.MustParse(bad[0], bad[1])
		}()
	}
}

func TestParse(t *testing.T) {
	for _, test := range []struct {
		in, code string
		want     int64 // -1 when refused
	}{
		{"0", "CNY", 0}, {"0.00", "CNY", 0}, {"18", "CNY", 1800}, {"18.5", "CNY", 1850}, {"18.50", "CNY", 1850}, {"0.01", "CNY", 1},
		{"92233720368547758.07", "CNY", math.MaxInt64}, {"9223372036854775807", "JPY", math.MaxInt64},
		{"100", "JPY", 100}, {"1.234", "BHD", 1234}, {"1.2345", "UYW", 12345},
		{"1" + strings.Repeat("0", 16), "CNY", 1e18},
		// Hidden precision and confusion of currencies.
		{"18.000", "CNY", -1}, {"18.001", "CNY", -1}, {"100.0", "JPY", -1}, {"100.00", "JPY", -1}, {"1.2340", "BHD", -1},
		{"92233720368547758.08", "CNY", -1}, {"9223372036854775808", "JPY", -1}, {"18446744073709551616", "JPY", -1},
		{"1" + strings.Repeat("0", 17), "CNY", -1}, {strings.Repeat("9", 5000), "JPY", -1}, {"18446744073709551615.99", "CNY", -1},
		// Form.
		{"", "CNY", -1}, {"-1", "CNY", -1}, {"-0", "CNY", -1}, {"+1", "CNY", -1}, {"1e2", "CNY", -1}, {"01", "CNY", -1}, {"00.50", "CNY", -1},
		{".5", "CNY", -1}, {"5.", "CNY", -1}, {"1.2.3", "CNY", -1}, {"1,5", "CNY", -1}, {"1 000", "CNY", -1}, {" 1", "CNY", -1}, {"1\n", "CNY", -1},
		{"0x1", "CNY", -1}, {"NaN", "CNY", -1}, {"１", "CNY", -1}, {"1_0", "CNY", -1}, {"¥1", "CNY", -1},
	} {
		a, err := money.Parse(test.in, currency(t, test.code))
		checkAmount(t, fmt.Sprintf("Parse(%.30q, %s)", test.in, test.code), a, err, test.want)
	}
	if a, err := money.Parse("1", money.Currency{}); err == nil || a.Valid() {
		t.Errorf("an amount without a currency: %v, %v", a, err)
	}
}

func TestParseNumber(t *testing.T) {
	for _, test := range []struct {
		name, in, code string
		want           int64
	}{
		{"whole", "18", "CNY", 1800},
		{"ADD-INT-ICS-09 one decimal", "18.5", "CNY", 1850},
		{"ADD-INT-ICS-09 two decimals", "18.51", "CNY", 1851},
		{"ADD-INT-ICS-09 three decimals", "18.511", "CNY", -1},
		{"ADD-INT-ICS-09 negative", "-18", "CNY", -1},
		{"ADD-INT-ICS-09 barely negative", "-0.01", "CNY", -1},
		{"ADD-INT-ICS-09 minus zero has the canonical form 0", "-0", "CNY", 0},
		{"ADD-INT-ICS-09 spelled with zeros", "18.000", "CNY", 1800},
		{"ADD-INT-ICS-09 spelled with an exponent", "1.8e1", "CNY", 1800},
		{"ADD-INT-ICS-09 spelled with a negative exponent", "1851e-2", "CNY", 1851},
		{"ADD-INT-ICS-09 hidden precision", "18.000000000000001", "CNY", -1},
		{"ADD-INT-ICS-09 precision that a float loses", "20.0000000000000000001", "CNY", -1},
		{"ADD-INT-ICS-09 two decimals although the currency has three", "1.234", "BHD", -1},
		{"two decimals of three", "1.23", "BHD", 1230},
		{"no decimals", "100", "JPY", 100},
		{"decimals where the currency has none", "100.5", "JPY", -1},
		{"zeros where the currency has no decimals", "100.00", "JPY", 100},
		{"largest", "92233720368547758.07", "CNY", math.MaxInt64},
		{"over the largest", "92233720368547758.08", "CNY", -1},
		{"exponent", "1e16", "CNY", 1e18},
		{"exponent over the largest", "1e17", "CNY", -1},
		{"absurd exponent", "1e999999999", "CNY", -1},
		{"absurd exponent beyond int64", "1e99999999999999999999", "CNY", -1},
		{"absurdly small", "1e-999999999", "CNY", -1},
		{"zero with an absurd exponent", "0e999999999999", "CNY", 0},
		{"string", `"18"`, "CNY", -1},
		{"empty", "", "CNY", -1},
		{"leading zero", "018", "CNY", -1},
		{"plus", "+18", "CNY", -1},
		{"bare point", "18.", "CNY", -1},
		{"not a number", "NaN", "CNY", -1},
		{"null", "null", "CNY", -1},
		{"space", "18 ", "CNY", -1},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, err := money.ParseNumber(test.in, currency(t, test.code))
			checkAmount(t, test.in, a, err, test.want)
		})
	}
	if a, err := money.ParseNumber("1", money.Currency{}); err == nil || a.Valid() {
		t.Errorf("an amount without a currency: %v, %v", a, err)
	}
}

// checkAmount compares with a number of minor units, -1 for field_invalid.
func checkAmount(t testing.TB, what string, a money.Amount, err error, want int64) {
	t.Helper()
	switch {
	case want >= 0 && (err != nil || a.Minor() != want || !a.Valid()):
		t.Errorf("%s: %d, %v, want %d", what, a.Minor(), err, want)
	case want < 0 && (protocol.CodeOf(err) != protocol.CodeFieldInvalid || a != money.Amount{}):
		t.Errorf("%s: %v, %v, want field_invalid", what, a, err)
	}
}

func TestForms(t *testing.T) {
	for _, test := range []struct {
		minor        int64
		code         string
		text, number string
	}{
		{0, "CNY", "0.00", "0"}, {1, "CNY", "0.01", "0.01"}, {10, "CNY", "0.10", "0.1"}, {1800, "CNY", "18.00", "18"}, {1850, "CNY", "18.50", "18.5"},
		{100, "JPY", "100", "100"}, {0, "JPY", "0", "0"}, {1230, "BHD", "1.230", "1.23"}, {1, "UYW", "0.0001", "0.0001"},
		{math.MaxInt64, "CNY", "92233720368547758.07", "92233720368547758.07"},
	} {
		a := minor(t, test.minor, currency(t, test.code))
		if a.String() != test.text || a.Number() != test.number {
			t.Errorf("%d %s: %s and %s, want %s and %s", test.minor, test.code, a, a.Number(), test.text, test.number)
		}
	}
}

func TestZeroValue(t *testing.T) {
	var none money.Amount
	cny := currency(t, "CNY")
	if none.Valid() || !none.IsZero() || none.String() != "" || none.Number() != "" || !none.Currency().IsZero() {
		t.Errorf("the zero value is %v", none)
	}
	if money.Zero(cny) == none || !money.Zero(cny).Valid() || !money.Zero(cny).IsZero() || money.Zero(money.Currency{}).Valid() {
		t.Error("Zero")
	}
	one := minor(t, 1, cny)
	for _, pair := range [][2]money.Amount{{none, none}, {one, none}, {none, one}} {
		for what, err := range operations(pair[0], pair[1]) {
			if protocol.CodeOf(err) != protocol.CodeFieldInvalid {
				t.Errorf("%s of %v and %v: %v", what, pair[0], pair[1], err)
			}
		}
	}
	if _, err := none.Mul(1); protocol.CodeOf(err) != protocol.CodeFieldInvalid {
		t.Errorf("Mul: %v", err)
	}
	if a, err := money.FromMinor(1, money.Currency{}); err == nil || a.Valid() {
		t.Errorf("FromMinor without a currency: %v, %v", a, err)
	}
	if a, err := money.FromMinor(-1, cny); err == nil || a.Valid() {
		t.Errorf("FromMinor(-1): %v, %v", a, err)
	}
}

// operations returns the errors of everything that takes two amounts.
func operations(a, b money.Amount) map[string]error {
	_, add := a.Add(b)
	_, sub := a.Sub(b)
	_, cmp := a.Cmp(b)
	_, within := a.Within(b, "5")
	return map[string]error{"Add": add, "Sub": sub, "Cmp": cmp, "Within": within}
}

func TestCurrencyConfusion(t *testing.T) {
	// 100 yen are not 1.00 yuan, although both are 100 minor units.
	yen, yuan := minor(t, 100, currency(t, "JPY")), minor(t, 100, currency(t, "CNY"))
	if yen == yuan {
		t.Error("100 JPY equals 1.00 CNY")
	}
	for what, err := range operations(yen, yuan) {
		if protocol.CodeOf(err) != protocol.CodeCurrencyMismatch {
			t.Errorf("%s: %v, want currency_mismatch", what, err)
		}
	}
}

var codes = []string{"CNY", "JPY", "BHD", "UYW", "USD"}

func amountOf(c money.Currency) *rapid.Generator[money.Amount] {
	return rapid.Custom(func(t *rapid.T) money.Amount {
		n := rapid.OneOf(rapid.Int64Range(0, math.MaxInt64), rapid.Int64Range(0, 10000), rapid.Int64Range(math.MaxInt64-10, math.MaxInt64)).Draw(t, "minor")
		a, err := money.FromMinor(n, c)
		if err != nil {
			t.Fatal(err)
		}
		return a
	})
}

func TestArithmetic(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := currency(t, rapid.SampledFrom(codes).Draw(rt, "currency"))
		a, b, d := amountOf(c).Draw(rt, "a"), amountOf(c).Draw(rt, "b"), amountOf(c).Draw(rt, "d")
		units := func(a money.Amount) *big.Int { return big.NewInt(a.Minor()) }
		sum := new(big.Int).Add(units(a), units(b))
		got, err := a.Add(b)
		if (err == nil) != sum.IsInt64() || err == nil && got.Minor() != sum.Int64() {
			rt.Fatalf("%v + %v = %v, %v", a, b, got, err)
		}
		if err == nil {
			if back, err := got.Sub(b); err != nil || back != a {
				rt.Fatalf("(%v + %v) - %v = %v, %v", a, b, b, back, err)
			}
			if other, err := b.Add(a); err != nil || other != got {
				rt.Fatal("addition does not commute")
			}
		}
		difference := new(big.Int).Sub(units(a), units(b))
		got, err = a.Sub(b)
		if (err == nil) != (difference.Sign() >= 0) || err == nil && got.Minor() != difference.Int64() {
			rt.Fatalf("%v - %v = %v, %v", a, b, got, err)
		}
		cmp, err := a.Cmp(b)
		if err != nil || cmp != difference.Sign() || (cmp == 0) != (a == b) {
			rt.Fatalf("Cmp(%v, %v) = %d, %v", a, b, cmp, err)
		}
		if bd, _ := b.Cmp(d); cmp <= 0 && bd <= 0 {
			if ad, _ := a.Cmp(d); ad > 0 {
				rt.Fatal("the order is not transitive")
			}
		}
		n := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-2, 1000)).Draw(rt, "n")
		product := new(big.Int).Mul(units(a), big.NewInt(n))
		got, err = a.Mul(n)
		if (err == nil) != (n >= 0 && product.IsInt64()) || err == nil && got.Minor() != product.Int64() {
			rt.Fatalf("%v * %d = %v, %v", a, n, got, err)
		}
	})
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := currency(t, rapid.SampledFrom(codes).Draw(rt, "currency"))
		a := amountOf(c).Draw(rt, "a")
		if back, err := money.Parse(a.String(), c); err != nil || back != a {
			rt.Fatalf("%d became %s, then %v, %v", a.Minor(), a, back, err)
		}
		back, err := money.ParseNumber(a.Number(), c)
		fits := c.Exponent() <= 2 || a.Minor()%int64(math.Pow10(c.Exponent()-2)) == 0
		if (err == nil) != fits || err == nil && back != a {
			rt.Fatalf("%d became %s, then %v, %v", a.Minor(), a.Number(), back, err)
		}
	})
}

func TestWithin(t *testing.T) {
	cny := currency(t, "CNY")
	for _, test := range []struct {
		amount, base int64
		percent      string
		want         bool
	}{
		{105, 100, "5", true}, {106, 100, "5", false}, {95, 100, "5", true}, {94, 100, "5", false},
		{105, 100, "5.0e0", true}, {105, 100, "4.999999999999999999", false}, {105, 100, "5.0000000000000001", true},
		{100, 100, "0", true}, {101, 100, "0", false}, {0, 0, "0", true}, {1, 0, "1e400", false}, {0, 100, "100", true}, {0, 100, "99.99", false},
		{1, 1, "1e-999999999", true}, {2, 1, "1e-999999999", false}, {2, 1, "1e999999999", true}, {math.MaxInt64, 1, "1e40", true},
		{math.MaxInt64, 0, "0", false}, {0, math.MaxInt64, "100", true}, {math.MaxInt64, 1, "18446744073709551615e2", true},
		{3, 2, "50", true}, {3, 2, "0.5e2", true}, {3, 2, "49.99999999999999999", false},
	} {
		got, err := minor(t, test.amount, cny).Within(minor(t, test.base, cny), test.percent)
		if err != nil || got != test.want {
			t.Errorf("%d within %s%% of %d: %v, %v", test.amount, test.percent, test.base, got, err)
		}
	}
	for _, percent := range []string{"", "-1", "-0.01", "5%", "abc", "1e", " 5", "1e99999999999999999999"} {
		if got, err := minor(t, 1, cny).Within(minor(t, 1, cny), percent); got || protocol.CodeOf(err) != protocol.CodeFieldInvalid {
			t.Errorf("%q percent: %v, %v", percent, got, err)
		}
	}
}

func TestWithinAgainstBigRat(t *testing.T) {
	cny := currency(t, "CNY")
	rapid.Check(t, func(rt *rapid.T) {
		a, base := amountOf(cny).Draw(rt, "a"), amountOf(cny).Draw(rt, "base")
		percent := rapid.StringMatching(`(0|[1-9][0-9]{0,17})(\.[0-9]{1,10})?(e[+-]?[0-9]{1,2})?`).Draw(rt, "percent")
		p, ok := new(big.Rat).SetString(percent)
		if !ok {
			rt.Fatal(percent)
		}
		got, err := a.Within(base, percent)
		if err != nil {
			return // more digits than are read
		}
		left := new(big.Rat).SetInt64(a.Minor())
		left.Sub(left, new(big.Rat).SetInt64(base.Minor())).Abs(left).Mul(left, big.NewRat(100, 1))
		if want := left.Cmp(p.Mul(p, new(big.Rat).SetInt64(base.Minor()))) <= 0; got != want {
			rt.Fatalf("%v within %s%% of %v: %v, want %v", a, percent, base, got, want)
		}
	})
}

// FuzzParse checks that what is accepted is in the form of messages and is
// written as the same number.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"0", "18.00", "0.5", "100.0", "01", "9223372036854775807"} {
		f.Add(s)
	}
	form := regexp.MustCompile(`^(0|[1-9][0-9]*)(\.[0-9]+)?$`)
	f.Fuzz(func(t *testing.T, s string) {
		for _, code := range codes {
			c := currency(t, code)
			a, err := money.Parse(s, c)
			if err != nil {
				checkAmount(t, s, a, err, -1)
				continue
			}
			_, decimals, _ := strings.Cut(s, ".")
			if !form.MatchString(s) || len(decimals) > c.Exponent() {
				t.Fatalf("%q is an amount of %s", s, code)
			}
			if !equal(s, a.String()) || !equal(s, a.Number()) {
				t.Fatalf("%q became %s", s, a)
			}
			if back, err := money.Parse(a.String(), c); err != nil || back != a {
				t.Fatalf("%q became %s, then %v, %v", s, a, back, err)
			}
		}
	})
}

// FuzzParseNumber checks that no accepted literal has a value other than the
// amount's, nor more than two decimals.
func FuzzParseNumber(f *testing.F) {
	for _, s := range []string{"0", "-0", "18.5", "1.8e1", "1e999999999", "18.001", "1.000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, code := range codes {
			c := currency(t, code)
			a, err := money.ParseNumber(s, c)
			if err != nil {
				checkAmount(t, s, a, err, -1)
				continue
			}
			if len(s) <= 100 && !a.IsZero() && !equal(s, a.String()) {
				t.Fatalf("%q became %s", s, a)
			}
			if _, decimals, _ := strings.Cut(a.Number(), "."); len(decimals) > min(2, c.Exponent()) {
				t.Fatalf("%q has the decimals of %s", s, a.Number())
			}
			if back, err := money.ParseNumber(a.Number(), c); err != nil || back != a {
				t.Fatalf("%q became %s, then %v, %v", s, a.Number(), back, err)
			}
		}
	})
}

// equal reports whether two literals have the same value.
func equal(a, b string) bool {
	x, ok := new(big.Rat).SetString(a)
	y, ok2 := new(big.Rat).SetString(b)
	return ok && ok2 && x.Cmp(y) == 0
}

func Example() {
	cny, _ := money.ParseCurrency("CNY")
	latte, _ := money.Parse("18.00", cny)
	two, _ := latte.Mul(2)
	limit, _ := money.ParseNumber("20.5", cny) // from a mandate
	cmp, _ := two.Cmp(limit)
	fmt.Println(two, two.Number(), cmp > 0)
	_, err := money.Parse("18.001", cny)
	fmt.Println(err)
	// Output:
	// 36.00 36 true
	// act: field_invalid: has more decimals than its currency
}

func ExampleAmount_Within() {
	cny, _ := money.ParseCurrency("CNY")
	price, _ := money.Parse("18.90", cny)
	catalogue, _ := money.Parse("18.00", cny)
	ok, _ := price.Within(catalogue, "5")
	fmt.Println(ok)
	// Output: true
}
