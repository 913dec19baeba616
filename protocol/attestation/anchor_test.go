package attestation_test

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

func anchored(t testing.TB) (*attestation.Record, *keys.Signer, []byte) {
	t.Helper()
	u := parse(t, seal(t, attestation.By(newSigner(pspDID, keys.Attestation)), everything(t)))
	s := newSigner(pspDID, keys.Anchor)
	token, err := attestation.SignAnchor(s, &u.Record, "retail", epoch)
	if err != nil {
		t.Fatal(err)
	}
	return &u.Record, s, token
}

func TestAnchor(t *testing.T) {
	record, s, token := anchored(t)
	u, err := attestation.ParseAnchor(token)
	if err != nil {
		t.Fatal(err)
	}
	if err := u.Verify(s.Public()); err != nil || u.KeyID() != s.KeyID() {
		t.Errorf("TSD-ATT-OCA-06: %v", err)
	}
	want(t, "another key", u.Verify(newSigner(pspDID, keys.Anchor).Public()), protocol.CodeSignatureInvalid, "", "")
	want(t, "another algorithm", u.Verify(newSignerOf(t, keys.ES256, pspDID, keys.Anchor).Public()), protocol.CodeAlgorithmRefused, "", "")
	if a := u.Anchor; a.Submitter != pspDID || a.Channel != "retail" || !a.IssuedAt.Equal(epoch) || a.Links.Upstream != nil {
		t.Errorf("TSD-ATT-OCA-02 %+v", a)
	}
	for _, secret := range []string{"18.00", "pairwise-1", agentDID, "first of two", canon.EncodeBase64(record.Salt)} {
		for part := range strings.SplitSeq(string(token), ".") {
			if text, err := canon.DecodeBase64(part); err == nil && bytes.Contains(text, []byte(secret)) {
				t.Errorf("TSD-ATT-OCA-02 the anchor tells %s", secret)
			}
		}
	}

	t.Run("TSD-ATT-OCA-03 of this record", func(t *testing.T) {
		if err := u.Anchor.Matches(record); err != nil {
			t.Error(err)
		}
		for field, change := range map[string]func(*attestation.Record){
			"record_id":         func(r *attestation.Record) { r.ID += "0" },
			"record_version":    func(r *attestation.Record) { r.Version = "1.1" },
			"event_type":        func(r *attestation.Record) { r.Type = attestation.FulfillmentCompleted },
			"event_time":        func(r *attestation.Record) { r.EventTime = r.EventTime.Add(1) },
			"intent_id":         func(r *attestation.Record) { r.Links.IntentID += "0" },
			"delegation_id":     func(r *attestation.Record) { r.Links.DelegationID = "" },
			"merchant_order_id": func(r *attestation.Record) { r.Links.MerchantOrderID += "0" },
			"trade_no":          func(r *attestation.Record) { r.Links.TradeNo += "0" },
			"payload_hash":      func(r *attestation.Record) { r.PayloadHash = bytes.Repeat([]byte{1}, 32) },
			"hash_algorithm":    func(r *attestation.Record) { r.HashAlgorithm = attestation.SM3 },
		} {
			other := *record
			change(&other)
			want(t, field, u.Anchor.Matches(&other), protocol.CodeClaimsConflict, "TSD-ATT-OCA-03", field)
		}
	})
}

func TestAnchorRefused(t *testing.T) {
	record, s, token := anchored(t)
	sign := func(change func(map[string]any)) []byte {
		u, err := keys.ParseCompact(token, keys.TypeAnchor)
		if err != nil {
			t.Fatal(err)
		}
		claims := map[string]any{}
		if err := canon.Decode(u.Payload, &claims); err != nil {
			t.Fatal(err)
		}
		change(claims)
		payload, err := canon.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		out, err := keys.SignCompact(s, keys.Anchor, keys.TypeAnchor, payload)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for name, c := range map[string]struct {
		change func(map[string]any)
		code   protocol.Code
		field  string
	}{
		"another submitter":    {func(m map[string]any) { m["iss"] = shopDID }, protocol.CodeClaimsConflict, "iss"},
		"another initiator":    {func(m map[string]any) { m["record_id"] = shopDID + "#rec-1" }, protocol.CodeClaimsConflict, "iss"},
		"no submitter":         {func(m map[string]any) { delete(m, "iss") }, protocol.CodeFieldMissing, "iss"},
		"no time":              {func(m map[string]any) { delete(m, "iat") }, protocol.CodeFieldMissing, "iat"},
		"another version":      {func(m map[string]any) { m["record_version"] = "2.0" }, protocol.CodeFieldInvalid, "record_version"},
		"no such event":        {func(m map[string]any) { m["event_type"] = "act:x:y" }, protocol.CodeFieldInvalid, "event_type"},
		"no trade":             {func(m map[string]any) { delete(m, "trade_no") }, protocol.CodeFieldMissing, "links.trade_no"},
		"no hash":              {func(m map[string]any) { delete(m, "payload_hash") }, protocol.CodeFieldMissing, "payload_hash"},
		"a short hash":         {func(m map[string]any) { m["payload_hash"] = "AAAA" }, protocol.CodeFieldInvalid, "payload_hash"},
		"no such hash":         {func(m map[string]any) { m["hash_algorithm"] = "SHA-1" }, protocol.CodeFieldInvalid, "hash_algorithm"},
		"no channel":           {func(m map[string]any) { delete(m, "channel") }, protocol.CodeFieldMissing, "channel"},
		"a channel as a path":  {func(m map[string]any) { m["channel"] = "../x" }, protocol.CodeFieldInvalid, "channel"},
		"business content":     {func(m map[string]any) { m["amount"] = "18.00" }, protocol.CodeFieldUnknown, "amount"},
		"upstream":             {func(m map[string]any) { m["upstream"] = []string{shopDID + "#r"} }, protocol.CodeFieldUnknown, "upstream"},
		"time of another form": {func(m map[string]any) { m["event_time"] = "yesterday" }, protocol.CodeFieldInvalid, "event_time"},
	} {
		_, err := attestation.ParseAnchor(sign(c.change))
		want(t, name, err, c.code, "", c.field)
	}
	_, err := attestation.ParseAnchor(bytes.Repeat([]byte("a"), attestation.MaxAnchor+1))
	want(t, "large", err, protocol.CodeTooLarge, "TSD-ATT-OCA-02", "")
	order, err := keys.SignCompact(newSigner(pspDID, keys.Seller), keys.Seller, keys.TypeOrder, []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	_, err = attestation.ParseAnchor(order)
	want(t, "another kind of token", err, protocol.CodeTypeMismatch, "", "")

	// Signed by somebody else in the name of the initiator.
	u, err := keys.ParseCompact(token, keys.TypeAnchor)
	if err != nil {
		t.Fatal(err)
	}
	stolen, err := keys.SignCompact(newSigner(shopDID, keys.Anchor), keys.Anchor, keys.TypeAnchor, u.Payload)
	if err != nil {
		t.Fatal(err)
	}
	_, err = attestation.ParseAnchor(stolen)
	want(t, "key of another party", err, protocol.CodeClaimsConflict, "TSD-ATT-OCA-06", "header.kid")

	for name, c := range map[string]struct {
		s       *keys.Signer
		channel string
		code    protocol.Code
	}{
		"by a cosigner":       {newSigner(shopDID, keys.Anchor), "retail", protocol.CodeClaimsConflict},
		"by another key":      {newSigner(pspDID, keys.Attestation), "retail", protocol.CodeKeyPurpose},
		"in no channel":       {s, "", protocol.CodeFieldMissing},
		"in an upper channel": {s, "Retail", protocol.CodeFieldInvalid},
	} {
		_, err := attestation.SignAnchor(c.s, record, c.channel, epoch)
		want(t, name, err, c.code, "", "")
	}
	personal := *record
	personal.Links.MerchantOrderID = "13800138000"
	_, err = attestation.SignAnchor(s, &personal, "retail", epoch)
	want(t, "PRV-04 a telephone number", err, protocol.CodeFieldInvalid, "PRV-04", "")
}

// Any single changed byte of an anchor is noticed.
func TestEveryByteOfAnchor(t *testing.T) {
	record, s, good := anchored(t)
	rapid.Check(t, func(rt *rapid.T) {
		token := bytes.Clone(good)
		i := rapid.IntRange(0, len(token)-1).Draw(rt, "at")
		token[i] ^= byte(rapid.IntRange(1, 255).Draw(rt, "by"))
		u, err := attestation.ParseAnchor(token)
		if err == nil && u.Anchor.Matches(record) == nil && u.Verify(s.Public()) == nil {
			rt.Fatalf("TSD-ATT-OCA-06 byte %d can be %q", i, token[i])
		}
	})
}
