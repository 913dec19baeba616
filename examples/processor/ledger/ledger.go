package ledger

import (
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
}

var _ book.Book = (*Ledger)(nil)

// A Ledger is the book, open for reading and writing. Its methods may be called
// from any goroutine.
//
// Two processes should not share a file. It does no harm (every decision is a
// transaction on the file, nothing is kept in memory), but they wait for each
// other.
type Ledger struct {
	now      func() time.Time
	maxBatch int
	readers  *sqlitex.Pool
	jobs     chan *job
	stopped  chan struct{}

	mu     sync.RWMutex // guards closed and the closing of jobs
	closed bool

	// Touched by the writer only.
	conn   *sqlite.Conn
	failed error
	purged time.Time
}

// Open opens the book, making it when the file is absent or empty, and starts
// its writer. A file that a killed process left behind is recovered.
func Open(cfg Config) (*Ledger, error) {
	if cfg.Path == "" {
		return nil, protocol.New(protocol.CodeFieldMissing, "Path", "", "the ledger needs a file")
	}
	l := &Ledger{now: cfg.Now, maxBatch: cfg.MaxBatch, stopped: make(chan struct{})}
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
	if err := l.open(cfg); err != nil {
		return nil, unavailable(err)
	}
	go l.loop()
	return l, nil
}

func (l *Ledger) open(cfg Config) error {
	file, err := os.OpenFile(cfg.Path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	if l.conn, err = sqlite.OpenConn(cfg.Path, sqlite.OpenReadWrite); err != nil {
		return err
	}
	if err := l.setUp(); err != nil {
		return errors.Join(err, l.conn.Close())
	}
	l.readers, err = sqlitex.NewPool(cfg.Path, sqlitex.PoolOptions{
		Flags:       sqlite.OpenReadOnly,
		PoolSize:    cfg.Readers,
		PrepareConn: setReader,
	})
	if err != nil {
		return errors.Join(err, l.conn.Close())
	}
	return nil
}

// setUp sets what the promise of durability rests on. fullfsync is for macOS,
// where a plain fsync does not reach the disk; elsewhere it changes nothing.
func (l *Ledger) setUp() error {
	l.conn.SetInterrupt(nil)
	l.conn.SetBusyTimeout(10 * time.Second)
	for _, pragma := range []string{
		"PRAGMA journal_mode = WAL",
		"PRAGMA synchronous = FULL",
		"PRAGMA fullfsync = ON",
		"PRAGMA foreign_keys = ON",
		"PRAGMA trusted_schema = OFF",
		"PRAGMA temp_store = MEMORY",
		"PRAGMA cache_size = -65536",
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
	return sqlitex.ExecuteTransient(conn, "PRAGMA query_only = ON", nil)
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
	return errors.Join(l.readers.Close(), l.conn.Close())
}
