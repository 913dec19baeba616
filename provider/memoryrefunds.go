package provider

import (
	"context"
	"slices"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
)

// A refundAnswer is what was said first to a refund request.
type refundAnswer struct {
	digest  canon.Digest
	refund  *Refund
	of      *booked
	refusal *protocol.Error
}

// give is what a refund request with this id and digest gets.
func (a *refundAnswer) give(id string, digest canon.Digest) (*Refund, error) {
	switch {
	case a.digest != digest:
		return nil, Conflict()
	case a.refusal != nil:
		return nil, &payment.RefundRefusal{RequestID: id, Reason: a.refusal}
	}
	r := *a.refund
	r.State = a.of.trade.State
	return &r, nil
}

// Refund implements Ledger.
func (l *MemoryLedger) Refund(_ context.Context, r RefundRequest) (*Refund, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := requestKey{r.Merchant, r.ID}
	if a := l.refunds[key]; a != nil {
		return a.give(r.ID, r.Digest)
	}
	b, err := l.keyed(r.Key())
	if err != nil {
		return nil, err // a stranger's question leaves nothing
	}
	f := RefundFacts{Trade: &b.trade, Refunded: b.refunded(), Count: len(b.refunds)}
	if from := l.accounts[accountKey{r.Merchant, b.trade.Currency}]; from != nil {
		f.Balance = from.balance
	}
	a := &refundAnswer{digest: r.Digest, of: b}
	l.refunds[key] = a
	d := f.Judge(&r)
	if err := d.Err(); err != nil {
		a.refusal = protocol.AsError(err)
		return a.give(r.ID, r.Digest)
	}
	made, _ := f.Make(&r, l.now())
	made.State = "" // of the moment at which it is given
	b.refunds = append(b.refunds, made)
	a.refund = &b.refunds[len(b.refunds)-1]
	l.accounts[accountKey{r.Merchant, r.Currency}].balance -= r.Amount
	l.giveBack(b, r.Amount)
	return a.give(r.ID, r.Digest)
}

// giveBack brings money where it came from.
func (l *MemoryLedger) giveBack(b *booked, amount int64) {
	if s := l.subs[b.trade.SubAccount]; b.trade.SubAccount != "" && s.sub.State != SubAccountCancelled {
		s.balance += amount
		return
	}
	l.accounts[accountKey{b.trade.Principal, b.trade.Currency}].balance += amount
}

func (b *booked) refunded() int64 {
	if len(b.refunds) == 0 {
		return 0
	}
	return b.refunds[len(b.refunds)-1].Total
}

// keyed finds a trade.
func (l *MemoryLedger) keyed(k TradeKey) (*booked, error) {
	no := k.TradeNo
	if k.Order != "" {
		no = l.orders[orderKey{k.Merchant, k.Order}]
	}
	b, err := l.find(no)
	if err != nil || !k.Fits(&b.trade) {
		return nil, k.Unknown()
	}
	return b, nil
}

// Find implements Ledger.
func (l *MemoryLedger) Find(_ context.Context, k TradeKey) (*Trade, []Refund, error) {
	if err := k.Check(); err != nil {
		return nil, nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b, err := l.keyed(k)
	if err != nil {
		return nil, nil, err
	}
	return b.copy(), slices.Clone(b.refunds), nil
}
