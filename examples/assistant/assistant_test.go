package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
)

// TestStory tells the story over real sockets and a real ledger.
func TestStory(t *testing.T) {
	var out bytes.Buffer
	if err := tell(t.Context(), &stage.Narrator{Out: &out}); err != nil {
		t.Fatalf("%v\n%s", err, out.Bytes())
	}
	told := out.String()
	for _, want := range []string{
		"bazaar: too slow", "corner: nothing", "the cheapest within 24 h of 2; cheaper but not in time: 1",
		"recorded before it paid", "in the reader's own session: 38.00 yuan, paid",
		"in none: a principal", "recomputed from the entries: sound",
	} {
		if !strings.Contains(told, want) {
			t.Errorf("the story does not say %q", want)
		}
	}
	for _, step := range []string{
		"refused, policy_refused:", "refused, issuer_untrusted:", "refused, principal_mismatch:",
		"refused, risk_refused:", "to itself: field_missing", "refused, risk_refused:", "to itself: principal_mismatch",
		"refused, risk_refused:", "to itself: audience_mismatch",
	} {
		_, after, found := strings.Cut(told, step)
		if !found {
			t.Fatalf("the story does not say %q where it belongs", step)
		}
		told = after
	}
}

// TestBrokenChoice: the story ends when an errand brings something else than
// its person should get.
func TestBrokenChoice(t *testing.T) {
	before := wishes[3].by
	wishes[3].by = cheapest // the lantern comes in three days, and not tomorrow
	t.Cleanup(func() { wishes[3].by = before })
	err := tell(t.Context(), &stage.Narrator{Out: new(bytes.Buffer)})
	if err == nil || !strings.Contains(err.Error(), `the camper has got "1 × Lantern for a tent" from the warehouse for 45.00`) {
		t.Errorf("%v", err)
	}
}

// TestBrokenProcessor: the story ends when the processor does not ask whom the
// agent acts for (PSD-PAY-DEL-09).
func TestBrokenProcessor(t *testing.T) {
	w, err := stage.New(t.Context(), &stage.Narrator{Out: new(bytes.Buffer)})
	a := &assistant{World: w, reasons: make(chan error, 8)}
	defer func() {
		if err := w.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	if err = errors.Join(err, a.introduce(t.Context()), a.agreeAll(t.Context())); err != nil {
		t.Fatal(err)
	}
	if err := a.mixUp(t.Context()); err != nil { // what does not depend on bindings
		t.Fatal(err)
	}
	if err := a.unbound(t.Context()); err == nil || !strings.Contains(err.Error(), "should have failed with risk_refused") {
		t.Errorf("%v", err)
	}
}

// TestDecide: the choice follows the criterion, and the record says all that it
// was made of.
func TestDecide(t *testing.T) {
	shop, slow := new(agent.Shop), new(agent.Shop)
	answers := &agent.Answers{
		Shops: []agent.ShopAnswer{{Shop: shop}, {Shop: slow, Err: protocol.New(protocol.CodeServiceUnavailable, "", "", "")}},
	}
	for _, i := range []commerce.Item{
		{ID: "late", Price: stage.Yuan("1.00"), Delivery: 48 * time.Hour},
		{ID: "unknown", Price: stage.Yuan("2.00"), Delivery: commerce.DeliveryUnknown},
		{ID: "good", Price: stage.Yuan("3.00"), Delivery: time.Hour},
	} {
		answers.Candidates = append(answers.Candidates, agent.Candidate{Item: i, Shop: shop})
	}
	for _, c := range []struct {
		by     criterion
		chosen string
		reason string
	}{
		{cheapest, "late", "the cheapest of 3"},
		{cheapest.by(time.Hour), "good", "the cheapest within 1 h of 3; cheaper but not in time: 2"},
	} {
		r, chosen, err := decide("intent-1", c.by, answers, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if chosen.Item.ID != c.chosen || r.Candidates[r.Choice].ItemID != c.chosen || r.Reason != c.reason {
			t.Errorf("%s: %s, %+v", c.by.name, chosen.Item.ID, r)
		}
		if len(r.Candidates) != 3 || len(r.Missing) != 1 || r.Missing[0].Code != protocol.CodeServiceUnavailable || r.Candidates[1].Delivery != "" {
			t.Errorf("%s: not all is recorded: %+v", c.by.name, r)
		}
	}
	if r, _, err := decide("intent-1", cheapest.by(time.Minute), answers, time.Now()); protocol.CodeOf(err) != protocol.CodeNoMatch || r != nil {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestSeal: PRV-04, a record with personal data in it is kept from leaving.
func TestSeal(t *testing.T) {
	r := record{IntentID: "intent-1", Reason: "the cheapest of 3"}
	if _, err := r.seal(); err != nil {
		t.Fatal(err)
	}
	r.Reason = "to be delivered to reader@home.example"
	if _, err := r.seal(); err == nil {
		t.Error("an address was let through")
	}
}
