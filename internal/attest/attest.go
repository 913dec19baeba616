// Package attest tells of business events from where they happen: the hooks of
// issuer, agent, merchant and provider, which are all of the form
// func(attestation.Draft). A hook is told after the event and never asked.
package attest

import (
	"time"

	"github.com/actprotocol/act-go/protocol/attestation"
)

// Tell gives a hook the draft of an event; a nil hook is told nothing.
// Participants without an id are not known, and left out.
//
// Content that no draft can be made of is told as a draft without a body, which
// every recorder refuses and reports: an event is not lost in silence, and does
// not touch the business that it is about.
func Tell(hook func(attestation.Draft), c attestation.Content, at time.Time, links attestation.Links, participants ...attestation.Participant) {
	if hook == nil {
		return
	}
	at = at.UTC().Truncate(time.Second)
	known := participants[:0:0]
	for _, p := range participants {
		if p.ID != "" {
			known = append(known, p)
		}
	}
	draft, err := attestation.NewDraft(c, at, links, known...)
	if err != nil {
		draft = attestation.Draft{EventTime: at, Links: links, Participants: known}
	}
	hook(draft)
}
