package provider

import (
	"context"
	"slices"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
)

// An answer is what was said first to a request: a trade, until a refusal takes
// the place of one that waited, or a refusal.
type answer struct {
	digest  canon.Digest
	trade   *booked
	refusal *protocol.Error
}

// booked is a trade in the book, with the payment it came from and the answer
// it is.
type booked struct {
	trade   Trade
	payment Payment
	answer  *answer
	refunds []Refund
}

func (b *booked) copy() *Trade {
	t := b.trade
	t.Memo = slices.Clone(t.Memo)
	return &t
}

// give is what a request with this id and digest gets.
func (a *answer) give(id string, digest canon.Digest) (*Trade, error) {
	var t *Trade
	if a.trade != nil {
		t = a.trade.copy()
	}
	return Recall(id, digest, a.digest, t, a.refusal)
}

// earlier returns the answer to a request, nil when it is new.
func (l *MemoryLedger) earlier(agent, id string) *answer {
	a := l.answers[requestKey{agent, id}]
	if a != nil && a.trade != nil {
		l.expire(a.trade)
	}
	return a
}

// expire closes a waiting trade whose time is over.
func (l *MemoryLedger) expire(b *booked) {
	if b.trade.Late(l.now()) {
		b.close(Declined(protocol.CodeConfirmationFailed))
	}
}

// close ends a waiting trade with a refusal.
func (b *booked) close(reason *protocol.Error) {
	b.trade.State, b.answer.refusal = payment.StateTradeClosed, reason
}

func (l *MemoryLedger) seen(n Nonce) bool {
	until, found := l.nonces[nonceKey{n.Scope, n.Value}]
	return found && l.now().Before(until)
}

func (l *MemoryLedger) use(n Nonce) error {
	if l.seen(n) {
		return Replayed()
	}
	now := l.now()
	if !now.Before(n.Until) {
		return protocol.New(protocol.CodeFieldInvalid, "nonce", "PSD-PAY-DEL-04", "its time is over: it could be used for ever")
	}
	if now.Sub(l.swept) >= time.Minute {
		for k, until := range l.nonces {
			if !now.Before(until) {
				delete(l.nonces, k)
			}
		}
		l.swept = now
	}
	l.nonces[nonceKey{n.Scope, n.Value}] = n.Until
	return nil
}

// UseNonce implements Ledger.
func (l *MemoryLedger) UseNonce(_ context.Context, n Nonce) error {
	if err := CheckNonce(n); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.use(n)
}

// Use implements verifier.ReplayStore.
func (l *MemoryLedger) Use(ctx context.Context, scope, nonce string, until time.Time) error {
	return l.UseNonce(ctx, Nonce{Scope: scope, Value: nonce, Until: until})
}

// Lookup implements Ledger.
func (l *MemoryLedger) Lookup(_ context.Context, r Request) (*Trade, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen(r.Nonce) {
		return nil, Replayed()
	}
	if a := l.earlier(r.Agent, r.ID); a != nil {
		return a.give(r.ID, r.Digest)
	}
	return nil, nil
}

// Refuse implements Ledger.
func (l *MemoryLedger) Refuse(_ context.Context, r Request, refusal *protocol.Error) (*Trade, error) {
	if err := CheckRefusal(refusal); err != nil {
		return nil, err
	}
	return l.answer(r, func() (*booked, *protocol.Error) { return nil, refusal })
}

// answer is the part that all answers share: the nonce, the earlier answer, the
// decision, its storing.
func (l *MemoryLedger) answer(r Request, decide func() (*booked, *protocol.Error)) (*Trade, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.use(r.Nonce); err != nil {
		return nil, err
	}
	if a := l.earlier(r.Agent, r.ID); a != nil {
		return a.give(r.ID, r.Digest)
	}
	b, refusal := decide()
	if refusal != nil && !Final(refusal) {
		return nil, refusal
	}
	a := &answer{digest: r.Digest, trade: b, refusal: refusal}
	l.answers[requestKey{r.Agent, r.ID}] = a
	if b == nil {
		return a.give(r.ID, r.Digest)
	}
	b.answer = a
	t, err := a.give(r.ID, r.Digest)
	b.trade.Decision = protocol.Decision{} // told once
	return t, err
}

// Pay implements Ledger.
func (l *MemoryLedger) Pay(_ context.Context, p Payment) (*Trade, error) {
	if err := p.CheckPay(); err != nil {
		return nil, err
	}
	return l.answer(p.Request, func() (*booked, *protocol.Error) {
		f, now := l.gather(&p), l.now()
		d := f.Judge(&p, now)
		if m := l.budget(&p); m.pinned == "" {
			m.pinned = p.Mandate.Digest
		}
		if err := d.Err(); err != nil {
			return nil, protocol.AsError(err)
		}
		b := l.book(&p, now, d)
		l.debit(b, now)
		return b, nil
	})
}

// Begin implements Ledger.
func (l *MemoryLedger) Begin(_ context.Context, p Payment) (*Trade, error) {
	if err := p.CheckBegin(); err != nil {
		return nil, err
	}
	return l.answer(p.Request, func() (*booked, *protocol.Error) {
		f, now := l.gather(&p), l.now()
		d := f.JudgeBegin(&p, now)
		if err := d.Err(); err != nil {
			return nil, protocol.AsError(err)
		}
		return l.book(&p, now, d), nil
	})
}

// budget returns the mandate's, made when it is seen for the first time.
func (l *MemoryLedger) budget(p *Payment) *budget {
	key := mandateKey{p.Mandate.Issuer, p.Mandate.DelegationID}
	if l.mandates[key] == nil {
		l.mandates[key] = new(budget)
	}
	return l.mandates[key]
}

// gather reads what a payment depends on.
func (l *MemoryLedger) gather(p *Payment) *Facts {
	f := &Facts{OrderPaid: l.orders[orderKey{p.Payee, p.Order}] != ""}
	if !p.Instant() {
		m := l.budget(p)
		f.Pinned, f.Spent = m.pinned, m.spent
	}
	payee := l.accounts[accountKey{p.Payee, p.Currency}]
	f.Payee = payee != nil && payee.merchant
	l.instrument(f, p.Token, p.SubAccount)
	return f
}

// instrument reads what a payment is made with.
func (l *MemoryLedger) instrument(f *Facts, token, subAccount string) {
	if b := l.tokens[token]; token != "" && b != nil {
		k := b.token
		f.Token, f.Taken, f.Balance = &k, b.sum(time.Time{}), l.accounts[accountKey{k.Principal, k.Currency}].balance
	}
	if b := l.subs[subAccount]; subAccount != "" && b != nil {
		s := b.sub
		f.SubAccount, f.Taken, f.Within, f.Balance = &s, b.sum(time.Time{}), b.sum(l.now().Add(-s.Limits.Period)), b.balance
	}
}

// book makes a trade that waits.
func (l *MemoryLedger) book(p *Payment, now time.Time, d protocol.Decision) *booked {
	b := &booked{payment: *p, trade: Trade{
		No: TradeNo(now), Agent: p.Request.Agent, RequestID: p.Request.ID, Scenario: p.Scenario, Method: p.Method,
		Payee: p.Payee, Order: p.Order, Issuer: p.Mandate.Issuer, DelegationID: p.Mandate.DelegationID, SubAccount: p.SubAccount,
		Amount: p.Amount, Currency: p.Currency, Expires: p.Expires, Memo: slices.Clone(p.Memo),
		State: payment.StateWaitBuyerPay, Decision: d,
	}}
	b.payment.Made = protocol.Decision{}
	if p.SubAccount != "" {
		b.trade.Principal = l.subs[p.SubAccount].sub.Principal
	} else {
		b.trade.Principal = l.tokens[p.Token].token.Principal
	}
	l.trades[b.trade.No] = b
	return b
}

// debit moves the money of a trade that has been judged.
func (l *MemoryLedger) debit(b *booked, now time.Time) {
	p, t := &b.payment, &b.trade
	if p.SubAccount != "" {
		s := l.subs[p.SubAccount]
		s.balance -= p.Amount
		s.taken = append(s.taken, taken{now, p.Amount})
	} else {
		k := l.tokens[p.Token]
		k.taken = append(k.taken, taken{now, p.Amount})
		l.accounts[accountKey{k.token.Principal, k.token.Currency}].balance -= p.Amount
	}
	l.accounts[accountKey{p.Payee, p.Currency}].balance += p.Amount
	l.orders[orderKey{p.Payee, p.Order}] = t.No
	if !p.Instant() {
		m := l.budget(p)
		m.spent += p.Amount
		t.SpentTotal = m.spent
	}
	t.State, t.PaidAt = payment.StateWaitSellerFulfillment, now.UTC().Truncate(time.Second)
}

// Settle implements Ledger.
func (l *MemoryLedger) Settle(_ context.Context, tradeNo string, c Confirmation) (*Trade, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b, err := l.find(tradeNo)
	if err != nil {
		return nil, err
	}
	if !b.trade.Waiting() {
		return b.answer.give(b.trade.RequestID, b.answer.digest)
	}
	f, now := l.gather(&b.payment), l.now()
	d := f.Judge(&b.payment, now)
	if err := d.Err(); err != nil {
		b.close(protocol.AsError(err))
		return b.answer.give(b.trade.RequestID, b.answer.digest)
	}
	l.debit(b, now)
	b.trade.Confirmation = c
	t := b.copy()
	t.Decision = d
	return t, nil
}

// Decline implements Ledger.
func (l *MemoryLedger) Decline(_ context.Context, tradeNo string, code protocol.Code) error {
	if err := CheckDecline(code); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b, err := l.find(tradeNo)
	if err != nil {
		return err
	}
	closes, err := b.trade.Closes()
	if closes {
		b.close(Declined(code))
	}
	return err
}

func (l *MemoryLedger) find(tradeNo string) (*booked, error) {
	b := l.trades[tradeNo]
	if b == nil {
		return nil, UnknownTrade("trade_no")
	}
	l.expire(b)
	return b, nil
}

// Query implements Ledger.
func (l *MemoryLedger) Query(_ context.Context, agent, requestID string) (*Trade, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.earlier(agent, requestID)
	if a == nil {
		return nil, UnknownTrade("payment_request_id")
	}
	return a.give(requestID, a.digest)
}

// Trade implements Ledger.
func (l *MemoryLedger) Trade(_ context.Context, no string) (*Trade, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, err := l.find(no)
	if err != nil {
		return nil, err
	}
	return b.copy(), nil
}

// Consume implements Ledger.
func (l *MemoryLedger) Consume(_ context.Context, merchant, tradeNo, consumer string) (*Trade, error) {
	if err := CheckConsumer(consumer); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b, err := l.find(tradeNo)
	if err != nil || b.trade.Payee != merchant {
		return nil, UnknownTrade("trade_no")
	}
	if _, err := b.trade.Consume(consumer, l.now()); err != nil {
		return nil, err
	}
	return b.copy(), nil
}

// Confirm implements Ledger.
func (l *MemoryLedger) Confirm(_ context.Context, merchant, tradeNo, consumer string, deliveredAt time.Time) (*Trade, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, err := l.find(tradeNo)
	if err != nil || b.trade.Payee != merchant {
		return nil, UnknownTrade("trade_no")
	}
	if _, err := b.trade.Confirm(consumer, deliveredAt, l.now()); err != nil {
		return nil, err
	}
	return b.copy(), nil
}

// SubAccount implements Ledger.
func (l *MemoryLedger) SubAccount(_ context.Context, id string) (SubAccount, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, err := l.openSub(id)
	if err != nil {
		return SubAccount{}, err
	}
	return b.sub, nil
}

// Instrument implements Ledger.
func (l *MemoryLedger) Instrument(_ context.Context, i Instrument) (Facts, error) {
	if err := i.Check(); err != nil {
		return Facts{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var f Facts
	l.instrument(&f, i.Token, i.SubAccount)
	return f, nil
}
