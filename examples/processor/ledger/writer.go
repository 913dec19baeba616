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
	run   func(*tx) error
	apart bool // touches what is hot by its own methods only
	done  chan error
}

// tx is what a job sees of the transaction it runs in.
type tx struct {
	*Ledger
	now  time.Time
	keys map[key]ref     // of facts that this transaction has made
	used map[int64]int64 // nonces that it has used, and until when they are kept
}

func (t *tx) exec(query string, args ...any) error {
	return queryRows(t.conn, query, args, func(*sqlite.Stmt) error { return nil })
}

func (t *tx) row(query string, args []any, row func(*sqlite.Stmt)) (bool, error) {
	return queryRow(t.conn, query, args, row)
}

// unix is the transaction's time in whole seconds.
func (t *tx) unix() int64 { return t.now.Unix() }

// write queues a job and waits until its batch is on the disk. The job may read
// and change any table.
//
// When ctx ends before the job was queued nothing has happened
// (service_unavailable); when it ends while waiting, the job may still be done
// (outcome_unknown). A caller that moves money should rather wait: the queue is
// served in order and every job ends.
//
// After an error a variable that the job sets must not be read: the job may
// still be running, or yet to come.
func (l *Ledger) write(ctx context.Context, run func(*tx) error) error {
	return l.wait(ctx, &job{run: run, done: make(chan error, 1)})
}

// writeApart is write for a job that may share its transaction's memory with
// payments: what is hot it reads and changes by the methods of tx alone.
func (l *Ledger) writeApart(ctx context.Context, run func(*tx) error) error {
	return l.wait(ctx, &job{run: run, apart: true, done: make(chan error, 1)})
}

func (l *Ledger) wait(ctx context.Context, j *job) error {
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

// Writable returns nil when a payment could be written now. The book may still be
// read when it cannot: after a commit that failed, for example, or when another
// process has written.
func (l *Ledger) Writable(ctx context.Context) error {
	return l.writeApart(ctx, func(*tx) error { return nil })
}

// decide writes what step decides, and returns its refusal or its error.
func (l *Ledger) decide(ctx context.Context, step func(*tx) (refusal, err error)) error {
	return decideBy(ctx, l.write, step)
}

// decideApart is decide as writeApart is write.
func (l *Ledger) decideApart(ctx context.Context, step func(*tx) (refusal, err error)) error {
	return decideBy(ctx, l.writeApart, step)
}

func decideBy(ctx context.Context, write func(context.Context, func(*tx) error) error, step func(*tx) (refusal, err error)) error {
	var refusal error
	err := write(ctx, func(t *tx) (err error) {
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
	p := newPace()
	for first := range l.jobs {
		batch = p.gather(append(batch[:0], first), l.jobs)
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
// with one exception: when the commit itself fails, other than because the disk
// is full, nobody can know what the disk holds. The ledger then refuses all
// further work until it is opened again, which recovers the file.
func (l *Ledger) transaction(jobs []*job) (err error) {
	if l.failed != nil {
		return l.failed
	}
	t := &tx{Ledger: l, now: l.now(), keys: l.keys, used: l.used}
	clear(t.keys)
	clear(t.used)
	if err := t.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	after, err := t.runAll(jobs)
	if err != nil {
		l.hot.dirty = l.hot.dirty[:0]
		l.hot.clear()
		if rollback := t.exec("ROLLBACK"); rollback != nil && !l.conn.AutocommitEnabled() {
			l.failed = rollback
		}
		return err
	}
	if err := t.exec("COMMIT"); err != nil {
		return t.uncommitted(err)
	}
	t.publish(after)
	return nil
}

// uncommitted deals with a commit that failed. On a full disk it is certain that
// the record which makes a commit of the log's last pages was not written: it is
// the last one, and nothing is written behind it. The transaction is taken back,
// and when there is room again the ledger goes on.
func (t *tx) uncommitted(cause error) error {
	t.hot.clear()
	if sqlite.ErrCode(cause).ToPrimary() == sqlite.ResultFull {
		if t.conn.AutocommitEnabled() || t.exec("ROLLBACK") == nil {
			return cause
		}
	}
	t.failed = protocol.Wrap(protocol.CodeOutcomeUnknown, "", "", "the commit failed", cause)
	return t.failed
}

// errOthers says that somebody else has appended to the file: what this process
// has in memory is not all that there is.
var errOthers = protocol.New(protocol.CodeServiceUnavailable, "", "", "another process has written to the ledger")

// alone makes sure that memory is as the file is. Of rows that somebody else has
// written, nothing is remembered; of facts, this process could know neither
// requests nor orders, and so it ends its work until it is opened again.
func (t *tx) alone() error {
	version, err := dataVersion(t.conn)
	if err != nil || version == t.others {
		return err
	}
	t.hot.clear()
	there, err := latest(t.conn)
	if err == nil && there > t.last {
		t.failed, err = errOthers, errOthers
	}
	if err == nil {
		t.others = version
	}
	return err
}

func (t *tx) runAll(jobs []*job) (after func(), err error) {
	if err := t.alone(); err != nil {
		return nil, err
	}
	if err := t.purge(); err != nil {
		return nil, err
	}
	for _, j := range jobs {
		if err := t.runOne(j); err != nil {
			return nil, err
		}
	}
	if err := t.flush(); err != nil {
		return nil, err
	}
	return t.index.spill(t)
}

// runOne runs a job; around one that goes its own ways, the tables have
// everything and memory has nothing.
func (t *tx) runOne(j *job) error {
	if j.apart {
		return j.run(t)
	}
	if err := t.flush(); err != nil {
		return err
	}
	if err := j.run(t); err != nil {
		return err
	}
	err := t.flush()
	t.hot.clear()
	return err
}

// publish lets others see what the transaction, now on the disk, has made.
func (t *tx) publish(after func()) {
	x := &t.index
	x.mu.Lock()
	defer x.mu.Unlock()
	for k, to := range t.keys {
		x.fresh[k] = to
	}
	for short, until := range t.used {
		x.nonces.add(short, until)
	}
	if after != nil {
		after()
	}
	if x.frozen == nil && len(x.fresh) >= t.runKeys {
		x.freeze(t.last)
	}
	if t.purged.Equal(t.now) {
		x.nonces.forget(t.now)
	}
	if t.hot.full() {
		t.hot.clear()
	}
}

// find leads from a key to its fact, seen from inside the transaction.
func (t *tx) find(k key) (to ref, found bool, err error) {
	if to, found = t.keys[k]; found {
		return to, true, nil
	}
	to, found, maybe := t.index.known(k)
	if !found && maybe != nil {
		return look(t.conn, k, maybe)
	}
	return to, found, nil
}

// purgeEvery is the time between two purges of nonces, purgeAtMost the number
// of nonces one batch removes, so that no payment waits long for the broom.
const (
	purgeEvery  = time.Minute
	purgeAtMost = 10_000
)

// purge removes nonces whose time is over. It runs with the traffic, inside a
// batch, so that an idle ledger does nothing. It goes through the table a
// stretch at a time, and begins anew when it has reached the end.
func (t *tx) purge() error {
	if t.now.Sub(t.purged) < purgeEvery {
		return nil
	}
	var last, n int64
	if _, err := t.row("SELECT max(id), count(*) FROM (SELECT id FROM nonces WHERE id > ? ORDER BY id LIMIT ?)", []any{t.swept, int64(purgeAtMost)},
		func(r *sqlite.Stmt) { last, n = r.ColumnInt64(0), r.ColumnInt64(1) }); err != nil {
		return err
	}
	if err := t.exec("DELETE FROM nonces WHERE id > ? AND id <= ? AND until <= ?", t.swept, last, t.unix()); err != nil {
		return err
	}
	if t.swept = last; n < purgeAtMost {
		t.swept, t.purged = 0, t.now
	}
	return nil
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
	conn.SetInterrupt(nil) // or a caller who has gone would leave the next one inside this transaction
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
