package vectors

import (
	"strconv"
	"strings"

	"github.com/actprotocol/act-go/protocol"
)

// groupTrade: the moves of a trade (PSD-PAY-A402-11), all that there are and
// all that there are not.
func groupTrade(b *builder) {
	states := []string{"CREATE", "WAIT_BUYER_PAY", "WAIT_SELLER_FULFILLMENT", "WAIT_BUYER_RECEIPT", "TRADE_FINISHED", "TRADE_CLOSED"}
	moves := []struct{ from, to, why string }{
		{states[0], states[1], "A bill is issued."}, {states[1], states[2], "A trade is paid."}, {states[2], states[3], "What was paid for is delivered."},
		{states[3], states[4], "A delivery is confirmed."}, {states[1], states[5], "A trade ends unpaid."}, {states[2], states[5], "A trade is given back before the delivery."},
		{states[3], states[5], "A trade ends after the delivery."},
	}
	rule := ids("PSD-PAY-A402-11")
	known := map[[2]string]bool{}
	var first spec
	for i, m := range moves {
		known[[2]string{m.from, m.to}] = true
		ok := b.valid(spec{id: "trade/move/" + three(i+1), title: m.why, requirements: rule, operation: "trade.move", input: obj{"from": m.from, "to": m.to},
			output: obj{"terminal": strings.HasPrefix(m.to, "TRADE_")}})
		if i == 0 {
			first = ok
		}
	}
	n := 0
	for _, from := range states {
		for _, to := range states {
			if known[[2]string{from, to}] {
				continue
			}
			n++
			title := "There is no way from " + from + " to " + to + "."
			if from == to {
				title = "To stay in " + from + " is no move."
			}
			b.invalid(first, spec{id: "trade/refused/" + three(n), title: title, code: protocol.CodeStateConflict}, func(in obj) { in["from"], in["to"] = from, to })
		}
	}
	b.invalid(first, spec{id: "trade/refused/090", title: "A state that nobody knows is reached by nothing.", code: protocol.CodeStateConflict}, put("to", "SHIPPED"))
}

// codes is the table of SPEC.md 7: code, A402 category and HTTP status. What is
// undetermined stands behind the line.
const codes = `too_large REQUEST_PARAMETER 400
malformed REQUEST_PARAMETER 400
field_missing REQUEST_PARAMETER 400
field_invalid REQUEST_PARAMETER 400
field_unknown REQUEST_PARAMETER 400
type_mismatch PROTOCOL_METHOD 401
algorithm_refused SIGNATURE_VALIDATION 401
header_refused SIGNATURE_VALIDATION 401
key_unknown SIGNATURE_VALIDATION 401
key_purpose SIGNATURE_VALIDATION 401
key_not_valid SIGNATURE_VALIDATION 401
signature_invalid SIGNATURE_VALIDATION 401
issuer_untrusted PARTICIPANT_IDENTITY 403
claims_conflict REQUEST_PARAMETER 400
agent_mismatch PARTICIPANT_IDENTITY 403
principal_mismatch PARTICIPANT_IDENTITY 403
audience_mismatch PARTICIPANT_IDENTITY 403
replayed REQUEST_PARAMETER 409
request_conflict TRANSACTION_STATE 409
request_expired REQUEST_PARAMETER 401
access_denied AUTHORIZATION_RISK 403
too_many_requests REQUEST_PARAMETER 429
context_unknown TRANSACTION_STATE 404
constraint_conflict REQUEST_PARAMETER 409
no_match REQUEST_PARAMETER 404
mandate_not_yet_valid AUTHORIZATION_RISK 403
mandate_expired AUTHORIZATION_RISK 403
mandate_revoked AUTHORIZATION_RISK 403
mandate_suspended AUTHORIZATION_RISK 403
mode_mismatch AUTHORIZATION_RISK 403
order_unknown TRANSACTION_STATE 404
order_mismatch REQUEST_PARAMETER 409
order_expired REQUEST_PARAMETER 409
order_paid TRANSACTION_STATE 409
out_of_stock REQUEST_PARAMETER 409
price_changed REQUEST_PARAMETER 409
currency_mismatch AUTHORIZATION_RISK 403
single_limit_exceeded LIMIT_ASSET 403
below_minimum LIMIT_ASSET 403
total_limit_exceeded LIMIT_ASSET 403
method_not_allowed AUTHORIZATION_RISK 403
merchant_not_allowed AUTHORIZATION_RISK 403
category_not_allowed AUTHORIZATION_RISK 403
delivery_not_met AUTHORIZATION_RISK 403
price_deviation AUTHORIZATION_RISK 403
retries_exhausted AUTHORIZATION_RISK 403
instrument_invalid LIMIT_ASSET 403
instrument_mismatch PARTICIPANT_IDENTITY 403
subaccount_unknown LIMIT_ASSET 404
subaccount_frozen LIMIT_ASSET 403
subaccount_cancelled LIMIT_ASSET 403
subaccount_key_invalid LIMIT_ASSET 403
refund_exceeded REFUND 409
balance_insufficient LIMIT_ASSET 402
confirmation_failed AUTHORIZATION_RISK 403
risk_refused AUTHORIZATION_RISK 403
execution_failed LIMIT_ASSET 402
proof_invalid PAYMENT_PROOF_VALIDATION 402
proof_expired PAYMENT_PROOF_VALIDATION 402
proof_mismatch PAYMENT_PROOF_VALIDATION 402
proof_used PAYMENT_PROOF_VALIDATION 409
trade_unknown TRANSACTION_STATE 404
state_conflict TRANSACTION_STATE 409
actor_refused AUTHORIZATION_RISK 403
policy_refused AUTHORIZATION_RISK 403
-
key_unavailable SYSTEM 503
status_unavailable SYSTEM 503
constraint_unknown AUTHORIZATION_RISK 503
constraint_withheld AUTHORIZATION_RISK 503
fact_missing AUTHORIZATION_RISK 503
service_unavailable SYSTEM 503
outcome_unknown TRANSACTION_STATE 503
confirmation_pending AUTHORIZATION_RISK 503`

// catalogue is the table of SPEC.md 6.6 by category: id, retryability, actions.
var catalogue = map[string][]string{
	"SIGNATURE_VALIDATION":     {"SIGNATURE_INVALID", "AFTER_CORRECTION", "CORRECT_REQUEST", "ESCALATE", "ABORT"},
	"REQUEST_PARAMETER":        {"REQUEST_INVALID", "AFTER_CORRECTION", "CORRECT_REQUEST", "CREATE_NEW_REQUIREMENT", "ABORT"},
	"PROTOCOL_METHOD":          {"METHOD_UNSUPPORTED", "AFTER_CORRECTION", "RENEGOTIATE_METHOD", "SWITCH_COUNTERPARTY", "ABORT"},
	"PARTICIPANT_IDENTITY":     {"PARTICIPANT_INVALID", "AFTER_AUTHORIZATION", "REAUTHORIZE", "CORRECT_REQUEST", "ESCALATE", "ABORT"},
	"LIMIT_ASSET":              {"LIMIT_OR_ASSET_REJECTED", "AFTER_AUTHORIZATION", "CHANGE_PAYMENT_TOOL", "REAUTHORIZE", "ABORT"},
	"AUTHORIZATION_RISK":       {"AUTHORIZATION_REJECTED", "AFTER_AUTHORIZATION", "REAUTHORIZE", "ESCALATE", "ABORT"},
	"TRANSACTION_STATE":        {"STATE_CONFLICT", "QUERY_FIRST", "QUERY_PAYMENT_STATUS", "RETURN_PRIOR_RESULT", "ESCALATE", "ABORT"},
	"REFUND":                   {"REFUND_FAILED", "QUERY_FIRST", "QUERY_PAYMENT_STATUS", "ESCALATE", "ABORT"},
	"PAYMENT_PROOF_VALIDATION": {"PROOF_INVALID", "AFTER_CORRECTION", "OBTAIN_NEW_PROOF", "RETRY_VALIDATION", "CREATE_NEW_REQUIREMENT", "ABORT"},
	"SYSTEM":                   {"SYSTEM_UNAVAILABLE", "QUERY_FIRST", "QUERY_PAYMENT_STATUS", "RETRY_VALIDATION", "ESCALATE", "ABORT"},
}

// groupError: what becomes of a code outside (SPEC.md 6.6, 7).
func groupError(b *builder) {
	outcome, n := "denied", 0
	for row := range strings.Lines(codes) {
		cells := strings.Fields(row)
		if len(cells) == 1 {
			outcome = "undetermined"
			continue
		}
		n++
		code, category := cells[0], cells[1]
		status, err := strconv.Atoi(cells[2])
		if err != nil {
			b.fail(code, "%w", err)
		}
		actions := list{}
		for _, a := range catalogue[category][2:] {
			actions = append(actions, a)
		}
		b.valid(spec{id: "error/code/" + three(n), title: "What " + code + " is to others: its category, its status, and what may be done.", requirements: ids("PSD-PAY-A402-12", "PSD-PAY-INS-07", "PSD-PAY-DEL-11"), level: "should",
			operation: "error.describe", input: obj{"code": code}, output: obj{
				"outcome": outcome, "status": status, "category": category, "error_id": "ACT-A402-" + catalogue[category][0], "retryability": catalogue[category][1],
				"valid_next_actions": actions, "details": obj{"code": code},
			}})
	}
}
