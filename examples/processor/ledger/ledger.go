package ledger

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
)

// Config is what [Open] needs.
type Config struct {
	Path     string           // of the SQLite file; made, readable by its owner only, when absent
	Now      func() time.Time // time.Now when nil
	MaxBatch int              // most units in one commit; 256 when zero
	Readers  int              // connections for reading; 4 when zero

	// ReadOnly opens a book that another process may be serving, to audit it
	// for example. What would write is service_unavailable; requests and orders
	// are found that there were when it was opened.
	ReadOnly bool
}

var _ book.Book = (*Ledger)(nil)

// A Ledger is the book, open for reading and writing. Its methods may be called
// from any goroutine.
//
// A file has one process that writes, because that process keeps in memory what
// it decides by: opening it a second time, other than for reading, is
// service_unavailable. Should the lock be broken, because somebody has removed
// it for example, the first of the two that finds payments of the other decides
// nothing any more.
type Ledger struct {
	now      func() time.Time
	maxBatch int
	readers  *sqlitex.Pool
	jobs     chan *job
	stopped  chan struct{}

	mu     sync.RWMutex // guards closed and the closing of jobs
	closed bool

	salt    [16]byte // of keys; never changes
	index   index    // changed by the writer only, and under its lock
	runKeys int      // how many fresh keys become a run

	// Touched by the writer only.
	conn   *sqlite.Conn
	lock   *sqlite.Conn // says that the file has its process
	failed error
	others int64 // dataVersion that memory is good for
	last   int64 // position of the latest fact
	hot    hot
	keys   map[key]ref // of a transaction, used again and again
	used   map[int64]int64
	purged time.Time // when nonces were last removed, and how far that has come
	swept  int64
}

// Open opens the book, making it when the file is absent or empty, and starts
// its writer. A file that a killed process left behind is recovered: SQLite
// takes what was committed from its log, and the index of keys is completed from
// the facts.
func Open(cfg Config) (*Ledger, error) {
	if cfg.Path == "" {
		return nil, protocol.New(protocol.CodeFieldMissing, "Path", "", "the ledger needs a file")
	}
	l := &Ledger{now: cfg.Now, maxBatch: cfg.MaxBatch, runKeys: runKeys, stopped: make(chan struct{}), keys: make(map[key]ref), used: make(map[int64]int64)}
	if l.now == nil {
		l.now = time.Now
	}
	if l.maxBatch <= 0 {
		l.maxBatch = 256
	}
	if cfg.Readers <= 0 {
		cfg.Readers = 4
	}
	l.jobs = make(chan *job, 2*l.maxBatch)
	open := l.open
	if cfg.ReadOnly {
		open = l.openReadOnly
	}
	if err := open(cfg); err != nil {
		return nil, unavailable(err)
	}
	go l.loop()
	return l, nil
}

func (l *Ledger) open(cfg Config) (err error) {
	file, err := os.OpenFile(cfg.Path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	if err := l.take(cfg.Path); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.closeConns())
		}
	}()
	if l.conn, err = sqlite.OpenConn(cfg.Path, sqlite.OpenReadWrite); err != nil {
		return err
	}
	if err := l.setUp(); err != nil {
		return err
	}
	if l.others, err = dataVersion(l.conn); err != nil {
		return err
	}
	if err := l.load(l.conn); err != nil {
		return err
	}
	l.readers, err = newReaders(cfg)
	return err
}

// openReadOnly opens nothing that could write.
func (l *Ledger) openReadOnly(cfg Config) (err error) {
	l.failed = protocol.New(protocol.CodeServiceUnavailable, "", "", "the ledger was opened for reading only")
	if l.readers, err = newReaders(cfg); err != nil {
		return err
	}
	err = l.read(context.Background(), func(conn *sqlite.Conn) error {
		if err := checkVersion(conn); err != nil {
			return err
		}
		return l.load(conn)
	})
	if err != nil {
		err = errors.Join(err, l.closeConns())
	}
	return err
}

func newReaders(cfg Config) (*sqlitex.Pool, error) {
	return sqlitex.NewPool(cfg.Path, sqlitex.PoolOptions{Flags: sqlite.OpenReadOnly, PoolSize: cfg.Readers, PrepareConn: setReader})
}

// take makes sure that no other process writes this file, by locking an empty
// database beside it for as long as it is open. (The file itself is locked for
// moments only, so that others can read it.)
func (l *Ledger) take(path string) (err error) {
	if l.lock, err = sqlite.OpenConn(path+".lock", sqlite.OpenReadWrite, sqlite.OpenCreate); err != nil {
		return err
	}
	l.lock.SetBusyTimeout(time.Second) // for the one before, which may be ending
	if err = sqlitex.ExecuteTransient(l.lock, "BEGIN EXCLUSIVE", nil); err != nil {
		return errors.Join(err, l.lock.Close())
	}
	return nil
}

// setUp sets what the promise of durability rests on. fullfsync is for macOS,
// where a plain fsync does not reach the disk; elsewhere it changes nothing.
//
// Foreign keys are not looked up for each row: the decision that writes it has
// just read the other one, and what is referred to can never be deleted. The
// audit looks them all up.
func (l *Ledger) setUp() error {
	l.conn.SetInterrupt(nil)
	l.conn.SetBusyTimeout(10 * time.Second)
	for _, pragma := range []string{
		"PRAGMA journal_mode = WAL",
		"PRAGMA synchronous = FULL",
		"PRAGMA fullfsync = ON",
		"PRAGMA foreign_keys = OFF",
		"PRAGMA trusted_schema = OFF",
		"PRAGMA temp_store = MEMORY",
		"PRAGMA cache_size = -16384",
		"PRAGMA wal_autocheckpoint = 4000",
	} {
		if err := sqlitex.ExecuteTransient(l.conn, pragma, nil); err != nil {
			return err
		}
	}
	var mode string
	if _, err := queryRow(l.conn, "PRAGMA journal_mode", nil, func(r *sqlite.Stmt) { mode = r.ColumnText(0) }); err != nil {
		return err
	}
	if mode != "wal" {
		return &fs.PathError{Op: "journal_mode", Err: errors.ErrUnsupported}
	}
	return prepare(l.conn)
}

func setReader(conn *sqlite.Conn) error {
	conn.SetBusyTimeout(10 * time.Second)
	return sqlitex.ExecuteScript(conn, "PRAGMA query_only = ON; PRAGMA cache_size = -4096;", nil)
}

// Close waits for all that was queued, writes it, and closes the file. Calls
// after Close fail with service_unavailable. Close may be called again.
func (l *Ledger) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		<-l.stopped
		return nil
	}
	l.closed = true
	close(l.jobs)
	l.mu.Unlock()
	<-l.stopped
	return l.closeConns()
}

// closeConns closes what is open, the lock last.
func (l *Ledger) closeConns() error {
	var errs []error
	if l.readers != nil {
		errs = append(errs, l.readers.Close())
	}
	for _, conn := range []*sqlite.Conn{l.conn, l.lock} {
		if conn != nil {
			errs = append(errs, conn.Close())
		}
	}
	return errors.Join(errs...)
}
