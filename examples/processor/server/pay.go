package server

import (
	"context"

	"github.com/actprotocol/act-go/examples/processor/ledger"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

func (s *Server) expectation() verifier.PaymentExpectation {
	return verifier.PaymentExpectation{PSP: s.id.String()}
}

// pay answers a payment request, in the order of SPEC.md 6.1 (PSD-PAY-DEL-04,
// PSD-PAY-AUP-03).
func (s *Server) pay(ctx context.Context, body []byte) ([]byte, error) {
	// Form, the agent's key and signature, the recipient. Whoever fails here is
	// a stranger: nothing of it is kept.
	authentic, err := s.verifier.PaymentRequest(ctx, body, s.expectation())
	if err != nil {
		return nil, err
	}
	request := requestOf(authentic)
	// From here on a caller that hangs up changes nothing: the request is
	// decided, and a query will find the answer. Look-ups have time limits of
	// their own.
	durable := context.WithoutCancel(ctx)

	// Nonce and earlier answer.
	first, err := s.ledger.Lookup(durable, request)
	if first != nil || err != nil {
		return s.repeat(durable, request, first, err)
	}
	// Time, mandate, order or bill, boundaries.
	authorized, err := authentic.Authorize(durable)
	if err != nil {
		return s.refuse(durable, request, protocol.AsError(err))
	}
	// Token, balance, cumulative limit, order number, and the debit.
	return s.settle(durable, request, authorized)
}

// requestOf takes the nonce over from the verifier: the ledger uses it in the
// transaction that stores the answer.
func requestOf(r *verifier.AuthenticRequest) ledger.Request {
	q, nonce := r.Request(), r.TakeNonce()
	return ledger.Request{
		Agent: q.BuyerAgentID, ID: q.RequestID, Digest: string(r.ContentDigest()),
		Nonce: ledger.Nonce{Scope: nonce.Scope, Value: nonce.Value, Until: nonce.Until},
	}
}

// repeat answers a request that is known already: a replay, a conflict, or the
// first answer. All but the replay are a transmission whose nonce is now used.
func (s *Server) repeat(ctx context.Context, r ledger.Request, first *ledger.Trade, err error) ([]byte, error) {
	if code := protocol.CodeOf(err); code == protocol.CodeReplayed || code.Outcome() == protocol.Undetermined {
		return nil, err
	}
	if err := s.ledger.UseNonce(ctx, r.Nonce); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	return s.result(first, ledger.Paid)
}

// refuse answers what the verifier refused, and stores it as the first answer
// when it is one.
func (s *Server) refuse(ctx context.Context, r ledger.Request, refusal *protocol.Error) ([]byte, error) {
	if !payment.Final(refusal.Code) {
		if err := s.ledger.UseNonce(ctx, r.Nonce); err != nil {
			return nil, err
		}
		return nil, refusal
	}
	// Somebody else may have answered this request in the meantime; then that
	// is the answer.
	trade, err := s.ledger.Refuse(ctx, r, refusal)
	if err != nil {
		return nil, err
	}
	return s.result(trade, ledger.Paid)
}

func (s *Server) settle(ctx context.Context, r ledger.Request, p *verifier.AuthorizedPayment) ([]byte, error) {
	q := p.Request()
	memo, err := s.memo(p)
	if err != nil {
		return nil, err
	}
	trade, err := s.ledger.Pay(ctx, ledger.Payment{
		Request: r,
		Mandate: ledger.Mandate{
			Issuer: p.Issuer(), DelegationID: p.DelegationID(), Digest: string(p.PayloadDigest()),
			Delegator: p.Delegator(), Total: p.Total().Minor(),
		},
		Scenario: string(q.Scenario), Method: q.PaymentMethod, Token: p.PaymentToken(),
		Payee: p.Payee(), Order: p.OrderNumber(), Expires: p.Expires(),
		Amount: p.Amount().Minor(), Currency: p.Amount().Currency().Code(), Memo: memo,
		Made: p.Decision(),
	})
	if err != nil {
		return nil, err
	}
	if trade.Decision.Allowed() { // made now, not the answer to a transmission that was faster
		s.paid(q, trade.Decision)
		s.reporter.wake()
	}
	return s.result(trade, ledger.Paid)
}

// query answers what became of a payment request (PSD-PAY-A402-23): its result
// with the state the trade has now, or the refusal it got.
func (s *Server) query(ctx context.Context, body []byte) ([]byte, error) {
	q, err := s.verifier.Query(ctx, body, s.expectation())
	if err != nil {
		return nil, err
	}
	trade, err := s.ledger.Query(ctx, q.Value().BuyerAgentID, q.Value().PaymentRequestID)
	if err != nil {
		return nil, err
	}
	return s.result(trade, trade.State)
}

// consume gives the delivery that a proof pays for to its first consumer
// (PSD-PAY-A402-08, PSD-PAY-A402-15).
func (s *Server) consume(ctx context.Context, body []byte) ([]byte, error) {
	verified, err := s.verifier.Consumption(ctx, body, s.expectation())
	if err != nil {
		return nil, err
	}
	c := verified.Value()
	claims, err := s.ownProof(c.PaymentProof)
	if err != nil {
		return nil, err
	}
	if claims.MerchantID != c.MerchantID {
		return nil, protocol.New(protocol.CodeProofMismatch, "payment_proof", "PSD-PAY-A402-08", "for another merchant")
	}
	if !s.now().Before(claims.Expires) {
		// Too late to begin with it; who has it already may ask again.
		if trade, err := s.ledger.Trade(ctx, claims.TradeNo); err != nil || trade.Consumer != c.Consumer {
			return nil, protocol.New(protocol.CodeProofExpired, "payment_proof", "PSD-PAY-A402-07", "")
		}
	}
	trade, err := s.ledger.Consume(context.WithoutCancel(ctx), c.MerchantID, claims.TradeNo, c.Consumer)
	if err != nil {
		return nil, err
	}
	amount, err := amountOf(trade.Amount, trade.Currency)
	if err != nil {
		return nil, err
	}
	return payment.SignConsumptionResult(s.signer, payment.ConsumptionResult{
		RequestID: c.RequestID, PSPID: s.id.String(), TradeNo: trade.No, OutTradeNo: trade.Order, MerchantID: trade.Payee,
		Consumer: trade.Consumer, Amount: amount, TradeState: trade.State, ConsumedAt: trade.ConsumedAt,
	})
}

// fulfil records that a merchant has delivered (PSD-PAY-A402-10).
func (s *Server) fulfil(ctx context.Context, body []byte) ([]byte, error) {
	verified, err := s.verifier.Fulfilment(ctx, body, s.expectation())
	if err != nil {
		return nil, err
	}
	f := verified.Value()
	trade, err := s.ledger.Confirm(context.WithoutCancel(ctx), f.MerchantID, f.TradeNo, f.Consumer, f.DeliveredAt)
	if err != nil {
		return nil, err
	}
	return payment.SignFulfilmentResult(s.signer, payment.FulfilmentResult{
		RequestID: f.RequestID, PSPID: s.id.String(), TradeNo: trade.No, MerchantID: trade.Payee,
		TradeState: trade.State, ConfirmedAt: trade.ConfirmedAt,
	})
}
