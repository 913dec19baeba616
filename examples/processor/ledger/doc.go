// Package ledger is the book of the reference payment processor: accounts and
// sub-accounts, payments, those that wait for their principal, mandates'
// budgets, payment tokens and the answers that were given, in one SQLite file.
// It implements provider.Ledger, whose contract is not repeated here.
//
// # What it promises
//
//   - Double entry. A transfer is one row that names both of its sides, its
//     amount and its cause, and the transfer before it on either side; what it
//     adds to one account it takes from the other. The view entries shows the
//     two sides. Transfers, and all other facts, are only ever appended:
//     triggers in the database refuse to change or delete them. Balances and
//     spent totals are projections of the facts; [Ledger.Audit] computes them
//     again and compares.
//   - Integer minor units (for CNY, fen). No rounding exists here.
//   - One decision, one transaction. The nonce, the earlier answer, the
//     mandate's cumulative limit, the payment token, the balance, the order
//     number and the debit belong to the same transaction, so that no two
//     requests can both spend the last yuan (PSD-PAY-DEL-07).
//   - Durable before answered. Callers get their result after the commit
//     reached the disk (write-ahead log, synchronous=FULL). A process that is
//     killed at any moment loses nothing that it answered and leaves nothing
//     half done.
//   - First answer. A request id gets one answer for ever, success or refusal
//     (see [Ledger.Pay]).
//   - Purses apart. A sub-account's money is an account of its own, which gets
//     money from its principal's account only and gives it to payees, or back
//     when it is cancelled. State, key, limits and balance are judged in the
//     transaction of the debit (PSD-AGT-SUB-03 to -06).
//   - Waiting holds nothing. An instant payment is a note of what was asked
//     until [Ledger.Settle] pays it; it has exactly one end, paid or closed, and
//     from its time on whoever meets it closes it (PSD-PAY-INS-04).
//   - One event a payment. The payment's row is its event too; refunds and
//     closed payments leave theirs in the transaction that makes them. Each
//     consumer reads the outbox at its own pace ([Ledger.Unreported],
//     [Ledger.Acknowledge], [Ledger.Distribute]).
//
// # How it is fast
//
// One goroutine writes. Requests queue, and the writer puts all that wait into
// one transaction (group commit), so that one flush of the disk serves many
// payments. While several come at a time it waits up to three milliseconds for
// more of them; a lone payment is committed at once. Reads use connections of
// their own and never wait for the writer.
//
// A payment is one row, appended: the trade, its transfer, the answer to its
// request, its nonce and its event are what that row says. The writer, being the
// only one, remembers the accounts, tokens, sub-accounts and mandates that it
// has lately read, and writes balances and spent totals once a batch. That a
// request, an order or a mandate is new it knows from an index whose latest keys
// are in memory and whose older ones are in sorted runs with filters (index.go),
// so that a payment costs the same after a million others. All that memory holds
// follows from the facts, and is made again when the book is opened.
//
// # What it does not do
//
// It checks no signature, no mandate envelope and no boundary but the
// cumulative one: packages verifier and provider have done so before
// [Ledger.Pay] is called. It does not know who confirms a payment: the cashier
// does. One process writes a file; several need another store.
//
// Errors are *protocol.Error. A broken or full disk is service_unavailable,
// which is undetermined and never an answer about the payment.
package ledger
