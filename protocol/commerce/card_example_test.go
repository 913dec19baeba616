package commerce_test

import (
	"fmt"

	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A card that an A2A library made is signed as it is.
func ExampleSignAgentCard() {
	key, err := keys.Generate(keys.EdDSA)
	if err != nil {
		panic(err)
	}
	shop, err := keys.NewSigner("did:act:shop.example/coffee#k1", keys.Seller, key)
	if err != nil {
		panic(err)
	}
	signed, err := commerce.SignAgentCard(shop, []byte(`{
		"protocolVersion": "0.3.0", "name": "Coffee house", "description": "Coffee to go.", "version": "1",
		"url": "https://shop.example/a2a", "preferredTransport": "JSONRPC", "agent_id": "did:act:shop.example/coffee",
		"capabilities": {"streaming": true, "act:payment:negotiation": {
			"mode": "two-way", "negotiation_endpoint": "https://shop.example/negotiations"}},
		"defaultInputModes": ["text/plain"], "defaultOutputModes": ["text/plain"],
		"skills": [{"id": "order", "name": "Order", "description": "Takes orders.", "tags": ["coffee"]}]
	}`))
	if err != nil {
		panic(err)
	}

	// Whoever reads it finds the key by its id, as package verifier does.
	card, err := commerce.ParseAgentCard(signed)
	if err != nil {
		panic(err)
	}
	fmt.Println(card.KeyID(), card.Verify(shop.Public()))
	fmt.Println(card.Card.Negotiation.Mode, card.Card.Negotiation.URL())
	// Output:
	// did:act:shop.example/coffee#k1 <nil>
	// two-way https://shop.example/negotiations
}

// One spelling is enough to make a statement unusable: an endpoint that differs
// in a slash might be another one.
func ExampleDecodeCapability() {
	_, err := commerce.DecodeCapability([]byte(`{
		"version": "1.0", "role": "payee", "agent_id": "did:act:shop.example/coffee",
		"supported_methods": [{"method_id": "urn:act:payment:balance", "psps": [{
			"psp_id": "did:act:pay.example/psp", "endpoint": "https://pay.example/act/",
			"method_schema_url": "https://pay.example/schema.json"}]}]
	}`))
	fmt.Println(err)
	// Output: act: field_invalid: supported_methods[0].psps[0].endpoint: must be https, lower case, without query, dots, percent signs or a final slash (CID-PCA-NEG-07)
}
