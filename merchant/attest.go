package merchant

import (
	"github.com/actprotocol/act-go/internal/attest"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
)

// attestCart tells that an order was confirmed: its price and stock are held.
func (s *Shop) attestCart(o commerce.Order, confirmation []byte) {
	s.attest(attestation.Cart{OrderDigest: canon.Sum(confirmation), Amount: o.Amount, ValidUntil: o.Expires},
		Delivery{DeliveredAt: o.IssuedAt}, &o, o.BuyerAgentID)
}

// attestDelivery tells that a paid request was answered.
func (s *Shop) attestDelivery(d Delivery, j job) {
	c := attestation.Delivery{DeliveredAt: d.DeliveredAt}
	if len(d.Answer.Body) > 0 {
		c.ResultDigest = canon.Sum(d.Answer.Body)
	}
	s.attest(c, d, j.order, j.paid.Payer)
}

func (s *Shop) attest(c attestation.Content, d Delivery, o *commerce.Order, buyer string) {
	links := attestation.Links{MerchantOrderID: d.OutTradeNo, TradeNo: d.TradeNo}
	if o != nil {
		links.IntentID, links.DelegationID, links.MerchantOrderID = o.IntentID, o.DelegationID, o.MerchantOrderID
	}
	attest.Tell(s.config.Attest, c, d.DeliveredAt, links,
		attestation.Participant{ID: s.id, Role: attestation.Merchant},
		attestation.Participant{ID: buyer, Role: attestation.PayerAgent})
}
