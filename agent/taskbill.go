package agent

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/money"
)

// A TaskBill gathers what was paid for one task, under one mandate or intent,
// for the principal to review (PSD-PAY-AUP-05). It is the agent's own record:
// what the provider's ledger says counts.
type TaskBill struct {
	Mandate  string // Mandate.Key
	IntentID string
	AsOf     time.Time
	Until    time.Time    // end of the mandate's window
	Total    money.Amount // what may be spent in all
	Spent    money.Amount // the sum of the entries that are not Released; what is reserved counts
	Left     money.Amount // of the total
	Entries  []BillEntry  // in the order in which they were begun
}

// A BillEntry is one payment of a task.
type BillEntry struct {
	At        time.Time // when it was begun
	Merchant  string    // DID
	What      string    // in the seller's words
	OrderNo   string
	RequestID string
	Amount    money.Amount
	State     PaymentState
}

// TaskBill returns the bill of everything that the agent has paid, or may have
// paid, under a mandate; see also Instant.Intent.
func (a *Agent) TaskBill(ctx context.Context, m Mandate) (TaskBill, error) {
	payments, err := a.config.Spent.Payments(ctx, m.Key())
	if err != nil {
		return TaskBill{}, err
	}
	_, until := m.bounds.Window()
	b := TaskBill{Mandate: m.Key(), AsOf: a.config.Now(), Until: until, Total: m.bounds.Total(), Spent: money.Zero(m.bounds.Currency())}
	if m.claims.Authorization != nil {
		b.IntentID = m.claims.Authorization.IntentID
	}
	for _, p := range payments {
		b.Entries = append(b.Entries, BillEntry{
			At: p.At, Merchant: p.Merchant, What: p.What, OrderNo: p.OrderNo, RequestID: p.RequestID, Amount: p.Amount, State: p.State,
		})
		if p.State == Released {
			continue
		}
		if b.Spent, err = b.Spent.Add(p.Amount); err != nil {
			return TaskBill{}, err
		}
	}
	b.Left = money.Zero(m.bounds.Currency())
	if order, err := b.Spent.Cmp(b.Total); err != nil {
		return TaskBill{}, err
	} else if order < 0 { // a provider may have confirmed more than was asked
		if b.Left, err = b.Total.Sub(b.Spent); err != nil {
			return TaskBill{}, err
		}
	}
	return b, nil
}

// Text is the bill for people: one line an entry, and the sum. What sellers
// named it is printed without characters that a terminal would act upon.
func (b TaskBill) Text() string {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for _, e := range b.Entries {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", canon.FormatTime(e.At), e.Amount, e.State, printable(e.Merchant), printable(e.What))
	}
	_ = w.Flush() // a strings.Builder never fails
	fmt.Fprintf(&out, "spent %s of %s %s, %s left until %s\n", b.Spent, b.Total, b.Total.Currency(), b.Left, canon.FormatTime(b.Until))
	return out.String()
}

// printable replaces what is not plain text, line ends and marks that reorder
// text among it.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

type billJSON struct {
	Mandate  string      `json:"mandate"`
	IntentID string      `json:"intent_id,omitzero"`
	AsOf     string      `json:"as_of"`
	Until    string      `json:"valid_until"`
	Currency string      `json:"currency"`
	Total    string      `json:"total"`
	Spent    string      `json:"spent"`
	Left     string      `json:"left"`
	Entries  []entryJSON `json:"entries"`
}

type entryJSON struct {
	At        string       `json:"at"`
	Merchant  string       `json:"merchant_id"`
	What      string       `json:"what,omitzero"`
	OrderNo   string       `json:"merchant_order_id"`
	RequestID string       `json:"request_id"`
	Amount    string       `json:"amount"`
	State     PaymentState `json:"state"`
}

// JSON is the bill for programs: an object with mandate, intent_id, as_of,
// valid_until, currency, total, spent, left and entries, each with at,
// merchant_id, what, merchant_order_id, request_id, amount and state. Amounts are
// decimal strings, times RFC 3339.
func (b TaskBill) JSON() ([]byte, error) {
	out := billJSON{
		Mandate: b.Mandate, IntentID: b.IntentID, AsOf: canon.FormatTime(b.AsOf), Until: canon.FormatTime(b.Until),
		Currency: b.Total.Currency().Code(), Total: b.Total.String(), Spent: b.Spent.String(), Left: b.Left.String(), Entries: []entryJSON{},
	}
	for _, e := range b.Entries {
		out.Entries = append(out.Entries, entryJSON{
			canon.FormatTime(e.At), e.Merchant, e.What, e.OrderNo, e.RequestID, e.Amount.String(), e.State,
		})
	}
	return canon.Marshal(out)
}
