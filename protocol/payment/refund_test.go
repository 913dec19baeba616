package payment_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

const fixedNonce = "AAAAAAAAAAAAAAAAAAAAAA"

func goodRefund(t testing.TB) payment.RefundRequest {
	return payment.RefundRequest{
		RequestID: "refund-1", Nonce: fixedNonce, Timestamp: now, PSPID: pspDID, MerchantID: sellerDID, TradeNo: "T1",
		Amount: cny(t, "5.00"), Reason: payment.RefundDefective,
	}
}

func goodRefundResult(t testing.TB) payment.RefundResult {
	return payment.RefundResult{
		RequestID: "refund-1", PSPID: pspDID, MerchantID: sellerDID, RefundNo: "R1", TradeNo: "T1", MerchantOrderID: "o-1",
		Amount: cny(t, "5.00"), RefundedTotal: cny(t, "7.00"), Reason: payment.RefundDefective, TradeState: payment.StateWaitSellerFulfillment, RefundedAt: now,
	}
}

func goodTradeQuery() payment.TradeQuery {
	return payment.TradeQuery{RequestID: "t-1", Nonce: fixedNonce, Timestamp: now, PSPID: pspDID, MerchantID: sellerDID, TradeNo: "T1"}
}

func goodTradeState(t testing.TB) payment.TradeState {
	return payment.TradeState{
		RequestID: "t-1", PSPID: pspDID, MerchantID: sellerDID, BuyerAgentID: agentDID, TradeNo: "T1", MerchantOrderID: "o-1",
		Amount: cny(t, "18.00"), RefundedTotal: cny(t, "7.00"), State: payment.StateWaitSellerFulfillment, PaidAt: now, AsOf: now,
		Refunds: []payment.RefundMade{
			{RefundNo: "R0", RequestID: "refund-0", Amount: cny(t, "2.00"), Reason: payment.RefundOther, RefundedAt: now},
			{RefundNo: "R1", RequestID: "refund-1", Amount: cny(t, "5.00"), Reason: payment.RefundDefective, RefundedAt: now},
		},
	}
}

func goodNotification(t testing.TB) payment.Notification {
	return payment.Notification{
		PSPID: pspDID, MerchantID: sellerDID, Sequence: 7, Timestamp: now, Event: payment.NotifyRefunded, OccurredAt: now, TradeNo: "T1",
		MerchantOrderID: "o-1", Amount: cny(t, "18.00"), TradeState: payment.StateTradeFinished,
		RefundNo: "R1", RefundRequestID: "refund-1", RefundAmount: cny(t, "5.00"), RefundedTotal: cny(t, "7.00"),
	}
}

func TestRefundRules(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*payment.RefundRequest)
		code   protocol.Code
		field  string
	}{
		{"no trade", func(q *payment.RefundRequest) { q.TradeNo = "" }, protocol.CodeFieldMissing, "trade_no"},
		{"two ways to name it", func(q *payment.RefundRequest) { q.MerchantOrderID = "o-1" }, protocol.CodeFieldInvalid, "merchant_order_id"},
		{"by order", func(q *payment.RefundRequest) { q.TradeNo, q.MerchantOrderID = "", "o-1" }, "", ""},
		{"nothing", func(q *payment.RefundRequest) { q.Amount = cny(t, "0.00") }, protocol.CodeFieldInvalid, "amount"},
		{"no amount", func(q *payment.RefundRequest) { q.Amount = money.Amount{} }, protocol.CodeFieldMissing, "currency"},
		{"a reason of its own", func(q *payment.RefundRequest) { q.Reason = "Alice changed her mind" }, protocol.CodeFieldInvalid, "reason"},
	} {
		t.Run("PSD-PAY-A402-11 "+c.name, func(t *testing.T) {
			q := goodRefund(t)
			c.change(&q)
			_, err := payment.SignRefundRequest(signer(t, sellerDID, keys.Seller, keys.EdDSA), q)
			if c.code == "" && err != nil {
				t.Fatal(err)
			} else if c.code != "" {
				wantError(t, err, c.code, c.field)
			}
		})
	}
	less := goodRefundResult(t)
	less.RefundedTotal = cny(t, "4.99")
	_, err := payment.SignRefundResult(pspKey(t), less)
	wantError(t, err, protocol.CodeFieldInvalid, "refunded_total")
	unpaid := goodRefundResult(t)
	unpaid.TradeState = payment.StateWaitBuyerPay
	_, err = payment.SignRefundResult(pspKey(t), unpaid)
	wantError(t, err, protocol.CodeFieldInvalid, "trade_state")
}

func TestTradeQueryOfAnAgent(t *testing.T) {
	q := goodTradeQuery()
	q.BuyerAgentID = agentDID
	data, err := payment.SignTradeQuery(agentKey(t), q)
	if err != nil {
		t.Fatal(err)
	}
	u, err := payment.ParseTradeQuery(data)
	if err != nil || u.Query != q || u.Query.Sender() != agentDID || u.Query.Purpose() != keys.AgentRequest {
		t.Fatalf("PSD-PAY-A402-23: %+v, %v", u, err)
	}
	// The merchant of a question has not asked it, and an agent's key does not sell.
	if _, err := payment.SignTradeQuery(signer(t, sellerDID, keys.AgentRequest, keys.EdDSA), q); protocol.CodeOf(err) != protocol.CodeClaimsConflict {
		t.Error(err)
	}
	if _, err := payment.SignTradeQuery(signer(t, agentDID, keys.Seller, keys.EdDSA), q); protocol.CodeOf(err) != protocol.CodeKeyPurpose {
		t.Error(err)
	}
}

func TestTradeStateRules(t *testing.T) {
	data, err := payment.SignTradeState(pspKey(t), goodTradeState(t))
	if err != nil {
		t.Fatal(err)
	}
	u, err := payment.ParseTradeState(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(goodTradeState(t), u.State, compareAmounts); diff != "" {
		t.Error(diff)
	}
	for _, c := range []struct {
		name   string
		change func(*payment.TradeState)
		code   protocol.Code
		field  string
	}{
		{"another sum", func(s *payment.TradeState) { s.RefundedTotal = cny(t, "7.01") }, protocol.CodeFieldInvalid, "refunded_total"},
		{"more than was paid", func(s *payment.TradeState) { s.Amount = cny(t, "6.99") }, protocol.CodeFieldInvalid, "refunded_total"},
		{"a refund of nothing", func(s *payment.TradeState) { s.Refunds[0].Amount = cny(t, "0.00") }, protocol.CodeFieldInvalid, "refunds.amount"},
		{"a refund without a number", func(s *payment.TradeState) { s.Refunds[0].RefundNo = "" }, protocol.CodeFieldMissing, "refunds.refund_no"},
		{"too many", func(s *payment.TradeState) {
			s.Refunds, s.RefundedTotal = nil, cny(t, "0.65")
			for range payment.MaxRefunds + 1 {
				s.Refunds = append(s.Refunds, payment.RefundMade{RefundNo: "R", RequestID: "r", Amount: cny(t, "0.01"), Reason: payment.RefundOther, RefundedAt: now})
			}
		}, protocol.CodeFieldInvalid, "refunds"},
		{"given back before it was paid", func(s *payment.TradeState) { s.PaidAt, s.State = time.Time{}, payment.StateTradeClosed }, protocol.CodeFieldInvalid, "refunds"},
		{"paid at no time", func(s *payment.TradeState) { s.PaidAt = time.Time{} }, protocol.CodeFieldMissing, "paid_at"},
		{"paid and waiting", func(s *payment.TradeState) { s.State = payment.StateWaitBuyerPay }, protocol.CodeFieldInvalid, "paid_at"},
		{"not yet created", func(s *payment.TradeState) { s.State = payment.StateCreate }, protocol.CodeFieldInvalid, "trade_state"},
	} {
		t.Run("PSD-PAY-A402-23 "+c.name, func(t *testing.T) {
			s := goodTradeState(t)
			c.change(&s)
			_, err := payment.SignTradeState(pspKey(t), s)
			wantError(t, err, c.code, c.field)
		})
	}
	// Sums of amounts that no 64 bits hold are no sums.
	huge := goodTradeState(t)
	huge.Amount, huge.RefundedTotal = cny(t, "92233720368547758.07"), cny(t, "0.01")
	huge.Refunds[0].Amount, huge.Refunds[1].Amount = huge.Amount, huge.Amount
	if _, err := payment.SignTradeState(pspKey(t), huge); protocol.CodeOf(err) != protocol.CodeFieldInvalid {
		t.Error(err)
	}
	// The largest that there can be is a message.
	whole := goodTradeState(t)
	whole.Refunds, whole.RefundedTotal = nil, cny(t, "0.64")
	for range payment.MaxRefunds {
		whole.Refunds = append(whole.Refunds, payment.RefundMade{
			RefundNo: strings.Repeat("n", 256), RequestID: strings.Repeat("r", 256), Amount: cny(t, "0.01"), Reason: payment.RefundNotDelivered, RefundedAt: now,
		})
	}
	if data, err := payment.SignTradeState(pspKey(t), whole); err != nil || len(data) > canon.DefaultMaxBytes {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}

func TestNotificationRules(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*payment.Notification)
		code   protocol.Code
		field  string
	}{
		{"sequence from zero", func(n *payment.Notification) { n.Sequence = 0 }, protocol.CodeFieldInvalid, "sequence"},
		{"sequence below zero", func(n *payment.Notification) { n.Sequence = -1 }, protocol.CodeFieldInvalid, "sequence"},
		{"sequence that no number keeps", func(n *payment.Notification) { n.Sequence = payment.MaxSequence + 1 }, protocol.CodeFieldInvalid, "sequence"},
		{"refund members of a payment", func(n *payment.Notification) {
			n.Event, n.TradeState = payment.NotifyCompleted, payment.StateWaitSellerFulfillment
		}, protocol.CodeFieldInvalid, "refund_no"},
		{"another event", func(n *payment.Notification) { n.Event = "PAYMENT_DREAMT" }, protocol.CodeFieldInvalid, "event"},
		{"a refund that was not paid", func(n *payment.Notification) { n.TradeState = payment.StateWaitBuyerPay }, protocol.CodeFieldInvalid, "trade_state"},
		{"more than was paid", func(n *payment.Notification) { n.RefundedTotal = cny(t, "18.01") }, protocol.CodeFieldInvalid, "refunded_total"},
		{"less than this refund", func(n *payment.Notification) { n.RefundedTotal = cny(t, "4.99") }, protocol.CodeFieldInvalid, "refunded_total"},
	} {
		t.Run("PSD-PAY-DEL-13 "+c.name, func(t *testing.T) {
			n := goodNotification(t)
			c.change(&n)
			_, err := payment.SignNotification(pspKey(t), n)
			wantError(t, err, c.code, c.field)
		})
	}
	for event, state := range map[payment.NotificationEvent]payment.State{
		payment.NotifyCompleted: payment.StateWaitSellerFulfillment, payment.NotifyClosed: payment.StateTradeClosed,
	} {
		t.Run("PSD-PAY-INS-06 "+string(event), func(t *testing.T) {
			n := goodNotification(t)
			n.Event, n.TradeState, n.RefundNo, n.RefundRequestID, n.RefundAmount, n.RefundedTotal = event, state, "", "", money.Amount{}, money.Amount{}
			data, err := payment.SignNotification(pspKey(t), n)
			if err != nil {
				t.Fatal(err)
			}
			u, err := payment.ParseNotification(data)
			if err != nil || u.Notification != n {
				t.Errorf("%+v, %v", u, err)
			}
			n.TradeState = payment.StateTradeFinished
			_, err = payment.SignNotification(pspKey(t), n)
			wantError(t, err, protocol.CodeFieldInvalid, "trade_state")
		})
	}
	data, err := payment.SignNotification(pspKey(t), goodNotification(t))
	if err != nil {
		t.Fatal(err)
	}
	for text, code := range map[string]protocol.Code{
		``: protocol.CodeFieldMissing, `"sequence":"7",`: protocol.CodeFieldInvalid, `"sequence":7.5,`: protocol.CodeFieldInvalid,
		`"sequence":1e300,`: protocol.CodeFieldInvalid, `"sequence":true,`: protocol.CodeFieldInvalid,
	} {
		changed := strings.Replace(string(data), `"sequence":7,`, text, 1)
		if text == "" {
			changed = strings.Replace(changed, `"sequence",`, ``, 1) // of the members that are covered
		}
		if _, err := payment.ParseNotification([]byte(changed)); protocol.CodeOf(err) != code {
			t.Errorf("PSD-PAY-DEL-13 %q: %v", text, err)
		}
	}
}

// fuzzMessage is what holds for every message that was read: it is from who it
// says, verifies by no key that signed nothing, and can be written again.
func fuzzMessage[T any](f *testing.F, good []byte, err error, parse func([]byte) (T, unverified, error), sender func(T) string, sign func(*testing.T, T) error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, data []byte) {
		v, u, err := parse(data)
		if err != nil {
			refused(t, string(data), err)
			return
		}
		if u.SignerDID() != sender(v) {
			t.Errorf("signed by %s, sent by %s", u.SignerDID(), sender(v))
		}
		if u.Verify(signer(t, "did:act:nobody.example/x", keys.Proof, keys.EdDSA).Public()) == nil {
			t.Error("verified by a key that signed nothing")
		}
		if err := sign(t, v); err != nil && protocol.CodeOf(err) != protocol.CodeTooLarge {
			t.Errorf("cannot be written again: %v", err)
		}
	})
}

func FuzzParseRefundRequest(f *testing.F) {
	good, err := payment.SignRefundRequest(fixed(f, sellerDID, keys.Seller), goodRefund(f))
	fuzzMessage(f, good, err, func(data []byte) (v payment.RefundRequest, e unverified, err error) {
		u, err := payment.ParseRefundRequest(data)
		if err != nil {
			return v, nil, err
		}
		return u.Request, u, nil
	}, func(q payment.RefundRequest) string { return q.MerchantID }, func(t *testing.T, q payment.RefundRequest) error {
		if (q.TradeNo == "") == (q.MerchantOrderID == "") || q.Amount.Minor() <= 0 {
			t.Errorf("%+v", q)
		}
		_, err := payment.SignRefundRequest(fixed(t, q.MerchantID, keys.Seller), q)
		return err
	})
}

func FuzzParseRefundResult(f *testing.F) {
	good, err := payment.SignRefundResult(fixed(f, pspDID, keys.Proof), goodRefundResult(f))
	fuzzMessage(f, good, err, func(data []byte) (v payment.RefundResult, e unverified, err error) {
		u, err := payment.ParseRefundResult(data)
		if err != nil {
			return v, nil, err
		}
		return u.Result, u, nil
	}, func(p payment.RefundResult) string { return p.PSPID }, func(t *testing.T, p payment.RefundResult) error {
		if p.RefundedTotal.Minor() < p.Amount.Minor() || p.RefundedTotal.Currency() != p.Amount.Currency() {
			t.Errorf("%+v", p)
		}
		_, err := payment.SignRefundResult(fixed(t, p.PSPID, keys.Proof), p)
		return err
	})
}

func FuzzParseTradeQuery(f *testing.F) {
	agents := goodTradeQuery()
	agents.BuyerAgentID, agents.TradeNo, agents.MerchantOrderID = agentDID, "", "o-1"
	data, err := payment.SignTradeQuery(fixed(f, agentDID, keys.AgentRequest), agents)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	good, err := payment.SignTradeQuery(fixed(f, sellerDID, keys.Seller), goodTradeQuery())
	fuzzMessage(f, good, err, func(data []byte) (v payment.TradeQuery, e unverified, err error) {
		u, err := payment.ParseTradeQuery(data)
		if err != nil {
			return v, nil, err
		}
		return u.Query, u, nil
	}, payment.TradeQuery.Sender, func(t *testing.T, q payment.TradeQuery) error {
		if (q.TradeNo == "") == (q.MerchantOrderID == "") || q.MerchantID == "" {
			t.Errorf("%+v", q)
		}
		_, err := payment.SignTradeQuery(fixed(t, q.Sender(), q.Purpose()), q)
		return err
	})
}

func FuzzParseTradeState(f *testing.F) {
	good, err := payment.SignTradeState(fixed(f, pspDID, keys.Proof), goodTradeState(f))
	fuzzMessage(f, good, err, func(data []byte) (v payment.TradeState, e unverified, err error) {
		u, err := payment.ParseTradeState(data)
		if err != nil {
			return v, nil, err
		}
		return u.State, u, nil
	}, func(s payment.TradeState) string { return s.PSPID }, func(t *testing.T, s payment.TradeState) error {
		if s.RefundedTotal.Minor() > s.Amount.Minor() || s.PaidAt.IsZero() != (s.State == payment.StateWaitBuyerPay) && s.State != payment.StateTradeClosed {
			t.Errorf("%+v", s)
		}
		_, err := payment.SignTradeState(fixed(t, s.PSPID, keys.Proof), s)
		return err
	})
}

func FuzzParseNotification(f *testing.F) {
	good, err := payment.SignNotification(fixed(f, pspDID, keys.Proof), goodNotification(f))
	fuzzMessage(f, good, err, func(data []byte) (v payment.Notification, e unverified, err error) {
		u, err := payment.ParseNotification(data)
		if err != nil {
			return v, nil, err
		}
		return u.Notification, u, nil
	}, func(n payment.Notification) string { return n.PSPID }, func(t *testing.T, n payment.Notification) error {
		if n.Sequence < 1 || (n.Event == payment.NotifyRefunded) != (n.RefundNo != "") {
			t.Errorf("%+v", n)
		}
		_, err := payment.SignNotification(fixed(t, n.PSPID, keys.Proof), n)
		return err
	})
}
