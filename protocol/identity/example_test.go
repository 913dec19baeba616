package identity_test

import (
	"fmt"
	"time"

	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A shop publishes its keys. Who wants to check an order fetches the document
// and asks it for the key, with the purpose and the time that matter.
func ExampleDocument_Key() {
	private, err := keys.Generate(keys.EdDSA)
	if err != nil {
		fmt.Println(err)
		return
	}
	public, err := keys.NewPublicKey(private.Public())
	if err != nil {
		fmt.Println(err)
		return
	}
	shop, err := identity.NewActDID("shop.example", "coffee")
	if err != nil {
		fmt.Println(err)
		return
	}
	document := &identity.Document{ID: shop, Keys: []identity.Key{{
		ID:       shop.String() + "#orders-1",
		Public:   public,
		Purpose:  keys.Seller,
		NotAfter: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC),
	}}}
	published, err := document.Encode()
	if err != nil {
		fmt.Println(err)
		return
	}

	url, err := shop.DocumentURL()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(url)
	fetched, err := identity.DecodeDocument(published, shop)
	if err != nil {
		fmt.Println(err)
		return
	}
	id := shop.String() + "#orders-1"
	june, july := time.Date(2026, 6, 15, 0, 0, 0, 0, time.UTC), time.Date(2026, 7, 15, 0, 0, 0, 0, time.UTC)
	_, err = fetched.Key(id, keys.Seller, june)
	fmt.Println(err)
	_, err = fetched.Key(id, keys.Seller, july)
	fmt.Println(err)
	_, err = fetched.Key(id, keys.Proof, june)
	fmt.Println(err)
	// Output:
	// https://shop.example/.well-known/act/coffee/did.json
	// <nil>
	// act: key_not_valid: key_id: after the period of the key (IDN-02)
	// act: key_purpose: key_id: the key is declared for another purpose (ADD-IAC-ISS-12)
}

func ExampleParseDID() {
	did, err := identity.ParseDID("did:act:localhost%3A8443/shop")
	fmt.Println(did.Host(), err)
	_, err = identity.ParseDID("did:act:169.254.169.254/latest")
	fmt.Println(err)
	// Output:
	// localhost:8443 <nil>
	// act: field_invalid: a lower-case host name, with %3A before a port (IDN-02)
}
