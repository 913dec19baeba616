package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/httpsig"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/psp"
)

// attacks runs five attacks against the servers of the story. The attacker is
// the worst one: an agent that has its key and a mandate, sees every message,
// and skips its own checks.
func (t *tale) attacks(ctx context.Context) error {
	t.chapter("Five attacks on the same servers")
	confirmed, err := t.confirm(ctx, "Another latte, under 20 yuan, from the coffee shop.", latteIntent(t.shop.id))
	if err != nil {
		return err
	}
	m, err := t.mandate(ctx, confirmed)
	if err != nil {
		return err
	}
	provider, err := t.provider(t.agent, nil)
	if err != nil {
		return err
	}
	rogue := &rogue{tale: t, mandate: m, provider: provider}
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
		t.line("\n%2d. %s", i+1, a.what)
		if err := t.unmoved(ctx, a.run); err != nil {
			return fmt.Errorf("attack %d: %w", i+1, err)
		}
	}
	return nil
}

// unmoved runs an attack and compares every account before and after.
func (t *tale) unmoved(ctx context.Context, attack func(context.Context) error) error {
	if err := t.shop.shop.Flush(ctx); err != nil {
		return err
	}
	before, err := t.book.Accounts(ctx)
	if err != nil {
		return err
	}
	if err := attack(ctx); err != nil {
		return err
	}
	after, err := t.book.Accounts(ctx)
	if err != nil {
		return err
	}
	for i, a := range after {
		if i >= len(before) || a != before[i] {
			return errors.New("money has moved")
		}
		if a.Owner == t.principal.String() {
			t.notes("psp", "no money has moved; the principal still has %s yuan", fen(a.Balance))
		}
	}
	return nil
}

// A rogue is the attacker.
type rogue struct {
	*tale
	mandate  agent.Mandate
	provider *psp.Client
}

// order has a cart confirmed without asking the mandate.
func (r *rogue) order(ctx context.Context, s *store) (string, commerce.Order, error) {
	items, err := s.catalogue(ctx)
	if err != nil {
		return "", commerce.Order{}, err
	}
	claims := r.mandate.Claims()
	message, err := commerce.SignCartRequest(r.agent, commerce.CartRequest{
		RequestID: canon.UUID(), Nonce: canon.Nonce(), Timestamp: time.Now(), BuyerAgentID: r.agent.DID(), MerchantID: s.id,
		IntentID: claims.Authorization.IntentID, DelegationID: claims.ID, PSPID: r.provider.ID(), PaymentMethod: method,
		Items:  []commerce.CartLine{{ItemID: items[0].ID, Quantity: 1, UnitPrice: items[0].Price}},
		Amount: items[0].Price,
	})
	if err != nil {
		return "", commerce.Order{}, err
	}
	status, token, err := r.post(ctx, s.base+"/carts", message)
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
func (r *rogue) pay(ctx context.Context, s *store) error {
	token, order, err := r.order(ctx, s)
	if err != nil {
		return err
	}
	_, err = r.provider.Pay(ctx, payment.Request{
		Scenario: payment.ScenarioDEL, RequestID: canon.UUID(), PSPID: r.provider.ID(), BuyerAgentID: r.agent.DID(),
		MerchantID: order.MerchantID, DelegationID: r.mandate.Claims().ID, IAC: r.mandate.Raw(),
		MerchantOrderID: order.MerchantOrderID, Amount: order.Amount, PaymentMethod: method, PaymentToken: r.token, Order: token,
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
	response, err := r.newClient(nil).Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	return response.StatusCode, answer, err
}

func (r *rogue) raisedPrice(ctx context.Context) error {
	r.shop.setPrice(mustParse("24.00"))
	defer r.shop.setPrice(mustParse("18.00"))
	r.notes("shop", "latte, now 24.00 yuan")
	_, decision := r.buyer.Check(ctx, delegation.Purchase{
		Amount: mustParse("24.00"), CataloguePrice: mustParse("18.00"), Merchant: r.shop.id, Categories: []string{"food/coffee"},
	})
	if err := r.expect("agent", decision.Err(), protocol.CodeSingleLimitExceeded); err != nil {
		return err
	}
	r.says("rogue", "psp", "pay it all the same")
	return r.expect("psp", r.pay(ctx, r.shop), protocol.CodeSingleLimitExceeded)
}

func (r *rogue) otherMerchant(ctx context.Context) error {
	r.says("rogue", "psp", "pay the tea house, with the mandate for the coffee shop")
	return r.expect("psp", r.pay(ctx, r.tea), protocol.CodeMerchantNotAllowed)
}

func (r *rogue) replay(ctx context.Context) error {
	r.says("rogue", "psp", "the same bytes as the last payment, once more")
	_, answer, err := r.post(ctx, r.processor.Endpoint()+"/payments", r.wire.last("payments"))
	if err != nil {
		return err
	}
	return r.expect("psp", refusal(answer), protocol.CodeReplayed)
}

func (r *rogue) revoked(ctx context.Context) error {
	if err := r.issuer.Revoke(ctx, r.mandate.Claims().ID, delegation.ActorPrincipal); err != nil {
		return err
	}
	r.says("principal", "bank", "revoke this mandate, for good (ADD-IAC-LCM-04)")
	if err := pause(ctx, statusTTL+100*time.Millisecond); err != nil {
		return err
	}
	r.says("rogue", "psp", "a latte, within every limit")
	return r.expect("psp", r.pay(ctx, r.shop), protocol.CodeMandateRevoked)
}

func (r *rogue) otherResource(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.shop.base+"/forecast?day=3", nil)
	if err != nil {
		return err
	}
	request.Header.Set("Payment-Proof", r.wire.lastProof())
	if err := httpsig.Sign(request, nil, r.agent, time.Now(), time.Minute, "payment-proof"); err != nil {
		return err
	}
	r.says("rogue", "shop", "GET /forecast, with the proof of /report")
	response, err := r.newClient(nil).Do(request)
	if err != nil {
		return err
	}
	response.Body.Close()
	validation, err := payment.ParseValidation(response.Header.Get("Payment-Validation"))
	if err != nil || response.StatusCode != http.StatusPaymentRequired {
		return fmt.Errorf("the shop answered %s: %w", response.Status, err)
	}
	a := validation.Validation.Error
	return r.expect("shop", protocol.New(a.Code(), "", "PSD-PAY-A402-08", ""), protocol.CodeProofMismatch)
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

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
