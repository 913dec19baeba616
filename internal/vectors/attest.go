package vectors

import (
	"crypto/sha256"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// What the records of the cases share.
const (
	deliveryID  = shopDID + "#rec-00112233445566778899aabbccddeeff"
	shopAttest  = shopDID + "#att"
	shopAnchor  = shopDID + "#anchor"
	buyerAttest = buyerDID + "#att"
	chainName   = "chain.example/log"
	retail      = "retail"
)

// The event happened a quarter of an hour ago, was recorded at once and anchored
// in the minute after.
var (
	eventTime  = now.Add(-15 * time.Minute)
	anchorTime = eventTime.Add(30 * time.Second)
	chainTime  = eventTime.Add(time.Minute)
)

// An account is a record in the making (SPEC.md 10.1), its anchor, and what its
// verifier has.
type account struct {
	b        *builder
	record   obj
	hashed   func(payload string, salt []byte) []byte // instead of SHA-256
	sealed   func(record obj)                         // changes the record between hash and signatures
	signers  []*keys.Signer
	signing  func(i int, sig obj, message string) string // changes what is signed
	finish   func(record obj)                            // changes the record behind the signatures
	text     func(string) string
	anchor   obj // claims that differ from the record's
	anchorer *keys.Signer
	header   obj // of the anchor
	token    func(string) string
	at       time.Time // by the chain
	channel  string    // where the chain has it
	noAnchor bool
	silent   bool
	asked    string // the id that was asked for

	documents obj
	upstream  list
	suiteKeys obj
	guomi     bool
}

// account is a good record of a delivery, by the shop, changed.
func (b *builder) account(alg keys.Algorithm, changes ...func(*account)) *account {
	shop := b.signer(shopAttest, keys.Attestation, alg)
	a := &account{
		b: b, signers: []*keys.Signer{shop}, anchorer: b.signer(shopAnchor, keys.Anchor, alg), anchor: obj{}, at: chainTime, channel: retail,
		record: obj{
			"record_version": "1.0", "record_id": deliveryID, "event_type": "act:commerce:fulfillment-completed",
			"event_time": utc(eventTime), "created_time": utc(eventTime),
			"links": obj{"intent_id": intentID, "delegation_id": grantID, "merchant_order_id": "order-1", "trade_no": "trade-1"},
			"participants": list{
				obj{"id": shopDID, "role": "MERCHANT"}, obj{"id": buyerDID, "role": "PAYER_AGENT", "represents": pseudonymous},
			},
			"privacy":    obj{"salt": canon.EncodeBase64(bytesOf("salt of the delivery", 32)), "hash_algorithm": "SHA-256"},
			"event_body": obj{"delivered_at": utc(eventTime), "result_digest": sha256Digest("coffee")},
		},
	}
	a.documents = documents(shop, a.anchorer, b.signer(buyerAttest, keys.Attestation, alg))
	a.header = headerOf(a.anchorer, keys.TypeAnchor)
	for _, change := range changes {
		change(a)
	}
	return a
}

// seal returns the record as an object.
func (a *account) seal() obj {
	r := a.b.copy("record", a.record)
	privacy, _ := r["privacy"].(obj)
	if privacy != nil && privacy["payload_hash"] == nil {
		salt, err := canon.DecodeBase64(asText(privacy["salt"]))
		if err != nil {
			salt = nil
		}
		payload := string(a.b.value("payload", obj{"event_body": r["event_body"], "participants": r["participants"]}))
		hash := a.hashed
		if hash == nil {
			hash = func(payload string, salt []byte) []byte {
				sum := sha256.Sum256(append([]byte(payload), salt...))
				return sum[:]
			}
		}
		privacy["payload_hash"] = canon.EncodeBase64(hash(payload, salt))
	}
	if a.sealed != nil {
		a.sealed(r)
	}
	names := slices.Sorted(maps.Keys(r))
	covered := list{}
	for _, name := range names {
		covered = append(covered, name)
	}
	bare := a.b.copy("record", r)
	signatures := list{}
	for i, s := range a.signers {
		signatures = append(signatures, a.sign(bare, covered, s, i))
	}
	r["signatures"] = signatures
	if a.finish != nil {
		a.finish(r)
	}
	return r
}

func asText(v any) string { s, _ := v.(string); return s }

// sign makes one signature of a record.
func (a *account) sign(bare obj, covered list, s *keys.Signer, i int) obj {
	sig := obj{"signer_id": s.KeyID(), "signature_type": s.Public().Algorithm().SignatureType(), "covered_fields": covered}
	whole := maps.Clone(sig)
	whole["record"] = bare
	message := "act-go/1 attestation-record\n" + string(a.b.value("record", whole))
	if a.signing != nil {
		message = a.signing(i, sig, message)
	}
	if sig["signature"] == nil {
		sig["signature"] = canon.EncodeBase64(a.b.coreSign(s, message))
	}
	return sig
}

// textOfRecord is the record as it is kept.
func (a *account) textOfRecord() string {
	text := string(a.b.value("record", a.seal()))
	if a.text != nil {
		text = a.text(text)
	}
	return text
}

// anchorClaims are those of the anchor of a record (SPEC.md 10.2).
func (a *account) anchorClaims() obj {
	r := a.seal()
	did, _, _ := strings.Cut(a.anchorer.KeyID(), "#")
	claims := obj{"iss": did, "iat": numericDate(anchorTime), "channel": retail}
	for _, name := range []string{"record_id", "record_version", "event_type", "event_time"} {
		claims[name] = r[name]
	}
	links, _ := r["links"].(obj)
	for _, name := range []string{"intent_id", "delegation_id", "merchant_order_id", "trade_no"} {
		if links[name] != nil {
			claims[name] = links[name]
		}
	}
	privacy, _ := r["privacy"].(obj)
	claims["payload_hash"], claims["hash_algorithm"] = privacy["payload_hash"], privacy["hash_algorithm"]
	for name, value := range a.anchor {
		set(claims, name, value)
	}
	return claims
}

func (a *account) anchorToken() string {
	token := a.b.token(a.anchorer, a.b.textOf("header", a.header), a.b.textOf("anchor", a.anchorClaims()))
	if a.token != nil {
		token = a.token(token)
	}
	return token
}

// anchored is the answer of the chain.
func (a *account) anchored() obj {
	return obj{"channel": a.channel, "record_id": a.record["record_id"], "token": a.anchorToken(), "place": chainName + "/" + a.channel + " 17", "at": utc(a.at)}
}

// input is that of attestation.record.verify.
func (a *account) input() obj {
	in := obj{"record": a.textOfRecord(), "channel": retail, "documents": a.documents, "anchors": list{}}
	if !a.noAnchor {
		in["anchors"] = list{a.anchored()}
	}
	if a.silent {
		in["chain_silent"] = true
	}
	if a.asked != "" {
		in["record_id"] = a.asked
	}
	if a.upstream != nil {
		records := list{}
		for _, u := range a.upstream {
			up := u.(*account)
			records = append(records, up.textOfRecord())
			in["anchors"] = append(in["anchors"].(list), up.anchored())
		}
		in["upstream"] = records
	}
	if a.guomi {
		in["suites"] = list{"guomi"}
	}
	if a.suiteKeys != nil {
		in["suite_keys"] = a.suiteKeys
	}
	return in
}

// An archive makes cases of attestation.record.verify.
type archive struct {
	b  *builder
	ok spec
}

// says adds a case that has a conclusion.
func (x *archive) says(id, title, conclusion, signer string, requirements []string, changes ...func(*account)) spec {
	output := obj{"conclusion": conclusion, "whole": conclusion == "VERIFIED"}
	if signer != "" {
		output["signer"] = signer
	}
	return x.b.valid(spec{id: "record/" + id, title: title, requirements: requirements, operation: "attestation.record.verify",
		input: x.b.account(keys.EdDSA, changes...).input(), output: output})
}

// no adds a case without a conclusion.
func (x *archive) no(id, title string, code protocol.Code, requirement string, changes ...func(*account)) {
	x.b.invalid(x.ok, spec{id: "record/" + id, title: title, code: code, requirements: ids(requirement, "TSD-ATT-SVF-02")}, func(in obj) {
		clear(in)
		maps.Copy(in, x.b.account(keys.EdDSA, changes...).input())
	})
}

// Changes of an account.

func recorded(path string, value any) func(*account) {
	return func(a *account) { set(a.record, path, value) }
}

func resealed(path string, value any) func(*account) {
	return func(a *account) { a.sealed = func(r obj) { set(r, path, value) } }
}

func tampered(path string, value any) func(*account) {
	return func(a *account) { a.finish = func(r obj) { set(r, path, value) } }
}

func anchoredAs(name string, value any) func(*account) {
	return func(a *account) {
		a.anchor[name] = value
	}
}

// keyEntry changes the entry of a key in the documents of the verifier.
func keyEntry(keyID, name string, value any) func(*account) {
	return func(a *account) {
		did, _, _ := strings.Cut(keyID, "#")
		for _, m := range a.documents[did].(obj)["verificationMethod"].(list) {
			if e := m.(obj); e["id"] == keyID {
				set(e, name, value)
				return
			}
		}
		a.b.fail(keyID, "no such key in the documents")
	}
}

// cosigned has the buyer sign too.
func cosigned(a *account) {
	a.signers = append(a.signers, a.b.signer(buyerAttest, keys.Attestation, a.signers[0].Public().Algorithm()))
}
