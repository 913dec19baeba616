package interop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/privacy/sdjwt"
)

const (
	sdIssuer    = "did:act:bank.example/mandates"
	sdAgent     = "did:act:agents.example/buyer"
	sdPrincipal = "did:act:bank.example/ann"
)

var sdNow = time.Date(2026, 3, 19, 9, 0, 0, 0, time.UTC)

// An sdParty has a key in our form and as a private JWK.
type sdParty struct {
	signer  *keys.Signer
	private map[string]any
}

func newSDParty(t *testing.T, alg keys.Algorithm, keyID string, purpose keys.Purpose) sdParty {
	t.Helper()
	key, err := keys.Generate(alg)
	if err != nil {
		t.Fatal(err)
	}
	s, err := keys.NewSigner(keyID, purpose, key)
	if err != nil {
		t.Fatal(err)
	}
	private := map[string]any{}
	if err := json.Unmarshal(s.Public().JWK(), &private); err != nil {
		t.Fatal(err)
	}
	private["d"] = canon.EncodeBase64(secret(t, key))
	return sdParty{signer: s, private: private}
}

func secret(t *testing.T, key crypto.Signer) []byte {
	t.Helper()
	switch k := key.(type) {
	case ed25519.PrivateKey:
		return k.Seed()
	case *ecdsa.PrivateKey:
		d, err := k.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	t.Fatal("another kind of key")
	return nil
}

// sdClaims are those of a mandate that lives ten minutes and so needs no status.
func sdClaims(holder keys.PublicKey) delegation.Claims {
	return delegation.NewClaims(&delegation.Authorization{
		DelegationID: "urn:uuid:7b0c2f1e-0d1c-4b7a-9a55-1f1f6f1c1d11", IntentID: "intent-1", DelegatorIdentity: sdPrincipal, AgentID: sdAgent,
		DelegationMode: delegation.Bounded, ValidityStart: sdNow, ValidityEnd: sdNow.Add(10 * time.Minute),
		MaxTotalAmount: "20", Currency: "CNY", AllowedPaymentMethods: []string{"urn:act:payment:card", "urn:act:payment:wallet"},
		UserConfirmationMethod: "FINGERPRINT", UserConfirmationTimestamp: sdNow,
		Ext: &delegation.Ext{
			Commerce: &delegation.Commerce{
				AllowedMerchants: []string{shopDID, "did:act:shop.example/tea"}, ForbiddenMerchants: []string{"urn:x:closed", "urn:x:other"},
				MaxSingleAmount: "12.5",
			},
			Fulfillment: &delegation.Fulfillment{DeliveryAddress: "Bäckerstraße 1, 上海"},
		},
	}, sdIssuer, pspDID, holder, nil, sdNow)
}

// An sdAnswer is what sdjwt.mjs says.
type sdAnswer struct {
	Error   string         `json:"error"`
	Payload jsontext.Value `json:"payload"`
	Header  jsontext.Value `json:"header"`
	KB      jsontext.Value `json:"kb"`
	Token   string         `json:"token"`
}

func (n *nodeProgram) sdjwt(t *testing.T, request map[string]any) sdAnswer {
	t.Helper()
	var a sdAnswer
	if err := n.run(t, "sdjwt.mjs", request, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// Mandates that are made here are read, and refused when changed, by the
// JavaScript library; those that it makes and presents are read here.
func TestSelectiveMandateJavaScript(t *testing.T) {
	node := newNode(t)
	for _, alg := range []keys.Algorithm{keys.EdDSA, keys.ES256} {
		t.Run(alg.SignatureType(), func(t *testing.T) {
			issuer := newSDParty(t, alg, sdIssuer+"#k1", keys.IssueAuthorization)
			holder := newSDParty(t, alg, sdAgent+"#k1", keys.AgentRequest)
			t.Run("PRV-01 ours, read there", func(t *testing.T) { readThere(t, node, issuer, holder) })
			t.Run("PRV-01 theirs, read here", func(t *testing.T) { readHere(t, node, issuer, holder) })
		})
	}
}

func readThere(t *testing.T, node *nodeProgram, issuer, holder sdParty) {
	whole, err := delegation.IssueSelective(issuer.signer, sdClaims(holder.signer.Public()))
	if err != nil {
		t.Fatal(err)
	}
	m, err := delegation.ParseMandate(whole)
	if err != nil {
		t.Fatal(err)
	}
	part, err := m.Present(delegation.RolePSP, delegation.Purchase{Merchant: shopDID, Method: "urn:act:payment:wallet"})
	if err != nil {
		t.Fatal(err)
	}
	shown, err := sdjwt.Bind(holder.signer, part, pspDID, "nonce-1", sdNow)
	if err != nil {
		t.Fatal(err)
	}
	request := map[string]any{"do": "verify", "token": string(shown), "issuer": jsontext.Value(issuer.signer.Public().JWK()), "nonce": "nonce-1", "now": sdNow.Unix()}
	a := node.sdjwt(t, request)
	if a.Error != "" {
		t.Fatal(a.Error)
	}
	u, err := delegation.ParseMandate(part)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := mustCanonical(t, a.Payload), mustCanonical(t, u.Shown()); got != want {
		t.Errorf("the library sees %s\nwe see %s", got, want)
	}
	var kb struct {
		Aud   string `json:"aud"`
		Nonce string `json:"nonce"`
	}
	if err := json.Unmarshal(a.KB, &kb); err != nil || kb.Aud != pspDID || kb.Nonce != "nonce-1" {
		t.Errorf("key binding %s", a.KB)
	}
	all := node.sdjwt(t, map[string]any{"do": "verify", "token": string(whole), "issuer": jsontext.Value(issuer.signer.Public().JWK()), "now": sdNow.Unix()})
	if all.Error != "" || mustCanonical(t, all.Payload) != mustCanonical(t, m.Shown()) {
		t.Errorf("whole: %s %s", all.Error, all.Payload)
	}
	request["nonce"] = "nonce-2"
	if a := node.sdjwt(t, request); a.Error == "" {
		t.Error("the library accepts another nonce")
	}
}

// readHere: the library issues by the text of SPEC.md 8.1 and presents a part.
func readHere(t *testing.T, node *nodeProgram, issuer, holder sdParty) {
	payload := map[string]any{
		"iss": sdIssuer, "sub": sdAgent, "aud": pspDID, "jti": "urn:uuid:1", "iat": sdNow.Unix(), "nbf": sdNow.Unix(), "exp": sdNow.Unix() + 600,
		"cnf": map[string]any{"jwk": jsontext.Value(holder.signer.Public().JWK())}, "vct": "urn:act:vct:intent-authorization",
		"constraints": []string{"allowed_payment_methods", "delegator_identity", "ext.commerce.forbidden_merchants", "max_total_amount"},
		"authorization": map[string]any{
			"delegation_id": "urn:uuid:1", "intent_id": "intent-1", "agent_id": sdAgent, "delegator_identity": sdPrincipal,
			"validity_start_time": "2026-03-19T09:00:00Z", "validity_end_time": "2026-03-19T09:10:00Z", "max_total_amount": 20,
			"allowed_payment_methods": []string{"urn:act:payment:card", "urn:act:payment:wallet"},
			"ext":                     map[string]any{"commerce": map[string]any{"forbidden_merchants": []string{"urn:x:closed"}}, "fulfillment": map[string]any{"delivery_address": "上海"}},
		},
	}
	a := node.sdjwt(t, map[string]any{"do": "issue", "payload": payload, "kid": issuer.signer.KeyID(), "key": issuer.private, "frame": map[string]any{
		"authorization": map[string]any{
			"_sd": []string{"delegator_identity", "max_total_amount", "allowed_payment_methods"}, "_sd_decoy": 3,
			"allowed_payment_methods": map[string]any{"_sd": []int{0, 1}, "_sd_decoy": 2},
			"ext": map[string]any{
				"commerce":    map[string]any{"_sd": []string{"forbidden_merchants"}},
				"fulfillment": map[string]any{"_sd": []string{"delivery_address"}, "_sd_decoy": 1},
			},
		},
	}})
	if a.Error != "" {
		t.Fatal(a.Error)
	}
	whole, err := delegation.ParseMandate([]byte(a.Token))
	if err != nil {
		t.Fatal(err)
	}
	if err := whole.VerifySignature(issuer.signer.Public()); err != nil {
		t.Fatal(err)
	}
	c := whole.Claims().Authorization
	if c.DelegatorIdentity != sdPrincipal || c.MaxTotalAmount != "20" || len(c.AllowedPaymentMethods) != 2 || c.Ext.Fulfillment.DeliveryAddress != "上海" || len(c.Ext.Commerce.ForbiddenMerchants) != 1 {
		t.Errorf("we read %+v", c)
	}
	b := node.sdjwt(t, map[string]any{"do": "present", "token": a.Token, "holder": holder.private, "frame": map[string]any{
		"authorization": map[string]any{"max_total_amount": true, "delegator_identity": true, "allowed_payment_methods": true},
	}, "kb": map[string]any{"aud": pspDID, "nonce": "nonce-1", "iat": sdNow.Unix()}})
	if b.Error != "" {
		t.Fatal(b.Error)
	}
	token, jwt := sdjwt.Cut([]byte(b.Token))
	binding, err := sdjwt.ParseBinding(jwt)
	if err != nil {
		t.Fatal(err)
	}
	if err := binding.Verify(token, holder.signer.Public()); err != nil || binding.Audience != pspDID || binding.Nonce != "nonce-1" {
		t.Errorf("%v %+v", err, binding)
	}
	part, err := delegation.ParseMandate(token)
	if err != nil {
		t.Fatal(err)
	}
	bounds, err := part.Claims().Bounds()
	if err != nil {
		t.Fatal(err)
	}
	if got := bounds.Withheld(); len(got) != 2 || got[0] != "allowed_payment_methods" || got[1] != "ext.commerce.forbidden_merchants" {
		t.Errorf("withheld: %q", got)
	}
	d := bounds.Decide(delegation.RolePSP, delegation.Purchase{At: sdNow, Amount: bounds.Total(), Method: "urn:act:payment:wallet", Merchant: shopDID}, nil)
	if protocol.CodeOf(d.Err()) != protocol.CodeConstraintWithheld {
		t.Error(d.Err())
	}
}

func mustCanonical(t *testing.T, data []byte) string {
	t.Helper()
	out, err := canon.Canonicalize(data)
	if err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return string(out)
}
