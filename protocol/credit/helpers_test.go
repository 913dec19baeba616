package credit_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol/credit"
	"github.com/actprotocol/act-go/protocol/keys"
)

const (
	owner    = "did:act:bank.example/owner"
	helper   = "did:act:bank.example/helper" // the agent
	issuer   = "did:act:credit.example/service"
	bureau   = "did:act:bureau.example/bureau"
	shop     = "did:act:shop.example/shop"
	platform = "did:act:platform.example/platform"
	purpose  = "MERCHANT_RISK_REFERENCE"
)

var moment = time.Date(2026, 8, 12, 8, 10, 0, 0, time.UTC)

func signer(t testing.TB, did string) *keys.Signer {
	t.Helper()
	seed := sha256.Sum256([]byte(did))
	s, err := keys.NewSigner(did+"#credit", keys.Credit, ed25519.NewKeyFromSeed(seed[:]))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func application(method credit.Method) credit.Application {
	return credit.Application{
		ApplicationID: "application-1", MessageVersion: credit.Version, SubjectID: owner, AgentID: helper, Role: "OPERATOR",
		EvidenceRefs: []string{"urn:example:evidence:1", "urn:example:evidence:2"}, Method: method, IssuerID: issuer, Purpose: purpose,
		Scope: []string{shop, "transaction:purchase"}, Mode: credit.PerRequest, RequestedAt: credit.At(moment), ValidFrom: credit.At(moment),
		ExpiresAt: credit.At(moment.Add(240 * time.Hour)), AntiReplay: credit.AntiReplay{Nonce: "an application's nonce"},
	}
}

var rule = credit.Rule{
	Policy: credit.MappingPolicy{ID: "grades", Version: "1.0"},
	Map: func(jsontext.Value) (jsontext.Value, error) {
		return jsontext.Value(`{"level":"A-ASSOCIATED","ceiling":"200.00 CNY"}`), nil
	},
}

// A house is everything that a verification needs.
type house struct {
	subject, agent []byte
	assertion      credit.AgentAssertion
	draft          credit.Draft
	credential     []byte
}

func newHouse(t testing.TB, method credit.Method) house {
	t.Helper()
	var h house
	said := credit.SubjectAssertion{
		AssertionID: "subject-1", AssertionVersion: "1.0", CreditServiceID: bureau, SubjectID: owner, IssuedAt: credit.At(moment),
		ValidFrom: credit.At(moment), ExpiresAt: credit.At(moment.Add(720 * time.Hour)), Payload: jsontext.Value(`{"grade":"A","limit":50000}`),
	}
	h.subject = must[[]byte](t)(said.Sign(signer(t, bureau)))
	app := application(method)
	h.assertion = must[credit.AgentAssertion](t)(rule.Apply(app, said, "urn:example:assertion:1", "credential-1", "agent-1", moment))
	h.agent = must[[]byte](t)(h.assertion.Sign(signer(t, bureau)))
	h.draft = must[credit.Draft](t)(credit.NewDraft(app, h.assertion, credit.Terms{
		EvidenceRef: app.EvidenceRefs[1], Statement: "I confirm the role OPERATOR.", StatusURI: "/v1/association-credentials/credential-1/status", At: moment,
	}))
	confirmed := credit.Confirmation{Method: method}
	if method == credit.DirectSignature {
		payload := must[[]byte](t)(h.draft.Payload())
		confirmed = must[credit.Confirmation](t)(credit.SignPayload(signer(t, owner), payload))
	}
	h.credential = must[[]byte](t)(credit.Issue(signer(t, issuer), h.draft, confirmed, signer(t, owner).Public(), h.assertion))
	return h
}

func request(t testing.TB, level credit.Level) credit.VerificationRequest {
	t.Helper()
	q := credit.VerificationRequest{
		RequestID: "request-1", MessageVersion: credit.Version, RelyingPartyID: shop, AgentID: helper, Level: level, Purpose: purpose,
		Context: map[string]jsontext.Value{"orderId": jsontext.Value(`"o-1"`), "transactionType": jsontext.Value(`"PURCHASE"`)}, RequestedItems: []string{"credentialStatus"},
		Credential: must[jsontext.Value](t)(credit.ReferenceTo("credential-1")), RequestedAt: credit.At(moment), AntiReplay: credit.AntiReplay{Nonce: "a nonce of a request"},
	}
	if level == credit.LevelCredit {
		q.SubjectAssertionRef, q.AuthorizationID = "urn:example:assertion:1", "authorization-1"
		q.RequestedItems = []string{credit.ItemValue, credit.ItemPolicy, credit.ItemAssertionValid}
	}
	return q
}

func authorization(mode credit.Mode) credit.QueryAuthorization {
	a := credit.QueryAuthorization{
		AuthorizationID: "authorization-1", AuthorizationVersion: credit.Version, Mode: mode, SubjectID: owner, RelyingPartyIDs: []string{shop},
		AgentIDs: []string{helper}, Level: credit.LevelCredit, Purpose: purpose, AllowedItems: []string{credit.ItemValue, credit.ItemPolicy, credit.ItemAssertionValid},
		ValidFrom: credit.At(moment), ExpiresAt: credit.At(moment.Add(time.Hour)), Status: credit.Active,
	}
	if mode == credit.PerRequest {
		a.BoundRequestID = "request-1"
	} else {
		a.PlatformDelegateID, a.FrequencyLimit = platform, &credit.FrequencyLimit{MaxRequests: 3, WindowSeconds: 60}
	}
	return a
}

// official finds the official data beside the project.
func official(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		data := filepath.Join(dir, "..", "shared", "act-2.1", "official", "tsd-crd", "reference-v1")
		if _, err := os.Stat(data); err == nil {
			return data
		}
		if dir == filepath.Dir(dir) {
			t.Skip("the official reference-v1 data is not beside the project")
		}
	}
}

// readers are our decoders by the name of their official schema.
var readers = map[string]func([]byte) error{
	"association-application.schema.json":           func(b []byte) error { _, err := credit.ParseApplication(b); return err },
	"association-credential.schema.json":            func(b []byte) error { _, err := credit.ParseCredential(b); return err },
	"subject-credit-assertion.schema.json":          func(b []byte) error { _, err := credit.ParseSubjectAssertion(b); return err },
	"agent-associated-credit-assertion.schema.json": func(b []byte) error { _, err := credit.ParseAgentAssertion(b); return err },
	"credential-status.schema.json":                 func(b []byte) error { _, err := credit.ParseStatus(b, issuer); return err },
	"status-change-request.schema.json":             func(b []byte) error { _, err := credit.ParseStatusChange(b); return err },
	"credit-query-authorization.schema.json":        func(b []byte) error { _, err := credit.ParseQueryAuthorization(b); return err },
	"authorization-revocation-request.schema.json":  func(b []byte) error { _, err := credit.ParseRevocation(b); return err },
	"verification-request.schema.json":              func(b []byte) error { _, err := credit.ParseRequest(b); return err },
	"verification-response.schema.json":             func(b []byte) error { _, err := credit.ParseResponse(b, issuer); return err },
	"direct-signing-payload.schema.json":            func(b []byte) error { _, err := credit.PayloadOf(b); return err },
}

func readJSON(t testing.TB, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}
