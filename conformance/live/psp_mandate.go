package live

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
)

// pspMandateChecks are payments under mandates that do not carry them.
func pspMandateChecks() []Check {
	bad := func(id, req, title string, code protocol.Code, run func(*probe) conformance.Answer) Check {
		return must("psp/mandate/"+id, req, title, refused(code), run)
	}
	return []Check{
		bad("001", "PSD-PAY-DEL-05 ADD-IAC-LCM-05 ADD-IAC-LCM-07", "A mandate whose window has ended pays nothing.", protocol.CodeMandateExpired, granted(func(_ *probe, c *delegation.Claims) {
			c.Authorization.ValidityStart, c.Authorization.ValidityEnd = c.IssuedAt.Add(-2*time.Hour), c.IssuedAt.Add(-time.Second)
			c.IssuedAt = c.Authorization.ValidityStart
		})),
		bad("002", "ADD-IAC-LCM-06 PSD-PAY-DEL-05", "A mandate whose window has not begun pays nothing.", protocol.CodeMandateNotYetValid, granted(func(_ *probe, c *delegation.Claims) {
			c.Authorization.ValidityStart = c.IssuedAt.Add(10 * time.Minute)
		})),
		bad("003", "PSD-PAY-DEL-05", "A mandate for another agent pays nothing.", protocol.CodeAgentMismatch, granted(func(p *probe, c *delegation.Claims) {
			c.Authorization.AgentID = p.fresh("agent", keys.AgentRequest).did
			c.Subject = c.Authorization.AgentID
		})),
		bad("004", "PSD-PAY-DEL-05", "A mandate that is held by another key than the one that signs pays nothing.", protocol.CodeAgentMismatch, granted(func(p *probe, c *delegation.Claims) {
			c.Holder = p.fresh("agent", keys.AgentRequest).signer(keys.AgentRequest).Public()
		})),
		bad("005", "PSD-PAY-DEL-05", "A mandate that names another provider pays nothing here.", protocol.CodeAudienceMismatch, granted(func(p *probe, c *delegation.Claims) {
			c.Audience = p.party("psp-"+p.run, keys.Proof).did
		})),
		bad("006", "PSD-PAY-DEL-09", "One principal's mandate does not open another principal's account.", protocol.CodePrincipalMismatch, func(p *probe) conformance.Answer {
			y, other := p.payerWith("100.00"), p.payerWith("100.00")
			p.grant(y, func(c *delegation.Claims) { c.Authorization.DelegatorIdentity = other.principal })
			return p.pay(p.purchase(y, "18.00"))
		}),
		bad("007", "PSD-PAY-DEL-05", "A mandate of an issuer whom the provider does not trust pays nothing.", protocol.CodeIssuerUntrusted, func(p *probe) conformance.Answer {
			y := p.payer()
			y.issuer = p.fresh("stranger", keys.IssueAuthorization, keys.Status)
			y.list = p.newList(y.issuer)
			p.grant(y, nil)
			return p.pay(p.purchase(y, "18.00"))
		}),
		bad("008", "PSD-PAY-DEL-05 PSD-PAY-DEL-09", "An issuer whom the provider trusts for one principal speaks for no other.", protocol.CodeIssuerUntrusted, granted(func(p *probe, c *delegation.Claims) {
			c.Authorization.DelegatorIdentity = p.party("nobody-"+p.run, keys.AgentRequest).did
		})),
		bad("009", "ADD-IAC-ISS-10 PSD-PAY-DEL-05", "A mandate that was changed after it was signed pays nothing.", protocol.CodeSignatureInvalid, reissued(keys.IssueAuthorization, func(string) {}, true)),
		bad("010", "ADD-IAC-ISS-12", "A mandate that is signed by the issuer's key for status lists pays nothing.", protocol.CodeKeyPurpose, reissued(keys.Status, func(string) {}, false)),
		bad("011", "PSD-PAY-DEL-12 PSD-PAY-AUP-01", "A BOUNDED mandate carries no directed payment.", protocol.CodeModeMismatch, granted(func(_ *probe, c *delegation.Claims) {
			c.Authorization.DelegationMode = delegation.Bounded
		})),
		bad("012", "PSD-PAY-AUP-01", "A SPECIFIED mandate carries no autonomous payment.", protocol.CodeModeMismatch, changed(set("scenario", "AUP"))),
		bad("013", "ADD-INT-ICS-17 PSD-PAY-DEL-05", "A mandate with a boundary that the provider cannot understand is undetermined, and not paid.", protocol.CodeConstraintUnknown, withMember("max_per_moon", `"18"`)),
		must("psp/mandate/014", "ADD-INT-ICS-17", "A private member of the issuer's changes nothing.", accepted(), granted(func(_ *probe, c *delegation.Claims) {
			c.Authorization.Ext.VendorPrivate = jsontext.Value(`{"max_per_moon":"18"}`)
		})),
		bad("015", "PSD-PAY-DEL-07", "Another mandate under a delegation_id that was used is refused: it would be a second budget.", protocol.CodeRequestConflict, func(p *probe) conformance.Answer {
			y := p.payer()
			p.paid("the payment under the first mandate", p.purchase(y, "1.00"))
			id := y.claims.ID
			p.grant(y, func(c *delegation.Claims) {
				c.Authorization.DelegationID, c.Authorization.MaxTotalAmount = id, "2000"
			})
			return p.pay(p.purchase(y, "1.00"))
		}),
		bad("016", "PSD-PAY-DEL-05", "An order in the place of the mandate is refused: it is another kind of token.", protocol.CodeTypeMismatch, changed(func(_ *probe, b *purchase) {
			b.message["iac"] = b.message["order"]
		})),
		bad("017", "ADD-IAC-ISS-04", "A mandate that lacks max_total_amount is refused.", protocol.CodeFieldMissing, withoutMember("max_total_amount")),
		bad("018", "ADD-INT-ICS-09", "A mandate whose total has three decimals is refused, not rounded.", protocol.CodeFieldInvalid, withMember("max_total_amount", `18.004`)),
		bad("019", "ADD-INT-ICS-14", "A mandate with an empty list of merchants is refused: empty is not everybody.", protocol.CodeFieldInvalid, withExt(`{"commerce":{"allowed_merchants":[]}}`)),
		must("psp/mandate/020", "PSD-PAY-DEL-05", "A mandate without a status that lives ten minutes is taken.", accepted(), granted(func(_ *probe, c *delegation.Claims) {
			c.Authorization.ValidityEnd, c.Status = c.IssuedAt.Add(8*time.Minute), nil
		})),
		must("psp/mandate/021", "ADD-IAC-ISS-08 ADD-IAC-ISS-14", "A mandate as SD-JWT VC, with everything shown and bound to the request, is paid.", accepted(), func(p *probe) conformance.Answer {
			y := p.payer()
			return p.paySelective(y)
		}),
	}
}

// reissued is a check under a mandate whose payload is signed anew by a key of
// the issuer's, and then perhaps altered.
func reissued(purpose keys.Purpose, look func(payload string), alter bool) func(*probe) conformance.Answer {
	return func(p *probe) conformance.Answer {
		y := p.payer()
		u, err := delegation.ParseMandate([]byte(y.iac))
		p.fault("the suite's mandate", err)
		payload := u.Payload()
		look(string(payload))
		token, err := keys.SignCompact(y.issuer.signer(purpose), purpose, keys.TypeMandate, payload)
		p.fault("the suite's mandate", err)
		y.iac = string(token)
		if alter {
			parts := strings.Split(y.iac, ".")
			parts[1] = canon.EncodeBase64([]byte(strings.Replace(string(payload), `"max_total_amount":1000`, `"max_total_amount":9000`, 1)))
			y.iac = strings.Join(parts, ".")
		}
		return p.pay(p.purchase(y, "18.00"))
	}
}

// edited is a check under a mandate whose credentialSubject is another one than
// a careful issuer would sign.
func edited(edit func(subject map[string]any)) func(*probe) conformance.Answer {
	return func(p *probe) conformance.Answer {
		y := p.payer()
		u, err := delegation.ParseMandate([]byte(y.iac))
		p.fault("the suite's mandate", err)
		var payload, vc, subject map[string]jsontext.Value
		for _, step := range []struct {
			from jsontext.Value
			to   *map[string]jsontext.Value
		}{{jsontext.Value(u.Payload()), &payload}, {nil, &vc}, {nil, &subject}} {
			from := step.from
			if step.to == &vc {
				from = payload["vc"]
			} else if step.to == &subject {
				from = vc["credentialSubject"]
			}
			p.fault("the suite's mandate", canon.DecodeOpen(from, step.to))
		}
		open := map[string]any{}
		for k, v := range subject {
			open[k] = v
		}
		edit(open)
		outer, inner := map[string]any{}, map[string]any{}
		for k, v := range payload {
			outer[k] = v
		}
		for k, v := range vc {
			inner[k] = v
		}
		inner["credentialSubject"], outer["vc"] = open, inner
		text, err := canon.Marshal(outer)
		p.fault("the suite's mandate", err)
		token, err := keys.SignCompact(y.issuer.signer(keys.IssueAuthorization), keys.IssueAuthorization, keys.TypeMandate, text)
		p.fault("the suite's mandate", err)
		y.iac = string(token)
		return p.pay(p.purchase(y, "18.00"))
	}
}

func withMember(name, value string) func(*probe) conformance.Answer {
	return edited(func(s map[string]any) { s[name] = jsontext.Value(value) })
}

func withoutMember(name string) func(*probe) conformance.Answer {
	return edited(func(s map[string]any) { delete(s, name) })
}

func withExt(value string) func(*probe) conformance.Answer { return withMember("ext", value) }

// paySelective pays under the mandate of a payer in the form of SPEC.md 8.1.
func (p *probe) paySelective(y *payer) conformance.Answer {
	token, err := delegation.IssueSelective(y.issuer.signer(keys.IssueAuthorization), y.claims)
	p.fault("the suite's mandate", err)
	b := p.purchase(y, "18.00")
	u, err := delegation.ParseMandate(token)
	p.fault("the suite's mandate", err)
	shown, err := u.Present(delegation.RolePSP, delegation.Purchase{
		At: time.Now(), Amount: b.order.Amount, Merchant: b.seller.did, Categories: b.order.Categories(), Method: b.order.PaymentMethod, DeliverBy: b.order.DeliverBy,
	})
	p.fault("the suite's mandate", err)
	r := p.typed(b)
	r.IAC = string(shown)
	body, err := signRequest(b.signer, r)
	p.fault("the suite's request", err)
	a, _ := p.result(b, p.pspPost("/payments", body))
	return a
}

// pspStatusChecks are about the state of a mandate, which the provider learns
// from the suite's status lists.
func pspStatusChecks() []Check {
	bad := func(id, req, title string, code protocol.Code, run func(*probe) conformance.Answer) Check {
		return must("psp/status/"+id, req, title, refused(code), run)
	}
	return []Check{
		bad("001", "ADD-IAC-LCM-06 ADD-IAC-LCM-07 ADD-IAC-LCM-10 PSD-PAY-DEL-05", "A revoked mandate pays nothing.", protocol.CodeMandateRevoked,
			listed(func(l *list) { l.set(7, delegation.StatusRevoked) })),
		bad("002", "ADD-IAC-LCM-06 ADD-IAC-LCM-07 PSD-PAY-DEL-05", "A suspended mandate pays nothing.", protocol.CodeMandateSuspended,
			listed(func(l *list) { l.set(7, delegation.StatusSuspended) })),
		bad("003", "ADD-IAC-LCM-06", "A state that is not one of the three is undetermined, and nothing is paid.", protocol.CodeStatusUnavailable,
			listed(func(l *list) { l.set(7, 3) })),
		bad("004", "ADD-IAC-LCM-08 ADD-IAC-LCM-10", "A status service that does not answer leaves the payment undetermined, and nothing is paid.", protocol.CodeStatusUnavailable,
			listed(func(l *list) { l.setDown(true) })),
		must("psp/status/005", "ADD-IAC-LCM-08 ADD-IAC-LCM-10", "What could not be decided is not stored: the same request is paid once the status service answers.",
			observed("first", "status_unavailable", "then", "accepted"), func(p *probe) conformance.Answer {
				y := p.payer()
				y.list.setDown(true)
				b := p.purchase(y, "18.00")
				before := p.pay(b)
				y.list.setDown(false)
				p.wait(2500 * time.Millisecond)
				return observed("first", word(before), "then", word(p.pay(b)))
			}),
		must("psp/status/006", "ADD-IAC-LCM-10 ADD-IAC-LCM-07", "A revocation is seen, at the latest when the list that was used before is over.",
			observed("before", "accepted", "after", "mandate_revoked"), func(p *probe) conformance.Answer {
				y := p.payer()
				before := p.pay(p.purchase(y, "1.00"))
				y.list.set(7, delegation.StatusRevoked)
				p.wait(listLife + 1500*time.Millisecond)
				return observed("before", word(before), "after", word(p.pay(p.purchase(y, "1.00"))))
			}),
		must("psp/status/007", "ADD-IAC-LCM-02 ADD-IAC-LCM-10", "A mandate that was suspended and resumed pays again.",
			observed("suspended", "mandate_suspended", "resumed", "accepted"), func(p *probe) conformance.Answer {
				y := p.payer()
				y.list.set(7, delegation.StatusSuspended)
				before := p.pay(p.purchase(y, "1.00"))
				y.list.set(7, delegation.StatusActive)
				p.wait(listLife + 1500*time.Millisecond)
				return observed("suspended", word(before), "resumed", word(p.pay(p.purchase(y, "1.00"))))
			}),
		bad("008", "ADD-IAC-LCM-10 ADD-IAC-ISS-12", "A list that is signed by the issuer's key for mandates says nothing.", protocol.CodeStatusUnavailable,
			forged(func(p *probe, y *payer, iat time.Time) ([]byte, error) {
				return p.statusToken(y.issuer.signer(keys.IssueAuthorization), y.list.uri, iat, iat.Add(minutes))
			})),
		bad("009", "ADD-IAC-LCM-10", "A list that another issuer has signed says nothing.", protocol.CodeStatusUnavailable,
			forged(func(p *probe, y *payer, iat time.Time) ([]byte, error) {
				return p.statusToken(p.known("stranger", keys.Status).signer(keys.Status), y.list.uri, iat, iat.Add(minutes))
			})),
		bad("010", "ADD-IAC-LCM-10", "A list for another address says nothing.", protocol.CodeStatusUnavailable,
			forged(func(p *probe, y *payer, iat time.Time) ([]byte, error) {
				return p.statusToken(y.issuer.signer(keys.Status), y.list.uri+"/other", iat, iat.Add(minutes))
			})),
		bad("011", "ADD-IAC-LCM-10", "A list whose time is over says nothing.", protocol.CodeStatusUnavailable,
			forged(func(p *probe, y *payer, iat time.Time) ([]byte, error) {
				return p.statusToken(y.issuer.signer(keys.Status), y.list.uri, iat.Add(-time.Hour), iat.Add(-time.Minute))
			})),
		bad("012", "ADD-IAC-LCM-10", "A list that is dated ten minutes ahead says nothing.", protocol.CodeStatusUnavailable,
			forged(func(p *probe, y *payer, iat time.Time) ([]byte, error) {
				return p.statusToken(y.issuer.signer(keys.Status), y.list.uri, iat.Add(minutes), iat.Add(2*minutes))
			})),
		must("psp/status/013", "ADD-IAC-LCM-10", "A list that is older than one seen before is refused: it may be from before a revocation.",
			observed("first", "accepted", "older", "status_unavailable"), func(p *probe) conformance.Answer {
				y := p.payer()
				first := p.pay(p.purchase(y, "1.00"))
				y.list.mu.Lock()
				y.list.backway = time.Minute
				y.list.mu.Unlock()
				p.wait(listLife + 1500*time.Millisecond)
				return observed("first", word(first), "older", word(p.pay(p.purchase(y, "1.00"))))
			}),
		bad("014", "ADD-IAC-LCM-10", "An index outside the list is undetermined.", protocol.CodeStatusUnavailable, granted(func(_ *probe, c *delegation.Claims) {
			c.Status.Index = 1024
		})),
		bad("015", "ADD-IAC-LCM-06", "A mandate that lives for an hour and names no status is undetermined.", protocol.CodeStatusUnavailable, dropStatus),
	}
}

// listed is a check under a mandate whose list is not as usual.
func listed(change func(*list)) func(*probe) conformance.Answer {
	return func(p *probe) conformance.Answer {
		y := p.payer()
		change(y.list)
		return p.pay(p.purchase(y, "18.00"))
	}
}

// forged is a check under a mandate in the place of whose list something else is
// served.
func forged(token func(p *probe, y *payer, iat time.Time) ([]byte, error)) func(*probe) conformance.Answer {
	return func(p *probe) conformance.Answer {
		y := p.payer()
		now, err := token(p, y, time.Now().Truncate(time.Second))
		p.fault("the suite's status list", err)
		y.list.mu.Lock()
		y.list.forge = func(time.Time) ([]byte, error) { return now, nil }
		y.list.mu.Unlock()
		return p.pay(p.purchase(y, "18.00"))
	}
}

// statusToken is a status list with nothing but Active in it, signed by any key.
func (p *probe) statusToken(s *keys.Signer, uri string, iat, exp time.Time) ([]byte, error) {
	lst, err := delegation.NewStatusList(1024).Encode()
	if err != nil {
		return nil, err
	}
	payload, err := canon.Marshal(map[string]any{
		"iss": s.DID(), "sub": uri, "iat": iat.Unix(), "exp": exp.Unix(), "ttl": 1,
		"status_list": map[string]any{"bits": 2, "lst": lst},
	})
	if err != nil {
		return nil, err
	}
	return keys.SignCompact(s, s.Purpose(), keys.TypeStatusList, payload)
}

// dropStatus is a check under a mandate from which the status was left out by
// its issuer.
func dropStatus(p *probe) conformance.Answer {
	y := p.payer()
	u, err := delegation.ParseMandate([]byte(y.iac))
	p.fault("the suite's mandate", err)
	payload, err := canon.Without(u.Payload(), "status")
	p.fault("the suite's mandate", err)
	token, err := keys.SignCompact(y.issuer.signer(keys.IssueAuthorization), keys.IssueAuthorization, keys.TypeMandate, payload)
	p.fault("the suite's mandate", err)
	y.iac = string(token)
	return p.pay(p.purchase(y, "18.00"))
}
