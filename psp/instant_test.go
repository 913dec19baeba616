package psp_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// instant is a request for a payment that the principal confirms.
func instant(t testing.TB, w *acttest.World, amount string) payment.Request {
	t.Helper()
	q := request(t, w, amount)
	order, err := commerce.ParseOrder([]byte(q.Order))
	must(t, err)
	o := order.Order
	o.DelegationID = ""
	token, err := commerce.SignOrder(w.Seller.Signer(keys.Seller), o)
	must(t, err)
	q.Scenario, q.DelegationID, q.IAC, q.Order = payment.ScenarioINS, "", "", string(token)
	return q
}

func waiting(t testing.TB, err error) payment.Pending {
	t.Helper()
	var waits *payment.AwaitsConfirmation
	if !errors.As(err, &waits) {
		t.Fatalf("PSD-PAY-INS-03: %v", err)
	}
	if !errors.Is(err, protocol.ErrUndetermined) || protocol.CodeOf(err) != protocol.CodeConfirmationPending {
		t.Fatalf("PSD-PAY-INS-03 waiting became a decision: %v", err)
	}
	return waits.Pending
}

func TestInstantPayment(t *testing.T) {
	w := acttest.NewWorld(t)
	buyer := client(t, w, w.PSP.Server.URL, w.Buyer.Signer(keys.AgentRequest))
	t.Run("PSD-PAY-INS-03 paid when the principal has confirmed", func(t *testing.T) {
		q := instant(t, w, "18.00")
		before := w.PSP.Balance()
		_, err := buyer.Pay(ctx, q)
		p := waiting(t, err)
		_, err = buyer.Pay(ctx, q)
		if again := waiting(t, err); again != p {
			t.Errorf("PSD-PAY-INS-01 a repetition waits for something else: %+v and %+v", again, p)
		}
		_, err = buyer.Query(ctx, q)
		if asked := waiting(t, err); asked != p {
			t.Errorf("%+v and %+v", asked, p)
		}
		if w.PSP.Balance() != before {
			t.Fatal("PSD-PAY-INS-04 money moved before the confirmation")
		}
		must(t, w.PSP.Confirm(p.TradeNo))
		r, err := buyer.Query(ctx, q)
		must(t, err)
		if r.TradeNo != p.TradeNo || r.Amount != q.Amount || r.DelegationID != "" || r.SpentTotal.Valid() || w.PSP.Balance() != before-1800 {
			t.Errorf("PSD-PAY-INS-06: %+v", r)
		}
		again, err := buyer.Pay(ctx, q)
		must(t, err)
		if again.TradeNo != r.TradeNo || w.PSP.Balance() != before-1800 {
			t.Error("PSD-PAY-INS-01 paid twice")
		}
	})
	t.Run("PSD-PAY-INS-04 cancelled, for good", func(t *testing.T) {
		q := instant(t, w, "18.00")
		before := w.PSP.Balance()
		_, err := buyer.Pay(ctx, q)
		p := waiting(t, err)
		must(t, w.PSP.Cancel(p.TradeNo))
		for range 2 {
			_, err = buyer.Query(ctx, q)
			var refusal *payment.Refusal
			if !errors.As(err, &refusal) || refusal.Reason.Code != protocol.CodeConfirmationFailed {
				t.Fatalf("PSD-PAY-INS-07: %v", err)
			}
		}
		if w.PSP.Balance() != before {
			t.Error("PSD-PAY-INS-04 a cancelled payment moved money")
		}
	})
	t.Run("PSD-PAY-INS-08 from a sub-account is not sent", func(t *testing.T) {
		q := instant(t, w, "1.00")
		calls := w.PSP.Calls("/payments")
		_, err := buyer.PayFrom(ctx, q, acttest.NewParty(t, acttest.AgentDID, keys.SubAccount).Signer(keys.SubAccount))
		wantCode(t, err, protocol.CodeFieldInvalid)
		if w.PSP.Calls("/payments") != calls {
			t.Error("sent")
		}
	})
}

// TestLyingCashier: nobody but the provider sends a principal to a cashier, and
// only for the payment that was asked for.
func TestLyingCashier(t *testing.T) {
	w := acttest.NewWorld(t)
	q := instant(t, w, "18.00")
	good := payment.Pending{
		RequestID: q.RequestID, TradeNo: "t-1", PSPID: q.PSPID, BuyerAgentID: q.BuyerAgentID, MerchantID: q.MerchantID,
		MerchantOrderID: q.MerchantOrderID, Amount: q.Amount, TradeState: payment.StateWaitBuyerPay,
		CashierURL: "https://psp.test/cashier/1", ExpiresAt: acttest.Start.Add(time.Minute),
	}
	signer, forger := w.PSP.Party.Signer(keys.Proof), acttest.NewParty(t, acttest.PSPDID, keys.Proof).Signer(keys.Proof)
	for _, c := range []struct {
		name   string
		status int
		by     *keys.Signer
		edit   func(*payment.Pending, *payment.Request)
		waits  bool
	}{
		{"as it should be", http.StatusAccepted, signer, func(*payment.Pending, *payment.Request) {}, true},
		{"another's key", http.StatusAccepted, forger, func(*payment.Pending, *payment.Request) {}, false},
		{"another request", http.StatusAccepted, signer, func(p *payment.Pending, _ *payment.Request) { p.RequestID = "another" }, false},
		{"more", http.StatusAccepted, signer, func(p *payment.Pending, _ *payment.Request) { p.Amount = acttest.CNY(t, "18.01") }, false},
		{"another payee", http.StatusAccepted, signer, func(p *payment.Pending, _ *payment.Request) { p.MerchantID = "did:act:shop.test/other" }, false},
		{"too late", http.StatusAccepted, signer, func(p *payment.Pending, _ *payment.Request) { p.ExpiresAt = acttest.Start }, false},
		{"as if it were paid", http.StatusOK, signer, func(*payment.Pending, *payment.Request) {}, false},
		{"in place of a refusal", http.StatusForbidden, signer, func(*payment.Pending, *payment.Request) {}, false},
		{"for a payment with a mandate", http.StatusAccepted, signer, func(_ *payment.Pending, q *payment.Request) {
			*q = request(t, w, "18.00")
		}, false},
	} {
		t.Run("PSD-PAY-INS-06 "+c.name, func(t *testing.T) {
			p, ask := good, q
			c.edit(&p, &ask)
			raw, err := payment.SignPending(c.by, p)
			must(t, err)
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = w.Write(raw)
			}))
			defer server.Close()
			_, err = client(t, w, server.URL, w.Buyer.Signer(keys.AgentRequest)).Pay(ctx, ask)
			if c.waits {
				waiting(t, err)
				return
			}
			wantCode(t, err, protocol.CodeOutcomeUnknown)
			var waits *payment.AwaitsConfirmation
			if errors.As(err, &waits) {
				t.Error("the principal would be sent there")
			}
		})
	}
	t.Run("PSD-PAY-A402-23 a merchant is never told to wait", func(t *testing.T) {
		// The very answer that would be believed with 200.
		status := http.StatusOK
		server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			must(t, err)
			u, err := payment.ParseConsumption(body)
			must(t, err)
			raw, err := payment.SignConsumptionResult(signer, payment.ConsumptionResult{
				RequestID: u.Consumption.RequestID, PSPID: acttest.PSPDID, TradeNo: "t-1", OutTradeNo: "o-1", MerchantID: acttest.ShopDID,
				Consumer: u.Consumption.Consumer, Amount: acttest.CNY(t, "1.00"), TradeState: payment.StateWaitSellerFulfillment, ConsumedAt: acttest.Start,
			})
			must(t, err)
			w.WriteHeader(status)
			_, _ = w.Write(raw)
		}))
		defer server.Close()
		seller := client(t, w, server.URL, w.Seller.Signer(keys.Seller))
		_, err := seller.Consume(ctx, "e30", "1")
		must(t, err)
		status = http.StatusAccepted
		if _, err = seller.Consume(ctx, "e30", "1"); !errors.Is(err, protocol.ErrUndetermined) {
			t.Error(err)
		}
	})
}

func TestPayFrom(t *testing.T) {
	w := acttest.NewWorld(t)
	buyer := client(t, w, w.PSP.Server.URL, w.Buyer.Signer(keys.AgentRequest))
	wallet := acttest.NewParty(t, acttest.AgentDID, keys.SubAccount).Signer(keys.SubAccount)
	id, err := w.PSP.OpenSubAccount(acttest.PrincipalDID, acttest.AgentDID, wallet.Public(), acttest.CNY(t, "20.00"))
	must(t, err)
	from := func(amount, sub string) payment.Request {
		q := request(t, w, amount)
		q.PaymentToken, q.SubAccountID = "", sub
		return q
	}
	q := from("18.00", id)
	first, err := buyer.PayFrom(ctx, q, wallet)
	must(t, err)
	again, err := buyer.PayFrom(ctx, q, wallet) // another nonce, another authorization
	must(t, err)
	if again.TradeNo != first.TradeNo {
		t.Error("PSD-PAY-DEL-04 paid twice")
	}
	refused := func(name string, q payment.Request, sub *keys.Signer, code protocol.Code) {
		t.Helper()
		t.Run("PSD-AGT-SUB-05 "+name, func(t *testing.T) {
			_, err := buyer.PayFrom(ctx, q, sub)
			wantCode(t, err, code)
		})
	}
	stranger := acttest.NewParty(t, acttest.AgentDID, keys.SubAccount).Signer(keys.SubAccount)
	refused("another key", from("1.00", id), stranger, protocol.CodeSubAccountKey)
	refused("not opened", from("1.00", "sub-"+canon.Nonce()), wallet, protocol.CodeSubAccountUnknown)
	refused("not enough", from("2.01", id), wallet, protocol.CodeBalanceInsufficient)
	refused("no key", from("1.00", id), nil, protocol.CodeFieldMissing)
	refused("a key and no sub-account", request(t, w, "1.00"), wallet, protocol.CodeFieldMissing)
}
