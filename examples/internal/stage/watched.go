package stage

import (
	"io"
	"sync"
)

// A watched body is one whose length nobody knows beforehand: it may still be in
// the making while it is read, and so it is shown when it has been read.
type watched struct {
	io.ReadCloser
	story *Narrator
	label string

	mu    sync.Mutex // a body may be closed while it is read
	seen  []byte
	shown bool
}

// Read implements io.Reader.
func (b *watched) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.mu.Lock()
	b.seen = append(b.seen, p[:n]...)
	b.mu.Unlock()
	if err == io.EOF {
		b.show()
	}
	return n, err
}

// Close implements io.Closer.
func (b *watched) Close() error {
	err := b.ReadCloser.Close()
	b.show()
	return err
}

func (b *watched) show() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.shown {
		b.shown = true
		b.story.Message(b.label, b.seen)
	}
}
