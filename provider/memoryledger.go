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
	switch {
	case a.digest != digest:
		return nil, protocol.New(protocol.CodeRequestConflict, "request_id", "PSD-PAY-DEL-04", "the id was used before with other content")
	case a.refusal != nil:
		return nil, &payment.Refusal{RequestID: id, Reason: a.refusal}
	}
	return a.trade.copy(), nil
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
	if b.trade.Waiting() && !l.now().Before(b.trade.Expires) {
		b.close(protocol.New(protocol.CodeConfirmationFailed, "trade_no", "PSD-PAY-INS-04", "not confirmed in time"))
	}
}

// close ends a waiting trade with a refusal.
func (b *booked) close(reason *protocol.Error) {
	b.trade.State, b.answer.refusal = payment.StateTradeClosed, reason
}

func replayed() error {
	return protocol.New(protocol.CodeReplayed, "nonce", "PSD-PAY-DEL-04", "each transmission needs a fresh nonce")
}

func unknownTrade(field string) error {
	return protocol.New(protocol.CodeTradeUnknown, field, "PSD-PAY-A402-23", "")
}

func (l *MemoryLedger) seen(n Nonce) bool {
	until, found := l.nonces[nonceKey{n.Scope, n.Value}]
	return found && l.now().Before(until)
}

func (l *MemoryLedger) use(n Nonce) error {
	if l.seen(n) {
		return replayed()
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
		return nil, replayed()
	}
	if a := l.earlier(r.Agent, r.ID); a != nil {
		return a.give(r.ID, r.Digest)
	}
	return nil, nil
}

// Refuse implements Ledger.
func (l *MemoryLedger) Refuse(_ context.Context, r Request, refusal *protocol.Error) (*Trade, error) {
	if refusal == nil {
		return nil, protocol.New(protocol.CodeFieldMissing, "refusal", "PSD-PAY-DEL-04", "")
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
	if refusal != nil && (refusal.Code.Outcome() != protocol.Denied || refusal.Code == protocol.CodeSubAccountKey) {
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
	if err := p.Check(); err != nil {
		return nil, err
	}
	if p.Instant() {
		return nil, protocol.New(protocol.CodeFieldMissing, "mandate", "PSD-PAY-INS-03", "without a mandate a payment begins and is confirmed")
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
	if err := p.Check(); err != nil {
		return nil, err
	}
	if !p.Instant() {
		return nil, protocol.New(protocol.CodeFieldInvalid, "mandate", "PSD-PAY-INS-08", "a payment under a mandate is not confirmed one by one")
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
	switch {
	case err != nil:
		return err
	case b.trade.Waiting():
		b.close(Declined(code))
	case b.answer.refusal == nil:
		return protocol.New(protocol.CodeStateConflict, "trade_no", "PSD-PAY-INS-04", "it has been paid")
	}
	return nil
}

func (l *MemoryLedger) find(tradeNo string) (*booked, error) {
	b := l.trades[tradeNo]
	if b == nil {
		return nil, unknownTrade("trade_no")
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
		return nil, unknownTrade("payment_request_id")
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
	if consumer == "" {
		return nil, protocol.New(protocol.CodeFieldMissing, "consumer", "PSD-PAY-A402-15", "")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b, err := l.find(tradeNo)
	if err != nil || b.trade.Payee != merchant {
		return nil, unknownTrade("trade_no")
	}
	t := &b.trade
	switch {
	case t.Consumer == consumer:
	case t.Consumer != "":
		return nil, protocol.New(protocol.CodeProofUsed, "consumer", "PSD-PAY-A402-15", "the proof delivers to its first consumer")
	case t.State != payment.StateWaitSellerFulfillment:
		return nil, protocol.New(protocol.CodeStateConflict, "trade_no", "PSD-PAY-A402-11", "")
	default:
		t.Consumer, t.ConsumedAt = consumer, l.now().UTC().Truncate(time.Second)
	}
	return b.copy(), nil
}

// deliverySkew is how far a merchant's clock may be off when it tells the time
// of its delivery.
const deliverySkew = time.Minute

// Confirm implements Ledger.
func (l *MemoryLedger) Confirm(_ context.Context, merchant, tradeNo, consumer string, deliveredAt time.Time) (*Trade, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, err := l.find(tradeNo)
	if err != nil || b.trade.Payee != merchant {
		return nil, unknownTrade("trade_no")
	}
	t, now := &b.trade, l.now()
	switch {
	case t.Consumer == "":
		return nil, protocol.New(protocol.CodeStateConflict, "trade_no", "PSD-PAY-A402-11", "the proof has not been consumed")
	case t.Consumer != consumer:
		return nil, protocol.New(protocol.CodeProofUsed, "consumer", "PSD-PAY-A402-15", "another consumer has the delivery")
	case !t.ConfirmedAt.IsZero():
		return b.copy(), nil
	case deliveredAt.Before(t.PaidAt.Add(-deliverySkew)) || deliveredAt.After(now.Add(deliverySkew)):
		return nil, protocol.New(protocol.CodeFieldInvalid, "delivered_at", "PSD-PAY-A402-10", "not before the payment and not in the future")
	}
	next := t.State
	for _, e := range []payment.Event{payment.EventDeliveryCommitted, payment.EventFulfillmentConfirmed} {
		if next, err = payment.Next(next, e); err != nil {
			return nil, err
		}
	}
	t.State = next
	t.ConfirmedAt = now.UTC().Truncate(time.Second)
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
