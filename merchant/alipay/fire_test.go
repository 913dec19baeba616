package alipay_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/merchant/alipay"
	"github.com/actprotocol/act-go/merchant/alipay/alipaytest"
	"github.com/actprotocol/act-go/protocol/payment"
)

// TestUnderFire has many buyers at two processes of one shop, while the gateway
// loses every third call or answer. Each buyer shows its proof everywhere, again
// and again and all at once. Each gets what it paid for, and every job is done
// once: the product has no call that uses a proof up, so that this is the work
// of the store that the processes share.
func TestUnderFire(t *testing.T) {
	p := newPlace(t, nil)
	var worked sync.Map // body of the job -> how often
	job := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		n, _ := worked.LoadOrStore(string(body), new(atomic.Int32))
		fmt.Fprintf(w, "%s done %d", body, n.(*atomic.Int32).Add(1))
	})
	var servers []*httptest.Server
	for range 2 {
		shop := newShop(t, "https://shop.test", p.orders, p.clock.Now, func(c *merchant.Config) { c.Rail, c.InsecureBearerProofs = p.rail, true })
		server := httptest.NewServer(shop.Paywall(merchant.Offer{Resource: resource, Category: "jobs", Price: price(t, "2.50")}, job))
		t.Cleanup(server.Close)
		servers = append(servers, server)
	}
	var calls atomic.Int32
	p.double.Misbehave(func(a *alipaytest.Answer) {
		switch n := calls.Add(1); {
		case n%9 == 0:
			a.Cut = true
		case n%9 == 3:
			a.Signature = ""
		case n%9 == 6:
			a.Node, a.Resign = []byte(`{"code":"20000","msg":"Service Currently Unavailable","sub_code":"isp.unknow-error"}`), true
		}
	})
	post := func(i int, body, proof string) (int, string, string) {
		q, err := http.NewRequestWithContext(ctx, "POST", servers[i%2].URL+"/jobs", strings.NewReader(body))
		if err != nil {
			return 0, err.Error(), ""
		}
		if proof != "" {
			q.Header.Set(payment.HeaderProof, proof)
		}
		r, err := http.DefaultClient.Do(q)
		if err != nil {
			return 0, err.Error(), ""
		}
		defer r.Body.Close()
		text, _ := io.ReadAll(r.Body)
		return r.StatusCode, string(text), r.Header.Get(payment.HeaderNeeded)
	}
	const buyers, copies = 25, 4
	var wg sync.WaitGroup
	for b := range buyers {
		body := fmt.Sprintf("job %d", b)
		_, _, needed := post(b, body, "")
		proof, err := p.double.Pay(needed)
		must(t, err)
		for c := range copies {
			wg.Go(func() {
				for try := range 200 {
					status, text, bill := post(c+try, body, proof)
					switch {
					case status == 200 && text == body+" done 1":
						return
					case status == 503 && bill == "":
						time.Sleep(5 * time.Millisecond)
					default:
						t.Errorf("PSD-PAY-A402-15: %d %s", status, text)
						return
					}
				}
				t.Errorf("%s was paid for and never delivered", body)
			})
		}
	}
	wg.Wait()
	p.double.Misbehave(nil)
	for b := range buyers {
		if n, ok := worked.Load(fmt.Sprintf("job %d", b)); !ok || n.(*atomic.Int32).Load() != 1 {
			t.Errorf("PSD-PAY-A402-15: job %d was not done once", b)
		}
	}
}

// TestStrangersWithoutMoney send what is no proof.
func TestStrangersWithoutMoney(t *testing.T) {
	p := newPlace(t, nil)
	p.work = func(http.ResponseWriter, *http.Request) { t.Error("delivered") }
	good := parse(t, p.paid(t, "GET", "/report", ""))
	for name, header := range map[string]string{
		"no base64":               "{}",
		"an ACT proof's members":  encoded(`{"protocol":{"method_id":"act:payment/x","payment_proof":"p"},"method":{}}`),
		"nothing inside":          encoded(`{"protocol":{},"method":{}}`),
		"the number of a trade":   encoded(`{"protocol":{"payment_proof":"p","trade_no":"` + good.TradeNo + `"},"method":{"client_session":"s"}}`),
		"a proof and another's":   encoded(`{"protocol":{"payment_proof":"` + good.PaymentProof + `","trade_no":"` + good.TradeNo + `"},"method":{"client_session":"x"}}`),
		"a bill in place of it":   p.bill(t, "GET", "/report", ""),
		"more than a header has":  strings.Repeat("A", 20000),
		"a proof without session": encoded(`{"protocol":{"payment_proof":"` + good.PaymentProof + `","trade_no":"` + good.TradeNo + `"},"method":{}}`),
	} {
		t.Run("PSD-PAY-A402-09 "+name, func(t *testing.T) {
			r, body := p.send(t, "GET", "/report", "", header)
			if r.StatusCode != 402 || r.Header.Get(payment.HeaderNeeded) == "" {
				t.Fatalf("%d %s", r.StatusCode, body)
			}
			if strings.Contains(body, good.PaymentProof) || strings.Contains(body, good.TradeNo) {
				t.Fatal("PRV-04: the answer repeats the proof")
			}
		})
	}
	if n := p.double.Calls(verify); n > 3 {
		t.Errorf("%d calls for what has not the form of a proof", n)
	}
	t.Run("PSD-PAY-A402-23 a trade that nobody knows", func(t *testing.T) {
		header, err := alipay.Proof{PaymentProof: "p", TradeNo: "2026", ClientSession: "s"}.EncodeHeader()
		must(t, err)
		if r, _ := p.send(t, "GET", "/report", "", header); r.StatusCode != 503 || r.Header.Get(payment.HeaderNeeded) != "" {
			t.Fatalf("%d", r.StatusCode)
		}
	})
}
