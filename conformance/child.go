package conformance

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"
)

const (
	startTime = 30 * time.Second // for a testee to say hello: some start a virtual machine
	endTime   = 2 * time.Second  // to end after bye, before it is ended
)

// A child is a testee that runs. It is used by one goroutine.
type child struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines chan []byte // closed at the end of its output
	done  chan struct{}
	err   error // why it ended; to be read after done
	log   tail
}

// startChild starts a testee and has it say hello.
func startChild(ctx context.Context, command []string) (*child, Hello, error) {
	if len(command) == 0 {
		return nil, Hello{}, errors.New("conformance: no command")
	}
	c := &child{cmd: exec.Command(command[0], command[1:]...), lines: make(chan []byte), done: make(chan struct{})}
	ownGroup(c.cmd)
	c.cmd.Stderr = &c.log
	c.cmd.WaitDelay = endTime
	stdin, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, Hello{}, err
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, Hello{}, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, Hello{}, fmt.Errorf("conformance: %w", err)
	}
	c.stdin = stdin
	go c.read(stdout)
	line, err := c.ask(ctx, []byte(helloRequest), startTime)
	if err != nil {
		c.kill()
		return nil, Hello{}, fmt.Errorf("conformance: hello: %w", err)
	}
	hello, err := ParseHello(line)
	if err != nil {
		c.kill()
		return nil, Hello{}, err
	}
	return c, hello, nil
}

// read passes on the lines of the testee until its output ends. A line that is
// too long ends it.
func (c *child) read(stdout io.Reader) {
	defer close(c.done)
	in := bufio.NewScanner(stdout)
	in.Buffer(make([]byte, 0, 1<<16), MaxLine+1)
	for in.Scan() {
		c.lines <- append([]byte{}, in.Bytes()...)
	}
	close(c.lines)
	// One that writes no more, or too much, has nothing left to do.
	patience := endTime
	if in.Err() != nil {
		patience = 0
	}
	end := time.AfterFunc(patience, func() { killGroup(c.cmd) })
	_, _ = io.Copy(io.Discard, stdout)
	c.err = c.cmd.Wait()
	end.Stop()
	if in.Err() != nil {
		c.err = in.Err()
	}
}

// ask sends a line and waits for one. After an error the child is of no more
// use.
func (c *child) ask(ctx context.Context, line []byte, limit time.Duration) ([]byte, error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	written := make(chan struct{})
	go func() { // a testee that does not read must not stop the suite
		defer close(written)
		_, _ = c.stdin.Write(append(bytes.Clone(line), '\n')) // when nobody reads, no line comes back
	}()
	var answer []byte
	lines := c.lines
	for answer == nil || written != nil {
		select {
		case line, ok := <-lines:
			if !ok {
				<-c.done
				return nil, c.ended()
			}
			answer, lines = line, nil
		case <-written:
			written = nil
		case <-timer.C:
			return nil, fmt.Errorf("no answer within %s", limit)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return answer, nil
}

// ended says how the testee came to its end, with the last that it said.
func (c *child) ended() error {
	how := "the testee ended"
	if errors.Is(c.err, bufio.ErrTooLong) {
		how = "the testee wrote a line that is too long"
	} else if c.err != nil {
		how += " (" + c.err.Error() + ")"
	}
	if last := c.log.last(); last != "" {
		how += ": " + last
	}
	return errors.New(how)
}

// kill ends the testee and waits until it is gone.
func (c *child) kill() {
	select {
	case <-c.done: // its number may belong to another by now
	default:
		killGroup(c.cmd)
	}
	_ = c.stdin.Close()
	for range c.lines { // so that its reader comes to the end
	}
	<-c.done
}

// bye asks the testee to end, and ends it when it does not.
func (c *child) bye() {
	go func() { _, _ = io.WriteString(c.stdin, byeRequest+"\n"); _ = c.stdin.Close() }()
	select {
	case <-c.done:
	case <-c.lines:
	case <-time.After(endTime):
	}
	c.kill()
}

// tail keeps the end of what a testee writes to its standard error.
type tail struct {
	mu   sync.Mutex
	data []byte
}

const maxTail = 4096

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p...)
	if n := len(t.data) - maxTail; n > 0 {
		t.data = append(t.data[:0], t.data[n:]...)
	}
	return len(p), nil
}

// last is the last line that is not blank, shortened.
func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := strings.TrimSpace(string(t.data))
	text = text[strings.LastIndexByte(text, '\n')+1:]
	if len(text) > 300 {
		text = text[:300]
	}
	return strings.ToValidUTF8(text, "?")
}
