package providertest

import (
	"fmt"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

func deliveryCases() []contractCase {
	return []contractCase{
		{"PSD-PAY-A402-15 the first consumer has the delivery", consumes},
		{"PSD-PAY-A402-15 one consumer of many", consumesConcurrent},
		{"PSD-PAY-A402-10 a confirmed fulfilment ends the trade", confirms},
	}
}

func consumes(b *bench) {
	t := b.pay(b.payment(1_00))
	first := b.got(b.Consume(b.ctx, shop, t.No, "consumer-1"))
	if first.Consumer != "consumer-1" || !first.ConsumedAt.Equal(start) || first.State != payment.StateWaitSellerFulfillment {
		b.Fatalf("consumed: %+v", first)
	}
	b.clock.add(time.Minute)
	again := b.got(b.Consume(b.ctx, shop, t.No, "consumer-1"))
	if !again.ConsumedAt.Equal(first.ConsumedAt) {
		b.Fatalf("consumed twice")
	}
	_, err := b.Consume(b.ctx, shop, t.No, "consumer-2")
	b.want(err, protocol.CodeProofUsed)
	_, err = b.Consume(b.ctx, shop2, t.No, "consumer-1")
	b.want(err, protocol.CodeTradeUnknown)
	_, err = b.Consume(b.ctx, shop, "no-such-trade", "consumer-1")
	b.want(err, protocol.CodeTradeUnknown)
	_, err = b.Consume(b.ctx, shop, t.No, "")
	b.want(err, protocol.CodeFieldMissing)
}

func consumesConcurrent(b *bench) {
	t := b.pay(b.payment(1_00))
	_, errs := b.all(24, func(i int) (*provider.Trade, error) {
		return b.Consume(b.ctx, shop, t.No, fmt.Sprintf("consumer-%d", i))
	})
	b.split(errs, 1, protocol.CodeProofUsed)
}

func confirms(b *bench) {
	t := b.pay(b.payment(1_00))
	_, err := b.Confirm(b.ctx, shop, t.No, "consumer-1", b.clock.now())
	b.want(err, protocol.CodeStateConflict)
	_, err = b.Consume(b.ctx, shop, t.No, "consumer-1")
	b.must(err)
	_, err = b.Confirm(b.ctx, shop, t.No, "consumer-2", b.clock.now())
	b.want(err, protocol.CodeProofUsed)
	_, err = b.Confirm(b.ctx, shop2, t.No, "consumer-1", b.clock.now())
	b.want(err, protocol.CodeTradeUnknown)
	for _, at := range []time.Time{start.Add(-61 * time.Second), start.Add(61 * time.Second)} {
		_, err = b.Confirm(b.ctx, shop, t.No, "consumer-1", at)
		b.want(err, protocol.CodeFieldInvalid)
	}
	b.clock.add(10 * time.Second)
	done := b.got(b.Confirm(b.ctx, shop, t.No, "consumer-1", start.Add(5*time.Second)))
	if done.State != payment.StateTradeFinished || !done.ConfirmedAt.Equal(start.Add(10*time.Second)) {
		b.Fatalf("confirmed: %+v", done)
	}
	b.clock.add(time.Minute)
	again := b.got(b.Confirm(b.ctx, shop, t.No, "consumer-1", start.Add(-time.Hour)))
	if again.State != payment.StateTradeFinished || !again.ConfirmedAt.Equal(done.ConfirmedAt) {
		b.Fatalf("confirmed again: %+v", again)
	}
	kept := b.got(b.Consume(b.ctx, shop, t.No, "consumer-1")) // who has it may ask again
	if kept.State != payment.StateTradeFinished {
		b.Fatalf("consumed again: %+v", kept)
	}
	_, err = b.Consume(b.ctx, shop, t.No, "consumer-2")
	b.want(err, protocol.CodeProofUsed)
	b.moved(1_00)
}
