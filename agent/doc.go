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
