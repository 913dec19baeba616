package providertest

import (
	"errors"
	"fmt"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

func refundCases() []contractCase {
	return []contractCase{
		{"refund: the money goes back where it came from", refunds},
		{"refund: never more than was paid", refundsInParts},
		{"refund: one request has one answer", refundAnswers},
		{"refund: only from the merchant's own balance", refundBalance},
		{"refund: a stranger's request leaves nothing", refundStranger},
		{"PSD-PAY-DEL-07 a refund restores no headroom", refundHeadroom},
		{"PSD-PAY-A402-11 what is given back whole is closed, unless it was finished", refundStates},
		{"refund: into the sub-account, until it is cancelled", refundSubAccount},
		{"refund: the sum holds under concurrent requests", refundsConcurrent},
		{"PSD-PAY-A402-23 a trade is found by number and by order, and by its parties alone", finds},
	}
}

// refundOf is a new request to give back a part of a trade.
func (b *bench) refundOf(t *provider.Trade, amount int64) provider.RefundRequest {
	n := b.serial.Add(1)
	return provider.RefundRequest{
		Merchant: t.Payee, ID: fmt.Sprintf("refund-%d", n), Digest: canon.Digest(fmt.Sprintf("refund-digest-%d", n)),
		TradeNo: t.No, Amount: amount, Currency: t.Currency, Reason: payment.RefundDefective,
	}
}

// refund makes one that must succeed.
func (b *bench) refund(r provider.RefundRequest) *provider.Refund {
	b.Helper()
	made, err := b.Refund(b.ctx, r)
	if b.must(err); made == nil {
		b.Fatalf("neither a refund nor an error")
	}
	if made.No == "" || made.RequestID != r.ID || made.Merchant != r.Merchant || made.Amount != r.Amount || made.Currency != r.Currency || made.Reason != r.Reason {
		b.Fatalf("not the refund that was asked for: %+v", made)
	}
	return made
}

// refuseRefund fails unless the request is refused for good, and again and
// again, and nothing moves.
func (b *bench) refuseRefund(r provider.RefundRequest, code protocol.Code) {
	b.Helper()
	before := b.money()
	for range 2 {
		_, err := b.Refund(b.ctx, r)
		var refusal *payment.RefundRefusal
		if !errors.As(err, &refusal) || refusal.RequestID != r.ID || refusal.Reason.Code != code {
			b.Fatalf("got %v, want %s as the stored refusal of the refund request", err, code)
		}
	}
	b.unmoved(before)
}

func refunds(b *bench) {
	t := b.pay(b.payment(10_00))
	b.clock.add(time.Minute)
	first := b.refund(b.refundOf(t, 4_00))
	if first.TradeNo != t.No || first.Order != t.Order || first.Total != 4_00 || !first.At.Equal(start.Add(time.Minute)) || first.State != payment.StateWaitSellerFulfillment {
		b.Fatalf("refunded: %+v", first)
	}
	b.moved(6_00)
	byOrder := b.refundOf(t, 1_00)
	byOrder.TradeNo, byOrder.Order = "", t.Order
	if second := b.refund(byOrder); second.TradeNo != t.No || second.Total != 5_00 || second.No == first.No {
		b.Fatalf("refunded by order: %+v", second)
	}
	b.moved(5_00)
	if got := b.Balance(other, currency) + b.Balance(shop2, currency); got != holds {
		b.Fatalf("the others have %d, want %d: not their money", got, holds)
	}
	// An instant payment is no different.
	w := b.begin(b.instant(3_00))
	paid := b.got(b.Settle(b.ctx, w.No, provider.Confirmation{Method: "test", At: b.clock.now()}))
	b.refund(b.refundOf(paid, 3_00))
	b.moved(5_00)
}

func refundsInParts(b *bench) {
	t := b.pay(b.payment(10_00))
	b.refuseRefund(b.refundOf(t, 10_01), protocol.CodeRefundExceeded)
	b.refund(b.refundOf(t, 9_99))
	b.refuseRefund(b.refundOf(t, 2), protocol.CodeRefundExceeded)
	last := b.refund(b.refundOf(t, 1))
	if last.Total != 10_00 {
		b.Fatalf("the total is %d", last.Total)
	}
	b.refuseRefund(b.refundOf(t, 1), protocol.CodeRefundExceeded)
	b.moved(0)
	foreign := b.refundOf(b.pay(b.payment(5_00)), 1_00)
	foreign.Currency = "USD"
	b.refuseRefund(foreign, protocol.CodeCurrencyMismatch)
	small := b.pay(b.payment(1_00))
	for range payment.MaxRefunds {
		b.refund(b.refundOf(small, 1))
	}
	b.refuseRefund(b.refundOf(small, 1), protocol.CodeRefundExceeded)
	for _, wrong := range []func(*provider.RefundRequest){
		func(r *provider.RefundRequest) { r.Amount = 0 }, func(r *provider.RefundRequest) { r.Amount = -1 },
		func(r *provider.RefundRequest) { r.ID = "" }, func(r *provider.RefundRequest) { r.Order = small.Order },
	} {
		r := b.refundOf(small, 1)
		wrong(&r)
		if _, err := b.Refund(b.ctx, r); protocol.CodeOf(err) != protocol.CodeFieldInvalid && protocol.CodeOf(err) != protocol.CodeFieldMissing {
			b.Fatalf("%+v: %v", r, err)
		}
	}
}

func refundAnswers(b *bench) {
	t := b.pay(b.payment(10_00))
	r := b.refundOf(t, 6_00)
	first := b.refund(r)
	before := b.money()
	b.clock.add(time.Minute)
	if again := b.refund(r); *again != *first {
		b.Fatalf("the first answer was %+v, then it was %+v", first, again)
	}
	changed := r
	changed.Digest, changed.Amount = "other content", 1
	_, err := b.Refund(b.ctx, changed)
	b.want(err, protocol.CodeRequestConflict)
	b.unmoved(before)
	denied := b.refundOf(t, 6_00)
	b.refuseRefund(denied, protocol.CodeRefundExceeded)
	b.refund(b.refundOf(t, 4_00))
	now := *first
	now.State = payment.StateTradeClosed // of the trade, as it is by now
	if again := b.refund(r); *again != now {
		b.Fatalf("the first answer was %+v, and after another refund it is %+v", first, again)
	}
	elsewhere := r // the id is the merchant's own
	sold := b.payment(6_00)
	sold.Payee = shop2
	elsewhere.Merchant, elsewhere.TradeNo = shop2, b.pay(sold).No
	if other := b.refund(elsewhere); other.No == first.No {
		b.Fatalf("two merchants share an answer")
	}
}

func refundBalance(b *bench) {
	t := b.pay(b.payment(10_00))
	sold := b.payment(5_00)
	sold.Payee = shop2
	u := b.pay(sold)
	b.refund(b.refundOf(t, 10_00))
	if got := b.money(); got != [4]int64{holds - 5_00, holds, 0, 5_00} {
		b.Fatalf("balances are %v: a refund was not the merchant's own money", got)
	}
	b.refund(b.refundOf(u, 5_00))
	if got := b.money(); got != [4]int64{holds, holds, 0, 0} {
		b.Fatalf("balances are %v: a refund was not the merchant's own money", got)
	}
}

func refundStranger(b *bench) {
	t := b.pay(b.payment(10_00))
	before := b.money()
	unknown := b.refundOf(t, 1_00)
	unknown.TradeNo = "no-such-trade"
	foreign := b.refundOf(t, 1_00)
	foreign.Merchant = shop2
	byOrder := foreign
	byOrder.ID, byOrder.TradeNo, byOrder.Order = "by-order", "", t.Order
	for _, r := range []provider.RefundRequest{unknown, foreign, byOrder} {
		_, err := b.Refund(b.ctx, r)
		b.want(err, protocol.CodeTradeUnknown)
		var stored *payment.RefundRefusal
		if errors.As(err, &stored) {
			b.Fatalf("a stranger's refusal was stored")
		}
	}
	b.unmoved(before)
	unknown.TradeNo = t.No // nothing was kept of it: not even its content
	b.refund(unknown)
}

func refundHeadroom(b *bench) {
	ceiling := b.token("pt-ceiling", owner)
	ceiling.Ceiling = 20_00
	b.must(b.BindToken(ceiling))
	p := b.payment(20_00)
	p.Token = ceiling.ID
	t := b.pay(p)
	b.refund(b.refundOf(t, 20_00))
	b.moved(0)
	again := b.payment(1)
	again.Token = ceiling.ID
	b.refusePay(again, protocol.CodeInstrumentInvalid)
	order := b.payment(1_00)
	order.Order = t.Order
	b.refusePay(order, protocol.CodeOrderPaid)
	if u := b.pay(b.payment(30_00)); u.SpentTotal != 50_00 {
		b.Fatalf("after a refund the mandate has %d spent, want 50.00", u.SpentTotal)
	}
	b.refusePay(b.payment(1), protocol.CodeTotalLimitExceeded)
}

func refundStates(b *bench) {
	t := b.pay(b.payment(2_00))
	b.got(b.Consume(b.ctx, shop, t.No, "c"))
	if r := b.refund(b.refundOf(t, 1_00)); r.State != payment.StateWaitSellerFulfillment {
		b.Fatalf("a part was given back, and the trade is in %s", r.State)
	}
	if r := b.refund(b.refundOf(t, 1_00)); r.State != payment.StateTradeClosed {
		b.Fatalf("all was given back, and the trade is in %s", r.State)
	}
	closed := b.got(b.Trade(b.ctx, t.No))
	if closed.State != payment.StateTradeClosed || !closed.PaidAt.Equal(t.PaidAt) {
		b.Fatalf("closed: %+v", closed)
	}
	if asked := b.got(b.Query(b.ctx, agent, t.RequestID)); asked.State != payment.StateTradeClosed {
		b.Fatalf("the agent hears of %s", asked.State)
	}
	_, err := b.Confirm(b.ctx, shop, t.No, "c", b.clock.now())
	b.want(err, protocol.CodeStateConflict)
	if kept := b.got(b.Consume(b.ctx, shop, t.No, "c")); kept.State != payment.StateTradeClosed {
		b.Fatalf("who has the delivery hears of %s", kept.State)
	}
	unused := b.pay(b.payment(2_00))
	b.refund(b.refundOf(unused, 2_00))
	_, err = b.Consume(b.ctx, shop, unused.No, "late")
	b.want(err, protocol.CodeStateConflict)

	done := b.pay(b.payment(3_00))
	b.got(b.Consume(b.ctx, shop, done.No, "c"))
	b.got(b.Confirm(b.ctx, shop, done.No, "c", b.clock.now()))
	if r := b.refund(b.refundOf(done, 3_00)); r.State != payment.StateTradeFinished {
		b.Fatalf("TRADE_FINISHED is an end, and a refund made it %s", r.State)
	}
	w := b.begin(b.instant(1_00))
	b.refuseRefund(b.refundOf(w, 1_00), protocol.CodeStateConflict)
	b.must(b.Decline(b.ctx, w.No, protocol.CodeConfirmationFailed))
	b.refuseRefund(b.refundOf(w, 1_00), protocol.CodeStateConflict)
	b.moved(0)
}

func refundSubAccount(b *bench) {
	_, from, _ := b.purse(provider.Limits{})
	t := b.pay(from(20_00))
	b.holdings(20_00, 60_00, 20_00)
	b.refund(b.refundOf(t, 5_00))
	b.holdings(25_00, 60_00, 15_00)
	b.must(b.SetSubAccountState(subID, provider.SubAccountFrozen))
	b.refund(b.refundOf(t, 5_00)) // what is frozen pays nothing, and may be paid
	b.holdings(30_00, 60_00, 10_00)
	b.must(b.SetSubAccountState(subID, provider.SubAccountCancelled))
	b.holdings(0, 90_00, 10_00)
	b.refund(b.refundOf(t, 10_00))
	b.holdings(0, 100_00, 0)
}

func refundsConcurrent(b *bench) {
	t := b.pay(b.payment(10_00))
	b.pay(b.payment(20_00))
	errs := make([]error, 24)
	_, _ = b.all(len(errs), func(i int) (*provider.Trade, error) {
		_, errs[i] = b.Refund(b.ctx, b.refundOf(t, 1_00))
		return nil, nil
	})
	b.split(errs, 10, protocol.CodeRefundExceeded)
	b.moved(20_00)
	same := b.refundOf(b.pay(b.payment(1_00)), 1_00)
	numbers := make([]string, 24)
	_, errs = b.all(len(numbers), func(i int) (*provider.Trade, error) {
		r, err := b.Refund(b.ctx, same)
		if err == nil {
			numbers[i] = r.No
		}
		return nil, err
	})
	b.split(errs, len(numbers), "")
	for _, no := range numbers {
		if no != numbers[0] {
			b.Fatalf("one request, two refunds: %s and %s", no, numbers[0])
		}
	}
	b.moved(20_00)
}

func finds(b *bench) {
	t := b.pay(b.payment(10_00))
	one, two := b.refund(b.refundOf(t, 1_00)), b.refund(b.refundOf(t, 2_00))
	for _, k := range []provider.TradeKey{
		{TradeNo: t.No}, {TradeNo: t.No, Merchant: shop}, {TradeNo: t.No, Agent: agent}, {Order: t.Order, Merchant: shop}, {Order: t.Order, Merchant: shop, Agent: agent},
	} {
		found, made, err := b.Find(b.ctx, k)
		b.got(found, err)
		if found.No != t.No || found.State != payment.StateWaitSellerFulfillment || len(made) != 2 || made[0].No != one.No || made[1].No != two.No || made[1].Total != 3_00 || made[0].RequestID != one.RequestID {
			b.Fatalf("by %+v: %+v with %+v", k, found, made)
		}
	}
	w := b.begin(b.instant(1_00))
	for _, k := range []provider.TradeKey{
		{TradeNo: t.No, Merchant: shop2}, {TradeNo: t.No, Agent: stranger}, {Order: t.Order, Merchant: shop2}, {TradeNo: "none"},
		{Order: t.Order, Merchant: shop, Agent: stranger}, {Order: w.Order, Merchant: shop},
	} {
		_, _, err := b.Find(b.ctx, k)
		b.want(err, protocol.CodeTradeUnknown)
	}
	for _, k := range []provider.TradeKey{{}, {Order: t.Order}, {Order: t.Order, TradeNo: t.No, Merchant: shop}} {
		_, _, err := b.Find(b.ctx, k)
		b.want(err, protocol.CodeFieldMissing)
	}
	b.clock.add(time.Hour)
	late, made, err := b.Find(b.ctx, provider.TradeKey{TradeNo: w.No, Merchant: shop})
	if b.got(late, err); late.State != payment.StateTradeClosed || !late.PaidAt.IsZero() || len(made) != 0 {
		b.Fatalf("PSD-PAY-INS-04: late: %+v with %+v", late, made)
	}
}
