package vectors

import (
	"maps"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// The parties of the mandates' cases.
const (
	bankDID  = "did:act:bank.example/mandates" // issues mandates
	annDID   = "did:act:bank.example/ann"      // gives them
	bobDID   = "did:act:bank.example/bob"
	buyerDID = "did:act:agents.example/buyer" // holds them
	otherDID = "did:act:agents.example/other"
	pspDID   = "did:act:psp.example/pay" // they are for
	psp2DID  = "did:act:psp.example/other"
	shopDID  = "did:act:shop.example/coffee"
	shop2DID = "did:act:shop.example/tea"

	bankList  = "https://bank.example/status/1"
	bankIssue = bankDID + "#issue"

	walletURN = "urn:act:payment:wallet"
	grantID   = "urn:uuid:7b0c2f1e-0d1c-4b7a-9a55-1f1f6f1c1d11"
	intentID  = "urn:uuid:0f0e8bd0-6b1f-4f7e-8d7d-0c1f5f0f8a01"
)

// The times of a mandate: it is issued a minute before its window begins, and
// now is inside.
var (
	grantStart  = now.Add(-time.Hour)
	grantEnd    = now.Add(11 * time.Hour)
	grantIssued = grantStart.Add(-time.Minute)
)

// raw is JSON that stands in a token as it is written here.
func raw(text string) jsontext.Value { return jsontext.Value(text) }

// textOf writes JSON, with members in the order of their names. Numbers in raw
// keep their literals.
func (b *builder) textOf(id string, v any) string {
	data, err := json.Marshal(v, json.Deterministic(true), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		b.fail(id, "%w", err)
	}
	return string(data)
}

// set changes a member by its path, names with dots between them, and makes the
// objects on the way. A nil value takes the member away.
func set(o obj, path string, value any) {
	names := strings.Split(path, ".")
	for _, name := range names[:len(names)-1] {
		next, ok := o[name].(obj)
		if !ok {
			next = obj{}
			o[name] = next
		}
		o = next
	}
	if last := names[len(names)-1]; value == nil {
		delete(o, last)
	} else {
		o[last] = value
	}
}

// token signs a header and a payload, however wrong, and returns a compact JWS.
func (b *builder) token(s *keys.Signer, header, payload string) string {
	input := canon.EncodeBase64([]byte(header)) + "." + canon.EncodeBase64([]byte(payload))
	sig, err := s.Sign(s.Purpose(), []byte(input))
	if err != nil {
		b.fail(s.KeyID(), "%w", err)
	}
	return input + "." + canon.EncodeBase64(sig)
}

// headerOf is the header of a token by a signer.
func headerOf(s *keys.Signer, typ string) obj {
	return obj{"alg": string(s.Public().Algorithm()), "kid": s.KeyID(), "typ": typ}
}

// numericDate is a time as claims have it.
func numericDate(t time.Time) int64 { return t.Unix() }

// utc is a time as messages have it.
func utc(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// A grant is a mandate in the making, with everything that whoever verifies it
// has: a change of it is one defect, or one thing that is not one.
type grant struct {
	b *builder

	signer     *keys.Signer // who signs it
	listSigner *keys.Signer // who signs the status list
	holder     *keys.Signer

	header     obj
	headerText string // instead of header
	claims     obj
	payload    string              // instead of claims
	finish     func(string) string // changes the finished token

	documents, status, providers obj
	issuers                      list
	agent, audience              string
	presented                    obj
	show                         *presentation // of the form with selective disclosure
}

// A change makes another grant of one.
type change func(*grant)

// grant returns a good mandate with every constraint there is, changed.
func (b *builder) grant(alg keys.Algorithm, changes ...change) *grant {
	g := &grant{
		b:          b,
		signer:     b.signer(bankIssue, keys.IssueAuthorization, alg),
		listSigner: b.signer(bankDID+"#status", keys.Status, alg),
		holder:     b.signer(buyerDID+"#k1", keys.AgentRequest, alg),
		issuers:    list{obj{"issuer": bankDID, "delegator": annDID}},
		agent:      buyerDID, audience: pspDID,
	}
	g.header = headerOf(g.signer, keys.TypeMandate)
	g.claims = b.mandateClaims(g.holder)
	g.documents = documents(g.signer, g.listSigner)
	g.status = obj{bankList: b.statusList(g.listSigner, nil)}
	for _, c := range changes {
		c(g)
	}
	return g
}

// mandateClaims are those of a VC-JWT (SPEC.md 4.2).
func (b *builder) mandateClaims(holder *keys.Signer) obj {
	return obj{
		"iss": bankDID, "sub": buyerDID, "aud": pspDID, "jti": grantID,
		"iat": numericDate(grantIssued), "nbf": numericDate(grantStart), "exp": numericDate(grantEnd),
		"cnf":    obj{"jwk": jwk(holder)},
		"status": obj{"status_list": obj{"idx": 3, "uri": bankList}},
		"vc": obj{
			"type":              list{"VerifiableCredential", "ACTIntentAuthorization"},
			"credentialSubject": authorization(),
		},
	}
}

// authorization is the payload of a mandate that has every constraint.
func authorization() obj {
	return obj{
		"delegation_id": grantID, "intent_id": intentID, "delegator_identity": annDID, "agent_id": buyerDID,
		"delegation_mode": "SPECIFIED", "validity_start_time": utc(grantStart), "validity_end_time": utc(grantEnd),
		"max_total_amount": 200, "currency": "CNY", "allowed_payment_methods": list{walletURN, "urn:act:payment:card"},
		"user_confirmation_method": "FINGERPRINT", "user_confirmation_timestamp": utc(grantIssued),
		"source_isr_digest": string(canon.Sum([]byte("an intent"))),
		"ext": obj{
			"commerce": obj{
				"max_single_amount": 50, "min_single_amount": 1.5,
				"allowed_categories": list{"food", "books/travel"}, "forbidden_categories": list{"food/alcohol"},
				"allowed_merchants": list{shopDID, shop2DID}, "forbidden_merchants": list{"did:act:shop.example/bar"},
			},
			"agent_behavior": obj{
				"price_deviation_tolerance": 5, "price_deviation_action": "PAUSE_AND_NOTIFY",
				"on_payment_failure": "AUTO_RETRY", "max_retry_count": 2,
			},
			"fulfillment": obj{"delivery_time_requirement": utc(now.Add(2 * time.Hour)), "delivery_address": "1 Lake Road"},
		},
	}
}

// textOfPayload is the payload as it is signed.
func (g *grant) textOfPayload() string {
	if g.payload != "" {
		return g.payload
	}
	return g.b.textOf("payload", g.claims)
}

// sign returns the token, or the presentation.
func (g *grant) sign() string {
	header := g.headerText
	if header == "" {
		header = g.b.textOf("header", g.header)
	}
	var token string
	if g.show != nil {
		token = g.show.sign(g, header)
	} else {
		token = g.b.token(g.signer, header, g.textOfPayload())
	}
	if g.finish != nil {
		token = g.finish(token)
	}
	return token
}

// input is that of mandate.verify.
func (g *grant) input() obj {
	in := obj{
		"mandate": g.sign(), "agent": g.agent, "audience": g.audience,
		"documents": g.documents, "status": g.status, "issuers": g.issuers,
	}
	if g.providers != nil {
		in["status_providers"] = g.providers
	}
	if g.presented != nil {
		in["presented"] = g.presented
	}
	return in
}

// output is what mandate.verify says of a mandate, as far as it was shown.
// The amounts are those of authorization unless a case says otherwise.
func (g *grant) output(others obj) obj {
	out := obj{
		"issuer": bankDID, "delegation_id": grantID, "agent_id": buyerDID, "audience": pspDID, "delegator_identity": annDID,
		"delegation_mode": "SPECIFIED", "currency": "CNY", "max_total_amount": "200.00",
		"payload_digest": string(canon.Sum([]byte(g.signed()))),
	}
	for name, value := range others {
		if value == nil {
			delete(out, name)
		} else {
			out[name] = value
		}
	}
	return out
}

// signed is the payload of the token, byte by byte.
func (g *grant) signed() string {
	if g.show != nil {
		payload, _ := g.show.conceal(g)
		return payload
	}
	return g.textOfPayload()
}

// Changes of a grant.

func claim(path string, value any) change { return func(g *grant) { set(g.claims, path, value) } }

// subject changes a member of the payload of a VC-JWT.
func subject(path string, value any) change { return claim("vc.credentialSubject."+path, value) }

func head(name string, value any) change { return func(g *grant) { set(g.header, name, value) } }

// text changes the text of the payload; old must stand there once.
func text(old, new string) change {
	return func(g *grant) {
		payload := g.textOfPayload()
		if strings.Count(payload, old) != 1 {
			g.b.fail("text", "%q stands %d times in the payload", old, strings.Count(payload, old))
		}
		g.payload = strings.Replace(payload, old, new, 1)
	}
}

func finish(f func(string) string) change { return func(g *grant) { g.finish = f } }

// entryOf changes the entry of a key in the documents.
func entryOf(keyID string, path string, value any) change {
	return func(g *grant) {
		did, _, _ := strings.Cut(keyID, "#")
		doc, _ := g.documents[did].(obj)
		methods, _ := doc["verificationMethod"].(list)
		for _, m := range methods {
			if e := m.(obj); e["id"] == keyID {
				set(e, path, value)
				return
			}
		}
		g.b.fail(keyID, "no such key in the documents")
	}
}

// addEntry adds an entry to the document of a DID, and the document if need be.
func addEntry(did string, e obj) change {
	return func(g *grant) {
		doc, ok := g.documents[did].(obj)
		if !ok {
			doc = document(did)
			g.documents[did] = doc
		}
		doc["verificationMethod"] = append(doc["verificationMethod"].(list), e)
	}
}

// statusOf sets entries of the bank's status list.
func statusOf(entries map[int]byte, edits ...func(claims obj)) change {
	return func(g *grant) { g.status = obj{bankList: g.b.statusList(g.listSigner, entries, edits...)} }
}

// A family is a valid case and what is made of it.
type family struct {
	b    *builder
	alg  keys.Algorithm
	ok   spec
	base []change
}

// family adds the valid case of mandate.verify that the others differ from.
func (b *builder) family(id, title string, alg keys.Algorithm, requirements []string, output obj, base ...change) *family {
	g := b.grant(alg, base...)
	ok := spec{
		id: id, title: title, requirements: requirements, features: featuresOf(alg),
		operation: "mandate.verify", input: g.input(), output: g.output(output),
	}
	if g.presented != nil {
		ok.operation = "mandate.present_verify"
	}
	return &family{b: b, alg: alg, ok: b.valid(ok), base: base}
}

// featuresOf says what a testee needs beside the operation.
func featuresOf(alg keys.Algorithm) []string {
	if alg == keys.ES256 {
		return []string{"es256"}
	}
	return nil
}

// with adds another valid case.
func (f *family) with(id, title string, requirements []string, output obj, changes ...change) {
	g := f.b.grant(f.alg, append(append([]change{}, f.base...), changes...)...)
	f.b.valid(spec{
		id: id, title: title, requirements: requirements, features: f.ok.features,
		operation: f.ok.operation, input: g.input(), output: g.output(output),
	})
}

// at adds a valid case at another time.
func (f *family) at(id, title string, clock time.Time, requirements []string) {
	s := f.ok
	s.id, s.title, s.clock, s.requirements = id, title, clock, requirements
	f.b.valid(s)
}

// not adds a case with one defect.
func (f *family) not(id, title string, code protocol.Code, requirements []string, changes ...change) {
	g := f.b.grant(f.alg, append(append([]change{}, f.base...), changes...)...)
	f.b.invalid(f.ok, spec{id: id, title: title, code: code, requirements: requirements}, func(in obj) {
		clear(in)
		maps.Copy(in, g.input())
	})
}

// late adds a case whose defect is the time.
func (f *family) late(id, title string, code protocol.Code, clock time.Time, requirements []string) {
	f.b.invalid(f.ok, spec{id: id, title: title, code: code, clock: clock, requirements: requirements}, nil)
}

// ids is short for a list of requirements.
func ids(requirements ...string) []string { return requirements }
