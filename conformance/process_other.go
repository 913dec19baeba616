//go:build !unix

package conformance

import "os/exec"

// ownGroup does nothing: there are no process groups here.
func ownGroup(*exec.Cmd) {}

// killGroup ends a testee, but not what it started.
func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }
