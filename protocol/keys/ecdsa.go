package keys

import (
	"bytes"
	"encoding/asn1"
	"math/big"
)

// derSize is the longest DER form of a P-256 signature: two integers of 33
// bytes, two bytes of header each, two of the sequence.
const derSize = 2 + 2*(2+33)

// p256Order is n, the order of P-256 (FIPS 186-5), big endian.
var p256Order = [32]byte{
	0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
}

// validScalar reports whether b is in [1, n-1]. Signatures are public, so
// nothing here needs constant time.
func validScalar(b []byte) bool {
	var zero [32]byte
	return !bytes.Equal(b, zero[:]) && bytes.Compare(b, p256Order[:]) < 0
}

// toDER appends the DER form of the 64 bytes r and s to dst. It reports false
// when one of them is out of range.
func toDER(dst, sig []byte) ([]byte, bool) {
	r, s := sig[:32], sig[32:]
	if !validScalar(r) || !validScalar(s) {
		return nil, false
	}
	dst = append(dst, 0x30, 0)
	start := len(dst)
	dst = appendInteger(appendInteger(dst, r), s)
	dst[start-1] = byte(len(dst) - start)
	return dst, true
}

// appendInteger appends a positive big-endian integer as a DER INTEGER.
func appendInteger(dst, b []byte) []byte {
	for b[0] == 0 { // ends: the value is not zero
		b = b[1:]
	}
	if b[0] < 0x80 {
		return append(append(dst, 2, byte(len(b))), b...)
	}
	return append(append(dst, 2, byte(len(b)+1), 0), b...)
}

// fromDER converts what a crypto.Signer returns for ECDSA into r and s of 32
// bytes each.
func fromDER(der []byte) ([]byte, bool) {
	var v struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(der, &v)
	if err != nil || len(rest) != 0 || v.R.Sign() <= 0 || v.S.Sign() <= 0 || v.R.BitLen() > 256 || v.S.BitLen() > 256 {
		return nil, false
	}
	sig := make([]byte, SignatureSize)
	v.R.FillBytes(sig[:32])
	v.S.FillBytes(sig[32:])
	return sig, validScalar(sig[:32]) && validScalar(sig[32:])
}
