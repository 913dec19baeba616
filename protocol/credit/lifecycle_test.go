package credit_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/credit"
)

var (
	statuses = []credit.Status{credit.Pending, credit.Active, credit.Suspended, credit.Revoked, credit.Expired}
	actors   = []credit.Actor{credit.BySubject, credit.ByCreditService, credit.ByIssuer, credit.ByClock, ""}
)

func TestNineMoves(t *testing.T) {
	allowed := [][2]credit.Status{
		{credit.Pending, credit.Active}, {credit.Pending, credit.Revoked}, {credit.Pending, credit.Expired},
		{credit.Active, credit.Suspended}, {credit.Active, credit.Revoked}, {credit.Active, credit.Expired},
		{credit.Suspended, credit.Active}, {credit.Suspended, credit.Revoked}, {credit.Suspended, credit.Expired},
	}
	for _, from := range append(statuses, "", "unknown") {
		for _, to := range append(statuses, "", "unknown") {
			if want := slices.Contains(allowed, [2]credit.Status{from, to}); from.CanMove(to) != want {
				t.Errorf("TSD-CRD-LCM-01 %q to %q: %v", from, to, !want)
			}
		}
	}
}

// TestLifecycleProperty: whatever is asked by whomever in whatever order, only
// the nine moves happen, each counted and by whom it belongs to.
func TestLifecycleProperty(t *testing.T) {
	reasons := []string{"X", credit.ChangeReassessment, credit.ChangeUnchanged, ""}
	rapid.Check(t, func(t *rapid.T) {
		l, now := credit.Begin(moment), moment
		until := moment.Add(time.Duration(rapid.IntRange(1, 60).Draw(t, "life")) * time.Second)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(-2, 5).Draw(t, "pass")) * time.Second)
			to, by, reason := rapid.SampledFrom(statuses).Draw(t, "to"), rapid.SampledFrom(actors).Draw(t, "by"), rapid.SampledFrom(reasons).Draw(t, "why")
			if settled := l.Settle(until, now); settled.Version != l.Version {
				if l.Status.Final() || settled.Status != credit.Expired || now.Before(until) {
					t.Fatalf("%s expired by itself to %s", l.Status, settled.Status)
				}
				l = settled
			}
			next, err := l.Move(to, by, reason, now)
			if err != nil {
				if next != l {
					t.Fatal("a refused move changed something")
				}
				continue
			}
			switch {
			case !l.Status.CanMove(to), next.Status != to, next.Version != l.Version+1, next.UpdatedAt.Before(l.UpdatedAt), reason == "", by == "":
				t.Fatalf("%+v to %+v", l, next)
			case to == credit.Active && l.Status == credit.Suspended && (l.By == credit.BySubject) != (by == credit.BySubject):
				t.Fatalf("suspended by %s, resumed by %s", l.By, by)
			case to == credit.Active && l.Reassessing() && reason != credit.ChangeUnchanged:
				t.Fatal("TSD-CRD-LCM-04 resumed from a reassessment without its result")
			case to == credit.Expired && by != credit.ByClock, by == credit.ByClock && to != credit.Expired:
				t.Fatalf("%s by %s", to, by)
			}
			l = next
		}
	})
}

func TestMove(t *testing.T) {
	active, err := credit.Begin(moment).Move(credit.Active, credit.ByIssuer, credit.ChangeIssued, moment)
	if err != nil {
		t.Fatal(err)
	}
	paused, err := active.Move(credit.Suspended, credit.BySubject, "SUBJECT_REQUEST", moment)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		from credit.Lifecycle
		to   credit.Status
		by   credit.Actor
		why  string
		code protocol.Code
	}{
		"TSD-CRD-LCM-05 the subject revokes":              {active, credit.Revoked, credit.BySubject, "X", ""},
		"TSD-CRD-LCM-05 the subject revokes suspended":    {paused, credit.Revoked, credit.BySubject, "X", ""},
		"TSD-CRD-LCM-04 the subject cannot reassess":      {active, credit.Suspended, credit.BySubject, credit.ChangeReassessment, protocol.CodeActorRefused},
		"the bureau cannot end the subject's pause":       {paused, credit.Active, credit.ByCreditService, "X", protocol.CodeActorRefused},
		"the subject ends its own pause":                  {paused, credit.Active, credit.BySubject, "X", ""},
		"a stranger does nothing":                         {active, credit.Revoked, "", "X", protocol.CodeActorRefused},
		"TSD-CRD-LCM-06 a reason code is needed":          {active, credit.Revoked, credit.BySubject, "", protocol.CodeFieldMissing},
		"an application cannot activate itself":           {credit.Begin(moment), credit.Active, credit.BySubject, "X", protocol.CodeActorRefused},
		"an application is withdrawn":                     {credit.Begin(moment), credit.Revoked, credit.BySubject, "X", ""},
		"the zero lifecycle does not move":                {credit.Lifecycle{}, credit.Active, credit.ByIssuer, "X", protocol.CodeStateConflict},
		"TSD-CRD-LCM-01 suspended is not suspended again": {paused, credit.Suspended, credit.ByCreditService, "X", protocol.CodeStateConflict},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := test.from.Move(test.to, test.by, test.why, moment); protocol.CodeOf(err) != test.code {
				t.Errorf("got %v, want %q", err, test.code)
			}
		})
	}
	t.Run("expired at its end, whenever somebody looks", func(t *testing.T) {
		late := active.Settle(moment.Add(time.Hour), moment.Add(9*time.Hour))
		if late.Status != credit.Expired || !late.EffectiveAt.Equal(moment.Add(time.Hour)) || late.Reason != credit.ChangeValidityEnd {
			t.Errorf("%+v", late)
		}
		if now := active.Settle(moment.Add(time.Hour), moment.Add(time.Hour-1)); now != active {
			t.Errorf("%+v", now)
		}
	})
}

// TestFrequencyProperty: no span of the window's length, wherever it begins,
// ever holds more than the limit.
func TestFrequencyProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := credit.FrequencyLimit{MaxRequests: rapid.Int64Range(1, 5).Draw(t, "max"), WindowSeconds: rapid.Int64Range(1, 20).Draw(t, "window")}
		var served []time.Time
		now := moment
		refused := 0
		for range 60 {
			now = now.Add(time.Duration(rapid.IntRange(0, 4000).Draw(t, "ms")) * time.Millisecond)
			if f.Allows(served, now) {
				served = append(served, now)
			} else {
				refused++
			}
		}
		length := time.Duration(f.WindowSeconds) * time.Second
		for i, from := range served {
			n := int64(0)
			for _, at := range served[i:] {
				if at.Sub(from) < length {
					n++
				}
			}
			if n > f.MaxRequests {
				t.Fatalf("TSD-CRD-AUTH-02: %d within %s, %d allowed", n, length, f.MaxRequests)
			}
		}
		if int64(len(served)) < f.MaxRequests {
			t.Fatal("less than the limit was served")
		}
	})
	huge := credit.FrequencyLimit{MaxRequests: 1, WindowSeconds: 1 << 62}
	if huge.Allows([]time.Time{moment}, moment.Add(1000000*time.Hour)) {
		t.Error("a window longer than a Duration overflows")
	}
}
