package delegation

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// Ext holds the extension namespaces of ISR and IAC, which have the same names
// and the same meaning in both (ADD-IAC-ISS-07). A nil block is absent.
type Ext struct {
	Commerce      *Commerce      `json:"commerce,omitzero"`
	AgentBehavior *AgentBehavior `json:"agent_behavior,omitzero"`
	Fulfillment   *Fulfillment   `json:"fulfillment,omitzero"`

	// VendorPrivate is an object that two parties agreed on. It never changes
	// what the other members mean; nothing in this library reads it
	// (ADD-INT-ICS-17).
	VendorPrivate jsontext.Value `json:"vendor_private,omitzero"`
}

// Commerce limits single amounts, kinds of goods and merchants. A nil list is
// absent and restricts nothing; a list without entries is invalid.
type Commerce struct {
	MaxSingleAmount     Number   `json:"max_single_amount,omitzero"`
	MinSingleAmount     Number   `json:"min_single_amount,omitzero"`
	AllowedCategories   []string `json:"allowed_categories,omitzero"`
	ForbiddenCategories []string `json:"forbidden_categories,omitzero"`
	AllowedMerchants    []string `json:"allowed_merchants,omitzero"`
	ForbiddenMerchants  []string `json:"forbidden_merchants,omitzero"`
}

// AgentBehavior tells the agent what to do when prices move or payments fail.
type AgentBehavior struct {
	PriceDeviationTolerance Number          `json:"price_deviation_tolerance,omitzero"` // per cent of the recorded catalogue price
	PriceDeviationAction    DeviationAction `json:"price_deviation_action,omitzero"`
	OnPaymentFailure        FailureAction   `json:"on_payment_failure,omitzero"`
	MaxRetryCount           *int            `json:"max_retry_count,omitzero"` // attempts after the first one; nil when absent
}

// Fulfillment says when and where to deliver.
type Fulfillment struct {
	// DeliveryTimeRequirement is carried unchanged. It is judged when it is an
	// RFC 3339 time; any other form is undetermined for who has to judge it.
	DeliveryTimeRequirement string `json:"delivery_time_requirement,omitzero"`
	// DeliveryAddress is an address in text form or a reference to a
	// structured one. It is personal data and is not selected for a mandate
	// unless asked for.
	DeliveryAddress string `json:"delivery_address,omitzero"`
}

// A DeviationAction is what to do when a price moved further than tolerated.
type DeviationAction string

// The two deviation actions (ADD-INT-ICS-15).
const (
	PauseAndNotify DeviationAction = "PAUSE_AND_NOTIFY"
	AutoCancel     DeviationAction = "AUTO_CANCEL"
)

// A FailureAction is what to do when a payment failed.
type FailureAction string

// The two failure actions (ADD-INT-ICS-15).
const (
	AutoRetry FailureAction = "AUTO_RETRY"
	Cancel    FailureAction = "CANCEL"
)

// maxRetries bounds max_retry_count: nobody means more.
const maxRetries = 1 << 20

func (e *Ext) read(r *reader) error {
	return r.object(func(name []byte) error {
		switch string(name) {
		case "commerce":
			e.Commerce = new(Commerce)
			return e.Commerce.read(r)
		case "agent_behavior":
			e.AgentBehavior = new(AgentBehavior)
			return e.AgentBehavior.read(r)
		case "fulfillment":
			e.Fulfillment = new(Fulfillment)
			return e.Fulfillment.read(r)
		case "vendor_private":
			return r.raw(&e.VendorPrivate)
		default:
			return r.other("ext.", name)
		}
	})
}

func (c *Commerce) read(r *reader) error {
	return r.object(func(name []byte) error {
		switch string(name) {
		case "max_single_amount":
			return r.number(&c.MaxSingleAmount)
		case "min_single_amount":
			return r.number(&c.MinSingleAmount)
		case "allowed_categories":
			return r.texts(&c.AllowedCategories)
		case "forbidden_categories":
			return r.texts(&c.ForbiddenCategories)
		case "allowed_merchants":
			return r.texts(&c.AllowedMerchants)
		case "forbidden_merchants":
			return r.texts(&c.ForbiddenMerchants)
		default:
			return r.other("ext.commerce.", name)
		}
	})
}

func (b *AgentBehavior) read(r *reader) error {
	return r.object(func(name []byte) error {
		switch string(name) {
		case "price_deviation_tolerance":
			return r.number(&b.PriceDeviationTolerance)
		case "price_deviation_action":
			return r.filled((*string)(&b.PriceDeviationAction))
		case "on_payment_failure":
			return r.filled((*string)(&b.OnPaymentFailure))
		case "max_retry_count":
			var n int64
			err := r.integer(&n, maxRetries)
			count := int(n)
			b.MaxRetryCount = &count
			return err
		default:
			return r.other("ext.agent_behavior.", name)
		}
	})
}

func (f *Fulfillment) read(r *reader) error {
	return r.object(func(name []byte) error {
		switch string(name) {
		case "delivery_time_requirement":
			return r.filled(&f.DeliveryTimeRequirement)
		case "delivery_address":
			return r.filled(&f.DeliveryAddress)
		default:
			return r.other("ext.fulfillment.", name)
		}
	})
}

// clone returns a deep copy.
func (e *Ext) clone() *Ext {
	if e == nil {
		return nil
	}
	out := &Ext{VendorPrivate: bytes.Clone(e.VendorPrivate)}
	if c := e.Commerce; c != nil {
		copied := *c
		copied.AllowedCategories = cloneSlice(c.AllowedCategories)
		copied.ForbiddenCategories = cloneSlice(c.ForbiddenCategories)
		copied.AllowedMerchants = cloneSlice(c.AllowedMerchants)
		copied.ForbiddenMerchants = cloneSlice(c.ForbiddenMerchants)
		out.Commerce = &copied
	}
	if b := e.AgentBehavior; b != nil {
		copied := *b
		if b.MaxRetryCount != nil {
			n := *b.MaxRetryCount
			copied.MaxRetryCount = &n
		}
		out.AgentBehavior = &copied
	}
	if f := e.Fulfillment; f != nil {
		copied := *f
		out.Fulfillment = &copied
	}
	return out
}

// The blocks, or empty ones, so that rules need not ask for nil.

func (e *Ext) commerce() Commerce {
	if e == nil || e.Commerce == nil {
		return Commerce{}
	}
	return *e.Commerce
}

func (e *Ext) behavior() AgentBehavior {
	if e == nil || e.AgentBehavior == nil {
		return AgentBehavior{}
	}
	return *e.AgentBehavior
}

func (e *Ext) fulfillment() Fulfillment {
	if e == nil || e.Fulfillment == nil {
		return Fulfillment{}
	}
	return *e.Fulfillment
}
