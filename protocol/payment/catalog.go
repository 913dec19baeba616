package payment

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// A Category is one of the eleven kinds of A402 errors (PSD-PAY-A402-12).
type Category string

// The categories, by their official names.
const (
	CategorySignature   Category = "SIGNATURE_VALIDATION"
	CategoryRequest     Category = "REQUEST_PARAMETER"
	CategoryMethod      Category = "PROTOCOL_METHOD"
	CategoryParticipant Category = "PARTICIPANT_IDENTITY"
	CategoryLimit       Category = "LIMIT_ASSET"
	CategoryRisk        Category = "AUTHORIZATION_RISK"
	CategoryState       Category = "TRANSACTION_STATE"
	CategoryRefund      Category = "REFUND"
	CategoryFulfillment Category = "FULFILLMENT_RECEIPT"
	CategoryProof       Category = "PAYMENT_PROOF_VALIDATION"
	CategorySystem      Category = "SYSTEM"
)

// A Phase is the part of a purchase in which an error arose. An incomplete run
// names the phase that failed or is unknown (PSD-PAY-A402-23).
type Phase string

// The phases.
const (
	PhaseRequirement     Phase = "REQUIREMENT"
	PhaseAuthorization   Phase = "AUTHORIZATION"
	PhasePayment         Phase = "PAYMENT"
	PhaseProofValidation Phase = "PROOF_VALIDATION"
	PhaseDelivery        Phase = "DELIVERY"
	PhaseFulfillment     Phase = "FULFILLMENT"
	PhaseEvidence        Phase = "EVIDENCE"
)

// A Retryability says under what condition trying again makes sense.
type Retryability string

// The values of Retryability.
const (
	RetryNever              Retryability = "NEVER"
	RetryAfterCorrection    Retryability = "AFTER_CORRECTION"
	RetryAfterAuthorization Retryability = "AFTER_AUTHORIZATION"
	Retryable               Retryability = "RETRYABLE"
	RetryQueryFirst         Retryability = "QUERY_FIRST" // the outcome must be learned before anything else
	RetryTerminal           Retryability = "TERMINAL"
)

// An Action is something that may be done about an error.
type Action string

// The actions.
const (
	ActionCorrectRequest       Action = "CORRECT_REQUEST"
	ActionRenegotiateMethod    Action = "RENEGOTIATE_METHOD"
	ActionReauthorize          Action = "REAUTHORIZE"
	ActionChangePaymentTool    Action = "CHANGE_PAYMENT_TOOL"
	ActionQueryPaymentStatus   Action = "QUERY_PAYMENT_STATUS"
	ActionObtainNewProof       Action = "OBTAIN_NEW_PROOF"
	ActionRetryValidation      Action = "RETRY_VALIDATION"
	ActionRetryDelivery        Action = "RETRY_DELIVERY"
	ActionRetryFulfillment     Action = "RETRY_FULFILLMENT"
	ActionReturnPriorResult    Action = "RETURN_PRIOR_RESULT"
	ActionCreateNewRequirement Action = "CREATE_NEW_REQUIREMENT"
	ActionSwitchCounterparty   Action = "SWITCH_COUNTERPARTY"
	ActionEscalate             Action = "ESCALATE"
	ActionAbort                Action = "ABORT"
)

var (
	categories = []Category{
		CategorySignature, CategoryRequest, CategoryMethod, CategoryParticipant, CategoryLimit, CategoryRisk,
		CategoryState, CategoryRefund, CategoryFulfillment, CategoryProof, CategorySystem,
	}
	phases = []Phase{
		PhaseRequirement, PhaseAuthorization, PhasePayment, PhaseProofValidation, PhaseDelivery, PhaseFulfillment, PhaseEvidence,
	}
	retryabilities = []Retryability{
		RetryNever, RetryAfterCorrection, RetryAfterAuthorization, Retryable, RetryQueryFirst, RetryTerminal,
	}
	actions = []Action{
		ActionCorrectRequest, ActionRenegotiateMethod, ActionReauthorize, ActionChangePaymentTool,
		ActionQueryPaymentStatus, ActionObtainNewProof, ActionRetryValidation, ActionRetryDelivery,
		ActionRetryFulfillment, ActionReturnPriorResult, ActionCreateNewRequirement, ActionSwitchCounterparty,
		ActionEscalate, ActionAbort,
	}
)

// An A402Error is an error as the official schema writes it, in the error
// member of a Payment-Validation and in the answers of a payment service
// provider. It marshals to that form.
type A402Error struct {
	ErrorID           string         `json:"error_id"` // ACT-A402-…
	Category          Category       `json:"category"`
	Phase             Phase          `json:"phase"`
	Retryability      Retryability   `json:"retryability"`
	NextActions       []Action       `json:"valid_next_actions"`
	Message           string         `json:"message"` // English, constant in what we write
	RetryAfterSeconds *int64         `json:"retry_after_seconds,omitzero"`
	Details           jsontext.Value `json:"details,omitzero"` // an object; ours has "code"
}

// Code is the code of this library that details.code carries, or "" when there
// is none or it is not in the closed list.
func (e A402Error) Code() protocol.Code {
	var d struct {
		Code protocol.Code `json:"code"`
	}
	if canon.DecodeOpen(e.Details, &d) != nil || !d.Code.Known() {
		return ""
	}
	return d.Code
}

// At returns the error with another phase, the one in which it really arose:
// a signature may fail on a bill (REQUIREMENT) as on a proof
// (PROOF_VALIDATION).
func (e A402Error) At(p Phase) A402Error {
	e.Phase = p
	return e
}

// MayDo reports whether the action is among those the error names.
func (e A402Error) MayDo(a Action) bool { return slices.Contains(e.NextActions, a) }

// check applies the official error schema.
func (e A402Error) check(r *wire.Reader, at string) {
	if r.Require(at+"error_id", e.ErrorID) {
		rest, ok := strings.CutPrefix(e.ErrorID, "ACT-A402-")
		if !ok || !each(rest, func(c byte) bool { return upper(c) || digit(c) || c == '_' }) || len(e.ErrorID) > 96 {
			r.Invalid(at+"error_id", "must be ACT-A402- and capitals")
		}
	}
	enum(r, at+"category", e.Category, categories)
	enum(r, at+"phase", e.Phase, phases)
	enum(r, at+"retryability", e.Retryability, retryabilities)
	if len(e.NextActions) == 0 {
		r.Require(at+"valid_next_actions", "")
	}
	for i, a := range e.NextActions {
		field := at + "valid_next_actions[" + strconv.Itoa(i) + "]"
		enum(r, field, a, actions)
		if slices.Contains(e.NextActions[:i], a) {
			r.Invalid(field, "named twice")
		}
	}
	if r.Require(at+"message", e.Message) && utf8.RuneCountInString(e.Message) > 1024 {
		r.Invalid(at+"message", "at most 1024 characters")
	}
	if s := e.RetryAfterSeconds; s != nil && (*s < 0 || *s > 86400) {
		r.Invalid(at+"retry_after_seconds", "must be from 0 to 86400")
	}
	if len(e.Details) > 0 && e.Details.Kind() != jsontext.KindBeginObject {
		r.Invalid(at+"details", "must be an object")
	}
}

// Catalog returns the eleven errors of the official catalogue, one a category,
// in its order. Ids, categories, phases, retry advice and actions are the
// official ones; the messages are our words.
func Catalog() []A402Error {
	return []A402Error{
		{"ACT-A402-SIGNATURE_INVALID", CategorySignature, PhaseRequirement, RetryAfterCorrection,
			[]Action{ActionCorrectRequest, ActionEscalate, ActionAbort},
			"A signature does not verify, or its key or algorithm is not accepted.", nil, nil},
		{"ACT-A402-REQUEST_INVALID", CategoryRequest, PhaseRequirement, RetryAfterCorrection,
			[]Action{ActionCorrectRequest, ActionCreateNewRequirement, ActionAbort},
			"Something in the request is absent, wrongly written, contradictory or too old.", nil, nil},
		{"ACT-A402-METHOD_UNSUPPORTED", CategoryMethod, PhaseRequirement, RetryAfterCorrection,
			[]Action{ActionRenegotiateMethod, ActionSwitchCounterparty, ActionAbort},
			"This payment method, kind of message or version is not offered here.", nil, nil},
		{"ACT-A402-PARTICIPANT_INVALID", CategoryParticipant, PhaseAuthorization, RetryAfterAuthorization,
			[]Action{ActionReauthorize, ActionCorrectRequest, ActionEscalate, ActionAbort},
			"Somebody who takes part is not the one this was made for.", nil, nil},
		{"ACT-A402-LIMIT_OR_ASSET_REJECTED", CategoryLimit, PhaseAuthorization, RetryAfterAuthorization,
			[]Action{ActionChangePaymentTool, ActionReauthorize, ActionAbort},
			"A limit, the balance or the payment token does not allow this amount.", nil, nil},
		{"ACT-A402-AUTHORIZATION_REJECTED", CategoryRisk, PhaseAuthorization, RetryAfterAuthorization,
			[]Action{ActionReauthorize, ActionEscalate, ActionAbort},
			"The principal's mandate, or a rule about risk, does not allow this.", nil, nil},
		{"ACT-A402-STATE_CONFLICT", CategoryState, PhasePayment, RetryQueryFirst,
			[]Action{ActionQueryPaymentStatus, ActionReturnPriorResult, ActionEscalate, ActionAbort},
			"There is no such trade, or its state does not allow this step.", nil, nil},
		{"ACT-A402-REFUND_FAILED", CategoryRefund, PhaseFulfillment, RetryQueryFirst,
			[]Action{ActionQueryPaymentStatus, ActionEscalate, ActionAbort},
			"A refund did not succeed, or whether it did is not known yet.", nil, nil},
		{"ACT-A402-FULFILLMENT_FAILED", CategoryFulfillment, PhaseFulfillment, Retryable,
			[]Action{ActionRetryDelivery, ActionRetryFulfillment, ActionReturnPriorResult, ActionEscalate},
			"What was paid for has not been handed over, or that has not been confirmed.", nil, nil},
		{"ACT-A402-PROOF_INVALID", CategoryProof, PhaseProofValidation, RetryAfterCorrection,
			[]Action{ActionObtainNewProof, ActionRetryValidation, ActionCreateNewRequirement, ActionAbort},
			"The payment proof is not valid, no longer valid, used, or for something else.", nil, nil},
		{"ACT-A402-SYSTEM_UNAVAILABLE", CategorySystem, PhasePayment, RetryQueryFirst,
			[]Action{ActionQueryPaymentStatus, ActionRetryValidation, ActionEscalate, ActionAbort},
			"A service that is needed did not answer. Ask for the outcome before trying again.", nil, nil},
	}
}
