//go:build unix && !linux

package pgcluster

import "syscall"

// dieWithParent does nothing where the system knows no such thing.
func dieWithParent(*syscall.SysProcAttr) {}
