package verifier_test

import (
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/verifier"
)

func TestHTTPClient(t *testing.T) {
	slow := make(chan struct{})
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "/", http.StatusTemporaryRedirect)
		case "/slow":
			<-slow
		}
	}))
	defer server.Close()
	defer close(slow)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	post := func(c verifier.HTTPClientConfig, url string) (int, error) {
		r, err := verifier.NewHTTPClient(c).Post(url, "application/json", strings.NewReader("{}"))
		if err != nil {
			return 0, err
		}
		return r.StatusCode, r.Body.Close()
	}
	local := verifier.HTTPClientConfig{Roots: roots, InsecureAllowLoopback: true, Timeout: 300 * time.Millisecond}
	if code, err := post(local, server.URL+"/"); err != nil || code != http.StatusOK {
		t.Fatalf("%d, %v", code, err)
	}
	if code, err := post(local, server.URL+"/redirect"); err != nil || code != http.StatusTemporaryRedirect {
		t.Errorf("PSD-PAY-DEL-13 a redirect was followed: %d, %v", code, err)
	}
	if _, err := post(local, server.URL+"/slow"); err == nil {
		t.Error("PSD-PAY-DEL-13 waits for ever")
	}
	if _, err := post(verifier.HTTPClientConfig{Roots: roots}, server.URL+"/"); !errors.Is(err, verifier.ErrAddressRefused) {
		t.Errorf("PSD-PAY-DEL-13 loopback: %v", err)
	}
	for _, url := range []string{"http://127.0.0.1/", "https://user:secret@127.0.0.1/", "ftp://127.0.0.1/"} {
		if _, err := post(local, url); !errors.Is(err, verifier.ErrURLRefused) {
			t.Errorf("PSD-PAY-DEL-13 %s: %v", url, err)
		}
	}
	for _, address := range []string{"10.0.0.1", "169.254.169.254", "192.168.1.1", "[fd00::1]", "0.0.0.0", "[::ffff:10.0.0.1]"} {
		if _, err := post(local, "https://"+address+"/"); !errors.Is(err, verifier.ErrAddressRefused) {
			t.Errorf("PSD-PAY-DEL-13 %s: %v", address, err)
		}
	}
}
