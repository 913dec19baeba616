package provider

import (
	"context"
	"net/http"
	"strconv"

	"github.com/actprotocol/act-go/internal/body"
	"github.com/actprotocol/act-go/internal/problem"
)

// The paths of the protocol, below the provider's endpoint.
const (
	PathPayments     = "/payments"
	PathQueries      = "/queries"
	PathConsumptions = "/consumptions"
	PathFulfilments  = "/fulfilments"
	PathInstruments  = "/instruments"
	PathRefunds      = "/refunds"
	PathTrades       = "/trades"
	PathBindings     = "/bindings"
)

// Handler serves the seven paths of SPEC.md 6.1, 6.3, 6.10, 6.12 and 6.13 and,
// with Config.Bindings, that of 6.11, by POST and with at most 64 KiB. Mount it
// below the endpoint with http.StripPrefix. It limits neither rate nor time:
// that is the server's in front of it.
func (p *Provider) Handler() http.Handler {
	mux := http.NewServeMux()
	paths := map[string]func(context.Context, []byte) (Answer, error){
		PathPayments: p.Pay, PathQueries: p.Query, PathConsumptions: p.Consume, PathFulfilments: p.Fulfil,
		PathInstruments: p.Instrument, PathRefunds: p.Refund, PathTrades: p.TradeState,
	}
	if p.config.Bindings != nil {
		paths[PathBindings] = p.Bind
	}
	for path, serve := range paths {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			message, err := body.Read(w, r)
			var a Answer
			if err == nil {
				a, err = serve(r.Context(), message)
			}
			WriteAnswer(w, a, err)
			p.config.Answered(r.Context(), path, err)
		})
	}
	return mux
}

// WriteAnswer writes an answer, or an error as SPEC.md 6.1 has it, with
// Retry-After of one second when it is undetermined: for who serves the paths
// in another way than Handler.
func WriteAnswer(w http.ResponseWriter, a Answer, err error) {
	if err != nil {
		problem.Write(w, err, 1)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(a.Body))) // else a longer one would go in chunks
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body)
}
