package main

import (
	"errors"
	"os"
	"runtime/pprof"
)

// profileTo begins to write a CPU profile into a file, and returns what ends it.
// Without a file it does nothing. A profile names functions and holds nothing of
// what they were called with.
func profileTo(path string) (end func() error, err error) {
	if path == "" {
		return func() error { return nil }, nil
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return file.Close()
	}, nil
}
