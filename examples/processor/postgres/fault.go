package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/actprotocol/act-go/protocol"
)

// Cause names what the database said when that is the cause of an error, for
// the operator's log: "SQLSTATE 53100" for a full disk, without the text. It is
// empty for every other error.
func Cause(err error) string {
	var said *pgconn.PgError
	if errors.As(err, &said) {
		return "SQLSTATE " + said.Code
	}
	return ""
}

// unavailable turns what the database says before a commit into an undetermined
// error: nothing has happened. Errors of our own are passed on.
func unavailable(err error) error {
	if err == nil {
		return nil
	}
	var own *protocol.Error
	if errors.As(err, &own) {
		return own
	}
	var said *pgconn.PgError
	if errors.As(err, &said) && (said.Code == "22021" || said.Code == "22P05") {
		return protocol.Wrap(protocol.CodeFieldInvalid, "text", "", "a text that cannot be kept", nil)
	}
	return protocol.Wrap(protocol.CodeServiceUnavailable, "", "", "the ledger did not answer", err)
}

// unknown is unavailable for an error behind which a commit may stand: one that
// says that the connection is lost, or that the server shuts down, leaves open
// what became of it.
func unknown(err error) error {
	var own *protocol.Error
	if err == nil || errors.As(err, &own) || settled(err) {
		return unavailable(err)
	}
	return protocol.Wrap(protocol.CodeOutcomeUnknown, "", "", "the connection to the ledger was lost", err)
}

// settled reports whether an error says for sure that nothing was committed.
func settled(err error) bool {
	var said *pgconn.PgError
	if errors.As(err, &said) {
		switch said.Code {
		case "57P01", "57P02", "57P05", "08006", "08007", "40003": // shut down, crashed, idle, lost, unknown, unknown
			return false
		}
		return true
	}
	var unconnected *pgconn.ConnectError
	return errors.As(err, &unconnected) || pgconn.SafeToRetry(err)
}

// again reports whether the database asks to try once more: it could not put
// this transaction in a row with the others, or another one was quicker to
// insert the same key. Nothing of it remains.
func again(err error) bool {
	var said *pgconn.PgError
	if !errors.As(err, &said) {
		return false
	}
	switch said.Code {
	case "40001", "40P01", "23505", "55P03":
		return true
	}
	return false
}

// tries is how often a transaction is tried that the database asks to try once
// more.
const tries = 5

// begun refuses a call before anything was begun: its caller has gone, or the
// store is closed.
func (s *Store) begun(ctx context.Context) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return unavailable(errClosed)
	}
	return here(ctx)
}

// here refuses a call whose caller has gone.
func here(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return protocol.Wrap(protocol.CodeServiceUnavailable, "", "", "nothing was begun", err)
	}
	return nil
}
