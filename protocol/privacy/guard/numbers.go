package guard

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A group is a run of digits without anything visible between them.
type group struct {
	start, end int // in the text
	digits     string
	sep        string // the characters between the group before and this one, when they separate; "" when the chain begins here
	check      bool   // an X follows, as at the end of an identity number
	checkEnd   int
}

// maxDigits is where a run of digits is too long to be any of our kinds; more
// need not be kept.
const maxDigits = 20

// scanNumbers finds identity, account and telephone numbers.
func scanNumbers(text string) (out []Finding) {
	chain := make([]group, 0, 8)
	flush := func() {
		out = append(out, findIn(text, chain)...)
		chain = chain[:0]
	}
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		if _, ok := digit(r); !ok {
			i += n
			continue
		}
		if end := skipIdentifier(text, i); end > i {
			flush()
			i = end
			continue
		}
		g := readGroup(text, i)
		if len(chain) > 0 {
			g.sep = separator(text[chain[len(chain)-1].end:g.start])
		}
		if g.sep == "" {
			flush()
		}
		chain = append(chain, g)
		i = g.end
	}
	flush()
	return out
}

// digit returns the value of a decimal digit of any script. The digits of a
// script stand together, from zero to nine.
func digit(r rune) (byte, bool) {
	if '0' <= r && r <= '9' {
		return byte(r), true
	}
	if !unicode.IsDigit(r) {
		return 0, false
	}
	zero := r
	for unicode.Is(unicode.Nd, zero-1) && r-zero < 60 {
		zero--
	}
	return '0' + byte((r-zero)%10), true
}

func readGroup(text string, start int) group {
	g := group{start: start, end: start}
	var b strings.Builder
	for i := start; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		d, ok := digit(r)
		if !ok && !invisible(r) {
			if strings.ContainsRune("xXｘＸ", r) {
				g.check, g.checkEnd = true, i+n
			}
			break
		}
		i += n
		if ok {
			g.end = i
			if b.Len() <= maxDigits {
				b.WriteByte(d)
			}
		}
	}
	g.digits = b.String()
	return g
}

// separator returns what stands between two groups when it may separate them:
// up to two characters that are spaces, hyphens, dots or brackets, after
// invisible ones are left out. Lines and tabs end a number.
func separator(between string) string {
	var b strings.Builder
	count := 0
	for _, r := range between {
		switch {
		case invisible(r):
			continue
		case unicode.Is(unicode.Zs, r):
			b.WriteByte(' ')
		case unicode.Is(unicode.Pd, r) || r == '−':
			b.WriteByte('-')
		case r == '.' || r == '·' || r == '・':
			b.WriteByte('.')
		case strings.ContainsRune("()（）", r):
			b.WriteByte('(')
		default:
			return ""
		}
		if count++; count > 2 {
			return ""
		}
	}
	return b.String()
}

// findIn looks for numbers that begin at each group of a chain; the longest
// kind is tried first.
func findIn(text string, chain []group) (out []Finding) {
	for i := 0; i < len(chain); {
		// What follows a finding and a dot is not the decimals of that finding.
		after := len(out) > 0 && out[len(out)-1].End == chain[i].start-1
		f, next := findAt(text, chain, i, !after && fraction(text, chain[i].start))
		if next == 0 {
			i++
			continue
		}
		out = append(out, f)
		i = next
	}
	return out
}

// findAt returns a number that begins with group i, and the group after it. The
// decimals of a fraction are neither account nor telephone number.
func findAt(text string, chain []group, i int, decimals bool) (Finding, int) {
	if n, end := resident(chain[i:]); n > 0 {
		return Finding{Resident, chain[i].start, end}, i + n
	}
	if decimals {
		return Finding{}, 0
	}
	if n := account(chain[i:]); n > 0 {
		return Finding{Account, chain[i].start, chain[i+n-1].end}, i + n
	}
	if start, n := phone(text, chain[i:]); n > 0 {
		return Finding{Phone, start, chain[i+n-1].end}, i + n
	}
	return Finding{}, 0
}

// joins reports whether the separator of a group is of one character of those
// with which cards and identity numbers are printed.
func joins(g group) bool { return g.sep == " " || g.sep == "-" }

// resident matches a resident identity number of 18 characters: six digits of
// place, a birthday, three digits, and a check character by ISO 7064 MOD 11-2.
func resident(chain []group) (n int, end int) {
	all := ""
	for i, g := range chain {
		if i > 0 && !joins(g) || len(all) > 18 {
			break
		}
		all += g.digits
		switch {
		case len(all) == 17 && g.check && validResident(all+"X"):
			return i + 1, g.checkEnd
		case len(all) == 18 && validResident(all):
			return i + 1, g.end
		}
	}
	return 0, 0
}

func validResident(s string) bool {
	if s[0] == '0' {
		return false
	}
	born, err := time.Parse("20060102", s[6:14])
	if err != nil || born.Year() < 1850 || born.Year() > 2150 {
		return false
	}
	sum := 0
	weight := 1
	for i := 16; i >= 0; i-- {
		weight = weight * 2 % 11
		sum += int(s[i]-'0') * weight
	}
	return "10X98765432"[sum%11] == s[17]
}

// account matches 12 to 19 digits with a right Luhn digit, in one group or as
// cards are printed: groups of 3 to 6 digits and a last one of up to 13. A
// number of zeros only is none.
func account(chain []group) (n int) {
	all := ""
	for i, g := range chain {
		if i > 0 && (!joins(g) || len(chain[i-1].digits) < 3 || len(chain[i-1].digits) > 6 || len(g.digits) > 13) {
			break
		}
		if all += g.digits; len(all) > 19 {
			break
		}
		if len(all) >= 12 && luhn(all) {
			n = i + 1
		}
	}
	return n
}

// fraction reports whether what begins at start are the decimals of a number:
// a digit and a dot stand before it.
func fraction(text string, start int) bool {
	return start >= 2 && text[start-1] == '.' && '0' <= text[start-2] && text[start-2] <= '9'
}

func luhn(s string) bool {
	sum, other := 0, 0
	for i := range len(s) {
		v := int(s[len(s)-1-i] - '0')
		other += v
		if i%2 == 1 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return sum%10 == 0 && other > 0
}

// phone matches a mobile number of mainland China, with 86, 0086 or +86 before
// it or nothing, or a plus sign and 7 to 15 digits.
func phone(text string, chain []group) (start, n int) {
	if at := plus(text, chain[0].start); at >= 0 && chain[0].digits[0] != '0' {
		count := 0
		for i, g := range chain {
			if count += len(g.digits); count > 15 {
				break
			}
			if count >= 7 {
				n = i + 1
			}
		}
		if n > 0 {
			return at, n
		}
	}
	return chain[0].start, mobile(chain)
}

// mobile returns how many groups are a mobile number of mainland China: 11
// digits from 13 to 19, in one group or as 3, 4 and 4 or 3 and 8, after the
// country's 86 or 0086 or nothing; 0 when they are none.
func mobile(chain []group) int {
	first, skip := chain[0].digits, 0
	if (first == "86" || first == "0086") && len(chain) > 1 {
		first, skip = chain[1].digits, 1
	} else if country := strings.TrimPrefix(strings.TrimPrefix(first, "00"), "86"); len(country) == 11 || len(country) == 3 {
		first = country
	}
	if len(first) < 3 || first[0] != '1' || first[1] < '3' {
		return 0
	}
	length := func(i int) int {
		if skip+i < len(chain) {
			return len(chain[skip+i].digits)
		}
		return 0
	}
	switch {
	case len(first) == 11:
		return skip + 1
	case len(first) == 3 && length(1) == 8:
		return skip + 2
	case len(first) == 3 && length(1) == 4 && length(2) == 4:
		return skip + 3
	}
	return 0
}

// plus returns the place of a plus sign just before start, with a bracket and
// invisible characters between them or not, or -1. One that follows a letter
// or digit, as in a time with an offset or in base64, is none.
func plus(text string, start int) int {
	for start > 0 {
		r, n := utf8.DecodeLastRuneInString(text[:start])
		start -= n
		if invisible(r) || r == '(' || r == '（' {
			continue
		}
		if r != '+' && r != '＋' || start > 0 && alnum(text[start-1]) {
			return -1
		}
		return start
	}
	return -1
}

// skipIdentifier returns the end of a UUID or of a hexadecimal hash that begins
// at or before a digit and goes on after it, or start. Both are of letters a
// to f and digits, so that digits in them mean nothing.
func skipIdentifier(text string, start int) int {
	from := start
	for from > 0 && alnum(text[from-1]) && start-from < 129 {
		from--
	}
	end, letters := from, 0
	for end < len(text) && isHex(text[end]) && end-from <= 128 {
		if text[end] > '9' {
			letters++
		}
		end++
	}
	first := from
	for first > 0 && (alnum(text[first-1]) || text[first-1] == '-') && start-first < 36 {
		first--
	}
	if n := uuid(text[first:]); n > 0 && first+n > start && (first == 0 || !alnum(text[first-1]) && text[first-1] != '-') {
		return first + n
	}
	if end < len(text) && (alnum(text[end]) || text[end] >= utf8.RuneSelf) || letters == 0 {
		return start
	}
	switch end - from {
	case 16, 32, 40, 64, 96, 128:
		return end
	}
	return start
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }

// uuid returns 36 when s begins with a UUID of the form of RFC 9562 that ends
// there.
func uuid(s string) int {
	const form = "xxxxxxxx-xxxx-Vxxx-Nxxx-xxxxxxxxxxxx"
	if len(s) < len(form) {
		return 0
	}
	for i := range len(form) {
		c := s[i]
		ok := isHex(c)
		switch form[i] {
		case '-':
			ok = c == '-'
		case 'V':
			ok = '1' <= c && c <= '8'
		case 'N':
			ok = strings.IndexByte("89abAB", c) >= 0
		}
		if !ok {
			return 0
		}
	}
	if len(s) > len(form) && (alnum(s[len(form)]) || s[len(form)] == '-') {
		return 0
	}
	return len(form)
}
