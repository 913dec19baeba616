package verifier_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/guomi"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
	"github.com/actprotocol/act-go/verifier/verifiertest"
)

// evidence has records, a chain that they are anchored on, and an archive.
type evidence struct {
	*world
	records *verifier.Verifier
	chain   *acttest.Chain
	archive *acttest.Archive
	trail   []verifier.AuditEntry
}

func newEvidence(t testing.TB, alg keys.Algorithm) *evidence {
	t.Helper()
	w := newWorld(t, alg)
	for _, did := range []string{bankDID, agentDID, shopDID, pspDID} {
		w.key(did, "att", keys.Attestation)
		w.key(did, "anchor", keys.Anchor)
	}
	v, err := verifier.NewRecordVerifier(w.docs, w.clock)
	if err != nil {
		t.Fatal(err)
	}
	return &evidence{world: w, records: v, chain: &acttest.Chain{}, archive: &acttest.Archive{}}
}

func (e *evidence) expect() verifier.RecordExpectation {
	return verifier.RecordExpectation{
		Channel: "retail", Anchors: e.chain, Upstream: e.archive, Requester: "did:act:judge.example/disputes",
		Audit: func(a verifier.AuditEntry) { e.trail = append(e.trail, a) },
	}
}

// happened is a decision of the agent's at the present time.
func (e *evidence) happened(upstream ...string) attestation.Draft {
	e.t.Helper()
	d, err := attestation.NewDraft(attestation.Choice{DecisionDigest: canon.Sum(nil), Candidates: 3}, e.clock(),
		attestation.Links{IntentID: "intent-1", Upstream: upstream},
		attestation.Participant{ID: agentDID, Role: attestation.PayerAgent}, attestation.Participant{ID: shopDID, Role: attestation.Merchant})
	if err != nil {
		e.t.Fatal(err)
	}
	return d
}

func (e *evidence) seal(id string, d attestation.Draft) []byte {
	e.t.Helper()
	raw, err := attestation.Sealer{}.Seal(attestation.By(e.signers[agentDID+"#att"]), id, d, e.clock())
	if err != nil {
		e.t.Fatal(err)
	}
	return raw
}

// keep anchors a record and puts it into the archive; it returns its id.
func (e *evidence) keep(raw []byte) string {
	e.t.Helper()
	u, err := attestation.Parse(raw)
	if err != nil {
		e.t.Fatal(err)
	}
	if _, err := e.chain.Submit(e.anchor(raw, "retail"), e.clock()); err != nil {
		e.t.Fatal(err)
	}
	e.archive.Put(u.Record.ID, raw)
	return u.Record.ID
}

func (e *evidence) anchor(raw []byte, channel string) []byte {
	e.t.Helper()
	u, err := attestation.Parse(raw)
	if err != nil {
		e.t.Fatal(err)
	}
	token, err := attestation.SignAnchor(e.signers[agentDID+"#anchor"], &u.Record, channel, e.clock())
	if err != nil {
		e.t.Fatal(err)
	}
	return token
}

func (e *evidence) verify(raw []byte) *verifier.RecordVerdict {
	e.t.Helper()
	v, err := e.records.Record(context.Background(), raw, e.expect())
	if err != nil {
		e.t.Fatal(err)
	}
	return v
}

// concludes checks the conclusion, and that checks and conclusion agree.
func concludes(t testing.TB, v *verifier.RecordVerdict, c attestation.Conclusion, signer string) {
	t.Helper()
	if v.Conclusion != c || v.Signer != signer {
		t.Errorf("TSD-ATT-SVF-02 %s by %q, want %s by %q: %v", v.Conclusion, v.Signer, c, signer, v.Checks)
	}
	if c != attestation.Verified && (v.Checks.Allowed() || v.Whole() || v.Err == nil) {
		t.Errorf("%s with checks %v", c, v.Checks)
	}
}

func TestRecord(t *testing.T) {
	algorithms(t, func(t *testing.T, alg keys.Algorithm) {
		e := newEvidence(t, alg)
		raw, err := attestation.Cosign(attestation.By(e.signers[shopDID+"#att"]), e.seal("", e.happened()))
		if err != nil {
			t.Fatal(err)
		}
		id := e.keep(raw)
		v := e.verify(raw)
		concludes(t, v, attestation.Verified, "")
		if !v.Whole() || v.Record.ID != id || len(v.Keys) != 2 || v.Anchor == nil || v.Err != nil {
			t.Errorf("%+v", v)
		}
		var order []string
		for _, c := range v.Checks.Checks() {
			order = append(order, c.Requirement)
		}
		want := []string{"TSD-ATT-SVF-01", "TSD-ATT-SVF-05", "TSD-ATT-OFF-05", "TSD-ATT-SVF-07", "TSD-ATT-SVF-04", "TSD-ATT-OCA-03", "TSD-ATT-OCA-06", "TSD-ATT-OFF-04"}
		if !slices.Equal(order, want) {
			t.Errorf("TSD-ATT-SVF-01 order of checks: %v", order)
		}
		if len(e.trail) != 1 {
			t.Fatalf("TSD-ATT-SVF-06 %d entries", len(e.trail))
		}
		a := e.trail[0]
		if a.Requester == "" || !a.Time.Equal(e.clock()) || a.RecordID != id || len(a.Keys) != 2 || a.Place == "" || a.Conclusion != attestation.Verified {
			t.Errorf("TSD-ATT-SVF-06 %+v", a)
		}
		byID, err := e.records.RecordByID(t.Context(), e.archive, id, e.expect())
		if err != nil || byID.Conclusion != attestation.Verified {
			t.Errorf("TSD-ATT-SVF-01 by id: %v", err)
		}
	})
}

func TestConclusions(t *testing.T) {
	t.Run("PAYLOAD_HASH_MISMATCH", func(t *testing.T) {
		e := newEvidence(t, keys.EdDSA)
		raw := e.seal("", e.happened())
		e.keep(raw)
		for old, new := range map[string]string{`"candidates":3`: `"candidates":4`, "PAYER_AGENT": "PAYEE_AGENT"} {
			concludes(t, e.verify(bytes.Replace(raw, []byte(old), []byte(new), 1)), attestation.PayloadHashMismatch, "")
		}
	})
	t.Run("SIGNATURE_INVALID", func(t *testing.T) {
		e := newEvidence(t, keys.EdDSA)
		raw := e.seal("", e.happened())
		e.keep(raw)
		concludes(t, e.verify(bytes.Replace(raw, []byte("intent-1"), []byte("intent-2"), 1)), attestation.SignatureInvalid, agentDID)
		// One of two, the second.
		two, err := attestation.Cosign(attestation.By(e.signer(shopDID+"#att", keys.Attestation)), raw)
		if err != nil {
			t.Fatal(err)
		}
		concludes(t, e.verify(two), attestation.SignatureInvalid, shopDID)
		if e.chain.Asked() != 0 {
			t.Error("TSD-ATT-SVF-01 the chain was asked before the signatures held")
		}
	})
	t.Run("PUBLIC_KEY_UNAVAILABLE", func(t *testing.T) {
		e := newEvidence(t, keys.EdDSA)
		raw := e.seal("", e.happened())
		e.keep(raw)
		delete(e.docs, parseDID(t, agentDID))
		v := e.verify(raw)
		concludes(t, v, attestation.PublicKeyUnavailable, agentDID)
		if !errors.Is(v.Err, protocol.ErrUndetermined) || v.Conclusion.Conclusive() {
			t.Errorf("TSD-ATT-SVF-03: %v", v.Err)
		}
	})
	t.Run("ANCHOR_NOT_FOUND", func(t *testing.T) {
		e := newEvidence(t, keys.EdDSA)
		raw := e.seal("", e.happened())
		concludes(t, e.verify(raw), attestation.AnchorNotFound, "")
		if e.chain.Asked() != 1 {
			t.Errorf("TSD-ATT-SVF-04 asked %d times for what was answered", e.chain.Asked())
		}
		if _, err := e.chain.Submit(e.anchor(raw, "wholesale"), e.clock()); err != nil {
			t.Fatal(err)
		}
		concludes(t, e.verify(raw), attestation.AnchorNotFound, "")
	})
	t.Run("CHAIN_HASH_MISMATCH", func(t *testing.T) {
		e := newEvidence(t, keys.EdDSA)
		id := attestation.NewID(agentDID)
		raw, other := e.seal(id, e.happened()), e.seal(id, e.happened())
		for name, token := range map[string][]byte{
			"another text of this record": e.anchor(other, "retail"),
			"another record":              e.anchor(e.seal("", e.happened()), "retail"),
			"another channel":             e.anchor(raw, "wholesale"),
			"no anchor":                   []byte("e30.e30.AA"),
		} {
			e.chain.Put("retail", id, token, e.clock())
			v := e.verify(raw)
			if concludes(t, v, attestation.ChainHashMismatch, ""); t.Failed() {
				t.Fatal(name)
			}
		}
		forged := e.signer(agentDID+"#anchor", keys.Anchor) // a key of the same name, of another
		u, err := attestation.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		token, err := attestation.SignAnchor(forged, &u.Record, "retail", e.clock())
		if err != nil {
			t.Fatal(err)
		}
		e.chain.Put("retail", id, token, e.clock())
		concludes(t, e.verify(raw), attestation.ChainHashMismatch, "")
	})
	t.Run("times that do not fit", func(t *testing.T) {
		e := newEvidence(t, keys.EdDSA)
		raw := e.seal("", e.happened())
		u, err := attestation.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		e.pass(10 * time.Minute)
		for name, c := range map[string]struct{ signed, chain time.Duration }{
			"anchored before the record was made": {-61 * time.Second, 0},
			"on the chain before it was signed":   {5 * time.Minute, 3 * time.Minute},
		} {
			token, err := attestation.SignAnchor(e.signers[agentDID+"#anchor"], &u.Record, "retail", epoch.Add(c.signed))
			if err != nil {
				t.Fatal(err)
			}
			e.chain.Put("retail", u.Record.ID, token, epoch.Add(c.chain))
			if concludes(t, e.verify(raw), attestation.ChainHashMismatch, ""); t.Failed() {
				t.Fatal(name)
			}
		}
	})
}

// A chain that is slow is asked four times for thirty seconds, and then nothing
// is said about the record.
func TestAnchorTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEvidence(t, keys.EdDSA)
		raw := e.seal("", e.happened())
		e.keep(raw)
		slow := &slowChain{Chain: e.chain, slowFor: 100}
		expect := e.expect()
		expect.Anchors = slow
		began := time.Now()
		v, err := e.records.Record(t.Context(), raw, expect)
		if err != nil {
			t.Fatal(err)
		}
		concludes(t, v, attestation.AnchorQueryTimeout, "")
		if took := time.Since(began); slow.asked != 4 || took < 2*time.Minute || took > 2*time.Minute+2*time.Second {
			t.Errorf("TSD-ATT-SVF-04 asked %d times in %v", slow.asked, took)
		}
		if !errors.Is(v.Err, protocol.ErrUndetermined) || !errors.Is(v.Err, context.DeadlineExceeded) || len(v.Upstream) != 0 {
			t.Errorf("TSD-ATT-SVF-03: %v", v.Err)
		}

		slow.asked, slow.slowFor = 0, 3
		if v, err = e.records.Record(t.Context(), raw, expect); err != nil || v.Conclusion != attestation.Verified || slow.asked != 4 {
			t.Errorf("TSD-ATT-SVF-04 the third retry: %v, %v", v, err)
		}

		// Whoever asks may give up earlier.
		slow.asked, slow.slowFor = 0, 100
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if v, err = e.records.Record(ctx, raw, expect); err != nil || v.Conclusion != attestation.AnchorQueryTimeout || slow.asked != 1 {
			t.Errorf("given up: %v, %v, asked %d", v, err, slow.asked)
		}
		if last := e.trail[len(e.trail)-1]; last.Conclusion != attestation.AnchorQueryTimeout || last.Place != "" {
			t.Errorf("TSD-ATT-SVF-06 %+v", last)
		}
	})
}

type slowChain struct {
	*acttest.Chain
	slowFor, asked int
}

func (s *slowChain) Anchor(ctx context.Context, channel, id string) (*verifier.Anchored, error) {
	if s.asked++; s.asked <= s.slowFor {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.Chain.Anchor(ctx, channel, id)
}

type anchorFunc func() (*verifier.Anchored, error)

func (f anchorFunc) Anchor(context.Context, string, string) (*verifier.Anchored, error) { return f() }

// A chain that answers nonsense about itself is a chain that did not answer.
func TestAnchorNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEvidence(t, keys.EdDSA)
		raw := e.seal("", e.happened())
		token := e.anchor(raw, "retail")
		fork := errors.New("the log forks")
		for name, f := range map[string]anchorFunc{
			"fork":       func() (*verifier.Anchored, error) { return nil, fork },
			"nothing":    func() (*verifier.Anchored, error) { return nil, nil },
			"no place":   func() (*verifier.Anchored, error) { return &verifier.Anchored{Token: token, At: epoch}, nil },
			"no time":    func() (*verifier.Anchored, error) { return &verifier.Anchored{Token: token, Place: "1"}, nil },
			"the future": func() (*verifier.Anchored, error) { return &verifier.Anchored{token, "1", epoch.Add(time.Hour)}, nil },
		} {
			expect := e.expect()
			expect.Anchors = f
			v, err := e.records.Record(t.Context(), raw, expect)
			if err != nil {
				t.Fatal(err)
			}
			if concludes(t, v, attestation.AnchorQueryTimeout, ""); t.Failed() {
				t.Fatalf("TSD-ATT-SVF-03 %s", name)
			}
			if name == "fork" && !errors.Is(v.Err, fork) {
				t.Errorf("the fork is not told: %v", v.Err)
			}
		}
	})
}

func TestKeysOfTheTime(t *testing.T) {
	const att, anchor = agentDID + "#att", agentDID + "#anchor"
	hour := func(n int) time.Time { return epoch.Add(time.Duration(n) * time.Hour) }
	made := func(t *testing.T) (*evidence, []byte) {
		e := newEvidence(t, keys.EdDSA)
		raw := e.seal("", e.happened())
		return e, raw
	}
	t.Run("TSD-ATT-SVF-05 rotated since", func(t *testing.T) {
		e, raw := made(t)
		e.keep(raw)
		e.edit(att, func(k *identity.Key) { k.NotAfter = hour(1) })
		e.edit(anchor, func(k *identity.Key) { k.NotAfter = hour(1) })
		e.pass(10 * 365 * 24 * time.Hour)
		concludes(t, e.verify(raw), attestation.Verified, "")
	})
	t.Run("not yet good", func(t *testing.T) {
		e, raw := made(t)
		e.keep(raw)
		e.edit(att, func(k *identity.Key) { k.NotBefore = hour(1) })
		concludes(t, e.verify(raw), attestation.PublicKeyUnavailable, agentDID)
	})
	t.Run("compromised", func(t *testing.T) {
		for _, key := range []string{att, anchor} {
			e, raw := made(t)
			e.keep(raw)
			e.edit(key, func(k *identity.Key) { k.Compromised = true })
			concludes(t, e.verify(raw), attestation.PublicKeyUnavailable, agentDID)
		}
	})
	t.Run("for another purpose", func(t *testing.T) {
		e, raw := made(t)
		e.keep(raw)
		e.edit(att, func(k *identity.Key) { k.Purpose = keys.Seller })
		concludes(t, e.verify(raw), attestation.PublicKeyUnavailable, agentDID)
	})
	t.Run("an old key found later", func(t *testing.T) {
		e, raw := made(t)
		e.edit(att, func(k *identity.Key) { k.NotAfter = hour(1) })
		e.pass(26 * time.Hour) // anchored now: an event of yesterday, as it says
		e.keep(raw)
		concludes(t, e.verify(raw), attestation.PublicKeyUnavailable, agentDID)
		expect := e.expect()
		expect.MaxLag = 48 * time.Hour
		if v, err := e.records.Record(t.Context(), raw, expect); err != nil || v.Conclusion != attestation.Verified {
			t.Errorf("%v, %v", v, err)
		}
	})
	t.Run("an old anchor key found later", func(t *testing.T) {
		e, raw := made(t)
		token := e.anchor(raw, "retail")
		e.edit(anchor, func(k *identity.Key) { k.NotAfter = hour(1) })
		e.pass(26 * time.Hour)
		if _, err := e.chain.Submit(token, e.clock()); err != nil {
			t.Fatal(err)
		}
		concludes(t, e.verify(raw), attestation.PublicKeyUnavailable, agentDID)
	})
}

func TestRecordInput(t *testing.T) {
	e := newEvidence(t, keys.EdDSA)
	good := e.seal("", e.happened())
	for name, c := range map[string]struct {
		raw    []byte
		change func(*verifier.RecordExpectation)
		code   protocol.Code
	}{
		"no channel":      {good, func(x *verifier.RecordExpectation) { x.Channel = "" }, protocol.CodeFieldMissing},
		"no such channel": {good, func(x *verifier.RecordExpectation) { x.Channel = "A b" }, protocol.CodeFieldInvalid},
		"no chain":        {good, func(x *verifier.RecordExpectation) { x.Anchors = nil }, protocol.CodeFieldMissing},
		"no record":       {[]byte(`{}`), func(*verifier.RecordExpectation) {}, protocol.CodeFieldMissing},
		"no salt":         {bytes.Replace(good, []byte(`"salt"`), []byte(`"pepper"`), 1), func(*verifier.RecordExpectation) {}, protocol.CodeFieldUnknown},
		"another version": {bytes.Replace(good, []byte(`"1.0"`), []byte(`"9.0"`), 1), func(*verifier.RecordExpectation) {}, protocol.CodeFieldInvalid},
	} {
		expect := e.expect()
		c.change(&expect)
		if v, err := e.records.Record(t.Context(), c.raw, expect); protocol.CodeOf(err) != c.code || v != nil {
			t.Errorf("TSD-ATT-SVF-02 %s: %v, %v", name, v, err)
		}
	}
	if len(e.trail) != 0 || e.chain.Asked() != 0 {
		t.Error("what did not enter the checks was checked")
	}
	if _, err := e.records.RecordByID(t.Context(), nil, agentDID+"#r", e.expect()); protocol.CodeOf(err) != protocol.CodeFieldMissing {
		t.Error(err)
	}
}

// suiteKeys is a SuiteKeySource of one key.
type suiteKeys map[string][]byte

func (s suiteKeys) SuiteKey(_ context.Context, keyID string, _ keys.Purpose, _ time.Time) ([]byte, error) {
	return s[keyID], nil
}

type gmSigner struct{ *guomi.Signer }

func (gmSigner) KeyID() string                               { return agentDID + "#gm" }
func (gmSigner) SignatureType() string                       { return guomi.SignatureType }
func (g gmSigner) SignRecord(message []byte) ([]byte, error) { return g.Sign(message) }

func TestRecordSuite(t *testing.T) {
	e := newEvidence(t, keys.EdDSA)
	s, err := guomi.Generate()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := attestation.Sealer{Suite: guomi.Suite{}}.Seal(gmSigner{s}, "", e.happened(), e.clock())
	if err != nil {
		t.Fatal(err)
	}
	e.keep(raw)
	if _, err := e.records.Record(t.Context(), raw, e.expect()); protocol.CodeOf(err) != protocol.CodeAlgorithmRefused {
		t.Errorf("TSD-ATT-OFF-05 without the suite: %v", err)
	}
	expect := e.expect()
	expect.Suites = []keys.Suite{guomi.Suite{}}
	for name, c := range map[string]struct {
		keys verifier.SuiteKeySource
		want attestation.Conclusion
	}{
		"no source": {nil, attestation.PublicKeyUnavailable},
		"no key":    {suiteKeys{}, attestation.PublicKeyUnavailable},
		"the key":   {suiteKeys{agentDID + "#gm": s.Public().JWK()}, attestation.Verified},
	} {
		expect.SuiteKeys = c.keys
		if v, err := e.records.Record(t.Context(), raw, expect); err != nil || v.Conclusion != c.want {
			t.Errorf("TSD-ATT-OFF-05 %s: %v, %v", name, v, err)
		}
	}
	expect.SuiteKeys = suiteKeys{agentDID + "#gm": s.Public().JWK()}
	if v, err := e.records.Record(t.Context(), bytes.Replace(raw, []byte(`"candidates":3`), []byte(`"candidates":4`), 1), expect); err != nil || v.Conclusion != attestation.PayloadHashMismatch {
		t.Errorf("%v %v", v, err)
	}
}

// Any single changed byte of a record changes the conclusion to the right one:
// no record at all, the hash where it is of what is hashed, else a signature,
// or the key where it is the name of one.
func TestEveryByteOfRecord(t *testing.T) {
	e := newEvidence(t, keys.EdDSA)
	good := e.seal("", e.happened())
	e.keep(good)
	rapid.Check(t, func(rt *rapid.T) {
		raw := bytes.Clone(good)
		i := rapid.IntRange(0, len(raw)-1).Draw(rt, "at")
		raw[i] ^= byte(rapid.IntRange(1, 255).Draw(rt, "by"))
		v, err := e.records.Record(context.Background(), raw, e.expect())
		if err != nil {
			return // does not enter the checks
		}
		if c, err := canon.Canonicalize(raw); err == nil && bytes.Equal(c, good) {
			if v.Conclusion != attestation.Verified {
				rt.Fatalf("byte %d changes nothing, and %s", i, v.Conclusion)
			}
			return
		}
		want := attestation.SignatureInvalid
		switch u, _ := attestation.Parse(raw); {
		case u.Record.Signatures[0].KeyID != agentDID+"#att":
			want = attestation.PublicKeyUnavailable
		case u.CheckHash() != nil:
			want = attestation.PayloadHashMismatch
		}
		if v.Conclusion != want {
			rt.Fatalf("TSD-ATT-SVF-02 byte %d: %s, want %s", i, v.Conclusion, want)
		}
	})
}

// Any single changed byte of an anchor is CHAIN_HASH_MISMATCH, except in the
// name of the key.
func TestEveryByteOfAnchor(t *testing.T) {
	e := newEvidence(t, keys.EdDSA)
	raw := e.seal("", e.happened())
	id := e.keep(raw)
	good := e.anchor(raw, "retail")
	rapid.Check(t, func(rt *rapid.T) {
		token := bytes.Clone(good)
		i := rapid.IntRange(0, len(token)-1).Draw(rt, "at")
		token[i] ^= byte(rapid.IntRange(1, 255).Draw(rt, "by"))
		e.chain.Put("retail", id, token, e.clock())
		want := attestation.ChainHashMismatch
		if u, err := attestation.ParseAnchor(token); err == nil && u.KeyID() != agentDID+"#anchor" {
			want = attestation.PublicKeyUnavailable
		}
		v, err := e.records.Record(context.Background(), raw, e.expect())
		if err != nil || v.Conclusion != want {
			rt.Fatalf("TSD-ATT-OCA-03 byte %d: %v %v, want %s", i, v.Conclusion, err, want)
		}
	})
}

func TestChainContract(t *testing.T) {
	verifiertest.AnchorSource(t, func(t *testing.T) (verifier.AnchorSource, func([]byte) error) {
		c := &acttest.Chain{}
		return c, func(token []byte) error {
			first, err := c.Submit(token, time.Now())
			if err != nil {
				return err
			}
			if again, err := c.Submit(token, time.Now()); protocol.CodeOf(err) != protocol.CodeStateConflict || again != first {
				t.Errorf("TSD-ATT-OCA-04 %v, %v", again, err)
			}
			return nil
		}
	})
}
