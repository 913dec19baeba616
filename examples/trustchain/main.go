// A trust chain: an append-only log of anchors for each privacy channel, which
// speaks SPEC.md 10.4, on one SQLite file.
//
//	go run ./examples/trustchain -channels retail -admit all
//
// serves on loopback, prints its name and keys, and keeps everything in the
// folder trustchain-data. Kill it at any moment and start it again: what it
// answered is there, and nothing contradicts it. Never start it on an older copy
// of its folder: what was shown since would be contradicted, and the log's
// clients and witnesses would tell everybody.
package main

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/mod/sumdb/note"

	"github.com/actprotocol/act-go/examples/internal/folder"
	"github.com/actprotocol/act-go/examples/internal/limit"
	"github.com/actprotocol/act-go/examples/internal/service"
	"github.com/actprotocol/act-go/examples/internal/settings"
	"github.com/actprotocol/act-go/examples/trustchain/chain"
	"github.com/actprotocol/act-go/examples/trustchain/cosigner"
	"github.com/actprotocol/act-go/examples/trustchain/server"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/trustlog"
	"github.com/actprotocol/act-go/verifier"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "trustchain:", err)
		os.Exit(1)
	}
}

// options are the settings.
type options struct {
	addr, host, name, data, channels, admit string
	witnesses                               []string
	quorum                                  int
	tls                                     service.TLS
	log                                     service.Log
	audit                                   bool
}

func parse(args []string, stderr io.Writer) (options, *settings.Set, error) {
	var o options
	f := settings.New("trustchain", "ACT_TRUSTCHAIN", stderr)
	f.StringVar(&o.addr, "addr", "127.0.0.1:8444", "address to listen on")
	f.StringVar(&o.host, "host", "", "host of the identifier, with a port unless it is 443 (default localhost and the port of -addr)")
	f.StringVar(&o.name, "name", "log", "name of the identifier")
	f.StringVar(&o.data, "data", "trustchain-data", "folder of key and logs, made when absent")
	f.StringVar(&o.channels, "channels", "retail", "privacy channels to serve, with commas")
	f.StringVar(&o.admit, "admit", "", "file with a line \"channel DID\" for each submitter, or \"all\"; nobody when empty")
	f.Func("witness", "\"URL KEY\" of a witness to ask; may be given several times", func(s string) error {
		o.witnesses = append(o.witnesses, s)
		return nil
	})
	f.IntVar(&o.quorum, "quorum", 0, "how many witnesses must have signed before a checkpoint is shown (default all)")
	o.tls.Declare(f)
	o.log.Declare(f)
	f.BoolVar(&o.audit, "audit", false, "recompute the logs from the anchors, report, and end")
	left, err := f.Read(args, os.Environ())
	if err != nil {
		return o, f, err
	}
	if len(left) > 0 {
		return o, f, errors.New("no arguments are expected")
	}
	return o, f, o.tls.Check(o.host)
}

// run is the program; it ends when ctx does.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	o, set, err := parse(args, stderr)
	if err != nil {
		return err
	}
	f, err := folder.Open(o.data)
	if err != nil {
		return err
	}
	release, err := f.Lock("lock")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	log := o.log.New(stderr)
	set.Warn(log)
	listener, err := net.Listen("tcp", o.addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	return serve(ctx, o, f, limit.NewListener(listener, maxConnections, maxOfOne, nil), log, stdout)
}

// The connections that are open at once, altogether and of one address.
const maxConnections, maxOfOne = 4096, 256

// serve opens the chain and serves it.
func serve(ctx context.Context, o options, f folder.Folder, listener net.Listener, log *slog.Logger, stdout io.Writer) (err error) {
	id, err := identifier(o, listener.Addr())
	if err != nil {
		return err
	}
	if err := f.CheckName("name", id.String()); err != nil {
		return err
	}
	signer, err := f.Key("key.pem", id.String()+"#log-1", keys.Anchor)
	if err != nil {
		return err
	}
	config, roots, err := o.tls.Load(f, id.Host(), log)
	if err != nil {
		return err
	}
	witnesses, err := o.askers(roots)
	if err != nil {
		return err
	}
	channels := strings.Split(o.channels, ",")
	logs, err := chain.Open(ctx, chain.Config{
		Path: f.Path("logs.db"), Chain: id.Host() + server.Base(id), Signer: signer, Channels: channels, Witnesses: witnesses, Quorum: o.quorum,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, logs.Close()) }()
	if o.audit {
		return audit(ctx, logs, channels, stdout)
	}
	admit, err := o.admitted(channels)
	if err != nil {
		return err
	}
	reader, err := readers(f, channels)
	if err != nil {
		return err
	}
	s, err := server.New(server.Config{
		ID: id, Chain: logs, Admit: admit, Reader: reader, Log: log,
		Document: &identity.Document{ID: id, Keys: []identity.Key{{ID: signer.KeyID(), Public: signer.Public(), Purpose: keys.Anchor}}},
		Keys:     verifier.NewResolver(verifier.ResolverConfig{RootCAs: roots, InsecureAllowLoopback: o.tls.AllowLoopback}),
	})
	if err != nil {
		return err
	}
	if err := announce(stdout, o, f, id, signer, channels); err != nil {
		return err
	}
	return service.Server{Listener: listener, TLS: config, Handler: health(s, logs, channels[0]), Log: log}.Run(ctx)
}

// health adds the program's health to what is served: it is ready when a
// checkpoint can be shown.
func health(next http.Handler, logs *chain.Chain, channel string) http.Handler {
	h := service.NewHealth(func(context.Context) error {
		_, err := logs.Checkpoint(channel)
		return err
	})
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+service.LivePath, h.Live)
	mux.HandleFunc("GET "+service.ReadyPath, h.Readiness)
	mux.Handle("/", next)
	return mux
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

// askers are the clients of the witnesses.
func (o options) askers(roots *x509.CertPool) ([]chain.Witness, error) {
	var out []chain.Witness
	for _, w := range o.witnesses {
		url, vkey, ok := strings.Cut(w, " ")
		if !ok || !strings.HasPrefix(url, "https://") {
			return nil, errors.New("-witness is an https URL, a space, and the witness's key")
		}
		who, err := trustlog.ParseWitness(vkey)
		if err != nil {
			return nil, err
		}
		out = append(out, cosigner.NewClient(who, url, service.Client(roots)))
	}
	return out, nil
}

// admitted reads who may submit where.
func (o options) admitted(channels []string) (func(channel, did string) bool, error) {
	switch o.admit {
	case "":
		return func(string, string) bool { return false }, nil
	case "all":
		return func(string, string) bool { return true }, nil
	}
	data, err := os.ReadFile(o.admit)
	if err != nil {
		return nil, err
	}
	known := make(map[[2]string]bool)
	for i, line := range strings.Split(string(data), "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		channel, did, _ := strings.Cut(line, " ")
		if _, err := identity.ParseDID(did); err != nil || !slices.Contains(channels, channel) {
			return nil, fmt.Errorf("-admit: line %d is not a channel and a DID", i+1)
		}
		known[[2]string{channel, did}] = true
	}
	return func(channel, did string) bool { return known[[2]string{channel, did}] }, nil
}

// readersFile holds a token a line for each reader of a channel.
func readersFile(channel string) string { return "readers-" + channel }

// readers reads the tokens, and makes a first one for each channel.
func readers(f folder.Folder, channels []string) (func(channel, token string) bool, error) {
	known := make(map[string][][sha256.Size]byte)
	for _, channel := range channels {
		data, err := f.Kept(readersFile(channel), func() ([]byte, error) { return []byte(canon.Nonce() + canon.Nonce() + "\n"), nil })
		if err != nil {
			return nil, err
		}
		for _, token := range strings.Fields(string(data)) {
			if len(token) < 32 {
				return nil, errors.New(readersFile(channel) + ": a token has at least 32 characters")
			}
			known[channel] = append(known[channel], sha256.Sum256([]byte(token)))
		}
	}
	return func(channel, token string) bool {
		got, found := sha256.Sum256([]byte(token)), 0
		for _, k := range known[channel] {
			found |= subtle.ConstantTimeCompare(k[:], got[:])
		}
		return found == 1
	}, nil
}

func audit(ctx context.Context, logs *chain.Chain, channels []string, w io.Writer) error {
	for _, channel := range channels {
		size, err := logs.Audit(ctx, channel)
		if err != nil {
			return fmt.Errorf("%s: %w", channel, err)
		}
		fmt.Fprintf(w, "%s: %d anchors, the tree is theirs\n", channel, size)
	}
	return nil
}

func announce(w io.Writer, o options, f folder.Folder, id identity.DID, signer *keys.Signer, channels []string) error {
	document, err := id.DocumentURL()
	if err != nil {
		return err
	}
	line := func(name, value string) { fmt.Fprintf(w, "  %-10s %s\n", name, value) }
	fmt.Fprintln(w, "act-go trust chain")
	line("serving", "https://"+id.Host()+server.Base(id))
	line("identifier", id.String())
	line("document", document)
	public, _ := signer.Public().Crypto().(ed25519.PublicKey)
	for _, channel := range channels {
		vkey, err := note.NewEd25519VerifierKey(id.Host()+server.Base(id)+"/"+channel, public)
		if err != nil {
			return err
		}
		line("log", vkey)
		line("readers", f.Path(readersFile(channel)))
	}
	for _, w := range o.witnesses {
		line("witness", w)
	}
	if o.tls.Own() {
		line("trust", f.Path("ca.pem"))
	}
	return nil
}
