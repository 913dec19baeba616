package attestation_test

import (
	"bytes"
	"testing"

	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// FuzzParse: what is read as a record has what a record must have, survives
// cosigning, and is not changed by it.
func FuzzParse(f *testing.F) {
	psp, shop := newSigner(pspDID, keys.Attestation), newSigner(shopDID, keys.Attestation)
	good := seal(f, attestation.By(psp), everything(f))
	f.Add(good)
	f.Add([]byte(`{"record_version":"2.0"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		u, err := attestation.Parse(data)
		if err != nil {
			return
		}
		r := &u.Record
		if r.Initiator() == "" || !r.Type.Known() || len(r.Signatures) == 0 || len(r.Participants) == 0 || len(r.Salt) != 32 ||
			r.Links.IntentID == "" || r.CreatedTime.Before(r.EventTime) || r.Signatures[0].Signer() != r.Initiator() {
			t.Errorf("%+v", r)
		}
		_, _ = u.CheckHash(), u.CheckSuites()
		for i := range r.Signatures {
			_ = u.VerifySignature(i, psp.Public().JWK())
		}
		_, _ = r.Content()
		cosigned, err := attestation.Cosign(attestation.By(shop), data)
		if err != nil {
			return
		}
		a, err := canon.Without(data, "signatures")
		if err != nil {
			t.Fatal(err)
		}
		b, err := canon.Without(cosigned, "signatures")
		if err != nil || !bytes.Equal(a, b) {
			t.Errorf("cosigning changed the record: %v", err)
		}
	})
}

// FuzzParseAnchor: what is read as an anchor names a submitter, a record of its
// and a channel.
func FuzzParseAnchor(f *testing.F) {
	_, s, token := anchored(f)
	f.Add(token)
	f.Fuzz(func(t *testing.T, data []byte) {
		u, err := attestation.ParseAnchor(data)
		if err != nil {
			return
		}
		a := &u.Anchor
		if a.Submitter == "" || len(a.PayloadHash) != 32 || attestation.CheckChannel(a.Channel) != nil || !a.Type.Known() {
			t.Errorf("%+v", a)
		}
		_ = u.Verify(s.Public())
	})
}

// FuzzDispute: whatever is read as one of the four messages is not read as
// another of them.
func FuzzDispute(f *testing.F) {
	agent, judge, shop := newSigner(agentDID, keys.Attestation), newSigner(judgeDID, keys.Attestation), newSigner(shopDID, keys.Attestation)
	for _, sign := range []func() ([]byte, error){
		func() ([]byte, error) { return attestation.SignApplication(agent, application()) },
		func() ([]byte, error) { return attestation.SignCall(judge, call(opened)) },
		func() ([]byte, error) {
			return attestation.SignProduction(shop, production(called, shopDID, attestation.Produced{RecordID: shopDID + "#r", Digest: aDigest}))
		},
		func() ([]byte, error) { return attestation.SignDisposition(judge, disposition(opened, called)) },
	} {
		raw, err := sign()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		read := 0
		if u, err := attestation.ParseApplication(data); err == nil {
			read++
			_, _ = attestation.OpenCase(u.Content, u.ContentDigest())
		}
		for _, parse := range []func() error{
			func() error { _, err := attestation.ParseCall(data); return err },
			func() error { _, err := attestation.ParseProduction(data); return err },
			func() error { _, err := attestation.ParseDisposition(data); return err },
		} {
			if parse() == nil {
				read++
			}
		}
		if read > 1 {
			t.Errorf("read as %d kinds", read)
		}
	})
}
