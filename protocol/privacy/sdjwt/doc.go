// Package sdjwt is SD-JWT by RFC 9901, in one strict form: a signed JSON object
// of which its holder can show a part, and whose reader can tell that the part
// is what the issuer signed and that the holder is who shows it.
//
//   - [Issue] hides members of objects and elements of arrays behind salted
//     digests, recursively where asked, adds decoy digests, and signs.
//   - [Parse] and [Token.Process] put what was disclosed back in its place.
//   - [Processed.Present] makes a presentation of a selection, [Bind] ties it to
//     one reader and one occasion, [ParseBinding] and [Binding.Verify] check that.
//
// Nothing here decides whether an issuer or a holder may be believed: the
// issuer-signed JWT and the key binding JWT are verified by keys that the caller
// has found. Nothing here knows what the claims mean either; package delegation
// does, for mandates. What a hidden claim may mean for a decision is the
// caller's to ask: a reader never learns from an SD-JWT that it has seen all.
//
// The strict form is narrower than the RFC where the RFC leaves room (SPEC.md
// 8.1): SHA-256 only; the compact serialization only; salts of at least 128
// bits in base64url; a digest always of 43 characters in strict base64url;
// "_sd", "..." and "_sd_alg" nowhere but where they have their meaning.
//
// Promise: a presentation that breaks a rule of RFC 9901 section 7.1 is refused
// as a whole; the length of the input is bounded, and the work grows hardly
// faster than in proportion to it; no error contains input.
package sdjwt
