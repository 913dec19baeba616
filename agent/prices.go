package agent

import (
	"sync"

	"github.com/actprotocol/act-go/protocol/money"
)

const (
	maxPriced = 4096 // items of one merchant whose first price is remembered
	maxShops  = 256  // merchants of which prices are remembered
)

// prices are what the prices of items are compared with
// (price_deviation_tolerance). What sellers say fills a bounded space. A seller
// cannot displace its own earlier prices by naming many items, since a new item
// is not remembered then; its price is not known, and a mandate with a
// tolerance does not allow it. Of more merchants than are remembered, the one
// that was seen longest ago is forgotten.
type prices struct {
	mu    sync.Mutex
	fixed map[priceKey]money.Amount // by the user
	seen  map[string]*priceList     // by merchant
	clock int64                     // counts what is done, for "longest ago"
}

// A priceKey is an item of a merchant.
type priceKey struct{ merchant, item string }

type priceList struct {
	items map[string]money.Amount
	used  int64
}

func (p *prices) fix(merchant, item string, price money.Amount) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fixed == nil {
		p.fixed = make(map[priceKey]money.Amount)
	}
	p.fixed[priceKey{merchant, item}] = price
}

func (p *prices) forget(merchant, item string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.fixed, priceKey{merchant, item})
}

// see remembers a price unless there is one.
func (p *prices) see(merchant, item string, price money.Amount) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clock++
	list := p.seen[merchant]
	if list == nil {
		if p.seen == nil {
			p.seen = make(map[string]*priceList)
		}
		p.evict()
		list = &priceList{items: make(map[string]money.Amount)}
		p.seen[merchant] = list
	}
	list.used = p.clock
	if _, known := list.items[item]; !known && len(list.items) < maxPriced {
		list.items[item] = price
	}
}

// evict makes room for one merchant.
func (p *prices) evict() {
	if len(p.seen) < maxShops {
		return
	}
	oldest := ""
	for merchant, list := range p.seen {
		if oldest == "" || list.used < p.seen[oldest].used {
			oldest = merchant
		}
	}
	delete(p.seen, oldest)
}

// of returns the price of an item; an unknown one is not valid.
func (p *prices) of(merchant, item string) money.Amount {
	p.mu.Lock()
	defer p.mu.Unlock()
	if price, fixed := p.fixed[priceKey{merchant, item}]; fixed {
		return price
	}
	if list := p.seen[merchant]; list != nil {
		return list.items[item]
	}
	return money.Amount{}
}

// RecordPrice fixes the catalogue price that later prices of an item are
// compared with (price_deviation_tolerance), for example the one that the
// principal saw when confirming the intent, until ForgetPrice. Without it the
// first price that the agent has seen in the merchant's catalogue is taken, for
// up to 4096 items of each of the 256 merchants whose catalogues were read last.
// For a paywall the item is its resource_id.
func (a *Agent) RecordPrice(merchant, item string, price money.Amount) {
	a.prices.fix(merchant, item, price)
}

// seePrice records a price unless there is one.
func (a *Agent) seePrice(merchant, item string, price money.Amount) {
	a.prices.see(merchant, item, price)
}

// price returns the recorded price; an unknown one is not valid.
func (a *Agent) price(merchant, item string) money.Amount { return a.prices.of(merchant, item) }

// ForgetPrice takes back what RecordPrice fixed.
func (a *Agent) ForgetPrice(merchant, item string) { a.prices.forget(merchant, item) }
