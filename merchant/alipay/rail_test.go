package alipay_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/merchant/alipay"
	"github.com/actprotocol/act-go/merchant/alipay/alipaytest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

func TestWholeSale(t *testing.T) {
	p := newPlace(t, nil)
	needed := p.bill(t, "GET", "/report", "")
	u, err := alipay.ParseBill(needed)
	must(t, err)
	bill, err := u.Verify(&appKey().PublicKey)
	must(t, err)
	t.Run("PSD-PAY-A402-01 the bill says what is sold", func(t *testing.T) {
		if bill.Amount != price(t, "2.50") || bill.ResourceID != resource || bill.SellerID != sellerID || bill.AppID != appID ||
			bill.ServiceID != serviceID || bill.GoodsName != "市场报告" || !bill.PayBefore.Equal(start.Add(10*time.Minute)) {
			t.Fatalf("%+v", bill)
		}
	})
	proof, err := p.double.Pay(needed)
	must(t, err)
	tradeNo := parse(t, proof).TradeNo
	for i, p2 := range []string{proof, strings.NewReplacer("+", "-", "/", "_", "=", "").Replace(proof)} {
		r, body := p.send(t, "GET", "/report", "", p2)
		if r.StatusCode != 200 || body != "the report " {
			t.Fatalf("PSD-PAY-A402-07: presentation %d: %d %q", i, r.StatusCode, body)
		}
		if r.Header.Get(payment.HeaderValidation) != "" {
			t.Fatal("the product has no Payment-Validation")
		}
	}
	must(t, p.shop.Flush(ctx))
	if n := p.double.Confirmed(tradeNo); n != 1 {
		t.Fatalf("PSD-PAY-A402-10: confirmed %d times", n)
	}
	d, err := p.orders.Delivery(ctx, bill.OutTradeNo)
	must(t, err)
	if d.State != merchant.Confirmed || d.TradeState != payment.StateWaitBuyerReceipt || d.TradeNo != tradeNo {
		t.Fatalf("%+v", d)
	}
	t.Run("PSD-PAY-A402-15 an inactive proof gets what was delivered for it", func(t *testing.T) {
		p.double.Deactivate(tradeNo)
		if r, body := p.send(t, "GET", "/report", "", proof); r.StatusCode != 200 || body != "the report " {
			t.Fatalf("%d %q", r.StatusCode, body)
		}
	})
	t.Run("PSD-PAY-A402-15 what was delivered is not fetched for ever", func(t *testing.T) {
		p.clock.advance(24 * time.Hour)
		if r, _ := p.send(t, "GET", "/report", "", proof); r.StatusCode != 402 {
			t.Fatalf("%d after the life of the proof", r.StatusCode)
		}
	})
}

// TestProofIsForOneRequest is about proofs that are good, for something else.
func TestProofIsForOneRequest(t *testing.T) {
	p := newPlace(t, nil)
	worked := 0
	p.work = func(http.ResponseWriter, *http.Request) { worked++ }
	refused := func(name, method, path, body, proof string, header ...string) {
		t.Run("PSD-PAY-A402-08 "+name, func(t *testing.T) {
			r, text := p.send(t, method, path, body, proof, header...)
			if r.StatusCode != 402 || r.Header.Get(payment.HeaderNeeded) == "" || !strings.Contains(text, `"code":"proof_mismatch"`) || worked != 0 {
				t.Fatalf("%d %s", r.StatusCode, text)
			}
		})
	}
	get := p.paid(t, "GET", "/report", "")
	refused("another target", "GET", "/report?all=1", "", get)
	refused("another method", "POST", "/report", "", get)
	post := p.paid(t, "POST", "/report", "one", "Content-Type", "text/plain", "Idempotency-Key", "k1")
	refused("another body", "POST", "/report", "two", post, "Content-Type", "text/plain", "Idempotency-Key", "k1")
	refused("another media type", "POST", "/report", "one", post, "Content-Type", "text/html", "Idempotency-Key", "k1")
	refused("another key", "POST", "/report", "one", post, "Content-Type", "text/plain", "Idempotency-Key", "k2")
	refused("no key", "POST", "/report", "one", post, "Content-Type", "text/plain")

	// A bill by the same application's key that the shop never wrote.
	header, err := alipay.SignBill(appKey(), alipay.Bill{
		OutTradeNo: "SOMEBODY_ELSES", Amount: price(t, "0.01"), ResourceID: resource, PayBefore: start.Add(time.Minute),
		SellerID: sellerID, SellerName: "s", AppID: appID, GoodsName: "g", ServiceID: serviceID,
	})
	must(t, err)
	proof, err := p.double.Pay(header)
	must(t, err)
	refused("a bill that this shop did not write", "GET", "/report", "", proof)

	if r, body := p.send(t, "GET", "/report", "", get); r.StatusCode != 200 {
		t.Fatalf("and then the right request: %d %s", r.StatusCode, body)
	}
}

// TestFactsAreCompared changes what the platform says, with its own good
// signature.
func TestFactsAreCompared(t *testing.T) {
	p := newPlace(t, func(c *alipay.GatewayConfig) { c.Timeout = 300 * time.Millisecond })
	var worked atomic.Int32
	p.work = func(http.ResponseWriter, *http.Request) { worked.Add(1) }
	replace := func(old, new string) func(*alipaytest.Answer) {
		return func(a *alipaytest.Answer) {
			a.Node, a.Resign = []byte(strings.Replace(string(a.Node), old, new, 1)), true
		}
	}
	for _, c := range []struct {
		name   string
		change func(*alipaytest.Answer)
		status int
		code   protocol.Code
	}{
		{"a smaller amount", replace(`"2.50"`, `"0.01"`), 402, protocol.CodeProofMismatch},
		{"a larger amount", replace(`"2.50"`, `"25.00"`), 402, protocol.CodeProofMismatch},
		{"an amount with hidden precision", replace(`"2.50"`, `"2.500"`), 503, protocol.CodeServiceUnavailable},
		{"a negative amount", replace(`"2.50"`, `"-2.50"`), 503, protocol.CodeServiceUnavailable},
		{"an amount that is a number", replace(`"2.50"`, `2.50`), 503, protocol.CodeServiceUnavailable},
		{"no amount", replace(`"amount":"2.50",`, ``), 503, protocol.CodeServiceUnavailable},
		{"another resource", replace(resource, "report-8"), 402, protocol.CodeProofMismatch},
		{"no resource", replace(`,"resource_id":"report-7"`, ``), 503, protocol.CodeServiceUnavailable},
		{"another order", replace(`"out_trade_no":"`, `"out_trade_no":"x`), 402, protocol.CodeProofMismatch},
		{"no order", replace(`"out_trade_no"`, `"out_trade_number"`), 503, protocol.CodeServiceUnavailable},
		{"another trade", replace(`"trade_no":"`, `"trade_no":"9`), 402, protocol.CodeProofMismatch},
		{"inactive", replace(`"active":true`, `"active":false`), 402, protocol.CodeProofInvalid},
		{"active as a word for no", replace(`"active":true`, `"active":"no"`), 503, protocol.CodeServiceUnavailable},
		{"active as a number", replace(`"active":true`, `"active":1`), 503, protocol.CodeServiceUnavailable},
		{"active as null", replace(`"active":true`, `"active":null`), 503, protocol.CodeServiceUnavailable},
		{"active not there", replace(`"active":true,`, ``), 503, protocol.CodeServiceUnavailable},
		{"no signature", func(a *alipaytest.Answer) { a.Signature = "" }, 503, protocol.CodeServiceUnavailable},
		{"a connection that is cut", func(a *alipaytest.Answer) { a.Cut = true }, 503, protocol.CodeServiceUnavailable},
		{"an answer that comes too late", func(a *alipaytest.Answer) { a.Delay = time.Minute }, 503, protocol.CodeServiceUnavailable},
		{"a platform that is not available", replace(`"10000"`, `"20000"`), 503, protocol.CodeServiceUnavailable},
		{"a no without a reason", replace(`"10000"`, `"40004"`), 503, protocol.CodeServiceUnavailable},
		{"a proof that the platform refuses", replace(`"10000"`, `"40004","sub_code":"PAYMENT_PROOF_INVALID"`), 402, protocol.CodeProofInvalid},
		{"a trade that the platform does not know yet", replace(`"10000"`, `"40004","sub_code":"TRADE_NOT_FOUND"`), 503, protocol.CodeServiceUnavailable},
		{"active by another name", replace(`"active":true`, `"Active":true`), 503, protocol.CodeServiceUnavailable},
	} {
		t.Run("PSD-PAY-A402-08 "+c.name, func(t *testing.T) {
			proof := p.paid(t, "GET", "/report", "")
			p.double.Misbehave(func(a *alipaytest.Answer) {
				if a.Method == verify { // confirmations of earlier sales are still under way
					c.change(a)
				}
			})
			r, body := p.send(t, "GET", "/report", "", proof)
			p.double.Misbehave(nil)
			if r.StatusCode != c.status || !strings.Contains(body, `"code":"`+string(c.code)+`"`) {
				t.Fatalf("%d %s", r.StatusCode, body)
			}
			if billed := r.Header.Get(payment.HeaderNeeded) != ""; billed != (c.status == 402) {
				t.Fatal("PSD-PAY-A402-23: a new bill exactly when the proof is wrong")
			}
			if c.status == 503 && r.Header.Get("Retry-After") == "" {
				t.Fatal("PSD-PAY-A402-23: no Retry-After")
			}
			if worked.Load() != 0 {
				t.Fatal("delivered")
			}
			if r, _ := p.send(t, "GET", "/report", "", proof); r.StatusCode != 200 {
				t.Fatalf("PSD-PAY-A402-23: the same proof, when all is well: %d", r.StatusCode)
			}
			worked.Store(0)
		})
	}
	for _, same := range []string{`"2.5"`, `"2.50"`} {
		t.Run("PSD-PAY-A402-08 the same amount, spelt "+same, func(t *testing.T) {
			proof := p.paid(t, "GET", "/report", "")
			p.double.Misbehave(replace(`"2.50"`, same))
			defer p.double.Misbehave(nil)
			if r, body := p.send(t, "GET", "/report", "", proof); r.StatusCode != 200 {
				t.Fatalf("%d %s", r.StatusCode, body)
			}
		})
	}
}

// TestOneDeliveryForOneProof presents one proof many times at once.
func TestOneDeliveryForOneProof(t *testing.T) {
	p := newPlace(t, nil)
	var worked atomic.Int32
	p.work = func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(20 * time.Millisecond)
		fmt.Fprint(w, worked.Add(1))
	}
	proof := p.paid(t, "POST", "/report", "job")
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			r, body := p.send(t, "POST", "/report", "job", proof)
			if r.StatusCode != 200 || body != "1" {
				t.Errorf("PSD-PAY-A402-15: %d %q", r.StatusCode, body)
			}
		})
	}
	wg.Wait()
	must(t, p.shop.Flush(ctx))
	if n := worked.Load(); n != 1 || p.double.Confirmed(parse(t, proof).TradeNo) != 1 {
		t.Fatalf("PSD-PAY-A402-15: worked %d times", n)
	}
}

func TestConfirmationIsRepeated(t *testing.T) {
	p := newPlace(t, nil)
	proof := p.paid(t, "GET", "/report", "")
	trade := parse(t, proof).TradeNo
	var lost atomic.Int32
	p.double.Misbehave(func(a *alipaytest.Answer) {
		if a.Method == confirm && lost.Add(1) <= 3 {
			a.Cut = true
		}
	})
	if r, _ := p.send(t, "GET", "/report", "", proof); r.StatusCode != 200 {
		t.Fatal("not delivered")
	}
	must(t, p.shop.Flush(ctx))
	if p.double.Confirmed(trade) != 4 {
		t.Fatalf("PSD-PAY-A402-10: told %d times", p.double.Confirmed(trade))
	}
	t.Run("PSD-PAY-A402-10 a refusal for good ends it", func(t *testing.T) {
		p.double.Misbehave(func(a *alipaytest.Answer) {
			if a.Method == confirm {
				a.Node, a.Resign = []byte(`{"code":"40004","sub_code":"TRADE_STATUS_INVALID"}`), true
			}
		})
		needed := p.bill(t, "GET", "/report", "")
		proof, err := p.double.Pay(needed)
		must(t, err)
		if r, _ := p.send(t, "GET", "/report", "", proof); r.StatusCode != 200 {
			t.Fatal("not delivered")
		}
		must(t, p.shop.Flush(ctx))
		u, err := alipay.ParseBill(needed)
		must(t, err)
		if d, err := p.orders.Delivery(ctx, u.Bill.OutTradeNo); err != nil || d.State != merchant.Rejected {
			t.Fatalf("%v %v", d.State, err)
		}
	})
}

func TestNewRail(t *testing.T) {
	p := newPlace(t, nil)
	good := func() alipay.Config {
		return alipay.Config{
			Gateway: p.gateway, SellerID: sellerID, SellerName: "s", Services: map[string]alipay.Service{"r": {ID: "a", Name: "b"}},
		}
	}
	for name, change := range map[string]func(*alipay.Config){
		"no gateway":             func(c *alipay.Config) { c.Gateway = nil },
		"no services":            func(c *alipay.Config) { c.Services = nil },
		"no seller":              func(c *alipay.Config) { c.SellerID = "" },
		"a seller of 15 digits":  func(c *alipay.Config) { c.SellerID = sellerID[1:] },
		"a seller with a letter": func(c *alipay.Config) { c.SellerID = "2088o00000000001" },
		"no name":                func(c *alipay.Config) { c.SellerName = "" },
		"a name with a bell":     func(c *alipay.Config) { c.SellerName = "a\a" },
		"no service":             func(c *alipay.Config) { c.Services["r"] = alipay.Service{Name: "b"} },
		"no goods":               func(c *alipay.Config) { c.Services["r"] = alipay.Service{ID: "a"} },
		"goods that sign an &":   func(c *alipay.Config) { c.Services["r"] = alipay.Service{ID: "a", Name: "b&out_trade_no=1"} },
		"a resource with an &":   func(c *alipay.Config) { c.Services["r&s"] = c.Services["r"] },
	} {
		t.Run("PSD-PAY-A402-17 "+name, func(t *testing.T) {
			c := good()
			change(&c)
			if _, err := alipay.New(c); protocol.CodeOf(err) == "" {
				t.Fatalf("%v", err)
			}
		})
	}
	rail, err := alipay.New(good())
	must(t, err)
	wantCode(t, rail.CheckOffer(merchant.Offer{Resource: "r", Price: money.MustParse("1.00", "USD")}), protocol.CodeCurrencyMismatch)
	wantCode(t, rail.CheckOffer(merchant.Offer{Resource: "x", Price: money.MustParse("1.00", "CNY")}), protocol.CodeFieldInvalid)
	must(t, rail.CheckOffer(merchant.Offer{Resource: "r", Price: money.MustParse("1.00", "CNY")}))
	t.Run("PSD-PAY-A402-08 bearer proofs must be allowed by name", func(t *testing.T) {
		c := merchant.Config{}
		newShop(t, "https://shop.test", p.orders, p.clock.Now, func(good *merchant.Config) {
			c = *good
			good.Rail, good.InsecureBearerProofs = rail, true
		})
		c.Rail = rail
		if _, err := merchant.New(c); protocol.CodeOf(err) != protocol.CodeFieldInvalid {
			t.Fatalf("%v", err)
		}
	})
}
