package server_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/internal/localtls"
	"github.com/actprotocol/act-go/examples/processor/book/booktest"
	"github.com/actprotocol/act-go/examples/processor/internal/fixture"
	"github.com/actprotocol/act-go/examples/processor/internal/judge"
	"github.com/actprotocol/act-go/examples/processor/ledger"
	"github.com/actprotocol/act-go/examples/processor/openapi"
	"github.com/actprotocol/act-go/examples/processor/server"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

const operatorToken = "operator-token-of-these-tests-0123456789"

// world is a processor behind real TLS on loopback, with parties who have an
// account, a token and 100 yuan.
type world struct {
	*fixture.Parties
	t      testing.TB
	server *server.Server
	client *http.Client
	ca     *localtls.CA
	token  string
	status *statusBoard
	log    *syncBuffer
	clock  *atomic.Int64
}

// statusBoard is a source of states that tests write on.
type statusBoard struct {
	mu     sync.Mutex
	state  delegation.Status
	err    error
	asked  chan<- struct{} // told of the next question, which waits for answer
	answer <-chan struct{}
}

func (b *statusBoard) Status(ctx context.Context, _ delegation.StatusReference, _ string, _ time.Time) (delegation.Status, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.asked != nil {
		close(b.asked)
		b.asked = nil
		select {
		case <-b.answer:
		case <-ctx.Done():
			return 0, protocol.Wrap(protocol.CodeStatusUnavailable, "status", "ADD-IAC-LCM-10", "the caller did not wait", ctx.Err())
		}
	}
	return b.state, b.err
}

func (b *statusBoard) hold(asked chan<- struct{}, answer <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked, b.answer = asked, answer
}

func (b *statusBoard) set(s delegation.Status, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state, b.err = s, err
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, status: new(statusBoard), log: new(syncBuffer), clock: new(atomic.Int64)}
	w.clock.Store(time.Now().UnixNano())
	now := func() time.Time { return time.Unix(0, w.clock.Load()).UTC() }

	web := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.server.ServeHTTP(rw, r) }))
	_, port, err := net.SplitHostPort(web.Listener.Addr().String())
	w.must(err)
	id, err := identity.NewActDID("localhost:"+port, "psp")
	w.must(err)
	w.Parties = fixture.New(t, "home.example", id.String(), now)

	private, err := keys.Generate(keys.EdDSA)
	w.must(err)
	signer, err := keys.NewSigner(id.String()+"#proof-1", keys.Proof, private)
	w.must(err)
	book, err := ledger.Open(ledger.Config{Path: filepath.Join(t.TempDir(), "ledger.db"), Now: now})
	w.must(err)
	t.Cleanup(func() { w.must(book.Close()) })
	ctx := context.Background()
	w.server, err = server.New(ctx, server.Config{
		ID: id, Signer: signer, Ledger: book, Keys: verifier.NewStaticKeys(w.Documents()...), Status: w.status,
		OperatorToken: operatorToken, Log: w.logger(), Now: now,
	})
	w.must(err)
	t.Cleanup(w.server.Close) // before the book's

	w.ca, err = localtls.NewCA()
	w.must(err)
	web.TLS, err = w.ca.ServerConfig()
	w.must(err)
	web.StartTLS()
	t.Cleanup(web.Close)
	plain := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.ca.Pool()}, MaxIdleConnsPerHost: 256}
	documented := judge.New(t, openapi.Document(), plain) // every exchange is as documented
	t.Cleanup(func() { served.add(documented.Seen()) })
	w.client = &http.Client{Transport: documented}
	t.Cleanup(w.client.CloseIdleConnections)
	w.furnish(ctx)
	return w
}

func (w *world) logger() *slog.Logger { return slog.New(slog.NewTextHandler(w.log, nil)) }

func (w *world) furnish(ctx context.Context) {
	w.t.Helper()
	cny := w.CNY("0").Currency()
	w.must(w.server.OpenPrincipal(ctx, w.Owner, cny))
	w.must(w.server.RegisterMerchant(ctx, w.Shop.DID(), cny))
	w.must(w.server.TrustIssuer(ctx, w.Issue.DID(), w.Owner, true))
	w.must(w.server.Deposit(ctx, "d-1", w.Owner, w.CNY("100")))
	token, err := w.server.BindToken(ctx, server.Binding{
		Principal: w.Owner, Agent: w.Agent.DID(), Currency: cny, ValidUntil: w.Now().Add(time.Hour),
	})
	w.must(err)
	w.token = token
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) add(d time.Duration) { w.clock.Add(int64(d)) }

// latte is a request for a latte by a fresh SPECIFIED mandate.
func (w *world) latte(amount string) payment.Request {
	id, iac := w.Mandate(delegation.Specified, nil)
	return w.Request(id, iac, w.token, amount)
}

// post sends a message and returns status and body.
func (w *world) post(path string, message []byte) (int, []byte) {
	w.t.Helper()
	status, body, err := w.try(path, message)
	w.must(err)
	return status, body
}

func (w *world) try(path string, message []byte) (int, []byte, error) {
	resp, err := w.client.Post(w.server.Endpoint()+path, "application/json", bytes.NewReader(message))
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

// refusal is what a failed answer says.
type refusal struct {
	Error struct {
		Code        protocol.Code    `json:"code"`
		Field       string           `json:"field"`
		Requirement string           `json:"requirement"`
		Detail      string           `json:"detail"`
		Outcome     string           `json:"outcome"`
		Checks      []protocol.Check `json:"checks"`
		Payment     string           `json:"payment_request_id"`
		A402        struct {
			Category string `json:"category"`
			Details  struct {
				Code protocol.Code `json:"code"`
			} `json:"details"`
		} `json:"a402"`
	} `json:"error"`
}

// wantRefusal posts and expects a code.
func (w *world) wantRefusal(path string, message []byte, code protocol.Code) refusal {
	w.t.Helper()
	status, body := w.post(path, message)
	var r refusal
	if err := canon.DecodeOpen(body, &r); err != nil {
		w.t.Fatalf("status %d: %v in %s", status, err, body)
	}
	if r.Error.Code != code || status != payment.HTTPStatus(code) || r.Error.A402.Details.Code != code {
		w.t.Fatalf("got %d and %s, want %q", status, body, code)
	}
	return r
}

// pay posts a payment and expects a result.
func (w *world) pay(message []byte) payment.Result {
	w.t.Helper()
	status, body := w.post("/payments", message)
	if status != http.StatusOK {
		w.t.Fatalf("status %d: %s", status, body)
	}
	u, err := payment.ParseResult(body)
	w.must(err)
	w.must(u.Verify(w.server.Document().Keys[0].Public))
	return u.Result
}

func (w *world) balance(owner string) int64 {
	w.t.Helper()
	accounts, err := w.server.Ledger().Accounts(context.Background())
	w.must(err)
	for _, a := range accounts {
		if a.Owner == owner {
			return a.Balance
		}
	}
	return 0
}

// sound audits the book and looks for words that must not be in the log.
func (w *world) sound() {
	w.t.Helper()
	report, err := w.server.Ledger().Audit(context.Background())
	if err != nil {
		w.t.Fatalf("audit: %s", booktest.Explain(err))
	}
	for _, p := range report.Problems {
		w.t.Errorf("audit: %s", p)
	}
	for _, secret := range []string{w.token, operatorToken, "eyJ", w.Owner, w.Agent.DID()} {
		if strings.Contains(w.log.String(), secret) {
			w.t.Errorf("the log holds what it should not")
		}
	}
}

// psp is a key source that resolves over HTTPS, as counterparties do.
func (w *world) resolver() *verifier.Resolver {
	return verifier.NewResolver(verifier.ResolverConfig{RootCAs: w.ca.Pool(), InsecureAllowLoopback: true, Now: w.Now})
}
