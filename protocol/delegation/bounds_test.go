package delegation

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/money"
)

func bounds(t testing.TB, change func(*Authorization)) Bounds {
	t.Helper()
	a := fullAuthorization(t)
	if change != nil {
		change(a)
	}
	b, err := a.Bounds()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// latte is a purchase that every role allows.
func latte(t testing.TB) Purchase {
	return Purchase{
		At: noon, Amount: cny(t, "18.00"), Merchant: shopDID, Categories: []string{"food/coffee"},
		Method: walletURN, DeliverBy: noon.Add(time.Hour), CataloguePrice: cny(t, "18.00"),
	}
}

func TestDecideAllows(t *testing.T) {
	nothing := cny(t, "0.00")
	for role, names := range map[Role][]string{
		RoleAgent:    {"constraints known", "time window", "currency", "single limit", "single minimum", "total limit", "payment method", "merchant", "category", "delivery time", "price deviation", "attempts"},
		RoleMerchant: {"constraints known", "time window"},
		RolePSP:      {"constraints known", "time window", "currency", "single limit", "single minimum", "total limit", "payment method", "merchant", "category", "delivery time"},
	} {
		d := bounds(t, nil).Decide(role, latte(t), &nothing)
		if !d.Allowed() {
			t.Errorf("role %d: %v", role, d.Err())
		}
		var got []string
		for _, c := range d.Checks() {
			if c.Requirement == "" {
				t.Errorf("%s has no requirement", c.Name)
			}
			got = append(got, c.Name)
		}
		if !slices.Equal(got, names) {
			t.Errorf("role %d made the checks %q", role, got)
		}
	}
}

func TestDecideRefuses(t *testing.T) {
	const agent, merchant, psp = 1, 2, 4
	for _, c := range []struct {
		name     string
		bounds   func(*Authorization)
		purchase func(*Purchase)
		code     protocol.Code
		roles    int // who refuses; the others allow
	}{
		{"ADD-IAC-LCM-06 before the window", nil, func(p *Purchase) { p.At = start.Add(-1) }, protocol.CodeMandateNotYetValid, agent | merchant | psp},
		{"ADD-IAC-LCM-05 at the end of the window", nil, func(p *Purchase) { p.At, p.DeliverBy = end, noon }, protocol.CodeMandateExpired, agent | merchant | psp},
		{"ADD-IAC-LCM-06 no time", nil, func(p *Purchase) { p.At = time.Time{} }, protocol.CodeFactMissing, agent | merchant | psp},
		{"PSD-PAY-DEL-06 no amount", nil, func(p *Purchase) { p.Amount = money.Amount{} }, protocol.CodeFactMissing, agent | psp},
		{"PSD-PAY-DEL-06 another currency of the same number", nil, func(p *Purchase) { p.Amount = amount(t, "18", "JPY"); p.CataloguePrice = p.Amount }, protocol.CodeCurrencyMismatch, agent | psp},
		{"PSD-PAY-DEL-06 single limit", func(a *Authorization) { a.Ext.Commerce.MaxSingleAmount = "17.99" }, nil, protocol.CodeSingleLimitExceeded, agent | psp},
		{"PSD-PAY-DEL-06 minimum", func(a *Authorization) { a.Ext.Commerce.MinSingleAmount = "18.01" }, nil, protocol.CodeBelowMinimum, agent | psp},
		{"PSD-PAY-DEL-06 total", func(a *Authorization) { a.MaxTotalAmount, a.Ext.Commerce.MaxSingleAmount = "17.99", "" }, nil, protocol.CodeTotalLimitExceeded, agent | psp},
		{"PSD-PAY-DEL-06 method", nil, func(p *Purchase) { p.Method = walletURN + "2" }, protocol.CodeMethodNotAllowed, agent | psp},
		{"PSD-PAY-DEL-06 method in capitals", nil, func(p *Purchase) { p.Method = "URN:act:payment:wallet" }, protocol.CodeMethodNotAllowed, agent | psp},
		{"PSD-PAY-DEL-06 no method", nil, func(p *Purchase) { p.Method = "" }, protocol.CodeFactMissing, agent | psp},
		{"PSD-PAY-DEL-04 merchant", nil, func(p *Purchase) { p.Merchant = shopDID + "x" }, protocol.CodeMerchantNotAllowed, agent | psp},
		{"PSD-PAY-DEL-04 no merchant", nil, func(p *Purchase) { p.Merchant = "" }, protocol.CodeFactMissing, agent | psp},
		{"PSD-PAY-DEL-04 forbidden beats allowed", func(a *Authorization) { a.Ext.Commerce.ForbiddenMerchants = []string{shopDID} }, nil, protocol.CodeMerchantNotAllowed, agent | psp},
		{"PSD-PAY-DEL-04 forbidden alone", func(a *Authorization) {
			a.Ext.Commerce.AllowedMerchants, a.Ext.Commerce.ForbiddenMerchants = nil, []string{shopDID}
		}, nil, protocol.CodeMerchantNotAllowed, agent | psp},
		{"PSD-PAY-DEL-04 forbidden alone and no merchant", func(a *Authorization) { a.Ext.Commerce.AllowedMerchants = nil }, func(p *Purchase) { p.Merchant = "" }, protocol.CodeFactMissing, agent | psp},
		{"PSD-PAY-DEL-04 category is no prefix of bytes", nil, func(p *Purchase) { p.Categories = []string{"foodstuff"} }, protocol.CodeCategoryNotAllowed, agent | psp},
		{"PSD-PAY-DEL-04 one of two categories", nil, func(p *Purchase) { p.Categories = []string{"food/coffee", "books"} }, protocol.CodeCategoryNotAllowed, agent | psp},
		{"PSD-PAY-DEL-04 forbidden category", nil, func(p *Purchase) { p.Categories = []string{"food/alcohol"} }, protocol.CodeCategoryNotAllowed, agent | psp},
		{"PSD-PAY-DEL-04 below a forbidden category", nil, func(p *Purchase) { p.Categories = []string{"food/alcohol/wine"} }, protocol.CodeCategoryNotAllowed, agent | psp},
		{"PSD-PAY-DEL-04 forbidden behind an empty segment", nil, func(p *Purchase) { p.Categories = []string{"food//alcohol"} }, protocol.CodeFactMissing, agent | psp},
		{"PSD-PAY-DEL-04 wider than a forbidden category", nil, func(p *Purchase) { p.Categories = []string{"food"} }, protocol.CodeFactMissing, agent | psp},
		{"PSD-PAY-DEL-04 wider than the allowed category", func(a *Authorization) { a.Ext.Commerce.AllowedCategories = []string{"food/coffee/latte"} }, nil, protocol.CodeCategoryNotAllowed, agent | psp},
		{"PSD-PAY-DEL-04 no category", nil, func(p *Purchase) { p.Categories = nil }, protocol.CodeFactMissing, agent | psp},
		{"PSD-PAY-DEL-04 empty category beside a good one", nil, func(p *Purchase) { p.Categories = []string{"food/coffee", ""} }, protocol.CodeFactMissing, agent | psp},
		{"ADD-INT-ICS-16 late", nil, func(p *Purchase) { p.DeliverBy = start.Add(18*time.Hour + 1) }, protocol.CodeDeliveryNotMet, agent | psp},
		{"ADD-INT-ICS-16 no promise", nil, func(p *Purchase) { p.DeliverBy = time.Time{} }, protocol.CodeFactMissing, agent | psp},
		{"ADD-INT-ICS-16 a form that nobody can judge", func(a *Authorization) { a.Ext.Fulfillment.DeliveryTimeRequirement = "within 30 minutes" }, nil, protocol.CodeFactMissing, agent | psp},
		{"ADD-INT-ICS-15 dearer than tolerated", nil, func(p *Purchase) { p.CataloguePrice = cny(t, "16.36") }, protocol.CodePriceDeviation, agent},
		{"ADD-INT-ICS-15 cheaper than tolerated", nil, func(p *Purchase) { p.CataloguePrice = cny(t, "20.01") }, protocol.CodePriceDeviation, agent},
		{"ADD-INT-ICS-15 no catalogue price", nil, func(p *Purchase) { p.CataloguePrice = money.Amount{} }, protocol.CodeFactMissing, agent},
		{"ADD-INT-ICS-15 catalogue price in another currency", nil, func(p *Purchase) { p.CataloguePrice = amount(t, "18", "JPY") }, protocol.CodeCurrencyMismatch, agent},
		{"ADD-INT-ICS-15 third retry of two", nil, func(p *Purchase) { p.Attempt = 3 }, protocol.CodeRetriesExhausted, agent},
		{"ADD-INT-ICS-15 retry after CANCEL", func(a *Authorization) { a.Ext.AgentBehavior.OnPaymentFailure = Cancel }, func(p *Purchase) { p.Attempt = 1 }, protocol.CodeRetriesExhausted, agent},
		{"ADD-INT-ICS-15 attempt unknown", nil, func(p *Purchase) { p.Attempt = -1 }, protocol.CodeFactMissing, agent},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, p, spent := bounds(t, c.bounds), latte(t), cny(t, "0.00")
			if c.purchase != nil {
				c.purchase(&p)
			}
			for role, bit := range map[Role]int{RoleAgent: agent, RoleMerchant: merchant, RolePSP: psp} {
				d := b.Decide(role, p, &spent)
				if c.roles&bit == 0 {
					if !d.Allowed() {
						t.Errorf("role %d judges what is not its business: %v", role, d.Err())
					}
					continue
				}
				if got := protocol.CodeOf(d.Err()); got != c.code {
					t.Errorf("role %d: %q, want %q", role, got, c.code)
				}
			}
		})
	}
}

func TestDecideTotal(t *testing.T) {
	b := bounds(t, nil)
	spent, none := cny(t, "2.00"), money.Amount{}
	yen := amount(t, "2", "JPY")
	for _, c := range []struct {
		name  string
		role  Role
		spent *money.Amount
		code  protocol.Code
	}{
		{"PSD-PAY-DEL-01 exactly the total", RoleAgent, &spent, ""},
		{"PSD-PAY-DEL-01 an agent must know what it spent", RoleAgent, nil, protocol.CodeFactMissing},
		{"PSD-PAY-DEL-01 the zero amount is not known", RoleAgent, &none, protocol.CodeFactMissing},
		{"PSD-PAY-DEL-01 spent in another currency", RoleAgent, &yen, protocol.CodeCurrencyMismatch},
		{"PSD-PAY-DEL-07 the PSP's ledger holds the total", RolePSP, nil, ""},
		{"PSD-PAY-DEL-07 the zero amount is not known", RolePSP, &none, protocol.CodeFactMissing},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := b.Decide(c.role, latte(t), c.spent)
			if got := protocol.CodeOf(d.Err()); got != c.code {
				t.Errorf("%q, want %q", got, c.code)
			}
			for _, check := range d.Checks() {
				if check.Name == "total limit" && c.role == RolePSP && c.spent == nil {
					t.Error("a check is shown that was not made")
				}
			}
		})
	}
	t.Run("PSD-PAY-DEL-06 one cent over", func(t *testing.T) {
		over := cny(t, "2.01")
		if got := protocol.CodeOf(b.Decide(RoleAgent, latte(t), &over).Err()); got != protocol.CodeTotalLimitExceeded {
			t.Errorf("%q", got)
		}
	})
	t.Run("PSD-PAY-DEL-06 no overflow", func(t *testing.T) {
		c, _ := money.ParseCurrency("CNY")
		most, err := money.FromMinor(1<<63-1, c)
		if err != nil {
			t.Fatal(err)
		}
		p := latte(t)
		p.Amount = most
		if b.Decide(RoleAgent, p, &most).Allowed() {
			t.Error("allowed")
		}
	})
	t.Run("zero values deny", func(t *testing.T) {
		if d := (Bounds{}).Decide(RoleAgent, latte(t), &spent); d.Allowed() {
			t.Error("zero bounds allow")
		}
		for _, role := range []Role{0, -1, 4} {
			if d := b.Decide(role, latte(t), &spent); d.Allowed() {
				t.Errorf("role %d allows", role)
			}
		}
		if b.Decide(RoleAgent, Purchase{}, &spent).Allowed() {
			t.Error("nothing is allowed to be bought")
		}
	})
}

func TestBoundsAccessors(t *testing.T) {
	a := fullAuthorization(t)
	b, err := a.Bounds()
	if err != nil {
		t.Fatal(err)
	}
	// The bounds are the authorization's as it was.
	a.AllowedPaymentMethods[0] = "x"
	a.Ext.Commerce.AllowedMerchants[0] = "x"
	*a.Ext.AgentBehavior.MaxRetryCount = 100
	b.Methods()[0] = "x"
	from, to := b.Window()
	single, _ := b.Single()
	minimum, _ := b.Minimum()
	retries, limited := b.MaxRetries()
	merchants, forbidden := b.Merchants()
	categories, never := b.Categories()
	for name, ok := range map[string]bool{
		"window":     from.Equal(start) && to.Equal(end),
		"mode":       b.Mode() == Specified,
		"total":      b.Total() == cny(t, "20.00") && single == cny(t, "20.00") && minimum == cny(t, "0.01"),
		"methods":    slices.Equal(b.Methods(), []string{walletURN}),
		"merchants":  slices.Equal(merchants, []string{shopDID}) && len(forbidden) == 1,
		"categories": slices.Equal(categories, []string{"food"}) && slices.Equal(never, []string{"food/alcohol"}),
		"behavior":   retries == 2 && limited && b.OnFailure() == AutoRetry && b.DeviationAction() == PauseAndNotify,
	} {
		if !ok {
			t.Errorf("%s is not what was authorized", name)
		}
	}
	bare := bounds(t, func(a *Authorization) { a.Ext = nil })
	_, hasSingle := bare.Single()
	_, hasMinimum := bare.Minimum()
	if _, limited := bare.MaxRetries(); limited || hasSingle || hasMinimum {
		t.Error("limits that nobody set")
	}
}

// drawAuthorization makes a valid authorization with any of the constraints.
func drawAuthorization(t *rapid.T, base *Authorization) *Authorization {
	a := base.Clone()
	total := rapid.Int64Range(0, 5000).Draw(t, "total")
	cny, _ := money.ParseCurrency("CNY")
	number := func(minor int64) Number {
		m, _ := money.FromMinor(minor, cny)
		return NumberOf(m)
	}
	some := func(name string, from []string) []string {
		if !rapid.Bool().Draw(t, name+" present") {
			return nil
		}
		return rapid.SliceOfN(rapid.SampledFrom(from), 1, 3).Draw(t, name)
	}
	a.MaxTotalAmount = number(total)
	a.AllowedPaymentMethods = some("methods", drawMethods)
	c := &Commerce{
		AllowedMerchants: some("merchants", drawMerchants), ForbiddenMerchants: some("no merchants", drawMerchants),
		AllowedCategories: some("categories", drawCategories), ForbiddenCategories: some("no categories", drawCategories),
	}
	if rapid.Bool().Draw(t, "single") {
		single := rapid.Int64Range(0, total).Draw(t, "max single")
		c.MaxSingleAmount = number(single)
		if rapid.Bool().Draw(t, "minimum") {
			c.MinSingleAmount = number(rapid.Int64Range(0, single).Draw(t, "min single"))
		}
	}
	b := &AgentBehavior{}
	if rapid.Bool().Draw(t, "tolerance") {
		b.PriceDeviationTolerance = Number(rapid.SampledFrom([]string{"0", "5", "12.5", "100"}).Draw(t, "per cent"))
	}
	if rapid.Bool().Draw(t, "retries") {
		n := rapid.IntRange(0, 3).Draw(t, "max retries")
		b.MaxRetryCount = &n
	}
	a.Ext = &Ext{Commerce: c, AgentBehavior: b, Fulfillment: &Fulfillment{
		DeliveryTimeRequirement: rapid.SampledFrom([]string{"", "soon", "2026-03-19T18:00:00Z"}).Draw(t, "delivery"),
	}}
	return a
}

var (
	drawMethods    = []string{walletURN, "urn:act:payment:card"}
	drawMerchants  = []string{shopDID, "urn:x:a", "urn:x:b"}
	drawCategories = []string{"food", "food/coffee", "food/alcohol", "books"}
)

func drawPurchase(t *rapid.T) Purchase {
	cny, _ := money.ParseCurrency("CNY")
	jpy, _ := money.ParseCurrency("JPY")
	price := func(name string) money.Amount {
		currency := cny
		if rapid.IntRange(0, 9).Draw(t, name+" currency") == 0 {
			currency = jpy
		}
		m, _ := money.FromMinor(rapid.Int64Range(0, 3000).Draw(t, name), currency)
		return m
	}
	p := Purchase{
		At:         start.Add(time.Duration(rapid.IntRange(-1, 24).Draw(t, "hour")) * time.Hour),
		Amount:     price("amount"),
		Merchant:   rapid.SampledFrom(append(drawMerchants, "")).Draw(t, "merchant"),
		Categories: rapid.SliceOfN(rapid.SampledFrom(append(drawCategories, "")), 0, 2).Draw(t, "categories"),
		Method:     rapid.SampledFrom(append(drawMethods, "")).Draw(t, "method"),
		Attempt:    rapid.IntRange(-1, 4).Draw(t, "attempt"),
	}
	if rapid.Bool().Draw(t, "promise") {
		p.DeliverBy = start.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "deliver")) * time.Hour)
	}
	if rapid.Bool().Draw(t, "catalogue") {
		p.CataloguePrice = price("catalogue price")
	}
	return p
}

// For any bounds and any sequence of purchases, what is allowed never adds up
// to more than the total.
func TestDecideNeverExceedsTotal(t *testing.T) {
	base := fullAuthorization(t)
	rapid.Check(t, func(t *rapid.T) {
		b, err := drawAuthorization(t, base).Bounds()
		if err != nil {
			t.Fatal(err)
		}
		role := rapid.SampledFrom([]Role{RoleAgent, RolePSP}).Draw(t, "role")
		spent := money.Zero(b.Currency())
		for range rapid.IntRange(1, 20).Draw(t, "purchases") {
			p := drawPurchase(t)
			if !b.Decide(role, p, &spent).Allowed() {
				continue
			}
			if spent, err = spent.Add(p.Amount); err != nil {
				t.Fatal(err)
			}
			if order, err := spent.Cmp(b.Total()); err != nil || order > 0 {
				t.Fatalf("%v spent of %v, %v", spent, b.Total(), err)
			}
		}
	})
}

// A restriction more never makes an outcome better, whichever it is.
func TestDecideIsMonotone(t *testing.T) {
	base := fullAuthorization(t)
	restrictions := []func(t *rapid.T, a *Authorization){
		func(_ *rapid.T, a *Authorization) { a.unknown = []string{"x"} },
		func(_ *rapid.T, a *Authorization) {
			if a.AllowedPaymentMethods == nil {
				a.AllowedPaymentMethods = []string{walletURN}
			}
		},
		func(_ *rapid.T, a *Authorization) {
			if l := a.Ext.Commerce.AllowedMerchants; len(l) > 1 {
				a.Ext.Commerce.AllowedMerchants = l[:1]
			} else if l == nil {
				a.Ext.Commerce.AllowedMerchants = []string{shopDID}
			}
		},
		func(t *rapid.T, a *Authorization) {
			a.Ext.Commerce.ForbiddenMerchants = append(a.Ext.Commerce.ForbiddenMerchants, rapid.SampledFrom(drawMerchants).Draw(t, "forbid"))
		},
		func(t *rapid.T, a *Authorization) {
			a.Ext.Commerce.ForbiddenCategories = append(a.Ext.Commerce.ForbiddenCategories, rapid.SampledFrom(drawCategories).Draw(t, "forbid"))
		},
		func(_ *rapid.T, a *Authorization) {
			if l := a.Ext.Commerce.AllowedCategories; len(l) > 1 {
				a.Ext.Commerce.AllowedCategories = l[1:]
			} else if l == nil {
				a.Ext.Commerce.AllowedCategories = []string{"food/coffee"}
			}
		},
		func(_ *rapid.T, a *Authorization) {
			if a.Ext.Commerce.MaxSingleAmount == "" {
				a.Ext.Commerce.MaxSingleAmount = a.MaxTotalAmount
			}
		},
		func(_ *rapid.T, a *Authorization) { a.ValidityEnd = start.Add(time.Hour) },
		func(_ *rapid.T, a *Authorization) { a.ValidityStart = start.Add(time.Hour) },
		func(_ *rapid.T, a *Authorization) {
			if a.Ext.Fulfillment.DeliveryTimeRequirement == "" {
				a.Ext.Fulfillment.DeliveryTimeRequirement = "2026-03-19T18:00:00Z"
			}
		},
		func(_ *rapid.T, a *Authorization) { a.Ext.AgentBehavior.PriceDeviationTolerance = "0" },
		func(_ *rapid.T, a *Authorization) { a.Ext.AgentBehavior.OnPaymentFailure = Cancel },
	}
	rapid.Check(t, func(t *rapid.T) {
		a := drawAuthorization(t, base)
		before, err := a.Bounds()
		if err != nil {
			t.Fatal(err)
		}
		tighter := a.Clone()
		rapid.SampledFrom(restrictions).Draw(t, "restriction")(t, tighter)
		after, err := tighter.Bounds()
		if err != nil {
			t.Skip("the two restrictions together are no window")
		}
		role := rapid.SampledFrom([]Role{RoleAgent, RoleMerchant, RolePSP}).Draw(t, "role")
		p := drawPurchase(t)
		spent, _ := money.FromMinor(rapid.Int64Range(0, 6000).Draw(t, "spent"), before.Currency())
		if x, y := before.Decide(role, p, &spent).Outcome(), after.Decide(role, p, &spent).Outcome(); y > x {
			t.Fatalf("a restriction turned %s into %s", x, y)
		}
		// More spent, and a fact less, never help either.
		more, err := spent.Add(spent)
		if err != nil {
			t.Fatal(err)
		}
		if x, y := before.Decide(role, p, &spent).Outcome(), before.Decide(role, p, &more).Outcome(); y > x {
			t.Fatalf("spending turned %s into %s", x, y)
		}
		for _, forget := range []func(*Purchase){
			func(p *Purchase) { p.Merchant = "" }, func(p *Purchase) { p.Categories = nil }, func(p *Purchase) { p.Method = "" },
			func(p *Purchase) { p.DeliverBy = time.Time{} }, func(p *Purchase) { p.CataloguePrice = money.Amount{} }, func(p *Purchase) { p.At = time.Time{} },
			func(p *Purchase) { p.Amount = money.Amount{} },
		} {
			less := p
			forget(&less)
			if x, y := before.Decide(role, p, &spent), before.Decide(role, less, &spent); y.Allowed() && !x.Allowed() {
				t.Fatal("a fact less made it allowed")
			}
		}
	})
}
