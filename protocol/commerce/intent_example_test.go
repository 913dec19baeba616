package commerce_test

import (
	"fmt"

	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/money"
)

// An update says only what changed. The merchant, who still knows the earlier
// request, puts the two together.
func ExampleIntent_Changes() {
	first := commerce.Intent{
		Context:     commerce.IntentContext{Explicit: "a latte", Background: []string{"for two"}},
		Constraints: commerce.Constraints{AllowedCategories: []string{"food/coffee"}},
	}
	second := first.Clone()
	second.Context.Background = nil
	second.Constraints.MaxAmount = money.MustParse("20.00", "CNY")
	second.Constraints.Currency = second.Constraints.MaxAmount.Currency()

	changed, removed := first.Changes(second)
	fmt.Println("told:", changed.Constraints.MaxAmount, changed.Constraints.Currency, "and not again:", changed.Context.Explicit == "")
	fmt.Println("removed:", removed)

	together, err := first.Updated(changed, removed)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("the same:", together.Equal(second))
	// Output:
	// told: 20.00 CNY and not again: true
	// removed: [intent_context.background]
	// the same: true
}
