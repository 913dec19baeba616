package booktest

import (
	"slices"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
)

func (d *desk) unreported(c book.Consumer, limit int) []book.Event {
	d.Helper()
	events, err := d.Unreported(d.Context(), c, limit)
	d.must(err)
	for i := 1; i < len(events); i++ {
		if events[i].ID <= events[i-1].ID {
			d.Fatalf("out of order: %+v", events)
		}
	}
	return events
}

func outbox(d *desk) {
	ctx := d.Context()
	d.furnish(100_00)
	first := d.pay(d.payment(5_00))
	refund := d.refund(first, 1_00)
	second := d.pay(d.payment(5_00))
	_, err := d.Pay(ctx, d.payment(500_00))
	d.want(err, protocol.CodeTotalLimitExceeded) // leaves no event
	events := d.unreported(book.Notification, 10)
	for i, want := range []book.Event{
		{Type: book.TransactionCompleted, TradeNo: first.No, DelegationID: "m-1", Order: first.Order},
		{Type: book.Refunded, TradeNo: first.No, RefundNo: refund.No, DelegationID: "m-1", Order: first.Order},
		{Type: book.TransactionCompleted, TradeNo: second.No, DelegationID: "m-1", Order: second.Order},
	} {
		if len(events) != 3 {
			d.Fatalf("%+v", events)
		}
		if want.ID, want.At = events[i].ID, passkeyStart; events[i] != want {
			d.Errorf("event %d is %+v, want %+v", i, events[i], want)
		}
	}
	completed := d.unreported(book.Attestation, 10)
	if !slices.Equal(completed, []book.Event{events[0], events[2]}) {
		d.Fatalf("%+v", completed)
	}
	if limited := d.unreported(book.Notification, 2); !slices.Equal(limited, events[:2]) {
		d.Errorf("%+v", limited)
	}
	_, err = d.Unreported(ctx, "nobody", 1)
	d.want(err, protocol.CodeFieldInvalid)
	d.want(d.Acknowledge(ctx, "nobody", events[0].ID), protocol.CodeFieldInvalid)
	d.want(d.Acknowledge(ctx, book.Attestation, events[2].ID+1000), protocol.CodeFieldInvalid)
	d.must(d.Acknowledge(ctx, book.Notification, events[1].ID), d.Acknowledge(ctx, book.Notification, events[1].ID), d.Acknowledge(ctx, book.Notification, events[0].ID))
	if left := d.unreported(book.Notification, 10); !slices.Equal(left, events[2:]) {
		d.Errorf("%+v", left)
	}
	if left := d.unreported(book.Attestation, 10); !slices.Equal(left, completed) {
		d.Errorf("one consumer took the events of the other: %+v", left)
	}
	d.must(d.Acknowledge(ctx, book.Attestation, completed[1].ID))
	if r := sound(d.T, d.Book); r.Unreported[book.Attestation] != 0 || r.Unreported[book.Notification] != 1 {
		d.Errorf("%v", r.Unreported)
	}
}

func notices(d *desk) {
	ctx := d.Context()
	d.furnish(100_00)
	const url = "https://shop.example/notices"
	before := d.pay(d.payment(1_00)) // before there is a receiver: not told
	if n, err := d.Distribute(ctx, 10); err != nil || n != 1 {
		d.Fatalf("%d, %v", n, err)
	}
	d.want(d.SetReceiver(ctx, ann, url), protocol.CodeMerchantNotAllowed)
	d.want(d.SetReceiver(ctx, mall, "http://shop.example/"), protocol.CodeFieldInvalid)
	d.must(d.SetReceiver(ctx, mall, url))
	paid := d.pay(d.payment(5_00))
	refund := d.refund(paid, 2_00)
	d.refund(before, 1_00)
	for _, want := range []int{2, 1, 0} {
		if n, err := d.Distribute(ctx, 2); err != nil || n != want {
			d.Fatalf("%d, %v, want %d", n, err, want)
		}
	}
	list, err := d.Notices(ctx, mall, 10)
	d.must(err)
	if len(list) != 3 {
		d.Fatalf("%+v", list)
	}
	for i, n := range list {
		if n.Sequence != int64(i+1) || n.Merchant != mall || n.Currency != "CNY" {
			d.Errorf("notice %d: %+v", i, n)
		}
	}
	if n := list[0]; n.Event != payment.NotifyCompleted || n.TradeNo != paid.No || n.Amount != 5_00 || n.State != paid.State || !n.At.Equal(passkeyStart) {
		d.Errorf("%+v", n)
	}
	if n := list[1]; n.Event != payment.NotifyRefunded || n.RefundNo != refund.No || n.RefundAmount != 2_00 || n.RefundedTotal != 2_00 || n.State != paid.State {
		d.Errorf("%+v", n)
	}
	if n := list[2]; n.TradeNo != before.No || n.State != payment.StateTradeClosed {
		d.Errorf("%+v", n)
	}
	d.want(d.Noticed(ctx, mall, 4), protocol.CodeFieldInvalid)
	d.must(d.Noticed(ctx, mall, 2), d.Noticed(ctx, mall, 1))
	if left, err := d.Notices(ctx, mall, 10); err != nil || len(left) != 1 || left[0].Sequence != 3 {
		d.Errorf("%+v, %v", left, err)
	}
	d.must(d.SetReceiver(ctx, mall, ""))
	d.pay(d.payment(1_00))
	if _, err := d.Distribute(ctx, 10); err != nil {
		d.Fatal(err)
	}
	got, err := d.Receivers(ctx)
	if d.must(err); len(got) != 1 || got[0].URL != "" || got[0].Last != 3 || got[0].Noticed != 2 {
		d.Errorf("%+v", got)
	}
}

func statements(d *desk) {
	ctx := d.Context()
	d.furnish(100_00)
	d.must(d.Name(ctx, mall, "Mall"))
	first := d.pay(d.payment(20_00))
	d.later(24 * time.Hour)
	other := d.payment(7_00)
	other.Mandate.DelegationID = "m-2"
	d.pay(other)
	d.pay(d.payment(21_00))
	d.refund(first, 3_00)
	tasks, err := d.TaskBill(ctx, ann, time.Time{}, time.Time{})
	d.must(err)
	if len(tasks) != 2 {
		d.Fatalf("%+v", tasks)
	}
	if k := tasks[0]; k.DelegationID != "m-1" || k.Spent != 41_00 || k.Paid != 41_00 || k.Refunded != 3_00 || len(k.Payments) != 2 || k.Payments[0].PayeeName != "Mall" || !k.NearLimit() {
		d.Errorf("%+v", k)
	}
	if k := tasks[1]; k.DelegationID != "m-2" || k.Paid != 7_00 || k.NearLimit() {
		d.Errorf("%+v", k)
	}
	if tasks, err = d.TaskBill(ctx, ann, d.now(), time.Time{}); err != nil || len(tasks) != 2 || tasks[0].DelegationID != "m-2" || tasks[1].Paid != 21_00 || tasks[1].Spent != 41_00 {
		d.Errorf("%+v, %v", tasks, err)
	}
	if tasks, err = d.TaskBill(ctx, ben, time.Time{}, time.Time{}); err != nil || len(tasks) != 0 {
		d.Errorf("%+v, %v", tasks, err)
	}
	_, err = d.TaskBill(ctx, ann, d.now(), d.now())
	d.want(err, protocol.CodeFieldInvalid)
	for _, c := range []struct {
		from, until time.Time
		want        []book.Settlement
	}{
		{passkeyStart, passkeyStart.Add(time.Hour), []book.Settlement{{Payments: 1, Gross: 20_00, Net: 20_00}}},
		{passkeyStart.Add(time.Hour), time.Time{}, []book.Settlement{{Payments: 2, Gross: 28_00, Refunds: 1, Refunded: 3_00, Net: 25_00}}},
		{d.now().Add(time.Hour), time.Time{}, nil},
	} {
		for i := range c.want {
			c.want[i].Merchant, c.want[i].Name, c.want[i].Currency = mall, "Mall", "CNY"
		}
		if got, err := d.Settlement(ctx, c.from, c.until); err != nil || !slices.Equal(got, c.want) {
			d.Errorf("%+v, %v, want %+v", got, err, c.want)
		}
	}
}
