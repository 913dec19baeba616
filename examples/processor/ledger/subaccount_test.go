package ledger

import (
	"context"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/provider"
)

func subAccount(t testing.TB, l *Ledger, id string) book.SubAccount {
	t.Helper()
	all, err := l.SubAccounts(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if a.ID == id {
			return a
		}
	}
	t.Fatalf("no sub-account %s", id)
	return book.SubAccount{}
}

func TestSubAccountOpens(t *testing.T) {
	l, _ := furnished(t)
	ctx := context.Background()
	good := book.SubAccount{SubAccount: provider.SubAccount{ID: sub, Principal: principal, Agent: agent, Currency: "CNY", Key: newKey(t)}}
	for _, tc := range []struct {
		name   string
		change func(*book.SubAccount)
		want   protocol.Code
	}{
		{"PSD-AGT-SUB-01 no agent", func(a *book.SubAccount) { a.Agent = "" }, protocol.CodeFieldMissing},
		{"PSD-AGT-SUB-01 no key", func(a *book.SubAccount) { a.Key = keys.PublicKey{} }, protocol.CodeFieldMissing},
		{"PSD-AGT-SUB-01 a principal without account", func(a *book.SubAccount) { a.Principal = "did:act:home.example/nobody" }, protocol.CodeInstrumentInvalid},
		{"PSD-AGT-SUB-01 a merchant is no principal", func(a *book.SubAccount) { a.Principal = shop }, protocol.CodeInstrumentInvalid},
		{"PSD-AGT-SUB-01 another currency than the account's", func(a *book.SubAccount) { a.Currency = "JPY" }, protocol.CodeInstrumentInvalid},
		{"PSD-AGT-SUB-06 a limit below zero", func(a *book.SubAccount) { a.BalanceLimit = -1 }, protocol.CodeFieldInvalid},
		{"PSD-AGT-SUB-06 a period without limit", func(a *book.SubAccount) { a.Limits.Period = time.Hour }, protocol.CodeFieldInvalid},
		{"PSD-AGT-SUB-06 a limit without period", func(a *book.SubAccount) { a.Limits.Within = 1 }, protocol.CodeFieldInvalid},
		{"PSD-AGT-SUB-06 a period of half a second", func(a *book.SubAccount) { a.Limits.Within, a.Limits.Period = 1, time.Second/2 }, protocol.CodeFieldInvalid},
		{"the id of an account", func(a *book.SubAccount) { a.ID = shop }, protocol.CodeStateConflict},
		{"the world's id", func(a *book.SubAccount) { a.ID = book.External }, protocol.CodeStateConflict},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := good
			tc.change(&a)
			wantCode(t, l.OpenSubAccount(ctx, a), tc.want)
			if all, err := l.SubAccounts(ctx); err != nil || len(all) != 0 {
				t.Errorf("PSD-PMT-BND-05: a failed opening left %+v, %v", all, err)
			}
		})
	}
	if err := l.OpenSubAccount(ctx, good); err != nil {
		t.Fatal(err)
	}
	again := good
	again.Key = newKey(t)
	wantCode(t, l.OpenSubAccount(ctx, again), protocol.CodeStateConflict)
	again = good
	again.ID = "sub-2"
	wantCode(t, l.OpenSubAccount(ctx, again), protocol.CodeStateConflict)
	got := subAccount(t, l, sub)
	if got.State != provider.SubAccountActive || got.Balance != 0 || got.Agent != agent || got.Principal != principal || !got.Key.Equal(good.Key) || !got.OpenedAt.Equal(start) {
		t.Errorf("%+v", got)
	}
	t.Run("money comes from the principal only", func(t *testing.T) {
		wantCode(t, l.Deposit(ctx, book.Deposit{ID: "d-9", Owner: sub, Currency: "CNY", Amount: 1}), protocol.CodeInstrumentInvalid)
		wantCode(t, l.OpenAccount(ctx, sub, book.Merchant, "CNY"), protocol.CodeStateConflict)
		wantCode(t, l.BindToken(ctx, provider.Token{ID: "pt-s", Principal: sub, Agent: agent, Currency: "CNY", ValidFrom: start, ValidUntil: start.Add(time.Hour)}), protocol.CodeInstrumentInvalid)
		p := newPayment(1)
		p.Payee = sub
		_, err := l.Pay(ctx, p)
		wantCode(t, err, protocol.CodeMerchantNotAllowed)
	})
	sound(t, l)
}

func TestTopUp(t *testing.T) {
	l, _ := furnished(t)
	ctx := context.Background()
	openSub(t, l, 0, func(a *book.SubAccount) { a.BalanceLimit = 30_00 })
	first := book.TopUp{ID: "t-a", SubAccount: sub, Amount: 20_00}
	for _, tc := range []struct {
		name string
		u    book.TopUp
		want protocol.Code
	}{
		{"PSD-AGT-SUB-02 tops up", first, ""},
		{"the same again does nothing", first, ""},
		{"another under the same id", book.TopUp{ID: "t-a", SubAccount: sub, Amount: 1}, protocol.CodeRequestConflict},
		{"PSD-AGT-SUB-06 over the balance limit", book.TopUp{ID: "t-b", SubAccount: sub, Amount: 10_01}, protocol.CodeSingleLimitExceeded},
		{"more than the principal has", book.TopUp{ID: "t-c", SubAccount: sub, Amount: 80_01}, protocol.CodeBalanceInsufficient},
		{"nothing", book.TopUp{ID: "t-d", SubAccount: sub}, protocol.CodeFieldInvalid},
		{"PSD-AGT-SUB-05 not opened", book.TopUp{ID: "t-e", SubAccount: "sub-none", Amount: 1}, protocol.CodeSubAccountUnknown},
		{"no id", book.TopUp{SubAccount: sub, Amount: 1}, protocol.CodeFieldMissing},
	} {
		t.Run(tc.name, func(t *testing.T) { wantCode(t, l.TopUp(ctx, tc.u), tc.want) })
	}
	if main, own := balance(t, l, principal), balance(t, l, sub); main != 80_00 || own != 20_00 {
		t.Errorf("the principal has %d, the sub-account %d", main, own)
	}
	entries, err := l.Entries(ctx, sub, "CNY", 0)
	if err != nil || len(entries) != 1 || entries[0].Cause != "top-up" || entries[0].CauseID != "t-a" {
		t.Errorf("%+v, %v", entries, err)
	}
	sound(t, l)
}

func TestSubAccountStates(t *testing.T) {
	const active, frozen, cancelled = provider.SubAccountActive, provider.SubAccountFrozen, provider.SubAccountCancelled
	l, _ := furnished(t)
	ctx := context.Background()
	a := openSub(t, l, 20_00, nil)
	pays := func(want protocol.Code) {
		t.Helper()
		_, err := l.Pay(ctx, fromSub(a, 1_00))
		wantCode(t, err, want)
	}
	for i, step := range []struct {
		to    provider.SubAccountState
		cause book.StateCause
		want  protocol.Code
		pays  protocol.Code
	}{
		{frozen, book.ByPrincipal, "", protocol.CodeSubAccountFrozen},
		{frozen, book.ByPrincipal, "", protocol.CodeSubAccountFrozen},
		{active, book.ByPrincipal, "", ""},
		{frozen, book.ForRisk, "", protocol.CodeSubAccountFrozen},
		{active, book.ByPrincipal, protocol.CodeActorRefused, protocol.CodeSubAccountFrozen},
		{active, book.ForIdentity, protocol.CodeActorRefused, protocol.CodeSubAccountFrozen},
		{active, book.ForRisk, "", ""},
		{frozen, book.ByPrincipal, "", protocol.CodeSubAccountFrozen},
		{frozen, book.ForIdentity, "", protocol.CodeSubAccountFrozen}, // beside it
		{active, book.ByPrincipal, "", protocol.CodeSubAccountFrozen},
		{active, book.ByPrincipal, protocol.CodeActorRefused, protocol.CodeSubAccountFrozen},
		{active, book.ForIdentity, "", ""},
		{"gone", book.ByPrincipal, protocol.CodeFieldInvalid, ""},
		{frozen, "mood", protocol.CodeFieldInvalid, ""},
		{cancelled, book.ByPrincipal, "", protocol.CodeSubAccountCancelled},
		{cancelled, book.ForRisk, "", protocol.CodeSubAccountCancelled},
		{active, book.ByPrincipal, protocol.CodeSubAccountCancelled, protocol.CodeSubAccountCancelled},
		{frozen, book.ForRisk, protocol.CodeSubAccountCancelled, protocol.CodeSubAccountCancelled},
	} {
		if err := l.SetSubAccountState(ctx, sub, step.to, step.cause); protocol.CodeOf(err) != step.want {
			t.Fatalf("PSD-AGT-SUB-02 step %d: %v, want %q", i, err, step.want)
		}
		pays(step.pays)
	}
	t.Run("PSD-AGT-SUB-02 what is left flows back when it is cancelled", func(t *testing.T) {
		got := subAccount(t, l, sub)
		if got.State != cancelled || got.Balance != 0 || got.Spent != 5_00 || balance(t, l, principal) != 95_00 || balance(t, l, shop) != 5_00 {
			t.Errorf("%+v, principal %d, shop %d", got, balance(t, l, principal), balance(t, l, shop))
		}
		wantCode(t, l.TopUp(ctx, book.TopUp{ID: "late", SubAccount: sub, Amount: 1}), protocol.CodeSubAccountCancelled)
	})
	t.Run("PSD-AGT-SUB-03 the key stays disabled", func(t *testing.T) {
		b := book.SubAccount{SubAccount: provider.SubAccount{ID: "sub-2", Principal: principal, Agent: agent, Currency: "CNY", Key: a.Key}}
		wantCode(t, l.OpenSubAccount(ctx, b), protocol.CodeStateConflict)
	})
	wantCode(t, l.SetSubAccountState(ctx, "sub-none", frozen, book.ForRisk), protocol.CodeSubAccountUnknown)
	_, err := l.SubAccount(ctx, "sub-none")
	wantCode(t, err, protocol.CodeSubAccountUnknown)
	sound(t, l)
}

func TestAgentsIdentityLapses(t *testing.T) {
	l, _ := furnished(t)
	ctx := context.Background()
	for _, id := range []string{"sub-a", "sub-b", "sub-c"} {
		openSub(t, l, 5_00, func(a *book.SubAccount) { a.ID = id })
	}
	openSub(t, l, 5_00, func(a *book.SubAccount) { a.ID, a.Agent = "sub-other", "did:act:home.example/other" })
	if err := l.SetSubAccountState(ctx, "sub-c", provider.SubAccountCancelled, book.ByPrincipal); err != nil {
		t.Fatal(err)
	}
	if n, err := l.SetAgentSubAccounts(ctx, agent, provider.SubAccountFrozen, book.ForIdentity); n != 2 || err != nil {
		t.Fatalf("PSD-AGT-SUB-02: %d, %v", n, err)
	}
	for id, want := range map[string]provider.SubAccountState{
		"sub-a": provider.SubAccountFrozen, "sub-b": provider.SubAccountFrozen, "sub-c": provider.SubAccountCancelled, "sub-other": provider.SubAccountActive,
	} {
		if got := subAccount(t, l, id); got.State != want {
			t.Errorf("%s is %s, want %s", id, got.State, want)
		}
	}
	if err := l.SetSubAccountState(ctx, "sub-b", provider.SubAccountActive, book.ForIdentity); err != nil {
		t.Fatal(err)
	}
	if err := l.SetSubAccountState(ctx, "sub-b", provider.SubAccountFrozen, book.ForRisk); err != nil {
		t.Fatal(err)
	}
	t.Run("all or none", func(t *testing.T) {
		_, err := l.SetAgentSubAccounts(ctx, agent, provider.SubAccountActive, book.ForIdentity)
		wantCode(t, err, protocol.CodeActorRefused)
		if got := subAccount(t, l, "sub-a"); got.State != provider.SubAccountFrozen {
			t.Errorf("sub-a is %s", got.State)
		}
	})
	_, err := l.SetAgentSubAccounts(ctx, agent, "gone", book.ForRisk)
	wantCode(t, err, protocol.CodeFieldInvalid)
	sound(t, l)
}

// TestSubAccountFailures: each has a code of its own (PSD-AGT-SUB-05).
func TestSubAccountFailures(t *testing.T) {
	for _, tc := range []struct {
		name   string
		open   func(*book.SubAccount)
		change func(*testing.T, *Ledger, *provider.Payment)
		want   protocol.Code
	}{
		{"PSD-AGT-SUB-05 unopened", nil, func(_ *testing.T, _ *Ledger, p *provider.Payment) { p.SubAccount = "sub-none" }, protocol.CodeSubAccountUnknown},
		{"PSD-AGT-SUB-05 balance", nil, func(_ *testing.T, _ *Ledger, p *provider.Payment) { p.Amount = 20_01 }, protocol.CodeBalanceInsufficient},
		{"PSD-AGT-SUB-04 another agent", nil, func(_ *testing.T, _ *Ledger, p *provider.Payment) { p.Request.Agent = "did:act:home.example/other" }, protocol.CodeInstrumentMismatch},
		{"PSD-PAY-DEL-09 another principal", nil, func(_ *testing.T, _ *Ledger, p *provider.Payment) {
			p.Mandate.Delegator, p.Mandate.DelegationID = "did:act:home.example/other", "m-2"
		}, protocol.CodePrincipalMismatch},
		{"PSD-AGT-SUB-04 another key", nil, func(t *testing.T, _ *Ledger, p *provider.Payment) { p.SubAccountKey = newKey(t).Thumbprint() }, protocol.CodeSubAccountKey},
		{"PSD-AGT-SUB-06 one payment", func(a *book.SubAccount) { a.Limits.Single = 4_99 }, nil, protocol.CodeSingleLimitExceeded},
		{"PSD-AGT-SUB-06 in all", func(a *book.SubAccount) { a.Limits.Total = 9_99 }, paidBefore, protocol.CodeTotalLimitExceeded},
		{"PSD-AGT-SUB-06 in a period", func(a *book.SubAccount) { a.Limits.Within, a.Limits.Period = 9_99, time.Hour }, paidBefore, protocol.CodeTotalLimitExceeded},
		{"PSD-AGT-SUB-06 under one mandate", func(a *book.SubAccount) { a.TaskLimit = 9_99 }, paidBefore, protocol.CodeTotalLimitExceeded},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l, _ := furnished(t)
			a := openSub(t, l, 20_00, tc.open)
			p := fromSub(a, 5_00)
			if tc.change != nil {
				tc.change(t, l, &p)
			}
			before := balance(t, l, sub)
			_, err := l.Pay(context.Background(), p)
			wantCode(t, err, tc.want)
			if got := balance(t, l, sub); got != before {
				t.Errorf("%d, was %d", got, before)
			}
			sound(t, l)
		})
	}
}

// paidBefore makes a payment of five yuan from the same sub-account under the
// same mandate.
func paidBefore(t *testing.T, l *Ledger, p *provider.Payment) {
	first := newPayment(5_00)
	first.Token, first.SubAccount, first.SubAccountKey = "", p.SubAccount, p.SubAccountKey
	mustPay(t, l, first)
}

func TestPeriodAndTaskEnd(t *testing.T) {
	l, c := furnished(t)
	a := openSub(t, l, 40_00, func(a *book.SubAccount) {
		a.Limits.Within, a.Limits.Period, a.TaskLimit = 6_00, 10*time.Minute, 12_00
	})
	other := fromSub(a, 6_00)
	other.Mandate.DelegationID = "m-2"
	mustPay(t, l, fromSub(a, 6_00))
	_, err := l.Pay(context.Background(), fromSub(a, 1))
	wantCode(t, err, protocol.CodeTotalLimitExceeded)
	c.add(10*time.Minute + time.Second)
	mustPay(t, l, fromSub(a, 6_00))
	c.add(10*time.Minute + time.Second)
	_, err = l.Pay(context.Background(), fromSub(a, 1))
	wantCode(t, err, protocol.CodeTotalLimitExceeded) // the task's
	mustPay(t, l, other)
	if got := subAccount(t, l, sub); got.Spent != 18_00 || got.Balance != 22_00 {
		t.Errorf("%+v", got)
	}
	sound(t, l)
}

func TestNames(t *testing.T) {
	l, _ := furnished(t)
	ctx := context.Background()
	want := func(name string) {
		t.Helper()
		if got, err := l.NameOf(ctx, shop); err != nil || got != name {
			t.Errorf("%q, %v", got, err)
		}
	}
	want("")
	for _, name := range []string{"Coffee", "Coffee", "Tea", "Coffee"} {
		if err := l.Name(ctx, shop, name); err != nil {
			t.Fatal(err)
		}
		want(name)
	}
	wantCode(t, l.Name(ctx, principal, "Owner"), protocol.CodeMerchantNotAllowed)
	wantCode(t, l.Name(ctx, shop, ""), protocol.CodeFieldMissing)
}

func TestDevices(t *testing.T) {
	l, _ := furnished(t)
	ctx := context.Background()
	d := book.Device{ID: "dev-1", Principal: principal, Key: newKey(t)}
	if err := l.PairDevice(ctx, d); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		d    book.Device
		want protocol.Code
	}{
		"no key":                {book.Device{ID: "dev-2", Principal: principal}, protocol.CodeFieldMissing},
		"the id of another":     {book.Device{ID: "dev-1", Principal: principal, Key: newKey(t)}, protocol.CodeStateConflict},
		"the key of another":    {book.Device{ID: "dev-2", Principal: principal, Key: d.Key}, protocol.CodeStateConflict},
		"a principal of nobody": {book.Device{ID: "dev-2", Principal: shop, Key: newKey(t)}, protocol.CodeInstrumentInvalid},
	} {
		if err := l.PairDevice(ctx, tc.d); protocol.CodeOf(err) != tc.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	for range 2 {
		if err := l.RemoveDevice(ctx, d.ID); err != nil {
			t.Fatal(err)
		}
	}
	got, err := l.Device(ctx, d.ID)
	if err != nil || !got.Removed || !got.Key.Equal(d.Key) || got.Principal != principal {
		t.Errorf("%+v, %v", got, err)
	}
	wantCode(t, l.PairDevice(ctx, d), protocol.CodeStateConflict)
	wantCode(t, l.RemoveDevice(ctx, "dev-none"), protocol.CodeKeyUnknown)
	_, err = l.Device(ctx, "dev-none")
	wantCode(t, err, protocol.CodeKeyUnknown)
	if all, err := l.Devices(ctx); err != nil || len(all) != 1 {
		t.Errorf("%+v, %v", all, err)
	}
}
