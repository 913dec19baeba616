package stage

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actprotocol/act-go/examples/internal/localtls"
	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/examples/processor/ledger"
	"github.com/actprotocol/act-go/examples/processor/server"
	"github.com/actprotocol/act-go/issuer"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/provider"
	"github.com/actprotocol/act-go/psp"
	"github.com/actprotocol/act-go/verifier"
)

// Method is how everybody on the stage pays.
const Method = "urn:act:payment:example-wallet"

// statusTTL is how long others may keep the list of states; a real issuer says
// more.
const statusTTL = time.Second

// CNY is the money on the stage.
var CNY = must(money.ParseCurrency("CNY"))

// Yuan is an amount, for constants of a scenario.
func Yuan(amount string) money.Amount { return must(money.Parse(amount, CNY)) }

// A World is the street on which a story happens.
type World struct {
	*Narrator
	Processor *server.Server
	Book      *ledger.Ledger
	Issuer    *issuer.Issuer // of the bank
	Bank      *Party

	ca     *localtls.CA
	folder string
	home   *Site // of the bank, its customers and their agents

	archive *archive // nil unless Narrator.Evidence is set

	mu      sync.Mutex // several parties may move in at the same time
	servers []*http.Server
	closed  []func(context.Context) error
	people  []*Person
	stores  []*Store

	paid     atomic.Pointer[protocol.Decision] // the processor's last decision to pay
	bindings atomic.Pointer[bindingDesk]       // nil until AskForBindings
	ahead    atomic.Int64                      // of the real clock, in nanoseconds
}

// Now is the time of the story, by which everybody in it goes.
func (w *World) Now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

// Pass lets time pass, when all that happened is recorded: what is recorded
// later would be anchored later. What cannot be recorded is told by Evidence.
func (w *World) Pass(d time.Duration) {
	if w.archive != nil {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = w.archive.settle(ctx)
	}
	w.ahead.Add(int64(d))
}

// longest is more than any story takes. One that leaves evidence begins so long
// ago: what it has signed is in nobody's future when the evidence is verified.
const longest = 2 * 365 * 24 * time.Hour

// New opens the processor and the bank. Close ends everything, also after an
// error.
func New(ctx context.Context, n *Narrator) (w *World, err error) {
	w = &World{Narrator: n}
	if w.ca, err = localtls.NewCA(); err != nil {
		return w, err
	}
	if w.folder, err = os.MkdirTemp("", "act-stage-"); err != nil {
		return w, err
	}
	if n.Evidence != "" {
		w.ahead.Store(-int64(longest))
		if err := w.openChain(ctx); err != nil {
			return w, err
		}
	}
	if err := w.openProcessor(ctx); err != nil {
		return w, err
	}
	return w, w.openBank()
}

// patience is how long the end of a world may take.
const patience = 20 * time.Second

// Close ends everything: shops finish what they owe the processor, clients hang
// up, servers end, and the book is closed last. It is called once, when nothing
// else happens any more.
func (w *World) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var errs []error
	for i := len(w.closed) - 1; i >= 0; i-- {
		errs = append(errs, w.closed[i](ctx))
	}
	ended := make(chan error, len(w.servers))
	for _, s := range w.servers {
		go func() { ended <- s.Shutdown(ctx) }()
	}
	for range w.servers {
		errs = append(errs, <-ended)
	}
	if w.Processor != nil {
		w.Processor.Close()
	}
	if w.Book != nil {
		errs = append(errs, w.Book.Close())
	}
	if w.archive != nil {
		errs = append(errs, w.archive.chain.Close())
	}
	if w.folder != "" {
		errs = append(errs, os.RemoveAll(w.folder))
	}
	return errors.Join(errs...)
}

// atEnd has Close call something, before what was there earlier.
func (w *World) atEnd(end func(context.Context) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = append(w.closed, end)
}

// opened adds a store to the street.
func (w *World) opened(s *Store) {
	w.atEnd(s.Shop.Close)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stores = append(w.stores, s)
}

// Flush waits until the processor knows of everything that the stores have
// delivered.
func (w *World) Flush(ctx context.Context) error {
	w.mu.Lock()
	stores := slices.Clone(w.stores)
	w.mu.Unlock()
	var errs []error
	for _, s := range stores {
		errs = append(errs, s.Shop.Flush(ctx))
	}
	return errors.Join(errs...)
}

// Resolver fetches identity documents from this machine, and from nowhere else
// because no other certificate is trusted.
func (w *World) Resolver() *verifier.Resolver {
	return verifier.NewResolver(verifier.ResolverConfig{RootCAs: w.ca.Pool(), InsecureAllowLoopback: true, Now: w.Now})
}

// NewVerifier makes a verifier for one party; trusts says whose mandates it
// believes for whom. An empty [verifier.IssuerMap] is for those who are never
// shown one.
func (w *World) NewVerifier(trusts verifier.IssuerPolicy) (*verifier.Verifier, error) {
	resolver := w.Resolver()
	status, err := w.statusClient(resolver)
	if err != nil {
		return nil, err
	}
	return verifier.New(verifier.Config{
		Issuers: trusts, Keys: resolver, Status: status, Replay: verifier.NewMemoryReplay(0, w.Now), Now: w.Now,
	})
}

func (w *World) statusClient(source verifier.KeySource) (*verifier.StatusClient, error) {
	return verifier.NewStatusClient(verifier.StatusConfig{Keys: source, RootCAs: w.ca.Pool(), InsecureAllowLoopback: true, Now: w.Now})
}

// NewClient returns a client that trusts this world's certificates only; wire
// sees what it sends and gets.
func (w *World) NewClient(wire *Wiretap) *http.Client {
	base := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.ca.Pool()}, ForceAttemptHTTP2: true}
	w.atEnd(func(context.Context) error { base.CloseIdleConnections(); return nil })
	return &http.Client{Transport: wire.Over(base), Timeout: 30 * time.Second}
}

// Provider returns the processor as somebody with this key sees it.
func (w *World) Provider(signer *keys.Signer, wire *Wiretap) (*psp.Client, error) {
	v, err := w.NewVerifier(verifier.IssuerMap{})
	if err != nil {
		return nil, err
	}
	return psp.New(psp.Config{
		ID: w.Processor.ID().String(), Endpoint: w.Processor.Endpoint(), Signer: signer, Verifier: v, HTTP: w.NewClient(wire), Now: w.Now,
	})
}

// openProcessor starts the reference payment processor on a file of its own.
func (w *World) openProcessor(ctx context.Context) error {
	site, err := w.NewSite()
	if err != nil {
		return err
	}
	p, err := site.party("psp", keys.Proof)
	if err != nil {
		return err
	}
	if w.Book, err = ledger.Open(ledger.Config{Path: filepath.Join(w.folder, "ledger.db"), Now: w.Now}); err != nil {
		return err
	}
	resolver := w.Resolver()
	status, err := w.statusClient(resolver)
	if err != nil {
		return err
	}
	w.Processor, err = server.New(ctx, server.Config{
		ID: p.DID, Signer: p.Signer(keys.Proof), Ledger: w.Book, Keys: resolver, Status: status, Now: w.Now,
		Risk: w.demandBinding, Attest: w.attestsPayments(p.ID()), OtherKeys: p.evidenceKeys(),
		Decided: func(v provider.Verdict) {
			if v.Decision.Allowed() {
				w.paid.Store(&v.Decision)
			}
		},
	})
	if err != nil {
		return err
	}
	site.Mux.HandleFunc("/", w.receive)
	return nil
}

// openBank starts the site of the bank: it issues mandates, publishes their
// state, and hosts the documents of its customers' agents.
func (w *World) openBank() (err error) {
	if w.home, err = w.NewSite(); err != nil {
		return err
	}
	if w.Bank, err = w.home.party("bank", keys.IssueAuthorization, keys.Status); err != nil {
		return err
	}
	w.Issuer, err = issuer.New(issuer.Config{
		DID: w.Bank.DID, Signer: w.Bank.Signer(keys.IssueAuthorization), StatusSigner: w.Bank.Signer(keys.Status),
		ListURI: w.home.URL() + "/status/1", Store: issuer.NewMemoryStore(), TTL: statusTTL, Now: w.Now,
		Attest: w.attests(w.Bank.ID()), OtherKeys: w.Bank.evidenceKeys(),
	})
	if err != nil {
		return err
	}
	w.home.Mux.Handle("/", w.Issuer.Handler())
	return nil
}

// Decided is the processor's last decision to pay.
func (w *World) Decided() protocol.Decision {
	if d := w.paid.Load(); d != nil {
		return *d
	}
	return protocol.Decision{}
}

// Audit prints the processor's accounts, recomputes them from the entries, and
// fails when they do not balance or when anybody has spent another sum than
// spent says, by the identifier of the person. It waits for the stores first
// (Flush). names are for owners that the reader knows by another name than the
// stage does.
func (w *World) Audit(ctx context.Context, names map[string]string, spent map[string]money.Amount) error {
	if err := w.Flush(ctx); err != nil {
		return err
	}
	accounts, err := w.Book.Accounts(ctx)
	if err != nil {
		return err
	}
	sum := int64(0)
	var rows [][]string
	balances := map[string]int64{}
	for _, a := range accounts {
		sum += a.Balance
		balances[a.Owner] += a.Balance
		name := names[a.Owner]
		if name == "" {
			name = w.NameOf(a.Owner)
		}
		rows = append(rows, []string{name, string(a.Kind), a.Currency, Minor(a.Balance)})
	}
	w.Table([]string{"account", "kind", "currency", "balance"}, append(rows, []string{"sum", "", "", Minor(sum)}))
	report, err := w.Book.Audit(ctx)
	if err != nil {
		return err
	}
	if sum != 0 || !report.Sound() {
		return errors.New("the ledger does not balance")
	}
	for _, p := range w.people {
		if got, want := p.Deposited.Minor()-balances[p.ID()], spent[p.ID()].Minor(); got != want {
			return fmt.Errorf("%s has spent %s, and has bought for %s", p.Name, Minor(got), Minor(want))
		}
	}
	w.Notes("psp", "recomputed from the entries: sound (PSD-PAY-DEL-07)")
	return nil
}

// NameOf is what the story calls the owner of an account: a person or a store
// by its identifier. Of others it is the identifier.
func (w *World) NameOf(owner string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.people {
		if p.ID() == owner {
			return p.Name
		}
	}
	for _, s := range w.stores {
		if s.ID == owner {
			return s.Name
		}
	}
	if owner == book.External {
		return "outside world"
	}
	return owner
}

// Minor is a sum of the ledger, for people.
func Minor(minor int64) string {
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	a, err := money.FromMinor(minor, CNY)
	if err != nil {
		return "?"
	}
	return sign + a.String()
}

// must is for constants.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
