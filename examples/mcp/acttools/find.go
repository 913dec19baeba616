package acttools

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
)

const (
	maxCandidates = 10  // that one shop may offer for one question
	maxURL        = 256 // bytes of an address that a shop names
)

// FindInput are the arguments of find.
type FindInput struct {
	Need       string   `json:"need" jsonschema:"what to look for, in a few words; every shop that is asked reads it"`
	Categories []string `json:"categories,omitzero" jsonschema:"kinds of goods to look in, for example food/coffee"`
	Shops      []string `json:"shops,omitzero" jsonschema:"names of the shops to ask; without it all"`
	ByPrice    bool     `json:"cheapest_first,omitzero" jsonschema:"in the order of price and not of relevance"`
}

// FindOutput is the result of find.
type FindOutput struct {
	Found   []Found   `json:"found"`
	Outside []Outside `json:"outside" jsonschema:"what shops offer and no mandate allows"`
	Silent  []Silent  `json:"silent" jsonschema:"shops that have nothing, or did not answer as they should"`
}

// A Found is something that can be bought, as far as one piece is concerned.
type Found struct {
	Item      string `json:"item" jsonschema:"its name for confirm_cart"`
	Shop      string `json:"shop"`
	Name      Quoted `json:"name"`
	Category  Quoted `json:"category"`
	Price     string `json:"price"`
	Currency  string `json:"currency"`
	Delivery  string `json:"delivered_within,omitzero"`
	DetailURL string `json:"detail_url,omitzero" jsonschema:"a page of the shop about it, for fetch_paid_resource"`
}

// An Outside is an offer that the mandate does not allow.
type Outside struct {
	Shop     string   `json:"shop"`
	Name     Quoted   `json:"name"`
	Price    string   `json:"price"`
	Currency string   `json:"currency"`
	Failed   []string `json:"failed_checks"`
}

// A Silent is a shop that has offered nothing.
type Silent struct {
	Shop string        `json:"shop"`
	Code protocol.Code `json:"code"`
	Next string        `json:"next"`
}

func (t *Tools) addFind(s *mcp.Server) error {
	return add(t, s, mcp.Tool{
		Name: "find", Title: "Find",
		Description: "Asks shops for what is needed, and tells what they offer inside the mandate. Buys nothing.",
		Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true},
	}, t.find)
}

func (t *Tools) find(ctx context.Context, in FindInput) (out FindOutput, err error) {
	asked, err := t.named(in.Shops)
	if err != nil {
		return out, err
	}
	bySeen := make(map[*agent.Shop]*shop)
	var shops []*agent.Shop
	for _, s := range asked {
		shops, bySeen[s.seen] = append(shops, s.seen), s
	}
	need := agent.Need{Explicit: in.Need, Categories: in.Categories, MaxCandidates: maxCandidates}
	if in.ByPrice {
		need.Sort = commerce.SortPrice
	}
	answers := agent.AskAll(ctx, shops, need, agent.AskOptions{})
	for _, c := range answers.Candidates {
		out.Found = append(out.Found, t.found(bySeen[c.Shop], c.Item))
	}
	for _, a := range answers.Shops {
		s, inquiry := bySeen[a.Shop], a.Inquiry
		if a.Err != nil {
			code := protocol.AsError(a.Err).Code
			out.Silent = append(out.Silent, Silent{s.Name, code, next(code)})
			inquiry = nothing(a.Err)
		}
		if inquiry == nil {
			continue
		}
		for _, o := range inquiry.Outside {
			out.Outside = append(out.Outside, outside(s, o))
		}
	}
	if e := onlyReason(out, answers); e != nil {
		return out, e
	}
	return out, nil
}

// onlyReason is why there is nothing to tell, when it is the same for all shops
// and does not lie with them: no mandate, for example.
func onlyReason(out FindOutput, answers *agent.Answers) error {
	if len(out.Found) > 0 || len(out.Outside) > 0 {
		return nil
	}
	for _, s := range out.Silent {
		if s.Code != out.Silent[0].Code || s.Code == protocol.CodeNoMatch {
			return nil
		}
	}
	return answers.Err()
}

func (t *Tools) found(s *shop, i commerce.Item) Found {
	f := Found{
		Item: t.candidates.put(candidate{s, i.ID, i.Price}), Shop: s.Name, Name: quoteName(i.Name), Category: quoteName(i.Category),
		Price: i.Price.String(), Currency: currency(i.Price),
	}
	if i.Delivery >= 0 {
		f.Delivery = i.Delivery.Round(time.Second).String()
	}
	// A page of another site says nothing about this shop, and an address is no
	// place for a letter.
	if u, err := url.Parse(i.DetailURL); err == nil && u.Scheme == "https" && originOf(u) == s.origin && len(u.String()) <= maxURL {
		f.DetailURL = u.String()
	}
	return f
}

func outside(s *shop, o agent.Outside) Outside {
	out := Outside{Shop: s.Name, Name: quoteName(o.Item.Name), Price: o.Item.Price.String(), Currency: currency(o.Item.Price)}
	for _, c := range o.Decision.Failed() {
		out.Failed = append(out.Failed, c.String())
	}
	return out
}

// nothing is the inquiry of a shop that has nothing that is allowed.
func nothing(err error) *agent.Inquiry {
	if none := (*agent.NoMatch)(nil); errors.As(err, &none) {
		return none.Inquiry
	}
	return nil
}
