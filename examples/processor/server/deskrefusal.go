package server

import (
	"net/http"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
)

// A deskRefusal is what the desk answers instead of what it was asked for. It is
// no message of the protocol: Code is one of the words below, and Reason the
// code of the protocol, when the book or the form of a field gave one.
type deskRefusal struct {
	Code        deskCode         `json:"code"`
	Reason      protocol.Code    `json:"reason,omitzero"`
	Field       string           `json:"field,omitzero"`
	Requirement string           `json:"requirement,omitzero"`
	Detail      string           `json:"detail"`
	Checks      []protocol.Check `json:"checks,omitzero"`
}

// A deskCode says which way a request went wrong; each has one status.
type deskCode string

const (
	deskInvalid      deskCode = "invalid"       // the request: read the field and the detail
	deskUnauthorized deskCode = "unauthorized"  // nobody showed the operator's token
	deskUnknown      deskCode = "unknown"       // what it names is not in the book
	deskNoRoute      deskCode = "no_such_route" // GET /admin/ lists them
	deskWrongMethod  deskCode = "wrong_method"  // Allow names the right ones
	deskConflict     deskCode = "conflict"      // what is in the book does not let it happen
	deskUnavailable  deskCode = "unavailable"   // nobody can say now; ask again
)

func (c deskCode) status() int {
	switch c {
	case deskUnauthorized:
		return http.StatusUnauthorized
	case deskUnknown, deskNoRoute:
		return http.StatusNotFound
	case deskWrongMethod:
		return http.StatusMethodNotAllowed
	case deskConflict:
		return http.StatusConflict
	case deskUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}

// deskCodeOf is the way that goes with an error of the library. Codes that the
// protocol has for agents mean something else to an operator: that a principal
// has no account, for example, is instrument_invalid there, and here a name that
// nobody knows.
func deskCodeOf(e *protocol.Error) deskCode {
	switch e.Code {
	case protocol.CodeInstrumentInvalid, protocol.CodeMerchantNotAllowed, protocol.CodeSubAccountUnknown, protocol.CodeKeyUnknown,
		protocol.CodeContextUnknown, protocol.CodeTradeUnknown:
		return deskUnknown
	}
	switch {
	case e.Code.Outcome() == protocol.Undetermined:
		return deskUnavailable
	case payment.HTTPStatus(e.Code) == http.StatusBadRequest, e.Code == protocol.CodeTooLarge, e.Code == protocol.CodeCurrencyMismatch,
		e.Code == protocol.CodeAlgorithmRefused, e.Code == protocol.CodeFieldMissing:
		return deskInvalid
	}
	return deskConflict
}

// refuse answers an operator who asked for something that is not done.
func refuse(w http.ResponseWriter, err error) {
	e := protocol.AsError(err)
	r := deskRefusal{Code: deskCodeOf(e), Reason: e.Code, Field: e.Field, Requirement: e.Requirement, Detail: e.Detail, Checks: e.Checks}
	if r.Detail == "" {
		r.Detail = e.Code.Text()
	}
	r.write(w)
}

func (r deskRefusal) write(w http.ResponseWriter) {
	out, err := canon.Marshal(struct {
		Error deskRefusal `json:"error"`
	}{r})
	if err != nil { // its own words are no text: this one is
		out = []byte(`{"error":{"code":"unavailable","detail":"the answer could not be written"}}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Code == deskUnavailable {
		h.Set("Retry-After", "1")
	}
	w.WriteHeader(r.Code.status())
	_, _ = w.Write(out)
}
