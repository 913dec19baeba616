package agenttest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
)

// A Provider is a client of a payment service provider, and the provider behind
// it, as the contract of agent.PSP needs them.
type Provider struct {
	PSP agent.PSP

	// Good returns a new request, with a request_id of its own, that the
	// provider will pay from a payment token.
	Good func(t *testing.T) payment.Request
	// Bad returns a new one that the provider refuses for good.
	Bad func(t *testing.T) payment.Request
	// Paid is how many payments the provider has made.
	Paid func() int
	// Freeze makes the payment token of Good one that cannot pay any more. It is
	// nil for a provider of which this cannot be arranged.
	Freeze func(t *testing.T)
	// Lose makes the provider carry out the next call and lose the answer.
	Lose func()

	// Instant returns a new instant payment, and Confirm and Decline are what
	// the principal does at the cashier. All are nil for a provider without one.
	Instant          func(t *testing.T) payment.Request
	Confirm, Decline func(t *testing.T, p payment.Pending)
}

// PSP runs the contract of agent.PSP. open is called once a subtest and returns
// a provider that has paid nothing so far.
func PSP(t *testing.T, open func(t *testing.T) Provider) {
	t.Helper()
	for name, run := range map[string]func(*testing.T, Provider){
		"PSD-PAY-DEL-13 a result answers the request":            testResult,
		"PSD-PAY-A402-23 a repetition gets the first answer":     testRepeat,
		"PSD-PAY-A402-23 one payment of many transmissions":      testRepeatConcurrently,
		"PSD-PAY-A402-23 other content under one id":             testConflict,
		"PSD-PAY-A402-23 a question about what nobody asked for": testNeverSent,
		"PSD-PAY-A402-23 a refusal for good stays":               testRefused,
		"PSD-PAY-A402-23 an answer that was lost":                testLost,
		"PSD-PAY-A402-23 a caller who gives up":                  testGivenUp,
		"PSD-PAY-A402-17 a request to another provider":          testElsewhere,
		"PSD-PAY-AUP-02 the state of an instrument":              testInstrument,
		"PSD-PAY-AUP-02 an instrument that cannot pay":           testFrozen,
		"PSD-PAY-AUP-02 a state that cannot be learned":          testStateLost,
		"PSD-PAY-INS-06 the principal confirms":                  testConfirm,
		"PSD-PAY-INS-04 the principal declines":                  testDecline,
	} {
		t.Run(name, func(t *testing.T) { run(t, open(t)) })
	}
}

var background = context.Background()

// pays transmits a request that has to be paid.
func (p Provider) pays(t *testing.T, q payment.Request) payment.Result {
	t.Helper()
	result, err := p.PSP.PayFrom(background, q, nil)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func (p Provider) wantPaid(t *testing.T, n int) {
	t.Helper()
	if got := p.Paid(); got != n {
		t.Fatalf("%d payments, want %d", got, n)
	}
}

// stored returns the refusal for good in an error, or nil.
func stored(err error) (refusal *payment.Refusal) {
	errors.As(err, &refusal)
	return refusal
}

// wantOpen checks that an error settles nothing.
func wantOpen(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, protocol.ErrUndetermined) || stored(err) != nil {
		t.Fatalf("got %v, want an error that leaves the outcome open", err)
	}
}

func wantSame(t *testing.T, got, first payment.Result) {
	t.Helper()
	if got.RequestID != first.RequestID || got.TradeNo != first.TradeNo || got.PaymentProof != first.PaymentProof || got.Amount != first.Amount || !got.PaidAt.Equal(first.PaidAt) {
		t.Fatal("another answer than the first")
	}
}

func testResult(t *testing.T, p Provider) {
	q := p.Good(t)
	if p.PSP.ID() == "" || p.PSP.ID() != q.PSPID {
		t.Fatal("the provider's name is not that of its requests")
	}
	r := p.pays(t, q)
	if r.RequestID != q.RequestID || r.PSPID != q.PSPID || r.MerchantID != q.MerchantID || r.BuyerAgentID != q.BuyerAgentID || r.Amount != q.Amount ||
		r.MerchantOrderID != q.MerchantOrderID || r.DelegationID != q.DelegationID || r.Scenario != q.Scenario || r.TradeNo == "" || r.PaymentProof == "" {
		t.Fatal("not an answer to what was asked")
	}
	p.wantPaid(t, 1)
	asked, err := p.PSP.Query(background, q)
	want(t, err, "")
	wantSame(t, asked, r)
}

func testRepeat(t *testing.T, p Provider) {
	q := p.Good(t)
	first := p.pays(t, q)
	for range 3 {
		wantSame(t, p.pays(t, q), first)
	}
	other := p.pays(t, p.Good(t))
	if other.TradeNo == first.TradeNo {
		t.Fatal("two payments under one trade number")
	}
	p.wantPaid(t, 2)
}

func testRepeatConcurrently(t *testing.T, p Provider) {
	q := p.Good(t)
	var mu sync.Mutex
	var results []payment.Result
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			r, err := p.PSP.PayFrom(background, q, nil)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				results = append(results, r)
			} else if stored(err) != nil {
				t.Errorf("refused for good: %v", err)
			}
		})
	}
	wg.Wait()
	if len(results) == 0 {
		t.Fatal("none of the transmissions was answered")
	}
	for _, r := range results {
		wantSame(t, r, results[0])
	}
	p.wantPaid(t, 1)
}

func testConflict(t *testing.T, p Provider) {
	q := p.Good(t)
	first := p.pays(t, q)
	other := p.Good(t)
	other.RequestID = q.RequestID
	if _, err := p.PSP.PayFrom(background, other, nil); err == nil || stored(err) != nil {
		t.Fatalf("got %v for other content under a used id; want an error about this transmission only", err)
	}
	asked, err := p.PSP.Query(background, q)
	want(t, err, "")
	wantSame(t, asked, first)
	p.wantPaid(t, 1)
}

func testNeverSent(t *testing.T, p Provider) {
	_, err := p.PSP.Query(background, p.Good(t))
	want(t, err, protocol.CodeTradeUnknown)
	if stored(err) != nil {
		t.Fatal("a request that was never sent is refused for good")
	}
	p.wantPaid(t, 0)
}

func testRefused(t *testing.T, p Provider) {
	q := p.Bad(t)
	_, err := p.PSP.PayFrom(background, q, nil)
	first := stored(err)
	if first == nil || first.RequestID != q.RequestID || first.Reason.Code.Outcome() != protocol.Denied || errors.Is(err, protocol.ErrUndetermined) {
		t.Fatalf("got %v, want a refusal for good", err)
	}
	for name, again := range map[string]func() (payment.Result, error){
		"sent again": func() (payment.Result, error) { return p.PSP.PayFrom(background, q, nil) },
		"asked":      func() (payment.Result, error) { return p.PSP.Query(background, q) },
	} {
		_, err := again()
		if r := stored(err); r == nil || r.Reason.Code != first.Reason.Code || r.RequestID != q.RequestID {
			t.Errorf("%s: got %v, want %v", name, err, first)
		}
	}
	p.wantPaid(t, 0)
}

func testLost(t *testing.T, p Provider) {
	q := p.Good(t)
	p.Lose()
	_, err := p.PSP.PayFrom(background, q, nil)
	wantOpen(t, err)
	p.wantPaid(t, 1)
	p.Lose()
	_, err = p.PSP.Query(background, q)
	wantOpen(t, err)
	asked, err := p.PSP.Query(background, q)
	want(t, err, "")
	wantSame(t, p.pays(t, q), asked)
	p.wantPaid(t, 1)
}

func testGivenUp(t *testing.T, p Provider) {
	q := p.Good(t)
	over, cancel := context.WithCancel(background)
	cancel()
	_, err := p.PSP.PayFrom(over, q, nil)
	wantOpen(t, err)
	_, err = p.PSP.Query(over, q)
	wantOpen(t, err)
}

func testElsewhere(t *testing.T, p Provider) {
	q := p.Good(t)
	q.PSPID = "did:act:elsewhere.test/psp"
	if _, err := p.PSP.PayFrom(background, q, nil); err == nil {
		t.Fatal("accepted")
	}
	p.wantPaid(t, 0)
}

// question is about the token of a request.
func question(q payment.Request) payment.InstrumentQuery {
	return payment.InstrumentQuery{PaymentToken: q.PaymentToken}
}

func testInstrument(t *testing.T, p Provider) {
	q := p.Good(t)
	for range 2 {
		s, err := p.PSP.Instrument(background, question(q))
		want(t, err, "")
		if s.State != payment.InstrumentActive || s.PaymentToken != q.PaymentToken || s.SubAccountID != "" || s.BuyerAgentID != q.BuyerAgentID || s.PSPID != q.PSPID {
			t.Fatalf("not an answer to what was asked: %s", s.State)
		}
	}
	p.wantPaid(t, 0)
	p.pays(t, q)
	for code, unknown := range map[protocol.Code]payment.InstrumentQuery{
		protocol.CodeInstrumentInvalid: {PaymentToken: "no-token-" + q.RequestID},
		protocol.CodeSubAccountUnknown: {SubAccountID: "no-account-" + q.RequestID},
	} {
		s, err := p.PSP.Instrument(background, unknown)
		want(t, err, code)
		if s != (payment.InstrumentState{}) {
			t.Fatal("a state together with an error")
		}
	}
	for _, q := range []payment.InstrumentQuery{{}, {PaymentToken: q.PaymentToken, SubAccountID: "both"}} {
		if _, err := p.PSP.Instrument(background, q); err == nil {
			t.Fatal("answered about none, or about two")
		}
	}
}

func testFrozen(t *testing.T, p Provider) {
	if p.Freeze == nil {
		t.Skip("no token of this provider can be frozen")
	}
	q := p.Good(t)
	p.Freeze(t)
	s, err := p.PSP.Instrument(background, question(q))
	want(t, err, "")
	if s.State == payment.InstrumentActive || !s.Available.IsZero() {
		t.Fatalf("frozen, and told to be %s", s.State)
	}
	if _, err := p.PSP.PayFrom(background, q, nil); stored(err) == nil {
		t.Fatalf("got %v, want a refusal for good", err)
	}
	p.wantPaid(t, 0)
}

func testStateLost(t *testing.T, p Provider) {
	q := p.Good(t)
	p.Lose()
	_, err := p.PSP.Instrument(background, question(q))
	wantOpen(t, err)
	over, cancel := context.WithCancel(background)
	cancel()
	_, err = p.PSP.Instrument(over, question(q))
	wantOpen(t, err)
	_, err = p.PSP.Instrument(background, question(q))
	want(t, err, "")
}

// begins starts an instant payment.
func (p Provider) begins(t *testing.T) (payment.Request, payment.Pending) {
	t.Helper()
	if p.Instant == nil {
		t.Skip("this provider has no cashier")
	}
	q := p.Instant(t)
	_, err := p.PSP.PayFrom(background, q, nil)
	waiting := wantWaiting(t, err)
	if waiting.RequestID != q.RequestID || waiting.Amount != q.Amount || waiting.MerchantID != q.MerchantID || waiting.MerchantOrderID != q.MerchantOrderID ||
		waiting.CashierURL == "" || waiting.TradeNo == "" {
		t.Fatal("not an answer to what was asked")
	}
	_, err = p.PSP.Query(background, q)
	if again := wantWaiting(t, err); again.TradeNo != waiting.TradeNo || again.CashierURL != waiting.CashierURL || !again.ExpiresAt.Equal(waiting.ExpiresAt) {
		t.Fatal("another trade, cashier or end than at first")
	}
	p.wantPaid(t, 0)
	return q, waiting
}

func wantWaiting(t *testing.T, err error) payment.Pending {
	t.Helper()
	wantOpen(t, err)
	var waiting *payment.AwaitsConfirmation
	if !errors.As(err, &waiting) {
		t.Fatalf("got %v, want that the principal is waited for", err)
	}
	return waiting.Pending
}

func testConfirm(t *testing.T, p Provider) {
	q, waiting := p.begins(t)
	p.Confirm(t, waiting)
	asked, err := p.PSP.Query(background, q)
	want(t, err, "")
	if asked.TradeNo != waiting.TradeNo || asked.Scenario != payment.ScenarioINS || asked.DelegationID != "" {
		t.Fatal("not the payment that was confirmed")
	}
	wantSame(t, p.pays(t, q), asked)
	p.wantPaid(t, 1)
}

func testDecline(t *testing.T, p Provider) {
	q, waiting := p.begins(t)
	p.Decline(t, waiting)
	for range 2 {
		_, err := p.PSP.Query(background, q)
		if r := stored(err); r == nil || r.Reason.Code != protocol.CodeConfirmationFailed {
			t.Fatalf("got %v, want a refusal for good", err)
		}
		_, err = p.PSP.PayFrom(background, q, nil)
		if stored(err) == nil {
			t.Fatalf("got %v, want a refusal for good", err)
		}
	}
	p.wantPaid(t, 0)
}
