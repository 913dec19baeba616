package agent

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
)

// An Inquiry is a Need that one merchant has been told, and what came back. It
// is not changed: an update is another one, so that several can be made of one.
type Inquiry struct {
	// Candidates are what can be bought, as far as one piece is concerned: each
	// was judged by the boundaries and the Need. They are in the merchant's
	// order, and bind the merchant to nothing.
	Candidates []commerce.Item
	// Outside are the candidates that are not among them, and why.
	Outside []Outside
	AsOf    time.Time // the merchant's time

	shop      *Shop
	need      Need
	intent    commerce.Intent
	authority authority
	requestID string
}

// An Outside is a candidate that the boundaries or the Need do not allow, or of
// which that cannot be told.
type Outside struct {
	Item     commerce.Item
	Decision protocol.Decision
}

// NoMatch is the error of code no_match when a merchant has nothing that fits,
// or nothing that is allowed. The merchant knows the Need: Inquiry can be
// updated.
type NoMatch struct {
	Inquiry *Inquiry // without Candidates
	Reason  *protocol.Error
}

// Error is that of the reason.
func (e *NoMatch) Error() string { return e.Reason.Error() }

// Unwrap returns the reason.
func (e *NoMatch) Unwrap() error { return e.Reason }

// Throttled is the error of code too_many_requests, with the time after which
// the merchant would answer again; zero when it did not say.
type Throttled struct {
	After  time.Duration
	Reason *protocol.Error
}

// Error is that of the reason.
func (e *Throttled) Error() string { return e.Reason.Error() }

// Unwrap returns the reason.
func (e *Throttled) Unwrap() error { return e.Reason }

// maxAfter bounds what a merchant may say of when to come again.
const maxAfter = time.Hour

// Ask tells the merchant a Need and returns what it has (CID-INT-XFR-01, -03),
// at base/intents. Before anything is sent the Need is judged by the mandate
// that it is under, or, for a shop of Instant.Shop, by the confirmed intent: a
// need outside of the boundaries is refused with their codes, a hint that
// contradicts them with constraint_conflict, and a hint without consent with
// policy_refused (CID-INT-XFR-02).
//
// The merchant's errors are told apart by their codes (CID-INT-XFR-05):
// *NoMatch, access_denied, constraint_conflict, *Throttled, and those of form.
// The price of each candidate counts as seen, see Agent.RecordPrice.
func (s *Shop) Ask(ctx context.Context, n Need) (*Inquiry, error) {
	auth, err := s.authority(ctx, n)
	if err != nil {
		return nil, err
	}
	n = n.clone()
	return s.inquire(ctx, &Inquiry{shop: s, need: n, intent: n.intent(auth.bounds), authority: auth}, nil)
}

// Update changes the Need and asks again, telling only what changed
// (CID-INT-XFR-04). It stays under the same mandate. A merchant that
// no longer knows the Inquiry is told all. What holds for Ask holds for the
// changed Need; consent is needed for what is told again. Nothing is asked when
// nothing of what is told has changed, which is field_invalid.
func (i *Inquiry) Update(ctx context.Context, change func(*Need)) (*Inquiry, error) {
	n := i.need.clone()
	change(&n)
	n.Mandate, n.NameMandate = i.authority.mandate, i.need.NameMandate
	auth, err := i.shop.authority(ctx, n)
	if err != nil {
		return nil, err
	}
	n = n.clone()
	next := func() *Inquiry {
		return &Inquiry{shop: i.shop, need: n, intent: n.intent(auth.bounds), authority: auth}
	}
	found, err := i.shop.inquire(ctx, next(), i)
	if protocol.CodeOf(err) == protocol.CodeContextUnknown {
		found, err = i.shop.inquire(ctx, next(), nil)
	}
	return found, err
}

// inquire sends i, as an update of another when there is one, and fills in what
// comes back.
func (s *Shop) inquire(ctx context.Context, i *Inquiry, before *Inquiry) (*Inquiry, error) {
	request := commerce.IntentRequest{
		RequestID: canon.UUID(), BuyerAgentID: s.agent.id, MerchantID: s.merchant, IntentID: i.authority.intentID, Intent: i.intent,
	}
	if i.need.NameMandate {
		request.DelegationID = i.authority.delegationID
	}
	if before != nil {
		request.PreviousRequestID = before.requestID
		request.Intent, request.Removed = before.intent.Changes(i.intent)
		if len(request.Removed) == 0 && request.Intent.Equal(commerce.Intent{}) {
			return nil, protocol.New(protocol.CodeFieldInvalid, "intent_context", "CID-INT-XFR-04", "an update changes something that is told")
		}
	}
	var err error
	request.Consent, err = i.need.consents(request.Intent.Context.NeedsConsent(), i.authority.intentID, s.merchant, s.agent.config.Now())
	if err != nil {
		return nil, err
	}
	i.requestID = request.RequestID
	body, err := s.sendIntent(ctx, request)
	if err != nil {
		if e := new(protocol.Error); errors.As(err, &e) && e.Code == protocol.CodeNoMatch {
			return nil, &NoMatch{Inquiry: i, Reason: e}
		}
		return nil, err
	}
	return i.read(body)
}

// sendIntent sends a request, again with the same id when there is no answer.
func (s *Shop) sendIntent(ctx context.Context, request commerce.IntentRequest) ([]byte, error) {
	for attempt := 1; ; attempt++ {
		request.Nonce, request.Timestamp = canon.Nonce(), s.agent.config.Now()
		message, err := commerce.SignIntentRequest(s.agent.config.Signer, request)
		if err != nil {
			return nil, err
		}
		body, err := s.postIntent(ctx, message)
		if err == nil || attempt == cartAttempts || protocol.AsError(err).Code.Outcome() == protocol.Denied || !sleep(ctx, retryPause) {
			return body, err
		}
	}
}

func (s *Shop) postIntent(ctx context.Context, message []byte) ([]byte, error) {
	const path = "/intents"
	lost := func(err error) error {
		return protocol.Wrap(protocol.CodeServiceUnavailable, path, "CID-INT-XFR-03", "the merchant did not answer", err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.within)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+path, bytes.NewReader(message))
	if err != nil {
		return nil, lost(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := s.http.Do(request)
	if err != nil {
		return nil, lost(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxMessage+1))
	switch {
	case err != nil:
		return nil, lost(err)
	case len(body) > maxMessage:
		return nil, protocol.New(protocol.CodeTooLarge, path, "CID-INT-XFR-03", "an answer has at most 64 KiB")
	case response.StatusCode == http.StatusOK:
		return body, nil
	}
	err = problem.Decode(response.StatusCode, body, speaker, path)
	if e := protocol.AsError(err); e.Code == protocol.CodeTooManyRequests {
		return nil, &Throttled{After: retryAfter(response.Header.Get("Retry-After")), Reason: e}
	}
	return nil, err
}

// retryAfter reads a number of seconds; anything else says nothing.
func retryAfter(s string) time.Duration {
	seconds, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, maxAfter)
}

// read takes the answer in: that it answers this request (CID-INT-XFR-03), and
// each candidate by the boundaries and the Need.
func (i *Inquiry) read(body []byte) (*Inquiry, error) {
	answer, err := commerce.DecodeIntentAnswer(body)
	if err != nil {
		return nil, err
	}
	conflict := func(field, detail string) error {
		return protocol.New(protocol.CodeClaimsConflict, field, "CID-INT-XFR-03", detail)
	}
	a, merchant := i.shop.agent, i.shop.merchant
	switch {
	case answer.RequestID != i.requestID:
		return nil, conflict("request_id", "the answer to another request")
	case answer.MerchantID != merchant:
		return nil, conflict("merchant_id", "the answer of another merchant")
	}
	i.AsOf = answer.AsOf
	items := answer.Candidates
	if limit := i.need.MaxCandidates; limit > 0 {
		items = items[:min(len(items), limit)]
	}
	now := a.config.Now()
	for _, item := range items {
		if d := i.authority.candidate(i.need, merchant, item, a.price(merchant, item.ID), now); !d.Allowed() {
			i.Outside = append(i.Outside, Outside{Item: item, Decision: d})
			continue
		}
		a.seePrice(merchant, item.ID, item.Price)
		i.Candidates = append(i.Candidates, item)
	}
	if len(i.Candidates) == 0 {
		return nil, &NoMatch{Inquiry: i, Reason: protocol.New(protocol.CodeNoMatch, "candidates", "CID-INT-XFR-02", "no candidate is inside the boundaries")}
	}
	return i, nil
}
