package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/actprotocol/act-go/examples/internal/localtls"
	"github.com/actprotocol/act-go/examples/processor/ledger"
	"github.com/actprotocol/act-go/examples/processor/server"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

// goodbye is how long requests may take to end once the program was told to.
const goodbye = 10 * time.Second

// serve takes the folder, opens the book, serves until ctx ends, and closes
// both.
func serve(ctx context.Context, o options, f folder, log *slog.Logger, stdout io.Writer) error {
	release, err := f.lock()
	if err != nil {
		return err
	}
	book, err := ledger.Open(ledger.Config{Path: f.path(ledgerFile)})
	if err != nil {
		return errors.Join(err, release())
	}
	err = serveBook(ctx, o, f, book, log, stdout)
	if err := errors.Join(err, book.Close(), release()); err != nil {
		return err
	}
	fmt.Fprintln(stdout, "stopped; the ledger is closed")
	return nil
}

// serveBook puts the parts together, listens, and serves until ctx ends and the
// requests that had begun are answered.
func serveBook(ctx context.Context, o options, f folder, book *ledger.Ledger, log *slog.Logger, stdout io.Writer) error {
	config, roots, err := security(o, f)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	processor, err := assemble(ctx, o, f, book, roots, listener.Addr(), log)
	if err != nil {
		return err
	}
	defer processor.Close()
	web := &http.Server{
		Handler:           processor,
		TLSConfig:         config,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelInfo),
	}
	announce(stdout, o, f, processor)
	failed := make(chan error, 1)
	go func() { failed <- web.ServeTLS(listener, "", "") }()
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

// security returns how we are recognised, and whom we recognise when we fetch
// documents.
func security(o options, f folder) (*tls.Config, *x509.CertPool, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // a system without any: only -roots and our own count
	}
	if o.roots != "" {
		data, err := os.ReadFile(o.roots)
		if err != nil {
			return nil, nil, err
		}
		if !roots.AppendCertsFromPEM(data) {
			return nil, nil, errors.New("-roots holds no certificate")
		}
	}
	if o.tlsCert != "" {
		pair, err := tls.LoadX509KeyPair(o.tlsCert, o.tlsKey)
		if err != nil {
			return nil, nil, err
		}
		return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair}}, roots, nil
	}
	ca, err := localtls.LoadCA(string(f))
	if err != nil {
		return nil, nil, err
	}
	if o.allowLoopback {
		ca.AddTo(roots)
	}
	config, err := ca.ServerConfig()
	return config, roots, err
}

// assemble makes the processor: its identifier, its keys, and the sources it
// asks about others.
func assemble(ctx context.Context, o options, f folder, book *ledger.Ledger, roots *x509.CertPool, at net.Addr, log *slog.Logger) (*server.Server, error) {
	id, err := identifier(o, at)
	if err != nil {
		return nil, err
	}
	private, err := f.proofKey()
	if err != nil {
		return nil, err
	}
	signer, err := keys.NewSigner(id.String()+"#proof-1", keys.Proof, private)
	if err != nil {
		return nil, err
	}
	token, err := f.operatorToken()
	if err != nil {
		return nil, err
	}
	resolver := verifier.NewResolver(verifier.ResolverConfig{RootCAs: roots, InsecureAllowLoopback: o.allowLoopback})
	status, err := verifier.NewStatusClient(verifier.StatusConfig{Keys: resolver, RootCAs: roots, InsecureAllowLoopback: o.allowLoopback})
	if err != nil {
		return nil, err
	}
	if err := f.checkIdentifier(id, o.changeIdentifier); err != nil {
		return nil, err
	}
	return server.New(ctx, server.Config{
		ID: id, Signer: signer, Ledger: book, Keys: resolver, Status: status, OperatorToken: token, TimeToConfirm: o.timeToConfirm, Log: log,
	})
}

// identifier is the DID of this start.
func identifier(o options, at net.Addr) (identity.DID, error) {
	host := o.host
	if host == "" {
		_, port, err := net.SplitHostPort(at.String())
		if err != nil {
			return identity.DID{}, err
		}
		host = net.JoinHostPort("localhost", port)
	}
	return identity.NewActDID(host, o.name)
}

func announce(w io.Writer, o options, f folder, p *server.Server) {
	document, err := p.ID().DocumentURL()
	if err != nil {
		document = "-"
	}
	line := func(name, value string) { fmt.Fprintf(w, "  %-10s %s\n", name, value) }
	fmt.Fprintln(w, "act-go reference payment processor")
	line("serving", p.Endpoint())
	line("identifier", p.ID().String())
	line("document", document)
	for _, k := range p.Document().Keys {
		line("key", k.ID+" ("+string(k.Public.Algorithm())+", "+string(k.Purpose)+")")
	}
	line("cashier", "https://"+p.ID().Host()+server.CashierPath+"/{trade_no}")
	line("ledger", f.path(ledgerFile))
	line("desk", "https://"+p.ID().Host()+"/admin, token in "+f.path(tokenFile))
	if o.tlsCert == "" {
		line("trust", f.path(localtls.CertificateFile))
	}
	if o.allowLoopback {
		line("insecure", "documents are fetched from this machine too")
	}
}
