package issuer

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/privacy/sdjwt"
)

// MaxListSize is the largest status list: whatever its content, the signed
// token stays under 64 KiB.
const MaxListSize = 1 << 17

// Config is what an Issuer needs. DID, Signer, StatusSigner, ListURI and Store
// are required.
type Config struct {
	DID          identity.DID // of the issuer; did:act or did:web
	Signer       *keys.Signer // purpose issue-authorization
	StatusSigner *keys.Signer // purpose status
	ListURI      string       // absolute https URL at which Handler is reached
	Store        Store

	ListSize int           // entries of the list, all mandates ever issued; 0 means 65536
	TTL      time.Duration // how long others may keep the list; whole seconds, 0 means 30 s
	ListLife time.Duration // from iat to exp of the list; whole seconds, 0 means 10 minutes

	// OtherKeys are further keys for the issuer's document, retired ones for
	// example, whose mandates are still to be verified.
	OtherKeys []identity.Key

	// Attest, when set, is told of every mandate that was issued and every change
	// of its state, once it is stored (TSD-ATT-EVT-03): recorder.Recorder.Attest
	// is such a function. It must not block. Asking again for a mandate that
	// there is tells nothing; a process that dies in between tells nothing either.
	Attest func(attestation.Draft)

	Now func() time.Time // nil means time.Now
}

// An Issuer issues mandates and holds their state. It is safe for concurrent
// use; several Issuers may share one Store.
type Issuer struct {
	config    Config
	document  []byte
	documents http.Handler // serves document
	listPath  string

	mu      sync.Mutex // guards the signed list
	list    []byte
	version uint64
	issued  time.Time // iat of list
}

// New checks the configuration: purposes, signers under the DID, one key for
// one purpose (ADD-IAC-ISS-12), a list that can be signed.
func New(c Config) (*Issuer, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.ListSize == 0 {
		c.ListSize = 1 << 16
	}
	if c.TTL == 0 {
		c.TTL = 30 * time.Second
	}
	if c.ListLife == 0 {
		c.ListLife = 10 * time.Minute
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.ListSize < 0 || c.ListSize > MaxListSize {
		return nil, invalid("list_size", "1 to 131072 entries")
	}
	if c.TTL < time.Second || c.TTL%time.Second != 0 || c.ListLife%time.Second != 0 || c.ListLife < 2*c.TTL {
		return nil, invalid("ttl", "whole seconds, and a list that lives at least twice as long")
	}
	list, err := url.Parse(c.ListURI)
	if err != nil || list.Scheme != "https" || list.Hostname() == "" || list.User != nil || list.Fragment != "" || list.RawQuery != "" || list.Path == "" {
		return nil, invalid("list_uri", "an absolute https URL with a path and nothing behind it")
	}
	doc := identity.Document{ID: c.DID, Keys: append([]identity.Key{
		{ID: c.Signer.KeyID(), Public: c.Signer.Public(), Purpose: keys.IssueAuthorization},
		{ID: c.StatusSigner.KeyID(), Public: c.StatusSigner.Public(), Purpose: keys.Status},
	}, c.OtherKeys...)}
	text, err := doc.Encode()
	if err != nil {
		return nil, err
	}
	documents, err := identity.Handler(&doc)
	if err != nil {
		return nil, err
	}
	return &Issuer{config: c, document: text, documents: documents, listPath: list.EscapedPath()}, nil
}

func (c *Config) check() error {
	missing := func(field string) error {
		return protocol.New(protocol.CodeFieldMissing, field, "ADD-IAC-ISS-10", "")
	}
	switch {
	case c.DID.IsZero():
		return missing("did")
	case c.Signer == nil:
		return missing("signer")
	case c.StatusSigner == nil:
		return missing("status_signer")
	case c.Store == nil:
		return missing("store")
	}
	for _, s := range []struct {
		field   string
		signer  *keys.Signer
		purpose keys.Purpose
	}{{"signer", c.Signer, keys.IssueAuthorization}, {"status_signer", c.StatusSigner, keys.Status}} {
		if s.signer.Purpose() != s.purpose {
			return protocol.New(protocol.CodeKeyPurpose, s.field, "ADD-IAC-ISS-12", "a key serves one purpose")
		}
		if s.signer.DID() != c.DID.String() {
			return protocol.New(protocol.CodeClaimsConflict, s.field, "ADD-IAC-ISS-10", "not a key under the issuer's DID")
		}
	}
	return nil
}

func invalid(field, detail string) error {
	return protocol.New(protocol.CodeFieldInvalid, field, "ADD-IAC-ISS-15", detail)
}

// Grant says for whom a mandate is made. All members but the last two are
// required.
type Grant struct {
	Confirmed *delegation.Confirmed // the intent that the principal confirmed
	Delegator string                // the principal
	Audience  string                // DID of the one PSP
	Holder    keys.PublicKey        // the agent's key for requests, which the caller knows to be the agent's

	ControlProofRef string              // optional (ADD-IAC-ISS-13)
	Options         []delegation.Option // what else to carry of the intent

	// Selective makes a mandate of which the agent can show each party the part
	// that it needs (SPEC.md 8.1). Without it the mandate is shown whole.
	Selective bool
}

// Issue signs a mandate from a confirmed intent (ADD-IAC-ISS-01 to -15). What
// is not confirmed, not complete or already over is refused.
//
// One confirmation makes one mandate: asked again with the same Grant, Issue
// returns the same token, and for another agent's key, another PSP or the other
// form it fails with request_conflict, since two mandates are two budgets. The caller has
// made sure that the confirmation is the delegator's.
func (i *Issuer) Issue(ctx context.Context, g Grant) ([]byte, error) {
	a, err := delegation.NewAuthorization(g.Confirmed, g.Delegator, g.Options...)
	if err != nil {
		return nil, err
	}
	now := i.config.Now()
	if !now.Before(a.ValidityEnd) {
		return nil, protocol.New(protocol.CodeMandateExpired, "validity_end_time", "ADD-IAC-ISS-01", "the window is over before the mandate exists")
	}
	source := Source{Delegator: g.Delegator, Digest: a.SourceISRDigest}
	var made []byte
	r, err := i.config.Store.Create(ctx, source, i.config.ListSize, func(index int) (Record, error) {
		claims := delegation.NewClaims(a, i.config.DID.String(), g.Audience, g.Holder,
			&delegation.StatusReference{Index: index, URI: i.config.ListURI}, now)
		claims.ControlProofRef = g.ControlProofRef
		sign := delegation.Issue
		if g.Selective {
			sign = delegation.IssueSelective
		}
		token, err := sign(i.config.Signer, claims)
		if err != nil {
			return Record{}, err
		}
		made = token
		return Record{
			DelegationID: a.DelegationID, Source: source, Agent: a.AgentID, Audience: g.Audience, Holder: g.Holder.Thumbprint(),
			Start: a.ValidityStart, End: a.ValidityEnd, Index: index, Mandate: token,
		}, nil
	})
	if err != nil {
		return nil, err
	}
	if r.Audience != g.Audience || g.Holder.IsZero() || r.Holder != g.Holder.Thumbprint() || r.Agent != a.AgentID ||
		g.Selective != sdjwt.IsPresentation(r.Mandate) {
		return nil, protocol.New(protocol.CodeRequestConflict, "source_isr_digest", "ADD-IAC-ISS-02", "this confirmation has made another mandate")
	}
	if made != nil && bytes.Equal(made, r.Mandate) {
		i.attestIssued(&r, a.IntentID, now)
	}
	return r.Mandate, nil
}

// Suspend, Resume and Revoke change the state of a mandate by the rules of
// delegation.Lifecycle: ADD-IAC-LCM-02 which changes there are, ADD-IAC-LCM-04
// who may make them. When they return, the served list has the change.
// The caller has made sure that the actor is who it says.
func (i *Issuer) Suspend(ctx context.Context, delegationID string, actor delegation.Actor) error {
	return i.apply(ctx, delegationID, delegation.Suspend, actor)
}

// Resume lifts a suspension; see Suspend.
func (i *Issuer) Resume(ctx context.Context, delegationID string, actor delegation.Actor) error {
	return i.apply(ctx, delegationID, delegation.Resume, actor)
}

// Revoke ends a mandate for good; see Suspend.
func (i *Issuer) Revoke(ctx context.Context, delegationID string, actor delegation.Actor) error {
	return i.apply(ctx, delegationID, delegation.Revoke, actor)
}

// State returns the present state of a mandate.
func (i *Issuer) State(ctx context.Context, delegationID string) (delegation.State, error) {
	r, err := i.config.Store.Get(ctx, delegationID)
	if err != nil {
		return "", err
	}
	life, err := r.lifecycle()
	if err != nil {
		return "", err
	}
	return life.State(i.config.Now()), nil
}

// attempts bounds how often a change is tried again because another one came
// between reading and writing.
const attempts = 8

func (i *Issuer) apply(ctx context.Context, delegationID string, command delegation.Command, actor delegation.Actor) error {
	var err error
	for range attempts {
		var r Record
		if r, err = i.config.Store.Get(ctx, delegationID); err != nil {
			return err
		}
		life, lifeErr := r.lifecycle()
		if lifeErr != nil {
			return lifeErr
		}
		now := i.config.Now()
		if err := life.Apply(command, actor, now); err != nil {
			return err
		}
		err = i.config.Store.Append(ctx, delegationID, len(r.Events), Event{Command: command, Actor: actor, At: now, Status: life.Status()})
		if err == nil {
			i.attestChange(&r, attestation.EventType(command.Event()), reasons[actor], now)
		}
		if protocol.CodeOf(err) != protocol.CodeStateConflict {
			return err
		}
	}
	return err
}

// lifecycle plays the events again, so that the rules hold for what was stored
// as they did when it was written.
func (r *Record) lifecycle() (*delegation.Lifecycle, error) {
	life := delegation.NewLifecycle(r.Start, r.End)
	for _, e := range r.Events {
		if err := life.Apply(e.Command, e.Actor, e.At); err != nil {
			return nil, protocol.Wrap(protocol.CodeServiceUnavailable, "events", "ADD-IAC-LCM-02", "the stored history is not one of this mandate", err)
		}
	}
	return life, nil
}
