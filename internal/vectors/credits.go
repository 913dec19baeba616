package vectors

import (
	"crypto/x509"
	"encoding/pem"
	"maps"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// The parties of the credit cases beside bank, agent and shop.
const (
	creditDID   = "did:act:credit.example/service"
	bureauDID   = "did:act:bureau.example/bureau"
	platformDID = "did:act:platform.example/platform"

	creditPurpose = "MERCHANT_RISK_REFERENCE"
)

// creditSigner is the key of a party for messages of credit.
func (b *builder) creditSigner(did string) *keys.Signer {
	return b.signer(did+"#credit", keys.Credit, keys.EdDSA)
}

// bare is an official bare signature over an object without some members.
func (b *builder) bare(s *keys.Signer, m obj, without ...string) string {
	covered := maps.Clone(m)
	for _, name := range without {
		delete(covered, name)
	}
	return canon.EncodeBase64(b.coreSign(s, string(b.value("credit", covered))))
}

// prove puts a proof into a message.
func (b *builder) prove(s *keys.Signer, m obj, member string) {
	m[member] = obj{"signatureAlgorithm": "Ed25519", "keyId": s.KeyID(), "signatureValue": b.bare(s, m, member)}
}

// A house is a verification of associated credit in the making (SPEC.md 11), with
// all that a verification service knows. Each message can be changed before and
// after it is signed.
type house struct {
	b *builder

	request, credential, status, authorization, subject, agent obj

	requester, owner, issuer, stateBy, granter, bureau *keys.Signer
	after                                              map[string]func(obj) // by name of the message
	raw                                                map[string]string    // instead of a message

	documents  obj
	issuerKeys obj
	agents     list
	services   list
	policies   list
	others     obj // more members of the input; nil takes one away
	earlier    []func(*house)
}

func (b *builder) house(changes ...func(*house)) *house {
	h := &house{
		b: b, requester: b.creditSigner(shopDID), owner: b.creditSigner(annDID), issuer: b.creditSigner(creditDID), bureau: b.creditSigner(bureauDID),
		after: map[string]func(obj){}, raw: map[string]string{}, agents: list{buyerDID}, services: list{bureauDID}, policies: list{obj{"id": "grades", "version": "1.0"}}, others: obj{},
	}
	h.stateBy, h.granter = h.issuer, h.owner
	h.documents = documents(h.requester, h.owner, h.issuer, h.bureau, b.creditSigner(platformDID))
	h.issuerKeys = obj{creditDID: jwk(h.issuer)}
	value := obj{"level": "A-ASSOCIATED", "ceiling": "200.00 CNY"}
	policy := obj{"id": "grades", "version": "1.0"}
	scope := list{shopDID, "transaction:purchase"}
	from, until := utc(now.Add(-time.Hour)), utc(now.Add(240*time.Hour))
	h.credential = obj{
		"credentialId": "credential-1", "credentialVersion": "reference-v1", "associationApplicationId": "application-1", "agentId": buyerDID, "subjectId": annDID,
		"associationRole": "OPERATOR", "issuerId": creditDID, "relationshipEvidenceRef": "urn:example:evidence:2", "confirmationMethod": "DIRECT_SIGNATURE",
		"subjectCreditAssertionRef": "urn:example:assertion:1", "associatedCreditValue": value, "creditSource": "ASSOCIATED_CREDIT", "mappingPolicy": policy,
		"confirmationStatement": "I confirm the role OPERATOR.", "purpose": creditPurpose, "scope": scope,
		"associationApplicationRequestedAt": from, "associationApplicationAntiReplay": obj{"nonce": "an application's nonce"},
		"subjectPublicKey": b.pemKey(h.owner), "issuedAt": from, "validFrom": from, "expiresAt": until,
		"statusQuery": obj{"uri": "/v1/association-credentials/credential-1/status", "method": "GET"},
	}
	h.status = obj{"credentialId": "credential-1", "status": "ACTIVE", "statusVersion": 2, "reasonCode": "ISSUED", "effectiveAt": from, "updatedAt": from}
	h.subject = obj{
		"assertionId": "subject-1", "assertionVersion": "1.0", "creditServiceId": bureauDID, "subjectId": annDID, "issuedAt": from, "validFrom": from, "expiresAt": until,
		"creditPayload": obj{"grade": "A", "limit": 50000},
	}
	h.agent = obj{
		"assertionId": "agent-1", "assertionVersion": "reference-v1", "creditServiceId": bureauDID, "agentId": buyerDID, "associationCredentialRef": "credential-1",
		"subjectCreditAssertionRef": "urn:example:assertion:1", "associatedCreditValue": maps.Clone(value), "creditSource": "ASSOCIATED_CREDIT", "mappingPolicy": maps.Clone(policy),
		"purpose": creditPurpose, "scope": scope, "issuedAt": from, "validFrom": from, "expiresAt": until, "status": "ACTIVE",
	}
	h.request = obj{
		"requestId": "request-1", "messageVersion": "reference-v1", "relyingPartyId": shopDID, "agentId": buyerDID, "verificationLevel": "CREDENTIAL", "purpose": creditPurpose,
		"businessContext": obj{"orderId": "o-1", "transactionType": "PURCHASE"}, "requestedDataItems": list{"credentialStatus"},
		"credential": obj{"credentialId": "credential-1"}, "requestedAt": utc(now), "antiReplay": obj{"nonce": "a nonce of a request"},
	}
	for _, change := range changes {
		change(h)
	}
	return h
}

// atCredit makes it a verification of the second level, by a one-time
// authorization.
func atCredit(h *house) {
	maps.Copy(h.request, obj{
		"verificationLevel": "ASSOCIATED_CREDIT", "subjectCreditAssertionRef": "urn:example:assertion:1", "authorizationId": "authorization-1",
		"requestedDataItems": list{"associatedCreditValue", "mappingPolicy", "subjectCreditAssertionValid"},
	})
	h.authorization = obj{
		"authorizationId": "authorization-1", "authorizationVersion": "reference-v1", "mode": "PER_REQUEST", "subjectId": annDID, "relyingPartyIds": list{shopDID},
		"agentIds": list{buyerDID}, "verificationLevel": "ASSOCIATED_CREDIT", "purpose": creditPurpose,
		"allowedDataItems": list{"associatedCreditValue", "mappingPolicy", "subjectCreditAssertionValid"},
		"validFrom":        utc(now.Add(-time.Minute)), "expiresAt": utc(now.Add(time.Hour)), "status": "ACTIVE", "boundRequestId": "request-1",
		"resultUseRestrictions": obj{"mayStore": false, "mayTransfer": false},
	}
}

// byPlatform makes the authorization one of a platform, which asks.
func byPlatform(h *house) {
	atCredit(h)
	h.request["platformDelegateId"] = platformDID
	h.requester = h.b.creditSigner(platformDID)
	set(h.authorization, "boundRequestId", nil)
	maps.Copy(h.authorization, obj{"mode": "PLATFORM_DELEGATED", "platformDelegateId": platformDID, "frequencyLimit": obj{"maxRequestsPerWindow": 3, "windowDurationSeconds": 60}})
}

// attested makes the confirmation the issuer's word.
func attested(h *house) {
	h.credential["confirmationMethod"] = "ATTESTED_CONFIRMATION"
	delete(h.credential, "subjectPublicKey")
}

func (b *builder) pemKey(s *keys.Signer) obj {
	der, err := x509.MarshalPKIXPublicKey(s.Public().Crypto())
	if err != nil {
		b.fail(s.KeyID(), "%w", err)
	}
	return obj{"keyId": s.KeyID(), "format": "pem-spki", "value": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))}
}

// text returns a message, after its last changes.
func (h *house) text(name string, m obj) string {
	if f := h.after[name]; f != nil {
		m = h.b.copy(name, m)
		f(m)
	}
	if text, ok := h.raw[name]; ok {
		return text
	}
	return h.b.textOf(name, m)
}

// signedCredential signs a credential twice, or once.
func (h *house) signedCredential() obj {
	c := maps.Clone(h.credential)
	if c["confirmationMethod"] == "DIRECT_SIGNATURE" {
		c["subjectSignature"], c["subjectSignatureAlgorithm"] = h.b.bare(h.owner, c, "subjectPublicKey", "previousCredentialRef"), "Ed25519"
	}
	if f := h.after["inner"]; f != nil {
		f(c)
	}
	c["issuerSignature"], c["issuerSignatureAlgorithm"] = h.b.bare(h.issuer, c, "statusQuery", "previousCredentialRef"), "Ed25519"
	return c
}

func (h *house) proved(s *keys.Signer, m obj, member string) obj {
	m = maps.Clone(m)
	h.b.prove(s, m, member)
	return m
}

func (h *house) requestText() string {
	return h.text("request", h.proved(h.requester, h.request, "requestProof"))
}

// input is that of credit.verify.
func (h *house) input() obj {
	in := obj{
		"request": h.requestText(), "documents": h.documents, "issuer_keys": h.issuerKeys, "agents": h.agents, "services": h.services, "policies": h.policies,
		"credential": h.text("credential", h.signedCredential()), "status": h.text("status", h.proved(h.stateBy, h.status, "statusProof")),
	}
	if h.authorization != nil {
		in["authorization"] = h.text("authorization", h.proved(h.granter, h.authorization, "authorizationProof"))
		in["subject_assertion"] = h.text("subject", h.proved(h.bureau, h.subject, "assertionProof"))
		in["agent_assertion"] = h.text("agent", h.proved(h.bureau, h.agent, "assertionProof"))
		in["standing"] = "CURRENT"
	}
	earlier := list{}
	for _, change := range h.earlier {
		x := h.b.house()
		x.request, x.requester = maps.Clone(h.request), h.requester
		change(x)
		earlier = append(earlier, obj{"request": x.requestText(), "passed": x.others["passed"] == true})
	}
	if len(earlier) > 0 {
		in["earlier"] = earlier
	}
	for name, value := range h.others {
		set(in, name, value)
	}
	return in
}

// results are those of the reasons (TSD-CRD-VER-03); all others fail.
var results = map[string]string{
	"VERIFIED": "PASS", "REVIEW_REQUIRED": "REVIEW_REQUIRED", "INCONCLUSIVE": "INCONCLUSIVE", "CREDIT_ASSERTION_UNAVAILABLE": "INCONCLUSIVE",
	"MAPPING_POLICY_UNSUPPORTED": "INCONCLUSIVE",
}

// A bureau makes cases of credit.verify.
type bureau struct{ b *builder }

// says adds a verification with its reason; told is what a pass at the second
// level discloses.
func (x *bureau) says(id, title, reason string, requirements []string, told obj, changes ...func(*house)) spec {
	result := results[reason]
	if result == "" {
		result = "FAIL"
	}
	output := obj{"result": result, "reason": reason, "completed_level": "CREDENTIAL", "disclosed": obj{}}
	if told != nil {
		output["completed_level"], output["disclosed"] = "ASSOCIATED_CREDIT", told
	}
	return x.b.valid(spec{id: "credit/" + id, title: title, requirements: requirements, operation: "credit.verify", input: x.b.house(changes...).input(), output: output})
}

// Changes of a house.

func requests(path string, value any) func(*house) {
	return func(h *house) { set(h.request, path, value) }
}

func associates(path string, value any) func(*house) {
	return func(h *house) { set(h.credential, path, value) }
}

func standing(path string, value any) func(*house) {
	return func(h *house) { set(h.status, path, value) }
}

func grants(path string, value any) func(*house) {
	return func(h *house) { set(h.authorization, path, value) }
}

func asserts(path string, value any) func(*house) {
	return func(h *house) { set(h.agent, path, value) }
}

func knows(name string, value any) func(*house) {
	return func(h *house) { h.others[name] = value }
}

// behind changes a message after it was signed.
func behind(name, path string, value any) func(*house) {
	return func(h *house) { h.after[name] = func(m obj) { set(m, path, value) } }
}

// creditCase makes invalid cases of one operation.
func (b *builder) creditCase(ok spec, id, title string, code protocol.Code, requirements []string, change func(in obj)) {
	b.invalid(ok, spec{id: "credit/" + id, title: title, code: code, requirements: requirements}, change)
}
