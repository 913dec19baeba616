package merchant_test

import (
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
)

// A listener is what a shop attests to.
type listener struct {
	mu   sync.Mutex
	told []attestation.Draft
}

func (l *listener) attest(d attestation.Draft) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = append(l.told, d)
}

func (l *listener) heard() []attestation.Draft {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]attestation.Draft(nil), l.told...)
}

// TSD-ATT-EVT-03: a cart that was confirmed is told once, and one that was not
// is not told.
func TestAttestCart(t *testing.T) {
	var l listener
	w := acttest.NewWorldWith(t, acttest.Options{Merchant: func(c *merchant.Config) { c.Attest = l.attest }})
	w.Stock(t, latte(t), 3)
	c := cartRequest(t, w)
	token, err := confirm(t, w, c)
	must(t, err)
	c.Nonce = canon.Nonce()
	_, err = confirm(t, w, c) // again
	must(t, err)
	if _, err := confirm(t, w, cartRequest(t, w)); err == nil { // sold out
		t.Fatal("oversold")
	}
	told := l.heard()
	if len(told) != 1 {
		t.Fatalf("told %d times", len(told))
	}
	d := told[0]
	must(t, d.Check(acttest.ShopDID))
	content, err := (&attestation.Record{Type: d.Type, Body: d.Body}).Content()
	must(t, err)
	if cart, ok := content.(attestation.Cart); !ok || cart.OrderDigest != canon.Sum([]byte(token)) || cart.Amount != c.Amount {
		t.Errorf("%+v", content)
	}
	if d.Links.IntentID != "intent-1" || d.Links.MerchantOrderID == "" || d.Links.TradeNo != "" {
		t.Errorf("TSD-ATT-OFF-03 %+v", d.Links)
	}
}

// TSD-ATT-EVT-03: a delivery is told once, when it is kept; one that failed is
// not.
func TestAttestDelivery(t *testing.T) {
	var heard listener
	l := newTill(t, acttest.Options{Merchant: func(c *merchant.Config) { c.Attest = heard.attest }})
	l.handle(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	bill := l.do(l.request("GET", reportPath, "")).bill
	proof := l.pay(bill)
	l.do(l.request("GET", reportPath, "", l.proven(proof, l.buyer())))
	if len(heard.heard()) != 0 {
		t.Fatal("a failure is told as a delivery")
	}
	l.handle(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answerText) })
	for range 2 {
		if got := l.do(l.request("GET", reportPath, "", l.proven(proof, l.buyer()))); got.body != answerText {
			t.Fatalf("%q", got.body)
		}
	}
	told := heard.heard()
	if len(told) != 1 {
		t.Fatalf("told %d times", len(told))
	}
	d := told[0]
	if d.Links.MerchantOrderID != bill.Bill.OutTradeNo || d.Links.TradeNo == "" {
		t.Errorf("%+v", d.Links)
	}
	if d.Check(acttest.ShopDID) == nil {
		t.Error("TSD-ATT-OFF-03 a record without an intent can be made")
	}
	d.Links.IntentID = "intent-1" // which the shop is not told
	must(t, d.Check(acttest.ShopDID))
	content, err := (&attestation.Record{Type: d.Type, Body: d.Body}).Content()
	must(t, err)
	if delivery, ok := content.(attestation.Delivery); !ok || delivery.ResultDigest != canon.Sum([]byte(answerText)) {
		t.Errorf("%+v", content)
	}
}
