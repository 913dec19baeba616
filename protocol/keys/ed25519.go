package keys

import (
	"crypto/ed25519"
	"encoding/binary"
	"math/big"
	"math/bits"
	"slices"
)

// The field of Ed25519 and the constants of its curve (RFC 8032, 5.1).
var (
	edP     = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	edPLess = new(big.Int).Sub(edP, big.NewInt(1))
	edOne   = big.NewInt(1)
	// d = -121665/121666
	edD = new(big.Int).Mod(new(big.Int).Mul(big.NewInt(-121665), new(big.Int).ModInverse(big.NewInt(121666), edP)), edP)
	// The two y coordinates of the four points of order 8.
	edY8, _  = new(big.Int).SetString("7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7", 16)
	edY8b, _ = new(big.Int).SetString("05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826", 16)
)

// validEd25519 reports whether raw is the canonical form of a point of the
// curve that is not of small order. For a key of small order anybody can make
// a signature that verifies under any message; crypto/ed25519 accepts such
// keys, and so a document could carry a "key" that belongs to everyone.
//
// It does not check that the point is in the prime-order subgroup: a key with
// a small-order component still needs its private half to sign.
func validEd25519(raw []byte) bool {
	if len(raw) != ed25519.PublicKeySize {
		return false
	}
	b := slices.Clone(raw)
	slices.Reverse(b)
	b[0] &= 0x7f // the sign of x
	y := new(big.Int).SetBytes(b)
	if y.Cmp(edP) >= 0 {
		return false // a second name of the point y - p
	}
	// Orders 1, 2, 4 and 8, in this order. This also excludes x = 0, whose
	// sign bit would give a point a second name.
	if y.Cmp(edOne) == 0 || y.Cmp(edPLess) == 0 || y.Sign() == 0 || y.Cmp(edY8) == 0 || y.Cmp(edY8b) == 0 {
		return false
	}
	// x² = (y²-1)/(dy²+1) must have a root, which is so exactly when the
	// product of the two is a square.
	y2 := new(big.Int).Mul(y, y)
	y2.Mod(y2, edP)
	v := new(big.Int).Mul(y2, edD)
	v.Add(v, edOne)
	u := y2.Sub(y2, edOne)
	return isSquare(u.Mod(u.Mul(u, v), edP))
}

// isSquare reports whether x, in [1, p-1], is a square modulo the prime p of
// the field: the binary algorithm for the Jacobi symbol. It takes less than half as
// long as math/big's, which would be a fifth of a signature check for the key
// that comes inside every mandate.
func isSquare(x *big.Int) bool {
	a, n := limbs(x), limbs(edP)
	square := true
	for a != ([4]uint64{}) {
		// (2/n) is -1 exactly when n is 3 or 5 modulo 8.
		for a[0]&1 == 0 {
			shift := min(uint(bits.TrailingZeros64(a[0])), 63)
			a = shiftRight(a, shift)
			if n8 := n[0] & 7; shift&1 == 1 && (n8 == 3 || n8 == 5) {
				square = !square
			}
		}
		if less(a, n) {
			a, n = n, a
			// Reciprocity: the sign changes when both are 3 modulo 4.
			if a[0]&n[0]&3 == 3 {
				square = !square
			}
		}
		a = subtract(a, n)
	}
	return square
}

// limbs splits x < 2^256 into words, the least significant first.
func limbs(x *big.Int) (w [4]uint64) {
	b := x.FillBytes(make([]byte, 32))
	for i := range w {
		w[i] = binary.BigEndian.Uint64(b[24-8*i:])
	}
	return w
}

// shiftRight takes a shift of 1 to 63.
func shiftRight(a [4]uint64, n uint) [4]uint64 {
	return [4]uint64{a[0]>>n | a[1]<<(64-n), a[1]>>n | a[2]<<(64-n), a[2]>>n | a[3]<<(64-n), a[3] >> n}
}

func less(a, b [4]uint64) bool {
	for i := 3; i > 0; i-- {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return a[0] < b[0]
}

func subtract(a, b [4]uint64) (d [4]uint64) {
	var borrow uint64
	for i := range d {
		d[i], borrow = bits.Sub64(a[i], b[i], borrow)
	}
	return d
}
