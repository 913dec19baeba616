// Package passkey verifies what principals do with a passkey (WebAuthn Level 3)
// on the processor's pages: enrol one, and agree to one act.
//
// An act is something exact: this payment with its amount and payee, this
// binding with its limits. The challenge that the passkey signs is
//
//	SHA-256("act-go/1 " kind LF JCS({"nonce": nonce, "of": what is agreed to}))
//
// so that a signature is good for one act and no other, and so that whoever has
// it and the public key can check later what was agreed to. The nonce is made by
// the processor, which recognises its own: 16 random bytes and a MAC of them
// under the kind and the act. Nothing is kept in memory between showing a page
// and taking the answer; restarts and several processes behind one name change
// nothing. The book uses up each nonce once.
//
// What it promises: [Verifier.Agreed] returns without an error only when a
// passkey that is enrolled for that principal, and not removed, has signed this
// very act at this origin, with the user verified (PIN, fingerprint, face), for
// the first time. Which device it was, and that it is no copy, is not known:
// passkeys may be copied by their maker's cloud. Attestation is not asked for.
package passkey
