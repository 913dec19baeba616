package localtls

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func serve(t *testing.T, ca *CA) *httptest.Server {
	t.Helper()
	config, err := ca.ServerConfig()
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }))
	s.TLS = config
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func get(url string, roots *x509.CertPool) error {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	defer client.CloseIdleConnections()
	resp, err := client.Get(url)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func TestServer(t *testing.T) {
	ca, err := NewCA()
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewCA()
	if err != nil {
		t.Fatal(err)
	}
	url := serve(t, ca).URL
	byName := strings.Replace(url, "127.0.0.1", "localhost", 1)
	for _, u := range []string{url, byName} {
		if err := get(u, ca.Pool()); err != nil {
			t.Errorf("%v", err)
		}
		if err := get(u, other.Pool()); err == nil {
			t.Error("another authority's pool accepts the server")
		}
	}
	both := other.Pool()
	ca.AddTo(both)
	if err := get(url, both); err != nil {
		t.Errorf("%v", err)
	}
}

// TestConstraint makes what a thief of the authority's key would make: a
// certificate for somebody else.
func TestConstraint(t *testing.T) {
	ca, err := NewCA()
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, leaf := range map[string]x509.Certificate{
		"a name":           {DNSNames: []string{"bank.example"}},
		"an address":       {IPAddresses: []net.IP{net.IPv4(192, 0, 2, 1)}},
		"a lookalike":      {DNSNames: []string{"localhost.bank.example"}},
		"localhost itself": {DNSNames: []string{"localhost"}},
	} {
		leaf.SerialNumber, leaf.NotBefore, leaf.NotAfter = big.NewInt(7), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		der, err := x509.CreateCertificate(rand.Reader, &leaf, ca.certificate, key.Public(), ca.key)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		_, err = parsed.Verify(x509.VerifyOptions{Roots: ca.Pool()})
		if good := name == "localhost itself"; (err == nil) != good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLoadCA(t *testing.T) {
	dir := t.TempDir()
	first, err := LoadCA(dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := LoadCA(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := get(serve(t, second).URL, first.Pool()); err != nil {
		t.Errorf("the kept authority is another one: %v", err)
	}
	if info, err := os.Stat(filepath.Join(dir, KeyFile)); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v, %v", info.Mode(), err)
	}

	t.Run("killed between the two files", func(t *testing.T) {
		half := t.TempDir()
		if err := os.WriteFile(filepath.Join(half, KeyFile), []byte("the first half"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadCA(half); err != nil {
			t.Error(err)
		}
		if _, err := LoadCA(half); err != nil {
			t.Error(err)
		}
	})
	t.Run("certificate without key", func(t *testing.T) {
		half := t.TempDir()
		if err := os.WriteFile(filepath.Join(half, CertificateFile), first.CertificatePEM(), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadCA(half); err == nil {
			t.Error("a certificate without key was accepted, or written over")
		}
	})
	t.Run("not a pair", func(t *testing.T) {
		mixed := t.TempDir()
		if _, err := LoadCA(mixed); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(mixed, CertificateFile), first.CertificatePEM(), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadCA(mixed); err == nil {
			t.Error("accepted")
		}
	})
	t.Run("no folder", func(t *testing.T) {
		if _, err := LoadCA(filepath.Join(dir, "none")); err == nil {
			t.Error("accepted")
		}
	})
}
