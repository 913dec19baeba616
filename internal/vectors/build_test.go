package vectors

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// The signatures of the vectors are those of RFC 6979: its example for P-256 and
// SHA-256, message "sample" (A.2.5).
func TestSignaturesAreRepeatable(t *testing.T) {
	scalar, err := hex.DecodeString("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721")
	if err != nil {
		t.Fatal(err)
	}
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
	if err != nil {
		t.Fatal(err)
	}
	s, err := keys.NewSigner("did:act:core.example/party#k", keys.Seller, repeatable{private})
	if err != nil {
		t.Fatal(err)
	}
	const want = "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
	if got, err := s.Sign(keys.Seller, []byte("sample")); err != nil || strings.ToUpper(hex.EncodeToString(got)) != want {
		t.Errorf("%x, %v", got, err)
	}
	digest := sha256.Sum256([]byte("sample"))
	if _, err := (repeatable{private}).Sign(nil, digest[:], crypto.SHA256); err != nil {
		t.Error(err)
	}
}

// Labels give independent streams, and a stream goes on where it stopped.
func TestStream(t *testing.T) {
	long := string(bytesOf("a", 100))
	s := random("a")
	first, second := make([]byte, 33), make([]byte, 67)
	if _, err := s.Read(first); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(second); err != nil {
		t.Fatal(err)
	}
	if string(first)+string(second) != long {
		t.Error("a stream depends on how it is read")
	}
	if string(bytesOf("b", 100)) == long || string(bytesOf("a", 10)) != long[:10] {
		t.Error("labels do not tell streams apart")
	}
}

// The builder refuses what is no case: a defect that changes nothing, a sibling
// that is missing, an operation of its own.
func TestBuilderRefuses(t *testing.T) {
	ok := spec{id: "a/b/001", title: "One.", operation: "a.b", input: obj{"n": 1, "l": list{obj{"m": "x"}}}, output: obj{}}
	bad := spec{id: "a/b/002", title: "Two.", code: protocol.CodeMalformed}
	build := func(make func(b *builder)) error {
		b := &builder{}
		make(b)
		if len(b.errs) > 0 {
			return errors.Join(b.errs...)
		}
		return conformance.Check(b.cases)
	}
	for _, test := range []struct {
		name string
		make func(b *builder)
		ok   bool
	}{
		{"a pair", func(b *builder) { b.invalid(b.valid(ok), bad, put("n", 2)) }, true},
		{"the clock as defect", func(b *builder) {
			s := bad
			s.clock = now.AddDate(0, 0, 1)
			b.invalid(b.valid(ok), s, nil)
		}, true},
		{"a deep change that leaves the sibling as it was", func(b *builder) {
			first := b.valid(ok)
			b.invalid(first, bad, func(in obj) { in["l"].(list)[0].(obj)["m"] = "y" })
			if string(b.value("", first.input)) != `{"l":[{"m":"x"}],"n":1}` {
				b.fail("", "the sibling was changed")
			}
		}, true},
		{"no defect", func(b *builder) { b.invalid(b.valid(ok), bad, put("n", 1)) }, false},
		{"a sibling that is no case", func(b *builder) { b.invalid(ok, bad, put("n", 2)) }, false},
		{"an operation of its own", func(b *builder) {
			s := bad
			s.operation = "a.c"
			b.invalid(b.valid(ok), s, put("n", 2))
		}, false},
		{"no code", func(b *builder) {
			s := bad
			s.code = ""
			b.invalid(b.valid(ok), s, put("n", 2))
		}, false},
		{"an input that is no JSON", func(b *builder) { b.also(b.valid(ok), bad, put("n", func() {})) }, false},
	} {
		if err := build(test.make); (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestKeep(t *testing.T) {
	b := &builder{kept: fstest.MapFS{"old.txt": {Data: []byte("kept")}}}
	never := func() ([]byte, error) { t.Error("made anew"); return nil, nil }
	count := 0
	fresh := func() ([]byte, error) { count++; return []byte("new"), nil }
	if b.keep("old", never) != "kept" || b.keep("new", fresh) != "new" || b.keep("new", fresh) != "new" || count != 1 {
		t.Errorf("kept %v, made %d times", b.made, count)
	}
	if string(b.made["new.txt"]) != "new" || len(b.made) != 1 || len(b.errs) != 0 {
		t.Errorf("%v, %v", b.made, b.errs)
	}
	b.keep("../etc", never)
	b.keep("bad", func() ([]byte, error) { return nil, errors.New("no") })
	if len(b.errs) != 2 {
		t.Errorf("%v", b.errs)
	}
}
