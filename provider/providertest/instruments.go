package providertest

import (
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/provider"
)

func instrumentCases() []contractCase {
	return []contractCase{
		{"PSD-PMT-BND-04 a token that is not known, frozen or cancelled", tokenStates},
		{"PSD-PMT-BND-04 a token of another agent tells nothing more", tokenAgent},
		{"PSD-PAY-DEL-09 a token of another principal", tokenPrincipal},
		{"PSD-PMT-BND-03 a token's period, merchants and currency", tokenBounds},
		{"PSD-PMT-BND-03 a token's ceiling holds under concurrency", tokenCeiling},
		{"PSD-PAY-AUP-03 the balance of the account behind the token", tokenBalance},
	}
}

func tokenStates(b *bench) {
	p := b.payment(1_00)
	p.Token = "pt-unknown"
	b.refusePay(p, protocol.CodeInstrumentInvalid)
	b.must(b.SetTokenState(token, provider.TokenFrozen))
	b.refusePay(b.payment(1_00), protocol.CodeInstrumentInvalid)
	b.must(b.SetTokenState(token, provider.TokenActive))
	b.pay(b.payment(1_00))
	b.must(b.SetTokenState(token, provider.TokenCancelled))
	b.refusePay(b.payment(1_00), protocol.CodeInstrumentInvalid)
	b.moved(1_00)
}

func tokenAgent(b *bench) {
	p := b.payment(1000_00) // its balance is not told either
	p.Request.Agent, p.Mandate.Total = stranger, 5000_00
	b.refusePay(p, protocol.CodeInstrumentMismatch)
	_, err := b.Pay(b.ctx, b.again(p))
	for _, c := range protocol.AsError(err).Checks {
		if c.Code == protocol.CodeBalanceInsufficient {
			b.Fatalf("PSD-PMT-BND-04: another agent learns of the balance")
		}
	}
}

func tokenPrincipal(b *bench) {
	p := b.payment(1_00)
	p.Token = otherToken // the agent's, and of another principal
	b.refusePay(p, protocol.CodePrincipalMismatch)
	p = b.payment(1_00)
	p.Token, p.Mandate.Delegator, p.Mandate.DelegationID = otherToken, other, "m-other"
	if t := b.pay(p); t.Principal != other {
		b.Fatalf("the trade is said to be %s's", t.Principal)
	}
	if left := b.Balance(other, currency); left != holds-1_00 || b.Balance(owner, currency) != holds {
		b.Fatalf("PSD-PAY-DEL-09: one principal's authority served another")
	}
}

func tokenBounds(b *bench) {
	bind := func(id string, change func(*provider.Token)) provider.Payment {
		k := b.token(id, owner)
		change(&k)
		b.must(b.BindToken(k))
		p := b.payment(1_00)
		p.Token = id
		return p
	}
	b.refusePay(bind("pt-early", func(k *provider.Token) { k.ValidFrom = start.Add(time.Second) }), protocol.CodeInstrumentInvalid)
	b.refusePay(bind("pt-late", func(k *provider.Token) { k.ValidUntil = start }), protocol.CodeInstrumentInvalid)
	b.refusePay(bind("pt-tea", func(k *provider.Token) { k.Merchants = []string{shop2} }), protocol.CodeInstrumentInvalid)
	b.pay(bind("pt-now", func(k *provider.Token) {
		k.ValidFrom, k.ValidUntil, k.Merchants = start, start.Add(time.Second), []string{shop2, shop}
	}))
	b.must(b.OpenPrincipal(owner, "JPY"))
	b.refusePay(bind("pt-yen", func(k *provider.Token) { k.Currency = "JPY" }), protocol.CodeCurrencyMismatch)
	b.moved(1_00)
}

func tokenCeiling(b *bench) {
	k := b.token("pt-low", owner)
	k.Ceiling = 10_00
	b.must(b.BindToken(k))
	_, errs := b.all(20, func(int) (*provider.Trade, error) {
		p := b.payment(3_00)
		p.Token = "pt-low"
		return b.Pay(b.ctx, p)
	})
	b.split(errs, 3, protocol.CodeInstrumentInvalid)
	p := b.payment(1_00)
	p.Token = "pt-low"
	b.pay(p)
	b.moved(10_00)
}

func tokenBalance(b *bench) {
	p := b.payment(holds + 1)
	p.Mandate.Total = 1000_00
	b.refusePay(p, protocol.CodeBalanceInsufficient)
	p = b.payment(holds)
	p.Mandate.Total = 1000_00
	b.pay(p)
	b.moved(holds)
}
