package psp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/actprotocol/act-go/keyfile"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/psp"
	"github.com/actprotocol/act-go/verifier"
)

// A seller's client of a provider, from a key in a file on: with an agent's key
// it would Pay and Query, with a seller's it uses proofs and confirms
// deliveries. Packages agent and merchant make these calls; a program needs them
// itself only when it does without those.
func ExampleNew() {
	key, err := keyfile.Read("shop.key", []byte(os.Getenv("SHOP_KEY_PASSWORD")))
	check(err)
	signer, err := key.Signer() // of purpose seller
	check(err)

	// The provider's answers are signed, by a key in its DID document.
	resolver := verifier.NewResolver(verifier.ResolverConfig{})
	status, err := verifier.NewStatusClient(verifier.StatusConfig{Keys: resolver})
	check(err)
	v, err := verifier.New(verifier.Config{
		Issuers: verifier.SelfIssued{}, // not asked here: the provider judges mandates
		Keys:    resolver, Status: status, Replay: verifier.NewMemoryReplay(0, nil),
	})
	check(err)

	provider, err := psp.New(psp.Config{
		ID: "did:act:psp.example/pay", Endpoint: "https://psp.example/act",
		Signer: signer, Verifier: v, HTTP: http.DefaultClient,
	})
	check(err)

	used, err := provider.Consume(context.Background(), os.Getenv("PAYMENT_PROOF"), "order-1")
	check(err)
	fmt.Println("paid:", used.Amount, used.Amount.Currency(), "for order", used.OutTradeNo)
}

// An instant payment: the principal is sent to the provider's cashier, and the
// agent asks until it is paid or refused. No clock of the agent's ends the
// waiting: the provider judges what is too late.
func ExampleClient_Query_instant() {
	pay := func(ctx context.Context, provider *psp.Client, q payment.Request) (payment.Result, error) {
		result, err := provider.Pay(ctx, q) // q.Scenario is payment.ScenarioINS
		var waits *payment.AwaitsConfirmation
		for told := false; errors.As(err, &waits); result, err = provider.Query(ctx, q) {
			if !told {
				fmt.Println("please confirm at", waits.Pending.CashierURL)
				told = true
			}
			select {
			case <-ctx.Done():
				return payment.Result{}, err // still waiting: ask again later
			case <-time.After(time.Second):
			}
		}
		return result, err
	}
	_ = pay
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// A merchant gives money back. The request's id is made and kept before the
// first call, so that after a crash or a lost answer the same call is made
// again, and the money goes back once.
func ExampleClient_Refund() {
	giveBack := func(ctx context.Context, provider *psp.Client, order string, amount money.Amount, id string) error {
		for {
			made, err := provider.Refund(ctx, payment.RefundRequest{
				RequestID: id, MerchantOrderID: order, Amount: amount, Reason: payment.RefundReturned,
			})
			if err == nil {
				fmt.Println("given back:", made.Amount, "of order", made.MerchantOrderID, "in all", made.RefundedTotal)
				return nil
			}
			var refused *payment.RefundRefusal
			if errors.As(err, &refused) {
				return err // nothing went back under this id, and nothing will
			}
			if !errors.Is(err, protocol.ErrUndetermined) {
				return err // of this message; what an earlier one did, Trade tells
			}
			select {
			case <-ctx.Done():
				return err // nobody knows: call again with the same id
			case <-time.After(time.Second):
			}
		}
	}
	_ = giveBack
}
