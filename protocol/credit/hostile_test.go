package credit_test

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/credit"
	"github.com/actprotocol/act-go/protocol/keys"
)

// TestCoverage: which member each of the two signatures covers
// (TSD-CRD-ASC-03). Every member is changed; exactly the signatures that cover
// it break.
func TestCoverage(t *testing.T) {
	text := newHouse(t, credit.DirectSignature).credential
	outsideInner := " subjectPublicKey subjectSignature subjectSignatureAlgorithm previousCredentialRef issuerSignature issuerSignatureAlgorithm "
	outsideOuter := " statusQuery previousCredentialRef issuerSignature issuerSignatureAlgorithm "
	changed := map[string]any{
		"associatedCreditValue": map[string]any{"level": "AAA"}, "mappingPolicy": map[string]any{"id": "grades", "version": "2"}, "scope": []string{"everything"},
		"associationApplicationRequestedAt": "2026-08-12T08:00:01Z", "associationApplicationAntiReplay": map[string]any{"nonce": "another nonce, long enough"},
		"issuedAt": "2026-08-12T08:00:01Z", "validFrom": "2026-08-12T08:00:01Z", "expiresAt": "2036-08-12T08:00:01Z",
		"statusQuery": map[string]any{"uri": "https://attacker.example/status"}, "relationshipEvidenceRef": "urn:other", "subjectCreditAssertionRef": "urn:other",
		"previousCredentialRef": "credential-0",
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	members["previousCredentialRef"] = ""
	for name, old := range members {
		switch name {
		case "credentialVersion", "creditSource", "confirmationMethod", "subjectPublicKey", "subjectSignature", "subjectSignatureAlgorithm", "issuerSignature", "issuerSignatureAlgorithm":
			continue // constants, and the signatures themselves
		}
		next, ok := changed[name]
		if !ok {
			next = "changed"
		}
		copied := map[string]any{}
		for k, v := range members {
			copied[k] = v
		}
		delete(copied, "previousCredentialRef")
		copied[name] = next
		data, err := canon.Marshal(copied)
		if err != nil {
			t.Fatal(err)
		}
		u, err := credit.ParseCredential(data)
		if err != nil {
			t.Fatalf("%s (was %v): %v", name, old, err)
		}
		if broken := u.VerifySubject(signer(t, owner).Public()) != nil; broken == strings.Contains(outsideInner, " "+name+" ") {
			t.Errorf("TSD-CRD-ASC-03 %s: the subject's signature is broken: %v", name, broken)
		}
		if broken := u.VerifyIssuer(signer(t, issuer).Public()) != nil; broken == strings.Contains(outsideOuter, " "+name+" ") {
			t.Errorf("TSD-CRD-ASC-03 %s: the issuer's signature is broken: %v", name, broken)
		}
	}
	t.Run("the outer signature covers the inner", func(t *testing.T) {
		other, err := credit.NewPublicKey(signer(t, shop))
		if err != nil {
			t.Fatal(err)
		}
		for name, next := range map[string]any{"subjectPublicKey": map[string]any{"keyId": other.KeyID, "format": other.Format, "value": other.Value}, "subjectSignature": "AAAA"} {
			members[name] = next
			delete(members, "previousCredentialRef")
			data, err := canon.Marshal(members)
			if err != nil {
				t.Fatal(err)
			}
			u, err := credit.ParseCredential(data)
			if err != nil {
				t.Fatal(err)
			}
			if u.VerifyIssuer(signer(t, issuer).Public()) == nil {
				t.Error(name)
			}
		}
	})
}

// TestEveryByte: no single changed byte of a signed text is believed.
func TestEveryByte(t *testing.T) {
	believed := map[string]func([]byte) error{
		"verification-request.schema.json": func(b []byte) error {
			u, err := credit.ParseRequest(b)
			if err != nil {
				return err
			}
			return u.Verify(signer(t, shop).Public())
		},
		"credit-query-authorization.schema.json": func(b []byte) error {
			u, err := credit.ParseQueryAuthorization(b)
			if err != nil {
				return err
			}
			return u.Verify(signer(t, owner).Public())
		},
		"verification-response.schema.json": func(b []byte) error {
			u, err := credit.ParseResponse(b, issuer)
			if err != nil {
				return err
			}
			_, err = u.Reference(signer(t, issuer).Public(), request(t, credit.LevelCredit), moment)
			return err
		},
	}
	all := texts(t)
	for kind, believe := range believed {
		text := all[kind]
		if err := believe(text); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		for i := range text {
			spoiled := bytes.Clone(text)
			spoiled[i] ^= 1
			if believe(spoiled) == nil && !sameMeaning(t, spoiled, text) {
				t.Errorf("%s: byte %d", kind, i)
			}
		}
	}
}

// sameMeaning: the name of the key is not covered; another name that is still
// the party's is another key, which the caller resolves.
func sameMeaning(t *testing.T, a, b []byte) bool {
	strip := func(data []byte) string {
		var v map[string]any
		if err := json.Unmarshal(data, &v); err != nil {
			t.Fatal(err)
		}
		for _, member := range []string{"requestProof", "authorizationProof", "responseProof"} {
			if p, ok := v[member].(map[string]any); ok {
				delete(p, "keyId")
			}
		}
		out, err := canon.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	return strip(a) == strip(b)
}

func TestIssueRefuses(t *testing.T) {
	h := newHouse(t, credit.DirectSignature)
	payload := must[[]byte](t)(h.draft.Payload())
	confirmed := must[credit.Confirmation](t)(credit.SignPayload(signer(t, owner), payload))
	changed := h.assertion
	changed.Value = jsontext.Value(`{"level":"AAA"}`)
	later := h.assertion
	later.Policy.Version = "1.1"
	ended := h.assertion
	ended.Status = credit.Revoked
	unsigned := confirmed
	unsigned.SubjectSignature = canon.EncodeBase64(make([]byte, 64))
	for name, test := range map[string]struct {
		signer     *keys.Signer
		confirmed  credit.Confirmation
		registered keys.PublicKey
		assertion  credit.AgentAssertion
	}{
		"TSD-CRD-ASC-07 another value":      {signer(t, issuer), confirmed, signer(t, owner).Public(), changed},
		"TSD-CRD-ASC-07 another version":    {signer(t, issuer), confirmed, signer(t, owner).Public(), later},
		"TSD-CRD-ASC-07 no longer active":   {signer(t, issuer), confirmed, signer(t, owner).Public(), ended},
		"another issuer":                    {signer(t, shop), confirmed, signer(t, owner).Public(), h.assertion},
		"nobody":                            {nil, confirmed, signer(t, owner).Public(), h.assertion},
		"TSD-CRD-ASC-02 another method":     {signer(t, issuer), credit.Confirmation{Method: credit.AttestedConfirmation}, signer(t, owner).Public(), h.assertion},
		"TSD-CRD-ASC-02 no signature":       {signer(t, issuer), unsigned, signer(t, owner).Public(), h.assertion},
		"a key that is not registered":      {signer(t, issuer), confirmed, signer(t, shop).Public(), h.assertion},
		"a key that could not be looked up": {signer(t, issuer), confirmed, keys.PublicKey{}, h.assertion},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := credit.Issue(test.signer, h.draft, test.confirmed, test.registered, test.assertion); err == nil {
				t.Error("issued")
			}
		})
	}
	t.Run("TSD-CRD-ASC-06 another application's confirmation", func(t *testing.T) {
		app := application(credit.DirectSignature)
		app.ApplicationID = "application-2"
		d := must[credit.Draft](t)(credit.NewDraft(app, h.assertion, credit.Terms{EvidenceRef: app.EvidenceRefs[0], Statement: "I confirm.", StatusURI: "/s", At: moment}))
		if _, err := credit.Issue(signer(t, issuer), d, confirmed, signer(t, owner).Public(), h.assertion); err == nil {
			t.Error("issued")
		}
	})
	t.Run("TSD-CRD-ASC-06 the subject signs for itself only", func(t *testing.T) {
		if _, err := credit.SignPayload(signer(t, shop), payload); protocol.CodeOf(err) != protocol.CodeClaimsConflict {
			t.Error(err)
		}
	})
	t.Run("TSD-CRD-ASC-02 an empty statement", func(t *testing.T) {
		app := application(credit.AttestedConfirmation)
		d := must[credit.Draft](t)(credit.NewDraft(app, h.assertion, credit.Terms{EvidenceRef: app.EvidenceRefs[0], Statement: "  ", StatusURI: "/s", At: moment}))
		if _, err := credit.Issue(signer(t, issuer), d, credit.Confirmation{Method: credit.AttestedConfirmation}, keys.PublicKey{}, h.assertion); protocol.CodeOf(err) != protocol.CodeFieldInvalid {
			t.Error(err)
		}
	})
}

func TestKeysOfTheirOwn(t *testing.T) {
	private, err := keys.Generate(keys.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []keys.Purpose{keys.AgentRequest, keys.Seller, keys.Proof, keys.IssueAuthorization, keys.Attestation} {
		s, err := keys.NewSigner(shop+"#k", p, private)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := request(t, credit.LevelCredential).Sign(s); protocol.CodeOf(err) != protocol.CodeKeyPurpose {
			t.Errorf("a key for %s signs bare texts: %v", p, err)
		}
	}
	curve, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	s, err := keys.NewSigner(shop+"#k", keys.Credit, curve.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := request(t, credit.LevelCredential).Sign(s); protocol.CodeOf(err) != protocol.CodeAlgorithmRefused {
		t.Error(err)
	}
	if credit.VerifyBare(s.Public(), []byte("{}"), "AA") == nil || credit.VerifyBare(keys.PublicKey{}, []byte("{}"), "AA") == nil {
		t.Error("verified by no key of the profile")
	}
}

func TestMapping(t *testing.T) {
	said := credit.SubjectAssertion{
		AssertionID: "s", AssertionVersion: "1", CreditServiceID: bureau, SubjectID: owner, IssuedAt: credit.At(moment), ValidFrom: credit.At(moment),
		ExpiresAt: credit.At(moment.Add(time.Hour)), Payload: jsontext.Value(`{"limit":5,  "grade":"A"}`),
	}
	by := func(value string) credit.Rule {
		return credit.Rule{Policy: rule.Policy, Map: func(jsontext.Value) (jsontext.Value, error) { return jsontext.Value(value), nil }}
	}
	for name, test := range map[string]struct {
		rule credit.Rule
		app  credit.Application
		at   time.Time
		code protocol.Code
	}{
		"bounded": {by(`"A-ASSOCIATED"`), application(credit.AttestedConfirmation), moment, ""},
		"TSD-CRD-MAP-03 the subject's whole credit": {by(`{"grade":"A","limit":5}`), application(credit.AttestedConfirmation), moment, protocol.CodePolicyRefused},
		"TSD-CRD-MAP-05 the original inside":        {by(`{"of":[{"limit":5,"grade":"A"}]}`), application(credit.AttestedConfirmation), moment, protocol.CodePolicyRefused},
		"nothing":                                   {by(`{}`), application(credit.AttestedConfirmation), moment, protocol.CodeFieldInvalid},
		"null":                                      {by(`null`), application(credit.AttestedConfirmation), moment, protocol.CodeFieldInvalid},
		"past its end":                              {by(`"A"`), application(credit.AttestedConfirmation), moment.Add(time.Hour), protocol.CodeStateConflict},
		"TSD-CRD-MAP-02 somebody else's credit":     {by(`"A"`), func() credit.Application { a := application(credit.AttestedConfirmation); a.SubjectID = shop; return a }(), moment, protocol.CodePrincipalMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := test.rule.Apply(test.app, said, "urn:s", "c", "a", test.at)
			if protocol.CodeOf(err) != test.code {
				t.Fatal(err)
			}
			if err == nil && (a.Source != credit.Source || a.ExpiresAt != said.ExpiresAt) {
				t.Errorf("TSD-CRD-MAP-01 %+v", a)
			}
		})
	}
}

// TestReference: a result says what it may be used for, and is nothing that
// money or authority could follow from (TSD-CRD-VER-06, TSD-CRD-AUTH-06).
func TestReference(t *testing.T) {
	q := request(t, credit.LevelCredit)
	disclosed := credit.Disclose(q, authorization(credit.PerRequest), newHouse(t, credit.DirectSignature).assertion.Mapped())
	key := signer(t, issuer).Public()
	send := func(a credit.Answer, d *credit.Disclosed) *credit.Response {
		var text []byte
		if d != nil {
			text = must[[]byte](t)(credit.CreditResponse{Answer: a, Disclosed: *d}.Sign(signer(t, issuer)))
		} else {
			text = must[[]byte](t)(credit.CredentialResponse{Answer: a}.Sign(signer(t, issuer)))
		}
		return must[*credit.Response](t)(credit.ParseResponse(text, issuer))
	}
	if r, err := send(answer(credit.LevelCredit), &disclosed).Reference(key, q, moment); err != nil || !r.Passed(credit.LevelCredit) || !r.Passed(credit.LevelCredential) || r.Purpose() != purpose {
		t.Error(r, err)
	}
	if (credit.RiskReference{}).Passed(credit.LevelCredential) || (credit.RiskReference{}).Passed("") {
		t.Error("TSD-CRD-VER-06 the zero reference has passed")
	}
	failed := answer(credit.LevelCredential)
	failed.Result, failed.Reason = credit.ResultFail, credit.ReasonAuthRequired
	if r, err := send(failed, nil).Reference(key, q, moment); err != nil || r.Passed(credit.LevelCredential) {
		t.Error(r, err)
	}
	elsewhere := q
	elsewhere.RequestID = "request-2"
	stranger := q
	stranger.AgentID = shop
	modest := q
	modest.RequestedItems = []string{credit.ItemPolicy}
	for name, test := range map[string]struct {
		r  *credit.Response
		q  credit.VerificationRequest
		at time.Time
	}{
		"another request":                    {send(answer(credit.LevelCredit), &disclosed), elsewhere, moment},
		"another agent":                      {send(answer(credit.LevelCredit), &disclosed), stranger, moment},
		"TSD-CRD-VER-04 more than asked for": {send(answer(credit.LevelCredit), &disclosed), modest, moment},
		"TSD-CRD-VER-04 a higher level":      {send(answer(credit.LevelCredit), &disclosed), request(t, credit.LevelCredential), moment},
		"TSD-CRD-VER-10 a lower level":       {send(answer(credit.LevelCredential), nil), q, moment},
		"TSD-CRD-VER-10 too late":            {send(answer(credit.LevelCredit), &disclosed), q, moment.Add(5 * time.Minute)},
		"from the future":                    {send(answer(credit.LevelCredit), &disclosed), q, moment.Add(-2 * time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			if r, err := test.r.Reference(key, test.q, test.at); err == nil || r.Passed(credit.LevelCredential) {
				t.Error("believed")
			}
		})
	}
	if _, err := send(answer(credit.LevelCredit), &disclosed).Reference(signer(t, shop).Public(), q, moment); err == nil {
		t.Error("another signer")
	}
}

// TestSignLeavesAlone: signing changes nothing that the caller holds.
func TestSignLeavesAlone(t *testing.T) {
	q := request(t, credit.LevelCredit)
	q.RequestedItems = append(make([]string, 0, 8), q.RequestedItems...)
	items := q.RequestedItems
	first, context := &items[0], q.Context
	done := make(chan struct{})
	go func() { // the race detector watches
		defer close(done)
		for range 100 {
			if *first == "" || len(context["orderId"]) == 0 {
				t.Error("changed")
			}
		}
	}()
	for range 20 {
		if _, err := q.Sign(signer(t, shop)); err != nil {
			t.Fatal(err)
		}
	}
	<-done
}
