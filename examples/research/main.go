// Research is an agent that buys data from other agents, by itself, with money
// that was set aside for it: a sub-account with a key of its own. It finds out
// who can be paid and how, fetches what costs with an ordinary http.Client,
// goes to another seller when one does not deliver, asks its principal about
// what is dear, is stopped and let go on, and ends when the money does. Then it
// shows the bill, and what is left goes back.
//
//	go run ./examples/research        the story
//	go run ./examples/research -v     with every message
//	go run ./examples/research -q     only the exit status
package main

import "github.com/actprotocol/act-go/examples/internal/stage"

func main() { stage.Main("research", tell) }
