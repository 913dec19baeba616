package provider

import (
	"context"
	"time"

	"github.com/actprotocol/act-go/protocol"
)

// A Ledger is the provider's own book: accounts, payment tokens, sub-accounts,
// the budgets of mandates, and the answers that were given. It is what a
// provider brings; [MemoryLedger] is one for tests, and package providertest
// holds this contract as a test.
//
// # What holds for every method
//
//   - Each call is one transaction. What it decides is decided by the state in
//     which it writes, so that of any number of concurrent calls no two can
//     spend the same money, budget, order or nonce (PSD-PAY-DEL-07).
//   - What a method has answered is durable when it returns.
//   - The ledger has a clock of its own. "Now" is the time of the transaction.
//   - Errors are *protocol.Error. One that is errors.Is
//     protocol.ErrUndetermined says that nothing is known to have happened: a
//     broken disk is service_unavailable. It is never stored, and never becomes
//     a refusal.
//   - A *Trade is returned exactly when the error is nil, with one exception:
//     Lookup returns nil and nil for a request that is new.
//   - Amounts are minor units (for CNY, fen), currencies ISO 4217 codes.
//
// # The first answer
//
// A request, known by Agent and ID, gets one answer for ever: a trade, or a
// denial that was stored and comes back as a *payment.Refusal with the
// RequestID. A later request with equal Digest and a fresh nonce gets that
// answer again, whatever has become of money, budget or token since; one with
// another Digest is request_conflict. A trade that waits for the principal's
// confirmation is an answer too, and the only one that can still change: into
// the same trade, paid, or into a refusal.
//
// A denial that Pay, Begin or Settle finds in the book is stored, with one
// exception: subaccount_key_invalid is returned as it is, because the same
// request may come again with an authorization by the right key. Its nonce is
// used all the same.
//
// # Waiting trades
//
// A waiting trade (WAIT_BUYER_PAY) has moved and reserved nothing, counts
// against no limit and does not make its order paid (PSD-PAY-INS-04). From
// Payment.Expires on it can no longer be paid. Nobody needs to watch the clock:
// every method that meets a waiting trade at or after that time first closes it
// (TRADE_CLOSED) and stores confirmation_failed as the answer to its request,
// so that nobody who was told so sees it paid later.
type Ledger interface {
	Refunds

	// Lookup tells, before anything else of a request is judged, what is known
	// of it: replayed when its nonce was used, the first answer when there is
	// one, request_conflict when the id had other content. Nil and nil mean
	// that it is new.
	//
	// It uses no nonce. It keeps the order of the checks (SPEC.md 6.1) and
	// spares work; what counts is decided again by Pay, Begin, Refuse or
	// UseNonce, of which one follows.
	Lookup(ctx context.Context, r Request) (*Trade, error)

	// UseNonce marks a nonce as used within its scope; one that was used before
	// is replayed. It is kept until n.Until at least.
	UseNonce(ctx context.Context, n Nonce) error

	// Refuse uses the nonce and stores a refusal as the first answer. It
	// returns what the answer now is: this refusal as a *payment.Refusal, the
	// earlier answer, replayed, or request_conflict. A refusal that is
	// undetermined is returned as it is and not stored; its nonce is used all
	// the same. Which denials are an answer is the caller's to decide.
	Refuse(ctx context.Context, r Request, refusal *protocol.Error) (*Trade, error)

	// Pay decides a payment under a mandate and makes it. In one transaction,
	// and in this order: the nonce, the earlier answer, all that [Facts.Judge]
	// judges, the debit. The trade is then in the state
	// WAIT_SELLER_FULFILLMENT, its SpentTotal includes it, and its Decision is
	// p.Made with the ledger's own checks behind; of an earlier answer the
	// Decision is the zero value.
	//
	// The first payment that gets as far as these checks, be it refused, pins
	// p.Mandate.Digest to the pair of Issuer and DelegationID (SPEC.md 6.1).
	Pay(ctx context.Context, p Payment) (*Trade, error)

	// Begin decides whether an instant payment, which has no mandate, may be
	// put before the principal (PSD-PAY-INS-01): nonce, earlier answer, and
	// what [Facts.JudgeBegin] judges, which is everything but the balance. The
	// trade then waits; see above.
	Begin(ctx context.Context, p Payment) (*Trade, error)

	// Settle pays a waiting trade that the principal has confirmed
	// (PSD-PAY-INS-03): all that [Facts.Judge] judges is judged again, now with
	// the balance, and the debit is made, in one transaction. Method and time
	// of the confirmation are kept with the trade. What denies is stored as the
	// answer to the request, and closes the trade. The Decision of the trade is
	// that of this transaction.
	//
	// A trade that has been paid before is returned as it is, without a
	// Decision, and keeps its first confirmation. One that was closed gives the
	// stored refusal; one that does not exist is trade_unknown.
	Settle(ctx context.Context, tradeNo string, c Confirmation) (*Trade, error)

	// Decline closes a waiting trade, with the code as the stored answer:
	// confirmation_failed when the principal cancelled or could not be
	// verified, risk_refused, or execution_failed; any other is field_invalid.
	// A trade that was closed before stays so, with its first code, and the
	// error is nil. One that has been paid is state_conflict, one that does not
	// exist trade_unknown.
	Decline(ctx context.Context, tradeNo string, code protocol.Code) error

	// Query returns the answer to an earlier request of an agent, a trade in
	// its present state or a *payment.Refusal, and trade_unknown when there is
	// none, also when the request is another agent's.
	Query(ctx context.Context, agent, requestID string) (*Trade, error)

	// Trade returns a trade by its number in its present state, closed ones
	// included, or trade_unknown.
	Trade(ctx context.Context, no string) (*Trade, error)

	// Consume gives the one delivery that a trade pays for to the first
	// consumer that asks (PSD-PAY-A402-08, PSD-PAY-A402-15). The same consumer
	// gets the same answer again, another is proof_used. A trade of another
	// payee is trade_unknown, one that is not paid state_conflict, and an empty
	// consumer field_missing. It moves no state.
	Consume(ctx context.Context, merchant, tradeNo, consumer string) (*Trade, error)

	// Confirm records that the merchant has delivered (PSD-PAY-A402-10) and
	// moves the trade through WAIT_BUYER_RECEIPT to TRADE_FINISHED. Before a
	// consumption it is state_conflict, by another consumer proof_used, and for
	// another payee trade_unknown. deliveredAt is neither before the payment
	// nor in the future, with a minute of skew on either side (field_invalid). A
	// repeat gets the first answer, also with another deliveredAt.
	Confirm(ctx context.Context, merchant, tradeNo, consumer string, deliveredAt time.Time) (*Trade, error)

	// SubAccount returns a sub-account in its present state, cancelled ones
	// included, or subaccount_unknown. It is there for the key: what is decided
	// is decided again by Pay, Begin and Settle.
	SubAccount(ctx context.Context, id string) (SubAccount, error)

	// Instrument reads what the book knows of an instrument, for an agent that
	// asks before it pays (PSD-PAY-AUP-02): Token, or SubAccount with Balance,
	// and Taken and Within, as a payment at this moment would find them, also
	// when it is another agent's. One that is not known leaves all of them
	// empty, and is no error. It writes nothing.
	Instrument(ctx context.Context, i Instrument) (Facts, error)
}
