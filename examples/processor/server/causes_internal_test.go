package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/verifier"
)

const secret = "secret-of-somebody"

func newCauses(out *bytes.Buffer, now *time.Time) *causes {
	log := slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return &causes{log: log, now: func() time.Time { return *now }, failed: newCounts().lookups}
}

func unavailable(cause error) error {
	return protocol.Wrap(protocol.CodeKeyUnavailable, "kid", "IDN-02", secret, cause)
}

// TestHints: each kind of failure has words of its own, however deep it lies,
// and no word of the error itself is among them.
func TestHints(t *testing.T) {
	malformed := protocol.New(protocol.CodeMalformed, secret, "", secret)
	for want, cause := range map[string]error{
		"-insecure-allow-loopback": verifier.ErrAddressRefused,
		"-roots":                   verifier.ErrCertificate,
		"name":                     verifier.ErrNameUnknown,
		"too many":                 verifier.ErrBusy,
		"no whole answer":          verifier.ErrUnreachable,
		"another status":           verifier.ErrAnswerRefused,
		"too large":                verifier.ErrAnswerTooLarge,
		"https address":            verifier.ErrURLRefused,
		"the caller left":          context.Canceled,
		"did not wait":             context.DeadlineExceeded,
		"not in the strict form":   malformed,
		"no cause that is known":   errors.New(secret),
	} {
		for depth, err := range []error{unavailable(cause), unavailable(unavailable(fmt.Errorf(secret+": %w", cause)))} {
			if got := hint(err); !strings.Contains(got, want) || strings.Contains(got, secret) {
				t.Errorf("depth %d, %v: %q has no %q", depth, cause, got, want)
			}
		}
	}
	if got := hint(unavailable(nil)); !strings.Contains(got, "no cause") {
		t.Errorf("without a cause: %q", got)
	}
}

// TestCausesHoldNoInput: PRV-04. Only a host that is one is written, and only
// when something could not be decided.
func TestCausesHoldNoInput(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(1_800_000_000, 0)
	c := newCauses(&out, &now)
	ctx := context.Background()
	c.lookup(ctx, "key", "did:act:shop.example%3A8443/"+secret, unavailable(verifier.ErrUnreachable))
	if !strings.Contains(out.String(), "host=shop.example:8443") {
		t.Errorf("no host in %s", &out)
	}
	for _, did := range []string{"did:web:" + secret + " x", "", secret, "did:act:Shop.example/" + secret, "did:act:shop.example\n" + secret + "/x"} {
		out.Reset()
		c.lookup(ctx, "status", did, unavailable(errors.New(secret)))
		if !strings.Contains(out.String(), "host=- ") || strings.Contains(out.String(), secret) {
			t.Errorf("%q is logged as %s", did, &out)
		}
	}
	out.Reset()
	c.lookup(ctx, "key", "did:act:shop.example/x", protocol.New(protocol.CodeKeyUnknown, "kid", "", ""))
	c.lookup(ctx, "key", "did:act:shop.example/x", nil)
	c.book(ctx, protocol.New(protocol.CodeTotalLimitExceeded, "", "", ""))
	c.book(ctx, nil)
	if out.Len() > 0 {
		t.Errorf("what was decided is logged: %s", &out)
	}
	c.book(ctx, protocol.Wrap(protocol.CodeServiceUnavailable, "", "", "the ledger did not answer", errors.New(secret)))
	if !strings.Contains(out.String(), "the ledger did not answer") || strings.Contains(out.String(), secret) {
		t.Errorf("a ledger that failed is logged as %s", &out)
	}
}

// TestCausesAreFew: strangers cannot fill the log.
func TestCausesAreFew(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(1_800_000_000, 0)
	c := newCauses(&out, &now)
	for range 2 {
		out.Reset()
		for range 100 {
			c.lookup(context.Background(), "key", "did:act:shop.example/x", unavailable(verifier.ErrUnreachable))
		}
		if n := strings.Count(out.String(), "\n"); n != warningsAMinute {
			t.Errorf("%d warnings, want %d", n, warningsAMinute)
		}
		now = now.Add(time.Minute)
	}
}
