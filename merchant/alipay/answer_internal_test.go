package alipay

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"sync"
	"testing"

	"github.com/actprotocol/act-go/protocol"
)

var fuzzKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// FuzzAnswer reads any bytes as an answer. Nothing that is not signed is ever
// anything but undetermined, and the part that is signed is a piece of the
// bytes that came.
func FuzzAnswer(f *testing.F) {
	const member = "alipay_aipay_agent_payment_verify_response"
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := splitAnswer(body, member)
		if err == nil && !bytes.Contains(body, e.node) {
			t.Fatal("other bytes than those that were sent")
		}
		var a verifyAnswer
		err = readAnswer(body, methodVerify, []*rsa.PublicKey{&fuzzKey().PublicKey}, &a, verifyRefusals)
		if !errors.Is(err, protocol.ErrUndetermined) {
			t.Fatalf("unsigned bytes decided: %v", err)
		}
	})
}

// FuzzSignedAnswer reads any signed value: what comes out is a yes, a no, or
// nothing, and never a panic or an error of another kind.
func FuzzSignedAnswer(f *testing.F) {
	f.Fuzz(func(t *testing.T, node []byte) {
		signature, err := sign(fuzzKey(), string(node))
		if err != nil {
			t.Fatal(err)
		}
		body := []byte(`{"alipay_aipay_agent_payment_verify_response":` + string(node) + `,"sign":"` + signature + `"}`)
		var a verifyAnswer
		err = readAnswer(body, methodVerify, []*rsa.PublicKey{&fuzzKey().PublicKey}, &a, verifyRefusals)
		switch protocol.CodeOf(err) {
		case "", protocol.CodeServiceUnavailable, protocol.CodeProofInvalid, protocol.CodeProofMismatch:
		default:
			t.Fatalf("%v", err)
		}
	})
}
