package service

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/credit"
)

func TestApply(t *testing.T) {
	w := newWorld(t, NewMemoryStore())
	ctx := t.Context()
	app := w.application("a-1", credit.DirectSignature)
	id, err := w.Apply(ctx, owner, app)
	if err != nil || w.status(id).Status != credit.Pending {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		party string
		edit  func(a *credit.Application)
		code  protocol.Code
	}{
		"somebody else's name":    {shop, func(*credit.Application) {}, protocol.CodePrincipalMismatch},
		"another issuer":          {owner, func(a *credit.Application) { a.IssuerID = shop }, protocol.CodeAudienceMismatch},
		"too old":                 {owner, func(a *credit.Application) { a.RequestedAt = credit.At(w.clock().Add(-time.Hour)) }, protocol.CodeRequestExpired},
		"already over":            {owner, func(a *credit.Application) { a.ExpiresAt = credit.At(w.clock()) }, protocol.CodeFieldInvalid},
		"the same id":             {owner, func(a *credit.Application) { a.ApplicationID = "a-1" }, protocol.CodeRequestConflict},
		"TSD-CRD-ASC-01 replayed": {owner, func(a *credit.Application) { a.AntiReplay = app.AntiReplay }, protocol.CodeReplayed},
	} {
		t.Run(name, func(t *testing.T) {
			a := w.application("a-2", credit.DirectSignature)
			test.edit(&a)
			if _, err := w.Apply(ctx, test.party, a); protocol.CodeOf(err) != test.code {
				t.Error(err)
			}
		})
	}
	t.Run("TSD-CRD-ASC-01 evidence that does not fit", func(t *testing.T) {
		w.evidence = protocol.New(protocol.CodePolicyRefused, "", "", "")
		defer func() { w.evidence = nil }()
		if _, err := w.Apply(ctx, owner, w.application("a-3", credit.DirectSignature)); protocol.CodeOf(err) != protocol.CodePolicyRefused {
			t.Error(err)
		}
	})
	t.Run("an application that waits too long", func(t *testing.T) {
		w := newWorld(t, NewMemoryStore())
		id, err := w.Apply(ctx, owner, w.application("a-1", credit.DirectSignature))
		if err != nil {
			t.Fatal(err)
		}
		w.pass(24 * time.Hour)
		if s := w.status(id).Status; s != credit.Expired {
			t.Error("TSD-CRD-LCM-01", s)
		}
		if _, err := w.Prepare(ctx, owner, "a-1"); protocol.CodeOf(err) != protocol.CodeStateConflict {
			t.Error(err)
		}
	})
}

func TestConfirm(t *testing.T) {
	w := newWorld(t, NewMemoryStore())
	ctx := t.Context()
	if _, err := w.Apply(ctx, owner, w.application("a-1", credit.DirectSignature)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Prepare(ctx, shop, "a-1"); protocol.CodeOf(err) != protocol.CodeNoMatch {
		t.Error("TSD-CRD-VER-04 a stranger is shown a draft:", err)
	}
	payload, err := w.Prepare(ctx, owner, "a-1")
	if err != nil {
		t.Fatal(err)
	}
	w.pass(time.Second)
	if same, err := w.Prepare(ctx, owner, "a-1"); err != nil || string(same) != string(payload) {
		t.Error("the draft is not frozen:", err)
	}
	confirmed, err := credit.SignPayload(signer(t, owner), payload)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.bureau.Rate(owner, jsontext.Value(`{"grade":"B"}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Confirm(ctx, owner, "a-1", confirmed); protocol.CodeOf(err) != protocol.CodeStateConflict {
		t.Error("TSD-CRD-ASC-07 mapped otherwise by now:", err)
	}
	if _, err := w.Confirm(ctx, owner, "a-1", credit.Confirmation{Method: credit.AttestedConfirmation}); err == nil {
		t.Error("TSD-CRD-ASC-02 another method")
	}
	c := w.confirm("a-1", credit.DirectSignature)
	var value struct{ Level string }
	if err := json.Unmarshal(c.Value, &value); err != nil || value.Level != "B-ASSOCIATED" || w.status(c.CredentialID).Status != credit.Active {
		t.Error(string(c.Value), err)
	}
	if _, err := w.Confirm(ctx, owner, "a-1", confirmed); protocol.CodeOf(err) != protocol.CodeStateConflict {
		t.Error("TSD-CRD-ASC-06 confirmed twice:", err)
	}
	if _, err := w.Apply(ctx, owner, w.application("a-2", credit.AttestedConfirmation)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Confirm(ctx, shop, "a-2", credit.Confirmation{Method: credit.AttestedConfirmation}); protocol.CodeOf(err) != protocol.CodePrincipalMismatch {
		t.Error("TSD-CRD-ASC-02 confirmed by a stranger:", err)
	}
	for party, code := range map[string]protocol.Code{owner: "", helper: "", shop: protocol.CodeNoMatch, "": protocol.CodeNoMatch} {
		if _, err := w.Credential(ctx, party, c.CredentialID); protocol.CodeOf(err) != code {
			t.Errorf("TSD-CRD-VER-04 credential to %q: %v", party, err)
		}
	}
}

func TestReassess(t *testing.T) {
	for _, method := range []credit.Method{credit.DirectSignature, credit.AttestedConfirmation} {
		t.Run("TSD-CRD-LCM-04 "+string(method), func(t *testing.T) {
			w := newWorld(t, NewMemoryStore())
			ctx := t.Context()
			old := w.associate("a-1", method)
			if unchanged, err := w.Reassess(ctx, old.CredentialID); err != nil || !unchanged || w.status(old.CredentialID).Status != credit.Active {
				t.Fatal(unchanged, err)
			}
			if err := w.bureau.Rate(owner, jsontext.Value(`{"grade":"B"}`)); err != nil {
				t.Fatal(err)
			}
			if r := w.level2(old); r != credit.ReasonCreditInvalid {
				t.Error("TSD-CRD-VER-07 replaced credit:", r)
			}
			if unchanged, err := w.Reassess(ctx, old.CredentialID); err != nil || unchanged {
				t.Fatal(unchanged, err)
			}
			if r := w.verify(w.request(old, credit.LevelCredential)).Answer().Reason; r != credit.ReasonReview {
				t.Error("TSD-CRD-VER-08", r)
			}
			if err := w.change(old, credit.Active, bureau, "RISK_ENDED"); protocol.CodeOf(err) != protocol.CodeStateConflict {
				t.Error("TSD-CRD-LCM-04 resumed unseen:", err)
			}
			next := w.confirm("a-1", method)
			if next.PreviousRef != old.CredentialID || next.CredentialID == old.CredentialID {
				t.Errorf("TSD-CRD-ASC-04 the new credential names %q", next.PreviousRef)
			}
			if s := w.status(old.CredentialID); s.Status != credit.Revoked || s.Reason != credit.ChangeReplaced {
				t.Errorf("TSD-CRD-LCM-03 %+v", s)
			}
			if r := w.level2(next); r != credit.ReasonVerified {
				t.Error(r)
			}
			if err := w.change(old, credit.Active, owner, "BACK"); protocol.CodeOf(err) != protocol.CodeStateConflict {
				t.Error("TSD-CRD-LCM-05 back from revocation:", err)
			}
		})
	}
	t.Run("TSD-CRD-ASC-08 evidence that fails later revokes", func(t *testing.T) {
		w := newWorld(t, NewMemoryStore())
		c := w.associate("a-1", credit.DirectSignature)
		w.evidence = errDown
		if _, err := w.Reassess(t.Context(), c.CredentialID); err == nil || w.status(c.CredentialID).Status != credit.Suspended {
			t.Error("undecided evidence leaves it suspended:", err)
		}
		w.evidence = protocol.New(protocol.CodePolicyRefused, "", "", "")
		if unchanged, err := w.Reassess(t.Context(), c.CredentialID); err != nil || unchanged || w.status(c.CredentialID).Status != credit.Revoked {
			t.Error(unchanged, err)
		}
	})
}

// level2 authorizes and asks for the mapped value.
func (w *world) level2(c credit.Credential) credit.Reason {
	w.t.Helper()
	q := w.request(c, credit.LevelCredit)
	w.leave(&q, nil)
	return w.verify(q).Answer().Reason
}

func TestChange(t *testing.T) {
	w := newWorld(t, NewMemoryStore())
	c := w.associate("a-1", credit.DirectSignature)
	if err := w.change(c, credit.Revoked, shop, "X"); protocol.CodeOf(err) != protocol.CodeActorRefused {
		t.Error("TSD-CRD-LCM-05 a stranger revokes:", err)
	}
	if err := w.change(c, credit.Suspended, bureau, "RISK"); err != nil {
		t.Fatal(err)
	}
	if err := w.change(c, credit.Active, owner, "BACK"); protocol.CodeOf(err) != protocol.CodeActorRefused {
		t.Error("the owner lifts the bureau's suspension:", err)
	}
	if err := w.change(c, credit.Active, bureau, "RISK_ENDED"); err != nil {
		t.Error(err)
	}
	t.Run("TSD-CRD-VER-05 a request for a move serves once, also when it was refused", func(t *testing.T) {
		text, err := credit.StatusChange{
			RequestID: "r", CredentialID: c.CredentialID, Target: credit.Active, Reason: "X", RequestedBy: bureau, RequestedAt: credit.At(w.clock()), AntiReplay: credit.NewAntiReplay(),
		}.Sign(signer(t, bureau))
		if err != nil {
			t.Fatal(err)
		}
		u, err := credit.ParseStatusChange(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []protocol.Code{protocol.CodeStateConflict, protocol.CodeReplayed} {
			if _, err := w.Change(t.Context(), u); protocol.CodeOf(err) != want {
				t.Error(err)
			}
		}
	})
	w.pass(24 * time.Hour)
	if s := w.status(c.CredentialID); s.Status != credit.Expired || s.Reason != credit.ChangeValidityEnd {
		t.Errorf("%+v", s)
	}
	if err := w.change(c, credit.Revoked, owner, "X"); protocol.CodeOf(err) != protocol.CodeStateConflict {
		t.Error("TSD-CRD-LCM-01", err)
	}
}
