package alipay_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net/http"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/merchant/alipay"
	"github.com/actprotocol/act-go/merchant/alipay/alipaytest"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

// Settings are what a shop reads from its configuration: which rail, and what
// this one needs.
type Settings struct {
	Rail string // "act" or "alipay"

	PSP    merchant.PSP // for act: a psp.Client, by SPEC.md 6
	Method string

	Gateway  string // for alipay: alipay.ProductionGateway or alipay.SandboxGateway
	AppID    string
	AppKey   []byte // a file of Alipay's key tool
	Platform []byte // the platform's public key, from the console
	SellerID string
	Services map[string]alipay.Service
}

// Apply chooses how the shop is paid. Nothing else in the shop differs.
func (s Settings) Apply(c *merchant.Config, client *http.Client) (err error) {
	if s.Rail == "act" {
		c.PSP, c.Method = s.PSP, s.Method
		return nil
	}
	key, err := alipay.ParsePrivateKey(s.AppKey)
	if err != nil {
		return err
	}
	platform, err := alipay.ParsePublicKey(s.Platform)
	if err != nil {
		return err
	}
	gateway, err := alipay.NewGateway(alipay.GatewayConfig{
		URL: s.Gateway, AppID: s.AppID, Key: key, AlipayKeys: []*rsa.PublicKey{platform}, HTTP: client, Now: c.Now,
	})
	if err != nil {
		return err
	}
	c.Rail, err = alipay.New(alipay.Config{Gateway: gateway, SellerID: s.SellerID, SellerName: "Reports", Services: s.Services})
	c.PSP, c.Method, c.InsecureBearerProofs = nil, "", true // the product's proofs are bearer proofs
	return err
}

// sell is the shop: the same code on either rail.
func sell(w *acttest.World) {
	report := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := merchant.PurchaseFrom(r.Context())
		fmt.Fprintf(w, "the report for %s", p.Amount)
	})
	w.Sell("GET /report", merchant.Offer{Resource: "report-7", Category: "data/report", Price: money.MustParse("2.50", "CNY")}, report)
}

// A merchant moves between its provider and Alipay by its configuration. The
// double stands for Alipay; acttest for everybody else.
func Example() {
	acttest.Run(func(t acttest.TB) {
		clock := acttest.NewClock(acttest.Start)
		double := alipaytest.NewGateway(t, clock.Now)
		key := alipaytest.NewKey(t)
		double.Register("2021000000000001", "2088000000000001", &key.PublicKey)

		for _, rail := range []string{"act", "alipay"} {
			world := acttest.NewWorldWith(t, acttest.Options{Merchant: func(c *merchant.Config) {
				check(Settings{
					Rail: rail, PSP: c.PSP, Method: acttest.Method,
					Gateway: double.Server.URL + alipaytest.Path, AppID: "2021000000000001", SellerID: "2088000000000001",
					AppKey:   []byte(base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PrivateKey(key))),
					Platform: []byte(base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PublicKey(double.PublicKey()))),
					Services: map[string]alipay.Service{"report-7": {ID: "API_1", Name: "Market report"}},
				}.Apply(c, double.Server.Client()))
			}})
			sell(world)

			var answer *http.Response
			var err error
			if rail == "act" { // an agent with a mandate pays by itself
				world.Grant(t, nil)
				answer, err = world.Buying().Get(world.URL + "/report")
				check(err)
			} else { // the product's buyer shows the bill to Alipay and comes back with the proof
				answer, err = world.Client.Get(world.URL + "/report")
				check(err)
				proof, err := double.Pay(answer.Header.Get(payment.HeaderNeeded))
				check(err)
				again, err := http.NewRequest("GET", world.URL+"/report", nil)
				check(err)
				again.Header.Set(payment.HeaderProof, proof)
				answer, err = world.Client.Do(again)
				check(err)
			}
			body, err := io.ReadAll(answer.Body)
			check(err)
			answer.Body.Close()
			fmt.Println(rail, answer.StatusCode, string(body))
		}
	})
	// Output:
	// act 200 the report for 2.50
	// alipay 200 the report for 2.50
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
