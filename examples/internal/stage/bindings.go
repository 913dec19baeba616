package stage

import (
	"context"
	"net/http"

	"github.com/actprotocol/act-go/agentauth"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/verifier"
)

// A bindingDesk is what a processor that asks for principal bindings has more
// than another: who sent a request, and whom they act for.
type bindingDesk struct {
	guard   *agentauth.Guard
	refused func(error)
}

// AskForBindings makes the processor ask, from now on, for a principal binding
// with every payment (PSD-PAY-DEL-09, IDN-03, SPEC.md 9.1): the HTTP request
// that carries the payment is signed by the platform agent, and has with it the
// agent's credential and a binding for the mandate's principal and for this
// processor. platforms says who may speak for which platform's agents.
//
// Who has none that fits is told risk_refused and no more; refused, which must
// not block, is told the reason.
func (w *World) AskForBindings(platforms verifier.IssuerPolicy, refused func(error)) error {
	resolver := w.Resolver()
	status, err := w.statusClient(resolver)
	if err != nil {
		return err
	}
	v, err := verifier.New(verifier.Config{
		Issuers: verifier.IssuerMap{}, Identities: platforms, Keys: resolver, Status: status,
		Replay: verifier.NewMemoryReplay(0, w.Now), Now: w.Now,
	})
	if err != nil {
		return err
	}
	guard, err := agentauth.NewGuard(agentauth.Config{
		Verifier: v, Authority: w.Processor.ID().Host(), Audience: w.Processor.ID().String(), Credential: true,
	})
	if err != nil {
		return err
	}
	w.bindings.Store(&bindingDesk{guard: guard, refused: refused})
	return nil
}

// receive stands before the processor. Requests that are not signed pass: those
// of merchants and of browsers, and payments, which demandBinding then refuses.
func (w *World) receive(rw http.ResponseWriter, r *http.Request) {
	desk := w.bindings.Load()
	if desk == nil || r.Header.Get("Signature-Input") == "" {
		w.Processor.ServeHTTP(rw, r)
		return
	}
	desk.guard.Handler(w.Processor).ServeHTTP(rw, r)
}

// demandBinding is the processor's risk control: the context of a payment has
// the agent that sent it over HTTP, if the guard has seen one.
func (w *World) demandBinding(ctx context.Context, p *verifier.AuthorizedPayment) error {
	desk := w.bindings.Load()
	if desk == nil {
		return nil
	}
	err := checkBinding(ctx, p)
	if err != nil {
		desk.refused(err)
	}
	return err
}

func checkBinding(ctx context.Context, p *verifier.AuthorizedPayment) error {
	who, ok := agentauth.FromContext(ctx)
	if !ok {
		return protocol.New(protocol.CodeFieldMissing, "act-principal-binding", "PSD-PAY-DEL-09", "the request carries no binding")
	}
	binding, err := who.ActsFor(ctx, p.Delegator())
	if err != nil {
		return err
	}
	return p.CheckPrincipal(binding)
}
