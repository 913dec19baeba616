package merchant

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/verifier"
)

// IntentConfig says how a shop answers intent requests. The zero value serves
// every agent that can sign, at the default rates, from memory.
type IntentConfig struct {
	// Contexts keeps what agents have told, so that they can update it; nil is
	// a new MemoryIntentContexts.
	Contexts IntentContexts
	// Life is how long a context can be updated after its last request; 15
	// minutes. What an agent tells is personal data and is not kept longer
	// than that.
	Life time.Duration
	// PerAgent is how many requests of one agent are served in a minute; 60.
	PerAgent int
	// PerShop is how many of all agents together are served in a minute; 6000.
	// Whoever can make many DIDs can use this up: where that happens, Admit
	// should let in only agents whose platform is known.
	PerShop int
	// Admit may refuse an agent, whose signature has been verified, with
	// access_denied. Nil serves everybody.
	Admit func(ctx context.Context, agentID string) error
}

func (c *IntentConfig) defaults() {
	if c.Contexts == nil {
		c.Contexts = NewMemoryIntentContexts(0, 0)
	}
	if c.Life <= 0 {
		c.Life = 15 * time.Minute
	}
	if c.PerAgent <= 0 {
		c.PerAgent = 60
	}
	if c.PerShop <= 0 {
		c.PerShop = 6000
	}
}

// An IntentQuery is what a Matcher is asked.
type IntentQuery struct {
	Agent  string          // DID, verified
	Intent commerce.Intent // with all updates so far
	At     time.Time
}

// A Matcher finds what a shop has for an intent, the best first. What breaks
// the constraints is dropped afterwards, and so is what is over max_candidates:
// a Matcher cannot answer wrongly, only badly. No items at all are no_match.
// Shop.MatchCatalogue is a ready one.
//
// An IntentQuery has words that strangers wrote: a Matcher that shows them to a
// language model must not let them instruct it.
type Matcher func(ctx context.Context, q IntentQuery) ([]commerce.Item, error)

// defaultCandidates is the length of an answer when the agent names none.
const defaultCandidates = 10

// IntentHandler answers POST with candidates for an agent's intent
// (CID-INT-XFR-03): it verifies the signed request, applies an update to the
// request that it names (CID-INT-XFR-04), and asks the matcher. Errors are
// told apart as CID-INT-XFR-05 has it: malformed, no_match, access_denied,
// constraint_conflict, and too_many_requests with Retry-After; and
// context_unknown for an update of what is not, or no longer, known.
//
// A nil matcher is Shop.MatchCatalogue. Handlers of one shop share its
// contexts; each has a rate limit of its own.
func (s *Shop) IntentHandler(m Matcher) http.Handler {
	i := s.intents(m)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			notAllowed(w, "POST")
			return
		}
		raw, err := readBody(w, r, canon.DefaultMaxBytes)
		if err != nil {
			problem.WriteStatus(w, http.StatusRequestEntityTooLarge, err, 0)
			return
		}
		body, err := i.answer(r.Context(), raw)
		if err != nil {
			if protocol.CodeOf(err) == protocol.CodeTooManyRequests {
				w.Header().Set("Retry-After", strconv.Itoa(i.pause))
			}
			problem.Write(w, err, retrySeconds)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(body)
	})
}

// intents answers intent requests.
type intents struct {
	shop   *Shop
	config IntentConfig
	match  Matcher
	rates  *intentRates
	pause  int // seconds after which an agent over its rate may come again
}

func (s *Shop) intents(m Matcher) *intents {
	c := s.config.Intents
	if m == nil {
		m = s.MatchCatalogue
	}
	return &intents{
		shop: s, config: c, match: m, rates: newIntentRates(c.PerAgent, c.PerShop),
		pause: max(1, (60+c.PerAgent-1)/c.PerAgent),
	}
}

func (i *intents) answer(ctx context.Context, raw []byte) ([]byte, error) {
	now := i.shop.config.Now()
	verified, err := i.shop.config.Verifier.IntentRequest(ctx, raw, verifier.IntentExpectation{
		Merchant: i.shop.id,
		Admit:    func(ctx context.Context, q commerce.IntentRequest) error { return i.admit(ctx, q.BuyerAgentID, now) },
	})
	if err != nil {
		return nil, err
	}
	q := verified.Value()
	c, err := i.current(ctx, q, verified.ContentDigest(), now)
	if err != nil {
		return nil, err
	}
	items, err := i.candidates(ctx, IntentQuery{Agent: q.BuyerAgentID, Intent: c.Intent.Clone(), At: now})
	if err != nil {
		return nil, err
	}
	answer := commerce.IntentAnswer{RequestID: q.RequestID, MerchantID: i.shop.id, AsOf: now, Candidates: items}
	body, err := answer.Encode()
	if err != nil {
		return nil, unavailable("the candidates are not complete", err)
	}
	return body, nil
}

func (i *intents) admit(ctx context.Context, agent string, now time.Time) error {
	if !i.rates.take(agent, now) {
		return protocol.New(protocol.CodeTooManyRequests, "", "CID-INT-XFR-05", "")
	}
	if i.config.Admit == nil {
		return nil
	}
	return i.config.Admit(ctx, agent)
}

// current returns the context that a request makes, and keeps it.
func (i *intents) current(ctx context.Context, q commerce.IntentRequest, content canon.Digest, now time.Time) (IntentContext, error) {
	next := IntentContext{
		Agent: q.BuyerAgentID, RequestID: q.RequestID, Content: content, IntentID: q.IntentID, DelegationID: q.DelegationID,
		Intent: q.Intent, KeepUntil: now.Add(i.config.Life),
	}
	known, err := i.config.Contexts.Context(ctx, q.BuyerAgentID, q.RequestID, now)
	switch {
	case err == nil && known.Content == content:
		return known, nil // sent again
	case err == nil:
		return IntentContext{}, requestConflict()
	case protocol.CodeOf(err) != protocol.CodeContextUnknown:
		return IntentContext{}, err
	}
	if q.PreviousRequestID != "" {
		before, err := i.config.Contexts.Context(ctx, q.BuyerAgentID, q.PreviousRequestID, now)
		if err != nil {
			return IntentContext{}, err
		}
		if err := next.follow(before, q); err != nil {
			return IntentContext{}, err
		}
	}
	if err := next.Intent.Constraints.Conflict(now); err != nil {
		return IntentContext{}, err
	}
	return next, i.config.Contexts.Keep(ctx, next, now)
}

func requestConflict() error {
	return protocol.New(protocol.CodeRequestConflict, "request_id", "CID-INT-XFR-04", "this request id was used for another request")
}

// follow makes c what its request makes of an earlier context.
func (c *IntentContext) follow(before IntentContext, q commerce.IntentRequest) error {
	switch {
	case before.IntentID != c.IntentID:
		return protocol.New(protocol.CodeClaimsConflict, "intent_id", "ADD-INT-ICS-06", "not the intent of the earlier request")
	case before.DelegationID != c.DelegationID:
		return protocol.New(protocol.CodeClaimsConflict, "delegation_id", "CID-INT-XFR-04", "not the mandate of the earlier request")
	case before.Updates >= commerce.MaxIntentUpdates:
		return protocol.New(protocol.CodeTooLarge, "previous_request_id", "CID-INT-XFR-04", "too many updates; begin with a whole request")
	}
	intent, err := before.Intent.Updated(q.Intent, q.Removed)
	if err != nil {
		return err
	}
	c.Intent, c.Updates = intent, before.Updates+1
	return nil
}

// candidates asks the matcher and keeps what the constraints allow.
func (i *intents) candidates(ctx context.Context, q IntentQuery) ([]commerce.Item, error) {
	constraints := q.Intent.Clone().Constraints // the matcher may change its own
	limit := q.Intent.Response.MaxCandidates
	if limit == 0 {
		limit = defaultCandidates
	}
	found, err := i.match(ctx, q)
	if err != nil {
		return nil, err
	}
	var items []commerce.Item
	seen := make(map[string]bool)
	for _, item := range found {
		if len(items) == limit {
			break
		}
		if seen[item.ID] || item.Check() != nil || !offered(item, q.At) || constraints.Check(item, q.At) != nil {
			continue
		}
		seen[item.ID] = true
		items = append(items, item)
	}
	if len(items) == 0 {
		return nil, protocol.New(protocol.CodeNoMatch, "", "CID-INT-XFR-05", "")
	}
	return items, nil
}

// offered reports whether an item can be had at its price.
func offered(i commerce.Item, at time.Time) bool {
	return (i.Available == nil || *i.Available) && (i.PriceValidUntil.IsZero() || at.Before(i.PriceValidUntil))
}
