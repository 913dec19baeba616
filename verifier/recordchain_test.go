package verifier_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

// A purchase is a chain of records; what is wrong upstream is found, and is not
// blamed on what is downstream.
func TestUpstream(t *testing.T) {
	t.Run("whole", func(t *testing.T) {
		e := newEvidence(t, keys.EdDSA)
		a := e.keep(e.seal("", e.happened()))
		b, c := e.keep(e.seal("", e.happened(a))), e.keep(e.seal("", e.happened(a)))
		v := e.verify(mustRaw(t, e, e.keep(e.seal("", e.happened(b, c)))))
		n := 0
		v.Each(func(*verifier.RecordVerdict) { n++ })
		if !v.Whole() || n != 4 || len(e.trail) != 4 || v.Upstream[0].Upstream[0] != v.Upstream[1].Upstream[0] {
			t.Errorf("TSD-ATT-SVF-01 %d records, %v", n, v.Checks)
		}
	})
	t.Run("tampered upstream", func(t *testing.T) {
		e := newEvidence(t, keys.EdDSA)
		raw := e.seal("", e.happened())
		a := e.keep(raw)
		e.archive.Put(a, bytes.Replace(raw, []byte(`"candidates":3`), []byte(`"candidates":4`), 1))
		v := e.verify(mustRaw(t, e, e.keep(e.seal("", e.happened(a)))))
		concludes(t, v, attestation.Verified, "")
		concludes(t, v.Upstream[0], attestation.PayloadHashMismatch, "")
		if v.Whole() {
			t.Error("whole")
		}
	})
	for name, c := range map[string]struct {
		make func(e *evidence) string // the record upstream, as kept
		code protocol.Code
	}{
		"missing":   {func(e *evidence) string { return agentDID + "#rec-0" }, protocol.CodeServiceUnavailable},
		"no record": {func(e *evidence) string { e.archive.Put(agentDID+"#rec-0", []byte(`{}`)); return agentDID + "#rec-0" }, protocol.CodeFieldMissing},
		"another record": {func(e *evidence) string {
			e.archive.Put(agentDID+"#rec-0", e.seal("", e.happened()))
			return agentDID + "#rec-0"
		}, protocol.CodeClaimsConflict},
		"of another intent": {func(e *evidence) string {
			d := e.happened()
			d.Links.IntentID = "intent-2"
			return e.keep(e.seal("", d))
		}, ""},
		"happened later": {func(e *evidence) string {
			e.pass(2 * time.Minute)
			defer e.pass(-2 * time.Minute)
			return e.keep(e.seal("", e.happened()))
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEvidence(t, keys.EdDSA)
			up := c.make(e)
			raw := e.seal("", e.happened(up))
			e.keep(raw)
			e.pass(3 * time.Minute)
			v := e.verify(raw)
			if v.Conclusion != attestation.Verified || v.Whole() {
				t.Errorf("TSD-ATT-OFF-03 %s, whole %t", v.Conclusion, v.Whole())
			}
			if c.code == "" {
				if v.Checks.Allowed() || v.Upstream[0].Conclusion != attestation.Verified {
					t.Errorf("TSD-ATT-OFF-03 %v", v.Checks)
				}
			} else if u := v.Upstream[0]; protocol.CodeOf(u.Err) != c.code || u.Conclusion != "" || u.RecordID != up {
				t.Errorf("TSD-ATT-SVF-02 %+v", u)
			}
		})
	}
	t.Run("cycle", func(t *testing.T) {
		e := newEvidence(t, keys.EdDSA)
		a, b := attestation.NewID(agentDID), attestation.NewID(agentDID)
		e.keep(e.seal(a, e.happened(b)))
		e.keep(e.seal(b, e.happened(a)))
		v := e.verify(mustRaw(t, e, a))
		if v.Whole() || v.Upstream[0].Conclusion != attestation.Verified || protocol.CodeOf(v.Upstream[0].Upstream[0].Err) != protocol.CodeClaimsConflict {
			t.Errorf("TSD-ATT-SVF-01 %+v", v.Upstream[0])
		}
	})
	t.Run("depth and number", func(t *testing.T) {
		e := newEvidence(t, keys.EdDSA)
		id := e.keep(e.seal("", e.happened()))
		for range 3 {
			id = e.keep(e.seal("", e.happened(id)))
		}
		expect := e.expect()
		for depth, whole := range map[int]bool{2: false, 3: true} {
			expect.MaxDepth = depth
			if v, err := e.records.RecordByID(t.Context(), e.archive, id, expect); err != nil || v.Whole() != whole {
				t.Errorf("depth %d: %v %v", depth, v.Whole(), err)
			}
		}
		var level []string
		for i := range 80 {
			level = append(level, e.keep(e.seal(fmt.Sprintf("%s#rec-%d", agentDID, i), e.happened())))
		}
		var middle []string
		for i := range 5 {
			middle = append(middle, e.keep(e.seal("", e.happened(level[16*i:16*i+16]...))))
		}
		e.trail = nil
		v := e.verify(mustRaw(t, e, e.keep(e.seal("", e.happened(middle...)))))
		if v.Whole() || len(e.trail) != 64 {
			t.Errorf("%d records were looked at", len(e.trail))
		}
	})
	t.Run("TSD-ATT-OFF-04 a salt that was used before", func(t *testing.T) {
		e := newEvidence(t, keys.EdDSA)
		first := e.seal("", e.happened())
		e.keep(first)
		u, err := attestation.Parse(first)
		if err != nil {
			t.Fatal(err)
		}
		v := e.verify(e.reuse(u.Record.ID, u.Record.Salt))
		concludes(t, v, attestation.Verified, "")
		if v.Whole() || !strings.Contains(v.Upstream[0].Checks.String(), "TSD-ATT-OFF-04") {
			t.Errorf("%v", v.Upstream[0].Checks)
		}
	})
	t.Run("left aside", func(t *testing.T) {
		e := newEvidence(t, keys.EdDSA)
		raw := e.seal("", e.happened(agentDID+"#rec-0"))
		e.keep(raw)
		expect := e.expect()
		expect.Upstream = nil
		if v, err := e.records.Record(t.Context(), raw, expect); err != nil || !v.Whole() || len(v.Upstream) != 0 {
			t.Errorf("%v", err)
		}
	})
}

// reuse seals a record after upstream with a given salt, which no function of
// the library does.
func (e *evidence) reuse(upstream string, salt []byte) []byte {
	e.t.Helper()
	var m map[string]any
	if err := canon.Decode(e.seal("", e.happened(upstream)), &m); err != nil {
		e.t.Fatal(err)
	}
	payload, err := canon.Marshal(map[string]any{"event_body": m["event_body"], "participants": m["participants"]})
	if err != nil {
		e.t.Fatal(err)
	}
	m["privacy"] = map[string]any{
		"salt": canon.EncodeBase64(salt), "hash_algorithm": "SHA-256",
		"payload_hash": strings.TrimPrefix(string(canon.Sum(append(payload, salt...))), "sha-256:"),
	}
	sig := m["signatures"].([]any)[0].(map[string]any)
	delete(m, "signatures")
	message, err := canon.Marshal(map[string]any{
		"record": m, "covered_fields": sig["covered_fields"], "signature_type": sig["signature_type"], "signer_id": sig["signer_id"],
	})
	if err != nil {
		e.t.Fatal(err)
	}
	value, err := e.signers[agentDID+"#att"].Sign(keys.Attestation, append([]byte("act-go/1 attestation-record\n"), message...))
	if err != nil {
		e.t.Fatal(err)
	}
	sig["signature"] = canon.EncodeBase64(value)
	m["signatures"] = []any{sig}
	raw, err := canon.Marshal(m)
	if err != nil {
		e.t.Fatal(err)
	}
	e.keep(raw)
	return raw
}

func mustRaw(t testing.TB, e *evidence, id string) []byte {
	t.Helper()
	raw, err := e.archive.Record(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
