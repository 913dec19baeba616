package main

import "time"

// A usage is what the processor's process has used so far.
type usage struct {
	cpu time.Duration // user and system, of all threads
	rss int64         // the most memory, in bytes
}
