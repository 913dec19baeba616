package sealed_test

import (
	"crypto/ecdh"
	"fmt"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/privacy/sealed"
)

// An agent sends one message: the address is for the shop, the payment token
// for the provider. Each opens its part and sees that there is another.
func Example() {
	agentKey := must(keys.Generate(keys.EdDSA))
	agent := must(keys.NewSigner("did:act:agents.example/buyer#k1", keys.AgentRequest, agentKey))
	shop := must(keys.GenerateDecryption("did:act:shop.example/coffee#e1", ecdh.P256()))
	provider := must(keys.GenerateDecryption("did:act:pay.example/psp#e1", ecdh.X25519()))

	// In life the public halves come from the readers' documents, through
	// identity.Document.EncryptionKey.
	forShop := []identity.EncryptionKey{{ID: shop.KeyID(), Public: shop.Public()}}
	forProvider := []identity.EncryptionKey{{ID: provider.KeyID(), Public: provider.Public()}}

	message := must(sealed.Seal(agent, sealed.Payload{
		ID: "request-7", IssuedAt: time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC),
		Parts: []sealed.Part{
			{Name: "delivery_address", Content: []byte(`"1 Harbour Road"`), Readers: forShop},
			{Name: "instrument", Content: []byte(`{"payment_token":"t-1"}`), Readers: forProvider},
		},
	}))

	for _, reader := range []*keys.DecryptionKey{shop, provider} {
		u := must(sealed.Parse(message))
		// u.KeyID names the agent's key; a verifier.KeySource resolves it.
		m := must(u.Open(agent.Public(), reader))
		for _, p := range m.Parts {
			fmt.Printf("%s reads %s = %s, and %d other\n", reader.DID(), p.Name, p.Content, m.Others)
		}
	}

	stranger := must(keys.GenerateDecryption("did:act:evil.example/m#e1", ecdh.P256()))
	_, err := must(sealed.Parse(message)).Open(agent.Public(), stranger)
	fmt.Println(protocol.CodeOf(err))
	// Output:
	// did:act:shop.example/coffee reads delivery_address = "1 Harbour Road", and 1 other
	// did:act:pay.example/psp reads instrument = {"payment_token":"t-1"}, and 1 other
	// audience_mismatch
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
