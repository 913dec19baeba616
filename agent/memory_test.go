package agent_test

import (
	"context"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/agent/agenttest"
	"github.com/actprotocol/act-go/protocol/money"
)

func TestMemorySpend(t *testing.T) {
	agenttest.SpendStore(t, func(*testing.T) agent.SpendStore { return new(agent.MemorySpend) })
}

// TestMemorySpendModel drives the store with random moves and compares it with
// the plain sum of a list of payments.
func TestMemorySpendModel(t *testing.T) {
	c, err := money.ParseCurrency("CNY")
	if err != nil {
		t.Fatal(err)
	}
	amount := func(minor int64) money.Amount {
		a, err := money.FromMinor(minor, c)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	const total = 1000
	rapid.Check(t, func(t *rapid.T) {
		ctx, store, model := context.Background(), new(agent.MemorySpend), spendModel{}
		id := rapid.SampledFrom([]string{"1", "2", "3", "4", "5", "6"})
		t.Repeat(map[string]func(*rapid.T){
			"reserve": func(t *rapid.T) {
				id, subject := id.Draw(t, "id"), rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "subject")
				n := rapid.Int64Range(0, 600).Draw(t, "amount")
				ok := model[id] == nil && model.sum()+n <= total
				for _, e := range model {
					ok = ok && !(e.subject == subject && (e.state == agent.Reserved || e.state == agent.Paid))
				}
				merchant, limit := rapid.SampledFrom([]string{"x", "y"}).Draw(t, "merchant"), rapid.IntRange(0, 2).Draw(t, "limit")
				ok = ok && (limit == 0 || model.payments(merchant) < limit)
				err := store.Reserve(ctx, agent.Payment{RequestID: id, Mandate: "m", Subject: subject, Merchant: merchant, Amount: amount(n)},
					agent.Limits{Total: amount(total), Payments: limit})
				if (err == nil) != ok {
					t.Fatalf("reserve: %v, model says %v", err, ok)
				}
				if ok {
					model[id] = &spendEntry{subject, merchant, n, agent.Reserved}
				}
			},
			"commit": func(t *rapid.T) {
				id, n := id.Draw(t, "id"), rapid.Int64Range(0, 600).Draw(t, "amount")
				e := model[id]
				ok := e != nil && (e.state == agent.Reserved || (e.state == agent.Paid || e.state == agent.Closed) && e.amount == n)
				if err := store.Commit(ctx, id, amount(n), "proof"); (err == nil) != ok {
					t.Fatalf("commit: %v, model says %v", err, ok)
				}
				if ok && e.state == agent.Reserved {
					e.state, e.amount = agent.Paid, n
				}
			},
			"release": func(t *rapid.T) {
				id := id.Draw(t, "id")
				e := model[id]
				ok := e != nil && (e.state == agent.Reserved || e.state == agent.Released)
				if err := store.Release(ctx, id); (err == nil) != ok {
					t.Fatalf("release: %v, model says %v", err, ok)
				}
				if ok {
					e.state = agent.Released
				}
			},
			"close": func(t *rapid.T) {
				id := id.Draw(t, "id")
				e := model[id]
				ok := e != nil && (e.state == agent.Paid || e.state == agent.Closed)
				if err := store.Close(ctx, id); (err == nil) != ok {
					t.Fatalf("close: %v, model says %v", err, ok)
				}
				if ok {
					e.state = agent.Closed
				}
			},
			"": func(t *rapid.T) { model.compare(t, store, c) },
		})
	})
}

// A spendModel is what a store should know: payments by request id.
type spendModel map[string]*spendEntry

type spendEntry struct {
	subject  string
	merchant string
	amount   int64
	state    agent.PaymentState
}

func (m spendModel) sum() (n int64) {
	for _, e := range m {
		if e.state != agent.Released {
			n += e.amount
		}
	}
	return n
}

// payments are those to a merchant that are not released.
func (m spendModel) payments(merchant string) (n int) {
	for _, e := range m {
		if e.merchant == merchant && e.state != agent.Released {
			n++
		}
	}
	return n
}

func (m spendModel) compare(t *rapid.T, store agent.SpendStore, c money.Currency) {
	got, err := store.Spent(context.Background(), "m", c)
	if err != nil || got.Minor() != m.sum() {
		t.Fatalf("spent %v, %v; model says %d", got, err, m.sum())
	}
	all, err := store.Payments(context.Background(), "m")
	if err != nil || len(all) != len(m) {
		t.Fatalf("%d payments, %v; model says %d", len(all), err, len(m))
	}
	for _, p := range all {
		if e := m[p.RequestID]; e == nil || e.state != p.State || e.amount != p.Amount.Minor() {
			t.Fatalf("payment %+v; model says %+v", p, e)
		}
	}
	for _, subject := range []string{"a", "b", "c"} {
		open, failed := "", 0
		for id, e := range m {
			if e.subject == subject && e.state == agent.Released {
				failed++
			} else if e.subject == subject && e.state != agent.Closed {
				open = id
			}
		}
		h, err := store.History(context.Background(), "m", subject)
		if err != nil || h.Failed != failed || (h.Open == nil) != (open == "") || h.Open != nil && h.Open.RequestID != open {
			t.Fatalf("history %s, %v; model says %q open, %d failed", fmt.Sprint(h), err, open, failed)
		}
	}
}
