package commerce_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
)

func offer() commerce.Offer {
	return commerce.Offer{
		MethodID: "urn:act:payment:balance", PSPID: pspDID, Endpoint: "https://pay.example/act", MethodSchemaURL: commerce.ProfileSchemaURL,
	}
}

func capability() commerce.Capability {
	second, third := offer(), offer()
	second.PSPID, second.Endpoint = "did:act:other.example/psp", "https://other.example:8443/act"
	third.MethodID = "urn:act:payment:card"
	return commerce.Capability{AgentID: shopDID, Mode: commerce.OneWay, Offers: []commerce.Offer{offer(), second, third}}
}

// official is one of the protocol's published examples.
func official(t testing.TB, name string) []byte {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		data, err := os.ReadFile(filepath.Join(dir, "shared/act-2.1/official/payload-examples", name))
		if err == nil {
			return data
		}
	}
	t.Skip("the official examples are not beside the project")
	return nil
}

func TestCapabilityRoundTrip(t *testing.T) {
	empty := commerce.Capability{AgentID: shopDID, Mode: commerce.OneWay}
	for name, c := range map[string]commerce.Capability{"offers": capability(), "nothing to offer": empty} {
		t.Run("CID-PCA-NEG-01 "+name, func(t *testing.T) {
			data, err := c.Encode()
			if err != nil {
				t.Fatal(err)
			}
			back, err := commerce.DecodeCapability(data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&c, back); diff != "" {
				t.Error(diff)
			}
			m := object(t, data)
			if m["version"] != "1.0" || m["role"] != "payee" || m["mode"] != "one-way" || m["agent_id"] != shopDID {
				t.Errorf("%s", data)
			}
			if methods, ok := m["supported_methods"].([]any); !ok || len(methods) != min(2, len(c.Offers)) {
				t.Errorf("%s", data)
			}
		})
	}
}

func TestOfficialCapability(t *testing.T) {
	data := official(t, "payment-capability-example.json")
	c, err := commerce.DecodeCapability(data)
	if err != nil {
		t.Fatalf("CID-PCA-NEG-01 the published example: %v", err)
	}
	want := []commerce.Offer{{
		MethodID: "urn:act:payment:example-wallet", PSPID: "urn:act:psp:example-psp",
		Endpoint: "https://api.example-psp.com/act-psp/v1", MethodSchemaURL: "https://specs.actprotocol.org/schemas/payment-payload.json",
	}}
	if diff := cmp.Diff(want, c.Offers); diff != "" || c.AgentID != "did:act:example.com/servicebot-01" || c.Mode != "" {
		t.Errorf("%+v %s", c, diff)
	}
	// Our own statements name providers by DIDs.
	c.Mode = commerce.OneWay
	_, err = c.Encode()
	wantError(t, err, protocol.CodeFieldInvalid, "psp_id", "IDN-02")
}

func TestCapabilityRefused(t *testing.T) {
	c := capability()
	data, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	good := string(data)
	inv, missing := protocol.CodeFieldInvalid, protocol.CodeFieldMissing
	const psp = `"psp_id":"did:act:pay.example/psp"`
	for _, c := range []struct {
		name, old, new string
		code           protocol.Code
		field          string
	}{
		{"another version", `"version":"1.0"`, `"version":"2.0"`, inv, "version"},
		{"no version", `,"version":"1.0"`, ``, missing, "version"},
		{"a payer", `"payee"`, `"payer"`, inv, "role"},
		{"no agent", `"agent_id":"` + shopDID + `",`, ``, missing, "agent_id"},
		{"an agent that is no DID", shopDID, "shop", inv, "agent_id"},
		{"an unknown mode", `"one-way"`, `"any"`, inv, "mode"},
		{"no methods at all", `"supported_methods"`, `"methods"`, protocol.CodeFieldUnknown, "methods"},
		{"a method twice", "urn:act:payment:card", "urn:act:payment:balance", inv, "supported_methods[1].method_id"},
		{"a method that is no URN", "urn:act:payment:card", "act:payment/card", inv, "supported_methods[1].method_id"},
		{"a method in capitals", "urn:act:payment:card", "URN:ACT:payment:card", inv, "supported_methods[1].method_id"},
		{"a provider twice", "did:act:other.example/psp", pspDID, inv, "supported_methods[0].psps[1].psp_id"},
		{"a provider without a name", psp, `"psp_id":""`, missing, "supported_methods[0].psps[0].psp_id"},
		{"an unknown member", psp, psp + `,"fee":"1"`, protocol.CodeFieldUnknown, "supported_methods[0].psps[0].fee"},
		{"null", `"https://pay.example/act"`, `null`, inv, "supported_methods[0].psps[0].endpoint"},
		{"an endpoint without TLS", "https://pay.example/act", "http://pay.example/act", inv, "supported_methods[0].psps[0].endpoint"},
		{"an endpoint in capitals", "https://pay.example/act", "https://PAY.example/act", inv, "supported_methods[0].psps[0].endpoint"},
		{"an endpoint with a slash more", "https://pay.example/act", "https://pay.example/act/", inv, "supported_methods[0].psps[0].endpoint"},
		{"an endpoint with the default port", "https://pay.example/act", "https://pay.example:443/act", inv, "supported_methods[0].psps[0].endpoint"},
		{"an endpoint with a user", "https://pay.example/act", "https://pay.example@evil.example/act", inv, "supported_methods[0].psps[0].endpoint"},
		{"a schema without TLS", commerce.ProfileSchemaURL, "http://x.example/schema", inv, "supported_methods[0].psps[0].method_schema_url"},
		{"two members of one name", `"role":"payee"`, `"role":"payee","role":"payee"`, protocol.CodeMalformed, "role"},
	} {
		t.Run("CID-PCA-NEG-07 "+c.name, func(t *testing.T) {
			text := strings.Replace(good, c.old, c.new, 1)
			if text == good {
				t.Fatal("nothing was changed")
			}
			_, err := commerce.DecodeCapability([]byte(text))
			wantError(t, err, c.code, c.field, "")
		})
	}
	t.Run("CID-PCA-NEG-07 a method without provider", func(t *testing.T) {
		text := `{"version":"1.0","role":"payee","agent_id":"` + shopDID + `","supported_methods":[{"method_id":"urn:act:payment:card","psps":[]}]}`
		_, err := commerce.DecodeCapability([]byte(text))
		wantError(t, err, missing, "supported_methods[0].psps", "CID-PCA-NEG-07")
	})
	t.Run("CID-PCA-NEG-01 what is not complete is not written", func(t *testing.T) {
		for _, broken := range []commerce.Capability{{}, {AgentID: shopDID}, {AgentID: shopDID, Mode: commerce.OneWay, Offers: []commerce.Offer{{}}}} {
			if _, err := broken.Encode(); err == nil {
				t.Errorf("%+v was written", broken)
			}
		}
	})
}

func FuzzParseCapability(f *testing.F) {
	c := capability()
	data, err := c.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := commerce.DecodeCapability(data)
		if err != nil {
			refused(t, data, err)
			return
		}
		seen := map[[2]string]bool{}
		for _, o := range c.Offers {
			pair := [2]string{o.MethodID, o.PSPID}
			if seen[pair] || !strings.HasPrefix(o.Endpoint, "https://") || !strings.HasPrefix(o.MethodSchemaURL, "https://") || strings.HasSuffix(o.Endpoint, "/") {
				t.Errorf("%+v", o)
			}
			seen[pair] = true
		}
		if c.Mode == "" {
			c.Mode = commerce.OneWay
		}
		again, err := c.Encode()
		if err != nil {
			if code := protocol.CodeOf(err); code != protocol.CodeFieldInvalid && code != protocol.CodeTooLarge { // a provider without a DID
				t.Fatal(err)
			}
			return
		}
		back, err := commerce.DecodeCapability(again)
		if err != nil || !cmp.Equal(c, back) {
			t.Errorf("%v\n%s", err, cmp.Diff(c, back))
		}
		if err := canon.Check(again); err != nil {
			t.Error(err)
		}
	})
}
