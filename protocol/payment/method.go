package payment

import (
	"strings"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
)

// MethodVersion is the version of our payment methods (SPEC.md 6.4).
const MethodVersion = "1.0.0"

// MethodID turns a mandate's urn:act:payment:<name> into the method_id
// act:payment/<name> of A402, whose official pattern refuses the URN. A name is
// [a-z0-9][a-z0-9._-]*, at most 128 characters.
func MethodID(urn string) (string, error) {
	name, ok := strings.CutPrefix(urn, wire.MethodURN)
	if !ok || !wire.MethodName(name) {
		return "", protocol.New(protocol.CodeFieldInvalid, "payment_method", "PSD-PAY-A402-17", "must be urn:act:payment: and a name")
	}
	return wire.MethodID + name, nil
}

// MethodURN is the reverse of [MethodID].
func MethodURN(methodID string) (string, error) {
	name, ok := strings.CutPrefix(methodID, wire.MethodID)
	if !ok || !wire.MethodName(name) {
		return "", protocol.New(protocol.CodeFieldInvalid, "method_id", "PSD-PAY-A402-17", "must be act:payment/ and a name")
	}
	return wire.MethodURN + name, nil
}
