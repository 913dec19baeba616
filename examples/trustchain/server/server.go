package server

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/actprotocol/act-go/examples/trustchain/chain"
	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/verifier"
)

// Config is what [New] needs. All members but Now and Log are required.
type Config struct {
	ID       identity.DID       // of the chain, a did:act
	Document *identity.Document // of ID, with the key that signs checkpoints
	Chain    *chain.Chain       // the caller closes it, after the server
	Keys     verifier.KeySource // documents of submitters
	Admit    func(channel, submitter string) bool
	Reader   func(channel, token string) bool // compares in constant time

	Now func() time.Time
	Log *slog.Logger // a line a request, without what was asked for; nothing when nil
}

// A Server is the chain's HTTP interface. It is safe for concurrent use.
type Server struct {
	config  Config
	handler http.Handler
}

// Base is the path of the chain on its host, and with the host its name: the
// name of its identifier.
func Base(id identity.DID) string {
	_, name, _ := strings.Cut(id.String(), "/")
	return "/" + name
}

// New checks the configuration and returns a Server.
func New(c Config) (*Server, error) {
	for _, m := range []struct {
		name    string
		missing bool
	}{{"document", c.Document == nil}, {"chain", c.Chain == nil}, {"keys", c.Keys == nil}, {"admit", c.Admit == nil}, {"reader", c.Reader == nil}} {
		if m.missing {
			return nil, protocol.New(protocol.CodeFieldMissing, m.name, "", "")
		}
	}
	if c.ID.Method() != identity.MethodAct || c.Chain.Trust().Chain != c.ID.Host()+Base(c.ID) {
		return nil, protocol.New(protocol.CodeClaimsConflict, "id", "TSD-ATT-OCA-02", "the chain's name is host and name of its identifier")
	}
	documents, err := identity.Handler(c.Document)
	if err != nil {
		return nil, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{config: c}
	mux := http.NewServeMux()
	base := Base(c.ID) + "/{channel}"
	mux.Handle("/.well-known/", documents)
	mux.HandleFunc("POST "+base+"/add", s.add)
	mux.HandleFunc("GET "+base+"/checkpoint", s.checkpoint)
	mux.HandleFunc("GET "+base+"/tile/{path...}", s.tile)
	mux.HandleFunc("GET "+base+"/anchors/{path...}", s.reader(s.anchors))
	mux.HandleFunc("GET "+base+"/record/{key}", s.reader(s.record))
	s.handler = s.logged(mux)
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// reader lets only who has a token of the channel through.
func (s *Server) reader(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok || token == "" || !s.config.Reader(r.PathValue("channel"), token) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			problem.WriteStatus(w, http.StatusUnauthorized, protocol.New(protocol.CodeAccessDenied, "authorization", "TSD-ATT-OCA-02", "a token of a reader of this channel"), 0)
			return
		}
		next(w, r)
	}
}

// A status keeps what was answered, for the log.
type status struct {
	http.ResponseWriter
	code int
}

// WriteHeader implements http.ResponseWriter.
func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

// logged logs the route and not the path, in which a record's digest may stand.
func (s *Server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, st := s.config.Now(), &status{w, http.StatusOK}
		next.ServeHTTP(st, r)
		s.config.Log.LogAttrs(context.WithoutCancel(r.Context()), slog.LevelInfo, "request",
			slog.String("route", r.Pattern), slog.Int("status", st.code), slog.Duration("took", s.config.Now().Sub(start)))
	})
}

// text answers with bytes of a type, and says how long they may be kept.
func text(w http.ResponseWriter, code int, kind, cache string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", cache)
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_, _ = w.Write(body)
}

const (
	plain     = "text/plain; charset=utf-8"
	octets    = "application/octet-stream"
	never     = "no-store"
	forever   = "public, max-age=31536000, immutable"
	privately = "private, max-age=31536000, immutable"
)

// retryAfter is in seconds.
const retryAfter = 2

func fail(w http.ResponseWriter, err error) { problem.Write(w, err, retryAfter) }
