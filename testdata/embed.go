// Package testdata embeds the conformance vectors: one JSON file a case under
// vectors, the JSON Schema that describes them, and the table of requirements
// that they judge.
//
// Nothing here is written by hand: the generator is internal/vectors, and
//
//	go run ./internal/vectors/generate
//
// writes it anew. Package conformance reads it.
package testdata

import "embed"

// FS holds vectors/<group>/<name>/<nnn>.json, schema/case.schema.json and
// requirements.tsv.
//
//go:embed vectors schema requirements.tsv
var FS embed.FS
