package verifier_test

import (
	"context"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

func goodRefund() payment.RefundRequest {
	return payment.RefundRequest{
		RequestID: "refund-1", Nonce: canon.Nonce(), Timestamp: epoch, PSPID: pspDID, MerchantID: shopDID, TradeNo: "T1",
		Amount: mustAmount("5.00"), Reason: payment.RefundReturned,
	}
}

func TestRefundRequest(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	seller := w.signers[shopDID+"#sell"]
	verify := func(raw []byte) (*verifier.Verified[payment.RefundRequest], error) {
		return w.v.RefundRequest(context.Background(), raw, verifier.PaymentExpectation{PSP: pspDID})
	}
	first := w.must(payment.SignRefundRequest(seller, goodRefund()))
	a, err := verify(first)
	wantCode(t, err, "")
	_, err = verify(first)
	wantCode(t, err, protocol.CodeReplayed)
	b, err := verify(w.must(payment.SignRefundRequest(seller, goodRefund())))
	wantCode(t, err, "")
	if a.ContentDigest() != b.ContentDigest() || a.Value().Amount != mustAmount("5.00") {
		t.Error("two transmissions of one request differ")
	}
	for _, c := range []struct {
		name   string
		want   protocol.Code
		change func(*payment.RefundRequest)
	}{
		{"to another provider", protocol.CodeAudienceMismatch, func(q *payment.RefundRequest) { q.PSPID = "did:act:other.example/pay" }},
		{"of six minutes ago", protocol.CodeRequestExpired, func(q *payment.RefundRequest) { q.Timestamp = epoch.Add(-6 * time.Minute) }},
		{"of the future", protocol.CodeRequestExpired, func(q *payment.RefundRequest) { q.Timestamp = epoch.Add(2 * time.Minute) }},
	} {
		t.Run("PSD-PAY-A402-11 "+c.name, func(t *testing.T) {
			q := goodRefund()
			c.change(&q)
			_, err := verify(w.must(payment.SignRefundRequest(seller, q)))
			wantCode(t, err, c.want)
		})
	}
	t.Run("PSD-PAY-A402-11 forged", func(t *testing.T) {
		forger := w.signer(shopDID+"#sell", keys.Seller)
		_, err := verify(w.must(payment.SignRefundRequest(forger, goodRefund())))
		wantCode(t, err, protocol.CodeSignatureInvalid)
		raw := replaceOnce(t, string(w.must(payment.SignRefundRequest(seller, goodRefund()))), `"5.00"`, `"9.00"`)
		_, err = verify([]byte(raw))
		wantCode(t, err, protocol.CodeSignatureInvalid)
	})
	_, err = w.v.RefundRequest(context.Background(), first, verifier.PaymentExpectation{})
	wantCode(t, err, protocol.CodeFieldMissing)
}

func TestRefundResult(t *testing.T) {
	w := newWorld(t, keys.ES256)
	proof, sent := w.signers[pspDID+"#proof"], goodRefund()
	good := payment.RefundResult{
		RequestID: "refund-1", PSPID: pspDID, MerchantID: shopDID, RefundNo: "R1", TradeNo: "T1", MerchantOrderID: "o-1",
		Amount: mustAmount("5.00"), RefundedTotal: mustAmount("5.00"), Reason: payment.RefundReturned, TradeState: payment.StateTradeFinished, RefundedAt: epoch,
	}
	for _, c := range []struct {
		name   string
		want   protocol.Code
		change func(*payment.RefundResult, *payment.RefundRequest)
	}{
		{"the answer", "", func(*payment.RefundResult, *payment.RefundRequest) {}},
		{"asked by order", "", func(_ *payment.RefundResult, q *payment.RefundRequest) { q.TradeNo, q.MerchantOrderID = "", "o-1" }},
		{"of another request", protocol.CodeRequestConflict, func(r *payment.RefundResult, _ *payment.RefundRequest) { r.RequestID = "refund-2" }},
		{"of another merchant", protocol.CodeRequestConflict, func(r *payment.RefundResult, _ *payment.RefundRequest) { r.MerchantID = shop2DID }},
		{"another trade", protocol.CodeOrderMismatch, func(r *payment.RefundResult, _ *payment.RefundRequest) { r.TradeNo = "T2" }},
		{"another order", protocol.CodeOrderMismatch, func(_ *payment.RefundResult, q *payment.RefundRequest) { q.TradeNo, q.MerchantOrderID = "", "o-2" }},
		{"less than asked", protocol.CodeOrderMismatch, func(r *payment.RefundResult, _ *payment.RefundRequest) { r.Amount = mustAmount("4.00") }},
		{"for another reason", protocol.CodeOrderMismatch, func(r *payment.RefundResult, _ *payment.RefundRequest) { r.Reason = payment.RefundFraud }},
		{"by another provider", protocol.CodeIssuerUntrusted, func(_ *payment.RefundResult, q *payment.RefundRequest) { q.PSPID = "did:act:other.example/pay" }},
		{"nothing asked", protocol.CodeFieldMissing, func(_ *payment.RefundResult, q *payment.RefundRequest) { *q = payment.RefundRequest{} }},
	} {
		t.Run("PSD-PAY-A402-11 "+c.name, func(t *testing.T) {
			r, q := good, sent
			c.change(&r, &q)
			m, err := w.v.RefundResult(context.Background(), w.must(payment.SignRefundResult(proof, r)), q)
			wantCode(t, err, c.want)
			if (m == nil) != (err != nil) {
				t.Error("a value with an error, or neither")
			}
		})
	}
}

func TestTradeQuery(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	good := payment.TradeQuery{Timestamp: epoch, PSPID: pspDID, MerchantID: shopDID, MerchantOrderID: "o-1", RequestID: "t-1"}
	for _, c := range []struct {
		name   string
		want   protocol.Code
		key    string
		change func(*payment.TradeQuery)
	}{
		{"by the merchant", "", shopDID + "#sell", func(*payment.TradeQuery) {}},
		{"by the agent", "", agentDID + "#k1", func(q *payment.TradeQuery) { q.BuyerAgentID = agentDID }},
		{"to another provider", protocol.CodeAudienceMismatch, shopDID + "#sell", func(q *payment.TradeQuery) { q.PSPID = "did:act:other.example/pay" }},
		{"of long ago", protocol.CodeRequestExpired, shopDID + "#sell", func(q *payment.TradeQuery) { q.Timestamp = epoch.Add(-time.Hour) }},
	} {
		t.Run("PSD-PAY-A402-23 "+c.name, func(t *testing.T) {
			q := good
			c.change(&q)
			q.Nonce = canon.Nonce()
			key := w.signers[c.key]
			if key == nil {
				t.Fatal("the world has no such key")
			}
			raw := w.must(payment.SignTradeQuery(key, q))
			_, err := w.v.TradeQuery(context.Background(), raw, verifier.PaymentExpectation{PSP: pspDID})
			wantCode(t, err, c.want)
			if c.want == "" {
				_, err = w.v.TradeQuery(context.Background(), raw, verifier.PaymentExpectation{PSP: pspDID})
				wantCode(t, err, protocol.CodeReplayed)
			}
		})
	}
}

func TestTradeState(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	sent := payment.TradeQuery{RequestID: "t-1", PSPID: pspDID, MerchantID: shopDID, TradeNo: "T1"}
	good := payment.TradeState{
		RequestID: "t-1", PSPID: pspDID, MerchantID: shopDID, BuyerAgentID: agentDID, TradeNo: "T1", MerchantOrderID: "o-1",
		Amount: mustAmount("5.00"), RefundedTotal: mustAmount("0.00"), State: payment.StateTradeFinished, PaidAt: epoch, AsOf: epoch,
	}
	for _, c := range []struct {
		name   string
		want   protocol.Code
		change func(*payment.TradeState, *payment.TradeQuery)
	}{
		{"the answer", "", func(*payment.TradeState, *payment.TradeQuery) {}},
		{"to the agent", "", func(_ *payment.TradeState, q *payment.TradeQuery) { q.BuyerAgentID = agentDID }},
		{"of another buyer", protocol.CodeAgentMismatch, func(_ *payment.TradeState, q *payment.TradeQuery) { q.BuyerAgentID = agent2DID }},
		{"an older answer, replayed", protocol.CodeRequestConflict, func(s *payment.TradeState, _ *payment.TradeQuery) { s.RequestID = "t-0" }},
		{"about another trade", protocol.CodeOrderMismatch, func(s *payment.TradeState, _ *payment.TradeQuery) { s.TradeNo = "T2" }},
		{"about another order", protocol.CodeOrderMismatch, func(_ *payment.TradeState, q *payment.TradeQuery) { q.TradeNo, q.MerchantOrderID = "", "o-2" }},
		{"of another payee", protocol.CodeOrderMismatch, func(s *payment.TradeState, _ *payment.TradeQuery) { s.MerchantID = shop2DID }},
		{"of an hour ago", protocol.CodeRequestExpired, func(s *payment.TradeState, _ *payment.TradeQuery) { s.AsOf = epoch.Add(-time.Hour) }},
		{"nothing asked", protocol.CodeFieldMissing, func(_ *payment.TradeState, q *payment.TradeQuery) { *q = payment.TradeQuery{} }},
	} {
		t.Run("PSD-PAY-A402-23 "+c.name, func(t *testing.T) {
			s, q := good, sent
			c.change(&s, &q)
			_, err := w.v.TradeState(context.Background(), w.must(payment.SignTradeState(w.signers[pspDID+"#proof"], s)), q)
			wantCode(t, err, c.want)
		})
	}
}

func TestNotification(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	proof := w.signers[pspDID+"#proof"]
	good := payment.Notification{
		PSPID: pspDID, MerchantID: shopDID, Sequence: 1, Timestamp: epoch, Event: payment.NotifyCompleted, OccurredAt: epoch.Add(-30 * 24 * time.Hour),
		TradeNo: "T1", MerchantOrderID: "o-1", Amount: mustAmount("5.00"), TradeState: payment.StateWaitSellerFulfillment,
	}
	expect := verifier.NotificationExpectation{PSP: pspDID, Merchant: shopDID}
	for _, c := range []struct {
		name   string
		want   protocol.Code
		change func(*payment.Notification, *verifier.NotificationExpectation)
	}{
		{"of what happened a month ago, sent now", "", func(*payment.Notification, *verifier.NotificationExpectation) {}},
		{"for another merchant", protocol.CodeAudienceMismatch, func(n *payment.Notification, _ *verifier.NotificationExpectation) {
			n.MerchantID = shop2DID
		}},
		{"by another provider", protocol.CodeIssuerUntrusted, func(_ *payment.Notification, e *verifier.NotificationExpectation) {
			e.PSP = "did:act:other.example/pay"
		}},
		{"sent an hour ago", protocol.CodeRequestExpired, func(n *payment.Notification, _ *verifier.NotificationExpectation) {
			n.Timestamp = epoch.Add(-time.Hour)
		}},
		{"for nobody in particular", protocol.CodeFieldMissing, func(_ *payment.Notification, e *verifier.NotificationExpectation) { e.Merchant = "" }},
		{"of any provider", protocol.CodeFieldMissing, func(_ *payment.Notification, e *verifier.NotificationExpectation) { e.PSP = "" }},
	} {
		t.Run("PSD-PAY-DEL-13 "+c.name, func(t *testing.T) {
			n, e := good, expect
			c.change(&n, &e)
			_, err := w.v.Notification(context.Background(), w.must(payment.SignNotification(proof, n)), e)
			wantCode(t, err, c.want)
		})
	}
	t.Run("PSD-PAY-INS-06 forged", func(t *testing.T) {
		_, err := w.v.Notification(context.Background(), w.must(payment.SignNotification(w.signer(pspDID+"#proof", keys.Proof), good)), expect)
		wantCode(t, err, protocol.CodeSignatureInvalid)
	})
}
