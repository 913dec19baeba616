package merchant_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/psp"
	"github.com/actprotocol/act-go/verifier"
)

// A paywall in front of a handler, with everything that a shop needs.
func ExampleShop_Paywall() {
	// The shop's key. A real one comes from key management.
	private, err := keys.Generate(keys.EdDSA)
	check(err)
	signer, err := keys.NewSigner("did:act:shop.example/reports#seller-1", keys.Seller, private)
	check(err)

	// Whom it believes: keys come from DID documents.
	keySource := verifier.NewResolver(verifier.ResolverConfig{})
	status, err := verifier.NewStatusClient(verifier.StatusConfig{Keys: keySource})
	check(err)
	v, err := verifier.New(verifier.Config{
		Issuers: verifier.SelfIssued{}, Keys: keySource, Status: status, Replay: verifier.NewMemoryReplay(0, nil),
	})
	check(err)
	provider, err := psp.New(psp.Config{
		ID: "did:act:psp.example/pay", Endpoint: "https://psp.example/act", Signer: signer, Verifier: v, HTTP: http.DefaultClient,
	})
	check(err)
	billKey := make([]byte, 32) // a real one is kept across restarts
	rand.Read(billKey)

	shop, err := merchant.New(merchant.Config{
		Signer: signer, Verifier: v, PSP: provider, Orders: new(merchant.MemoryOrders),
		Method: "urn:act:payment:example-wallet", Origin: "https://shop.example", BillKey: billKey,
	})
	check(err)
	defer shop.Close(context.Background())

	report := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "the report") })
	mux := http.NewServeMux()
	mux.Handle("GET /report", shop.Paywall(merchant.Offer{Resource: "report-7", Category: "data/report", Price: money.MustParse("2.50", "CNY")}, report))

	// Somebody comes without having paid.
	rec := httptest.NewRecorder()
	mux.ServeHTTP(rec, httptest.NewRequest("GET", "/report", nil))
	bill, err := payment.ParseBill(rec.Header().Get(payment.HeaderNeeded))
	check(err)
	fmt.Println(rec.Code, bill.Bill.Amount, bill.Bill.Amount.Currency(), "for", bill.Bill.ResourceID, "by", bill.Bill.MethodID)
	// Output: 402 2.50 CNY for report-7 by act:payment/example-wallet
}

// What is below 500 is charged, "not found" too. So look up before the paywall
// what may not be there: a request for it costs nothing. What only the paid work
// can find out answers 500 or above: nothing was delivered, and the proof of having
// paid for a GET stays good for another try.
func ExampleOffer() {
	acttest.Run(func(t acttest.TB) {
		world := acttest.NewWorld(t)
		world.Grant(t, nil)
		reports := map[string]string{"june": "rain", "july": "sun"}
		paid := world.Shop.Paywall(merchant.Offer{Resource: "report", Category: "data/report", Price: acttest.CNY(t, "2.50")},
			http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				text, ok := reports[r.PathValue("month")]
				if !ok { // gone since the bill was made
					http.Error(w, "try again", http.StatusServiceUnavailable)
					return
				}
				fmt.Fprint(w, text)
			}))
		world.Serve("GET /reports/{month}", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			// Who shows a proof has paid already, and belongs to the paywall.
			if _, ok := reports[r.PathValue("month")]; !ok && r.Header.Get(payment.HeaderProof) == "" {
				http.NotFound(w, r)
				return
			}
			paid.ServeHTTP(w, r)
		}))
		for _, month := range []string{"may", "june"} {
			resp, err := world.Buying().Get(world.URL + "/reports/" + month)
			check(err)
			resp.Body.Close()
			trades, _ := world.PSP.Trades()
			fmt.Println(month, resp.StatusCode, "payments:", trades)
		}
	})
	// Output:
	// may 404 payments: 0
	// june 200 payments: 1
}

// An answer that is sent while it is made, and kept all the same.
func ExampleOffer_stream() {
	acttest.Run(func(t acttest.TB) {
		world := acttest.NewWorld(t)
		world.Grant(t, nil)
		world.Sell("GET /answer", merchant.Offer{
			Resource: "answer", Category: "compute", Price: acttest.CNY(t, "0.20"), Stream: true, Lease: 5 * time.Minute,
		}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for _, word := range []string{"forty", "-", "two"} {
				_, _ = io.WriteString(w, word)
				_ = http.NewResponseController(w).Flush()
			}
		}))
		resp, err := world.Buying().Get(world.URL + "/answer")
		check(err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		check(err)
		validation, err := payment.ParseValidation(resp.Header.Get(payment.HeaderValidation))
		check(err)
		fmt.Println(string(body), validation.Validation.Delivery)
	})
	// Output: forty-two STARTED
}

// A user's own handler under test: acttest stands for everybody else.
func ExamplePurchaseFrom() {
	acttest.Run(func(t acttest.TB) {
		world := acttest.NewWorld(t)
		world.Grant(t, nil)
		world.Sell("POST /jobs", merchant.Offer{Resource: "job", Category: "compute", Price: acttest.CNY(t, "9.00")},
			http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				p, _ := merchant.PurchaseFrom(r.Context())
				fmt.Fprintf(w, "%s paid %s", p.Buyer, p.Amount)
			}))
		resp, err := world.Buying().Post(world.URL+"/jobs", "text/plain", nil)
		check(err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		check(err)
		fmt.Println(string(body))
	})
	// Output: did:act:agents.test/buyer paid 9.00
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
