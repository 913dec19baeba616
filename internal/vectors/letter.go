package vectors

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A letter is a signed message (SPEC.md 2.3) in the making. Its members may be
// anything: what is wrong with them is signed as well.
type letter struct {
	b       *builder
	kind    string
	signer  *keys.Signer
	members obj
	finish  func(string) string // changes the finished text

	documents obj // of all parties
	more      obj // further members of the input, and those that replace them
}

// An edit makes another letter of one.
type edit func(*letter)

// member changes a member before the message is signed, by its path; a nil value
// takes it away.
func member(path string, value any) edit { return func(l *letter) { set(l.members, path, value) } }

// given changes a member of the input beside the message.
func given(name string, value any) edit { return func(l *letter) { l.more[name] = value } }

// spelled changes the text after it was signed.
func spelled(f func(string) string) edit { return func(l *letter) { l.finish = f } }

// declared has the document say another purpose of the signer's key.
func declared(purpose keys.Purpose) edit {
	return func(l *letter) {
		id := l.signer.KeyID()
		did := l.signer.DID()
		for _, m := range l.documents[did].(obj)["verificationMethod"].(list) {
			if e := m.(obj); e["id"] == id {
				e["actPurpose"] = string(purpose)
			}
		}
	}
}

// text signs the letter. signer_id, signature_type and the list of what is
// covered are made unless the members have them.
func (l *letter) text() string {
	m := maps.Clone(l.members)
	made := func(name string, value any) {
		if _, ok := m[name]; !ok {
			m[name] = value
		}
	}
	made("signer_id", l.signer.KeyID())
	made("signature_type", l.signer.Public().Algorithm().SignatureType())
	if _, ok := m["signature_covered_fields"]; !ok {
		m["signature_covered_fields"] = list{}
		covered := list{}
		for _, name := range slices.Sorted(maps.Keys(m)) { // all are ASCII
			covered = append(covered, name)
		}
		m["signature_covered_fields"] = covered
	}
	text := l.b.signedText(l.signer, l.kind, m)
	if l.finish != nil {
		text = l.finish(text)
	}
	return text
}

// A post makes cases about one kind of message.
type post struct {
	b         *builder
	group     string // of the ids
	operation string
	rule      []string // requirements, where a case names no others
	output    obj
	letter    func() *letter // a good one, anew
	ok        spec
}

// first makes the valid case that the others differ from.
func (p *post) first(title string) {
	l := p.letter()
	p.ok = p.b.valid(spec{id: p.group + "/001", title: title, requirements: p.rule, features: featuresOf(l.signer.Public().Algorithm()),
		operation: p.operation, input: p.input(l), output: p.output})
}

func (p *post) input(l *letter) obj {
	in := obj{"message": l.text(), "documents": l.documents}
	for name, value := range l.more {
		if value != nil {
			in[name] = value
		}
	}
	return in
}

func (p *post) make(edits []edit) obj {
	l := p.letter()
	for _, e := range edits {
		e(l)
	}
	return p.input(l)
}

// yes adds another valid case; a nil output is that of the first.
func (p *post) yes(id, title string, output obj, rule []string, edits ...edit) {
	if output == nil {
		output = p.output
	}
	if rule == nil {
		rule = p.rule
	}
	p.b.valid(spec{id: p.group + "/" + id, title: title, requirements: rule, operation: p.operation, input: p.make(edits), output: output})
}

// no adds a case with one defect.
func (p *post) no(id, title string, code protocol.Code, rule []string, edits ...edit) {
	p.b.invalid(p.ok, spec{id: p.group + "/" + id, title: title, code: code, requirements: rule}, func(in obj) {
		clear(in)
		maps.Copy(in, p.make(edits))
	})
}

// lacking adds a case for each member that must be there. Their ids count from
// start.
func (p *post) lacking(start int, names ...string) {
	for i, name := range names {
		p.no(three(start+i), "A message without "+name+" is refused.", protocol.CodeFieldMissing, nil, member(name, nil))
	}
}

// three is a number of three digits.
func three(n int) string {
	return string([]byte{byte('0' + n/100%10), byte('0' + n/10%10), byte('0' + n%10)})
}

// envelope adds what must hold of every message that somebody receives: signer,
// purpose, kind, recipient, time and nonce. who is the member that names the
// sender. The ids are from 080 on.
func (p *post) envelope(who string, wrong keys.Purpose) {
	p.no("080", "A key of another purpose signs no such message.", protocol.CodeKeyPurpose, nil, declared(wrong))
	p.no("081", "A message of another kind with the same members is another.", protocol.CodeSignatureInvalid, nil, func(l *letter) {
		if l.kind = keys.KindPaymentQuery; p.operation == "payment_query.verify" {
			l.kind = keys.KindInstrumentQuery
		}
	})
	p.no("082", "A message to somebody else is not answered.", protocol.CodeAudienceMismatch, nil, given("recipient", "did:act:else.example/where"))
	p.no("083", "A message is used once.", protocol.CodeReplayed, nil, given("received_before", 1))
	p.no("084", "A message of more than five minutes ago is too old.", protocol.CodeRequestExpired, nil, member("timestamp", utc(now.Add(-5*time.Minute-time.Second))))
	p.yes("085", "A message of five minutes ago is not too old.", nil, nil, member("timestamp", utc(now.Add(-5*time.Minute))))
	p.no("086", "A message of the future is refused.", protocol.CodeRequestExpired, nil, member("timestamp", utc(now.Add(61*time.Second))))
	p.yes("087", "A clock may be a minute ahead.", nil, nil, member("timestamp", utc(now.Add(time.Minute))))
	p.no("088", "A message is closed: an unknown member may be what the sender relies on.", protocol.CodeFieldUnknown, nil, member("note", "x"))
	p.no("089", "A nonce has 16 bytes.", protocol.CodeFieldInvalid, nil, member("nonce", "AAAA"))
	p.no("090", "A document that cannot be had leaves the signer unknown.", protocol.CodeKeyUnavailable, nil, func(l *letter) { delete(l.documents, l.signer.DID()) })
	p.no("091", "The key that signs lies under the sender.", protocol.CodeClaimsConflict, nil, member(who, "did:act:else.example/where"))
	p.no("092", "A member that was changed after signing is found.", protocol.CodeSignatureInvalid, nil, spelled(otherID))
	p.forms()
}

// answering adds what must hold of every message by which a provider answers.
// The ids are from 080 on.
func (p *post) answering() {
	p.no("080", "A key for status lists signs no answer.", protocol.CodeKeyPurpose, nil, declared(keys.Status))
	p.no("081", "A message of another kind with the same members is another.", protocol.CodeSignatureInvalid, nil, func(l *letter) { l.kind = keys.KindPaymentQuery })
	p.no("082", "Another provider does not answer for the one that was asked.", protocol.CodeIssuerUntrusted, nil, func(l *letter) {
		l.signer = p.b.signer(psp2DID+"#p1", keys.Proof, keys.EdDSA)
		l.documents[psp2DID] = document(psp2DID, entry(l.signer))
		l.members["psp_id"] = psp2DID
	})
	p.no("083", "A key of another party does not sign for the provider.", protocol.CodeClaimsConflict, nil, func(l *letter) {
		l.signer = p.b.signer(psp2DID+"#p1", keys.Proof, keys.EdDSA)
		l.documents[psp2DID] = document(psp2DID, entry(l.signer))
	})
	p.no("084", "An answer that was changed on the way is found.", protocol.CodeSignatureInvalid, nil, spelled(otherID))
	p.no("085", "An answer is closed as well.", protocol.CodeFieldUnknown, nil, member("note", "x"))
	p.forms()
}

// otherID changes an id in the text of a message.
func otherID(text string) string {
	for _, name := range []string{`"request_id":"`, `"trade_no":"`} {
		if strings.Contains(text, name) {
			return strings.Replace(text, name, name+"x", 1)
		}
	}
	return text
}
