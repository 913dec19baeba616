//go:build !unix

package pgcluster

import "syscall"

// abort is never sent: nothing is started here.
const abort = syscall.SIGKILL

// A user is somebody else as whom the server runs; there is none here.
type user struct{}

// unprivileged fails: clusters are made on Unix only.
func unprivileged() (*user, error) { return nil, ErrAbsent }

func (u *user) own(string) error { return nil }

func (u *user) attributes() *syscall.SysProcAttr { return nil }
