// Mcp is an MCP server that lets any language model buy with ACT, inside the
// mandates that a person has confirmed. The tools are package acttools; here
// they work on an embedded street with a bank, a payment processor and three
// shops, where nothing is simulated but the people.
//
//	go run ./examples/mcp             serves over stdin and stdout; -v tells on stderr
//	go run ./examples/mcp -demo       plays a model and its client, and prints what they say
//	go run ./examples/mcp -demo -v    with every message between the servers
//	go run ./examples/mcp -demo -q    only the exit status
//
// An MCP host starts the server by a command: "go", "run", "./examples/mcp", or
// a binary that was built of it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actprotocol/act-go/examples/internal/stage"
)

func main() {
	demo := flag.Bool("demo", false, "play a model and its client instead of serving one")
	verbose := flag.Bool("v", false, "show the messages")
	quiet := flag.Bool("q", false, "with -demo: say nothing; exit 0 when all is as it should be")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *demo, *verbose, *quiet); err != nil {
		fmt.Fprintln(os.Stderr, "mcp:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, demo, verbose, quiet bool) error {
	if !demo { // stdout belongs to the protocol
		out := io.Discard
		if verbose {
			out = os.Stderr
		}
		return serve(ctx, &stage.Narrator{Out: out, Verbose: verbose}, &mcp.StdioTransport{})
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	out := io.Writer(os.Stdout)
	if quiet {
		out = io.Discard
	}
	return tell(ctx, &stage.Narrator{Out: out, Verbose: verbose})
}

// serve opens a street and serves its tools until the client hangs up.
func serve(ctx context.Context, n *stage.Narrator, transport mcp.Transport) (err error) {
	s, err := openStreet(ctx, n)
	defer func() { err = errors.Join(err, s.Close(context.WithoutCancel(ctx))) }()
	if err != nil {
		return err
	}
	server, err := s.server()
	if err != nil {
		return err
	}
	if err := server.Run(ctx, transport); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}
