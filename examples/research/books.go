package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/protocol/money"
)

// names are what the parties of the books are called.
func (r *research) names() map[string]string {
	names := map[string]string{r.purse.ID: "sub-account"}
	for _, s := range r.all() {
		names[s.ID] = s.Name
	}
	return names
}

// showBill is what the principal gets: every payment of the task, also those
// that were tried and not made.
func (r *research) showBill(ctx context.Context) error {
	r.Chapter("The bill of the task")
	bill, err := r.buyer.Agent.TaskBill(ctx, r.mandate)
	if err != nil {
		return err
	}
	names, made := r.names(), 0
	var rows [][]string
	for i, e := range bill.Entries {
		if e.State == agent.Closed {
			made++
		}
		rows = append(rows, []string{fmt.Sprint(i + 1), names[e.Merchant], e.What, string(e.State), e.Amount.String()})
	}
	rows = append(rows, []string{"", "", fmt.Sprintf("spent, by %d payments", made), "", bill.Spent.String()},
		[]string{"", "", "left of " + bill.Total.String() + " in the mandate", "", bill.Left.String()})
	r.Table([]string{"", "seller", "what", "state", "yuan"}, rows)
	r.Says("agent", "principal", "this is what I bought; what is RELEASED was refused and cost nothing (PSD-PAY-AUP-05)")
	if bill.Spent != r.paid {
		return fmt.Errorf("the bill says %s, the sellers %s", bill.Spent, r.paid)
	}
	return r.purse.agree(ctx, bill.Spent)
}

// showBooks compares what was bought with the processor's ledger, and with what
// the sellers were sent.
func (r *research) showBooks(ctx context.Context) error {
	r.Chapter("The processor's ledger")
	for _, s := range r.all() {
		if err := s.Shop.Flush(ctx); err != nil {
			return err
		}
	}
	if err := r.Audit(ctx, r.names(), map[string]money.Amount{r.person.ID(): r.paid}); err != nil {
		return err
	}
	return r.learned()
}

// learned fails when a seller was sent what is between the principal, the agent
// and the provider.
func (r *research) learned() error {
	account, mandate := []byte(r.purse.ID), []byte(r.mandate.Claims().ID)
	for _, s := range r.all() {
		if r.buyer.Wire.Told(s.Site.Host, account) || r.buyer.Wire.Told(s.Site.Host, mandate) {
			return fmt.Errorf("%s was told of the sub-account or the mandate", s.Name)
		}
	}
	if !r.buyer.Wire.Told("", account) || !r.buyer.Wire.Told("", mandate) {
		return errors.New("nobody was told of the sub-account and the mandate, the provider neither")
	}
	r.Notes("sellers", "were sent requests and proofs of payment, and neither the mandate's id nor the sub-account's")
	return nil
}
