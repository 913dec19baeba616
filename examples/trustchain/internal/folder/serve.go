package folder

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/actprotocol/act-go/examples/internal/localtls"
)

// goodbye is how long requests may take to end once the program was told to.
const goodbye = 10 * time.Second

// TLS is how a program is recognised and whom it recognises.
type TLS struct {
	Cert, Key     string // files; of the folder's own authority, for localhost, when empty
	Roots         string // file of authorities to trust beside the system's
	AllowLoopback bool   // trust the folder's own authority too
}

// Load reads the files.
func (t TLS) Load(f Folder) (*tls.Config, *x509.CertPool, error) {
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
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, nil, err
		}
		return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair}}, roots, nil
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

// Serve serves until ctx ends and the requests that had begun are answered.
func Serve(ctx context.Context, l net.Listener, config *tls.Config, h http.Handler, log *slog.Logger) error {
	web := &http.Server{
		Handler: h, TLSConfig: config,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelInfo),
	}
	failed := make(chan error, 1)
	go func() { failed <- web.ServeTLS(l, "", "") }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
	defer cancel()
	if err := web.Shutdown(last); err != nil {
		return errors.Join(err, web.Close())
	}
	return nil
}

// Client is an HTTP client for parties that the operator has named.
func Client(roots *x509.CertPool) *http.Client {
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: 10 * time.Second, MaxResponseHeaderBytes: 16 << 10, IdleConnTimeout: time.Minute,
	}}
}
