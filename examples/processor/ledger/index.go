package ledger

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sort"
	"sync"

	"zombiezen.com/go/sqlite"
)

// An index leads from keys to facts. A B-tree of random keys would be the most
// expensive part of a payment, and the more so the more payments there are,
// because each key changes another page of it. So the keys of the latest facts
// are in memory only: the facts are on the disk, and the keys follow from them
// when the book is opened. When there are enough they are sorted and written,
// part after part beside the payments, as a run that never changes. Of a run,
// memory keeps a filter, so that looking for what is not there, which is what a
// new payment does, reads nothing.
//
// The writer is the only one that changes an index, and does it after the
// commit: what others see is on the disk.
type index struct {
	mu     sync.RWMutex
	fresh  map[key]ref // of the facts behind the latest run, and behind frozen
	frozen *frozen     // is being written; nil when nothing is
	runs   []run       // the oldest first
	nonces nonces
}

const (
	runKeys   = 1 << 17 // keys of a run
	partKeys  = 160     // keys of a part: a row that just fits into a page
	entrySize = 24      // bytes of a key and its ref
	runShift  = 20      // the id of a part is run<<runShift | number

	// mostFilters bounds the memory of all filters, at 256 KiB each: it is
	// enough for sixteen million payments. Older runs have none, and looking
	// into one costs a read.
	mostFilters = 256
)

// A run is a sorted set of keys on the disk.
type run struct {
	id     int64
	firsts []uint64 // of each part, the first eight bytes of its first key
	filter filter   // nil of a run that is too old
}

// A frozen set of keys is on its way to become a run.
type frozen struct {
	keys  map[key]ref
	upto  int64           // position
	ready chan *sortedRun // gets one when it is sorted
	run   *sortedRun      // nil before
}

// A sortedRun is written part by part.
type sortedRun struct {
	run
	entries []byte
	written int // parts
}

// known is what memory says of a key: the fact it leads to, or that no run has
// it, or the runs that may.
func (x *index) known(k key) (r ref, found bool, maybe []run) {
	if r, found = x.fresh[k]; found {
		return r, true, nil
	}
	if x.frozen != nil {
		if r, found = x.frozen.keys[k]; found {
			return r, true, nil
		}
	}
	for i := range x.runs {
		if x.runs[i].filter.may(k) {
			maybe = append(maybe, x.runs[i])
		}
	}
	return 0, false, maybe
}

// look finds a key on the disk, in the runs that may have it.
func look(conn *sqlite.Conn, k key, maybe []run) (r ref, found bool, err error) {
	for _, run := range slices.Backward(maybe) {
		if r, found, err = run.look(conn, k); found || err != nil {
			return r, found, err
		}
	}
	return 0, false, nil
}

func (r *run) look(conn *sqlite.Conn, k key) (to ref, found bool, err error) {
	first := binary.BigEndian.Uint64(k[:8])
	// The last part that begins before the key; parts that begin with the same
	// eight bytes are looked into from the last on.
	part := sort.Search(len(r.firsts), func(i int) bool { return r.firsts[i] > first }) - 1
	for ; part >= 0 && !found; part-- {
		var keys []byte
		if _, err := queryRow(conn, "SELECT keys FROM run_parts WHERE id = ?", []any{r.id<<runShift | int64(part)}, func(s *sqlite.Stmt) { keys = columnBytes(s, 0) }); err != nil {
			return 0, false, err
		}
		n := len(keys) / entrySize
		at := sort.Search(n, func(i int) bool { return bytes.Compare(keys[i*entrySize:i*entrySize+16], k[:]) >= 0 })
		if at < n && bytes.Equal(keys[at*entrySize:at*entrySize+16], k[:]) {
			return ref(binary.BigEndian.Uint64(keys[at*entrySize+16:])), true, nil
		}
		if r.firsts[part] != first {
			break
		}
	}
	return 0, false, nil
}

// freeze sets the fresh keys apart and has them sorted, beside everything else.
func (x *index) freeze(upto int64) {
	f := &frozen{keys: x.fresh, upto: upto, ready: make(chan *sortedRun, 1)}
	id := int64(1)
	if len(x.runs) > 0 {
		id = x.runs[len(x.runs)-1].id + 1
	}
	x.frozen, x.fresh = f, make(map[key]ref)
	go func() { f.ready <- sortRun(id, f.keys) }()
}

func sortRun(id int64, keys map[key]ref) *sortedRun {
	sorted := make([]key, 0, len(keys))
	for k := range keys {
		sorted = append(sorted, k)
	}
	slices.SortFunc(sorted, func(a, b key) int { return bytes.Compare(a[:], b[:]) })
	r := &sortedRun{run: run{id: id, filter: newFilter(len(keys))}, entries: make([]byte, 0, len(keys)*entrySize)}
	for i, k := range sorted {
		if i%partKeys == 0 {
			r.firsts = append(r.firsts, binary.BigEndian.Uint64(k[:8]))
		}
		r.filter.add(k)
		r.entries = append(r.entries, k[:]...)
		r.entries = binary.BigEndian.AppendUint64(r.entries, uint64(keys[k]))
	}
	return r
}

// partsAtOnce is how many parts one batch writes: more keys than any batch
// brings, so that a run is written before the next one is full.
const partsAtOnce = 8

// spill writes the next parts of a frozen set, and in the end the run itself.
// It returns what is true once the batch is committed.
func (x *index) spill(t *tx) (after func(), err error) {
	f := x.frozen
	if f == nil {
		return nil, nil
	}
	if f.run == nil {
		select {
		case f.run = <-f.ready:
		default:
			return nil, nil
		}
	}
	r := f.run
	written := r.written
	for ; written < len(r.firsts) && written < r.written+partsAtOnce; written++ {
		from, to := written*partKeys*entrySize, min((written+1)*partKeys*entrySize, len(r.entries))
		if err := t.exec("INSERT INTO run_parts (id, keys) VALUES (?, ?)", r.id<<runShift|int64(written), r.entries[from:to]); err != nil {
			return nil, err
		}
	}
	if written < len(r.firsts) {
		return func() { r.written = written }, nil
	}
	firsts := make([]byte, 0, 8*len(r.firsts))
	for _, first := range r.firsts {
		firsts = binary.BigEndian.AppendUint64(firsts, first)
	}
	if err := t.exec("INSERT INTO runs (id, upto, firsts, filter) VALUES (?, ?, ?, ?)", r.id, f.upto, firsts, []byte(r.filter)); err != nil {
		return nil, err
	}
	return func() { x.frozen, x.runs = nil, forgetFilter(append(x.runs, r.run)) }, nil
}

// forgetFilter keeps the number of filters within mostFilters.
func forgetFilter(runs []run) []run {
	if i := len(runs) - 1 - mostFilters; i >= 0 {
		runs[i].filter = nil
	}
	return runs
}

// load reads the runs, and, when it may clean, removes what a process that ended left of one that
// was not finished.
func (x *index) load(conn *sqlite.Conn, clean bool) (upto int64, err error) {
	next := int64(1)
	err = queryRows(conn, "SELECT id, upto, firsts, filter FROM runs ORDER BY id", nil, func(r *sqlite.Stmt) error {
		one := run{id: r.ColumnInt64(0), filter: columnBytes(r, 3)}
		for firsts := columnBytes(r, 2); len(firsts) >= 8; firsts = firsts[8:] {
			one.firsts = append(one.firsts, binary.BigEndian.Uint64(firsts))
		}
		upto, next = r.ColumnInt64(1), one.id+1
		x.runs = forgetFilter(append(x.runs, one))
		return nil
	})
	if err != nil || !clean {
		return upto, err
	}
	return upto, queryRows(conn, "DELETE FROM run_parts WHERE id >= ?", []any{next << runShift}, noRow)
}
