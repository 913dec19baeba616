package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/conformance/testee"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/psp"
	"github.com/actprotocol/act-go/verifier"
)

// psdOperations are about payment messages, A402, trades and sub-accounts. What
// is known by the kind of a message alone is in messageOperations.
func psdOperations() map[string]testee.Operation {
	return map[string]testee.Operation{
		"fingerprint.compute":         testee.Of(computeFingerprint),
		"a402.needed.parse":           testee.Of(parseNeeded),
		"a402.needed.verify":          testee.Of(verifyNeeded),
		"a402.proof.parse":            testee.Of(parseProof),
		"a402.proof.verify":           testee.Of(verifyProof),
		"a402.validation.parse":       testee.Of(parseValidation),
		"error.describe":              testee.Of(describeError),
		"trade.move":                  testee.Of(moveTrade),
		"payment.request.make":        testee.Of(makePayment),
		"payment.request.verify":      testee.Of(verifyPayment),
		"subaccount.authorize":        testee.Of(verifySubAccount),
		"payment.principal.verify":    testee.Of(verifyPrincipal),
		"payment.result.verify":       testee.Of(verifyResult),
		"payment.refusal.read":        testee.Of(readRefusal),
		"payment_notification.verify": testee.Of(verifyNotification),
		"httpsig.verify":              testee.Of(verifyHTTP),
		"tap.verify":                  testee.Of(verifyTAP),
	}
}

func moveTrade(_ time.Time, in struct {
	From payment.State `json:"from"`
	To   payment.State `json:"to"`
}) (any, error) {
	if !payment.Can(in.From, in.To) {
		return nil, protocol.New(protocol.CodeStateConflict, "transaction_state", "PSD-PAY-A402-11", "")
	}
	return map[string]bool{"terminal": in.To.Terminal()}, nil
}

func describeError(_ time.Time, in struct {
	Code protocol.Code `json:"code"`
}) (any, error) {
	e := payment.A402ErrorFor(in.Code)
	return map[string]any{
		"outcome": in.Code.Outcome().String(), "status": payment.HTTPStatus(in.Code), "error_id": e.ErrorID, "category": e.Category,
		"retryability": e.Retryability, "valid_next_actions": e.NextActions, "details": e.Details,
	}, nil
}

// A paid request is what a provider received.
type paid struct {
	fetched   `json:",inline"`
	Message   string  `json:"message"`
	Recipient string  `json:"recipient"`
	Before    int     `json:"received_before"`
	Cashier   bool    `json:"cashier"` // the provider has one
	Issuers   issuers `json:"issuers"`
}

func (p *paid) authorize(clock time.Time) (*verifier.AuthorizedPayment, error) {
	v, err := p.verifier(verifier.Config{Issuers: p.Issuers.policy()}, clock)
	if err != nil {
		return nil, err
	}
	for range p.Before {
		if _, err := p.once(v); err != nil {
			return nil, errEarlier{err}
		}
	}
	return p.once(v)
}

func (p *paid) once(v *verifier.Verifier) (*verifier.AuthorizedPayment, error) {
	ctx := context.Background()
	request, err := v.PaymentRequest(ctx, []byte(p.Message), verifier.PaymentExpectation{PSP: p.Recipient, Instant: p.Cashier})
	if err != nil {
		return nil, err
	}
	if err := request.UseNonce(ctx); err != nil {
		return nil, err
	}
	return request.Authorize(ctx)
}

func paymentOutput(p *verifier.AuthorizedPayment) map[string]any {
	c := p.ProofClaims()
	proof := map[string]string{"resource_id": c.ResourceID, "method_id": c.MethodID, "jkt": c.Thumbprint}
	out := map[string]any{
		"agent_id": p.Agent(), "payee": p.Payee(), "order_number": p.OrderNumber(), "amount": p.Amount().String(), "currency": p.Amount().Currency().Code(),
		"expires": canon.FormatTime(p.Expires()), "proof": proof,
	}
	add := func(to map[string]string, name, value string) {
		if value != "" {
			to[name] = value
		}
	}
	add(proof, "request_method", c.RequestMethod)
	add(proof, "request_fingerprint", string(c.RequestFingerprint))
	add(proof, "idempotency_key", c.IdempotencyKey)
	if p.Issuer() != "" {
		out["mandate"] = map[string]string{
			"issuer": p.Issuer(), "delegation_id": p.DelegationID(), "delegator_identity": p.Delegator(),
			"payload_digest": string(p.PayloadDigest()), "max_total_amount": p.Total().String(),
		}
	}
	if intent := p.IntentID(); intent != "" {
		out["intent_id"] = intent
	}
	return out
}

func verifyPayment(clock time.Time, in paid) (any, error) {
	p, err := in.authorize(clock)
	if err != nil {
		return nil, err
	}
	return paymentOutput(p), nil
}

// verifySubAccount is subaccount.authorize.
func verifySubAccount(clock time.Time, in struct {
	paid `json:",inline"`
	Key  jsontext.Value `json:"subaccount_key"` // that the provider has registered
}) (any, error) {
	p, err := in.authorize(clock)
	if err != nil {
		return nil, err
	}
	key, err := keys.ParseJWK(in.Key)
	if err != nil {
		return nil, errEarlier{err}
	}
	if err := p.VerifySubAccount(key); err != nil {
		return nil, err
	}
	id, _ := p.SubAccount()
	return map[string]string{"subaccount_id": id, "payee": p.Payee(), "amount": p.Amount().String()}, nil
}

// verifyPrincipal is payment.principal.verify: payment and credential are good.
func verifyPrincipal(clock time.Time, in struct {
	Payment paid `json:"payment"`
	Shown   struct {
		fetched `json:",inline"`
		shown   `json:",inline"`
	} `json:"shown"`
	Binding   string `json:"binding"`
	Principal string `json:"principal"` // for whom the binding was accepted
	Audience  string `json:"audience"`  // and by whom; empty for those of the payment
}) (any, error) {
	p, err := in.Payment.authorize(clock)
	if err != nil {
		return nil, errEarlier{err}
	}
	v, who, err := in.Shown.verify(&in.Shown.fetched, clock)
	if err != nil {
		return nil, errEarlier{err}
	}
	b, err := v.PrincipalBinding(context.Background(), []byte(in.Binding), verifier.BindingExpectation{
		Identity: who, Principal: cmp.Or(in.Principal, p.Delegator()), Audience: cmp.Or(in.Audience, in.Payment.Recipient),
	})
	if err != nil {
		return nil, err
	}
	if err := p.CheckPrincipal(b); err != nil {
		return nil, err
	}
	return map[string]string{"agent_id": p.Agent(), "principal": p.Delegator()}, nil
}

func verifyResult(clock time.Time, in struct {
	fetched    `json:",inline"`
	Message    string `json:"message"`
	Sent       string `json:"sent"`
	Thumbprint string `json:"thumbprint"`
}) (any, error) {
	v, err := in.verifier(verifier.Config{}, clock)
	if err != nil {
		return nil, err
	}
	q, err := sentPayment([]byte(in.Sent))
	if err != nil {
		return nil, errEarlier{err}
	}
	r, err := v.Result(context.Background(), []byte(in.Message), verifier.ResultExpectation{Request: q, Thumbprint: in.Thumbprint})
	if err != nil {
		return nil, err
	}
	return map[string]string{"trade_no": r.Value().TradeNo, "trade_state": string(r.Value().TradeState), "amount": r.Value().Amount.String()}, nil
}

func verifyNotification(clock time.Time, in struct {
	fetched   `json:",inline"`
	Message   string `json:"message"`
	Recipient string `json:"recipient"`
	PSP       string `json:"psp_id"`
}) (any, error) {
	v, err := in.verifier(verifier.Config{}, clock)
	if err != nil {
		return nil, err
	}
	n, err := v.Notification(context.Background(), []byte(in.Message), verifier.NotificationExpectation{PSP: in.PSP, Merchant: in.Recipient})
	if err != nil {
		return nil, err
	}
	return map[string]any{"key_id": n.KeyID(), "event": n.Value().Event, "sequence": n.Value().Sequence}, nil
}

// makePayment signs a request with its members as they are given.
func makePayment(_ time.Time, in struct {
	Members struct {
		Scenario      payment.Scenario `json:"scenario"`
		RequestID     string           `json:"request_id"`
		Nonce         string           `json:"nonce"`
		Timestamp     time.Time        `json:"timestamp"`
		PSPID         string           `json:"psp_id"`
		BuyerAgentID  string           `json:"buyer_agent_id"`
		MerchantID    string           `json:"merchant_id"`
		DelegationID  string           `json:"delegation_id"`
		IAC           string           `json:"iac"`
		OrderID       string           `json:"merchant_order_id"`
		Amount        string           `json:"amount"`
		Currency      string           `json:"currency"`
		PaymentMethod string           `json:"payment_method"`
		PaymentToken  string           `json:"payment_token"`
		Order         string           `json:"order"`
		Bill          string           `json:"bill"`
	} `json:"members"`
	KeyID string     `json:"key_id"`
	Key   privateKey `json:"key"`
}) (any, error) {
	private, err := in.Key.signer()
	if err != nil {
		return nil, err
	}
	s, err := keys.NewSigner(in.KeyID, keys.AgentRequest, private)
	if err != nil {
		return nil, err
	}
	m := in.Members
	currency, err := money.ParseCurrency(m.Currency)
	if err != nil {
		return nil, err
	}
	amount, err := money.Parse(m.Amount, currency)
	if err != nil {
		return nil, err
	}
	message, err := payment.SignRequest(s, payment.Request{
		Scenario: m.Scenario, RequestID: m.RequestID, Nonce: m.Nonce, Timestamp: m.Timestamp, PSPID: m.PSPID, BuyerAgentID: m.BuyerAgentID,
		MerchantID: m.MerchantID, DelegationID: m.DelegationID, IAC: m.IAC, MerchantOrderID: m.OrderID, Amount: amount,
		PaymentMethod: m.PaymentMethod, PaymentToken: m.PaymentToken, Order: m.Order, Bill: m.Bill,
	})
	return map[string]any{"message": jsontext.Value(message)}, err
}

// An answer is what a provider answers to whatever it is asked.
type answer struct {
	status int
	body   string
}

// RoundTrip implements http.RoundTripper.
func (a answer) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(a.body)), Body: io.NopCloser(bytes.NewReader([]byte(a.body))),
	}, nil
}

// readRefusal tells whether an answer settles the request that was sent.
func readRefusal(clock time.Time, in struct {
	Status int        `json:"status"`
	Body   string     `json:"body"`
	Sent   string     `json:"sent"`
	KeyID  string     `json:"key_id"`
	Key    privateKey `json:"key"`
}) (any, error) {
	private, err := in.Key.signer()
	if err != nil {
		return nil, err
	}
	s, err := keys.NewSigner(in.KeyID, keys.AgentRequest, private)
	if err != nil {
		return nil, err
	}
	q, err := sentPayment([]byte(in.Sent))
	if err != nil {
		return nil, errEarlier{err}
	}
	v, err := new(fetched).verifier(verifier.Config{}, clock)
	if err != nil {
		return nil, err
	}
	client, err := psp.New(psp.Config{
		ID: q.PSPID, Endpoint: "https://psp.invalid/act", Signer: s, Verifier: v,
		HTTP: &http.Client{Transport: answer{in.Status, in.Body}}, Now: func() time.Time { return clock },
	})
	if err != nil {
		return nil, err
	}
	_, err = client.PayFrom(context.Background(), q, nil)
	var refusal *payment.Refusal
	if errors.As(err, &refusal) {
		return map[string]any{"settled": true, "code": string(protocol.CodeOf(err))}, nil
	}
	if err == nil {
		return nil, errors.New("a payment result in place of a refusal")
	}
	return map[string]any{"settled": false}, nil
}
