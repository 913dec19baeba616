package credit_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/credit"
	"github.com/actprotocol/act-go/protocol/keys"
)

// exampleSchema is the schema of an official example, by the start of its name.
var exampleSchema = [][2]string{
	{"association-application", "association-application"}, {"association-credential", "association-credential"},
	{"agent-associated", "agent-associated-credit-assertion"}, {"subject-credit", "subject-credit-assertion"},
	{"credential-status", "credential-status"}, {"status-change", "status-change-request"},
	{"credit-query", "credit-query-authorization"}, {"verification-request", "verification-request"}, {"verification-response", "verification-response"},
}

func TestOfficialExamples(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(official(t), "examples", "*.json"))
	if err != nil || len(files) < 15 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		i := slices.IndexFunc(exampleSchema, func(e [2]string) bool { return strings.HasPrefix(name, e[0]) })
		if i < 0 {
			t.Errorf("%s is of no known kind", name)
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := readers[exampleSchema[i][1]+".schema.json"](data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type vector struct {
	ID, Schema, Operation, CanonicalPayload, PublicKey, Signature string
	Instance                                                      json.RawMessage
	Input                                                         struct{ FromStatus, ToStatus credit.Status }
	ExpectedValid, ExpectedAllowed                                bool
	ExpectedResult                                                credit.Result
	ExpectedReasonCode                                            credit.Reason
}

func TestOfficialVectors(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(official(t), "test-vectors", "*", "*.json"))
	if err != nil || len(files) < 30 {
		t.Fatalf("%d vectors, %v", len(files), err)
	}
	reasons := map[credit.Reason]bool{}
	for _, file := range files {
		var v vector
		readJSON(t, file, &v)
		t.Run(v.ID, func(t *testing.T) {
			switch {
			case v.Schema != "":
				read := readers[v.Schema]
				if read == nil {
					t.Fatalf("no reader for %s", v.Schema)
				}
				if err := read(v.Instance); (err == nil) != v.ExpectedValid {
					t.Errorf("valid %v wanted, got %v", v.ExpectedValid, err)
				}
			case v.CanonicalPayload != "":
				if err := verifyVector(t, v); (err == nil) != v.ExpectedValid {
					t.Errorf("valid %v wanted, got %v", v.ExpectedValid, err)
				}
			case v.Operation == "lifecycleTransition":
				if v.Input.FromStatus.CanMove(v.Input.ToStatus) != v.ExpectedAllowed {
					t.Error("another transition table")
				}
			case v.Operation == "verificationReasonCode":
				reasons[v.ExpectedReasonCode] = true
				if !v.ExpectedReasonCode.Known() || v.ExpectedReasonCode.Result() != v.ExpectedResult {
					t.Errorf("%s goes with %s", v.ExpectedReasonCode, v.ExpectedReasonCode.Result())
				}
			default:
				t.Error("a vector of no known kind")
			}
		})
	}
	if len(reasons) != 18 || len(credit.Reasons()) != 18 {
		t.Errorf("TSD-CRD-VER-03: %d official reason codes, %d of ours", len(reasons), len(credit.Reasons()))
	}
}

func verifyVector(t *testing.T, v vector) error {
	block, _ := pem.Decode([]byte(v.PublicKey))
	if block == nil {
		t.Fatal("no PEM")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	public, err := keys.NewPublicKey(key.(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	return credit.VerifyBare(public, []byte(v.CanonicalPayload), v.Signature)
}

// TestOfficialBlemishes: the invalid credential vectors lack associationRole
// besides what they are about; with it they are still refused, for the latter.
func TestOfficialBlemishes(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(official(t), "test-vectors", "invalid", "association-credential-*.json"))
	if err != nil || len(files) != 4 {
		t.Fatalf("%d vectors, %v", len(files), err)
	}
	for _, file := range files {
		var v struct{ Instance map[string]any }
		readJSON(t, file, &v)
		v.Instance["associationRole"] = "OPERATOR"
		data, err := canon.Marshal(v.Instance)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := credit.ParseCredential(data); err == nil {
			t.Errorf("%s is accepted with a role", filepath.Base(file))
		}
	}
}

// TestKindsDoNotMeet: the bare form has no domain separation, so no text of one
// kind may have the form of another; a signature is then of one kind only.
func TestKindsDoNotMeet(t *testing.T) {
	for kind, text := range texts(t) {
		for other, read := range readers {
			if err := read(text); (err == nil) != (kind == other) {
				t.Errorf("%s read as %s: %v", kind, other, err)
			}
		}
	}
}

// texts makes one message of each kind.
func texts(t testing.TB) map[string][]byte {
	t.Helper()
	h := newHouse(t, credit.DirectSignature)
	nonce := credit.AntiReplay{Nonce: "one more nonce of a text"}
	app, err := application(credit.DirectSignature).Encode()
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"association-application.schema.json":           app,
		"association-credential.schema.json":            h.credential,
		"subject-credit-assertion.schema.json":          h.subject,
		"agent-associated-credit-assertion.schema.json": h.agent,
		"direct-signing-payload.schema.json":            must[[]byte](t)(h.draft.Payload()),
		"credential-status.schema.json":                 must[[]byte](t)(credit.Begin(moment).Statement("credential-1").Sign(signer(t, issuer))),
		"status-change-request.schema.json": must[[]byte](t)(credit.StatusChange{
			RequestID: "r", CredentialID: "credential-1", Target: credit.Revoked, Reason: "DONE", RequestedBy: owner, RequestedAt: credit.At(moment), AntiReplay: nonce,
		}.Sign(signer(t, owner))),
		"credit-query-authorization.schema.json": must[[]byte](t)(authorization(credit.PlatformDelegated).Sign(signer(t, owner))),
		"authorization-revocation-request.schema.json": must[[]byte](t)(credit.Revocation{
			RequestID: "r", AuthorizationID: "authorization-1", SubjectID: owner, Reason: "DONE", RequestedAt: credit.At(moment), AntiReplay: nonce,
		}.Sign(signer(t, owner))),
		"verification-request.schema.json": must[[]byte](t)(request(t, credit.LevelCredit).Sign(signer(t, shop))),
		"verification-response.schema.json": must[[]byte](t)(credit.CreditResponse{
			Answer:    answer(credit.LevelCredit),
			Disclosed: credit.Disclose(request(t, credit.LevelCredit), authorization(credit.PerRequest), h.assertion.Mapped()),
		}.Sign(signer(t, issuer))),
	}
}

func answer(level credit.Level) credit.Answer {
	return credit.Answer{
		RequestID: "request-1", RecordID: "record-1", AgentID: helper, CompletedLevel: level, Result: credit.ResultPass, Reason: credit.ReasonVerified,
		Status: credit.Active, Scope: []string{shop}, GeneratedAt: credit.At(moment), ExpiresAt: credit.At(moment.Add(300e9)), PurposeLimited: true,
	}
}
