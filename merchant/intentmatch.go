package merchant

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"unicode"

	"github.com/actprotocol/act-go/protocol/commerce"
)

// MatchCatalogue is a Matcher over the shop's catalogue. It keeps what the
// constraints allow and what is available at a valid price. Among these it
// looks for the words of the need in names and categories, where a rare word
// counts more than a common one, the explicit need more than implicit needs,
// and these more than preferences. Items without any word of the need are left
// out, unless the agent named categories: then the category is the need, and
// words only order. Text without spaces between words, as Chinese, is compared
// by pairs of characters.
//
// It is deterministic, learns nothing and keeps nothing. Background is not
// searched for.
func (s *Shop) MatchCatalogue(ctx context.Context, q IntentQuery) ([]commerce.Item, error) {
	items, err := s.items(ctx)
	if err != nil {
		return nil, err
	}
	items = slices.DeleteFunc(slices.Clone(items), func(i commerce.Item) bool {
		return !offered(i, q.At) || q.Intent.Constraints.Check(i, q.At) != nil
	})
	index := newWordIndex(items)
	values := index.values(q.Intent.Context)
	found := make([]scoredItem, 0, len(items))
	for n, item := range items {
		score := index.score(n, values)
		if score > 0 || q.Intent.Constraints.AllowedCategories != nil {
			found = append(found, scoredItem{item, score})
		}
	}
	slices.SortFunc(found, byPreference(q.Intent.Response.Sort))
	out := make([]commerce.Item, len(found))
	for n, f := range found {
		out[n] = f.Item
	}
	return out, nil
}

type scoredItem struct {
	commerce.Item
	score float64
}

// byPreference orders by the agent's wish, then by how well it fits, price and
// id, so that equal questions have equal answers. Prices in different
// currencies are not compared: the currencies' codes are.
func byPreference(s commerce.Sort) func(a, b scoredItem) int {
	price := func(a, b scoredItem) int {
		return cmp.Or(cmp.Compare(a.Price.Currency().Code(), b.Price.Currency().Code()), cmp.Compare(a.Price.Minor(), b.Price.Minor()))
	}
	fit := func(a, b scoredItem) int { return cmp.Compare(b.score, a.score) }
	delivery := func(a, b scoredItem) int { return cmp.Compare(uint64(a.Delivery), uint64(b.Delivery)) } // unknown is last
	id := func(a, b scoredItem) int { return cmp.Compare(a.ID, b.ID) }
	return func(a, b scoredItem) int {
		switch s {
		case commerce.SortPrice:
			return cmp.Or(price(a, b), fit(a, b), id(a, b))
		case commerce.SortDelivery:
			return cmp.Or(delivery(a, b), fit(a, b), price(a, b), id(a, b))
		default:
			return cmp.Or(fit(a, b), price(a, b), id(a, b))
		}
	}
}

// A wordIndex has the words of items and how many items have each.
type wordIndex struct {
	words [][]string
	count map[string]int
}

func newWordIndex(items []commerce.Item) *wordIndex {
	x := &wordIndex{count: make(map[string]int)}
	for _, i := range items {
		w := words(i.Name + " " + i.Category)
		x.words = append(x.words, w)
		for _, word := range w {
			x.count[word]++
		}
	}
	return x
}

// The weights of the parts of a need.
const (
	weightExplicit   = 4
	weightImplicit   = 2
	weightPreference = 1
)

// maxWanted bounds the words of a need that are looked for: a need has few, and
// one that has thousands shall not cost more.
const maxWanted = 128

// values says what each word of the items is worth for a need: how rare it is,
// by the weight of the part of the need that has it.
func (x *wordIndex) values(c commerce.IntentContext) map[string]float64 {
	type part struct {
		words  []string
		weight float64
	}
	parts := []part{{words(c.Explicit), weightExplicit}}
	for _, s := range c.Implicit {
		parts = append(parts, part{words(s), weightImplicit})
	}
	for _, s := range c.Preferences {
		parts = append(parts, part{words(s), weightPreference})
	}
	out, left := make(map[string]float64), maxWanted
	for _, p := range parts {
		wanted := p.words[:min(len(p.words), left)]
		left -= len(wanted)
		for have, count := range x.count {
			if out[have] == 0 && slices.ContainsFunc(wanted, func(w string) bool { return sameWord(have, w) }) {
				out[have] = p.weight * math.Log1p(float64(len(x.words))/float64(count))
			}
		}
	}
	return out
}

// score adds up what the words of item n are worth; 0 says that it does not
// fit.
func (x *wordIndex) score(n int, values map[string]float64) (sum float64) {
	for _, w := range x.words[n] {
		sum += values[w]
	}
	return sum
}

// sameWord also takes "lattes" for "latte": one word begins with the other,
// which has at least four letters, and is longer by at most two.
func sameWord(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return a == b || len(a) >= 4 && len(b)-len(a) <= 2 && strings.HasPrefix(b, a)
}

// words returns the different words of a text in lower case: runs of letters
// and digits, and of characters that are written without spaces each pair that
// stands together. A single Latin letter is no word.
func words(text string) (out []string) {
	add := func(w string) {
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	for _, run := range strings.FieldsFunc(strings.ToLower(text), func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }) {
		start := 0
		runes := []rune(run)
		for i := range runes {
			if i+1 < len(runes) && unspaced(runes[i]) == unspaced(runes[i+1]) {
				continue
			}
			part := runes[start : i+1]
			start = i + 1
			switch {
			case !unspaced(part[0]) && len(part) > 1, len(part) == 1 && (unspaced(part[0]) || unicode.IsDigit(part[0])):
				add(string(part))
			case unspaced(part[0]):
				for k := range len(part) - 1 {
					add(string(part[k : k+2]))
				}
			}
		}
	}
	return out
}

// unspaced reports characters of scripts that are written without spaces.
func unspaced(c rune) bool {
	return unicode.In(c, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai)
}
