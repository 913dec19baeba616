package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/actprotocol/act-go/examples/internal/localtls"
	"github.com/actprotocol/act-go/examples/processor/ledger"
	"github.com/actprotocol/act-go/examples/processor/server"
	"github.com/actprotocol/act-go/issuer"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/provider"
	"github.com/actprotocol/act-go/psp"
	"github.com/actprotocol/act-go/verifier"
)

const (
	method    = "urn:act:payment:example-wallet"
	statusTTL = time.Second // how long others may keep the list of states; a real issuer says more
)

// noMandates is the policy of those who are never shown one.
var noMandates = verifier.IssuerMap{}

// deposited is what the principal has at first.
var deposited = mustParse("100.00")

var yuan = must(money.ParseCurrency("CNY"))

// A world is the street on which the story happens: four sites on loopback,
// each with its own address, keys and identity documents, that know each other
// by HTTPS only.
type world struct {
	ca     *localtls.CA
	folder string
	sites  []*http.Server
	closed []func(context.Context) error

	principal identity.DID
	bank      identity.DID
	agent     *keys.Signer
	token     string // the agent's payment token
	issuer    *issuer.Issuer
	processor *server.Server
	book      *ledger.Ledger
	shop, tea *store
	paid      atomic.Pointer[protocol.Decision] // the processor's last decision to pay
}

func newWorld(ctx context.Context) (w *world, err error) {
	w = new(world)
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close(ctx))
		}
	}()
	if w.ca, err = localtls.NewCA(); err != nil {
		return w, err
	}
	if w.folder, err = os.MkdirTemp("", "coffee-"); err != nil {
		return w, err
	}
	for _, open := range []func(context.Context) error{w.openProcessor, w.openIssuer, w.openShops, w.openAccounts} {
		if err := open(ctx); err != nil {
			return w, err
		}
	}
	return w, nil
}

// close ends everything: shops finish what they owe the processor, clients hang
// up, servers end, and the book is closed last.
func (w *world) close(ctx context.Context) error {
	var errs []error
	for i := len(w.closed) - 1; i >= 0; i-- {
		errs = append(errs, w.closed[i](ctx))
	}
	ended := make(chan error, len(w.sites))
	for _, site := range w.sites {
		go func() { ended <- site.Shutdown(ctx) }()
	}
	for range w.sites {
		errs = append(errs, <-ended)
	}
	if w.book != nil {
		errs = append(errs, w.book.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(w.folder))...)
}

// listen takes a free port on loopback. Serving begins when the site knows its
// own name and therefore its identifiers.
func listen() (net.Listener, string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	return l, fmt.Sprintf("localhost:%d", l.Addr().(*net.TCPAddr).Port), nil
}

func (w *world) serve(l net.Listener, h http.Handler) error {
	config, err := w.ca.ServerConfig()
	if err != nil {
		return err
	}
	site := &http.Server{Handler: h, TLSConfig: config, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second}
	w.sites = append(w.sites, site)
	go func() { _ = site.ServeTLS(l, "", "") }() // ends with Shutdown
	return nil
}

// newSigner makes a party's key for one purpose.
func newSigner(did identity.DID, purpose keys.Purpose) (*keys.Signer, error) {
	key, err := keys.Generate(keys.EdDSA)
	if err != nil {
		return nil, err
	}
	return keys.NewSigner(did.String()+"#"+string(purpose), purpose, key)
}

// publish serves the identity document of a party with these keys.
func publish(mux *http.ServeMux, did identity.DID, signers ...*keys.Signer) error {
	doc := identity.Document{ID: did}
	for _, s := range signers {
		doc.Keys = append(doc.Keys, identity.Key{ID: s.KeyID(), Public: s.Public(), Purpose: s.Purpose()})
	}
	text, err := doc.Encode()
	if err != nil {
		return err
	}
	address, err := did.DocumentURL()
	if err != nil {
		return err
	}
	mux.HandleFunc("GET "+strings.TrimPrefix(address, "https://"+did.Host()), func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/did+json")
		_, _ = rw.Write(text)
	})
	return nil
}

// resolver fetches identity documents from this machine, and from nowhere else
// because no other certificate is trusted.
func (w *world) resolver() *verifier.Resolver {
	return verifier.NewResolver(verifier.ResolverConfig{RootCAs: w.ca.Pool(), InsecureAllowLoopback: true})
}

// newVerifier makes a verifier for one party; trusts says whose mandates it
// believes for whom.
func (w *world) newVerifier(trusts verifier.IssuerPolicy) (*verifier.Verifier, error) {
	resolver := w.resolver()
	status, err := w.statusClient(resolver)
	if err != nil {
		return nil, err
	}
	return verifier.New(verifier.Config{
		Issuers: trusts, Keys: resolver, Status: status, Replay: verifier.NewMemoryReplay(0, nil),
	})
}

func (w *world) statusClient(source verifier.KeySource) (*verifier.StatusClient, error) {
	return verifier.NewStatusClient(verifier.StatusConfig{Keys: source, RootCAs: w.ca.Pool(), InsecureAllowLoopback: true})
}

// openProcessor starts the reference payment processor on a file of its own.
func (w *world) openProcessor(ctx context.Context) error {
	l, host, err := listen()
	if err != nil {
		return err
	}
	id, err := identity.NewActDID(host, "psp")
	if err != nil {
		return err
	}
	signer, err := newSigner(id, keys.Proof)
	if err != nil {
		return err
	}
	if w.book, err = ledger.Open(ledger.Config{Path: filepath.Join(w.folder, "ledger.db")}); err != nil {
		return err
	}
	resolver := w.resolver()
	status, err := w.statusClient(resolver)
	if err != nil {
		return err
	}
	w.processor, err = server.New(ctx, server.Config{
		ID: id, Signer: signer, Ledger: w.book, Keys: resolver, Status: status,
		Decided: func(v provider.Verdict) {
			if v.Decision.Allowed() {
				w.paid.Store(&v.Decision)
			}
		},
	})
	if err != nil {
		return err
	}
	return w.serve(l, w.processor)
}

// openIssuer starts the site of the principal's bank: it issues mandates,
// publishes their state, and hosts the documents of principal and agent.
func (w *world) openIssuer(context.Context) error {
	l, host, err := listen()
	if err != nil {
		return err
	}
	if w.bank, err = identity.NewActDID(host, "bank"); err != nil {
		return err
	}
	if w.principal, err = identity.NewActDID(host, "principal"); err != nil {
		return err
	}
	agentID, err := identity.NewActDID(host, "agent")
	if err != nil {
		return err
	}
	issuing, err := newSigner(w.bank, keys.IssueAuthorization)
	if err != nil {
		return err
	}
	status, err := newSigner(w.bank, keys.Status)
	if err != nil {
		return err
	}
	if w.agent, err = newSigner(agentID, keys.AgentRequest); err != nil {
		return err
	}
	w.issuer, err = issuer.New(issuer.Config{
		DID: w.bank, Signer: issuing, StatusSigner: status, ListURI: "https://" + host + "/status/1",
		Store: issuer.NewMemoryStore(), TTL: statusTTL,
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/", w.issuer.Handler())
	if err := publish(mux, agentID, w.agent); err != nil {
		return err
	}
	return w.serve(l, mux)
}

// openAccounts does what happens once, long before any purchase: the processor
// opens accounts, takes 100 yuan in, and gives the agent a payment token.
func (w *world) openAccounts(ctx context.Context) (err error) {
	p := w.processor
	if err := p.OpenPrincipal(ctx, w.principal.String(), yuan); err != nil {
		return err
	}
	for _, s := range []*store{w.shop, w.tea} {
		if err := p.RegisterMerchant(ctx, s.id, yuan); err != nil {
			return err
		}
	}
	if err := p.Deposit(ctx, "first-deposit", w.principal.String(), deposited); err != nil {
		return err
	}
	if err := p.TrustIssuer(ctx, w.bank.String(), w.principal.String(), true); err != nil {
		return err
	}
	w.token, err = p.BindToken(ctx, server.Binding{
		Principal: w.principal.String(), Agent: w.agent.DID(), Currency: yuan, ValidUntil: time.Now().Add(24 * time.Hour),
	})
	return err
}

// newClient returns a client that trusts this world's certificates only; wire
// sees what it sends and gets.
func (w *world) newClient(wire *wiretap) *http.Client {
	base := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.ca.Pool()}, ForceAttemptHTTP2: true}
	w.closed = append(w.closed, func(context.Context) error { base.CloseIdleConnections(); return nil })
	return &http.Client{Transport: wire.over(base), Timeout: 30 * time.Second}
}

// provider returns the processor as somebody with this key sees it.
func (w *world) provider(signer *keys.Signer, wire *wiretap) (*psp.Client, error) {
	v, err := w.newVerifier(noMandates)
	if err != nil {
		return nil, err
	}
	return psp.New(psp.Config{
		ID: w.processor.ID().String(), Endpoint: w.processor.Endpoint(), Signer: signer, Verifier: v, HTTP: w.newClient(wire),
	})
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

func mustParse(amount string) money.Amount { return must(money.Parse(amount, yuan)) }

// must is for constants of this program.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
