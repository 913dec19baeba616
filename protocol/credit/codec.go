package credit

import (
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// Version is the version of the profile, which messages and credentials name.
const Version = "reference-v1"

// Algorithm is the one signature algorithm of the profile.
const Algorithm = "Ed25519"

// A Time is a moment as messages write it (SPEC.md 1.6).
type Time struct{ t time.Time }

// At is the whole second of t, which is what messages carry.
func At(t time.Time) Time { return Time{t.UTC().Truncate(time.Second)} }

// Time returns the moment, in UTC.
func (t Time) Time() time.Time { return t.t }

// IsZero reports whether no moment was given.
func (t Time) IsZero() bool { return t.t.IsZero() }

// MarshalText writes RFC 3339 in UTC with whole seconds.
func (t Time) MarshalText() ([]byte, error) { return []byte(canon.FormatTime(t.t)), nil }

// UnmarshalText reads RFC 3339, offsets allowed.
func (t *Time) UnmarshalText(text []byte) (err error) {
	t.t, err = canon.ParseTime(string(text))
	return err
}

// A body is the Go form of a message; check applies the rules that its types
// do not.
type body interface{ check(r *wire.Reader) }

// decode reads one message: strict JSON, closed objects, every member there
// that the tags do not call omitzero, none of them empty, and the message's own
// rules. The fault that wins is returned.
func decode(data []byte, requirement string, v body) error {
	if err := canon.Decode(data, v); err != nil {
		return err
	}
	r := wire.Reader{Requirement: requirement}
	present(&r, "", reflect.TypeOf(v).Elem(), data, true)
	if r.Err() == nil {
		v.check(&r)
	}
	return r.Err()
}

// bodyOf is a pointer to a T that is a body.
type bodyOf[T any] interface {
	*T
	body
}

// readable holds what was written of a T to the rules of a reader. It reads into
// a value of its own: the lists and maps of the one that was written are the
// caller's.
func readable[T any, P bodyOf[T]](data []byte, requirement string) error {
	return decode(data, requirement, P(new(T)))
}

var (
	openType = reflect.TypeFor[jsontext.Value]()
	timeType = reflect.TypeFor[Time]()
)

// present records members that are missing, and strings and lists that are
// empty, in a text that canon.Decode has read into t. What is empty and needed is
// as good as missing (SPEC.md 7).
func present(r *wire.Reader, at string, t reflect.Type, raw jsontext.Value, needed bool) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == openType || t == timeType:
	case t.Kind() == reflect.String && string(raw) == `""`, t.Kind() == reflect.Slice && isEmpty(raw):
		if needed {
			r.Require(at, "")
		} else {
			r.Invalid(at, "must not be empty")
		}
	case t.Kind() == reflect.Struct:
		members := map[string]jsontext.Value{}
		if err := canon.DecodeOpen(raw, &members); err != nil {
			r.Fail(at, err)
			return
		}
		presentMembers(r, at, t, members)
	}
}

func presentMembers(r *wire.Reader, at string, t reflect.Type, members map[string]jsontext.Value) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			presentMembers(r, at, f.Type, members)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		below := strings.TrimPrefix(at+"."+name, ".")
		needed := !strings.Contains(options, "omitzero")
		if raw, ok := members[name]; ok {
			present(r, below, f.Type, raw, needed)
		} else if needed {
			r.Require(below, "")
		}
	}
}

func isEmpty(list jsontext.Value) bool {
	return strings.Trim(string(list), " \t\r\n") == "[]" || strings.Trim(string(list), "[] \t\r\n") == ""
}

// maxIdentifier and maxText bound names, in characters: the former is the
// official schema's, the latter is ours.
const (
	maxIdentifier = 512
	maxText       = 4096
)

// identifier reads a required name of a party or an object.
func identifier(r *wire.Reader, field, s string) { text(r, field, s, maxIdentifier) }

// optionalIdentifier is identifier for a member that may be absent.
func optionalIdentifier(r *wire.Reader, field, s string) {
	if s != "" {
		identifier(r, field, s)
	}
}

// text reads required text: something is visible in it, and nothing changes
// what a terminal shows.
func text(r *wire.Reader, field, s string, most int) {
	if !r.Require(field, s) {
		return
	}
	if strings.TrimSpace(s) == "" || utf8.RuneCountInString(s) > most || strings.ContainsFunc(s, unprintable) {
		r.Invalid(field, "must be visible text of limited length without control characters")
	}
}

func unprintable(c rune) bool {
	return unicode.IsControl(c) || unicode.In(c, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
}

// reference reads a required URI reference (RFC 3986).
func reference(r *wire.Reader, field, s string) {
	if !r.Require(field, s) {
		return
	}
	hidden := strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune(`"<>\^{|}`+"`", c) })
	if _, err := url.Parse(s); err != nil || hidden || len(s) > 2048 {
		r.Invalid(field, "must be a URI reference")
	}
}

// set reads a list of different texts. That it is not empty is seen by present.
func set(r *wire.Reader, field string, list []string) {
	for i, s := range list {
		text(r, field, s, maxText)
		if slices.Contains(list[:i], s) {
			r.Invalid(field, "must not hold anything twice")
		}
	}
}

// window checks that an end, where there is one, is after the start.
func window(r *wire.Reader, from, until Time) {
	if !until.IsZero() && !until.t.After(from.t) {
		r.Invalid("expiresAt", "must be after validFrom")
	}
}

// inWindow reports whether from <= now < until; without an until there is no end.
func inWindow(from, until Time, now time.Time) bool {
	return !now.Before(from.t) && (until.IsZero() || now.Before(until.t))
}

func constant(r *wire.Reader, field, got, want string) {
	if r.Require(field, got) && got != want {
		r.Invalid(field, "not the value that the profile names")
	}
}

// oneOf reads a required member of a closed list.
func oneOf[T ~string](r *wire.Reader, field string, got T, list ...T) {
	if r.Require(field, string(got)) && !slices.Contains(list, got) {
		r.Invalid(field, "not in the closed list")
	}
}

// seal checks v, a pointer to a message, and signs it. member is the name of
// its proof, which proof points to; party is who must have signed.
func seal[T any, P bodyOf[T]](s *keys.Signer, party, member, requirement string, v P, proof *Proof) ([]byte, error) {
	if s == nil {
		return nil, protocol.New(protocol.CodeFieldMissing, "signer", requirement, "")
	}
	if s.DID() != party {
		return nil, protocol.New(protocol.CodeClaimsConflict, member+".keyId", requirement, "not a key of the party that must sign")
	}
	*proof = Proof{Algorithm: Algorithm, KeyID: s.KeyID(), Value: "AA"}
	raw, err := canon.Marshal(v)
	if err != nil {
		return nil, err
	}
	if err := readable[T, P](raw, requirement); err != nil {
		return nil, err
	}
	covered, err := canon.Without(raw, member)
	if err != nil {
		return nil, err
	}
	if proof.Value, err = sign(s, covered); err != nil {
		return nil, err
	}
	return canon.Marshal(v)
}

// sign makes a bare signature: Ed25519 over the canonical text itself. That
// only keys of purpose credit do so is what keeps it apart from everything else
// that is signed (SPEC.md 11.1).
func sign(s *keys.Signer, canonical []byte) (string, error) {
	if s.Public().Algorithm() != keys.EdDSA {
		return "", protocol.New(protocol.CodeAlgorithmRefused, "", "TSD-CRD-ASC-05", "the profile signs with Ed25519")
	}
	sig, err := s.Sign(keys.Credit, canonical)
	if err != nil {
		return "", err
	}
	return canon.EncodeBase64(sig), nil
}

// VerifyBare checks an official bare signature: base64url of Ed25519 over
// canonical, a text in RFC 8785 form. Another form of the same text is
// malformed, a signature that does not decode strictly or does not verify
// signature_invalid.
func VerifyBare(key keys.PublicKey, canonical []byte, signature string) error {
	if key.Algorithm() != keys.EdDSA {
		return protocol.New(protocol.CodeAlgorithmRefused, "", "TSD-CRD-ASC-05", "the profile verifies with Ed25519")
	}
	again, err := canon.Canonicalize(canonical)
	if err != nil {
		return err
	}
	if string(again) != string(canonical) {
		return protocol.New(protocol.CodeMalformed, "", "TSD-CRD-ASC-03", "not in canonical form")
	}
	sig, err := canon.DecodeBase64(signature)
	if err != nil || !key.Verify(canonical, sig) {
		return protocol.New(protocol.CodeSignatureInvalid, "", "TSD-CRD-ASC-03", "")
	}
	return nil
}

// An Unverified message has the right form; nothing is known of its origin.
type Unverified[T any] struct {
	message      T
	party        string
	proof        Proof
	raw, covered []byte
	requirement  string
}

// open reads a signed message. signer tells who must have signed and with what
// proof; a message that may go without has a nil one.
func open[T any, P bodyOf[T]](data []byte, member, requirement string, signer func(T) (string, *Proof)) (*Unverified[T], error) {
	u := &Unverified[T]{requirement: requirement}
	if err := decode(data, requirement, P(&u.message)); err != nil {
		return nil, err
	}
	party, proof := signer(u.message)
	u.party = party
	if proof != nil {
		u.proof = *proof
	}
	var err error
	if u.raw, err = canon.Canonicalize(data); err != nil {
		return nil, err
	}
	u.covered, err = canon.Without(u.raw, member)
	return u, err
}

// Message is what the text says. Nobody has vouched for it before Verify.
func (u *Unverified[T]) Message() T { return u.message }

// Raw is the canonical form of the whole text.
func (u *Unverified[T]) Raw() []byte { return slices.Clone(u.raw) }

// KeyID names the key that is said to have signed, or is empty: the official
// schema leaves it out of the required members.
func (u *Unverified[T]) KeyID() string { return u.proof.KeyID }

// Party is who must have signed.
func (u *Unverified[T]) Party() string { return u.party }

// Verify checks that the key that is named is one of the party that must have
// signed, and the signature by key; nothing else. Whether key is the key of that
// name is the caller's to know.
func (u *Unverified[T]) Verify(key keys.PublicKey) error {
	if wire.SignerDID(u.proof.KeyID) != u.party || u.proof.KeyID == u.party { // no proof has no key either
		return protocol.New(protocol.CodeSignatureInvalid, "", u.requirement, "not by a named key of the party that must sign")
	}
	return VerifyBare(key, u.covered, u.proof.Value)
}
