package ledger

import (
	"cmp"
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// remembered is how many rows the writer has in memory.
func remembered(t *testing.T, l *Ledger) (n int) {
	t.Helper()
	if err := l.writeApart(context.Background(), func(t *tx) error {
		n = len(t.hot.accounts) + len(t.hot.tokens) + len(t.hot.mandates)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestStrangersForgetNothing: what anybody with a DID may ask for, and refunds,
// leave the rows in memory that payments are decided by; or who asks without end
// would make every payment of everybody else read them from the disk.
func TestStrangersForgetNothing(t *testing.T) {
	l, _ := furnished(t)
	ctx := context.Background()
	trade := mustPay(t, l, newPayment(18_00))
	warm := remembered(t, l)
	if warm == 0 {
		t.Fatal("nothing is remembered")
	}
	_, err := l.Refund(ctx, provider.RefundRequest{Merchant: "did:act:shop.example/stranger", ID: "f-1", Digest: "d", TradeNo: trade.No, Amount: 1, Currency: "CNY", Reason: payment.RefundOther})
	wantCode(t, err, protocol.CodeTradeUnknown)
	if _, err = l.Refund(ctx, provider.RefundRequest{Merchant: shop, ID: "f-2", Digest: "d", TradeNo: trade.No, Amount: 1, Currency: "CNY", Reason: payment.RefundOther}); err != nil {
		t.Fatal(err)
	}
	b := provider.Binding{
		ID: "bind-1", Agent: "did:act:agents.example/stranger", RequestID: "b-1", Digest: "d", Principal: principal, Expires: start.Add(time.Hour), State: provider.BindingWaiting,
		Asked: payment.BindingTerms{Instrument: payment.BindPaymentToken, Currency: money.MustParse("1.00", "CNY").Currency(), ValidUntil: start.Add(time.Hour)},
	}
	if _, err = l.BeginBinding(ctx, b); err != nil {
		t.Fatal(err)
	}
	if err = l.DeclineBinding(ctx, b.ID, protocol.CodeConfirmationFailed); err != nil {
		t.Fatal(err)
	}
	if now := remembered(t, l); now < warm {
		t.Errorf("%d rows were remembered, and now %d", warm, now)
	}
	if got := balance(t, l, principal); got != 82_01 {
		t.Errorf("balance %d", got)
	}
	sound(t, l)
}

// TestRefundIntoWhatMoved: a refund that shares its transaction with payments
// sees what they have moved: it gives back no more than a sub-account may hold
// now, and no more than the merchant has.
func TestRefundIntoWhatMoved(t *testing.T) {
	c := newClock()
	l := openAt(t, filepath.Join(t.TempDir(), "ledger.db"), c.now)
	furnish(t, l, 100_00)
	ctx := context.Background()
	a := openSub(t, l, 10_00, nil)
	first := mustPay(t, l, fromSub(a, 4_00))
	var made *provider.Refund
	if err := l.writeApart(ctx, func(t *tx) error {
		pay := func(p provider.Payment) error { _, err := t.pay(&p, t.paymentKeys(&p)); return err }
		if err := pay(fromSub(a, 6_00)); err != nil {
			return err
		}
		var refusal error
		var err error
		made, refusal, err = t.refund(&provider.RefundRequest{Merchant: shop, ID: "f-1", Digest: "d", TradeNo: first.No, Amount: 4_00, Currency: "CNY", Reason: payment.RefundOther})
		if err != nil || refusal != nil {
			return cmp.Or(err, refusal)
		}
		return pay(fromSub(a, 4_00)) // what has just come back can be spent
	}); err != nil {
		t.Fatal(err)
	}
	if made.Total != 4_00 || balance(t, l, sub) != 0 || balance(t, l, shop) != 10_00 {
		t.Errorf("%+v; the sub-account has %d, the shop %d", made, balance(t, l, sub), balance(t, l, shop))
	}
	sound(t, l)
}
