// Package overview is what the operator of the processor looks at: the accounts,
// the payments as they come, why the last ones were refused, and a picture of
// one payment's path with every check that was made on it.
//
// The pages work without scripts and refresh themselves. Whoever opens them
// shows the operator's token once and gets a cookie that ends after twelve
// hours; the cookie needs no memory of the server, so that it holds after a
// restart and with several processes. The pages change nothing: what an operator
// does goes through the desk under /admin.
//
// What is shown of people is identifiers, as the protocol has them, and amounts;
// no intent, no mandate, no token, no address. What is kept is bounded: the last
// few hundred payments of this process, in memory. The book has the rest.
//
// What it does not do: end a cookie before its time. Whoever fears that one was
// stolen gives the processor another operator's token.
package overview
