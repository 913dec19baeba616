// Package verifier decides whether a mandate, a payment request, an order, a
// bill, a proof, an attestation record or another message of the protocol may
// be relied on.
//
// Use it wherever bytes come from another party. Each method of a Verifier
// takes those bytes and what the caller expects of them, and does the whole
// job in one call: form, key and purpose, signature, issuer, time, state, and
// every equality that protects money. Expectations are required; a forgotten
// one is an error and not a check that is left out.
//
// Three promises. A verified value is never returned together with an error,
// and its zero value allows nothing. What could not be decided, because a key
// or a state could not be fetched or a constraint is not understood, is
// undetermined (errors.Is with protocol.ErrUndetermined) and never becomes
// allowed. And every refusal lists the checks that were made, by requirement,
// without repeating anything of the input.
//
// The package also holds what fetches for it: Resolver for DID documents and
// StatusClient for status lists, both built to be pointed at hostile
// addresses, and MemoryReplay. All are interfaces to a Verifier; bring your
// own where the world differs.
//
// What it does not do: hold the cumulative limit of a mandate, balances and
// earlier answers. Those belong into the transaction of the debit, and
// AuthorizedPayment hands over what that transaction has to check.
package verifier
