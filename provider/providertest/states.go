package providertest

import (
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

func stateCases() []contractCase {
	return []contractCase{
		{"PSD-PAY-AUP-02 the state of a token, before a payment", tokenTold},
		{"PSD-AGT-SUB-02 the state of a sub-account, before a payment", subAccountTold},
		{"PSD-AGT-SUB-06 what the limits of a sub-account leave, when the book has them", limitsTold},
		{"PSD-PMT-BND-04 an instrument of another agent, or unknown", strangersTold},
	}
}

// asks is what the agent is told of an instrument.
func (b *bench) asks(i provider.Instrument) (payment.InstrumentState, error) {
	b.Helper()
	f, err := b.Instrument(b.ctx, i)
	b.must(err)
	return f.State(i, b.clock.now())
}

// told fails unless the instrument is told to be so; an available of -1 is none.
func (b *bench) told(i provider.Instrument, state payment.InstrumentStatus, available int64) {
	b.Helper()
	before := b.money()
	s, err := b.asks(i)
	b.must(err)
	have := int64(-1)
	if s.Available.Valid() {
		have = s.Available.Minor()
	}
	if s.State != state || have != available || s.BuyerAgentID != i.Agent || s.PaymentToken != i.Token || s.SubAccountID != i.SubAccount {
		b.Fatalf("told %s with %d, want %s with %d", s.State, have, state, available)
	}
	b.unmoved(before)
}

func tokenTold(b *bench) {
	mine := provider.Instrument{Agent: agent, Token: token}
	b.told(mine, payment.InstrumentActive, -1) // and nothing of the account behind
	b.must(b.SetTokenState(token, provider.TokenFrozen))
	b.told(mine, payment.InstrumentFrozen, -1)
	b.must(b.SetTokenState(token, provider.TokenActive))
	b.told(mine, payment.InstrumentActive, -1)

	k := b.token("pt-low", owner)
	k.Ceiling, k.ValidFrom, k.ValidUntil = 10_00, start, start.Add(time.Hour)
	b.must(b.BindToken(k))
	low := provider.Instrument{Agent: agent, Token: "pt-low"}
	b.told(low, payment.InstrumentActive, 10_00)
	p := b.payment(3_00)
	p.Token = "pt-low"
	b.pay(p)
	b.told(low, payment.InstrumentActive, 7_00)
	b.clock.add(-time.Second)
	b.told(low, payment.InstrumentNotYetValid, 0)
	b.clock.add(time.Hour)
	b.told(low, payment.InstrumentActive, 7_00)
	b.clock.add(time.Second)
	b.told(low, payment.InstrumentExpired, 0)
	b.must(b.SetTokenState("pt-low", provider.TokenCancelled))
	b.told(low, payment.InstrumentCancelled, 0)
}

func subAccountTold(b *bench) {
	_, from, _ := b.purse(provider.Limits{})
	mine := provider.Instrument{Agent: agent, SubAccount: subID}
	b.told(mine, payment.InstrumentActive, 40_00)
	b.pay(from(15_00))
	b.told(mine, payment.InstrumentActive, 25_00)
	b.must(b.SetSubAccountState(subID, provider.SubAccountFrozen))
	b.told(mine, payment.InstrumentFrozen, 0)
	b.must(b.SetSubAccountState(subID, provider.SubAccountActive))
	b.pay(from(25_00))
	b.told(mine, payment.InstrumentActive, 0)
	b.must(b.SetSubAccountState(subID, provider.SubAccountCancelled))
	b.told(mine, payment.InstrumentCancelled, 0)
}

func limitsTold(b *bench) {
	_, from, ok := b.purse(provider.Limits{Single: 10_00, Total: 25_00, Within: 12_00, Period: time.Minute})
	if !ok {
		return // PSD-AGT-SUB-06 may be left out
	}
	mine := provider.Instrument{Agent: agent, SubAccount: subID}
	b.told(mine, payment.InstrumentActive, 10_00) // of one payment
	b.pay(from(5_00))
	b.told(mine, payment.InstrumentActive, 7_00) // within a minute
	b.refusePay(from(7_01), protocol.CodeTotalLimitExceeded)
	b.pay(from(7_00))
	b.told(mine, payment.InstrumentActive, 0)
	b.clock.add(time.Minute + time.Second)
	b.pay(from(10_00))
	b.clock.add(time.Minute + time.Second)
	b.told(mine, payment.InstrumentActive, 3_00) // in all
	b.pay(from(3_00))
	b.told(mine, payment.InstrumentActive, 0)
}

func strangersTold(b *bench) {
	b.purse(provider.Limits{})
	b.must(b.SetTokenState(token, provider.TokenFrozen)) // which nobody else learns
	for _, c := range []struct {
		asked provider.Instrument
		code  protocol.Code
	}{
		{provider.Instrument{Agent: stranger, Token: token}, protocol.CodeInstrumentMismatch},
		{provider.Instrument{Agent: stranger, SubAccount: subID}, protocol.CodeInstrumentMismatch},
		{provider.Instrument{Agent: agent, Token: "pt-unknown"}, protocol.CodeInstrumentInvalid},
		{provider.Instrument{Agent: agent, Token: subID}, protocol.CodeInstrumentInvalid},
		{provider.Instrument{Agent: agent, SubAccount: "sub-unknown"}, protocol.CodeSubAccountUnknown},
		{provider.Instrument{Agent: agent, SubAccount: token}, protocol.CodeSubAccountUnknown},
	} {
		s, err := b.asks(c.asked)
		if b.want(err, c.code); s != (payment.InstrumentState{}) {
			b.Fatalf("PSD-PMT-BND-04: told with a refusal: %+v", s)
		}
	}
	for _, i := range []provider.Instrument{{}, {Agent: agent}, {Token: token}, {Agent: agent, Token: token, SubAccount: subID}} {
		_, err := b.Instrument(b.ctx, i)
		b.want(err, protocol.CodeFieldMissing)
	}
}
