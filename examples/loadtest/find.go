package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"
)

const (
	// goal is what p99 has to stay under.
	goal = 50 * time.Millisecond
	// margin is which part of the highest rate that a probe passed is measured: a
	// long run has worse moments than a short probe.
	margin = 0.9
	// probeTime is how long a probe takes.
	probeTime = 3 * time.Second
	// A search ends after these many probes, if any of them passed, and after
	// mostProbes otherwise.
	enoughProbes = 4
	mostProbes   = 6
)

// A search narrows down the highest rate that passes.
type search struct {
	low, high float64 // passed, zero when none did; did not pass
	probes    int
}

// next is the rate to be tried, and false when it is enough.
func (s *search) next() (rate float64, ok bool) {
	if s.low == 0 {
		return 0.75 * s.high, s.probes < mostProbes
	}
	return (s.low + s.high) / 2, s.probes < enoughProbes && s.high > 1.05*s.low
}

// tried takes note of what a probe has shown.
func (s *search) tried(rate float64, passed bool) {
	s.probes++
	if passed {
		s.low = rate
	} else {
		s.high = rate
	}
}

// find sets the load's rate to the highest at which p99 stays under the goal, as
// far as some probes tell. No rate is passed by a processor that has no time
// left for anything else, so the search begins with what the connections carry
// when each sends as soon as it can.
func (l *load) find(ctx context.Context, progress io.Writer) error {
	full, err := l.fullRate(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(progress, "the connections carry %.0f a second\n", full)
	s := search{high: full}
	for {
		rate, ok := s.next()
		if !ok {
			break
		}
		passed, err := l.probe(ctx, rate, progress)
		if err != nil {
			return err
		}
		s.tried(rate, passed)
	}
	if s.low > 0 {
		l.rate = max(1, margin*s.low)
		l.note = fmt.Sprintf("the rate is %.0f %% of the highest at which p99 stayed under %v in probes of %v", 100*margin, goal, probeTime)
	} else {
		l.rate = max(1, s.high)
		l.note = fmt.Sprintf("p99 stayed under %v in none of the probes of %v: the lowest rate is measured", goal, probeTime)
	}
	return nil
}

// probe tells whether p99 stays under the goal at a rate. One pause of a tenth
// of a second, by the disk or by somebody else on the machine, spoils so short a
// time, and is nothing in a run: a rate that fails has a second chance.
func (l *load) probe(ctx context.Context, rate float64, progress io.Writer) (passed bool, err error) {
	for range 2 {
		latencies, _, err := l.try(ctx, rate, max(1, int(rate*probeTime.Seconds())))
		if err != nil {
			return false, err
		}
		p99 := quantile(latencies, 99)
		fmt.Fprintf(progress, "probe: %.0f a second, p99 %.1f ms\n", rate, ms(p99))
		if p99 < goal {
			return true, nil
		}
	}
	return false, nil
}

// fullRate is how many payments a second the connections carry: of some for a
// guess, and then for long enough.
func (l *load) fullRate(ctx context.Context) (float64, error) {
	rate := 0.0
	for n, last := 8*len(l.lines), false; ; n, last = max(n, int(rate*probeTime.Seconds())/2), true {
		_, took, err := l.try(ctx, 0, n)
		if err != nil {
			return 0, err
		}
		if rate = float64(n) / took.Seconds(); last {
			return rate, nil
		}
	}
}

// try sends n payments that come in at a rate, or at once when it is zero, and
// returns how late the answers were, the soonest first, and how long it took.
// What a run measures is not touched; an error ends it.
func (l *load) try(ctx context.Context, rate float64, n int) ([]time.Duration, time.Duration, error) {
	b, err := l.street.sign(ctx, l.sent, n)
	if err != nil {
		return nil, 0, err
	}
	due := make([]time.Duration, n)
	if rate > 0 {
		due = l.arrivals(rate, n)
	}
	r := &round{batch: b, due: due, first: l.sent, begun: time.Now(), latencies: make([]time.Duration, n)}
	r.send(ctx, l.lines)
	took := time.Since(r.begun)
	l.sent += n
	if r.fault != nil {
		return nil, 0, r.fault
	}
	slices.Sort(r.latencies)
	return r.latencies, took, ctx.Err()
}
