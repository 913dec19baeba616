package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/actprotocol/act-go/examples/internal/folder"
	"github.com/actprotocol/act-go/examples/internal/localtls"
	"github.com/actprotocol/act-go/examples/internal/service"
	"github.com/actprotocol/act-go/examples/trustchain/chain"
	"github.com/actprotocol/act-go/examples/trustchain/cosigner"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/trustlog"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The program cosigns the first checkpoint of a log, and after a restart knows
// it still: a second log from the beginning with the same key, which has other
// anchors, would be refused; the same one goes on.
func TestProgram(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	must(t, err)
	must(t, l.Close())
	dir, logs := filepath.Join(t.TempDir(), "witness"), folder.Folder(t.TempDir())
	key, err := logs.Key("key.pem", "did:act:chain.example/log#log-1", keys.Anchor)
	must(t, err)
	public, _ := key.Public().Crypto().(ed25519.PublicKey)
	vkey, err := note.NewEd25519VerifierKey("chain.example/log/retail", public)
	must(t, err)
	for range 2 {
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() {
			ended <- run(ctx, []string{"-addr", "127.0.0.1:" + port, "-data", dir, "-log", vkey}, &bytes.Buffer{}, &bytes.Buffer{})
		}()
		client := connect(t, dir, port)
		config := chain.Config{
			Path: logs.Path("logs.db"), Chain: "chain.example/log", Channels: []string{"retail"}, Signer: key, Witnesses: []chain.Witness{client},
		}
		opened, err := chain.Open(ctx, config)
		must(t, err)
		cp, err := opened.Checkpoint("retail")
		must(t, err)
		if !bytes.Contains(cp.Note, []byte("— localhost:"+port+"/witness ")) {
			t.Errorf("checkpoint %s", cp.Note)
		}
		must(t, opened.Close())
		stop()
		must(t, <-ended)
	}
}

// connect waits until the program answers, and returns a client of it.
func connect(t *testing.T, dir, port string) *cosigner.Client {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		client, err := dial(dir, port)
		if err == nil {
			return client
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func dial(dir, port string) (*cosigner.Client, error) {
	f := folder.Folder(dir)
	certificate, err := os.ReadFile(f.Path(localtls.CertificateFile))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certificate)
	http := service.Client(pool)
	resp, err := http.Get("https://localhost:" + port + "/")
	if err != nil {
		return nil, err
	}
	if err := resp.Body.Close(); err != nil {
		return nil, err
	}
	key, err := f.Key("key.pem", "did:act:localhost%3A"+port+"/witness#witness-1", keys.Anchor)
	if err != nil {
		return nil, err
	}
	return cosigner.NewClient(trustlog.Witness{Name: "localhost:" + port + "/witness", Key: key.Public()}, "https://localhost:"+port, http), nil
}

func TestFlags(t *testing.T) {
	for _, args := range [][]string{{"-log", "x"}, {"-data", t.TempDir(), "-addr", "127.0.0.1:0"}} {
		if err := run(context.Background(), args, &bytes.Buffer{}, &bytes.Buffer{}); err == nil || errors.Is(err, context.Canceled) {
			t.Errorf("%q: %v", args, err)
		}
	}
}
