package openapi_test

import (
	"bytes"
	"net/http/httptest"
	"testing"

	"github.com/actprotocol/act-go/examples/processor/internal/judge"
	"github.com/actprotocol/act-go/examples/processor/openapi"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
)

// TestDocument: the document is whole, every schema in it compiles, and every
// object is closed.
func TestDocument(t *testing.T) {
	d, err := judge.Read(openapi.Document())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(d.Served()); n < 50 {
		t.Errorf("%d answers", n)
	}
}

// TestLists: the closed lists of the document are those of the library.
func TestLists(t *testing.T) {
	text := openapi.Document()
	for _, c := range protocol.Codes() {
		if !bytes.Contains(text, []byte(`"`+string(c)+`"`)) {
			t.Errorf("the document lacks the code %s", c)
		}
	}
	for _, r := range payment.RefundReasons() {
		if !bytes.Contains(text, []byte(`"`+string(r)+`"`)) {
			t.Errorf("the document lacks the reason %s", r)
		}
	}
}

func TestServeHTTP(t *testing.T) {
	w := httptest.NewRecorder()
	openapi.ServeHTTP(w, httptest.NewRequest("GET", openapi.Path, nil))
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" || !bytes.Equal(w.Body.Bytes(), openapi.Document()) {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}
