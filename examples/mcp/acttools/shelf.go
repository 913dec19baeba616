package acttools

import (
	"strconv"
	"strings"
	"sync"
)

// kept is how many things a shelf keeps; the oldest make room.
const kept = 512

// A shelf keeps things under names that these tools make up, so that a model
// never has to repeat what a merchant wrote.
type shelf[V any] struct {
	prefix string

	mu    sync.Mutex
	made  int
	items map[int]V
}

func (s *shelf[V]) put(v V) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.items == nil {
		s.items = make(map[int]V)
	}
	s.made++
	s.items[s.made] = v
	delete(s.items, s.made-kept)
	return s.prefix + strconv.Itoa(s.made)
}

func (s *shelf[V]) get(name string) (v V, ok bool) {
	number, found := strings.CutPrefix(name, s.prefix)
	n, err := strconv.Atoi(number)
	if !found || err != nil || number != strconv.Itoa(n) { // one spelling
		return v, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok = s.items[n]
	return v, ok
}
