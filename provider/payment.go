package provider

import (
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

// A Nonce is used once within its scope, which names kind of message and
// signer, and kept until the message it came with is too old anyway.
type Nonce = verifier.Nonce

// A Request names one authenticated transmission: who asks, the idempotency
// key, what is asked, and the nonce of this transmission.
type Request struct {
	Agent, ID string       // DID; request_id
	Digest    canon.Digest // of all that two transmissions have in common (SPEC.md 6.1)
	Nonce     Nonce
}

// Check refuses a request in which something is missing (field_missing).
func (r Request) Check() error {
	if r.Agent == "" || r.ID == "" || r.Digest == "" {
		return protocol.New(protocol.CodeFieldMissing, "request", "PSD-PAY-DEL-04", "agent, id and digest are needed")
	}
	return CheckNonce(r.Nonce)
}

// CheckNonce refuses a nonce in which something is missing (field_missing).
func CheckNonce(n Nonce) error {
	if n.Scope == "" || n.Value == "" || n.Until.IsZero() {
		return protocol.New(protocol.CodeFieldMissing, "nonce", "PSD-PAY-DEL-04", "")
	}
	return nil
}

// A Mandate is what the ledger has to know of an authorization: the key of its
// budget (issuer and delegation id), the digest of the payload that was signed,
// and the budget itself. An instant payment has the zero value.
type Mandate struct {
	Issuer, DelegationID string
	Digest               canon.Digest // of the signed payload
	Delegator            string       // DID of the principal
	Total                int64        // max_total_amount in minor units
}

// A Payment is a request that everybody else has agreed to: the verifier has
// checked signatures, mandate, boundaries and order. What is left depends on
// the book alone.
type Payment struct {
	Request  Request
	Mandate  Mandate // zero for an instant payment
	Scenario payment.Scenario
	Method   string // urn:act:payment:<name>

	// The instrument: a payment token, or a sub-account with the thumbprint
	// (RFC 7638) of the key by which this payment was authorised. Never both; an
	// instant payment is by token.
	Token         string
	SubAccount    string
	SubAccountKey string

	Payee    string    // DID of the merchant
	Order    string    // the merchant's order number, out_trade_no
	Expires  time.Time // first moment at which mandate, order, bill or the time to confirm is over
	Amount   int64     // minor units, above zero
	Currency string    // ISO 4217, also of the mandate
	Memo     []byte    // kept with the trade and given back, never read

	// Made are the checks that were made before, if any. Those of the ledger
	// follow them in the answer, and a failed one among them refuses.
	Made protocol.Decision
}

// Instant reports whether the payment has no mandate and needs the principal's
// own confirmation.
func (p *Payment) Instant() bool { return p.Mandate == Mandate{} }

// Check refuses a payment in which something is missing or of the wrong form
// (field_missing, field_invalid), before a ledger looks at it.
func (p *Payment) Check() error {
	if err := p.Request.Check(); err != nil {
		return err
	}
	if err := p.complete(); err != nil {
		return err
	}
	switch {
	case (p.Token == "") == (p.SubAccount == ""):
		return protocol.New(protocol.CodeFieldMissing, "payment_token", "PSD-PMT-BND-04", "exactly one of payment token and sub-account")
	case p.Instant() != (p.Scenario == payment.ScenarioINS):
		return protocol.New(protocol.CodeFieldInvalid, "scenario", "PSD-PAY-INS-08", "INS goes without a mandate, DEL and AUP with one")
	case p.Instant() && p.Token == "":
		return protocol.New(protocol.CodeFieldMissing, "payment_token", "PSD-PAY-INS-08", "an instant payment is by token")
	case (p.SubAccount == "") != (p.SubAccountKey == ""):
		return protocol.New(protocol.CodeFieldMissing, "subaccount_authorization", "PSD-AGT-SUB-04", "sub-account and its key go together")
	case p.Expires.IsZero():
		return protocol.New(protocol.CodeFieldMissing, "expires", "PSD-PAY-DEL-05", "the end of mandate and order is needed")
	case p.Amount <= 0 || p.Mandate.Total < 0:
		return protocol.New(protocol.CodeFieldInvalid, "amount", "PSD-PAY-DEL-06", "above zero")
	}
	return nil
}

// CheckPay is Check for [Ledger].Pay, which wants a mandate.
func (p *Payment) CheckPay() error {
	if err := p.Check(); err != nil {
		return err
	}
	if p.Instant() {
		return protocol.New(protocol.CodeFieldMissing, "iac", "PSD-PAY-DEL-04", "an instant payment is begun, and settled when it is confirmed")
	}
	return nil
}

// CheckBegin is Check for [Ledger].Begin, which wants none.
func (p *Payment) CheckBegin() error {
	if err := p.Check(); err != nil {
		return err
	}
	if !p.Instant() {
		return protocol.New(protocol.CodeFieldInvalid, "iac", "PSD-PAY-INS-08", "an instant payment has no mandate")
	}
	return nil
}

// complete looks for what is missing.
func (p *Payment) complete() error {
	type field struct{ name, value string }
	needed := []field{
		{"scenario", string(p.Scenario)}, {"payment_method", p.Method}, {"merchant_id", p.Payee},
		{"merchant_order_id", p.Order}, {"currency", p.Currency},
	}
	if !p.Instant() {
		needed = append(needed, field{"mandate.issuer", p.Mandate.Issuer}, field{"delegation_id", p.Mandate.DelegationID},
			field{"mandate.digest", string(p.Mandate.Digest)}, field{"delegator_identity", p.Mandate.Delegator})
	}
	for _, f := range needed {
		if f.value == "" {
			return protocol.New(protocol.CodeFieldMissing, f.name, "PSD-PAY-DEL-04", "")
		}
	}
	return nil
}

// A Confirmation is how and when the principal confirmed one payment
// (PSD-PAY-INS-03). Both are recorded with the trade.
type Confirmation struct {
	Method string // how the principal was verified, in the provider's own words
	At     time.Time
}

// Check refuses a confirmation in which something is missing.
func (c Confirmation) Check() error {
	if c.Method == "" || c.At.IsZero() {
		return protocol.New(protocol.CodeFieldMissing, "confirmation", "PSD-PAY-INS-03", "method and time are recorded")
	}
	return nil
}

// A Trade is a payment that was made or waits for its confirmation, and what
// became of it. Everything up to Memo is fixed when it is begun, what follows is
// its present state.
type Trade struct {
	No           string // globally unique, by the ledger; 1 to 256 visible ASCII characters
	Agent        string
	RequestID    string
	Scenario     payment.Scenario
	Method       string
	Payee        string
	Order        string
	Issuer       string // empty for an instant payment, as is DelegationID
	DelegationID string
	Principal    string // DID of the owner of the account that pays
	SubAccount   string // empty when the payment is by token
	Amount       int64  // minor units
	Currency     string
	Expires      time.Time // of Payment.Expires
	Memo         []byte

	State        payment.State
	PaidAt       time.Time    // whole seconds; zero before
	SpentTotal   int64        // of the mandate, this trade included, when it was paid; zero for an instant payment
	Confirmation Confirmation // of an instant payment; zero before, and of others
	Consumer     string       // who has the proof's one delivery; empty before
	ConsumedAt   time.Time    // zero before
	ConfirmedAt  time.Time    // when the merchant confirmed the fulfilment; zero before

	// Decision is what Pay, Begin or Settle decided when it made this state,
	// Payment.Made included. It is not part of the book: a trade that is read
	// back, or is an earlier answer, has none.
	Decision protocol.Decision
}

// Waiting reports whether the trade waits for the principal's confirmation.
func (t *Trade) Waiting() bool { return t.State == payment.StateWaitBuyerPay }
