package keys_test

import (
	"fmt"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A key signs for one purpose, under one absolute id.
func ExampleNewSigner() {
	private, err := keys.Generate(keys.EdDSA) // or any crypto.Signer: a KMS, an HSM
	if err != nil {
		fmt.Println(err)
		return
	}
	signer, err := keys.NewSigner("did:act:shop.example/coffee#orders-1", keys.Seller, private)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = signer.Sign(keys.IssueAuthorization, []byte("a mandate for myself"))
	fmt.Println(signer)
	fmt.Println(err)
	// Output:
	// signer did:act:shop.example/coffee#orders-1 for seller
	// act: key_purpose: this key signs for another purpose (ADD-IAC-ISS-12)
}

// A token is first parsed, which shows nothing about who wrote it, and then
// verified by a key that the caller found by its own means.
func ExampleParseCompact() {
	private, err := keys.Generate(keys.ES256)
	if err != nil {
		fmt.Println(err)
		return
	}
	signer, err := keys.NewSigner("did:act:shop.example/coffee#k1", keys.Seller, private)
	if err != nil {
		fmt.Println(err)
		return
	}
	raw, err := keys.SignCompact(signer, keys.Seller, keys.TypeOrder, []byte(`{"amount": "18.00"}`))
	if err != nil {
		fmt.Println(err)
		return
	}

	token, err := keys.ParseCompact(raw, keys.TypeOrder)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.Header.KeyID)
	if err := token.Verify(signer.Public()); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", token.Payload)

	_, err = keys.ParseCompact(raw, keys.TypePaymentProof)
	fmt.Println(protocol.CodeOf(err))
	// Output:
	// did:act:shop.example/coffee#k1
	// {"amount":"18.00"}
	// type_mismatch
}

func ExampleSignMessage() {
	private, err := keys.Generate(keys.EdDSA)
	if err != nil {
		fmt.Println(err)
		return
	}
	agent, err := keys.NewSigner("did:act:agents.example/a-7#k1", keys.AgentRequest, private)
	if err != nil {
		fmt.Println(err)
		return
	}
	type query struct {
		RequestID string `json:"request_id"`
	}
	raw, err := keys.SignMessage(agent, keys.AgentRequest, keys.KindPaymentQuery, query{"r-1"})
	if err != nil {
		fmt.Println(err)
		return
	}

	message, err := keys.ParseMessage(raw)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(message.Verify(agent.Public(), keys.KindPaymentQuery))
	fmt.Println(message.Verify(agent.Public(), keys.KindCartRequest))
	var q query
	fmt.Println(message.Decode(&q), q.RequestID)
	// Output:
	// <nil>
	// act: signature_invalid: signature: the signature does not verify (PSD-PAY-DEL-03)
	// <nil> r-1
}
