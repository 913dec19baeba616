// Package agentauth lets agents say who they are in HTTP requests, and servers
// check it (IDN-04, SPEC.md 9.2): RFC 9421 signatures over method, authority,
// path, query and body, and the agent's identity credential beside them.
//
// An agent wraps its http.Client's transport with [NewTransport]; every
// request is then signed. A server puts a [Guard] in front of a handler, which
// finds the verified agent with [FromContext].
//
// Advice: configure the server's own authority, put the Guard outermost so
// that nothing rewrites the request before it, and let the handler act on the
// method, path, query and body only: a header field is signed only when it is
// named in Config.Covers. Who somebody is does not say what they may buy; that
// is a mandate's to say.
//
// Promise: the handler runs only for a request whose signature holds, whose
// nonce was not used before, and whose body is the signed one. A key or state
// that cannot be had now is answered with 503 and never lets a request pass.
package agentauth
