package psp

import (
	"context"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

// Bind asks, once, for an instrument of a principal's (PSD-PMT-BND,
// PSD-AGT-SUB-01; SPEC.md 6.11). Of q RequestID, PrincipalID and Terms are
// needed; everything else is set here. For a sub-account sub is the signer with
// its key, else nil.
//
// A *payment.AwaitsBinding means that the principal has to decide: send them to
// its address, and call Bind again with the same q to learn what came of it. A
// nil error means that the provider has signed that the instrument is bound, for
// exactly this request and with no wider terms. A *payment.BindingRefusal means
// that nothing is bound under this request and nothing will be
// (PSD-PMT-BND-05). After every other error Bind may be called again with the
// same q, which binds nothing twice.
func (c *Client) Bind(ctx context.Context, q payment.BindingRequest, sub *keys.Signer) (payment.BindingResult, error) {
	q.Nonce, q.Timestamp = canon.Nonce(), c.config.Now()
	q.PSPID, q.BuyerAgentID = c.config.ID, c.config.Signer.DID()
	message, err := payment.SignBindingRequest(c.config.Signer, sub, q)
	if err != nil {
		return payment.BindingResult{}, err
	}
	body, waits, err := c.exchange(ctx, call{path: "/bindings", message: message, binding: q.RequestID, lost: protocol.CodeServiceUnavailable, mayWait: true})
	if err != nil {
		return payment.BindingResult{}, err
	}
	expect := verifier.BindExpectation{Request: q}
	if waits {
		pending, err := c.config.Verifier.BindingPending(ctx, body, expect)
		if err != nil {
			return payment.BindingResult{}, unverified(protocol.CodeServiceUnavailable, err)
		}
		return payment.BindingResult{}, &payment.AwaitsBinding{Pending: pending.Value()}
	}
	verified, err := c.config.Verifier.BindingResult(ctx, body, expect)
	if err != nil {
		return payment.BindingResult{}, unverified(protocol.CodeServiceUnavailable, err)
	}
	return verified.Value(), nil
}
