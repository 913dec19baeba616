package payment_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

func TestSubAccountAuthorization(t *testing.T) {
	for _, alg := range []keys.Algorithm{keys.EdDSA, keys.ES256} {
		t.Run("PSD-AGT-SUB-04 "+string(alg), func(t *testing.T) {
			s, a := signer(t, agentDID, keys.SubAccount, alg), goodAuthorization()
			token, err := payment.SignSubAccountAuthorization(s, a)
			if err != nil {
				t.Fatal(err)
			}
			u, err := payment.ParseSubAccountAuthorization(token)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(a, u.Authorization); diff != "" || u.KeyID() != agentDID+"#k1" {
				t.Error(u.KeyID(), diff)
			}
			if err := u.Verify(s.Public()); err != nil {
				t.Error(err)
			}
			if err := u.Verify(signer(t, agentDID, keys.SubAccount, alg).Public()); protocol.CodeOf(err) != protocol.CodeSignatureInvalid {
				t.Errorf("another key: %v", err)
			}
			for _, p := range []keys.Purpose{keys.AgentRequest, keys.Proof} {
				if _, err := payment.SignSubAccountAuthorization(signer(t, agentDID, p, alg), a); protocol.CodeOf(err) != protocol.CodeKeyPurpose {
					t.Errorf("a key for %s: %v", p, err)
				}
			}
			if _, err := payment.SignSubAccountAuthorization(signer(t, sellerDID, keys.SubAccount, alg), a); protocol.CodeOf(err) != protocol.CodeClaimsConflict {
				t.Errorf("another's key: %v", err)
			}
		})
	}
}

func TestSubAccountAuthorizationRules(t *testing.T) {
	inv, missing := protocol.CodeFieldInvalid, protocol.CodeFieldMissing
	for _, c := range []struct {
		name   string
		change func(*payment.SubAccountAuthorization)
		code   protocol.Code
		field  string
	}{
		{"no agent", func(a *payment.SubAccountAuthorization) { a.AgentID = "" }, missing, "iss"},
		{"no sub-account", func(a *payment.SubAccountAuthorization) { a.SubAccountID = "" }, missing, "sub"},
		{"no provider", func(a *payment.SubAccountAuthorization) { a.PSPID = "" }, missing, "aud"},
		{"a provider that is no DID", func(a *payment.SubAccountAuthorization) { a.PSPID = "*" }, inv, "aud"},
		{"no id", func(a *payment.SubAccountAuthorization) { a.ID = "" }, missing, "jti"},
		{"no request", func(a *payment.SubAccountAuthorization) { a.RequestDigest = "" }, missing, "request_digest"},
		{"a request by another hash", func(a *payment.SubAccountAuthorization) {
			a.RequestDigest = canon.Digest(strings.Replace(string(a.RequestDigest), "sha-256", "sm3", 1))
		}, inv, "request_digest"},
		{"never made", func(a *payment.SubAccountAuthorization) { a.IssuedAt = time.Time{} }, missing, "iat"},
		{"without an end", func(a *payment.SubAccountAuthorization) { a.Expires = time.Time{} }, missing, "exp"},
		{"over before it begins", func(a *payment.SubAccountAuthorization) { a.Expires = a.IssuedAt }, inv, "exp"},
		{"good for more than five minutes", func(a *payment.SubAccountAuthorization) { a.Expires = a.Expires.Add(time.Second) }, inv, "exp"},
		{"good for ever", func(a *payment.SubAccountAuthorization) { a.Expires = time.Unix(253402300799, 0) }, inv, "exp"},
	} {
		t.Run("PSD-AGT-SUB-04 "+c.name, func(t *testing.T) {
			a := goodAuthorization()
			c.change(&a)
			s := subKey(t)
			token, err := payment.SignSubAccountAuthorization(s, a)
			if token != "" {
				t.Error("a token with an error")
			}
			wantError(t, err, c.code, c.field)
			if e := protocol.AsError(err); e.Requirement != "PSD-AGT-SUB-04" && e.Requirement != "IDN-02" {
				t.Errorf("requirement %q", e.Requirement)
			}
		})
	}
}

// TestSubAccountTokenForms: tokens of the right key that are no authorization.
func TestSubAccountTokenForms(t *testing.T) {
	s := subKey(t)
	good, err := payment.SignSubAccountAuthorization(s, goodAuthorization())
	if err != nil {
		t.Fatal(err)
	}
	payload := string(decode(t, strings.Split(good, ".")[1]))
	sign := func(by *keys.Signer, purpose keys.Purpose, typ, payload string) string {
		t.Helper()
		token, err := keys.SignCompact(by, purpose, typ, []byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		return string(token)
	}
	edit := func(old, new string) string {
		if strings.Count(payload, old) != 1 {
			t.Fatalf("%q is not there once", old)
		}
		return sign(s, keys.SubAccount, keys.TypeSubAccountAuth, strings.Replace(payload, old, new, 1))
	}
	for _, c := range []struct {
		name, token string
		code        protocol.Code
		field       string
	}{
		{"another kind of token", sign(s, keys.SubAccount, keys.TypePossession, payload), protocol.CodeTypeMismatch, "header.typ"},
		{"a key of somebody else", sign(signer(t, sellerDID, keys.SubAccount, keys.EdDSA), keys.SubAccount, keys.TypeSubAccountAuth, payload), protocol.CodeClaimsConflict, "header.kid"},
		{"two recipients", edit(`"aud":"`+pspDID+`"`, `"aud":["`+pspDID+`"]`), protocol.CodeFieldInvalid, "aud"},
		{"a claim more", edit(`"jti":`, `"cnf":{},"jti":`), protocol.CodeFieldUnknown, "cnf"},
		{"a time in text", edit(`"iat":`, `"iat":"","x":`), protocol.CodeFieldInvalid, "iat"},
		{"a time with a fraction", edit(`"exp":`, `"exp":1.5,"x":`), protocol.CodeFieldInvalid, "exp"},
		{"two parts", good[:strings.LastIndexByte(good, '.')], protocol.CodeMalformed, ""},
		{"not a token", "e30", protocol.CodeMalformed, ""},
		{"nothing", "", protocol.CodeMalformed, ""},
	} {
		t.Run("PSD-AGT-SUB-04 "+c.name, func(t *testing.T) {
			u, err := payment.ParseSubAccountAuthorization(c.token)
			if u != nil {
				t.Fatal("read")
			}
			wantError(t, err, c.code, c.field)
		})
	}
	t.Run("PSD-AGT-SUB-04 an empty signature", func(t *testing.T) {
		u, err := payment.ParseSubAccountAuthorization(good[:strings.LastIndexByte(good, '.')+1])
		if err != nil {
			t.Fatal(err)
		}
		wantError(t, u.Verify(s.Public()), protocol.CodeSignatureInvalid, "signature")
	})
}

// TestRequestDigest: an authorization is for one transmission of one request by
// one key, and the mandate's presentation is left out of it.
func TestRequestDigest(t *testing.T) {
	agent := agentKey(t)
	q := goodFrom(t)
	digest := func(by *keys.Signer, q payment.Request) canon.Digest {
		t.Helper()
		d, err := payment.RequestDigest(by, q)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	want := digest(agent, q)
	data, err := payment.SignRequestFrom(agent, subKey(t), q)
	if err != nil {
		t.Fatal(err)
	}
	u, err := payment.ParseRequest(data)
	if err != nil {
		t.Fatal(err)
	}
	if u.AuthorizedDigest() != want {
		t.Fatal("PSD-AGT-SUB-04 the digest is not the message's")
	}
	// By the words of SPEC.md 6.7, with another JSON library.
	content := object(t, data)
	for _, m := range []string{"iac", "subaccount_authorization", "signature"} {
		delete(content, m)
	}
	canonical, err := canon.Canonicalize(marshal(t, content))
	if err != nil {
		t.Fatal(err)
	}
	if canon.Sum(canonical) != want {
		t.Error("PSD-AGT-SUB-04 not the digest of JCS of the message without three members")
	}
	same := q
	same.IAC, same.SubAccountAuthorization = "e30.e30.AB", "e30.e30.AB"
	if digest(agent, same) != want {
		t.Error("mandate or authorization count: they would have to know themselves")
	}
	if digest(signer(t, agentDID, keys.AgentRequest, keys.ES256), q) == want {
		t.Error("the same for a key of another kind")
	}
	for name, change := range map[string]func(*payment.Request){
		"scenario":    func(q *payment.Request) { q.Scenario = payment.ScenarioDEL },
		"request":     func(q *payment.Request) { q.RequestID = "req-2" },
		"nonce":       func(q *payment.Request) { q.Nonce = canon.Nonce() },
		"time":        func(q *payment.Request) { q.Timestamp = now.Add(time.Second) },
		"provider":    func(q *payment.Request) { q.PSPID = "did:act:pay.example/other" },
		"payee":       func(q *payment.Request) { q.MerchantID = agentDID },
		"mandate":     func(q *payment.Request) { q.DelegationID = "d-2" },
		"number":      func(q *payment.Request) { q.MerchantOrderID = "o-2" },
		"amount":      func(q *payment.Request) { q.Amount = cny(t, "18.01") },
		"currency":    func(q *payment.Request) { q.Amount = amount(t, "18.00", "USD") },
		"method":      func(q *payment.Request) { q.PaymentMethod = "urn:act:payment:card" },
		"sub-account": func(q *payment.Request) { q.SubAccountID = "sub-2" },
		"order":       func(q *payment.Request) { q.Order = "e30.e30.AB" },
		"goods":       func(q *payment.Request) { q.Order, q.Bill = "", "e30" },
	} {
		other := q
		change(&other)
		if digest(agent, other) == want {
			t.Errorf("PSD-AGT-SUB-04 another %s is authorized too", name)
		}
	}
}

func TestSignRequestFrom(t *testing.T) {
	agent, sub := agentKey(t), subKey(t)
	sign := func(q payment.Request, by *keys.Signer) *payment.UnverifiedRequest {
		t.Helper()
		data, err := payment.SignRequestFrom(agent, by, q)
		if err != nil {
			t.Fatal(err)
		}
		u, err := payment.ParseRequest(data)
		if err != nil || u.Verify(agent.Public()) != nil {
			t.Fatal(err)
		}
		return u
	}
	first := sign(goodFrom(t), sub)
	a, err := payment.ParseSubAccountAuthorization(first.Request.SubAccountAuthorization)
	if err != nil || a.Verify(sub.Public()) != nil {
		t.Fatal(err)
	}
	c := a.Authorization
	if c.AgentID != agentDID || c.SubAccountID != "sub-1" || c.PSPID != pspDID || !c.IssuedAt.Equal(now) || c.RequestDigest != first.AuthorizedDigest() {
		t.Errorf("PSD-AGT-SUB-04: %+v", c)
	}
	again := sign(goodFrom(t), sub) // another nonce, another authorization
	if again.Request.SubAccountAuthorization == first.Request.SubAccountAuthorization || again.ContentDigest() != first.ContentDigest() {
		t.Error("PSD-PAY-DEL-04 a repetition is other content")
	}
	other := goodFrom(t)
	other.SubAccountID = "sub-2"
	if sign(other, sub).ContentDigest() == first.ContentDigest() {
		t.Error("PSD-PAY-DEL-04 another sub-account is the same content")
	}
	if u := sign(goodRequest(t), nil); u.Request.SubAccountID != "" || u.Request.PaymentToken != "pt-1" {
		t.Error("without a sub-account")
	}
	for _, r := range []struct {
		name string
		by   *keys.Signer
		q    payment.Request
		code protocol.Code
	}{
		{"no key", nil, goodFrom(t), protocol.CodeFieldMissing},
		{"no sub-account", sub, goodRequest(t), protocol.CodeFieldMissing},
		{"an instant payment", sub, goodInstant(t), protocol.CodeFieldInvalid},
		{"the agent's own key", agent, goodFrom(t), protocol.CodeKeyPurpose},
		{"another's key", signer(t, sellerDID, keys.SubAccount, keys.EdDSA), goodFrom(t), protocol.CodeClaimsConflict},
		{"a key for something else", signer(t, agentDID, keys.AgentRequest, keys.EdDSA), goodFrom(t), protocol.CodeKeyPurpose},
	} {
		t.Run("PSD-AGT-SUB-04 "+r.name, func(t *testing.T) {
			data, err := payment.SignRequestFrom(agent, r.by, r.q)
			if protocol.CodeOf(err) != r.code || data != nil {
				t.Errorf("%v, want %s", err, r.code)
			}
		})
	}
}
