// Package overview is what the operator of the processor looks at: the accounts,
// the payments as they come, why the last ones were refused, and a picture of
// one payment's path with every check that was made on it.
//
// The pages work without scripts and refresh themselves. Whoever opens them
// shows the operator's token once and gets a cookie that ends after twelve
// hours, or when the operator signs out: then it holds nowhere any more. It holds
// after a restart, and at every process with the same token and book; while the
// book does not answer, it holds nowhere. The pages change nothing: what an operator
// does goes through the desk under /admin.
//
// What is shown of people is identifiers, as the protocol has them, and amounts;
// no intent, no mandate, no token, no address. What is kept is bounded: the last
// few hundred payments of this process, in memory. The book has the rest.
//
// What it does not do: end a session from another browser than its own. Whoever
// fears that a cookie was stolen gives the processor another operator's token.
package overview
