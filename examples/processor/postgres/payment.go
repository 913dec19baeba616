package postgres

import (
	"context"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// Pay implements provider.Ledger: one call of the function pay() in
// schema/payment.sql, which payments that wait at the same time may share a
// transaction for. What it refuses is put into words by Facts.Judge and stored
// by a second call.
func (s *Store) Pay(ctx context.Context, p provider.Payment) (*provider.Trade, error) {
	if err := p.CheckPay(); err != nil {
		return nil, err
	}
	j := newJob(&p)
	if err := enqueue(ctx, s, s.jobs, j); err != nil {
		return nil, err
	}
	select {
	case err := <-j.done:
		if err != nil {
			return nil, err
		}
	case <-ctx.Done():
		return nil, protocol.Wrap(protocol.CodeOutcomeUnknown, "", "", "the caller stopped waiting", ctx.Err())
	}
	return s.answered(ctx, &p, j)
}

// answered makes the answer of what pay() said.
func (s *Store) answered(ctx context.Context, p *provider.Payment, j *job) (*provider.Trade, error) {
	switch j.verdict {
	case verdictReplayed:
		return nil, provider.Replayed()
	case verdictKnown:
		return s.recall(ctx, p.Request)
	}
	f, err := j.row.position()
	if err != nil {
		return nil, err
	}
	decision := f.judge(p, j.at)
	denied := decision.Err()
	switch {
	case (j.verdict == verdictRefused) != (denied != nil):
		return nil, differ()
	case denied != nil:
		return s.found(ctx, p.Request, protocol.AsError(denied))
	}
	trade := made(p, &f, j.tradeNo)
	trade.State, trade.PaidAt, trade.SpentTotal, trade.Decision = payment.StateWaitSellerFulfillment, j.at.Truncate(time.Second).UTC(), or(j.spentTotal), decision
	return trade, nil
}

// differ is what an error of this program looks like: the function in the
// database and Facts.Judge must agree. Nobody is told that a payment was made,
// or refused, on the word of one of them.
func differ() error {
	return protocol.New(protocol.CodeOutcomeUnknown, "", "", "the ledger's two judges disagree")
}

// found stores a denial that the book made, if that is an answer. The nonce is
// used already.
func (s *Store) found(ctx context.Context, r provider.Request, denied *protocol.Error) (*provider.Trade, error) {
	if !provider.Final(denied) {
		return nil, denied
	}
	return s.refuse(ctx, r, denied, false)
}

// made is the trade that a payment becomes, as far as it is fixed from the
// beginning.
func made(p *provider.Payment, f *position, no string) *provider.Trade {
	return &provider.Trade{
		No: no, Agent: p.Request.Agent, RequestID: p.Request.ID, Scenario: p.Scenario, Method: p.Method,
		Payee: p.Payee, Order: p.Order, Issuer: p.Mandate.Issuer, DelegationID: p.Mandate.DelegationID,
		Principal: f.Principal(), SubAccount: p.SubAccount, Amount: p.Amount, Currency: p.Currency,
		Expires: exact(p.Expires), Memo: memo(p),
	}
}

// exact is a time as the database keeps it, in microseconds.
func exact(at time.Time) time.Time { return at.Truncate(time.Microsecond).UTC() }

func memo(p *provider.Payment) []byte {
	if p.Memo == nil {
		return []byte{}
	}
	return p.Memo
}

// sound reports whether nothing was found against a payment before.
func sound(p *provider.Payment) bool { return len(p.Made.Failed()) == 0 }

// Begin implements provider.Ledger.
func (s *Store) Begin(ctx context.Context, p provider.Payment) (*provider.Trade, error) {
	if err := p.CheckBegin(); err != nil {
		return nil, err
	}
	if err := s.begun(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), longest)
	defer cancel()
	j := newJob(&p)
	r := p.Request
	err := s.pool.QueryRow(ctx, `SELECT verdict, at, 0::bigint, (f).* FROM begin_instant($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`,
		j.locks, s.clock(), j.nonce, until(r.Nonce), j.request, string(r.Digest), r.Agent, r.ID, string(p.Scenario), p.Method, p.Token, p.Payee, p.Order, j.order,
		exact(p.Expires), p.Amount, p.Currency, memo(&p), j.tradeNo, sound(&p)).Scan(j.into()...)
	if err != nil {
		return nil, unknown(err)
	}
	switch j.verdict {
	case verdictReplayed:
		return nil, provider.Replayed()
	case verdictKnown:
		return s.recall(ctx, r)
	}
	f, err := j.row.position()
	if err != nil {
		return nil, err
	}
	decision := f.JudgeBegin(&p, j.at)
	denied := decision.Err()
	switch {
	case (j.verdict == verdictRefused) != (denied != nil):
		return nil, differ()
	case denied != nil:
		return s.found(ctx, r, protocol.AsError(denied))
	}
	trade := made(&p, &f, j.tradeNo)
	trade.State, trade.Decision = payment.StateWaitBuyerPay, decision
	return trade, nil
}

// position is everything in the book that a payment depends on: the facts that
// are judged, and the limit that they do not have.
type position struct {
	provider.Facts
	task, taskLimit int64 // spent from the sub-account under this mandate
}

// judge adds to what every ledger judges the one limit that only this one has.
func (f *position) judge(p *provider.Payment, now time.Time) protocol.Decision {
	d := f.Judge(p, now)
	book.JudgeTask(&d, p, f.SubAccount, f.taskLimit, f.task)
	return d
}

// factsRow is the type facts of schema/payment.sql, in its order.
type factsRow struct {
	mandate                                       *int64
	pinned                                        *string
	spent                                         *int64
	orderPaid                                     *bool
	payee, instrument, payer                      *int64
	principal, agent, currency, state             *string
	validFrom, validUntil                         *time.Time
	ceiling                                       *int64
	merchants                                     []string
	jwk                                           []byte
	thumbprint                                    *string
	single, total, periodLimit, period, taskLimit *int64
	taken, within, balance, task                  *int64
	byToken                                       bool   // of the payment, not of the row
	instrumentID                                  string // likewise
}

func (r *factsRow) into() []any {
	return []any{
		&r.mandate, &r.pinned, &r.spent, &r.orderPaid, &r.payee, &r.instrument, &r.payer, &r.principal, &r.agent, &r.currency, &r.state,
		&r.validFrom, &r.validUntil, &r.ceiling, &r.merchants, &r.jwk, &r.thumbprint, &r.single, &r.total, &r.periodLimit, &r.period, &r.taskLimit,
		&r.taken, &r.within, &r.balance, &r.task,
	}
}

// or is the value that a pointer leads to, the zero value for none.
func or[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func (r *factsRow) position() (f position, err error) {
	f.Pinned, f.Spent, f.OrderPaid, f.Payee = canon.Digest(or(r.pinned)), or(r.spent), or(r.orderPaid), r.payee != nil
	if r.instrument == nil {
		return f, nil
	}
	f.Taken, f.Within, f.Balance, f.task, f.taskLimit = or(r.taken), or(r.within), or(r.balance), or(r.task), or(r.taskLimit)
	if r.byToken {
		f.Token = &provider.Token{
			ID: r.instrumentID, Principal: or(r.principal), Agent: or(r.agent), Currency: or(r.currency), State: provider.TokenState(or(r.state)),
			ValidFrom: or(r.validFrom).UTC(), ValidUntil: or(r.validUntil).UTC(), Ceiling: or(r.ceiling), Merchants: r.merchants,
		}
		return f, nil
	}
	f.SubAccount = &provider.SubAccount{
		ID: r.instrumentID, Principal: or(r.principal), Agent: or(r.agent), Currency: or(r.currency), State: provider.SubAccountState(or(r.state)),
		Limits: provider.Limits{Single: or(r.single), Total: or(r.total), Within: or(r.periodLimit), Period: time.Duration(or(r.period)) * time.Second},
	}
	f.SubAccount.Key, err = book.StoredKey(r.jwk)
	return f, err
}
