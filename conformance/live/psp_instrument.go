package live

import (
	"maps"
	"slices"
	"time"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// typed is a purchase as the library has it.
func (p *probe) typed(b *purchase) payment.Request {
	text := func(name string) string { s, _ := b.message[name].(string); return s }
	return payment.Request{
		Scenario: payment.Scenario(text("scenario")), RequestID: text("request_id"), Nonce: canon.Nonce(), Timestamp: time.Now(), PSPID: text("psp_id"),
		BuyerAgentID: text("buyer_agent_id"), MerchantID: text("merchant_id"), DelegationID: text("delegation_id"), IAC: text("iac"),
		MerchantOrderID: text("merchant_order_id"), Amount: p.money(text("amount")), PaymentMethod: text("payment_method"), PaymentToken: text("payment_token"),
		Order: text("order"), Bill: text("bill"),
	}
}

func signRequest(s *keys.Signer, r payment.Request) ([]byte, error) { return payment.SignRequest(s, r) }

// pspTokenChecks are about payment tokens.
func pspTokenChecks() []Check {
	state := func(state string) func(*probe) conformance.Answer {
		return func(p *probe) conformance.Answer {
			y := p.payerWith("100.00")
			p.act("token_state", "payment_token", y.token, "state", state)
			return p.pay(p.purchase(y, "18.00"))
		}
	}
	return []Check{
		must("psp/token/001", "PSD-PMT-BND-04", "A token that does not exist pays nothing.", refused(protocol.CodeInstrumentInvalid), changed(set("payment_token", "token-of-nobody"))),
		must("psp/token/002", "PSD-PMT-BND-04 PSD-PMT-BND-03", "Another agent's token pays nothing.", refused(protocol.CodeInstrumentMismatch), func(p *probe) conformance.Answer {
			y, other := p.payerWith("100.00"), p.payerWith("100.00")
			b := p.purchase(y, "18.00")
			b.message["payment_token"] = other.token
			return p.pay(b)
		}),
		must("psp/token/003", "PSD-PMT-BND-04", "A frozen token pays nothing.", refused(protocol.CodeInstrumentInvalid), state("frozen")),
		must("psp/token/004", "PSD-PMT-BND-04", "A cancelled token pays nothing.", refused(protocol.CodeInstrumentInvalid), state("cancelled")),
		must("psp/token/005", "PSD-PMT-BND-03", "A token that was frozen and thawed pays again.", observed("frozen", "instrument_invalid", "thawed", "accepted"), func(p *probe) conformance.Answer {
			y := p.payerWith("100.00")
			p.act("token_state", "payment_token", y.token, "state", "frozen")
			frozen := p.pay(p.purchase(y, "1.00"))
			p.act("token_state", "payment_token", y.token, "state", "active")
			return observed("frozen", word(frozen), "thawed", word(p.pay(p.purchase(y, "1.00"))))
		}),
		must("psp/token/006", "PSD-PMT-BND-03 PSD-PMT-BND-04", "A token whose time is over pays nothing.", refused(protocol.CodeInstrumentInvalid), func(p *probe) conformance.Answer {
			y := p.account("100.00")
			y.token = p.act("bind_token", "principal", y.principal, "agent", y.agent.did, "currency", p.scenario.currency(), "valid_until", p.later(2*time.Second))["payment_token"]
			p.wait(2500 * time.Millisecond)
			return p.pay(p.purchase(y, "18.00"))
		}),
		must("psp/token/007", "PSD-PMT-BND-03", "The ceiling of a token holds over all its payments.",
			observed("below", "accepted", "to_the_last", "accepted", "beyond", "instrument_invalid"), func(p *probe) conformance.Answer {
				y := p.limited("20.00", "")
				return observed("below", word(p.pay(p.purchase(y, "18.00"))), "to_the_last", word(p.pay(p.purchase(y, "2.00"))), "beyond", word(p.pay(p.purchase(y, "0.01"))))
			}),
		must("psp/token/008", "PSD-PMT-BND-03", "A token for one merchant pays no other.", refused(protocol.CodeInstrumentInvalid), func(p *probe) conformance.Answer {
			y := p.limited("100.00", p.anotherMerchant().did)
			return p.pay(p.purchase(y, "18.00"))
		}),
		must("psp/token/009", "PSD-PMT-BND-03 PSD-PAY-DEL-07", "The ceiling of a token holds when eight payments arrive together.", observed("paid", "1", "instrument_invalid", "7"), func(p *probe) conformance.Answer {
			return p.rush(p.limited("20.00", ""), "18.00", protocol.CodeInstrumentInvalid)
		}),
		must("psp/token/010", "PSD-PMT-BND-05 PSD-PMT-BND-04", "After another agent's token nothing more is told: not whether it is frozen.", refused(protocol.CodeInstrumentMismatch), func(p *probe) conformance.Answer {
			y, other := p.payerWith("100.00"), p.payerWith("1.00")
			p.act("token_state", "payment_token", other.token, "state", "frozen")
			b := p.purchase(y, "18.00")
			b.message["payment_token"] = other.token
			return p.pay(b)
		}),
	}
}

// limited is a payer with 100.00 and a token with a ceiling, for one merchant:
// the suite's when none is named.
func (p *probe) limited(ceiling, merchant string) *payer {
	y := p.account("100.00")
	if merchant == "" {
		merchant = p.merchant().did
	}
	y.token = p.act("bind_limited_token", "principal", y.principal, "agent", y.agent.did, "currency", p.scenario.currency(),
		"valid_until", p.later(24*time.Hour), "ceiling", ceiling, "merchant", merchant)["payment_token"]
	return y
}

// purse is a payer with a sub-account in which there is money, and an account in
// which there is more.
func (p *probe) purse(inside string) *payer {
	y := p.account("100.00")
	p.openPurse(y, "open_subaccount")
	p.topUp(y, inside)
	return y
}

// openPurse opens a sub-account with a key of its own.
func (p *probe) openPurse(y *payer, action string, limits ...string) {
	s, err := p.otherKey(y.agent, "purse", keys.SubAccount)
	p.fault("making a key", err)
	y.subKey = s
	y.subaccount = p.act(action, append([]string{
		"principal", y.principal, "agent", y.agent.did, "currency", p.scenario.currency(), "key", string(s.Public().JWK()),
	}, limits...)...)["subaccount_id"]
}

func (p *probe) topUp(y *payer, amount string) {
	p.act("top_up", "topup_id", canon.UUID(), "subaccount_id", y.subaccount, "amount", amount, "currency", p.scenario.currency())
}

// purchaseBy is a purchase by the sub-account of a payer.
func (p *probe) purchaseBy(y *payer, amount string) *purchase {
	b := p.purchase(y, amount)
	delete(b.message, "payment_token")
	b.message["subaccount_id"] = y.subaccount
	return b
}

// authorize adds the authorization of the sub-account's key to a message that is
// otherwise complete, after a change.
func (p *probe) authorize(b *purchase, m map[string]any, change func(*payment.SubAccountAuthorization)) {
	m["subaccount_authorization"] = ""
	m["signer_id"], m["signature_type"] = b.signer.KeyID(), b.signer.Public().Algorithm().SignatureType()
	m["signature_covered_fields"] = []string{}
	m["signature_covered_fields"] = slices.Sorted(maps.Keys(m))
	digested := maps.Clone(m)
	delete(digested, "iac")
	delete(digested, "subaccount_authorization")
	text, err := canon.Marshal(digested)
	p.fault("an authorization of the suite's", err)
	text, err = canon.Canonicalize(text)
	p.fault("an authorization of the suite's", err)
	id, _ := m["subaccount_id"].(string)
	now := time.Now().Truncate(time.Second)
	a := payment.SubAccountAuthorization{
		AgentID: b.payer.agent.did, SubAccountID: id, PSPID: p.scenario.PSP.ID, ID: canon.UUID(), IssuedAt: now, Expires: now.Add(2 * time.Minute),
		RequestDigest: canon.Sum(text),
	}
	if change != nil {
		change(&a)
	}
	token, err := payment.SignSubAccountAuthorization(b.payer.subKey, a)
	p.fault("an authorization of the suite's", err)
	m["subaccount_authorization"] = token
}

// authorized is a check of a payment by a sub-account whose authorization has
// one change.
func authorized(change func(p *probe, a *payment.SubAccountAuthorization)) func(*probe) conformance.Answer {
	return func(p *probe) conformance.Answer {
		b := p.purchaseBy(p.purse("50.00"), "18.00")
		b.message["nonce"], b.message["timestamp"] = canon.Nonce(), canon.FormatTime(time.Now())
		p.authorize(b, b.message, func(a *payment.SubAccountAuthorization) { change(p, a) })
		return p.pay(b)
	}
}

// pspSubAccountChecks are about payments from sub-accounts.
func pspSubAccountChecks() []Check {
	bad := func(id, req, title string, code protocol.Code, run func(*probe) conformance.Answer) Check {
		return must("psp/subaccount/"+id, req, title, refused(code), run)
	}
	state := func(states ...string) func(*probe) conformance.Answer {
		return func(p *probe) conformance.Answer {
			y := p.purse("50.00")
			for _, s := range states {
				p.act("subaccount_state", "subaccount_id", y.subaccount, "state", s)
			}
			return p.pay(p.purchaseBy(y, "18.00"))
		}
	}
	return []Check{
		must("psp/subaccount/001", "PSD-AGT-SUB-01 PSD-AGT-SUB-04 PSD-PAY-DEL-08 PSD-PAY-AUP-04", "A payment from a sub-account, authorized by its key, is made.", accepted(), func(p *probe) conformance.Answer {
			return p.pay(p.purchaseBy(p.purse("50.00"), "18.00"))
		}),
		bad("002", "PSD-AGT-SUB-04 PSD-AGT-SUB-05", "An authorization by another key than the sub-account's is refused.", protocol.CodeSubAccountKey, func(p *probe) conformance.Answer {
			y := p.purse("50.00")
			s, err := p.otherKey(y.agent, "other-purse", keys.SubAccount)
			p.fault("making a key", err)
			y.subKey = s
			return p.pay(p.purchaseBy(y, "18.00"))
		}),
		bad("003", "PSD-AGT-SUB-05", "A sub-account that was not opened is refused.", protocol.CodeSubAccountUnknown, func(p *probe) conformance.Answer {
			b := p.purchaseBy(p.purse("50.00"), "18.00")
			b.message["subaccount_id"] = "subaccount-of-nobody"
			return p.pay(b)
		}),
		bad("004", "PSD-AGT-SUB-02 PSD-AGT-SUB-03", "A frozen sub-account pays nothing.", protocol.CodeSubAccountFrozen, state("frozen")),
		bad("005", "PSD-AGT-SUB-02 PSD-AGT-SUB-03", "A cancelled sub-account pays nothing.", protocol.CodeSubAccountCancelled, state("cancelled")),
		must("psp/subaccount/006", "PSD-AGT-SUB-02", "A sub-account that was frozen and unfrozen pays again.", accepted(), state("frozen", "active")),
		bad("007", "PSD-AGT-SUB-05 PSD-PAY-DEL-08", "More than a sub-account holds is refused, whatever there is in the account behind it.", protocol.CodeBalanceInsufficient, func(p *probe) conformance.Answer {
			return p.pay(p.purchaseBy(p.purse("17.99"), "18.00"))
		}),
		bad("008", "PSD-AGT-SUB-05", "Another agent's sub-account pays nothing.", protocol.CodeInstrumentMismatch, func(p *probe) conformance.Answer {
			y, other := p.purse("50.00"), p.purse("50.00")
			b := p.purchaseBy(y, "18.00")
			b.message["subaccount_id"] = other.subaccount
			return p.pay(b)
		}),
	}
}

// pspPurseChecks are about authorizations of sub-accounts and their limits.
func pspPurseChecks() []Check {
	bad := func(id, req, title string, code protocol.Code, run func(*probe) conformance.Answer) Check {
		return must("psp/subaccount/"+id, req, title, refused(code), run)
	}
	return []Check{
		bad("009", "PSD-AGT-SUB-04", "An authorization for another payment is refused.", protocol.CodeClaimsConflict, authorized(func(_ *probe, a *payment.SubAccountAuthorization) {
			a.RequestDigest = canon.Sum([]byte("another payment"))
		})),
		bad("010", "PSD-AGT-SUB-04", "An authorization whose time is over is refused.", protocol.CodeRequestExpired, authorized(func(_ *probe, a *payment.SubAccountAuthorization) {
			a.IssuedAt, a.Expires = a.IssuedAt.Add(-5*time.Minute), a.IssuedAt.Add(-time.Minute)
		})),
		bad("011", "PSD-AGT-SUB-04", "An authorization for another provider is refused.", protocol.CodeAudienceMismatch, authorized(func(p *probe, a *payment.SubAccountAuthorization) {
			a.PSPID = p.party("psp-"+p.run, keys.Proof).did
		})),
		bad("012", "PSD-AGT-SUB-04", "A payment from a sub-account without an authorization is refused.", protocol.CodeFieldMissing, func(p *probe) conformance.Answer {
			b := p.purchaseBy(p.purse("50.00"), "18.00")
			b.payer.subKey = nil
			return p.pay(b)
		}),
		bad("013", "PSD-AGT-SUB-04", "An authorization of the last transmission does not do for the next one.", protocol.CodeClaimsConflict, func(p *probe) conformance.Answer {
			b := p.purchaseBy(p.purse("50.00"), "18.00")
			b.message["nonce"], b.message["timestamp"] = canon.Nonce(), canon.FormatTime(time.Now())
			p.authorize(b, b.message, nil)
			b.message["request_id"], b.message["nonce"] = canon.UUID(), canon.Nonce()
			return p.pay(b)
		}),
		must("psp/subaccount/014", "PSD-PAY-DEL-08 PSD-PAY-DEL-07", "The last money of a sub-account is paid out once, when eight payments arrive together.",
			observed("paid", "1", "balance_insufficient", "7"), func(p *probe) conformance.Answer {
				y := p.purse("20.00")
				const n = 8
				all, bodies := make([]*purchase, n), make([][]byte, n)
				for i := range all {
					all[i] = p.purchaseBy(y, "18.00")
					bodies[i] = p.transmit(all[i])
				}
				return p.race(n, func(i int) conformance.Answer { a, _ := p.result(all[i], p.pspPost("/payments", bodies[i])); return a }, protocol.CodeBalanceInsufficient)
			}),
		bad("015", "PSD-AGT-SUB-06", "The limit of a sub-account for one payment holds.", protocol.CodeSingleLimitExceeded, func(p *probe) conformance.Answer {
			y := p.account("100.00")
			p.openPurse(y, "open_limited_subaccount", "single_limit", "17.99", "total_limit", "50.00")
			p.topUp(y, "50.00")
			return p.pay(p.purchaseBy(y, "18.00"))
		}),
		must("psp/subaccount/016", "PSD-AGT-SUB-06", "The limit of a sub-account for all payments holds.", observed("to_the_last", "accepted", "beyond", "total_limit_exceeded"), func(p *probe) conformance.Answer {
			y := p.account("100.00")
			p.openPurse(y, "open_limited_subaccount", "single_limit", "50.00", "total_limit", "18.00")
			p.topUp(y, "50.00")
			return observed("to_the_last", word(p.pay(p.purchaseBy(y, "18.00"))), "beyond", word(p.pay(p.purchaseBy(y, "0.01"))))
		}),
		bad("017", "PSD-PAY-DEL-08", "A sub-account widens nothing: the boundaries of the mandate hold.", protocol.CodeTotalLimitExceeded, func(p *probe) conformance.Answer {
			y := p.purse("50.00")
			return p.pay(p.purchaseBy(p.lowered(y, "17.99"), "18.00"))
		}),
		should("psp/subaccount/018", "PSD-PAY-AUP-04", "An autonomous payment from a dedicated sub-account is made.", accepted(), func(p *probe) conformance.Answer {
			y := p.bounded(p.purse("50.00"))
			b := p.purchaseBy(y, "18.00")
			b.message["scenario"] = "AUP"
			return p.pay(b)
		}),
	}
}
