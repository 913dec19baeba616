package interop

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A vcAnswer is what vcjwt.mjs says.
type vcAnswer struct {
	Error   string         `json:"error"`
	Payload jsontext.Value `json:"payload"`
	Header  struct {
		Kid string `json:"kid"`
	} `json:"header"`
	Token string `json:"token"`
}

func (n *nodeProgram) vcjwt(t *testing.T, request map[string]any) vcAnswer {
	t.Helper()
	var a vcAnswer
	if err := n.run(t, "vcjwt.mjs", request, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// TestMandateJavaScript: mandates as VC-JWT (ADD-IAC-ISS-14) are read, and
// refused when changed or shown too late, by the JavaScript library; those that
// it signs are read here.
func TestMandateJavaScript(t *testing.T) {
	node := newNode(t)
	for _, alg := range []keys.Algorithm{keys.EdDSA, keys.ES256} {
		t.Run(alg.SignatureType(), func(t *testing.T) {
			issuer := newSDParty(t, alg, sdIssuer+"#k1", keys.IssueAuthorization)
			holder := newSDParty(t, alg, sdAgent+"#k1", keys.AgentRequest)
			raw, err := delegation.Issue(issuer.signer, sdClaims(holder.signer.Public()))
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := delegation.ParseMandate(raw)
			if err != nil {
				t.Fatal(err)
			}
			request := map[string]any{
				"do": "verify", "token": string(raw), "key": jsontext.Value(issuer.signer.Public().JWK()), "audience": pspDID, "now": sdNow.Unix(),
			}
			a := node.vcjwt(t, request)
			if a.Error != "" || a.Header.Kid != issuer.signer.KeyID() || mustCanonical(t, a.Payload) != string(parsed.Payload()) {
				t.Fatalf("ours, read there: %s %+v", a.Error, a.Header)
			}
			for name, change := range map[string]map[string]any{
				"another key":      {"key": jsontext.Value(holder.signer.Public().JWK())},
				"another audience": {"audience": sdAgent},
				"too late":         {"now": sdNow.Unix() + 600},
				"a changed byte":   {"token": string(flip(raw))},
			} {
				changed := map[string]any{}
				for k, v := range request {
					changed[k] = v
				}
				for k, v := range change {
					changed[k] = v
				}
				if a := node.vcjwt(t, changed); a.Error == "" {
					t.Errorf("%s: the library accepts it", name)
				}
			}

			theirs := node.vcjwt(t, map[string]any{"do": "sign", "payload": jsontext.Value(parsed.Payload()), "key": issuer.private, "kid": issuer.signer.KeyID()})
			if theirs.Error != "" {
				t.Fatal(theirs.Error)
			}
			m, err := delegation.ParseMandate([]byte(theirs.Token))
			if err != nil {
				t.Fatalf("theirs, read here: %v", err)
			}
			if err := m.VerifySignature(issuer.signer.Public()); err != nil {
				t.Errorf("theirs, read here: %v", err)
			}
			if m.VerifySignature(holder.signer.Public()) == nil || m.Claims().ID != parsed.Claims().ID {
				t.Error("theirs, read here: another mandate, or anybody's")
			}
		})
	}
}

// flip changes one character of the payload.
func flip(token []byte) []byte {
	out := append([]byte(nil), token...)
	i := len(out) / 2
	if out[i] == 'A' {
		out[i] = 'B'
	} else {
		out[i] = 'A'
	}
	return out
}
