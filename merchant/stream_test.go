package merchant_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol/payment"
)

// newStreamTill is a till with a streaming offer at /stream.
func newStreamTill(t *testing.T, change func(*merchant.Config)) *till {
	t.Helper()
	l := newTill(t, acttest.Options{Merchant: change})
	offer := merchant.Offer{Resource: "stream-1", Category: "data/feed", Price: acttest.CNY(t, "1.00"), Stream: true, Lease: time.Minute}
	l.Sell("/stream", offer, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.served.Add(1)
		(*l.handler.Load())(w, r)
	}))
	return l
}

// buy pays for a request and returns the proof.
func (l *till) buy(method, path, body string) (proof, outTradeNo string) {
	l.t.Helper()
	bill := l.do(l.request(method, path, body)).bill
	return l.pay(bill), bill.Bill.OutTradeNo
}

// open sends a request with a proof and returns the answer unread.
func (l *till) open(method, path, body, proof string) *http.Response {
	l.t.Helper()
	resp, err := l.Client.Do(l.request(method, path, body, l.proven(proof, l.buyer())))
	must(l.t, err)
	l.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func (l *till) wantStarted(resp *http.Response) {
	l.t.Helper()
	v, err := payment.ParseValidation(resp.Header.Get(payment.HeaderValidation))
	must(l.t, err)
	must(l.t, v.CheckProfile())
	if resp.StatusCode != http.StatusOK || v.Validation.Status != payment.ValidationValid || v.Validation.Delivery != payment.DeliveryStarted ||
		v.Validation.Fulfillment != payment.FulfillmentNotConfirmed || v.Validation.State != payment.StateWaitSellerFulfillment {
		l.t.Fatalf("PSD-PAY-A402-23: %d %+v, want no more than a delivery that has started", resp.StatusCode, v.Validation)
	}
}

func (l *till) wantRead(r io.Reader, want string) {
	l.t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(r, got); err != nil || string(got) != want {
		l.t.Fatalf("read %q, %v; want %q", got[:n], err, want)
	}
}

func (l *till) wantEnd(r io.Reader) {
	l.t.Helper()
	if rest, err := io.ReadAll(r); err != nil || len(rest) > 0 {
		l.t.Fatalf("%q and %v behind the end", rest, err)
	}
}

func (l *till) state(outTradeNo string) merchant.DeliveryState {
	l.t.Helper()
	d, err := l.Orders.Delivery(context.Background(), outTradeNo)
	must(l.t, err)
	return d.State
}

// A tap is a handler that writes and flushes what it is told to.
func tap() (handler http.HandlerFunc, write chan<- string) {
	parts := make(chan string)
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-From", "handler")
		for part := range parts {
			_, _ = io.WriteString(w, part)
			if err := http.NewResponseController(w).Flush(); err != nil {
				panic(err)
			}
		}
	}, parts
}

func TestStream(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		body := strings.Repeat("x", len(method)-3)
		t.Run("PSD-PAY-A402-15 an answer is sent as it is made, and kept, "+method, func(t *testing.T) {
			l := newStreamTill(t, nil)
			handler, write := tap()
			l.handle(handler)
			proof, _ := l.buy(method, "/stream", body)
			first := make(chan *http.Response)
			go func() { first <- l.open(method, "/stream", body, proof) }()
			write <- "one "
			resp := <-first
			l.wantStarted(resp)
			if resp.Header.Get("X-From") != "handler" || resp.Header.Get("Cache-Control") != "private" {
				t.Fatalf("headers %v", resp.Header)
			}
			l.wantRead(resp.Body, "one ")
			write <- "two "
			l.wantRead(resp.Body, "two ")
			close(write)
			l.wantEnd(resp.Body)
			must(t, l.Shop.Flush(context.Background()))
			again := l.do(l.request(method, "/stream", body, l.proven(proof, l.buyer())))
			again.want(t, http.StatusOK, payment.ValidationValid, payment.DeliveryDelivered)
			if again.body != "one two " || again.validation.Fulfillment != payment.FulfillmentConfirmed || again.header.Get("X-From") != "handler" {
				t.Fatalf("kept %q, %+v", again.body, again.validation)
			}
			l.wantServed(1)
		})
		t.Run("PSD-PAY-A402-15 who is cut off gets it from its start, "+method, func(t *testing.T) {
			l := newStreamTill(t, nil)
			handler, write := tap()
			l.handle(handler)
			proof, no := l.buy(method, "/stream", body)
			ctx, hangUp := context.WithCancel(context.Background())
			cut := make(chan error)
			go func() {
				resp, err := l.Client.Do(l.request(method, "/stream", body, l.proven(proof, l.buyer())).WithContext(ctx))
				if err == nil {
					_, err = io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
				cut <- err
			}()
			write <- "one "
			// Two come again while it is made: both get all of it.
			second, third := l.open(method, "/stream", body, proof), l.open(method, "/stream", body, proof)
			l.wantStarted(second)
			hangUp()
			if err := <-cut; !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			l.wantRead(second.Body, "one ")
			write <- "two "
			l.wantRead(second.Body, "two ")
			if s := l.state(no); s != merchant.Claimed {
				t.Fatalf("state %s before the end", s)
			}
			close(write)
			l.wantEnd(second.Body)
			l.wantRead(third.Body, "one two ")
			l.wantEnd(third.Body)
			if got := l.do(l.request(method, "/stream", body, l.proven(proof, l.buyer()))); got.body != "one two " {
				t.Fatalf("kept %q", got.body)
			}
			l.wantServed(1)
		})
	}
	t.Run("PSD-PAY-A402-08 a stream is not followed with the proof of another purchase", func(t *testing.T) {
		l := newStreamTill(t, nil)
		handler, write := tap()
		l.handle(handler)
		proof, _ := l.buy("GET", "/stream?a", "")
		first := make(chan *http.Response)
		go func() { first <- l.open("GET", "/stream?a", "", proof) }()
		write <- "secret"
		<-first
		l.do(l.request("GET", "/stream?a", "")).want(t, http.StatusPaymentRequired, "", "")
		l.do(l.request("GET", "/stream?b", "", l.proven(proof, l.buyer()))).want(t, http.StatusPaymentRequired, payment.ValidationInvalid, payment.DeliveryNotStarted)
		close(write)
	})
}

func TestStreamOfLittleIsKeptFirst(t *testing.T) {
	l := newStreamTill(t, nil)
	proof, _ := l.buy("GET", "/stream", "")
	got := l.do(l.request("GET", "/stream", "", l.proven(proof, l.buyer())))
	got.want(t, http.StatusOK, payment.ValidationValid, payment.DeliveryDelivered)
	if got.body != answerText {
		t.Fatal(got.body)
	}
}

// TestStreamBuyerReadsSlowly: a buyer who takes nothing holds nobody up.
func TestStreamBuyerReadsSlowly(t *testing.T) {
	const size = 24 << 20 // more than the sockets hold
	l := newStreamTill(t, func(c *merchant.Config) { c.MaxAnswer = size })
	chunk := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	l.handle(func(w http.ResponseWriter, r *http.Request) {
		for range size / len(chunk) {
			if _, err := w.Write(chunk); err != nil {
				t.Error(err)
			}
		}
	})
	proof, no := l.buy("GET", "/stream", "")
	resp := l.open("GET", "/stream", "", proof)
	l.wantStarted(resp)
	for l.state(no) == merchant.Claimed {
		time.Sleep(time.Millisecond)
	}
	if s := l.state(no); s != merchant.Delivered && s != merchant.Confirmed {
		t.Fatalf("state %s", s)
	}
	if got, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(got, bytes.Repeat(chunk, size/len(chunk))) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
}

func TestStreamFails(t *testing.T) {
	begin := func(w http.ResponseWriter) {
		_, _ = io.WriteString(w, "the beginning")
		w.(http.Flusher).Flush()
	}
	panics := func(w http.ResponseWriter, r *http.Request) {
		begin(w)
		panic("a bug in the handler")
	}
	endless := func(w http.ResponseWriter, r *http.Request) {
		begin(w)
		for chunk := bytes.Repeat([]byte("x"), 1<<16); ; {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}
	for name, bad := range map[string]http.HandlerFunc{"a panic": panics, "too much": endless} {
		t.Run("the buyer sees that "+name+" cut it short, and a safe method tries again", func(t *testing.T) {
			l := newStreamTill(t, nil)
			l.handle(bad)
			proof, _ := l.buy("GET", "/stream", "")
			resp := l.open("GET", "/stream", "", proof)
			l.wantStarted(resp)
			if got, err := io.ReadAll(resp.Body); err == nil || !strings.HasPrefix(string(got), "the beginning") || len(got) > 1<<20 {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
			l.handle(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, answerText) })
			l.do(l.request("GET", "/stream", "", l.proven(proof, l.buyer()))).want(t, http.StatusOK, payment.ValidationValid, payment.DeliveryDelivered)
		})
		t.Run("PSD-PAY-A402-15 an unsafe method is unknown after "+name, func(t *testing.T) {
			l := newStreamTill(t, nil)
			l.handle(bad)
			proof, no := l.buy("POST", "/stream", "{}")
			if _, err := io.ReadAll(l.open("POST", "/stream", "{}", proof).Body); err == nil {
				t.Fatal("nothing shows that it is not the whole")
			}
			l.handle(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, answerText) })
			l.do(l.request("POST", "/stream", "{}", l.proven(proof, l.buyer()))).want(t, http.StatusServiceUnavailable, payment.ValidationValid, payment.DeliveryUnknown)
			must(t, l.Shop.Reopen(context.Background(), no))
			l.do(l.request("POST", "/stream", "{}", l.proven(proof, l.buyer()))).want(t, http.StatusOK, payment.ValidationValid, payment.DeliveryDelivered)
			l.wantServed(2)
		})
	}
	t.Run("an error is not streamed", func(t *testing.T) {
		l := newStreamTill(t, nil)
		l.handle(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			begin(w)
		})
		proof, _ := l.buy("GET", "/stream", "")
		l.do(l.request("GET", "/stream", "", l.proven(proof, l.buyer()))).want(t, http.StatusBadGateway, payment.ValidationValid, payment.DeliveryFailed)
	})
	t.Run("PSD-PAY-A402-15 what fails while others follow is cut short for all", func(t *testing.T) {
		l := newStreamTill(t, nil)
		ready, fail := make(chan struct{}), make(chan struct{})
		l.handle(func(w http.ResponseWriter, r *http.Request) {
			begin(w)
			close(ready)
			<-fail
			panic("a bug in the handler")
		})
		proof, _ := l.buy("GET", "/stream", "")
		var wg sync.WaitGroup
		for i := range 5 {
			if i == 1 {
				<-ready
			}
			resp := make(chan *http.Response)
			go func() { resp <- l.open("GET", "/stream", "", proof) }()
			r := <-resp
			wg.Go(func() {
				if got, err := io.ReadAll(r.Body); err == nil || string(got) != "the beginning" {
					t.Errorf("%q, %v", got, err)
				}
			})
		}
		close(fail)
		wg.Wait()
		l.wantServed(1)
	})
}

// TestStreamNotKept: what could not be kept has been handed over, and nobody is
// told more than is known.
func TestStreamNotKept(t *testing.T) {
	var store *faultyOrders
	l := newStreamTill(t, func(c *merchant.Config) {
		store = &faultyOrders{OrderStore: c.Orders}
		c.Orders = store
	})
	store.fail("Deliver", before, before, before)
	proof, no := l.buy("GET", "/stream", "")
	got := l.do(l.request("GET", "/stream", "", l.proven(proof, l.buyer())))
	got.want(t, http.StatusOK, payment.ValidationValid, payment.DeliveryDelivered)
	if s := l.state(no); s != merchant.Claimed {
		t.Fatalf("state %s", s)
	}
}

// TestStreamOddities: what a handler or a writer around the paywall may do.
func TestStreamOddities(t *testing.T) {
	t.Run("a status without a body", func(t *testing.T) {
		l := newStreamTill(t, nil)
		l.handle(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusNoContent)
			if _, err := w.Write(make([]byte, 8<<10)); err != http.ErrBodyNotAllowed {
				t.Errorf("got %v", err)
			}
			w.(http.Flusher).Flush()
		})
		proof, _ := l.buy("POST", "/stream", "{}")
		for range 2 {
			if resp := l.open("POST", "/stream", "{}", proof); resp.StatusCode != http.StatusNoContent {
				t.Fatal(resp.Status)
			}
		}
		l.wantServed(1)
	})
	t.Run("no status at all", func(t *testing.T) {
		l := newStreamTill(t, nil)
		l.handle(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(1000) })
		proof, _ := l.buy("GET", "/stream", "")
		if resp, err := l.Client.Do(l.request("GET", "/stream", "", l.proven(proof, l.buyer()))); err == nil {
			t.Fatal(resp.Status)
		}
		l.handle(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, answerText) })
		l.do(l.request("GET", "/stream", "", l.proven(proof, l.buyer()))).want(t, http.StatusOK, payment.ValidationValid, payment.DeliveryDelivered)
	})
	t.Run("a writer that panics does so where the server sees it", func(t *testing.T) {
		l := newStreamTill(t, nil)
		l.handle(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(make([]byte, 8<<10)) })
		wall := l.Shop.Paywall(merchant.Offer{Resource: "odd", Category: "data/feed", Price: acttest.CNY(t, "1.00"), Stream: true},
			http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*l.handler.Load())(w, r) }))
		panics := make(chan any, 8)
		l.Serve("/odd", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get(payment.HeaderProof) == "" {
				wall.ServeHTTP(w, r)
				return
			}
			defer func() { panics <- recover() }()
			wall.ServeHTTP(panicky{w}, r)
		}))
		proof, no := l.buy("GET", "/odd", "")
		l.do(l.request("GET", "/odd", "", l.proven(proof, l.buyer())))
		if p := <-panics; p != "the writer" {
			t.Fatalf("recovered %v", p)
		}
		if s := l.state(no); s != merchant.Delivered && s != merchant.Confirmed {
			t.Fatalf("state %s: what was made is kept", s)
		}
	})
	t.Run("PSD-PAY-A402-15 an offer's own lease", func(t *testing.T) {
		l := newStreamTill(t, nil) // a minute, where the shop has 30 seconds
		handler, write := tap()
		l.handle(handler)
		proof, no := l.buy("POST", "/stream", "{}")
		first := make(chan *http.Response)
		go func() { first <- l.open("POST", "/stream", "{}", proof) }()
		write <- "one "
		<-first
		l.Clock.Advance(45 * time.Second)
		again := l.open("POST", "/stream", "{}", proof)
		l.wantStarted(again)
		if s := l.state(no); s != merchant.Claimed {
			t.Fatalf("state %s", s)
		}
		close(write)
		l.wantRead(again.Body, "one ")
		l.wantServed(1)
	})
}

// panicky is a writer that cannot be written to.
type panicky struct{ http.ResponseWriter }

func (panicky) Write([]byte) (int, error) { panic("the writer") }
