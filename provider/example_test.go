package provider_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/provider"
	"github.com/actprotocol/act-go/psp"
	"github.com/actprotocol/act-go/verifier"
)

// A bank has a ledger of its own. This one is in memory, and writes a line for
// each debit; yours implements the whole of provider.Ledger, and shows with
// providertest.Ledger that it keeps the contract.
type bank struct{ *provider.MemoryLedger }

func (b bank) Pay(ctx context.Context, p provider.Payment) (*provider.Trade, error) {
	t, err := b.MemoryLedger.Pay(ctx, p)
	if err == nil && t.Decision.Allowed() { // made now, not an earlier answer
		fmt.Println("debited", t.Amount, "fen")
	}
	return t, err
}

// newProvider puts the protocol in front of a ledger, with risk control and a
// cashier of the bank's.
func newProvider(key *keys.Signer, v *verifier.Verifier, book provider.Ledger, now func() time.Time) (*provider.Provider, error) {
	return provider.New(provider.Config{
		Signer: key, Verifier: v, Ledger: book, Now: now,
		Cashier: func(_ context.Context, t *provider.Trade) (string, error) {
			return "https://cashier.bank.example/" + t.No, nil
		},
		Risk: func(_ context.Context, p *verifier.AuthorizedPayment) error {
			if p.Amount().Minor() > 50_00 {
				return protocol.New(protocol.CodeRiskRefused, "", "", "unusually much")
			}
			return nil
		},
		Decided: func(v provider.Verdict) {
			fmt.Println(v.Decision.Outcome())
			for _, c := range v.Decision.Failed() {
				fmt.Println(c)
			}
		},
	})
}

// A payment service provider with its own ledger, and an agent that buys
// through it.
func Example() {
	acttest.Run(func(t acttest.TB) {
		mux := http.NewServeMux()
		server := httptest.NewTLSServer(mux)
		t.Cleanup(server.Close) // after the shop, which confirms its deliveries
		connect := func(key *keys.Signer, v *verifier.Verifier, now func() time.Time) *psp.Client {
			c, err := psp.New(psp.Config{ID: acttest.PSPDID, Endpoint: server.URL + "/act/v1", Signer: key, Verifier: v, HTTP: server.Client(), Now: now})
			check(err)
			return c
		}
		w := acttest.NewWorldWith(t, acttest.Options{ // a shop and an agent that use this provider
			Merchant: func(c *merchant.Config) { c.PSP = connect(c.Signer, c.Verifier, c.Now) },
			Agent: func(c *agent.Config) {
				c.Instruments = []agent.Instrument{{PSP: connect(c.Signer, c.Verifier, c.Now), Method: acttest.Method, Token: "pt-1"}}
			},
		})

		book := bank{provider.NewMemoryLedger(w.Clock.Now)}
		check(book.OpenPrincipal(acttest.PrincipalDID, "CNY"))
		check(book.Deposit(acttest.PrincipalDID, "CNY", 100_00))
		check(book.OpenMerchant(acttest.ShopDID, "CNY"))
		check(book.BindToken(provider.Token{ID: "pt-1", Principal: acttest.PrincipalDID, Agent: acttest.AgentDID, Currency: "CNY",
			ValidFrom: acttest.Start, ValidUntil: acttest.Start.Add(24 * time.Hour)}))
		p, err := newProvider(w.PSP.Party.Signer(keys.Proof), w.NewVerifier(t), book, w.Clock.Now)
		check(err)
		mux.Handle("/act/v1/", http.StripPrefix("/act/v1", p.Handler()))

		w.Grant(t, nil)
		for path, price := range map[string]string{"/report": "4.00", "/film": "60.00"} {
			w.Sell("GET "+path, merchant.Offer{Resource: path, Category: "data", Price: acttest.CNY(t, price)},
				http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(out, "here it is") }))
		}
		for _, path := range []string{"/report", "/film"} {
			resp, err := w.Buying().Get(w.URL + path)
			if err != nil {
				fmt.Println(protocol.CodeOf(err))
				continue
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			fmt.Println(string(body))
		}
		fmt.Println(book.Balance(acttest.PrincipalDID, "CNY"), "fen left")
	})
	// Output:
	// debited 400 fen
	// allowed
	// here it is
	// denied
	// risk control: risk_refused: refused by the provider's risk control (PSD-PAY-AUP-03)
	// risk_refused
	// 9600 fen left
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
