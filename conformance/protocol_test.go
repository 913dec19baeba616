package conformance_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/actprotocol/act-go/conformance"
)

func TestParseAnswer(t *testing.T) {
	for _, test := range []struct {
		name, line string
		want       *conformance.Answer // nil: refused
	}{
		{"valid", `{"type":"result","seq":7,"outcome":"valid","output":{"n":1}}`, &conformance.Answer{Outcome: conformance.Valid, Output: []byte(`{"n":1}`)}},
		{"an empty output", `{"type":"result","seq":7,"outcome":"valid","output":{}}`, &conformance.Answer{Outcome: conformance.Valid, Output: []byte(`{}`)}},
		{"invalid", `{"type":"result","seq":7,"outcome":"invalid","code":"malformed"}`, &conformance.Answer{Outcome: conformance.Invalid, Code: "malformed"}},
		{"a code that nobody has is an answer", `{"type":"result","seq":7,"outcome":"invalid","code":"xyz"}`, &conformance.Answer{Outcome: conformance.Invalid, Code: "xyz"}},
		{"skipped", `{"seq":7,"reason":"no such thing","outcome":"skipped","type":"result"}`, &conformance.Answer{Outcome: conformance.Skipped, Reason: "no such thing"}},
		{"error", `{"type":"result","seq":7,"outcome":"error","message":"no"}`, &conformance.Answer{Outcome: conformance.Error, Message: "no"}},
		{"empty", ``, nil},
		{"no JSON", `ok`, nil},
		{"an array", `[7]`, nil},
		{"null", `null`, nil},
		{"another number", `{"type":"result","seq":8,"outcome":"invalid","code":"malformed"}`, nil},
		{"no number", `{"type":"result","outcome":"invalid","code":"malformed"}`, nil},
		{"a number as a string", `{"type":"result","seq":"7","outcome":"invalid","code":"malformed"}`, nil},
		{"another type", `{"type":"hello","seq":7,"outcome":"invalid","code":"malformed"}`, nil},
		{"no outcome", `{"type":"result","seq":7}`, nil},
		{"an unknown outcome", `{"type":"result","seq":7,"outcome":"undetermined","code":"fact_missing"}`, nil},
		{"two outcomes", `{"type":"result","seq":7,"outcome":"valid","output":{},"code":"malformed"}`, nil},
		{"an empty second outcome", `{"type":"result","seq":7,"outcome":"valid","output":{},"message":""}`, nil},
		{"what belongs to another outcome", `{"type":"result","seq":7,"outcome":"invalid","reason":"malformed"}`, nil},
		{"no output", `{"type":"result","seq":7,"outcome":"valid"}`, nil},
		{"an output that is no object", `{"type":"result","seq":7,"outcome":"valid","output":[1]}`, nil},
		{"an output that is null", `{"type":"result","seq":7,"outcome":"valid","output":null}`, nil},
		{"an empty code", `{"type":"result","seq":7,"outcome":"invalid","code":""}`, nil},
		{"an endless reason", `{"type":"result","seq":7,"outcome":"skipped","reason":"` + strings.Repeat("x", 5000) + `"}`, nil},
		{"an unknown member", `{"type":"result","seq":7,"outcome":"invalid","code":"malformed","id":"a/b/001"}`, nil},
		{"a member twice", `{"type":"result","seq":7,"outcome":"invalid","code":"malformed","code":"replayed"}`, nil},
		{"data behind", `{"type":"result","seq":7,"outcome":"invalid","code":"malformed"} {}`, nil},
		{"not UTF-8", "{\"type\":\"result\",\"seq\":7,\"outcome\":\"invalid\",\"code\":\"\xff\"}", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := conformance.ParseAnswer([]byte(test.line), 7)
			if (err == nil) != (test.want != nil) {
				t.Fatalf("%+v, %v", got, err)
			}
			if test.want != nil {
				if diff := cmp.Diff(*test.want, got); diff != "" {
					t.Error(diff)
				}
			} else if diff := cmp.Diff(conformance.Answer{}, got); diff != "" {
				t.Errorf("an answer beside an error: %s", diff)
			}
		})
	}
}

func TestParseHello(t *testing.T) {
	got, err := conformance.ParseHello([]byte(`{"type":"hello","name":"mine","version":"3","operations":["a.b"],"features":["guomi"]}`))
	want := conformance.Hello{Name: "mine", Version: "3", Operations: []string{"a.b"}, Features: []string{"guomi"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	for _, line := range []string{
		``, `Welcome!`, `{}`, `{"type":"result","name":"mine","operations":["a.b"]}`, `{"type":"hello","operations":["a.b"]}`,
		`{"type":"hello","name":"mine"}`, `{"type":"hello","name":"mine","operations":"a.b"}`, `{"type":"hello","name":"mine","operations":["a.b"],"x":1}`,
	} {
		if _, err := conformance.ParseHello([]byte(line)); err == nil {
			t.Errorf("%s: taken for a hello", line)
		}
	}
}

// What is read as an answer is one outcome with what belongs to it, whatever the
// line; and another JSON library reads the same line as an object.
func FuzzParseAnswer(f *testing.F) {
	f.Fuzz(func(t *testing.T, line []byte, seq int64) {
		if h, err := conformance.ParseHello(line); err == nil && (h.Name == "" || len(h.Operations) == 0) {
			t.Fatalf("a hello of nobody: %+v", h)
		}
		a, err := conformance.ParseAnswer(line, seq)
		if err != nil {
			return
		}
		count := 0
		for _, has := range []bool{len(a.Output) > 0, a.Code != "", a.Reason != "", a.Message != ""} {
			if has {
				count++
			}
		}
		if count != 1 {
			t.Fatalf("%d outcomes: %+v", count, a)
		}
		var object struct {
			Seq     *int64
			Outcome string
		}
		if err := json.Unmarshal(line, &object); err != nil || object.Seq == nil || *object.Seq != seq || object.Outcome != string(a.Outcome) {
			t.Fatalf("another reader reads %+v, %v", object, err)
		}
	})
}
