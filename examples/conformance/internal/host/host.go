// Package host is what the programs beside it share, which are there to be
// tested by the conformance suite: flags, keys that live as long as the process,
// TLS from files, and a desk behind a token from the environment.
package host

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

// TokenVariable names the environment variable with the desk's token.
const TokenVariable = "ACT_CONFORMANCE_TOKEN"

// A Host is a program that is served over HTTPS on this machine.
type Host struct {
	Addr, Cert, Key, Roots string
	Mux                    *http.ServeMux
}

// Flags registers the flags that all programs have.
func Flags() *Host {
	h := &Host{Mux: http.NewServeMux()}
	flag.StringVar(&h.Addr, "addr", "127.0.0.1:0", "address to listen on; the port is part of the identifiers")
	flag.StringVar(&h.Cert, "tls-cert", "", "certificate for localhost, PEM")
	flag.StringVar(&h.Key, "tls-key", "", "its private key, PEM")
	flag.StringVar(&h.Roots, "roots", "", "certificates that are trusted when fetching, PEM (default those of -tls-cert)")
	return h
}

// Name is the host of identifiers: localhost and the port.
func (h *Host) Name() (string, error) {
	_, port, err := net.SplitHostPort(h.Addr)
	if err != nil || port == "0" {
		return "", errors.New("-addr is an address with a port")
	}
	return "localhost:" + port, nil
}

// DID is the identifier of a name on this host.
func (h *Host) DID(name string) (identity.DID, error) {
	host, err := h.Name()
	if err != nil {
		return identity.DID{}, err
	}
	return identity.NewActDID(host, name)
}

// Pool is what is trusted when fetching.
func (h *Host) Pool() (*x509.CertPool, error) {
	name := h.Roots
	if name == "" {
		name = h.Cert
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("%s holds no certificate", name)
	}
	return pool, nil
}

// NewSigner makes a key for a purpose that ends with the process.
func NewSigner(did identity.DID, purpose keys.Purpose) (*keys.Signer, error) {
	private, err := keys.Generate(keys.EdDSA)
	if err != nil {
		return nil, err
	}
	return keys.NewSigner(did.String()+"#"+string(purpose)+"-"+canon.UUID()[:8], purpose, private)
}

// Desk serves one action of the operator's: a JSON object of texts in, one out.
// Without the token in the environment there is no desk.
func (h *Host) Desk(path string, do func(ctx context.Context, form map[string]string) (map[string]string, error)) {
	token := os.Getenv(TokenVariable)
	if len(token) < 16 {
		return
	}
	h.Mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+token)) != 1 {
			http.Error(w, "not the operator", http.StatusUnauthorized)
			return
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, canon.DefaultMaxBytes))
		var form, out map[string]string
		if err == nil {
			form, err = texts(body)
		}
		if err == nil {
			out, err = do(r.Context(), form)
		}
		text, encoding := canon.Marshal(out)
		if err = errors.Join(err, encoding); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text)
	})
}

// texts reads a JSON object: texts as they are, any other value as JSON.
func texts(body []byte) (map[string]string, error) {
	var members map[string]jsontext.Value
	if err := canon.Decode(body, &members); err != nil {
		return nil, err
	}
	form := map[string]string{}
	for name, v := range members {
		form[name] = string(v)
		if v.Kind() == '"' {
			plain, err := jsontext.AppendUnquote(nil, v)
			if err != nil {
				return nil, err
			}
			form[name] = string(plain)
		}
	}
	return form, nil
}

// Serve serves until the process is told to end.
func (h *Host) Serve() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	pair, err := tls.LoadX509KeyPair(h.Cert, h.Key)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", h.Addr)
	if err != nil {
		return err
	}
	s := &http.Server{
		Handler: h.Mux, TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: time.Minute,
	}
	go func() {
		<-ctx.Done()
		_ = s.Close()
	}()
	if err := s.ServeTLS(l, "", ""); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
