package payment

import (
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// A ValidationStatus says what came of checking a proof.
type ValidationStatus string

// The values. Unknown means that it could not be checked now.
const (
	ValidationValid   ValidationStatus = "VALID"
	ValidationInvalid ValidationStatus = "INVALID"
	ValidationUnknown ValidationStatus = "UNKNOWN"
)

// A DeliveryStatus says how far delivery came.
type DeliveryStatus string

// The values.
const (
	DeliveryNotStarted DeliveryStatus = "NOT_STARTED"
	DeliveryStarted    DeliveryStatus = "STARTED"
	DeliveryDelivered  DeliveryStatus = "DELIVERED"
	DeliveryFailed     DeliveryStatus = "FAILED"
	DeliveryUnknown    DeliveryStatus = "UNKNOWN"
)

// A FulfillmentStatus says whether the provider has confirmed delivery.
type FulfillmentStatus string

// The values.
const (
	FulfillmentNotConfirmed FulfillmentStatus = "NOT_CONFIRMED"
	FulfillmentPending      FulfillmentStatus = "PENDING"
	FulfillmentConfirmed    FulfillmentStatus = "CONFIRMED"
	FulfillmentFailed       FulfillmentStatus = "FAILED"
	FulfillmentUnknown      FulfillmentStatus = "UNKNOWN"
)

var (
	validationStatuses  = []ValidationStatus{ValidationValid, ValidationInvalid, ValidationUnknown}
	deliveryStatuses    = []DeliveryStatus{DeliveryNotStarted, DeliveryStarted, DeliveryDelivered, DeliveryFailed, DeliveryUnknown}
	fulfillmentStatuses = []FulfillmentStatus{
		FulfillmentNotConfirmed, FulfillmentPending, FulfillmentConfirmed, FulfillmentFailed, FulfillmentUnknown,
	}
	evidenceTypes = []string{"PAYMENT", "VALIDATION", "DELIVERY", "FULFILLMENT", "RECEIPT"}
)

// maxEvidence is the largest number of evidence references.
const maxEvidence = 20

// An EvidenceRef names a piece of evidence by its digest.
type EvidenceRef struct {
	Type   string       // PAYMENT, VALIDATION, DELIVERY, FULFILLMENT or RECEIPT
	Digest canon.Digest // SHA-256
	URI    string       // optional, absolute; never fetched by this library
}

// A Validation is the content of Payment-Validation: what a seller says became
// of a proof (PSD-PAY-A402-22). It tells checking, delivery, fulfilment and the
// trade's state apart, and has an Error exactly when Status is not VALID.
type Validation struct {
	MethodID           string
	MethodVersion      string
	OutTradeNo         string
	ResourceID         string
	TradeNo            string
	RequestFingerprint canon.Digest
	Status             ValidationStatus
	Delivery           DeliveryStatus
	Fulfillment        FulfillmentStatus
	State              State
	ValidatedAt        time.Time
	Error              *A402Error
	Evidence           []EvidenceRef // at most 20, no two equal

	PSPID string // method.psp_id, a DID
}

type validationWire struct {
	Protocol validationProtocol `json:"protocol"`
	Method   jsontext.Value     `json:"method"`
}

type validationProtocol struct {
	MethodID           string            `json:"method_id"`
	MethodVersion      string            `json:"method_version"`
	OutTradeNo         string            `json:"out_trade_no"`
	ResourceID         string            `json:"resource_id"`
	TradeNo            string            `json:"trade_no"`
	RequestFingerprint string            `json:"request_fingerprint"`
	Status             ValidationStatus  `json:"validation_status"`
	Delivery           DeliveryStatus    `json:"delivery_status"`
	Fulfillment        FulfillmentStatus `json:"fulfillment_status"`
	State              State             `json:"transaction_state"`
	ValidatedAt        string            `json:"validated_at"`
	Error              *A402Error        `json:"error,omitzero"`
	Evidence           []evidenceWire    `json:"evidence_refs,omitzero"`
}

type evidenceWire struct {
	Type   string  `json:"type"`
	Digest string  `json:"digest"`
	URI    *string `json:"uri,omitzero"`
}

func (v Validation) wire() validationProtocol {
	w := validationProtocol{
		MethodID: v.MethodID, MethodVersion: v.MethodVersion, OutTradeNo: v.OutTradeNo, ResourceID: v.ResourceID,
		TradeNo: v.TradeNo, RequestFingerprint: string(v.RequestFingerprint), Status: v.Status, Delivery: v.Delivery,
		Fulfillment: v.Fulfillment, State: v.State, ValidatedAt: wire.FormatTime(v.ValidatedAt), Error: v.Error,
	}
	for _, e := range v.Evidence {
		w.Evidence = append(w.Evidence, evidenceWire{Type: e.Type, Digest: string(e.Digest), URI: wire.Optional(e.URI)})
	}
	return w
}

// validation applies the official schema.
func (w validationProtocol) validation() (Validation, error) {
	r := wire.Reader{Requirement: "PSD-PAY-A402-22"}
	methodID(&r, "protocol.method_id", w.MethodID)
	methodVersion(&r, "protocol.method_version", w.MethodVersion)
	identifier(&r, "protocol.out_trade_no", w.OutTradeNo)
	identifier(&r, "protocol.resource_id", w.ResourceID)
	identifier(&r, "protocol.trade_no", w.TradeNo)
	fingerprint(&r, "protocol.request_fingerprint", w.RequestFingerprint)
	enum(&r, "protocol.validation_status", w.Status, validationStatuses)
	enum(&r, "protocol.delivery_status", w.Delivery, deliveryStatuses)
	enum(&r, "protocol.fulfillment_status", w.Fulfillment, fulfillmentStatuses)
	enum(&r, "protocol.transaction_state", w.State, States())
	v := Validation{
		MethodID: w.MethodID, MethodVersion: w.MethodVersion, OutTradeNo: w.OutTradeNo, ResourceID: w.ResourceID,
		TradeNo: w.TradeNo, RequestFingerprint: canon.Digest(w.RequestFingerprint), Status: w.Status, Delivery: w.Delivery,
		Fulfillment: w.Fulfillment, State: w.State, ValidatedAt: r.Time("protocol.validated_at", w.ValidatedAt), Error: w.Error,
	}
	switch {
	case w.Error != nil:
		w.Error.check(&r, "protocol.error.")
		if w.Status == ValidationValid {
			r.Invalid("protocol.error", "not with VALID")
		}
	case w.Status == ValidationInvalid || w.Status == ValidationUnknown:
		r.Require("protocol.error", "")
	}
	v.Evidence = w.evidence(&r)
	if err := r.Err(); err != nil {
		return Validation{}, err
	}
	return v, nil
}

func (w validationProtocol) evidence(r *wire.Reader) []EvidenceRef {
	if len(w.Evidence) > maxEvidence {
		r.Fail("", protocol.New(protocol.CodeTooLarge, "protocol.evidence_refs", "", "at most 20"))
		return nil
	}
	var out []EvidenceRef
	for i, e := range w.Evidence {
		at := "protocol.evidence_refs[" + strconv.Itoa(i) + "]"
		enum(r, at+".type", e.Type, evidenceTypes)
		fingerprint(r, at+".digest", e.Digest)
		ref := EvidenceRef{Type: e.Type, Digest: canon.Digest(e.Digest), URI: optionalURI(r, at+".uri", e.URI)}
		if slices.Contains(out, ref) {
			r.Invalid(at, "named twice")
		}
		out = append(out, ref)
	}
	return out
}

// check applies SPEC.md 6.4, beyond the official schema.
func (v Validation) check() error {
	r := wire.Reader{Requirement: "PSD-PAY-A402-22"}
	profileMethod(&r, v.MethodID, v.MethodVersion)
	r.ID("protocol.out_trade_no", v.OutTradeNo)
	r.ID("protocol.resource_id", v.ResourceID)
	r.ID("protocol.trade_no", v.TradeNo)
	method{PSPID: v.PSPID}.check(&r)
	r.Requirement = "PSD-PAY-A402-23"
	if v.Status != ValidationValid && (v.Delivery == DeliveryStarted || v.Delivery == DeliveryDelivered) {
		r.Invalid("protocol.delivery_status", "no delivery follows from a proof that is not valid")
	}
	if v.Delivery != DeliveryDelivered && (v.Fulfillment == FulfillmentConfirmed || v.Fulfillment == FulfillmentPending) {
		r.Invalid("protocol.fulfillment_status", "nothing was delivered that could be confirmed")
	}
	return r.Err()
}

// EncodeHeader checks a validation by the official schema and by SPEC.md 6.4
// and returns the value of Payment-Validation. A run that did not come to its
// end must not claim a later phase (PSD-PAY-A402-23): no delivery without a
// valid proof, no confirmation without delivery.
func (v Validation) EncodeHeader() (string, error) {
	w := v.wire()
	if _, err := w.validation(); err != nil {
		return "", err
	}
	if err := v.check(); err != nil {
		return "", err
	}
	m, err := canon.Marshal(method{PSPID: v.PSPID})
	if err != nil {
		return "", err
	}
	return encodeHeader(validationWire{Protocol: w, Method: m}, MaxHeaderWritten)
}

// An UnverifiedValidation agrees with the official schema. The header is not
// signed: it is worth what the connection that brought it is worth, and is no
// ground for a second payment.
type UnverifiedValidation struct {
	Validation Validation

	profile error
}

// ParseValidation reads the value of Payment-Validation by the official schema
// 2.1-artifact.1.
func ParseValidation(header string) (*UnverifiedValidation, error) {
	var w validationWire
	m, profile, err := decodeHeader(header, &w, &w.Method)
	if err != nil {
		return nil, err
	}
	v, err := w.Protocol.validation()
	if err != nil {
		return nil, err
	}
	v.PSPID = m.PSPID
	return &UnverifiedValidation{Validation: v, profile: profile}, nil
}

// CheckProfile applies what SPEC.md 6.4 asks beyond the official schema:
// method_id and version, ids of visible ASCII, psp_id in method, and no claim
// of a later phase than was reached.
func (u *UnverifiedValidation) CheckProfile() error {
	if u.profile != nil {
		return u.profile
	}
	return u.Validation.check()
}
