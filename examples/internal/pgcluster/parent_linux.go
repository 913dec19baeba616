package pgcluster

import "syscall"

// dieWithParent lets the server stop when we are killed.
func dieWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGQUIT }
