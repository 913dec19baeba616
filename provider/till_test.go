package provider_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
	"github.com/actprotocol/act-go/verifier"
)

var ctx = context.Background()

const (
	token   = "pt-1"
	balance = 100_00
	subID   = "sub-1"
)

// A till is a provider under test with a ledger in memory, and the parties of a
// World around it. What it decided is kept.
type till struct {
	testing.TB
	w        *acttest.World
	ledger   *provider.MemoryLedger
	provider *provider.Provider
	sub      *keys.Signer
	verdicts []provider.Verdict
	shown    []*provider.Trade // to the cashier
}

// newTill furnishes a till: an account with 100.00 CNY, of which 40.00 are in a
// sub-account, a token, a shop.
func newTill(t testing.TB, change func(*till, *provider.Config)) *till {
	t.Helper()
	l := &till{TB: t, w: acttest.NewWorld(t)}
	l.ledger = provider.NewMemoryLedger(l.w.Clock.Now)
	l.sub = l.newKey()
	for _, err := range []error{
		l.ledger.OpenPrincipal(acttest.PrincipalDID, "CNY"), l.ledger.OpenMerchant(acttest.ShopDID, "CNY"),
		l.ledger.Deposit(acttest.PrincipalDID, "CNY", balance),
		l.ledger.BindToken(provider.Token{ID: token, Principal: acttest.PrincipalDID, Agent: acttest.AgentDID, Currency: "CNY",
			ValidFrom: acttest.Start, ValidUntil: acttest.Start.Add(24 * time.Hour)}),
		l.ledger.OpenSubAccount(provider.SubAccount{ID: subID, Principal: acttest.PrincipalDID, Agent: acttest.AgentDID, Currency: "CNY", Key: l.sub.Public()}),
		l.ledger.FundSubAccount(subID, 40_00),
	} {
		l.must(err)
	}
	l.provider = l.with(func(c *provider.Config) {
		if change != nil {
			change(l, c)
		}
	})
	return l
}

// with is another provider with the same ledger and parties.
func (l *till) with(change func(*provider.Config)) *provider.Provider {
	l.Helper()
	c := provider.Config{
		Signer: l.w.PSP.Party.Signer(keys.Proof), Verifier: l.w.NewVerifier(l), Ledger: l.ledger, Now: l.w.Clock.Now,
		Decided: func(v provider.Verdict) { l.verdicts = append(l.verdicts, v) },
		Cashier: func(_ context.Context, t *provider.Trade) (string, error) {
			l.shown = append(l.shown, t)
			return "https://cashier.example/" + t.No, nil
		},
	}
	change(&c)
	p, err := provider.New(c)
	l.must(err)
	return p
}

func (l *till) newKey() *keys.Signer {
	l.Helper()
	private, err := keys.Generate(keys.EdDSA)
	l.must(err)
	s, err := keys.NewSigner(acttest.AgentDID+"#sub", keys.SubAccount, private)
	l.must(err)
	return s
}

func (l *till) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatalf("unexpected: %v", err)
	}
}

func (l *till) want(err error, code protocol.Code) {
	l.Helper()
	if got := protocol.CodeOf(err); err == nil && code != "" || err != nil && got != code {
		l.Fatalf("got %v, want %q", err, code)
	}
}

// stored fails unless the error is the stored refusal of this request.
func (l *till) stored(err error, q payment.Request, code protocol.Code) {
	l.Helper()
	var refusal *payment.Refusal
	if l.want(err, code); !errors.As(err, &refusal) || refusal.RequestID != q.RequestID {
		l.Fatalf("%v is not stored", err)
	}
}

// passing fails unless the error is not stored.
func (l *till) passing(err error, code protocol.Code) {
	l.Helper()
	var refusal *payment.Refusal
	if l.want(err, code); errors.As(err, &refusal) {
		l.Fatalf("%v is stored", err)
	}
}

// request is for an order of the shop, by a mandate that fits the scenario.
func (l *till) request(s payment.Scenario, amount string) payment.Request {
	l.Helper()
	q := payment.Request{
		Scenario: s, RequestID: canon.UUID(), PSPID: acttest.PSPDID, BuyerAgentID: acttest.AgentDID, MerchantID: acttest.ShopDID,
		MerchantOrderID: canon.UUID(), Amount: acttest.CNY(l, amount), PaymentMethod: acttest.Method, PaymentToken: token,
	}
	if s != payment.ScenarioINS {
		l.mandate(&q, nil)
	}
	l.order(&q, nil)
	return q
}

func (l *till) mandate(q *payment.Request, change func(*delegation.ISR)) {
	l.Helper()
	raw := l.w.Issue(l, func(i *delegation.ISR) {
		if q.Scenario == payment.ScenarioDEL {
			i.DelegationMode = delegation.Specified
			i.Ext = &delegation.Ext{Commerce: &delegation.Commerce{AllowedMerchants: []string{acttest.ShopDID}}}
		}
		if change != nil {
			change(i)
		}
	})
	m, err := delegation.ParseMandate(raw)
	l.must(err)
	q.IAC, q.DelegationID = string(raw), m.Claims().ID
}

func (l *till) order(q *payment.Request, change func(*commerce.Order)) {
	l.Helper()
	now := l.w.Clock.Now().Truncate(time.Second)
	o := commerce.Order{
		MerchantID: acttest.ShopDID, BuyerAgentID: acttest.AgentDID, IssuedAt: now, Expires: now.Add(10 * time.Minute),
		MerchantOrderID: q.MerchantOrderID, RequestID: "r", IntentID: "urn:uuid:00000000-0000-4000-8000-000000000001",
		PSPID: acttest.PSPDID, PaymentMethod: acttest.Method,
		Items:  []commerce.OrderLine{{ItemID: "latte", Name: "Latte", Category: "food", UnitPrice: q.Amount, Quantity: 1}},
		Amount: q.Amount, DeliverBy: now,
	}
	if change != nil {
		change(&o)
	}
	signed, err := commerce.SignOrder(l.w.Seller.Signer(keys.Seller), o)
	l.must(err)
	q.Order = string(signed)
}

// sign is one transmission.
func (l *till) sign(q payment.Request) []byte {
	l.Helper()
	q.Nonce, q.Timestamp = canon.Nonce(), l.w.Clock.Now()
	var sub *keys.Signer
	if q.SubAccountID != "" {
		sub = l.sub
	}
	body, err := payment.SignRequestFrom(l.w.Buyer.Signer(keys.AgentRequest), sub, q)
	l.must(err)
	return body
}

func (l *till) send(q payment.Request) (provider.Answer, error) {
	l.Helper()
	return l.provider.Pay(ctx, l.sign(q))
}

// paid sends a request and verifies the result as its agent does.
func (l *till) paid(q payment.Request) payment.Result {
	l.Helper()
	a, err := l.send(q)
	l.must(err)
	return l.result(q, a)
}

func (l *till) result(q payment.Request, a provider.Answer) payment.Result {
	l.Helper()
	if a.Status != 200 {
		l.Fatalf("status %d", a.Status)
	}
	v, err := l.w.Verifier.Result(ctx, a.Body, verifier.ResultExpectation{
		Request: q, Thumbprint: l.w.Buyer.Signer(keys.AgentRequest).Public().Thumbprint(),
	})
	l.must(err)
	return v.Value()
}

// pending verifies that a payment waits, as its agent does.
func (l *till) pending(q payment.Request, a provider.Answer) payment.Pending {
	l.Helper()
	if a.Status != 202 {
		l.Fatalf("status %d", a.Status)
	}
	v, err := l.w.Verifier.Pending(ctx, a.Body, verifier.PendingExpectation{Request: q})
	l.must(err)
	return v.Value()
}

func (l *till) query(q payment.Request) (provider.Answer, error) {
	l.Helper()
	body, err := payment.SignQuery(l.w.Buyer.Signer(keys.AgentRequest), payment.Query{
		RequestID: canon.UUID(), Nonce: canon.Nonce(), Timestamp: l.w.Clock.Now(), PSPID: acttest.PSPDID,
		BuyerAgentID: acttest.AgentDID, PaymentRequestID: q.RequestID,
	})
	l.must(err)
	return l.provider.Query(ctx, body)
}

func (l *till) consume(proof, consumer string) (payment.ConsumptionResult, error) {
	l.Helper()
	body, err := payment.SignConsumption(l.w.Seller.Signer(keys.Seller), payment.Consumption{
		RequestID: canon.UUID(), Nonce: canon.Nonce(), Timestamp: l.w.Clock.Now(), PSPID: acttest.PSPDID, MerchantID: acttest.ShopDID,
		PaymentProof: proof, Consumer: consumer,
	})
	l.must(err)
	a, err := l.provider.Consume(ctx, body)
	if err != nil {
		return payment.ConsumptionResult{}, err
	}
	u, err := payment.ParseConsumptionResult(a.Body)
	l.must(err)
	return u.Result, nil
}

func (l *till) fulfil(tradeNo, consumer string) (payment.FulfilmentResult, error) {
	l.Helper()
	body, err := payment.SignFulfilment(l.w.Seller.Signer(keys.Seller), payment.Fulfilment{
		RequestID: canon.UUID(), Nonce: canon.Nonce(), Timestamp: l.w.Clock.Now(), PSPID: acttest.PSPDID, MerchantID: acttest.ShopDID,
		TradeNo: tradeNo, Consumer: consumer, DeliveredAt: l.w.Clock.Now(),
	})
	l.must(err)
	a, err := l.provider.Fulfil(ctx, body)
	if err != nil {
		return payment.FulfilmentResult{}, err
	}
	u, err := payment.ParseFulfilmentResult(a.Body)
	l.must(err)
	return u.Result, nil
}

// spent fails unless exactly this came to the shop.
func (l *till) spent(amount int64) {
	l.Helper()
	if got := l.ledger.Balance(acttest.ShopDID, "CNY"); got != amount {
		l.Fatalf("%d came to the shop, want %d", got, amount)
	}
}

// last is the verdict that was told last.
func (l *till) last() provider.Verdict {
	l.Helper()
	if len(l.verdicts) == 0 {
		l.Fatalf("no verdict")
	}
	return l.verdicts[len(l.verdicts)-1]
}
