package ledger

import (
	"context"
	"errors"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/protocol"
)

// A job is one unit of a batch: it runs alone inside the batch's transaction,
// decides before it writes, and returns an error only when the database failed.
// A refusal is a result, not an error. A job may be run more than once (a batch
// that failed is tried again one by one), so it sets its results anew each time.
type job struct {
	run  func(*tx) error
	done chan error
}

// tx is what a job sees of the transaction it runs in.
type tx struct {
	conn *sqlite.Conn
	now  time.Time
}

func (t *tx) exec(query string, args ...any) error {
	return queryRows(t.conn, query, args, func(*sqlite.Stmt) error { return nil })
}

func (t *tx) row(query string, args []any, row func(*sqlite.Stmt)) (bool, error) {
	return queryRow(t.conn, query, args, row)
}

// unix is the transaction's time in whole seconds.
func (t *tx) unix() int64 { return t.now.Unix() }

// write queues a job and waits until its batch is on the disk.
//
// When ctx ends before the job was queued nothing has happened
// (service_unavailable); when it ends while waiting, the job may still be done
// (outcome_unknown). A caller that moves money should rather wait: the queue is
// served in order and every job ends.
func (l *Ledger) write(ctx context.Context, run func(*tx) error) error {
	j := &job{run: run, done: make(chan error, 1)}
	if err := l.enqueue(ctx, j); err != nil {
		return err
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		return protocol.Wrap(protocol.CodeOutcomeUnknown, "", "", "the caller stopped waiting", ctx.Err())
	}
}

// decide writes what step decides, and returns its refusal or its error.
func (l *Ledger) decide(ctx context.Context, step func(*tx) (refusal, err error)) error {
	var refusal error
	err := l.write(ctx, func(t *tx) (err error) {
		refusal, err = step(t)
		return err
	})
	if err != nil {
		return err
	}
	return refusal
}

func (l *Ledger) enqueue(ctx context.Context, j *job) error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return protocol.New(protocol.CodeServiceUnavailable, "", "", "the ledger is closed")
	}
	if err := ctx.Err(); err != nil {
		return protocol.Wrap(protocol.CodeServiceUnavailable, "", "", "nothing was begun", err)
	}
	select {
	case l.jobs <- j:
		return nil
	case <-ctx.Done():
		return protocol.Wrap(protocol.CodeServiceUnavailable, "", "", "the queue is full, nothing was begun", ctx.Err())
	}
}

// loop is the one writer. It ends when Close has closed the queue and all that
// was queued is done.
func (l *Ledger) loop() {
	defer close(l.stopped)
	batch := make([]*job, 0, l.maxBatch)
	for first := range l.jobs {
		batch = append(batch[:0], first)
	gather:
		for len(batch) < l.maxBatch {
			select {
			case j, ok := <-l.jobs:
				if !ok {
					break gather
				}
				batch = append(batch, j)
			default:
				break gather
			}
		}
		l.commit(batch)
	}
}

// commit runs a batch in one transaction. Should one of its jobs fail, the
// whole is rolled back and each job gets a transaction of its own, so that the
// failure stays with the one that caused it.
func (l *Ledger) commit(batch []*job) {
	err := l.transaction(batch)
	if err != nil && len(batch) > 1 && l.failed == nil {
		for _, j := range batch {
			j.done <- unavailable(l.transaction([]*job{j}))
		}
		return
	}
	for _, j := range batch {
		j.done <- unavailable(err)
	}
}

// transaction runs jobs and commits. After an error nothing of them remains,
// with one exception: when the commit itself fails nobody can know what the
// disk holds. The ledger then refuses all further work until it is opened
// again, which recovers the file.
func (l *Ledger) transaction(jobs []*job) (err error) {
	if l.failed != nil {
		return l.failed
	}
	t := &tx{conn: l.conn, now: l.now()}
	if err := t.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err := l.runAll(t, jobs); err != nil {
		if rollback := t.exec("ROLLBACK"); rollback != nil && !l.conn.AutocommitEnabled() {
			l.failed = rollback
		}
		return err
	}
	if err := t.exec("COMMIT"); err != nil {
		l.failed = protocol.Wrap(protocol.CodeOutcomeUnknown, "", "", "the commit failed", err)
		return l.failed
	}
	return nil
}

func (l *Ledger) runAll(t *tx, jobs []*job) error {
	if err := l.purge(t); err != nil {
		return err
	}
	for _, j := range jobs {
		if err := j.run(t); err != nil {
			return err
		}
	}
	return nil
}

// purgeEvery is the time between two purges of nonces, purgeAtMost the number
// of nonces one batch removes, so that no payment waits long for the broom.
const (
	purgeEvery  = time.Minute
	purgeAtMost = 10_000
)

// purge forgets nonces whose time is over. It runs with the traffic, inside a
// batch, so that an idle ledger does nothing.
func (l *Ledger) purge(t *tx) error {
	if t.now.Sub(l.purged) < purgeEvery {
		return nil
	}
	err := t.exec("DELETE FROM nonces WHERE (scope, nonce) IN (SELECT scope, nonce FROM nonces WHERE until <= ? LIMIT ?)",
		t.unix(), int64(purgeAtMost))
	if err == nil && t.conn.Changes() < purgeAtMost {
		l.purged = t.now
	}
	return err
}

// read runs a query in a snapshot of its own.
func (l *Ledger) read(ctx context.Context, run func(*sqlite.Conn) error) error {
	conn, err := l.readers.Take(ctx)
	if err != nil {
		return unavailable(err)
	}
	defer l.readers.Put(conn)
	if err := queryRows(conn, "BEGIN", nil, noRow); err != nil {
		return unavailable(err)
	}
	err = run(conn)
	return unavailable(errors.Join(err, queryRows(conn, "ROLLBACK", nil, noRow)))
}

func noRow(*sqlite.Stmt) error { return nil }

// unavailable turns what the database says into an undetermined error; errors
// of our own are passed on.
func unavailable(err error) error {
	if err == nil {
		return nil
	}
	var own *protocol.Error
	if errors.As(err, &own) {
		return own
	}
	return protocol.Wrap(protocol.CodeServiceUnavailable, "", "", "the ledger did not answer", err)
}
