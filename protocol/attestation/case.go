package attestation

import (
	"cmp"
	"slices"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// A CaseState is where a dispute stands.
type CaseState string

// The states, in their order. No state is entered twice, and none is skipped.
const (
	CaseApplied   CaseState = "APPLIED"   // an application has come
	CaseProducing CaseState = "PRODUCING" // the parties have until the deadline
	CaseExamining CaseState = "EXAMINING" // what was produced is verified
	CaseDisposed  CaseState = "DISPOSED"  // the arbiter has decided
)

// A Case is a dispute as the arbiter holds it (TSD-ATT-DSP): application, call
// with a deadline, productions, verification, disposition. It takes messages
// that have been verified (package verifier) and times of the arbiter's own
// clock, and lets nothing happen out of order.
//
// It decides no dispute. No conclusion moves it to an end: only a disposition
// does, which gives reasons and rests on records that were produced, verified
// and anchored, or on what a party failed to produce.
//
// A Case is a value of one goroutine. The zero value is in no state and refuses
// everything.
type Case struct {
	state       CaseState
	application Application
	opened      canon.Digest
	call        Call
	called      canon.Digest
	produced    map[string][]Produced // by party, in time
	findings    map[Produced]Conclusion
}

// OpenCase begins a dispute. digest is the application's ContentDigest.
func OpenCase(a Application, digest canon.Digest) (*Case, error) {
	if _, err := a.wire().value(); err != nil {
		return nil, err
	}
	if digest == "" {
		return nil, missing("digest", "TSD-ATT-DSP-01")
	}
	return &Case{state: CaseApplied, application: a, opened: digest, produced: map[string][]Produced{}, findings: map[Produced]Conclusion{}}, nil
}

// State returns where the case stands.
func (c *Case) State() CaseState { return c.state }

// in refuses what does not belong to the present state.
func (c *Case) in(s CaseState) error {
	if c.state != s {
		return protocol.New(protocol.CodeStateConflict, "", "TSD-ATT-DSP-01", "not the time for this in the dispute")
	}
	return nil
}

func differs(field, detail string) error {
	return protocol.New(protocol.CodeClaimsConflict, field, "TSD-ATT-DSP-01", detail)
}

// Call takes the arbiter's call, and opens the time of production.
func (c *Case) Call(call Call, digest canon.Digest) error {
	if err := c.in(CaseApplied); err != nil {
		return err
	}
	if _, err := call.wire().value(); err != nil {
		return err
	}
	a := &c.application
	switch {
	case digest == "":
		return missing("digest", "TSD-ATT-DSP-01")
	case call.DisputeID != a.DisputeID || call.Application != c.opened:
		return differs("application_digest", "a call in another dispute")
	case call.Arbiter != a.Arbiter:
		return differs("arbiter_id", "not the arbiter that was applied to")
	}
	for _, p := range call.Parties {
		if p != a.Applicant && !slices.Contains(a.Respondents, p) {
			return differs("party_ids", "not a party of the dispute")
		}
	}
	c.state, c.call, c.called = CaseProducing, call, digest
	return nil
}

// Produce takes a party's production, which arrived at this time by the
// arbiter's clock: request_expired from the deadline on. A party may produce
// several times; nobody may produce another text of a record that was produced.
func (c *Case) Produce(p Production, arrived time.Time) error {
	if err := c.in(CaseProducing); err != nil {
		return err
	}
	if _, err := p.wire().value(); err != nil {
		return err
	}
	switch {
	case p.DisputeID != c.call.DisputeID || p.Call != c.called:
		return differs("call_digest", "an answer to another call")
	case !slices.Contains(c.call.Parties, p.Party):
		return protocol.New(protocol.CodeActorRefused, "party_id", "TSD-ATT-DSP-01", "not asked to produce")
	case !arrived.Before(c.call.Deadline):
		return protocol.New(protocol.CodeRequestExpired, "deadline", "TSD-ATT-DSP-02", "produced too late")
	}
	list := slices.Clone(c.produced[p.Party])
	for _, r := range p.Records {
		if !slices.Contains(list, r) {
			list = append(list, r)
		}
	}
	if len(list) > MaxDisputed/len(c.call.Parties) {
		return protocol.New(protocol.CodeTooLarge, "records", "TSD-ATT-DSP-01", "a party's share of 64 records")
	}
	c.produced[p.Party] = list
	return nil
}

// Close ends the time of production: at the deadline, not before. A party that
// has produced may still have more until then.
func (c *Case) Close(now time.Time) error {
	if err := c.in(CaseProducing); err != nil {
		return err
	}
	if now.Before(c.call.Deadline) {
		return protocol.New(protocol.CodeStateConflict, "deadline", "TSD-ATT-DSP-01", "the parties still have time")
	}
	c.state = CaseExamining
	return nil
}

// Produced returns the records that were produced in time, sorted, each once.
func (c *Case) Produced() []Produced {
	var out []Produced
	for _, list := range c.produced {
		out = append(out, list...)
	}
	slices.SortFunc(out, compareProduced)
	return slices.Compact(out)
}

func compareProduced(a, b Produced) int {
	return cmp.Or(cmp.Compare(a.RecordID, b.RecordID), cmp.Compare(a.Digest, b.Digest))
}

// Examine takes the conclusion of verifying a record that was produced; raw is
// its text, which must be the one of a production. It may be told again: what
// could not be had once may be had later.
func (c *Case) Examine(id string, raw []byte, conclusion Conclusion) error {
	if err := c.in(CaseExamining); err != nil {
		return err
	}
	if !conclusion.Known() {
		return protocol.New(protocol.CodeFieldInvalid, "conclusion", "TSD-ATT-SVF-02", "one of the seven conclusions")
	}
	digest, err := RecordDigest(raw)
	if err != nil {
		return err
	}
	r := Produced{id, digest}
	if !slices.Contains(c.Produced(), r) {
		return differs("record_digest", "not a record that was produced")
	}
	c.findings[r] = conclusion
	return nil
}

// Strike takes out a record that was named and has no conclusion, because its
// text never came or is no record at all. Who named nothing else has produced
// nothing.
func (c *Case) Strike(r Produced) error {
	if err := c.in(CaseExamining); err != nil {
		return err
	}
	if _, examined := c.findings[r]; examined {
		return differs("record_id", "a record that was examined")
	}
	if !slices.Contains(c.Produced(), r) {
		return differs("record_id", "not a record that was produced")
	}
	for p, list := range c.produced {
		c.produced[p] = slices.DeleteFunc(list, func(x Produced) bool { return x == r })
	}
	return nil
}

// Findings returns the conclusions so far, sorted as Produced is.
func (c *Case) Findings() []Finding {
	var out []Finding
	for _, r := range c.Produced() {
		if conclusion, ok := c.findings[r]; ok {
			out = append(out, Finding{r.RecordID, r.Digest, conclusion})
		}
	}
	return out
}

// Silent returns the parties that produced nothing in time, sorted. It is
// presumed against them (TSD-ATT-DSP-02). Before the time is over it is nobody.
func (c *Case) Silent() []string {
	return c.partiesWhere(func(p string) bool { return len(c.produced[p]) == 0 })
}

// Presumable returns the parties against which the arbiter may presume: the
// silent ones, and those that produced a record which definitely does not
// verify. A chain that does not answer and a key that cannot be had are held
// against nobody (TSD-ATT-SVF-03).
func (c *Case) Presumable() []string {
	return c.partiesWhere(func(p string) bool {
		return len(c.produced[p]) == 0 || slices.ContainsFunc(c.produced[p], func(r Produced) bool {
			found, ok := c.findings[r]
			return ok && found != Verified && found.Conclusive()
		})
	})
}

func (c *Case) partiesWhere(f func(string) bool) []string {
	if c.state != CaseExamining && c.state != CaseDisposed {
		return nil
	}
	var out []string
	for _, p := range c.call.Parties {
		if f(p) {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return out
}

// Dispose ends the case by a disposition that it allows (TSD-ATT-DSP-03): by
// its arbiter; with a finding for every record that was produced, as it was
// examined; with the presumption against every silent party, and against no
// party that gave no cause; and, unless it is UNPROVEN, resting on records that
// were found VERIFIED or on a presumption against who loses by it.
//
// Whether the reasons are good is not for a program.
func (c *Case) Dispose(d Disposition) error {
	if err := c.in(CaseExamining); err != nil {
		return err
	}
	if _, err := d.wire().value(); err != nil {
		return err
	}
	refuse := func(field, detail string) error {
		return protocol.New(protocol.CodeClaimsConflict, field, "TSD-ATT-DSP-03", detail)
	}
	presumable := c.Presumable()
	switch {
	case d.DisputeID != c.call.DisputeID || d.Application != c.opened || d.Call != c.called:
		return refuse("call_digest", "a disposition of another dispute")
	case d.Arbiter != c.call.Arbiter:
		return refuse("arbiter_id", "not the arbiter of the dispute")
	case len(c.Findings()) != len(c.Produced()):
		return protocol.New(protocol.CodeStateConflict, "findings", "TSD-ATT-DSP-03", "not every record has been examined")
	case !slices.Equal(d.Findings, c.Findings()):
		return refuse("findings", "not what the examination found")
	}
	for _, p := range c.Silent() {
		if !slices.Contains(d.PresumedAgainst, p) {
			return protocol.New(protocol.CodeFieldMissing, "presumed_against", "TSD-ATT-DSP-02", "a party that produced nothing in time")
		}
	}
	for _, p := range d.PresumedAgainst {
		if !slices.Contains(presumable, p) {
			return protocol.New(protocol.CodeClaimsConflict, "presumed_against", "TSD-ATT-DSP-02", "a party that gave no cause")
		}
	}
	if !c.grounded(d) {
		return refuse("ground_record_ids", "no record and no presumption against who loses")
	}
	c.state = CaseDisposed
	return nil
}

// grounded reports whether a disposition rests on more than somebody's word.
func (c *Case) grounded(d Disposition) bool {
	if d.Outcome == Unproven || len(d.Grounds) > 0 {
		return true
	}
	return slices.ContainsFunc(d.PresumedAgainst, func(p string) bool {
		return (p == c.application.Applicant) == (d.Outcome == Rejected)
	})
}
