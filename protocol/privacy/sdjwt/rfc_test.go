package sdjwt

import (
	"os"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// TestRFC9901 reads the RFC's own examples, whose form is not canonical and
// whose types are not ours; all that is strict here holds for them.
func TestRFC9901(t *testing.T) {
	data, err := os.ReadFile("testdata/rfc9901.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Comment       string         `json:"comment"`
		Issuer        keys.PublicKey `json:"issuer"`
		Issued        string         `json:"issued"`
		Presented     string         `json:"presented"`
		WantIssued    jsontext.Value `json:"want_issued"`
		WantPresented jsontext.Value `json:"want_presented"`
		Nested        []struct {
			Name        string         `json:"name"`
			Payload     jsontext.Value `json:"payload"`
			Disclosures []string       `json:"disclosures"`
			Want        jsontext.Value `json:"want"`
		} `json:"nested"`
	}
	if err := canon.Decode(data, &v); err != nil {
		t.Fatal(err)
	}
	process := func(t *testing.T, raw []byte, want []byte) *Processed {
		t.Helper()
		token, err := Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		jwt, err := keys.ParseBound(token.JWT, "example+sd-jwt")
		if err != nil {
			t.Fatal(err)
		}
		if err := jwt.Verify(v.Issuer); err != nil {
			t.Fatal(err)
		}
		p, err := token.Process(jwt.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if !same(t, p.Payload, want) {
			t.Errorf("got %s\nwant %s", p.Payload, want)
		}
		return p
	}
	t.Run("PRV-01 5.1 issued", func(t *testing.T) {
		p := process(t, []byte(v.Issued), v.WantIssued)
		if len(p.Disclosed) != 10 || len(p.Hidden) != 0 {
			t.Errorf("%d disclosed, %v left", len(p.Disclosed), p.Hidden)
		}
	})
	t.Run("PRV-01 5.2 presented with key binding", func(t *testing.T) {
		token, jwt := Cut([]byte(v.Presented))
		p := process(t, token, v.WantPresented)
		if len(p.Hidden) != 2 || p.Hidden[0].Count != 1 || !p.Hidden[0].Array || p.Hidden[0].Path != "/nationalities" || p.Hidden[1].Count != 5 || p.Hidden[1].Path != "" {
			t.Errorf("left: %+v", p.Hidden)
		}
		binding, err := ParseBinding(jwt)
		if err != nil {
			t.Fatal(err)
		}
		var claims struct {
			Cnf struct {
				JWK keys.PublicKey `json:"jwk"`
			} `json:"cnf"`
		}
		if err := json.Unmarshal(p.Payload, &claims); err != nil {
			t.Fatal(err)
		}
		if err := binding.Verify(token, claims.Cnf.JWK); err != nil {
			t.Error(err)
		}
		if binding.Audience != "https://verifier.example.org" || binding.Nonce != "1234567890" || binding.IssuedAt.Unix() != 1748361941 {
			t.Errorf("%+v", binding)
		}
	})
	for _, c := range v.Nested {
		t.Run("PRV-01 "+c.Name, func(t *testing.T) {
			raw := []byte("x~")
			for _, d := range c.Disclosures {
				raw = append(append(raw, d...), '~')
			}
			token, err := Parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			p, err := token.Process(c.Payload)
			if err != nil {
				t.Fatal(err)
			}
			if !same(t, p.Payload, c.Want) {
				t.Errorf("got %s\nwant %s", p.Payload, c.Want)
			}
		})
	}
}
