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
// # What it pays with
//
// An Instrument is a provider, a method and the name of an account there. The
// name is a payment token, or a sub-account that the principal has set aside for
// this agent, with a key of its own; autonomous payment prefers the latter
// (PSD-PAY-AUP-04). Both come from the payment service provider: the principal
// binds the agent to an account there, after having been identified and shown
// the agent and the limits, and the provider makes the token (PSD-PMT-BND). No
// call of this package can make one, the agent never sees the account, and a
// mandate without an instrument buys nothing, nor an instrument without a
// mandate. Both must be of the same principal.
//
// Before each payment the agent asks the provider whether the instrument can
// pay (PSD-PAY-AUP-02), at most once in Config.InstrumentAge as long as it can.
// One that is frozen, over or short is not charged, and the next that fits is
// tried. When the provider does not tell, nothing is paid.
//
// Only while the principal is there a payment needs no mandate: Agent.Instant
// checks it against what the principal has said and takes them to the provider's
// cashier, where they confirm this one payment (PSD-PAY-INS).
//
// # The user's own word
//
// A mandate is the outer limit. Inside it Config.Policy is asked before each
// payment, and can refuse it or have a person decide: AskAbove an amount, AtMost
// so many payments to a seller, RefuseHosts. Config.Refused is told of whatever
// was refused, Config.Alert when a mandate comes near its end, and
// Agent.TaskBill shows what was spent under it. Agent.FetchAny asks the next
// seller when one does not deliver, but only when it is certain that nothing was
// paid at the one before.
//
// # Asking merchants
//
// Shop.Ask tells a merchant what is needed, and AskAll tells several; a Need is
// judged by the mandate before it is sent, and every candidate when it comes
// back. What a Need does not say no merchant learns: not the limits, not the
// other merchants, not the mandate. Implicit needs and preferences are sent
// with the principal's consent only.
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
// purchase began: as long a request may still be on its way. An instant payment
// may be confirmed until order or bill end, and that may be later.
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
