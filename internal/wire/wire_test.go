package wire

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/money"
)

// TestWinner: of several faults the one that wins by the order of the codes is
// reported, whatever the order in which they were found.
func TestWinner(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Reader{Requirement: "PSD-PAY-DEL-02"}
		var best protocol.Code
		for _, code := range rapid.SliceOfN(rapid.SampledFrom(protocol.Codes()), 1, 6).Draw(t, "codes") {
			r.Fail("member", protocol.New(code, "", "", ""))
			if best == "" || code.Wins(best) {
				best = code
			}
		}
		e := protocol.AsError(r.Err())
		if e.Code != best || e.Field != "member" || e.Requirement != "PSD-PAY-DEL-02" {
			t.Fatalf("%v, want %s", e, best)
		}
	})
	var r Reader
	r.Fail("member", nil)
	if err := r.Err(); err != nil {
		t.Errorf("no fault is %v", err)
	}
}

func TestReader(t *testing.T) {
	long := strings.Repeat("界", MaxText)
	text := func(f func(*Reader, string, string)) func(string) error {
		return func(s string) error {
			var r Reader
			f(&r, "m", s)
			return r.Err()
		}
	}
	for name, c := range map[string]struct {
		read      func(string) error
		good, bad []string
	}{
		"id":    {text((*Reader).ID), []string{"a", "urn:x/~!", strings.Repeat("a", 256)}, []string{"", " ", "a b", "é", strings.Repeat("a", 257)}},
		"nonce": {text((*Reader).Nonce), []string{strings.Repeat("A", 22)}, []string{"", "AAAA", strings.Repeat("A", 21) + "B", strings.Repeat("A", 22) + "=="}},
		"address": {
			text(func(r *Reader, field, s string) { r.OptionalAddress(field, &s) }),
			[]string{"ref:home", "Ann Lee\n1 Lake Road", strings.Repeat("湖", 682) + "ab"},
			[]string{"", "1 Lake Road\r\n", "\x1b[2K", "a\u202eb", "a\u2028b", "\xff", strings.Repeat("湖", 682) + "abc"},
		},
		"did":      {text((*Reader).DID), []string{"did:act:a.example/x"}, []string{"", "did:act:A.example/x", "did:act:a.example/x#k", "did:x:y"}},
		"text":     {text((*Reader).Text), []string{"Caffè 拿铁", long}, []string{"", long + "a", "a\nb", "\x1b[2J", "a\u202e", "a\u2028", "\xff"}},
		"category": {text((*Reader).Category), []string{"food", "food/coffee", "食品/咖啡"}, []string{"", "/", "food/", "/food", "a//b", "a/ b", "a\x00"}},
		"method":   {text((*Reader).PaymentMethod), []string{"urn:act:payment:a"}, []string{"", "urn:act:payment:", "urn:act:payment:-", "act:payment/a"}},
		"url": {text((*Reader).WebURL), []string{"https://a.example/x?y", "http://127.0.0.1:8080"},
			[]string{"", "//a", "https:///x", "ftp://a", "https://u@a/", "https://a/#f", "https://a/ b", "https://a/é", "https://a/" + strings.Repeat("b", 2039)}},
		"time": {func(s string) error { var r Reader; r.Time("m", s); return r.Err() },
			[]string{"2026-03-02T09:30:00Z", "2026-03-02T09:30:00.5+08:00"}, []string{"", "2026-03-02", "2026-03-02T09:30:00"}},
	} {
		for _, s := range c.good {
			if err := c.read(s); err != nil {
				t.Errorf("%s %q: %v", name, s, err)
			}
		}
		for _, s := range c.bad {
			err := c.read(s)
			want := protocol.CodeFieldInvalid
			if s == "" {
				want = protocol.CodeFieldMissing
			}
			if protocol.CodeOf(err) != want || protocol.AsError(err).Field != "m" {
				t.Errorf("%s %q: %v, want %s", name, s, err, want)
			}
		}
	}
}

func TestNumericDate(t *testing.T) {
	for seconds, want := range map[int64]protocol.Code{
		0: protocol.CodeFieldMissing, -1: protocol.CodeFieldInvalid, MaxSeconds + 1: protocol.CodeFieldInvalid, 1: "", MaxSeconds: "",
	} {
		var r Reader
		at := r.NumericDate("m", seconds)
		if protocol.CodeOf(r.Err()) != want || want == "" && Seconds(at) != seconds || want != "" && !at.IsZero() {
			t.Errorf("%d: %v, %v", seconds, at, r.Err())
		}
	}
	if Seconds(time.Time{}) != 0 || FormatTime(time.Time{}) != "" {
		t.Error("the zero time is not absent")
	}
}

// TestAmountWithoutCurrency: a bad currency is one fault, not two, and an
// amount in it is never valid.
func TestAmountWithoutCurrency(t *testing.T) {
	var r Reader
	a := r.Amount("amount", "1.00", r.Currency("currency", "XXX"))
	if a.Valid() || protocol.AsError(r.Err()).Field != "currency" {
		t.Error(a, r.Err())
	}
	if s, c := FormatAmount(money.Amount{}); s != "" || c != "" {
		t.Error(s, c)
	}
}
