package alipay_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/merchant/alipay"
	"github.com/actprotocol/act-go/merchant/alipay/alipaytest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

const (
	appID     = "2021000000000001"
	sellerID  = "2088000000000001"
	serviceID = "API_0000000000000001"
	resource  = "report-7"
	verify    = "alipay.aipay.agent.payment.verify"
	confirm   = "alipay.aipay.agent.fulfillment.confirm"
)

// Keys take a while to make, and the tests share them.
var (
	appKey      = sync.OnceValue(newKey)
	platformKey = sync.OnceValue(newKey)
	otherKey    = sync.OnceValue(newKey)
	start       = time.Date(2026, 9, 1, 9, 0, 0, 0, time.UTC)
	ctx         = context.Background()
)

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantCode checks the code of an error, and that it prints as few words of
// ours, without anything of what the test sent.
func wantCode(t testing.TB, err error, code protocol.Code, secrets ...string) {
	t.Helper()
	if got := protocol.CodeOf(err); got != code || code == "" && err != nil {
		t.Fatalf("got %v, want %q", err, code)
	}
	for _, s := range secrets {
		if err != nil && strings.Contains(err.Error(), s) {
			t.Fatalf("PRV-04: %v holds input", err)
		}
	}
}

// A place is a shop that is paid through the double.
type place struct {
	double  *alipaytest.Gateway
	gateway *alipay.Gateway
	rail    *alipay.Rail
	shop    *merchant.Shop
	orders  *merchant.MemoryOrders
	server  *httptest.Server
	clock   *clock
	work    func(http.ResponseWriter, *http.Request)
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func price(t testing.TB, s string) money.Amount {
	t.Helper()
	a, err := money.Parse(s, money.MustParse("0.00", "CNY").Currency())
	must(t, err)
	return a
}

// newPlace opens a shop that sells resource at GET and POST /report for 2.50.
func newPlace(t testing.TB, change func(*alipay.GatewayConfig)) *place {
	t.Helper()
	p := &place{clock: &clock{now: start}, orders: new(merchant.MemoryOrders)}
	p.double = alipaytest.NewGatewayWith(t, platformKey(), p.clock.Now)
	p.double.Register(appID, sellerID, &appKey().PublicKey)
	c := p.double.Config(appID, appKey())
	if change != nil {
		change(&c)
	}
	var err error
	p.gateway, err = alipay.NewGateway(c)
	must(t, err)
	p.rail, err = alipay.New(alipay.Config{
		Gateway: p.gateway, SellerID: sellerID, SellerName: "测试商店",
		Services: map[string]alipay.Service{resource: {ID: serviceID, Name: "市场报告"}},
	})
	must(t, err)
	p.server = httptest.NewUnstartedServer(nil)
	p.shop = newShop(t, "https://"+p.server.Listener.Addr().String(), p.orders, p.clock.Now, func(c *merchant.Config) {
		c.Rail, c.InsecureBearerProofs = p.rail, true
	})
	p.work = func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write([]byte("the report " + string(body)))
	}
	p.server.Config.Handler = p.shop.Paywall(merchant.Offer{Resource: resource, Category: "data/report", Price: price(t, "2.50")},
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.work(w, r) }))
	p.server.StartTLS()
	t.Cleanup(p.server.Close)
	return p
}

// newShop makes a shop with a key of its own; change chooses how it is paid.
func newShop(t testing.TB, origin string, orders merchant.OrderStore, now func() time.Time, change func(*merchant.Config)) *merchant.Shop {
	t.Helper()
	private, err := keys.Generate(keys.EdDSA)
	must(t, err)
	signer, err := keys.NewSigner("did:act:shop.test/shop#k1", keys.Seller, private)
	must(t, err)
	source := verifier.NewResolver(verifier.ResolverConfig{})
	status, err := verifier.NewStatusClient(verifier.StatusConfig{Keys: source})
	must(t, err)
	v, err := verifier.New(verifier.Config{
		Issuers: verifier.SelfIssued{}, Keys: source, Status: status, Replay: verifier.NewMemoryReplay(0, now), Now: now,
	})
	must(t, err)
	c := merchant.Config{
		Signer: signer, Verifier: v, Orders: orders, Origin: origin, BillKey: make([]byte, 32), Now: now, ConfirmPause: time.Millisecond,
	}
	change(&c)
	shop, err := merchant.New(c)
	must(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		_ = shop.Close(ctx) // a test may have left the provider silent
	})
	return shop
}

// send sends a request with or without a proof and returns the answer with its
// body.
func (p *place) send(t testing.TB, method, path, body, proof string, header ...string) (*http.Response, string) {
	t.Helper()
	q, err := http.NewRequestWithContext(ctx, method, p.server.URL+path, strings.NewReader(body))
	must(t, err)
	if proof != "" {
		q.Header.Set(payment.HeaderProof, proof)
	}
	for i := 0; i+1 < len(header); i += 2 {
		q.Header.Set(header[i], header[i+1])
	}
	r, err := p.server.Client().Do(q)
	must(t, err)
	defer r.Body.Close()
	data, err := io.ReadAll(r.Body)
	must(t, err)
	return r, string(data)
}

// bill asks for a bill.
func (p *place) bill(t testing.TB, method, path, body string, header ...string) string {
	t.Helper()
	r, _ := p.send(t, method, path, body, "", header...)
	if r.StatusCode != http.StatusPaymentRequired {
		t.Fatalf("%d without a proof", r.StatusCode)
	}
	return r.Header.Get(payment.HeaderNeeded)
}

// paid asks for a bill and pays it.
func (p *place) paid(t testing.TB, method, path, body string, header ...string) (proof string) {
	t.Helper()
	proof, err := p.double.Pay(p.bill(t, method, path, body, header...))
	must(t, err)
	return proof
}

func parse(t testing.TB, header string) alipay.Proof {
	t.Helper()
	p, err := alipay.ParseProof(header)
	must(t, err)
	return p
}

// encoded is a header made of any JSON.
func encoded(data string) string { return base64.StdEncoding.EncodeToString([]byte(data)) }

func undetermined(err error) bool { return errors.Is(err, protocol.ErrUndetermined) }

func plainBill(t testing.TB) alipay.Bill {
	return alipay.Bill{
		OutTradeNo: "ORDER_1", Amount: price(t, "0.01"), ResourceID: "resource-1", PayBefore: time.Date(2026, 7, 22, 4, 0, 0, 0, time.UTC),
		SellerID: "2088000000000009", SellerName: "a seller", AppID: appID, GoodsName: "ACT resource", ServiceID: "service-1",
	}
}

func decode(t testing.TB, header string) []byte {
	t.Helper()
	data, err := canon.DecodeBase64(header)
	must(t, err)
	return data
}
