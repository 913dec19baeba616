package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/internal/journal"
)

// open opens a journal and returns the frames that it replays.
func open(c journal.Config) (*journal.Journal, [][]byte, error) {
	var frames [][]byte
	j, err := journal.Open(c, func(_ journal.Position, data []byte) error {
		frames = append(frames, bytes.Clone(data))
		return nil
	})
	return j, frames, err
}

// fill writes frames to a new journal and returns the path of its last segment.
func fill(t interface {
	Helper()
	Fatal(...any)
}, c journal.Config, frames [][]byte) string {
	t.Helper()
	j, _, err := open(c)
	if err != nil {
		t.Fatal(err)
	}
	var last *journal.Commit
	for _, f := range frames {
		if last, err = j.Append(f, nil); err != nil {
			t.Fatal(err)
		}
	}
	if last != nil {
		if _, err := last.Wait(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(c.Dir, fmt.Sprintf("%016x.log", j.Last()))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return name
}

func same(a, b [][]byte) bool { return bytes.Equal(bytes.Join(a, []byte{0}), bytes.Join(b, []byte{0})) }

const headerSize, frameSize = 16, 8

// Wherever a file ends, the whole frames before that are there and nothing
// else; whatever byte is changed, it is torn when nothing follows and damage
// when something does.
func TestAnyEndAndAnyByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "journal")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		c := journal.Config{Dir: dir}
		frames := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 1, 40), 1, 6).Draw(t, "frames")
		name := fill(t, c, frames)
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		whole, end := 0, headerSize // frames that end at or before at
		for _, f := range frames {
			if end += frameSize + len(f); end <= at {
				whole++
			}
		}
		cut := rapid.Bool().Draw(t, "cut")
		if cut {
			text = text[:at]
		} else {
			text[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		}
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		j, got, err := open(c)
		var corrupt *journal.CorruptError
		damaged := !cut && (at < headerSize || whole < len(frames)-1)
		if damaged != errors.As(err, &corrupt) || !damaged && err != nil {
			t.Fatalf("cut %v at %d of %v: %v", cut, at, frames, err)
		}
		if damaged {
			return
		}
		defer j.Close()
		if !same(got, frames[:whole]) {
			t.Fatalf("%d frames, want %d", len(got), whole)
		}
		more, err := j.Append([]byte("more"), nil)
		if err != nil {
			t.Fatal(err)
		}
		p, err := more.Wait(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if back, err := j.Read(p); err != nil || string(back) != "more" {
			t.Fatalf("read %q, %v", back, err)
		}
	})
}

func TestSegments(t *testing.T) {
	c := journal.Config{Dir: t.TempDir(), SegmentBytes: 64}
	j, _, err := open(c)
	if err != nil {
		t.Fatal(err)
	}
	var places []journal.Position
	for i := range 20 {
		commit, err := j.Append(bytes.Repeat([]byte{byte(i)}, 30), nil)
		if err != nil {
			t.Fatal(err)
		}
		p, err := commit.Wait(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		places = append(places, p)
	}
	if j.Last() < 5 || j.First() != 1 {
		t.Fatalf("segments %d to %d", j.First(), j.Last())
	}
	before := j.Size()
	if err := j.Remove(j.Last() + 5); err != nil || j.First() != j.Last() || j.Size() >= before {
		t.Errorf("after Remove: %d to %d, %d bytes, %v", j.First(), j.Last(), j.Size(), err)
	}
	if _, err := j.Read(places[0]); err == nil {
		t.Error("a removed frame was read")
	}
	if got, err := j.Read(places[19]); err != nil || got[0] != 19 {
		t.Errorf("the last frame: %v, %v", got, err)
	}
	if _, _, err := open(c); err == nil {
		t.Error("opened twice at a time")
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append([]byte("x"), nil); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("append after Close: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
}

func TestAMissingSegmentIsDamage(t *testing.T) {
	c := journal.Config{Dir: t.TempDir(), SegmentBytes: 32}
	for range 3 { // each run ends with a full segment
		fill(t, c, [][]byte{bytes.Repeat([]byte("a"), 40)})
	}
	if err := os.Remove(filepath.Join(c.Dir, fmt.Sprintf("%016x.log", 2))); err != nil {
		t.Fatal(err)
	}
	var corrupt *journal.CorruptError
	if _, _, err := open(c); !errors.As(err, &corrupt) || corrupt.Segment != 2 {
		t.Errorf("got %v", err)
	}
}

func TestATornSegmentThatIsNotTheLastIsDamage(t *testing.T) {
	c := journal.Config{Dir: t.TempDir(), SegmentBytes: 32}
	name := fill(t, c, [][]byte{bytes.Repeat([]byte("a"), 40)})
	fill(t, c, [][]byte{[]byte("b")})
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, text[:len(text)-3], 0o600); err != nil {
		t.Fatal(err)
	}
	var corrupt *journal.CorruptError
	if _, _, err := open(c); !errors.As(err, &corrupt) || corrupt.Segment != 1 || corrupt.Offset != headerSize {
		t.Errorf("got %v", err)
	}
}

// Frames of many goroutines are all there, each goroutine's in its order, and
// callbacks come in the order of the frames.
func TestGroupCommit(t *testing.T) {
	c := journal.Config{Dir: t.TempDir(), SegmentBytes: 2000}
	j, _, err := open(c)
	if err != nil {
		t.Fatal(err)
	}
	var told []string // by the writer alone
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 25 {
				data := fmt.Sprintf("%d %02d", g, i)
				commit, err := j.Append([]byte(data), func(journal.Position, error) { told = append(told, data) })
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := commit.Wait(context.Background()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j, frames, err := open(c)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if len(frames) != 200 || len(told) != 200 {
		t.Fatalf("%d frames, %d told", len(frames), len(told))
	}
	next := map[byte]int{}
	for i, f := range frames {
		if string(f) != told[i] || string(f[2:]) != fmt.Sprintf("%02d", next[f[0]]) {
			t.Fatalf("frame %d is %q, told %q", i, f, told[i])
		}
		next[f[0]]++
	}
}
