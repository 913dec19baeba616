package delegation

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/privacy/sdjwt"
)

// CredentialType is the one accepted "vct" of a mandate with selective
// disclosure (SPEC.md 8.1).
const CredentialType = "urn:act:vct:intent-authorization"

// IssueSelective signs claims as a mandate of which the agent can show each
// party the part that it needs (PRV-01): an SD-JWT VC by RFC 9901, with the same
// claims as [Issue] makes and under the same conditions. Besides it needs an
// intent_id.
//
// The result has all disclosures and is for the agent alone. Every constraint is
// named in a manifest that is always visible. Entries of allow-lists have a
// disclosure each; forbidden lists are shown whole or not at all. Decoys keep
// the number of digests from telling how long an allow-list is, and whether
// there is a conversation, a delivery address or anything private.
func IssueSelective(s *keys.Signer, c Claims) ([]byte, error) {
	if err := c.issuable(s, "authorization"); err != nil {
		return nil, err
	}
	if c.Authorization.IntentID == "" {
		return nil, missing("authorization.intent_id", "ADD-IAC-ISS-06")
	}
	payload, err := c.encodeSelective()
	if err != nil {
		return nil, err
	}
	return sdjwt.Issue(s, keys.IssueAuthorization, keys.TypeMandateSD, payload, c.concealment())
}

// wireSelective are the claims of the second form, for writing.
type wireSelective struct {
	Iss           string         `json:"iss"`
	Sub           string         `json:"sub"`
	Aud           string         `json:"aud"`
	Jti           string         `json:"jti"`
	Iat           int64          `json:"iat"`
	Nbf           int64          `json:"nbf"`
	Exp           int64          `json:"exp"`
	Cnf           wireHolder     `json:"cnf"`
	Status        *wireStatus    `json:"status,omitzero"`
	VCT           string         `json:"vct"`
	Control       string         `json:"control_proof_ref,omitzero"`
	Constraints   []string       `json:"constraints"`
	Authorization jsontext.Value `json:"authorization"`
}

// encodeSelective writes claims that have been checked, before anything is
// hidden. The containers that are padded with decoys are there even when they
// are empty.
func (c Claims) encodeSelective() ([]byte, error) {
	if _, err := c.Authorization.Encode(); err != nil {
		return nil, protocol.In(err, "authorization")
	}
	a := c.Authorization.Clone()
	a.utc()
	if a.Ext == nil {
		a.Ext = new(Ext)
	}
	if a.Ext.Fulfillment == nil {
		a.Ext.Fulfillment = new(Fulfillment)
	}
	subject, err := encode(a)
	if err != nil {
		return nil, protocol.In(err, "authorization")
	}
	w := wireSelective{
		Iss: c.Issuer, Sub: c.Subject, Aud: c.Audience, Jti: c.ID,
		Iat: c.IssuedAt.Unix(), Nbf: c.NotBefore.Unix(), Exp: c.Expires.Unix(),
		Cnf: wireHolder{JWK: c.Holder.JWK()}, VCT: CredentialType, Control: c.ControlProofRef,
		Constraints: a.constraints().paths(), Authorization: subject,
	}
	if c.Status != nil {
		w.Status = &wireStatus{List: wireEntry{Index: c.Status.Index, URI: c.Status.URI}}
	}
	return canon.Marshal(w)
}

// The objects and lists that may hide something, by JSON pointer.
const (
	inClaims      = ""
	inPayload     = "/authorization"
	inExt         = "/authorization/ext"
	inCommerce    = "/authorization/ext/commerce"
	inBehavior    = "/authorization/ext/agent_behavior"
	inFulfillment = "/authorization/ext/fulfillment"
)

// What may be hidden besides the constraints. Its presence is nobody's
// business, so the objects it belongs to always have the same number of
// digests.
const (
	controlProofRef       = "/control_proof_ref"
	conversationHistory   = "/authorization/conversation_history"
	sourceISRDigest       = "/authorization/source_isr_digest"
	confirmationMethod    = "/authorization/user_confirmation_method"
	confirmationTimestamp = "/authorization/user_confirmation_timestamp"
	vendorPrivate         = "/authorization/ext/vendor_private"
	deliveryAddress       = "/authorization/ext/fulfillment/delivery_address"
)

// padded is how many digests these objects have, of members and decoys.
var padded = map[string]int{inClaims: 1, inPayload: 9, inExt: 1, inFulfillment: 2}

// concealment decides what is hidden and how many decoys there are.
func (c Claims) concealment() sdjwt.Concealment {
	a := c.Authorization
	out := sdjwt.Concealment{Decoys: make(map[string]int)}
	present := a.constraints()
	for k := range constraintCount {
		if present.has(k) {
			out.Hide = append(out.Hide, k.pointer())
		}
	}
	for _, m := range []struct {
		present bool
		pointer string
	}{
		{c.ControlProofRef != "", controlProofRef},
		{a.ConversationHistory != nil, conversationHistory},
		{a.SourceISRDigest != "", sourceISRDigest},
		{a.UserConfirmationMethod != "", confirmationMethod},
		{!a.UserConfirmationTimestamp.IsZero(), confirmationTimestamp},
		{a.Ext != nil && a.Ext.VendorPrivate != nil, vendorPrivate},
		{a.Ext.fulfillment().DeliveryAddress != "", deliveryAddress},
	} {
		if m.present {
			out.Hide = append(out.Hide, m.pointer)
		}
	}
	for object, n := range padded {
		out.Decoys[object] = n
	}
	for _, pointer := range out.Hide {
		if object := pointer[:strings.LastIndexByte(pointer, '/')]; padded[object] > 0 {
			out.Decoys[object]--
		}
	}
	for _, k := range allowLists {
		list := a.list(k)
		if list == nil || *list == nil {
			continue
		}
		for i := range *list {
			out.Hide = append(out.Hide, element(k, i))
		}
		out.Decoys[k.pointer()] = roundUp(len(*list)) - len(*list)
	}
	return out
}

// roundUp returns the least power of two that is neither below n nor below 4.
func roundUp(n int) int {
	size := 4
	for size < n {
		size *= 2
	}
	return size
}

// parseSelective reads the second form.
func parseSelective(raw []byte) (*UnverifiedMandate, error) {
	presented, err := sdjwt.Parse(raw)
	if err != nil {
		return nil, err
	}
	token, err := keys.ParseCompact(presented.JWT, keys.TypeMandateSD)
	if err != nil {
		return nil, err
	}
	shown, err := presented.Process(token.Payload)
	if err != nil {
		return nil, err
	}
	m := &UnverifiedMandate{token: token, shown: shown}
	r := newReader(shown.Payload, true)
	var manifest constraintSet
	if err := m.claims.readSelective(r, &manifest); err != nil {
		return nil, withRequirement(err, "ADD-IAC-ISS-14")
	}
	switch a := m.claims.Authorization; {
	case a == nil:
		return nil, missing("authorization", "ADD-IAC-ISS-14")
	case a.IntentID == "": // the conversation, which could stand for it, may be withheld
		return nil, missing("authorization.intent_id", "ADD-IAC-ISS-06")
	}
	if err := checkPlaces(shown); err != nil {
		return nil, err
	}
	if err := m.claims.Authorization.settle(manifest, shown.Hidden); err != nil {
		return nil, err
	}
	return m.finish(r.unknown, "authorization")
}

// readSelective reads the claims of the second form. That there is a manifest,
// and what it names at least, is settle's to check.
func (c *Claims) readSelective(r *reader, manifest *constraintSet) error {
	typed := false
	err := r.object(func(name []byte) error {
		switch string(name) {
		case "vct":
			typed = true
			return readCredentialType(r)
		case "control_proof_ref":
			return withRequirement(r.filled(&c.ControlProofRef), "ADD-IAC-ISS-13")
		case "constraints":
			return readManifest(r, manifest)
		case "authorization":
			return c.readAuthorization(r, "authorization.")
		default:
			return c.readCommon(r, name)
		}
	})
	switch {
	case err != nil:
		return err
	case !typed:
		return missing("vct", "ADD-IAC-ISS-14")
	}
	return nil
}

func readCredentialType(r *reader) error {
	var s string
	if err := r.text(&s); err != nil {
		return err
	}
	if s != CredentialType {
		return protocol.New(protocol.CodeTypeMismatch, "", "ADD-IAC-ISS-14", "another type of credential")
	}
	return nil
}

// readManifest reads the names of the constraints: sorted, each once. One that
// this version does not know makes every decision undetermined.
func readManifest(r *reader, set *constraintSet) error {
	var names []string
	if err := r.texts(&names); err != nil {
		return withRequirement(err, "PRV-01")
	}
	for i, name := range names {
		if i > 0 && names[i-1] >= name {
			return invalid("", "PRV-01", "sorted names, each once")
		}
		if c, known := constraintNamed(name); known {
			*set |= 1 << c
		} else {
			r.unknown = append(r.unknown, "constraints")
		}
	}
	return nil
}

// neverHidden are the members that are never hidden.
var neverHidden = map[string]bool{
	"/iss": true, "/sub": true, "/aud": true, "/jti": true, "/iat": true, "/nbf": true, "/exp": true,
	"/cnf": true, "/status": true, "/vct": true, "/constraints": true, inPayload: true,
	"/authorization/delegation_id": true, "/authorization/intent_id": true, "/authorization/agent_id": true,
	"/authorization/validity_start_time": true, "/authorization/validity_end_time": true,
	inExt: true, inCommerce: true, inBehavior: true, inFulfillment: true,
}

// checkPlaces refuses digests and disclosures where this profile hides nothing:
// above all inside of a forbidden list, of which a part would allow more than
// the whole.
func checkPlaces(shown *sdjwt.Processed) error {
	for _, h := range shown.Hidden {
		if !mayHide(h.Path, h.Array) {
			return invalid("", "PRV-01", "something is hidden where nothing may be")
		}
	}
	for _, d := range shown.Disclosed {
		slash := strings.LastIndexByte(d.Path, '/')
		object := d.Path[:slash]
		if neverHidden[d.Path] || !mayHide(object, false) && !mayHide(object, true) {
			return invalid("", "PRV-01", "something is hidden where nothing may be")
		}
	}
	return nil
}

// mayHide reports whether an object, or an array, may have digests.
func mayHide(pointer string, array bool) bool {
	if !array {
		switch pointer {
		case inClaims, inPayload, inExt, inCommerce, inBehavior, inFulfillment:
			return true
		}
		return false
	}
	return slices.ContainsFunc(allowLists[:], func(c constraint) bool { return c.pointer() == pointer })
}

// settle compares what is there with the manifest and notes what was withheld.
func (a *Authorization) settle(manifest constraintSet, hidden []sdjwt.Hidden) error {
	required := setOf(delegator, maxTotalAmount)
	if manifest&required != required {
		return missing("constraints", "PRV-01")
	}
	for _, h := range hidden {
		for _, c := range allowLists {
			if !h.Array || h.Path != c.pointer() {
				continue
			}
			a.partial |= 1 << c
			if list := a.list(c); list != nil && len(*list) == 0 {
				*list = nil // no entry was shown, and there may be some
			}
		}
	}
	present := a.constraints()
	if present&^manifest != 0 {
		return protocol.New(protocol.CodeClaimsConflict, "constraints", "PRV-01", "a constraint that the manifest does not name")
	}
	a.withheld = manifest &^ present
	a.Ext = a.Ext.trim()
	return nil
}

// trim takes out the empty blocks that hold nothing but decoys.
func (e *Ext) trim() *Ext {
	if e == nil {
		return nil
	}
	if e.Fulfillment != nil && *e.Fulfillment == (Fulfillment{}) {
		e.Fulfillment = nil
	}
	if e.Commerce == nil && e.AgentBehavior == nil && e.Fulfillment == nil && e.VendorPrivate == nil {
		return nil
	}
	return e
}
