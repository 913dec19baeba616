package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/money"
)

// TestStory tells the story over real sockets and a real ledger; tell itself
// fails when an attack succeeds, money moves or the ledger does not balance.
func TestStory(t *testing.T) {
	var out bytes.Buffer
	if err := tell(t.Context(), &stage.Narrator{Out: &out}); err != nil {
		t.Fatalf("%v\n%s", err, out.Bytes())
	}
	told := out.String()
	for _, want := range []string{
		"confirmed, by fingerprint (ADD-INT-ICS-04",
		"SPECIFIED mandate, signed",
		"shop → agent      Caffè latte, 12 oz, food/coffee, 18.00 yuan (CID-INT-XFR-03",
		"tea house → agent      Caffè latte, 12 oz, food/coffee, 19.00 yuan (CID-INT-XFR-03",
		"that is my psp, at the address that I know myself: agreed (CID-PCA-NEG-04",
		"price and stock held until",
		"1 × Caffè latte, 12 oz. Enjoy!",
		"spent 18.00 of 20.00 yuan (PSD-PAY-DEL-10)",
		"BOUNDED mandate, signed",
		"day 3: 31.40 yuan a kilo",
		"spent 0.90 of 1.00 yuan",
		"recomputed from the entries: sound",
		"18.90 yuan paid, 0.00 stolen",
	} {
		if !strings.Contains(told, want) {
			t.Errorf("the story does not say %q", want)
		}
	}
	if strings.Contains(told, "day 4:") {
		t.Error("a fourth page was bought from a budget for three")
	}
	// The sentences in their order: the budget, then one for each attack; the
	// first attack is refused by the agent and by the processor.
	for _, code := range []protocol.Code{
		protocol.CodeTotalLimitExceeded, protocol.CodeSingleLimitExceeded, protocol.CodeSingleLimitExceeded,
		protocol.CodeMerchantNotAllowed, protocol.CodeReplayed, protocol.CodeMandateRevoked, protocol.CodeProofMismatch,
	} {
		_, after, found := strings.Cut(told, "refused, "+string(code)+":")
		if !found {
			t.Fatalf("no refusal with %s where it belongs", code)
		}
		told = after
	}
	if n := strings.Count(out.String(), "no money has moved; the principal still has 81.10 yuan"); n != 5 {
		t.Errorf("said %d times instead of 5 that no money has moved", n)
	}
}

// TestStoryIsDone: what the story shows as met is not called "not yet" in
// SPEC.md.
func TestStoryIsDone(t *testing.T) {
	var out bytes.Buffer
	if err := tell(t.Context(), &stage.Narrator{Out: &out, Verbose: true}); err != nil {
		t.Fatal(err)
	}
	spec, err := os.ReadFile("../../SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `([A-Z0-9-]+)` .*\\| ([^|]+) \\|$")
	states := map[string]string{}
	for _, r := range row.FindAllStringSubmatch(string(spec), -1) {
		states[r[1]] = r[2]
	}
	shown := regexp.MustCompile(`\b(?:ADD|CID|PSD|TSD)-[A-Z0-9]+-[A-Z0-9]+-\d\d\b`).FindAllString(out.String(), -1)
	if len(shown) < 50 {
		t.Errorf("the story names %d requirements only", len(shown))
	}
	for _, id := range shown {
		if state := states[id]; state == "" || strings.HasPrefix(state, "not yet") {
			t.Errorf("the story shows %s, whose state is %q", id, state)
		}
	}
}

// TestVerboseKeepsSecrets: with -v the messages are shown, but nothing that a
// reader could spend (PRV-04).
func TestVerboseKeepsSecrets(t *testing.T) {
	var out bytes.Buffer
	if err := tell(t.Context(), &stage.Narrator{Out: &out, Verbose: true}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"typ": "vc+jwt"`, `"explicit_intent": "a latte"`, `"act:payment:negotiation"`, `"scenario": "DEL"`, "Payment-Needed", `"request_fingerprint"`, `"payment_token": "(not shown)"`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the verbose story does not show %s", want)
		}
	}
	for _, never := range []string{`"pt-`, `"payment_proof": "ey`, `"payment_proof": "Z`} {
		if strings.Contains(out.String(), never) {
			t.Errorf("the verbose story shows %s", never)
		}
	}
}

// TestBrokenStory: the story ends where something is allowed that should have
// been refused, or is not as it was told.
func TestBrokenStory(t *testing.T) {
	for _, c := range []struct {
		what  string
		price *money.Amount
		wrong string
		want  string
	}{
		{"four pages fit into the budget", &pagePrice, "0.20", "agent allowed what should have failed with total_limit_exceeded"},
		{"the raised price is inside of the mandate", &raised, "19.00", "attack 1: agent allowed what should have failed with single_limit_exceeded"},
		{"the tea house is cheaper", &teaHouse, "12.00", "the coffee shop is not the cheapest"},
		{"the tea house is outside of the mandate", &teaHouse, "21.00", "the coffee shop is not the cheapest of two, but of 1"},
	} {
		t.Run(c.what, func(t *testing.T) {
			before := *c.price
			*c.price = stage.Yuan(c.wrong)
			t.Cleanup(func() { *c.price = before })
			var out bytes.Buffer
			err := tell(t.Context(), &stage.Narrator{Out: &out})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
		})
	}
}
