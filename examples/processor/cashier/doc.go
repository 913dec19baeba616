// Package cashier is where a principal decides about one instant payment
// (PSD-PAY-INS): it shows what the agent asks for, exactly as it was asked, and
// takes the word of a passkey, used on the page itself, or of a paired device.
//
//	GET  <path>{trade_no}          what is to be paid: a page for a phone, or JSON by Accept
//	POST <path>{trade_no}/confirm  a [Confirmation], signed by a paired device
//	POST <path>{trade_no}/passkey  what the page sends after a passkey was used
//	POST <path>{trade_no}/cancel   no
//
// What it promises: nothing is confirmed without a signature, by a passkey with
// its user verified, or by the private key of a paired device, of the very
// principal whose account pays, over the provider, the trade number, amount,
// currency, payee, method and end of this one payment (PSD-PAY-INS-03); with the
// payment is recorded by which of them. What it shows are the facts that the
// provider will debit, taken from the same record (PSD-PAY-INS-02). Cancelling,
// failing and being late move and reserve nothing (PSD-PAY-INS-04).
//
// What it does not do: keep anything. State and time limits are the provider's,
// judged again in the transaction of the debit. Who knows the address, which
// holds a trade number of 80 random bits, can look at one payment and cancel
// it; the agent and its principal know it. Without scripts the page shows
// everything and can cancel, but use no passkey; a device fetches the JSON of the
// same address and confirms by itself, see [Device.Decide].
package cashier
