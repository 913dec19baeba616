package canon

import (
	"bytes"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"
)

// TestPlain: the quick way takes what this library writes, and leaves
// everything that is not canonical, or not strict, to the long one.
func TestPlain(t *testing.T) {
	for _, in := range []string{
		`{}`, `[]`, `""`, `0`, `-1`, `true`, `false`, `{"a":1,"b":[true,{"c":"d"}]}`,
		`{"A":0,"a":"` + "\x7f" + `"}`, `"上海市黄浦区 1 号"`, `"` + "\U0001f600" + `"`,
		`999999999999999`, `-999999999999999`, `20.5`, `-0.5`, `0.000001`, `123456789.123456`, `"eight by eight bytes and then some"`,
	} {
		if !plain([]byte(in), DefaultMaxDepth) {
			t.Errorf("%s is canonical and goes the long way", in)
		}
	}
	for _, in := range []string{
		``, ` {}`, `{} `, `{}{}`, `{"a" :1}`, `{"a": 1}`, `[1, 2]`, `[1,]`, `[,1]`, `{"a":1,}`, `{,"a":1}`, `{"a"}`, `{"a":}`, `{1:2}`, `[`, `{`, `{"a":1`, `[1`,
		`{"b":1,"a":2}`, `{"a":1,"a":2}`, `{"a":1,"\u0062":2}`, `{"aa":1,"a":2}`, `{"\uffff":1}`, `null`, `[null]`, `{"a":null}`,
		`"a`, `"\n"`, `"a\"b"`, "\"\n\"", "\"\x1f\"", "\"\xff\"", "\"\xed\xa0\x80\"", "\"\xc0\x80\"", `"0123456\u0041"`, "\"01234567\x00\"", `"\ud83d\ude00"`,
		`00`, `01`, `-0`, `-`, `1.`, `.5`, `1.0`, `1.50`, `0.0`, `-0.0`, `1e3`, `1E3`, `1.5e3`, `0.0000001`, `1000000000000000`, `1234567890.123456`, `1-2`, `1.2.3`, `+1`,
		`tru`, `truE`, `nul`, `falsey`, strings.Repeat("[", 33) + strings.Repeat("]", 33),
	} {
		if plain([]byte(in), DefaultMaxDepth) {
			t.Errorf("%s goes the quick way", in)
		}
	}
	if deep := []byte(strings.Repeat("[", 32) + strings.Repeat("]", 32)); !plain(deep, 32) || plain(deep, 31) {
		t.Error("the depth is counted in another way than by the decoder")
	}
}

// What stops ordinary is found at every place of a word, whatever else is in it.
func TestOrdinary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := []byte(rapid.StringMatching(`[ -!#-\[\]-~]{0,40}`).Draw(t, "ordinary"))
		for i, c := range rapid.SliceOfN(rapid.Byte(), 0, 4).Draw(t, "others") {
			if len(data) > 0 {
				data[(i*13+int(c))%len(data)] = c
			}
		}
		want := bytes.IndexFunc(data, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r >= 0x80 })
		if want < 0 {
			want = len(data)
		}
		if got := ordinary(data); got != want {
			t.Fatalf("%d of %q, want %d", got, data, want)
		}
		quoted := bytes.ReplaceAll(data, []byte{'"'}, nil)
		if want := bytes.IndexFunc(quoted, func(r rune) bool { return r < ' ' || r == '\\' || r >= 0x80 }) < 0; simple(quoted) != want {
			t.Fatalf("%q is simple: %v, want %v", quoted, !want, want)
		}
	})
}

// FuzzPlain compares with the JSON library: whatever goes the quick way is
// valid, has no null, has its own form, and is left as it is by the long way.
func FuzzPlain(f *testing.F) {
	for _, in := range []string{
		`{"a":1,"b":[true,{"c":"d"}],"c":20.5}`, `{"b":1,"a":2}`, `{"a":1,"a":1}`, `"\u0041"`, "\"\xff\"", `-0`, `1.50`, `[0.000001,0.0000001]`,
		`{"aaaaaaaa":"bbbbbbbbbbbbbbb\\"}`, `"上海"`, `null`, `[[[[]]]]`, `{"\ud800":1}`, `"01234567` + "\x00" + `"`,
	} {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if !plain(in, DefaultMaxDepth) {
			return
		}
		form := jsontext.Value(bytes.Clone(in))
		if err := form.Canonicalize(); err != nil || !bytes.Equal(form, in) {
			t.Fatalf("%s has the form %s, %v", in, form, err)
		}
		if s := (Limits{MaxBytes: len(in) + 1}).scan(in); !s.ok() || s.null {
			t.Fatalf("%s: the long way finds %+v", in, s)
		}
		w := writers.Get().(*writer)
		w.source = *bytes.NewBuffer(in)
		w.in, w.out, w.maxDepth = in, nil, DefaultMaxDepth
		if !w.value(0) || !bytes.Equal(w.out, in) {
			t.Fatalf("the long way makes %s of %s", w.out, in)
		}
		w.release()
	})
}
