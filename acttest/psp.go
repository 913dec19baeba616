package acttest

import (
	"bytes"
	"cmp"
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
	"github.com/actprotocol/act-go/provider"
	"github.com/actprotocol/act-go/verifier"
)

// ProofLife is how long the proofs of the PSP double are good.
const ProofLife = 30 * time.Minute

// A PSP is a double of a payment service provider: an HTTPS server that speaks
// SPEC.md 6, by package provider, with real signatures and a ledger in memory.
// It can be made to misbehave as networks and providers do.
//
// An instant payment waits until the test says what the principal does, with
// Confirm or Cancel; the address of the cashier is one at which nothing is
// served.
type PSP struct {
	Party  *Party
	Server *httptest.Server
	Token  string // the payment token that it accepts, of one account

	t        TB
	verifier *verifier.Verifier
	provider *provider.Provider
	clock    *Clock
	house    *house

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

// NewPSP starts a provider that is closed with the test. balance is what each
// principal's account has at first, in minor units of whatever currency is asked
// for.
func NewPSP(t TB, v *verifier.Verifier, c *Clock, p *Party, balance int64) *PSP {
	t.Helper()
	s := &PSP{
		Party: p, Token: "token-" + canon.Nonce(), t: t, verifier: v, clock: c,
		faults: make(map[string][]Fault), calls: make(map[string]int),
	}
	s.house = newHouse(c, s.Token, balance)
	var err error
	s.provider, err = provider.New(provider.Config{
		Signer: p.Signer(keys.Proof), Verifier: v, Ledger: s.house, ProofLife: ProofLife, Now: c.Now,
		Cashier: func(_ context.Context, t *provider.Trade) (string, error) {
			return s.Server.URL + "/cashier/" + t.No, nil
		},
		Bindings: s.house,
		BindingPage: func(_ context.Context, b *provider.Binding) (string, error) {
			return s.Server.URL + bindingPath + b.ID, nil
		},
	})
	check(t, err)
	mux := http.NewServeMux()
	for _, path := range []string{provider.PathPayments, provider.PathQueries, provider.PathConsumptions, provider.PathFulfilments, provider.PathInstruments, provider.PathBindings, provider.PathRefunds, provider.PathTrades} {
		s.faults[path] = nil
		mux.Handle("POST "+path, s.serve(path, s.provider.Handler()))
	}
	s.Server = httptest.NewTLSServer(mux)
	t.Cleanup(s.Server.Close)
	return s
}

// Fail makes the next calls of a path go wrong, one fault a call. The paths are
// "/payments", "/queries", "/consumptions", "/fulfilments", "/instruments", "/bindings", "/refunds" and
// "/trades"; any other one, and an unknown fault, ends the test.
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

// Ledger is the provider's book: to freeze a sub-account, to look at a trade. A
// token that is bound there is not Token, and is known beside it.
func (s *PSP) Ledger() *provider.MemoryLedger { return s.house.MemoryLedger }

// Balance is what the account still has, in minor units.
func (s *PSP) Balance() int64 { return s.house.left() }

// Trades is how many payments were made, and how many of their deliveries were
// confirmed. A shop confirms behind the buyer's back: call Shop.Flush first, or
// confirmed is anything up to the right number.
func (s *PSP) Trades() (paid, confirmed int) {
	for _, t := range s.house.Trades() {
		if !t.PaidAt.IsZero() {
			paid++
		}
		if !t.ConfirmedAt.IsZero() {
			confirmed++
		}
	}
	return paid, confirmed
}

// Waiting are the instant payments that wait for the principal, in no order.
func (s *PSP) Waiting() []provider.Trade {
	var out []provider.Trade
	for _, t := range s.house.Trades() {
		if t.Waiting() {
			out = append(out, t)
		}
	}
	return out
}

// Confirm is the principal who confirms an instant payment, by the trade_no of
// the payment.Pending. The error says what the provider refused.
func (s *PSP) Confirm(tradeNo string) error {
	_, err := s.provider.Confirm(context.Background(), tradeNo, provider.Confirmation{Method: "acttest", At: s.clock.Now()})
	return err
}

// Cancel is the principal who cancels one.
func (s *PSP) Cancel(tradeNo string) error {
	return s.provider.Decline(context.Background(), tradeNo, protocol.CodeConfirmationFailed)
}

// OpenSubAccount opens a sub-account of a principal for an agent, which
// authorises payments from it by key, and moves funds there from the
// principal's account.
func (s *PSP) OpenSubAccount(principal, agent string, key keys.PublicKey, funds money.Amount) (id string, err error) {
	id, currency := "sub-"+canon.Nonce(), funds.Currency().Code()
	if err := s.house.welcome(principal, currency); err != nil {
		return "", err
	}
	if err := s.house.OpenSubAccount(provider.SubAccount{ID: id, Principal: principal, Agent: agent, Currency: currency, Key: key}); err != nil {
		return "", err
	}
	return id, s.house.FundSubAccount(id, funds.Minor())
}

// Notification is what the provider POSTs to a shop when something has happened
// to a trade (SPEC.md 6.14), signed now: for tests of merchant.NotificationHandler.
// PSPID and Timestamp are set here, and of MerchantID, OccurredAt and TradeState
// what is left empty.
func (s *PSP) Notification(n payment.Notification) []byte {
	s.t.Helper()
	n.PSPID, n.Timestamp = s.provider.ID(), s.clock.Now()
	n.MerchantID = cmp.Or(n.MerchantID, ShopDID)
	if n.OccurredAt.IsZero() {
		n.OccurredAt = n.Timestamp
	}
	if n.TradeState == "" {
		n.TradeState = payment.StateWaitSellerFulfillment
		if n.Event == payment.NotifyClosed {
			n.TradeState = payment.StateTradeClosed
		}
	}
	message, err := payment.SignNotification(s.Party.Signer(keys.Proof), n)
	check(s.t, err)
	return message
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

// serve puts the faults in front of the provider.
func (s *PSP) serve(path string, good http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault := s.next(path)
		code, denies := fault.denied()
		switch {
		case fault == Unavailable:
			problem.Write(w, protocol.New(protocol.CodeServiceUnavailable, "", "", "out of order"), 1)
		case fault == LoseRequest:
			panic(http.ErrAbortHandler)
		case fault == LoseAnswer:
			good.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		case denies:
			s.deny(w, r, path, code, good)
		default:
			good.ServeHTTP(w, r)
		}
	})
}

// deny refuses what it is asked. A payment request that is authentic and new is
// refused as its first answer; one that has its answer gets that.
func (s *PSP) deny(w http.ResponseWriter, r *http.Request, path string, code protocol.Code, good http.Handler) {
	var d protocol.Decision
	d.Fail(code, "", "denied by the test", "", "")
	refusal := protocol.AsError(d.Err())
	if path != provider.PathPayments {
		problem.Write(w, refusal, 1)
		return
	}
	message, err := io.ReadAll(http.MaxBytesReader(w, r.Body, canon.DefaultMaxBytes))
	if err == nil {
		err = s.first(r.Context(), message, refusal)
	}
	if err != nil {
		problem.Write(w, err, 1)
		return
	}
	again := r.Clone(r.Context())
	again.Body = io.NopCloser(bytes.NewReader(message))
	good.ServeHTTP(w, again)
}

// first makes a refusal the first answer to a payment request, and returns it.
// Nil is for a request that has an answer: its nonce is still to be used.
func (s *PSP) first(ctx context.Context, message []byte, refusal *protocol.Error) error {
	authentic, err := s.verifier.PaymentRequest(ctx, message, verifier.PaymentExpectation{PSP: s.provider.ID()})
	if err != nil {
		return err
	}
	q := authentic.Request()
	request := provider.Request{Agent: q.BuyerAgentID, ID: q.RequestID, Digest: authentic.ContentDigest(), Nonce: authentic.TakeNonce()}
	if known, err := s.house.Lookup(ctx, request); known != nil || err != nil {
		return nil
	}
	if !payment.Final(refusal.Code) {
		if err := s.house.UseNonce(ctx, request.Nonce); err != nil {
			return err
		}
		return refusal
	}
	_, err = s.house.Refuse(ctx, request, refusal)
	return err
}
