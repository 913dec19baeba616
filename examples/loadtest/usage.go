package main

import "time"

// A usage is what the processor's processes have used so far.
type usage struct {
	cpu time.Duration // user and system, of all threads of all processes
	rss int64         // the most memory that one of them had, in bytes
}

// usage adds up the processes of the processor. That of a database is its own.
func (s *street) usage() (all usage, err error) {
	for _, p := range s.all {
		u, err := p.usage()
		if err != nil {
			return usage{}, err
		}
		all.cpu += u.cpu
		all.rss = max(all.rss, u.rss)
	}
	return all, nil
}
