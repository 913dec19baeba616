// Package vectors generates the conformance vectors, deterministically: the
// same source gives the same bytes. Keys come from their names, Ed25519 is
// deterministic by itself, ECDSA signs by RFC 6979, and salts and nonces come
// from a stream that is seeded by a label.
//
// Each group stands in a file of its own that exports nothing and adds its cases
// to a builder:
//
//	func groupMoney(b *builder) {
//		ok := b.valid(spec{id: "money/parse/001", title: "…", operation: "money.parse",
//			input: obj{"amount": "18.00", "currency": "CNY"}, output: obj{"amount": "18.00"}})
//		b.invalid(ok, spec{id: "money/parse/002", title: "…", code: protocol.CodeFieldInvalid},
//			func(in obj) { in["amount"] = "18.001" })
//	}
//
// An invalid case is made of a valid one by one defect, and has no other way to
// be made.
package vectors
