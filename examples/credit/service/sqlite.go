package service

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// A SQLiteStore keeps everything in one file. What Do has returned for is on
// the disk.
type SQLiteStore struct {
	mu   sync.Mutex
	conn *sqlite.Conn
}

// OpenSQLite opens a file, making it when there is none.
func OpenSQLite(path string) (*SQLiteStore, error) {
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite, sqlite.OpenCreate)
	if err != nil {
		return nil, fmt.Errorf("credit: %w", err)
	}
	for _, statement := range []string{
		"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL",
		`CREATE TABLE IF NOT EXISTS doc (kind TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL, until INTEGER NOT NULL,
			PRIMARY KEY (kind, id)) STRICT, WITHOUT ROWID`,
		"CREATE INDEX IF NOT EXISTS forget ON doc (kind, until) WHERE until > 0",
	} {
		if err := sqlitex.ExecuteTransient(conn, statement, nil); err != nil {
			return nil, errors.Join(fmt.Errorf("credit: %w", err), conn.Close())
		}
	}
	return &SQLiteStore{conn: conn}, nil
}

// Close ends the store.
func (s *SQLiteStore) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn.Close()
}

// Do implements Store.
func (s *SQLiteStore) Do(ctx context.Context, f func(Tx) error) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	end, err := sqlitex.ImmediateTransaction(s.conn)
	if err != nil {
		return fmt.Errorf("credit: %w", err)
	}
	defer end(&err)
	return f(sqliteTx{s.conn})
}

type sqliteTx struct{ conn *sqlite.Conn }

func (t sqliteTx) Get(kind Kind, id string) (doc []byte, err error) {
	err = sqlitex.Execute(t.conn, "SELECT body FROM doc WHERE kind = ? AND id = ?", &sqlitex.ExecOptions{
		Args: []any{string(kind), id},
		ResultFunc: func(stmt *sqlite.Stmt) error {
			doc = make([]byte, stmt.ColumnLen(0))
			stmt.ColumnBytes(0, doc)
			return nil
		},
	})
	return doc, err
}

func (t sqliteTx) Put(kind Kind, id string, doc []byte) error { return t.PutUntil(kind, id, doc, 0) }

func (t sqliteTx) PutUntil(kind Kind, id string, doc []byte, until int64) error {
	return sqlitex.Execute(t.conn, "INSERT INTO doc (kind, id, body, until) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body, until = excluded.until",
		&sqlitex.ExecOptions{Args: []any{string(kind), id, doc, until}})
}

func (t sqliteTx) Forget(kind Kind, before int64) error {
	return sqlitex.Execute(t.conn, "DELETE FROM doc WHERE kind = ? AND until > 0 AND until < ?", &sqlitex.ExecOptions{Args: []any{string(kind), before}})
}
