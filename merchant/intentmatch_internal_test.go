package merchant

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/money"
)

func TestWords(t *testing.T) {
	for text, want := range map[string][]string{
		"":                         nil,
		"Please, a Latte!":         {"please", "latte"},
		"food/coffee food":         {"food", "coffee"},
		"5G 套餐 129 元档":             {"5g", "套餐", "129", "元档"},
		"续费手机套餐":                   {"续费", "费手", "手机", "机套", "套餐"},
		"茶":                        {"茶"},
		"iPhone15手机壳":              {"iphone15", "手机", "机壳"},
		"a 7 b":                    {"7"},
		"ABC abc aBc":              {"abc"},
		"\x00\xff\u202e latte\xff": {"latte"},
	} {
		if got := words(text); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// FuzzWords reads what agents say: words are different, not empty, of letters
// and digits, and in the text.
func FuzzWords(f *testing.F) {
	for _, s := range []string{"Please, a Latte!", "续费手机套餐 5G", "ไทย", "é\u0301\xff\x00", strings.Repeat("茶a", 50)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lower := strings.ToLower(text)
		seen := map[string]bool{}
		for _, w := range words(text) {
			if w == "" || seen[w] || !strings.Contains(lower, w) {
				t.Errorf("%q", w)
			}
			if strings.ContainsFunc(w, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }) {
				t.Errorf("%q", w)
			}
			if !sameWord(w, w) {
				t.Errorf("%q is not itself", w)
			}
			seen[w] = true
		}
	})
}

func TestSameWord(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{{"latte", "lattes", true}, {"lattes", "latte", true}, {"tea", "team", false}, {"coffee", "coffeehouse", false}, {"latte", "matte", false}} {
		if sameWord(c.a, c.b) != c.same {
			t.Errorf("%s, %s: %v", c.a, c.b, !c.same)
		}
	}
}

// TestRatesForget: the memory of a limiter is bounded, and the limit for all
// holds when that of an agent was forgotten.
func TestRatesForget(t *testing.T) {
	now := time.Date(2026, 9, 1, 9, 0, 0, 0, time.UTC)
	r := newIntentRates(1, 3*maxRated)
	for n := range 2 * maxRated {
		if !r.take(fmt.Sprint(n), now.Add(time.Duration(n)*time.Microsecond)) {
			t.Fatal("refused an agent's first request")
		}
	}
	if n := len(r.agents); n > maxRated {
		t.Errorf("%d agents are remembered", n)
	}
	// Those who may send all of a minute's worth again are forgotten first.
	later := now.Add(time.Hour)
	for n := range maxRated / 4 {
		if n%1024 == 0 {
			r.take("a regular", later)
		}
		r.take(fmt.Sprint("new ", n), later)
	}
	if n := len(r.agents); n > maxRated || r.take("a regular", later) {
		t.Errorf("%d agents are remembered, and not the one that came just now", n)
	}
	r = newIntentRates(1, 100)
	if !r.take("a", now) || r.take("a", now) || r.take("a", now.Add(time.Minute-1)) || !r.take("a", now.Add(time.Minute)) {
		t.Error("not one a minute")
	}
	if r.take("a", now.Add(-time.Hour)) {
		t.Error("a clock that goes back gives more")
	}
}

// BenchmarkMatchCatalogue searches a catalogue of 400 items, near the most that
// 64 KiB hold, for the longest need there can be.
func BenchmarkMatchCatalogue(b *testing.B) {
	var items []commerce.Item
	for n := range 400 {
		items = append(items, commerce.Item{
			ID: fmt.Sprint(n), Name: fmt.Sprintf("Item number %d 套餐 of a long catalogue", n), Category: "food/coffee", Price: money.MustParse("18.00", "CNY"),
		})
	}
	context := commerce.IntentContext{Explicit: strings.Repeat("coffee 套餐手机 number ", 12)}
	for n := range commerce.MaxIntentEntries {
		context.Implicit = append(context.Implicit, fmt.Sprint(n, strings.Repeat(" words and more words", 12)))
	}
	for b.Loop() {
		x := newWordIndex(items)
		values := x.values(context)
		for n := range items {
			x.score(n, values)
		}
	}
}
