package postgres

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/internal/pgcluster"
	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/provider"
)

// clients is the number of payers that wait for their answers at the same time.
const clients = 64

// bareCall is the least that a durable call can do: a function that inserts one
// row as long as a payment's, called once for each payment through a connection
// of the same pool.
const bareCall = `CREATE TABLE bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, record bytea);
	CREATE FUNCTION bare_call(p bytea) RETURNS bigint LANGUAGE plpgsql AS $$
	DECLARE v bigint; BEGIN INSERT INTO bare (record) VALUES (p) RETURNING id INTO v; RETURN v; END $$`

// BenchmarkPay measures durable payments at 64 clients, and in the same run the
// bare function call at as many clients and connections. The figure of merit is
// the ratio of the two.
func BenchmarkPay(b *testing.B) {
	c := pgcluster.ForTest(b)
	b.Run("bare", func(b *testing.B) {
		s := openAt(b, c, nil)
		must(b, execute(s, bareCall))
		record := make([]byte, 512)
		free := make(chan struct{}, 2) // as many connections as make payments
		concurrently(b, func(int) error {
			free <- struct{}{}
			defer func() { <-free }()
			var id int64
			return s.pool.QueryRow(context.Background(), "SELECT bare_call($1)", record).Scan(&id)
		})
	})
	for _, most := range []int{1, 32} {
		b.Run(fmt.Sprintf("together=%d", most), func(b *testing.B) {
			s := openAt(b, c, nil)
			s.maxBatch = most
			payers := furnishMany(b, s, clients)
			concurrently(b, func(client int) error {
				_, err := s.Pay(context.Background(), payers[client].next())
				return err
			})
			b.StopTimer()
			checked(b, s)
		})
	}
}

// BenchmarkLookup measures the read that precedes every payment.
func BenchmarkLookup(b *testing.B) {
	s := openAt(b, pgcluster.ForTest(b), nil)
	concurrently(b, func(int) error {
		_, err := s.Lookup(context.Background(), newPayment(1).Request)
		return err
	})
}

func execute(s *Store, script string) error {
	c, err := s.pool.Acquire(context.Background())
	if err != nil {
		return err
	}
	defer c.Release()
	_, err = c.Conn().PgConn().Exec(context.Background(), script).ReadAll()
	return err
}

// concurrently runs b.N calls over all clients.
func concurrently(b *testing.B, call func(client int) error) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	b.ResetTimer()
	begun := time.Now()
	for client := range clients {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := call(client); err != nil {
					b.Error(err, Cause(err))
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/time.Since(begun).Seconds(), "calls/s")
}

// payer makes the payments of one client, each client with an agent, an account
// and a mandate of its own, all at one shop.
type payer struct {
	p provider.Payment
	n int
}

func furnishMany(t testing.TB, s *Store, n int) []*payer {
	t.Helper()
	ctx := context.Background()
	must(t, s.OpenAccount(ctx, shop, book.Merchant, "CNY"))
	out := make([]*payer, n)
	for i := range out {
		principal, buyer, token := fmt.Sprintf("%s-%d", owner, i), fmt.Sprintf("%s-%d", agentDID, i), fmt.Sprintf("pt-%d", i)
		must(t, s.OpenAccount(ctx, principal, book.Principal, "CNY"),
			s.Deposit(ctx, book.Deposit{ID: token, Owner: principal, Currency: "CNY", Amount: 1 << 40}),
			s.BindToken(ctx, provider.Token{ID: token, Principal: principal, Agent: buyer, Currency: "CNY", ValidFrom: start.AddDate(-1, 0, 0), ValidUntil: start.AddDate(9, 0, 0)}))
		p := newPayment(1)
		p.Request.Agent, p.Mandate.Delegator, p.Token = buyer, principal, token
		p.Mandate.DelegationID = "urn:uuid:3f1c3c52-7a0e-4a5e-9d3e-0123456789ab-" + token
		p.Memo = make([]byte, 160)
		out[i] = &payer{p: p}
	}
	return out
}

func (c *payer) next() provider.Payment {
	c.n++
	p := c.p
	id := fmt.Sprintf("%s-%d", p.Token, c.n)
	p.Request.ID, p.Request.Digest, p.Request.Nonce.Value, p.Order = "urn:uuid:request-"+id, canon.Digest("sha-256:0123456789012345678901234567890123456789012"+id), "AAAAAAAAAAAAAAAAAAAAAA"+id, "order-"+id
	return p
}
