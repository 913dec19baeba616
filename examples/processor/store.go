package main

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/actprotocol/act-go/examples/internal/folder"
	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/examples/processor/ledger"
	"github.com/actprotocol/act-go/examples/processor/postgres"
	"github.com/actprotocol/act-go/protocol"
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
	where  string // for the operator: what holds the book
	shared bool   // with other processes
	cause  func(error) string
	close  func() error
}

// openStore opens the book for serving. A SQLite file has one process, which
// takes the folder; a database has any number.
func openStore(ctx context.Context, o *options, f folder.Folder) (*store, error) {
	if o.postgres != "" {
		return openPostgres(ctx, o, false)
	}
	release, err := f.Lock(lockFile)
	if err != nil {
		return nil, err
	}
	l, err := ledger.Open(ledger.Config{Path: f.Path(ledgerFile)})
	if err != nil {
		return nil, errors.Join(err, release())
	}
	return &store{
		Book: l, where: f.Path(ledgerFile), cause: ledger.Cause, close: func() error { return errors.Join(l.Close(), release()) },
	}, nil
}

func openPostgres(ctx context.Context, o *options, readOnly bool) (*store, error) {
	s, err := postgres.Open(ctx, postgres.Config{DSN: o.postgres, Connections: o.postgresConnections, ReadOnly: readOnly})
	if e := protocol.AsError(err); e != nil && e.Field == "DSN" {
		return nil, errors.New("-postgres is " + e.Detail)
	}
	if err != nil {
		return nil, err
	}
	return &store{Book: s, where: "PostgreSQL, schema " + postgres.DefaultSchema, shared: true, cause: postgres.Cause, close: s.Close}, nil
}

// openToRead opens a book that there is, while another process may serve it.
func openToRead(ctx context.Context, o *options, f folder.Folder) (*store, error) {
	if o.postgres != "" {
		return openPostgres(ctx, o, true)
	}
	if _, err := os.Stat(f.Path(ledgerFile)); errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("there is no ledger in " + o.data)
	} else if err != nil {
		return nil, err
	}
	l, err := ledger.Open(ledger.Config{Path: f.Path(ledgerFile), ReadOnly: true})
	if err != nil {
		return nil, err
	}
	return &store{Book: l, where: f.Path(ledgerFile), cause: ledger.Cause, close: l.Close}, nil
}
