package acttest

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

// ProofLife is how long the proofs of the PSP double are good.
const ProofLife = 30 * time.Minute

// A PSP is a double of a payment service provider: an HTTPS server that speaks
// SPEC.md 6, with real signatures and a ledger in memory. It can be made to
// misbehave as networks and providers do.
type PSP struct {
	Party  *Party
	Server *httptest.Server
	Token  string // the payment token that it accepts, of one account

	t        TB
	verifier *verifier.Verifier
	clock    *Clock
	ledger   *ledger

	mu     sync.Mutex
	faults map[string][]Fault
	calls  map[string]int
}

// A Fault is one way in which a call goes wrong. It prints as what it does.
type Fault string

// The faults of networks and machines: whether the call was carried out is not
// known to the caller. Deny makes the others.
const (
	// Unavailable answers 503 before anything is looked at.
	Unavailable Fault = "unavailable"
	// LoseRequest cuts the connection before anything is looked at.
	LoseRequest Fault = "lose the request"
	// LoseAnswer does everything and then cuts the connection.
	LoseAnswer Fault = "lose the answer"
)

const denyPrefix = "deny with "

// Deny is a fault that is none: the provider answers with this code. Of an
// authentic payment request the refusal is stored and answers every later
// transmission and query when it is one of payment.Final, as a real provider's
// is. An undetermined code is what the provider says when it cannot decide.
func Deny(code protocol.Code) Fault { return Fault(denyPrefix + string(code)) }

// denied is the code of Deny.
func (f Fault) denied() (protocol.Code, bool) {
	code, ok := strings.CutPrefix(string(f), denyPrefix)
	return protocol.Code(code), ok
}

func (f Fault) known() bool {
	code, denies := f.denied()
	return f == Unavailable || f == LoseRequest || f == LoseAnswer || denies && code.Known()
}

// NewPSP starts a provider that is closed with the test. balance is what the
// account has, in minor units of whatever currency is asked for.
func NewPSP(t TB, v *verifier.Verifier, c *Clock, p *Party, balance int64) *PSP {
	t.Helper()
	s := &PSP{
		Party: p, Token: "token-" + canon.Nonce(), t: t, verifier: v, clock: c, ledger: newLedger(balance),
		faults: make(map[string][]Fault), calls: make(map[string]int),
	}
	mux := http.NewServeMux()
	for path, answer := range map[string]answerer{
		"/payments": s.pay, "/queries": s.query, "/consumptions": s.consume, "/fulfilments": s.confirm,
	} {
		s.faults[path] = nil
		mux.HandleFunc("POST "+path, s.serve(path, answer))
	}
	s.Server = httptest.NewTLSServer(mux)
	t.Cleanup(s.Server.Close)
	return s
}

// Fail makes the next calls of a path go wrong, one fault a call. The paths are
// "/payments", "/queries", "/consumptions" and "/fulfilments"; any other one,
// and an unknown fault, ends the test.
func (s *PSP) Fail(path string, faults ...Fault) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.faults[path]; !known {
		s.t.Fatal("acttest: the provider has no path " + path)
	}
	for _, f := range faults {
		if !f.known() {
			s.t.Fatal("acttest: no such fault: " + f)
		}
	}
	s.faults[path] = append(s.faults[path], faults...)
}

// Calls is how often a path was called, faults included.
func (s *PSP) Calls(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[path]
}

// Balance is what the account still has, in minor units.
func (s *PSP) Balance() int64 {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	return s.ledger.balance
}

// Trades is how many payments were made, and how many of their deliveries were
// confirmed. A shop confirms behind the buyer's back: call Shop.Flush first, or
// confirmed is anything up to the right number.
func (s *PSP) Trades() (paid, confirmed int) {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	for _, t := range s.ledger.trades {
		if !t.confirmed.IsZero() {
			confirmed++
		}
	}
	return len(s.ledger.trades), confirmed
}

func (s *PSP) next(path string) (f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[path]++
	if left := s.faults[path]; len(left) > 0 {
		f, s.faults[path] = left[0], left[1:]
	}
	return f
}

// An answerer turns a message into an answer.
type answerer func(context.Context, []byte) ([]byte, error)

// serve makes an answerer a handler.
func (s *PSP) serve(path string, f answerer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		fault, f := s.next(path), f
		switch fault {
		case Unavailable:
			problem.Write(w, protocol.New(protocol.CodeServiceUnavailable, "", "", "out of order"), 1)
			return
		case LoseRequest:
			panic(http.ErrAbortHandler)
		}
		if code, ok := fault.denied(); ok {
			f = s.deny(path, code)
		}
		message, err := io.ReadAll(http.MaxBytesReader(w, r.Body, canon.DefaultMaxBytes))
		var out []byte
		if err == nil {
			out, err = f(r.Context(), message)
		}
		if fault == LoseAnswer {
			panic(http.ErrAbortHandler)
		}
		if err != nil {
			problem.Write(w, err, 1)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(out)
	}
}

// deny refuses what it is asked.
func (s *PSP) deny(path string, code protocol.Code) answerer {
	var d protocol.Decision
	d.Fail(code, "", "denied by the test", "", "")
	return func(ctx context.Context, raw []byte) ([]byte, error) {
		if path != "/payments" {
			return nil, d.Err()
		}
		return s.settle(ctx, raw, func(r *verifier.AuthenticRequest, id requestID) (payment.Result, error) {
			return s.ledger.refuse(id, r.ContentDigest(), d.Err())
		})
	}
}

func (s *PSP) id() string { return s.Party.DID.String() }

func (s *PSP) expect() verifier.PaymentExpectation {
	return verifier.PaymentExpectation{PSP: s.id()}
}

func (s *PSP) signer() *keys.Signer { return s.Party.Signer(keys.Proof) }

func (s *PSP) pay(ctx context.Context, raw []byte) ([]byte, error) {
	return s.settle(ctx, raw, func(r *verifier.AuthenticRequest, id requestID) (payment.Result, error) {
		authorized, err := r.Authorize(ctx)
		if err != nil {
			return s.ledger.refuse(id, r.ContentDigest(), err)
		}
		return s.ledger.debit(authorized, r.ContentDigest(), s.Token, s.finish(authorized))
	})
}

// settle answers an authentic payment request: as it was answered first, or by
// decide.
func (s *PSP) settle(ctx context.Context, raw []byte, decide func(*verifier.AuthenticRequest, requestID) (payment.Result, error)) ([]byte, error) {
	request, err := s.verifier.PaymentRequest(ctx, raw, s.expect())
	if err != nil {
		return nil, err
	}
	if err := request.UseNonce(ctx); err != nil {
		return nil, err
	}
	id := requestID{request.Request().BuyerAgentID, request.Request().RequestID}
	result, known, err := s.ledger.earlier(id, request.ContentDigest())
	if !known {
		result, err = decide(request, id)
	}
	if err != nil {
		return nil, err
	}
	return payment.SignResult(s.signer(), result)
}

// finish makes the result of a payment.
func (s *PSP) finish(p *verifier.AuthorizedPayment) func(money.Amount) (payment.Result, error) {
	return func(spent money.Amount) (payment.Result, error) {
		now := s.clock.Now().Truncate(time.Second)
		claims := p.ProofClaims()
		claims.ID, claims.TradeNo, claims.IssuedAt, claims.Expires = canon.UUID(), canon.UUID(), now, now.Add(ProofLife)
		proof, err := payment.SignProofClaims(s.signer(), claims)
		if err != nil {
			return payment.Result{}, err
		}
		q := p.Request()
		return payment.Result{
			RequestID: q.RequestID, TradeNo: claims.TradeNo, Scenario: q.Scenario, DelegationID: q.DelegationID,
			MerchantOrderID: q.MerchantOrderID, PSPID: s.id(), BuyerAgentID: q.BuyerAgentID, MerchantID: q.MerchantID,
			Amount: q.Amount, TradeState: payment.StateWaitSellerFulfillment, PaidAt: now, SpentTotal: spent,
			PaymentProof: proof, ProofExpiresAt: claims.Expires,
		}, nil
	}
}

func (s *PSP) query(ctx context.Context, raw []byte) ([]byte, error) {
	q, err := s.verifier.Query(ctx, raw, s.expect())
	if err != nil {
		return nil, err
	}
	result, err := s.ledger.query(requestID{q.Value().BuyerAgentID, q.Value().PaymentRequestID})
	if err != nil {
		return nil, err
	}
	return payment.SignResult(s.signer(), result)
}

func (s *PSP) consume(ctx context.Context, raw []byte) ([]byte, error) {
	m, err := s.verifier.Consumption(ctx, raw, s.expect())
	if err != nil {
		return nil, err
	}
	c := m.Value()
	proof, err := payment.ParseProofClaims(c.PaymentProof)
	if err != nil {
		return nil, err
	}
	if err := proof.Verify(s.signer().Public()); err != nil {
		return nil, err
	}
	t, err := s.ledger.consume(proof.Claims, c.MerchantID, c.Consumer, s.clock.Now())
	if err != nil {
		return nil, err
	}
	return payment.SignConsumptionResult(s.signer(), payment.ConsumptionResult{
		RequestID: c.RequestID, PSPID: s.id(), TradeNo: t.result.TradeNo, OutTradeNo: t.result.MerchantOrderID,
		MerchantID: c.MerchantID, Consumer: c.Consumer, Amount: t.result.Amount, TradeState: t.state, ConsumedAt: t.consumed,
	})
}

func (s *PSP) confirm(ctx context.Context, raw []byte) ([]byte, error) {
	m, err := s.verifier.Fulfilment(ctx, raw, s.expect())
	if err != nil {
		return nil, err
	}
	f := m.Value()
	t, err := s.ledger.confirm(f.TradeNo, f.MerchantID, f.Consumer, s.clock.Now())
	if err != nil {
		return nil, err
	}
	return payment.SignFulfilmentResult(s.signer(), payment.FulfilmentResult{
		RequestID: f.RequestID, PSPID: s.id(), TradeNo: f.TradeNo, MerchantID: f.MerchantID, TradeState: t.state, ConfirmedAt: t.confirmed,
	})
}
