package identity_test

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

const (
	issuerID = "did:act:provider.example/agents"
	agentID  = "did:act:provider.example/a-7"
	pspID    = "did:act:psp.example/pay"
)

var morning = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func testSigner(t testing.TB, keyID string, purpose keys.Purpose) *keys.Signer {
	t.Helper()
	private, err := keys.Generate(keys.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	s, err := keys.NewSigner(keyID, purpose, private)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func testCredential(holder *keys.Signer) identity.Credential {
	return identity.Credential{
		ID: "cred-1", Issuer: issuerID, Agent: agentID, Provider: issuerID, Type: identity.Dedicated, Principal: "ps_1",
		Capabilities: []string{"act:pay"}, IssuedAt: morning, NotBefore: morning, Expires: morning.Add(time.Hour),
		Holder: holder.Public(), Status: &identity.StatusReference{Index: 0, URI: "https://provider.example/status/1"},
	}
}

func resign(t testing.TB, s *keys.Signer, typ, payload string) []byte {
	t.Helper()
	enc := base64.RawURLEncoding
	input := enc.EncodeToString([]byte(`{"alg":"EdDSA","kid":"`+s.KeyID()+`","typ":"`+typ+`"}`)) + "." + enc.EncodeToString([]byte(payload))
	sig, err := s.Sign(s.Purpose(), []byte(input))
	if err != nil {
		t.Fatal(err)
	}
	return []byte(input + "." + enc.EncodeToString(sig))
}

func wantCode(t *testing.T, err error, want protocol.Code, field string) {
	t.Helper()
	if protocol.CodeOf(err) != want {
		t.Errorf("got %v, want %s", err, want)
		return
	}
	if e := protocol.AsError(err); want != "" && (e.Field != field || e.Requirement == "") {
		t.Errorf("field %q, requirement %q, want field %q", e.Field, e.Requirement, field)
	}
}

func TestCredentialRoundTrip(t *testing.T) {
	issuer, agent := testSigner(t, issuerID+"#id", keys.IssueIdentity), testSigner(t, agentID+"#k", keys.AgentRequest)
	for name, change := range map[string]func(*identity.Credential){
		"IDN-03 dedicated": func(*identity.Credential) {},
		"IDN-03 platform":  func(c *identity.Credential) { c.Type, c.Principal = identity.Platform, "" },
		"no capabilities":  func(c *identity.Credential) { c.Capabilities = nil },
		"short, no status": func(c *identity.Credential) { c.Status, c.Expires = nil, morning.Add(15*time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			want := testCredential(agent)
			change(&want)
			raw, err := identity.IssueCredential(issuer, want)
			if err != nil {
				t.Fatal(err)
			}
			u, err := identity.ParseCredential(raw)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, u.Credential(), cmp.Comparer(keys.PublicKey.Equal)); diff != "" {
				t.Error(diff)
			}
			if u.KeyID() != issuer.KeyID() || u.Verify(issuer.Public()) != nil {
				t.Error("does not verify")
			}
			wantCode(t, u.Verify(agent.Public()), protocol.CodeKeyPurpose, "cnf.jwk")
			if u.PayloadDigest() != canon.Sum(u.Payload()) {
				t.Error("digest")
			}
			answer, err := identity.AnswerChallenge(agent, raw, pspID, canon.Nonce(), morning)
			if err != nil {
				t.Fatal(err)
			}
			p, err := identity.ParsePossession(answer)
			if err != nil || p.Verify(agent.Public()) != nil || p.Possession.Credential != u.PayloadDigest() || p.KeyID() != agent.KeyID() {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
}

func TestIssueCredentialRefuses(t *testing.T) {
	issuer, agent := testSigner(t, issuerID+"#id", keys.IssueIdentity), testSigner(t, agentID+"#k", keys.AgentRequest)
	good := testCredential(agent)
	_, err := identity.IssueCredential(nil, good)
	wantCode(t, err, protocol.CodeFieldMissing, "signer")
	_, err = identity.IssueCredential(testSigner(t, issuerID+"#m", keys.IssueAuthorization), good)
	wantCode(t, err, protocol.CodeKeyPurpose, "")
	_, err = identity.IssueCredential(testSigner(t, pspID+"#id", keys.IssueIdentity), good)
	wantCode(t, err, protocol.CodeClaimsConflict, "iss")
	own := good
	own.Holder = issuer.Public()
	_, err = identity.IssueCredential(issuer, own)
	wantCode(t, err, protocol.CodeKeyPurpose, "cnf.jwk")

	// Issued now for a window of 15 minutes next month it could not be revoked
	// until then; issued late, inside its window, it lives no longer for that.
	later := good
	later.Status, later.NotBefore = nil, morning.AddDate(0, 1, 0)
	later.Expires = later.NotBefore.Add(15 * time.Minute)
	_, err = identity.IssueCredential(issuer, later)
	wantCode(t, err, protocol.CodeStatusUnavailable, "status")
	later.NotBefore, later.Expires = morning.Add(-time.Minute), morning.Add(15*time.Minute)
	_, err = identity.IssueCredential(issuer, later)
	wantCode(t, err, protocol.CodeStatusUnavailable, "status")
	later.NotBefore = morning
	if _, err = identity.IssueCredential(issuer, later); err != nil {
		t.Errorf("IDN-01 15 minutes without a status: %v", err)
	}

	raw, err := identity.IssueCredential(issuer, good)
	if err != nil {
		t.Fatal(err)
	}
	_, err = identity.AnswerChallenge(testSigner(t, agentID+"#k", keys.AgentRequest), raw, pspID, canon.Nonce(), morning)
	wantCode(t, err, protocol.CodeAgentMismatch, "credential")
	_, err = identity.AnswerChallenge(agent, raw, pspID, "short", morning)
	wantCode(t, err, protocol.CodeFieldInvalid, "nonce")
	_, err = identity.AnswerChallenge(agent, raw, "shop", canon.Nonce(), morning)
	wantCode(t, err, protocol.CodeFieldInvalid, "aud")
}

// Every rule of SPEC.md 9.1, broken by the issuer itself with a good
// signature.
func TestParseCredentialRefuses(t *testing.T) {
	issuer, agent := testSigner(t, issuerID+"#id", keys.IssueIdentity), testSigner(t, agentID+"#k", keys.AgentRequest)
	raw, err := identity.IssueCredential(issuer, testCredential(agent))
	if err != nil {
		t.Fatal(err)
	}
	u, err := identity.ParseCredential(raw)
	if err != nil {
		t.Fatal(err)
	}
	payload := string(u.Payload())
	const subject = "vc.credentialSubject."
	many := `["` + strings.Join(slices.Collect(func(yield func(string) bool) {
		for i := range 65 {
			if !yield("c" + strconv.Itoa(i)) {
				return
			}
		}
	}), `","`) + `"]`
	for _, c := range []struct {
		name, old, new string
		want           protocol.Code
		field          string
	}{
		{"no agent", `"sub":"` + agentID + `"`, `"sub":""`, protocol.CodeFieldMissing, "sub"},
		{"no agent inside", `"agent_id":"` + agentID + `",`, ``, protocol.CodeFieldMissing, subject + "agent_id"},
		{"IDN-01 twins", `"agent_id":"` + agentID, `"agent_id":"did:act:provider.example/a-8`, protocol.CodeClaimsConflict, "sub"},
		{"no provider", `"provider":"` + issuerID + `"`, `"provider":""`, protocol.CodeFieldMissing, subject + "provider"},
		{"a provider that is no DID", `"provider":"` + issuerID, `"provider":"provider`, protocol.CodeFieldInvalid, subject + "provider"},
		{"a third type", `"DEDICATED"`, `"BOTH"`, protocol.CodeFieldInvalid, subject + "agent_type"},
		{"IDN-03 dedicated without principal", `"principal":"ps_1",`, ``, protocol.CodeFieldMissing, subject + "principal"},
		{"IDN-03 a principal by its DID", `"ps_1"`, `"did:act:bank.example/ann"`, protocol.CodeFieldInvalid, subject + "principal"},
		{"IDN-03 platform with principal", `"DEDICATED"`, `"PLATFORM"`, protocol.CodeFieldInvalid, subject + "principal"},
		{"IDN-01 no key", `"jwk":{`, `"jwk":{"d":"x",`, protocol.CodeFieldInvalid, "cnf.jwk"},
		{"no id", `"jti":"cred-1"`, `"jti":""`, protocol.CodeFieldMissing, "jti"},
		{"a time as text", `"iat":1772355600`, `"iat":"1772355600"`, protocol.CodeFieldInvalid, "iat"},
		{"a time with a fraction", `"iat":1772355600`, `"iat":1772355600.5`, protocol.CodeFieldInvalid, "iat"},
		{"a time before 1970", `"iat":1772355600`, `"iat":-1`, protocol.CodeFieldInvalid, "iat"},
		{"a time after 9999", `"exp":1772359200`, `"exp":253402300800`, protocol.CodeFieldInvalid, "exp"},
		{"end before start", `"exp":1772359200`, `"exp":1772355600`, protocol.CodeFieldInvalid, "exp"},
		{"null", `"jti":"cred-1"`, `"jti":null`, protocol.CodeFieldInvalid, "jti"},
		{"an unknown claim", `"jti":`, `"aud":"` + pspID + `","jti":`, protocol.CodeFieldUnknown, "aud"},
		{"an unknown member", `"provider":`, `"limit":"all","provider":`, protocol.CodeFieldUnknown, subject + "limit"},
		{"no capabilities, written", `["act:pay"]`, `[]`, protocol.CodeFieldInvalid, subject + "capabilities"},
		{"a capability twice", `["act:pay"]`, `["act:pay","act:pay"]`, protocol.CodeFieldInvalid, subject + "capabilities"},
		{"a capability with a space", `["act:pay"]`, `["act pay"]`, protocol.CodeFieldInvalid, subject + "capabilities"},
		{"65 capabilities", `["act:pay"]`, many, protocol.CodeTooLarge, subject + "capabilities"},
		{"vc.type absent", `,"type":["VerifiableCredential","ACTAgentIdentity"]`, ``, protocol.CodeFieldMissing, "vc.type"},
		{"vc.type of a mandate", `"ACTAgentIdentity"`, `"ACTIntentAuthorization"`, protocol.CodeTypeMismatch, "vc.type"},
		{"vc.type with a third", `"ACTAgentIdentity"`, `"ACTAgentIdentity","ACTIntentAuthorization"`, protocol.CodeTypeMismatch, "vc.type"},
		{"a status that is not https", `"uri":"https:`, `"uri":"http:`, protocol.CodeFieldInvalid, "status.status_list"},
		{"a negative index", `"idx":0`, `"idx":-1`, protocol.CodeFieldInvalid, "status.status_list"},
		{"no index", `"idx":0,`, ``, protocol.CodeFieldMissing, "status.status_list.idx"},
		{"no status and a long life", `"status":{"status_list":{"idx":0,"uri":"https://provider.example/status/1"}},`, ``, protocol.CodeStatusUnavailable, "status"},
		{"ADD-IAC-ISS-12 did:key never issues", `"iss":"` + issuerID, `"iss":"did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK`, protocol.CodeKeyPurpose, "iss"},
		{"another issuer", `"iss":"` + issuerID, `"iss":"did:act:other.example/agents`, protocol.CodeClaimsConflict, "iss"},
		{"a member twice", `"jti":`, `"jti":"x","jti":`, protocol.CodeMalformed, "payload.jti"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.Count(payload, c.old) != 1 {
				t.Fatalf("%s is %d times in %s", c.old, strings.Count(payload, c.old), payload)
			}
			u, err := identity.ParseCredential(resign(t, issuer, keys.TypeIdentity, strings.Replace(payload, c.old, c.new, 1)))
			if u != nil {
				t.Error("a value together with an error")
			}
			if c.want == protocol.CodeMalformed { // refused before anybody knows what it is
				if protocol.CodeOf(err) != c.want {
					t.Error(err)
				}
				return
			}
			wantCode(t, err, c.want, c.field)
		})
	}
	for _, typ := range []string{keys.TypeMandate, keys.TypePrincipalBinding, keys.TypePossession, "JWT"} {
		_, err := identity.ParseCredential(resign(t, issuer, typ, payload))
		if protocol.CodeOf(err) != protocol.CodeTypeMismatch {
			t.Errorf("%s: %v", typ, err)
		}
	}
}

func TestParseBindingRefuses(t *testing.T) {
	issuer, agent := testSigner(t, issuerID+"#id", keys.IssueIdentity), testSigner(t, agentID+"#k", keys.AgentRequest)
	good := identity.Binding{ID: "b1", Issuer: issuerID, Agent: agentID, Principal: "did:act:bank.example/ann", Audience: pspID,
		IssuedAt: morning, Expires: morning.Add(15 * time.Minute), Thumbprint: agent.Public().Thumbprint()}
	raw, err := identity.IssueBinding(issuer, good)
	if err != nil {
		t.Fatal(err)
	}
	u, err := identity.ParseBinding(raw)
	if err != nil || u.Verify(issuer.Public()) != nil || u.KeyID() != issuer.KeyID() {
		t.Fatal(err)
	}
	if diff := cmp.Diff(good, u.Binding); diff != "" {
		t.Error(diff)
	}
	wantCode(t, u.Verify(agent.Public()), protocol.CodeKeyPurpose, "cnf.jkt")
	payload := string(u.Payload())
	for _, c := range []struct {
		name, old, new string
		want           protocol.Code
		field          string
	}{
		{"IDN-03 no principal", `"principal":"did:act:bank.example/ann",`, ``, protocol.CodeFieldMissing, "principal"},
		{"IDN-03 two audiences", `"aud":"` + pspID + `"`, `"aud":["` + pspID + `"]`, protocol.CodeFieldInvalid, "aud"},
		{"IDN-03 too long a life", `"exp":1772356500`, `"exp":1772356501`, protocol.CodeFieldInvalid, "exp"},
		{"IDN-03 no life", `"exp":1772356500`, `"exp":1772355600`, protocol.CodeFieldInvalid, "exp"},
		{"IDN-03 a short thumbprint", `"jkt":"`, `"jkt":"AA","x":"`, protocol.CodeFieldUnknown, "cnf.x"},
		{"IDN-03 no thumbprint", agent.Public().Thumbprint(), "AA", protocol.CodeFieldInvalid, "cnf.jkt"},
		{"IDN-03 another issuer", `"iss":"` + issuerID, `"iss":"did:act:other.example/agents`, protocol.CodeClaimsConflict, "iss"},
		{"IDN-03 an unknown claim", `"jti":`, `"nbf":1,"jti":`, protocol.CodeFieldUnknown, "nbf"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.Count(payload, c.old) != 1 {
				t.Fatalf("%s in %s", c.old, payload)
			}
			_, err := identity.ParseBinding(resign(t, issuer, keys.TypePrincipalBinding, strings.Replace(payload, c.old, c.new, 1)))
			wantCode(t, err, c.want, c.field)
		})
	}
	for name, change := range map[string]func(*identity.Binding){
		"aud": func(b *identity.Binding) { b.Audience = "" }, "exp": func(b *identity.Binding) { b.Expires = morning.Add(time.Hour) },
		"principal": func(b *identity.Binding) { b.Principal = "two words" },
	} {
		b := good
		change(&b)
		if _, err := identity.IssueBinding(issuer, b); err == nil || protocol.AsError(err).Field != name {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzParseIdentity: the three token kinds; no input is two of them.
func FuzzParseIdentity(f *testing.F) {
	issuer, agent := testSigner(f, issuerID+"#id", keys.IssueIdentity), testSigner(f, agentID+"#k", keys.AgentRequest)
	f.Add([]byte("a.b.c"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		read := 0
		if u, err := identity.ParseCredential(raw); err == nil {
			read++
			c := u.Credential()
			if c.Agent == "" || c.Provider == "" || c.Holder.IsZero() || !c.NotBefore.Before(c.Expires) || (c.Type == identity.Dedicated) != (c.Principal != "") {
				t.Fatalf("%+v", c)
			}
			if u.Verify(issuer.Public()) == nil {
				t.Fatal("forged")
			}
		} else if !protocol.CodeOf(err).Known() || u != nil {
			t.Fatal(err)
		}
		if u, err := identity.ParseBinding(raw); err == nil {
			read++
			if b := u.Binding; b.Principal == "" || b.Audience == "" || b.Expires.Sub(b.IssuedAt) > identity.MaxBindingLife {
				t.Fatalf("%+v", b)
			}
		} else if !protocol.CodeOf(err).Known() || u != nil {
			t.Fatal(err)
		}
		if u, err := identity.ParsePossession(raw); err == nil {
			read++
			if u.Verify(agent.Public()) == nil {
				t.Fatal("forged")
			}
		} else if !protocol.CodeOf(err).Known() || u != nil {
			t.Fatal(err)
		}
		if read > 1 {
			t.Fatal("one token of two kinds")
		}
	})
}
