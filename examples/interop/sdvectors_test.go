package interop

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"go.yaml.in/yaml/v3"

	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/privacy/sdjwt"
)

// TestSDJWTVectors runs the test cases and examples of the sd-jwt-python
// project: what to disclose, and what a verifier must then see.
//
// Where our strict form differs, nothing of what is disclosed changes:
//   - The cases for the two JSON serializations (RFC 9901, 8, optional) are run
//     in the compact one, the only one that we have.
//   - header_mod wants kid 42 in the header; our kid is a DID URL, always there.
//   - Keys are made here, and the key binding has our type of key.
//   - jsonld hides by an older list, non_sd_claims, which nothing reads any more.
func TestSDJWTVectors(t *testing.T) {
	files, err := filepath.Glob("../../../shared/vectors/sd-jwt/*_specification.yml")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("the vectors are not beside this project")
	}
	issuer := newSDParty(t, keys.ES256, sdIssuer+"#k1", keys.IssueIdentity).signer
	holder := newSDParty(t, keys.ES256, sdAgent+"#k1", keys.AgentRequest).signer
	expected := 0
	for _, file := range files {
		t.Run("PRV-01 "+strings.TrimSuffix(filepath.Base(file), "_specification.yml"), func(t *testing.T) {
			v := readSDVector(t, file)
			if v.expect != nil {
				expected++
			}
			v.run(t, issuer, holder)
		})
	}
	if len(files) != 32 || expected != 17 {
		t.Errorf("%d files, %d with an expectation", len(files), expected)
	}
}

// An sdVector is one file. claims keeps the marks.
type sdVector struct {
	claims, disclosed, expect *yaml.Node
	binding, decoys           bool
}

func readSDVector(t *testing.T, file string) sdVector {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	var v sdVector
	top := doc.Content[0]
	for i := 0; i < len(top.Content); i += 2 {
		switch value := top.Content[i+1]; top.Content[i].Value {
		case "user_claims":
			v.claims = value
		case "holder_disclosed_claims":
			v.disclosed = value
		case "expect_verified_user_claims":
			v.expect = value
		case "key_binding":
			v.binding = value.Value == "True" || value.Value == "true"
		case "add_decoy_claims":
			v.decoys = true
		}
	}
	if v.claims == nil || v.disclosed == nil {
		t.Fatal("not a case")
	}
	return v
}

const hiddenTag = "!sd"

// walk calls f for every marked value and builds JSON of what f lets through.
// wish is what the holder wants of the value, nil for nothing.
func walk(n, wish *yaml.Node, path string, f func(path string, wanted bool) bool) any {
	switch n.Kind {
	case yaml.MappingNode:
		out := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			at, inner := path+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(key.Value), memberOf(wish, key.Value)
			if key.Tag == hiddenTag && !f(at, wants(inner)) {
				continue
			}
			out[key.Value] = walk(value, inner, at, f)
		}
		return out
	case yaml.SequenceNode:
		out := []any{}
		for i, value := range n.Content {
			at := path + "/" + strconv.Itoa(i)
			var inner *yaml.Node
			if wish != nil && wish.Kind == yaml.SequenceNode && i < len(wish.Content) {
				inner = wish.Content[i]
			}
			if value.Tag == hiddenTag && !f(at, wants(inner)) {
				continue
			}
			out = append(out, walk(value, inner, at, f))
		}
		return out
	default:
		plain := *n
		if plain.Tag == hiddenTag {
			plain.Tag = "" // the mark stands where YAML says the type
		}
		var value any
		if err := plain.Decode(&value); err != nil {
			return err.Error()
		}
		return value
	}
}

func memberOf(wish *yaml.Node, name string) *yaml.Node {
	if wish == nil || wish.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i < len(wish.Content); i += 2 {
		if wish.Content[i].Value == name {
			return wish.Content[i+1]
		}
	}
	return nil
}

// wants: everything that is named is wanted but what is false.
func wants(wish *yaml.Node) bool {
	return wish != nil && !(wish.Kind == yaml.ScalarNode && strings.EqualFold(wish.Value, "false"))
}

func (v sdVector) run(t *testing.T, issuer, holder *keys.Signer) {
	all := func(string, bool) bool { return true }
	hide := sdjwt.Concealment{}
	whole := walk(v.claims, nil, "", func(path string, _ bool) bool {
		hide.Hide = append(hide.Hide, path)
		return true
	})
	if v.decoys {
		hide.Decoys = map[string]int{"": 3}
	}
	raw, err := sdjwt.Issue(issuer, keys.IssueIdentity, "example+sd-jwt", toJSON(t, whole), hide)
	if err != nil {
		t.Fatal(err)
	}
	seen := processSD(t, raw, issuer.Public())
	if got, want := mustCanonical(t, seen.Payload), mustCanonical(t, toJSON(t, whole)); got != want {
		t.Fatalf("whole: %s\nwant %s", got, want)
	}

	chosen := map[string]bool{}
	want := walk(v.claims, v.disclosed, "", func(path string, wanted bool) bool {
		chosen[path] = wanted
		return wanted
	})
	if v.expect != nil {
		stated := walk(v.expect, nil, "", all)
		if got, want := mustCanonical(t, toJSON(t, want)), mustCanonical(t, toJSON(t, stated)); got != want {
			t.Fatalf("this test reads the case as %s, it says %s", got, want)
		}
		want = stated
	}
	part := seen.Present(func(d sdjwt.Disclosed) bool { return chosen[d.Path] })
	if v.binding {
		bound, err := sdjwt.Bind(holder, part, "https://example.com/verifier", "1234567890", sdNow)
		if err != nil {
			t.Fatal(err)
		}
		var jwt []byte
		part, jwt = sdjwt.Cut(bound)
		b, err := sdjwt.ParseBinding(jwt)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Verify(part, holder.Public()); err != nil {
			t.Fatal(err)
		}
	}
	shown := processSD(t, part, issuer.Public())
	if got, want := mustCanonical(t, shown.Payload), mustCanonical(t, toJSON(t, want)); got != want {
		t.Errorf("shown %s\nwant  %s", got, want)
	}
}

func processSD(t *testing.T, raw []byte, issuer keys.PublicKey) *sdjwt.Processed {
	t.Helper()
	token, err := sdjwt.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	jwt, err := keys.ParseCompact(token.JWT, "example+sd-jwt")
	if err != nil {
		t.Fatal(err)
	}
	if err := jwt.Verify(issuer); err != nil {
		t.Fatal(err)
	}
	p, err := token.Process(jwt.Payload)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func toJSON(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
