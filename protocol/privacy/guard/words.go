package guard

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// minToken is the least length of what is taken for a token, in bytes: shorter
// than any header of ours with its payload.
const minToken = 32

// scanTokens finds words of base64url and dots that begin like a JOSE header,
// `{"` in base64url, and have two dots or more; and the base64url of such a
// word, which is how payment proofs travel.
func scanTokens(text string) (out []Finding) {
	for i := 0; i < len(text); {
		if !tokenByte(text[i]) {
			i++
			continue
		}
		start := i
		for i < len(text) && tokenByte(text[i]) {
			i++
		}
		word := text[start:i]
		jose := strings.HasPrefix(word, "eyJ") && strings.Count(word, ".") >= 2
		proof := strings.HasPrefix(word, "ZXlK")
		if len(word) >= minToken && (jose || proof) {
			out = append(out, Finding{Token, start, i})
		}
	}
	return out
}

func tokenByte(c byte) bool { return alnum(c) || c == '-' || c == '_' || c == '.' || c == '~' }

func alnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// Limits of what is looked at, in bytes: RFC 5321 has 64 and 255.
const (
	maxLocal  = 128
	maxDomain = 512
)

// scanEmails finds local parts and domains around at signs: @, its full-width
// and small forms, and %40 as in URLs.
func scanEmails(text string) (out []Finding) {
	for i := 0; i < len(text); {
		size := atSign(text[i:])
		if size == 0 {
			i++
			continue
		}
		end := domain(text, i+size)
		if end == 0 {
			i += size
			continue
		}
		start := i
		for start > 0 && i-start < maxLocal {
			r, n := utf8.DecodeLastRuneInString(text[:start])
			if !localRune(r) {
				break
			}
			start -= n
		}
		if start < i {
			out = append(out, Finding{Email, start, end})
			i = end
			continue
		}
		i += size
	}
	return out
}

func atSign(s string) int {
	for _, at := range []string{"@", "＠", "﹫", "%40"} {
		if strings.HasPrefix(s, at) {
			return len(at)
		}
	}
	return 0
}

func localRune(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || invisible(r) || strings.ContainsRune(".%+'-_", r))
}

// domain returns the end of a domain name that begins at start: labels of
// letters, digits and hyphens with at least one dot, the last of which has two
// letters or more; 0 when there is none.
func domain(text string, start int) int {
	label, letters, dots, end := 0, 0, 0, 0
	for i := start; i < len(text) && i-start < maxDomain; {
		r, n := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == '.' || r == '。' || r == '．':
			if label == 0 {
				return end
			}
			dots++
			label, letters = 0, 0
		case r == utf8.RuneError:
			return end
		case unicode.IsLetter(r) || unicode.IsMark(r):
			label++
			letters++
		case unicode.IsDigit(r) || r == '-':
			label++
		case invisible(r):
		default:
			return end
		}
		i += n
		if dots > 0 && letters >= 2 {
			end = i
		}
	}
	return end
}

// invisible reports format characters (zero-width spaces and joiners, soft
// hyphens, direction marks), which change nothing that a person reads.
func invisible(r rune) bool { return unicode.Is(unicode.Cf, r) }
