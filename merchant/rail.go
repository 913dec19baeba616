package merchant

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

// A Rail is a way of being paid for single requests: how a bill is written, how
// the proof of having paid it is read and believed, and whom the shop tells of
// the delivery. Config.PSP makes the rail of SPEC.md 6.2 to 6.4; Config.Rail
// takes another one in its place, for a provider whose product has forms of its
// own.
//
// What a paywall promises stays with the Shop and is the same on every rail
// (SPEC.md 6.4): one delivery for a proof, the kept answer for its repetition,
// 503 and no new bill for what cannot be decided. A rail keeps no record of
// bills. The Shop makes the number of each bill, and the number authenticates
// the terms: resource, amount, currency, the fingerprint of the request, the
// idempotency key. A rail's proof must lead back to that number, by what the
// proof itself says or by what the provider answers, and the Shop then knows
// whether the number was issued for the request at hand; so a proof is bound to
// its request also where the provider knows nothing of requests.
//
// Methods are safe for concurrent use. Errors are *protocol.Error and decide
// what the buyer is told: of a code whose outcome is undetermined the answer is
// 503 and nothing is billed, of any other 402 with a new bill. A rail that
// cannot be sure that a payment is NOT there must fail undetermined. Errors
// contain nothing of what was received.
//
// The contract is a test that any implementation can run: package merchanttest.
type Rail interface {
	// Traits says what the rail's proofs lack. The answer never changes.
	Traits() Traits

	// CheckOffer says whether the rail can bill an offer: its currency, for
	// example. Offer.Check has passed. Paywall panics with what it returns.
	CheckOffer(o Offer) error

	// Bill signs a bill for one request and returns the value of the header
	// Payment-Needed (PSD-PAY-A402-01). Whatever it returns is an error of the
	// shop and not of the buyer: the answer is 503.
	Bill(ctx context.Context, d Demand) (header string, err error)

	// Read reads the value of the header Payment-Proof: its form, and nothing
	// that costs a signature or a call. Strangers send these. The value is not
	// empty and may be of any length that the http.Server lets through.
	Read(header string) (Proof, error)

	// Confirm tells the provider that a trade has been delivered
	// (PSD-PAY-A402-10) and returns the state that the trade is in then. Of
	// the delivery it has everything but the answer's body. It may be called
	// again for one that the provider knows already, and then succeeds.
	//
	// trade_unknown, state_conflict, actor_refused, proof_mismatch and
	// proof_used mean that the provider will never accept it; every other
	// error is tried again.
	Confirm(ctx context.Context, d Delivery) (payment.State, error)
}

// Traits are what the proofs of a Rail lack.
type Traits struct {
	// Bearer: whoever has a copy of a proof can use it, because nothing binds it
	// to a key of the buyer. Such a rail needs Config.InsecureBearerProofs.
	// (Another request than the billed one is refused all the same.)
	Bearer bool

	// Unkeyed: bill and proof have no place for an idempotency key. The Shop
	// then binds the Idempotency-Key that the request itself carries, or none,
	// and makes up none of its own; the request with the proof carries the same.
	Unkeyed bool
}

// A Demand is what a bill asks for.
type Demand struct {
	// OutTradeNo is the shop's number of the bill: 60 characters, letters a to
	// z and digits 2 to 7, unique, and to be carried as it is.
	OutTradeNo string
	Offer      Offer

	IssuedAt  time.Time
	PayBefore time.Time
	// ReplayWindow is how long after its making a proof may live at most,
	// because the shop does not remember for ever what it delivered.
	ReplayWindow time.Duration

	Method         string       // of the request
	Fingerprint    canon.Digest // of the request (SPEC.md 6.4)
	IdempotencyKey string       // of methods that may change something, or ""; on an Unkeyed rail the request's own
}

// A Proof is a Payment-Proof that has been read and is not believed yet. It
// belongs to one HTTP request.
type Proof interface {
	// Claims returns what the proof itself says of the bill. known is false
	// when it does not name the bill: then only Verify can tell, and the rail is
	// Unkeyed. When it is known the Shop compares it with the request before it calls Verify, so
	// that a proof for something else costs one hash, and afterwards with Paid.
	Claims() (c Claims, known bool)

	// Verify decides whether this proof is the provider's word that the shop
	// was paid, and, unless the rail is Bearer, whether the request comes from
	// the holder of the key that paid. It is called for every presentation,
	// also of a proof that was delivered for. It does not check that the bill
	// was this shop's, nor earlier use: the Shop does.
	Verify(ctx context.Context, p Presentation) (Paid, error)

	// Consume takes the proof for the one delivery that consumer names, after
	// Verify and immediately before the delivery is claimed (PSD-PAY-A402-08).
	// The first consumer wins; the same one succeeds again; for another it
	// fails with proof_used. It returns the state of the trade. A rail whose
	// provider has no such call has nothing to do: the Shop itself delivers
	// once for each number, in its OrderStore.
	Consume(ctx context.Context, consumer string) (payment.State, error)

	// Validation returns the value of the header Payment-Validation. v says
	// what became of the proof; the identifiers in it are the rail's to add, as
	// the proof presented them. v.State is "" for a proof that was not accepted:
	// the rail then says what is known of the trade, and no more
	// (PSD-PAY-A402-23). The result "" means no header: the rail has none, or
	// the proof does not fit into one.
	Validation(v payment.Validation) string
}

// Claims are what a proof itself says of the bill that it pays.
type Claims struct {
	OutTradeNo     string
	Amount         money.Amount
	IdempotencyKey string // "" when there is none, and on an Unkeyed rail
}

// A Presentation is the request that a proof came with, as the shop received
// it.
type Presentation struct {
	Request     *http.Request // for its target and header; the body has been read
	Body        []byte
	Resource    string // what the paywall sells
	Fingerprint canon.Digest
}

// Paid is what a rail knows of a payment once it believes it.
type Paid struct {
	OutTradeNo string
	TradeNo    string // the provider's number, 1 to 256 visible ASCII characters
	Resource   string
	Amount     money.Amount

	// Payer is the DID of the agent that paid and Holder the thumbprint of its
	// key; both "" when the rail does not tell.
	Payer, Holder string

	// Expires is when the proof ends. When the rail sets no end to its proofs
	// it is zero, and the Shop refuses them once Config.ProofLife is over,
	// because it does not remember for ever what it delivered.
	Expires time.Time

	// Inactive: the proof was good and the provider no longer stands behind
	// it. It gets the answer that is kept for it, and nothing new.
	Inactive bool
}

// agrees checks that what the provider stands for is what the proof said, and
// what the paywall sells.
func (p Paid) agrees(c Claims, known bool, resource string) error {
	switch {
	case p.Resource != resource:
		return mismatch("resource_id", "PSD-PAY-A402-08", "paid for another resource")
	case known && (p.OutTradeNo != c.OutTradeNo || p.Amount != c.Amount):
		return mismatch("out_trade_no", "PSD-PAY-A402-21", "the provider speaks of another bill than the proof")
	case !p.Amount.Valid() || canon.CheckID(p.TradeNo) != nil:
		return protocol.New(protocol.CodeProofInvalid, "trade_no", "PSD-PAY-A402-08", "a payment has a trade number and an amount")
	}
	return nil
}

// binding is what two submissions of one proof must agree in. The bytes of the
// proof itself are not in it: the provider may issue another for the same
// trade.
func (p Paid) binding(method string, fingerprint canon.Digest, key string) canon.Digest {
	return bindingOf(p.TradeNo, p.OutTradeNo, p.Payer, p.Holder, method, string(fingerprint), key)
}

// bindingOf digests the parts; none of them has a line feed.
func bindingOf(parts ...string) canon.Digest { return canon.Sum([]byte(strings.Join(parts, "\n"))) }
