package providertest

import (
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/provider"
)

func subAccountCases() []contractCase {
	return []contractCase{
		{"PSD-PAY-DEL-08 a payment from a sub-account takes its money", subAccountPays},
		{"PSD-AGT-SUB-03 a frozen or cancelled sub-account pays nothing", subAccountStates},
		{"PSD-AGT-SUB-05 unopened, and bound to others", subAccountBinding},
		{"PSD-AGT-SUB-04 authorised by another key", subAccountKey},
		{"PSD-PAY-DEL-08 a sub-account's balance holds under concurrency", subAccountConcurrent},
		{"PSD-AGT-SUB-06 limits of a sub-account, when the book has them", subAccountLimits},
	}
}

const subID = "sub-1"

// purse opens a sub-account of the owner with 40.00 CNY and returns how to pay
// from it. It reports false when the book does not take these limits.
func (b *bench) purse(limits provider.Limits) (key keys.PublicKey, pay func(amount int64) provider.Payment, ok bool) {
	b.Helper()
	key = b.key()
	opened := provider.SubAccount{ID: subID, Principal: owner, Agent: agent, Currency: currency, Key: key, Limits: limits}
	if err := b.OpenSubAccount(opened); err != nil {
		if limits == (provider.Limits{}) {
			b.Fatalf("opening a sub-account: %v", err)
		}
		return key, nil, false
	}
	b.must(b.FundSubAccount(subID, 40_00))
	s, err := b.SubAccount(b.ctx, subID)
	b.must(err)
	if s.ID != subID || s.Principal != owner || s.Agent != agent || s.Currency != currency || !s.Key.Equal(key) || s.State != provider.SubAccountActive || s.Limits != limits {
		b.Fatalf("PSD-AGT-SUB-01: not what was opened: %+v", s)
	}
	return key, func(amount int64) provider.Payment {
		p := b.payment(amount)
		p.Token, p.SubAccount, p.SubAccountKey = "", subID, key.Thumbprint()
		return p
	}, true
}

func (b *bench) key() keys.PublicKey {
	b.Helper()
	private, err := keys.Generate(keys.EdDSA)
	b.must(err)
	s, err := keys.NewSigner(agent+"#sub", keys.SubAccount, private)
	b.must(err)
	return s.Public()
}

// holdings fails unless sub-account, owner and shop have this.
func (b *bench) holdings(sub, main, seller int64) {
	b.Helper()
	if s, m, g := b.SubAccountBalance(subID), b.Balance(owner, currency), b.Balance(shop, currency); s != sub || m != main || g != seller {
		b.Fatalf("sub-account %d, owner %d, shop %d; want %d, %d, %d", s, m, g, sub, main, seller)
	}
}

func subAccountPays(b *bench) {
	_, from, _ := b.purse(provider.Limits{})
	b.holdings(40_00, 60_00, 0)
	t := b.pay(from(15_00))
	b.holdings(25_00, 60_00, 15_00)
	if t.SubAccount != subID || t.Principal != owner || t.SpentTotal != 15_00 {
		b.Fatalf("the trade does not say from where: %+v", t)
	}
	b.refusePay(from(25_01), protocol.CodeBalanceInsufficient) // although the owner has 60.00
	over := from(25_00)
	over.Mandate.Total = 39_99 // the mandate's total counts as ever
	b.refusePay(over, protocol.CodeTotalLimitExceeded)
	b.pay(from(25_00))
	b.holdings(0, 60_00, 40_00)
}

func subAccountStates(b *bench) {
	_, from, _ := b.purse(provider.Limits{})
	b.must(b.SetSubAccountState(subID, provider.SubAccountFrozen))
	frozen := from(1_00)
	b.refusePay(frozen, protocol.CodeSubAccountFrozen)
	if s, err := b.SubAccount(b.ctx, subID); err != nil || s.State != provider.SubAccountFrozen {
		b.Fatalf("frozen, and shown as %q: %v", s.State, err)
	}
	b.must(b.SetSubAccountState(subID, provider.SubAccountActive))
	b.refusePay(b.again(frozen), protocol.CodeSubAccountFrozen) // it was the answer
	b.pay(from(1_00))
	b.must(b.SetSubAccountState(subID, provider.SubAccountCancelled))
	b.refusePay(from(1_00), protocol.CodeSubAccountCancelled)
	if s, err := b.SubAccount(b.ctx, subID); err != nil || s.State != provider.SubAccountCancelled {
		b.Fatalf("cancelled, and shown as %q: %v", s.State, err)
	}
	b.holdings(0, 99_00, 1_00) // what was left is the owner's again
}

func subAccountBinding(b *bench) {
	_, err := b.SubAccount(b.ctx, subID)
	b.want(err, protocol.CodeSubAccountUnknown)
	key, from, _ := b.purse(provider.Limits{})
	unknown := from(1_00)
	unknown.SubAccount = "sub-2"
	b.refusePay(unknown, protocol.CodeSubAccountUnknown)
	foreign := from(1000_00)
	foreign.Request.Agent, foreign.Mandate.Total = stranger, 5000_00
	foreign.Mandate.DelegationID = "m-stranger"
	b.refusePay(foreign, protocol.CodeInstrumentMismatch)
	_, err = b.Pay(b.ctx, b.again(foreign))
	for _, c := range protocol.AsError(err).Checks {
		if c.Code == protocol.CodeBalanceInsufficient {
			b.Fatalf("PSD-PMT-BND-04: another agent learns of the balance")
		}
	}
	principal := from(1_00)
	principal.Mandate.Delegator, principal.Mandate.DelegationID = other, "m-other"
	b.refusePay(principal, protocol.CodePrincipalMismatch)
	if p := from(1_00); p.SubAccountKey != key.Thumbprint() {
		b.Fatalf("PSD-AGT-SUB-01: the key changed")
	}
	b.holdings(40_00, 60_00, 0)
}

func subAccountKey(b *bench) {
	key, from, _ := b.purse(provider.Limits{})
	p := from(1_00)
	p.SubAccountKey = b.key().Thumbprint()
	_, err := b.Pay(b.ctx, p)
	b.passing(err, protocol.CodeSubAccountKey)
	b.want(b.UseNonce(b.ctx, p.Request.Nonce), protocol.CodeReplayed)
	b.holdings(40_00, 60_00, 0)
	_, err = b.Query(b.ctx, agent, p.Request.ID)
	b.want(err, protocol.CodeTradeUnknown)
	p = b.again(p) // the same request, authorised by the right key
	p.SubAccountKey = key.Thumbprint()
	b.pay(p)
	b.holdings(39_00, 60_00, 1_00)

	b.must(b.SetSubAccountState(subID, provider.SubAccountFrozen))
	p = from(1_00)
	p.SubAccountKey = b.key().Thumbprint()
	b.refusePay(p, protocol.CodeSubAccountFrozen) // and that is the answer, whatever the key
}

func subAccountConcurrent(b *bench) {
	_, from, _ := b.purse(provider.Limits{})
	_, errs := b.all(30, func(int) (*provider.Trade, error) { return b.Pay(b.ctx, from(3_00)) })
	b.split(errs, 13, protocol.CodeBalanceInsufficient)
	b.holdings(1_00, 60_00, 39_00)
}

func subAccountLimits(b *bench) {
	_, from, ok := b.purse(provider.Limits{Single: 10_00, Total: 25_00, Within: 12_00, Period: time.Minute})
	if !ok {
		return // PSD-AGT-SUB-06 may be left out
	}
	b.refusePay(from(10_01), protocol.CodeSingleLimitExceeded)
	_, errs := b.all(8, func(int) (*provider.Trade, error) { return b.Pay(b.ctx, from(5_00)) })
	b.split(errs, 2, protocol.CodeTotalLimitExceeded) // within a minute
	b.pay(from(2_00))
	b.clock.add(time.Minute + time.Second)
	b.pay(from(10_00))
	b.clock.add(time.Minute + time.Second)
	b.refusePay(from(3_01), protocol.CodeTotalLimitExceeded) // in all
	b.pay(from(3_00))
	b.holdings(15_00, 60_00, 25_00)
}
