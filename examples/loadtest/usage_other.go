//go:build !linux

package main

import (
	"errors"
	"time"
)

// usage is known on Linux only: elsewhere nothing tells of another process while
// it runs.
func (p *processor) usage() (usage, error) {
	return usage{}, errors.New("the use of processor time can be read on Linux only")
}

var started = time.Now()

// ownTime is the time on the clock.
func ownTime() time.Duration { return time.Since(started) }
