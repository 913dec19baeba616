package agent

import (
	"fmt"
	"testing"

	"github.com/actprotocol/act-go/protocol/money"
)

// TestPrices fills the memory as sellers can and looks at what is left
// (ADD-INT-ICS-15).
func TestPrices(t *testing.T) {
	yuan := func(s string) money.Amount { return money.MustParse(s, "CNY") }
	t.Run("the first price counts, a fixed one more", func(t *testing.T) {
		a := new(Agent)
		a.seePrice("shop", "latte", yuan("1.00"))
		a.seePrice("shop", "latte", yuan("9.00"))
		if a.price("shop", "latte") != yuan("1.00") || a.price("shop", "tea").Valid() || a.price("other", "latte").Valid() {
			t.Error(a.price("shop", "latte"))
		}
		a.RecordPrice("shop", "latte", yuan("2.00"))
		a.seePrice("shop", "latte", yuan("3.00"))
		if a.price("shop", "latte") != yuan("2.00") {
			t.Error(a.price("shop", "latte"))
		}
		a.ForgetPrice("shop", "latte")
		if a.price("shop", "latte") != yuan("1.00") {
			t.Error(a.price("shop", "latte"))
		}
	})
	t.Run("a seller cannot displace its own earlier price", func(t *testing.T) {
		a := new(Agent)
		a.seePrice("shop", "latte", yuan("1.00"))
		for n := range 3 * maxPriced {
			a.seePrice("shop", fmt.Sprint("item-", n), yuan("1.00"))
		}
		a.seePrice("shop", "latte", yuan("9.00"))
		if a.price("shop", "latte") != yuan("1.00") || a.price("shop", fmt.Sprint("item-", 3*maxPriced-1)).Valid() {
			t.Error("displaced, or remembered without end")
		}
		if n := len(a.prices.seen["shop"].items); n != maxPriced {
			t.Errorf("%d items", n)
		}
	})
	t.Run("the merchant that was seen longest ago is forgotten", func(t *testing.T) {
		a := new(Agent)
		a.RecordPrice("shop-1", "fixed", yuan("5.00"))
		for n := range maxShops {
			a.seePrice(fmt.Sprint("shop-", n), "latte", yuan("1.00"))
		}
		a.seePrice("shop-0", "latte", yuan("1.00")) // seen again
		a.seePrice("another", "latte", yuan("1.00"))
		if len(a.prices.seen) != maxShops || !a.price("shop-0", "latte").Valid() || a.price("shop-1", "latte").Valid() || !a.price("another", "latte").Valid() {
			t.Errorf("%d merchants", len(a.prices.seen))
		}
		if a.price("shop-1", "fixed") != yuan("5.00") {
			t.Error("what the user fixed was forgotten")
		}
	})
}
