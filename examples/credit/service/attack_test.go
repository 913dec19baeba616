package service

import (
	"context"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/credit"
)

// A slowBureau lets something happen while it is asked.
type slowBureau struct {
	Bureau
	meanwhile func()
}

func (b slowBureau) Look(ctx context.Context, c credit.Credential) (Look, error) {
	b.meanwhile()
	return b.Bureau.Look(ctx, c)
}

// What ended while the bureau was asked has ended: the decision is of the moment
// at which it is made and not of that at which the request came.
func TestEndsWhileLooking(t *testing.T) {
	for name, wait := range map[string]time.Duration{"authorization": time.Hour, "credential": 24 * time.Hour} {
		t.Run("TSD-CRD-AUTH-03 "+name, func(t *testing.T) {
			w := newWorld(t, NewMemoryStore())
			c := w.associate("a-1", credit.AttestedConfirmation)
			q := w.request(c, credit.LevelCredit)
			w.leave(&q, nil)
			text, err := q.Sign(signer(t, shop))
			if err != nil {
				t.Fatal(err)
			}
			w.Service.Bureau = slowBureau{w.bureau, func() { w.pass(wait) }}
			answer, err := w.Verify(t.Context(), text)
			if err != nil {
				t.Fatal(err)
			}
			r, err := credit.ParseResponse(answer, house)
			if err != nil {
				t.Fatal(err)
			}
			ref, err := r.Reference(signer(t, house).Public(), q, w.clock()) // an answer of now
			if err != nil || ref.Passed(credit.LevelCredit) || ref.Disclosed().Value != nil {
				t.Errorf("%+v, %v", ref.Answer(), err)
			}
		})
	}
}

// A request that takes long counts from when it is served: a later one of the
// same span finds it.
func TestWindowWhileLooking(t *testing.T) {
	w := newWorld(t, NewMemoryStore())
	c := w.associate("a-1", credit.AttestedConfirmation)
	q := w.request(c, credit.LevelCredit)
	leave := w.leave(&q, &credit.FrequencyLimit{MaxRequests: 1, WindowSeconds: 20})
	w.Service.Bureau = slowBureau{w.bureau, func() { w.pass(19 * time.Second) }}
	if ref := w.verify(q); !ref.Passed(credit.LevelCredit) {
		t.Fatal(ref.Answer().Reason)
	}
	w.Service.Bureau = w.bureau
	w.pass(time.Second)
	next := w.request(c, credit.LevelCredit)
	next.PlatformDelegateID, next.AuthorizationID = platform, leave.AuthorizationID
	if ref := w.verify(next); ref.Answer().Reason != credit.ReasonAuthScope {
		t.Error("TSD-CRD-AUTH-02 a second one a second later:", ref.Answer().Reason)
	}
}

// A request id ends with its pass, also for one that was already on its way.
func TestRequestIDOnItsWay(t *testing.T) {
	w := newWorld(t, NewMemoryStore())
	c := w.associate("a-1", credit.AttestedConfirmation)
	q := w.request(c, credit.LevelCredential)
	nested := false
	w.Agent = func(context.Context, string) error {
		if !nested {
			nested = true
			if ref := w.verify(again(w, q)); !ref.Passed(credit.LevelCredential) {
				t.Error(ref.Answer().Reason)
			}
		}
		return nil
	}
	if ref := w.verify(q); ref.Answer().Reason != credit.ReasonReplay {
		t.Error("TSD-CRD-VER-05 one request id passed twice:", ref.Answer().Reason)
	}
}

// Whoever calls itself a platform does not get, in the name of a relying party
// that has signed nothing, what the scope keeps for that one.
func TestSelfMadePlatform(t *testing.T) {
	w := newWorld(t, NewMemoryStore())
	c := w.associate("a-1", credit.AttestedConfirmation)
	q := w.request(c, credit.LevelCredential)
	q.PlatformDelegateID = "did:act:stranger.example/stranger"
	ref := w.verify(q)
	if ref.Answer().Reason != credit.ReasonRequestProof || len(ref.Answer().Scope) != 1 || ref.Answer().Scope[0] != credit.NoScope {
		t.Errorf("TSD-CRD-VER-01 %+v", ref.Answer())
	}
}

// The words of a scope are compared with the text, however it is escaped, and an
// empty word allows nothing.
func TestScopeWords(t *testing.T) {
	for _, c := range []struct {
		entry, kind string
		want        bool
	}{
		{"transaction:hotel", `"HOTEL"`, true}, {"transaction:hotel", `"\u0048otel"`, true}, {"transaction:", ``, false},
		{"transaction:", `""`, false}, {`transaction:\u0068`, `"\u0068"`, false}, {"transaction:hotel", `"\"hotel\""`, false},
	} {
		q := credit.VerificationRequest{Context: map[string]jsontext.Value{"orderId": jsontext.Value(`"o-1"`)}}
		if c.kind != "" {
			q.Context["transactionType"] = jsontext.Value(c.kind)
		}
		if got := credit.NamedScope([]string{c.entry}, q); got != c.want {
			t.Errorf("%s for %s: %v", c.entry, c.kind, got)
		}
	}
}

// What nobody has signed of a credential that came with the request is not told
// again under the service's signature.
func TestStatusQueryIsOurs(t *testing.T) {
	w := newWorld(t, NewMemoryStore())
	c := w.associate("a-1", credit.AttestedConfirmation)
	text, err := w.Credential(t.Context(), owner, c.CredentialID)
	if err != nil {
		t.Fatal(err)
	}
	members := map[string]jsontext.Value{}
	if err := canon.Decode(text, &members); err != nil {
		t.Fatal(err)
	}
	members["statusQuery"] = jsontext.Value(`{"uri":"https://evil.example/status","method":"POST"}`)
	q := w.request(c, credit.LevelCredential)
	if q.Credential, err = canon.Marshal(members); err != nil {
		t.Fatal(err)
	}
	told := w.verify(q).Answer().StatusQuery
	if told == nil || told.Method == "POST" || told.URI != w.statusURI(c.CredentialID) {
		t.Errorf("TSD-CRD-ASC-03 %+v", told)
	}
}
