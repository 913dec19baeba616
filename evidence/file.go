package evidence

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/trustlog"
)

// Version is the version of evidence files that is written and read.
const Version = "1.0"

// Limits of a file.
const (
	MaxFile      = 8 << 20 // bytes
	MaxRecords   = 256
	MaxDocuments = 64
)

// fileLimits leave a record inside of a file the depth that it may have by
// itself.
var fileLimits = canon.Limits{MaxBytes: MaxFile, MaxDepth: canon.DefaultMaxDepth + 2}

type (
	fileWire struct {
		Version   string           `json:"evidence_version"`
		Collected string           `json:"collected_time"`
		Records   []jsontext.Value `json:"records"`
		Anchors   []anchorWire     `json:"anchors"`
		Documents []documentWire   `json:"documents"`
		Manifest  manifestWire     `json:"manifest"`
	}
	anchorWire struct {
		RecordID string `json:"record_id"`
		Channel  string `json:"channel"`
		Proof    string `json:"proof"`
	}
	documentWire struct {
		Fetched  string         `json:"fetched_time"`
		Document jsontext.Value `json:"document"`
	}
	manifestWire struct {
		Records   []entryWire `json:"records"`
		Anchors   []entryWire `json:"anchors"`
		Documents []entryWire `json:"documents"`
	}
	entryWire struct {
		ID      string  `json:"id"`
		Channel *string `json:"channel,omitzero"`
		Digest  string  `json:"digest"`
	}
)

// A File is an evidence file that has the right form. Nothing in it has been
// verified.
type File struct {
	Collected time.Time // when it was put together, by the collector's word

	records   []recordPart
	anchors   []anchorPart
	documents []documentPart
	manifest  manifestWire
}

type recordPart struct {
	id  string // empty when no id could be read
	raw []byte // as it stands in the file
	err error  // of attestation.Parse
	rec *attestation.Record
}

type anchorPart struct{ id, channel, proof string }

type documentPart struct {
	did     identity.DID
	fetched time.Time
	raw     []byte
	doc     *identity.Document // nil when it is not one
	err     error
}

// Open reads a file: its form, its limits, and that no part stands twice. A
// record or document inside that is not one is kept and reported by Verify, so
// that one damaged part does not hide the others. Nothing is verified.
func Open(data []byte) (*File, error) {
	var w fileWire
	if err := fileLimits.Decode(data, &w); err != nil {
		return nil, err
	}
	r := wire.Reader{Requirement: "TSD-ATT-OFF-10"}
	if r.Require("evidence_version", w.Version) && w.Version != Version {
		r.Invalid("evidence_version", "not a version that is read here")
	}
	f := &File{manifest: w.Manifest, Collected: utc(&r, "collected_time", w.Collected)}
	if len(w.Records) > MaxRecords || len(w.Anchors) > 2*MaxRecords || len(w.Documents) > MaxDocuments {
		r.Fail("", protocol.New(protocol.CodeTooLarge, "", "", "at most 256 records, 512 anchors and 64 documents"))
		return nil, r.Err()
	}
	if len(w.Records) == 0 {
		r.Fail("", protocol.New(protocol.CodeFieldMissing, "records", "", "at least one record"))
	}
	f.readRecords(&r, w.Records)
	f.readAnchors(&r, w.Anchors)
	f.readDocuments(&r, w.Documents)
	w.Manifest.check(&r)
	if err := r.Err(); err != nil {
		return nil, err
	}
	return f, nil
}

func utc(r *wire.Reader, field, s string) time.Time {
	if !r.Require(field, s) {
		return time.Time{}
	}
	t, err := canon.ParseUTC(s)
	r.Fail(field, err)
	return t
}

func at(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }

func (f *File) readRecords(r *wire.Reader, list []jsontext.Value) {
	for i, raw := range list {
		p := recordPart{raw: raw}
		u, err := attestation.Parse(raw)
		if err != nil {
			p.err = err
			var head struct {
				ID string `json:"record_id"`
			}
			if canon.DecodeOpen(raw, &head) == nil && canon.CheckID(head.ID) == nil {
				p.id = head.ID
			}
		} else {
			p.id, p.rec = u.Record.ID, &u.Record
		}
		if p.id != "" && slices.ContainsFunc(f.records, func(o recordPart) bool { return o.id == p.id }) {
			r.Invalid(at("records", i), "each record once")
		}
		f.records = append(f.records, p)
	}
}

func (f *File) readAnchors(r *wire.Reader, list []anchorWire) {
	for i, a := range list {
		r.ID(at("anchors", i)+".record_id", a.RecordID)
		if r.Require(at("anchors", i)+".channel", a.Channel) {
			r.Fail(at("anchors", i)+".channel", attestation.CheckChannel(a.Channel))
		}
		if len(a.Proof) > trustlog.MaxProof {
			r.Fail("", protocol.New(protocol.CodeTooLarge, at("anchors", i)+".proof", "", "at most 24 KiB"))
		}
		p := anchorPart{a.RecordID, a.Channel, a.Proof}
		if slices.ContainsFunc(f.anchors, func(o anchorPart) bool { return o.id == p.id && o.channel == p.channel }) {
			r.Invalid(at("anchors", i), "one proof for a record and channel")
		}
		f.anchors = append(f.anchors, p)
	}
}

func (f *File) readDocuments(r *wire.Reader, list []documentWire) {
	for i, d := range list {
		p := documentPart{raw: d.Document, fetched: utc(r, at("documents", i)+".fetched_time", d.Fetched)}
		var head struct {
			ID identity.DID `json:"id"`
		}
		if err := canon.DecodeOpen(d.Document, &head); err != nil || head.ID.IsZero() {
			r.Invalid(at("documents", i)+".document", "a DID document")
			continue
		}
		p.did = head.ID
		p.doc, p.err = identity.DecodeDocument(d.Document, head.ID)
		if slices.ContainsFunc(f.documents, func(o documentPart) bool { return o.did == p.did }) {
			r.Invalid(at("documents", i), "one document for a DID")
		}
		f.documents = append(f.documents, p)
	}
}

func (m manifestWire) check(r *wire.Reader) {
	for _, l := range []struct {
		name     string
		list     []entryWire
		most     int
		channels bool
	}{
		{"manifest.records", m.Records, MaxRecords, false},
		{"manifest.anchors", m.Anchors, 2 * MaxRecords, true},
		{"manifest.documents", m.Documents, MaxDocuments, false},
	} {
		if len(l.list) > l.most {
			r.Fail("", protocol.New(protocol.CodeTooLarge, l.name, "", ""))
			return
		}
		for i, e := range l.list {
			r.ID(at(l.name, i)+".id", e.ID)
			_, err := canon.ParseDigest(e.Digest)
			r.Fail(at(l.name, i)+".digest", err)
			if (e.Channel != nil) != l.channels {
				r.Invalid(at(l.name, i)+".channel", "for anchors, and for nothing else")
			}
			if slices.ContainsFunc(l.list[:i], func(o entryWire) bool { return o.key() == e.key() }) {
				r.Invalid(at(l.name, i), "each part once")
			}
		}
	}
}

// key is the name of a part. A space is in no id.
func (e entryWire) key() string {
	if e.Channel == nil {
		return e.ID
	}
	return e.ID + " " + *e.Channel
}

// parts lists what a file holds in the form of its manifest.
func (f *File) parts() manifestWire {
	var m manifestWire
	for _, p := range f.records {
		m.Records = append(m.Records, entryWire{ID: p.id, Digest: digestJSON(p.raw)})
	}
	for _, p := range f.anchors {
		m.Anchors = append(m.Anchors, entryWire{ID: p.id, Channel: &p.channel, Digest: string(canon.Sum([]byte(p.proof)))})
	}
	for _, p := range f.documents {
		m.Documents = append(m.Documents, entryWire{ID: p.did.String(), Digest: digestJSON(p.raw)})
	}
	return m
}

// digestJSON is the digest of the canonical form, which a file that was printed
// anew keeps. What has none was refused when the file was read.
func digestJSON(raw []byte) string {
	canonical, err := fileLimits.Canonicalize(raw)
	if err != nil {
		return ""
	}
	return string(canon.Sum(canonical))
}

// encode writes a file and checks that it can be read.
func (f *File) encode() ([]byte, error) {
	w := fileWire{Version: Version, Collected: wire.FormatTime(f.Collected), Manifest: f.parts(), Anchors: []anchorWire{}, Documents: []documentWire{}}
	for _, p := range f.records {
		w.Records = append(w.Records, p.raw)
	}
	for _, p := range f.anchors {
		w.Anchors = append(w.Anchors, anchorWire{p.id, p.channel, p.proof})
	}
	for _, p := range f.documents {
		w.Documents = append(w.Documents, documentWire{wire.FormatTime(p.fetched), p.raw})
	}
	data, err := canon.Marshal(w)
	if err != nil {
		return nil, err
	}
	if _, err := Open(data); err != nil {
		return nil, err
	}
	// A line for each part, so that people and their tools find their way.
	v := jsontext.Value(data)
	if err := v.Indent(jsontext.WithIndent(" ")); err != nil {
		return nil, protocol.Wrap(protocol.CodeMalformed, "", "TSD-ATT-OFF-10", "", err)
	}
	return append(bytes.TrimSpace(v), '\n'), nil
}

// document returns the document of a DID that the file carries, or nil.
func (f *File) document(did string) *documentPart {
	for i := range f.documents {
		if f.documents[i].did.String() == did {
			return &f.documents[i]
		}
	}
	return nil
}

// record returns a record of the file, or nil.
func (f *File) record(id string) *recordPart {
	for i := range f.records {
		if f.records[i].id == id {
			return &f.records[i]
		}
	}
	return nil
}

// chainDID is the identifier of the chain with the log of this origin, "" when
// it has none: SPEC.md 10.4 makes the origin of it.
func chainDID(origin, channel string) (chain, did string) {
	chain, ok := strings.CutSuffix(origin, "/"+channel)
	host, name, found := strings.Cut(chain, "/")
	if !ok || !found {
		return "", ""
	}
	id, err := identity.NewActDID(host, name)
	if err != nil {
		return chain, ""
	}
	return chain, id.String()
}

// chainName is the name of the chain with an identifier, "" when it can be none.
func chainName(did identity.DID) string {
	name, ok := strings.CutPrefix(did.String(), "did:act:")
	_, path, found := strings.Cut(name, "/")
	if !ok || !found {
		return ""
	}
	return did.Host() + "/" + path
}
