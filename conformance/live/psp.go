package live

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

// pspChecks are the checks of a payment service provider.
func pspChecks() []Check {
	return slices.Concat(
		pspPayChecks(), pspMessageChecks(), pspReplayChecks(), pspIdempotencyChecks(), pspMandateChecks(), pspStatusChecks(), pspBoundChecks(), pspOrderChecks(),
		pspLimitChecks(), pspTokenChecks(), pspSubAccountChecks(), pspPurseChecks(), pspInstantChecks(), pspProofChecks(), pspFulfilmentChecks(), pspQueryChecks(), pspInstrumentChecks(), pspRefundChecks(),
		pspNotificationChecks(), pspBindingChecks(), pspAskedChecks(), pspHTTPChecks(),
	)
}

// A payer is a principal with an account, an agent, and what the agent holds.
type payer struct {
	principal string
	agent     *party
	issuer    *party
	list      *list
	token     string // payment token; "" of a payer with a sub-account
	claims    delegation.Claims
	iac       string // the mandate

	subaccount string
	subKey     *keys.Signer
}

// minutes is how long what the suite signs is good for.
const minutes = 10 * time.Minute

func (p *probe) issuer() *party { return p.known("issuer", keys.IssueAuthorization, keys.Status) }

// merchant is the suite's merchant, with an account at the provider.
func (p *probe) merchant() *party {
	m := p.known("merchant", keys.Seller)
	if p.can("open_merchant") {
		_, ok := first(p.world, "merchant", func() bool {
			p.act("open_merchant", "merchant", m.did, "currency", p.scenario.currency())
			return true
		})
		if !ok {
			p.fault("action open_merchant", errors.New("it failed before"))
		}
	} else if !p.scenario.PSP.Prepared {
		p.skip("the scenario has neither an action open_merchant nor a merchant that was prepared")
	}
	return m
}

// anotherMerchant is one that nobody has paid, with an account.
func (p *probe) anotherMerchant() *party {
	m := p.fresh("merchant", keys.Seller)
	p.act("open_merchant", "merchant", m.did, "currency", p.scenario.currency())
	return m
}

// payer returns a payer for a check that does not depend on how much there is.
func (p *probe) payer() *payer {
	if !p.can("open_principal", "deposit", "bind_token") && p.scenario.PSP.PaymentToken != "" {
		y := &payer{principal: p.scenario.PSP.Principal, agent: p.known("agent", keys.AgentRequest), issuer: p.issuer(), token: p.scenario.PSP.PaymentToken}
		y.list = p.newList(y.issuer)
		p.grant(y, nil)
		return y
	}
	return p.payerWith("1000.00")
}

// payerWith returns a new payer with exactly these funds.
func (p *probe) payerWith(funds string) *payer {
	y := p.account(funds)
	y.token = p.bind(y)
	return y
}

// account opens an account for a new principal, who has an agent and no
// instrument.
func (p *probe) account(funds string) *payer {
	did, err := identity.NewActDID(p.scenario.Site.Host, fmt.Sprintf("principal-%s-%d", p.run, p.number()))
	p.fault("making a name", err)
	y := &payer{principal: did.String(), agent: p.fresh("agent", keys.AgentRequest), issuer: p.issuer()}
	y.list = p.newList(y.issuer)
	p.act("open_principal", "principal", y.principal, "currency", p.scenario.currency(), "issuer", y.issuer.did)
	if funds != "" {
		p.act("deposit", "deposit_id", canon.UUID(), "principal", y.principal, "amount", funds, "currency", p.scenario.currency())
	}
	p.grant(y, nil)
	return y
}

// bind binds a payment token for the agent of a payer.
func (p *probe) bind(y *payer) string {
	return p.act("bind_token", "principal", y.principal, "agent", y.agent.did, "currency", p.scenario.currency(), "valid_until", p.later(24*time.Hour))["payment_token"]
}

func (p *probe) later(d time.Duration) string {
	return canon.FormatTime(time.Now().Add(d).Truncate(time.Second))
}

// grant gives the payer's agent a mandate of its own, SPECIFIED and for 1000.00 in
// all unless change says otherwise.
func (p *probe) grant(y *payer, change func(*delegation.Claims)) {
	now := time.Now().UTC().Truncate(time.Second)
	a := &delegation.Authorization{
		DelegationID: "urn:uuid:" + canon.UUID(), IntentID: "urn:uuid:" + canon.UUID(), DelegatorIdentity: y.principal, AgentID: y.agent.did,
		DelegationMode: delegation.Specified, ValidityStart: now.Add(-time.Minute), ValidityEnd: now.Add(time.Hour),
		MaxTotalAmount: "1000", Currency: p.scenario.currency(), AllowedPaymentMethods: []string{p.scenario.PSP.Method},
		UserConfirmationMethod: "BIOMETRIC", UserConfirmationTimestamp: now.Add(-time.Minute),
		Ext: &delegation.Ext{Commerce: &delegation.Commerce{AllowedCategories: []string{"food"}, AllowedMerchants: []string{p.merchant().did}}},
	}
	y.claims = delegation.NewClaims(a, y.issuer.did, p.scenario.PSP.ID, y.agent.signer(keys.AgentRequest).Public(), &delegation.StatusReference{Index: 7, URI: y.list.uri}, now)
	if change != nil {
		change(&y.claims)
	}
	a = y.claims.Authorization
	y.claims.NotBefore, y.claims.Expires, y.claims.ID = a.ValidityStart, a.ValidityEnd, a.DelegationID
	token, err := delegation.Issue(y.issuer.signer(keys.IssueAuthorization), y.claims)
	p.fault("the suite's mandate", err)
	y.iac = string(token)
}

// A purchase is a payment that is to be asked for: the order, and the message as
// it will be signed. A check changes what it is about.
type purchase struct {
	payer   *payer
	seller  *party
	order   commerce.Order
	message map[string]any
	signer  *keys.Signer
	id      string
}

// purchase makes a payment that is right in everything.
func (p *probe) purchase(y *payer, amount string) *purchase {
	return p.purchaseOf(y, p.merchant(), amount)
}

// purchaseFrom is purchase from another merchant, whom a new mandate allows.
func (p *probe) purchaseFrom(y *payer, seller *party, amount string) *purchase {
	p.grant(y, func(c *delegation.Claims) { c.Authorization.Ext.Commerce.AllowedMerchants = []string{seller.did} })
	return p.purchaseOf(y, seller, amount)
}

func (p *probe) purchaseOf(y *payer, seller *party, amount string) *purchase {
	now := time.Now().UTC().Truncate(time.Second)
	price := p.money(amount)
	b := &purchase{payer: y, seller: seller, signer: y.agent.signer(keys.AgentRequest), id: canon.UUID(), order: commerce.Order{
		MerchantID: seller.did, BuyerAgentID: y.agent.did, IssuedAt: now, Expires: now.Add(minutes), MerchantOrderID: "order-" + canon.UUID(),
		RequestID: canon.UUID(), IntentID: y.claims.Authorization.IntentID, DelegationID: y.claims.ID, PSPID: p.scenario.PSP.ID,
		PaymentMethod: p.scenario.PSP.Method, Amount: price, DeliverBy: now.Add(time.Hour),
		Items: []commerce.OrderLine{{ItemID: "latte", Name: "Latte", Category: "food/coffee", UnitPrice: price, Quantity: 1}},
	}}
	b.message = map[string]any{
		"scenario": "DEL", "request_id": b.id, "psp_id": p.scenario.PSP.ID, "buyer_agent_id": y.agent.did, "merchant_id": seller.did,
		"delegation_id": y.claims.ID, "iac": y.iac, "merchant_order_id": b.order.MerchantOrderID, "amount": amount, "currency": p.scenario.currency(),
		"payment_method": p.scenario.PSP.Method, "payment_token": y.token,
	}
	p.confirm(b, nil)
	return b
}

// confirm has the merchant sign the order, after a change.
func (p *probe) confirm(b *purchase, change func(*commerce.Order)) {
	if change != nil {
		change(&b.order)
	}
	token, err := commerce.SignOrder(b.seller.signer(keys.Seller), b.order)
	p.fault("the suite's order", err)
	b.message["order"] = string(token)
}

func (p *probe) money(decimal string) money.Amount {
	c, err := money.ParseCurrency(p.scenario.currency())
	p.fault("the currency of the scenario", err)
	a, err := money.Parse(decimal, c)
	p.fault("an amount of the suite's", err)
	return a
}

// transmit signs one transmission: with a fresh nonce and the time, unless the
// message has them.
func (p *probe) transmit(b *purchase) []byte {
	m := maps.Clone(b.message)
	if m["nonce"] == nil {
		m["nonce"] = canon.Nonce()
	}
	if m["timestamp"] == nil {
		m["timestamp"] = canon.FormatTime(time.Now())
	}
	if b.payer.subKey != nil && m["subaccount_authorization"] == nil {
		p.authorize(b, m, nil)
	}
	return p.sign(b.signer, keys.KindPaymentRequest, m)
}

// sign signs any message by SPEC.md 2.3, also one that no careful program would.
func (p *probe) sign(s *keys.Signer, kind string, message map[string]any) []byte {
	m := maps.Clone(message)
	set := func(name string, v any) {
		if _, there := m[name]; !there {
			m[name] = v
		}
	}
	set("signer_id", s.KeyID())
	set("signature_type", s.Public().Algorithm().SignatureType())
	set("signature_covered_fields", []string{})
	if list, ok := m["signature_covered_fields"].([]string); ok && len(list) == 0 {
		m["signature_covered_fields"] = slices.Sorted(maps.Keys(m))
	}
	canonical, err := canon.Marshal(m)
	p.fault("a message of the suite's", err)
	canonical, err = canon.Canonicalize(canonical)
	p.fault("a message of the suite's", err)
	sig, err := s.Sign(s.Purpose(), keys.Message(kind, canonical))
	p.fault("signing", err)
	m["signature"] = canon.EncodeBase64(sig)
	out, err := canon.Marshal(m)
	p.fault("a message of the suite's", err)
	return out
}

// pay sends a payment request and judges the answer.
func (p *probe) pay(b *purchase) conformance.Answer {
	a, _ := p.result(b, p.pspPost("/payments", p.transmit(b)))
	return a
}

// paid is pay where the payment has to succeed.
func (p *probe) paid(doing string, b *purchase) *payment.Result {
	a, r := p.result(b, p.pspPost("/payments", p.transmit(b)))
	p.expect(doing, a)
	return r
}

func (p *probe) pspPost(path string, body []byte) reply {
	return p.post(p.scenario.PSP.Endpoint+path, body)
}

// result judges an answer to a payment request: a refusal, or a result that is
// signed by the provider and says what the request said.
func (p *probe) result(b *purchase, r reply) (conformance.Answer, *payment.Result) {
	if r.err != nil || r.status != http.StatusOK {
		return r.refused(), nil
	}
	u, err := payment.ParseResult(bytes.TrimSpace(r.body))
	if err != nil {
		return unread(err), nil
	}
	if err := p.believe(u, u.Result.PaidAt); err != nil {
		return unread(err), nil
	}
	if err := p.fits(b, &u.Result); err != nil {
		return unread(err), nil
	}
	return accepted(), &u.Result
}

// A signed is what a provider has signed.
type signed interface {
	KeyID() string
	SignerDID() string
	Verify(key keys.PublicKey) error
}

// believe checks that the provider under test has signed, with a key of purpose
// proof that its document has.
func (p *probe) believe(u signed, at time.Time) error {
	if u.SignerDID() != p.scenario.PSP.ID {
		return protocol.New(protocol.CodeIssuerUntrusted, "signer_id", "PSD-PAY-INS-06", "the provider's own key")
	}
	document, ok := first(p.world, "document", func() *identity.Document {
		d, err := p.document(p.ctx, p.scenario.PSP.ID)
		if err != nil {
			return nil
		}
		return d
	})
	if !ok || document == nil {
		return protocol.New(protocol.CodeKeyUnavailable, "signer_id", "IDN-02", "the provider's DID document")
	}
	key, err := document.Key(u.KeyID(), keys.Proof, at)
	if err != nil {
		return err
	}
	return u.Verify(key)
}

// fits compares a result, and the proof inside, with the request.
func (p *probe) fits(b *purchase, r *payment.Result) error {
	text := func(name string) string { s, _ := b.message[name].(string); return s }
	amount := r.Amount.String() // of a request that should not have been taken there may be none to compare with
	if a, err := money.Parse(text("amount"), r.Amount.Currency()); err == nil {
		amount = a.String()
	}
	for _, twin := range [][2]string{
		{r.RequestID, text("request_id")}, {r.MerchantOrderID, text("merchant_order_id")}, {r.PSPID, text("psp_id")}, {r.BuyerAgentID, text("buyer_agent_id")},
		{r.MerchantID, text("merchant_id")}, {r.DelegationID, text("delegation_id")}, {string(r.Scenario), text("scenario")},
		{r.Amount.String(), amount}, {r.Amount.Currency().Code(), text("currency")},
	} {
		if twin[0] != twin[1] {
			return protocol.New(protocol.CodeOrderMismatch, "", "PSD-PAY-DEL-13", "what the request said")
		}
	}
	u, err := payment.ParseProofClaims(r.PaymentProof)
	if err != nil {
		return err
	}
	if err := p.believe(u, r.PaidAt); err != nil {
		return err
	}
	c := u.Claims
	if c.Payer != r.BuyerAgentID || c.MerchantID != r.MerchantID || c.OutTradeNo != r.MerchantOrderID || c.TradeNo != r.TradeNo ||
		c.Amount.String() != r.Amount.String() || c.Thumbprint != b.signer.Public().Thumbprint() || !c.Expires.Equal(r.ProofExpiresAt) {
		return protocol.New(protocol.CodeProofMismatch, "payment_proof", "PSD-PAY-A402-08", "what the result says")
	}
	return nil
}

// changed is a check of one payment that is right but for one change.
func changed(change func(p *probe, b *purchase)) func(*probe) conformance.Answer {
	return func(p *probe) conformance.Answer {
		b := p.purchase(p.payer(), "18.00")
		change(p, b)
		return p.pay(b)
	}
}

// set is a change of members of the message.
func set(pairs ...any) func(*probe, *purchase) {
	return func(_ *probe, b *purchase) {
		for i := 0; i+1 < len(pairs); i += 2 {
			name, _ := pairs[i].(string)
			if pairs[i+1] == nil {
				delete(b.message, name)
				continue
			}
			b.message[name] = pairs[i+1]
		}
	}
}

// granted is a check of one payment under a mandate with one change.
func granted(change func(p *probe, c *delegation.Claims)) func(*probe) conformance.Answer {
	return func(p *probe) conformance.Answer {
		y := p.payer()
		p.grant(y, func(c *delegation.Claims) { change(p, c) })
		return p.pay(p.purchase(y, "18.00"))
	}
}

// ordered is a check of one payment of an order with one change.
func ordered(change func(p *probe, o *commerce.Order)) func(*probe) conformance.Answer {
	return changed(func(p *probe, b *purchase) {
		p.confirm(b, func(o *commerce.Order) { change(p, o) })
	})
}
