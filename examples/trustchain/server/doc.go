// Package server serves a chain over HTTP (SPEC.md 10.4). What is public has
// hashes only: checkpoints, tiles, and entries that are digests of anchors. The
// anchors themselves, and the look-up by record, are for a channel's readers.
//
// An anchor is taken when its form is right, its channel is this one, its
// submitter is admitted and is the record's initiator, nothing in it looks like
// personal data, and its signature holds by a key of purpose anchor that is
// valid now.
package server
