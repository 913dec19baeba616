package attestation

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/money"
)

// The contents of the ten event types. Each names the signed document in which
// everything else stands by its digest, so that a record tells little to who
// reads it and can prove much to who also has the document. A digest hides what
// cannot be guessed: signed documents with random ids, and no bare account
// number or name.

// Intent is the content of intent-created.
type Intent struct {
	IntentDigest canon.Digest // of the confirmed intent (ISR) in canonical form
}

// Mandate is the content of delegation-issued.
type Mandate struct {
	CredentialDigest canon.Digest // of the mandate's bytes as issued, without disclosures
	ValidFrom        time.Time
	ValidUntil       time.Time
}

// StateChange is the content of delegation-suspended, -resumed, -revoked and
// -expired. The mandate is the one of links.delegation_id.
type StateChange struct {
	Event            EventType    // one of the four
	CredentialDigest canon.Digest // as in Mandate; optional, the one who ends it may not have it
	Reason           string       // 1 to 64 of a-z, 0-9, hyphen: "user-request", "risk-control"; optional
}

// Choice is the content of decision-logged.
type Choice struct {
	DecisionDigest canon.Digest // of the agent's log: candidates, criteria, result
	Candidates     int          // how many were compared; 1 or more
	ChosenDigest   canon.Digest // of the catalogue item or offer that was chosen; optional
}

// Cart is the content of cart-confirmed.
type Cart struct {
	OrderDigest canon.Digest // of the order confirmation's bytes
	Amount      money.Amount
	ValidUntil  time.Time // end of the merchant's lock on price and stock
}

// Payment is the content of transaction-completed.
type Payment struct {
	Amount      money.Amount
	ProofDigest canon.Digest // of the payment proof's bytes
	Method      string       // urn:act:payment:<name>
}

// Delivery is the content of fulfillment-completed.
type Delivery struct {
	DeliveredAt  time.Time
	ResultDigest canon.Digest // of what was delivered, where it is bytes; optional
}

type (
	intentWire struct {
		IntentDigest string `json:"intent_digest"`
	}
	mandateWire struct {
		CredentialDigest string `json:"credential_digest"`
		ValidFrom        string `json:"valid_from"`
		ValidUntil       string `json:"valid_until"`
	}
	stateWire struct {
		CredentialDigest *string `json:"credential_digest,omitzero"`
		Reason           *string `json:"reason,omitzero"`
	}
	choiceWire struct {
		Candidates     *int64  `json:"candidates"`
		ChosenDigest   *string `json:"chosen_digest,omitzero"`
		DecisionDigest string  `json:"decision_digest"`
	}
	cartWire struct {
		Amount      string `json:"amount"`
		Currency    string `json:"currency"`
		OrderDigest string `json:"order_digest"`
		ValidUntil  string `json:"valid_until"`
	}
	paymentWire struct {
		Amount      string `json:"amount"`
		Currency    string `json:"currency"`
		Method      string `json:"payment_method"`
		ProofDigest string `json:"proof_digest"`
	}
	deliveryWire struct {
		DeliveredAt  string  `json:"delivered_at"`
		ResultDigest *string `json:"result_digest,omitzero"`
	}
)

func (Intent) eventType() EventType        { return IntentCreated }
func (Mandate) eventType() EventType       { return DelegationIssued }
func (c StateChange) eventType() EventType { return c.Event }
func (Choice) eventType() EventType        { return DecisionLogged }
func (Cart) eventType() EventType          { return CartConfirmed }
func (Payment) eventType() EventType       { return TransactionCompleted }
func (Delivery) eventType() EventType      { return FulfillmentCompleted }

func (c Intent) body() (jsontext.Value, error) {
	w := intentWire{string(c.IntentDigest)}
	_, err := w.value()
	return written(w, err)
}

func (w intentWire) value() (Content, error) {
	var r wire.Reader
	c := Intent{digest(&r, "intent_digest", w.IntentDigest)}
	return c, r.Err()
}

func (c Mandate) body() (jsontext.Value, error) {
	w := mandateWire{string(c.CredentialDigest), wire.FormatTime(c.ValidFrom), wire.FormatTime(c.ValidUntil)}
	_, err := w.value()
	return written(w, err)
}

func (w mandateWire) value() (Content, error) {
	var r wire.Reader
	c := Mandate{digest(&r, "credential_digest", w.CredentialDigest), utc(&r, "valid_from", w.ValidFrom), utc(&r, "valid_until", w.ValidUntil)}
	if !c.ValidFrom.Before(c.ValidUntil) {
		r.Invalid("valid_until", "after valid_from")
	}
	return c, r.Err()
}

func (c StateChange) body() (jsontext.Value, error) {
	w := stateWire{wire.Optional(string(c.CredentialDigest)), wire.Optional(c.Reason)}
	_, err := w.value(c.Event)
	return written(w, err)
}

func (w stateWire) value(event EventType) (Content, error) {
	var r wire.Reader
	switch event {
	case DelegationSuspended, DelegationResumed, DelegationRevoked, DelegationExpired:
	default:
		r.Fail("", protocol.New(protocol.CodeFieldInvalid, "event_type", "TSD-ATT-EVT-01", "one of the four changes of a mandate's state"))
	}
	c := StateChange{Event: event, CredentialDigest: optionalDigest(&r, "credential_digest", w.CredentialDigest)}
	if w.Reason != nil {
		c.Reason = *w.Reason
		code(&r, "reason", c.Reason)
	}
	return c, r.Err()
}

func (c Choice) body() (jsontext.Value, error) {
	candidates := int64(c.Candidates)
	w := choiceWire{&candidates, wire.Optional(string(c.ChosenDigest)), string(c.DecisionDigest)}
	_, err := w.value()
	return written(w, err)
}

func (w choiceWire) value() (Content, error) {
	var r wire.Reader
	c := Choice{DecisionDigest: digest(&r, "decision_digest", w.DecisionDigest), ChosenDigest: optionalDigest(&r, "chosen_digest", w.ChosenDigest)}
	switch {
	case w.Candidates == nil:
		r.Require("candidates", "")
	case *w.Candidates < 1 || *w.Candidates > 1<<20:
		r.Invalid("candidates", "1 to 1048576")
	default:
		c.Candidates = int(*w.Candidates)
	}
	return c, r.Err()
}

func (c Cart) body() (jsontext.Value, error) {
	w := cartWire{OrderDigest: string(c.OrderDigest), ValidUntil: wire.FormatTime(c.ValidUntil)}
	w.Amount, w.Currency = wire.FormatAmount(c.Amount)
	_, err := w.value()
	return written(w, err)
}

func (w cartWire) value() (Content, error) {
	var r wire.Reader
	c := Cart{OrderDigest: digest(&r, "order_digest", w.OrderDigest), ValidUntil: utc(&r, "valid_until", w.ValidUntil)}
	c.Amount = r.Amount("amount", w.Amount, r.Currency("currency", w.Currency))
	return c, r.Err()
}

func (c Payment) body() (jsontext.Value, error) {
	w := paymentWire{Method: c.Method, ProofDigest: string(c.ProofDigest)}
	w.Amount, w.Currency = wire.FormatAmount(c.Amount)
	_, err := w.value()
	return written(w, err)
}

func (w paymentWire) value() (Content, error) {
	var r wire.Reader
	c := Payment{ProofDigest: digest(&r, "proof_digest", w.ProofDigest), Method: w.Method}
	r.PaymentMethod("payment_method", w.Method)
	c.Amount = r.Amount("amount", w.Amount, r.Currency("currency", w.Currency))
	return c, r.Err()
}

func (c Delivery) body() (jsontext.Value, error) {
	w := deliveryWire{wire.FormatTime(c.DeliveredAt), wire.Optional(string(c.ResultDigest))}
	_, err := w.value()
	return written(w, err)
}

func (w deliveryWire) value() (Content, error) {
	var r wire.Reader
	c := Delivery{utc(&r, "delivered_at", w.DeliveredAt), optionalDigest(&r, "result_digest", w.ResultDigest)}
	return c, r.Err()
}

// Content reads the members that SPEC.md 10.1 gives the record's event type out
// of its event_body; others, which it may have, are left aside. A record by
// somebody else need not have them, and is no worse as evidence: the error says
// what is missing or wrong.
func (r *Record) Content() (Content, error) {
	var c Content
	var err error
	switch r.Type {
	case IntentCreated:
		c, err = read[intentWire](r.Body)
	case DelegationIssued:
		c, err = read[mandateWire](r.Body)
	case DelegationSuspended, DelegationResumed, DelegationRevoked, DelegationExpired:
		var w stateWire
		if err = canon.DecodeOpen(r.Body, &w); err == nil {
			c, err = w.value(r.Type)
		}
	case DecisionLogged:
		c, err = read[choiceWire](r.Body)
	case CartConfirmed:
		c, err = read[cartWire](r.Body)
	case TransactionCompleted:
		c, err = read[paymentWire](r.Body)
	case FulfillmentCompleted:
		c, err = read[deliveryWire](r.Body)
	default:
		err = protocol.New(protocol.CodeFieldInvalid, "", "TSD-ATT-EVT-01", "one of the ten event types")
	}
	if err != nil {
		return nil, protocol.In(err, "event_body")
	}
	return c, nil
}

func read[W interface{ value() (Content, error) }](body jsontext.Value) (Content, error) {
	var w W
	if err := canon.DecodeOpen(body, &w); err != nil {
		return nil, err
	}
	return w.value()
}

// written is the canonical form of a body, unless something is wrong with it.
func written(body any, err error) (jsontext.Value, error) {
	if err != nil {
		return nil, err
	}
	return canon.Marshal(body)
}

func digest(r *wire.Reader, field, s string) canon.Digest {
	if !r.Require(field, s) {
		return ""
	}
	d, err := canon.ParseDigest(s)
	r.Fail(field, err)
	return d
}

func optionalDigest(r *wire.Reader, field string, s *string) canon.Digest {
	if s == nil {
		return ""
	}
	return digest(r, field, *s)
}
