package agent

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/money"
)

func TestMentions(t *testing.T) {
	for _, c := range []struct {
		text, category string
		want           bool
	}{
		{"no Alcohol, please", "food/alcohol", true},
		{"alcohol", "alcohol", true},
		{"alcoholic", "food/alcohol", false},
		{"steak", "food/tea", false},
		{"steak and tea", "food/tea", true},
		{"teatea tea", "tea", true},
		{"aaa", "a", false},
		{"不要酒精饮料", "食品/酒精", true},
		{"5G", "mobile/g", false},
		{"", "tea", false},
		{"tea\xff", "tea", true},
	} {
		if got := mentions(c.text, c.category); got != c.want {
			t.Errorf("%q, %q: %v", c.text, c.category, got)
		}
	}
}

// FuzzMentions: no text makes it fail or run for ever, and a category as a
// whole text is always found.
func FuzzMentions(f *testing.F) {
	f.Add("no Alcohol, please", "food/alcohol")
	f.Add("不要酒精饮料", "食品/酒精")
	f.Add("aaaa", "a")
	f.Fuzz(func(t *testing.T, text, category string) {
		if category == "" || category[len(category)-1] == '/' {
			return
		}
		mentions(text, category)
		if !mentions(category, category) && !mentions("/"+category, category) {
			t.Errorf("%q does not mention itself", category)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"": 0, "3": 3 * time.Second, "-1": 0, "soon": 0, "99999": time.Hour, "99999999999999999999": 0, "1.5": 0, "Wed, 21 Oct 2026 07:28:00 GMT": 0,
	} {
		if got := retryAfter(header); got != want {
			t.Errorf("%q: %v", header, got)
		}
	}
}

// TestMergeIsOrdered: for any answers, the merged candidates are sorted as was
// wished, hold every item of every merchant once, and do not depend on the
// order in which the merchants were asked.
func TestMergeIsOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var answers []ShopAnswer
		items := map[string]bool{}
		for n := range rapid.IntRange(0, 5).Draw(t, "shops") {
			s := &Shop{merchant: fmt.Sprint("did:act:shop.test/", n)}
			a := ShopAnswer{Shop: s, Inquiry: &Inquiry{}}
			for _, id := range rapid.SliceOfDistinct(rapid.IntRange(0, 4), rapid.ID).Draw(t, "items") {
				price, _ := money.FromMinor(rapid.Int64Range(0, 3).Draw(t, "price"), money.MustParse("0.00", "CNY").Currency())
				a.Inquiry.Candidates = append(a.Inquiry.Candidates, commerce.Item{
					ID: fmt.Sprint(id), Price: price, Delivery: time.Duration(rapid.IntRange(-1, 2).Draw(t, "delivery")),
				})
				items[s.merchant+" "+fmt.Sprint(id)] = true
			}
			if rapid.IntRange(0, 5).Draw(t, "fails") == 0 {
				for _, i := range a.Inquiry.Candidates {
					delete(items, s.merchant+" "+i.ID)
				}
				a.Inquiry = nil
			}
			answers = append(answers, a)
		}
		by := rapid.SampledFrom([]commerce.Sort{"", commerce.SortRelevance, commerce.SortPrice, commerce.SortDelivery}).Draw(t, "sort")
		got := mergeCandidates(answers, by)
		if len(got) != len(items) {
			t.Fatalf("CID-INT-XFR-06: %d of %d items", len(got), len(items))
		}
		for _, c := range got {
			if key := c.Shop.merchant + " " + c.Item.ID; !items[key] {
				t.Fatalf("%s is there twice, or from nowhere", key)
			} else {
				delete(items, key)
			}
		}
		for k := 1; k < len(got); k++ {
			a, b := got[k-1], got[k]
			switch {
			case by == commerce.SortPrice && a.Item.Price.Minor() > b.Item.Price.Minor(),
				by == commerce.SortDelivery && (a.Item.Delivery < 0 && b.Item.Delivery >= 0 || b.Item.Delivery >= 0 && a.Item.Delivery > b.Item.Delivery),
				by != commerce.SortPrice && by != commerce.SortDelivery && a.Rank > b.Rank:
				t.Fatalf("CID-INT-XFR-06 by %q: %+v before %+v", by, a, b)
			}
		}
		shuffled := rapid.Permutation(answers).Draw(t, "another order")
		if again := mergeCandidates(shuffled, by); !slices.EqualFunc(got, again, func(a, b Candidate) bool {
			return a.Shop == b.Shop && a.Item == b.Item && a.Rank == b.Rank
		}) {
			t.Fatal("CID-INT-XFR-06: the order of the merchants decides")
		}
		// A merchant that gives everything twice gains nothing.
		if twice := mergeCandidates(append(slices.Clone(answers), answers...), by); len(twice) != len(got) {
			t.Fatal("CID-INT-XFR-06: duplicates")
		}
	})
}
