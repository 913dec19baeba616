package providertest

import (
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

func answerCases() []contractCase {
	return []contractCase{
		{"PSD-PAY-DEL-04 a nonce is used once", nonceOnce},
		{"PSD-PAY-DEL-04 every answer uses its nonce", nonceOfAnswers},
		{"PSD-PAY-DEL-04 one of many uses a nonce", nonceConcurrent},
		{"PSD-PAY-DEL-13 a payment moves its amount and tells of it", paysOnce},
		{"PSD-PAY-DEL-04 one request has one answer", firstAnswer},
		{"PSD-PAY-DEL-04 one answer for many transmissions at once", concurrentAnswer},
		{"PSD-PAY-DEL-04 a stored refusal stays the answer", refusalStays},
		{"PSD-PAY-DEL-04 what is undetermined is not stored", undeterminedPasses},
		{"PSD-PAY-A402-23 a query tells the answer to its own agent", queries},
		{"PSD-PAY-DEL-04 what was found before refuses too", madeBefore},
		{"PSD-PAY-DEL-04 what is missing is refused before it is judged", incomplete},
	}
}

func nonceOnce(b *bench) {
	n := b.nonce()
	b.must(b.UseNonce(b.ctx, n))
	b.want(b.UseNonce(b.ctx, n), protocol.CodeReplayed)
	elsewhere := n
	elsewhere.Scope += "/2"
	b.must(b.UseNonce(b.ctx, elsewhere))
	b.clock.add(n.Until.Sub(b.clock.now()) - time.Second)
	b.want(b.UseNonce(b.ctx, n), protocol.CodeReplayed)

	p := b.payment(1_00)
	p.Request.Nonce = n
	_, err := b.Lookup(b.ctx, p.Request)
	b.want(err, protocol.CodeReplayed)
	_, err = b.Pay(b.ctx, p)
	b.passing(err, protocol.CodeReplayed)
	i := b.instant(1_00)
	i.Request.Nonce = n
	_, err = b.Begin(b.ctx, i)
	b.passing(err, protocol.CodeReplayed)
	_, err = b.Refuse(b.ctx, p.Request, protocol.New(protocol.CodeMandateRevoked, "", "", ""))
	b.passing(err, protocol.CodeReplayed)
	b.moved(0)
	b.pay(b.again(p)) // nothing of all this was stored
}

func nonceOfAnswers(b *bench) {
	made, refused, begun, denied, unsure := b.payment(1_00), b.payment(1_00_00), b.instant(1_00), b.payment(1_00), b.payment(1_00)
	b.pay(made)
	b.refusePay(refused, protocol.CodeTotalLimitExceeded)
	b.begin(begun)
	_, err := b.Refuse(b.ctx, denied.Request, protocol.New(protocol.CodeMandateRevoked, "", "", ""))
	b.want(err, protocol.CodeMandateRevoked)
	_, err = b.Refuse(b.ctx, unsure.Request, protocol.New(protocol.CodeStatusUnavailable, "", "", ""))
	b.want(err, protocol.CodeStatusUnavailable)
	for _, p := range []provider.Payment{made, refused, begun, denied, unsure} {
		b.want(b.UseNonce(b.ctx, p.Request.Nonce), protocol.CodeReplayed)
	}
	looked := b.payment(1_00)
	if t, err := b.Lookup(b.ctx, looked.Request); t != nil || err != nil {
		b.Fatalf("a new request is known: %v, %v", t, err)
	}
	b.pay(looked) // looking uses nothing
}

func nonceConcurrent(b *bench) {
	n := b.nonce()
	_, errs := b.all(32, func(int) (*provider.Trade, error) { return nil, b.UseNonce(b.ctx, n) })
	b.split(errs, 1, protocol.CodeReplayed)
	p := b.payment(1_00)
	_, errs = b.all(32, func(int) (*provider.Trade, error) { return b.Pay(b.ctx, p) })
	b.split(errs, 1, protocol.CodeReplayed)
	b.moved(1_00)
}

func paysOnce(b *bench) {
	p := b.payment(18_00)
	b.clock.add(300 * time.Millisecond)
	t := b.pay(p)
	b.moved(18_00)
	if t.Agent != agent || t.RequestID != p.Request.ID || t.Scenario != p.Scenario || t.Method != p.Method || t.Payee != shop || t.Order != p.Order ||
		t.Issuer != issuer || t.DelegationID != "m-1" || t.Principal != owner || t.SubAccount != "" || t.Amount != 18_00 || t.Currency != currency ||
		string(t.Memo) != string(p.Memo) {
		b.Fatalf("the trade is not the payment's: %+v", t)
	}
	if t.State != payment.StateWaitSellerFulfillment || !t.PaidAt.Equal(start) || t.SpentTotal != 18_00 || t.Consumer != "" || !t.ConfirmedAt.IsZero() ||
		t.Confirmation != (provider.Confirmation{}) {
		b.Fatalf("not the state of a trade that was just paid: %+v", t)
	}
	if t.No == "" || len(t.No) > 256 {
		b.Fatalf("no trade number of 1 to 256 characters")
	}
	if checks := t.Decision.Checks(); !t.Decision.Allowed() || len(checks) < 2 || checks[0].Name != "made before" {
		b.Fatalf("the decision does not explain the payment: %v", t.Decision)
	}
	second := b.pay(b.payment(2_00))
	if second.No == t.No || second.SpentTotal != 20_00 {
		b.Fatalf("second trade: number %q after %q, spent %d", second.No, t.No, second.SpentTotal)
	}
}

func firstAnswer(b *bench) {
	p := b.payment(18_00)
	first := b.pay(p)
	b.clock.add(time.Minute)
	repeat := b.pay(b.again(p))
	if repeat.No != first.No || !repeat.PaidAt.Equal(first.PaidAt) || repeat.SpentTotal != first.SpentTotal || string(repeat.Memo) != string(first.Memo) {
		b.Fatalf("a repeat got %+v, first was %+v", repeat, first)
	}
	if repeat.Decision.Allowed() {
		b.Fatalf("a repeat is told as a payment made now")
	}
	if known := b.got(b.Lookup(b.ctx, b.again(p).Request)); known.No != first.No {
		b.Fatalf("looked up: %+v", known)
	}
	if kept := b.got(b.Refuse(b.ctx, b.again(p).Request, protocol.New(protocol.CodeMandateRevoked, "", "", ""))); kept.No != first.No {
		b.Fatalf("a refusal after the payment: %+v", kept)
	}
	changed := b.again(p)
	changed.Request.Digest = "another"
	changed.Amount = 1_00
	_, err := b.Lookup(b.ctx, changed.Request)
	b.passing(err, protocol.CodeRequestConflict)
	_, err = b.Pay(b.ctx, changed)
	b.passing(err, protocol.CodeRequestConflict)
	// Nothing that comes later changes the answer.
	b.must(b.SetTokenState(token, provider.TokenCancelled))
	b.clock.add(48 * time.Hour)
	if late := b.pay(b.again(p)); late.No != first.No {
		b.Fatalf("another answer after two days")
	}
	b.moved(18_00)
	b.must(b.BindToken(provider.Token{ID: "pt-late", Principal: owner, Agent: stranger, Currency: currency, ValidFrom: start, ValidUntil: start.Add(96 * time.Hour)}))
	foreign := b.again(p)
	foreign.Request.Agent, foreign.Token, foreign.Order, foreign.Expires = stranger, "pt-late", "o-late", start.Add(96*time.Hour)
	if t := b.pay(foreign); t.No == first.No {
		b.Fatalf("two agents share a request id and got one answer")
	}
}

func concurrentAnswer(b *bench) {
	p := b.payment(7_00)
	trades, errs := b.all(24, func(int) (*provider.Trade, error) { return b.Pay(b.ctx, b.again(p)) })
	b.split(errs, 24, "")
	made := 0
	for _, t := range trades {
		if t.No != trades[0].No {
			b.Fatalf("two trades of one request")
		}
		if t.Decision.Allowed() {
			made++
		}
	}
	if made != 1 {
		b.Fatalf("%d of the calls are told to have made the payment", made)
	}
	b.moved(7_00)
}

func refusalStays(b *bench) {
	p := b.payment(1_00)
	refusal := protocol.New(protocol.CodeMandateRevoked, "iac", "PSD-PAY-DEL-05", "as it was")
	_, err := b.Refuse(b.ctx, p.Request, refusal)
	b.stored(err, p.Request.ID, protocol.CodeMandateRevoked)
	_, err = b.Pay(b.ctx, b.again(p))
	b.stored(err, p.Request.ID, protocol.CodeMandateRevoked)
	if e := protocol.AsError(err); e.Field != "iac" || e.Requirement != "PSD-PAY-DEL-05" || e.Detail != "as it was" {
		b.Fatalf("the refusal changed: %v", err)
	}
	_, err = b.Lookup(b.ctx, b.again(p).Request)
	b.stored(err, p.Request.ID, protocol.CodeMandateRevoked)
	_, err = b.Query(b.ctx, agent, p.Request.ID)
	b.stored(err, p.Request.ID, protocol.CodeMandateRevoked)
	changed := b.again(p)
	changed.Request.Digest = "another"
	_, err = b.Pay(b.ctx, changed)
	b.passing(err, protocol.CodeRequestConflict)

	frozen := b.payment(1_00)
	b.must(b.SetTokenState(token, provider.TokenFrozen))
	b.refusePay(frozen, protocol.CodeInstrumentInvalid)
	b.must(b.SetTokenState(token, provider.TokenActive))
	b.refusePay(b.again(frozen), protocol.CodeInstrumentInvalid)
	_, err = b.Pay(b.ctx, b.again(frozen))
	if e := protocol.AsError(err); len(e.Checks) < 2 {
		b.Fatalf("PSD-PAY-DEL-04: a stored refusal has lost its checks")
	}
	b.moved(0)
}

func undeterminedPasses(b *bench) {
	p := b.payment(1_00)
	_, err := b.Refuse(b.ctx, p.Request, protocol.New(protocol.CodeStatusUnavailable, "", "", ""))
	b.passing(err, protocol.CodeStatusUnavailable)
	_, err = b.Query(b.ctx, agent, p.Request.ID)
	b.want(err, protocol.CodeTradeUnknown)
	p = b.again(p)
	p.Made.Fail(protocol.CodeConstraintUnknown, "", "not understood", "", "")
	_, err = b.Pay(b.ctx, p)
	b.passing(err, protocol.CodeConstraintUnknown)
	b.moved(0)
	p = b.again(p)
	p.Made = protocol.Decision{}
	b.pay(p)
}

func queries(b *bench) {
	p := b.payment(1_00)
	_, err := b.Query(b.ctx, agent, p.Request.ID)
	b.want(err, protocol.CodeTradeUnknown)
	made := b.pay(p)
	if t := b.got(b.Query(b.ctx, agent, p.Request.ID)); t.No != made.No || t.Decision.Allowed() {
		b.Fatalf("asked: %+v", t)
	}
	_, err = b.Query(b.ctx, stranger, p.Request.ID)
	b.want(err, protocol.CodeTradeUnknown)
	if t := b.got(b.Trade(b.ctx, made.No)); t.RequestID != p.Request.ID || t.Amount != 1_00 {
		b.Fatalf("by its number: %+v", t)
	}
	_, err = b.Trade(b.ctx, "no-such-trade")
	b.want(err, protocol.CodeTradeUnknown)
}

func madeBefore(b *bench) {
	p := b.payment(1_00)
	p.Made.Fail(protocol.CodeMerchantNotAllowed, "PSD-PAY-DEL-04", "found before", "merchant_id", "")
	b.refusePay(p, protocol.CodeMerchantNotAllowed)
	p = b.payment(60_00) // over the total, which comes before the merchant in the list of codes
	p.Made.Fail(protocol.CodeMerchantNotAllowed, "PSD-PAY-DEL-04", "found before", "merchant_id", "")
	b.refusePay(p, protocol.CodeTotalLimitExceeded)
}

func incomplete(b *bench) {
	for name, spoil := range map[string]func(*provider.Payment){
		"agent": func(p *provider.Payment) { p.Request.Agent = "" }, "id": func(p *provider.Payment) { p.Request.ID = "" },
		"digest": func(p *provider.Payment) { p.Request.Digest = "" }, "nonce": func(p *provider.Payment) { p.Request.Nonce = provider.Nonce{} },
		"payee": func(p *provider.Payment) { p.Payee = "" }, "order": func(p *provider.Payment) { p.Order = "" },
		"instrument": func(p *provider.Payment) { p.Token = "" }, "two instruments": func(p *provider.Payment) { p.SubAccount, p.SubAccountKey = "s", "k" },
		"mandate": func(p *provider.Payment) { p.Mandate = provider.Mandate{} }, "delegator": func(p *provider.Payment) { p.Mandate.Delegator = "" },
		"payload": func(p *provider.Payment) { p.Mandate.Digest = "" }, "end": func(p *provider.Payment) { p.Expires = time.Time{} },
		"nothing": func(p *provider.Payment) { p.Amount = 0 }, "less than nothing": func(p *provider.Payment) { p.Amount = -1_00 },
		"scenario": func(p *provider.Payment) { p.Scenario = payment.ScenarioINS },
	} {
		p := b.payment(1_00)
		spoil(&p)
		t, err := b.Pay(b.ctx, p)
		if code := protocol.CodeOf(err); t != nil || code != protocol.CodeFieldMissing && code != protocol.CodeFieldInvalid {
			b.Fatalf("without a right %s: %v", name, err)
		}
	}
	delegated := b.payment(1_00)
	if _, err := b.Begin(b.ctx, delegated); protocol.CodeOf(err) != protocol.CodeFieldInvalid {
		b.Fatalf("a payment under a mandate was begun: %v", err)
	}
	b.want(b.UseNonce(b.ctx, provider.Nonce{Scope: "s", Value: "v"}), protocol.CodeFieldMissing)
	b.want(b.UseNonce(b.ctx, provider.Nonce{Scope: "s", Until: start}), protocol.CodeFieldMissing)
	b.moved(0)
	b.pay(delegated) // nothing of all this uses up a request
}
