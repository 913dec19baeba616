// Package trustlog is the client of a trust chain: an append-only Merkle log of
// anchors, one for each privacy channel (SPEC.md 10.4). It submits anchors and
// finds them again, and a [Client] is the AnchorSource that package verifier
// asks.
//
// The chain is not believed, it is checked. Every answer carries an inclusion
// proof under a checkpoint that the log has signed, and the witnesses that were
// asked for; the client verifies both, computes from the log's tiles that the
// checkpoint continues the one it saw before, and remembers it. A log that
// shows two histories is caught when its signatures are compared, is told as
// [ErrForked], and stays told: the client answers nothing else for that log
// until its operator has looked and removed the state.
//
// The formats are public ones: checkpoints are C2SP signed notes
// (tlog-checkpoint), hashing is RFC 6962, reading is C2SP tlog-tiles, witnesses
// sign as in C2SP tlog-cosignature, and a [Place] is written as a C2SP
// tlog-proof, which verifies offline with a [Trust] and nothing else.
//
// What is not checked here: the signature of the submitter on the anchor, and
// whether the anchor is of the record that is looked at. Package verifier does
// both. And a log that denies an anchor that it has cannot be seen through from
// outside; it signs the denial, so that the submitter's receipt convicts it, see
// [Trust.Contradicts].
//
// Advice: keep the receipts of [Client.Submit], give the client a [FileStore],
// and name witnesses that somebody else runs.
//
// Promise: nothing unproved is returned, an error never repeats input, and what
// could not be fetched or proved is undetermined and never "not found".
package trustlog
