// Package delegation is the protocol's domain of authorization and delegation
// (ADD): from what a person says to what an agent may do.
//
//   - [ConversationHistory] keeps the person's own words, [ISR] their structured
//     form, and [Capture] the way from one to the other: clarify, show the
//     summary, confirm (ADD-INT-ICS).
//   - [Authorization] is what is selected from a confirmed ISR to be signed, and
//     [Issue], [IssueSelective] and [ParseMandate] are its two envelopes, a VC-JWT
//     and an SD-JWT VC (ADD-IAC-ISS).
//   - [UnverifiedMandate.Present] picks the part of the latter that a merchant, a
//     PSP or a trust service needs (PRV-01).
//   - [Lifecycle] and [StatusList] say whether a mandate is usable at a given
//     time (ADD-IAC-LCM).
//   - [Bounds] answers whether a purchase is inside a mandate, with one check for
//     every rule and a reason for every refusal.
//
// A constraint that this version does not know never widens authority: it makes
// every decision undetermined. So does a constraint whose fact was not given, and
// one that a mandate names and withholds. An
// empty list or a null is malformed, and only an absent list restricts nothing.
//
// Nothing here opens a socket, reads a clock or looks a key up. A mandate that
// comes from [ParseMandate] is unverified: whether its signature holds, whether
// the issuer may be believed for this principal, and what its status is now, is
// the business of package verifier.
package delegation
