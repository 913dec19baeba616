package page

import (
	"net/http"
	"strconv"
	"strings"
)

// A Language is one in which the pages are written.
type Language string

// The languages; the first is for who wants neither.
const (
	English Language = "en"
	Chinese Language = "zh"
)

// languageOf chooses: what the reader has chosen by the switch ("lang" in the
// query), or else what the browser prefers. chosen tells which of the two.
func languageOf(r *http.Request) (l Language, chosen bool) {
	switch l := Language(r.URL.Query().Get("lang")); l {
	case English, Chinese:
		return l, true
	}
	return preferred(r.Header.Get("Accept-Language")), false
}

// preferred reads Accept-Language (RFC 9110, 12.5.4): of the languages that we
// have, the one with the highest weight, and of several the first.
func preferred(header string) Language {
	best, weight := English, 0.0
	for i, item := range strings.Split(header, ",") {
		if i == 32 { // nobody reads so many
			break
		}
		tag, parameters, _ := strings.Cut(item, ";")
		primary, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		l := Language(primary)
		if l != English && l != Chinese {
			continue
		}
		q := 1.0
		if value, ok := strings.CutPrefix(strings.TrimSpace(parameters), "q="); ok {
			parsed, err := strconv.ParseFloat(value, 64)
			if err != nil || !(parsed >= 0 && parsed <= 1) {
				continue
			}
			q = parsed
		}
		if q > weight {
			best, weight = l, q
		}
	}
	return best
}

// HTML is the value of the lang attribute.
func (l Language) HTML() string {
	if l == Chinese {
		return "zh-Hans"
	}
	return "en"
}

// Words are texts in both languages.
type Words map[Language]string

// In returns the text of a language.
func (w Words) In(l Language) string { return w[l] }

// Join puts two sentences behind each other.
func (l Language) Join(a, b string) string {
	if l == Chinese {
		return a + b
	}
	return a + " " + b
}
