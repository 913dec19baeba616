package interop

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/actprotocol/act-go/protocol/credit"
)

// These tests hold package credit against the official reference-v1 schemas,
// applied by a JSON Schema implementation. The schemas lie beside the project;
// without them the tests are skipped.

const creditData = "../../../shared/act-2.1/official/tsd-crd/reference-v1"

// creditReaders are our decoders by the name of their schema.
var creditReaders = map[string]func([]byte) error{
	"association-application":           func(b []byte) error { _, err := credit.ParseApplication(b); return err },
	"association-credential":            func(b []byte) error { _, err := credit.ParseCredential(b); return err },
	"subject-credit-assertion":          func(b []byte) error { _, err := credit.ParseSubjectAssertion(b); return err },
	"agent-associated-credit-assertion": func(b []byte) error { _, err := credit.ParseAgentAssertion(b); return err },
	"credential-status":                 func(b []byte) error { _, err := credit.ParseStatus(b, psp); return err },
	"status-change-request":             func(b []byte) error { _, err := credit.ParseStatusChange(b); return err },
	"credit-query-authorization":        func(b []byte) error { _, err := credit.ParseQueryAuthorization(b); return err },
	"verification-request":              func(b []byte) error { _, err := credit.ParseRequest(b); return err },
	"verification-response":             func(b []byte) error { _, err := credit.ParseResponse(b, psp); return err },
}

func creditSchemas(t testing.TB) map[string]*jsonschema.Schema {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(creditData, "schemas", "*.schema.json"))
	if err != nil || len(files) == 0 {
		t.Skip("the official reference-v1 schemas are not beside the project")
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource("https://crd.example/"+filepath.Base(file), withoutID(doc)); err != nil {
			t.Fatal(err)
		}
	}
	out := map[string]*jsonschema.Schema{}
	for _, file := range files {
		name := filepath.Base(file)
		s, err := c.Compile("https://crd.example/" + name)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(name, ".schema.json")] = s
	}
	return out
}

// creditExamples are the official examples by schema.
func creditExamples(t testing.TB, schemas map[string]*jsonschema.Schema) map[string][]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(creditData, "examples", "*.json"))
	if err != nil || len(files) < 15 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	out := map[string][]string{}
	for _, file := range files {
		kind := ""
		for name := range schemas {
			start := strings.TrimSuffix(name, "-request")
			if name == "verification-request" {
				start = name
			}
			if strings.HasPrefix(filepath.Base(file), start) && len(name) > len(kind) {
				kind = name
			}
		}
		if creditReaders[kind] == nil {
			t.Errorf("%s is of no known kind", file)
			continue
		}
		out[kind] = append(out[kind], file)
	}
	return out
}

// creditStricter are the changes after which the schema still accepts and we do not:
// SPEC.md 11.1 says why. A path without the change stands for all of them.
var creditStricter = []string{
	"statusQuery.uri empty",       // of which nothing is to be had
	"expiresAt before",            // no window at all
	"confirmationStatement blank", // TSD-CRD-ASC-02: never empty
	"subjectPublicKey.value",      // any text, and an object, to which the schema gives no meaning
	"result", "reasonCode",        // the text's pairs of result and reason
	"purpose too long", "associationRole too long", "mappingPolicy.version too long", "assertionVersion too long",
}

// TestCreditAgreesWithSchemas changes each member of each official example in
// turn, and holds our readers to what the schemas say of the outcome: we never
// accept what they refuse, but for a pass that tells less than they demand, and
// refuse what they accept only for the reasons listed. A credential or a request
// that lacks a member is among the changes (TSD-CRD-ASC-05, TSD-CRD-VER-09).
func TestCreditAgreesWithSchemas(t *testing.T) {
	schemas := creditSchemas(t)
	changed := 0
	for kind, files := range creditExamples(t, schemas) {
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := schemaAccepts(t, schemas[kind], data); err != nil {
				t.Fatal(err)
			}
			if err := creditReaders[kind](data); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			var doc map[string]any
			if err := json.Unmarshal(data, &doc); err != nil {
				t.Fatal(err)
			}
			mutateCredit(doc, "", func(what string) {
				changed++
				text, err := json.Marshal(doc)
				if err != nil {
					t.Fatal(err)
				}
				ours, theirs := creditReaders[kind](text), schemaAccepts(t, schemas[kind], text)
				switch {
				case ours == nil && theirs != nil && !creditTrimmed(kind, what):
					t.Errorf("%s, %s: we accept what the schema refuses: %v", filepath.Base(file), what, theirs)
				case ours != nil && theirs == nil && !slices.ContainsFunc(creditStricter, func(s string) bool { return strings.HasPrefix(what, s) }):
					t.Errorf("%s, %s: we refuse what the schema accepts: %v", filepath.Base(file), what, ours)
				}
			})
		}
	}
	if changed < 1000 {
		t.Errorf("only %d changes", changed)
	}
}

// creditTrimmed: the answer to a request for less (SPEC.md 11.4).
func creditTrimmed(kind, what string) bool {
	return kind == "verification-response" && (what == "subjectCreditAssertionValid removed" || what == "associatedCreditValue removed")
}

// mutateCredit changes one member at a time, calls try, and puts it back.
func mutateCredit(doc map[string]any, at string, try func(what string)) {
	for _, name := range slices.Sorted(maps.Keys(doc)) {
		old := doc[name]
		path := at + name
		delete(doc, name)
		try(path + " removed")
		for what, next := range map[string]any{
			"empty": "", "blank": " ", "null": nil, "a number": 7.0, "a boolean": true, "an empty list": []any{}, "an empty object": map[string]any{},
			"a list with a twin": []any{"x", "x"}, "a list with an empty text": []any{""}, "an object": map[string]any{"unknown": "x"}, "text": "text",
			"before": "2001-01-01T00:00:00Z", "no day": "2026-13-01T00:00:00Z", "too long": strings.Repeat("x", 513),
		} {
			if open := name == "businessContext" || name == "creditPayload" || name == "associatedCreditValue"; open && what == "an object" {
				continue
			}
			doc[name] = next
			if what == "blank" && name != "confirmationStatement" || what == "before" && name != "expiresAt" {
				continue // text that says nothing, and times in any order: ours to refuse or not
			}
			try(path + " " + what)
		}
		doc[name] = old
		if below, ok := old.(map[string]any); ok && name != "businessContext" && name != "creditPayload" && name != "associatedCreditValue" {
			below["unknownMember"] = "x"
			try(path + ".unknownMember added")
			delete(below, "unknownMember")
			mutateCredit(below, path+".", try)
		}
	}
	if at == "" {
		doc["unknownMember"] = "x"
		try("unknownMember added")
		delete(doc, "unknownMember")
	}
}
