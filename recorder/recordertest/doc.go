// Package recordertest has what tests of recorders and evidence need: the
// contract of recorder.RecordStore, which every implementation can run against
// itself, and a [Log], a chain in memory with real proofs.
package recordertest
