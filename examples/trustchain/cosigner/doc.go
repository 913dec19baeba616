// Package cosigner is a witness of transparency logs and the client that asks
// one: C2SP tlog-witness over HTTP, with Ed25519 cosignatures.
//
// A [Witness] knows some logs by their keys, remembers the last checkpoint of
// each, and cosigns one only when it is the beginning of nothing else: with a
// consistency proof from what it cosigned before. It stores before it answers.
// It sees sizes and roots, and nothing of the anchors.
package cosigner
