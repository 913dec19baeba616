// Package pgcluster makes a PostgreSQL cluster in a temporary folder, starts
// its server, kills it when a test wants that, and stops and removes it. It is
// there for tests and for the load program, and needs nothing but the programs
// of an installed PostgreSQL: Debian's package postgresql, say.
//
// # What it promises
//
//   - The server is durable as a real one: fsync, full_page_writes and
//     synchronous_commit are on. It is small: little shared memory, few
//     connections.
//   - It listens on a Unix socket in a folder that only its own user can enter,
//     and on no network. There is no password.
//   - The server does not run as root. Started by root, it runs as the user
//     postgres, or nobody.
//   - [Cluster.Close] leaves no process and no file. Under Linux the server
//     also ends when the program that started it is killed; the folder then
//     stays.
//
// It is not for data that anybody wants to keep.
package pgcluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// ErrAbsent says that no PostgreSQL was found on this machine.
var ErrAbsent = errors.New("pgcluster: no PostgreSQL was found: neither initdb and postgres in the PATH nor a folder of a package")

// superuser is the one role of a cluster.
const superuser = "act"

// settings are those of every cluster. What durability rests on is written
// down although it is PostgreSQL's default.
var settings = []string{
	"fsync=on", "full_page_writes=on", "synchronous_commit=on",
	"shared_buffers=64MB", "max_connections=100", "max_wal_size=512MB", "min_wal_size=80MB",
	"wal_level=minimal", "max_wal_senders=0", "jit=off", "logging_collector=off", "log_min_messages=fatal",
	"listen_addresses=", "unix_socket_permissions=0700",
}

// A Cluster is one server with its files. Its methods are called from one
// goroutine at a time.
type Cluster struct {
	folder   string   // everything is in it
	binaries string   // where postgres and initdb are
	settings []string // of this cluster, behind those of all
	user     *user    // nil: the present one

	server *exec.Cmd
	ended  chan struct{} // closed when the server has ended
	once   sync.Once
}

// New makes a cluster and starts it. More settings, such as "max_connections=20",
// override those that all clusters have. It is ErrAbsent when PostgreSQL is not
// installed.
func New(ctx context.Context, more ...string) (*Cluster, error) {
	binaries, err := find()
	if err != nil {
		return nil, err
	}
	owner, err := unprivileged()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "act-pg-")
	if err != nil {
		return nil, err
	}
	c := &Cluster{folder: folder, binaries: binaries, settings: more, user: owner}
	if err := c.make(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	if err := c.Start(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// A TB is what [ForTest] needs of a *testing.T or *testing.B.
type TB interface {
	Helper()
	Context() context.Context
	Skip(args ...any)
	Fatal(args ...any)
	Cleanup(f func())
}

// ForTest makes a cluster that lives as long as a test. Where PostgreSQL is not
// installed the test is skipped, with that as the reason.
func ForTest(t TB, more ...string) *Cluster {
	t.Helper()
	c, err := New(t.Context(), more...)
	if errors.Is(err, ErrAbsent) {
		t.Skip(err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	})
	return c
}

// find looks for the folder with PostgreSQL's programs: in the PATH, then where
// packages put them, the highest version first.
func find() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil && complete(filepath.Dir(path)) {
			return filepath.Dir(path), nil
		}
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/lib/postgresql*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin", "/usr/local/pgsql/bin"} {
		folders, err := filepath.Glob(pattern)
		if err != nil {
			return "", err
		}
		slices.Sort(folders)
		for _, folder := range slices.Backward(folders) {
			if complete(folder) {
				return folder, nil
			}
		}
	}
	return "", ErrAbsent
}

func complete(folder string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		if info, err := os.Stat(filepath.Join(folder, name)); err != nil || info.IsDir() {
			return false
		}
	}
	return true
}

// make runs initdb.
func (c *Cluster) make(ctx context.Context) error {
	if len(c.folder) > 80 {
		return errors.New("pgcluster: the temporary folder's path is too long for a Unix socket")
	}
	if err := c.user.own(c.folder); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(c.binaries, "initdb"),
		"-D", c.data(), "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	c.prepare(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pgcluster: initdb: %w: %s", err, lastLines(out))
	}
	return nil
}

func (c *Cluster) data() string { return filepath.Join(c.folder, "data") }
func (c *Cluster) log() string  { return filepath.Join(c.folder, "log") }

// prepare gives a command its user, its folder and an environment of ours: no
// PGDATA or PGPORT of the caller shall mean anything to it.
func (c *Cluster) prepare(cmd *exec.Cmd) {
	cmd.Dir = c.folder
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC", "HOME=" + c.folder}
	cmd.SysProcAttr = c.user.attributes()
}

// DSN is how a client connects to the cluster's database.
func (c *Cluster) DSN() string {
	return "host=" + c.folder + " port=5432 user=" + superuser + " dbname=postgres sslmode=disable"
}

// startTime is how long a server may take to recover and to answer.
const startTime = time.Minute

// Start starts the server and waits until it answers. After a crash it waits
// for what is left of the server before, and recovers.
func (c *Cluster) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		if err := c.launch(); err != nil {
			return err
		}
		err := c.answers(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		// A process of the server before may still hold the files.
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (c *Cluster) launch() error {
	log, err := os.OpenFile(c.log(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	args := []string{"-D", c.data(), "-k", c.folder, "-p", "5432"}
	for _, s := range slices.Concat(settings, c.settings) {
		args = append(args, "-c", s)
	}
	c.server = exec.Command(filepath.Join(c.binaries, "postgres"), args...)
	c.server.Stdout, c.server.Stderr = log, log
	c.prepare(c.server)
	if err := c.server.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	c.ended = ended
	go func(cmd *exec.Cmd) {
		_ = cmd.Wait() // how it ended is in its log
		close(ended)
	}(c.server)
	return nil
}

// answers waits until the server says in its lock file that it is ready, or
// has ended.
func (c *Cluster) answers(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), c.signal(syscall.SIGKILL))
		case <-c.ended:
			out, _ := os.ReadFile(c.log())
			return fmt.Errorf("pgcluster: the server did not start: %s", lastLines(out))
		case <-time.After(10 * time.Millisecond):
		}
		lock, err := os.ReadFile(filepath.Join(c.data(), "postmaster.pid"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		lines := strings.Split(string(lock), "\n")
		if len(lines) > 7 && lines[0] == fmt.Sprint(c.server.Process.Pid) && strings.TrimSpace(lines[7]) == "ready" {
			return nil
		}
	}
}

// lastLines is the end of a program's output.
func lastLines(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-4):], " | ")
}

// signal sends a signal to the server and waits until it has ended.
func (c *Cluster) signal(s syscall.Signal) error {
	if c.server == nil {
		return nil
	}
	if err := c.server.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-c.ended
	return nil
}

// Kill ends the server at once with SIGKILL: it writes nothing down any more. Its
// other processes notice on their own, and [Cluster.Start] waits for them. It is
// not a power cut: what the system has in memory still reaches the disk.
func (c *Cluster) Kill() error { return c.signal(syscall.SIGKILL) }

// Abort ends the server without a checkpoint (its immediate shutdown), so that
// the next start recovers from the log.
func (c *Cluster) Abort() error { return c.signal(abort) }

// Close stops the server and removes its files. It may be called again.
func (c *Cluster) Close() (err error) {
	c.once.Do(func() {
		timer := time.AfterFunc(20*time.Second, func() {
			if c.server != nil {
				_ = c.server.Process.Kill() // it did not stop by itself
			}
		})
		err = c.signal(syscall.SIGINT)
		timer.Stop()
		err = errors.Join(err, c.remove())
	})
	return err
}

// remove deletes the folder; processes of a killed server may still write into
// it for a moment.
func (c *Cluster) remove() (err error) {
	for range 100 {
		if err = os.RemoveAll(c.folder); err == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return err
}
