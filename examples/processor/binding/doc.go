// Package binding has the pages at which a principal enrols a passkey and lets
// an agent have an instrument (PSD-PMT-BND, PSD-AGT-SUB-01, SPEC.md 6.11).
//
//	GET  /binding/{id}          which agent asks, for what, within which limits
//	GET  /binding/{id}/limits   a form to lower them
//	POST /binding/{id}/limits   the lowered limits, to look at once more
//	POST /binding/{id}/passkey  yes, to exactly the limits that were shown
//	POST /binding/{id}/decline  no
//	GET  /enrol/{secret}        a one-time link to make a passkey
//	POST /enrol/{secret}        the passkey
//
// What it promises: nothing is bound before the principal of the request has
// been identified by a passkey of theirs, with the user verified, that signed
// the agent, the instrument and every limit in one act (PSD-PMT-BND-02). Limits
// are never wider than the agent asked for. The instrument's id is on no page
// and in no answer: the agent gets it from its own signed request. A link enrols
// one passkey; the book keeps only a digest of its secret.
//
// What it does not do: keep anything, or know who may have a link. The operator
// who makes one has identified the principal. Who knows the address of a binding,
// 128 random bits that the agent was given, can look at it and decline it.
package binding
