package canon

import (
	"bytes"
	"strconv"
)

// maxDigits is the number of significant decimal digits beyond which no
// shortest form of a double goes. A literal with more has another value than
// its canonical form.
const maxDigits = 17

// exact reports whether the canonical form of a JSON number has the value of
// the literal. What is no number by the grammar may get either answer.
//
// The work is linear in the literal's length whatever its exponent says.
func exact(literal []byte) bool {
	var d decimal
	if !d.parse(literal) {
		return false
	}
	if d.n == 0 {
		return true // zero, also -0 and 0e999: RFC 8785 writes 0
	}
	lead := d.n - 1 + d.exp // power of ten of the first digit
	switch {
	case lead > 308 || lead < -324:
		return false
	case d.n <= 15 && lead > -307 && lead < 308:
		return true // 15 digits always survive the way through a normal double
	}
	return d.survives()
}

// decimal is the value digits[:n] * 10^exp, without leading or trailing zeros
// among the digits and without the sign.
type decimal struct {
	digits [maxDigits]byte
	n      int
	exp    int
}

// parse reads a literal. It returns false when that has too many significant
// digits or an exponent out of all proportion.
func (d *decimal) parse(literal []byte) bool {
	if len(literal) > 0 && literal[0] == '-' {
		literal = literal[1:]
	}
	zeros, fraction := 0, false
	for i, c := range literal {
		switch {
		case c == '.':
			fraction = true
			continue
		case c == 'e' || c == 'E':
			d.exp += zeros
			return d.parseExponent(literal[i+1:])
		case !isDigit(c):
			return false
		}
		if fraction {
			d.exp--
		}
		if c == '0' {
			if d.n > 0 {
				zeros++ // trailing, unless another digit follows
			}
			continue
		}
		if d.n+zeros+1 > maxDigits {
			return false
		}
		for ; zeros > 0; zeros-- {
			d.digits[d.n] = '0'
			d.n++
		}
		d.digits[d.n] = c
		d.n++
	}
	d.exp += zeros
	return true
}

// parseExponent adds the digits after "e". Of zero the exponent does not
// matter; of anything else nine digits are far more than a double has.
func (d *decimal) parseExponent(s []byte) bool {
	negative := len(s) > 0 && s[0] == '-'
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		s = s[1:]
	}
	if d.n == 0 {
		return true
	}
	s = bytes.TrimLeft(s, "0")
	if len(s) > 9 {
		return false
	}
	e := 0
	for _, c := range s {
		if !isDigit(c) {
			return false
		}
		e = 10*e + int(c-'0')
	}
	if negative {
		e = -e
	}
	d.exp += e
	return true
}

// survives compares the digits with the shortest ones of the nearest double.
func (d *decimal) survives() bool {
	var buf [48]byte
	b := append(buf[:0], d.digits[:d.n]...)
	b = append(b, 'e')
	b = strconv.AppendInt(b, int64(d.exp), 10)
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return false
	}
	var back decimal
	return back.parse(strconv.AppendFloat(buf[:0], f, 'e', -1, 64)) && back == *d
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// inNumber reports whether c may follow the first character of a number.
func inNumber(c byte) bool {
	return isDigit(c) || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-'
}
