// Package httpsig signs and checks HTTP requests by RFC 9421, in the one form
// of SPEC.md 6.4: the label "act", the components @method, @authority, @path
// and @query, content-digest (RFC 9530, sha-256) when there is a body, further
// header fields such as payment-proof, and the parameters created, expires,
// nonce, keyid, alg and tag="act-agent".
//
// These are pure functions over *http.Request: no sockets, no clock, no store.
// The checking side is given the authority it serves by its own configuration
// and never believes the Host header or a forwarding header about it.
//
// Advice: call [ParseFor], resolve [Params.KeyID] for the purpose
// agent-request, call [Unverified.Verify], then [Unverified.Check] with your
// clock, and only then use up [Params.Nonce] in a replay store; package
// verifier does all of this. A nonce that is stored before the signature is
// verified lets anybody burn the nonces of others.
//
// Promise (IDN-04): a request whose method, authority, path, query or body was
// changed, or whose signature leaves one of them out, is refused.
package httpsig
