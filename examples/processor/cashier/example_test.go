package cashier_test

import (
	"crypto/ed25519"
	"fmt"
	"log"

	"github.com/actprotocol/act-go/examples/processor/cashier"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A phone shows the terms, the person agrees, the phone signs; the cashier
// believes exactly these terms.
func ExampleConfirmation() {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		log.Fatal(err)
	}
	paired, err := keys.NewPublicKey(private.Public()) // registered when phone and principal were paired
	if err != nil {
		log.Fatal(err)
	}
	terms := cashier.Terms{
		PSPID: "did:act:psp.example/psp", TradeNo: "0NRS4JJK5G", Amount: "18.00", Currency: "CNY", Payee: "did:act:shop.example/coffee",
		Method: "urn:act:payment:balance", Expires: "2030-01-01T09:10:00Z",
	}
	signed, err := cashier.Confirmation{Terms: terms, DeviceID: "dev-1"}.Sign(private)
	if err != nil {
		log.Fatal(err)
	}
	c, err := cashier.Parse(signed)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Amount, c.Currency, "to", c.Payee, c.Verify(paired))
	c.Amount = "81.00"
	fmt.Println(protocol.CodeOf(c.Verify(paired)))
	// Output:
	// 18.00 CNY to did:act:shop.example/coffee <nil>
	// signature_invalid
}
