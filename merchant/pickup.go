package merchant

import (
	"context"
	"net/http"

	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

// PickupHandler answers POST with the goods of a cart order, once: the body
// names the order and carries the proof of having paid it, and the request is
// signed by the key that paid (SPEC.md 5.4). The proof is consumed at the
// provider, the goods are taken out of the stock for good, next hands them
// over, and the fulfilment is confirmed. A pick-up that is repeated gets the
// kept answer.
//
// next finds the order by PurchaseFrom. As with Paywall, an answer of 500 or
// above, a panic or too long an answer leaves the delivery Unknown until a
// person calls Shop.Reopen. When the lock had ended and the stock is gone the
// answer is out_of_stock: the order is paid, and the shop owes the money or
// the goods.
func (s *Shop) PickupHandler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			notAllowed(w, "POST")
			return
		}
		body, err := readBody(w, r, canon.DefaultMaxBytes)
		if err != nil {
			problem.WriteStatus(w, http.StatusRequestEntityTooLarge, err, 0)
			return
		}
		d, err := s.pickup(r, body, next)
		if err != nil {
			problem.Write(w, err, retrySeconds)
			return
		}
		writeDelivery(w, d)
	})
}

func (s *Shop) pickup(r *http.Request, body []byte, next http.Handler) (Delivery, error) {
	act := s.act
	if act == nil {
		return Delivery{}, errNoPSP()
	}
	p, err := decodePickup(body)
	if err != nil {
		return Delivery{}, err
	}
	stored, err := s.config.Orders.Order(r.Context(), p.OrderID)
	if err != nil {
		return Delivery{}, err
	}
	confirmed, err := commerce.ParseOrder(stored.Confirmation)
	if err != nil {
		return Delivery{}, unavailable("an order in the store that cannot be read", err)
	}
	order := confirmed.Order
	verified, err := s.config.Verifier.Proof(r.Context(), p.Proof, verifier.ProofExpectation{
		PSP: act.psp.ID(), Payee: s.id, OrderNumber: order.MerchantOrderID, ResourceID: order.MerchantOrderID,
		Amount: order.Amount, MethodID: act.methodID, Cart: true,
		InsecureBearer: true, // who presents it is judged next, by holder
	})
	if err != nil {
		return Delivery{}, err
	}
	claims := verified.Value()
	if claims.Payer != order.BuyerAgentID {
		return Delivery{}, mismatch("payer", "PSD-PAY-A402-08", "paid by another buyer than the order's")
	}
	if err := act.holder(r.Context(), r, body, claims); err != nil {
		return Delivery{}, err
	}
	// Taking is idempotent, and done before the proof is consumed: when the
	// goods are gone nothing has been delivered for it.
	if _, err := s.config.Orders.TakeOrder(r.Context(), order.MerchantOrderID, s.config.Now()); err != nil {
		return Delivery{}, err
	}
	paid := actPaid(claims)
	d, _, err := s.deliver(r, job{
		paid: paid, binding: paid.binding("", "", ""), order: &order, body: body, next: next,
		consume: func(ctx context.Context, consumer string) (payment.State, error) {
			return act.consume(ctx, p.Proof, claims, consumer)
		},
	})
	return d, err
}
