package vectors

import (
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol/keys"
)

// groupCredit: verifications at both levels (SPEC.md 11.3).
func groupCredit(b *builder) {
	x := &bureau{b: b}
	x.says("credential/001", "A credential that both have signed, which is active and fits, passes.", "VERIFIED", ids("TSD-CRD-VER-01", "TSD-CRD-VER-03", "TSD-CRD-ASC-02", "TSD-CRD-ASC-03"), nil)
	x.says("credential/002", "A credential on the issuer's word passes.", "VERIFIED", ids("TSD-CRD-ASC-02", "TSD-CRD-ASC-05"), nil, attested)
	x.says("credential/003", "No query authorization is asked for at the first level.", "VERIFIED", ids("TSD-CRD-VER-02"), nil)
	x.says("credential/004", "A request may carry the credential whole.", "VERIFIED", ids("TSD-CRD-VER-09"), nil, func(h *house) { h.request["credential"] = h.signedCredential() })
	x.says("credential/005", "No signature covers a predecessor.", "VERIFIED", ids("TSD-CRD-ASC-03"), nil, behind("credential", "previousCredentialRef", "credential-0"))
	x.says("credential/008", "The issuer's signature does not cover where the state is to be asked for, which changes nothing: it is not asked for there.", "VERIFIED", ids("TSD-CRD-ASC-03"), nil,
		attested, behind("credential", "statusQuery.uri", "https://evil.example/status"))
	x.says("credential/009", "The subject's signature covers where the state is to be asked for.", "ASSOCIATION_PROOF_INVALID", ids("TSD-CRD-ASC-03"), nil,
		behind("credential", "statusQuery.uri", "https://evil.example/status"))
	x.says("credential/006", "A message of five minutes ago is read.", "VERIFIED", ids("TSD-CRD-VER-05"), nil, requests("requestedAt", utc(now.Add(-5*time.Minute))))
	x.says("credential/007", "The order of members and white space mean nothing.", "VERIFIED", ids("TSD-CRD-ASC-03"), nil, func(h *house) {
		h.raw["credential"] = " " + strings.ReplaceAll(b.textOf("credential", h.signedCredential()), `,"`, ` , "`)
	})
	creditRequest(x)
	creditCredential(x)
	creditState(x)
	creditLevel(x)
	creditAuthorization(x)
	creditAssertions(x)
}

// creditRequest: form, time, proof and replay (TSD-CRD-VER-05, -09).
func creditRequest(x *bureau) {
	form := func(id, title string, changes ...func(*house)) {
		x.says("request/"+id, title, "INVALID_REQUEST", ids("TSD-CRD-VER-01", "TSD-CRD-VER-09"), nil, changes...)
	}
	for i, name := range []string{"requestId", "messageVersion", "relyingPartyId", "agentId", "verificationLevel", "purpose", "businessContext", "requestedDataItems", "credential", "requestedAt", "antiReplay"} {
		form("0"+digits2(i+1), "A request without "+name+" is none.", requests(name, nil))
	}
	form("012", "A request has a proof.", behind("request", "requestProof", nil))
	form("013", "A request is closed.", requests("note", "x"))
	form("014", "Another version is not read.", requests("messageVersion", "reference-v2"))
	form("015", "A level is one of two.", requests("verificationLevel", "FULL"))
	form("016", "A nonce has sixteen characters or more.", requests("antiReplay", obj{"nonce": "short"}))
	form("017", "A mapped value is not asked for without its rule.", atCredit, requests("requestedDataItems", list{"associatedCreditValue"}))
	form("018", "A request for credit names the assertion.", atCredit, requests("subjectCreditAssertionRef", nil))
	proof := func(id, title string, changes ...func(*house)) {
		x.says("request/"+id, title, "REQUEST_PROOF_INVALID", ids("TSD-CRD-VER-01", "TSD-CRD-VER-05"), nil, changes...)
	}
	proof("030", "A request that was changed behind its proof.", behind("request", "purpose", "LOANS"))
	proof("031", "A proof by another than the relying party.", func(h *house) { h.requester = h.b.creditSigner(annDID) })
	proof("032", "A proof that names no key.", behind("request", "requestProof.keyId", nil))
	proof("033", "A proof by a key for another purpose: what it signs for that is never a request.", func(h *house) {
		h.requester = h.b.signer(shopDID+"#credit", keys.Seller, keys.EdDSA)
		h.documents[shopDID] = documents(h.requester)[shopDID]
	})
	proof("034", "A platform that asks at the first level is authorized by nobody.", requests("platformDelegateId", platformDID), func(h *house) { h.requester = h.b.creditSigner(platformDID) })
	proof("035", "A proof whose unused bits are not zero has a second spelling.", func(h *house) {
		h.after["request"] = func(m obj) {
			proof := m["requestProof"].(obj)
			value := asText(proof["signatureValue"])
			proof["signatureValue"] = value[:len(value)-1] + nextUnused(value[len(value)-1])
		}
	})
	x.says("request/036", "A key that cannot be had leaves a request undecided.", "INCONCLUSIVE", ids("TSD-CRD-VER-08"), nil, func(h *house) { delete(h.documents, shopDID) })
	x.says("request/040", "A request of more than five minutes ago has expired.", "REQUEST_EXPIRED", ids("TSD-CRD-VER-05"), nil, requests("requestedAt", utc(now.Add(-5*time.Minute-time.Second))))
	x.says("request/041", "A request of more than a minute ahead is none of now.", "REQUEST_EXPIRED", ids("TSD-CRD-VER-05"), nil, requests("requestedAt", utc(now.Add(61*time.Second))))
	after := func(passed bool, changes ...func(*house)) func(*house) {
		return func(h *house) {
			h.earlier = append(h.earlier, func(e *house) {
				e.others["passed"] = passed
				for _, change := range changes {
					change(e)
				}
			})
		}
	}
	fresh := requests("antiReplay", obj{"nonce": "another nonce of a request"})
	replay := func(id, title string, changes ...func(*house)) {
		x.says("request/"+id, title, "REPLAY_DETECTED", ids("TSD-CRD-VER-05"), nil, changes...)
	}
	replay("050", "The same request again.", after(false))
	replay("051", "A nonce serves one request, whatever its id.", after(false, requests("requestId", "request-0")))
	replay("052", "An idempotency key is used up by itself.", requests("antiReplay", obj{"nonce": "a nonce of a request", "idempotencyKey": "key-0001"}),
		after(false, requests("antiReplay", obj{"nonce": "another nonce of a request", "idempotencyKey": "key-0001"}), requests("requestId", "request-0")))
	replay("053", "A request id belongs to its first content.", after(false, fresh, requests("purpose", "LOANS")))
	replay("054", "A request id ends with its pass.", after(true, fresh))
	x.says("request/055", "The same question with a fresh nonce is asked again until it passes.", "VERIFIED", ids("TSD-CRD-VER-05"), nil, after(false, fresh))
	x.says("request/056", "A nonce that another sender used is no replay.", "VERIFIED", ids("TSD-CRD-VER-05"), nil, after(false, requests("relyingPartyId", annDID), func(e *house) { e.requester = e.owner }))
	x.says("request/057", "A request whose proof fails uses up nothing of who it names.", "VERIFIED", ids("TSD-CRD-VER-05"), nil, after(false, behind("request", "requestProof.signatureValue", strings.Repeat("A", 86))))
}

// creditCredential: signatures and what fits (TSD-CRD-VER-01, steps 3 to 5).
func creditCredential(x *bureau) {
	says := func(id, title, reason, requirement string, changes ...func(*house)) {
		x.says("association/"+id, title, reason, ids("TSD-CRD-VER-01", requirement), nil, changes...)
	}
	const bad = "ASSOCIATION_PROOF_INVALID"
	says("001", "An agent that nobody has registered.", "AGENT_NOT_REGISTERED", "TSD-CRD-VER-03", func(h *house) { h.agents = list{} })
	says("002", "No credential of that id.", "ASSOCIATION_CREDENTIAL_NOT_FOUND", "TSD-CRD-VER-03", knows("credential", nil))
	says("003", "An application that has no credential yet.", "ASSOCIATION_CREDENTIAL_NOT_ACTIVE", "TSD-CRD-LCM-01", knows("credential", nil), knows("pending", true))
	says("004", "An issuer that is not trusted proves nothing.", bad, "TSD-CRD-VER-03", func(h *house) { h.issuerKeys = obj{} })
	says("005", "The issuer's signature is by another key.", bad, "TSD-CRD-ASC-03", func(h *house) { h.issuer = h.owner })
	for i, c := range []struct {
		name  string
		value any
	}{
		{"agentId", otherDID}, {"subjectId", bobDID}, {"associationRole", "OWNER"}, {"relationshipEvidenceRef", "urn:example:evidence:3"},
		{"subjectCreditAssertionRef", "urn:example:assertion:2"}, {"associatedCreditValue", obj{"ceiling": "900.00 CNY"}}, {"mappingPolicy.version", "1.1"},
		{"confirmationStatement", "I confirm."}, {"purpose", "LOANS"}, {"scope", list{shopDID}}, {"associationApplicationId", "application-2"},
		{"validFrom", utc(now.Add(-2 * time.Hour))}, {"expiresAt", utc(now.Add(900 * time.Hour))}, {"issuedAt", utc(now.Add(-2 * time.Hour))},
		{"associationApplicationAntiReplay.nonce", "another application's nonce"},
	} {
		says("1"+digits2(i), "The issuer's signature covers "+c.name+".", bad, "TSD-CRD-ASC-03", behind("credential", c.name, c.value))
		says("2"+digits2(i), "The subject's signature covers "+c.name+": an issuer that changes it and signs anew proves nothing.", bad, "TSD-CRD-ASC-06", behind("inner", c.name, c.value))
	}
	says("030", "The issuer's signature covers the subject's.", bad, "TSD-CRD-ASC-03", behind("credential", "subjectSignature", strings.Repeat("A", 86)))
	says("031", "A subject's key that is not the one that is resolved for it.", bad, "TSD-CRD-VER-01", func(h *house) {
		h.owner = h.b.signer(annDID+"#other", keys.Credit, keys.EdDSA)
		key := h.b.pemKey(h.owner)
		key["keyId"] = annDID + "#credit"
		h.credential["subjectPublicKey"] = key
	})
	says("032", "A key of another than the subject.", bad, "TSD-CRD-ASC-06", func(h *house) {
		h.owner = h.requester
		h.credential["subjectPublicKey"] = h.b.pemKey(h.owner)
	})
	says("033", "A subject's key that cannot be had leaves it undecided.", "INCONCLUSIVE", "TSD-CRD-VER-08", func(h *house) { delete(h.documents, annDID) })
	says("040", "A credential for another agent.", bad, "TSD-CRD-ASC-06", associates("agentId", otherDID))
	says("041", "A credential for another purpose.", bad, "TSD-CRD-VER-01", associates("purpose", "LOANS"))
	says("042", "A scope of another relying party.", bad, "TSD-CRD-VER-01", associates("scope", list{shop2DID, "transaction:purchase"}))
	says("043", "A scope of another kind of transaction.", bad, "TSD-CRD-VER-01", associates("scope", list{shopDID, "transaction:loan"}))
	says("044", "A scope of parties alone leaves the transaction open.", "VERIFIED", "TSD-CRD-VER-01", associates("scope", list{shop2DID, shopDID}))
	says("045", "A scope of transactions alone leaves the party open.", "VERIFIED", "TSD-CRD-VER-01", associates("scope", list{"transaction:loan", "transaction:purchase"}))
	says("046", "A request names another assertion of the subject.", bad, "TSD-CRD-MAP-02", requests("subjectCreditAssertionRef", "urn:example:assertion:2"))
	says("047", "A confirmation that is weaker than the business demands is looked at by people.", "REVIEW_REQUIRED", "TSD-CRD-VER-08", attested, knows("demands", "DIRECT_SIGNATURE"))
	says("048", "A confirmation as strong as the business demands.", "VERIFIED", "TSD-CRD-VER-08", knows("demands", "DIRECT_SIGNATURE"))
}

// creditState: step six, and what no state of an association passes
// (TSD-CRD-LCM).
func creditState(x *bureau) {
	says := func(id, title, reason, requirement string, changes ...func(*house)) {
		x.says("state/"+id, title, reason, ids("TSD-CRD-VER-01", requirement), nil, changes...)
	}
	const inactive = "ASSOCIATION_CREDENTIAL_NOT_ACTIVE"
	suspended := func(reason string) func(*house) {
		return func(h *house) { h.status["status"], h.status["reasonCode"] = "SUSPENDED", reason }
	}
	says("001", "A suspended credential passes nothing.", inactive, "TSD-CRD-LCM-02", suspended("KEY_LEAKED"))
	says("002", "While its credit is looked at again people decide.", "REVIEW_REQUIRED", "TSD-CRD-VER-08", suspended("REASSESSMENT"))
	says("003", "A revoked credential passes nothing, though its signatures hold.", inactive, "TSD-CRD-LCM-05", standing("status", "REVOKED"))
	says("004", "A credential that was replaced is revoked.", inactive, "TSD-CRD-LCM-03", standing("status", "REVOKED"), standing("reasonCode", "REPLACED"))
	says("005", "An expired credential passes nothing.", inactive, "TSD-CRD-LCM-01", standing("status", "EXPIRED"))
	says("006", "A pending credential passes nothing.", inactive, "TSD-CRD-LCM-01", standing("status", "PENDING"))
	says("007", "A credential has expired at its end, whatever its state says.", inactive, "TSD-CRD-LCM-01", associates("expiresAt", utc(now)))
	says("008", "A credential that is not yet valid passes nothing.", inactive, "TSD-CRD-LCM-01", associates("validFrom", utc(now.Add(time.Second))))
	says("009", "A state that cannot be learned leaves it undecided.", "INCONCLUSIVE", "TSD-CRD-VER-08", knows("status", nil))
	says("010", "A state by another than the issuer is no answer.", "INCONCLUSIVE", "TSD-CRD-VER-08", func(h *house) { h.stateBy = h.requester })
	says("011", "A state of another credential is no answer.", "INCONCLUSIVE", "TSD-CRD-VER-08", standing("credentialId", "credential-2"))
	says("012", "A state that was changed behind its proof is no answer.", "INCONCLUSIVE", "TSD-CRD-LCM-06", standing("status", "SUSPENDED"), behind("status", "status", "ACTIVE"))
	says("013", "The state of a credential leaves its signatures valid.", "VERIFIED", "TSD-CRD-LCM-06", standing("statusVersion", 9), standing("reasonCode", "REASSESSED_UNCHANGED"))
}

// creditTold is what a pass at the second level discloses.
func creditTold() obj {
	return obj{
		"creditSource": "ASSOCIATED_CREDIT", "associatedCreditValue": obj{"level": "A-ASSOCIATED", "ceiling": "200.00 CNY"},
		"mappingPolicy": obj{"id": "grades", "version": "1.0"}, "subjectCreditAssertionValid": true,
	}
}

// creditLevel: what is told (TSD-CRD-VER-02, -04, -10).
func creditLevel(x *bureau) {
	all := creditTold()
	rule := ids("TSD-CRD-VER-02", "TSD-CRD-VER-04", "TSD-CRD-VER-07", "TSD-CRD-VER-10", "TSD-CRD-MAP-01", "TSD-CRD-MAP-02", "TSD-CRD-MAP-05")
	x.says("level/001", "With the subject's leave the mapped value is told, with its source and its rule.", "VERIFIED", rule, all, atCredit)
	items := func(names ...any) func(*house) { return requests("requestedDataItems", list(names)) }
	x.says("level/002", "What was not asked for is not told.", "VERIFIED", rule, obj{"subjectCreditAssertionValid": true}, atCredit, items("subjectCreditAssertionValid"))
	x.says("level/003", "A rule may be told without the value.", "VERIFIED", rule, obj{"mappingPolicy": all["mappingPolicy"]}, atCredit, items("mappingPolicy"))
	x.says("level/004", "A first level tells nothing of credit, whatever is asked for.", "VERIFIED", ids("TSD-CRD-VER-04"), nil, items("associatedCreditValue", "mappingPolicy"))
	x.says("level/005", "A failing credential tells nothing of credit.", "ASSOCIATION_CREDENTIAL_NOT_ACTIVE", ids("TSD-CRD-VER-02", "TSD-CRD-VER-04"), nil, atCredit, standing("status", "REVOKED"))
	x.says("level/006", "A platform asks by an authorization of its own.", "VERIFIED", ids("TSD-CRD-AUTH-02", "TSD-CRD-AUTH-05"), all, byPlatform)
	x.says("level/007", "An authorization without limits of keeping tells what it allows.", "VERIFIED", ids("TSD-CRD-AUTH-01"), all, atCredit, grants("resultUseRestrictions", obj{"mayStore": true, "retentionSeconds": 60, "mayTransfer": false}))
}

// creditAuthorization: the subject's leave (TSD-CRD-AUTH).
func creditAuthorization(x *bureau) {
	says := func(id, title, reason, requirement string, changes ...func(*house)) {
		x.says("authorization/"+id, title, reason, ids(requirement), nil, append([]func(*house){atCredit}, changes...)...)
	}
	const scope = "AUTHORIZATION_SCOPE_MISMATCH"
	says("001", "Without an authorization the subject has to be asked.", "AUTHORIZATION_REQUIRED", "TSD-CRD-AUTH-01", requests("authorizationId", nil))
	says("002", "An authorization that is not known is none.", "AUTHORIZATION_REQUIRED", "TSD-CRD-AUTH-01", requests("authorizationId", "authorization-2"))
	says("003", "An authorization that is not yet valid is none.", "AUTHORIZATION_REQUIRED", "TSD-CRD-AUTH-01", grants("validFrom", utc(now.Add(time.Second))))
	says("004", "An authorization that has expired yields nothing new.", "AUTHORIZATION_EXPIRED", "TSD-CRD-AUTH-03", grants("expiresAt", utc(now)))
	says("005", "An authorization that was revoked yields nothing new.", "AUTHORIZATION_REVOKED", "TSD-CRD-AUTH-03", grants("status", "REVOKED"))
	for i, c := range []struct {
		title, path string
		value       any
		requirement string
	}{
		{"An authorization of another subject.", "subjectId", bobDID, "TSD-CRD-AUTH-01"},
		{"An authorization for another relying party.", "relyingPartyIds", list{shop2DID}, "TSD-CRD-AUTH-01"},
		{"An authorization for another agent.", "agentIds", list{otherDID}, "TSD-CRD-AUTH-01"},
		{"An authorization for another purpose.", "purpose", "LOANS", "TSD-CRD-AUTH-06"},
		{"An authorization for fewer items.", "allowedDataItems", list{"mappingPolicy"}, "TSD-CRD-AUTH-01"},
		{"An authorization for another request.", "boundRequestId", "request-2", "TSD-CRD-AUTH-04"},
	} {
		says("01"+string(rune('0'+i)), c.title, scope, c.requirement, grants(c.path, c.value), func(h *house) {
			if c.path == "subjectId" {
				h.granter = h.b.creditSigner(bobDID)
				h.documents[bobDID] = documents(h.granter)[bobDID]
			}
		})
	}
	says("016", "A one-time authorization serves once.", scope, "TSD-CRD-AUTH-04", knows("served", list{utc(now.Add(-time.Second))}))
	says("017", "A stranger who knows the id of a revoked authorization learns nothing of its state.", scope, "TSD-CRD-AUTH-01", grants("relyingPartyIds", list{shop2DID}), grants("status", "REVOKED"))
	platform := func(id, title, reason, requirement string, told obj, changes ...func(*house)) {
		x.says("authorization/"+id, title, reason, ids(requirement), told, append([]func(*house){byPlatform}, changes...)...)
	}
	served := func(seconds ...int) func(*house) {
		times := list{}
		for _, s := range seconds {
			times = append(times, utc(now.Add(-time.Duration(s)*time.Second)))
		}
		return knows("served", times)
	}
	platform("020", "As often as the limit says, and no more.", scope, "TSD-CRD-AUTH-02", nil, served(59, 30, 1))
	platform("021", "What was asked a whole window ago counts no more.", "VERIFIED", "TSD-CRD-AUTH-02", creditTold(), served(60, 30, 1))
	platform("022", "The window slides: no span of its length holds more.", scope, "TSD-CRD-AUTH-02", nil, served(61, 59, 58, 57))
	platform("023", "An authorization of a platform is not passed on to the relying party.", scope, "TSD-CRD-AUTH-05", nil, requests("platformDelegateId", nil), func(h *house) {
		h.requester = h.b.creditSigner(shopDID)
	})
	platform("024", "An authorization of a platform is not passed on to another.", scope, "TSD-CRD-AUTH-05", nil, requests("platformDelegateId", bureauDID), func(h *house) { h.requester = h.bureau })
	platform("025", "A platform that another signs for proves nothing.", "REQUEST_PROOF_INVALID", "TSD-CRD-AUTH-05", nil, func(h *house) { h.requester = h.b.creditSigner(shopDID) })
	platform("026", "A platform sends the business context with every query.", "INVALID_REQUEST", "TSD-CRD-AUTH-05", nil, requests("businessContext", obj{}))
}

// creditAssertions: what the credit service says (TSD-CRD-VER-07, -08).
func creditAssertions(x *bureau) {
	says := func(id, title, reason, requirement string, changes ...func(*house)) {
		x.says("assertion/"+id, title, reason, ids("TSD-CRD-VER-07", requirement), nil, append([]func(*house){atCredit}, changes...)...)
	}
	subject := func(path string, value any) func(*house) { return func(h *house) { set(h.subject, path, value) } }
	const bad = "CREDIT_ASSERTION_INVALID"
	says("001", "A credit service that does not answer leaves it undecided.", "CREDIT_ASSERTION_UNAVAILABLE", "TSD-CRD-VER-08", knows("subject_assertion", nil))
	says("002", "A subject's assertion by a credit service that is not trusted.", bad, "TSD-CRD-VER-07", func(h *house) { h.services = list{} })
	says("003", "A subject's assertion that was changed behind its proof.", bad, "TSD-CRD-VER-07", behind("subject", "creditPayload.grade", "AAA"))
	says("004", "A subject's assertion without a proof is never believed.", bad, "TSD-CRD-VER-07", behind("subject", "assertionProof", nil))
	says("005", "An assertion of another subject.", bad, "TSD-CRD-VER-07", subject("subjectId", bobDID))
	says("006", "A subject's assertion that has ended.", bad, "TSD-CRD-VER-07", subject("expiresAt", utc(now)))
	for i, s := range []string{"REVOKED", "CORRECTED", "REPLACED", "INVALIDATED"} {
		says("01"+string(rune('0'+i)), "A subject's assertion that was "+strings.ToLower(s)+" is not current.", bad, "TSD-CRD-LCM-04", knows("standing", s))
	}
	says("014", "Credit that is to be confirmed again is looked at by people.", "REVIEW_REQUIRED", "TSD-CRD-VER-08", knows("standing", "TO_BE_CONFIRMED"))
	says("015", "A mapping rule that is not known leaves it undecided.", "MAPPING_POLICY_UNSUPPORTED", "TSD-CRD-MAP-04", func(h *house) { h.policies = list{} })
	says("016", "Another version of a rule is another rule.", "MAPPING_POLICY_UNSUPPORTED", "TSD-CRD-MAP-04", func(h *house) { h.policies = list{obj{"id": "grades", "version": "1.1"}} })
	says("020", "An agent's assertion that cannot be had leaves it undecided.", "CREDIT_ASSERTION_UNAVAILABLE", "TSD-CRD-VER-08", knows("agent_assertion", nil))
	says("021", "An agent's assertion that was suspended is not used.", bad, "TSD-CRD-VER-07", asserts("status", "SUSPENDED"))
	says("022", "An agent's assertion that has ended is not used.", bad, "TSD-CRD-VER-07", asserts("expiresAt", utc(now)))
	says("023", "An agent's assertion that was changed behind its proof.", bad, "TSD-CRD-VER-07", behind("agent", "associatedCreditValue.ceiling", "900.00 CNY"))
	says("024", "An agent's assertion by another credit service than the subject's.", bad, "TSD-CRD-VER-07", asserts("creditServiceId", creditDID))
	says("025", "A mapped value that is not the credential's.", bad, "TSD-CRD-ASC-07", asserts("associatedCreditValue.ceiling", "900.00 CNY"))
	says("026", "A mapping rule that is not the credential's.", bad, "TSD-CRD-MAP-02", asserts("mappingPolicy.version", "1.1"))
	says("027", "An assertion for another agent.", bad, "TSD-CRD-ASC-07", asserts("agentId", otherDID))
	says("028", "An assertion for another credential.", bad, "TSD-CRD-ASC-07", asserts("associationCredentialRef", "credential-2"))
	says("029", "An assertion for another purpose.", bad, "TSD-CRD-ASC-07", asserts("purpose", "LOANS"))
}
