package attestation_test

import (
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
)

// TestHandmade: a message that a caller made itself, and that none could be
// read as, does not move a case.
func TestHandmade(t *testing.T) {
	nobody := application()
	nobody.Respondents = nil
	_, err := attestation.OpenCase(nobody, opened)
	want(t, "an application against nobody", err, protocol.CodeFieldMissing, "TSD-ATT-DSP-01", "respondent_ids")

	c, err := attestation.OpenCase(application(), opened)
	must(t, err)
	late := call(opened)
	late.Deadline = late.CalledAt
	want(t, "a call without time", c.Call(late, called), protocol.CodeFieldInvalid, "TSD-ATT-DSP-01", "deadline")

	c = producing(t)
	want(t, "a production of nothing", c.Produce(production(called, shopDID), epoch), protocol.CodeFieldMissing, "TSD-ATT-DSP-01", "records")
	must(t, c.Close(epoch.Add(72*time.Hour)))
	d := disposition(opened, called)
	d.Reasons = ""
	want(t, "a disposition without reasons", c.Dispose(d), protocol.CodeFieldMissing, "TSD-ATT-DSP-03", "reasons")
	if c.State() != attestation.CaseExamining {
		t.Error(c.State())
	}

	want(t, "no channel", attestation.CheckChannel(""), protocol.CodeFieldInvalid, "TSD-ATT-OCA-02", "")
}
