package merchant

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/verifier"
)

const (
	retrySeconds     = 1  // Retry-After of what may work soon
	openRetrySeconds = 60 // and of what has to wait for an order to be picked up or given up

	// keepOrder is how long after the end of its lock an order may be presented:
	// it can be paid for until then, a proof lives for a day, and clocks differ
	// by a minute on either side.
	keepOrder = 24*time.Hour + 2*time.Minute
)

// CatalogueHandler answers GET with the shop's catalogue (CID-MER-CAT-01). An
// item that lacks the minimum is a fault of the shop and makes the answer 503:
// what is wrong in one price may be wrong in others.
func (s *Shop) CatalogueHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			notAllowed(w, "GET, HEAD")
			return
		}
		items, err := s.items(r.Context())
		if err != nil {
			problem.Write(w, err, retrySeconds)
			return
		}
		catalogue := commerce.Catalogue{MerchantID: s.id, Items: items, AsOf: s.config.Now()}
		body, err := catalogue.Encode()
		if err != nil {
			problem.Write(w, unavailable("the catalogue is not complete", err), retrySeconds)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(body)
	})
}

// CartHandler answers POST with an order confirmation (CID-CART-CFM-04): it
// verifies the agent's signed cart request, compares every price with the
// catalogue, locks the stock of all lines or of none, and returns a signed
// act-order+jwt. What cannot be locked is an explicit failure. A request that
// is sent again gets the same order. A buyer with Config.OpenCarts orders that
// were not picked up and still hold stock has to wait: too_many_requests. Who
// pays is not known before the pick-up, and one cart may hold all there is of an
// item: where that can hurt, Config.AdmitCart says who may hold how much.
func (s *Shop) CartHandler() http.Handler {
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
		token, err := s.ConfirmCart(r.Context(), raw)
		if err != nil {
			if protocol.CodeOf(err) == protocol.CodeTooManyRequests {
				w.Header().Set("Retry-After", strconv.Itoa(openRetrySeconds))
			}
			problem.Write(w, err, retrySeconds)
			return
		}
		w.Header().Set("Content-Type", "application/jwt")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(token)
	})
}

// ConfirmCart is what CartHandler does, for shops that receive cart requests
// by another way.
func (s *Shop) ConfirmCart(ctx context.Context, raw []byte) ([]byte, error) {
	verified, err := s.config.Verifier.CartRequest(ctx, raw, verifier.CartExpectation{
		Merchant: s.id,
		Admit: func(_ context.Context, c commerce.CartRequest) error {
			return s.admit(c.BuyerAgentID, "CID-CART-CFM-04")
		},
	})
	if err != nil {
		return nil, err
	}
	request := verified.Value()
	// What was confirmed stays confirmed, whatever has changed since: an agent
	// whose first answer was lost asks again.
	switch first, err := s.config.Orders.Requested(ctx, request.BuyerAgentID, request.RequestID); {
	case err == nil && first.Content == verified.ContentDigest():
		return first.Confirmation, nil
	case err == nil:
		return nil, protocol.New(protocol.CodeRequestConflict, "request_id", "CID-CART-CFM-04", "this request id was used for another cart")
	case protocol.CodeOf(err) != protocol.CodeOrderUnknown:
		return nil, err
	}
	if s.config.AdmitCart != nil {
		if err := s.config.AdmitCart(ctx, request); err != nil {
			return nil, err
		}
	}
	now := s.config.Now().Truncate(time.Second)
	order, lines, err := s.price(ctx, request, now)
	if err != nil {
		return nil, err
	}
	token, err := commerce.SignOrder(s.config.Signer, order)
	if err != nil {
		return nil, err
	}
	stored, err := s.config.Orders.LockOrder(ctx, CartOrder{
		ID: order.MerchantOrderID, Buyer: request.BuyerAgentID, RequestID: request.RequestID,
		Content: verified.ContentDigest(), Lines: lines, Confirmation: token,
		ReleaseAt: order.Expires.Add(s.config.PickupGrace),
		KeepUntil: order.Expires.Add(max(s.config.PickupGrace, keepOrder)),
	}, s.config.OpenCarts, now)
	if err != nil {
		return nil, err
	}
	if bytes.Equal(stored.Confirmation, token) { // and not that of the same request, sent twice at once
		s.attestCart(order, token)
	}
	return stored.Confirmation, nil
}

// admit counts a message of an agent's that asks for a nonce to be remembered.
func (s *Shop) admit(agent, requirement string) error {
	if s.rates.take(agent, s.config.Now()) {
		return nil
	}
	return protocol.New(protocol.CodeTooManyRequests, "", requirement, "")
}

// price makes the order that the shop is ready to confirm.
func (s *Shop) price(ctx context.Context, c commerce.CartRequest, now time.Time) (commerce.Order, []StockLine, error) {
	none := commerce.Order{}
	if c.PSPID != s.config.PSP.ID() {
		return none, nil, protocol.New(protocol.CodeFieldInvalid, "psp_id", "CID-CART-CFM-03", "the shop is paid through another provider")
	}
	if c.PaymentMethod != s.config.Method {
		return none, nil, protocol.New(protocol.CodeMethodNotAllowed, "payment_method", "CID-CART-CFM-03", "the shop is paid by another method")
	}
	items, err := s.items(ctx)
	if err != nil {
		return none, nil, err
	}
	order := commerce.Order{
		MerchantID: s.id, BuyerAgentID: c.BuyerAgentID, IssuedAt: now, Expires: now.Add(s.config.CartLock),
		MerchantOrderID: canon.UUID(), RequestID: c.RequestID, IntentID: c.IntentID, DelegationID: c.DelegationID,
		PSPID: c.PSPID, PaymentMethod: c.PaymentMethod, Amount: c.Amount, DeliverBy: now,
	}
	var lines []StockLine
	for n, l := range c.Items {
		at := "items[" + strconv.Itoa(n) + "]."
		i := slices.IndexFunc(items, func(i commerce.Item) bool { return i.ID == l.ItemID })
		if i < 0 || items[i].Available != nil && !*items[i].Available {
			return none, nil, protocol.New(protocol.CodeOutOfStock, at+"item_id", "CID-CART-CFM-04", "not offered")
		}
		item := items[i]
		until := item.PriceValidUntil.Truncate(time.Second)
		if item.Price != l.UnitPrice || !until.IsZero() && !until.After(now) {
			return none, nil, protocol.New(protocol.CodePriceChanged, at+"unit_price", "CID-CART-CFM-04", "not the catalogue's price")
		}
		if !until.IsZero() && until.Before(order.Expires) {
			order.Expires = until
		}
		in := item.Delivery
		if in < 0 {
			in = s.config.DeliverIn
		}
		if by := now.Add(in); by.After(order.DeliverBy) {
			order.DeliverBy = by
		}
		order.Items = append(order.Items, commerce.OrderLine{
			ItemID: item.ID, Name: item.Name, Category: item.Category, UnitPrice: item.Price, Quantity: l.Quantity,
		})
		lines = append(lines, StockLine{ItemID: item.ID, Quantity: l.Quantity})
	}
	if wanted, err := canon.ParseTime(c.Fulfilment.DeliveryTimeRequirement); err == nil && order.DeliverBy.After(wanted) {
		return none, nil, protocol.New(protocol.CodeDeliveryNotMet, "fulfilment.delivery_time_requirement", "CID-CART-CFM-04", "the shop cannot deliver by then")
	}
	return order, lines, nil
}

func (s *Shop) items(ctx context.Context) ([]commerce.Item, error) {
	if s.config.Catalogue == nil {
		return nil, protocol.New(protocol.CodeOrderUnknown, "", "CID-MER-CAT-01", "this shop has no catalogue")
	}
	items, err := s.config.Catalogue(ctx)
	if err != nil {
		return nil, unavailable("the catalogue could not be read", err)
	}
	return items, nil
}

// readBody reads at most limit bytes.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		return nil, protocol.Wrap(protocol.CodeTooLarge, "", "", "the request's body is too large or could not be read", err)
	}
	return body, nil
}

func notAllowed(w http.ResponseWriter, methods string) {
	w.Header().Set("Allow", methods)
	problem.WriteStatus(w, http.StatusMethodNotAllowed, protocol.New(protocol.CodeFieldInvalid, "@method", "", "not a method of this address"), 0)
}

func unavailable(detail string, cause error) error {
	return protocol.Wrap(protocol.CodeServiceUnavailable, "", "", detail, cause)
}
