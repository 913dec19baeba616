package commerce_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

func negotiation(t testing.TB) commerce.NegotiationRequest {
	return commerce.NegotiationRequest{
		RequestID: "negotiation-1", Nonce: strings.Repeat("A", 22), Timestamp: now, AgentID: agentDID, MerchantID: shopDID,
		Methods: []string{"urn:act:payment:balance", "urn:act:payment:card"}, Estimated: cny(t, "500.00"),
	}
}

func TestNegotiationRequest(t *testing.T) {
	s := signer(t, agentDID, keys.AgentRequest, 0)
	t.Run("CID-PCA-NEG-06 round trip", func(t *testing.T) {
		data, err := commerce.SignNegotiationRequest(s, negotiation(t))
		if err != nil {
			t.Fatal(err)
		}
		m := object(t, data)
		if m["agent_id"] != agentDID || m["currency"] != "CNY" || m["estimated_amount"] != "500.00" || len(m["buyer_supported_methods"].([]any)) != 2 {
			t.Errorf("%s", data)
		}
		u, err := commerce.ParseNegotiationRequest(data)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(negotiation(t), u.Request, compareAmounts); diff != "" {
			t.Error(diff)
		}
		if err := u.Verify(s.Public()); err != nil || u.SignerDID() != agentDID || u.KeyID() != agentDID+"#k1" {
			t.Error(err)
		}
		if err := u.Verify(signer(t, agentDID, keys.AgentRequest, 1).Public()); protocol.CodeOf(err) != protocol.CodeSignatureInvalid {
			t.Error(err)
		}
		again := negotiation(t)
		again.Nonce, again.Timestamp = canon.Nonce(), now.Add(1e9)
		data, err = commerce.SignNegotiationRequest(s, again)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := commerce.ParseNegotiationRequest(data); err != nil || v.ContentDigest() != u.ContentDigest() {
			t.Errorf("a repetition is other content: %v", err)
		}
	})
	inv, missing := protocol.CodeFieldInvalid, protocol.CodeFieldMissing
	for _, c := range []struct {
		name   string
		change func(*commerce.NegotiationRequest)
		code   protocol.Code
		field  string
	}{
		{"no id", func(q *commerce.NegotiationRequest) { q.RequestID = "" }, missing, "request_id"},
		{"a short nonce", func(q *commerce.NegotiationRequest) { q.Nonce = "AAAA" }, inv, "nonce"},
		{"another signer", func(q *commerce.NegotiationRequest) { q.AgentID = shopDID }, protocol.CodeClaimsConflict, "agent_id"},
		{"no seller", func(q *commerce.NegotiationRequest) { q.MerchantID = "" }, missing, "merchant_id"},
		{"no methods", func(q *commerce.NegotiationRequest) { q.Methods = nil }, missing, "buyer_supported_methods"},
		{"a method twice", func(q *commerce.NegotiationRequest) { q.Methods[1] = q.Methods[0] }, inv, "buyer_supported_methods[1]"},
		{"a method that is none", func(q *commerce.NegotiationRequest) { q.Methods[1] = "cash" }, inv, "buyer_supported_methods[1]"},
		{"for nothing", func(q *commerce.NegotiationRequest) { q.Estimated = cny(t, "0.00") }, inv, "estimated_amount"},
		{"no amount", func(q *commerce.NegotiationRequest) { q.Estimated = money.Amount{} }, missing, "currency"},
	} {
		t.Run("CID-PCA-NEG-06 "+c.name, func(t *testing.T) {
			q := negotiation(t)
			c.change(&q)
			_, err := commerce.SignNegotiationRequest(s, q)
			wantError(t, err, c.code, c.field, "CID-PCA-NEG-06")
		})
	}
	t.Run("a key for something else", func(t *testing.T) {
		if _, err := commerce.SignNegotiationRequest(signer(t, agentDID, keys.Seller, 0), negotiation(t)); protocol.CodeOf(err) != protocol.CodeKeyPurpose {
			t.Error(err)
		}
	})
	t.Run("a cart request is none", func(t *testing.T) {
		data, err := commerce.SignCartRequest(s, cart(t))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := commerce.ParseNegotiationRequest(data); err == nil {
			t.Error("accepted")
		}
	})
}

func TestNegotiationAnswer(t *testing.T) {
	q := negotiation(t)
	answer := commerce.NegotiationAnswer{RequestID: q.RequestID, AgentID: shopDID, Offers: []commerce.Offer{offer()}}
	data, err := answer.Encode(q)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("CID-PCA-NEG-08 round trip", func(t *testing.T) {
		back, err := commerce.DecodeNegotiationAnswer(data, q)
		if err != nil || !cmp.Equal(back, &answer) {
			t.Errorf("%v %+v", err, back)
		}
	})
	t.Run("CID-PCA-NEG-08 nothing matches", func(t *testing.T) {
		empty := commerce.NegotiationAnswer{RequestID: q.RequestID, AgentID: shopDID}
		data, err := empty.Encode(q)
		if err != nil || !strings.Contains(string(data), `"supported_methods":[]`) {
			t.Fatalf("%s %v", data, err)
		}
		if back, err := commerce.DecodeNegotiationAnswer(data, q); err != nil || len(back.Offers) != 0 {
			t.Errorf("%v %+v", err, back)
		}
	})
	for _, c := range []struct {
		name, old, new string
		code           protocol.Code
		field          string
	}{
		{"a method that was not asked for", "urn:act:payment:balance", "urn:act:payment:cash", protocol.CodeClaimsConflict, "supported_methods[0].method_id"},
		{"the answer to another request", "negotiation-1", "negotiation-2", protocol.CodeClaimsConflict, "request_id"},
		{"the answer of another", shopDID, "did:act:shop.example/other", protocol.CodeClaimsConflict, "agent_id"},
		{"no agent", `"agent_id":"` + shopDID + `",`, "", protocol.CodeFieldMissing, "agent_id"},
		{"no list", `"supported_methods"`, `"x"`, protocol.CodeFieldUnknown, "x"},
		{"an endpoint of another spelling", "https://pay.example/act", "https://pay.example/act/", protocol.CodeFieldInvalid, "supported_methods[0].endpoint"},
		{"no schema", `"method_schema_url":"` + commerce.ProfileSchemaURL + `",`, "", protocol.CodeFieldMissing, "supported_methods[0].method_schema_url"},
	} {
		t.Run("CID-PCA-NEG-07 "+c.name, func(t *testing.T) {
			text := strings.Replace(string(data), c.old, c.new, 1)
			_, err := commerce.DecodeNegotiationAnswer([]byte(text), q)
			wantError(t, err, c.code, c.field, "")
		})
	}
	t.Run("CID-PCA-NEG-07 an offer twice", func(t *testing.T) {
		twice := answer
		twice.Offers = []commerce.Offer{offer(), offer()}
		_, err := twice.Encode(q)
		wantError(t, err, protocol.CodeFieldInvalid, "supported_methods[1].psp_id", "CID-PCA-NEG-07")
	})
	t.Run("CID-PCA-NEG-08 what was not asked for is not written", func(t *testing.T) {
		other := answer
		other.Offers = []commerce.Offer{offer()}
		other.Offers[0].MethodID = "urn:act:payment:cash"
		_, err := other.Encode(q)
		wantError(t, err, protocol.CodeClaimsConflict, "supported_methods[0].method_id", "CID-PCA-NEG-08")
	})
}

func FuzzParseNegotiationRequest(f *testing.F) {
	data, err := commerce.SignNegotiationRequest(signer(f, agentDID, keys.AgentRequest, 0), negotiation(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		u, err := commerce.ParseNegotiationRequest(data)
		if err != nil {
			refused(t, data, err)
			return
		}
		if u.Verify(signer(t, agentDID, keys.AgentRequest, 1).Public()) == nil {
			t.Error("verified by a key that signed nothing")
		}
		q := u.Request
		if _, err := commerce.SignNegotiationRequest(signer(t, q.AgentID, keys.AgentRequest, 0), q); err != nil && protocol.CodeOf(err) != protocol.CodeTooLarge {
			t.Errorf("cannot be written again: %v", err)
		}
	})
}

func FuzzParseNegotiationAnswer(f *testing.F) {
	q := negotiation(f)
	answer := commerce.NegotiationAnswer{RequestID: q.RequestID, AgentID: shopDID, Offers: []commerce.Offer{offer()}}
	data, err := answer.Encode(q)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		q := negotiation(t)
		a, err := commerce.DecodeNegotiationAnswer(data, q)
		if err != nil {
			refused(t, data, err)
			return
		}
		for _, o := range a.Offers {
			if o.MethodID != q.Methods[0] && o.MethodID != q.Methods[1] {
				t.Errorf("%+v was not asked for", o)
			}
		}
		again, err := a.Encode(q)
		if protocol.CodeOf(err) == protocol.CodeFieldInvalid { // a provider without a DID
			return
		}
		if back, err := commerce.DecodeNegotiationAnswer(again, q); err != nil || !cmp.Equal(a, back) {
			t.Errorf("%v %+v", err, back)
		}
	})
}
