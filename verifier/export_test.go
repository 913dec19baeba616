package verifier

import "crypto/sha256"

// Forget drops the remembered signatures, so that a benchmark can measure the
// first verification again and again.
func Forget(v *Verifier) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.verified = newLRU[[sha256.Size]byte, *verifiedMandate](maxVerifiedBytes)
}
