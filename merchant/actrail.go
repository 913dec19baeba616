package merchant

import (
	"context"
	"net/http"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

// actRail is the rail of SPEC.md 6.2 to 6.4: bills by the official schema and
// signed by the shop's key, proofs signed by the provider and bound to the key
// of the buyer, consumption and confirmation at the provider.
type actRail struct {
	signer    *keys.Signer
	verifier  *verifier.Verifier
	psp       PSP
	methodID  string
	authority string // of the shop's origin
	now       func() time.Time
	bearer    bool // take proofs from whoever presents them
}

func newACTRail(c Config, authority string) (*actRail, error) {
	methodID, err := payment.MethodID(c.Method)
	if err != nil {
		return nil, err
	}
	return &actRail{
		signer: c.Signer, verifier: c.Verifier, psp: c.PSP, methodID: methodID,
		authority: authority, now: c.Now, bearer: c.InsecureBearerProofs,
	}, nil
}

// Traits implements Rail.
func (a *actRail) Traits() Traits { return Traits{} }

// CheckOffer implements Rail: what Offer.Check passes can be billed.
func (a *actRail) CheckOffer(Offer) error { return nil }

// Bill implements Rail.
func (a *actRail) Bill(_ context.Context, d Demand) (string, error) {
	return payment.SignBill(a.signer, payment.Bill{
		MethodID: a.methodID, MethodVersion: payment.MethodVersion, OutTradeNo: d.OutTradeNo,
		ResourceID: d.Offer.Resource, Amount: d.Offer.Price, PayBefore: d.PayBefore,
		SellerID: a.signer.DID(), RequestMethod: d.Method, RequestFingerprint: d.Fingerprint, IdempotencyKey: d.IdempotencyKey,
		ReplayWindow: d.ReplayWindow, PSPID: a.psp.ID(), Endpoint: a.psp.Endpoint(), Category: d.Offer.Category,
	})
}

// Read implements Rail. A proof whose outer members are not those of its claims
// is read all the same, and refused by Verify with a Payment-Validation.
func (a *actRail) Read(header string) (Proof, error) {
	outer, err := payment.ParseProof(header)
	if err != nil {
		return nil, err
	}
	p := &actProof{rail: a, outer: outer}
	p.inner, p.fault = outer.Claims() // equal outside and inside (PSD-PAY-A402-21)
	return p, nil
}

// Confirm implements Rail.
func (a *actRail) Confirm(ctx context.Context, d Delivery) (payment.State, error) {
	result, err := a.psp.ConfirmFulfilment(ctx, d.TradeNo, d.Consumer, d.DeliveredAt)
	return result.TradeState, err
}

// consume takes a proof for one delivery.
func (a *actRail) consume(ctx context.Context, proof string, c payment.ProofClaims, consumer string) (payment.State, error) {
	result, err := a.psp.Consume(ctx, proof, consumer)
	if err != nil {
		return "", err
	}
	if result.TradeNo != c.TradeNo || result.OutTradeNo != c.OutTradeNo || result.Amount != c.Amount {
		return "", mismatch("trade_no", "PSD-PAY-A402-08", "the provider speaks of another trade")
	}
	if result.TradeState == payment.StateTradeClosed { // had by this consumer before, and given back since
		return "", protocol.New(protocol.CodeProofInvalid, "payment_proof", "PSD-PAY-A402-08", "what was paid has been given back")
	}
	return result.TradeState, nil
}

// holder checks that the request is signed by the key that paid.
//
// A nonce that was seen before is no reason to refuse: an HTTP transport may
// send a request again by itself, and the second time it gets the kept answer
// and nothing else.
func (a *actRail) holder(ctx context.Context, r *http.Request, body []byte, c payment.ProofClaims, covers ...string) error {
	if a.bearer {
		return nil
	}
	signed, err := a.verifier.HTTPSignature(ctx, r, body, verifier.HTTPExpectation{
		Authority: a.authority, Covers: covers, Repeatable: true,
	})
	if err != nil {
		return err
	}
	if id := signed.Value(); id.Agent != c.Payer || id.Thumbprint != c.Thumbprint {
		return mismatch("cnf.jkt", "PSD-PAY-A402-08", "presented by another key than the one that paid")
	}
	return nil
}

// actPaid is what the claims of a verified proof say.
func actPaid(c payment.ProofClaims) Paid {
	return Paid{
		OutTradeNo: c.OutTradeNo, TradeNo: c.TradeNo, Resource: c.ResourceID, Amount: c.Amount,
		Payer: c.Payer, Holder: c.Thumbprint, Expires: c.Expires,
	}
}

// An actProof is the value of Payment-Proof by SPEC.md 6.4.
type actProof struct {
	rail  *actRail
	outer *payment.UnverifiedProof
	inner *payment.UnverifiedProofClaims // nil when fault is not
	fault error

	authentic bool // the provider has signed it, for this shop and this request
}

// Claims implements Proof.
func (p *actProof) Claims() (Claims, bool) {
	if p.fault != nil {
		return Claims{}, false
	}
	c := p.inner.Claims
	return Claims{OutTradeNo: c.OutTradeNo, Amount: c.Amount, IdempotencyKey: c.IdempotencyKey}, true
}

// Verify implements Proof: the provider's signature first, by a key that is
// known, and only for a proof that the provider has made is the buyer's
// document looked up.
func (p *actProof) Verify(ctx context.Context, q Presentation) (Paid, error) {
	if p.fault != nil {
		return Paid{}, p.fault
	}
	a, c := p.rail, p.inner.Claims
	_, err := a.verifier.ProofClaims(ctx, p.inner, verifier.ProofExpectation{
		PSP: a.psp.ID(), Payee: a.signer.DID(), OrderNumber: c.OutTradeNo, ResourceID: q.Resource,
		Amount: c.Amount, MethodID: a.methodID, RequestMethod: q.Request.Method, Fingerprint: q.Fingerprint,
		IdempotencyKey: c.IdempotencyKey,
		InsecureBearer: true, // who presents it is judged next, by holder
	})
	if err != nil {
		return Paid{}, err
	}
	p.authentic = true
	if err := a.holder(ctx, q.Request, q.Body, c, "payment-proof"); err != nil {
		return Paid{}, err
	}
	return actPaid(c), nil
}

// Consume implements Proof.
func (p *actProof) Consume(ctx context.Context, consumer string) (payment.State, error) {
	return p.rail.consume(ctx, p.outer.Proof.PaymentProof, p.inner.Claims, consumer)
}

// Validation implements Proof.
func (p *actProof) Validation(v payment.Validation) string {
	if v.State == "" {
		v.State = payment.StateWaitBuyerPay
		if p.authentic {
			v.State = payment.StateWaitSellerFulfillment
		}
	}
	o := p.outer.Proof
	v.MethodID, v.MethodVersion, v.OutTradeNo, v.ResourceID = o.MethodID, o.MethodVersion, o.OutTradeNo, o.ResourceID
	v.TradeNo, v.RequestFingerprint, v.PSPID = o.TradeNo, o.RequestFingerprint, p.rail.psp.ID()
	header, err := v.EncodeHeader()
	if err != nil { // it is optional, and a proof outside our profile has none
		return ""
	}
	return header
}

// noPSP stands in for Config.PSP on another rail: no cart names it.
type noPSP struct{}

func (noPSP) ID() string       { return "" }
func (noPSP) Endpoint() string { return "" }

func (noPSP) MethodSchemaURL() string { return "" }

func (noPSP) Consume(context.Context, string, string) (payment.ConsumptionResult, error) {
	return payment.ConsumptionResult{}, errNoPSP()
}

func (noPSP) ConfirmFulfilment(context.Context, string, string, time.Time) (payment.FulfilmentResult, error) {
	return payment.FulfilmentResult{}, errNoPSP()
}

func errNoPSP() error {
	return protocol.New(protocol.CodeMethodNotAllowed, "psp", "PSD-PAY-A402-13", "this shop is paid on another rail")
}
