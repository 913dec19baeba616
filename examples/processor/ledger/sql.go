package ledger

import (
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/protocol/canon"
)

// Cause names what the database said when that is the cause of an error, for
// the operator's log: SQLITE_FULL for example, without the text. It is empty
// for every other error, and for one to which SQLite gives no name of its own.
func Cause(err error) string {
	if code := sqlite.ErrCode(err); code != sqlite.ResultOK && code != sqlite.ResultError {
		return code.String()
	}
	return ""
}

var errSchema = errors.New("ledger: the file was made by another version of this program, and is not converted: serve it by that version, or begin with a new file")

// bindAll sets the parameters of a statement: int64, string, []byte, bool, or nil.
func bindAll(stmt *sqlite.Stmt, args []any) error {
	for i, arg := range args {
		switch v := arg.(type) {
		case int64:
			stmt.BindInt64(i+1, v)
		case string:
			stmt.BindText(i+1, v)
		case []byte:
			stmt.BindBytes(i+1, v)
		case bool:
			stmt.BindBool(i+1, v)
		case nil:
			stmt.BindNull(i + 1)
		default:
			return fmt.Errorf("ledger: parameter %d has a type that is not stored", i+1)
		}
	}
	return nil
}

// queryRows runs a query, calling row for each result. The statement is
// prepared once per connection and text.
func queryRows(conn *sqlite.Conn, query string, args []any, row func(*sqlite.Stmt) error) error {
	stmt, err := conn.Prepare(query)
	if err != nil {
		return err
	}
	if err := bindAll(stmt, args); err != nil {
		return err
	}
	for {
		more, err := stmt.Step()
		if err != nil || !more {
			return errors.Join(err, stmt.Reset())
		}
		if err := row(stmt); err != nil {
			return errors.Join(err, stmt.Reset())
		}
	}
}

// queryRow reads at most one row and reports whether there was one.
func queryRow(conn *sqlite.Conn, query string, args []any, row func(*sqlite.Stmt)) (bool, error) {
	found := false
	err := queryRows(conn, query, args, func(r *sqlite.Stmt) error {
		if !found {
			row(r)
		}
		found = true
		return nil
	})
	return found, err
}

// columnBytes copies a BLOB.
func columnBytes(r *sqlite.Stmt, col int) []byte {
	b := make([]byte, r.ColumnLen(col))
	r.ColumnBytes(col, b)
	return b
}

func digest(r *sqlite.Stmt, col int) canon.Digest { return canon.Digest(r.ColumnText(col)) }
