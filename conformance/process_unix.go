//go:build unix

package conformance

import (
	"os/exec"
	"syscall"
)

// ownGroup puts a testee into a process group of its own, so that it is ended
// with whatever it starts: a shell, an interpreter, "go run".
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killGroup ends the group of a testee that has not been waited for.
func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
