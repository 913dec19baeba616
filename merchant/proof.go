package merchant

import (
	"net/http"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

// check judges the proof of a request (PSD-PAY-A402-07, -08): everything but
// earlier use, which the provider and the store judge. What it returns says how
// far it came, also when it fails.
//
// The order is by what a step costs and what a stranger can cause by it: the
// bill's tag first, which needs one hash; then the provider's signature, by a
// key that is known; and only for a proof that the provider has made is the
// buyer's document looked up.
func (p *paywall) check(r *http.Request, q asked, header string) (checked, error) {
	var c checked
	outer, err := payment.ParseProof(header)
	if err != nil {
		return c, err
	}
	c.outer = &outer.Proof
	inner, err := outer.Claims() // equal outside and inside (PSD-PAY-A402-21)
	if err != nil {
		return c, err
	}
	claims := inner.Claims
	if q.key != "" && claims.IdempotencyKey != q.key {
		return c, mismatch("idempotency_key", "PSD-PAY-A402-16", "paid for under another Idempotency-Key")
	}
	t := terms{
		resource: p.offer.Resource, amount: claims.Amount.String(), currency: claims.Amount.Currency().Code(),
		fingerprint: q.fingerprint, idempotencyKey: claims.IdempotencyKey,
	}
	if !t.issued(p.shop.config.BillKey, claims.OutTradeNo) {
		return c, mismatch("out_trade_no", "PSD-PAY-A402-08", "not a bill of this shop for this request")
	}
	verified, err := p.shop.config.Verifier.Proof(r.Context(), outer.Proof.PaymentProof, verifier.ProofExpectation{
		PSP: p.shop.config.PSP.ID(), Payee: p.shop.id, OrderNumber: claims.OutTradeNo, ResourceID: p.offer.Resource,
		Amount: claims.Amount, MethodID: p.shop.methodID, RequestMethod: q.method, Fingerprint: q.fingerprint,
		IdempotencyKey: claims.IdempotencyKey,
		InsecureBearer: true, // who presents it is judged next, by holder
	})
	if err != nil {
		return c, err
	}
	c.claims, c.authentic = verified.Value(), true
	return c, p.shop.holder(r, q.body, c.claims, "payment-proof")
}

// holder checks that the request is signed by the key that paid.
//
// A nonce that was seen before is no reason to refuse: an HTTP transport may
// send a request again by itself, and the second time it gets the kept answer
// and nothing else.
func (s *Shop) holder(r *http.Request, body []byte, c payment.ProofClaims, covers ...string) error {
	if s.config.InsecureBearerProofs {
		return nil
	}
	signed, err := s.config.Verifier.HTTPSignature(r.Context(), r, body, verifier.HTTPExpectation{
		Authority: s.authority, Covers: covers, Repeatable: true,
	})
	if err != nil {
		return err
	}
	if id := signed.Value(); id.Agent != c.Payer || id.Thumbprint != c.Thumbprint {
		return mismatch("cnf.jkt", "PSD-PAY-A402-08", "presented by another key than the one that paid")
	}
	return nil
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
