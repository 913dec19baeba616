// A witness: it cosigns checkpoints of the logs that it is told of, and only
// those that continue what it cosigned before (C2SP tlog-witness).
//
//	go run ./examples/trustchain/witness -log "localhost:8444/log/retail+..."
//
// It belongs to somebody else than the log, on another machine. Its key is its
// own; its memory, in the folder, is what it is for.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/actprotocol/act-go/examples/internal/folder"
	"github.com/actprotocol/act-go/examples/internal/service"
	"github.com/actprotocol/act-go/examples/internal/settings"
	"github.com/actprotocol/act-go/examples/trustchain/cosigner"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/trustlog"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "witness:", err)
		os.Exit(1)
	}
}

// run is the program; it ends when ctx does.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	var addr, host, name, data string
	var logs []cosigner.Log
	var tls service.TLS
	var logging service.Log
	f := settings.New("witness", "ACT_WITNESS", stderr)
	f.StringVar(&addr, "addr", "127.0.0.1:8445", "address to listen on")
	f.StringVar(&host, "host", "", "host of the name, with a port unless it is 443 (default localhost and the port of -addr)")
	f.StringVar(&name, "name", "witness", "path of the name")
	f.StringVar(&data, "data", "witness-data", "folder of key and memory, made when absent")
	tls.DeclareServer(f)
	logging.Declare(f)
	f.Func("log", "key of a log to watch, as the log prints it; may be given several times", func(s string) error {
		l, err := cosigner.ParseLog(s)
		logs = append(logs, l)
		return err
	})
	if _, err := f.Read(args, os.Environ()); err != nil {
		return err
	}
	if err := tls.Check(host); err != nil {
		return err
	}
	log := logging.New(stderr)
	f.Warn(log)
	dir, err := folder.Open(data)
	if err != nil {
		return err
	}
	release, err := dir.Lock("lock")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	if host == "" {
		_, port, err := net.SplitHostPort(listener.Addr().String())
		if err != nil {
			return err
		}
		host = net.JoinHostPort("localhost", port)
	}
	id, err := identity.NewActDID(host, name)
	if err != nil {
		return err
	}
	if err := dir.CheckName("name", id.String()); err != nil {
		return err
	}
	return serve(ctx, dir, id, logs, tls, listener, log, stdout)
}

func serve(ctx context.Context, dir folder.Folder, id identity.DID, logs []cosigner.Log, tls service.TLS, listener net.Listener, log *slog.Logger, stdout io.Writer) error {
	signer, err := dir.Key("key.pem", id.String()+"#witness-1", keys.Anchor)
	if err != nil {
		return err
	}
	store, err := trustlog.NewFileStore(dir.Path("seen"))
	if err != nil {
		return err
	}
	_, name, _ := strings.Cut(id.String(), "/")
	w, err := cosigner.New(cosigner.Config{Name: id.Host() + "/" + name, Signer: signer, Logs: logs, Store: store})
	if err != nil {
		return err
	}
	config, _, err := tls.Load(dir, id.Host(), log)
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, "act-go witness")
	fmt.Fprintf(stdout, "  %-10s %s %s\n", "witness", "https://"+id.Host(), w.Identity())
	if tls.Own() {
		fmt.Fprintf(stdout, "  %-10s %s\n", "trust", dir.Path("ca.pem"))
	}
	return service.Server{Listener: listener, TLS: config, Handler: w, Log: log}.Run(ctx)
}
