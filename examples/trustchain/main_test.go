package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/internal/folder"
	"github.com/actprotocol/act-go/examples/internal/localtls"
	"github.com/actprotocol/act-go/examples/internal/service"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/trustlog"
)

var kills = flag.Int("kills", 5, "how often TestKill kills the chain")

// asChain in the environment makes the test binary be the program.
const asChain = "TEST_AS_TRUSTCHAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asChain) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func signer(t testing.TB, keyID string) *keys.Signer {
	t.Helper()
	private, err := keys.Generate(keys.EdDSA)
	must(t, err)
	s, err := keys.NewSigner(keyID, keys.Anchor, private)
	must(t, err)
	return s
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	must(t, err)
	return port
}

// program is the chain as a process of its own, and a shop whose document is
// served at localhost.
type program struct {
	*testing.T
	args []string
	data string
	name string
	cmd  *exec.Cmd
	out  *bytes.Buffer
	shop *keys.Signer
}

func newProgram(t *testing.T) *program {
	t.Helper()
	ca, err := localtls.NewCA()
	must(t, err)
	var documents http.Handler
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { documents.ServeHTTP(w, r) }))
	web.TLS, err = ca.ServerConfig()
	must(t, err)
	_, port, err := net.SplitHostPort(web.Listener.Addr().String())
	must(t, err)
	id, err := identity.NewActDID("localhost:"+port, "coffee")
	must(t, err)
	p := &program{T: t, data: filepath.Join(t.TempDir(), "data"), shop: signer(t, id.String()+"#anchor-1")}
	documents, err = identity.Handler(&identity.Document{ID: id, Keys: []identity.Key{{ID: p.shop.KeyID(), Public: p.shop.Public(), Purpose: keys.Anchor}}})
	must(t, err)
	web.StartTLS()
	t.Cleanup(web.Close)
	roots, admit := filepath.Join(t.TempDir(), "roots.pem"), filepath.Join(t.TempDir(), "admit")
	must(t, os.WriteFile(roots, ca.CertificatePEM(), 0o600))
	must(t, os.WriteFile(admit, []byte("retail "+id.String()+"\n"), 0o600))
	own := freePort(t)
	p.name = "localhost:" + own + "/log"
	p.args = []string{"-addr", "127.0.0.1:" + own, "-data", p.data, "-roots", roots, "-admit", admit, "-insecure-allow-loopback"}
	t.Cleanup(p.kill)
	return p
}

// start runs the program and waits until it serves.
func (p *program) start() {
	p.Helper()
	p.cmd, p.out = exec.Command(os.Args[0], p.args...), new(bytes.Buffer)
	p.cmd.Env = append(os.Environ(), asChain+"=1")
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	must(p, p.cmd.Start())
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := p.answers()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			p.kill()
			p.Fatalf("the chain does not serve: %v\n%s", err, p.out)
		}
	}
}

// answers asks for a checkpoint.
func (p *program) answers() error {
	certificate, err := os.ReadFile(filepath.Join(p.data, localtls.CertificateFile))
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certificate)
	c := service.Client(pool)
	defer c.CloseIdleConnections()
	resp, err := c.Get("https://" + p.name + "/retail/checkpoint")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

// kill is kill -9.
func (p *program) kill() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		p.cmd = nil
	}
}

// client knows the chain by its key and remembers what it sees in a store.
func (p *program) client(store trustlog.Store) *trustlog.Client {
	p.Helper()
	dir := folder.Folder(p.data)
	certificate, err := os.ReadFile(dir.Path(localtls.CertificateFile))
	must(p, err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certificate)
	key, err := dir.Key("key.pem", "did:act:chain.example/log#log-1", keys.Anchor)
	must(p, err)
	token, err := os.ReadFile(dir.Path(readersFile("retail")))
	must(p, err)
	c, err := trustlog.New(trustlog.Config{
		Trust: trustlog.Trust{Chain: p.name, Keys: []keys.PublicKey{key.Public()}}, Store: store, HTTP: service.Client(pool),
		Readers: map[string]string{"retail": strings.TrimSpace(string(token))}, Timeout: 5 * time.Second,
	})
	must(p, err)
	return c
}

func (p *program) recordID(n int) string { return fmt.Sprintf("%s#rec-%032x", p.shop.DID(), n) }

func (p *program) anchor(n int) []byte {
	p.Helper()
	token, err := attestation.SignAnchor(p.shop, &attestation.Record{
		Version: attestation.Version, ID: p.recordID(n), Type: attestation.IntentCreated, EventTime: time.Now().Truncate(time.Second),
		HashAlgorithm: attestation.SHA256, PayloadHash: make([]byte, 32), Links: attestation.Links{IntentID: "urn:uuid:550e8400-e29b-41d4-a716-446655440000"},
	}, "retail", time.Now())
	must(p, err)
	return token
}

// The chain is killed again and again under load. Whoever has a receipt finds
// the anchor where it was, and the client that remembers sees one history.
func TestKill(t *testing.T) {
	p := newProgram(t)
	ctx := context.Background()
	var store trustlog.MemoryStore
	var mu sync.Mutex
	receipts := make(map[int]*trustlog.Place)
	received := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(receipts)
	}
	next := 0
	for round := range *kills {
		before := received()
		p.start()
		client := p.client(&store)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for {
					mu.Lock()
					n := next
					next++
					mu.Unlock()
					place, err := client.Submit(ctx, p.anchor(n))
					if errors.Is(err, trustlog.ErrForked) {
						t.Error(err)
					}
					if err != nil {
						return // killed
					}
					mu.Lock()
					receipts[n] = place
					mu.Unlock()
				}
			})
		}
		// Some are received in every round, on a slow machine too.
		for end := time.Now().Add(30 * time.Second); received() == before && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
		p.kill()
		wg.Wait()
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
	if len(receipts) < *kills {
		t.Fatalf("only %d receipts\n%s", len(receipts), p.out)
	}
	p.start()
	client := p.client(&store)
	for n, receipt := range receipts {
		place, err := client.Find(ctx, "retail", p.recordID(n))
		must(t, err)
		if place.Index != receipt.Index || string(place.Proof()) != string(receipt.Proof()) {
			t.Fatalf("record %d was at %v, is at %v", n, receipt, place)
		}
	}
	latest, err := client.Latest(ctx, "retail")
	must(t, err)
	p.kill()
	t.Logf("%d receipts, %d anchors, %d kills", len(receipts), latest.Size, *kills)
	var out bytes.Buffer
	must(t, run(ctx, append(p.args, "-audit"), &out, &out))
	if want := fmt.Sprintf("retail: %d anchors, the tree is theirs\n", latest.Size); out.String() != want {
		t.Errorf("audit: %q, want %q", out.String(), want)
	}
}

func TestFlags(t *testing.T) {
	for name, args := range map[string][]string{
		"an argument":       {"x"},
		"half a key pair":   {"-tls-cert", "x"},
		"a witness by http": {"-data", t.TempDir(), "-addr", "127.0.0.1:0", "-witness", "http://w w"},
		"a bad channel":     {"-data", t.TempDir(), "-addr", "127.0.0.1:0", "-channels", "Retail"},
		"no such file":      {"-data", t.TempDir(), "-addr", "127.0.0.1:0", "-admit", filepath.Join(t.TempDir(), "none")},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		if err := run(ctx, args, &bytes.Buffer{}, &bytes.Buffer{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
		cancel()
	}
	t.Run("two processes, one folder; another name, one folder", func(t *testing.T) {
		dir, err := folder.Open(t.TempDir())
		must(t, err)
		release, err := dir.Lock("lock")
		must(t, err)
		if _, err := dir.Lock("lock"); err == nil {
			t.Error("locked twice")
		}
		must(t, release())
		must(t, dir.CheckName("name", "a"))
		if err := dir.CheckName("name", "b"); err == nil {
			t.Error("two names")
		}
	})
}
