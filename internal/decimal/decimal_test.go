package decimal

import (
	"math/big"
	"regexp"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for in, want := range map[string]Number{
		"0": {}, "-0": {}, "0.00": {}, "-0.0e-5": {}, "0e99999999999999999999": {}, "0E+0": {},
		"1": {1, 0, false}, "-1": {1, 0, true}, "100": {1, 2, false}, "1.50": {15, -1, false}, "0.05": {5, -2, false},
		"1.8e1": {18, 0, false}, "12e-1": {12, -1, false}, "1e+3": {1, 3, false}, "1e0000000000000003": {1, 3, false},
		"1001": {1001, 0, false}, "10.010": {1001, -2, false},
		"18446744073709551615":               {18446744073709551615, 0, false},
		"18446744073709551615000":            {18446744073709551615, 3, false},
		"0.00018446744073709551615":          {18446744073709551615, -23, false},
		"1e999999999":                        {1, 999999999, false},
		"1e-999999999":                       {1, -999999999, false},
		"1" + strings.Repeat("0", 5000):      {1, 5000, false},
		"0." + strings.Repeat("0", 99) + "1": {1, -100, false},
	} {
		if got, ok := Parse(in); !ok || got != want {
			t.Errorf("%.30s: got %+v, %v, want %+v", in, got, ok, want)
		}
		if got, ok := Parse([]byte(in)); !ok || got != want {
			t.Errorf("%.30s as bytes: got %+v, %v, want %+v", in, got, ok, want)
		}
	}
	for _, in := range []string{
		"", "-", "+1", ".5", "1.", "-.5", "01", "-01", "00", "00.5", "1..2", "1.2.3", "1e", "1e+", "1e-", "1e1.5", "1e1e1", "e1", "-e1",
		"1.e1", " 1", "1 ", "1\n", "1_000", "0x10", "NaN", "Infinity", "１", "1f", "--1", "-+1", "1-1",
		"18446744073709551616", "184467440737095516150000000000000000001", "1e1000000000", "1e-1000000000", "0e", "0ex",
	} {
		if got, ok := Parse(in); ok {
			t.Errorf("%q was read as %+v", in, got)
		}
	}
}

// FuzzParse compares grammar with a regular expression and values with
// fractions.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"0", "-1.50", "1e3", "01", "1.", "18446744073709551616"} {
		f.Add(s)
	}
	grammar := regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := Parse(s)
		if b, bok := Parse([]byte(s)); b != n || bok != ok {
			t.Fatal("a string and its bytes differ")
		}
		if !ok {
			if n != (Number{}) {
				t.Fatal("a number together with a refusal")
			}
			if len(s) <= 18 && grammar.MatchString(s) && !strings.ContainsAny(s, "eE") {
				t.Fatalf("%q was refused", s)
			}
			return
		}
		if !grammar.MatchString(s) {
			t.Fatalf("%q was read as %+v", s, n)
		}
		if n.Coefficient%10 == 0 && n != (Number{}) {
			t.Fatalf("%q gives %+v, which is not in its one form", s, n)
		}
		if len(s) > 100 || n.Exponent > 400 || n.Exponent < -400 {
			return
		}
		want, ok := new(big.Rat).SetString(s)
		if !ok {
			return // an exponent of zero may be larger than big.Rat likes
		}
		got := new(big.Rat).SetInt(new(big.Int).SetUint64(n.Coefficient))
		scale := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(n.Exponent, -n.Exponent))), nil))
		if n.Exponent < 0 {
			got.Quo(got, scale)
		} else {
			got.Mul(got, scale)
		}
		if n.Negative {
			got.Neg(got)
		}
		if got.Cmp(want) != 0 {
			t.Fatalf("%q is %s, read as %s", s, want, got)
		}
	})
}
