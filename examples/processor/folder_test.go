package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/internal/folder"
	"github.com/actprotocol/act-go/protocol/delegation"
)

// inProcess runs the program in this process until stop, which returns what it
// logged.
func (p *program) inProcess(args []string) (stop func() (log string, err error)) {
	p.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var stderr bytes.Buffer
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, args, io.Discard, &stderr) }()
	stop = func() (string, error) {
		cancel()
		err := <-ended
		return stderr.String(), err
	}
	for end := time.Now().Add(20 * time.Second); p.connect() != nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			log, err := stop()
			p.t.Fatalf("it does not serve: %v\n%s", err, log)
		}
	}
	return stop
}

// refused runs the program with arguments under which it must not serve.
func (p *program) refused(args ...string) error {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var stdout bytes.Buffer
	err := run(ctx, args, &stdout, io.Discard)
	if err == nil || ctx.Err() != nil || strings.Contains(stdout.String(), "serving") {
		p.t.Errorf("%q: it served (%v)", args, err)
	}
	return err
}

// TestOneProcess: two processes cannot serve a folder at once, and a kill leaves
// nothing behind that would keep the next one out.
func TestOneProcess(t *testing.T) {
	p := newProgram(t)
	second := []string{"-data", p.data, "-addr", "127.0.0.1:0"}
	p.start()
	if err := p.refused(second...); !errors.Is(err, folder.ErrServed) {
		t.Errorf("beside another process: %v", err)
	}
	p.furnish() // the first one was not disturbed
	p.kill()
	stop := p.inProcess(p.args)
	if err := p.refused(second...); !errors.Is(err, folder.ErrServed) {
		t.Errorf("beside another server of this process: %v", err)
	}
	var out bytes.Buffer
	if err := run(context.Background(), []string{"audit", "-data", p.data}, &out, io.Discard); err != nil || !strings.Contains(out.String(), "sound") {
		t.Errorf("the audit looks on: %v, %s", err, &out)
	}
	if _, err := stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(p.data, lockFile+"-journal")); err == nil {
		t.Error("the lock left a journal")
	}
	p.start()
}

// TestIdentifierStays: what people hold names the identifier, so that it does
// not move by accident.
func TestIdentifierStays(t *testing.T) {
	p := newProgram(t)
	serve := func(args ...string) {
		t.Helper()
		if log, err := p.inProcess(args)(); err != nil {
			t.Fatalf("%v\n%s", err, log)
		}
	}
	serve(p.args...)
	serve(p.args...) // the same again
	for _, other := range [][]string{{"-addr", "127.0.0.1:0"}, {"-name", "another"}, {"-host", "psp.example"}} {
		err := p.refused(append(p.args[:len(p.args):len(p.args)], other...)...)
		if err == nil || !strings.Contains(err.Error(), p.PSP) || !strings.Contains(err.Error(), "-change-identifier") {
			t.Errorf("%q: %v", other, err)
		}
	}
	serve(p.args...) // a refusal changed nothing
	moved := append(p.args[:len(p.args):len(p.args)], "-host", "psp.example")
	serve(append(moved, "-change-identifier")...)
	serve(moved...)
	if err := p.refused(p.args...); err == nil || !strings.Contains(err.Error(), "did:act:psp.example/psp") {
		t.Errorf("back without saying so: %v", err)
	}
	p.must(os.WriteFile(filepath.Join(p.data, didFile), []byte("nothing of ours\n"), 0o600))
	if err := p.refused(p.args...); err == nil || strings.Contains(err.Error(), "nothing of ours") {
		t.Errorf("a broken record: %v", err)
	}
}

// TestLogSaysWhy: the two flags that a local demonstration may lack look the
// same from outside, and do not in the log of who can give them (PRV-04).
func TestLogSaysWhy(t *testing.T) {
	p := newProgram(t)
	host := "host=" + strings.Split(strings.TrimPrefix(p.Agent.DID(), "did:act:"), "%3A")[0]
	missing := func(flags ...string) (answer, log string) {
		t.Helper()
		stop := p.inProcess(append([]string{"-addr", p.args[1], "-data", p.data}, flags...))
		if p.token == "" {
			p.furnish()
		}
		id, iac := p.Mandate(delegation.Specified, nil)
		body, refusal := p.attempt(p.Request(id, iac, p.token, "18.00"))
		log, err := stop()
		if body != nil || refusal == nil || err != nil {
			t.Fatalf("%v: %s, %v, %v", flags, body, refusal, err)
		}
		for _, secret := range []string{p.token, p.Agent.DID(), p.Owner, id, iac} {
			if strings.Contains(log, secret) {
				t.Errorf("%v: the log holds what it should not: %s", flags, log)
			}
		}
		if !strings.Contains(log, host) || !strings.Contains(log, "code=key_unavailable") {
			t.Errorf("%v: the log is %s", flags, log)
		}
		return refusal.Error(), log
	}
	roots := p.args[5]
	noLoopback, log := missing("-roots", roots)
	if !strings.Contains(log, "-insecure-allow-loopback") || strings.Contains(log, "-roots") {
		t.Errorf("without -insecure-allow-loopback the log is %s", log)
	}
	noRoots, log := missing("-insecure-allow-loopback")
	if strings.Contains(log, "-insecure-allow-loopback") || !strings.Contains(log, "-roots") {
		t.Errorf("without -roots the log is %s", log)
	}
	if noLoopback != noRoots || !strings.Contains(noRoots, "key_unavailable") {
		t.Errorf("the answers tell what this machine reaches:\n%s\n%s", noLoopback, noRoots)
	}
}
