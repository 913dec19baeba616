package verifier

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

// PaymentExpectation is what a payment service provider expects of a request.
type PaymentExpectation struct {
	PSP string // the provider's own DID; required

	// Instant says that the provider has a cashier, where it lets principals
	// confirm instant payments (PSD-PAY-INS). Without one they are refused: an
	// instant payment that is authorized here still lacks the principal's word.
	Instant bool
}

// An AuthenticRequest is a payment request that the agent which it names has
// signed and addressed to this provider. Nothing is known of what the agent
// may do: that is Authorize.
//
// Between the two a provider settles replay and repetition, in the order of
// SPEC.md 6.1: the nonce, by UseNonce or in its own ledger after TakeNonce;
// then an earlier answer for (agent, request_id), where an equal ContentDigest
// gets that answer and another is request_conflict.
type AuthenticRequest struct {
	v       *Verifier
	request payment.Request
	keyID   string
	key     keys.PublicKey
	digest  canon.Digest
	message *payment.UnverifiedRequest // for the digests that not every request needs
	instant bool
	checks  protocol.Decision
	nonce   Nonce
	fresh   atomic.Bool // UseNonce has succeeded
	settled atomic.Bool // somebody answers for the nonce
}

// PaymentRequest verifies form, the agent's key and signature, and the
// recipient of a payment request (PSD-PAY-INS-01, PSD-PAY-DEL-04,
// PSD-PAY-AUP-03). A request
// whose signature fails uses up no nonce.
//
// It does not check nonce, time, mandate, order or money: see
// AuthenticRequest.
func (v *Verifier) PaymentRequest(ctx context.Context, raw []byte, expect PaymentExpectation) (*AuthenticRequest, error) {
	if err := required([2]string{"psp", expect.PSP}); err != nil {
		return nil, err
	}
	u, err := payment.ParseRequest(raw)
	if err != nil {
		return nil, err
	}
	form, order := rules(u.Request.Scenario)
	var d protocol.Decision
	d.Pass(form, "form")
	key, ok := v.authenticate(ctx, u, u.Request.BuyerAgentID, keys.AgentRequest, order, &d)
	if !ok {
		return nil, d.Err()
	}
	if !d.Require(u.Request.PSPID == expect.PSP, protocol.CodeAudienceMismatch, order, "provider", "psp_id", "addressed to another provider") {
		return nil, d.Err()
	}
	n := Nonce{
		Scope: keys.KindPaymentRequest + " " + u.Request.BuyerAgentID,
		Value: u.Request.Nonce,
		Until: nonceUntil(u.Request.Timestamp, v.now()),
	}
	if !v.admitted(ctx, u.Request.BuyerAgentID, n, order, &d) {
		return nil, d.Err()
	}
	return &AuthenticRequest{
		v: v, request: u.Request, keyID: u.KeyID(), key: key, digest: u.ContentDigest(), checks: d,
		message: u, instant: expect.Instant, nonce: n,
	}, nil
}

// rules are the requirements about the form of a request, and about the order in
// which it is checked.
func rules(s payment.Scenario) (form, order string) {
	switch s {
	case payment.ScenarioINS:
		return "PSD-PAY-INS-08", "PSD-PAY-INS-01"
	case payment.ScenarioAUP:
		return "PSD-PAY-AUP-06", "PSD-PAY-DEL-04"
	default:
		return "PSD-PAY-DEL-02", "PSD-PAY-DEL-04"
	}
}

// nonceUntil is how long the nonce of a payment request is kept. A request
// that is dated ahead is refused, and its agent may then pay in another way:
// it must not become good when its time comes. At most maxAhead counts, or a
// nonce could take its place for ever.
func nonceUntil(sent, now time.Time) time.Time {
	if latest := now.Add(maxAhead); sent.After(latest) {
		sent = latest
	}
	if sent.After(now) {
		now = sent
	}
	return now.Add(nonceLife)
}

// Request returns the content of the request.
func (r *AuthenticRequest) Request() payment.Request { return r.request }

// KeyID is the id of the agent's key that signed.
func (r *AuthenticRequest) KeyID() string { return r.keyID }

// ContentDigest is equal for two transmissions of one request.
func (r *AuthenticRequest) ContentDigest() canon.Digest { return r.digest }

// UseNonce records the nonce in the Verifier's ReplayStore, or fails with
// replayed or service_unavailable. The call happens once for each
// transmission, before an earlier answer is looked up.
func (r *AuthenticRequest) UseNonce(ctx context.Context) error {
	_, order := rules(r.request.Scenario)
	if err := r.v.use(ctx, r.nonce, order); err != nil {
		return err
	}
	r.fresh.Store(true)
	r.settled.Store(true)
	return nil
}

// TakeNonce hands the nonce to a caller that records it itself, in the same
// transaction as the answer or the debit. From then on a replay is the
// caller's to refuse.
func (r *AuthenticRequest) TakeNonce() Nonce {
	r.settled.Store(true)
	return r.nonce
}

// An AuthorizedPayment is a payment request that its mandate and its order or
// bill authorise, as far as signed words decide. The zero value is for no
// amount and its Decision denies.
//
// An instant payment (ScenarioINS) has no mandate: Issuer, DelegationID,
// Delegator and PayloadDigest are empty and Total is not valid. Nothing but the
// principal's confirmation of this one payment authorises it to move money
// (PSD-PAY-INS-03).
//
// What the provider's ledger must still hold, in the transaction of the debit:
// PayloadDigest pinned for (Issuer, DelegationID), the sum of its own
// successful payments by this mandate and Amount within Total (PSD-PAY-DEL-07),
// (Payee, OrderNumber) paid once, the payment token valid, of this Agent and
// of the principal Delegator (PSD-PAY-DEL-09), and the balance. With a
// sub-account (SubAccount reports true) in place of the token: that it is of
// this Agent and Delegator and is available, VerifySubAccount by its registered
// key, and that both still hold at the debit (PSD-AGT-SUB-04, PSD-PAY-DEL-08).
type AuthorizedPayment struct {
	request  payment.Request
	mandate  *Mandate
	key      keys.PublicKey
	terms    terms
	sub      *payment.UnverifiedSubAccountAuthorization
	decision protocol.Decision
}

// Request returns the payment request.
func (p *AuthorizedPayment) Request() payment.Request { return p.request }

// Decision returns every check that was made, from the form of the request to
// the mandate's semantic boundaries.
func (p *AuthorizedPayment) Decision() protocol.Decision { return p.decision }

// Agent is the DID of the agent that pays.
func (p *AuthorizedPayment) Agent() string { return p.request.BuyerAgentID }

// Payee is the DID of the merchant that signed the order or bill.
func (p *AuthorizedPayment) Payee() string { return p.request.MerchantID }

// OrderNumber is the merchant's number of the order; unique with Payee.
func (p *AuthorizedPayment) OrderNumber() string { return p.request.MerchantOrderID }

// Amount is what the order and the request agree on.
func (p *AuthorizedPayment) Amount() money.Amount { return p.request.Amount }

// PaymentToken is the instrument to debit, unchecked; "" when it is a
// sub-account.
func (p *AuthorizedPayment) PaymentToken() string { return p.request.PaymentToken }

// SubAccount is the id of the sub-account to debit, and whether the payment is
// from one. Nothing is known of the sub-account, and its authorization is for
// this transmission but not verified: see VerifySubAccount.
func (p *AuthorizedPayment) SubAccount() (id string, ok bool) {
	return p.request.SubAccountID, p.sub != nil
}

// VerifySubAccount checks that key, which the provider registered when the
// sub-account was opened, authorised this transmission (PSD-AGT-SUB-04), and
// that it is not the key by which the agent signs its requests. Every failure
// is subaccount_key_invalid (PSD-AGT-SUB-05). It fails for a payment from no
// sub-account.
func (p *AuthorizedPayment) VerifySubAccount(key keys.PublicKey) error {
	const requirement, field = "PSD-AGT-SUB-04", "subaccount_authorization"
	switch {
	case p.sub == nil:
		return protocol.New(protocol.CodeSubAccountKey, field, requirement, "the payment is from no sub-account")
	case key.IsZero() || key.Equal(p.key):
		return protocol.New(protocol.CodeSubAccountKey, field, requirement, "not a key of a sub-account")
	}
	if err := p.sub.Verify(key); err != nil {
		return protocol.Wrap(protocol.CodeSubAccountKey, field, requirement, "", err)
	}
	return nil
}

// Issuer is the DID of the mandate's issuer.
func (p *AuthorizedPayment) Issuer() string { return p.claims().Issuer }

// DelegationID is the mandate's id, unique with Issuer.
func (p *AuthorizedPayment) DelegationID() string { return p.claims().ID }

// IntentID is the intent that the mandate or, where that does not show one, the
// order names; "" when neither does.
func (p *AuthorizedPayment) IntentID() string {
	if a := p.claims().Authorization; a != nil && a.IntentID != "" {
		return a.IntentID
	}
	return p.terms.intentID
}

// Delegator is the principal, whom the payment token must belong to.
func (p *AuthorizedPayment) Delegator() string {
	if a := p.claims().Authorization; a != nil {
		return a.DelegatorIdentity
	}
	return ""
}

// PayloadDigest is what the ledger pins for (Issuer, DelegationID).
func (p *AuthorizedPayment) PayloadDigest() canon.Digest {
	if p.mandate == nil {
		return ""
	}
	return p.mandate.PayloadDigest()
}

// Total is the most that may be spent by the mandate in all.
func (p *AuthorizedPayment) Total() money.Amount {
	if p.mandate == nil {
		return money.Amount{}
	}
	return p.mandate.Bounds().Total()
}

// Expires is the end of the mandate (if any), the order's lock or the bill,
// whichever is first: a debit after it is not authorised by this decision. An answer by
// status list is moreover no older than a minute at the time of Authorize.
func (p *AuthorizedPayment) Expires() time.Time { return p.terms.expires }

// ProofClaims returns the claims of the payment proof that this payment earns,
// without the provider's own: ID, IssuedAt, Expires and TradeNo.
func (p *AuthorizedPayment) ProofClaims() payment.ProofClaims {
	return payment.ProofClaims{
		PSPID: p.request.PSPID, MerchantID: p.request.MerchantID,
		OutTradeNo: p.request.MerchantOrderID, ResourceID: p.terms.resourceID, Amount: p.request.Amount,
		Payer: p.request.BuyerAgentID, MethodID: p.terms.methodID, RequestMethod: p.terms.requestMethod,
		RequestFingerprint: p.terms.fingerprint, IdempotencyKey: p.terms.idempotencyKey,
		Thumbprint: p.key.Thumbprint(),
	}
}

func (p *AuthorizedPayment) claims() *delegation.Claims {
	if p.mandate == nil || p.mandate.core == nil {
		return new(delegation.Claims)
	}
	return &p.mandate.core.claims
}
