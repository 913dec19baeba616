package live

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

// issuerChecks are the checks of an issuer of mandates.
func issuerChecks() []Check {
	return slices.Concat(issuerDocumentChecks(), issuerMandateChecks(), issuerListChecks(), issuerStateChecks())
}

// A wish is what a mandate is asked for with.
type wish struct {
	principal, audience string
	agent, merchant     *party
	until               time.Time
	total               string
}

// A grantee is a mandate that the issuer under test has issued.
type grantee struct {
	wish  *wish // nil when it was issued by hand
	token []byte
	read  *delegation.UnverifiedMandate
}

// issued is a mandate of the issuer's: a new one where the scenario has the
// action, else the n-th that was issued by hand.
func (p *probe) issued(n int) *grantee {
	if !p.can("issue") {
		if n >= len(p.scenario.Issuer.Mandates) {
			p.skip("the scenario has neither an action issue nor enough mandates")
		}
		return p.readMandate(nil, p.scenario.Issuer.Mandates[n])
	}
	w := p.wish()
	out := p.act("issue", p.asked(w)...)
	return p.readMandate(w, out["mandate"])
}

func (p *probe) wish() *wish {
	return &wish{
		principal: p.party("principal-"+p.run, keys.AgentRequest).did, audience: p.known("psp", keys.Proof).did, agent: p.fresh("agent", keys.AgentRequest),
		merchant: p.known("merchant", keys.Seller), until: time.Now().Add(time.Hour).UTC().Truncate(time.Second), total: "123.45",
	}
}

// asked is a wish as an action has it.
func (p *probe) asked(w *wish) []string {
	return []string{
		"principal", w.principal, "agent", w.agent.did, "audience", w.audience, "holder", string(w.agent.signer(keys.AgentRequest).Public().JWK()),
		"merchant", w.merchant.did, "total", w.total, "currency", "CNY", "valid_until", canon.FormatTime(w.until), "method", p.scenario.method(),
	}
}

func (p *probe) readMandate(w *wish, token string) *grantee {
	u, err := delegation.ParseMandate([]byte(token))
	p.fault("the mandate", err)
	p.keep(false, nil, []byte(token))
	return &grantee{w, []byte(token), u}
}

// issuerKey is a key of the issuer's document.
func (p *probe) issuerKey(keyID string, purpose keys.Purpose, at time.Time) (keys.PublicKey, error) {
	d, err := p.document(p.ctx, p.scenario.Issuer.ID)
	if err != nil {
		return keys.PublicKey{}, protocol.Wrap(protocol.CodeKeyUnavailable, "kid", "IDN-02", "", err)
	}
	return d.Key(keyID, purpose, at)
}

// issuerDocumentChecks are about the DID document.
func issuerDocumentChecks() []Check {
	document := func(judge func(p *probe, d *identity.Document) conformance.Answer) func(*probe) conformance.Answer {
		return func(p *probe) conformance.Answer {
			d, err := p.document(p.ctx, p.scenario.Issuer.ID)
			if err != nil {
				return unread(err)
			}
			return judge(p, d)
		}
	}
	return []Check{
		must("issuer/document/001", "IDN-02 ADD-IAC-ISS-10", "The DID leads to a document in form, over HTTPS and without a redirect.", accepted(),
			document(func(*probe, *identity.Document) conformance.Answer { return accepted() })),
		must("issuer/document/002", "ADD-IAC-ISS-12", "The document has a key for mandates and another one for their states.", observed("mandates", "yes", "states", "yes"),
			document(func(_ *probe, d *identity.Document) conformance.Answer {
				has := func(purpose keys.Purpose) string {
					return yes(slices.ContainsFunc(d.Keys, func(k identity.Key) bool { return k.Purpose == purpose && !k.Compromised }))
				}
				return observed("mandates", has(keys.IssueAuthorization), "states", has(keys.Status))
			})),
		must("issuer/document/003", "ADD-IAC-ISS-12", "No key of the document has two purposes.", observed("shared", "0"),
			document(func(_ *probe, d *identity.Document) conformance.Answer {
				shared, seen := 0, map[string]keys.Purpose{}
				for _, k := range d.Keys {
					before, there := seen[k.Public.Thumbprint()]
					if there && before != k.Purpose {
						shared++
					}
					seen[k.Public.Thumbprint()] = k.Purpose
				}
				return observed("shared", fmt.Sprint(shared))
			})),
		must("issuer/document/004", "IDN-02", "The document has no private member of a key.", observed("private", "no"), func(p *probe) conformance.Answer {
			did, err := identity.ParseDID(p.scenario.Issuer.ID)
			p.fault("the DID of the scenario", err)
			at, err := did.DocumentURL()
			p.fault("the DID of the scenario", err)
			r := p.reached(p.get(at))
			return observed("private", yes(bytes.Contains(r.body, []byte(`"d":`)) || bytes.Contains(r.body, []byte(`"d" :`))))
		}),
	}
}

// issuerMandateChecks are about what is in a mandate.
func issuerMandateChecks() []Check {
	return []Check{
		must("issuer/mandate/001", "ADD-IAC-ISS-10 ADD-IAC-ISS-08 ADD-IAC-ISS-12", "A mandate verifies by the issuer's key for mandates, and by nothing but the mandate and the document.", accepted(), func(p *probe) conformance.Answer {
			g := p.issued(0)
			key, err := p.issuerKey(g.read.KeyID(), keys.IssueAuthorization, g.read.Claims().IssuedAt)
			if err == nil {
				err = g.read.VerifySignature(key)
			}
			if err != nil {
				return unread(err)
			}
			return accepted()
		}),
		must("issuer/mandate/002", "ADD-IAC-ISS-10 ADD-IAC-ISS-14", "A mandate says who issued it, for which agent and its key, and for which provider.", observed("issuer", "yes", "agent", "yes", "provider", "yes", "key", "yes"), func(p *probe) conformance.Answer {
			g := p.wished()
			c := g.read.Claims()
			return observed("issuer", yes(c.Issuer == p.scenario.Issuer.ID), "agent", yes(c.Subject == g.wish.agent.did), "provider", yes(c.Audience == g.wish.audience),
				"key", yes(c.Holder.Equal(g.wish.agent.signer(keys.AgentRequest).Public())))
		}),
		must("issuer/mandate/003", "ADD-IAC-ISS-03 ADD-IAC-ISS-07 ADD-IAC-ISS-04", "The boundaries of the mandate are those that were asked for, to the last unit.", observed("total", "yes", "merchants", "yes", "window", "yes", "principal", "yes"), func(p *probe) conformance.Answer {
			g := p.wished()
			a := g.read.Claims().Authorization
			b, err := a.Bounds()
			p.fault("the boundaries", err)
			allowed, _ := b.Merchants()
			return observed("total", yes(b.Total().String() == g.wish.total), "merchants", yes(slices.Equal(allowed, []string{g.wish.merchant.did})),
				"window", yes(a.ValidityEnd.Equal(g.wish.until)), "principal", yes(a.DelegatorIdentity == g.wish.principal))
		}),
		must("issuer/mandate/004", "ADD-IAC-ISS-13 ADD-IAC-LCM-10", "A mandate says where its state is told, over HTTPS.", observed("state", "yes"), func(p *probe) conformance.Answer {
			c := p.issued(0).read.Claims()
			return observed("state", yes(c.Status != nil && strings.HasPrefix(c.Status.URI, "https://")))
		}),
		must("issuer/mandate/005", "ADD-INT-ICS-06 ADD-IAC-ISS-04", "Two mandates have two delegation_ids and two places in the list.", observed("delegation_id", "different", "place", "different"), func(p *probe) conformance.Answer {
			one, two := p.issued(0).read.Claims(), p.issued(1).read.Claims()
			if one.Status == nil || two.Status == nil {
				return observed("delegation_id", same(one.ID == two.ID), "place", "none")
			}
			return observed("delegation_id", same(one.ID == two.ID), "place", same(*one.Status == *two.Status))
		}),
		must("issuer/mandate/006", "ADD-IAC-ISS-05 ADD-INT-ICS-07", "The mandate understood as a whole: no member that a reader would have to leave undetermined.", observed("unknown", "0"), func(p *probe) conformance.Answer {
			return observed("unknown", fmt.Sprint(len(p.issued(0).read.Claims().Unknown)))
		}),
		must("issuer/mandate/007", "ADD-IAC-ISS-01", "What the principal has not confirmed is not issued.", observed("issued", "no"), func(p *probe) conformance.Answer {
			return observed("issued", yes(p.attempt("issue_unconfirmed", p.asked(p.wish())...)))
		}),
	}
}

// wished is a mandate of which the suite knows what it was asked for with.
func (p *probe) wished() *grantee {
	if !p.can("issue") {
		p.skip("the scenario has no action issue")
	}
	return p.issued(0)
}

// attempt has the operator try something and tells whether it was done.
func (p *probe) attempt(name string, pairs ...string) bool {
	a, ok := p.scenario.Actions[name]
	if !ok {
		p.skip("the scenario has no action " + name)
	}
	values := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	_, err := a.do(p.ctx, p.client, values)
	return err == nil
}

// listOf fetches the list of a mandate and verifies it.
func (p *probe) listOf(g *grantee) (*delegation.UnverifiedStatusList, reply) {
	u, r, err := p.tryList(g)
	p.fault("the status list", err)
	return u, r
}

func (p *probe) tryList(g *grantee) (*delegation.UnverifiedStatusList, reply, error) {
	ref := g.read.Claims().Status
	if ref == nil {
		p.skip("the mandate has no status list")
	}
	r := p.reached(p.get(ref.URI))
	if r.status != http.StatusOK {
		return nil, r, fmt.Errorf("status %d", r.status)
	}
	u, err := delegation.ParseStatusList(r.body, ref.URI)
	if err != nil {
		return nil, r, err
	}
	key, err := p.issuerKey(u.KeyID(), keys.Status, time.Now())
	if err == nil {
		err = u.VerifySignature(key)
	}
	return u, r, err
}

// issuerListChecks are about the status list.
func issuerListChecks() []Check {
	list := func(judge func(p *probe, g *grantee, u *delegation.UnverifiedStatusList, r reply) conformance.Answer) func(*probe) conformance.Answer {
		return func(p *probe) conformance.Answer {
			g := p.issued(0)
			u, r, err := p.tryList(g)
			if err != nil {
				return unread(err)
			}
			return judge(p, g, u, r)
		}
	}
	return []Check{
		must("issuer/list/001", "ADD-IAC-LCM-10 ADD-IAC-LCM-06", "The list is in form, for the address that the mandate names, and signed by the issuer's key for states.", accepted(),
			list(func(*probe, *grantee, *delegation.UnverifiedStatusList, reply) conformance.Answer { return accepted() })),
		must("issuer/list/002", "ADD-IAC-LCM-10", "The list is the mandate's issuer's.", observed("issuer", "yes"),
			list(func(p *probe, _ *grantee, u *delegation.UnverifiedStatusList, _ reply) conformance.Answer {
				return observed("issuer", yes(u.Issuer == p.scenario.Issuer.ID))
			})),
		must("issuer/list/003", "ADD-IAC-LCM-10", "The list is of now: not dated ahead, and not over.", accepted(),
			list(func(_ *probe, _ *grantee, u *delegation.UnverifiedStatusList, _ reply) conformance.Answer {
				if err := u.CheckTime(time.Now()); err != nil {
					return unread(err)
				}
				return accepted()
			})),
		must("issuer/list/004", "ADD-IAC-LCM-10", "The list says for how long it may be used, and that is not longer than it lives.", observed("ttl", "yes"),
			list(func(_ *probe, _ *grantee, u *delegation.UnverifiedStatusList, _ reply) conformance.Answer {
				return observed("ttl", yes(u.TTL >= time.Second && u.TTL <= u.Expires.Sub(u.IssuedAt)))
			})),
		must("issuer/list/005", "ADD-IAC-LCM-01 ADD-IAC-LCM-06", "A new mandate is Active in the list.", observed("status", "0"),
			list(func(_ *probe, g *grantee, u *delegation.UnverifiedStatusList, _ reply) conformance.Answer {
				s, err := u.Status(g.read.Claims().Status.Index)
				if err != nil {
					return unread(err)
				}
				return observed("status", fmt.Sprint(s))
			})),
		must("issuer/list/006", "ADD-IAC-LCM-10", "The body is the token and nothing else.", observed("other_bytes", "no"),
			list(func(_ *probe, _ *grantee, _ *delegation.UnverifiedStatusList, r reply) conformance.Answer {
				return observed("other_bytes", yes(len(bytes.TrimSpace(r.body)) != len(r.body)))
			})),
		must("issuer/list/007", "ADD-IAC-LCM-10", "The list has at most 64 KiB.", observed("short", "yes"),
			list(func(_ *probe, _ *grantee, _ *delegation.UnverifiedStatusList, r reply) conformance.Answer {
				return observed("short", yes(len(r.body) <= canon.DefaultMaxBytes))
			})),
		must("issuer/list/008", "ADD-IAC-LCM-10", "The date of the list never goes back.", observed("back", "0"),
			list(func(p *probe, g *grantee, u *delegation.UnverifiedStatusList, _ reply) conformance.Answer {
				last, back := u.IssuedAt, 0
				for range 6 {
					p.wait(300 * time.Millisecond)
					next, _ := p.listOf(g)
					if next.IssuedAt.Before(last) {
						back++
					}
					last = next.IssuedAt
				}
				return observed("back", fmt.Sprint(back))
			})),
		should("issuer/list/009", "ADD-IAC-LCM-10", "The content type is that of a status list.", observed("type", "application/statuslist+jwt"),
			list(func(_ *probe, _ *grantee, _ *delegation.UnverifiedStatusList, r reply) conformance.Answer {
				return observed("type", mediaType(r))
			})),
	}
}

// change has the issuer change the state of a mandate.
func (p *probe) change(command string, g *grantee, actor delegation.Actor) {
	p.act(command, "delegation_id", g.read.Claims().ID, "actor", string(actor))
}

// becomes waits until the list says a state, or has had its time.
func (p *probe) becomes(g *grantee, want delegation.Status) string {
	within := time.Duration(p.scenario.Issuer.Within) * time.Second
	if within == 0 {
		within = time.Minute
	}
	for end := time.Now().Add(within); ; {
		u, _ := p.listOf(g)
		s, err := u.Status(g.read.Claims().Status.Index)
		p.fault("the entry of the mandate", err)
		if s == want || time.Now().After(end) {
			return fmt.Sprint(s)
		}
		p.wait(500 * time.Millisecond)
	}
}

// changeable is a mandate of this check's own, whose list has been fetched
// before anything changes, so that what keeps a copy of it has one.
func (p *probe) changeable() *grantee {
	if !p.can("issue") {
		p.skip("the scenario has no action issue: mandates that were issued by hand stay as they are")
	}
	g := p.issued(0)
	p.listOf(g)
	return g
}

// issuerStateChecks are about changes of state.
func issuerStateChecks() []Check {
	return []Check{
		must("issuer/state/001", "ADD-IAC-LCM-02 ADD-IAC-LCM-04", "A revocation by the principal is seen in the list in time.", observed("status", "1"), func(p *probe) conformance.Answer {
			g := p.changeable()
			p.change("revoke", g, delegation.ActorPrincipal)
			return observed("status", p.becomes(g, delegation.StatusRevoked))
		}),
		must("issuer/state/002", "ADD-IAC-LCM-02 ADD-IAC-LCM-04", "A suspension and its end are seen in the list in time.", observed("suspended", "2", "resumed", "0"), func(p *probe) conformance.Answer {
			g := p.changeable()
			p.change("suspend", g, delegation.ActorPrincipal)
			suspended := p.becomes(g, delegation.StatusSuspended)
			p.change("resume", g, delegation.ActorPrincipal)
			return observed("suspended", suspended, "resumed", p.becomes(g, delegation.StatusActive))
		}),
		must("issuer/state/003", "ADD-IAC-LCM-03 ADD-IAC-LCM-02", "A revoked mandate is not resumed.", observed("done", "no", "status", "1"), func(p *probe) conformance.Answer {
			g := p.changeable()
			p.change("revoke", g, delegation.ActorPrincipal)
			p.becomes(g, delegation.StatusRevoked)
			done := p.attempt("resume", "delegation_id", g.read.Claims().ID, "actor", string(delegation.ActorPrincipal))
			return observed("done", yes(done), "status", p.becomes(g, delegation.StatusRevoked))
		}),
		must("issuer/state/004", "ADD-IAC-LCM-04", "The agent does not suspend a mandate.", observed("done", "no", "status", "0"), func(p *probe) conformance.Answer {
			g := p.changeable()
			done := p.attempt("suspend", "delegation_id", g.read.Claims().ID, "actor", string(delegation.ActorAgent))
			return observed("done", yes(done), "status", p.becomes(g, delegation.StatusActive))
		}),
		must("issuer/state/005", "ADD-IAC-LCM-04", "The agent may revoke its mandate.", observed("status", "1"), func(p *probe) conformance.Answer {
			g := p.changeable()
			p.change("revoke", g, delegation.ActorAgent)
			return observed("status", p.becomes(g, delegation.StatusRevoked))
		}),
		must("issuer/state/006", "ADD-IAC-LCM-04", "What risk control has suspended, the principal does not resume.", observed("done", "no", "status", "2"), func(p *probe) conformance.Answer {
			g := p.changeable()
			p.change("suspend", g, delegation.ActorRiskControl)
			p.becomes(g, delegation.StatusSuspended)
			done := p.attempt("resume", "delegation_id", g.read.Claims().ID, "actor", string(delegation.ActorPrincipal))
			return observed("done", yes(done), "status", p.becomes(g, delegation.StatusSuspended))
		}),
		must("issuer/state/007", "ADD-IAC-LCM-02", "A change of one mandate changes no other.", observed("changed", "1", "other", "0"), func(p *probe) conformance.Answer {
			g, other := p.changeable(), p.changeable()
			p.change("revoke", g, delegation.ActorPrincipal)
			return observed("changed", p.becomes(g, delegation.StatusRevoked), "other", p.becomes(other, delegation.StatusActive))
		}),
		must("issuer/state/008", "ADD-IAC-LCM-10", "The list that has a change is not dated before the one that had it not.", observed("back", "no", "status", "1"), func(p *probe) conformance.Answer {
			g := p.changeable()
			before, _ := p.listOf(g)
			p.change("revoke", g, delegation.ActorPrincipal)
			status := p.becomes(g, delegation.StatusRevoked)
			after, _ := p.listOf(g)
			return observed("back", yes(after.IssuedAt.Before(before.IssuedAt)), "status", status)
		}),
		must("issuer/state/009", "ADD-IAC-LCM-03 ADD-IAC-LCM-02", "A mandate is revoked once: a suspension after it is refused.", observed("done", "no", "status", "1"), func(p *probe) conformance.Answer {
			g := p.changeable()
			p.change("revoke", g, delegation.ActorPrincipal)
			p.becomes(g, delegation.StatusRevoked)
			done := p.attempt("suspend", "delegation_id", g.read.Claims().ID, "actor", string(delegation.ActorRiskControl))
			return observed("done", yes(done), "status", p.becomes(g, delegation.StatusRevoked))
		}),
		must("issuer/state/010", "ADD-IAC-LCM-02 ADD-IAC-LCM-04", "A suspended mandate can be revoked.", observed("status", "1"), func(p *probe) conformance.Answer {
			g := p.changeable()
			p.change("suspend", g, delegation.ActorPrincipal)
			p.change("revoke", g, delegation.ActorPrincipal)
			return observed("status", p.becomes(g, delegation.StatusRevoked))
		}),
	}
}
