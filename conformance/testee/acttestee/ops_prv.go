package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/conformance/testee"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/privacy/guard"
	"github.com/actprotocol/act-go/protocol/privacy/pseudonym"
	"github.com/actprotocol/act-go/protocol/privacy/sdjwt"
)

// prvOperations are about selective disclosure, sealed payloads, pseudonyms and
// what is masked.
func prvOperations() map[string]testee.Operation {
	return map[string]testee.Operation{
		"sealed.open":       testee.Of(openSealed),
		"pseudonym.derive":  testee.Of(derivePseudonym),
		"pseudonym.resolve": testee.Of(resolvePseudonym),
		"guard.check":       testee.Of(checkText),
		"guard.mask":        testee.Of(maskText),
		"sdjwt.verify":      testee.Of(verifySDJWT),
		"mandate.present":   testee.Of(presentMandate),
	}
}

// pseudonymKeys are those of who makes pseudonyms.
type pseudonymKeys []struct {
	ID     string `json:"id"`
	Secret string `json:"secret"`
}

func (k pseudonymKeys) ring() (*pseudonym.Ring, error) {
	var all []pseudonym.Key
	for _, key := range k {
		secret, err := canon.DecodeBase64(key.Secret)
		if err != nil {
			return nil, err
		}
		all = append(all, pseudonym.Key{ID: key.ID, Secret: secret})
	}
	return pseudonym.NewRing(all...)
}

func derivePseudonym(_ time.Time, in struct {
	Keys      pseudonymKeys `json:"keys"`
	Merchant  string        `json:"merchant"`
	Principal string        `json:"principal"`
}) (any, error) {
	ring, err := in.Keys.ring()
	if err != nil {
		return nil, err
	}
	p, err := ring.Make(in.Merchant, in.Principal)
	if err != nil {
		return nil, err
	}
	return map[string]string{"pseudonym": string(p)}, nil
}

func resolvePseudonym(_ time.Time, in struct {
	Keys       pseudonymKeys `json:"keys"`
	Merchant   string        `json:"merchant"`
	Pseudonym  string        `json:"pseudonym"`
	Principals []string      `json:"principals"`
}) (any, error) {
	ring, err := in.Keys.ring()
	if err != nil {
		return nil, err
	}
	p, err := pseudonym.Parse(in.Pseudonym)
	if err != nil {
		return nil, err
	}
	principal, err := ring.Resolve(p, in.Merchant, slices.Values(in.Principals))
	if err != nil {
		return nil, err
	}
	return map[string]string{"principal": principal}, nil
}

func checkText(_ time.Time, in struct {
	Text string `json:"text"`
}) (any, error) {
	return struct{}{}, guard.Check(in.Text)
}

func maskText(_ time.Time, in struct {
	Text string `json:"text"`
}) (any, error) {
	return map[string]string{"text": guard.Mask(in.Text)}, nil
}

// verifySDJWT is sdjwt.verify: the signature, and what was disclosed in its place.
func verifySDJWT(clock time.Time, in struct {
	SDJWT     string       `json:"sd_jwt"`
	Type      string       `json:"typ"`
	Purpose   keys.Purpose `json:"purpose"`
	Documents documents    `json:"documents"`
}) (any, error) {
	shown, err := sdjwt.Parse([]byte(in.SDJWT))
	if err != nil {
		return nil, err
	}
	token, err := keys.ParseCompact(shown.JWT, in.Type)
	if err != nil {
		return nil, err
	}
	processed, err := shown.Process(token.Payload)
	if err != nil {
		return nil, err
	}
	key, err := in.Documents.keys().Key(context.Background(), token.Header.KeyID, in.Purpose, clock)
	if err != nil {
		return nil, err
	}
	if err := token.Verify(key); err != nil {
		return nil, err
	}
	type hidden struct {
		Path  string `json:"path"`
		Count int    `json:"count"`
	}
	var left []hidden
	for _, h := range processed.Hidden {
		left = append(left, hidden{h.Path, h.Count})
	}
	slices.SortFunc(left, func(a, b hidden) int { return strings.Compare(a.Path, b.Path) })
	return struct {
		KeyID   string         `json:"key_id"`
		Payload jsontext.Value `json:"payload"`
		Hidden  []hidden       `json:"hidden,omitzero"`
	}{token.Header.KeyID, jsontext.Value(processed.Payload), left}, nil
}

// presentMandate is mandate.present: the disclosures that a role is shown.
func presentMandate(clock time.Time, in struct {
	Mandate  string   `json:"mandate"`
	Role     string   `json:"role"`
	Purchase purchase `json:"purchase"`
}) (any, error) {
	m, err := delegation.ParseMandate([]byte(in.Mandate))
	if err != nil {
		return nil, err
	}
	roles := map[string]delegation.Role{"merchant": delegation.RoleMerchant, "psp": delegation.RolePSP, "trust-service": delegation.RoleTrustService}
	role, ok := roles[in.Role]
	if !ok {
		return nil, testee.Skip("no such role")
	}
	p, err := in.Purchase.read(clock)
	if err != nil {
		return nil, err
	}
	shown, err := m.Present(role, p)
	if err != nil {
		return nil, err
	}
	parts := strings.Split(string(shown), "~")
	disclosures := parts[1 : len(parts)-1]
	slices.Sort(disclosures)
	return map[string]any{"disclosures": disclosures}, nil
}
