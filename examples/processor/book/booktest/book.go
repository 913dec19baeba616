package booktest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
	"github.com/actprotocol/act-go/provider/providertest"
)

// Book runs the contract of book.Book: those of provider.Ledger and
// provider.Bindings, that of passkeys, that of notices and statements, and what
// the desk, the cashier and the reports rely on. Each book is audited in the
// end. open returns a fresh, empty book that reads the given clock and nothing
// else to know the time.
//
// It does not try crashes: that an answer is durable is the store's own to test.
func Book(t *testing.T, open func(t *testing.T, now func() time.Time) book.Book) {
	t.Run("ledger", func(t *testing.T) {
		providertest.Ledger(t, func(t *testing.T, now func() time.Time) providertest.Book {
			b := open(t, now)
			t.Cleanup(func() { sound(t, b) })
			return &adapter{Book: b, t: t}
		})
	})
	t.Run("bindings", func(t *testing.T) {
		providertest.Bindings(t, func(t *testing.T, now func() time.Time) providertest.BindingBook {
			b := open(t, now)
			t.Cleanup(func() { sound(t, b) })
			return &adapter{Book: b, t: t}
		})
	})
	t.Run("passkeys", func(t *testing.T) { Passkeys(t, open) })
	t.Run("money", func(t *testing.T) { Money(t, open) })
	for _, c := range []struct {
		name string
		run  func(*desk)
	}{
		{"accounts and deposits", accounts},
		{"PSD-PAY-INS-02 names of merchants", names},
		{"ADD-IAC-ISS-10 issuers", issuers},
		{"PSD-PMT-BND-04 states of a token", tokens},
		{"PSD-AGT-SUB-02 causes of a freeze", freezes},
		{"PSD-AGT-SUB-06 money of a sub-account", purses},
		{"PSD-PAY-INS-03 devices", devices},
		{"PSD-PMT-BND-05 binding requests that nobody decides", undecided},
		{"PSD-PAY-A402-24 the outbox has several consumers", outbox},
		{"PSD-PAY-DEL-13 notices of merchants", notices},
		{"PSD-PAY-AUP-05 task bill and settlement", statements},
		{"PSD-PAY-DEL-07 under contention", contention},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := &desk{T: t}
			d.at.Store(passkeyStart.UnixNano())
			d.Book = open(t, func() time.Time { return time.Unix(0, d.at.Load()).UTC() })
			c.run(d)
			sound(t, d.Book)
		})
	}
}

// sound audits a book.
func sound(t *testing.T, b book.Book) *book.Report {
	t.Helper()
	r, err := b.Audit(context.Background())
	if err != nil {
		t.Fatalf("audit: %s", Explain(err))
	}
	for _, p := range r.Problems {
		t.Errorf("audit: %s", p)
	}
	return r
}

// An adapter lets the contract of provider.Ledger arrange a book.
type adapter struct {
	book.Book
	t      testing.TB
	serial atomic.Int64
}

func (a *adapter) OpenPrincipal(did, currency string) error {
	return a.OpenAccount(context.Background(), did, book.Principal, currency)
}

func (a *adapter) OpenMerchant(did, currency string) error {
	return a.OpenAccount(context.Background(), did, book.Merchant, currency)
}

func (a *adapter) Deposit(did, currency string, amount int64) error {
	return a.Book.Deposit(context.Background(), book.Deposit{ID: fmt.Sprintf("d-%d", a.serial.Add(1)), Owner: did, Currency: currency, Amount: amount})
}

func (a *adapter) Balance(owner, currency string) int64 {
	return balance(a.t, a.Book, owner, currency)
}

func (a *adapter) BindToken(k provider.Token) error {
	return a.Book.BindToken(context.Background(), k)
}

func (a *adapter) SetTokenState(id string, s provider.TokenState) error {
	return a.Book.SetTokenState(context.Background(), id, s)
}

func (a *adapter) OpenSubAccount(s provider.SubAccount) error {
	return a.Book.OpenSubAccount(context.Background(), book.SubAccount{SubAccount: s})
}

func (a *adapter) FundSubAccount(id string, amount int64) error {
	return a.TopUp(context.Background(), book.TopUp{ID: fmt.Sprintf("t-%d", a.serial.Add(1)), SubAccount: id, Amount: amount})
}

func (a *adapter) SubAccountBalance(id string) int64 { return balance(a.t, a.Book, id, "CNY") }

func (a *adapter) SetSubAccountState(id string, s provider.SubAccountState) error {
	return a.Book.SetSubAccountState(context.Background(), id, s, book.ByPrincipal)
}

func balance(t testing.TB, b book.Book, owner, currency string) int64 {
	t.Helper()
	accounts, err := b.Accounts(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range accounts {
		if a.Owner == owner && a.Currency == currency {
			return a.Balance
		}
	}
	return 0
}

// A desk is a book with what a case does to it.
type desk struct {
	*testing.T
	book.Book
	at     atomic.Int64
	serial atomic.Int64
}

const (
	buyer  = "did:act:agents.example/buyer"
	issuer = "did:act:issuer.example/main"
)

func (d *desk) want(err error, code protocol.Code) {
	d.Helper()
	if got := protocol.CodeOf(err); got != code || code == "" && err != nil {
		d.Fatalf("got %v, want %q", err, code)
	}
}

func (d *desk) must(errs ...error) {
	d.Helper()
	if err := errors.Join(errs...); err != nil {
		d.Fatal(err)
	}
}

func (d *desk) now() time.Time         { return time.Unix(0, d.at.Load()).UTC() }
func (d *desk) later(by time.Duration) { d.at.Add(int64(by)) }
func (d *desk) id(prefix string) string {
	return fmt.Sprintf("%s-%d", prefix, d.serial.Add(1))
}

// furnish opens ann with so much money and a token pt-ann, and the mall.
func (d *desk) furnish(money int64) {
	d.Helper()
	ctx := d.Context()
	d.must(
		d.OpenAccount(ctx, ann, book.Principal, "CNY"), d.OpenAccount(ctx, ben, book.Principal, "CNY"), d.OpenAccount(ctx, mall, book.Merchant, "CNY"),
		d.Deposit(ctx, book.Deposit{ID: d.id("d"), Owner: ann, Currency: "CNY", Amount: money}),
		d.BindToken(ctx, provider.Token{ID: "pt-ann", Principal: ann, Agent: buyer, Currency: "CNY", ValidFrom: passkeyStart.Add(-time.Hour), ValidUntil: passkeyStart.AddDate(0, 1, 0)}),
	)
}

// payment is a new one of the buyer, with ann's token, under a mandate of 50.00.
func (d *desk) payment(amount int64) provider.Payment {
	id := d.id("r")
	return provider.Payment{
		Request:  provider.Request{Agent: buyer, ID: id, Digest: canon.Digest("digest of " + id), Nonce: provider.Nonce{Scope: buyer, Value: "n-" + id, Until: d.now().Add(10 * time.Minute)}},
		Mandate:  provider.Mandate{Issuer: issuer, DelegationID: "m-1", Digest: "payload-1", Delegator: ann, Total: 50_00},
		Scenario: payment.ScenarioDEL, Method: "urn:act:payment:balance", Token: "pt-ann", Payee: mall, Order: "order of " + id,
		Expires: d.now().Add(time.Hour), Amount: amount, Currency: "CNY",
	}
}

func (d *desk) pay(p provider.Payment) *provider.Trade {
	d.Helper()
	trade, err := d.Pay(d.Context(), p)
	if err != nil {
		d.Fatal(err)
	}
	return trade
}

func (d *desk) refund(trade *provider.Trade, amount int64) *provider.Refund {
	d.Helper()
	id := d.id("refund")
	r, err := d.Refund(d.Context(), provider.RefundRequest{
		Merchant: trade.Payee, ID: id, Digest: canon.Digest("digest of " + id), TradeNo: trade.No, Amount: amount, Currency: trade.Currency, Reason: payment.RefundReturned,
	})
	if err != nil {
		d.Fatal(err)
	}
	return r
}

func newKey(t testing.TB) keys.PublicKey {
	t.Helper()
	private, err := keys.Generate(keys.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.NewPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return key
}
