package vectors

import (
	"strings"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// groupTextEdges: texts of mandates that people and programs might read
// differently. Like those of edges.go, these cases were asked for by mutation.
func groupTextEdges(b *builder) {
	f := b.family("mandate/text/001", "An address may be in any script, and have lines.", keys.EdDSA, ids("ADD-INT-ICS-16"), nil,
		subject("ext.fulfillment.delivery_address", "1 Lake Road\n\u676d\u5dde"), subject("ext.fulfillment.delivery_time_requirement", "before noon"))
	not := func(id, title, requirement string, changes ...change) {
		f.not("mandate/text/"+id, title, protocol.CodeFieldInvalid, ids(requirement), changes...)
	}
	not("010", "A delivery time is plain text.", "ADD-INT-ICS-16", subject("ext.fulfillment.delivery_time_requirement", "a\x00b"))
	not("011", "A delivery time has one line.", "ADD-INT-ICS-16", subject("ext.fulfillment.delivery_time_requirement", "a\nb"))
	not("012", "A delivery time has a limit.", "ADD-INT-ICS-16", subject("ext.fulfillment.delivery_time_requirement", strings.Repeat("a", 257)))
	not("013", "A control character of the second kind is one too.", "ADD-INT-ICS-16", subject("ext.fulfillment.delivery_address", "a\u0085b"))
	not("014", "A character that deletes is a control character.", "ADD-INT-ICS-16", subject("ext.fulfillment.delivery_address", "a\x7fb"))
	not("015", "An address has a limit.", "ADD-INT-ICS-16", subject("ext.fulfillment.delivery_address", strings.Repeat("a", 2049)))
	not("016", "What is private to a vendor is an object.", "ADD-INT-ICS-17", subject("ext.vendor_private", "x"))
	not("018", "What is private to a vendor holds no null.", "ADD-INT-ICS-17", subject("ext.vendor_private", raw(`{"a":[null]}`)))
	not("017", "What is private to a vendor is not null.", "ADD-INT-ICS-17", subject("ext.vendor_private", raw("null")))
}
