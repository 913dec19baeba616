package attestation_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

func application() attestation.Application {
	return attestation.Application{
		DisputeID: "dispute-1", Type: "not-delivered", Applicant: agentDID, Respondents: []string{shopDID, pspDID}, Arbiter: judgeDID,
		Links: attestation.Links{IntentID: intentID, TradeNo: "trade-1"}, Description: "Paid, and nothing came.\nTwo reminders.", AppliedAt: epoch,
	}
}

func call(opened canon.Digest) attestation.Call {
	return attestation.Call{
		DisputeID: "dispute-1", Arbiter: judgeDID, Application: opened, Parties: []string{agentDID, pspDID, shopDID},
		CalledAt: epoch, Deadline: epoch.Add(72 * time.Hour),
	}
}

func production(called canon.Digest, party string, records ...attestation.Produced) attestation.Production {
	return attestation.Production{DisputeID: "dispute-1", Party: party, Call: called, Records: records, ProducedAt: epoch}
}

func disposition(opened, called canon.Digest) attestation.Disposition {
	return attestation.Disposition{
		DisputeID: "dispute-1", Arbiter: judgeDID, Application: opened, Call: called, Outcome: attestation.Unproven,
		Reasons: "The records say that it was paid, and not what was delivered.", DisposedAt: epoch.Add(80 * time.Hour),
	}
}

type disputeMessage interface {
	KeyID() string
	Verify(keys.PublicKey) error
	ContentDigest() canon.Digest
}

func TestDisputeMessages(t *testing.T) {
	other := newSigner(bankDID, keys.Attestation)
	for _, m := range []struct {
		kind  string
		did   string
		sign  func(*keys.Signer) ([]byte, error)
		parse func([]byte) (disputeMessage, error)
	}{
		{"application", agentDID, func(s *keys.Signer) ([]byte, error) { return attestation.SignApplication(s, application()) },
			func(b []byte) (disputeMessage, error) {
				return attestation.ParseApplication(b)
			}},
		{"call", judgeDID, func(s *keys.Signer) ([]byte, error) { return attestation.SignCall(s, call(aDigest)) },
			func(b []byte) (disputeMessage, error) {
				return attestation.ParseCall(b)
			}},
		{"production", shopDID, func(s *keys.Signer) ([]byte, error) {
			return attestation.SignProduction(s, production(aDigest, shopDID, attestation.Produced{RecordID: shopDID + "#r", Digest: aDigest}))
		}, func(b []byte) (disputeMessage, error) {
			return attestation.ParseProduction(b)
		}},
		{"disposition", judgeDID, func(s *keys.Signer) ([]byte, error) {
			d := disposition(aDigest, aDigest)
			d.Findings = []attestation.Finding{{RecordID: shopDID + "#r", Digest: aDigest, Conclusion: attestation.Verified}}
			d.Grounds, d.Outcome, d.PresumedAgainst = []string{shopDID + "#r"}, attestation.Upheld, []string{pspDID}
			return attestation.SignDisposition(s, d)
		}, func(b []byte) (disputeMessage, error) {
			return attestation.ParseDisposition(b)
		}},
	} {
		t.Run("TSD-ATT-DSP-01 "+m.kind, func(t *testing.T) {
			s := newSigner(m.did, keys.Attestation)
			raw, err := m.sign(s)
			if err != nil {
				t.Fatal(err)
			}
			u, err := m.parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			if err := u.Verify(s.Public()); err != nil || u.KeyID() != s.KeyID() || u.ContentDigest() == "" {
				t.Errorf("%v", err)
			}
			want(t, "another key", u.Verify(other.Public()), protocol.CodeSignatureInvalid, "", "")
			if _, err := m.sign(other); protocol.CodeOf(err) != protocol.CodeClaimsConflict {
				t.Errorf("signed by another party: %v", err)
			}
			if _, err := m.sign(newSigner(m.did, keys.Seller)); protocol.CodeOf(err) != protocol.CodeKeyPurpose {
				t.Errorf("signed by another key: %v", err)
			}
			for i := range raw {
				bad := slices.Clone(raw)
				bad[i] ^= 1
				if u, err := m.parse(bad); err == nil && u.Verify(s.Public()) == nil {
					t.Fatalf("byte %d can be %q", i, bad[i])
				}
			}
		})
	}
	t.Run("separate kinds", func(t *testing.T) {
		s := newSigner(judgeDID, keys.Attestation)
		raw, err := attestation.SignCall(s, call(aDigest))
		if err != nil {
			t.Fatal(err)
		}
		m, err := keys.ParseMessage(raw)
		if err != nil {
			t.Fatal(err)
		}
		want(t, "as another kind", m.Verify(s.Public(), attestation.KindDisposition), protocol.CodeSignatureInvalid, "", "")
	})
}

func TestDisputeRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*attestation.Application)
		code   protocol.Code
		field  string
	}{
		"no type":           {func(a *attestation.Application) { a.Type = "" }, protocol.CodeFieldMissing, "dispute_type"},
		"a type in prose":   {func(a *attestation.Application) { a.Type = "It broke" }, protocol.CodeFieldInvalid, "dispute_type"},
		"no links":          {func(a *attestation.Application) { a.Links = attestation.Links{} }, protocol.CodeFieldMissing, "intent_id"},
		"no description":    {func(a *attestation.Application) { a.Description = " \n" }, protocol.CodeFieldInvalid, "description"},
		"a long one":        {func(a *attestation.Application) { a.Description = strings.Repeat("x", 2001) }, protocol.CodeFieldInvalid, "description"},
		"hidden characters": {func(a *attestation.Application) { a.Description = "a\u202eb" }, protocol.CodeFieldInvalid, "description"},
		"against oneself":   {func(a *attestation.Application) { a.Respondents = []string{agentDID} }, protocol.CodeClaimsConflict, "respondent_ids"},
		"against nobody":    {func(a *attestation.Application) { a.Respondents = nil }, protocol.CodeFieldMissing, "respondent_ids"},
		"twice":             {func(a *attestation.Application) { a.Respondents = []string{shopDID, shopDID} }, protocol.CodeFieldInvalid, "respondent_ids[1]"},
		"judge and party":   {func(a *attestation.Application) { a.Arbiter = shopDID }, protocol.CodeClaimsConflict, "arbiter_id"},
		"a record twice":    {func(a *attestation.Application) { a.Records = []string{shopDID + "#r", shopDID + "#r"} }, protocol.CodeFieldInvalid, "record_ids[1]"},
		"personal data":     {func(a *attestation.Application) { a.Description = "write to ann@mail.example" }, protocol.CodeFieldInvalid, ""},
	} {
		a := application()
		c.change(&a)
		_, err := attestation.SignApplication(newSigner(agentDID, keys.Attestation), a)
		want(t, name, err, c.code, "", c.field)
	}
	judge := newSigner(judgeDID, keys.Attestation)
	for name, c := range map[string]struct {
		change func(*attestation.Disposition)
		code   protocol.Code
		field  string
	}{
		"TSD-ATT-DSP-03 upheld on nothing": {func(d *attestation.Disposition) { d.Outcome = attestation.Upheld }, protocol.CodeFieldMissing, "ground_record_ids"},
		"TSD-ATT-DSP-03 no reasons":        {func(d *attestation.Disposition) { d.Reasons = "" }, protocol.CodeFieldMissing, "reasons"},
		"no such outcome":                  {func(d *attestation.Disposition) { d.Outcome, d.PresumedAgainst = "VERIFIED", []string{pspDID} }, protocol.CodeFieldInvalid, "outcome"},
		"a ground that was not examined":   {func(d *attestation.Disposition) { d.Grounds = []string{shopDID + "#r"} }, protocol.CodeClaimsConflict, "ground_record_ids"},
		"a ground that is not VERIFIED": {func(d *attestation.Disposition) {
			d.Findings = []attestation.Finding{{shopDID + "#r", aDigest, attestation.AnchorQueryTimeout}}
			d.Grounds = []string{shopDID + "#r"}
		}, protocol.CodeClaimsConflict, "ground_record_ids"},
		"a finding in prose": {func(d *attestation.Disposition) {
			d.Findings = []attestation.Finding{{shopDID + "#r", aDigest, "looks fine"}}
		}, protocol.CodeFieldInvalid, "findings[0].conclusion"},
	} {
		d := disposition(aDigest, aDigest)
		c.change(&d)
		_, err := attestation.SignDisposition(judge, d)
		want(t, name, err, c.code, "", c.field)
	}
	early := call(aDigest)
	early.Deadline = early.CalledAt
	_, err := attestation.SignCall(judge, early)
	want(t, "no time to produce", err, protocol.CodeFieldInvalid, "", "deadline")
	_, err = attestation.SignProduction(newSigner(shopDID, keys.Attestation), production(aDigest, shopDID))
	want(t, "nothing produced", err, protocol.CodeFieldMissing, "", "records")
}

const opened, called canon.Digest = aDigest, "sha-256:n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg"

// producing is a case in which the parties have been called.
func producing(t testing.TB) *attestation.Case {
	t.Helper()
	c, err := attestation.OpenCase(application(), opened)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Call(call(opened), called); err != nil {
		t.Fatal(err)
	}
	return c
}

// text is a JSON text that stands for a record, with its digest.
func text(t testing.TB, id, content string) ([]byte, attestation.Produced) {
	t.Helper()
	raw := []byte(`{"record_id":"` + id + `","x":"` + content + `"}`)
	d, err := attestation.RecordDigest(raw)
	if err != nil {
		t.Fatal(err)
	}
	return raw, attestation.Produced{RecordID: id, Digest: d}
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestCase(t *testing.T) {
	deadline := epoch.Add(72 * time.Hour)
	raw, paid := text(t, pspDID+"#rec-1", "paid")
	t.Run("TSD-ATT-DSP-01 from application to disposition", func(t *testing.T) {
		c := producing(t)
		must(t, c.Produce(production(called, pspDID, paid), epoch), c.Produce(production(called, agentDID, paid), epoch))
		must(t, c.Close(deadline), c.Examine(paid.RecordID, raw, attestation.AnchorQueryTimeout), c.Examine(paid.RecordID, raw, attestation.Verified))
		if c.State() != attestation.CaseExamining {
			t.Error("TSD-ATT-DSP-03 a VERIFIED record ended the dispute")
		}
		if got := c.Silent(); !slices.Equal(got, []string{shopDID}) {
			t.Errorf("TSD-ATT-DSP-02 silent: %v", got)
		}
		d := disposition(opened, called)
		d.Findings, d.Outcome, d.Grounds = c.Findings(), attestation.Upheld, []string{paid.RecordID}
		want(t, "the silent party is spared", c.Dispose(d), protocol.CodeFieldMissing, "TSD-ATT-DSP-02", "presumed_against")
		d.PresumedAgainst = []string{agentDID, shopDID}
		want(t, "a party that gave no cause", c.Dispose(d), protocol.CodeClaimsConflict, "TSD-ATT-DSP-02", "presumed_against")
		d.PresumedAgainst = []string{shopDID}
		must(t, c.Dispose(d))
		if c.State() != attestation.CaseDisposed {
			t.Error(c.State())
		}
		want(t, "twice", c.Dispose(d), protocol.CodeStateConflict, "", "")
	})
	t.Run("TSD-ATT-DSP-02 in time", func(t *testing.T) {
		c := producing(t)
		want(t, "too late", c.Produce(production(called, shopDID, paid), deadline), protocol.CodeRequestExpired, "TSD-ATT-DSP-02", "deadline")
		must(t, c.Produce(production(called, shopDID, paid), deadline.Add(-1)))
		want(t, "closed early", c.Close(deadline.Add(-1)), protocol.CodeStateConflict, "", "deadline")
		if c.Silent() != nil || c.Presumable() != nil {
			t.Error("presumed before the deadline")
		}
		must(t, c.Close(deadline))
		want(t, "after the close", c.Produce(production(called, pspDID, paid), epoch), protocol.CodeStateConflict, "", "")
	})
	t.Run("TSD-ATT-SVF-03 what could not be checked is held against nobody", func(t *testing.T) {
		c := producing(t)
		for _, p := range []string{agentDID, pspDID, shopDID} {
			must(t, c.Produce(production(called, p, paid), epoch))
		}
		must(t, c.Close(deadline))
		for conclusion, presumable := range map[attestation.Conclusion]int{
			attestation.AnchorQueryTimeout: 0, attestation.PublicKeyUnavailable: 0, attestation.Verified: 0,
			attestation.SignatureInvalid: 3, attestation.PayloadHashMismatch: 3, attestation.ChainHashMismatch: 3, attestation.AnchorNotFound: 3,
		} {
			must(t, c.Examine(paid.RecordID, raw, conclusion))
			if got := c.Presumable(); len(got) != presumable {
				t.Errorf("%s: %v", conclusion, got)
			}
		}
	})
	t.Run("a forged text produced first", func(t *testing.T) {
		forgedRaw, forged := text(t, paid.RecordID, "not paid")
		c := producing(t)
		must(t, c.Produce(production(called, shopDID, forged), epoch), c.Produce(production(called, pspDID, paid), epoch), c.Close(deadline))
		must(t, c.Examine(paid.RecordID, forgedRaw, attestation.SignatureInvalid), c.Examine(paid.RecordID, raw, attestation.Verified))
		if got := c.Presumable(); !slices.Equal(got, []string{agentDID, shopDID}) {
			t.Errorf("%v", got)
		}
		if len(c.Findings()) != 2 {
			t.Errorf("%v", c.Findings())
		}
	})
	t.Run("a record that never came", func(t *testing.T) {
		c := producing(t)
		must(t, c.Produce(production(called, shopDID, paid), epoch), c.Close(deadline))
		d := disposition(opened, called)
		d.PresumedAgainst = []string{agentDID, pspDID, shopDID}
		want(t, "not examined", c.Dispose(d), protocol.CodeStateConflict, "TSD-ATT-DSP-03", "findings")
		want(t, "another text", c.Examine(paid.RecordID, []byte(`{}`), attestation.Verified), protocol.CodeClaimsConflict, "", "record_digest")
		must(t, c.Strike(paid))
		if got := c.Silent(); len(got) != 3 {
			t.Errorf("TSD-ATT-DSP-02 %v", got)
		}
		want(t, "struck twice", c.Strike(paid), protocol.CodeClaimsConflict, "", "record_id")
		must(t, c.Dispose(d))
	})
	t.Run("TSD-ATT-DSP-03 presumed against who wins", func(t *testing.T) {
		c := producing(t)
		for _, p := range []string{pspDID, shopDID} {
			must(t, c.Produce(production(called, p, paid), epoch))
		}
		must(t, c.Close(deadline), c.Examine(paid.RecordID, raw, attestation.AnchorQueryTimeout))
		d := disposition(opened, called)
		d.Findings, d.Outcome, d.PresumedAgainst = c.Findings(), attestation.Upheld, []string{agentDID}
		want(t, "upheld", c.Dispose(d), protocol.CodeClaimsConflict, "TSD-ATT-DSP-03", "ground_record_ids")
		d.Outcome = attestation.Rejected
		must(t, c.Dispose(d))
	})
	t.Run("a flood", func(t *testing.T) {
		c := producing(t) // three parties
		var many []attestation.Produced
		for i := range 22 {
			_, p := text(t, shopDID+"#rec-"+strings.Repeat("i", i+1), "x")
			many = append(many, p)
		}
		must(t, c.Produce(production(called, shopDID, many[:20]...), epoch))
		want(t, "more than a share", c.Produce(production(called, shopDID, many[20:]...), epoch), protocol.CodeTooLarge, "TSD-ATT-DSP-01", "records")
		must(t, c.Produce(production(called, shopDID, many[20]), epoch), c.Produce(production(called, pspDID, paid), epoch))
		if len(c.Produced()) != 22 {
			t.Error(len(c.Produced()))
		}
	})
	t.Run("strangers", func(t *testing.T) {
		c, err := attestation.OpenCase(application(), opened)
		must(t, err)
		bad := call(opened)
		bad.Parties = []string{bankDID}
		want(t, "party", c.Call(bad, called), protocol.CodeClaimsConflict, "", "party_ids")
		bad = call(opened)
		bad.Arbiter = bankDID
		want(t, "arbiter", c.Call(bad, called), protocol.CodeClaimsConflict, "", "arbiter_id")
		want(t, "another application", c.Call(call(called), called), protocol.CodeClaimsConflict, "", "application_digest")
		want(t, "produced uncalled", c.Produce(production(called, pspDID, paid), epoch), protocol.CodeStateConflict, "", "")
		bad = call(opened)
		bad.Parties = []string{pspDID}
		must(t, c.Call(bad, called))
		want(t, "not called", c.Produce(production(called, shopDID, paid), epoch), protocol.CodeActorRefused, "", "party_id")
		want(t, "another call", c.Produce(production(opened, pspDID, paid), epoch), protocol.CodeClaimsConflict, "", "call_digest")
		var zero attestation.Case
		want(t, "zero value", zero.Call(call(opened), called), protocol.CodeStateConflict, "", "")
	})
}

// Whatever is tried in whatever order, the states come in their order, and a
// case ends only by a disposition that presumes against all silent parties and
// rests on something.
func TestCaseInterleaved(t *testing.T) {
	order := []attestation.CaseState{attestation.CaseApplied, attestation.CaseProducing, attestation.CaseExamining, attestation.CaseDisposed}
	all := []string{agentDID, pspDID, shopDID}
	rapid.Check(t, func(rt *rapid.T) {
		c, err := attestation.OpenCase(application(), opened)
		must(t, err)
		raws, records := [][]byte{}, []attestation.Produced{}
		for _, id := range []string{"#a", "#b"} {
			raw, p := text(t, pspDID+id, "x")
			raws, records = append(raws, raw), append(records, p)
		}
		at, now := 0, epoch
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 20).Draw(rt, "hours")) * time.Hour)
			i := rapid.IntRange(0, 1).Draw(rt, "record")
			switch rapid.IntRange(0, 4).Draw(rt, "what") {
			case 0:
				_ = c.Call(call(opened), called)
			case 1:
				if err := c.Produce(production(called, rapid.SampledFrom(all).Draw(rt, "party"), records[i]), now); err == nil && !now.Before(epoch.Add(72*time.Hour)) {
					rt.Fatal("TSD-ATT-DSP-02 produced too late")
				}
			case 2:
				_ = c.Close(now)
			case 3:
				_ = c.Examine(records[i].RecordID, raws[i], rapid.SampledFrom([]attestation.Conclusion{attestation.Verified, attestation.SignatureInvalid, attestation.AnchorQueryTimeout}).Draw(rt, "conclusion"))
			case 4:
				d := disposition(opened, called)
				d.Findings = c.Findings()
				d.PresumedAgainst = rapid.SampledFrom([][]string{nil, c.Silent(), c.Presumable(), all}).Draw(rt, "presumed")
				d.Outcome = rapid.SampledFrom([]attestation.Outcome{attestation.Upheld, attestation.Rejected, attestation.Unproven}).Draw(rt, "outcome")
				silent := c.Silent()
				if err := c.Dispose(d); err == nil {
					for _, p := range silent {
						if !slices.Contains(d.PresumedAgainst, p) {
							rt.Fatalf("TSD-ATT-DSP-02 %s was spared", p)
						}
					}
					if d.Outcome == attestation.Upheld && len(d.PresumedAgainst) == 0 {
						rt.Fatal("TSD-ATT-DSP-03 upheld on nothing")
					}
				}
			}
			next := slices.Index(order, c.State())
			if next < at || next > at+1 {
				rt.Fatalf("from %s to %s", order[at], order[next])
			}
			at = next
		}
	})
}
