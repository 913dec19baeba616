package agent

import (
	"slices"
	"sync"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/protocol/privacy/sdjwt"
)

// A Wallet holds an agent's mandates. It is safe for concurrent use, and keeps
// them in memory: the principal, or whoever stores them, adds them again after
// a restart.
type Wallet struct {
	agent  string
	holder keys.PublicKey

	mu   sync.Mutex
	held []Mandate
}

// NewWallet returns an empty wallet for the agent whose key, of purpose
// agent-request, the signer has.
func NewWallet(s *keys.Signer) *Wallet {
	return &Wallet{agent: s.DID(), holder: s.Public()}
}

// A Mandate is one that is held. It is not verified: its state may change any
// time, and it is verified anew before each payment.
type Mandate struct {
	raw    string
	parsed *delegation.UnverifiedMandate // never changed
	claims delegation.Claims
	bounds delegation.Bounds

	instant *Instant // in place of a mandate: the principal is there, see Instant.Intent
}

// Key identifies the mandate in a SpendStore: its issuer and its delegation
// id. That of an instant buyer's intent is "instant" and the intent_id.
func (m Mandate) Key() string {
	if m.instant != nil {
		return instantKey(m.claims.Authorization.IntentID)
	}
	return m.claims.Issuer + " " + m.claims.ID
}

// instantKey identifies an intent in a SpendStore. No mandate has such a key,
// since an issuer's DID begins with "did:".
func instantKey(intentID string) string { return "instant " + intentID }

// links are the identifiers by which an order refers to it; that of the
// delegation is empty in instant payment.
func (m Mandate) links() (delegation, intent string) {
	delegation, intent = m.claims.ID, m.claims.Authorization.IntentID
	if intent == "" { // the mandate carries the words themselves
		intent = delegation
	}
	return delegation, intent
}

// present is the mandate as the PSP is shown it for a purchase: of one with
// selective disclosure what the provider has to judge, and of its allow-lists
// the entries that this purchase needs (PRV-01). The other form is shown whole.
func (m Mandate) present(p delegation.Purchase) (string, error) {
	if m.instant != nil || !sdjwt.IsPresentation([]byte(m.raw)) {
		return m.raw, nil
	}
	shown, err := m.parsed.Present(delegation.RolePSP, p)
	return string(shown), err
}

// Raw is the mandate as it was issued.
func (m Mandate) Raw() string { return m.raw }

// Claims are what the mandate says.
func (m Mandate) Claims() delegation.Claims { return m.claims }

// Bounds are its boundaries.
func (m Mandate) Bounds() delegation.Bounds { return m.bounds }

// Scenario is how the mandate pays: a SPECIFIED one by directed (PSD-PAY-DEL-12)
// and a BOUNDED one by autonomous payment (PSD-PAY-AUP-01). An instant buyer's
// intent pays by instant payment.
func (m Mandate) Scenario() payment.Scenario {
	if m.instant != nil {
		return payment.ScenarioINS
	}
	if m.bounds.Mode() == delegation.Bounded {
		return payment.ScenarioAUP
	}
	return payment.ScenarioDEL
}

// Add puts a mandate into the wallet. It is refused when it is for another
// agent (agent_mismatch) or to be used with another key than the agent's
// (key_unknown). It checks the form only; the signature and the state are
// checked before each use. A mandate with selective disclosure must be the whole
// that the issuer gave, since what is not held cannot be shown.
func (w *Wallet) Add(raw []byte) (Mandate, error) {
	parsed, err := delegation.ParseMandate(raw)
	if err != nil {
		return Mandate{}, err
	}
	m := Mandate{raw: string(raw), parsed: parsed, claims: parsed.Claims()}
	if m.bounds, err = m.claims.Bounds(); err != nil {
		return Mandate{}, err
	}
	if m.claims.Subject != w.agent {
		return Mandate{}, protocol.New(protocol.CodeAgentMismatch, "sub", "PSD-PAY-DEL-05", "a mandate of another agent")
	}
	if !m.claims.Holder.Equal(w.holder) {
		return Mandate{}, protocol.New(protocol.CodeKeyUnknown, "cnf.jwk", "PSD-PAY-DEL-05", "a mandate for another key")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range w.held {
		if h.Key() != m.Key() {
			continue
		}
		if h.raw == m.raw {
			return h, nil
		}
		return Mandate{}, protocol.New(protocol.CodeRequestConflict, "jti", "ADD-IAC-ISS-04", "another mandate with this id is held")
	}
	w.held = append(w.held, m)
	return m, nil
}

// Remove takes the mandate with this Key out of the wallet.
func (w *Wallet) Remove(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = slices.DeleteFunc(w.held, func(m Mandate) bool { return m.Key() == key })
}

// Mandates returns what is held, in the order in which it was added.
func (w *Wallet) Mandates() []Mandate {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.held)
}
