package verifier_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

const (
	operatorDID  = "did:act:agents.example/provider"
	registrarDID = "did:act:registrar.example/agents" // a third party that the provider has its agents certified by
	roguesDID    = "did:act:rogue.example/agents"
	pseudonym    = "ps_3fZ0q1"
)

// idWorld is a world with who issues identities.
func idWorld(t testing.TB, alg keys.Algorithm) *world {
	w := newWorld(t, alg)
	w.key(operatorDID, "id", keys.IssueIdentity)
	w.key(registrarDID, "id", keys.IssueIdentity)
	w.key(registrarDID, "mandates", keys.IssueAuthorization)
	w.key(roguesDID, "id", keys.IssueIdentity)
	w.v = w.verifier(func(c *verifier.Config) {
		c.Identities = verifier.IssuerMap{registrarDID: {operatorDID}, operatorDID: {operatorDID}}
	})
	return w
}

func (w *world) credential() identity.Credential {
	return identity.Credential{
		ID: "cred-1", Issuer: registrarDID, Agent: agentDID, Provider: operatorDID, Type: identity.Platform,
		Capabilities: []string{"act:pay", "act:cart"}, IssuedAt: epoch, NotBefore: epoch, Expires: epoch.Add(24 * time.Hour),
		Holder: w.signers[agentDID+"#k1"].Public(), Status: &identity.StatusReference{Index: 5, URI: "https://registrar.example/status/1"},
	}
}

func (w *world) identify(change func(*identity.Credential)) []byte {
	w.t.Helper()
	c := w.credential()
	change(&c)
	raw, err := identity.IssueCredential(w.signers[c.Issuer+"#id"], c)
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

func unchanged(*identity.Credential) {}

func (w *world) answer(s *keys.Signer, credential []byte, audience, challenge string) []byte {
	w.t.Helper()
	raw, err := identity.AnswerChallenge(s, credential, audience, challenge, w.clock())
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

// show lets the agent answer a fresh challenge of the shop's.
func (w *world) show(credential []byte, agent string) (*verifier.AgentIdentity, error) {
	w.t.Helper()
	challenge := verifier.NewChallenge()
	return w.v.AgentIdentity(context.Background(), credential, verifier.IdentityExpectation{
		Agent:      agent,
		Possession: verifier.ByChallenge(w.answer(w.signers[agentDID+"#k1"], credential, shopDID, challenge), shopDID, challenge),
	})
}

func TestAgentIdentity(t *testing.T) {
	algorithms(t, func(t *testing.T, alg keys.Algorithm) {
		t.Run("IDN-01 a credential and the proof that its key is held", func(t *testing.T) {
			w := idWorld(t, alg)
			id, err := w.show(w.identify(unchanged), agentDID)
			if err != nil {
				t.Fatal(err)
			}
			if id.Agent() != agentDID || id.Provider() != operatorDID || id.Type() != identity.Platform || id.Principal() != "" ||
				!id.Key().Equal(w.signers[agentDID+"#k1"].Public()) || !id.Decision().Allowed() || w.asked != 1 {
				t.Errorf("%+v", id.Credential())
			}
			id.Credential().Capabilities[0] = "changed"
			if !slices.Equal(id.Credential().Capabilities, []string{"act:pay", "act:cart"}) {
				t.Error("a caller changed a verified value")
			}
		})
		t.Run("IDN-03 a dedicated agent's principal is a pseudonym", func(t *testing.T) {
			w := idWorld(t, alg)
			id, err := w.show(w.identify(func(c *identity.Credential) { c.Type, c.Principal = identity.Dedicated, pseudonym }), agentDID)
			if err != nil {
				t.Fatal(err)
			}
			if id.Type() != identity.Dedicated || id.Principal() != pseudonym {
				t.Error(id.Type(), id.Principal())
			}
		})
	})
	var zero verifier.AgentIdentity
	if zero.Agent() != "" || zero.Decision().Allowed() || !zero.Key().IsZero() {
		t.Error("the zero value names somebody")
	}
}

func TestIdentityExpectation(t *testing.T) {
	w := idWorld(t, keys.EdDSA)
	raw := w.identify(unchanged)
	challenge := verifier.NewChallenge()
	answer := w.answer(w.signers[agentDID+"#k1"], raw, shopDID, challenge)
	for name, expect := range map[string]verifier.IdentityExpectation{
		"no agent":                      {Possession: verifier.ByChallenge(answer, shopDID, challenge)},
		"IDN-01 no proof of possession": {Agent: agentDID},
		"no answer":                     {Agent: agentDID, Possession: verifier.ByChallenge(nil, shopDID, challenge)},
		"no audience":                   {Agent: agentDID, Possession: verifier.ByChallenge(answer, "", challenge)},
		"no challenge":                  {Agent: agentDID, Possession: verifier.ByChallenge(answer, shopDID, "")},
		"no signature":                  {Agent: agentDID, Possession: verifier.ByHTTPSignature(nil)},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.v.AgentIdentity(context.Background(), raw, expect)
			wantCode(t, err, protocol.CodeFieldMissing)
		})
	}
	_, err := w.v.AgentIdentity(context.Background(), raw, verifier.IdentityExpectation{
		Agent: agentDID, Possession: verifier.ByChallenge(answer, shopDID, challenge), Capabilities: []string{"act:pay", "act:refund"},
	})
	wantCode(t, err, protocol.CodePolicyRefused)
}

// Each attack is made for real and refused by its own code.
func TestIdentityRefused(t *testing.T) {
	plain := func(change func(*identity.Credential)) func(*world) []byte {
		return func(w *world) []byte { return w.identify(change) }
	}
	// resigned is the payload of a good credential under another key or header.
	resigned := func(keyID, typ string) func(*world) []byte {
		return func(w *world) []byte {
			u, err := identity.ParseCredential(w.identify(unchanged))
			if err != nil {
				w.t.Fatal(err)
			}
			return w.token(w.signers[keyID], `{"alg":"`+string(w.alg)+`","kid":"`+keyID+`","typ":"`+typ+`"}`, string(u.Payload()))
		}
	}
	for _, c := range []struct {
		name  string
		want  protocol.Code
		token func(*world) []byte
		later time.Duration
		set   func(*world)
	}{
		{name: "IDN-01 an issuer that nobody trusts", want: protocol.CodeIssuerUntrusted, token: plain(func(c *identity.Credential) { c.Issuer = roguesDID })},
		{name: "IDN-01 an issuer that is not trusted for this provider", want: protocol.CodeIssuerUntrusted, token: plain(func(c *identity.Credential) { c.Provider = roguesDID })},
		{name: "IDN-01 another agent's credential", want: protocol.CodeAgentMismatch, token: plain(func(c *identity.Credential) { c.Agent = agent2DID })},
		{name: "IDN-01 another agent's key", want: protocol.CodeSignatureInvalid, token: func(w *world) []byte {
			return w.identify(func(c *identity.Credential) { c.Holder = w.signers[agent2DID+"#k1"].Public() })
		}},
		{name: "ADD-IAC-ISS-12 a key for mandates", want: protocol.CodeKeyPurpose, token: resigned(registrarDID+"#mandates", keys.TypeIdentity)},
		{name: "a key of another issuer", want: protocol.CodeClaimsConflict, token: resigned(roguesDID+"#id", keys.TypeIdentity)},
		{name: "typ of a mandate", want: protocol.CodeTypeMismatch, token: resigned(registrarDID+"#id", keys.TypeMandate)},
		{name: "typ of a binding", want: protocol.CodeTypeMismatch, token: resigned(registrarDID+"#id", keys.TypePrincipalBinding)},
		{name: "a mandate in place of a credential", want: protocol.CodeTypeMismatch, token: (*world).mandate},
		{name: "a mandate's payload under the typ of a credential", want: protocol.CodeFieldUnknown, token: func(w *world) []byte {
			return w.token(w.signers[registrarDID+"#id"], `{"alg":"`+string(w.alg)+`","kid":"`+registrarDID+`#id","typ":"act-identity+jwt"}`, w.payload())
		}},
		{name: "signed by another key under the same id", want: protocol.CodeSignatureInvalid, token: func(w *world) []byte {
			c := w.credential()
			raw, err := identity.IssueCredential(w.signer(registrarDID+"#id", keys.IssueIdentity), c)
			if err != nil {
				w.t.Fatal(err)
			}
			return raw
		}},
		{name: "issued in the future", want: protocol.CodeKeyNotValid, token: plain(func(c *identity.Credential) { c.IssuedAt = epoch.Add(61 * time.Second) })},
		{name: "before its window", want: protocol.CodeKeyNotValid, token: plain(func(c *identity.Credential) { c.NotBefore = epoch.Add(time.Second) })},
		{name: "at its end", want: protocol.CodeKeyNotValid, token: plain(unchanged), later: 24 * time.Hour},
		{name: "revoked", want: protocol.CodeKeyNotValid, token: plain(unchanged), set: func(w *world) { w.status = delegation.StatusRevoked }},
		{name: "suspended", want: protocol.CodeKeyNotValid, token: plain(unchanged), set: func(w *world) { w.status = delegation.StatusSuspended }},
		{name: "a state without meaning", want: protocol.CodeStatusUnavailable, token: plain(unchanged), set: func(w *world) { w.status = 3 }},
		{name: "no answer about the state", want: protocol.CodeStatusUnavailable, token: plain(unchanged), set: func(w *world) { w.broken = errors.New("down") }},
		{name: "IDN-02 the issuer's key is compromised", want: protocol.CodeKeyNotValid, token: plain(unchanged), set: func(w *world) {
			w.edit(registrarDID+"#id", func(k *identity.Key) { k.Compromised = true })
		}},
		{name: "IDN-02 the issuer's key had been retired", want: protocol.CodeKeyNotValid, token: plain(unchanged), set: func(w *world) {
			w.edit(registrarDID+"#id", func(k *identity.Key) { k.NotAfter = epoch })
		}},
		{name: "IDN-02 no document of the issuer", want: protocol.CodeKeyUnavailable, token: plain(unchanged), set: func(w *world) {
			delete(w.docs, parseDID(w.t, registrarDID))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			algorithms(t, func(t *testing.T, alg keys.Algorithm) {
				w := idWorld(t, alg)
				raw := c.token(w)
				if c.set != nil {
					c.set(w)
				}
				w.pass(c.later)
				challenge := verifier.NewChallenge()
				// The attacker holds the key that a good credential is for, and
				// answers for that; only what is shown is wrong.
				answer := w.answer(w.signers[agentDID+"#k1"], w.identify(unchanged), shopDID, challenge)
				if u, err := identity.ParseCredential(raw); err == nil && u.Credential().Holder.Equal(w.signers[agentDID+"#k1"].Public()) && u.Credential().Agent == agentDID {
					answer = w.answer(w.signers[agentDID+"#k1"], raw, shopDID, challenge)
				}
				expect := verifier.IdentityExpectation{Agent: agentDID, Possession: verifier.ByChallenge(answer, shopDID, challenge)}
				id, err := w.v.AgentIdentity(context.Background(), raw, expect)
				wantCode(t, err, c.want)
				if id != nil {
					t.Error("a value together with an error")
				}
				noLeak(t, err)
				if c.want.Outcome() == protocol.Denied && c.set == nil && w.asked != 0 {
					t.Error("the state was asked for although the credential is refused anyway")
				}
			})
		})
	}
}

// Attacks on the proof that the key is held, with a good credential that
// everybody has seen.
func TestPossessionRefused(t *testing.T) {
	algorithms(t, func(t *testing.T, alg keys.Algorithm) {
		w := idWorld(t, alg)
		raw := w.identify(unchanged)
		agent := w.signers[agentDID+"#k1"]
		ctx := context.Background()
		show := func(answer []byte, audience, challenge string) error {
			_, err := w.v.AgentIdentity(ctx, raw, verifier.IdentityExpectation{Agent: agentDID, Possession: verifier.ByChallenge(answer, audience, challenge)})
			return err
		}
		t.Run("IDN-01 an answer is good once", func(t *testing.T) {
			challenge := verifier.NewChallenge()
			answer := w.answer(agent, raw, shopDID, challenge)
			if err := show(answer, shopDID, challenge); err != nil {
				t.Fatal(err)
			}
			wantCode(t, show(answer, shopDID, challenge), protocol.CodeReplayed)
			wantCode(t, show(w.answer(agent, raw, shopDID, challenge), shopDID, challenge), protocol.CodeReplayed)
		})
		t.Run("a challenge chosen by the presenter", func(t *testing.T) {
			wantCode(t, show(w.answer(agent, raw, shopDID, canon.Nonce()), shopDID, verifier.NewChallenge()), protocol.CodeReplayed)
		})
		t.Run("an answer that was given to another verifier", func(t *testing.T) {
			challenge := verifier.NewChallenge()
			wantCode(t, show(w.answer(agent, raw, shop2DID, challenge), shopDID, challenge), protocol.CodeAudienceMismatch)
		})
		t.Run("by another key of the same agent", func(t *testing.T) {
			challenge := verifier.NewChallenge()
			u, err := identity.ParsePossession(w.answer(agent, raw, shopDID, challenge))
			if err != nil {
				t.Fatal(err)
			}
			k2 := w.signers[agentDID+"#k2"]
			forged := w.token(k2, `{"alg":"`+string(alg)+`","kid":"`+k2.KeyID()+`","typ":"act-possession+jwt"}`, string(u.Payload()))
			wantCode(t, show(forged, shopDID, challenge), protocol.CodeSignatureInvalid)
		})
		t.Run("for another credential of the same key", func(t *testing.T) {
			challenge := verifier.NewChallenge()
			other := w.identify(func(c *identity.Credential) { c.ID = "cred-2" })
			wantCode(t, show(w.answer(agent, other, shopDID, challenge), shopDID, challenge), protocol.CodeAgentMismatch)
		})
		t.Run("too old", func(t *testing.T) {
			challenge := verifier.NewChallenge()
			answer := w.answer(agent, raw, shopDID, challenge)
			w.pass(5*time.Minute + time.Second)
			wantCode(t, show(answer, shopDID, challenge), protocol.CodeRequestExpired)
		})
		t.Run("a challenge is not used up by what fails", func(t *testing.T) {
			challenge := verifier.NewChallenge()
			answer := w.answer(agent, raw, shopDID, challenge)
			w.broken = errors.New("down")
			wantCode(t, show(answer, shopDID, challenge), protocol.CodeStatusUnavailable)
			w.broken = nil
			if err := show(answer, shopDID, challenge); err != nil {
				t.Error(err)
			}
		})
		t.Run("type confusion: the credential as its own answer", func(t *testing.T) {
			wantCode(t, show(raw, shopDID, verifier.NewChallenge()), protocol.CodeTypeMismatch)
		})
	})
}

// A credential is no mandate, whatever its header says.
func TestCredentialIsNoMandate(t *testing.T) {
	w := idWorld(t, keys.EdDSA)
	_, err := w.v.Mandate(context.Background(), w.identify(unchanged), expectation)
	wantCode(t, err, protocol.CodeTypeMismatch)
	u, err := identity.ParseCredential(w.identify(unchanged))
	if err != nil {
		t.Fatal(err)
	}
	forged := w.token(w.signers[bankDID+"#issue"], w.header(bankDID+"#issue"), string(u.Payload()))
	if _, err = w.v.Mandate(context.Background(), forged, expectation); err == nil || errors.Is(err, protocol.ErrUndetermined) {
		t.Error(err)
	}
	noLeak(t, err)
}

func (w *world) binding(change func(*identity.Binding)) []byte {
	w.t.Helper()
	b := identity.Binding{
		ID: "bind-1", Issuer: operatorDID, Agent: agentDID, Principal: annDID, Audience: pspDID,
		IssuedAt: w.clock(), Expires: w.clock().Add(10 * time.Minute), Thumbprint: w.signers[agentDID+"#k1"].Public().Thumbprint(),
	}
	change(&b)
	raw, err := identity.IssueBinding(w.signers[b.Issuer+"#id"], b)
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

func TestPrincipalBinding(t *testing.T) {
	none := func(*identity.Binding) {}
	algorithms(t, func(t *testing.T, alg keys.Algorithm) {
		w := idWorld(t, alg)
		ctx := context.Background()
		id, err := w.show(w.identify(unchanged), agentDID)
		if err != nil {
			t.Fatal(err)
		}
		expect := verifier.BindingExpectation{Identity: id, Principal: annDID, Audience: pspDID}
		b, err := w.v.PrincipalBinding(ctx, w.binding(none), expect)
		if err != nil {
			t.Fatal(err)
		}
		if b.Binding().Principal != annDID || !b.Decision().Allowed() {
			t.Errorf("%+v", b.Binding())
		}
		if b, err = w.v.PrincipalBinding(ctx, w.binding(func(b *identity.Binding) { b.Issuer = registrarDID }), expect); err != nil || b == nil {
			t.Errorf("by the issuer of the credential: %v", err)
		}
		for _, c := range []struct {
			name   string
			want   protocol.Code
			change func(*identity.Binding)
		}{
			{"PSD-PAY-DEL-09 another principal's binding", protocol.CodePrincipalMismatch, func(b *identity.Binding) { b.Principal = bobDID }},
			{"IDN-03 another agent's binding", protocol.CodeAgentMismatch, func(b *identity.Binding) { b.Agent = agent2DID }},
			{"IDN-03 another key's binding", protocol.CodeAgentMismatch, func(b *identity.Binding) { b.Thumbprint = w.signers[agentDID+"#k2"].Public().Thumbprint() }},
			{"IDN-03 for another provider", protocol.CodeAudienceMismatch, func(b *identity.Binding) { b.Audience = shopDID }},
			{"IDN-03 by somebody else", protocol.CodeIssuerUntrusted, func(b *identity.Binding) { b.Issuer = roguesDID }},
			{"IDN-03 over", protocol.CodeRequestExpired, func(b *identity.Binding) {
				b.IssuedAt, b.Expires = epoch.Add(-10*time.Minute), epoch
			}},
			{"IDN-03 from the future", protocol.CodeRequestExpired, func(b *identity.Binding) { b.IssuedAt = epoch.Add(61 * time.Second) }},
		} {
			t.Run(c.name, func(t *testing.T) {
				b, err := w.v.PrincipalBinding(ctx, w.binding(c.change), expect)
				wantCode(t, err, c.want)
				if b != nil {
					t.Error("a value together with an error")
				}
				noLeak(t, err)
			})
		}
		t.Run("IDN-03 a dedicated agent is not lent to others", func(t *testing.T) {
			dedicated, err := w.show(w.identify(func(c *identity.Credential) { c.Type, c.Principal = identity.Dedicated, pseudonym }), agentDID)
			if err != nil {
				t.Fatal(err)
			}
			_, err = w.v.PrincipalBinding(ctx, w.binding(none), verifier.BindingExpectation{Identity: dedicated, Principal: annDID, Audience: pspDID})
			wantCode(t, err, protocol.CodePrincipalMismatch)
		})
		t.Run("type confusion", func(t *testing.T) {
			_, err := w.v.PrincipalBinding(ctx, w.identify(unchanged), expect)
			wantCode(t, err, protocol.CodeTypeMismatch)
			_, err = w.show(w.identify(unchanged), agentDID)
			if err != nil {
				t.Fatal(err)
			}
			challenge := verifier.NewChallenge()
			_, err = w.v.AgentIdentity(ctx, w.binding(none), verifier.IdentityExpectation{Agent: agentDID,
				Possession: verifier.ByChallenge(w.answer(w.signers[agentDID+"#k1"], w.identify(unchanged), shopDID, challenge), shopDID, challenge)})
			wantCode(t, err, protocol.CodeTypeMismatch)
		})
		for name, e := range map[string]verifier.BindingExpectation{
			"no identity":  {Principal: annDID, Audience: pspDID},
			"zero":         {Identity: new(verifier.AgentIdentity), Principal: annDID, Audience: pspDID},
			"no principal": {Identity: id, Audience: pspDID},
			"no audience":  {Identity: id, Principal: annDID},
		} {
			_, err := w.v.PrincipalBinding(ctx, w.binding(none), e)
			if protocol.CodeOf(err) != protocol.CodeFieldMissing {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// A shared platform agent pays for Ann; a binding for Bob does not carry her
// payment, nor the other way round.
func TestPaymentPrincipal(t *testing.T) {
	w := idWorld(t, keys.EdDSA)
	ctx := context.Background()
	paid, err := w.pay(w.signRequest(w.request()))
	if err != nil {
		t.Fatal(err)
	}
	id, err := w.show(w.identify(unchanged), agentDID)
	if err != nil {
		t.Fatal(err)
	}
	bind := func(principal string) *verifier.PrincipalBinding {
		b, err := w.v.PrincipalBinding(ctx, w.binding(func(b *identity.Binding) { b.Principal = principal }),
			verifier.BindingExpectation{Identity: id, Principal: principal, Audience: pspDID})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if err := paid.CheckPrincipal(bind(annDID)); err != nil {
		t.Errorf("PSD-PAY-DEL-09: %v", err)
	}
	wantCode(t, paid.CheckPrincipal(bind(bobDID)), protocol.CodePrincipalMismatch)
	wantCode(t, paid.CheckPrincipal(nil), protocol.CodeFieldMissing)
	wantCode(t, paid.CheckPrincipal(new(verifier.PrincipalBinding)), protocol.CodeFieldMissing)
	wantCode(t, new(verifier.AuthorizedPayment).CheckPrincipal(bind(annDID)), protocol.CodeFieldMissing)
}

// Without a policy nobody is trusted, and nothing is fetched.
func TestIdentityPolicyNil(t *testing.T) {
	w := idWorld(t, keys.EdDSA)
	w.v = w.verifier(func(*verifier.Config) {})
	_, err := w.show(w.identify(unchanged), agentDID)
	wantCode(t, err, protocol.CodeIssuerUntrusted)
	if !strings.Contains(err.Error(), "IDN-01") {
		t.Error(err)
	}
}
