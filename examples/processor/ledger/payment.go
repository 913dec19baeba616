package ledger

import (
	"context"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/provider"
)

// Pay implements provider.Ledger.
func (l *Ledger) Pay(ctx context.Context, p provider.Payment) (*provider.Trade, error) {
	if err := p.CheckPay(); err != nil {
		return nil, err
	}
	keys := l.paymentKeys(&p)
	return l.answer(ctx, p.Request, func(t *tx) (answer, error) { return t.pay(&p, keys) })
}

// paymentKeys are what must be there once of a payment, beside its request.
type paymentKeys struct{ order, mandate key }

func (l *Ledger) paymentKeys(p *provider.Payment) paymentKeys {
	return paymentKeys{l.key(keyOrder, p.Payee, p.Order), l.key(keyMandate, p.Mandate.Issuer, p.Mandate.DelegationID)}
}

func (t *tx) pay(p *provider.Payment, keys paymentKeys) (answer, error) {
	f, err := t.gather(p, keys)
	if err != nil {
		return answer{}, err
	}
	decision := f.judge(p, t.now)
	if err := decision.Err(); err != nil {
		return found(err), nil
	}
	at := t.next()
	trade, err := t.debit(p, f, at, tradeNo(at))
	if err != nil {
		return answer{}, err
	}
	t.keys[keys.order] = refTo(at, refPayment)
	trade.Decision = decision
	return answer{trade: trade, to: refTo(at, refPayment)}, nil
}

// found is a denial that the book made.
func found(err error) answer {
	refusal := protocol.AsError(err)
	return answer{refusal: refusal, passing: !provider.Final(refusal)}
}

// position is everything in the book that a payment depends on: the facts that
// are judged, and what a debit changes. Of mandate and waiting one is there, and
// of token and purse at most one; payer and payee are nil when there are none.
type position struct {
	provider.Facts
	mandate      *heldMandate
	waiting      int64
	token        *heldToken
	purse        *heldPurse
	payer, payee *holding
	task         int64 // spent from the sub-account under this mandate
}

// judge adds to what every ledger judges the one limit that only this one has.
func (f *position) judge(p *provider.Payment, now time.Time) protocol.Decision {
	d := f.Judge(p, now)
	if f.purse != nil {
		book.JudgeTask(&d, p, f.SubAccount, f.purse.TaskLimit, f.task)
	}
	return d
}

// gather reads the position, and pins the mandate when it is seen for the first
// time: from then on the pair of issuer and delegation id means this payload
// and this budget and no other.
func (t *tx) gather(p *provider.Payment, keys paymentKeys) (f position, err error) {
	if !p.Instant() {
		if f.mandate, err = t.budget(p, keys.mandate); err != nil {
			return f, err
		}
		f.Pinned, f.Spent = f.mandate.digest, f.mandate.spent
	}
	if _, f.OrderPaid, err = t.find(keys.order); err != nil {
		return f, err
	}
	var found bool
	if f.payee, found, err = t.account(p.Payee, p.Currency); err != nil {
		return f, err
	}
	f.Payee = found && f.payee.kind == book.Merchant
	if p.Token != "" {
		return f, t.byToken(p.Token, &f)
	}
	return f, t.fromPurse(p.SubAccount, &f)
}

// byToken reads the payment token that a payment is made with. One that is not
// there leaves nothing.
func (t *tx) byToken(id string, f *position) (err error) {
	if f.token, err = t.token(id); f.token == nil || err != nil {
		return err
	}
	f.Token, f.Taken = &f.token.Token, f.token.spent
	if f.payer, err = t.holding(f.token.account); err == nil {
		f.Balance = f.payer.balance
	}
	return err
}

// fromPurse reads the sub-account that a payment is made from. One that is not
// there leaves nothing.
func (t *tx) fromPurse(id string, f *position) (err error) {
	if f.purse, err = t.purse(id); f.purse == nil || err != nil {
		return err
	}
	f.SubAccount, f.Taken = &f.purse.SubAccount.SubAccount, f.purse.Spent
	if f.payer, err = t.holding(f.purse.account); err != nil {
		return err
	}
	f.Balance = f.payer.balance
	if f.Within, err = f.purse.within(t.conn, t.now); err == nil && f.mandate != nil {
		f.task, err = f.purse.task(t.conn, f.mandate.id)
	}
	return err
}

// budget finds the mandate of a payment, or pins it.
func (t *tx) budget(p *provider.Payment, k key) (*heldMandate, error) {
	if m, err := t.mandate(k); m != nil || err != nil {
		return m, err
	}
	m := &heldMandate{id: t.next(), digest: p.Mandate.Digest}
	if err := t.exec("INSERT INTO mandates (id, issuer, delegation_id, digest, total, currency, pinned_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
		m.id, p.Mandate.Issuer, p.Mandate.DelegationID, string(p.Mandate.Digest), p.Mandate.Total, p.Currency, t.unix()); err != nil {
		return nil, err
	}
	t.keys[k], t.hot.mandates[k] = refTo(m.id, refMandate), m
	return m, t.exec("INSERT INTO mandate_spent (mandate, amount, last) VALUES (?, 0, 0)", m.id)
}

// debit writes the payment and moves the money. Nothing here decides, and no
// overflow is to be looked for: all money of a currency came out of one funding
// account, so what payer and payee have together fits.
func (t *tx) debit(p *provider.Payment, f position, at int64, no string) (*trade, error) {
	made := &trade{id: at, waiting: f.waiting, Trade: provider.Trade{
		No: no, Agent: p.Request.Agent, RequestID: p.Request.ID, Scenario: p.Scenario, Method: p.Method,
		Payee: p.Payee, Order: p.Order, Issuer: p.Mandate.Issuer, DelegationID: p.Mandate.DelegationID,
		Principal: f.Principal(), SubAccount: p.SubAccount, Amount: p.Amount, Currency: p.Currency,
		Expires: exact(p.Expires.UnixMicro()), Memo: p.Memo, State: provider.StatePaid, PaidAt: fromUnix(t.unix()),
	}}
	if made.Memo == nil {
		made.Memo = []byte{}
	}
	var mandate, mandatePrev int64
	if m := f.mandate; m != nil {
		mandate, mandatePrev = m.id, m.last
		m.spent, m.last = m.spent+p.Amount, at
		made.SpentTotal = m.spent
		t.changed(&m.changed, m)
	}
	token, subaccount := t.taken(f, p.Amount)
	payerPrev, payeePrev := t.moved(at, f.payer, f.payee, p.Amount)
	nonce, until := int64(0), int64(0)
	if f.waiting == 0 {
		nonce, until = t.key(keyNonce, p.Request.Nonce.Scope, p.Request.Nonce.Value).short(), ceil(p.Request.Nonce.Until)
	}
	return made, t.exec(`INSERT INTO payments (id, trade_no, request_id, digest, nonce, nonce_until, scenario, method, order_number, mandate, waiting, token, subaccount,
		payer, payee, amount, payer_prev, payee_prev, mandate_prev, spent_total, expires, paid_at, memo) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		at, no, p.Request.ID, string(p.Request.Digest), nonce, until, string(p.Scenario), p.Method, p.Order, orNull(mandate), orNull(f.waiting), orNull(token), orNull(subaccount),
		f.payer.id, f.payee.id, p.Amount, payerPrev, payeePrev, mandatePrev, made.SpentTotal, p.Expires.UnixMicro(), t.unix(), made.Memo)
}

// taken counts what is spent by token, or from the sub-account, and returns
// their rows; one of them is 0.
func (t *tx) taken(f position, amount int64) (token, subaccount int64) {
	if f.token != nil {
		f.token.spent += amount
		t.changed(&f.token.changed, f.token)
		return f.token.id, 0
	}
	f.purse.Spent += amount
	t.changed(&f.purse.changed, f.purse)
	return 0, f.purse.id
}
