package credit_test

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/credit"
	"github.com/actprotocol/act-go/protocol/keys"
)

// TestHandmade: what no text that was read can say, and a Go value that a caller
// made can, is refused too.
func TestHandmade(t *testing.T) {
	q := request(t, credit.LevelCredit)
	for name, test := range map[string]struct {
		status credit.Status
		mode   credit.Mode
		reason credit.Reason
	}{
		"TSD-CRD-AUTH-03 a state that authorizations do not have": {credit.Suspended, credit.PerRequest, credit.ReasonAuthRequired},
		"TSD-CRD-AUTH-03 no state":                                {"", credit.PerRequest, credit.ReasonAuthRequired},
		"TSD-CRD-AUTH-02 no mode":                                 {credit.Active, "", credit.ReasonAuthScope},
	} {
		t.Run(name, func(t *testing.T) {
			a := authorization(credit.PerRequest)
			a.Status, a.Mode = test.status, test.mode
			if reason, _ := a.Covers(q, owner, nil, moment); reason != test.reason {
				t.Error(reason)
			}
		})
	}
	t.Run("TSD-CRD-AUTH-01 no authorization of that id", func(t *testing.T) {
		c := must[*credit.UnverifiedCredential](t)(credit.ParseCredential(newHouse(t, credit.DirectSignature).credential)).Credential()
		nameless := q
		nameless.AuthorizationID = ""
		first := q
		first.Level = credit.LevelCredential
		a := authorization(credit.PerRequest)
		if v := credit.JudgeAuthorization(nameless, c, &credit.QueryAuthorization{}, nil, moment); v.Passed() {
			t.Error("the zero authorization serves a request that names none")
		}
		if v := credit.JudgeAuthorization(first, c, &a, nil, moment); v.Passed() {
			t.Error("a request of the first level is served")
		}
	})
	t.Run("a text that is not canonical", func(t *testing.T) {
		text := []byte(`{"b":1,"a":2}`)
		sig := must[[]byte](t)(signer(t, owner).Sign(keys.Credit, text))
		if err := credit.VerifyBare(signer(t, owner).Public(), text, canon.EncodeBase64(sig)); protocol.CodeOf(err) != protocol.CodeMalformed {
			t.Error(err)
		}
	})
	t.Run("an attested credential has no signature of the subject", func(t *testing.T) {
		u := must[*credit.UnverifiedCredential](t)(credit.ParseCredential(newHouse(t, credit.AttestedConfirmation).credential))
		if err := u.VerifySubject(signer(t, owner).Public()); protocol.CodeOf(err) != protocol.CodeModeMismatch {
			t.Error(err)
		}
	})
	t.Run("a subject's key without a name, or that nobody knows", func(t *testing.T) {
		h := newHouse(t, credit.DirectSignature)
		c := must[credit.Confirmation](t)(credit.SignPayload(signer(t, owner), must[[]byte](t)(h.draft.Payload())))
		if _, err := credit.Issue(signer(t, issuer), h.draft, c, keys.PublicKey{}, h.assertion); protocol.CodeOf(err) != protocol.CodeKeyUnknown {
			t.Error(err)
		}
		c.SubjectPublicKey.KeyID = owner
		if _, err := credit.Issue(signer(t, issuer), h.draft, c, signer(t, owner).Public(), h.assertion); protocol.CodeOf(err) != protocol.CodeKeyUnknown {
			t.Error(err)
		}
		var none credit.Unverified[credit.SubjectAssertion]
		if none.Verify(signer(t, bureau).Public()) == nil {
			t.Error("the zero message verifies")
		}
	})
	t.Run("TSD-CRD-VER-04 an answer of the other level", func(t *testing.T) {
		if _, err := (credit.CredentialResponse{Answer: answer(credit.LevelCredit)}).Sign(signer(t, issuer)); protocol.CodeOf(err) != protocol.CodeFieldInvalid {
			t.Error(err)
		}
		if _, err := (credit.CreditResponse{Answer: answer(credit.LevelCredential)}).Sign(signer(t, issuer)); protocol.CodeOf(err) != protocol.CodeClaimsConflict {
			t.Error(err)
		}
	})
	t.Run("a context that is no JSON", func(t *testing.T) {
		odd := q
		odd.Context = map[string]jsontext.Value{"transactionType": jsontext.Value(`"\x"`)}
		if credit.NamedScope([]string{shop}, odd) {
			t.Error("in scope")
		}
	})
}
