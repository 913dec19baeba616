package service_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/letsencrypt/challtestsrv"
	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"

	"github.com/actprotocol/act-go/examples/internal/folder"
	"github.com/actprotocol/act-go/examples/internal/localtls"
	"github.com/actprotocol/act-go/examples/internal/service"
)

const publicName = "psp.example.test"

// freeAddress is one of this machine that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

// authority is Pebble, an ACME server, with a DNS in which every name is this
// machine. It validates at the given port. It returns the URL of its directory,
// the file of roots to talk to it, and the roots of its certificates.
func authority(t *testing.T, port int) (directory, roots string, issued *x509.CertPool) {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	quiet := log.New(io.Discard, "", 0)
	at := freeAddress(t)
	dns, err := challtestsrv.New(challtestsrv.Config{Log: quiet, DNSAddrs: []string{at}})
	must(t, err)
	dns.SetDefaultDNSIPv4("127.0.0.1")
	dns.SetDefaultDNSIPv6("")
	go dns.Run()
	t.Cleanup(dns.Shutdown)

	store := db.NewMemoryStore()
	issuer := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {Description: "default"}})
	front := wfe.New(quiet, store, va.New(quiet, 0, port, true, at, store), issuer, []string{"pebble.example.test"}, true, false, 1, 1)
	own, err := localtls.NewCA()
	must(t, err)
	web := httptest.NewUnstartedServer(front.Handler())
	web.TLS, err = own.ServerConfig()
	must(t, err)
	web.StartTLS()
	t.Cleanup(web.Close)
	roots = filepath.Join(t.TempDir(), "acme-roots.pem")
	must(t, os.WriteFile(roots, own.CertificatePEM(), 0o600))
	issued = x509.NewCertPool()
	root, err := x509.ParseCertificate(issuer.GetRootCert(0).DER)
	must(t, err)
	issued.AddCert(root)
	return "https://localhost:" + web.URL[strings.LastIndex(web.URL, ":")+1:] + wfe.DirectoryPath, roots, issued
}

// TestACME gets a certificate from a real ACME server, by the challenge
// tls-alpn-01 on the port that is served, and keeps it over a restart.
func TestACME(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	address, _ := listener.Addr().(*net.TCPAddr)
	directory, roots, issued := authority(t, address.Port)
	dir, err := folder.Open(t.TempDir())
	must(t, err)
	how := service.TLS{ACME: service.ACME{On: true, Directory: directory, Roots: roots, Email: "operator@example.test"}}
	must(t, how.Check(publicName))
	serial := ""
	for _, start := range []string{"the first start", "the second start"} {
		ctx, stop := context.WithCancel(context.Background())
		config, _, err := how.Load(dir, publicName, slog.New(slog.DiscardHandler))
		must(t, err)
		ended := make(chan error, 1)
		go func() {
			ended <- service.Server{Listener: listener, TLS: config, Log: slog.New(slog.DiscardHandler), Handler: http.NotFoundHandler()}.Run(ctx)
		}()
		dialer := &tls.Dialer{NetDialer: &net.Dialer{Timeout: 20 * time.Second}, Config: &tls.Config{ServerName: publicName, RootCAs: issued}}
		c, err := dialer.DialContext(ctx, "tcp", address.String())
		if err != nil {
			t.Fatalf("%s: %v", start, err)
		}
		conn, _ := c.(*tls.Conn)
		got := conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
		if serial != "" && got != serial {
			t.Errorf("%s: another certificate was asked for", start)
		}
		if conn.ConnectionState().Version != tls.VersionTLS13 {
			t.Errorf("%s: not TLS 1.3", start)
		}
		serial = got
		must(t, c.Close())
		other := dialer.Config.Clone()
		other.ServerName = "other.example.test"
		if c, err := tls.Dial("tcp", address.String(), other); err == nil {
			c.Close()
			t.Errorf("%s: a certificate for a name of a stranger's choice", start)
		}
		stop()
		must(t, <-ended)
		if listener, err = net.Listen("tcp", address.String()); err != nil {
			t.Fatal(err)
		}
	}
	must(t, listener.Close())
	must(t, filepath.WalkDir(dir.Path("acme"), func(path string, d os.DirEntry, err error) error {
		if info, e := d.Info(); err == nil && e == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s can be read by others", d.Name())
		}
		return err
	}))
}
