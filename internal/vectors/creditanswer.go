package vectors

import (
	"maps"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// creditAnswer makes an answer of a verification service: of the second level when
// it tells of credit.
func creditAnswer(told obj, changes ...func(m obj)) func(*house) obj {
	return func(h *house) obj {
		m := obj{
			"requestId": "request-1", "verificationRecordId": "record-1", "agentId": buyerDID, "completedLevel": "CREDENTIAL", "result": "PASS", "reasonCode": "VERIFIED",
			"credentialStatus": "ACTIVE", "scope": list{shopDID, "transaction:purchase"}, "generatedAt": utc(now), "expiresAt": utc(now.Add(time.Minute)), "purposeLimited": true,
		}
		if told != nil {
			m["completedLevel"] = "ASSOCIATED_CREDIT"
			maps.Copy(m, told)
		}
		for _, change := range changes {
			change(m)
		}
		return h.proved(h.issuer, m, "responseProof")
	}
}

// creditResponse: answers as a relying party takes them (TSD-CRD-VER-03, -04, -10).
func creditResponse(b *builder) {
	answer := creditAnswer
	input := func(level func(*house), m func(*house) obj) obj {
		h := b.house(level)
		return obj{"request": h.requestText(), "response": b.textOf("response", m(h)), "verifier": creditDID, "documents": h.documents}
	}
	first := func(*house) {}
	output := func(result, reason, level string, told obj) obj {
		return obj{"result": result, "reason": reason, "completed_level": level, "disclosed": told}
	}
	rule := ids("TSD-CRD-VER-03", "TSD-CRD-VER-10")
	ok := b.valid(spec{id: "credit/response/001", title: "An answer of the first level passes and tells nothing of credit.", requirements: rule, operation: "credit.response.verify",
		input: input(first, answer(nil)), output: output("PASS", "VERIFIED", "CREDENTIAL", obj{})})
	told := b.valid(spec{id: "credit/response/002", title: "An answer of the second level tells what was asked for.", requirements: rule, operation: "credit.response.verify",
		input: input(atCredit, answer(creditTold())), output: output("PASS", "VERIFIED", "ASSOCIATED_CREDIT", creditTold())})
	for i, reason := range []string{
		"INVALID_REQUEST", "REQUEST_PROOF_INVALID", "REQUEST_EXPIRED", "REPLAY_DETECTED", "AUTHORIZATION_REQUIRED", "AUTHORIZATION_EXPIRED", "AUTHORIZATION_REVOKED",
		"AUTHORIZATION_SCOPE_MISMATCH", "AGENT_NOT_REGISTERED", "ASSOCIATION_CREDENTIAL_NOT_FOUND", "ASSOCIATION_CREDENTIAL_NOT_ACTIVE", "ASSOCIATION_PROOF_INVALID",
		"CREDIT_ASSERTION_UNAVAILABLE", "CREDIT_ASSERTION_INVALID", "MAPPING_POLICY_UNSUPPORTED", "INCONCLUSIVE", "REVIEW_REQUIRED",
	} {
		result := results[reason]
		if result == "" {
			result = "FAIL"
		}
		says := func(result string) func(m obj) {
			return func(m obj) { m["result"], m["reasonCode"] = result, reason }
		}
		id := digits2(i + 10)
		b.also(ok, spec{id: "credit/response/0" + id, title: "The reason " + reason + " goes with " + result + ".", output: output(result, reason, "CREDENTIAL", obj{})},
			put("response", input(first, answer(nil, says(result)))["response"]))
		b.creditCase(ok, "response/1"+id, "The reason "+reason+" does not go with PASS.", protocol.CodeClaimsConflict, ids("TSD-CRD-VER-03"), put("response", input(first, answer(nil, says("PASS")))["response"]))
	}
	with := func(name string, value any) func(m obj) { return func(m obj) { set(m, name, value) } }
	bad := func(id, title string, code protocol.Code, requirement string, changes ...func(m obj)) {
		b.creditCase(ok, "response/"+id, title, code, ids(requirement), put("response", input(first, answer(nil, changes...))["response"]))
	}
	bad("040", "An answer to another request.", protocol.CodeClaimsConflict, "TSD-CRD-VER-10", with("requestId", "request-2"))
	bad("041", "An answer about another agent.", protocol.CodeAgentMismatch, "TSD-CRD-VER-10", with("agentId", otherDID))
	bad("042", "An answer that holds no more.", protocol.CodeRequestExpired, "TSD-CRD-VER-10", with("expiresAt", utc(now)))
	bad("043", "An answer of more than a minute ahead.", protocol.CodeRequestExpired, "TSD-CRD-VER-10", with("generatedAt", utc(now.Add(61*time.Second))))
	bad("044", "Only an active credential passes.", protocol.CodeClaimsConflict, "TSD-CRD-LCM-02", with("credentialStatus", "SUSPENDED"))
	bad("045", "An answer is limited to its purpose.", protocol.CodeFieldInvalid, "TSD-CRD-AUTH-06", with("purposeLimited", false))
	bad("046", "A reason that is not one of the eighteen.", protocol.CodeFieldInvalid, "TSD-CRD-VER-03", with("result", "FAIL"), with("reasonCode", "NO"))
	bad("047", "An answer of the first level has no mapped value.", protocol.CodeFieldUnknown, "TSD-CRD-VER-04", with("associatedCreditValue", obj{"ceiling": "200.00 CNY"}))
	bad("048", "An answer never has the subject's own credit.", protocol.CodeFieldUnknown, "TSD-CRD-VER-04", with("creditPayload", obj{"grade": "A"}))
	for i, name := range []string{"verificationRecordId", "completedLevel", "result", "reasonCode", "credentialStatus", "scope", "generatedAt", "expiresAt"} {
		bad("05"+string(rune('0'+i)), "An answer without "+name+" lacks a part.", protocol.CodeFieldMissing, "TSD-CRD-VER-10", with(name, nil))
	}
	changed := func(id, title string, code protocol.Code, change func(h *house, m obj)) {
		b.creditCase(ok, "response/"+id, title, code, ids("TSD-CRD-VER-10"), put("response", input(first, func(h *house) obj {
			m := answer(nil)(h)
			change(h, m)
			return m
		})["response"]))
	}
	changed("060", "An answer that was changed behind its proof.", protocol.CodeSignatureInvalid, func(_ *house, m obj) { m["verificationRecordId"] = "record-2" })
	changed("061", "An answer by another than was asked.", protocol.CodeSignatureInvalid, func(h *house, m obj) {
		delete(m, "responseProof")
		maps.Copy(m, h.proved(h.bureau, m, "responseProof"))
	})
	changed("062", "An answer whose proof names no key.", protocol.CodeSignatureInvalid, func(_ *house, m obj) { set(m, "responseProof.keyId", nil) })
	second := func(id, title string, code protocol.Code, requirement string, m func(*house) obj) {
		b.creditCase(told, "response/"+id, title, code, ids(requirement), put("response", input(atCredit, m)["response"]))
	}
	second("070", "A mapped value comes with its rule.", protocol.CodeFieldMissing, "TSD-CRD-MAP-02", answer(creditTold(), with("mappingPolicy", nil)))
	second("071", "A mapped value comes with its source.", protocol.CodeFieldMissing, "TSD-CRD-MAP-01", answer(creditTold(), with("creditSource", nil)))
	second("072", "A source that is the agent's own is none.", protocol.CodeFieldInvalid, "TSD-CRD-MAP-01", answer(creditTold(), with("creditSource", "AGENT_CREDIT")))
	second("073", "A pass of less than was asked for is none.", protocol.CodeClaimsConflict, "TSD-CRD-VER-10", answer(nil))
	second("074", "Only a pass tells of credit.", protocol.CodeClaimsConflict, "TSD-CRD-VER-04", answer(creditTold(), with("result", "FAIL"), with("reasonCode", "CREDIT_ASSERTION_INVALID")))
	b.creditCase(told, "response/075", "What was not asked for is not to be told.", protocol.CodeClaimsConflict, ids("TSD-CRD-VER-04"), put("request", input(func(h *house) {
		atCredit(h)
		h.request["requestedDataItems"] = list{"mappingPolicy", "subjectCreditAssertionValid"}
	}, answer(nil))["request"]))
	b.creditCase(ok, "response/076", "An answer of a level that was not asked for says too much.", protocol.CodeClaimsConflict, ids("TSD-CRD-VER-04"), put("response", told.input["response"]))
}

// creditForms: messages by themselves (SPEC.md 11.1).
func creditForms(b *builder) {
	h := b.house(atCredit)
	platform := b.house(byPlatform)
	revocation := obj{"requestId": "revocation-1", "authorizationId": "authorization-1", "subjectId": annDID, "reasonCode": "ENOUGH", "requestedAt": utc(now), "antiReplay": obj{"nonce": "a nonce of a revocation"}}
	change := obj{"requestId": "change-1", "credentialId": "credential-1", "targetStatus": "SUSPENDED", "reasonCode": "AWAY", "requestedBy": annDID, "requestedAt": utc(now), "antiReplay": obj{"idempotencyKey": "change-1"}}
	kinds := []struct {
		kind, member string
		signer       *keys.Signer
		message      obj
		requirement  string
		needed       []string
	}{
		{"application", "", nil, h.application(), "TSD-CRD-ASC-01", []string{"applicationId", "subjectId", "agentId", "associationRole", "relationshipEvidenceRefs", "purpose", "scope", "authorizationMode", "validFrom", "antiReplay"}},
		{"credential", "", nil, h.signedCredential(), "TSD-CRD-ASC-05", []string{
			"credentialId", "credentialVersion", "associationApplicationId", "agentId", "subjectId", "issuerId", "relationshipEvidenceRef", "confirmationMethod", "associatedCreditValue", "creditSource",
			"mappingPolicy", "confirmationStatement", "purpose", "scope", "issuedAt", "validFrom", "statusQuery", "issuerSignature", "issuerSignatureAlgorithm",
			"subjectCreditAssertionRef", "subjectPublicKey", "subjectSignature", "subjectSignatureAlgorithm",
			"associationApplicationRequestedAt", "associationApplicationAntiReplay",
		}},
		{"status", "statusProof", h.issuer, h.status, "TSD-CRD-LCM-06", []string{"credentialId", "status", "effectiveAt", "updatedAt"}},
		{"subject-assertion", "assertionProof", h.bureau, h.subject, "TSD-CRD-VER-07", []string{"subjectId", "creditPayload"}},
		{"agent-assertion", "assertionProof", h.bureau, h.agent, "TSD-CRD-ASC-07", []string{"subjectCreditAssertionRef", "associatedCreditValue", "creditSource", "mappingPolicy"}},
		{"query-authorization", "authorizationProof", h.owner, h.authorization, "TSD-CRD-AUTH-01", []string{"subjectId", "relyingPartyIds", "agentIds", "purpose", "allowedDataItems", "expiresAt", "boundRequestId", "resultUseRestrictions"}},
		{"revocation", "requestProof", h.owner, revocation, "TSD-CRD-AUTH-03", []string{"authorizationId", "subjectId", "antiReplay"}},
		{"status-change", "requestProof", h.owner, change, "TSD-CRD-LCM-06", []string{"credentialId", "targetStatus", "reasonCode", "requestedBy"}},
		{"request", "requestProof", h.requester, h.request, "TSD-CRD-VER-09", []string{"authorizationId", "subjectCreditAssertionRef", "antiReplay"}},
	}
	for i, k := range kinds {
		n := string(rune('1' + i))
		text := func(h *house, m obj) string {
			if k.signer != nil {
				m = h.proved(k.signer, m, k.member)
			}
			return b.textOf(k.kind, m)
		}
		in, out := obj{"kind": k.kind, "text": text(h, k.message), "documents": h.documents}, obj{}
		if k.signer != nil {
			out["key_id"] = k.signer.KeyID()
		}
		if k.kind == "status" {
			in["party"] = creditDID
		}
		ok := b.valid(spec{id: "credit/form/" + n + "00", title: "A message of the kind " + k.kind + ".", requirements: ids(k.requirement), operation: "credit.read", input: in, output: out})
		for j, name := range k.needed {
			m := maps.Clone(k.message)
			delete(m, name)
			b.creditCase(ok, "form/"+n+digits2(j+1), "A message of the kind "+k.kind+" without "+name+" lacks a part.", protocol.CodeFieldMissing, ids(k.requirement), put("text", text(h, m)))
		}
		m := maps.Clone(k.message)
		m["note"] = "x"
		b.creditCase(ok, "form/"+n+"90", "A message of the kind "+k.kind+" is closed.", protocol.CodeFieldUnknown, ids(k.requirement), put("text", text(h, m)))
		if k.signer != nil {
			signed := h.proved(k.signer, k.message, k.member)
			other := h.requester
			if k.signer == other {
				other = h.bureau
			}
			set(signed, k.member+".signatureValue", h.proved(other, k.message, k.member)[k.member].(obj)["signatureValue"])
			b.creditCase(ok, "form/"+n+"91", "A message of the kind "+k.kind+" by another key than it names.", protocol.CodeSignatureInvalid, ids(k.requirement), put("text", b.textOf(k.kind, signed)))
		}
	}
	creditModes(b, h, platform)
}

// creditModes: what belongs to one kind of authorization or confirmation alone.
func creditModes(b *builder, h, platform *house) {
	in := func(kind, text string) obj { return obj{"kind": kind, "text": text, "documents": h.documents} }
	grant := func(x *house, name string, value any) string {
		m := b.copy("authorization", x.authorization)
		set(m, name, value)
		return b.textOf("authorization", h.proved(h.owner, m, "authorizationProof"))
	}
	ok := b.valid(spec{id: "credit/mode/001", title: "An authorization of a platform names it and how often it may ask.", requirements: ids("TSD-CRD-AUTH-02"), operation: "credit.read",
		input: in("query-authorization", grant(platform, "mode", "PLATFORM_DELEGATED")), output: obj{"key_id": h.owner.KeyID()}})
	bad := func(id, title string, code protocol.Code, requirement string, text string) {
		b.creditCase(ok, "mode/"+id, title, code, ids(requirement), put("text", text))
	}
	bad("002", "A platform is named.", protocol.CodeFieldMissing, "TSD-CRD-AUTH-02", grant(platform, "platformDelegateId", nil))
	bad("003", "A platform has a limit that a machine reads.", protocol.CodeFieldMissing, "TSD-CRD-AUTH-02", grant(platform, "frequencyLimit", nil))
	bad("004", "A limit of nothing is none.", protocol.CodeFieldInvalid, "TSD-CRD-AUTH-02", grant(platform, "frequencyLimit.maxRequestsPerWindow", 0))
	bad("005", "A limit has a window.", protocol.CodeFieldInvalid, "TSD-CRD-AUTH-02", grant(platform, "frequencyLimit.windowDurationSeconds", 0))
	bad("006", "An authorization of a platform is bound to no request.", protocol.CodeFieldUnknown, "TSD-CRD-AUTH-02", grant(platform, "boundRequestId", "request-1"))
	bad("007", "A one-time authorization names no platform.", protocol.CodeFieldUnknown, "TSD-CRD-AUTH-04", grant(h, "platformDelegateId", platformDID))
	bad("008", "Who may keep a result is told how long.", protocol.CodeFieldMissing, "TSD-CRD-AUTH-01", grant(platform, "resultUseRestrictions", obj{"mayStore": true, "mayTransfer": false}))
	bad("009", "An authorization ends after it begins.", protocol.CodeFieldInvalid, "TSD-CRD-AUTH-01", grant(platform, "expiresAt", platform.authorization["validFrom"]))
	credential := func(name string, value any, changes ...func(*house)) string {
		c := b.copy("credential", b.house(changes...).signedCredential())
		set(c, name, value)
		return b.textOf("credential", c)
	}
	card := b.valid(spec{id: "credit/mode/020", title: "A credential on the issuer's word.", requirements: ids("TSD-CRD-ASC-02", "TSD-CRD-ASC-05"), operation: "credit.read",
		input: in("credential", credential("previousCredentialRef", nil, attested)), output: obj{}})
	refuse := func(id, title string, code protocol.Code, requirement string, text string) {
		b.creditCase(card, "mode/"+id, title, code, ids(requirement), put("text", text))
	}
	refuse("021", "A credential on the issuer's word has nothing of a subject's signature.", protocol.CodeFieldUnknown, "TSD-CRD-ASC-05", credential("subjectSignature", "AA", attested))
	refuse("022", "A statement is never empty.", protocol.CodeFieldMissing, "TSD-CRD-ASC-02", credential("confirmationStatement", "", attested))
	refuse("023", "A statement that nobody can see is none.", protocol.CodeFieldInvalid, "TSD-CRD-ASC-02", credential("confirmationStatement", " ", attested))
	refuse("024", "Credit of another source is refused.", protocol.CodeFieldInvalid, "TSD-CRD-MAP-01", credential("creditSource", "AGENT_CREDIT", attested))
	refuse("025", "The subject's own assertion does not stand in a credential.", protocol.CodeFieldUnknown, "TSD-CRD-MAP-05", credential("creditPayload", obj{"grade": "A"}, attested))
	refuse("026", "A mapped value is not empty.", protocol.CodeFieldInvalid, "TSD-CRD-MAP-02", credential("associatedCreditValue", obj{}, attested))
	refuse("027", "A rule has a version.", protocol.CodeFieldMissing, "TSD-CRD-MAP-04", credential("mappingPolicy", obj{"id": "grades"}, attested))
	refuse("028", "Another algorithm is refused.", protocol.CodeFieldInvalid, "TSD-CRD-ASC-05", credential("issuerSignatureAlgorithm", "ES256", attested))
	refuse("029", "A confirmation method is one of two.", protocol.CodeFieldInvalid, "TSD-CRD-ASC-02", credential("confirmationMethod", "IMPLIED", attested))
	refuse("030", "A credential has no state: that is asked for.", protocol.CodeFieldUnknown, "TSD-CRD-ASC-03", credential("status", "ACTIVE", attested))
	refuse("031", "A text that turns around what a screen shows is refused.", protocol.CodeFieldInvalid, "TSD-CRD-ASC-02", credential("confirmationStatement", "I confirm \u202eeverything", attested))
}
