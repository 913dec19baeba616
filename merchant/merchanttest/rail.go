package merchanttest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

// A RailFixture is a way of being paid under test: a shop's configuration, and
// the means to pay on its rail as a buyer does.
type RailFixture struct {
	// Config makes the shop, with Rail, or with PSP and Method. Orders are
	// empty.
	Config merchant.Config
	// Price is an amount that the rail can bill.
	Price money.Amount
	// Pay pays the bill in the value of Payment-Needed and returns the value of
	// Payment-Proof.
	Pay func(t *testing.T, needed string) (proof string)
	// Sign makes a request that carries a proof the buyer's own. It is nil for
	// a rail whose proofs are bearer proofs.
	Sign func(t *testing.T, r *http.Request, body []byte)
	// Cut makes the provider unreachable until mend is called.
	Cut func() (mend func())
}

// Rail runs the contract of merchant.Rail through a paywall. open is called once
// a subtest.
func Rail(t *testing.T, open func(t *testing.T) RailFixture) {
	t.Helper()
	for name, run := range map[string]func(*railTest){
		"PSD-PAY-A402-15 one payment, one delivery":                     (*railTest).delivers,
		"PSD-PAY-A402-15 one proof at once, many times":                 (*railTest).concurrent,
		"PSD-PAY-A402-16 a proof is for one request":                    (*railTest).bound,
		"PSD-PAY-A402-16 a proof is for one idempotency key":            (*railTest).keyed,
		"PSD-PAY-A402-14 a bill stays good at its own price":            (*railTest).oldPrice,
		"PSD-PAY-A402-08 a proof is for one shop's bill":                (*railTest).foreign,
		"PSD-PAY-A402-08 who presents a proof has paid for it":          (*railTest).unsigned,
		"PSD-PAY-A402-09 what is no proof is refused":                   (*railTest).garbage,
		"PSD-PAY-A402-23 what cannot be decided is neither":             (*railTest).undecided,
		"PSD-PAY-A402-10 a delivery is confirmed, and again if need be": (*railTest).confirms,
	} {
		t.Run(name, func(t *testing.T) { run(newRailTest(t, open(t))) })
	}
}

type railTest struct {
	RailFixture
	t      *testing.T
	shop   *merchant.Shop
	wall   http.Handler
	served atomic.Int64
}

func newRailTest(t *testing.T, f RailFixture) *railTest {
	t.Helper()
	if f.Config.ConfirmPause == 0 {
		f.Config.ConfirmPause = 5 * time.Millisecond
	}
	r := &railTest{RailFixture: f, t: t}
	r.shop = r.open(f.Config)
	r.wall = r.sell(r.shop, f.Price)
	return r
}

func (r *railTest) open(c merchant.Config) *merchant.Shop {
	r.t.Helper()
	shop, err := merchant.New(c)
	want(r.t, err, "")
	r.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = shop.Close(ctx)
	})
	return shop
}

// sell is a paywall that answers what it was asked for.
func (r *railTest) sell(shop *merchant.Shop, price money.Amount) http.Handler {
	offer := merchant.Offer{Resource: "contract-1", Name: "A thing", Category: "data/contract", Price: price}
	return shop.Paywall(offer, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.served.Add(1)
		if p, ok := merchant.PurchaseFrom(q.Context()); !ok || p.OutTradeNo == "" || p.TradeNo == "" || !p.Amount.Valid() {
			r.t.Errorf("the handler runs for %+v, %v", p, ok)
		}
		body, _ := io.ReadAll(q.Body)
		_, _ = fmt.Fprintf(w, "%s %s %s", q.Method, q.RequestURI, body)
	}))
}

// An ask is a request to the paywall.
type ask struct {
	method, target, body, key string
}

var (
	get  = ask{method: "GET", target: "/thing?n=1"}
	post = ask{method: "POST", target: "/thing", body: `{"n":1}`, key: "key-1"}
)

// send sends a request, with a proof if there is one.
func (r *railTest) send(wall http.Handler, a ask, proof string, signed bool) *httptest.ResponseRecorder {
	r.t.Helper()
	q := httptest.NewRequest(a.method, r.Config.Origin+a.target, strings.NewReader(a.body))
	q.RequestURI = a.target
	if a.body != "" {
		q.Header.Set("Content-Type", "application/json")
	}
	if a.key != "" {
		q.Header.Set("Idempotency-Key", a.key)
	}
	if proof != "" {
		q.Header.Set(payment.HeaderProof, proof)
		if signed && r.Sign != nil {
			r.Sign(r.t, q, []byte(a.body))
		}
	}
	w := httptest.NewRecorder()
	wall.ServeHTTP(w, q)
	return w
}

// buy gets a bill and pays it.
func (r *railTest) buy(wall http.Handler, a ask) (proof string) {
	r.t.Helper()
	return r.Pay(r.t, r.needed(r.send(wall, a, "", false)))
}

// needed checks an answer that asks for money.
func (r *railTest) needed(w *httptest.ResponseRecorder) string {
	r.t.Helper()
	header := w.Header().Get(payment.HeaderNeeded)
	if w.Code != http.StatusPaymentRequired || header == "" {
		r.t.Fatalf("%d %s, want 402 and a bill", w.Code, w.Body)
	}
	return header
}

func (r *railTest) delivered(w *httptest.ResponseRecorder, a ask) {
	r.t.Helper()
	if want := a.method + " " + a.target + " " + a.body; w.Code != http.StatusOK || w.Body.String() != want {
		r.t.Fatalf("%d %s, want %s", w.Code, w.Body, want)
	}
}

func (r *railTest) ran(n int64) {
	r.t.Helper()
	if got := r.served.Load(); got != n {
		r.t.Fatalf("the handler ran %d times, want %d", got, n)
	}
}

func (r *railTest) delivers() {
	for i, a := range []ask{get, post} {
		proof := r.buy(r.wall, a)
		r.ran(int64(i))
		for range 3 {
			r.delivered(r.send(r.wall, a, proof, true), a)
			r.ran(int64(i) + 1)
		}
		// Another process over the same store knows it too.
		r.delivered(r.send(r.sell(r.open(r.Config), r.Price), a, proof, true), a)
		r.ran(int64(i) + 1)
	}
	first, second := r.needed(r.send(r.wall, get, "", false)), r.needed(r.send(r.wall, get, "", false))
	if first == second {
		r.t.Fatal("PSD-PAY-A402-14: two bills are one")
	}
	if len(first) > payment.MaxHeaderWritten {
		r.t.Fatalf("a bill of %d bytes", len(first))
	}
}

func (r *railTest) concurrent() {
	proof := r.buy(r.wall, post)
	var all sync.WaitGroup
	for range 30 {
		all.Go(func() {
			if w := r.send(r.wall, post, proof, true); w.Code != http.StatusOK {
				r.t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	all.Wait()
	r.ran(1)
}

func (r *railTest) bound() {
	proof := r.buy(r.wall, post)
	for name, change := range map[string]func(*ask){
		"target": func(a *ask) { a.target = "/thing?n=2" },
		"body":   func(a *ask) { a.body = `{"n":2}` },
		"method": func(a *ask) { a.method = "PUT" },
		"to GET": func(a *ask) { *a = get },
	} {
		a := post
		change(&a)
		if w := r.send(r.wall, a, proof, true); w.Code != http.StatusPaymentRequired {
			r.t.Errorf("another %s: %d %s, want 402", name, w.Code, w.Body)
		}
	}
	r.ran(0)
	r.delivered(r.send(r.wall, post, proof, true), post) // none of them has used it up
}

func (r *railTest) keyed() {
	proof, other := r.buy(r.wall, post), post
	other.key = "key-2"
	r.needed(r.send(r.wall, other, proof, true))
	r.ran(0)
	r.delivered(r.send(r.wall, post, proof, true), post)
	// A request without a key of its own is sent again as it was.
	none := post
	none.key = ""
	r.delivered(r.send(r.wall, none, r.buy(r.wall, none), true), none)
}

func (r *railTest) oldPrice() {
	proof := r.buy(r.wall, get)
	dearer, err := r.Price.Add(r.Price)
	want(r.t, err, "")
	r.delivered(r.send(r.sell(r.shop, dearer), get, proof, true), get)
}

// foreign: the same provider and payee, and bills that another key has
// numbered.
func (r *railTest) foreign() {
	c := r.Config
	c.BillKey = slices.Clone(c.BillKey)
	c.BillKey[0] ^= 1
	c.Orders = new(merchant.MemoryOrders)
	r.needed(r.send(r.wall, get, r.buy(r.sell(r.open(c), r.Price), get), true))
	r.ran(0)
}

func (r *railTest) unsigned() {
	proof := r.buy(r.wall, get)
	if r.Sign == nil {
		c := r.Config
		if c.InsecureBearerProofs = false; c.Rail != nil {
			if _, err := merchant.New(c); !c.Rail.Traits().Bearer || err == nil {
				r.t.Fatal("bearer proofs are taken without saying so")
			}
		}
		return
	}
	r.needed(r.send(r.wall, get, proof, false))
	r.ran(0)
}

func (r *railTest) garbage() {
	proof := r.buy(r.wall, get)
	half := proof[:len(proof)/2]
	for _, p := range []string{"x", "e30", "e30=", "bnVsbA", "eyJwcm90b2NvbCI6e30sIm1ldGhvZCI6e319", "eyJwcm90b2NvbCI6bnVsbH0=", half, half + half, strings.Repeat("A", 100000)} {
		w := r.send(r.wall, get, p, true)
		r.needed(w)
		if strings.Contains(w.Body.String(), p) && len(p) > 8 {
			r.t.Errorf("the answer repeats %d bytes of input", len(p))
		}
		if r.Config.Rail != nil {
			if _, err := r.Config.Rail.Read(p); err != nil && (protocol.CodeOf(err) == "" || errors.Is(err, protocol.ErrUndetermined)) {
				r.t.Errorf("%d bytes that are no proof: %v", len(p), err)
			}
		}
	}
	r.ran(0)
}

func (r *railTest) undecided() {
	proof := r.buy(r.wall, get)
	mend := r.Cut()
	w := r.send(r.wall, get, proof, true)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || w.Header().Get(payment.HeaderNeeded) != "" {
		r.t.Fatalf("%d %v, want 503, Retry-After and no bill", w.Code, w.Header())
	}
	r.ran(0)
	r.needed(r.send(r.wall, post, "", false)) // billing needs nobody
	mend()
	r.delivered(r.send(r.wall, get, proof, true), get)
	r.ran(1)
}

func (r *railTest) confirms() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	proof := r.buy(r.wall, get)
	spy := &spyOrders{OrderStore: r.Config.Orders}
	c := r.Config
	c.Orders = spy
	shop := r.open(c)
	wall := r.sell(shop, r.Price)
	mend := func() {}
	spy.delivered = func() { mend = r.Cut() } // between the delivery and its confirmation
	r.delivered(r.send(wall, get, proof, true), get)
	time.Sleep(3 * c.ConfirmPause)
	mend()
	want(r.t, shop.Flush(ctx), "")
	d, err := r.Config.Orders.Delivery(ctx, spy.number())
	want(r.t, err, "")
	if d.State != merchant.Confirmed || d.TradeState == payment.StateWaitSellerFulfillment || d.TradeState == payment.StateWaitBuyerPay {
		r.t.Fatalf("%s, trade %s, want a delivery that the provider knows of", d.State, d.TradeState)
	}
	r.delivered(r.send(wall, get, proof, true), get)
	if c.Rail == nil {
		return
	}
	state, err := c.Rail.Confirm(ctx, d)
	want(r.t, err, "")
	if state != d.TradeState {
		r.t.Fatalf("told again the trade is in %s, first it was in %s", state, d.TradeState)
	}
	d.TradeNo = canon.UUID()
	if _, err := c.Rail.Confirm(ctx, d); err == nil {
		r.t.Fatal("a trade that nobody knows is confirmed")
	}
}

// A spyOrders tells when something has been delivered.
type spyOrders struct {
	merchant.OrderStore
	delivered func()

	mu sync.Mutex
	no string
}

func (s *spyOrders) Deliver(ctx context.Context, no, lease string, a merchant.Answer, at time.Time) error {
	s.mu.Lock()
	s.no = no
	s.mu.Unlock()
	s.delivered()
	return s.OrderStore.Deliver(ctx, no, lease, a, at)
}

func (s *spyOrders) number() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.no
}
