package keys

import "slices"

// An Algorithm is a signature algorithm by its JOSE name. The zero value is
// none of ours and verifies nothing.
type Algorithm string

// The algorithms of SPEC.md 2.1. EdDSA means Ed25519 only. A header may also
// say "Ed25519" (RFC 9864); it is read as EdDSA.
const (
	EdDSA Algorithm = "EdDSA"
	ES256 Algorithm = "ES256"
)

// Known reports whether a is one of the two algorithms.
func (a Algorithm) Known() bool { return a == EdDSA || a == ES256 }

// SignatureType is the name of the algorithm in signed messages and in A402:
// "ED25519" or "ES256", empty for the unknown.
func (a Algorithm) SignatureType() string {
	switch a {
	case EdDSA:
		return "ED25519"
	case ES256:
		return "ES256"
	default:
		return ""
	}
}

// ParseSignatureType is the reverse of [Algorithm.SignatureType]. It is exact:
// "EdDSA" and "ed25519" are not names of a signature type.
func ParseSignatureType(s string) (Algorithm, bool) {
	switch s {
	case "ED25519":
		return EdDSA, true
	case "ES256":
		return ES256, true
	default:
		return "", false
	}
}

// joseAlgorithm reads the value of a JOSE "alg" member. The result does not
// hold on to s, so that parsing a header does not copy it.
func joseAlgorithm(s []byte) (Algorithm, bool) {
	switch string(s) {
	case "EdDSA", "Ed25519":
		return EdDSA, true
	case "ES256":
		return ES256, true
	default:
		return "", false
	}
}

// A Purpose says what a key is for. A key serves exactly one
// (ADD-IAC-ISS-12).
type Purpose string

// The purposes of SPEC.md 2.4; the list is closed.
const (
	IssueAuthorization Purpose = "issue-authorization" // mandates
	IssueIdentity      Purpose = "issue-identity"      // agent identity credentials
	AgentRequest       Purpose = "agent-request"       // what an agent asks for
	Status             Purpose = "status"              // status lists
	SubAccount         Purpose = "sub-account"         // sub-account authorizations
	Seller             Purpose = "seller"              // bills, orders, deliveries
	Proof              Purpose = "proof"               // payment results and proofs
	Attestation        Purpose = "attestation"         // attestation records
	Anchor             Purpose = "anchor"              // anchors and checkpoints
	Credit             Purpose = "credit"              // credit association, whose official form has no domain separation
	Encryption         Purpose = "encryption"          // receives, never signs
)

var purposes = [...]Purpose{
	IssueAuthorization, IssueIdentity, AgentRequest, Status, SubAccount,
	Seller, Proof, Attestation, Anchor, Credit, Encryption,
}

// Purposes returns the closed list.
func Purposes() []Purpose { return slices.Clone(purposes[:]) }

// String returns the purpose as documents write it, or "unknown purpose" for
// what is not in the list, so that text from outside is not repeated.
func (p Purpose) String() string {
	if !p.Known() {
		return "unknown purpose"
	}
	return string(p)
}

// Known reports whether p is in the closed list.
func (p Purpose) Known() bool { return slices.Contains(purposes[:], p) }

// The typ header of each of our tokens (SPEC.md 2.2).
const (
	TypeMandate      = "vc+jwt"                // by a key for IssueAuthorization
	TypeMandateSD    = "dc+sd-jwt"             // the same with selective disclosure, by a key for IssueAuthorization
	TypeKeyBinding   = "kb+jwt"                // by the key of a mandate's cnf, which is for AgentRequest
	TypeStatusList   = "statuslist+jwt"        // by a key for Status
	TypeOrder        = "act-order+jwt"         // by a key for Seller
	TypePaymentProof = "act-payment-proof+jwt" // by a key for Proof

	TypeIdentity         = "act-identity+jwt"          // agent identity credential, by a key for IssueIdentity
	TypePrincipalBinding = "act-principal-binding+jwt" // by a key for IssueIdentity
	TypePossession       = "act-possession+jwt"        // answer to a challenge, by a key for AgentRequest
	TypeSubAccountAuth   = "act-subaccount-auth+jwt"   // authorization of one payment, by a key for SubAccount
	TypeSubAccountKey    = "act-subaccount-key+jwt"    // that who asks for a sub-account has its key, by that key, for SubAccount
	TypeAgentCard        = "act-agent-card+jwt"        // signature of an agent card, by a key for Seller
	TypeAnchor           = "act-anchor+jwt"            // anchor of an attestation record, by a key for Anchor
)

// The kinds of signed messages (SPEC.md 2.3).
const (
	KindIntentRequest          = "intent-request"
	KindNegotiationRequest     = "negotiation-request"
	KindCartRequest            = "cart-request"
	KindPaymentRequest         = "payment-request"
	KindPaymentResult          = "payment-result"
	KindPaymentPending         = "payment-pending"
	KindPaymentQuery           = "payment-query"
	KindInstrumentQuery        = "instrument-query"
	KindInstrumentState        = "instrument-state"
	KindBindingRequest         = "binding-request"
	KindBindingPending         = "binding-pending"
	KindBindingResult          = "binding-result"
	KindProofConsumption       = "proof-consumption"
	KindProofConsumptionResult = "proof-consumption-result"
	KindFulfilmentConfirmation = "fulfilment-confirmation"
	KindFulfilmentResult       = "fulfilment-result"
	KindRefundRequest          = "refund-request"
	KindRefundResult           = "refund-result"
	KindTradeQuery             = "trade-query"
	KindTradeState             = "trade-state"
	KindPaymentNotification    = "payment-notification"
	KindBill                   = "a402-bill"
)
