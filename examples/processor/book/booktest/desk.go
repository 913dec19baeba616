package booktest

import (
	"math"
	"slices"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/provider"
)

func accounts(d *desk) {
	ctx := d.Context()
	d.furnish(100_00)
	d.must(d.OpenAccount(ctx, ann, book.Principal, "CNY"))
	d.want(d.OpenAccount(ctx, ann, book.Merchant, "CNY"), protocol.CodeStateConflict)
	d.want(d.OpenAccount(ctx, book.External, book.Principal, "CNY"), protocol.CodeFieldInvalid)
	d.want(d.OpenAccount(ctx, ben, book.Funding, "CNY"), protocol.CodeFieldInvalid)
	one := book.Deposit{ID: "once", Owner: ann, Currency: "CNY", Amount: 5_00}
	d.must(d.Deposit(ctx, one), d.Deposit(ctx, one))
	one.Amount++
	d.want(d.Deposit(ctx, one), protocol.CodeRequestConflict)
	for _, bad := range []struct {
		deposit book.Deposit
		want    protocol.Code
	}{
		{book.Deposit{ID: "x", Owner: ann, Currency: "CNY", Amount: -1}, protocol.CodeFieldInvalid},
		{book.Deposit{ID: "x", Owner: ann, Currency: "CNY", Amount: math.MaxInt64}, protocol.CodeFieldInvalid},
		{book.Deposit{ID: "x", Owner: ann, Currency: "JPY", Amount: 1}, protocol.CodeInstrumentInvalid},
		{book.Deposit{ID: "x", Owner: book.External, Currency: "CNY", Amount: 1}, protocol.CodeInstrumentInvalid},
		{book.Deposit{Owner: ann, Currency: "CNY", Amount: 1}, protocol.CodeFieldMissing},
	} {
		d.want(d.Deposit(ctx, bad.deposit), bad.want)
	}
	trade := d.pay(d.payment(18_00))
	refund := d.refund(trade, 8_00)
	list, err := d.Accounts(ctx)
	d.must(err)
	want := map[string]int64{book.External: -105_00, ann: 95_00, ben: 0, mall: 10_00}
	sum := int64(0)
	for _, a := range list {
		if sum += a.Balance; a.Currency != "CNY" || a.Balance != want[a.Owner] || a.OpenedAt.IsZero() {
			d.Errorf("%+v", a)
		}
	}
	if sum != 0 || len(list) != len(want) {
		d.Errorf("%d accounts, which sum to %d", len(list), sum)
	}
	entries, err := d.Entries(ctx, ann, "CNY", 0)
	d.must(err)
	for i, e := range []book.Entry{{Cause: "deposit", Amount: 100_00}, {Cause: "deposit", CauseID: "once", Amount: 5_00}, {Cause: "payment", CauseID: trade.No, Amount: -18_00}, {Cause: "refund", CauseID: refund.No, Amount: 8_00}} {
		if len(entries) != 4 || entries[i].Cause != e.Cause || e.CauseID != "" && entries[i].CauseID != e.CauseID || entries[i].Amount != e.Amount || i > 0 && entries[i].Transfer <= entries[i-1].Transfer {
			d.Fatalf("entry %d of %+v, want %+v", i, entries, e)
		}
	}
	if last, err := d.Entries(ctx, ann, "CNY", 2); err != nil || !slices.Equal(last, entries[2:]) {
		d.Errorf("%+v, %v", last, err)
	}
	if none, err := d.Entries(ctx, "did:act:home.example/nobody", "CNY", 0); err != nil || len(none) != 0 {
		d.Errorf("%+v, %v", none, err)
	}
}

func names(d *desk) {
	ctx := d.Context()
	d.furnish(1)
	d.want(d.Name(ctx, ann, "no merchant"), protocol.CodeMerchantNotAllowed)
	d.want(d.Name(ctx, mall, ""), protocol.CodeFieldMissing)
	for _, name := range []string{"", "Coffee", "Tea"} {
		if name != "" {
			d.must(d.Name(ctx, mall, name), d.Name(ctx, mall, name))
		}
		if got, err := d.NameOf(ctx, mall); err != nil || got != name {
			d.Errorf("%q, %v, want %q", got, err, name)
		}
	}
}

func issuers(d *desk) {
	ctx := d.Context()
	d.furnish(1)
	want := func(all ...book.Trust) {
		d.Helper()
		if got, err := d.Issuers(ctx); err != nil || !slices.Equal(got, all) {
			d.Errorf("%+v, %v, want %+v", got, err, all)
		}
	}
	want()
	d.must(d.TrustIssuer(ctx, issuer, ben, true), d.TrustIssuer(ctx, issuer, ann, true), d.TrustIssuer(ctx, issuer, ann, true))
	want(book.Trust{Issuer: issuer, Principal: ann}, book.Trust{Issuer: issuer, Principal: ben})
	d.must(d.TrustIssuer(ctx, issuer, ann, false))
	want(book.Trust{Issuer: issuer, Principal: ben})
	for _, trusted := range []bool{true, false} {
		d.want(d.TrustIssuer(ctx, issuer, "did:act:home.example/nobody", trusted), protocol.CodeInstrumentInvalid)
		d.want(d.TrustIssuer(ctx, issuer, mall, trusted), protocol.CodeInstrumentInvalid)
	}
	d.want(d.TrustIssuer(ctx, "", ann, true), protocol.CodeFieldMissing)
}

func tokens(d *desk) {
	ctx := d.Context()
	d.furnish(100_00)
	k := provider.Token{
		ID: "pt-2", Principal: ann, Agent: buyer, Currency: "CNY", ValidFrom: passkeyStart, ValidUntil: passkeyStart.AddDate(0, 0, 1),
		Ceiling: 9_00, Merchants: []string{mall}, State: provider.TokenActive,
	}
	d.must(d.BindToken(ctx, k))
	d.want(d.BindToken(ctx, k), protocol.CodeStateConflict)
	bad := k
	bad.ID, bad.Principal = "pt-3", mall
	d.want(d.BindToken(ctx, bad), protocol.CodeInstrumentInvalid)
	bad.Principal, bad.ValidUntil = ann, bad.ValidFrom
	d.want(d.BindToken(ctx, bad), protocol.CodeFieldInvalid)
	list, err := d.Tokens(ctx)
	d.must(err)
	if len(list) != 2 || list[0].ID != "pt-ann" || list[1].ID != k.ID || list[1].Ceiling != k.Ceiling || !slices.Equal(list[1].Merchants, k.Merchants) || !list[1].ValidUntil.Equal(k.ValidUntil) {
		d.Errorf("%+v", list)
	}
	for _, step := range []struct {
		to   provider.TokenState
		want protocol.Code
		pays bool
	}{{provider.TokenFrozen, "", false}, {provider.TokenFrozen, "", false}, {provider.TokenActive, "", true}, {"gone", protocol.CodeFieldInvalid, true}, {provider.TokenCancelled, "", false}, {provider.TokenActive, protocol.CodeStateConflict, false}} {
		d.want(d.SetTokenState(ctx, "pt-ann", step.to), step.want)
		if _, err := d.Pay(ctx, d.payment(1)); (err == nil) != step.pays {
			d.Fatalf("after %s: %v", step.to, err)
		}
	}
	d.want(d.SetTokenState(ctx, "pt-none", provider.TokenFrozen), protocol.CodeInstrumentInvalid)
}

// purse opens sub-1 of ann for the buyer.
func (d *desk) purse(change func(*book.SubAccount)) book.SubAccount {
	d.Helper()
	a := book.SubAccount{SubAccount: provider.SubAccount{ID: "sub-1", Principal: ann, Agent: buyer, Currency: "CNY", Key: newKey(d.T)}}
	if change != nil {
		change(&a)
	}
	d.must(d.OpenSubAccount(d.Context(), a))
	return a
}

func (d *desk) fromPurse(a book.SubAccount, amount int64) provider.Payment {
	p := d.payment(amount)
	p.Token, p.SubAccount, p.SubAccountKey = "", a.ID, a.Key.Thumbprint()
	return p
}

func freezes(d *desk) {
	ctx := d.Context()
	d.furnish(100_00)
	a := d.purse(nil)
	d.must(d.TopUp(ctx, book.TopUp{ID: "t", SubAccount: a.ID, Amount: 10_00}))
	const active, frozen = provider.SubAccountActive, provider.SubAccountFrozen
	for i, step := range []struct {
		to     provider.SubAccountState
		by     book.StateCause
		want   protocol.Code
		state  provider.SubAccountState
		frozen []book.StateCause
	}{
		{frozen, book.ForRisk, "", frozen, []book.StateCause{book.ForRisk}},
		{active, book.ByPrincipal, protocol.CodeActorRefused, frozen, []book.StateCause{book.ForRisk}},
		{frozen, book.ByPrincipal, "", frozen, []book.StateCause{book.ForRisk, book.ByPrincipal}},
		{active, book.ForRisk, "", frozen, []book.StateCause{book.ByPrincipal}},
		{active, book.ByPrincipal, "", active, nil},
		{"gone", book.ByPrincipal, protocol.CodeFieldInvalid, active, nil},
	} {
		d.want(d.Book.SetSubAccountState(ctx, a.ID, step.to, step.by), step.want)
		list, err := d.SubAccounts(ctx)
		d.must(err)
		if len(list) != 1 || list[0].State != step.state || !slices.Equal(list[0].FrozenBy, step.frozen) {
			d.Fatalf("step %d: %+v", i, list)
		}
		_, err = d.Pay(ctx, d.fromPurse(a, 1))
		if want := map[bool]protocol.Code{true: "", false: protocol.CodeSubAccountFrozen}[step.state == active]; protocol.CodeOf(err) != want {
			d.Fatalf("step %d: %v", i, err)
		}
	}
	n, err := d.SetAgentSubAccounts(ctx, buyer, frozen, book.ForIdentity)
	if d.must(err); n != 1 {
		d.Errorf("%d sub-accounts", n)
	}
	d.want(d.Book.SetSubAccountState(ctx, "sub-none", frozen, book.ForRisk), protocol.CodeSubAccountUnknown)
	// PSD-AGT-SUB-03: what is left flows back, and nothing follows.
	d.must(d.Book.SetSubAccountState(ctx, a.ID, provider.SubAccountCancelled, book.ByPrincipal))
	d.want(d.Book.SetSubAccountState(ctx, a.ID, active, book.ByPrincipal), protocol.CodeSubAccountCancelled)
	d.want(d.TopUp(ctx, book.TopUp{ID: "t-2", SubAccount: a.ID, Amount: 1}), protocol.CodeSubAccountCancelled)
	if got := balance(d.T, d.Book, ann, "CNY"); got != 100_00-2 || balance(d.T, d.Book, a.ID, "CNY") != 0 {
		d.Errorf("ann has %d", got)
	}
}

func purses(d *desk) {
	ctx := d.Context()
	d.furnish(100_00)
	a := d.purse(func(a *book.SubAccount) {
		a.BalanceLimit, a.TaskLimit = 20_00, 6_00
		a.Limits = provider.Limits{Single: 5_00, Total: 15_00, Within: 9_00, Period: time.Hour}
	})
	same := a
	d.want(d.OpenSubAccount(ctx, same), protocol.CodeStateConflict)
	same.ID = "sub-2"
	d.want(d.OpenSubAccount(ctx, same), protocol.CodeStateConflict) // one key, one sub-account
	same.Key, same.Principal = newKey(d.T), mall
	d.want(d.OpenSubAccount(ctx, same), protocol.CodeInstrumentInvalid)
	up := book.TopUp{ID: "t", SubAccount: a.ID, Amount: 20_00}
	d.must(d.TopUp(ctx, up), d.TopUp(ctx, up))
	d.want(d.TopUp(ctx, book.TopUp{ID: "t", SubAccount: a.ID, Amount: 1}), protocol.CodeRequestConflict)
	d.want(d.TopUp(ctx, book.TopUp{ID: "t-2", SubAccount: a.ID, Amount: 1}), protocol.CodeSingleLimitExceeded)
	d.want(d.TopUp(ctx, book.TopUp{ID: "t-3", SubAccount: a.ID, Amount: 90_00}), protocol.CodeBalanceInsufficient)
	d.want(d.TopUp(ctx, book.TopUp{ID: "t-4", SubAccount: "sub-none", Amount: 1}), protocol.CodeSubAccountUnknown)
	task := 0
	pay := func(amount int64, newTask bool, want protocol.Code) *provider.Trade {
		d.Helper()
		if newTask {
			task++
		}
		p := d.fromPurse(a, amount)
		p.Mandate.DelegationID = "task-" + string(rune('a'+task))
		trade, err := d.Pay(ctx, p)
		d.want(err, want)
		return trade
	}
	pay(5_01, false, protocol.CodeSingleLimitExceeded)
	first := pay(5_00, false, "")
	pay(1_01, false, protocol.CodeTotalLimitExceeded) // of the task
	pay(4_00, true, "")
	pay(1, true, protocol.CodeTotalLimitExceeded) // within the hour
	d.later(2 * time.Hour)
	pay(5_00, true, "")
	pay(1_01, true, protocol.CodeTotalLimitExceeded) // in all
	// PSD-PAY-DEL-07: a refund goes back where it came from and restores no limit.
	d.refund(first, 5_00)
	if got := balance(d.T, d.Book, a.ID, "CNY"); got != 20_00-9_00 {
		d.Errorf("the sub-account has %d", got)
	}
	pay(1_01, true, protocol.CodeTotalLimitExceeded)
	list, err := d.SubAccounts(ctx)
	if d.must(err); len(list) != 1 || list[0].Spent != 14_00 || list[0].Balance != 11_00 || list[0].TaskLimit != 6_00 || list[0].BalanceLimit != 20_00 || list[0].Limits != a.Limits {
		d.Errorf("%+v", list)
	}
}

func devices(d *desk) {
	ctx := d.Context()
	d.furnish(1)
	phone := book.Device{ID: "phone", Principal: ann, Key: newKey(d.T)}
	d.must(d.PairDevice(ctx, phone))
	d.want(d.PairDevice(ctx, book.Device{ID: "phone", Principal: ann, Key: newKey(d.T)}), protocol.CodeStateConflict)
	d.want(d.PairDevice(ctx, book.Device{ID: "other", Principal: ann, Key: phone.Key}), protocol.CodeStateConflict)
	d.want(d.PairDevice(ctx, book.Device{ID: "other", Principal: mall, Key: newKey(d.T)}), protocol.CodeInstrumentInvalid)
	d.want(d.PairDevice(ctx, book.Device{ID: "other", Principal: ann}), protocol.CodeFieldMissing)
	_, err := d.Device(ctx, "none")
	d.want(err, protocol.CodeKeyUnknown)
	d.want(d.RemoveDevice(ctx, "none"), protocol.CodeKeyUnknown)
	for _, removed := range []bool{false, true} {
		if removed {
			d.must(d.RemoveDevice(ctx, "phone"), d.RemoveDevice(ctx, "phone"))
		}
		got, err := d.Device(ctx, "phone")
		if d.must(err); got.Principal != ann || got.Key.Thumbprint() != phone.Key.Thumbprint() || got.Removed != removed || got.PairedAt.IsZero() {
			d.Errorf("%+v", got)
		}
	}
	d.want(d.PairDevice(ctx, phone), protocol.CodeStateConflict) // for ever
	// PSD-AGT-SUB-03: a key serves one purpose, a device's or a sub-account's, and
	// never again another.
	a := d.purse(func(*book.SubAccount) {})
	d.want(d.PairDevice(ctx, book.Device{ID: "other", Principal: ann, Key: a.Key}), protocol.CodeStateConflict)
	a.ID, a.Key = "sub-of-the-phone", phone.Key
	d.want(d.OpenSubAccount(ctx, a), protocol.CodeStateConflict)
	if list, err := d.Devices(ctx); err != nil || len(list) != 1 {
		d.Errorf("%+v, %v", list, err)
	}
}
