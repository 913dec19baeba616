package vectors

import (
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
)

// goods is what the shop offers.
func goods() obj {
	return obj{"merchant_id": shopDID, "as_of": utc(now), "items": list{
		obj{"item_id": "latte", "name": "Latte", "category": "food/drink/coffee", "price": "18.00", "currency": "CNY", "available": true,
			"price_valid_until": utc(now.Add(time.Hour)), "delivery_seconds": 1800, "merchant_id": shopDID, "detail_url": "https://shop.example/latte"},
		obj{"item_id": "tea", "name": "Green tea", "category": "food/drink/tea", "price": "12.50", "currency": "CNY"},
	}}
}

// groupCatalogue: catalogues (SPEC.md 5.1).
func groupCatalogue(b *builder) {
	rule := ids("CID-MER-CAT-01")
	text := func(change func(c obj, latte obj)) string {
		c := goods()
		if change != nil {
			change(c, c["items"].(list)[0].(obj))
		}
		return b.textOf("catalogue", c)
	}
	out := func(leftOut int, items ...any) obj {
		return obj{"merchant_id": shopDID, "items": append(list{}, items...), "left_out": leftOut}
	}
	ok := b.valid(spec{id: "catalogue/basic/001", title: "A catalogue of two items, one with everything and one with the minimum.", requirements: ids("CID-MER-CAT-01", "CID-MER-CAT-02"),
		operation: "catalogue.read", input: obj{"catalogue": text(nil)}, output: out(0, "latte", "tea")})
	also := func(id, title string, requirements []string, output obj, change func(c, latte obj)) {
		b.also(ok, spec{id: "catalogue/" + id, title: title, requirements: requirements, output: output}, put("catalogue", text(change)))
	}
	also("basic/002", "A price may be zero.", rule, out(0, "latte", "tea"), func(_, l obj) { l["price"] = "0.00" })
	also("basic/003", "A shop that has nothing has an empty list.", rule, out(0), func(c, _ obj) { c["items"] = list{} })
	also("basic/004", "An item that is not available is an item.", ids("CID-MER-CAT-02"), out(0, "latte", "tea"), func(_, l obj) { l["available"] = false })
	for i, name := range []string{"item_id", "name", "category", "price", "currency"} {
		also("minimum/"+three(i+1), "An item without "+name+" is left out, and the others are kept.", ids("CID-MER-CAT-01", "CID-MER-CAT-03"), out(1, "tea"), func(_, l obj) { delete(l, name) })
	}
	for i, c := range []struct {
		title, name string
		value       any
	}{
		{"An item whose price has more decimals than its currency is left out.", "price", "18.001"},
		{"An item whose price is a number is left out.", "price", 18},
		{"An item whose price is negative is left out.", "price", "-18.00"},
		{"An item in no currency of ISO 4217 is left out.", "currency", "XXQ"},
		{"An item whose category has an empty segment is left out.", "category", "food//coffee"},
		{"An item whose category begins with a slash is left out.", "category", "/food"},
		{"An item whose name has a line feed is left out.", "name", "Lat\nte"},
		{"An item whose name reorders text is left out: it may read as another.", "name", "Latte \u202e00.1"},
		{"An item whose name has more than 256 characters is left out.", "name", strings.Repeat("é", 257)},
		{"An item of another merchant is left out.", "merchant_id", shop2DID},
		{"An item that is delivered before it was bought is left out.", "delivery_seconds", -1},
		{"An item whose link leads to no web page is left out.", "detail_url", "javascript:alert(1)"},
		{"An item with an unknown member is left out.", "discount", "0.5"},
	} {
		also("rule/"+three(i+1), c.title, ids("CID-MER-CAT-03"), out(1, "tea"), func(_, l obj) { l[c.name] = c.value })
	}
	also("rule/014", "A name of 256 characters is read, however many bytes they have.", rule, out(0, "latte", "tea"), func(_, l obj) { l["name"] = strings.Repeat("é", 256) })
	also("rule/015", "The longest delivery that is told is a billion seconds.", ids("CID-MER-CAT-02"), out(0, "latte", "tea"), func(_, l obj) { l["delivery_seconds"] = 1000000000 })
	also("rule/016", "An item whose delivery is beyond that is left out: added to a time it might come out in the past.", ids("CID-MER-CAT-03"), out(1, "tea"), func(_, l obj) { l["delivery_seconds"] = 1000000001 })
	also("rule/017", "An item of nobody is left out: a merchant that is named has a name.", ids("CID-MER-CAT-03"), out(1, "tea"), func(_, l obj) { l["merchant_id"] = "" })
	also("rule/018", "A link of 2048 characters is read.", ids("CID-MER-CAT-02"), out(0, "latte", "tea"), func(_, l obj) { l["detail_url"] = "https://shop.example/" + strings.Repeat("a", 2027) })
	also("rule/019", "An item whose link is longer is left out.", ids("CID-MER-CAT-03"), out(1, "tea"), func(_, l obj) { l["detail_url"] = "https://shop.example/" + strings.Repeat("a", 2028) })
	no := func(id, title string, code protocol.Code, change func(c, latte obj)) {
		b.invalid(ok, spec{id: "catalogue/" + id, title: title, code: code, requirements: rule}, put("catalogue", text(change)))
	}
	no("form/001", "An id that two items share names neither.", protocol.CodeFieldInvalid, func(_, l obj) { l["item_id"] = "tea" })
	no("form/002", "An id that two items share names neither, also where one of them is not usable.", protocol.CodeFieldInvalid, func(_, l obj) { l["item_id"], l["price"] = "tea", "x" })
	no("form/003", "A catalogue names its merchant.", protocol.CodeFieldMissing, func(c, _ obj) { delete(c, "merchant_id") })
	no("form/004", "A catalogue tells when it was so.", protocol.CodeFieldMissing, func(c, _ obj) { delete(c, "as_of") })
	no("form/005", "A catalogue has items, or an empty list.", protocol.CodeFieldMissing, func(c, _ obj) { delete(c, "items") })
	no("form/006", "A catalogue is closed.", protocol.CodeFieldUnknown, func(c, _ obj) { c["next"] = "https://shop.example/2" })
	no("form/007", "The merchant is named by a DID.", protocol.CodeFieldInvalid, func(c, _ obj) { c["merchant_id"] = "shop.example" })
	no("form/009", "A null stands nowhere, and refuses the whole.", protocol.CodeFieldInvalid, func(_, l obj) { l["available"] = nil })
	b.invalid(ok, spec{id: "catalogue/form/008", title: "A member that stands twice has no one meaning.", code: protocol.CodeMalformed, requirements: rule}, func(in obj) {
		in["catalogue"] = strings.Replace(in["catalogue"].(string), `"price":"18.00"`, `"price":"18.00","price":"1.00"`, 1)
	})
}
