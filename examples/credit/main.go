// Credit tells how an agent that nobody has heard of rents a camera: its owner
// lends it credit, a small and bounded part of it, for one purpose in one scope.
// The rental shop verifies the association, and with the owner's leave for one
// question the mapped value; a stranger learns nothing; and when the owner takes
// the credit back nobody can rely on it any more.
//
//	go run ./examples/credit        the story
//	go run ./examples/credit -v     with every message
//	go run ./examples/credit -q     only the exit status
package main

import "github.com/actprotocol/act-go/examples/internal/stage"

func main() { stage.Main("credit", tell) }
