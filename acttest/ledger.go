package acttest

import (
	"sync"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

// A ledger is the memory of the PSP double: maps behind one lock.
type ledger struct {
	mu       sync.Mutex
	balance  int64 // of the one account behind every payment token, in minor units
	answers  map[requestID]answer
	trades   map[string]*trade
	orders   map[[2]string]string    // payee and order number to trade_no
	spent    map[string]money.Amount // by mandate
	payloads map[string]canon.Digest // by mandate
}

// A requestID is the idempotency key of a payment request.
type requestID struct{ agent, id string }

// An answer is what was said first to a payment request: a result, or a
// *payment.Refusal.
type answer struct {
	digest canon.Digest
	result payment.Result
	err    error
}

type trade struct {
	result    payment.Result
	state     payment.State
	consumer  string
	consumed  time.Time
	confirmed time.Time
}

func newLedger(balance int64) *ledger {
	return &ledger{
		balance: balance, answers: make(map[requestID]answer), trades: make(map[string]*trade),
		orders: make(map[[2]string]string), spent: make(map[string]money.Amount), payloads: make(map[string]canon.Digest),
	}
}

// earlier returns the first answer to a request, request_conflict when its id
// was used with other content, and ok false when it is new.
func (l *ledger) earlier(id requestID, digest canon.Digest) (payment.Result, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first(id, digest)
}

// first is earlier for who has the lock.
func (l *ledger) first(id requestID, digest canon.Digest) (payment.Result, bool, error) {
	first, known := l.answers[id]
	switch {
	case !known:
		return payment.Result{}, false, nil
	case first.digest != digest:
		return payment.Result{}, true, protocol.New(protocol.CodeRequestConflict, "request_id", "PSD-PAY-DEL-04", "used with other content")
	}
	return first.result, true, first.err
}

// query returns the answer that was given to a payment request.
func (l *ledger) query(id requestID) (payment.Result, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a, known := l.answers[id]
	if !known {
		return payment.Result{}, protocol.New(protocol.CodeTradeUnknown, "payment_request_id", "PSD-PAY-A402-23", "")
	}
	return a.result, a.err
}

// refuse answers with a refusal, and stores it when SPEC.md 6.1 says so. When
// another transmission was faster, what that got is the answer.
func (l *ledger) refuse(id requestID, digest canon.Digest, err error) (payment.Result, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if result, known, first := l.first(id, digest); known {
		return result, first
	}
	if !payment.Final(protocol.CodeOf(err)) {
		return payment.Result{}, err
	}
	return payment.Result{}, l.store(id, digest, err)
}

// store makes a refusal the answer to a request.
func (l *ledger) store(id requestID, digest canon.Digest, err error) error {
	refusal := &payment.Refusal{RequestID: id.id, Reason: protocol.AsError(err)}
	l.answers[id] = answer{digest: digest, err: refusal}
	return refusal
}

// debit makes a payment, or refuses it for good, in one step.
func (l *ledger) debit(p *verifier.AuthorizedPayment, digest canon.Digest, token string, finish func(spent money.Amount) (payment.Result, error)) (payment.Result, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	id := requestID{p.Agent(), p.Request().RequestID}
	if result, known, err := l.first(id, digest); known { // a concurrent transmission was faster
		return result, err
	}
	result, err := l.settle(p, token, finish)
	switch {
	case err == nil:
	case protocol.AsError(err).Code.Outcome() == protocol.Denied:
		return payment.Result{}, l.store(id, digest, err)
	default:
		return payment.Result{}, err
	}
	l.answers[id] = answer{digest: digest, result: result}
	return result, nil
}

// settle makes every check that depends on the ledger, and the payment.
func (l *ledger) settle(p *verifier.AuthorizedPayment, token string, finish func(spent money.Amount) (payment.Result, error)) (payment.Result, error) {
	mandate := p.Issuer() + " " + p.DelegationID()
	order := [2]string{p.Payee(), p.OrderNumber()}
	pinned, known := l.payloads[mandate]
	d := p.Decision()
	d.Require(!known || pinned == p.PayloadDigest(), protocol.CodeRequestConflict, "PSD-PAY-DEL-07", "mandate pinned", "iac",
		"another payload under this delegation id")
	_, paid := l.orders[order]
	d.Require(!paid, protocol.CodeOrderPaid, "CID-CART-CFM-05", "order unpaid", "merchant_order_id", "")
	d.Require(p.PaymentToken() == token, protocol.CodeInstrumentInvalid, "PSD-PMT-BND-04", "payment token known", "payment_token", "")
	spent, ok := l.spent[mandate]
	if !ok {
		spent = money.Zero(p.Amount().Currency())
	}
	spent, err := spent.Add(p.Amount())
	within := err == nil
	if within {
		over, err := spent.Cmp(p.Total())
		within = err == nil && over <= 0
	}
	d.Require(within, protocol.CodeTotalLimitExceeded, "PSD-PAY-DEL-07", "cumulative limit", "max_total_amount", "")
	d.Require(p.Amount().Minor() <= l.balance, protocol.CodeBalanceInsufficient, "PSD-PAY-AUP-03", "balance", "amount", "")
	if err := d.Err(); err != nil {
		return payment.Result{}, err
	}
	result, err := finish(spent)
	if err != nil {
		return payment.Result{}, err
	}
	l.balance -= p.Amount().Minor()
	l.spent[mandate], l.payloads[mandate] = spent, p.PayloadDigest()
	l.orders[order] = result.TradeNo
	l.trades[result.TradeNo] = &trade{result: result, state: result.TradeState}
	return result, nil
}

// consume gives a trade's proof to its first consumer.
func (l *ledger) consume(claims payment.ProofClaims, merchant, consumer string, now time.Time) (trade, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.trades[claims.TradeNo]
	switch {
	case t == nil:
		return trade{}, protocol.New(protocol.CodeTradeUnknown, "trade_no", "PSD-PAY-A402-08", "")
	case t.result.MerchantID != merchant:
		return trade{}, protocol.New(protocol.CodeProofMismatch, "merchant_id", "PSD-PAY-A402-08", "another payee")
	case t.consumer == "":
		t.consumer, t.consumed = consumer, now
	case t.consumer != consumer:
		return trade{}, protocol.New(protocol.CodeProofUsed, "payment_proof", "PSD-PAY-A402-08", "")
	}
	return *t, nil
}

// confirm ends a trade that has been delivered.
func (l *ledger) confirm(tradeNo, merchant, consumer string, now time.Time) (trade, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.trades[tradeNo]
	if t == nil || t.result.MerchantID != merchant {
		return trade{}, protocol.New(protocol.CodeTradeUnknown, "trade_no", "PSD-PAY-A402-10", "")
	}
	if t.consumer == "" || t.consumer != consumer {
		return trade{}, protocol.New(protocol.CodeStateConflict, "consumer", "PSD-PAY-A402-10", "not consumed by this consumer")
	}
	for _, e := range []payment.Event{payment.EventDeliveryCommitted, payment.EventFulfillmentConfirmed} {
		if next, err := payment.Next(t.state, e); err == nil {
			t.state, t.confirmed = next, now
		}
	}
	return *t, nil
}
