package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/conformance/live"
	"github.com/actprotocol/act-go/protocol/canon"
)

// runSelf runs everything against this library: the vectors through our testee,
// and the live checks against the reference processor, a merchant and an issuer,
// all of them processes of their own.
func runSelf(ctx context.Context, set *flag.FlagSet, args []string, stdout io.Writer) (expected bool, err error) {
	var out reporting
	out.register(set)
	repository := set.String("repository", "", "the `folder` of the repository (default the one around the working folder)")
	quiet := set.Bool("q", false, "do not say what is being done")
	if err := set.Parse(args); err != nil {
		return false, err
	}
	known, err := out.readKnown()
	if err != nil {
		return false, err
	}
	ground, err := repositoryOf(*repository)
	if err != nil {
		return false, err
	}
	folder, err := os.MkdirTemp("", "act-conformance-")
	if err != nil {
		return false, err
	}
	s := &self{repository: ground, folder: folder, only: out.only, say: stdout}
	if *quiet {
		s.say = io.Discard
	}
	report, all, err := s.run(ctx)
	s.stop()
	if err = errors.Join(err, os.RemoveAll(folder)); err != nil {
		return false, err
	}
	return out.finish(report, known, all, stdout)
}

// repositoryOf finds the folder in which examples and library stand.
func repositoryOf(folder string) (string, error) {
	if folder == "" {
		var err error
		if folder, err = os.Getwd(); err != nil {
			return "", err
		}
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "examples", "conformance", "scenarios")); err == nil {
			return folder, nil
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", errors.New("self runs from the repository: examples/conformance is not here")
		}
		folder = parent
	}
}

// A self is one run of everything.
type self struct {
	repository, folder string // folder is a temporary one
	only               string
	say                io.Writer

	children []*child
}

// The ports that the scenarios name, and who listens there.
const (
	portProcessor = "8443"
	portMerchant  = "9447"
	portIssuer    = "9448"
	portSite      = "9449"
)

// programs are what is built.
func (s *self) programs() []string {
	return []string{"./examples/processor", "./examples/conformance/merchant", "./examples/conformance/issuer", "./examples/conformance/device", "./conformance/testee/acttestee"}
}

func (s *self) binary(name string) string { return filepath.Join(s.folder, "bin", name) }

// run builds, starts, tests, and joins what came of it.
func (s *self) run(ctx context.Context) (*conformance.Report, []string, error) {
	cases, all, err := selectCases(s.only)
	checks, ids := selectChecks(s.only, live.Checks())
	if err != nil && len(checks) == 0 {
		return nil, nil, err
	}
	all = append(all, ids...)
	fmt.Fprintln(s.say, "building")
	if err := s.build(ctx); err != nil {
		return nil, nil, err
	}
	runs := []func(context.Context) (*conformance.Report, error){}
	if len(cases) > 0 {
		runs = append(runs, func(ctx context.Context) (*conformance.Report, error) { return s.testee(ctx, cases) })
	}
	scenarios, err := s.start(ctx, checks)
	if err != nil {
		return nil, nil, err
	}
	fmt.Fprintln(s.say, "running", len(cases), "cases and", len(checks), "live checks")
	runs = append(runs, scenarios...)
	reports, errs := make([]*conformance.Report, len(runs)), make([]error, len(runs))
	var group sync.WaitGroup
	for i, run := range runs {
		group.Go(func() { reports[i], errs[i] = run(ctx) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, nil, err
	}
	report := joined(reports...)
	report.Subject = conformance.Subject{Kind: "self", Name: "act-go", Address: "act-conformance self"}
	slices.SortFunc(report.Results, func(a, b conformance.Result) int { return cmp.Compare(a.ID, b.ID) })
	return report, all, nil
}

// build builds all programs in one go.
func (s *self) build(ctx context.Context) error {
	// The system's ending of programs, and the slash without which go build takes
	// the folder for the name of one program.
	c := exec.CommandContext(ctx, "go", append([]string{"build", "-o", filepath.Join(s.folder, "bin") + string(filepath.Separator)}, s.programs()...)...)
	c.Dir = s.repository
	if err := os.MkdirAll(filepath.Join(s.folder, "bin"), 0o700); err != nil {
		return err
	}
	if text, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("building: %w\n%s", err, text)
	}
	return nil
}

// testee runs the vectors.
func (s *self) testee(ctx context.Context, cases []conformance.Case) (*conformance.Report, error) {
	runner := conformance.Runner{Command: []string{s.binary("acttestee")}, Children: 1, Seed: uint64(rand.Uint32())}
	runner.Reproduce = func(id string) string { return command("act-conformance", "self", "-only", id) }
	return runner.Run(ctx, cases)
}

// start starts the servers that the checks need, and returns what runs the
// checks of each kind.
func (s *self) start(ctx context.Context, checks []live.Check) ([]func(context.Context) (*conformance.Report, error), error) {
	if len(checks) == 0 {
		return nil, nil
	}
	local, err := live.NewLocalTLS()
	if err != nil {
		return nil, err
	}
	for name, data := range map[string][]byte{"cert.pem": local.PEM, "key.pem": local.KeyPEM} {
		if err := os.WriteFile(filepath.Join(s.folder, name), data, 0o600); err != nil {
			return nil, err
		}
	}
	token := canon.Nonce() + canon.Nonce()
	if err := os.Setenv("ACT_CONFORMANCE_TOKEN", token); err != nil { // for the children, and for the actions of the scenarios
		return nil, err
	}
	var out []func(context.Context) (*conformance.Report, error)
	for _, subject := range subjects() {
		selected := slices.DeleteFunc(slices.Clone(checks), func(c live.Check) bool { return !subject.judged(c) })
		if len(selected) == 0 {
			continue
		}
		scenario, err := s.launch(ctx, subject)
		if err != nil {
			return nil, err
		}
		out = append(out, func(ctx context.Context) (*conformance.Report, error) {
			return live.Run(ctx, scenario, selected, live.Config{Reproduce: func(id string) string { return command("act-conformance", "self", "-only", id) }})
		})
	}
	return out, nil
}

// A subject is a server that self tests.
type subject struct {
	kind   live.Kind
	name   string // of the program and of its scenario
	port   string // in the scenario
	oneWay bool   // a seller that negotiates in this mode
	args   func(port, site string) []string
}

// judged reports whether this subject is the one for a check.
func (x subject) judged(c live.Check) bool {
	return c.Kind() == x.kind && x.oneWay == (c.ID == checkOneWay)
}

// checkOneWay is the check of the mode in which the merchant of the scenario
// does not negotiate: a merchant has one.
const checkOneWay = "live/seller/negotiation/002"

func subjects() []subject {
	shop := func(port, site string) []string {
		return []string{
			"-addr", "127.0.0.1:" + port, "-tls-cert", "cert.pem", "-tls-key", "key.pem",
			"-psp", "did:act:localhost%3A" + site + "/psp", "-psp-endpoint", "https://localhost:" + site + "/psp",
		}
	}
	return []subject{
		{kind: live.PSP, name: "processor", port: portProcessor, args: func(port, _ string) []string {
			return []string{"-addr", "127.0.0.1:" + port, "-data", "processor-data", "-insecure-allow-loopback", "-roots", "cert.pem"}
		}},
		{kind: live.Seller, name: "merchant", port: portMerchant, args: shop},
		{kind: live.Seller, name: "merchant", port: portMerchant, oneWay: true, args: func(port, site string) []string {
			return append(shop(port, site), "-negotiation", "one-way")
		}},
		{kind: live.Issuer, name: "issuer", port: portIssuer, args: func(port, _ string) []string {
			return []string{"-addr", "127.0.0.1:" + port, "-tls-cert", "cert.pem", "-tls-key", "key.pem"}
		}},
	}
}

// launch starts a subject on a free port and returns its scenario with the ports
// of this run.
func (s *self) launch(ctx context.Context, x subject) (*live.Scenario, error) {
	port, site, err := freePorts()
	if err != nil {
		return nil, err
	}
	c := &child{name: x.name, ended: make(chan error, 1)}
	c.cmd = exec.Command(s.binary(x.name), x.args(port, site)...)
	c.cmd.Dir, c.cmd.Stdout, c.cmd.Stderr = s.folder, &c.output, &c.output
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	s.children = append(s.children, c)
	go func() { c.ended <- c.cmd.Wait() }()
	token := ""
	if x.kind == live.PSP {
		token = s.token()
	}
	if err := c.ready(ctx, port, token); err != nil {
		return nil, err
	}
	if x.kind == live.PSP {
		if err := s.operator(port); err != nil {
			return nil, err
		}
	}
	text, err := os.ReadFile(filepath.Join(s.repository, "examples", "conformance", "scenarios", x.name+".json"))
	if err != nil {
		return nil, err
	}
	var pairs []string
	for from, to := range map[string]string{x.port: port, portSite: site} {
		pairs = append(pairs, ":"+from, ":"+to, "%3A"+from, "%3A"+to)
	}
	name := filepath.Join(s.folder, x.name+"-"+port+".json")
	if err := os.WriteFile(name, []byte(strings.NewReplacer(pairs...).Replace(string(text))), 0o600); err != nil {
		return nil, err
	}
	return live.Load(name)
}

// token is the file in which the processor keeps its operator's token.
func (s *self) token() string { return filepath.Join(s.folder, "processor-data", "operator-token") }

// operator puts into the environment what the processor's scenario needs.
func (s *self) operator(port string) error {
	token, err := os.ReadFile(s.token())
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"ACT_OPERATOR_TOKEN": strings.TrimSpace(string(token)), "ACT_PROCESSOR_URL": "https://localhost:" + port,
		"ACT_PROCESSOR_CA": filepath.Join(s.folder, "processor-data", "ca.pem"), "ACT_DEVICE": s.binary("device"),
	} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return nil
}

// freePorts are two on which nobody listens.
func freePorts() (one, two string, err error) {
	var ports [2]string
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", "", err
		}
		defer l.Close() // so that the next one is another
		if _, ports[i], err = net.SplitHostPort(l.Addr().String()); err != nil {
			return "", "", err
		}
	}
	return ports[0], ports[1], nil
}

// A child is a program that self started.
type child struct {
	name   string
	cmd    *exec.Cmd
	output bytes.Buffer // read when it has ended
	ended  chan error
	done   bool
}

// patience is how long a program may take to begin and to end.
const patience = 20 * time.Second

// ready waits until a child serves, and has made a file where one is named.
func (c *child) ready(ctx context.Context, port, file string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		_, missing := os.Stat(file)
		if file == "" || missing == nil {
			if conn, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
				return conn.Close()
			}
		}
		select {
		case err := <-c.ended:
			c.done = true
			return fmt.Errorf("%s ended: %w\n%s", c.name, errors.Join(err), c.output.String())
		case <-ctx.Done():
			return fmt.Errorf("%s does not serve: %w", c.name, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends the children, by force where it must be.
func (s *self) stop() {
	for _, c := range s.children {
		if !c.done {
			if err := c.cmd.Process.Signal(os.Interrupt); err != nil { // not to be had on Windows
				_ = c.cmd.Process.Kill()
			}
		}
	}
	for _, c := range s.children {
		if c.done {
			continue
		}
		select {
		case <-c.ended:
		case <-time.After(patience):
			_ = c.cmd.Process.Kill()
			<-c.ended
		}
	}
}
