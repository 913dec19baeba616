package payment_test

import (
	"errors"
	"testing"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
)

func TestRefusalIsAnError(t *testing.T) {
	reason := protocol.New(protocol.CodeTotalLimitExceeded, "amount", "PSD-PAY-DEL-07", "")
	var err error = &payment.Refusal{RequestID: "r", Reason: reason}
	if protocol.AsError(err) != reason || protocol.CodeOf(err) != reason.Code || err.Error() != reason.Error() || errors.Is(err, protocol.ErrUndetermined) {
		t.Fatalf("PSD-PAY-DEL-11: the reason is not reachable in %v", err)
	}
}

// TestFinal: what is undetermined, and what is wrong with the form, the
// signatures or the addressee, is no answer to a request.
func TestFinal(t *testing.T) {
	n := 0
	for _, c := range protocol.Codes() {
		if !payment.Final(c) {
			continue
		}
		if n++; c.Outcome() != protocol.Denied || c.Wins(protocol.CodeMandateNotYetValid) {
			t.Errorf("PSD-PAY-DEL-04: %s is stored as an answer", c)
		}
	}
	if n != 25 || payment.Final("") || payment.Final(protocol.CodeTradeUnknown) {
		t.Errorf("%d final codes", n)
	}
}
