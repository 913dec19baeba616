package commerce_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
)

func card() commerce.AgentCard {
	return commerce.AgentCard{
		AgentID: shopDID, Name: "Coffee house", Description: "Sells coffee.\nAlso biscuits.", Version: "3", URL: "https://shop.example",
		Transport: commerce.TransportACT, InputModes: []string{"application/json"}, OutputModes: []string{"application/json"},
		Skills:      []commerce.Skill{{ID: "sell", Name: "Sell", Description: "Sells coffee by cart.", Tags: []string{"coffee"}}},
		Negotiation: commerce.Negotiation{Mode: commerce.OneWay, CapabilityURL: "https://shop.example/.well-known/act-payment-capability.json"},
	}
}

func signedCard(t testing.TB, c commerce.AgentCard) []byte {
	t.Helper()
	text, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	signed, err := commerce.SignAgentCard(signer(t, c.AgentID, keys.Seller, 0), text)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// TestCardIsA2A reads our card with other libraries: the members that A2A 0.3
// requires, and a JWS over the canonical form of the rest.
func TestCardIsA2A(t *testing.T) {
	signed := signedCard(t, card())
	m := object(t, signed)
	for _, name := range []string{"capabilities", "defaultInputModes", "defaultOutputModes", "description", "name", "protocolVersion", "skills", "url", "version"} {
		switch v := m[name].(type) {
		case string:
			if v == "" {
				t.Errorf("CID-PCA-NEG-02 %s is empty", name)
			}
		case []any:
			if len(v) == 0 {
				t.Errorf("CID-PCA-NEG-02 %s is empty", name)
			}
		case map[string]any:
		default:
			t.Errorf("CID-PCA-NEG-02 %s is %T", name, v)
		}
	}
	if m["protocolVersion"] != "0.3.0" {
		t.Errorf("protocolVersion %v", m["protocolVersion"])
	}
	node := m["capabilities"].(map[string]any)["act:payment:negotiation"].(map[string]any)
	if node["mode"] != "one-way" || node["capability_url"] != card().Negotiation.CapabilityURL || m["agent_id"] != shopDID {
		t.Errorf("CID-PCA-NEG-02 %s", signed)
	}
	for name, value := range m["skills"].([]any)[0].(map[string]any) {
		if value == "" {
			t.Errorf("skill without %s", name)
		}
	}
	entry := m["signatures"].([]any)[0].(map[string]any)
	delete(m, "signatures")
	payload, err := json.Marshal(m) // sorted, and canonical for text as plain as this
	if err != nil {
		t.Fatal(err)
	}
	header, err := base64.RawURLEncoding.DecodeString(entry["protected"].(string))
	if err != nil || !strings.Contains(string(header), `"kid":"`+shopDID+`#k1"`) {
		t.Fatalf("%s %v", header, err)
	}
	sig, err := base64.RawURLEncoding.DecodeString(entry["signature"].(string))
	if err != nil {
		t.Fatal(err)
	}
	public := ed25519.NewKeyFromSeed(bytes.Repeat([]byte("a"), 32)).Public().(ed25519.PublicKey)
	if !ed25519.Verify(public, []byte(entry["protected"].(string)+"."+base64.RawURLEncoding.EncodeToString(payload)), sig) {
		t.Error("CID-PCA-NEG-07 the signature is not the detached JWS of A2A")
	}
}

func TestCardRoundTrip(t *testing.T) {
	two := card()
	two.Negotiation = commerce.Negotiation{Mode: commerce.TwoWay, Endpoint: "https://shop.example/negotiations"}
	both := two
	both.Negotiation.CapabilityURL = card().Negotiation.CapabilityURL
	none := card()
	none.Negotiation = commerce.Negotiation{}
	for name, c := range map[string]commerce.AgentCard{"one-way": card(), "two-way": two, "both addresses": both, "no payment": none} {
		t.Run("CID-PCA-NEG-02 "+name, func(t *testing.T) {
			u, err := commerce.ParseAgentCard(signedCard(t, c))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c, u.Card); diff != "" {
				t.Error(diff)
			}
			if err := u.Verify(signer(t, shopDID, keys.Seller, 0).Public()); err != nil || u.SignerDID() != shopDID {
				t.Error(err)
			}
			if err := u.Verify(signer(t, shopDID, keys.Seller, 1).Public()); protocol.CodeOf(err) != protocol.CodeSignatureInvalid {
				t.Error(err)
			}
		})
	}
	if card().Negotiation.URL() != card().Negotiation.CapabilityURL || both.Negotiation.URL() != both.Negotiation.Endpoint || none.Negotiation.URL() != "" {
		t.Error("CID-PCA-NEG-02 the address of the mode")
	}
}

// TestForeignCard: a card made with another library has members, capabilities
// and signatures that we do not know.
func TestForeignCard(t *testing.T) {
	foreign := `{"agent_id":"` + shopDID + `","protocolVersion":"0.3.0","name":"Shop","description":"d","url":"https://shop.example/a2a","version":"9",
		"preferredTransport":"JSONRPC","additionalInterfaces":[{"url":"https://shop.example/a2a","transport":"JSONRPC"}],
		"provider":{"organization":"Shop","url":"https://shop.example"},"iconUrl":"https://shop.example/i.png","weight":1.5,
		"capabilities":{"streaming":true,"extensions":[{"uri":"https://x.example/ext","params":{"a":[1,2]}}],
			"act:payment:negotiation":{"mode":"two-way","negotiation_endpoint":"https://shop.example/n","region":"EU"}},
		"defaultInputModes":["text/plain"],"defaultOutputModes":["text/plain"],"security":[{"google":["openid"]}],
		"skills":[{"id":"s","name":"n","description":"d","tags":["t"],"examples":["e"],"inputModes":["text/plain"]}],
		"signatures":[{"protected":"eyJhbGciOiJFUzI1NiIsInR5cCI6IkpPU0UiLCJraWQiOiJrZXktMSJ9","signature":"AAAA","header":{"x":1},"note":"y"}]}`
	t.Run("CID-PCA-NEG-07 signed by others only", func(t *testing.T) {
		if _, err := commerce.ParseAgentCard([]byte(foreign)); err == nil {
			t.Error("accepted")
		}
	})
	signed, err := commerce.SignAgentCard(signer(t, shopDID, keys.Seller, 0), []byte(foreign))
	if err != nil {
		t.Fatal(err)
	}
	u, err := commerce.ParseAgentCard(signed)
	if err != nil {
		t.Fatal(err)
	}
	if err := u.Verify(signer(t, shopDID, keys.Seller, 0).Public()); err != nil {
		t.Error(err)
	}
	if u.Card.Negotiation.URL() != "https://shop.example/n" || u.Card.Transport != "JSONRPC" || len(u.Card.Skills) != 1 {
		t.Errorf("%+v", u.Card)
	}
	m := object(t, signed)
	if len(m["signatures"].([]any)) != 2 || m["iconUrl"] != "https://shop.example/i.png" {
		t.Errorf("something of the card was lost: %s", signed)
	}
	t.Run("CID-PCA-NEG-07 every other member is covered", func(t *testing.T) {
		for _, change := range [][2]string{{`"weight":1.5`, `"weight":1.25`}, {`"region":"EU"`, `"region":"US"`}, {`"streaming":true`, `"streaming":false`}} {
			u, err := commerce.ParseAgentCard(bytes.Replace(signed, []byte(change[0]), []byte(change[1]), 1))
			if err != nil {
				t.Fatal(err)
			}
			if err := u.Verify(signer(t, shopDID, keys.Seller, 0).Public()); protocol.CodeOf(err) != protocol.CodeSignatureInvalid {
				t.Errorf("%s: %v", change[1], err)
			}
		}
	})
}

func TestCardNotWritten(t *testing.T) {
	inv, missing := protocol.CodeFieldInvalid, protocol.CodeFieldMissing
	const at = "capabilities.act:payment:negotiation."
	for _, c := range []struct {
		name   string
		change func(*commerce.AgentCard)
		code   protocol.Code
		field  string
	}{
		{"no name", func(c *commerce.AgentCard) { c.Name = "" }, missing, "name"},
		{"no description", func(c *commerce.AgentCard) { c.Description = "" }, missing, "description"},
		{"no version", func(c *commerce.AgentCard) { c.Version = "" }, missing, "version"},
		{"no address", func(c *commerce.AgentCard) { c.URL = "" }, missing, "url"},
		{"no skill", func(c *commerce.AgentCard) { c.Skills = nil }, missing, "skills"},
		{"a skill without tags", func(c *commerce.AgentCard) { c.Skills = []commerce.Skill{{ID: "a", Name: "b", Description: "c"}} }, missing, "skills.tags"},
		{"an empty mode", func(c *commerce.AgentCard) { c.InputModes = []string{""} }, missing, "defaultInputModes"},
		{"no agent", func(c *commerce.AgentCard) { c.AgentID = "" }, missing, "agent_id"},
		{"no mode", func(c *commerce.AgentCard) { c.Negotiation.Mode = "" }, missing, at + "mode"},
		{"another mode", func(c *commerce.AgentCard) { c.Negotiation.Mode = "no-way" }, inv, at + "mode"},
		{"one-way without address", func(c *commerce.AgentCard) { c.Negotiation.CapabilityURL = "" }, missing, at + "capability_url"},
		{"two-way without address", func(c *commerce.AgentCard) { c.Negotiation.Mode = commerce.TwoWay }, missing, at + "negotiation_endpoint"},
		{"an address without TLS", func(c *commerce.AgentCard) { c.Negotiation.CapabilityURL = "http://shop.example/c" }, inv, at + "capability_url"},
		{"a wrong address beside", func(c *commerce.AgentCard) { c.Negotiation.Endpoint = "ftp://shop.example/c" }, inv, at + "negotiation_endpoint"},
	} {
		t.Run("CID-PCA-NEG-02 "+c.name, func(t *testing.T) {
			broken := card()
			c.change(&broken)
			_, err := broken.Encode()
			wantError(t, err, c.code, c.field, "CID-PCA-NEG-02")
		})
	}
	text, err := card().Encode()
	if err != nil {
		t.Fatal(err)
	}
	_, err = commerce.SignAgentCard(signer(t, agentDID, keys.Seller, 0), text)
	wantError(t, err, protocol.CodeClaimsConflict, "agent_id", "CID-PCA-NEG-07")
	if _, err = commerce.SignAgentCard(signer(t, shopDID, keys.AgentRequest, 0), text); protocol.CodeOf(err) != protocol.CodeKeyPurpose {
		t.Error(err)
	}
}

// TestHostileSignatures changes what stands in signatures, which no signature
// covers.
func TestHostileSignatures(t *testing.T) {
	s := signer(t, shopDID, keys.Seller, 0)
	text, err := card().Encode()
	if err != nil {
		t.Fatal(err)
	}
	part := func(s string) string { return canon.EncodeBase64([]byte(s)) }
	protected := func(alg, kid, typ, more string) string {
		return part(`{"alg":"` + alg + `","kid":"` + kid + `","typ":"` + typ + `"` + more + `}`)
	}
	kid, typ, sig := shopDID+"#k1", keys.TypeAgentCard, strings.Repeat("A", 86)
	good := object(t, signedCard(t, card()))["signatures"].([]any)[0].(map[string]any)
	for _, c := range []struct {
		name, signatures string
		code             protocol.Code
		field            string
	}{
		{"unsigned", ``, protocol.CodeFieldMissing, "signatures"},
		{"no signature in the list", `"signatures":[],`, protocol.CodeFieldMissing, "signatures"},
		{"none", `"signatures":[{"protected":"` + protected("none", kid, typ, "") + `","signature":""}],`, protocol.CodeAlgorithmRefused, "signatures.header.alg"},
		{"HMAC", `"signatures":[{"protected":"` + protected("HS256", kid, typ, "") + `","signature":"` + sig + `"}],`, protocol.CodeAlgorithmRefused, "signatures.header.alg"},
		{"another kind of token", `"signatures":[{"protected":"` + protected("EdDSA", kid, keys.TypeOrder, "") + `","signature":"` + sig + `"}],`, protocol.CodeTypeMismatch, "signatures.header.typ"},
		{"A2A's own typ", `"signatures":[{"protected":"` + protected("EdDSA", kid, "JOSE", "") + `","signature":"` + sig + `"}],`, protocol.CodeTypeMismatch, "signatures.header.typ"},
		{"a key of another", `"signatures":[{"protected":"` + protected("EdDSA", agentDID+"#k1", typ, "") + `","signature":"` + sig + `"}],`, protocol.CodeClaimsConflict, "signatures.kid"},
		{"a key by address", `"signatures":[{"protected":"` + protected("EdDSA", kid, typ, `,"jku":"https://evil.example"`) + `","signature":"` + sig + `"}],`, protocol.CodeHeaderRefused, "signatures.header"},
		{"crit", `"signatures":[{"protected":"` + protected("EdDSA", kid, typ, `,"crit":["b64"],"b64":false`) + `","signature":"` + sig + `"}],`, protocol.CodeHeaderRefused, "signatures.header"},
		{"an unprotected header", `"signatures":[{"protected":"` + good["protected"].(string) + `","signature":"` + good["signature"].(string) + `","header":{"kid":"x"}}],`, protocol.CodeHeaderRefused, "signatures.header"},
		{"dots in the header", `"signatures":[{"protected":"a.b","signature":"` + sig + `"}],`, protocol.CodeMalformed, "signatures"},
		{"padding", `"signatures":[{"protected":"` + good["protected"].(string) + `","signature":"` + good["signature"].(string) + `="}],`, protocol.CodeMalformed, "signatures.signature"},
		{"no object", `"signatures":["x"],`, protocol.CodeFieldInvalid, "signatures"},
		{"too many", `"signatures":[` + strings.Repeat(`{"protected":"","signature":""},`, 8) + `{"protected":"","signature":""}],`, protocol.CodeTooLarge, "signatures"},
	} {
		t.Run("CID-PCA-NEG-07 "+c.name, func(t *testing.T) {
			_, err := commerce.ParseAgentCard([]byte(`{` + c.signatures + string(text[1:])))
			wantError(t, err, c.code, c.field, "")
		})
	}
	t.Run("CID-PCA-NEG-07 ours among those of others", func(t *testing.T) {
		entry := `{"protected":"` + good["protected"].(string) + `","signature":"` + good["signature"].(string) + `"}`
		u, err := commerce.ParseAgentCard([]byte(`{"signatures":["x",{"protected":"e30","signature":""},` + entry + `],` + string(text[1:])))
		if err != nil {
			t.Fatal(err)
		}
		if err := u.Verify(s.Public()); err != nil {
			t.Error(err)
		}
	})
	t.Run("CID-PCA-NEG-07 signed anew after a change of key", func(t *testing.T) {
		fresh := signer(t, shopDID, keys.Seller, 1)
		again, err := commerce.SignAgentCard(fresh, signedCard(t, card()))
		if err != nil {
			t.Fatal(err)
		}
		u, err := commerce.ParseAgentCard(again)
		if err != nil || u.Verify(fresh.Public()) != nil || len(object(t, again)["signatures"].([]any)) != 1 {
			t.Errorf("%v %s", err, again)
		}
	})
	t.Run("a card as large as a token", func(t *testing.T) {
		large := card()
		large.Description = strings.Repeat("d", 50000)
		text, err := large.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := commerce.SignAgentCard(s, text); protocol.CodeOf(err) != protocol.CodeTooLarge {
			t.Error(err)
		}
	})
}

// FuzzParseAgentCard reads any bytes as a card, and signs what can be signed.
func FuzzParseAgentCard(f *testing.F) {
	f.Add(signedCard(f, card()))
	f.Fuzz(func(t *testing.T, data []byte) {
		u, err := commerce.ParseAgentCard(data)
		if err != nil {
			refused(t, data, err)
		} else {
			if u.SignerDID() != u.Card.AgentID {
				t.Errorf("signed by %s", u.SignerDID())
			}
			if u.Verify(signer(t, shopDID, keys.Seller, 1).Public()) == nil {
				t.Error("verified by a key that signed nothing")
			}
			if n := u.Card.Negotiation; n != (commerce.Negotiation{}) && !strings.HasPrefix(n.URL(), "https://") {
				t.Errorf("%+v", n)
			}
		}
		own := signer(t, shopDID, keys.Seller, 0)
		signed, err := commerce.SignAgentCard(own, data)
		if err != nil {
			refused(t, data, err)
			return
		}
		again, err := commerce.ParseAgentCard(signed)
		if err != nil {
			if protocol.CodeOf(err) != protocol.CodeTooLarge { // of signatures
				t.Fatal(err)
			}
			return
		}
		if err := again.Verify(own.Public()); err != nil {
			t.Error(err)
		}
	})
}
