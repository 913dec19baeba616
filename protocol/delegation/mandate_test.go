package delegation

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

func TestMandate(t *testing.T) {
	for _, alg := range []keys.Algorithm{keys.EdDSA, keys.ES256} {
		t.Run(string(alg), func(t *testing.T) {
			private, err := keys.Generate(alg)
			if err != nil {
				t.Fatal(err)
			}
			s, err := keys.NewSigner(issuerDID+"#k1", keys.IssueAuthorization, private)
			if err != nil {
				t.Fatal(err)
			}
			claims := fullClaims(t)
			claims.ControlProofRef = "urn:proof:1"
			raw, err := Issue(s, claims)
			if err != nil {
				t.Fatal(err)
			}
			m, err := ParseMandate(raw)
			if err != nil {
				t.Fatal(err)
			}
			t.Run("ADD-IAC-ISS-10 verified with the issuer's key alone", func(t *testing.T) {
				if m.KeyID() != issuerDID+"#k1" {
					t.Error("another key id")
				}
				if err := m.VerifySignature(s.Public()); err != nil {
					t.Error(err)
				}
				want(t, m.VerifySignature(issuerKey(t).Public()), map[keys.Algorithm]protocol.Code{
					keys.EdDSA: protocol.CodeSignatureInvalid, keys.ES256: protocol.CodeAlgorithmRefused,
				}[alg], "", "")
				want(t, m.VerifySignature(keys.PublicKey{}), protocol.CodeAlgorithmRefused, "", "")
			})
			t.Run("ADD-IAC-ISS-14 everything comes back", func(t *testing.T) {
				opts := []cmp.Option{cmpopts.IgnoreUnexported(Authorization{}), cmp.Comparer(keys.PublicKey.Equal)}
				if diff := cmp.Diff(claims, m.Claims(), opts...); diff != "" {
					t.Error(diff)
				}
			})
			t.Run("ADD-IAC-ISS-09 the payload is what is signed", func(t *testing.T) {
				payload := m.Payload()
				canonical, err := canon.Canonicalize(payload)
				if err != nil || !bytes.Equal(payload, canonical) {
					t.Error("the payload is not in RFC 8785 form")
				}
				if m.PayloadDigest() != canon.Sum(payload) {
					t.Error("another digest")
				}
				if !bytes.Contains(payload, []byte(`"vendor_private":{"cup":"small","n":1}`)) {
					t.Error("ADD-INT-ICS-17: private data is not carried as it is")
				}
				payload[0] = 'X'
				if m.Payload()[0] != '{' {
					t.Error("the payload can be changed from outside")
				}
			})
			t.Run("claims are a copy", func(t *testing.T) {
				c := m.Claims()
				c.Authorization.MaxTotalAmount = "1000"
				c.Status.Index = 8
				if d := m.Claims(); d.Authorization.MaxTotalAmount != "20" || d.Status.Index != 7 {
					t.Error("the claims can be changed from outside")
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
		})
	}
}

func TestIssueRefuses(t *testing.T) {
	s := issuerKey(t)
	for _, c := range []struct {
		name   string
		change func(*Claims)
		code   protocol.Code
		field  string
	}{
		{"ADD-IAC-ISS-01 unconfirmed", func(c *Claims) {
			c.Authorization.UserConfirmationMethod, c.Authorization.UserConfirmationTimestamp = "", time.Time{}
		}, protocol.CodeFieldMissing, "vc.credentialSubject.user_confirmation_method"},
		{"ADD-IAC-ISS-01 SPECIFIED without merchants", func(c *Claims) { c.Authorization.Ext.Commerce.AllowedMerchants = nil },
			protocol.CodeFieldMissing, "vc.credentialSubject.ext.commerce.allowed_merchants"},
		{"ADD-IAC-ISS-01 BOUNDED without boundary", func(c *Claims) {
			c.Authorization.DelegationMode, c.Authorization.Ext, c.Authorization.AllowedPaymentMethods = Bounded, nil, nil
		}, protocol.CodeFieldMissing, "vc.credentialSubject.ext.commerce"},
		{"ADD-IAC-ISS-04 no agent", func(c *Claims) { c.Authorization.AgentID = "" }, protocol.CodeFieldMissing, "vc.credentialSubject.agent_id"},
		{"ADD-IAC-ISS-04 no payload", func(c *Claims) { c.Authorization = nil }, protocol.CodeFieldMissing, "vc.credentialSubject"},
		{"ADD-IAC-ISS-07 unknown member", func(c *Claims) { c.Authorization.unknown = []string{"x"} }, protocol.CodeConstraintUnknown, ""},
		{"ADD-IAC-ISS-07 unknown claim", func(c *Claims) { c.Unknown = []string{"x"} }, protocol.CodeConstraintUnknown, ""},
		{"ADD-IAC-ISS-10 another issuer's key", func(c *Claims) { c.Issuer = "did:act:other.example/x" }, protocol.CodeClaimsConflict, "iss"},
		{"ADD-IAC-ISS-12 the issuing key as holder", func(c *Claims) { c.Holder = s.Public() }, protocol.CodeKeyPurpose, "cnf.jwk"},
		{"ADD-IAC-ISS-12 did:key as issuer", func(c *Claims) { c.Issuer = didKey }, protocol.CodeKeyPurpose, "iss"},
		{"ADD-IAC-ISS-14 no holder", func(c *Claims) { c.Holder = keys.PublicKey{} }, protocol.CodeFieldMissing, "cnf.jwk"},
		{"ADD-IAC-ISS-14 no audience", func(c *Claims) { c.Audience = "" }, protocol.CodeFieldMissing, "aud"},
		{"ADD-IAC-ISS-14 subject", func(c *Claims) { c.Subject = "did:act:other.example/x" }, protocol.CodeClaimsConflict, "sub"},
		{"ADD-IAC-ISS-14 id", func(c *Claims) { c.ID = "urn:uuid:other" }, protocol.CodeClaimsConflict, "jti"},
		{"ADD-IAC-ISS-14 start", func(c *Claims) { c.NotBefore = start.Add(time.Second) }, protocol.CodeClaimsConflict, "nbf"},
		{"ADD-IAC-ISS-14 end", func(c *Claims) { c.Expires = end.Add(-time.Second) }, protocol.CodeClaimsConflict, "exp"},
		{"ADD-IAC-ISS-14 issued after the end", func(c *Claims) { c.IssuedAt = end }, protocol.CodeFieldInvalid, "iat"},
		{"ADD-IAC-ISS-14 part of a second", func(c *Claims) { c.IssuedAt = start.Add(1) }, protocol.CodeFieldInvalid, "iat"},
		{"ADD-IAC-LCM-10 no status", func(c *Claims) { c.Status = nil }, protocol.CodeStatusUnavailable, "status"},
		{"ADD-IAC-LCM-10 status over http", func(c *Claims) { c.Status.URI = "http://issuer.example/status/1" }, protocol.CodeFieldInvalid, "status.status_list.uri"},
		{"ADD-IAC-LCM-10 status with a password", func(c *Claims) { c.Status.URI = "https://a:b@issuer.example/1" }, protocol.CodeFieldInvalid, "status.status_list.uri"},
		{"ADD-IAC-LCM-10 index", func(c *Claims) { c.Status.Index = -1 }, protocol.CodeFieldInvalid, "status.status_list.idx"},
		{"ADD-IAC-ISS-13 control proof", func(c *Claims) { c.ControlProofRef = "a\x00" }, protocol.CodeFieldInvalid, "vc.control_proof_ref"},
	} {
		t.Run(c.name, func(t *testing.T) {
			claims := fullClaims(t)
			c.change(&claims)
			_, err := Issue(s, claims)
			want(t, err, c.code, c.field, "")
		})
	}
	t.Run("ADD-IAC-ISS-12 a key with another purpose", func(t *testing.T) {
		for _, purpose := range []keys.Purpose{keys.IssueIdentity, keys.AgentRequest, keys.Status, keys.Seller, keys.Proof} {
			_, err := Issue(signer(t, issuerDID+"#k2", purpose), fullClaims(t))
			want(t, err, protocol.CodeKeyPurpose, "", "ADD-IAC-ISS-12")
		}
	})
	t.Run("ADD-IAC-ISS-11 no signer", func(t *testing.T) {
		_, err := Issue(nil, fullClaims(t))
		want(t, err, protocol.CodeFieldMissing, "signer", "ADD-IAC-ISS-11")
	})
	t.Run("ADD-IAC-LCM-10 a short life needs no status", func(t *testing.T) {
		claims := fullClaims(t)
		a := claims.Authorization
		a.ValidityEnd = start.Add(15 * time.Minute)
		short := NewClaims(a, issuerDID, pspDID, claims.Holder, nil, start)
		raw, err := Issue(s, short)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseMandate(raw); err != nil {
			t.Error(err)
		}
	})
}

const didKey = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"

// What a hostile issuer could sign.
func TestParseMandateRefuses(t *testing.T) {
	s := issuerKey(t)
	raw, err := Issue(s, fullClaims(t))
	if err != nil {
		t.Fatal(err)
	}
	m, err := ParseMandate(raw)
	if err != nil {
		t.Fatal(err)
	}
	base := m.Payload()
	parse := func(s *keys.Signer, payload []byte) (*UnverifiedMandate, error) {
		raw, err := keys.SignCompact(s, s.Purpose(), keys.TypeMandate, payload)
		if err != nil {
			t.Fatal(err)
		}
		return ParseMandate(raw)
	}
	for _, c := range []struct {
		name, path, value string
		code              protocol.Code
		field             string
	}{
		{"iss absent", "iss", ``, protocol.CodeFieldMissing, "iss"},
		{"iss not a DID", "iss", `"https://issuer.example"`, protocol.CodeFieldInvalid, "iss"},
		{"iss of another", "iss", `"did:act:other.example/x"`, protocol.CodeClaimsConflict, "iss"},
		{"iss did:key", "iss", `"` + didKey + `"`, protocol.CodeKeyPurpose, "iss"},
		{"sub absent", "sub", ``, protocol.CodeFieldMissing, "sub"},
		{"sub of another agent", "sub", `"did:act:agents.example/other"`, protocol.CodeClaimsConflict, "sub"},
		{"aud absent", "aud", ``, protocol.CodeFieldMissing, "aud"},
		{"aud array", "aud", `["` + pspDID + `"]`, protocol.CodeFieldInvalid, "aud"},
		{"aud of two", "aud", `["` + pspDID + `","did:act:psp2.example/main"]`, protocol.CodeFieldInvalid, "aud"},
		{"aud null", "aud", `null`, protocol.CodeFieldInvalid, "aud"},
		{"jti absent", "jti", ``, protocol.CodeFieldMissing, "jti"},
		{"jti of another", "jti", `"urn:uuid:other"`, protocol.CodeClaimsConflict, "jti"},
		{"nbf another", "nbf", `1`, protocol.CodeClaimsConflict, "nbf"},
		{"nbf string", "nbf", `"1773878400"`, protocol.CodeFieldInvalid, "nbf"},
		{"nbf boolean", "nbf", `true`, protocol.CodeFieldInvalid, "nbf"},
		{"nbf negative", "nbf", `-1`, protocol.CodeFieldInvalid, "nbf"},
		{"exp not whole", "exp", `1773964800.5`, protocol.CodeFieldInvalid, "exp"},
		{"exp huge", "exp", `1e20`, protocol.CodeFieldInvalid, "exp"},
		{"exp after the year 9999", "exp", `253402300800`, protocol.CodeFieldInvalid, "exp"},
		{"exp another", "exp", `1773964801`, protocol.CodeClaimsConflict, "exp"},
		{"exp absent", "exp", ``, protocol.CodeFieldMissing, "exp"},
		{"iat absent", "iat", ``, protocol.CodeFieldMissing, "iat"},
		{"iat array", "iat", `[1]`, protocol.CodeFieldInvalid, "iat"},
		{"cnf absent", "cnf", ``, protocol.CodeFieldMissing, "cnf.jwk"},
		{"cnf with a key id beside", "cnf.kid", `"k"`, protocol.CodeFieldUnknown, "cnf.kid"},
		{"cnf with a private key", "cnf.jwk.d", `"AAAA"`, protocol.CodeFieldInvalid, ""},
		{"status absent", "status", ``, protocol.CodeStatusUnavailable, "status"},
		{"status without index", "status.status_list.idx", ``, protocol.CodeFieldMissing, "status.status_list.idx"},
		{"status without address", "status.status_list.uri", ``, protocol.CodeFieldMissing, "status.status_list.uri"},
		{"status index not whole", "status.status_list.idx", `1.5`, protocol.CodeFieldInvalid, "status.status_list.idx"},
		{"status index huge", "status.status_list.idx", `4194304`, protocol.CodeFieldInvalid, "status.status_list.idx"},
		{"status with more", "status.status_list.bits", `1`, protocol.CodeFieldUnknown, "status.status_list.bits"},
		{"vc absent", "vc", ``, protocol.CodeFieldMissing, "vc.credentialSubject"},
		{"vc type absent", "vc.type", ``, protocol.CodeFieldMissing, "vc.type"},
		{"status without list", "status.status_list", ``, protocol.CodeFieldMissing, "status.status_list"},
		{"vc type short", "vc.type", `["VerifiableCredential"]`, protocol.CodeTypeMismatch, "vc.type"},
		{"vc type long", "vc.type", `["VerifiableCredential","ACTIntentAuthorization","X"]`, protocol.CodeTypeMismatch, "vc.type"},
		{"vc type of another credential", "vc.type", `["VerifiableCredential","ACTAgentIdentity"]`, protocol.CodeTypeMismatch, "vc.type"},
		{"vc type string", "vc.type", `"ACTIntentAuthorization"`, protocol.CodeFieldInvalid, "vc.type"},
		{"subject array", "vc.credentialSubject", `[]`, protocol.CodeFieldInvalid, "vc.credentialSubject"},
		{"total raised by a string", "vc.credentialSubject.max_total_amount", `"1000"`, protocol.CodeFieldInvalid, "vc.credentialSubject.max_total_amount"},
		{"empty allow-list", "vc.credentialSubject.ext.commerce.allowed_merchants", `[]`, protocol.CodeFieldInvalid, "vc.credentialSubject.ext.commerce.allowed_merchants"},
		{"null allow-list", "vc.credentialSubject.ext.commerce.allowed_categories", `null`, protocol.CodeFieldInvalid, "vc.credentialSubject.ext.commerce.allowed_categories"},
		{"unknown mode", "vc.credentialSubject.delegation_mode", `"UNLIMITED"`, protocol.CodeFieldInvalid, "vc.credentialSubject.delegation_mode"},
		{"agent of another", "vc.credentialSubject.agent_id", `"did:act:agents.example/other"`, protocol.CodeClaimsConflict, "sub"},
		{"end moved", "vc.credentialSubject.validity_end_time", `"2027-03-20T00:00:00Z"`, protocol.CodeClaimsConflict, "exp"},
	} {
		t.Run("ADD-IAC-ISS-14 "+c.name, func(t *testing.T) {
			_, err := parse(s, edit(t, base, c.path, c.value))
			want(t, err, c.code, c.field, "")
			if strings.Contains(err.Error(), "other.example") {
				t.Error("the error repeats input")
			}
		})
	}
	t.Run("ADD-IAC-ISS-10 a denial wins over the missing status", func(t *testing.T) {
		_, err := parse(s, edit(t, edit(t, base, "status", ""), "iss", `"did:act:other.example/x"`))
		want(t, err, protocol.CodeClaimsConflict, "iss", "")
	})
	t.Run("ADD-IAC-ISS-12 the holder's key signs mandates", func(t *testing.T) {
		m, err := parse(s, edit(t, base, "cnf.jwk", string(s.Public().JWK())))
		if err != nil {
			t.Fatal(err)
		}
		want(t, m.VerifySignature(s.Public()), protocol.CodeKeyPurpose, "cnf.jwk", "ADD-IAC-ISS-12")
	})
	t.Run("another kind of token", func(t *testing.T) {
		seller := signer(t, issuerDID+"#k1", keys.Seller)
		raw, err := keys.SignCompact(seller, keys.Seller, keys.TypeOrder, base)
		if err != nil {
			t.Fatal(err)
		}
		_, err = ParseMandate(raw)
		want(t, err, protocol.CodeTypeMismatch, "", "")
	})
	for _, c := range []struct{ path, listed string }{
		{"nonce", "nonce"}, {"scope", "scope"}, {"status.other_mechanism", "status.other_mechanism"},
		{"vc.evidence", "vc.evidence"}, {"vc.credentialSubject.ext.commerce.allowed_brands", "vc.credentialSubject.ext.commerce.allowed_brands"},
	} {
		t.Run("ADD-IAC-ISS-07 unknown "+c.path, func(t *testing.T) {
			m, err := parse(s, edit(t, base, c.path, `["x"]`))
			if err != nil {
				t.Fatal(err)
			}
			claims := m.Claims()
			if !slices.Equal(claims.Unknown, []string{c.listed}) {
				t.Errorf("got %v", claims.Unknown)
			}
			fromClaims, err1 := claims.Bounds()
			fromPayload, err2 := claims.Authorization.Bounds()
			if err1 != nil || err2 != nil || fromClaims.Understood() || fromPayload.Understood() {
				t.Error("the unknown claim is forgotten on one of the ways")
			}
		})
	}
	t.Run("zero claims have no bounds", func(t *testing.T) {
		if _, err := (Claims{}).Bounds(); err == nil {
			t.Error("bounds of nothing")
		}
	})
}
