// Package agent is the buyer's side of ACT: it holds mandates, decides before
// it asks, and pays.
//
// An Agent keeps the credentials that its principals gave it in a Wallet. For
// every purchase it checks the mandate and the purchase against the mandate's
// boundaries (CID-CART-CFM-01, PSD-PAY-DEL-01, PSD-PAY-AUP-02), reserves the
// amount in a SpendStore before anything is sent, and commits what the payment
// service provider confirmed. Transport turns that into an http.RoundTripper:
// an http.Client with it pays for what answers 402 and sees the paid answer
// only.
//
// # The payment token
//
// Instrument.Token stands for the account that pays. It comes from the
// payment service provider: the principal binds the agent to an account there,
// after having been identified and shown the agent and the limits, and the
// provider makes the token (PSD-PMT-BND). No call of this package can make one,
// the agent never sees the account, and a mandate without a token buys nothing,
// nor a token without a mandate. The token and the mandate must be of the same
// principal.
//
// # When the outcome is unknown
//
// A request for payment may be lost, or its answer. The error is then an
// *Unresolved with code outcome_unknown: the money may have moved. The amount
// stays reserved, and the same purchase is refused in the same way until the
// provider tells. There is nothing to repair: buy the same again, which asks the
// provider first, and pays anew only when nothing was paid and nothing can be any
// more. That is certain when the provider has refused for good, or when it knows
// nothing of the request after Unresolved.FinalAfter, eight minutes after the
// purchase began: as long a request may still be on its way.
//
// With a mandate that does not say what to do about a failed payment, one lost
// request therefore blocks its purchase for those eight minutes. A mandate whose
// ext.agent_behavior has on_payment_failure AUTO_RETRY lets the agent transmit
// the same request again, at most max_retry_count times, within a minute. That
// cannot pay twice, since the provider carries a request id out once, and it ends
// most of these cases at once. Ask the principal for it unless there is a reason
// not to.
//
// # Advice and promise
//
// Give an agent that must survive a crash a durable SpendStore, and give two
// processes that spend the same mandate the same one. Leave the mandate's
// limits as narrow as the task allows: they are enforced by the provider, not
// by the good behaviour of this package.
//
// What it promises: nothing is paid that the mandate does not clearly allow; a
// request is paid for at most once; while the outcome of a payment is not
// known, the same thing is not paid for again; a proof is sent to nobody but
// the seller it was made for. What it does not: it does not judge whether the
// goods are what the principal hoped for.
package agent
