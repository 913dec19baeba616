package delegation

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
)

// in returns a lifecycle in a state at noon.
func in(t testing.TB, s State, heldBy Actor) (l *Lifecycle, now time.Time) {
	t.Helper()
	l, now = NewLifecycle(start, end), noon
	var err error
	switch s {
	case StatePending:
		now = start.Add(-time.Hour)
	case StateSuspended:
		err = l.Apply(Suspend, heldBy, noon)
	case StateRevoked:
		err = l.Apply(Revoke, ActorPrincipal, noon)
	case StateExpired:
		now = end
	}
	if err != nil || l.State(now) != s {
		t.Fatalf("could not reach %s: %v", s, err)
	}
	return l, now
}

// Every state, command and actor.
func TestLifecycleTable(t *testing.T) {
	type move struct {
		from  State
		cmd   Command
		actor Actor
	}
	// ADD-IAC-LCM-02 and -04; Pending by SPEC.md 4.5. Suspended is by the
	// principal here.
	allowed := map[move]State{
		{StateActive, Suspend, ActorPrincipal}:      StateSuspended,
		{StateActive, Suspend, ActorRiskControl}:    StateSuspended,
		{StateActive, Revoke, ActorPrincipal}:       StateRevoked,
		{StateActive, Revoke, ActorAgent}:           StateRevoked,
		{StatePending, Suspend, ActorPrincipal}:     StateSuspended,
		{StatePending, Suspend, ActorRiskControl}:   StateSuspended,
		{StatePending, Revoke, ActorPrincipal}:      StateRevoked,
		{StatePending, Revoke, ActorAgent}:          StateRevoked,
		{StateSuspended, Resume, ActorPrincipal}:    StateActive,
		{StateSuspended, Resume, ActorRiskControl}:  StateActive,
		{StateSuspended, Suspend, ActorRiskControl}: StateSuspended,
		{StateSuspended, Revoke, ActorPrincipal}:    StateRevoked,
		{StateSuspended, Revoke, ActorAgent}:        StateRevoked,
	}
	transition := map[State]map[Command]bool{
		StateActive:    {Suspend: true, Revoke: true},
		StatePending:   {Suspend: true, Revoke: true},
		StateSuspended: {Resume: true, Revoke: true},
	}
	for _, from := range []State{StatePending, StateActive, StateSuspended, StateRevoked, StateExpired} {
		for _, cmd := range []Command{Suspend, Resume, Revoke} {
			for _, actor := range []Actor{ActorPrincipal, ActorAgent, ActorRiskControl, "merchant", ""} {
				t.Run("ADD-IAC-LCM-02 "+string(from)+" "+string(cmd)+" by "+string(actor), func(t *testing.T) {
					l, now := in(t, from, ActorPrincipal)
					err := l.Apply(cmd, actor, now)
					to, ok := allowed[move{from, cmd, actor}]
					switch {
					case ok:
						if err != nil || l.State(now) != to {
							t.Fatalf("got %s, %v", l.State(now), err)
						}
						return
					case transition[from][cmd]:
						want(t, err, protocol.CodeActorRefused, "actor", "ADD-IAC-LCM-04")
					default:
						want(t, err, protocol.CodeStateConflict, "", "ADD-IAC-LCM-02")
					}
					if l.State(now) != from {
						t.Errorf("a refused command moved to %s", l.State(now))
					}
				})
			}
		}
	}
}

func TestLifecycle(t *testing.T) {
	t.Run("ADD-IAC-LCM-01 window", func(t *testing.T) {
		l := NewLifecycle(start, end)
		for _, c := range []struct {
			at   time.Time
			want State
		}{{start.Add(-1), StatePending}, {start, StateActive}, {end.Add(-1), StateActive}, {end, StateExpired}} {
			if got := l.State(c.at); got != c.want {
				t.Errorf("%v: %s, want %s", c.at, got, c.want)
			}
		}
	})
	t.Run("ADD-IAC-LCM-03 a clock that goes back wakes nothing", func(t *testing.T) {
		l, _ := in(t, StateExpired, "")
		if got := l.State(noon); got != StateExpired {
			t.Errorf("%s", got)
		}
		want(t, l.Apply(Revoke, ActorPrincipal, noon), protocol.CodeStateConflict, "", "")
	})
	t.Run("ADD-IAC-LCM-03 revoked stays revoked after the end", func(t *testing.T) {
		l, _ := in(t, StateRevoked, "")
		if got := l.State(end); got != StateRevoked {
			t.Errorf("%s", got)
		}
	})
	t.Run("ADD-IAC-LCM-04 what risk control suspended the principal cannot resume", func(t *testing.T) {
		l, now := in(t, StateSuspended, ActorRiskControl)
		want(t, l.Apply(Resume, ActorPrincipal, now), protocol.CodeActorRefused, "actor", "ADD-IAC-LCM-04")
		if err := l.Apply(Resume, ActorRiskControl, now); err != nil || l.State(now) != StateActive {
			t.Errorf("%s, %v", l.State(now), err)
		}
	})
	t.Run("ADD-IAC-LCM-04 risk control takes over", func(t *testing.T) {
		l, now := in(t, StateSuspended, ActorPrincipal)
		if err := l.Apply(Suspend, ActorRiskControl, now); err != nil {
			t.Fatal(err)
		}
		want(t, l.Apply(Resume, ActorPrincipal, now), protocol.CodeActorRefused, "actor", "")
		want(t, l.Apply(Suspend, ActorPrincipal, now), protocol.CodeStateConflict, "", "")
	})
	t.Run("ADD-IAC-LCM-05 a suspended one expires", func(t *testing.T) {
		l, _ := in(t, StateSuspended, ActorPrincipal)
		if got := l.State(end); got != StateExpired {
			t.Errorf("%s", got)
		}
	})
	t.Run("ADD-IAC-LCM-07 only Active is usable", func(t *testing.T) {
		for s, code := range map[State]protocol.Code{
			StatePending: protocol.CodeMandateNotYetValid, StateSuspended: protocol.CodeMandateSuspended,
			StateRevoked: protocol.CodeMandateRevoked, StateExpired: protocol.CodeMandateExpired,
			"": protocol.CodeStatusUnavailable, "active": protocol.CodeStatusUnavailable,
		} {
			want(t, s.Err(), code, "", "")
		}
		if StateActive.Err() != nil {
			t.Error("Active is refused")
		}
	})
	t.Run("ADD-IAC-LCM-09 events", func(t *testing.T) {
		for cmd, event := range map[Command]string{Suspend: EventSuspended, Resume: EventResumed, Revoke: EventRevoked, "x": ""} {
			if cmd.Event() != event {
				t.Errorf("%s: %s", cmd, cmd.Event())
			}
		}
	})
	t.Run("ADD-IAC-LCM-06 status and window together", func(t *testing.T) {
		for _, c := range []struct {
			status Status
			at     time.Time
			want   State
		}{
			{StatusActive, start.Add(-1), StatePending}, {StatusActive, noon, StateActive}, {StatusActive, end, StateExpired},
			{StatusSuspended, noon, StateSuspended}, {StatusSuspended, end, StateExpired}, {StatusSuspended, start.Add(-1), StateSuspended},
			{StatusRevoked, noon, StateRevoked}, {StatusRevoked, end, StateExpired}, {3, noon, ""}, {200, start.Add(-1), ""},
		} {
			if got := (Claims{NotBefore: start, Expires: end}).StateAt(c.status, c.at); got != c.want {
				t.Errorf("%d at %v: %q, want %q", c.status, c.at, got, c.want)
			}
		}
	})
	t.Run("zero value and unknown command", func(t *testing.T) {
		if got := new(Lifecycle).State(noon); got != StateExpired {
			t.Errorf("%s", got)
		}
		l, now := in(t, StateActive, "")
		want(t, l.Apply("delete", ActorPrincipal, now), protocol.CodeFieldInvalid, "command", "ADD-IAC-LCM-02")
	})
}

// No sequence of commands, actors and times leaves a terminal state, lets a
// wrong actor through, or makes a move that is not in the table.
func TestLifecycleProperties(t *testing.T) {
	commands := []Command{Suspend, Resume, Revoke, "delete"}
	actors := []Actor{ActorPrincipal, ActorAgent, ActorRiskControl, "issuer"}
	moves := map[[2]State]bool{
		{StateActive, StateSuspended}: true, {StateSuspended, StateActive}: true, {StateActive, StateRevoked}: true, {StateSuspended, StateRevoked}: true,
		{StatePending, StateSuspended}: true, {StateSuspended, StatePending}: true, {StatePending, StateRevoked}: true,
	}
	rapid.Check(t, func(t *rapid.T) {
		l := NewLifecycle(start, end)
		held := Actor("")
		last := l.State(start.Add(-time.Hour))
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now := start.Add(time.Duration(rapid.IntRange(-5, 26).Draw(t, "hour")) * time.Hour)
			before := l.State(now)
			if last.Terminal() && before != last {
				t.Fatalf("%s was left for %s by time", last, before)
			}
			cmd, actor := rapid.SampledFrom(commands).Draw(t, "cmd"), rapid.SampledFrom(actors).Draw(t, "actor")
			err := l.Apply(cmd, actor, now)
			last = l.State(now)
			switch {
			case before.Terminal() && (err == nil || last != before):
				t.Fatalf("%s was left for %s", before, last)
			case err != nil && last != before:
				t.Fatal("a refused command changed the state")
			case err == nil && before != last && !moves[[2]State{before, last}]:
				t.Fatalf("from %s to %s", before, last)
			case err != nil:
				continue
			}
			switch cmd {
			case Suspend:
				if actor != ActorPrincipal && actor != ActorRiskControl || before == StateSuspended && (actor != ActorRiskControl || held == ActorRiskControl) {
					t.Fatalf("%s suspended", actor)
				}
				held = actor
			case Resume:
				if actor != ActorRiskControl && (actor != ActorPrincipal || held != ActorPrincipal) {
					t.Fatalf("%s resumed what %s suspended", actor, held)
				}
			case Revoke:
				if actor != ActorPrincipal && actor != ActorAgent {
					t.Fatalf("%s revoked", actor)
				}
			default:
				t.Fatal("an unknown command was carried out")
			}
		}
	})
}
