package delegation

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/privacy/sdjwt"
)

// selective issues and reads a mandate of which parts can be shown.
func selective(t testing.TB, s *keys.Signer, c Claims) (raw []byte, m *UnverifiedMandate) {
	t.Helper()
	raw, err := IssueSelective(s, c)
	if err != nil {
		t.Fatal(err)
	}
	if m, err = ParseMandate(raw); err != nil {
		t.Fatal(err)
	}
	return raw, m
}

// reparse reads a part that was made of m.
func reparse(t testing.TB, part []byte, err error) *UnverifiedMandate {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	m, err := ParseMandate(part)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSelectiveMandate(t *testing.T) {
	s, claims := issuerKey(t), fullClaims(t)
	claims.ControlProofRef = "urn:proof:1"
	raw, m := selective(t, s, claims)
	t.Run("ADD-IAC-ISS-10 verified with the issuer's key alone", func(t *testing.T) {
		if err := m.VerifySignature(s.Public()); err != nil || m.KeyID() != s.KeyID() {
			t.Error(err)
		}
		want(t, m.VerifySignature(issuerKey(t).Public()), protocol.CodeSignatureInvalid, "", "")
	})
	t.Run("ADD-IAC-ISS-14 everything comes back", func(t *testing.T) {
		opts := []cmp.Option{cmpopts.IgnoreUnexported(Authorization{}), cmp.Comparer(keys.PublicKey.Equal)}
		if diff := cmp.Diff(claims, m.Claims(), opts...); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("ADD-IAC-ISS-14 the smallest mandate comes back", func(t *testing.T) {
		small := fullClaims(t)
		a := small.Authorization
		a.ConversationHistory, a.Ext, a.SourceISRDigest, a.Currency, a.DelegationMode = nil, nil, "", "", Bounded
		_, m := selective(t, s, small)
		opts := []cmp.Option{cmpopts.IgnoreUnexported(Authorization{}), cmp.Comparer(keys.PublicKey.Equal)}
		if diff := cmp.Diff(small, m.Claims(), opts...); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("ADD-IAC-ISS-15 every byte is covered", func(t *testing.T) {
		for i := range raw {
			flipped := bytes.Clone(raw)
			flipped[i] ^= 1
			if m, err := ParseMandate(flipped); err == nil && m.VerifySignature(s.Public()) == nil {
				t.Fatalf("bit of byte %d is not covered", i)
			}
		}
	})
	t.Run("ADD-IAC-ISS-15 the digest is the mandate's, whatever is shown", func(t *testing.T) {
		for _, role := range []Role{RoleAgent, RoleMerchant, RolePSP, RoleTrustService} {
			part, err := m.Present(role, latte(t))
			if got := reparse(t, part, err); got.PayloadDigest() != m.PayloadDigest() {
				t.Errorf("role %d has another digest", role)
			}
		}
		if _, again := selective(t, s, claims); again.PayloadDigest() == m.PayloadDigest() {
			t.Error("PRV-01 two mandates with the same salts")
		}
	})
	t.Run("PRV-01 what can be withheld is not in the signed payload", func(t *testing.T) {
		for _, secret := range []string{principalDID, shopDID, walletURN, "food", "closed", "latte", "counter", "cup", "urn:proof", "FINGERPRINT", "SPECIFIED", "CNY", "18:00"} {
			if strings.Contains(string(m.Payload()), secret) {
				t.Errorf("%q is there for everybody", secret)
			}
		}
	})
	t.Run("PRV-01 only the issuer's whole is written again", func(t *testing.T) {
		part, err := m.Present(RoleMerchant, latte(t))
		_, err = reparse(t, part, err).Claims().Authorization.Encode()
		want(t, err, protocol.CodeConstraintWithheld, "", "PRV-01")
		c := reparse(t, part, nil).Claims()
		_, err = IssueSelective(s, c)
		if err == nil {
			t.Error("issued from a part")
		}
	})
	t.Run("PRV-01 a VC-JWT has no parts", func(t *testing.T) {
		whole, err := Issue(s, claims)
		if err != nil {
			t.Fatal(err)
		}
		_, err = reparse(t, whole, nil).Present(RolePSP, latte(t))
		want(t, err, protocol.CodeTypeMismatch, "", "PRV-01")
		_, err = m.Present(0, latte(t))
		want(t, err, protocol.CodeFactMissing, "role", "PRV-01")
	})
}

// TestViews: each role is shown exactly what it needs (SPEC.md 8.2).
func TestViews(t *testing.T) {
	claims := fullClaims(t)
	claims.ControlProofRef = "urn:proof:1"
	a := claims.Authorization
	a.AllowedPaymentMethods = []string{"urn:act:payment:card", walletURN}
	a.Ext.Commerce.AllowedMerchants = []string{"urn:x:a", shopDID, "urn:x:b"}
	a.Ext.Commerce.AllowedCategories = []string{"books", "food"}
	_, m := selective(t, issuerKey(t), claims)
	common := []string{principalDID, "SPECIFIED"}
	psp := []string{walletURN, shopDID, `"food"`, "food/alcohol", "urn:act:merchant:closed", "18:00:00Z", `"max_total_amount":20`, "0.01", "CNY"}
	trust := []string{"FINGERPRINT", "urn:proof:1", "sha-256:"}
	agent := []string{"urn:x:a", "urn:x:b", "books", "payment:card", "a latte", "cup", "PAUSE_AND_NOTIFY", "AUTO_RETRY"}
	address := []string{"the counter"}
	for _, c := range []struct {
		name   string
		role   Role
		shown  [][]string
		hidden [][]string
	}{
		{"merchant", RoleMerchant, [][]string{address}, [][]string{common, psp, trust, agent}},
		{"PSP", RolePSP, [][]string{common, psp}, [][]string{trust, agent, address}},
		{"trust service", RoleTrustService, [][]string{common, trust}, [][]string{psp, agent, address}},
		{"agent", RoleAgent, [][]string{common, psp, trust, agent, address}, nil},
	} {
		t.Run("PRV-01 "+c.name, func(t *testing.T) {
			part, err := m.Present(c.role, latte(t))
			view := reparse(t, part, err)
			for _, text := range slices.Concat(c.shown...) {
				if !bytes.Contains(view.Shown(), []byte(text)) {
					t.Errorf("%q is needed and withheld", text)
				}
			}
			decoded := decodeAll(t, part)
			for _, text := range slices.Concat(c.hidden...) {
				if strings.Contains(decoded, text) {
					t.Errorf("%q is not needed and shown", text)
				}
			}
			for _, always := range []string{agentDID, issuerDID, claims.ID, a.IntentID} {
				if !strings.Contains(decoded, always) {
					t.Errorf("%q is not visible", always)
				}
			}
			if c.role != RoleTrustService {
				spent := cny(t, "0.00")
				b, err := view.Claims().Bounds()
				if err != nil {
					t.Fatal(err)
				}
				if d := b.Decide(c.role, latte(t), &spent); !d.Allowed() {
					t.Errorf("the role cannot do its work: %v", d.Err())
				}
			}
		})
	}
	t.Run("PRV-01 the number of entries is not told", func(t *testing.T) {
		if one, many := digests(t, 1), digests(t, 4); one != many {
			t.Errorf("%d digests for one entry, %d for four", one, many)
		}
	})
	t.Run("PRV-01 the number of digests does not tell what else there is", func(t *testing.T) {
		small := fullClaims(t)
		x := small.Authorization
		x.ConversationHistory, x.SourceISRDigest, x.AllowedPaymentMethods, x.Ext.VendorPrivate, x.Ext.Fulfillment = nil, "", nil, nil, nil
		for _, c := range []Claims{claims, small} {
			_, m := selective(t, issuerKey(t), c)
			got := map[string]int{}
			for _, h := range reparse(t, m.shown.Present(nil), nil).shown.Hidden {
				got[h.Path] = h.Count
			}
			for object, n := range padded {
				if got[object] != n {
					t.Errorf("%q has %d digests, want %d", object, got[object], n)
				}
			}
		}
	})
	t.Run("PRV-01 without a fact the list is shown whole", func(t *testing.T) {
		part, err := m.Present(RolePSP, Purchase{})
		if shown := reparse(t, part, err).Claims().Authorization; len(shown.Ext.Commerce.AllowedMerchants) != 3 || len(shown.AllowedPaymentMethods) != 2 || len(shown.Ext.Commerce.AllowedCategories) != 2 {
			t.Errorf("%+v", shown.Ext.Commerce)
		}
	})
}

// decodeAll returns everything that can be read in a presentation.
func decodeAll(t testing.TB, part []byte) string {
	t.Helper()
	var out strings.Builder
	for piece := range strings.FieldsFuncSeq(string(part), func(c rune) bool { return c == '~' || c == '.' }) {
		text, err := canon.DecodeBase64(piece)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(text)
		out.WriteByte('\n')
	}
	return out.String()
}

// digests counts those of the list of merchants in a mandate with n of them.
func digests(t testing.TB, n int) int {
	t.Helper()
	c := fullClaims(t)
	c.Authorization.Ext.Commerce.AllowedMerchants = drawMerchants[:1]
	for len(c.Authorization.Ext.Commerce.AllowedMerchants) < n {
		c.Authorization.Ext.Commerce.AllowedMerchants = append(c.Authorization.Ext.Commerce.AllowedMerchants, "urn:x:"+string(rune('c'+n)))
	}
	_, m := selective(t, issuerKey(t), c)
	nobody := latte(t)
	nobody.Merchant = "urn:x:nobody"
	part, err := m.Present(RolePSP, nobody)
	for _, h := range reparse(t, part, err).shown.Hidden {
		if h.Path == allowedMerchants.pointer() {
			return h.Count
		}
	}
	return 0
}

// TestWithheldRefuses: a constraint that is named and withheld is undetermined
// for exactly the roles that judge it.
func TestWithheldRefuses(t *testing.T) {
	_, m := selective(t, issuerKey(t), fullClaims(t))
	const agent, psp = 1, 2
	for c, roles := range map[constraint]int{
		allowedMethods: agent | psp, currencyCode: agent | psp, delegationMode: agent | psp, delegator: psp,
		maxRetryCount: agent, onPaymentFailure: agent, deviationAction: agent, deviationTolerance: agent,
		allowedCategories: agent | psp, allowedMerchants: agent | psp, forbiddenCategories: agent | psp, forbiddenMerchants: agent | psp,
		maxSingleAmount: agent | psp, minSingleAmount: agent | psp, deliveryTime: agent | psp, maxTotalAmount: agent | psp,
	} {
		t.Run("PRV-01 "+c.String(), func(t *testing.T) {
			part := m.shown.Present(func(d sdjwt.Disclosed) bool { return !strings.HasPrefix(d.Path, c.pointer()) })
			claims := reparse(t, part, nil).Claims()
			if !slices.Contains(claims.Authorization.Withheld(), c.String()) {
				t.Errorf("withheld: %q", claims.Authorization.Withheld())
			}
			b, err := claims.Bounds()
			if err != nil {
				t.Fatal(err)
			}
			spent := cny(t, "0.00")
			for role, bit := range map[Role]int{RoleAgent: agent, RolePSP: psp, RoleMerchant: 0} {
				d := b.Decide(role, latte(t), &spent)
				switch {
				case roles&bit == 0 && !d.Allowed():
					t.Errorf("role %d: %v, and it is not its business", role, d.Err())
				case roles&bit != 0 && (protocol.CodeOf(d.Err()) != protocol.CodeConstraintWithheld || d.Outcome() != protocol.Undetermined):
					t.Errorf("role %d: %v", role, d.Err())
				}
			}
			if d := b.Decide(RolePSP, latte(t), nil); d.Allowed() != (roles&psp == 0) {
				t.Errorf("with the total in the ledger: %v", d.Err())
			}
		})
	}
	t.Run("PRV-01 what was withheld has no default", func(t *testing.T) {
		claims := reparse(t, m.shown.Present(nil), nil).Claims()
		b, err := claims.Bounds()
		if err != nil {
			t.Fatal(err)
		}
		if b.Mode() != "" || claims.Authorization.Mode() != "" || !b.Currency().IsZero() || b.Total().Valid() || len(b.Withheld()) != int(constraintCount) {
			t.Errorf("mode %q currency %v total %v withheld %q", b.Mode(), b.Currency(), b.Total(), b.Withheld())
		}
		if d := (Bounds{}).Decide(RoleMerchant, latte(t), nil); d.Allowed() {
			t.Error("the zero value allows")
		}
	})
	t.Run("PRV-01 an entry of an allow-list", func(t *testing.T) {
		part := m.shown.Present(func(d sdjwt.Disclosed) bool { return d.Path != element(allowedMerchants, 0) })
		b, err := reparse(t, part, nil).Claims().Bounds()
		if err != nil {
			t.Fatal(err)
		}
		if d := b.Decide(RolePSP, latte(t), nil); protocol.CodeOf(d.Err()) != protocol.CodeConstraintWithheld {
			t.Error(d.Err())
		}
	})
	t.Run("PRV-01 what the agent was not shown is not allowed", func(t *testing.T) {
		b, err := m.Claims().Bounds()
		if err != nil {
			t.Fatal(err)
		}
		p, spent := latte(t), cny(t, "0.00")
		p.Merchant = "urn:x:other"
		if d := b.Decide(RoleAgent, p, &spent); protocol.CodeOf(d.Err()) != protocol.CodeMerchantNotAllowed {
			t.Error(d.Err())
		}
		if d := b.Decide(RolePSP, p, nil); protocol.CodeOf(d.Err()) != protocol.CodeConstraintWithheld {
			t.Error(d.Err())
		}
	})
	t.Run("PRV-01 a trust service judges nothing", func(t *testing.T) {
		b, _ := m.Claims().Bounds()
		if d := b.Decide(RoleTrustService, latte(t), nil); d.Allowed() {
			t.Error("allowed")
		}
	})
}

// TestWithholdingNeverHelps: whatever is withheld of whatever mandate, no
// purchase is allowed that the whole mandate does not allow, and none that a
// wider one does not.
func TestWithholdingNeverHelps(t *testing.T) {
	base, s := fullClaims(t), issuerKey(t)
	rapid.Check(t, func(t *rapid.T) {
		c := base
		c.Authorization = drawAuthorization(t, base.Authorization)
		truth, err := c.Authorization.Bounds()
		if err != nil {
			t.Fatal(err)
		}
		payload, err := c.encodeSelective()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := sdjwt.Issue(s, keys.IssueAuthorization, keys.TypeMandateSD, payload, c.concealment())
		if err != nil {
			t.Fatal(err)
		}
		m, err := ParseMandate(raw)
		if err != nil {
			t.Fatal(err)
		}
		mostly := rapid.IntRange(0, 9).Draw(t, "withheld of ten")
		part := m.shown.Present(func(d sdjwt.Disclosed) bool { return rapid.IntRange(0, 9).Draw(t, d.Path) >= mostly })
		view, err := ParseMandate(part)
		if err != nil {
			return // refused altogether
		}
		b, err := view.Claims().Bounds()
		if err != nil {
			return
		}
		p := drawPurchase(t)
		spent, _ := money.FromMinor(rapid.Int64Range(0, 6000).Draw(t, "spent"), truth.Currency())
		for _, role := range []Role{RoleAgent, RoleMerchant, RolePSP} {
			before, after := truth.Decide(role, p, &spent), b.Decide(role, p, &spent)
			if after.Allowed() && !before.Allowed() {
				t.Fatalf("role %d: withholding %q turned %v into allowed", role, b.Withheld(), before.Err())
			}
			if role == RolePSP && b.Decide(role, p, nil).Allowed() && !truth.Decide(role, p, nil).Allowed() {
				t.Fatalf("withholding %q helped where the ledger holds the total", b.Withheld())
			}
		}
	})
}
