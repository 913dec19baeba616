package psp_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/psp"
)

func TestRefundAndTrade(t *testing.T) {
	w := acttest.NewWorld(t)
	buyer := client(t, w, w.PSP.Server.URL, w.Buyer.Signer(keys.AgentRequest))
	seller := client(t, w, w.PSP.Server.URL, w.Seller.Signer(keys.Seller))
	q := request(t, w, "18.00")
	paid, err := buyer.Pay(ctx, q)
	must(t, err)
	ask := payment.RefundRequest{RequestID: "refund-1", TradeNo: paid.TradeNo, Amount: acttest.CNY(t, "5.00"), Reason: payment.RefundDefective}
	first, err := seller.Refund(ctx, ask)
	must(t, err)
	if first.Amount != ask.Amount || first.RefundedTotal != ask.Amount || first.TradeNo != paid.TradeNo || first.TradeState != payment.StateWaitSellerFulfillment {
		t.Fatalf("PSD-PAY-A402-11: %+v", first)
	}
	again, err := seller.Refund(ctx, ask)
	must(t, err)
	if again.RefundNo != first.RefundNo || w.PSP.Balance() != acttest.Balance-13_00 {
		t.Fatal("the same request was refunded twice")
	}
	changed := ask
	changed.Amount = acttest.CNY(t, "6.00")
	_, err = seller.Refund(ctx, changed)
	wantCode(t, err, protocol.CodeRequestConflict)

	over := payment.RefundRequest{RequestID: "refund-2", MerchantOrderID: q.MerchantOrderID, Amount: acttest.CNY(t, "13.01"), Reason: payment.RefundOther}
	for range 2 {
		_, err = seller.Refund(ctx, over)
		var stored *payment.RefundRefusal
		if wantCode(t, err, protocol.CodeRefundExceeded); !errors.As(err, &stored) || stored.RequestID != "refund-2" {
			t.Fatalf("%v is not the stored answer", err)
		}
	}
	rest := over
	rest.RequestID, rest.Amount = "refund-3", acttest.CNY(t, "13.00")
	last, err := seller.Refund(ctx, rest)
	must(t, err)
	if last.TradeState != payment.StateTradeClosed || w.PSP.Balance() != acttest.Balance {
		t.Fatalf("PSD-PAY-A402-11: %+v, %d", last, w.PSP.Balance())
	}
	_, err = seller.Consume(ctx, paid.PaymentProof, "1")
	wantCode(t, err, protocol.CodeStateConflict) // what was given back pays for nothing

	for name, who := range map[string]struct {
		asks *psp.Client
		q    payment.TradeQuery
	}{
		"merchant by number": {seller, payment.TradeQuery{TradeNo: paid.TradeNo}},
		"merchant by order":  {seller, payment.TradeQuery{MerchantOrderID: q.MerchantOrderID}},
		"agent by number":    {buyer, payment.TradeQuery{TradeNo: paid.TradeNo, MerchantID: acttest.ShopDID, BuyerAgentID: acttest.AgentDID}},
		"agent by order":     {buyer, payment.TradeQuery{MerchantOrderID: q.MerchantOrderID, MerchantID: acttest.ShopDID, BuyerAgentID: acttest.AgentDID}},
	} {
		s, err := who.asks.Trade(ctx, who.q)
		must(t, err)
		if s.State != payment.StateTradeClosed || s.Amount != q.Amount || s.RefundedTotal != q.Amount || len(s.Refunds) != 2 || s.Refunds[0].RefundNo != first.RefundNo || s.Refunds[1].RequestID != "refund-3" {
			t.Errorf("PSD-PAY-A402-23 %s: %+v", name, s)
		}
	}
	_, err = seller.Trade(ctx, payment.TradeQuery{TradeNo: "none"})
	wantCode(t, err, protocol.CodeTradeUnknown)
	_, err = buyer.Trade(ctx, payment.TradeQuery{TradeNo: paid.TradeNo, MerchantID: "did:act:other.example/shop", BuyerAgentID: acttest.AgentDID})
	wantCode(t, err, protocol.CodeTradeUnknown)
	_, err = buyer.Trade(ctx, payment.TradeQuery{TradeNo: paid.TradeNo}) // an agent's key does not sell
	wantCode(t, err, protocol.CodeKeyPurpose)
	_, err = buyer.Refund(ctx, ask)
	wantCode(t, err, protocol.CodeKeyPurpose)
}

func TestRefundLost(t *testing.T) {
	w := acttest.NewWorld(t)
	buyer := client(t, w, w.PSP.Server.URL, w.Buyer.Signer(keys.AgentRequest))
	seller := client(t, w, w.PSP.Server.URL, w.Seller.Signer(keys.Seller))
	paid, err := buyer.Pay(ctx, request(t, w, "18.00"))
	must(t, err)
	ask := payment.RefundRequest{RequestID: "refund-1", TradeNo: paid.TradeNo, Amount: acttest.CNY(t, "18.00"), Reason: payment.RefundCancelled}
	w.PSP.Fail("/refunds", acttest.LoseAnswer, acttest.LoseRequest, acttest.Unavailable)
	for range 3 {
		_, err := seller.Refund(ctx, ask)
		wantCode(t, err, protocol.CodeOutcomeUnknown)
	}
	made, err := seller.Refund(ctx, ask)
	must(t, err)
	state, err := seller.Trade(ctx, payment.TradeQuery{TradeNo: paid.TradeNo})
	must(t, err)
	if len(state.Refunds) != 1 || state.Refunds[0].RefundNo != made.RefundNo || w.PSP.Balance() != acttest.Balance {
		t.Fatalf("refunded %d times", len(state.Refunds))
	}
}

// TestRefundAnswersOfOthers: what is not the provider's word about this request
// leaves its outcome open.
func TestRefundAnswersOfOthers(t *testing.T) {
	w := acttest.NewWorld(t)
	refusal := protocol.New(protocol.CodeRefundExceeded, "amount", "", "")
	ask := payment.RefundRequest{RequestID: "refund-1", TradeNo: "T1", Amount: acttest.CNY(t, "18.00"), Reason: payment.RefundCancelled}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   protocol.Code
		stored bool
	}{
		"its stored refusal": {func(w http.ResponseWriter, _ *http.Request) {
			problem.Write(w, &payment.RefundRefusal{RequestID: "refund-1", Reason: refusal}, 1)
		}, protocol.CodeRefundExceeded, true},
		"of this transmission": {func(w http.ResponseWriter, _ *http.Request) { problem.Write(w, refusal, 1) }, protocol.CodeRefundExceeded, false},
		"of another request": {func(w http.ResponseWriter, _ *http.Request) {
			problem.Write(w, &payment.RefundRefusal{RequestID: "refund-2", Reason: refusal}, 1)
		}, protocol.CodeOutcomeUnknown, false},
		"of a payment": {func(w http.ResponseWriter, _ *http.Request) {
			problem.Write(w, &payment.Refusal{RequestID: "refund-1", Reason: refusal}, 1)
		}, protocol.CodeRefundExceeded, false},
		"a success that says nothing": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) }, protocol.CodeOutcomeUnknown, false},
		"waiting":                     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }, protocol.CodeOutcomeUnknown, false},
	} {
		t.Run("PSD-PAY-A402-23 "+name, func(t *testing.T) {
			server := httptest.NewTLSServer(c.answer)
			defer server.Close()
			seller := client(t, w, server.URL, w.Seller.Signer(keys.Seller))
			_, err := seller.Refund(ctx, ask)
			var stored *payment.RefundRefusal
			if wantCode(t, err, c.want); errors.As(err, &stored) != c.stored {
				t.Fatalf("%v stored: %v", err, !c.stored)
			}
		})
	}
}
