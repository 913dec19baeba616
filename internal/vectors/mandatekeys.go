package vectors

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"strings"
	"time"

	"github.com/multiformats/go-multibase"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// didKeyOf is the did:key of a name.
func didKeyOf(b *builder, name string) string {
	public := b.key(name, keys.EdDSA).Public().(ed25519.PublicKey)
	id, err := multibase.Encode(multibase.Base58BTC, append([]byte{0xed, 0x01}, public...))
	if err != nil {
		b.fail(name, "%w", err)
	}
	return "did:key:" + id
}

// keyNamed signs under a key id with the key of a name.
func keyNamed(b *builder, name, keyID string, purpose keys.Purpose) *keys.Signer {
	s, err := keys.NewSigner(keyID, purpose, b.key(name, keys.EdDSA))
	if err != nil {
		b.fail(name, "%w", err)
	}
	return s
}

// groupMandateKeys: purposes and periods of keys, and documents that give none
// (SPEC.md 2.4, 3.3).
func groupMandateKeys(b *builder) {
	f := b.family("mandate/key/001", "A key that the issuer's document declares for issuing authorizations verifies them.", keys.EdDSA, ids("ADD-IAC-ISS-12", "IDN-02"), nil)
	for i, purpose := range []keys.Purpose{keys.Status, keys.IssueIdentity, keys.AgentRequest, keys.Seller, keys.Proof, keys.SubAccount, keys.Attestation, keys.Anchor, keys.Credit} {
		f.not("mandate/key/01"+string(rune('0'+i)), "A key that is declared for "+string(purpose)+" issues no authorizations.", protocol.CodeKeyPurpose,
			ids("ADD-IAC-ISS-12"), entryOf(bankIssue, "actPurpose", string(purpose)))
	}
	f.not("mandate/key/020", "A kid that the issuer's document does not have names no key.", protocol.CodeKeyUnknown, ids("IDN-02"), head("kid", bankDID+"#other"))
	f.not("mandate/key/021", "An entry without a purpose gives no key, whatever the verification relationships say.", protocol.CodeKeyUnknown, ids("ADD-IAC-ISS-12", "IDN-02"),
		entryOf(bankIssue, "actPurpose", nil), func(g *grant) { set(g.documents[bankDID].(obj), "assertionMethod", list{bankIssue}) })
	f.not("mandate/key/022", "An entry for encryption gives no key that verifies.", protocol.CodeKeyUnknown, ids("ADD-IAC-ISS-12"), func(g *grant) {
		entryOf(bankIssue, "actPurpose", "encryption")(g)
		entryOf(bankIssue, "publicKeyJwk", encryptionEntry(b.decryption(bankIssue, ecdh.P256()))["publicKeyJwk"])(g)
	})
	f.with("mandate/key/023", "An entry that is not used may be wrong in every way.", ids("IDN-02"), nil,
		addEntry(bankDID, obj{"id": "#relative", "type": "Multikey", "publicKeyMultibase": "z6Mk"}))
	f.with("mandate/key/024", "Members of a document that are not known are ignored.", ids("IDN-02"), nil, func(g *grant) {
		doc := g.documents[bankDID].(obj)
		set(doc, "service", list{obj{"id": "#s", "type": "S", "serviceEndpoint": "https://bank.example"}})
		set(doc, "alsoKnownAs", list{"https://bank.example"})
	})
	keyPeriods(f)
	keyDocuments(b, f)
}

// keyPeriods: a key verifies what was signed in its time.
func keyPeriods(f *family) {
	period := func(from, until string) change {
		return func(g *grant) {
			if from != "" {
				entryOf(bankIssue, "actValidFrom", from)(g)
			}
			if until != "" {
				entryOf(bankIssue, "actValidUntil", until)(g)
			}
		}
	}
	before, issued, after := utc(grantIssued.Add(-time.Second)), utc(grantIssued), utc(grantIssued.Add(time.Second))
	f.with("mandate/key/030", "A key that was retired since verifies what it signed in its time.", ids("IDN-02"), nil, period("2026-01-01T00:00:00Z", after))
	f.with("mandate/key/031", "The period of a key begins with its first second.", ids("IDN-02"), nil, period(issued, ""))
	f.not("mandate/key/032", "The end of a key's period is not in it.", protocol.CodeKeyNotValid, ids("IDN-02"), period("", issued))
	f.not("mandate/key/033", "A key that was retired before verifies nothing that came after.", protocol.CodeKeyNotValid, ids("IDN-02"), period("", before))
	f.not("mandate/key/034", "A key that is not in use yet verifies nothing.", protocol.CodeKeyNotValid, ids("IDN-02"), period(after, ""))
	f.not("mandate/key/035", "A compromised key verifies nothing, whatever its period.", protocol.CodeKeyNotValid, ids("IDN-02"), entryOf(bankIssue, "actCompromised", true))
	f.with("mandate/key/036", "A key that is marked as not compromised is as any other.", ids("IDN-02"), nil, entryOf(bankIssue, "actCompromised", false))
	f.not("mandate/key/037", "A key that is compromised under one id is under every other.", protocol.CodeKeyNotValid, ids("IDN-02"), func(g *grant) {
		twin := entry(g.signer)
		set(twin, "id", bankDID+"#old")
		set(twin, "actCompromised", true)
		addEntry(bankDID, twin)(g)
	})
	f.with("mandate/key/038", "The period of a key may be written with an offset.", ids("IDN-02"), nil, period("2026-11-01T16:58:59+08:00", ""))
}

// keyDocuments: a document that cannot be had, or is not right, gives no key
// and decides nothing.
func keyDocuments(b *builder, f *family) {
	doc := func(id, title string, changes ...change) {
		f.not("mandate/document/"+id, title, protocol.CodeKeyUnavailable, ids("IDN-02"), changes...)
	}
	whole := func(path string, value any) change {
		return func(g *grant) { set(g.documents[bankDID].(obj), path, value) }
	}
	doc("001", "A document that cannot be fetched leaves the key unknown: that is undetermined, and not a refusal of the key.", func(g *grant) { delete(g.documents, bankDID) })
	doc("002", "A document of another identifier is not this one's.", whole("id", annDID))
	doc("003", "A document with an entry under another identifier is refused.", entryOf(bankDID+"#status", "id", annDID+"#status"))
	doc("004", "A document whose entry another controls is refused.", entryOf(bankDID+"#status", "controller", annDID))
	doc("005", "A document with a private key in it is refused, so that the leak is noticed.", entryOf(bankDID+"#status", "publicKeyJwk.d", canon.EncodeBase64(bytesOf("d", 32))))
	doc("006", "A purpose outside the closed list refuses the document.", entryOf(bankDID+"#status", "actPurpose", "everything"))
	doc("007", "One key for two purposes refuses the document.", func(g *grant) {
		second := entry(g.signer)
		set(second, "id", bankDID+"#again")
		set(second, "actPurpose", "issue-identity")
		addEntry(bankDID, second)(g)
	})
	doc("008", "One id for two keys refuses the document.", func(g *grant) {
		second := entry(b.signer(bankDID+"#issue2", keys.IssueAuthorization, keys.EdDSA))
		set(second, "id", bankIssue)
		addEntry(bankDID, second)(g)
	})
	doc("009", "A period that ends before it begins refuses the document.", entryOf(bankDID+"#status", "actValidFrom", "2026-02-01T00:00:00Z"), entryOf(bankDID+"#status", "actValidUntil", "2026-01-01T00:00:00Z"))
	doc("010", "A relative id refuses the document.", entryOf(bankDID+"#status", "id", "#status"))
	doc("011", "A type of entry that is not JsonWebKey refuses the document.", entryOf(bankDID+"#status", "type", "Ed25519VerificationKey2020"))
	doc("012", "A point of small order, for which anybody can sign, refuses the document.", entryOf(bankDID+"#status", "publicKeyJwk.x", canon.EncodeBase64(append([]byte{1}, make([]byte, 31)...))))
	doc("013", "More than 32 entries are refused.", func(g *grant) {
		for range 31 {
			addEntry(bankDID, obj{"id": "#unused"})(g)
		}
	})
	doc("014", "A document of more than 64 KiB is refused.", whole("alsoKnownAs", list{"https://bank.example/" + strings.Repeat("a", 64<<10)}))
	f.with("mandate/document/015", "Thirty-two entries are read.", ids("IDN-02"), nil, func(g *grant) {
		for range 30 {
			addEntry(bankDID, obj{"id": "#unused"})(g)
		}
	})
	doc("016", "A document is strict JSON: a member that stands twice refuses it.", func(g *grant) {
		g.documents[bankDID] = strings.Replace(b.textOf("document", g.documents[bankDID]), `"actPurpose":`, `"actPurpose":"seller","actPurpose":`, 1)
	})
	doc("017", "A null in a document refuses it.", whole("service", raw("null")))
	doc("019", "A period that is no time refuses the document.", entryOf(bankDID+"#status", "actValidUntil", "next year"))
	doc("020", "An entry of ours without a key refuses the document.", entryOf(bankDID+"#status", "publicKeyJwk", nil))
	doc("021", "A document without id is nobody's.", whole("id", nil))
	doc("018", "A key of a kind that is not read, for a purpose of ours, refuses the document.", entryOf(bankDID+"#status", "publicKeyJwk", obj{"kty": "EC", "crv": "secp256k1", "x": canon.EncodeBase64(bytesOf("x", 32)), "y": canon.EncodeBase64(bytesOf("y", 32))}))
}
