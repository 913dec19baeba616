package ledger

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

var kills = flag.Int("kills", 5, "how often TestKill kills the process that writes")

// childFile is set in the environment of the process that TestKill kills.
const childFile = "ACT_LEDGER_TEST_FILE"

func TestMain(m *testing.M) {
	if path := os.Getenv(childFile); path != "" {
		child(path)
		return
	}
	os.Exit(m.Run())
}

// child pays with all its might, by token, from a sub-account, and what a
// principal confirms, and prints each trade once it is answered, and each event
// before it acknowledges it. It leaves payments that wait. It ends only by being
// killed.
func child(path string) {
	l, err := Open(Config{Path: path})
	if err == nil { // many runs of keys, so that kills meet them too
		err = l.write(context.Background(), func(t *tx) error { t.runKeys = 2000; return nil })
	}
	if err != nil {
		fmt.Println("failed", err)
		os.Exit(1)
	}
	run := fmt.Sprint(os.Getpid(), "-", time.Now().UnixNano())
	for worker := range 32 {
		go func() {
			for n := 0; ; n++ {
				if err := childPays(l, worker, fmt.Sprintf("%s-%d-%d", run, worker, n)); err != nil {
					fmt.Println("failed", err)
					os.Exit(1)
				}
			}
		}()
	}
	report(l)
}

// childPays makes one payment, of the kind that follows from its id.
func childPays(l *Ledger, worker int, id string) error {
	ctx := context.Background()
	p := killPayment(kinds[worker%len(kinds)] + id)
	if !p.Instant() {
		trade, err := l.Pay(ctx, p)
		if err != nil {
			return err
		}
		fmt.Println("paid", p.Request.ID, trade.No)
		if strings.HasSuffix(id, "5") {
			return childRefunds(l, trade)
		}
		return nil
	}
	trade, err := l.Begin(ctx, p)
	if err != nil {
		return err
	}
	switch {
	case strings.HasSuffix(id, "1"): // left waiting
		fmt.Println("waits", p.Request.ID, trade.No)
		return nil
	case strings.HasSuffix(id, "2"):
		if err = l.Decline(ctx, trade.No, protocol.CodeConfirmationFailed); err == nil {
			fmt.Println("closed", p.Request.ID, trade.No)
		}
		return err
	}
	if trade, err = l.Settle(ctx, trade.No, provider.Confirmation{Method: "device:test", At: time.Now()}); err == nil {
		fmt.Println("paid", p.Request.ID, trade.No)
	}
	return err
}

// childRefunds gives a payment back.
func childRefunds(l *Ledger, trade *provider.Trade) error {
	r, err := l.Refund(context.Background(), killRefund(trade.No))
	if err == nil {
		fmt.Println("refunded", trade.No, r.No)
	}
	return err
}

// killRefund follows from the number of the trade, so that it can be repeated.
func killRefund(no string) provider.RefundRequest {
	return provider.RefundRequest{
		Merchant: shop, ID: "refund of " + no, Digest: canon.Digest("digest of " + no), TradeNo: no, Amount: 1, Currency: "CNY", Reason: payment.RefundReturned,
	}
}

// kinds of payments, as the beginning of their ids.
var kinds = []string{"token-", "token-", "sub-", "instant-"}

// killKey is the key of the sub-account, the same in every process.
const killKey = `{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`

// report tells of events, by printing them, for ever.
func report(l *Ledger) {
	for ctx := context.Background(); ; {
		events, err := l.Unreported(ctx, book.Attestation, 10)
		for _, e := range events {
			fmt.Println("reported", e.TradeNo, e.ID)
		}
		if err == nil && len(events) > 0 {
			err = l.Acknowledge(ctx, book.Attestation, events[len(events)-1].ID)
		}
		if err != nil {
			fmt.Println("failed", err)
			os.Exit(1)
		}
	}
}

// killPayment is a payment of one fen that follows from its id, so that the
// process which checks can repeat it.
func killPayment(id string) provider.Payment {
	now := time.Now()
	p := provider.Payment{
		Request:  provider.Request{Agent: agent, ID: id, Digest: canon.Digest("digest of " + id), Nonce: provider.Nonce{Scope: agent, Value: fmt.Sprint(now.UnixNano(), "-", id), Until: now.Add(10 * time.Minute)}},
		Mandate:  provider.Mandate{Issuer: issuer, DelegationID: "m-1", Digest: "payload-1", Delegator: principal, Total: 1 << 40},
		Scenario: payment.ScenarioDEL, Method: "urn:act:payment:balance", Token: token, Payee: shop, Order: "order " + id,
		Expires: now.Add(time.Hour), Amount: 1, Currency: "CNY",
	}
	switch {
	case strings.HasPrefix(id, "sub-"):
		key, err := keys.ParseJWK([]byte(killKey))
		if err != nil {
			panic(err)
		}
		p.Token, p.SubAccount, p.SubAccountKey = "", sub, key.Thumbprint()
	case strings.HasPrefix(id, "instant-"):
		p.Scenario, p.Mandate = payment.ScenarioINS, provider.Mandate{}
	}
	return p
}

// TestKill kills a process that pays, again and again at random moments, and
// looks at what it left: everything that was answered is there exactly once,
// nothing is half there, asking again gets the first answer, and every trade
// has one event, which was told or still waits (PSD-PAY-A402-24). A kill shows
// that commits are whole; that they reached the disk before the answer is left
// to synchronous=FULL, since no test here cuts the power.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := openAt(t, path, nil)
	ctx := context.Background()
	key, err := keys.ParseJWK([]byte(killKey))
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		l.OpenAccount(ctx, principal, book.Principal, "CNY"), l.OpenAccount(ctx, shop, book.Merchant, "CNY"),
		l.Deposit(ctx, book.Deposit{ID: "d", Owner: principal, Currency: "CNY", Amount: 1 << 40}),
		l.BindToken(ctx, provider.Token{ID: token, Principal: principal, Agent: agent, Currency: "CNY", ValidFrom: time.Now().Add(-time.Hour), ValidUntil: time.Now().Add(time.Hour)}),
		l.OpenSubAccount(ctx, book.SubAccount{SubAccount: provider.SubAccount{ID: sub, Principal: principal, Agent: agent, Currency: "CNY", Key: key}}),
		l.TopUp(ctx, book.TopUp{ID: "t", SubAccount: sub, Amount: 1 << 30}),
		l.Close(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	answered, reported, unpaid, refunded := map[string]string{}, map[string]int{}, map[string]string{}, map[string]string{}
	for range *kills {
		runAndKill(t, path, answered, reported, unpaid, refunded)
		l := openAt(t, path, nil)
		report := sound(t, l)
		if report.Trades < int64(len(answered)) {
			t.Fatalf("%d trades were answered, the book has %d", len(answered), report.Trades)
		}
		checkRefunded(t, l, report, refunded)
		checkAnswered(t, l, answered)
		checkReported(t, l, report, reported)
		checkUnpaid(t, l, report, unpaid)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	kind := map[string]int{}
	for id := range answered {
		name, _, _ := strings.Cut(id, "-")
		kind[name]++
	}
	t.Logf("%d kills, answered payments %v, %d given back, %d that wait or are closed, %d reported", *kills, kind, len(refunded), len(unpaid), len(reported))
}

// runAndKill lets a child pay for a random time and collects what it answered.
func runAndKill(t *testing.T, path string, answered map[string]string, reported map[string]int, unpaid, refunded map[string]string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childFile+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var timer *time.Timer
	before := len(answered)
	for lines.Scan() {
		// The last line may be cut short by the kill.
		if f := strings.Fields(lines.Text()); len(f) == 3 && f[0] == "paid" && len(f[2]) == 26 {
			answered[f[1]] = f[2]
			if timer == nil { // it pays, and not only reports what the one before it left: kill it at some moment from now on
				timer = time.AfterFunc(time.Duration(rand.IntN(int(300*time.Millisecond))), func() { _ = cmd.Process.Kill() })
			}
		} else if len(f) == 3 && (f[0] == "waits" || f[0] == "closed") && len(f[2]) == 26 {
			unpaid[f[2]] = f[0]
		} else if len(f) == 3 && f[0] == "refunded" && len(f[2]) == 27 {
			refunded[f[1]] = f[2]
		} else if len(f) == 3 && f[0] == "reported" && len(f[1]) == 26 {
			reported[f[1]]++
		} else if len(f) > 0 && f[0] == "failed" {
			t.Errorf("child: %s", lines.Text())
		}
	}
	_ = cmd.Wait() // it was killed
	if len(answered) == before {
		t.Fatal("the child answered nothing")
	}
}

// checkRefunded looks for every refund that was answered, repeats some, and
// counts: what was paid to the shop, less what was given back, is what it has.
func checkRefunded(t *testing.T, l *Ledger, r *book.Report, refunded map[string]string) {
	t.Helper()
	ctx := context.Background()
	var stored int64
	if err := l.read(ctx, func(conn *sqlite.Conn) error {
		_, err := queryRow(conn, "SELECT count(*) FROM refunds", nil, func(r *sqlite.Stmt) { stored = r.ColumnInt64(0) })
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if stored < int64(len(refunded)) || balance(t, l, shop) != r.Trades-stored {
		t.Fatalf("%d refunds were answered, the book has %d; of %d trades the shop has %d", len(refunded), stored, r.Trades, balance(t, l, shop))
	}
	repeats := 0
	for no, refund := range refunded {
		if _, refunds, err := l.Find(ctx, provider.TradeKey{TradeNo: no}); err != nil || len(refunds) != 1 || refunds[0].No != refund {
			t.Fatalf("refund %s was answered, the book has %v, %v", refund, refunds, err)
		}
		if repeats++; repeats > 20 {
			break
		}
		if again, err := l.Refund(ctx, killRefund(no)); err != nil || again.No != refund {
			t.Fatalf("asked again: %v, %v", again, err)
		}
	}
}

// checkReported looks for the one event of every trade: it was told, or it
// waits in the outbox. Only what was told and could not be acknowledged any more
// is told twice.
func checkReported(t *testing.T, l *Ledger, r *book.Report, reported map[string]int) {
	t.Helper()
	waiting, err := l.Unreported(context.Background(), book.Attestation, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(waiting)) != r.Unreported[book.Attestation] {
		t.Fatalf("%d events wait, the audit says %d", len(waiting), r.Unreported[book.Attestation])
	}
	trades := map[string]bool{}
	for _, e := range waiting {
		if trades[e.TradeNo] || e.Type != book.TransactionCompleted {
			t.Fatalf("a second event of trade %s", e.TradeNo)
		}
		trades[e.TradeNo] = true
	}
	twice := 0
	for no, times := range reported {
		trades[no] = true
		if times > 1 {
			twice++
		}
	}
	if int64(len(trades)) != r.Trades {
		t.Fatalf("%d trades, and events of %d", r.Trades, len(trades))
	}
	if twice > *kills*10 {
		t.Fatalf("%d events were told twice, at most ten a kill can be", twice)
	}
}

// checkUnpaid looks for every payment that was left waiting or was closed: it
// is still so, it has moved nothing (PSD-PAY-INS-04), and of those that wait one
// can be paid.
func checkUnpaid(t *testing.T, l *Ledger, r *book.Report, unpaid map[string]string) {
	t.Helper()
	ctx := context.Background()
	waits := int64(0)
	paid := ""
	for no, said := range unpaid {
		trade, err := l.Trade(ctx, no)
		if err != nil || !trade.PaidAt.IsZero() || trade.Waiting() != (said == "waits") {
			t.Fatalf("%s %s, and is %+v, %v", no, said, trade, err)
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
	if _, err := l.Settle(ctx, paid, provider.Confirmation{Method: "device:test", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	delete(unpaid, paid)
}

// checkAnswered looks for every answered trade, and repeats some requests.
func checkAnswered(t *testing.T, l *Ledger, answered map[string]string) {
	t.Helper()
	ctx := context.Background()
	stored := map[string]string{}
	err := l.read(ctx, func(conn *sqlite.Conn) error {
		return queryRows(conn, "SELECT request_id, trade_no FROM payments", nil, func(r *sqlite.Stmt) error {
			stored[r.ColumnText(0)] = r.ColumnText(1)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	repeats := 0
	for id, no := range answered {
		if stored[id] != no {
			t.Fatalf("trade %s was answered, the book has %q", no, stored[id])
		}
		if repeats++; repeats > 20 {
			continue
		}
		p := killPayment(id)
		do := l.Pay
		if p.Instant() {
			do = l.Begin
		}
		again, err := do(ctx, p)
		if err != nil || again.No != no {
			t.Fatalf("asked again: %v, %v", again, err)
		}
	}
	_, err = l.Pay(ctx, provider.Payment{})
	wantCode(t, err, protocol.CodeFieldMissing)
}
