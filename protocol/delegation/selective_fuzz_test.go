package delegation

import (
	"bytes"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/protocol/canon"
)

// selectiveSeed is a payload and disclosures of a mandate, for the fuzzer.
func selectiveSeed(t testing.TB) (payload []byte, disclosures string) {
	raw, m := selective(t, issuerKey(t), fullClaims(t))
	_, disclosures, _ = strings.Cut(string(raw), "~")
	return m.Payload(), disclosures
}

// FuzzParseSelective reads any payload with any disclosures as a mandate with
// selective disclosure. What is read has its twins equal, forgets nothing that it
// does not understand, and allows nothing more when everything is withheld.
func FuzzParseSelective(f *testing.F) {
	payload, disclosures := selectiveSeed(f)
	f.Add(payload, disclosures)
	f.Add(payload, "")
	header := canon.EncodeBase64([]byte(`{"alg":"EdDSA","kid":"` + issuerDID + `#k1","typ":"dc+sd-jwt"}`))
	signature := canon.EncodeBase64(make([]byte, 64))
	f.Fuzz(func(t *testing.T, payload []byte, disclosures string) {
		raw := []byte(header + "." + canon.EncodeBase64(payload) + "." + signature + "~" + disclosures)
		m, err := ParseMandate(raw)
		if err != nil {
			refusedWell(t, err)
			return
		}
		c := m.Claims()
		if c.Audience == "" || c.Holder.IsZero() || c.Subject != c.Authorization.AgentID || c.ID != c.Authorization.DelegationID ||
			!c.Expires.Equal(c.Authorization.ValidityEnd) || !c.NotBefore.Equal(c.Authorization.ValidityStart) {
			t.Fatal("read with twins that differ")
		}
		b, err := c.Bounds()
		if err != nil || b.Understood() != (len(c.Unknown) == 0) {
			t.Fatal("an unknown claim is forgotten")
		}
		if len(b.Withheld()) != len(c.Authorization.Withheld()) {
			t.Fatal("a withheld constraint is forgotten")
		}
		part, err := m.Present(RoleMerchant, Purchase{})
		if err != nil {
			t.Fatal(err)
		}
		less, err := ParseMandate(part)
		if err != nil {
			refusedWell(t, err)
			return
		}
		if !bytes.Equal(less.Payload(), m.Payload()) {
			t.Fatal("another payload is shown")
		}
		d, err := less.Claims().Bounds()
		if err != nil {
			t.Fatal(err)
		}
		// The total is always named, so a merchant's part pays nothing, unless
		// the issuer has put all of it in clear.
		p := Purchase{At: c.NotBefore, Amount: b.Total(), Merchant: shopDID, Categories: []string{"food"}, Method: walletURN, DeliverBy: c.NotBefore}
		if d.Decide(RolePSP, p, nil).Allowed() && !b.Decide(RolePSP, p, nil).Allowed() {
			t.Fatal("withholding helped")
		}
	})
}
