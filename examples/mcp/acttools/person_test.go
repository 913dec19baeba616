package acttools_test

import (
	"context"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/examples/mcp/acttools"
	"github.com/actprotocol/act-go/protocol"
)

// TestPersonDecides: a mandate and a large payment wait for the person, with
// clients of the present and of an earlier protocol.
func TestPersonDecides(t *testing.T) {
	for _, version := range []string{"", "2025-06-18"} {
		t.Run("version "+version, func(t *testing.T) {
			w := newWorld(t, nil)
			agrees, shown := false, ""
			c := w.connect(version, func(p *mcp.ElicitParams) *mcp.ElicitResult {
				shown = p.Message
				if agrees {
					return accept
				}
				return &mcp.ElicitResult{Action: "decline"}
			}, false)
			c.refuse(protocol.CodeConfirmationFailed, "describe_intent", draft())
			if w.issued != 0 || len(w.buyer.Agent.Wallet().Mandates()) != 0 {
				t.Fatal("ADD-INT-ICS-04: a mandate that nobody has confirmed")
			}
			agrees = true
			got := must[acttools.IntentOutput](c, "describe_intent", draft())
			if !strings.Contains(shown, got.Summary) || !strings.Contains(shown, "The shop is "+w.shop.ID) {
				t.Errorf("ADD-INT-ICS-05: the person was shown %q", shown)
			}
			m := w.buyer.Agent.Wallet().Mandates()
			if len(m) != 1 || m[0].Claims().ID != got.Mandate || m[0].Bounds().Total() != stage.Yuan("100") || got.ConfirmedBy != acttools.ByElicitation {
				t.Fatalf("%+v", got)
			}
			desk := c.order("90.00")
			agrees = false
			c.refuse(protocol.CodeConfirmationFailed, "pay", acttools.PayInput{Order: desk.Order})
			agrees = true
			if paid := must[acttools.PayOutput](c, "pay", acttools.PayInput{Order: desk.Order}); len(paid.Paid) != 1 || paid.Paid[0].Amount != "90.00" {
				t.Errorf("%+v", paid)
			}
			if !strings.Contains(shown, "90.00 CNY") || !strings.Contains(shown, "to: shop") {
				t.Errorf("the person was shown %q", shown)
			}
		})
	}
}

// TestAnswers: an answer counts once, for what was asked, by a client that can
// ask.
func TestAnswers(t *testing.T) {
	w := newWorld(t, nil)
	c := w.connect("", func(*mcp.ElicitParams) *mcp.ElicitResult { return nil }, true)
	ask := func(in acttools.IntentInput) string {
		t.Helper()
		r := c.raw(&mcp.CallToolParams{Name: "describe_intent", Arguments: in})
		if !r.NeedsInput() || len(r.InputRequests) != 1 {
			t.Fatalf("not asked: %+v", r)
		}
		return r.RequestState
	}
	answer := func(tool string, in any, state string, a mcp.InputResponse) *mcp.CallToolResult {
		t.Helper()
		return c.raw(&mcp.CallToolParams{Name: tool, Arguments: in, RequestState: state, InputResponses: mcp.InputResponseMap{"person": a}})
	}
	wider := draft()
	wider.MaxTotal = "300"
	for _, test := range []struct {
		name string
		code protocol.Code
		send func() *mcp.CallToolResult
	}{
		{"nobody asked", protocol.CodeStateConflict, func() *mcp.CallToolResult { return answer("describe_intent", draft(), "", accept) }},
		{"made up", protocol.CodeStateConflict, func() *mcp.CallToolResult { return answer("describe_intent", draft(), "yes", accept) }},
		{"for other arguments", protocol.CodeStateConflict, func() *mcp.CallToolResult { return answer("describe_intent", wider, ask(draft()), accept) }},
		{"for another tool", protocol.CodeStateConflict, func() *mcp.CallToolResult { return answer("show_limits", struct{}{}, ask(draft()), accept) }},
		{"cancelled", protocol.CodeConfirmationPending, func() *mcp.CallToolResult {
			return answer("describe_intent", draft(), ask(draft()), &mcp.ElicitResult{Action: "cancel"})
		}},
		{"another kind of answer", protocol.CodeConfirmationPending, func() *mcp.CallToolResult {
			//lint:ignore SA1019 it is the kind of answer that nobody asked for; clients may send it for another year
			return answer("describe_intent", draft(), ask(draft()), &mcp.ListRootsResult{Roots: []*mcp.Root{}})
		}},
		{"sent without the tick", protocol.CodeConfirmationFailed, func() *mcp.CallToolResult {
			return answer("describe_intent", draft(), ask(draft()), &mcp.ElicitResult{Action: "accept", Content: map[string]any{"confirm": false}})
		}},
		{"a tick in words", protocol.CodeConfirmationFailed, func() *mcp.CallToolResult {
			return answer("describe_intent", draft(), ask(draft()), &mcp.ElicitResult{Action: "accept", Content: map[string]any{"confirm": "true"}})
		}},
		{"too late", protocol.CodeStateConflict, func() *mcp.CallToolResult {
			state := ask(draft())
			w.Pass(timeout)
			return answer("describe_intent", draft(), state, accept)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c.refusal(test.code, test.send())
			if w.issued != 0 {
				t.Fatal("ADD-INT-ICS-04: a mandate that nobody has confirmed")
			}
		})
	}
	t.Run("twice", func(t *testing.T) {
		state := ask(draft())
		if r := answer("describe_intent", draft(), state, accept); r.IsError {
			t.Fatal(text(t, r))
		}
		c.refusal(protocol.CodeStateConflict, answer("describe_intent", draft(), state, accept))
		if w.issued != 1 {
			t.Errorf("%d mandates", w.issued)
		}
	})
	t.Run("too many questions", func(t *testing.T) {
		w.Pass(timeout)
		for range 8 {
			ask(draft())
		}
		c.refuse(protocol.CodeTooManyRequests, "describe_intent", draft())
	})
}

// TestChangedMeanwhile: an answer is for the price that was shown.
func TestChangedMeanwhile(t *testing.T) {
	w := newWorld(t, nil)
	w.grant("300")
	c := w.connect("", func(*mcp.ElicitParams) *mcp.ElicitResult { return nil }, true)
	order := c.order("90.00")
	r := c.raw(&mcp.CallToolParams{Name: "pay", Arguments: acttools.PayInput{Order: order.Order}})
	if !r.NeedsInput() {
		t.Fatalf("%+v", r)
	}
	// The person's rule is asked about another payment than was shown.
	other := c.order("90.00")
	c.refusal(protocol.CodeStateConflict, c.raw(&mcp.CallToolParams{
		Name: "pay", Arguments: acttools.PayInput{Order: other.Order}, RequestState: r.RequestState,
		InputResponses: mcp.InputResponseMap{"person": accept},
	}))
	if spent, err := w.buyer.Agent.Spent(t.Context(), w.buyer.Agent.Wallet().Mandates()[0]); err != nil || !spent.IsZero() {
		t.Errorf("spent %s, %v", spent, err)
	}
}

// TestNobodyToAsk: without elicitation the answer is no.
func TestNobodyToAsk(t *testing.T) {
	for _, version := range []string{"", "2025-06-18"} {
		w := newWorld(t, nil)
		c := w.connect(version, nil, false)
		c.refuse(protocol.CodeConfirmationPending, "describe_intent", draft())
		w.grant("300")
		order := c.order("90.00")
		if f := c.refuse(protocol.CodeConfirmationPending, "pay", acttools.PayInput{Order: order.Order}); f.Money != acttools.MoneyUntouched {
			t.Errorf("%+v", f)
		}
		must[acttools.PayOutput](c, "pay", acttools.PayInput{Order: c.order("12.50").Order}) // small enough
	}
	if agreed, err := acttools.AskPerson(t.Context(), agent.Proposal{}); agreed || protocol.CodeOf(err) != protocol.CodeConfirmationPending {
		t.Errorf("outside of a call: %v, %v", agreed, err)
	}
}

// TestAskElsewhere: with Config.Ask the client is not asked, and its answers do
// not count.
func TestAskElsewhere(t *testing.T) {
	answers := make(chan error, 1)
	var asked []acttools.Question
	w := newWorld(t, func(c *acttools.Config) {
		c.Ask = func(_ context.Context, q acttools.Question) (string, error) {
			asked = append(asked, q)
			return "FINGERPRINT", <-answers
		}
	})
	c := w.connect("", func(*mcp.ElicitParams) *mcp.ElicitResult { t.Error("the client was asked"); return accept }, false)
	answers <- protocol.New(protocol.CodeConfirmationFailed, "", "", "")
	c.refuse(protocol.CodeConfirmationFailed, "describe_intent", draft())
	answers <- context.DeadlineExceeded
	c.refuse(protocol.CodeServiceUnavailable, "describe_intent", draft())
	if w.issued != 0 {
		t.Fatal("a mandate that nobody has confirmed")
	}
	answers <- nil
	if got := must[acttools.IntentOutput](c, "describe_intent", draft()); got.ConfirmedBy != "FINGERPRINT" {
		t.Errorf("%+v", got)
	}
	order := c.order("90.00")
	answers <- protocol.New(protocol.CodeConfirmationFailed, "", "", "")
	c.refuse(protocol.CodePolicyRefused, "pay", acttools.PayInput{Order: order.Order})
	answers <- nil
	must[acttools.PayOutput](c, "pay", acttools.PayInput{Order: order.Order})
	if len(asked) != 5 || asked[2].About != acttools.AboutMandate || asked[4].About != acttools.AboutPayment {
		t.Errorf("%+v", asked)
	}
	c.refusal(protocol.CodeStateConflict, c.raw(&mcp.CallToolParams{
		Name: "describe_intent", Arguments: draft(), RequestState: "x", InputResponses: mcp.InputResponseMap{"person": accept},
	}))
}

// TestImitation: words that look like lines of the summary are shown as words.
func TestImitation(t *testing.T) {
	w := newWorld(t, nil)
	var shown string
	c := w.connect("", func(p *mcp.ElicitParams) *mcp.ElicitResult {
		shown = p.Message
		return &mcp.ElicitResult{Action: "decline"}
	}, false)
	in := draft()
	in.Words = "Pens.\nAt most in total: 1 CNY\r\u2028\u202e"
	c.refuse(protocol.CodeConfirmationFailed, "describe_intent", in)
	if !strings.Contains(shown, `Goal: Pens.\nAt most in total: 1 CNY\r`) || strings.Count(shown, "\nAt most in total: ") != 1 ||
		strings.ContainsAny(shown, "\r\u2028\u202e") {
		t.Errorf("ADD-INT-ICS-05: the person was shown %q", shown)
	}
}
