package provider_test

import (
	"testing"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
)

// TSD-ATT-EVT-03 PSD-PAY-A402-24: the account of a paid trade has all links and
// the digest of the proof that the agent got; one that waits has none.
func TestCompleted(t *testing.T) {
	l := newTill(t, nil)
	r := l.paid(l.request(payment.ScenarioDEL, "18.00"))
	trade, err := l.ledger.Trade(ctx, r.TradeNo)
	l.must(err)
	d, err := l.provider.Completed(trade)
	l.must(err)
	l.must(d.Check(acttest.PSPDID))
	if d.Links.IntentID == "" || d.Links.DelegationID != r.DelegationID || d.Links.TradeNo != r.TradeNo || d.Links.MerchantOrderID != r.MerchantOrderID {
		t.Errorf("TSD-ATT-OFF-03 %+v", d.Links)
	}
	content, err := (&attestation.Record{Type: d.Type, Body: d.Body}).Content()
	l.must(err)
	want := attestation.Payment{Amount: r.Amount, ProofDigest: canon.Sum([]byte(r.PaymentProof)), Method: acttest.Method}
	if content != attestation.Content(want) {
		t.Errorf("%+v", content)
	}

	q := l.request(payment.ScenarioINS, "1.00")
	a, err := l.send(q)
	l.must(err)
	waiting, err := l.ledger.Trade(ctx, l.pending(q, a).TradeNo)
	l.must(err)
	_, err = l.provider.Completed(waiting)
	l.want(err, protocol.CodeStateConflict)
}
