package journal

import (
	"bytes"
	"testing"
)

// Whatever stands in a segment, reading it ends, and what was read is what is
// written when the frames are written again.
func FuzzScan(f *testing.F) {
	one := appendFrame(header(1), Position{1, headerSize}, []byte("first"))
	two := appendFrame(one, Position{1, int64(len(one))}, []byte("second"))
	f.Add(two, true)
	f.Add(two[:len(two)-1], true)
	f.Add(append(bytes.Clone(one), make([]byte, 64)...), true)
	f.Add(header(1), false)
	f.Fuzz(func(t *testing.T, text []byte, last bool) {
		again := header(1)
		end, err := scan(text, 1, last, func(p Position, data []byte) error {
			if p.Offset != int64(len(again)) {
				t.Fatalf("a frame at %d, want %d", p.Offset, len(again))
			}
			again = appendFrame(again, p, data)
			return nil
		})
		if err != nil || end == 0 {
			return
		}
		if !bytes.Equal(again, text[:end]) {
			t.Fatal("not what was read")
		}
		if !last && end != int64(len(text)) {
			t.Fatal("torn, and not the last")
		}
	})
}
