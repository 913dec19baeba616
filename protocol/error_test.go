package protocol_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
)

func TestCodes(t *testing.T) {
	shape := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	seen := map[protocol.Code]bool{}
	undetermined := false
	for _, c := range protocol.Codes() {
		if seen[c] || !c.Known() || !shape.MatchString(string(c)) {
			t.Errorf("code %q is listed twice, unknown to itself, or has another shape", c)
		}
		seen[c] = true
		if text := c.Text(); text == "" || text == protocol.Code("x").Text() {
			t.Errorf("code %q has no text", c)
		}
		if c.Outcome() == protocol.Allowed || undetermined && c.Outcome() == protocol.Denied {
			t.Errorf("code %q: outcome %s; denying codes come first in the list", c, c.Outcome())
		}
		undetermined = c.Outcome() == protocol.Undetermined
	}
	protocol.Codes()[0] = "changed"
	if protocol.Codes()[0] != protocol.CodeTooLarge {
		t.Error("the caller can write into the list of codes")
	}
	for _, c := range []protocol.Code{"", "allowed", "Malformed"} {
		if c.Known() || c.Outcome() != protocol.Denied {
			t.Errorf("%q is known or does not deny", c)
		}
	}
}

// Every exported constant is in the list: one that is not would lose its
// outcome and its rank.
func TestEveryConstantIsListed(t *testing.T) {
	source, err := os.ReadFile("code.go")
	if err != nil {
		t.Fatal(err)
	}
	constants := regexp.MustCompile(`(?m)^\tCode\w+\s+Code = "(\w+)"`).FindAllStringSubmatch(string(source), -1)
	if len(constants) != len(protocol.Codes()) {
		t.Errorf("%d constants, %d codes in the list", len(constants), len(protocol.Codes()))
	}
	for i, m := range constants {
		if c := protocol.Code(m[1]); !c.Known() {
			t.Errorf("%s is not in the list", c)
		} else if protocol.Codes()[i] != c {
			t.Errorf("%s is not at its place in the order of precedence", c)
		}
	}
}

func TestWinsIsAnOrder(t *testing.T) {
	code := rapid.SampledFrom(append(protocol.Codes(), "unknown"))
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := code.Draw(t, "a"), code.Draw(t, "b"), code.Draw(t, "c")
		if (a == b) == (a.Wins(b) || b.Wins(a)) || a.Wins(b) && b.Wins(a) {
			t.Fatalf("%s and %s: neither or both win", a, b)
		}
		if a.Wins(b) && b.Wins(c) && !a.Wins(c) {
			t.Fatalf("%s wins over %s over %s, but not over the last", a, b, c)
		}
		if a.Outcome() == protocol.Denied && b.Outcome() == protocol.Undetermined && !a.Wins(b) {
			t.Fatalf("undetermined %s wins over %s", b, a)
		}
	})
}

func TestErrorText(t *testing.T) {
	for _, test := range []struct {
		err  *protocol.Error
		want string
	}{
		{protocol.New(protocol.CodeFieldInvalid, "max_total_amount", "ADD-INT-ICS-09", "at most two decimal places"),
			"act: field_invalid: max_total_amount: at most two decimal places (ADD-INT-ICS-09)"},
		{protocol.New(protocol.CodeReplayed, "", "", ""), "act: replayed: the nonce was used before"},
		{protocol.Wrap(protocol.CodeKeyUnavailable, "iss", "IDN-02", "", errors.New("secret in a URL")),
			"act: key_unavailable: iss: a key could not be fetched (IDN-02)"},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}

func TestErrorMatching(t *testing.T) {
	unavailable := protocol.Wrap(protocol.CodeKeyUnavailable, "iss", "", "", io.ErrUnexpectedEOF)
	wrapped := fmt.Errorf("resolving: %w", unavailable)
	if !errors.Is(wrapped, protocol.ErrUndetermined) || !errors.Is(wrapped, io.ErrUnexpectedEOF) {
		t.Error("the cause or ErrUndetermined is not reachable")
	}
	if errors.Is(protocol.New(protocol.CodeReplayed, "", "", ""), protocol.ErrUndetermined) {
		t.Error("a denial matches ErrUndetermined")
	}
	if protocol.CodeOf(wrapped) != protocol.CodeKeyUnavailable || protocol.CodeOf(io.EOF) != "" || protocol.CodeOf(nil) != "" {
		t.Error("CodeOf")
	}
	if protocol.AsError(nil) != nil || protocol.AsError(wrapped) != unavailable {
		t.Error("AsError does not find the error")
	}
	foreign := protocol.AsError(errors.New("dial tcp 10.0.0.1: password=hunter2"))
	if foreign.Code != protocol.CodeServiceUnavailable || strings.Contains(foreign.Error(), "hunter2") {
		t.Errorf("a foreign error became %v", foreign)
	}
}

func TestIn(t *testing.T) {
	for _, test := range []struct{ field, parent, want string }{
		{"commerce", "ext", "ext.commerce"},
		{"", "ext", "ext"},
		{"commerce", "", "commerce"},
		{"[2].price", "items", "items[2].price"},
		{"", "", ""},
	} {
		inner := protocol.New(protocol.CodeFieldInvalid, test.field, "R", "d")
		got := protocol.AsError(protocol.In(inner, test.parent))
		if got.Field != test.want || inner.Field != test.field {
			t.Errorf("In(%q, %q) is %q, the original %q", test.field, test.parent, got.Field, inner.Field)
		}
		if got.Requirement != "R" || got.Detail != "d" || got.Code != protocol.CodeFieldInvalid {
			t.Errorf("In lost a part: %v", got)
		}
	}
	if protocol.In(io.EOF, "x") != io.EOF || protocol.In(nil, "x") != nil {
		t.Error("In changes what is not its own")
	}
}

func ExampleError() {
	err := error(protocol.New(protocol.CodeStatusUnavailable, "status", "ADD-IAC-LCM-08", "the status list is too old"))
	fmt.Println(err)
	fmt.Println(errors.Is(err, protocol.ErrUndetermined))
	// Output:
	// act: status_unavailable: status: the status list is too old (ADD-IAC-LCM-08)
	// true
}
