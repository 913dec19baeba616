package verifier

import (
	"context"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// refundRequirement is what a refund is part of: the moves of a trade.
const refundRequirement = "PSD-PAY-A402-11"

// RefundRequest verifies a merchant's request to give money back, for the
// provider (SPEC.md 6.12): form, the merchant's key for selling and its
// signature, recipient, time of sending and the nonce, which it uses up. That
// the payment is this merchant's, and leaves so much, is for the provider's
// book to decide, and so is what an earlier request with this id was answered:
// compare ContentDigest.
func (v *Verifier) RefundRequest(ctx context.Context, raw []byte, expect PaymentExpectation) (*Verified[payment.RefundRequest], error) {
	if err := required([2]string{"psp", expect.PSP}); err != nil {
		return nil, err
	}
	u, err := payment.ParseRefundRequest(raw)
	if err != nil {
		return nil, err
	}
	q := u.Request
	key, d, err := v.receive(ctx, u, envelope{
		kind: keys.KindRefundRequest, signer: q.MerchantID, purpose: keys.Seller,
		recipient: q.PSPID, recipientField: "psp_id", expectedRecipient: expect.PSP,
		nonce: q.Nonce, timestamp: q.Timestamp, requirement: refundRequirement,
	})
	if err != nil {
		return nil, err
	}
	return &Verified[payment.RefundRequest]{value: q, keyID: u.KeyID(), key: key, digest: u.ContentDigest(), decision: d}, nil
}

// RefundResult verifies a provider's answer to a merchant's refund request: the
// provider's key for proofs and its signature, and that it says of this request
// what was asked for. The total is the provider's word.
func (v *Verifier) RefundResult(ctx context.Context, raw []byte, sent payment.RefundRequest) (*Verified[payment.RefundResult], error) {
	if err := required([2]string{"sent.psp_id", sent.PSPID}, [2]string{"sent.request_id", sent.RequestID},
		[2]string{"sent.merchant_id", sent.MerchantID}, [2]string{"sent.trade_no", sent.TradeNo + sent.MerchantOrderID}); err != nil {
		return nil, err
	}
	if !sent.Amount.Valid() {
		return nil, protocol.New(protocol.CodeFieldMissing, "sent.amount", "", "an expectation that protects money is required")
	}
	u, err := payment.ParseRefundResult(raw)
	if err != nil {
		return nil, err
	}
	r := u.Result
	key, d, err := v.answer(ctx, u, refundRequirement, r.PSPID, sent.PSPID, r.RequestID == sent.RequestID && r.MerchantID == sent.MerchantID)
	if err != nil {
		return nil, err
	}
	d.Require(named(sent.TradeNo, r.TradeNo) && named(sent.MerchantOrderID, r.MerchantOrderID), protocol.CodeOrderMismatch, refundRequirement, "refund of this trade", "trade_no",
		"not what was asked for")
	d.Require(r.Amount == sent.Amount && r.Reason == sent.Reason, protocol.CodeOrderMismatch, refundRequirement, "amount, currency and reason", "amount", "not what was asked for")
	if err := d.Err(); err != nil {
		return nil, err
	}
	return &Verified[payment.RefundResult]{value: r, keyID: u.KeyID(), key: key, digest: u.ContentDigest(), decision: d}, nil
}

// named reports whether a name that was given is the one that was answered.
func named(asked, answered string) bool { return asked == "" || asked == answered }

// TradeQuery verifies a question about a trade, of the merchant that was paid
// or the agent that paid, for the provider (SPEC.md 6.13): form, the sender's
// key for its purpose and its signature, recipient, time of sending and the
// nonce, which it uses up. Answer only about a trade of exactly this merchant,
// and of this agent when the query has one.
func (v *Verifier) TradeQuery(ctx context.Context, raw []byte, expect PaymentExpectation) (*Verified[payment.TradeQuery], error) {
	if err := required([2]string{"psp", expect.PSP}); err != nil {
		return nil, err
	}
	u, err := payment.ParseTradeQuery(raw)
	if err != nil {
		return nil, err
	}
	q := u.Query
	key, d, err := v.receive(ctx, u, envelope{
		kind: keys.KindTradeQuery, signer: q.Sender(), purpose: q.Purpose(),
		recipient: q.PSPID, recipientField: "psp_id", expectedRecipient: expect.PSP,
		nonce: q.Nonce, timestamp: q.Timestamp, requirement: "PSD-PAY-A402-23",
	})
	if err != nil {
		return nil, err
	}
	return &Verified[payment.TradeQuery]{value: q, keyID: u.KeyID(), key: key, digest: u.ContentDigest(), decision: d}, nil
}

// TradeState verifies a provider's answer to a question about a trade: the
// provider's key for proofs and its signature, that it answers this question
// about this trade, and that it is of now, as the time of a message is judged.
// Amount and state are the provider's word: compare the amount with the order.
func (v *Verifier) TradeState(ctx context.Context, raw []byte, sent payment.TradeQuery) (*Verified[payment.TradeState], error) {
	const requirement = "PSD-PAY-A402-23"
	if err := required([2]string{"sent.psp_id", sent.PSPID}, [2]string{"sent.request_id", sent.RequestID},
		[2]string{"sent.merchant_id", sent.MerchantID}, [2]string{"sent.trade_no", sent.TradeNo + sent.MerchantOrderID}); err != nil {
		return nil, err
	}
	u, err := payment.ParseTradeState(raw)
	if err != nil {
		return nil, err
	}
	s := u.State
	key, d, err := v.answer(ctx, u, requirement, s.PSPID, sent.PSPID, s.RequestID == sent.RequestID)
	if err != nil {
		return nil, err
	}
	const detail = "not what was asked about"
	d.Require(named(sent.BuyerAgentID, s.BuyerAgentID), protocol.CodeAgentMismatch, requirement, "buyer", "buyer_agent_id", detail)
	d.Require(s.MerchantID == sent.MerchantID && named(sent.TradeNo, s.TradeNo) && named(sent.MerchantOrderID, s.MerchantOrderID),
		protocol.CodeOrderMismatch, requirement, "about this trade", "trade_no", detail)
	d.Require(checkTimestamp(s.AsOf, v.now(), requirement) == nil, protocol.CodeRequestExpired, requirement, "time of the answer", "as_of", "not of now")
	if err := d.Err(); err != nil {
		return nil, err
	}
	return &Verified[payment.TradeState]{value: s, keyID: u.KeyID(), key: key, digest: u.ContentDigest(), decision: d}, nil
}

// NotificationExpectation is what a merchant expects of a notification. Both
// are required.
type NotificationExpectation struct {
	PSP      string // DID of the provider
	Merchant string // DID of the merchant that receives it
}

// Notification verifies a provider's notification, for the merchant
// (PSD-PAY-INS-06, PSD-PAY-DEL-13; SPEC.md 6.14): form, the provider's key for
// proofs and its signature, recipient and time of sending.
//
// It uses no nonce: a notification has a sequence, and one that is not higher
// than the last that was worked off is a repetition. That, and whether the
// order and its amount are the merchant's own, is not checked here.
func (v *Verifier) Notification(ctx context.Context, raw []byte, expect NotificationExpectation) (*Verified[payment.Notification], error) {
	const requirement = "PSD-PAY-DEL-13"
	if err := required([2]string{"psp", expect.PSP}, [2]string{"merchant", expect.Merchant}); err != nil {
		return nil, err
	}
	u, err := payment.ParseNotification(raw)
	if err != nil {
		return nil, err
	}
	n := u.Notification
	key, d, err := v.answer(ctx, u, requirement, n.PSPID, expect.PSP, true)
	if err != nil {
		return nil, err
	}
	d.Require(n.MerchantID == expect.Merchant, protocol.CodeAudienceMismatch, requirement, "recipient", "merchant_id", "addressed to another party")
	d.Record(requirement, "time of sending", checkTimestamp(n.Timestamp, v.now(), requirement))
	if err := d.Err(); err != nil {
		return nil, err
	}
	return &Verified[payment.Notification]{value: n, keyID: u.KeyID(), key: key, digest: u.ContentDigest(), decision: d}, nil
}
