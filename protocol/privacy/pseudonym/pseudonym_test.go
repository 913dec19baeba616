package pseudonym_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/privacy/pseudonym"
)

const (
	coffee = "did:act:shop.example/coffee"
	tea    = "did:act:tea.example/house"
	alice  = "did:act:home.example/alice"
	bob    = "did:act:home.example/bob"
)

func key(id string) pseudonym.Key {
	k := pseudonym.Key{ID: id, Secret: make([]byte, pseudonym.KeySize)}
	rand.Read(k.Secret)
	return k
}

func ring(t testing.TB, keys ...pseudonym.Key) *pseudonym.Ring {
	t.Helper()
	r, err := pseudonym.NewRing(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustMake(t testing.TB, r *pseudonym.Ring, merchant, principal string) pseudonym.Pseudonym {
	t.Helper()
	p, err := r.Make(merchant, principal)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func wantCode(t testing.TB, name string, err error, want protocol.Code) {
	t.Helper()
	if protocol.CodeOf(err) != want || (err == nil) != (want == "") {
		t.Errorf("%s: %v, want %q", name, err, want)
	}
}

// The construction of SPEC.md 8.4, written once more.
func TestConstruction(t *testing.T) {
	k := pseudonym.Key{ID: "1", Secret: bytes.Repeat([]byte{7}, 32)}
	h := hmac.New(sha256.New, k.Secret)
	h.Write([]byte("act-go/1 pseudonym\ndid:act:shop.example/coffee\ndid:act:home.example/alice"))
	want := "urn:act:pseudonym:1:" + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
	got := mustMake(t, ring(t, k), coffee, alice)
	if string(got) != want || canon.CheckID(want) != nil || got.KeyID() != "1" {
		t.Errorf("PRV-03 %s, want %s", got, want)
	}
}

func TestPairwise(t *testing.T) {
	r := ring(t, key("a"))
	p := mustMake(t, r, coffee, alice)
	if p != mustMake(t, r, coffee, alice) {
		t.Error("PRV-03 not the same again")
	}
	for name, other := range map[string]pseudonym.Pseudonym{
		"another merchant": mustMake(t, r, tea, alice), "another principal": mustMake(t, r, coffee, bob),
		"another maker": mustMake(t, ring(t, key("a")), coffee, alice), "roles exchanged": mustMake(t, r, alice, coffee),
	} {
		if other == p {
			t.Errorf("PRV-03 %s: the same pseudonym", name)
		}
	}
	if strings.Contains(string(p), "alice") || strings.Contains(string(p), "coffee") {
		t.Error(p)
	}
	if !r.Is(p, coffee, alice) || r.Is(p, tea, alice) || r.Is(p, coffee, bob) || r.Is(p+"A", coffee, alice) || r.Is(p, coffee, "alice") {
		t.Error("PRV-03 Is")
	}
}

func TestResolve(t *testing.T) {
	r := ring(t, key("a"))
	everybody := slices.Values([]string{bob, "not a DID", alice})
	p := mustMake(t, r, coffee, alice)
	got, err := r.Resolve(p, coffee, everybody)
	if err != nil || got != alice {
		t.Errorf("PRV-03 %s, %v", got, err)
	}
	for _, tc := range []struct {
		name     string
		p        pseudonym.Pseudonym
		merchant string
		want     protocol.Code
	}{
		{"shown by another merchant", p, tea, protocol.CodePrincipalMismatch},
		{"of somebody unknown", mustMake(t, r, coffee, "did:act:home.example/carol"), coffee, protocol.CodePrincipalMismatch},
		{"by another maker with the same key id", mustMake(t, ring(t, key("a")), coffee, alice), coffee, protocol.CodePrincipalMismatch},
		{"by a key that is not there", mustMake(t, ring(t, key("b")), coffee, alice), coffee, protocol.CodeKeyUnknown},
		{"of another form", "alice", coffee, protocol.CodeFieldInvalid},
		{"no merchant", p, "", protocol.CodeFieldMissing},
	} {
		got, err := r.Resolve(tc.p, tc.merchant, everybody)
		if got != "" {
			t.Errorf("%s: %s", tc.name, got)
		}
		if tc.want == protocol.CodeFieldMissing && err != nil && protocol.CodeOf(err) == protocol.CodeFieldInvalid {
			continue // an empty DID is either
		}
		wantCode(t, "PRV-03 "+tc.name, err, tc.want)
	}
}

func TestRotation(t *testing.T) {
	old, fresh := key("2026a"), key("2026b")
	before := mustMake(t, ring(t, old), coffee, alice)
	both := ring(t, fresh, old)
	after := mustMake(t, both, coffee, alice)
	if before == after || after.KeyID() != "2026b" {
		t.Errorf("PRV-03 %s, %s", before, after)
	}
	for _, p := range []pseudonym.Pseudonym{before, after} {
		if got, err := both.Resolve(p, coffee, slices.Values([]string{bob, alice})); err != nil || got != alice {
			t.Errorf("PRV-03 %s: %v", p, err)
		}
	}
	_, err := ring(t, fresh).Resolve(before, coffee, slices.Values([]string{alice}))
	wantCode(t, "PRV-03 after the old key is gone", err, protocol.CodeKeyUnknown)
}

func TestNewRing(t *testing.T) {
	for name, keys := range map[string][]pseudonym.Key{
		"none": {}, "short": {{ID: "a", Secret: make([]byte, 31)}}, "no id": {{Secret: make([]byte, 32)}},
		"an id with a colon": {{ID: "a:b", Secret: make([]byte, 32)}}, "twice": {key("a"), key("a")}, "many": make([]pseudonym.Key, 17),
	} {
		_, err := pseudonym.NewRing(keys...)
		wantCode(t, "PRV-03 "+name, err, protocol.CodeFieldInvalid)
	}
	k := key("a")
	r := ring(t, k)
	printed := fmt.Sprintf("%v %+v %#v %x %v %+v %#v", k, k, k, k, r, r, r)
	if strings.Contains(printed, fmt.Sprintf("%x", k.Secret[:4])) || strings.Contains(printed, fmt.Sprint(k.Secret[0], " ", k.Secret[1])) {
		t.Error("a secret is printed")
	}
	before := mustMake(t, r, coffee, alice)
	clear(k.Secret)
	if mustMake(t, r, coffee, alice) != before {
		t.Error("the ring changes with its caller's bytes")
	}
	if _, err := r.Make("x", alice); err == nil {
		t.Error("PRV-03 a merchant that is no DID")
	}
	if _, err := r.Make(coffee, "138"); err == nil {
		t.Error("PRV-03 a principal that is no DID")
	}
}

// Whatever the parties are called, pairs never share a pseudonym.
func TestNoTwoPairsAlike(t *testing.T) {
	r := ring(t, key("a"))
	seen := map[pseudonym.Pseudonym][2]string{}
	name := rapid.StringMatching(`[a-z0-9._-]{1,20}[a-z]`)
	rapid.Check(t, func(t *rapid.T) {
		pair := [2]string{"did:act:a.example/" + name.Draw(t, "merchant"), "did:act:b.example/" + name.Draw(t, "principal")}
		p, err := r.Make(pair[0], pair[1])
		if err != nil {
			t.Fatal(err)
		}
		if other, known := seen[p]; known && other != pair {
			t.Fatalf("PRV-03 %v and %v", other, pair)
		}
		seen[p] = pair
	})
}

func FuzzParse(f *testing.F) {
	f.Add("urn:act:pseudonym:1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := pseudonym.Parse(s)
		if err != nil {
			if !protocol.CodeOf(err).Known() || p != "" {
				t.Fatal(err)
			}
			return
		}
		if string(p) != s || p.KeyID() == "" || canon.CheckID(s) != nil {
			t.Fatalf("%q", s)
		}
	})
}

func Example() {
	secret := bytes.Repeat([]byte{1}, pseudonym.KeySize) // in life from crypto/rand, kept in a vault
	provider, err := pseudonym.NewRing(pseudonym.Key{ID: "2026", Secret: secret})
	if err != nil {
		panic(err)
	}
	atCoffee, _ := provider.Make(coffee, alice)
	atTea, _ := provider.Make(tea, alice)
	fmt.Println(atCoffee == atTea)
	who, err := provider.Resolve(atTea, tea, slices.Values([]string{bob, alice}))
	fmt.Println(who, err)
	// Output:
	// false
	// did:act:home.example/alice <nil>
}

func BenchmarkResolve(b *testing.B) {
	r := ring(b, key("a"))
	principals := make([]string, 1000)
	for i := range principals {
		principals[i] = fmt.Sprintf("did:act:home.example/p%d", i)
	}
	p := mustMake(b, r, coffee, principals[999])
	for b.Loop() {
		if _, err := r.Resolve(p, coffee, slices.Values(principals)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/principal")
}
