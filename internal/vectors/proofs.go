package vectors

import (
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A dossier is an evidence file in the making (SPEC.md 10.6): a cart and its
// delivery, each with a proof.
type dossier struct {
	b         *builder
	accounts  []*account
	trunks    []func(*trunk) // one for each account
	noProof   int            // this account has none
	edit      func(file obj) // before the manifest is made
	finish    func(file obj) // behind it
	documents obj            // of the verifier
	chains    list
}

func (b *builder) dossier(changes ...func(*dossier)) *dossier {
	cart := b.account(keys.EdDSA, func(a *account) {
		at := eventTime.Add(-time.Minute)
		a.record["record_id"], a.record["event_type"] = shopDID+"#rec-cart", "act:commerce:cart-confirmed"
		a.record["event_time"], a.record["created_time"] = utc(at), utc(at)
		set(a.record, "privacy.salt", canon.EncodeBase64(bytesOf("salt of the cart", 32)))
	})
	delivery := b.account(keys.EdDSA, recorded("links.upstream", list{shopDID + "#rec-cart"}))
	s := b.signer("did:act:"+chainName+"#log", keys.Anchor, keys.EdDSA)
	d := &dossier{
		b: b, accounts: []*account{cart, delivery}, trunks: make([]func(*trunk), 2), noProof: -1, documents: delivery.documents,
		chains: list{obj{"chain": chainName, "keys": list{jwk(s)}, "witnesses": list{}, "quorum": 0}},
	}
	for _, change := range changes {
		change(d)
	}
	return d
}

// file is the evidence file as an object.
func (d *dossier) file() obj {
	records, anchors, documents := list{}, list{}, list{}
	for i, a := range d.accounts {
		records = append(records, object([]byte(a.textOfRecord())))
		if i == d.noProof {
			continue
		}
		t := d.b.trunk(func(t *trunk) {
			t.account, t.size, t.index = a, 5, i+1
			if d.trunks[i] != nil {
				d.trunks[i](t)
			}
		})
		anchors = append(anchors, obj{"record_id": a.record["record_id"], "channel": retail, "proof": t.text()})
	}
	for _, did := range []string{shopDID, buyerDID} {
		documents = append(documents, obj{"fetched_time": utc(now), "document": d.accounts[0].documents[did]})
	}
	file := obj{"evidence_version": "1.0", "collected_time": utc(now), "records": records, "anchors": anchors, "documents": documents}
	if d.edit != nil {
		d.edit(file)
	}
	manifest := obj{"records": list{}, "anchors": list{}, "documents": list{}}
	add := func(name string, entry obj) { manifest[name] = append(manifest[name].(list), entry) }
	for _, r := range file["records"].(list) {
		add("records", obj{"id": r.(obj)["record_id"], "digest": sha256Digest(string(d.b.value("record", r)))})
	}
	for _, a := range file["anchors"].(list) {
		x := a.(obj)
		add("anchors", obj{"id": x["record_id"], "channel": x["channel"], "digest": sha256Digest(asText(x["proof"]))})
	}
	for _, doc := range file["documents"].(list) {
		x := doc.(obj)["document"].(obj)
		add("documents", obj{"id": x["id"], "digest": sha256Digest(string(d.b.value("document", x)))})
	}
	file["manifest"] = manifest
	if d.finish != nil {
		file = d.b.copy("file", file)
		d.finish(file)
	}
	return file
}

func (d *dossier) input() obj {
	return obj{"file": d.b.textOf("file", d.file()), "documents": d.documents, "chains": d.chains}
}

// groupEvidence: evidence files, verified without a network (SPEC.md 10.6).
func groupEvidence(b *builder) {
	rule := ids("TSD-ATT-OFF-10", "TSD-ATT-SVF-01", "TSD-ATT-SVF-02")
	says := func(id, title, cart, delivery string, faulty bool, changes ...func(*dossier)) spec {
		d := b.dossier(changes...)
		records := list{}
		for i, conclusion := range []string{cart, delivery} {
			r := obj{"record_id": d.accounts[i].record["record_id"], "conclusion": conclusion}
			if conclusion == "" {
				delete(r, "conclusion")
			}
			records = append(records, r)
		}
		return b.valid(spec{id: "evidence/file/" + id, title: title, requirements: rule, operation: "evidence.verify", input: d.input(),
			output: obj{"verified": cart == "VERIFIED" && delivery == "VERIFIED" && !faulty, "records": records, "faulty": faulty}})
	}
	const good, away = "VERIFIED", "ANCHOR_QUERY_TIMEOUT"
	editing := func(f func(file obj)) func(*dossier) { return func(d *dossier) { d.edit = f } }
	behind := func(f func(file obj)) func(*dossier) { return func(d *dossier) { d.finish = f } }
	entry := func(file obj, name string, i int) obj { return file[name].(list)[i].(obj) }
	ok := says("001", "A purchase that each party recorded, and a chain anchored, is proved to who has the keys.", good, good, false)
	b.also(ok, spec{id: "evidence/file/002", title: "A file is verified ten years later by the same keys.", clock: now.AddDate(10, 0, 0)}, nil)
	says("003", "A proof that is not in the file says nothing of the record: the file is not the chain.", good, away, false, func(d *dossier) { d.noProof = 1 })
	says("004", "A proof that does not hold is none.", good, away, false, func(d *dossier) { d.trunks[1] = func(t *trunk) { t.claimed = 4 } })
	says("005", "A chain that nobody here trusts proves nothing.", away, away, false, func(d *dossier) { d.chains = list{} })
	says("006", "Keys that the file carries are the collector's word: without keys of its own a verifier believes nobody.", "PUBLIC_KEY_UNAVAILABLE", "PUBLIC_KEY_UNAVAILABLE", false,
		func(d *dossier) { d.documents = obj{} })
	says("007", "A record that was changed before the manifest was made is found by its hash.", good, "PAYLOAD_HASH_MISMATCH", false,
		editing(func(f obj) { set(entry(f, "records", 1), "event_body.delivered_at", utc(now)) }))
	says("008", "A record that was changed is found by its hash and by the manifest.", good, "PAYLOAD_HASH_MISMATCH", true,
		behind(func(f obj) { set(entry(f, "records", 1), "event_body.delivered_at", utc(now)) }))
	says("009", "A proof of another record than it stands for is none of this one.", good, away, false, func(d *dossier) {
		d.trunks[1] = func(t *trunk) { t.account, t.index = d.accounts[0], 1 }
	})
	says("010", "A part that the manifest does not have was put in later.", good, good, true, behind(func(f obj) {
		m := f["manifest"].(obj)
		m["documents"] = m["documents"].(list)[:1]
	}))
	says("011", "A part that the manifest has and the file has not was taken out.", good, good, true, behind(func(f obj) { f["documents"] = f["documents"].(list)[:1] }))
	says("012", "A proof of a record that is not there.", good, good, true, editing(func(f obj) {
		f["anchors"] = append(f["anchors"].(list), obj{"record_id": shopDID + "#rec-other", "channel": retail, "proof": "x"})
	}))
	says("013", "What is upstream is in the file.", good, good, true, func(d *dossier) {
		d.accounts[1] = b.account(keys.EdDSA, recorded("links.upstream", list{shopDID + "#rec-lost"}))
	})
	says("014", "A process has one intent.", good, good, true, func(d *dossier) {
		d.accounts[1] = b.account(keys.EdDSA, recorded("links.upstream", list{shopDID + "#rec-cart"}), recorded("links.intent_id", "urn:uuid:0f0e8bd0-6b1f-4f7e-8d7d-0c1f5f0f8a02"))
	})
	says("015", "A salt belongs to one record.", good, good, true, func(d *dossier) {
		d.accounts[1] = b.account(keys.EdDSA, recorded("links.upstream", list{shopDID + "#rec-cart"}), recorded("privacy.salt", canon.EncodeBase64(bytesOf("salt of the cart", 32))))
	})
	bad := func(id, title string, code protocol.Code, change func(*dossier)) {
		b.invalid(ok, spec{id: "evidence/refused/" + id, title: title, code: code}, func(in obj) {
			clear(in)
			maps.Copy(in, b.dossier(change).input())
		})
	}
	for i, name := range []string{"evidence_version", "collected_time", "records"} {
		bad("00"+strconv.Itoa(i+1), "A file without "+name+" is none.", protocol.CodeFieldMissing, behind(func(f obj) { delete(f, name) }))
	}
	bad("004", "A file is closed.", protocol.CodeFieldUnknown, behind(func(f obj) { f["note"] = "x" }))
	bad("005", "Another version is not read.", protocol.CodeFieldInvalid, behind(func(f obj) { f["evidence_version"] = "1.1" }))
	bad("006", "A record stands once.", protocol.CodeFieldInvalid, behind(func(f obj) { f["records"] = append(f["records"].(list), f["records"].(list)[0]) }))
	bad("007", "A record and a channel have one proof.", protocol.CodeFieldInvalid, behind(func(f obj) { f["anchors"] = append(f["anchors"].(list), f["anchors"].(list)[0]) }))
	bad("008", "A DID has one document.", protocol.CodeFieldInvalid, behind(func(f obj) { f["documents"] = append(f["documents"].(list), f["documents"].(list)[0]) }))
	bad("009", "A part stands in the manifest once.", protocol.CodeFieldInvalid, behind(func(f obj) {
		m := f["manifest"].(obj)
		m["records"] = append(m["records"].(list), m["records"].(list)[0])
	}))
	bad("010", "A time of collection has whole seconds.", protocol.CodeFieldInvalid, behind(func(f obj) { f["collected_time"] = strings.Replace(utc(now), "Z", ".5Z", 1) }))
}
