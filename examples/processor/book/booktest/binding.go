package booktest

import (
	"fmt"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// undecided holds that what nobody decides is kept for its time and not for
// ever, and what somebody decided is: strangers with invented names fill no
// book.
func undecided(d *desk) {
	ctx := d.Context()
	d.furnish(1)
	begin := func(agent, id, page string) *provider.Binding {
		d.Helper()
		terms := payment.BindingTerms{Instrument: payment.BindPaymentToken, Currency: money.MustParse("1.00", "CNY").Currency(), ValidUntil: d.now().Add(96 * time.Hour).Truncate(time.Second)}
		b, err := d.BeginBinding(ctx, provider.Binding{
			ID: page, Agent: agent, RequestID: id, Digest: "d", Principal: ann, Asked: terms, Expires: d.now().Add(time.Hour).Truncate(time.Second), State: provider.BindingWaiting,
		})
		d.must(err)
		return b
	}
	stranger := func(i int) string { return fmt.Sprintf("did:act:nobody.example/%d", i) }
	bound, declined := begin(shopper, "bound", "bind-bound"), begin(shopper, "declined", "bind-declined")
	g := provider.Grant{Terms: bound.Asked, Token: "tok-bound", Confirmation: provider.Confirmation{Method: "test", At: d.now()}}
	g.Terms.ValidFrom = d.now().Truncate(time.Second)
	_, err := d.AcceptBinding(ctx, bound.ID, g)
	d.must(err, d.DeclineBinding(ctx, declined.ID, protocol.CodeConfirmationFailed))
	for i := range 20 {
		begin(stranger(i), "b", fmt.Sprintf("bind-%d", i))
	}
	if seen, err := d.Binding(ctx, "bind-3"); err != nil || seen.State != provider.BindingWaiting {
		d.Errorf("%+v, %v", seen, err)
	}
	d.later(time.Hour + provider.BindingKept - 2*time.Second)
	for i := range 2 { // some are met in their time, and some are not
		if b := begin(stranger(i), "b", "bind-other"); b.ID != fmt.Sprintf("bind-%d", i) || b.Reason != protocol.CodeConfirmationFailed {
			d.Errorf("in its time: %+v", b)
		}
	}
	begin("did:act:nobody.example/late", "b", "bind-late") // this one's begin could have forgotten them
	for i := range 20 {
		if b, err := d.Binding(ctx, fmt.Sprintf("bind-%d", i)); err != nil || b.State != provider.BindingRefused {
			d.Fatalf("request %d is forgotten too early: %+v, %v", i, b, err)
		}
	}
	d.later(3 * time.Second)
	for i := range 2 {
		begin("did:act:nobody.example/later", fmt.Sprint(i), fmt.Sprintf("bind-later-%d", i))
	}
	for i := range 20 {
		_, err := d.Binding(ctx, fmt.Sprintf("bind-%d", i))
		d.want(err, protocol.CodeContextUnknown)
	}
	if b := begin(stranger(0), "b", "bind-again"); b.ID != "bind-again" || b.State != provider.BindingWaiting {
		d.Errorf("it does not begin anew: %+v", b)
	}
	if b := begin(shopper, "bound", "bind-other"); b.ID != bound.ID || b.Token != "tok-bound" {
		d.Errorf("a binding is forgotten: %+v", b)
	}
	if b := begin(shopper, "declined", "bind-other"); b.ID != declined.ID || b.State != provider.BindingRefused {
		d.Errorf("what the principal declined is forgotten: %+v", b)
	}
	if list, err := d.ListBindings(ctx, 100); err != nil || len(list) != 6 {
		d.Errorf("%d are listed, %v", len(list), err)
	}
}
