// Package service is what stands around the handler of a program: its TLS, the
// limits of its HTTP server, health, and its end.
//
// The certificate comes from files, which are read again when they change, from
// a certification authority by ACME (RFC 8555), or, for one machine, from an
// authority of the program's own, which can certify nothing but localhost.
// [Server.Run] serves with a limit on everything that a stranger could draw out,
// and ends in an orderly way: it is no longer ready, it takes no new
// connections, and what had begun is answered.
//
// What it does not do: trust a header that names another client than the one
// that is connected. Behind a proxy the proxy is the client.
package service
