package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "loadtest:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	seconds     float64
	rate        float64
	json        bool
	store       string
	processes   int
	prefill     int
	agents      int
	merchants   int
	connections int
	program     string
	profile     string
	guide       string
	dir         string
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("loadtest", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Float64Var(&o.seconds, "seconds", 10, "how long payments come in")
	f.Float64Var(&o.rate, "rate", 0, "payments a second that come in, on average (default: the highest at which p99 stays under 50 ms, found by short probes)")
	f.BoolVar(&o.json, "json", false, "print the figures as one JSON object")
	f.StringVar(&o.store, "store", sqlite, "the processor's store: sqlite, or postgres, for which a cluster is made in a temporary folder")
	f.IntVar(&o.processes, "processes", 1, "processes of the processor, which share a PostgreSQL store")
	f.IntVar(&o.prefill, "prefill", 0, "payments that the book has before the run, put there without the processor")
	f.IntVar(&o.agents, "agents", 64, "agents, each with a principal, a mandate and a payment token")
	f.IntVar(&o.merchants, "merchants", 16, "merchants")
	f.IntVar(&o.connections, "connections", 64, "connections to the processor")
	f.StringVar(&o.program, "processor", "", "a processor that was built before (default: build one)")
	f.StringVar(&o.guide, "pgo", "", "build the processor with this profile, as go build -pgo does (one that -cpuprofile kept, for example)")
	f.StringVar(&o.profile, "cpuprofile", "", "keep a CPU profile of the processor in this file, of the first half minute at most")
	f.StringVar(&o.dir, "dir", "", "where to make the temporary folder with the processor's data (default the system's)")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	return o, o.check(f.NArg())
}

func (o *options) check(arguments int) error {
	switch {
	case arguments > 0:
		return errors.New("no arguments are expected")
	case o.seconds < 0.1 || o.seconds > 3600:
		return errors.New("-seconds is from 0.1 to 3600")
	case o.rate != 0 && (o.rate < 1 || o.rate > 1e6):
		return errors.New("-rate is from 1 to 1000000, or 0 to find the highest")
	case o.agents < 1 || o.merchants < 1 || o.connections < 1 || o.prefill < 0:
		return errors.New("-agents, -merchants and -connections are at least 1, and -prefill at least 0")
	case o.agents > 512 || o.merchants > 256:
		return errors.New("at most 512 agents and 256 merchants: the processor keeps a thousand documents")
	case o.store != sqlite && o.store != postgresql:
		return errors.New("-store is sqlite or postgres")
	case o.processes < 1 || o.processes > 8 || o.processes > 1 && o.store == sqlite:
		return errors.New("-processes is from 1 to 8, and 1 for sqlite: its file has one process")
	}
	return nil
}

// The stores.
const (
	sqlite     = "sqlite"
	postgresql = "postgres"
)

// patience is how long the ends of a run may take.
const patience = 30 * time.Second

// run is the program.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp(o.dir, "act-loadtest-")
	if err != nil {
		return err
	}
	r, err := measure(ctx, o, folder, stderr)
	if err := errors.Join(err, os.RemoveAll(folder)); err != nil {
		return err
	}
	return r.print(stdout, o.json)
}

// measure makes the street, loads it, and says what it saw.
func measure(ctx context.Context, o options, folder string, progress io.Writer) (r *report, err error) {
	s, err := openStreet(ctx, o, folder, progress)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	before, err := s.floor()
	if err != nil {
		return nil, err
	}
	l, err := newLoad(s, o)
	if err != nil {
		return nil, err
	}
	defer l.close()
	if err := l.run(ctx, progress); err != nil {
		return nil, err
	}
	after, err := s.floor()
	if err != nil {
		return nil, err
	}
	if r, err = l.report(o, (before+after)/2); err != nil {
		return nil, err
	}
	fmt.Fprintf(progress, "auditing the book; before that: %.1f payments a second, p99 %.2f ms, %.1f us of CPU a payment over %.1f us, %.1f MiB, %d errors\n",
		r.PerSecond, r.P99, r.CPU, r.Floor, r.RSS, r.Errors)
	if err := s.verify(ctx, l.sample, r.payments); err != nil {
		return nil, err
	}
	return r, r.addStages(l.profile, o.profile)
}
