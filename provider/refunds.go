package provider

import (
	"context"
	"net/http"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

// Refund gives back all or a part of a payment from the balance of the merchant
// that was paid, when that merchant asks (SPEC.md 6.12). Form, key, signature,
// recipient, time and nonce come first; then the book answers, with the first
// answer to this request id if there is one. A refusal that was stored is a
// *payment.RefundRefusal; every other error speaks of this transmission only.
func (p *Provider) Refund(ctx context.Context, body []byte) (Answer, error) {
	verified, err := p.config.Verifier.RefundRequest(ctx, body, p.expect)
	if err != nil {
		return Answer{}, err
	}
	q := verified.Value()
	made, err := p.config.Ledger.Refund(context.WithoutCancel(ctx), RefundRequest{
		Merchant: q.MerchantID, ID: q.RequestID, Digest: verified.ContentDigest(), TradeNo: q.TradeNo, Order: q.MerchantOrderID,
		Amount: q.Amount.Minor(), Currency: q.Amount.Currency().Code(), Reason: q.Reason,
	})
	if err == nil && made == nil {
		err = protocol.New(protocol.CodeServiceUnavailable, "", "", "the ledger returned no refund")
	}
	if err != nil {
		return Answer{}, err
	}
	amount, total, err := made.money()
	if err != nil {
		return Answer{}, err
	}
	out, err := payment.SignRefundResult(p.config.Signer, payment.RefundResult{
		RequestID: q.RequestID, PSPID: p.ID(), MerchantID: made.Merchant, RefundNo: made.No, TradeNo: made.TradeNo, MerchantOrderID: made.Order,
		Amount: amount, RefundedTotal: total, Reason: made.Reason, TradeState: made.State, RefundedAt: made.At,
	})
	return Answer{out, http.StatusOK}, own(err)
}

func (r *Refund) money() (amount, total money.Amount, err error) {
	if amount, err = amountOf(r.Amount, r.Currency); err == nil {
		total, err = amountOf(r.Total, r.Currency)
	}
	return amount, total, err
}

// TradeState answers the merchant that was paid, or the agent that paid, what
// has become of a trade (SPEC.md 6.13, PSD-PAY-A402-23): amount, state and
// refunds. Of anybody else's trade it is trade_unknown.
func (p *Provider) TradeState(ctx context.Context, body []byte) (Answer, error) {
	verified, err := p.config.Verifier.TradeQuery(ctx, body, p.expect)
	if err != nil {
		return Answer{}, err
	}
	q, asOf := verified.Value(), p.config.Now() // before the book is read: what it says is not older
	t, refunds, err := p.config.Ledger.Find(ctx, TradeKey{Merchant: q.MerchantID, Agent: q.BuyerAgentID, TradeNo: q.TradeNo, Order: q.MerchantOrderID})
	if t, err = made(t, err); err != nil {
		return Answer{}, err
	}
	amount, err := t.Money()
	if err != nil {
		return Answer{}, err
	}
	s := payment.TradeState{
		RequestID: q.RequestID, PSPID: p.ID(), MerchantID: t.Payee, BuyerAgentID: t.Agent, TradeNo: t.No, MerchantOrderID: t.Order,
		Amount: amount, State: t.State, PaidAt: t.PaidAt, AsOf: asOf,
	}
	if s.RefundedTotal, err = amountOf(0, t.Currency); err != nil {
		return Answer{}, err
	}
	for _, r := range refunds {
		m := payment.RefundMade{RefundNo: r.No, RequestID: r.RequestID, Reason: r.Reason, RefundedAt: r.At}
		if m.Amount, s.RefundedTotal, err = r.money(); err != nil {
			return Answer{}, err
		}
		s.Refunds = append(s.Refunds, m)
	}
	out, err := payment.SignTradeState(p.config.Signer, s)
	return Answer{out, http.StatusOK}, own(err)
}
