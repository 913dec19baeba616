package server_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
)

// FuzzDoor sends arbitrary bytes to the five doors of strangers. Whatever they
// are, nobody but a key's owner can make a message that is accepted: the answer
// is a refusal with a code of the closed list and its status, repeats nothing
// of the message, and moves no money.
func FuzzDoor(f *testing.F) {
	w := newWorld(f)
	paths := []string{"/payments", "/queries", "/consumptions", "/fulfilments", "/instruments"}
	signed := w.Sign(w.latte("18.00"))
	for i := range paths {
		f.Add(byte(i), bytes.Replace(signed, []byte(`"amount":"18.00"`), []byte(`"amount":"17.00"`), 1))
		f.Add(byte(i), []byte(`{"signer_id":"did:act:home.example/agent#k1","signature":"AA"}`))
	}
	f.Fuzz(func(t *testing.T, door byte, body []byte) {
		if bytes.Equal(body, signed) {
			t.Skip()
		}
		r := httptest.NewRequest(http.MethodPost, "/act/v1"+paths[int(door)%len(paths)], bytes.NewReader(body))
		answer := httptest.NewRecorder()
		w.server.ServeHTTP(answer, r)
		var said refusal
		if err := canon.DecodeOpen(answer.Body.Bytes(), &said); err != nil {
			t.Fatalf("%d %s", answer.Code, answer.Body)
		}
		code := said.Error.Code
		if !code.Known() || answer.Code != payment.HTTPStatus(code) || answer.Code == http.StatusOK || said.Error.Outcome != code.Outcome().String() || code.Outcome() == protocol.Allowed {
			t.Errorf("%d %s", answer.Code, answer.Body)
		}
		inside := *w
		inside.t = t
		if inside.balance(w.Owner) != 100_00 {
			t.Error("money moved")
		}
	})
}
