package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

const (
	noticeBatch    = 2048                   // most events that one transaction distributes
	noticeRound    = 32                     // most notices that a merchant is sent before its acknowledgements are kept
	noticeGather   = 100 * time.Millisecond // between two distributions, so that payments are distributed together
	noticeLook     = time.Second            // until what other processes and the desk did is seen
	noticeTimeout  = 10 * time.Second       // that a merchant has for its answer
	noticeFirst    = time.Second            // pause after a failure, then twice as long
	noticeLongest  = 15 * time.Minute
	noticeAtOnce   = 64      // most merchants that are being told at one time
	noticeDrain    = 4 << 10 // of an answer's body that is read, to use its connection again
	contentTypeACT = "application/json"
)

// A notifier tells merchants what happened to their trades (SPEC.md 6.14;
// PSD-PAY-INS-06, PSD-PAY-DEL-13): each one in order and at least once, and one
// that cannot be reached holds up nobody else. What it has reached is in the
// book, nowhere else, so that a process that was killed goes on where it was. Of
// several processes on one book each does it; a merchant then hears some things
// twice.
type notifier struct {
	book   book.Notices
	sign   func(book.Notice) ([]byte, error)
	client *http.Client
	log    *slog.Logger
	more   chan struct{}
	slots  chan struct{}
	cancel context.CancelFunc
	ended  chan struct{}

	mu    sync.Mutex
	lines map[string]*line // of merchants that are being told, or will not hear now
	tells sync.WaitGroup
}

// A line is what is known of one merchant that has something to hear.
type line struct {
	busy  bool
	pause time.Duration // after the last failure; 0 when there was none
	next  time.Time     // not before
}

func startNotifier(b book.Notices, sign func(book.Notice) ([]byte, error), client *http.Client, log *slog.Logger) *notifier {
	ctx, cancel := context.WithCancel(context.Background())
	n := &notifier{
		book: b, sign: sign, client: client, log: log, more: make(chan struct{}, 1), slots: make(chan struct{}, noticeAtOnce),
		cancel: cancel, ended: make(chan struct{}), lines: make(map[string]*line),
	}
	go n.run(ctx)
	return n
}

// wake says that there may be something to tell. It never waits.
func (n *notifier) wake() {
	select {
	case n.more <- struct{}{}:
	default:
	}
}

// stop ends the telling and waits for what is under way.
func (n *notifier) stop() {
	n.cancel()
	<-n.ended
	n.tells.Wait()
}

func (n *notifier) run(ctx context.Context) {
	defer close(n.ended)
	look := time.NewTicker(noticeLook)
	defer look.Stop()
	for {
		if err := n.distribute(ctx); err != nil && ctx.Err() == nil {
			n.log.LogAttrs(ctx, slog.LevelWarn, "notices wait to be distributed", slog.String("code", string(protocol.CodeOf(err))))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(noticeGather):
		}
		select {
		case <-ctx.Done():
			return
		case <-n.more:
		case <-look.C:
		}
	}
}

// distribute gives all new events to their merchants, and begins to tell those
// that have something to hear.
func (n *notifier) distribute(ctx context.Context) error {
	for {
		taken, err := n.book.Distribute(ctx, noticeBatch)
		if err != nil {
			return err
		}
		if taken < noticeBatch {
			break
		}
	}
	receivers, err := n.book.Receivers(ctx)
	if err != nil {
		return err
	}
	for _, r := range receivers {
		if r.URL != "" && r.Last > r.Noticed && n.begin(r.Merchant) {
			n.tells.Go(func() { n.round(ctx, r) })
		}
	}
	return nil
}

// begin reports whether a merchant is to be told now.
func (n *notifier) begin(merchant string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.lines[merchant]
	if l == nil {
		l = new(line)
		n.lines[merchant] = l
	}
	if l.busy || time.Now().Before(l.next) {
		return false
	}
	l.busy = true
	return true
}

// end keeps how a round went.
func (n *notifier) end(merchant string, err error) (pause time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err == nil {
		delete(n.lines, merchant)
		return 0
	}
	l := n.lines[merchant]
	l.busy, l.pause = false, min(max(2*l.pause, noticeFirst), noticeLongest)
	l.next = time.Now().Add(l.pause)
	return l.pause
}

// round tells a merchant some notices, one after the other.
func (n *notifier) round(ctx context.Context, r book.Receiver) {
	err := n.tell(ctx, r)
	pause := n.end(r.Merchant, err)
	if err != nil && ctx.Err() == nil {
		n.log.LogAttrs(ctx, slog.LevelWarn, "a merchant could not be told", slog.String("merchant", r.Merchant),
			slog.String("why", reasonOf(err)), slog.Duration("pause", pause))
	}
	n.wake()
}

func (n *notifier) tell(ctx context.Context, r book.Receiver) error {
	select {
	case n.slots <- struct{}{}:
		defer func() { <-n.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	notices, err := n.book.Notices(ctx, r.Merchant, noticeRound)
	if err != nil {
		return err
	}
	heard, enough := int64(0), time.Now().Add(noticeTimeout)
	for _, notice := range notices {
		if !time.Now().Before(enough) { // one that hears slowly waits for its next turn behind the others
			break
		}
		if err = n.send(ctx, r.URL, notice); err != nil {
			break
		}
		heard = notice.Sequence
	}
	if heard > 0 { // also when it was told to stop in between
		err = errors.Join(err, n.book.Noticed(context.WithoutCancel(ctx), r.Merchant, heard))
	}
	return err
}

// errNotHeard is an answer that acknowledges nothing.
var errNotHeard = errors.New("answered, and not with 2xx")

// send makes one transmission, signed now.
func (n *notifier) send(ctx context.Context, url string, notice book.Notice) error {
	message, err := n.sign(notice)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, noticeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(message))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", contentTypeACT)
	request.Header.Set("User-Agent", "act-go")
	response, err := n.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, noticeDrain))
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return errNotHeard
	}
	return nil
}

// reasonOf says in constant words why a merchant did not hear: an error of the
// HTTP client quotes the address, which may hold what is nobody's business.
func reasonOf(err error) string {
	switch {
	case errors.Is(err, errNotHeard):
		return errNotHeard.Error()
	case protocol.CodeOf(err).Known():
		return string(protocol.CodeOf(err))
	}
	return "not reached"
}

// notification is the signed message of a notice.
func (s *Server) notification(n book.Notice) ([]byte, error) {
	m := payment.Notification{
		PSPID: s.id.String(), MerchantID: n.Merchant, Sequence: n.Sequence, Timestamp: s.now(), Event: n.Event, OccurredAt: n.At,
		TradeNo: n.TradeNo, MerchantOrderID: n.Order, TradeState: n.State, RefundNo: n.RefundNo, RefundRequestID: n.RefundRequestID,
	}
	type part struct {
		into  *money.Amount
		minor int64
	}
	parts := []part{{&m.Amount, n.Amount}}
	if n.RefundNo != "" {
		parts = append(parts, part{&m.RefundAmount, n.RefundAmount}, part{&m.RefundedTotal, n.RefundedTotal})
	}
	for _, p := range parts {
		a, err := amountOf(p.minor, n.Currency)
		if err != nil {
			return nil, err
		}
		*p.into = a
	}
	return payment.SignNotification(s.signer, m)
}
