package postgres

import (
	"context"
	"errors"
	"regexp"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
)

// DefaultSchema is the schema that holds the book.
const DefaultSchema = "act"

// Config is what [Open] needs.
type Config struct {
	// DSN says where the database is, as a URL (postgres://...) or in libpq's
	// keywords and values. A password belongs into the environment (PGPASSWORD)
	// or a password file rather than here.
	DSN string

	// Schema of the database in which the book is: DefaultSchema when empty,
	// made when it is absent. Lower-case letters, digits and underscores.
	Schema string

	// Now is the clock of a test. When nil it is the database's, which all
	// processes that share the book have in common.
	Now func() time.Time

	// Connections to the database, at most; 8 when zero. Half of them make
	// payments, the others do everything else.
	Connections int

	// MaxBatch is the most payments that share a transaction; 32 when zero, at
	// most 256. Only payments that wait at the same time ever share one.
	MaxBatch int

	// ReadOnly opens a book that there is, to audit it for example, and makes
	// none: a database without one is service_unavailable, as is whatever would
	// write.
	ReadOnly bool
}

// A Store is the book, open for reading and writing. Its methods may be called
// from any goroutine, and any number of processes may have one open.
type Store struct {
	now      func() time.Time // nil: the database's clock
	maxBatch int
	pool     *pgxpool.Pool
	jobs     chan *job
	lookups  chan *lookup
	workers  sync.WaitGroup
	stop     context.CancelFunc // of the broom

	mu     sync.RWMutex // guards closed and the closing of the queues
	closed bool
}

var _ book.Book = (*Store)(nil)

// schemaName is what a schema may be called, so that it never needs quoting.
var schemaName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,47}$`)

// Open connects, makes the book's tables and functions when they are absent,
// and starts the store. A book that was made by another version of this program,
// a server that does not keep what it has committed (fsync off), and one whose
// locks keep nobody out, are refused with service_unavailable, as is a database
// that does not answer; the cause is in the chain of the error.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.Schema == "" {
		cfg.Schema = DefaultSchema
	}
	if !schemaName.MatchString(cfg.Schema) {
		return nil, protocol.New(protocol.CodeFieldInvalid, "Schema", "", "lower-case letters, digits and underscores")
	}
	if cfg.Connections <= 0 {
		cfg.Connections = 8
	}
	cfg.Connections = max(cfg.Connections, 2)
	if cfg.MaxBatch <= 0 {
		cfg.MaxBatch = 32
	}
	pool, err := connect(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if cfg.ReadOnly {
		err = inspect(ctx, pool, cfg.Schema)
	} else if err = probe(ctx, pool); err == nil {
		err = prepare(ctx, pool, cfg.Schema)
	}
	if err != nil {
		pool.Close()
		return nil, unavailable(err)
	}
	s := &Store{now: cfg.Now, maxBatch: min(cfg.MaxBatch, 256), pool: pool}
	s.jobs = make(chan *job, 2*s.maxBatch)
	s.lookups = make(chan *lookup, 2*s.maxBatch)
	for range cfg.Connections / 2 {
		s.workers.Go(s.payAll)
	}
	s.workers.Go(s.lookUpAll)
	sweeping, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	if !cfg.ReadOnly {
		s.workers.Go(func() { s.sweep(sweeping) })
	}
	return s, nil
}

// connect makes the pool. What the promises rest on is set for each connection,
// whatever the database's own defaults are.
func connect(ctx context.Context, cfg Config) (*pgxpool.Pool, error) {
	pool, err := pgxpool.ParseConfig(cfg.DSN)
	if err != nil {
		return nil, protocol.New(protocol.CodeFieldInvalid, "DSN", "", "neither a URL nor keywords and values") // the error may quote a password
	}
	pool.MaxConns = int32(cfg.Connections)
	pool.MinIdleConns = 1
	pool.ConnConfig.ConnectTimeout = 5 * time.Second
	for name, value := range map[string]string{
		"application_name":                    "act-processor",
		"search_path":                         cfg.Schema + ", pg_temp",
		"timezone":                            "UTC",
		"synchronous_commit":                  "on",
		"default_transaction_isolation":       "read committed",
		"statement_timeout":                   "10s",
		"lock_timeout":                        "8s",
		"idle_in_transaction_session_timeout": "10s",
		"jit":                                 "off",
		"plan_cache_mode":                     "force_generic_plan",
	} {
		pool.ConnConfig.RuntimeParams[name] = value
	}
	if cfg.ReadOnly {
		pool.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	}
	p, err := pgxpool.NewWithConfig(ctx, pool)
	if err != nil {
		return nil, unavailable(err)
	}
	return p, nil
}

// Writable returns nil when the database answers and takes what is written: one
// that another database has taken over from still answers questions.
func (s *Store) Writable(ctx context.Context) error {
	var readOnly bool
	if _, err := s.one(ctx, "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool", nil, &readOnly); err != nil {
		return err
	}
	if readOnly {
		return unavailable(errReadOnly)
	}
	return nil
}

// Close waits for all that was queued, writes it, and closes the connections.
// Calls after Close fail with service_unavailable. Close may be called again.
func (s *Store) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.jobs)
		close(s.lookups)
		s.stop()
	}
	s.mu.Unlock()
	s.workers.Wait()
	s.pool.Close()
	return nil
}

// clock is what functions of the database take for the time: nil for their own.
func (s *Store) clock() *time.Time {
	if s.now == nil {
		return nil
	}
	now := s.now()
	return &now
}

// sweepEvery is the time between two sweeps of nonces, sweepAtMost the number
// of nonces that one statement removes.
const (
	sweepEvery  = time.Minute
	sweepAtMost = 10_000
)

// sweep forgets nonces whose time is over, until ctx ends. Should the database
// not answer, the next minute will do.
func (s *Store) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for {
			n, err := s.forget(ctx)
			if err != nil || n < sweepAtMost {
				break
			}
		}
	}
}

// forget removes some nonces whose time is over. What another process removes
// at the same moment is left to it.
func (s *Store) forget(ctx context.Context) (int64, error) {
	tag, err := s.pool.Exec(ctx, `DELETE FROM nonces WHERE key IN (SELECT key FROM nonces
		WHERE until <= coalesce($1, clock_timestamp()) LIMIT $2 FOR UPDATE SKIP LOCKED)`, s.clock(), sweepAtMost)
	return tag.RowsAffected(), unavailable(err)
}

var (
	errClosed   = errors.New("postgres: the store is closed")
	errReadOnly = errors.New("postgres: the database can only be read")
)
