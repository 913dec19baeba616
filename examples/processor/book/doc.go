// Package book holds what every store of the reference payment processor has in
// common: the nouns that are kept in the book, and [Book], all that the
// processor asks of a store.
//
// Package ledger (SQLite) is one store; package booktest has the contract as a
// test, which every store runs. The part that every provider has, whatever
// its own business is, is provider.Ledger and described there; here is what
// the operator's desk, the cashier and the reports do beside it.
//
// # What holds for every method
//
//   - Each call is one transaction; what a method has answered is durable when
//     it returns.
//   - Ids are made by the caller. Doing again what was done, with the same id
//     and the same content, does nothing and is no error; the same id with other
//     content is refused (request_conflict or state_conflict).
//   - Amounts are integers of minor units (for CNY, fen), currencies ISO 4217
//     codes, times whole seconds in UTC unless it is said.
//   - Errors are *protocol.Error. What the store could not do for reasons of its
//     own (a full disk, a lost connection) is service_unavailable or
//     outcome_unknown, which are undetermined and never an answer about money.
//
// A store checks no signature and identifies nobody: whoever calls it has done
// so. The Check methods of the nouns say what is wrong with one by itself, so
// that all stores refuse the same; what depends on the book is the store's.
package book
