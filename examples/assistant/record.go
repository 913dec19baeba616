package main

import (
	"fmt"
	"time"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/privacy/guard"
)

// A criterion is by what a person wants candidates to be compared.
type criterion struct {
	name   string // as it is recorded
	sort   commerce.Sort
	within time.Duration // what takes longer does not count; zero is any time
}

// The criteria of this story.
var (
	cheapest = criterion{name: "cheapest", sort: commerce.SortPrice}
	fastest  = criterion{name: "fastest", sort: commerce.SortDelivery}
)

// by is the criterion with a limit on delivery.
func (c criterion) by(d time.Duration) criterion {
	c.name, c.within = fmt.Sprintf("%s within %d h", c.name, int(d.Hours())), d
	return c
}

func (c criterion) admits(i commerce.Item) bool {
	return c.within == 0 || i.Delivery >= 0 && i.Delivery <= c.within
}

// A record is what the agent decided and why: which candidates there were, who
// did not answer, the criterion and the choice. It can be shown to others: whom
// it was decided for is not in it, nor what that person said; the intent's id
// leads there, for whoever has the intent.
type record struct {
	IntentID   string      `json:"intent_id"`
	DecidedAt  string      `json:"decided_at"`
	Criterion  string      `json:"criterion"`
	Candidates []candidate `json:"candidates"` // the first is the first by the criterion's order
	Missing    []missing   `json:"missing,omitzero"`
	Choice     int         `json:"choice"` // index of candidates
	Reason     string      `json:"reason"`
}

type candidate struct {
	MerchantID string `json:"merchant_id"`
	ItemID     string `json:"item_id"`
	Price      string `json:"price"`
	Currency   string `json:"currency"`
	Delivery   string `json:"delivery,omitzero"` // empty when the merchant does not tell
}

func candidateOf(c agent.Candidate) candidate {
	out := candidate{MerchantID: c.Shop.Merchant(), ItemID: c.Item.ID, Price: c.Item.Price.String(), Currency: c.Item.Price.Currency().Code()}
	if c.Item.Delivery >= 0 {
		out.Delivery = c.Item.Delivery.String()
	}
	return out
}

type missing struct {
	MerchantID string        `json:"merchant_id"`
	Code       protocol.Code `json:"code"`
}

// decide compares what came back and records the choice. The answers are in the
// order of the criterion, so that the first that it admits is the best.
func decide(intentID string, c criterion, answers *agent.Answers, now time.Time) (*record, *agent.Candidate, error) {
	r := &record{IntentID: intentID, DecidedAt: canon.FormatTime(now), Criterion: c.name, Choice: -1}
	for _, s := range answers.Shops {
		if s.Err != nil {
			r.Missing = append(r.Missing, missing{s.Shop.Merchant(), protocol.CodeOf(s.Err)})
		}
	}
	for n, found := range answers.Candidates {
		r.Candidates = append(r.Candidates, candidateOf(found))
		if r.Choice < 0 && c.admits(found.Item) {
			r.Choice = n
		}
	}
	if r.Choice < 0 {
		return nil, nil, protocol.New(protocol.CodeNoMatch, "candidates", "CID-INT-XFR-06", "none of the candidates comes in time")
	}
	r.Reason = fmt.Sprintf("the %s of %d", c.name, len(r.Candidates))
	if r.Choice > 0 {
		r.Reason += fmt.Sprintf("; cheaper but not in time: %d", r.Choice) // by delivery, none is passed over
	}
	return r, &answers.Candidates[r.Choice], nil
}

// seal returns the record's canonical bytes, by which a digest can prove later
// what was decided. What looks like personal data does not leave.
func (r *record) seal() ([]byte, error) {
	data, err := canon.Marshal(r)
	if err != nil {
		return nil, err
	}
	return data, guard.Check(string(data))
}
