package vectors

import "github.com/actprotocol/act-go/protocol"

// formOf are members that many messages have, each with a value that is not of
// its form. The ids of the cases count by this list: add at its end.
var formOf = []struct {
	name  string
	value any
}{
	{"psp_id", "psp"}, {"buyer_agent_id", "buyer"}, {"merchant_id", "shop"}, {"agent_id", "agent"}, {"seller_id", "shop"},
	{"request_id", "ask 1"}, {"trade_no", "trade 1"}, {"out_trade_no", "order 1"}, {"merchant_order_id", "order 1"}, {"payment_request_id", "pay 1"},
	{"refund_request_id", "refund 1"}, {"refund_no", "refund 1"}, {"delegation_id", "grant 1"}, {"payment_token", "token 1"}, {"subaccount_id", "sub 1"},
	{"consumer", "delivery 1"}, {"pending_id", "pending 1"}, {"notification_id", "note 1"}, {"binding_id", "binding 1"}, {"intent_id", "intent 1"},
	{"amount", "all"}, {"currency", "XYZ"}, {"refund_amount", "all"}, {"refunded_total", "all"}, {"spent_total", "all"}, {"available", "all"},
	{"timestamp", "now"}, {"paid_at", "today"}, {"as_of", "now"}, {"valid_until", "tomorrow"}, {"expires_at", "tomorrow"}, {"bound_at", "today"},
	{"consumed_at", "today"}, {"confirmed_at", "today"}, {"proof_expires_at", "tomorrow"}, {"refunded_at", "today"}, {"updated_at", "today"}, {"stated_at", "today"},
	{"nonce", "!!!"}, {"payment_method", "wallet"}, {"trade_state", "PAID"}, {"state", "GOOD"}, {"scenario", "XXX"}, {"reason", "a\x00b"},
}

// forms adds a case for each member of a message whose value is not of its form,
// and for a text that is no message. The ids are from 100 on.
func (p *post) forms() {
	p.no("100", "A text that is no JSON is no message.", protocol.CodeMalformed, nil, spelled(func(t string) string { return t[1:] }))
	have := p.letter().members
	for i, m := range formOf {
		if _, ok := have[m.name]; ok {
			p.no(three(i+101), "A message whose "+m.name+" is not of its form is refused.", protocol.CodeFieldInvalid, nil, member(m.name, m.value))
		}
	}
}
