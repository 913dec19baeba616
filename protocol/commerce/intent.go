package commerce

import (
	"slices"
	"time"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// Limits of an intent request (SPEC.md 5.5).
const (
	MaxIntentEntries = 16  // of each list
	MaxCandidates    = 100 // of one answer
	MaxIntentUpdates = 64  // in one chain of requests
)

// An Intent is what an agent tells a merchant of a need, and how it wants to be
// answered (CID-INT-XFR-01). It tells nothing of the principal, and of the
// boundaries of an ISR or IAC only what the search needs.
type Intent struct {
	Context     IntentContext
	Constraints Constraints
	Response    ResponseRequirements
}

// An IntentContext is the need in words. Each text has at most 256 characters,
// each list at most MaxIntentEntries entries, none twice; a nil list is absent.
type IntentContext struct {
	Explicit    string   // what the principal asked for
	Implicit    []string // what the agent concludes from the task; needs consent
	Preferences []string // what the principal likes; needs consent
	Background  []string // what else the search needs
}

// ResponseRequirements say how an agent wants to be answered.
type ResponseRequirements struct {
	MaxCandidates int  // 1 to MaxCandidates; 0 leaves it to the merchant
	Sort          Sort // empty is SortRelevance
}

// A Sort is the order of candidates.
type Sort string

// The orders: by how well they fit, by price and by delivery, the least first.
const (
	SortRelevance Sort = "relevance"
	SortPrice     Sort = "price"
	SortDelivery  Sort = "delivery"
)

// A ConsentScope is a member of the intent context that is sent only with the
// principal's consent (CID-INT-XFR-02).
type ConsentScope string

// The two members that need consent.
const (
	ConsentImplicit    ConsentScope = "implicit_intent"
	ConsentPreferences ConsentScope = "preferences"
)

// A Consent says that the principal agreed to these members being sent, and
// when. It is the agent's word, signed with the request.
type Consent struct {
	Scope     []ConsentScope
	GrantedAt time.Time
}

// An IntentRequest asks a merchant what it has for an Intent (CID-INT-XFR-01).
// One with a PreviousRequestID is an update (CID-INT-XFR-04): its Intent has
// only the members that changed, whole, and Removed names those that are
// dropped.
type IntentRequest struct {
	RequestID         string    // stays when the request is sent again; an update has its own
	Nonce             string    // fresh in each transmission
	Timestamp         time.Time // time of sending
	BuyerAgentID      string    // DID; the signer
	MerchantID        string    // DID; the recipient
	IntentID          string
	DelegationID      string // empty when the mandate is not named
	PreviousRequestID string // of the request that this one updates; empty in the first

	Intent  Intent
	Removed []IntentMember // of an update
	Consent *Consent       // there exactly when Intent has what needs it
}

type intentWire struct {
	RequestID    string           `json:"request_id"`
	Nonce        string           `json:"nonce"`
	Timestamp    string           `json:"timestamp"`
	BuyerAgentID string           `json:"buyer_agent_id"`
	MerchantID   string           `json:"merchant_id"`
	IntentID     string           `json:"intent_id"`
	DelegationID *string          `json:"delegation_id,omitzero"`
	PreviousID   *string          `json:"previous_request_id,omitzero"`
	Context      *contextWire     `json:"intent_context,omitzero"`
	Consent      *consentWire     `json:"consent,omitzero"`
	Constraints  *constraintsWire `json:"constraints,omitzero"`
	Response     *responseWire    `json:"response_requirements,omitzero"`
	Removed      []IntentMember   `json:"removed,omitzero"`
}

type contextWire struct {
	Explicit    *string  `json:"explicit_intent,omitzero"`
	Implicit    []string `json:"implicit_intent,omitzero"`
	Preferences []string `json:"preferences,omitzero"`
	Background  []string `json:"background,omitzero"`
}

type consentWire struct {
	Scope     []ConsentScope `json:"scope"`
	GrantedAt string         `json:"granted_at"`
}

type constraintsWire struct {
	MaxAmount *string  `json:"max_amount,omitzero"`
	Currency  *string  `json:"currency,omitzero"`
	Allowed   []string `json:"allowed_categories,omitzero"`
	Forbidden []string `json:"forbidden_categories,omitzero"`
	Delivery  *string  `json:"delivery_time_requirement,omitzero"`
}

type responseWire struct {
	MaxCandidates *int64 `json:"max_candidates,omitzero"`
	Sort          *Sort  `json:"sort_preference,omitzero"`
}

func (q IntentRequest) wire() intentWire {
	w := intentWire{
		RequestID: q.RequestID, Nonce: q.Nonce, Timestamp: wire.FormatTime(q.Timestamp), BuyerAgentID: q.BuyerAgentID,
		MerchantID: q.MerchantID, IntentID: q.IntentID, DelegationID: wire.Optional(q.DelegationID),
		PreviousID: wire.Optional(q.PreviousRequestID), Removed: q.Removed,
	}
	if c := q.Intent.Context; c.Explicit != "" || c.Implicit != nil || c.Preferences != nil || c.Background != nil {
		w.Context = &contextWire{wire.Optional(c.Explicit), c.Implicit, c.Preferences, c.Background}
	}
	if c := q.Consent; c != nil {
		w.Consent = &consentWire{Scope: append([]ConsentScope{}, c.Scope...), GrantedAt: wire.FormatTime(c.GrantedAt)}
	}
	if c := q.Intent.Constraints; !c.absent() {
		w.Constraints = c.wire()
	}
	if r := q.Intent.Response; r != (ResponseRequirements{}) {
		w.Response = &responseWire{}
		if n := int64(r.MaxCandidates); n != 0 {
			w.Response.MaxCandidates = &n
		}
		if r.Sort != "" {
			w.Response.Sort = &r.Sort
		}
	}
	return w
}

func (w intentWire) request() (IntentRequest, error) {
	r := wire.Reader{Requirement: "CID-INT-XFR-01"}
	r.ID("request_id", w.RequestID)
	r.Nonce("nonce", w.Nonce)
	r.DID("buyer_agent_id", w.BuyerAgentID)
	r.DID("merchant_id", w.MerchantID)
	r.ID("intent_id", w.IntentID)
	q := IntentRequest{
		RequestID: w.RequestID, Nonce: w.Nonce, Timestamp: r.Time("timestamp", w.Timestamp), BuyerAgentID: w.BuyerAgentID,
		MerchantID: w.MerchantID, IntentID: w.IntentID, DelegationID: r.OptionalID("delegation_id", w.DelegationID),
		PreviousRequestID: r.OptionalID("previous_request_id", w.PreviousID), Removed: w.Removed,
	}
	if w.Context != nil {
		q.Intent.Context = w.Context.read(&r)
	}
	if w.Constraints != nil {
		q.Intent.Constraints = w.Constraints.read(&r)
	}
	if w.Response != nil {
		q.Intent.Response = w.Response.read(&r)
	}
	if w.Consent != nil {
		q.Consent = &Consent{Scope: w.Consent.Scope, GrantedAt: r.Time("consent.granted_at", w.Consent.GrantedAt)}
	}
	q.checkConsent(&r)
	q.checkUpdate(&r, w)
	if err := r.Err(); err != nil {
		return IntentRequest{}, err
	}
	return q, nil
}

func (w *contextWire) read(r *wire.Reader) IntentContext {
	if w.Explicit == nil && w.Implicit == nil && w.Preferences == nil && w.Background == nil {
		r.Invalid("intent_context", "without members it is left out")
	}
	texts := func(name string, list []string) []string {
		readList(r, "intent_context."+name, list, r.Text)
		return list
	}
	return IntentContext{
		Explicit: r.OptionalText("intent_context.explicit_intent", w.Explicit), Implicit: texts("implicit_intent", w.Implicit),
		Preferences: texts("preferences", w.Preferences), Background: texts("background", w.Background),
	}
}

func (w *responseWire) read(r *wire.Reader) (p ResponseRequirements) {
	if w.MaxCandidates == nil && w.Sort == nil {
		r.Invalid("response_requirements", "without members it is left out")
	}
	if n := w.MaxCandidates; n != nil {
		if *n < 1 || *n > MaxCandidates {
			r.Invalid("response_requirements.max_candidates", "must be from 1 to 100")
		} else {
			p.MaxCandidates = int(*n)
		}
	}
	if w.Sort != nil {
		p.Sort = *w.Sort
		if p.Sort != SortRelevance && p.Sort != SortPrice && p.Sort != SortDelivery {
			r.Invalid("response_requirements.sort_preference", "must be relevance, price or delivery")
		}
	}
	return p
}

// readList reads a list that may be absent, but not empty, and whose entries
// are different.
func readList(r *wire.Reader, field string, list []string, entry func(field, s string)) {
	if list == nil {
		return
	}
	if len(list) == 0 || len(list) > MaxIntentEntries {
		r.Invalid(field, "must have 1 to 16 entries")
		return
	}
	for n, s := range list {
		entry(field, s)
		if slices.Contains(list[:n], s) {
			r.Invalid(field, "has an entry twice")
		}
	}
}

// checkConsent: consent names exactly what is there and needs it.
func (q *IntentRequest) checkConsent(r *wire.Reader) {
	need := q.Intent.Context.NeedsConsent()
	fail := func(code protocol.Code, field, detail string) {
		r.Fail("", protocol.New(code, field, "CID-INT-XFR-02", detail))
	}
	switch {
	case q.Consent == nil && len(need) > 0:
		fail(protocol.CodeFieldMissing, "consent", "implicit needs and preferences are sent with consent only")
	case q.Consent == nil:
	case len(need) == 0:
		fail(protocol.CodeFieldInvalid, "consent", "there is nothing that needs it")
	case !slices.Equal(q.Consent.Scope, need):
		fail(protocol.CodeFieldInvalid, "consent.scope", "must name exactly the members that are there and need consent, in the order of their names")
	case !q.Timestamp.IsZero() && q.Consent.GrantedAt.After(q.Timestamp):
		fail(protocol.CodeFieldInvalid, "consent.granted_at", "must not be later than timestamp")
	}
}

// NeedsConsent names the members that are there and need consent, in the order
// of their names.
func (c IntentContext) NeedsConsent() (scope []ConsentScope) {
	if c.Implicit != nil {
		scope = append(scope, ConsentImplicit)
	}
	if c.Preferences != nil {
		scope = append(scope, ConsentPreferences)
	}
	return scope
}

// SignIntentRequest checks the request and returns it as a signed message, by
// the buyer's key for agent requests.
func SignIntentRequest(s *keys.Signer, q IntentRequest) ([]byte, error) {
	w := q.wire()
	if _, err := w.request(); err != nil {
		return nil, err
	}
	if s.DID() != q.BuyerAgentID {
		return nil, protocol.New(protocol.CodeClaimsConflict, "buyer_agent_id", "CID-INT-XFR-01", "not the signer")
	}
	return keys.SignMessage(s, keys.AgentRequest, keys.KindIntentRequest, w)
}

// An UnverifiedIntentRequest has the right form; nothing is known of its
// origin.
type UnverifiedIntentRequest struct {
	Request IntentRequest

	message *keys.UnverifiedMessage
}

// ParseIntentRequest reads an intent request: form, consent, what makes an
// update, and that the signer's DID is the buyer. It does not check the
// signature, the time, the nonce, the recipient, or whether the request that
// an update names exists.
func ParseIntentRequest(data []byte) (*UnverifiedIntentRequest, error) {
	m, err := keys.ParseMessage(data)
	if err != nil {
		return nil, err
	}
	var w intentWire
	if err := m.Decode(&w); err != nil {
		return nil, err
	}
	q, err := w.request()
	if err != nil {
		return nil, err
	}
	if wire.SignerDID(m.KeyID) != q.BuyerAgentID {
		return nil, protocol.New(protocol.CodeClaimsConflict, "signer_id", "CID-INT-XFR-01", "not a key of the buyer")
	}
	return &UnverifiedIntentRequest{Request: q, message: m}, nil
}

// KeyID is the DID URL of the key that is said to have signed.
func (u *UnverifiedIntentRequest) KeyID() string { return u.message.KeyID }

// SignerDID is the DID of KeyID.
func (u *UnverifiedIntentRequest) SignerDID() string { return wire.SignerDID(u.message.KeyID) }

// Verify checks the signature by key, and nothing else.
func (u *UnverifiedIntentRequest) Verify(key keys.PublicKey) error {
	return u.message.Verify(key, keys.KindIntentRequest)
}

// ContentDigest is the same for two transmissions of one request: it leaves
// out nonce, timestamp and signature.
func (u *UnverifiedIntentRequest) ContentDigest() canon.Digest {
	return u.message.ContentDigest("nonce", "timestamp")
}
