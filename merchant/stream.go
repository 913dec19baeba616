package merchant

import (
	"context"
	"net/http"
	"sync"
)

// streamAfter is how many bytes of an answer are held back before it begins to
// be sent without having been flushed. A short answer is kept first and sent
// then, as without Offer.Stream.
const streamAfter = 4 << 10

// streamChunk is how much of a stream is copied at a time.
const streamChunk = 32 << 10

// A stream is the answer of an Offer.Stream while it is being made. The handler
// writes to it and is never held up by a buyer: any number of them, the first
// and those who come again, read it from its start, each as fast as it can. It
// holds no more than a kept answer may.
type stream struct {
	header http.Header // the handler's alone

	mu      sync.Mutex
	made    capture
	begun   bool          // the head and what is there may be sent
	flushed int           // how much the handler wants to be sent on at once
	ended   bool          // nothing more will come
	cut     bool          // and what is there is not the whole
	changed chan struct{} // closed at the next change; nil when nobody waits
}

func newStream(limit int) *stream {
	h := make(http.Header)
	return &stream{header: h, made: capture{header: h, limit: limit}}
}

// Header implements http.ResponseWriter.
func (s *stream) Header() http.Header { return s.header }

// WriteHeader implements http.ResponseWriter.
func (s *stream) WriteHeader(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (s *stream) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.made.Write(b)
	if s.made.body.Len() >= streamAfter {
		s.begin()
	}
	return n, err
}

// Flush implements http.Flusher.
func (s *stream) Flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made.WriteHeader(http.StatusOK)
	s.flushed = s.made.body.Len()
	s.begin()
}

// begin lets what was made be sent, unless it is no delivery. The caller has
// the lock.
func (s *stream) begin() {
	if !s.made.failed() {
		s.begun = true
		s.broadcast()
	}
}

// end says that nothing more will come. It may be called twice; the first time
// counts.
func (s *stream) end(whole bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.ended, s.cut = true, !whole
		s.broadcast()
	}
}

func (s *stream) broadcast() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// answer implements recorder.
func (s *stream) answer() Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.made.answer()
}

// failed implements recorder.
func (s *stream) failed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.made.failed()
}

// overflowed implements recorder.
func (s *stream) overflowed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.made.overflow
}

// A view is what a reader sees of a stream.
type view struct {
	begun, flush, over, cut bool
	head                    Answer // without a body
	chunk                   []byte // what comes next
	changed                 <-chan struct{}
}

// look returns what there is behind the first sent bytes.
func (s *stream) look(sent int) view {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := view{begun: s.begun}
	body := s.made.body.Bytes()
	if s.begun {
		v.head = Answer{Status: s.made.status, Header: s.made.sent}
		v.chunk = append(v.chunk, body[sent:min(len(body), sent+streamChunk)]...)
	}
	sent += len(v.chunk)
	v.flush = s.flushed >= sent
	v.over = s.ended && (!s.begun || sent == len(body))
	v.cut = s.cut
	if !v.over && len(v.chunk) == 0 {
		if s.changed == nil {
			s.changed = make(chan struct{})
		}
		v.changed = s.changed
	}
	return v
}

// follow sends the stream to a buyer, from its start to its end. tell adds the
// headers that are not the handler's. begun reports whether anything was sent;
// whole, that it was all. A buyer who leaves ends nothing but this.
func (s *stream) follow(ctx context.Context, w http.ResponseWriter, tell func()) (begun, whole bool) {
	flusher := http.NewResponseController(w)
	for sent := 0; ; {
		v := s.look(sent)
		if v.begun && !begun {
			begun = true
			tell()
			writeHead(w, v.head)
		}
		if len(v.chunk) > 0 {
			if _, err := w.Write(v.chunk); err != nil {
				return begun, false
			}
			sent += len(v.chunk)
		}
		if v.begun && v.flush {
			_ = flusher.Flush() // a writer that cannot flush sends later
		}
		if v.over {
			return begun, begun && !v.cut
		}
		if v.changed == nil {
			continue
		}
		select {
		case <-v.changed:
		case <-ctx.Done():
			return begun, false
		}
	}
}

// streams are those that are being made in this process, by out_trade_no.
type streams struct {
	mu   sync.Mutex
	live map[string]*stream
}

func (l *streams) add(no string, s *stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.live == nil {
		l.live = make(map[string]*stream)
	}
	l.live[no] = s
}

// remove forgets s, unless another has taken its place.
func (l *streams) remove(no string, s *stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.live[no] == s {
		delete(l.live, no)
	}
}

func (l *streams) find(no string) *stream {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.live[no]
}

// An outlet is where a stream goes while it is being made: one buyer's
// connection.
type outlet struct {
	w    http.ResponseWriter
	tell func() // adds the headers that are not the handler's
}

// stream works on a claimed delivery and sends the answer as it is made. sent
// reports that it has gone out, or that what could be sent has.
func (s *Shop) stream(r *http.Request, d Delivery, j job) (_ Delivery, sent bool) {
	live := newStream(s.config.MaxAnswer)
	s.streams.add(d.OutTradeNo, live)
	type outcome struct {
		begun, whole bool
		panicked     any // what the writer did, which is for the server to see
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() {
			o.panicked = recover()
			done <- o
		}()
		o.begun, o.whole = live.follow(r.Context(), j.out.w, j.out.tell)
	}()
	finish := func(whole bool) outcome {
		live.end(whole)
		s.streams.remove(d.OutTradeNo, live)
		return <-done
	}
	worked := false
	defer func() {
		if !worked { // the handler panics: nobody else may write to the buyer
			finish(false)
		}
	}()
	d = s.work(r, d, j, live)
	worked = true
	o := finish(!live.failed() && d.Answer != nil)
	if o.panicked != nil {
		panic(o.panicked)
	}
	if o.begun && !o.whole {
		panic(http.ErrAbortHandler) // the buyer must see that this was not all
	}
	return d, o.begun
}

// follow sends a stream that another submission of the same proof has begun, if
// it is made in this process. It reports false when nothing was sent.
func (s *Shop) follow(ctx context.Context, d Delivery, out *outlet) bool {
	live := s.streams.find(d.OutTradeNo)
	if live == nil || d.State != Claimed {
		return false
	}
	begun, whole := live.follow(ctx, out.w, out.tell)
	if begun && !whole {
		panic(http.ErrAbortHandler)
	}
	return begun
}
