package server

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/actprotocol/act-go/examples/processor/binding"
	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/examples/processor/cashier"
	"github.com/actprotocol/act-go/internal/body"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/provider"
	"github.com/actprotocol/act-go/verifier"
)

// DefaultBasePath is where the protocol's endpoints are.
const DefaultBasePath = "/act/v1"

// CashierPath is where principals confirm instant payments.
const CashierPath = "/cashier"

// Config is what [New] needs. ID, Signer, Ledger, Keys and Status are required.
type Config struct {
	ID     identity.DID          // of the processor, a did:act
	Signer *keys.Signer          // under ID, of purpose proof
	Ledger book.Book             // the store, *ledger.Ledger for example; the caller closes it, after the server
	Keys   verifier.KeySource    // documents of agents, merchants and issuers
	Status verifier.StatusSource // states of mandates

	BasePath      string        // DefaultBasePath when empty
	ProofLife     time.Duration // provider.DefaultProofLife when zero; a bill's replay window may end it earlier
	TimeToConfirm time.Duration // of an instant payment; provider.DefaultTimeToConfirm when zero
	OperatorToken string        // at least 32 characters; when empty there is no /admin

	// SignedIn, when set, reports whether a request comes from a browser in
	// which the operator has signed in: it may read the desk by GET, and change
	// nothing.
	SignedIn func(*http.Request) bool

	Log *slog.Logger // a line a request, and why look-ups failed; nothing when nil

	// Admit, when set, is asked for every message whose signature holds, before
	// anything else is done for it; see verifier.Config. With too_many_requests
	// it keeps one sender from wearing the others out.
	Admit func(ctx context.Context, sender string) error

	// Risk is the processor's risk control, see provider.Config; nil lets all
	// pass.
	Risk func(ctx context.Context, p *verifier.AuthorizedPayment) error

	// Decided, when set, is told of every payment that was made, begun,
	// confirmed or refused, with all checks of verifier and ledger. It must not
	// block.
	Decided func(provider.Verdict)

	// Report, when set, is given the event of every payment, later and from
	// another goroutine (PSD-PAY-A402-24): in order, at least once, also those
	// of a processor that was killed. An error means once more, with a growing
	// pause, and the events behind it wait; neither touches a payment. The
	// context ends after 30 seconds and with Close. When nil, events stay in
	// the ledger's outbox.
	Report func(ctx context.Context, e book.Event) error

	// Attest, when set, is given the draft of an attestation record for every
	// payment, in the way of Report and before it: recorder.Recorder.Record is
	// what it should call. An error means once more, and the payments behind it
	// wait. What no record can be made of is passed over, and told in the log: a
	// payment of which neither mandate nor order names an intent, and one that
	// Attest denies. A merchant chooses its order numbers, and one that looks like
	// an account number must not keep all later payments from being attested.
	Attest func(ctx context.Context, d attestation.Draft) error

	// Notify carries notifications to merchants (SPEC.md 6.14): by default
	// verifier.NewHTTPClient with 10 seconds for each, which reaches public
	// addresses alone.
	Notify *http.Client

	// Shared says that other processes write to the ledger too. What one of
	// them is told about issuers of mandates then holds here within a second.
	Shared bool

	// Cause, when set, names for the log what the ledger's database said when
	// that is why a request could not be answered; it quotes nothing.
	Cause func(error) string

	// OtherKeys are further keys for the processor's document, of purposes
	// attestation and anchor for example.
	OtherKeys []identity.Key

	Now func() time.Time // time.Now when nil
}

// A Server is the processor. It is safe for concurrent use. Close ends what it
// does beside answering.
type Server struct {
	id       identity.DID
	ledger   book.Book
	provider *provider.Provider
	cashier  *cashier.Cashier
	pages    *binding.Pages
	document *identity.Document
	basePath string
	operator [sha256.Size]byte
	log      *slog.Logger
	causes   *causes
	counts   *counts
	signedIn func(*http.Request) bool
	now      func() time.Time
	handler  http.Handler
	issuers  issuers
	setup    sync.Mutex // serialises changes of issuers
	reporter *reporter
	notifier *notifier
	follower *follower
	signer   *keys.Signer
}

// New checks the configuration, reads from the ledger who may issue mandates
// for whom, and returns a Server.
func New(ctx context.Context, c Config) (*Server, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	s := &Server{
		id: c.ID, ledger: c.Ledger, basePath: strings.TrimSuffix(c.BasePath, "/"),
		operator: sha256.Sum256([]byte(c.OperatorToken)), log: c.Log, now: c.Now,
	}
	if c.BasePath == "" {
		s.basePath = DefaultBasePath
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.counts, s.signedIn, s.signer = newCounts(), c.SignedIn, c.Signer
	if c.Notify == nil {
		c.Notify = verifier.NewHTTPClient(verifier.HTTPClientConfig{Timeout: noticeTimeout})
	}
	s.causes = &causes{log: s.log, now: s.now, failed: s.counts.lookups, database: c.Cause}
	own := identity.Key{ID: c.Signer.KeyID(), Public: c.Signer.Public(), Purpose: keys.Proof}
	s.document = &identity.Document{ID: c.ID, Keys: append([]identity.Key{own}, c.OtherKeys...)}
	documents, err := identity.Handler(s.document)
	if err != nil {
		return nil, err
	}
	trusts, err := c.Ledger.Issuers(ctx)
	if err != nil {
		return nil, err
	}
	s.issuers.load(trusts)
	if err := s.openPages(ctx); err != nil {
		return nil, err
	}
	if s.provider, err = s.newProvider(c); err != nil {
		return nil, err
	}
	s.handler = s.routes(documents, c.OperatorToken != "")
	s.reporter = startReporter(c.Ledger, s.reports(c), s.log)
	s.notifier = startNotifier(c.Ledger, s.notification, c.Notify, s.log)
	s.follower = s.follow(c.Shared)
	return s, nil
}

// denied reports whether an error is one of ours that says no. Everything else
// may go better another time.
func denied(err error) bool {
	code := protocol.CodeOf(err)
	return code.Known() && code.Outcome() == protocol.Denied
}

// reports is what is done with every event.
func (s *Server) reports(c Config) func(context.Context, book.Event) error {
	if c.Attest == nil {
		return c.Report
	}
	return func(ctx context.Context, e book.Event) error {
		t, err := c.Ledger.Trade(ctx, e.TradeNo)
		if err != nil {
			return err
		}
		draft, err := s.provider.Completed(t)
		if err != nil {
			return err
		}
		if draft.Links.IntentID == "" { // of no process that is known: no record can be made of it
			s.log.LogAttrs(ctx, slog.LevelWarn, "a payment without an intent is not attested")
		} else if err := c.Attest(ctx, draft); denied(err) {
			s.log.LogAttrs(ctx, slog.LevelWarn, "a payment cannot be attested", slog.String("code", string(protocol.CodeOf(err))))
		} else if err != nil {
			return err
		}
		if c.Report == nil {
			return nil
		}
		return c.Report(ctx, e)
	}
}

// newProvider puts the library's provider in front of the book.
func (s *Server) newProvider(c Config) (*provider.Provider, error) {
	v, err := verifier.New(verifier.Config{
		Issuers: &s.issuers, Keys: watchedKeys{c.Keys, s.causes}, Status: watchedStatus{c.Status, s.causes},
		Replay: c.Ledger, Admit: c.Admit, Now: s.now,
	})
	if err != nil {
		return nil, err
	}
	return provider.New(provider.Config{
		Signer: c.Signer, Verifier: v, Ledger: c.Ledger, Document: s.document,
		Cashier:     func(_ context.Context, t *provider.Trade) (string, error) { return s.cashier.URL(t.No), nil },
		Bindings:    c.Ledger,
		BindingPage: func(_ context.Context, b *provider.Binding) (string, error) { return s.pages.URL(b.ID), nil },
		Decided: func(v provider.Verdict) {
			s.counts.decided(v)
			if c.Decided != nil {
				c.Decided(v)
			}
			if v.Trade != nil && !v.Trade.PaidAt.IsZero() {
				s.reporter.wake()
			}
			if v.Trade != nil && !v.Trade.Waiting() {
				s.notifier.wake()
			}
		},
		Risk: c.Risk, TimeToConfirm: c.TimeToConfirm, ProofLife: c.ProofLife, Now: s.now,
	})
}

// Close stops the reporting of events and the telling of merchants, and waits
// until what is under way has ended. Requests are answered as before, and their events stay in the
// outbox. Close comes before that of the ledger, and may be called again.
func (s *Server) Close() {
	s.follower.stop()
	s.notifier.stop()
	s.reporter.stop()
}

func (c *Config) check() error {
	missing := func(field, detail string) error { return protocol.New(protocol.CodeFieldMissing, field, "", detail) }
	switch {
	case c.ID.Method() != identity.MethodAct:
		return protocol.New(protocol.CodeFieldInvalid, "ID", "IDN-02", "a did:act is needed")
	case c.Signer == nil:
		return missing("Signer", "the processor's key for proofs is needed")
	case c.Ledger == nil:
		return missing("Ledger", "a book is needed")
	case c.Keys == nil:
		return missing("Keys", "what finds the keys of others is needed")
	case c.Status == nil:
		return missing("Status", "what finds the state of mandates is needed")
	case c.Signer.DID() != c.ID.String() || c.Signer.Purpose() != keys.Proof:
		return protocol.New(protocol.CodeKeyPurpose, "Signer", "ADD-IAC-ISS-12", "a key of the processor, for proofs")
	case c.OperatorToken != "" && len(c.OperatorToken) < 32:
		return protocol.New(protocol.CodeFieldInvalid, "OperatorToken", "", "at least 32 characters")
	case c.BasePath != "" && !strings.HasPrefix(c.BasePath, "/"):
		return protocol.New(protocol.CodeFieldInvalid, "BasePath", "", "begins with a slash")
	}
	return nil
}

// ID is the processor's DID.
func (s *Server) ID() identity.DID { return s.id }

// Document is the processor's DID document; it must not be changed.
func (s *Server) Document() *identity.Document { return s.document }

// Endpoint is the URL under which agents and merchants reach the processor, by
// the host of its DID.
func (s *Server) Endpoint() string { return "https://" + s.id.Host() + s.basePath }

// ServeHTTP serves everything that the package comment lists.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

func (s *Server) routes(documents http.Handler, admin bool) http.Handler {
	mux := http.NewServeMux()
	for path, serve := range map[string]func(context.Context, []byte) (provider.Answer, error){
		provider.PathPayments: s.provider.Pay, provider.PathQueries: s.provider.Query,
		provider.PathConsumptions: s.provider.Consume, provider.PathFulfilments: s.provider.Fulfil,
		provider.PathInstruments: s.provider.Instrument, provider.PathBindings: s.provider.Bind,
		provider.PathRefunds: s.refund, provider.PathTrades: s.provider.TradeState,
	} {
		mux.HandleFunc("POST "+s.basePath+path, s.message(path, serve))
	}
	s.pageRoutes(mux)
	mux.Handle("/.well-known/", documents)
	if admin {
		desk := lines(s.OperatorOnly(s.adminRoutes()))
		mux.Handle("/admin", desk)
		mux.Handle("/admin/", desk)
	}
	return mux
}

// method is a request's method if it is one that is served: strangers choose it.
func method(r *http.Request) string {
	if r.Method == http.MethodGet || r.Method == http.MethodPost {
		return r.Method
	}
	return "other"
}

// message serves one kind of signed message: it reads the body within its
// limit, leaves everything else to serve, and writes the answer.
func (s *Server) message(path string, serve func(context.Context, []byte) (provider.Answer, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		begun := s.now()
		var answer provider.Answer
		message, err := body.Read(w, r)
		if err == nil {
			answer, err = serve(r.Context(), message)
		}
		provider.WriteAnswer(w, answer, err)
		took := s.now().Sub(begun)
		s.counts.answered(path, err, took)
		s.causes.book(r.Context(), err)
		s.log.LogAttrs(r.Context(), slog.LevelInfo, "answered", slog.String("path", path),
			slog.String("code", string(protocol.CodeOf(err))), slog.Duration("took", took))
	}
}

// issuers is the policy that the ledger keeps, in memory: it is asked for every
// payment and changes when the operator says so.
type issuers struct {
	mu     sync.RWMutex
	trusts map[book.Trust]bool
}

// Trusts implements verifier.IssuerPolicy.
func (i *issuers) Trusts(issuer, delegator string) bool {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return i.trusts[book.Trust{Issuer: issuer, Principal: delegator}]
}

func (i *issuers) load(trusts []book.Trust) {
	m := make(map[book.Trust]bool, len(trusts))
	for _, t := range trusts {
		m[t] = true
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.trusts = m
}
