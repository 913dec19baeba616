package limit

import (
	"net"
	"sync"
)

// Listener bounds the connections that are open at once, altogether and of one
// client. What is beyond is closed before a byte of it is read, and before any
// cryptography is spent on it.
type Listener struct {
	net.Listener
	total, each int
	client      func(address string) string

	mu      sync.Mutex
	open    int
	of      map[string]int
	refused int64
}

// NewListener bounds l. A limit of zero is none; client is Client when nil, and
// a client without a name counts for total only.
func NewListener(l net.Listener, total, each int, client func(address string) string) *Listener {
	if client == nil {
		client = Client
	}
	return &Listener{Listener: l, total: total, each: each, client: client, of: make(map[string]int)}
}

// Accept waits for a connection that there is room for.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		who := l.client(c.RemoteAddr().String())
		if l.enter(who) {
			return &conn{Conn: c, leave: func() { l.leave(who) }}, nil
		}
		_ = c.Close()
	}
}

func (l *Listener) enter(who string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.total > 0 && l.open >= l.total || who != "" && l.each > 0 && l.of[who] >= l.each {
		l.refused++
		return false
	}
	l.open++
	if who != "" {
		l.of[who]++
	}
	return true
}

func (l *Listener) leave(who string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if who == "" {
		return
	}
	if l.of[who]--; l.of[who] == 0 {
		delete(l.of, who)
	}
}

// Open is how many connections are open.
func (l *Listener) Open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}

// Refused is how many connections were turned away.
func (l *Listener) Refused() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refused
}

// conn tells the listener when it ends, once.
type conn struct {
	net.Conn
	once  sync.Once
	leave func()
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.once.Do(c.leave)
	return c.Conn.Close()
}
