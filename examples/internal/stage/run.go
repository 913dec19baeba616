package stage

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/actprotocol/act-go/protocol"
)

// Main is the main function of a scenario: it reads the flags -v (every
// message), -q (only the exit status) and -evidence (a file for all evidence of
// the story), tells the story, and exits with 1 when anything is not as it should be.
func Main(name string, tell func(context.Context, *Narrator) error) {
	verbose := flag.Bool("v", false, "show the messages")
	quiet := flag.Bool("q", false, "say nothing; exit 0 when all is as it should be")
	file := flag.String("evidence", "", "write all evidence of the story to a file, for \"act evidence verify\"")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	out := io.Writer(os.Stdout)
	if *quiet {
		out = io.Discard
	}
	if err := tell(ctx, &Narrator{Out: out, Verbose: *verbose, Evidence: *file}); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

// Expect tells that something was refused, and fails when it was not refused
// for this reason.
func (n *Narrator) Expect(who string, err error, code protocol.Code) error {
	var refused *protocol.Error
	switch {
	case err == nil:
		return fmt.Errorf("%s allowed what should have failed with %s", who, code)
	case !errors.As(err, &refused) || refused.Code != code:
		return fmt.Errorf("%s: refused, but not with %s: %w", who, code, err)
	}
	n.Notes(who, "%s %s, %s: %s (%s)", Mark(code.Outcome()), verdict(code), code, code.Text(), refused.Requirement)
	return nil
}

func verdict(code protocol.Code) string {
	if code.Outcome() == protocol.Undetermined {
		return "not decided"
	}
	return "refused"
}
