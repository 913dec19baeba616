package merchant_test

import (
	"context"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

// coupons is a rail of a product that knows nothing of requests and keys: a bill
// is a few words, a proof is a coupon for whoever has it, and only the provider
// can say what it is for. Its proofs have no end.
type coupons struct {
	mu        sync.Mutex
	down      bool
	verified  int
	trades    map[string]merchant.Paid // by coupon
	confirmed map[string]bool          // by trade
}

func newCoupons() *coupons {
	return &coupons{trades: map[string]merchant.Paid{}, confirmed: map[string]bool{}}
}

// config is a shop that is paid in coupons.
func (c *coupons) config(t testing.TB, l *till) merchant.Config {
	return merchant.Config{
		Signer: l.Seller.Signer(keys.Seller), Verifier: l.NewVerifier(t), Rail: c, InsecureBearerProofs: true,
		Orders: new(merchant.MemoryOrders), Origin: l.URL, BillKey: []byte("0123456789abcdef0123456789abcdef"),
		Now: l.Clock.Now, ConfirmPause: time.Millisecond,
	}
}

func (c *coupons) Traits() merchant.Traits { return merchant.Traits{Bearer: true, Unkeyed: true} }

func (c *coupons) CheckOffer(o merchant.Offer) error {
	if o.Price.Currency().Code() != "CNY" {
		return protocol.New(protocol.CodeFieldInvalid, "price", "", "coupons are in CNY")
	}
	return nil
}

func (c *coupons) Bill(_ context.Context, d merchant.Demand) (string, error) {
	return strings.Join([]string{d.OutTradeNo, d.Offer.Price.String(), d.Offer.Resource}, " "), nil
}

// pay pays a bill and returns the coupon.
func (c *coupons) pay(t testing.TB, needed string) string {
	t.Helper()
	words := strings.Fields(needed)
	if len(words) != 3 {
		t.Fatalf("bill %q", needed)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	coupon := "coupon-" + canon.Nonce()
	c.trades[coupon] = merchant.Paid{
		OutTradeNo: words[0], Amount: money.MustParse(words[1], "CNY"), Resource: words[2], TradeNo: canon.Nonce(),
	}
	return coupon
}

// change changes what the provider says of a coupon.
func (c *coupons) change(coupon string, edit func(*merchant.Paid)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.trades[coupon]
	edit(&p)
	c.trades[coupon] = p
}

func (c *coupons) cut() (mend func()) {
	set := func(down bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.down = down
	}
	set(true)
	return func() { set(false) }
}

func (c *coupons) Read(header string) (merchant.Proof, error) {
	if !strings.HasPrefix(header, "coupon-") {
		return nil, protocol.New(protocol.CodeMalformed, "payment_proof", "", "not a coupon")
	}
	return coupon{c, header}, nil
}

func (c *coupons) Confirm(_ context.Context, d merchant.Delivery) (payment.State, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down {
		return "", protocol.New(protocol.CodeServiceUnavailable, "", "", "out of order")
	}
	for p := range maps.Values(c.trades) {
		if p.TradeNo == d.TradeNo && p.OutTradeNo == d.OutTradeNo {
			c.confirmed[d.TradeNo] = true
			return payment.StateTradeFinished, nil
		}
	}
	return "", protocol.New(protocol.CodeTradeUnknown, "trade_no", "", "")
}

// A coupon names no bill.
type coupon struct {
	rail *coupons
	text string
}

func (c coupon) Claims() (merchant.Claims, bool) { return merchant.Claims{}, false }

func (c coupon) Verify(context.Context, merchant.Presentation) (merchant.Paid, error) {
	c.rail.mu.Lock()
	defer c.rail.mu.Unlock()
	c.rail.verified++
	if c.rail.down {
		return merchant.Paid{}, protocol.New(protocol.CodeServiceUnavailable, "", "", "out of order")
	}
	p, ok := c.rail.trades[c.text]
	if !ok {
		return merchant.Paid{}, protocol.New(protocol.CodeProofInvalid, "payment_proof", "", "")
	}
	return p, nil
}

func (c coupon) Consume(context.Context, string) (payment.State, error) {
	return payment.StateWaitSellerFulfillment, nil
}

func (c coupon) Validation(payment.Validation) string { return "" }

// A couponShop is a till whose second shop takes coupons, at /coupon.
type couponShop struct {
	*till
	rail *coupons
	shop *merchant.Shop
}

func newCouponShop(t *testing.T, change func(*merchant.Config)) *couponShop {
	t.Helper()
	l := &couponShop{till: newTill(t, acttest.Options{}), rail: newCoupons()}
	c := l.rail.config(t, l.till)
	if change != nil {
		change(&c)
	}
	var err error
	l.shop, err = merchant.New(c)
	must(t, err)
	t.Cleanup(func() { must(t, l.shop.Close(context.Background())) })
	l.Serve("/coupon", l.shop.Paywall(merchant.Offer{Resource: "coupon-1", Category: "data/report", Price: acttest.CNY(t, "2.00")},
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			l.served.Add(1)
			(*l.handler.Load())(w, r)
		})))
	return l
}

// ask sends a request, with a coupon if there is one, and returns the status and
// the bill.
func (l *couponShop) ask(method, body, coupon string) (status int, bill string) {
	l.t.Helper()
	resp, err := l.Client.Do(l.request(method, "/coupon", body, func(r *http.Request) {
		if coupon != "" {
			r.Header.Set(payment.HeaderProof, coupon)
		}
	}))
	must(l.t, err)
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	must(l.t, err)
	if resp.Header.Get(payment.HeaderValidation) != "" {
		l.t.Error("a header that the rail does not have")
	}
	return resp.StatusCode, resp.Header.Get(payment.HeaderNeeded)
}

func (l *couponShop) want(method, body, coupon string, status int) {
	l.t.Helper()
	got, bill := l.ask(method, body, coupon)
	if got != status || (bill != "") != (got == http.StatusPaymentRequired) {
		l.t.Fatalf("%d with the bill %q, want %d", got, bill, status)
	}
}

// TestRailEnds: a coupon has no end of its own, so the age of the bill is it.
func TestRailEnds(t *testing.T) {
	for _, c := range []struct {
		life, end time.Duration
	}{{0, 24 * time.Hour}, {time.Hour, time.Hour}} {
		l := newCouponShop(t, func(m *merchant.Config) { m.ProofLife = c.life })
		_, bill := l.ask("GET", "", "")
		delivered, late := l.rail.pay(t, bill), ""
		_, bill = l.ask("GET", "", "")
		late = l.rail.pay(t, bill)
		l.Clock.Advance(c.end - time.Second)
		l.want("GET", "", delivered, http.StatusOK)
		l.Clock.Advance(time.Second)
		l.want("GET", "", late, http.StatusPaymentRequired)
		l.want("GET", "", delivered, http.StatusPaymentRequired)
		l.wantServed(1)
	}
}

// TestRailInactive: what the provider no longer stands for gets what is kept.
func TestRailInactive(t *testing.T) {
	inactive := func(p *merchant.Paid) { p.Inactive = true }
	t.Run("before the delivery: nothing", func(t *testing.T) {
		l := newCouponShop(t, nil)
		_, bill := l.ask("GET", "", "")
		c := l.rail.pay(t, bill)
		l.rail.change(c, inactive)
		l.want("GET", "", c, http.StatusPaymentRequired)
		l.wantServed(0)
	})
	t.Run("PSD-PAY-A402-15 after the delivery: the kept answer", func(t *testing.T) {
		l := newCouponShop(t, nil)
		_, bill := l.ask("POST", "{}", "")
		c := l.rail.pay(t, bill)
		l.want("POST", "{}", c, http.StatusOK)
		l.rail.change(c, inactive)
		l.want("POST", "{}", c, http.StatusOK)
		l.want("POST", "[]", c, http.StatusPaymentRequired)
		l.wantServed(1)
	})
	t.Run("after a failed delivery: nothing", func(t *testing.T) {
		l := newCouponShop(t, nil)
		_, bill := l.ask("GET", "", "")
		c := l.rail.pay(t, bill)
		l.handle(func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusBadGateway) })
		l.want("GET", "", c, http.StatusBadGateway)
		l.rail.change(c, inactive)
		l.want("GET", "", c, http.StatusPaymentRequired)
		l.wantServed(1)
	})
}

// TestRailAnswers: what the provider says of a payment is compared with the
// bill, and never believed by half.
func TestRailAnswers(t *testing.T) {
	l := newCouponShop(t, nil)
	_, bill := l.ask("GET", "", "")
	_, second := l.ask("GET", "", "")
	for name, edit := range map[string]func(*merchant.Paid){
		"PSD-PAY-A402-08 less money":        func(p *merchant.Paid) { p.Amount = acttest.CNY(t, "0.01") },
		"PSD-PAY-A402-08 another currency":  func(p *merchant.Paid) { p.Amount = money.MustParse("2.00", "USD") },
		"PSD-PAY-A402-08 no amount":         func(p *merchant.Paid) { p.Amount = money.Amount{} },
		"PSD-PAY-A402-08 another resource":  func(p *merchant.Paid) { p.Resource = "coupon-2" },
		"PSD-PAY-A402-08 no resource":       func(p *merchant.Paid) { p.Resource = "" },
		"PSD-PAY-A402-08 another's number":  func(p *merchant.Paid) { p.OutTradeNo = strings.Repeat("a", 60) },
		"PSD-PAY-A402-08 no number":         func(p *merchant.Paid) { p.OutTradeNo = "" },
		"PSD-PAY-A402-08 a number in caps":  func(p *merchant.Paid) { p.OutTradeNo = strings.ToUpper(p.OutTradeNo) },
		"PSD-PAY-A402-08 no trade":          func(p *merchant.Paid) { p.TradeNo = "" },
		"PSD-PAY-A402-08 two trades in one": func(p *merchant.Paid) { p.TradeNo += "\n1" },
		"PSD-PAY-A402-07 over":              func(p *merchant.Paid) { p.Expires = l.Clock.Now() },
	} {
		t.Run(name, func(t *testing.T) {
			c := l.rail.pay(t, bill)
			l.rail.change(c, edit)
			l.want("GET", "", c, http.StatusPaymentRequired)
		})
	}
	l.wantServed(0)
	t.Run("PSD-PAY-A402-15 a bill that was paid twice is delivered once", func(t *testing.T) {
		l.want("GET", "", l.rail.pay(t, second), http.StatusOK)
		l.want("GET", "", l.rail.pay(t, second), http.StatusPaymentRequired)
		l.wantServed(1)
	})
	t.Run("PSD-PAY-A402-10 the provider is told", func(t *testing.T) {
		must(t, l.shop.Flush(context.Background()))
		if len(l.rail.confirmed) != 1 {
			t.Fatalf("%d confirmed", len(l.rail.confirmed))
		}
	})
}

func TestRailConfig(t *testing.T) {
	l := newCouponShop(t, nil)
	for name, edit := range map[string]func(*merchant.Config){
		"PSD-PAY-A402-08 bearer proofs without saying so": func(c *merchant.Config) { c.InsecureBearerProofs = false },
		"a rail and a provider":                           func(c *merchant.Config) { c.PSP = l.psp },
		"a rail and a method":                             func(c *merchant.Config) { c.Method = acttest.Method },
		"neither":                                         func(c *merchant.Config) { c.Rail = nil },
	} {
		t.Run(name, func(t *testing.T) {
			c := l.rail.config(t, l.till)
			edit(&c)
			if _, err := merchant.New(c); protocol.CodeOf(err) == "" {
				t.Fatalf("accepted: %v", err)
			}
		})
	}
	t.Run("PSD-PAY-A402-01 an offer that the rail cannot bill", func(t *testing.T) {
		defer func() {
			if err, _ := recover().(error); protocol.AsError(err).Field != "price" {
				t.Fatalf("recovered %v", err)
			}
		}()
		l.shop.Paywall(merchant.Offer{Resource: "r", Category: "c", Price: money.MustParse("2.00", "USD")}, http.NotFoundHandler())
	})
	t.Run("carts and pick-ups are not sold on it", func(t *testing.T) {
		l.Serve("/coupon/pickups", l.shop.PickupHandler(http.NotFoundHandler()))
		resp, err := l.Client.Post(l.URL+"/coupon/pickups", "application/json", strings.NewReader(`{"merchant_order_id":"1","payment_proof":"e30"}`))
		must(t, err)
		defer resp.Body.Close()
		if resp.StatusCode != payment.HTTPStatus(protocol.CodeMethodNotAllowed) {
			t.Fatal(resp.Status)
		}
	})
}

// lyingPSP consumes one proof and speaks of another.
type lyingPSP struct {
	merchant.PSP
	lie func(*payment.ConsumptionResult)
}

func (l lyingPSP) Consume(ctx context.Context, proof, consumer string) (payment.ConsumptionResult, error) {
	result, err := l.PSP.Consume(ctx, proof, consumer)
	l.lie(&result)
	return result, err
}

// TestACTRailTellsNoMore: transaction_state says what is known of the trade, and
// a consumption is believed only for the trade of the proof.
func TestACTRailTellsNoMore(t *testing.T) {
	lie := func(*payment.ConsumptionResult) {}
	l := newTill(t, acttest.Options{Merchant: func(c *merchant.Config) {
		c.PSP = lyingPSP{c.PSP, func(r *payment.ConsumptionResult) { lie(r) }}
	}})
	proof := l.pay(l.do(l.request("GET", reportPath, "")).bill)
	refused := func(t *testing.T, state payment.State, path string, edit func(*http.Request)) {
		t.Helper()
		got := l.do(l.request("GET", path, "", edit))
		got.want(t, http.StatusPaymentRequired, payment.ValidationInvalid, payment.DeliveryNotStarted)
		if got.validation.State != state {
			t.Fatalf("PSD-PAY-A402-23: the trade is said to be in %s, want %s", got.validation.State, state)
		}
	}
	t.Run("PSD-PAY-A402-23 nothing, before the provider's signature is checked", func(t *testing.T) {
		refused(t, payment.StateWaitBuyerPay, "/other", l.proven(proof, l.buyer()))
	})
	t.Run("PSD-PAY-A402-23 that it is paid, after", func(t *testing.T) {
		refused(t, payment.StateWaitSellerFulfillment, reportPath, func(r *http.Request) {
			l.proven(proof, l.buyer())(r)
			r.Header.Del("Signature")
		})
	})
	for name, f := range map[string]func(*payment.ConsumptionResult){
		"trade":  func(r *payment.ConsumptionResult) { r.TradeNo = "another" },
		"order":  func(r *payment.ConsumptionResult) { r.OutTradeNo = "another" },
		"amount": func(r *payment.ConsumptionResult) { r.Amount = acttest.CNY(t, "0.01") },
	} {
		t.Run("PSD-PAY-A402-08 the provider consumes another "+name, func(t *testing.T) {
			lie = f
			refused(t, payment.StateWaitSellerFulfillment, reportPath, l.proven(proof, l.buyer()))
		})
	}
	l.wantServed(0)
}
