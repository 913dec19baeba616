package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of /proc/PID/stat. It is the same on every Linux that Go
// runs on, since the kernel converts to it.
const tick = 10 * time.Millisecond

// usage reads what the process has used so far, from /proc.
func (p *processor) usage() (usage, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
	if err != nil {
		return usage{}, err
	}
	// The second field is the program's name, in brackets and of any content.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 {
		return usage{}, errors.New("/proc/PID/stat has too few fields")
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return usage{}, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	if err != nil {
		return usage{}, err
	}
	rss, err := p.peak()
	return usage{cpu: time.Duration(user+system) * tick, rss: rss}, err
}

// peak is VmHWM of /proc/PID/status. The rusage of an ended child will not do:
// it counts the parent's memory at the time of the fork.
func (p *processor) peak() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("/proc/PID/status has no VmHWM")
}

// ownTime is the processor time that this program has used so far.
func ownTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0 // cannot be: both arguments are right
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
