package metrics

import (
	"syscall"
	"time"
)

// cpuTime is what this process has used, user and system.
func cpuTime() time.Duration {
	p, err := syscall.GetCurrentProcess()
	if err != nil {
		return 0
	}
	var created, ended, kernel, user syscall.Filetime
	if syscall.GetProcessTimes(p, &created, &ended, &kernel, &user) != nil {
		return 0
	}
	return time.Duration(100 * (ticks(kernel) + ticks(user)))
}

// ticks are of 100 ns.
func ticks(f syscall.Filetime) int64 { return int64(f.HighDateTime)<<32 | int64(f.LowDateTime) }
