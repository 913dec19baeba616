package agent_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/keyfile"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/psp"
	"github.com/actprotocol/act-go/verifier"
)

// From a key in a file to an http.Client that pays, with nothing left out. The
// key's document has to be published where its DID leads to (identity.Handler),
// the mandate comes from the principal's issuer, and the payment token from the
// provider, where the principal has bound this agent.
func ExampleNew() {
	key, err := keyfile.Read("agent.key", []byte(os.Getenv("AGENT_KEY_PASSWORD")))
	check(err)
	signer, err := key.Signer() // for did:act:agents.example/shopper#requests-1
	check(err)

	// Whom the agent believes: keys come from DID documents, the state of a
	// mandate from its issuer's status list.
	resolver := verifier.NewResolver(verifier.ResolverConfig{})
	status, err := verifier.NewStatusClient(verifier.StatusConfig{Keys: resolver})
	check(err)
	v, err := verifier.New(verifier.Config{
		Issuers: verifier.IssuerMap{"did:act:issuer.example/mandates": {"did:act:home.example/alice"}},
		Keys:    resolver, Status: status, Replay: verifier.NewMemoryReplay(0, nil),
	})
	check(err)

	// Who moves the money.
	provider, err := psp.New(psp.Config{
		ID: "did:act:psp.example/pay", Endpoint: "https://psp.example/act",
		Signer: signer, Verifier: v, HTTP: http.DefaultClient,
	})
	check(err)

	// What the principal allows.
	mandate, err := os.ReadFile("mandate.jwt")
	check(err)
	wallet := agent.NewWallet(signer)
	held, err := wallet.Add(mandate)
	check(err)
	fmt.Println("may spend", held.Bounds().Total(), held.Bounds().Currency())

	buyer, err := agent.New(agent.Config{
		Signer: signer, Wallet: wallet, Verifier: v,
		Spent: new(agent.MemorySpend), // a durable SpendStore, if it must survive a crash
		Instruments: []agent.Instrument{
			{PSP: provider, Method: "urn:act:payment:example-wallet", Token: os.Getenv("PAYMENT_TOKEN")},
		},
	})
	check(err)

	client := &http.Client{Transport: buyer.Transport(nil)}
	resp, err := client.Get("https://shop.example/report")
	var open *agent.Unresolved
	var refused *protocol.Error
	switch {
	case errors.As(err, &open):
		fmt.Println("not known before", open.FinalAfter)
	case errors.As(err, &refused):
		fmt.Println("refused:", refused)
	case err != nil:
		check(err)
	default:
		defer resp.Body.Close()
		_, err := io.Copy(os.Stdout, resp.Body)
		check(err)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// An http.Client that pays for what answers 402, until its budget is used up.
func ExampleAgent_Transport() {
	acttest.Run(func(t acttest.TB) {
		world := acttest.NewWorld(t) // an agent, a shop and a provider
		world.Sell("GET /report", merchant.Offer{Resource: "report-7", Category: "data/report", Price: acttest.CNY(t, "4.00")},
			http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "all is well") }))
		world.Grant(t, func(isr *delegation.ISR) { isr.MaxTotalAmount = "10" })

		client := &http.Client{Transport: world.Agent.Transport(world.Client.Transport)}
		for range 3 {
			resp, err := client.Get(world.URL + "/report")
			var refused *protocol.Error
			if errors.As(err, &refused) {
				fmt.Println("refused:", refused.Code)
				continue
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			fmt.Println(resp.StatusCode, string(body))
		}
	})
	// Output:
	// 200 all is well
	// 200 all is well
	// refused: total_limit_exceeded
}

// The agent's own check explains itself.
func ExampleAgent_Check() {
	acttest.Run(func(t acttest.TB) {
		world := acttest.NewWorld(t)
		world.Grant(t, func(isr *delegation.ISR) {
			isr.Ext = &delegation.Ext{Commerce: &delegation.Commerce{MaxSingleAmount: "5", AllowedMerchants: []string{"did:act:shop.test/books"}}}
		})
		_, decision := world.Agent.Check(ctx, delegation.Purchase{
			Amount: acttest.CNY(t, "4.00"), Merchant: acttest.ShopDID, Categories: []string{"food"}, DeliverBy: acttest.Start,
		})
		fmt.Println(decision.Outcome())
		for _, c := range decision.Failed() {
			fmt.Println(c)
		}
	})
	// Output:
	// denied
	// merchant: merchant_not_allowed: ext.commerce.allowed_merchants: merchant not allowed (PSD-PAY-DEL-01)
}
