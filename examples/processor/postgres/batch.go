package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/actprotocol/act-go/provider"
)

// A job is one call of pay(), and what it said.
type job struct {
	p                     *provider.Payment
	nonce, request, order key
	locks                 []int64
	tradeNo               string

	verdict    string
	at         time.Time
	spentTotal *int64
	row        factsRow

	done chan error
}

func newJob(p *provider.Payment) *job {
	r := p.Request
	j := &job{
		p: p, nonce: nonceKey(r.Nonce.Scope, r.Nonce.Value), request: requestKey(r.Agent, r.ID), order: orderKey(p.Payee, p.Order),
		tradeNo: provider.TradeNo(time.Now()), done: make(chan error, 1),
	}
	held := []key{j.nonce, j.request, j.order}
	if p.Token != "" {
		held = append(held, tokenKey(p.Token))
	} else {
		held = append(held, subAccountKey(p.SubAccount))
	}
	if !p.Instant() {
		held = append(held, mandateKey(p.Mandate.Issuer, p.Mandate.DelegationID))
	}
	j.locks = locks(held...)
	return j
}

// into is where the columns of pay() go. A job may be run more than once.
func (j *job) into() []any {
	j.row = factsRow{byToken: j.p.Token != "", instrumentID: j.p.Token + j.p.SubAccount}
	return append([]any{&j.verdict, &j.at, &j.spentTotal}, j.row.into()...)
}

const payCall = `SELECT verdict, at, spent_total, (f).* FROM pay($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
	$19, $20, $21, $22, $23, $24, $25, $26, $27, $28)`

// args are the parameters of pay().
func (j *job) args(clock *time.Time, slot int) []any {
	p, r := j.p, &j.p.Request
	return []any{j.locks, clock, slot, j.nonce, until(r.Nonce), j.request, string(r.Digest), r.Agent, r.ID,
		p.Mandate.Issuer, p.Mandate.DelegationID, string(p.Mandate.Digest), p.Mandate.Delegator, p.Mandate.Total,
		string(p.Scenario), p.Method, orNull(p.Token), orNull(p.SubAccount), orNull(p.SubAccountKey), p.Payee, p.Order, j.order,
		exact(p.Expires), p.Amount, p.Currency, memo(p), j.tradeNo, sound(p)}
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// payAll makes payments until the queue is closed. There are several of it, one
// for each connection that makes payments.
func (s *Store) payAll() {
	for batch := together(s.jobs, s.maxBatch); batch != nil; batch = together(s.jobs, s.maxBatch) {
		s.payBatch(batch)
	}
}

// payBatch makes payments in one transaction. Should it fail, each gets one of
// its own, so that the failure stays with the one that caused it.
func (s *Store) payBatch(batch []*job) {
	var err error
	if len(batch) > 1 {
		if err = s.paySeveral(batch); err != nil && settled(err) {
			for _, j := range batch {
				j.done <- s.payAgain(j)
			}
			return
		}
	} else {
		err = s.payAgain(batch[0])
	}
	for _, j := range batch {
		j.done <- unknown(err)
	}
}

// payAgain makes one payment, and tries again when the database asks for it, or
// when the connection turned out to be lost before anything was sent.
func (s *Store) payAgain(j *job) error {
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	var err error
	for range tries {
		err = s.pool.QueryRow(ctx, payCall, j.args(s.clock(), 0)...).Scan(j.into()...)
		if !again(err) && !(err != nil && pgconn.SafeToRetry(err)) {
			break
		}
	}
	return unknown(err)
}

// paySeveral sends all payments at once: the calls follow each other without
// waiting for answers, and end in one commit. The locks of all are taken first.
func (s *Store) paySeveral(batch []*job) error {
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	b := new(pgx.Batch)
	b.Queue("SELECT hold_batch($1, $2, $3, $4)", heldBy(batch)...)
	for slot, j := range batch {
		b.Queue(payCall, j.args(s.clock(), slot)...)
	}
	results := s.pool.SendBatch(ctx, b)
	_, err := results.Exec()
	for _, j := range batch {
		if err == nil {
			err = results.QueryRow().Scan(j.into()...)
		}
	}
	// The commit is behind the last answer: Close waits for it.
	return errors.Join(err, results.Close())
}

// heldBy are the parameters of hold_batch().
func heldBy(batch []*job) []any {
	var keys []int64
	var tokens, subAccounts, payees []string
	for _, j := range batch {
		keys = append(keys, j.locks...)
		payees = append(payees, j.p.Payee)
		if j.p.Token != "" {
			tokens = append(tokens, j.p.Token)
		} else {
			subAccounts = append(subAccounts, j.p.SubAccount)
		}
	}
	return []any{sorted(keys), tokens, subAccounts, payees}
}
