package main

import (
	"context"
	"errors"
	"os"

	"github.com/actprotocol/act-go/examples/internal/folder"
	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/examples/processor/ledger"
)

// The files of the folder, beside those of package localtls. The lock is held
// by whoever serves the folder.
const (
	ledgerFile = "ledger.db"
	keyFile    = "proof-key.pem"
	tokenFile  = "operator-token"
	didFile    = "identifier"
	lockFile   = "serving.lock"
)

// A store is a book that is open, and what closes it.
type store struct {
	book.Book
	where string // for the operator: what holds the book
	close func() error
}

// openStore opens the book for serving, and takes the folder: its SQLite file
// has one process.
func openStore(_ context.Context, _ *options, f folder.Folder) (*store, error) {
	release, err := f.Lock(lockFile)
	if err != nil {
		return nil, err
	}
	l, err := ledger.Open(ledger.Config{Path: f.Path(ledgerFile)})
	if err != nil {
		return nil, errors.Join(err, release())
	}
	return &store{Book: l, where: f.Path(ledgerFile), close: func() error { return errors.Join(l.Close(), release()) }}, nil
}

// openToRead opens a book that there is, while another process may serve it.
func openToRead(_ context.Context, _ *options, f folder.Folder) (*store, error) {
	if _, err := os.Stat(f.Path(ledgerFile)); err != nil {
		return nil, err
	}
	l, err := ledger.Open(ledger.Config{Path: f.Path(ledgerFile)})
	if err != nil {
		return nil, err
	}
	return &store{Book: l, where: f.Path(ledgerFile), close: l.Close}, nil
}
