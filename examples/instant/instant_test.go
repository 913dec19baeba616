package main

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
)

// TestStory tells the story over real sockets and a real ledger.
func TestStory(t *testing.T) {
	var out bytes.Buffer
	if err := tell(t.Context(), &stage.Narrator{Out: &out}); err != nil {
		t.Fatalf("%v\n%s", err, out.Bytes())
	}
	told := out.String()
	for _, want := range []string{
		"2 × Beef noodles, at " + home, "1 × Peaches, one box, at " + home, "1 × Ten tulips, at " + home,
		"paid 56.00 yuan by DEL", "paid 45.00 yuan by INS", "PAUSE_AND_NOTIFY       nothing",
		"The door itself is nowhere in all that was sent", "recomputed from the entries: sound",
	} {
		if !strings.Contains(told, want) {
			t.Errorf("the story does not say %q", want)
		}
	}
	for _, verdict := range []string{
		"refused, out_of_stock", "not decided, constraint_withheld", "refused, merchant_not_allowed",
		"refused, audience_mismatch", "refused, audience_mismatch", "refused, audience_mismatch",
		"refused, order_unknown", "refused, order_unknown",
	} {
		_, after, found := strings.Cut(told, verdict+":")
		if !found {
			t.Fatalf("no %q where it belongs", verdict)
		}
		told = after
	}
}

// open opens an evening and tells its first chapters.
func open(t *testing.T, chapters int) *evening {
	t.Helper()
	w, err := stage.New(t.Context(), &stage.Narrator{Out: new(bytes.Buffer)})
	t.Cleanup(func() {
		if err := w.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	e := newEvening(w)
	for _, chapter := range e.chapters()[:chapters] {
		if err := chapter(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// The number of chapters until the end of some.
const (
	untilAgree    = 3
	untilMeddling = 9
)

// TestBrokenStories: the story ends when the world is not as it says.
func TestBrokenStories(t *testing.T) {
	t.Run("the orchard has what it should not have", func(t *testing.T) {
		e := open(t, untilAgree)
		items, err := e.orchard.Catalogue(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := e.orchard.Stock(t.Context(), items[0], 1); err != nil {
			t.Fatal(err)
		}
		if err := e.fruit(t.Context()); err == nil || !strings.Contains(err.Error(), "should have failed with out_of_stock") {
			t.Error(err)
		}
	})
	for name, spilled := range map[string]string{
		"in clear":       `{"to":"` + home + `"}`,
		"within a token": `{"token":"` + canon.EncodeBase64([]byte(`{"to":"`+home+`"}`)) + `"}`,
		"in part":        `"door code 4711"`,
	} {
		t.Run("PRV-02 the address was sent "+name, func(t *testing.T) {
			e := open(t, untilMeddling)
			if err := e.showKnown(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := e.post(t.Context(), e.grocer.Base+"/addresses", []byte(spilled)); err == nil {
				t.Error("a shop takes what nobody has sealed")
			}
			if err := e.showKnown(t.Context()); err == nil || !strings.Contains(err.Error(), "in clear") {
				t.Error(err)
			}
		})
	}
}

// TestShop: what a shop does with carts and messages that are not as they
// should be.
func TestShop(t *testing.T) {
	e := open(t, untilAgree)
	at, err := e.buyer.Shop(e.noodles.Store)
	if err != nil {
		t.Fatal(err)
	}
	line := []agent.Line{{ItemID: "noodles", Quantity: 1}}
	_, err = at.ConfirmCart(t.Context(), line, commerce.Fulfilment{DeliveryAddress: "1 Elm Street"})
	if protocol.CodeOf(err) != protocol.CodeFieldInvalid {
		t.Errorf("PRV-02 an address in clear: %v", err)
	}
	message, err := e.seal(t.Context(), e.noodles)
	if err != nil {
		t.Fatal(err)
	}
	send := func(message []byte) protocol.Code {
		return protocol.CodeOf(e.post(t.Context(), e.noodles.Base+"/addresses", message))
	}
	if code := send(message); code != protocol.CodeOrderUnknown {
		t.Errorf("PRV-02 before the cart: %s", code)
	}
	order, err := at.ConfirmCart(t.Context(), line, commerce.Fulfilment{DeliveryAddress: string(canon.Sum(message))})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second changes nothing
		if code := send(message); code != "" {
			t.Errorf("PRV-02 the message of the cart: %s", code)
		}
	}
	number, d := e.noodles.expecting(canon.Sum(message))
	if number != order.Confirmation.MerchantOrderID || d.address != home || len(e.noodles.couriers()) != 0 {
		t.Errorf("order %q to %q, and %d couriers have left", number, d.address, len(e.noodles.couriers()))
	}
	t.Run("PRV-02 sealed for another shop, and named by the cart", func(t *testing.T) {
		other, err := e.seal(t.Context(), e.grocer)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := at.ConfirmCart(t.Context(), line, commerce.Fulfilment{DeliveryAddress: string(canon.Sum(other))}); err != nil {
			t.Fatal(err)
		}
		if code := send(other); code != protocol.CodeAudienceMismatch {
			t.Error(code)
		}
	})
	t.Run("PRV-02 sealed by somebody else, and named by the cart", func(t *testing.T) {
		other, err := e.sealBy(t.Context(), e.market.party.Signer(keys.AgentRequest), e.noodles, "1 Elm Street")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := at.ConfirmCart(t.Context(), line, commerce.Fulfilment{DeliveryAddress: string(canon.Sum(other))}); err != nil {
			t.Fatal(err)
		}
		if code := send(other); code != protocol.CodeClaimsConflict {
			t.Error(code)
		}
	})
	t.Run("nobody is sent out unpaid", func(t *testing.T) {
		response, err := e.buyer.Plain.Post(e.noodles.Base+"/pickups", "application/json", strings.NewReader(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode < http.StatusBadRequest || len(e.noodles.couriers()) != 0 {
			t.Error(response.Status)
		}
	})
}

// TestUnknownDoor: what was paid for and cannot be delivered waits for a person.
func TestUnknownDoor(t *testing.T) {
	e := open(t, untilAgree)
	at, err := e.buyer.Shop(e.noodles.Store)
	if err != nil {
		t.Fatal(err)
	}
	order, err := at.ConfirmCart(t.Context(), []agent.Line{{ItemID: "noodles", Quantity: 1}}, commerce.Fulfilment{DeliveryAddress: string(canon.Sum([]byte("lost")))})
	if err != nil {
		t.Fatal(err)
	}
	paid, err := e.buyer.Agent.PayOrder(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	if goods, err := e.buyer.PickUp(t.Context(), order, paid); err == nil || len(e.noodles.couriers()) != 0 {
		t.Errorf("%v, and %d couriers", goods, len(e.noodles.couriers()))
	}
}
