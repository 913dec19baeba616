// Package stage is where the scenarios play: a payment processor, a bank that
// issues mandates, shops and agents, each with an HTTPS server, keys and
// identity documents of its own on loopback, that know each other by HTTPS only;
// and a narrator who tells what happens. Nothing is simulated but the people,
// and nothing is left behind.
package stage
