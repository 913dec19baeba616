package main

import (
	"context"
	"time"

	"github.com/actprotocol/act-go/conformance/testee"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

// received makes the operation of somebody who receives a message.
func received[T any](verify func(v *verifier.Verifier, raw []byte, recipient string) (*verifier.Verified[T], error)) testee.Operation {
	return testee.Of(func(clock time.Time, in struct {
		fetched   `json:",inline"`
		Message   string `json:"message"`
		Recipient string `json:"recipient"`
		Before    int    `json:"received_before"` // how often the same was received already
	}) (any, error) {
		v, err := in.verifier(verifier.Config{}, clock)
		if err != nil {
			return nil, err
		}
		for range in.Before {
			if _, err := verify(v, []byte(in.Message), in.Recipient); err != nil {
				return nil, errEarlier{err}
			}
		}
		m, err := verify(v, []byte(in.Message), in.Recipient)
		if err != nil {
			return nil, err
		}
		return map[string]string{"key_id": m.KeyID()}, nil
	})
}

// asked makes a received operation of a method of the Verifier for providers.
func asked[T any](verify func(*verifier.Verifier, context.Context, []byte, verifier.PaymentExpectation) (*verifier.Verified[T], error)) testee.Operation {
	return received(func(v *verifier.Verifier, raw []byte, recipient string) (*verifier.Verified[T], error) {
		return verify(v, context.Background(), raw, verifier.PaymentExpectation{PSP: recipient})
	})
}

// answered makes the operation of somebody who has sent a message and gets the
// answer.
func answered[S, T any](sent func([]byte) (S, error), verify func(v *verifier.Verifier, raw []byte, sent S) (*verifier.Verified[T], error)) testee.Operation {
	return testee.Of(func(clock time.Time, in struct {
		fetched `json:",inline"`
		Message string `json:"message"`
		Sent    string `json:"sent"`
	}) (any, error) {
		v, err := in.verifier(verifier.Config{}, clock)
		if err != nil {
			return nil, err
		}
		q, err := sent([]byte(in.Sent))
		if err != nil {
			return nil, errEarlier{err}
		}
		m, err := verify(v, []byte(in.Message), q)
		if err != nil {
			return nil, err
		}
		return map[string]string{"key_id": m.KeyID()}, nil
	})
}

// messageOperations are about messages that are known by their kind.
func messageOperations() map[string]testee.Operation {
	type v = verifier.Verifier
	ctx := context.Background()
	return map[string]testee.Operation{
		"cart.verify": received(func(v *v, raw []byte, recipient string) (*verifier.Verified[commerce.CartRequest], error) {
			return v.CartRequest(ctx, raw, verifier.CartExpectation{Merchant: recipient})
		}),
		"intent_context.verify": received(func(v *v, raw []byte, recipient string) (*verifier.Verified[commerce.IntentRequest], error) {
			return v.IntentRequest(ctx, raw, verifier.IntentExpectation{Merchant: recipient})
		}),
		"negotiation.verify": received(func(v *v, raw []byte, recipient string) (*verifier.Verified[commerce.NegotiationRequest], error) {
			return v.NegotiationRequest(ctx, raw, verifier.NegotiationExpectation{Merchant: recipient})
		}),
		"payment_query.verify":    asked((*v).Query),
		"instrument_query.verify": asked((*v).InstrumentQuery),
		"binding_request.verify":  asked((*v).BindingRequest),
		"proof_consumption.verify": received(func(v *v, raw []byte, recipient string) (*verifier.Verified[payment.Consumption], error) {
			c, err := v.Consumption(ctx, raw, verifier.PaymentExpectation{PSP: recipient})
			if err != nil {
				return nil, err
			}
			_, err = payment.ParseProofClaims(c.Value().PaymentProof) // as a provider does next
			return c, err
		}),
		"fulfilment_confirmation.verify": asked((*v).Fulfilment),
		"refund_request.verify":          asked((*v).RefundRequest),
		"trade_query.verify":             asked((*v).TradeQuery),

		"payment.instrument.verify": answered(sentInstrumentQuery, func(v *v, raw []byte, q payment.InstrumentQuery) (*verifier.Verified[payment.InstrumentState], error) {
			return v.InstrumentState(ctx, raw, verifier.InstrumentExpectation{Query: q})
		}),
		"binding_pending.verify": answered(sentBinding, func(v *v, raw []byte, q payment.BindingRequest) (*verifier.Verified[payment.BindingPending], error) {
			return v.BindingPending(ctx, raw, verifier.BindExpectation{Request: q})
		}),
		"binding_result.verify": answered(sentBinding, func(v *v, raw []byte, q payment.BindingRequest) (*verifier.Verified[payment.BindingResult], error) {
			return v.BindingResult(ctx, raw, verifier.BindExpectation{Request: q})
		}),
		"payment.pending.verify": answered(sentPayment, func(v *v, raw []byte, q payment.Request) (*verifier.Verified[payment.Pending], error) {
			return v.Pending(ctx, raw, verifier.PendingExpectation{Request: q})
		}),
		"proof_consumption_result.verify": answered(sentConsumption, func(v *v, raw []byte, q payment.Consumption) (*verifier.Verified[payment.ConsumptionResult], error) {
			return v.ConsumptionResult(ctx, raw, q)
		}),
		"fulfilment_result.verify": answered(sentFulfilment, func(v *v, raw []byte, q payment.Fulfilment) (*verifier.Verified[payment.FulfilmentResult], error) {
			return v.FulfilmentResult(ctx, raw, q)
		}),
		"refund_result.verify": answered(sentRefund, func(v *v, raw []byte, q payment.RefundRequest) (*verifier.Verified[payment.RefundResult], error) {
			return v.RefundResult(ctx, raw, q)
		}),
		"trade_state.verify": answered(sentTradeQuery, func(v *v, raw []byte, q payment.TradeQuery) (*verifier.Verified[payment.TradeState], error) {
			return v.TradeState(ctx, raw, q)
		}),
	}
}

// What was sent is in the input as the message that it was.

func sentPayment(raw []byte) (q payment.Request, err error) {
	u, err := payment.ParseRequest(raw)
	if err == nil {
		q = u.Request
	}
	return q, err
}

func sentInstrumentQuery(raw []byte) (q payment.InstrumentQuery, err error) {
	u, err := payment.ParseInstrumentQuery(raw)
	if err == nil {
		q = u.Query
	}
	return q, err
}

func sentBinding(raw []byte) (q payment.BindingRequest, err error) {
	u, err := payment.ParseBindingRequest(raw)
	if err == nil {
		q = u.Request
	}
	return q, err
}

func sentConsumption(raw []byte) (q payment.Consumption, err error) {
	u, err := payment.ParseConsumption(raw)
	if err == nil {
		q = u.Consumption
	}
	return q, err
}

func sentFulfilment(raw []byte) (q payment.Fulfilment, err error) {
	u, err := payment.ParseFulfilment(raw)
	if err == nil {
		q = u.Fulfilment
	}
	return q, err
}

func sentRefund(raw []byte) (q payment.RefundRequest, err error) {
	u, err := payment.ParseRefundRequest(raw)
	if err == nil {
		q = u.Request
	}
	return q, err
}

func sentTradeQuery(raw []byte) (q payment.TradeQuery, err error) {
	u, err := payment.ParseTradeQuery(raw)
	if err == nil {
		q = u.Query
	}
	return q, err
}
