package postgres

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/actprotocol/act-go/examples/internal/pgcluster"
	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// crowd is two stores on one book, as two processes have it, with many agents
// around few accounts.
type crowd struct {
	stores []*Store
	agents int
	limit  int64 // of the one mandate that all of the first kind share
}

const hotLimit = 300

func newCrowd(t *testing.T) *crowd {
	c := pgcluster.ForTest(t)
	w := &crowd{agents: 12, limit: hotLimit, stores: []*Store{openIn(t, c, "act", nil), openIn(t, c, "act", nil)}}
	ctx, s := context.Background(), w.stores[0]
	must(t, s.OpenAccount(ctx, owner, book.Principal, "CNY"), s.OpenAccount(ctx, shop, book.Merchant, "CNY"), s.OpenAccount(ctx, shop+"-2", book.Merchant, "CNY"),
		s.Deposit(ctx, book.Deposit{ID: "d", Owner: owner, Currency: "CNY", Amount: 2000}))
	for i := range w.agents {
		must(t, s.BindToken(ctx, provider.Token{ID: fmt.Sprint("pt-", i), Principal: owner, Agent: fmt.Sprint(agentDID, i), Currency: "CNY",
			ValidFrom: start.AddDate(-1, 0, 0), ValidUntil: start.AddDate(9, 0, 0)}))
	}
	return w
}

// payment is one of an agent, by its own token, all out of one account. Those
// of the first four agents, which have one DID, share a mandate.
func (w *crowd) payment(agent int, hot bool) provider.Payment {
	p := newPayment(1)
	p.Request.Agent, p.Token = fmt.Sprint(agentDID, agent), fmt.Sprint("pt-", agent)
	p.Request.Nonce.Scope = p.Request.Agent
	if p.Mandate.DelegationID = fmt.Sprint("m-", agent); hot {
		p.Mandate.DelegationID, p.Mandate.Total = "hot", w.limit
	}
	if agent%3 == 0 {
		p.Payee = shop + "-2"
	}
	return p
}

// TestContention lets many agents pay through two stores at once: under one
// mandate, out of one account, to one merchant, the same orders and the same
// requests twice, with refunds in between, while states are changed and a reader
// looks at the sums. No deadlock is ever met, limits hold to the last fen, and
// the reader never sees a sum that is not zero (PSD-PAY-DEL-07).
func TestContention(t *testing.T) {
	w := newCrowd(t)
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	var hot, all, back, looks atomic.Int64
	reading, stop := context.WithCancel(ctx)
	var reader sync.WaitGroup
	reader.Go(func() { w.look(t, reading, &looks) })
	var wg sync.WaitGroup
	for agent := range w.agents {
		for side, s := range w.stores {
			wg.Go(func() {
				for n := range 60 {
					p := w.payment(agent, n%2 == 0)
					if n%5 == 0 { // the order, and once more the request, that the other side pays too
						p.Order = fmt.Sprint("shared-", agent, "-", n)
						p.Request.ID = fmt.Sprint("shared-", agent, "-", n, "-", n%10*side)
						p.Request.Digest = canon.Digest("of " + p.Request.ID)
					}
					trade, err := s.Pay(ctx, p)
					switch code := protocol.CodeOf(err); {
					case err == nil && n%5 != 0:
						all.Add(1)
						if p.Mandate.DelegationID == "hot" {
							hot.Add(1)
						}
						if n%7 == 0 {
							w.refund(t, ctx, s, trade, &back)
						}
					case err != nil && code != protocol.CodeTotalLimitExceeded && code != protocol.CodeOrderPaid && code != protocol.CodeRequestConflict:
						t.Errorf("%v %s", err, Cause(err))
						return
					}
				}
			})
		}
	}
	wg.Wait()
	stop()
	reader.Wait()
	w.count(t, all.Load(), back.Load(), looks.Load())
}

func (w *crowd) refund(t *testing.T, ctx context.Context, s *Store, trade *provider.Trade, back *atomic.Int64) {
	r := provider.RefundRequest{
		Merchant: trade.Payee, ID: "of " + trade.No, Digest: "d", TradeNo: trade.No, Amount: 1, Currency: "CNY", Reason: payment.RefundDefective,
	}
	if _, err := s.Refund(ctx, r); err != nil {
		t.Errorf("refund: %v %s", err, Cause(err))
		return
	}
	back.Add(1)
}

// look reads, again and again, in one snapshot each: the sum of all balances,
// the hot mandate's limit, and that no account is below zero.
func (w *crowd) look(t *testing.T, ctx context.Context, looks *atomic.Int64) {
	for ctx.Err() == nil {
		err := w.stores[1].query(context.Background(), func(r pgx.Rows) error {
			var sum, below, hot, trades, entries int64
			if err := r.Scan(&sum, &below, &hot, &trades, &entries); err != nil {
				return err
			}
			if sum != 0 || below != 0 || hot > hotLimit || trades != entries {
				t.Errorf("a reader saw a sum of %d, %d accounts below zero, %d spent of %d, %d of trades and %d in transfers", sum, below, hot, w.limit, trades, entries)
			}
			looks.Add(1)
			return nil
		}, `SELECT (SELECT coalesce(sum(amount), 0) FROM balances)::bigint,
			(SELECT count(*) FROM (SELECT sum(amount) AS held FROM balances b JOIN accounts a ON a.id = b.account WHERE a.kind <> 'funding' GROUP BY account) x WHERE held < 0),
			(SELECT coalesce(sum(t.amount), 0) FROM trades t JOIN mandates m ON m.id = t.mandate WHERE m.delegation_id = 'hot')::bigint,
			(SELECT coalesce(sum(amount), 0) FROM trades)::bigint, (SELECT coalesce(sum(amount), 0) FROM transfers WHERE cause = 'payment')::bigint`)
		if err != nil {
			t.Errorf("the reader: %v", err)
			return
		}
	}
}

// count compares the book with what was answered.
func (w *crowd) count(t *testing.T, answered, back, looks int64) {
	t.Helper()
	s := w.stores[0]
	r := checked(t, s)
	var hot, deadlocks int64
	_, err := s.one(context.Background(), "SELECT spent FROM budgets b JOIN mandates m ON m.id = b.mandate WHERE m.delegation_id = 'hot'", nil, &hot)
	must(t, err)
	_, err = s.one(context.Background(), "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()", nil, &deadlocks)
	must(t, err)
	if hot != w.limit {
		t.Errorf("PSD-PAY-DEL-07 %d was spent of %d, with more asked for", hot, w.limit)
	}
	if deadlocks != 0 {
		t.Errorf("%d deadlocks", deadlocks)
	}
	if r.Trades < answered || balance(t, s, owner) != 2000-r.Trades+back || balance(t, s, shop)+balance(t, s, shop+"-2") != r.Trades-back {
		t.Errorf("%d trades, %d answered, %d given back; balances %d, %d, %d", r.Trades, answered, back, balance(t, s, owner), balance(t, s, shop), balance(t, s, shop+"-2"))
	}
	if looks == 0 {
		t.Error("the reader never looked")
	}
	t.Logf("%d trades, %d refunds, %d looks", r.Trades, back, looks)
}
