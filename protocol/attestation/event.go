package attestation

import "slices"

// An EventType says what happened. The list is closed (TSD-ATT-EVT-01).
type EventType string

// The ten event types, in the order in which they happen, and when each of them
// does (TSD-ATT-EVT-03).
const (
	IntentCreated        EventType = "act:delegation:intent-created"       // the principal has confirmed an intent
	DelegationIssued     EventType = "act:delegation:delegation-issued"    // a mandate was issued and is Active
	DelegationSuspended  EventType = "act:delegation:delegation-suspended" // a mandate was suspended
	DelegationResumed    EventType = "act:delegation:delegation-resumed"   // a suspended mandate is Active again
	DelegationRevoked    EventType = "act:delegation:delegation-revoked"   // a mandate was revoked
	DelegationExpired    EventType = "act:delegation:delegation-expired"   // a mandate came to the end of its window
	DecisionLogged       EventType = "act:commerce:decision-logged"        // the agent has compared candidates and chosen
	CartConfirmed        EventType = "act:commerce:cart-confirmed"         // the merchant holds price and stock, payment may begin
	TransactionCompleted EventType = "act:payment:transaction-completed"   // a payment was made
	FulfillmentCompleted EventType = "act:commerce:fulfillment-completed"  // the merchant has delivered
)

var events = []EventType{
	IntentCreated, DelegationIssued, DelegationSuspended, DelegationResumed, DelegationRevoked,
	DelegationExpired, DecisionLogged, CartConfirmed, TransactionCompleted, FulfillmentCompleted,
}

// Events returns the ten event types.
func Events() []EventType { return slices.Clone(events) }

// Known reports whether t is one of the ten.
func (t EventType) Known() bool { return slices.Contains(events, t) }

// needs tells which link identifiers an event of this type always has
// (TSD-ATT-OFF-03). A payment is delegated or instant, so that no event after
// the cart needs a delegation id by its type alone.
func (t EventType) needs() (delegation, order, trade bool) {
	switch t {
	case DelegationIssued, DelegationSuspended, DelegationResumed, DelegationRevoked, DelegationExpired:
		return true, false, false
	case CartConfirmed:
		return false, true, false
	case TransactionCompleted, FulfillmentCompleted:
		return false, true, true
	}
	return false, false, false
}

// A Role says as what somebody took part in an event (TSD-ATT-OFF-06).
type Role string

// The roles. An issuer of mandates is not among those that ACT names; somebody
// has to say that one was issued (profile).
const (
	PayerAgent          Role = "PAYER_AGENT"
	PayeeAgent          Role = "PAYEE_AGENT"
	Merchant            Role = "MERCHANT"
	PSP                 Role = "PSP"
	PrincipalAgent      Role = "PRINCIPAL_AGENT"
	Issuer              Role = "ISSUER"
	AttestationProvider Role = "ATTESTATION_PROVIDER"
)

// Known reports whether r is in the closed list.
func (r Role) Known() bool {
	switch r {
	case PayerAgent, PayeeAgent, Merchant, PSP, PrincipalAgent, Issuer, AttestationProvider:
		return true
	}
	return false
}

// A Conclusion is the result of verifying a record. There are exactly seven
// (TSD-ATT-SVF-02). A record that lacks a required part has none.
type Conclusion string

// The conclusions.
const (
	Verified             Conclusion = "VERIFIED"
	PayloadHashMismatch  Conclusion = "PAYLOAD_HASH_MISMATCH"  // content and digest of the record differ
	SignatureInvalid     Conclusion = "SIGNATURE_INVALID"      // a signature does not verify
	ChainHashMismatch    Conclusion = "CHAIN_HASH_MISMATCH"    // the anchor is of something else
	AnchorNotFound       Conclusion = "ANCHOR_NOT_FOUND"       // the chain has no anchor of this record
	AnchorQueryTimeout   Conclusion = "ANCHOR_QUERY_TIMEOUT"   // the chain did not answer: nothing is said about the record
	PublicKeyUnavailable Conclusion = "PUBLIC_KEY_UNAVAILABLE" // no key of the signer's for the time of the event
)

// Known reports whether c is one of the seven.
func (c Conclusion) Known() bool {
	return c.Conclusive() || c == AnchorQueryTimeout || c == PublicKeyUnavailable
}

// Conclusive reports whether c says something about the record. The two that
// do not are no ground to call it forged, and may change when asked again
// (TSD-ATT-SVF-03).
func (c Conclusion) Conclusive() bool {
	switch c {
	case Verified, PayloadHashMismatch, SignatureInvalid, ChainHashMismatch, AnchorNotFound:
		return true
	}
	return false
}
