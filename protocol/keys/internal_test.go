package keys

import (
	"bytes"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/hex"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// shared finds a file of the shared folder that stands beside the project.
func shared(t *testing.T, name string) []byte {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		data, err := os.ReadFile(filepath.Join(dir, "shared", filepath.FromSlash(name)))
		if err == nil {
			return data
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Skipf("shared/%s is not beside this project", name)
		}
		dir = parent
	}
}

// wycheproof is as much of the format as these tests need.
type wycheproof struct {
	Groups []struct {
		Comment string         `json:"comment"`
		Public  jsontext.Value `json:"public"`
		Private jsontext.Value `json:"private"`
		Tests   []struct {
			ID      int            `json:"tcId"`
			Comment string         `json:"comment"`
			JWS     jsontext.Value `json:"jws"`
			Result  string         `json:"result"`
		} `json:"tests"`
	} `json:"testGroups"`
}

func loadWycheproof(t *testing.T, name string) (w wycheproof) {
	t.Helper()
	if err := (canon.Limits{MaxBytes: 1 << 22}).DecodeOpen(shared(t, "vectors/wycheproof/"+name), &w); err != nil {
		t.Fatal(err)
	}
	return w
}

// bareVerify verifies a token like ParseCompact and Verify do, but without
// asking for what only our profile asks: a kid that is a DID URL, a typ, a
// JSON payload. Wycheproof's tokens have the kid "kid-ec-sign", no typ, and
// the payload "foo". Other header members are refused here as there.
func bareVerify(token []byte, key PublicKey) error {
	t, header, err := decodeCompact(token)
	if err != nil {
		return err
	}
	f, err := parseHeader(header)
	if err != nil {
		return err
	}
	alg, ok := joseAlgorithm(f.alg)
	if !ok {
		return protocol.New(protocol.CodeAlgorithmRefused, "", "", "")
	}
	if f.other {
		return protocol.New(protocol.CodeHeaderRefused, "", "", "")
	}
	t.Header.Algorithm = alg
	return t.Verify(key)
}

// The signature file: every test of every group whose key is EC. ES512 over
// P-521 is valid there and refused here, since our list has no such key; the
// groups of other key types only show that their keys cannot be read.
func TestWycheproofSignatures(t *testing.T) {
	valid, refused := 0, 0
	for _, g := range loadWycheproof(t, "json_web_signature_test.json").Groups {
		if g.Public == nil { // symmetric
			if _, err := ParseJWK(g.Private); err == nil {
				t.Errorf("%s: a symmetric key was read", g.Comment)
			}
			continue
		}
		key, keyErr := ParseJWK(g.Public)
		for _, tc := range g.Tests {
			var token string
			if tc.JWS.Kind() != '"' { // JSON serialization
				token = string(tc.JWS)
			} else if err := canon.Decode(tc.JWS, &token); err != nil {
				t.Fatal(err)
			}
			err := keyErr
			if err == nil {
				err = bareVerify([]byte(token), key)
			}
			want := tc.Result == "valid" && (g.Comment == "es256" || g.Comment == "SpecialCaseEs256")
			if (err == nil) != want {
				t.Errorf("%s %d %s: %v", g.Comment, tc.ID, tc.Comment, err)
			}
			if err == nil {
				valid++
			} else {
				refused++
			}
			// The whole parser wants more, and so refuses every one of them.
			if _, err := ParseCompact([]byte(token), TypeOrder); err == nil {
				t.Errorf("%d: accepted by ParseCompact", tc.ID)
			}
		}
	}
	if valid != 2 || refused < 300 {
		t.Errorf("%d valid and %d refused: not the file this test was written for", valid, refused)
	}
}

// The key file holds key sets; ours are single keys. Each key of a set is
// read by itself, and none can be: they are symmetric or RSA, have a private
// member, or are what the test says is wrong with them. The one exception is
// the public EC key in jws_mixedSymmetryKeyset, which is a good key in bad
// company; its token names HS256, and that is refused.
func TestWycheproofKeys(t *testing.T) {
	type set struct {
		Keys []jsontext.Value `json:"keys"`
	}
	tests := 0
	for _, g := range loadWycheproof(t, "json_web_key_test.json").Groups {
		for _, tc := range g.Tests {
			tests++
			raw := g.Public
			if raw == nil {
				raw = g.Private
			}
			var s set
			if err := canon.DecodeOpen(raw, &s); err != nil {
				t.Fatal(err)
			}
			var token string
			if err := canon.Decode(tc.JWS, &token); err != nil {
				t.Fatal(err)
			}
			for _, k := range s.Keys {
				key, err := ParseJWK(k)
				if err != nil {
					continue
				}
				if g.Comment != "jws_mixedSymmetryKeyset" {
					t.Errorf("%s %d %s: the key was read", g.Comment, tc.ID, tc.Comment)
				}
				if err := bareVerify([]byte(token), key); protocol.CodeOf(err) != protocol.CodeAlgorithmRefused {
					t.Errorf("%s %d: %v", g.Comment, tc.ID, err)
				}
			}
		}
	}
	if tests != 26 {
		t.Errorf("%d tests: not the file this test was written for", tests)
	}
}

func TestKnownAnswers(t *testing.T) {
	for _, tc := range []struct{ name, jwk, token, thumbprint string }{
		{
			name:       "RFC 8037 A.2 to A.4, Ed25519",
			jwk:        `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`,
			token:      "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
			thumbprint: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
		},
		{
			name:  "RFC 7515 A.3, ES256",
			jwk:   `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`,
			token: "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
		},
		{
			name:       "RFC 9449 4.2 and 6.1, thumbprint of a P-256 key (RFC 7638)",
			jwk:        `{"kty":"EC","crv":"P-256","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}`,
			thumbprint: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			key, err := ParseJWK([]byte(tc.jwk))
			if err != nil {
				t.Fatal(err)
			}
			if tc.thumbprint != "" && key.Thumbprint() != tc.thumbprint {
				t.Errorf("thumbprint %s", key.Thumbprint())
			}
			if tc.token == "" {
				return
			}
			if err := bareVerify([]byte(tc.token), key); err != nil {
				t.Fatal(err)
			}
			broken := []byte(tc.token)
			broken[len(broken)-10] ^= 1
			if err := bareVerify(broken, key); err == nil {
				t.Error("a changed signature verifies")
			}
		})
	}
}

// The example of RFC 7638, 3.1 is an RSA key, which we do not read. What it
// shows, and what JWK relies on, is that the hashed form is the canonical JSON
// of the required members.
func TestThumbprintForm(t *testing.T) {
	for _, alg := range []Algorithm{EdDSA, ES256} {
		signer, err := Generate(alg)
		if err != nil {
			t.Fatal(err)
		}
		key, err := NewPublicKey(signer.Public())
		if err != nil {
			t.Fatal(err)
		}
		canonical, err := canon.Canonicalize(key.JWK())
		if err != nil || !bytes.Equal(canonical, key.JWK()) {
			t.Errorf("%s: %v", alg, err)
		}
		if key.Thumbprint() != string(canon.Sum(canonical))[len("sha-256:"):] {
			t.Errorf("%s: thumbprint", alg)
		}
	}
	if (PublicKey{}).Thumbprint() != "" || (PublicKey{}).JWK() != nil {
		t.Error("the zero key has a thumbprint")
	}
}

// Whatever the quick header reader accepts, the strict one reads alike.
func TestPlainHeaderIsStrict(t *testing.T) {
	pieces := []string{`"EdDSA"`, `"a#b"`, `""`, `"x y"`, `"\u0041"`, `"é"`, "\"\x7f\"", "\"\x01\"", `null`, `"x`, `{`, `}`, `,`, `:`, ` `, `\`, `"alg"`}
	accepted := 0
	rapid.Check(t, func(t *rapid.T) {
		var text []byte
		names := rapid.Permutation([]string{`"alg":`, `"kid":`, `"typ":`}).Draw(t, "names")
		if rapid.IntRange(0, 3).Draw(t, "other names") == 0 {
			names = rapid.SliceOfN(rapid.SampledFrom([]string{`"alg":`, `"kid":`, `"typ":`, `"crv":`, `,`, `}`}), 0, 5).Draw(t, "names")
		}
		for i, n := range names {
			text = append(text, map[bool]string{true: `{`, false: `,`}[i == 0]+n...)
			text = append(text, pieces[rapid.IntRange(0, rapid.SampledFrom([]int{3, 3, len(pieces) - 1}).Draw(t, "range")).Draw(t, "value")]...)
		}
		text = append(text, '}')
		fast, ok := plainHeader(text)
		if !ok {
			return
		}
		accepted++
		checkSameHeader(t, text, fast)
	})
	if accepted == 0 {
		t.Error("nothing was accepted: the test shows nothing")
	}
}

func checkSameHeader(t interface{ Fatalf(string, ...any) }, text []byte, fast headerFields) {
	slow, err := strictHeader(text)
	if err != nil {
		t.Fatalf("the strict reader refuses %q: %v", text, err)
	}
	if slow.other || !bytes.Equal(fast.alg, slow.alg) || !bytes.Equal(fast.kid, slow.kid) || !bytes.Equal(fast.typ, slow.typ) {
		t.Fatalf("the readers differ on %q", text)
	}
}

// The points of small order, by arithmetic on the curve rather than from a
// list: each is refused, under its canonical name and under every other.
func TestSmallOrderPointsAreRefused(t *testing.T) {
	ys := []*big.Int{big.NewInt(1), new(big.Int).Sub(edP, edOne), new(big.Int), number(edY8), number(edY8Negative)}
	for i, y := range ys {
		x := xOf(t, y)
		px, py := x, y
		for range 3 { // 8P
			px, py = edDouble(px, py)
		}
		if px.Sign() != 0 || py.Cmp(edOne) != 0 {
			t.Fatalf("point %d is not of small order", i)
		}
		for _, offset := range []*big.Int{new(big.Int), edP} {
			v := new(big.Int).Add(y, offset)
			if v.BitLen() > 255 {
				continue
			}
			raw := v.FillBytes(make([]byte, 32))
			slices.Reverse(raw)
			for _, sign := range []byte{0, 0x80} {
				named := slices.Clone(raw)
				named[31] |= sign
				if validEd25519(named) {
					t.Errorf("point %d, %s: accepted", i, hex.EncodeToString(named))
				}
			}
		}
	}
	if edY8 == edY8Negative {
		t.Error("the points of order 8 have two y coordinates")
	}
}

// The field of Ed25519 and the constant of its curve (RFC 8032, 5.1).
var (
	edOne = big.NewInt(1)
	edP   = new(big.Int).Sub(new(big.Int).Lsh(edOne, 255), big.NewInt(19))
	edD   = new(big.Int).Mod(new(big.Int).Mul(big.NewInt(-121665), new(big.Int).ModInverse(big.NewInt(121666), edP)), edP)
)

func number(littleEndian [32]byte) *big.Int {
	slices.Reverse(littleEndian[:])
	return new(big.Int).SetBytes(littleEndian[:])
}

func xOf(t *testing.T, y *big.Int) *big.Int {
	y2 := new(big.Int).Mul(y, y)
	v := new(big.Int).Add(new(big.Int).Mul(y2, edD), edOne)
	u := new(big.Int).Sub(y2, edOne)
	x2 := u.Mul(u, v.ModInverse(v.Mod(v, edP), edP))
	x2.Mod(x2, edP)
	x := new(big.Int).ModSqrt(x2, edP)
	if x == nil {
		t.Fatal("not on the curve")
	}
	return x
}

// edDouble adds a point to itself by the curve's complete addition law.
func edDouble(x, y *big.Int) (*big.Int, *big.Int) {
	mul := func(a, b *big.Int) *big.Int { return new(big.Int).Mod(new(big.Int).Mul(a, b), edP) }
	inv := func(a *big.Int) *big.Int { return new(big.Int).ModInverse(new(big.Int).Mod(a, edP), edP) }
	x2, y2, xy := mul(x, x), mul(y, y), mul(x, y)
	k := mul(edD, mul(x2, y2))
	x3 := mul(new(big.Int).Lsh(xy, 1), inv(new(big.Int).Add(edOne, k)))
	y3 := mul(new(big.Int).Add(y2, x2), inv(new(big.Int).Sub(edOne, k)))
	return x3, y3
}

// validEd25519 refuses second names of a point and no key that there can be;
// what it accepts without being a point verifies nothing.
func TestEd25519Points(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "raw")
		b := slices.Clone(raw)
		slices.Reverse(b)
		b[0] &= 0x7f
		if y := new(big.Int).SetBytes(b); validEd25519(raw) != (y.Cmp(edP) < 0 && y.BitLen() > 1) {
			t.Fatalf("%x: wrong", raw)
		}
		private := ed25519.NewKeyFromSeed(raw)
		if public := private.Public().(ed25519.PublicKey); !validEd25519(public) {
			t.Fatalf("%x: a real key is refused", public)
		}
		// y = 2 belongs to no point.
		none := PublicKey{alg: EdDSA, raw: append([]byte{2}, make([]byte, 31)...)}
		if none.Verify(raw, ed25519.Sign(private, raw)) || none.Verify(raw, make([]byte, 64)) {
			t.Fatal("a signature verifies by a key that is no point")
		}
	})
	for _, n := range []int{0, 31, 33} {
		if validEd25519(make([]byte, n)) {
			t.Errorf("%d bytes", n)
		}
	}
	for last, want := range map[byte]bool{0xeb: true, 0xec: false, 0xed: false, 0xee: false, 0xff: false} { // p ends in ed
		raw := bytes.Repeat([]byte{0xff}, 32)
		raw[0], raw[31] = last, 0x7f
		if validEd25519(raw) != want {
			t.Errorf("y = 7fff...%x: valid is not %v", last, want)
		}
	}
}

// r and s to DER and back is the identity, and nothing out of range passes.
func TestDER(t *testing.T) {
	if n := elliptic.P256().Params().N.Bytes(); !bytes.Equal(n, p256Order[:]) {
		t.Fatal("the order of P-256")
	}
	last := bytes.Clone(p256Order[:])
	last[31]--
	if validScalar(make([]byte, 32)) || validScalar(p256Order[:]) || !validScalar(last) || !validScalar(append(make([]byte, 31), 1)) {
		t.Error("scalars are 1 to n-1")
	}
	rapid.Check(t, func(t *rapid.T) {
		sig := make([]byte, 64)
		for i := range 2 {
			n := rapid.IntRange(0, 32).Draw(t, "length")
			copy(sig[32*i+32-n:], rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "scalar"))
		}
		der, ok := toDER(nil, sig)
		if want := validScalar(sig[:32]) && validScalar(sig[32:]); ok != want {
			t.Fatalf("%x: %v", sig, ok)
		}
		if !ok {
			return
		}
		if len(der) > derSize {
			t.Fatalf("%d bytes", len(der))
		}
		back, ok := fromDER(der)
		if !ok || !bytes.Equal(back, sig) {
			t.Fatalf("%x became %x", sig, back)
		}
		for _, bad := range [][]byte{append(slices.Clone(der), 0), der[:len(der)-1], nil, sig} {
			if _, ok := fromDER(bad); ok {
				t.Fatalf("%x: accepted as DER", bad)
			}
		}
	})
}
