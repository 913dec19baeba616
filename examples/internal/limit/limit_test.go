package limit_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/examples/internal/limit"
)

func TestClient(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7:1234":             "192.0.2.7",
		"[::ffff:192.0.2.7]:1":       "192.0.2.7",
		"[2001:db8:1:2:3:4:5:6]:443": "2001:db8:1:2::/64",
		"[2001:db8:1:2::9]:443":      "2001:db8:1:2::/64",
		"[fe80::1%eth0]:1":           "fe80::/64",
		"127.0.0.1:99":               "",
		"127.9.9.9:99":               "",
		"[::1]:99":                   "",
		"@":                          "",
		"":                           "",
	} {
		if got := limit.Client(address); got != want {
			t.Errorf("%s: %q", address, got)
		}
	}
}

// TestRate: within any time no name gets more than the burst and what the time
// gives, and a name that keeps to the rate gets everything, whatever others do.
func TestRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		perSecond := rapid.IntRange(1, 50).Draw(t, "rate")
		clock := time.Unix(1_000_000, 0)
		r := limit.NewRate(perSecond, rapid.IntRange(2, 8).Draw(t, "names"), func() time.Time { return clock })
		began, got := clock, 0
		step := time.Second / time.Duration(perSecond)
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			clock = clock.Add(rapid.Custom(func(t *rapid.T) time.Duration {
				return time.Duration(rapid.Int64Range(0, int64(2*step)).Draw(t, "pause"))
			}).Draw(t, "pause"))
			if r.Allow("flood") {
				got++
			}
		}
		if most := float64(perSecond)*clock.Sub(began).Seconds() + float64(2*perSecond); float64(got) > most+1e-6 {
			t.Fatalf("%d passed, and at most %v may", got, most)
		}
		for range 3 * perSecond { // somebody floods under names without end
			r.Allow(fmt.Sprint(rapid.Int().Draw(t, "name")))
		}
		for range 5 {
			clock = clock.Add(step + 1)
			if !r.Allow("calm") {
				t.Fatal("a name that keeps to the rate was refused")
			}
		}
	})
}

func TestRateIsBounded(t *testing.T) {
	clock := time.Unix(0, 0)
	r := limit.NewRate(1, 100, func() time.Time { return clock })
	for i := range 10_000 {
		r.Allow(fmt.Sprint(i))
	}
	if n := r.Names(); n != 100 {
		t.Errorf("%d names are remembered", n)
	}
	for range 2 {
		if !r.Allow("victim") {
			t.Error("names that were invented took the tokens of another")
		}
	}
	if r.Allow("victim") {
		t.Error("three at once, where two may")
	}
	clock = clock.Add(-time.Hour)
	if r.Allow("victim") {
		t.Error("a clock that was set back gave a token")
	}
	if off := limit.NewRate(0, 0, nil); !off.Allow("a") || off.Names() != 0 {
		t.Error("no limit is one")
	}
}

// whole is a client by its whole address: on this machine 127.0.0.2 and
// 127.0.0.3 are two.
func whole(address string) string {
	host, _, _ := net.SplitHostPort(address)
	return host
}

// from is a client that comes from an address of this machine.
func from(t *testing.T, ip string) *http.Client {
	t.Helper()
	local := &net.TCPAddr{IP: net.ParseIP(ip)}
	tr := &http.Transport{DialContext: (&net.Dialer{LocalAddr: local, Timeout: 5 * time.Second}).DialContext}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 5 * time.Second}
}

// TestFloodFromOneAddress: over real sockets, one address asks without end; it
// is refused, and another is served meanwhile, each time.
func TestFloodFromOneAddress(t *testing.T) {
	if _, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.ParseIP("127.0.0.3")}); err != nil {
		t.Skip("this system gives loopback one address")
	}
	a := &limit.Addresses{Rate: limit.NewRate(20, 0, nil), Client: whole, Refuse: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTooManyRequests)
	})}
	web := httptest.NewServer(a.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "served") })))
	t.Cleanup(web.Close)
	get := func(c *http.Client) int {
		t.Helper()
		resp, err := c.Get(web.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, resp.Body)
		return resp.StatusCode
	}
	flood, calm := from(t, "127.0.0.2"), from(t, "127.0.0.3")
	served := 0
	for i := range 600 {
		if get(flood) == http.StatusOK {
			served++
		}
		if i%20 == 0 {
			if got := get(calm); got != http.StatusOK {
				t.Fatalf("the calm one got %d", got)
			}
		}
	}
	if served < 40 || served > 300 {
		t.Errorf("%d of 600 were served", served)
	}
	if a.Refused() != int64(600-served) {
		t.Errorf("%d refused", a.Refused())
	}
}

// TestFloodOfConnections: one address opens connections and says nothing; those
// beyond its share are closed at once, and another address gets one. What was
// closed makes room.
func TestFloodOfConnections(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := limit.NewListener(inner, 8, 4, whole)
	web := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = web.Serve(l) }()
	t.Cleanup(func() { _ = web.Close() })
	dial := func(ip string) net.Conn {
		c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}, Timeout: 5 * time.Second}).Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Skip("this system gives loopback one address")
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	closed := func(c net.Conn) bool { // an answer, or the end
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n")
		_ = c.SetReadDeadline(time.Now().Add(2 * time.Second))
		var b [16]byte
		n, _ := c.Read(b[:])
		return !strings.HasPrefix(string(b[:n]), "HTTP/1.1")
	}
	count := func(ip string, n int) (open int, all []net.Conn) {
		for range n {
			c := dial(ip)
			all = append(all, c)
			if !closed(c) {
				open++
			}
		}
		return open, all
	}
	first, conns := count("127.0.0.2", 20)
	second, _ := count("127.0.0.3", 1)
	if first != 4 || second != 1 || l.Open() != 5 || l.Refused() != 16 {
		t.Errorf("%d and %d were served, %d are open, %d were refused", first, second, l.Open(), l.Refused())
	}
	for _, c := range conns {
		_ = c.Close()
	}
	for end := time.Now().Add(5 * time.Second); l.Open() > 1 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if again, _ := count("127.0.0.2", 5); again != 4 {
		t.Errorf("%d were served after room was made", again)
	}
	if total, _ := count("127.0.0.4", 4); total != 3 {
		t.Errorf("%d beside %d, where 8 may be open", total, l.Open())
	}
}

// BenchmarkAllow is what a limit costs a request.
func BenchmarkAllow(b *testing.B) {
	r := limit.NewRate(1_000_000, 0, nil)
	names := make([]string, 256)
	for i := range names {
		names[i] = fmt.Sprintf("did:act:home.example/agent-%d", i)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r.Allow(names[i%len(names)])
	}
}
