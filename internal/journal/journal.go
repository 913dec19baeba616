// Package journal keeps frames of bytes in append-only files, with checksums
// and group commit.
//
// What [Commit.Wait] has returned nil for is on the disk and is read again
// after any crash. What was being written when the machine stopped is cut off
// when the journal is opened, and told by [Journal.Torn]. Damage anywhere else
// is a [CorruptError]: nothing is skipped silently.
//
// A folder holds segments, each a header and frames. A frame is the length of
// its data (4 bytes), a CRC-32C (4 bytes) over segment number, offset, length
// and data, and the data; numbers are little endian. Because its place is part
// of the checksum, a frame inside of another one's data is never taken for one.
//
// It is for one process at a time, which a lock in the folder makes sure of. A
// checksum finds accidents and not attackers.
package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// MaxData is the largest frame, in bytes of its data.
const MaxData = 256 << 10

// ErrClosed is the error of a journal that was closed.
var ErrClosed = errors.New("journal: closed")

// A CorruptError says that a journal is damaged before its end, or where no
// crash could have damaged it.
type CorruptError struct {
	Segment uint64
	Offset  int64
}

// Error implements error.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("journal: segment %d is damaged at byte %d", e.Segment, e.Offset)
}

// A Position is the place of a frame.
type Position struct {
	Segment uint64
	Offset  int64
}

// Config says where a journal is. Dir is required.
type Config struct {
	Dir          string
	SegmentBytes int64 // a segment that has as many is followed by a new one; 0 means 4 MiB
}

// A Journal is an open folder of segments. It is safe for concurrent use.
type Journal struct {
	dir   string
	limit int64
	torn  int64
	lock  *os.File

	mu      sync.Mutex
	batch   []*Commit
	closing bool
	err     error // what broke the journal for good
	size    int64 // bytes of all segments
	files   map[uint64]*os.File
	first   uint64 // segments first..last are there
	last    uint64

	end  int64 // of the last segment; the writer's alone
	kick chan struct{}
	done chan struct{} // closed when the writer has ended
}

// A Commit is a frame on its way to the disk.
type Commit struct {
	data []byte
	then func(Position, error)
	at   Position
	err  error
	done chan struct{}
}

// Wait waits until the frame is on the disk and returns its place. When the
// context ends first nothing is known: the frame may yet be written.
func (c *Commit) Wait(ctx context.Context) (Position, error) {
	select {
	case <-c.done:
		return c.at, c.err
	default:
	}
	select {
	case <-c.done:
		return c.at, c.err
	case <-ctx.Done():
		return Position{}, ctx.Err()
	}
}

// Open opens the journal of a folder, which it makes when it is not there, and
// calls replay with every frame in order. An error of replay's ends it. The
// data is replay's to keep.
func Open(c Config, replay func(Position, []byte) error) (*Journal, error) {
	if c.SegmentBytes <= 0 {
		c.SegmentBytes = 4 << 20
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := lockFile(filepath.Join(c.Dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("journal: the folder is in use, or cannot be locked: %w", err)
	}
	j := &Journal{
		dir: c.Dir, limit: c.SegmentBytes, lock: lock, files: make(map[uint64]*os.File),
		kick: make(chan struct{}, 1), done: make(chan struct{}),
	}
	if err := j.load(replay); err != nil {
		j.release()
		return nil, err
	}
	go j.write()
	return j, nil
}

// Torn is the number of bytes that were cut off when the journal was opened:
// of frames for which Wait never returned nil, unless the disk lost or changed
// the end of the file.
func (j *Journal) Torn() int64 { return j.torn }

// Size is the number of bytes of all segments.
func (j *Journal) Size() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.size
}

// First and Last are the numbers of the oldest segment and of the one that is
// written.
func (j *Journal) First() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.first
}

// Last is described at First.
func (j *Journal) Last() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last
}

// Append puts a frame in line to be written; the order of calls is the order
// of frames. data must not be changed afterwards. then, which may be nil, is
// called by the writer, in the order of frames, before Wait returns; it must
// not block or call the journal.
func (j *Journal) Append(data []byte, then func(Position, error)) (*Commit, error) {
	if len(data) == 0 || len(data) > MaxData {
		return nil, errors.New("journal: a frame has 1 to 262144 bytes")
	}
	c := &Commit{data: data, then: then, done: make(chan struct{})}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return nil, j.err
	}
	if j.closing {
		return nil, ErrClosed
	}
	j.batch = append(j.batch, c)
	select {
	case j.kick <- struct{}{}:
	default:
	}
	return c, nil
}

// Read reads a frame again.
func (j *Journal) Read(p Position) ([]byte, error) {
	j.mu.Lock()
	f := j.files[p.Segment]
	j.mu.Unlock()
	if f == nil {
		return nil, ErrClosed
	}
	return readFrame(f, p)
}

// Remove removes the segments before one, but never the last, oldest first.
// Those that were removed cannot be read any more. It is for one caller at a
// time; Append does not wait for it.
func (j *Journal) Remove(before uint64) error {
	for {
		j.mu.Lock()
		n, f := j.first, j.files[j.first]
		if n >= before || n >= j.last || j.closing {
			j.mu.Unlock()
			return syncDir(j.dir)
		}
		delete(j.files, n)
		j.mu.Unlock()
		var size int64
		if f != nil { // else an earlier call closed it and failed to remove it
			if info, err := f.Stat(); err == nil {
				size = info.Size()
			}
			_ = f.Close() // everything was synced
		}
		if err := os.Remove(filepath.Join(j.dir, segmentName(n))); err != nil {
			return err
		}
		j.mu.Lock()
		j.first++
		j.size -= size
		j.mu.Unlock()
	}
}

// Close writes what is in line and closes the files. It waits for the disk.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closing {
		j.mu.Unlock()
		<-j.done
		return nil
	}
	j.closing = true
	close(j.kick)
	j.mu.Unlock()
	<-j.done
	j.mu.Lock()
	defer j.mu.Unlock()
	err := j.err
	j.release()
	return err
}

// release closes all files, and with the last of them the lock.
func (j *Journal) release() {
	for n, f := range j.files {
		_ = f.Close() // everything was synced
		delete(j.files, n)
	}
	_ = j.lock.Close()
}

// write is the one writer. What came while it waited for the disk is one batch.
func (j *Journal) write() {
	defer close(j.done)
	for range j.kick {
		j.flush()
	}
	j.flush()
}

func (j *Journal) flush() {
	j.mu.Lock()
	batch, err := j.batch, j.err
	j.batch = nil
	j.mu.Unlock()
	if len(batch) == 0 {
		return
	}
	if err == nil {
		err = j.commit(batch)
	}
	for _, c := range batch {
		c.err = err
		if c.then != nil {
			c.then(c.at, err)
		}
		close(c.done)
	}
}

// commit writes a batch and waits for the disk. When the disk is full what was
// written of the batch is taken back, and a later one may succeed. When the
// disk could not be waited for nothing is known about any byte of the file, and
// the journal is broken until it is opened again.
func (j *Journal) commit(batch []*Commit) error {
	if j.end >= j.limit {
		if err := j.rotate(); err != nil {
			return err
		}
	}
	j.mu.Lock()
	f, last := j.files[j.last], j.last
	j.mu.Unlock()
	var buf []byte
	for _, c := range batch {
		c.at = Position{last, j.end + int64(len(buf))}
		buf = appendFrame(buf, c.at, c.data)
	}
	if _, err := f.WriteAt(buf, j.end); err != nil {
		if undo := f.Truncate(j.end); undo != nil {
			return j.broken(undo)
		}
		return err
	}
	if err := f.Sync(); err != nil {
		return j.broken(err)
	}
	j.end += int64(len(buf))
	j.mu.Lock()
	j.size += int64(len(buf))
	j.mu.Unlock()
	return nil
}

func (j *Journal) broken(err error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.err = fmt.Errorf("journal: broken until it is opened again: %w", err)
	return j.err
}

// rotate begins a new segment.
func (j *Journal) rotate() error {
	next := j.last + 1 // changed by the writer only
	f, err := create(j.dir, next)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.files[next], j.last, j.end = f, next, headerSize
	j.size += headerSize
	return nil
}

// segments lists the numbers of the segments of a folder, which follow each
// other without a gap.
func segments(dir string) ([]uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []uint64
	for _, e := range entries {
		if n, ok := number(e.Name()); ok {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	for i := range out {
		if out[i] != out[0]+uint64(i) {
			return nil, &CorruptError{Segment: out[0] + uint64(i)}
		}
	}
	return out, nil
}
