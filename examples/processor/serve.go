package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/actprotocol/act-go/examples/internal/folder"
	"github.com/actprotocol/act-go/examples/internal/limit"
	"github.com/actprotocol/act-go/examples/internal/localtls"
	"github.com/actprotocol/act-go/examples/internal/service"
	"github.com/actprotocol/act-go/examples/processor/overview"
	"github.com/actprotocol/act-go/examples/processor/server"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

// serve takes the folder, opens the book, serves until ctx ends, and closes
// both.
func serve(ctx context.Context, o *options, f folder.Folder, log *slog.Logger, stdout io.Writer) error {
	s, err := openStore(ctx, o, f)
	if err != nil {
		return err
	}
	err = serveBook(ctx, o, f, s, log, stdout)
	if err := errors.Join(err, s.close()); err != nil {
		return err
	}
	fmt.Fprintln(stdout, "stopped; the ledger is closed")
	return nil
}

// serveBook puts the parts together, listens, and serves until ctx ends and the
// requests that had begun are answered.
func serveBook(ctx context.Context, o *options, f folder.Folder, s *store, log *slog.Logger, stdout io.Writer) (err error) {
	listener, err := net.Listen("tcp", o.addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	id, err := identifier(o, listener.Addr())
	if err != nil {
		return err
	}
	config, roots, err := o.tls.Load(f, id.Host(), log)
	if err != nil {
		return err
	}
	bounded := limit.NewListener(listener, o.operate.connections, o.operate.connections1, nil)
	token, err := f.Secret(tokenFile)
	if err != nil {
		return err
	}
	desk, err := newOperation(o.operate, bounded, id, s, token)
	if err != nil {
		return err
	}
	processor, end, err := assemble(ctx, o, f, s, id, roots, desk, log)
	if err != nil {
		return err
	}
	defer func() {
		processor.Close()
		err = errors.Join(err, end())
	}()
	handler, err := desk.around(processor)
	if err != nil {
		return err
	}
	stop, err := desk.listen(log)
	if err != nil {
		return err
	}
	defer stop()
	announce(stdout, o, f, s, processor)
	return service.Server{
		Listener: bounded, TLS: config, Handler: handler, Log: log, Leaving: desk.health.Leave, Notice: o.operate.shutdownNotice,
	}.Run(ctx)
}

// assemble makes the processor: its keys, and the sources it asks about others.
func assemble(ctx context.Context, o *options, f folder.Folder, s *store, id identity.DID, roots *x509.CertPool, desk *operation, log *slog.Logger) (p *server.Server, end func() error, err error) {
	signer, err := f.Key(keyFile, id.String()+"#proof-1", keys.Proof)
	if err != nil {
		return nil, nil, err
	}
	resolver := verifier.NewResolver(verifier.ResolverConfig{RootCAs: roots, InsecureAllowLoopback: o.tls.AllowLoopback})
	status, err := verifier.NewStatusClient(verifier.StatusConfig{Keys: resolver, RootCAs: roots, InsecureAllowLoopback: o.tls.AllowLoopback})
	if err != nil {
		return nil, nil, err
	}
	if err := checkIdentifier(f, id, o.changeIdentifier); err != nil {
		return nil, nil, err
	}
	c := server.Config{
		ID: id, Signer: signer, Ledger: s.Book, Keys: resolver, Status: status, OperatorToken: desk.token, TimeToConfirm: o.timeToConfirm,
		Admit: desk.admit, Decided: desk.overview.Decided, SignedIn: desk.overview.SignedIn, Log: log,
		Shared: s.shared, Cause: s.cause,
		Notify: verifier.NewHTTPClient(verifier.HTTPClientConfig{Roots: roots, InsecureAllowLoopback: o.tls.AllowLoopback, Timeout: 10 * time.Second}),
	}
	if end, err = o.attest.open(&c, f, resolver, roots, o.tls.AllowLoopback, log); err != nil {
		return nil, nil, err
	}
	if p, err = server.New(ctx, c); err != nil {
		return nil, nil, errors.Join(err, end())
	}
	return p, end, nil
}

// identifier is the DID of this start.
func identifier(o *options, at net.Addr) (identity.DID, error) {
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

// checkIdentifier compares the identifier of this start with that of the
// first, which the folder keeps. Mandates and payment proofs name the
// identifier: under another one all that are in people's hands are worth
// nothing, so that it changes only when the operator says so.
func checkIdentifier(f folder.Folder, id identity.DID, change bool) error {
	err := f.CheckName(didFile, id.String())
	var other *folder.NameError
	switch {
	case !errors.As(err, &other):
		return err
	case change:
		return f.Keep(didFile, []byte(id.String()+"\n"))
	}
	if _, err := identity.ParseDID(other.Then); err != nil {
		return errors.New(didFile + " holds no identifier")
	}
	return fmt.Errorf("the folder %s is that of %s, and this start would serve as %s: mandates and proofs made for the one do not hold for the other. Give -addr, -host and -name as before, or -change-identifier to mean it", other.Folder, other.Then, other.Now)
}

func announce(w io.Writer, o *options, f folder.Folder, s *store, p *server.Server) {
	document, err := p.ID().DocumentURL()
	if err != nil {
		document = "-"
	}
	base := "https://" + p.ID().Host()
	line := func(name, value string) { fmt.Fprintf(w, "  %-10s %s\n", name, value) }
	fmt.Fprintln(w, "act-go reference payment processor")
	line("serving", p.Endpoint())
	line("identifier", p.ID().String())
	line("document", document)
	for _, k := range p.Document().Keys {
		line("key", k.ID+" ("+string(k.Public.Algorithm())+", "+string(k.Purpose)+")")
	}
	line("cashier", base+server.CashierPath+"/{trade_no}")
	line("ledger", s.where)
	line("desk", base+"/admin, token in "+f.Path(tokenFile))
	line("overview", base+overview.Path+", with the same token")
	if o.tls.Own() {
		line("trust", f.Path(localtls.CertificateFile))
	}
	if o.tls.AllowLoopback {
		line("insecure", "documents are fetched from this machine too")
	}
	fmt.Fprintln(w, "configuration")
	o.set.Print(w)
}
