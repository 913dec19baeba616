package commerce

import (
	"slices"
	"time"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/money"
)

// An IntentMember is a member of an Intent that an update can drop, by its path
// on the wire. The explicit intent is not among them: without it there is no
// need.
type IntentMember string

// The members that can be dropped.
const (
	MemberImplicit      IntentMember = "intent_context.implicit_intent"
	MemberPreferences   IntentMember = "intent_context.preferences"
	MemberBackground    IntentMember = "intent_context.background"
	MemberMaxAmount     IntentMember = "constraints.max_amount"
	MemberCurrency      IntentMember = "constraints.currency"
	MemberAllowed       IntentMember = "constraints.allowed_categories"
	MemberForbidden     IntentMember = "constraints.forbidden_categories"
	MemberDelivery      IntentMember = "constraints.delivery_time_requirement"
	MemberMaxCandidates IntentMember = "response_requirements.max_candidates"
	MemberSort          IntentMember = "response_requirements.sort_preference"
)

// A part is one member of an Intent: what an update replaces whole.
type part struct {
	member IntentMember // "" of the explicit intent, which is never dropped
	there  func(*Intent) bool
	copy   func(to, from *Intent)
	equal  func(a, b *Intent) bool
}

// parts are all members of an Intent.
var parts = []part{
	partOf("", func(i *Intent) *string { return &i.Context.Explicit }),
	listPart(MemberImplicit, func(i *Intent) *[]string { return &i.Context.Implicit }),
	listPart(MemberPreferences, func(i *Intent) *[]string { return &i.Context.Preferences }),
	listPart(MemberBackground, func(i *Intent) *[]string { return &i.Context.Background }),
	partOf(MemberMaxAmount, func(i *Intent) *money.Amount { return &i.Constraints.MaxAmount }),
	partOf(MemberCurrency, func(i *Intent) *money.Currency { return &i.Constraints.Currency }),
	listPart(MemberAllowed, func(i *Intent) *[]string { return &i.Constraints.AllowedCategories }),
	listPart(MemberForbidden, func(i *Intent) *[]string { return &i.Constraints.ForbiddenCategories }),
	timePart(MemberDelivery, func(i *Intent) *time.Time { return &i.Constraints.DeliverBy }),
	partOf(MemberMaxCandidates, func(i *Intent) *int { return &i.Response.MaxCandidates }),
	partOf(MemberSort, func(i *Intent) *Sort { return &i.Response.Sort }),
}

func partOf[T comparable](m IntentMember, at func(*Intent) *T) part {
	var absent T
	return part{
		member: m,
		there:  func(i *Intent) bool { return *at(i) != absent },
		copy:   func(to, from *Intent) { *at(to) = *at(from) },
		equal:  func(a, b *Intent) bool { return *at(a) == *at(b) },
	}
}

func listPart(m IntentMember, at func(*Intent) *[]string) part {
	return part{
		member: m,
		there:  func(i *Intent) bool { return *at(i) != nil },
		copy:   func(to, from *Intent) { *at(to) = slices.Clone(*at(from)) },
		equal: func(a, b *Intent) bool {
			return (*at(a) == nil) == (*at(b) == nil) && slices.Equal(*at(a), *at(b))
		},
	}
}

// timePart compares what is written: whole seconds.
func timePart(m IntentMember, at func(*Intent) *time.Time) part {
	return part{
		member: m,
		there:  func(i *Intent) bool { return !at(i).IsZero() },
		copy:   func(to, from *Intent) { *at(to) = *at(from) },
		equal:  func(a, b *Intent) bool { return wire.FormatTime(*at(a)) == wire.FormatTime(*at(b)) },
	}
}

// Clone returns a copy that shares no memory with i.
func (i Intent) Clone() Intent {
	var out Intent
	for _, p := range parts {
		p.copy(&out, &i)
	}
	return out
}

// Equal reports whether both say the same.
func (i Intent) Equal(other Intent) bool {
	for _, p := range parts {
		if !p.equal(&i, &other) {
			return false
		}
	}
	return true
}

// Updated returns the Intent after an update: a member that changed has, whole,
// replaced the old one, what was removed is gone, all else is as it was
// (CID-INT-XFR-04). An update that removes what is not there is not one of this
// Intent, and is refused with field_invalid. Whether the constraints still go
// together is for [Constraints.Conflict] to say.
func (i Intent) Updated(changed Intent, removed []IntentMember) (Intent, error) {
	out := i.Clone()
	for _, p := range parts {
		gone := p.member != "" && slices.Contains(removed, p.member)
		switch {
		case gone && p.there(&changed):
			return Intent{}, updateFault("is changed and removed")
		case gone && !p.there(&i):
			return Intent{}, updateFault("names what the earlier request did not have")
		case gone:
			p.copy(&out, &Intent{})
		case p.there(&changed):
			p.copy(&out, &changed)
		}
	}
	return out, nil
}

func updateFault(detail string) error {
	return protocol.New(protocol.CodeFieldInvalid, "removed", "CID-INT-XFR-04", detail)
}

// Changes is the opposite of Updated: what an update from i to next carries.
// When a limit is told its currency is told with it.
func (i Intent) Changes(next Intent) (changed Intent, removed []IntentMember) {
	for _, p := range parts {
		switch {
		case p.equal(&i, &next):
		case p.there(&next):
			p.copy(&changed, &next)
		case p.member != "":
			removed = append(removed, p.member)
		}
	}
	if changed.Constraints.MaxAmount.Valid() {
		changed.Constraints.Currency = next.Constraints.Currency
	}
	return changed, removed
}

// checkUpdate checks what distinguishes an update from a first request.
func (q *IntentRequest) checkUpdate(r *wire.Reader, w intentWire) {
	fail := func(code protocol.Code, field, detail string) {
		r.Fail("", protocol.New(code, field, "CID-INT-XFR-04", detail))
	}
	if w.PreviousID == nil {
		if w.Removed != nil {
			fail(protocol.CodeFieldInvalid, "removed", "only an update removes")
		}
		if q.Intent.Context.Explicit == "" {
			r.Require("intent_context.explicit_intent", "")
		}
		return
	}
	if q.PreviousRequestID == q.RequestID {
		fail(protocol.CodeFieldInvalid, "previous_request_id", "a request does not update itself")
	}
	if w.Context == nil && w.Constraints == nil && w.Response == nil && w.Removed == nil {
		fail(protocol.CodeFieldMissing, "intent_context", "an update changes something")
	}
	if w.Removed == nil {
		return
	}
	if len(w.Removed) == 0 {
		fail(protocol.CodeFieldInvalid, "removed", "an empty list is left out")
	}
	for n, m := range w.Removed {
		known := slices.IndexFunc(parts, func(p part) bool { return m != "" && p.member == m })
		switch {
		case known < 0:
			fail(protocol.CodeFieldInvalid, "removed", "must name members that can be removed")
		case slices.Contains(w.Removed[:n], m):
			fail(protocol.CodeFieldInvalid, "removed", "names a member twice")
		case parts[known].there(&q.Intent):
			fail(protocol.CodeFieldInvalid, "removed", "names a member that is there")
		}
	}
}
