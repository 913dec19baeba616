// Package postgres is the book of the reference payment processor in a
// PostgreSQL database, which any number of processor processes share. It
// implements book.Book, whose contract is not repeated here.
//
// # What it promises
//
//   - One function call a payment. The function pay() in schema/payment.sql uses
//     the nonce, looks for an earlier answer, takes its locks, reads the facts,
//     decides, and moves the money, in one transaction. Nobody waits on a
//     network while locks are held.
//   - One decision, whoever made it. A mandate's budget, a payer's balance, an
//     order and a nonce hold across all processes that share the book
//     (PSD-PAY-DEL-07). The function permits() decides, Facts.Judge of package
//     provider puts a refusal into words, and a test holds the two together;
//     should they ever differ, the answer is that the outcome is unknown.
//   - Durable before answered. Every connection sets synchronous_commit, and a
//     server with fsync or full_page_writes off is refused.
//   - Double entry, by construction: a transfer is one row with the account that
//     gives and the account that gets. Facts are only ever appended, which
//     triggers see to; balances and spent totals are projections of them, which
//     [Store.Audit] computes again and compares.
//   - No deadlock. Everything that has a name is locked first, in the order of
//     its key, and then the balances, in an order of their own. What the
//     database still asks to be tried again is tried again.
//   - One event a payment, refund or end, in an order that every reader sees: an
//     event is told once no transaction runs any more that could write an
//     earlier one ([Store.Unreported]).
//
// When a connection is lost before a commit was asked for, nothing has happened
// and the error is service_unavailable; when it is lost behind that, it is
// outcome_unknown. Either is undetermined, and the same request may come again.
//
// # How it is fast
//
// Payments that wait at the same time share a transaction and its flush, as in
// the SQLite store: their calls are sent in one go, each still a decision of its
// own. Payments to one merchant come into several rows of its balance, so that
// it may be hot. Names are kept as keys of 16 bytes.
//
// # How it grows
//
// Beyond what one server carries, the book is split by mandate. All that a
// delegated payment locks for long (the mandate's budget, the instrument, the
// payer's balance) belongs to one principal, so that a principal lives on one
// shard with its accounts, tokens, sub-accounts and mandates, and a router sends
// a payment to the shard of its mandate's delegator, an instant one to that of
// its token. Two keys do not belong to a principal and have to be claimed for
// all shards before the payment is sent to one: the request (agent and request
// id) and the order (payee and order number), each at the shard that its key
// names. A claim that leads to nothing is let go. A merchant has an account on
// each shard, of which its balance is the sum, as it is the sum of lanes here;
// its refunds are made where the payment was. The router and the claims are not
// built: this package is one shard.
//
// # Other databases
//
// Tested is plain PostgreSQL 15, as Debian packages it. Services that run
// PostgreSQL itself, with replicas or other storage below, should do, as long as
// a commit that was answered survives a failover: with an asynchronous replica
// it does not. Distributed databases speak PostgreSQL's protocol, YugabyteDB and
// CockroachDB for example, and were not tried. Beyond the protocol this package
// needs PL/pgSQL, advisory locks that hold until the end of a transaction (which
// some have only as functions that do nothing), row locks under READ COMMITTED,
// and transaction numbers in snapshots. [Open] tries the second and the last,
// and refuses a server on which they do not work.
//
// # What it does not do
//
// It checks no signature, no mandate envelope and no boundary but those of the
// book. It makes no backups and no replicas. Connections go to the server
// itself, or through a pooler in session mode: the settings of a session are
// part of the promises.
package postgres
