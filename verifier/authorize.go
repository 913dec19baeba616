package verifier

import (
	"context"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

// terms are what a merchant signed, from an order or a bill: the facts that a
// mandate's boundaries are judged by, and what a proof repeats.
type terms struct {
	categories     []string
	deliverBy      time.Time
	expires        time.Time
	intentID       string // of an order only
	methodID       string
	resourceID     string
	requestMethod  string
	fingerprint    canon.Digest
	idempotencyKey string
}

// Authorize decides whether what was signed authorises the payment. In DEL and
// AUP that is: time of sending, mandate (PSD-PAY-DEL-05), its holder's key, mode
// (PSD-PAY-DEL-12, PSD-PAY-AUP-01), order or bill, the financial and semantic
// boundaries (PSD-PAY-DEL-06, -04, PSD-PAY-AUP-03), and the claims of a
// sub-account's authorization (PSD-AGT-SUB-04). Once the mandate itself holds,
// all the rest is judged and listed, and the code that wins by precedence is
// reported. In INS there is no mandate: time of sending, whether there is a
// cashier, and order or bill (PSD-PAY-INS-01, -05); the principal's word is
// still to come.
//
// It fails with field_missing when neither UseNonce has succeeded nor
// TakeNonce been called: replay comes first. A failure that is undetermined
// must not be stored as the answer to this request_id.
//
// It does not hold the total of the mandate, and knows nothing of the
// instrument; see AuthorizedPayment for what remains.
func (r *AuthenticRequest) Authorize(ctx context.Context) (*AuthorizedPayment, error) {
	if r == nil || r.v == nil || !r.settled.Load() {
		return nil, protocol.New(protocol.CodeFieldMissing, "nonce", "PSD-PAY-DEL-04", "the nonce must be used before the mandate is looked at")
	}
	_, order := rules(r.request.Scenario)
	d := r.checks
	if r.fresh.Load() { // otherwise its caller's to record
		d.Pass(order, "nonce is fresh")
	}
	if !d.Record(order, "time of sending", checkTimestamp(r.request.Timestamp, r.v.now(), order)) {
		return nil, d.Err()
	}
	p := &AuthorizedPayment{request: r.request, key: r.key}
	switch r.request.Scenario {
	case payment.ScenarioINS:
		r.authorizeInstant(ctx, p, &d)
	default:
		r.authorizeDelegated(ctx, p, &d)
	}
	if err := d.Err(); err != nil {
		return nil, err
	}
	p.decision = d
	return p, nil
}

// authorizeInstant judges what is signed of an instant payment. A provider
// without a cashier has nobody who could let money move.
func (r *AuthenticRequest) authorizeInstant(ctx context.Context, p *AuthorizedPayment, d *protocol.Decision) {
	if !d.Require(r.instant, protocol.CodeMethodNotAllowed, "PSD-PAY-INS-03", "provider has a cashier", "scenario", "this provider takes no instant payments") {
		return
	}
	p.terms = r.v.terms(ctx, r.request, d)
}

// authorizeDelegated judges mandate, order or bill, and boundaries.
func (r *AuthenticRequest) authorizeDelegated(ctx context.Context, p *AuthorizedPayment, d *protocol.Decision) {
	mandate, err := r.v.Mandate(ctx, []byte(r.request.IAC), r.expectation())
	if err != nil {
		appendChecks(d, "mandate", err)
		return
	}
	d.Append(mandate.checks)
	c := &mandate.core.claims
	d.Require(c.ID == r.request.DelegationID, protocol.CodeClaimsConflict, "PSD-PAY-DEL-03", "delegation id", "delegation_id", "not the id of the mandate")
	d.Require(c.Holder.Equal(r.key), protocol.CodeAgentMismatch, "PSD-PAY-DEL-05", "holder's key signed the request", "cnf.jwk", "signed by another key than the mandate's holder's")
	checkMode(r.request.Scenario, mandate.core.bounds.Mode(), d)

	merchant := r.v.terms(ctx, r.request, d)
	if merchant.intentID != "" && c.Authorization.IntentID != "" {
		d.Require(merchant.intentID == c.Authorization.IntentID, protocol.CodeOrderMismatch, "PSD-PAY-AUP-03", "original intent", "order.intent_id", "made for another intent")
	}
	d.Append(mandate.core.bounds.Decide(delegation.RolePSP, delegation.Purchase{
		At: r.v.now(), Amount: r.request.Amount, Merchant: r.request.MerchantID, Method: r.request.PaymentMethod,
		Categories: merchant.categories, DeliverBy: merchant.deliverBy,
	}, nil))
	p.sub = r.subAccount(d)
	if c.Expires.Before(merchant.expires) {
		merchant.expires = c.Expires
	}
	p.mandate, p.terms = mandate, merchant
}

// subAccount judges what the authorization of a sub-account says: by whom, of
// which account, to whom, for this very transmission, and now. By which key is
// the ledger's to know. It is nil for a payment from no sub-account.
func (r *AuthenticRequest) subAccount(d *protocol.Decision) *payment.UnverifiedSubAccountAuthorization {
	const requirement, field = "PSD-AGT-SUB-04", "subaccount_authorization"
	if r.request.SubAccountID == "" {
		return nil
	}
	u, err := payment.ParseSubAccountAuthorization(r.request.SubAccountAuthorization)
	if !d.Record(requirement, "form of the sub-account's authorization", protocol.In(err, field)) {
		return nil
	}
	a, now := u.Authorization, r.v.now()
	check := func(ok bool, code protocol.Code, name, member, detail string) {
		d.Require(ok, code, requirement, name, field+"."+member, detail)
	}
	check(u.KeyID() != r.keyID, protocol.CodeKeyPurpose, "another key than the request's", "header.kid", "the key of the request is not the sub-account's")
	check(a.AgentID == r.request.BuyerAgentID, protocol.CodeAgentMismatch, "authorized by the agent", "iss", "made by another agent")
	check(a.SubAccountID == r.request.SubAccountID, protocol.CodeClaimsConflict, "authorized for the sub-account", "sub", "not the sub-account of the request")
	check(a.PSPID == r.request.PSPID, protocol.CodeAudienceMismatch, "authorized for this provider", "aud", "made for another provider")
	check(a.RequestDigest == r.message.AuthorizedDigest(), protocol.CodeClaimsConflict, "authorized this transmission", "request_digest", "made for another request or transmission")
	check(!a.IssuedAt.After(now.Add(clockSkew)), protocol.CodeRequestExpired, "authorized in the past", "iat", "issued in the future")
	check(now.Before(a.Expires), protocol.CodeRequestExpired, "authorization not over", "exp", "its time is over")
	return u
}

// expectation of the mandate. With selective disclosure it is bound to this
// request by its holder; in the other form the signature of the request is what
// shows the holder, here as there.
func (r *AuthenticRequest) expectation() MandateExpectation {
	e := MandateExpectation{Agent: r.request.BuyerAgentID, Audience: r.request.PSPID}
	if strings.Contains(r.request.IAC, "~") { // sdjwt.IsPresentation, without a copy
		e.Presented = &Presentation{Audience: r.request.PSPID, Nonce: r.message.BindingNonce()}
	}
	return e
}

// appendChecks takes the checks of a failed step over, or makes one of an
// error that has none.
func appendChecks(d *protocol.Decision, name string, err error) {
	e := protocol.AsError(err)
	if len(e.Checks) == 0 {
		d.Record(e.Requirement, name, e)
		return
	}
	for _, c := range e.Checks {
		if c.Outcome == protocol.Allowed {
			d.Pass(c.Requirement, c.Name)
		} else {
			d.Fail(c.Code, c.Requirement, c.Name, c.Field, c.Detail)
		}
	}
}

// checkMode: directed payment needs a SPECIFIED mandate and autonomous payment
// a BOUNDED one.
func checkMode(s payment.Scenario, m delegation.Mode, d *protocol.Decision) {
	const name, field = "mode fits the scenario", "delegation_mode"
	if m == "" {
		d.Fail(protocol.CodeConstraintWithheld, "PSD-PAY-DEL-05", name, field, "named in the mandate and not shown")
		return
	}
	switch s {
	case payment.ScenarioDEL:
		d.Require(m == delegation.Specified, protocol.CodeModeMismatch, "PSD-PAY-DEL-12", name, field, "directed payment needs SPECIFIED")
	case payment.ScenarioAUP:
		d.Require(m == delegation.Bounded, protocol.CodeModeMismatch, "PSD-PAY-AUP-01", name, field, "autonomous payment needs BOUNDED")
	default:
		d.Fail(protocol.CodeFieldInvalid, "PSD-PAY-DEL-05", name, "scenario", "DEL or AUP")
	}
}

// terms verifies the order or bill of a payment request. When d denies
// afterwards the result is empty: unsigned words are no facts.
func (v *Verifier) terms(ctx context.Context, q payment.Request, d *protocol.Decision) terms {
	var own protocol.Decision
	var t terms
	if q.Order != "" {
		t = v.orderTerms(ctx, q, &own)
	} else {
		t = v.billTerms(ctx, q, &own)
	}
	d.Append(own)
	if !own.Allowed() {
		return terms{}
	}
	return t
}

func (v *Verifier) orderTerms(ctx context.Context, q payment.Request, d *protocol.Decision) terms {
	u, err := commerce.ParseOrder([]byte(q.Order))
	if !d.Record("CID-CART-CFM-05", "form of the order", protocol.In(err, "order")) {
		return terms{}
	}
	o := u.Order
	if _, ok := v.authenticate(ctx, u, o.MerchantID, keys.Seller, "CID-CART-CFM-04", d); !ok {
		return terms{}
	}
	agree(d, q, agreement{
		payee: o.MerchantID, number: o.MerchantOrderID, amount: o.Amount,
		buyer: o.BuyerAgentID, psp: o.PSPID, method: o.PaymentMethod,
	})
	// An order may leave the mandate out; one that names another was made for
	// another purchase. An instant payment has none to name.
	mandate, other := "order made for the mandate", "made for another mandate"
	if q.Scenario == payment.ScenarioINS {
		mandate, other = "order made under no mandate", "made under a mandate"
	}
	d.Require(o.DelegationID == "" || o.DelegationID == q.DelegationID, protocol.CodeOrderMismatch, "CID-CART-CFM-05", mandate, "order.delegation_id", other)
	checkLock(o, v.now(), d)
	methodID, err := payment.MethodID(o.PaymentMethod)
	d.Record("PSD-PAY-A402-17", "payment method has an identifier", err)
	return terms{
		categories: o.Categories(), deliverBy: o.DeliverBy, expires: o.Expires, intentID: o.IntentID,
		methodID: methodID, resourceID: o.MerchantOrderID,
	}
}

func (v *Verifier) billTerms(ctx context.Context, q payment.Request, d *protocol.Decision) terms {
	u, err := payment.ParseBill(q.Bill)
	if err == nil {
		err = u.CheckProfile()
	}
	if !d.Record("PSD-PAY-A402-20", "form of the bill", protocol.In(err, "bill")) {
		return terms{}
	}
	b := u.Bill
	if _, ok := v.authenticate(ctx, u, b.SellerID, keys.Seller, "PSD-PAY-A402-20", d); !ok {
		return terms{}
	}
	now := v.now()
	urn, err := payment.MethodURN(b.MethodID)
	d.Record("PSD-PAY-A402-17", "payment method has an identifier", err)
	buyer := b.BuyerID
	if buyer == "" { // a bill for anybody
		buyer = q.BuyerAgentID
	}
	agree(d, q, agreement{payee: b.SellerID, number: b.OutTradeNo, amount: b.Amount, buyer: buyer, psp: b.PSPID, method: urn})
	d.Require(now.Before(b.PayBefore), protocol.CodeOrderExpired, "PSD-PAY-A402-18", "bill still open", "bill.pay_before", "the time to pay has passed")
	return terms{
		categories: []string{b.Category}, deliverBy: now, expires: b.PayBefore, methodID: b.MethodID, resourceID: b.ResourceID,
		requestMethod: b.RequestMethod, fingerprint: b.RequestFingerprint, idempotencyKey: b.IdempotencyKey,
	}
}

// agreement is what a signed order or bill says of the payment.
type agreement struct {
	payee, number, buyer, psp, method string
	amount                            money.Amount
}

// agree compares it with the request (CID-CART-CFM-05).
func agree(d *protocol.Decision, q payment.Request, a agreement) {
	requirement := "CID-CART-CFM-05"
	if q.Scenario == payment.ScenarioINS {
		requirement = "PSD-PAY-INS-05"
	}
	d.Require(a.payee == q.MerchantID, protocol.CodeOrderMismatch, requirement, "payee", "merchant_id", "not the merchant that signed")
	d.Require(a.number == q.MerchantOrderID, protocol.CodeOrderMismatch, requirement, "order number", "merchant_order_id", "not the number of the order")
	d.Require(a.amount.Valid() && a.amount == q.Amount, protocol.CodeOrderMismatch, requirement, "amount and currency", "amount", "not the amount of the order")
	d.Require(a.buyer == q.BuyerAgentID, protocol.CodeAgentMismatch, requirement, "buyer", "buyer_agent_id", "made for another agent")
	d.Require(a.psp == q.PSPID, protocol.CodeAudienceMismatch, requirement, "provider of the order", "psp_id", "to be paid through another provider")
	d.Require(a.method == q.PaymentMethod, protocol.CodeOrderMismatch, requirement, "payment method of the order", "payment_method", "not the method of the order")
}
