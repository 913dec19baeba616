package main

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/actprotocol/act-go/examples/internal/service"
	"github.com/actprotocol/act-go/examples/internal/settings"
	"github.com/actprotocol/act-go/provider"
)

// prefix is that of the environment variables.
const prefix = "ACT_PROCESSOR"

// The commands; the first is meant when none is named.
const (
	commandServe  = "serve"
	commandAudit  = "audit"
	commandConfig = "config"
)

// options are the settings.
type options struct {
	command string
	set     *settings.Set

	addr, host, name, data string
	postgres               string
	postgresConnections    int
	changeIdentifier       bool
	timeToConfirm          time.Duration
	tls                    service.TLS
	log                    service.Log
	operate                operating
	attest                 attesting
}

// operating is how the program behaves towards those who operate it, and those
// who would wear it out.
type operating struct {
	metricsAddr               string
	shutdownNotice            time.Duration
	connections, connections1 int
	addressRate, agentRate    int
}

func (o *options) declare() {
	f := o.set
	f.StringVar(&o.addr, "addr", "127.0.0.1:8443", "address to listen on")
	f.StringVar(&o.host, "host", "", "host of the identifier, with a port unless it is 443 (default localhost and the port of -addr)")
	f.StringVar(&o.name, "name", "psp", "name of the identifier")
	f.StringVar(&o.data, "data", "processor-data", "folder of keys and ledger, made when absent")
	f.StringVar(&o.postgres, "postgres", "", "PostgreSQL database that holds the ledger instead of a file in -data, as a URL or in keywords; several processes may share it, and have the same keys in -data")
	f.IntVar(&o.postgresConnections, "postgres-connections", 8, "connections to it, at most")
	f.Secret("postgres")
	f.BoolVar(&o.changeIdentifier, "change-identifier", false, "serve the folder under another identifier than before; old mandates and proofs no longer hold")
	f.DurationVar(&o.timeToConfirm, "time-to-confirm", provider.DefaultTimeToConfirm, "how long an instant payment waits for the principal")
	o.tls.Declare(f)
	o.log.Declare(f)
	o.operate.declare(f)
	o.attest.declare(f)
}

func (o *operating) declare(f *settings.Set) {
	f.StringVar(&o.metricsAddr, "metrics-addr", "", "address of this machine, as 127.0.0.1:9443, on which /metrics is served by plain HTTP to everybody (default not; /metrics on -addr asks for the operator's token)")
	f.DurationVar(&o.shutdownNotice, "shutdown-notice", 0, "how long to go on serving, no longer ready, after being told to end")
	f.IntVar(&o.connections, "max-connections", 4096, "connections that are open at once; 0 is no limit")
	f.IntVar(&o.connections1, "max-connections-address", 256, "connections of one address that are open at once; this machine's own are not counted; 0 is no limit")
	f.IntVar(&o.addressRate, "rate-address", 500, "requests a second of one address, and twice as many at once; this machine's own are not counted; 0 is no limit")
	f.IntVar(&o.agentRate, "rate-agent", 500, "signed messages a second of one agent or merchant, and twice as many at once; 0 is no limit")
}

// parse reads command, flags and environment.
func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{command: commandServe, set: settings.New("processor", prefix, stderr)}
	if len(args) > 0 && args[0] != "" && !strings.HasPrefix(args[0], "-") {
		o.command, args = args[0], args[1:]
		if !slices.Contains([]string{commandServe, commandAudit, commandConfig}, o.command) {
			return nil, errors.New("the commands are serve, audit and config; flags follow them")
		}
	}
	o.set.About = "processor [serve] [flags]   serves\n" +
		"processor audit [flags]     computes the ledger again, reports, and ends\n" +
		"processor config [flags]    prints the effective configuration, and ends\n\n"
	o.declare()
	left, err := o.set.Read(args, os.Environ())
	if err != nil {
		return nil, err
	}
	if len(left) > 0 {
		return nil, errors.New("no arguments are expected after the flags")
	}
	return o, o.check()
}

func (o *options) check() error {
	if o.timeToConfirm < time.Second {
		return errors.New("-time-to-confirm is at least a second")
	}
	if o.postgresConnections < 2 || o.postgresConnections > 1000 {
		return errors.New("-postgres-connections is from 2 to 1000")
	}
	if err := errors.Join(o.operate.check(), o.attest.check()); err != nil {
		return err
	}
	return o.tls.Check(o.host)
}

func (o operating) check() error {
	for name, n := range map[string]int{
		"max-connections": o.connections, "max-connections-address": o.connections1, "rate-address": o.addressRate, "rate-agent": o.agentRate,
	} {
		if n < 0 || n > 1_000_000 {
			return fmt.Errorf("-%s is from 0 to 1000000", name)
		}
	}
	if o.shutdownNotice < 0 || o.shutdownNotice > 5*time.Minute {
		return errors.New("-shutdown-notice is from 0 to 5m")
	}
	if o.metricsAddr == "" {
		return nil
	}
	ap, err := netip.ParseAddrPort(o.metricsAddr)
	if err != nil || !ap.Addr().IsLoopback() {
		return errors.New("-metrics-addr is an address of this machine and a port, as 127.0.0.1:9443")
	}
	return nil
}
