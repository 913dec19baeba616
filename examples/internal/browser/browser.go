// Package browser drives a real browser in tests: Chromium without a window,
// over its DevTools protocol and a pipe, with virtual authenticators for
// passkeys. It knows no more of the protocol than these tests need.
//
// A browser that is not installed skips the test. Nothing here is for programs
// outside of tests.
package browser

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// patience is how long a page has for what a test waits for; the machine may be
// busy with other things.
const patience = time.Minute

// A Browser is one process of Chromium.
type Browser struct {
	t    testing.TB
	to   io.Writer
	stop context.CancelFunc

	mu      sync.Mutex
	serial  int
	waiting map[int]chan answer
	dead    error
}

type answer struct {
	ID     int            `json:"id"`
	Result jsontext.Value `json:"result,omitzero"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error,omitzero"`
}

// path finds Chromium, under any of its names.
func path() (string, bool) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if p, err := exec.LookPath(name); err == nil {
			return p, true
		}
	}
	return "", false
}

// Start starts a browser that trusts servers with this certificate, and ends it
// with the test. Without a browser the test is skipped.
func Start(t testing.TB, trusted *x509.Certificate) *Browser {
	t.Helper()
	chromium, found := path()
	if !found {
		t.Skip("no Chromium in PATH: pages are not tested in a browser")
	}
	if runtime.GOOS == "windows" {
		t.Skip("the pipe to the browser needs inherited file descriptors")
	}
	key := sha256.Sum256(trusted.RawSubjectPublicKeyInfo)
	ctx, stop := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, chromium, "--headless=new", "--no-sandbox", "--remote-debugging-pipe", "--disable-gpu", "--hide-scrollbars",
		"--no-first-run", "--disable-extensions", "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", "--force-color-profile=srgb",
		"--user-data-dir="+t.TempDir(), "--ignore-certificate-errors-spki-list="+base64.StdEncoding.EncodeToString(key[:]), "about:blank")
	theirIn, ours, err := os.Pipe()
	must(t, err)
	mine, theirOut, err := os.Pipe()
	must(t, err)
	command.ExtraFiles = []*os.File{theirIn, theirOut} // 3 and 4
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 5 * time.Second
	must(t, command.Start())
	must(t, errors.Join(theirIn.Close(), theirOut.Close()))
	b := &Browser{t: t, to: ours, stop: stop, waiting: make(map[int]chan answer)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.read(mine)
	}()
	t.Cleanup(func() {
		_ = b.send("Browser.close", "", nil, nil)
		_ = ours.Close()
		stop()
		_ = command.Wait()
		_ = mine.Close()
		<-done
	})
	return b
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// read gives answers to who waits for them. Events are not looked at.
func (b *Browser) read(from io.Reader) {
	lines := bufio.NewReaderSize(from, 1<<20)
	for {
		text, err := lines.ReadBytes(0)
		if err != nil {
			b.mu.Lock()
			b.dead = fmt.Errorf("the browser ended: %w", err)
			for _, c := range b.waiting {
				close(c)
			}
			b.waiting = nil
			b.mu.Unlock()
			return
		}
		var a answer
		if json.Unmarshal(text[:len(text)-1], &a) != nil || a.ID == 0 {
			continue
		}
		b.mu.Lock()
		c := b.waiting[a.ID]
		delete(b.waiting, a.ID)
		b.mu.Unlock()
		if c != nil {
			c <- a
		}
	}
}

// send calls a method and decodes its result, unless into is nil.
func (b *Browser) send(method, session string, params, into any) error {
	if params == nil {
		params = struct{}{}
	}
	c := make(chan answer, 1)
	b.mu.Lock()
	if b.dead != nil {
		b.mu.Unlock()
		return b.dead
	}
	b.serial++
	id := b.serial
	text, err := json.Marshal(struct {
		ID      int    `json:"id"`
		Method  string `json:"method"`
		Session string `json:"sessionId,omitzero"`
		Params  any    `json:"params"`
	}{id, method, session, params})
	if err == nil {
		b.waiting[id] = c
		_, err = b.to.Write(append(text, 0))
	}
	b.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case a, ok := <-c:
		switch {
		case !ok:
			return b.dead
		case a.Error != nil:
			return fmt.Errorf("%s: %s", method, a.Error.Message)
		case into == nil:
			return nil
		}
		return json.Unmarshal(a.Result, into)
	case <-time.After(patience):
		return fmt.Errorf("%s: no answer", method)
	}
}
