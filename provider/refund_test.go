package provider_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// refund sends a refund request of the shop, in a new transmission.
func (l *till) refund(q payment.RefundRequest) (payment.RefundResult, error) {
	l.Helper()
	q.Nonce, q.Timestamp, q.PSPID, q.MerchantID = canon.Nonce(), l.w.Clock.Now(), acttest.PSPDID, acttest.ShopDID
	body, err := payment.SignRefundRequest(l.w.Seller.Signer(keys.Seller), q)
	l.must(err)
	a, err := l.provider.Refund(ctx, body)
	if err != nil {
		return payment.RefundResult{}, err
	}
	v, err := l.w.NewVerifier(l).RefundResult(ctx, a.Body, q)
	l.must(err)
	return v.Value(), nil
}

func TestRefund(t *testing.T) {
	l := newTill(t, nil)
	paid := l.paid(l.request(payment.ScenarioDEL, "18.00"))
	ask := payment.RefundRequest{RequestID: "refund-1", TradeNo: paid.TradeNo, Amount: acttest.CNY(t, "3.50"), Reason: payment.RefundReturned}
	first, err := l.refund(ask)
	l.must(err)
	if first.RefundedTotal != ask.Amount || first.TradeState != payment.StateWaitSellerFulfillment {
		t.Errorf("PSD-PAY-A402-11 %+v", first)
	}
	l.spent(14_50)
	again, err := l.refund(ask)
	l.must(err)
	if again != first {
		t.Errorf("the first answer was %+v, then it was %+v", first, again)
	}
	sameValue := ask // in another spelling it is other content, as in 1.5
	sameValue.Reason = payment.RefundOther
	_, err = l.refund(sameValue)
	l.want(err, protocol.CodeRequestConflict)
	l.spent(14_50)
	over := ask
	over.RequestID, over.Amount = "refund-2", acttest.CNY(t, "14.51")
	_, err = l.refund(over)
	l.want(err, protocol.CodeRefundExceeded)
	l.want(l.reconfirm(paid), "")
	done := ask
	done.RequestID, done.Amount = "refund-3", acttest.CNY(t, "14.50")
	last, err := l.refund(done)
	l.must(err)
	if last.TradeState != payment.StateTradeFinished {
		t.Errorf("PSD-PAY-A402-11 finished is an end, and it is in %s", last.TradeState)
	}
	l.spent(0)
}

// reconfirm consumes and confirms a payment at the ledger.
func (l *till) reconfirm(r payment.Result) error {
	if _, err := l.ledger.Consume(ctx, r.MerchantID, r.TradeNo, "c"); err != nil {
		return err
	}
	_, err := l.ledger.Confirm(ctx, r.MerchantID, r.TradeNo, "c", l.w.Clock.Now())
	return err
}

func TestRefundHostile(t *testing.T) {
	l := newTill(t, nil)
	paid := l.paid(l.request(payment.ScenarioDEL, "18.00"))
	good := payment.RefundRequest{
		RequestID: "refund-1", Nonce: canon.Nonce(), Timestamp: l.w.Clock.Now(), PSPID: acttest.PSPDID, MerchantID: acttest.ShopDID,
		TradeNo: paid.TradeNo, Amount: acttest.CNY(t, "18.00"), Reason: payment.RefundOther,
	}
	seller := l.w.Seller.Signer(keys.Seller)
	thief := l.w.Buyer.Signer(keys.AgentRequest)
	sign := func(s *keys.Signer, q payment.RefundRequest) []byte {
		body, err := payment.SignRefundRequest(s, q)
		l.must(err)
		return body
	}
	first := sign(seller, good)
	if _, err := l.provider.Refund(ctx, first); err != nil {
		t.Fatal(err)
	}
	_, err := l.provider.Refund(ctx, first)
	l.want(err, protocol.CodeReplayed)
	late := good
	late.Nonce, late.Timestamp = canon.Nonce(), late.Timestamp.Add(-6*time.Minute)
	_, err = l.provider.Refund(ctx, sign(seller, late))
	l.want(err, protocol.CodeRequestExpired)
	elsewhere := good
	elsewhere.Nonce, elsewhere.PSPID = canon.Nonce(), "did:act:other.example/pay"
	_, err = l.provider.Refund(ctx, sign(seller, elsewhere))
	l.want(err, protocol.CodeAudienceMismatch)
	if _, err := payment.SignRefundRequest(thief, good); protocol.CodeOf(err) == "" {
		t.Error("an agent signs for a merchant")
	}
	l.spent(0)
}

// TestRefundFacts: the zero value refuses, and no refund passes that is over
// what is left, in another currency, of nothing that was paid, or over what the
// merchant has.
func TestRefundFacts(t *testing.T) {
	r := provider.RefundRequest{Merchant: "m", Amount: 1, Currency: "CNY"}
	if d := new(provider.RefundFacts).Judge(&r); d.Allowed() || protocol.CodeOf(d.Err()) != protocol.CodeTradeUnknown {
		t.Errorf("of nothing: %v", d.Err())
	}
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.Int64Range(1, 1<<62).Draw(t, "amount")
		f := provider.RefundFacts{
			Trade:    &provider.Trade{Payee: "m", Amount: amount, Currency: "CNY", PaidAt: acttest.Start},
			Refunded: rapid.Int64Range(0, amount).Draw(t, "refunded"), Count: rapid.IntRange(0, payment.MaxRefunds+1).Draw(t, "count"),
			Balance: rapid.Int64Range(0, 1<<62).Draw(t, "balance"),
		}
		r := provider.RefundRequest{
			Merchant: rapid.SampledFrom([]string{"m", "n"}).Draw(t, "merchant"), Amount: rapid.Int64Range(1, 1<<63-1).Draw(t, "refund"),
			Currency: rapid.SampledFrom([]string{"CNY", "USD"}).Draw(t, "currency"),
		}
		if rapid.Bool().Draw(t, "unpaid") {
			f.Trade.PaidAt = time.Time{}
		}
		d := f.Judge(&r)
		want := r.Merchant == "m" && !f.Trade.PaidAt.IsZero() && r.Currency == "CNY" && r.Amount <= amount-f.Refunded && r.Amount <= f.Balance && f.Count < payment.MaxRefunds
		if d.Allowed() != want {
			t.Fatalf("%+v, %+v: %v", f, r, d.Err())
		}
	})
}

// TestAfterRefund: the official machine makes every move, and an end stays.
func TestAfterRefund(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		state := rapid.SampledFrom(payment.States()).Draw(t, "state")
		amount := rapid.Int64Range(1, 100).Draw(t, "amount")
		refunded := rapid.Int64Range(1, amount).Draw(t, "refunded")
		next, event := provider.AfterRefund(state, amount, refunded)
		paid := state == payment.StateWaitSellerFulfillment || state == payment.StateWaitBuyerReceipt
		if closes := paid && refunded == amount; closes != (next == payment.StateTradeClosed && event != "") && state != payment.StateTradeClosed {
			t.Fatalf("PSD-PAY-A402-11: %s after %d of %d is %s", state, refunded, amount, next)
		}
		if next != state && !payment.Can(state, next) {
			t.Fatalf("PSD-PAY-A402-11: no move from %s to %s", state, next)
		}
	})
}

func TestTradeState(t *testing.T) {
	l := newTill(t, nil)
	q := l.request(payment.ScenarioINS, "18.00")
	a, err := l.send(q)
	l.must(err)
	pending, err := payment.ParsePending(a.Body)
	l.must(err)
	ask := func(no string, agent string) (payment.TradeState, error) {
		sent := payment.TradeQuery{RequestID: canon.UUID(), Nonce: canon.Nonce(), Timestamp: l.w.Clock.Now(), PSPID: acttest.PSPDID,
			MerchantID: acttest.ShopDID, BuyerAgentID: agent, TradeNo: no}
		key := l.w.Seller.Signer(keys.Seller)
		if agent != "" {
			key = l.w.Buyer.Signer(keys.AgentRequest)
		}
		body, err := payment.SignTradeQuery(key, sent)
		l.must(err)
		a, err := l.provider.TradeState(ctx, body)
		if err != nil {
			return payment.TradeState{}, err
		}
		v, err := l.w.NewVerifier(l).TradeState(ctx, a.Body, sent)
		l.must(err)
		return v.Value(), nil
	}
	waits, err := ask(pending.Pending.TradeNo, "")
	l.must(err)
	if waits.State != payment.StateWaitBuyerPay || !waits.PaidAt.IsZero() || waits.RefundedTotal.Minor() != 0 {
		t.Errorf("PSD-PAY-A402-23 while it waits: %+v", waits)
	}
	_, err = l.provider.Confirm(ctx, pending.Pending.TradeNo, provider.Confirmation{Method: "test", At: l.w.Clock.Now()})
	l.must(err)
	for _, agent := range []string{"", acttest.AgentDID} {
		s, err := ask(pending.Pending.TradeNo, agent)
		l.must(err)
		if s.State != payment.StateWaitSellerFulfillment || s.PaidAt.IsZero() || s.Amount != q.Amount {
			t.Errorf("PSD-PAY-A402-23 %+v", s)
		}
	}
	_, err = ask("none", "")
	l.want(err, protocol.CodeTradeUnknown)
}
