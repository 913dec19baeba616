// Assistant is one agent of a platform that runs errands for eight people at
// once: each wants something else, the agent asks three merchants for it,
// compares, writes down why it chooses what it chooses, and buys under that
// person's mandate and with that person's money. One person's authority never
// serves another, whatever goes wrong in the platform.
//
//	go run ./examples/assistant        the story
//	go run ./examples/assistant -v     with every message
//	go run ./examples/assistant -q     only the exit status
package main

import "github.com/actprotocol/act-go/examples/internal/stage"

func main() { stage.Main("assistant", tell) }
