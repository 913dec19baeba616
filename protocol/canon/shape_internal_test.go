package canon

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

type word string

// message has every kind of member that a shape knows.
type message struct {
	Count  int64   `json:"count"`
	Inner  inner   `json:"inner,omitzero"`
	Lines  []inner `json:"lines"`
	Maybe  *string `json:"maybe,omitzero"`
	Name   string  `json:"name"`
	Other  *inner  `json:"other,omitzero"`
	Spare  int64   `json:"spare,omitzero"`
	Wanted word    `json:"wanted"`
	Words  []word  `json:"words,omitzero"`
}

type inner struct {
	A string `json:"a"`
	B int64  `json:"b,omitzero"`
}

// unsorted is read, and written the long way.
type unsorted struct {
	Name  string `json:"name"`
	Count int64  `json:"count"`
}

// library is what Marshal does without shapes.
func library(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	l := Limits{MaxBytes: len(data)}
	if s := l.scan(data); s.null || !s.ok() {
		return nil, explain(data, s)
	}
	return l.Canonicalize(data)
}

// Whatever is written without the library is what the library writes; and it is
// read again.
func TestShapeWrites(t *testing.T) {
	text := rapid.OneOf(rapid.StringMatching(`[ !#-Z^-~]{0,20}`), rapid.StringMatching(`[a-z]{0,9}`), rapid.Just("上海 \""), rapid.StringMatching(`[0-9]*`))
	number := rapid.OneOf(rapid.Int64Range(-9, 9), rapid.Int64Range(-1e15, 1e15), rapid.Int64Range(-1e12, 1e12))
	part := rapid.Custom(func(t *rapid.T) inner {
		return inner{text.Draw(t, "a"), number.Draw(t, "b")}
	})
	quick := 0
	rapid.Check(t, func(t *rapid.T) {
		m := message{
			Count: number.Draw(t, "count"), Name: text.Draw(t, "name"), Wanted: word(text.Draw(t, "wanted")),
			Lines: rapid.SliceOfN(part, 0, 3).Draw(t, "lines"), Inner: rapid.OneOf(rapid.Just(inner{}), part).Draw(t, "inner"),
			Maybe: rapid.Ptr(text, true).Draw(t, "maybe"), Other: rapid.Ptr(part, true).Draw(t, "other"),
			Spare: rapid.Int64Range(-1, 1).Draw(t, "spare"),
		}
		if rapid.Bool().Draw(t, "no lines") {
			m.Lines = nil
		}
		data, ok := quickMarshal(m)
		if !ok {
			return
		}
		quick++
		want, err := library(m)
		if err != nil || !bytes.Equal(data, want) || !plain(data, DefaultMaxDepth) {
			t.Fatalf("%s, want %s, %v", data, want, err)
		}
		var again, wanted message
		if !(Limits{}).quickDecode(data, &again, false) {
			t.Fatalf("%s is not read", data)
		}
		if err := json.Unmarshal(data, &wanted); err != nil || !reflect.DeepEqual(again, wanted) {
			t.Fatalf("%v: %s", err, cmp.Diff(wanted, again))
		}
	})
	if quick == 0 {
		t.Error("everything went the long way")
	}
}

func TestShapes(t *testing.T) {
	type recursive struct {
		Next *recursive `json:"next,omitzero"`
	}
	type embedded struct{ inner }
	text := reflect.TypeFor[string]()
	twice := reflect.StructOf([]reflect.StructField{{Name: "A", Type: text, Tag: `json:"a"`}, {Name: "B", Type: text, Tag: `json:"a"`}})
	for _, v := range []any{
		nil, 1, true, "x"[0], 1.5, map[string]string{}, struct{ A string }{}, struct{ a string }{}, struct {
			A string `json:"-"`
		}{}, struct {
			A int64 `json:"a,string"`
		}{}, struct {
			A time.Duration `json:"a"`
		}{}, struct {
			A time.Time `json:"a"`
		}{}, struct {
			A jsontext.Value `json:"a"`
		}{}, struct {
			A any `json:"a"`
		}{}, struct {
			A []byte `json:"a"`
		}{}, reflect.Zero(twice).Interface(), struct {
			A uint64 `json:"a"`
		}{}, recursive{}, embedded{}, unsorted{}, (*inner)(nil), inner{A: "\n"}, inner{A: "\xff"}, inner{B: 1e15}, []inner{{A: `"`}},
	} {
		if data, ok := quickMarshal(v); ok {
			t.Errorf("%T is written as %s", v, data)
		}
	}
	if data, ok := quickMarshal(&inner{A: "x"}); !ok || string(data) != `{"a":"x"}` {
		t.Errorf("%s", data)
	}
	var u unsorted
	if !(Limits{}).quickDecode([]byte(`{"count":1,"name":"x"}`), &u, false) || u != (unsorted{"x", 1}) {
		t.Errorf("%+v", u)
	}
	for _, l := range []Limits{{MaxBytes: 20}, {MaxDepth: maxShape - 1}} {
		if l.quickDecode([]byte(`{"count":1,"name":"x"}`), &u, false) {
			t.Errorf("%+v: a text beyond is read", l)
		}
	}
	if (Limits{}).quickDecode([]byte(`{}`), u, false) || (Limits{}).quickDecode([]byte(`{}`), (*unsorted)(nil), false) || (Limits{}).quickDecode([]byte(`{}`), nil, false) {
		t.Error("read into what is no pointer")
	}
}

// FuzzShape compares with the library: what is read without it is what it
// reads, and what it refuses is not read.
func FuzzShape(f *testing.F) {
	for _, in := range []string{
		`{"count":1,"inner":{"a":"x","b":2},"lines":[{"a":"y"},{"a":"z","b":-3}],"maybe":"m","name":"n","other":{"a":"","b":0},"wanted":"w","words":["a","b"]}`,
		`{"count":1.5}`, `{"count":"1"}`, `{"lines":{}}`, `{"lines":[]}`, `{"name":["x"]}`, `{"inner":{"c":1}}`, `{"zzz":[{"a":{}}],"wanted":"w"}`, `{"aaa":0,"name":"n"}`,
		`{}`, `[]`, `"x"`, `{"maybe":1}`, `{"count":-0}`, `{"count":999999999999999}`, `{"words":["上海"]}`, `{"words":[1]}`, `{"name":"a","name":"b"}`, `{"name":"\u0061"}`, `{"count":1}x`, `{"count":01}`, `{"wanted":"w","name":"n"}`, "{\"name\":\"\x01\"}", "{\"name\":\"\xff\"}", `{"name":"x"`, `{"lines":[true]}`, `{"other":"x"}`,
	} {
		f.Add([]byte(in), true)
		f.Add([]byte(in), false)
	}
	f.Fuzz(func(t *testing.T, in []byte, open bool) {
		var got, want message
		ok := Limits{}.quickDecode(in, &got, open)
		if !plain(in, DefaultMaxDepth) {
			if ok || !reflect.ValueOf(got).IsZero() {
				t.Fatalf("%s is read and not plain", in)
			}
			return
		}
		err := json.Unmarshal(in, &want, json.RejectUnknownMembers(!open))
		switch {
		case ok && err != nil:
			t.Fatalf("%s is read; the library says %v", in, err)
		case ok && !reflect.DeepEqual(got, want):
			t.Fatalf("%s: %s", in, cmp.Diff(want, got))
		case !ok && !reflect.ValueOf(got).IsZero():
			t.Fatalf("%s left something behind", in)
		case !ok && err == nil && !open:
			t.Fatalf("%s goes the long way", in)
		}
	})
}

// BenchmarkShape compares both ways for a message of the usual size.
func BenchmarkShape(b *testing.B) {
	long := string(bytes.Repeat([]byte("Lorem-ipsum_"), 100))
	v := message{
		Count: 1767225600, Inner: inner{A: "did:act:agents.example/shopper"}, Lines: []inner{{"latte", 1}}, Maybe: &long,
		Name: "urn:uuid:6c1b2a8e-5c0d-4f5e-9d3a-0f2b7c9d1e44", Other: &inner{"did:act:shop.example/coffee", 3}, Wanted: "CNY", Words: []word{"food", "coffee"},
	}
	data, ok := quickMarshal(v)
	if !ok {
		b.Fatal("goes the long way")
	}
	for name, f := range map[string]func() bool{
		"write":         func() bool { _, ok := quickMarshal(v); return ok },
		"write/library": func() bool { _, err := json.Marshal(v); return err == nil },
		"read":          func() bool { return Limits{}.quickDecode(data, new(message), false) },
		"read/library": func() bool {
			return json.Unmarshal(data, new(message), json.RejectUnknownMembers(true), jsontext.AllowDuplicateNames(true)) == nil
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !f() {
					b.Fatal("failed")
				}
			}
		})
	}
}
