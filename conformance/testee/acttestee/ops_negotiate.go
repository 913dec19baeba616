package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/conformance/testee"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/psp"
	"github.com/actprotocol/act-go/verifier"
)

// served is what can be fetched, by URL, in place of a network.
type served map[string]string

// RoundTrip implements http.RoundTripper.
func (s served) RoundTrip(r *http.Request) (*http.Response, error) {
	text, ok := s[r.URL.String()]
	if !ok {
		return nil, verifier.ErrUnreachable
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(text)), Body: io.NopCloser(strings.NewReader(text)),
	}, nil
}

// A negotiation is what an agent has and what a merchant serves.
type negotiation struct {
	fetched     `json:",inline"`
	Mandate     string     `json:"mandate"`
	KeyID       string     `json:"key_id"`
	Key         privateKey `json:"key"`
	Instruments []offer    `json:"instruments"` // in the agent's order
	Merchant    string     `json:"merchant"`
	Base        string     `json:"base"`
	Served      served     `json:"served"`
	Amount      string     `json:"amount"`
	Currency    string     `json:"currency"`
}

// shop is the merchant as an agent of the library sees it.
func (n *negotiation) shop(clock time.Time) (*agent.Shop, error) {
	private, err := n.Key.signer()
	if err != nil {
		return nil, err
	}
	signer, err := keys.NewSigner(n.KeyID, keys.AgentRequest, private)
	if err != nil {
		return nil, err
	}
	v, err := n.verifier(verifier.Config{}, clock)
	if err != nil {
		return nil, err
	}
	now := func() time.Time { return clock }
	client := &http.Client{Transport: n.Served}
	var own []agent.Instrument
	for _, i := range n.Instruments {
		provider, err := psp.New(psp.Config{
			ID: i.PSPID, Endpoint: i.Endpoint, MethodSchemaURL: i.MethodSchemaURL, Signer: signer, Verifier: v, HTTP: client, Now: now,
		})
		if err != nil {
			return nil, err
		}
		own = append(own, agent.Instrument{PSP: provider, Method: i.MethodID, Token: "token"})
	}
	wallet := agent.NewWallet(signer)
	if _, err := wallet.Add([]byte(n.Mandate)); err != nil {
		return nil, err
	}
	buyer, err := agent.New(agent.Config{Signer: signer, Wallet: wallet, Verifier: v, Spent: new(agent.MemorySpend), Instruments: own, Now: now})
	if err != nil {
		return nil, err
	}
	return buyer.Shop(n.Merchant, n.Base, client)
}

// negotiate is capability.negotiate.
func negotiate(clock time.Time, in negotiation) (any, error) {
	shop, err := in.shop(clock)
	if err != nil {
		return nil, errEarlier{err}
	}
	currency, err := money.ParseCurrency(in.Currency)
	if err != nil {
		return nil, errEarlier{err}
	}
	amount, err := money.Parse(in.Amount, currency)
	if err != nil {
		return nil, errEarlier{err}
	}
	agreed, err := shop.Negotiate(context.Background(), amount)
	if err != nil {
		return nil, err
	}
	return offer(agreed), nil
}

// contentOf is the digest of what makes two messages of a kind equal.
func contentOf(kind string, text []byte) (canon.Digest, error) {
	type digested interface{ ContentDigest() canon.Digest }
	var m digested
	var err error
	switch kind {
	case keys.KindCartRequest:
		m, err = commerce.ParseCartRequest(text)
	case keys.KindIntentRequest:
		m, err = commerce.ParseIntentRequest(text)
	case keys.KindPaymentRequest:
		m, err = payment.ParseRequest(text)
	case keys.KindBindingRequest:
		m, err = payment.ParseBindingRequest(text)
	case keys.KindRefundRequest:
		m, err = payment.ParseRefundRequest(text)
	default:
		return "", testee.Skip("no such kind of message")
	}
	if err != nil {
		return "", err
	}
	return m.ContentDigest(), nil
}
