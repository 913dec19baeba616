package main

import (
	"os"
	"runtime/debug"
)

const (
	// collectAt is how much garbage there may be, in percent of what lives,
	// before it is collected.
	collectAt = 400
	// memoryLimit is where the collector works harder to stay below, in bytes. It
	// is a wish and not a wall: a processor that needs more gets more.
	memoryLimit = 192 << 20
)

// tuneMemory sets the garbage collector for what this program is: little that
// lives long, a hundred kilobytes a second and payment that do not. With the
// default, which lets the garbage grow to the size of what lives, it would
// collect many times a second. GOGC and GOMEMLIMIT have precedence.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}
