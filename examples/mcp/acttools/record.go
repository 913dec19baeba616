package acttools

import (
	"context"
	"errors"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/protocol/money"
)

// record is the agent's record of all payments under the mandates it holds, by
// request id.
func (t *Tools) record(ctx context.Context) (map[string]agent.BillEntry, error) {
	out := make(map[string]agent.BillEntry)
	for _, m := range t.config.Agent.Wallet().Mandates() {
		b, err := t.config.Agent.TaskBill(ctx, m)
		if err != nil {
			return nil, err
		}
		for _, e := range b.Entries {
			out[e.RequestID] = e
		}
	}
	return out, nil
}

// watched runs what may spend, alone, and says what it has paid; with an error,
// whether money has moved.
func (t *Tools) watched(ctx context.Context, run func() error) (paid []Paid, err error) {
	done, err := t.spend(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	before, err := t.record(ctx)
	if err != nil {
		return nil, err
	}
	failure := run()
	after, err := t.record(context.WithoutCancel(ctx))
	if err != nil {
		return nil, paidError{errors.Join(failure, err), MoneyUnknown}
	}
	money := MoneyUntouched
	for id, e := range after {
		if was, ok := before[id]; e.State == agent.Released || ok && was.State != agent.Reserved {
			continue
		}
		if e.State == agent.Reserved {
			money = MoneyUnknown
			continue
		}
		paid = append(paid, Paid{Shop: t.nameOf(e.Merchant), What: quoteName(e.What), Amount: e.Amount.String(), Currency: currency(e.Amount)})
		if money == MoneyUntouched {
			money = MoneyMoved
		}
	}
	if failure != nil {
		return nil, paidError{failure, money}
	}
	return paid, nil
}

func currency(a money.Amount) string { return a.Currency().Code() }

// Paid is a payment that a call has made.
type Paid struct {
	Shop     string `json:"shop"`
	What     Quoted `json:"what"`
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}
