package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/actprotocol/act-go/examples/internal/pgcluster"
	"github.com/actprotocol/act-go/examples/processor/postgres"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/payment"
)

// newPair is two processes of the program, not started, with one database, one
// set of keys and one identifier. The second has an address of its own.
func newPair(t *testing.T, c *pgcluster.Cluster) (one, two *program) {
	t.Helper()
	one = newProgram(t)
	one.args = append(one.args, "-postgres", c.DSN(), "-postgres-connections", "4", "-host", one.host)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	one.must(err)
	_, port, err := net.SplitHostPort(listener.Addr().String())
	one.must(err)
	one.must(listener.Close())
	second := *one
	two = &second
	two.host = "localhost:" + port
	two.args = append(append([]string{}, one.args...), "-addr", "127.0.0.1:"+port)
	t.Cleanup(two.kill)
	return one, two
}

// share gives the second what was furnished at the first.
func (p *program) share(from *program) {
	p.token, p.sub, p.key, p.phone = from.token, from.sub, from.key, from.phone
}

// code is the status and code with which a payment was answered.
func (p *program) code(q payment.Request) (int, string) {
	p.t.Helper()
	status, answer, err := p.do("POST", "/act/v1/payments", string(p.signed(q)))
	p.must(err)
	return status, string(answer)
}

// TestTwoProcesses: two processes share a book. A mandate's budget holds across
// them (PSD-PAY-DEL-07), each gives the first answer of the other, byte for
// byte, and what one is told of tokens and issuers holds in the other.
func TestTwoProcesses(t *testing.T) {
	c := pgcluster.ForTest(t)
	one, two := newPair(t, c)
	one.start()
	one.furnish()
	two.share(one)
	two.start()
	both := []*program{one, two}

	id, iac := one.Mandate(delegation.Specified, nil) // 50 yuan
	var requests []payment.Request
	for range 36 {
		requests = append(requests, one.Request(id, iac, one.token, "2.00"))
	}
	results := make([]int, len(requests))
	answers := make([]string, len(requests))
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := worker; i < len(requests); i += 8 {
				status, body, err := both[i%2].do("POST", "/act/v1/payments", string(one.signed(requests[i])))
				if err != nil {
					t.Error(err)
				}
				results[i], answers[i] = status, string(body)
			}
		})
	}
	wg.Wait()
	paid := 0
	for i, q := range requests {
		if results[i] == http.StatusOK {
			paid++
		} else if !strings.Contains(answers[i], "total_limit_exceeded") {
			t.Errorf("%d %s", results[i], answers[i])
		}
		status, again := both[(i+1)%2].code(q)
		if status != results[i] || status == http.StatusOK && again != answers[i] {
			t.Fatalf("one process said %d %s, the other %d %s", results[i], answers[i], status, again)
		}
	}
	if paid != 25 {
		t.Errorf("PSD-PAY-DEL-07 %d payments of 2 yuan under a mandate of 50, at two processes", paid)
	}

	// What one is told holds in the other: of a token at once, of an issuer
	// within a second.
	id, iac = one.Mandate(delegation.Specified, nil)
	one.admin("POST", "/admin/token-states", `{"payment_token":"`+one.token+`","state":"frozen"}`)
	if status, said := two.code(two.Request(id, iac, one.token, "1.00")); status == http.StatusOK || !strings.Contains(said, "instrument_invalid") {
		t.Errorf("PSD-PMT-BND-04 frozen at one process, and the other says %d %s", status, said)
	}
	one.admin("POST", "/admin/token-states", `{"payment_token":"`+one.token+`","state":"active"}`)
	if status, said := two.code(two.Request(id, iac, one.token, "1.00")); status != http.StatusOK {
		t.Errorf("thawed at one process, and the other says %d %s", status, said)
	}
	one.admin("POST", "/admin/issuers", `{"principal":"`+one.Owner+`","issuer":"`+one.Issue.DID()+`","trusted":false}`)
	time.Sleep(3 * time.Second) // the machine may be busy
	if status, said := two.code(two.Request(id, iac, one.token, "1.00")); status == http.StatusOK || !strings.Contains(said, "issuer") {
		t.Errorf("ADD-IAC-ISS-10 revoked at one process, and the other says %d %s", status, said)
	}
	two.checkAudit()

	one.kill()
	two.kill()
	var out bytes.Buffer
	one.must(run(context.Background(), []string{"audit", "-data", one.data, "-postgres", c.DSN()}, &out, io.Discard))
	if !strings.Contains(out.String(), "the ledger is sound") || !strings.Contains(out.String(), "26 trades") {
		t.Errorf("audit: %s", out.String())
	}
}

// TestKillTwoProcesses loads two processes over HTTPS and kills one, the other,
// both, or the database's server below them, at random moments: afterwards every
// answered payment is answered again with the same bytes, by either, every one
// that was begun can be brought to its end, and the shop has exactly the sum.
func TestKillTwoProcesses(t *testing.T) {
	c := pgcluster.ForTest(t)
	one, two := newPair(t, c)
	one.start()
	one.furnish()
	two.share(one)
	two.start()
	id, iac := one.Mandate(delegation.Specified, func(c *delegation.Claims) { c.Authorization.MaxTotalAmount = "1000" })
	answers := map[string][]byte{}
	var begun []payment.Request
	for round := range *kills {
		load := &pairLoad{both: []*program{one, two}, answers: answers}
		var requests []payment.Request
		for i := range 200 {
			requests = append(requests, one.Request(id, iac, []string{"", one.token, one.token}[i%3], "0.01"))
		}
		wait := load.run(requests)
		time.Sleep(time.Duration(20+rand.IntN(300)) * time.Millisecond)
		switch round % 4 {
		case 0:
			_ = one.cmd.Process.Kill()
		case 1:
			_ = two.cmd.Process.Kill()
		case 2:
			_ = one.cmd.Process.Kill()
			_ = two.cmd.Process.Kill()
		default:
			one.must([]func() error{c.Kill, c.Abort}[rand.IntN(2)]())
			time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond)
			one.must(c.Start(t.Context()))
		}
		begun = append(begun, wait()...)
		for _, p := range load.both {
			p.kill()
			p.start()
		}
		if round%10 == 0 || round == *kills-1 {
			one.checkAudit()
		}
	}
	for i, q := range begun {
		var answer []byte
		var err error
		for range 5 { // the first word of a process whose connections are lost may be that it does not know
			if answer, err = []*program{one, two}[i%2].patient(q); err != nil || answer != nil {
				break
			}
		}
		if err != nil || answer == nil {
			t.Fatalf("asked again: %v", err)
		}
		if first := answers[q.RequestID]; first != nil && !bytes.Equal(first, answer) {
			t.Fatalf("first %s\nthen %s", first, answer)
		}
	}
	one.checkAudit()
	want := fmt.Sprintf(`"balance":"%d.%02d","currency":"CNY","kind":"merchant"`, len(begun)/100, len(begun)%100)
	if got := one.admin("GET", "/admin/accounts", ""); !bytes.Contains(got, []byte(want)) {
		t.Errorf("%d payments, and the accounts are %s", len(begun), got)
	}
	t.Logf("%d kills, %d payments begun, %d answered before a kill", *kills, len(begun), len(answers))
}

// patient is attempt, to which a process that cannot say now is nobody who knows.
func (p *program) patient(q payment.Request) ([]byte, error) {
	answer, err := p.attempt(q)
	if err != nil && strings.HasPrefix(err.Error(), "5") {
		return nil, nil
	}
	return answer, err
}

// A pairLoad sends payments to both processes, each by turns.
type pairLoad struct {
	both    []*program
	mu      sync.Mutex
	begun   []payment.Request
	answers map[string][]byte
}

// run sends until all is sent or wait was called, which returns what was begun.
func (l *pairLoad) run(requests []payment.Request) (wait func() []payment.Request) {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for worker := range 12 {
		wg.Go(func() {
			for i := worker; i < len(requests); i += 12 {
				select {
				case <-stop:
					return
				default:
				}
				q := requests[i]
				l.mu.Lock()
				l.begun = append(l.begun, q)
				l.mu.Unlock()
				answer, err := l.both[i%2].patient(q)
				if err != nil {
					l.both[0].t.Error(err)
				}
				if answer != nil {
					l.mu.Lock()
					l.answers[q.RequestID] = answer
					l.mu.Unlock()
				}
			}
		})
	}
	return func() []payment.Request {
		close(stop)
		wg.Wait()
		return l.begun
	}
}

// An audit looks at a book that there is, and makes none.
func TestAuditOfNothing(t *testing.T) {
	c := pgcluster.ForTest(t)
	ctx := context.Background()
	err := run(ctx, []string{"audit", "-data", t.TempDir(), "-postgres", c.DSN()}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(explain(err), "there is no book in this database") {
		t.Errorf("an empty database: %v", err)
	}
	conn, err := pgx.Connect(ctx, c.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var schemas int
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM pg_namespace WHERE nspname = $1", postgres.DefaultSchema).Scan(&schemas); err != nil || schemas != 0 {
		t.Errorf("the audit has made a schema: %d, %v", schemas, err)
	}
}
