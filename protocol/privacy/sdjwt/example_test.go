package sdjwt_test

import (
	"fmt"
	"time"

	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/privacy/sdjwt"
)

func newSigner(keyID string, purpose keys.Purpose) *keys.Signer {
	private, err := keys.Generate(keys.EdDSA)
	if err != nil {
		panic(err)
	}
	s, err := keys.NewSigner(keyID, purpose, private)
	if err != nil {
		panic(err)
	}
	return s
}

// An issuer signs three facts; the holder shows one of them to one reader.
func Example() {
	issuer := newSigner("did:act:issuer.example/club#k1", keys.IssueIdentity)
	holder := newSigner("did:act:people.example/ann#k1", keys.AgentRequest)

	claims := []byte(`{"member":{"name":"Ann","level":"gold"},"visits":["Oslo","Rome"]}`)
	issued, err := sdjwt.Issue(issuer, keys.IssueIdentity, "example+sd-jwt", claims, sdjwt.Concealment{
		Hide:   []string{"/member/name", "/member/level", "/visits/0", "/visits/1"},
		Decoys: map[string]int{"/visits": 2},
	})
	if err != nil {
		panic(err)
	}

	whole := read(issued, issuer.Public())
	part := whole.Present(func(d sdjwt.Disclosed) bool { return d.Path == "/member/level" })
	shown, err := sdjwt.Bind(holder, part, "did:act:lounge.example/door", "4711", time.Now())
	if err != nil {
		panic(err)
	}

	// The reader.
	token, jwt := sdjwt.Cut(shown)
	binding, err := sdjwt.ParseBinding(jwt)
	if err != nil {
		panic(err)
	}
	if err := binding.Verify(token, holder.Public()); err != nil || binding.Nonce != "4711" {
		panic("not for us")
	}
	fmt.Printf("%s\n", read(token, issuer.Public()).Payload)
	// Output: {"member":{"level":"gold"},"visits":[]}
}

func read(raw []byte, issuer keys.PublicKey) *sdjwt.Processed {
	token, err := sdjwt.Parse(raw)
	if err != nil {
		panic(err)
	}
	jwt, err := keys.ParseCompact(token.JWT, "example+sd-jwt")
	if err != nil {
		panic(err)
	}
	if err := jwt.Verify(issuer); err != nil {
		panic(err)
	}
	p, err := token.Process(jwt.Payload)
	if err != nil {
		panic(err)
	}
	return p
}
