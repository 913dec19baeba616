// Package attestation has the evidence of what happened (TSD-ATT): the ten
// event types, records of events, the anchors that put a record's digest on a
// chain without its content, and the seven conclusions of verifying one. The
// wire is SPEC.md section 10.
//
// A record is made after the business event, never instead of it, and never in
// its way: see package recorder. It is sealed by the party that saw the event,
// others may cosign, and nothing of it changes afterwards. Its salt makes the
// digest on the chain useless to who does not have the record.
//
// What must not be in a record: names, numbers of identity papers, addresses
// and account numbers. What looks like one is refused when a record is sealed;
// what looks like nothing is the caller's to leave out, or to replace by its
// digest under a name that ends in _digest or _hash.
//
// [NewDraft] makes a draft of the content of an event, such as [Payment];
// [Draft.Check] says whether a record can be made of it, and [Sealer.Seal]
// makes it. A [Case] is a dispute about records, with a deadline for producing
// them and an end that rests on them.
//
// What [Parse] and [ParseAnchor] return is unverified: it has the right form,
// and may come from anybody. The order of checks and the conclusions are in
// package verifier.
package attestation
