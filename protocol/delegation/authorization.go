package delegation

import (
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
)

// An Authorization is the payload of an IAC, Intent Authorization Credential:
// who lets which agent act, inside which boundaries. It is what the issuer
// signs, never the ISR itself (ADD-IAC-ISS-03).
//
// The members are those of the wire. An absent mode means SPECIFIED and an
// absent currency CNY (ADD-IAC-ISS-05); use [Authorization.Mode] and
// [Authorization.CurrencyCode] to read them.
type Authorization struct {
	DelegationID              string               `json:"delegation_id,omitzero"`
	IntentID                  string               `json:"intent_id,omitzero"`
	ConversationHistory       *ConversationHistory `json:"conversation_history,omitzero"`
	DelegatorIdentity         string               `json:"delegator_identity,omitzero"`
	AgentID                   string               `json:"agent_id,omitzero"`
	DelegationMode            Mode                 `json:"delegation_mode,omitzero"`
	ValidityStart             time.Time            `json:"validity_start_time,omitzero"`
	ValidityEnd               time.Time            `json:"validity_end_time,omitzero"`
	MaxTotalAmount            Number               `json:"max_total_amount,omitzero"`
	Currency                  string               `json:"currency,omitzero"`
	AllowedPaymentMethods     []string             `json:"allowed_payment_methods,omitzero"`
	UserConfirmationMethod    string               `json:"user_confirmation_method,omitzero"`
	UserConfirmationTimestamp time.Time            `json:"user_confirmation_timestamp,omitzero"`
	SourceISRDigest           canon.Digest         `json:"source_isr_digest,omitzero"`
	Ext                       *Ext                 `json:"ext,omitzero"`

	// unknown are the members that were read and not understood. As long as
	// there are any, every decision is undetermined.
	unknown []string

	// withheld are the constraints that a mandate with selective disclosure
	// names and does not show, partial the allow-lists that may have more
	// entries than it shows. They never widen authority: see judge.
	withheld, partial constraintSet
}

// An Option selects what NewAuthorization leaves out by itself.
type Option func(isr *ISR, a *Authorization)

// WithConversation carries the original words in the mandate, where everybody
// who checks it can read them.
func WithConversation() Option {
	return func(isr *ISR, a *Authorization) { a.ConversationHistory = isr.ConversationHistory }
}

// WithDeliveryAddress carries the delivery address in the mandate.
func WithDeliveryAddress() Option {
	return func(isr *ISR, a *Authorization) {
		address := isr.Ext.fulfillment().DeliveryAddress
		if address == "" {
			return
		}
		if a.Ext.Fulfillment == nil {
			a.Ext.Fulfillment = new(Fulfillment)
		}
		a.Ext.Fulfillment.DeliveryAddress = address
	}
}

// NewAuthorization selects from a confirmed ISR what bounds the agent, under a
// fresh delegation id, for the principal named delegator (a DID). Every limit is
// taken over under its own name and in its own namespace (ADD-IAC-ISS-07), and
// so is vendor_private; the conversation and the delivery address stay out
// unless asked for. The ISR is bound by its digest.
//
// The confirmation that is in the ISR is enough: nobody is asked again
// (ADD-IAC-ISS-02).
func NewAuthorization(c *Confirmed, delegator string, opts ...Option) (*Authorization, error) {
	if c == nil || c.isr == nil {
		return nil, protocol.New(protocol.CodeFieldMissing, "", "ADD-IAC-ISS-01", "no confirmed ISR")
	}
	isr := c.ISR()
	digest, err := isr.Digest()
	if err != nil {
		return nil, err
	}
	a := &Authorization{
		DelegationID:              canon.UUID(),
		IntentID:                  isr.IntentID,
		DelegatorIdentity:         delegator,
		AgentID:                   isr.AgentID,
		DelegationMode:            isr.DelegationMode,
		ValidityStart:             isr.ValidityStart,
		ValidityEnd:               isr.ValidityEnd,
		MaxTotalAmount:            isr.MaxTotalAmount,
		Currency:                  isr.Currency,
		AllowedPaymentMethods:     isr.AllowedPaymentMethods,
		UserConfirmationMethod:    isr.UserConfirmationMethod,
		UserConfirmationTimestamp: isr.UserConfirmationTimestamp,
		SourceISRDigest:           digest,
		Ext:                       isr.Ext.clone(),
	}
	if a.Ext == nil {
		a.Ext = new(Ext)
	}
	if f := a.Ext.Fulfillment; f != nil {
		if f.DeliveryAddress = ""; f.DeliveryTimeRequirement == "" {
			a.Ext.Fulfillment = nil
		}
	}
	for _, opt := range opts {
		opt(isr, a)
	}
	if e := a.Ext; e.Commerce == nil && e.AgentBehavior == nil && e.Fulfillment == nil && e.VendorPrivate == nil {
		a.Ext = nil
	}
	if err := a.Validate(); err != nil {
		return nil, err
	}
	return a, nil
}

// DecodeAuthorization reads the payload of an IAC and validates it. What it
// cannot read is an error; members that it can read and does not know, of the
// payload, of ext and of the standard extensions, are returned as a list of
// paths. The authorization remembers them: as long as there are any, its
// [Bounds] decide nothing, since an unknown constraint must not be ignored.
func DecodeAuthorization(data []byte) (a *Authorization, unknown []string, err error) {
	if err := canon.Check(data); err != nil {
		return nil, nil, err
	}
	r := newReader(data, true)
	a = new(Authorization)
	if err := a.read(r); err != nil {
		return nil, nil, err
	}
	if err := a.Validate(); err != nil {
		return nil, nil, err
	}
	a.unknown = r.unknown
	return a, cloneSlice(a.unknown), nil
}

// Unknown returns the paths of the members that were not understood.
func (a *Authorization) Unknown() []string { return cloneSlice(a.unknown) }

// Mode returns the delegation mode, SPECIFIED when absent and "" when withheld.
func (a *Authorization) Mode() Mode {
	if a.DelegationMode == "" && !a.withheld.has(delegationMode) {
		return Specified
	}
	return a.DelegationMode
}

// CurrencyCode returns the currency, CNY when absent.
func (a *Authorization) CurrencyCode() string { return a.terms().currencyCode() }

// Validate checks that the six required members are there (ADD-IAC-ISS-04),
// that the upstream intent is named or carried (ADD-IAC-ISS-06), and every
// member by its rule.
func (a *Authorization) Validate() error {
	switch {
	case a.DelegationID == "":
		return missing("delegation_id", "ADD-IAC-ISS-04")
	case a.DelegatorIdentity == "" && !a.withheld.has(delegator):
		return missing("delegator_identity", "ADD-IAC-ISS-04")
	case a.AgentID == "":
		return missing("agent_id", "ADD-IAC-ISS-04")
	case a.ValidityStart.IsZero():
		return missing("validity_start_time", "ADD-IAC-ISS-04")
	case a.ValidityEnd.IsZero():
		return missing("validity_end_time", "ADD-IAC-ISS-04")
	case a.MaxTotalAmount == "" && !a.withheld.has(maxTotalAmount):
		return missing("max_total_amount", "ADD-IAC-ISS-04")
	case a.IntentID == "" && a.ConversationHistory == nil:
		return missing("intent_id", "ADD-IAC-ISS-06")
	}
	if err := canon.CheckID(a.DelegationID); err != nil {
		return inMember(err, "delegation_id")
	}
	if a.IntentID != "" {
		if err := canon.CheckID(a.IntentID); err != nil {
			return inMember(err, "intent_id")
		}
	}
	if a.ConversationHistory != nil {
		if err := a.ConversationHistory.Validate(); err != nil {
			return protocol.In(err, "conversation_history")
		}
	}
	if a.DelegatorIdentity != "" {
		if _, err := identity.ParseDID(a.DelegatorIdentity); err != nil {
			return inMember(err, "delegator_identity")
		}
	}
	if a.SourceISRDigest != "" {
		if _, err := canon.ParseDigest(string(a.SourceISRDigest)); err != nil {
			return inMember(err, "source_isr_digest")
		}
	}
	return a.terms().check()
}

func (a *Authorization) terms() terms {
	return terms{
		mode: a.DelegationMode, start: a.ValidityStart, end: a.ValidityEnd,
		total: a.MaxTotalAmount, currency: a.Currency, methods: a.AllowedPaymentMethods,
		agent: a.AgentID, confirmedBy: a.UserConfirmationMethod, confirmedAt: a.UserConfirmationTimestamp,
		ext: a.Ext,
	}
}

// issuable is what an issuer demands beyond Validate (ADD-IAC-ISS-01): the
// principal's confirmation, a main boundary, and nothing it does not know.
func (a *Authorization) issuable() error {
	if err := a.Validate(); err != nil {
		return err
	}
	c := a.Ext.commerce()
	switch {
	case len(a.unknown) > 0:
		return protocol.New(protocol.CodeConstraintUnknown, "", "ADD-IAC-ISS-07", "")
	case a.UserConfirmationMethod == "":
		return missing("user_confirmation_method", "ADD-IAC-ISS-01")
	case a.Mode() == Specified && c.AllowedMerchants == nil:
		return missing("ext.commerce.allowed_merchants", "ADD-IAC-ISS-01")
	case c.AllowedMerchants == nil && c.AllowedCategories == nil && a.AllowedPaymentMethods == nil:
		return protocol.New(protocol.CodeFieldMissing, "ext.commerce", "ADD-IAC-ISS-01", "needs allowed merchants, categories or payment methods")
	}
	return nil
}

// Encode returns the canonical form (ADD-IAC-ISS-08). An authorization that was
// read with unknown members is refused, since they would be lost, and so is one
// of which something was withheld.
func (a *Authorization) Encode() ([]byte, error) {
	if err := a.Validate(); err != nil {
		return nil, err
	}
	if len(a.unknown) > 0 {
		return nil, protocol.New(protocol.CodeConstraintUnknown, "", "ADD-IAC-ISS-07", "")
	}
	if err := a.whole(); err != nil {
		return nil, err
	}
	c := *a
	c.utc()
	return encode(&c)
}

// utc puts the times into the zone in which they are written.
func (a *Authorization) utc() {
	a.ValidityStart, a.ValidityEnd = a.ValidityStart.UTC(), a.ValidityEnd.UTC()
	a.UserConfirmationTimestamp = a.UserConfirmationTimestamp.UTC()
}

// Clone returns a deep copy.
func (a *Authorization) Clone() *Authorization {
	c := *a
	c.ConversationHistory = a.ConversationHistory.clone()
	c.AllowedPaymentMethods = cloneSlice(a.AllowedPaymentMethods)
	c.Ext = a.Ext.clone()
	c.unknown = cloneSlice(a.unknown)
	return &c
}

func (a *Authorization) read(r *reader) error {
	return r.object(func(name []byte) error {
		switch string(name) {
		case "delegation_id":
			return r.text(&a.DelegationID)
		case "intent_id":
			return r.filled(&a.IntentID)
		case "conversation_history":
			a.ConversationHistory = new(ConversationHistory)
			return r.closed(a.ConversationHistory.read)
		case "delegator_identity":
			return r.text(&a.DelegatorIdentity)
		case "agent_id":
			return r.text(&a.AgentID)
		case "delegation_mode":
			return r.filled((*string)(&a.DelegationMode))
		case "validity_start_time":
			return r.time(&a.ValidityStart)
		case "validity_end_time":
			return r.time(&a.ValidityEnd)
		case "max_total_amount":
			return r.number(&a.MaxTotalAmount)
		case "currency":
			return r.filled(&a.Currency)
		case "allowed_payment_methods":
			return r.texts(&a.AllowedPaymentMethods)
		case "user_confirmation_method":
			return r.filled(&a.UserConfirmationMethod)
		case "user_confirmation_timestamp":
			return r.time(&a.UserConfirmationTimestamp)
		case "source_isr_digest":
			return r.filled((*string)(&a.SourceISRDigest))
		case "ext":
			a.Ext = new(Ext)
			return a.Ext.read(r)
		default:
			return r.other("", name)
		}
	})
}
