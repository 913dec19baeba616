// Glasses orders tea by voice through smart glasses, and pays at once: without a
// mandate, with one confirmation on the paired phone for each payment (L1,
// PSD-PAY-INS). The recording stays in the glasses; its digest is the intent.
// One payment is cancelled, one is confirmed too late, one was altered on the
// way, and one is tried by somebody else's phone.
//
//	go run ./examples/glasses       the story
//	go run ./examples/glasses -v    with every message
//	go run ./examples/glasses -q    only the exit status
package main

import "github.com/actprotocol/act-go/examples/internal/stage"

func main() { stage.Main("glasses", tell) }
