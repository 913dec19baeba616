package issuer_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/actprotocol/act-go/issuer"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
)

// TSD-ATT-EVT-03: what happens to a mandate is told once, when it is stored, and
// every draft can be recorded.
func TestAttest(t *testing.T) {
	ctx := context.Background()
	for _, selective := range []bool{false, true} {
		c := newClock()
		cfg := config(t, c)
		var told []attestation.Draft
		cfg.Attest = func(d attestation.Draft) { told = append(told, d) }
		i, err := issuer.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		g := grant(t, c.now())
		g.Selective = selective
		raw, err := i.Issue(ctx, g)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := i.Issue(ctx, g); err != nil { // tells nothing more
			t.Fatal(err)
		}
		m, err := delegation.ParseMandate(raw)
		if err != nil {
			t.Fatal(err)
		}
		id := m.Claims().ID
		wantCode(t, i.Suspend(ctx, id, delegation.ActorAgent), protocol.CodeActorRefused) // nor this
		wantCode(t, i.Suspend(ctx, id, delegation.ActorRiskControl), "")
		wantCode(t, i.Resume(ctx, id, delegation.ActorRiskControl), "")
		wantCode(t, i.AttestExpired(ctx, id), protocol.CodeStateConflict)
		c.add(2 * time.Hour)
		wantCode(t, i.AttestExpired(ctx, id), "")
		wantCode(t, i.AttestExpired(ctx, "nobody's"), protocol.CodeFieldInvalid)
		var events []attestation.EventType
		for _, d := range told {
			events = append(events, d.Type)
			if err := d.Check(bankDID); err != nil {
				t.Errorf("%s: %v", d.Type, err)
			}
			if d.Links.DelegationID != id || d.Links.IntentID != g.Confirmed.ISR().IntentID {
				t.Errorf("TSD-ATT-OFF-03 %+v", d.Links)
			}
		}
		if want := []attestation.EventType{
			attestation.DelegationIssued, attestation.DelegationSuspended, attestation.DelegationResumed, attestation.DelegationExpired,
		}; !slices.Equal(events, want) {
			t.Fatalf("told %v", events)
		}
		if !told[3].EventTime.Equal(g.Confirmed.ISR().ValidityEnd) {
			t.Errorf("expired at %v", told[3].EventTime)
		}
		token := raw
		if selective {
			token = raw[:slices.Index(raw, '~')]
		}
		content, err := (&attestation.Record{Type: told[0].Type, Body: told[0].Body}).Content()
		if mandate, ok := content.(attestation.Mandate); err != nil || !ok || mandate.CredentialDigest != canon.Sum(token) {
			t.Errorf("%+v, %v", content, err)
		}
	}
}

// Without a hook nothing is told, and nothing else changes.
func TestAttestNobody(t *testing.T) {
	c := newClock()
	i := newIssuer(t, c)
	id, _ := issued(t, i, c)
	wantCode(t, i.Revoke(context.Background(), id, delegation.ActorPrincipal), "")
}
