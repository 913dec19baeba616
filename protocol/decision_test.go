package protocol_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
)

var outcomes = []protocol.Outcome{protocol.Denied, protocol.Undetermined, protocol.Allowed}

func TestOutcomeText(t *testing.T) {
	for _, o := range outcomes {
		text, err := o.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		back := protocol.Allowed
		if o == protocol.Allowed {
			back = protocol.Denied
		}
		if err := back.UnmarshalText(text); err != nil || back != o {
			t.Errorf("%s read back as %s, %v", text, back, err)
		}
	}
	for _, text := range []string{"", "Allowed", "allowed ", "yes", "1"} {
		o := protocol.Allowed
		if err := o.UnmarshalText([]byte(text)); err != nil || o != protocol.Denied {
			t.Errorf("%q read as %s, %v, want denied", text, o, err)
		}
	}
	if s := protocol.Outcome(9).String(); s != "denied" {
		t.Errorf("an outcome out of range is %s", s)
	}
}

func TestZeroDecisionDenies(t *testing.T) {
	var d protocol.Decision
	if d.Allowed() || d.Outcome() != protocol.Denied || d.Checks() != nil {
		t.Error("the zero decision does not deny")
	}
	if code := protocol.CodeOf(d.Err()); code != protocol.CodeFieldMissing {
		t.Errorf("code %q, want field_missing", code)
	}
	d.Append(protocol.Decision{})
	if d.Allowed() {
		t.Error("appending nothing allows")
	}
}

// decisions generates a decision from a list of codes, "" for a check that
// passes.
var checkCodes = rapid.SliceOfN(rapid.SampledFrom(append([]protocol.Code{"", ""}, protocol.Codes()...)), 0, 12)

func decide(codes []protocol.Code) (d protocol.Decision) {
	for i, c := range codes {
		d.Require(c == "", c, fmt.Sprint("REQ-", i), "a check", "field", "detail")
	}
	return d
}

func TestDecisionOutcome(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codes := checkCodes.Draw(t, "codes")
		d := decide(codes)

		want := protocol.Allowed
		if len(codes) == 0 {
			want = protocol.Denied
		}
		for _, c := range codes {
			if c != "" {
				want = min(want, c.Outcome())
			}
		}
		if d.Outcome() != want || d.Allowed() != (want == protocol.Allowed) {
			t.Fatalf("outcome %s of %q, want %s", d.Outcome(), codes, want)
		}
		err := d.Err()
		if (err == nil) != d.Allowed() {
			t.Fatalf("error %v with outcome %s", err, want)
		}
		if errors.Is(err, protocol.ErrUndetermined) != (want == protocol.Undetermined) {
			t.Fatalf("ErrUndetermined does not match the outcome %s", want)
		}
		if err == nil || len(codes) == 0 {
			return
		}
		var e *protocol.Error
		if !errors.As(err, &e) || len(e.Checks) != len(codes) {
			t.Fatalf("error %v does not carry the %d checks", err, len(codes))
		}
		first := slices.Index(codes, e.Code)
		if e.Requirement != fmt.Sprint("REQ-", first) {
			t.Fatalf("reported %s, want the first check with %s", e.Requirement, e.Code)
		}
		for _, c := range codes {
			if c != "" && c.Wins(e.Code) {
				t.Fatalf("reported %s although %s wins", e.Code, c)
			}
		}
	})
}

// Two copies of one decision must not write over each other's checks: a failed
// check that vanished would allow.
func TestDecisionCopiesAreIndependent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codes := checkCodes.Draw(t, "common")
		base := decide(codes)
		a, b := base, base
		a.Fail(protocol.CodeTotalLimitExceeded, "A", "a", "", "")
		b.Pass("B", "b")
		if a.Outcome() != protocol.Denied || len(a.Checks()) != len(codes)+1 || a.Checks()[len(codes)].Requirement != "A" {
			t.Fatalf("the copy lost its failed check: %v", a.Checks())
		}
		if len(base.Checks()) != len(codes) {
			t.Fatal("recording into a copy changed the original")
		}
		checks := b.Checks()
		checks[len(codes)].Requirement = "changed"
		if b.Checks()[len(codes)].Requirement != "B" {
			t.Fatal("the caller can write into a decision")
		}
	})
}

// Copies share memory, and goroutines that go on from one decision each get
// checks of their own.
func TestDecisionCopiesInGoroutines(t *testing.T) {
	for _, common := range []int{1, 7, 8, 9} {
		base := decide(make([]protocol.Code, common))
		var group sync.WaitGroup
		for i := range 16 {
			group.Go(func() {
				d := base
				for j := range 20 {
					d.Fail(protocol.CodeTotalLimitExceeded, fmt.Sprint(i, " ", j), "a check", "", "")
				}
				checks := d.Checks()
				if len(checks) != common+20 || d.Outcome() != protocol.Denied {
					t.Errorf("%d checks, %s", len(checks), d.Outcome())
					return
				}
				for j, c := range checks[common:] {
					if c.Requirement != fmt.Sprint(i, " ", j) {
						t.Errorf("check %q of another copy", c.Requirement)
					}
				}
			})
		}
		group.Wait()
		if len(base.Checks()) != common || !base.Allowed() {
			t.Errorf("the original has %d checks, %s", len(base.Checks()), base.Outcome())
		}
	}
}

func TestDecisionAppend(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := checkCodes.Draw(t, "x"), checkCodes.Draw(t, "y")
		d, e := decide(x), decide(y)
		want := append(d.Checks(), e.Checks()...)
		d.Append(e)
		if !slices.Equal(d.Checks(), want) {
			t.Fatalf("got %v, want %v", d.Checks(), want)
		}
		d.Append(d)
		if len(d.Checks()) != 2*len(want) {
			t.Fatal("a decision cannot be appended to itself")
		}
	})
}

func TestDecisionRecord(t *testing.T) {
	own := protocol.New(protocol.CodeMandateRevoked, "status", "ADD-IAC-LCM-05", "revoked")
	for _, test := range []struct {
		name string
		err  error
		want protocol.Check
	}{
		{"nil passes", nil, protocol.Check{Requirement: "R", Name: "n", Outcome: protocol.Allowed}},
		{"own code and requirement", own, protocol.Check{Requirement: "ADD-IAC-LCM-05", Name: "n", Outcome: protocol.Denied,
			Code: protocol.CodeMandateRevoked, Field: "status", Detail: "revoked"}},
		{"own error below another", fmt.Errorf("store: %w", own), protocol.Check{Requirement: "ADD-IAC-LCM-05", Name: "n",
			Outcome: protocol.Denied, Code: protocol.CodeMandateRevoked, Field: "status", Detail: "revoked"}},
		{"foreign error is undetermined", errors.New("disk full"), protocol.Check{Requirement: "R", Name: "n",
			Outcome: protocol.Undetermined, Code: protocol.CodeServiceUnavailable}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var d protocol.Decision
			if ok := d.Record("R", "n", test.err); ok != (test.err == nil) {
				t.Errorf("Record returned %v", ok)
			}
			if got := d.Checks(); len(got) != 1 || got[0] != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestUnknownCodeDenies(t *testing.T) {
	var d protocol.Decision
	d.Pass("R", "n")
	d.Fail("no_such_code", "R", "n", "", "")
	if d.Outcome() != protocol.Denied || protocol.CodeOf(d.Err()) != "no_such_code" {
		t.Errorf("got %s, %v", d.Outcome(), d.Err())
	}
}

func TestFailed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := decide(checkCodes.Draw(t, "codes"))
		var want []protocol.Check
		for _, c := range d.Checks() {
			if c.Outcome != protocol.Allowed {
				want = append(want, c)
			}
		}
		if got := d.Failed(); !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

// What is printed of a check is what is printed of the error it becomes, also
// where the check has no detail of its own.
func TestText(t *testing.T) {
	for _, code := range protocol.Codes() {
		var d protocol.Decision
		d.Pass("R-1", "first")
		d.Fail(code, "R-2", "second", "the.field", "")
		c := d.Failed()[0]
		if c.Reason() != code.Text() || c.String() != "second: "+strings.TrimPrefix(d.Err().Error(), "act: ") {
			t.Errorf("%q beside %q", c, d.Err())
		}
		if want := d.Outcome().String() + ": 1 of 2 checks failed; " + c.String(); fmt.Sprint(d) != want {
			t.Errorf("got %q, want %q", fmt.Sprint(d), want)
		}
	}
	c := protocol.Check{Requirement: "R", Name: "n", Outcome: protocol.Allowed}
	if c.String() != "n: allowed (R)" || c.Reason() != "" {
		t.Errorf("a check that was met: %q, %q", c, c.Reason())
	}
	if s := (protocol.Decision{}).String(); s != "denied: nothing was checked" {
		t.Errorf("no checks: %q", s)
	}
}

func ExampleDecision() {
	var d protocol.Decision
	d.Pass("ADD-IAC-ISS-04", "all required members")
	d.Fail(protocol.CodeKeyUnavailable, "IDN-02", "key of the issuer", "iss", "")
	d.Require(2500 <= 2000, protocol.CodeSingleLimitExceeded, "PSD-PAY-DEL-05", "limit for one payment", "amount", "at most max_single_amount")
	fmt.Println(d.Outcome())
	for _, c := range d.Failed() {
		fmt.Println(c)
	}
	fmt.Println(d.Err())
	// Output:
	// denied
	// key of the issuer: key_unavailable: iss: a key could not be fetched (IDN-02)
	// limit for one payment: single_limit_exceeded: amount: at most max_single_amount (PSD-PAY-DEL-05)
	// act: single_limit_exceeded: amount: at most max_single_amount (PSD-PAY-DEL-05)
}
