package ledger

import (
	"testing"
	"testing/synctest"
	"time"
)

// arrive puts a job into the queue every so often, n of them.
func arrive(queue chan<- *job, every time.Duration, n int) {
	for range n {
		time.Sleep(every)
		queue <- new(job)
	}
	close(queue)
}

// batches is how the writer takes them, when a commit takes a millisecond: the
// size of each batch, and the longest that the first of one waited.
func batches(queue <-chan *job) (sizes []int, longest time.Duration) {
	p := newPace()
	for first := range queue {
		begun := time.Now()
		batch := p.gather(append(make([]*job, 0, 256), first), queue)
		longest = max(longest, time.Since(begun))
		sizes = append(sizes, len(batch))
		time.Sleep(time.Millisecond)
	}
	return sizes, longest
}

func TestPaceLone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queue := make(chan *job, 256)
		go arrive(queue, 1500*time.Microsecond, 200) // each after the commit of the one before
		sizes, longest := batches(queue)
		if len(sizes) != 200 || longest != 0 {
			t.Errorf("%d batches of 200 jobs that came alone, one waited %v", len(sizes), longest)
		}
	})
}

// Where jobs come closer together than commits, commits become few, and none
// waits longer than it may.
func TestPaceMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queue := make(chan *job, 256)
		go arrive(queue, 300*time.Microsecond, 3000)
		sizes, longest := batches(queue)
		all := 0
		for _, n := range sizes {
			all += n
		}
		if all != 3000 {
			t.Errorf("%d jobs of 3000", all)
		}
		if len(sizes) > 3000/9 { // without a wait it would be a commit for every 3 or 4
			t.Errorf("%d commits", len(sizes))
		}
		if longest > gatherTime {
			t.Errorf("waited %v", longest)
		}
	})
}

// When they become few again, nobody waits for those who are not there any more.
func TestPaceEnds(t *testing.T) {
	p := newPace()
	p.want = enough
	queue := make(chan *job, 1)
	p.gather(make([]*job, 1, 256), queue)
	if p.want != 1 {
		t.Errorf("waits for %d", p.want)
	}
	full := make(chan *job, 300)
	for range 300 {
		full <- new(job)
	}
	if got := p.gather(make([]*job, 1, 256), full); len(got) != 256 {
		t.Errorf("a batch of %d", len(got))
	}
	close(queue)
	p.want = enough
	if got := p.gather(make([]*job, 1, 256), queue); len(got) != 1 {
		t.Errorf("a batch of %d from a queue that is closed", len(got))
	}
}
