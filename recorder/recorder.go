package recorder

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/actprotocol/act-go/internal/journal"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

// Bounds of a queue, where Config gives none.
const (
	DefaultMaxDrafts = 1 << 16
	DefaultMaxBytes  = 64 << 20
)

// maxAhead is how far ahead the clock of who told of an event may be, as in
// attestation.Sealer.
const maxAhead = time.Minute

// Config is what a Recorder needs. All but the last group is required.
type Config struct {
	Dir          string // folder of the queue, for this Recorder alone
	Store        RecordStore
	Anchorer     Anchorer
	Channel      string             // privacy channel of the anchors
	Signer       attestation.Signer // the initiator's, purpose attestation
	AnchorSigner *keys.Signer       // of the same party, purpose anchor

	Sealer    attestation.Sealer // with a suite for SM3; the zero value is SHA-256
	MaxDrafts int                // how many drafts wait at most; 0 means 65,536
	MaxBytes  int64              // how many bytes of them; 0 means 64 MiB

	// A step that failed is repeated after RetryFrom, and after twice the time
	// whenever it fails again, up to RetryTo. 0 means one second and 5 minutes.
	// StepTimeout is for one try; 0 means 30 seconds.
	RetryFrom, RetryTo, StepTimeout time.Duration

	// Report is told when a step fails, the first time, each time its code
	// changes, and when a draft is set aside; nil tells nobody. It is called by
	// one goroutine for each step and must not block for long.
	Report func(Problem)
	Now    func() time.Time
}

func (c *Config) complete() error {
	switch {
	case c.Dir == "":
		return missing("dir")
	case c.Store == nil:
		return missing("store")
	case c.Anchorer == nil:
		return missing("anchorer")
	case c.Signer == nil:
		return missing("signer")
	case c.AnchorSigner == nil:
		return missing("anchor_signer")
	case c.AnchorSigner.Purpose() != keys.Anchor:
		return protocol.New(protocol.CodeKeyPurpose, "anchor_signer", "ADD-IAC-ISS-12", "a key of purpose anchor")
	}
	did, _, err := identity.ParseKeyID(c.Signer.KeyID())
	if err != nil {
		return protocol.In(err, "signer")
	}
	if did.String() != c.AnchorSigner.DID() {
		return protocol.New(protocol.CodeClaimsConflict, "anchor_signer", "TSD-ATT-OCA-02", "a key of the initiator's")
	}
	if err := attestation.CheckChannel(c.Channel); err != nil {
		return protocol.In(err, "channel")
	}
	setDefault(&c.MaxDrafts, DefaultMaxDrafts)
	setDefault(&c.MaxBytes, DefaultMaxBytes)
	setDefault(&c.RetryFrom, time.Second)
	setDefault(&c.RetryTo, 5*time.Minute)
	setDefault(&c.StepTimeout, 30*time.Second)
	if c.Report == nil {
		c.Report = func(Problem) {}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return nil
}

func setDefault[T int | int64 | time.Duration](v *T, to T) {
	if *v <= 0 {
		*v = to
	}
}

func missing(field string) error {
	return protocol.New(protocol.CodeFieldMissing, field, "TSD-ATT-EVT-02", "")
}

// A Recorder records for one initiator. It is safe for concurrent use.
type Recorder struct {
	c         Config
	initiator string
	queue     *queue
	seals     *stage
	anchors   *stage

	stop    context.CancelFunc
	running sync.WaitGroup
	once    sync.Once
	closed  error

	mu       sync.Mutex
	waiting  map[uint64]*entry  // accepted, neither done nor set aside
	problems map[string]Problem // by record id, of what is not done
	changed  chan struct{}      // closed and replaced when waiting shrinks
}

// New opens the queue, takes up what an earlier run left in it, and begins to
// work. A queue that is damaged elsewhere than at its torn end is an error, and
// so is one that another process uses or another initiator filled.
func New(c Config) (*Recorder, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	q, left, err := openQueue(c.Dir, c.MaxDrafts, c.MaxBytes, queueSegment)
	if err != nil {
		return nil, queueError(err)
	}
	r := &Recorder{
		c: c, initiator: c.AnchorSigner.DID(), queue: q,
		waiting: make(map[uint64]*entry), problems: make(map[string]Problem), changed: make(chan struct{}),
	}
	for _, e := range left {
		if did, _, err := identity.ParseKeyID(e.id); err != nil || did.String() != r.initiator {
			_ = q.j.Close() // nothing was written
			return nil, protocol.New(protocol.CodeClaimsConflict, "dir", "TSD-ATT-OFF-02", "the queue holds drafts of another initiator")
		}
	}
	r.seals = newStage(r, StepSeal, r.seal, func(_ context.Context, e *entry) { r.anchors.push(e) })
	r.anchors = newStage(r, StepAnchor, r.anchor, r.finished)
	q.ready = r.accepted
	for _, e := range left {
		r.accepted(e)
	}
	var ctx context.Context
	ctx, r.stop = context.WithCancel(context.Background())
	for _, s := range []*stage{r.seals, r.anchors} {
		r.running.Go(func() { s.run(ctx) })
	}
	return r, nil
}

// queueError tells what is wrong with a queue that cannot be opened.
func queueError(err error) error {
	var corrupt *journal.CorruptError
	if errors.As(err, &corrupt) {
		return protocol.Wrap(protocol.CodeMalformed, "dir", "TSD-ATT-OFF-10", "the queue is damaged; the cause says where", err)
	}
	return protocol.Wrap(protocol.CodeServiceUnavailable, "dir", "TSD-ATT-EVT-02", "the queue cannot be opened, or is in use", err)
}

// Torn is the number of bytes at the end of the queue that were cut off when it
// was opened: traces of drafts that were never accepted, or of a disk that lost
// what it had promised to keep.
func (r *Recorder) Torn() int64 { return r.queue.j.Torn() }

// Record accepts an account of an event and returns the id that its record will
// have, for the upstream links of others. When it returns, the draft is on the
// disk; everything else follows on its own.
//
// A draft that no record can be made of is refused as attestation.Draft.Check
// does. A full queue is service_unavailable with the cause [ErrFull]: nothing
// was accepted. When ctx ends first it is outcome_unknown: the draft may yet be
// accepted, and Record must not be called again for the same event.
//
// Record does not look whether the event was told before.
func (r *Recorder) Record(ctx context.Context, d attestation.Draft) (recordID string, err error) {
	id, commit, err := r.put(d)
	if err != nil {
		return "", err
	}
	_, err = commit.Wait(ctx)
	switch {
	case err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return "", protocol.Wrap(protocol.CodeOutcomeUnknown, "queue", "TSD-ATT-EVT-02", "not waited for the disk", err)
	case err != nil:
		return "", storeError("queue", err)
	}
	return id, nil
}

// Attest is Record for callers who must not even wait for a disk: it returns at
// once, and a crash within the next few milliseconds may take the draft with
// it. What is refused is told to Config.Report, with no record id.
func (r *Recorder) Attest(d attestation.Draft) {
	if _, _, err := r.put(d); err != nil {
		e := protocol.AsError(err)
		r.c.Report(Problem{Type: d.Type, Step: StepAccept, Code: e.Code, Field: e.Field, Requirement: e.Requirement, Since: r.c.Now(), Tries: 1, SetAside: true})
	}
}

func (r *Recorder) put(d attestation.Draft) (string, *journal.Commit, error) {
	now := r.c.Now()
	if d.EventTime.After(now.Add(maxAhead)) {
		return "", nil, protocol.New(protocol.CodeFieldInvalid, "event_time", "TSD-ATT-OFF-02", "an event that has happened")
	}
	if err := d.Check(r.initiator); err != nil {
		return "", nil, err
	}
	id := attestation.NewID(r.initiator)
	commit, err := r.queue.put(id, now, d)
	return id, commit, err
}

// accepted takes over a draft that is on the disk.
func (r *Recorder) accepted(e *entry) {
	r.mu.Lock()
	r.waiting[e.seq] = e
	r.mu.Unlock()
	r.seals.push(e)
}

// seal makes the record and stores it, unless that was done before a crash.
func (r *Recorder) seal(ctx context.Context, e *entry) error {
	_, err := r.c.Store.Get(ctx, e.id)
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	w, err := decodeDraft(e.data)
	if err != nil {
		return err
	}
	record, err := r.c.Sealer.Seal(r.c.Signer, e.id, w.draft(), r.c.Now())
	if err != nil {
		return err
	}
	return r.c.Store.Put(ctx, record)
}

// anchor makes the anchor, stores it, submits it and stores its place, as far
// as that was not done before. The anchor is stored before it is submitted, so
// that the chain never sees two of one record.
func (r *Recorder) anchor(ctx context.Context, e *entry) error {
	stored, err := r.c.Store.Get(ctx, e.id)
	if err != nil {
		return err
	}
	a, made := stored.Anchor(r.c.Channel)
	if made && a.Receipt.Place != "" {
		return nil
	}
	if !made {
		u, err := attestation.Parse(stored.Record)
		if err != nil {
			return err
		}
		if a.Token, err = attestation.SignAnchor(r.c.AnchorSigner, &u.Record, r.c.Channel, r.c.Now()); err != nil {
			return err
		}
		if err := r.c.Store.PutAnchor(ctx, a.Token); err != nil {
			return err
		}
	}
	receipt, err := r.c.Anchorer.Submit(ctx, a.Token)
	if err != nil {
		return err
	}
	if receipt.Place == "" {
		return protocol.New(protocol.CodeServiceUnavailable, "place", "TSD-ATT-OCA-04", "the chain told no place")
	}
	return r.c.Store.PutReceipt(ctx, e.id, r.c.Channel, receipt)
}

// finished is called when nothing is left to do for a draft.
func (r *Recorder) finished(ctx context.Context, e *entry) {
	r.queue.done(e)
	r.settle(e)
	// What could not be tidied up now is when the next draft is done.
	_ = r.queue.tidy(ctx)
}

// settle stops counting a draft as waiting.
func (r *Recorder) settle(e *entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.waiting, e.seq)
	close(r.changed)
	r.changed = make(chan struct{})
}

// Flush waits until nothing is waiting any more: every draft is anchored or set
// aside. It fails when ctx ends first, or the Recorder is closed.
func (r *Recorder) Flush(ctx context.Context) error {
	for {
		r.mu.Lock()
		n, changed, closed := len(r.waiting), r.changed, r.closed
		r.mu.Unlock()
		if n == 0 {
			return nil
		}
		if closed != nil {
			return storeError("queue", closed)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return protocol.Wrap(protocol.CodeOutcomeUnknown, "queue", "TSD-ATT-EVT-02", "drafts are still waiting", ctx.Err())
		}
	}
}

// Close stops. It waits for the step that is being made, which is told to end,
// and for the disk; what is not done stays in the queue for the next run.
func (r *Recorder) Close() error {
	r.once.Do(func() {
		r.stop()
		r.running.Wait()
		err := r.queue.j.Close()
		r.mu.Lock()
		defer r.mu.Unlock()
		r.closed = journal.ErrClosed
		close(r.changed)
		r.changed = make(chan struct{})
		if err != nil {
			r.closed = err
		}
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	if errors.Is(r.closed, journal.ErrClosed) {
		return nil
	}
	return r.closed
}
