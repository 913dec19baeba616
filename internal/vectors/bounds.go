package vectors

import (
	"maps"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// The decisions, as outputs of mandate.decide.
var allowed = obj{"decision": "allowed"}

func denied(code protocol.Code) obj { return obj{"decision": "denied", "code": string(code)} }

func undetermined(code protocol.Code) obj {
	return obj{"decision": "undetermined", "code": string(code)}
}

func yuan(amount string) obj { return obj{"amount": amount, "currency": "CNY"} }

// latte is a purchase that is inside of every boundary of authorization.
func latte() obj {
	return obj{
		"amount": yuan("18.00"), "merchant_id": shopDID, "categories": list{"food/drink/coffee"}, "payment_method": walletURN,
		"deliver_by": utc(now.Add(time.Hour)), "catalogue_price": yuan("18.00"), "attempt": 0,
	}
}

// A decision is a case of mandate.decide in the making.
type decision struct {
	b             *builder
	role          string
	authorization obj
	text          string // instead of authorization
	purchase      obj
	spent         obj
	clock         time.Time
	mandate       string // instead of authorization
}

// decide adds a case. An agent has spent 20 yuan, and a PSP's ledger holds the
// total.
func (b *builder) decide(id, title, role string, output obj, requirements []string, changes ...func(*decision)) {
	d := &decision{b: b, role: role, authorization: authorization(), purchase: latte(), clock: now}
	if role == "agent" {
		d.spent = yuan("20.00")
	}
	for _, c := range changes {
		c(d)
	}
	in := obj{"role": role, "purchase": d.purchase}
	switch {
	case d.mandate != "":
		in["mandate"] = d.mandate
	case d.text != "":
		in["authorization"] = d.text
	default:
		in["authorization"] = b.textOf(id, d.authorization)
	}
	if d.spent != nil {
		in["spent"] = d.spent
	}
	b.valid(spec{id: id, title: title, requirements: requirements, operation: "mandate.decide", clock: d.clock, input: in, output: output})
}

// buying changes members of the purchase, by path and value.
func buying(changes ...any) func(*decision) {
	return func(d *decision) { changed(d.purchase, changes) }
}

// bounded changes members of the authorization, by path and value.
func bounded(changes ...any) func(*decision) {
	return func(d *decision) { changed(d.authorization, changes) }
}

func spent(amount obj) func(*decision) { return func(d *decision) { d.spent = amount } }

func deciding(at time.Time) func(*decision) { return func(d *decision) { d.clock = at } }

// groupBounds: what a mandate allows (SPEC.md 4.2, 4.4).
func groupBounds(b *builder) {
	all := ids("PSD-PAY-DEL-04", "PSD-PAY-DEL-06")
	b.decide("bounds/basic/001", "A purchase inside of every boundary is allowed to the agent.", "agent", allowed, ids("PSD-PAY-DEL-01"))
	b.decide("bounds/basic/002", "A purchase inside of every boundary is allowed to the PSP, whose ledger holds the total.", "psp", allowed, all)
	b.decide("bounds/basic/003", "A merchant judges the window and nothing else.", "merchant", allowed, ids("ADD-IAC-LCM-06"),
		func(d *decision) { d.purchase = obj{} })
	b.decide("bounds/basic/004", "An absent list restricts nothing.", "psp", allowed, all, bounded("ext", nil, "allowed_payment_methods", nil),
		buying("merchant_id", "did:act:anybody.example/x", "categories", list{"anything"}, "payment_method", "urn:act:payment:cash"))
	b.decide("bounds/basic/005", "A currency that is not stated is CNY.", "psp", denied(protocol.CodeCurrencyMismatch), ids("ADD-IAC-ISS-05", "PSD-PAY-DEL-06"),
		bounded("currency", nil), buying("amount", obj{"amount": "18.00", "currency": "USD"}))
	b.decide("bounds/basic/006", "Private members widen nothing.", "psp", denied(protocol.CodeSingleLimitExceeded), ids("ADD-INT-ICS-17"),
		bounded("ext.vendor_private", obj{"commerce": obj{"max_single_amount": 1000}}), buying("amount", yuan("50.01")))
	b.decide("bounds/basic/007", "What is not understood may be a constraint: nothing is allowed by it.", "psp", undetermined(protocol.CodeConstraintUnknown), ids("ADD-IAC-ISS-07"),
		bounded("ext.commerce.allowed_regions", list{"CN"}))
	b.decide("bounds/basic/008", "A merchant does not look over what is not understood either.", "merchant", undetermined(protocol.CodeConstraintUnknown), ids("ADD-IAC-ISS-07"),
		bounded("max_daily_amount", 5))
	b.decide("bounds/basic/009", "What is denied stays denied though something is not understood.", "psp", denied(protocol.CodeSingleLimitExceeded), ids("ADD-IAC-ISS-07", "PSD-PAY-DEL-06"),
		bounded("max_daily_amount", 5), buying("amount", yuan("50.01")))
	windows(b)
	amounts(b)
	parties(b)
	categories(b)
	fulfilment(b)
	behaviour(b)
	withheld(b)
}

func windows(b *builder) {
	rule := ids("ADD-IAC-LCM-06", "ADD-IAC-LCM-05")
	for i, role := range []string{"agent", "merchant", "psp"} {
		n := string(rune('1' + i))
		b.decide("bounds/window/00"+n, "Before the window nothing is allowed, whoever judges: "+role+".", role, denied(protocol.CodeMandateNotYetValid), rule, deciding(grantStart.Add(-time.Second)))
		b.decide("bounds/window/01"+n, "At the end of the window nothing is allowed any more, whoever judges: "+role+".", role, denied(protocol.CodeMandateExpired), rule, deciding(grantEnd),
			bounded("ext.fulfillment", nil))
		b.decide("bounds/window/02"+n, "The first second of the window is inside, whoever judges: "+role+".", role, allowed, rule, deciding(grantStart))
	}
}

// amounts: currency, single limits and total (PSD-PAY-DEL-06).
func amounts(b *builder) {
	rule := ids("PSD-PAY-DEL-06")
	own := ids("PSD-PAY-DEL-01")
	b.decide("bounds/amount/001", "A single limit is the last amount that is allowed.", "psp", allowed, rule, buying("amount", yuan("50.00")))
	b.decide("bounds/amount/002", "A cent above the single limit is too much.", "psp", denied(protocol.CodeSingleLimitExceeded), rule, buying("amount", yuan("50.01")))
	b.decide("bounds/amount/003", "A minimum is the first amount that is allowed.", "psp", allowed, rule, buying("amount", yuan("1.50")))
	b.decide("bounds/amount/004", "A cent below the minimum is too little.", "psp", denied(protocol.CodeBelowMinimum), rule, buying("amount", yuan("1.49")))
	b.decide("bounds/amount/005", "Another currency is not converted, however little it is worth.", "psp", denied(protocol.CodeCurrencyMismatch), rule, buying("amount", obj{"amount": "18", "currency": "JPY"}))
	b.decide("bounds/amount/006", "Limits in yen are compared as whole yen: 18 yen are not 18 hundredths.", "psp", denied(protocol.CodeSingleLimitExceeded), rule,
		bounded("currency", "JPY", "ext.commerce.max_single_amount", 17, "ext.commerce.min_single_amount", 1), buying("amount", obj{"amount": "18", "currency": "JPY"}))
	b.decide("bounds/amount/007", "Limits of a currency with three decimals are compared exactly.", "psp", denied(protocol.CodeSingleLimitExceeded), rule,
		bounded("currency", "BHD", "ext.commerce.max_single_amount", raw("17.25")), buying("amount", obj{"amount": "17.251", "currency": "BHD"}))
	b.decide("bounds/amount/008", "A limit of 0.29 is 29 cents, and not what a binary float makes of it.", "psp", allowed, rule,
		bounded("ext.commerce.max_single_amount", raw("0.29"), "ext.commerce.min_single_amount", raw("0.29")), buying("amount", yuan("0.29")))
	b.decide("bounds/amount/009", "Without an amount nothing can be judged.", "psp", undetermined(protocol.CodeFactMissing), rule, buying("amount", nil))
	b.decide("bounds/amount/010", "What is spent and what is to be spent may reach the total.", "agent", allowed, own, spent(yuan("182.00")))
	b.decide("bounds/amount/011", "A cent above the total is too much, though the payment is within its single limit: splitting does not help.", "agent", denied(protocol.CodeTotalLimitExceeded), own, spent(yuan("182.01")))
	b.decide("bounds/amount/012", "A total that is overdrawn already allows nothing.", "agent", denied(protocol.CodeTotalLimitExceeded), own, spent(yuan("500.00")))
	b.decide("bounds/amount/013", "An agent that does not know what it has spent cannot decide.", "agent", undetermined(protocol.CodeFactMissing), own, spent(nil))
	b.decide("bounds/amount/014", "What was spent in another currency cannot be subtracted.", "agent", denied(protocol.CodeCurrencyMismatch), own, spent(obj{"amount": "20.00", "currency": "USD"}))
	b.decide("bounds/amount/015", "A PSP that is told what was spent judges the total as well.", "psp", denied(protocol.CodeTotalLimitExceeded), rule, spent(yuan("190.00")))
	b.decide("bounds/amount/016", "Without a single limit the total is the limit.", "agent", denied(protocol.CodeTotalLimitExceeded), own, bounded("ext.commerce.max_single_amount", nil),
		buying("amount", yuan("180.01"), "catalogue_price", yuan("180.01")))
	b.decide("bounds/amount/017", "Nothing can be bought under a total of zero.", "agent", denied(protocol.CodeTotalLimitExceeded), own,
		bounded("max_total_amount", 0, "ext.commerce", obj{"allowed_merchants": list{shopDID}}), spent(yuan("0.00")))
	b.decide("bounds/amount/018", "Sums near the largest amount do not wrap around.", "agent", denied(protocol.CodeTotalLimitExceeded), own, spent(yuan("92233720368547758.07")))
	b.decide("bounds/amount/019", "When the currency is another one, amounts are not compared.", "agent", denied(protocol.CodeCurrencyMismatch), own,
		buying("amount", obj{"amount": "900.00", "currency": "USD"}, "catalogue_price", obj{"amount": "900.00", "currency": "USD"}))
}

// parties: payment methods and merchants.
func parties(b *builder) {
	method := ids("PSD-PAY-DEL-06", "ADD-INT-ICS-11")
	b.decide("bounds/method/001", "Another method than the allowed ones is refused.", "psp", denied(protocol.CodeMethodNotAllowed), method, buying("payment_method", "urn:act:payment:cash"))
	b.decide("bounds/method/002", "Methods are compared byte by byte.", "psp", denied(protocol.CodeMethodNotAllowed), method, buying("payment_method", "urn:act:payment:Wallet"))
	b.decide("bounds/method/003", "A method that begins like an allowed one is another.", "psp", denied(protocol.CodeMethodNotAllowed), method, buying("payment_method", walletURN+"2"))
	b.decide("bounds/method/004", "Without a method nothing can be judged where methods are limited.", "psp", undetermined(protocol.CodeFactMissing), method, buying("payment_method", nil))
	merchant := ids("PSD-PAY-DEL-04", "ADD-INT-ICS-14")
	b.decide("bounds/merchant/001", "Another merchant than the allowed ones is refused.", "psp", denied(protocol.CodeMerchantNotAllowed), merchant, buying("merchant_id", "did:act:shop.example/books"))
	b.decide("bounds/merchant/002", "A merchant whose name begins like an allowed one is another.", "psp", denied(protocol.CodeMerchantNotAllowed), merchant, buying("merchant_id", shopDID+"2"))
	b.decide("bounds/merchant/003", "What is forbidden stays so though it is allowed as well.", "psp", denied(protocol.CodeMerchantNotAllowed), merchant, bounded("ext.commerce.forbidden_merchants", list{shopDID}))
	b.decide("bounds/merchant/004", "A forbidden merchant is refused where all others are allowed.", "psp", denied(protocol.CodeMerchantNotAllowed), merchant,
		bounded("ext.commerce.allowed_merchants", nil), buying("merchant_id", "did:act:shop.example/bar"))
	b.decide("bounds/merchant/005", "Merchants are compared byte by byte: another spelling of a host is another merchant.", "psp", denied(protocol.CodeMerchantNotAllowed), merchant,
		buying("merchant_id", "did:act:shop.example./coffee"))
	b.decide("bounds/merchant/006", "Without a merchant nothing can be judged where merchants are limited.", "psp", undetermined(protocol.CodeFactMissing), merchant, buying("merchant_id", nil))
	b.decide("bounds/merchant/007", "A merchant that is not forbidden is allowed where no list says who is.", "psp", allowed, merchant,
		bounded("ext.commerce.allowed_merchants", nil), buying("merchant_id", "did:act:shop.example/books"))
}

// categories are compared by segments.
func categories(b *builder) {
	rule := ids("PSD-PAY-DEL-04", "ADD-INT-ICS-14")
	goods := func(id, title string, output obj, categories list, changes ...any) {
		b.decide("bounds/category/"+id, title, "psp", output, rule, bounded(changes...), buying("categories", categories))
	}
	goods("001", "A category allows what is below it.", allowed, list{"food/drink/coffee/latte"})
	goods("002", "A category allows itself, where nothing below it is forbidden.", allowed, list{"food"}, "ext.commerce.forbidden_categories", nil)
	goods("003", "A category does not allow what only begins with its letters.", denied(protocol.CodeCategoryNotAllowed), list{"foodstuff"})
	goods("004", "A category does not allow what is above it.", denied(protocol.CodeCategoryNotAllowed), list{"books"})
	goods("005", "Every category of the goods must be allowed.", denied(protocol.CodeCategoryNotAllowed), list{"food/drink", "toys"})
	goods("006", "A forbidden category is refused though one above it is allowed.", denied(protocol.CodeCategoryNotAllowed), list{"food/alcohol"})
	goods("007", "What is below a forbidden category is forbidden.", denied(protocol.CodeCategoryNotAllowed), list{"food/alcohol/wine"})
	goods("008", "One forbidden article refuses the whole purchase.", denied(protocol.CodeCategoryNotAllowed), list{"food/drink", "food/alcohol"})
	goods("009", "Goods labelled more widely than a forbidden category may be of it.", undetermined(protocol.CodeFactMissing), list{"food"})
	goods("010", "Goods without category may be anything.", undetermined(protocol.CodeFactMissing), list{})
	goods("011", "A label that is no category says nothing.", undetermined(protocol.CodeFactMissing), list{"food//drink"})
	goods("012", "Categories are compared case by case.", denied(protocol.CodeCategoryNotAllowed), list{"Food/drink"})
	goods("013", "What is not forbidden is allowed where no list says what is.", allowed, list{"toys"}, "ext.commerce.allowed_categories", nil)
	goods("014", "A forbidden category is refused where all others are allowed.", denied(protocol.CodeCategoryNotAllowed), list{"food/alcohol/beer"}, "ext.commerce.allowed_categories", nil)
	goods("015", "A second allowed category counts as the first.", allowed, list{"books/travel/maps"})
	goods("016", "What begins like a forbidden category is another.", allowed, list{"food/alcohol-free"})
	goods("017", "What is allowed and forbidden alike is forbidden.", denied(protocol.CodeCategoryNotAllowed), list{"books/travel"}, "ext.commerce.forbidden_categories", list{"books"})
}

// fulfilment: the time of delivery.
func fulfilment(b *builder) {
	rule := ids("PSD-PAY-DEL-04", "ADD-INT-ICS-16")
	b.decide("bounds/delivery/001", "A delivery at the required time is in time.", "psp", allowed, rule, buying("deliver_by", utc(now.Add(2*time.Hour))))
	b.decide("bounds/delivery/002", "A delivery after the required time is too late.", "psp", denied(protocol.CodeDeliveryNotMet), rule, buying("deliver_by", utc(now.Add(2*time.Hour+time.Second))))
	b.decide("bounds/delivery/003", "Times with offsets are compared as times.", "psp", allowed, rule,
		bounded("ext.fulfillment.delivery_time_requirement", "2026-11-01T20:00:00+08:00"), buying("deliver_by", "2026-11-01T14:00:00+02:00"))
	b.decide("bounds/delivery/004", "A requirement in words is not judged by guessing.", "psp", undetermined(protocol.CodeFactMissing), rule, bounded("ext.fulfillment.delivery_time_requirement", "before noon"))
	b.decide("bounds/delivery/005", "A merchant that promised no time leaves the requirement undecided.", "psp", undetermined(protocol.CodeFactMissing), rule, buying("deliver_by", nil))
	b.decide("bounds/delivery/006", "The agent judges the delivery as well.", "agent", denied(protocol.CodeDeliveryNotMet), ids("PSD-PAY-DEL-01"), buying("deliver_by", utc(now.Add(3*time.Hour))))
	b.decide("bounds/delivery/007", "Without a requirement any time will do.", "psp", allowed, rule, bounded("ext.fulfillment", nil), buying("deliver_by", nil))
}

// behaviour: what is the agent's alone to judge (ADD-INT-ICS-15).
func behaviour(b *builder) {
	rule := ids("ADD-INT-ICS-15", "PSD-PAY-DEL-01")
	price := func(id, title string, output obj, amount, catalogue string, changes ...any) {
		b.decide("bounds/price/"+id, title, "agent", output, rule, bounded(changes...), buying("amount", yuan(amount), "catalogue_price", yuan(catalogue)))
	}
	price("001", "A price that rose by as much as is tolerated is allowed.", allowed, "21.00", "20.00")
	price("002", "A cent more is too much.", denied(protocol.CodePriceDeviation), "21.01", "20.00")
	price("003", "A price that fell further than tolerated is a deviation as well.", denied(protocol.CodePriceDeviation), "18.99", "20.00")
	price("004", "A tolerance is exact: 0.1 percent of 30.00 are three cents.", allowed, "30.03", "30.00", "ext.agent_behavior.price_deviation_tolerance", raw("0.1"))
	price("005", "A tolerance is exact: 0.1 percent of 30.00 are not four cents.", denied(protocol.CodePriceDeviation), "30.04", "30.00", "ext.agent_behavior.price_deviation_tolerance", raw("0.1"))
	price("006", "A tolerance of zero allows the recorded price.", allowed, "18.00", "18.00", "ext.agent_behavior.price_deviation_tolerance", 0)
	price("007", "A tolerance of zero allows no other.", denied(protocol.CodePriceDeviation), "18.01", "18.00", "ext.agent_behavior.price_deviation_tolerance", 0)
	price("008", "Without a tolerance prices may move.", allowed, "40.00", "18.00", "ext.agent_behavior.price_deviation_tolerance", nil)
	b.decide("bounds/price/009", "Without a recorded price nothing can be compared.", "agent", undetermined(protocol.CodeFactMissing), rule, buying("catalogue_price", nil))
	b.decide("bounds/price/011", "A recorded price in another currency cannot be compared.", "agent", denied(protocol.CodeCurrencyMismatch), rule,
		buying("catalogue_price", obj{"amount": "18.00", "currency": "USD"}))
	b.decide("bounds/price/010", "A PSP does not judge how far the price moved.", "psp", allowed, ids("PSD-PAY-DEL-04"), buying("amount", yuan("40.00")))
	retry := func(id, title, role string, output obj, attempt int, changes ...any) {
		b.decide("bounds/retry/"+id, title, role, output, rule, bounded(changes...), buying("attempt", attempt))
	}
	retry("001", "As many retries as are allowed may follow the first attempt.", "agent", allowed, 2)
	retry("002", "One more is too many.", "agent", denied(protocol.CodeRetriesExhausted), 3)
	retry("003", "CANCEL means no retry, whatever the number says.", "agent", denied(protocol.CodeRetriesExhausted), 1, "ext.agent_behavior.on_payment_failure", "CANCEL")
	retry("004", "CANCEL allows the first attempt.", "agent", allowed, 0, "ext.agent_behavior.on_payment_failure", "CANCEL")
	retry("005", "No retries are allowed when their number is 0.", "agent", denied(protocol.CodeRetriesExhausted), 1, "ext.agent_behavior.max_retry_count", 0)
	retry("006", "Without a number retries are not limited.", "agent", allowed, 9, "ext.agent_behavior.max_retry_count", nil)
	retry("007", "A PSP does not count the agent's attempts.", "psp", allowed, 9)
}

// withheld: what a mandate names and does not show (SPEC.md 8.1).
func withheld(b *builder) {
	rule := ids("PRV-01", "PSD-PAY-DEL-04")
	shown := func(id, title, role string, output obj, show change, more ...func(*decision)) {
		g := b.grant(keys.EdDSA, selective, alone, show)
		b.decide("bounds/withheld/"+id, title, role, output, rule, append([]func(*decision){func(d *decision) { d.mandate = g.sign() }}, more...)...)
	}
	undecided := undetermined(protocol.CodeConstraintWithheld)
	shown("001", "A PSP that sees its view, and the entries that the purchase needs, decides.", "psp", allowed, showing(pspView...))
	for i, path := range []string{
		"delegation_mode", "delegator_identity", "currency", "max_total_amount", "allowed_payment_methods",
		"ext/commerce/allowed_merchants", "ext/commerce/forbidden_merchants", "ext/commerce/allowed_categories", "ext/commerce/forbidden_categories",
	} {
		shown("01"+string(rune('0'+i)), "A constraint that is named and withheld is not anything goes: "+path+".", "psp", undecided, without(path))
	}
	for i, path := range []string{"ext/commerce/max_single_amount", "ext/commerce/min_single_amount", "ext/fulfillment/delivery_time_requirement"} {
		shown("02"+string(rune('0'+i)), "A constraint that is named and withheld is not anything goes: "+path+".", "psp", undecided, without(path))
	}
	shown("030", "What is the agent's alone to judge may be withheld from a PSP.", "psp", allowed, without("ext/agent_behavior/max_retry_count", "ext/agent_behavior/price_deviation_tolerance",
		"ext/agent_behavior/on_payment_failure", "ext/agent_behavior/price_deviation_action"))
	for i, path := range []string{"max_retry_count", "price_deviation_tolerance", "on_payment_failure", "price_deviation_action"} {
		shown("04"+string(rune('0'+i)), "An agent judges its own behaviour by what it sees of the mandate: "+path+".", "agent", undecided, without("ext/agent_behavior/"+path))
	}
	shown("050", "A merchant judges nothing that is withheld from it.", "merchant", allowed, showing())
	shown("051", "A list that is shown in part, without the entry that would be needed, is undecided: the entry may be there.", "psp", undecided, without("ext/commerce/allowed_merchants/0"))
	shown("052", "A list of methods that is shown in part is undecided likewise.", "psp", undecided, without("allowed_payment_methods/0"))
	shown("053", "A list of categories that is shown in part is undecided likewise.", "psp", undecided, without("ext/commerce/allowed_categories/0"))
	shown("054", "A list of which no entry is shown counts as withheld.", "psp", undecided, without("ext/commerce/allowed_merchants/0", "ext/commerce/allowed_merchants/1"))
	shown("055", "An agent has the whole: what is not among the entries it sees is not allowed.", "agent", denied(protocol.CodeMerchantNotAllowed), without("ext/commerce/allowed_merchants/0"))
	shown("056", "What is forbidden in plain sight is denied, whatever is withheld besides.", "psp", denied(protocol.CodeMerchantNotAllowed), without("ext/commerce/allowed_merchants"),
		buying("merchant_id", "did:act:shop.example/bar"))
	shown("057", "A limit that is shown and exceeded denies, whatever is withheld besides.", "psp", denied(protocol.CodeSingleLimitExceeded), without("ext/commerce/allowed_merchants"), buying("amount", yuan("50.01")))
	shown("058", "A currency that is withheld makes all amounts undecided.", "psp", undecided, without("currency"), buying("amount", yuan("50.01")))
	shown("059", "A delegator is the PSP's to know, and not the agent's to be told.", "agent", allowed, without("delegator_identity"))
	bad := b.grant(keys.EdDSA)
	ok := spec{id: "bounds/form/001", title: "The boundaries of a mandate of the first form are those of its payload.", requirements: ids("ADD-IAC-ISS-14"), operation: "mandate.decide",
		input: obj{"role": "psp", "purchase": latte(), "mandate": bad.sign()}, output: allowed}
	ok = b.valid(ok)
	text := b.valid(spec{id: "bounds/form/003", title: "The boundaries of a payload are judged without its envelope.", requirements: ids("ADD-IAC-ISS-04"), operation: "mandate.decide",
		input: obj{"role": "psp", "purchase": latte(), "authorization": b.textOf("authorization", authorization())}, output: allowed})
	payload := func(id, title string, code protocol.Code, authorization string) {
		b.invalid(text, spec{id: "bounds/form/" + id, title: title, code: code}, func(in obj) { in["authorization"] = authorization })
	}
	payload("004", "A payload without a total has no boundaries.", protocol.CodeFieldMissing, b.textOf("authorization", changed(authorization(), []any{"max_total_amount", nil})))
	payload("005", "A payload with a member twice has no one meaning.", protocol.CodeMalformed, `{"max_total_amount":1,`+b.textOf("authorization", authorization())[1:])
	payload("006", "A payload is an object.", protocol.CodeFieldInvalid, `"everything"`)
	b.invalid(ok, spec{id: "bounds/form/002", title: "A payload that breaks a rule has no boundaries.", code: protocol.CodeFieldInvalid}, func(in obj) {
		g := b.grant(keys.EdDSA, subject("ext.commerce.allowed_merchants", list{}))
		maps.Copy(in, obj{"mandate": g.sign()})
	})
}
