package ledger

import "time"

const (
	// gatherTime is how long a commit waits for more jobs, at most. What a commit
	// costs, a flush of the disk above all, is shared by its jobs.
	gatherTime = 3 * time.Millisecond
	// worthwhile is how many jobs a batch that was waited for has to have, or
	// there is no more waiting: a flush costs less than to be woken for two.
	worthwhile = 4
	// enough is how many jobs a commit never waits beyond: its cost is then nothing
	// to each.
	enough = 32
	// growEvery is after how many batches that were full in time, and had more
	// than one job, the next ones are to be larger: an attempt that costs its jobs
	// gatherTime when nobody else comes.
	growEvery = 16
)

// A pace decides for how many jobs a commit waits. When jobs come one by one,
// each from a caller who waits for the one before, it waits for none: a lone
// payment is committed at once. When several come while a commit is under way
// it is tried, from time to time, whether more come within gatherTime, and as
// long as they do the next commits wait for as many.
type pace struct {
	want  int // jobs that a batch is to have
	full  int // batches that had them in time, since more were tried
	timer *time.Timer
}

func newPace() *pace {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return &pace{want: 1, timer: t}
}

// gather adds to a batch what is queued, and what comes within the time that it
// waits, as far as the batch has room. It returns at once when the queue is
// closed.
func (p *pace) gather(batch []*job, queue <-chan *job) []*job {
	batch, open := queued(batch, queue)
	late := false
	if open && len(batch) < p.wanted(batch) {
		batch, late = p.wait(batch, queue)
	}
	p.made(len(batch), late)
	return batch
}

// queued takes what is there without waiting, and reports whether more may come.
func queued(batch []*job, queue <-chan *job) ([]*job, bool) {
	for len(batch) < cap(batch) {
		select {
		case j, ok := <-queue:
			if !ok {
				return batch, false
			}
			batch = append(batch, j)
		default:
			return batch, true
		}
	}
	return batch, true
}

// wanted is for how many jobs in all a batch waits.
func (p *pace) wanted(batch []*job) int { return min(p.want, enough, cap(batch)) }

// wait takes jobs until there are as many as are wanted, and reports whether the
// time was up before.
func (p *pace) wait(batch []*job, queue <-chan *job) (all []*job, late bool) {
	p.timer.Reset(gatherTime)
	defer p.timer.Stop()
	for len(batch) < p.wanted(batch) {
		select {
		case j, ok := <-queue:
			if !ok {
				return batch, true
			}
			batch = append(batch, j)
		case <-p.timer.C:
			return batch, true
		}
	}
	return batch, false
}

// made learns from a batch of n jobs.
func (p *pace) made(n int, late bool) {
	switch {
	case late && n < worthwhile:
		p.want, p.full = 1, 0
	case late:
		p.want, p.full = n, 0
	case n > 1:
		p.want = max(p.want, n)
		if p.want < worthwhile {
			p.want = 1
		}
		if p.full++; p.full == growEvery {
			p.want, p.full = 2*n, 0
		}
	}
}
