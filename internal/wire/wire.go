// Package wire turns the strings of a decoded message into values, for the
// packages whose messages have many members with the same few rules: SPEC.md
// 1.5 to 1.7, and DIDs.
//
// A [Reader] goes on after a fault and keeps the one that wins by the order of
// [protocol.Code], so that the code a message is refused with does not depend
// on the order in which a program looks at its members.
package wire

import (
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/money"
)

// MaxText is the largest number of characters of a name or other free text.
const MaxText = 256

// A Reader reads the members of one message. Its zero value is ready.
type Reader struct {
	// Requirement is put into faults that do not name one.
	Requirement string

	err *protocol.Error
}

// Err returns the fault that wins, or nil.
func (r *Reader) Err() error {
	if r.err == nil {
		return nil
	}
	return r.err
}

// Fail records a fault of the member field; nil is none.
func (r *Reader) Fail(field string, err error) {
	if err == nil {
		return
	}
	e := *protocol.AsError(protocol.In(protocol.AsError(err), field))
	if e.Requirement == "" {
		e.Requirement = r.Requirement
	}
	if r.err == nil || e.Code.Wins(r.err.Code) {
		r.err = &e
	}
}

// Invalid records field_invalid.
func (r *Reader) Invalid(field, detail string) {
	r.Fail("", protocol.New(protocol.CodeFieldInvalid, field, "", detail))
}

// Require records field_missing when s is empty, and reports whether it is not.
func (r *Reader) Require(field, s string) bool {
	if s == "" {
		r.Fail("", protocol.New(protocol.CodeFieldMissing, field, "", ""))
	}
	return s != ""
}

// Equal records claims_conflict when two members that must agree differ.
func (r *Reader) Equal(field, a, b string) {
	if a != b {
		r.Fail("", protocol.New(protocol.CodeClaimsConflict, field, "", ""))
	}
}

// ID reads a required identifier (SPEC.md 1.7).
func (r *Reader) ID(field, s string) {
	if r.Require(field, s) {
		r.Fail(field, canon.CheckID(s))
	}
}

// OptionalID reads an identifier that may be absent (nil), but not empty.
func (r *Reader) OptionalID(field string, s *string) string {
	if s == nil {
		return ""
	}
	r.ID(field, *s)
	return *s
}

// Nonce reads 16 bytes in base64url.
func (r *Reader) Nonce(field, s string) {
	if !r.Require(field, s) {
		return
	}
	if b, err := canon.DecodeBase64(s); err != nil || len(b) != 16 {
		r.Invalid(field, "must be 16 bytes in base64url")
	}
}

// DID reads a required DID of a method we know.
func (r *Reader) DID(field, s string) {
	if r.Require(field, s) {
		_, err := identity.ParseDID(s)
		r.Fail(field, err)
	}
}

// Text reads required text for people: no control characters, which could
// change what a terminal shows, and at most MaxText characters.
func (r *Reader) Text(field, s string) {
	if !r.Require(field, s) {
		return
	}
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > MaxText || strings.ContainsFunc(s, unprintable) {
		r.Invalid(field, "must be at most 256 characters, none of them a control character")
	}
}

// OptionalText is Text that may be absent (nil), but not empty.
func (r *Reader) OptionalText(field string, s *string) string {
	if s == nil {
		return ""
	}
	r.Text(field, *s)
	return *s
}

// MaxAddress is the largest number of bytes of a delivery address, in a cart
// request as in a mandate.
const MaxAddress = 2048

// OptionalAddress reads a delivery address: text for people as Text reads it,
// in one line or several, of at most MaxAddress bytes. It may be absent (nil),
// but not empty. Whether anybody lives there is not checked.
func (r *Reader) OptionalAddress(field string, s *string) string {
	if s == nil {
		return ""
	}
	hidden := func(c rune) bool { return c != '\n' && unprintable(c) }
	if r.Require(field, *s) && (len(*s) > MaxAddress || !utf8.ValidString(*s) || strings.ContainsFunc(*s, hidden)) {
		r.Invalid(field, "must be at most 2048 bytes of text in lines")
	}
	return *s
}

// unprintable reports controls and the invisible marks that reorder text.
func unprintable(c rune) bool {
	return unicode.IsControl(c) || unicode.In(c, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
}

// Category reads a category: text in segments by "/", none of them empty, so
// that a comparison by segments is one of meaning (SPEC.md 4.2).
func (r *Reader) Category(field, s string) {
	if !r.Require(field, s) {
		return
	}
	r.Text(field, s)
	for segment := range strings.SplitSeq(s, "/") {
		if segment == "" || segment != strings.TrimSpace(segment) {
			r.Invalid(field, "must be segments separated by single slashes")
			return
		}
	}
}

// Time reads a required RFC 3339 time, with an offset or without.
func (r *Reader) Time(field, s string) time.Time {
	if !r.Require(field, s) {
		return time.Time{}
	}
	t, err := canon.ParseTime(s)
	r.Fail(field, err)
	return t
}

// OptionalTime is Time that may be absent (nil), but not empty.
func (r *Reader) OptionalTime(field string, s *string) time.Time {
	if s == nil {
		return time.Time{}
	}
	return r.Time(field, *s)
}

// Currency reads a required ISO 4217 code.
func (r *Reader) Currency(field, s string) money.Currency {
	if !r.Require(field, s) {
		return money.Currency{}
	}
	c, err := money.ParseCurrency(s)
	r.Fail(field, err)
	return c
}

// Amount reads a required decimal of currency c (SPEC.md 1.5). With the zero
// currency, whose own fault is recorded already, nothing is read.
func (r *Reader) Amount(field, s string, c money.Currency) money.Amount {
	if !r.Require(field, s) || c.IsZero() {
		return money.Amount{}
	}
	a, err := money.Parse(s, c)
	r.Fail(field, err)
	return a
}

// Positive reads an amount of more than nothing.
func (r *Reader) Positive(field, s string, c money.Currency) money.Amount {
	a := r.Amount(field, s, c)
	if a.Valid() && a.IsZero() {
		r.Invalid(field, "must be more than zero")
	}
	return a
}

// Optional is nil for the empty string: a member that is left out.
func Optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// FormatTime writes t as SPEC.md 1.6 says; the zero time is empty.
func FormatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return canon.FormatTime(t)
}

// FormatAmount writes a with its currency; the invalid amount is empty.
func FormatAmount(a money.Amount) (amount, currency string) {
	if !a.Valid() {
		return "", ""
	}
	return a.String(), a.Currency().Code()
}

// SignerDID is the DID of a key id: what stands before the "#".
func SignerDID(keyID string) string {
	did, _, _ := strings.Cut(keyID, "#")
	return did
}

// MaxSeconds is the last second of the year 9999 as a NumericDate.
const MaxSeconds = 253402300799

// Seconds is the NumericDate of t (RFC 7519), a fraction cut off; 0 for the
// zero time.
func Seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// NumericDate reads a required NumericDate of whole seconds after 1970.
func (r *Reader) NumericDate(field string, seconds int64) time.Time {
	switch {
	case seconds == 0:
		r.Require(field, "")
	case seconds < 0 || seconds > MaxSeconds:
		r.Invalid(field, "must be whole seconds from 1970 to 9999")
	default:
		return time.Unix(seconds, 0).UTC()
	}
	return time.Time{}
}

// The two forms of a payment method: in mandates, orders and requests, and in
// A402 (SPEC.md 6.4).
const (
	MethodURN = "urn:act:payment:"
	MethodID  = "act:payment/"
)

// MethodName reports whether s is the name of a payment method.
func MethodName(s string) bool {
	for i := range len(s) {
		c := s[i]
		alnum := 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
		if !alnum && (i == 0 || c != '.' && c != '_' && c != '-') {
			return false
		}
	}
	return s != "" && len(s) <= 128
}

// WebURL reads a required absolute http or https URL: at most 2048 characters
// of visible ASCII, without user information or fragment.
func (r *Reader) WebURL(field, s string) {
	if !r.Require(field, s) {
		return
	}
	visible := !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' || c == '#' })
	u, err := url.Parse(s)
	if !visible || len(s) > 2048 || err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil {
		r.Invalid(field, "must be an absolute http or https URL")
	}
}

// PaymentMethod reads a required urn:act:payment:<name>.
func (r *Reader) PaymentMethod(field, s string) {
	if !r.Require(field, s) {
		return
	}
	if name, ok := strings.CutPrefix(s, MethodURN); !ok || !MethodName(name) {
		r.Invalid(field, "must be urn:act:payment: and a name")
	}
}
