package vectors

import (
	"maps"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// groupCreditLife: the states of an association, issuing, mapping and answers
// (SPEC.md 11.2, 11.3).
func groupCreditLife(b *builder) {
	creditMoves(b)
	creditIssue(b)
	creditMap(b)
	creditResponse(b)
	creditForms(b)
}

// creditMoves: the nine moves and whose they are (TSD-CRD-LCM).
func creditMoves(b *builder) {
	at := func(minutes int) string { return utc(now.Add(time.Duration(minutes-60) * time.Minute)) }
	steps := func(moves ...string) list {
		out := list{}
		for i, m := range moves {
			p := strings.Split(m, " ")
			out = append(out, obj{"to": p[0], "by": p[1], "reason": p[2], "at": at(i + 1)})
		}
		return out
	}
	const issued = "ACTIVE issuer ISSUED"
	ok := b.valid(spec{
		id: "credit/move/001", title: "An application is pending until its credential is issued.", requirements: ids("TSD-CRD-LCM-01", "TSD-CRD-ASC-07"), operation: "credit.lifecycle",
		input: obj{"applied_at": at(0), "expires_at": utc(now.Add(time.Hour)), "steps": steps(issued)}, output: obj{"status": "ACTIVE", "version": 2, "reason": "ISSUED"},
	})
	good := func(id, title, status string, version int, reason, requirement string, moves ...string) {
		b.also(ok, spec{id: "credit/move/" + id, title: title, requirements: ids("TSD-CRD-LCM-01", requirement), output: obj{"status": status, "version": version, "reason": reason}}, put("steps", steps(moves...)))
	}
	good("002", "An application that nothing has happened to is pending.", "PENDING", 1, "APPLIED", "TSD-CRD-ASC-07")
	good("003", "A pending association is revoked by its subject.", "REVOKED", 2, "CHANGED_MIND", "TSD-CRD-LCM-05", "REVOKED subject CHANGED_MIND")
	good("004", "An active association is suspended.", "SUSPENDED", 3, "KEY_LEAKED", "TSD-CRD-ASC-08", issued, "SUSPENDED credit-service KEY_LEAKED")
	good("005", "What the subject has suspended the subject resumes.", "ACTIVE", 4, "BACK", "TSD-CRD-LCM-04", issued, "SUSPENDED subject AWAY", "ACTIVE subject BACK")
	good("006", "The subject revokes at any time, also while suspended.", "REVOKED", 4, "ENOUGH", "TSD-CRD-LCM-05", issued, "SUSPENDED issuer CONTROL_CHANGED", "REVOKED subject ENOUGH")
	good("007", "A reassessment that changed nothing ends with the same credential.", "ACTIVE", 4, "REASSESSED_UNCHANGED", "TSD-CRD-LCM-04", issued, "SUSPENDED credit-service REASSESSMENT", "ACTIVE credit-service REASSESSED_UNCHANGED")
	good("008", "A replacement revokes the old credential.", "REVOKED", 4, "REPLACED", "TSD-CRD-LCM-03", issued, "SUSPENDED credit-service REASSESSMENT", "REVOKED issuer REPLACED")
	good("009", "An issuer revokes.", "REVOKED", 3, "FRAUD", "TSD-CRD-LCM-01", issued, "REVOKED issuer FRAUD")
	ended := func(id, title, status string, version int, reason string, moves ...string) {
		b.also(ok, spec{id: "credit/move/" + id, title: title, requirements: ids("TSD-CRD-LCM-01"), output: obj{"status": status, "version": version, "reason": reason}}, func(in obj) {
			in["expires_at"], in["steps"] = utc(now), steps(moves...)
		})
	}
	ended("010", "An active association has expired at its end, whenever somebody looks.", "EXPIRED", 3, "VALIDITY_ENDED", issued)
	ended("011", "A suspended association expires too.", "EXPIRED", 4, "VALIDITY_ENDED", issued, "SUSPENDED subject AWAY")
	ended("012", "A pending association expires too.", "EXPIRED", 2, "VALIDITY_ENDED")
	ended("013", "What was revoked stays so.", "REVOKED", 3, "FRAUD", issued, "REVOKED issuer FRAUD")
	bad := func(id, title string, code protocol.Code, requirement string, moves ...string) {
		b.creditCase(ok, "move/"+id, title, code, ids("TSD-CRD-LCM-01", requirement), put("steps", steps(moves...)))
	}
	conflict, refused := protocol.CodeStateConflict, protocol.CodeActorRefused
	bad("020", "A pending association is not suspended.", conflict, "TSD-CRD-LCM-01", "SUSPENDED subject AWAY")
	bad("021", "Nothing follows a revocation.", conflict, "TSD-CRD-LCM-05", issued, "REVOKED subject ENOUGH", "ACTIVE subject BACK")
	bad("022", "An active association is not issued again.", conflict, "TSD-CRD-LCM-01", issued, issued)
	bad("023", "Nothing goes back to pending.", conflict, "TSD-CRD-LCM-01", issued, "PENDING issuer AGAIN")
	bad("024", "A suspended association is not suspended again.", conflict, "TSD-CRD-LCM-01", issued, "SUSPENDED subject AWAY", "SUSPENDED issuer FRAUD")
	bad("025", "Only the issuer makes a pending association active.", refused, "TSD-CRD-ASC-07", "ACTIVE subject ISSUED")
	bad("026", "What the subject has suspended nobody else resumes.", refused, "TSD-CRD-LCM-04", issued, "SUSPENDED subject AWAY", "ACTIVE credit-service BACK")
	bad("027", "What the credit service has suspended the subject does not resume.", refused, "TSD-CRD-LCM-04", issued, "SUSPENDED credit-service KEY_LEAKED", "ACTIVE subject BACK")
	bad("028", "Only the credit service looks at credit again.", refused, "TSD-CRD-LCM-04", issued, "SUSPENDED issuer REASSESSMENT")
	bad("029", "A reassessment ends with what it came to, or with a new credential.", conflict, "TSD-CRD-LCM-04", issued, "SUSPENDED credit-service REASSESSMENT", "ACTIVE credit-service BACK")
	bad("030", "Only the clock ends what is past its time.", refused, "TSD-CRD-LCM-01", issued, "EXPIRED issuer VALIDITY_ENDED")
	bad("031", "The clock revokes nothing.", refused, "TSD-CRD-LCM-05", issued, "REVOKED clock VALIDITY_ENDED")
	b.creditCase(ok, "move/032", "Each change is recorded with a reason.", protocol.CodeFieldMissing, ids("TSD-CRD-LCM-06"), func(in obj) {
		in["steps"].(list)[0].(obj)["reason"] = ""
	})
}

// application is one for a credential of the house.
func (h *house) application() obj {
	method := h.credential["confirmationMethod"]
	return obj{
		"applicationId": "application-1", "messageVersion": "reference-v1", "subjectId": annDID, "agentId": buyerDID, "associationRole": "OPERATOR",
		"relationshipEvidenceRefs": list{"urn:example:evidence:1", "urn:example:evidence:2"}, "confirmationMethod": method, "issuerId": creditDID, "purpose": creditPurpose,
		"scope": list{shopDID, "transaction:purchase"}, "authorizationMode": "PER_REQUEST", "requestedAt": utc(now.Add(-time.Hour)), "validFrom": utc(now.Add(-time.Hour)),
		"expiresAt": utc(now.Add(240 * time.Hour)), "antiReplay": obj{"nonce": "an application's nonce"},
	}
}

// creditIssue: what an issuer signs, and what it does not (TSD-CRD-ASC).
func creditIssue(b *builder) {
	input := func(changes ...func(*house)) (obj, string) {
		h := b.house(append([]func(*house){func(h *house) {
			h.credential["issuedAt"], h.credential["validFrom"] = utc(now), utc(now)
		}}, changes...)...)
		c := h.signedCredential()
		confirmation := obj{"confirmationMethod": c["confirmationMethod"]}
		if c["subjectSignature"] != nil {
			maps.Copy(confirmation, obj{"subjectPublicKey": c["subjectPublicKey"], "subjectSignature": c["subjectSignature"], "subjectSignatureAlgorithm": "Ed25519"})
		}
		in := obj{
			"application": b.textOf("application", h.application()), "agent_assertion": b.textOf("agent", h.proved(h.bureau, h.agent, "assertionProof")),
			"evidence_ref": "urn:example:evidence:2", "statement": "I confirm the role OPERATOR.", "status_uri": "/v1/association-credentials/credential-1/status",
			"confirmation": b.textOf("confirmation", confirmation), "documents": h.documents, "key_id": creditDID + "#credit", "key": b.privateJWK(creditDID+"#credit", keys.EdDSA),
		}
		return in, string(b.value("credential", c))
	}
	in, text := input()
	ok := b.valid(spec{id: "credit/issue/001", title: "A credential that the subject has signed and then the issuer.", operation: "credit.issue", input: in, output: obj{"credential": text},
		requirements: ids("TSD-CRD-ASC-01", "TSD-CRD-ASC-02", "TSD-CRD-ASC-03", "TSD-CRD-ASC-05", "TSD-CRD-ASC-07")})
	in, text = input(attested, associates("associationApplicationAntiReplay", nil), associates("associationApplicationRequestedAt", nil))
	word := b.also(ok, spec{id: "credit/issue/002", title: "A credential on the issuer's word has nothing of a subject's signature.", output: obj{"credential": text}}, func(to obj) { clear(to); maps.Copy(to, in) })
	in, text = input(associates("previousCredentialRef", "credential-0"))
	in["previous_ref"] = "credential-0"
	b.also(ok, spec{id: "credit/issue/003", title: "A changed member means a new credential, which names the one before.", requirements: ids("TSD-CRD-ASC-04"), output: obj{"credential": text}}, func(to obj) { clear(to); maps.Copy(to, in) })
	bad := func(id, title string, code protocol.Code, requirement string, change func(in obj)) {
		b.creditCase(ok, "issue/"+id, title, code, ids(requirement), change)
	}
	b.creditCase(word, "issue/020", "A statement is never empty.", protocol.CodeFieldMissing, ids("TSD-CRD-ASC-02"), put("statement", ""))
	other := func(name string, changes ...func(*house)) func(in obj) {
		from, _ := input(changes...)
		return put(name, from[name])
	}
	conflict := protocol.CodeClaimsConflict
	bad("010", "A confirmation of another role is not one of this.", protocol.CodeSignatureInvalid, "TSD-CRD-ASC-06", other("confirmation", associates("associationRole", "OWNER")))
	bad("011", "A confirmation for another agent is not one for this.", protocol.CodeSignatureInvalid, "TSD-CRD-ASC-06", other("confirmation", associates("agentId", otherDID)))
	bad("012", "A confirmation of another application is not one of this.", protocol.CodeSignatureInvalid, "TSD-CRD-ASC-06", other("confirmation", associates("associationApplicationId", "application-2")))
	bad("013", "A confirmation of another purpose is not one of this.", protocol.CodeSignatureInvalid, "TSD-CRD-ASC-06", other("confirmation", associates("purpose", "LOANS")))
	bad("014", "A confirmation of another scope is not one of this.", protocol.CodeSignatureInvalid, "TSD-CRD-ASC-06", other("confirmation", associates("scope", list{shop2DID})))
	bad("015", "A confirmation of another mapped value is not one of this.", protocol.CodeSignatureInvalid, "TSD-CRD-ASC-03", other("confirmation", associates("associatedCreditValue", obj{"ceiling": "900.00 CNY"})))
	bad("016", "A confirmation by another statement is not one of this.", protocol.CodeSignatureInvalid, "TSD-CRD-ASC-03", put("statement", "I confirm everything."))
	bad("017", "A key that is not the subject's confirms nothing.", protocol.CodeKeyUnknown, "TSD-CRD-ASC-01", other("confirmation", func(h *house) {
		h.owner = h.requester
		h.credential["subjectPublicKey"] = h.b.pemKey(h.owner)
	}))
	bad("018", "A confirmation of the other method is none.", protocol.CodeModeMismatch, "TSD-CRD-ASC-02", put("confirmation", `{"confirmationMethod":"ATTESTED_CONFIRMATION"}`))
	bad("019", "A direct confirmation has its key and signature.", protocol.CodeFieldMissing, "TSD-CRD-ASC-02", put("confirmation", `{"confirmationMethod":"DIRECT_SIGNATURE"}`))
	bad("021", "Evidence is one of the application's.", conflict, "TSD-CRD-ASC-01", put("evidence_ref", "urn:example:evidence:3"))
	bad("022", "A value that was mapped for another agent is not used.", conflict, "TSD-CRD-ASC-07", other("agent_assertion", asserts("agentId", otherDID)))
	bad("023", "A value that was mapped for another purpose is not used.", conflict, "TSD-CRD-ASC-07", other("agent_assertion", asserts("purpose", "LOANS")))
	bad("024", "A value that was mapped for another scope is not used.", conflict, "TSD-CRD-ASC-07", other("agent_assertion", asserts("scope", list{shop2DID})))
	bad("025", "An assertion that was suspended is not used.", conflict, "TSD-CRD-ASC-07", other("agent_assertion", asserts("status", "SUSPENDED")))
	bad("026", "An assertion without its rule is incomplete.", protocol.CodeFieldMissing, "TSD-CRD-ASC-07", other("agent_assertion", asserts("mappingPolicy", nil)))
	bad("027", "Credit that is called the agent's own is refused.", protocol.CodeFieldInvalid, "TSD-CRD-MAP-01", other("agent_assertion", asserts("creditSource", "AGENT_CREDIT")))
	bad("028", "Another than the named issuer issues nothing.", conflict, "TSD-CRD-ASC-05", put("key_id", bureauDID+"#credit"))
	bad("029", "A credential is not its own predecessor.", protocol.CodeFieldInvalid, "TSD-CRD-ASC-04", put("previous_ref", "credential-1"))
}

// creditMap: what a credit service makes of a subject's credit (TSD-CRD-MAP).
func creditMap(b *builder) {
	h := b.house()
	input := func(changes ...func(*house)) obj {
		h := b.house(changes...)
		return obj{
			"application": b.textOf("application", h.application()), "subject_assertion": b.textOf("subject", h.proved(h.bureau, h.subject, "assertionProof")),
			"subject_ref": "urn:example:assertion:1", "credential_id": "credential-1", "assertion_id": "agent-1", "policy": obj{"id": "grades", "version": "1.0"},
			"value": `{"ceiling":"200.00 CNY","level":"A-ASSOCIATED"}`,
		}
	}
	made := maps.Clone(h.agent)
	made["issuedAt"], made["validFrom"] = utc(now), utc(now)
	ok := b.valid(spec{id: "credit/map/001", title: "A mapped value has its source, its rule and its limits, and refers to what it was made of.", requirements: ids("TSD-CRD-MAP-01", "TSD-CRD-MAP-02", "TSD-CRD-MAP-03", "TSD-CRD-MAP-05"),
		operation: "credit.map", input: input(), output: obj{"agent_assertion": made}})
	shorter := maps.Clone(made)
	shorter["expiresAt"] = utc(now.Add(time.Hour))
	b.also(ok, spec{id: "credit/map/002", title: "A mapped value does not outlive the subject's assertion.", output: obj{"agent_assertion": shorter}}, put("subject_assertion", input(func(h *house) {
		h.subject["expiresAt"] = utc(now.Add(time.Hour))
	})["subject_assertion"]))
	bad := func(id, title string, code protocol.Code, requirement string, change func(in obj)) {
		b.creditCase(ok, "map/"+id, title, code, ids(requirement), change)
	}
	bad("010", "The subject's whole credit is not handed on.", protocol.CodePolicyRefused, "TSD-CRD-MAP-03", put("value", `{"limit":50000,"grade":"A"}`))
	bad("011", "The subject's whole credit is not handed on inside of something.", protocol.CodePolicyRefused, "TSD-CRD-MAP-05", put("value", `{"basis":{"grade":"A","limit":50000},"level":"A"}`))
	bad("012", "A mapped value is not empty.", protocol.CodeFieldInvalid, "TSD-CRD-MAP-02", put("value", `{}`))
	bad("013", "A rule has an id.", protocol.CodeFieldMissing, "TSD-CRD-MAP-04", put("policy", obj{"id": "", "version": "1.0"}))
	bad("014", "A rule has a version.", protocol.CodeFieldMissing, "TSD-CRD-MAP-04", put("policy", obj{"id": "grades", "version": ""}))
	bad("015", "The credit of somebody else is not mapped.", protocol.CodePrincipalMismatch, "TSD-CRD-ASC-01", put("subject_assertion", input(func(h *house) { h.subject["subjectId"] = bobDID })["subject_assertion"]))
	bad("016", "An assertion that has ended is not mapped.", protocol.CodeStateConflict, "TSD-CRD-LCM-04", put("subject_assertion", input(func(h *house) { h.subject["expiresAt"] = utc(now) })["subject_assertion"]))
}
