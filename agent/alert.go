package agent

import (
	"context"
	"maps"
	"math/bits"
	"sync"
	"time"

	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/money"
)

// An AlertReason is what a mandate comes near to.
type AlertReason string

// The reasons.
const (
	NearTotal AlertReason = "NEAR_TOTAL" // most of the total is spent or reserved
	NearEnd   AlertReason = "NEAR_END"   // the end of the window is near
)

// An Alert tells the principal that a mandate will soon be used up or over
// (PSD-PAY-AUP-05). Nothing waits for it and nothing depends on it: the limits
// hold without.
type Alert struct {
	Reason  AlertReason
	Mandate string // Mandate.Key
	At      time.Time
	Spent   money.Amount // what is reserved counts
	Total   money.Amount
	Ends    time.Time // end of the window
}

type alertKey struct {
	mandate string
	reason  AlertReason
}

// alerts are the alerts that were given: at most two for each mandate that has
// not ended, and as many of others.
type alerts struct {
	mu    sync.Mutex
	given map[alertKey]time.Time // and when their mandates end
	tidy  int                    // how many there are when those of ended mandates are forgotten
}

// first reports whether an alert is given for the first time.
func (s *alerts) first(k alertKey, now, ends time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, given := s.given[k]; given {
		return false
	}
	if s.given == nil {
		s.given = make(map[alertKey]time.Time)
	}
	if len(s.given) >= s.tidy { // of mandates that have ended none is given again
		maps.DeleteFunc(s.given, func(_ alertKey, end time.Time) bool { return !now.Before(end) })
		s.tidy = 2*len(s.given) + 64
	}
	s.given[k] = ends
	return true
}

// watch gives the alerts that are due about a mandate.
func (a *Agent) watch(key string, b delegation.Bounds, spent money.Amount) {
	if a.config.Alert == nil {
		return
	}
	now, total := a.config.Now(), b.Total()
	from, ends := b.Window()
	if !now.Before(ends) {
		return
	}
	before := a.config.AlertBefore
	if before <= 0 {
		before = ends.Sub(from) / 10
	}
	tell := func(reason AlertReason) {
		if !a.alerts.first(alertKey{key, reason}, now, ends) {
			return
		}
		alert := Alert{Reason: reason, Mandate: key, At: now, Spent: spent, Total: total, Ends: ends}
		go func() {
			defer func() { _ = recover() }() // the user's function does not end the program
			a.config.Alert(alert)
		}()
	}
	if spent.Valid() && total.Valid() && spent.Currency() == total.Currency() && reaches(spent, total, a.config.AlertShare) {
		tell(NearTotal)
	}
	if !now.Before(ends.Add(-before)) {
		tell(NearEnd)
	}
}

// reaches reports whether spent is at least so many percent of total; both are
// of one currency and not negative.
func reaches(spent, total money.Amount, percent int) bool {
	if spent.IsZero() {
		return false
	}
	hi, lo := bits.Mul64(uint64(spent.Minor()), 100)
	limitHi, limitLo := bits.Mul64(uint64(total.Minor()), uint64(percent))
	return hi > limitHi || hi == limitHi && lo >= limitLo
}

// watchSpent is watch with what the record says now.
func (a *Agent) watchSpent(ctx context.Context, m Mandate) {
	if a.config.Alert == nil {
		return
	}
	if spent, err := a.Spent(ctx, m); err == nil {
		a.watch(m.Key(), m.bounds, spent)
	}
}
