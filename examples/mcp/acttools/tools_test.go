package acttools_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/examples/mcp/acttools"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/money"
)

func TestConfig(t *testing.T) {
	w := newWorld(t, nil)
	good := acttools.Config{
		Agent: w.buyer.Agent, Shops: []acttools.Shop{{Name: "shop", ID: w.shop.ID, Base: w.shop.Base}}, Methods: []string{stage.Method},
		Ceiling: stage.Yuan("1"), Issue: func(context.Context, *delegation.Confirmed) ([]byte, error) { return nil, nil },
	}
	if _, err := acttools.New(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*acttools.Config){
		"agent":     func(c *acttools.Config) { c.Agent = nil },
		"shops":     func(c *acttools.Config) { c.Shops = nil },
		"methods":   func(c *acttools.Config) { c.Methods = nil },
		"ceiling":   func(c *acttools.Config) { c.Ceiling = money.Amount{} },
		"no money":  func(c *acttools.Config) { c.Ceiling = money.Zero(stage.CNY) },
		"issue":     func(c *acttools.Config) { c.Issue = nil },
		"name":      func(c *acttools.Config) { c.Shops = []acttools.Shop{{ID: w.shop.ID, Base: w.shop.Base}} },
		"two names": func(c *acttools.Config) { c.Shops = append(c.Shops[:1:1], c.Shops[0]) },
		"http": func(c *acttools.Config) {
			c.Shops = []acttools.Shop{{Name: "x", ID: w.shop.ID, Base: "http://shop.example"}}
		},
		"did": func(c *acttools.Config) { c.Shops = []acttools.Shop{{Name: "x", ID: "shop", Base: w.shop.Base}} },
	} {
		c := good
		spoil(&c)
		if tools, err := acttools.New(c); err == nil || tools != nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestDraftsRefused: what a model may not even ask a person for.
func TestDraftsRefused(t *testing.T) {
	w := newWorld(t, nil)
	c := w.connect("", nil, false)
	for name, test := range map[string]struct {
		code  protocol.Code
		spoil func(*acttools.IntentInput)
	}{
		"over the ceiling":         {protocol.CodePolicyRefused, func(i *acttools.IntentInput) { i.MaxTotal = "300.01" }},
		"one payment over it":      {protocol.CodePolicyRefused, func(i *acttools.IntentInput) { i.MaxSingle = "1000" }},
		"ADD-INT-ICS-09 decimals":  {protocol.CodeFieldInvalid, func(i *acttools.IntentInput) { i.MaxTotal = "1.001" }},
		"nothing":                  {protocol.CodeFieldInvalid, func(i *acttools.IntentInput) { i.MaxTotal = "0" }},
		"negative":                 {protocol.CodeFieldInvalid, func(i *acttools.IntentInput) { i.MaxTotal = "-5" }},
		"in words":                 {protocol.CodeFieldInvalid, func(i *acttools.IntentInput) { i.MaxTotal = "unlimited" }},
		"no words":                 {protocol.CodeFieldInvalid, func(i *acttools.IntentInput) { i.Words = "" }},
		"too many words":           {protocol.CodeFieldInvalid, func(i *acttools.IntentInput) { i.Words = strings.Repeat("x", 1025) }},
		"no time":                  {protocol.CodeFieldInvalid, func(i *acttools.IntentInput) { i.ValidHours = 0 }},
		"for ever":                 {protocol.CodeFieldInvalid, func(i *acttools.IntentInput) { i.ValidHours = 745 }},
		"a shop that is not there": {protocol.CodeMerchantNotAllowed, func(i *acttools.IntentInput) { i.Shops = []string{"other"} }},
		"no shop":                  {protocol.CodeFieldInvalid, func(i *acttools.IntentInput) { i.Shops = []string{} }},
		"no category":              {protocol.CodeFieldInvalid, func(i *acttools.IntentInput) { i.Categories = []string{""} }},
	} {
		in := draft()
		test.spoil(&in)
		if f := c.refuse(test.code, "describe_intent", in); f.Money != acttools.MoneyUntouched {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// TestArguments: arguments are read strictly, whatever the schema says.
func TestArguments(t *testing.T) {
	w := newWorld(t, nil)
	c := w.connect("", nil, false)
	for in, code := range map[string]protocol.Code{
		`{"order":"order-1","amount":"0.01"}`: protocol.CodeFieldUnknown,
		`{"order":1}`:                         protocol.CodeFieldInvalid,
		`{"order":null}`:                      protocol.CodeFieldInvalid,
		`[]`:                                  protocol.CodeFieldInvalid,
		`{"order":"` + strings.Repeat("x", 1<<14) + `"}`: protocol.CodeTooLarge,
		`{"order":"order-1"}`:                            protocol.CodeOrderUnknown,
		`{}`:                                             protocol.CodeOrderUnknown,
	} {
		c.refuse(code, "pay", raw(in))
	}
}

type raw string

func (r raw) MarshalJSON() ([]byte, error) { return []byte(r), nil }

// TestShopping: limits, find, cart, pay and bill, and what the model is shown of
// a merchant's text.
func TestShopping(t *testing.T) {
	w := newWorld(t, nil)
	c := w.connect("", nil, false)
	if l := must[acttools.LimitsOutput](c, "show_limits", nil); len(l.Mandates) != 0 || len(l.Shops) != 1 {
		t.Errorf("%+v", l)
	}
	if f := c.refuse(protocol.CodePolicyRefused, "find", acttools.FindInput{Need: "pen"}); !strings.Contains(f.Next, "describe_intent") {
		t.Errorf("%+v", f)
	}
	m := w.grant("100")
	found := must[acttools.FindOutput](c, "find", acttools.FindInput{Need: "pen or desk", ByPrice: true})
	if len(found.Found) != 2 || found.Found[0].Name.Text != "Pen, blue" {
		t.Fatalf("%+v", found)
	}
	pen, desk := found.Found[0], found.Found[1]
	if pen.DetailURL != "" || desk.DetailURL != w.shop.Base+"/page" {
		t.Errorf("a page of another site: %q, %q", pen.DetailURL, desk.DetailURL)
	}
	cart := func(item string, n int64) acttools.CartInput {
		return acttools.CartInput{Lines: []acttools.CartLine{{Item: item, Quantity: n}}}
	}
	c.refuse(protocol.CodeFieldInvalid, "confirm_cart", cart("item-99", 1))
	c.refuse(protocol.CodeFieldInvalid, "confirm_cart", cart("item-01", 1))
	c.refuse(protocol.CodeFieldInvalid, "confirm_cart", cart(pen.Item, 0))
	c.refuse(protocol.CodeFieldMissing, "confirm_cart", raw(`{"lines":[]}`))
	c.refuse(protocol.CodeTotalLimitExceeded, "confirm_cart", cart(pen.Item, 9))
	c.refuse(protocol.CodeFieldInvalid, "confirm_cart", cart(desk.Item, 1<<53-1))
	order := must[acttools.CartOutput](c, "confirm_cart", cart(pen.Item, 2))
	if order.Amount != "25.00" || order.Currency != "CNY" || order.Lines[0].Price != "12.50" {
		t.Errorf("%+v", order)
	}
	for n := range 3 {
		paid := must[acttools.PayOutput](c, "pay", acttools.PayInput{Order: order.Order})
		if len(paid.Paid) != min(1, 1-min(n, 1)) || !strings.Contains(paid.Goods.Text, "2 × Pen") {
			t.Errorf("call %d: %+v", n, paid)
		}
	}
	l := must[acttools.LimitsOutput](c, "show_limits", acttools.Nothing{}).Mandates[0]
	if l.Left != "75.00" || l.Spent != "25.00" || l.Minimum != "1.00" || l.Merchants[0] != "shop" || l.Never[0] != "alcohol" || !l.Understood {
		t.Errorf("%+v", l)
	}
	bill := must[acttools.BillOutput](c, "show_bill", acttools.BillInput{Mandate: m.Claims().ID}).Bills[0]
	if bill.Spent != "25.00" || len(bill.Entries) != 1 || bill.Entries[0].Shop != "shop" {
		t.Errorf("PSD-PAY-AUP-05: %+v", bill)
	}
	c.refuse(protocol.CodeFieldInvalid, "show_bill", acttools.BillInput{Mandate: "other"})
	c.refuse(protocol.CodeMerchantNotAllowed, "find", acttools.FindInput{Need: "pen", Shops: []string{"other"}})
	ok(t, w.Audit(t.Context(), nil, map[string]money.Amount{w.person.ID(): stage.Yuan("25.00")}))
}

// TestFindTellsWhy: what a mandate does not allow is told with the reason, and a
// shop that does not answer takes nothing from the others.
func TestFindTellsWhy(t *testing.T) {
	w := newWorld(t, func(c *acttools.Config) {
		c.Shops = append(c.Shops, acttools.Shop{Name: "closed", ID: "did:act:localhost%3A1/closed", Base: "https://localhost:1"})
	})
	ok(t, w.shop.Stock(t.Context(), commerce.Item{ID: "gold", Name: "Pen of gold", Category: "office/pen", Price: stage.Yuan("900.00")}, 1))
	w.grantFor("100", w.shop.ID, "did:act:localhost%3A1/closed")
	c := w.connect("", nil, false)
	got := must[acttools.FindOutput](c, "find", acttools.FindInput{Need: "a pen"})
	if len(got.Found) != 1 || got.Found[0].Price != "12.50" {
		t.Errorf("%+v", got.Found)
	}
	if len(got.Outside) != 1 || got.Outside[0].Price != "900.00" || !strings.Contains(got.Outside[0].Failed[0], "total_limit_exceeded") {
		t.Errorf("%+v", got.Outside)
	}
	if len(got.Silent) != 1 || got.Silent[0].Shop != "closed" || got.Silent[0].Code != protocol.CodeServiceUnavailable || got.Silent[0].Next == "" {
		t.Errorf("%+v", got.Silent)
	}
	// Nothing that fits is an answer; nobody to ask is not.
	if got := must[acttools.FindOutput](c, "find", acttools.FindInput{Need: "a whale", Shops: []string{"shop"}}); len(got.Found) != 0 || got.Silent[0].Code != protocol.CodeNoMatch {
		t.Errorf("%+v", got)
	}
	c.refuse(protocol.CodeServiceUnavailable, "find", acttools.FindInput{Need: "a pen", Shops: []string{"closed"}})
}

// TestLostAnswer: when nobody knows whether money has moved the model is told
// so, and calling again settles it without paying twice.
func TestLostAnswer(t *testing.T) {
	w := newWorld(t, nil)
	w.grant("100")
	c := w.connect("", nil, false)
	order := acttools.PayInput{Order: c.order("12.50").Order}
	w.buyer.Wire.Cut("payments", stage.LoseAnswer)
	w.buyer.Wire.Cut("queries", stage.LoseRequest)
	if f := c.refuse(protocol.CodeOutcomeUnknown, "pay", order); f.Money != acttools.MoneyUnknown {
		t.Errorf("%+v", f)
	}
	if paid := must[acttools.PayOutput](c, "pay", order); len(paid.Paid) != 1 {
		t.Errorf("%+v", paid)
	}
	ok(t, w.Audit(t.Context(), nil, map[string]money.Amount{w.person.ID(): stage.Yuan("12.50")}))
}

// TestPaidAndNotDelivered: the shop refuses what was paid for.
func TestPaidAndNotDelivered(t *testing.T) {
	w := newWorld(t, nil)
	w.grant("100")
	c := w.connect("", nil, false)
	order := acttools.PayInput{Order: c.order("12.50").Order}
	refuse := true
	w.shop.Site.Mux.HandleFunc("POST /pickups", func(rw http.ResponseWriter, r *http.Request) {
		if refuse {
			rw.WriteHeader(http.StatusForbidden)
			return
		}
		w.shop.Shop.PickupHandler(http.HandlerFunc(stage.HandOver)).ServeHTTP(rw, r)
	})
	if f := c.refuse(protocol.CodeServiceUnavailable, "pay", order); f.Money != acttools.MoneyMoved || !strings.HasPrefix(f.Next, "It is paid") {
		t.Errorf("%+v", f)
	}
	refuse = false
	if got := must[acttools.PayOutput](c, "pay", order); len(got.Paid) != 0 || !strings.Contains(got.Goods.Text, "1 × Pen") {
		t.Errorf("%+v", got)
	}
	ok(t, w.Audit(t.Context(), nil, map[string]money.Amount{w.person.ID(): stage.Yuan("12.50")}))
}

// TestAtOnce: one order, asked to be paid by two clients many times at once.
func TestAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	w.grant("100")
	clients := []*client{w.connect("", nil, false), w.connect("2025-06-18", nil, false)}
	order := acttools.PayInput{Order: clients[0].order("12.50").Order}
	var wait sync.WaitGroup
	for n := range 12 {
		wait.Go(func() { must[acttools.PayOutput](clients[n%2], "pay", order) })
	}
	wait.Wait()
	ok(t, w.Audit(t.Context(), nil, map[string]money.Amount{w.person.ID(): stage.Yuan("12.50")}))
}

func TestFetch(t *testing.T) {
	w := newWorld(t, nil)
	w.grant("100")
	c := w.connect("", nil, false)
	fetch := func(path string) acttools.FetchOutput {
		return must[acttools.FetchOutput](c, "fetch_paid_resource", acttools.FetchInput{URL: w.shop.Base + path})
	}
	got := fetch("/page?type=text/plain#part")
	if got.Status != 200 || got.Body != (acttools.Quoted{Text: "paid \ufffdpage", Hidden: 1}) || len(got.Paid) != 1 || got.Paid[0].Amount != "2.00" {
		t.Errorf("%+v", got)
	}
	if got := fetch("/page?type=image/png"); got.Base64 == "" || got.Body.Text != "" || got.Type != "image/png" {
		t.Errorf("%+v", got)
	}
	if got := fetch("/moved"); got.Status != http.StatusFound || len(got.Paid) != 0 {
		t.Errorf("a redirect was followed: %+v", got)
	}
	host := strings.TrimPrefix(w.shop.Base, "https://")
	for address, code := range map[string]protocol.Code{
		"http://" + host + "/page":           protocol.CodeFieldInvalid,
		"https://user:word@" + host + "/":    protocol.CodeFieldInvalid,
		"file:///etc/hosts":                  protocol.CodeFieldInvalid,
		"/page":                              protocol.CodeFieldInvalid,
		"https://%zz/":                       protocol.CodeFieldInvalid,
		"":                                   protocol.CodeFieldInvalid,
		"https://x." + host + "/":            protocol.CodeMerchantNotAllowed,
		"https://169.254.169.254/latest":     protocol.CodeMerchantNotAllowed,
		"https://localhost/page":             protocol.CodeMerchantNotAllowed,
		"https://elsewhere.example/@" + host: protocol.CodeMerchantNotAllowed,
	} {
		if f := c.refuse(code, "fetch_paid_resource", acttools.FetchInput{URL: address}); f.Money != acttools.MoneyUntouched {
			t.Errorf("%s: %+v", address, f)
		}
	}
	ok(t, w.Audit(t.Context(), nil, map[string]money.Amount{w.person.ID(): stage.Yuan("4.00")}))
}

// TestLongPage: what is too long is cut, and stays open at the shop.
func TestLongPage(t *testing.T) {
	w := newWorld(t, func(c *acttools.Config) { c.MaxAnswer = 4 })
	w.grant("100")
	c := w.connect("", nil, false)
	got := must[acttools.FetchOutput](c, "fetch_paid_resource", acttools.FetchInput{URL: w.shop.Base + "/page?type=text/plain"})
	if !got.Truncated || got.Body.Text != "paid" {
		t.Errorf("%+v", got)
	}
}

// TestBaitAndSwitch: what find has told is the most that confirm_cart confirms,
// also when the mandate would allow more: a model need not compare.
func TestBaitAndSwitch(t *testing.T) {
	w := newWorld(t, nil)
	w.grant("100")
	c := w.connect("", nil, false)
	found := must[acttools.FindOutput](c, "find", acttools.FindInput{Need: "a blue pen"})
	pen := commerce.Item{ID: "pen", Name: "Pen, blue", Category: "office/pen", Price: stage.Yuan("99.00")}
	ok(t, w.shop.Stock(t.Context(), pen, 20))
	for _, f := range found.Found {
		if f.Price == "12.50" {
			refused := c.refuse(protocol.CodePriceChanged, "confirm_cart", acttools.CartInput{Lines: []acttools.CartLine{{Item: f.Item, Quantity: 1}}})
			if refused.Money != acttools.MoneyUntouched {
				t.Errorf("%+v", refused)
			}
			return
		}
	}
	t.Fatalf("no pen in %+v", found)
}
