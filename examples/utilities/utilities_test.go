package main

import (
	"bytes"
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
		"which had paid already, and so paid once", "sent again under the same request id",
		"paid after the principal agreed: 268.80 yuan", "paid a week late, under the same mandate",
		"NEAR_TOTAL", "NEAR_END", "2293.60", "106.40", "recomputed from the entries: sound",
	} {
		if !strings.Contains(told, want) {
			t.Errorf("the story does not say %q", want)
		}
	}
	for _, code := range []protocol.Code{protocol.CodePriceDeviation, protocol.CodeMandateSuspended, protocol.CodeMandateExpired} {
		_, after, found := strings.Cut(told, "refused, "+string(code)+":")
		if !found {
			t.Fatalf("no refusal with %s where it belongs", code)
		}
		told = after
	}
	if n := strings.Count(out.String(), "CLOSED"); n != len(bills) {
		t.Errorf("%d of %d bills are paid and delivered", n, len(bills))
	}
}

// TestBrokenStory: the story ends when the bill that should wait for the
// principal is paid without a question.
func TestBrokenStory(t *testing.T) {
	before := bills[6]
	bills[6] = "200.00"
	t.Cleanup(func() { bills[6] = before })
	var out bytes.Buffer
	err := tell(t.Context(), &stage.Narrator{Out: &out})
	if err == nil || !strings.Contains(err.Error(), "should have failed with price_deviation") {
		t.Errorf("%v", err)
	}
}
