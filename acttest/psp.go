package acttest

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
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

	verifier *verifier.Verifier
	clock    *Clock
	ledger   *ledger

	mu     sync.Mutex
	faults map[string][]Fault
	calls  map[string]int
}

// A Fault is one way in which a call goes wrong.
type Fault int

// The faults.
const (
	// Refuse answers 503 before anything is looked at.
	Refuse Fault = iota + 1
	// LoseRequest cuts the connection before anything is looked at.
	LoseRequest
	// LoseAnswer does everything and then cuts the connection.
	LoseAnswer
)

// NewPSP starts a provider that is closed with the test. balance is what the
// account has, in minor units of whatever currency is asked for.
func NewPSP(t TB, v *verifier.Verifier, c *Clock, p *Party, balance int64) *PSP {
	t.Helper()
	s := &PSP{
		Party: p, Token: "token-" + canon.Nonce(), verifier: v, clock: c, ledger: newLedger(balance),
		faults: make(map[string][]Fault), calls: make(map[string]int),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /payments", s.serve(s.pay))
	mux.HandleFunc("POST /queries", s.serve(s.query))
	mux.HandleFunc("POST /consumptions", s.serve(s.consume))
	mux.HandleFunc("POST /fulfilments", s.serve(s.confirm))
	s.Server = httptest.NewTLSServer(mux)
	t.Cleanup(s.Server.Close)
	return s
}

// Fail makes the next calls of a path, "/payments" for example, go wrong, one
// fault a call.
func (s *PSP) Fail(path string, faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
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
// confirmed.
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

// serve turns a function from message to answer into a handler.
func (s *PSP) serve(f func(context.Context, []byte) ([]byte, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		fault := s.next(r.URL.Path)
		switch fault {
		case Refuse:
			problem.Write(w, protocol.New(protocol.CodeServiceUnavailable, "", "", "out of order"), 1)
			return
		case LoseRequest:
			panic(http.ErrAbortHandler)
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

func (s *PSP) id() string { return s.Party.DID.String() }

func (s *PSP) expect() verifier.PaymentExpectation {
	return verifier.PaymentExpectation{PSP: s.id()}
}

func (s *PSP) signer() *keys.Signer { return s.Party.Signer(keys.Proof) }

func (s *PSP) pay(ctx context.Context, raw []byte) ([]byte, error) {
	request, err := s.verifier.PaymentRequest(ctx, raw, s.expect())
	if err != nil {
		return nil, err
	}
	if err := request.UseNonce(ctx); err != nil {
		return nil, err
	}
	q, digest := request.Request(), request.ContentDigest()
	id := requestID{q.BuyerAgentID, q.RequestID}
	result, known, err := s.ledger.earlier(id, digest)
	if !known {
		var authorized *verifier.AuthorizedPayment
		if authorized, err = request.Authorize(ctx); err == nil {
			result, err = s.ledger.debit(authorized, digest, s.Token, s.finish(authorized))
		} else {
			result, err = s.ledger.refuse(id, digest, err)
		}
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
