package verifier_test

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

var expectation = verifier.MandateExpectation{Agent: agentDID, Audience: pspDID}

func algorithms(t *testing.T, f func(t *testing.T, alg keys.Algorithm)) {
	for _, alg := range []keys.Algorithm{keys.EdDSA, keys.ES256} {
		t.Run(alg.SignatureType(), func(t *testing.T) { f(t, alg) })
	}
}

func TestMandate(t *testing.T) {
	algorithms(t, func(t *testing.T, alg keys.Algorithm) {
		w := newWorld(t, alg)
		raw := w.mandate()
		for _, run := range []string{"cold", "warm"} {
			m, err := w.v.Mandate(context.Background(), raw, expectation)
			if err != nil {
				t.Fatalf("%s: %v", run, err)
			}
			c := m.Claims()
			if c.Issuer != bankDID || c.Authorization.DelegatorIdentity != annDID || !m.Holder().Equal(w.signers[agentDID+"#k1"].Public()) {
				t.Errorf("%s: claims %+v", run, c)
			}
			u, _ := delegation.ParseMandate(raw)
			if m.PayloadDigest() == "" || m.PayloadDigest() != u.PayloadDigest() {
				t.Errorf("%s: digest", run)
			}
			if d := m.Decision(); !d.Allowed() || len(d.Checks()) < 8 {
				t.Errorf("%s: checks %+v", run, d.Checks())
			}
			for _, check := range m.Decision().Checks() {
				if check.Requirement == "" || check.Name == "" {
					t.Errorf("a check without requirement or name: %+v", check)
				}
			}
			// What a caller does to its copy reaches nobody else.
			c.Authorization.MaxTotalAmount = "1000000"
			c.Authorization.Ext.Commerce.AllowedMerchants[0] = shop2DID
			c.Status.Index = 99
			if got := m.Claims(); got.Authorization.MaxTotalAmount != "20" || got.Authorization.Ext.Commerce.AllowedMerchants[0] != shopDID || got.Status.Index != 3 {
				t.Errorf("%s: a copy was not a copy", run)
			}
		}
		if w.asked != 2 {
			t.Errorf("ADD-IAC-LCM-10 the state was asked for %d times, want each time", w.asked)
		}
	})
}

func TestZeroMandate(t *testing.T) {
	var m verifier.Mandate
	if m.Decision().Allowed() || !m.Holder().IsZero() || m.PayloadDigest() != "" || m.Claims().Authorization != nil {
		t.Error("the zero Mandate says something")
	}
	d := m.Bounds().Decide(delegation.RolePSP, delegation.Purchase{At: epoch, Amount: amount(t, "0.01"), Merchant: shopDID, Method: methodURN}, nil)
	if d.Allowed() {
		t.Error("the zero Mandate allows a purchase")
	}
	var p verifier.AuthorizedPayment
	if p.Decision().Allowed() || p.Amount().Valid() || p.Total().Valid() || p.Delegator() != "" || p.PayloadDigest() != "" || p.Issuer() != "" {
		t.Error("the zero AuthorizedPayment says something")
	}
}

func TestMandateExpectation(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	for _, e := range []verifier.MandateExpectation{{}, {Agent: agentDID}, {Audience: pspDID}} {
		_, err := w.v.Mandate(context.Background(), w.mandate(), e)
		wantCode(t, err, protocol.CodeFieldMissing)
	}
}

func TestNewRefuses(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	for name, c := range map[string]verifier.Config{
		"no issuer policy": {Keys: w.docs, Status: w},
		"no keys":          {Issuers: w.policy, Status: w},
		"no status":        {Issuers: w.policy, Keys: w.docs},
	} {
		if _, err := verifier.New(c); protocol.CodeOf(err) != protocol.CodeFieldMissing {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A forgery is a token that must be refused by its code.
type forgery struct {
	name  string
	want  protocol.Code
	token func(w *world) []byte
}

// runForgeries: whatever is refused, is refused by its own code, with no value,
// and without repeating what was sent.
func runForgeries(t *testing.T, forgeries []forgery) {
	t.Helper()
	for _, c := range forgeries {
		t.Run(c.name, func(t *testing.T) {
			algorithms(t, func(t *testing.T, alg keys.Algorithm) {
				w := newWorld(t, alg)
				raw := c.token(w)
				for range 2 { // the second time nothing is remembered of the first
					m, err := w.v.Mandate(context.Background(), raw, expectation)
					wantCode(t, err, c.want)
					if m != nil {
						t.Error("a value together with an error")
					}
					if err != nil {
						noLeak(t, err)
						if errors.Is(err, protocol.ErrUndetermined) != (c.want.Outcome() == protocol.Undetermined) {
							t.Error("undetermined or not?")
						}
					}
				}
				if c.want.Outcome() == protocol.Denied && w.asked != 0 {
					t.Error("the state was asked for although the mandate is refused anyway")
				}
			})
		})
	}
}

// forged is the payload of a good mandate with a change, signed by the issuer.
func forged(old, new string) func(w *world) []byte {
	return func(w *world) []byte {
		return w.token(w.signers[bankDID+"#issue"], w.header(bankDID+"#issue"), replaceOnce(w.t, w.payload(), old, new))
	}
}

// withHeader is the payload of a good mandate under another header.
func withHeader(header func(w *world) string) func(w *world) []byte {
	return func(w *world) []byte {
		return w.token(w.signers[bankDID+"#issue"], header(w), w.payload())
	}
}

func TestMandateOfOthersRefused(t *testing.T) {
	claims := func(change func(*delegation.Claims)) func(w *world) []byte {
		return func(w *world) []byte {
			c := w.claims(authorization())
			change(&c)
			return w.issue(c)
		}
	}
	runForgeries(t, []forgery{
		{"PSD-PAY-DEL-05 another agent's mandate", protocol.CodeAgentMismatch, claims(func(c *delegation.Claims) {
			c.Subject, c.Authorization.AgentID = agent2DID, agent2DID
		})},
		{"another provider's mandate", protocol.CodeAudienceMismatch, claims(func(c *delegation.Claims) { c.Audience = "did:act:other.example/pay" })},
		{"an issuer not trusted for that delegator", protocol.CodeIssuerUntrusted, claims(func(c *delegation.Claims) { c.Authorization.DelegatorIdentity = bobDID })},
		{"a principal who issues for itself without policy", protocol.CodeIssuerUntrusted, func(w *world) []byte {
			c := w.claims(authorization())
			c.Issuer = annDID
			raw, err := delegation.Issue(w.signer(annDID+"#issue", keys.IssueAuthorization), c)
			if err != nil {
				w.t.Fatal(err)
			}
			return raw
		}},
		{"ADD-IAC-ISS-12 a key for another purpose", protocol.CodeKeyPurpose, func(w *world) []byte {
			return w.token(w.signers[bankDID+"#status"], w.header(bankDID+"#status"), w.payload())
		}},
		{"ADD-IAC-ISS-12 did:key never issues", protocol.CodeKeyPurpose, func(w *world) []byte {
			did, err := identity.DIDFromKey(w.signers[agentDID+"#k1"].Public())
			if err != nil {
				w.t.Fatal(err)
			}
			doc, err := identity.ResolveKeyDID(did)
			if err != nil {
				w.t.Fatal(err)
			}
			payload := replaceOnce(w.t, w.payload(), `"iss":"`+bankDID+`"`, `"iss":"`+did.String()+`"`)
			return w.token(w.signers[agentDID+"#k1"], w.header(doc.Keys[0].ID), payload)
		}},
		{"kid pointing elsewhere", protocol.CodeClaimsConflict, func(w *world) []byte {
			s := w.key("did:act:evil.example/x", "issue", keys.IssueAuthorization)
			return w.token(s, w.header(s.KeyID()), w.payload())
		}},
		{"a key that the issuer does not have", protocol.CodeKeyUnknown, withHeader(func(w *world) string { return w.header(bankDID + "#other") })},
		{"ADD-IAC-ISS-10 signed by another key under the same id", protocol.CodeSignatureInvalid, func(w *world) []byte {
			return w.token(w.signer(bankDID+"#issue", keys.IssueAuthorization), w.header(bankDID+"#issue"), w.payload())
		}},
		{"issued in the future", protocol.CodeMandateNotYetValid, claims(func(c *delegation.Claims) { c.IssuedAt = epoch.Add(61 * time.Second) })},
		{"ADD-IAC-LCM-01 before the window", protocol.CodeMandateNotYetValid, claims(func(c *delegation.Claims) {
			c.NotBefore, c.Authorization.ValidityStart = epoch.Add(time.Second), epoch.Add(time.Second)
		})},
	})
}

func TestMandatePayloadRefused(t *testing.T) {
	runForgeries(t, []forgery{
		{"ADD-IAC-ISS-07 an unknown claim", protocol.CodeConstraintUnknown, forged(`"iss":`, `"geo":"CN","iss":`)},
		{"ADD-IAC-ISS-07 an unknown constraint", protocol.CodeConstraintUnknown, forged(`"allowed_merchants":`, `"allowed_colours":["red"],"allowed_merchants":`)},
		{"an empty list is no wildcard", protocol.CodeFieldInvalid, forged(`"allowed_merchants":["`+shopDID+`"]`, `"allowed_merchants":[]`)},
		{"null is no wildcard", protocol.CodeFieldInvalid, forged(`"allowed_merchants":["`+shopDID+`"]`, `"allowed_merchants":null`)},
		{"a number as a string", protocol.CodeFieldInvalid, forged(`"max_total_amount":20`, `"max_total_amount":"20"`)},
		{"an amount with hidden precision", protocol.CodeFieldInvalid, forged(`"max_total_amount":20`, `"max_total_amount":20.001`)},
		{"a negative amount", protocol.CodeFieldInvalid, forged(`"max_total_amount":20`, `"max_total_amount":-20`)},
		{"a duplicate member", protocol.CodeMalformed, forged(`"max_total_amount":20`, `"max_total_amount":20,"max_total_amount":2000`)},
		{"NaN", protocol.CodeMalformed, forged(`"max_total_amount":20`, `"max_total_amount":NaN`)},
		{"a boolean time", protocol.CodeFieldInvalid, forged(`"exp":1772362800`, `"exp":true`)},
		{"a time as a string", protocol.CodeFieldInvalid, forged(`"exp":1772362800`, `"exp":"1772362800"`)},
		{"a huge time", protocol.CodeFieldInvalid, forged(`"exp":1772362800`, `"exp":99999999999999`)},
		{"twins that differ: exp", protocol.CodeClaimsConflict, forged(`"exp":1772362800`, `"exp":1772362801`)},
		{"twins that differ: sub", protocol.CodeClaimsConflict, forged(`"sub":"`+agentDID+`"`, `"sub":"`+agent2DID+`"`)},
		{"no audience", protocol.CodeFieldMissing, forged(`"aud":"`+pspDID+`",`, ``)},
		{"several audiences", protocol.CodeFieldInvalid, forged(`"aud":"`+pspDID+`"`, `"aud":["`+pspDID+`"]`)},
		{"another vc.type", protocol.CodeTypeMismatch, forged(`"ACTIntentAuthorization"`, `"Diploma"`)},
		{"PSD-PAY-DEL-05 mode is no known value", protocol.CodeFieldInvalid, forged(`"delegation_mode":"SPECIFIED"`, `"delegation_mode":"ANYTHING"`)},
		{"ADD-IAC-LCM-10 a long life and no status", protocol.CodeStatusUnavailable, forged(`"status":{"status_list":{"idx":3,"uri":"`+listURI+`"}},`, ``)},
	})
}

func TestMandateEnvelopeRefused(t *testing.T) {
	runForgeries(t, []forgery{
		{"alg none", protocol.CodeAlgorithmRefused, withHeader(func(*world) string { return `{"alg":"none","kid":"` + bankDID + `#issue","typ":"vc+jwt"}` })},
		{"alg HS256", protocol.CodeAlgorithmRefused, withHeader(func(*world) string { return `{"alg":"HS256","kid":"` + bankDID + `#issue","typ":"vc+jwt"}` })},
		{"the algorithm of another key type", protocol.CodeAlgorithmRefused, withHeader(func(w *world) string {
			other := map[keys.Algorithm]keys.Algorithm{keys.EdDSA: keys.ES256, keys.ES256: keys.EdDSA}[w.alg]
			return `{"alg":"` + string(other) + `","kid":"` + bankDID + `#issue","typ":"vc+jwt"}`
		})},
		{"crit", protocol.CodeHeaderRefused, withHeader(func(w *world) string {
			return `{"alg":"` + string(w.alg) + `","crit":["exp"],"kid":"` + bankDID + `#issue","typ":"vc+jwt"}`
		})},
		{"jwk in the header", protocol.CodeHeaderRefused, withHeader(func(w *world) string {
			return `{"alg":"` + string(w.alg) + `","jwk":` + string(w.signers[agentDID+"#k1"].Public().JWK()) + `,"kid":"` + bankDID + `#issue","typ":"vc+jwt"}`
		})},
		{"jku in the header", protocol.CodeHeaderRefused, withHeader(func(w *world) string {
			return `{"alg":"` + string(w.alg) + `","jku":"https://evil.example/jwks","kid":"` + bankDID + `#issue","typ":"vc+jwt"}`
		})},
		{"another kind of token", protocol.CodeTypeMismatch, func(w *world) []byte { return []byte(w.signOrder(w.order())) }},
		{"plain JWT", protocol.CodeTypeMismatch, withHeader(func(w *world) string {
			return `{"alg":"` + string(w.alg) + `","kid":"` + bankDID + `#issue","typ":"JWT"}`
		})},
		{"nothing", protocol.CodeMalformed, func(*world) []byte { return nil }},
		{"oversize", protocol.CodeTooLarge, func(*world) []byte { return []byte(strings.Repeat("a", 1<<20)) }},
		{"deep nesting", protocol.CodeTooLarge, func(w *world) []byte {
			return w.token(w.signers[bankDID+"#issue"], w.header(bankDID+"#issue"), strings.Repeat(`{"a":`, 100)+"1"+strings.Repeat("}", 100))
		}},
		{"a line break inside", protocol.CodeMalformed, func(w *world) []byte {
			raw := w.mandate()
			return append(append(append([]byte{}, raw[:9]...), '\n'), raw[9:]...)
		}},
		{"padding", protocol.CodeMalformed, func(w *world) []byte { return append(w.mandate(), '=') }},
	})
}

// Flipping any single character of a token leaves nothing that verifies.
func TestMandateFlipped(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	raw := w.mandate()
	if _, err := w.v.Mandate(context.Background(), raw, expectation); err != nil {
		t.Fatal(err)
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range raw {
		at := strings.IndexByte(alphabet, raw[i])
		if at < 0 {
			continue
		}
		forged := append([]byte{}, raw...)
		forged[i] = alphabet[at^1] // the lowest bit: also the unused ones at a tail
		if _, err := w.v.Mandate(context.Background(), forged, expectation); err == nil {
			t.Fatalf("byte %d of %d may be changed", i, len(raw))
		}
	}
}

func TestMandateWindow(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	raw := w.mandate()
	check := func(at time.Duration, want protocol.Code) {
		t.Helper()
		w.now = epoch.Add(at)
		_, err := w.v.Mandate(context.Background(), raw, expectation)
		wantCode(t, err, want)
	}
	check(-time.Second, protocol.CodeMandateNotYetValid)
	check(0, "")
	check(time.Hour-time.Nanosecond, "")
	check(time.Hour, protocol.CodeMandateExpired) // ADD-IAC-LCM-05: no skew at the end, warm or cold
	check(24*time.Hour, protocol.CodeMandateExpired)
}

func TestMandateStatus(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	raw := w.mandate()
	secret := errors.New("dial tcp 10.0.0.7: refused")
	for _, c := range []struct {
		name   string
		status delegation.Status
		err    error
		want   protocol.Code
	}{
		{"ADD-IAC-LCM-01 Active", delegation.StatusActive, nil, ""},
		{"ADD-IAC-LCM-07 Revoked", delegation.StatusRevoked, nil, protocol.CodeMandateRevoked},
		{"ADD-IAC-LCM-07 Suspended", delegation.StatusSuspended, nil, protocol.CodeMandateSuspended},
		{"ADD-IAC-LCM-06 a status without meaning", 3, nil, protocol.CodeStatusUnavailable},
		{"ADD-IAC-LCM-08 no answer refuses by default", delegation.StatusActive, secret, protocol.CodeStatusUnavailable},
		{"ADD-IAC-LCM-08 a denial by the source is no answer", delegation.StatusActive, protocol.New(protocol.CodeMalformed, "", "", ""), protocol.CodeStatusUnavailable},
		{"ADD-IAC-LCM-02 Active again", delegation.StatusActive, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.status, w.broken = c.status, c.err
			m, err := w.v.Mandate(context.Background(), raw, expectation)
			wantCode(t, err, c.want)
			if (m == nil) != (c.want != "") {
				t.Error("a value together with an error, or neither")
			}
			if c.want == protocol.CodeStatusUnavailable && !errors.Is(err, protocol.ErrUndetermined) {
				t.Error("must be undetermined")
			}
			if err != nil && strings.Contains(err.Error(), "10.0.0.7") {
				t.Error("the cause is printed")
			}
		})
	}
}

// A short life needs no status reference.
func TestMandateShortLife(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	a := authorization()
	a.ValidityEnd = epoch.Add(15 * time.Minute)
	c := w.claims(a)
	c.Status = nil
	if _, err := w.v.Mandate(context.Background(), w.issue(c), expectation); err != nil || w.asked != 0 {
		t.Errorf("%v after %d status queries", err, w.asked)
	}
}

// What is remembered is the signature and nothing else: policy and key are
// judged each time.
func TestMandateWarmKey(t *testing.T) {
	ctx := context.Background()
	warm := func(t *testing.T) (*world, []byte) {
		w := newWorld(t, keys.ES256)
		raw := w.mandate()
		for range 2 {
			if _, err := w.v.Mandate(ctx, raw, expectation); err != nil {
				t.Fatal(err)
			}
		}
		return w, raw
	}
	const issueKey = bankDID + "#issue"
	for _, c := range []struct {
		name   string
		change func(w *world)
		want   protocol.Code
	}{
		{"IDN-02 compromised", func(w *world) { w.edit(issueKey, func(k *identity.Key) { k.Compromised = true }) }, protocol.CodeKeyNotValid},
		{"IDN-02 not yet in use when it signed", func(w *world) { w.edit(issueKey, func(k *identity.Key) { k.NotBefore = epoch.Add(time.Second) }) }, protocol.CodeKeyNotValid},
		{"IDN-02 retired before it signed", func(w *world) { w.edit(issueKey, func(k *identity.Key) { k.NotAfter = epoch }) }, protocol.CodeKeyNotValid},
		{"IDN-02 retired since", func(w *world) {
			w.edit(issueKey, func(k *identity.Key) { k.NotAfter = epoch.Add(time.Second) })
			w.pass(time.Minute)
		}, ""},
		{"IDN-02 removed", func(w *world) { w.edit(issueKey, func(k *identity.Key) { k.ID = bankDID + "#gone" }) }, protocol.CodeKeyUnknown},
		{"ADD-IAC-ISS-12 of another purpose now", func(w *world) { w.edit(issueKey, func(k *identity.Key) { k.Purpose = keys.Seller }) }, protocol.CodeKeyPurpose},
		{"another key under the id", func(w *world) {
			other := w.signer(issueKey, keys.IssueAuthorization).Public()
			w.edit(issueKey, func(k *identity.Key) { k.Public = other })
		}, protocol.CodeSignatureInvalid},
		{"the document is gone", func(w *world) { delete(w.docs, parseDID(w.t, bankDID)) }, protocol.CodeKeyUnavailable},
		{"the issuer is trusted no longer", func(w *world) { delete(w.policy, bankDID) }, protocol.CodeIssuerUntrusted},
		{"nothing", func(*world) {}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, raw := warm(t)
			c.change(w)
			_, err := w.v.Mandate(ctx, raw, expectation)
			wantCode(t, err, c.want)
		})
	}
	t.Run("another expectation", func(t *testing.T) {
		w, raw := warm(t)
		_, err := w.v.Mandate(ctx, raw, verifier.MandateExpectation{Agent: agent2DID, Audience: pspDID})
		wantCode(t, err, protocol.CodeAgentMismatch)
		_, err = w.v.Mandate(ctx, raw, verifier.MandateExpectation{Agent: agentDID, Audience: shopDID})
		wantCode(t, err, protocol.CodeAudienceMismatch)
	})
}

// The policy is asked before anything is fetched from where the issuer's name
// leads to.
func TestPolicyBeforeFetch(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	source := &countingKeys{KeySource: w.docs}
	v := w.verifier(func(c *verifier.Config) { c.Keys, c.Issuers = source, verifier.IssuerMap{} })
	_, err := v.Mandate(context.Background(), w.mandate(), expectation)
	wantCode(t, err, protocol.CodeIssuerUntrusted)
	if source.n != 0 {
		t.Error("a stranger's name made the verifier fetch")
	}
}

type countingKeys struct {
	verifier.KeySource
	n int
}

func (c *countingKeys) Key(ctx context.Context, id string, p keys.Purpose, at time.Time) (keys.PublicKey, error) {
	c.n++
	return c.KeySource.Key(ctx, id, p, at)
}

func TestKeySourceErrors(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	for name, c := range map[string]struct {
		source verifier.KeySource
		want   protocol.Code
	}{
		"a broken directory":           {failingKeys{err: errors.New("ldap://user:secret@dir")}, protocol.CodeKeyUnavailable},
		"no key and no error":          {failingKeys{}, protocol.CodeKeyUnavailable},
		"a code that is none of a key": {failingKeys{err: protocol.New(protocol.CodeProofUsed, "", "", "")}, protocol.CodeKeyUnavailable},
	} {
		v := w.verifier(func(c2 *verifier.Config) { c2.Keys = c.source })
		_, err := v.Mandate(context.Background(), w.mandate(), expectation)
		if protocol.CodeOf(err) != c.want || !errors.Is(err, protocol.ErrUndetermined) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type failingKeys struct{ err error }

func (f failingKeys) Key(context.Context, string, keys.Purpose, time.Time) (keys.PublicKey, error) {
	return keys.PublicKey{}, f.err
}

func TestIssuerPolicies(t *testing.T) {
	m := verifier.IssuerMap{bankDID: {annDID}}
	f := verifier.IssuerFunc(func(issuer, delegator string) bool { return issuer == bankDID && delegator == bobDID })
	for _, c := range []struct {
		policy            verifier.IssuerPolicy
		issuer, delegator string
		want              bool
	}{
		{m, bankDID, annDID, true}, {m, bankDID, bobDID, false}, {m, annDID, annDID, false}, {m, "", "", false}, {m, annDID, bankDID, false},
		{verifier.IssuerMap(nil), bankDID, annDID, false},
		{f, bankDID, bobDID, true}, {f, bankDID, annDID, false},
		{verifier.SelfIssued{}, annDID, annDID, true}, {verifier.SelfIssued{}, bankDID, annDID, false}, {verifier.SelfIssued{}, "", "", false},
	} {
		if got := c.policy.Trusts(c.issuer, c.delegator); got != c.want {
			t.Errorf("%T trusts %q for %q: %t", c.policy, c.issuer, c.delegator, got)
		}
	}
}

// The signature's bytes are no identity: ES256 signatures are malleable, and a
// second encoding of one must neither hide a replay nor be remembered as new.
func TestMandateTokensAreNotCompared(t *testing.T) {
	w := newWorld(t, keys.ES256)
	raw := w.mandate()
	m, err := w.v.Mandate(context.Background(), raw, expectation)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(raw), ".")
	sig, _ := base64.RawURLEncoding.DecodeString(parts[2])
	other := parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(negateS(sig))
	m2, err := w.v.Mandate(context.Background(), []byte(other), expectation)
	if err != nil {
		t.Skip("the twin signature is refused, which is as good")
	}
	if m.PayloadDigest() != m2.PayloadDigest() {
		t.Error("the same payload has two digests: it would have two budgets")
	}
}
