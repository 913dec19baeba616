package providertest

import (
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

func instantCases() []contractCase {
	return []contractCase{
		{"PSD-PAY-INS-04 what waits has moved and reserved nothing", beginReservesNothing},
		{"PSD-PAY-INS-01 the instrument is judged before the cashier", beginJudges},
		{"PSD-PAY-INS-03 a confirmation pays, and is recorded", settles},
		{"PSD-PAY-INS-03 many confirmations pay once", settlesOnce},
		{"PSD-PAY-INS-03 what changed meanwhile is judged again", settleJudges},
		{"PSD-PAY-INS-04 declined is never paid", declines},
		{"PSD-PAY-INS-07 how a trade can be declined", declineCodes},
		{"PSD-PAY-INS-04 confirmed or declined, never both", settleOrDecline},
		{"PSD-PAY-INS-04 too late is never paid", late},
		{"CID-CART-CFM-05 two that wait for one order", waitingForOneOrder},
		{"PSD-PAY-A402-08 what waits delivers nothing", waitingDeliversNothing},
	}
}

// confirmation is by the owner, now.
func (b *bench) confirmation() provider.Confirmation {
	return provider.Confirmation{Method: "device key", At: b.clock.now().Truncate(time.Second)}
}

func (b *bench) settle(no string) *provider.Trade {
	b.Helper()
	return b.got(b.Settle(b.ctx, no, b.confirmation()))
}

func beginReservesNothing(b *bench) {
	p := b.instant(90_00)
	t := b.begin(p)
	b.moved(0)
	if t.RequestID != p.Request.ID || t.Amount != 90_00 || t.Principal != owner || t.DelegationID != "" || t.Issuer != "" || t.SpentTotal != 0 ||
		!t.PaidAt.IsZero() || !t.Expires.Equal(p.Expires) || t.Confirmation != (provider.Confirmation{}) || string(t.Memo) != string(p.Memo) || !t.Decision.Allowed() {
		b.Fatalf("not a trade that waits: %+v", t)
	}
	for name, ask := range map[string]func() (*provider.Trade, error){
		"a repetition": func() (*provider.Trade, error) { return b.Begin(b.ctx, b.again(p)) },
		"a look-up":    func() (*provider.Trade, error) { return b.Lookup(b.ctx, b.again(p).Request) },
		"a query":      func() (*provider.Trade, error) { return b.Query(b.ctx, agent, p.Request.ID) },
		"the number":   func() (*provider.Trade, error) { return b.Trade(b.ctx, t.No) },
	} {
		same := b.got(ask())
		if same.No != t.No || !same.Waiting() || same.Decision.Allowed() {
			b.Fatalf("%s: %+v", name, same)
		}
	}
	changed := b.again(p)
	changed.Request.Digest = "another"
	_, err := b.Begin(b.ctx, changed)
	b.passing(err, protocol.CodeRequestConflict)

	all := b.payment(holds) // the whole balance is free
	all.Mandate.Total = 1000_00
	b.pay(all)
	b.moved(holds)
}

func beginJudges(b *bench) {
	refuse := func(p provider.Payment, code protocol.Code) {
		b.Helper()
		for range 2 {
			_, err := b.Begin(b.ctx, p)
			b.stored(err, p.Request.ID, code)
			p = b.again(p)
		}
	}
	p := b.instant(1_00)
	p.Token = "pt-unknown"
	refuse(p, protocol.CodeInstrumentInvalid)
	p = b.instant(1_00)
	p.Request.Agent = stranger
	refuse(p, protocol.CodeInstrumentMismatch)
	p = b.instant(1_00)
	p.Payee = "did:act:nobody.example/shop"
	refuse(p, protocol.CodeMerchantNotAllowed)
	paid := b.payment(1_00)
	b.pay(paid)
	p = b.instant(1_00)
	p.Order = paid.Order
	refuse(p, protocol.CodeOrderPaid)
	p = b.instant(1_00)
	b.must(b.SetTokenState(token, provider.TokenFrozen))
	refuse(p, protocol.CodeInstrumentInvalid)
	b.must(b.SetTokenState(token, provider.TokenActive))
	p = b.instant(1_00)
	p.Expires = b.clock.now()
	refuse(p, protocol.CodeOrderExpired)
	p = b.instant(1_00) // there is no mandate that the token's owner could differ from
	p.Token = otherToken
	if t := b.begin(p); t.Principal != other {
		b.Fatalf("PSD-PAY-INS-03: %q would be asked to confirm", t.Principal)
	}
	b.begin(b.instant(holds + 1)) // the principal may bring money before confirming
	b.moved(1_00)
}

func settles(b *bench) {
	p := b.instant(20_00)
	waiting := b.begin(p)
	b.clock.add(90 * time.Second)
	c := b.confirmation()
	t := b.got(b.Settle(b.ctx, waiting.No, c))
	b.moved(20_00)
	if t.No != waiting.No || t.State != payment.StateWaitSellerFulfillment || !t.PaidAt.Equal(start.Add(90*time.Second)) || t.SpentTotal != 0 ||
		t.Confirmation.Method != c.Method || !t.Confirmation.At.Equal(c.At) || !t.Decision.Allowed() || string(t.Memo) != string(p.Memo) {
		b.Fatalf("not a trade that was confirmed: %+v", t)
	}
	b.clock.add(time.Hour) // also after its time
	b.must(b.SetTokenState(token, provider.TokenFrozen))
	for name, ask := range map[string]func() (*provider.Trade, error){
		"a second confirmation": func() (*provider.Trade, error) {
			return b.Settle(b.ctx, waiting.No, provider.Confirmation{Method: "another", At: b.clock.now()})
		},
		"a repetition": func() (*provider.Trade, error) { return b.Begin(b.ctx, b.again(p)) },
		"a look-up":    func() (*provider.Trade, error) { return b.Lookup(b.ctx, b.again(p).Request) },
		"a query":      func() (*provider.Trade, error) { return b.Query(b.ctx, agent, p.Request.ID) },
		"the number":   func() (*provider.Trade, error) { return b.Trade(b.ctx, waiting.No) },
	} {
		same := b.got(ask())
		if same.No != t.No || same.State != t.State || !same.PaidAt.Equal(t.PaidAt) || same.Confirmation.Method != c.Method || same.Decision.Allowed() {
			b.Fatalf("%s: %+v", name, same)
		}
	}
	b.moved(20_00)
	_, err := b.Settle(b.ctx, "no-such-trade", c)
	b.want(err, protocol.CodeTradeUnknown)
	for _, c := range []provider.Confirmation{{Method: "device key"}, {At: start}} {
		_, err = b.Settle(b.ctx, waiting.No, c)
		b.want(err, protocol.CodeFieldMissing)
	}
}

func settlesOnce(b *bench) {
	t := b.begin(b.instant(60_00))
	trades, errs := b.all(16, func(int) (*provider.Trade, error) { return b.Settle(b.ctx, t.No, b.confirmation()) })
	b.split(errs, 16, "")
	made := 0
	for _, t := range trades {
		if t.Decision.Allowed() {
			made++
		}
	}
	if made != 1 {
		b.Fatalf("%d confirmations are told to have paid", made)
	}
	b.moved(60_00)

	numbers := make([]string, 12)
	for i := range numbers {
		numbers[i] = b.begin(b.instant(7_00)).No
	}
	_, errs = b.all(len(numbers), func(i int) (*provider.Trade, error) { return b.Settle(b.ctx, numbers[i], b.confirmation()) })
	b.split(errs, 5, protocol.CodeBalanceInsufficient)
	b.moved(95_00)
}

func settleJudges(b *bench) {
	refuse := func(t *provider.Trade, code protocol.Code) {
		b.Helper()
		before := b.money()
		for range 2 {
			_, err := b.Settle(b.ctx, t.No, b.confirmation())
			b.stored(err, t.RequestID, code)
		}
		_, err := b.Query(b.ctx, agent, t.RequestID)
		b.stored(err, t.RequestID, code)
		if closed := b.got(b.Trade(b.ctx, t.No)); closed.State != payment.StateTradeClosed || !closed.PaidAt.IsZero() {
			b.Fatalf("refused, and the trade is %+v", closed)
		}
		b.unmoved(before)
	}
	poor := b.begin(b.instant(holds + 1))
	refuse(poor, protocol.CodeBalanceInsufficient)
	b.must(b.Deposit(owner, currency, 10_00))
	refuse(poor, protocol.CodeBalanceInsufficient) // it was the answer

	frozen := b.begin(b.instant(1_00))
	b.must(b.SetTokenState(token, provider.TokenFrozen))
	refuse(frozen, protocol.CodeInstrumentInvalid)
	b.must(b.SetTokenState(token, provider.TokenActive))
	refuse(frozen, protocol.CodeInstrumentInvalid)

	p := b.instant(1_00)
	waiting := b.begin(p)
	paid := b.payment(1_00)
	paid.Order = p.Order
	b.pay(paid) // what waits does not keep others from paying the order
	refuse(waiting, protocol.CodeOrderPaid)
}

func declines(b *bench) {
	p := b.instant(1_00)
	t := b.begin(p)
	for range 2 {
		b.must(b.Decline(b.ctx, t.No, protocol.CodeConfirmationFailed))
	}
	b.must(b.Decline(b.ctx, t.No, protocol.CodeExecutionFailed)) // the first word counts
	for name, ask := range map[string]func() (*provider.Trade, error){
		"a confirmation": func() (*provider.Trade, error) { return b.Settle(b.ctx, t.No, b.confirmation()) },
		"a repetition":   func() (*provider.Trade, error) { return b.Begin(b.ctx, b.again(p)) },
		"a look-up":      func() (*provider.Trade, error) { return b.Lookup(b.ctx, b.again(p).Request) },
		"a query":        func() (*provider.Trade, error) { return b.Query(b.ctx, agent, p.Request.ID) },
	} {
		if _, err := ask(); protocol.CodeOf(err) != protocol.CodeConfirmationFailed {
			b.Fatalf("%s of what was declined: %v", name, err)
		} else {
			b.stored(err, p.Request.ID, protocol.CodeConfirmationFailed)
		}
	}
	if closed := b.got(b.Trade(b.ctx, t.No)); closed.State != payment.StateTradeClosed {
		b.Fatalf("declined, and the trade is %+v", closed)
	}
	b.moved(0)
	next := b.instant(1_00) // the order is still open
	next.Order = p.Order
	b.settle(b.begin(next).No)
	b.moved(1_00)
}

func declineCodes(b *bench) {
	for _, code := range []protocol.Code{protocol.CodeConfirmationFailed, protocol.CodeRiskRefused, protocol.CodeExecutionFailed} {
		t := b.begin(b.instant(1_00))
		b.must(b.Decline(b.ctx, t.No, code))
		_, err := b.Query(b.ctx, agent, t.RequestID)
		b.stored(err, t.RequestID, code)
	}
	t := b.begin(b.instant(1_00))
	for _, code := range []protocol.Code{"", "no_such_code", protocol.CodeServiceUnavailable, protocol.CodeMandateRevoked} {
		b.want(b.Decline(b.ctx, t.No, code), protocol.CodeFieldInvalid)
	}
	b.want(b.Decline(b.ctx, "no-such-trade", protocol.CodeConfirmationFailed), protocol.CodeTradeUnknown)
	b.settle(t.No)
	b.want(b.Decline(b.ctx, t.No, protocol.CodeConfirmationFailed), protocol.CodeStateConflict)
	paid := b.pay(b.payment(1_00))
	b.want(b.Decline(b.ctx, paid.No, protocol.CodeConfirmationFailed), protocol.CodeStateConflict)
	b.moved(2_00)
}

func settleOrDecline(b *bench) {
	for range 8 {
		before := b.money()
		t := b.begin(b.instant(1_00))
		_, errs := b.all(8, func(i int) (*provider.Trade, error) {
			if i%2 == 0 {
				return nil, b.Decline(b.ctx, t.No, protocol.CodeConfirmationFailed)
			}
			return b.Settle(b.ctx, t.No, b.confirmation())
		})
		got := tally(errs)
		end, err := b.Query(b.ctx, agent, t.RequestID)
		switch {
		case err == nil && end.State == payment.StateWaitSellerFulfillment && got[""] == 4 && got[protocol.CodeStateConflict] == 4:
			if now := b.money(); now[0] != before[0]-1_00 || now[2] != before[2]+1_00 {
				b.Fatalf("confirmed, and balances were %v and are %v", before, now)
			}
		case protocol.CodeOf(err) == protocol.CodeConfirmationFailed && got[""] == 4 && got[protocol.CodeConfirmationFailed] == 4:
			b.unmoved(before)
		default:
			b.Fatalf("the query says %v, the calls %v", err, got)
		}
	}
}

func late(b *bench) {
	asks := map[string]func(p provider.Payment, no string) error{
		"a confirmation": func(_ provider.Payment, no string) error {
			_, err := b.Settle(b.ctx, no, b.confirmation())
			return err
		},
		"a repetition": func(p provider.Payment, _ string) error {
			_, err := b.Begin(b.ctx, b.again(p))
			return err
		},
		"a look-up": func(p provider.Payment, _ string) error {
			_, err := b.Lookup(b.ctx, b.again(p).Request)
			return err
		},
		"a query": func(p provider.Payment, _ string) error {
			_, err := b.Query(b.ctx, agent, p.Request.ID)
			return err
		},
	}
	for name, ask := range asks {
		p := b.instant(1_00)
		p.Expires = b.clock.now().Add(time.Minute)
		t := b.begin(p)
		b.clock.add(time.Minute - time.Millisecond)
		if still := b.got(b.Trade(b.ctx, t.No)); !still.Waiting() {
			b.Fatalf("closed before its time: %+v", still)
		}
		b.clock.add(time.Millisecond)
		b.stored(ask(p, t.No), p.Request.ID, protocol.CodeConfirmationFailed)
		// Who was told so does not see it paid, although a clock goes back.
		b.clock.add(-30 * time.Second)
		if _, err := b.Settle(b.ctx, t.No, b.confirmation()); protocol.CodeOf(err) != protocol.CodeConfirmationFailed {
			b.Fatalf("PSD-PAY-INS-04: %s said too late, and then it was confirmed: %v", name, err)
		}
		b.clock.add(30 * time.Second)
		if closed := b.got(b.Trade(b.ctx, t.No)); closed.State != payment.StateTradeClosed {
			b.Fatalf("too late, and the trade is %+v", closed)
		}
		b.must(b.Decline(b.ctx, t.No, protocol.CodeConfirmationFailed))
	}
	p := b.instant(1_00)
	p.Expires = b.clock.now().Add(time.Minute)
	t := b.begin(p)
	b.clock.add(time.Minute)
	if closed := b.got(b.Trade(b.ctx, t.No)); closed.State != payment.StateTradeClosed {
		b.Fatalf("too late, and the trade is %+v", closed)
	}
	b.moved(0)
}

func waitingForOneOrder(b *bench) {
	first, second := b.instant(1_00), b.instant(1_00)
	second.Order = first.Order
	a, z := b.begin(first), b.begin(second)
	_, errs := b.all(2, func(i int) (*provider.Trade, error) {
		return b.Settle(b.ctx, [2]string{a.No, z.No}[i], b.confirmation())
	})
	b.split(errs, 1, protocol.CodeOrderPaid)
	b.moved(1_00)
}

func waitingDeliversNothing(b *bench) {
	t := b.begin(b.instant(1_00))
	_, err := b.Consume(b.ctx, shop, t.No, "consumer-1")
	b.want(err, protocol.CodeStateConflict)
	_, err = b.Confirm(b.ctx, shop, t.No, "consumer-1", b.clock.now())
	b.want(err, protocol.CodeStateConflict)
	b.settle(t.No)
	_, err = b.Consume(b.ctx, shop, t.No, "consumer-1")
	b.must(err)
	declined := b.begin(b.instant(1_00))
	b.must(b.Decline(b.ctx, declined.No, protocol.CodeConfirmationFailed))
	_, err = b.Consume(b.ctx, shop, declined.No, "consumer-1")
	b.want(err, protocol.CodeStateConflict)
}
