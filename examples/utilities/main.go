// Utilities is a year of household bills: one mandate, given once, pays the
// power company every month inside its limits. A bill that is too high waits
// for the principal, a holiday suspends the mandate, the network fails in two
// ways and nothing is paid twice, and after the year the mandate is over.
//
//	go run ./examples/utilities        the story
//	go run ./examples/utilities -v     with every message
//	go run ./examples/utilities -q     only the exit status
//
// The clock of the story is moved, a month at a time; everything else is real.
package main

import "github.com/actprotocol/act-go/examples/internal/stage"

func main() { stage.Main("utilities", tell) }
