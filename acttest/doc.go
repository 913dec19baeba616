// Package acttest has doubles for your own tests: a clock, keys, an issuer, a
// payment service provider and a shop, wired to each other over real TLS
// sockets. NewWorld makes all of it in one call.
//
// PSP.Fail makes the provider misbehave, call by call: Deny for a refusal with the
// code of your choice, Unavailable, LoseRequest and LoseAnswer for what leaves a
// buyer in doubt.
//
// They are doubles. The provider signs and verifies for real, and its rules are
// the protocol's, but its ledger is a map with one account behind the one payment
// token, and it forgets everything at the end of the test. Nothing here
// belongs into a program that moves money.
package acttest
