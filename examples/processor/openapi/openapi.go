// Package openapi holds the OpenAPI 3.1 document of the reference payment
// processor: every address that it serves, with every member of every message.
// SPEC.md is what binds; the document is for tools. The tests of the processor
// hold it to be true: package judge compares it with the real exchanges, in both
// directions.
package openapi

import (
	"bytes"
	_ "embed"
	"net/http"
)

// Path is where the document is served.
const Path = "/openapi.json"

//go:embed openapi.json
var document []byte

// Document is the document, for a processor at server.DefaultBasePath.
func Document() []byte { return bytes.Clone(document) }

// ServeHTTP serves the document.
func ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "max-age=60")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(document)
}
