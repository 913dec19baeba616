package chain

import (
	"context"
	"errors"

	"golang.org/x/mod/sumdb/tlog"
	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/trustlog"
)

// An Entry is one anchor to be appended.
type Entry struct {
	Channel  string
	RecordID string
	Token    []byte // compact JWS
}

// A job is an entry on its way. The writer sets index and token: those of the
// entry, or those of an earlier one for the same record.
type job struct {
	entry Entry
	log   *log
	index int64
	token []byte
	first *trustlog.Checkpoint // the first that covers it, when that is new
	done  chan error
}

// Append puts an anchor at the end of its channel's log, and returns its proof
// once it is on the disk and under a published checkpoint. When the log has an
// anchor of the record already, that one's proof is returned, with its token: the
// caller compares.
//
// An error that is undetermined leaves open whether the anchor is there; append
// it again.
func (c *Chain) Append(ctx context.Context, e Entry) (*trustlog.UnverifiedProof, error) {
	l := c.logs[e.Channel]
	if l == nil {
		return nil, unknownChannel()
	}
	j := &job{entry: e, log: l, done: make(chan error, 1)}
	if err := c.enqueue(ctx, j); err != nil {
		return nil, err
	}
	select {
	case err := <-j.done:
		if err != nil {
			return nil, unavailable(err)
		}
	case <-ctx.Done():
		return nil, protocol.Wrap(protocol.CodeOutcomeUnknown, "", "", "the caller stopped waiting", ctx.Err())
	}
	return c.prove(ctx, l, j.index, j.token, j.first)
}

func unknownChannel() error {
	return protocol.New(protocol.CodeNoMatch, "channel", "TSD-ATT-OCA-02", "no such channel here")
}

func (c *Chain) enqueue(ctx context.Context, j *job) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return protocol.New(protocol.CodeServiceUnavailable, "chain", "", "the chain is closed")
	}
	select {
	case c.jobs <- j:
		return nil
	case <-ctx.Done():
		return protocol.Wrap(protocol.CodeServiceUnavailable, "chain", "", "the queue is full, nothing was begun", ctx.Err())
	}
}

// loop is the one writer. It ends when Close has closed the queue and all that
// was queued is done.
func (c *Chain) loop() {
	defer close(c.stopped)
	batch := make([]*job, 0, c.config.MaxBatch)
	for first := range c.jobs {
		batch = append(batch[:0], first)
	gather:
		for len(batch) < c.config.MaxBatch {
			select {
			case j, ok := <-c.jobs:
				if !ok {
					break gather
				}
				batch = append(batch, j)
			default:
				break gather
			}
		}
		c.commit(batch)
	}
}

// commit appends a batch, has it published, and tells those who wait.
func (c *Chain) commit(batch []*job) {
	next, err := c.transaction(batch)
	if err != nil {
		for _, j := range batch {
			j.done <- err
		}
		return
	}
	for l, s := range next {
		before := l.now.Load().published.Size
		l.now.Store(s)
		err := error(nil)
		if s.published.Size < s.tree.size {
			err = c.publish(context.Background(), l)
		}
		published := l.now.Load().published
		for _, j := range batch {
			if j.log != l {
				continue
			}
			if err == nil && j.index >= before {
				j.first = &published
			}
			j.done <- err
		}
	}
}

// transaction writes a batch in one transaction and returns the states that
// follow. After an error nothing of it remains, with one exception: when the
// commit itself fails nobody can know what the disk holds, and the chain refuses
// all further work until it is opened again.
func (c *Chain) transaction(batch []*job) (map[*log]*state, error) {
	if c.failed != nil {
		return nil, c.failed
	}
	if err := exec(c.conn, "BEGIN IMMEDIATE"); err != nil {
		return nil, err
	}
	next, full, err := c.write(batch)
	if err != nil {
		if rollback := exec(c.conn, "ROLLBACK"); rollback != nil || errors.Is(err, errBehind) {
			c.failed = err
		}
		return nil, err
	}
	if err := exec(c.conn, "COMMIT"); err != nil {
		c.failed = protocol.Wrap(protocol.CodeOutcomeUnknown, "chain", "", "the commit failed", err)
		return nil, c.failed
	}
	for l, tiles := range full {
		for at, t := range tiles {
			l.cache.put(at, t)
		}
	}
	return next, nil
}

// write is what happens inside the transaction.
func (c *Chain) write(batch []*job) (map[*log]*state, map[*log]map[place]*tile, error) {
	next, full := make(map[*log]*state), make(map[*log]map[place]*tile)
	for _, j := range batch {
		s := next[j.log]
		if s == nil {
			was := j.log.now.Load()
			s = &state{tree: was.tree.clone(), published: was.published}
			next[j.log], full[j.log] = s, make(map[place]*tile)
		}
		if err := c.insert(j, s.tree, full[j.log]); err != nil {
			return nil, nil, err
		}
	}
	for l, s := range next {
		if err := c.grow(l, s, full[l]); err != nil {
			return nil, nil, err
		}
	}
	return next, full, nil
}

// insert appends one anchor to the tree, unless its record has one.
func (c *Chain) insert(j *job, t *tree, full map[place]*tile) error {
	record := recordKey(j.entry.RecordID)
	if t.size >= maxIndex {
		return protocol.New(protocol.CodeServiceUnavailable, "chain", "", "the log is full")
	}
	if err := exec(c.conn, "INSERT INTO anchors (seq, channel, record, token) VALUES (?, ?, ?, ?) ON CONFLICT (channel, record) DO NOTHING",
		seq(j.log.id, t.size), j.log.id, record, j.entry.Token); err != nil {
		return err
	}
	if c.conn.Changes() == 1 {
		j.index, j.token = t.size, j.entry.Token
		t.add(trustlog.Leaf(j.token), func(at place, done *tile) { full[at] = done })
		return nil
	}
	found, err := one(c.conn, "SELECT seq, token FROM anchors WHERE channel = ? AND record = ?", []any{j.log.id, record}, func(s *sqlite.Stmt) {
		j.index, j.token = s.ColumnInt64(0)&maxIndex, column(s, 1)
	})
	if err == nil && !found {
		err = errBroken
	}
	return err
}

// grow writes what a batch changed of a log: tiles, size and, where no witness
// has to be asked first, the checkpoint.
func (c *Chain) grow(l *log, s *state, full map[place]*tile) error {
	before := l.now.Load().tree.size
	if s.tree.size == before {
		return nil
	}
	const put = "INSERT INTO tiles (channel, level, n, data) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET data = excluded.data"
	for at, t := range full {
		if err := exec(c.conn, put, l.id, int64(at.level), at.n, t.bytes()); err != nil {
			return err
		}
	}
	for level := range s.tree.edges {
		at, wide := edge(s.tree.size, level)
		if wide == 0 {
			continue
		}
		if err := exec(c.conn, put, l.id, int64(level), at.n, s.tree.edges[level].bytes()); err != nil {
			return err
		}
	}
	if err := exec(c.conn, "UPDATE channels SET size = ? WHERE id = ? AND size = ?", s.tree.size, l.id, before); err != nil {
		return err
	}
	if c.conn.Changes() != 1 {
		return errBehind
	}
	if len(c.config.Witnesses) > 0 {
		return nil
	}
	root, err := s.tree.root()
	if err != nil {
		return err
	}
	s.published, err = c.sign(l, s.tree.size, root)
	if err != nil {
		return err
	}
	return c.keep(l, s.published)
}

// sign makes a checkpoint of a tree that is written, or will be before the
// signature leaves.
func (c *Chain) sign(l *log, size int64, root tlog.Hash) (trustlog.Checkpoint, error) {
	cp := trustlog.Checkpoint{Origin: l.origin, Size: size, Root: root, Time: c.config.Now()}
	signed, err := trustlog.SignCheckpoint(c.config.Signer, cp, cp.Time)
	cp.Note = signed
	return cp, err
}

// keep stores a checkpoint that is about to be published. One of the same size
// may be there, when it was not known whether an earlier attempt had been
// written: the two differ in times and signatures only.
func (c *Chain) keep(l *log, cp trustlog.Checkpoint) error {
	return exec(c.conn, "INSERT INTO checkpoints (channel, size, note) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", l.id, cp.Size, cp.Note)
}
