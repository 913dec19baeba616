package merchant

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

// A PSP is the payment service provider as a seller needs it; psp.Client
// implements it. Both calls are idempotent for the same consumer and may be
// repeated. Their answers have been verified.
type PSP interface {
	// ID is the DID of the provider.
	ID() string
	// Endpoint is the URL at which buyers reach it, and MethodSchemaURL names
	// the form of payload that it takes (CID-PCA-NEG-01).
	Endpoint() string
	MethodSchemaURL() string
	// Consume uses a proof for a delivery (PSD-PAY-A402-08). The first
	// consumer wins; for another one it fails with proof_used. An
	// undetermined error means that the answer is not known.
	Consume(ctx context.Context, proof, consumer string) (payment.ConsumptionResult, error)
	// ConfirmFulfilment says that the trade has been delivered
	// (PSD-PAY-A402-10).
	ConfirmFulfilment(ctx context.Context, tradeNo, consumer string, deliveredAt time.Time) (payment.FulfilmentResult, error)
}

// Config is what a Shop needs. Signer, Verifier, Orders, Origin and BillKey are
// required, PSP and Method or else Rail, and Catalogue for carts.
type Config struct {
	// Signer has the shop's key of purpose seller; its DID is the shop's.
	Signer *keys.Signer
	// Verifier checks what buyers and the provider have signed.
	Verifier *verifier.Verifier
	// PSP is the one provider that the shop is paid through.
	PSP PSP
	// Rail is another way of being paid for single requests, in place of PSP
	// and Method. Carts and pick-ups are not sold on it. Close a shop before
	// its rail is changed, or the deliveries that the old provider has not
	// heard of are told to the new one, which refuses them.
	Rail Rail
	// Orders keeps deliveries and carts.
	Orders OrderStore
	// Method is how the shop is paid, urn:act:payment:<name>.
	Method string

	// Origin is scheme, host and, unless it is the default, port under which
	// buyers reach the shop: "https://shop.example". Neither Host nor a
	// forwarding header is trusted to tell.
	Origin string
	// BillKey is 32 random bytes that authenticate the numbers of bills. All
	// processes of a shop share it. Who changes it refuses the proofs of bills
	// that were issued before: keep it across restarts.
	BillKey []byte

	// Catalogue returns what can be ordered now, for carts. The quantities
	// that can be locked are in Orders.
	Catalogue func(context.Context) ([]commerce.Item, error)

	// AdmitCart may refuse a cart before stock is locked for it: its buyer with
	// access_denied or too_many_requests, a line that asks for more than one buyer
	// may hold with out_of_stock. The request has been verified, and its prices
	// have not been compared yet. Nil takes every cart of whoever can sign.
	// Holding goods costs an agent nothing, and some kinds of DIDs cost nothing
	// either: OpenCarts alone does not keep strangers from locking all the stock.
	AdmitCart func(ctx context.Context, c commerce.CartRequest) error

	// PerAgent is how many carts and negotiations of one agent are served in a
	// minute, 600, and PerShop how many of all agents together, 30000. More would
	// fill the verifier's replay store, which then takes no message at all.
	PerAgent, PerShop int

	// Intents says how intent requests are answered; see IntentHandler.
	Intents IntentConfig

	BillLifetime time.Duration // from bill to pay_before; 10 minutes
	CartLock     time.Duration // how long a cart's price and stock are promised; 10 minutes
	OpenCarts    int           // the most carts of one buyer that hold stock at one time; 16
	PickupGrace  time.Duration // how much longer the stock is really held; 10 minutes
	DeliverIn    time.Duration // delivery of an item that does not tell; 24 hours
	Lease        time.Duration // the longest time a paid handler may take, unless its Offer says another; 30 seconds
	Wait         time.Duration // how long a repeated submission waits for the first; 5 seconds
	ConfirmPause time.Duration // before a failed confirmation is tried again, doubling to a minute; 1 second
	ProofLife    time.Duration // from bill to the end of its proof, on a rail whose proofs have no end; 24 hours
	MaxBody      int64         // the largest body of a request, in bytes; 1 MiB
	MaxAnswer    int           // the largest body of a paid answer, which is kept; 1 MiB

	// Attest, when set, is told of every cart that was confirmed and of every
	// delivery that is kept, each once (TSD-ATT-EVT-03): recorder.Recorder.Attest
	// is such a function. It must not block. A process that dies in between tells
	// nothing. A delivery behind a paywall has no intent id, which the buyer does
	// not tell the shop, and no record can be made of it before Attest, or what is
	// behind it, has filled it in; on a rail that does not tell who paid, it has
	// no buyer either.
	Attest func(attestation.Draft)

	Now func() time.Time // nil means time.Now

	// InsecureBearerProofs accepts proofs from whoever presents them, without
	// a signature by the key that paid. Whoever sees such a proof before it is
	// used can have the delivery.
	InsecureBearerProofs bool
}

// A Shop sells. It is safe for concurrent use. Close it to have all deliveries
// confirmed.
type Shop struct {
	config    Config
	id        string
	rail      Rail
	traits    Traits   // of rail
	act       *actRail // rail, unless it is Config.Rail
	confirmer *confirmer
	streams   streams
	rates     *intentRates // of carts and negotiations
}

// New checks the configuration and returns a Shop. Deliveries that an earlier
// process left unconfirmed in Orders begin to be confirmed at once.
func New(c Config) (*Shop, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	c.defaults()
	origin, err := parseOrigin(c.Origin)
	if err != nil {
		return nil, err
	}
	c.BillKey = slices.Clone(c.BillKey)
	s := &Shop{config: c, id: c.Signer.DID(), rail: c.Rail}
	if s.rail == nil {
		if s.act, err = newACTRail(c, origin); err != nil {
			return nil, err
		}
		s.rail = s.act
	} else {
		s.config.PSP = noPSP{}
	}
	if s.traits = s.rail.Traits(); s.traits.Bearer && !c.InsecureBearerProofs {
		return nil, protocol.New(protocol.CodeFieldInvalid, "rail", "PSD-PAY-A402-08", "its proofs are good for whoever presents them, which InsecureBearerProofs must allow")
	}
	s.rates = newIntentRates(c.PerAgent, c.PerShop)
	s.confirmer = newConfirmer(c.Orders, s.rail, c.Now, c.ConfirmPause)
	s.confirmer.kick()
	return s, nil
}

func (c *Config) check() error {
	missing := func(field, detail string) error {
		return protocol.New(protocol.CodeFieldMissing, field, "", detail)
	}
	switch {
	case c.Signer == nil:
		return missing("signer", "the shop's key is needed")
	case c.Signer.Purpose() != keys.Seller:
		return protocol.New(protocol.CodeKeyPurpose, "signer", "ADD-IAC-ISS-12", "a shop signs with a key of purpose seller")
	case c.Verifier == nil:
		return missing("verifier", "")
	case c.Rail == nil && (c.PSP == nil || c.PSP.ID() == ""):
		return missing("psp", "")
	case c.Rail != nil && (c.PSP != nil || c.Method != ""):
		return protocol.New(protocol.CodeFieldInvalid, "rail", "PSD-PAY-A402-13", "in place of a provider and its method, not beside them")
	case c.Orders == nil:
		return missing("orders", "")
	case len(c.BillKey) != billKeySize:
		return protocol.New(protocol.CodeFieldInvalid, "bill_key", "PSD-PAY-A402-01", "32 random bytes")
	}
	return nil
}

func (c *Config) defaults() {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.BillLifetime, 10 * time.Minute}, {&c.CartLock, 10 * time.Minute}, {&c.PickupGrace, 10 * time.Minute},
		{&c.DeliverIn, 24 * time.Hour}, {&c.ProofLife, 24 * time.Hour}, {&c.Lease, 30 * time.Second}, {&c.Wait, 5 * time.Second}, {&c.ConfirmPause, time.Second},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	if c.OpenCarts <= 0 {
		c.OpenCarts = 16
	}
	if c.PerAgent <= 0 {
		c.PerAgent = 600
	}
	if c.PerShop <= 0 {
		c.PerShop = 30000
	}
	if c.MaxBody <= 0 {
		c.MaxBody = 1 << 20
	}
	if c.MaxAnswer <= 0 {
		c.MaxAnswer = 1 << 20
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Intents.defaults()
}

// parseOrigin returns the authority of an origin.
func parseOrigin(origin string) (string, error) {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" ||
		origin != u.Scheme+"://"+u.Host || origin != strings.ToLower(origin) {
		return "", protocol.New(protocol.CodeFieldInvalid, "origin", "PSD-PAY-A402-16", "scheme, host and port in lower case, nothing else")
	}
	if u.Port() == "443" && u.Scheme == "https" || u.Port() == "80" && u.Scheme == "http" {
		return "", protocol.New(protocol.CodeFieldInvalid, "origin", "PSD-PAY-A402-16", "without the scheme's default port")
	}
	return u.Host, nil
}

// ID is the shop's DID.
func (s *Shop) ID() string { return s.id }

// Flush waits until the provider knows of every delivery made so far, or the
// context ends.
func (s *Shop) Flush(ctx context.Context) error { return s.confirmer.flush(ctx) }

// Close waits as Flush does and then stops confirming. Deliveries made or left
// after it stay in Orders, and the next Shop over the same store confirms
// them.
func (s *Shop) Close(ctx context.Context) error { return s.confirmer.close(ctx) }

// Reopen says that a person has found out that nothing was delivered for an
// order whose delivery is Unknown. The buyer's proof can then be used again.
func (s *Shop) Reopen(ctx context.Context, outTradeNo string) error {
	return s.config.Orders.Reopen(ctx, outTradeNo)
}
