package postgres

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/actprotocol/act-go/examples/internal/pgcluster"
	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

var kills = flag.Int("kills", 6, "how often TestKill kills processes that write, or the database's server")

// childDSN is set in the environment of the processes that TestKill kills.
const childDSN = "ACT_POSTGRES_TEST_DSN"

func TestMain(m *testing.M) {
	if dsn := os.Getenv(childDSN); dsn != "" {
		child(dsn)
		return
	}
	os.Exit(m.Run())
}

const killSchema = "killed"

// child pays with all its might, by token, from a sub-account, and what a
// principal confirms, gives some of it back, and prints each answer once it has
// it, and each event before it acknowledges it. It leaves payments that wait.
// When the server is away it goes on, and tells what it does not know. It ends
// only by being killed.
func child(dsn string) {
	ctx := context.Background()
	s, err := Open(ctx, Config{DSN: dsn, Schema: killSchema, Connections: 6})
	if err != nil {
		fmt.Println("failed", err)
		os.Exit(1)
	}
	run := fmt.Sprint(os.Getpid(), "-", time.Now().UnixNano())
	for worker := range 16 {
		go func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("%s%s-%d-%d", kinds[worker%len(kinds)], run, worker, n)
				if err := act(s, id); errors.Is(err, protocol.ErrUndetermined) {
					fmt.Println("lost", id, "-")
					time.Sleep(10 * time.Millisecond)
				} else if err != nil {
					fmt.Println("failed", err)
					os.Exit(1)
				}
			}
		}()
	}
	for {
		if err := report1(ctx, s); err != nil && !errors.Is(err, protocol.ErrUndetermined) {
			fmt.Println("failed", err)
			os.Exit(1)
		}
	}
}

// kinds of acts, as the beginning of their ids.
var kinds = []string{"token-", "token-", "sub-", "instant-", "refund-"}

// act makes one payment, of the kind that its id says, and what follows it.
func act(s *Store, id string) error {
	ctx := context.Background()
	p := killPayment(id)
	if !p.Instant() {
		trade, err := s.Pay(ctx, p)
		if err != nil {
			return err
		}
		fmt.Println("paid", id, trade.No)
		if !strings.HasPrefix(id, "refund-") {
			return nil
		}
		made, err := s.Refund(ctx, killRefund(id, trade.No))
		if err == nil {
			fmt.Println("refunded", id, made.No)
		}
		return err
	}
	trade, err := s.Begin(ctx, p)
	if err != nil {
		return err
	}
	switch {
	case strings.HasSuffix(id, "1"): // left waiting
		fmt.Println("waits", id, trade.No)
		return nil
	case strings.HasSuffix(id, "2"):
		if err = s.Decline(ctx, trade.No, protocol.CodeConfirmationFailed); err == nil {
			fmt.Println("closed", id, trade.No)
		}
		return err
	}
	if trade, err = s.Settle(ctx, trade.No, provider.Confirmation{Method: "device:test", At: time.Now()}); err == nil {
		fmt.Println("paid", id, trade.No)
	}
	return err
}

// report1 tells of some events by printing them.
func report1(ctx context.Context, s *Store) error {
	events, err := s.Unreported(ctx, book.Attestation, 10)
	for _, e := range events {
		fmt.Println("reported", e.TradeNo, e.ID)
	}
	if err != nil || len(events) == 0 {
		time.Sleep(10 * time.Millisecond)
	} else {
		err = s.Acknowledge(ctx, book.Attestation, events[len(events)-1].ID)
	}
	return err
}

// killKey is the key of the sub-account, the same in every process.
const killKey = `{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`

// killPayment is a payment of two fen that follows from its id, so that the
// process which checks can repeat it.
func killPayment(id string) provider.Payment {
	now := time.Now()
	p := provider.Payment{
		Request:  provider.Request{Agent: agentDID, ID: id, Digest: canon.Digest("digest of " + id), Nonce: provider.Nonce{Scope: agentDID, Value: fmt.Sprint(now.UnixNano(), "-", id), Until: now.Add(10 * time.Minute)}},
		Mandate:  provider.Mandate{Issuer: issuer, DelegationID: "m-1", Digest: "payload-1", Delegator: owner, Total: 1 << 40},
		Scenario: payment.ScenarioDEL, Method: "urn:act:payment:balance", Token: tokenID, Payee: shop, Order: "order " + id,
		Expires: now.Add(time.Hour), Amount: 2, Currency: "CNY",
	}
	switch {
	case strings.HasPrefix(id, "sub-"), strings.HasPrefix(id, "refund-") && strings.HasSuffix(id, "3"):
		key, err := keys.ParseJWK([]byte(killKey))
		if err != nil {
			panic(err)
		}
		p.Token, p.SubAccount, p.SubAccountKey = "", "sub-1", key.Thumbprint()
	case strings.HasPrefix(id, "instant-"):
		p.Scenario, p.Mandate = payment.ScenarioINS, provider.Mandate{}
	}
	return p
}

// killRefund gives back one fen of a payment, or both.
func killRefund(id, tradeNo string) provider.RefundRequest {
	amount := int64(1)
	if strings.HasSuffix(id, "7") {
		amount = 2
	}
	return provider.RefundRequest{
		Merchant: shop, ID: "of " + id, Digest: canon.Digest("refund of " + id), TradeNo: tradeNo, Amount: amount, Currency: "CNY", Reason: payment.RefundDefective,
	}
}

// told is what the children have said.
type told struct {
	mu       sync.Mutex
	answered map[string]string // payments: request id to trade number
	refunded map[string]string // the same of those that were given back: refund number
	unpaid   map[string]string // trade number to "waits" or "closed"
	lost     map[string]bool   // request ids of which nobody knows
	reported map[string]int
	failed   []string
}

// TestKill kills processes that pay, and the server of the database below them,
// again and again at random moments, and looks at what they left: everything
// that was answered is there exactly once, nothing is half there, sums are zero,
// limits held, asking again gets the first answer, and every trade has one
// event, which was told or still waits (PSD-PAY-A402-24). A kill shows that
// commits are whole; that they reached the disk before the answer is left to
// PostgreSQL's fsync, since no test here cuts the power.
func TestKill(t *testing.T) {
	c := pgcluster.ForTest(t)
	furnishKill(t, c)
	w := &told{answered: map[string]string{}, refunded: map[string]string{}, unpaid: map[string]string{}, lost: map[string]bool{}, reported: map[string]int{}}
	for round := 0; round < *kills; {
		round += w.runAndKill(t, c, round)
		if *kills > 20 && round%10 != 0 && round < *kills {
			continue // the long form looks at every tenth
		}
		opened := time.Now()
		s := openIn(t, c, killSchema, nil)
		settle(t, s, opened)
		w.check(t, s)
		must(t, s.Close())
	}
	t.Logf("%d kills: %d payments answered, %d refunds, %d that wait or are closed, %d of which nobody knew, %d reported",
		*kills, len(w.answered), len(w.refunded), len(w.unpaid), len(w.lost), len(w.reported))
}

// settle waits until the server has noticed that those who were killed are gone:
// it ends what they began.
func settle(t *testing.T, s *Store, before time.Time) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		var left int
		_, err := s.one(context.Background(), "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND backend_start < $1", []any{before}, &left)
		must(t, err)
		if left == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d connections of killed processes are still there", left)
		}
	}
}

func furnishKill(t *testing.T, c *pgcluster.Cluster) {
	t.Helper()
	s := openIn(t, c, killSchema, nil)
	ctx := context.Background()
	key, err := keys.ParseJWK([]byte(killKey))
	must(t, err)
	must(t, s.OpenAccount(ctx, owner, book.Principal, "CNY"), s.OpenAccount(ctx, shop, book.Merchant, "CNY"),
		s.Deposit(ctx, book.Deposit{ID: "d", Owner: owner, Currency: "CNY", Amount: 1 << 40}),
		s.BindToken(ctx, provider.Token{ID: tokenID, Principal: owner, Agent: agentDID, Currency: "CNY", ValidFrom: time.Now().Add(-time.Hour), ValidUntil: time.Now().Add(9 * time.Hour)}),
		s.OpenSubAccount(ctx, book.SubAccount{SubAccount: provider.SubAccount{ID: "sub-1", Principal: owner, Agent: agentDID, Currency: "CNY", Key: key}}),
		s.TopUp(ctx, book.TopUp{ID: "t", SubAccount: "sub-1", Amount: 1 << 30}), s.Close())
}

// runAndKill lets two children pay for a random time and kills both, one after
// the other; in every third round the server first. It returns how many kills
// that was.
func (w *told) runAndKill(t *testing.T, c *pgcluster.Cluster, round int) (n int) {
	t.Helper()
	before := len(w.answered)
	var ended sync.WaitGroup
	var children []*exec.Cmd
	paying := make(chan struct{}, 2)
	for range 2 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childDSN+"="+c.DSN())
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		children = append(children, cmd)
		ended.Go(func() { w.listen(bufio.NewScanner(out), paying) })
	}
	for range children { // they pay, and do not only start
		select {
		case <-paying:
		case <-time.After(30 * time.Second):
			t.Error("a child answered nothing")
		}
	}
	pause := func(most time.Duration) { time.Sleep(time.Duration(rand.IntN(int(most)))) }
	pause(200 * time.Millisecond)
	if round%6 >= 4 {
		end := []func() error{c.Kill, c.Abort}[rand.IntN(2)]
		must(t, end())
		pause(50 * time.Millisecond)
		must(t, c.Start(t.Context()))
		n++
		pause(100 * time.Millisecond)
	}
	for _, cmd := range children {
		_ = cmd.Process.Kill()
		n++
		pause(100 * time.Millisecond)
	}
	ended.Wait()
	for _, cmd := range children {
		_ = cmd.Wait() // it was killed
	}
	if len(w.answered) == before {
		t.Fatal("the children answered nothing")
	}
	if len(w.failed) > 0 {
		t.Fatal(w.failed[0])
	}
	return n
}

// listen collects what a child says.
func (w *told) listen(lines *bufio.Scanner, paying chan<- struct{}) {
	n := 0
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) > 0 && f[0] == "failed" {
			w.mu.Lock()
			w.failed = append(w.failed, lines.Text())
			w.mu.Unlock()
		}
		if len(f) != 3 {
			continue // the last line may be cut short by the kill
		}
		w.mu.Lock()
		switch {
		case f[0] == "paid" && len(f[2]) == 26:
			w.answered[f[1]] = f[2]
			if n++; n == 30 {
				paying <- struct{}{}
			}
		case f[0] == "refunded" && len(f[2]) == 27:
			w.refunded[f[1]] = f[2]
		case (f[0] == "waits" || f[0] == "closed") && len(f[2]) == 26:
			w.unpaid[f[2]] = f[0]
		case f[0] == "lost":
			w.lost[f[1]] = true
		case f[0] == "reported" && len(f[1]) == 26:
			w.reported[f[1]]++
		}
		w.mu.Unlock()
	}
}

// check compares what was said with the book.
func (w *told) check(t *testing.T, s *Store) {
	t.Helper()
	r := checked(t, s)
	var back int64
	_, err := s.one(context.Background(), "SELECT coalesce(sum(amount), 0)::bigint FROM refunds", nil, &back)
	must(t, err)
	if got := balance(t, s, shop); r.Trades < int64(len(w.answered)) || got != 2*r.Trades-back {
		t.Fatalf("%d trades were answered, the book has %d, %d was given back, the shop has %d", len(w.answered), r.Trades, back, got)
	}
	w.checkAnswered(t, s)
	w.checkReported(t, s, r)
	w.checkUnpaid(t, s, r)
}

// texts reads two columns of text.
func texts(t *testing.T, s *Store, query string) map[string]string {
	t.Helper()
	out := map[string]string{}
	must(t, s.query(context.Background(), func(r pgx.Rows) error {
		var k, v string
		err := r.Scan(&k, &v)
		out[k] = v
		return err
	}, query))
	return out
}

// checkAnswered looks for every answered payment and refund, and repeats some,
// also of those of which nobody knew: each has one answer.
func (w *told) checkAnswered(t *testing.T, s *Store) {
	t.Helper()
	ctx := context.Background()
	stored, given := texts(t, s, "SELECT request_id, trade_no FROM trades"), texts(t, s, "SELECT q.request_id, f.refund_no FROM refunds f JOIN refund_requests q ON q.refund = f.id")
	for id, no := range w.answered {
		if stored[id] != no {
			t.Fatalf("trade %s was answered, the book has %q", no, stored[id])
		}
	}
	for id, no := range w.refunded {
		if given["of "+id] != no {
			t.Fatalf("refund %s was answered, the book has %q", no, given["of "+id])
		}
	}
	again := func(id string) string {
		p := killPayment(id)
		do := s.Pay
		if p.Instant() {
			do = s.Begin
		}
		trade, err := do(ctx, p)
		must(t, err)
		return trade.No
	}
	n := 0
	for id := range maps.Keys(w.answered) {
		if n++; n > 20 {
			break
		}
		if no := again(id); no != w.answered[id] {
			t.Fatalf("asked again: %s and then %s", w.answered[id], no)
		}
		if no := w.refunded[id]; no != "" {
			made, err := s.Refund(ctx, killRefund(id, w.answered[id]))
			if must(t, err); made.No != no {
				t.Fatalf("asked again: refund %s and then %s", no, made.No)
			}
		}
	}
	for id := range w.lost {
		if strings.HasPrefix(id, "instant-") {
			continue // where it stopped is not known: it may wait, be closed or be paid
		}
		if no := again(id); stored[id] != "" && stored[id] != no {
			t.Fatalf("a payment of which nobody knew is %s and then %s", stored[id], no)
		}
		delete(w.lost, id)
	}
}

// checkReported looks for the one event of every trade: it was told, or it
// waits in the outbox. Only what was told and could not be acknowledged any
// more, or by two processes at once, is told twice.
func (w *told) checkReported(t *testing.T, s *Store, _ *book.Report) {
	t.Helper()
	waiting, err := s.Unreported(context.Background(), book.Attestation, 1<<30)
	must(t, err)
	trades := map[string]bool{}
	for _, e := range waiting {
		if trades[e.TradeNo] || e.Type != book.TransactionCompleted {
			t.Fatalf("a second event of trade %s", e.TradeNo)
		}
		trades[e.TradeNo] = true
	}
	for no := range w.reported {
		trades[no] = true
	}
	for no := range texts(t, s, "SELECT trade_no, '' FROM trades") {
		if !trades[no] {
			t.Fatalf("the event of trade %s was never told, and does not wait", no)
		}
	}
}

// checkUnpaid looks for every payment that was left waiting or was closed: it
// is still so, it has moved nothing (PSD-PAY-INS-04), and of those that wait one
// can be paid.
func (w *told) checkUnpaid(t *testing.T, s *Store, r *book.Report) {
	t.Helper()
	ctx := context.Background()
	waits := int64(0)
	paid := ""
	paidTrades := texts(t, s, "SELECT trade_no, '' FROM trades")
	closed := texts(t, s, "SELECT w.trade_no, '' FROM waiting w JOIN declines d ON d.waiting = w.id")
	for no, said := range w.unpaid {
		_, isPaid := paidTrades[no]
		_, isClosed := closed[no]
		if isPaid || isClosed != (said == "closed") {
			t.Fatalf("%s %s, and is paid: %v, closed: %v", no, said, isPaid, isClosed)
		}
		if said == "waits" {
			waits++
			paid = no
		}
	}
	if r.Waiting < waits {
		t.Fatalf("%d wait, and the audit says %d", waits, r.Waiting)
	}
	if paid == "" {
		return
	}
	if _, err := s.Settle(ctx, paid, provider.Confirmation{Method: "device:test", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	delete(w.unpaid, paid)
}
