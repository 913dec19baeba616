package stage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/examples/trustchain/chain"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/recorder"
)

// An archive records what the parties of a world tell of, each by a recorder and
// in a store of its own.
//
// No message of a purchase carries the ids of records. What on a real street
// the parties ask each other afterwards, the archive knows: which record is of
// what led to an event, and of which intent a payment for a page was.
type archive struct {
	world    *World
	chain    *chain.Chain
	anchorer recorder.Anchorer

	mu      sync.Mutex
	changed *sync.Cond
	inbox   []told
	working bool // on one that is no longer in inbox
	release bool // do not wait for what led to an event
	closed  bool
	faults  []error

	parties map[string]*Party
	clerks  map[string]*clerk
	records map[string]string            // id of the record of an intent, a mandate, a choice under it, an order or a trade
	trades  map[string]attestation.Links // of their records
	expired map[string]bool              // mandates, true when that was told
	intents []string
}

// told is an event that is to be recorded.
type told struct {
	by   string // DID
	what attestation.Draft
	done chan error // has room for one
}

// A clerk records for one party.
type clerk struct {
	store    *recorder.FileStore
	recorder *recorder.Recorder
}

func newArchive(w *World, logs *chain.Chain) *archive {
	a := &archive{
		world: w, chain: logs, parties: map[string]*Party{}, clerks: map[string]*clerk{},
		records: map[string]string{}, trades: map[string]attestation.Links{}, expired: map[string]bool{},
	}
	a.changed = sync.NewCond(&a.mu)
	return a
}

// enrol makes a party known, whose keys are needed when something is told by it.
func (a *archive) enrol(p *Party) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.parties[p.ID()] = p
}

// tell never waits. The channel says what became of it.
func (a *archive) tell(by string, d attestation.Draft) <-chan error {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := told{by, d, make(chan error, 1)}
	a.inbox = append(a.inbox, t)
	a.changed.Broadcast()
	return t.done
}

// run records until close.
func (a *archive) run() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for !a.closed {
		i := slices.IndexFunc(a.inbox, a.ready)
		if i < 0 {
			a.changed.Wait()
			continue
		}
		t := a.inbox[i]
		a.inbox = slices.Delete(a.inbox, i, i+1)
		a.working = true
		a.mu.Unlock()
		err := a.record(t)
		t.done <- err
		a.mu.Lock()
		a.working = false
		if err != nil {
			a.faults = append(a.faults, fmt.Errorf("%s by %s: %w", t.what.Type, t.by, err))
		}
		a.changed.Broadcast()
	}
}

// ready reports whether it is the turn of what was told: a shop may deliver
// before the processor has reported the payment.
func (a *archive) ready(t told) bool {
	return a.release || t.what.Type != attestation.FulfillmentCompleted || a.records["trade "+t.what.Links.TradeNo] != ""
}

// record is called by run only.
func (a *archive) record(t told) error {
	c, err := a.clerk(t.by)
	if err != nil {
		return err
	}
	d := t.what
	a.mu.Lock()
	d.Links = a.linked(d.Type, d.Links)
	a.mu.Unlock()
	id, err := c.recorder.Record(context.Background(), d)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.Contains(a.intents, d.Links.IntentID) {
		a.intents = append(a.intents, d.Links.IntentID)
	}
	switch l := d.Links; d.Type {
	case attestation.IntentCreated:
		a.records["intent "+l.IntentID] = id
	case attestation.DelegationIssued:
		a.records["mandate "+l.DelegationID] = id
		a.expired[l.DelegationID] = false
	case attestation.DecisionLogged:
		a.records["choice "+l.DelegationID] = id
	case attestation.CartConfirmed:
		a.records["order "+l.MerchantOrderID] = id
	case attestation.TransactionCompleted:
		a.records["trade "+l.TradeNo], a.trades[l.TradeNo] = id, l
	}
	return nil
}

// linked completes the links of an event: by those of its trade, and by the
// record of what led to it, the nearest that is known.
func (a *archive) linked(event attestation.EventType, l attestation.Links) attestation.Links {
	if t := a.trades[l.TradeNo]; l.IntentID == "" {
		l.IntentID, l.DelegationID = t.IntentID, t.DelegationID
	}
	about := []string{"trade " + l.TradeNo, "order " + l.MerchantOrderID, "choice " + l.DelegationID, "mandate " + l.DelegationID, "intent " + l.IntentID}
	switch event {
	case attestation.IntentCreated:
		about = nil
	case attestation.DelegationIssued:
		about = about[4:]
	case attestation.CartConfirmed, attestation.TransactionCompleted, attestation.FulfillmentCompleted:
	default: // of a mandate
		about = about[3:]
	}
	for _, of := range about {
		if id := a.records[of]; id != "" {
			l.Upstream = []string{id}
			break
		}
	}
	return l
}

// clerk returns that of a party, whose first event may be this one.
func (a *archive) clerk(did string) (*clerk, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.clerks[did]; c != nil {
		return c, nil
	}
	p := a.parties[did]
	if p == nil {
		return nil, errors.New("a party without keys for evidence")
	}
	dir := filepath.Join(a.world.folder, "records-"+strconv.Itoa(len(a.clerks)))
	store, err := recorder.OpenFileStore(filepath.Join(dir, "store"))
	if err != nil {
		return nil, err
	}
	r, err := recorder.New(recorder.Config{
		Dir: filepath.Join(dir, "queue"), Store: store, Anchorer: a.anchorer, Channel: channel,
		Signer: attestation.By(p.Signer(keys.Attestation)), AnchorSigner: p.Signer(keys.Anchor), Now: a.world.Now,
	})
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	a.clerks[did] = &clerk{store, r}
	return a.clerks[did], nil
}

// settle waits until all that happened is recorded and anchored, and fails when
// something could not be.
func (a *archive) settle(ctx context.Context) error {
	reported := func() (bool, error) {
		events, err := a.world.Book.Unreported(ctx, book.Attestation, 1)
		return len(events) == 0, err
	}
	idle := func() (bool, error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.release = len(a.inbox) > 0
		a.changed.Broadcast()
		return len(a.inbox) == 0 && !a.working, nil
	}
	if err := errors.Join(until(ctx, reported), until(ctx, idle)); err != nil {
		return err
	}
	a.mu.Lock()
	errs, clerks := slices.Clone(a.faults), maps.Clone(a.clerks)
	a.mu.Unlock()
	for did, c := range clerks {
		errs = append(errs, c.recorder.Flush(ctx))
		for _, p := range c.recorder.Status().Problems {
			errs = append(errs, fmt.Errorf("%s: %s", did, p))
		}
	}
	return errors.Join(errs...)
}

// until waits for a condition.
func until(ctx context.Context, met func() (bool, error)) error {
	for {
		if ok, err := met(); ok || err != nil {
			return err
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// contents are all stores, and what to ask them for.
func (a *archive) contents() (stores []recorder.RecordStore, queries []recorder.Query) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.clerks {
		stores = append(stores, c.store)
	}
	for _, id := range a.intents {
		queries = append(queries, recorder.Query{IntentID: id})
	}
	return stores, queries
}

// unexpired are the mandates whose end was not told.
func (a *archive) unexpired() (ids []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, told := range a.expired {
		if !told {
			ids = append(ids, id)
		}
	}
	return ids
}

func (a *archive) setExpired(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.expired[id] = true
}

// close ends run and the recorders. The chain is closed when nobody can ask it.
func (a *archive) close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	a.changed.Broadcast()
	var errs []error
	for _, c := range a.clerks {
		errs = append(errs, c.recorder.Close(), c.store.Close())
	}
	return errors.Join(errs...)
}
