package protocol

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// An Outcome is the result of a check or of a decision. The zero value denies.
type Outcome uint8

// The three outcomes. Undetermined never becomes Allowed.
const (
	Denied Outcome = iota
	Undetermined
	Allowed
)

// String returns "denied", "undetermined" or "allowed".
func (o Outcome) String() string {
	switch o {
	case Allowed:
		return "allowed"
	case Undetermined:
		return "undetermined"
	default:
		return "denied"
	}
}

// MarshalText writes the outcome as its name.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads a name; anything but the two others is Denied.
func (o *Outcome) UnmarshalText(text []byte) error {
	switch string(text) {
	case "allowed":
		*o = Allowed
	case "undetermined":
		*o = Undetermined
	default:
		*o = Denied
	}
	return nil
}

// A Check is one rule that was applied, and what came of it.
type Check struct {
	Requirement string  `json:"requirement"`     // id of the requirement, for example "PSD-PAY-DEL-06"
	Name        string  `json:"name"`            // what was checked, a constant: "total limit"
	Outcome     Outcome `json:"outcome"`         //
	Code        Code    `json:"code,omitzero"`   // set unless allowed
	Field       string  `json:"field,omitzero"`  // the member that was judged
	Detail      string  `json:"detail,omitzero"` // a constant text, never input
}

// Reason is Detail, or the text of the code where there is none; "" for a check
// that was met.
func (c Check) Reason() string {
	if c.Outcome == Allowed {
		return ""
	}
	if c.Detail != "" {
		return c.Detail
	}
	return c.Code.Text()
}

// String returns for example
//
//	total limit: total_limit_exceeded: max_total_amount: over the total of the mandate (PSD-PAY-DEL-06)
//
// and "total limit: allowed (PSD-PAY-DEL-06)" for a check that was met.
func (c Check) String() string {
	parts := []string{c.Name, string(c.Code), c.Field, c.Reason()}
	if c.Outcome == Allowed {
		parts = []string{c.Name, c.Outcome.String()}
	}
	return line(parts, c.Requirement)
}

// line joins what is not empty, and puts the requirement behind it.
func line(parts []string, requirement string) string {
	var b strings.Builder
	for _, p := range parts {
		if p == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(": ")
		}
		b.WriteString(p)
	}
	if requirement != "" {
		b.WriteString(" (" + requirement + ")")
	}
	return b.String()
}

// A Decision is a list of checks and the outcome that follows from them:
// denied if any check denies, else undetermined if any is undetermined, else
// allowed. The zero value has no checks and denies.
//
// A copy is independent of its original: what is recorded in one does not show
// in the other.
type Decision struct {
	last *entry
}

// An entry is never changed, so that copies of a Decision can share it. It is as
// small as can be, since nearly all checks are met.
type entry struct {
	requirement, name string
	failure           *Check // the whole of a check that was not met, else nil
	before            *entry
	block             *block  // it lies in
	count             int32   // of this entry and all before it
	worst             Outcome // of this entry and all before it
}

// check is what was recorded.
func (e *entry) check() Check {
	if e.failure != nil {
		return *e.failure
	}
	return Check{Requirement: e.requirement, Name: e.name, Outcome: Allowed}
}

// A block has room for some entries, since a payment makes some forty. Whoever
// takes the next place is its only owner: copies of one Decision, in several
// goroutines too, get different ones.
type block struct {
	taken   atomic.Int32
	entries [16]entry
}

// take returns the next place, or nil when all are taken.
func (b *block) take() *entry {
	// Asked first, so that however many copies of a full block cannot count too
	// far.
	if int(b.taken.Load()) >= len(b.entries) {
		return nil
	}
	if n := int(b.taken.Add(1)); n <= len(b.entries) {
		return &b.entries[n-1]
	}
	return nil
}

func (d *Decision) add(requirement, name string, failure *Check) {
	outcome := Allowed
	if failure != nil {
		outcome = failure.Outcome
	}
	var e *entry
	var b *block
	if d.last != nil {
		b = d.last.block
		e = b.take()
	}
	if e == nil {
		b = new(block)
		e = b.take()
	}
	*e = entry{requirement: requirement, name: name, failure: failure, before: d.last, count: 1, worst: outcome, block: b}
	if d.last != nil {
		e.count += d.last.count
		e.worst = min(e.worst, d.last.worst)
	}
	d.last = e
}

// Pass records a check that was met.
func (d *Decision) Pass(requirement, name string) {
	d.add(requirement, name, nil)
}

// Fail records a check that was not met, or could not be decided: the code
// says which.
func (d *Decision) Fail(code Code, requirement, name, field, detail string) {
	d.add(requirement, name, &Check{Requirement: requirement, Name: name, Outcome: code.Outcome(), Code: code, Field: field, Detail: detail})
}

// Require records Pass when ok is true and Fail otherwise.
func (d *Decision) Require(ok bool, code Code, requirement, name, field, detail string) bool {
	if ok {
		d.Pass(requirement, name)
	} else {
		d.Fail(code, requirement, name, field, detail)
	}
	return ok
}

// Record appends the result of a step: a nil error passes; an *Error fails
// with its own code, field and detail; any other error is undetermined.
func (d *Decision) Record(requirement, name string, err error) bool {
	if err == nil {
		d.Pass(requirement, name)
		return true
	}
	e := AsError(err)
	if e.Requirement != "" {
		requirement = e.Requirement
	}
	d.Fail(e.Code, requirement, name, e.Field, e.Detail)
	return false
}

// Append takes over the checks of another decision.
func (d *Decision) Append(other Decision) {
	var room [48]*entry
	entries := room[:0]
	for e := other.last; e != nil; e = e.before {
		entries = append(entries, e)
	}
	for _, e := range slices.Backward(entries) {
		d.add(e.requirement, e.name, e.failure)
	}
}

// Checks returns a copy of the checks in the order they were made.
func (d Decision) Checks() []Check {
	if d.last == nil {
		return nil
	}
	checks := make([]Check, d.last.count)
	for e := d.last; e != nil; e = e.before {
		checks[e.count-1] = e.check()
	}
	return checks
}

// Failed returns the checks that were not met or could not be decided, in the
// order they were made.
func (d Decision) Failed() []Check {
	var failed []Check
	for _, c := range d.Checks() {
		if c.Outcome != Allowed {
			failed = append(failed, c)
		}
	}
	return failed
}

// String is the outcome, the number of checks, and each check that failed: text
// for people, without input, as that of an Error is.
func (d Decision) String() string {
	if d.last == nil {
		return Denied.String() + ": nothing was checked"
	}
	failed := d.Failed()
	var b strings.Builder
	b.WriteString(d.Outcome().String() + ": " + strconv.Itoa(len(failed)) + " of " + strconv.Itoa(int(d.last.count)) + " checks failed")
	for _, c := range failed {
		b.WriteString("; " + c.String())
	}
	return b.String()
}

// Outcome computes the outcome; no checks at all is Denied.
func (d Decision) Outcome() Outcome {
	if d.last == nil {
		return Denied
	}
	return d.last.worst
}

// Allowed reports whether every check was met, and there was at least one.
func (d Decision) Allowed() bool { return d.Outcome() == Allowed }

// Err is nil exactly when the decision allows. Otherwise it is an *Error with
// the code that wins and with all checks.
func (d Decision) Err() error {
	if d.Allowed() {
		return nil
	}
	checks := d.Checks()
	if len(checks) == 0 {
		// A code that denies, as the outcome does.
		return New(CodeFieldMissing, "", "", "nothing was checked")
	}
	var worst *Check
	for i := range checks {
		c := &checks[i]
		if c.Outcome != Allowed && (worst == nil || c.Code.Wins(worst.Code)) {
			worst = c
		}
	}
	return &Error{Code: worst.Code, Field: worst.Field, Requirement: worst.Requirement, Detail: worst.Detail, Checks: checks}
}

// AsError returns err as an *Error. An error that is none of ours, a broken
// store for example, becomes service_unavailable: what cannot be decided is
// undetermined, and its text is not repeated.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return Wrap(CodeServiceUnavailable, "", "", "", err)
}
