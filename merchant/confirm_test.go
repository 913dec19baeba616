package merchant_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/psp"
)

func TestConfirmationIsRetried(t *testing.T) {
	l := newTill(t, acttest.Options{})
	l.PSP.Fail("/fulfilments", acttest.Unavailable, acttest.LoseRequest, acttest.LoseAnswer)
	proof := l.pay(l.do(l.request("GET", "/report", "")).bill)
	got := l.do(l.request("GET", "/report", "", l.proven(proof, l.buyer())))
	got.want(t, http.StatusOK, payment.ValidationValid, payment.DeliveryDelivered)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	must(t, l.Shop.Flush(ctx))
	if _, confirmed := l.PSP.Trades(); confirmed != 1 || l.PSP.Calls("/fulfilments") != 4 {
		t.Fatalf("PSD-PAY-A402-10: %d confirmed in %d calls", confirmed, l.PSP.Calls("/fulfilments"))
	}
}

// otherShop is a second shop over the same store, as after a restart.
func otherShop(t *testing.T, l *till, orders merchant.OrderStore) *merchant.Shop {
	t.Helper()
	v, s := l.NewVerifier(t), l.Seller.Signer(keys.Seller)
	c, err := psp.New(psp.Config{ID: acttest.PSPDID, Endpoint: l.PSP.Server.URL, Signer: s, Verifier: v, HTTP: l.PSP.Server.Client(), Now: l.Clock.Now})
	must(t, err)
	shop, err := merchant.New(merchant.Config{
		Signer: s, Verifier: v, PSP: c, Orders: orders, Method: acttest.Method, Origin: l.URL,
		BillKey: make([]byte, 32), Now: l.Clock.Now, ConfirmPause: time.Millisecond,
	})
	must(t, err)
	return shop
}

func TestConfirmationSurvivesRestart(t *testing.T) {
	before := runtime.NumGoroutine()
	l := newTill(t, acttest.Options{})
	bill := l.do(l.request("GET", "/report", "")).bill.Bill
	proof := l.pay(l.do(l.request("GET", "/report", "")).bill)
	claims, err := payment.ParseProofClaims(proof)
	must(t, err)
	_, err = l.psp.Consume(context.Background(), proof, "x") // by the buyer: not its to do
	if protocol.CodeOf(err) != protocol.CodeKeyPurpose {
		t.Fatal(err)
	}
	ctx := context.Background()
	orders := new(merchant.MemoryOrders)
	first := otherShop(t, l, orders)
	// A delivery that was made when the provider was away, and one that the
	// provider has never heard of.
	for no, trade := range map[string]string{claims.Claims.OutTradeNo: claims.Claims.TradeNo, bill.OutTradeNo: "unknown"} {
		_, _, err := orders.Claim(ctx, merchant.Delivery{
			OutTradeNo: no, TradeNo: trade, Consumer: no, Binding: canon.Sum(nil), Lease: "1", LeaseUntil: l.Clock.Now().Add(time.Minute),
		}, l.Clock.Now())
		must(t, err)
		must(t, orders.Deliver(ctx, no, "1", merchant.Answer{Status: 200}, l.Clock.Now()))
	}
	l.PSP.Fail("/fulfilments", acttest.Unavailable, acttest.Unavailable, acttest.Unavailable, acttest.Unavailable, acttest.Unavailable, acttest.Unavailable)
	short, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	if err := first.Close(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("closed with deliveries unconfirmed: %v", err)
	}
	_, err = l.Orders.Delivery(ctx, claims.Claims.OutTradeNo)
	if protocol.CodeOf(err) != protocol.CodeOrderUnknown {
		t.Fatal(err)
	}
	// The shop consumes the proof as it would before delivering.
	get := l.do(l.request("GET", "/report", "", l.proven(proof, l.buyer())))
	get.want(t, http.StatusOK, payment.ValidationValid, payment.DeliveryDelivered)

	second := otherShop(t, l, orders)
	must(t, second.Close(ctx))
	for no, want := range map[string]merchant.DeliveryState{claims.Claims.OutTradeNo: merchant.Confirmed, bill.OutTradeNo: merchant.Rejected} {
		d, err := orders.Delivery(ctx, no)
		must(t, err)
		if d.State != want {
			t.Errorf("state %s, want %s", d.State, want)
		}
	}
	must(t, second.Close(ctx)) // twice is no error
	must(t, l.Shop.Close(ctx))
	l.Client.CloseIdleConnections()
	l.PSP.Server.Client().CloseIdleConnections()
	for range 200 {
		if runtime.NumGoroutine() <= before+8 { // the two servers are still there
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

func TestConfig(t *testing.T) {
	l := newTill(t, acttest.Options{})
	good := merchant.Config{
		Signer: l.Seller.Signer(keys.Seller), Verifier: l.Verifier, PSP: l.psp, Orders: new(merchant.MemoryOrders),
		Method: acttest.Method, Origin: "https://shop.example", BillKey: make([]byte, 32),
	}
	for name, edit := range map[string]func(*merchant.Config){
		"signer":                 func(c *merchant.Config) { c.Signer = nil },
		"ADD-IAC-ISS-12 purpose": func(c *merchant.Config) { c.Signer = l.buyer() },
		"verifier":               func(c *merchant.Config) { c.Verifier = nil },
		"psp":                    func(c *merchant.Config) { c.PSP = nil },
		"orders":                 func(c *merchant.Config) { c.Orders = nil },
		"method":                 func(c *merchant.Config) { c.Method = "act:payment/x" },
		"no origin":              func(c *merchant.Config) { c.Origin = "" },
		"origin with a path":     func(c *merchant.Config) { c.Origin = "https://shop.example/" },
		"origin in capitals":     func(c *merchant.Config) { c.Origin = "https://Shop.example" },
		"origin default port":    func(c *merchant.Config) { c.Origin = "https://shop.example:443" },
		"another scheme":         func(c *merchant.Config) { c.Origin = "ftp://shop.example" },
		"short bill key":         func(c *merchant.Config) { c.BillKey = make([]byte, 31) },
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			edit(&c)
			if _, err := merchant.New(c); protocol.CodeOf(err) == "" {
				t.Fatalf("accepted: %v", err)
			}
		})
	}
	shop, err := merchant.New(good)
	must(t, err)
	if shop.ID() != acttest.ShopDID {
		t.Fatal(shop.ID())
	}
	must(t, shop.Close(context.Background()))
}

// TestCrash leaves a claim behind as a process does that dies in the handler.
func TestCrash(t *testing.T) {
	for _, c := range []struct {
		method string
		status int
		served int64
	}{{"GET", http.StatusOK, 1}, {"POST", http.StatusServiceUnavailable, 0}} {
		t.Run("PSD-PAY-A402-15 during "+c.method, func(t *testing.T) {
			l := newTill(t, acttest.Options{Merchant: func(c *merchant.Config) { c.Wait = 20 * time.Millisecond }})
			body := strings.Repeat("x", len(c.method)-3)
			proof := l.pay(l.do(l.request(c.method, "/report", body)).bill)
			// Learn the binding from a delivery that fails, then claim as if
			// a worker had taken it and died.
			dies := make(chan struct{})
			l.handle(func(w http.ResponseWriter, r *http.Request) { <-dies })
			go func() {
				req := l.request(c.method, "/report", body, l.proven(proof, l.buyer()))
				if resp, err := l.Client.Do(req); err == nil {
					_, _ = io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
			}()
			for l.served.Load() == 0 {
				time.Sleep(time.Millisecond)
			}
			l.served.Store(0)
			waiting := l.do(l.request(c.method, "/report", body, l.proven(proof, l.buyer())))
			waiting.want(t, http.StatusServiceUnavailable, payment.ValidationValid, payment.DeliveryStarted)
			l.Clock.Advance(31 * time.Second) // past the lease
			l.handle(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, answerText) })
			l.do(l.request(c.method, "/report", body, l.proven(proof, l.buyer()))).want(t, c.status, payment.ValidationValid, map[int]payment.DeliveryStatus{
				http.StatusOK: payment.DeliveryDelivered, http.StatusServiceUnavailable: payment.DeliveryUnknown,
			}[c.status])
			l.wantServed(c.served)
			close(dies)
		})
	}
}
