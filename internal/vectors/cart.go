package vectors

import (
	"maps"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// The ids of the purchase that the cases are about.
const (
	orderNo  = "order-7001"
	cartID   = "cart-1"
	payID    = "pay-1"
	tradeNo  = "trade-9001"
	askID    = "ask-1"
	walletID = "token-4f1c"
)

// negotiationRequest asks the shop by which methods it is paid.
func (b *builder) negotiationRequest() *letter {
	return &letter{b: b, kind: keys.KindNegotiationRequest, signer: b.buyer(), documents: b.parties(), more: obj{"recipient": shopDID}, members: obj{
		"request_id": askID, "nonce": nonce("negotiation"), "timestamp": utc(now), "agent_id": buyerDID, "merchant_id": shopDID,
		"buyer_supported_methods": list{walletURN, cardURN}, "currency": "CNY", "estimated_amount": "18.00",
	}}
}

// groupNegotiation: requests and answers of two-way negotiation (SPEC.md 5.6).
func groupNegotiation(b *builder) {
	p := &post{b: b, group: "negotiation/request", operation: "negotiation.verify", rule: ids("CID-PCA-NEG-06"), output: obj{"key_id": agentKey}, letter: b.negotiationRequest}
	p.first("A buyer says which methods it has, and about how much it wants to pay.")
	p.lacking(10, "request_id", "nonce", "timestamp", "agent_id", "merchant_id", "buyer_supported_methods", "currency", "estimated_amount")
	p.no("020", "A buyer without methods has nothing to ask.", protocol.CodeFieldMissing, nil, member("buyer_supported_methods", list{}))
	p.no("021", "A method stands once.", protocol.CodeFieldInvalid, nil, member("buyer_supported_methods", list{walletURN, walletURN}))
	p.no("022", "A method has the name that mandates use.", protocol.CodeFieldInvalid, nil, member("buyer_supported_methods", list{"wallet"}))
	p.no("023", "An amount is more than zero.", protocol.CodeFieldInvalid, nil, member("estimated_amount", "0.00"))
	p.no("024", "An amount is a string.", protocol.CodeFieldInvalid, nil, member("estimated_amount", 18))
	p.envelope("agent_id", keys.Seller)

	rule := ids("CID-PCA-NEG-08")
	offers := list{way(walletURN, pspDID, pspEndpoint), way(cardURN, psp2DID, psp2Endpoint)}
	text := func(changes ...any) string {
		return b.textOf("answer", changed(obj{"request_id": askID, "agent_id": shopDID, "supported_methods": offers}, changes))
	}
	ok := b.valid(spec{id: "negotiation/answer/001", title: "A shop answers with the methods that match.", requirements: rule, operation: "negotiation.answer.verify",
		input: obj{"answer": text(), "sent": b.negotiationRequest().text()}, output: obj{"offers": offers}})
	b.also(ok, spec{id: "negotiation/answer/002", title: "Where nothing matches the list is empty.", output: obj{"offers": list{}}}, put("answer", text("supported_methods", list{})))
	for _, c := range []struct {
		id, title string
		code      protocol.Code
		path      string
		value     any
	}{
		{"010", "A method that was not asked for matches nothing.", protocol.CodeClaimsConflict, "supported_methods", list{way("urn:act:payment:cash", pspDID, pspEndpoint)}},
		{"011", "An answer to another request is none to this.", protocol.CodeClaimsConflict, "request_id", "ask-2"},
		{"012", "An answer of another merchant is none.", protocol.CodeClaimsConflict, "agent_id", shop2DID},
		{"013", "An answer without a list says nothing.", protocol.CodeFieldMissing, "supported_methods", nil},
		{"014", "An answer is closed.", protocol.CodeFieldUnknown, "fee", "1.00"},
		{"015", "A pair of method and provider stands once.", protocol.CodeFieldInvalid, "supported_methods", list{offers[0], offers[0]}},
		{"016", "An offer has an endpoint.", protocol.CodeFieldMissing, "supported_methods", list{changed(way(walletURN, pspDID, ""), []any{"endpoint", nil})}},
		{"017", "An endpoint has one spelling.", protocol.CodeFieldInvalid, "supported_methods", list{way(walletURN, pspDID, "https://PSP.example/act")}},
		{"018", "A method in another form was not asked for either; its form is reported.", protocol.CodeFieldInvalid, "supported_methods", list{way("act:payment/wallet", pspDID, pspEndpoint)}},
		{"019", "An offer names its method.", protocol.CodeFieldMissing, "supported_methods", list{changed(way(walletURN, pspDID, pspEndpoint), []any{"method_id", nil})}},
	} {
		b.invalid(ok, spec{id: "negotiation/answer/" + c.id, title: c.title, code: c.code}, put("answer", text(c.path, c.value)))
	}
}

// cartRequest asks for two lattes and a tea.
func (b *builder) cartRequest() *letter {
	return &letter{b: b, kind: keys.KindCartRequest, signer: b.buyer(), documents: b.parties(), more: obj{"recipient": shopDID}, members: obj{
		"request_id": cartID, "nonce": nonce("cart"), "timestamp": utc(now), "buyer_agent_id": buyerDID, "merchant_id": shopDID,
		"intent_id": intentID, "delegation_id": grantID, "psp_id": pspDID, "payment_method": walletURN,
		"items":  list{obj{"item_id": "latte", "quantity": 2, "unit_price": "18.00"}, obj{"item_id": "tea", "quantity": 1, "unit_price": "12.50"}},
		"amount": "48.50", "currency": "CNY",
		"fulfilment": obj{"delivery_time_requirement": utc(now.Add(2 * time.Hour)), "delivery_address": "1 Lake Road"},
	}}
}

// lines changes the lines of a cart.
func lines(items ...any) edit { return member("items", append(list{}, items...)) }

func line(id string, quantity any, price string) obj {
	return obj{"item_id": id, "quantity": quantity, "unit_price": price}
}

// groupCart: cart requests (SPEC.md 5.2).
func groupCart(b *builder) {
	p := &post{b: b, group: "cart/request", operation: "cart.verify", rule: ids("CID-CART-CFM-03"), output: obj{"key_id": agentKey}, letter: b.cartRequest}
	p.first("A cart request names what is wanted, for how much, how it is paid, and why.")
	p.yes("002", "Without a mandate there is none to name.", nil, nil, member("delegation_id", nil))
	p.yes("003", "Where no delivery is needed none is asked for.", nil, nil, member("fulfilment", nil))
	p.yes("004", "A sum is compared by its value.", nil, nil, member("amount", "48.5"))
	p.yes("005", "An item may cost nothing, as long as the cart costs something.", nil, nil, lines(line("latte", 1, "48.50"), line("napkin", 1000000, "0")))
	p.yes("006", "Sums in a currency without decimals are whole.", nil, nil, lines(line("latte", 3, "120")), member("amount", "360"), member("currency", "JPY"))
	p.lacking(10, "request_id", "nonce", "timestamp", "buyer_agent_id", "merchant_id", "intent_id", "psp_id", "payment_method", "items", "amount", "currency")
	sums := ids("CID-CART-CFM-03", "CID-CART-CFM-05")
	cartSums(p, sums)
	cartKeyID(p)
	p.no("030", "An amount that is a cent more than its lines is refused.", protocol.CodeFieldInvalid, sums, member("amount", "48.51"))
	p.no("031", "An amount that is a cent less than its lines is refused.", protocol.CodeFieldInvalid, sums, member("amount", "48.49"))
	p.no("032", "A sum beyond what an amount can hold is no sum.", protocol.CodeFieldInvalid, sums, lines(line("latte", 1000000, "90000000000000.00")))
	p.no("033", "A cart that costs nothing is not paid for.", protocol.CodeFieldInvalid, nil, lines(line("latte", 1, "0.00")), member("amount", "0.00"))
	p.no("034", "There is one line an item.", protocol.CodeFieldInvalid, nil, lines(line("latte", 1, "18.00"), line("latte", 1, "18.00")), member("amount", "36.00"))
	p.no("035", "None of an item is not a line.", protocol.CodeFieldInvalid, nil, lines(line("latte", 0, "18.00"), line("tea", 1, "48.50")))
	p.no("036", "A negative quantity would make a cart cheaper.", protocol.CodeFieldInvalid, nil, lines(line("latte", 3, "18.00"), line("tea", -1, "5.50")))
	p.no("037", "More than a million of an item is no quantity.", protocol.CodeFieldInvalid, nil, lines(line("latte", 1000001, "1.00")), member("amount", "1000001.00"))
	p.yes("038", "A signed message is read in its canonical form, where 2.0 is the integer 2.", nil, nil, lines(line("latte", raw("2.0"), "18.00"), line("tea", 1, "12.50")))
	p.no("047", "A quantity is whole.", protocol.CodeFieldInvalid, nil, lines(line("latte", raw("0.5"), "18.00"), line("tea", 1, "39.50")))
	p.no("039", "A quantity is a number.", protocol.CodeFieldInvalid, nil, lines(line("latte", "2", "18.00"), line("tea", 1, "12.50")))
	p.no("040", "A price has no more decimals than its currency.", protocol.CodeFieldInvalid, nil, lines(line("latte", 2, "18.000"), line("tea", 1, "12.50")))
	p.no("041", "A cart has a line at least.", protocol.CodeFieldMissing, nil, lines())
	p.no("042", "A line is closed.", protocol.CodeFieldUnknown, nil, lines(obj{"item_id": "latte", "quantity": 2, "unit_price": "18.00", "discount": "1"}, line("tea", 1, "12.50")))
	p.no("043", "A payment method has the name that mandates use.", protocol.CodeFieldInvalid, nil, member("payment_method", "act:payment/wallet"))
	p.no("044", "A merchant is named by a DID.", protocol.CodeFieldInvalid, nil, member("merchant_id", "shop.example"))
	p.no("045", "An id without content is none.", protocol.CodeFieldMissing, nil, member("delegation_id", ""))
	p.no("046", "A member that is null is not one that is left out.", protocol.CodeFieldInvalid, nil, spelled(func(s string) string {
		return strings.Replace(s, `"delegation_id":"`+grantID+`"`, `"delegation_id":null`, 1)
	}))
	p.no("048", "A line beyond what an amount can hold is not left out of the sum, though the others make up the amount.", protocol.CodeFieldInvalid, sums, lines(line("latte", 1000000, "90000000000000.00"), line("tea", 1, "48.50")))
	p.no("049", "A sum that overflows does not begin anew behind the line where it did.", protocol.CodeFieldInvalid, sums, lines(line("latte", 1, "90000000000000000.00"), line("mocha", 1, "90000000000000000.00"), line("tea", 1, "48.50")))
	fulfilments(p)
	p.envelope("buyer_agent_id", keys.Seller)
	compareCases(p, keys.KindCartRequest, member("amount", "48.5"), member("fulfilment.delivery_address", "2 Lake Road"))
}

// fulfilments: what a cart says of delivery.
func fulfilments(p *post) {
	const at, by = "fulfilment.delivery_address", "fulfilment.delivery_time_requirement"
	p.yes("050", "An address may have several lines, as in a mandate.", nil, nil, member(at, "Ann Lee\n1 Lake Road\nHangzhou"))
	p.yes("051", "An address may have 2048 bytes, as in a mandate.", nil, nil, member(at, strings.Repeat("湖", 682)+"ab"))
	p.no("052", "An address has no more than 2048 bytes.", protocol.CodeFieldInvalid, nil, member(at, strings.Repeat("湖", 682)+"abc"))
	p.no("053", "An address does not command a terminal.", protocol.CodeFieldInvalid, nil, member(at, "1 Lake Road\x1b[2K"))
	p.no("054", "An address does not read otherwise than it is written.", protocol.CodeFieldInvalid, nil, member(at, "1 Lake Road \u202edaoR ekaL 2"))
	p.no("055", "An address is not empty.", protocol.CodeFieldMissing, nil, member(at, ""))
	p.yes("056", "A time of delivery is text of 256 characters.", nil, nil, member(by, strings.Repeat("é", 256)))
	p.no("057", "A time of delivery has no more than 256 characters.", protocol.CodeFieldInvalid, nil, member(by, strings.Repeat("é", 257)))
	p.no("058", "A time of delivery is in one line.", protocol.CodeFieldInvalid, nil, member(by, "today\ntomorrow"))
	p.no("059", "A time of delivery is not empty.", protocol.CodeFieldMissing, nil, member(by, ""))
	p.no("070", "What is said of delivery is closed.", protocol.CodeFieldUnknown, nil, member("fulfilment.tip", "1.00"))
}

// compareCases: what makes a repetition of a message, and what another message
// with its id (SPEC.md 5.4, 6.1).
func compareCases(p *post, kind string, edits ...edit) {
	with := func(all ...edit) string {
		l := p.letter()
		for _, e := range all {
			e(l)
		}
		return l.text()
	}
	again := []edit{member("nonce", nonce("again")), member("timestamp", utc(now.Add(time.Minute)))}
	add := func(n, title string, equal bool, second string) {
		about, _, _ := strings.Cut(p.group, "/")
		p.b.valid(spec{id: about + "/compare/" + n, title: title, requirements: p.rule, operation: "message.compare",
			input: obj{"kind": kind, "messages": list{with(), second}}, output: obj{"equal": equal}})
	}
	add("001", "What is sent again, with another nonce and time, has equal content.", true, with(again...))
	other := p.b.signer(buyerDID+"#k2", keys.AgentRequest, keys.EdDSA)
	if kind == keys.KindRefundRequest {
		other = p.b.signer(shopDID+"#s2", keys.Seller, keys.EdDSA)
	}
	add("002", "Another key of the sender is another content: it is a member.", false, with(append(again, func(l *letter) { l.signer = other })...))
	for i, e := range edits {
		add(three(i+3), "What differs in any other member is another content, also where it has the same value.", false, with(append([]edit{e}, again...)...))
	}
}

// confirmation is an order in the making.
type confirmation struct {
	b         *builder
	signer    *keys.Signer
	header    obj
	claims    obj
	payload   func(string) string
	documents obj
	sent      string
}

// orderClaims are those of the shop's word to the cart.
func orderClaims() obj {
	return obj{
		"iss": shopDID, "merchant_id": shopDID, "sub": buyerDID, "buyer_agent_id": buyerDID, "iat": numericDate(now), "exp": numericDate(now.Add(10 * time.Minute)),
		"merchant_order_id": orderNo, "request_id": cartID, "intent_id": intentID, "delegation_id": grantID, "psp_id": pspDID, "payment_method": walletURN,
		"items": list{
			obj{"item_id": "latte", "name": "Latte", "category": "food/drink/coffee", "unit_price": "18.00", "quantity": 2, "subtotal": "36.00"},
			obj{"item_id": "tea", "name": "Green tea", "category": "food/drink/tea", "unit_price": "12.50", "quantity": 1, "subtotal": "12.50"},
		},
		"amount": "48.50", "currency": "CNY", "deliver_by": utc(now.Add(time.Hour)), "status": "CONFIRMED",
	}
}

func (b *builder) confirmation(changes ...func(*confirmation)) *confirmation {
	c := &confirmation{b: b, signer: b.seller(), claims: orderClaims(), documents: b.parties(), sent: b.cartRequest().text()}
	c.header = headerOf(c.signer, keys.TypeOrder)
	for _, change := range changes {
		change(c)
	}
	return c
}

func (c *confirmation) token() string {
	payload := c.b.textOf("order", c.claims)
	if c.payload != nil {
		payload = c.payload(payload)
	}
	return c.b.token(c.signer, c.b.textOf("header", c.header), payload)
}

func (c *confirmation) input() obj {
	return obj{"order": c.token(), "sent": c.sent, "documents": c.documents}
}

// confirms changes a claim of an order.
func confirms(path string, value any) func(*confirmation) {
	return func(c *confirmation) { set(c.claims, path, value) }
}

// lined changes a member of the first line of an order.
func lined(name string, value any) func(*confirmation) {
	return func(c *confirmation) { set(c.claims["items"].(list)[0].(obj), name, value) }
}

// wanted has the agent have asked for something else.
func wanted(edits ...edit) func(*confirmation) {
	return func(c *confirmation) {
		l := c.b.cartRequest()
		for _, e := range edits {
			e(l)
		}
		c.sent = l.text()
	}
}

// groupOrder: order confirmations (SPEC.md 5.3).
func groupOrder(b *builder) {
	locked, result, money := ids("CID-CART-CFM-04"), ids("CID-CART-CFM-06"), ids("CID-CART-CFM-05")
	output := obj{"merchant_order_id": orderNo, "amount": "48.50", "currency": "CNY", "categories": list{"food/drink/coffee", "food/drink/tea"}, "deliver_by": utc(now.Add(time.Hour))}
	ok := b.valid(spec{id: "order/basic/001", title: "A merchant that has locked price and stock confirms what was asked for.", requirements: ids("CID-CART-CFM-04", "CID-CART-CFM-05", "CID-CART-CFM-06"),
		operation: "order.verify", input: b.confirmation().input(), output: output})
	also := func(id, title string, requirements []string, changes ...func(*confirmation)) {
		b.valid(spec{id: "order/" + id, title: title, requirements: requirements, operation: "order.verify", input: b.confirmation(changes...).input(), output: output})
	}
	no := func(id, title string, code protocol.Code, requirements []string, changes ...func(*confirmation)) {
		b.invalid(ok, spec{id: "order/" + id, title: title, code: code, requirements: requirements}, func(in obj) {
			clear(in)
			maps.Copy(in, b.confirmation(changes...).input())
		})
	}
	also("basic/002", "Amounts are compared by their value.", money, confirms("amount", "48.5"), lined("unit_price", "18"))
	also("basic/003", "A cart without a mandate is confirmed without one.", result, confirms("delegation_id", nil), wanted(member("delegation_id", nil)))
	also("basic/004", "A merchant's clock may be a minute ahead.", locked, confirms("iat", numericDate(now.Add(time.Minute))))
	for i, c := range []struct {
		title string
		code  protocol.Code
		path  string
		value any
	}{
		{"The answer to another request is none to this.", protocol.CodeOrderMismatch, "request_id", "cart-2"},
		{"An order for another intent is not this one.", protocol.CodeOrderMismatch, "intent_id", "urn:uuid:00000000-0000-4000-8000-000000000000"},
		{"An order under another mandate is not this one.", protocol.CodeOrderMismatch, "delegation_id", "urn:uuid:00000000-0000-4000-8000-000000000000"},
		{"An order that leaves out the mandate of the request does not answer it.", protocol.CodeOrderMismatch, "delegation_id", nil},
		{"An order that is to be paid through another provider is not what was asked for.", protocol.CodeAudienceMismatch, "psp_id", psp2DID},
		{"An order that is to be paid by another method is not what was asked for.", protocol.CodeOrderMismatch, "payment_method", cardURN},
	} {
		no("answer/"+three(i+1), c.title, c.code, ids("CID-CART-CFM-05", "CID-CART-CFM-06"), confirms(c.path, c.value))
	}
	no("answer/007", "An order for another buyer is not this agent's.", protocol.CodeAgentMismatch, result, confirms("sub", otherDID), confirms("buyer_agent_id", otherDID))
	orderLines(no)
	no("lock/001", "An order whose lock has ended promises nothing any more.", protocol.CodeOrderExpired, locked, confirms("iat", numericDate(now.Add(-10*time.Minute))), confirms("exp", numericDate(now)))
	b.invalid(ok, spec{id: "order/lock/002", title: "The last second of a lock is the one before its end.", code: protocol.CodeOrderExpired, requirements: locked, clock: now.Add(10 * time.Minute)}, nil)
	b.also(ok, spec{id: "order/lock/003", title: "A second before its end a lock holds.", requirements: locked, clock: now.Add(10*time.Minute - time.Second)}, nil)
	no("lock/004", "An order of the future is not made yet.", protocol.CodeOrderMismatch, locked, confirms("iat", numericDate(now.Add(61*time.Second))))
	no("lock/005", "A lock ends after it began.", protocol.CodeFieldInvalid, locked, confirms("exp", numericDate(now)))
	no("lock/006", "What is not confirmed is not locked.", protocol.CodeFieldInvalid, locked, confirms("status", "PENDING"))
	orderForm(b, no)
}

// orderLines: what an order says of its lines.
func orderLines(no func(id, title string, code protocol.Code, requirements []string, changes ...func(*confirmation))) {
	rule := ids("CID-CART-CFM-05", "CID-CART-CFM-06")
	no("line/001", "A dearer line is not what was asked for, though the order adds up.", protocol.CodeOrderMismatch, rule, lined("unit_price", "18.50"), lined("subtotal", "37.00"), confirms("amount", "49.50"))
	no("line/002", "Fewer pieces for the same money are not what was asked for.", protocol.CodeOrderMismatch, rule, lined("unit_price", "36.00"), lined("quantity", 1))
	no("line/003", "Another item is not what was asked for.", protocol.CodeOrderMismatch, rule, lined("item_id", "espresso"))
	no("line/004", "A line less is not what was asked for.", protocol.CodeOrderMismatch, rule, func(c *confirmation) { c.claims["items"] = c.claims["items"].(list)[:1] }, confirms("amount", "36.00"))
	no("line/005", "A line more, for nothing, is not what was asked for.", protocol.CodeOrderMismatch, rule, func(c *confirmation) {
		c.claims["items"] = append(c.claims["items"].(list), obj{"item_id": "card", "name": "Club card", "category": "club", "unit_price": "0", "quantity": 1, "subtotal": "0"})
	})
	no("line/006", "A subtotal is price times quantity.", protocol.CodeFieldInvalid, rule, lined("subtotal", "36.01"), confirms("amount", "48.51"))
	no("line/007", "An amount is the sum of the lines.", protocol.CodeFieldInvalid, rule, confirms("amount", "48.51"))
	no("line/008", "An order in another currency is not what was asked for.", protocol.CodeOrderMismatch, rule, confirms("currency", "USD"))
	no("line/009", "A line names the category that a mandate is judged by.", protocol.CodeFieldMissing, rule, lined("category", nil))
	no("line/010", "There is one line an item.", protocol.CodeFieldInvalid, rule, lined("item_id", "tea"))
	no("line/011", "A subtotal that is wrong is wrong, though the amount is the sum of the lines.", protocol.CodeFieldInvalid, rule, lined("subtotal", "35.99"))
	no("line/012", "A line says in words what was bought.", protocol.CodeFieldMissing, rule, lined("name", nil))
	no("line/013", "What a line says does not rewrite what a person sees.", protocol.CodeFieldInvalid, rule, lined("name", "Latte\x1b[2K"))
}

// orderForm: the token, and who signed it.
func orderForm(b *builder, no func(id, title string, code protocol.Code, requirements []string, changes ...func(*confirmation))) {
	rule := ids("CID-CART-CFM-06")
	for i, name := range []string{"iss", "sub", "merchant_id", "buyer_agent_id", "iat", "exp", "merchant_order_id", "request_id", "intent_id", "psp_id", "payment_method", "items", "amount", "currency", "deliver_by", "status"} {
		no("form/"+three(i+1), "An order without "+name+" says too little.", protocol.CodeFieldMissing, rule, confirms(name, nil))
	}
	no("form/020", "An order is closed.", protocol.CodeFieldUnknown, rule, confirms("tip", "1.00"))
	no("form/021", "Twins are equal: the issuer is the merchant.", protocol.CodeClaimsConflict, rule, confirms("merchant_id", shop2DID))
	no("form/025", "Twins are equal: a key of the merchant signs nothing that another one issues.", protocol.CodeClaimsConflict, rule, confirms("iss", shop2DID))
	no("form/022", "Twins are equal: the subject is the buyer.", protocol.CodeClaimsConflict, rule, confirms("buyer_agent_id", otherDID))
	no("form/023", "A time of delivery is RFC 3339.", protocol.CodeFieldInvalid, rule, confirms("deliver_by", "in an hour"))
	no("form/024", "The end of a lock is a number of whole seconds.", protocol.CodeFieldInvalid, rule, confirms("exp", raw("1793527800.5")))
	signed := ids("CID-CART-CFM-04")
	no("signature/001", "A key for payment proofs confirms no order.", protocol.CodeKeyPurpose, signed, func(c *confirmation) {
		c.documents[shopDID] = document(shopDID, entry(b.signer(sellerKey, keys.Proof, keys.EdDSA)))
	})
	no("signature/002", "An order that was changed after signing is found.", protocol.CodeSignatureInvalid, signed, func(c *confirmation) {
		c.signer = b.signer(shopDID+"#s9", keys.Seller, keys.EdDSA)
	})
	no("signature/003", "A token of another kind is no order.", protocol.CodeTypeMismatch, signed, func(c *confirmation) { c.header["typ"] = keys.TypePaymentProof })
	no("signature/004", "Another merchant does not sign for this one.", protocol.CodeClaimsConflict, signed, func(c *confirmation) {
		c.signer = b.signer(shop2DID+"#s1", keys.Seller, keys.EdDSA)
		c.header = headerOf(c.signer, keys.TypeOrder)
		c.documents[shop2DID] = document(shop2DID, entry(c.signer))
	})
	no("signature/005", "Another merchant's order is not the one that was asked for.", protocol.CodeOrderMismatch, signed, func(c *confirmation) {
		c.signer = b.signer(shop2DID+"#s1", keys.Seller, keys.EdDSA)
		c.header = headerOf(c.signer, keys.TypeOrder)
		c.documents[shop2DID] = document(shop2DID, entry(c.signer))
		c.claims["iss"], c.claims["merchant_id"] = shop2DID, shop2DID
	})
	no("signature/006", "A merchant whose document cannot be had confirms nothing.", protocol.CodeKeyUnavailable, signed, func(c *confirmation) { delete(c.documents, shopDID) })
	no("signature/007", "The algorithm none is never accepted.", protocol.CodeAlgorithmRefused, signed, func(c *confirmation) { c.header["alg"] = "none" })
}

// groupCheck: what an agent checks before it confirms a cart or pays (SPEC.md
// 4.4), and what follows from a failure.
func groupCheck(b *builder) {
	rule := ids("CID-CART-CFM-01", "PSD-PAY-AUP-02", "PSD-PAY-A402-05")
	input := func(changes ...func(*decision)) obj {
		d := &decision{b: b, authorization: changed(authorization(), []any{"delegation_mode", "BOUNDED"}), purchase: latte(), spent: yuan("20.00")}
		for _, c := range changes {
			c(d)
		}
		return obj{"authorization": b.textOf("authorization", d.authorization), "purchase": d.purchase, "spent": d.spent}
	}
	add := func(id, title string, output obj, requirements []string, changes ...func(*decision)) {
		b.valid(spec{id: "check/" + id, title: title, requirements: requirements, operation: "purchase.check", input: input(changes...), output: output})
	}
	pause := func(code protocol.Code) obj {
		return obj{"decision": code.Outcome().String(), "code": string(code), "policy": "PAUSE_AND_NOTIFY"}
	}
	add("cart/001", "A purchase inside of every boundary goes on.", allowed, rule)
	for i, c := range []struct {
		title  string
		code   protocol.Code
		change func(*decision)
	}{
		{"A purchase over the single limit waits for the principal.", protocol.CodeSingleLimitExceeded, buying("amount", yuan("50.01"), "catalogue_price", yuan("50.01"))},
		{"A purchase over what is left of the total waits.", protocol.CodeTotalLimitExceeded, spent(yuan("182.01"))},
		{"A purchase in a category that is not allowed waits.", protocol.CodeCategoryNotAllowed, buying("categories", list{"toys"})},
		{"A purchase at a merchant that is not allowed waits.", protocol.CodeMerchantNotAllowed, buying("merchant_id", "did:act:shop.example/books")},
		{"A purchase by a method that is not allowed waits.", protocol.CodeMethodNotAllowed, buying("payment_method", "urn:act:payment:cash")},
		{"A delivery that comes too late waits.", protocol.CodeDeliveryNotMet, buying("deliver_by", utc(now.Add(3*time.Hour)))},
		{"A price that moved too far waits.", protocol.CodePriceDeviation, buying("catalogue_price", yuan("17.00"))},
		{"What could not be decided is no permission: it waits as well.", protocol.CodeFactMissing, buying("categories", list{})},
		{"What is not understood is no permission either.", protocol.CodeConstraintUnknown, bounded("ext.commerce.allowed_regions", list{"CN"})},
	} {
		add("cart/"+three(i+2), c.title, pause(c.code), append([]string{"CID-CART-CFM-02"}, rule...), c.change)
	}
	policy := ids("CID-CART-CFM-02")
	over := buying("amount", yuan("50.01"), "catalogue_price", yuan("50.01"))
	cancel := obj{"decision": "denied", "code": string(protocol.CodeSingleLimitExceeded), "policy": "AUTO_CANCEL"}
	add("policy/001", "AUTO_CANCEL ends it.", cancel, policy, over, bounded("ext.agent_behavior.price_deviation_action", "AUTO_CANCEL"))
	b.valid(spec{id: "check/policy/002", title: "Without a policy an agent pauses and tells.", requirements: policy, level: "should", operation: "purchase.check",
		input: input(over, bounded("ext.agent_behavior", nil)), output: pause(protocol.CodeSingleLimitExceeded)})
	b.valid(spec{id: "check/window/001", title: "At the end of its window a mandate allows nothing any more.", requirements: rule, operation: "purchase.check", clock: grantEnd,
		input: input(bounded("ext.fulfillment", nil)), output: pause(protocol.CodeMandateExpired)})
	directed := ids("CID-CART-CFM-01", "PSD-PAY-DEL-01", "PSD-PAY-DEL-12", "PSD-PAY-A402-05")
	add("directed/001", "A directed purchase goes on inside of its boundaries.", allowed, directed, bounded("delegation_mode", "SPECIFIED"))
	add("directed/002", "A directed purchase never exceeds them.", pause(protocol.CodeMerchantNotAllowed), directed, bounded("delegation_mode", "SPECIFIED"), buying("merchant_id", "did:act:shop.example/books"))
}
