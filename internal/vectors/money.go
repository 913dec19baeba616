package vectors

import "github.com/actprotocol/act-go/protocol"

// groupMoney: amounts in messages and in intents (SPEC.md 1.5).
func groupMoney(b *builder) {
	ok := b.valid(spec{
		id: "money/parse/001", title: "An amount with the decimals of its currency.",
		requirements: []string{"ADD-INT-ICS-10"}, operation: "money.parse",
		input: obj{"amount": "18.00", "currency": "CNY"}, output: obj{"amount": "18.00"},
	})
	b.invalid(ok, spec{
		id: "money/parse/002", title: "A third decimal would be precision that only one side sees.", code: protocol.CodeFieldInvalid,
	}, func(in obj) { in["amount"] = "18.001" })
}
