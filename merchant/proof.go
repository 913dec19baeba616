package merchant

import (
	"net/http"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/money"
)

// A presented proof is one that was read, and what is known of it.
type presented struct {
	proof Proof
	paid  Paid   // once it is believed
	key   string // the idempotency key that the bill was made for
}

// check judges the proof of a request (PSD-PAY-A402-07, -08): everything but
// earlier use, which the provider and the store judge.
//
// The order is by what a step costs and what a stranger can cause by it: the
// bill's tag first, which needs one hash, if the proof itself names the bill;
// then what the rail does to believe it.
func (p *paywall) check(r *http.Request, q asked, c *presented) error {
	claims, known := c.proof.Claims()
	c.key = q.key
	if known {
		if !p.shop.traits.Unkeyed {
			if q.key != "" && claims.IdempotencyKey != q.key {
				return mismatch("idempotency_key", "PSD-PAY-A402-16", "paid for under another Idempotency-Key")
			}
			c.key = claims.IdempotencyKey
		}
		if _, err := p.issued(q, claims.OutTradeNo, claims.Amount, c.key); err != nil {
			return err
		}
	}
	paid, err := c.proof.Verify(r.Context(), Presentation{
		Request: r, Body: q.body, Resource: p.offer.Resource, Fingerprint: q.fingerprint,
	})
	if err != nil {
		return err
	}
	if err := paid.agrees(claims, known, p.offer.Resource); err != nil {
		return err
	}
	if !known || paid.Expires.IsZero() {
		at, err := p.issued(q, paid.OutTradeNo, paid.Amount, c.key)
		if err != nil {
			return err
		}
		if paid.Expires.IsZero() {
			paid.Expires = at.Add(p.shop.config.ProofLife)
		}
	}
	if !p.shop.config.Now().Before(paid.Expires) {
		return protocol.New(protocol.CodeProofExpired, "payment_proof", "PSD-PAY-A402-07", "")
	}
	c.paid = paid
	return nil
}

// issued checks that a number is one of this shop's, for this request and these
// terms, and returns when it was issued.
func (p *paywall) issued(q asked, outTradeNo string, amount money.Amount, key string) (time.Time, error) {
	t := terms{
		resource: p.offer.Resource, amount: amount.String(), currency: amount.Currency().Code(),
		fingerprint: q.fingerprint, idempotencyKey: key,
	}
	at, ok := t.issued(p.shop.config.BillKey, outTradeNo)
	if !ok {
		return time.Time{}, mismatch("out_trade_no", "PSD-PAY-A402-08", "not a bill of this shop for this request")
	}
	return at, nil
}

func mismatch(field, requirement, detail string) error {
	return protocol.New(protocol.CodeProofMismatch, field, requirement, detail)
}

// A pickup is the body of a pick-up (SPEC.md 5.4).
type pickup struct {
	OrderID string `json:"merchant_order_id"`
	Proof   string `json:"payment_proof"`
}

// decodePickup reads the body of a pick-up.
func decodePickup(body []byte) (pickup, error) {
	var p pickup
	if err := canon.Decode(body, &p); err != nil {
		return pickup{}, err
	}
	if err := canon.CheckID(p.OrderID); err != nil {
		return pickup{}, protocol.In(err, "merchant_order_id")
	}
	if p.Proof == "" {
		return pickup{}, protocol.New(protocol.CodeFieldMissing, "payment_proof", "PSD-PAY-A402-07", "")
	}
	return p, nil
}
