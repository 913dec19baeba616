package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/money"
)

const (
	item  = "electricity"
	month = 30 * 24 * time.Hour
)

// usual is what a month costs as a rule. It is the price that the principal
// saw when she agreed to the mandate, and bills are compared with it.
var usual = stage.Yuan("180.00")

// bills are those of the twelve months, the seventh in a heat wave.
var bills = []string{
	"176.20", "181.50", "169.90", "174.00", "190.40", "205.10", "268.80", "209.30", "183.60", "172.10", "177.70", "185.00",
}

// A year is the story while it is told.
type year struct {
	*stage.World
	person  *stage.Person
	buyer   *stage.Buyer
	company *stage.Store
	shop    *agent.Shop // the company as the agent sees it
	mandate agent.Mandate
	began   time.Time
	alerts  chan agent.Alert
}

// tell runs the whole story and fails when anything is not as it should be.
func tell(ctx context.Context, n *stage.Narrator) (err error) {
	w, err := stage.New(ctx, n)
	defer func() { err = errors.Join(err, w.Close(context.WithoutCancel(ctx))) }()
	if err != nil {
		return err
	}
	y := &year{World: w, alerts: make(chan agent.Alert, 8)}
	for _, chapter := range []func(context.Context) error{y.introduce, y.agree, y.payBills, y.afterwards, y.showBooks} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (y *year) introduce(ctx context.Context) (err error) {
	y.Line("A household's electricity, paid for a year under one mandate (PSD-PAY-DEL).")
	if y.person, err = y.NewPerson(ctx, "principal", stage.Yuan("5000.00")); err != nil {
		return err
	}
	key, err := y.NewAgentKey("agent")
	if err != nil {
		return err
	}
	y.buyer, err = y.NewBuyer(ctx, "agent", key, y.person, func(c *agent.Config) {
		c.Alert = func(a agent.Alert) { y.alerts <- a } // told in a goroutine of its own
	})
	if err != nil {
		return err
	}
	if y.company, err = y.NewStore(ctx, "power", nil); err != nil {
		return err
	}
	err = y.company.Stock(ctx, commerce.Item{
		ID: item, Name: "Electricity, one month", Category: "utilities/electricity", Price: stage.Yuan(bills[0]), Delivery: time.Minute,
	}, 12)
	if err != nil {
		return err
	}
	y.shop, err = y.buyer.Shop(y.company)
	return err
}

// agree is the one time in the year that the principal has to be there.
func (y *year) agree(ctx context.Context) error {
	y.Chapter("One mandate for twelve bills")
	confirmed, err := y.person.Confirm(y.buyer, "Pay my electricity every month this year. Ask me when a bill is unusual.", func(i *delegation.ISR) {
		i.DelegationMode, i.MaxTotalAmount = delegation.Specified, "2400"
		i.ValidityEnd = i.ValidityStart.Add(12 * month)
		retries := 2
		i.Ext = &delegation.Ext{
			Commerce: &delegation.Commerce{
				MaxSingleAmount: "300", AllowedMerchants: []string{y.company.ID}, AllowedCategories: []string{"utilities/electricity"},
			},
			AgentBehavior: &delegation.AgentBehavior{
				PriceDeviationTolerance: "20", PriceDeviationAction: delegation.PauseAndNotify,
				OnPaymentFailure: delegation.AutoRetry, MaxRetryCount: &retries,
			},
		}
	})
	if err != nil {
		return err
	}
	if y.mandate, err = y.person.Grant(ctx, y.buyer, confirmed); err != nil {
		return err
	}
	y.began = y.Now()
	y.buyer.Agent.RecordPrice(y.company.ID, item, usual)
	y.Notes("agent", "remembers %s yuan as the usual bill; 20 %% more is too much (CID-CART-CFM-01)", usual)
	return nil
}

// special are the months in which something is not as usual, counted from 1.
func (y *year) special(number int) func(context.Context) error {
	switch number {
	case 3:
		return y.lostAnswer
	case 5:
		return y.lostRequest
	case 7:
		return y.heatWave
	case 9:
		return y.holiday
	}
	return func(ctx context.Context) error { return y.pay(ctx, "paid") }
}

func (y *year) payBills(ctx context.Context) error {
	y.Chapter("Twelve months")
	for i, bill := range bills {
		y.Pass(y.began.Add(time.Duration(i) * month).Sub(y.Now())) // a bill that was paid late does not move the next
		y.company.SetPrice(item, stage.Yuan(bill))
		y.Says("power", "agent", "month %d: %s yuan", i+1, bill)
		if err := y.special(i + 1)(ctx); err != nil {
			return fmt.Errorf("month %d: %w", i+1, err)
		}
		if err := y.heard(i + 1); err != nil {
			return err
		}
	}
	return nil
}

// buy has this month's bill confirmed and pays it.
func (y *year) buy(ctx context.Context) (*agent.Order, *agent.Payment, error) {
	order, err := y.shop.ConfirmCart(ctx, []agent.Line{{ItemID: item, Quantity: 1}}, commerce.Fulfilment{})
	if err != nil {
		return nil, nil, err
	}
	paid, err := y.buyer.Agent.PayOrder(ctx, order)
	return order, paid, err
}

// pay pays this month's bill and fetches the receipt.
func (y *year) pay(ctx context.Context, how string) error {
	order, paid, err := y.buy(ctx)
	if err != nil {
		return err
	}
	if _, err := y.buyer.PickUp(ctx, order, paid); err != nil {
		return err
	}
	y.Says("agent", "power", "%s: %s yuan (PSD-PAY-DEL-12)", how, paid.Amount)
	return nil
}

// lostAnswer: the payment is made and nobody hears of it. The agent asks before
// it does anything else.
func (y *year) lostAnswer(ctx context.Context) error {
	y.buyer.Wire.Cut("payments", stage.LoseAnswer)
	y.Notes("network", "the processor's answer is lost")
	return y.pay(ctx, "asked the processor, which had paid already, and so paid once (PSD-PAY-A402-23)")
}

// lostRequest: nothing has happened, which the agent cannot know either.
func (y *year) lostRequest(ctx context.Context) error {
	y.buyer.Wire.Cut("payments", stage.LoseRequest)
	y.Notes("network", "the agent's request is lost")
	return y.pay(ctx, "the processor knew nothing of it; sent again under the same request id and paid once (PSD-PAY-A402-23)")
}

// heatWave: the bill is half as high again, and waits for the principal.
func (y *year) heatWave(ctx context.Context) error {
	_, _, err := y.buy(ctx)
	if err := y.Expect("agent", err, protocol.CodePriceDeviation); err != nil {
		return err
	}
	y.Says("agent", "principal", "%s yuan instead of %s: may I? (CID-CART-CFM-02)", bills[6], usual)
	y.Says("principal", "agent", "it was a hot month. Yes, this once")
	y.buyer.Agent.RecordPrice(y.company.ID, item, stage.Yuan(bills[6]))
	defer y.buyer.Agent.RecordPrice(y.company.ID, item, usual)
	return y.pay(ctx, "paid after the principal agreed")
}

// holiday: the principal suspends the mandate for a week.
func (y *year) holiday(ctx context.Context) error {
	id := y.mandate.Claims().ID
	if err := y.Issuer.Suspend(ctx, id, delegation.ActorPrincipal); err != nil {
		return err
	}
	y.Says("principal", "bank", "suspend the mandate while I am away (ADD-IAC-LCM-04)")
	y.Pass(2 * time.Minute) // what others keep of the list of states is a minute old at most
	_, _, err := y.buy(ctx)
	if err := y.Expect("agent", err, protocol.CodeMandateSuspended); err != nil {
		return err
	}
	y.Pass(7 * 24 * time.Hour)
	if err := y.Issuer.Resume(ctx, id, delegation.ActorPrincipal); err != nil {
		return err
	}
	y.Says("principal", "bank", "I am back: resume it (ADD-IAC-LCM-04)")
	y.Pass(2 * time.Minute)
	return y.pay(ctx, "paid a week late, under the same mandate")
}

// expected are the months in which the principal should hear of the mandate's
// end: four fifths of the total are spent, or a tenth of the time is left.
var expected = map[int]agent.AlertReason{10: agent.NearTotal, 12: agent.NearEnd}

// heard waits for the alert that belongs to a month, and fails when there is
// none or another.
func (y *year) heard(number int) error {
	want, ok := expected[number]
	if !ok {
		select {
		case a := <-y.alerts:
			return fmt.Errorf("month %d: an alert %s too early", number, a.Reason)
		default:
			return nil
		}
	}
	select {
	case a := <-y.alerts:
		if a.Reason != want {
			return fmt.Errorf("month %d: %s instead of %s", number, a.Reason, want)
		}
		y.Says("agent", "principal", "%s: %s of %s yuan are spent, the mandate ends on %s (PSD-PAY-AUP-05)",
			a.Reason, a.Spent, a.Total, a.Ends.Format(time.DateOnly))
		return nil
	case <-time.After(5 * time.Second):
		return fmt.Errorf("month %d: no alert", number)
	}
}

// afterwards: the mandate ends by itself.
func (y *year) afterwards(ctx context.Context) error {
	y.Chapter("After the year")
	y.Pass(month)
	y.Says("power", "agent", "month 13: %s yuan", bills[len(bills)-1])
	_, _, err := y.buy(ctx)
	return y.Expect("agent", err, protocol.CodeMandateExpired)
}

// showBooks compares the agent's bill of the year with the processor's ledger.
func (y *year) showBooks(ctx context.Context) error {
	y.Chapter("The bill of the year")
	bill, err := y.buyer.Agent.TaskBill(ctx, y.mandate)
	if err != nil {
		return err
	}
	var rows [][]string
	for i, e := range bill.Entries {
		rows = append(rows, []string{fmt.Sprint(i + 1), e.At.Format(time.DateOnly), e.What, string(e.State), e.Amount.String()})
	}
	rows = append(rows, []string{"", "", "spent", "", bill.Spent.String()}, []string{"", "", "left of " + bill.Total.String(), "", bill.Left.String()})
	y.Table([]string{"month", "day", "what", "state", "yuan"}, rows)
	if len(bill.Entries) != len(bills) {
		return fmt.Errorf("%d payments for %d bills", len(bill.Entries), len(bills))
	}
	if err := y.company.Shop.Flush(ctx); err != nil {
		return err
	}
	y.Chapter("The processor's ledger")
	return y.Audit(ctx, map[string]string{y.company.ID: "power company"}, map[string]money.Amount{y.person.ID(): bill.Spent})
}
