// Package server is the reference payment processor's HTTP side: package
// provider in front of a [book.Book], a cashier for the principals of instant
// payments, the processor's DID document, and an operator's desk.
//
// [New] takes everything it depends on (book, keys, sources of other parties'
// documents) and opens nothing itself; a [Server] is an http.Handler that a
// program or a test puts behind TLS:
//
//	POST <base>/payments      PSD-PAY-DEL, PSD-PAY-AUP, PSD-PAY-INS
//	POST <base>/queries       what became of a payment
//	POST <base>/consumptions  a merchant claims the delivery of a proof
//	POST <base>/fulfilments   a merchant has delivered
//	POST <base>/instruments   an agent asks whether its instrument can pay
//	POST <base>/refunds       a merchant gives back what it was paid, or a part
//	POST <base>/trades        what has become of a trade, for its two parties
//	     /cashier/{trade_no}  see package cashier
//	GET  /.well-known/act/<name>/did.json
//	     /admin/...           with the operator's token only
//
// What it promises: the checks of a payment run in the order of SPEC.md 6.1;
// what could not be decided answers 503 and is never stored; an answer leaves
// only after it is durable; a repeated request gets its first answer; every
// payment is reported in the end, when Config.Report is set, and a merchant
// that wants to be told of its trades is told of all, in order. Errors
// and log lines hold codes and names of the library's, never a token, a proof,
// a mandate or another part of a message. The one exception is for the
// operator: the log tells from which host a key or a state could not be had,
// and in constant words why.
//
// What it does not do: identify principals and show them what they bind
// (PSD-PMT-BND-02, PSD-AGT-SUB-01). Here that is the operator's duty, before the
// operator binds a token, opens a sub-account or pairs a device. Nor does it
// limit how often a stranger may ask, or how many payments an agent puts before
// its principal; put that in front, or into Config.Risk.
package server
