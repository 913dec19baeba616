package evidence_test

import (
	"context"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/evidence"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/recorder/recordertest"
)

// A party has a key of purpose anchor to sign its anchors. A log that it makes
// of that key, with any time it likes, is not a chain for those who trust the
// party's document.
func TestPartyIsNoChain(t *testing.T) {
	p := newPurchase(t)
	shop := p.parties[shopDID]
	p.log = recordertest.NewLog("shop.test/coffee", shop.Signer(keys.Anchor), func() time.Time { return p.now })
	p.now = p.now.Add(-30 * 24 * time.Hour) // the shop says that it was a month ago
	p.stores, p.ids = nil, nil
	p.record(shopDID, attestation.Cart{OrderDigest: "sha-256:" + "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU", Amount: acttest.CNY(t, "18.00"), ValidUntil: p.now.Add(time.Hour)})
	data, _, err := evidence.Collect(context.Background(), p.sources(), recorderQuery(intentID))
	p.must(err)
	var documents []*identity.Document
	for _, party := range p.parties {
		documents = append(documents, party.Document)
	}
	trust := evidence.TrustDocuments(documents)
	trust.Now = func() time.Time { return p.now }
	_, r := p.verify(data, trust)
	if got := r.Results[0].Conclusion; got != attestation.AnchorQueryTimeout || r.Verified() {
		t.Errorf("a record that only its own maker has dated: %s", got)
	}
	if len(trust.Logs) != 1 || trust.Logs[0].Chain != "chain.test/log" {
		t.Errorf("chains %+v", trust.Logs)
	}
}
