package stage_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/money"
)

// TestWorld buys one thing on the stage, a year from now, and audits the books.
func TestWorld(t *testing.T) {
	ctx := t.Context()
	var out bytes.Buffer
	w, err := stage.New(ctx, &stage.Narrator{Out: &out, Verbose: true})
	t.Cleanup(func() {
		if err := w.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Pass(365 * 24 * time.Hour)
	person, err := w.NewPerson(ctx, "principal", stage.Yuan("100.00"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := w.NewAgentKey("agent")
	if err != nil {
		t.Fatal(err)
	}
	buyer, err := w.NewBuyer(ctx, "agent", key, person, nil)
	if err != nil {
		t.Fatal(err)
	}
	store, err := w.NewStore(ctx, "shop", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Stock(ctx, commerce.Item{ID: "pen", Name: "Pen", Category: "office", Price: stage.Yuan("12.50"), Delivery: time.Hour}, 3); err != nil {
		t.Fatal(err)
	}
	confirmed, err := person.Confirm(buyer, "A pen, please.", func(i *delegation.ISR) {
		i.DelegationMode, i.MaxTotalAmount = delegation.Specified, "20"
		i.Ext = &delegation.Ext{Commerce: &delegation.Commerce{AllowedMerchants: []string{store.ID}}}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := person.Grant(ctx, buyer, confirmed); err != nil {
		t.Fatal(err)
	}
	shop, err := buyer.Shop(store)
	if err != nil {
		t.Fatal(err)
	}
	order, err := shop.ConfirmCart(ctx, []agent.Line{{ItemID: "pen", Quantity: 1}}, commerce.Fulfilment{})
	if err != nil {
		t.Fatal(err)
	}
	paid, err := buyer.Agent.PayOrder(ctx, order)
	if err != nil {
		t.Fatal(err)
	}
	if !w.Decided().Allowed() {
		t.Error("the processor's decision is not known")
	}
	if goods, err := buyer.PickUp(ctx, order, paid); err != nil || goods != "1 × Pen" {
		t.Errorf("%q, %v", goods, err)
	}
	names := map[string]string{store.ID: "shop"}
	if err := w.Audit(ctx, names, map[string]money.Amount{person.ID(): paid.Amount}); err != nil {
		t.Error(err)
	}
	if w.Audit(ctx, names, nil) == nil {
		t.Error("the audit does not notice that more was spent than bought")
	}
	for _, want := range []string{"12.50", `"payment_token": "(not shown)"`, "sound"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the story does not show %q", want)
		}
	}
}

// TestExpect: a story notices when something is not refused, or for another
// reason than it should be.
func TestExpect(t *testing.T) {
	n := &stage.Narrator{Out: io.Discard}
	replayed := protocol.New(protocol.CodeReplayed, "", "", "")
	if n.Expect("psp", nil, protocol.CodeReplayed) == nil {
		t.Error("an attack that succeeds is not noticed")
	}
	if n.Expect("psp", errors.New("lost"), protocol.CodeReplayed) == nil || n.Expect("psp", replayed, protocol.CodeMalformed) == nil {
		t.Error("a refusal for another reason is not noticed")
	}
	if err := n.Expect("psp", replayed, protocol.CodeReplayed); err != nil {
		t.Error(err)
	}
}
