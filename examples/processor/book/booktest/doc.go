// Package booktest has the contract of book.Book as a test, which every store
// runs. What every provider's ledger has to do is in provider/providertest.
package booktest
