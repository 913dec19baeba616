package ledger

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/provider"
)

// clients is the number of payers that wait for their answers at the same time.
const clients = 64

// BenchmarkPay measures durable payments at 64 clients, and in the same run the
// floor: the same number of clients appending a record as long as a payment's
// facts to a plain file, with one flush for all that wait. The figure of merit
// is the ratio of the two.
func BenchmarkPay(b *testing.B) {
	b.Run("floor", func(b *testing.B) {
		log := newRawLog(b)
		record := make([]byte, 512)
		together(b, func(int) error { return log.append(record) })
	})
	b.Run("ledger", func(b *testing.B) {
		l := openAt(b, filepath.Join(b.TempDir(), "ledger.db"), nil)
		payers := furnishMany(b, l)
		together(b, func(client int) error {
			_, err := l.Pay(context.Background(), payers[client].next())
			return err
		})
		sound(b, l)
	})
}

// rows is how many payments BenchmarkPayAfter lays before those it measures, the
// second time: a million takes a minute to make, so it is asked for.
var rows = flag.Int("rows", 20_000, "payments before those that BenchmarkPayAfter measures")

// BenchmarkPayAfter measures payments behind a thousand others, and behind many
// (-rows 1000000): look-up and payment, as a provider makes them.
func BenchmarkPayAfter(b *testing.B) {
	for _, n := range []int{1_000, *rows} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			l := openAt(b, filepath.Join(b.TempDir(), "ledger.db"), nil)
			payers := furnishMany(b, l)
			pay := func(client int) error {
				p := payers[client].next()
				ctx := context.Background()
				if _, err := l.Lookup(ctx, p.Request); err != nil {
					return err
				}
				_, err := l.Pay(ctx, p)
				return err
			}
			share(b, n, pay)
			together(b, pay)
		})
	}
}

// BenchmarkLookup measures the read that precedes every payment.
func BenchmarkLookup(b *testing.B) {
	l := openAt(b, filepath.Join(b.TempDir(), "ledger.db"), nil)
	payers := furnishMany(b, l)
	b.RunParallel(func(pb *testing.PB) {
		r := payers[0].next().Request
		for pb.Next() {
			if _, err := l.Lookup(context.Background(), r); err != nil {
				b.Error(err)
			}
		}
	})
}

// together runs b.N calls over all clients. The CPU time it reports is that of
// the whole process, clients included.
func together(b *testing.B, call func(client int) error) {
	b.Helper()
	b.ResetTimer()
	begun, cpu := time.Now(), cpuTime(b)
	share(b, b.N, call)
	b.StopTimer()
	b.ReportMetric(float64(b.N)/time.Since(begun).Seconds(), "payments/s")
	b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/float64(b.N), "cpu-us/payment")
}

// share runs n calls over all clients.
func share(b *testing.B, n int, call func(client int) error) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(n))
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := call(client); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// payer makes the payments of one client, each client with an agent, an account
// and a mandate of its own, all at one shop.
type payer struct {
	p provider.Payment
	n int
}

func furnishMany(b *testing.B, l *Ledger) []*payer {
	b.Helper()
	ctx := context.Background()
	now := time.Now()
	check := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	check(l.OpenAccount(ctx, shop, book.Merchant, "CNY"))
	out := make([]*payer, clients)
	for i := range out {
		owner, buyer, token := fmt.Sprintf("%s-%d", principal, i), fmt.Sprintf("%s-%d", agent, i), fmt.Sprintf("pt-%d", i)
		check(l.OpenAccount(ctx, owner, book.Principal, "CNY"))
		check(l.Deposit(ctx, book.Deposit{ID: token, Owner: owner, Currency: "CNY", Amount: 1 << 40}))
		check(l.BindToken(ctx, provider.Token{ID: token, Principal: owner, Agent: buyer, Currency: "CNY", ValidFrom: now, ValidUntil: now.AddDate(1, 0, 0)}))
		p := newPayment(1)
		p.Request.Agent, p.Mandate.Delegator, p.Token = buyer, owner, token
		p.Mandate.DelegationID, p.Mandate.Total = "urn:uuid:3f1c3c52-7a0e-4a5e-9d3e-0123456789ab-"+token, 1<<40
		p.Expires, p.Request.Nonce = now.AddDate(1, 0, 0), provider.Nonce{Scope: "payment-request " + buyer, Value: "", Until: now.Add(7 * time.Minute)}
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

// rawLog appends records to a file and answers after the flush: what any
// durable ledger has to do at least.
type rawLog struct {
	records chan rawRecord
}

type rawRecord struct {
	data []byte
	done chan error
}

func newRawLog(b *testing.B) *rawLog {
	b.Helper()
	file, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	l := &rawLog{records: make(chan rawRecord, 512)}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		l.run(file)
	}()
	b.Cleanup(func() {
		close(l.records)
		<-stopped
		if err := file.Close(); err != nil {
			b.Error(err)
		}
	})
	return l
}

func (l *rawLog) run(file *os.File) {
	var batch []rawRecord
	var data []byte
	for first := range l.records {
		batch, data = append(batch[:0], first), append(data[:0], first.data...)
		for more := true; more && len(batch) < 256; {
			select {
			case r, ok := <-l.records:
				if more = ok; ok {
					batch, data = append(batch, r), append(data, r.data...)
				}
			default:
				more = false
			}
		}
		_, err := file.Write(data)
		if err == nil {
			err = file.Sync()
		}
		for _, r := range batch {
			r.done <- err
		}
	}
}

func (l *rawLog) append(data []byte) error {
	r := rawRecord{data, make(chan error, 1)}
	l.records <- r
	return <-r.done
}
