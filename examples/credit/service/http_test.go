package service

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/actprotocol/act-go/protocol/credit"
)

// apiData is the official profile, beside the project.
const apiData = "../../../../shared/act-2.1/official/tsd-crd/reference-v1"

// api compiles the schemas that the official description gives for requests and
// answers.
func api(t *testing.T) (paths map[string]any, schema func(name string) *jsonschema.Schema) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(apiData, "openapi", "openapi.yaml"))
	if err != nil {
		t.Skip("the official reference-v1 profile is not beside the project")
	}
	var doc map[string]any
	if err := yaml.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(doc) // as JSON, whose numbers the compiler knows
	if err != nil {
		t.Fatal(err)
	}
	resource, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("https://crd.example/openapi/openapi.yaml", resource); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(apiData, "schemas", "*.json"))
	if err != nil || len(files) < 12 {
		t.Fatalf("%d schemas, %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		delete(doc.(map[string]any), "$id") // relative, so that references resolve by address
		if err := c.AddResource("https://crd.example/schemas/"+filepath.Base(file), doc); err != nil {
			t.Fatal(err)
		}
	}
	return doc["paths"].(map[string]any), func(name string) *jsonschema.Schema {
		t.Helper()
		at := "https://crd.example/schemas/" + name + ".schema.json"
		if strings.HasPrefix(name, "#") {
			at = "https://crd.example/openapi/openapi.yaml" + name
		}
		s, err := c.Compile(at)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

// caller plays the official paths.
type caller struct {
	t       *testing.T
	w       *world
	server  *httptest.Server
	paths   map[string]any
	schema  func(string) *jsonschema.Schema
	visited map[string]bool
}

// sent is the schema of what we write, by the path it is posted to.
var sent = map[string]string{
	"/v1/association-applications":                                  "association-application",
	"/v1/association-applications/{applicationId}/confirmations":    "#/components/schemas/DirectConfirmation",
	"/v1/association-credentials/{credentialId}/suspensions":        "status-change-request",
	"/v1/association-credentials/{credentialId}/resumptions":        "status-change-request",
	"/v1/association-credentials/{credentialId}/revocations":        "status-change-request",
	"/v1/credit-query-authorizations":                               "credit-query-authorization",
	"/v1/credit-query-authorizations/{authorizationId}/revocations": "authorization-revocation-request",
	"/v1/verifications": "verification-request",
}

func (a *caller) valid(shape string, text []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return a.schema(shape).Validate(v)
}

// call holds what is sent and answered to the official schemas.
func (a *caller) call(template, path, party string, body []byte, status int, shape string) []byte {
	a.t.Helper()
	method := http.MethodPost
	if item := a.paths[template].(map[string]any); item["get"] != nil {
		method = http.MethodGet
	}
	a.visited[template] = true
	r, err := http.NewRequestWithContext(a.t.Context(), method, a.server.URL+path, bytes.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	r.Header.Set("X-Test-Party", party)
	response, err := a.server.Client().Do(r)
	if err != nil {
		a.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status {
		a.t.Fatalf("%s: %s %s, %v", template, response.Status, answer, err)
	}
	if err := a.valid(shape, answer); err != nil {
		a.t.Fatalf("%s: %v\n%s", template, err, answer)
	}
	if shape := sent[template]; shape != "" && bytes.HasPrefix(body, []byte(`{"`)) {
		if err := a.valid(shape, body); err != nil {
			a.t.Errorf("%s is sent %s, %v", template, body, err)
		}
	}
	return answer
}

func (a *caller) sign(text []byte, err error) []byte {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
	return text
}

const (
	applications   = "/v1/association-applications"
	credentials    = "/v1/association-credentials"
	authorizations = "/v1/credit-query-authorizations"
	problem        = "#/components/schemas/ErrorResponse"
)

// TestOpenAPI plays every official path over HTTPS and holds each message to its
// official schema.
func TestOpenAPI(t *testing.T) {
	paths, schema := api(t)
	a := &caller{t: t, w: newWorld(t, NewMemoryStore()), paths: paths, schema: schema, visited: map[string]bool{}}
	a.server = httptest.NewTLSServer(a.w.Handler())
	defer a.server.Close()
	c := a.associate()
	leave := a.verify(c)
	a.end(c, leave)
	if len(paths) != 11 {
		t.Errorf("%d official paths", len(paths))
	}
	for path := range paths {
		if !a.visited[path] {
			t.Errorf("%s was not played", path)
		}
	}
}

func (a *caller) associate() credit.Credential {
	app := a.sign(a.w.application("a-1", credit.DirectSignature).Encode())
	a.call(applications, applications, "", app, http.StatusBadRequest, problem)
	a.call(applications, applications, owner, app, http.StatusCreated, "association-application")
	a.call(applications, applications, owner, []byte("{"), http.StatusBadRequest, problem)
	a.call(applications+"/{applicationId}/preparations", applications+"/none/preparations", owner, nil, http.StatusNotFound, problem)
	prepared := a.call(applications+"/{applicationId}/preparations", applications+"/a-1/preparations", owner, nil, http.StatusOK, "#/components/schemas/DirectPreparation")
	var preparation struct{ SigningPayload json.RawMessage }
	if err := json.Unmarshal(prepared, &preparation); err != nil {
		a.t.Fatal(err)
	}
	confirmed, err := credit.SignPayload(signer(a.t, owner), preparation.SigningPayload)
	if err != nil {
		a.t.Fatal(err)
	}
	issued := a.call(applications+"/{applicationId}/confirmations", applications+"/a-1/confirmations", "", a.sign(confirmed.Encode()), http.StatusCreated, "association-credential")
	u, err := credit.ParseCredential(issued)
	if err != nil {
		a.t.Fatal(err)
	}
	c := u.Credential()
	at := credentials + "/" + c.CredentialID
	a.call(credentials+"/{credentialId}", at, helper, nil, http.StatusOK, "association-credential")
	a.call(credentials+"/{credentialId}", at, "", nil, http.StatusNotFound, problem)
	a.call(credentials+"/{credentialId}/status", at+"/status", "", nil, http.StatusOK, "credential-status")
	return c
}

func (a *caller) verify(c credit.Credential) credit.QueryAuthorization {
	q := a.w.request(c, credit.LevelCredential)
	a.call("/v1/verifications", "/v1/verifications", "", a.sign(q.Sign(signer(a.t, shop))), http.StatusOK, "verification-response")
	a.call("/v1/verifications", "/v1/verifications", "", []byte("not a request"), http.StatusOK, "verification-response")
	a.call("/v1/verifications", "/v1/verifications", "", bytes.Repeat([]byte("["), 100_000), http.StatusOK, "verification-response")
	full := a.w.request(c, credit.LevelCredit)
	leave := credit.QueryAuthorization{
		AuthorizationID: "authorization-1", AuthorizationVersion: credit.Version, Mode: credit.PerRequest, SubjectID: owner, RelyingPartyIDs: []string{shop},
		AgentIDs: []string{helper}, Level: credit.LevelCredit, Purpose: purpose, AllowedItems: full.RequestedItems, ValidFrom: credit.At(a.w.clock()),
		ExpiresAt: credit.At(a.w.clock().Add(3600e9)), Status: credit.Active, BoundRequestID: full.RequestID,
	}
	text := a.sign(leave.Sign(signer(a.t, owner)))
	a.call(authorizations, authorizations, "", text, http.StatusCreated, "credit-query-authorization")
	a.call(authorizations, authorizations, "", text, http.StatusBadRequest, problem)
	full.AuthorizationID = leave.AuthorizationID
	answer := a.call("/v1/verifications", "/v1/verifications", "", a.sign(full.Sign(signer(a.t, shop))), http.StatusOK, "verification-response")
	if !bytes.Contains(answer, []byte(`"A-ASSOCIATED"`)) {
		a.t.Errorf("%s", answer)
	}
	return leave
}

func (a *caller) end(c credit.Credential, leave credit.QueryAuthorization) {
	at := credentials + "/" + c.CredentialID
	revocation := a.sign(credit.Revocation{
		RequestID: "r-1", AuthorizationID: leave.AuthorizationID, SubjectID: owner, Reason: "DONE", RequestedAt: credit.At(a.w.clock()), AntiReplay: credit.NewAntiReplay(),
	}.Sign(signer(a.t, owner)))
	a.call(authorizations+"/{authorizationId}/revocations", authorizations+"/other/revocations", "", revocation, http.StatusBadRequest, problem)
	a.call(authorizations+"/{authorizationId}/revocations", authorizations+"/authorization-1/revocations", "", revocation, http.StatusOK, "credit-query-authorization")
	for _, m := range []struct {
		path string
		to   credit.Status
	}{{"suspensions", credit.Suspended}, {"resumptions", credit.Active}, {"revocations", credit.Revoked}} {
		change := a.sign(credit.StatusChange{
			RequestID: m.path, CredentialID: c.CredentialID, Target: m.to, Reason: "X", RequestedBy: owner, RequestedAt: credit.At(a.w.clock()), AntiReplay: credit.NewAntiReplay(),
		}.Sign(signer(a.t, owner)))
		template := credentials + "/{credentialId}/" + m.path
		a.call(template, credentials+"/other/"+m.path, "", change, http.StatusBadRequest, problem)
		a.call(template, at+"/"+m.path, "", change, http.StatusOK, "credential-status")
	}
}
