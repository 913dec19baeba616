package sdjwt

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A Concealment says what of a set of claims can be withheld. Paths are JSON
// pointers (RFC 6901) into the claims: "/address/street" is a member,
// "/nationalities/0" an element. A path and another one below it make a
// disclosure within a disclosure.
type Concealment struct {
	Hide   []string       // members and elements that get a disclosure each
	Decoys map[string]int // how many digests of nothing an object or array gets besides; "" is the claims themselves
}

// Issue signs claims, a strict JSON object, as an SD-JWT (RFC 9901, 4): what c
// hides is replaced by salted digests and handed over in disclosures, all of
// which are in the result. The digests of an object are sorted, and decoys
// among the elements of an array stand at random places, so that order tells
// nothing; the order of the elements themselves is kept.
//
// A path that the claims do not have is field_missing, so that nothing that
// was meant to be hidden is signed in clear by a slip. Names that are reserved
// in SD-JWTs are refused in claims. Which claims must not be hidden, "iss" for
// example, is for the profile to say.
func Issue(s *keys.Signer, purpose keys.Purpose, typ string, claims []byte, c Concealment) ([]byte, error) {
	payload, disclosures, err := conceal(claims, c)
	if err != nil {
		return nil, err
	}
	token, err := keys.SignCompact(s, purpose, typ, payload)
	if err != nil {
		return nil, err
	}
	token = append(token, '~')
	for _, d := range disclosures {
		token = append(append(token, d...), '~')
	}
	if len(token) > MaxToken || len(disclosures) > MaxDisclosures {
		return nil, protocol.New(protocol.CodeTooLarge, "", "PRV-01", "at most 64 KiB and 256 disclosures")
	}
	return token, nil
}

// conceal returns the payload to sign and the disclosures.
func conceal(claims []byte, c Concealment) (payload []byte, disclosures []string, err error) {
	if claims, err = canon.Canonicalize(claims); err != nil {
		return nil, nil, err
	}
	if claims[0] != '{' {
		return nil, nil, protocol.New(protocol.CodeFieldInvalid, "", "PRV-01", "must be an object")
	}
	x := concealer{hide: make(map[string]bool, len(c.Hide)), decoys: make(map[string]int, len(c.Decoys))}
	for _, path := range c.Hide {
		x.hide[path] = true
	}
	for path, n := range c.Decoys {
		if n < 0 || n > MaxDisclosures {
			return nil, nil, protocol.New(protocol.CodeFieldInvalid, "decoys", "PRV-01", "0 to 256")
		}
		x.decoys[path] = n
	}
	if payload, err = x.object(claims, ""); err != nil {
		return nil, nil, err
	}
	if len(x.hide) > 0 || len(x.decoys) > 0 {
		return nil, nil, protocol.New(protocol.CodeFieldMissing, "", "PRV-01", "a path to hide that the claims do not have")
	}
	return payload, x.disclosures, nil
}

// A concealer is the state of one conceal. Paths are taken out as they are met.
type concealer struct {
	hide        map[string]bool
	decoys      map[string]int
	disclosures []string
}

func (x *concealer) take(path string) bool {
	hidden := x.hide[path]
	delete(x.hide, path)
	return hidden
}

func (x *concealer) takeDecoys(path string) int {
	n := x.decoys[path]
	delete(x.decoys, path)
	return n
}

func (x *concealer) value(raw []byte, path string) ([]byte, error) {
	switch raw[0] {
	case '{':
		return x.object(raw, path)
	case '[':
		return x.array(raw, path)
	default:
		return raw, nil
	}
}

func (x *concealer) object(raw []byte, path string) ([]byte, error) {
	s := scanner{data: raw}
	out := []byte{s.next()}
	var digests []string
	for s.element() {
		quoted := s.name()
		member := s.value()
		name, err := unquote(quoted)
		if err != nil {
			return nil, err
		}
		if reserved(name) {
			return nil, protocol.New(protocol.CodeFieldInvalid, "", "PRV-01", "a name that is reserved in SD-JWTs")
		}
		at := path + "/" + escape(string(name))
		hidden := x.take(at)
		if member, err = x.value(member, at); err != nil {
			return nil, err
		}
		if hidden {
			digests = append(digests, x.disclose(quoted, member))
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, quoted...), ':'), member...)
	}
	for range x.takeDecoys(path) {
		digests = append(digests, decoy())
	}
	if len(digests) > 0 {
		slices.Sort(digests)
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, `"_sd":["`...)
		for i, g := range digests {
			if i > 0 {
				out = append(out, `","`...)
			}
			out = append(out, g...)
		}
		out = append(out, `"]`...)
	}
	if path == "" {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, `"_sd_alg":"sha-256"`...)
	}
	return append(out, '}'), nil
}

func (x *concealer) array(raw []byte, path string) ([]byte, error) {
	s := scanner{data: raw}
	s.next()
	var elements [][]byte
	for s.element() {
		at := path + "/" + strconv.Itoa(len(elements))
		hidden := x.take(at)
		element, err := x.value(s.value(), at)
		if err != nil {
			return nil, err
		}
		if hidden {
			element = hole(x.disclose(nil, element))
		}
		elements = append(elements, element)
	}
	for range x.takeDecoys(path) {
		elements = slices.Insert(elements, below(len(elements)+1), hole(decoy()))
	}
	out := append([]byte{'['}, bytes.Join(elements, []byte{','})...)
	return append(out, ']'), nil
}

// disclose makes a disclosure and returns its digest. quoted is the member's
// name, nil for an array element.
func (x *concealer) disclose(quoted, value []byte) string {
	text := []byte(`["` + salt() + `",`)
	if quoted != nil {
		text = append(append(text, quoted...), ',')
	}
	text = append(append(text, value...), ']')
	encoded := canon.EncodeBase64(text)
	x.disclosures = append(x.disclosures, encoded)
	return sum([]byte(encoded))
}

func hole(digest string) []byte { return []byte(`{"...":"` + digest + `"}`) }

// salt returns 128 random bits in base64url.
func salt() string { return canon.Nonce() }

// decoy returns the digest of random bits (RFC 9901, 4.2.5).
func decoy() string { return sum([]byte(salt())) }

func sum(text []byte) string {
	h := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(h[:])
}

// below returns a random number of 0 to n-1.
func below(n int) int {
	i, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil { // crypto/rand does not fail
		return 0
	}
	return int(i.Int64())
}

// quote writes a claim name as a JSON string.
func quote(name string) []byte {
	quoted, err := jsontext.AppendQuote(nil, name)
	if err != nil { // cannot be: the name was read from strict JSON
		return []byte(`""`)
	}
	return quoted
}
