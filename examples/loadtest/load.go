package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actprotocol/act-go/protocol/canon"
)

const (
	// A round is signed, then sent: its requests are younger than five minutes
	// when they arrive.
	maxRound       = 300_000
	maxRoundLength = time.Minute
	// answerIn is how long one answer may take. A run whose latencies come near
	// has found its limit long before.
	answerIn = time.Minute
	// sampled is which part of the answers is kept and verified afterwards.
	sampled = 997
)

// A load is the run: payments that come in at given moments, and what became of
// them.
type load struct {
	street   *street
	seconds  float64
	rate     float64
	profiled bool // a profile of the first round is wanted
	lines    []*line
	sent     int    // payments of all rounds so far, the warm-up and probes included
	note     string // how the rate was found, if it was

	// What was measured; without warm-up and probes.
	latencies []time.Duration // of those that were answered
	spent     time.Duration   // of all rounds, from the first intended start to the last answer
	cpu       time.Duration   // of the processor, in the rounds
	errors    int
	fault     error // the first of them
	sample    []answer
	profile   []byte
}

// An answer is one that is to be verified: the number of its payment, and what
// came back.
type answer struct {
	number int
	body   []byte
}

// newLoad opens the connections.
func newLoad(s *street, o options) (*load, error) {
	l := &load{street: s, seconds: o.seconds, rate: o.rate, profiled: !o.json || o.profile != ""}
	for i := range o.connections {
		c, err := tls.Dial("tcp", s.all[i%len(s.all)].address(), s.clientConfig())
		if err != nil {
			return nil, errors.Join(err, l.close())
		}
		l.lines = append(l.lines, &line{conn: c, in: bufio.NewReaderSize(c, 8<<10)})
	}
	return l, nil
}

// close ends the connections.
func (l *load) close() error {
	var errs []error
	for _, c := range l.lines {
		errs = append(errs, c.conn.Close())
	}
	return errors.Join(errs...)
}

// run warms up, by a payment of every agent, so that the processor has fetched
// all documents, finds the rate unless it is given, and then sends round after
// round.
func (l *load) run(ctx context.Context, progress io.Writer) error {
	if _, _, err := l.try(ctx, 0, len(l.street.buyers)); err != nil {
		return err
	}
	if l.rate == 0 {
		if err := l.find(ctx, progress); err != nil {
			return err
		}
	}
	left := int(l.rate * l.seconds)
	per := min(maxRound, int(l.rate*maxRoundLength.Seconds()))
	for left > 0 {
		n := min(left, per)
		left -= n
		fmt.Fprintf(progress, "signing %d payments\n", n)
		b, err := l.street.sign(ctx, l.sent, n)
		if err != nil {
			return err
		}
		fmt.Fprintf(progress, "sending them, %.0f a second\n", l.rate)
		if err := l.round(ctx, b, l.arrivals(l.rate, n)); err != nil {
			return err
		}
	}
	return nil
}

// arrivals draws when n payments come in, rate a second: apart by what is
// exponentially distributed, which is what independent strangers look like. It
// is the same in every run.
func (l *load) arrivals(rate float64, n int) []time.Duration {
	source := rand.New(rand.NewPCG(uint64(n), uint64(l.sent)))
	due := make([]time.Duration, n)
	at := 0.0
	for i := range due {
		at += source.ExpFloat64() / rate
		due[i] = time.Duration(at * float64(time.Second))
	}
	return due
}

// round sends a batch and adds what it saw to the load.
func (l *load) round(ctx context.Context, b *batch, due []time.Duration) error {
	before, err := l.street.usage()
	if err != nil {
		return err
	}
	profile := l.beginProfile(ctx, due[len(due)-1])
	r := &round{batch: b, due: due, first: l.sent, begun: time.Now(), latencies: make([]time.Duration, len(due))}
	r.send(ctx, l.lines)
	spent := time.Since(r.begun) - due[0]
	after, err := l.street.usage()
	if err = errors.Join(err, profile()); err != nil {
		return err
	}
	l.sent += len(due)
	l.spent += spent
	l.cpu += after.cpu - before.cpu
	l.errors += r.errors
	l.fault = errors.Join(l.fault, r.fault)
	l.sample = append(l.sample, r.sample...)
	for _, d := range r.latencies {
		if d > 0 {
			l.latencies = append(l.latencies, d)
		}
	}
	return ctx.Err()
}

// beginProfile has the processor make a profile of itself in the first round, if
// one is wanted, and returns what waits for it.
func (l *load) beginProfile(ctx context.Context, length time.Duration) (wait func() error) {
	if !l.profiled || l.profile != nil {
		return func() error { return nil }
	}
	seconds := min(max(1, int(length.Seconds())), 30)
	ended := make(chan error, 1)
	go func() {
		var err error
		l.profile, err = l.street.processor.profile(ctx, seconds)
		ended <- err
	}()
	return func() error { return <-ended }
}

// A round is one batch on its way.
type round struct {
	batch *batch
	due   []time.Duration // after begun
	first int             // number of the first payment
	begun time.Time

	next      atomic.Int64
	latencies []time.Duration // zero where there was an error; nil when they are not wanted

	mu     sync.Mutex
	errors int
	fault  error
	sample []answer
}

// send gives each payment, in the order of their arrival, to the first line
// that is free, and returns when all are answered. A payment for which no line
// is free in time waits, and its latency runs.
func (r *round) send(ctx context.Context, lines []*line) {
	var group sync.WaitGroup
	for _, c := range lines {
		group.Go(func() { r.work(ctx, c) })
	}
	group.Wait()
}

func (r *round) work(ctx context.Context, c *line) {
	var buf []byte
	for {
		i := int(r.next.Add(1)) - 1
		if i >= len(r.due) || ctx.Err() != nil {
			return
		}
		buf = r.batch.request(buf[:0], i)
		due := r.begun.Add(r.due[i])
		time.Sleep(time.Until(r.begun.Add(onBeat(r.due[i]))))
		body, err := c.exchange(buf)
		if err == nil {
			err = paid(body, r.first+i)
		}
		took := time.Since(due)
		if err != nil {
			r.failed(err)
			continue
		}
		if r.latencies != nil {
			r.latencies[i] = took
		}
		if (r.first+i)%sampled == 0 {
			r.keep(answer{r.first + i, bytes.Clone(body)})
		}
	}
}

// beat is the load's clock: what came in since the last one is sent together, up
// to so much after its intended start. To be woken for each would cost more than
// to send it, of the machine that the processor shares.
const beat = time.Millisecond

// onBeat is the first beat of the clock that is not before a moment.
func onBeat(due time.Duration) time.Duration { return (due + beat - 1).Truncate(beat) }

func (r *round) failed(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors++
	if r.fault == nil {
		r.fault = err
	}
}

func (r *round) keep(a answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sample = append(r.sample, a)
}

// paid looks whether a body is the result of the n-th payment. Whether it is
// signed and true to its request is looked at in the sample.
func paid(body []byte, n int) error {
	for _, part := range []string{`"request_id":"` + requestID(n) + `"`, `"trade_state":"WAIT_SELLER_FULFILLMENT"`, `"payment_proof":"`} {
		if !bytes.Contains(body, []byte(part)) {
			return errors.New("the answer is not the result of its request")
		}
	}
	return nil
}

// A line is one connection, used by one payment at a time: HTTP/1.1 with
// keep-alive, as small as it gets, so that the load takes little of the machine
// that it shares with the processor.
type line struct {
	conn *tls.Conn
	in   *bufio.Reader
	body []byte
}

// exchange sends a whole request and returns the body of the answer, which is
// good until the next call.
func (c *line) exchange(request []byte) ([]byte, error) {
	if err := c.conn.SetDeadline(time.Now().Add(answerIn)); err != nil {
		return nil, err
	}
	if _, err := c.conn.Write(request); err != nil {
		return nil, err
	}
	return c.answer()
}

// answer reads an answer and returns its body, which is good until the next call.
func (c *line) answer() ([]byte, error) {
	body, ok, err := c.plainAnswer()
	if ok || err != nil {
		return body, err
	}
	return c.otherAnswer()
}

// plainAnswer reads an answer of status 200 whose header is in the buffer and
// says how long the body is, as nearly all are. It returns false, and has read
// nothing, when it is another one.
func (c *line) plainAnswer() (body []byte, ok bool, err error) {
	if _, err := c.in.Peek(1); err != nil {
		return nil, false, err
	}
	there, err := c.in.Peek(c.in.Buffered())
	if err != nil {
		return nil, false, err
	}
	header, _, ok := bytes.Cut(there, endOfHeader)
	if !ok || !bytes.HasPrefix(header, statusOK) {
		return nil, false, nil
	}
	_, length, ok := bytes.Cut(header, lengthField)
	if !ok {
		return nil, false, nil
	}
	length, _, _ = bytes.Cut(length, endOfLine)
	n, err := strconv.Atoi(string(length))
	if err != nil || n < 0 || n > canon.DefaultMaxBytes {
		return nil, false, nil
	}
	if _, err := c.in.Discard(len(header) + len(endOfHeader)); err != nil {
		return nil, false, err
	}
	c.body = slices.Grow(c.body[:0], n)[:n]
	_, err = io.ReadFull(c.in, c.body)
	return c.body, true, err
}

// What a plain answer is known by.
var (
	statusOK    = []byte("HTTP/1.1 200 ")
	lengthField = []byte("\r\nContent-Length: ")
	endOfLine   = []byte("\r\n")
	endOfHeader = []byte("\r\n\r\n")
)

// otherAnswer reads any answer.
func (c *line) otherAnswer() ([]byte, error) {
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, canon.DefaultMaxBytes))
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d: %s", resp.StatusCode, body)
	}
	return body, nil
}
