package live_test

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/conformance/live"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

const method = "urn:act:payment:conformance"

func must[T any](t *testing.T, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// localTLS is one certificate for all servers of a test.
func localTLS(t *testing.T) *live.LocalTLS {
	t.Helper()
	local, err := live.NewLocalTLS()
	return must(t, local, err)
}

// freePort is an address on which nobody listens.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return must(t, port, err)
}

// site is where the suite will serve its parties.
func site(t *testing.T, local *live.LocalTLS) live.Site {
	port := freePort(t)
	return live.Site{Listen: "127.0.0.1:" + port, Host: "localhost:" + port, TLS: local.Config, Roots: local.Roots}
}

// A server is one under test: a handler behind TLS, with a DID.
type server struct {
	host   string
	mux    *http.ServeMux
	did    identity.DID
	signer *keys.Signer
}

// serve starts a server for a party with one key, whose document it serves.
func serve(t *testing.T, local *live.LocalTLS, name string, purpose keys.Purpose) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	must(t, port, err)
	s := &server{host: "localhost:" + port, mux: http.NewServeMux()}
	did, err := identity.NewActDID(s.host, name)
	s.did = must(t, did, err)
	private, err := keys.Generate(keys.EdDSA)
	must(t, private, err)
	signer, err := keys.NewSigner(did.String()+"#k1", purpose, private)
	s.signer = must(t, signer, err)
	documents, err := identity.Handler(&identity.Document{ID: did, Keys: []identity.Key{{ID: signer.KeyID(), Purpose: purpose, Public: signer.Public()}}})
	s.mux.Handle("/.well-known/act/", must(t, documents, err))
	h := &http.Server{Handler: s.mux, TLSConfig: local.Config.Clone(), ReadHeaderTimeout: 5 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = h.ServeTLS(l, "", "") }()
	t.Cleanup(func() { _ = h.Close() })
	return s
}

// run runs the checks whose ids begin so, and returns the results by id.
func run(t *testing.T, s *live.Scenario, only ...string) map[string]conformance.Result {
	t.Helper()
	var checks []live.Check
	for _, c := range live.Checks(s.Kind()) {
		if len(only) == 0 || slices.ContainsFunc(only, func(o string) bool { return strings.HasPrefix(c.ID, o) }) {
			checks = append(checks, c)
		}
	}
	if len(checks) == 0 {
		t.Fatal("no checks")
	}
	report, err := live.Run(context.Background(), s, checks, live.Config{Parallel: 12})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]conformance.Result{}
	for _, r := range report.Results {
		out[r.ID] = r
	}
	return out
}

// passes fails the test for each result that is neither a pass nor among the
// skips that are expected.
func passes(t *testing.T, results map[string]conformance.Result, skipped ...string) {
	t.Helper()
	for id, r := range results {
		switch {
		case r.Verdict == conformance.Pass:
		case r.Verdict == conformance.Skip && slices.ContainsFunc(skipped, func(s string) bool { return strings.HasPrefix(id, s) }):
		default:
			t.Errorf("%s: %s: expected %s %s %s, actual %s %s %s %s%s", id, r.Verdict, r.Expected.Outcome, r.Expected.Code, r.Expected.Output,
				r.Actual.Outcome, r.Actual.Code, r.Actual.Output, r.Actual.Message, r.Actual.Reason)
			for _, x := range r.Exchange[max(0, len(r.Exchange)-1):] {
				t.Logf("%v %.900s", x.Sent, x.Text)
			}
		}
	}
}
