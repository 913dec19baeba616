// Package payment has the messages and rules of paying: the request of an agent
// to a payment service provider for instant (PSD-PAY-INS), delegated
// (PSD-PAY-DEL) and autonomous payment (PSD-PAY-AUP), the authorization of a
// sub-account's key for it (PSD-AGT-SUB), its result or the word that it waits
// for the principal, the proof and what a merchant does with it, the three
// headers of payment over HTTP 402 (PSD-PAY-A402), the states of
// a trade and the eleven categories of errors. The wire is SPEC.md section 6.
//
// The A402 headers follow the official schemas 2.1-artifact.1. The Parse
// functions for them judge exactly that schema, so that a header of another
// profile can be read and printed; CheckProfile then judges what SPEC.md 6.4
// asks beyond it, and nothing that leads to money works without it.
//
// Headers come from anybody. A value over [MaxHeaderRead] bytes is refused
// before it is decoded, and depth, duplicate members and encoding before a
// member is looked at.
//
// What the Parse functions return is unverified: it has the right form, and may
// come from anybody. Verification needs the signer's key, a clock and an
// expectation, and is the business of package verifier. In particular nothing
// here looks at the time.
package payment
