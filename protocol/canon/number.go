package canon

import (
	"strconv"

	"github.com/actprotocol/act-go/internal/decimal"
)

// maxLiteral bounds the length of a number. The form of a double has 25
// characters at most; longer literals only serve to find parsers that differ,
// and there are some: strconv.ParseFloat reads the integer 10^1000, written
// out, times e-1000, as 1e-201.
const maxLiteral = 100

// exact reports whether a number has, in its canonical form, the value of its
// literal. RFC 8785 writes the shortest digits of the nearest double, which
// are 17 at most. The work does not depend on what the exponent says.
func exact(literal []byte) bool {
	if len(literal) > maxLiteral {
		return false
	}
	n, ok := decimal.Parse(literal)
	switch {
	case !ok:
		return false
	case n.Coefficient < 1e15 && -290 < n.Exponent && n.Exponent < 290:
		return true // 15 digits survive the way through a normal double
	case n.Coefficient >= 1e17 || n.Exponent > 308 || n.Exponent < -324:
		return false
	}
	var buf [32]byte
	b := strconv.AppendUint(buf[:0], n.Coefficient, 10)
	b = append(b, 'e')
	b = strconv.AppendInt(b, int64(n.Exponent), 10)
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return false
	}
	n.Negative = false
	back, ok := decimal.Parse(strconv.AppendFloat(buf[:0], f, 'e', -1, 64))
	return ok && back == n
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// inNumber reports whether c may follow the first character of a number.
func inNumber(c byte) bool {
	return isDigit(c) || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-'
}
