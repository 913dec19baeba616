package agent

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/verifier"
)

const (
	cardPath = "/.well-known/agent-card.json"
	// negotiateWithin bounds each of the two calls of a negotiation.
	negotiateWithin = 5 * time.Second
)

// An Agreement is the outcome of a negotiation: how a merchant can be paid by
// this agent (CID-PCA-NEG-04). It binds neither side; it is what both can do.
type Agreement struct {
	MethodID        string // urn:act:payment:<name>
	PSPID           string // DID of the provider
	Endpoint        string // where the provider is reached, as the agent itself has it
	MethodSchemaURL string // the form of payload that it takes, as the agent itself has it
}

// Negotiate finds out how the merchant can be paid, before a cart of about this
// amount is confirmed (CID-PCA-NEG): it fetches the merchant's agent card,
// verifies that the merchant signed it, and takes the statement, or asks, at
// exactly the address that the card declares, which must be https and at the
// host of the shop's base URL. Redirects are not followed; each of the two calls
// takes five seconds at most.
//
// The agreement is by the first of the agent's instruments that a mandate, or
// for an Instant the intent, lets it use and that the merchant names
// (CID-PCA-NEG-03). Whatever the merchant says about one of the agent's own
// providers must be what the agent knows itself, endpoint and payload schema,
// or all that it says is refused with claims_conflict (CID-PCA-NEG-07): nothing
// is ever sent to an address that only the merchant has named.
//
// Without a match the error is no_match and no payment follows
// (CID-PCA-NEG-05): the refusal is recorded, Config.Refused is told, and the
// caller changes the method or the merchant, or stops. Amounts are not judged
// here but by ConfirmCart, on a shop from [Shop.Under].
func (s *Shop) Negotiate(ctx context.Context, estimate money.Amount) (Agreement, error) {
	own := s.usable()
	if len(own) == 0 {
		return Agreement{}, s.unmatched(ctx, estimate, "none of the agent's instruments is inside of a mandate")
	}
	declared, err := s.card(ctx)
	if err != nil {
		return Agreement{}, err
	}
	offers, err := s.offers(ctx, declared, own, estimate)
	if err != nil {
		return Agreement{}, err
	}
	if err := s.agent.instruments().contradicted(offers); err != nil {
		return Agreement{}, err
	}
	for _, i := range own {
		for _, o := range offers {
			if o.MethodID == i.Method && o.PSPID == i.PSP.ID() {
				return Agreement(o), nil
			}
		}
	}
	return Agreement{}, s.unmatched(ctx, estimate, "no method and provider in common")
}

// Under returns the shop for carts that are paid as agreed: ConfirmCart uses no
// other method and provider.
func (s *Shop) Under(agreed Agreement) *Shop {
	c := *s
	c.agreed = &agreed
	return &c
}

// bind limits a charge to what was agreed.
func (s *Shop) bind(c charge) charge {
	if s.agreed != nil {
		c.purchase.Method, c.provider = s.agreed.MethodID, s.agreed.PSPID
	}
	return c
}

// honour checks that the instrument that was chosen is the agreed one, also
// when the agreement was made up, or is older than the agent's configuration.
func (s *Shop) honour(i Instrument) error {
	if s.agreed != nil && *s.agreed != (Agreement{i.Method, i.PSP.ID(), i.PSP.Endpoint(), i.PSP.MethodSchemaURL()}) {
		return protocol.New(protocol.CodeClaimsConflict, "agreement", "CID-PCA-NEG-07", "not what the agent knows of its provider")
	}
	return nil
}

// usable returns the instruments that some mandate lets the agent use, in the
// order in which a payment would choose among them. Whether the mandate allows
// the purchase is not judged, but that the merchant may be bought from now is:
// no other one learns how the agent pays, and about how much.
func (s *Shop) usable() (out instruments) {
	for _, m := range s.buyer.mandates() {
		if !s.open(m.bounds) {
			continue
		}
		for _, i := range s.agent.instruments().fitting(m, charge{}) {
			known := slices.ContainsFunc(out, func(o Instrument) bool { return o.Method == i.Method && o.PSP.ID() == i.PSP.ID() })
			if !known && (m.instant != nil || i.PSP.ID() == m.claims.Audience) && allowsMethod(m.bounds, i.Method) {
				out = append(out, i)
			}
		}
	}
	return out
}

// open reports whether a mandate is in its time and has the merchant in it.
func (s *Shop) open(b delegation.Bounds) bool {
	now := s.agent.config.Now()
	from, end := b.Window()
	allowed, forbidden := b.Merchants()
	return !now.Before(from) && now.Before(end) && !slices.Contains(forbidden, s.merchant) &&
		(len(allowed) == 0 || slices.Contains(allowed, s.merchant))
}

// allowsMethod reports whether a method is inside allowed_payment_methods. A
// list that was withheld allows only what is shown of it.
func allowsMethod(b delegation.Bounds, method string) bool {
	allowed := b.Methods()
	if len(allowed) == 0 {
		return !slices.Contains(b.Withheld(), "allowed_payment_methods")
	}
	return slices.Contains(allowed, method)
}

// card fetches and verifies the merchant's agent card and returns what it
// declares.
func (s *Shop) card(ctx context.Context) (commerce.Negotiation, error) {
	none := commerce.Negotiation{}
	ctx, cancel := context.WithTimeout(ctx, s.within)
	defer cancel()
	raw, err := s.fetch(ctx, http.MethodGet, s.base+cardPath, cardPath, nil)
	if err != nil {
		return none, err
	}
	verified, err := s.agent.config.Verifier.AgentCard(ctx, raw, verifier.CardExpectation{Agent: s.merchant})
	if err != nil {
		return none, err
	}
	declared := verified.Value().Negotiation
	switch {
	case declared == none:
		return none, protocol.New(protocol.CodeNoMatch, "capabilities", "CID-PCA-NEG-02", "the merchant's card declares no negotiation")
	case !s.sameHost(declared.URL()):
		return none, protocol.New(protocol.CodeClaimsConflict, "capabilities", "CID-PCA-NEG-07", "the card points to another host, or another port")
	}
	return declared, nil
}

// sameHost reports whether a plain URL, which is https, lies below scheme, host
// and port of the base URL: a merchant cannot send the agent anywhere else.
func (s *Shop) sameHost(address string) bool {
	base, err := url.Parse(s.base)
	if err != nil || base.Scheme != "https" {
		return false
	}
	host := strings.TrimSuffix(strings.ToLower(base.Host), ":443")
	return strings.HasPrefix(address, "https://"+host+"/")
}

// offers reads the statement, or asks, by the mode that the card declares.
func (s *Shop) offers(ctx context.Context, declared commerce.Negotiation, own instruments, estimate money.Amount) ([]commerce.Offer, error) {
	ctx, cancel := context.WithTimeout(ctx, s.within)
	defer cancel()
	if declared.Mode == commerce.TwoWay {
		return s.ask(ctx, declared.URL(), own, estimate)
	}
	raw, err := s.fetch(ctx, http.MethodGet, declared.URL(), "capability_url", nil)
	if err != nil {
		return nil, err
	}
	statement, err := commerce.DecodeCapability(raw)
	if err != nil {
		return nil, err
	}
	if statement.AgentID != s.merchant || statement.Mode == commerce.TwoWay {
		return nil, protocol.New(protocol.CodeClaimsConflict, "agent_id", "CID-PCA-NEG-07", "the statement of another agent, or of another mode than the card's")
	}
	return statement.Offers, nil
}

// ask negotiates at the negotiation_endpoint (CID-PCA-NEG-06).
func (s *Shop) ask(ctx context.Context, endpoint string, own instruments, estimate money.Amount) ([]commerce.Offer, error) {
	a := s.agent
	q := commerce.NegotiationRequest{
		RequestID: canon.UUID(), Nonce: canon.Nonce(), Timestamp: a.config.Now(), AgentID: a.id, MerchantID: s.merchant, Estimated: estimate,
	}
	for _, m := range own.methods() {
		if !slices.Contains(q.Methods, m) {
			q.Methods = append(q.Methods, m)
		}
	}
	message, err := commerce.SignNegotiationRequest(a.config.Signer, q)
	if err != nil {
		return nil, err
	}
	raw, err := s.fetch(ctx, http.MethodPost, endpoint, "negotiation_endpoint", message)
	if err != nil {
		return nil, err
	}
	answer, err := commerce.DecodeNegotiationAnswer(raw, q)
	if err != nil {
		return nil, err
	}
	return answer.Offers, nil
}

// contradicted looks for an offer that says something else of one of the
// agent's providers than the agent knows: its id with another endpoint, its
// endpoint with another id, or another form of payload for a method by which
// the agent pays there.
func (all instruments) contradicted(offers []commerce.Offer) error {
	for n, o := range offers {
		field, placed := "", false
		for _, i := range all {
			same, at := o.PSPID == i.PSP.ID(), o.Endpoint == i.PSP.Endpoint()
			switch {
			case same && at && o.MethodID == i.Method && o.MethodSchemaURL != i.PSP.MethodSchemaURL():
				return contradiction(n, "method_schema_url")
			case same && at:
				placed = true
			case same:
				field = "endpoint"
			case at:
				field = "psp_id"
			}
		}
		if field != "" && !placed {
			return contradiction(n, field)
		}
	}
	return nil
}

func contradiction(offer int, field string) error {
	return protocol.New(protocol.CodeClaimsConflict, "supported_methods["+strconv.Itoa(offer)+"]."+field, "CID-PCA-NEG-07", "not what the agent knows of its provider")
}

// unmatched records and tells that the negotiation has failed, and returns the
// error (CID-PCA-NEG-05).
func (s *Shop) unmatched(ctx context.Context, estimate money.Amount, detail string) error {
	a := s.agent
	r := Refusal{
		At: a.config.Now(), Policy: delegation.PauseAndNotify,
		Purchase: delegation.Purchase{At: a.config.Now(), Amount: estimate, Merchant: s.merchant},
	}
	r.Decision.Fail(protocol.CodeNoMatch, "CID-PCA-NEG-05", "a way to pay in common", "supported_methods", detail)
	a.remember(r)
	if a.config.Refused != nil {
		_ = a.config.Refused(ctx, r) // nothing the principal says makes a match
	}
	return r.Decision.Err()
}
