package acttest

import (
	"net/http"
	"sync"
	"time"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/psp"
	"github.com/actprotocol/act-go/verifier"
)

// Method is the payment method of a World.
const Method = "urn:act:payment:test-wallet"

// The parties of a World.
const (
	PrincipalDID = "did:act:home.test/principal"
	IssuerDID    = "did:act:issuer.test/mandates"
	AgentDID     = "did:act:agents.test/buyer"
	ShopDID      = "did:act:shop.test/shop"
	PSPDID       = "did:act:psp.test/pay"
)

// Balance is what the account of a World has at first: 1000.00 CNY.
const Balance = 100000

// Options change a World. The zero value is what NewWorld makes.
type Options struct {
	Algorithm keys.Algorithm         // of all keys; EdDSA
	Merchant  func(*merchant.Config) // changes the shop's configuration
	Agent     func(*agent.Config)    // changes the agent's configuration
}

// A World is a principal, an issuer, an agent, a shop and a provider that know
// each other. The shop and the provider are HTTPS servers on loopback; Client
// trusts them.
type World struct {
	Clock     *Clock
	Directory *Directory
	Statuses  *Statuses
	Verifier  *verifier.Verifier

	PSP    *PSP
	Agent  *agent.Agent
	Client *http.Client // trusts the servers, does not pay
	Spent  *agent.MemorySpend

	Shop   *merchant.Shop
	Orders *merchant.MemoryOrders
	URL    string // of the shop

	Issuer, Buyer, Seller *Party

	store *Store

	mu   sync.Mutex
	next int // index of the next status reference
}

// NewWorld returns a World in which everybody is there and nothing has
// happened yet: give the agent a mandate with Grant, and the shop something to
// sell with Sell or Stock. Everything ends with the test.
func NewWorld(t TB) *World {
	t.Helper()
	return NewWorldWith(t, Options{})
}

// NewWorldWith is NewWorld with other options.
func NewWorldWith(t TB, o Options) *World {
	t.Helper()
	if o.Algorithm == "" {
		o.Algorithm = keys.EdDSA
	}
	w := &World{
		Clock: NewClock(Start), Directory: new(Directory), Statuses: new(Statuses),
		Spent: new(agent.MemorySpend),
	}
	w.Issuer = w.party(t, o, IssuerDID, keys.IssueAuthorization, keys.Status)
	w.Buyer = w.party(t, o, AgentDID, keys.AgentRequest)
	w.Seller = w.party(t, o, ShopDID, keys.Seller)
	provider := w.party(t, o, PSPDID, keys.Proof)
	// Each party has a verifier of its own, as it would in life.
	w.Verifier = w.NewVerifier(t)
	w.PSP = NewPSP(t, w.NewVerifier(t), w.Clock, provider, Balance)

	w.store = w.newStore(t, w.Seller, o.Merchant)
	w.Shop, w.Orders, w.URL, w.Client = w.store.Shop, w.store.Orders, w.store.URL, w.store.client
	w.Agent = w.NewAgent(t, o.Agent)
	return w
}

func (w *World) party(t TB, o Options, did string, purposes ...keys.Purpose) *Party {
	t.Helper()
	p := NewPartyWith(t, o.Algorithm, did, purposes...)
	w.Directory.Add(p)
	return p
}

// NewVerifier returns a verifier that knows the parties of the World and has a
// memory of its own.
func (w *World) NewVerifier(t TB) *verifier.Verifier {
	t.Helper()
	v, err := verifier.New(verifier.Config{
		Issuers: verifier.IssuerMap{IssuerDID: {PrincipalDID}},
		Keys:    w.Directory, Status: w.Statuses, Now: w.Clock.Now,
		Replay: verifier.NewMemoryReplay(0, w.Clock.Now),
	})
	check(t, err)
	return v
}

// client is a client of the provider for one of the parties.
func (w *World) client(t TB, s *keys.Signer, v *verifier.Verifier) *psp.Client {
	t.Helper()
	c, err := psp.New(psp.Config{
		ID: PSPDID, Endpoint: w.PSP.Server.URL, Signer: s, Verifier: v, HTTP: w.PSP.Server.Client(), Now: w.Clock.Now,
	})
	check(t, err)
	return c
}

// NewAgent returns another agent with the World's buyer's key and its record of
// payments, and an empty wallet: the same agent after a restart.
func (w *World) NewAgent(t TB, change func(*agent.Config)) *agent.Agent {
	t.Helper()
	s, v := w.Buyer.Signer(keys.AgentRequest), w.NewVerifier(t)
	c := agent.Config{
		Signer: s, Wallet: agent.NewWallet(s), Verifier: v, Spent: w.Spent,
		Instruments: []agent.Instrument{{PSP: w.client(t, s, v), Method: Method, Token: w.PSP.Token}},
		Patience:    5 * time.Second, Now: w.Clock.Now,
	}
	if change != nil {
		change(&c)
	}
	a, err := agent.New(c)
	check(t, err)
	return a
}

// Buying returns an http.Client that pays, with the World's agent.
func (w *World) Buying() *http.Client {
	return &http.Client{Transport: w.Agent.Transport(w.Client.Transport)}
}

// Grant issues a mandate to the agent and puts it into its wallet. Unless
// change says otherwise it is BOUNDED, for 100.00 CNY in all, by the World's
// payment method, for 24 hours from the time of the clock.
func (w *World) Grant(t TB, change func(*delegation.ISR)) agent.Mandate {
	t.Helper()
	m, err := w.Agent.Wallet().Add(w.Issue(t, change))
	check(t, err)
	return m
}

// Issue is Grant for a mandate that does not go into the wallet.
func (w *World) Issue(t TB, change func(*delegation.ISR)) []byte {
	t.Helper()
	now := w.Clock.Now().UTC().Truncate(time.Second)
	isr := &delegation.ISR{
		ConversationHistory: &delegation.ConversationHistory{Raw: delegation.RawIntent{Text: "Buy what the test needs."}},
		IntentID:            "urn:uuid:00000000-0000-4000-8000-000000000001",
		DelegationMode:      delegation.Bounded,
		ValidityStart:       now, ValidityEnd: now.Add(24 * time.Hour),
		MaxTotalAmount: "100", Currency: "CNY", AllowedPaymentMethods: []string{Method}, AgentID: AgentDID,
		UserConfirmationMethod: "PIN", UserConfirmationTimestamp: now,
	}
	if change != nil {
		change(isr)
	}
	confirmed, err := delegation.ConfirmedISR(isr)
	check(t, err)
	authorization, err := delegation.NewAuthorization(confirmed, PrincipalDID)
	check(t, err)
	w.mu.Lock()
	w.next++
	status := delegation.StatusReference{Index: w.next, URI: "https://issuer.test/status/1"}
	w.mu.Unlock()
	raw, err := delegation.Issue(w.Issuer.Signer(keys.IssueAuthorization),
		delegation.NewClaims(authorization, IssuerDID, PSPDID, w.Buyer.Signer(keys.AgentRequest).Public(), &status, now))
	check(t, err)
	return raw
}

// Sell puts a paywall of the shop in front of a handler at a pattern of
// http.ServeMux.
func (w *World) Sell(pattern string, offer merchant.Offer, h http.Handler) {
	w.store.Sell(pattern, offer, h)
}

// Serve adds a handler that costs nothing to the shop's server.
func (w *World) Serve(pattern string, h http.Handler) { w.store.Serve(pattern, h) }

// Stock puts an item into the shop's catalogue, or changes it, and sets how
// many of it there are.
func (w *World) Stock(t TB, item commerce.Item, count int64) {
	t.Helper()
	w.store.Stock(t, item, count)
}

// CNY returns an amount of Chinese yuan, "18.00" for example.
func CNY(t TB, decimal string) money.Amount {
	t.Helper()
	c, err := money.ParseCurrency("CNY")
	check(t, err)
	a, err := money.Parse(decimal, c)
	check(t, err)
	return a
}
