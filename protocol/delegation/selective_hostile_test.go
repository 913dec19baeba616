package delegation

import (
	"strings"
	"testing"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/privacy/sdjwt"
)

// forgeSelective signs a changed payload, with a changed concealment, as an
// issuer who errs or cheats could.
func forgeSelective(t testing.TB, typ, path, value string, change func(*sdjwt.Concealment)) ([]byte, error) {
	t.Helper()
	c := fullClaims(t)
	c.ControlProofRef = "urn:proof:1"
	payload, err := c.encodeSelective()
	if err != nil {
		t.Fatal(err)
	}
	conceal := c.concealment()
	if path != "" {
		payload = edit(t, payload, path, value)
	}
	if change != nil {
		change(&conceal)
	}
	return sdjwt.Issue(issuerKey(t), keys.IssueAuthorization, typ, payload, conceal)
}

func TestParseSelectiveRefuses(t *testing.T) {
	hide := func(paths ...string) func(*sdjwt.Concealment) {
		return func(c *sdjwt.Concealment) { c.Hide = append(c.Hide, paths...) }
	}
	show := func(prefix string) func(*sdjwt.Concealment) {
		return func(c *sdjwt.Concealment) {
			var kept []string
			for _, p := range c.Hide {
				if !strings.HasPrefix(p, prefix) {
					kept = append(kept, p)
				}
			}
			c.Hide = kept
			delete(c.Decoys, prefix)
		}
	}
	forbidden := "/authorization/ext/commerce/forbidden_merchants"
	manifest := func(change func([]string) []string) string {
		return `["` + strings.Join(change(fullAuthorization(t).constraints().paths()), `","`) + `"]`
	}
	for _, c := range []struct {
		name        string
		typ         string
		path, value string
		change      func(*sdjwt.Concealment)
		code        protocol.Code
		field       string
	}{
		{name: "an entry of a forbidden list", change: hide(forbidden + "/0"), code: protocol.CodeFieldInvalid},
		{name: "a decoy in a forbidden list", change: func(c *sdjwt.Concealment) { c.Decoys[forbidden] = 1 }, code: protocol.CodeFieldInvalid},
		{name: "a decoy in a forbidden list that is in clear", change: func(c *sdjwt.Concealment) { show(forbidden)(c); c.Decoys[forbidden] = 1 }, code: protocol.CodeFieldInvalid},
		{name: "the issuer", change: hide("/iss"), code: protocol.CodeFieldInvalid},
		{name: "the audience", change: hide("/aud"), code: protocol.CodeFieldInvalid},
		{name: "the holder's key", change: hide("/cnf"), code: protocol.CodeFieldInvalid},
		{name: "a member of the holder's key", change: hide("/cnf/jwk"), code: protocol.CodeFieldInvalid},
		{name: "the status", change: hide("/status"), code: protocol.CodeFieldInvalid},
		{name: "the type", change: hide("/vct"), code: protocol.CodeFieldInvalid},
		{name: "the end", change: hide("/exp"), code: protocol.CodeFieldInvalid},
		{name: "the manifest", change: hide("/constraints"), code: protocol.CodeFieldInvalid},
		{name: "a name in the manifest", change: hide("/constraints/0"), code: protocol.CodeFieldInvalid},
		{name: "the payload", change: hide("/authorization"), code: protocol.CodeFieldInvalid},
		{name: "the agent", change: hide("/authorization/agent_id"), code: protocol.CodeFieldInvalid},
		{name: "the window", change: hide("/authorization/validity_end_time"), code: protocol.CodeFieldInvalid},
		{name: "a namespace", change: hide("/authorization/ext/commerce"), code: protocol.CodeFieldInvalid},
		{name: "a part of the conversation", change: hide("/authorization/conversation_history/input_mode"), code: protocol.CodeFieldInvalid},
		{name: "a decoy in the holder's key", change: func(c *sdjwt.Concealment) { c.Decoys["/cnf"] = 1 }, code: protocol.CodeFieldInvalid},

		{name: "another typ", typ: keys.TypeMandate, code: protocol.CodeTypeMismatch, field: "header.typ"},
		{name: "an older typ", typ: "vc+sd-jwt", code: protocol.CodeTypeMismatch, field: "header.typ"},
		{name: "another vct", path: "vct", value: `"urn:act:vct:other"`, code: protocol.CodeTypeMismatch, field: "vct"},
		{name: "no vct", path: "vct", code: protocol.CodeFieldMissing, field: "vct"},
		{name: "no manifest", path: "constraints", code: protocol.CodeFieldMissing, field: "constraints"},
		{name: "an empty manifest", path: "constraints", value: `[]`, code: protocol.CodeFieldMissing, field: "constraints"},
		{name: "a manifest in disorder", path: "constraints", value: manifest(func(n []string) []string { n[0], n[1] = n[1], n[0]; return n }), code: protocol.CodeFieldInvalid, field: "constraints"},
		{name: "a name twice", path: "constraints", value: manifest(func(n []string) []string { return append([]string{n[0]}, n...) }), code: protocol.CodeFieldInvalid, field: "constraints"},
		{name: "a manifest of numbers", path: "constraints", value: `[1]`, code: protocol.CodeFieldInvalid},
		{name: "a constraint that the manifest leaves out", path: "constraints", value: manifest(func(n []string) []string { return append(n[:11:11], n[12:]...) }), code: protocol.CodeClaimsConflict, field: "constraints"},
		{name: "a manifest without the total", path: "constraints", value: manifest(func(n []string) []string { return n[:len(n)-1] }), code: protocol.CodeFieldMissing, field: "constraints"},
		{name: "no payload", path: "authorization", change: func(c *sdjwt.Concealment) { *c = sdjwt.Concealment{} }, code: protocol.CodeFieldMissing, field: "authorization"},
		{name: "no intent id", path: "authorization.intent_id", code: protocol.CodeFieldMissing, field: "authorization.intent_id"},
		{name: "another agent than the payload's", path: "sub", value: `"` + pspDID + `"`, code: protocol.CodeClaimsConflict, field: "sub"},
		{name: "another window than the payload's", path: "exp", value: `1773964801`, code: protocol.CodeClaimsConflict, field: "exp"},
		{name: "a null", path: "authorization.currency", value: `null`, code: protocol.CodeFieldInvalid},
		{name: "an empty list", path: "authorization.ext.commerce.allowed_merchants", value: `[]`, change: show("/authorization/ext/commerce/allowed_merchants"), code: protocol.CodeFieldInvalid},
		{name: "no status for a long life", path: "status", code: protocol.CodeStatusUnavailable},
	} {
		t.Run("PRV-01 hidden or wrong: "+c.name, func(t *testing.T) {
			typ := c.typ
			if typ == "" {
				typ = keys.TypeMandateSD
			}
			raw, err := forgeSelective(t, typ, c.path, c.value, c.change)
			if err != nil {
				t.Fatal(err)
			}
			_, err = ParseMandate(raw)
			want(t, err, c.code, c.field, "")
			if strings.Contains(err.Error(), "example") {
				t.Errorf("the error repeats input: %v", err)
			}
		})
	}
}

// What this version does not know is carried and decides nothing.
func TestSelectiveUnknown(t *testing.T) {
	for _, c := range []struct{ name, path, value, hide string }{
		{name: "ADD-IAC-ISS-07 a claim", path: "extra", value: `1`},
		{name: "ADD-IAC-ISS-07 the other form's claim", path: "vc", value: `{}`},
		{name: "ADD-IAC-ISS-07 a member of the payload", path: "authorization.extra", value: `1`},
		{name: "ADD-IAC-ISS-07 a hidden one", path: "authorization.ext.commerce.max_items", value: `1`, hide: "/authorization/ext/commerce/max_items"},
		{name: "PRV-01 a name in the manifest", path: "constraints", value: `["` + strings.Join(append(fullAuthorization(t).constraints().paths(), "zz.max_items"), `","`) + `"]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw, err := forgeSelective(t, keys.TypeMandateSD, c.path, c.value, func(x *sdjwt.Concealment) {
				if c.hide != "" {
					x.Hide = append(x.Hide, c.hide)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			m, err := ParseMandate(raw)
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Claims().Unknown) != 1 {
				t.Errorf("unknown: %q", m.Claims().Unknown)
			}
			b, err := m.Claims().Bounds()
			if err != nil {
				t.Fatal(err)
			}
			if d := b.Decide(RolePSP, latte(t), nil); protocol.CodeOf(d.Err()) != protocol.CodeConstraintUnknown {
				t.Error(d.Err())
			}
		})
	}
}

func TestIssueSelectiveRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Claims)
		code   protocol.Code
		field  string
	}{
		{"ADD-IAC-ISS-06 no intent id", func(c *Claims) { c.Authorization.IntentID = "" }, protocol.CodeFieldMissing, "authorization.intent_id"},
		{"ADD-IAC-ISS-01 no confirmation", func(c *Claims) { c.Authorization.UserConfirmationMethod = "" }, protocol.CodeFieldMissing, "authorization.user_confirmation_method"},
		{"ADD-IAC-ISS-10 another issuer", func(c *Claims) { c.Issuer = pspDID }, protocol.CodeClaimsConflict, "iss"},
		{"PRV-01 more entries than can be shown", func(c *Claims) {
			for i := range 300 {
				c.Authorization.Ext.Commerce.AllowedMerchants = append(c.Authorization.Ext.Commerce.AllowedMerchants, "urn:x:"+strings.Repeat("a", i+1)[:min(i+1, 200)]+"")
			}
		}, protocol.CodeTooLarge, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			claims := fullClaims(t)
			c.change(&claims)
			_, err := IssueSelective(issuerKey(t), claims)
			want(t, err, c.code, c.field, "")
		})
	}
	_, err := IssueSelective(nil, fullClaims(t))
	want(t, err, protocol.CodeFieldMissing, "signer", "")
	_, err = IssueSelective(signer(t, issuerDID+"#k1", keys.Status), fullClaims(t))
	want(t, err, protocol.CodeKeyPurpose, "", "ADD-IAC-ISS-12")
}
