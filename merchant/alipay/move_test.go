package alipay_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/merchant/alipay"
	"github.com/actprotocol/act-go/merchant/alipay/alipaytest"
	"github.com/actprotocol/act-go/protocol/payment"
)

// TestTheSameShopOnEitherRail runs one shop, the same code and the same
// expectations, behind the provider of SPEC.md 6 and behind Alipay. Only the
// configuration differs, and who buys.
func TestTheSameShopOnEitherRail(t *testing.T) {
	double := alipaytest.NewGatewayWith(t, platformKey(), acttest.NewClock(acttest.Start).Now)
	double.Register(appID, sellerID, &appKey().PublicKey)
	for _, rail := range []string{"act", "alipay"} {
		t.Run(rail, func(t *testing.T) {
			world := acttest.NewWorldWith(t, acttest.Options{Merchant: func(c *merchant.Config) {
				must(t, Settings{
					Rail: rail, PSP: c.PSP, Method: acttest.Method, Gateway: double.Server.URL + alipaytest.Path,
					AppID: appID, SellerID: sellerID, AppKey: []byte(block("PRIVATE KEY", pkcs8(t, appKey()))),
					Platform: []byte(block("PUBLIC KEY", pkix(t, double.PublicKey()))),
					Services: map[string]alipay.Service{"job": {ID: serviceID, Name: "a job"}},
				}.Apply(c, double.Server.Client()))
			}})
			world.Grant(t, nil)
			var worked atomic.Int32
			world.Sell("POST /jobs", merchant.Offer{Resource: "job", Category: "compute", Price: acttest.CNY(t, "9.00")},
				http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					p, ok := merchant.PurchaseFrom(r.Context())
					body, _ := io.ReadAll(r.Body)
					if !ok || p.Amount != acttest.CNY(t, "9.00") || p.TradeNo == "" || r.Header.Get(payment.HeaderProof) != "" {
						t.Errorf("the handler sees %+v", p)
					}
					fmt.Fprintf(w, "job %d: %s", worked.Add(1), body)
				}))

			buy := world.Buying()
			if rail == "alipay" {
				buy = &http.Client{Transport: shopper{world.Client.Transport, double}}
			}
			for i := range 2 {
				answer, err := buy.Post(world.URL+"/jobs", "text/plain", strings.NewReader("sum"))
				must(t, err)
				body, err := io.ReadAll(answer.Body)
				must(t, err)
				must(t, answer.Body.Close())
				if want := fmt.Sprintf("job %d: sum", i+1); answer.StatusCode != 200 || string(body) != want {
					t.Fatalf("%d %q, want %q", answer.StatusCode, body, want)
				}
			}
			must(t, world.Shop.Flush(ctx))
			list, err := world.Orders.Unconfirmed(ctx, 10)
			must(t, err)
			if len(list) != 0 || worked.Load() != 2 {
				t.Fatalf("PSD-PAY-A402-10: %d left to confirm, worked %d times", len(list), worked.Load())
			}
			answer, err := world.Client.Post(world.URL+"/jobs", "text/plain", strings.NewReader("sum"))
			must(t, err)
			must(t, answer.Body.Close())
			if answer.StatusCode != http.StatusPaymentRequired || worked.Load() != 2 {
				t.Fatalf("PSD-PAY-A402-02: %d without paying", answer.StatusCode)
			}
		})
	}
}

// A shopper pays bills as the product's tool for buyers does: it takes 402 to
// Alipay and repeats the request with the proof.
type shopper struct {
	base   http.RoundTripper
	alipay *alipaytest.Gateway
}

func (s shopper) RoundTrip(q *http.Request) (*http.Response, error) {
	answer, err := s.base.RoundTrip(q)
	if err != nil || answer.StatusCode != http.StatusPaymentRequired {
		return answer, err
	}
	answer.Body.Close()
	proof, err := s.alipay.Pay(answer.Header.Get(payment.HeaderNeeded))
	if err != nil {
		return nil, err
	}
	q = q.Clone(q.Context())
	q.Header.Set(payment.HeaderProof, proof)
	if q.GetBody != nil {
		if q.Body, err = q.GetBody(); err != nil {
			return nil, err
		}
	}
	return s.base.RoundTrip(q)
}
