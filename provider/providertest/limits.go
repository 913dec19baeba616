package providertest

import (
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/provider"
)

func limitCases() []contractCase {
	return []contractCase{
		{"PSD-PAY-DEL-07 the total of a mandate, to the last fen", totalExact},
		{"PSD-PAY-DEL-07 the total of a mandate holds under concurrency", totalConcurrent},
		{"PSD-PAY-AUP-03 the balance holds under concurrency", balanceConcurrent},
		{"CID-CART-CFM-05 an order is paid once", orderOnce},
		{"CID-CART-CFM-05 an order is paid once under concurrency", orderConcurrent},
		{"ADD-IAC-ISS-15 a mandate is pinned to its payload", pinned},
		{"PSD-PAY-DEL-05 nothing is debited after the end", afterEnd},
		{"PSD-PAY-DEL-04 a payee needs an account", payees},
	}
}

func totalExact(b *bench) {
	b.pay(b.payment(49_99))
	b.refusePay(b.payment(2), protocol.CodeTotalLimitExceeded)
	if t := b.pay(b.payment(1)); t.SpentTotal != 50_00 {
		b.Fatalf("spent %d", t.SpentTotal)
	}
	b.refusePay(b.payment(1), protocol.CodeTotalLimitExceeded)
	// Another delegation, and the same id of another issuer, are other budgets.
	p := b.payment(1)
	p.Mandate.DelegationID, p.Mandate.Digest = "m-2", "payload-2"
	b.pay(p)
	p = b.payment(1)
	p.Mandate.Issuer, p.Mandate.Digest = "did:act:issuer.example/second", "payload-3"
	if t := b.pay(p); t.SpentTotal != 1 {
		b.Fatalf("two issuers share a budget")
	}
	// The largest amounts do not overflow.
	p = b.payment(1<<63 - 1)
	b.refusePay(p, protocol.CodeTotalLimitExceeded)
	b.moved(50_02)
}

func totalConcurrent(b *bench) {
	trades, errs := b.all(40, func(int) (*provider.Trade, error) { return b.Pay(b.ctx, b.payment(3_00)) })
	b.split(errs, 16, protocol.CodeTotalLimitExceeded)
	seen := make(map[int64]bool)
	for _, t := range trades {
		if t == nil {
			continue
		}
		if t.SpentTotal%3_00 != 0 || t.SpentTotal > 48_00 || seen[t.SpentTotal] {
			b.Fatalf("spent total %d, after %v", t.SpentTotal, seen)
		}
		seen[t.SpentTotal] = true
	}
	b.moved(48_00)
}

func balanceConcurrent(b *bench) {
	_, errs := b.all(40, func(i int) (*provider.Trade, error) {
		p := b.payment(7_00)
		p.Mandate.Total = 1000_00
		return b.Pay(b.ctx, p)
	})
	b.split(errs, 14, protocol.CodeBalanceInsufficient)
	b.moved(98_00)
	p := b.payment(2_00)
	p.Mandate.Total = 1000_00
	b.pay(p)
	b.moved(holds)
}

func orderOnce(b *bench) {
	p := b.payment(1_00)
	b.pay(p)
	twice := b.payment(1_00)
	twice.Order = p.Order
	b.refusePay(twice, protocol.CodeOrderPaid)
	elsewhere := b.payment(1_00) // the number is the merchant's own
	elsewhere.Order, elsewhere.Payee = p.Order, shop2
	b.pay(elsewhere)
	failed := b.payment(90_00)
	b.refusePay(failed, protocol.CodeTotalLimitExceeded)
	next := b.payment(1_00) // an order is not spent by a refusal
	next.Order = failed.Order
	b.pay(next)
}

func orderConcurrent(b *bench) {
	order := b.payment(1_00).Order
	_, errs := b.all(24, func(int) (*provider.Trade, error) {
		p := b.payment(1_00)
		p.Order = order
		return b.Pay(b.ctx, p)
	})
	b.split(errs, 1, protocol.CodeOrderPaid)
	b.moved(1_00)
}

func pinned(b *bench) {
	b.refusePay(b.payment(60_00), protocol.CodeTotalLimitExceeded) // pins, although it is refused
	for _, payload := range []canon.Digest{"payload-9", "payload-1 "} {
		p := b.payment(1_00)
		p.Mandate.Digest, p.Mandate.Total = payload, 1000_00
		b.refusePay(p, protocol.CodeRequestConflict)
	}
	b.pay(b.payment(1_00))
	b.moved(1_00)
}

func afterEnd(b *bench) {
	p := b.payment(1_00)
	b.clock.add(p.Expires.Sub(start))
	b.refusePay(b.again(p), protocol.CodeOrderExpired)
	p = b.payment(1_00)
	b.clock.add(-time.Second)
	b.pay(p)
	b.moved(1_00)
}

func payees(b *bench) {
	for _, payee := range []string{"did:act:nobody.example/shop", owner, other} {
		p := b.payment(1_00)
		p.Payee = payee
		b.refusePay(p, protocol.CodeMerchantNotAllowed)
	}
}
