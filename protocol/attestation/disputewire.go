package attestation

import (
	"slices"
	"strconv"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
)

type applicationWire struct {
	DisputeID       string   `json:"dispute_id"`
	Type            string   `json:"dispute_type"`
	Applicant       string   `json:"applicant_id"`
	Respondents     []string `json:"respondent_ids"`
	Arbiter         string   `json:"arbiter_id"`
	IntentID        *string  `json:"intent_id,omitzero"`
	DelegationID    *string  `json:"delegation_id,omitzero"`
	MerchantOrderID *string  `json:"merchant_order_id,omitzero"`
	TradeNo         *string  `json:"trade_no,omitzero"`
	Records         []string `json:"record_ids,omitzero"`
	Description     string   `json:"description"`
	AppliedAt       string   `json:"applied_at"`
}

func (a Application) wire() applicationWire {
	return applicationWire{
		DisputeID: a.DisputeID, Type: a.Type, Applicant: a.Applicant, Respondents: slices.Clone(a.Respondents), Arbiter: a.Arbiter,
		IntentID: wire.Optional(a.Links.IntentID), DelegationID: wire.Optional(a.Links.DelegationID),
		MerchantOrderID: wire.Optional(a.Links.MerchantOrderID), TradeNo: wire.Optional(a.Links.TradeNo),
		Records: slices.Clone(a.Records), Description: a.Description, AppliedAt: wire.FormatTime(a.AppliedAt),
	}
}

func (w applicationWire) sender() string { return w.Applicant }

func (w applicationWire) value() (Application, error) {
	r := wire.Reader{Requirement: "TSD-ATT-DSP-01"}
	out := Application{
		DisputeID: w.DisputeID, Type: w.Type, Applicant: w.Applicant, Respondents: w.Respondents, Arbiter: w.Arbiter,
		Links: Links{
			IntentID: r.OptionalID("intent_id", w.IntentID), DelegationID: r.OptionalID("delegation_id", w.DelegationID),
			MerchantOrderID: r.OptionalID("merchant_order_id", w.MerchantOrderID), TradeNo: r.OptionalID("trade_no", w.TradeNo),
		},
		Records: w.Records, Description: w.Description, AppliedAt: utc(&r, "applied_at", w.AppliedAt),
	}
	r.ID("dispute_id", w.DisputeID)
	code(&r, "dispute_type", w.Type)
	r.DID("applicant_id", w.Applicant)
	r.DID("arbiter_id", w.Arbiter)
	parties(&r, "respondent_ids", w.Respondents, 1)
	if slices.Contains(w.Respondents, w.Applicant) {
		r.Fail("", protocol.New(protocol.CodeClaimsConflict, "respondent_ids", "", "nobody disputes with themselves"))
	}
	if w.Arbiter == w.Applicant || slices.Contains(w.Respondents, w.Arbiter) {
		r.Fail("", protocol.New(protocol.CodeClaimsConflict, "arbiter_id", "", "nobody judges their own case"))
	}
	if w.IntentID == nil && w.DelegationID == nil && w.MerchantOrderID == nil && w.TradeNo == nil {
		r.Fail("", missing("intent_id", "TSD-ATT-DSP-01"))
	}
	recordIDs(&r, "record_ids", w.Records)
	statement(&r, "description", w.Description)
	return out, r.Err()
}

type callWire struct {
	DisputeID   string   `json:"dispute_id"`
	Arbiter     string   `json:"arbiter_id"`
	Application string   `json:"application_digest"`
	Parties     []string `json:"party_ids"`
	CalledAt    string   `json:"called_at"`
	Deadline    string   `json:"deadline"`
}

func (c Call) wire() callWire {
	return callWire{c.DisputeID, c.Arbiter, string(c.Application), slices.Clone(c.Parties), wire.FormatTime(c.CalledAt), wire.FormatTime(c.Deadline)}
}

func (w callWire) sender() string { return w.Arbiter }

func (w callWire) value() (Call, error) {
	r := wire.Reader{Requirement: "TSD-ATT-DSP-01"}
	out := Call{
		w.DisputeID, w.Arbiter, digest(&r, "application_digest", w.Application), w.Parties,
		utc(&r, "called_at", w.CalledAt), utc(&r, "deadline", w.Deadline),
	}
	r.ID("dispute_id", w.DisputeID)
	r.DID("arbiter_id", w.Arbiter)
	parties(&r, "party_ids", w.Parties, 1)
	if !out.CalledAt.Before(out.Deadline) {
		r.Invalid("deadline", "after called_at")
	}
	return out, r.Err()
}

type producedWire struct {
	RecordID string `json:"record_id"`
	Digest   string `json:"record_digest"`
}

type productionWire struct {
	DisputeID  string         `json:"dispute_id"`
	Party      string         `json:"party_id"`
	Call       string         `json:"call_digest"`
	Records    []producedWire `json:"records"`
	ProducedAt string         `json:"produced_at"`
}

func (p Production) wire() productionWire {
	w := productionWire{DisputeID: p.DisputeID, Party: p.Party, Call: string(p.Call), ProducedAt: wire.FormatTime(p.ProducedAt), Records: []producedWire{}}
	for _, r := range p.Records {
		w.Records = append(w.Records, producedWire{r.RecordID, string(r.Digest)})
	}
	return w
}

func (w productionWire) sender() string { return w.Party }

func (w productionWire) value() (Production, error) {
	r := wire.Reader{Requirement: "TSD-ATT-DSP-01"}
	out := Production{
		DisputeID: w.DisputeID, Party: w.Party, Call: digest(&r, "call_digest", w.Call), ProducedAt: utc(&r, "produced_at", w.ProducedAt),
	}
	r.ID("dispute_id", w.DisputeID)
	r.DID("party_id", w.Party)
	if len(w.Records) == 0 {
		r.Fail("", missing("records", "TSD-ATT-DSP-01"))
	}
	ids := make([]string, len(w.Records))
	for i, p := range w.Records {
		ids[i] = p.RecordID
		out.Records = append(out.Records, Produced{p.RecordID, digest(&r, "records["+strconv.Itoa(i)+"].record_digest", p.Digest)})
	}
	recordIDs(&r, "records", ids)
	return out, r.Err()
}

type findingWire struct {
	RecordID   string     `json:"record_id"`
	Digest     string     `json:"record_digest"`
	Conclusion Conclusion `json:"conclusion"`
}

type dispositionWire struct {
	DisputeID       string        `json:"dispute_id"`
	Arbiter         string        `json:"arbiter_id"`
	Application     string        `json:"application_digest"`
	Call            string        `json:"call_digest"`
	Findings        []findingWire `json:"findings,omitzero"`
	PresumedAgainst []string      `json:"presumed_against,omitzero"`
	Grounds         []string      `json:"ground_record_ids,omitzero"`
	Outcome         Outcome       `json:"outcome"`
	Reasons         string        `json:"reasons"`
	DisposedAt      string        `json:"disposed_at"`
}

func (d Disposition) wire() dispositionWire {
	w := dispositionWire{
		DisputeID: d.DisputeID, Arbiter: d.Arbiter, Application: string(d.Application), Call: string(d.Call),
		PresumedAgainst: slices.Clone(d.PresumedAgainst), Grounds: slices.Clone(d.Grounds), Outcome: d.Outcome, Reasons: d.Reasons,
		DisposedAt: wire.FormatTime(d.DisposedAt),
	}
	for _, f := range d.Findings {
		w.Findings = append(w.Findings, findingWire{f.RecordID, string(f.Digest), f.Conclusion})
	}
	return w
}

func (w dispositionWire) sender() string { return w.Arbiter }

func (w dispositionWire) value() (Disposition, error) {
	r := wire.Reader{Requirement: "TSD-ATT-DSP-03"}
	out := Disposition{
		DisputeID: w.DisputeID, Arbiter: w.Arbiter, Application: digest(&r, "application_digest", w.Application),
		Call: digest(&r, "call_digest", w.Call), PresumedAgainst: w.PresumedAgainst, Grounds: w.Grounds,
		Outcome: w.Outcome, Reasons: w.Reasons, DisposedAt: utc(&r, "disposed_at", w.DisposedAt),
	}
	r.ID("dispute_id", w.DisputeID)
	r.DID("arbiter_id", w.Arbiter)
	verified := map[string]bool{}
	keys := make([]string, len(w.Findings))
	for i, f := range w.Findings {
		at := "findings[" + strconv.Itoa(i) + "]"
		recordID(&r, at+".record_id", f.RecordID)
		out.Findings = append(out.Findings, Finding{f.RecordID, digest(&r, at+".record_digest", f.Digest), f.Conclusion})
		if !f.Conclusion.Known() {
			r.Invalid(at+".conclusion", "one of the seven conclusions")
		}
		verified[f.RecordID] = verified[f.RecordID] || f.Conclusion == Verified
		keys[i] = f.RecordID + " " + f.Digest // neither has a space
	}
	if !sortedOnce(keys) {
		r.Invalid("findings", "sorted, each once")
	}
	if !sortedOnce(w.PresumedAgainst) {
		r.Invalid("presumed_against", "sorted, each once")
	}
	parties(&r, "presumed_against", w.PresumedAgainst, 0)
	recordIDs(&r, "ground_record_ids", w.Grounds)
	for _, id := range w.Grounds {
		if !verified[id] {
			r.Fail("", protocol.New(protocol.CodeClaimsConflict, "ground_record_ids", "", "a ground is a record that was found VERIFIED"))
		}
	}
	switch w.Outcome {
	case Upheld, PartlyUpheld, Rejected, Unproven:
	default:
		if r.Require("outcome", string(w.Outcome)) {
			r.Invalid("outcome", "one of the four outcomes")
		}
	}
	if w.Outcome != Unproven && len(w.Grounds) == 0 && len(w.PresumedAgainst) == 0 {
		r.Fail("", missing("ground_record_ids", "TSD-ATT-DSP-03"))
	}
	statement(&r, "reasons", w.Reasons)
	return out, r.Err()
}

// sortedOnce reports whether a list is strictly ascending.
func sortedOnce(list []string) bool {
	return slices.IsSorted(list) && len(slices.Compact(slices.Clone(list))) == len(list)
}
