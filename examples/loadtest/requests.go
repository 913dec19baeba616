package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

// price is what everything costs.
var price = money.MustParse("18.00", "CNY")

// A batch is requests that are signed and not yet sent. Of each there is how it
// differs from its buyer's model.
type batch struct {
	first   int      // number of the first payment; its buyer is that modulo how many there are
	models  [][]byte // whole HTTP requests, one a buyer
	parcels []parcel // one a payment
}

// request appends the i-th HTTP request to buf.
func (b *batch) request(buf []byte, i int) []byte {
	return b.parcels[i].appendTo(buf, b.models[(b.first+i)%len(b.models)])
}

// sign makes count payments, on all cores, beginning with number first. The
// buyers take turns.
func (s *street) sign(ctx context.Context, first, count int) (*batch, error) {
	b := &batch{first: first, models: make([][]byte, len(s.buyers)), parcels: make([]parcel, count)}
	for i, buyer := range s.buyers {
		var err error
		if b.models[i], err = s.message(buyer, first); err != nil {
			return nil, err
		}
	}
	var group sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	errs := make([]error, workers)
	for w := range workers {
		group.Go(func() {
			for i := w; i < count && ctx.Err() == nil && errs[w] == nil; i += workers {
				errs[w] = s.pack(b, i, first)
			}
		})
	}
	group.Wait()
	return b, errors.Join(append(errs, ctx.Err())...)
}

func (s *street) pack(b *batch, i, first int) error {
	buyer := (first + i) % len(s.buyers)
	text, err := s.message(s.buyers[buyer], first+i)
	if err != nil {
		return err
	}
	var ok bool
	if b.parcels[i], ok = pack(b.models[buyer], text); !ok {
		return errors.New("two requests of one agent have different lengths")
	}
	return nil
}

// message is the n-th payment as it goes over the wire: HTTP/1.1, and in its
// body a request of which everything is new but the mandate.
func (s *street) message(b *buyer, n int) ([]byte, error) {
	_, body, err := s.payment(b, n)
	if err != nil {
		return nil, err
	}
	head := fmt.Sprintf("POST /act/v1/payments HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		strings.Replace(s.processor.id.Host(), "%3A", ":", 1), len(body))
	return append([]byte(head), body...), nil
}

// requestID is the id of the n-th payment.
func requestID(n int) string { return fmt.Sprintf("request-%010d", n) }

// orderNumber is the merchant's number of the n-th order.
func orderNumber(n int) string { return fmt.Sprintf("order-%010d", n) }

// payment is the n-th payment: the merchant confirms an order, and the agent
// asks for it to be paid.
func (s *street) payment(b *buyer, n int) (payment.Request, []byte, error) {
	number := orderNumber(n)
	order, err := s.order(b, number)
	if err != nil {
		return payment.Request{}, nil, err
	}
	q := payment.Request{
		Scenario: payment.ScenarioDEL, RequestID: requestID(n), Nonce: canon.Nonce(), Timestamp: time.Now(),
		PSPID: s.processor.id.String(), BuyerAgentID: b.signer.DID(), MerchantID: b.shop.signer.DID(),
		DelegationID: b.mandateID, IAC: b.mandate, MerchantOrderID: number, Amount: price,
		PaymentMethod: method, PaymentToken: b.token, Order: order,
	}
	body, err := payment.SignRequest(b.signer, q)
	return q, body, err
}

// order is the merchant's word that it holds a latte.
func (s *street) order(b *buyer, number string) (string, error) {
	now := time.Now().UTC().Truncate(time.Second)
	token, err := commerce.SignOrder(b.shop.signer, commerce.Order{
		MerchantID: b.shop.signer.DID(), BuyerAgentID: b.signer.DID(), IssuedAt: now, Expires: now.Add(30 * time.Minute),
		MerchantOrderID: number, RequestID: canon.UUID(), IntentID: b.intentID, DelegationID: b.mandateID,
		PSPID: s.processor.id.String(), PaymentMethod: method, Amount: price, DeliverBy: now.Add(time.Hour),
		Items: []commerce.OrderLine{{ItemID: "latte", Name: "Latte", Category: "food/coffee", UnitPrice: price, Quantity: 1}},
	})
	return string(token), err
}
