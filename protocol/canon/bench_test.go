package canon_test

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol/canon"
)

// mandate is a mandate payload as an issuer might write it, not yet canonical.
const mandate = `{
  "iss": "did:act:issuer.example/alice", "sub": "did:act:agents.example/shopper", "aud": "did:act:psp.example/pay",
  "jti": "urn:uuid:6c1b2a8e-5c0d-4f5e-9d3a-0f2b7c9d1e44", "iat": 1767225600, "nbf": 1767225600, "exp": 1767312000,
  "cnf": {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}},
  "status": {"status_list": {"idx": 4711, "uri": "https://issuer.example/status/1"}},
  "vc": {"type": ["VerifiableCredential", "ACTIntentAuthorization"], "credentialSubject": {
    "delegation_id": "urn:uuid:6c1b2a8e-5c0d-4f5e-9d3a-0f2b7c9d1e44",
    "intent_id": "urn:uuid:2f7f4c62-77b1-4f59-8a52-d5f8a0a3c9b7",
    "delegator_identity": "did:act:issuer.example/alice", "agent_id": "did:act:agents.example/shopper",
    "delegation_mode": "SPECIFIED",
    "validity_start_time": "2026-01-01T00:00:00Z", "validity_end_time": "2026-01-02T00:00:00Z",
    "max_total_amount": 20.5, "currency": "CNY", "allowed_payment_methods": ["urn:act:payment:wallet"],
    "user_confirmation_method": "CLICK_CONFIRM", "user_confirmation_timestamp": "2026-01-01T00:00:00Z",
    "ext": {"commerce": {"allowed_merchants": ["did:act:shop.example/coffee"], "allowed_categories": ["food/coffee"],
      "max_single_amount": 20.00}, "fulfillment": {"delivery_address": "上海市黄浦区 1 号"}}}}
}`

type mandateClaims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	ID       string `json:"jti"`
	IssuedAt int64  `json:"iat"`
	Start    int64  `json:"nbf"`
	End      int64  `json:"exp"`
	Confirm  struct {
		JWK jsontext.Value `json:"jwk"`
	} `json:"cnf"`
	Status struct {
		List struct {
			Index uint64 `json:"idx"`
			URI   string `json:"uri"`
		} `json:"status_list"`
	} `json:"status"`
	Credential struct {
		Type    []string `json:"type"`
		Subject struct {
			DelegationID string         `json:"delegation_id"`
			IntentID     string         `json:"intent_id"`
			Delegator    string         `json:"delegator_identity"`
			Agent        string         `json:"agent_id"`
			Mode         string         `json:"delegation_mode"`
			Start        string         `json:"validity_start_time"`
			End          string         `json:"validity_end_time"`
			Total        jsontext.Value `json:"max_total_amount"`
			Currency     string         `json:"currency"`
			Methods      []string       `json:"allowed_payment_methods"`
			Method       string         `json:"user_confirmation_method"`
			Confirmed    string         `json:"user_confirmation_timestamp"`
			Ext          struct {
				Commerce struct {
					Merchants  []string       `json:"allowed_merchants"`
					Categories []string       `json:"allowed_categories"`
					Single     jsontext.Value `json:"max_single_amount"`
				} `json:"commerce"`
				Fulfillment struct {
					Address string `json:"delivery_address"`
				} `json:"fulfillment"`
			} `json:"ext"`
		} `json:"credentialSubject"`
	} `json:"vc"`
}

func BenchmarkCanonicalize(b *testing.B) {
	run := func(name string, in []byte) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := canon.Canonicalize(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("mandate", []byte(mandate))
	sorted, err := canon.Canonicalize([]byte(mandate))
	if err != nil {
		b.Fatal(err)
	}
	run("canonical", sorted)
}

func BenchmarkCheck(b *testing.B) {
	in := []byte(mandate)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if err := canon.Check(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	in := []byte(mandate)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		var c mandateClaims
		if err := canon.Decode(in, &c); err != nil {
			b.Fatal(err)
		}
	}
}
