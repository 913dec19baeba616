package attestation_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/guomi"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

const (
	shopDID  = "did:act:shop.example/coffee"
	pspDID   = "did:act:psp.example/pay"
	agentDID = "did:act:agents.example/buyer"
	bankDID  = "did:act:bank.example/mandates"
	judgeDID = "did:act:judge.example/disputes"
	intentID = "urn:uuid:550e8400-e29b-41d4-a716-446655440000"
	mandate  = "urn:uuid:7b0cbd2c-4bd5-4a0c-9c41-0d6a55a5f1aa"
	aDigest  = "sha-256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
)

var epoch = time.Date(2026, 4, 19, 8, 10, 0, 0, time.UTC)

func amount(t testing.TB, s string) money.Amount {
	t.Helper()
	cny, err := money.ParseCurrency("CNY")
	if err != nil {
		t.Fatal(err)
	}
	a, err := money.Parse(s, cny)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// everything is a draft of a payment with all that a record may have.
func everything(t testing.TB) attestation.Draft {
	t.Helper()
	d, err := attestation.NewDraft(attestation.Payment{
		Amount: amount(t, "18.00"), ProofDigest: aDigest, Method: "urn:act:payment:wallet",
	}, epoch.Add(-time.Minute), attestation.Links{
		IntentID: intentID, DelegationID: mandate, MerchantOrderID: "order-1", TradeNo: "trade-1",
		Upstream: []string{shopDID + "#rec-00000000000000000000000000000001", agentDID + "#rec-2"},
	},
		attestation.Participant{ID: pspDID, Role: attestation.PSP},
		attestation.Participant{ID: agentDID, Role: attestation.PayerAgent, Represents: "pairwise-1"},
		attestation.Participant{ID: shopDID, Role: attestation.Merchant})
	if err != nil {
		t.Fatal(err)
	}
	d.Ext = []byte(`{"note":"first of two"}`)
	return d
}

func seal(t testing.TB, s attestation.Signer, d attestation.Draft) []byte {
	t.Helper()
	raw, err := attestation.Sealer{}.Seal(s, "", d, epoch)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func parse(t testing.TB, raw []byte) *attestation.Unverified {
	t.Helper()
	u, err := attestation.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// want checks code, and the requirement and field where they are given.
func want(t testing.TB, what string, err error, code protocol.Code, requirement, field string) {
	t.Helper()
	var e *protocol.Error
	if !errors.As(err, &e) {
		t.Errorf("%s %s: %v, want %s", requirement, what, err, code)
		return
	}
	if e.Code != code || requirement != "" && e.Requirement != requirement || field != "" && e.Field != field {
		t.Errorf("%s %s: %v (field %q), want %s at %q", requirement, what, e, e.Field, code, field)
	}
	if strings.Contains(e.Error(), "622588") || strings.Contains(e.Error(), "ann@") {
		t.Errorf("PRV-04 %s: the error repeats its input", what)
	}
}

// gm signs with SM2.
type gm struct {
	keyID string
	*guomi.Signer
}

func (g gm) KeyID() string                             { return g.keyID }
func (g gm) SignatureType() string                     { return guomi.SignatureType }
func (g gm) SignRecord(message []byte) ([]byte, error) { return g.Sign(message) }

func newGM(t testing.TB, did string) gm {
	t.Helper()
	s, err := guomi.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return gm{did + "#gm", s}
}

func newSignerOf(t testing.TB, alg keys.Algorithm, did string, purpose keys.Purpose) *keys.Signer {
	t.Helper()
	key, err := keys.Generate(alg)
	if err != nil {
		t.Fatal(err)
	}
	s, err := keys.NewSigner(did+"#"+string(purpose), purpose, key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
