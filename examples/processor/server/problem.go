package server

import (
	"net/http"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
)

// problem is the body of every failed answer (SPEC.md 6.1).
type problem struct {
	Error struct {
		Code        protocol.Code     `json:"code"`
		Field       string            `json:"field,omitzero"`
		Requirement string            `json:"requirement,omitzero"`
		Detail      string            `json:"detail,omitzero"`
		Outcome     protocol.Outcome  `json:"outcome"`
		Checks      []protocol.Check  `json:"checks,omitzero"`
		A402        payment.A402Error `json:"a402"`
	} `json:"error"`
}

// writeError answers with an error. One that is none of ours is
// service_unavailable, and its text stays here.
func writeError(w http.ResponseWriter, err error) {
	e := protocol.AsError(err)
	var p problem
	p.Error.Code, p.Error.Field, p.Error.Requirement, p.Error.Detail = e.Code, e.Field, e.Requirement, e.Detail
	p.Error.Outcome, p.Error.Checks, p.Error.A402 = e.Code.Outcome(), e.Checks, payment.A402ErrorFor(e.Code)
	if e.Detail == "" {
		p.Error.Detail = e.Code.Text()
	}
	status := payment.HTTPStatus(e.Code)
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	writeValue(w, status, p)
}

func writeValue(w http.ResponseWriter, status int, v any) {
	body, err := canon.Marshal(v)
	if err != nil { // no value of ours fails
		http.Error(w, `{"error":{"code":"service_unavailable","outcome":"undetermined"}}`, http.StatusServiceUnavailable)
		return
	}
	writeJSON(w, status, body)
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
