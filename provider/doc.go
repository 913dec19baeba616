// Package provider is the payment service provider's side of ACT in front of
// somebody's own ledger: everything between a message that comes in and the
// moment at which money may move, in the order of SPEC.md 6.1
// (PSD-PAY-DEL-04, PSD-PAY-AUP-03, PSD-PAY-INS-01).
//
// Bring a [Ledger], which is your book: accounts, payment tokens, sub-accounts,
// the budgets of mandates, and the answers that were given. Give it to [New]
// with your key for proofs and a verifier, and mount [Provider.Handler]. A
// ledger gathers [Facts] inside the transaction of the debit and lets
// [Facts.Judge] decide, so that all ledgers find the same; package providertest
// is the contract as a test. [MemoryLedger] is one for tests.
//
// An agent asks before it pays whether its instrument can
// ([Provider.Instrument]); it is told of its own alone, and nothing of the
// account behind. A merchant gives back what it was paid, or a part of it
// ([Provider.Refund]), and both sides ask what has become of a trade
// ([Provider.TradeState]).
//
// Instant payments need a cashier (Config.Cashier): a page at which the
// principal sees one payment and confirms it. When it has verified the
// principal it calls [Provider.Confirm], else [Provider.Decline].
//
// # What it promises
//
//   - No proof is signed for a payment that the ledger has not made. Every
//     answer is a signed message or an error of the closed list.
//   - Every payment that was decided can be explained: Config.Decided gets each
//     check with its outcome and requirement, from the form of the request to
//     the balance, and a refusal tells its own to the agent.
//   - A request that failed a check reaches neither risk control behind it, nor
//     the ledger's debit, nor the cashier.
//   - What cannot be decided now is undetermined. It is never stored, never told
//     as a refusal, and the same request may come again.
//   - A request that was received is decided, although its sender has hung up,
//     and a query finds the answer.
//
// # What it does not do
//
// It opens no accounts, identifies nobody, shows no page, and limits no rate.
package provider
