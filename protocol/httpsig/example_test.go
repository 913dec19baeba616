package httpsig_test

import (
	"fmt"
	"net/http"
	"time"

	"github.com/actprotocol/act-go/protocol/httpsig"
	"github.com/actprotocol/act-go/protocol/keys"
)

// An agent signs its request; the shop, which knows its own authority, checks
// it. Here both use one key in memory; a shop resolves the key id.
func Example() {
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
	now := time.Now()

	req, err := http.NewRequest("GET", "https://shop.example/report?id=7", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := httpsig.Sign(req, nil, agent, now, time.Minute); err != nil {
		fmt.Println(err)
		return
	}

	sig, err := httpsig.ParseFor(req, nil, "shop.example")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sig.Params().KeyID)
	fmt.Println(sig.Verify(agent.Public()), sig.Check(now))

	req.URL.RawQuery = "id=8"
	sig, err = httpsig.ParseFor(req, nil, "shop.example")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sig.Verify(agent.Public()))
	// Output:
	// did:act:agents.example/a-7#k1
	// <nil> <nil>
	// act: signature_invalid: signature: the signature does not verify (IDN-04)
}
