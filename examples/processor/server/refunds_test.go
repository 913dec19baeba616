package server_test

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/csv"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/processor/server"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

// refundOf is a transmission of a refund request of the shop.
func (w *world) refundOf(id, tradeNo, amount string) []byte {
	w.t.Helper()
	message, err := payment.SignRefundRequest(w.Shop, payment.RefundRequest{
		RequestID: id, Nonce: canon.Nonce(), Timestamp: w.Now(), PSPID: w.PSP, MerchantID: w.Shop.DID(), TradeNo: tradeNo,
		Amount: w.CNY(amount), Reason: payment.RefundReturned,
	})
	w.must(err)
	return message
}

func (w *world) refund(id, tradeNo, amount string) payment.RefundResult {
	w.t.Helper()
	status, body := w.post("/refunds", w.refundOf(id, tradeNo, amount))
	if status != http.StatusOK {
		w.t.Fatalf("status %d: %s", status, body)
	}
	u, err := payment.ParseRefundResult(body)
	w.must(err)
	w.must(u.Verify(w.server.Document().Keys[0].Public))
	return u.Result
}

func TestRefund(t *testing.T) {
	w := newWorld(t)
	q := w.latte("18.00")
	paid := w.pay(w.Sign(q))
	first := w.refund("refund-1", paid.TradeNo, "5.00")
	if w.balance(w.Owner) != 87_00 || w.balance(w.Shop.DID()) != 13_00 || first.RefundedTotal != w.CNY("5.00") {
		t.Fatalf("PSD-PAY-A402-11: %+v", first)
	}
	if again := w.refund("refund-1", paid.TradeNo, "5.00"); again.RefundNo != first.RefundNo || w.balance(w.Owner) != 87_00 {
		t.Fatal("one request was refunded twice")
	}
	w.wantRefusal("/refunds", w.refundOf("refund-1", paid.TradeNo, "6.00"), protocol.CodeRequestConflict)
	for range 2 {
		status, body := w.post("/refunds", w.refundOf("refund-2", paid.TradeNo, "13.01"))
		if status != http.StatusConflict || !strings.Contains(string(body), `"refund_request_id":"refund-2"`) || !strings.Contains(string(body), `"category":"REFUND"`) {
			t.Fatalf("PSD-PAY-A402-12: %d %s", status, body)
		}
	}
	if last := w.refund("refund-3", paid.TradeNo, "13.00"); last.TradeState != payment.StateTradeClosed || w.balance(w.Owner) != 100_00 {
		t.Fatalf("PSD-PAY-A402-11: %+v", last)
	}
	trade := w.admin(http.MethodGet, "/admin/trades?merchant="+w.Shop.DID()+"&order="+q.MerchantOrderID, "")
	for _, want := range []string{`"refunded_total":"18.00"`, `"trade_state":"TRADE_CLOSED"`, `"request_id":"refund-3"`, paid.TradeNo} {
		if !strings.Contains(trade, want) {
			t.Errorf("the desk does not tell %s: %s", want, trade)
		}
	}
	byRequest := w.admin(http.MethodGet, "/admin/trades?agent="+w.Agent.DID()+"&request_id="+q.RequestID, "")
	byNumber := w.admin(http.MethodGet, "/admin/trades?trade_no="+paid.TradeNo, "")
	if byRequest != trade || byNumber != trade {
		t.Error("the desk finds other trades by request and by number")
	}
	w.sound()
}

// admin is what the operator does at the desk, and the body of the answer.
func (w *world) admin(method, path, body string) string {
	w.t.Helper()
	status, answer := w.desk(method, path, "Bearer "+operatorToken, body)
	if status != http.StatusOK {
		w.t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	return string(answer)
}

// sellTea is an instant payment of tea that the owner has confirmed.
func (w *world) sellTea(amount string) payment.Pending {
	w.t.Helper()
	q, now := w.Instant(w.token, amount), w.Now().UTC().Truncate(time.Second)
	signed, err := commerce.SignOrder(w.Tea, commerce.Order{
		MerchantID: w.Tea.DID(), BuyerAgentID: w.Agent.DID(), IssuedAt: now, Expires: now.Add(10 * time.Minute), MerchantOrderID: q.MerchantOrderID,
		RequestID: canon.UUID(), IntentID: w.Intent, PSPID: w.PSP, PaymentMethod: q.PaymentMethod,
		Items:  []commerce.OrderLine{{ItemID: "tea", Name: "Tea", Category: "food/tea", UnitPrice: q.Amount, Quantity: 1}},
		Amount: q.Amount, DeliverBy: now.Add(20 * time.Minute),
	})
	w.must(err)
	q.MerchantID, q.Order = w.Tea.DID(), string(signed)
	pending := w.waits(q)
	_, err = w.device(w.Owner).Decide(context.Background(), pending.CashierURL, agrees)
	w.must(err)
	return pending
}

// styledByHash checks that a page's policy lets its own style through, and
// nothing else.
func (w *world) styledByHash(path string) {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodGet, "https://"+w.server.ID().Host()+path, nil)
	w.must(err)
	r.Header.Set("Authorization", "Bearer "+operatorToken)
	resp, err := w.client.Do(r)
	w.must(err)
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	w.must(err)
	_, rest, _ := strings.Cut(string(page), "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	policy := resp.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") || !strings.HasPrefix(policy, "default-src 'none'") {
		w.t.Errorf("the policy is %s", policy)
	}
}

// An ear is a merchant's address: it verifies what it is told.
type ear struct {
	web    *httptest.Server
	v      *verifier.Verifier
	expect verifier.NotificationExpectation
	mu     sync.Mutex
	deaf   bool
	calls  int
	heard  []payment.Notification
	wrong  error
}

func (e *ear) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls++
	if e.deaf {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	n, err := e.v.Notification(r.Context(), body, e.expect)
	if err != nil {
		e.wrong = err
		w.WriteHeader(http.StatusForbidden)
		return
	}
	e.heard = append(e.heard, n.Value())
	w.WriteHeader(http.StatusNoContent)
}

func (e *ear) set(deaf bool) { e.mu.Lock(); defer e.mu.Unlock(); e.deaf = deaf }

func (e *ear) got() ([]payment.Notification, int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.wrong != nil {
		return nil, -1
	}
	return append([]payment.Notification(nil), e.heard...), e.calls
}

// listen starts an ear for a merchant and restarts the processor so that it can
// reach it.
func (w *world) listen(t *testing.T, merchants ...string) []*ear {
	roots := x509.NewCertPool()
	var ears []*ear
	for _, m := range merchants {
		e := &ear{expect: verifier.NotificationExpectation{PSP: w.PSP, Merchant: m}}
		e.web = httptest.NewTLSServer(e)
		t.Cleanup(e.web.Close)
		roots.AddCert(e.web.Certificate())
		ears = append(ears, e)
	}
	w.restart(func(c *server.Config) {
		c.Notify = verifier.NewHTTPClient(verifier.HTTPClientConfig{Roots: roots, InsecureAllowLoopback: true, Timeout: 2 * time.Second})
	})
	v, err := verifier.New(verifier.Config{Issuers: verifier.IssuerMap{}, Status: w.status, Keys: verifier.NewStaticKeys(w.server.Document()), Now: w.Now})
	w.must(err)
	for i, m := range merchants {
		ears[i].v = v
		w.admin(http.MethodPost, "/admin/receivers", `{"merchant":"`+m+`","url":"`+ears[i].web.URL+`/told?key=secret-of-the-shop"}`)
	}
	return ears
}

func TestNotifications(t *testing.T) {
	w := newWorld(t)
	shop := w.listen(t, w.Shop.DID())[0]
	first := w.pay(w.Sign(w.latte("18.00")))
	w.refund("refund-1", first.TradeNo, "5.00")
	until(t, "the shop hears of both", func() bool { heard, _ := shop.got(); return len(heard) == 2 })
	heard, _ := shop.got()
	for i, want := range []payment.Notification{
		{Event: payment.NotifyCompleted, TradeState: payment.StateWaitSellerFulfillment},
		{Event: payment.NotifyRefunded, TradeState: payment.StateWaitSellerFulfillment, RefundRequestID: "refund-1", RefundAmount: w.CNY("5.00"), RefundedTotal: w.CNY("5.00")},
	} {
		n := heard[i]
		if n.Sequence != int64(i+1) || n.Event != want.Event || n.TradeState != want.TradeState || n.TradeNo != first.TradeNo || n.Amount != w.CNY("18.00") ||
			n.RefundRequestID != want.RefundRequestID || n.RefundAmount != want.RefundAmount || n.RefundedTotal != want.RefundedTotal {
			t.Errorf("PSD-PAY-DEL-13 %+v", n)
		}
	}
	w.sound()
	if strings.Contains(w.log.String(), "secret-of-the-shop") {
		t.Error("the log holds the merchant's address")
	}
	until(t, "the desk says that both were heard", func() bool { // which is kept after the answer
		list := w.admin(http.MethodGet, "/admin/receivers", "")
		return strings.Contains(list, `"told":2`) && strings.Contains(list, `"waiting":0`)
	})
	for _, wrong := range []string{`"http://shop.example/"`, `"https://user:x@shop.example/"`, `"https://"`, `"nonsense"`} {
		if status, _ := w.desk(http.MethodPost, "/admin/receivers", "Bearer "+operatorToken, `{"merchant":"`+w.Shop.DID()+`","url":`+wrong+`}`); status != http.StatusBadRequest {
			t.Errorf("%s was taken: %d", wrong, status)
		}
	}
	if status, _ := w.desk(http.MethodPost, "/admin/receivers", "Bearer "+operatorToken, `{"merchant":"did:act:shop.example/nobody","url":"https://shop.example/"}`); status != http.StatusNotFound {
		t.Errorf("a merchant that is not registered: %d", status)
	}
}

// TestNotificationsWait: a merchant that does not answer is told when it does,
// in order and from where it was, also by the next process; it holds up nobody.
func TestNotificationsWait(t *testing.T) {
	w := newWorld(t)
	w.must(w.server.RegisterMerchant(context.Background(), w.Tea.DID(), w.CNY("0").Currency()))
	ears := w.listen(t, w.Shop.DID(), w.Tea.DID())
	ears[0].set(true)
	a, b := w.pay(w.Sign(w.latte("1.00"))), w.pay(w.Sign(w.latte("2.00")))
	elsewhere := w.sellTea("3.00")
	until(t, "the other shop hears", func() bool { heard, _ := ears[1].got(); return len(heard) == 1 })
	if heard, _ := ears[1].got(); heard[0].TradeNo != elsewhere.TradeNo || heard[0].Sequence != 1 {
		t.Errorf("PSD-PAY-DEL-13 %+v", heard)
	}
	until(t, "the deaf shop was tried twice", func() bool { _, calls := ears[0].got(); return calls >= 2 })
	ears[0].set(false)
	url := ears[0].web
	w.restart(func(c *server.Config) {
		roots := x509.NewCertPool()
		roots.AddCert(url.Certificate())
		c.Notify = verifier.NewHTTPClient(verifier.HTTPClientConfig{Roots: roots, InsecureAllowLoopback: true})
	})
	v, err := verifier.New(verifier.Config{Issuers: verifier.IssuerMap{}, Status: w.status, Keys: verifier.NewStaticKeys(w.server.Document()), Now: w.Now})
	w.must(err)
	ears[0].mu.Lock()
	ears[0].v, ears[0].wrong = v, nil // the new process has a key of its own
	ears[0].mu.Unlock()
	until(t, "the shop hears what it missed", func() bool { heard, _ := ears[0].got(); return len(heard) == 2 })
	heard, _ := ears[0].got()
	if heard[0].TradeNo != a.TradeNo || heard[1].TradeNo != b.TradeNo || heard[0].Sequence != 1 || heard[1].Sequence != 2 {
		t.Errorf("PSD-PAY-DEL-13 out of order: %+v", heard)
	}
	w.sound()
}

func TestInstantIsNotified(t *testing.T) {
	w := newWorld(t)
	shop := w.listen(t, w.Shop.DID())[0]
	paid, declined := w.waits(w.Instant(w.token, "4.00")), w.waits(w.Instant(w.token, "5.00"))
	_, err := w.device(w.Owner).Decide(context.Background(), paid.CashierURL, agrees)
	w.must(err)
	w.admin(http.MethodPost, "/admin/declines", `{"trade_no":"`+declined.TradeNo+`","code":"confirmation_failed"}`)
	until(t, "the shop hears of both ends", func() bool { heard, _ := shop.got(); return len(heard) == 2 })
	heard, _ := shop.got()
	if heard[0].Event != payment.NotifyCompleted || heard[0].TradeNo != paid.TradeNo ||
		heard[1].Event != payment.NotifyClosed || heard[1].TradeNo != declined.TradeNo || heard[1].TradeState != payment.StateTradeClosed {
		t.Errorf("PSD-PAY-INS-06 %+v", heard)
	}
	w.sound()
}

func TestBillAndSettlement(t *testing.T) {
	w := newWorld(t)
	w.admin(http.MethodPost, "/admin/names", `{"merchant":"`+w.Shop.DID()+`","name":"=Coffee, \"& more\" <b>"}`)
	one := w.pay(w.Sign(w.latte("18.00")))
	w.pay(w.Sign(w.latte("2.00")))
	w.refund("refund-1", one.TradeNo, "5.00")
	var bill struct {
		Tasks []struct {
			DelegationID string `json:"delegation_id"`
			Paid         string `json:"paid"`
			Net          string `json:"net"`
			Payments     []struct {
				TradeNo  string `json:"trade_no"`
				Refunded string `json:"refunded"`
			} `json:"payments"`
		} `json:"tasks"`
	}
	w.must(canon.DecodeOpen([]byte(w.admin(http.MethodGet, "/admin/bills?principal="+w.Owner, "")), &bill))
	if len(bill.Tasks) != 2 || bill.Tasks[0].DelegationID != one.DelegationID || bill.Tasks[0].Paid != "18.00" || bill.Tasks[0].Net != "13.00" ||
		len(bill.Tasks[0].Payments) != 1 || bill.Tasks[0].Payments[0].TradeNo != one.TradeNo || bill.Tasks[0].Payments[0].Refunded != "5.00" {
		t.Errorf("PSD-PAY-AUP-05 %+v", bill)
	}
	page := w.admin(http.MethodGet, "/admin/bill.html?principal="+w.Owner, "")
	for _, want := range []string{one.TradeNo, one.DelegationID, "13.00", "&lt;b&gt;", "=Coffee, &#34;&amp; more&#34;"} {
		if !strings.Contains(page, want) {
			t.Errorf("PSD-PAY-AUP-05 the page lacks %s", want)
		}
	}
	if strings.Contains(page, "<script") || strings.Contains(page, "<b>") {
		t.Error("the page holds what somebody else wrote as markup")
	}
	w.styledByHash("/admin/bill.html?principal=" + w.Owner)
	day := w.Now().Format("2006-01-02")
	report := w.admin(http.MethodGet, "/admin/settlements?day="+day, "")
	for _, want := range []string{`"gross":"20.00"`, `"refunded":"5.00"`, `"net":"15.00"`, `"payments":2`, `"refunds":1`} {
		if !strings.Contains(report, want) {
			t.Errorf("the settlement lacks %s: %s", want, report)
		}
	}
	rows, err := csv.NewReader(strings.NewReader(w.admin(http.MethodGet, "/admin/settlement.csv?day="+day, ""))).ReadAll()
	w.must(err)
	if len(rows) < 2 || len(rows[1]) != 10 || rows[1][3] != `'=Coffee, "& more" <b>` || rows[1][9] != "15.00" {
		t.Errorf("%q", rows)
	}
	if w.balance(w.Shop.DID()) != 15_00 {
		t.Error("the report is not what the shop has")
	}
	for path, want := range map[string]int{
		"/admin/settlements?day=2026-13-01": 400, "/admin/settlements": 400, "/admin/settlements?day=" + day + "&zone=east": 400,
		"/admin/bills?principal=ann": 400, "/admin/bills?principal=" + w.Owner + "&from=yesterday": 400,
		"/admin/bills?principal=" + w.Owner + "&from=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z": 400,
		"/admin/trades": 400, "/admin/trades?trade_no=none": 404, "/admin/trades?agent=x&request_id=none": 404,
	} {
		if status, body := w.desk(http.MethodGet, path, "Bearer "+operatorToken, ""); status != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	for _, path := range []string{"/admin/bill.html?principal=" + w.Owner, "/admin/settlement.csv?day=" + day} {
		resp, err := w.client.Get("https://" + w.server.ID().Host() + path)
		w.must(err)
		resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s is shown to anybody: %d", path, resp.StatusCode)
		}
	}
	w.sound()
}
