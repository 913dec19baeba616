package alipay

import (
	"strings"

	"github.com/actprotocol/act-go/protocol"
)

// A refusal is what one of the platform's sub_codes means to us.
type refusal struct {
	code   protocol.Code
	detail string
}

// codeBusiness is the one code by which a method says no. The others are about
// the call itself, which is the shop's or the platform's fault and says nothing
// of the payment.
const codeBusiness = "40004"

// verifyRefusals are the sub_codes of alipay.aipay.agent.payment.verify. One
// that is not here is proof_invalid, except for those of transient.
//
// What the platform does not find it may find a moment later, and a trade that
// is not paid may be: to bill anew then could make somebody pay twice.
var verifyRefusals = map[string]refusal{
	"PAYMENT_PROOF_AGENT_MISMATCH":    {protocol.CodeProofMismatch, "Alipay: made for another agent"},
	"PAYMENT_PROOF_BUYER_MISMATCH":    {protocol.CodeProofMismatch, "Alipay: made for another buyer"},
	"PAYMENT_PROOF_ID_MISMATCH":       {protocol.CodeProofMismatch, "Alipay: another proof than the trade's"},
	"PAYMENT_PROOF_TRADE_NO_MISMATCH": {protocol.CodeProofMismatch, "Alipay: a proof of another trade"},
	"PAYMENT_PROOF_NOT_FOUND":         {protocol.CodeServiceUnavailable, "Alipay does not know the proof, or not yet"},
	"TRADE_NOT_FOUND":                 {protocol.CodeServiceUnavailable, "Alipay does not know the trade, or not yet"},
	"TRADE_STATUS_UNPAID":             {protocol.CodeServiceUnavailable, "Alipay: the trade is not paid yet"},
	"TRADE_STATUS_CLOSED":             {protocol.CodeProofInvalid, "Alipay: the trade is closed"},
	"":                                {protocol.CodeProofInvalid, "Alipay refuses the proof"},
}

// confirmRefusals are the sub_codes of alipay.aipay.agent.fulfillment.confirm.
// One that is not here is tried again: the delivery was made, and nothing but
// the news of it is at stake.
var confirmRefusals = map[string]refusal{
	"TRADE_NOT_FOUND":          {protocol.CodeTradeUnknown, "Alipay does not know the trade"},
	"TRADE_NO_INVALID":         {protocol.CodeTradeUnknown, "Alipay: no number of a trade"},
	"TRADE_STATUS_INVALID":     {protocol.CodeStateConflict, "Alipay: not to be confirmed in the trade's state"},
	"SELLER_IDENTITY_MISMATCH": {protocol.CodeActorRefused, "Alipay: another seller's trade"},
	"":                         {protocol.CodeServiceUnavailable, "Alipay does not take the confirmation"},
}

// faults say what is wrong with a call, for who runs the shop. They are
// constants; what the gateway writes itself is not repeated.
var faults = map[string]string{
	"20000": "Alipay's service is not available",
	"20001": "Alipay: the application has no authority for this method",
	"40001": "Alipay: a parameter of the call is missing",
	"40002": "Alipay: a parameter of the call is not valid; see app_id, key, clock and gateway",
	"40003": "Alipay: the call is not allowed in this state",
	"40005": "Alipay: too many calls",
	"40006": "Alipay: the application is not permitted to call this method",
}

// refused is the error for an answer that is not a success.
func (r result) refused(refusals map[string]refusal) error {
	if r.Code != codeBusiness {
		detail, ok := faults[r.Code]
		if !ok {
			detail = "Alipay: an outcome that is not known here"
		}
		return notUnderstood(detail, nil)
	}
	if transient(r.SubCode) {
		return notUnderstood("Alipay could not decide", nil)
	}
	known, ok := refusals[r.SubCode]
	if !ok {
		known = refusals[""]
	}
	return protocol.New(known.code, "", "PSD-PAY-A402-08", known.detail)
}

// transient reports whether a sub_code is about the platform and not about the
// payment. Without any, nobody knows what was meant.
func transient(sub string) bool {
	return sub == "" || strings.HasSuffix(sub, "SYSTEM_ERROR") || strings.HasPrefix(sub, "isp.") || strings.HasPrefix(sub, "aop.") || strings.HasPrefix(sub, "isv.")
}
