package merchanttest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
)

// IntentContexts runs the contract of merchant.IntentContexts. open is called
// once a subtest and returns an empty store, which has room for at least four
// contexts of one agent and is said to have room for perAgent at most.
func IntentContexts(t *testing.T, perAgent int, open func(t *testing.T) merchant.IntentContexts) {
	t.Helper()
	for name, run := range map[string]func(*testing.T, merchant.IntentContexts){
		"CID-INT-XFR-04 what was kept is found":                  testContextKept,
		"CID-INT-XFR-04 one content for an id":                   testContextConflict,
		"CID-INT-XFR-04 one of many wins an id":                  testContextRace,
		"CID-INT-XFR-04 an agent's context is nobody else's":     testContextOwner,
		"CID-INT-XFR-04 a context ends":                          testContextEnds,
		"CID-INT-XFR-04 what is handed out cannot change it":     testContextCopies,
		"CID-INT-XFR-04 a context that says too little":          testContextForm,
		"CID-INT-XFR-05 an agent that keeps on talking is bound": func(t *testing.T, s merchant.IntentContexts) { testContextFlood(t, s, perAgent) },
	} {
		t.Run(name, func(t *testing.T) { run(t, open(t)) })
	}
}

func told(agent, id, content string) merchant.IntentContext {
	return merchant.IntentContext{
		Agent: agent, RequestID: id, Content: canon.Sum([]byte(content)), IntentID: "intent", DelegationID: "mandate", Updates: 3,
		Intent: commerce.Intent{
			Context:     commerce.IntentContext{Explicit: content, Implicit: []string{"a"}},
			Constraints: commerce.Constraints{AllowedCategories: []string{"food"}, DeliverBy: start.Add(time.Hour)},
		},
		KeepUntil: start.Add(time.Minute),
	}
}

func testContextKept(t *testing.T, s merchant.IntentContexts) {
	ctx, c := context.Background(), told("a", "1", "latte")
	want(t, s.Keep(ctx, c, start), "")
	got, err := s.Context(ctx, "a", "1", start.Add(time.Minute-1))
	want(t, err, "")
	if !got.Intent.Equal(c.Intent) || got.Content != c.Content || got.IntentID != "intent" || got.DelegationID != "mandate" ||
		got.Updates != 3 || got.Agent != "a" || got.RequestID != "1" || !got.KeepUntil.Equal(c.KeepUntil) {
		t.Errorf("%+v", got)
	}
	_, err = s.Context(ctx, "a", "2", start)
	want(t, err, protocol.CodeContextUnknown)
}

func testContextConflict(t *testing.T, s merchant.IntentContexts) {
	ctx := context.Background()
	want(t, s.Keep(ctx, told("a", "1", "latte"), start), "")
	want(t, s.Keep(ctx, told("a", "1", "latte"), start), "")
	want(t, s.Keep(ctx, told("a", "1", "tea"), start), protocol.CodeRequestConflict)
	got, err := s.Context(ctx, "a", "1", start)
	want(t, err, "")
	if got.Intent.Context.Explicit != "latte" {
		t.Error("the second content is kept")
	}
}

func testContextRace(t *testing.T, s merchant.IntentContexts) {
	ctx := context.Background()
	var kept atomic.Int64
	var wg sync.WaitGroup
	for n := range 32 {
		wg.Go(func() {
			switch err := s.Keep(ctx, told("a", "1", fmt.Sprint("drink ", n)), start); {
			case err == nil:
				kept.Add(1)
			case protocol.CodeOf(err) != protocol.CodeRequestConflict:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if kept.Load() != 1 {
		t.Errorf("%d contents for one id", kept.Load())
	}
}

func testContextOwner(t *testing.T, s merchant.IntentContexts) {
	ctx := context.Background()
	want(t, s.Keep(ctx, told("a", "1", "latte"), start), "")
	_, err := s.Context(ctx, "b", "1", start)
	want(t, err, protocol.CodeContextUnknown)
	want(t, s.Keep(ctx, told("b", "1", "tea"), start), "")
	// Neither do two names run into each other.
	want(t, s.Keep(ctx, told("a", "b 1", "x"), start), "")
	_, err = s.Context(ctx, "a b", "1", start)
	want(t, err, protocol.CodeContextUnknown)
	got, err := s.Context(ctx, "a", "1", start)
	want(t, err, "")
	if got.Intent.Context.Explicit != "latte" {
		t.Error("overwritten by another agent")
	}
}

func testContextEnds(t *testing.T, s merchant.IntentContexts) {
	ctx, c := context.Background(), told("a", "1", "latte")
	long := told("a", "0", "first, and longer")
	long.KeepUntil = start.Add(time.Hour)
	want(t, s.Keep(ctx, long, start), "")
	want(t, s.Keep(ctx, c, start), "")
	_, err := s.Context(ctx, "a", "1", c.KeepUntil)
	want(t, err, protocol.CodeContextUnknown)
	_, err = s.Context(ctx, "a", "0", c.KeepUntil)
	want(t, err, "")
	again := told("a", "1", "tea")
	again.KeepUntil = c.KeepUntil.Add(time.Minute)
	want(t, s.Keep(ctx, again, c.KeepUntil), "")
}

func testContextCopies(t *testing.T, s merchant.IntentContexts) {
	ctx, c := context.Background(), told("a", "1", "latte")
	want(t, s.Keep(ctx, c, start), "")
	c.Intent.Context.Implicit[0] = "changed by the giver"
	got, err := s.Context(ctx, "a", "1", start)
	want(t, err, "")
	got.Intent.Constraints.AllowedCategories[0] = "changed by the taker"
	got, err = s.Context(ctx, "a", "1", start)
	want(t, err, "")
	if got.Intent.Context.Implicit[0] != "a" || got.Intent.Constraints.AllowedCategories[0] != "food" {
		t.Errorf("%+v", got.Intent)
	}
}

func testContextForm(t *testing.T, s merchant.IntentContexts) {
	for name, edit := range map[string]func(*merchant.IntentContext){
		"no agent":   func(c *merchant.IntentContext) { c.Agent = "" },
		"no id":      func(c *merchant.IntentContext) { c.RequestID = "" },
		"no content": func(c *merchant.IntentContext) { c.Content = "" },
		"over":       func(c *merchant.IntentContext) { c.KeepUntil = start },
	} {
		c := told("a", "1", "latte")
		edit(&c)
		if err := s.Keep(context.Background(), c, start); protocol.CodeOf(err) != protocol.CodeFieldMissing {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// testContextFlood: one agent keeps no more than its share, loses what it kept
// first, and costs another agent nothing.
func testContextFlood(t *testing.T, s merchant.IntentContexts, perAgent int) {
	ctx := context.Background()
	want(t, s.Keep(ctx, told("quiet", "1", "latte"), start), "")
	n := 3 * perAgent
	for k := range n {
		want(t, s.Keep(ctx, told("loud", fmt.Sprint(k), strings.Repeat("x", 200)), start), "")
	}
	held := 0
	for k := range n {
		if _, err := s.Context(ctx, "loud", fmt.Sprint(k), start); err == nil {
			held++
		} else {
			want(t, err, protocol.CodeContextUnknown)
		}
	}
	if held == 0 || held > perAgent {
		t.Errorf("%d contexts of one agent, want at most %d", held, perAgent)
	}
	_, err := s.Context(ctx, "loud", fmt.Sprint(n-1), start)
	want(t, err, "")
	_, err = s.Context(ctx, "quiet", "1", start)
	want(t, err, "")
}
