package acttools

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// TestQuote: a model reads nothing that a person would not see.
func TestQuote(t *testing.T) {
	for text, want := range map[string]Quoted{
		"Latte":                   {Text: "Latte"},
		"美式咖啡 ☕":                  {Text: "美式咖啡 ☕"},
		"a\u200bb":                {Text: "a\ufffdb", Hidden: 1},
		"\U000e0041\U000e0042":    {Text: "\ufffd\ufffd", Hidden: 2}, // tags: text that only a model sees
		"\u202eevil\u202c":        {Text: "\ufffdevil\ufffd", Hidden: 2},
		"\x1b[2Jx":                {Text: "\ufffd[2Jx", Hidden: 1},
		"one\ntwo\tthree\r\nfour": {Text: "one\ntwo\tthree\r\nfour"},
		"\xff":                    {Text: "\ufffd"},
	} {
		if got := quote(text); got != want {
			t.Errorf("%q: %+v", text, got)
		}
	}
	if got := quoteName("two\n lines  "); got.Text != "two lines" {
		t.Errorf("%+v", got)
	}
	if got := quoteName(strings.Repeat("长", 300)); len([]rune(got.Text)) != maxName+1 {
		t.Errorf("%d characters", len([]rune(got.Text)))
	}
}

func TestQuoteProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		q := quote(text)
		if len([]rune(q.Text)) != len([]rune(text)) {
			t.Fatal("characters came or went")
		}
		for _, r := range q.Text {
			if !unicode.IsPrint(r) && !strings.ContainsRune("\n\t\r\ufffd", r) {
				t.Fatalf("%U is not seen", r)
			}
		}
		if again := quote(q.Text); again.Text != q.Text {
			t.Fatal("quoting twice changes the text")
		}
	})
}

// TestFailures: every code says what may be done next, and nothing of the cause.
func TestFailures(t *testing.T) {
	const secret = "eyJ-a-token"
	seen := map[string]bool{}
	for _, code := range protocol.Codes() {
		var d protocol.Decision
		d.Pass("A", "met")
		d.Fail(code, "B", "not met", "", "")
		err := d.Err().(*protocol.Error)
		err.Err = errors.New(secret)
		f := failure(err, MoneyUntouched)
		if f.Code != code || f.Next == "" || f.Meaning == "" || len(f.Failed) != 1 || f.Outcome != code.Outcome() {
			t.Errorf("%+v", f)
		}
		seen[f.Next] = true
		var back Failure
		if err := canon.Decode([]byte(f.text()), &back); err != nil || back.Code != code || strings.Contains(f.text(), secret) {
			t.Errorf("%s: %v", f.text(), err)
		}
		if unknown := code == protocol.CodeOutcomeUnknown; unknown != (f.Money == MoneyUnknown) {
			t.Errorf("%s: %s", code, f.Money)
		}
	}
	if len(seen) < 12 {
		t.Errorf("%d kinds of advice", len(seen))
	}
	if f := failure(errors.New(secret), MoneyMoved); f.Code != protocol.CodeServiceUnavailable || f.Money != MoneyMoved || strings.Contains(f.text(), secret) {
		t.Errorf("%+v", f)
	}
}

func TestShelf(t *testing.T) {
	s := shelf[int]{prefix: "item-"}
	first := s.put(7)
	for n := range kept {
		if got, ok := s.get(first); !ok || got != 7 {
			t.Fatalf("forgotten after %d", n)
		}
		s.put(n)
	}
	if _, ok := s.get(first); ok || len(s.items) != kept {
		t.Errorf("%d things are kept", len(s.items))
	}
	for _, name := range []string{"", "item-", "item-+2", "item-02", " item-2", "order-2", "item-2 ", "item-9999", "item--1"} {
		if _, ok := s.get(name); ok {
			t.Errorf("%q is a second name", name)
		}
	}
}

// FuzzArguments: whatever a model sends is read or refused with a code.
func FuzzArguments(f *testing.F) {
	f.Add([]byte(`{"lines":[{"item":"item-1","quantity":1}]}`))
	f.Add([]byte(`{"lines":[{"item":"item-1","quantity":1e30}]}`))
	f.Add([]byte(`{"words":"pens","max_total":"100","valid_hours":2,"shops":["shop"]}`))
	f.Add([]byte(`{"words":"pens","words":"all"}`))
	f.Add([]byte(`null`))
	f.Add([]byte(``))
	f.Fuzz(func(t *testing.T, data []byte) {
		cart, err := arguments[CartInput](data)
		judge(t, data, cart, err)
		intent, err := arguments[IntentInput](data)
		judge(t, data, intent, err)
		found, err := arguments[FindInput](data)
		judge(t, data, found, err)
	})
}

func judge[In any](t *testing.T, data []byte, in In, err error) {
	t.Helper()
	if err != nil {
		if !protocol.CodeOf(err).Known() || protocol.CodeOf(err).Outcome() != protocol.Denied {
			t.Fatalf("%v", err)
		}
		return
	}
	if len(data) > maxArguments {
		t.Fatal("too long")
	}
	text, err := canon.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := arguments[In](text); err != nil {
		t.Fatalf("what was read cannot be read again: %v", err)
	}
}
