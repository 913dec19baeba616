package recorder_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/recorder"
)

func TestRecordsAreSealedAndAnchoredInOrder(t *testing.T) {
	b := newBench(t)
	b.open(nil)
	var ids []string
	for _, order := range orders(20) {
		ids = append(ids, b.record(order))
	}
	b.flush()
	b.wantAnchored(ids...)
	if s := b.rec.Status(); s.Waiting != 0 || s.Bytes != 0 || len(s.Problems) != 0 || !s.Oldest.IsZero() {
		t.Errorf("nothing is left, and the status is %+v", s)
	}
	s, err := b.store.Get(context.Background(), ids[0])
	if err != nil {
		t.Fatal(err)
	}
	u, err := attestation.Parse(s.Record)
	if err != nil || u.CheckHash() != nil || u.VerifySignature(0, b.keys[keys.Attestation].Public().JWK()) != nil {
		t.Errorf("the record: %v", err)
	}
}

// TSD-ATT-OCA-05: a chain that does not answer stops neither Record nor
// sealing, and gets the anchors in order when it is back.
func TestChainIsDown(t *testing.T) {
	b := newBench(t)
	down := make(chan struct{})
	var mu sync.Mutex
	var told []recorder.Problem
	b.open(func(c *recorder.Config) {
		c.Anchorer = anchorer(func(ctx context.Context, token []byte) (recorder.Receipt, error) {
			select {
			case <-down:
				return b.log.Submit(ctx, token)
			default:
				return recorder.Receipt{}, errors.New("dial tcp: secret=hunter2")
			}
		})
		c.Report = func(p recorder.Problem) { mu.Lock(); told = append(told, p); mu.Unlock() }
	})
	var ids []string
	for _, order := range orders(5) {
		ids = append(ids, b.record(order))
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := b.store.Get(context.Background(), ids[4]); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("not sealed while the chain is down")
		}
	}
	s := b.rec.Status()
	if s.Waiting != 5 || s.Oldest.IsZero() || len(s.Problems) != 1 || s.Problems[0].RecordID != ids[0] || s.Problems[0].SetAside {
		t.Errorf("status %+v", s)
	}
	close(down)
	b.flush()
	b.wantAnchored(ids...)
	mu.Lock()
	defer mu.Unlock()
	if len(told) != 1 || told[0].Code != protocol.CodeServiceUnavailable || told[0].Step != recorder.StepAnchor {
		t.Errorf("told %+v", told)
	}
	for _, p := range told {
		if strings.Contains(p.String(), "hunter2") {
			t.Error("PRV-04 a problem shows what a chain wrote")
		}
	}
}

type anchorer func(context.Context, []byte) (recorder.Receipt, error)

func (a anchorer) Submit(ctx context.Context, token []byte) (recorder.Receipt, error) {
	return a(ctx, token)
}

func TestSetAside(t *testing.T) {
	b := newBench(t)
	b.open(nil)
	b.log.Fail(
		nil, protocol.New(protocol.CodeTooManyRequests, "", "", ""), nil, // the second is tried again
		protocol.New(protocol.CodeAccessDenied, "channel", "TSD-ATT-OCA-04", ""), // the third is not
	)
	first, second := b.record("order-1"), b.record("order-2")
	b.flush()
	stuck := b.record("order-3")
	fourth := b.record("order-4")
	b.flush()
	b.wantAnchored(first, second, fourth)
	s := b.rec.Status()
	if len(s.Problems) != 1 || s.Problems[0].RecordID != stuck || !s.Problems[0].SetAside || s.Problems[0].Code != protocol.CodeAccessDenied || s.Bytes == 0 {
		t.Errorf("status %+v", s)
	}
	if _, err := b.store.Get(context.Background(), stuck); err != nil {
		t.Errorf("what was set aside is a record all the same: %v", err)
	}
	b.close()
	b.open(nil) // the next run tries it again
	b.flush()
	b.wantAnchored(first, second, fourth, stuck)
}

func TestFull(t *testing.T) {
	b := newBench(t)
	blocked := anchorer(func(ctx context.Context, _ []byte) (recorder.Receipt, error) {
		<-ctx.Done()
		return recorder.Receipt{}, ctx.Err()
	})
	b.open(func(c *recorder.Config) { c.MaxDrafts, c.Anchorer = 3, blocked })
	for _, order := range orders(3) {
		b.record(order)
	}
	_, err := b.rec.Record(context.Background(), delivery(t, "one-too-many"))
	if !errors.Is(err, recorder.ErrFull) || !errors.Is(err, protocol.ErrUndetermined) {
		t.Errorf("a full queue: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	wantCode(t, b.rec.Flush(ctx), protocol.CodeOutcomeUnknown)
	start := time.Now()
	b.close()
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("closing took %v", d)
	}
	b.open(func(c *recorder.Config) { c.MaxDrafts = 3 })
	b.flush()
	if n := len(b.log.IDs(channel)); n != 3 {
		t.Errorf("%d anchors, want 3", n)
	}
	b.record("now-there-is-room")
	b.flush()
	b.close()
	b.open(func(c *recorder.Config) { c.MaxBytes = 100 })
	if _, err := b.rec.Record(context.Background(), delivery(t, "large")); !errors.Is(err, recorder.ErrFull) {
		t.Errorf("more bytes than the queue may hold: %v", err)
	}
}

func TestRefused(t *testing.T) {
	b := newBench(t)
	var told []recorder.Problem
	b.open(func(c *recorder.Config) { c.Report = func(p recorder.Problem) { told = append(told, p) } })
	for name, c := range map[string]struct {
		change func(*attestation.Draft)
		code   protocol.Code
	}{
		"TSD-ATT-OFF-07 a telephone number": {func(d *attestation.Draft) { d.Body = []byte(`{"note":"13800138000"}`) }, protocol.CodeFieldInvalid},
		"TSD-ATT-OCA-02 one in a link":      {func(d *attestation.Draft) { d.Links.TradeNo = "4111111111111111" }, protocol.CodeFieldInvalid},
		"TSD-ATT-OFF-03 no order":           {func(d *attestation.Draft) { d.Links.MerchantOrderID = "" }, protocol.CodeFieldMissing},
		"TSD-ATT-OFF-06 nobody of ours":     {func(d *attestation.Draft) { d.Participants[0].ID = "did:act:else.test/x" }, protocol.CodeClaimsConflict},
		"TSD-ATT-OFF-02 not yet":            {func(d *attestation.Draft) { d.EventTime = time.Now().Add(time.Hour) }, protocol.CodeFieldInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			d := delivery(t, "order-1")
			c.change(&d)
			id, err := b.rec.Record(context.Background(), d)
			wantCode(t, err, c.code)
			if id != "" {
				t.Error("an id for what was refused")
			}
			told = nil
			b.rec.Attest(d)
			if len(told) != 1 || told[0].Step != recorder.StepAccept || told[0].Code != c.code {
				t.Errorf("told %+v", told)
			}
		})
	}
	b.rec.Attest(delivery(t, "order-2"))
	id := b.record("order-3")
	b.flush()
	if ids := b.log.IDs(channel); len(ids) != 2 || ids[1] != id {
		t.Errorf("on the log: %v", ids)
	}
	b.close()
}

func TestClosed(t *testing.T) {
	b := newBench(t)
	b.open(nil)
	rec := b.rec
	b.close()
	_, err := rec.Record(context.Background(), delivery(t, "order-1"))
	wantCode(t, err, protocol.CodeServiceUnavailable)
	if err := rec.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	b.open(nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if id, err := b.rec.Record(ctx, delivery(t, "order-1")); err == nil {
		t.Log("the disk was faster than the context", id)
	} else {
		wantCode(t, err, protocol.CodeOutcomeUnknown)
	}
}

func TestNewRefuses(t *testing.T) {
	b := newBench(t)
	b.open(nil)
	good := b.config()
	for name, c := range map[string]struct {
		change func(*recorder.Config)
		code   protocol.Code
	}{
		"dir":      {func(c *recorder.Config) { c.Dir = "" }, protocol.CodeFieldMissing},
		"store":    {func(c *recorder.Config) { c.Store = nil }, protocol.CodeFieldMissing},
		"anchorer": {func(c *recorder.Config) { c.Anchorer = nil }, protocol.CodeFieldMissing},
		"signer":   {func(c *recorder.Config) { c.Signer = nil }, protocol.CodeFieldMissing},
		"anchor":   {func(c *recorder.Config) { c.AnchorSigner = nil }, protocol.CodeFieldMissing},
		"purpose":  {func(c *recorder.Config) { c.AnchorSigner = b.keys[keys.Attestation] }, protocol.CodeKeyPurpose},
		"another party": {func(c *recorder.Config) {
			c.AnchorSigner = acttest.NewParty(t, "did:act:else.test/x", keys.Anchor).Signer(keys.Anchor)
		}, protocol.CodeClaimsConflict},
		"channel": {func(c *recorder.Config) { c.Channel = "Not This" }, protocol.CodeFieldInvalid},
		"in use":  {func(*recorder.Config) {}, protocol.CodeServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			config := good
			c.change(&config)
			_, err := recorder.New(config)
			wantCode(t, err, c.code)
		})
	}
}

func TestQueueOfAnotherInitiator(t *testing.T) {
	b := newBench(t)
	b.log.Fail(protocol.New(protocol.CodeAccessDenied, "", "", ""))
	b.open(nil)
	b.record("order-1")
	b.flush()
	b.close()
	other := newBench(t)
	other.open(nil)
	c := other.config()
	c.Dir = b.dir + "/queue"
	c.Signer = attestation.By(acttest.NewParty(t, "did:act:else.test/x", keys.Attestation).Signer(keys.Attestation))
	c.AnchorSigner = acttest.NewParty(t, "did:act:else.test/x", keys.Anchor).Signer(keys.Anchor)
	_, err := recorder.New(c)
	wantCode(t, err, protocol.CodeClaimsConflict)
}

// Damage in the middle is told and nothing is opened; a torn end is cut off.
func TestDamagedQueue(t *testing.T) {
	b := newBench(t)
	b.open(func(c *recorder.Config) {
		c.Anchorer = anchorer(func(context.Context, []byte) (recorder.Receipt, error) {
			return recorder.Receipt{}, errors.New("down")
		})
	})
	for _, order := range orders(3) {
		b.record(order)
	}
	b.close()
	names, err := filepath.Glob(b.dir + "/queue/*.log")
	if err != nil || len(names) != 1 {
		t.Fatalf("%v, %v", names, err)
	}
	text, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	write := func(text []byte) {
		t.Helper()
		if err := os.WriteFile(names[0], text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	damaged := append([]byte(nil), text...)
	damaged[60] ^= 1
	write(damaged)
	b.open2(t, protocol.CodeMalformed)
	write(append(append([]byte(nil), text...), 40, 0, 0, 0, 'x'))
	b.open(nil)
	if b.rec.Torn() != 5 {
		t.Errorf("%d bytes torn, want 5", b.rec.Torn())
	}
	b.flush()
	if n := len(b.log.IDs(channel)); n != 3 {
		t.Errorf("%d anchors, want 3", n)
	}
}

// open2 opens a recorder that cannot be opened.
func (b *bench) open2(t *testing.T, code protocol.Code) {
	t.Helper()
	store, err := recorder.OpenFileStore(b.dir + "/store")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	c := b.config()
	c.Store = store
	_, err = recorder.New(c)
	wantCode(t, err, code)
}
