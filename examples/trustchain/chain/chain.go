package chain

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/trustlog"
)

// Config is what [Open] needs. Path, Chain, Signer and Channels are required.
type Config struct {
	Path     string       // of the SQLite file; made, readable by its owner only, when absent
	Chain    string       // name of the chain, see trustlog.Trust
	Signer   *keys.Signer // Ed25519, of purpose anchor
	Channels []string     // made when absent; those in the file that are not named are not served

	// Witnesses are asked for cosignatures, and Quorum is how many a checkpoint
	// needs before it is published; 0 means all.
	Witnesses []Witness
	Quorum    int
	// WitnessTime is how long one publication waits for them; 5 seconds when
	// zero.
	WitnessTime time.Duration

	Now      func() time.Time // time.Now when nil
	MaxBatch int              // most anchors in one commit; 1024 when zero
	MaxTiles int              // full tiles kept in memory, 16 KiB each; 4096 when zero
	Readers  int              // connections for reading; 4 when zero
}

// A Chain is a set of logs, open for appending and reading. Its methods may be
// called from any goroutine.
//
// One process at a time: a second one that appends to the file makes the first
// refuse all further work.
type Chain struct {
	config  Config
	readers *sqlitex.Pool
	logs    map[string]*log // by channel; fixed after Open
	jobs    chan *job
	stopped chan struct{}

	mu     sync.RWMutex // guards closed and the closing of jobs
	closed bool

	// Touched by the writer only.
	conn   *sqlite.Conn
	failed error
}

// A log is that of one channel.
type log struct {
	id      int64
	channel string
	origin  string
	now     atomic.Pointer[state]
	cache   *cache
	known   []int64 // what each witness is believed to have; the writer's only
}

// A state is what is durable of a log, and what is published of it.
type state struct {
	tree      *tree
	published trustlog.Checkpoint // Note has the signatures
}

// Open opens the file, makes what is missing, checks that the trees in it are
// those that were published, and starts the writer. A file that a killed
// process left behind is recovered.
func Open(ctx context.Context, c Config) (*Chain, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	chain := &Chain{config: c, logs: make(map[string]*log), jobs: make(chan *job, 2*c.MaxBatch), stopped: make(chan struct{})}
	if err := chain.open(ctx); err != nil {
		return nil, errors.Join(unavailable(err), chain.closeFiles())
	}
	go chain.loop()
	return chain, nil
}

func (c *Config) check() error {
	if c.Path == "" || len(c.Channels) == 0 {
		return protocol.New(protocol.CodeFieldMissing, "path", "", "the chain needs a file and a channel")
	}
	if c.Signer == nil || c.Signer.Purpose() != keys.Anchor || c.Signer.Public().Algorithm() != keys.EdDSA {
		return protocol.New(protocol.CodeKeyPurpose, "signer", "ADD-IAC-ISS-12", "an Ed25519 key of purpose anchor")
	}
	if err := c.trust().Check(); err != nil {
		return err
	}
	def := func(n *int, value int) {
		if *n <= 0 {
			*n = value
		}
	}
	def(&c.MaxBatch, 1024)
	def(&c.MaxTiles, 4096)
	def(&c.Readers, 4)
	if c.WitnessTime <= 0 {
		c.WitnessTime = 5 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return nil
}

// trust is what our own clients are to be configured with.
func (c *Config) trust() trustlog.Trust {
	t := trustlog.Trust{Chain: c.Chain, Keys: []keys.PublicKey{c.Signer.Public()}, Quorum: c.Quorum, Now: c.Now}
	for _, w := range c.Witnesses {
		t.Witnesses = append(t.Witnesses, w.Identity())
	}
	return t
}

func (c *Chain) open(ctx context.Context) error {
	file, err := os.OpenFile(c.config.Path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	if c.conn, err = sqlite.OpenConn(c.config.Path, sqlite.OpenReadWrite); err != nil {
		return err
	}
	c.conn.SetBusyTimeout(10 * time.Second)
	if err := setUp(c.conn); err != nil {
		return err
	}
	c.readers, err = sqlitex.NewPool(c.config.Path, sqlitex.PoolOptions{
		Flags: sqlite.OpenReadOnly, PoolSize: c.config.Readers,
		PrepareConn: func(conn *sqlite.Conn) error {
			conn.SetBusyTimeout(10 * time.Second)
			return sqlitex.ExecuteTransient(conn, "PRAGMA query_only = ON", nil)
		},
	})
	if err != nil {
		return err
	}
	for _, channel := range c.config.Channels {
		l, err := c.load(channel)
		if err != nil {
			return err
		}
		c.logs[channel] = l
		// An empty log has a checkpoint too; one that was killed before its
		// witnesses had signed is published now, and one that has got more
		// witnesses since, again. When they do not answer, what was published
		// is served, and the next anchor tries again.
		s := l.now.Load()
		_, short := c.config.trust().Checkpoint(channel, s.published.Note)
		if short != nil || s.published.Size < s.tree.size {
			if err := c.publish(ctx, l); err != nil && (c.failed != nil || s.published.Note == nil) {
				return err
			}
		}
	}
	return nil
}

// load reads the log of a channel, and makes an empty one when there is none.
func (c *Chain) load(channel string) (*log, error) {
	origin, err := trustlog.Origin(c.config.Chain, channel)
	if err != nil {
		return nil, err
	}
	l := &log{channel: channel, origin: origin, cache: newCache(c.config.MaxTiles), known: make([]int64, len(c.config.Witnesses))}
	if err := exec(c.conn, "INSERT INTO channels (origin, size) VALUES (?, 0) ON CONFLICT DO NOTHING", origin); err != nil {
		return nil, err
	}
	t := &tree{}
	if _, err := one(c.conn, "SELECT id, size FROM channels WHERE origin = ?", []any{origin}, func(s *sqlite.Stmt) {
		l.id, t.size = s.ColumnInt64(0), s.ColumnInt64(1)
	}); err != nil {
		return nil, err
	}
	for level := 0; t.size>>(height*level) > 0; level++ {
		at, wide := edge(t.size, level)
		e := &tile{}
		if wide > 0 {
			data, err := readTile(c.conn, l.id, at)
			if err != nil {
				return nil, err
			}
			if len(data) != wide*tlog.HashSize {
				return nil, errBroken
			}
			e = newTile(data)
		}
		t.edges = append(t.edges, *e)
	}
	s := &state{tree: t}
	if err := c.loadPublished(l, s); err != nil {
		return nil, err
	}
	l.now.Store(s)
	return l, nil
}

// loadPublished reads the last checkpoint that was published, and computes that
// the tree in the file has it. A tree that does not would become a fork with
// the next signature.
func (c *Chain) loadPublished(l *log, s *state) error {
	var note []byte
	found, err := one(c.conn, "SELECT size, note FROM checkpoints WHERE channel = ? ORDER BY size DESC LIMIT 1", []any{l.id}, func(r *sqlite.Stmt) {
		s.published.Size, note = r.ColumnInt64(0), column(r, 1)
	})
	if err != nil || !found {
		return err
	}
	// The signatures are those of our own key, and of the witnesses of the time.
	own := trustlog.Trust{Chain: c.config.Chain, Keys: []keys.PublicKey{c.config.Signer.Public()}, Now: c.config.Now}
	signed, err := own.Checkpoint(l.channel, note)
	if err != nil {
		return err
	}
	if signed.Size != s.published.Size || signed.Size > s.tree.size {
		return errBroken
	}
	s.published = *signed
	root, err := tlog.TreeHash(signed.Size, c.reader(l, s.tree, c.conn))
	if err != nil {
		return err
	}
	if root != signed.Root {
		return errBroken
	}
	return nil
}

// Close waits for all that was queued, writes it, and closes the file. Calls
// after Close fail with service_unavailable. Close may be called again.
func (c *Chain) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		<-c.stopped
		return nil
	}
	c.closed = true
	close(c.jobs)
	c.mu.Unlock()
	<-c.stopped
	return c.closeFiles()
}

func (c *Chain) closeFiles() error {
	var errs []error
	if c.readers != nil {
		errs = append(errs, c.readers.Close())
	}
	if c.conn != nil {
		errs = append(errs, c.conn.Close())
	}
	return errors.Join(errs...)
}

// Trust is what clients of this chain are to be configured with.
func (c *Chain) Trust() trustlog.Trust { return c.config.trust() }

// unavailable turns what the database says into an undetermined error; errors
// of our own are passed on.
func unavailable(err error) error {
	var own *protocol.Error
	if err == nil || errors.As(err, &own) {
		return err
	}
	return protocol.Wrap(protocol.CodeServiceUnavailable, "chain", "TSD-ATT-SVF-03", "the chain did not answer", err)
}
