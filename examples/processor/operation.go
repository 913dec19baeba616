package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/actprotocol/act-go/examples/internal/limit"
	"github.com/actprotocol/act-go/examples/internal/metrics"
	"github.com/actprotocol/act-go/examples/internal/service"
	"github.com/actprotocol/act-go/examples/processor/openapi"
	"github.com/actprotocol/act-go/examples/processor/overview"
	"github.com/actprotocol/act-go/examples/processor/server"
	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/identity"
)

const (
	metricsPath = "/metrics"
	profilePath = "/debug/pprof/profile"
)

// An operation is what the program does for its operator, around the processor:
// limits, health, metrics, the overview.
type operation struct {
	operating
	listener  *limit.Listener
	agents    *limit.Rate
	addresses *limit.Addresses
	metrics   metrics.Registry
	refused   *metrics.Counters
	health    *service.Health
	overview  *overview.Overview
	processor *server.Server
	token     string // the operator's
}

// newOperation makes what the processor's configuration needs; around completes
// it.
func newOperation(o operating, l *limit.Listener, id identity.DID, s *store, token string) (*operation, error) {
	d := &operation{operating: o, listener: l, agents: limit.NewRate(o.agentRate, 0, nil), token: token}
	d.addresses = &limit.Addresses{Rate: limit.NewRate(o.addressRate, 0, nil), Refuse: http.HandlerFunc(tooMany)}
	d.health = service.NewHealth(func(ctx context.Context) error { return d.processor.Ready(ctx) })
	d.count()
	var err error
	d.overview, err = overview.New(overview.Config{ID: id.String(), Token: token, Book: s.Book, Ready: d.health.Ready})
	return d, err
}

// count declares what is counted here; the processor counts the rest.
func (d *operation) count() {
	m, l := &d.metrics, d.listener
	m.Gauge("act_connections_open", "Connections that are open.", func() float64 { return float64(l.Open()) })
	m.CounterFunc("act_connections_refused_total", "Connections beyond -max-connections or -max-connections-address.", func() float64 { return float64(l.Refused()) })
	m.CounterFunc("act_address_refused_total", "Requests beyond -rate-address.", func() float64 { return float64(d.addresses.Refused()) })
	d.refused = m.Counters("act_sender_refused_total", "Signed messages beyond -rate-agent.")
	m.Gauge("act_ready", "1 when the program is ready for requests.", func() float64 {
		if d.health.Ready(context.Background()) != nil {
			return 0
		}
		return 1
	})
	m.Process(time.Now())
}

// tooMany answers a request that is not read.
func tooMany(w http.ResponseWriter, _ *http.Request) {
	problem.Write(w, protocol.New(protocol.CodeTooManyRequests, "", "", "from this address; ask more slowly"), 1)
}

// admit is server.Config.Admit: the sender's signature holds, so that nobody
// can empty the bucket of somebody else.
func (d *operation) admit(_ context.Context, sender string) error {
	if d.agents.Allow(sender) {
		return nil
	}
	d.refused.With("", "").Add(1)
	return protocol.New(protocol.CodeTooManyRequests, "", "", "from this sender; ask more slowly")
}

// around puts everything around the processor.
func (d *operation) around(p *server.Server) (http.Handler, error) {
	d.processor = p
	start, err := front(p.ID(), p.Endpoint())
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", start)
	d.addHealth(mux)
	mux.HandleFunc("GET "+openapi.Path, openapi.ServeHTTP)
	mux.Handle("GET "+metricsPath, p.OperatorOnly(http.HandlerFunc(d.serveMetrics)))
	mux.Handle(overview.Path, d.overview)
	mux.Handle(overview.Path+"/", d.overview)
	// Where the processor time goes, in the form of go tool pprof, from now on for
	// ?seconds=. It names functions and holds nothing of what they are called with.
	mux.Handle("GET "+profilePath, p.OperatorOnly(http.HandlerFunc(pprof.Profile)))
	mux.Handle("/", p)
	return d.addresses.Handler(mux), nil
}

func (d *operation) addHealth(mux *http.ServeMux) {
	mux.HandleFunc("GET "+service.LivePath, d.health.Live)
	mux.HandleFunc("GET "+service.ReadyPath, d.health.Readiness)
}

func (d *operation) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if d.processor.WriteMetrics(w) == nil {
		_, _ = d.metrics.WriteTo(w) // a reader who left is nobody's business
	}
}

// listen serves metrics and health on the address for them, when there is one,
// until stop.
func (d *operation) listen(log *slog.Logger) (stop func(), err error) {
	if d.metricsAddr == "" {
		return func() {}, nil
	}
	l, err := net.Listen("tcp", d.metricsAddr)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	d.addHealth(mux)
	mux.HandleFunc("GET "+metricsPath, d.serveMetrics)
	web := &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 8 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelInfo),
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("metrics are no longer served")
		}
	}()
	return func() { _ = web.Close(); <-ended }, nil
}
