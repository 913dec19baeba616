package agent_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
)

func TestTaskBill(t *testing.T) {
	m := newMarket(t, acttest.Options{})
	mandate := m.Grant(t, func(i *delegation.ISR) { i.MaxTotalAmount = "20" })
	bill, err := m.Agent.TaskBill(ctx, mandate)
	must(t, err)
	if len(bill.Entries) != 0 || bill.Spent != acttest.CNY(t, "0.00") || bill.Left != acttest.CNY(t, "20.00") {
		t.Fatalf("an empty bill: %+v", bill)
	}
	m.Stock(t, commerce.Item{ID: "latte", Name: "Latte", Category: "food", Price: acttest.CNY(t, "4.20")}, 5)
	shop, err := m.Agent.Shop(acttest.ShopDID, m.URL, m.Client)
	must(t, err)
	order, err := shop.ConfirmCart(ctx, []agent.Line{{ItemID: "latte", Quantity: 2}}, commerce.Fulfilment{})
	must(t, err)
	_, err = m.Agent.PayOrder(ctx, order)
	must(t, err)
	_, err = m.get("/report")
	must(t, err)
	m.PSP.Fail("/payments", acttest.Deny(protocol.CodeBalanceInsufficient), acttest.LoseRequest)
	for _, code := range []protocol.Code{protocol.CodeBalanceInsufficient, protocol.CodeOutcomeUnknown} {
		_, err = m.get("/report")
		wantCode(t, err, code)
	}
	bill, err = m.Agent.TaskBill(ctx, mandate)
	must(t, err)
	var got []string
	for _, e := range bill.Entries {
		got = append(got, strings.Join([]string{e.What, e.Amount.String(), string(e.State)}, "|"))
		if e.Merchant != acttest.ShopDID || e.OrderNo == "" || e.RequestID == "" || e.At.IsZero() {
			t.Errorf("%+v", e)
		}
	}
	want := "2 × Latte|8.40|PAID; report-7|2.50|CLOSED; report-7|2.50|RELEASED; report-7|2.50|RESERVED"
	if strings.Join(got, "; ") != want {
		t.Errorf("PSD-PAY-AUP-05 entries %q", got)
	}
	if bill.Spent != acttest.CNY(t, "13.40") || bill.Left != acttest.CNY(t, "6.60") || bill.Total != acttest.CNY(t, "20.00") {
		t.Errorf("PSD-PAY-AUP-05 sums %+v", bill)
	}
	spent, err := m.Agent.Spent(ctx, mandate)
	must(t, err)
	if spent != bill.Spent {
		t.Errorf("the bill says %s, the record %s", bill.Spent, spent)
	}
	raw, err := bill.JSON()
	must(t, err)
	var read struct {
		Spent    string `json:"spent"`
		Left     string `json:"left"`
		Currency string `json:"currency"`
		Entries  []struct {
			What string `json:"what"`
		} `json:"entries"`
	}
	must(t, canon.DecodeOpen(raw, &read))
	if read.Spent != "13.40" || read.Left != "6.60" || read.Currency != "CNY" || len(read.Entries) != 4 || read.Entries[0].What != "2 × Latte" {
		t.Errorf("%s", raw)
	}
}

// What a seller names its goods cannot write into the bill.
func TestTaskBillText(t *testing.T) {
	b := agent.TaskBill{
		Total: acttest.CNY(t, "1.00"), Spent: acttest.CNY(t, "1.00"), Left: acttest.CNY(t, "0.00"), AsOf: acttest.Start, Until: acttest.Start,
		Entries: []agent.BillEntry{{At: acttest.Start, Merchant: "did:act:shop.test/a", What: "tea\nspent 0.00\x1b[2J\u202e\u2028", Amount: acttest.CNY(t, "1.00"), State: agent.Paid}},
	}
	text := b.Text()
	if strings.Count(text, "\n") != 2 || strings.ContainsAny(text, "\x1b\u202e\u2028") || !strings.Contains(text, "tea?spent 0.00?[2J??") {
		t.Errorf("%q", text)
	}
}

// A store that cannot tell makes no bill.
func TestTaskBillUnavailable(t *testing.T) {
	m := newMarket(t, acttest.Options{Agent: func(c *agent.Config) { c.Spent = forgetful{c.Spent} }})
	_, err := m.Agent.TaskBill(ctx, m.Grant(t, nil))
	if !errors.Is(err, protocol.ErrUndetermined) {
		t.Error(err)
	}
}
