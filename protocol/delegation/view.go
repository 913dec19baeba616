package delegation

import (
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/privacy/sdjwt"
)

// views says which members each role is shown besides those that are always
// visible (SPEC.md 8.2). Of allow-lists the PSP is shown the entries that it
// needs for the purchase.
var views = map[Role][]string{
	RoleMerchant: {deliveryAddress},
	RolePSP: {
		allowedMethods.pointer(), currencyCode.pointer(), delegationMode.pointer(), delegator.pointer(),
		allowedCategories.pointer(), allowedMerchants.pointer(), forbiddenCategories.pointer(), forbiddenMerchants.pointer(),
		maxSingleAmount.pointer(), minSingleAmount.pointer(), deliveryTime.pointer(), maxTotalAmount.pointer(),
	},
	RoleTrustService: {
		controlProofRef, delegationMode.pointer(), delegator.pointer(), sourceISRDigest, confirmationMethod, confirmationTimestamp,
	},
}

// Present returns the part of a mandate with selective disclosure that a role
// needs (PRV-01), to be bound with [sdjwt.Bind] to whom it is shown to. m must
// have been read from what the issuer gave: what was withheld from the agent it
// cannot show.
//
// The PSP is shown those entries of allow-lists that p is inside of; a list whose
// fact p does not have is shown whole. For the other roles p is not used. The
// agent's own view is everything. A mandate in the other form is type_mismatch:
// it can only be shown whole.
func (m *UnverifiedMandate) Present(role Role, p Purchase) ([]byte, error) {
	if m.shown == nil {
		return nil, protocol.New(protocol.CodeTypeMismatch, "", "PRV-01", "this mandate can only be shown whole")
	}
	if role == RoleAgent {
		return m.shown.Present(func(sdjwt.Disclosed) bool { return true }), nil
	}
	members, ok := views[role]
	if !ok {
		return nil, protocol.New(protocol.CodeFactMissing, "role", "PRV-01", "no role to show anything to")
	}
	return m.shown.Present(func(d sdjwt.Disclosed) bool {
		return slices.Contains(members, d.Path) || role == RolePSP && p.needs(d)
	}), nil
}

// needs reports whether d is an entry of an allow-list that lets p pass.
func (p *Purchase) needs(d sdjwt.Disclosed) bool {
	slash := strings.LastIndexByte(d.Path, '/')
	entry, err := jsontext.AppendUnquote(nil, d.Value)
	if err != nil {
		return false
	}
	switch d.Path[:slash] {
	case allowedMethods.pointer():
		return p.Method == "" || p.Method == string(entry)
	case allowedMerchants.pointer():
		return p.Merchant == "" || p.Merchant == string(entry)
	case allowedCategories.pointer():
		return len(p.Categories) == 0 || slices.ContainsFunc(p.Categories, func(c string) bool { return within(c, string(entry)) })
	}
	return false
}

// element is the JSON pointer of an entry of a list.
func element(c constraint, i int) string { return c.pointer() + "/" + strconv.Itoa(i) }
