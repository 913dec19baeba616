package keys

import (
	"crypto/ed25519"
	"encoding/binary"
)

// validEd25519 reports whether raw is the canonical form of a y coordinate that
// is not one of a point of small order. For a key of small order anybody can
// make a signature that verifies under any message; crypto/ed25519 accepts such
// keys, and so a document could carry a "key" that belongs to everyone.
//
// It does not check that y belongs to a point at all: for half of all strings
// it does not, and under such a key no signature ever verifies, so that the
// square root, a fifth of a signature check, is left to the verification. Nor
// does it check that the point is in the prime-order subgroup: a key with a
// small-order component still needs its private half to sign.
func validEd25519(raw []byte) bool {
	if len(raw) != ed25519.PublicKeySize {
		return false
	}
	var y [ed25519.PublicKeySize]byte // little endian
	copy(y[:], raw)
	y[31] &= 0x7f // the sign of x
	if y[31] == 0x7f && allBytes(y[1:31], 0xff) && y[0] >= 0xed {
		return false // y is p or more: a second name of the point y - p
	}
	// The points of order 1, 2, 4 and 8, in this order. This also excludes
	// x = 0, whose sign bit would give a point a second name.
	switch {
	case y[0] <= 1 && allBytes(y[1:], 0): // y = 1, y = 0
		return false
	case y[31] == 0x7f && allBytes(y[1:31], 0xff) && y[0] == 0xec: // y = -1
		return false
	}
	return y != edY8 && y != edY8Negative
}

// The two y coordinates of the four points of order 8, little endian.
var (
	edY8         = littleEndian(0x7a03ac9277fdc74e, 0xc6cc392cfa53202a, 0x0f67100d760b3cba, 0x4fd84d3d706a17c7)
	edY8Negative = littleEndian(0x05fc536d880238b1, 0x3933c6d305acdfd5, 0xf098eff289f4c345, 0xb027b2c28f95e826)
)

// littleEndian takes the words of a number, the most significant first.
func littleEndian(words ...uint64) (b [ed25519.PublicKeySize]byte) {
	for i, w := range words {
		binary.LittleEndian.PutUint64(b[24-8*i:], w)
	}
	return b
}

func allBytes(b []byte, value byte) bool {
	for _, c := range b {
		if c != value {
			return false
		}
	}
	return true
}
