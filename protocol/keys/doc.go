// Package keys signs and verifies: public keys, signers with one purpose each,
// the compact JWS of our tokens and the signed messages of SPEC.md 2.
//
// Two algorithms exist, Ed25519 and ECDSA P-256 with SHA-256. The key decides
// which one is used; what a header says is only compared with it. There is no
// "none", no HMAC, no RSA, and no way to add one from outside.
//
// Nothing here decides whether a key may be believed. [ParseCompact] and
// [ParseMessage] return values whose names begin with Unverified; their Verify
// method checks a signature by a key that the caller has already resolved, for
// the right signer, purpose and time (package identity). Expiry, audience,
// replay and authority are judged by package verifier, and most users should
// call that package rather than this one.
//
// Promise: a text that is not in the one strict form of SPEC.md 1 and 2 is
// refused before any signature is checked; a [Signer] signs for its own
// purpose only; no error and no printed value contains key material, tokens or
// other input.
package keys
