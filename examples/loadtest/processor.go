package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
)

// program is what is measured.
const program = "github.com/actprotocol/act-go/examples/processor"

// A processor is the processor's process.
type processor struct {
	id     identity.DID
	port   string
	data   string // its folder
	client *http.Client
	token  string

	command *exec.Cmd
	output  bytes.Buffer // what it printed; read when it has ended
	ended   chan error   // nil once it has been stopped
}

// build builds the program, unless it was built before, and returns where it is.
func build(ctx context.Context, o options, folder string) (string, error) {
	if o.program != "" {
		return o.program, nil
	}
	binary := filepath.Join(folder, "processor.exe")
	args := []string{"build", "-o", binary}
	if o.guide != "" {
		guide, err := filepath.Abs(o.guide)
		if err != nil {
			return "", err
		}
		args = append(args, "-pgo", guide)
	}
	if text, err := exec.CommandContext(ctx, "go", append(args, program)...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the processor: %w\n%s", err, text)
	}
	return binary, nil
}

func newProcessor(data string) *processor { return &processor{data: data} }

// start starts a process and waits until it serves, under the identifier of the
// first one.
func (p *processor) start(ctx context.Context, binary string, first *processor, dsn, roots string) error {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	p.port = port(free)
	if err := free.Close(); err != nil {
		return err
	}
	host := "localhost:" + first.port
	if p.id, err = identity.NewActDID(host, "psp"); err != nil {
		return err
	}
	p.command = exec.Command(binary, "-addr", p.address(), "-host", host, "-data", p.data, "-insecure-allow-loopback", "-roots", roots)
	p.command.Env = append(os.Environ(), "ACT_PROCESSOR_POSTGRES="+dsn)
	p.command.Stdout, p.command.Stderr = &p.output, &p.output
	if err := p.command.Start(); err != nil {
		return err
	}
	p.ended = make(chan error, 1)
	go func() { p.ended <- p.command.Wait() }()
	return p.ready(ctx)
}

// address is where it listens.
func (p *processor) address() string { return "127.0.0.1:" + p.port }

// ready waits until it serves.
func (p *processor) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if data, err := os.ReadFile(filepath.Join(p.data, "operator-token")); err == nil && len(data) > 32 {
			p.token = strings.TrimSpace(string(data))
			if c, err := net.Dial("tcp", p.address()); err == nil {
				return c.Close()
			}
		}
		select {
		case err := <-p.ended:
			p.ended = nil
			return fmt.Errorf("the processor ended: %w\n%s", errors.Join(err), p.output.String())
		case <-ctx.Done():
			return fmt.Errorf("the processor does not serve: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// trust adds the processor's own authority to roots, and makes the desk's
// client of them.
func (p *processor) trust(roots *x509.CertPool) error {
	pem, err := os.ReadFile(filepath.Join(p.data, "ca.pem"))
	if err != nil {
		return err
	}
	if !roots.AppendCertsFromPEM(pem) {
		return errors.New("the processor's ca.pem holds no certificate")
	}
	p.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}}, Timeout: time.Hour}
	return nil
}

// A form is what the operator sends.
type form map[string]any

// desk is the operator: it sends a form, or asks when there is none, and reads
// the answer into v.
func (p *processor) desk(ctx context.Context, path string, f form, v any) error {
	verb, body := http.MethodGet, []byte(nil)
	if f != nil {
		var err error
		verb = http.MethodPost
		if body, err = canon.Marshal(f); err != nil {
			return err
		}
	}
	answer, err := p.operator(ctx, verb, "/admin/"+path, body)
	if err != nil || v == nil {
		return err
	}
	return canon.DecodeOpen(bytes.TrimSpace(answer), v)
}

// profile is where the processor's time goes from now on, for so many seconds,
// in the form of go tool pprof.
func (p *processor) profile(ctx context.Context, seconds int) ([]byte, error) {
	return p.operator(ctx, http.MethodGet, fmt.Sprint("/debug/pprof/profile?seconds=", seconds), nil)
}

// operator sends a request that only the operator may send.
func (p *processor) operator(ctx context.Context, verb, path string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, verb, "https://"+p.id.Host()+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+p.token)
	resp, err := p.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: status %d: %s", path, resp.StatusCode, answer)
	}
	return answer, err
}

// stop asks the processor to end, and waits until it has. What it had to say
// goes with the error. A processor that was stopped before stays so.
func (p *processor) stop() error {
	if p.ended == nil {
		return nil
	}
	if err := p.command.Process.Signal(os.Interrupt); err != nil { // not to be had on Windows
		_ = p.command.Process.Kill()
	}
	var err error
	select {
	case err = <-p.ended:
	case <-time.After(patience):
		_ = p.command.Process.Kill()
		err = errors.Join(errors.New("the processor did not end"), <-p.ended)
	}
	p.ended = nil
	if p.client != nil {
		p.client.CloseIdleConnections()
	}
	if err != nil {
		return fmt.Errorf("the processor: %w\n%s", err, p.output.String())
	}
	return nil
}
