package providertest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// A BindingBook is a [Book] that also keeps binding requests.
type BindingBook interface {
	Book
	provider.Bindings
}

// Bindings runs the contract of provider.Bindings: an instrument is made exactly
// when its principal agreed, once, within what was agreed, and a request has one
// answer for ever. open is that of [Ledger].
func Bindings(t *testing.T, open func(t *testing.T, now func() time.Time) BindingBook) {
	t.Helper()
	for _, c := range bindingCases() {
		t.Run(c.name, func(t *testing.T) {
			clock := newClock()
			book := open(t, clock.now)
			c.run(&binder{newBench(t, book, clock), book})
		})
	}
}

type bindingCase struct {
	name string
	run  func(*binder)
}

func bindingCases() []bindingCase {
	return []bindingCase{
		{"PSD-PMT-BND-02 a request binds nothing before the principal agrees", bindingWaits},
		{"PSD-PMT-BND-03 the token is what was agreed, and pays within it", bindingToken},
		{"PSD-PMT-BND-02 the principal may lower and never widen", bindingLowered},
		{"PSD-AGT-SUB-01 a sub-account with its key", bindingSubAccount},
		{"PSD-AGT-SUB-01 a key opens one sub-account", bindingKeyTwice},
		{"PSD-PMT-BND-05 declined for good", bindingDeclined},
		{"PSD-PMT-BND-05 too late for good", bindingLate},
		{"PSD-PMT-BND-05 a principal without an account", bindingStranger},
		{"PSD-PMT-BND-05 the first answer", bindingAnswer},
		{"PSD-PMT-BND-02 no agent fills the book", bindingFlood},
		{"PSD-PMT-BND-05 many decide at once", bindingRace},
	}
}

// A binder is a bench with a book that binds.
type binder struct {
	*bench
	book BindingBook
}

func (b *binder) amount(decimal string) money.Amount {
	b.Helper()
	c, err := money.ParseCurrency(currency)
	b.must(err)
	a, err := money.Parse(decimal, c)
	b.must(err)
	return a
}

// asked is a new request for a token of the owner's.
func (b *binder) asked() provider.Binding {
	n := b.serial.Add(1)
	return provider.Binding{
		ID: fmt.Sprintf("bind-%d", n), Agent: agent, RequestID: fmt.Sprintf("b-%d", n), Digest: canon.Digest(fmt.Sprintf("digest-%d", n)), Principal: owner,
		Asked: payment.BindingTerms{
			Instrument: payment.BindPaymentToken, Currency: b.amount("1.00").Currency(), ValidUntil: start.Add(time.Hour), Ceiling: b.amount("30.00"), Merchants: []string{shop, shop2},
		},
		Expires: start.Add(10 * time.Minute), State: provider.BindingWaiting,
	}
}

// askedSub is a new request for a sub-account of the owner's.
func (b *binder) askedSub() provider.Binding {
	r := b.asked()
	r.Asked = payment.BindingTerms{Instrument: payment.BindSubAccount, Currency: r.Asked.Currency}
	r.Key = b.key()
	return r
}

// grant agrees to all that was asked for.
func (b *binder) grant(r provider.Binding) provider.Grant {
	g := provider.Grant{Terms: r.Asked, Confirmation: provider.Confirmation{Method: "passkey:k", At: b.clock.now()}}
	if r.Asked.Instrument == payment.BindSubAccount {
		g.SubAccount = "sub-" + r.ID
	} else {
		g.Token = "tok-" + r.ID
		g.Terms.ValidFrom = start
	}
	return g
}

// asks sends a request and fails unless it has this state then.
func (b *binder) asks(r provider.Binding, want provider.BindingState) *provider.Binding {
	b.Helper()
	got, err := b.book.BeginBinding(b.ctx, r)
	b.must(err)
	if got == nil || got.State != want || got.ID != r.ID || got.Agent != r.Agent || got.RequestID != r.RequestID || got.Principal != r.Principal ||
		got.Digest != r.Digest || !got.Asked.Equal(r.Asked) || !got.Key.Equal(r.Key) || !got.Expires.Equal(r.Expires) {
		b.Fatalf("asked %+v, have %+v in place of state %s", r, got, want)
	}
	if found, err := b.book.Binding(b.ctx, r.ID); err != nil || found.State != want || found.Digest != r.Digest {
		b.Fatalf("by its id: %+v, %v", found, err)
	}
	return got
}

func (b *binder) accepts(r provider.Binding, g provider.Grant) *provider.Binding {
	b.Helper()
	got, err := b.book.AcceptBinding(b.ctx, r.ID, g)
	b.must(err)
	return got
}

// unbound fails unless the error is the stored refusal of the request, and no
// instrument is there.
func (b *binder) unbound(err error, r provider.Binding, code protocol.Code) {
	b.Helper()
	var refusal *payment.BindingRefusal
	if !errors.As(err, &refusal) || refusal.RequestID != r.RequestID || refusal.Reason.Code != code {
		b.Fatalf("got %v, want %s as the stored refusal", err, code)
	}
	if got := b.asks(r, provider.BindingRefused); got.Reason != code || got.Token != "" || got.SubAccount != "" {
		b.Fatalf("PSD-PMT-BND-05: %+v", got)
	}
	b.nothing(r)
}

// nothing fails when a request has left an instrument.
func (b *binder) nothing(r provider.Binding) {
	b.Helper()
	f, err := b.Instrument(b.ctx, provider.Instrument{Agent: agent, Token: "tok-" + r.ID})
	b.must(err)
	g, err := b.Instrument(b.ctx, provider.Instrument{Agent: agent, SubAccount: "sub-" + r.ID})
	b.must(err)
	if f.Token != nil || g.SubAccount != nil {
		b.Fatalf("PSD-PMT-BND-05: %v, %v: bound all the same", f.Token, g.SubAccount)
	}
}

func bindingWaits(b *binder) {
	r := b.asked()
	before := b.money()
	got := b.asks(r, provider.BindingWaiting)
	if !got.BoundAt.IsZero() || got.Reason != "" || got.Confirmation != (provider.Confirmation{}) {
		b.Fatalf("%+v", got)
	}
	b.nothing(r)
	b.unmoved(before)
	_, err := b.book.Binding(b.ctx, "bind-unknown")
	b.want(err, protocol.CodeContextUnknown)
	_, err = b.book.AcceptBinding(b.ctx, "bind-unknown", b.grant(r))
	b.want(err, protocol.CodeContextUnknown)
	b.want(b.book.DeclineBinding(b.ctx, "bind-unknown", protocol.CodeConfirmationFailed), protocol.CodeContextUnknown)
	for name, spoil := range map[string]func(*provider.Binding){
		"id": func(r *provider.Binding) { r.ID = "" }, "agent": func(r *provider.Binding) { r.Agent = "" }, "digest": func(r *provider.Binding) { r.Digest = "" },
		"principal": func(r *provider.Binding) { r.Principal = "" }, "end": func(r *provider.Binding) { r.Expires = time.Time{} }, "request": func(r *provider.Binding) { r.RequestID = "" },
	} {
		bad := b.asked()
		spoil(&bad)
		if _, err := b.book.BeginBinding(b.ctx, bad); protocol.CodeOf(err) != protocol.CodeFieldMissing {
			b.Fatalf("without %s: %v", name, err)
		}
	}
}

func bindingToken(b *binder) {
	r := b.asked()
	b.asks(r, provider.BindingWaiting)
	b.clock.add(90 * time.Second)
	g := b.grant(r)
	got := b.accepts(r, g)
	if got.State != provider.BindingBound || got.Token != g.Token || got.SubAccount != "" || !got.Granted.Equal(g.Terms) || got.Confirmation.Method != "passkey:k" ||
		!got.Confirmation.At.Equal(g.Confirmation.At) || !got.BoundAt.Equal(start.Add(90*time.Second)) {
		b.Fatalf("PSD-PMT-BND-03: %+v", got)
	}
	if told := b.asks(r, provider.BindingBound); told.Token != g.Token || !told.BoundAt.Equal(got.BoundAt) || !told.Granted.Equal(g.Terms) {
		b.Fatalf("told %+v, bound %+v", told, got)
	}
	pays := func(amount int64, payee string) provider.Payment {
		p := b.payment(amount)
		p.Token, p.Payee = g.Token, payee
		return p
	}
	b.pay(pays(20_00, shop))
	b.refusePay(pays(10_01, shop), protocol.CodeInstrumentInvalid) // over the ceiling
	b.pay(pays(10_00, shop2))
	theft := pays(1, shop)
	theft.Request.Agent = stranger
	b.refusePay(theft, protocol.CodeInstrumentMismatch)
	r2 := b.asked()
	r2.Asked.Merchants, r2.Asked.Ceiling = []string{shop2}, money.Amount{}
	b.asks(r2, provider.BindingWaiting)
	g2 := b.grant(r2)
	b.accepts(r2, g2)
	p := pays(1, shop)
	p.Token = g2.Token
	b.refusePay(p, protocol.CodeInstrumentInvalid) // not a merchant of the list
	b.must(b.SetTokenState(g2.Token, provider.TokenFrozen))
	p = pays(1, shop2)
	p.Token = g2.Token
	b.refusePay(p, protocol.CodeInstrumentInvalid)
	b.asks(r2, provider.BindingBound) // what was answered stays answered
}

func bindingLowered(b *binder) {
	r := b.asked()
	b.asks(r, provider.BindingWaiting)
	for name, change := range map[string]func(*provider.Grant){
		"ceiling": func(g *provider.Grant) { g.Terms.Ceiling = b.amount("30.01") }, "no ceiling": func(g *provider.Grant) { g.Terms.Ceiling = money.Amount{} },
		"end": func(g *provider.Grant) { g.Terms.ValidUntil = start.Add(time.Hour + time.Second) }, "merchants": func(g *provider.Grant) { g.Terms.Merchants = nil },
		"another merchant": func(g *provider.Grant) { g.Terms.Merchants = []string{shop, other} },
	} {
		g := b.grant(r)
		change(&g)
		if _, err := b.book.AcceptBinding(b.ctx, r.ID, g); protocol.CodeOf(err) != protocol.CodeConstraintConflict {
			b.Fatalf("PSD-PMT-BND-02 wider by %s: %v", name, err)
		}
	}
	unsure := b.grant(r)
	unsure.Confirmation = provider.Confirmation{}
	_, err := b.book.AcceptBinding(b.ctx, r.ID, unsure)
	b.want(err, protocol.CodeFieldMissing)
	b.asks(r, provider.BindingWaiting)
	b.nothing(r)
	g := b.grant(r)
	g.Terms.Ceiling, g.Terms.Merchants, g.Terms.ValidUntil = b.amount("5.00"), []string{shop2}, start.Add(time.Minute)
	if got := b.accepts(r, g); !got.Granted.Equal(g.Terms) || !got.Asked.Equal(r.Asked) {
		b.Fatalf("%+v", got)
	}
	f, err := b.Instrument(b.ctx, provider.Instrument{Agent: agent, Token: g.Token})
	b.must(err)
	if f.Token.Ceiling != 5_00 || len(f.Token.Merchants) != 1 || f.Token.Merchants[0] != shop2 || !f.Token.ValidUntil.Equal(start.Add(time.Minute)) || f.Token.State != provider.TokenActive {
		b.Fatalf("PSD-PMT-BND-03: %+v", f.Token)
	}
}

func bindingSubAccount(b *binder) {
	r := b.askedSub()
	r.Asked.Single, r.Asked.Within, r.Asked.Period = b.amount("10.00"), b.amount("15.00"), time.Hour
	b.asks(r, provider.BindingWaiting)
	g := b.grant(r)
	if got := b.accepts(r, g); got.SubAccount != g.SubAccount || got.Token != "" {
		b.Fatalf("%+v", got)
	}
	s, err := b.SubAccount(b.ctx, g.SubAccount)
	b.must(err)
	want := provider.Limits{Single: 10_00, Within: 15_00, Period: time.Hour}
	if s.Agent != agent || s.Principal != owner || !s.Key.Equal(r.Key) || s.State != provider.SubAccountActive || s.Limits != want {
		b.Fatalf("PSD-AGT-SUB-01: %+v", s)
	}
	b.must(b.FundSubAccount(g.SubAccount, 40_00))
	pays := func(amount int64) provider.Payment {
		p := b.payment(amount)
		p.Token, p.SubAccount, p.SubAccountKey = "", g.SubAccount, r.Key.Thumbprint()
		return p
	}
	b.pay(pays(10_00))
	b.refusePay(pays(10_01), protocol.CodeSingleLimitExceeded)
	b.refusePay(pays(5_01), protocol.CodeTotalLimitExceeded)
}

func bindingKeyTwice(b *binder) {
	r := b.askedSub()
	b.asks(r, provider.BindingWaiting)
	b.accepts(r, b.grant(r))
	again := b.askedSub()
	again.Key = r.Key
	b.asks(again, provider.BindingWaiting)
	_, err := b.book.AcceptBinding(b.ctx, again.ID, b.grant(again))
	b.unbound(err, again, protocol.CodeSubAccountKey)
	keyless := b.askedSub()
	keyless.Key = b.asked().Key
	_, err = b.book.BeginBinding(b.ctx, keyless)
	b.want(err, protocol.CodeFieldInvalid)
}

func bindingDeclined(b *binder) {
	for _, code := range []protocol.Code{protocol.CodeConfirmationFailed, protocol.CodeRiskRefused} {
		r := b.asked()
		b.asks(r, provider.BindingWaiting)
		b.must(b.book.DeclineBinding(b.ctx, r.ID, code))
		b.must(b.book.DeclineBinding(b.ctx, r.ID, protocol.CodeConfirmationFailed)) // keeps its first code
		_, err := b.book.AcceptBinding(b.ctx, r.ID, b.grant(r))
		b.unbound(err, r, code)
	}
	r := b.asked()
	b.asks(r, provider.BindingWaiting)
	b.want(b.book.DeclineBinding(b.ctx, r.ID, protocol.CodeReplayed), protocol.CodeFieldInvalid)
	b.accepts(r, b.grant(r))
	b.want(b.book.DeclineBinding(b.ctx, r.ID, protocol.CodeConfirmationFailed), protocol.CodeStateConflict)
	b.asks(r, provider.BindingBound)
}

func bindingLate(b *binder) {
	r, unseen := b.asked(), b.asked()
	b.asks(r, provider.BindingWaiting)
	b.asks(unseen, provider.BindingWaiting)
	b.clock.add(10*time.Minute - time.Second)
	b.asks(r, provider.BindingWaiting)
	b.clock.add(time.Second)
	_, err := b.book.AcceptBinding(b.ctx, unseen.ID, b.grant(unseen))
	b.unbound(err, unseen, protocol.CodeConfirmationFailed)
	b.asks(r, provider.BindingRefused)
	b.clock.add(-5 * time.Minute) // who was told so does not see it bound later
	_, err = b.book.AcceptBinding(b.ctx, r.ID, b.grant(r))
	b.unbound(err, r, protocol.CodeConfirmationFailed)
	over := b.asked()
	over.Asked.ValidUntil = start
	b.asks(over, provider.BindingWaiting)
	g := b.grant(over)
	g.Terms.ValidFrom = start.Add(-time.Hour)
	_, err = b.book.AcceptBinding(b.ctx, over.ID, g)
	b.want(err, protocol.CodeFieldInvalid)
	b.asks(over, provider.BindingWaiting)
}

func bindingStranger(b *binder) {
	for _, principal := range []string{"did:act:home.example/nobody", shop} { // not here, and only a merchant
		r := b.asked()
		r.Principal = principal
		b.asks(r, provider.BindingWaiting)
		_, err := b.book.AcceptBinding(b.ctx, r.ID, b.grant(r))
		b.unbound(err, r, protocol.CodeInstrumentInvalid)
		s := b.askedSub()
		s.Principal = principal
		b.asks(s, provider.BindingWaiting)
		_, err = b.book.AcceptBinding(b.ctx, s.ID, b.grant(s))
		b.unbound(err, s, protocol.CodeInstrumentInvalid)
	}
}

func bindingAnswer(b *binder) {
	r := b.asked()
	b.asks(r, provider.BindingWaiting)
	again := r
	again.ID, again.Expires = "bind-other", r.Expires.Add(time.Hour) // a later transmission gets the first page and its end
	got, err := b.book.BeginBinding(b.ctx, again)
	b.must(err)
	if got.ID != r.ID || !got.Expires.Equal(r.Expires) {
		b.Fatalf("%+v", got)
	}
	other := r
	other.ID, other.Digest = "bind-other", "another"
	_, err = b.book.BeginBinding(b.ctx, other)
	b.want(err, protocol.CodeRequestConflict)
	theirs := b.asked()
	theirs.Agent, theirs.RequestID = stranger, r.RequestID
	b.asks(theirs, provider.BindingWaiting)
	first := b.accepts(r, b.grant(r))
	g := b.grant(r)
	g.Token, g.Terms.Ceiling = "tok-second", b.amount("1.00")
	if second := b.accepts(r, g); second.Token != first.Token || !second.Granted.Equal(first.Granted) {
		b.Fatalf("PSD-PMT-BND-05: bound twice: %+v, %+v", first, second)
	}
	f, err := b.Instrument(b.ctx, provider.Instrument{Agent: agent, Token: "tok-second"})
	b.must(err)
	if f.Token != nil {
		b.Fatalf("a second token: %+v", f.Token)
	}
	_, err = b.book.BeginBinding(b.ctx, other)
	b.want(err, protocol.CodeRequestConflict)
}

func bindingFlood(b *binder) {
	var all []provider.Binding
	for range provider.MaxOpenBindings {
		all = append(all, b.asked())
		b.asks(all[len(all)-1], provider.BindingWaiting)
	}
	more := b.asked()
	_, err := b.book.BeginBinding(b.ctx, more)
	b.want(err, protocol.CodeTooManyRequests)
	_, err = b.book.Binding(b.ctx, more.ID)
	b.want(err, protocol.CodeContextUnknown)
	b.asks(all[0], provider.BindingWaiting) // those that are known are answered
	theirs := b.asked()
	theirs.Agent = stranger
	b.asks(theirs, provider.BindingWaiting)
	b.must(b.book.DeclineBinding(b.ctx, all[0].ID, protocol.CodeConfirmationFailed))
	b.asks(more, provider.BindingWaiting)
	b.clock.add(10 * time.Minute)
	late := b.asked()
	late.Expires = late.Expires.Add(time.Hour)
	b.asks(late, provider.BindingWaiting)
}

func bindingRace(b *binder) {
	r := b.askedSub()
	b.asks(r, provider.BindingWaiting)
	const n = 12
	_, errs := b.all(n, func(i int) (*provider.Trade, error) {
		if i%3 == 0 {
			return nil, b.book.DeclineBinding(b.ctx, r.ID, protocol.CodeConfirmationFailed)
		}
		g := b.grant(r)
		g.SubAccount = fmt.Sprintf("sub-race-%d", i)
		_, err := b.book.AcceptBinding(b.ctx, r.ID, g)
		return nil, err
	})
	end, err := b.book.Binding(b.ctx, r.ID)
	b.must(err)
	opened := 0
	for i := range n {
		if _, err := b.SubAccount(b.ctx, fmt.Sprintf("sub-race-%d", i)); err == nil {
			opened++
		}
	}
	count := tally(errs)
	switch {
	case end.State == provider.BindingBound && opened == 1 && count[""] == 8 && count[protocol.CodeStateConflict] == 4:
	case end.State == provider.BindingRefused && opened == 0 && count[""] == 4 && count[protocol.CodeConfirmationFailed] == 8:
	default:
		b.Fatalf("state %s, %d opened, %v", end.State, opened, count)
	}
	// A key that two requests want opens one sub-account.
	one, two := b.askedSub(), b.askedSub()
	two.Key = one.Key
	b.asks(one, provider.BindingWaiting)
	b.asks(two, provider.BindingWaiting)
	_, errs = b.all(2, func(i int) (*provider.Trade, error) {
		r := []provider.Binding{one, two}[i]
		_, err := b.book.AcceptBinding(b.ctx, r.ID, b.grant(r))
		return nil, err
	})
	b.split(errs, 1, protocol.CodeSubAccountKey)
}
