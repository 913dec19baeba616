package server

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/actprotocol/act-go/examples/internal/metrics"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

// warningsAMinute is how many such lines are warnings. Strangers choose whom
// they name, and would fill a log; further ones are of level Info.
const warningsAMinute = 10

// causes writes for the operator why something could not be decided. The wire
// says only that it could not: the rest would tell a stranger what this
// machine reaches in its network.
//
// A line holds the host of a DID, which the parser has found to be a host
// name, and constants chosen by the kind of the error. It never holds an
// error's own text, a whole DID, or anything else of a message (PRV-04).
type causes struct {
	log    *slog.Logger
	now    func() time.Time
	failed *metrics.Counters

	database func(error) string // Config.Cause

	mu    sync.Mutex
	since time.Time
	count int
}

// lookup tells of a key or a state that could not be fetched. What is known to
// be wrong says so on the wire, and is not told here.
func (c *causes) lookup(ctx context.Context, of, did string, err error) {
	e := protocol.AsError(err)
	if e == nil || e.Code.Outcome() != protocol.Undetermined {
		return
	}
	c.failed.With(of, string(e.Code)).Add(1)
	host := "-"
	if id, err := identity.ParseDID(did); err == nil && id.Host() != "" {
		host = id.Host()
	}
	c.log.LogAttrs(ctx, c.level(), "could not look up", slog.String("of", of), slog.String("host", host),
		slog.String("code", string(e.Code)), slog.String("hint", hint(err)))
}

// level is Warn for the first few of a minute.
func (c *causes) level() slog.Level {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.since).Abs() >= time.Minute {
		c.since, c.count = now, 0
	}
	if c.count >= warningsAMinute {
		return slog.LevelInfo
	}
	c.count++
	return slog.LevelWarn
}

// book tells of a request that the ledger, or the disk below it, did not
// serve. The detail is the ledger's own and stands in the answer too.
func (c *causes) book(ctx context.Context, err error) {
	e := protocol.AsError(err)
	if e == nil || e.Code != protocol.CodeServiceUnavailable && e.Code != protocol.CodeOutcomeUnknown {
		return
	}
	said := ""
	if c.database != nil {
		said = c.database(err)
	}
	c.log.LogAttrs(ctx, c.level(), "could not answer", slog.String("code", string(e.Code)),
		slog.String("detail", e.Detail), slog.String("database", said))
}

// hints go from the special case to the general one.
var hints = []struct {
	cause error
	text  string
}{
	{verifier.ErrAddressRefused, "the host has no public address; -insecure-allow-loopback allows this machine's own, private networks never are"},
	{verifier.ErrCertificate, "the host's certificate is not trusted; -roots adds authorities to the system's"},
	{verifier.ErrNameUnknown, "nobody knows the host's name"},
	{verifier.ErrBusy, "too many look-ups at once"},
	{verifier.ErrUnreachable, "the host gave no whole answer in time, or says that it is failing"},
	{verifier.ErrAnswerRefused, "the host answered with another status than 200"},
	{verifier.ErrAnswerTooLarge, "the host's answer is too large"},
	{verifier.ErrURLRefused, "what the mandate names is no https address"},
	{context.Canceled, "the caller left before the look-up ended"},
	{context.DeadlineExceeded, "the caller did not wait for the look-up"},
}

// hint says in constant words what an operator may do about an error.
func hint(err error) string {
	for _, h := range hints {
		if errors.Is(err, h.cause) {
			return h.text
		}
	}
	if code := deepest(err); code != protocol.CodeOf(err) && code.Known() {
		return "the host's answer is not valid: " + code.Text()
	}
	return "the source of keys and states gave no cause that is known here"
}

// deepest is the code of the last error of ours in a chain of causes.
func deepest(err error) (code protocol.Code) {
	var e *protocol.Error
	for errors.As(err, &e) {
		code, err = e.Code, e.Err
	}
	return code
}

// watchedKeys is a KeySource whose failures are told.
type watchedKeys struct {
	verifier.KeySource
	causes *causes
}

// Key implements verifier.KeySource.
func (w watchedKeys) Key(ctx context.Context, keyID string, purpose keys.Purpose, at time.Time) (keys.PublicKey, error) {
	key, err := w.KeySource.Key(ctx, keyID, purpose, at)
	if err != nil {
		did, _, _ := identity.ParseKeyID(keyID) // the zero value names nobody
		w.causes.lookup(ctx, "key", did.String(), err)
	}
	return key, err
}

// watchedStatus is a StatusSource whose failures are told, by the host of the
// mandate's issuer; the list itself may be at its status provider.
type watchedStatus struct {
	verifier.StatusSource
	causes *causes
}

// Status implements verifier.StatusSource.
func (w watchedStatus) Status(ctx context.Context, ref delegation.StatusReference, issuer string, now time.Time) (delegation.Status, error) {
	status, err := w.StatusSource.Status(ctx, ref, issuer, now)
	if err != nil {
		w.causes.lookup(ctx, "status", issuer, err)
	}
	return status, err
}
