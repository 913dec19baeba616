package recorder

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/internal/journal"
	"github.com/actprotocol/act-go/protocol/attestation"
)

// queueModel is what a queue must hold.
type queueModel struct {
	dir  string
	q    *queue
	live map[string]*entry
	all  []string // in the order of acceptance
}

const modelDrafts, modelBytes, modelSegment = 12, 6000, 600

func (m *queueModel) open(t *rapid.T) {
	q, waiting, err := openQueue(m.dir, modelDrafts, modelBytes, modelSegment)
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, id := range m.all {
		if m.live[id] != nil {
			want = append(want, id)
		}
	}
	for _, e := range waiting {
		got = append(got, e.id)
		m.live[e.id] = e
	}
	if !slices.Equal(got, want) {
		t.Fatalf("waiting %v, want %v", got, want)
	}
	m.q = q
	m.q.ready = func(e *entry) { m.live[e.id] = e }
}

func (m *queueModel) put(t *rapid.T) {
	d := attestation.Draft{Type: attestation.FulfillmentCompleted, Body: []byte(`{"n":"` + rapid.StringMatching(`[a-z]{0,300}`).Draw(t, "n") + `"}`)}
	id := attestation.NewID("did:act:shop.test/shop")
	var bytes int64
	for _, e := range m.live {
		bytes += int64(len(e.data))
	}
	data, err := encodeDraft(id, time.Unix(0, 0), d)
	if err != nil {
		t.Fatal(err)
	}
	full := len(m.live) >= modelDrafts || bytes+int64(len(data)) > modelBytes
	commit, err := m.q.put(id, time.Unix(0, 0), d)
	if full {
		if !errors.Is(err, ErrFull) {
			t.Fatalf("full, and %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := commit.Wait(context.Background()); err != nil {
		t.Fatal(err)
	}
	m.all = append(m.all, id)
}

// Whatever is put, done, moved and opened again in any order, a queue holds what
// was accepted and is not done, in order, and its files stay within bounds.
func TestQueueModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "queue")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		m := &queueModel{dir: dir, live: make(map[string]*entry)}
		m.open(t)
		t.Repeat(map[string]func(*rapid.T){
			"put": m.put,
			"done": func(t *rapid.T) {
				ids := slices.Sorted(func(yield func(string) bool) {
					for id := range m.live {
						if !yield(id) {
							return
						}
					}
				})
				if len(ids) == 0 {
					t.Skip("nothing to do")
				}
				id := rapid.SampledFrom(ids).Draw(t, "id")
				m.q.done(m.live[id])
				delete(m.live, id)
				if err := m.q.tidy(context.Background()); err != nil {
					t.Fatal(err)
				}
			},
			"reopen": func(t *rapid.T) {
				if err := m.q.j.Close(); err != nil {
					t.Fatal(err)
				}
				m.open(t)
			},
			"": func(t *rapid.T) {
				if m.q.drafts != len(m.live) {
					t.Fatalf("%d drafts are counted, want %d", m.q.drafts, len(m.live))
				}
			},
		})
		if err := m.q.j.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// A draft that is never done does not keep the files growing.
func TestQueueMovesWhatIsStuck(t *testing.T) {
	dir := t.TempDir()
	q, _, err := openQueue(dir, 1000, 4000, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var last *entry
	q.ready = func(e *entry) { last = e }
	put := func() *entry {
		t.Helper()
		commit, err := q.put(attestation.NewID("did:act:shop.test/shop"), time.Unix(0, 0), attestation.Draft{Body: []byte(`{}`)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := commit.Wait(context.Background()); err != nil {
			t.Fatal(err)
		}
		return last
	}
	stuck := put()
	for range 300 {
		q.done(put())
		if err := q.tidy(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if size := q.j.Size(); size > 2*4000+6*1000 {
		t.Errorf("%d bytes for one draft", size)
	}
	if err := q.j.Close(); err != nil {
		t.Fatal(err)
	}
	q, waiting, err := openQueue(dir, 1000, 4000, 1000)
	if err != nil {
		t.Fatal(err)
	}
	defer q.j.Close()
	if len(waiting) != 1 || waiting[0].id != stuck.id {
		t.Errorf("%d drafts wait", len(waiting))
	}
	if stuck.segment == 1 {
		t.Error("it was never moved")
	}
}

func TestDraftForm(t *testing.T) {
	d := attestation.Draft{
		Type: attestation.CartConfirmed, EventTime: time.Date(2026, 4, 19, 8, 0, 0, 0, time.UTC),
		Links:        attestation.Links{IntentID: "i", DelegationID: "d", MerchantOrderID: "o", TradeNo: "t", Upstream: []string{"u1", "u2"}},
		Participants: []attestation.Participant{{ID: "did:act:a.test/a", Role: attestation.Merchant, Represents: "ps_1"}, {ID: "did:act:b.test/b", Role: attestation.PSP}},
		Body:         []byte(`{"a":"中文","b":[1,true]}`), Ext: []byte(`{"x":{}}`),
	}
	data, err := encodeDraft("did:act:a.test/a#rec-1", d.EventTime, d)
	if err != nil {
		t.Fatal(err)
	}
	w, err := decodeDraft(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d, w.draft()); diff != "" || w.RecordID != "did:act:a.test/a#rec-1" {
		t.Error(diff)
	}
}

// Whatever stands in a frame of the queue, reading it ends, and what it accepts
// it writes in the same way.
func FuzzQueueFrame(f *testing.F) {
	data, err := encodeDraft("did:act:a.test/a#rec-1", time.Unix(0, 0), attestation.Draft{Type: attestation.IntentCreated, Body: []byte(`{}`)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(makeFrame(frameDraft, 7, data))
	f.Add(makeFrame(frameDone, 7, nil))
	f.Add([]byte("A"))
	f.Fuzz(func(t *testing.T, frame []byte) {
		q := &queue{onDisk: make(map[uint64]*entry), counts: make(map[uint64]int)}
		if err := q.replay(journal.Position{Segment: 1, Offset: 16}, frame); err != nil {
			var corrupt *journal.CorruptError
			if !errors.As(err, &corrupt) {
				t.Fatalf("refused as %v", err)
			}
			return
		}
		for _, e := range q.onDisk {
			w, err := decodeDraft(e.data)
			if err != nil {
				t.Fatal(err)
			}
			again, err := encodeDraft(w.RecordID, w.Accepted, w.draft())
			if err != nil {
				t.Skip("a value that we do not write")
			}
			if back, err := decodeDraft(again); err != nil || !bytes.Equal(again, mustEncode(t, back)) {
				t.Fatalf("not the same: %v", err)
			}
		}
	})
}

func mustEncode(t *testing.T, w draftWire) []byte {
	t.Helper()
	data, err := encodeDraft(w.RecordID, w.Accepted, w.draft())
	if err != nil {
		t.Fatal(err)
	}
	return data
}
