// Package recorder turns business events into records and anchors without ever
// standing in the way of a purchase (TSD-ATT-EVT-02, TSD-ATT-OCA-05).
//
//	rec, err := recorder.New(recorder.Config{
//		Dir: "queue", Store: store, Anchorer: recorder.Chain(client), Channel: "retail",
//		Signer: attestation.By(key), AnchorSigner: anchorKey,
//	})
//	id, err := rec.Record(ctx, draft) // on the disk; sealed and anchored later
//
// One Recorder works for one initiator, in the order in which its events were
// told: it seals each draft, stores the record, and submits the anchor, again
// and again until the chain has it. Sealing does not wait for a chain that is
// down. A service of several parties has a Recorder for each.
//
// Promise: what [Recorder.Record] accepted becomes a record under the id that
// it returned, once, whatever crashes in between; the disk is what it relies
// on. The queue is bounded, and says so with [ErrFull] when it is: a purchase
// then goes on without evidence rather than not at all, and the caller knows.
// What can never succeed is set aside and told, never dropped. Nothing that is
// told holds content, keys or tokens.
//
// Advice: give a Recorder's Report to somebody who reads it; an event that was
// set aside waits for a person. Keep the store on another disk than its backup:
// this package does not make one.
package recorder
