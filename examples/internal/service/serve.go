package service

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Goodbye is how long requests may take to end once the program was told to.
const Goodbye = 10 * time.Second

// The limits of a connection. A stranger who says nothing, or a byte now and
// then, or who does not read, is cut off by one of them.
const (
	headerTime = 5 * time.Second // handshake and header of a request
	readTime   = 10 * time.Second
	writeTime  = 30 * time.Second
	idleTime   = 2 * time.Minute
	maxHeader  = 16 << 10
	maxStreams = 128 // requests at once on one connection of HTTP/2
)

// A Server serves one handler on one listener. Listener, TLS, Handler and Log
// are required.
type Server struct {
	Listener net.Listener
	TLS      *tls.Config
	Handler  http.Handler
	Log      *slog.Logger

	// Leaving, when set, is called when the program is told to end. Notice is
	// how long it goes on serving after that, for a load balancer to see that
	// it is no longer ready.
	Leaving func()
	Notice  time.Duration
}

// Run serves until ctx ends and the requests that had begun are answered.
func (s Server) Run(ctx context.Context) error {
	web := s.http()
	failed := make(chan error, 1)
	go func() { failed <- web.ServeTLS(s.Listener, "", "") }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	if s.Leaving != nil {
		s.Leaving()
	}
	if s.Notice > 0 {
		select {
		case err := <-failed:
			return err
		case <-time.After(s.Notice):
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), Goodbye)
	defer cancel()
	if err := web.Shutdown(last); err != nil {
		return errors.Join(err, web.Close())
	}
	return nil
}

func (s Server) http() *http.Server {
	return &http.Server{
		Handler: s.Handler, TLSConfig: s.TLS, ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelInfo),
		ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: maxStreams, WriteByteTimeout: writeTime},
	}
}
