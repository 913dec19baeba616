package agent

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/money"
)

// A Need is what an agent asks merchants for (CID-INT-XFR-01). What a Need does
// not say is not sent: the boundaries that the agent acts under are used to
// judge the Need before it is sent and the candidates that come back, and of
// them a merchant learns MaxPrice, Categories and DeliverBy as the Need has
// them, never wider than the boundaries, and the forbidden categories that are
// part of Categories. Lists of merchants, the total, what is left of it, the
// tolerance for prices and the mandate itself are sent to nobody. A MaxPrice
// tells a merchant how much the buyer would pay: leave it out where prices are
// made for the buyer, since dearer candidates are left out here in any case.
//
// Every merchant that is asked learns the agent's DID and the intent_id, the
// same for all, by which merchants that talk to each other know that they were
// asked for one thing.
type Need struct {
	Explicit    string   // what the principal asked for, at most 256 characters
	Implicit    []Hint   // what the agent concludes; needs Consent
	Preferences []Hint   // what the principal likes; needs Consent
	Background  []string // what else the search needs; no personal data belongs here
	Consent     *Consent

	MaxPrice   money.Amount // of one piece; not told when not valid
	Categories []string     // to look in; not told when nil
	DeliverBy  time.Time    // not told when zero

	MaxCandidates int           // 1 to 100 from each merchant; 0 leaves it to them
	Sort          commerce.Sort // empty is by relevance

	// Mandate is the Key of the mandate to act under; empty is the first that
	// allows the Need. A shop of an Instant buyer is asked under its intent.
	Mandate string
	// NameMandate sends the delegation_id, which a merchant needs only where it
	// joins the request to a later order by it.
	NameMandate bool
}

// A Hint is an implicit need or a preference. The Text is sent. The other
// members say what it means for the boundaries, as far as it means anything
// for them; they are judged by the agent and not sent. No program can judge
// the meaning of the Text itself: only a text that has the last part of a
// forbidden category as a word is refused unread. Whoever concludes a hint, a
// language model for example, has to say what it means.
type Hint struct {
	Text       string       // at most 256 characters
	Price      money.Amount // a price that it expects; not valid when none
	Categories []string     // kinds of goods that it asks for
	DeliverBy  time.Time    // the latest delivery that it would take
	Merchant   string       // a merchant that it prefers
}

// A Consent is what the principal agreed to: that implicit needs, preferences
// or both are told for one intent, to some merchants or, with nil, to all that
// the boundaries allow. How it was obtained, and what data protection asks for
// besides, is the caller's business.
type Consent struct {
	IntentID  string // of the intent it was given for; required
	Scope     []commerce.ConsentScope
	Merchants []string
	GrantedAt time.Time
}

// NeedFrom returns a Need that tells all a mandate bounds a single purchase
// with: the single limit, as long as it is the nearest, the allowed categories
// (the first 16), and the latest delivery if it is a time. It is more than most
// searches need. The total and what is left of it it never tells: candidates
// that are dearer are left out when they come.
func (a *Agent) NeedFrom(ctx context.Context, m Mandate, explicit string) (Need, error) {
	spent, err := a.Spent(ctx, m)
	if err != nil {
		return Need{}, err
	}
	left, err := m.bounds.Total().Sub(spent)
	if err != nil {
		return Need{}, protocol.In(err, "max_total_amount")
	}
	if left.IsZero() {
		return Need{}, protocol.New(protocol.CodeTotalLimitExceeded, "max_total_amount", "CID-INT-XFR-02", "nothing is left of the mandate")
	}
	n := Need{Explicit: explicit, Mandate: m.Key()}
	if single, ok := m.bounds.Single(); ok && single.Minor() <= left.Minor() {
		n.MaxPrice = single
	}
	allowed, _ := m.bounds.Categories()
	n.Categories = allowed[:min(len(allowed), commerce.MaxIntentEntries)]
	ext := m.claims.Authorization.Ext
	if m.instant != nil {
		ext = m.instant.config.Intent.ISR().Ext
	}
	if ext != nil && ext.Fulfillment != nil {
		n.DeliverBy, _ = canon.ParseTime(ext.Fulfillment.DeliveryTimeRequirement) // the zero time where it is none
	}
	return n, nil
}

// clone returns a Need whose lists can be changed.
func (n Need) clone() Need {
	n.Implicit, n.Preferences = slices.Clone(n.Implicit), slices.Clone(n.Preferences)
	n.Background, n.Categories = slices.Clone(n.Background), slices.Clone(n.Categories)
	return n
}

// intent is what a Need tells under some boundaries.
func (n Need) intent(b delegation.Bounds) commerce.Intent {
	texts := func(hints []Hint) (out []string) {
		for _, h := range hints {
			out = append(out, h.Text)
		}
		return out
	}
	_, forbidden := b.Categories()
	forbidden = slices.DeleteFunc(forbidden, func(f string) bool {
		return !slices.ContainsFunc(n.Categories, func(c string) bool { return commerce.CategoryWithin(f, c) })
	})
	if len(forbidden) == 0 {
		forbidden = nil
	}
	return commerce.Intent{
		Context: commerce.IntentContext{
			Explicit: n.Explicit, Implicit: texts(n.Implicit), Preferences: texts(n.Preferences), Background: n.Background,
		},
		Constraints: commerce.Constraints{
			MaxAmount: n.MaxPrice, Currency: b.Currency(), AllowedCategories: n.Categories,
			ForbiddenCategories: forbidden[:min(len(forbidden), commerce.MaxIntentEntries)], DeliverBy: n.DeliverBy,
		},
		Response: commerce.ResponseRequirements{MaxCandidates: n.MaxCandidates, Sort: n.Sort},
	}.Clone()
}

// consents returns the consent to send for some members, or why there is none.
func (n Need) consents(scope []commerce.ConsentScope, intentID, merchant string, now time.Time) (*commerce.Consent, error) {
	c := n.Consent
	refused := func(field, detail string) error {
		return protocol.New(protocol.CodePolicyRefused, field, "CID-INT-XFR-02", detail)
	}
	switch {
	case len(scope) == 0:
		return nil, nil
	case c == nil:
		return nil, refused("consent", "the principal has not agreed to implicit needs or preferences being told")
	case c.IntentID != intentID:
		return nil, refused("consent.intent_id", "given for another intent")
	case slices.ContainsFunc(scope, func(s commerce.ConsentScope) bool { return !slices.Contains(c.Scope, s) }):
		return nil, refused("consent.scope", "given for something else")
	case c.Merchants != nil && !slices.Contains(c.Merchants, merchant):
		return nil, refused("consent.merchants", "given for other merchants")
	case c.GrantedAt.IsZero() || c.GrantedAt.After(now):
		return nil, refused("consent.granted_at", "not given yet")
	}
	return &commerce.Consent{Scope: scope, GrantedAt: c.GrantedAt}, nil
}

// mentions reports whether a text has the last part of a category as a word.
// In scripts without spaces between words every occurrence counts.
func mentions(text, category string) bool {
	text, word := strings.ToLower(text), strings.ToLower(category[strings.LastIndexByte(category, '/')+1:])
	first, _ := utf8.DecodeRuneInString(word)
	last, _ := utf8.DecodeLastRuneInString(word)
	for at := 0; ; {
		i := strings.Index(text[at:], word)
		if i < 0 {
			return false
		}
		start, end := at+i, at+i+len(word)
		before, _ := utf8.DecodeLastRuneInString(text[:start])
		after, _ := utf8.DecodeRuneInString(text[end:])
		if !joined(before, first) && !joined(last, after) {
			return true
		}
		at = end
	}
}

// joined reports whether two neighbours belong to one word.
func joined(a, b rune) bool {
	word := func(c rune) bool {
		return (unicode.IsLetter(c) || unicode.IsDigit(c)) && !unicode.In(c, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai)
	}
	return word(a) && word(b)
}
