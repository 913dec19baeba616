package server

import (
	"context"
	"log/slog"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
)

const (
	reportBatch   = 32 // most events that a kill makes be reported twice
	reportTimeout = 30 * time.Second
	firstPause    = 100 * time.Millisecond
	longestPause  = time.Minute
	reportLook    = time.Second // until what other processes were asked to pay is seen
)

// reporter hands the ledger's events over, in order and at least once. What it
// has reached is in the ledger, nowhere else.
type reporter struct {
	ledger book.Book
	report func(context.Context, book.Event) error
	log    *slog.Logger
	more   chan struct{}
	cancel context.CancelFunc
	ended  chan struct{}
}

// startReporter starts one that begins with what an earlier process left. With
// a nil report there is nothing to do, and it does nothing.
func startReporter(l book.Book, report func(context.Context, book.Event) error, log *slog.Logger) *reporter {
	ctx, cancel := context.WithCancel(context.Background())
	r := &reporter{ledger: l, report: report, log: log, more: make(chan struct{}, 1), cancel: cancel, ended: make(chan struct{})}
	if report == nil {
		close(r.ended)
	} else {
		go r.run(ctx)
	}
	return r
}

// wake says that there is an event. It never waits.
func (r *reporter) wake() {
	select {
	case r.more <- struct{}{}:
	default:
	}
}

func (r *reporter) stop() {
	r.cancel()
	<-r.ended
}

func (r *reporter) run(ctx context.Context) {
	defer close(r.ended)
	pause := firstPause
	for ctx.Err() == nil {
		taken, err := r.batch(ctx)
		if taken > 0 {
			pause = firstPause
		}
		switch {
		case err != nil && ctx.Err() == nil:
			r.log.LogAttrs(ctx, slog.LevelWarn, "events wait to be reported", slog.String("code", string(protocol.AsError(err).Code)), slog.Duration("pause", pause))
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
			pause = min(2*pause, longestPause)
		case taken == 0: // nobody wakes it for the payments of other processes on the same book
			select {
			case <-r.more:
			case <-time.After(reportLook):
			case <-ctx.Done():
			}
		}
	}
}

// batch reports some events and acknowledges those that were taken, also when
// it is told to stop in between. It returns how many were taken.
func (r *reporter) batch(ctx context.Context) (taken int, err error) {
	events, err := r.ledger.Unreported(ctx, book.Attestation, reportBatch)
	if err != nil {
		return 0, err
	}
	for taken < len(events) && err == nil {
		if err = r.one(ctx, events[taken]); err == nil {
			taken++
		}
	}
	if taken > 0 {
		if unkept := r.ledger.Acknowledge(context.WithoutCancel(ctx), book.Attestation, events[taken-1].ID); unkept != nil {
			return 0, unkept
		}
	}
	return taken, err
}

func (r *reporter) one(ctx context.Context, e book.Event) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, reportTimeout)
	defer cancel()
	return r.report(ctx, e)
}
