package providertest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/provider"
)

// A bindingMutant is a MemoryLedger with one fault in what it keeps of bindings.
type bindingMutant struct {
	*provider.MemoryLedger
	begin   func(*bindingMutant, provider.Binding) (*provider.Binding, error)
	accept  func(*bindingMutant, string, provider.Grant) (*provider.Binding, error)
	decline func(*bindingMutant, string) error
}

func (m *bindingMutant) BeginBinding(ctx context.Context, b provider.Binding) (*provider.Binding, error) {
	if m.begin != nil {
		return m.begin(m, b)
	}
	return m.MemoryLedger.BeginBinding(ctx, b)
}

func (m *bindingMutant) AcceptBinding(ctx context.Context, id string, g provider.Grant) (*provider.Binding, error) {
	if m.accept != nil {
		return m.accept(m, id, g)
	}
	return m.MemoryLedger.AcceptBinding(ctx, id, g)
}

func (m *bindingMutant) DeclineBinding(ctx context.Context, id string, code protocol.Code) error {
	if m.decline != nil {
		return m.decline(m, id)
	}
	return m.MemoryLedger.DeclineBinding(ctx, id, code)
}

// TestBindingContractCatchesMutants: each fault is caught by the case about it.
func TestBindingContractCatchesMutants(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		name, caught string
		fault        bindingMutant
	}{
		{"binds before anybody agreed", "before the principal agrees", bindingMutant{begin: func(m *bindingMutant, b provider.Binding) (*provider.Binding, error) {
			if err := b.Check(); err == nil {
				_ = m.BindToken(provider.Token{ID: "tok-" + b.ID, Principal: b.Principal, Agent: b.Agent, Currency: b.Asked.Currency.Code(), ValidFrom: start, ValidUntil: start.Add(time.Hour)})
			}
			return m.MemoryLedger.BeginBinding(ctx, b)
		}}},
		{"grants all that was asked for", "lower and never widen", bindingMutant{accept: func(m *bindingMutant, id string, g provider.Grant) (*provider.Binding, error) {
			if b, err := m.Binding(ctx, id); err == nil && g.Confirmation.Method != "" {
				from := g.Terms.ValidFrom
				g.Terms = b.Asked
				g.Terms.ValidFrom = from
			}
			return m.MemoryLedger.AcceptBinding(ctx, id, g)
		}}},
		{"forgets that it declined", "declined for good", bindingMutant{decline: func(*bindingMutant, string) error { return nil }}},
		{"takes every content for equal", "the first answer", bindingMutant{begin: func(m *bindingMutant, b provider.Binding) (*provider.Binding, error) {
			b.Digest = "digest"
			return m.MemoryLedger.BeginBinding(ctx, b)
		}}},
		{"binds a second time", "the first answer", bindingMutant{accept: func(m *bindingMutant, id string, g provider.Grant) (*provider.Binding, error) {
			b, err := m.MemoryLedger.AcceptBinding(ctx, id, g)
			if err == nil && g.Token != "" {
				_ = m.BindToken(b.NewToken(g))
			}
			return b, err
		}}},
		{"waits for ever", "too late for good", bindingMutant{begin: func(m *bindingMutant, b provider.Binding) (*provider.Binding, error) {
			b.Expires = b.Expires.Add(time.Hour)
			return m.MemoryLedger.BeginBinding(ctx, b)
		}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			caught := false
			for _, k := range bindingCases() {
				r, clock := new(recorder), newClock()
				m := c.fault
				m.MemoryLedger = provider.NewMemoryLedger(clock.now)
				done := make(chan struct{})
				go func() {
					defer close(done)
					k.run(&binder{newBench(r, &m, clock), &m})
				}()
				<-done
				caught = caught || r.said != "" && strings.Contains(k.name, c.caught)
			}
			if !caught {
				t.Errorf("%q did not catch it", c.caught)
			}
		})
	}
}
