// Coffee is the main job of act-go as a story: an agent finds and buys a latte
// inside its owner's limits, fetches paid pages until its budget ends, and then
// five attacks on the same servers fail, each for its own reason.
//
//	go run ./examples/coffee        the story
//	go run ./examples/coffee -v     with every message
//	go run ./examples/coffee -q     only the exit status
//
// Coffee shop, tea house, payment processor and the principal's bank are
// separate HTTPS servers on loopback, with their own keys and identity
// documents; the processor keeps its ledger in an SQLite file. Nothing is
// simulated but the people and, in one attack, two minutes of waiting; nothing
// is left behind.
package main

import "github.com/actprotocol/act-go/examples/internal/stage"

func main() { stage.Main("coffee", tell) }
