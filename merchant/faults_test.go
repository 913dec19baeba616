package merchant_test

import (
	"context"
	"sync"
	"time"

	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
)

// A moment is where a fault strikes: before the work, which then is not done,
// or after it, so that it is done and nobody hears of it.
type moment int

const (
	never moment = iota
	before
	after
)

var errInjected = protocol.New(protocol.CodeServiceUnavailable, "", "", "injected by the test")

// faultyOrders is an OrderStore whose methods fail as they are told to.
type faultyOrders struct {
	merchant.OrderStore

	mu    sync.Mutex
	queue map[string][]moment // by method, and by method and order number
	fired map[string]int
}

// fail makes the next calls of a method fail, one after the other. The name of
// a method with an order number behind it, "Claim 123", is for that order.
func (f *faultyOrders) fail(method string, when ...moment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.queue == nil {
		f.queue = make(map[string][]moment)
	}
	f.queue[method] = append(f.queue[method], when...)
}

// count is how often a method has failed.
func (f *faultyOrders) count(method string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fired[method]
}

func (f *faultyOrders) next(method, no string) moment {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range []string{method + " " + no, method} {
		if left := f.queue[key]; len(left) > 0 {
			f.queue[key] = left[1:]
			if left[0] != never {
				if f.fired == nil {
					f.fired = make(map[string]int)
				}
				f.fired[method]++
			}
			return left[0]
		}
	}
	return never
}

// around does the work with the fault that is due.
func (f *faultyOrders) around(method, no string, work func() error) error {
	switch f.next(method, no) {
	case before:
		return errInjected
	case after:
		if err := work(); err != nil {
			return err
		}
		return errInjected
	}
	return work()
}

func (f *faultyOrders) Claim(ctx context.Context, d merchant.Delivery, now time.Time) (current merchant.Delivery, claimed bool, err error) {
	err = f.around("Claim", d.OutTradeNo, func() (err error) {
		current, claimed, err = f.OrderStore.Claim(ctx, d, now)
		return err
	})
	if err != nil {
		return merchant.Delivery{}, false, err
	}
	return current, claimed, nil
}

func (f *faultyOrders) Deliver(ctx context.Context, no, lease string, a merchant.Answer, at time.Time) error {
	return f.around("Deliver", no, func() error { return f.OrderStore.Deliver(ctx, no, lease, a, at) })
}

func (f *faultyOrders) Fail(ctx context.Context, no, lease string) error {
	return f.around("Fail", no, func() error { return f.OrderStore.Fail(ctx, no, lease) })
}

func (f *faultyOrders) Confirm(ctx context.Context, no string, s payment.State, at time.Time) error {
	return f.around("Confirm", no, func() error { return f.OrderStore.Confirm(ctx, no, s, at) })
}

func (f *faultyOrders) Delivery(ctx context.Context, no string) (d merchant.Delivery, err error) {
	err = f.around("Delivery", no, func() (err error) {
		d, err = f.OrderStore.Delivery(ctx, no)
		return err
	})
	return d, err
}

func (f *faultyOrders) Unconfirmed(ctx context.Context, limit int) (list []merchant.Delivery, err error) {
	err = f.around("Unconfirmed", "", func() (err error) {
		list, err = f.OrderStore.Unconfirmed(ctx, limit)
		return err
	})
	return list, err
}
