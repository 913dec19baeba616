package merchant_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/merchant/merchanttest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
)

func TestMemoryOrders(t *testing.T) {
	merchanttest.OrderStore(t, func(*testing.T) merchant.OrderStore { return new(merchant.MemoryOrders) })
}

// TestStockIsConserved locks, takes and lets orders expire at random and
// checks after every move that no piece has been sold twice or lost.
func TestStockIsConserved(t *testing.T) {
	const pieces = 7
	rapid.Check(t, func(t *rapid.T) {
		ctx, store := context.Background(), new(merchant.MemoryOrders)
		if err := store.SetStock(ctx, "latte", pieces); err != nil {
			t.Fatal(err)
		}
		now := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
		type order struct {
			quantity int64
			until    time.Time
			taken    bool
		}
		model, next := map[string]*order{}, 0
		free := func() int64 {
			n := int64(pieces)
			for _, o := range model {
				if o.taken || o.until.After(now) {
					n -= o.quantity
				}
			}
			return n
		}
		const limit = 3
		open := func() (n int) {
			for _, o := range model {
				if !o.taken && o.until.After(now) {
					n++
				}
			}
			return n
		}
		t.Repeat(map[string]func(*rapid.T){
			"lock": func(t *rapid.T) {
				next++
				id, n := fmt.Sprint(next), rapid.Int64Range(1, 5).Draw(t, "quantity")
				until := now.Add(time.Duration(rapid.IntRange(1, 5).Draw(t, "minutes")) * time.Minute)
				fits := n <= free() && open() < limit
				_, err := store.LockOrder(ctx, merchant.CartOrder{
					ID: id, Buyer: "b", RequestID: id, Content: canon.Sum([]byte(id)),
					Lines: []merchant.StockLine{{ItemID: "latte", Quantity: n}}, ReleaseAt: until, KeepUntil: until.Add(time.Hour),
				}, limit, now)
				if (err == nil) != fits {
					t.Fatalf("lock of %d: %v, free %d, open %d", n, err, free(), open())
				}
				if fits {
					model[id] = &order{quantity: n, until: until}
				}
			},
			"take": func(t *rapid.T) {
				id := fmt.Sprint(rapid.IntRange(1, 20).Draw(t, "id"))
				o := model[id]
				ok := o != nil && (o.taken || o.until.After(now) || o.quantity <= free())
				if _, err := store.TakeOrder(ctx, id, now); (err == nil) != ok {
					t.Fatalf("take: %v, model says %v", err, ok)
				}
				if ok {
					o.taken = true
				}
			},
			"time passes": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 180).Draw(t, "seconds")) * time.Second)
			},
			"": func(*rapid.T) {},
		})
	})
}

// Confirmed deliveries are forgotten after their time, others never.
func TestMemoryOrdersForgets(t *testing.T) {
	ctx, store, now := context.Background(), new(merchant.MemoryOrders), time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	claim := func(id string, keep time.Duration) {
		t.Helper()
		_, claimed, err := store.Claim(ctx, merchant.Delivery{
			OutTradeNo: id, Binding: canon.Sum(nil), Lease: "1", LeaseUntil: now.Add(time.Minute), KeepUntil: now.Add(keep),
		}, now)
		if err != nil || !claimed {
			t.Fatal(err, claimed)
		}
	}
	confirm := func(id string) {
		t.Helper()
		must(t, store.Deliver(ctx, id, "1", merchant.Answer{Status: 200}, now))
		must(t, store.Confirm(ctx, id, payment.StateTradeFinished, now))
	}
	claim("open", time.Minute)
	claim("long", time.Hour)
	confirm("long")
	for i := range 2000 {
		id := fmt.Sprint(i)
		claim(id, time.Minute)
		confirm(id)
	}
	now = now.Add(time.Minute)
	for i := range 3000 {
		claim(fmt.Sprint("later ", i), time.Minute)
	}
	for id, known := range map[string]bool{"open": true, "long": true, "0": false} {
		if _, err := store.Delivery(ctx, id); (err == nil) != known {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// TestDeliveredOnce runs workers that die, fail, come late or succeed at
// random and checks that unsafe work is never begun twice.
func TestDeliveredOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ctx, store := context.Background(), new(merchant.MemoryOrders)
		now := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
		repeatable := rapid.Bool().Draw(t, "repeatable")
		var holders []string
		begun, delivered := 0, 0
		holder := func(t *rapid.T) string {
			if len(holders) == 0 {
				return "nobody"
			}
			return rapid.SampledFrom(holders).Draw(t, "holder")
		}
		t.Repeat(map[string]func(*rapid.T){
			"claim": func(t *rapid.T) {
				d := merchant.Delivery{
					OutTradeNo: "1", Binding: canon.Sum(nil), Repeatable: repeatable, Lease: fmt.Sprint(len(holders)),
					LeaseUntil: now.Add(time.Minute), KeepUntil: now.Add(time.Hour), TradeState: payment.StateWaitSellerFulfillment,
				}
				_, claimed, err := store.Claim(ctx, d, now)
				if err != nil {
					t.Fatal(err)
				}
				if claimed {
					begun++
					holders = append(holders, d.Lease)
				}
			},
			"deliver": func(t *rapid.T) {
				if store.Deliver(ctx, "1", holder(t), merchant.Answer{Status: 200}, now) == nil {
					delivered++
				}
			},
			"fail": func(t *rapid.T) { _ = store.Fail(ctx, "1", holder(t)) },
			"time passes": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(1, 90).Draw(t, "seconds")) * time.Second)
			},
			"": func(t *rapid.T) {
				if delivered > 1 || !repeatable && begun > 1 {
					t.Fatalf("begun %d, delivered %d, repeatable %v", begun, delivered, repeatable)
				}
			},
		})
	})
}

// TestMemoryOrdersForgetsCarts: a shop of one process may run for years.
func TestMemoryOrdersForgetsCarts(t *testing.T) {
	ctx := context.Background()
	store := new(merchant.MemoryOrders)
	must(t, store.SetStock(ctx, "latte", 1<<40))
	now := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	lock := func(n int) string {
		id := fmt.Sprint(n)
		_, err := store.LockOrder(ctx, merchant.CartOrder{
			ID: id, Buyer: id, RequestID: "1", Content: canon.Sum([]byte(id)), Lines: []merchant.StockLine{{ItemID: "latte", Quantity: 1}},
			ReleaseAt: now.Add(10 * time.Minute), KeepUntil: now.Add(24 * time.Hour),
		}, 1, now)
		must(t, err)
		return id
	}
	first, taken := lock(0), lock(1)
	_, err := store.TakeOrder(ctx, taken, now)
	must(t, err)
	for n := 2; n < 5000; n++ {
		lock(n)
		now = now.Add(time.Minute)
	}
	for _, id := range []string{first, taken} {
		if _, err := store.Order(ctx, id); protocol.CodeOf(err) != protocol.CodeOrderUnknown {
			t.Errorf("CID-CART-CFM-04: an order of three days ago is still kept: %v", err)
		}
	}
	kept := 0
	for n := range 5000 {
		if _, err := store.Order(ctx, fmt.Sprint(n)); err == nil {
			kept++
		}
	}
	if kept < 24*60 || kept > 3*24*60 {
		t.Errorf("%d orders are kept, of which the last day's %d must be", kept, 24*60)
	}
}
