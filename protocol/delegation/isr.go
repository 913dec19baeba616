package delegation

import (
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// An ISR, Intent Structured Result, is a person's intent in structured form.
// It is a data dictionary: while it is a draft any member may be absent, which
// is the zero value. [ISR.Validate] says whether it is final.
//
// Times are in UTC with whole seconds. A nil list is absent; a list without
// entries is invalid.
type ISR struct {
	ConversationHistory       *ConversationHistory `json:"conversation_history,omitzero"`
	IntentID                  string               `json:"intent_id,omitzero"`
	DelegationMode            Mode                 `json:"delegation_mode,omitzero"`
	ValidityStart             time.Time            `json:"validity_start_time,omitzero"`
	ValidityEnd               time.Time            `json:"validity_end_time,omitzero"`
	MaxTotalAmount            Number               `json:"max_total_amount,omitzero"`
	Currency                  string               `json:"currency,omitzero"`
	AllowedPaymentMethods     []string             `json:"allowed_payment_methods,omitzero"`
	AgentID                   string               `json:"agent_id,omitzero"`
	UserConfirmationMethod    string               `json:"user_confirmation_method,omitzero"`
	UserConfirmationTimestamp time.Time            `json:"user_confirmation_timestamp,omitzero"`
	Ext                       *Ext                 `json:"ext,omitzero"`
}

// DecodeISR reads an ISR, draft or final, and checks every member that is
// present. The object is closed except for ext.vendor_private. It does not ask
// whether the ISR is complete; see [ISR.Validate].
func DecodeISR(data []byte) (*ISR, error) {
	if err := canon.Check(data); err != nil {
		return nil, err
	}
	i := new(ISR)
	if err := i.read(newReader(data, false)); err != nil {
		return nil, err
	}
	if err := i.Check(); err != nil {
		return nil, err
	}
	return i, nil
}

// Check applies the rules of all members that are present (ADD-INT-ICS-01 to
// -17) and returns the first that is broken.
func (i *ISR) Check() error {
	if i.ConversationHistory != nil {
		if err := i.ConversationHistory.Validate(); err != nil {
			return protocol.In(err, "conversation_history")
		}
	}
	if i.IntentID != "" {
		if err := canon.CheckID(i.IntentID); err != nil {
			return inMember(err, "intent_id")
		}
	}
	return terms{
		mode: i.DelegationMode, start: i.ValidityStart, end: i.ValidityEnd,
		total: i.MaxTotalAmount, currency: i.Currency, methods: i.AllowedPaymentMethods,
		agent: i.AgentID, confirmedBy: i.UserConfirmationMethod, confirmedAt: i.UserConfirmationTimestamp,
		ext: i.Ext,
	}.check()
}

// Missing names the members, in the order of the data dictionary, that a final
// ISR still needs: what an agent has to ask the principal for (ADD-INT-ICS-04).
// The two confirmation members are not among them. "main boundary" stands for
// at least one of merchants, categories and payment methods (ADD-IAC-ISS-01).
func (i *ISR) Missing() []string {
	var names []string
	need := func(present bool, name string) {
		if !present {
			names = append(names, name)
		}
	}
	need(i.ConversationHistory != nil, "conversation_history")
	need(i.IntentID != "", "intent_id")
	need(i.DelegationMode != "", "delegation_mode")
	need(!i.ValidityStart.IsZero(), "validity_start_time")
	need(!i.ValidityEnd.IsZero(), "validity_end_time")
	need(i.MaxTotalAmount != "", "max_total_amount")
	need(i.Currency != "", "currency")
	need(i.AgentID != "", "agent_id")
	c := i.Ext.commerce()
	switch {
	case i.DelegationMode == Specified:
		need(c.AllowedMerchants != nil, "ext.commerce.allowed_merchants")
	default:
		need(c.AllowedMerchants != nil || c.AllowedCategories != nil || i.AllowedPaymentMethods != nil, mainBoundary)
	}
	return names
}

const mainBoundary = "main boundary"

// Validate reports whether the ISR is final: complete, confirmed, and every
// member by its rule. Without that no issuance starts (ADD-IAC-ISS-01).
func (i *ISR) Validate() error {
	if err := i.complete(); err != nil {
		return err
	}
	if i.UserConfirmationMethod == "" {
		return missing("user_confirmation_method", "ADD-IAC-ISS-01")
	}
	return i.Check() // a method of confirmation needs its time (ADD-INT-ICS-12)
}

// complete reports the first of the missing members.
func (i *ISR) complete() error {
	names := i.Missing()
	if len(names) == 0 {
		return nil
	}
	if names[0] == mainBoundary {
		return protocol.New(protocol.CodeFieldMissing, "ext.commerce", "ADD-IAC-ISS-01", "needs allowed merchants, categories or payment methods")
	}
	return missing(names[0], "ADD-IAC-ISS-01")
}

// Encode returns the canonical form. It refuses what [DecodeISR] would refuse.
func (i *ISR) Encode() ([]byte, error) {
	if err := i.Check(); err != nil {
		return nil, err
	}
	c := *i
	c.ValidityStart, c.ValidityEnd = c.ValidityStart.UTC(), c.ValidityEnd.UTC()
	c.UserConfirmationTimestamp = c.UserConfirmationTimestamp.UTC()
	return encode(&c)
}

// Digest returns the digest of the canonical form, as source_isr_digest carries
// it (ADD-IAC-ISS-13).
func (i *ISR) Digest() (canon.Digest, error) {
	b, err := i.Encode()
	if err != nil {
		return "", err
	}
	return canon.Sum(b), nil
}

// Clone returns a deep copy.
func (i *ISR) Clone() *ISR {
	c := *i
	c.ConversationHistory = i.ConversationHistory.clone()
	c.AllowedPaymentMethods = cloneSlice(i.AllowedPaymentMethods)
	c.Ext = i.Ext.clone()
	return &c
}

func (i *ISR) read(r *reader) error {
	return r.object(func(name []byte) error {
		switch string(name) {
		case "conversation_history":
			i.ConversationHistory = new(ConversationHistory)
			return i.ConversationHistory.read(r)
		case "intent_id":
			return r.needed(&i.IntentID)
		case "delegation_mode":
			return r.needed((*string)(&i.DelegationMode))
		case "validity_start_time":
			return r.time(&i.ValidityStart)
		case "validity_end_time":
			return r.time(&i.ValidityEnd)
		case "max_total_amount":
			return r.number(&i.MaxTotalAmount)
		case "currency":
			return r.needed(&i.Currency)
		case "allowed_payment_methods":
			return r.texts(&i.AllowedPaymentMethods)
		case "agent_id":
			return r.needed(&i.AgentID)
		case "user_confirmation_method":
			return r.needed(&i.UserConfirmationMethod)
		case "user_confirmation_timestamp":
			return r.time(&i.UserConfirmationTimestamp)
		case "ext":
			i.Ext = new(Ext)
			return i.Ext.read(r)
		default:
			return r.other("", name)
		}
	})
}

// encode is canon.Marshal with the limit that the reader has.
func encode(v any) ([]byte, error) {
	b, err := canon.Marshal(v)
	if err != nil {
		return nil, err
	}
	if len(b) > canon.DefaultMaxBytes {
		return nil, protocol.New(protocol.CodeTooLarge, "", "", "longer than a reader accepts")
	}
	return b, nil
}
