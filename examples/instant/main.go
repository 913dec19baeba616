// Instant orders a dinner from several shops of a marketplace. All messages pass
// through the marketplace; the door that the couriers come to is sealed for the
// shop that delivers, and the marketplace, the payment processor and the other
// shops get no more than a digest of it. Food is paid under a mandate of which
// the processor is shown what it judges (L2), flowers by the principal with her
// phone at the processor's cashier (L1).
//
//	go run ./examples/instant        the story
//	go run ./examples/instant -v     with every message
//	go run ./examples/instant -q     only the exit status
package main

import "github.com/actprotocol/act-go/examples/internal/stage"

func main() { stage.Main("instant", tell) }
