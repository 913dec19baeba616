// Package chain is the log itself: for each privacy channel an append-only
// Merkle tree of anchors (SPEC.md 10.4), all in one SQLite file with one writer
// that commits in groups.
//
// An anchor, the tiles that it changes and, where no witness is needed, the
// signed checkpoint that covers it are one transaction. Nothing leaves the
// process before it is on the disk, so that a kill at any moment leaves one
// history. Where the configuration names witnesses, a checkpoint is published
// once enough of them have cosigned it, and no anchor is answered for before.
//
// What is not checked here: the anchors. Package server does that first.
package chain
