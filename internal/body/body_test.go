package body_test

import (
	"bytes"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/actprotocol/act-go/internal/body"
	"github.com/actprotocol/act-go/protocol"
)

func TestRead(t *testing.T) {
	long := strings.Repeat("a", 65536)
	broken := io.MultiReader(strings.NewReader("{"), iotest.ErrReader(errors.New("gone")))
	for _, test := range []struct {
		name   string
		in     io.Reader
		length int64 // announced; -1 is none
		want   string
		code   protocol.Code
	}{
		{"empty", strings.NewReader(""), 0, "", ""},
		{"length announced", strings.NewReader("{}"), 2, "{}", ""},
		{"no length", strings.NewReader("{}"), -1, "{}", ""},
		{"byte by byte", iotest.OneByteReader(strings.NewReader(long[:9000])), 9000, long[:9000], ""},
		{"end together with the last byte", iotest.DataErrReader(strings.NewReader(long[:600])), 600, long[:600], ""},
		{"as long as allowed", strings.NewReader(long), 65536, long, ""},
		{"longer than announced", strings.NewReader(long), 10, long, ""},
		{"announced far too long", strings.NewReader("{}"), 1 << 40, "{}", ""},
		{"one byte too many", strings.NewReader(long + "a"), 65537, "", protocol.CodeTooLarge},
		{"too many, unannounced", strings.NewReader(long + long), -1, "", protocol.CodeTooLarge},
		{"breaks off", broken, 10, "", protocol.CodeMalformed},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/", test.in)
			r.ContentLength = test.length
			got, err := body.Read(httptest.NewRecorder(), r)
			if string(got) != test.want || protocol.CodeOf(err) != test.code || (err == nil) != (test.code == "") {
				t.Errorf("%d bytes, %v; want %d, %q", len(got), err, len(test.want), test.code)
			}
		})
	}
}

// Who announces much and sends little takes little.
func TestReadSetsLittleAside(t *testing.T) {
	r := httptest.NewRequest("POST", "/", bytes.NewReader(nil))
	r.ContentLength = 60000
	got, err := body.Read(httptest.NewRecorder(), r)
	if err != nil || cap(got) > 9<<10 {
		t.Errorf("%d bytes set aside, %v", cap(got), err)
	}
}
