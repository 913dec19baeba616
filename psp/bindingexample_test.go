package psp_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/psp"
)

// An agent that has no payment token asks for one. Its principal decides at the
// provider's page, and may lower the limits; the agent asks again, with the same
// request, and gets the token. The provider and the principal are doubles here.
func ExampleClient_Bind() {
	acttest.Run(func(t acttest.TB) {
		w := acttest.NewWorld(t)
		provider, err := psp.New(psp.Config{
			ID: acttest.PSPDID, Endpoint: w.PSP.Server.URL, Signer: w.Buyer.Signer(keys.AgentRequest), Verifier: w.NewVerifier(t), HTTP: w.PSP.Server.Client(), Now: w.Clock.Now,
		})
		check(err)
		request := payment.BindingRequest{RequestID: "binding-1", PrincipalID: acttest.PrincipalDID, Terms: payment.BindingTerms{
			Instrument: payment.BindPaymentToken, Currency: acttest.CNY(t, "40.00").Currency(), Ceiling: acttest.CNY(t, "40.00"), ValidUntil: w.Clock.Now().Add(24 * time.Hour),
		}}
		_, err = provider.Bind(context.Background(), request, nil)
		var waits *payment.AwaitsBinding
		if !errors.As(err, &waits) {
			check(err)
		}
		fmt.Println("please decide at the provider's page")
		check(w.PSP.AcceptBinding(waits.Pending.BindingURL, func(b *payment.BindingTerms) { b.Ceiling = acttest.CNY(t, "25.00") }))

		bound, err := provider.Bind(context.Background(), request, nil)
		check(err)
		fmt.Println("a token:", bound.PaymentToken != "", "for at most", bound.Terms.Ceiling, bound.Terms.Currency)
	})
	// Output:
	// please decide at the provider's page
	// a token: true for at most 25.00 CNY
}
