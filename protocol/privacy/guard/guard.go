package guard

import (
	"slices"
	"strings"

	"github.com/actprotocol/act-go/protocol"
)

// A Kind says what was found.
type Kind string

// The kinds; the list is closed. Where two overlap the finding has the kind
// that stands first here and covers both.
const (
	Token    Kind = "token"       // a JWS, JWT, SD-JWT or JWE in compact form, or a payment proof
	Email    Kind = "email"       // local part, @ or %40, domain with a dot
	Resident Kind = "resident-id" // 18 characters with a birthday and a right checksum (GB 11643)
	Account  Kind = "account"     // 12 to 19 digits with a right Luhn digit (ISO/IEC 7812)
	Phone    Kind = "phone"       // a mobile number of mainland China, or + and 7 to 15 digits (E.164)
)

var order = []Kind{Token, Email, Resident, Account, Phone}

// A Finding is a place in a text. It does not hold what stands there.
type Finding struct {
	Kind       Kind
	Start, End int // text[Start:End], in bytes
}

// Scan returns what is found in a text, from left to right, without overlaps.
//
// Digits may be of any script (Unicode Nd, full width among them), letters of
// an identity number of full width, and invisible characters (Unicode Cf)
// between them are seen through. Digits may stand in groups, separated by
// single spaces or hyphens of any kind as cards and telephone numbers are
// printed, for telephone numbers also by dots and brackets.
func Scan(text string) []Finding {
	found := scanTokens(text)
	found = append(found, scanEmails(text)...)
	found = append(found, scanNumbers(text)...)
	return merge(found)
}

// merge joins findings that overlap.
func merge(found []Finding) []Finding {
	slices.SortFunc(found, func(a, b Finding) int {
		if a.Start != b.Start {
			return a.Start - b.Start
		}
		return b.End - a.End
	})
	out := found[:0]
	for _, f := range found {
		if len(out) > 0 && f.Start < out[len(out)-1].End {
			last := &out[len(out)-1]
			last.End = max(last.End, f.End)
			if slices.Index(order, f.Kind) < slices.Index(order, last.Kind) {
				last.Kind = f.Kind
			}
			continue
		}
		out = append(out, f)
	}
	return out
}

// Mask returns the text with every finding replaced by its kind in square
// brackets, "[account]" for example.
//
// It looks again at what it made, until nothing is found: a number that was
// taken for the decimals of another shows when that one is gone.
func Mask(text string) string {
	for found := Scan(text); len(found) > 0; found = Scan(text) {
		var b strings.Builder
		at := 0
		for _, f := range found {
			b.WriteString(text[at:f.Start])
			b.WriteString("[" + string(f.Kind) + "]")
			at = f.End
		}
		b.WriteString(text[at:])
		text = b.String()
	}
	return text
}

// Check refuses a text in which something is found, with field_invalid and the
// kind of the first finding. Use it before something is anchored, or published
// in another way that cannot be undone.
func Check(text string) error {
	if found := Scan(text); len(found) > 0 {
		return protocol.New(protocol.CodeFieldInvalid, "", "PRV-04", "holds what looks like personal data or a secret: "+string(found[0].Kind))
	}
	return nil
}
