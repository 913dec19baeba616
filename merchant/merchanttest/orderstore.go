// Package merchanttest has the contract of merchant.OrderStore as a test, so
// that whoever writes a store, over a database for example, can show that a
// shop may rely on it.
package merchanttest

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
)

// OrderStore runs the contract of merchant.OrderStore. open is called once a
// subtest and returns an empty store.
func OrderStore(t *testing.T, open func(t *testing.T) merchant.OrderStore) {
	t.Helper()
	for name, run := range map[string]func(*testing.T, merchant.OrderStore){
		"PSD-PAY-A402-15 claim, deliver, confirm":               testDelivery,
		"PSD-PAY-A402-15 one claim of many":                     testConcurrentClaim,
		"PSD-PAY-A402-15 another request with the same proof":   testBinding,
		"PSD-PAY-A402-15 a dead worker, repeatable":             testLeaseRepeatable,
		"PSD-PAY-A402-15 a dead worker, not repeatable":         testLeaseUnknown,
		"PSD-PAY-A402-15 a failure, repeatable":                 testFailRepeatable,
		"PSD-PAY-A402-15 a failure, not repeatable":             testFailUnknown,
		"PSD-PAY-A402-10 confirmation":                          testConfirm,
		"CID-CART-CFM-04 stock is locked whole or not at all":   testStock,
		"CID-CART-CFM-04 the last piece goes to one of many":    testConcurrentStock,
		"CID-CART-CFM-04 a lock ends":                           testLockEnds,
		"CID-CART-CFM-04 a repeated request is the same order":  testRepeatedOrder,
		"CID-CART-CFM-05 paid goods leave the stock once":       testTake,
		"CID-CART-CFM-04 a buyer's open orders are limited":     testOpenOrders,
		"CID-CART-CFM-04 the limit holds for many at once":      testConcurrentOpen,
		"CID-CART-CFM-05 an order is kept as long as its proof": testKept,
		"what is not known is an error":                         testUnknown,
	} {
		t.Run(name, func(t *testing.T) { run(t, open(t)) })
	}
}

var start = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

const lease = 30 * time.Second

func claim(id, lessee string, at time.Time) merchant.Delivery {
	return merchant.Delivery{
		OutTradeNo: id, TradeNo: "trade-" + id, Consumer: "consumer", Binding: canon.Sum([]byte("one request")),
		Lease: lessee, LeaseUntil: at.Add(lease), KeepUntil: at.Add(time.Hour), TradeState: payment.StateWaitSellerFulfillment,
	}
}

func want(t *testing.T, err error, code protocol.Code) {
	t.Helper()
	if got := protocol.CodeOf(err); got != code {
		t.Fatalf("got %v, want code %q", err, code)
	}
	if code == "" && err != nil {
		t.Fatal(err)
	}
}

func mustClaim(t *testing.T, s merchant.OrderStore, d merchant.Delivery, now time.Time, state merchant.DeliveryState, claimed bool) merchant.Delivery {
	t.Helper()
	got, ok, err := s.Claim(context.Background(), d, now)
	want(t, err, "")
	if got.State != state || ok != claimed {
		t.Fatalf("state %s, claimed %v; want %s, %v", got.State, ok, state, claimed)
	}
	return got
}

func testDelivery(t *testing.T, s merchant.OrderStore) {
	ctx := context.Background()
	mustClaim(t, s, claim("1", "a", start), start, merchant.Claimed, true)
	got := mustClaim(t, s, claim("1", "b", start), start.Add(time.Second), merchant.Claimed, false)
	if got.Lease != "a" {
		t.Fatal("the lease changed hands")
	}
	answer := merchant.Answer{Status: 201, Header: http.Header{"X-Kept": {"1", "2"}}, Body: []byte("coffee")}
	want(t, s.Deliver(ctx, "1", "b", answer, start), protocol.CodeStateConflict)
	want(t, s.Deliver(ctx, "1", "a", answer, start.Add(2*time.Second)), "")
	want(t, s.Deliver(ctx, "1", "a", answer, start), protocol.CodeStateConflict)
	want(t, s.Fail(ctx, "1", "a"), protocol.CodeStateConflict)
	got = mustClaim(t, s, claim("1", "c", start.Add(time.Hour)), start.Add(time.Hour), merchant.Delivered, false)
	if !reflect.DeepEqual(got.Answer, &answer) {
		t.Fatalf("kept answer %+v, want %+v", got.Answer, &answer)
	}
	if !got.DeliveredAt.Equal(start.Add(2*time.Second)) || got.TradeNo != "trade-1" || got.Consumer != "consumer" {
		t.Fatalf("delivery %+v", got)
	}
	got.Answer.Body[0] = 'X'
	got.Answer.Header.Set("X-Kept", "changed")
	again, err := s.Delivery(ctx, "1")
	want(t, err, "")
	if !reflect.DeepEqual(again.Answer, &answer) {
		t.Fatalf("the kept answer can be changed from outside: %+v, want %+v", again.Answer, &answer)
	}
}

func testConcurrentClaim(t *testing.T, s merchant.OrderStore) {
	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			if _, ok, err := s.Claim(context.Background(), claim("1", fmt.Sprint(i), start), start); err == nil && ok {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d claims won", won.Load())
	}
}

func testBinding(t *testing.T, s merchant.OrderStore) {
	ctx := context.Background()
	other := claim("1", "b", start)
	other.Binding = canon.Sum([]byte("another request"))
	check := func() {
		t.Helper()
		other.LeaseUntil = start.Add(2 * time.Hour)
		_, ok, err := s.Claim(ctx, other, start.Add(time.Hour))
		want(t, err, protocol.CodeProofUsed)
		if ok {
			t.Fatal("claimed")
		}
	}
	d := claim("1", "a", start)
	d.Repeatable = true
	mustClaim(t, s, d, start, merchant.Claimed, true)
	check()
	want(t, s.Fail(ctx, "1", "a"), "")
	check()
	mustClaim(t, s, d, start, merchant.Claimed, true)
	want(t, s.Deliver(ctx, "1", "a", merchant.Answer{Status: 200}, start), "")
	check()
}

func testLeaseRepeatable(t *testing.T, s merchant.OrderStore) {
	ctx := context.Background()
	d := claim("1", "a", start)
	d.Repeatable = true
	mustClaim(t, s, d, start, merchant.Claimed, true)
	later := start.Add(lease)
	again := claim("1", "b", later)
	again.Repeatable = true
	got := mustClaim(t, s, again, later, merchant.Claimed, true)
	if got.Lease != "b" || !got.LeaseUntil.Equal(later.Add(lease)) {
		t.Fatalf("lease %q until %s", got.Lease, got.LeaseUntil)
	}
	want(t, s.Deliver(ctx, "1", "a", merchant.Answer{Status: 200}, later), protocol.CodeStateConflict)
	want(t, s.Deliver(ctx, "1", "b", merchant.Answer{Status: 200}, later), "")
}

func testLeaseUnknown(t *testing.T, s merchant.OrderStore) {
	ctx := context.Background()
	mustClaim(t, s, claim("1", "a", start), start, merchant.Claimed, true)
	mustClaim(t, s, claim("1", "b", start), start.Add(lease-1), merchant.Claimed, false)
	later := start.Add(lease)
	mustClaim(t, s, claim("1", "b", later), later, merchant.Unknown, false)
	mustClaim(t, s, claim("1", "b", later), later, merchant.Unknown, false)
	want(t, s.Deliver(ctx, "1", "b", merchant.Answer{Status: 200}, later), protocol.CodeStateConflict)
	// The holder of the lease was slow, not dead.
	want(t, s.Deliver(ctx, "1", "a", merchant.Answer{Status: 200}, later), "")
	mustClaim(t, s, claim("1", "b", later), later, merchant.Delivered, false)
}

func testFailRepeatable(t *testing.T, s merchant.OrderStore) {
	ctx := context.Background()
	d := claim("1", "a", start)
	d.Repeatable = true
	mustClaim(t, s, d, start, merchant.Claimed, true)
	want(t, s.Fail(ctx, "1", "b"), protocol.CodeStateConflict)
	want(t, s.Fail(ctx, "1", "a"), "")
	want(t, s.Deliver(ctx, "1", "a", merchant.Answer{Status: 200}, start), protocol.CodeStateConflict)
	d.Lease = "b"
	mustClaim(t, s, d, start, merchant.Claimed, true)
}

func testFailUnknown(t *testing.T, s merchant.OrderStore) {
	ctx := context.Background()
	mustClaim(t, s, claim("1", "a", start), start, merchant.Claimed, true)
	want(t, s.Reopen(ctx, "1"), protocol.CodeStateConflict)
	want(t, s.Fail(ctx, "1", "a"), "")
	mustClaim(t, s, claim("1", "b", start), start, merchant.Unknown, false)
	want(t, s.Reopen(ctx, "1"), "")
	want(t, s.Deliver(ctx, "1", "a", merchant.Answer{Status: 200}, start), protocol.CodeStateConflict)
	mustClaim(t, s, claim("1", "b", start), start, merchant.Claimed, true)
}

func testConfirm(t *testing.T, s merchant.OrderStore) {
	ctx := context.Background()
	for i, id := range []string{"1", "2", "3"} {
		at := start.Add(time.Duration(i) * time.Second)
		mustClaim(t, s, claim(id, "a", at), at, merchant.Claimed, true)
		want(t, s.Confirm(ctx, id, payment.StateTradeFinished, at), protocol.CodeStateConflict)
		if id != "2" {
			want(t, s.Deliver(ctx, id, "a", merchant.Answer{Status: 200}, at), "")
		}
	}
	pending := func() (ids []string) {
		t.Helper()
		list, err := s.Unconfirmed(ctx, 10)
		want(t, err, "")
		for _, d := range list {
			ids = append(ids, d.OutTradeNo)
		}
		return ids
	}
	if ids := pending(); !reflect.DeepEqual(ids, []string{"1", "3"}) {
		t.Fatalf("%v to be confirmed, want 1 and 3", ids)
	}
	if list, err := s.Unconfirmed(ctx, 1); err != nil || len(list) != 1 {
		t.Fatalf("%d, %v; want the limit of 1", len(list), err)
	}
	want(t, s.Confirm(ctx, "1", payment.StateTradeFinished, start.Add(time.Minute)), "")
	want(t, s.Confirm(ctx, "1", payment.StateTradeFinished, start.Add(time.Minute)), "")
	got := mustClaim(t, s, claim("1", "b", start), start, merchant.Confirmed, false)
	if got.TradeState != payment.StateTradeFinished || got.Answer == nil || !got.ConfirmedAt.Equal(start.Add(time.Minute)) {
		t.Fatalf("delivery %+v", got)
	}
	if ids := pending(); !reflect.DeepEqual(ids, []string{"3"}) {
		t.Fatalf("%v to be confirmed, want 3", ids)
	}
	want(t, s.Reject(ctx, "1"), protocol.CodeStateConflict)
	want(t, s.Reject(ctx, "3"), "")
	want(t, s.Confirm(ctx, "3", payment.StateTradeFinished, start), protocol.CodeStateConflict)
	mustClaim(t, s, claim("3", "b", start), start, merchant.Rejected, false)
	if ids := pending(); ids != nil {
		t.Fatalf("%v still to be confirmed", ids)
	}
}

func cart(id string, lines ...merchant.StockLine) merchant.CartOrder {
	return merchant.CartOrder{
		ID: id, Buyer: "did:act:buyer.example/a", RequestID: "request-" + id, Content: canon.Sum([]byte(id)),
		Lines: lines, Confirmation: []byte("signed"), ReleaseAt: start.Add(10 * time.Minute), KeepUntil: start.Add(24 * time.Hour),
	}
}

// manyOpen is a limit of open orders that the other tests do not reach.
const manyOpen = 1000

func mustLock(t *testing.T, s merchant.OrderStore, o merchant.CartOrder, now time.Time, code protocol.Code) merchant.CartOrder {
	t.Helper()
	got, err := s.LockOrder(context.Background(), o, manyOpen, now)
	want(t, err, code)
	return got
}

// wantSameOrder compares orders; the same moment in another time zone, which
// databases like to give back, is the same.
func wantSameOrder(t *testing.T, got, want merchant.CartOrder) {
	t.Helper()
	if !got.ReleaseAt.Equal(want.ReleaseAt) {
		t.Fatalf("released at %s, want %s", got.ReleaseAt, want.ReleaseAt)
	}
	if !got.KeepUntil.Equal(want.KeepUntil) {
		t.Fatalf("kept until %s, want %s", got.KeepUntil, want.KeepUntil)
	}
	got.ReleaseAt, got.KeepUntil = want.ReleaseAt, want.KeepUntil
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("order %+v\nwant %+v", got, want)
	}
}

func latte(n int64) merchant.StockLine  { return merchant.StockLine{ItemID: "latte", Quantity: n} }
func muffin(n int64) merchant.StockLine { return merchant.StockLine{ItemID: "muffin", Quantity: n} }

func testStock(t *testing.T, s merchant.OrderStore) {
	ctx := context.Background()
	mustLock(t, s, cart("0", latte(1)), start, protocol.CodeOutOfStock)
	want(t, s.SetStock(ctx, "latte", 3), "")
	want(t, s.SetStock(ctx, "muffin", 1), "")
	want(t, s.SetStock(ctx, "muffin", -1), protocol.CodeFieldInvalid)
	mustLock(t, s, cart("1", latte(1), muffin(2)), start, protocol.CodeOutOfStock)
	for lines, o := range []merchant.CartOrder{cart("1", latte(4), muffin(2)), cart("1", latte(1), muffin(2)), cart("1", muffin(1), latte(2), latte(2))} {
		_, err := s.LockOrder(ctx, o, manyOpen, start)
		if e := protocol.AsError(err); e.Code != protocol.CodeOutOfStock || e.Field != fmt.Sprintf("items[%d].quantity", lines) {
			t.Errorf("CID-CART-CFM-04 line %d is missing: %v", lines, err)
		}
	}
	mustLock(t, s, cart("2", latte(2), latte(2)), start, protocol.CodeOutOfStock)
	mustLock(t, s, cart("3", latte(0)), start, protocol.CodeFieldInvalid)
	mustLock(t, s, cart("4", latte(-1)), start, protocol.CodeFieldInvalid)
	mustLock(t, s, cart("5", latte(1<<62), latte(1<<62), latte(1<<62)), start, protocol.CodeOutOfStock)
	got := mustLock(t, s, cart("6", latte(3), muffin(1)), start, "")
	if got.State != merchant.Locked {
		t.Fatalf("state %s", got.State)
	}
	mustLock(t, s, cart("7", latte(1)), start, protocol.CodeOutOfStock)
	stored, err := s.Order(ctx, "6")
	want(t, err, "")
	wantSameOrder(t, stored, got)
}

func testConcurrentStock(t *testing.T, s merchant.OrderStore) {
	want(t, s.SetStock(context.Background(), "latte", 1), "")
	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			if _, err := s.LockOrder(context.Background(), cart(fmt.Sprint(i), latte(1)), manyOpen, start); err == nil {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d orders locked the last piece", won.Load())
	}
}

func testLockEnds(t *testing.T, s merchant.OrderStore) {
	ctx := context.Background()
	want(t, s.SetStock(ctx, "latte", 1), "")
	first := mustLock(t, s, cart("1", latte(1)), start, "")
	mustLock(t, s, cart("2", latte(1)), first.ReleaseAt.Add(-1), protocol.CodeOutOfStock)
	second := cart("2", latte(1))
	second.ReleaseAt = start.Add(time.Hour)
	mustLock(t, s, second, first.ReleaseAt, "")
	// The first buyer had paid after all, and the piece is gone.
	_, err := s.TakeOrder(ctx, "1", first.ReleaseAt)
	want(t, err, protocol.CodeOutOfStock)
	want(t, s.SetStock(ctx, "latte", 1), "")
	got, err := s.TakeOrder(ctx, "1", first.ReleaseAt)
	want(t, err, "")
	if got.State != merchant.Taken {
		t.Fatalf("state %s", got.State)
	}
	mustLock(t, s, cart("3", latte(1)), first.ReleaseAt, protocol.CodeOutOfStock)
}

func testRepeatedOrder(t *testing.T, s merchant.OrderStore) {
	want(t, s.SetStock(context.Background(), "latte", 2), "")
	first := mustLock(t, s, cart("1", latte(1)), start, "")
	again := cart("2", latte(1))
	again.RequestID, again.Content, again.Confirmation = "request-1", first.Content, []byte("signed later")
	got := mustLock(t, s, again, start.Add(time.Second), "")
	wantSameOrder(t, got, first)
	asked, err := s.Requested(context.Background(), first.Buyer, "request-1")
	want(t, err, "")
	wantSameOrder(t, asked, first)
	for _, other := range [][2]string{{first.Buyer, "request-2"}, {"did:act:buyer.example/b", "request-1"}, {first.Buyer, ""}} {
		_, err := s.Requested(context.Background(), other[0], other[1])
		want(t, err, protocol.CodeOrderUnknown)
	}
	again.Content = canon.Sum([]byte("another cart"))
	mustLock(t, s, again, start, protocol.CodeRequestConflict)
	other := again
	other.Buyer = "did:act:buyer.example/b"
	mustLock(t, s, other, start, "")
	taken := cart("1", latte(1))
	taken.RequestID = "new"
	mustLock(t, s, taken, start, protocol.CodeStateConflict)
}

func testTake(t *testing.T, s merchant.OrderStore) {
	ctx := context.Background()
	want(t, s.SetStock(ctx, "latte", 1), "")
	o := mustLock(t, s, cart("1", latte(1)), start, "")
	for range 2 {
		got, err := s.TakeOrder(ctx, "1", o.ReleaseAt.Add(-1))
		want(t, err, "")
		if got.State != merchant.Taken {
			t.Fatalf("state %s", got.State)
		}
	}
	mustLock(t, s, cart("2", latte(1)), o.ReleaseAt.Add(time.Hour), protocol.CodeOutOfStock)
}

func testOpenOrders(t *testing.T, s merchant.OrderStore) {
	ctx := context.Background()
	want(t, s.SetStock(ctx, "latte", 9), "")
	lock := func(o merchant.CartOrder, now time.Time, code protocol.Code) {
		t.Helper()
		_, err := s.LockOrder(ctx, o, 2, now)
		want(t, err, code)
	}
	_, err := s.LockOrder(ctx, cart("0", latte(1)), 0, start)
	want(t, err, protocol.CodeFieldInvalid)
	lock(cart("1", latte(1)), start, "")
	lock(cart("2", latte(1)), start, "")
	lock(cart("3", latte(1)), start, protocol.CodeTooManyRequests)
	lock(cart("2", latte(1)), start, "") // sent again, it is no third
	other := cart("4", latte(1))
	other.Buyer = "did:act:buyer.example/b"
	lock(other, start, "")
	// What was refused holds no stock and no request id.
	_, err = s.Order(ctx, "3")
	want(t, err, protocol.CodeOrderUnknown)
	// Paid for, or given up, it is not open any more.
	_, err = s.TakeOrder(ctx, "1", start)
	want(t, err, "")
	_, err = s.TakeOrder(ctx, "1", start)
	want(t, err, "")
	lock(cart("3", latte(1)), start, "")
	lock(cart("5", latte(1)), start, protocol.CodeTooManyRequests)
	later := start.Add(10 * time.Minute)
	for _, id := range []string{"5", "6"} {
		o := cart(id, latte(1))
		o.ReleaseAt = later.Add(10 * time.Minute)
		lock(o, later, "")
	}
	lock(cart("7", latte(1)), later, protocol.CodeTooManyRequests)
	// An order that was given up and is paid for after all was not open.
	_, err = s.TakeOrder(ctx, "2", later)
	want(t, err, "")
	lock(cart("7", latte(1)), later, protocol.CodeTooManyRequests)
}

func testConcurrentOpen(t *testing.T, s merchant.OrderStore) {
	const limit = 5
	want(t, s.SetStock(context.Background(), "latte", 1000), "")
	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			if _, err := s.LockOrder(context.Background(), cart(fmt.Sprint(i), latte(1)), limit, start); err == nil {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != limit {
		t.Fatalf("%d orders are open, want %d", won.Load(), limit)
	}
}

func testKept(t *testing.T, s merchant.OrderStore) {
	ctx := context.Background()
	want(t, s.SetStock(ctx, "latte", 2), "")
	o := cart("1", latte(1))
	o.KeepUntil = o.ReleaseAt.Add(-1)
	mustLock(t, s, o, start, protocol.CodeFieldInvalid)
	first := mustLock(t, s, cart("1", latte(1)), start, "")
	last := first.KeepUntil.Add(-1)
	again := cart("2", latte(1))
	again.RequestID = first.RequestID
	mustLock(t, s, again, last, protocol.CodeRequestConflict)
	got, err := s.TakeOrder(ctx, "1", last)
	want(t, err, "")
	if got.State != merchant.Taken || string(got.Confirmation) != "signed" {
		t.Fatalf("order %+v", got)
	}
}

func testUnknown(t *testing.T, s merchant.OrderStore) {
	ctx := context.Background()
	want(t, s.Deliver(ctx, "1", "a", merchant.Answer{}, start), protocol.CodeOrderUnknown)
	want(t, s.Fail(ctx, "1", "a"), protocol.CodeOrderUnknown)
	want(t, s.Confirm(ctx, "1", payment.StateTradeFinished, start), protocol.CodeOrderUnknown)
	want(t, s.Reject(ctx, "1"), protocol.CodeOrderUnknown)
	want(t, s.Reopen(ctx, "1"), protocol.CodeOrderUnknown)
	_, err := s.Delivery(ctx, "1")
	want(t, err, protocol.CodeOrderUnknown)
	_, err = s.Order(ctx, "1")
	want(t, err, protocol.CodeOrderUnknown)
	_, err = s.TakeOrder(ctx, "1", start)
	want(t, err, protocol.CodeOrderUnknown)
	_, _, err = s.Claim(ctx, merchant.Delivery{}, start)
	want(t, err, protocol.CodeFieldMissing)
	_, err = s.LockOrder(ctx, merchant.CartOrder{}, manyOpen, start)
	want(t, err, protocol.CodeFieldMissing)
}
