// Package problem writes and reads the JSON body of a failed answer (SPEC.md
// 6.1): {"error":{"code","field","requirement","detail","outcome","checks",
// "a402","payment_request_id","refund_request_id","binding_request_id"}}. One of
// the last three stands there exactly when the refusal is the stored answer to
// that request: a [payment.Refusal], a [payment.RefundRefusal] or a
// [payment.BindingRefusal].
package problem

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
)

type body struct {
	Error report `json:"error"`
}

type report struct {
	Code        protocol.Code      `json:"code"`
	Field       string             `json:"field,omitzero"`
	Requirement string             `json:"requirement,omitzero"`
	Detail      string             `json:"detail,omitzero"`
	Outcome     protocol.Outcome   `json:"outcome"`
	Checks      []protocol.Check   `json:"checks,omitzero"`
	A402        *payment.A402Error `json:"a402,omitzero"`
	Payment     string             `json:"payment_request_id,omitzero"`
	Refund      string             `json:"refund_request_id,omitzero"`
	Binding     string             `json:"binding_request_id,omitzero"`
}

// Encode returns the body for an error. An error that is none of ours becomes
// service_unavailable, and its text is not repeated.
func Encode(err error) []byte {
	e := protocol.AsError(err)
	a402 := payment.A402ErrorFor(e.Code)
	r := report{
		Code: e.Code, Field: e.Field, Requirement: e.Requirement, Detail: e.Detail,
		Outcome: e.Code.Outcome(), Checks: e.Checks, A402: &a402,
	}
	if r.Detail == "" {
		r.Detail = e.Code.Text()
	}
	var stored *payment.Refusal
	if errors.As(err, &stored) {
		r.Payment = stored.RequestID
	}
	var refund *payment.RefundRefusal
	if errors.As(err, &refund) {
		r.Refund = refund.RequestID
	}
	var unbound *payment.BindingRefusal
	if errors.As(err, &unbound) {
		r.Binding = unbound.RequestID
	}
	out, err := canon.Marshal(body{Error: r})
	if err != nil {
		return []byte(`{"error":{"code":"service_unavailable","outcome":"undetermined"}}`)
	}
	return out
}

// Write answers with an error: the status of its code, and Retry-After in
// seconds when it is undetermined, or too much was asked and the caller has set
// no Retry-After of its own.
func Write(w http.ResponseWriter, err error, retryAfter int) {
	WriteStatus(w, payment.HTTPStatus(protocol.AsError(err).Code), err, retryAfter)
}

// WriteStatus is Write with a status of the caller's.
func WriteStatus(w http.ResponseWriter, status int, err error, retryAfter int) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests && h.Get("Retry-After") == "" {
		h.Set("Retry-After", strconv.Itoa(retryAfter))
	}
	w.WriteHeader(status)
	_, _ = w.Write(Encode(err))
}

// Decode reads the body of a failed answer. It always returns an error: the
// one that was sent when the body has the form and its code is known, else
// service_unavailable. A denial that came with a server error, or with a status
// below 400, which refuses nothing, is not believed either.
//
// An error of ours never prints input, and this is input: of what was sent
// only the code, and names that look like ours, are taken over; the text is the
// code's. by is the caller's, "the merchant" for example, and says whose word it
// is, which need not be whose fault it is; it may be empty. path is the caller's
// too, says what was asked, and becomes the field of an answer that is not
// understood.
func Decode(status int, data []byte, by, path string) error {
	_, err := decode(status, data, by, path)
	return err
}

// DecodePayment is Decode for an answer about a payment request: when the
// refusal is the stored answer to that request, the error is a
// *payment.Refusal. A stored answer to another request, or an undetermined one,
// contradicts itself. With an empty requestID it is Decode.
func DecodePayment(status int, data []byte, by, path, requestID string) error {
	r, e := decode(status, data, by, path)
	about := r.Payment
	switch {
	case about == "" || requestID == "":
		return e
	case about != requestID || e.Code.Outcome() != protocol.Denied:
		return contradiction(path)
	default:
		return &payment.Refusal{RequestID: requestID, Reason: e}
	}
}

// DecodeBinding is DecodePayment for an answer about a binding request; the
// error is then a *payment.BindingRefusal.
func DecodeBinding(status int, data []byte, by, path, requestID string) error {
	r, e := decode(status, data, by, path)
	switch {
	case r.Binding == "":
		return e
	case r.Binding != requestID || e.Code.Outcome() != protocol.Denied:
		return contradiction(path)
	default:
		return &payment.BindingRefusal{RequestID: requestID, Reason: e}
	}
}

// DecodeRefund is DecodePayment for an answer about a refund request; the error
// is then a *payment.RefundRefusal.
func DecodeRefund(status int, data []byte, by, path, requestID string) error {
	r, e := decode(status, data, by, path)
	switch {
	case r.Refund == "":
		return e
	case r.Refund != requestID || e.Code.Outcome() != protocol.Denied:
		return contradiction(path)
	default:
		return &payment.RefundRefusal{RequestID: requestID, Reason: e}
	}
}

func contradiction(path string) *protocol.Error {
	return protocol.New(protocol.CodeServiceUnavailable, path, "", "an answer that contradicts itself")
}

// notOurs says what is known of an answer whose body is none of ours: most
// often it comes from something else than the party that was meant.
func notOurs(status int) string {
	switch {
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed:
		return "nothing that we know is served there (404 or 405); is the base URL right?"
	case status >= 300 && status < 400:
		return "a redirect (3xx), which is not followed; is the base URL right?"
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		return "refused by somebody in between (401, 403 or 407), without a reason of ours"
	case status == http.StatusTooManyRequests:
		return "too many requests (429)"
	case status >= 500:
		return "a server that failed (5xx), without a reason of ours"
	}
	return "an answer that is not understood"
}

// decode returns the error that was sent, and with it the request to which it
// says that it is the stored answer.
func decode(status int, data []byte, by, path string) (about report, e *protocol.Error) {
	var b body
	if err := canon.DecodeOpen(data, &b); err != nil || !b.Error.Code.Known() {
		return report{}, protocol.New(protocol.CodeServiceUnavailable, path, "", notOurs(status))
	}
	r := b.Error
	if status < 400 || status >= 500 && r.Code.Outcome() == protocol.Denied {
		return report{}, contradiction(path)
	}
	e = protocol.New(r.Code, plain(r.Field), plain(r.Requirement), r.Code.Text())
	if by != "" {
		e.Detail += ", says " + by
	}
	for _, c := range r.Checks {
		if c.Code != "" && !c.Code.Known() {
			continue
		}
		e.Checks = append(e.Checks, protocol.Check{
			Requirement: plain(c.Requirement), Name: plain(c.Name), Outcome: c.Outcome, Code: c.Code, Field: plain(c.Field),
		})
	}
	return r, e
}

// plain returns s if it looks like a name of ours, else nothing.
func plain(s string) string {
	if len(s) > 96 {
		return ""
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == ' ', c == '.', c == ',', c == '-', c == '_', c == '[', c == ']', c == '@', c == '\'':
		default:
			return ""
		}
	}
	return s
}
