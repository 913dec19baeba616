package provider

import (
	"context"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

// DefaultProofLife is how long a payment proof can be presented, and the most
// that can be configured (SPEC.md 6.2).
const DefaultProofLife = 24 * time.Hour

// DefaultTimeToConfirm is how long an instant payment waits for the principal.
const DefaultTimeToConfirm = 10 * time.Minute

// Config is what [New] needs. Signer, Verifier and Ledger are required.
type Config struct {
	// Signer is the provider's key of purpose proof; its DID is the provider.
	Signer *keys.Signer

	// Verifier decides what signatures decide. Its issuer policy says whose
	// mandates are believed, and its replay store keeps the nonces of queries,
	// consumptions and fulfilments; let the book behind Ledger keep them too.
	Verifier *verifier.Verifier

	Ledger Ledger

	// Document is the provider's DID document: proofs are verified by its keys
	// of purpose proof, when they come back, so that a proof outlives the key
	// that signed it being retired. When nil, Signer's is the only one.
	Document *identity.Document

	// Cashier makes it possible that principals confirm instant payments
	// (PSD-PAY-INS); when nil, the provider refuses them with method_not_allowed.
	// It returns the https URL at which the principal sees payee, amount,
	// currency and method of this trade exactly as they are in it
	// (PSD-PAY-INS-02), and confirms or cancels: then call [Provider.Confirm]
	// or [Provider.Decline].
	//
	// It is asked for a trade that waits in the ledger, never for a request
	// that failed a check, and again for the same trade when the agent asks
	// again; the same trade has the same URL. An error of it is undetermined,
	// whatever its code.
	Cashier func(ctx context.Context, t *Trade) (url string, err error)

	// TimeToConfirm is how long a trade waits for the principal;
	// DefaultTimeToConfirm when zero. It ends no later than order or bill.
	TimeToConfirm time.Duration

	// Bindings makes it possible that agents ask for instruments themselves
	// (PSD-PMT-BND, PSD-AGT-SUB-01; SPEC.md 6.11); the part of the book that
	// keeps these requests, often Ledger itself. When nil, [Provider.Bind]
	// refuses and Handler does not have the path.
	Bindings Bindings

	// BindingPage returns the https URL at which the principal is identified,
	// sees the agent and what it asks for, and accepts, lowers or declines it:
	// then call [Provider.AcceptBinding] or [Provider.DeclineBinding]. The same
	// request has the same URL. Required with Bindings.
	BindingPage func(ctx context.Context, b *Binding) (url string, err error)

	// TimeToBind is how long a binding request waits for the principal;
	// DefaultTimeToBind when zero.
	TimeToBind time.Duration

	// Risk is the provider's risk control (PSD-PAY-AUP-03). It is asked for
	// what has passed every other check but the ledger's, and may look at all
	// of it. Nil lets it pass. An undetermined error leaves the request open,
	// and is never stored. Any other error refuses it for good, with
	// risk_refused, and the reason is not told. It must be safe for concurrent
	// use. When Risk is nil, nothing is asked.
	Risk func(ctx context.Context, p *verifier.AuthorizedPayment) error

	// ProofLife is how long a proof can be presented; DefaultProofLife when
	// zero. A bill's replay window may end it earlier.
	ProofLife time.Duration

	// Decided, when set, is told of every payment that was decided: made, begun,
	// confirmed, or refused, with all checks. It must not block. A replay, a
	// conflict and a repetition decide nothing.
	Decided func(Verdict)

	// Answered, when set, is told of every answer of Handler; err is nil unless
	// it is a refusal. It must not block.
	Answered func(ctx context.Context, path string, err error)

	Now func() time.Time // time.Now when nil
}

// A Verdict tells how a payment was decided, for the provider's own records.
type Verdict struct {
	Agent     string // DID
	RequestID string
	Scenario  payment.Scenario
	Trade     *Trade // nil when nothing was made; it must not be changed
	Decision  protocol.Decision
}

func (c *Config) check() error {
	missing := func(field, detail string) error { return protocol.New(protocol.CodeFieldMissing, field, "", detail) }
	switch {
	case c.Signer == nil:
		return missing("Signer", "the provider's key is needed")
	case c.Verifier == nil:
		return missing("Verifier", "what verifies mandates and requests is needed")
	case c.Ledger == nil:
		return missing("Ledger", "a book is needed")
	case c.Signer.Purpose() != keys.Proof:
		return protocol.New(protocol.CodeKeyPurpose, "Signer", "ADD-IAC-ISS-12", "a key for proofs")
	case c.Document != nil && c.Document.ID.String() != c.Signer.DID():
		return protocol.New(protocol.CodeClaimsConflict, "Document", "IDN-02", "not the signer's")
	case c.ProofLife < 0 || c.ProofLife > DefaultProofLife:
		return protocol.New(protocol.CodeFieldInvalid, "ProofLife", "PSD-PAY-A402-07", "not below zero, and not over 24 hours")
	case c.Bindings != nil && c.BindingPage == nil:
		return missing("BindingPage", "where principals decide is needed")
	case c.TimeToBind < 0:
		return protocol.New(protocol.CodeFieldInvalid, "TimeToBind", "PSD-PMT-BND-02", "not below zero")
	case c.TimeToConfirm < 0:
		return protocol.New(protocol.CodeFieldInvalid, "TimeToConfirm", "PSD-PAY-INS-04", "not below zero")
	}
	if c.Document != nil {
		_, err := c.Document.Key(c.Signer.KeyID(), keys.Proof, c.Now())
		return protocol.In(err, "Document")
	}
	return nil
}
