// Coffee is the main job of act-go as a story: an agent buys a latte inside its
// owner's limits, fetches paid pages until its budget ends, and then five
// attacks on the same servers fail, each for its own reason.
//
//	go run ./examples/coffee        the story
//	go run ./examples/coffee -v     with every message
//	go run ./examples/coffee -q     only the exit status
//
// Shop, tea house, payment processor and the principal's bank are separate
// HTTPS servers on loopback, with their own keys and identity documents; the
// processor keeps its ledger in an SQLite file. Nothing is simulated but the
// people, and nothing is left behind.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

func main() {
	verbose := flag.Bool("v", false, "show the messages")
	quiet := flag.Bool("q", false, "say nothing; exit 0 when all is as it should be")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	out := io.Writer(os.Stdout)
	if *quiet {
		out = io.Discard
	}
	if err := tell(ctx, out, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "coffee:", err)
		os.Exit(1)
	}
}
