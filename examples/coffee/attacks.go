package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/httpsig"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/psp"
)

// raised is the price that a shop asks after the mandate was given.
var raised = stage.Yuan("24.00")

// attacks runs five attacks against the servers of the story. The attacker is
// the worst one: an agent that has its key and a mandate, sees every message,
// and skips its own checks.
func (t *tale) attacks(ctx context.Context) error {
	t.Chapter("Five attacks on the same servers")
	t.Line("The principal wants one more latte, from the coffee shop only; the mandate is given as before.")
	t.Line("The attacker is the worst one: the agent itself, which skips its own checks.")
	rogue := &rogue{tale: t, client: t.NewClient(nil)}
	err := t.Untold(func() (err error) {
		rogue.mandate, err = t.wish(ctx, "Another latte, under 20 yuan, from the coffee shop.", latteFrom(t.shop.ID))
		return err
	})
	if err != nil {
		return err
	}
	if rogue.provider, err = t.Provider(t.buyer.Signer, nil); err != nil {
		return err
	}
	if rogue.token, err = t.person.Token(ctx, t.buyer.ID()); err != nil {
		return err
	}
	for i, a := range []struct {
		what string
		run  func(context.Context) error
	}{
		{"The price is raised after the mandate was given", rogue.raisedPrice},
		{"The money goes to another merchant", rogue.otherMerchant},
		{"A payment request is recorded and sent again", rogue.replay},
		{"The mandate was revoked", rogue.revoked},
		{"A proof of payment is used for another page", rogue.otherResource},
	} {
		t.Line("\n%2d. %s", i+1, a.what)
		if err := t.Unmoved(ctx, a.run); err != nil {
			return fmt.Errorf("attack %d: %w", i+1, err)
		}
		left, err := t.person.Balance(ctx)
		if err != nil {
			return err
		}
		t.Notes("psp", "no money has moved; the principal still has %s yuan", left)
	}
	return nil
}

// A rogue is the attacker.
type rogue struct {
	*tale
	mandate  agent.Mandate
	provider *psp.Client
	token    string // the agent's payment token
	client   *http.Client
}

// order has a cart confirmed without asking the mandate.
func (r *rogue) order(ctx context.Context, s *stage.Store) (string, commerce.Order, error) {
	items, err := s.Catalogue(ctx)
	if err != nil {
		return "", commerce.Order{}, err
	}
	claims := r.mandate.Claims()
	message, err := commerce.SignCartRequest(r.buyer.Signer, commerce.CartRequest{
		RequestID: canon.UUID(), Nonce: canon.Nonce(), Timestamp: r.Now(), BuyerAgentID: r.buyer.ID(), MerchantID: s.ID,
		IntentID: claims.Authorization.IntentID, DelegationID: claims.ID, PSPID: r.provider.ID(), PaymentMethod: stage.Method,
		Items:  []commerce.CartLine{{ItemID: items[0].ID, Quantity: 1, UnitPrice: items[0].Price}},
		Amount: items[0].Price,
	})
	if err != nil {
		return "", commerce.Order{}, err
	}
	status, token, err := r.post(ctx, s.Base+"/carts", message)
	if err != nil || status != http.StatusOK {
		return "", commerce.Order{}, fmt.Errorf("no order: %d %w", status, err)
	}
	confirmed, err := commerce.ParseOrder(token)
	if err != nil {
		return "", commerce.Order{}, err
	}
	return string(token), confirmed.Order, nil
}

// pay asks for a payment that the agent's own check would have refused.
func (r *rogue) pay(ctx context.Context, s *stage.Store) error {
	token, order, err := r.order(ctx, s)
	if err != nil {
		return err
	}
	_, err = r.provider.Pay(ctx, payment.Request{
		Scenario: payment.ScenarioDEL, RequestID: canon.UUID(), PSPID: r.provider.ID(), BuyerAgentID: r.buyer.ID(),
		MerchantID: order.MerchantID, DelegationID: r.mandate.Claims().ID, IAC: r.mandate.Raw(),
		MerchantOrderID: order.MerchantOrderID, Amount: order.Amount, PaymentMethod: stage.Method, PaymentToken: r.token, Order: token,
	})
	return err
}

// post sends a body and returns the answer, whatever its status.
func (r *rogue) post(ctx context.Context, address string, body []byte) (int, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := r.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	return response.StatusCode, answer, err
}

func (r *rogue) raisedPrice(ctx context.Context) error {
	r.shop.SetPrice(latte, raised)
	defer r.shop.SetPrice(latte, lattePrice)
	r.Notes("shop", "latte, now %s yuan", raised)
	_, decision := r.buyer.Agent.Check(ctx, delegation.Purchase{
		Amount: raised, CataloguePrice: lattePrice, Merchant: r.shop.ID, Categories: []string{"food/coffee"},
	})
	if err := r.Expect("agent", decision.Err(), protocol.CodeSingleLimitExceeded); err != nil {
		return err
	}
	r.Says("rogue", "psp", "pay it all the same")
	return r.Expect("psp", r.pay(ctx, r.shop), protocol.CodeSingleLimitExceeded)
}

func (r *rogue) otherMerchant(ctx context.Context) error {
	r.Says("rogue", "psp", "pay the tea house, with the mandate for the coffee shop")
	return r.Expect("psp", r.pay(ctx, r.tea), protocol.CodeMerchantNotAllowed)
}

func (r *rogue) replay(ctx context.Context) error {
	r.Says("rogue", "psp", "the same bytes as the last payment, once more")
	_, answer, err := r.post(ctx, r.Processor.Endpoint()+"/payments", r.buyer.Wire.Last("payments"))
	if err != nil {
		return err
	}
	return r.Expect("psp", refusal(answer), protocol.CodeReplayed)
}

func (r *rogue) revoked(ctx context.Context) error {
	if err := r.Issuer.Revoke(ctx, r.mandate.Claims().ID, delegation.ActorPrincipal); err != nil {
		return err
	}
	r.Says("principal", "bank", "revoke this mandate, for good (ADD-IAC-LCM-04)")
	r.Pass(2 * time.Minute) // what others keep of the list of states is a minute old at most
	r.Says("rogue", "psp", "two minutes later: a latte, within every limit")
	return r.Expect("psp", r.pay(ctx, r.shop), protocol.CodeMandateRevoked)
}

func (r *rogue) otherResource(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.shop.Base+"/forecast?day=3", nil)
	if err != nil {
		return err
	}
	request.Header.Set("Payment-Proof", r.buyer.Wire.LastProof())
	if err := httpsig.Sign(request, nil, r.buyer.Signer, r.Now(), time.Minute, "payment-proof"); err != nil {
		return err
	}
	r.Says("rogue", "shop", "GET /forecast, with the proof of /report")
	response, err := r.client.Do(request)
	if err != nil {
		return err
	}
	response.Body.Close()
	validation, err := payment.ParseValidation(response.Header.Get("Payment-Validation"))
	if err != nil || response.StatusCode != http.StatusPaymentRequired {
		return fmt.Errorf("the shop answered %s: %w", response.Status, err)
	}
	a := validation.Validation.Error
	return r.Expect("shop", protocol.New(a.Code(), "", "PSD-PAY-A402-08", ""), protocol.CodeProofMismatch)
}

// refusal reads the body of a failed answer (SPEC.md 6.1).
func refusal(answer []byte) error {
	var body struct {
		Error struct {
			Code        protocol.Code `json:"code"`
			Requirement string        `json:"requirement"`
		} `json:"error"`
	}
	if err := canon.DecodeOpen(answer, &body); err != nil {
		return err
	}
	return protocol.New(body.Error.Code, "", body.Error.Requirement, "")
}
