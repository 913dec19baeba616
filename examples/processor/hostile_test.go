package main

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestSlowStrangers holds connections to the program open in every way that
// costs the stranger nothing: without a word, in the middle of a header, a byte
// of a body now and then, and with a header beyond all measure. The program ends
// each by itself, and answers others meanwhile.
func TestSlowStrangers(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the program's own time limits")
	}
	p := newProgram(t)
	stop := p.inProcess(append([]string{"-v"}, p.args...))
	dial := func() net.Conn {
		config := p.trust.Clone()
		config.NextProtos = []string{"http/1.1"}
		config.ServerName = "localhost"
		conn, err := tls.Dial("tcp", p.args[1], config)
		p.must(err)
		return conn
	}
	drip := func(c net.Conn) {
		for {
			if _, err := io.WriteString(c, "x"); err != nil {
				return
			}
			time.Sleep(200 * time.Millisecond)
		}
	}
	head := "POST /act/v1/payments HTTP/1.1\r\nHost: " + p.host + "\r\n"
	var wg sync.WaitGroup
	for name, attack := range map[string]func() net.Conn{
		"no TLS at all": func() net.Conn {
			c, err := net.Dial("tcp", p.args[1])
			p.must(err)
			return c
		},
		"no request":    dial,
		"half a header": func() net.Conn { c := dial(); _, _ = io.WriteString(c, head); return c },
		"a long header": func() net.Conn { c := dial(); _, _ = io.WriteString(c, head+"X: "); go drip(c); return c },
		"a long body": func() net.Conn {
			c := dial()
			_, _ = io.WriteString(c, head+"Content-Length: 60000\r\n\r\n")
			go drip(c)
			return c
		},
		"endless pieces": func() net.Conn {
			c := dial()
			_, _ = io.WriteString(c, head+"Transfer-Encoding: chunked\r\n\r\nffff\r\n")
			go drip(c)
			return c
		},
		"a huge header": func() net.Conn {
			c := dial()
			go func() { _, _ = io.WriteString(c, head+"X: "+strings.Repeat("x", 1<<20)) }()
			return c
		},
	} {
		c := attack()
		wg.Go(func() {
			defer c.Close()
			_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
			answer, err := io.ReadAll(c)
			if ne, ok := err.(net.Error); ok && ne.Timeout() {
				t.Errorf("%s: held the connection for 20 s", name)
			}
			if bytes.Contains(answer, []byte("HTTP/1.1 2")) {
				t.Errorf("%s: served", name)
			}
		})
	}
	if status, _, err := p.do("POST", "/act/v1/payments", "{}"); err != nil || status != http.StatusBadRequest {
		t.Errorf("meanwhile: %d, %v", status, err)
	}
	wg.Wait()
	if log, err := stop(); err != nil || strings.Contains(log, "xxxx") {
		t.Errorf("%v, log: %.500s", err, log)
	}
}
