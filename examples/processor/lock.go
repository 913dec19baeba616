package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// lockFile is an empty SQLite database. Whoever serves the folder holds an
// exclusive transaction on it, for as long as it serves.
const lockFile = "serving.lock"

// lockPatience is how long a start waits for the process before it to end.
const lockPatience = time.Second

var errServed = errors.New("another process serves this folder")

// lock takes the folder for this process, until the returned function is
// called or the process ends, however it ends: the lock is one of the operating
// system's on the file, not the file's presence, so that nothing has to be
// cleaned up after a kill. SQLite takes it on every system in its way, also
// against a second server in this process.
//
// What it does not do: hold across machines on a network file system whose
// locks do not; keep -audit out, which reads a snapshot while another serves.
func (f folder) lock() (release func() error, err error) {
	file, err := os.OpenFile(f.path(lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	conn, err := sqlite.OpenConn(f.path(lockFile), sqlite.OpenReadWrite)
	if err != nil {
		return nil, err
	}
	conn.SetInterrupt(nil)
	conn.SetBusyTimeout(lockPatience)
	// The journal is kept in memory: nothing is ever written.
	for _, query := range []string{"PRAGMA journal_mode = MEMORY", "BEGIN EXCLUSIVE"} {
		if err := sqlitex.ExecuteTransient(conn, query, nil); err != nil {
			if sqlite.ErrCode(err).ToPrimary() == sqlite.ResultBusy {
				err = fmt.Errorf("%w: %s", errServed, string(f))
			}
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn.Close, nil
}
