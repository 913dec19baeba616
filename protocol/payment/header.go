package payment

import (
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// The three headers (PSD-PAY-A402-03).
const (
	HeaderNeeded     = "Payment-Needed"     // the bill, with status 402
	HeaderProof      = "Payment-Proof"      // on the request that is sent again
	HeaderValidation = "Payment-Validation" // what became of the proof
)

// Limits of a header value in bytes, in the form in which it is sent. What we
// write is smaller than what we read, because proxies add up all headers.
//
// A Payment-Proof may be as long as what is read: its length follows from the
// ids of the bill, and when it is written the money has moved. For that a bill
// over MaxHeaderWritten does not pass CheckProfile, and so is not paid.
const (
	MaxHeaderWritten = 3 << 10
	MaxHeaderRead    = 8 << 10
)

// Header returns the value of one of the three headers, "" when it is absent.
// A header that stands there twice is malformed: two programs might each look
// at another one.
func Header(h http.Header, name string) (string, error) {
	switch values := h.Values(name); len(values) {
	case 0:
		return "", nil
	case 1:
		if values[0] == "" {
			return "", protocol.New(protocol.CodeMalformed, name, "PSD-PAY-A402-03", "empty")
		}
		return values[0], nil
	default:
		return "", protocol.New(protocol.CodeMalformed, name, "PSD-PAY-A402-03", "more than once")
	}
}

// method has the members of ours in the open object "method". They never
// change the meaning of a member of "protocol" (PSD-PAY-A402-13).
type method struct {
	PSPID    string `json:"psp_id,omitzero"`
	Endpoint string `json:"endpoint,omitzero"` // of bills
	Category string `json:"category,omitzero"` // of bills
}

// check applies SPEC.md 6.4 to the method of any header.
func (m method) check(r *wire.Reader) { r.DID("method.psp_id", m.PSPID) }

// encodeHeader marshals a payload and encodes it, in at most limit bytes.
func encodeHeader(payload any, limit int) (string, error) {
	data, err := canon.Marshal(payload)
	if err != nil {
		return "", err
	}
	header := canon.EncodeBase64(data)
	if len(header) > limit {
		return "", protocol.New(protocol.CodeTooLarge, "", "PSD-PAY-A402-03", "a header over its limit")
	}
	return header, nil
}

// decodeHeader reads a header value into payload, whose "method" is at raw.
// It returns the fault of our own members of method, if any: the official
// schema lets them be anything, so that only CheckProfile reports it.
func decodeHeader(header string, payload any, raw *jsontext.Value) (m method, profile, err error) {
	at := func(err error) error {
		e := *protocol.AsError(err)
		e.Requirement = "PSD-PAY-A402-03"
		return &e
	}
	if len(header) > MaxHeaderRead {
		return m, nil, at(protocol.New(protocol.CodeTooLarge, "", "", "at most 8 KiB"))
	}
	data, err := canon.DecodeBase64(header)
	if err != nil {
		return m, nil, at(err)
	}
	if err := canon.Decode(data, payload); err != nil {
		return m, nil, at(err)
	}
	if len(*raw) == 0 {
		return m, nil, protocol.New(protocol.CodeFieldMissing, "method", "PSD-PAY-A402-03", "")
	}
	names, err := canon.Members(*raw)
	if err != nil {
		return m, nil, at(protocol.In(err, "method"))
	}
	if len(names) == 0 {
		return m, nil, protocol.New(protocol.CodeFieldMissing, "method", "PSD-PAY-A402-03", "must not be empty")
	}
	if err := canon.DecodeOpen(*raw, &m); err != nil {
		return method{}, protocol.In(err, "method"), nil
	}
	return m, nil, nil
}

// profileMethod applies SPEC.md 6.4 to method_id and method_version.
func profileMethod(r *wire.Reader, id, version string) {
	requirement := r.Requirement
	defer func() { r.Requirement = requirement }()
	r.Requirement = "PSD-PAY-A402-17"
	if r.Require("protocol.method_id", id) {
		_, err := MethodURN(id)
		if err != nil {
			r.Invalid("protocol.method_id", "must be act:payment/ and a name")
		}
	}
	if r.Require("protocol.method_version", version) && version != MethodVersion {
		r.Invalid("protocol.method_version", "must be 1.0.0")
	}
}
