package interop

import (
	"bytes"
	"io/fs"
	"path"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/actprotocol/act-go/testdata"
)

// Every file of the conformance vectors is what its JSON Schema says, by a
// validator that knows nothing of our types, and the schema refuses what is no
// case.
func TestConformanceSchema(t *testing.T) {
	read := func(name string) any {
		data, err := fs.ReadFile(testdata.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return value
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("case.schema.json", read("schema/case.schema.json")); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("case.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	err = fs.WalkDir(testdata.FS, "vectors", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".json" {
			return err
		}
		count++
		if err := schema.Validate(read(name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return nil
	})
	if err != nil || count < 600 {
		t.Errorf("%d cases, %v", count, err)
	}
	for name, change := range map[string]func(c map[string]any){
		"an invalid case without a sibling": func(c map[string]any) { delete(c, "sibling") },
		"an unknown member":                 func(c map[string]any) { c["hint"] = "" },
		"an id of two parts":                func(c map[string]any) { c["id"] = "money/009" },
		"a code and an output":              func(c map[string]any) { c["expect"].(map[string]any)["output"] = map[string]any{} },
		"a third outcome":                   func(c map[string]any) { c["expect"].(map[string]any)["outcome"] = "undetermined" },
		"a title without an end":            func(c map[string]any) { c["title"] = "A third decimal" },
		"a clock with decimals":             func(c map[string]any) { c["clock"] = "2026-11-01T10:00:00.5Z" },
	} {
		c := read("vectors/money/decimal/009.json").(map[string]any)
		change(c)
		if schema.Validate(c) == nil {
			t.Errorf("the schema takes %s", name)
		}
	}
}
