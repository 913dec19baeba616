package server_test

import (
	"context"
	"testing"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/examples/processor/server"
	"github.com/actprotocol/act-go/protocol"
)

// readOnly is a book that answers every question and takes nothing.
type readOnly struct{ book.Book }

func (readOnly) Writable(context.Context) error {
	return protocol.New(protocol.CodeServiceUnavailable, "", "", "read only")
}

// TestReady: who can only read its book is not ready for payments, and a load
// balancer is told so.
func TestReady(t *testing.T) {
	w := newWorld(t)
	w.must(w.server.Ready(context.Background()))
	w.restart(func(c *server.Config) { c.Ledger = readOnly{c.Ledger} })
	if err := w.server.Ready(context.Background()); protocol.CodeOf(err) != protocol.CodeServiceUnavailable {
		t.Errorf("ready, with a book that takes nothing: %v", err)
	}
}
