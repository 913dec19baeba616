package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/protocol"
)

// TestStory tells the story over real sockets and a real ledger.
func TestStory(t *testing.T) {
	var out bytes.Buffer
	if err := tell(t.Context(), &stage.Narrator{Out: &out}); err != nil {
		t.Fatalf("%v\n%s", err, out.Bytes())
	}
	told := out.String()
	for _, want := range []string{
		"the last seat is yours until", "1 × Morning flight, one seat", "2 × Room with a view of the lake, one night",
		"AUTO_CANCEL: ended", "spent 2149.00 of 2210.00 yuan", "recomputed from the entries: sound",
	} {
		if !strings.Contains(told, want) {
			t.Errorf("the story does not say %q", want)
		}
	}
	for _, code := range []protocol.Code{
		protocol.CodeInstrumentInvalid, protocol.CodePriceDeviation, protocol.CodeOutOfStock,
		protocol.CodeOrderExpired, protocol.CodePriceChanged, protocol.CodePriceDeviation,
	} {
		_, after, found := strings.Cut(told, "refused, "+string(code)+":")
		if !found {
			t.Fatalf("no refusal with %s where it belongs", code)
		}
		told = after
	}
}

// TestBrokenStory: the story ends when the airline's second seat makes a lock
// worthless.
func TestBrokenStory(t *testing.T) {
	w, err := stage.New(t.Context(), &stage.Narrator{Out: new(bytes.Buffer)})
	trip := &trip{World: w}
	defer func() {
		if err := w.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	if err = errors.Join(err, trip.introduce(t.Context()), trip.plan(t.Context())); err != nil {
		t.Fatal(err)
	}
	items, err := trip.airline.Catalogue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := trip.airline.Stock(t.Context(), items[0], 2); err != nil {
		t.Fatal(err)
	}
	if _, err := trip.hold(t.Context()); err == nil || !strings.Contains(err.Error(), "should have failed with out_of_stock") {
		t.Errorf("%v", err)
	}
}
