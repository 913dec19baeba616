package service_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/internal/folder"
	"github.com/actprotocol/act-go/examples/internal/localtls"
	"github.com/actprotocol/act-go/examples/internal/service"
	"github.com/actprotocol/act-go/examples/internal/settings"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTLSCheck(t *testing.T) {
	for name, c := range map[string]struct {
		how  service.TLS
		host string
		good bool
	}{
		"our own":             {service.TLS{}, "", true},
		"files":               {service.TLS{Cert: "c", Key: "k"}, "", true},
		"half a pair":         {service.TLS{Cert: "c"}, "", false},
		"the other half":      {service.TLS{Key: "k"}, "", false},
		"files and ACME":      {service.TLS{Cert: "c", Key: "k", ACME: service.ACME{On: true}}, "a.example", false},
		"ACME":                {service.TLS{ACME: service.ACME{On: true}}, "a.example", true},
		"ACME, with a port":   {service.TLS{ACME: service.ACME{On: true}}, "a.example:8443", true},
		"ACME without a host": {service.TLS{ACME: service.ACME{On: true}}, "", false},
		"ACME for localhost":  {service.TLS{ACME: service.ACME{On: true}}, "localhost:8443", false},
		"ACME for an address": {service.TLS{ACME: service.ACME{On: true}}, "192.0.2.1", false},
		"ACME in the clear":   {service.TLS{ACME: service.ACME{On: true, Directory: "http://acme.example"}}, "a.example", false},
		"ACME with a own one": {service.TLS{ACME: service.ACME{On: true, Directory: "https://acme.example"}}, "a.example", true},
	} {
		if err := c.how.Check(c.host); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLoad(t *testing.T) {
	log, dir := slog.New(slog.DiscardHandler), t.TempDir()
	f, err := folder.Open(filepath.Join(dir, "data"))
	must(t, err)
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	own, roots, err := service.TLS{AllowLoopback: true}.Load(f, "localhost:1", log)
	must(t, err)
	leaf, err := x509.ParseCertificate(own.Certificates[0].Certificate[0])
	must(t, err)
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "localhost"}); err != nil {
		t.Errorf("our own authority is not among the roots: %v", err)
	}
	for name, how := range map[string]service.TLS{
		"no such roots":    {Roots: filepath.Join(dir, "none")},
		"no roots in it":   {Roots: file("empty", "nothing")},
		"no such pair":     {Cert: filepath.Join(dir, "none"), Key: filepath.Join(dir, "none")},
		"no ACME roots":    {ACME: service.ACME{On: true, Roots: filepath.Join(dir, "none")}},
		"nothing for ACME": {ACME: service.ACME{On: true, Roots: file("empty2", "nothing")}},
	} {
		if _, _, err := how.Load(f, "a.example", log); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
}

func TestServe(t *testing.T) {
	ca, err := localtls.NewCA()
	must(t, err)
	config, err := ca.ServerConfig()
	must(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	url := "https://localhost:" + strings.TrimPrefix(listener.Addr().String(), "127.0.0.1:")
	begun, end := make(chan struct{}), make(chan struct{})
	health := service.NewHealth(func(context.Context) error { return nil })
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+service.LivePath, health.Live)
	mux.HandleFunc("GET "+service.ReadyPath, health.Readiness)
	mux.HandleFunc("/slow", func(w http.ResponseWriter, _ *http.Request) { close(begun); <-end; _, _ = io.WriteString(w, "whole") })
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- service.Server{
			Listener: listener, TLS: config, Handler: mux, Log: slog.New(slog.DiscardHandler), Leaving: health.Leave, Notice: time.Second,
		}.Run(ctx)
	}()
	client := service.Client(ca.Pool())
	get := func(path string) (int, string) {
		resp, err := client.Get(url + path)
		if err != nil {
			return 0, err.Error()
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body)
	}
	for path, want := range map[string]string{service.LivePath: "ok\n", service.ReadyPath: "ready\n"} {
		if status, body := get(path); status != http.StatusOK || body != want {
			t.Errorf("%s: %d %q", path, status, body)
		}
	}
	answer := make(chan string, 1)
	go func() { _, body := get("/slow"); answer <- body }()
	<-begun
	stop()
	t.Run("a leaving program is not ready, and lives", func(t *testing.T) {
		time.Sleep(100 * time.Millisecond)
		if status, _ := get(service.ReadyPath); status != http.StatusServiceUnavailable {
			t.Errorf("ready: %d", status)
		}
		if status, _ := get(service.LivePath); status != http.StatusOK {
			t.Errorf("alive: %d", status)
		}
	})
	time.Sleep(1200 * time.Millisecond) // the notice is over
	close(end)
	if body := <-answer; body != "whole" {
		t.Errorf("what had begun was answered with %q", body)
	}
	must(t, <-ended)
	if status, _ := get(service.LivePath); status != 0 {
		t.Error("it serves after its end")
	}
}

// TestReadyIsAskedOnce: strangers who ask for readiness do not load the store.
func TestReadyIsAskedOnce(t *testing.T) {
	var asked atomic.Int64
	down := errors.New("secret of the store")
	h := service.NewHealth(func(ctx context.Context) error {
		asked.Add(1)
		if _, limited := ctx.Deadline(); !limited {
			t.Error("the probe has no end")
		}
		return down
	})
	for range 1000 {
		w := httptest.NewRecorder()
		h.Readiness(w, httptest.NewRequest("GET", service.ReadyPath, nil))
		if w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "secret") {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	if n := asked.Load(); n > 2 {
		t.Errorf("asked %d times", n)
	}
}

func TestLog(t *testing.T) {
	var out bytes.Buffer
	var l service.Log
	s := settings.New("p", "ACT_P", io.Discard)
	l.Declare(s)
	_, err := s.Read([]string{"-v", "-log-format", "json"}, nil)
	must(t, err)
	l.New(&out).Info("said")
	if !strings.HasPrefix(out.String(), "{") {
		t.Errorf("%s", &out)
	}
	if _, err := s.Read([]string{"-log-format", "xml"}, nil); err == nil {
		t.Error("a format that is none")
	}
	out.Reset()
	if service.Log.New(service.Log{}, &out).Info("quiet"); out.Len() > 0 {
		t.Errorf("%s", &out)
	}
}
