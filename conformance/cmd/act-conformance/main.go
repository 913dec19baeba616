// Command act-conformance tells an implementer of ACT 2.1, in any language, which
// requirements their program meets, which it breaks, and shows the bytes.
//
//	act-conformance testee -- CMD...     drive a program over its standard input and output
//	act-conformance psp -scenario FILE URL      drive a payment service provider over HTTPS
//	act-conformance seller -scenario FILE URL   drive a merchant over HTTPS
//	act-conformance issuer -scenario FILE URL   drive an issuer of mandates over HTTPS
//	act-conformance self                 run everything against this library, from its repository
//	act-conformance list                 the cases and the live checks; with -operations, what is to be implemented
//	act-conformance show ID|OPERATION    one case, or what an operation is
//	act-conformance coverage             which requirements are judged, and by what
//	act-conformance release -o FILE      the suite as data, a tar.gz with an index
//
// It ends with 0 when everything is as expected, 1 when the program under test
// does not conform, and 2 when the suite could not do its work.
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

	"github.com/actprotocol/act-go/conformance/live"
)

// The exit codes.
const (
	exitExpected      = 0
	exitNonconforming = 1
	exitFault         = 2
)

// A mode is one way to use the command. run adds its flags to an empty set,
// reads the arguments, writes to stdout, and returns whether all is as expected.
type mode struct {
	name, usage string
	run         func(ctx context.Context, set *flag.FlagSet, args []string, stdout io.Writer) (expected bool, err error)
}

// modes returns the modes; each stands in a file of its own.
func modes() []mode {
	return []mode{
		{"testee", "[flags] -- CMD...", runTestee},
		{"psp", "-scenario FILE [flags] URL", runLive(live.PSP)},
		{"seller", "-scenario FILE [flags] URL", runLive(live.Seller)},
		{"issuer", "-scenario FILE [flags] URL", runLive(live.Issuer)},
		{"self", "[flags]", runSelf},
		{"list", "[-operations] [-only SELECTION]", runList},
		{"show", "ID|OPERATION", runShow},
		{"coverage", "", runCoverage},
		{"release", "[-o FILE]", runRelease},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main without the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		for _, m := range modes() {
			if m.name != args[0] {
				continue
			}
			expected, err := m.run(ctx, flags(m, stderr), args[1:], stdout)
			switch {
			case errors.Is(err, flag.ErrHelp):
				return exitFault
			case err != nil:
				fmt.Fprintln(stderr, "act-conformance:", err)
				return exitFault
			case expected:
				return exitExpected
			}
			return exitNonconforming
		}
	}
	usage(stderr)
	return exitFault
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "usage:")
	for _, m := range modes() {
		fmt.Fprintln(w, "  act-conformance", m.name, m.usage)
	}
	fmt.Fprintln(w, "act-conformance MODE -h tells the flags. Exit: 0 as expected, 1 not conforming, 2 the suite could not do its work.")
}

// flags returns an empty set of flags for a mode.
func flags(m mode, stderr io.Writer) *flag.FlagSet {
	set := flag.NewFlagSet("act-conformance "+m.name, flag.ContinueOnError)
	set.SetOutput(stderr)
	set.Usage = func() {
		fmt.Fprintln(stderr, "usage: act-conformance", m.name, m.usage)
		set.PrintDefaults()
	}
	return set
}

// command writes a command so that a shell reads it again as it was.
func command(words ...string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = w
		if w == "" || strings.ContainsFunc(w, func(c rune) bool {
			return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_./:=@,+%", c))
		}) {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}
