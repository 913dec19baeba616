package ledger

import "time"

// nonces are those that were used and whose time is not over, by the end of it
// in steps of nonceStep: what is over is forgotten a step at a time.
type nonces map[int64]map[int64]struct{}

// nonceStep is in seconds: about as long as nonces live.
const nonceStep = 300

func (n nonces) has(short int64) bool {
	for _, step := range n {
		if _, used := step[short]; used {
			return true
		}
	}
	return false
}

// add marks a nonce as used until a second, which is not before the step ends.
func (n nonces) add(short, until int64) {
	at := (until + nonceStep - 1) / nonceStep
	step := n[at]
	if step == nil {
		step = make(map[int64]struct{})
		n[at] = step
	}
	step[short] = struct{}{}
}

// forget drops the steps that are over.
func (n nonces) forget(now time.Time) {
	for at := range n {
		if at*nonceStep <= now.Unix() {
			delete(n, at)
		}
	}
}
