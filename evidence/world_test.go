package evidence_test

import (
	"context"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/evidence"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/recorder"
	"github.com/actprotocol/act-go/recorder/recordertest"
	"github.com/actprotocol/act-go/trustlog"
	"github.com/actprotocol/act-go/verifier"
)

const (
	issuerDID = "did:act:issuer.test/mandates"
	agentDID  = "did:act:agents.test/buyer"
	shopDID   = "did:act:shop.test/coffee"
	pspDID    = "did:act:psp.test/pay"
	chainDID  = "did:act:chain.test/log"
	intentID  = "urn:uuid:550e8400-e29b-41d4-a716-446655440000"
	mandateID = "urn:uuid:6c1b2a8e-5c0d-4f5e-9d3a-0f2b7c9d1e44"
)

// A purchase is one that was recorded by four parties and anchored.
type purchase struct {
	t       testing.TB
	now     time.Time
	dir     string
	parties map[string]*acttest.Party
	log     *recordertest.Log
	stores  []recorder.RecordStore
	ids     []string
}

// newPurchase records a purchase of coffee: intent, mandate, choice, cart,
// payment, delivery.
func newPurchase(t testing.TB) *purchase {
	t.Helper()
	p := &purchase{t: t, now: time.Date(2026, 4, 19, 8, 0, 0, 0, time.UTC), dir: t.TempDir(), parties: make(map[string]*acttest.Party)}
	for _, did := range []string{issuerDID, agentDID, shopDID, pspDID} {
		p.parties[did] = acttest.NewParty(t, did, keys.Attestation, keys.Anchor)
	}
	p.parties[chainDID] = acttest.NewParty(t, chainDID, keys.Anchor)
	p.log = recordertest.NewLog("chain.test/log", p.parties[chainDID].Signer(keys.Anchor), func() time.Time { return p.now })
	day := p.now
	digest := func(s string) canon.Digest { return canon.Sum([]byte(s)) }
	price := acttest.CNY(t, "18.00")
	intent := p.record(agentDID, attestation.Intent{IntentDigest: digest("intent")})
	mandate := p.record(issuerDID, attestation.Mandate{CredentialDigest: digest("mandate"), ValidFrom: day, ValidUntil: day.Add(24 * time.Hour)}, intent)
	choice := p.record(agentDID, attestation.Choice{DecisionDigest: digest("choice"), Candidates: 3, ChosenDigest: digest("latte")}, mandate)
	cart := p.record(shopDID, attestation.Cart{OrderDigest: digest("order"), Amount: price, ValidUntil: day.Add(time.Hour)}, choice)
	paid := p.record(pspDID, attestation.Payment{Amount: price, ProofDigest: digest("proof"), Method: "urn:act:payment:wallet"}, mandate, cart)
	p.record(shopDID, attestation.Delivery{DeliveredAt: p.now, ResultDigest: digest("coffee")}, paid)
	return p
}

var rolesOf = map[string]attestation.Role{
	issuerDID: attestation.Issuer, agentDID: attestation.PayerAgent, shopDID: attestation.Merchant, pspDID: attestation.PSP,
}

// record records an event by one of the parties, a minute after the last.
func (p *purchase) record(by string, c attestation.Content, upstream ...string) string {
	p.t.Helper()
	p.now = p.now.Add(time.Minute)
	links := attestation.Links{IntentID: intentID, DelegationID: mandateID, Upstream: upstream}
	switch c.(type) {
	case attestation.Intent:
		links.DelegationID = ""
	case attestation.Cart:
		links.MerchantOrderID = "order-1"
	case attestation.Payment, attestation.Delivery:
		links.MerchantOrderID, links.TradeNo = "order-1", "trade-1"
	}
	participants := []attestation.Participant{{ID: by, Role: rolesOf[by]}}
	if by != agentDID {
		participants = append(participants, attestation.Participant{ID: agentDID, Role: attestation.PayerAgent, Represents: "ps_7Qm2"})
	}
	d, err := attestation.NewDraft(c, p.now, links, participants...)
	p.must(err)
	return p.put(by, d)
}

// put seals, stores and anchors a draft by a recorder of its own.
func (p *purchase) put(by string, d attestation.Draft) string {
	p.t.Helper()
	store, err := recorder.OpenFileStore(p.t.TempDir())
	p.must(err)
	p.t.Cleanup(func() { _ = store.Close() })
	rec, err := recorder.New(recorder.Config{
		Dir: p.t.TempDir(), Store: store, Anchorer: p.log, Channel: "retail",
		Signer:       attestation.By(p.parties[by].Signer(keys.Attestation)),
		AnchorSigner: p.parties[by].Signer(keys.Anchor), Now: func() time.Time { return p.now },
	})
	p.must(err)
	id, err := rec.Record(context.Background(), d)
	p.must(err)
	p.must(rec.Flush(context.Background()))
	p.must(rec.Close())
	p.stores, p.ids = append(p.stores, store), append(p.ids, id)
	return id
}

func (p *purchase) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *purchase) sources() evidence.Sources {
	return evidence.Sources{Stores: p.stores, Documents: p.document, Now: func() time.Time { return p.now }}
}

func (p *purchase) document(_ context.Context, did identity.DID) (*identity.Document, error) {
	if party := p.parties[did.String()]; party != nil {
		return party.Document, nil
	}
	return nil, protocol.New(protocol.CodeKeyUnavailable, "", "", "")
}

func (p *purchase) collect() []byte {
	p.t.Helper()
	data, gaps, err := evidence.Collect(context.Background(), p.sources(), recorder.Query{IntentID: intentID})
	p.must(err)
	if len(gaps) != 0 {
		p.t.Fatalf("gaps: %+v", gaps)
	}
	return data
}

// trust is that of somebody who knows all parties and the chain.
func (p *purchase) trust() evidence.Trust {
	var docs []*identity.Document
	for _, party := range p.parties {
		docs = append(docs, party.Document)
	}
	return evidence.Trust{
		Keys: verifier.NewStaticKeys(docs...), Logs: []trustlog.Trust{p.log.Trust()}, Now: func() time.Time { return p.now },
	}
}

func (p *purchase) verify(data []byte, trust evidence.Trust) (*evidence.File, *evidence.Report) {
	p.t.Helper()
	f, err := evidence.Open(data)
	p.must(err)
	r, err := f.Verify(context.Background(), trust)
	p.must(err)
	return f, r
}

// A tree is a file taken apart, to be changed and put together again.
type tree map[string]any

func (p *purchase) change(data []byte, f func(tree)) []byte {
	p.t.Helper()
	v, err := parseTree(data)
	p.must(err)
	f(v)
	out, err := formatTree(v)
	p.must(err)
	return out
}

func (v tree) list(name string) []any { l, _ := v[name].([]any); return l }

func (v tree) part(name string, i int) tree {
	m, _ := v.list(name)[i].(map[string]any)
	return m
}

func (v tree) in(name string) tree { m, _ := v[name].(map[string]any); return m }

func (v tree) remove(name string, i int) { v[name] = slices.Delete(slices.Clone(v.list(name)), i, i+1) }

func recorderQuery(intent string) recorder.Query { return recorder.Query{IntentID: intent} }

// temporary makes a folder for an example.
func temporary() (dir string, remove func(), err error) {
	dir, err = os.MkdirTemp("", "evidence")
	return dir, func() { _ = os.RemoveAll(dir) }, err
}
