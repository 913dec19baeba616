package acttools

import (
	"context"
	"io"
	"strconv"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/money"
)

// CartInput are the arguments of confirm_cart.
type CartInput struct {
	Lines []CartLine `json:"lines" jsonschema:"all of one shop"`
}

// A CartLine is one of them.
type CartLine struct {
	Item     string `json:"item" jsonschema:"as find has named it"`
	Quantity int64  `json:"quantity"`
}

// CartOutput is the result of confirm_cart.
type CartOutput struct {
	Order     string      `json:"order" jsonschema:"its name for pay"`
	Shop      string      `json:"shop"`
	Lines     []OrderLine `json:"lines"`
	Amount    string      `json:"amount" jsonschema:"what pay will pay, not a cent more or less"`
	Currency  string      `json:"currency"`
	Expires   string      `json:"expires" jsonschema:"until when price and goods are held"`
	DeliverBy string      `json:"deliver_by"`
}

// An OrderLine is a line of a confirmed cart.
type OrderLine struct {
	Name     Quoted `json:"name"`
	Quantity int64  `json:"quantity"`
	Price    string `json:"price_of_one"`
}

func (t *Tools) addCart(s *mcp.Server) error {
	return add(t, s, mcp.Tool{
		Name: "confirm_cart", Title: "Confirm cart",
		Description: "Checks goods and price against the mandate and has the shop hold both for a few minutes. Refused when the shop asks for more than find has told. Pays nothing.",
		Annotations: &mcp.ToolAnnotations{DestructiveHint: new(false)},
	}, t.confirmCart)
}

func (t *Tools) confirmCart(ctx context.Context, in CartInput) (out CartOutput, err error) {
	s, lines, estimate, err := t.lines(in.Lines)
	if err != nil {
		return out, err
	}
	seller := s.seen
	if s.Negotiate {
		agreed, err := seller.Negotiate(ctx, estimate)
		if err != nil {
			return out, err
		}
		seller = seller.Under(agreed)
	}
	o, err := seller.ConfirmCart(ctx, lines, commerce.Fulfilment{})
	if err != nil {
		return out, err
	}
	c := o.Confirmation
	out = CartOutput{
		Order: t.orders.put(&order{Order: o}), Shop: s.Name, Amount: c.Amount.String(), Currency: currency(c.Amount),
		Expires: canon.FormatTime(c.Expires), DeliverBy: canon.FormatTime(c.DeliverBy),
	}
	for _, l := range c.Items {
		out.Lines = append(out.Lines, OrderLine{quoteName(l.Name), l.Quantity, l.UnitPrice.String()})
	}
	return out, nil
}

// lines finds what the names of items stand for, and about what it costs.
func (t *Tools) lines(in []CartLine) (s *shop, out []agent.Line, estimate money.Amount, err error) {
	invalid := func(n int, field, detail string) error {
		return protocol.New(protocol.CodeFieldInvalid, "lines["+strconv.Itoa(n)+"]."+field, "CID-CART-CFM-03", detail)
	}
	for n, l := range in {
		c, ok := t.candidates.get(l.Item)
		switch {
		case !ok:
			return nil, nil, estimate, invalid(n, "item", "not the name of something that find has found")
		case s != nil && s != c.shop:
			return nil, nil, estimate, invalid(n, "item", "of another shop; a cart is of one")
		case l.Quantity < 1:
			return nil, nil, estimate, invalid(n, "quantity", "at least 1")
		}
		price, err := c.price.Mul(l.Quantity)
		if err == nil && n > 0 {
			price, err = estimate.Add(price)
		}
		if err != nil {
			return nil, nil, estimate, protocol.In(err, "lines")
		}
		s, out, estimate = c.shop, append(out, agent.Line{ItemID: c.id, Quantity: l.Quantity, MaxPrice: c.price}), price
	}
	if s == nil {
		return nil, nil, estimate, protocol.New(protocol.CodeFieldMissing, "lines", "CID-CART-CFM-03", "a cart has at least one line")
	}
	return s, out, estimate, nil
}

// PayInput are the arguments of pay.
type PayInput struct {
	Order string `json:"order" jsonschema:"as confirm_cart has named it"`
}

// PayOutput is the result of pay.
type PayOutput struct {
	Paid  []Paid `json:"paid" jsonschema:"none when it had been paid before"`
	Goods Quoted `json:"goods" jsonschema:"what the shop has handed over"`
}

func (t *Tools) addPay(s *mcp.Server) error {
	return add(t, s, mcp.Tool{
		Name: "pay", Title: "Pay",
		Description: "Pays a confirmed order under the mandate and takes the goods. The same order is paid once, however often this is called.",
		Annotations: &mcp.ToolAnnotations{IdempotentHint: true},
	}, t.pay)
}

func (t *Tools) pay(ctx context.Context, in PayInput) (out PayOutput, err error) {
	o, ok := t.orders.get(in.Order)
	if !ok {
		return out, protocol.New(protocol.CodeOrderUnknown, "order", "CID-CART-CFM-05", "not the name of an order that confirm_cart has made")
	}
	out.Paid, err = t.watched(ctx, func() (err error) {
		if o.paid == nil {
			if o.paid, err = t.config.Agent.PayOrder(ctx, o.Order); err != nil {
				return err
			}
		}
		out.Goods, err = t.pickUp(ctx, o)
		return err
	})
	return out, err
}

func (t *Tools) pickUp(ctx context.Context, o *order) (Quoted, error) {
	response, err := t.config.Agent.PickUp(ctx, o.Order, o.paid)
	if err != nil {
		return Quoted{}, err
	}
	defer response.Body.Close()
	goods, err := io.ReadAll(io.LimitReader(response.Body, t.config.MaxAnswer))
	if err != nil {
		return Quoted{}, protocol.Wrap(protocol.CodeOutcomeUnknown, "/pickups", "PSD-PAY-A402-23", "paid, and the delivery broke off", err)
	}
	return quote(string(goods)), nil
}
