package psp_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/actprotocol/act-go/keyfile"
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

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
