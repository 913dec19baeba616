// Package acttest has doubles for your own tests: a clock, keys, an issuer, a
// payment service provider and a shop, wired to each other over real TLS
// sockets. NewWorld makes all of it in one call.
//
// PSP.Fail makes the provider misbehave, call by call: Deny for a refusal with the
// code of your choice, Unavailable, LoseRequest and LoseAnswer for what leaves a
// buyer in doubt.
//
// World.NewShop opens another shop, to compare and to choose. World.SubAccount
// opens a sub-account for the agent. An instant payment waits
// at the provider until the test says what the principal does: PSP.Confirm or
// PSP.Cancel.
//
// They are doubles. The provider is package provider, signs and verifies for
// real, and has the protocol's rules; but its ledger opens an account for
// whoever is named, and it forgets everything at the end of the test. Nothing
// here belongs into a program that moves money.
package acttest
