package main

import (
	"context"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/verifier"
)

// verifyMandate is mandate.verify, and mandate.present_verify when there is an
// occasion that it was presented for.
func verifyMandate(clock time.Time, in struct {
	fetched   `json:",inline"`
	Mandate   string  `json:"mandate"`
	Agent     string  `json:"agent"`
	Audience  string  `json:"audience"`
	Issuers   issuers `json:"issuers"`
	Presented *struct {
		Audience string `json:"audience"`
		Nonce    string `json:"nonce"`
	} `json:"presented"`
}) (any, error) {
	v, err := in.verifier(verifier.Config{Issuers: in.Issuers.policy()}, clock)
	if err != nil {
		return nil, err
	}
	expect := verifier.MandateExpectation{Agent: in.Agent, Audience: in.Audience}
	if in.Presented != nil {
		expect.Presented = &verifier.Presentation{Audience: in.Presented.Audience, Nonce: in.Presented.Nonce}
	}
	m, err := v.Mandate(context.Background(), []byte(in.Mandate), expect)
	if err != nil {
		return nil, err
	}
	return mandateOutput(m), nil
}

// mandateOutput says what was understood; what was withheld is not there.
func mandateOutput(m *verifier.Mandate) map[string]any {
	c, b := m.Claims(), m.Bounds()
	out := map[string]any{
		"issuer": c.Issuer, "delegation_id": c.ID, "agent_id": c.Subject, "audience": c.Audience,
		"payload_digest": string(m.PayloadDigest()),
	}
	add := func(name, value string) {
		if value != "" {
			out[name] = value
		}
	}
	add("delegator_identity", c.Authorization.DelegatorIdentity)
	add("delegation_mode", string(b.Mode()))
	add("currency", b.Currency().Code())
	if total := b.Total(); total.Valid() {
		out["max_total_amount"] = total.String()
	}
	if withheld := b.Withheld(); withheld != nil {
		out["withheld"] = withheld
	}
	return out
}

// decide is mandate.decide: the boundaries of a payload, or of a mandate of
// which only the form is judged.
func decide(clock time.Time, in struct {
	Authorization string      `json:"authorization"`
	Mandate       string      `json:"mandate"`
	Role          string      `json:"role"`
	Purchase      purchase    `json:"purchase"`
	Spent         *amountText `json:"spent"`
}) (any, error) {
	bounds, err := boundsOf(in.Authorization, in.Mandate)
	if err != nil {
		return nil, err
	}
	roles := map[string]delegation.Role{"agent": delegation.RoleAgent, "merchant": delegation.RoleMerchant, "psp": delegation.RolePSP}
	p, err := in.Purchase.read(clock)
	if err != nil {
		return nil, err
	}
	spent, err := in.Spent.read()
	if err != nil {
		return nil, err
	}
	d := bounds.Decide(roles[in.Role], p, spent)
	out := map[string]any{"decision": d.Outcome().String()}
	if code := protocol.CodeOf(d.Err()); code != "" {
		out["code"] = string(code)
	}
	return out, nil
}

func boundsOf(authorization, mandate string) (delegation.Bounds, error) {
	if mandate != "" {
		m, err := delegation.ParseMandate([]byte(mandate))
		if err != nil {
			return delegation.Bounds{}, err
		}
		return m.Claims().Bounds()
	}
	a, _, err := delegation.DecodeAuthorization([]byte(authorization))
	if err != nil {
		return delegation.Bounds{}, err
	}
	return a.Bounds()
}

// transition is mandate.transition: an issuer's book of one mandate.
func transition(clock time.Time, in struct {
	Start time.Time `json:"validity_start_time"`
	End   time.Time `json:"validity_end_time"`
	Steps []struct {
		At      time.Time          `json:"at"`
		Command delegation.Command `json:"command"`
		Actor   delegation.Actor   `json:"actor"`
	} `json:"steps"`
}) (any, error) {
	life := delegation.NewLifecycle(in.Start, in.End)
	for _, s := range in.Steps {
		if err := life.Apply(s.Command, s.Actor, s.At); err != nil {
			return nil, err
		}
	}
	return map[string]any{"state": string(life.State(clock)), "status": int(life.Status())}, nil
}

// readStatus is status.read. Earlier answers are read first, each at its time,
// by a client that remembers them.
func readStatus(clock time.Time, in struct {
	fetched `json:",inline"`
	Issuer  string `json:"issuer"`
	URI     string `json:"uri"`
	Index   int    `json:"idx"`
	Grace   int    `json:"grace_seconds"`
	Earlier []struct {
		At     time.Time         `json:"at"`
		Status map[string]string `json:"status"`
	} `json:"earlier"`
}) (any, error) {
	now := clock
	present := func() time.Time { return now }
	world := in.fetched
	statuses, err := world.statuses(world.resolver(present), time.Duration(in.Grace)*time.Second, present)
	if err != nil {
		return nil, err
	}
	ref := delegation.StatusReference{Index: in.Index, URI: in.URI}
	ask := func() (delegation.Status, error) {
		return statuses.Status(context.Background(), ref, in.Issuer, now)
	}
	for _, e := range in.Earlier {
		now, world.Status = e.At, e.Status
		if _, err := ask(); err != nil {
			return nil, errEarlier{err}
		}
	}
	now, world.Status = clock, in.Status
	status, err := ask()
	if err != nil {
		return nil, err
	}
	names := map[delegation.Status]string{
		delegation.StatusActive: "Active", delegation.StatusRevoked: "Revoked", delegation.StatusSuspended: "Suspended",
	}
	return map[string]any{"status": names[status]}, nil
}

// errEarlier is a fault of the case: what came before is good.
type errEarlier struct{ cause error }

func (e errEarlier) Error() string { return "an earlier answer was refused: " + e.cause.Error() }
