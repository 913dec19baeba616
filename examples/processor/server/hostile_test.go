package server_test

import (
	"bytes"
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/payment"
)

// TestCallerHangsUp: a buyer that leaves while its request is judged, here while
// the state of its mandate is fetched, changes nothing. What was received is
// decided, a query finds it, and the same request again is not a second payment
// (SPEC.md 6.1).
func TestCallerHangsUp(t *testing.T) {
	w := newWorld(t)
	q := w.latte("18.00")
	listed(delegation.StatusActive)(w, &q)
	asked, answer := make(chan struct{}), make(chan struct{})
	w.status.hold(asked, answer)
	ctx, leave := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.server.Endpoint()+"/payments", bytes.NewReader(w.Sign(q)))
	w.must(err)
	gone := make(chan error, 1)
	go func() {
		resp, err := w.client.Do(r)
		if err == nil {
			resp.Body.Close()
		}
		gone <- err
	}()
	<-asked
	leave()
	if err := <-gone; err == nil {
		t.Fatal("there was an answer")
	}
	time.Sleep(50 * time.Millisecond) // for the server to notice
	close(answer)
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := w.server.Ledger().Query(context.Background(), q.BuyerAgentID, q.RequestID); err == nil {
			break
		} else if time.Now().After(end) {
			t.Fatalf("PSD-PAY-A402-23: what was received was not decided: %v", err)
		}
	}
	w.pay(w.Sign(q))
	if got := w.balance(w.Owner); got != 82_00 {
		t.Errorf("balance %d", got)
	}
	w.sound()
}

// TestOneNonceForEachKind: one nonce in messages of two kinds is used in each
// once, and neither stands for the other; the signature of one kind is none of
// the other.
func TestOneNonceForEachKind(t *testing.T) {
	w := newWorld(t)
	paid := w.pay(w.Sign(w.latte("18.00")))
	nonce := canon.Nonce()
	consume, err := payment.SignConsumption(w.Shop, payment.Consumption{
		RequestID: canon.UUID(), Nonce: nonce, Timestamp: w.Now(), PSPID: w.server.ID().String(), MerchantID: w.Shop.DID(),
		PaymentProof: paid.PaymentProof, Consumer: "c",
	})
	w.must(err)
	fulfil, err := payment.SignFulfilment(w.Shop, payment.Fulfilment{
		RequestID: canon.UUID(), Nonce: nonce, Timestamp: w.Now(), PSPID: w.server.ID().String(), MerchantID: w.Shop.DID(),
		TradeNo: paid.TradeNo, Consumer: "c", DeliveredAt: w.Now(),
	})
	w.must(err)
	for _, m := range []struct {
		path    string
		message []byte
	}{{"/consumptions", consume}, {"/fulfilments", fulfil}} {
		if status, body := w.post(m.path, m.message); status != http.StatusOK {
			t.Fatalf("%s: %d %s", m.path, status, body)
		}
		w.wantRefusal(m.path, m.message, protocol.CodeReplayed)
	}
	for path, message := range map[string][]byte{"/consumptions": fulfil, "/fulfilments": consume, "/payments": consume, "/queries": fulfil, "/instruments": consume} {
		if status, body := w.post(path, message); status != http.StatusBadRequest {
			t.Errorf("PSD-PAY-DEL-04 %s took a message of another kind: %d %s", path, status, body)
		}
	}
	w.sound()
}
