// The reference payment processor: a small payment service provider that
// speaks SPEC.md section 6, on one SQLite file.
//
//	go run ./examples/processor
//
// serves on loopback, prints where and under which identifier, and keeps keys,
// certificates and ledger in the folder processor-data. Kill it at any moment
// and start it again: what it answered is there, once. One process serves a
// folder, always under the identifier of its first start, of which the port of
// -addr is a part; with port 0 the second start is refused.
//
// Without -tls-cert it makes a certification authority of its own, which can
// certify nothing but this machine; give ca.pem of the data folder to those who
// are to trust it. Documents of agents, merchants and issuers are fetched from
// public addresses only, unless -insecure-allow-loopback is given, which local
// demonstrations need; -roots names the authorities to trust beside the
// system's. Why a document could not be fetched is in the log.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/actprotocol/act-go/provider"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "processor:", explain(err))
		os.Exit(1)
	}
}

// explain adds the innermost cause, which our errors do not print: whoever
// starts the program may know it.
func explain(err error) string {
	if text := innermost(err).Error(); !strings.Contains(err.Error(), text) {
		return err.Error() + " (" + text + ")"
	}
	return err.Error()
}

// innermost follows a chain of errors, and the first of several.
func innermost(err error) error {
	var next error
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		next = e.Unwrap()
	case interface{ Unwrap() []error }:
		next = e.Unwrap()[0]
	}
	if next == nil {
		return err
	}
	return innermost(next)
}

// options are the flags.
type options struct {
	addr, host, name, data        string
	tlsCert, tlsKey, roots        string
	cpuProfile                    string
	allowLoopback, audit, verbose bool
	changeIdentifier              bool
	timeToConfirm                 time.Duration
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("processor", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.addr, "addr", "127.0.0.1:8443", "address to listen on")
	f.StringVar(&o.host, "host", "", "host of the identifier, with a port unless it is 443 (default localhost and the port of -addr)")
	f.StringVar(&o.name, "name", "psp", "name of the identifier")
	f.StringVar(&o.data, "data", "processor-data", "folder of keys and ledger, made when absent")
	f.StringVar(&o.tlsCert, "tls-cert", "", "certificate chain in PEM (default one of the program's own, for localhost)")
	f.StringVar(&o.tlsKey, "tls-key", "", "key of -tls-cert in PEM")
	f.StringVar(&o.roots, "roots", "", "certificates in PEM to trust, beside the system's, when fetching documents")
	f.BoolVar(&o.allowLoopback, "insecure-allow-loopback", false, "fetch documents from this machine too, for local demonstrations")
	f.BoolVar(&o.changeIdentifier, "change-identifier", false, "serve the folder under another identifier than before; old mandates and proofs no longer hold")
	f.DurationVar(&o.timeToConfirm, "time-to-confirm", provider.DefaultTimeToConfirm, "how long an instant payment waits for the principal")
	f.BoolVar(&o.audit, "audit", false, "recompute the ledger's sums, report, and end")
	f.StringVar(&o.cpuProfile, "cpuprofile", "", "write a CPU profile of the whole run to this file")
	f.BoolVar(&o.verbose, "v", false, "log every request, path, code and duration, and every look-up that failed, not only the first of a minute")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, errors.New("no arguments are expected")
	}
	if o.timeToConfirm < time.Second {
		return o, errors.New("-time-to-confirm is at least a second")
	}
	if (o.tlsCert == "") != (o.tlsKey == "") {
		return o, errors.New("-tls-cert and -tls-key go together")
	}
	return o, nil
}

// run is the program; it ends when ctx does.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	folder, err := openFolder(o.data)
	if err != nil {
		return err
	}
	if o.audit {
		return folder.audit(ctx, stdout)
	}
	level := slog.LevelWarn
	if o.verbose {
		level = slog.LevelInfo
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	end, err := profileTo(o.cpuProfile)
	if err != nil {
		return err
	}
	return errors.Join(serve(ctx, o, folder, log, stdout), end())
}
