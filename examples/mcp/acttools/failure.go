package acttools

import (
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// Money says whether money has moved by a call that failed.
type Money string

// What may have happened to the money.
const (
	MoneyUntouched Money = "untouched"
	MoneyMoved     Money = "moved"
	MoneyUnknown   Money = "unknown"
)

// A Failure is the result of a tool that has not done what it was asked for, as
// JSON in the text of a result with isError.
type Failure struct {
	Code        protocol.Code    `json:"code"`    // of SPEC.md 7
	Outcome     protocol.Outcome `json:"outcome"` // denied or undetermined
	Meaning     string           `json:"meaning"`
	Field       string           `json:"field,omitzero"`
	Requirement string           `json:"requirement,omitzero"`
	Failed      []string         `json:"failed_checks,omitzero"` // all, with their codes
	Money       Money            `json:"money"`
	Next        string           `json:"next"` // what the model may do about it
}

// failure explains an error to a model. Everything in it is a constant of the
// library, or the name of a member: an error never holds input.
func failure(err error, money Money) Failure {
	e := protocol.AsError(err)
	f := Failure{
		Code: e.Code, Outcome: e.Code.Outcome(), Meaning: e.Detail, Field: e.Field, Requirement: e.Requirement, Money: money, Next: next(e.Code),
	}
	if f.Meaning == "" {
		f.Meaning = e.Code.Text()
	}
	if f.Code == protocol.CodeOutcomeUnknown && money == MoneyUntouched {
		f.Money = MoneyUnknown
	}
	if f.Money == MoneyMoved {
		f.Next = "It is paid: do not buy it elsewhere. " + f.Next
	}
	for _, c := range e.Checks {
		if c.Outcome != protocol.Allowed {
			f.Failed = append(f.Failed, c.String())
		}
	}
	return f
}

// text is the Failure as the model reads it.
func (f Failure) text() string {
	text, err := canon.Marshal(f)
	if err != nil {
		return `{"code":"` + string(f.Code) + `","money":"` + string(f.Money) + `"}`
	}
	return string(text)
}

// next says what a model may do about a code.
func next(code protocol.Code) string {
	switch code {
	case protocol.CodeTooLarge, protocol.CodeMalformed, protocol.CodeFieldMissing, protocol.CodeFieldInvalid, protocol.CodeFieldUnknown:
		return "Correct the arguments and call again."
	case protocol.CodeOrderUnknown, protocol.CodeOrderExpired, protocol.CodeOrderMismatch, protocol.CodePriceChanged:
		return "Call find and confirm_cart again: the order or its price no longer holds."
	case protocol.CodeNoMatch, protocol.CodeOutOfStock, protocol.CodeContextUnknown, protocol.CodeAccessDenied, protocol.CodeConstraintConflict:
		return "Ask for something else, or at another shop; or tell the person that there is nothing."
	case protocol.CodeMandateExpired, protocol.CodeMandateRevoked, protocol.CodeMandateSuspended, protocol.CodeMandateNotYetValid, protocol.CodeModeMismatch:
		return "This mandate cannot be used now. Tell the person; a new one needs describe_intent and their confirmation."
	case protocol.CodeCurrencyMismatch, protocol.CodeSingleLimitExceeded, protocol.CodeBelowMinimum, protocol.CodeTotalLimitExceeded,
		protocol.CodeMethodNotAllowed, protocol.CodeMerchantNotAllowed, protocol.CodeCategoryNotAllowed, protocol.CodeDeliveryNotMet,
		protocol.CodePriceDeviation:
		return "Outside of what the person allowed. Choose something inside the limits, or ask the person, who may confirm another mandate by describe_intent."
	case protocol.CodePolicyRefused:
		return "The person's own rules refuse it. Do not repeat it; tell the person when it matters."
	case protocol.CodeConfirmationFailed:
		return "The person said no. Do not ask again for the same."
	case protocol.CodeConfirmationPending:
		return "A person has to decide, outside of this conversation. Ask them to; then call again."
	case protocol.CodeOutcomeUnknown:
		return "Call again with the same arguments: that asks first and does not pay twice. Do not buy it elsewhere meanwhile."
	case protocol.CodeInstrumentInvalid, protocol.CodeInstrumentMismatch, protocol.CodeSubAccountUnknown, protocol.CodeSubAccountFrozen,
		protocol.CodeSubAccountCancelled, protocol.CodeSubAccountKey, protocol.CodeBalanceInsufficient:
		return "Tell the person that the account cannot pay. Only they can change that, at their provider."
	case protocol.CodeTooManyRequests, protocol.CodeServiceUnavailable, protocol.CodeKeyUnavailable, protocol.CodeStatusUnavailable, protocol.CodeExecutionFailed:
		return "Wait a little and call again with the same arguments, a few times at most."
	case protocol.CodeConstraintUnknown, protocol.CodeConstraintWithheld, protocol.CodeFactMissing:
		return "It cannot be decided whether this is allowed, so it is not. Choose something else or tell the person."
	case protocol.CodeProofInvalid, protocol.CodeProofExpired, protocol.CodeProofMismatch, protocol.CodeProofUsed, protocol.CodeTradeUnknown:
		return "Something was paid for and the shop does not hand it over. Do not pay again; show the person the bill."
	case protocol.CodeOrderPaid, protocol.CodeStateConflict, protocol.CodeRequestConflict:
		return "Look at show_bill before anything else: this was done before, or is no longer open."
	default: // signatures, keys, identities, parties, risk control
		return "Do not buy from this shop in this way. Tell the person the code."
	}
}
