package attestation_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/guomi"
	"github.com/actprotocol/act-go/protocol/keys"
)

func TestEvents(t *testing.T) {
	t.Run("TSD-ATT-EVT-01 exactly ten", func(t *testing.T) {
		want := []attestation.EventType{
			"act:delegation:intent-created", "act:delegation:delegation-issued", "act:delegation:delegation-suspended",
			"act:delegation:delegation-resumed", "act:delegation:delegation-revoked", "act:delegation:delegation-expired",
			"act:commerce:decision-logged", "act:commerce:cart-confirmed", "act:payment:transaction-completed",
			"act:commerce:fulfillment-completed",
		}
		got := attestation.Events()
		if !slices.Equal(got, want) {
			t.Errorf("%v", got)
		}
		got[0] = "x"
		if attestation.Events()[0] == "x" || attestation.EventType("x").Known() || attestation.EventType("").Known() {
			t.Error("the list can be changed")
		}
	})
	t.Run("TSD-ATT-SVF-02 exactly seven", func(t *testing.T) {
		known := 0
		for _, c := range []attestation.Conclusion{
			"VERIFIED", "PAYLOAD_HASH_MISMATCH", "SIGNATURE_INVALID", "CHAIN_HASH_MISMATCH", "ANCHOR_NOT_FOUND",
			"ANCHOR_QUERY_TIMEOUT", "PUBLIC_KEY_UNAVAILABLE",
		} {
			if c.Known() {
				known++
			}
			if c.Conclusive() == (c == attestation.AnchorQueryTimeout || c == attestation.PublicKeyUnavailable) {
				t.Errorf("TSD-ATT-SVF-03 %s", c)
			}
		}
		if known != 7 || attestation.Conclusion("").Known() || attestation.Conclusion("FORGED").Known() {
			t.Error(known)
		}
	})
}

func TestSeal(t *testing.T) {
	for _, alg := range []keys.Algorithm{keys.EdDSA, keys.ES256} {
		t.Run(string(alg), func(t *testing.T) {
			psp, agent := newSignerOf(t, alg, pspDID, keys.Attestation), newSignerOf(t, alg, agentDID, keys.Attestation)
			raw := seal(t, attestation.By(psp), everything(t))
			raw, err := attestation.Cosign(attestation.By(agent), raw)
			if err != nil {
				t.Fatal(err)
			}
			if c, err := canon.Canonicalize(raw); err != nil || !bytes.Equal(c, raw) {
				t.Error("TSD-ATT-OFF-11 not written in canonical form")
			}
			u := parse(t, raw)
			r := &u.Record
			if err := u.CheckHash(); err != nil {
				t.Errorf("TSD-ATT-OFF-05: %v", err)
			}
			for i, s := range []*keys.Signer{psp, agent} {
				if err := u.VerifySignature(i, s.Public().JWK()); err != nil {
					t.Errorf("TSD-ATT-OFF-08 %d: %v", i, err)
				}
			}
			other := keys.ES256
			if alg == keys.ES256 {
				other = keys.EdDSA
			}
			want(t, "another algorithm", u.VerifyBy(0, newSignerOf(t, other, pspDID, keys.Attestation).Public()), protocol.CodeAlgorithmRefused, "TSD-ATT-OFF-11", "")
			want(t, "no key", u.VerifyBy(0, keys.PublicKey{}), protocol.CodeAlgorithmRefused, "TSD-ATT-OFF-11", "")
			want(t, "another key", u.VerifyBy(1, psp.Public()), protocol.CodeSignatureInvalid, "TSD-ATT-OFF-08", "")
			if err := u.VerifyBy(1, agent.Public()); err != nil {
				t.Error(err)
			}
			want(t, "another party's key", u.VerifySignature(0, agent.Public().JWK()), protocol.CodeSignatureInvalid, "", "")
			want(t, "no such signature", u.VerifySignature(2, agent.Public().JWK()), protocol.CodeFieldMissing, "TSD-ATT-OFF-08", "signatures")
			if r.Initiator() != pspDID || r.Signatures[1].Signer() != agentDID || r.Version != "1.0" ||
				!strings.HasPrefix(r.ID, pspDID+"#rec-") || len(r.Salt) != 32 || len(r.Participants) != 3 || len(r.Links.Upstream) != 2 {
				t.Errorf("TSD-ATT-OFF-01 %+v", r)
			}
			c, err := r.Content()
			if p, ok := c.(attestation.Payment); err != nil || !ok || p.Amount != amount(t, "18.00") || p.ProofDigest != aDigest {
				t.Errorf("%+v, %v", c, err)
			}
		})
	}
	t.Run("TSD-ATT-OFF-04 a salt of its own", func(t *testing.T) {
		s, d := attestation.By(newSigner(pspDID, keys.Attestation)), everything(t)
		salts, hashes := map[string]bool{}, map[string]bool{}
		for range 50 {
			r := parse(t, seal(t, s, d)).Record
			salts[string(r.Salt)], hashes[string(r.PayloadHash)] = true, true
		}
		if len(salts) != 50 || len(hashes) != 50 {
			t.Error("one content has one hash")
		}
	})
	t.Run("TSD-ATT-OFF-02 a clock that is behind", func(t *testing.T) {
		s, d := attestation.By(newSigner(pspDID, keys.Attestation)), everything(t)
		raw, err := attestation.Sealer{}.Seal(s, "", d, d.EventTime.Add(-time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		if r := parse(t, raw).Record; !r.CreatedTime.Equal(r.EventTime) {
			t.Errorf("created at %v", r.CreatedTime)
		}
		_, err = attestation.Sealer{}.Seal(s, "", d, d.EventTime.Add(-time.Minute-time.Second))
		want(t, "created before the event", err, protocol.CodeFieldInvalid, "TSD-ATT-OFF-02", "created_time")
	})
	t.Run("a key for something else", func(t *testing.T) {
		_, err := attestation.Sealer{}.Seal(attestation.By(newSigner(pspDID, keys.Anchor)), "", everything(t), epoch)
		want(t, "purpose", err, protocol.CodeKeyPurpose, "ADD-IAC-ISS-12", "")
	})
	t.Run("somebody else's id", func(t *testing.T) {
		_, err := attestation.Sealer{}.Seal(attestation.By(newSigner(pspDID, keys.Attestation)), shopDID+"#rec-1", everything(t), epoch)
		want(t, "id", err, protocol.CodeClaimsConflict, "TSD-ATT-OFF-08", "signatures[0].signer_id")
	})
}

func TestSuite(t *testing.T) {
	psp := newGM(t, pspDID)
	raw, err := attestation.Sealer{Suite: guomi.Suite{}}.Seal(psp, "", everything(t), epoch)
	if err != nil {
		t.Fatal(err)
	}
	u := parse(t, raw)
	if u.Record.HashAlgorithm != "SM3" || u.Record.Signatures[0].Type != "SM2" {
		t.Fatalf("TSD-ATT-OFF-05 %s %s", u.Record.HashAlgorithm, u.Record.Signatures[0].Type)
	}
	if err := u.CheckHash(guomi.Suite{}); err != nil {
		t.Error(err)
	}
	if err := u.VerifySignature(0, psp.Public().JWK(), guomi.Suite{}); err != nil {
		t.Error(err)
	}
	if err := u.CheckSuites(guomi.Suite{}); err != nil {
		t.Error(err)
	}
	want(t, "no suite", u.CheckHash(), protocol.CodeAlgorithmRefused, "TSD-ATT-OFF-05", "")
	want(t, "no suite", u.CheckSuites(), protocol.CodeAlgorithmRefused, "TSD-ATT-OFF-05", "")
	want(t, "no suite", u.VerifySignature(0, psp.Public().JWK()), protocol.CodeAlgorithmRefused, "", "")
	want(t, "another key", u.VerifySignature(0, newGM(t, pspDID).Public().JWK(), guomi.Suite{}), protocol.CodeSignatureInvalid, "", "")
	// An SM2 cosignature on a SHA-256 record is read with the suite only.
	mixed, err := attestation.Cosign(newGM(t, agentDID), seal(t, attestation.By(newSigner(pspDID, keys.Attestation)), everything(t)))
	if err != nil {
		t.Fatal(err)
	}
	want(t, "no suite", parse(t, mixed).CheckSuites(), protocol.CodeAlgorithmRefused, "TSD-ATT-OFF-11", "")
}

func TestCosign(t *testing.T) {
	psp, shop := attestation.By(newSigner(pspDID, keys.Attestation)), attestation.By(newSigner(shopDID, keys.Attestation))
	raw := seal(t, psp, everything(t))
	_, err := attestation.Cosign(attestation.By(newSigner(bankDID, keys.Attestation)), raw)
	want(t, "no participant", err, protocol.CodeClaimsConflict, "TSD-ATT-OFF-06", "signatures[1].signer_id")
	_, err = attestation.Cosign(psp, raw)
	want(t, "the initiator again", err, protocol.CodeFieldInvalid, "TSD-ATT-OFF-11", "signatures[1].signer_id")
	twice, err := attestation.Cosign(shop, raw)
	if err != nil {
		t.Fatal(err)
	}
	_, err = attestation.Cosign(shop, twice)
	want(t, "twice", err, protocol.CodeFieldInvalid, "TSD-ATT-OFF-11", "signatures[2].signer_id")
	_, err = attestation.Cosign(shop, []byte(`{}`))
	want(t, "no record", err, protocol.CodeFieldMissing, "", "")
	if a, b := parse(t, raw).Record, parse(t, twice).Record; a.ID != b.ID || !bytes.Equal(a.PayloadHash, b.PayloadHash) {
		t.Error("TSD-ATT-OFF-02 cosigning changed the record")
	}
}

func TestDraftRefused(t *testing.T) {
	long := strings.Repeat("x", 16<<10)
	many := make([]string, 17)
	for i := range many {
		many[i] = agentDID + "#r" + strings.Repeat("i", i+1)
	}
	for name, c := range map[string]struct {
		change             func(*attestation.Draft)
		code               protocol.Code
		requirement, field string
	}{
		"no such event":          {func(d *attestation.Draft) { d.Type = "act:payment:paid" }, protocol.CodeFieldInvalid, "TSD-ATT-EVT-01", "event_type"},
		"no event":               {func(d *attestation.Draft) { d.Type = "" }, protocol.CodeFieldMissing, "TSD-ATT-OFF-02", "event_type"},
		"no time":                {func(d *attestation.Draft) { d.EventTime = time.Time{} }, protocol.CodeFieldMissing, "TSD-ATT-OFF-02", ""},
		"no intent":              {func(d *attestation.Draft) { d.Links.IntentID = "" }, protocol.CodeFieldMissing, "", "links.intent_id"},
		"paid without order":     {func(d *attestation.Draft) { d.Links.MerchantOrderID = "" }, protocol.CodeFieldMissing, "TSD-ATT-OFF-03", "links.merchant_order_id"},
		"paid without trade":     {func(d *attestation.Draft) { d.Links.TradeNo = "" }, protocol.CodeFieldMissing, "TSD-ATT-OFF-03", "links.trade_no"},
		"revoked what":           {func(d *attestation.Draft) { d.Type, d.Links.DelegationID = attestation.DelegationRevoked, "" }, protocol.CodeFieldMissing, "TSD-ATT-OFF-03", "links.delegation_id"},
		"space in an id":         {func(d *attestation.Draft) { d.Links.TradeNo = "a b" }, protocol.CodeFieldInvalid, "", "links.trade_no"},
		"upstream twice":         {func(d *attestation.Draft) { d.Links.Upstream = []string{many[0], many[0]} }, protocol.CodeFieldInvalid, "", "links.upstream[1]"},
		"upstream is no record":  {func(d *attestation.Draft) { d.Links.Upstream = []string{"rec-1"} }, protocol.CodeFieldInvalid, "", "links.upstream[0]"},
		"17 upstream":            {func(d *attestation.Draft) { d.Links.Upstream = many }, protocol.CodeFieldInvalid, "", "links.upstream"},
		"nobody":                 {func(d *attestation.Draft) { d.Participants = nil }, protocol.CodeFieldMissing, "TSD-ATT-OFF-06", "participants"},
		"initiator not there":    {func(d *attestation.Draft) { d.Participants = d.Participants[1:] }, protocol.CodeClaimsConflict, "TSD-ATT-OFF-06", "participants"},
		"roles clash":            {func(d *attestation.Draft) { d.Participants[1].Role = attestation.PSP }, protocol.CodeFieldInvalid, "TSD-ATT-OFF-06", "participants[1]"},
		"one party in two roles": {func(d *attestation.Draft) { d.Participants[2].ID = pspDID }, protocol.CodeFieldInvalid, "TSD-ATT-OFF-06", "participants[2]"},
		"no such role":           {func(d *attestation.Draft) { d.Participants[1].Role = "BUYER" }, protocol.CodeFieldInvalid, "TSD-ATT-OFF-06", "participants[1].role"},
		"no DID":                 {func(d *attestation.Draft) { d.Participants[1].ID = "ann" }, protocol.CodeFieldInvalid, "", "participants[1].id"},
		"no body":                {func(d *attestation.Draft) { d.Body = nil }, protocol.CodeFieldMissing, "TSD-ATT-OFF-01", "event_body"},
		"body is a list":         {func(d *attestation.Draft) { d.Body = []byte(`[]`) }, protocol.CodeFieldInvalid, "TSD-ATT-OFF-01", "event_body"},
		"body is cut off":        {func(d *attestation.Draft) { d.Body = []byte(`{"a":`) }, protocol.CodeMalformed, "", "event_body.a"},
		"a null in the body":     {func(d *attestation.Draft) { d.Body = []byte(`{"a":null}`) }, protocol.CodeFieldInvalid, "", ""},
		"a deep body": {func(d *attestation.Draft) {
			d.Body = []byte(strings.Repeat(`{"a":`, 31) + "{}" + strings.Repeat("}", 31))
		}, protocol.CodeTooLarge, "", ""},
		"an inexact number":         {func(d *attestation.Draft) { d.Body = []byte(`{"a":9007199254740993}`) }, protocol.CodeMalformed, "", ""},
		"body too large":            {func(d *attestation.Draft) { d.Body = []byte(`{"a":"` + long + `"}`) }, protocol.CodeTooLarge, "TSD-ATT-OFF-01", "event_body"},
		"ext too large":             {func(d *attestation.Draft) { d.Ext = []byte(`{"a":"` + long + `"}`) }, protocol.CodeTooLarge, "TSD-ATT-OFF-01", "ext"},
		"card number":               {func(d *attestation.Draft) { d.Body = []byte(`{"account":"6225 8801 2345 6787"}`) }, protocol.CodeFieldInvalid, "TSD-ATT-OFF-07", "event_body"},
		"card number as a number":   {func(d *attestation.Draft) { d.Body = []byte(`{"account":4111111111111111}`) }, protocol.CodeFieldInvalid, "TSD-ATT-OFF-07", "event_body"},
		"mail address, escaped":     {func(d *attestation.Draft) { d.Body = []byte(`{"to":"ann\u0040mail.example"}`) }, protocol.CodeFieldInvalid, "TSD-ATT-OFF-07", "event_body"},
		"telephone as name":         {func(d *attestation.Draft) { d.Body = []byte(`{"13800138000":true}`) }, protocol.CodeFieldInvalid, "TSD-ATT-OFF-07", "event_body"},
		"identity number in ext":    {func(d *attestation.Draft) { d.Ext = []byte(`{"a":["11010519491231002X"]}`) }, protocol.CodeFieldInvalid, "TSD-ATT-OFF-07", "ext"},
		"mail address as pseudonym": {func(d *attestation.Draft) { d.Participants[1].Represents = "ann@mail.example" }, protocol.CodeFieldInvalid, "TSD-ATT-OFF-07", "participants[1].represents"},
		"telephone as order":        {func(d *attestation.Draft) { d.Links.MerchantOrderID = "13800138000" }, protocol.CodeFieldInvalid, "TSD-ATT-OCA-02", "links.merchant_order_id"},
	} {
		d := everything(t)
		c.change(&d)
		want(t, name, d.Check(pspDID), c.code, c.requirement, c.field)
		if _, err := (attestation.Sealer{}).Seal(attestation.By(newSigner(pspDID, keys.Attestation)), "", d, epoch); err == nil {
			t.Errorf("%s: was sealed", name)
		}
	}
	if err := everything(t).Check(pspDID); err != nil {
		t.Error(err)
	}
}

func TestParseRefused(t *testing.T) {
	good := string(seal(t, attestation.By(newSigner(pspDID, keys.Attestation)), everything(t)))
	r := parse(t, []byte(good)).Record
	for name, c := range map[string]struct {
		old, new           string
		code               protocol.Code
		requirement, field string
	}{
		"another version":       {`"record_version":"1.0"`, `"record_version":"2.0"`, protocol.CodeFieldInvalid, "TSD-ATT-OFF-10", "record_version"},
		"a version with more":   {`"record_version":"1.0"`, `"record_version":"1.1","colour":"red"`, protocol.CodeFieldInvalid, "TSD-ATT-OFF-10", "record_version"},
		"no version":            {`,"record_version":"1.0"`, ``, protocol.CodeFieldMissing, "", "record_version"},
		"an unknown member":     {`"record_version":"1.0"`, `"record_version":"1.0","colour":"red"`, protocol.CodeFieldUnknown, "", "colour"},
		"null":                  {`"ext":{"note":"first of two"}`, `"ext":null`, protocol.CodeFieldInvalid, "", ""},
		"twice":                 {`"ext":{`, `"ext":{"note":"x"},"ext":{`, protocol.CodeMalformed, "", ""},
		"another hash":          {`"SHA-256"`, `"MD5"`, protocol.CodeFieldInvalid, "TSD-ATT-OFF-05", "privacy.hash_algorithm"},
		"a short salt":          {canon.EncodeBase64(r.Salt), canon.EncodeBase64(r.Salt[:16]), protocol.CodeFieldInvalid, "TSD-ATT-OFF-04", "privacy.salt"},
		"no salt":               {`,"salt":"` + canon.EncodeBase64(r.Salt) + `"`, ``, protocol.CodeFieldMissing, "TSD-ATT-OFF-04", "privacy.salt"},
		"no hash":               {`,"payload_hash":"` + canon.EncodeBase64(r.PayloadHash) + `"`, ``, protocol.CodeFieldMissing, "TSD-ATT-OFF-05", "privacy.payload_hash"},
		"created before":        {`"created_time":"2026-04-19T08:10:00Z"`, `"created_time":"2026-04-19T08:08:59Z"`, protocol.CodeFieldInvalid, "TSD-ATT-OFF-02", "created_time"},
		"an offset":             {`"created_time":"2026-04-19T08:10:00Z"`, `"created_time":"2026-04-19T09:10:00+01:00"`, protocol.CodeFieldInvalid, "", "created_time"},
		"fractions":             {`"created_time":"2026-04-19T08:10:00Z"`, `"created_time":"2026-04-19T08:10:00.5Z"`, protocol.CodeFieldInvalid, "", "created_time"},
		"another's record":      {`"record_id":"` + pspDID, `"record_id":"` + shopDID, protocol.CodeClaimsConflict, "TSD-ATT-OFF-08", "signatures[0].signer_id"},
		"an id without DID":     {`"record_id":"` + pspDID + "#", `"record_id":"`, protocol.CodeFieldInvalid, "", "record_id"},
		"upstream of itself":    {agentDID + "#rec-2", r.ID, protocol.CodeFieldInvalid, "", "links.upstream[1]"},
		"upstream empty":        {`"upstream":["` + r.Links.Upstream[0] + `","` + r.Links.Upstream[1] + `"]`, `"upstream":[]`, protocol.CodeFieldInvalid, "", "links.upstream"},
		"covers less":           {`"covered_fields":["created_time",`, `"covered_fields":[`, protocol.CodeFieldInvalid, "TSD-ATT-OFF-11", "signatures[0].covered_fields"},
		"a signature with tail": {canon.EncodeBase64(r.Signatures[0].Value), canon.EncodeBase64(r.Signatures[0].Value) + "AA", protocol.CodeFieldInvalid, "TSD-ATT-OFF-11", "signatures[0].signature"},
	} {
		if !strings.Contains(good, c.old) {
			t.Fatalf("%s: the record has no %s", name, c.old)
		}
		_, err := attestation.Parse([]byte(strings.Replace(good, c.old, c.new, 1)))
		want(t, name, err, c.code, c.requirement, c.field)
	}
	_, err := attestation.Parse([]byte(good[:strings.Index(good, `,"signatures"`)] + "}"))
	want(t, "no signature", err, protocol.CodeFieldMissing, "TSD-ATT-OFF-08", "signatures")
}

// Whatever Check accepts can be sealed and read: a recorder that has accepted a
// draft can keep its word.
func TestCheckIsEnough(t *testing.T) {
	s := attestation.By(newSigner(pspDID, keys.Attestation))
	values := []string{`1`, `"x"`, `null`, `true`, `[]`, `{}`, `-0`, `1e400`, `"\u0000"`, `"\ud800"`, `"ann\u0040mail.example"`, `[null]`, `{"b":[1,2]}`}
	rapid.Check(t, func(rt *rapid.T) {
		d := everything(t)
		d.Ext = nil
		body := rapid.SampledFrom(values).Draw(rt, "value")
		for range rapid.IntRange(0, 34).Draw(rt, "depth") {
			body = `{"a":` + body + `}`
		}
		d.Body = []byte(`{"v":` + body + `,"pad":"` + strings.Repeat("x", rapid.SampledFrom([]int{0, 16000, 16384}).Draw(rt, "pad")) + `"}`)
		d.EventTime = epoch.Add(time.Duration(rapid.IntRange(-5, 0).Draw(rt, "seconds")) * time.Second)
		d.Links.Upstream = d.Links.Upstream[:rapid.IntRange(0, 2).Draw(rt, "upstream")]
		if err := d.Check(pspDID); err != nil {
			if body == `1` && len(d.Body) < 16<<10 {
				rt.Fatalf("%v", err)
			}
			return
		}
		raw, err := attestation.Sealer{}.Seal(s, "", d, epoch)
		if err != nil {
			rt.Fatalf("TSD-ATT-OFF-02 accepted and not sealed: %v", err)
		}
		if u, err := attestation.Parse(raw); err != nil || u.CheckHash() != nil {
			rt.Fatalf("TSD-ATT-OFF-02 sealed and not read: %v", err)
		}
	})
}

// A record that was made once is read for ever: this one is not made anew.
func TestOldRecord(t *testing.T) {
	raw, err := os.ReadFile("testdata/record-1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	jwk, err := os.ReadFile("testdata/record-1.0.jwk")
	if err != nil {
		t.Fatal(err)
	}
	u, err := attestation.Parse(raw)
	if err != nil {
		t.Fatalf("TSD-ATT-OFF-10: %v", err)
	}
	if err := u.CheckHash(); err != nil {
		t.Errorf("TSD-ATT-OFF-10: %v", err)
	}
	if err := u.VerifySignature(0, jwk); err != nil {
		t.Errorf("TSD-ATT-OFF-10: %v", err)
	}
	if c, err := u.Record.Content(); err != nil || c == nil {
		t.Errorf("TSD-ATT-OFF-10: %v", err)
	}
}

// Any single changed byte is noticed: by the form, the hash or the signature,
// unless it changes nothing that the text says.
func TestEveryByte(t *testing.T) {
	psp := newSigner(pspDID, keys.Attestation)
	good := seal(t, attestation.By(psp), everything(t))
	rapid.Check(t, func(rt *rapid.T) {
		raw := bytes.Clone(good)
		i := rapid.IntRange(0, len(raw)-1).Draw(rt, "at")
		raw[i] ^= byte(rapid.IntRange(1, 255).Draw(rt, "by"))
		u, err := attestation.Parse(raw)
		if err != nil || u.CheckHash() != nil || u.VerifySignature(0, psp.Public().JWK()) != nil {
			return
		}
		if c, err := canon.Canonicalize(raw); err != nil || !bytes.Equal(c, good) {
			rt.Fatalf("TSD-ATT-OFF-08 byte %d can be %q", i, raw[i])
		}
	})
}
