package main

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"

	"github.com/actprotocol/act-go/examples/internal/service"
	"github.com/actprotocol/act-go/examples/processor/openapi"
	"github.com/actprotocol/act-go/examples/processor/overview"
	"github.com/actprotocol/act-go/protocol/identity"
)

//go:embed front.html
var frontText string

var frontPage = template.Must(template.New("front").Parse(frontText))

// A place is something that this server has, for whoever finds only its name.
type place struct{ Path, What string }

// front makes the page at /: what the server is, and where to go on.
func front(id identity.DID, endpoint string) (http.HandlerFunc, error) {
	var page bytes.Buffer
	err := frontPage.Execute(&page, struct {
		ID, Endpoint string
		Places       []place
	}{id.String(), endpoint, []place{
		{openapi.Path, "all addresses, as an OpenAPI document"},
		{overview.Path, "overview, for the operator"},
		{"/admin/", "desk, for the operator's programs"},
		{service.LivePath, "whether the program runs"},
		{service.ReadyPath, "whether it is ready for requests"},
	}})
	return func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("Cache-Control", "max-age=60")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		_, _ = w.Write(page.Bytes())
	}, err
}
