// The reference payment processor: a small payment service provider that
// speaks SPEC.md section 6, on one SQLite file.
//
//	go run ./examples/processor [serve]   serves
//	go run ./examples/processor audit     computes the ledger again, reports, and ends
//	go run ./examples/processor config    prints the effective configuration, and ends
//
// It serves on loopback, prints where and under which identifier, and keeps
// keys, certificates and ledger in the folder processor-data. Kill it at any
// moment and start it again: what it answered is there, once. One process serves
// a folder, always under the identifier of its first start, of which the port of
// -addr is a part; with port 0 the second start is refused.
//
// Every flag has an environment variable: -rate-agent is ACT_PROCESSOR_RATE_AGENT.
// The flag wins.
//
// Without -tls-cert or -acme it makes a certification authority of its own,
// which can certify nothing but this machine; give ca.pem of the data folder to
// those who are to trust it. Documents of agents, merchants and issuers are
// fetched from public addresses only, unless -insecure-allow-loopback is given,
// which local demonstrations need; -roots names the authorities to trust beside
// the system's. Why a document could not be fetched is in the log.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/actprotocol/act-go/examples/internal/folder"
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

// run is the program; it ends when ctx does.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if o.command == commandConfig {
		o.set.Print(stdout)
		return nil
	}
	if o.command == commandAudit {
		return audit(ctx, o, folder.Folder(o.data), stdout) // makes no folder where there is none
	}
	f, err := folder.Open(o.data)
	if err != nil {
		return err
	}
	log := o.log.New(stderr)
	o.set.Warn(log)
	tuneMemory()
	return serve(ctx, o, f, log, stdout)
}
