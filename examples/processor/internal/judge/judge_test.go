package judge_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/examples/processor/internal/judge"
)

const document = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{
"/things/{id}":{"post":{"operationId":"make","summary":"Make","parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}},{"name":"how","in":"query","schema":{"type":"string"}}],
 "requestBody":{"required":true,"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Thing"}}}},
 "responses":{"200":{"description":"Made.","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Thing"}}}},"303":{"description":"Elsewhere."},"400":{"$ref":"#/components/responses/Bad"}}}}},
"components":{"schemas":{"Thing":{"type":"object","properties":{"name":{"type":"string"},"at":{"type":"string","format":"date-time"}},"required":["name"],"additionalProperties":false}},
 "responses":{"Bad":{"description":"Bad.","content":{"text/plain":{"schema":{"type":"string"}}}}}}}`

// TestJudge: what differs from the document is found, each for itself, and what
// does not is not.
func TestJudge(t *testing.T) {
	for name, c := range map[string]struct {
		path, sent, kind, answer string
		status                   int
		fault                    string // part of it; none when empty
	}{
		"as documented":             {"/things/1", `{"name":"a"}`, "application/json", `{"name":"a"}`, 200, ""},
		"with a parameter":          {"/things/1?how=x", `{"name":"a"}`, "application/json", `{"name":"a"}`, 200, ""},
		"a redirect":                {"/things/1", `{"name":"a"}`, "", "", 303, ""},
		"a refusal of anything":     {"/things/1", `nonsense`, "text/plain; charset=utf-8", "no", 400, ""},
		"not there, and refused":    {"/other", `{}`, "text/plain", "no", 404, ""},
		"served, and not there":     {"/other", `{}`, "application/json", `{}`, 200, "does not have it"},
		"failed, and not there":     {"/other", `{}`, "text/plain", "oh", 500, "does not have it"},
		"an undocumented member":    {"/things/1", `{"name":"a"}`, "application/json", `{"name":"a","more":1}`, 200, "more"},
		"a member that is missing":  {"/things/1", `{"name":"a"}`, "application/json", `{}`, 200, "name"},
		"another form of a member":  {"/things/1", `{"name":"a"}`, "application/json", `{"name":"a","at":"today"}`, 200, "date-time"},
		"a request of another form": {"/things/1", `{"name":1}`, "application/json", `{"name":"a"}`, 200, "request"},
		"a request without a body":  {"/things/1", ``, "application/json", `{"name":"a"}`, 200, "body"},
		"another parameter":         {"/things/1?why=x", `{"name":"a"}`, "application/json", `{"name":"a"}`, 200, "why"},
		"another content type":      {"/things/1", `{"name":"a"}`, "text/html", `{"name":"a"}`, 200, "content type"},
		"another status":            {"/things/1", `{"name":"a"}`, "application/json", `{"name":"a"}`, 201, "status"},
		"a refusal of another kind": {"/things/1", `{"name":"a"}`, "application/json", `{}`, 400, "content type"},
	} {
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if c.kind != "" {
				w.Header().Set("Content-Type", c.kind)
			}
			w.Header().Set("Location", "/")
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.answer)
		}))
		inner := &fake{TB: t}
		j := judge.New(inner, []byte(document), http.DefaultTransport)
		client := &http.Client{Transport: j, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		resp, err := client.Post(web.URL+c.path, "application/x-www-form-urlencoded", strings.NewReader(c.sent))
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		if string(text) != c.answer {
			t.Errorf("%s: the answer became %q", name, text)
		}
		web.Close()
		switch faults := j.Faults(); {
		case c.fault == "" && len(faults) > 0, c.fault != "" && (len(faults) != 1 || !strings.Contains(faults[0], c.fault)):
			t.Errorf("%s: %v", name, faults)
		}
	}
}

// fake keeps a judge's own report from this test.
type fake struct{ testing.TB }

func (fake) Cleanup(func()) {}

// TestRead: a document that is unfinished is refused.
func TestRead(t *testing.T) {
	if _, err := judge.Read([]byte(document)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"another version":           {`"3.1.0"`, `"3.0.3"`},
		"an open object":            {`,"additionalProperties":false`, ``},
		"a schema that is nowhere":  {`"#/components/schemas/Thing"`, `"#/components/schemas/Other"`},
		"an answer that is nowhere": {`"#/components/responses/Bad"`, `"#/components/responses/Worse"`},
		"no id":                     {`"operationId":"make",`, ``},
		"an undeclared parameter":   {`"name":"id"`, `"name":"no"`},
		"no JSON":                   {`{"openapi"`, `"openapi"`},
	} {
		if _, err := judge.Read([]byte(strings.Replace(document, change[0], change[1], 1))); err == nil {
			t.Errorf("%s: read", name)
		}
	}
}
