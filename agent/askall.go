package agent

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
)

// AskOptions say how AskAll asks. The zero value is ready.
type AskOptions struct {
	Timeout  time.Duration // for each merchant, all attempts together; 10 seconds
	Parallel int           // how many merchants are asked at a time; 8
}

// Answers are what came back from several merchants.
type Answers struct {
	// Candidates of all merchants, by the Need's Sort, as the agent sees it. No
	// two are the same item of the same merchant.
	Candidates []Candidate
	// Shops has one entry for each shop, in the order in which they were given.
	Shops []ShopAnswer

	need Need
}

// A Candidate is what one of several merchants offers.
type Candidate struct {
	Item commerce.Item
	Shop *Shop
	Rank int // in the merchant's own order, from 0
}

// A ShopAnswer is what came of asking one merchant: an Inquiry, or an error.
type ShopAnswer struct {
	Shop    *Shop
	Inquiry *Inquiry
	Err     error
}

// Err is nil when there are candidates. Otherwise it is no_match when every
// merchant answered so, and else the error of another merchant that wins by
// the order of protocol.Code, or no_match when nobody was asked.
func (a *Answers) Err() error {
	if len(a.Candidates) > 0 {
		return nil
	}
	var worst error
	for _, s := range a.Shops {
		code := protocol.CodeOf(s.Err)
		if code == protocol.CodeNoMatch {
			continue
		}
		if worst == nil || code.Wins(protocol.CodeOf(worst)) {
			worst = s.Err
		}
	}
	if worst == nil {
		return protocol.New(protocol.CodeNoMatch, "candidates", "CID-INT-XFR-06", "no merchant has anything that fits")
	}
	return worst
}

// AskAll tells several merchants the same Need, at the same time, and gathers
// what they have (CID-INT-XFR-06). Each has its own time limit; one that is
// slow, lies or fails is reported in its ShopAnswer and takes nothing from the
// others. A merchant that stands twice is asked once. The Need is judged for
// each merchant, so that one that the boundaries exclude, or that consent was
// not given for, is not asked. The choice among the candidates is the caller's.
func AskAll(ctx context.Context, shops []*Shop, n Need, o AskOptions) *Answers {
	n = n.clone()
	out := make([]ShopAnswer, len(shops))
	seen := make(map[string]bool)
	for k, s := range shops {
		out[k].Shop = s
		if seen[s.merchant] {
			out[k].Err = protocol.New(protocol.CodeRequestConflict, "merchant_id", "CID-INT-XFR-06", "this merchant is asked already")
		}
		seen[s.merchant] = true
	}
	o.each(ctx, out, func(ctx context.Context, a *ShopAnswer) {
		if a.Err == nil {
			a.Inquiry, a.Err = a.Shop.Ask(ctx, n)
		}
	})
	return &Answers{Candidates: mergeCandidates(out, n.Sort), Shops: out, need: n}
}

// Update asks those merchants again that know the Need, because they answered
// with candidates or no_match, with a changed one, and under the same rules as
// AskAll (CID-INT-XFR-04). What came of the others stays as it is. What change
// does must depend on nothing but the Need: it is called for each merchant, at
// the same time.
func (a *Answers) Update(ctx context.Context, change func(*Need), o AskOptions) *Answers {
	n := a.need.clone()
	change(&n)
	out := slices.Clone(a.Shops)
	o.each(ctx, out, func(ctx context.Context, s *ShopAnswer) {
		if none := new(NoMatch); errors.As(s.Err, &none) {
			s.Inquiry = none.Inquiry
		}
		if s.Inquiry != nil {
			s.Inquiry, s.Err = s.Inquiry.Update(ctx, change)
		}
	})
	return &Answers{Candidates: mergeCandidates(out, n.Sort), Shops: out, need: n}
}

// each does something for all shops, for some at a time, within the time limit.
func (o AskOptions) each(ctx context.Context, shops []ShopAnswer, do func(context.Context, *ShopAnswer)) {
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Parallel <= 0 {
		o.Parallel = 8
	}
	turn := make(chan struct{}, o.Parallel)
	var wg sync.WaitGroup
	for k := range shops {
		wg.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			limited, cancel := context.WithTimeout(ctx, o.Timeout)
			defer cancel()
			do(limited, &shops[k])
		})
	}
	wg.Wait()
}

// mergeCandidates orders the candidates of several answers. The order does not
// depend on that of the answers.
func mergeCandidates(answers []ShopAnswer, s commerce.Sort) []Candidate {
	type key struct{ merchant, item string }
	seen := make(map[key]bool)
	var all []Candidate
	for _, a := range answers {
		if a.Inquiry == nil {
			continue
		}
		for rank, item := range a.Inquiry.Candidates {
			all = append(all, Candidate{Item: item, Shop: a.Shop, Rank: rank})
		}
	}
	slices.SortStableFunc(all, compareCandidates(s))
	return slices.DeleteFunc(all, func(c Candidate) bool {
		k := key{c.Shop.merchant, c.Item.ID}
		twice := seen[k]
		seen[k] = true
		return twice
	})
}

// compareCandidates orders by the wish and then by all else, so that only equal
// candidates compare as equal. By relevance, a merchant's own order counts: its
// first stands with the firsts of the others.
func compareCandidates(s commerce.Sort) func(a, b Candidate) int {
	price := func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(a.Item.Price.Currency().Code(), b.Item.Price.Currency().Code()), cmp.Compare(a.Item.Price.Minor(), b.Item.Price.Minor()))
	}
	delivery := func(a, b Candidate) int {
		return cmp.Compare(uint64(a.Item.Delivery), uint64(b.Item.Delivery)) // one that is not told is last
	}
	rank := func(a, b Candidate) int { return cmp.Compare(a.Rank, b.Rank) }
	id := func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(a.Shop.merchant, b.Shop.merchant), cmp.Compare(a.Item.ID, b.Item.ID))
	}
	first, second, third := rank, price, delivery
	switch s {
	case commerce.SortPrice:
		first, second, third = price, delivery, rank
	case commerce.SortDelivery:
		first, second, third = delivery, price, rank
	}
	return func(a, b Candidate) int {
		return cmp.Or(first(a, b), second(a, b), third(a, b), id(a, b))
	}
}
