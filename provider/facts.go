package provider

import (
	"slices"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// Facts are everything in a book that a payment depends on, read in the
// transaction that will make it. A ledger gathers them and lets Judge decide,
// so that all ledgers find the same and say the same. The zero value refuses.
type Facts struct {
	Pinned    canon.Digest // of the payload that is pinned for the mandate; empty when the mandate is new
	Spent     int64        // by all payments made under the mandate
	OrderPaid bool         // (Payee, Order) has been paid
	Payee     bool         // the payee has an account in the payment's currency

	Token      *Token      // nil when there is no such token, or none in the payment
	SubAccount *SubAccount // nil when there is none such, or none in the payment
	Taken      int64       // by all payments made with that token or from that sub-account
	Within     int64       // of Taken, what lies inside the sub-account's Limits.Period
	Balance    int64       // of the account or sub-account that pays
}

// Principal is whose money it is; empty without an instrument.
func (f *Facts) Principal() string {
	switch {
	case f.Token != nil:
		return f.Token.Principal
	case f.SubAccount != nil:
		return f.SubAccount.Principal
	}
	return ""
}

// Judge makes every check that depends on the book, at the time of the debit,
// behind those of p.Made. All are made; which code is reported follows from
// their precedence (SPEC.md 7).
func (f *Facts) Judge(p *Payment, now time.Time) protocol.Decision { return f.judge(p, now, true) }

// JudgeBegin is Judge without the balance, for an instant payment that is put
// before the principal: there is still time to bring money.
func (f *Facts) JudgeBegin(p *Payment, now time.Time) protocol.Decision {
	return f.judge(p, now, false)
}

func (f *Facts) judge(p *Payment, now time.Time, debit bool) protocol.Decision {
	d := p.Made
	d.Require(now.Before(p.Expires), protocol.CodeOrderExpired, "PSD-PAY-DEL-05", "mandate and order open at the debit", "timestamp",
		"over before the payment's turn came")
	d.Require(!f.OrderPaid, protocol.CodeOrderPaid, "PSD-PAY-A402-01", "order unpaid", "merchant_order_id", "")
	d.Require(f.Payee, protocol.CodeMerchantNotAllowed, "PSD-PAY-DEL-04", "payee registered", "merchant_id", "not registered for this currency")
	if !p.Instant() {
		d.Require(f.Pinned == "" || f.Pinned == p.Mandate.Digest, protocol.CodeRequestConflict, "ADD-IAC-ISS-15", "mandate pinned", "iac",
			"the delegation id was used before with another signed payload")
		d.Require(within(p.Amount, f.Spent, p.Mandate.Total), protocol.CodeTotalLimitExceeded, "PSD-PAY-DEL-07", "cumulative limit", "amount",
			"this payment and those before it exceed max_total_amount")
	}
	currency, mine := f.judgeToken(&d, p, now)
	if p.SubAccount != "" {
		currency, mine = f.judgeSubAccount(&d, p)
	}
	if !mine {
		return d // the balance is nobody else's business
	}
	if d.Require(currency == p.Currency, protocol.CodeCurrencyMismatch, "PSD-PMT-BND-03", "account's currency", "currency", "") && debit {
		d.Require(p.Amount <= f.Balance, protocol.CodeBalanceInsufficient, "PSD-PAY-AUP-03", "balance", "amount", "")
	}
	return d
}

// within reports whether an amount fits behind what was spent; it does not
// overflow, because neither is below zero.
func within(amount, spent, limit int64) bool { return amount <= limit-spent }

// judgeToken judges a payment by token. mine is false when the token is not
// known or another agent's, and for a payment that has none.
func (f *Facts) judgeToken(d *protocol.Decision, p *Payment, now time.Time) (currency string, mine bool) {
	if p.Token == "" {
		return "", false
	}
	const field = "payment_token"
	k := f.Token
	if !d.Require(k != nil, protocol.CodeInstrumentInvalid, "PSD-PMT-BND-04", "payment token known", field, "unknown") {
		return "", false
	}
	if !d.Require(k.Agent == p.Request.Agent, protocol.CodeInstrumentMismatch, "PSD-PMT-BND-04", "payment token of this agent", field, "") {
		return "", false
	}
	if !p.Instant() {
		d.Require(k.Principal == p.Mandate.Delegator, protocol.CodePrincipalMismatch, "PSD-PAY-DEL-09", "payment token of this principal", field,
			"the account belongs to another principal than the mandate's")
	}
	d.Require(k.State == TokenActive, protocol.CodeInstrumentInvalid, "PSD-PMT-BND-04", "payment token active", field, "frozen or cancelled")
	d.Require(!now.Before(k.ValidFrom) && now.Before(k.ValidUntil), protocol.CodeInstrumentInvalid, "PSD-PMT-BND-04", "payment token in its time", field,
		"outside its validity")
	d.Require(len(k.Merchants) == 0 || slices.Contains(k.Merchants, p.Payee), protocol.CodeInstrumentInvalid, "PSD-PMT-BND-03", "payment token's merchants", field,
		"not bound for this merchant")
	d.Require(k.Ceiling == 0 || within(p.Amount, f.Taken, k.Ceiling), protocol.CodeInstrumentInvalid, "PSD-PMT-BND-03", "payment token's ceiling", field,
		"over its ceiling")
	return k.Currency, true
}

// judgeSubAccount judges a payment from a sub-account (PSD-PAY-DEL-08,
// PSD-AGT-SUB-05). That the authorization verifies by SubAccountKey has been
// checked before; here the key must still be the sub-account's.
func (f *Facts) judgeSubAccount(d *protocol.Decision, p *Payment) (currency string, mine bool) {
	const field = "subaccount_id"
	s := f.SubAccount
	if !d.Require(s != nil, protocol.CodeSubAccountUnknown, "PSD-AGT-SUB-05", "sub-account opened", field, "") {
		return "", false
	}
	if !d.Require(s.Agent == p.Request.Agent, protocol.CodeInstrumentMismatch, "PSD-AGT-SUB-04", "sub-account of this agent", field, "") {
		return "", false
	}
	d.Require(s.Principal == p.Mandate.Delegator, protocol.CodePrincipalMismatch, "PSD-PAY-DEL-09", "sub-account of this principal", field,
		"it belongs to another principal than the mandate's")
	judgeState(d, s.State)
	d.Require(!s.Key.IsZero() && s.Key.Thumbprint() == p.SubAccountKey, protocol.CodeSubAccountKey, "PSD-AGT-SUB-04", "sub-account's key at the debit", "subaccount_authorization",
		"not, or no longer, the key of the sub-account")
	l := s.Limits
	d.Require(l.Single == 0 || p.Amount <= l.Single, protocol.CodeSingleLimitExceeded, "PSD-AGT-SUB-06", "sub-account's limit for one payment", field, "")
	d.Require(l.Total == 0 || within(p.Amount, f.Taken, l.Total), protocol.CodeTotalLimitExceeded, "PSD-AGT-SUB-06", "sub-account's limit in all", field, "")
	d.Require(l.Within == 0 || within(p.Amount, f.Within, l.Within), protocol.CodeTotalLimitExceeded, "PSD-AGT-SUB-06", "sub-account's limit in a period", field, "")
	return s.Currency, true
}

// judgeState judges the state of a sub-account; one that is not known here
// counts as frozen.
func judgeState(d *protocol.Decision, s SubAccountState) {
	code := protocol.CodeSubAccountFrozen
	if s == SubAccountCancelled {
		code = protocol.CodeSubAccountCancelled
	}
	d.Require(s == SubAccountActive, code, "PSD-AGT-SUB-03", "sub-account available", "subaccount_id", "")
}
