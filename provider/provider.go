package provider

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

// A Provider answers the messages of agents and merchants (SPEC.md 6.1, 6.3,
// 6.8). It keeps nothing itself and is safe for concurrent use.
type Provider struct {
	config   Config
	expect   verifier.PaymentExpectation
	document *identity.Document
}

// New checks the configuration and returns a Provider.
func New(c Config) (*Provider, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.ProofLife == 0 {
		c.ProofLife = DefaultProofLife
	}
	if c.TimeToConfirm == 0 {
		c.TimeToConfirm = DefaultTimeToConfirm
	}
	if c.TimeToBind == 0 {
		c.TimeToBind = DefaultTimeToBind
	}
	if c.Decided == nil {
		c.Decided = func(Verdict) {}
	}
	if c.Answered == nil {
		c.Answered = func(context.Context, string, error) {}
	}
	p := &Provider{config: c, document: c.Document, expect: verifier.PaymentExpectation{PSP: c.Signer.DID(), Instant: c.Cashier != nil}}
	if p.document == nil {
		id, err := identity.ParseDID(c.Signer.DID())
		if err != nil {
			return nil, protocol.In(err, "Signer")
		}
		p.document = &identity.Document{ID: id, Keys: []identity.Key{{ID: c.Signer.KeyID(), Public: c.Signer.Public(), Purpose: keys.Proof}}}
	}
	return p, nil
}

// ID is the provider's DID.
func (p *Provider) ID() string { return p.expect.PSP }

// An Answer is what goes back to the caller: a signed message, and the status
// of HTTP that goes with it, 200, or 202 for a payment that waits for its
// principal.
type Answer struct {
	Body   []byte
	Status int
}

// Pay answers a payment request. Its checks are made in this order
// (PSD-PAY-DEL-04, PSD-PAY-AUP-03, PSD-PAY-INS-01), and whatever fails stops
// before the next line:
//
//   - form, the agent's key and signature, the recipient;
//   - the nonce and, for a request that is known, its first answer;
//   - time of sending, mandate, order or bill, boundaries; together, and the
//     code that wins is reported;
//   - the sub-account's key, when there is one (PSD-AGT-SUB-04), or, for an
//     instant payment, that the payment token is this agent's;
//   - Config.Risk;
//   - the ledger, in the transaction of the debit: mandate pinned, cumulative
//     limit, order unpaid, payee, token or sub-account with its limits,
//     balance; or, for an instant payment, the same without the balance, and
//     then Config.Cashier.
//
// A caller that hangs up changes nothing: from the signature on the request is
// decided, and a query will find the answer.
//
// A refusal that was stored is a *payment.Refusal; every other error speaks of
// this transmission only.
func (p *Provider) Pay(ctx context.Context, body []byte) (Answer, error) {
	authentic, err := p.config.Verifier.PaymentRequest(ctx, body, p.expect)
	if err != nil {
		return Answer{}, err // a stranger: nothing of it is kept
	}
	c := &call{Provider: p, ctx: context.WithoutCancel(ctx), request: requestOf(authentic), q: authentic.Request()}
	first, err := p.config.Ledger.Lookup(c.ctx, c.request)
	if first != nil || err != nil {
		return c.repeat(first, err)
	}
	authorized, err := authentic.Authorize(c.ctx)
	if err != nil {
		return c.refuse(err)
	}
	d := authorized.Decision()
	if err := c.subAccount(authorized, &d); err != nil {
		return c.refuse(err)
	}
	if err := c.known(&d); err != nil {
		return c.refuse(err)
	}
	if err := c.risk(authorized, &d); err != nil {
		return c.refuse(err)
	}
	return c.decide(authorized, d)
}

// requestOf takes the nonce over from the verifier: the ledger uses it in the
// transaction that stores the answer.
func requestOf(r *verifier.AuthenticRequest) Request {
	q := r.Request()
	return Request{Agent: q.BuyerAgentID, ID: q.RequestID, Digest: r.ContentDigest(), Nonce: r.TakeNonce()}
}

// A call is one transmission of a payment request.
type call struct {
	*Provider
	ctx     context.Context // does not end with the caller
	request Request
	q       payment.Request
	subKey  string // thumbprint of the key that authorised a payment from a sub-account
}

// repeat answers a request that is known already: a replay, a conflict, or the
// first answer. All but the replay are a transmission whose nonce is now used.
func (c *call) repeat(first *Trade, err error) (Answer, error) {
	if code := protocol.CodeOf(err); err != nil && (code == protocol.CodeReplayed || errors.Is(err, protocol.ErrUndetermined)) {
		return Answer{}, err
	}
	if err := c.config.Ledger.UseNonce(c.ctx, c.request.Nonce); err != nil {
		return Answer{}, err
	}
	if err != nil {
		return Answer{}, err
	}
	return c.answer(c.ctx, first, payment.StateWaitSellerFulfillment)
}

// refuse answers what was refused before the ledger judged, and stores it as
// the first answer when it is one, and not a stranger's.
func (c *call) refuse(cause error) (Answer, error) {
	refusal := protocol.AsError(cause)
	if !payment.Final(refusal.Code) || c.known(new(protocol.Decision)) != nil {
		if err := c.config.Ledger.UseNonce(c.ctx, c.request.Nonce); err != nil {
			return Answer{}, err
		}
		c.refused(refusal)
		return Answer{}, refusal
	}
	first, err := made(c.config.Ledger.Refuse(c.ctx, c.request, refusal))
	if err == nil { // another transmission was faster, and paid
		return c.answer(c.ctx, first, payment.StateWaitSellerFulfillment)
	}
	if protocol.CodeOf(err) == refusal.Code {
		c.refused(refusal)
	}
	return Answer{}, err
}

// refused tells of a refusal.
func (c *call) refused(e *protocol.Error) {
	c.config.Decided(Verdict{Agent: c.request.Agent, RequestID: c.request.ID, Scenario: c.q.Scenario, Decision: decisionOf(e)})
}

// subAccount verifies the authorization by the key that was registered. What
// else is wrong with a sub-account whose key does not hold is said too, as far
// as it is the agent's own; the ledger judges all of it again.
func (c *call) subAccount(a *verifier.AuthorizedPayment, d *protocol.Decision) error {
	const requirement, name = "PSD-AGT-SUB-04", "authorized by the sub-account's key"
	id, ok := a.SubAccount()
	if !ok {
		return nil
	}
	s, err := c.config.Ledger.SubAccount(c.ctx, id)
	if err != nil {
		d.Record("PSD-AGT-SUB-05", "sub-account opened", err)
		return d.Err()
	}
	invalid := a.VerifySubAccount(s.Key)
	if invalid == nil {
		d.Pass(requirement, name)
		c.subKey = s.Key.Thumbprint()
		return nil
	}
	if d.Require(s.Agent == a.Agent(), protocol.CodeInstrumentMismatch, requirement, "sub-account of this agent", "subaccount_id", "") {
		d.Require(s.Principal == a.Delegator(), protocol.CodePrincipalMismatch, "PSD-PAY-DEL-09", "sub-account of this principal", "subaccount_id", "")
		judgeState(d, s.State)
		d.Record(requirement, name, invalid)
	}
	return d.Err()
}

// known tells whether somebody has vouched for the sender: the issuer of a
// mandate, or the principal who bound the payment token of an instant payment.
// Nothing is kept of others, or anybody with a DID could fill the book.
func (c *call) known(d *protocol.Decision) error {
	const requirement, field = "PSD-PMT-BND-04", "payment_token"
	if c.q.Scenario != payment.ScenarioINS {
		return nil
	}
	f, err := c.config.Ledger.Instrument(c.ctx, Instrument{Agent: c.request.Agent, Token: c.q.PaymentToken})
	if err != nil {
		d.Record(requirement, "payment token known", own(err))
		return d.Err()
	}
	if d.Require(f.Token != nil, protocol.CodeInstrumentInvalid, requirement, "payment token known", field, "unknown") {
		d.Require(f.Token.Agent == c.request.Agent, protocol.CodeInstrumentMismatch, requirement, "payment token of this agent", field, "")
	}
	return d.Err()
}

// risk asks the provider's risk control.
func (c *call) risk(a *verifier.AuthorizedPayment, d *protocol.Decision) error {
	if c.config.Risk == nil {
		return nil
	}
	const requirement, name = "PSD-PAY-AUP-03", "risk control"
	err := c.config.Risk(c.ctx, a)
	if e := protocol.AsError(err); e != nil {
		code := e.Code
		if code.Outcome() == protocol.Denied {
			code = protocol.CodeRiskRefused
		}
		err = protocol.New(code, "", requirement, "") // the reason is nobody else's business
	}
	d.Record(requirement, name, err)
	return d.Err()
}

// decide lets the ledger make the payment, or begin it.
func (c *call) decide(a *verifier.AuthorizedPayment, d protocol.Decision) (Answer, error) {
	// The ledger uses the nonce before it judges: what it decides had a fresh one.
	d.Pass("PSD-PAY-DEL-04", "nonce is fresh")
	m, err := c.payment(a, d)
	if err != nil {
		return c.refuse(err)
	}
	do := c.config.Ledger.Pay
	if m.Instant() {
		do = c.config.Ledger.Begin
	}
	trade, err := made(do(c.ctx, m))
	var refused *payment.Refusal
	switch {
	case err == nil && trade.Decision.Allowed(): // made now, not by a transmission that was faster
		c.config.Decided(verdictOf(trade))
	case errors.As(err, &refused), protocol.CodeOf(err) == protocol.CodeSubAccountKey:
		c.refused(protocol.AsError(err))
	}
	if err != nil {
		return Answer{}, err
	}
	return c.answer(c.ctx, trade, payment.StateWaitSellerFulfillment)
}

// payment is what the ledger has to know.
func (c *call) payment(a *verifier.AuthorizedPayment, d protocol.Decision) (Payment, error) {
	memo, err := c.memo(a)
	if err != nil {
		return Payment{}, err
	}
	m := Payment{
		Request: c.request, Scenario: c.q.Scenario, Method: c.q.PaymentMethod, Token: a.PaymentToken(),
		Payee: a.Payee(), Order: a.OrderNumber(), Expires: a.Expires(),
		Amount: a.Amount().Minor(), Currency: a.Amount().Currency().Code(), Memo: memo, Made: d,
	}
	if c.q.Scenario == payment.ScenarioINS {
		if until := c.config.Now().Add(c.config.TimeToConfirm); until.Before(m.Expires) {
			m.Expires = until
		}
		m.Expires = m.Expires.UTC().Truncate(time.Second) // what the agent is told is what holds
		return m, nil
	}
	m.Mandate = Mandate{
		Issuer: a.Issuer(), DelegationID: a.DelegationID(), Digest: a.PayloadDigest(), Delegator: a.Delegator(), Total: a.Total().Minor(),
	}
	if id, ok := a.SubAccount(); ok {
		m.SubAccount, m.SubAccountKey = id, c.subKey
	}
	return m, nil
}

// made makes an error of a trade that a ledger should have returned.
func made(t *Trade, err error) (*Trade, error) {
	if t == nil && err == nil {
		err = protocol.New(protocol.CodeServiceUnavailable, "", "", "the ledger returned no trade")
	}
	return t, err
}

func verdictOf(t *Trade) Verdict {
	return Verdict{Agent: t.Agent, RequestID: t.RequestID, Scenario: t.Scenario, Trade: t, Decision: t.Decision}
}

// decisionOf makes a decision of an error: its checks, or the error as the one
// check.
func decisionOf(e *protocol.Error) (d protocol.Decision) {
	for _, c := range e.Checks {
		if c.Outcome == protocol.Allowed {
			d.Pass(c.Requirement, c.Name)
		} else {
			d.Fail(c.Code, c.Requirement, c.Name, c.Field, c.Detail)
		}
	}
	if len(e.Checks) == 0 {
		d.Fail(e.Code, e.Requirement, "payment", e.Field, e.Detail)
	}
	return d
}

// answer is the signed answer that a trade is: that it waits, or the result in
// the given state.
func (p *Provider) answer(ctx context.Context, t *Trade, state payment.State) (Answer, error) {
	if t.Waiting() {
		body, err := p.pending(ctx, t)
		return Answer{body, http.StatusAccepted}, err
	}
	body, err := p.result(t, state)
	return Answer{body, http.StatusOK}, err
}

// Query answers what became of a payment request (PSD-PAY-A402-23): the result
// with the state that the trade has now, that it waits, or the refusal it got.
func (p *Provider) Query(ctx context.Context, body []byte) (Answer, error) {
	q, err := p.config.Verifier.Query(ctx, body, p.expect)
	if err != nil {
		return Answer{}, err
	}
	trade, err := made(p.config.Ledger.Query(ctx, q.Value().BuyerAgentID, q.Value().PaymentRequestID))
	if err != nil {
		return Answer{}, err
	}
	return p.answer(ctx, trade, trade.State)
}

// Confirm pays a waiting trade: for the cashier, when the principal has been
// verified and has confirmed this one payment (PSD-PAY-INS-03). Verifying, and
// that it is the trade's Principal, is the caller's. The money is in the book
// when it returns. A *payment.Refusal says that it came too late, or what the
// ledger refused; nothing has moved then.
func (p *Provider) Confirm(ctx context.Context, tradeNo string, c Confirmation) (*Trade, error) {
	trade, err := made(p.config.Ledger.Settle(context.WithoutCancel(ctx), tradeNo, c))
	if err != nil {
		var refused *payment.Refusal
		if errors.As(err, &refused) {
			p.closed(ctx, tradeNo, refused.Reason)
		}
		return nil, err
	}
	if trade.Decision.Allowed() {
		p.config.Decided(verdictOf(trade))
	}
	return trade, nil
}

// Decline ends a waiting trade for good, and nothing is paid: for the cashier,
// when the principal cancels or could not be verified (confirmation_failed;
// PSD-PAY-INS-04), when risk control steps in (risk_refused), or when the money
// cannot be moved (execution_failed). A trade that has been paid is
// state_conflict.
func (p *Provider) Decline(ctx context.Context, tradeNo string, code protocol.Code) error {
	err := p.config.Ledger.Decline(context.WithoutCancel(ctx), tradeNo, code)
	if err == nil {
		p.closed(ctx, tradeNo, Declined(code))
	}
	return err
}

// closed tells that a trade was closed. Whoever closes it twice is told twice.
func (p *Provider) closed(ctx context.Context, tradeNo string, reason *protocol.Error) {
	trade, err := made(p.config.Ledger.Trade(context.WithoutCancel(ctx), tradeNo))
	if err == nil {
		v := verdictOf(trade)
		v.Decision = decisionOf(reason)
		p.config.Decided(v)
	}
}
