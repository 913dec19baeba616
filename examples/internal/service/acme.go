package service

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"github.com/actprotocol/act-go/examples/internal/folder"
	"github.com/actprotocol/act-go/examples/internal/settings"
)

// acmeFolder keeps the account's key, and keys and certificates.
const acmeFolder = "acme"

// ACME gets certificates from an authority and renews them (RFC 8555), by the
// challenge tls-alpn-01 (RFC 8737) on the program's own port: the authority
// must reach it at port 443 of the identifier's host. Keys and certificates are
// kept in the data folder. Only the identifier's host is ever asked for,
// whatever name a client sends.
type ACME struct {
	On        bool
	Directory string // URL; that of Let's Encrypt when empty
	Email     string // where the authority may write to; optional
	Roots     string // file of authorities to trust when talking to Directory
}

func (a *ACME) declare(s *settings.Set) {
	s.BoolVar(&a.On, "acme", false, "get a certificate for the host of the identifier by ACME, and agree to that authority's terms")
	s.StringVar(&a.Directory, "acme-directory", "", "directory of the ACME authority (default Let's Encrypt)")
	s.StringVar(&a.Email, "acme-email", "", "address that the ACME authority may write to")
	s.StringVar(&a.Roots, "acme-roots", "", "certificates in PEM to trust when talking to the ACME authority, instead of the system's")
}

func (a ACME) check(host string) error {
	name := hostname(host)
	switch {
	case name == "" || net.ParseIP(name) != nil || !strings.Contains(name, "."):
		return errors.New("-acme needs -host, a name of the public DNS")
	case a.Directory != "" && !strings.HasPrefix(a.Directory, "https://"):
		return errors.New("-acme-directory is an https URL")
	}
	return nil
}

// hostname is a host without its port.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

func (a ACME) config(f folder.Folder, host string) (*tls.Config, error) {
	client := &acme.Client{DirectoryURL: a.Directory, UserAgent: "act-go"}
	if a.Directory == "" {
		client.DirectoryURL = autocert.DefaultACMEDirectory
	}
	var pool *x509.CertPool // nil is the system's
	if a.Roots != "" {
		data, err := os.ReadFile(a.Roots)
		if err != nil {
			return nil, err
		}
		if pool = x509.NewCertPool(); !pool.AppendCertsFromPEM(data) {
			return nil, errors.New("-acme-roots holds no certificate")
		}
	}
	client.HTTPClient = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: 10 * time.Second, ForceAttemptHTTP2: true,
	}}
	manager := &autocert.Manager{
		Prompt: autocert.AcceptTOS, HostPolicy: autocert.HostWhitelist(hostname(host)), Client: client, Email: a.Email,
		Cache: autocert.DirCache(f.Path(acmeFolder)), // makes it with mode 0700
	}
	config := manager.TLSConfig()
	config.MinVersion = tls.VersionTLS13
	return config, nil
}
