// Package decimal reads JSON number literals exactly and in linear time,
// whatever exponent a stranger writes into them.
package decimal

import "math"

// A Number is the value Coefficient * 10^Exponent, negative when Negative is
// set. The coefficient does not end in a zero, except for the number zero,
// whose fields are all zero, so that equal numbers are equal structs.
type Number struct {
	Coefficient uint64
	Exponent    int
	Negative    bool
}

// maxExponentDigits bounds the exponent's digits, leading zeros aside: far
// more than a double has, and its sum with the position of the point does not
// overflow.
const maxExponentDigits = 9

// Parse reads a literal of JSON's grammar (RFC 8259 section 6). It returns
// false for anything else, for more significant digits than a uint64 holds,
// and for an exponent out of all proportion. -0 is zero.
func Parse[S string | []byte](literal S) (Number, bool) {
	var n Number
	i := 0
	if i < len(literal) && literal[i] == '-' {
		n.Negative = true
		i++
	}
	// Zeros wait until another digit shows that they are not the last ones.
	zeros, whole, point, fit := 0, i, -1, true
	for ; i < len(literal); i++ {
		c := literal[i]
		if c == '.' && point < 0 && i > whole {
			point = i
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		switch {
		case c != '0':
			for ; zeros > 0 && fit; zeros-- {
				fit = n.push(0)
			}
			fit = fit && n.push(uint64(c-'0'))
		case n.Coefficient > 0:
			zeros++
		}
	}
	end := i // of the digits
	if point >= 0 {
		n.Exponent = -(end - point - 1)
	} else {
		point = end
	}
	switch {
	case point == whole, point == end-1, literal[whole] == '0' && point > whole+1:
		return Number{}, false // no digit before or after the point, or a leading zero
	}
	n.Exponent += zeros
	exponent, ok := parseExponent(literal[end:], n.Coefficient == 0)
	if !ok || !fit {
		return Number{}, false
	}
	if n.Coefficient == 0 {
		return Number{}, true
	}
	n.Exponent += exponent
	return n, true
}

// push appends a digit to the coefficient and reports whether it fits.
func (n *Number) push(digit uint64) bool {
	if n.Coefficient > (math.MaxUint64-digit)/10 {
		return false
	}
	n.Coefficient = 10*n.Coefficient + digit
	return true
}

// parseExponent reads what follows the digits: nothing, or e, a sign or none,
// and digits. An exponent of zero may be of any size.
func parseExponent[S string | []byte](s S, ofZero bool) (int, bool) {
	if len(s) == 0 {
		return 0, true
	}
	if s[0] != 'e' && s[0] != 'E' {
		return 0, false
	}
	i, negative := 1, false
	if i < len(s) && (s[i] == '+' || s[i] == '-') {
		negative = s[i] == '-'
		i++
	}
	if i == len(s) {
		return 0, false
	}
	e, digits := 0, 0
	for ; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		if e > 0 || s[i] != '0' {
			digits++
		}
		if digits <= maxExponentDigits {
			e = 10*e + int(s[i]-'0')
		}
	}
	if negative {
		e = -e
	}
	return e, digits <= maxExponentDigits || ofZero
}
