package attestation_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

// contents has one of each type, with and without what is optional.
func contents(t testing.TB) map[string]attestation.Content {
	return map[string]attestation.Content{
		`{"intent_digest":"` + aDigest + `"}`: attestation.Intent{IntentDigest: aDigest},
		`{"credential_digest":"` + aDigest + `","valid_from":"2026-04-19T08:10:00Z","valid_until":"2026-04-19T09:10:00Z"}`: attestation.Mandate{
			CredentialDigest: aDigest, ValidFrom: epoch, ValidUntil: epoch.Add(time.Hour)},
		`{"reason":"risk-control"}`:               attestation.StateChange{Event: attestation.DelegationSuspended, Reason: "risk-control"},
		`{"credential_digest":"` + aDigest + `"}`: attestation.StateChange{Event: attestation.DelegationResumed, CredentialDigest: aDigest},
		`{"reason":"user-request"}`:               attestation.StateChange{Event: attestation.DelegationRevoked, Reason: "user-request"},
		`{}`:                                      attestation.StateChange{Event: attestation.DelegationExpired},
		`{"candidates":3,"decision_digest":"` + aDigest + `"}`: attestation.Choice{DecisionDigest: aDigest, Candidates: 3},
		`{"candidates":1,"chosen_digest":"` + aDigest + `","decision_digest":"` + aDigest + `"}`: attestation.Choice{
			DecisionDigest: aDigest, Candidates: 1, ChosenDigest: aDigest},
		`{"amount":"18.00","currency":"CNY","order_digest":"` + aDigest + `","valid_until":"2026-04-19T08:10:00Z"}`: attestation.Cart{
			OrderDigest: aDigest, Amount: amount(t, "18.00"), ValidUntil: epoch},
		`{"amount":"18.00","currency":"CNY","payment_method":"urn:act:payment:wallet","proof_digest":"` + aDigest + `"}`: attestation.Payment{
			Amount: amount(t, "18.00"), ProofDigest: aDigest, Method: "urn:act:payment:wallet"},
		`{"delivered_at":"2026-04-19T08:10:00Z"}`: attestation.Delivery{DeliveredAt: epoch},
		`{"delivered_at":"2026-04-19T08:10:00Z","result_digest":"` + aDigest + `"}`: attestation.Delivery{
			DeliveredAt: epoch, ResultDigest: aDigest},
	}
}

// TestContent: each event type has one content of its own, whoever records it
// (TSD-ATT-EVT-01, TSD-ATT-EVT-03).
func TestContent(t *testing.T) {
	seen := map[attestation.EventType]bool{}
	for text, c := range contents(t) {
		d, err := attestation.NewDraft(c, epoch, attestation.Links{})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		seen[d.Type] = true
		if string(d.Body) != text {
			t.Errorf("%s: %s", text, d.Body)
		}
		r := attestation.Record{Type: d.Type, Body: []byte(strings.Replace(text, "{", `{"0":{"note":"more"}`+map[bool]string{true: ",", false: ""}[text != "{}"], 1))}
		got, err := r.Content()
		if err != nil {
			t.Errorf("%s: %v", r.Body, err)
			continue
		}
		if !cmp.Equal(got, c, cmp.Comparer(func(a, b money.Amount) bool { return a == b })) {
			t.Errorf("%s: %+v", text, got)
		}
	}
	if len(seen) != 10 {
		t.Errorf("TSD-ATT-EVT-01 contents of %d event types", len(seen))
	}
}

func TestContentRefused(t *testing.T) {
	yen := amount(t, "0.00")
	for name, c := range map[string]struct {
		content attestation.Content
		field   string
	}{
		"no digest":         {attestation.Intent{}, "event_body.intent_digest"},
		"no such digest":    {attestation.Intent{IntentDigest: "md5:x"}, "event_body.intent_digest"},
		"ends before start": {attestation.Mandate{CredentialDigest: aDigest, ValidFrom: epoch, ValidUntil: epoch}, "event_body.valid_until"},
		"no window":         {attestation.Mandate{CredentialDigest: aDigest}, "event_body.valid_from"},
		"another event":     {attestation.StateChange{Event: attestation.CartConfirmed}, "event_body.event_type"},
		"a reason in prose": {attestation.StateChange{Event: attestation.DelegationRevoked, Reason: "Ann said so"}, "event_body.reason"},
		"chosen from none":  {attestation.Choice{DecisionDigest: aDigest}, "event_body.candidates"},
		"no amount":         {attestation.Cart{OrderDigest: aDigest, ValidUntil: epoch}, ""},
		"no method":         {attestation.Payment{Amount: yen, ProofDigest: aDigest}, "event_body.payment_method"},
		"no proof":          {attestation.Payment{Amount: yen, Method: "urn:act:payment:wallet"}, "event_body.proof_digest"},
		"not delivered":     {attestation.Delivery{}, "event_body.delivered_at"},
	} {
		_, err := attestation.NewDraft(c.content, epoch, attestation.Links{})
		if err == nil {
			t.Errorf("%s: was taken", name)
			continue
		}
		want(t, name, err, protocol.CodeOf(err), "", c.field)
	}
	// A record of somebody else's with another body is a record nevertheless.
	d := everything(t)
	d.Body = []byte(`{"amount":18}`)
	r := parse(t, seal(t, attestation.By(newSigner(pspDID, keys.Attestation)), d)).Record
	if c, err := r.Content(); err == nil || c != nil {
		t.Errorf("%+v", c)
	}
	for body, code := range map[string]protocol.Code{
		`{"decision_digest":"` + aDigest + `"}`:                protocol.CodeFieldMissing,
		`{"candidates":0,"decision_digest":"` + aDigest + `"}`: protocol.CodeFieldInvalid,
	} {
		if _, err := (&attestation.Record{Type: attestation.DecisionLogged, Body: []byte(body)}).Content(); protocol.CodeOf(err) != code {
			t.Errorf("%s: %v", body, err)
		}
	}
	if _, err := (&attestation.Record{Type: "x", Body: []byte(`{}`)}).Content(); err == nil {
		t.Error("content of no event")
	}
}
