package merchant_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// forgetful forgets confirmed deliveries as soon as it may, and takes its time
// for the next look at one.
type forgetful struct {
	merchant.OrderStore
	clock *acttest.Clock
	takes atomic.Int64 // how long the next Delivery takes
	newer merchant.MemoryOrders
}

func (f *forgetful) store(no string) merchant.OrderStore {
	d, err := f.OrderStore.Delivery(context.Background(), no)
	if err == nil && d.State == merchant.Confirmed && !d.KeepUntil.After(f.clock.Now()) {
		return &f.newer
	}
	return f.OrderStore
}

func (f *forgetful) Delivery(ctx context.Context, no string) (merchant.Delivery, error) {
	f.clock.Advance(time.Duration(f.takes.Swap(0)))
	return f.store(no).Delivery(ctx, no)
}

func (f *forgetful) Claim(ctx context.Context, d merchant.Delivery, now time.Time) (merchant.Delivery, bool, error) {
	return f.store(d.OutTradeNo).Claim(ctx, d, now)
}

func (f *forgetful) Deliver(ctx context.Context, no, lease string, a merchant.Answer, at time.Time) error {
	return f.store(no).Deliver(ctx, no, lease, a, at)
}

// TestLastMoment: a buyer presents its proof in the last second and then draws
// out what the shop has to look up, until the delivery that was made before is
// forgotten. It does not get another one.
func TestLastMoment(t *testing.T) {
	for name, takes := range map[string]time.Duration{"a little": 2 * time.Second, "until it is forgotten": 10 * time.Minute} {
		t.Run("PSD-PAY-A402-15 drawn out "+name, func(t *testing.T) {
			store := &forgetful{}
			c := &counter{World: acttest.NewWorldWith(t, acttest.Options{Merchant: func(m *merchant.Config) {
				store.OrderStore, m.Orders = m.Orders, store
			}}), t: t}
			store.clock = c.Clock
			c.Grant(t, func(isr *delegation.ISR) {
				isr.DelegationMode = delegation.Specified
				isr.Ext = &delegation.Ext{Commerce: &delegation.Commerce{AllowedMerchants: []string{acttest.ShopDID}}}
			})
			c.Stock(t, latte(t), 3)
			var err error
			c.shop, err = c.Agent.Shop(acttest.ShopDID, c.URL, c.Client)
			must(t, err)
			served := new(atomic.Int64)
			c.Serve("/hand", c.Shop.PickupHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				served.Add(1)
				_, _ = io.WriteString(w, "goods")
			})))
			order, paid := c.buy()
			me := c.Buyer.Signer(keys.AgentRequest)
			if status, body := c.pickupAt("/hand", order.Confirmation.MerchantOrderID, paid.Proof, me); status != http.StatusOK {
				t.Fatalf("%d %s", status, body)
			}
			must(t, c.Shop.Flush(context.Background()))
			claims, err := payment.ParseProofClaims(paid.Proof)
			must(t, err)
			c.Clock.Advance(claims.Claims.Expires.Sub(c.Clock.Now()) - time.Second)
			store.takes.Store(int64(takes))
			status, body := c.pickupAt("/hand", order.Confirmation.MerchantOrderID, paid.Proof, me)
			if served.Load() != 1 {
				t.Fatalf("handed over %d times; %d %s", served.Load(), status, body)
			}
			if status == http.StatusOK && body != "goods" || status != http.StatusOK && !strings.Contains(body, string(protocol.CodeProofExpired)) {
				t.Fatalf("%d %s", status, body)
			}
		})
	}
}

// TestLostLease: a handler that takes longer than its lease loses the claim to
// another submission of the same proof. Its answer then comes too late: one
// payment never gets two answers.
func TestLostLease(t *testing.T) {
	for _, path := range []string{"/report", "/stream"} {
		t.Run("PSD-PAY-A402-15 "+path, func(t *testing.T) {
			l := newStreamTill(t, func(c *merchant.Config) { c.Lease = 30 * time.Second })
			slow, release := make(chan struct{}), make(chan struct{})
			l.handle(func(w http.ResponseWriter, r *http.Request) {
				if l.served.Load() == 1 {
					close(slow)
					<-release
					_, _ = io.WriteString(w, "first answer")
					return
				}
				_, _ = io.WriteString(w, "second answer")
			})
			proof, _ := l.buy("GET", path, "")
			first := make(chan reply, 1)
			go func() { first <- l.do(l.request("GET", path, "", l.proven(proof, l.buyer()))) }()
			<-slow
			l.Clock.Advance(90 * time.Second)
			again := func() reply { return l.do(l.request("GET", path, "", l.proven(proof, l.buyer()))) }
			if got := again(); got.body != "second answer" {
				t.Fatalf("%d %s", got.status, got.body)
			}
			close(release)
			late := <-first
			if strings.Contains(late.body, "first answer") {
				t.Fatalf("another answer for the same payment: %d %s", late.status, late.body)
			}
			late.want(t, http.StatusServiceUnavailable, payment.ValidationValid, payment.DeliveryStarted)
			if got := again(); got.body != "second answer" {
				t.Fatalf("%d %s", got.status, got.body)
			}
			l.wantServed(2)
		})
	}
}

// A slowPSP takes its time to consume a proof.
type slowPSP struct {
	merchant.PSP
	clock *acttest.Clock
	takes time.Duration
}

func (p *slowPSP) Consume(ctx context.Context, proof, consumer string) (payment.ConsumptionResult, error) {
	result, err := p.PSP.Consume(ctx, proof, consumer)
	p.clock.Advance(p.takes)
	p.takes = 0
	return result, err
}

// TestLeaseBeginsWithTheWork: how long the provider takes to answer is not
// taken off the lease, or a second submission would begin the work anew.
func TestLeaseBeginsWithTheWork(t *testing.T) {
	provider := &slowPSP{takes: 40 * time.Second}
	l := newTill(t, acttest.Options{Merchant: func(c *merchant.Config) {
		c.Lease, c.Wait = 30*time.Second, 50*time.Millisecond
		provider.PSP, c.PSP = c.PSP, provider
	}})
	provider.clock = l.Clock
	working, release := make(chan struct{}), make(chan struct{})
	l.handle(func(w http.ResponseWriter, r *http.Request) {
		if l.served.Load() == 1 {
			close(working)
			<-release
		}
		_, _ = io.WriteString(w, answerText)
	})
	proof, _ := l.buy("GET", "/report", "")
	first := make(chan reply, 1)
	go func() { first <- l.do(l.request("GET", "/report", "", l.proven(proof, l.buyer()))) }()
	<-working
	l.do(l.request("GET", "/report", "", l.proven(proof, l.buyer()))).want(t, http.StatusServiceUnavailable, payment.ValidationValid, payment.DeliveryStarted)
	close(release)
	(<-first).want(t, http.StatusOK, payment.ValidationValid, payment.DeliveryDelivered)
	l.wantServed(1)
}

// TestKeptThoughItFailed: a store that keeps an answer and fails to say so has
// kept it.
func TestKeptThoughItFailed(t *testing.T) {
	var store *faultyOrders
	l := newStreamTill(t, func(c *merchant.Config) {
		store = &faultyOrders{OrderStore: c.Orders}
		c.Orders = store
	})
	for _, path := range []string{"/report", "/stream"} {
		store.fail("Deliver", after)
		proof, no := l.buy("GET", path, "")
		l.do(l.request("GET", path, "", l.proven(proof, l.buyer()))).want(t, http.StatusOK, payment.ValidationValid, payment.DeliveryDelivered)
		must(t, l.Shop.Flush(context.Background()))
		if s := l.state(no); s != merchant.Confirmed {
			t.Errorf("PSD-PAY-A402-10: %s, and the provider is not told", s)
		}
	}
}

// TestStreamToOldClients: in HTTP/1.0 the end of an answer without a length is
// the end of the connection. A proxy that speaks it, as many do to their
// servers, must not take an answer that is broken off for the whole.
func TestStreamToOldClients(t *testing.T) {
	l := newStreamTill(t, nil)
	ask := func(proof string) string {
		req := l.request("GET", "/stream", "", l.proven(proof, l.buyer()))
		return l.raw("GET /stream HTTP/1.0\r\nHost: " + req.URL.Host + "\r\n" + lines(req.Header) + "\r\n")
	}
	l.handle(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(make([]byte, 8<<10))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	proof, _ := l.buy("GET", "/stream", "")
	if got := ask(proof); strings.HasPrefix(got, "HTTP/1.0 200") {
		t.Fatalf("PSD-PAY-A402-15: a part of %d bytes that nobody can tell from the whole", len(got))
	}
	l.handle(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(make([]byte, 8<<10))
		w.(http.Flusher).Flush()
	})
	if got := ask(proof); !strings.HasPrefix(got, "HTTP/1.0 200") || !strings.Contains(got, "\r\nContent-Length: 8192\r\n") {
		t.Fatalf("%.300s", got)
	}
}
