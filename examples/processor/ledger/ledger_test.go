package ledger

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/examples/processor/book/booktest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

const (
	principal = "did:act:home.example/owner"
	agent     = "did:act:home.example/agent"
	shop      = "did:act:shop.example/coffee"
	issuer    = "did:act:issuer.example/main"
	token     = "pt-1"
)

var start = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// clock is a time that tests move by hand.
type clock struct{ at atomic.Int64 }

func newClock() *clock { c := new(clock); c.at.Store(start.UnixNano()); return c }

func (c *clock) now() time.Time      { return time.Unix(0, c.at.Load()).UTC() }
func (c *clock) add(d time.Duration) { c.at.Add(int64(d)) }

func openAt(t testing.TB, path string, now func() time.Time) *Ledger {
	t.Helper()
	l, err := Open(Config{Path: path, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// long leaves a test out of short runs. Those are for the race detector, which
// finds nothing in a test of one goroutine and makes it ten times as slow.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs without -short")
	}
}

// furnished opens a new book with an owner who has 100.00 yuan, a shop, and a
// token.
func furnished(t testing.TB) (*Ledger, *clock) {
	t.Helper()
	c := newClock()
	l := openAt(t, filepath.Join(t.TempDir(), "ledger.db"), c.now)
	furnish(t, l, 100_00)
	return l, c
}

func furnish(t testing.TB, l *Ledger, balance int64) {
	t.Helper()
	ctx := context.Background()
	for _, err := range []error{
		l.OpenAccount(ctx, principal, book.Principal, "CNY"),
		l.OpenAccount(ctx, shop, book.Merchant, "CNY"),
		l.Deposit(ctx, book.Deposit{ID: "d-1", Owner: principal, Currency: "CNY", Amount: balance}),
		l.BindToken(ctx, provider.Token{ID: token, Principal: principal, Agent: agent, Currency: "CNY",
			ValidFrom: start.Add(-time.Hour), ValidUntil: start.Add(24 * time.Hour)}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

var serial atomic.Int64

// newPayment is a fresh payment of an amount within a mandate of 50.00 yuan.
func newPayment(amount int64) provider.Payment {
	n := serial.Add(1)
	return provider.Payment{
		Request:  provider.Request{Agent: agent, ID: fmt.Sprintf("r-%d", n), Digest: canon.Digest(fmt.Sprintf("digest-%d", n)), Nonce: freshNonce()},
		Mandate:  provider.Mandate{Issuer: issuer, DelegationID: "m-1", Digest: "payload-1", Delegator: principal, Total: 50_00},
		Scenario: "DEL", Method: "urn:act:payment:balance", Token: token, Payee: shop, Order: fmt.Sprintf("o-%d", n),
		Expires: start.Add(30 * time.Minute), Amount: amount, Currency: "CNY", Memo: []byte(`{"kept":true}`),
	}
}

// again is the same request in a new transmission.
func again(p provider.Payment) provider.Payment {
	p.Request.Nonce = freshNonce()
	return p
}

func freshNonce() provider.Nonce {
	return provider.Nonce{Scope: "payment-request " + agent, Value: fmt.Sprintf("n-%d", serial.Add(1)), Until: start.Add(10 * time.Minute)}
}

func mustPay(t testing.TB, l *Ledger, p provider.Payment) *provider.Trade {
	t.Helper()
	trade, err := l.Pay(context.Background(), p)
	if err != nil {
		t.Fatalf("Pay: %v", err)
	}
	return trade
}

func wantCode(t testing.TB, err error, want protocol.Code) {
	t.Helper()
	if got := protocol.CodeOf(err); got != want {
		t.Fatalf("got %v, want %q", err, want)
	}
}

func balance(t testing.TB, l *Ledger, owner string) int64 {
	t.Helper()
	accounts, err := l.Accounts(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range accounts {
		if a.Owner == owner && a.Currency == "CNY" {
			return a.Balance
		}
	}
	t.Fatalf("no account of %s", owner)
	return 0
}

func sound(t testing.TB, l *Ledger) *book.Report {
	t.Helper()
	r, err := l.Audit(context.Background())
	if err != nil {
		t.Fatalf("audit: %s", booktest.Explain(err))
	}
	for _, p := range r.Problems {
		t.Errorf("audit: %s", p)
	}
	return r
}

func TestPayMovesMoneyOnce(t *testing.T) {
	l, c := furnished(t)
	p := newPayment(18_00)
	trade := mustPay(t, l, p)
	if trade.Amount != 18_00 || trade.SpentTotal != 18_00 || trade.State != provider.StatePaid || !trade.PaidAt.Equal(start) || string(trade.Memo) != string(p.Memo) {
		t.Errorf("unexpected trade %+v", trade)
	}
	c.add(3 * time.Minute)
	repeat := mustPay(t, l, again(p))
	if repeat.No != trade.No || !repeat.PaidAt.Equal(trade.PaidAt) || repeat.SpentTotal != trade.SpentTotal || string(repeat.Memo) != string(trade.Memo) {
		t.Errorf("a repeat got %+v, first was %+v", repeat, trade)
	}
	if got := balance(t, l, principal); got != 82_00 {
		t.Errorf("payer has %d", got)
	}
	if got := balance(t, l, shop); got != 18_00 {
		t.Errorf("payee has %d", got)
	}
	r := sound(t, l)
	if r.Trades != 1 || r.Transfers != 2 || r.Entries != 4 || r.Currencies[0].Deposited != 100_00 {
		t.Errorf("report %+v", r)
	}
	entries, err := l.Entries(context.Background(), principal, "CNY", 0)
	if err != nil || len(entries) != 2 || entries[1].Cause != "payment" || entries[1].CauseID != trade.No || entries[1].Amount != -18_00 {
		t.Errorf("entries %+v, %v", entries, err)
	}
	if last, err := l.Entries(context.Background(), principal, "CNY", 1); err != nil || len(last) != 1 || last[0] != entries[1] {
		t.Errorf("the last entry %+v, %v", last, err)
	}
}

func TestOrderOfDecisions(t *testing.T) {
	t.Run("PSD-PAY-DEL-04 a repeated nonce is a replay", func(t *testing.T) {
		l, _ := furnished(t)
		p := newPayment(18_00)
		mustPay(t, l, p)
		_, err := l.Pay(context.Background(), p)
		wantCode(t, err, protocol.CodeReplayed)
	})
	t.Run("PSD-PAY-DEL-04 a replay wins over a conflict", func(t *testing.T) {
		l, _ := furnished(t)
		p := newPayment(18_00)
		mustPay(t, l, p)
		p.Request.Digest = "other"
		_, err := l.Pay(context.Background(), p)
		wantCode(t, err, protocol.CodeReplayed)
	})
	t.Run("PSD-PAY-DEL-04 other content is a conflict", func(t *testing.T) {
		l, _ := furnished(t)
		p := newPayment(18_00)
		mustPay(t, l, p)
		q := again(p)
		q.Request.Digest = "other"
		q.Amount = 1
		_, err := l.Pay(context.Background(), q)
		wantCode(t, err, protocol.CodeRequestConflict)
		if got := mustPay(t, l, again(p)); got.Amount != 18_00 {
			t.Error("the conflict replaced the first answer")
		}
	})
	t.Run("the same request id of another agent is another request", func(t *testing.T) {
		l, _ := furnished(t)
		p := newPayment(18_00)
		mustPay(t, l, p)
		q := again(p)
		q.Request.Agent, q.Order = "did:act:home.example/other", "o-other"
		_, err := l.Pay(context.Background(), q)
		wantCode(t, err, protocol.CodeInstrumentMismatch)
	})
	t.Run("the same nonce of another agent is another nonce", func(t *testing.T) {
		l, _ := furnished(t)
		n := provider.Nonce{Scope: "a", Value: "n", Until: start.Add(time.Minute)}
		if err := l.UseNonce(context.Background(), n); err != nil {
			t.Fatal(err)
		}
		n.Scope = "b"
		if err := l.UseNonce(context.Background(), n); err != nil {
			t.Fatal(err)
		}
		wantCode(t, l.UseNonce(context.Background(), n), protocol.CodeReplayed)
	})
}

func TestRefusals(t *testing.T) {
	cases := []struct {
		name   string
		change func(*testing.T, *Ledger, *clock, *provider.Payment)
		want   protocol.Code
	}{
		{"DESIGN 5 audience: another payload under a pinned delegation id", func(t *testing.T, l *Ledger, c *clock, p *provider.Payment) {
			mustPay(t, l, newPayment(1))
			p.Mandate.Digest = "payload-2"
		}, protocol.CodeRequestConflict},
		{"PSD-PAY-DEL-05 mandate or order ended while the request waited", func(t *testing.T, l *Ledger, c *clock, p *provider.Payment) { c.add(30 * time.Minute) }, protocol.CodeOrderExpired},
		{"PSD-PAY-A402-01 order paid by another request", func(t *testing.T, l *Ledger, c *clock, p *provider.Payment) {
			q := newPayment(1)
			q.Order = p.Order
			mustPay(t, l, q)
		}, protocol.CodeOrderPaid},
		{"PSD-PAY-DEL-07 cumulative limit", func(t *testing.T, l *Ledger, c *clock, p *provider.Payment) {
			mustPay(t, l, newPayment(40_00))
			p.Amount = 10_01
		}, protocol.CodeTotalLimitExceeded},
		{"PSD-PAY-DEL-07 one payment over the total", func(t *testing.T, l *Ledger, c *clock, p *provider.Payment) { p.Amount = 50_01 }, protocol.CodeTotalLimitExceeded},
		{"PSD-PAY-DEL-07 amounts near the end of the range", func(t *testing.T, l *Ledger, c *clock, p *provider.Payment) {
			mustPay(t, l, newPayment(1))
			p.Amount = 1<<63 - 1
		}, protocol.CodeTotalLimitExceeded},
		{"payee not registered", func(t *testing.T, l *Ledger, c *clock, p *provider.Payment) { p.Payee = "did:act:shop.example/tea" }, protocol.CodeMerchantNotAllowed},
		{"payee is a principal", func(t *testing.T, l *Ledger, c *clock, p *provider.Payment) { p.Payee = principal }, protocol.CodeMerchantNotAllowed},
		{"payee is the funding account", func(t *testing.T, l *Ledger, c *clock, p *provider.Payment) { p.Payee = book.External }, protocol.CodeMerchantNotAllowed},
		{"PSD-PMT-BND-04 unknown token", func(t *testing.T, l *Ledger, c *clock, p *provider.Payment) { p.Token = "pt-2" }, protocol.CodeInstrumentInvalid},
		{"PSD-PMT-BND-04 another agent's token", func(t *testing.T, l *Ledger, c *clock, p *provider.Payment) {
			p.Request.Agent = "did:act:home.example/other"
		}, protocol.CodeInstrumentMismatch},
		{"PSD-PAY-DEL-09 another principal's token", func(t *testing.T, l *Ledger, c *clock, p *provider.Payment) {
			p.Mandate.Delegator = "did:act:home.example/guest"
		}, protocol.CodePrincipalMismatch},
		{"PSD-PMT-BND-04 frozen token", func(t *testing.T, l *Ledger, c *clock, p *provider.Payment) { setToken(t, l, provider.TokenFrozen) }, protocol.CodeInstrumentInvalid},
		{"PSD-PMT-BND-04 cancelled token", func(t *testing.T, l *Ledger, c *clock, p *provider.Payment) { setToken(t, l, provider.TokenCancelled) }, protocol.CodeInstrumentInvalid},
		{"PSD-PMT-BND-04 expired token", func(t *testing.T, l *Ledger, c *clock, p *provider.Payment) {
			c.add(24 * time.Hour)
			p.Expires = start.Add(48 * time.Hour)
		}, protocol.CodeInstrumentInvalid},
		{"PSD-PMT-BND-04 token before its time", func(t *testing.T, l *Ledger, c *clock, p *provider.Payment) { c.add(-2 * time.Hour) }, protocol.CodeInstrumentInvalid},
		{"PSD-PMT-BND-03 ceiling of the token", func(t *testing.T, l *Ledger, c *clock, p *provider.Payment) {
			bind(t, l, provider.Token{ID: "pt-c", Ceiling: 20_00})
			q := newPayment(15_00)
			q.Token, p.Token, p.Amount = "pt-c", "pt-c", 5_01
			mustPay(t, l, q)
		}, protocol.CodeInstrumentInvalid},
		{"PSD-PMT-BND-03 merchants of the token", func(t *testing.T, l *Ledger, c *clock, p *provider.Payment) {
			bind(t, l, provider.Token{ID: "pt-m", Merchants: []string{"did:act:shop.example/tea"}})
			p.Token = "pt-m"
		}, protocol.CodeInstrumentInvalid},
		{"currency of the account", func(t *testing.T, l *Ledger, c *clock, p *provider.Payment) {
			if err := l.OpenAccount(context.Background(), shop, book.Merchant, "JPY"); err != nil {
				t.Fatal(err)
			}
			p.Currency = "JPY"
		}, protocol.CodeCurrencyMismatch},
		{"PSD-PAY-AUP-03 balance", func(t *testing.T, l *Ledger, c *clock, p *provider.Payment) {
			p.Mandate.DelegationID, p.Mandate.Total, p.Amount = "m-2", 1000_00, 100_01
		}, protocol.CodeBalanceInsufficient},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			l, c := furnished(t)
			p := newPayment(18_00)
			tc.change(t, l, c, &p)
			before := balance(t, l, principal)
			_, err := l.Pay(context.Background(), p)
			wantCode(t, err, tc.want)
			if after := balance(t, l, principal); after != before {
				t.Errorf("refused, and the balance went from %d to %d", before, after)
			}
			_, err = l.Pay(context.Background(), again(p))
			wantCode(t, err, tc.want)
			sound(t, l)
		})
	}
}

func setToken(t *testing.T, l *Ledger, s provider.TokenState) {
	t.Helper()
	if err := l.SetTokenState(context.Background(), token, s); err != nil {
		t.Fatal(err)
	}
}

func bind(t *testing.T, l *Ledger, k provider.Token) {
	t.Helper()
	k.Principal, k.Agent, k.Currency, k.ValidFrom, k.ValidUntil = principal, agent, "CNY", start.Add(-time.Hour), start.Add(time.Hour)
	if err := l.BindToken(context.Background(), k); err != nil {
		t.Fatal(err)
	}
}

func TestRefusalIsTheAnswerForEver(t *testing.T) {
	l, _ := furnished(t)
	ctx := context.Background()
	p := newPayment(60_00)
	p.Mandate.Total = 200_00
	p.Amount = 100_01
	_, first := l.Pay(ctx, p)
	wantCode(t, first, protocol.CodeBalanceInsufficient)
	if err := l.Deposit(ctx, book.Deposit{ID: "d-2", Owner: principal, Currency: "CNY", Amount: 100_00}); err != nil {
		t.Fatal(err)
	}
	_, second := l.Pay(ctx, again(p))
	wantCode(t, second, protocol.CodeBalanceInsufficient)
	_, asked := l.Query(ctx, p.Request.Agent, p.Request.ID)
	for _, err := range []error{first, second, asked} {
		var stored *payment.Refusal
		if !errors.As(err, &stored) || stored.RequestID != p.Request.ID {
			t.Errorf("PSD-PAY-A402-23: %v is not the stored answer", err)
		}
	}
	other := again(p)
	other.Request.Digest = "another"
	_, err := l.Pay(ctx, other)
	wantCode(t, err, protocol.CodeRequestConflict)
	var stored *payment.Refusal
	if errors.As(err, &stored) {
		t.Error("PSD-PAY-DEL-04: a conflict is no answer to the request")
	}
	if len(protocol.AsError(second).Checks) != len(protocol.AsError(first).Checks) {
		t.Error("the checks of the first answer were lost")
	}
	fresh := newPayment(100_01)
	fresh.Mandate = p.Mandate
	mustPay(t, l, fresh)
}

func TestRefuse(t *testing.T) {
	ctx := context.Background()
	t.Run("a denial is stored", func(t *testing.T) {
		l, _ := furnished(t)
		p := newPayment(18_00)
		_, err := l.Refuse(ctx, p.Request, protocol.New(protocol.CodeMandateRevoked, "iac", "ADD-IAC-LCM-07", "revoked"))
		wantCode(t, err, protocol.CodeMandateRevoked)
		_, err = l.Pay(ctx, again(p))
		wantCode(t, err, protocol.CodeMandateRevoked)
		if e := protocol.AsError(err); e.Field != "iac" || e.Requirement != "ADD-IAC-LCM-07" || e.Detail != "revoked" {
			t.Errorf("stored as %+v", e)
		}
	})
	t.Run("undetermined is not stored and uses the nonce", func(t *testing.T) {
		l, _ := furnished(t)
		p := newPayment(18_00)
		_, err := l.Refuse(ctx, p.Request, protocol.New(protocol.CodeStatusUnavailable, "iac", "ADD-IAC-LCM-08", ""))
		wantCode(t, err, protocol.CodeStatusUnavailable)
		if errors.As(err, new(*payment.Refusal)) {
			t.Error("it counts as the stored answer")
		}
		_, err = l.Pay(ctx, p)
		wantCode(t, err, protocol.CodeReplayed)
		mustPay(t, l, again(p))
	})
	t.Run("a payment that was made is not refused afterwards", func(t *testing.T) {
		l, _ := furnished(t)
		p := newPayment(18_00)
		want := mustPay(t, l, p)
		got, err := l.Refuse(ctx, again(p).Request, protocol.New(protocol.CodeMandateExpired, "", "", ""))
		if err != nil || got.No != want.No {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestLookup(t *testing.T) {
	l, _ := furnished(t)
	ctx := context.Background()
	p := newPayment(18_00)
	if trade, err := l.Lookup(ctx, p.Request); trade != nil || err != nil {
		t.Fatalf("a new request: %v, %v", trade, err)
	}
	want := mustPay(t, l, p)
	_, err := l.Lookup(ctx, p.Request)
	wantCode(t, err, protocol.CodeReplayed)
	got, err := l.Lookup(ctx, again(p).Request)
	if err != nil || got.No != want.No {
		t.Fatalf("got %+v, %v", got, err)
	}
	other := again(p).Request
	other.Digest = "other"
	_, err = l.Lookup(ctx, other)
	wantCode(t, err, protocol.CodeRequestConflict)
}

func TestConsumeAndConfirm(t *testing.T) {
	l, c := furnished(t)
	ctx := context.Background()
	trade := mustPay(t, l, newPayment(18_00))
	_, err := l.Confirm(ctx, shop, trade.No, "delivery-1", start)
	wantCode(t, err, protocol.CodeStateConflict)
	_, err = l.Consume(ctx, "did:act:shop.example/tea", trade.No, "delivery-1")
	wantCode(t, err, protocol.CodeTradeUnknown)
	_, err = l.Consume(ctx, shop, "no such trade", "delivery-1")
	wantCode(t, err, protocol.CodeTradeUnknown)

	first, err := l.Consume(ctx, shop, trade.No, "delivery-1")
	if err != nil || first.State != provider.StatePaid {
		t.Fatalf("%+v, %v", first, err)
	}
	c.add(time.Minute)
	same, err := l.Consume(ctx, shop, trade.No, "delivery-1")
	if err != nil || !same.ConsumedAt.Equal(first.ConsumedAt) || same.State != first.State {
		t.Errorf("the same consumer got %+v, %v", same, err)
	}
	_, err = l.Consume(ctx, shop, trade.No, "delivery-2")
	wantCode(t, err, protocol.CodeProofUsed)
	_, err = l.Confirm(ctx, shop, trade.No, "delivery-2", start)
	wantCode(t, err, protocol.CodeProofUsed)

	for _, at := range []time.Time{start.Add(-2 * time.Minute), start.Add(time.Hour)} {
		_, err = l.Confirm(ctx, shop, trade.No, "delivery-1", at)
		wantCode(t, err, protocol.CodeFieldInvalid)
	}
	done, err := l.Confirm(ctx, shop, trade.No, "delivery-1", start)
	if err != nil || done.State != payment.StateTradeFinished || !done.ConfirmedAt.Equal(start.Add(time.Minute)) {
		t.Fatalf("%+v, %v", done, err)
	}
	c.add(time.Minute)
	repeat, err := l.Confirm(ctx, shop, trade.No, "delivery-1", start)
	if err != nil || !repeat.ConfirmedAt.Equal(done.ConfirmedAt) || repeat.State != payment.StateTradeFinished {
		t.Errorf("a repeat got %+v, %v", repeat, err)
	}
	consumed, err := l.Consume(ctx, shop, trade.No, "delivery-1")
	if err != nil || consumed.State != payment.StateTradeFinished || !consumed.ConsumedAt.Equal(first.ConsumedAt) {
		t.Errorf("the consumer after fulfilment got %+v, %v", consumed, err)
	}
	got, err := l.Query(ctx, agent, trade.RequestID)
	if err != nil || got.State != payment.StateTradeFinished || got.Consumer != "delivery-1" {
		t.Errorf("query: %+v, %v", got, err)
	}
	_, err = l.Query(ctx, agent, "r-none")
	wantCode(t, err, protocol.CodeTradeUnknown)
	_, err = l.Query(ctx, "did:act:home.example/other", trade.RequestID)
	wantCode(t, err, protocol.CodeTradeUnknown)
	sound(t, l)
}

func TestProofHasOneConsumer(t *testing.T) {
	l, _ := furnished(t)
	trade := mustPay(t, l, newPayment(18_00))
	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			_, err := l.Consume(context.Background(), shop, trade.No, fmt.Sprint("delivery-", i))
			switch protocol.CodeOf(err) {
			case "":
				won.Add(1)
			case protocol.CodeProofUsed:
			default:
				t.Errorf("%v", err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d consumers", won.Load())
	}
}

func TestLastYuan(t *testing.T) {
	l, _ := furnished(t)
	mustPay(t, l, newPayment(49_00))
	var won atomic.Int64
	var wg sync.WaitGroup
	for range 200 {
		p := newPayment(1_00)
		wg.Go(func() {
			_, err := l.Pay(context.Background(), p)
			switch protocol.CodeOf(err) {
			case "":
				won.Add(1)
			case protocol.CodeTotalLimitExceeded:
			default:
				t.Errorf("%v", err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("PSD-PAY-DEL-07: %d payments shared the last yuan", won.Load())
	}
	if got := balance(t, l, principal); got != 50_00 {
		t.Errorf("payer has %d", got)
	}
	sound(t, l)
}

func TestSameRequestConcurrently(t *testing.T) {
	l, _ := furnished(t)
	p := newPayment(18_00)
	numbers := make([]string, 100)
	var wg sync.WaitGroup
	for i := range numbers {
		q := again(p)
		wg.Go(func() {
			trade, err := l.Pay(context.Background(), q)
			if err != nil {
				t.Errorf("%v", err)
				return
			}
			numbers[i] = trade.No
		})
	}
	wg.Wait()
	for _, no := range numbers {
		if no != numbers[0] {
			t.Fatalf("two trades for one request: %s and %s", no, numbers[0])
		}
	}
	if got := balance(t, l, principal); got != 82_00 {
		t.Errorf("payer has %d", got)
	}
}

func TestNoncesAreKeptAndPurged(t *testing.T) {
	c := newClock()
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := openAt(t, path, c.now)
	ctx := context.Background()
	n := provider.Nonce{Scope: agent, Value: "n-1", Until: start.Add(7 * time.Minute)}
	if err := l.UseNonce(ctx, n); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openAt(t, path, c.now)
	wantCode(t, l.UseNonce(ctx, n), protocol.CodeReplayed)
	c.add(7*time.Minute - time.Second)
	wantCode(t, l.UseNonce(ctx, n), protocol.CodeReplayed)
	c.add(2 * time.Minute)
	if err := l.UseNonce(ctx, provider.Nonce{Scope: agent, Value: "n-2", Until: c.now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	var left int64
	err := l.read(ctx, func(conn *sqlite.Conn) error {
		_, err := queryRow(conn, "SELECT count(*) FROM nonces", nil, func(r *sqlite.Stmt) { left = r.ColumnInt64(0) })
		return err
	})
	if err != nil || left != 1 {
		t.Errorf("%d nonces are left, %v", left, err)
	}
}

func TestClosed(t *testing.T) {
	l, _ := furnished(t)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := l.Pay(context.Background(), newPayment(1))
	wantCode(t, err, protocol.CodeServiceUnavailable)
	if !errors.Is(err, protocol.ErrUndetermined) {
		t.Error("a closed ledger is undetermined")
	}
	_, err = l.Accounts(context.Background())
	wantCode(t, err, protocol.CodeServiceUnavailable)
}

func TestCancelledBeforeQueued(t *testing.T) {
	l, _ := furnished(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p := newPayment(1_00)
	_, err := l.Pay(ctx, p)
	wantCode(t, err, protocol.CodeServiceUnavailable)
	mustPay(t, l, p) // the nonce was not used: nothing was begun
}
