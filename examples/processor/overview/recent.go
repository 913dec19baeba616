package overview

import (
	"sync"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// kept is how many payments, and how many refusals, are remembered.
const kept = 256

// A seen is one payment that was decided. It holds no part of a message but
// identifiers and the amount.
type seen struct {
	number    uint64 // of this process, from 1
	at        time.Time
	agent     string
	requestID string
	scenario  payment.Scenario
	trade     string // empty when nothing was made
	payee     string
	order     string
	method    string
	amount    int64
	currency  string
	waiting   bool
	decision  protocol.Decision
}

// recent remembers the last payments and, apart, the last refusals: a flood of
// the one does not push out the other.
type recent struct {
	now func() time.Time

	mu       sync.Mutex
	count    uint64
	paid     uint64
	waiting  uint64
	refused  map[protocol.Code]uint64 // by code, undetermined ones too
	made     ring
	refusals ring
}

// A ring holds the last so many.
type ring struct {
	all  [kept]seen
	next int
}

func (r *ring) put(s seen) {
	r.all[r.next] = s
	r.next = (r.next + 1) % kept
}

// latest returns at most n, newest first.
func (r *ring) latest(n int) []seen {
	var out []seen
	for i := 1; i <= min(n, kept); i++ {
		s := r.all[(r.next-i+kept)%kept]
		if s.number == 0 {
			break
		}
		out = append(out, s)
	}
	return out
}

func (r *ring) find(number uint64) (seen, bool) {
	for i := range r.all {
		if r.all[i].number == number && number > 0 {
			return r.all[i], true
		}
	}
	return seen{}, false
}

// add remembers a payment. It is called for every payment and does not block.
func (r *recent) add(v provider.Verdict) {
	s := seen{at: r.now(), agent: v.Agent, requestID: v.RequestID, scenario: v.Scenario, decision: v.Decision}
	if t := v.Trade; t != nil {
		s.trade, s.payee, s.order, s.method, s.amount, s.currency = t.No, t.Payee, t.Order, t.Method, t.Amount, t.Currency
		s.waiting = t.Waiting()
	}
	allowed, code := v.Decision.Allowed(), protocol.Code("")
	if !allowed {
		code = protocol.CodeOf(v.Decision.Err())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	s.number = r.count
	switch {
	case !allowed:
		r.refused[code]++
		r.refusals.put(s)
		return
	case s.waiting:
		r.waiting++
	default:
		r.paid++
	}
	r.made.put(s)
}

// find returns a payment that is still remembered.
func (r *recent) find(number uint64) (seen, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok := r.made.find(number); ok {
		return s, true
	}
	return r.refusals.find(number)
}

// A summary is what the first page shows of payments.
type summary struct {
	paid, waiting  uint64
	refused        map[protocol.Code]uint64
	made, refusals []seen
}

func (r *recent) summary(n int) summary {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := summary{paid: r.paid, waiting: r.waiting, refused: make(map[protocol.Code]uint64, len(r.refused)), made: r.made.latest(n), refusals: r.refusals.latest(n)}
	for code, n := range r.refused {
		s.refused[code] = n
	}
	return s
}
