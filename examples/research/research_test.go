package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/protocol"
)

// TestStory tells the story over real sockets and a real ledger.
func TestStory(t *testing.T) {
	var out bytes.Buffer
	if err := tell(t.Context(), &stage.Narrator{Out: &out}); err != nil {
		t.Fatalf("%v\n%s", err, out.Bytes())
	}
	told := out.String()
	for _, want := range []string{
		"nobody else is asked", "paid once (PSD-PAY-A402-15)", "may I? (PSD-PAY-A402-05)", "3 mm in the last minute",
		"“coffee, this month: 31.40 yuan a kilo”", "2.35 yuan so far, for 6 payments", "NEAR_TOTAL: 2.75 of 3.40",
		"spent, by 8 payments", "0.05 yuan are back", "recomputed from the entries: sound",
		"were sent requests and proofs of payment",
	} {
		if !strings.Contains(told, want) {
			t.Errorf("the story does not say %q", want)
		}
	}
	for _, code := range []protocol.Code{
		protocol.CodeNoMatch, protocol.CodeClaimsConflict, protocol.CodePolicyRefused, protocol.CodePolicyRefused,
		protocol.CodeSubAccountFrozen, protocol.CodeSubAccountKey, protocol.CodeBalanceInsufficient,
		protocol.CodeBalanceInsufficient, protocol.CodeNoMatch, protocol.CodeSubAccountCancelled,
	} {
		_, after, found := strings.Cut(told, "refused, "+string(code)+":")
		if !found {
			t.Fatalf("no refusal with %s where it belongs", code)
		}
		told = after
	}
}

// TestGenerousStory: the story ends when the money does not.
func TestGenerousStory(t *testing.T) {
	before := budget
	budget = "9.00"
	t.Cleanup(func() { budget = before })
	err := tell(t.Context(), &stage.Narrator{Out: new(bytes.Buffer)})
	if err == nil || !strings.Contains(err.Error(), "1 attempts are too few or too many: delivered") {
		t.Errorf("%v", err)
	}
}

// TestBrokenStory breaks one thing after the other in a story that has begun.
func TestBrokenStory(t *testing.T) {
	ctx := t.Context()
	w, err := stage.New(ctx, &stage.Narrator{Out: new(bytes.Buffer)})
	r := &research{World: w, paid: stage.Yuan("0.00")}
	defer func() {
		if err := w.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	if err = errors.Join(err, r.introduce(ctx), r.agree(ctx)); err != nil {
		t.Fatal(err)
	}
	fails := func(name, want string, chapter func(context.Context) error) {
		t.Helper()
		if err := chapter(ctx); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	fails("a sub-account that is not frozen", "should have failed with subaccount_frozen", func(ctx context.Context) error {
		return r.refused(ctx, "psp", protocol.CodeSubAccountFrozen, r.buyer, r.archive.at("/station?id=1"))
	})
	fails("a payment that no seller has told of", "the bill says 0.40, the sellers 0.00", r.showBill)
	fails("a seller who does not fail", "somebody else was asked", func(ctx context.Context) error {
		r.weather.closed.Store(true)
		return r.paidNotDelivered(ctx)
	})
	fails("a seller who is told of the sub-account", "weather was told", func(ctx context.Context) error {
		response, err := r.buyer.Plain.Get(r.weather.at("/station?account=" + r.purse.ID))
		if err != nil {
			return err
		}
		response.Body.Close()
		return r.learned()
	})
	fails("a statement that was not tampered with", "should have failed with claims_conflict", func(ctx context.Context) error {
		r.lure.Store = r.archive.Store
		return r.negotiate(ctx)
	})
}
