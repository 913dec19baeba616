// Package live has the checks of the conformance suite that need a running
// server: sellers, payment service providers and issuers, over real HTTPS.
//
// The suite plays everybody else. It serves the DID documents of agents,
// merchants, issuers and a provider, and their status lists, from a server of
// its own, the site, whose certificate the server under test has to trust; a
// [Scenario] says where that is, what may be bought, and how accounts are opened.
// Then [Run] does what each check says, and judges what came back.
//
// Use it against test systems only. It moves what money the scenario gives it,
// and sends what a hostile party would send; it sends no floods, and nothing
// that is meant to make a server fall over.
//
// What it promises: a check judges answers, never a source or a log. An answer
// of a server is verified by the keys in its own DID document before it counts.
// What a scenario cannot support is skipped with the reason, and what could not
// be judged, because a server did not answer or a preparation failed, is an
// error and never a pass.
package live
