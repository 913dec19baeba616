// Package providertest has the contract of provider.Ledger as a test, so that
// whoever puts a ledger of their own behind package provider can show that it
// may be relied on.
//
// The contract promises that money moves exactly when it may: no nonce, order,
// budget or balance serves two of any number of concurrent requests; a request
// has one answer for ever; a payment that waits for its principal has moved
// nothing; a frozen token or sub-account pays nothing. It does not try crashes:
// that an answer is durable is the ledger's own to test.
package providertest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// A Book is a ledger together with what its operator does at it;
// provider.MemoryLedger is one. The methods beyond Ledger are what the test
// arranges and observes with, and an adapter may implement them in any way.
// Amounts are minor units.
type Book interface {
	provider.Ledger

	// OpenPrincipal and OpenMerchant open an account.
	OpenPrincipal(did, currency string) error
	OpenMerchant(did, currency string) error
	// Deposit puts money from outside into a principal's account.
	Deposit(did, currency string, amount int64) error
	// Balance is what an account holds.
	Balance(did, currency string) int64

	// BindToken binds an active token.
	BindToken(k provider.Token) error
	SetTokenState(id string, s provider.TokenState) error

	// OpenSubAccount opens an active and empty sub-account. A book that does
	// not enforce one of the limits that are asked for fails.
	OpenSubAccount(s provider.SubAccount) error
	// FundSubAccount moves money from the principal's account to it.
	FundSubAccount(id string, amount int64) error
	// SubAccountBalance is what it holds.
	SubAccountBalance(id string) int64
	SetSubAccountState(id string, s provider.SubAccountState) error
}

// Ledger runs the contract. open returns a fresh, empty book that reads the
// given clock and nothing else to know the time; it is called once a subtest.
func Ledger(t *testing.T, open func(t *testing.T, now func() time.Time) Book) {
	t.Helper()
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) {
			clock := newClock()
			c.run(newBench(t, open(t, clock.now), clock))
		})
	}
}

// A tester is what the cases need of testing.T, so that a test of the contract
// can see it fail.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// A contractCase is one promise.
type contractCase struct {
	name string
	run  func(*bench)
}

func cases() (all []contractCase) {
	for _, part := range [][]contractCase{answerCases(), limitCases(), instrumentCases(), subAccountCases(), stateCases(), instantCases(), deliveryCases(), refundCases()} {
		all = append(all, part...)
	}
	return all
}

// clock is a time that the cases move by hand, back too.
type clock struct{ at atomic.Int64 }

var start = time.Date(2026, 9, 1, 9, 0, 0, 0, time.UTC)

func newClock() *clock { c := new(clock); c.at.Store(start.UnixNano()); return c }

func (c *clock) now() time.Time      { return time.Unix(0, c.at.Load()).UTC() }
func (c *clock) add(d time.Duration) { c.at.Add(int64(d)) }

// The parties of a bench.
const (
	owner    = "did:act:home.example/owner"
	other    = "did:act:home.example/other"
	agent    = "did:act:agents.example/buyer"
	stranger = "did:act:agents.example/stranger"
	shop     = "did:act:shop.example/coffee"
	shop2    = "did:act:shop.example/tea"
	issuer   = "did:act:issuer.example/main"

	token      = "pt-owner"
	otherToken = "pt-other"
	currency   = "CNY"
)

// holds is what each of the two principals has at first: 100.00 CNY.
const holds = 100_00

// A bench is a furnished book with what a case does to it.
type bench struct {
	tester
	Book
	clock  *clock
	ctx    context.Context
	serial atomic.Int64
}

func newBench(t tester, book Book, c *clock) *bench {
	t.Helper()
	b := &bench{tester: t, Book: book, clock: c, ctx: context.Background()}
	for _, did := range []string{owner, other} {
		b.must(book.OpenPrincipal(did, currency))
		b.must(book.Deposit(did, currency, holds))
	}
	for _, did := range []string{shop, shop2} {
		b.must(book.OpenMerchant(did, currency))
	}
	b.must(book.BindToken(b.token(token, owner)))
	b.must(book.BindToken(b.token(otherToken, other)))
	return b
}

// token is one of the agent for a principal's account.
func (b *bench) token(id, principal string) provider.Token {
	return provider.Token{ID: id, Principal: principal, Agent: agent, Currency: currency, ValidFrom: start.Add(-time.Hour), ValidUntil: start.Add(24 * time.Hour)}
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatalf("unexpected: %v", err)
	}
}

// want fails unless the error has the code; "" is no error.
func (b *bench) want(err error, code protocol.Code) {
	b.Helper()
	if got := protocol.CodeOf(err); err == nil && code != "" || err != nil && got != code {
		b.Fatalf("got %v, want %q", err, code)
	}
}

// stored fails unless the error is the stored refusal of a request.
func (b *bench) stored(err error, requestID string, code protocol.Code) {
	b.Helper()
	var refusal *payment.Refusal
	if !errors.As(err, &refusal) || refusal.RequestID != requestID || refusal.Reason.Code != code {
		b.Fatalf("got %v, want %s as the stored refusal of the request", err, code)
	}
}

// passing fails unless the error is the code, and not a stored refusal.
func (b *bench) passing(err error, code protocol.Code) {
	b.Helper()
	var refusal *payment.Refusal
	if b.want(err, code); errors.As(err, &refusal) {
		b.Fatalf("%s is the stored answer, and should not be", code)
	}
}

func (b *bench) nonce() provider.Nonce {
	return provider.Nonce{Scope: "payment-request " + agent, Value: fmt.Sprintf("n-%d", b.serial.Add(1)), Until: b.clock.now().Add(10 * time.Minute)}
}

// payment is a new one within a mandate of 50.00 CNY.
func (b *bench) payment(amount int64) provider.Payment {
	n := b.serial.Add(1)
	var made protocol.Decision
	made.Pass("PSD-PAY-DEL-04", "made before")
	return provider.Payment{
		Request:  provider.Request{Agent: agent, ID: fmt.Sprintf("r-%d", n), Digest: canon.Digest(fmt.Sprintf("digest-%d", n)), Nonce: b.nonce()},
		Mandate:  provider.Mandate{Issuer: issuer, DelegationID: "m-1", Digest: "payload-1", Delegator: owner, Total: 50_00},
		Scenario: payment.ScenarioAUP, Method: "urn:act:payment:balance", Token: token, Payee: shop, Order: fmt.Sprintf("o-%d", n),
		Expires: start.Add(30 * time.Minute), Amount: amount, Currency: currency, Memo: []byte(`{"kept":"as it is"}`), Made: made,
	}
}

// instant is a new payment that the principal has to confirm.
func (b *bench) instant(amount int64) provider.Payment {
	p := b.payment(amount)
	p.Mandate, p.Scenario = provider.Mandate{}, payment.ScenarioINS
	return p
}

// again is the same request in a new transmission.
func (b *bench) again(p provider.Payment) provider.Payment {
	p.Request.Nonce = b.nonce()
	return p
}

// got is the trade that a call must have returned.
func (b *bench) got(t *provider.Trade, err error) *provider.Trade {
	b.Helper()
	if b.must(err); t == nil {
		b.Fatalf("neither a trade nor an error")
	}
	return t
}

func (b *bench) pay(p provider.Payment) *provider.Trade {
	b.Helper()
	return b.got(b.Pay(b.ctx, p))
}

func (b *bench) begin(p provider.Payment) *provider.Trade {
	b.Helper()
	t := b.got(b.Begin(b.ctx, p))
	if !t.Waiting() {
		b.Fatalf("PSD-PAY-INS-03: begun, and in state %s", t.State)
	}
	return t
}

// refusePay fails unless Pay refuses for good, and again and again.
func (b *bench) refusePay(p provider.Payment, code protocol.Code) {
	b.Helper()
	before := b.money()
	for range 2 {
		_, err := b.Pay(b.ctx, p)
		b.stored(err, p.Request.ID, code)
		p = b.again(p)
	}
	b.unmoved(before)
}

// money is what everybody has.
func (b *bench) money() (m [4]int64) {
	for i, did := range []string{owner, other, shop, shop2} {
		m[i] = b.Balance(did, currency)
	}
	return m
}

func (b *bench) unmoved(before [4]int64) {
	b.Helper()
	if now := b.money(); now != before {
		b.Fatalf("balances were %v and are %v: money moved", before, now)
	}
}

// moved fails unless exactly this left the owner for the shop.
func (b *bench) moved(amount int64) {
	b.Helper()
	if left, got := holds-b.Balance(owner, currency), b.Balance(shop, currency); left != amount || got != amount {
		b.Fatalf("%d left the owner and %d came to the shop, want %d", left, got, amount)
	}
}

// all runs n calls at once and returns what each returned. A call that
// succeeds without a trade gets an empty one.
func (b *bench) all(n int, call func(i int) (*provider.Trade, error)) ([]*provider.Trade, []error) {
	trades, errs := make([]*provider.Trade, n), make([]error, n)
	var ready, done sync.WaitGroup
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			ready.Wait()
			if trades[i], errs[i] = call(i); trades[i] == nil && errs[i] == nil {
				trades[i] = new(provider.Trade)
			}
		})
	}
	done.Wait()
	return trades, errs
}

// tally counts the codes of errors; "" is none.
func tally(errs []error) map[protocol.Code]int {
	count := make(map[protocol.Code]int)
	for _, err := range errs {
		if err == nil {
			count[""]++
		} else {
			count[protocol.CodeOf(err)]++
		}
	}
	return count
}

// split fails unless so many calls succeeded and all others got the code.
func (b *bench) split(errs []error, succeeded int, code protocol.Code) {
	b.Helper()
	got := tally(errs)
	if rest := len(errs) - succeeded; got[""] != succeeded || rest > 0 && got[code] != rest {
		b.Fatalf("of %d calls: %v, want %d that succeed and %q for the others", len(errs), got, succeeded, code)
	}
}
