package agent

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/httpsig"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/verifier"
)

const (
	maxMessage   = canon.DefaultMaxBytes
	cartAttempts = 3
	speaker      = "the merchant"
)

// A Shop is a merchant that the agent buys from by cart (SPEC.md 5).
type Shop struct {
	agent    *Agent
	buyer    buyer
	merchant string
	base     string
	http     http.Client
	agreed   *Agreement    // nil when nothing was negotiated
	within   time.Duration // for each call of a negotiation or inquiry
}

// Shop returns a merchant with this DID whose addresses begin with base:
// base/catalogue, base/intents, base/carts and base/pickups. The client carries the
// requests; redirects are not followed.
func (a *Agent) Shop(merchant, base string, c *http.Client) (*Shop, error) {
	if _, err := identity.ParseDID(merchant); err != nil {
		return nil, protocol.In(err, "merchant_id")
	}
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || strings.HasSuffix(base, "/") {
		return nil, protocol.New(protocol.CodeFieldInvalid, "base", "CID-CART-CFM-03", "an http or https URL without query and final slash")
	}
	if c == nil {
		return nil, protocol.New(protocol.CodeFieldMissing, "http", "CID-CART-CFM-03", "a client is needed")
	}
	client := http.Client{
		Transport: c.Transport, Timeout: c.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &Shop{agent: a, buyer: a.buyer(), merchant: merchant, base: base, http: client, within: negotiateWithin}, nil
}

// Merchant is the merchant's DID.
func (s *Shop) Merchant() string { return s.merchant }

// Catalogue fetches what the merchant offers. Items that lack the minimum are
// left out (CID-MER-CAT-03). The first price that is seen of an item is
// recorded, see Agent.RecordPrice.
func (s *Shop) Catalogue(ctx context.Context) (*commerce.Catalogue, error) {
	body, err := s.call(ctx, http.MethodGet, "/catalogue", nil)
	if err != nil {
		return nil, err
	}
	catalogue, err := commerce.DecodeCatalogue(body)
	if err != nil {
		return nil, err
	}
	if catalogue.MerchantID != s.merchant {
		return nil, protocol.New(protocol.CodeClaimsConflict, "merchant_id", "CID-MER-CAT-01", "the catalogue of another merchant")
	}
	for _, i := range catalogue.Items {
		s.agent.seePrice(s.merchant, i.ID, i.Price)
	}
	return catalogue, nil
}

// A Line is an item and how many of it the agent wants.
type Line struct {
	ItemID   string
	Quantity int64

	// MaxPrice is the price of one piece by which it was chosen, among Candidates
	// for example. Candidates bind nobody: when the merchant asks for more now,
	// the cart is not submitted, with price_changed, whatever the mandate would
	// allow. Not valid means that the mandate is the only limit.
	MaxPrice money.Amount
}

// An Order is a cart that the merchant has confirmed: price and stock are
// locked until Confirmation.Expires.
type Order struct {
	Confirmation commerce.Order // verified
	Token        string         // the signed act-order+jwt

	shop    *Shop
	mandate string // Mandate.Key
	base    money.Amount
}

// ConfirmCart checks the purchase against the mandates (CID-CART-CFM-01), asks
// the merchant to lock price and stock (CID-CART-CFM-03), and verifies the
// confirmation: its items, amount and currency are those that were asked for.
// A purchase that the check refuses is not submitted. Nothing is paid
// here; the policy is asked by PayOrder.
//
// On a shop from Under, the cart names the method and provider that were agreed
// on; on any other, the first instrument that the mandate allows, and a merchant
// that is not paid so refuses it.
func (s *Shop) ConfirmCart(ctx context.Context, lines []Line, f commerce.Fulfilment) (*Order, error) {
	catalogue, err := s.Catalogue(ctx)
	if err != nil {
		return nil, err
	}
	a := s.agent
	request := commerce.CartRequest{
		RequestID: canon.UUID(), BuyerAgentID: a.id, MerchantID: s.merchant, Fulfilment: f,
	}
	purchase := delegation.Purchase{At: a.config.Now(), Merchant: s.merchant}
	if err := s.fill(catalogue, lines, &request, &purchase); err != nil {
		return nil, err
	}
	chosen, err := a.allow(ctx, s.bind(charge{purchase: purchase, among: s.buyer.mandates}))
	if err != nil {
		return nil, err
	}
	if err := s.honour(chosen.instrument); err != nil {
		return nil, err
	}
	m := chosen.mandate
	request.PSPID, request.PaymentMethod = chosen.instrument.PSP.ID(), chosen.instrument.Method
	request.DelegationID, request.IntentID = m.links()
	token, err := s.submit(ctx, request)
	if err != nil {
		return nil, err
	}
	verified, err := a.config.Verifier.Order(ctx, token, verifier.OrderExpectation{Request: request})
	if err != nil {
		return nil, err
	}
	return &Order{
		Confirmation: verified.Value(), Token: string(token), shop: s, mandate: m.Key(), base: purchase.CataloguePrice,
	}, nil
}

// fill takes prices and categories from the catalogue.
func (s *Shop) fill(catalogue *commerce.Catalogue, lines []Line, request *commerce.CartRequest, purchase *delegation.Purchase) error {
	var slowest time.Duration
	known := true // when every item will be delivered
	if len(lines) == 0 {
		return protocol.New(protocol.CodeFieldMissing, "items", "CID-CART-CFM-03", "a cart has at least one line")
	}
	for n, l := range lines {
		at := "items[" + strconv.Itoa(n) + "]"
		if l.Quantity < 1 {
			return protocol.New(protocol.CodeFieldInvalid, at+".quantity", "CID-CART-CFM-03", "at least 1")
		}
		item, ok := catalogue.Item(l.ItemID)
		if !ok {
			return protocol.New(protocol.CodeOutOfStock, at+".item_id", "CID-MER-CAT-03", "not in the catalogue, or not complete enough to be bought")
		}
		if l.MaxPrice.Valid() {
			if order, err := item.Price.Cmp(l.MaxPrice); err != nil || order > 0 {
				return protocol.Wrap(protocol.CodePriceChanged, at+".unit_price", "CID-CART-CFM-01", "dearer than the price by which it was chosen", err)
			}
		}
		if err := addLine(&request.Amount, item.Price, l.Quantity); err != nil {
			return protocol.In(err, at)
		}
		if err := addLine(&purchase.CataloguePrice, s.agent.price(s.merchant, item.ID), l.Quantity); err != nil {
			return protocol.In(err, at)
		}
		request.Items = append(request.Items, commerce.CartLine{ItemID: item.ID, Quantity: l.Quantity, UnitPrice: item.Price})
		purchase.Categories = append(purchase.Categories, item.Category)
		known = known && item.Delivery >= 0
		slowest = max(slowest, item.Delivery)
	}
	purchase.Amount = request.Amount
	if known {
		purchase.DeliverBy = purchase.At.Add(slowest)
	}
	return nil
}

// addLine adds quantity times price to a sum that may still be invalid.
func addLine(sum *money.Amount, price money.Amount, quantity int64) error {
	line, err := price.Mul(quantity)
	if err != nil {
		return err
	}
	if !sum.Valid() {
		*sum = line
		return nil
	}
	*sum, err = sum.Add(line)
	return err
}

// submit sends a cart request, again with the same id when there is no answer.
func (s *Shop) submit(ctx context.Context, request commerce.CartRequest) ([]byte, error) {
	for attempt := 1; ; attempt++ {
		request.Nonce, request.Timestamp = canon.Nonce(), s.agent.config.Now()
		message, err := commerce.SignCartRequest(s.agent.config.Signer, request)
		if err != nil {
			return nil, err
		}
		token, err := s.call(ctx, http.MethodPost, "/carts", message)
		if err == nil || attempt == cartAttempts || protocol.AsError(err).Code.Outcome() == protocol.Denied || !sleep(ctx, retryPause) {
			return token, err
		}
	}
}

// call makes one request below the base URL and returns the body of a
// successful answer.
func (s *Shop) call(ctx context.Context, method, path string, message []byte) ([]byte, error) {
	return s.fetch(ctx, method, s.base+path, path, message)
}

// fetch is call for any address, which errors call field.
func (s *Shop) fetch(ctx context.Context, method, address, field string, message []byte) ([]byte, error) {
	lost := func(err error) error {
		return protocol.Wrap(protocol.CodeServiceUnavailable, field, "CID-CART-CFM-03", "the merchant did not answer", err)
	}
	request, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(message))
	if err != nil {
		return nil, lost(err)
	}
	if message != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := s.http.Do(request)
	if err != nil {
		return nil, lost(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxMessage+1))
	if err != nil || len(body) > maxMessage {
		return nil, lost(err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, problem.Decode(response.StatusCode, body, speaker, field)
	}
	return body, nil
}

// PayOrder pays a confirmed order under the mandate that it was checked
// against (PSD-PAY-DEL): amount, currency and order number are those of the
// confirmation (CID-CART-CFM-05). An order of a shop from Instant.Shop has no
// mandate: PayOrder takes the principal to the cashier and returns when they have
// confirmed (a *Payment, for PickUp), or with confirmation_failed when they have
// cancelled or come too late. Calling it again before the goods are picked
// up returns the first payment; after that, and with another agent's record, the
// provider says order_paid.
func (a *Agent) PayOrder(ctx context.Context, o *Order) (*Payment, error) {
	c := o.Confirmation
	subject := "order " + c.MerchantID + " " + c.MerchantOrderID
	unlock, err := a.locks.lock(ctx, subject)
	if err != nil {
		return nil, err
	}
	defer unlock()
	b := o.shop.buyer
	p, err := b.open(ctx, subject)
	if p != nil || err != nil {
		return p, err
	}
	now := a.config.Now()
	if !now.Before(c.Expires) {
		return nil, protocol.New(protocol.CodeOrderExpired, "exp", "PSD-PAY-A402-18", "the lock has ended; confirm the cart anew")
	}
	return b.pay(ctx, charge{
		subject: subject, provider: c.PSPID, host: o.shop.host(), merchant: c.MerchantID, orderNo: c.MerchantOrderID,
		what: names(c.Items), order: o.Token, until: c.Expires,
		purchase: delegation.Purchase{
			At: now, Amount: c.Amount, Merchant: c.MerchantID, Categories: c.Categories(), Method: c.PaymentMethod,
			DeliverBy: c.DeliverBy, CataloguePrice: o.base,
		},
		among: func() []Mandate {
			for _, m := range b.mandates() {
				if m.Key() == o.mandate {
					return []Mandate{m}
				}
			}
			return nil
		},
	})
}

// host is where the shop is.
func (s *Shop) host() string {
	u, err := url.Parse(s.base)
	if err != nil {
		return ""
	}
	return u.Host
}

// names are the goods of an order in the merchant's words.
func names(lines []commerce.OrderLine) string {
	var out []string
	for _, l := range lines {
		name := l.Name
		if l.Quantity != 1 {
			name = strconv.FormatInt(l.Quantity, 10) + " × " + name
		}
		out = append(out, name)
	}
	return strings.Join(out, ", ")
}

// PickUp presents the proof of a paid order to the merchant and returns the
// merchant's answer, whose body the caller closes. It may be repeated: the
// merchant hands the goods over once and gives the same answer again.
func (a *Agent) PickUp(ctx context.Context, o *Order, p *Payment) (*http.Response, error) {
	body, err := canon.Marshal(struct {
		OrderID string `json:"merchant_order_id"`
		Proof   string `json:"payment_proof"`
	}{o.Confirmation.MerchantOrderID, p.Proof})
	if err != nil {
		return nil, err
	}
	response, err := a.insist(ctx, func() (*http.Response, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, o.shop.base+"/pickups", bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		request.Header.Set("Content-Type", "application/json")
		if err := httpsig.Sign(request, body, a.config.Signer, a.config.Now(), signatureLife); err != nil {
			return nil, err
		}
		response, err := o.shop.http.Do(request)
		if err != nil || response.StatusCode >= http.StatusBadRequest {
			return response, err
		}
		return response, a.takeIn(ctx, response, p)
	})
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= http.StatusBadRequest {
		defer response.Body.Close()
		answer, err := io.ReadAll(io.LimitReader(response.Body, maxMessage))
		if err != nil {
			return nil, undelivered(err)
		}
		return nil, problem.Decode(response.StatusCode, answer, speaker, "/pickups")
	}
	return response, nil
}
