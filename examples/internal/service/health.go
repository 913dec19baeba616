package service

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// The paths of a program's health.
const (
	LivePath  = "/healthz"
	ReadyPath = "/readyz"
)

const (
	readyTime = time.Second // how long a probe may take
	readyAge  = time.Second // how long its result is told again
)

// Health answers whether a program lives and whether it is ready for requests.
// It tells strangers yes or no, and nothing else.
type Health struct {
	probe   func(context.Context) error
	leaving atomic.Bool

	mu     sync.Mutex
	at     time.Time
	result error
}

// NewHealth returns one that is ready when probe returns nil. The probe is asked
// at most once a second, however often strangers ask.
func NewHealth(probe func(context.Context) error) *Health { return &Health{probe: probe} }

var errLeaving = errors.New("the program is ending")

// Leave says that the program is ending: it is no longer ready.
func (h *Health) Leave() { h.leaving.Store(true) }

// Ready returns nil when the program is ready.
func (h *Health) Ready(ctx context.Context) error {
	if h.leaving.Load() {
		return errLeaving
	}
	h.mu.Lock() // whoever comes meanwhile waits, and gets the same result
	defer h.mu.Unlock()
	if now := time.Now(); now.Sub(h.at) >= readyAge {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTime)
		defer cancel()
		h.result = h.probe(limited)
		h.at = time.Now()
	}
	return h.result
}

// Live serves LivePath: 200 whenever the program answers at all.
func (h *Health) Live(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok\n") }

// Readiness serves ReadyPath: 200 when requests can be served, 503 when not.
func (h *Health) Readiness(w http.ResponseWriter, r *http.Request) {
	if h.Ready(r.Context()) != nil {
		say(w, http.StatusServiceUnavailable, "not ready\n")
		return
	}
	say(w, http.StatusOK, "ready\n")
}

func say(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}
