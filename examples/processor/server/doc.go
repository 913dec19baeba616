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
//	POST <base>/bindings      an agent asks for an instrument
//	     /cashier/{trade_no}  see package cashier
//	     /binding/..., /enrol/...  see package binding
//	GET  /.well-known/act/<name>/did.json
//	     /admin/...           with the operator's token only
//
// Package openapi describes each of these; a test of every exchange here holds
// the two together.
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
// What it does not do: identify people. Whom the operator has identified enrols
// a passkey, and is shown what an agent asks for (PSD-PMT-BND-02,
// PSD-AGT-SUB-01); where the operator binds a token, opens a sub-account or
// pairs a device, showing is the operator's duty. Nor does it count by itself
// how often somebody asks: Config.Admit is where a program limits those who
// sign, and in front of the server is where it limits everybody else.
package server
