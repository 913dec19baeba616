package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/pprof/profile"
	"pgregory.net/rapid"
)

// What is packed is what comes out, whatever differs.
func TestParcel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		model := rapid.SliceOfN(rapid.ByteRange('a', 'c'), 0, 300).Draw(t, "model")
		text := bytes.Clone(model)
		for range rapid.IntRange(0, 12).Draw(t, "changes") {
			if len(text) > 0 {
				text[rapid.IntRange(0, len(text)-1).Draw(t, "at")] = rapid.ByteRange('a', 'z').Draw(t, "byte")
			}
		}
		p, ok := pack(model, text)
		if !ok {
			t.Fatal("not packed")
		}
		if got := p.appendTo([]byte("before "), model); string(got) != "before "+string(text) {
			t.Fatalf("%q, want %q", got, text)
		}
		if bytes.Equal(model, text) != (len(p) == 0) {
			t.Fatalf("%d bytes for %d", len(p), len(text))
		}
	})
	if _, ok := pack([]byte("a"), []byte("ab")); ok {
		t.Error("another length is packed")
	}
}

func TestArrivals(t *testing.T) {
	l := new(load)
	due := l.arrivals(1000, 20000)
	for i := 1; i < len(due); i++ {
		if due[i] < due[i-1] {
			t.Fatal("not in order")
		}
	}
	if mean := due[len(due)-1] / 20000; mean < 970*time.Microsecond || mean > 1030*time.Microsecond {
		t.Errorf("one in %v", mean)
	}
	if again := l.arrivals(1000, 20000); again[777] != due[777] {
		t.Error("another run has other arrivals")
	}
	l.sent = 20000
	if next := l.arrivals(1000, 20000); next[777] == due[777] {
		t.Error("another round has the same arrivals")
	}
}

// Nothing is sent before its time, nor much after it.
func TestBeat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		due := time.Duration(rapid.Int64Range(0, 1e12).Draw(t, "due"))
		if late := onBeat(due) - due; late < 0 || late >= beat {
			t.Errorf("%v late", late)
		}
	})
}

// However an answer is written and cut, it is read to its end and no farther.
func TestAnswer(t *testing.T) {
	long := strings.Repeat("x", 20_000)
	for _, test := range []struct{ name, text, body, fault string }{
		{"plain", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nDate: today\r\n\r\nabc", "abc", ""},
		{"empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", ""},
		{"longer than the buffer", "HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n" + long, long, ""},
		{"in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", "abc", ""},
		{"refused", "HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\nreason", "", "status 403: reason"},
		{"broken off", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "", "unexpected EOF"},
		{"nothing", "", "", "EOF"},
		{"no length", "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", "", "bad Content-Length"},
	} {
		const next = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext"
		for name, in := range map[string]io.Reader{
			"at once": strings.NewReader(test.text + next), "byte by byte": iotest.OneByteReader(strings.NewReader(test.text + next)),
			"alone": strings.NewReader(test.text),
		} {
			if test.fault != "" && test.fault != "status 403: reason" && name != "alone" {
				continue // what follows would be read as part of it
			}
			t.Run(test.name+" "+name, func(t *testing.T) {
				c := &line{in: bufio.NewReaderSize(in, 8<<10)}
				body, err := c.answer()
				if test.fault != "" {
					if err == nil || !strings.Contains(err.Error(), test.fault) {
						t.Fatalf("%v", err)
					}
				} else if err != nil || string(body) != test.body {
					t.Fatalf("%d bytes, %v", len(body), err)
				}
				if name == "alone" {
					return
				}
				if body, err := c.answer(); err != nil || string(body) != "next" {
					t.Errorf("then %q, %v", body, err)
				}
			})
		}
	}
}

func TestQuantile(t *testing.T) {
	var values []time.Duration
	for i := range 100 {
		values = append(values, time.Duration(i+1))
	}
	if quantile(values, 50) != 50 || quantile(values, 99) != 99 || quantile(values[:1], 99) != 1 || quantile(values[:3], 50) != 2 {
		t.Error("not the least value that so many do not exceed")
	}
}

// The floor is at least what one of its signatures takes.
func TestFloor(t *testing.T) {
	all, err := floor([]signature{{length: 1000}, {length: 1000, made: true}})
	if err != nil {
		t.Fatal(err)
	}
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	begun, text := ownTime(), make([]byte, 1000)
	for range 200 {
		ed25519.Sign(private, text)
	}
	if one := (ownTime() - begun) / 200; all < one {
		t.Errorf("%v for both, %v for one of them", all, one)
	}
}

func TestPaid(t *testing.T) {
	good := `{"payment_proof":"x","request_id":"` + requestID(7) + `","trade_state":"WAIT_SELLER_FULFILLMENT"}`
	if err := paid([]byte(good), 7); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{``, `{}`, `{"payment_proof":"x","request_id":"` + requestID(8) + `","trade_state":"WAIT_SELLER_FULFILLMENT"}`,
		`{"request_id":"` + requestID(7) + `","trade_state":"WAIT_BUYER_PAY"}`} {
		if paid([]byte(bad), 7) == nil {
			t.Errorf("%s is a result", bad)
		}
	}
}

// A sample belongs to the first rule that fits any function of its stack.
func TestStages(t *testing.T) {
	stack := func(value int64, names ...string) *profile.Sample {
		s := &profile.Sample{Value: []int64{1, value}}
		for _, name := range names {
			s.Location = append(s.Location, &profile.Location{Line: []profile.Line{{Function: &profile.Function{Name: name}}}})
		}
		return s
	}
	for _, test := range []struct {
		sample *profile.Sample
		want   string
	}{
		{stack(1, "crypto/internal/fips140/x", "crypto/ed25519.Verify", "github.com/actprotocol/act-go/verifier.(*Verifier).PaymentRequest", "net/http.(*conn).serve"), "signatures checked: request and order"},
		{stack(1, "runtime.memmove", "github.com/actprotocol/act-go/verifier.(*Verifier).PaymentRequest", "net/http.(*conn).serve"), "request: form, canonical form, digests, key"},
		{stack(1, "internal/runtime/syscall.Syscall6", "crypto/tls.(*Conn).Write", "net/http.(*conn).serve"), "TLS, with the network below it"},
		{stack(1, "runtime.scanobject", "runtime.gcBgMarkWorker.func2", "runtime.gcBgMarkWorker"), "garbage collection"},
		{stack(1, "elsewhere.f"), "other"},
		{stack(1), "other"},
	} {
		if got := stageName(test.sample); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
	if _, err := stagesOf([]byte("not a profile")); err == nil {
		t.Error("anything is a profile")
	}
}

// A search ends near the highest rate that passes, from below, and after few
// probes; where none passes it goes down.
func TestSearch(t *testing.T) {
	seek := func(limit float64) search {
		s := search{high: 6000}
		for {
			rate, ok := s.next()
			if !ok {
				return s
			}
			s.tried(rate, rate <= limit)
		}
	}
	for _, limit := range []float64{5900, 5000, 4000, 3000, 2000} {
		s := seek(limit)
		if s.low > limit || s.low < 0.8*limit || s.probes > mostProbes {
			t.Errorf("%.0f for %.0f after %d probes", s.low, limit, s.probes)
		}
	}
	if s := seek(0); s.low != 0 || s.high > 1200 || s.probes != mostProbes {
		t.Errorf("%+v", s)
	}
}
