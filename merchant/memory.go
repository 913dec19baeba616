package merchant

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
)

// A MemoryOrders is an OrderStore in memory, for tests and for a shop of one
// process whose orders do not outlive it. Confirmed and rejected deliveries, and
// cart orders that hold no stock any more, are forgotten some time after their
// KeepUntil. The zero value is ready for use.
type MemoryOrders struct {
	mu         sync.Mutex
	deliveries map[string]*Delivery
	delivered  map[string]*Delivery // those in state Delivered
	pruneAt    int                  // size at which to look for what may be forgotten

	orders   map[string]*CartOrder
	requests map[[2]string]string // buyer and request id to order number
	stock    map[string]int64
	locked   []*CartOrder   // those that may still expire
	open     map[string]int // how many of locked a buyer has
	forgetAt int            // number of orders at which to look for what may be forgotten
}

const firstPrune = 1024

// Claim implements OrderStore.
func (m *MemoryOrders) Claim(_ context.Context, d Delivery, now time.Time) (Delivery, bool, error) {
	if d.OutTradeNo == "" || d.Lease == "" || d.Binding == "" || !d.LeaseUntil.After(now) {
		return Delivery{}, false, protocol.New(protocol.CodeFieldMissing, "out_trade_no", "PSD-PAY-A402-15", "a claim needs an order number, a binding and a lease to come")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.prune(now)
	old := m.deliveries[d.OutTradeNo]
	if old == nil {
		d.State, d.Answer = Claimed, nil
		m.deliveries[d.OutTradeNo] = &d
		return d, true, nil
	}
	if old.Binding != d.Binding {
		return Delivery{}, false, protocol.New(protocol.CodeProofUsed, "payment_proof", "PSD-PAY-A402-15", "delivered, or being delivered, to another request")
	}
	over := old.State == Claimed && !old.LeaseUntil.After(now)
	switch {
	case old.State == Failed, over && old.Repeatable:
		old.State, old.Lease, old.LeaseUntil = Claimed, d.Lease, d.LeaseUntil
		return old.copy(), true, nil
	case over:
		old.State = Unknown
	}
	return old.copy(), false, nil
}

// Deliver implements OrderStore.
func (m *MemoryOrders) Deliver(_ context.Context, outTradeNo, lease string, answer Answer, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.held(outTradeNo, lease)
	if err != nil {
		return err
	}
	a := answer.clone()
	d.State, d.Answer, d.DeliveredAt = Delivered, &a, at
	m.delivered[outTradeNo] = d
	return nil
}

// Fail implements OrderStore.
func (m *MemoryOrders) Fail(_ context.Context, outTradeNo, lease string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.held(outTradeNo, lease)
	if err != nil {
		return err
	}
	if d.Repeatable {
		d.State = Failed
	} else {
		d.State = Unknown
	}
	return nil
}

// held finds a delivery that the holder of the lease may end.
func (m *MemoryOrders) held(outTradeNo, lease string) (*Delivery, error) {
	d, err := m.find(outTradeNo)
	if err != nil {
		return nil, err
	}
	if d.Lease != lease || d.State != Claimed && d.State != Unknown {
		return nil, protocol.New(protocol.CodeStateConflict, "state", "PSD-PAY-A402-15", "the claim is not, or no longer, the caller's")
	}
	return d, nil
}

// Reopen implements OrderStore.
func (m *MemoryOrders) Reopen(_ context.Context, outTradeNo string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.find(outTradeNo)
	if err != nil {
		return err
	}
	if d.State != Unknown {
		return protocol.New(protocol.CodeStateConflict, "state", "PSD-PAY-A402-15", "only an unknown delivery is reopened")
	}
	d.State, d.Lease = Failed, ""
	return nil
}

// Confirm implements OrderStore.
func (m *MemoryOrders) Confirm(_ context.Context, outTradeNo string, state payment.State, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.find(outTradeNo)
	if err != nil {
		return err
	}
	switch d.State {
	case Delivered:
		d.State, d.TradeState, d.ConfirmedAt = Confirmed, state, at
		delete(m.delivered, outTradeNo)
	case Confirmed:
	default:
		return protocol.New(protocol.CodeStateConflict, "state", "PSD-PAY-A402-10", "nothing has been delivered")
	}
	return nil
}

// Reject implements OrderStore.
func (m *MemoryOrders) Reject(_ context.Context, outTradeNo string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.find(outTradeNo)
	if err != nil {
		return err
	}
	if d.State != Delivered {
		return protocol.New(protocol.CodeStateConflict, "state", "PSD-PAY-A402-10", "not waiting for a confirmation")
	}
	d.State = Rejected
	delete(m.delivered, outTradeNo)
	return nil
}

// Delivery implements OrderStore.
func (m *MemoryOrders) Delivery(_ context.Context, outTradeNo string) (Delivery, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.find(outTradeNo)
	if err != nil {
		return Delivery{}, err
	}
	return d.copy(), nil
}

// Unconfirmed implements OrderStore.
func (m *MemoryOrders) Unconfirmed(_ context.Context, limit int) ([]Delivery, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Delivery
	for _, d := range m.delivered {
		c := *d
		c.Answer = nil
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Delivery) int {
		return cmp.Or(a.DeliveredAt.Compare(b.DeliveredAt), cmp.Compare(a.OutTradeNo, b.OutTradeNo))
	})
	return out[:min(len(out), limit)], nil
}

func (m *MemoryOrders) find(outTradeNo string) (*Delivery, error) {
	d := m.deliveries[outTradeNo]
	if d == nil {
		return nil, protocol.New(protocol.CodeOrderUnknown, "out_trade_no", "PSD-PAY-A402-15", "nothing was claimed under this number")
	}
	return d, nil
}

// prune forgets what may be forgotten, each time the map has doubled.
func (m *MemoryOrders) prune(now time.Time) {
	if m.deliveries == nil {
		m.deliveries, m.delivered = make(map[string]*Delivery), make(map[string]*Delivery)
		m.pruneAt = firstPrune
	}
	if len(m.deliveries) < m.pruneAt {
		return
	}
	for id, d := range m.deliveries {
		if (d.State == Confirmed || d.State == Rejected) && !d.KeepUntil.After(now) {
			delete(m.deliveries, id)
		}
	}
	m.pruneAt = max(firstPrune, 2*len(m.deliveries))
}

// copy shares no memory with d.
func (d *Delivery) copy() Delivery {
	c := *d
	if d.Answer != nil {
		a := d.Answer.clone()
		c.Answer = &a
	}
	return c
}

func (a Answer) clone() Answer {
	return Answer{Status: a.Status, Header: a.Header.Clone(), Body: slices.Clone(a.Body)}
}

// SetStock implements OrderStore.
func (m *MemoryOrders) SetStock(_ context.Context, itemID string, count int64) error {
	if itemID == "" || count < 0 {
		return protocol.New(protocol.CodeFieldInvalid, "count", "CID-CART-CFM-04", "stock is a count of an item")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stock == nil {
		m.stock = make(map[string]int64)
	}
	m.stock[itemID] = count
	return nil
}

// LockOrder implements OrderStore.
func (m *MemoryOrders) LockOrder(_ context.Context, o CartOrder, open int, now time.Time) (CartOrder, error) {
	if o.ID == "" || o.Buyer == "" || o.RequestID == "" || o.Content == "" || len(o.Lines) == 0 {
		return CartOrder{}, protocol.New(protocol.CodeFieldMissing, "items", "CID-CART-CFM-04", "an order needs a number, a buyer, a request and lines")
	}
	if open < 1 || o.KeepUntil.Before(o.ReleaseAt) {
		return CartOrder{}, protocol.New(protocol.CodeFieldInvalid, "keep_until", "CID-CART-CFM-04", "at least one open order, kept no shorter than its lock")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.orders == nil {
		m.orders, m.requests, m.open = make(map[string]*CartOrder), make(map[[2]string]string), make(map[string]int)
		m.forgetAt = firstPrune
	}
	m.expire(now)
	m.forget(now)
	request := [2]string{o.Buyer, o.RequestID}
	if id, known := m.requests[request]; known {
		if old := m.orders[id]; old.Content == o.Content {
			return old.copy(), nil
		}
		return CartOrder{}, protocol.New(protocol.CodeRequestConflict, "request_id", "CID-CART-CFM-04", "this request id was used for another cart")
	}
	if m.orders[o.ID] != nil {
		return CartOrder{}, protocol.New(protocol.CodeStateConflict, "merchant_order_id", "CID-CART-CFM-04", "this order number is taken")
	}
	if m.open[o.Buyer] >= open {
		return CartOrder{}, protocol.New(protocol.CodeTooManyRequests, "buyer_agent_id", "CID-CART-CFM-04", "the buyer has as many open orders as it may have")
	}
	if err := m.takeStock(o.Lines); err != nil {
		return CartOrder{}, err
	}
	c := o.copy()
	c.State = Locked
	m.orders[o.ID], m.requests[request] = &c, o.ID
	m.locked = append(m.locked, &c)
	m.open[o.Buyer]++
	return c.copy(), nil
}

// Requested implements OrderStore.
func (m *MemoryOrders) Requested(_ context.Context, buyer, requestID string) (CartOrder, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o, err := m.findOrder(m.requests[[2]string{buyer, requestID}])
	if err != nil {
		return CartOrder{}, err
	}
	return o.copy(), nil
}

// Order implements OrderStore.
func (m *MemoryOrders) Order(_ context.Context, id string) (CartOrder, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o, err := m.findOrder(id)
	if err != nil {
		return CartOrder{}, err
	}
	return o.copy(), nil
}

// TakeOrder implements OrderStore.
func (m *MemoryOrders) TakeOrder(_ context.Context, id string, now time.Time) (CartOrder, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expire(now)
	o, err := m.findOrder(id)
	if err != nil {
		return CartOrder{}, err
	}
	switch o.State {
	case Expired:
		if err := m.takeStock(o.Lines); err != nil {
			return CartOrder{}, err
		}
	case Locked:
		m.closed(o.Buyer)
	}
	o.State = Taken
	return o.copy(), nil
}

func (m *MemoryOrders) findOrder(id string) (*CartOrder, error) {
	o := m.orders[id]
	if o == nil {
		return nil, protocol.New(protocol.CodeOrderUnknown, "merchant_order_id", "CID-CART-CFM-05", "")
	}
	return o, nil
}

// takeStock takes all lines or none.
func (m *MemoryOrders) takeStock(lines []StockLine) error {
	need := make(map[string]int64, len(lines))
	for i, l := range lines {
		field := "items[" + strconv.Itoa(i) + "].quantity"
		if l.ItemID == "" || l.Quantity <= 0 {
			return protocol.New(protocol.CodeFieldInvalid, field, "CID-CART-CFM-04", "at least one of each item")
		}
		if m.stock[l.ItemID]-need[l.ItemID] < l.Quantity {
			return protocol.New(protocol.CodeOutOfStock, field, "CID-CART-CFM-04", "not enough of the item to lock")
		}
		need[l.ItemID] += l.Quantity
	}
	for id, n := range need {
		m.stock[id] -= n
	}
	return nil
}

// expire gives the stock of orders back that nobody came for.
func (m *MemoryOrders) expire(now time.Time) {
	m.locked = slices.DeleteFunc(m.locked, func(o *CartOrder) bool {
		if o.State == Locked && !o.ReleaseAt.After(now) {
			o.State = Expired
			m.closed(o.Buyer)
			for _, l := range o.Lines {
				m.stock[l.ItemID] += l.Quantity
			}
		}
		return o.State != Locked
	})
}

// closed counts an order of a buyer that was Locked and is not any more.
func (m *MemoryOrders) closed(buyer string) {
	if m.open[buyer]--; m.open[buyer] <= 0 {
		delete(m.open, buyer)
	}
}

// forget removes the orders that may be, each time their number has doubled.
func (m *MemoryOrders) forget(now time.Time) {
	if len(m.orders) < m.forgetAt {
		return
	}
	for id, o := range m.orders {
		if o.State != Locked && !o.KeepUntil.After(now) {
			delete(m.orders, id)
			delete(m.requests, [2]string{o.Buyer, o.RequestID})
		}
	}
	m.forgetAt = max(firstPrune, 2*len(m.orders))
}

func (o *CartOrder) copy() CartOrder {
	c := *o
	c.Lines, c.Confirmation = slices.Clone(o.Lines), slices.Clone(o.Confirmation)
	return c
}
