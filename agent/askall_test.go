package agent_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
)

// street is a World with merchants that answer as the test says, beside the
// real one.
type street struct {
	*acttest.World
	t     testing.TB
	shops []*agent.Shop
}

func newStreet(t testing.TB) *street {
	t.Helper()
	w, shop := cafe(t)
	return &street{w, t, []*agent.Shop{shop}}
}

// open adds a merchant; answer gets its request, read already.
func (s *street) open(name string, answer func(w http.ResponseWriter, r *http.Request, q commerce.IntentRequest)) {
	s.t.Helper()
	s.Serve("/"+name+"/intents", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		u, err := commerce.ParseIntentRequest(body)
		if err != nil {
			s.t.Error(err)
			return
		}
		answer(w, r, u.Request)
	}))
	shop, err := s.Agent.Shop("did:act:shop.test/"+name, s.URL+"/"+name, s.Client)
	must(s.t, err)
	s.shops = append(s.shops, shop)
}

// sells answers with one coffee at a price.
func sells(price string) func(http.ResponseWriter, *http.Request, commerce.IntentRequest) {
	return func(w http.ResponseWriter, _ *http.Request, q commerce.IntentRequest) {
		_, _ = fmt.Fprintf(w, `{"request_id":%q,"merchant_id":%q,"as_of":"2026-09-01T09:00:00Z","candidates":[{"item_id":"c","name":"Coffee","category":"food/coffee","price":%q,"currency":"CNY","delivery_seconds":60}]}`,
			q.RequestID, q.MerchantID, price)
	}
}

func offers(a *agent.Answers) (out []string) {
	for _, c := range a.Candidates {
		out = append(out, c.Item.ID+" "+c.Item.Price.String())
	}
	return out
}

func codes(a *agent.Answers) (out []protocol.Code) {
	for _, s := range a.Shops {
		out = append(out, protocol.CodeOf(s.Err))
	}
	return out
}

// TestAskAll: slow, lying, huge and malformed merchants cost the others
// nothing.
func TestAskAll(t *testing.T) {
	s := newStreet(t)
	done := make(chan struct{})
	t.Cleanup(func() { close(done) })
	var trickled atomic.Bool
	s.open("cheap", sells("9.00"))
	s.open("silent", func(_ http.ResponseWriter, r *http.Request, _ commerce.IntentRequest) {
		select {
		case <-r.Context().Done():
		case <-done:
		}
		panic(http.ErrAbortHandler) // else it would say 200 after all, and might be heard
	})
	s.open("trickle", func(w http.ResponseWriter, r *http.Request, _ commerce.IntentRequest) {
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, " ")
			_ = http.NewResponseController(w).Flush()
			trickled.Store(true)
			time.Sleep(5 * time.Millisecond)
		}
		panic(http.ErrAbortHandler)
	})
	s.open("huge", func(w http.ResponseWriter, r *http.Request, _ commerce.IntentRequest) {
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, strings.Repeat(" ", 1<<12)); err != nil {
				return
			}
		}
	})
	s.open("malformed", func(w http.ResponseWriter, _ *http.Request, _ commerce.IntentRequest) {
		_, _ = io.WriteString(w, "<html>")
	})
	s.open("liar", func(w http.ResponseWriter, r *http.Request, q commerce.IntentRequest) {
		q.RequestID = "another"
		sells("0.01")(w, r, q)
	})
	s.open("greedy", sells("20.01"))
	s.open("redirect", func(w http.ResponseWriter, _ *http.Request, _ commerce.IntentRequest) {
		w.Header().Set("Location", "/cheap/intents")
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	s.open("closed", func(w http.ResponseWriter, _ *http.Request, _ commerce.IntentRequest) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"error":{"code":"access_denied","outcome":"denied"}}`)
	})
	s.open("secret", func(http.ResponseWriter, *http.Request, commerce.IntentRequest) {
		t.Error("a forbidden merchant was asked")
	})
	s.shops = append(s.shops, s.shops[1])

	began := time.Now()
	found := agent.AskAll(ctx, s.shops, agent.Need{Explicit: "a coffee", Sort: commerce.SortPrice}, agent.AskOptions{Timeout: 700 * time.Millisecond})
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("CID-INT-XFR-06: took %v", took)
	}
	if got := offers(found); !slices.Equal(got, []string{"c 9.00", "espresso 12.00", "latte 18.00"}) || found.Err() != nil {
		t.Errorf("CID-INT-XFR-06: %v, %v", got, found.Err())
	}
	want := []protocol.Code{
		"", "", protocol.CodeServiceUnavailable, protocol.CodeServiceUnavailable, protocol.CodeTooLarge, protocol.CodeMalformed, protocol.CodeClaimsConflict,
		protocol.CodeNoMatch, protocol.CodeServiceUnavailable, protocol.CodeAccessDenied, protocol.CodeMerchantNotAllowed, protocol.CodeRequestConflict,
	}
	if got := codes(found); !slices.Equal(got, want) {
		t.Errorf("CID-INT-XFR-06:\n%q, want\n%q", got, want)
	}
	if !trickled.Load() {
		t.Error("the slow merchant was not heard")
	}

	t.Run("CID-INT-XFR-04 an update to those that know", func(t *testing.T) {
		next := found.Update(ctx, func(n *agent.Need) { n.MaxPrice = acttest.CNY(t, "15"); n.Sort = commerce.SortDelivery }, agent.AskOptions{})
		if got := offers(next); !slices.Equal(got, []string{"c 9.00", "espresso 12.00"}) {
			t.Errorf("%v", got)
		}
		if got := codes(next); !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
	})
}

func TestAskAllFails(t *testing.T) {
	s := newStreet(t)
	s.open("greedy", sells("20.01"))
	none := agent.AskAll(ctx, s.shops, agent.Need{Explicit: "tractor"}, agent.AskOptions{})
	wantCode(t, none.Err(), protocol.CodeNoMatch)
	wantCode(t, agent.AskAll(ctx, nil, agent.Need{Explicit: "x"}, agent.AskOptions{}).Err(), protocol.CodeNoMatch)
	s.open("malformed", func(w http.ResponseWriter, _ *http.Request, _ commerce.IntentRequest) { _, _ = io.WriteString(w, "{") })
	wantCode(t, agent.AskAll(ctx, s.shops, agent.Need{Explicit: "tractor"}, agent.AskOptions{}).Err(), protocol.CodeMalformed)

	over, cancel := context.WithCancel(ctx)
	cancel()
	gone := agent.AskAll(over, s.shops, agent.Need{Explicit: "tractor"}, agent.AskOptions{Parallel: 1})
	for _, a := range gone.Shops {
		if a.Err == nil || a.Inquiry != nil {
			t.Errorf("%+v", a)
		}
	}
}

// TestAskAllParallel: no more at a time than was said, and all of them.
func TestAskAllParallel(t *testing.T) {
	s := newStreet(t)
	s.shops = nil
	var now, most atomic.Int64
	for n := range 12 {
		s.open(fmt.Sprint("shop-", n), func(w http.ResponseWriter, r *http.Request, q commerce.IntentRequest) {
			k := now.Add(1)
			defer now.Add(-1)
			for m := most.Load(); k > m && !most.CompareAndSwap(m, k); m = most.Load() {
			}
			time.Sleep(5 * time.Millisecond)
			sells("9.00")(w, r, q)
		})
	}
	found := agent.AskAll(ctx, s.shops, agent.Need{Explicit: "a coffee"}, agent.AskOptions{Parallel: 3})
	if len(found.Candidates) != 12 || most.Load() > 3 {
		t.Errorf("CID-INT-XFR-06: %d candidates, %d at a time", len(found.Candidates), most.Load())
	}
}

// TestFoundIsBought: what was asked for ends in a cart.
func TestFoundIsBought(t *testing.T) {
	s := newStreet(t)
	s.Agent.Wallet().Remove(s.Agent.Wallet().Mandates()[0].Key())
	s.Grant(t, func(i *delegation.ISR) {
		i.Ext = &delegation.Ext{Commerce: &delegation.Commerce{MaxSingleAmount: "20"}}
	})
	found := agent.AskAll(ctx, s.shops, agent.Need{Explicit: "espresso"}, agent.AskOptions{})
	must(t, found.Err())
	best := found.Candidates[0]
	order, err := best.Shop.ConfirmCart(ctx, []agent.Line{{ItemID: best.Item.ID, Quantity: 1}}, commerce.Fulfilment{})
	must(t, err)
	_, err = s.Agent.PayOrder(ctx, order)
	must(t, err)
	if order.Confirmation.Amount != acttest.CNY(t, "12.00") || order.Confirmation.IntentID != testIntent {
		t.Errorf("%+v", order.Confirmation)
	}
}
