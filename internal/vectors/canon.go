package vectors

import "github.com/actprotocol/act-go/protocol"

// groupCanon: strict JSON and its canonical form (SPEC.md 1.1, 1.2).
func groupCanon(b *builder) {
	ok := b.valid(spec{
		id: "canon/order/001", title: "Members are sorted by UTF-16 code unit and white space vanishes.",
		requirements: []string{"ADD-IAC-ISS-08"}, operation: "canon.canonicalize",
		input: obj{"text": `{ "b": 1, "a": 2 }`}, output: obj{"canonical": `{"a":2,"b":1}`},
	})
	b.invalid(ok, spec{
		id: "canon/order/002", title: "A member that stands twice has no one meaning.", code: protocol.CodeMalformed,
	}, func(in obj) { in["text"] = `{ "a": 1, "a": 2 }` })
}
