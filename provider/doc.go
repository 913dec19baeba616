// Package provider is the payment service provider's side of ACT in front of
// somebody's own ledger: the complete order of checks of SPEC.md 6.1
// (PSD-PAY-DEL-04, PSD-PAY-AUP-03, PSD-PAY-INS-01), each with its outcome in a
// protocol.Decision.
//
// Bring a [Ledger], and hold it to its contract with package providertest.
package provider
