package recorder

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/actprotocol/act-go/internal/journal"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
)

// ErrFull is the cause of the error by which a queue tells that it is full.
var ErrFull = errors.New("recorder: the queue is full")

// The kinds of frames in the queue's journal: the kind, a sequence number of 8
// bytes, and for a draft its JSON.
const (
	frameDraft = 'A'
	frameDone  = 'D'
	frameHead  = 9
)

// queueSegment is the size of a segment of the queue.
const queueSegment = 1 << 20

// A queue keeps drafts until they are done.
type queue struct {
	j         *journal.Journal
	maxDrafts int
	maxBytes  int64
	segment   int64 // size of a segment of the journal

	mu     sync.Mutex
	seq    uint64
	drafts int   // accepted or being written, and not done
	bytes  int64 // of those
	onDisk map[uint64]*entry
	counts map[uint64]int // how many of onDisk are in which segment
	ready  func(*entry)   // called in order when a draft is on the disk
}

// An entry is a draft in the queue.
type entry struct {
	seq      uint64
	id       string
	typ      attestation.EventType
	accepted time.Time
	data     []byte
	segment  uint64 // guarded by queue.mu
}

// openQueue opens a queue and returns what is in it, in the order in which it
// was accepted.
func openQueue(dir string, maxDrafts int, maxBytes, segment int64) (*queue, []*entry, error) {
	q := &queue{maxDrafts: maxDrafts, maxBytes: maxBytes, segment: segment, onDisk: make(map[uint64]*entry), counts: make(map[uint64]int)}
	var err error
	if q.j, err = journal.Open(journal.Config{Dir: dir, SegmentBytes: segment}, q.replay); err != nil {
		return nil, nil, err
	}
	q.ready = func(*entry) {} // until somebody listens
	var waiting []*entry
	for _, e := range q.onDisk {
		waiting = append(waiting, e)
		q.counts[e.segment]++
		q.drafts++
		q.bytes += int64(len(e.data))
	}
	slices.SortFunc(waiting, func(a, b *entry) int {
		if a.seq < b.seq {
			return -1
		}
		return 1
	})
	return q, waiting, nil
}

// replay takes over a frame of an earlier run. A draft may stand twice, see
// move; that something is done may be told of a draft that was removed.
func (q *queue) replay(p journal.Position, frame []byte) error {
	kind, seq, data, ok := splitFrame(frame)
	if !ok {
		return &journal.CorruptError{Segment: p.Segment, Offset: p.Offset}
	}
	q.seq = max(q.seq, seq)
	if kind == frameDone {
		delete(q.onDisk, seq)
		return nil
	}
	w, err := decodeDraft(data)
	if err != nil {
		return errors.Join(&journal.CorruptError{Segment: p.Segment, Offset: p.Offset}, err)
	}
	q.onDisk[seq] = &entry{seq: seq, id: w.RecordID, typ: w.Type, accepted: w.Accepted, data: bytes.Clone(data), segment: p.Segment}
	return nil
}

func makeFrame(kind byte, seq uint64, data []byte) []byte {
	f := make([]byte, 0, frameHead+len(data))
	return append(binary.LittleEndian.AppendUint64(append(f, kind), seq), data...)
}

func splitFrame(frame []byte) (kind byte, seq uint64, data []byte, ok bool) {
	if len(frame) < frameHead {
		return 0, 0, nil, false
	}
	kind, seq, data = frame[0], binary.LittleEndian.Uint64(frame[1:]), frame[frameHead:]
	return kind, seq, data, kind == frameDraft || kind == frameDone && len(data) == 0
}

// put puts a draft in line; it is accepted when the commit says so.
func (q *queue) put(id string, accepted time.Time, d attestation.Draft) (*journal.Commit, error) {
	data, err := encodeDraft(id, accepted, d)
	if err != nil {
		return nil, err
	}
	e := &entry{id: id, typ: d.Type, accepted: accepted, data: data}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.drafts >= q.maxDrafts || q.bytes+int64(len(data)) > q.maxBytes {
		return nil, protocol.Wrap(protocol.CodeServiceUnavailable, "queue", "TSD-ATT-EVT-02", "the queue is full", ErrFull)
	}
	e.seq = q.seq + 1
	commit, err := q.j.Append(makeFrame(frameDraft, e.seq, data), func(p journal.Position, err error) { q.written(e, p, err) })
	if err != nil {
		return nil, storeError("queue", err)
	}
	q.seq++
	q.drafts++
	q.bytes += int64(len(data))
	return commit, nil
}

// written is called by the journal when a draft is on the disk, or is not.
func (q *queue) written(e *entry, p journal.Position, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil {
		q.drafts--
		q.bytes -= int64(len(e.data))
		return
	}
	e.segment = p.Segment
	q.onDisk[e.seq] = e
	q.counts[p.Segment]++
	q.ready(e)
}

// done notes that nothing is left to do for a draft. It does not wait for the
// disk: after a crash it is found out again. The draft's segment is kept until
// the note is on the disk.
func (q *queue) done(e *entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.drafts--
	q.bytes -= int64(len(e.data))
	_, _ = q.j.Append(makeFrame(frameDone, e.seq, nil), func(_ journal.Position, err error) {
		if err != nil {
			return
		}
		q.mu.Lock()
		defer q.mu.Unlock()
		delete(q.onDisk, e.seq)
		q.counts[e.segment]--
	})
}

// tidy removes the oldest segments in which every draft is done. When drafts
// that cannot be finished keep old segments, and the journal is more than twice
// what the queue may hold, they are written again at its end.
func (q *queue) tidy(ctx context.Context) error {
	if q.j.Size() > 2*q.maxBytes+4*q.segment {
		if err := q.move(ctx, q.j.First()); err != nil {
			return err
		}
	}
	q.mu.Lock()
	first, last := q.j.First(), q.j.Last()
	before := first
	for before < last && q.counts[before] == 0 {
		delete(q.counts, before)
		before++
	}
	q.mu.Unlock()
	if before == first {
		return nil
	}
	return q.j.Remove(before)
}

// move writes the drafts of a segment again, under their numbers.
func (q *queue) move(ctx context.Context, segment uint64) error {
	if segment == q.j.Last() {
		return nil
	}
	q.mu.Lock()
	var moving []*entry
	for _, e := range q.onDisk {
		if e.segment == segment {
			moving = append(moving, e)
		}
	}
	q.mu.Unlock()
	for _, e := range moving {
		commit, err := q.j.Append(makeFrame(frameDraft, e.seq, e.data), func(p journal.Position, err error) {
			q.mu.Lock()
			defer q.mu.Unlock()
			if err == nil && q.onDisk[e.seq] != nil {
				q.counts[e.segment]--
				e.segment = p.Segment
				q.counts[e.segment]++
			}
		})
		if err != nil {
			return err
		}
		if _, err := commit.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// storeError keeps our errors and makes service_unavailable of others.
func storeError(field string, err error) error {
	if protocol.CodeOf(err) != "" || errors.Is(err, ErrNotFound) {
		return err
	}
	return protocol.Wrap(protocol.CodeServiceUnavailable, field, "TSD-ATT-OFF-10", "the disk or its store did not do it", err)
}
