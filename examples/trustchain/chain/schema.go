package chain

import (
	"errors"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// version is kept in user_version; 0 is an empty file.
const version = 1

// schema: anchors and published checkpoints are appended, never changed. A
// channel's number is in the upper bits of seq, the index in the lower.
const schema = `
CREATE TABLE channels (id INTEGER PRIMARY KEY, origin TEXT NOT NULL UNIQUE, size INTEGER NOT NULL);
CREATE TABLE anchors (seq INTEGER PRIMARY KEY, channel INTEGER NOT NULL, record BLOB NOT NULL, token BLOB NOT NULL, UNIQUE (channel, record));
CREATE TABLE tiles (channel INTEGER NOT NULL, level INTEGER NOT NULL, n INTEGER NOT NULL, data BLOB NOT NULL, UNIQUE (channel, level, n));
CREATE TABLE checkpoints (channel INTEGER NOT NULL, size INTEGER NOT NULL, note BLOB NOT NULL, PRIMARY KEY (channel, size)) WITHOUT ROWID;
CREATE TRIGGER anchors_kept BEFORE DELETE ON anchors BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER anchors_fixed BEFORE UPDATE ON anchors BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER checkpoints_kept BEFORE DELETE ON checkpoints BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER checkpoints_fixed BEFORE UPDATE ON checkpoints BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER sizes_grow BEFORE UPDATE ON channels WHEN NEW.size < OLD.size OR NEW.origin <> OLD.origin BEGIN SELECT RAISE(ABORT, 'append only'); END;
PRAGMA user_version = 1;
`

const maxIndex = 1<<44 - 1

func seq(channel, index int64) int64 { return channel<<44 | index }

var (
	errSchema = errors.New("chain: the file was made by another version")
	errBroken = errors.New("chain: the file does not hold what it should")
	errBehind = errors.New("chain: the file has another history than was shown before: an old copy, or written by another process")
)

// setUp sets what the promise of durability rests on. fullfsync is for macOS,
// where a plain fsync does not reach the disk; elsewhere it changes nothing.
func setUp(conn *sqlite.Conn) error {
	conn.SetInterrupt(nil)
	for _, pragma := range []string{
		"PRAGMA journal_mode = WAL",
		"PRAGMA synchronous = FULL",
		"PRAGMA fullfsync = ON",
		"PRAGMA trusted_schema = OFF",
		"PRAGMA cache_size = -131072",
		"PRAGMA wal_autocheckpoint = 8000",
	} {
		if err := sqlitex.ExecuteTransient(conn, pragma, nil); err != nil {
			return err
		}
	}
	var have int64
	if _, err := one(conn, "PRAGMA user_version", nil, func(s *sqlite.Stmt) { have = s.ColumnInt64(0) }); err != nil {
		return err
	}
	switch have {
	case version:
		return nil
	case 0:
		return sqlitex.ExecuteScript(conn, schema, nil)
	}
	return errSchema
}

// one runs a query, and calls row with its first result if there is one.
func one(conn *sqlite.Conn, query string, args []any, row func(*sqlite.Stmt)) (found bool, err error) {
	err = each(conn, query, args, func(s *sqlite.Stmt) error {
		if row != nil && !found {
			row(s)
		}
		found = true
		return nil
	})
	return found, err
}

// each runs a query whose statement is prepared once a connection.
func each(conn *sqlite.Conn, query string, args []any, row func(*sqlite.Stmt) error) (err error) {
	stmt, err := conn.Prepare(query)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stmt.Reset(), stmt.ClearBindings()) }()
	for i, arg := range args {
		switch v := arg.(type) {
		case int64:
			stmt.BindInt64(i+1, v)
		case string:
			stmt.BindText(i+1, v)
		case []byte:
			stmt.BindBytes(i+1, v)
		}
	}
	for {
		more, err := stmt.Step()
		if err != nil || !more {
			return err
		}
		if err := row(stmt); err != nil {
			return err
		}
	}
}

func exec(conn *sqlite.Conn, query string, args ...any) error {
	_, err := one(conn, query, args, nil)
	return err
}

func column(s *sqlite.Stmt, i int) []byte {
	b := make([]byte, s.ColumnLen(i))
	s.ColumnBytes(i, b)
	return b
}
