package recorder

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/actprotocol/act-go/internal/journal"
	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/trustlog"
)

// The kinds of frames in the journal of a FileStore: the kind, and a record, an
// anchor, or the JSON of a receipt.
const (
	frameRecord  = 'R'
	frameAnchor  = 'T'
	frameReceipt = 'P'
)

// storeSegment is the size of a segment of a FileStore.
const storeSegment = 32 << 20

// A FileStore is a RecordStore in a folder: append-only files with checksums,
// and an index in memory that is made when it is opened. One process uses it at
// a time. It is also a source of records for a verifier.
//
// To back it up copy the folder; a copy of a store in use lacks at most its
// end. A store that is damaged elsewhere cannot be opened.
type FileStore struct {
	j *journal.Journal

	write sync.Mutex // one writer at a time, so that looking and writing are one
	mu    sync.RWMutex
	byID  map[string]*indexed
	links map[string][]*indexed // by kind and value of a link
}

// indexed is where a record and its anchors are.
type indexed struct {
	id      string
	at      journal.Position
	digest  canon.Digest
	links   attestation.Links
	anchors []indexedAnchor
}

type indexedAnchor struct {
	channel, place string
	at             journal.Position
	receipt        journal.Position // zero until there is one
}

type receiptWire struct {
	RecordID string `json:"record_id"`
	Channel  string `json:"channel"`
	Place    string `json:"place"`
	Proof    string `json:"proof,omitzero"`
}

// OpenFileStore opens the store in a folder, and makes it when it is not there.
func OpenFileStore(dir string) (*FileStore, error) {
	s := &FileStore{byID: make(map[string]*indexed), links: make(map[string][]*indexed)}
	var err error
	s.j, err = journal.Open(journal.Config{Dir: dir, SegmentBytes: storeSegment}, s.replay)
	if err != nil {
		return nil, queueError(err)
	}
	return s, nil
}

// Torn is the number of bytes at the end that were cut off when it was opened.
func (s *FileStore) Torn() int64 { return s.j.Torn() }

// Close closes the files.
func (s *FileStore) Close() error { return s.j.Close() }

// replay takes over a frame when the store is opened.
func (s *FileStore) replay(at journal.Position, frame []byte) error {
	err := s.index(at, frame[0], frame[1:])
	if err != nil {
		return errors.Join(&journal.CorruptError{Segment: at.Segment, Offset: at.Offset}, err)
	}
	return nil
}

// index takes a frame into the index, whose rules it obeys.
func (s *FileStore) index(at journal.Position, kind byte, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch kind {
	case frameRecord:
		u, err := attestation.Parse(data)
		if err != nil {
			return err
		}
		x := &indexed{id: u.Record.ID, at: at, digest: canon.Sum(data), links: u.Record.Links}
		s.byID[x.id] = x
		for _, l := range linkKeys(x.links) {
			s.links[l] = append(s.links[l], x)
		}
		return nil
	case frameAnchor:
		u, err := attestation.ParseAnchor(data)
		if err != nil {
			return err
		}
		x := s.byID[u.Anchor.RecordID]
		if x == nil {
			return ErrNotFound
		}
		x.anchors = append(x.anchors, indexedAnchor{channel: u.Anchor.Channel, at: at})
		return nil
	case frameReceipt:
		var w receiptWire
		if err := canon.Decode(data, &w); err != nil {
			return err
		}
		a := s.byID[w.RecordID].anchor(w.Channel)
		if a == nil {
			return ErrNotFound
		}
		a.place, a.receipt = w.Place, at
		return nil
	}
	return protocol.New(protocol.CodeMalformed, "", "TSD-ATT-OFF-10", "a frame of another kind")
}

// anchor returns the anchor in a channel, or nil; x may be nil.
func (x *indexed) anchor(channel string) *indexedAnchor {
	if x == nil {
		return nil
	}
	i := slices.IndexFunc(x.anchors, func(a indexedAnchor) bool { return a.channel == channel })
	if i < 0 {
		return nil
	}
	return &x.anchors[i]
}

// linkKeys are the keys of s.links under which a record with these links is.
func linkKeys(l attestation.Links) []string {
	return linkKeysOf(Query{l.IntentID, l.MerchantOrderID, l.TradeNo})
}

func linkKeysOf(q Query) []string {
	var out []string
	for _, l := range [][2]string{{"i ", q.IntentID}, {"o ", q.MerchantOrderID}, {"t ", q.TradeNo}} {
		if l[1] != "" {
			out = append(out, l[0]+l[1])
		}
	}
	return out
}

// append writes a frame, waits for the disk and indexes it. It does not stop in
// between when a context ends, so that index and disk agree.
func (s *FileStore) append(kind byte, data []byte) error {
	commit, err := s.j.Append(append([]byte{kind}, data...), nil)
	if err != nil {
		return storeError("store", err)
	}
	at, err := commit.Wait(context.Background())
	if err != nil {
		return storeError("store", err)
	}
	return s.index(at, kind, data)
}

// Put implements RecordStore.
func (s *FileStore) Put(_ context.Context, record []byte) error {
	u, err := attestation.Parse(record)
	if err != nil {
		return err
	}
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.RLock()
	there := s.byID[u.Record.ID]
	s.mu.RUnlock()
	if there == nil {
		return s.append(frameRecord, record)
	}
	if there.digest != canon.Sum(record) {
		return conflict("record_id", "another record has this id")
	}
	return nil
}

// PutAnchor implements RecordStore.
func (s *FileStore) PutAnchor(ctx context.Context, token []byte) error {
	u, err := attestation.ParseAnchor(token)
	if err != nil {
		return err
	}
	s.write.Lock()
	defer s.write.Unlock()
	stored, err := s.Get(ctx, u.Anchor.RecordID)
	if err != nil {
		return err
	}
	if there, ok := stored.Anchor(u.Anchor.Channel); ok {
		if !bytes.Equal(there.Token, token) {
			return conflict("channel", "the record has another anchor in this channel")
		}
		return nil
	}
	record, err := attestation.Parse(stored.Record)
	if err != nil {
		return err
	}
	if err := u.Anchor.Matches(&record.Record); err != nil {
		return err
	}
	return s.append(frameAnchor, token)
}

// PutReceipt implements RecordStore.
func (s *FileStore) PutReceipt(_ context.Context, recordID, channel string, receipt Receipt) error {
	r := wire.Reader{Requirement: "TSD-ATT-OCA-04"}
	r.Text("place", receipt.Place)
	if len(receipt.Proof) > trustlog.MaxProof {
		r.Fail("", protocol.New(protocol.CodeTooLarge, "proof", "", "a proof has at most 24 KiB"))
	}
	if err := r.Err(); err != nil {
		return err
	}
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.RLock()
	a := s.byID[recordID].anchor(channel)
	s.mu.RUnlock()
	switch {
	case a == nil:
		return ErrNotFound
	case a.place == receipt.Place:
		return nil
	case a.place != "":
		return conflict("place", "the anchor has another place")
	}
	data, err := canon.Marshal(receiptWire{recordID, channel, receipt.Place, string(receipt.Proof)})
	if err != nil {
		return err
	}
	return s.append(frameReceipt, data)
}

func conflict(field, detail string) error {
	return protocol.New(protocol.CodeRequestConflict, field, "TSD-ATT-OFF-10", detail)
}

// Get implements RecordStore.
func (s *FileStore) Get(_ context.Context, recordID string) (*Stored, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	x := s.byID[recordID]
	if x == nil {
		return nil, ErrNotFound
	}
	return s.load(x)
}

// Record implements the RecordSource of package verifier.
func (s *FileStore) Record(ctx context.Context, recordID string) ([]byte, error) {
	stored, err := s.Get(ctx, recordID)
	if err != nil {
		return nil, err
	}
	return stored.Record, nil
}

// load reads a record and its anchors from the disk.
func (s *FileStore) load(x *indexed) (*Stored, error) {
	frame, err := s.j.Read(x.at)
	if err != nil {
		return nil, storeError("store", err)
	}
	out := &Stored{ID: x.id, Record: frame[1:]}
	for _, a := range x.anchors {
		token, err := s.j.Read(a.at)
		if err != nil {
			return nil, storeError("store", err)
		}
		receipt, err := s.receipt(&a)
		if err != nil {
			return nil, err
		}
		out.Anchors = append(out.Anchors, Anchoring{Channel: a.channel, Token: token[1:], Receipt: receipt})
	}
	return out, nil
}

// receipt reads the receipt of an anchor, if there is one.
func (s *FileStore) receipt(a *indexedAnchor) (Receipt, error) {
	if a.place == "" {
		return Receipt{}, nil
	}
	frame, err := s.j.Read(a.receipt)
	if err != nil {
		return Receipt{}, storeError("store", err)
	}
	var w receiptWire
	if err := canon.Decode(frame[1:], &w); err != nil {
		return Receipt{}, err
	}
	out := Receipt{Place: w.Place}
	if w.Proof != "" {
		out.Proof = []byte(w.Proof)
	}
	return out, nil
}

// Find implements RecordStore.
func (s *FileStore) Find(_ context.Context, q Query) ([]*Stored, error) {
	asked := linkKeysOf(q)
	if len(asked) == 0 {
		return nil, protocol.New(protocol.CodeFieldMissing, "query", "TSD-ATT-OFF-10", "at least one link")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	// The rarest link first: trades and orders have few records.
	slices.SortFunc(asked, func(a, b string) int {
		if d := len(s.links[a]) - len(s.links[b]); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	var out []*Stored
	for _, x := range s.links[asked[0]] {
		has := linkKeys(x.links)
		if slices.ContainsFunc(asked, func(k string) bool { return !slices.Contains(has, k) }) {
			continue
		}
		stored, err := s.load(x)
		if err != nil {
			return nil, err
		}
		out = append(out, stored)
	}
	return out, nil
}
