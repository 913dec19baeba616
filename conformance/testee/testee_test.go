package testee_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/conformance/testee"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/money"
)

func half() *testee.Testee {
	return &testee.Testee{Name: "half", Version: "1", Features: []string{"ed25519"}, Operations: map[string]testee.Operation{
		"number.half": testee.Of(func(clock time.Time, in struct {
			N int `json:"n"`
		}) (any, error) {
			switch {
			case in.N < 0:
				return nil, fmt.Errorf("negative: %w", protocol.New(protocol.CodeFieldInvalid, "n", "", ""))
			case in.N%2 == 1:
				return nil, testee.Skip("odd numbers")
			case in.N > 100:
				return nil, errors.New("too much for me")
			case in.N == 0:
				return nil, nil // null is no object, which the suite will say
			}
			return map[string]any{"n": in.N / 2, "at": clock}, nil
		}),
	}}
}

func TestServe(t *testing.T) {
	run := func(seq int, operation, input string) string {
		return fmt.Sprintf(`{"type":"run","seq":%d,"operation":"%s","clock":"2026-11-01T10:00:00Z","input":%s}`, seq, operation, input)
	}
	in := strings.Join([]string{
		`{"type":"hello","protocol":"act-conformance/1"}`,
		run(4, "number.half", `{"n":6}`), run(5, "number.half", `{"n":-6}`), run(6, "number.half", `{"n":7}`),
		run(7, "number.half", `{"n":102}`), run(8, "number.half", `{"m":6}`), run(9, "number.third", `{"n":6}`),
		`{"type":"bye"}`, `not read any more`,
	}, "\n")
	var out strings.Builder
	if err := half().Serve(strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	for i, want := range []string{
		`{"type":"hello","name":"half","version":"1","operations":["number.half"],"features":["ed25519"]}`,
		`{"type":"result","seq":4,"outcome":"valid","output":{"at":"2026-11-01T10:00:00Z","n":3}}`,
		`{"type":"result","seq":5,"outcome":"invalid","code":"field_invalid"}`,
		`{"type":"result","seq":6,"outcome":"skipped","reason":"odd numbers"}`,
		`{"type":"result","seq":7,"outcome":"error","message":"too much for me"}`,
		`{"type":"result","seq":8,"outcome":"error","message":"testee: input: `,
		`{"type":"result","seq":9,"outcome":"skipped","reason":"no such operation"}`,
		``,
	} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], want) || want == "" && lines[i] != "" {
			t.Fatalf("line %d: %q, want %q", i, lines[i:], want)
		}
	}
}

func TestServeFails(t *testing.T) {
	for _, in := range []string{"x\n", `{"type":"hello","protocol":"act-conformance/2"}` + "\n", `{"type":"dance"}` + "\n", strings.Repeat("x", 2<<20)} {
		if err := half().Serve(strings.NewReader(in), new(strings.Builder)); err == nil {
			t.Errorf("%.40s: served", in)
		}
	}
	if err := half().Serve(strings.NewReader(`{"type":"hello","protocol":"act-conformance/1"}`), full{}); err == nil {
		t.Error("what could not be written was no error")
	}
}

// full can take nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("full") }

// A whole testee: one operation, served over standard input and output.
func Example() {
	t := testee.Testee{Name: "mine", Version: "1.0", Operations: map[string]testee.Operation{
		"money.parse": testee.Of(func(_ time.Time, in struct {
			Amount   string `json:"amount"`
			Currency string `json:"currency"`
		}) (any, error) {
			currency, err := money.ParseCurrency(in.Currency)
			if err != nil {
				return nil, err // carries a code: the answer is "invalid"
			}
			amount, err := money.Parse(in.Amount, currency)
			if err != nil {
				return nil, err
			}
			return map[string]string{"amount": amount.String(), "minor": fmt.Sprint(amount.Minor())}, nil
		}),
	}}
	requests := strings.NewReader(`{"type":"hello","protocol":"act-conformance/1"}
{"type":"run","seq":1,"operation":"money.parse","clock":"2026-11-01T10:00:00Z","input":{"amount":"18","currency":"CNY"}}
{"type":"run","seq":2,"operation":"money.parse","clock":"2026-11-01T10:00:00Z","input":{"amount":"18.001","currency":"CNY"}}
{"type":"bye"}
`)
	if err := t.Serve(requests, os.Stdout); err != nil { // a real one: os.Stdin
		fmt.Println(err)
	}
	// Output:
	// {"type":"hello","name":"mine","version":"1.0","operations":["money.parse"],"features":[]}
	// {"type":"result","seq":1,"outcome":"valid","output":{"amount":"18.00","minor":"1800"}}
	// {"type":"result","seq":2,"outcome":"invalid","code":"field_invalid"}
}
