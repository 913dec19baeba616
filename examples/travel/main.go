// Travel books a flight and a hotel under one mandate with a limit for each.
// Prices move while the agent is booking: a little goes through, more waits for
// the principal, who confirms anew; a seat that is held too long is released
// and held again; and an extra that became dearer is cancelled without asking,
// as the principal wanted.
//
//	go run ./examples/travel        the story
//	go run ./examples/travel -v     with every message
//	go run ./examples/travel -q     only the exit status
package main

import "github.com/actprotocol/act-go/examples/internal/stage"

func main() { stage.Main("travel", tell) }
