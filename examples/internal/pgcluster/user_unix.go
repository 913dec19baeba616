//go:build unix

package pgcluster

import (
	"errors"
	"os"
	osuser "os/user"
	"strconv"
	"syscall"
)

// abort is the signal for PostgreSQL's immediate shutdown.
const abort = syscall.SIGQUIT

// A user is somebody else as whom the server runs.
type user struct{ uid, gid uint32 }

// unprivileged is nil unless root asks: the server refuses to run as root.
func unprivileged() (*user, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := osuser.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &user{uint32(uid), uint32(gid)}, nil
	}
	return nil, errors.New("pgcluster: neither a user postgres nor nobody to run the server as")
}

// own gives a folder to the user.
func (u *user) own(folder string) error {
	if u == nil {
		return nil
	}
	return os.Chown(folder, int(u.uid), int(u.gid))
}

// attributes start a process as the user, in a process group of its own, so
// that an interrupt at the terminal reaches us first.
func (u *user) attributes() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true}
	if u != nil {
		a.Credential = &syscall.Credential{Uid: u.uid, Gid: u.gid}
	}
	dieWithParent(a)
	return a
}
