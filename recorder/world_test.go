package recorder_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/recorder"
	"github.com/actprotocol/act-go/recorder/recordertest"
)

const (
	shopDID = "did:act:shop.test/shop"
	channel = "retail"
)

// A bench is a recorder of a shop's with everything around it.
type bench struct {
	t     testing.TB
	dir   string
	keys  map[keys.Purpose]*keys.Signer
	log   *recordertest.Log
	store *recorder.FileStore
	rec   *recorder.Recorder
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), keys: make(map[keys.Purpose]*keys.Signer)}
	for _, purpose := range []keys.Purpose{keys.Attestation, keys.Anchor} {
		b.keys[purpose] = acttest.NewParty(t, shopDID, purpose).Signer(purpose)
	}
	b.log = recordertest.NewLog("chain.test/log", acttest.NewParty(t, "did:act:chain.test/log", keys.Anchor).Signer(keys.Anchor), time.Now)
	t.Cleanup(b.close)
	return b
}

// open opens store and recorder, as a program does when it starts.
func (b *bench) open(change func(*recorder.Config)) {
	b.t.Helper()
	var err error
	if b.store, err = recorder.OpenFileStore(b.dir + "/store"); err != nil {
		b.t.Fatal(err)
	}
	c := b.config()
	if change != nil {
		change(&c)
	}
	if b.rec, err = recorder.New(c); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) config() recorder.Config {
	return recorder.Config{
		Dir: b.dir + "/queue", Store: b.store, Anchorer: b.log, Channel: channel,
		Signer: attestation.By(b.keys[keys.Attestation]), AnchorSigner: b.keys[keys.Anchor],
		RetryFrom: time.Millisecond, RetryTo: 4 * time.Millisecond,
	}
}

func (b *bench) close() {
	if b.rec != nil {
		if err := b.rec.Close(); err != nil {
			b.t.Error(err)
		}
	}
	if b.store != nil {
		if err := b.store.Close(); err != nil {
			b.t.Error(err)
		}
	}
	b.rec, b.store = nil, nil
}

func (b *bench) record(order string) string {
	b.t.Helper()
	id, err := b.rec.Record(context.Background(), delivery(b.t, order))
	if err != nil {
		b.t.Fatal(err)
	}
	return id
}

func (b *bench) flush() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := b.rec.Flush(ctx); err != nil {
		b.t.Fatalf("%v: %+v", err, b.rec.Status())
	}
}

// wantAnchored checks that there is one record for each order, and its anchor.
func (b *bench) wantAnchored(ids ...string) {
	b.t.Helper()
	on := b.log.IDs(channel)
	for i, id := range ids {
		s, err := b.store.Get(context.Background(), id)
		if err != nil {
			b.t.Fatalf("record %d: %v", i, err)
		}
		a, _ := s.Anchor(channel)
		place, err := b.log.Trust().Verify(channel, a.Receipt.Proof)
		if err != nil || place.String() != a.Receipt.Place || place.Anchor.RecordID != id {
			b.t.Errorf("record %d: receipt %+v, %v", i, a.Receipt.Place, err)
		}
		if i >= len(on) || on[i] != id {
			b.t.Errorf("record %d is not at its place on the log", i)
		}
	}
	if len(on) != len(ids) {
		b.t.Errorf("%d anchors on the log, want %d", len(on), len(ids))
	}
}

func delivery(t testing.TB, order string) attestation.Draft {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	d, err := attestation.NewDraft(attestation.Delivery{DeliveredAt: now, ResultDigest: canon.Sum([]byte(order))}, now,
		attestation.Links{IntentID: "urn:uuid:550e8400-e29b-41d4-a716-446655440000", MerchantOrderID: order, TradeNo: "trade-" + order},
		attestation.Participant{ID: shopDID, Role: attestation.Merchant})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func wantCode(t testing.TB, err error, want protocol.Code) {
	t.Helper()
	if got := protocol.CodeOf(err); got != want {
		t.Errorf("got code %q (%v), want %q", got, err, want)
	}
}

func orders(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("order-%d", i)
	}
	return out
}
