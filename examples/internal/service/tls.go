package service

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/actprotocol/act-go/examples/internal/folder"
	"github.com/actprotocol/act-go/examples/internal/localtls"
	"github.com/actprotocol/act-go/examples/internal/settings"
)

// TLS is how a program is recognised and whom it recognises. Cert with Key, or
// ACME, or neither: then the folder's own authority certifies localhost.
type TLS struct {
	Cert, Key     string // files
	ACME          ACME
	Roots         string // file of authorities to trust beside the system's
	AllowLoopback bool   // trust the folder's own authority too
}

// Declare adds the settings of a program that has identifiers to fetch.
func (t *TLS) Declare(s *settings.Set) {
	t.DeclareServer(s)
	s.StringVar(&t.Roots, "roots", "", "certificates in PEM to trust, beside the system's, when fetching documents")
	s.BoolVar(&t.AllowLoopback, "insecure-allow-loopback", false, "fetch documents from this machine too, for local demonstrations")
}

// DeclareServer adds the settings of a program that only serves.
func (t *TLS) DeclareServer(s *settings.Set) {
	s.StringVar(&t.Cert, "tls-cert", "", "certificate chain in PEM, read again when it changes (default one of the program's own, for localhost)")
	s.StringVar(&t.Key, "tls-key", "", "key of -tls-cert in PEM")
	t.ACME.declare(s)
}

// Own reports whether the folder's own authority certifies the program.
func (t TLS) Own() bool { return t.Cert == "" && !t.ACME.On }

// Check finds settings that contradict each other. host is that of the
// program's identifier, empty when the operator has named none.
func (t TLS) Check(host string) error {
	switch {
	case (t.Cert == "") != (t.Key == ""):
		return errors.New("-tls-cert and -tls-key go together")
	case t.Cert != "" && t.ACME.On:
		return errors.New("-tls-cert and -acme exclude each other")
	case t.ACME.On:
		return t.ACME.check(host)
	}
	return nil
}

// Load returns how we are recognised, and whom we recognise when we fetch
// documents. host is that of the program's identifier.
func (t TLS) Load(f folder.Folder, host string, log *slog.Logger) (*tls.Config, *x509.CertPool, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // a system without any: only Roots and our own count
	}
	if t.Roots != "" {
		data, err := os.ReadFile(t.Roots)
		if err != nil {
			return nil, nil, err
		}
		if !roots.AppendCertsFromPEM(data) {
			return nil, nil, errors.New("-roots holds no certificate")
		}
	}
	if t.Cert != "" {
		files, err := loadFiles(t.Cert, t.Key, log)
		if err != nil {
			return nil, nil, err
		}
		return &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: files.certificate}, roots, nil
	}
	if t.ACME.On {
		config, err := t.ACME.config(f, host)
		return config, roots, err
	}
	ca, err := localtls.LoadCA(string(f))
	if err != nil {
		return nil, nil, err
	}
	if t.AllowLoopback {
		ca.AddTo(roots)
	}
	config, err := ca.ServerConfig()
	return config, roots, err
}

// lookAgain is how often the files of a certificate are looked at.
const lookAgain = 10 * time.Second

// files is a certificate whose files somebody else renews.
type files struct {
	cert, key string
	log       *slog.Logger
	now       func() time.Time

	mu     sync.Mutex
	pair   *tls.Certificate
	seen   [2]time.Time // when the files were last changed
	looked time.Time
}

func loadFiles(cert, key string, log *slog.Logger) (*files, error) {
	f := &files{cert: cert, key: key, log: log, now: time.Now}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, err
	}
	f.pair, f.looked = &pair, f.now()
	f.seen, err = f.changed()
	return f, err
}

func (f *files) changed() (at [2]time.Time, err error) {
	for i, name := range []string{f.cert, f.key} {
		info, err := os.Stat(name)
		if err != nil {
			return at, err
		}
		at[i] = info.ModTime()
	}
	return at, nil
}

// certificate returns the pair, read again when a file has changed. While the
// new files do not fit together, which they may not in the middle of a renewal,
// the old pair holds, and the log says so.
func (f *files) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if now.Sub(f.looked).Abs() < lookAgain {
		return f.pair, nil
	}
	f.looked = now
	at, err := f.changed()
	if err == nil && at == f.seen {
		return f.pair, nil
	}
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		f.log.Warn("the certificate's files changed and do not hold one; the old one stays")
		return f.pair, nil
	}
	f.pair, f.seen = &pair, at
	f.log.Info("a renewed certificate is served")
	return f.pair, nil
}

// Client is an HTTP client for parties that the operator has named.
func Client(roots *x509.CertPool) *http.Client {
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: 10 * time.Second, MaxResponseHeaderBytes: 16 << 10, IdleConnTimeout: time.Minute,
	}}
}
