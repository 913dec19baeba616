package main

import (
	"crypto/ed25519"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// floorTime is how long the floor is measured, once before the run and once
// after it.
const floorTime = 500 * time.Millisecond

// A signature is one that a payment cannot do without.
type signature struct {
	length int  // of the text
	made   bool // by the processor; else it checks it
}

// floor measures what the signatures of one payment cost, in processor time,
// with all cores at work as they are in a run. The lengths are those of this
// run's texts.
func (s *street) floor() (time.Duration, error) {
	b := s.buyers[0]
	order, err := s.order(b, orderNumber(0))
	if err != nil {
		return 0, err
	}
	_, body, err := s.payment(b, 0)
	if err != nil {
		return 0, err
	}
	return floor([]signature{
		{length: len(order) - 87}, {length: len(body) - 100}, // without the signature itself
		{length: 950, made: true}, {length: 2200, made: true}, // proof and result
	})
}

func floor(signatures []signature) (time.Duration, error) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return 0, err
	}
	texts, made := make([][]byte, len(signatures)), make([][]byte, len(signatures))
	for i, g := range signatures {
		texts[i] = make([]byte, g.length)
		made[i] = ed25519.Sign(private, texts[i])
	}
	payment := func() (ok bool) {
		ok = true
		for i, g := range signatures {
			if g.made {
				ok = len(ed25519.Sign(private, texts[i])) == ed25519.SignatureSize && ok
			} else {
				ok = ed25519.Verify(public, texts[i], made[i]) && ok
			}
		}
		return ok
	}
	var payments atomic.Int64
	var wrong atomic.Bool
	begun, before := time.Now(), ownTime()
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for time.Since(begun) < floorTime {
				if !payment() {
					wrong.Store(true)
					return
				}
				payments.Add(1)
			}
		})
	}
	group.Wait()
	if wrong.Load() || payments.Load() == 0 {
		return 0, errors.New("a signature does not verify")
	}
	return (ownTime() - before) / time.Duration(payments.Load()), nil
}
