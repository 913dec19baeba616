package recordertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/recorder"
)

// RecordStore runs the contract of recorder.RecordStore. open returns a fresh,
// empty store; reopen, where a store is durable, closes it and opens it anew,
// and may be nil.
func RecordStore(t *testing.T, open func(t *testing.T) (store recorder.RecordStore, reopen func() recorder.RecordStore)) {
	t.Helper()
	for name, part := range map[string]func(*testing.T, *fixture){
		"TSD-ATT-OFF-02 a record is never rewritten": neverRewritten,
		"TSD-ATT-OFF-10 found by every link":         found,
		"TSD-ATT-OFF-10 there after a restart":       restarted,
		"TSD-ATT-OCA-04 one anchor and one place":    oneAnchor,
		"arguments":  arguments,
		"concurrent": concurrent,
	} {
		t.Run(name, func(t *testing.T) {
			store, reopen := open(t)
			part(t, newFixture(t, store, reopen))
		})
	}
}

const channel = "contract"

type fixture struct {
	store  recorder.RecordStore
	reopen func() recorder.RecordStore
	signer *keys.Signer
	anchor *keys.Signer
	now    time.Time
}

func newFixture(t *testing.T, store recorder.RecordStore, reopen func() recorder.RecordStore) *fixture {
	t.Helper()
	f := &fixture{store: store, reopen: reopen, now: time.Date(2026, 4, 19, 8, 0, 0, 0, time.UTC)}
	for purpose, s := range map[keys.Purpose]**keys.Signer{keys.Attestation: &f.signer, keys.Anchor: &f.anchor} {
		key, err := keys.Generate(keys.EdDSA)
		check(t, err)
		*s, err = keys.NewSigner("did:act:shop.test/shop#"+string(purpose), purpose, key)
		check(t, err)
	}
	return f
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, want protocol.Code) {
	t.Helper()
	if got := protocol.CodeOf(err); got != want {
		t.Errorf("got code %q (%v), want %q", got, err, want)
	}
}

// record seals a record of a delivery.
func (f *fixture) record(t *testing.T, id, intent, order, trade string) []byte {
	t.Helper()
	raw, err := attestation.Sealer{}.Seal(attestation.By(f.signer), id, attestation.Draft{
		Type: attestation.FulfillmentCompleted, EventTime: f.now,
		Links:        attestation.Links{IntentID: intent, MerchantOrderID: order, TradeNo: trade},
		Participants: []attestation.Participant{{ID: f.signer.DID(), Role: attestation.Merchant}},
		Body:         jsontext.Value(`{"delivered_at":"2026-04-19T08:00:00Z"}`),
	}, f.now)
	check(t, err)
	return raw
}

func (f *fixture) token(t *testing.T, raw []byte) []byte {
	t.Helper()
	u, err := attestation.Parse(raw)
	check(t, err)
	token, err := attestation.SignAnchor(f.anchor, &u.Record, channel, f.now)
	check(t, err)
	return token
}

func id(raw []byte) string {
	u, err := attestation.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Record.ID
}

func neverRewritten(t *testing.T, f *fixture) {
	ctx := context.Background()
	raw := f.record(t, "", "intent-1", "order-1", "trade-1")
	for range 3 {
		check(t, f.store.Put(ctx, raw))
	}
	wantCode(t, f.store.Put(ctx, f.record(t, id(raw), "intent-1", "order-1", "trade-1")), protocol.CodeRequestConflict)
	got, err := f.store.Get(ctx, id(raw))
	check(t, err)
	if !bytes.Equal(got.Record, raw) || got.ID != id(raw) || len(got.Anchors) != 0 {
		t.Error("not what was put")
	}
	got.Record[0] = 'x'
	again, err := f.store.Get(ctx, id(raw))
	check(t, err)
	if !bytes.Equal(again.Record, raw) {
		t.Error("a caller changed what is stored")
	}
}

func found(t *testing.T, f *fixture) {
	ctx := context.Background()
	var ids []string
	for _, l := range [][3]string{{"i-1", "o-1", "t-1"}, {"i-1", "o-1", "t-2"}, {"i-1", "o-2", "t-3"}, {"i-2", "o-1", "t-1"}} {
		raw := f.record(t, "", l[0], l[1], l[2])
		check(t, f.store.Put(ctx, raw))
		ids = append(ids, id(raw))
	}
	for _, c := range []struct {
		q    recorder.Query
		want []int
	}{
		{recorder.Query{IntentID: "i-1"}, []int{0, 1, 2}},
		{recorder.Query{MerchantOrderID: "o-1"}, []int{0, 1, 3}},
		{recorder.Query{TradeNo: "t-1"}, []int{0, 3}},
		{recorder.Query{IntentID: "i-1", MerchantOrderID: "o-1"}, []int{0, 1}},
		{recorder.Query{IntentID: "i-2", TradeNo: "t-1"}, []int{3}},
		{recorder.Query{IntentID: "o-1"}, nil},
		{recorder.Query{IntentID: "i-1", TradeNo: "t-9"}, nil},
	} {
		list, err := f.store.Find(ctx, c.q)
		check(t, err)
		var got []int
		for _, s := range list {
			got = append(got, slices.Index(ids, s.ID))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v: got %v, want %v", c.q, got, c.want)
		}
	}
	_, err := f.store.Find(ctx, recorder.Query{})
	wantCode(t, err, protocol.CodeFieldMissing)
}

func oneAnchor(t *testing.T, f *fixture) {
	ctx := context.Background()
	raw := f.record(t, "", "i", "o", "t")
	token := f.token(t, raw)
	if err := f.store.PutAnchor(ctx, token); !errors.Is(err, recorder.ErrNotFound) {
		t.Errorf("an anchor without its record: %v", err)
	}
	receipt := recorder.Receipt{Place: "chain.test/log/contract 7", Proof: []byte("proof\n— line\n")}
	if err := f.store.PutReceipt(ctx, id(raw), channel, receipt); !errors.Is(err, recorder.ErrNotFound) {
		t.Errorf("a receipt without its record: %v", err)
	}
	check(t, f.store.Put(ctx, raw))
	if err := f.store.PutReceipt(ctx, id(raw), channel, receipt); !errors.Is(err, recorder.ErrNotFound) {
		t.Errorf("a receipt without its anchor: %v", err)
	}
	check(t, f.store.PutAnchor(ctx, token))
	check(t, f.store.PutAnchor(ctx, token))
	f.now = f.now.Add(time.Second)
	wantCode(t, f.store.PutAnchor(ctx, f.token(t, raw)), protocol.CodeRequestConflict)
	wantCode(t, f.store.PutAnchor(ctx, f.token(t, f.record(t, id(raw), "i", "o", "t"))), protocol.CodeRequestConflict)
	other := f.record(t, "", "i", "o", "t")
	check(t, f.store.Put(ctx, other))
	wantCode(t, f.store.PutAnchor(ctx, f.token(t, f.record(t, id(other), "i", "o", "t"))), protocol.CodeClaimsConflict)
	check(t, f.store.PutReceipt(ctx, id(raw), channel, receipt))
	check(t, f.store.PutReceipt(ctx, id(raw), channel, recorder.Receipt{Place: receipt.Place, Proof: []byte("a later one")}))
	wantCode(t, f.store.PutReceipt(ctx, id(raw), channel, recorder.Receipt{Place: "chain.test/log/contract 8"}), protocol.CodeRequestConflict)
	f.wantAnchor(t, raw, token, receipt)
}

func (f *fixture) wantAnchor(t *testing.T, raw, token []byte, receipt recorder.Receipt) {
	t.Helper()
	got, err := f.store.Get(context.Background(), id(raw))
	check(t, err)
	a, ok := got.Anchor(channel)
	if !ok || len(got.Anchors) != 1 || !bytes.Equal(a.Token, token) || a.Receipt.Place != receipt.Place || !bytes.Equal(a.Receipt.Proof, receipt.Proof) {
		t.Errorf("not the anchor that was put first: %+v", got.Anchors)
	}
}

func restarted(t *testing.T, f *fixture) {
	ctx := context.Background()
	if f.reopen == nil {
		return // nothing is promised
	}
	raw, bare := f.record(t, "", "i", "o", "t"), f.record(t, "", "i", "o", "t2")
	token, receipt := f.token(t, raw), recorder.Receipt{Place: "chain.test/log/contract 0", Proof: []byte("p")}
	check(t, f.store.Put(ctx, raw))
	check(t, f.store.PutAnchor(ctx, token))
	check(t, f.store.PutReceipt(ctx, id(raw), channel, receipt))
	check(t, f.store.Put(ctx, bare))
	f.store = f.reopen()
	f.wantAnchor(t, raw, token, receipt)
	list, err := f.store.Find(ctx, recorder.Query{IntentID: "i"})
	check(t, err)
	if len(list) != 2 || !bytes.Equal(list[1].Record, bare) {
		t.Errorf("%d records after the restart", len(list))
	}
	wantCode(t, f.store.Put(ctx, f.record(t, id(bare), "i", "o", "t2")), protocol.CodeRequestConflict)
	check(t, f.store.PutAnchor(ctx, f.token(t, bare)))
}

func arguments(t *testing.T, f *fixture) {
	ctx := context.Background()
	if err := f.store.Put(ctx, []byte("{}")); protocol.CodeOf(err) == "" {
		t.Errorf("what is no record: %v", err)
	}
	if err := f.store.PutAnchor(ctx, []byte("a.b.c")); protocol.CodeOf(err) == "" {
		t.Errorf("what is no anchor: %v", err)
	}
	if _, err := f.store.Get(ctx, "did:act:shop.test/shop#rec-0"); !errors.Is(err, recorder.ErrNotFound) {
		t.Errorf("a record that is not there: %v", err)
	}
	raw := f.record(t, "", "i", "o", "t")
	check(t, f.store.Put(ctx, raw))
	check(t, f.store.PutAnchor(ctx, f.token(t, raw)))
	for _, place := range []string{"", "a\x1b[2Jb", string(make([]byte, 300))} {
		if err := f.store.PutReceipt(ctx, id(raw), channel, recorder.Receipt{Place: place}); protocol.CodeOf(err) == "" {
			t.Errorf("place %q: %v", place, err)
		}
	}
}

// concurrent puts one id with different bytes: exactly one wins, and stays.
func concurrent(t *testing.T, f *fixture) {
	ctx, same := context.Background(), attestation.NewID(f.signer.DID())
	var wg sync.WaitGroup
	var mu sync.Mutex
	var won [][]byte
	for i := range 8 {
		raw, other := f.record(t, same, "i", "o", "t"), f.record(t, "", "i", "o", fmt.Sprint("t-", i))
		wg.Go(func() {
			if err := f.store.Put(ctx, other); err != nil {
				t.Error(err)
			}
			if f.store.Put(ctx, raw) == nil {
				mu.Lock()
				won = append(won, raw)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	got, err := f.store.Get(ctx, same)
	check(t, err)
	if len(won) != 1 || !bytes.Equal(got.Record, won[0]) {
		t.Errorf("%d records won under one id", len(won))
	}
	list, err := f.store.Find(ctx, recorder.Query{IntentID: "i"})
	check(t, err)
	if len(list) != 9 {
		t.Errorf("%d records, want 9", len(list))
	}
}
